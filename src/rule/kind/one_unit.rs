//! Values in another unit than the rest: centimetres among millimetres, or a whole site in them.

use std::sync::Arc;

use super::{Asks, Counts, Judge, Kind, Measured, Values, Verdict, need, quoted};
use crate::config::rule::RuleCategory;
use crate::config::schema::FieldType;
use crate::config::yaml::{Node, Value};
use crate::statistic::scale::{LogHistogram, second_mode};
use crate::statistic::site::{SiteValues, site_shift};

/// Slips by decimal places and metric prefixes, which every measurement can have; others must be asked for.
const USUAL: [f64; 3] = [10.0, 100.0, 1000.0];

/// Places in a decade that values are counted at: a hundredth of a value is near enough to find a factor, and millions of values are counted in a few thousand places.
const PLACES: f64 = 200.0;

/// With fewer values the median of a site says little.
const FEW: u64 = 30;

pub static KIND: Kind = Kind {
    name: "one_unit",
    category: RuleCategory::Plausibility,
    dqd: Some("plausibleUnitConceptIds"),
    later: true,
    summary: "At each site all values are in one unit, and it is that of the other sites: no second cluster of values lies at the distance of a factor between units from the main one, and no site's median is off from those of at least two others by such a factor. `factors` lists those that are looked for; by default 10, 100 and 1000. At least some hundred values are needed to tell two clusters apart.",
    example: "{one_unit: {field: tumour_size, factors: [10]}}",
    read: |told| {
        told.no_threshold();
        let mut keys = told.keys()?;
        let field = told.field_at(&mut keys, "field", &[FieldType::Integer, FieldType::Decimal]);
        let factors = match keys.take("factors") {
            None => Some(USUAL.to_vec()),
            Some(Node { value: Value::List(items), .. }) => items.iter().map(|n| told.number_of(n, "factors")).collect::<Option<Vec<f64>>>(),
            Some(one) => told.number_of(one, "factors").map(|f| vec![f]),
        };
        let span = keys.span;
        keys.finish(told.found);
        let (field, factors) = (field?, factors?);
        if factors.is_empty() || factors.iter().any(|f| *f <= 0.0 || *f == 1.0) {
            told.wrong(span, "a factor between units is above zero and not 1", "such as `factors: [10, 2.54]`");
            return None;
        }
        let name = quoted(&field.name.value);
        Some(Asks::Values(Values { needs: need(told.table, &[field]), field: field.name.value.clone(), value: format!("CASE WHEN {name} > 0 THEN power(10.0, floor(log10({name}) * {PLACES:.1} + 0.0000001) / {PLACES:.1}) END"), earlier: false, judge: Arc::new(OneUnit { name, factors }) }))
    },
};

#[derive(Debug)]
struct OneUnit {
    name: String,
    factors: Vec<f64>,
}

impl Judge for OneUnit {
    fn judge(&self, sites: &[Counts], _: Option<&[Counts]>) -> Vec<Verdict> {
        let known: Vec<SiteValues> = sites.iter().map(of_site).collect();
        let shifted = site_shift(&known, &self.factors, FEW);
        let one = |(at, site): (usize, &Counts)| {
            let positive: u64 = site.numbers().filter(|(v, _)| *v > 0.0).map(|(_, n)| n).sum();
            if let Some(shift) = shifted.iter().find(|s| s.site == at) {
                return Verdict { violated: positive, denominator: positive, misses: true, measure: Some(factor(if shift.larger { shift.factor } else { 1.0 / shift.factor })), rows: Some(format!("{} > 0", self.name)) };
            }
            let mut histogram = LogHistogram::default();
            for (value, n) in site.numbers() {
                histogram.add_many(value, n);
            }
            match second_mode(&histogram, &self.factors) {
                None => Verdict { denominator: positive, ..Verdict::default() },
                Some(mode) => {
                    let (there, condition) = match mode.larger {
                        true => (site.numbers().filter(|(v, _)| *v > mode.cut).map(|(_, n)| n).sum(), format!("{} > {}", self.name, mode.cut)),
                        false => (site.numbers().filter(|(v, _)| *v > 0.0 && *v < mode.cut).map(|(_, n)| n).sum(), format!("{name} > 0 AND {name} < {}", mode.cut, name = self.name)),
                    };
                    Verdict { violated: there, denominator: positive, misses: true, measure: Some(factor(if mode.larger { mode.factor } else { 1.0 / mode.factor })), rows: Some(condition) }
                }
            }
        };
        sites.iter().enumerate().map(one).collect()
    }
}

fn factor(value: f64) -> Measured {
    Measured { en: "factor between the two clusters", fr: "facteur entre les deux groupes", value, limit: None }
}

/// Median, and spread of the logarithms, of the positive values.
fn of_site(site: &Counts) -> SiteValues {
    let values: Vec<(f64, u64)> = site.numbers().filter(|(v, _)| *v > 0.0).collect();
    let all: u64 = values.iter().map(|(_, n)| n).sum();
    let at = |share: f64| {
        let mut seen = 0;
        values.iter().find(|(_, n)| { seen += n; seen as f64 >= share * all as f64 }).map_or(f64::NAN, |(v, _)| *v)
    };
    SiteValues { median: at(0.5), spread: (at(0.75) / at(0.25)).ln() / 1.349, values: all }
}

#[cfg(test)]
mod tests {
    use super::{Counts, Judge, OneUnit};
    use crate::rule::kind::Datum;

    /// Sizes about 20 mm as a triangle on the logarithmic scale; `times` moves all.
    fn site(name: &str, times: f64, in_centimetres: u64) -> Counts {
        let size = |k: i32| (20.0 * (f64::from(k) * 0.04).exp() * times, u64::from(21 - k.unsigned_abs()));
        let mut values: Vec<(f64, u64)> = (-20..=20).map(size).collect();
        // Of the same form, with as many rows at each place.
        values.extend((-20..=20).map(size).filter(|(_, n)| *n > 10).map(|(v, _)| (v / 10.0, in_centimetres)).filter(|(_, n)| *n > 0));
        values.sort_by(|a, b| a.0.total_cmp(&b.0));
        Counts { site: name.into(), values: values.into_iter().map(|(v, n)| (Datum::Number(v), n)).collect() }
    }

    #[test]
    fn a_part_in_centimetres_and_a_whole_site_in_them() {
        let judge = OneUnit { name: "\"size\"".into(), factors: vec![10.0] };
        let clean = judge.judge(&[site("a", 1.0, 0), site("b", 1.1, 0), site("c", 0.9, 0)], None);
        assert!(clean.iter().all(|v| !v.misses && v.violated == 0 && v.denominator == 441), "{clean:?}");
        // 21 places with two rows each.
        let mixed = judge.judge(&[site("a", 1.0, 2), site("b", 1.1, 0), site("c", 0.9, 0)], None);
        assert!(mixed[0].misses && mixed[0].violated == 42 && !mixed[1].misses, "{mixed:?}");
        let whole = judge.judge(&[site("a", 1.0, 0), site("b", 1.1, 0), site("c", 0.09, 0), site("d", 1.0, 0)], None);
        assert!(whole[2].misses && whole[2].violated == 441 && !whole[0].misses, "{whole:?}");
    }
}
