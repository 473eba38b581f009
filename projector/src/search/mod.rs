//! Full-text search over what the store holds of every thread: [`Store::index`] catches up with
//! what was synced, [`Store::search`] answers, and says which threads it could not search to their
//! end. All of it comes from rows: where a log lies, and in what form, does not matter.
//!
//! # What is found
//!
//! An item is found if each word, phrase and beginning of a word of the query stands in one of its
//! texts ([`TextKind`]), as the newest line left it, in the newest generation of its log. Case is
//! folded as Unicode's simple folding does; texts are not normalized. A word is a run of letters,
//! digits and combining marks, so `_`, `-` and `/` separate words, and what is asked for with them,
//! as `src/main.rs`, stands as it is. Parts of words are found from their beginning only (`pars*`).
//! Scripts without spaces are searched by character; punctuation alone is looked for in every item.
//! Of free-form JSON, texts and numbers are searched as they stand, keys are not. Base64 counts as
//! one word, data URLs and images of tools are left out, control sequences of terminals too. What is
//! no item is not searched: the world's state, and threads whose history mode is not known.
//!
//! Hits come the newest turn first: people look for what they did lately; the order of what is there
//! never changes, so that cursors hold while threads grow; and most pages end after a few candidates.
//! Relevance gives none of that, and would need lengths and frequencies of what is only an estimate.
//!
//! # How
//!
//! The index says which documents (a page of items of one turn) may have a word; each item of a
//! candidate is then read from its rows and looked at. So the index may be wrong in one way: it may
//! promise too much. It keeps no places, needs no deletions, and a rolled-back or replaced item is
//! no hit as soon as it is no row. Words are gathered in bounded memory and written as a segment;
//! segments of like size are merged ([`IndexOptions`]). A sync notes in its own transaction that a
//! thread has more lines; how far the index is, is written with its words. A crash between costs
//! catching up.
//!
//! # Why not a library
//!
//! The same texts of generated rollouts (60 MB each) in both, one thread, one machine under load:
//!
//! | | this index | tantivy 0.27, no places | with places, for phrases |
//! | --- | --- | --- | --- |
//! | size, of the text: real | 5.7 % | 12.2 % | 40.8 % |
//! | legacy | 6.0 % | 11.5 % | 33.9 % |
//! | chat | 2.6 % | 4.6 % | 31.5 % |
//! | building, MB of text a second | 19 to 42 | 18 to 26 | 17 to 22 |
//! | first page, rare word | 0.02 ms | 0.001 ms, and reading the items | the same |
//! | first page, common word | 0.7 to 1 ms | 0.003 ms, and reading the items | 0.01 ms, and reading |
//! | phrase of common words in no item | 4 to 9 ms a MB of text | none | below 0.2 ms |
//! | crates, cold release build | none more | 131, 231 s | the same |
//! | a crash, a copy, a rebuild | the store's | files of its own beside the store | the same |
//!
//! With 50,000 threads and 768 MB of text: 8.7 %, 21 MB/s, 0.07 ms for a rare word, 3 ms for a common
//! one. Its format changes every few months, and its commits are not the store's: the one thing it
//! does better, phrases of nothing but common words, is bounded by [`SearchRequest::items_max`].
//!
//! [`Store::index`]: crate::Store::index
//! [`Store::search`]: crate::Store::search

mod builder;
mod candidates;
mod chars;
mod cursor;
mod docs;
mod find;
mod index;
mod items;
mod look;
mod matches;
mod merge;
mod postings;
mod query;
mod run;
mod segment;
mod snippet;
mod terms;
#[cfg(test)]
mod tests;
mod texts;
mod threads;
mod words;

pub use find::{Behind, Hit, SearchPage, SearchRequest};
pub use index::{IndexDone, IndexOptions, IndexProgress, IndexSize};
pub use snippet::Snippet;
pub use texts::{TextKind, TextKinds, UnknownTextKind};
pub(crate) use threads::{forget, note};
