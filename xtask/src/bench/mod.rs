//! `cargo xtask bench [NAME...]`: what folding, syncing and reading cost, beside what can at best
//! be had of the same bytes. Medians of several runs, all in one process, one after the other.

mod append;
mod lists;
mod many;
mod read;
mod search;
mod through;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use rollfold_core::testing::{Shape, shape_bytes};
use serde_json::json;

/// Flags of the command.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only figures whose names begin so: scan, copy, ignored, value, decode, fold, sync, append,
    /// page, slice, context, open, verify, size, memory, search, sync-many, home (with lists).
    names: Vec<String>,
    /// What the rollout is made of; without it, every shape.
    #[arg(long)]
    shape: Option<Shape>,
    /// Size in megabytes of 1,000,000 bytes.
    #[arg(long, default_value_t = 10)]
    mb: u64,
    /// A rollout to measure instead of generated ones.
    #[arg(long, conflicts_with = "shape")]
    file: Option<PathBuf>,
    /// For search and home: as many small threads instead of one.
    #[arg(long)]
    threads: Option<u64>,
    /// Runs whose median is taken.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Print a JSON line a figure: name, shape, value, unit, vs_value.
    #[arg(long)]
    json: bool,
}

/// A rollout under measurement.
struct Input {
    shape: String,
    bytes: Vec<u8>,
}

/// One measured number.
struct Figure {
    name: &'static str,
    value: f64,
    unit: &'static str,
}

/// Measures what was asked for.
pub(crate) fn run(args: &Args) -> ExitCode {
    match bench(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(3)
        }
    }
}

fn bench(args: &Args) -> Result<(), Box<dyn Error>> {
    let generated = |shape: Shape| Input {
        shape: shape.name().to_owned(),
        bytes: shape_bytes(shape, 1, args.mb.saturating_mul(1_000_000)),
    };
    match (&args.file, args.shape) {
        (Some(path), _) => {
            let bytes = std::fs::read(path).map_err(|error| said(path, &error))?;
            one(args, &Input { shape: path.display().to_string(), bytes })
        }
        (None, Some(shape)) => one(args, &generated(shape)),
        (None, None) => Shape::ALL.into_iter().try_for_each(|shape| one(args, &generated(shape))),
    }
}

fn said(path: &std::path::Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}

fn one(args: &Args, input: &Input) -> Result<(), Box<dyn Error>> {
    let mut bench = Bench { args, figures: Vec::new() };
    through::measure(&mut bench, input)?;
    many::measure(&mut bench, input)?;
    append::measure(&mut bench, input)?;
    read::measure(&mut bench, input)?;
    search::measure(&mut bench, input)?;
    bench.print(input);
    Ok(())
}

/// What is measured, and what was.
struct Bench<'a> {
    args: &'a Args,
    figures: Vec<Figure>,
}

impl Bench<'_> {
    /// Whether one of these figures is asked for.
    fn wants(&self, names: &[&str]) -> bool {
        let asked = &self.args.names;
        asked.is_empty()
            || names.iter().any(|name| asked.iter().any(|asked| name.starts_with(&**asked)))
    }

    fn put(&mut self, name: &'static str, value: f64, unit: &'static str) {
        self.figures.push(Figure { name, value, unit });
    }

    /// The median time of several runs, in seconds.
    fn seconds<T>(
        &self,
        mut run: impl FnMut() -> Result<T, Box<dyn Error>>,
    ) -> Result<f64, Box<dyn Error>> {
        let mut times = Vec::new();
        for _ in 0..self.args.runs.max(1) {
            let started = Instant::now();
            std::hint::black_box(run()?);
            times.push(started.elapsed().as_secs_f64());
        }
        Ok(median(&mut times))
    }

    /// Measures how many megabytes go through in a second.
    fn through<T>(
        &mut self,
        name: &'static str,
        len_bytes: usize,
        run: impl FnMut() -> Result<T, Box<dyn Error>>,
    ) -> Result<(), Box<dyn Error>> {
        if self.wants(&[name]) {
            let seconds = self.seconds(run)?;
            self.put(name, len_bytes as f64 / 1e6 / seconds.max(1e-9), "MB/s");
        }
        Ok(())
    }

    fn print(&self, input: &Input) {
        let value = self.figures.iter().find(|figure| figure.name == "value");
        if !self.args.json {
            println!("{} ({:.1} MB)", input.shape, input.bytes.len() as f64 / 1e6);
        }
        for Figure { name, value: number, unit } in &self.figures {
            let vs_value =
                value.filter(|value| value.unit == *unit).map(|value| number / value.value);
            if self.args.json {
                let line = json!({"name": name, "shape": input.shape, "value": number,
                    "unit": unit, "vs_value": vs_value});
                println!("{line}");
            } else {
                let vs = vs_value.map(|ratio| format!("{ratio:7.2}x Value")).unwrap_or_default();
                println!("  {name:<24} {number:>12.3} {unit:<8}{vs}");
            }
        }
    }
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}
