//! The public cohorts that are not part of the project: TRANSBIG, WPBC, Ljubljana, both exports of METABRIC and the workbook
//! of I-SPY 1, mapped into one schema (`tests/cohorts`).
//!
//! The expected numbers are those of the data's documentation, named beside them, and of `tests/cohorts/count.py`, which
//! counts the same files with Python's csv module, and the workbook with openpyxl; what the two exports of METABRIC disagree in is found here once more with
//! the crate csv.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Project, cohorte, root, shared, told};

const TRANSBIG: &str = "transbig_desmedt_sksurv/breast_cancer_GSE7390-metastasis.arff";
const WPBC: &str = "wpbc_thdata/wpbc.csv";
const LJUBLJANA: &str = "ljubljana_uci/breast-cancer.csv";
const PATIENTS_2018: &str = "metabric_cbioportal/study_files_2018/data_clinical_patient.txt";
const SAMPLES_2018: &str = "metabric_cbioportal/study_files_2018/data_clinical_sample.txt";
const ISPY1: &str = "ispy1/I-SPY_1_All_Patient_Clinical_and_Outcome_Data.xlsx";
const EXPORT_2017: &str = "metabric_cbioportal/web_export_2017/brca_metabric_clinical_data.tsv";

/// The mappings of `tests/cohorts` with a copy of the data beside them; `None` where the data are absent.
fn project(data: &[&str]) -> Option<Project> {
    let cohorts = shared("data/cohorts")?;
    let project = Project::new(&[]);
    for entry in std::fs::read_dir(root().join("tests/cohorts")).expect("the mappings") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|n| n.to_str()).expect("a name").to_owned();
        if name.ends_with(".yaml") {
            project.write(&name, &std::fs::read(path).expect("a mapping"));
        }
    }
    for file in data {
        let name = file.rsplit('/').next().expect("a name");
        project.write(&format!("data/{name}"), &std::fs::read(cohorts.join(file)).expect("the cohort"));
    }
    Some(project)
}

/// Runs a pipeline, of which no row may be refused or flagged, and gives the rows read by site and table.
fn run(project: &Project, pipeline: &str, out: &str) -> BTreeMap<(String, String), u64> {
    let output = cohorte().current_dir(project.folder.path()).args(["run", pipeline, "--quiet", "--partitions", "3", "--out", out]).output().expect("cohorte starts");
    let (code, _, err) = told(&output);
    assert_eq!((code, err.as_str()), (0, ""));
    let report = project.json(&format!("{out}/report.json"));
    assert_eq!(report["reasons"], serde_json::json!([]));
    let accounts = report["accounts"].as_array().expect("accounts");
    let text = |account: &Value, key: &str| account[key].as_str().expect("a name").to_owned();
    accounts.iter().map(|a| {
        assert_eq!(a["rows_read"], a["rows_accepted"]);
        ((text(a, "site"), text(a, "table")), a["rows_read"].as_u64().expect("rows"))
    }).collect()
}

/// Sums compare to a millionth: they are added up in another order than Python's `fsum`.
fn sums(project: &Project, folder: &str, sql: &str, wanted: &[f64]) {
    let found = project.query(&[("c", folder)], sql).remove(0);
    let found: Vec<f64> = found.iter().map(|n| n.parse().expect("a number")).collect();
    assert_eq!(found.len(), wanted.len());
    for (found, wanted) in found.iter().zip(wanted) {
        assert!((found - wanted).abs() < 1e-6, "{sql}: {found} and not {wanted}");
    }
}

/// Four sites, one table: each with the numbers of its documentation.
#[test]
fn public_cohorts_in_one_form() {
    let Some(project) = project(&[TRANSBIG, WPBC, LJUBLJANA, PATIENTS_2018, SAMPLES_2018, ISPY1]) else { return };
    let rows = run(&project, "pipeline.yaml", "out");
    let wanted = [("ispy1", "patient", 221), ("ljubljana", "patient", 286), ("metabric", "patient", 2509), ("metabric", "sample", 2509), ("transbig", "patient", 198), ("wpbc", "patient", 198)];
    assert_eq!(rows, wanted.map(|(site, table, n)| ((site.to_owned(), table.to_owned()), n)).into());
    transbig(&project);
    wpbc(&project);
    ljubljana(&project);
    metabric(&project);
    ispy1(&project);
}

/// 198 women and 51 distant metastases; sizes of 0.6 to 5.0 cm; grade spelt `unkown` twice (PROVENANCE.txt).
fn transbig(project: &Project) {
    let folder = "out/cohort/patient/site=transbig";
    sums(project, folder, "SELECT sum(age), sum(tumour_size), min(tumour_size), max(tumour_size), sum(drfi_days), min(drfi_days), max(drfi_days) FROM c",
        &[9186.0, 4319.0, 6.0, 50.0, 782_957.0, 125.0, 9108.0]);
    let counts = project.query(&[("c", folder)], "SELECT count(*) FILTER (WHERE drfi_event), count(*) FILTER (WHERE NOT drfi_event), count(*) FILTER (WHERE grade = 1), count(*) FILTER (WHERE grade = 2),
        count(*) FILTER (WHERE grade = 3), count(*) FILTER (WHERE grade IS NULL), count(*) FILTER (WHERE er_status = 'positive'), count(*) FILTER (WHERE er_status = 'negative'),
        count(*) FILTER (WHERE node_positive) FROM c");
    assert_eq!(counts, [["51", "147", "30", "83", "83", "2", "134", "64", "0"]]);
}

/// 198 women and 47 recurrences, months, centimetres, four without a number of nodes (PROVENANCE.txt).
fn wpbc(project: &Project) {
    let folder = "out/cohort/patient/site=wpbc";
    sums(project, folder, "SELECT sum(rfi_days), min(rfi_days), max(rfi_days), sum(tumour_size), min(tumour_size), max(tumour_size), sum(nodes_positive) FROM c",
        &[281_638.187_5, 30.4375, 3804.6875, 5638.0, 4.0, 100.0, 623.0]);
    let counts = project.query(&[("c", folder)], "SELECT count(*) FILTER (WHERE rfi_event), count(*) FILTER (WHERE NOT rfi_event), count(*) FILTER (WHERE rfi_event = relapse),
        count(*) FILTER (WHERE nodes_positive IS NULL), count(*) FILTER (WHERE node_positive), count(*) FILTER (WHERE node_positive IS NULL) FROM c");
    assert_eq!(counts, [["47", "151", "198", "4", "107", "4"]]);
}

/// 286 women, 85 recurrences; eight without `node-caps`, one without a quadrant (breast-cancer.names).
fn ljubljana(project: &Project) {
    let folder = "out/cohort/patient/site=ljubljana";
    sums(project, folder, "SELECT sum(age_from), sum(age_to), sum(size_from), sum(size_to), sum(nodes_from), sum(nodes_to) FROM c", &[13_340.0, 15_914.0, 6980.0, 8124.0, 450.0, 1022.0]);
    let counts = project.query(&[("c", folder)], "SELECT count(*) FILTER (WHERE relapse), count(*) FILTER (WHERE NOT relapse), count(*) FILTER (WHERE node_caps IS NULL), count(*) FILTER (WHERE node_caps),
        count(*) FILTER (WHERE quadrant IS NULL), count(*) FILTER (WHERE quadrant = 'left_low'), count(*) FILTER (WHERE menopause = 'pre'), count(*) FILTER (WHERE menopause_age = 'under_40'),
        count(*) FILTER (WHERE menopause_age = 'from_40'), count(*) FILTER (WHERE grade = 2), count(*) FILTER (WHERE node_positive), count(*) FILTER (WHERE radiotherapy),
        count(*) FILTER (WHERE laterality = 'left'), count(rfi_days) FROM c");
    assert_eq!(counts, [["85", "201", "8", "56", "1", "110", "150", "7", "129", "130", "73", "68", "152", "0"]]);
}

/// 221 women, 63 events, 40 deaths and 5 lost (PROVENANCE.txt and the sheets' own dictionary); two of them without receptors
/// and without a size at the baseline.
fn ispy1(project: &Project) {
    let folder = "out/cohort/patient/site=ispy1";
    sums(project, folder, "SELECT sum(age), sum(tumour_size), sum(rfi_days), sum(os_days) FROM c", &[10_663.4, 15_120.0, 290_075.0, 310_253.0]);
    let counts = project.query(&[("c", folder)], "SELECT count(*), count(*) FILTER (WHERE rfi_event), count(*) FILTER (WHERE os_event), count(*) FILTER (WHERE vital_status = 'alive'), count(*) FILTER (WHERE er_status = 'positive'),
        count(*) FILTER (WHERE er_status IS NULL), count(tumour_size), count(*) FILTER (WHERE laterality = 'left') FROM c");
    assert_eq!(counts, [["221", "63", "40", "176", "125", "2", "219", "107"]]);
}

/// 2,509 tumours, 1,980 of them followed (PROVENANCE.txt); of one death the cause is `NA`.
fn metabric(project: &Project) {
    let folder = "out/cohort/patient/site=metabric";
    sums(project, folder, "SELECT count(age), sum(age), min(age), max(age), count(os_days), sum(os_days), max(os_days) FROM c",
        &[1980.0, 120_948.31, 21.93, 96.29, 1980.0, 7_541_166.591_643, 10_811.4]);
    let counts = project.query(&[("c", folder)], "SELECT count(*) FILTER (WHERE os_event), count(*) FILTER (WHERE NOT os_event), count(*) FILTER (WHERE vital_status = 'died_of_cancer'),
        count(*) FILTER (WHERE vital_status = 'died_of_other_cause'), count(*) FILTER (WHERE os_event AND vital_status IS NULL), count(*) FILTER (WHERE laterality = 'left'),
        count(*) FILTER (WHERE er_status = 'positive'), count(*) FILTER (WHERE menopause = 'pre'), count(*) FILTER (WHERE surgery = 'conserving'), count(*) FILTER (WHERE chemotherapy),
        count(*) FILTER (WHERE hormone_therapy), count(*) FILTER (WHERE radiotherapy) FROM c");
    assert_eq!(counts, [["1143", "837", "646", "496", "1", "973", "1498", "424", "785", "412", "1216", "1173"]]);
    let folder = "out/cohort/sample/site=metabric";
    sums(project, folder, "SELECT count(tumour_size), sum(tumour_size), max(tumour_size) FROM c", &[1960.0, 51_350.76, 182.0]);
    let counts = project.query(&[("c", folder)], "SELECT count(*) FILTER (WHERE grade = 3), count(*) FILTER (WHERE grade IS NULL), count(*) FILTER (WHERE stage = 0), count(*) FILTER (WHERE stage IS NULL),
        count(*) FILTER (WHERE er_status = 'positive'), count(*) FILTER (WHERE pgr_status = 'positive'), count(*) FILTER (WHERE her2 = 'positive'), count(*) FILTER (WHERE oncotree = 'IDC') FROM c");
    assert_eq!(counts, [["952", "617", "12", "1043", "1506", "1040", "247", "1500"]]);
    // A sample and its patient have one pseudonym, in whichever table.
    let joined = project.query(&[("p", "out/cohort/patient/site=metabric"), ("s", folder)], "SELECT count(*), count(DISTINCT s.sample_id) FROM p JOIN s ON p.patient_id = s.patient_id");
    assert_eq!(joined, [["2509", "2509"]]);
}

fn difference(project: &Project, a: &str, b: &str) -> Value {
    let output = cohorte().current_dir(project.folder.path()).args(["diff", a, b, "--format", "json", "--values", "--list", "3000"]).output().expect("cohorte starts");
    let (_, out, err) = told(&output);
    serde_json::from_str(&out).unwrap_or_else(|e| panic!("no JSON ({e}): {err}"))
}

/// Mapped, the files of 2018 and the export of 2017 are one cohort: no value of 2,509 patients and samples differs.
#[test]
fn both_exports_of_metabric_are_one_cohort() {
    let Some(project) = project(&[PATIENTS_2018, SAMPLES_2018, EXPORT_2017]) else { return };
    run(&project, "pipeline_2018.yaml", "a");
    run(&project, "pipeline_2017.yaml", "b");
    let found = difference(&project, "a", "b");
    let tables = found["tables"].as_array().expect("tables");
    assert_eq!(tables.len(), 2);
    for table in tables {
        assert_eq!(table["rows"], serde_json::json!({"equal": 2509, "changed": 0, "only_in_a": 0, "only_in_b": 0}), "{}", table["table"]);
        assert_eq!(table["fields"], serde_json::json!([]));
    }
    assert_eq!((&found["schema"], &found["states"]), (&serde_json::json!([]), &serde_json::json!([])));
}

/// What both exports have, as the one and the other call it: patients' columns, then samples'.
const SHARED: [(&str, &str, &str); 27] = [
    ("patient", "OS_MONTHS", "Overall Survival (Months)"), ("patient", "OS_STATUS", "Overall Survival Status"), ("patient", "VITAL_STATUS", "Patient's Vital Status"),
    ("patient", "INTCLUST", "Integrative Cluster"), ("patient", "COHORT", "Cohort"), ("patient", "AGE_AT_DIAGNOSIS", "Age at Diagnosis"),
    ("patient", "LATERALITY", "Primary Tumor Laterality"), ("patient", "NPI", "Nottingham prognostic index"), ("patient", "ER_IHC", "ER status measured by IHC"),
    ("patient", "INFERRED_MENOPAUSAL_STATE", "Inferred Menopausal State"), ("patient", "BREAST_SURGERY", "Type of Breast Surgery"), ("patient", "CELLULARITY", "Cellularity"),
    ("patient", "HER2_SNP6", "HER2 status measured by SNP6"), ("patient", "THREEGENE", "3-Gene classifier subtype"), ("patient", "CLAUDIN_SUBTYPE", "Pam50 + Claudin-low subtype"),
    ("patient", "CHEMOTHERAPY", "Chemotherapy"), ("patient", "HORMONE_THERAPY", "Hormone Therapy"), ("patient", "RADIO_THERAPY", "Radio Therapy"),
    ("patient", "HISTOLOGICAL_SUBTYPE", "Tumor Other Histologic Subtype"),
    ("sample", "GRADE", "Neoplasm Histologic Grade"), ("sample", "TUMOR_SIZE", "Tumor Size"), ("sample", "TUMOR_STAGE", "Tumor Stage"), ("sample", "ER_STATUS", "ER Status"),
    ("sample", "HER2_STATUS", "HER2 Status"), ("sample", "PR_STATUS", "PR Status"), ("sample", "ONCOTREE_CODE", "Oncotree Code"), ("sample", "SAMPLE_TYPE", "Sample Type"),
];

/// Cells by patient and column, read with the crate csv.
fn cells(path: PathBuf) -> BTreeMap<String, BTreeMap<String, String>> {
    // Neither file has a quoted line end, so every CR and LF ends a line.
    let text = std::fs::read_to_string(path).expect("a file").replace('\r', "\n");
    let mut reader = csv::ReaderBuilder::new().delimiter(b'\t').quoting(false).comment(Some(b'#')).from_reader(text.as_bytes());
    let columns = reader.headers().expect("a header").clone();
    reader.records().map(|record| {
        let row: BTreeMap<String, String> = columns.iter().zip(&record.expect("a record")).map(|(c, v)| (c.to_owned(), v.to_owned())).collect();
        (row.get("PATIENT_ID").or_else(|| row.get("Patient ID")).expect("a patient").clone(), row)
    }).collect()
}

/// Without a word on missing codes the exports differ in 1,082 cells, in which the one says `null` or `NA` and the other
/// nothing. `diff` names each, and no other.
#[test]
fn every_disagreement_of_the_exports_is_listed() {
    let Some(project) = project(&[PATIENTS_2018, SAMPLES_2018, EXPORT_2017]) else { return };
    let mut schema = "schema: words\nversion: 1.0.0\ntables:\n".to_owned();
    let (mut study, mut export) = (String::new(), String::new());
    for table in ["patient", "sample"] {
        write!(schema, "  {table}:\n    key: [id]\n    fields:\n      id: {{type: text, free_text: true, required: true}}\n").expect("a text");
        write!(study, "  {table}:\n    from: {table}s\n    fields:\n      id: {{from: PATIENT_ID}}\n").expect("a text");
        write!(export, "  {table}:\n    from: export\n    fields:\n      id: {{from: Patient ID}}\n").expect("a text");
        for (_, field, column) in SHARED.iter().filter(|(t, ..)| *t == table) {
            writeln!(schema, "      {field}: {{type: text, free_text: true}}").expect("a text");
            writeln!(study, "      {field}: {{from: {field}}}").expect("a text");
            writeln!(export, "      {field}: {{from: \"{column}\"}}").expect("a text");
        }
    }
    project.write("words.yaml", schema.as_bytes());
    let dialect = "delimiter: tab, quote: null, comment: \"#\"";
    let study = format!("mapping: study\nschema: words\nsite: metabric\nsources:\n  patients: {{path: data/data_clinical_patient.txt, {dialect}}}\n  samples: {{path: data/data_clinical_sample.txt, {dialect}}}\ntables:\n{study}");
    let export = format!("mapping: export\nschema: words\nsite: metabric\nsources:\n  export: {{path: data/brca_metabric_clinical_data.tsv, {dialect}}}\ntables:\n{export}");
    for (name, mapping) in [("study", study), ("export", export)] {
        project.write(&format!("{name}.yaml"), mapping.as_bytes());
        project.write(&format!("pipeline_{name}.yaml"), format!("pipeline: {name}\nschema: words.yaml\nmappings: [{name}.yaml]\n").as_bytes());
    }
    run(&project, "pipeline_study.yaml", "a");
    run(&project, "pipeline_export.yaml", "b");

    let mut listed = BTreeSet::new();
    let mut by_field = BTreeMap::new();
    for table in difference(&project, "a", "b")["tables"].as_array().expect("tables") {
        assert_eq!((table["rows"]["only_in_a"].as_u64(), table["rows"]["only_in_b"].as_u64()), (Some(0), Some(0)));
        for field in table["fields"].as_array().expect("fields") {
            let name = field["field"].as_str().expect("a name").to_owned();
            assert_eq!((field["changed"].as_u64(), field["filled"].as_u64()), (Some(0), Some(0)), "{name}");
            by_field.insert(name.clone(), field["emptied"].as_u64().expect("a number"));
            for example in field["examples"].as_array().expect("examples") {
                let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
                listed.insert((text(&example["key"][0]), name.clone(), text(&example["a"]), text(&example["b"])));
            }
        }
    }
    // By tests/cohorts/count.py.
    let counted = [("BREAST_SURGERY", 25), ("CELLULARITY", 63), ("ER_IHC", 43), ("GRADE", 88), ("HISTOLOGICAL_SUBTYPE", 2), ("LATERALITY", 110), ("THREEGENE", 216), ("TUMOR_SIZE", 20), ("TUMOR_STAGE", 514), ("VITAL_STATUS", 1)];
    assert_eq!(by_field, counted.map(|(field, n)| (field.to_owned(), n)).into());

    let cohorts = shared("data/cohorts").expect("the cohorts");
    let (patients, samples, export) = (cells(cohorts.join(PATIENTS_2018)), cells(cohorts.join(SAMPLES_2018)), cells(cohorts.join(EXPORT_2017)));
    assert_eq!(patients.len(), 2509);
    assert!(patients.keys().eq(export.keys()) && patients.keys().eq(samples.keys()));
    let mut wanted = BTreeSet::new();
    for (table, field, column) in SHARED {
        for (patient, row) in if table == "patient" { &patients } else { &samples } {
            let (a, b) = (&row[field], &export[patient][column]);
            if a != b {
                wanted.insert((patient.clone(), field.to_owned(), a.clone(), b.clone()));
            }
        }
    }
    assert_eq!(listed.len(), 1082);
    assert_eq!(listed, wanted);
}
