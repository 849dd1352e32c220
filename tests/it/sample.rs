//! A run as four sites would leave it: every state, status and kind of distribution occurs.
//!
//! Made by arithmetic, not by a random generator, so that the page drawn from it never changes by
//! itself. It is no real cohort; only its shape is.

use std::collections::BTreeMap;

use cohorte::execute::summary::*;

const SITES: [(&str, u64); 4] = [("rotterdam", 2982), ("gbsg", 686), ("gbsg2", 686), ("curie", 5352)];
const TABLE: &str = "patient";

fn text(en: &str, fr: &str) -> Text {
    if en.is_empty() { Text::new() } else { Text::from([("en".into(), en.into()), ("fr".into(), fr.into())]) }
}

/// A field and how sites fill it, in the order of `SITES`: per mille filled, or a state.
struct Spec {
    name: &'static str,
    kind: &'static str,
    unit: Option<&'static str>,
    en: &'static str,
    fr: &'static str,
    required: bool,
    range: Option<[Option<&'static str>; 2]>,
    values: &'static [(&'static str, &'static str, &'static str)],
    fill: [Fill; 4],
}

#[derive(Clone, Copy)]
enum Fill {
    Some(u64),
    Imp(&'static str),
    Und(&'static str),
    Not,
}
use Fill::{Imp, Not, Some as Got, Und};

const NOT_CALENDAR: Fill = Imp("the public data set holds days, no calendar dates");
const NOT_COLLECTED: Fill = Imp("not collected in the trial");
const NO_DEATHS: Fill = Imp("the event is relapse or death, whichever came first; deaths are not told apart");

fn field(name: &'static str, kind: &'static str, en: &'static str, fr: &'static str, fill: [Fill; 4]) -> Spec {
    Spec { name, kind, unit: None, en, fr, required: false, range: None, values: &[], fill }
}

impl Spec {
    fn unit(mut self, unit: &'static str) -> Self {
        self.unit = Some(unit);
        self
    }
    fn range(mut self, low: &'static str, high: &'static str) -> Self {
        self.range = Some([Some(low), Some(high)]);
        self
    }
    fn required(mut self) -> Self {
        self.required = true;
        self
    }
    fn values(mut self, values: &'static [(&'static str, &'static str, &'static str)]) -> Self {
        self.values = values;
        self
    }
}

fn specs() -> Vec<Spec> {
    vec![
        field(
            "patient_id",
            "pseudonym",
            "Patient identifier (pseudonym)",
            "Identifiant du patient (pseudonyme)",
            [Got(1000); 4],
        )
        .required(),
        field("sex", "code", "Sex", "Sexe", [Got(1000); 4])
            .values(&[("female", "female", "féminin"), ("male", "male", "masculin")]),
        field(
            "birth_year",
            "integer",
            "Year of birth",
            "Année de naissance",
            [NOT_COLLECTED, NOT_COLLECTED, NOT_COLLECTED, Got(1000)],
        )
        .unit("a"),
        field("age", "integer", "Age at diagnosis", "Âge au diagnostic", [Got(1000); 4])
            .unit("a")
            .range("18", "110")
            .required(),
        field(
            "menopause",
            "code",
            "Menopausal status",
            "Statut ménopausique",
            [Got(1000), Got(1000), Got(1000), Got(912)],
        )
        .values(&[
            ("pre", "premenopausal", "non ménopausée"),
            ("peri", "perimenopausal", "périménopause"),
            ("post", "postmenopausal", "ménopausée"),
        ]),
        field(
            "diagnosis_date",
            "date",
            "Date of diagnosis",
            "Date de diagnostic",
            [NOT_CALENDAR, NOT_CALENDAR, NOT_CALENDAR, Got(1000)],
        ),
        field(
            "diagnosis_year",
            "date",
            "Year of surgery or diagnosis",
            "Année de chirurgie ou de diagnostic",
            [Got(1000), NOT_COLLECTED, NOT_COLLECTED, Got(1000)],
        ),
        field(
            "laterality",
            "code",
            "Side of the tumour",
            "Latéralité de la tumeur",
            [NOT_COLLECTED, NOT_COLLECTED, NOT_COLLECTED, Got(968)],
        )
        .values(&[
            ("left", "left", "gauche"),
            ("right", "right", "droite"),
            ("both", "both sides", "bilatérale"),
        ]),
        field(
            "tumour_size",
            "decimal",
            "Largest diameter of the tumour",
            "Plus grand diamètre de la tumeur",
            [Imp("only the classes up to 20, 20 to 50 and over 50 mm are known"), Got(1000), Got(1000), Got(941)],
        )
        .unit("mm")
        .range("0", "250"),
        field(
            "tumour_size_class",
            "code",
            "Tumour size in classes",
            "Taille de la tumeur en classes",
            [Got(1000), Got(1000), Got(1000), Got(941)],
        )
        .values(&[
            ("<=20", "up to 20 mm", "20 mm au plus"),
            ("20-50", "20 to 50 mm", "de 20 à 50 mm"),
            (">50", "over 50 mm", "plus de 50 mm"),
        ]),
        field(
            "grade",
            "code",
            "Histological grade",
            "Grade histopronostique",
            [Got(1000), Got(1000), Got(1000), Got(874)],
        )
        .values(&[("1", "", ""), ("2", "", ""), ("3", "", "")]),
        field(
            "nodes_positive",
            "integer",
            "Positive lymph nodes",
            "Ganglions envahis",
            [Got(1000), Got(1000), Got(1000), Got(978)],
        )
        .unit("{nodes}")
        .range("0", "100"),
        field(
            "nodes_examined",
            "integer",
            "Lymph nodes examined",
            "Ganglions examinés",
            [NOT_COLLECTED, NOT_COLLECTED, NOT_COLLECTED, Got(978)],
        )
        .unit("{nodes}")
        .range("0", "100"),
        field(
            "er",
            "integer",
            "Oestrogen receptor, concentration",
            "Récepteurs des œstrogènes, concentration",
            [Got(1000), Got(1000), Got(1000), Imp("measured by staining, in percent of cells")],
        )
        .unit("fmol/mg")
        .range("0", "10000"),
        field(
            "pgr",
            "integer",
            "Progesterone receptor, concentration",
            "Récepteurs de la progestérone, concentration",
            [Got(1000), Got(1000), Got(1000), Imp("measured by staining, in percent of cells")],
        )
        .unit("fmol/mg")
        .range("0", "10000"),
        field(
            "er_percent",
            "integer",
            "Oestrogen receptor, cells stained",
            "Récepteurs des œstrogènes, cellules marquées",
            [
                Imp("measured as a concentration"),
                Imp("measured as a concentration"),
                Imp("measured as a concentration"),
                Got(903),
            ],
        )
        .unit("%")
        .range("0", "100"),
        field(
            "pgr_percent",
            "integer",
            "Progesterone receptor, cells stained",
            "Récepteurs de la progestérone, cellules marquées",
            [
                Imp("measured as a concentration"),
                Imp("measured as a concentration"),
                Imp("measured as a concentration"),
                Got(884),
            ],
        )
        .unit("%")
        .range("0", "100"),
        field(
            "er_status",
            "code",
            "Oestrogen receptor status",
            "Statut des récepteurs des œstrogènes",
            [Got(1000), Got(1000), Got(1000), Got(903)],
        )
        .values(&[("negative", "negative", "négatif"), ("positive", "positive", "positif")]),
        field(
            "her2",
            "code",
            "HER2 status",
            "Statut HER2",
            [
                Imp("not measured before 2000"),
                Imp("not measured before 2000"),
                Imp("not measured before 2000"),
                Got(861),
            ],
        )
        .values(&[
            ("negative", "negative", "négatif"),
            ("positive", "positive", "positif"),
            ("equivocal", "equivocal", "équivoque"),
        ]),
        field(
            "ki67",
            "integer",
            "Ki-67 labelling index",
            "Indice de prolifération Ki-67",
            [
                Imp("not measured before 2000"),
                Imp("not measured before 2000"),
                Imp("not measured before 2000"),
                Got(583),
            ],
        )
        .unit("%")
        .range("0", "100"),
        field(
            "surgery",
            "code",
            "Type of surgery",
            "Type de chirurgie",
            [Und("asked of the registry in March"), Not, Not, Got(959)],
        )
        .values(&[
            ("breast_conserving", "breast-conserving surgery", "chirurgie conservatrice"),
            ("mastectomy", "mastectomy", "mastectomie"),
            ("none", "none", "aucune"),
        ]),
        field("chemotherapy", "boolean", "Chemotherapy", "Chimiothérapie", [Got(1000), Got(1000), Got(1000), Got(990)]),
        field(
            "hormone_therapy",
            "boolean",
            "Hormone therapy",
            "Hormonothérapie",
            [Got(1000), Got(1000), Got(1000), Got(988)],
        ),
        field(
            "radiotherapy",
            "boolean",
            "Radiotherapy",
            "Radiothérapie",
            [Und("asked of the registry in March"), Not, Not, Got(962)],
        ),
        field(
            "relapse_date",
            "date",
            "Date of first relapse",
            "Date de première rechute",
            [NOT_CALENDAR, NOT_CALENDAR, NOT_CALENDAR, Got(204)],
        ),
        field(
            "last_contact",
            "date",
            "Date of last contact",
            "Date des dernières nouvelles",
            [NOT_CALENDAR, NOT_CALENDAR, NOT_CALENDAR, Got(999)],
        ),
        field("rfs_days", "integer", "Relapse-free survival", "Survie sans rechute", [Got(1000); 4])
            .unit("d")
            .range("0", "20000")
            .required(),
        field("rfs_event", "boolean", "Relapse or death observed", "Rechute ou décès observé", [Got(1000); 4])
            .required(),
        field("os_days", "integer", "Overall survival", "Survie globale", [Got(1000), NO_DEATHS, NO_DEATHS, Got(999)])
            .unit("d")
            .range("0", "20000"),
        field("death", "boolean", "Death observed", "Décès observé", [Got(1000), NO_DEATHS, NO_DEATHS, Got(999)]),
        field(
            "comment",
            "text",
            "Free comment",
            "Commentaire libre",
            [Not, Not, Not, Und("may hold names; the site is asked to review it")],
        ),
    ]
}

/// Rows that leave a share of `of`, rounded.
fn mille(of: u64, per_mille: u64) -> u64 {
    (of * per_mille + 500) / 1000
}

/// A bell or a decay over `n` bins, as counts that add up to `rows`.
fn shaped(rows: u64, n: usize, peak: f64, spread: f64) -> Vec<u64> {
    let weight = |i: usize| (-((i as f64 - peak) / spread).powi(2) / 2.0).exp();
    let all: f64 = (0..n).map(weight).sum();
    let mut bins: Vec<u64> = (0..n).map(|i| (rows as f64 * weight(i) / all) as u64).collect();
    let left = rows - bins.iter().sum::<u64>();
    bins[peak.max(0.0) as usize] += left;
    bins
}

fn distribution(spec: &Spec, site: usize, rows: u64) -> Option<Distribution> {
    let s = site as f64;
    Some(match spec.kind {
        "integer" | "decimal" => {
            let (low, high, n, peak, spread, mean, sd, median) = match spec.name {
                "age" => (20.0, 92.0, 36, 17.0 + s, 6.5, 55.05 + s, 12.95 - s, 54.0 + s),
                "birth_year" => (1910.0, 1995.0, 17, 8.0, 3.0, 1951.3, 14.2, 1951.0),
                "tumour_size" => (0.0, 120.0, 24, 4.0, 3.2, 24.9 + s, 14.3, 22.0 + s),
                "nodes_positive" => (0.0, 36.0, 36, -2.0, 4.0, 2.71 + s, 4.38, 1.0 + s),
                "nodes_examined" => (0.0, 40.0, 20, 5.0, 3.0, 11.2, 5.9, 10.0),
                "er" | "pgr" => (0.0, 2400.0, 40, -1.0, 2.4, 161.8 + s * 3.0, 291.3, 41.0),
                "rfs_days" | "os_days" => {
                    (0.0, 7200.0 - s * 900.0, 30, 8.0 - s, 7.0, 1987.4 - s * 90.0, 1287.0, 1940.0 - s * 70.0)
                }
                _ => (0.0, 100.0, 20, 16.0, 5.0, 68.2, 31.4, 80.0),
            };
            Distribution::Number {
                mean: Some(mean),
                sd: Some(sd),
                median: Some(median),
                low,
                high,
                bins: shaped(rows, n, peak, spread),
            }
        }
        "date" => {
            let (first, n) = if site == 0 { (1978, 16) } else { (2006, 14) };
            Distribution::Year { first, counts: shaped(rows, n, 8.0, 6.0) }
        }
        "code" | "boolean" => {
            let names: Vec<&str> =
                if spec.kind == "boolean" { vec!["false", "true"] } else { spec.values.iter().map(|v| v.0).collect() };
            let counts = if spec.name == "sex" {
                vec![rows - rows / 120, rows / 120]
            } else {
                shaped(rows, names.len(), (0.6 + 0.2 * s).min(names.len() as f64 - 1.0), 1.0)
            };
            Distribution::Category {
                counts: names.iter().zip(counts).map(|(v, rows)| CategoryCount { value: (*v).into(), rows }).collect(),
            }
        }
        _ => return None,
    })
}

/// A rule, and at each site violated / denominator (`None`: it does not apply there).
struct RuleSpec {
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

fn judge(violated: u64, denominator: u64, threshold: Option<&str>) -> RuleStatus {
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

impl RuleSpec {
    fn results(&self, out: &mut Vec<RuleResult>) {
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

fn rules() -> Vec<RuleSpec> {
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

/// The whole of it.
pub fn summary() -> RunSummary {
    let specs = specs();
    let quarantined = [0, 0, 0, 236];
    let accounts: Vec<Account> = SITES
        .iter()
        .zip(quarantined)
        .map(|((site, rows), quarantined)| Account {
            table: TABLE.into(),
            site: (*site).into(),
            source: if *site == "curie" { "dossier" } else { "export" }.into(),
            rows_read: *rows,
            rows_accepted: rows - quarantined - if *site == "curie" { 12 } else { 0 },
            rows_quarantined: quarantined,
            rows_filtered: if *site == "curie" { 12 } else { 0 },
            rows_deduplicated: 0,
            rows_flagged: match *site {
                "rotterdam" => 43,
                "curie" => 8,
                _ => 0,
            },
            filters: if *site == "curie" { vec![Filtered { filter: "breast".into(), condition: "SIEGE LIKE 'C50%'".into(), rows: 12 }] } else { vec![] },
        })
        .collect();
    let mut variables = Vec::new();
    for (i, (site, _)) in SITES.iter().enumerate() {
        for spec in &specs {
            let rows = accounts[i].rows_accepted;
            let (state, reason, filled) = match spec.fill[i] {
                Got(per_mille) => (VariableState::Derived, None, mille(rows, per_mille)),
                Imp(why) => (VariableState::Impossible, Some(why.to_owned()), 0),
                Und(why) => (VariableState::Undetermined, Some(why.to_owned()), 0),
                Not => (VariableState::NotMapped, None, 0),
            };
            let distribution = (filled > 0).then(|| distribution(spec, i, filled)).flatten();
            variables.push(Variable {
                table: TABLE.into(),
                site: (*site).into(),
                field: spec.name.into(),
                state,
                reason,
                rows,
                filled,
                distribution,
            });
        }
    }
    let mut results = Vec::new();
    for rule in rules() {
        rule.results(&mut results);
    }
    let mut reasons: Vec<ReasonCount> = results
        .iter()
        .filter(|r| {
            r.violated > 0
                && r.site.is_some()
                && r.rule != "quarantine"
                && r.threshold.as_deref().is_none_or(|t| t.contains("most"))
        })
        .map(|r| ReasonCount {
            site: r.site.clone().unwrap(),
            source: if r.site.as_deref() == Some("curie") { "dossier" } else { "export" }.into(),
            table: TABLE.into(),
            code: r.code.clone(),
            field: r.field.clone(),
            rule: r.rule.clone(),
            severity: r.severity,
            rows: r.violated,
        })
        .collect();
    reasons.sort_by_key(|r| std::cmp::Reverse(r.rows));
    let unmapped = |field: &str, column: &str, value: Option<&str>, rows| Unmapped {
        table: TABLE.into(),
        site: "curie".into(),
        field: field.into(),
        column: column.into(),
        value: value.map(Into::into),
        rows,
    };
    RunSummary {
        format: 1,
        tool: "cohorte 0.1.0".into(),
        pipeline: "breast_relapse".into(),
        schema: SchemaSummary {
            name: "breast_relapse".into(),
            version: "1.0.0".into(),
            description: text(
                "Relapse after surgery for primary breast cancer",
                "Rechute après chirurgie d’un cancer du sein primitif",
            ),
            tables: vec![TableSummary {
                name: TABLE.into(),
                description: text("One row per patient", "Une ligne par patient"),
                key: vec!["patient_id".into()],
                fields: specs.iter().map(summarise).collect(),
            }],
        },
        started_at: "2026-03-09T08:41:07Z".into(),
        seconds: 1.84,
        sites: SITES.iter().map(|(s, _)| (*s).to_owned()).collect(),
        sources: sources(),
        accounts,
        steps: vec![],
        variables,
        rules: results,
        unmapped: vec![
            unmapped("laterality", "Latéralité", Some("D/G ?"), 14),
            unmapped("surgery", "Chirurgie", Some("cf. compte rendu"), 11),
            unmapped("laterality", "Latéralité", Some("<dte>"), 9),
            unmapped("surgery", "Chirurgie", Some("zonectomie"), 8),
            unmapped("grade", "Grade SBR", Some("IV"), 7),
            unmapped("sex", "Sexe", Some("X"), 6),
            unmapped("laterality", "Latéralité", None, 8),
            unmapped("surgery", "Chirurgie", None, 7),
            unmapped("her2", "HER2", None, 5),
        ],
        reasons,
        endpoints: vec![EndpointSummary {
            table: TABLE.into(),
            site: "rotterdam".into(),
            name: "rfs".into(),
            fields: vec!["rfs_days".into(), "rfs_event".into()],
            definition: Some("STEEP2.0/RFS".into()),
            words: text("The event is the first of: relapse, death.", "L'événement est le premier de : récidive, décès."),
            derivation: serde_json::json!({"name": "rfs"}),
        }],
        status: RunStatus::Failed,
    }
}

fn summarise(spec: &Spec) -> FieldSummary {
    let concept: BTreeMap<String, String> = match spec.name {
        "age" => [("loinc", "63932-4")].as_slice(),
        "grade" => &[("loinc", "44648-0"), ("osiris", "TumorPathologyEvent_HistologicalGrade")],
        "er" => &[("loinc", "16112-5")],
        _ => &[],
    }
    .iter()
    .map(|(k, v)| ((*k).into(), (*v).into()))
    .collect();
    FieldSummary {
        name: spec.name.into(),
        kind: spec.kind.into(),
        unit: spec.unit.map(Into::into),
        required: spec.required,
        description: text(spec.en, spec.fr),
        concept,
        values: spec.values.iter().map(|(v, en, fr)| ValueLabel { value: (*v).into(), label: text(en, fr) }).collect(),
        ordered: spec.name == "grade",
        range: spec.range.map(|r| r.map(|b| b.map(Into::into))),
    }
}

fn sources() -> Vec<SourceSummary> {
    let file = |path: &str, bytes, rows, encoding: &str, delimiter: &str, evidence: &[&str], blank_lines, seed: u32| {
        FileSummary {
            path: path.into(),
            bytes,
            sha256: (0..8)
                .map(|i| format!("{:08x}", seed.wrapping_mul(2_654_435_761).rotate_left(i * 5) ^ i))
                .collect(),
            rows,
            blank_lines,
            comment_lines: 0,
            encoding: encoding.into(),
            delimiter: delimiter.into(),
            evidence: evidence.iter().map(|e| (*e).into()).collect(),
        }
    };
    let utf8 =
        ["encoding: utf-8 (every byte is ASCII)", "delimiter: , (the same number in each of the first 200 lines)"];
    let cp1252 = [
        "encoding: windows-1252 (0xE9 0x80 0x92 occur; 0x80 to 0x9F are no text in iso-8859-1)",
        "delimiter: ; (declared)",
    ];
    let source = |site: &str, name: &str, files| SourceSummary {
        site: site.into(),
        name: name.into(),
        mapping: site.into(),
        format: "csv".into(),
        files,
    };
    vec![
        source(
            "rotterdam",
            "export",
            vec![file("sample_data/rotterdam/rotterdam.csv", 128_431, 2982, "utf-8", ",", &utf8, 0, 7)],
        ),
        source("gbsg", "export", vec![file("sample_data/gbsg/gbsg.csv", 24_118, 686, "utf-8", ",", &utf8, 0, 11)]),
        source("gbsg2", "export", vec![file("sample_data/gbsg2/GBSG2.csv", 27_902, 686, "utf-8", ",", &utf8, 0, 13)]),
        source(
            "curie",
            "dossier",
            vec![
                file("sample_data/curie/dossiers_2006_2009.csv", 214_377, 1479, "windows-1252", ";", &cp1252, 3, 17),
                file("sample_data/curie/dossiers_2010_2013.csv", 287_120, 1818, "windows-1252", ";", &cp1252, 0, 19),
                file("sample_data/curie/dossiers_2014_2017.csv", 1_312_559, 2055, "windows-1252", ";", &cp1252, 1, 23),
            ],
        ),
    ]
}
