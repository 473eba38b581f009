//! What folding threads and the writing one share beside their channel: how much is between them,
//! what was committed, and whether to go on.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Memory of batches that wait for the writer.
const WAITING_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Shared by reference; `N` is what a writer says after a commit and a fold answers.
#[derive(Debug)]
pub(crate) struct Link<N> {
    state: Mutex<State<N>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<N> {
    waiting_bytes: usize,
    is_closed: bool,
    /// Said and not yet answered.
    news: Option<N>,
}

/// Closes a link when it goes, so that nobody waits for a thread that ended in whatever way.
pub(crate) struct CloseOnDrop<'l, N>(pub(crate) &'l Link<N>);

impl<N> Drop for CloseOnDrop<'_, N> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Closes a link when its thread panics, so that nobody waits for an answer.
pub(crate) struct CloseOnPanic<'l, N>(pub(crate) &'l Link<N>);

impl<N> Drop for CloseOnPanic<'_, N> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.close();
        }
    }
}

impl<N: Clone> Link<N> {
    /// For the writer: says something and waits until it is answered; false if nobody will.
    pub(crate) fn say(&self, news: N) -> bool {
        let mut state = self.lock();
        state.news = Some(news);
        self.changed.notify_all();
        while state.news.is_some() && !state.is_closed {
            state = self.wait(state);
        }
        !state.is_closed
    }

    /// For a fold: waits until there is room for so many bytes, or nothing waits at all, and takes
    /// it. What the writer says meanwhile is handed to `hear`. False if it is closed.
    pub(crate) fn take_room(&self, bytes: usize, mut hear: impl FnMut(N)) -> bool {
        let mut state = self.lock();
        loop {
            state = self.hear(state, &mut hear);
            if state.is_closed {
                return false;
            }
            let waiting_bytes = state.waiting_bytes;
            if waiting_bytes == 0 || waiting_bytes.saturating_add(bytes) <= WAITING_BYTES_MAX {
                state.waiting_bytes = waiting_bytes.saturating_add(bytes);
                return true;
            }
            state = self.wait(state);
        }
    }

    /// For a fold: hands what the writer says to `hear`, until it is closed.
    pub(crate) fn hear_all(&self, mut hear: impl FnMut(N)) {
        let mut state = self.lock();
        loop {
            state = self.hear(state, &mut hear);
            if state.is_closed {
                return;
            }
            state = self.wait(state);
        }
    }

    fn hear<'l>(
        &'l self,
        mut state: MutexGuard<'l, State<N>>,
        hear: &mut impl FnMut(N),
    ) -> MutexGuard<'l, State<N>> {
        while let Some(news) = state.news.clone() {
            drop(state);
            hear(news);
            state = self.lock();
            state.news = None;
            self.changed.notify_all();
        }
        state
    }
}

impl<N> Link<N> {
    pub(crate) fn new() -> Self {
        let state = State { waiting_bytes: 0, is_closed: false, news: None };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// For the writer: gives room back.
    pub(crate) fn give_room(&self, bytes: usize) {
        let mut state = self.lock();
        state.waiting_bytes = state.waiting_bytes.saturating_sub(bytes);
        self.changed.notify_all();
    }

    /// Nothing goes through any more.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    fn lock(&self) -> MutexGuard<'_, State<N>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'l>(&self, state: MutexGuard<'l, State<N>>) -> MutexGuard<'l, State<N>> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}
