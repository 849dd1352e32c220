//! What the author of a mapping reads: it is what the program does, and none of it is stale.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cohorte::check::check;
use cohorte::config::yaml::{Node, Value as Yaml, parse};
use cohorte::diagnostic::{Diagnostics, FileId, SourceMap};
use cohorte::guide::{json_schema, reference};
use cohorte::transform::{REGISTRY, Transform};
use cohorte::function;
use serde_json::{Map, Value};

use crate::support::{Project, cohorte, root, told};

fn golden(name: &str, text: &str) {
    let path = root().join("docs").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(&path, text).expect("the file");
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(text == there, "docs/{name} is stale: `make bless` writes it anew");
}

#[test]
fn golden_reference() {
    golden("reference.md", &reference::markdown());
}

#[test]
fn golden_json_schemas() {
    for name in json_schema::all() {
        golden(&format!("json-schema/{name}.json"), &json_schema::text(name).expect("a document"));
    }
}

/// Every anchor that the reference links to is one of its headings.
#[test]
fn links_of_the_reference_lead_somewhere() {
    let text = reference::markdown();
    let slug = |heading: &str| heading.to_lowercase().chars().filter_map(|c| if c.is_alphanumeric() || c == '-' || c == '_' { Some(c) } else { (c == ' ').then_some('-') }).collect::<String>();
    let headings: BTreeSet<String> = text.lines().filter(|l| l.starts_with('#')).map(|l| slug(l.trim_start_matches('#').trim())).collect();
    let links: Vec<&str> = text.split("](#").skip(1).filter_map(|l| l.split(')').next()).collect();
    assert!(links.len() > 50);
    for link in links {
        assert!(headings.contains(link), "#{link}");
    }
}

/// What a project of one field says of a derivation, as a field of each type in turn; empty where one takes it.
fn lowered(transform: &Transform) -> Vec<String> {
    let types = [
        "{type: text}",
        "{type: decimal, unit: mm}",
        "{type: decimal, unit: umol/L}",
        "{type: decimal, unit: d}",
        "{type: integer, unit: a}",
        "{type: boolean}",
        "{type: date}",
        "{type: datetime}",
        "{type: pseudonym}",
        "{type: code, values: [censored, relapse]}",
    ];
    let mut columns: BTreeSet<String> = ["O", "R", "L"].map(str::to_owned).into();
    let word = regex::Regex::new("[A-Z][A-Z0-9_]*").expect("a pattern");
    columns.extend(word.find_iter(transform.example).map(|m| m.as_str().to_owned()));
    let header = columns.iter().cloned().collect::<Vec<_>>().join(";");
    let row = vec!["1"; columns.len()].join(";");
    let mut said = vec![];
    for kind in types {
        let project = Project::new(&[
            ("export.csv", &format!("{header}\n{row}\n")),
            ("surgery.csv", "code,target\nT,conserving\n"),
            ("pipeline.yaml", "pipeline: p\nschema: schema.yaml\nmappings: [mapping.yaml]\npseudonym: {key_env: K}\n"),
            ("schema.yaml", &format!("schema: s\nversion: 1.0.0\ntables:\n  t:\n    fields:\n      field: {kind}\n")),
            (
                "mapping.yaml",
                &format!(
                    "mapping: m\nschema: s\nsite: x\nconcept_maps: {{surgery: surgery.csv}}\nderivations: {{yesno: {{boolean: {{true: [O], false: [N]}}}}}}\nsources:\n  e: {{path: export.csv, delimiter: \";\"}}\ntables:\n  t:\n    from: e\n    on_error: quarantine\n    endpoints:\n      rfs: {{origin: O, events: {{relapse: R}}, censored: L}}\n    fields:\n      field: {}\n",
                    transform.example
                ),
            ),
        ]);
        let (mut map, mut found) = (SourceMap::default(), Diagnostics::default());
        check(&project.path("pipeline.yaml"), &function::by_name(None), &mut map, &mut found);
        if found.counts().0 == 0 {
            return vec![];
        }
        said.push(format!("{kind}: {}", found.items.iter().map(|d| format!("{} {}", d.code.id, d.message)).collect::<Vec<_>>().join("; ")));
    }
    said
}

#[test]
fn every_example_of_the_reference_works() {
    for transform in REGISTRY {
        let said = lowered(transform);
        assert!(said.is_empty(), "the example of `{}`, {}, is refused:\n{}", transform.key, transform.example, said.join("\n"));
        let node = parse(transform.example, FileId(0), &mut Diagnostics::default()).expect("YAML");
        assert!(matches!(&node.value, Yaml::Map(items) if items.iter().any(|(k, _)| k.text() == Some(transform.key))), "the example of `{}` does not show it", transform.key);
        assert!(transform.summary.ends_with('.'), "`{}`", transform.key);
    }
}

/// Each example is a shape of a mapping that `check` takes, over sources that have the columns it names.
#[test]
fn every_example_of_an_operation_works() {
    for operation in cohorte::shape::REGISTRY {
        let columns = "NIP;SEXE;DDN;EXAMEN;UNITE;DATE_VISITE;CA153_J0;ACE_J0;SITES_META";
        let typed = "{from: e, on_error: quarantine, derive: {value: {type: decimal, from: UNITE}, dose: {type: decimal, from: UNITE}, drawn: {type: date, from: DDN}, day: {type: date, from: DDN}, diagnosed: {type: date, from: DDN}}}";
        let persons = "{from: e, on_error: quarantine, derive: {diagnosed: {type: date, from: DDN}}}";
        let shapes = format!(
            "  tumours: {{from: e, take: [NIP]}}\n  patients: {persons}\n  labs: {typed}\n  cycles: {typed}\n  visits: {{from: e, on_error: quarantine, derive: {{DATE_VISITE: {{type: date}}}}}}\n  sheet: {{from: e, take: [NIP, CA153_J0, ACE_J0]}}\n  dossier: {{from: e, take: [NIP, SITES_META]}}\n"
        );
        let mapping = format!("mapping: m\nschema: s\nsite: x\nsources:\n  e: {{path: e.csv, delimiter: \";\"}}\nshapes:\n{shapes}  shape: {}\ntables:\n  t:\n    from: shape\n    fields:\n      id: {{from: NIP}}\n", operation.example);
        let project = Project::new(&[
            ("e.csv", &format!("{columns}\n")),
            ("pipeline.yaml", "pipeline: p\nschema: schema.yaml\nmappings: [mapping.yaml]\n"),
            ("schema.yaml", "schema: s\nversion: 1.0.0\ntables:\n  t:\n    fields:\n      id: {type: text, free_text: true}\n"),
            ("mapping.yaml", &mapping),
        ]);
        let (mut map, mut found) = (SourceMap::default(), Diagnostics::default());
        check(&project.path("pipeline.yaml"), &function::by_name(None), &mut map, &mut found);
        let said: Vec<String> = found.items.iter().filter(|d| d.code.id != "M371").map(|d| format!("{} {}", d.code.id, d.message)).collect();
        assert!(said.is_empty(), "the example of `{}`, {}, is refused: {}", operation.key, operation.example, said.join("; "));
        assert!(operation.summary.ends_with('.') && operation.example.contains(&format!("{}: {{", operation.key)), "`{}`", operation.key);
    }
}

// JSON Schema.

/// A node as an editor's YAML reader takes it.
fn json(node: &Node) -> Value {
    match &node.value {
        Yaml::Scalar { .. } if node.is_null() => Value::Null,
        Yaml::Scalar { text, quoted: false } if matches!(text.as_str(), "true" | "false") => Value::Bool(text == "true"),
        Yaml::Scalar { text, quoted: false } => match (text.parse::<i64>(), text.parse::<f64>()) {
            (Ok(whole), _) => whole.into(),
            (_, Ok(number)) if number.is_finite() => number.into(),
            _ => text.as_str().into(),
        },
        Yaml::Scalar { text, .. } => text.as_str().into(),
        Yaml::List(items) => items.iter().map(json).collect(),
        Yaml::Map(items) => Value::Object(items.iter().map(|(k, v)| (k.text().unwrap_or_default().to_owned(), json(v))).collect::<Map<_, _>>()),
    }
}

/// What is wrong with a value, by the keywords that the schemas use.
pub fn mistakes(whole: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let mut wrong = vec![];
    let Some(keywords) = schema.as_object() else { return wrong };
    let valid = |schema: &Value, value: &Value| mistakes(whole, schema, value, at).is_empty();
    for (keyword, rule) in keywords {
        let fine = match keyword.as_str() {
            "$ref" => {
                let name = rule.as_str().and_then(|r| r.strip_prefix("#/$defs/")).expect("a reference within the schema");
                let target = &whole["$defs"][name];
                assert!(target.is_object(), "nothing is called {name}");
                wrong.extend(mistakes(whole, target, value, at));
                true
            }
            "type" => {
                let one = |kind: &Value| match kind.as_str().expect("a type") {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "number" => value.is_number(),
                    "integer" => value.is_i64() || value.is_u64(),
                    "boolean" => value.is_boolean(),
                    "null" => value.is_null(),
                    other => panic!("no type {other}"),
                };
                rule.as_array().map_or_else(|| one(rule), |kinds| kinds.iter().any(one))
            }
            "enum" => rule.as_array().expect("a list").contains(value),
            "anyOf" => rule.as_array().expect("a list").iter().any(|s| valid(s, value)),
            "oneOf" => rule.as_array().expect("a list").iter().filter(|s| valid(s, value)).count() == 1,
            "required" => value.as_object().is_none_or(|o| rule.as_array().expect("a list").iter().all(|k| o.contains_key(k.as_str().expect("a key")))),
            "properties" => {
                for (key, inner) in rule.as_object().expect("properties") {
                    if let Some(inner_value) = value.get(key) {
                        wrong.extend(mistakes(whole, inner, inner_value, &format!("{at}.{key}")));
                    }
                }
                true
            }
            "additionalProperties" => {
                let known = keywords.get("properties").and_then(Value::as_object);
                for (key, inner) in value.as_object().into_iter().flatten().filter(|(k, _)| !known.is_some_and(|p| p.contains_key(*k))) {
                    match rule {
                        Value::Bool(false) => wrong.push(format!("{at} has no key `{key}`")),
                        rule => wrong.extend(mistakes(whole, rule, inner, &format!("{at}.{key}"))),
                    }
                }
                true
            }
            "items" => {
                value.as_array().into_iter().flatten().enumerate().for_each(|(n, item)| wrong.extend(mistakes(whole, rule, item, &format!("{at}[{n}]"))));
                true
            }
            "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= rule.as_u64().expect("a number")),
            "maxItems" => value.as_array().is_none_or(|items| items.len() as u64 <= rule.as_u64().expect("a number")),
            "minProperties" => value.as_object().is_none_or(|o| o.len() as u64 >= rule.as_u64().expect("a number")),
            "maxProperties" => value.as_object().is_none_or(|o| o.len() as u64 <= rule.as_u64().expect("a number")),
            "minimum" => value.as_f64().is_none_or(|n| n >= rule.as_f64().expect("a number")),
            "$schema" | "$defs" | "title" | "description" | "examples" => true,
            other => panic!("a keyword that this test does not know: {other}"),
        };
        if !fine {
            wrong.push(format!("{at}: {value} is not of {keyword} {rule}"));
        }
    }
    wrong
}

fn yaml_files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_dir() && !name.starts_with('.') && !["build", "target", "spec"].contains(&name.as_str()) {
            yaml_files(&path, out);
        } else if path.extension().is_some_and(|e| e == "yaml") {
            out.push(path);
        }
    }
}

fn against_its_schema(text: &str) -> Option<(&'static str, Vec<String>)> {
    let node = parse(text, FileId(0), &mut Diagnostics::default())?;
    let value = json(&node);
    let kind = ["pipeline", "mapping", "tests", "pack", "schema"].into_iter().find(|kind| value.get(kind).is_some())?;
    let schema = json_schema::of(kind).expect("a document");
    Some((kind, mistakes(&schema, &schema, &value, kind)))
}

#[test]
fn every_document_of_the_project_fits_its_json_schema() {
    let mut files = vec![];
    yaml_files(root(), &mut files);
    let mut kinds = vec![];
    for file in files {
        let Some((kind, wrong)) = against_its_schema(&std::fs::read_to_string(&file).expect("UTF-8")) else { continue };
        assert!(wrong.is_empty(), "{}\n{}", file.display(), wrong.join("\n"));
        kinds.push(kind);
    }
    for kind in json_schema::names() {
        let least = if matches!(kind, "tests" | "pack") { 1 } else { 2 };
        assert!(kinds.iter().filter(|k| **k == kind).count() >= least, "{kind}: {kinds:?}");
    }
}

/// And what the readers refuse, an editor shows.
#[test]
fn the_json_schemas_find_slips_of_the_pen() {
    let mapping = std::fs::read_to_string(root().join("tests/diagnostics/base/mapping.yaml")).expect("the base mapping");
    for (from, to) in [
        ("on_error: quarantine", "on_eror: quarantine"),
        ("on_error: quarantine", "on_error: ignore"),
        ("{from: NIP}", "{form: NIP}"),
        ("{from: NIP}", "{from: NIP, value: 1}"),
        ("{from: NIP}", "NIP"),
        ("mapping: north\n", "mapping: [north]\n"),
    ] {
        let (_, wrong) = against_its_schema(&mapping.replacen(from, to, 1)).expect("a mapping");
        assert!(!wrong.is_empty(), "{to}");
    }
}

fn property_names(value: &Value, out: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            if let Some(Value::Object(properties)) = map.get("properties") {
                out.extend(properties.keys().cloned());
            }
            map.values().for_each(|v| property_names(v, out));
        }
        Value::Array(items) => items.iter().for_each(|v| property_names(v, out)),
        _ => {}
    }
}

/// The readers ask for keys by literal names; all of them are in the schemas, and the schemas have no others.
#[test]
fn the_json_schemas_have_the_keys_of_the_readers() {
    let asked = regex::Regex::new(r#"\.(?:take|take_entry|text|texts|flag|choice|words|name|require)\(\s*"([a-z_]+)""#).expect("a pattern");
    let mut all = String::new();
    let readers = ["src/config", "src/shape"].map(|folder| std::fs::read_dir(root().join(folder)).expect("the readers"));
    for entry in readers.into_iter().flatten() {
        all += &std::fs::read_to_string(entry.expect("an entry").path()).expect("UTF-8");
    }
    let (mut known, mut documents) = (BTreeSet::new(), BTreeSet::new());
    for name in json_schema::names() {
        let mut schema = json_schema::of(name).expect("a document");
        property_names(&schema, &mut known);
        if let Some(definitions) = schema["$defs"].as_object_mut() {
            definitions.remove("derivation");
        }
        property_names(&schema, &mut documents);
    }
    let read: BTreeSet<&str> = asked.captures_iter(&all).filter_map(|c| c.get(1)).map(|m| m.as_str()).collect();
    assert!(read.len() > 40, "the test no longer finds the keys: {read:?}");
    let absent: Vec<_> = read.iter().filter(|k| !known.contains(**k)).collect();
    assert!(absent.is_empty(), "src/guide/keys.rs has no {absent:?}");
    let of_formats: BTreeSet<&str> = cohorte::source::FORMATS.iter().filter_map(|f| f.records).flat_map(|f| f.options).map(|o| o.key).collect();
    let of_kinds: Vec<&str> = cohorte::rule::kind::KINDS.iter().map(|k| k.name).collect();
    let invented: Vec<_> = documents.iter().filter(|k| !all.contains(&format!("\"{k}\"")) && !of_kinds.contains(&k.as_str()) && !of_formats.contains(k.as_str())).collect();
    assert!(invented.is_empty(), "no reader takes {invented:?}");
    let words: BTreeSet<&str> = REGISTRY.iter().map(|t| t.key).collect();
    let schema = json_schema::of("mapping").expect("the mapping");
    let there: BTreeSet<&str> = schema["$defs"]["derivation"]["properties"].as_object().expect("properties").keys().map(String::as_str).collect();
    assert_eq!(words, there);
}

// The verbs.

fn says(args: &[&str]) -> (i32, String, String) {
    told(&cohorte().args(args).output().expect("starts"))
}

#[test]
fn a_diagnostic_is_explained() {
    let (code, text, _) = says(&["explain", "M302"]);
    assert_eq!(code, 0);
    assert!(text.starts_with("M302: the source has no such column") && text.contains("accents and case"), "{text}");
    assert_eq!(says(&["explain", "m302"]).1, text);
    let (code, _, err) = says(&["explain", "M999"]);
    assert_eq!(code, 2);
    assert!(err.contains("no diagnostic `M999`"), "{err}");
}

#[test]
fn a_field_is_explained_down_to_the_columns() {
    let (code, text, err) = says(&["explain", "pipeline.yaml", "--field", "patient.tumour_size", "--site", "curie"]);
    assert_eq!(code, 0, "{err}");
    for sentence in [
        "patient.tumour_size: Largest diameter of the tumour (decimal, in mm",
        "takes the column `Taille (cm)`",
        "2. reads a number (decimal mark `,`)",
        "3. converts it from `cm` to `mm`",
        "windows-1252, separated by `;`",
        "missing is an empty cell, `ND`, `NR`",
        "D620, cannot be read as the field's type (column `Taille (cm)`): the row goes to quarantine",
        "it must lie in 0 to 250 mm; else the row goes to quarantine [R502]",
        "rule `size_class_agrees`",
    ] {
        assert!(text.contains(sentence), "{sentence}\n{text}");
    }
    assert!(!text.contains("gbsg"), "{text}");
    let (code, text, err) = says(&["explain", "pipeline.yaml", "--field", "rfs_days"]);
    assert_eq!(code, 0, "{err}");
    for sentence in [
        "At rotterdam (mappings/rotterdam/mapping.yaml)",
        "takes the time of the endpoint `rfs`",
        "Relapse-free survival (RFS, STEEP 2.0",
        "the field `relapse_days`",
        "D630, a day of an endpoint lies before its origin",
        "column `rtime` of the source `bank`",
        "At curie (mappings/curie/mapping.yaml)",
    ] {
        assert!(text.contains(sentence), "{sentence}\n{text}");
    }
    // Through a pivot back to the cell: the factor of the unit, the window, and not what other columns are made of.
    let (code, text, err) = says(&["explain", "pipeline.yaml", "--field", "biomarker.creatinine"]);
    assert_eq!(code, 0, "{err}");
    for sentence in [
        "`nearest` is the pivot of `results`, `patients`: {onto: patients",
        "within: 90 d",
        "then 8.84 else",
        "`number`: {type: decimal, from: Valeur, comparator: drop}",
        "`diagnosis`: {type: date, from: Date diagnostic, on_error: \"null\"}",
        "`laboratoire` is the source",
        "`dossiers` is a source of",
    ] {
        assert!(text.to_lowercase().contains(&sentence.to_lowercase()), "{sentence}\n{text}");
    }
    let (code, _, err) = says(&["explain", "pipeline.yaml", "--field", "patient.tumor_size"]);
    assert_eq!(code, 2);
    assert!(err.contains("did you mean `patient.tumour_size`"), "{err}");
    let (code, _, err) = says(&["explain", "pipeline.yaml", "--field", "age", "--site", "curi"]);
    assert_eq!(code, 2);
    assert!(err.contains("did you mean `curie`"), "{err}");
}

#[test]
fn a_field_is_explained_in_french() {
    let (code, text, err) = says(&["explain", "pipeline.yaml", "--field", "patient.tumour_size", "--site", "curie", "--lang", "fr"]);
    assert_eq!(code, 0, "{err}");
    for sentence in [
        "patient.tumour_size : Plus grand diamètre de la tumeur (decimal, en mm",
        "Centre curie (mappings/curie/mapping.yaml)",
        "prend la colonne `Taille (cm)`",
        "2. lit un nombre (marque décimale `,`)",
        "3. la convertit de `cm` en `mm`",
        "windows-1252, séparateur `;`",
        "vaut manquant : une cellule vide, `ND`, `NR`",
        "D620, illisible pour le type du champ (colonne `Taille (cm)`) : la ligne va en quarantaine",
        "il doit être compris dans 0 à 250 mm ; sinon la ligne va en quarantaine [R502]",
        "règle `size_class_agrees` (La classe de taille découle de la taille)",
    ] {
        assert!(text.contains(sentence), "{sentence}\n{text}");
    }
    let (code, text, err) = says(&["explain", "pipeline.yaml", "--field", "rfs_days", "--lang", "fr"]);
    assert_eq!(code, 0, "{err}");
    for sentence in ["prend le délai du critère `rfs`", "Survie sans récidive (RFS, STEEP 2.0", "le champ `relapse_days`", "colonne `rtime` de la source `bank`", "présent dans au moins 100 % par centre"] {
        assert!(text.contains(sentence), "{sentence}\n{text}");
    }
}

#[test]
fn every_stage_can_be_printed() {
    for (stage, words) in [
        ("project", "tumour_size: {from: Taille (cm), unit: cm}"),
        ("check", "f:tumour_size = "),
        ("plan", "Projection: "),
        ("physical", "ProjectionExec: "),
    ] {
        let (code, text, err) = says(&["explain", "pipeline.yaml", "--stage", stage]);
        assert_eq!(code, 0, "{err}");
        assert!(text.contains(words), "{stage}\n{}", text.chars().take(2000).collect::<String>());
    }
}

#[test]
fn reference_and_schemas_are_printed_or_written() {
    let (code, text, _) = says(&["docs"]);
    assert_eq!((code, text.as_str()), (0, reference::markdown().as_str()));
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("reference");
    let path = out.to_str().expect("UTF-8");
    assert_eq!(says(&["docs", "--out", path]).0, 0);
    assert_eq!(std::fs::read_to_string(out.join("reference.md")).expect("written"), text);
    let (code, text, _) = says(&["json-schema", "mapping"]);
    assert_eq!((code, text), (0, json_schema::text("mapping").expect("the mapping")));
    assert_eq!(says(&["json-schema", "--out", path]).0, 0);
    for name in json_schema::all() {
        assert!(out.join(format!("{name}.json")).exists());
    }
    let all: Value = serde_json::from_str(&says(&["json-schema"]).1).expect("JSON");
    assert_eq!(all.as_object().map(Map::len), Some(6));
    assert_eq!(says(&["json-schema", "codelist"]).0, 2);
}
