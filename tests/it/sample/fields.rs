//! The fields of the sample, and how full they are at each site.

/// A field and how sites fill it, in the order of `SITES`: per mille filled, or a state.
pub struct Spec {
    pub name: &'static str,
    pub kind: &'static str,
    pub unit: Option<&'static str>,
    pub en: &'static str,
    pub fr: &'static str,
    pub required: bool,
    pub range: Option<[Option<&'static str>; 2]>,
    pub values: &'static [(&'static str, &'static str, &'static str)],
    pub fill: [Fill; 4],
}

#[derive(Clone, Copy)]
pub enum Fill {
    Some(u64),
    Imp(&'static str),
    Und(&'static str),
    Not,
}
pub use Fill::{Imp, Not, Some as Got, Und};

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

pub fn specs() -> Vec<Spec> {
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
