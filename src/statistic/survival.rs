//! Survival: the share of patients without an event as time goes by, and how long they were followed.
//!
//! Kaplan & Meier 1958, J Am Stat Assoc 53:457. Intervals are pointwise, on the log(−log) scale with Greenwood's variance
//! (Kalbfleisch & Prentice 1980, section 1.3; Collett, Modelling Survival Data, section 2.1.4), so they stay between 0 and 1.
//! Follow-up is the median of the reverse curve, in which a censoring is the event (Schemper & Smith 1996, Control Clin Trials
//! 17:343): the plain median of the times counts an early death as short follow-up.
//!
//! Times are in whatever unit the caller has. The counts of two parts add up, so [`merge`] gives the steps of the whole.

/// The two-sided 95 % quantile of the standard normal.
const Z: f64 = 1.959_963_984_540_054;

/// What happened at one time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    pub time: f64,
    pub events: u64,
    /// Patients last seen then, without an event.
    pub censored: u64,
}

/// The curve from one time to the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    pub time: f64,
    /// Patients whose time is this or later.
    pub at_risk: u64,
    pub events: u64,
    pub censored: u64,
    /// The share without an event, from this time on.
    pub survival: f64,
    /// Its 95 % interval; none once the share is 0, where the scale has no value.
    pub interval: Option<(f64, f64)>,
}

/// An estimated curve: 1 before its first point.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    pub points: Vec<Point>,
}

/// A time by which half have had the event, with its 95 % interval (Brookmeyer & Crowley 1982). An end is absent where the
/// curve, or the bound, stays above a half.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Median {
    pub time: Option<f64>,
    pub low: Option<f64>,
    pub high: Option<f64>,
}

/// Steps of single patients: time, and whether it ended with the event. The number beside them counts those without a usable time
/// (absent, negative, infinite).
pub fn steps(patients: impl IntoIterator<Item = (f64, bool)>) -> (Vec<Step>, u64) {
    let mut skipped = 0;
    let mut found: Vec<Step> = vec![];
    for (time, event) in patients {
        if time.is_finite() && time >= 0.0 {
            found.push(Step { time, events: u64::from(event), censored: u64::from(!event) });
        } else {
            skipped += 1;
        }
    }
    (gathered(found), skipped)
}

/// The steps of both.
pub fn merge(a: &[Step], b: &[Step]) -> Vec<Step> {
    gathered([a, b].concat())
}

fn gathered(mut steps: Vec<Step>) -> Vec<Step> {
    steps.sort_by(|a, b| a.time.total_cmp(&b.time));
    steps.dedup_by(|next, kept| {
        let same = next.time == kept.time;
        if same {
            kept.events = kept.events.saturating_add(next.events);
            kept.censored = kept.censored.saturating_add(next.censored);
        }
        same
    });
    steps
}

/// The curve of `steps`, which rise in time; at the same time events come before censorings. `None` where times do not rise, or are
/// no numbers.
pub fn kaplan_meier(steps: &[Step]) -> Option<Curve> {
    if steps.iter().any(|s| !s.time.is_finite()) || steps.windows(2).any(|pair| pair[0].time >= pair[1].time) {
        return None;
    }
    let mut at_risk = steps.iter().fold(0_u64, |n, s| n.saturating_add(s.events).saturating_add(s.censored));
    let (mut survival, mut variance) = (1.0, 0.0);
    let mut points = Vec::with_capacity(steps.len());
    for step in steps {
        let (n, d) = (at_risk as f64, step.events as f64);
        if step.events > 0 {
            if step.events >= at_risk {
                survival = 0.0;
            } else {
                survival *= 1.0 - d / n;
                variance += d / (n * (n - d));
            }
        }
        points.push(Point { time: step.time, at_risk, events: step.events, censored: step.censored, survival, interval: interval(survival, variance) });
        at_risk = at_risk.saturating_sub(step.events).saturating_sub(step.censored);
    }
    Some(Curve { points })
}

/// `variance` is Greenwood's sum d / (n (n − d)).
fn interval(survival: f64, variance: f64) -> Option<(f64, f64)> {
    if survival >= 1.0 {
        return Some((1.0, 1.0));
    }
    if survival <= 0.0 {
        return None;
    }
    let log = survival.ln();
    let spread = Z * variance.sqrt() / log.abs();
    Some(((log * spread.exp()).exp(), (log * (-spread).exp()).exp()))
}

impl Curve {
    /// The point that holds at `time`: the last at or before it. `None` before the first, where the share is 1.
    pub fn at(&self, time: f64) -> Option<&Point> {
        self.points.partition_point(|p| p.time <= time).checked_sub(1).and_then(|at| self.points.get(at))
    }

    /// The share without an event at `time`.
    pub fn survival(&self, time: f64) -> f64 {
        self.at(time).map_or(1.0, |p| p.survival)
    }

    /// Patients whose time is `time` or later.
    pub fn at_risk(&self, time: f64) -> u64 {
        self.points.iter().find(|p| p.time >= time).map_or(0, |p| p.at_risk)
    }

    /// The first time by which half have had the event.
    pub fn median(&self) -> Median {
        // Products of shares miss a half by their last digits.
        let first = |share: &dyn Fn(&Point) -> Option<f64>| self.points.iter().find(|p| share(p).is_some_and(|s| s <= 0.5 + 1e-12)).map(|p| p.time);
        Median { time: first(&|p| Some(p.survival)), low: first(&|p| p.interval.map(|i| i.0)), high: first(&|p| p.interval.map(|i| i.1)) }
    }
}

/// The median time of follow-up, by the reverse curve. Patients with an event at a time count as followed until then.
pub fn median_follow_up(steps: &[Step]) -> Option<Median> {
    let reversed: Vec<Step> = steps.iter().map(|s| Step { time: s.time, events: s.censored, censored: s.events }).collect();
    kaplan_meier(&reversed).map(|curve| curve.median())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::{Step, kaplan_meier, median_follow_up, merge, steps};

    /// Weeks of remission under 6-mercaptopurine, Freireich et al. 1963, Blood 21:699; the estimates are table 2.1 of Kleinbaum &
    /// Klein, Survival Analysis, and the intervals those of lifelines 0.30.3.
    #[test]
    fn remissions_under_6_mp() {
        let events = [6.0, 6.0, 6.0, 7.0, 10.0, 13.0, 16.0, 22.0, 23.0];
        let censored = [6.0, 9.0, 10.0, 11.0, 17.0, 19.0, 20.0, 25.0, 32.0, 32.0, 34.0, 35.0];
        let (steps, skipped) = steps(events.iter().map(|t| (*t, true)).chain(censored.iter().map(|t| (*t, false))));
        assert_eq!(skipped, 0);
        let curve = kaplan_meier(&steps).expect("sorted");
        for (time, at_risk, survival, low, high) in [
            (6.0, 21, 0.857143, 0.619718, 0.951552),
            (7.0, 17, 0.806723, 0.563147, 0.922809),
            (10.0, 15, 0.752941, 0.503200, 0.889362),
            (13.0, 12, 0.690196, 0.431610, 0.849066),
            (16.0, 11, 0.627451, 0.367511, 0.804912),
            (22.0, 7, 0.537815, 0.267779, 0.746791),
            (23.0, 6, 0.448179, 0.188052, 0.680143),
        ] {
            let point = curve.at(time).expect("a point");
            let interval = point.interval.expect("an interval");
            assert_eq!((point.at_risk, curve.at_risk(time)), (at_risk, at_risk));
            for (found, wanted) in [(point.survival, survival), (interval.0, low), (interval.1, high)] {
                assert!((found - wanted).abs() < 1e-6, "{time}: {found} is not {wanted}");
            }
        }
        let median = curve.median();
        assert_eq!((median.time, median.low, median.high), (Some(23.0), Some(13.0), None));
        assert_eq!((curve.survival(5.9), curve.survival(100.0), curve.at_risk(36.0)), (1.0, curve.survival(23.0), 0));
    }

    /// Rotterdam (2,982 women); lifelines 0.30.3 with its default log(−log) intervals.
    #[test]
    fn rotterdam_as_lifelines_has_it() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/cohorts/rotterdam_gbsg_survival/rotterdam.csv");
        let Ok(text) = std::fs::read_to_string(path) else {
            eprintln!("skipped: {path} is absent");
            return;
        };
        let mut lines = text.lines().map(|l| l.split(',').map(|c| c.trim_matches('"')).collect::<Vec<_>>());
        let head = lines.next().expect("a head");
        let rows: Vec<Vec<&str>> = lines.collect();
        let read = |time: &str, event: &str| {
            let place = |name| head.iter().position(|h| *h == name).expect(name);
            let (time, event) = (place(time), place(event));
            steps(rows.iter().map(|r| (r[time].parse().expect("a number"), r[event] == "1"))).0
        };
        #[allow(clippy::type_complexity)]
        let expected: [(&str, &str, [(f64, u64, f64, f64, f64); 3], [f64; 4]); 2] = [
            (
                "rtime",
                "recur",
                [
                    (365.0, 2713, 0.9150842008008875, 0.9044709472477331, 0.9245679452087744),
                    (1826.0, 1571, 0.5931995948674846, 0.5750157080856834, 0.6108875063756375),
                    (3652.0, 481, 0.44212251726681, 0.4213199649842858, 0.46270713519939477),
                ],
                [2983.0, 2719.0, 3179.0, 3245.0],
            ),
            (
                "dtime",
                "death",
                [
                    (365.0, 2914, 0.9801750410925602, 0.9744863589140491, 0.9846053640887854),
                    (1826.0, 2084, 0.7435351159521398, 0.7273199258956393, 0.7589520024950388),
                    (3652.0, 685, 0.5521583975606442, 0.5315191476712163, 0.5722834513336965),
                ],
                [4033.0, 3885.0, 4239.0, 3387.0],
            ),
        ];
        for (time, event, points, [median, low, high, follow_up]) in expected {
            let steps = read(time, event);
            let curve = kaplan_meier(&steps).expect("sorted");
            for (day, at_risk, survival, low, high) in points {
                let point = curve.at(day).expect("a point");
                let interval = point.interval.expect("an interval");
                assert_eq!(curve.at_risk(day), at_risk);
                for (found, wanted) in [(point.survival, survival), (interval.0, low), (interval.1, high)] {
                    assert!((found - wanted).abs() < 1e-12, "{time} {day}: {found} is not {wanted}");
                }
            }
            let found = curve.median();
            assert_eq!((found.time, found.low, found.high), (Some(median), Some(low), Some(high)));
            assert_eq!(median_follow_up(&steps).and_then(|m| m.time), Some(follow_up));
        }
    }

    #[test]
    fn edges() {
        assert_eq!(kaplan_meier(&[]).map(|c| c.points.len()), Some(0));
        let step = |time, events, censored| Step { time, events, censored };
        assert_eq!(kaplan_meier(&[step(2.0, 1, 0), step(1.0, 1, 0)]), None);
        assert_eq!(kaplan_meier(&[step(f64::NAN, 1, 0)]), None);
        let all = kaplan_meier(&[step(1.0, 0, 2), step(2.0, 3, 0), step(3.0, 0, 0)]).expect("sorted");
        assert_eq!((all.survival(2.0), all.points[1].interval, all.points[0].interval, all.points[2].at_risk), (0.0, None, Some((1.0, 1.0)), 0));
        assert_eq!(steps([(f64::NAN, true), (-1.0, false), (f64::INFINITY, true), (0.0, true)]).1, 3);
        // Exactly a half: the product is 0.5 only up to rounding.
        let half = kaplan_meier(&[step(1.0, 1, 0), step(2.0, 1, 0), step(3.0, 1, 0), step(4.0, 0, 3)]).expect("sorted");
        assert_eq!(half.median().time, Some(3.0));
    }

    proptest! {
        #[test]
        fn parts_make_the_whole_and_the_curve_falls(patients in proptest::collection::vec((0_u8..40, any::<bool>(), any::<bool>()), 0..200)) {
            let of = |part: Option<bool>| steps(patients.iter().filter(|p| part.is_none_or(|part| p.2 == part)).map(|p| (f64::from(p.0), p.1))).0;
            let whole = of(None);
            prop_assert_eq!(&merge(&of(Some(true)), &of(Some(false))), &whole);
            let curve = kaplan_meier(&whole).expect("sorted");
            for pair in curve.points.windows(2) {
                prop_assert!(pair[1].survival <= pair[0].survival);
            }
            for point in &curve.points {
                prop_assert!(point.interval.is_none_or(|(low, high)| low <= point.survival + 1e-12 && point.survival <= high + 1e-12));
            }
            // Without censoring it is the share that is still to come.
            let (plain, _) = steps(patients.iter().map(|p| (f64::from(p.0), true)));
            for point in kaplan_meier(&plain).expect("sorted").points {
                let later = patients.iter().filter(|p| f64::from(p.0) > point.time).count();
                prop_assert!((point.survival - later as f64 / patients.len() as f64).abs() < 1e-12);
            }
        }
    }
}
