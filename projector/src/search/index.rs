//! Bringing the index up to date with what was synced.

use std::ops::ControlFlow;
use std::sync::PoisonError;

use super::run::Run;
use super::segment;
use crate::error::StoreError;
use crate::schema;
use crate::store::Store;

/// How the search index is brought up to date. None of it shows in what is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexOptions {
    /// Bytes of memory that words may take before they are written.
    pub memory_bytes: usize,
    /// Whether no word of threads that were deleted or rewritten may stay in the store's file,
    /// though none is found any more: else they go once they are many.
    pub purges: bool,
}

impl Default for IndexOptions {
    fn default() -> Self {
        Self { memory_bytes: 32 * 1024 * 1024, purges: false }
    }
}

/// How far the index has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexProgress {
    /// Threads that are up to date now and were not before.
    pub threads: u64,
    /// Threads that are behind still, those among them whose words are not written yet.
    pub threads_behind: u64,
    /// Bytes of text that were read.
    pub text_bytes: u64,
}

/// What bringing the index up to date did.
#[derive(Debug, Default)]
pub struct IndexDone {
    /// Threads that are up to date now and were not before.
    pub threads: u64,
    /// Items that were read.
    pub items: u64,
    /// Bytes of their text.
    pub text_bytes: u64,
    /// Threads whose rows do not read back; they stay behind.
    pub failed: Vec<(String, StoreError)>,
    /// Whether the caller stopped it before the end.
    pub is_stopped: bool,
}

/// The size of the search index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IndexSize {
    /// Segments a question has to ask.
    pub segments: u64,
    /// Documents: runs of items.
    pub docs: u64,
    /// Words, those that several segments have counted several times.
    pub words: u64,
    /// Bytes of rows.
    pub bytes: u64,
}

impl Store {
    /// Brings the search index up to date with every thread that was synced. What it takes is in
    /// proportion to what is new.
    ///
    /// # Errors
    /// When the store cannot be read or written. What was committed before stays; the next call
    /// goes on from there.
    pub fn index(&self, options: &IndexOptions) -> Result<IndexDone, StoreError> {
        self.index_with(options, |_| ControlFlow::Continue(()))
    }

    /// As [`Store::index`], and calls `progress` now and then; `Break` ends it soon, and keeps what
    /// was done.
    ///
    /// # Errors
    /// As [`Store::index`].
    pub fn index_with(
        &self,
        options: &IndexOptions,
        mut progress: impl FnMut(IndexProgress) -> ControlFlow<()>,
    ) -> Result<IndexDone, StoreError> {
        let _one_at_a_time = self.indexing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut run = Run::new(self, options, &mut progress);
        let mut after = None;
        while let Some(last) = run.round(after)? {
            after = Some(last);
        }
        run.merge()?;
        Ok(run.done)
    }

    /// Brings the search index up to date with one log; nothing if the store does not know it.
    ///
    /// # Errors
    /// As [`Store::index`].
    pub fn index_thread(&self, key: &str, options: &IndexOptions) -> Result<IndexDone, StoreError> {
        let _one_at_a_time = self.indexing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut progress = |_| ControlFlow::Continue(());
        let mut run = Run::new(self, options, &mut progress);
        run.thread_of(key)?;
        run.merge()?;
        Ok(run.done)
    }

    /// The size of the search index.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn index_size(&self) -> Result<IndexSize, StoreError> {
        let read = self.begin_read()?;
        let segments = segment::all(&read.open_table(schema::SEARCH_SEGMENTS)?)?;
        let mut size = IndexSize::default();
        for segment in segments {
            size.segments += 1;
            size.docs += segment.len_docs;
            size.words += segment.len_terms;
            size.bytes += segment.len_bytes;
        }
        Ok(size)
    }
}
