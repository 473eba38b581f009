//! Putting threads away and getting them back: all forms and segments of a thread together.

use std::path::PathBuf;
use std::time::SystemTime;

use super::PROGRAM;
use super::aside::{Aside, LINGER};
use super::disk;
use super::relocate::{Relocated, is_same, relocate};
use super::select::{Piece, check_inside, pieces, subtree};
use super::steps::Steps;
use crate::error::{FileError, MoveError, OnFile, SelectError};
use crate::home::{Home, Scan};
use crate::lock::ThreadLock;

/// The threads that a thread spawned, by its id.
pub type Children<'c> = &'c dyn Fn(&str) -> Vec<String>;

/// What is moved, and how.
#[derive(Clone, Copy)]
pub struct MoveOptions<'o> {
    /// Which threads a thread spawned, if those are to be moved with it.
    pub children: Option<Children<'o>>,
    /// Only says what would happen.
    pub is_dry_run: bool,
}

/// Where to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Archive,
    Unarchive,
}

/// One file that is moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedFile {
    /// Where it was.
    pub from: PathBuf,
    /// Where it is.
    pub to: PathBuf,
    /// How it was moved; none in a dry run.
    pub how: Option<Relocated>,
}

/// What became of one thread.
#[derive(Debug)]
pub struct MovedThread {
    /// The thread.
    pub thread_id: String,
    /// Its files that were moved; none if all were there already.
    pub files: Vec<MovedFile>,
    /// Why a descendant's files were not, or not all, moved.
    pub problem: Option<MoveError>,
}

/// Puts a thread away, and the threads it spawned, the last ones first after itself (R285, R287).
/// All files of a thread move together, to `archived_sessions`; their content and their times stay
/// as they are. What is there already is left there.
///
/// # Errors
/// When the thread itself cannot be moved; what goes wrong with one that it spawned is told of that
/// one.
pub fn archive(
    home: &Home,
    thread_id: &str,
    options: &MoveOptions<'_>,
) -> Result<Vec<MovedThread>, MoveError> {
    archive_with(home, thread_id, options, Steps::default())
}

/// As [`archive`], with somebody in between.
///
/// # Errors
/// As [`archive`].
pub fn archive_with(
    home: &Home,
    thread_id: &str,
    options: &MoveOptions<'_>,
    steps: Steps<'_>,
) -> Result<Vec<MovedThread>, MoveError> {
    Mover { home, options, steps, direction: Direction::Archive }.run(thread_id)
}

/// Gets a thread back to `sessions`, each file into the folder of the date in its name (R236). The
/// reference gives it the time of now, so that it seems just updated (R288); here it keeps its own.
/// The threads it spawned stay put away unless they are asked for.
///
/// # Errors
/// As [`archive`].
pub fn unarchive(
    home: &Home,
    thread_id: &str,
    options: &MoveOptions<'_>,
) -> Result<Vec<MovedThread>, MoveError> {
    unarchive_with(home, thread_id, options, Steps::default())
}

/// As [`unarchive`], with somebody in between.
///
/// # Errors
/// As [`unarchive`].
pub fn unarchive_with(
    home: &Home,
    thread_id: &str,
    options: &MoveOptions<'_>,
    steps: Steps<'_>,
) -> Result<Vec<MovedThread>, MoveError> {
    Mover { home, options, steps, direction: Direction::Unarchive }.run(thread_id)
}

struct Mover<'m> {
    home: &'m Home,
    options: &'m MoveOptions<'m>,
    steps: Steps<'m>,
    direction: Direction,
}

impl Mover<'_> {
    fn run(&self, thread_id: &str) -> Result<Vec<MovedThread>, MoveError> {
        let thread_id = thread_id.to_ascii_lowercase();
        let mut scan = self.home.scan().map_err(SelectError::from)?;
        if pieces(self.home, &scan, &thread_id).is_empty() {
            let home = self.home.root().to_owned();
            return Err(SelectError::Unknown { thread_id, home }.into());
        }
        let order = match self.options.children {
            Some(children) => subtree(&thread_id, children),
            None => vec![thread_id],
        };
        if !self.options.is_dry_run && self.tend(&scan, &order)? {
            scan = self.home.scan().map_err(SelectError::from)?;
        }
        let mut moved = Vec::new();
        let mut threads = order.into_iter();
        if let Some(thread_id) = threads.next() {
            let mut files = Vec::new();
            self.thread(&scan, &thread_id, &mut files)?;
            moved.push(MovedThread { thread_id, files, problem: None });
        }
        for thread_id in threads.rev() {
            let mut files = Vec::new();
            let problem = self.thread(&scan, &thread_id, &mut files).err();
            if !files.is_empty() || problem.is_some() {
                moved.push(MovedThread { thread_id, files, problem });
            }
        }
        Ok(moved)
    }

    /// Does what operations on these threads have left to do that did not end; false if nothing.
    fn tend(&self, scan: &Scan, threads: &[String]) -> Result<bool, FileError> {
        let mut is_any = false;
        for aside in scan.strays.iter().filter_map(|stray| Aside::parse(&stray.path)) {
            if aside.thread_id().is_some_and(|thread| threads.contains(&thread)) {
                aside.tend(self.home, LINGER, SystemTime::now(), self.steps)?;
                is_any = true;
            }
        }
        Ok(is_any)
    }

    fn thread(
        &self,
        scan: &Scan,
        thread_id: &str,
        moved: &mut Vec<MovedFile>,
    ) -> Result<(), MoveError> {
        let is_due = |piece: &Piece| piece.is_archived == (self.direction == Direction::Unarchive);
        let mut due = pieces(self.home, scan, thread_id);
        due.retain(|piece| is_due(piece) && piece.is_log);
        check_inside(self.home, &due)?;
        let mut planned: Vec<(&Piece, PathBuf)> = Vec::new();
        for piece in &due {
            let to = self.target(piece);
            let other = planned.iter().find(|(_, planned)| *planned == to);
            let other = other.map(|(other, _)| &other.path);
            let is_taken = disk::is_there(&to).on(&to, "looked at")?;
            for occupant in other.into_iter().chain(is_taken.then_some(&to)) {
                if !is_same(&piece.path, occupant)? {
                    return Err(MoveError::Occupied { from: piece.path.clone(), to });
                }
            }
            planned.push((piece, to));
        }
        if planned.is_empty() {
            return Ok(());
        }
        let _lock = match self.options.is_dry_run {
            true => None,
            false => {
                let lock = ThreadLock::acquire(self.home, thread_id, PROGRAM);
                Some(lock.map_err(SelectError::from)?)
            }
        };
        for (piece, to) in planned {
            let how = match self.options.is_dry_run {
                true => None,
                false => Some(relocate(&piece.path, &to, self.steps)?),
            };
            moved.push(MovedFile { from: piece.path.clone(), to, how });
        }
        Ok(())
    }

    fn target(&self, piece: &Piece) -> PathBuf {
        let folder = match self.direction {
            Direction::Archive => self.home.archived_dir(),
            Direction::Unarchive => self.home.dated_dir(&piece.name),
        };
        folder.join(piece.path.file_name().unwrap_or_default())
    }
}
