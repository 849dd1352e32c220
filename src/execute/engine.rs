//! DataFusion as every role of a run uses it: one state, one runtime.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::execution::memory_pool::{FairSpillPool, GreedyMemoryPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::source::scan::BATCH_ROWS;

/// The memory that operators share, in bytes.
///
/// # Errors
/// DataFusion's, when the environment offers no temporary folder.
pub fn runtime(memory: usize) -> Result<Arc<RuntimeEnv>> {
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

/// A session whose joins and groupings sort and spill rather than hold a table in memory: for
/// work on published files, where rows of two of them meet.
///
/// # Errors
/// DataFusion's, when the environment offers no temporary folder.
pub fn spilling(partitions: usize, memory: usize) -> Result<SessionContext> {
    let partitions = partitions.max(1);
    let mut config = SessionConfig::new().with_target_partitions(partitions);
    let options = config.options_mut();
    options.optimizer.prefer_hash_join = false;
    // What a sort keeps back for merging its spilled runs: small enough that all of them have it.
    options.execution.sort_spill_reservation_bytes = (memory / (16 * partitions)).clamp(256 << 10, 10 << 20);
    let runtime = RuntimeEnvBuilder::new().with_memory_pool(Arc::new(FairSpillPool::new(memory))).build_arc()?;
    let state = SessionStateBuilder::new().with_config(config).with_runtime_env(runtime).with_default_features().build();
    Ok(SessionContext::new_with_state(state))
}
