//! Quarantined rows of two runs, matched by file and row.
//!
//! A row is the same row only where both runs read the same bytes, so files are matched by their
//! SHA-256; rows of other files are counted apart. A source that fills several tables may have a
//! row in quarantine once for each, so rows are grouped before they are compared.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{Result as DfResult, internal_err};
use datafusion::dataframe::DataFrame;
use datafusion::functions_aggregate::expr_fn::{count, max, min, sum};
use datafusion::logical_expr::{ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, cast, lit, when};
use datafusion::prelude::{ParquetReadOptions, SessionContext, col, ident};

use super::run::Run;
use super::values::{failed, integer};
use super::{Options, QuarantinedRows, RowPlace};
use crate::error::Error;

/// Every source of every site of either run.
///
/// # Errors
/// When a file cannot be read, or memory or disk do not suffice.
pub async fn rows(context: &SessionContext, a: &Run, b: &Run, options: &Options) -> Result<Vec<QuarantinedRows>, Error> {
    let mut places: Vec<(String, String)> = vec![];
    for account in a.summary.accounts.iter().chain(&b.summary.accounts) {
        let place = (account.site.clone(), account.source.clone());
        if !places.contains(&place) {
            places.push(place);
        }
    }
    for step in a.summary.steps.iter().chain(&b.summary.steps) {
        let place = (step.site.clone(), step.name.clone());
        if step.rows_quarantined > 0 && !places.contains(&place) {
            places.push(place);
        }
    }
    let mut out = vec![];
    for (site, source) in places {
        let files = |run: &Run| -> Result<Vec<String>, Error> { Ok(run.parts("quarantine", &source)?.into_iter().filter(|(s, _)| *s == site).flat_map(|(_, files)| files).collect()) };
        let known = common_files(a, b, &site, &source);
        let pair = Pair { context, a: files(a)?, b: files(b)?, known, options };
        let rows = pair.compare().await.map_err(failed)?;
        let rows = QuarantinedRows { site, source, ..rows };
        if rows.same > 0 || !rows.is_equal() {
            out.push(rows);
        }
    }
    Ok(out)
}

/// Files that both runs read: their names in A and in B. Equal files of one source are matched in
/// their order.
fn common_files(a: &Run, b: &Run, site: &str, source: &str) -> Vec<(String, String)> {
    let files = |run: &Run| -> Vec<((String, usize), String)> {
        let mut seen: HashMap<String, usize> = HashMap::new();
        // The rows of a shape are those of the site's sources.
        let is_source = run.summary.sources.iter().any(|s| s.site == site && s.name == source);
        let mine = run.summary.sources.iter().filter(|s| s.site == site && (s.name == source || !is_source)).flat_map(|s| &s.files);
        mine.map(|f| {
            let nth = seen.entry(f.sha256.clone()).or_default();
            *nth += 1;
            ((f.sha256.clone(), *nth), f.path.clone())
        })
        .collect()
    };
    let of_b: HashMap<(String, usize), String> = files(b).into_iter().collect();
    files(a).into_iter().filter_map(|(id, path)| of_b.get(&id).map(|other| (path, other.clone()))).collect()
}

struct Pair<'a> {
    context: &'a SessionContext,
    a: Vec<String>,
    b: Vec<String>,
    known: Vec<(String, String)>,
    options: &'a Options,
}

impl Pair<'_> {
    async fn compare(&self) -> DfResult<QuarantinedRows> {
        let mut out = QuarantinedRows::default();
        let mut both: Option<DataFrame> = None;
        for (is_a, files) in [(true, &self.a), (false, &self.b)] {
            if files.is_empty() {
                continue;
            }
            let rows = self.side(files, is_a).await?;
            both = Some(match both {
                Some(before) => before.union(rows)?,
                None => rows,
            });
        }
        let Some(both) = both else { return Ok(out) };
        let counts = vec![
            sum(col("a")).alias("a"),
            sum(col("b")).alias("b"),
            min(col("ra")).alias("ra0"),
            max(col("ra")).alias("ra1"),
            min(col("rb")).alias("rb0"),
            max(col("rb")).alias("rb1"),
        ];
        let rows = both.aggregate(vec![col("file"), col("row"), col("whose")], counts)?;
        let (of_a, of_b) = (col("a").gt(lit(0i64)), col("b").gt(lit(0i64)));
        let alike = col("a").eq(col("b")).and(col("ra0").eq(col("rb0"))).and(col("ra1").eq(col("rb1")));
        let kind = when(col("whose").eq(lit(1i64)), lit(4i64))
            .when(col("whose").eq(lit(2i64)), lit(5i64))
            .when(of_a.clone().and(of_b.clone()).and(alike), lit(0i64))
            .when(of_a.clone().and(of_b), lit(1i64))
            .when(of_a, lit(2i64))
            .otherwise(lit(3i64))?;
        let rows = rows.with_column("kind", kind)?;
        for batch in rows.clone().aggregate(vec![col("kind")], vec![count(lit(1i64)).alias("n")])?.collect().await? {
            for row in 0..batch.num_rows() {
                let n = integer(&batch, 1, row);
                match integer(&batch, 0, row) {
                    0 => out.same = n,
                    1 => out.other_reasons = n,
                    2 => out.released = n,
                    3 => out.refused = n,
                    4 => out.other_files_a = n,
                    _ => out.other_files_b = n,
                }
            }
        }
        if self.options.list > 0 {
            out.released_rows = self.listed(&rows, 2, "ra0").await?;
            out.refused_rows = self.listed(&rows, 3, "rb0").await?;
        }
        Ok(out)
    }

    /// Quarantined rows of one side: file (as A names it), row, which runs read the file, and the
    /// Reasons under the side's name.
    async fn side(&self, files: &[String], is_a: bool) -> DfResult<DataFrame> {
        let rows = self.context.read_parquet(files.to_vec(), ParquetReadOptions::default()).await?;
        let name = |is_a: bool, (a, b): &(String, String)| if is_a { a.clone() } else { b.clone() };
        let file = cast(ident("_file"), DataType::Utf8);
        let known: Vec<Expr> = self.known.iter().map(|pair| lit(name(is_a, pair))).collect();
        // 0: both runs read the file; 1, 2: only A or only B did, and its rows meet no other.
        let alone = lit(if is_a { 1i64 } else { 2 });
        let whose = if known.is_empty() { alone } else { when(file.clone().in_list(known, false), lit(0i64)).otherwise(alone)? };
        let mut named = file.clone();
        if !is_a {
            for pair in self.known.iter().filter(|(a, b)| a != b) {
                named = when(file.clone().eq(lit(pair.1.clone())), lit(pair.0.clone())).otherwise(named)?;
            }
        }
        let reasons = ScalarUDF::from(ReasonsText::new()).call(vec![ident("_reasons")]);
        let nothing = cast(lit(datafusion::common::ScalarValue::Utf8(None)), DataType::Utf8);
        let (ra, rb) = if is_a { (reasons, nothing) } else { (nothing, reasons) };
        rows.select(vec![
            named.alias("file"),
            cast(ident("_row"), DataType::Int64).alias("row"),
            whose.alias("whose"),
            lit(i64::from(is_a)).alias("a"),
            lit(i64::from(!is_a)).alias("b"),
            ra.alias("ra"),
            rb.alias("rb"),
        ])
    }

    async fn listed(&self, rows: &DataFrame, kind: i64, reasons: &str) -> DfResult<Vec<RowPlace>> {
        let picked = rows.clone().filter(col("kind").eq(lit(kind)))?.select(vec![col("file"), col("row"), col(reasons)])?;
        let first = picked.sort(vec![col("file").sort(true, false), col("row").sort(true, false)])?.limit(0, Some(self.options.list))?;
        let mut out = vec![];
        for batch in first.collect().await? {
            let rows = batch.column(1).as_primitive::<Int64Type>();
            for at in 0..batch.num_rows() {
                let text = |column: usize| datafusion::arrow::util::display::array_value_to_string(batch.column(column), at);
                out.push(RowPlace { file: text(0)?, row: rows.value(at), reasons: text(2)? });
            }
        }
        Ok(out)
    }
}

/// `list<struct<code, field, rule, severity>>` as one text, in one order: `D620 born parse, R501 …`.
#[derive(Debug, PartialEq, Eq, Hash)]
struct ReasonsText {
    signature: Signature,
}

impl ReasonsText {
    fn new() -> Self {
        ReasonsText { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for ReasonsText {
    fn name(&self) -> &str {
        "reasons_text"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> DfResult<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let Some(lists) = arrays.first().and_then(|a| a.as_list_opt::<i32>()) else { return internal_err!("reasons are a list") };
        let mut out = StringBuilder::new();
        for at in 0..lists.len() {
            if lists.is_null(at) {
                out.append_value("");
                continue;
            }
            out.append_value(one(&lists.value(at))?);
        }
        Ok(ColumnarValue::Array(Arc::new(out.finish())))
    }
}

fn one(reasons: &ArrayRef) -> DfResult<String> {
    let Some(reasons) = reasons.as_struct_opt() else { return internal_err!("a reason is a struct") };
    let columns: Vec<&ArrayRef> = ["code", "field", "rule", "severity"].into_iter().filter_map(|name| reasons.column_by_name(name)).collect();
    let mut texts = vec![];
    for at in 0..reasons.len() {
        let mut words = vec![];
        for column in &columns {
            if column.is_valid(at) {
                words.push(datafusion::arrow::util::display::array_value_to_string(column, at)?);
            }
        }
        // Most are errors; only a warning needs saying.
        words.pop_if(|last| last == "error");
        texts.push(words.join(" "));
    }
    texts.sort();
    texts.dedup();
    Ok(texts.join(", "))
}
