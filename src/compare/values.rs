//! Accepted rows of two runs, matched by key; tables without one, as multisets of rows.
//!
//! The two sides get columns of the same types and names that cannot meet those of a field:
//! `ak0 … af0 …` and `bk0 … bf0 …`, with `sa` and `sb` for the site. A full outer sort-merge join
//! and one grouping by site then count everything; a second, ordered pass names keys and values
//! where they are wanted.

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Int64Type, Schema, TimeUnit};
use datafusion::arrow::util::display::array_value_to_string;
use datafusion::common::{Column, JoinType, Result as DfResult};
use datafusion::dataframe::DataFrame;
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::functions_aggregate::expr_fn::{count, sum};
use datafusion::logical_expr::{Expr, Operator, binary_expr, cast, lit, not, or, when};
use datafusion::prelude::{ParquetReadOptions, SessionContext, col};
use futures::StreamExt;

use super::run::Run;
use super::{Example, FieldValues, Options, RowCounts, SiteRows, TableValues};
use crate::diagnostic::code;
use crate::error::Error;

/// Part files by site.
type Parts = [(String, Vec<String>)];

/// Picks rows of a side, `a` or `b`; none: all of them.
type Which<'a> = dyn Fn(&str) -> Option<Expr> + Sync + 'a;

/// Every table that both schemas have.
///
/// # Errors
/// When a file cannot be read, or memory or disk do not suffice.
pub async fn tables(context: &SessionContext, a: &Run, b: &Run, options: &Options) -> Result<Vec<TableValues>, Error> {
    let mut tables = vec![];
    for target in &a.summary.schema.tables {
        let Some(other) = b.table(&target.name) else { continue };
        let (parts_a, parts_b) = (a.parts("cohort", &target.name)?, b.parts("cohort", &target.name)?);
        let common = target.fields.iter().filter(|f| other.fields.iter().any(|g| g.name == f.name)).map(|f| f.name.clone()).collect();
        let by = if target.key == other.key { target.key.clone() } else { vec![] };
        let is_required = |run: &[crate::execute::summary::FieldSummary]| by.iter().all(|k| run.iter().any(|f| f.name == *k && f.required));
        let complete = is_required(&target.fields) && is_required(&other.fields);
        let table = Table { context, name: &target.name, by, complete, common, a: &parts_a, b: &parts_b, options };
        tables.push(table.compare().await?);
    }
    Ok(tables)
}

/// An error of the engine, where a file may be what is wrong.
pub fn failed(error: datafusion::common::DataFusionError) -> Error {
    use datafusion::common::DataFusionError as E;
    match error.find_root() {
        E::ParquetError(e) => Error::source(code::UNREADABLE, format!("a Parquet file of the runs cannot be read: {}", e.to_string().lines().next().unwrap_or_default())),
        E::ObjectStore(e) => Error::source(code::UNREADABLE, format!("a file of the runs cannot be read: {e}")),
        _ => Error::from(error),
    }
}

struct Table<'a> {
    context: &'a SessionContext,
    name: &'a str,
    by: Vec<String>,
    /// No row's key can have a missing part.
    complete: bool,
    common: Vec<String>,
    a: &'a Parts,
    b: &'a Parts,
    options: &'a Options,
}

impl Table<'_> {
    async fn compare(&self) -> Result<TableValues, Error> {
        let mut out = TableValues { table: self.name.to_owned(), by: self.by.clone(), rows: RowCounts::default(), sites: vec![], fields: vec![], only_in_a: vec![], only_in_b: vec![] };
        if self.a.is_empty() && self.b.is_empty() {
            return Ok(out);
        }
        let types = self.types().await.map_err(failed)?;
        if self.by.is_empty() {
            self.whole(&types, None, &mut out).await.map_err(failed)?;
        } else {
            self.keyed(&types, &mut out).await.map_err(failed)?;
            if !self.complete {
                let incomplete = |side: &str| (0..self.by.len()).map(|k| col(format!("{side}k{k}")).is_null()).reduce(or);
                self.whole(&types, Some(&incomplete), &mut out).await.map_err(failed)?;
            }
        }
        for site in &out.sites {
            out.rows.add(site.rows);
        }
        let named = |s: &SiteRows| (s.site_a.clone().or(s.site_b.clone()), s.site_b.clone());
        out.sites.sort_by_key(named);
        Ok(out)
    }

    /// For each common field the type that both sides are read as.
    async fn types(&self) -> DfResult<Vec<(String, Option<DataType>)>> {
        let (x, y) = (self.schema(self.a).await?, self.schema(self.b).await?);
        let of = |schema: &Option<Schema>, name: &str| schema.as_ref().and_then(|s| s.field_with_name(name).ok()).map(|f| f.data_type().clone());
        Ok(self.common.iter().map(|name| (name.clone(), meeting(of(&x, name), of(&y, name)))).collect())
    }

    async fn schema(&self, parts: &Parts) -> DfResult<Option<Schema>> {
        match parts.first() {
            Some((_, files)) => Ok(Some(self.read(files).await?.schema().as_arrow().clone())),
            None => Ok(None),
        }
    }

    async fn read(&self, files: &[String]) -> DfResult<DataFrame> {
        self.context.read_parquet(files.to_vec(), ParquetReadOptions::default()).await
    }

    /// The rows of one side; `None` where it has no file. `other` gives the columns that this side
    /// lacks, so that an absent side is an empty one.
    async fn side(&self, side: &str, types: &[(String, Option<DataType>)]) -> DfResult<DataFrame> {
        let (own, parts) = if side == "a" { (true, self.a) } else { (false, self.b) };
        let borrowed = if parts.is_empty() { if own { self.b } else { self.a } } else { parts };
        let mut all: Option<DataFrame> = None;
        for (site, files) in borrowed {
            let rows = self.read(files).await?;
            let value = |name: &str, to: &Option<DataType>| {
                let value = Expr::Column(Column::new_unqualified(name));
                to.as_ref().map_or(value.clone(), |to| cast(value, to.clone()))
            };
            let place = |name: &String| types.iter().find(|(n, _)| n == name);
            let keys = self.by.iter().enumerate().filter_map(|(k, name)| place(name).map(|(n, to)| value(n, to).alias(format!("{side}k{k}"))));
            let fields = types.iter().enumerate().map(|(f, (n, to))| value(n, to).alias(format!("{side}f{f}")));
            let mut wanted: Vec<Expr> = keys.chain(fields).collect();
            wanted.push(lit(site.as_str()).alias(format!("s{side}")));
            let rows = rows.select(wanted)?;
            all = Some(match all {
                Some(before) => before.union(rows)?,
                None => rows,
            });
        }
        let Some(all) = all else { return self.context.read_empty() };
        if parts.is_empty() { all.filter(lit(false)) } else { Ok(all) }
    }

    async fn keyed(&self, types: &[(String, Option<DataType>)], out: &mut TableValues) -> DfResult<()> {
        let compared: Vec<usize> = (0..types.len()).filter(|f| !self.by.contains(&types[*f].0)).collect();
        let names = |side: &str| (0..self.by.len()).map(|k| format!("{side}k{k}")).collect::<Vec<String>>();
        let (left, right) = (names("a"), names("b"));
        let complete = |side: &[String]| side.iter().map(|k| col(k).is_not_null()).reduce(Expr::and).unwrap_or(lit(true));
        let a = self.side("a", types).await?.filter(complete(&left))?;
        let b = self.side("b", types).await?.filter(complete(&right))?;
        let joined = a.join(b, JoinType::Full, &texts(&left), &texts(&right), None)?;
        let (af, bf) = (|f: usize| col(format!("af{f}")), |f: usize| col(format!("bf{f}")));
        let differs = |f: usize| binary_expr(af(f), Operator::IsDistinctFrom, bf(f));
        let any = compared.iter().map(|f| differs(*f)).reduce(or).unwrap_or(lit(false));
        let number = |condition: Expr| cast(condition, DataType::Int64);
        let mut wanted = vec![col("sa"), col("sb"), number(any.clone()).alias("changed")];
        let mut sums = vec![count(lit(1i64)).alias("rows"), sum(col("changed")).alias("changed")];
        for f in &compared {
            let both = differs(*f).and(af(*f).is_not_null()).and(bf(*f).is_not_null());
            for (kind, condition) in [("c", both), ("f", af(*f).is_null().and(bf(*f).is_not_null())), ("e", af(*f).is_not_null().and(bf(*f).is_null()))] {
                wanted.push(number(condition).alias(format!("{kind}{f}")));
                sums.push(sum(col(format!("{kind}{f}"))).alias(format!("{kind}{f}")));
            }
        }
        let counted = joined.clone().select(wanted)?.aggregate(vec![col("sa"), col("sb")], sums)?.collect().await?;
        let mut totals = vec![[0u64; 3]; compared.len()];
        for batch in &counted {
            for row in 0..batch.num_rows() {
                let number = |column: usize| integer(batch, column, row);
                let (site_a, site_b) = (text(batch.column(0), row), text(batch.column(1), row));
                let (all, changed) = (number(2), number(3));
                let rows = match (&site_a, &site_b) {
                    (Some(_), None) => RowCounts { only_in_a: all, ..Default::default() },
                    (None, _) => RowCounts { only_in_b: all, ..Default::default() },
                    (Some(_), Some(_)) => {
                        for (at, total) in totals.iter_mut().enumerate() {
                            total.iter_mut().enumerate().for_each(|(kind, n)| *n += number(4 + 3 * at + kind));
                        }
                        RowCounts { equal: all - changed.min(all), changed, ..Default::default() }
                    }
                };
                out.sites.push(SiteRows { site_a, site_b, rows });
            }
        }
        let listed = compared.iter().zip(totals).filter(|(_, n)| n.iter().sum::<u64>() > 0);
        let listed: Vec<(usize, [u64; 3])> = listed.map(|(f, n)| (*f, n)).collect();
        out.fields = listed.iter().map(|(f, n)| FieldValues { field: types[*f].0.clone(), changed: n[0], filled: n[1], emptied: n[2], examples: vec![] }).collect();
        if self.options.keys || self.options.values {
            let fields: Vec<usize> = listed.iter().map(|(f, _)| *f).collect();
            self.examples(joined, &any, &fields, out).await?;
        }
        Ok(())
    }

    /// Names the first keys that differ, in the order of the keys.
    async fn examples(&self, joined: DataFrame, any: &Expr, fields: &[usize], out: &mut TableValues) -> DfResult<()> {
        let width = self.by.len();
        let keys: Vec<Expr> = (0..width).map(|k| coalesce(vec![col(format!("ak{k}")), col(format!("bk{k}"))]).alias(format!("k{k}"))).collect();
        let mut wanted = keys;
        wanted.extend([col("sa"), col("sb")]);
        wanted.extend(fields.iter().flat_map(|f| [col(format!("af{f}")), col(format!("bf{f}"))]));
        let alone = col("sa").is_null().or(col("sb").is_null());
        let order = (0..width).map(|k| col(format!("k{k}")).sort(true, false)).collect();
        let mut rows = joined.filter(alone.or(any.clone()))?.select(wanted)?.sort(order)?.execute_stream().await?;
        let most = self.options.list;
        while let Some(batch) = rows.next().await {
            let batch = batch?;
            for row in 0..batch.num_rows() {
                let key = || -> DfResult<Vec<String>> { (0..width).map(|k| Ok(array_value_to_string(batch.column(k), row)?)).collect() };
                let alone = match (batch.column(width).is_null(row), batch.column(width + 1).is_null(row)) {
                    (true, _) => Some(&mut out.only_in_b),
                    (_, true) => Some(&mut out.only_in_a),
                    _ => None,
                };
                if let Some(list) = alone {
                    if list.len() < most {
                        list.push(key()?);
                    }
                    continue;
                }
                for (at, field) in out.fields.iter_mut().enumerate() {
                    let (a, b) = (batch.column(width + 2 + 2 * at), batch.column(width + 3 + 2 * at));
                    let (a, b) = (shown(a, row)?, shown(b, row)?);
                    if a != b && field.examples.len() < most {
                        let (a, b) = if self.options.values { (a, b) } else { (None, None) };
                        field.examples.push(Example { key: key()?, a, b });
                    }
                }
            }
            let full = |list: usize, wanted: u64| list as u64 >= wanted.min(most as u64);
            let done = out.fields.iter().all(|f| full(f.examples.len(), f.changed + f.filled + f.emptied));
            let alone = out.sites.iter().fold((0, 0), |n, s| (n.0 + s.rows.only_in_a, n.1 + s.rows.only_in_b));
            if done && full(out.only_in_a.len(), alone.0) && full(out.only_in_b.len(), alone.1) {
                break;
            }
        }
        Ok(())
    }

    /// Compares rows as multisets: all, or those that `which` picks.
    async fn whole(&self, types: &[(String, Option<DataType>)], which: Option<&Which<'_>>, out: &mut TableValues) -> DfResult<()> {
        let mut both: Option<DataFrame> = None;
        for side in ["a", "b"] {
            let mut rows = self.side(side, types).await?;
            if let Some(condition) = which.and_then(|w| w(side)) {
                rows = rows.filter(condition)?;
            }
            let mut wanted: Vec<Expr> = (0..types.len()).map(|f| col(format!("{side}f{f}")).alias(format!("c{f}"))).collect();
            wanted.push(col(format!("s{side}")).alias("site"));
            wanted.extend([lit(i64::from(side == "a")).alias("na"), lit(i64::from(side == "b")).alias("nb")]);
            let rows = rows.select(wanted)?;
            both = Some(match both {
                Some(before) => before.union(rows)?,
                None => rows,
            });
        }
        let Some(both) = both else { return Ok(()) };
        let group: Vec<Expr> = (0..types.len()).map(|f| col(format!("c{f}"))).chain([col("site")]).collect();
        let rows = both.aggregate(group, vec![sum(col("na")).alias("a"), sum(col("nb")).alias("b")])?;
        let more = col("a").gt(col("b"));
        let case = |yes: Expr, no: Expr| when(more.clone(), yes).otherwise(no);
        let parts = vec![
            col("site"),
            case(col("b"), col("a"))?.alias("same"),
            case(col("a") - col("b"), lit(0i64))?.alias("a"),
            when(not(more.clone()), col("b") - col("a")).otherwise(lit(0i64))?.alias("b"),
        ];
        let sums = ["same", "a", "b"].map(|c| sum(col(c)).alias(c)).to_vec();
        for batch in rows.select(parts)?.aggregate(vec![col("site")], sums)?.collect().await? {
            for row in 0..batch.num_rows() {
                let site = text(batch.column(0), row);
                let number = |column: usize| integer(&batch, column, row);
                let rows = RowCounts { equal: number(1), changed: 0, only_in_a: number(2), only_in_b: number(3) };
                match out.sites.iter_mut().find(|s| s.site_a == site && s.site_b == site) {
                    Some(known) => known.rows.add(rows),
                    None => out.sites.push(SiteRows { site_a: site.clone(), site_b: site, rows }),
                }
            }
        }
        Ok(())
    }
}

/// The type in which values of two types are compared; `None` where they are of one.
fn meeting(a: Option<DataType>, b: Option<DataType>) -> Option<DataType> {
    let (a, b) = (a?, b?);
    let is_day = |t: &DataType| matches!(t, DataType::Date32 | DataType::Date64 | DataType::Timestamp(..));
    match (&a, &b) {
        _ if a == b => None,
        _ if a.is_numeric() && b.is_numeric() => Some(DataType::Float64),
        _ if is_day(&a) && is_day(&b) => Some(DataType::Timestamp(TimeUnit::Microsecond, None)),
        _ => Some(DataType::Utf8),
    }
}

fn texts(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

fn text(array: &ArrayRef, row: usize) -> Option<String> {
    shown(array, row).ok().flatten()
}

fn shown(array: &ArrayRef, row: usize) -> DfResult<Option<String>> {
    Ok(if array.is_null(row) { None } else { Some(array_value_to_string(array, row)?) })
}

/// A count; nothing counted is 0.
pub fn integer(batch: &RecordBatch, column: usize, row: usize) -> u64 {
    let counts = batch.column(column).as_primitive_opt::<Int64Type>();
    counts.filter(|c| c.is_valid(row)).map_or(0, |c| u64::try_from(c.value(row)).unwrap_or(0))
}
