//! Every table of a store, its keys and what its rows say.
//!
//! Rows are versioned, not overwritten: the last part of a versioned key is `!seq`, so versions of
//! one thing stand together, newest first. The newest version is the first row of the prefix; the
//! version as of a line is the first row whose seq is not above that line's. A removal is a
//! version too. Two versions made by one line have one key: only the later one stays.
//!
//! | table | key | row | versioned |
//! | --- | --- | --- | --- |
//! | `meta` | name | bytes | no |
//! | `threads` | source key, generation | thread number | no |
//! | `cursors` | thread | [`Cursor`](crate::cursor::Cursor) | no |
//! | `turns` | thread, turn, `!seq` | `TurnHead`, its error elsewhere perhaps, or gone | yes |
//! | `items` | thread, turn, item, `!seq` | `ThreadItem`, or what joined it, or gone | yes |
//! | `item_parts` | thread, turn, item, `!seq`, part | what the item's row has no room for | yes |
//! | `turn_ids` | thread, turn id, `!seq` | first turn there is with that id, or none | yes |
//! | `live_turns` | thread, turn | next item's number, items there are | turns there are now |
//! | `item_places` | thread, item id, turn, item | whether it is finished | items there are now |
//! | `facts` | thread, fact, `!seq` | `Fact` | yes |
//! | `inheritance` | thread, `!seq` | `Inheritance` | yes |
//! | `windows` | thread, window, `!seq` | `Window` | yes |
//! | `world` | thread, `!seq` | what the line did to the world; every so often all of it | yes |
//! | `usage` | thread, first entry | packed entries of the token ledger | in order |
//! | `lines` | thread, first seq | packed lines: span, records, what changed | in order |
//! | `diagnostics` | thread, seq, place on the line | `Diagnostic` | no |
//! | `homes` | absolute path | home number | no |
//! | `files` | home, path below it | what it was known by, its key and thread | no |
//! | `search_due` | thread | lines folded, of threads that have more than the search index | no |
//! | `search_threads` | thread | how far it is in the search index | no |
//! | `search_segments` | segment | sizes | no |
//! | `search_docs` | segment, first document | packed documents: runs of items | in order |
//! | `search_terms` | segment, first word, piece | packed words with their documents | in order |
//! | `summaries` | thread | what lists show of a log | no |
//! | `touched` | count of changes of summaries | thread | no |
//! | `names` | thread's id | name that stands beside the logs | no |
//! | `overlays` | source key | pairs of path prefixes: as recorded, as shown | no |
//! | `deletions` | thread id | [`Deletion`](crate::Deletion) that has not ended | no |
//!
//! `live_turns` and `item_places` answer what the fold asks of the past at a cost that does not grow
//! with it. Ids and keys are bytes, not text: redb would check text at every comparison.

use redb::TableDefinition;

use crate::error::Versions;

/// What this build writes and reads. A store made by other versions is set aside.
pub(crate) const VERSIONS: Versions = Versions { schema: 4, reducers: 2 };

/// Names in `meta`; each row is a little-endian `u32`.
pub(crate) const META_SCHEMA: &str = "schema";
pub(crate) const META_REDUCERS: &str = "reducers";
/// How often logs were forgotten: by it one who holds rows in memory knows that some are gone.
pub(crate) const META_FORGOTTEN: &str = "forgotten";
/// A name in `meta`: documents of the search index whose threads were forgotten; a little-endian
/// `u64`.
pub(crate) const META_SEARCH_ORPHANS: &str = "search_orphans";

/// Name in `meta`: in how many transactions `files` changed, a little-endian `u64`.
pub(crate) const META_FILES: &str = "files";

pub(crate) type ThreadKey = (Bytes, u32);
pub(crate) type TurnKey = (u32, u32, u64);
pub(crate) type ItemKey = (u32, u32, u32, u64);
pub(crate) type ItemPartKey = (u32, u32, u32, u64, u32);
pub(crate) type TurnIdKey = (u32, Bytes, u64);
pub(crate) type ItemPlaceKey = (u32, Bytes, u32, u32);
pub(crate) type FactKey = (u32, u8, u64);
pub(crate) type WindowKey = (u32, u64, u64);
/// Thread and `!seq`, of what a thread has one of.
pub(crate) type VersionKey = (u32, u64);
/// Thread and the number of the first entry of a packed row.
pub(crate) type BlockKey = (u32, u64);
/// Home and the path below it.
pub(crate) type FileKey = (u32, Bytes);
pub(crate) type DiagnosticKey = (u32, u64, u32);

/// Segment, first word of the row, piece of a list too long for one row.
pub(crate) type SearchTermKey = (u32, Bytes, u32);

pub(crate) type Bytes = &'static [u8];

pub(crate) const META: TableDefinition<&str, Bytes> = TableDefinition::new("meta");
pub(crate) const THREADS: TableDefinition<ThreadKey, u32> = TableDefinition::new("threads");
pub(crate) const CURSORS: TableDefinition<u32, Bytes> = TableDefinition::new("cursors");
pub(crate) const TURNS: TableDefinition<TurnKey, Bytes> = TableDefinition::new("turns");
pub(crate) const ITEMS: TableDefinition<ItemKey, Bytes> = TableDefinition::new("items");
pub(crate) const ITEM_PARTS: TableDefinition<ItemPartKey, Bytes> =
    TableDefinition::new("item_parts");
pub(crate) const TURN_IDS: TableDefinition<TurnIdKey, Option<u32>> =
    TableDefinition::new("turn_ids");
pub(crate) const LIVE_TURNS: TableDefinition<(u32, u32), (u32, u32)> =
    TableDefinition::new("live_turns");
pub(crate) const ITEM_PLACES: TableDefinition<ItemPlaceKey, bool> =
    TableDefinition::new("item_places");
pub(crate) const FACTS: TableDefinition<FactKey, Bytes> = TableDefinition::new("facts");
pub(crate) const INHERITANCE: TableDefinition<VersionKey, Bytes> =
    TableDefinition::new("inheritance");
pub(crate) const WINDOWS: TableDefinition<WindowKey, Bytes> = TableDefinition::new("windows");
pub(crate) const WORLD: TableDefinition<VersionKey, Bytes> = TableDefinition::new("world");
pub(crate) const USAGE: TableDefinition<BlockKey, Bytes> = TableDefinition::new("usage");
pub(crate) const LINES: TableDefinition<BlockKey, Bytes> = TableDefinition::new("lines");
pub(crate) const SUMMARIES: TableDefinition<u32, Bytes> = TableDefinition::new("summaries");
pub(crate) const NAMES: TableDefinition<Bytes, Bytes> = TableDefinition::new("names");
pub(crate) const TOUCHED: TableDefinition<u64, u32> = TableDefinition::new("touched");
pub(crate) const DIAGNOSTICS: TableDefinition<DiagnosticKey, Bytes> =
    TableDefinition::new("diagnostics");
pub(crate) const OVERLAYS: TableDefinition<Bytes, Bytes> = TableDefinition::new("overlays");
pub(crate) const DELETIONS: TableDefinition<Bytes, Bytes> = TableDefinition::new("deletions");

pub(crate) const HOMES: TableDefinition<Bytes, u32> = TableDefinition::new("homes");
pub(crate) const FILES: TableDefinition<FileKey, Bytes> = TableDefinition::new("files");
pub(crate) const SEARCH_DUE: TableDefinition<u32, Bytes> = TableDefinition::new("search_due");
pub(crate) const SEARCH_THREADS: TableDefinition<u32, Bytes> =
    TableDefinition::new("search_threads");
pub(crate) const SEARCH_SEGMENTS: TableDefinition<u32, Bytes> =
    TableDefinition::new("search_segments");
pub(crate) const SEARCH_DOCS: TableDefinition<BlockKey, Bytes> =
    TableDefinition::new("search_docs");
pub(crate) const SEARCH_TERMS: TableDefinition<SearchTermKey, Bytes> =
    TableDefinition::new("search_terms");

/// The last part of a versioned key: newest first. Its own inverse.
pub(crate) const fn newest_first(seq: u64) -> u64 {
    !seq
}
