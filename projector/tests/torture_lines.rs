//! Torture cases of lines: long ones, and those that never end.

use std::io;

use rollfold_core::model::ItemsView;
use rollfold_core::{Damage, DiagnosticKind, LineLimit, Options};
use rollfold_projector::{
    Check, FileSource, LogSource, MemSource, Outcome, SourceNote, Store, SyncOptions,
};

use crate::support::{Model, small_log};

fn compacted(len_bytes: usize) -> Vec<u8> {
    let image = format!("data:image/png;base64,{}", "A".repeat(len_bytes));
    format!(
        "{{\"timestamp\":\"2026-03-01T10:00:00.000Z\",\"type\":\"compacted\",\"payload\":{{\"message\":\"\",\"replacement_history\":[{{\"type\":\"message\",\"role\":\"user\",\"content\":[{{\"type\":\"input_image\",\"image_url\":\"{image}\"}}]}}]}}}}\n"
    )
    .into_bytes()
}

#[test]
fn torture_12_a_line_of_54_megabytes() {
    let log = [small_log(), compacted(54_000_000), small_log()].concat();
    let store = Store::in_memory().unwrap();
    let source = MemSource::new("log", log.clone());
    let synced = store.sync(&source, &SyncOptions::default()).unwrap();
    assert_eq!((synced.notes.len(), synced.pending_bytes), (0, 0));
    Model::of(&log).assert_same(&store, "log");
}

/// A gigabyte that is made as it is read.
struct Endless;

impl LogSource for Endless {
    fn key(&self) -> &str {
        "endless"
    }

    fn len_bytes(&self) -> io::Result<Option<u64>> {
        Ok(Some(1 << 30))
    }

    fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<usize> {
        // What a reader asks for at once is what it holds.
        assert!(buffer.len() <= 1 << 20, "{} bytes at once", buffer.len());
        let left = usize::try_from((1 << 30) - offset_bytes).unwrap();
        let len = buffer.len().min(left);
        buffer[..len].fill(b'x');
        Ok(len)
    }
}

#[test]
fn torture_12_a_gigabyte_without_line_end_waits() {
    let store = Store::in_memory().unwrap();
    let synced = store.sync(&Endless, &SyncOptions::default()).unwrap();
    assert_eq!((synced.lines, synced.pending_bytes), (0, 1 << 30));
    assert_eq!(synced.notes, [SourceNote::LongTail { pending_bytes: 1 << 30 }]);
}

#[test]
fn torture_12_longer_lines_than_may_be_are_damage() {
    let log = [small_log(), compacted(300_000), small_log()].concat();
    let fold = Options { line_limit: LineLimit { len_bytes: 200_000 }, ..Options::default() };
    let mut model = Model::new(fold);
    model.push(&log);
    let too_long = DiagnosticKind::Damaged(Damage::TooLong);
    assert_eq!(model.diagnostics.iter().filter(|it| it.kind == too_long).count(), 1);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl.zst");
    std::fs::write(&path, zstd::stream::encode_all(&log[..], 3).unwrap()).unwrap();
    let packed = FileSource::open(&path).unwrap().with_key("log");
    let plain = MemSource::new("log", log.clone());
    let sources: [&dyn LogSource; 2] = [&plain, &packed];
    for source in sources {
        for buffer_bytes in [1000, 400_000] {
            let store = Store::in_memory().unwrap();
            let options = SyncOptions { fold, buffer_bytes, ..SyncOptions::default() };
            store.sync(source, &options).unwrap();
            model.assert_same(&store, "log");
            let options = SyncOptions { check: Check::Whole, ..options };
            assert_eq!(store.sync(source, &options).unwrap().outcome, Outcome::Unchanged);
            // Behind it all goes on.
            let view = store.thread("log").unwrap().unwrap();
            assert!(view.turns(ItemsView::NotLoaded).count() > 2);
        }
    }
}
