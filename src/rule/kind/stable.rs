//! Values that are distributed as they were: in the delivery before, or at the other sites.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Asks, Counts, Judge, Kind, Measured, Datum, Values, Verdict, need, quoted};
use crate::config::read::text;
use crate::config::rule::RuleCategory;
use crate::config::schema::FieldType;
use crate::statistic::stability::{LARGE, drift, is_drift};

/// With fewer rows on either side nothing is compared.
const FEW: u64 = 50;
const BINS: usize = 10;

pub static KIND: Kind = Kind {
    name: "stable",
    category: RuleCategory::Plausibility,
    dqd: None,
    later: true,
    summary: "At each site the field is distributed as it was in the run before (`against: previous`, see `--previous`) or as it is at all other sites (`against: sites`). Measured by the population stability index over tenths of the other side; `limit` is 0.25 unless said otherwise. What chance alone gives does not count, and fewer than 50 values are not judged.",
    example: "{stable: {field: tumour_size, against: previous}}",
    read: |told| {
        told.no_threshold();
        let mut keys = told.keys()?;
        let types = [FieldType::Integer, FieldType::Decimal, FieldType::Code, FieldType::Boolean, FieldType::Date];
        let field = told.field_at(&mut keys, "field", &types);
        let against = keys.require("against", told.found).and_then(|n| text(n, "against", told.found));
        let limit = if keys.peek("limit").is_some() { told.number(&mut keys, "limit") } else { Some(LARGE) };
        keys.finish(told.found);
        let (field, against, limit) = (field?, against?, limit?);
        let previous = match against.value.as_str() {
            "previous" => true,
            "sites" => false,
            _ => {
                told.wrong(against.span, format!("`{}` is nothing to compare with", against.value), "expected `previous` or `sites`");
                return None;
            }
        };
        let value = quoted(&field.name.value);
        Some(Asks::Values(Values { needs: need(told.table, &[field]), field: field.name.value.clone(), value, earlier: previous, judge: Arc::new(Stable { previous, limit }) }))
    },
};

#[derive(Debug)]
struct Stable {
    previous: bool,
    limit: f64,
}

impl Judge for Stable {
    fn judge(&self, sites: &[Counts], before: Option<&[Counts]>) -> Vec<Verdict> {
        let one = |(at, site): (usize, &Counts)| {
            let other = if self.previous {
                before.and_then(|b| b.get(at)).cloned().unwrap_or_default()
            } else {
                together(sites.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, s)| s))
            };
            if site.rows() < FEW || other.rows() < FEW {
                return Verdict::default();
            }
            let [expected, actual] = binned(&other, site);
            let Some(found) = drift(&expected, &actual) else { return Verdict::default() };
            let misses = is_drift(found.psi, found.bins, other.rows(), site.rows(), self.limit);
            let measure = Measured { en: "population stability index", fr: "indice de stabilité de la population", value: found.psi_adjusted, limit: Some(self.limit) };
            // A site is judged, not its rows.
            Verdict { violated: u64::from(misses), denominator: 1, misses, measure: Some(measure), rows: None }
        };
        sites.iter().enumerate().map(one).collect()
    }
}

fn key(value: &Datum) -> (u64, &str) {
    match value {
        // Numbers in their order, as bits.
        Datum::Number(n) => (if n.is_sign_negative() { !n.to_bits() } else { n.to_bits() | 1 << 63 }, ""),
        Datum::Text(text) => (0, text),
    }
}

fn together<'a>(sites: impl Iterator<Item = &'a Counts>) -> Counts {
    let mut all: BTreeMap<(u64, &str), (&Datum, u64)> = BTreeMap::new();
    for (value, n) in sites.flat_map(|s| &s.values) {
        all.entry(key(value)).or_insert((value, 0)).1 += n;
    }
    Counts { site: String::new(), values: all.into_values().map(|(v, n)| (v.clone(), n)).collect() }
}

/// Both sides over tenths of the expected one; texts and few different values over the values themselves.
fn binned(expected: &Counts, actual: &Counts) -> [Vec<u64>; 2] {
    let all = together([expected, actual].into_iter());
    let few = all.values.len() <= BINS || all.values.iter().any(|(v, _)| matches!(v, Datum::Text(_)));
    let mut ends: Vec<(u64, String)> = vec![];
    if few {
        ends = all.values.iter().map(|(v, _)| key(v)).map(|(n, t)| (n, t.to_owned())).collect();
    } else {
        let (rows, mut seen) = (expected.rows(), 0);
        for (value, n) in &expected.values {
            seen += n;
            // The value with which the next tenth is full.
            if seen * BINS as u64 >= (ends.len() as u64 + 1) * rows {
                ends.push((key(value).0, String::new()));
            }
            while seen * BINS as u64 >= (ends.len() as u64 + 1) * rows && ends.len() < BINS {
                let last = ends.last().cloned().unwrap_or_default();
                ends.push(last);
            }
        }
        ends.dedup();
        // What lies above all that was expected is in the last one.
        if let Some(last) = ends.last_mut() {
            last.0 = u64::MAX;
        }
    }
    [expected, actual].map(|side| {
        let mut bins = vec![0; ends.len()];
        for (value, n) in &side.values {
            let (number, text) = key(value);
            let at = ends.partition_point(|(n, t)| (*n, t.as_str()) < (number, text)).min(ends.len().saturating_sub(1));
            if let Some(bin) = bins.get_mut(at) {
                *bin += n;
            }
        }
        bins
    })
}

#[cfg(test)]
mod tests {
    use super::{Counts, Judge, Stable, Datum, binned};

    fn numbers(site: &str, values: impl Iterator<Item = (f64, u64)>) -> Counts {
        Counts { site: site.into(), values: values.map(|(v, n)| (Datum::Number(v), n)).collect() }
    }

    /// 1 to 100 once each: ten values a tenth; moved by 10 the first tenth is empty and the last holds 20.
    #[test]
    fn tenths_of_the_expected_side() {
        let expected = numbers("", (1..=100).map(|v| (f64::from(v), 1)));
        let moved = numbers("", (11..=110).map(|v| (f64::from(v), 1)));
        let [e, a] = binned(&expected, &moved);
        assert_eq!(e, vec![10; 10]);
        assert_eq!(a, [0, 10, 10, 10, 10, 10, 10, 10, 10, 20]);
    }

    #[test]
    fn the_same_is_stable_and_another_is_not() {
        let stable = Stable { previous: true, limit: 0.25 };
        let before = [numbers("a", (0..500).map(|v| (f64::from(v), 2)))];
        let same = [numbers("a", (0..500).map(|v| (f64::from(v) + 0.5, 2)))];
        let doubled = [numbers("a", (0..500).map(|v| (f64::from(v) * 2.0, 2)))];
        assert!(!stable.judge(&same, Some(&before))[0].misses);
        assert!(stable.judge(&doubled, Some(&before))[0].misses);
        let alone = stable.judge(&same, None);
        assert_eq!((alone[0].denominator, alone[0].misses), (0, false));
    }
}
