//! The ledger: parts get their names, the accounting is proven, the manifest is written.

use std::collections::{HashMap, HashSet};
use std::fs::File;

use parquet::file::reader::{FileReader, SerializedFileReader};
use serde_json::json;

use super::tables::{StepRun, TableRun, Together};
use super::Laid;
use super::commit::Staging;
use super::sink::PartitionSummary;
use super::summarise::{accepted_schema, rejected_schema};
use super::summary::{Account, Fate, Filtered, RunSummary, SideAccount, StepAccount};
use super::write::{PartFile, PartWriter};
use crate::check::{Input, Resolved, ResolvedTable};
use crate::config::project::Document;
use crate::check::replay::Replay;
use crate::diagnostic::code;
use crate::error::Error;
use crate::rule::{Check, Effect};

/// Where the rows of one table run are, relative to the run's folder.
#[derive(Debug, Clone, Default)]
pub struct Placed {
    pub cohort: Vec<String>,
    pub quarantine: Vec<String>,
    pub findings: Vec<String>,
}

/// The ledgers of a run.
pub struct Settled {
    pub accounts: Vec<Account>,
    pub steps: Vec<StepAccount>,
    /// Where the rows of each table are.
    pub placed: Vec<Placed>,
    /// Where the refused rows of each step are.
    pub refused: Vec<Vec<String>>,
}

impl Settled {
    /// The files of each source of a site.
    pub fn laid(&self) -> Vec<Laid> {
        let tables = self.accounts.iter().zip(&self.placed).map(|(a, p)| Laid { table: a.table.clone(), site: a.site.clone(), source: a.source.clone(), quarantine: p.quarantine.clone(), findings: p.findings.clone() });
        let steps = self.steps.iter().zip(&self.refused).filter(|(_, files)| !files.is_empty());
        let before = steps.map(|(s, files)| Laid { table: s.table.clone(), site: s.site.clone(), source: s.name.clone(), quarantine: files.clone(), findings: vec![] });
        tables.chain(before).collect()
    }
}

/// Gives parts their names, numbered by folder.
struct Placer<'a> {
    staging: &'a Staging,
    next: HashMap<String, usize>,
}

impl Placer<'_> {
    /// The names of the parts, whose rows are as many as were counted.
    fn place(&mut self, whose: &str, folder: &str, parts: Vec<PartFile>, counted: u64) -> Result<Vec<String>, Error> {
        let (mut names, mut in_files) = (vec![], 0);
        for part in parts {
            let number = self.next.entry(folder.to_owned()).or_default();
            let name = format!("{folder}/part-{number:05}.parquet");
            *number += 1;
            in_files += footer_rows(&part)?;
            self.staging.place(&part.path, &name)?;
            names.push(name);
        }
        prove(whose, &format!("rows in {folder}"), in_files, "rows counted", counted)?;
        Ok(names)
    }
}

/// Names the parts of every table and proves its row accounting, step by step.
///
/// # Errors
/// When the numbers of index, operations, sink and files do not agree, which is a bug of ours.
pub fn settle(resolved: &Resolved, runs: &[TableRun], together: &Together, staging: &Staging) -> Result<Settled, Error> {
    let mut settled = Settled { accounts: vec![], steps: vec![], placed: vec![], refused: vec![] };
    let mut placer = Placer { staging, next: HashMap::new() };
    for (at, (table, run)) in resolved.tables.iter().zip(runs).enumerate() {
        let target = &resolved.schema.tables[table.table].name.value;
        for (stage, done) in table.stages.iter().zip(&run.stages) {
            let step = step(table, target, &stage.name, &stage.input, &stage.checks, run, done)?;
            let folder = format!("quarantine/{}/site={}", stage.name, table.site);
            let parts = done.partitions.iter().filter_map(|p| p.rejected.clone()).collect();
            settled.refused.push(placer.place(&format!("{}/{}", table.site, stage.name), &folder, parts, step.rows_quarantined)?);
            settled.steps.push(step);
        }
        let last = step(table, target, &table.source, &table.input, &table.checks, run, &run.table)?;
        let account = Account {
            table: target.to_owned(),
            site: table.site.clone(),
            source: table.source.clone(),
            rows_read: last.rows_read,
            rows_accepted: last.rows_kept,
            rows_quarantined: last.rows_quarantined,
            rows_filtered: last.rows_filtered,
            rows_deduplicated: last.rows_deduplicated,
            rows_flagged: run.table.partitions.iter().map(|p| p.rows_flagged).sum::<u64>() + together.flagged.get(&(at as u32)).copied().unwrap_or(0),
            filters: last.filters.clone(),
        };
        if !last.sides.is_empty() {
            settled.steps.push(last);
            settled.refused.push(vec![]);
        }
        let empty = |kind: &str, schema, private| PartWriter::empty(staging.path().join("parts").join(format!("{kind}-{at}-empty.parquet")), schema, private);
        let parts = |pick: fn(&PartitionSummary) -> &Option<PartFile>| -> Vec<PartFile> { run.table.partitions.iter().filter_map(|p| pick(p).clone()).collect() };
        let mut accepted = parts(|p| &p.accepted);
        if accepted.is_empty() {
            accepted.push(empty("accepted", accepted_schema(resolved, table), false)?);
        }
        let mut rejected = parts(|p| &p.rejected);
        if rejected.is_empty() {
            rejected.push(empty("rejected", rejected_schema(&table.columns), true)?);
        }
        let whose = name_of(&account);
        let mut findings = parts(|p| &p.findings);
        findings.extend(together.judged.iter().filter_map(|j| j.findings.get(&(at as u32)).cloned()));
        let found = findings.iter().map(|part| part.rows).sum();
        settled.placed.push(Placed {
            findings: placer.place(&whose, &format!("findings/{target}/site={}", table.site), findings, found)?,
            cohort: placer.place(&whose, &format!("cohort/{target}/site={}", table.site), accepted, account.rows_accepted)?,
            quarantine: placer.place(&whose, &format!("quarantine/{}/site={}", table.source, table.site), rejected, account.rows_quarantined)?,
        });
        settled.accounts.push(account);
    }
    Ok(settled)
}

/// The ledger of one step, proven against what it was handed.
fn step(table: &ResolvedTable, target: &str, name: &str, input: &Input, checks: &[Check], run: &TableRun, done: &StepRun) -> Result<StepAccount, Error> {
    let whose = format!("{}/{name} → {target}", table.site);
    let sum = |pick: fn(&PartitionSummary) -> u64| -> u64 { done.partitions.iter().map(pick).sum() };
    let rows_read = sum(|p| p.rows_read);
    let left_out = left_out(checks, done);
    let rows_deduplicated = left_out.iter().filter(|(check, _)| check.code == code::DEDUPLICATED).map(|(_, rows)| rows).sum();
    let filters: Vec<Filtered> = left_out
        .into_iter()
        .filter(|(check, _)| check.code != code::DEDUPLICATED)
        .map(|(check, rows)| Filtered { filter: check.rule.clone(), condition: check.expression.clone().unwrap_or_default(), rows })
        .collect();
    let mut sides = vec![];
    match input {
        Input::Source(at) => {
            let indexed: u64 = run.indexes.get(*at).into_iter().flatten().map(|i| i.rows).sum();
            prove(&whose, "rows indexed", indexed, "rows read", rows_read)?;
        }
        Input::Shaped { sides: stages, operator, .. } => {
            for (number, side) in stages.iter().enumerate() {
                let handed: u64 = side.iter().filter_map(|at| run.stages.get(*at)).flat_map(|s| &s.partitions).map(|p| p.rows_accepted).sum();
                let of = side.iter().filter_map(|at| table.stages.get(*at)).map(|s| s.name.clone()).collect();
                let mut fates: Vec<Fate> = done.fates.iter().filter(|(s, ..)| *s == number).map(|(_, fate, rows)| Fate { fate: fate.clone(), rows: *rows }).collect();
                fates.sort_by(|a, b| a.fate.cmp(&b.fate));
                match operator {
                    Some(_) => prove(&whose, "rows handed to the operation", handed, "rows whose fate it tells", fates.iter().map(|f| f.rows).sum())?,
                    None => prove(&whose, "rows stored", handed, "rows read", rows_read)?,
                }
                sides.push(SideAccount { of, rows: handed, fates });
            }
        }
    }
    let account = StepAccount {
        table: target.to_owned(),
        site: table.site.clone(),
        name: name.to_owned(),
        sides,
        rows_read,
        rows_kept: sum(|p| p.rows_accepted),
        rows_quarantined: sum(|p| p.rows_quarantined),
        rows_filtered: filters.iter().map(|f| f.rows).sum(),
        rows_deduplicated,
        filters,
    };
    prove(&whose, "rows left out", account.rows_filtered + account.rows_deduplicated, "rows counted by filter", sum(|p| p.rows_filtered))?;
    prove(&whose, "rows read", rows_read, "rows accounted for", account.rows_kept + account.rows_quarantined + account.rows_filtered + account.rows_deduplicated)?;
    Ok(account)
}

/// The rows that each filter left out.
fn left_out<'a>(checks: &'a [Check], done: &StepRun) -> Vec<(&'a Check, u64)> {
    let counted = checks.iter().enumerate().filter(|(_, check)| check.effect == Effect::Filter);
    counted.map(|(at, check)| (check, done.partitions.iter().filter_map(|p| p.checks.get(at)).map(|(rows, _)| rows).sum())).collect()
}

fn name_of(account: &Account) -> String {
    format!("{}/{} → {}", account.site, account.source, account.table)
}

fn prove(whose: &str, left: &str, a: u64, right: &str, b: u64) -> Result<(), Error> {
    if a == b {
        return Ok(());
    }
    Err(Error::Bug { message: format!("the accounting of {whose} does not add up: {left} {a}, {right} {b}; nothing was written") })
}

fn footer_rows(part: &PartFile) -> Result<u64, Error> {
    let doing = |e: &dyn std::fmt::Display| Error::environment(&format!("reading back {}", part.path.display()), e);
    let file = File::open(&part.path).map_err(|e| doing(&e))?;
    let reader = SerializedFileReader::new(file).map_err(|e| doing(&e))?;
    Ok(u64::try_from(reader.metadata().file_metadata().num_rows()).unwrap_or(0))
}

/// `manifest.json`: sources, tables, fingerprints, status.
///
/// # Errors
/// Never in practice; serialisation could fail.
pub fn manifest(resolved: &Resolved, runs: &[TableRun], settled: &Settled, key_id: Option<&str>, summary: &RunSummary, replay: Option<&Replay>) -> Result<String, Error> {
    let mut read = HashSet::new();
    let sources: Vec<_> = resolved
        .tables
        .iter()
        .zip(runs)
        .flat_map(|(table, run)| table.inputs.iter().zip(run.indexes.iter().zip(&run.fingerprints)).map(move |(input, indexes)| (table, input, indexes)))
        .flat_map(|(table, input, (indexes, sha256))| input.files.iter().zip(indexes.iter().zip(sha256)).map(move |(file, index)| (table, input, file, index)))
        // A source may be read for several tables.
        .filter(|(table, input, file, _)| read.insert((&table.mapping, &input.name, &file.path, &file.shown)))
        .map(|(table, input, file, (index, sha256))| {
            let mut entry = json!({"site": table.site, "source": input.name, "path": file.shown, "bytes": index.bytes, "sha256": sha256, "rows": index.rows,
                    "blank_lines": index.blank_lines, "comment_lines": index.comment_lines, "format": input.format, "evidence": file.evidence});
            if file.is_delimited() {
                entry["encoding"] = json!(file.encoding());
                entry["delimiter"] = json!(file.delimiter());
            }
            if let Some(options) = file.options() {
                entry["options"] = options;
            }
            entry
        })
        .collect();
    let tables: Vec<_> = settled
        .accounts
        .iter()
        .zip(&settled.placed)
        .map(|(a, p)| {
            let mut table = json!({"table": a.table, "site": a.site, "source": a.source, "rows_read": a.rows_read, "rows_accepted": a.rows_accepted,
                "rows_quarantined": a.rows_quarantined, "rows_filtered": a.rows_filtered, "rows_deduplicated": a.rows_deduplicated, "files": p.cohort, "quarantine": p.quarantine, "findings": p.findings});
            if !a.filters.is_empty() {
                table["filters"] = a.filters.iter().map(|f| (f.filter.clone(), json!(f.rows))).collect::<serde_json::Map<_, _>>().into();
            }
            table
        })
        .collect();
    let document = |d: &Document| {
        let mut entry = json!({"role": d.role, "path": d.path.display().to_string(), "sha256": d.sha256});
        for (key, value) in [("name", &d.name), ("version", &d.version)] {
            if let Some(value) = value {
                entry[key] = json!(value);
            }
        }
        entry
    };
    let documents: Vec<_> = resolved.documents.iter().map(document).collect();
    let mut manifest = json!({
        "format": 1,
        "tool": summary.tool,
        "pipeline": summary.pipeline,
        "schema": {"name": summary.schema.name, "version": summary.schema.version},
        "started_at": summary.started_at,
        "seconds": summary.seconds,
        "today": crate::rule::plausibility::today().to_string(),
        "sources": sources,
        "tables": tables,
        "fingerprints": documents,
        "key_id": key_id,
        "status": summary.status,
    });
    if !settled.steps.is_empty() {
        let of = |(step, files): (&StepAccount, &Vec<String>)| {
            let mut value = serde_json::to_value(step).unwrap_or_default();
            value["quarantine"] = json!(files);
            value
        };
        manifest["steps"] = settled.steps.iter().zip(&settled.refused).map(of).collect::<Vec<_>>().into();
    }
    if let (Some(replay), Some(manifest)) = (replay, manifest.as_object_mut()) {
        manifest.insert("replay".into(), json!({"run": replay.folder.display().to_string(), "manifest_sha256": replay.manifest_sha256, "left_out": replay.left_out}));
    }
    serde_json::to_string_pretty(&manifest).map_err(|e| Error::Bug { message: format!("the manifest: {e}") })
}
