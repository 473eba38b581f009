//! Homes with everything in them that real ones have.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use rollfold_projector::{Form, Home, HomeError, NameEntry, Names, Resolve, StrayReason};
use tempfile::TempDir;

const THREAD: &str = "019bb0c0-0000-7000-8000-000000000001";
const SEGMENT: &str = "019bb0c0-0000-7000-8000-00000000000b";
const META: &str =
    "{\"timestamp\":\"2026-03-01T10:00:00.000Z\",\"type\":\"session_meta\",\"payload\":{}}\n";

fn write(path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
    let path = path.as_ref();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// TORTURE 23 and the row of stray files: one bad entry costs one line of the report.
#[test]
fn everything_found_is_a_rollout_or_says_why_not() {
    let dir = TempDir::new().unwrap();
    let home = Home::at(dir.path());
    let day = home.sessions_dir().join("2026/03/01");
    let name = format!("rollout-2026-03-01T10-00-00-{THREAD}");
    let segment = format!("rollout-2026-03-02T10-00-00-{THREAD}_{SEGMENT}");
    write(day.join(format!("{name}.jsonl")), META);
    write(day.join(format!("{name}.jsonl.zst")), "x");
    write(day.join(format!("{name} (1).jsonl")), "");
    write(day.join("copy of it.jsonl"), META);
    write(day.join("notes.txt"), "x");
    write(day.join("rollout-compress-1.tmp"), "x");
    fs::create_dir_all(day.join("rollout-a.jsonl")).unwrap();
    write(home.sessions_dir().join(format!("2025/01/01/{name}.jsonl")), META);
    write(home.archived_dir().join(format!("{segment}.jsonl.zst")), "x");
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        symlink(day.join("gone.jsonl"), day.join("dangling.jsonl")).unwrap();
        symlink(day.join(format!("{name}.jsonl")), day.join("link.jsonl")).unwrap();
        symlink(home.sessions_dir(), day.join("loop")).unwrap();
        let outside = dir.path().join("elsewhere");
        write(outside.join("far.jsonl"), META);
        symlink(&outside, day.join("far")).unwrap();
        symlink(&outside, day.join("far again")).unwrap();
    }
    let scan = home.scan().unwrap();

    let at = |path: &Path| path.strip_prefix(dir.path()).unwrap().to_str().unwrap().to_owned();
    let files: BTreeMap<String, _> = (scan.files.iter())
        .map(|it| (at(&it.path), (it.form, it.name.is_some(), it.is_archived, it.is_in_place)))
        .collect();
    let mut expected = BTreeMap::from([
        (format!("sessions/2026/03/01/{name}.jsonl"), (Form::Both, true, false, true)),
        (format!("sessions/2025/01/01/{name}.jsonl"), (Form::Plain, true, false, false)),
        ("sessions/2026/03/01/copy of it.jsonl".into(), (Form::Plain, false, false, false)),
        (format!("archived_sessions/{segment}.jsonl"), (Form::Compressed, true, true, true)),
    ]);
    let folder = "sessions/2026/03/01";
    let mut strays = BTreeMap::from([
        (format!("{folder}/{name} (1).jsonl"), "has no bytes"),
        (format!("{folder}/notes.txt"), "is no rollout by its name"),
        (
            format!("{folder}/rollout-compress-1.tmp"),
            "is a file in the making, or left over from one",
        ),
        (format!("{folder}/rollout-a.jsonl"), "is a folder with the name of a rollout"),
    ]);
    if cfg!(unix) {
        expected.insert(format!("{folder}/far/far.jsonl"), (Form::Plain, false, false, false));
        strays.insert(format!("{folder}/dangling.jsonl"), "is a link to ");
        strays.insert(format!("{folder}/link.jsonl"), "is a link to ");
        strays.insert(format!("{folder}/loop"), "is a link to ");
        strays.insert(format!("{folder}/far again"), "is a link to ");
        // Which of two equal links is entered depends on the order the system lists them in.
        if files.contains_key(&format!("{folder}/far again/far.jsonl")) {
            let far = expected.remove(&format!("{folder}/far/far.jsonl")).unwrap();
            expected.insert(format!("{folder}/far again/far.jsonl"), far);
            strays.remove(&format!("{folder}/far again"));
            strays.insert(format!("{folder}/far"), "is a link to ");
        }
    }
    assert_eq!(files, expected);
    let found: BTreeMap<_, _> =
        scan.strays.iter().map(|stray| (at(&stray.path), stray.reason.to_string())).collect();
    assert_eq!(found.keys().collect::<BTreeSet<_>>(), strays.keys().collect());
    for (path, reason) in &strays {
        assert!(found[path].starts_with(reason), "{path} {}", found[path]);
    }
    if cfg!(unix) {
        let is_dangling =
            |it: &&rollfold_projector::Stray| matches!(it.reason, StrayReason::DanglingLink(_));
        assert_eq!(scan.strays.iter().filter(is_dangling).count(), 1);
    }

    assert_eq!(scan.of_thread(THREAD).count(), 3);
    let first = scan.by_last_id(THREAD).unwrap();
    assert!(first.is_in_place && first.form == Form::Both, "{first:?}");
    assert!(scan.by_last_id(SEGMENT).unwrap().is_archived);
    assert_eq!(scan.find(THREAD).unwrap().unwrap().key(), name);
    assert!(scan.find("019bb0c0-0000-7000-8000-0000000000ff").unwrap().is_none());
}

#[test]
fn homes_that_are_none_say_so() {
    let dir = TempDir::new().unwrap();
    let missing = Home::at(dir.path().join("none")).scan().unwrap_err();
    assert!(matches!(missing, HomeError::Missing { .. }), "{missing}");
    write(dir.path().join("file"), "x");
    let file = Home::at(dir.path().join("file")).scan().unwrap_err();
    assert!(matches!(file, HomeError::NoFolder { .. }), "{file}");
    assert_eq!(Home::at(dir.path()).scan().unwrap(), Default::default());
}

#[cfg(unix)]
#[test]
fn unreadable_folders_cost_one_stray() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TempDir::new().unwrap();
    let home = Home::at(dir.path());
    let day = home.sessions_dir().join("2026/03/01");
    write(day.join(format!("rollout-2026-03-01T10-00-00-{THREAD}.jsonl")), META);
    let closed = home.sessions_dir().join("2026/04");
    fs::create_dir_all(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    let is_root = fs::read_dir(&closed).is_ok();
    let scan = home.scan().unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(scan.files.len(), 1);
    // Nothing is closed to the superuser.
    assert_eq!(scan.strays.len(), usize::from(!is_root));
}

#[test]
fn newest_name_counts_and_a_cleared_one_stays_cleared() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("session_index.jsonl");
    assert_eq!(Names::read(&path).unwrap(), Names::default());
    let entry = |id: &str, name: &str| NameEntry {
        id: id.into(),
        thread_name: name.into(),
        updated_at: "2026-03-01T10:00:00Z".into(),
    };
    let other = THREAD.replace('1', "2");
    Names::append(&path, &entry(THREAD, "one")).unwrap();
    // A writer was cut off, and somebody wrote something else.
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend(b"{\"id\":\"x\"}\nnot json\n\n{\"id\":\"");
    fs::write(&path, &bytes).unwrap();
    Names::append(&path, &entry(&other, "two")).unwrap();
    Names::append(&path, &entry(&THREAD.to_uppercase(), " three ")).unwrap();
    let names = Names::read(&path).unwrap();
    assert_eq!((names.name(THREAD), names.name(&other)), (Some("three"), Some("two")));
    assert_eq!(names.len_unread, 3);
    assert_eq!(names.threads("two").collect::<Vec<_>>(), [&*other]);
    assert_eq!(names.threads("one").count(), 0);

    Names::append(&path, &entry(&other, "")).unwrap();
    assert_eq!(Names::read(&path).unwrap().name(&other), None);

    let before = fs::read(&path).unwrap();
    let none = BTreeSet::from(["019bb0c0-0000-7000-8000-0000000000ff"]);
    assert_eq!(Names::remove(&path, &none).unwrap(), 0);
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(Names::remove(&path, &BTreeSet::from([THREAD])).unwrap(), 2);
    let names = Names::read(&path).unwrap();
    assert_eq!((names.name(THREAD), names.entries().count(), names.len_unread), (None, 1, 3));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}
