//! Stores and logs on disk.

use std::fs;
use std::path::Path;

use redb::{Database, TableDefinition};
use rollfold_projector::{FileSource, LogSource, OpenError, Outcome, Store, SyncOptions, Versions};

use crate::support::{Model, small_log};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn a_store_outlives_its_process() {
    let folder = folder();
    let (log, path) = (folder.path().join("log.jsonl"), folder.path().join("store.redb"));
    fs::write(&log, small_log()).unwrap();
    let source = FileSource::open(&log).unwrap();
    let store = Store::open(&path).unwrap();
    assert_eq!(store.sync(&source, &SyncOptions::default()).unwrap().outcome, Outcome::New);
    let bytes = fs::read(&path).unwrap();
    assert_eq!(store.sync(&source, &SyncOptions::default()).unwrap().outcome, Outcome::Unchanged);
    assert!(fs::read(&path).unwrap() == bytes, "a sync of nothing wrote something");
    drop(store);
    let store = Store::open(&path).unwrap();
    assert_eq!(store.sync(&source, &SyncOptions::default()).unwrap().outcome, Outcome::Unchanged);
    Model::of(&small_log()).assert_same(&store, source.key());
    assert_eq!(fs::read(&log).unwrap(), small_log());
}

#[test]
fn a_log_is_known_by_its_absolute_path_or_by_what_the_caller_says() {
    let folder = folder();
    let path = folder.path().join("log.jsonl");
    fs::write(&path, small_log()).unwrap();
    let source = FileSource::open(&path).unwrap();
    assert!(Path::new(source.key()).is_absolute());
    assert_eq!(source.with_key("other").key(), "other");
}

#[test]
fn what_is_not_there_is_said() {
    let folder = folder();
    let error = FileSource::open(folder.path().join("no log")).unwrap_err();
    assert!(matches!(error, OpenError::Io { .. }) && !error.wants_rebuild());
    let error = Store::open(folder.path().join("no folder/store.redb")).unwrap_err();
    assert!(matches!(error, OpenError::Io { .. }) && !error.wants_rebuild());
    assert!(error.to_string().contains("no folder"), "{error}");
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_a_new_store() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let path = folder.path().join("store.redb");
    drop(Store::open(&path).unwrap());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_store_is_open_once() {
    let folder = folder();
    let path = folder.path().join("store.redb");
    let _store = Store::open(&path).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, OpenError::InUse { .. }) && !error.wants_rebuild(), "{error}");
}

#[test]
fn a_database_of_something_else_is_left_alone() {
    let folder = folder();
    let path = folder.path().join("other.redb");
    let other = Database::create(&path).unwrap();
    let write = other.begin_write().unwrap();
    write.open_table(TableDefinition::<u64, u64>::new("theirs")).unwrap();
    write.commit().unwrap();
    drop(other);
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, OpenError::Foreign { .. }) && !error.wants_rebuild(), "{error}");
}

#[test]
fn a_store_of_another_version_wants_a_rebuild() {
    let folder = folder();
    let path = folder.path().join("store.redb");
    drop(Store::open(&path).unwrap());
    let clean = fs::read(&path).unwrap();
    for name in ["schema", "reducers"] {
        fs::write(&path, &clean).unwrap();
        let meta = TableDefinition::<&str, &[u8]>::new("meta");
        let put = |write: &redb::WriteTransaction| {
            write.open_table(meta)?.insert(name, 99_u32.to_le_bytes().as_slice())?;
            Ok(())
        };
        Store::open(&path).unwrap().tamper(put).unwrap();
        let error = Store::open(&path).unwrap_err();
        assert!(error.wants_rebuild());
        let OpenError::Version { found, expected, .. } = error else { panic!("{error}") };
        let other = match name {
            "schema" => Versions { schema: 99, ..expected },
            _ => Versions { reducers: 99, ..expected },
        };
        assert_eq!(found, other);
        assert_eq!(expected, Versions { schema: 4, reducers: 2 });
    }
}

#[test]
fn a_file_that_is_no_database_is_left_alone() {
    let folder = folder();
    let path = folder.path().join("store.redb");
    let text = b"not a database at all".repeat(1000);
    fs::write(&path, &text).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, OpenError::Foreign { .. }) && !error.wants_rebuild(), "{error}");
    assert!(fs::read(&path).unwrap() == text);
}

#[test]
fn a_file_of_nothing_but_zeros_wants_a_rebuild() {
    let folder = folder();
    let path = folder.path().join("store.redb");
    fs::write(&path, vec![0; 1 << 20]).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, OpenError::Unfinished { .. }) && error.wants_rebuild(), "{error}");
    fs::write(&path, b"").unwrap();
    Store::open(&path).unwrap();
}

/// What cannot be opened is said in one line: where, why, and what to do.
#[test]
fn places_that_hold_no_store_are_named() {
    let folder = folder();
    let file = folder.path().join("file");
    fs::write(&file, b"x").unwrap();
    for (path, advice) in [
        (folder.path().to_owned(), "use the path of a file"),
        (file.join("store"), "use the path of a file"),
        (folder.path().join("none/store"), "make the folder first or use another path"),
    ] {
        let errors = [
            Store::open(&path).unwrap_err(),
            Store::open_reader(&path).unwrap_err(),
            Store::open_or_rebuild(&path, "test").unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(error, OpenError::Io { .. }) && !error.wants_rebuild(), "{error}");
            let said = error.to_string();
            assert!(said.starts_with(path.to_str().unwrap()) && said.ends_with(advice), "{said}");
            assert!(!said.contains('\n'));
        }
    }
    assert!(Store::open_reader(folder.path().join("none")).is_err());
    assert!(!folder.path().join("none").exists(), "a reader makes nothing");
}

#[cfg(unix)]
#[test]
fn what_may_not_be_written_is_left_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let path = folder.path().join("store");
    let source = rollfold_projector::MemSource::new("log", small_log());
    Store::open(&path).unwrap().sync(&source, &SyncOptions::default()).unwrap();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    fs::write(inner.join("zeros"), vec![0; 1 << 20]).unwrap();
    let permit = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    permit(&path, 0o400);
    permit(&inner, 0o500);
    if fs::write(inner.join("probe"), b"").is_ok() {
        // The superuser may write everywhere.
        return;
    }
    let error = Store::open(&path).unwrap_err();
    assert!(error.to_string().contains("get the right to write there"), "{error}");
    Model::of(&small_log()).assert_same(&Store::open_reader(&path).unwrap(), "log");
    let error = Store::open(inner.join("new")).unwrap_err();
    assert!(matches!(error, OpenError::Io { .. }), "{error}");
    let error = Store::open_or_rebuild(inner.join("zeros"), "test").unwrap_err();
    assert!(matches!(error, OpenError::SetAside { .. }), "{error}");
    permit(&path, 0o600);
    permit(&inner, 0o700);
    assert!(fs::read(inner.join("zeros")).unwrap().len() == 1 << 20);
    Model::of(&small_log()).assert_same(&Store::open(&path).unwrap(), "log");
    let (_, opened) = Store::open_or_rebuild(inner.join("zeros"), "test").unwrap();
    assert!(matches!(opened, rollfold_projector::Opened::SetAside { .. }));
}
