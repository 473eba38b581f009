//! Which files are a thread's, and whether something may be done with them.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::aside::Aside;
use super::disk;
use crate::error::{OnFile, SelectError};
use crate::home::{Form, Home, Scan, StrayReason};
use crate::source::{RolloutName, is_id};

/// The thread that a text means: its id, or the path of one of its files in this home. What the
/// path looks like does not matter, only where it leads to and how the file there is named.
///
/// # Errors
/// When it is neither.
pub fn thread_id_of(home: &Home, text: &str) -> Result<String, SelectError> {
    if is_id(text) {
        return Ok(text.to_ascii_lowercase());
    }
    let path = || PathBuf::from(text);
    let real = match disk::real_path(Path::new(text)) {
        Ok(real) => real,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(SelectError::NoId { text: text.to_owned() });
        }
        real => real.on(&path(), "looked at")?,
    };
    if real.is_dir() {
        return Err(SelectError::Folder { path: path() });
    }
    let name = real.file_name().and_then(|name| RolloutName::parse(name.to_str()?));
    let Some(name) = name else { return Err(SelectError::OtherName { path: path() }) };
    let roots = [home.sessions_dir(), home.archived_dir()];
    let is_in = |root: &PathBuf| disk::real_path(root).is_ok_and(|root| real.starts_with(root));
    match roots.iter().any(is_in) {
        true => Ok(name.thread_id().to_ascii_lowercase()),
        false => Err(SelectError::Outside { path: path(), root: home.root().to_owned() }),
    }
}

/// One file of a thread, in whatever form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Piece {
    pub(crate) path: PathBuf,
    pub(crate) name: RolloutName,
    pub(crate) is_archived: bool,
    /// What a log's bytes are in, not a link or an empty file of its name.
    pub(crate) is_log: bool,
}

/// All files of a thread: its first one and its segments, in both forms and under hidden names, and
/// what else has such a name.
pub(crate) fn pieces(home: &Home, scan: &Scan, thread_id: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for found in scan.of_thread(thread_id) {
        let Some(name) = &found.name else { continue };
        let forms: &[PathBuf] = &match found.form {
            Form::Plain => vec![found.path.clone()],
            Form::Compressed => vec![found.packed_path()],
            // The one that counts goes first: what is left is then never taken for the log.
            Form::Both => vec![found.path.clone(), found.packed_path()],
        };
        pieces.extend(forms.iter().map(|path| Piece {
            path: path.clone(),
            name: name.clone(),
            is_archived: found.is_archived,
            is_log: true,
        }));
    }
    let archived = home.archived_dir();
    for stray in &scan.strays {
        let aside = Aside::parse(&stray.path);
        let named = aside.as_ref().map_or(stray.path.as_path(), Aside::plain);
        let is_ours = aside.is_some()
            || matches!(
                stray.reason,
                StrayReason::Empty | StrayReason::DanglingLink(_) | StrayReason::LinkInside(_)
            );
        let name = named.file_name().and_then(|name| RolloutName::parse(name.to_str()?));
        let name = name.filter(|name| name.thread_id().eq_ignore_ascii_case(thread_id));
        if let Some(name) = name.filter(|_| is_ours) {
            let is_archived = stray.path.starts_with(&archived);
            let path = stray.path.clone();
            pieces.push(Piece { path, name, is_archived, is_log: aside.is_some() });
        }
    }
    pieces
}

/// Whether all of these lie where they seem to (R285): not through a link that leads elsewhere.
pub(crate) fn check_inside(home: &Home, pieces: &[Piece]) -> Result<(), SelectError> {
    let mut roots: [Option<(PathBuf, PathBuf)>; 2] = [None, None];
    for piece in pieces {
        let [active, archived] = &mut roots;
        let (root, known) = match piece.is_archived {
            true => (home.archived_dir(), archived),
            false => (home.sessions_dir(), active),
        };
        if known.is_none() {
            let real = disk::real_path(&root).on(&root, "looked at")?;
            *known = Some((root.clone(), real));
        }
        // Of what is no log only the name goes, whatever it leads to.
        let path = if piece.is_log { &piece.path } else { disk::folder_of(&piece.path) };
        let real = disk::real_path(path).on(path, "looked at")?;
        if !known.as_ref().is_some_and(|(_, inside)| real.starts_with(inside)) {
            return Err(SelectError::Outside { path: piece.path.clone(), root });
        }
    }
    Ok(())
}

/// A thread and its descendants, each before those that it spawned, each once, whatever circles
/// the relation has.
pub(crate) fn subtree(root: &str, children: &dyn Fn(&str) -> Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::from([root.to_owned()]);
    let mut order = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(thread) = open.pop() {
        let spawned = children(&thread);
        order.push(thread);
        for child in spawned.into_iter().rev() {
            let child = child.to_ascii_lowercase();
            if seen.insert(child.clone()) {
                open.push(child);
            }
        }
    }
    order
}
