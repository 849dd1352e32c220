//! Rules that no row can answer alone: judged over all accepted rows, when they are there.
//!
//! The sink writes down of each row that it accepts the fields that such rules look at, with its place. Here these files are the
//! tables of SQL queries: in a session that joins in memory, and where that does not suffice in one that spills.
//! What a query finds goes to `findings/`, or, where the rule is of severity error,
//! sends the row to quarantine; what it counts goes into the report. A query that fails is a rule that was not judged, and says so.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringViewArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Float64Type, Int64Type, Schema as ArrowSchema, SchemaRef};
use datafusion::common::{DataFusionError, Result, TableReference};
use datafusion::dataframe::DataFrame;
use datafusion::datasource::MemTable;
use datafusion::logical_expr::{col, lit};
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use futures::StreamExt;

use super::engine;
use super::keys::RowId;
use super::summarise::finding_schema;
use super::tables::TableRun;
use super::write::{PartFile, PartWriter};
use crate::check::{Later, Resolved, later};
use crate::config::rule::RuleSeverity;
use crate::config::schema::Table;
use crate::diagnostic::code;
use crate::error::Error;
use crate::rule::kind::{Asks, Counts, Needs, PLACE, Rows, Datum, Values, Verdict, quoted};

/// A rule of [`Resolved::later`], judged.
#[derive(Debug, Default)]
pub struct Judged {
    /// By run.
    pub sites: BTreeMap<u32, Verdict>,
    /// Why it could not be judged.
    pub error: Option<String>,
    /// Rows that go to quarantine.
    pub lost: HashMap<u32, Vec<RowId>>,
    /// Findings about rows that stay.
    pub findings: BTreeMap<u32, PartFile>,
    /// Which rows these are; none where nothing is found.
    pub places: Option<PartFile>,
}

/// Whether a row has a finding by itself.
const FLAGGED: &str = "_flagged";

/// Fields that later rules and times to an event need, by table.
pub fn needs(resolved: &Resolved) -> Needs {
    let mut all = Needs::new();
    let mut add = |table: &str, fields: &[String]| {
        let mine = all.entry(table.to_owned()).or_default();
        fields.iter().for_each(|f| if !mine.contains(f) { mine.push(f.clone()) });
    };
    for later in &resolved.later {
        let Some(needs) = later.asks.needs() else { continue };
        needs.iter().for_each(|(table, fields)| add(table, fields));
    }
    for table in &resolved.schema.tables {
        table.follow_up.iter().for_each(|f| add(&table.name.value, &[f.time.value.clone(), f.event.value.clone()]));
    }
    all
}

/// What the sink writes down of a table's rows: the schema, and the fields by position; nothing where no rule looks at it.
pub fn judged_schema(target: &Table, needs: &Needs) -> Option<(SchemaRef, Vec<usize>)> {
    let fields = needs.get(&target.name.value)?;
    let places: Vec<usize> = target.fields.iter().enumerate().filter(|(_, f)| fields.contains(&f.name.value)).map(|(at, _)| at).collect();
    let of_place = PLACE.iter().skip(1).map(|name| Field::new(*name, DataType::Int64, true));
    let stored = |kind: DataType| if kind == DataType::Utf8View { DataType::Utf8 } else { kind };
    let own = places.iter().filter_map(|at| target.fields.get(*at)).map(|f| Field::new(&f.name.value, stored(f.storage().data_type()), true));
    Some((Arc::new(ArrowSchema::new(of_place.chain([Field::new(FLAGGED, DataType::Boolean, false)]).chain(own).collect::<Vec<_>>())), places))
}

/// The tables of all runs as one session has them.
pub struct Court<'a> {
    resolved: &'a Resolved,
    runs: &'a [TableRun],
    /// The quick one, and the one for what does not fit.
    contexts: [SessionContext; 2],
    folder: &'a Path,
    /// The cohort of an earlier run.
    before: Option<&'a Path>,
    budget: usize,
}

impl<'a> Court<'a> {
    /// # Errors
    /// When the environment offers no temporary folder, or a file cannot be read back.
    pub async fn new(resolved: &'a Resolved, runs: &'a [TableRun], options: &'a super::Options, folder: &'a Path) -> Result<Court<'a>, Error> {
        let contexts = [engine::holding(options.partitions, options.memory)?, engine::spilling(options.partitions, options.memory)?];
        for (function, context) in crate::function::udfs(None).iter().flat_map(|f| contexts.iter().map(move |c| (f, c))) {
            context.register_udf(function.as_ref().clone());
        }
        let court = Court { resolved, runs, contexts, folder, before: options.previous.as_deref(), budget: options.memory / 8 };
        let needs = needs(resolved);
        for (place, table) in resolved.schema.tables.iter().enumerate() {
            let Some(fields) = needs.get(&table.name.value) else { continue };
            for context in &court.contexts {
                court.register(context, place, table, fields).await?;
            }
        }
        Ok(court)
    }

    async fn register(&self, context: &SessionContext, place: usize, table: &Table, fields: &[String]) -> Result<()> {
        let mut all: Option<DataFrame> = None;
        for (run, mine) in self.resolved.tables.iter().enumerate().filter(|(_, t)| t.table == place) {
            let files: Vec<String> = self.runs.get(run).into_iter().flat_map(|r| &r.table.partitions).filter_map(|p| Some(p.judged.as_ref()?.path.display().to_string())).collect();
            if files.is_empty() {
                continue;
            }
            let mut wanted = vec![lit(run as i64).alias("_run"), lit(mine.site.as_str()).alias("_site")];
            wanted.extend(PLACE.iter().skip(1).chain([&FLAGGED]).map(|p| col(*p)));
            wanted.extend(table.fields.iter().filter(|f| fields.contains(&f.name.value)).map(|f| col(datafusion::common::Column::new_unqualified(f.name.value.as_str()))));
            let rows = context.read_parquet(files, ParquetReadOptions::default()).await?.select(wanted)?;
            all = Some(match all {
                Some(before) => before.union(rows)?,
                None => rows,
            });
        }
        let provider = match all {
            Some(rows) => rows.into_view(),
            None => Arc::new(MemTable::try_new(Arc::new(later::columns(table, fields)), vec![vec![]])?),
        };
        context.register_table(TableReference::bare(table.name.value.as_str()), provider)?;
        Ok(())
    }

    /// Judges a rule. What its query fails of is told in the result.
    ///
    /// # Errors
    /// When findings cannot be written.
    pub async fn judge(&self, number: usize, later: &Later) -> Result<Judged, Error> {
        let Some(table) = self.resolved.schema.tables.get(later.table) else { return Ok(Judged::default()) };
        let runs = self.resolved.tables.iter().zip(0..).filter(|(t, _)| t.table == later.table);
        let sites: BTreeMap<u32, Verdict> = runs.map(|(_, run)| (run, Verdict::default())).collect();
        let mut error = None;
        for context in &self.contexts {
            let mut judged = Judged { sites: sites.clone(), ..Judged::default() };
            let done = match &later.asks {
                Asks::Row { .. } => Ok(()),
                Asks::Rows(rows) => self.rows(context, number, later, table, rows, &mut judged).await,
                Asks::Values(values) => self.values(context, number, later, table, values, &mut judged).await,
            };
            let Err(failed) = done else { return Ok(judged) };
            for path in sites.keys().map(|run| self.findings(*run, number)).chain([self.places(number)]) {
                let _ = std::fs::remove_file(path);
            }
            let failed = Error::from(failed);
            let is_memory = is_memory(&failed);
            // A disk that is full ends the run; a query that cannot be answered is a rule that was not judged.
            if matches!(failed, Error::Environment { .. }) && !is_memory {
                return Err(failed);
            }
            error = Some(told(&failed));
            if !is_memory {
                break;
            }
        }
        Ok(Judged { error, sites, ..Judged::default() })
    }

    /// The file of what a rule finds.
    fn findings(&self, run: u32, number: usize) -> PathBuf {
        self.folder.join(format!("findings-{run:03}-rule-{number:03}.parquet"))
    }

    /// The file of which rows these are.
    fn places(&self, number: usize) -> PathBuf {
        self.folder.join(format!("places-rule-{number:03}.parquet"))
    }

    /// Rows that have a finding of such a rule and none by themselves, by run.
    ///
    /// # Errors
    /// When memory does not suffice, or a file cannot be read back.
    pub async fn flagged(&self, judged: &[Judged]) -> Result<BTreeMap<u32, u64>> {
        let mut all = BTreeMap::new();
        for (place, table) in self.resolved.schema.tables.iter().enumerate() {
            let mine = self.resolved.later.iter().zip(judged).filter(|(later, _)| later.table == place);
            let files: Vec<String> = mine.filter_map(|(_, judged)| Some(judged.places.as_ref()?.path.display().to_string())).collect();
            if files.is_empty() {
                continue;
            }
            let found = format!("{}\u{1}places", table.name.value);
            for context in &self.contexts {
                let rows = context.read_parquet(files.clone(), ParquetReadOptions::default()).await?;
                context.register_table(TableReference::bare(found.as_str()), rows.into_view())?;
            }
            let same = PLACE.iter().take(3).map(|p| format!("t.{p} = f.{p}")).collect::<Vec<_>>().join(" AND ");
            let query = format!("SELECT t._run, count(*) AS n FROM {name} t JOIN (SELECT DISTINCT {place} FROM {found}) f ON {same} WHERE NOT t.{FLAGGED} GROUP BY t._run", name = quoted(&table.name.value), place = PLACE[..3].join(", "), found = quoted(&found));
            for batch in self.all(&query).await? {
                let (runs, counts) = (whole(&batch, 0)?, whole(&batch, 1)?);
                all.extend(runs.as_primitive::<Int64Type>().iter().zip(counts.as_primitive::<Int64Type>()).filter_map(|(run, n)| Some((run? as u32, n?.unsigned_abs()))));
            }
        }
        Ok(all)
    }

    async fn rows(&self, context: &SessionContext, number: usize, later: &Later, table: &Table, rows: &Rows, judged: &mut Judged) -> Result<()> {
        let name = quoted(&table.name.value);
        for batch in context.sql(&format!("SELECT _run, count(*) AS n FROM {name} WHERE {} GROUP BY _run", rows.applies)).await?.collect().await? {
            let (runs, counts) = (whole(&batch, 0)?, whole(&batch, 1)?);
            for (run, n) in runs.as_primitive::<Int64Type>().iter().zip(counts.as_primitive::<Int64Type>()) {
                if let (Some(run), Some(n)) = (run, n) {
                    judged.sites.entry(run as u32).or_default().denominator = n.unsigned_abs();
                }
            }
        }
        let is_error = table.rules.get(later.rule).is_some_and(|r| r.severity == RuleSeverity::Error);
        let place = PLACE.join(", ");
        let query = format!("SELECT {place} FROM ({}) ORDER BY _run, _unit, _at", rows.violating);
        let mut finder = Finder::new(self, number, later, table, rows.field.as_deref());
        let mut stream = context.sql(&query).await?.execute_stream().await?;
        while let Some(batch) = stream.next().await {
            let batch = batch?;
            finder.count(&batch, judged)?;
            if is_error {
                let [runs, units, ats] = [whole(&batch, 0)?, whole(&batch, 1)?, whole(&batch, 2)?];
                for at in 0..batch.num_rows() {
                    let [run, file, row] = [&runs, &units, &ats].map(|c| c.as_primitive::<Int64Type>().value(at));
                    judged.lost.entry(run as u32).or_default().push(RowId { run: run as u32, file: u32::try_from(file).unwrap_or(u32::MAX), row: row.unsigned_abs() });
                }
            } else {
                finder.write(&batch)?;
            }
        }
        (judged.findings, judged.places) = finder.finish()?;
        Ok(())
    }

    async fn values(&self, context: &SessionContext, number: usize, later: &Later, table: &Table, values: &Values, judged: &mut Judged) -> Result<()> {
        let name = quoted(&table.name.value);
        let counts = self.counts(context, &format!("SELECT _run AS s, {v} AS v, count(*) AS n FROM {name} WHERE {v} IS NOT NULL GROUP BY s, v ORDER BY s, v", v = values.value)).await?;
        let runs: Vec<u32> = judged.sites.keys().copied().collect();
        let site = |run: &u32| self.resolved.tables.get(*run as usize).map_or("", |t| t.site.as_str());
        let sites: Vec<Counts> = runs.iter().map(|run| Counts { site: site(run).to_owned(), values: counts.get(&i64::from(*run)).cloned().unwrap_or_default() }).collect();
        let before = match (values.earlier, self.before) {
            (true, Some(folder)) => Some(self.earlier(context, folder, table, values, &sites).await?),
            _ => None,
        };
        let mut finder = Finder::new(self, number, later, table, Some(&values.field));
        for (run, mut verdict) in runs.iter().zip(values.judge.judge(&sites, before.as_deref())) {
            if let (true, Some(condition)) = (verdict.misses, &verdict.rows) {
                verdict.violated = 0;
                let query = format!("SELECT {} FROM {name} WHERE _run = {run} AND ({condition}) ORDER BY _unit, _at", PLACE.join(", "));
                let mut stream = context.sql(&query).await?.execute_stream().await?;
                while let Some(batch) = stream.next().await {
                    let batch = batch?;
                    verdict.violated += batch.num_rows() as u64;
                    finder.write(&batch)?;
                }
            }
            judged.sites.insert(*run, verdict);
        }
        (judged.findings, judged.places) = finder.finish()?;
        Ok(())
    }

    /// What an earlier run accepted of the same sites.
    async fn earlier(&self, context: &SessionContext, folder: &Path, table: &Table, values: &Values, sites: &[Counts]) -> Result<Vec<Counts>> {
        let mut all = vec![];
        for site in sites {
            let path = folder.join("cohort").join(&table.name.value).join(format!("site={}", site.site));
            let mut counts = Counts { site: site.site.clone(), values: vec![] };
            if path.is_dir() {
                let context = SessionContext::new_with_state(context.state());
                let rows = context.read_parquet(path.display().to_string(), ParquetReadOptions::default()).await?;
                if !rows.schema().has_column_with_unqualified_name(&values.field) {
                    all.push(counts);
                    continue;
                }
                let view = format!("{}\u{1}", table.name.value);
                context.register_table(TableReference::bare(view.as_str()), rows.into_view())?;
                let query = format!("SELECT 0 AS s, v, n FROM (SELECT {v} AS v, count(*) AS n FROM {name} WHERE {v} IS NOT NULL GROUP BY v) ORDER BY v", v = values.value, name = quoted(&view));
                let found = self.counts(&context, &query).await;
                let _ = context.deregister_table(TableReference::bare(view.as_str()));
                counts.values = found?.into_values().next().unwrap_or_default();
            }
            all.push(counts);
        }
        Ok(all)
    }

    /// The counts of a query with the columns `s, v, n`, by `s`.
    async fn counts(&self, context: &SessionContext, query: &str) -> Result<HashMap<i64, Vec<(Datum, u64)>>> {
        let mut out: HashMap<i64, Vec<(Datum, u64)>> = HashMap::new();
        let mut stream = context.sql(query).await?.execute_stream().await?;
        while let Some(batch) = stream.next().await {
            let batch = batch?;
            let (keys, counts) = (whole(&batch, 0)?, whole(&batch, 2)?);
            let values = batch.column(1);
            let number = match values.data_type() {
                DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => None,
                DataType::Date32 => Some(cast(&cast(values, &DataType::Int32)?, &DataType::Float64)?),
                DataType::Timestamp(..) => Some(cast(&cast(&cast(values, &DataType::Date32)?, &DataType::Int32)?, &DataType::Float64)?),
                DataType::Boolean => Some(cast(&cast(values, &DataType::Int8)?, &DataType::Float64)?),
                _ => Some(cast(values, &DataType::Float64)?),
            };
            let text = if number.is_none() { Some(cast(values, &DataType::Utf8)?) } else { None };
            for at in 0..batch.num_rows() {
                let value = match (&number, &text) {
                    (Some(number), _) if number.is_valid(at) => Datum::Number(number.as_primitive::<Float64Type>().value(at)),
                    (None, Some(text)) if text.is_valid(at) => Datum::Text(text.as_string::<i32>().value(at).to_owned()),
                    _ => continue,
                };
                let n = counts.as_primitive::<Int64Type>().value(at).unsigned_abs();
                out.entry(keys.as_primitive::<Int64Type>().value(at)).or_default().push((value, n));
            }
        }
        Ok(out)
    }

    /// All rows of a small answer.
    pub async fn all(&self, query: &str) -> Result<Vec<RecordBatch>> {
        let [quick, spilling] = &self.contexts;
        match quick.sql(query).await?.collect().await {
            Err(error) if matches!(error.find_root(), DataFusionError::ResourcesExhausted(_)) => spilling.sql(query).await?.collect().await,
            done => done,
        }
    }
}

/// Writes the findings of one rule, run by run.
struct Finder<'a> {
    court: &'a Court<'a>,
    number: usize,
    field: Option<String>,
    rule: String,
    severity: &'static str,
    schema: SchemaRef,
    writers: BTreeMap<u32, PartWriter>,
    places: PartWriter,
}

impl<'a> Finder<'a> {
    fn new(court: &'a Court<'a>, number: usize, later: &Later, table: &Table, field: Option<&str>) -> Self {
        let rule = table.rules.get(later.rule);
        Finder {
            court,
            number,
            field: field.map(str::to_owned),
            rule: rule.map_or(String::new(), |r| r.id.value.clone()),
            severity: rule.map_or("warning", |r| r.severity.word()),
            schema: finding_schema(),
            writers: BTreeMap::new(),
            places: PartWriter::new(court.places(number), Arc::new(ArrowSchema::new(PLACE.iter().take(3).map(|p| Field::new(*p, DataType::Int64, true)).collect::<Vec<_>>())), true, court.budget),
        }
    }

    /// Counts the rows of each run.
    fn count(&self, batch: &RecordBatch, judged: &mut Judged) -> Result<()> {
        for run in whole(batch, 0)?.as_primitive::<Int64Type>().iter().flatten() {
            judged.sites.entry(run as u32).or_default().violated += 1;
        }
        Ok(())
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.places.write(vec![whole(batch, 0)?, whole(batch, 1)?, whole(batch, 2)?], batch.num_rows())?;
        let runs = whole(batch, 0)?;
        let runs = runs.as_primitive::<Int64Type>();
        let mut from = 0;
        while from < batch.num_rows() {
            let run = runs.value(from);
            let until = (from..batch.num_rows()).find(|at| runs.value(*at) != run).unwrap_or(batch.num_rows());
            self.write_of(run as u32, &batch.slice(from, until - from))?;
            from = until;
        }
        Ok(())
    }

    fn write_of(&mut self, run: u32, batch: &RecordBatch) -> Result<()> {
        let files: Vec<&str> = self.court.resolved.tables.get(run as usize).into_iter().flat_map(|t| &t.inputs).flat_map(|i| &i.files).map(|f| f.shown.as_str()).collect();
        let names: StringViewArray = whole(batch, 3)?.as_primitive::<Int64Type>().iter().map(|f| f.and_then(|f| files.get(usize::try_from(f).ok()?).copied())).collect();
        let same = |text: Option<&str>| -> ArrayRef { Arc::new(std::iter::repeat_n(text, batch.num_rows()).collect::<StringViewArray>()) };
        let columns = vec![Arc::new(names) as ArrayRef, whole(batch, 4)?, whole(batch, 5)?, whole(batch, 6)?, same(Some(code::RULE.id)), same(self.field.as_deref()), same(Some(&self.rule)), same(Some(self.severity))];
        let (court, number, schema) = (self.court, self.number, &self.schema);
        let writer = self.writers.entry(run).or_insert_with(|| PartWriter::new(court.findings(run, number), Arc::clone(schema), false, court.budget));
        writer.write(columns, batch.num_rows())
    }

    fn finish(self) -> Result<(BTreeMap<u32, PartFile>, Option<PartFile>)> {
        let done = self.writers.into_iter().map(|(run, writer)| Ok((run, writer.finish()?.part)));
        let findings = done.collect::<Result<Vec<_>>>()?.into_iter().filter_map(|(run, part)| Some((run, part?))).collect();
        Ok((findings, self.places.finish()?.part))
    }
}

/// A column of whole numbers.
fn whole(batch: &RecordBatch, at: usize) -> Result<ArrayRef> {
    Ok(cast(batch.column(at), &DataType::Int64)?)
}

fn is_memory(error: &Error) -> bool {
    matches!(error, Error::Environment { message, .. } if message.starts_with("not enough memory"))
}

/// Why a rule was not judged, without what the engine says of values.
fn told(error: &Error) -> String {
    if is_memory(error) { "the memory did not suffice; give the run more with `--memory`".to_owned() } else { "the condition failed on a row: a division by zero, or a cast of something else".to_owned() }
}
