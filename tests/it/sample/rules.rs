//! The rules of the sample, and what they found.

use cohorte::execute::summary::*;

use super::fields::specs;
use super::values::mille;
use super::{SITES, TABLE, text};

/// A rule, and at each site violated / denominator (`None`: it does not apply there).
pub struct RuleSpec {
    rule: &'static str,
    field: Option<&'static str>,
    code: &'static str,
    category: Category,
    severity: Severity,
    en: &'static str,
    fr: &'static str,
    expression: Option<&'static str>,
    threshold: Option<&'static str>,
    by_site: [Option<(u64, u64)>; 4],
}

pub fn judge(violated: u64, denominator: u64, threshold: Option<&str>) -> RuleStatus {
    if denominator == 0 {
        return RuleStatus::NotApplicable;
    }
    let share = violated as f64 * 100.0 / denominator as f64;
    let number = |t: &str| t.trim_end_matches('%').trim().parse::<f64>().unwrap();
    let missed = threshold.is_some_and(|t| match (t.strip_prefix("at most "), t.strip_prefix("at least ")) {
        (Some(t), _) => share > number(t),
        (_, Some(t)) => 100.0 - share < number(t),
        _ => false,
    });
    if missed {
        RuleStatus::Failed
    } else if violated > 0 {
        RuleStatus::PassedWithFindings
    } else {
        RuleStatus::Passed
    }
}

/// A result without anything in it.
pub fn blank() -> RuleResult {
    RuleResult {
        table: TABLE.into(),
        site: None,
        rule: String::new(),
        field: None,
        code: String::new(),
        category: Category::Conformance,
        severity: Severity::Error,
        description: Text::new(),
        expression: None,
        violated: 0,
        denominator: 0,
        threshold: None,
        status: RuleStatus::Passed,
        name: Text::new(),
        reference: None,
        dqd: None,
        years: vec![],
        measure: None,
        error: None,
    }
}

impl RuleSpec {
    pub fn results(&self, out: &mut Vec<RuleResult>) {
        let result = |site: Option<&str>, (violated, denominator): (u64, u64)| RuleResult {
            table: TABLE.into(),
            site: site.map(Into::into),
            rule: self.rule.into(),
            field: self.field.map(Into::into),
            code: self.code.into(),
            category: self.category,
            severity: self.severity,
            description: text(self.en, self.fr),
            expression: self.expression.map(Into::into),
            violated,
            denominator,
            threshold: self.threshold.map(Into::into),
            status: judge(violated, denominator, self.threshold),
            ..blank()
        };
        let mut sum = (0, 0);
        for ((site, _), numbers) in SITES.iter().zip(self.by_site) {
            let Some(numbers) = numbers else { continue };
            sum = (sum.0 + numbers.0, sum.1 + numbers.1);
            out.push(result(Some(site), numbers));
        }
        out.push(result(None, sum));
    }
}

/// At Curie only.
fn at_curie(violated: u64, denominator: u64) -> [Option<(u64, u64)>; 4] {
    [None, None, None, Some((violated, denominator))]
}

pub fn rules() -> Vec<RuleSpec> {
    use Category::{Completeness, Conformance, Plausibility};
    use Severity::{Error, Warning};
    let mut all = vec![];
    let mut add = |rule, field, code, category, severity, en, fr, expression, threshold, by_site| {
        all.push(RuleSpec { rule, field, code, category, severity, en, fr, expression, threshold, by_site });
    };
    let clean = [Some((0, 2982)), Some((0, 686)), Some((0, 686)), Some((0, 5352))];
    add(
        "quarantine",
        None,
        "R520",
        Conformance,
        Error,
        "",
        "",
        None,
        Some("at most 4 %"),
        [Some((0, 2982)), Some((0, 686)), Some((0, 686)), Some((236, 5352))],
    );
    add(
        "key",
        None,
        "R510",
        Conformance,
        Error,
        "",
        "",
        None,
        None,
        [Some((0, 2982)), Some((0, 686)), Some((0, 686)), Some((21, 5352))],
    );
    add(
        "too_many_cells",
        None,
        "D610",
        Conformance,
        Error,
        "",
        "",
        None,
        None,
        [Some((0, 2982)), Some((0, 686)), Some((0, 686)), Some((7, 5352))],
    );
    add(
        "too_few_cells",
        None,
        "D611",
        Conformance,
        Error,
        "",
        "",
        None,
        None,
        [Some((0, 2982)), Some((0, 686)), Some((0, 686)), Some((6, 5352))],
    );
    add(
        "nodes_order",
        Some("nodes_positive"),
        "R502",
        Conformance,
        Error,
        "Positive nodes are among those examined",
        "Les ganglions envahis sont parmi les examinés",
        Some("nodes_positive <= nodes_examined"),
        Some("at most 1 %"),
        at_curie(9, 5240),
    );
    for spec in specs() {
        let rows = |per_mille: u64| clean.map(|c| c.map(|(_, n)| (0, mille(n, per_mille))));
        let curie = |violated| {
            let mut by = rows(1000);
            by[3] = Some((violated, 5352));
            by
        };
        match spec.kind {
            "integer" | "decimal" | "date" => {
                let n = match spec.name {
                    "diagnosis_date" => 29,
                    "tumour_size" => 14,
                    "birth_year" => 8,
                    "last_contact" => 7,
                    _ => 0,
                };
                add("parse", Some(spec.name), "D620", Conformance, Error, "", "", None, None, curie(n));
            }
            "code" => {
                let n = match spec.name {
                    "laterality" => 31,
                    "surgery" => 26,
                    "grade" => 7,
                    "her2" => 5,
                    "sex" => 6,
                    _ => 0,
                };
                add("unmapped", Some(spec.name), "D630", Conformance, Error, "", "", None, None, curie(n));
            }
            _ => {}
        }
        if spec.range.is_some() {
            let n = match spec.name {
                "age" => 5,
                "tumour_size" => 6,
                "nodes_positive" => 5,
                "er_percent" => 4,
                "pgr_percent" => 2,
                _ => 0,
            };
            add("range", Some(spec.name), "R501", Conformance, Error, "", "", None, None, curie(n));
        }
        if spec.required {
            let n = if spec.name == "patient_id" { 7 } else { 0 };
            add("required", Some(spec.name), "R500", Completeness, Error, "", "", None, None, curie(n));
        }
    }
    add(
        "size_known",
        Some("tumour_size"),
        "R503",
        Completeness,
        Warning,
        "Tumour size is known for nearly all patients",
        "La taille de la tumeur est connue chez presque tous",
        None,
        Some("at least 90 %"),
        [None, Some((0, 686)), Some((0, 686)), Some((302, 5116))],
    );
    add(
        "grade_known",
        Some("grade"),
        "R503",
        Completeness,
        Error,
        "Grade is known for nearly all patients",
        "Le grade est connu chez presque tous les patients",
        None,
        Some("at least 90 %"),
        [Some((0, 2982)), Some((0, 686)), Some((0, 686)), Some((645, 5116))],
    );
    add(
        "ki67_known",
        Some("ki67"),
        "R503",
        Completeness,
        Warning,
        "Ki-67 is known for most patients",
        "Le Ki-67 est connu chez la plupart des patients",
        None,
        Some("at least 75 %"),
        at_curie(2133, 5116),
    );
    add(
        "her2_known",
        Some("her2"),
        "R503",
        Completeness,
        Warning,
        "",
        "",
        None,
        Some("at least 80 %"),
        at_curie(711, 5116),
    );
    add(
        "relapse_after_diagnosis",
        Some("relapse_date"),
        "R502",
        Plausibility,
        Error,
        "A relapse does not come before the diagnosis",
        "Une rechute ne précède pas le diagnostic",
        Some("relapse_date >= diagnosis_date"),
        Some("at most 0.5 %"),
        at_curie(7, 1051),
    );
    add(
        "contact_after_diagnosis",
        Some("last_contact"),
        "R502",
        Plausibility,
        Error,
        "",
        "",
        Some("last_contact >= diagnosis_date"),
        None,
        at_curie(6, 5344),
    );
    add(
        "relapse_before_contact",
        Some("relapse_date"),
        "R502",
        Plausibility,
        Warning,
        "",
        "",
        Some("relapse_date <= last_contact"),
        None,
        at_curie(5, 1051),
    );
    add(
        "death_after_relapse_followup",
        None,
        "R502",
        Plausibility,
        Warning,
        "A death without relapse does not come after the end of relapse follow-up",
        "Un décès sans rechute ne survient pas après la fin du suivi des rechutes",
        Some("not (death and not rfs_event and os_days > rfs_days)"),
        None,
        [Some((43, 2982)), None, None, Some((0, 5346))],
    );
    add(
        "os_not_shorter",
        Some("os_days"),
        "R502",
        Plausibility,
        Error,
        "",
        "",
        Some("os_days >= rfs_days"),
        None,
        [Some((0, 2982)), None, None, Some((0, 5346))],
    );
    add(
        "adult",
        Some("age"),
        "R502",
        Plausibility,
        Warning,
        "",
        "",
        Some("age >= 20"),
        None,
        [Some((0, 2982)), Some((0, 686)), Some((0, 686)), Some((3, 5352))],
    );
    add(
        "male_no_menopause",
        None,
        "R502",
        Plausibility,
        Warning,
        "A man has no menopausal status",
        "Un homme n’a pas de statut ménopausique",
        Some("sex <> 'male' or menopause is null"),
        None,
        [Some((0, 0)), Some((0, 0)), Some((0, 0)), Some((0, 0))],
    );
    all
}
