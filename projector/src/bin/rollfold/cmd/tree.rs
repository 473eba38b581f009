//! `rollfold tree`: who spawned whom, or who was forked from whom.

use std::io::Write;

use rollfold_projector::{Library, Relation, TreeNode};

use crate::context::{Context, Exit, Failure};
use crate::print;

/// Arguments of `tree`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The thread at the root: its id, the beginning of one, or its name [default: all trees].
    thread: Option<String>,
    /// Shows forks instead of spawned agents.
    #[arg(long)]
    forks: bool,
    /// Shows threads that stand alone, too.
    #[arg(long)]
    alone: bool,
}

pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let library = Library::open(context.store_to_read()?)?;
    let relation = if args.forks { Relation::Fork } else { Relation::Spawn };
    let trees = match &args.thread {
        Some(name) => vec![library.tree(&library.find(name)?.id, relation)?],
        None => {
            let mut trees = library.trees(relation)?;
            trees.retain(|tree| args.alone || !tree.children.is_empty());
            trees
        }
    };
    let mut out = context.out();
    for tree in &trees {
        match context.is_json {
            true => context.json_line(&mut out, tree)?,
            false => draw(tree, "", "", &mut out)?,
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// Draws a node behind `lead` and those below it behind `rest`.
fn draw(node: &TreeNode, lead: &str, rest: &str, out: &mut impl Write) -> Result<(), Failure> {
    let mut words = vec![node.id.to_string()];
    match &node.thread {
        None => words.push("(no log of it was found)".to_owned()),
        Some(thread) => {
            words.extend(thread.agent_path.as_deref().map(str::to_owned));
            words.extend(thread.agent_nickname.as_deref().map(|name| format!("\"{name}\"")));
            words.extend(node.status.as_ref().map(|status| status.as_str().to_owned()));
            words.extend(node.own_tokens.map(|tokens| format!("{tokens} tokens")));
            let text = thread.name.as_deref().or(thread.preview.as_deref());
            words.extend(text.map(|text| print::line(text, 50)));
        }
    }
    writeln!(out, "{lead}{}", words.join("  "))?;
    for (number, child) in node.children.iter().enumerate() {
        let is_last = number + 1 == node.children.len();
        let (lead, below) = if is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        draw(child, &format!("{rest}{lead}"), &format!("{rest}{below}"), out)?;
    }
    Ok(())
}
