//! Shapes against a second implementation: the same rows by SQL, whose joins, windows and groupings are not ours.
//!
//! Patients and laboratory rows are made at random, with repeated keys, missing cells and persons that
//! only one side knows. They go into a cohort as they are (tables `p` and `l`) and through shapes; SQL over
//! the first two must give what the shapes gave.

use std::fmt::Write as _;

use crate::support::Project;

const SCHEMA: &str = "schema: s
version: 1.0.0
tables:
  p:
    fields: {id: {type: text, free_text: true}, n: {type: integer}, dx: {type: date}}
  l:
    fields: {id: {type: text, free_text: true}, n: {type: integer}, ex: {type: text, free_text: true}, v: {type: integer}, d: {type: date}}
  wide:
    fields: {n: {type: integer}, a: {type: integer}, b: {type: integer}}
  joined:
    fields: {n: {type: integer}, m: {type: integer}}
  grouped:
    fields: {id: {type: text, free_text: true}, count: {type: integer}, sum: {type: decimal}, low: {type: integer}, begun: {type: date}}
  latest:
    fields: {id: {type: text, free_text: true}, m: {type: integer}}
";

const MAPPING: &str = "mapping: m
schema: s
site: x
sources:
  persons: {path: p.csv, delimiter: \";\"}
  labs: {path: l.csv, delimiter: \";\"}
shapes:
  patients: {from: persons, on_error: quarantine, derive: {DX: {type: date}}}
  values: {from: labs, on_error: quarantine, derive: {N: {type: integer}, V: {type: integer}, D: {type: date}}}
  wide: {from: values, pivot: {onto: patients, key: ID, names: EX, values: V, into: {A: a, B: b}, pick: nearest, at: D, to: DX, within: 300}}
  joined: {from: persons, join: {with: labs, on: ID, take: {M: N}, missing: \"null\", several: expand}}
  grouped: {from: values, group: {by: ID, into: {count: count, sum: {sum: V}, low: {min: V}, begun: {min: D}}}}
  latest: {from: values, deduplicate: {by: ID, order: [D, N], keep: last}}
tables:
  p: {from: persons, on_error: quarantine, fields: {id: {from: ID}, n: {from: N}, dx: {from: DX}}}
  l: {from: labs, on_error: quarantine, fields: {id: {from: ID}, n: {from: N}, ex: {from: EX}, v: {from: V}, d: {from: D}}}
  wide: {from: wide, on_error: quarantine, fields: {n: {from: N}, a: {from: a}, b: {from: b}}}
  joined: {from: joined, on_error: quarantine, fields: {n: {from: N}, m: {from: M}}}
  grouped: {from: grouped, on_error: quarantine, fields: {id: {from: ID}, count: {from: count}, sum: {from: sum}, low: {from: low}, begun: {from: begun}}}
  latest: {from: latest, on_error: quarantine, fields: {id: {from: ID}, m: {from: N}}}
";

/// The same numbers every time.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % n
    }
}

fn day(n: u64) -> String {
    format!("20{:02}-{:02}-{:02}", 10 + n / 336 % 8, 1 + n / 28 % 12, 1 + n % 28)
}

/// One person in forty has no number, and numbers repeat; one value or date in thirty is missing; names are A, B and C.
fn exports(random: &mut Random) -> (String, String) {
    let (mut persons, mut labs) = ("ID;N;DX\n".to_owned(), "ID;N;EX;V;D\n".to_owned());
    let id = |random: &mut Random| if random.below(40) == 0 { String::new() } else { format!("person {}", random.below(3000)) };
    for n in 0..2_500 {
        let dx = if random.below(30) == 0 { String::new() } else { day(random.below(2600)) };
        let _ = writeln!(persons, "{};{n};{dx}", id(random));
    }
    for n in 0..20_000 {
        let value = if random.below(30) == 0 { String::new() } else { random.below(50).to_string() };
        let d = if random.below(30) == 0 { String::new() } else { day(random.below(2600)) };
        let _ = writeln!(labs, "{};{n};{};{value};{d}", id(random), ["A", "B", "C"][random.below(3) as usize]);
    }
    (persons, labs)
}

const WIDE: &str = "WITH c AS (
  SELECT p.n, l.ex, l.v, row_number() OVER (PARTITION BY p.n, l.ex ORDER BY abs(date_part('epoch', l.d) - date_part('epoch', p.dx)), l.d, l.v) AS place
  FROM p JOIN l ON p.id = l.id
  WHERE l.v IS NOT NULL AND abs(date_part('epoch', l.d) - date_part('epoch', p.dx)) <= 300 * 86400)
SELECT p.n, max(CASE WHEN ex = 'A' THEN v END), max(CASE WHEN ex = 'B' THEN v END)
FROM p LEFT JOIN c ON p.n = c.n AND place = 1 GROUP BY p.n ORDER BY 1";
const GROUPED: &str = "SELECT id, count(*), CAST(sum(v) AS DOUBLE), min(v), min(d) FROM l WHERE id IS NOT NULL GROUP BY id ORDER BY 1";
const LATEST: &str = "SELECT id, n FROM (SELECT id, n, row_number() OVER (PARTITION BY id ORDER BY d DESC NULLS LAST, n DESC) AS place FROM l) WHERE place = 1 OR id IS NULL ORDER BY 1, 2";

#[test]
fn shapes_give_what_sql_gives() {
    for seed in [1, 2] {
        let (persons, labs) = exports(&mut Random(seed));
        let project = Project::new(&[
            ("schema.yaml", SCHEMA),
            ("mapping.yaml", MAPPING),
            ("pipeline.yaml", "pipeline: p\nschema: schema.yaml\nmappings: [mapping.yaml]\n"),
            ("p.csv", &persons),
            ("l.csv", &labs),
        ]);
        let mut before: Option<Vec<Vec<Vec<String>>>> = None;
        for partitions in ["1", "4"] {
            let out = format!("out{partitions}");
            let (exit, said, err) = project.run(&out, &["--partitions", partitions, "--memory", "64MB"]);
            assert_eq!(exit, 0, "{said}{err}");
            let at = |table: &str| format!("{out}/cohort/{table}/site=x");
            let (p, l) = (at("p"), at("l"));
            let sql = |text: &str| project.query(&[("p", &p), ("l", &l)], text);
            let ours = |table: &str, text: &str| project.query(&[("t", &at(table))], text);
            let compare = |what: &str, ours: Vec<Vec<String>>, theirs: Vec<Vec<String>>, least: usize| {
                assert!(theirs.len() >= least, "{what}: {} rows", theirs.len());
                if let Some((a, b)) = ours.iter().zip(&theirs).find(|(a, b)| a != b) {
                    panic!("{what}, {partitions} partitions: {a:?}, and by SQL {b:?}");
                }
                assert_eq!(ours.len(), theirs.len(), "{what}");
            };
            compare("wide", ours("wide", "SELECT n, a, b FROM t ORDER BY n"), sql(WIDE), 2500);
            compare("joined", ours("joined", "SELECT n, m FROM t ORDER BY 1, 2"), sql("SELECT p.n, l.n FROM p LEFT JOIN l ON p.id = l.id ORDER BY 1, 2"), 10_000);
            compare("grouped", ours("grouped", "SELECT id, count, sum, low, begun FROM t ORDER BY 1"), sql(GROUPED), 2_500);
            compare("latest", ours("latest", "SELECT id, m FROM t ORDER BY 1, 2"), sql(LATEST), 2_500);
            // The order too is that of one partition.
            let unsorted = ["wide", "joined", "grouped", "latest"].map(|table| ours(table, "SELECT * FROM t")).to_vec();
            match &before {
                Some(before) => assert!(*before == unsorted, "rows come in another order"),
                None => before = Some(unsorted),
            }
        }
    }
}

/// Of three rows one is refused by the plain table, two by the shaped one: one on its way, one at its end.
#[test]
fn a_replay_names_what_it_leaves_out_and_cases_exercise_shapes() {
    let project = Project::new(&[
        ("schema.yaml", "schema: s\nversion: 1.0.0\ntables:\n  p:\n    fields: {n: {type: integer}}\n  q:\n    fields: {n: {type: integer}, c: {type: code, values: [a, b]}}\n"),
        ("mapping.yaml", REPLAYED),
        ("pipeline.yaml", "pipeline: p\nschema: schema.yaml\nmappings: [mapping.yaml]\n"),
        ("e.csv", "N;C\n1;x\ntwo;y\n3;z\n"),
    ]);
    assert_eq!(project.run("first", &[]).0, 0);
    // A run is no other than itself, wherever on the way its rows were refused.
    let same = crate::support::cohorte().current_dir(project.folder.path()).args(["diff", "first", "first"]).output().expect("cohorte starts");
    assert_eq!(crate::support::told(&same).0, 0, "{}", crate::support::told(&same).1);
    project.write("mapping.yaml", REPLAYED.replace("{from: N}, c", "{from: N, null: two}, c").replace("p: {from: e, on_error: quarantine, fields: {n: {from: N}}}", "p: {from: e, on_error: quarantine, fields: {n: {from: N, null: two}}}").as_bytes());
    let (exit, said, err) = project.run("again", &["--replay", "first"]);
    assert_eq!(exit, 0, "{said}{err}");
    assert!(err.contains("not replayed, as filled from shapes: q (x)"), "{err}");
    assert_eq!(project.query(&[("t", "again/cohort/p/site=x")], "SELECT count(*), count(n) FROM t"), [["1", "0"]]);
    assert_eq!(project.json("again/manifest.json")["replay"]["left_out"], serde_json::json!(["q (x)"]));
    project.write("mapping.yaml", REPLAYED.replace("  p: {from: e, on_error: quarantine, fields: {n: {from: N}}}\n", "").as_bytes());
    let (exit, said, err) = project.run("third", &["--replay", "first"]);
    assert_eq!(exit, 2, "{said}{err}");
    assert!(err.contains("nothing to replay but what is filled from shapes: q (x)"), "{err}");

    project.write("mapping.yaml", REPLAYED.as_bytes());
    project.write("tests.yaml", b"tests: m\ncases:\n  - {case: one row, rows: [{N: 1, C: x}], accepted: {q: [{n: 1, c: a}]}}\n");
    let output = crate::support::cohorte().current_dir(project.folder.path()).args(["test", "pipeline.yaml"]).output().expect("cohorte starts");
    let (exit, said, err) = crate::support::told(&output);
    assert_eq!(exit, 0, "{said}{err}");
    // Derivations: p.n, q.n, q.c, and c of the shape; of its map x, and not y; no filter leaves a row out, no policy is met.
    for line in ["filters 0/1", "derivations 3/4", "map entries 1/2", "coded.c: map entry `y`", "coded: filter `small`", "coded.c: policy `unmapped`"] {
        assert!(said.contains(line), "{line}\n{said}");
    }
    assert!(!said.contains("coded.c: derivation"), "{said}");
}

const REPLAYED: &str = "mapping: m
schema: s
site: x
sources:
  e: {path: e.csv, delimiter: \";\"}
shapes:
  coded: {from: e, on_error: quarantine, derive: {c: {type: code, values: [a, b], from: C, map: {x: a, y: b}}}, filter: {small: \"N <> '9'\"}}
tables:
  p: {from: e, on_error: quarantine, fields: {n: {from: N}}}
  q: {from: coded, on_error: quarantine, fields: {n: {from: N}, c: {from: c}}}
";
