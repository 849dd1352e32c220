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

/// The tables of a small OMOP data set; what a table's name resolves to is in a comment of the test.
const OMOP: &str = "CREATE TABLE {cdm}condition_occurrence (condition_occurrence_id bigint, person_id bigint, condition_concept_id bigint, condition_start_date date);
    INSERT INTO {cdm}condition_occurrence VALUES (3, 30, 9, '2011-03-01'), (1, 10, 4112853, '2011-01-01'), (2, 20, 137809, '2011-02-01');
    CREATE TABLE {voc}concept (concept_id bigint, concept_name text, concept_code text, vocabulary_id text);
    INSERT INTO {voc}concept VALUES (4112853, 'Malignant tumor of breast', '254837009', 'SNOMED'), (137809, 'Primary malignant neoplasm of female breast', '372064008', 'SNOMED'), (9, 'Asthma', '195967001', 'SNOMED');
    CREATE TABLE {voc}concept_ancestor (ancestor_concept_id bigint, descendant_concept_id bigint);
    INSERT INTO {voc}concept_ancestor VALUES (443392, 443392), (443392, 4112853), (443392, 137809), (4112853, 137809)";

/// An OMOP data set in a server, its vocabulary in a schema of its own, and in a file of SQLite: three conditions in the order of
/// their numbers, two of which descend from 443392 (malignant neoplastic disease).
#[test]
fn omop_tables_of_a_database() {
    let p = Project::new(&[
        ("pipeline.yaml", "pipeline: p\nschema: schema.yaml\nmappings: [mapping.yaml]\n"),
        ("schema.yaml", "schema: s\nversion: 1.0.0\ntables:\n  t:\n    fields: {person: {type: integer}, began: {type: date}, name: {type: text, free_text: true}, cancer: {type: boolean}}\n"),
    ]);
    let run = |path: &str, more: &str, out: &str| {
        p.write(
            "mapping.yaml",
            format!("mapping: m\nschema: s\nsite: x\nsources:\n  e: {{path: \"{path}\", format: omop, table: condition_occurrence, concepts: [condition_concept_id], descendants: {{is_cancer: {{column: condition_concept_id, of: 443392}}}}{more}}}\ntables:\n  t: {{from: e, on_error: quarantine, fields: {{person: {{from: person_id}}, began: {{from: condition_start_date}}, name: {{from: condition_concept_name}}, cancer: {{from: is_cancer}}}}}}\n").as_bytes(),
        );
        let mut command = cohorte();
        told(&command.current_dir(p.folder.path()).env("REGISTRY", "geheim:x").args(["run", "pipeline.yaml", "--quiet", "--out", out]).output().expect("cohorte starts"))
    };
    let expected = [
        ["10", "2011-01-01", "Malignant tumor of breast", "true"],
        ["20", "2011-02-01", "Primary malignant neoplasm of female breast", "true"],
        ["30", "2011-03-01", "Asthma", "false"],
    ];
    let db = rusqlite::Connection::open(p.path("omop.db")).expect("a database");
    db.execute_batch(&OMOP.replace("{cdm}", "").replace("{voc}", "")).expect("filled");
    drop(db);
    let (code, said, err) = run("omop.db", "", "file");
    assert_eq!(code, 0, "{said}{err}");
    assert_eq!(p.query(&[("c", "file/cohort/t/site=x")], "SELECT * FROM c"), expected);
    let Some(server) = Server::start() else { return };
    let mut client = postgres::Client::connect(&format!("{}?password=geheim:x", server.url()), postgres::NoTls).expect("a connection");
    client.batch_execute(&format!("CREATE SCHEMA cdm; CREATE SCHEMA vocab; {}", OMOP.replace("{cdm}", "cdm.").replace("{voc}", "vocab."))).expect("filled");
    drop(client);
    let (code, said, err) = run(&server.url(), ", schema: cdm, vocabulary_schema: vocab, password_env: REGISTRY", "server");
    assert_eq!(code, 0, "{said}{err}");
    assert_eq!(p.query(&[("c", "server/cohort/t/site=x")], "SELECT * FROM c"), expected);
    let (code, _, err) = run(&server.url(), ", schema: cmd, password_env: REGISTRY", "wrong");
    assert!(code == 2 && err.contains("M330") && err.contains("no table there"), "{code} {err}");
    let (code, _, err) = run(&server.url(), ", schema: cdm, password_env: REGISTRY", "without");
    assert!(code == 2 && err.contains("the vocabulary's table `concept` is not there"), "{code} {err}");
}

/// A server that speaks S3 (`s3s-fs`, which `make test` installs): objects by name and by a pattern, packed ones too, with the
/// credentials of the environment; a wrong key, an absent bucket and a server that is gone are no cohort.
#[test]
fn objects_of_a_store_by_name_and_by_pattern() {
    let places = [std::env::var_os("HOME").map(|h| PathBuf::from(h).join(".cache/cohorte/tools/bin/s3s-fs")), Some(PathBuf::from("/usr/local/bin/s3s-fs"))];
    let Some(bin) = places.into_iter().flatten().find(|p| p.is_file()) else {
        eprintln!("skipped: no S3 server is installed (`cargo install s3s-fs --features binary`)");
        return;
    };
    let root = tempfile::tempdir().expect("a folder");
    std::fs::create_dir_all(root.path().join("exports/2024")).expect("a bucket");
    std::fs::write(root.path().join("exports/2024/a.csv"), "ID;V\n1;10\n2;20\n").expect("an object");
    let mut packed = flate2::write::GzEncoder::new(vec![], flate2::Compression::default());
    std::io::Write::write_all(&mut packed, b"ID;V\n3;30\n").expect("packed");
    std::fs::write(root.path().join("exports/2024/b.csv.gz"), packed.finish().expect("packed")).expect("an object");
    std::fs::write(root.path().join("exports/readme.txt"), "no table").expect("an object");
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let mut server = Command::new(bin).args(["--host", "127.0.0.1", "--port", &port.to_string(), "--access-key", "reader", "--secret-key", "geheim"]).arg(root.path()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the server starts");
    for _ in 0..100 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let schema = "schema: s\nversion: 1.0.0\ntables:\n  t:\n    fields: {id: {type: integer}, v: {type: integer}}\n";
    let mapping = |path: &str| format!("mapping: m\nschema: s\nsite: x\nsources:\n  e: {{path: \"{path}\", delimiter: \";\"}}\ntables:\n  t: {{from: e, on_error: quarantine, fields: {{id: {{from: ID}}, v: {{from: V}}}}}}\n");
    let p = Project::new(&[("pipeline.yaml", "pipeline: p\nschema: schema.yaml\nmappings: [mapping.yaml]\n"), ("schema.yaml", schema)]);
    let run = |path: &str, out: &str, key: &str| {
        p.write("mapping.yaml", mapping(path).as_bytes());
        let mut command = cohorte();
        command.current_dir(p.folder.path()).env("AWS_ACCESS_KEY_ID", "reader").env("AWS_SECRET_ACCESS_KEY", key).env("AWS_REGION", "eu-west-3");
        command.env("AWS_ENDPOINT", format!("http://127.0.0.1:{port}")).env("AWS_ALLOW_HTTP", "true");
        told(&command.args(["run", "pipeline.yaml", "--quiet", "--out", out]).output().expect("cohorte starts"))
    };
    let (code, said, err) = run("s3://exports/2024/*.csv*", "all", "geheim");
    assert_eq!(code, 0, "{said}{err}");
    assert_eq!(p.query(&[("c", "all/cohort/t/site=x")], "SELECT count(*), sum(v) FROM c"), [["3", "60"]]);
    let manifest = p.json("all/manifest.json");
    let paths: Vec<&str> = manifest["sources"].as_array().expect("sources").iter().filter_map(|s| s["path"].as_str()).collect();
    assert_eq!(paths, ["s3://exports/2024/a.csv", "s3://exports/2024/b.csv.gz"]);
    let (code, said, err) = run("s3://exports/2024/a.csv", "one", "geheim");
    assert_eq!(code, 0, "{said}{err}");
    assert_eq!(p.query(&[("c", "one/cohort/t/site=x")], "SELECT count(*) FROM c"), [["2"]]);
    let wrong = run("s3://exports/2024/a.csv", "wrong", "geraten");
    assert!(wrong.0 == 3 && wrong.2.contains("D601") && !wrong.2.contains("geraten"), "{wrong:?}");
    let absent = run("s3://exports/2023/*.csv", "absent", "geheim");
    assert!(absent.0 == 3 && absent.2.contains("no object fits the pattern"), "{absent:?}");
    server.kill().expect("ended");
    let _ = server.wait();
    let gone = run("s3://exports/2024/a.csv", "gone", "geheim");
    assert!(gone.0 == 3 && !p.path("gone").exists(), "{gone:?}");
    // Nothing that was brought stays.
    let left: Vec<_> = std::fs::read_dir(std::env::temp_dir()).expect("a folder").filter_map(Result::ok).filter(|e| e.file_name().to_string_lossy().starts_with("cohorte-brought-")).collect();
    assert!(left.iter().all(|e| std::process::Command::new("kill").args(["-0", e.file_name().to_string_lossy().rsplit('-').next().unwrap_or("0")]).status().is_ok_and(|s| s.success())), "{left:?}");
}
