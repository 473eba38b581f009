//! The corruption sweep: a store's file is damaged in every way and everywhere. Whatever is asked
//! then, the answer is right or a typed error that wants a rebuild, and the rebuilt store is equal
//! to a fold of the log.

use std::collections::BTreeMap;
use std::path::Path;

use rollfold_core::Snapshot;
use rollfold_core::model::ItemsView;
use rollfold_core::testing::{Prng, Shape, shape_bytes};
use rollfold_projector::testing::{FaultyDisk, Image};
use rollfold_projector::{
    MemSource, OpenError, Opened, Paging, QueryError, Store, SyncError, SyncOptions, ThreadView,
};

use crate::support::Model;

const KEY: &str = "log";

const BLOCK: u64 = 4096;

/// What a store answers to everything that can be asked.
#[derive(Debug, PartialEq)]
struct Answers {
    now: Snapshot,
    then: Snapshot,
    others: Vec<String>,
}

fn ask(view: ThreadView) -> Result<Answers, QueryError> {
    let half = view.len_lines() / 2;
    let paging = Paging { limit: 20, ..Paging::default() };
    let others = vec![
        format!("{:?}", view.state()),
        format!("{:?}", view.items_page(None, &paging)?.rows),
        format!(
            "{:?}",
            view.turns_page(&Paging { limit: 20, ..Paging::default() }, ItemsView::Summary)?.rows
        ),
        format!("{:?}", view.diagnostics_page(None, 100)?.rows),
        format!("{:?}", view.usage_page(&Paging { limit: 100, ..Paging::default() })?.rows),
        format!("{:?}", view.windows()?),
        format!("{:?}", view.lines(half, half + 500)?),
        format!("{:?}", view.slice(half, half + 500)?),
        format!("{:?}", view.records()?),
    ];
    let now = view.snapshot()?;
    Ok(Answers { now, then: view.at(half).snapshot()?, others })
}

/// A log, the file of a store that holds its fold, and what that store answers.
struct Case {
    log: MemSource,
    model: Model,
    image: Image,
    answers: Answers,
    folder: tempfile::TempDir,
}

/// Where damage was noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Noticed {
    Open,
    Read,
    Never,
}

impl Case {
    fn new(len_bytes: u64) -> Self {
        let log = MemSource::new(KEY, shape_bytes(Shape::Real, 5, len_bytes));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        let store = Store::open(&path).unwrap();
        // Several transactions, so that there are blocks which were freed and used again.
        let options = SyncOptions { batch_bytes: len_bytes / 20, ..SyncOptions::default() };
        store.sync(&log, &options).unwrap();
        let model = Model::of(&log.bytes);
        model.assert_same(&store, KEY);
        let answers = ask(store.thread(KEY).unwrap().unwrap()).unwrap();
        drop(store);
        let image = Image::from(&*std::fs::read(&path).unwrap());
        Self { log, model, image, answers, folder }
    }

    /// Damages the file, asks, and heals it. Nothing false may come out.
    fn damage(&self, what: &str, damage: impl FnOnce(&mut Image)) -> Noticed {
        let mut image = self.image.clone();
        damage(&mut image);
        let noticed = match Store::with_backend(FaultyDisk::holding(image.clone())) {
            Err(error) => {
                assert!(error.wants_rebuild(), "{what}: {error}");
                Noticed::Open
            }
            Ok(store) => {
                let view = store
                    .thread(KEY)
                    .map(|view| view.unwrap_or_else(|| panic!("{what}: forgotten")));
                let answers = view.and_then(ask);
                let synced = store.sync(&self.log, &SyncOptions::default());
                match (answers, synced) {
                    (Ok(answers), Ok(_)) => {
                        assert!(answers == self.answers, "{what}: a wrong answer");
                        Noticed::Never
                    }
                    (answers, synced) => {
                        if let Err(QueryError::Store(error)) = &answers {
                            assert!(error.wants_rebuild(), "{what}: {error}");
                        } else if let Ok(answers) = &answers {
                            assert!(*answers == self.answers, "{what}: a wrong answer");
                        } else {
                            panic!("{what}: {answers:?}");
                        }
                        if let Err(SyncError::Store { source, .. }) = &synced {
                            assert!(source.wants_rebuild(), "{what}: {source}");
                        }
                        Noticed::Read
                    }
                }
            }
        };
        self.heal(what, &image, noticed);
        noticed
    }

    /// Opens the damaged file as a program would, and goes on until all is well.
    fn heal(&self, what: &str, image: &Image, noticed: Noticed) {
        let path = self.folder.path().join("damaged");
        let len_bytes = usize::try_from(image.len_bytes()).unwrap();
        std::fs::write(&path, image.read(0, len_bytes).unwrap()).unwrap();
        let (store, opened) = Store::open_or_rebuild(&path, "test").expect(what);
        let is_aside = matches!(opened, Opened::SetAside { .. });
        assert!(is_aside == (noticed == Noticed::Open) || noticed == Noticed::Read, "{what}");
        let asked = store.sync(&self.log, &SyncOptions::default()).is_ok()
            && store.thread(KEY).map(Option::unwrap).and_then(ask).is_ok();
        let store = if asked {
            store
        } else {
            let healed = store.heal("test", [&self.log], &SyncOptions::default()).expect(what);
            assert!(healed.synced.iter().all(Result::is_ok) && healed.aside.exists(), "{what}");
            healed.store
        };
        self.model.assert_same(&store, KEY);
        drop(store);
        self.clean();
    }

    fn clean(&self) {
        for entry in std::fs::read_dir(self.folder.path()).unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
        }
    }
}

/// Damages a store of a log of so many bytes at `flips` bits, and a fifth as often in other ways.
fn sweep(len_bytes: u64, flips: u64) {
    let case = Case::new(len_bytes);
    let file_bytes = case.image.len_bytes();
    // A good part of a file was never written.
    let is_written = |block: &u64| case.image.read(block * BLOCK, 4096).unwrap() != [0; 4096];
    let written: Vec<u64> = (0..file_bytes / BLOCK).filter(is_written).collect();
    let mut rng = Prng::new(9);
    let mut table: BTreeMap<&str, BTreeMap<Noticed, u64>> = BTreeMap::new();
    let mut note = |kind, noticed| *table.entry(kind).or_default().entry(noticed).or_default() += 1;
    let flips_len = usize::try_from(flips).unwrap();
    for number in 0..flips {
        let block = written[written.len() * usize::try_from(number).unwrap() / flips_len];
        let bit = block * BLOCK * 8 + rng.below(BLOCK * 8);
        note("flip a bit", case.damage(&format!("bit {bit}"), |image| image.flip(bit)));
    }
    for number in 0..flips / 5 {
        let at = *rng.pick_ref(&written).unwrap() * BLOCK + rng.below(BLOCK);
        let len = rng.between(1, 40 * BLOCK);
        let what = format!("zeros at {at}, {len} bytes");
        note("zero a range", case.damage(&what, |image| image.zero(at, len)));
        note("cut off", case.damage(&format!("cut off at {at}"), |image| image.set_len(at)));
        let [from, to] = [(); 2].map(|()| *rng.pick_ref(&written).unwrap());
        let what = format!("block {from} at {to}");
        let misplace = |image: &mut Image| {
            let block = image.read(from * BLOCK, 4096).unwrap();
            image.write(to * BLOCK, &block);
        };
        note("misplace a block", case.damage(&what, misplace));
        // The front: the heads, who has it open, the first checksums.
        let (at, len) = (number % 4 * BLOCK, rng.between(1, 2 * BLOCK));
        let what = format!("noise at {at}, {len} bytes");
        let bytes: Vec<u8> = (0..len).map(|_| rng.next_u64() as u8).collect();
        note("noise in the front", case.damage(&what, |image| image.write(at, &bytes)));
    }
    println!(
        "corruption sweep: a store of {file_bytes} bytes, {} blocks of it ever written, of a log of \
         {len_bytes}; nothing false was answered, and every store healed",
        written.len(),
    );
    println!("{:20} {:>6} {:>8} {:>8} {:>8}", "damage", "times", "at open", "at read", "unused");
    for (kind, noticed) in &table {
        let of = |noticed_at| noticed.get(&noticed_at).copied().unwrap_or_default();
        let [open, read, never] = [Noticed::Open, Noticed::Read, Noticed::Never].map(of);
        println!("{kind:20} {:>6} {open:>8} {read:>8} {never:>8}", open + read + never);
    }
    let unused = table["flip a bit"].get(&Noticed::Never).copied().unwrap_or_default();
    assert!(unused * 5 < flips * 4, "hardly any bit was in use");
    assert_eq!(table["cut off"].keys().collect::<Vec<_>>(), [&Noticed::Open]);
}

#[test]
fn a_small_store_heals_from_any_damage() {
    sweep(100_000, 150);
}

/// `cargo test --release -p rollfold-projector --test main -- --ignored --nocapture real_size`
#[test]
#[ignore = "takes minutes without --release"]
fn a_store_of_real_size_heals_from_any_damage() {
    sweep(10_000_000, 500);
}

#[test]
fn what_is_no_store_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let mut disk_image = vec![0; 1 << 20];
    disk_image[600_000] = 1;
    for bytes in [b"text\n".repeat(10), b"text\n".repeat(10_000), vec![0xff; 1 << 16], disk_image] {
        std::fs::write(&path, &bytes).unwrap();
        let error = Store::open_or_rebuild(&path, "test").unwrap_err();
        assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
        assert!(std::fs::read(&path).unwrap() == bytes);
        assert_eq!(names(folder.path()), ["file"]);
    }
}

#[test]
fn stores_are_set_aside_under_names_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let log = MemSource::new(KEY, crate::support::small_log());
    let (store, opened) = Store::open_or_rebuild(&path, "test").unwrap();
    assert!(matches!(opened, Opened::Created));
    store.sync(&log, &SyncOptions::default()).unwrap();
    drop(store);
    let (store, opened) = Store::open_or_rebuild(&path, "test").unwrap();
    assert!(matches!(opened, Opened::AsItWas));
    drop(store);
    for number in 1..4 {
        let damaged = b"rollfold\r\n\x1a\nredb".repeat(1 << 10);
        std::fs::write(&path, &damaged).unwrap();
        let (store, opened) = Store::open_or_rebuild(&path, "test").unwrap();
        let Opened::SetAside { reason, aside } = opened else { panic!("{opened:?}") };
        assert!(reason.wants_rebuild() && !reason.to_string().contains('\n'), "{reason}");
        assert!(std::fs::read(&aside).unwrap() == damaged);
        let name = aside.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("store.aside-20") && name.ends_with(&format!("-{number}")));
        store.sync(&log, &SyncOptions::default()).unwrap();
        Model::of(&log.bytes).assert_same(&store, KEY);
    }
    assert_eq!(names(folder.path()).len(), 4);
}

#[test]
fn a_rebuild_that_was_cut_short_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let log = MemSource::new(KEY, crate::support::small_log());
    std::fs::write(&path, vec![0; 1 << 20]).unwrap();
    let (store, opened) = Store::open_or_rebuild(&path, "test").unwrap();
    assert!(matches!(opened, Opened::SetAside { .. }));
    let options = SyncOptions { batch_bytes: 500, ..SyncOptions::default() };
    let stopped = store.sync_with(&log, &options, |_| std::ops::ControlFlow::Break(()));
    assert!(stopped.unwrap().is_stopped);
    drop(store);
    let (store, opened) = Store::open_or_rebuild(&path, "test").unwrap();
    assert!(matches!(opened, Opened::AsItWas));
    store.sync(&log, &SyncOptions::default()).unwrap();
    Model::of(&log.bytes).assert_same(&store, KEY);
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
