//! Follow-up and events of each site: the curves that the report draws.

use std::collections::BTreeMap;

use datafusion::arrow::array::AsArray;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type, Int64Type};

use super::judge::Court;
use super::summary::{Survival, SurvivalPoint};
use crate::check::Resolved;
use crate::config::schema::{FollowUp, Table};
use crate::error::Error;
use crate::rule::kind::quoted;
use crate::statistic::survival::{Step, kaplan_meier, median_follow_up, merge};

/// Points of a curve, about.
const POINTS: f64 = 60.0;

/// The curves of all follow-ups that the schema names: over all sites, and at each.
///
/// # Errors
/// When the rows cannot be read back.
pub async fn all(resolved: &Resolved, court: &Court<'_>) -> Result<Vec<Survival>, Error> {
    let mut out = vec![];
    for (place, table) in resolved.schema.tables.iter().enumerate() {
        for follow_up in &table.follow_up {
            let by_run = steps(court, table, follow_up).await?;
            let everything = by_run.values().fold(vec![], |all, mine| merge(&all, mine));
            if everything.is_empty() {
                continue;
            }
            out.push(curve(table, follow_up, None, &everything));
            for (run, mine) in resolved.tables.iter().enumerate().filter(|(_, t)| t.table == place) {
                let steps = by_run.get(&(run as i64)).map_or(&[][..], Vec::as_slice);
                out.push(curve(table, follow_up, Some(&mine.site), steps));
            }
        }
    }
    Ok(out)
}

async fn steps(court: &Court<'_>, table: &Table, follow_up: &FollowUp) -> Result<BTreeMap<i64, Vec<Step>>, Error> {
    let (time, event) = (quoted(&follow_up.time.value), quoted(&follow_up.event.value));
    let query = format!(
        "SELECT _run, {time} AS t, count(*) FILTER (WHERE {event}) AS e, count(*) FILTER (WHERE NOT {event}) AS c FROM {} WHERE {time} >= 0 AND {event} IS NOT NULL GROUP BY _run, t ORDER BY _run, t",
        quoted(&table.name.value)
    );
    let mut out: BTreeMap<i64, Vec<Step>> = BTreeMap::new();
    for batch in court.all(&query).await? {
        let column = |at: usize, kind: &DataType| cast(batch.column(at), kind).map_err(|e| Error::Bug { message: format!("a follow-up: {e}") });
        let (runs, times) = (column(0, &DataType::Int64)?, column(1, &DataType::Float64)?);
        let (events, censored) = (column(2, &DataType::Int64)?, column(3, &DataType::Int64)?);
        for at in 0..batch.num_rows() {
            let whole = |c: &datafusion::arrow::array::ArrayRef| c.as_primitive::<Int64Type>().value(at).unsigned_abs();
            let step = Step { time: times.as_primitive::<Float64Type>().value(at), events: whole(&events), censored: whole(&censored) };
            out.entry(runs.as_primitive::<Int64Type>().value(at)).or_default().push(step);
        }
    }
    Ok(out)
}

fn curve(table: &Table, follow_up: &FollowUp, site: Option<&str>, steps: &[Step]) -> Survival {
    let field = table.fields.iter().find(|f| f.name.value == follow_up.time.value);
    let curve = kaplan_meier(steps);
    let last = steps.last().map_or(0.0, |s| s.time);
    let step = round_up(last / POINTS);
    let times = (0..).map(|n| f64::from(n) * step).take_while(|t| *t <= last);
    let point = |time: f64| {
        let curve = curve.as_ref()?;
        let at = curve.at(time);
        let (lower, upper) = at.and_then(|p| p.interval).unwrap_or(if at.is_some_and(|p| p.survival <= 0.0) { (0.0, 0.0) } else { (1.0, 1.0) });
        // Four digits are more than a curve shows.
        let [survival, lower, upper] = [curve.survival(time), lower, upper].map(|share| (share * 1e4).round() / 1e4);
        Some(SurvivalPoint { time, at_risk: curve.at_risk(time), survival, lower, upper })
    };
    Survival {
        table: table.name.value.clone(),
        site: site.map(str::to_owned),
        time: follow_up.time.value.clone(),
        event: follow_up.event.value.clone(),
        unit: field.and_then(|f| f.unit.as_ref()).map(|u| u.value.clone()),
        description: follow_up.description.clone(),
        rows: Some(steps.iter().map(|s| s.events + s.censored).sum()),
        events: Some(steps.iter().map(|s| s.events).sum()),
        median_follow_up: median_follow_up(steps).and_then(|m| m.time),
        median: curve.as_ref().and_then(|c| c.median().time),
        points: times.filter_map(point).collect(),
    }
}

/// The next of 1, 2 and 5 times a power of ten.
fn round_up(step: f64) -> f64 {
    if step.is_nan() || step <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(step.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= step).unwrap_or(step)
}
