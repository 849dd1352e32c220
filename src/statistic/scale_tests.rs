//! No alarm on what columns look like, an alarm on a part in another unit.

use std::path::Path;

use proptest::prelude::{prop_assert_eq, proptest};

use super::super::random::Random;
use super::{FACTORS, LogHistogram, SecondMode, second_mode};

fn factors() -> Vec<f64> {
    FACTORS.iter().map(|f| f.0).collect()
}

fn look(values: impl IntoIterator<Item = f64>) -> Option<SecondMode> {
    second_mode(&values.into_iter().collect(), &factors())
}

/// Values of a lognormal distribution, a share of them (the first) times `factor`.
fn mixed(random: &mut Random, n: u64, sd: f64, share: f64, factor: f64) -> Vec<f64> {
    let off = (n as f64 * share).round() as u64;
    (0..n).map(|k| (3.0 + sd * random.normal()).exp() * if k < off { factor } else { 1.0 }).collect()
}

const SIZES: [(u64, u64); 7] = [(100, 20), (200, 300), (500, 300), (1_000, 100), (2_000, 60), (20_000, 6), (100_000, 2)];

#[test]
fn no_alarm_on_clean_distributions() {
    let mut random = Random(6);
    let (mut alarms, mut tries) = (0, 0);
    type Draw = fn(&mut Random) -> f64;
    let draws: [(&str, Draw); 18] = [
        ("lognormal, sd 0.05", |r| (3.0 + 0.05 * r.normal()).exp()),
        ("lognormal, sd 0.2", |r| (3.0 + 0.2 * r.normal()).exp()),
        ("lognormal, sd 0.3", |r| (3.0 + 0.3 * r.normal()).exp()),
        ("lognormal, sd 0.5", |r| (3.0 + 0.5 * r.normal()).exp()),
        ("lognormal, sd 0.7", |r| (3.0 + 0.7 * r.normal()).exp()),
        ("lognormal, sd 1.0", |r| (3.0 + r.normal()).exp()),
        ("normal 55 (13): ages", |r| 55.0 + 13.0 * r.normal()),
        ("whole normal 55 (13)", |r| (55.0 + 13.0 * r.normal()).round()),
        ("two normals, 30 (5) and 60 (10)", |r| if r.below(3) == 0 { 30.0 + 5.0 * r.normal() } else { 60.0 + 10.0 * r.normal() }),
        ("uniform 1 to 100", |r| 1.0 + 99.0 * r.uniform()),
        ("exponential: times", |r| r.exponential() * 1000.0),
        ("gamma 2", |r| (r.exponential() + r.exponential()) * 50.0),
        ("sizes in fives", |r| ((3.1 + 0.5 * r.normal()).exp() / 5.0).round() * 5.0),
        ("sizes in whole mm, half in fives", |r| { let v = (3.1 + 0.5 * r.normal()).exp(); if r.below(2) == 0 { v.round() } else { (v / 5.0).round() * 5.0 } }),
        ("sizes in whole mm, half in tens", |r| { let v = (3.1 + 0.6 * r.normal()).exp(); if r.below(2) == 0 { v.round() } else { (v / 10.0).round() * 10.0 } }),
        ("nodes: geometric with zeros", |r| (r.exponential() * 4.0).floor()),
        ("receptor: zeros, low and high", |r| if r.below(3) == 0 { (r.exponential() * 8.0).round() } else { (4.5 + r.normal()).exp().round() }),
        ("grades 1 to 3", |r| 1.0 + r.below(3) as f64),
    ];
    for (name, draw) in draws {
        for (n, times) in SIZES {
            let here = (0..times).filter(|_| { let values: Vec<f64> = (0..n).map(|_| draw(&mut random)).collect(); look(values).is_some() }).count();
            if here > 0 {
                println!("{name}, n {n}: {here} alarms of {times}");
            }
            (alarms, tries) = (alarms + here, tries + times);
        }
    }
    println!("{alarms} alarms in {tries} clean columns, 12 factors each");
    assert!(alarms as f64 <= tries as f64 / 1000.0);
}

#[test]
fn heavy_tails() {
    // Logarithms of Student's t with 4 degrees of freedom: heavier than columns of laboratories.
    let mut random = Random(8);
    let (mut alarms, mut tries) = (0, 0);
    for (n, times) in SIZES {
        let here = (0..times).filter(|_| {
            look((0..n).map(|_| { let chi: f64 = (0..4).map(|_| random.normal().powi(2)).sum::<f64>() / 4.0; (3.0 + 0.4 * random.normal() / chi.sqrt()).exp() }).collect::<Vec<_>>()).is_some()
        }).count();
        println!("log-t(4), n {n}: {here} of {times}");
        (alarms, tries) = (alarms + here, tries + times);
    }
    // Some are told where a few hundred values have such tails; a person looks at them.
    assert!(alarms as f64 <= tries as f64 / 10.0);
}

#[test]
fn a_part_in_another_unit_is_found() {
    let mut random = Random(7);
    for (n, sd, share, factor, least) in [
        (500, 0.5, 0.02, 10.0, 125),
        (500, 0.5, 0.02, 0.1, 125),
        (1_000, 0.5, 0.02, 0.1, 150),
        (2_000, 0.5, 0.02, 10.0, 155),
        (20_000, 0.5, 0.02, 10.0, 165),
        (100_000, 0.5, 0.005, 10.0, 155),
        (500, 0.5, 0.3, 10.0, 145),
        (500, 0.4, 0.45, 0.1, 155),
        (500, 0.3, 0.05, 0.1, 145),
        (1_000, 0.1, 0.02, 100.0, 165),
        (1_000, 1.0, 0.03, 1000.0, 155),
        (1_000, 0.15, 0.05, 2.204_622_6, 145),
        (1_000, 0.2, 0.05, 25.4, 165),
        (200, 0.3, 0.1, 12.0, 150),
    ] {
        let (mut found, mut right, mut shares) = (0, 0, 0.0);
        for _ in 0..200 {
            if let Some(mode) = look(mixed(&mut random, n, sd, share, factor)) {
                found += 1;
                // 10 and 12 are too near for few values; which of them is for a person to say.
                let wanted = if factor < 1.0 { 1.0 / factor } else { factor };
                right += i32::from((mode.factor.ln() - wanted.ln()).abs() < 0.2 && mode.larger == (factor > 1.0));
                shares += mode.share;
            }
        }
        println!("n {n}, sd {sd}, {:.1} % times {factor}: found {found} of 200, as such {right}, mean share {:.2} %", share * 100.0, 100.0 * shares / f64::from(found.max(1)));
        assert!(right >= least, "{right} of 200");
        assert!((shares / f64::from(found) / share - 1.0).abs() < 0.2);
    }
}

#[test]
fn the_cut_parts_the_clusters() {
    let mut random = Random(9);
    let values = mixed(&mut random, 5_000, 0.4, 0.03, 10.0);
    let found = look(values.iter().copied()).expect("found");
    let wrong = values.iter().enumerate().filter(|(at, v)| (*at < 150) != (**v > found.cut)).count();
    println!("{found:?}: {wrong} of 5000 on the wrong side");
    assert!(wrong < 25 && found.larger && found.factor == 10.0);
    // The same with zeros and missing values, which say nothing.
    let more = values.iter().copied().chain([0.0, -1.0, f64::NAN]);
    assert_eq!(look(more), Some(found));
}

/// The text of a file of a cohort, as rows of cells: comma, tab or semicolon, comments and ARFF's head left out.
fn rows(path: &Path) -> Vec<Vec<String>> {
    let bytes = std::fs::read(path).expect("a file");
    let text = String::from_utf8_lossy(&bytes).replace("\r\n", "\n").replace('\r', "\n");
    let arff: Vec<String> = text.lines().filter(|l| l.to_lowercase().starts_with("@attribute")).filter_map(|l| l.split_whitespace().nth(1).map(|n| n.trim_matches(['\'', '"']).to_owned())).collect();
    let body: Vec<&str> = text.lines().filter(|l| !l.starts_with(['#', '@', '%']) && !l.trim().is_empty()).collect();
    let delimiter = [b'\t', b';', b','].into_iter().max_by_key(|d| body.first().map_or(0, |l| l.bytes().filter(|b| b == d).count())).unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(std::io::Cursor::new(body.join("\n").into_bytes()));
    let mut found: Vec<Vec<String>> = if arff.is_empty() { vec![] } else { vec![arff] };
    found.extend(reader.records().filter_map(Result::ok).map(|r| r.iter().map(|c| c.trim().to_owned()).collect()));
    found
}

#[test]
fn no_alarm_on_any_column_of_the_real_cohorts() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/cohorts"));
    if !folder.is_dir() {
        eprintln!("skipped: {} is absent", folder.display());
        return;
    }
    let mut files = vec![];
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).expect("a folder") {
            let path = entry.expect("an entry").path();
            match path.extension().and_then(|e| e.to_str()) {
                _ if path.is_dir() => folders.push(path),
                Some("csv" | "arff" | "tsv") => files.push(path),
                Some("txt") if !path.to_string_lossy().contains("PROVENANCE") && !path.to_string_lossy().contains("LICENSE") => files.push(path),
                _ => {}
            }
        }
    }
    files.sort();
    let (mut judged, mut few, mut alarms) = (0, 0, vec![]);
    for path in &files {
        let rows = rows(path);
        let Some((head, body)) = rows.split_first() else { continue };
        let mut columns = vec![];
        for (at, name) in head.iter().enumerate() {
            let cells: Vec<&str> = body.iter().filter_map(|r| r.get(at)).map(String::as_str).filter(|c| !c.is_empty()).collect();
            let values: Vec<f64> = cells.iter().filter_map(|c| c.parse().ok()).collect();
            let histogram: LogHistogram = values.iter().copied().collect();
            let filled = histogram.counts().iter().filter(|n| **n > 0).count();
            // Measurements; not codes, texts and dates.
            if values.len() >= 50 && filled >= 8 {
                // Columns with too few values to be judged are no proof.
                let enough = histogram.counts().iter().sum::<u64>() >= super::FEWEST;
                if !enough {
                    few += 1;
                    continue;
                }
                judged += 1;
                columns.push(format!("{name} ({})", values.len()));
                if let Some(found) = second_mode(&histogram, &factors()) {
                    alarms.push(format!("{}: {name}: {found:?}", path.display()));
                }
            }
        }
        println!("{}: {}", path.strip_prefix(folder).unwrap_or(path).display(), columns.join(", "));
    }
    println!("{judged} columns judged in {} files, {few} more have too few values; {} alarms", files.len(), alarms.len());
    assert!(judged >= 30 && alarms.is_empty(), "{}", alarms.join("\n"));
}

#[test]
fn edges() {
    assert_eq!(look([]), None);
    assert_eq!(look([5.0; 10_000]), None);
    assert_eq!(look([1e-300, 1e300, f64::INFINITY, f64::MIN_POSITIVE].into_iter().cycle().take(1000)), None);
    assert_eq!(second_mode(&LogHistogram::default(), &[f64::NAN, 0.0, -3.0, f64::INFINITY]), None);
    assert_eq!(LogHistogram::from_counts(&[1, 2]), None);
    let full = LogHistogram::from_counts(&[u64::MAX; 480]).expect("480 bins");
    let _ = second_mode(&full, &factors());
    let histogram: LogHistogram = [1e-6, 9.99e5, 1e6, 1e-7, 0.0, -0.0, -1.0, f64::NAN, f64::INFINITY].into_iter().collect();
    assert_eq!((histogram.counts()[0], histogram.counts()[479], histogram.above, histogram.below, histogram.without), (1, 1, 2, 1, 4));
    // A tenfold is 40 bins further, also at the edges.
    for k in -200..200 {
        let value = 10_f64.powf(f64::from(k) / 40.0);
        let at = |v: f64| [v].into_iter().collect::<LogHistogram>().counts().iter().position(|n| *n > 0).expect("a bin");
        assert_eq!(at(value * 10.0), at(value) + 40, "{value}");
    }
}

proptest! {
    #[test]
    fn parts_make_the_whole(values in proptest::collection::vec(-1.0_f64..1e7, 0..300), cut in 0_usize..300) {
        let cut = cut.min(values.len());
        let mut part: LogHistogram = values[..cut].iter().copied().collect();
        part.merge(&values[cut..].iter().copied().collect());
        prop_assert_eq!(&part, &values.iter().copied().collect());
        let all = part.counts().iter().sum::<u64>() + part.below + part.above + part.without;
        prop_assert_eq!(all, values.len() as u64);
    }

    #[test]
    fn no_counts_panic(counts in proptest::collection::vec((0_usize..480, 0_u64..5000), 0..40), factor in proptest::num::f64::ANY) {
        let mut all = vec![0; 480];
        counts.iter().for_each(|(at, n)| all[*at] += n);
        let histogram = LogHistogram::from_counts(&all).expect("480 bins");
        let _ = second_mode(&histogram, &[factor, 10.0, 2.54, 1.01]);
    }
}
