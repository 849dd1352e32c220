//! The program: memory, panics, signals; what it does is in [`cli`].

mod cli;

use std::process::ExitCode;

use clap::Parser;
use cli::args::{Cli, Verb};
use cohorte::error::exit;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Huge pages would make the kept memory of a run a fifth larger. What ends soon is faster with them.
fn no_huge_pages() {
    // SAFETY: sets a flag of this process and reads no memory (prctl(2)); where it is unknown it fails.
    #[cfg(target_os = "linux")]
    unsafe {
        libc::prctl(libc::PR_SET_THP_DISABLE, 1, 0, 0, 0);
    }
}

fn main() -> ExitCode {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if cohorte::source::guard::is_guarded() {
            return;
        }
        // The message of a panic may quote a cell; place and version are enough to find the bug.
        let place = info.location().map_or(String::new(), |l| format!(" at {}:{}", l.file(), l.line()));
        eprintln!("bug: cohorte {} stopped{place}\n  = help: this should not happen; please report it with the command line", env!("CARGO_PKG_VERSION"));
        if std::env::var_os("COHORTE_BACKTRACE").is_some() {
            default(info);
        }
    }));
    let cli = Cli::parse();
    if matches!(cli.verb, Verb::Run { .. } | Verb::Validate { .. } | Verb::Diff { .. }) {
        no_huge_pages();
    }
    if !matches!(cli.verb, Verb::Run { .. } | Verb::Validate { .. }) {
        // Who reads the output may have seen enough of it. A run goes on: it is written whatever becomes of its output.
        // SAFETY: sets how this process takes a signal, before it has another thread.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    }
    let code = match std::panic::catch_unwind(|| cli::verb(cli)) {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => {
            eprintln!("{error}");
            error.exit_code()
        }
        Err(_) => exit::BUG,
    };
    cohorte::source::place::forget();
    ExitCode::from(code)
}
