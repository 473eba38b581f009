//! `cargo xtask conformance DIR`: our folds against the reference's outputs.

mod adapter;
mod case;
mod context;
mod diff;
mod fork;
mod policy;
mod rejected;
mod respell;
mod thread;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use case::{Case, LoadError};

/// Flags of the command.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder of cases: `NAME.jsonl` and the expectation files beside it.
    dir: PathBuf,
    /// Also print what becomes of every line the reference rejects.
    #[arg(long)]
    rejected: bool,
}

/// One kind of expectation file.
struct Output {
    name: &'static str,
    check: fn(&Case) -> Result<Vec<String>, String>,
    passed: usize,
    failed: usize,
}

/// Runs every case; fails if one does, or if there is none.
pub(crate) fn run(args: &Args) -> ExitCode {
    let cases = match case::list(&args.dir) {
        Ok(cases) => cases,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(3);
        }
    };
    let mut outputs = [
        Output { name: "turns", check: adapter::check_turns, passed: 0, failed: 0 },
        Output { name: "changes", check: adapter::check_changes, passed: 0, failed: 0 },
        Output { name: "thread", check: thread::check, passed: 0, failed: 0 },
        Output { name: "policy", check: policy::check, passed: 0, failed: 0 },
        Output { name: "context", check: context::check_context, passed: 0, failed: 0 },
        Output { name: "fork", check: fork::check_fork, passed: 0, failed: 0 },
    ];
    let mut table = rejected::Table::default();
    for path in &cases {
        check_case(path, &mut outputs, &mut table);
    }
    for Output { name, passed, failed, .. } in &outputs {
        println!("{name}: {passed} passed, {failed} failed");
    }
    println!("rejected by the reference: {}", table.summary());
    if args.rejected {
        table.print();
    }
    let passed: usize = outputs.iter().map(|output| output.passed).sum();
    let failed: usize = outputs.iter().map(|output| output.failed).sum();
    println!("{passed} passed, {failed} failed");
    if failed + table.lost() > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn check_case(path: &Path, outputs: &mut [Output], table: &mut rejected::Table) {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let case = match Case::load(path) {
        Ok(case) => case,
        Err(error) => {
            println!("{name}: {error}");
            outputs.iter_mut().for_each(|output| output.failed += 1);
            return;
        }
    };
    table.add(&case);
    for output in outputs {
        let mismatches = match &case.load_error {
            Some(error) => Ok(check_load_error(&case, error)),
            None => (output.check)(&case),
        };
        match mismatches {
            Ok(mismatches) if mismatches.is_empty() => output.passed += 1,
            Ok(mismatches) => {
                output.failed += 1;
                for mismatch in mismatches {
                    println!("{name}.{}: {mismatch}", output.name);
                }
            }
            Err(error) => {
                output.failed += 1;
                println!("{name}.{}: {error}", output.name);
            }
        }
    }
}

/// A file the reference cannot load at all: ours opens it, says at that line what is wrong, and
/// keeps every other record.
fn check_load_error(case: &Case, error: &LoadError) -> Vec<String> {
    let said = adapter::load_reasons(case);
    let mut mismatches = Vec::new();
    if !said.iter().any(|(line, class)| (*line, class.as_str()) == (error.line, &error.class)) {
        let LoadError { class, line } = error;
        mismatches.push(format!("no typed reason {class} at line {line:?}; said: {said:?}"));
    }
    mismatches.extend(adapter::lost_records(case, error.line));
    mismatches
}
