//! `cargo xtask generate FILE`: a seeded rollout of any size; with `--out-home DIR`, a home of many.

mod home;

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use rollfold_core::testing::{Shape, ShapeFacts, write_shape};

pub(crate) use home::{HomeFacts, write_home};

/// Flags of the command.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file to write; it must not exist.
    #[arg(required_unless_present = "out_home")]
    file: Option<PathBuf>,
    /// The folder of a home to write instead; it must not exist.
    #[arg(long, conflicts_with = "file")]
    out_home: Option<PathBuf>,
    /// Small threads in the home.
    #[arg(long, default_value_t = 1_000, requires = "out_home")]
    threads: u64,
    /// What the rollout is made of: real, chat, edits, compact, tiny or legacy.
    #[arg(long, default_value = "real")]
    shape: Shape,
    /// Size in megabytes of 1,000,000 bytes; the last turn is always whole.
    #[arg(long, default_value_t = 100)]
    mb: u64,
    /// The same seed gives the same bytes, everywhere.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Writes what was asked for and says what is in it.
pub(crate) fn run(args: &Args) -> ExitCode {
    let written = match (&args.out_home, &args.file) {
        (Some(root), _) => said(root, write_home(root, args.threads, args.seed).map(of_home)),
        (None, Some(file)) => said(file, write(args, file).map(of_file)),
        (None, None) => Err("neither a file nor a home to write".to_owned()),
    };
    match written {
        Ok(facts) => {
            println!("{facts}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(3)
        }
    }
}

fn said(path: &Path, written: std::io::Result<String>) -> Result<String, String> {
    let path = path.display();
    match written {
        Ok(facts) => Ok(format!("{path}: {facts}")),
        Err(error) => Err(format!("{path}: {error}")),
    }
}

fn of_file(facts: ShapeFacts) -> String {
    format!(
        "{} bytes, {} records, {} turns, longest line {} bytes",
        facts.bytes, facts.records, facts.turns, facts.longest_line_bytes
    )
}

fn of_home(facts: HomeFacts) -> String {
    format!(
        "{} threads, {} bytes, {} archived, {} compressed, {} spawned, {} forked",
        facts.threads, facts.bytes, facts.archived, facts.compressed, facts.spawned, facts.forked
    )
}

fn write(args: &Args, file: &Path) -> std::io::Result<ShapeFacts> {
    let mut out = BufWriter::new(File::create_new(file)?);
    let facts = write_shape(&mut out, args.shape, args.seed, args.mb * 1_000_000)?;
    out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    Ok(facts)
}
