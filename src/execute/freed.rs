//! What the allocator does with memory that is freed.
//!
//! A pass over a source frees each batch for the next one, which is as large: giving pages back and getting them anew, zeroed,
//! is a tenth of a run. Sorts and joins on disk are the contrary: threads come and go, each with pages of its own, and what all
//! of them keep is many times what they hold.

/// `mi_option_purge_delay` in mimalloc.h of both its versions; the crate names only some options.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// A user who allows less than this wants the memory more than the tenth.
const SMALL: usize = 256 << 20;

/// For a pass: freed pages are kept, unless there is little memory, in bytes.
pub fn keep(memory: usize) {
    set_delay(if memory < SMALL { 10 } else { -1 });
}

/// For work that spills: freed pages go back.
pub fn give_back() {
    set_delay(10);
    // SAFETY: frees pages that this thread no longer uses; no pointer of ours is touched.
    unsafe { libmimalloc_sys::mi_collect(true) }
}

/// Milliseconds until freed pages go back; a negative number: never.
fn set_delay(milliseconds: std::ffi::c_long) {
    // SAFETY: an option's number and a plain value; the library checks the range of the first.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, milliseconds) }
}
