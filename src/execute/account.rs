//! The ledger: parts get their names, the accounting is proven, the manifest is written.

use std::collections::HashMap;
use std::fs::File;

use parquet::file::reader::{FileReader, SerializedFileReader};
use serde_json::json;

use super::TableRun;
use super::commit::Staging;
use super::sink::PartitionSummary;
use super::summarise::{accepted_schema, rejected_schema};
use super::summary::{Account, Filtered, RunSummary};
use super::write::{PartFile, PartWriter};
use crate::check::Resolved;
use crate::config::project::Document;
use crate::check::replay::Replay;
use crate::error::Error;
use crate::rule::Effect;

/// Where the rows of one table run are, relative to the run's folder.
#[derive(Debug, Clone, Default)]
pub struct Placed {
    pub cohort: Vec<String>,
    pub quarantine: Vec<String>,
}

/// Names the parts of every table and proves its row accounting.
///
/// # Errors
/// When the numbers of index, sink and files do not agree, which is a bug of ours.
pub fn settle(resolved: &Resolved, runs: &[TableRun], staging: &Staging) -> Result<(Vec<Account>, Vec<Placed>), Error> {
    let mut accounts = vec![];
    let mut all = vec![];
    let mut next: HashMap<String, usize> = HashMap::new();
    for (at, (table, run)) in resolved.tables.iter().zip(runs).enumerate() {
        let target = &resolved.schema.tables[table.table].name.value;
        let account = account(table, target, run);
        let cohort = format!("cohort/{target}/site={}", table.site);
        let quarantine = format!("quarantine/{}/site={}", table.source, table.site);
        let mut placed = Placed::default();
        let empty = |kind: &str, schema, private| PartWriter::empty(staging.path().join("parts").join(format!("{kind}-{at}-empty.parquet")), schema, private);
        let parts = |pick: fn(&PartitionSummary) -> &Option<PartFile>| -> Vec<PartFile> { run.partitions.iter().filter_map(|p| pick(p).clone()).collect() };
        let mut accepted = parts(|p| &p.accepted);
        if accepted.is_empty() {
            accepted.push(empty("accepted", accepted_schema(resolved, table), false)?);
        }
        let mut rejected = parts(|p| &p.rejected);
        if rejected.is_empty() {
            rejected.push(empty("rejected", rejected_schema(table), true)?);
        }
        for (folder, parts, wanted, names) in [(&cohort, accepted, account.rows_accepted, &mut placed.cohort), (&quarantine, rejected, account.rows_quarantined, &mut placed.quarantine)] {
            let mut in_files = 0;
            for part in parts {
                let number = next.entry(folder.clone()).or_default();
                let name = format!("{folder}/part-{number:05}.parquet");
                *number += 1;
                in_files += footer_rows(&part)?;
                staging.place(&part.path, &name)?;
                names.push(name);
            }
            prove(&name_of(&account), &format!("rows in {folder}"), in_files, "rows counted", wanted)?;
        }
        let indexed: u64 = run.indexes.iter().map(|i| i.rows).sum();
        prove(&name_of(&account), "rows indexed", indexed, "rows read", account.rows_read)?;
        let outcomes = account.rows_accepted + account.rows_quarantined + account.rows_filtered + account.rows_deduplicated;
        let by_filter: u64 = account.filters.iter().map(|f| f.rows).sum();
        prove(&name_of(&account), "rows filtered", account.rows_filtered, "rows counted by filter", by_filter)?;
        prove(&name_of(&account), "rows read", account.rows_read, "rows accounted for", outcomes)?;
        accounts.push(account);
        all.push(placed);
    }
    Ok((accounts, all))
}

fn account(table: &crate::check::ResolvedTable, target: &str, run: &TableRun) -> Account {
    let sum = |pick: fn(&PartitionSummary) -> u64| run.partitions.iter().map(pick).sum();
    Account {
        table: target.to_owned(),
        site: table.site.clone(),
        source: table.source.clone(),
        rows_read: sum(|p| p.rows_read),
        rows_accepted: sum(|p| p.rows_accepted),
        rows_quarantined: sum(|p| p.rows_quarantined),
        rows_filtered: sum(|p| p.rows_filtered),
        rows_deduplicated: 0,
        rows_flagged: sum(|p| p.rows_flagged),
        filters: filters(table, run),
    }
}

fn filters(table: &crate::check::ResolvedTable, run: &TableRun) -> Vec<Filtered> {
    let counted = table.checks.iter().enumerate().filter(|(_, check)| check.effect == Effect::Filter);
    let one = |(at, check): (usize, &crate::rule::Check)| Filtered {
        filter: check.rule.clone(),
        condition: check.expression.clone().unwrap_or_default(),
        rows: run.partitions.iter().filter_map(|p| p.checks.get(at)).map(|(rows, _)| rows).sum(),
    };
    counted.map(one).collect()
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
pub fn manifest(resolved: &Resolved, runs: &[TableRun], accounts: &[Account], placed: &[Placed], key_id: Option<&str>, summary: &RunSummary, replay: Option<&Replay>) -> Result<String, Error> {
    let sources: Vec<_> = resolved
        .tables
        .iter()
        .zip(runs)
        .flat_map(|(table, run)| {
            table.files.iter().zip(&run.indexes).map(|(file, index)| {
                json!({"site": table.site, "source": table.source, "path": file.shown, "bytes": index.bytes, "sha256": index.sha256, "rows": index.rows,
                    "blank_lines": index.blank_lines, "comment_lines": index.comment_lines, "encoding": file.encoding(), "delimiter": file.delimiter(), "evidence": file.evidence})
            })
        })
        .collect();
    let tables: Vec<_> = accounts
        .iter()
        .zip(placed)
        .map(|(a, p)| {
            let mut table = json!({"table": a.table, "site": a.site, "source": a.source, "rows_read": a.rows_read, "rows_accepted": a.rows_accepted,
                "rows_quarantined": a.rows_quarantined, "rows_filtered": a.rows_filtered, "rows_deduplicated": a.rows_deduplicated, "files": p.cohort, "quarantine": p.quarantine});
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
        "sources": sources,
        "tables": tables,
        "fingerprints": documents,
        "key_id": key_id,
        "status": summary.status,
    });
    if let (Some(replay), Some(manifest)) = (replay, manifest.as_object_mut()) {
        manifest.insert("replay".into(), json!({"run": replay.folder.display().to_string(), "manifest_sha256": replay.manifest_sha256}));
    }
    serde_json::to_string_pretty(&manifest).map_err(|e| Error::Bug { message: format!("the manifest: {e}") })
}
