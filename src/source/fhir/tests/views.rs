//! What is wrong with a view is said where it is loaded.

use serde_json::{Value, json};

use super::super::view::View;
use super::{firsts, read};

fn wrong(view: &Value) -> String {
    View::load(view).err().unwrap_or_default()
}

#[test]
fn the_place_of_what_is_wrong_is_named() {
    let column = json!([{"name": "id", "path": "id"}]);
    for (view, message) in [
        (json!(1), "`the view` is no object"),
        (json!({"resource": "Patient"}), "the view has no column"),
        (json!({"resource": "", "select": [{"column": column}]}), "`resource` of `the view` is empty"),
        (json!({"resourceType": "Patient", "resource": "Patient"}), "this is a `Patient`, no `ViewDefinition`"),
        (json!({"resource": "Patient", "select": {}}), "`select` is no list"),
        (json!({"resource": "Patient", "select": [{"column": column}, {"column": column}]}), "the view has the column `id` twice"),
        (json!({"resource": "Patient", "select": [{"column": [{"name": "1", "path": "id"}]}]}), "`select[0].column[0]`: the name `1` is not made of"),
        (json!({"resource": "Patient", "select": [{"column": [{"name": "a"}]}]}), "`path` is missing in `select[0].column[0]`"),
        (json!({"resource": "Patient", "select": [{"select": [{"forEach": "é = nam e", "column": column}]}]}), "`select[0].select[0].forEach`: a character that FHIRPath does not know (character 1)"),
        (json!({"resource": "Patient", "select": [{"column": [{"name": "a", "path": "'é' = nam e"}]}]}), "`select[0].column[0].path`: the expression should end here (character 11)"),
        (json!({"resource": "Patient", "select": [{"forEach": "name", "repeat": ["a"], "column": column}]}), "`select[0]` has both `forEach` and `repeat`"),
        (json!({"resource": "Patient", "select": [{"repeat": [], "column": column}]}), "`select[0].repeat` is empty"),
        (json!({"resource": "Patient", "select": [{"column": column}], "where": [{"path": "%a"}]}), "`where[0].path`: the constant `%a` is not defined"),
        (json!({"resource": "Patient", "constant": [{"name": "a", "valueInteger": "x"}]}), "the value of the constant `a` is no `valueInteger`"),
        (json!({"resource": "Patient", "constant": [{"name": "a", "valueDate": "2020", "valueCode": "x"}]}), "the constant `a` needs one value"),
        (json!({"resource": "Patient", "select": [{"unionAll": [{"column": column}, {"column": []}]}]}), "`select[0].unionAll[1]` has other columns"),
    ] {
        assert!(wrong(&view).starts_with(message), "{message}: {}", wrong(&view));
    }
    let mut deep = json!({"column": column});
    for _ in 0..100 {
        deep = json!({"select": [deep], "unionAll": []});
    }
    assert!(wrong(&json!({"resource": "Patient", "select": [deep]})).ends_with("selects are nested too deep"));
}

#[test]
fn cells_are_as_they_are_written() {
    let view = r#"{"resource": "Observation", "select": [{"column": [
        {"name": "number", "path": "value.ofType(Quantity).value"}, {"name": "all", "path": "component.valueDecimal", "collection": true},
        {"name": "object", "path": "code"}, {"name": "truth", "path": "flag"}, {"name": "texts", "path": "note.text.upper()", "collection": true}]}]}"#;
    let line = r#"{"resourceType":"Observation","valueQuantity":{"value":1.10},"component":[{"valueDecimal":1.0},{"valueDecimal":2e1}],"code": {"text" : "a \u00e9", "b":[ ]},"flag":false,"note":{"text":"q\"\n"}}"#;
    let found = read(line.as_bytes(), view).unwrap();
    let cells: Vec<&str> = found.rows[0].2.iter().map(|cell| cell.as_deref().unwrap_or("-")).collect();
    assert_eq!(cells, ["1.10", "[1.0,2e1]", r#"{"text":"a \u00e9","b":[]}"#, "false", r#"["Q\"\n"]"#]);
    let exponent = read(line.replace("1.10", "1.5E3").as_bytes(), view).unwrap();
    assert_eq!(firsts(&exponent), ["1500"]);
}

#[test]
fn endless_views_end() {
    let patient = br#"{"resourceType":"Patient","id":"1","name":[{"given":["a","b","c","d","e","f","g","h","i","j"]}]}"#;
    let wide = (0..9).map(|n| format!(r#"{{"forEach":"name.given","column":[{{"name":"c{n}","path":"$this"}}]}}"#)).collect::<Vec<_>>().join(",");
    for select in [r#"{"repeat":["$this"],"column":[{"name":"a","path":"id"}]}"#, r#"{"repeat":["$this","$this"],"column":[{"name":"a","path":"id"}]}"#, &wide] {
        let found = read(patient, &format!(r#"{{"resource":"Patient","select":[{select}]}}"#)).unwrap();
        assert_eq!((found.rows.len(), found.damaged.len()), (0, 1), "{select}");
    }
}
