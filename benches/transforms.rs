//! Rows a second of each transform: a derivation as it is written in YAML, over cells in memory.
//!
//! What is measured is the whole chain of a field, from the text of the cell to the typed value and
//! its checks, in batches of the size that a run has; the scan and the sink are not in it.

use std::sync::Arc;

use cohorte::check::check;
use cohorte::diagnostic::{Diagnostics, SourceMap};
use cohorte::execute::engine;
use cohorte::function::{self, Key};
use cohorte::source::scan::BATCH_ROWS;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use datafusion::arrow::array::{ArrayRef, RecordBatch, StringViewArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::DFSchema;
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::physical_plan::PhysicalExpr;

/// Name, the field, its derivation, and the cells of column `X`, which repeat.
const CASES: &[(&str, &str, &str, &[&str])] = &[
    ("text", "{type: text}", "{from: X}", &["mastectomie", "tumorectomie", " non opérée ", ""]),
    ("clean", "{type: text}", "{from: X, clean: [collapse, strip_accents, upper]}", &["Carcinome  canalaire", "Opérée", "infiltrant"]),
    ("map", "{type: code, values: [left, right, bilateral]}", "{from: X, map: {G: left, D: right, B: bilateral}}", &["G", "D", "B", ""]),
    ("map, any case", "{type: code, values: [none, some]}", "{from: X, map: {non opérée: none, tumorectomie: some}, ignore_case: true}", &["Non opérée", "tumorectomie"]),
    ("boolean", "{type: boolean}", "{from: X}", &["oui", "non", ""]),
    ("integer", "{type: integer}", "{from: X}", &["7", "0", "12", "103"]),
    ("decimal, comma", "{type: decimal, unit: mm}", "{from: X, unit: cm, number: {decimal: \",\"}}", &["3,45", "0,8", "12,5", ""]),
    ("date", "{type: date}", "{from: X, date: \"%d/%m/%Y\"}", &["21/07/2007", "03/10/2016", "", "29/02/2012"]),
    ("date, two formats", "{type: date}", "{from: X, date: [\"%d/%m/%Y\", \"%Y-%m-%d\"]}", &["21/07/2007", "2016-10-03"]),
    ("age_at", "{type: integer, unit: a}", "{age_at: X, born: Y}", &["21/07/2007", "03/10/2016"]),
    ("bins", "{type: code, values: [small, large]}", "{from: X, bins: {small: [null, 2], large: [2, null]}}", &["1.4", "2", "5.5"]),
    ("interval", "{type: decimal}", "{from: X, interval: midpoint}", &["<=20", "20-50", ">50"]),
    ("pseudonym", "{type: pseudonym}", "{from: X}", &["0000000013", "0000000020", "0000000027"]),
    ("coalesce", "{type: text}", "{coalesce: [X, Y]}", &["a", "", "b"]),
    ("sql", "{type: integer}", "{sql: \"CASE WHEN X > 3 THEN 1 ELSE 0 END\"}", &["1", "3", "7"]),
];

/// Expressions that only need earlier levels, each with the column that it gives.
type Level = Vec<(Arc<dyn PhysicalExpr>, Field)>;

/// The expressions of the case's field and its checks, over a batch of raw columns.
fn prepared(field: &str, derivation: &str, cells: &[&str]) -> (Vec<Level>, RecordBatch) {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).expect("a file");
    write("data.csv", "X;Y\n1;2\n".into());
    write("pipeline.yaml", "pipeline: p\nschema: schema.yaml\nmappings: [mapping.yaml]\npseudonym: {key_env: K}\n".into());
    write("schema.yaml", format!("schema: s\nversion: 1.0.0\ntables:\n  t:\n    fields:\n      f: {field}\n"));
    write(
        "mapping.yaml",
        format!("mapping: m\nschema: s\nsite: x\nsources:\n  e: {{path: data.csv, delimiter: \";\", dates: \"%d/%m/%Y\"}}\ntables:\n  t:\n    from: e\n    on_error: quarantine\n    fields:\n      f: {derivation}\n"),
    );
    let (mut map, mut found) = (SourceMap::default(), Diagnostics::default());
    let resolved = check(&folder.path().join("pipeline.yaml"), &function::by_name(None), &mut map, &mut found);
    let mut resolved = resolved.filter(|_| found.counts().0 == 0).unwrap_or_else(|| panic!("{derivation}: {:?}", found.items));
    resolved.give_key(Some(Key::new(vec![7; 32])));
    let table = &resolved.tables[0];

    let column: ArrayRef = Arc::new(StringViewArray::from_iter(cells.iter().cycle().take(BATCH_ROWS).map(|c| (!c.is_empty()).then_some(*c))));
    let born: ArrayRef = Arc::new(StringViewArray::from_iter_values(std::iter::repeat_n("14/02/1951", BATCH_ROWS)));
    let mut fields = vec![Field::new("c:X", DataType::Utf8View, true), Field::new("c:Y", DataType::Utf8View, true)];
    let raw = RecordBatch::try_new(Arc::new(Schema::new(fields.clone())), vec![column, born]).expect("a batch");

    let context = engine::session(1, engine::runtime(1 << 28).expect("a runtime"));
    let state = context.state();
    let mut levels = vec![];
    for level in table.definitions.levels().expect("no cycle") {
        let schema = DFSchema::try_from(Schema::new(fields.clone())).expect("a schema");
        let mut ready = vec![];
        // Checks of the row as read need the scan's flags.
        for definition in level.into_iter().filter(|d| d.expr.column_refs().iter().all(|c| !c.name.starts_with('_'))) {
            let simple = SimplifyContext::builder().with_schema(Arc::new(schema.clone())).with_config_options(Arc::clone(state.config_options())).build();
            let simplifier = ExprSimplifier::new(simple);
            let expr = simplifier.coerce(definition.expr.clone(), &schema).and_then(|e| simplifier.simplify(e)).expect("an expression");
            let physical = state.create_physical_expr(expr, &schema).expect("a physical expression");
            ready.push((physical, Field::new(&definition.name, definition.kind.data_type(), true)));
        }
        fields.extend(ready.iter().map(|(_, f)| f.clone()));
        levels.push(ready);
    }
    (levels, raw)
}

fn evaluate(levels: &[Vec<(Arc<dyn PhysicalExpr>, Field)>], raw: &RecordBatch) -> RecordBatch {
    let mut batch = raw.clone();
    for level in levels {
        let mut fields: Vec<Field> = batch.schema().fields().iter().map(|f| f.as_ref().clone()).collect();
        let mut columns = batch.columns().to_vec();
        for (expr, field) in level {
            columns.push(expr.evaluate(&batch).and_then(|v| v.into_array(batch.num_rows())).expect("a value"));
            fields.push(field.clone());
        }
        batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("a batch");
    }
    batch
}

fn transforms(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("transform");
    group.throughput(Throughput::Elements(BATCH_ROWS as u64));
    for (name, field, derivation, cells) in CASES {
        let (levels, raw) = prepared(field, derivation, cells);
        group.bench_function(*name, |bencher| bencher.iter(|| evaluate(&levels, &raw)));
    }
    group.finish();
}

criterion_group!(benches, transforms);
criterion_main!(benches);
