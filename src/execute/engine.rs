//! DataFusion as every role of a run uses it: one state, one runtime.

use std::sync::Arc;

use datafusion::common;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use tokio::runtime::Runtime;

use super::memory::Shares;
use crate::error::Error;
use crate::source::scan::BATCH_ROWS;

/// Threads for so many partitions.
///
/// # Errors
/// When the system gives no threads.
pub fn threads(partitions: usize) -> Result<Runtime, Error> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(partitions.saturating_add(1))
        // Short reads and writes of files. By default there may be hundreds, and each keeps memory that it freed.
        .max_blocking_threads(partitions.saturating_add(2))
        .thread_stack_size(8 << 20)
        .enable_all()
        .build()
        .map_err(|e| Error::environment("starting worker threads", e))
}

/// The memory that operators share, in bytes.
///
/// # Errors
/// DataFusion's, when the environment offers no temporary folder.
pub fn runtime(memory: usize) -> common::Result<Arc<RuntimeEnv>> {
    RuntimeEnvBuilder::new().with_memory_pool(Arc::new(GreedyMemoryPool::new(memory))).build_arc()
}

/// The session of a run: partitions are ours to cut, so nothing may repartition or reorder.
pub fn session(partitions: usize, runtime: Arc<RuntimeEnv>) -> SessionContext {
    let config = SessionConfig::new()
        .with_target_partitions(partitions)
        .with_batch_size(BATCH_ROWS)
        .with_round_robin_repartition(false)
        .with_coalesce_batches(false);
    let state = SessionStateBuilder::new().with_config(config).with_runtime_env(runtime).with_default_features().build();
    SessionContext::new_with_state(state)
}

/// A session whose joins hold one side in memory: quick, and an error where that is too much. Its operators have half the memory
/// between them, since what they build of it is as large again.
///
/// # Errors
/// DataFusion's, when the environment offers no temporary folder.
pub fn holding(partitions: usize, memory: usize) -> common::Result<SessionContext> {
    let mut config = SessionConfig::new().with_target_partitions(partitions);
    config.options_mut().optimizer.prefer_hash_join = true;
    // What would begin to spill is better done by the other session from the beginning.
    let no_disk = DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled);
    let runtime = RuntimeEnvBuilder::new().with_memory_pool(Arc::new(GreedyMemoryPool::new(memory / 2))).with_disk_manager_builder(no_disk).build_arc()?;
    Ok(at_rest(config, runtime))
}

/// A session whose joins and groupings sort and spill rather than hold a table in memory: for
/// work on published files, where rows of two of them meet.
///
/// # Errors
/// DataFusion's, when the environment offers no temporary folder.
pub fn spilling(partitions: usize, memory: usize) -> common::Result<SessionContext> {
    // With one partition the planner makes a hash join of it, which holds one side in memory.
    let partitions = partitions.clamp(2, 8);
    // A sort must hold some batches at least, however small its share of the memory is.
    let batch = if memory < 256 << 20 { BATCH_ROWS / 4 } else { BATCH_ROWS };
    let mut config = SessionConfig::new().with_target_partitions(partitions).with_batch_size(batch);
    let options = config.options_mut();
    options.optimizer.prefer_hash_join = false;
    options.execution.sort_spill_reservation_bytes = (memory / (16 * partitions)).clamp(256 << 10, 10 << 20);
    let runtime = RuntimeEnvBuilder::new().with_memory_pool(Arc::new(Shares::new(memory))).build_arc()?;
    Ok(at_rest(config, runtime))
}

/// A session over files as they lie there.
fn at_rest(mut config: SessionConfig, runtime: Arc<RuntimeEnv>) -> SessionContext {
    let options = config.options_mut();
    // Names of fields are as they are written.
    options.sql_parser.enable_ident_normalization = false;
    // Text views keep whole pages of a file, which a sort would count again for each batch.
    options.execution.parquet.schema_force_view_types = false;
    let state = SessionStateBuilder::new().with_config(config).with_runtime_env(runtime).with_default_features().build();
    SessionContext::new_with_state(state)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Rows are handed on three times in so little memory that all of it goes through the disk. DataFusion 55 waited for ever in
    /// one of four attempts; 1,999 is how many remainders there are.
    #[test]
    fn work_that_spills_ends() {
        let threads = threads(2).unwrap();
        let rows = "SELECT value % 1999 AS g, concat('a long text about row ', value % 20011) AS t FROM range(0, 80000)";
        let query = format!("SELECT count(*) FROM (SELECT g, count(DISTINCT t) AS c FROM ({rows}) GROUP BY g)");
        for attempt in 0..24 {
            let context = spilling(2, 800 << 10).unwrap();
            let done = threads.block_on(async { tokio::time::timeout(Duration::from_secs(30), context.sql(&query).await.unwrap().collect()).await });
            let rows = done.unwrap_or_else(|_| panic!("attempt {attempt} does not end")).unwrap();
            assert_eq!(datafusion::arrow::util::pretty::pretty_format_batches(&rows).unwrap().to_string().lines().nth(3), Some("| 1999     |"));
        }
    }
}
