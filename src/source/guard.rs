//! Libraries that panic on damaged files.
//!
//! A reader of somebody else's that asserts what a file must obey would end the program as a bug of ours. What it was doing is a
//! damaged file instead, and the panic is not reported.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::record::Failure;

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic of this thread is expected, and no bug to be reported.
pub fn is_guarded() -> bool {
    GUARDED.get()
}

/// Does what a library may panic at; `what` is what would be damaged then.
///
/// # Errors
/// Those of the work, and a panic as [`Failure::Unreadable`].
pub fn guarded<T>(what: &str, work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    let before = GUARDED.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(before);
    done.unwrap_or_else(|_| Err(Failure::Unreadable(format!("{what} is damaged"))))
}

#[cfg(test)]
mod tests {
    use super::{Failure, guarded, is_guarded};

    #[test]
    fn a_panic_is_a_damaged_file() {
        assert_eq!(guarded("the workbook", || if is_guarded() { panic!("an assertion of a library") } else { Ok(()) }), Err(Failure::Unreadable("the workbook is damaged".into())));
        assert_eq!(guarded("the workbook", || Ok(1)), Ok(1));
        assert!(!is_guarded());
    }
}
