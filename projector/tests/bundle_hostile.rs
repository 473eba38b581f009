//! Bundles that somebody made to do harm, or that got damaged: all are refused, and change nothing.

use std::fs;
use std::path::PathBuf;

use rollfold_projector::{
    BundleProblem, ExportOptions, Home, ImportError, ImportOptions, ImportedAs, export, import,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{days_old, tree};

const THREAD: &str = "019bb0c0-0000-7000-8000-000000000001";
const LOG: &[u8] = b"{\"timestamp\":\"2026-03-01T10:00:00.000Z\",\"type\":\"x\",\"payload\":{}}\n";

fn name() -> String {
    format!("rollout-2026-03-01T10-00-00-{THREAD}.jsonl")
}

/// A home with something in it that nobody may touch.
struct Place {
    folder: TempDir,
    home: Home,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path().join("home"));
        let other = name().replace("0001.jsonl", "0002.jsonl");
        days_old(&home.sessions_dir().join("2026/03/01").join(other), LOG, 1);
        fs::write(folder.path().join("precious"), "x").unwrap();
        Self { folder, home }
    }

    fn bundle(&self) -> PathBuf {
        self.folder.path().join("bundle")
    }

    /// Tries a bundle; a refusal must have changed nothing.
    fn try_import(&self, bundle: &[u8]) -> Result<ImportedAs, ImportError> {
        fs::write(self.bundle(), bundle).unwrap();
        let before = tree(self.folder.path());
        let options = ImportOptions { bytes_max: 1_000_000, ..ImportOptions::default() };
        let imported = import(&self.home, self.bundle(), &options);
        if imported.is_err() {
            assert!(tree(self.folder.path()) == before, "something was changed");
            assert!(!self.home.root().join(".tmp").exists());
        }
        imported.map(|imported| imported.outcome)
    }

    fn problem(&self, bundle: &[u8]) -> BundleProblem {
        match self.try_import(bundle).unwrap_err() {
            ImportError::Bundle { problem, .. } => problem,
            other => panic!("{other}"),
        }
    }
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

fn listed(name: &str, bytes: &[u8]) -> Value {
    json!({
        "name": name,
        "isArchived": false,
        "modifiedUnixMs": 1_700_000_000_000_u64,
        "lenBytes": bytes.len(),
        "packedBytes": packed(bytes).len(),
        "blake3": blake3::hash(bytes).to_hex().to_string(),
    })
}

/// A bundle whose digests are all right, whatever it says.
fn bundle(logs: &[Value], frames: &[Vec<u8>]) -> Vec<u8> {
    let manifest = json!({"threadId": THREAD, "logs": logs}).to_string();
    with_list(manifest.as_bytes(), frames)
}

fn with_list(list: &[u8], frames: &[Vec<u8>]) -> Vec<u8> {
    let mut bundle = b"rollfold\x01\0\0\0".to_vec();
    frames.iter().for_each(|frame| bundle.extend(frame));
    bundle.extend(list);
    bundle.extend(blake3::hash(list).as_bytes());
    bundle.extend((list.len() as u64).to_le_bytes());
    bundle.extend(b"dlofllor");
    bundle
}

fn honest() -> Vec<u8> {
    bundle(&[listed(&name(), LOG)], &[packed(LOG)])
}

#[test]
fn an_honest_bundle_is_taken_in() {
    let place = Place::new();
    assert_eq!(place.try_import(&honest()).unwrap(), ImportedAs::New);
    let log = place.home.sessions_dir().join("2026/03/01").join(name());
    assert_eq!(fs::read(log).unwrap(), LOG);
}

#[test]
fn names_that_are_no_rollouts_names_are_refused() {
    let place = Place::new();
    let name = name();
    for bad in [
        "../../precious".to_owned(),
        format!("../{name}"),
        format!("/tmp/{name}"),
        format!("a/{name}"),
        format!("a\\{name}"),
        format!("C:{name}"),
        format!("C:\\{name}"),
        format!("\\\\?\\C:\\{name}"),
        format!("{name}/"),
        format!("{name}."),
        format!("{name} "),
        format!("{name}\0"),
        format!("{name}:stream"),
        format!("{name}.zst"),
        format!("{name}.zst.zst"),
        name.replace("2026-03-01", "../../..1"),
        name.replace("jsonl", "jsonl/../x.jsonl"),
        "CON".into(),
        "nul.jsonl".into(),
        "AUX.jsonl".into(),
        "session_index.jsonl".into(),
        ".".into(),
        String::new(),
    ] {
        let problem = place.problem(&bundle(&[listed(&bad, LOG)], &[packed(LOG)]));
        assert!(matches!(problem, BundleProblem::Name { .. }), "{bad:?}: {problem}");
    }
}

#[test]
fn one_name_twice_is_refused() {
    let place = Place::new();
    for other in [name(), name().replace("019bb", "019BB")] {
        let logs = [listed(&name(), LOG), listed(&other, b"another\n")];
        let problem = place.problem(&bundle(&logs, &[packed(LOG), packed(b"another\n")]));
        assert!(matches!(problem, BundleProblem::Duplicate { .. }), "{problem}");
    }
}

#[test]
fn more_than_is_said_or_taken_in_is_refused() {
    let place = Place::new();
    // A thousand times as much as it is said to have.
    let bomb = vec![b'\n'; 900_000];
    let mut log = listed(&name(), &bomb);
    log["lenBytes"] = json!(900);
    let problem = place.problem(&bundle(&[log.clone()], &[packed(&bomb)]));
    assert!(matches!(problem, BundleProblem::Length { declared: 900, .. }), "{problem}");
    log["lenBytes"] = json!(999_999);
    let problem = place.problem(&bundle(&[log.clone()], &[packed(&bomb)]));
    assert!(matches!(problem, BundleProblem::Length { .. }), "{problem}");
    // More than is taken in, alone or together, and so much that it cannot be added up.
    for len in [1_000_001, u64::MAX] {
        log["lenBytes"] = json!(len);
        let problem = place.problem(&bundle(&[log.clone()], &[packed(&bomb)]));
        assert!(matches!(problem, BundleProblem::TooMuch { .. }), "{problem}");
    }
    let (one, other) = (name(), name().replace("0001.jsonl", "0009.jsonl"));
    let logs = [listed(&one, &vec![b'x'; 600_000]), listed(&other, &vec![b'y'; 600_000])];
    let frames = [packed(&vec![b'x'; 600_000]), packed(&vec![b'y'; 600_000])];
    let problem = place.problem(&bundle(&logs, &frames));
    assert!(matches!(problem, BundleProblem::TooMuch { .. }), "{problem}");
    // A frame that wants a window of gigabytes.
    let mut encoder = zstd::stream::Encoder::new(Vec::new(), 3).unwrap();
    encoder.window_log(27).unwrap();
    std::io::Write::write_all(&mut encoder, LOG).unwrap();
    let frame = encoder.finish().unwrap();
    let mut log = listed(&name(), LOG);
    log["packedBytes"] = json!(frame.len());
    let problem = place.problem(&bundle(&[log], &[frame]));
    assert!(matches!(problem, BundleProblem::Undecodable { .. }), "{problem}");
}

/// Names of threads that the bundle has not, over and over, or without end.
#[test]
fn names_are_taken_for_the_bundles_own_threads_only_and_once() {
    let place = Place::new();
    let stranger = THREAD.replace("0001", "0002");
    let list = |names: &[(&str, &str)]| {
        let entry = |(id, name): &(&str, &str)| json!({"id": id, "thread_name": name});
        let names: Vec<Value> = names.iter().map(entry).collect();
        let list = json!({"threadId": THREAD, "logs": [listed(&name(), LOG)], "names": names});
        with_list(list.to_string().as_bytes(), &[packed(LOG)])
    };
    let problem = place.problem(&list(&[(THREAD, &"x".repeat(100_000))]));
    assert!(matches!(problem, BundleProblem::TooMuch { .. }), "{problem}");
    let names = [(&*stranger, "theirs"), (THREAD, "a\n{\"id\":1}"), (THREAD, "again")];
    assert_eq!(place.try_import(&list(&names)).unwrap(), ImportedAs::New);
    let names = fs::read_to_string(place.home.names_path()).unwrap();
    assert_eq!(names.lines().count(), 1, "{names}");
    assert_eq!(place.home.names().unwrap().name(THREAD), Some("a\n{\"id\":1}"));
}

#[test]
fn what_is_not_what_it_is_said_to_be_is_refused() {
    let place = Place::new();
    let mut other = LOG.to_vec();
    other[3] ^= 1;
    let mut log = listed(&name(), &other);
    log["packedBytes"] = json!(packed(LOG).len());
    let problem = place.problem(&bundle(&[log], &[packed(LOG)]));
    assert!(matches!(problem, BundleProblem::Digest { .. }), "{problem}");
    for (key, value) in [("packedBytes", json!(3)), ("packedBytes", json!(u64::MAX))] {
        let mut log = listed(&name(), LOG);
        log[key] = value;
        let problem = place.problem(&bundle(&[log], &[packed(LOG)]));
        assert!(matches!(problem, BundleProblem::Layout), "{problem}");
    }
    for value in [json!(-1), json!("1"), json!(1e30), Value::Null] {
        let mut log = listed(&name(), LOG);
        log["lenBytes"] = value;
        let problem = place.problem(&bundle(&[log], &[packed(LOG)]));
        assert!(matches!(problem, BundleProblem::Manifest(_)), "{problem}");
    }
    let deep = "[".repeat(100_000);
    for list in [b"".as_slice(), b"null", b"{\"logs\":", b"\xff", deep.as_bytes()] {
        let problem = place.problem(&with_list(list, &[]));
        assert!(matches!(problem, BundleProblem::Manifest(_)), "{problem}");
    }
    let problem = place.problem(b"rollfold\x02\0\0\0".repeat(9).as_slice());
    assert!(matches!(problem, BundleProblem::Version { found: 2, .. }), "{problem}");
    assert!(matches!(place.problem(b"PK\x03\x04 something"), BundleProblem::NoBundle));
    assert!(matches!(place.problem(b""), BundleProblem::NoBundle));
}

/// A list's length that leads before the file's beginning, or over its end.
#[test]
fn lengths_that_lead_elsewhere_are_refused() {
    let place = Place::new();
    let honest = honest();
    for len in [0, 1, honest.len() as u64, u64::from(u32::MAX), u64::MAX] {
        let mut bundle = honest.clone();
        let at = bundle.len() - 16;
        bundle[at..at + 8].copy_from_slice(&len.to_le_bytes());
        let problem = place.problem(&bundle);
        let is_refused = matches!(problem, BundleProblem::Layout | BundleProblem::ManifestDigest);
        assert!(is_refused, "{len}: {problem}");
    }
}

#[test]
fn a_bundle_cut_off_at_any_byte_is_refused() {
    let place = Place::new();
    let honest = honest();
    for len in 0..honest.len() {
        let problem = place.problem(&honest[..len]);
        let is_cut = matches!(problem, BundleProblem::CutOff | BundleProblem::NoBundle);
        assert!(is_cut, "{len}: {problem}");
    }
    place.problem(&[&honest[..], b"x"].concat());
}

/// Whatever byte is changed: refused, or nothing of what comes out is.
#[test]
fn a_bundle_changed_at_any_byte_is_refused_or_the_same() {
    let place = Place::new();
    let honest = honest();
    let log = place.home.sessions_dir().join("2026/03/01").join(name());
    let mut refused = 0;
    for at in 0..honest.len() {
        let mut bundle = honest.clone();
        bundle[at] ^= 1 << (at % 8);
        match place.try_import(&bundle) {
            Err(_) => refused += 1,
            Ok(outcome) => {
                assert_eq!((outcome, fs::read(&log).unwrap()), (ImportedAs::New, LOG.to_vec()));
                fs::remove_file(&log).unwrap();
                fs::remove_dir(place.home.root().join(".tmp")).unwrap();
            }
        }
    }
    assert!(refused + 8 >= honest.len(), "{refused} of {}", honest.len());
}

/// Where the home has a link to another place, a bundle does not follow it.
#[cfg(unix)]
#[test]
fn a_link_in_the_home_is_not_followed() {
    let place = Place::new();
    let outside = place.folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, place.home.sessions_dir().join("2027")).unwrap();
    let name = name().replace("2026", "2027");
    let error = place.try_import(&bundle(&[listed(&name, LOG)], &[packed(LOG)])).unwrap_err();
    assert!(matches!(error, ImportError::Select(_)), "{error}");
    assert_eq!(fs::read_dir(outside).unwrap().count(), 0);
}

/// What this program writes is laid out as these tests say.
#[test]
fn bundles_are_laid_out_like_this() {
    let place = Place::new();
    let log = place.home.sessions_dir().join("2026/03/01").join(name());
    days_old(&log, LOG, 1);
    let options = ExportOptions { children: None, is_dry_run: false };
    export(&place.home, THREAD, place.bundle(), &options).unwrap();
    let bytes = fs::read(place.bundle()).unwrap();
    let len = bytes.len();
    assert_eq!((&bytes[..12], &bytes[len - 8..]), (&b"rollfold\x01\0\0\0"[..], &b"dlofllor"[..]));
    let list_len = u64::from_le_bytes(bytes[len - 16..len - 8].try_into().unwrap()) as usize;
    let list = &bytes[len - 48 - list_len..len - 48];
    assert_eq!(blake3::hash(list).as_bytes(), &bytes[len - 48..len - 16]);
    let list: Value = serde_json::from_slice(list).unwrap();
    let mut log = list["logs"][0].clone();
    log["modifiedUnixMs"] = json!(1_700_000_000_000_u64);
    log["packedBytes"] = json!(packed(LOG).len());
    assert_eq!(log, listed(&name(), LOG));
    assert_eq!(list["threadId"], THREAD);
    fs::remove_file(place.home.sessions_dir().join("2026/03/01").join(name())).unwrap();
    assert_eq!(place.try_import(&bytes).unwrap(), ImportedAs::New);
}
