//! A real PostgreSQL on loopback, started for the test; it is skipped with a message where the server is not installed.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::support::{Project, cohorte, told};

/// A server with its own folder and port; it ends with the test.
struct Server {
    bin: PathBuf,
    data: tempfile::TempDir,
    port: u16,
}

impl Server {
    fn start() -> Option<Server> {
        let bin = glob::glob("/usr/lib/postgresql/*/bin/initdb").ok()?.filter_map(Result::ok).last().and_then(|p| p.parent().map(PathBuf::from));
        let Some(bin) = bin else {
            eprintln!("skipped: no PostgreSQL server is installed (package `postgresql`)");
            return None;
        };
        let data = tempfile::tempdir().expect("a folder");
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
        let server = Server { bin, data, port };
        let folder = server.data.path().display().to_string();
        // The server refuses to run as root.
        assert!(Command::new("chown").args(["-R", "postgres", &folder]).status().expect("chown starts").success());
        std::fs::write(server.data.path().join("password"), "geheim:x").expect("a password");
        Command::new("chmod").args(["a+r", &format!("{folder}/password")]).status().expect("chmod starts");
        server.run(&format!("initdb -D {folder}/db -U reader -A scram-sha-256 --pwfile={folder}/password -E UTF8 --locale=C"));
        server.run(&format!("pg_ctl -D {folder}/db -w -l {folder}/log -o '-p {port} -h 127.0.0.1 -k {folder}' start"));
        Some(server)
    }

    fn run(&self, command: &str) {
        let status = Command::new("su").args(["postgres", "-s", "/bin/sh", "-c", &format!("{}/{command}", self.bin.display())]).stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(status.expect("su starts").success(), "{command}");
    }

    fn url(&self) -> String {
        format!("postgresql://reader@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let stop = format!("{}/pg_ctl -D {}/db -m immediate stop", self.bin.display(), self.data.path().display());
        let _ = Command::new("su").args(["postgres", "-s", "/bin/sh", "-c", &stop]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

const SCHEMA: &str = "schema: s
version: 1.0.0
tables:
  t:
    fields: {id: {type: integer}, size: {type: decimal}, alive: {type: boolean}, born: {type: date}, seen: {type: datetime}, note: {type: text, free_text: true}}
";

/// Every value of six types arrives, a value that the schema does not take is refused with its reason, and 12,000 rows come in
/// more than one fetch; password from the environment and from a `.pgpass`, none in any message.
#[test]
fn postgresql_by_table_and_by_query() {
    let Some(server) = Server::start() else { return };
    let mut client = postgres::Client::connect(&format!("{}?password=geheim:x", server.url()), postgres::NoTls).expect("a connection");
    client
        .batch_execute(
            "CREATE SCHEMA reg; CREATE TABLE reg.patients (id bigint, size numeric(9,2), alive boolean, born date, seen timestamptz, note text);
             INSERT INTO reg.patients SELECT n, n + 0.5, n % 2 = 0, DATE '1950-01-01' + (n % 1000)::int, TIMESTAMPTZ '2011-12-31 08:30:00+01', 'é' || n FROM generate_series(1, 12000) AS n;
             INSERT INTO reg.patients VALUES (12001, NULL, NULL, NULL, NULL, NULL), (12002, 1, true, DATE '1850-01-01', NULL, NULL)",
        )
        .expect("filled");
    drop(client);
    let url = server.url();
    let mapping = |what: &str| format!("mapping: m\nschema: s\nsite: x\nsources:\n  e: {{path: \"{url}\", format: postgresql, {what}}}\ntables:\n  t:\n    from: e\n    on_error: quarantine\n    fields: {{id: {{from: id}}, size: {{from: size}}, alive: {{from: alive}}, born: {{from: born}}, seen: {{from: seen}}, note: {{from: note}}}}\n");
    let p = Project::new(&[("pipeline.yaml", "pipeline: p\nschema: schema.yaml\nmappings: [mapping.yaml]\n"), ("schema.yaml", SCHEMA), ("mapping.yaml", &mapping("table: reg.patients, order_by: id, password_env: REGISTRY"))]);
    let run = |out: &str, environment: &[(&str, &str)]| {
        let mut command = cohorte();
        command.current_dir(p.folder.path()).env_remove("PGPASSWORD").env("HOME", p.folder.path());
        command.envs(environment.iter().copied());
        told(&command.args(["run", "pipeline.yaml", "--quiet", "--partitions", "2", "--out", out]).output().expect("cohorte starts"))
    };
    let (code, said, err) = run("out", &[("REGISTRY", "geheim:x")]);
    assert_eq!(code, 0, "{said}{err}");
    let rows = p.query(&[("c", "out/cohort/t/site=x")], "SELECT count(*), sum(id), sum(size), count(*) FILTER (WHERE alive), min(born), min(seen), max(note) FROM c");
    // 1 + … + 12000, and 12001; sizes are half larger each.
    assert_eq!(rows, [["12001", "72018001", "72012000.0", "6000", "1950-01-01", "2011-12-31T07:30:00", "é9999"]]);
    let refused = p.query(&[("q", "out/quarantine/e/site=x")], "SELECT id, born, _reasons FROM q");
    assert!(refused.len() == 1 && refused[0][0] == "12002" && refused[0][1] == "1850-01-01" && refused[0][2].contains("R502"), "{refused:?}");
    p.write(".pgpass", format!("127.0.0.1:{}:*:reader:geheim\\:x\n", server.port).as_bytes());
    p.write("mapping.yaml", mapping("query: \"SELECT * FROM reg.patients WHERE id <= 10 ORDER BY id\"").as_bytes());
    assert_eq!(run("again", &[]).0, 0);
    assert_eq!(p.query(&[("c", "again/cohort/t/site=x")], "SELECT count(*) FROM c"), [["10"]]);
    let (code, _, err) = run("wrong", &[("PGPASSWORD", "geraten")]);
    assert!(code == 3 && err.contains("D601") && err.contains("password authentication failed") && !err.contains("geraten"), "{code} {err}");
    p.write("mapping.yaml", mapping("query: \"DELETE FROM reg.patients\"").as_bytes());
    let (code, _, err) = run("writes", &[]);
    assert!(code == 2 && err.contains("M330") && err.contains("a source is read by a SELECT"), "{code} {err}");
    p.write("mapping.yaml", mapping("table: reg.patient").as_bytes());
    let (code, _, err) = run("absent", &[]);
    assert!(code == 2 && err.contains("M330") && err.contains("does not exist"), "{code} {err}");
    p.write("mapping.yaml", mapping("table: reg.patients").replace("reader@", "reader:geheim@").as_bytes());
    let (code, _, err) = run("inside", &[]);
    assert!(code == 3 && err.contains("the path holds a password"), "{code} {err}");
    drop(server);
    p.write("mapping.yaml", mapping("table: reg.patients").as_bytes());
    let (code, _, err) = run("gone", &[]);
    assert!(code == 3 && err.contains("D601"), "{code} {err}");
}
