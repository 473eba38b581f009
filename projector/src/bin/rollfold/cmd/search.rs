//! `rollfold search`: what was said, run, printed and changed, in every thread.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::sync::Arc;

use rollfold_projector::{
    Behind, Hit, IndexOptions, Library, SearchRequest, Snippet, Store, StoreError, TextKind,
    TextKinds,
};
use serde_json::json;

use crate::context::{Context, Exit, Failure};
use crate::print;

/// Arguments of `search`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What an item must have, all of it: words, beginnings of words with `*` behind them, phrases
    /// in quotation marks of their own. Upper and lower case are the same.
    #[arg(required = true, value_name = "WORD")]
    words: Vec<String>,
    /// Only in this thread: its id, the beginning of its id, or its name. Can be given more than
    /// once.
    #[arg(long, value_name = "THREAD")]
    thread: Vec<String>,
    /// Only in texts of this kind: user, agent, plan, reasoning, command, output, file, tool,
    /// result, web, other, injected. Can be given more than once.
    #[arg(long, value_name = "KIND", conflicts_with = "all")]
    kind: Vec<TextKind>,
    /// Also in what a client or a hook put in for the model: environment, instructions.
    #[arg(long)]
    all: bool,
    /// How many hits.
    #[arg(long, value_name = "N", default_value = "20", value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Goes on behind an earlier page: the cursor printed at its end.
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
}

pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let store = context.store_to_read()?;
    match store.index(&IndexOptions::default()) {
        // Somebody else writes the store: what is missing is said below.
        Ok(_) | Err(StoreError::ReadOnly) => {}
        Err(error) => return Err(error.into()),
    }
    let mut keys = Vec::new();
    let (library, whole);
    let store: &Store = if args.thread.is_empty() {
        whole = store;
        &whole
    } else {
        library = Library::open(store)?;
        for name in &args.thread {
            keys.extend(library.find(name)?.logs().map(|log| log.key.clone()));
        }
        library.store()
    };
    let keys: Vec<&str> = keys.iter().map(|key| &**key).collect();
    let query = query(&args.words);
    let request = SearchRequest {
        threads: (!args.thread.is_empty()).then_some(&*keys),
        kinds: match (args.all, args.kind.as_slice()) {
            (true, _) => TextKinds::all(),
            (false, []) => TextKinds::default(),
            (false, kinds) => kinds.iter().copied().collect(),
        },
        limit: args.limit as usize,
        cursor: args.cursor.as_deref(),
        ..SearchRequest::new(&query)
    };
    let page = store.search(&request)?;
    let mut out = context.out();
    if context.is_json {
        for hit in &page.hits {
            context.json_line(&mut out, &value(hit))?;
        }
        let end = json!({
            "nextCursor": page.next_cursor,
            "behind": page.behind.len,
            "behindKeys": page.behind.keys,
        });
        context.json_line(&mut out, &end)?;
    } else {
        let is_terminal = std::io::stdout().is_terminal();
        let mut titles = BTreeMap::new();
        let mut before: Option<&Arc<str>> = None;
        for hit in &page.hits {
            if before != Some(&hit.key) {
                let title = title(store, &hit.key, &mut titles)?;
                writeln!(out, "{}  {title}", hit.key)?;
            }
            before = Some(&hit.key);
            write_hit(&mut out, hit, is_terminal)?;
        }
        if let Some(cursor) = &page.next_cursor {
            writeln!(out, "more: --cursor {cursor}")?;
        }
        out.flush()?;
        if page.hits.is_empty() {
            eprintln!("rollfold: nothing found");
        }
        warn(&page.behind);
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// The words as one query: what a shell took for one word is a phrase.
fn query(words: &[String]) -> String {
    let quoted = words.iter().map(|word| {
        let is_phrase = word.contains(char::is_whitespace) && !word.contains('"');
        if is_phrase { format!("\"{word}\"") } else { word.clone() }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

fn warn(behind: &Behind) {
    if behind.len > 0 {
        let (len, some) = (behind.len, behind.keys.iter().take(3).cloned().collect::<Vec<_>>());
        let dots = if behind.len > 3 { ", ..." } else { "" };
        let some = some.join(", ");
        eprintln!(
            "rollfold: not searched to their end: {len} threads ({some}{dots}); search again"
        );
    }
}

fn value(hit: &Hit) -> serde_json::Value {
    let Snippet { text, marks, is_cut_before, is_cut_after } = &hit.snippet;
    let marks: Vec<[usize; 2]> = marks.iter().map(|mark| [mark.start, mark.end]).collect();
    json!({
        "key": &*hit.key,
        "generation": hit.generation,
        "turn": hit.at.turn,
        "turnId": &*hit.turn_id,
        "startedAt": hit.started_at,
        "item": hit.at.item,
        "itemId": hit.item.id(),
        "itemType": hit.item.type_name(),
        "kind": hit.kind.name(),
        "seq": hit.seq,
        "offsetBytes": hit.span.offset_bytes,
        "lenBytes": hit.span.len_bytes,
        "snippet": {
            "text": text,
            "marks": marks,
            "isCutBefore": is_cut_before,
            "isCutAfter": is_cut_after,
        },
    })
}

/// What a thread is called, in a few words.
fn title(
    store: &Store,
    key: &Arc<str>,
    titles: &mut BTreeMap<Arc<str>, String>,
) -> Result<String, Failure> {
    if let Some(title) = titles.get(key) {
        return Ok(title.clone());
    }
    let thread = store.thread(key)?.map(|view| view.thread()).transpose()?;
    let title = thread.as_ref().and_then(|thread| thread.title.as_deref()).unwrap_or_default();
    let title = print::line(title, 60);
    titles.insert(key.clone(), title.clone());
    Ok(title)
}

fn write_hit(out: &mut impl Write, hit: &Hit, is_terminal: bool) -> std::io::Result<()> {
    let time = hit.started_at.and_then(|seconds| seconds.checked_mul(1000));
    let time = time.map_or_else(|| "-".to_owned(), print::time);
    let (turn, item) = (hit.at.turn.0, hit.at.item.0);
    let (seq, kind) = (hit.seq, hit.kind);
    writeln!(out, "  {time}  turn {turn} ({}), item {item}, line {seq}, {kind}", hit.turn_id)?;
    let Snippet { text, marks, is_cut_before, is_cut_after } = &hit.snippet;
    let (begin, end) = if is_terminal { ("\u{1b}[1m", "\u{1b}[0m") } else { ("", "") };
    let mut shown = String::new();
    let mut at = 0;
    for mark in marks {
        shown.push_str(text.get(at..mark.start).unwrap_or_default());
        shown.push_str(begin);
        shown.push_str(text.get(mark.clone()).unwrap_or_default());
        shown.push_str(end);
        at = mark.end;
    }
    shown.push_str(text.get(at..).unwrap_or_default());
    let dots = |is_cut: bool| if is_cut { "..." } else { "" };
    writeln!(out, "    {}{shown}{}", dots(*is_cut_before), dots(*is_cut_after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_shell_are_a_query() {
        let words = ["one", "two three", "fo*", "\"as it\" is"].map(str::to_owned);
        assert_eq!(query(&words), "one \"two three\" fo* \"as it\" is");
    }
}
