//! What lies in a home: every file below its two folders is a rollout or says why not.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::Home;
use crate::disk::{FileSource, identity_of, key_of, nanoseconds};
use crate::source::{Identity, LogSource, Resolve, RolloutName};

/// Folders below one another that are entered.
const DEPTH_MAX: u32 = 16;

/// In which form a rollout is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// As it is written.
    Plain,
    /// As one or more zstd frames.
    Compressed,
    /// Both; the plain one counts (R242).
    Both,
}

/// A rollout file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where its plain form is, or would be.
    pub path: PathBuf,
    /// In which form it is there.
    pub form: Form,
    /// The key by which a store knows it.
    pub key: String,
    /// Its name, if that is a rollout's in full; a copy by another name has none.
    pub name: Option<RolloutName>,
    /// Whether it was put away.
    pub is_archived: bool,
    /// Whether it lies in the folder that its name belongs in; another one is no fault.
    pub is_in_place: bool,
    /// What the system says of the form that counts.
    pub identity: Identity,
}

impl Found {
    /// Where the form is that counts.
    #[must_use]
    pub fn file_path(&self) -> PathBuf {
        match self.form {
            Form::Plain | Form::Both => self.path.clone(),
            Form::Compressed => packed(&self.path),
        }
    }

    /// Where the compressed form is, or would be.
    #[must_use]
    pub fn packed_path(&self) -> PathBuf {
        packed(&self.path)
    }
}

fn packed(path: &Path) -> PathBuf {
    let mut packed = path.as_os_str().to_owned();
    packed.push(".zst");
    packed.into()
}

/// Something among the rollouts that is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    /// Where it is.
    pub path: PathBuf,
    /// What it is.
    pub reason: StrayReason,
}

/// What a stray entry is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StrayReason {
    /// A rollout's name, but no bytes.
    #[error("has no bytes")]
    Empty,
    /// A link to something that is not there.
    #[error("is a link to {}, which is not there", .0.display())]
    DanglingLink(PathBuf),
    /// A link to a file or folder that is found under its own path.
    #[error("is a link to {}, which is found itself", .0.display())]
    LinkInside(PathBuf),
    /// What a writer or compressor was making.
    #[error("is a file in the making, or left over from one")]
    Temporary,
    /// Neither ends in `.jsonl` nor in `.jsonl.zst`.
    #[error("is no rollout by its name")]
    OtherFile,
    /// A folder with the name of a rollout.
    #[error("is a folder with the name of a rollout")]
    Folder,
    /// Neither a file nor a folder.
    #[error("is a pipe, a device or the like")]
    NoFile,
    /// Folders are nested too deeply.
    #[error("lies too deep to be entered")]
    TooDeep,
    /// The system does not let it be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
}

/// What was found in a home.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scan {
    /// The rollouts, by path.
    pub files: Vec<Found>,
    /// All else, by path.
    pub strays: Vec<Stray>,
}

impl Scan {
    /// The files whose names say that they are of this thread: its first file and its segments, in
    /// the order of their names, and copies of them.
    pub fn of_thread(&self, thread_id: &str) -> impl Iterator<Item = &Found> {
        let is_of = move |found: &&Found| {
            found.name.as_ref().is_some_and(|name| name.thread_id().eq_ignore_ascii_case(thread_id))
        };
        self.files.iter().filter(is_of)
    }

    /// The file that is read of each log, by key. Of copies under one name that is the one with
    /// most bytes, the plain form before the compressed; of equal ones the one that was not
    /// archived, then the one in its place, then the first by path.
    #[must_use]
    pub fn logs(&self) -> BTreeMap<&str, &Found> {
        let worth = |found: &Found| {
            let is_packed = found.form == Form::Compressed;
            let len_bytes = std::cmp::Reverse(found.identity.len_bytes);
            (is_packed, len_bytes, found.is_archived, !found.is_in_place)
        };
        let mut logs: BTreeMap<&str, &Found> = BTreeMap::new();
        for found in &self.files {
            let read = logs.entry(&found.key).or_insert(found);
            if worth(found) < worth(read) {
                *read = found;
            }
        }
        logs
    }

    /// The file whose name ends in this id: of a thread's first file its own, of a later one that
    /// of the segment. Of copies the one that is not archived, then the one in its place.
    #[must_use]
    pub fn by_last_id(&self, id: &str) -> Option<&Found> {
        let is_named = |found: &&Found| {
            let name = found.name.as_ref();
            let last = name.map(|name| name.segment_id().unwrap_or_else(|| name.thread_id()));
            last.is_some_and(|last| last.eq_ignore_ascii_case(id))
        };
        let named = self.files.iter().filter(is_named);
        named.min_by_key(|found| (found.is_archived, !found.is_in_place))
    }
}

impl Resolve for Scan {
    fn find(&self, id: &str) -> io::Result<Option<Box<dyn LogSource>>> {
        let Some(found) = self.by_last_id(id) else { return Ok(None) };
        let source = FileSource::open(&found.path).map_err(io::Error::other)?;
        Ok(Some(Box::new(source)))
    }
}

/// Looks at everything below the two folders of a home.
pub(super) fn scan(home: &Home) -> Scan {
    let roots = [(home.sessions_dir(), false), (home.archived_dir(), true)];
    let inside: Vec<PathBuf> =
        roots.iter().filter_map(|(root, _)| fs::canonicalize(root).ok()).collect();
    let mut walk = Walk {
        inside,
        now_ns: nanoseconds(SystemTime::now()),
        entered: BTreeSet::new(),
        scan: Scan::default(),
    };
    for (root, is_archived) in &roots {
        // One folder that is a link to the other would count everything twice.
        match fs::canonicalize(root) {
            Ok(real) if walk.entered.insert(real.clone()) => {
                walk.folder(root, &Root { path: root, is_archived: *is_archived }, 0);
            }
            Ok(real) => walk.stray(root.clone(), StrayReason::LinkInside(real)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if let Ok(target) = fs::read_link(root) {
                    walk.stray(root.clone(), StrayReason::DanglingLink(target));
                }
            }
            Err(error) => walk.stray(root.clone(), StrayReason::Unreadable(error.to_string())),
        }
    }
    let mut scan = walk.scan;
    scan.files.sort_by(|one, other| one.path.cmp(&other.path).then(one.form.cmp(&other.form)));
    join_forms(&mut scan.files);
    scan.strays.sort_by(|one, other| one.path.cmp(&other.path));
    scan
}

/// Of a rollout that is there in both forms, what was found of the plain one is kept.
fn join_forms(files: &mut Vec<Found>) {
    files.dedup_by(|next, kept| {
        let is_same = next.path == kept.path;
        if is_same {
            kept.form = Form::Both;
        }
        is_same
    });
}

struct Root<'r> {
    path: &'r Path,
    is_archived: bool,
}

struct Walk {
    /// The folders that are looked at in any case, by their real paths.
    inside: Vec<PathBuf>,
    now_ns: Option<i128>,
    /// Real paths of the folders that were entered by links, and of the roots.
    entered: BTreeSet<PathBuf>,
    scan: Scan,
}

impl Walk {
    fn stray(&mut self, path: PathBuf, reason: StrayReason) {
        self.scan.strays.push(Stray { path, reason });
    }

    fn folder(&mut self, path: &Path, root: &Root<'_>, depth: u32) {
        let unreadable = |error: io::Error| StrayReason::Unreadable(error.to_string());
        if depth > DEPTH_MAX {
            return self.stray(path.to_owned(), StrayReason::TooDeep);
        }
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => return self.stray(path.to_owned(), unreadable(error)),
        };
        for entry in entries {
            match entry {
                Ok(entry) => self.entry(&entry, root, depth),
                Err(error) => self.stray(path.to_owned(), unreadable(error)),
            }
        }
    }

    fn entry(&mut self, entry: &fs::DirEntry, root: &Root<'_>, depth: u32) {
        let path = entry.path();
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        let metadata = if is_link { fs::metadata(&path) } else { entry.metadata() };
        let metadata = match metadata {
            Ok(metadata) => metadata,
            // Between listing and looking it went: that is as if it had never been there.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !is_link => return,
            Err(error) => {
                let reason = match fs::read_link(&path) {
                    Ok(target) if error.kind() == io::ErrorKind::NotFound => {
                        StrayReason::DanglingLink(target)
                    }
                    _ => StrayReason::Unreadable(error.to_string()),
                };
                return self.stray(path, reason);
            }
        };
        if is_link && let Ok(real) = fs::canonicalize(&path) {
            let is_inside = self.inside.iter().any(|root| real.starts_with(root));
            if is_inside || (metadata.is_dir() && !self.entered.insert(real.clone())) {
                return self.stray(path, StrayReason::LinkInside(real));
            }
        }
        if metadata.is_dir() {
            return match kind_of(&path) {
                FileKind::Rollout { .. } => self.stray(path, StrayReason::Folder),
                _ => self.folder(&path, root, depth + 1),
            };
        }
        self.file(path, &metadata, root);
    }

    fn file(&mut self, path: PathBuf, metadata: &Metadata, root: &Root<'_>) {
        let is_packed = match kind_of(&path) {
            FileKind::Rollout { is_packed } => is_packed,
            FileKind::Temporary => return self.stray(path, StrayReason::Temporary),
            FileKind::Other => return self.stray(path, StrayReason::OtherFile),
        };
        if !metadata.is_file() {
            return self.stray(path, StrayReason::NoFile);
        }
        if metadata.len() == 0 {
            return self.stray(path, StrayReason::Empty);
        }
        let (path, form) = match is_packed {
            true => (path.with_extension(""), Form::Compressed),
            false => (path, Form::Plain),
        };
        let name = path.file_name().and_then(|name| RolloutName::parse(name.to_str()?));
        let belongs = match &name {
            Some(_) if root.is_archived => Some(root.path.to_owned()),
            Some(name) => {
                let (year, month, day) = name.date();
                Some(root.path.join(year).join(month).join(day))
            }
            None => None,
        };
        self.scan.files.push(Found {
            key: std::path::absolute(&path).map_or_else(|_| key_of(&path), |path| key_of(&path)),
            is_in_place: belongs.as_deref() == path.parent(),
            is_archived: root.is_archived,
            identity: identity_of(metadata).seen_at(self.now_ns),
            name,
            form,
            path,
        });
    }
}

enum FileKind {
    Rollout { is_packed: bool },
    Temporary,
    Other,
}

/// What a file is by its name. Any `.jsonl` counts: a rollout that was copied or renamed by hand
/// is one still.
fn kind_of(path: &Path) -> FileKind {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    if name.ends_with(b".tmp") || name.ends_with(b".aside") {
        return FileKind::Temporary;
    }
    let is_packed = name.ends_with(b".jsonl.zst");
    match is_packed || name.ends_with(b".jsonl") {
        true => FileKind::Rollout { is_packed },
        false => FileKind::Other,
    }
}
