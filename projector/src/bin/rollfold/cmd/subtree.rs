//! Which thread a command means, and which ones it spawned.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::slice;

use rollfold_projector::{
    Home, Library, Relation, SelectError, Store, SyncOptions, TreeNode, thread_id_of,
};

use crate::context::{Context, Failure};

/// The thread that is meant: by its id, the path of one of its files, or what the store knows it
/// by.
pub fn thread(context: &Context, home: &Home, text: &str) -> Result<String, Failure> {
    match thread_id_of(home, text) {
        Err(SelectError::NoId { .. }) => context.thread_id(text),
        id => Ok(id?),
    }
}

/// Which threads spawned which others.
#[derive(Debug, Default)]
pub struct Spawned {
    by_parent: BTreeMap<String, Vec<String>>,
}

impl Spawned {
    /// Asks a store that is brought up to date before. One that somebody else has open is as up to
    /// date as that one keeps it.
    pub fn of(context: &Context, home: &Home, thread_id: &str) -> Result<Self, Failure> {
        let store = match context.store() {
            Ok(store) => {
                sync(&store, home)?;
                store
            }
            Err(_) => context.store_to_read()?,
        };
        Self::in_store(store, thread_id).map(|(spawned, _)| spawned)
    }

    /// Asks a store as it is, and gives it back.
    pub fn in_store(store: Store, thread_id: &str) -> Result<(Self, Library), Failure> {
        let library = Library::open(store)?;
        let mut spawned = Self::default();
        spawned.add(&library.tree(thread_id, Relation::Spawn)?);
        Ok((spawned, library))
    }

    fn add(&mut self, node: &TreeNode) {
        let children = node.children.iter().map(|child| child.id.to_string());
        self.by_parent.entry(node.id.to_string()).or_default().extend(children);
        node.children.iter().for_each(|child| self.add(child));
    }

    pub fn children(&self, thread_id: &str) -> Vec<String> {
        self.by_parent.get(thread_id).cloned().unwrap_or_default()
    }
}

/// Brings a store up to date with a home.
pub fn sync(store: &Store, home: &Home) -> Result<(), Failure> {
    let options = SyncOptions::default();
    store.sync_homes(slice::from_ref(home), &options, |_| ControlFlow::Continue(()))?;
    Ok(())
}
