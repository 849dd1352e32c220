use std::collections::HashMap;

use super::super::collect::{damage, file, options, read};
use super::super::record::Failure;
use super::FORMAT;
use super::logic::Logic;

/// A data dictionary as REDCap writes it (Project Setup, Data Dictionary).
const DICTIONARY: &str = r#""Variable / Field Name","Form Name","Section Header","Field Type","Field Label","Choices, Calculations, OR Slider Labels","Field Note","Text Validation Type OR Show Slider Number","Text Validation Min","Text Validation Max",Identifier?,"Branching Logic (Show field only if...)","Required Field?","Custom Alignment","Question Number (surveys only)","Matrix Group Name","Matrix Ranking?","Field Annotation"
record_id,enrolment,,text,"Record ID",,,,,,,,,,,,,
sex,enrolment,Patient,radio,Sex,"1, Male | 2, Female",,,,,,,y,,,,,
dob,enrolment,,text,"Date of birth",,,date_ymd,,,y,,,,,,,
pregnant,enrolment,,yesno,"Pregnant?",,,,,,,"[sex] = '2'",,,,,,
weeks,enrolment,,text,"Weeks",,,integer,,,,"[sex] = ""2"" and ([pregnant] = '1' or [pregnant] = '')",,,,,,
sym,enrolment,,checkbox,Symptoms,"1, Cough | 2, Fever, high | -9, Other / unknown",,,,,,"[dob] <> ''",,,,,,
sym_other,enrolment,,text,"Which?",,,,,,,"[sym(-9)] = '1'",,,,,,
late,enrolment,,text,"Why late?",,,,,,,"datediff([dob], 'today', 'y') > 50",,,,,,
note,enrolment,,descriptive,"Thank you",,,,,,,"[absent] = '1'",,,,,,
lab_date,lab,,text,"Date",,,date_ymd,,,,,,,,,,
lab_value,lab,,text,"Value",,,number,,,,,,,,,,
lab_note,lab,,notes,"Why so high?",,,,,,,"[lab_value] > 10",,,,,,
lab_preg,lab,,text,"Of a pregnant woman",,,,,,,"[sex] = '2'",,,,,,
fu_status,followup,,dropdown,Status,"0, Alive | 1, Dead",,,,,,,,,,,,
fu_date,followup,,text,"Date",,,date_ymd,,,,,,,,,,
fu_cause,followup,,text,"Cause",,,,,,,"[fu_status] = '1' and [baseline_arm_1][sex] = '1'",,,,,,
"#;

const EXPORT: &str = "record_id,redcap_event_name,redcap_repeat_instrument,redcap_repeat_instance,sex,dob,pregnant,weeks,sym___1,sym___2,sym____9,sym_other,late,enrolment_complete,lab_date,lab_value,lab_note,lab_preg,lab_complete,fu_status,fu_date,fu_cause,followup_complete
1,baseline_arm_1,,,1,1950-03-05,,,1,0,1,\"dizzy, sick\",,2,,,,,,,,,
1,baseline_arm_1,lab,1,,,,,,,,,,,2011-02-01,12.5,\"after
lunch\",,2,,,,
1,baseline_arm_1,lab,2,,,,,,,,,,,2011-02-08,3,,,0,,,,
1,baseline_arm_1,lab,3,,,,,,,,,,,2011-02-09,,,,0,,,,
2,baseline_arm_1,,,2,1960-01-01,1,,0,0,0,,,2,,,,,,,,,
2,followup_arm_1,,,,,,,0,0,0,,,,,,,,,0,2012-01-01,,2
3,baseline_arm_1,,,7,,,,0,0,0,,,1,,,,,,,,,
3,followup_arm_1,,,,,,,,,,,,,,,,,,1,NI,,1
";

fn of(more: &str) -> Vec<String> {
    let dictionary = file(DICTIONARY.as_bytes());
    let json = format!(r#"{{"dictionary": {:?}{more}}}"#, dictionary.path());
    read(&FORMAT, file(EXPORT.as_bytes()).path(), &json).expect("readable").1.table()
}

#[test]
fn codes_and_what_does_not_apply() {
    let wanted = [
        "1|baseline_arm_1|∅|∅|1|1950-03-05|NA_BRANCH|NA_BRANCH|1|0|1|dizzy, sick|∅|2|∅|∅|∅|∅|∅|∅|∅|∅|∅",
        "1|baseline_arm_1|lab|1|∅|∅|∅|∅|∅|∅|∅|∅|∅|∅|2011-02-01|12.5|after\nlunch|∅|2|∅|∅|∅|∅",
        "1|baseline_arm_1|lab|2|∅|∅|∅|∅|∅|∅|∅|∅|∅|∅|2011-02-08|3|NA_BRANCH|∅|0|∅|∅|∅|∅",
        // No value: whether it is above 10 is not known.
        "1|baseline_arm_1|lab|3|∅|∅|∅|∅|∅|∅|∅|∅|∅|∅|2011-02-09|∅|∅|∅|0|∅|∅|∅|∅",
        "2|baseline_arm_1|∅|∅|2|1960-01-01|1|∅|0|0|0|NA_BRANCH|∅|2|∅|∅|∅|∅|∅|∅|∅|∅|∅",
        // Unticked boxes alone do not show that a row holds the instrument.
        "2|followup_arm_1|∅|∅|∅|∅|∅|∅|0|0|0|∅|∅|∅|∅|∅|∅|∅|∅|0|2012-01-01|NA_BRANCH|2",
        "3|baseline_arm_1|∅|∅|7|∅|NA_BRANCH|NA_BRANCH|NA_BRANCH|NA_BRANCH|NA_BRANCH|NA_BRANCH|∅|1|∅|∅|∅|∅|∅|∅|∅|∅|∅",
        // The sex stands on a row of another event.
        "3|followup_arm_1|∅|∅|∅|∅|∅|∅|∅|∅|∅|∅|∅|∅|∅|∅|∅|∅|∅|1|NI|∅|1",
    ];
    assert_eq!(of(""), wanted);
    assert_eq!(of(r#", "not_applicable": "n/a""#)[2], wanted[2].replace("NA_BRANCH", "n/a"));
}

#[test]
fn labels_and_lists() {
    let labelled = of(r#", "labels": true"#);
    assert_eq!(labelled[0], "1|baseline_arm_1|∅|∅|Male|1950-03-05|NA_BRANCH|NA_BRANCH|Checked|Unchecked|Checked|dizzy, sick|∅|Complete|∅|∅|∅|∅|∅|∅|∅|∅|∅");
    assert!(labelled[4].starts_with("2|baseline_arm_1|∅|∅|Female|1960-01-01|Yes|∅|Unchecked|"));
    assert!(labelled[5].ends_with("|Alive|2012-01-01|NA_BRANCH|Complete"));
    assert!(labelled[6].starts_with("3|baseline_arm_1|∅|∅|7|"), "a code that is not listed stays");
    let cell = |more: &str| of(more).iter().map(|t| t.split('|').skip(8).take(2).collect::<Vec<_>>().join("|")).collect::<Vec<_>>();
    assert_eq!(cell(r#", "checkboxes": "list""#), ["1|-9", "∅|∅", "∅|∅", "∅|∅", "∅|NA_BRANCH", "∅|∅", "NA_BRANCH|NA_BRANCH", "∅|∅"]);
    assert_eq!(cell(r#", "checkboxes": "list", "labels": "true""#)[0], "Cough|Other / unknown");
    let dictionary = file(DICTIONARY.as_bytes());
    let json = format!(r#"{{"dictionary": {:?}, "checkboxes": "list"}}"#, dictionary.path());
    let head = (FORMAT.head)(file(EXPORT.as_bytes()).path(), &options(&json)).expect("a head");
    assert_eq!(head.columns[6..11], ["pregnant", "weeks", "sym", "sym_other", "late"]);
}

#[test]
fn instruments_and_events() {
    let rows = |more: &str| of(more).iter().map(|t| t.split('|').take(4).collect::<Vec<_>>().join("|")).collect::<Vec<_>>();
    let labs = ["1|baseline_arm_1|lab|1", "1|baseline_arm_1|lab|2", "1|baseline_arm_1|lab|3"];
    assert_eq!(rows(r#", "instrument": "lab""#), labs);
    assert_eq!(rows(r#", "instrument": "enrolment""#), ["1|baseline_arm_1|∅|∅", "2|baseline_arm_1|∅|∅", "3|baseline_arm_1|∅|∅"]);
    let followups = ["2|followup_arm_1|∅|∅", "3|followup_arm_1|∅|∅"];
    assert_eq!(rows(r#", "instrument": "followup""#), followups);
    assert_eq!(rows(r#", "event": "followup_arm_1""#), followups);
    assert_eq!(rows(r#", "instrument": "lab", "event": "followup_arm_1""#), [""; 0]);
}

#[test]
fn heads_and_mistakes() {
    let dictionary = file(DICTIONARY.as_bytes());
    let json = |more: &str| format!(r#"{{"dictionary": {:?}{more}}}"#, dictionary.path());
    let head = |export: &str, more: &str| (FORMAT.head)(file(export.as_bytes()).path(), &options(&json(more)));
    let found = head(EXPORT, "").expect("a head");
    assert_eq!(found.evidence[2..], [
        "branching logic of `late` has more than comparisons joined by `and` and `or`; they count as shown",
        "branching logic of `fu_cause` looks at an event; on rows of other events it is undecided, and they count as shown",
    ]);
    assert_eq!(found.duplicates, [""; 0]);
    // A report of some fields: what the others say is not known.
    let report = head("record_id;pregnant;extra;enrolment_timestamp\n1;1;2;\n", "").expect("a head");
    assert_eq!(report.evidence[2..], ["not in the dictionary, read as they are: `extra`", "branching logic of `pregnant` needs fields that the export does not have; they count as shown"]);
    assert!(matches!(head("Record ID,Sex\n1,Male\n", ""), Err(Failure::Head(_))));
    assert!(matches!(head(EXPORT, r#", "instrument": "labs""#), Err(Failure::Option { key, near, .. }) if key == "instrument" && near == ["lab"]));
    assert!(matches!(head("record_id,sex\n1,1\n", r#", "event": "a""#), Err(Failure::Option { key, .. }) if key == "event"));
    assert!(matches!(head(EXPORT, r#", "checkboxes": "rows""#), Err(Failure::Option { key, .. }) if key == "checkboxes"));
    for wrong in ["", "a,b\n1,2\n", "\"Variable / Field Name\",\"Form Name\",\"Field Type\"\n"] {
        let other = file(wrong.as_bytes());
        let found = (FORMAT.head)(file(EXPORT.as_bytes()).path(), &options(&format!(r#"{{"dictionary": {:?}}}"#, other.path())));
        assert!(matches!(found, Err(Failure::Option { key, .. }) if key == "dictionary"), "{wrong}");
    }
    assert!(matches!((FORMAT.head)(file(EXPORT.as_bytes()).path(), &options("{}")), Err(Failure::Option { .. })));
}

#[test]
fn a_project_without_events_holds_every_instrument_on_each_row() {
    let dictionary = file(b"field_name,form_name,field_type,select_choices_or_calculations,branching_logic\nid,a,text,,\nsex,a,radio,\"1, m|2, f\",\nn,b,text,,\"[sex]='2'\"\nc,b,checkbox,\"a-B, x | c_d, y\",\"[sex]='2'\"\n");
    let export = file(b"id,sex,n,c___a_b,c___cd\n1,1,,0,0\n2,1,5,0,1\n3,2,,0,0\n4,1\n");
    let all = read(&FORMAT, export.path(), &format!(r#"{{"dictionary": {:?}, "checkboxes": "list"}}"#, dictionary.path())).expect("readable").1;
    // What was entered before the field was hidden stays; the last row is cut short.
    assert_eq!(all.table(), ["1|1|NA_BRANCH|NA_BRANCH", "2|1|5|c_d", "3|2|∅|∅", "!4|1|∅|∅"]);
    assert_eq!((all.records[3].number, all.records[3].raw.as_deref()), (5, Some("4,1")));
}

#[test]
fn conditions() {
    let row: HashMap<&str, &str> = [("a", "1"), ("b", "02"), ("blank", ""), ("d", "2011-12-31"), ("t", "x y"), ("n", "-1.5"), ("c(1)", "1"), ("c(-9)", "0")].into();
    let holds = |text: &str| {
        let logic = Logic::parse(text)?.with(&mut |r| Some(r.code.map_or(r.name.clone(), |code| format!("{}({code})", r.name))))?;
        Some(logic.holds(&|name: &String| row.get(name.as_str()).copied()))
    };
    for (text, wanted) in [
        ("[a] = '1'", Some(true)), ("[a]=\"1\"", Some(true)), ("[a] = 1", Some(true)), ("[A] = '1.0'", Some(true)), ("[a] <> '1'", Some(false)), ("[a] != '2'", Some(true)),
        ("[b] = '2'", Some(true)), ("[t] = 'x y'", Some(true)), ("[t] = 'X y'", Some(false)), ("[blank] = ''", Some(true)), ("[blank] <> \"\"", Some(false)), ("[blank] = '2'", Some(false)),
        ("[b] > 1 and [b] <= 2", Some(true)), ("[n] < -1", Some(true)), ("[blank] > 1", None), ("[t] > 1", None), ("[d] >= '2011-01-01'", Some(true)), ("[d] < '2011-12-31'", Some(false)),
        ("[c(1)] = '1' and [c(-9)] = '0'", Some(true)), ("[c( 1 )] = 1", Some(true)), ("[unknown] = '1'", None),
        ("[unknown] = '1' or [a] = '1'", Some(true)), ("[unknown] = '1' and [a] = '2'", Some(false)), ("[unknown] = '1' and [a] = '1'", None), ("[unknown] = '1' or [a] = '2'", None),
        ("[a]='2' and [a]='2' or [a]='1'", Some(true)), ("[a]='2' and ([a]='2' or [a]='1')", Some(false)), ("((([a]='1')))", Some(true)), ("[a]='1'\n AND\n [b]='02'", Some(true)), ("'1' = [a]", Some(true)), ("[a] = [b]", Some(false)),
        ("[e1][a] = '1'", Some(true)),
    ] {
        assert_eq!(holds(text), Some(wanted), "{text}");
    }
    for beyond in ["", "[a]", "datediff([a],[b],'d') > 1", "[a] + 1 = 2", "not [a] = '1'", "[a] = '1' and", "([a] = '1'", "[a] = '1')", "[event-name] = 'x'", "[first-event-name][a] = '1'", "[e][a][1] = '1'", "[a:value] = '1'", "[a] = 'x", "[a = '1'", "[a] = yes", "([a]) > 1", "[c(1] = 1", "'"] {
        assert_eq!(Logic::parse(beyond), None, "{beyond}");
    }
    assert_eq!(Logic::parse(&format!("{}[a]='1'{}", "(".repeat(100_000), ")".repeat(100_000))), None);
    assert!(holds(&vec!["[a] = '2'"; 10_000].join(" or ")).is_some());
}

#[test]
fn damaged_input_is_never_a_panic() {
    let dictionary = file(DICTIONARY.as_bytes());
    let export = file(EXPORT.as_bytes());
    let other = file(b"");
    damage(EXPORT.as_bytes(), 13, 60, |bytes| {
        std::fs::write(other.path(), bytes).expect("written");
        let _ = read(&FORMAT, other.path(), &format!(r#"{{"dictionary": {:?}, "labels": true}}"#, dictionary.path()));
    });
    damage(DICTIONARY.as_bytes(), 23, 60, |bytes| {
        std::fs::write(other.path(), bytes).expect("written");
        let _ = read(&FORMAT, export.path(), &format!(r#"{{"dictionary": {:?}, "checkboxes": "list"}}"#, other.path()));
    });
    damage(b"([a]='1' and [e][b(2)] <> \"x\") or [c] >= 3.5", 1, 5000, |bytes| {
        let _ = Logic::parse(&String::from_utf8_lossy(bytes));
    });
}
