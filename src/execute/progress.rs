//! What a run shows while it works: a bar per source on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};

use super::sink::Progress;

/// Whether and how progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    Bars,
    Lines,
    Nothing,
}

impl Show {
    /// Bars on a terminal, lines elsewhere, nothing when quiet.
    pub fn fitting(quiet: bool) -> Show {
        match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => Show::Nothing,
            (false, true) => Show::Bars,
            (false, false) => Show::Lines,
        }
    }
}

/// The progress of one source.
pub struct SourceProgress {
    show: Show,
    name: String,
    bar: Option<ProgressBar>,
    total_rows: u64,
    total_bytes: u64,
    started: Instant,
    last_line: Instant,
}

impl SourceProgress {
    /// Begins with the index pass over `bytes`.
    pub fn begin(show: Show, name: String, bytes: u64) -> Self {
        let bar = (show == Show::Bars).then(|| {
            let bar = ProgressBar::new(bytes);
            if let Ok(style) = ProgressStyle::with_template("{prefix:<24} {bar:28} {msg}") {
                bar.set_style(style.progress_chars("━╸─"));
            }
            bar.set_prefix(name.clone());
            bar.set_message("reading");
            bar
        });
        let now = Instant::now();
        SourceProgress { show, name, bar, total_rows: 0, total_bytes: bytes, started: now, last_line: now }
    }

    /// Bytes indexed so far.
    pub fn indexed(&self, bytes: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(bytes);
            bar.set_message(format!("counting rows, {}/s", HumanBytes(rate(bytes, self.started.elapsed()))));
        }
    }

    /// The rows are counted; now they are converted.
    pub fn counted(&mut self, rows: u64) {
        self.total_rows = rows;
        self.started = Instant::now();
        if let Some(bar) = &self.bar {
            bar.set_length(rows);
            bar.set_position(0);
        }
    }

    /// Shows where the conversion is.
    pub fn tick(&mut self, progress: &Progress) {
        let rows = progress.rows.load(Ordering::Relaxed);
        let share = if self.total_rows == 0 { 1.0 } else { rows as f64 / self.total_rows as f64 };
        let elapsed = self.started.elapsed();
        let bytes = (self.total_bytes as f64 * share) as u64;
        let left = if share > 0.0 { elapsed.mul_f64(((1.0 - share) / share).clamp(0.0, 1e6)) } else { Duration::ZERO };
        let text = format!(
            "{} of {} rows, {}/s, {} left",
            HumanCount(rows),
            HumanCount(self.total_rows),
            HumanBytes(rate(bytes, elapsed)),
            indicatif::HumanDuration(left)
        );
        if let Some(bar) = &self.bar {
            bar.set_position(rows);
            bar.set_message(text);
        } else if self.show == Show::Lines && self.last_line.elapsed() > Duration::from_secs(5) {
            self.last_line = Instant::now();
            eprintln!("{}: {text}", self.name);
        }
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Says how it ended.
    pub fn end(&self, read: u64, quarantined: u64) {
        // Keys are compared when all tables are read; the summary has the final counts.
        let text = format!("{} rows read, {} to quarantine by themselves", HumanCount(read), HumanCount(quarantined));
        match &self.bar {
            Some(bar) => {
                bar.set_position(self.total_rows);
                bar.finish_with_message(text);
            }
            None if self.show == Show::Lines => eprintln!("{}: {text}", self.name),
            None => {}
        }
    }
}

fn rate(bytes: u64, elapsed: Duration) -> u64 {
    (bytes as f64 / elapsed.as_secs_f64().max(1e-3)) as u64
}
