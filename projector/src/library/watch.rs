//! Following homes: what is appended is synced within a second. The system tells that something
//! changed, where it can; what changed is seen by looking, as in any sync, so that nothing told
//! twice, too late or not at all can lead astray.

use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use super::sync::{FileReport, HomesError, HomesSynced};
use super::watched::Watched;
use crate::home::{Home, HomeError};
use crate::store::Store;
use crate::sync::SyncOptions;

/// How homes are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchOptions {
    /// How their logs are synced.
    pub sync: SyncOptions,
    /// How often it looks where the system does not tell.
    pub poll: Duration,
    /// How often it looks where the system does tell, in case it did not.
    pub look: Duration,
    /// Whether the system is not asked to tell.
    pub only_polls: bool,
}

impl Default for WatchOptions {
    fn default() -> Self {
        Self {
            sync: SyncOptions::default(),
            poll: Duration::from_millis(500),
            look: Duration::from_secs(10),
            only_polls: false,
        }
    }
}

/// What a watch tells.
#[derive(Debug)]
#[non_exhaustive]
pub enum WatchEvent<'e> {
    /// Something became of files: they were synced, or could not be, or went.
    Files(&'e [FileReport]),
    /// A sync came to its end.
    Synced(&'e HomesSynced),
    /// A home cannot be read now. It is looked for again and again.
    Home(&'e HomeError),
}

/// What wakes a watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    #[cfg_attr(not(feature = "watch"), expect(dead_code, reason = "only the system says so"))]
    Changed,
    Stop,
}

/// Follows homes until it is stopped.
#[derive(Debug)]
pub struct Watch {
    options: WatchOptions,
    sender: Sender<Signal>,
    signals: Receiver<Signal>,
}

/// Stops a watch, from whatever thread.
#[derive(Debug, Clone)]
pub struct WatchStop(Sender<Signal>);

impl WatchStop {
    /// Has the watch end when it has done what it does.
    pub fn stop(&self) {
        // A watch that is gone has stopped.
        let _ = self.0.send(Signal::Stop);
    }
}

/// What a writer adds in one go comes in several signals.
const BURST: Duration = Duration::from_millis(40);

/// Between two looks it rests as many times as long as a look takes, so that large homes that are
/// written all the time do not cost all of a core; but never longer than this.
const RESTS: u32 = 3;
const REST_MAX: Duration = Duration::from_millis(600);

impl Watch {
    /// A watch that has not begun.
    #[must_use]
    pub fn new(options: WatchOptions) -> Self {
        let (sender, signals) = channel();
        Self { options, sender, signals }
    }

    /// What stops it.
    #[must_use]
    pub fn stopper(&self) -> WatchStop {
        WatchStop(self.sender.clone())
    }

    /// Syncs homes now and whenever something changes in them, until it is stopped or `tell`
    /// breaks. A home that is not there, or not any more, is waited for. `tell` is called while no
    /// transaction is open.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn run(
        self,
        store: &Store,
        homes: &[Home],
        mut tell: impl FnMut(WatchEvent<'_>) -> ControlFlow<()>,
    ) -> Result<(), HomesError> {
        let Self { options, sender, signals } = self;
        let mut watched = Watched::new(homes, (!options.only_polls).then_some(sender));
        loop {
            // Before looking: what comes while it looks is then told.
            let is_told_all = watched.follow();
            let began = Instant::now();
            if look(store, homes, &options.sync, &mut tell)?.is_break() {
                return Ok(());
            }
            let rest = (began.elapsed() * RESTS).min(REST_MAX);
            let wait = if is_told_all { options.look } else { options.poll };
            if wait_for(&signals, wait, rest).is_break() {
                return Ok(());
            }
        }
    }
}

/// One sync of the homes that are there.
fn look(
    store: &Store,
    homes: &[Home],
    options: &SyncOptions,
    tell: &mut impl FnMut(WatchEvent<'_>) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, HomesError> {
    let mut scans = Vec::new();
    for home in homes {
        match home.scan() {
            Ok(scan) => scans.push((home.clone(), scan)),
            Err(error) => {
                if tell(WatchEvent::Home(&error)).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
    }
    let synced = store.sync_scans(&scans, options, |progress| match progress.done {
        [] => ControlFlow::Continue(()),
        done => tell(WatchEvent::Files(done)),
    })?;
    if synced.is_stopped {
        return Ok(ControlFlow::Break(()));
    }
    Ok(tell(WatchEvent::Synced(&synced)))
}

/// Waits until something changed, or for so long; at least for `rest`.
fn wait_for(signals: &Receiver<Signal>, wait: Duration, rest: Duration) -> ControlFlow<()> {
    let signal = match signals.recv_timeout(wait) {
        Ok(signal) => signal,
        Err(RecvTimeoutError::Timeout) => return ControlFlow::Continue(()),
        // Nobody can tell or stop it any more, so time alone wakes it.
        Err(RecvTimeoutError::Disconnected) => {
            std::thread::sleep(wait);
            return ControlFlow::Continue(());
        }
    };
    if signal == Signal::Stop {
        return ControlFlow::Break(());
    }
    let until = Instant::now() + rest.max(BURST);
    loop {
        let left = until.saturating_duration_since(Instant::now());
        match signals.recv_timeout(left) {
            Ok(Signal::Stop) => return ControlFlow::Break(()),
            Ok(Signal::Changed) => {}
            Err(_) => return ControlFlow::Continue(()),
        }
    }
}
