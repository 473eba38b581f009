//! `cargo xtask generate FILE`: a seeded rollout of any size.

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;
use std::process::ExitCode;

use rollfold_core::testing::{Shape, ShapeFacts, write_shape};

/// Flags of the command.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file to write; it must not exist.
    file: PathBuf,
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

/// Writes the file and says what is in it.
pub(crate) fn run(args: &Args) -> ExitCode {
    match write(args) {
        Ok(facts) => {
            println!(
                "{}: {} bytes, {} records, {} turns, longest line {} bytes",
                args.file.display(),
                facts.bytes,
                facts.records,
                facts.turns,
                facts.longest_line_bytes
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: {error}", args.file.display());
            ExitCode::from(3)
        }
    }
}

fn write(args: &Args) -> std::io::Result<ShapeFacts> {
    let mut out = BufWriter::new(File::create_new(&args.file)?);
    let facts = write_shape(&mut out, args.shape, args.seed, args.mb * 1_000_000)?;
    out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    Ok(facts)
}
