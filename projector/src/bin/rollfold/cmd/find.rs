//! `rollfold find`: what lies in the homes.

use std::io::Write;

use rollfold_projector::Form;
use serde_json::json;

use crate::context::{Context, Exit, Failure};
use crate::print;

/// Arguments of `find`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Shows only what is no rollout.
    #[arg(long)]
    strays: bool,
}

pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let mut out = context.out();
    for home in context.homes()? {
        let scan = home.scan()?;
        for file in scan.files.iter().filter(|_| !args.strays) {
            let form = match file.form {
                Form::Plain => "plain",
                Form::Compressed => "compressed",
                Form::Both => "both",
            };
            let thread = file.name.as_ref().map(|name| name.thread_id());
            if context.is_json {
                context.json_line(
                    &mut out,
                    &json!({
                        "path": file.file_path(),
                        "form": form,
                        "key": file.key,
                        "threadId": thread,
                        "segmentId": file.name.as_ref().and_then(|name| name.segment_id()),
                        "archived": file.is_archived,
                        "inPlace": file.is_in_place,
                        "bytes": file.identity.len_bytes,
                    }),
                )?;
            } else {
                let len = print::bytes(file.identity.len_bytes);
                let place = if file.is_archived { "archived" } else { "active" };
                writeln!(out, "{len:>8}  {form:<10}  {place:<8}  {}", file.file_path().display())?;
            }
        }
        for stray in &scan.strays {
            let reason = stray.reason.to_string();
            match context.is_json {
                true => {
                    context.json_line(&mut out, &json!({"path": stray.path, "stray": reason}))?
                }
                false => writeln!(out, "stray: {}: {reason}", stray.path.display())?,
            }
        }
        if !context.is_json {
            let (files, strays) = (scan.files.len(), scan.strays.len());
            writeln!(out, "{}: {files} rollouts, {strays} strays", home.root().display())?;
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}
