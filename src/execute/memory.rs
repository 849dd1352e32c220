//! Memory for work that spills: every operator has a share that no other can take.
//!
//! Sorts of two sides of a join are not at work at the same time: one is merging, and holds what it
//! merges, while the other begins. Under a pool that gives what is left, the second finds nothing
//! and fails before it could spill. Here one half is for operators that can spill, in equal shares;
//! of the other half, which merging needs, nobody has more than a quarter.
//!
//! Nothing is refused to what hands rows from one partition to another: it holds some batches only, and
//! DataFusion 55 waits for ever where two of them begin to spill (its issue 24883).

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::common::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};

/// A pool of equal shares.
#[derive(Debug)]
pub struct Shares {
    bytes: usize,
    used: AtomicUsize,
    /// Operators that can spill.
    spilling: AtomicUsize,
}

impl Shares {
    /// A pool of so many bytes.
    pub fn new(bytes: usize) -> Self {
        Shares { bytes, used: AtomicUsize::new(0), spilling: AtomicUsize::new(0) }
    }

    fn has_share(consumer: &MemoryConsumer) -> bool {
        consumer.can_spill() && !hands_on(consumer)
    }

    /// Most bytes that one reservation may have.
    fn share(&self, consumer: &MemoryConsumer) -> usize {
        let half = self.bytes / 2;
        if consumer.can_spill() { half / self.spilling.load(Ordering::Relaxed).max(1) } else { half / 4 }
    }
}

/// Whether it moves rows between partitions.
fn hands_on(consumer: &MemoryConsumer) -> bool {
    consumer.name().starts_with("RepartitionExec[")
}

impl fmt::Display for Shares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shares of {} MB", self.bytes / 1_000_000)
    }
}

impl MemoryPool for Shares {
    fn name(&self) -> &str {
        "shares"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        if Self::has_share(consumer) {
            self.spilling.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        if Self::has_share(consumer) {
            self.spilling.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn grow(&self, _: &MemoryReservation, additional: usize) {
        self.used.fetch_add(additional, Ordering::Relaxed);
    }

    fn shrink(&self, _: &MemoryReservation, shrink: usize) {
        self.used.fetch_sub(shrink, Ordering::Relaxed);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        if hands_on(reservation.consumer()) {
            self.grow(reservation, additional);
            return Ok(());
        }
        let share = self.share(reservation.consumer());
        let fits = |used: usize| used.checked_add(additional).filter(|sum| *sum <= self.bytes);
        if reservation.size().saturating_add(additional) <= share && self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok() {
            return Ok(());
        }
        let message = format!("{} asks for {} kB more, and its share is {} kB", reservation.consumer().name(), additional / 1000, share / 1000);
        Err(DataFusionError::ResourcesExhausted(message))
    }

    fn reserved(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.bytes)
    }
}
