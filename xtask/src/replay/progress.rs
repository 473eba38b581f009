//! How far the replay is: a bar on a terminal, plain lines otherwise.

use std::cell::Cell;
use std::io::IsTerminal;
use std::ops::ControlFlow;

use indicatif::{ProgressBar, ProgressStyle};

use super::find::Input;

/// A rollout of at least this size gets a plain line when there is no terminal.
const PLAIN_LINE_BYTES_MIN: u64 = 16 * 1024 * 1024;

/// The bar, or the lines.
pub(super) struct Progress {
    bar: ProgressBar,
    is_terminal: bool,
    done_bytes: Cell<u64>,
    done_lines: Cell<u64>,
}

impl Progress {
    pub(super) fn new(total_bytes: u64) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let bar = if is_terminal { ProgressBar::new(total_bytes) } else { ProgressBar::hidden() };
        let template =
            "{bar:30} {bytes}/{total_bytes} {binary_bytes_per_sec} {msg} records, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar, is_terminal, done_bytes: Cell::new(0), done_lines: Cell::new(0) }
    }

    /// Runs the sync of one rollout, which reports how far it is.
    pub(super) fn during<T>(
        &self,
        input: &Input,
        sync: impl FnOnce(&mut dyn FnMut(rollfold_projector::Progress) -> ControlFlow<()>) -> T,
    ) -> T {
        let (bytes_before, lines_before) = (self.done_bytes.get(), self.done_lines.get());
        let is_large = input.len_bytes >= PLAIN_LINE_BYTES_MIN;
        let done = sync(&mut |now| {
            self.bar.set_position(bytes_before + now.bytes);
            self.bar.set_message((lines_before + now.lines).to_string());
            self.done_lines.set(lines_before + now.lines);
            if !self.is_terminal && is_large {
                let total = now.total_bytes.map(|total| format!(" of {total}")).unwrap_or_default();
                let path = input.path.display();
                eprintln!("{path}: {}{total} bytes, {} records", now.bytes, now.lines);
            }
            ControlFlow::Continue(())
        });
        self.done_bytes.set(bytes_before + input.len_bytes);
        self.bar.set_position(self.done_bytes.get());
        done
    }

    /// Prints a line that is not torn by the bar.
    pub(super) fn say(&self, line: &str) {
        self.bar.suspend(|| eprintln!("{line}"));
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
