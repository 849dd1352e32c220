//! Plan goldens: what a small mapping lowers to, and that the plan can be cut into tasks.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use cohorte::check::{Input, Resolved, ResolvedTable};
use cohorte::diagnostic::{Diagnostics, SourceMap};
use cohorte::execute::engine;
use cohorte::function::{self, Key};
use cohorte::{plan, source};
use datafusion::arrow::array::RecordBatch;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::datasource::memory::{DataSourceExec, MemorySourceConfig};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::collect;
use datafusion::prelude::SessionContext;

use crate::support::{KEY, cohorte, root, told};

fn golden(name: &str, text: &str) {
    let path = root().join("tests/plans").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(&path, text).expect("the golden");
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}; `make bless`", path.display()));
    assert!(text == wanted, "{name} differs; `make bless` and look at the difference\n{text}");
}

#[test]
fn golden_plans_of_the_small_mapping() {
    let project = crate::cli::small();
    for stage in ["resolved", "plan"] {
        let output = cohorte().current_dir(project.folder.path()).args(["explain", "pipeline.yaml", "--stage", stage]).output().expect("starts");
        let (code, text, err) = told(&output);
        assert_eq!(code, 0, "{err}");
        golden(&format!("small.{stage}.txt"), &text);
    }
}

/// The plan as an engine cuts it: every leaf holds one partition only.
fn restricted(physical: &Arc<dyn ExecutionPlan>, partition: usize) -> (Arc<dyn ExecutionPlan>, usize) {
    let mut leaves = 0;
    let cut = Arc::clone(physical).transform_down(|node| {
        let Some(memory) = node.downcast_ref::<DataSourceExec>().and_then(|leaf| leaf.data_source().downcast_ref::<MemorySourceConfig>()) else {
            assert!(!node.children().is_empty(), "a leaf that no engine can cut: {}", node.name());
            return Ok(Transformed::no(node));
        };
        leaves += 1;
        let only = vec![memory.partitions()[partition].clone()];
        Ok(Transformed::yes(MemorySourceConfig::try_new_exec(&only, node.schema(), None)? as Arc<dyn ExecutionPlan>))
    });
    (cut.expect("a plan").data, leaves)
}

fn physical(context: &SessionContext, table: &ResolvedTable, step: &plan::Step<'_>, source: usize) -> Arc<dyn ExecutionPlan> {
    let go_on = AtomicBool::new(false);
    let input = &table.inputs[source];
    let indexes: Vec<_> = input.files.iter().map(|file| source::index(file, 4 << 10, std::path::PathBuf::new(), &mut |_| {}, &go_on).expect("an index")).collect();
    let dealt = source::deal(source::splits(&input.files, &indexes, &input.columns), 4);
    assert_eq!(dealt.len(), 4);
    let built = plan::build(step, &plan::Dealt::Splits(dealt)).expect("a plan");
    tokio::runtime::Runtime::new().expect("a runtime").block_on(context.state().create_physical_plan(&built.logical)).expect("a physical plan")
}

/// All rows as text, sorted: every column that the sink sees.
fn rows(context: &SessionContext, plan: &Arc<dyn ExecutionPlan>) -> Vec<String> {
    let batches: Vec<RecordBatch> =
        tokio::runtime::Runtime::new().expect("a runtime").block_on(collect(Arc::clone(plan), context.task_ctx())).expect("rows");
    let mut rows: Vec<String> = batches.iter().flat_map(crate::support::rows_as_text).map(|row| row.join("|")).collect();
    rows.sort();
    rows
}

#[test]
fn every_plan_of_the_demo_can_be_cut_into_tasks() {
    let (mut map, mut found) = (SourceMap::default(), Diagnostics::default());
    let mut resolved: Resolved =
        cohorte::check::check(&root().join("pipeline.yaml"), &function::by_name(None), &mut map, &mut found).expect("the demo is sound");
    resolved.give_key(Some(Key::new(KEY.into())));
    assert_eq!(resolved.tables.len(), 9);
    let mut steps = 0;
    for table in &resolved.tables {
        for step in plan::Step::of_stages(table).chain([plan::Step::of_table(table)]) {
            // What earlier steps have stored is there in a run only.
            let Input::Source(source) = step.input else { continue };
            let name = format!("{}/{}", table.site, step.name);
            let runtime = engine::runtime(1 << 30).expect("a runtime");
            let context = engine::session(4, runtime);
            let whole = physical(&context, table, &step, *source);
            let mut tasks = vec![];
            for partition in 0..4 {
                let (task, leaves) = restricted(&whole, partition);
                assert_eq!(leaves, 1, "{name}: a step is one stage");
                let part = rows(&context, &task);
                assert!(!part.is_empty(), "{name}: partition {partition} has rows");
                tasks.extend(part);
            }
            tasks.sort();
            assert!(tasks == rows(&context, &whole), "{name}: the tasks' rows are the plan's");
            steps += 1;
        }
    }
    // Seven tables are filled from a source; of the two others one has two steps over sources, one has one.
    assert_eq!(steps, 10);
}
