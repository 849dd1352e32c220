//! Molar masses: what makes a mass concentration of a named substance an amount-of-substance concentration.
//!
//! UCUM does not convert `mg/dL` to `umol/L`, and rightly: it depends on the substance. The table below names
//! substances of the clinical laboratory by their molecular formula, as PubChem gives it under the compound
//! number beside it; the molar mass is computed from the formula and the abridged standard atomic weights of
//! 2021 (Prohaska T et al. Standard atomic weights of the elements 2021, IUPAC Technical Report. Pure Appl
//! Chem 2022;94:573–600). Proteins and mixtures (albumin, haemoglobin, heparin) have no single formula and
//! are not in it.

use super::unit::{Factor, between};
use super::{Derive, Role, Transform};
use crate::config::yaml::Node;
use crate::diagnostic::{Diagnostic, code};

pub static ANALYTE: Transform = Transform {
    key: "analyte",
    role: Role::Companion,
    fallible: false,
    summary: "The substance whose molar mass converts a mass to an amount of substance.",
    example: "{from: CREAT_MG_DL, unit: mg/dL, analyte: creatinine}",
    lower: |d: &mut Derive<'_>, node: &Node| {
        let name = crate::config::read::text(node, "analyte", d.found)?;
        if d.entry("unit").is_none() {
            d.found.push(Diagnostic::error(code::ANALYTE, name.span, "`analyte` without a unit").label("there is nothing to convert").help("`unit: mg/dL` beside it"));
            return None;
        }
        if molar_mass(&name.value).is_none() {
            d.found.push(
                Diagnostic::error(code::ANALYTE, name.span, format!("no molar mass is known of `{}`", name.value))
                    .label("not in the table")
                    .suggest(&name.value, SUBSTANCES.iter().map(|(name, ..)| *name)),
            );
            return None;
        }
        Some(())
    },
};

/// Name, molecular formula, PubChem compound number. Calcium to zinc are measured as the element or ion,
/// phosphate and urea nitrogen as P and N₂ by convention of the laboratories.
const SUBSTANCES: [(&str, &str, u32); 30] = [
    ("creatinine", "C4H7N3O", 588),
    ("glucose", "C6H12O6", 5793),
    ("urea", "CH4N2O", 1176),
    ("urea nitrogen", "N2", 947),
    ("uric acid", "C5H4N4O3", 1175),
    ("bilirubin", "C33H36N4O6", 5_280_352),
    ("cholesterol", "C27H46O", 5997),
    ("lactate", "C3H6O3", 612),
    ("calcium", "Ca", 5_460_341),
    ("magnesium", "Mg", 5_462_224),
    ("phosphorus", "P", 5_462_309),
    ("sodium", "Na", 5_360_545),
    ("potassium", "K", 5_462_222),
    ("chloride", "Cl", 312),
    ("iron", "Fe", 23_925),
    ("copper", "Cu", 23_978),
    ("zinc", "Zn", 23_994),
    ("estradiol", "C18H24O2", 5757),
    ("progesterone", "C21H30O2", 5994),
    ("testosterone", "C19H28O2", 6013),
    ("cortisol", "C21H30O5", 5754),
    ("thyroxine", "C15H11I4NO4", 5819),
    ("triiodothyronine", "C15H12I3NO4", 5920),
    ("25-hydroxyvitamin D3", "C27H44O2", 5_283_731),
    ("folic acid", "C19H19N7O6", 135_398_658),
    ("methotrexate", "C20H22N8O5", 126_941),
    ("ethanol", "C2H6O", 702),
    ("ammonia", "H3N", 222),
    ("homocysteine", "C4H9NO2S", 91_552),
    ("cyanocobalamin", "C63H88CoN14O14P", 5_311_498),
];

/// Abridged standard atomic weights, in g/mol.
const WEIGHTS: [(&str, f64); 17] = [
    ("H", 1.008), ("C", 12.011), ("N", 14.007), ("O", 15.999), ("Na", 22.990), ("Mg", 24.305), ("P", 30.974), ("S", 32.06), ("Cl", 35.45),
    ("K", 39.098), ("Ca", 40.078), ("Fe", 55.845), ("Co", 58.933), ("Cu", 63.546), ("Zn", 65.38), ("I", 126.90), ("F", 18.998),
];

/// Grams of a mole of a substance, to three decimals.
pub fn molar_mass(substance: &str) -> Option<f64> {
    let (_, formula, _) = SUBSTANCES.iter().find(|(name, ..)| *name == substance)?;
    Some((mass_of(formula)? * 1000.0).round() / 1000.0)
}

/// Grams of a mole by a molecular formula of elements and counts.
fn mass_of(formula: &str) -> Option<f64> {
    let (mut mass, mut rest) = (0.0, formula);
    while !rest.is_empty() {
        let symbol = rest.len() - rest.get(1..)?.trim_start_matches(|c: char| c.is_ascii_lowercase()).len();
        let (element, after) = rest.split_at_checked(symbol)?;
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (count, after) = after.split_at_checked(digits)?;
        let (_, weight) = WEIGHTS.iter().find(|(symbol, _)| *symbol == element)?;
        mass += weight * if count.is_empty() { 1.0 } else { count.parse().ok()? };
        rest = after;
    }
    Some(mass)
}

/// A conversion that needs a molar mass.
#[derive(Debug, Clone, Copy)]
pub struct BySubstance {
    /// From the one unit to grams (of something), and from moles (of the same) to the other; or from the one to
    /// moles and from grams to the other.
    parts: [Factor; 2],
    mass_first: bool,
}

impl BySubstance {
    /// The factor for a substance of which a mole has so many grams.
    pub fn factor(self, grams: f64) -> Factor {
        let [first, second] = self.parts;
        let (numerator, denominator) = (first.numerator * second.numerator, first.denominator * second.denominator);
        let (numerator, denominator) = if self.mass_first { (numerator, denominator * grams) } else { (numerator * grams, denominator) };
        Factor { numerator, denominator, offset: 0.0 }
    }
}

/// Whether one of two units is a mass and the other an amount of substance, alone, in a volume or in a day.
pub fn mass_and_substance(from: &str, to: &str) -> Option<BySubstance> {
    [("g/L", "mol/L"), ("g", "mol"), ("g/d", "mol/d")].into_iter().find_map(|(mass, substance)| {
        let parts = |middle: [&str; 2]| Some([between(from, middle[0]).ok()?, between(middle[1], to).ok()?]);
        let of_mass = parts([mass, substance]).map(|parts| BySubstance { parts, mass_first: true });
        of_mass.or_else(|| parts([substance, mass]).map(|parts| BySubstance { parts, mass_first: false }))
    })
}

#[cfg(test)]
mod tests {
    use super::{SUBSTANCES, mass_and_substance, mass_of, molar_mass};

    /// Molecular weights of PubChem, by the tables of the Python package chemicals 1.5.2: by compound number but for
    /// bilirubin, folic acid and cyanocobalamin, which stand there under other numbers, and 25-hydroxyvitamin D3, which is
    /// not in it (by hand 400.647). They rest on older atomic weights; one hydrogen too many would be seven times the tolerance.
    #[test]
    fn molar_masses_as_pubchem_gives_them() {
        let weights = [
            ("creatinine", 113.11788), ("glucose", 180.15588), ("urea", 60.05526), ("urea nitrogen", 28.0134), ("uric acid", 168.11026),
            ("bilirubin", 584.66214), ("cholesterol", 386.65354), ("lactate", 90.07794), ("calcium", 40.078), ("magnesium", 24.305),
            ("phosphorus", 30.973761), ("sodium", 22.989769), ("potassium", 39.0983), ("chloride", 35.453), ("iron", 55.845),
            ("copper", 63.546), ("zinc", 65.38), ("estradiol", 272.38196), ("progesterone", 314.4617), ("testosterone", 288.42442),
            ("cortisol", 362.4599), ("thyroxine", 776.87002), ("triiodothyronine", 650.97349), ("folic acid", 441.39746),
            ("methotrexate", 454.43928), ("ethanol", 46.06844), ("ammonia", 17.03052), ("homocysteine", 135.18476),
            ("cyanocobalamin", 1355.365177),
        ];
        for (name, weight) in weights {
            let found = molar_mass(name).unwrap();
            assert!((found / weight - 1.0).abs() < 1e-4, "{name}: {found}");
        }
        assert!((molar_mass("25-hydroxyvitamin D3").unwrap() - 400.647).abs() < 1e-9);
        assert_eq!(weights.len() + 1, SUBSTANCES.len());
        assert_eq!((molar_mass("albumin"), mass_of("Xx2")), (None, None));
    }

    #[test]
    fn conversions_of_the_laboratory() {
        let convert = |value: f64, from, to, name: &str| {
            let factor = mass_and_substance(from, to).unwrap().factor(molar_mass(name).unwrap());
            value * factor.numerator / factor.denominator
        };
        // 1 mg/dL of creatinine is 88.4 µmol/L, 1 mmol/L of glucose 18.0 mg/dL, of cholesterol 38.67 mg/dL.
        assert!((convert(1.0, "mg/dL", "umol/L", "creatinine") - 88.4).abs() < 0.01);
        assert!((convert(1.0, "mmol/L", "mg/dL", "glucose") - 18.016).abs() < 0.001);
        assert!((convert(1.0, "mmol/L", "mg/dL", "cholesterol") - 38.67).abs() < 0.01);
        assert!((convert(1.0, "g/d", "mmol/d", "creatinine") - 8.84).abs() < 0.001);
        assert!(mass_and_substance("mg/dL", "mm").is_none() && mass_and_substance("mg/dL", "mol").is_none());
    }
}
