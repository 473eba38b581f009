//! Trees of threads: who spawned whom, who was forked from whom.

use std::collections::BTreeSet;
use std::sync::Arc;

use rollfold_core::model::{ItemsView, TurnStatus};
use serde::Serialize;

use super::Library;
use super::catalog::{Catalog, Relation};
use super::entry::ThreadEntry;
use crate::error::QueryError;
use crate::page::{Order, Paging};

/// Threads below one another that are followed.
const DEPTH_MAX: u32 = 1_000;

/// A thread in a tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TreeNode {
    /// Steps from the root of the tree.
    pub depth: u32,
    /// The thread's id.
    pub id: Arc<str>,
    /// The thread; none if others name it and no log of it was found.
    pub thread: Option<Arc<ThreadEntry>>,
    /// How its newest turn stands: `completed`, `interrupted`, `failed`, `inProgress`; none if it
    /// has no turn, or these cannot be read.
    pub status: Option<TurnStatus>,
    /// Tokens of its own, those left out that were counted before it was forked or spawned; none if
    /// none were counted.
    pub own_tokens: Option<i64>,
    /// Those that come from it, by id. A thread that comes from itself stands where it was first
    /// met, once.
    pub children: Vec<TreeNode>,
}

impl TreeNode {
    /// The node and all below it, parents first.
    #[must_use]
    pub fn flat(&self) -> Vec<&Self> {
        let mut nodes = Vec::new();
        let mut due = vec![self];
        while let Some(node) = due.pop() {
            nodes.push(node);
            due.extend(node.children.iter().rev());
        }
        nodes
    }
}

impl Library {
    /// The tree below a thread.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn tree(&self, id: &str, relation: Relation) -> Result<TreeNode, QueryError> {
        let catalog = self.catalog();
        let mut seen = BTreeSet::new();
        self.node(&catalog, id.into(), relation, 0, &mut seen)
    }

    /// All trees: of each the thread that comes from no other, or from one that is not there. Of
    /// threads that come from one another in a round, the first by id is taken for the root.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn trees(&self, relation: Relation) -> Result<Vec<TreeNode>, QueryError> {
        let catalog = self.catalog();
        let mut seen = BTreeSet::new();
        let mut trees = Vec::new();
        let origin = |entry: &ThreadEntry| match relation {
            Relation::Spawn => entry.parent_id.clone(),
            Relation::Fork => entry.forked_from_id.clone(),
        };
        let mut roots = BTreeSet::new();
        for entry in catalog.all() {
            match origin(entry) {
                None => drop(roots.insert(entry.id.clone())),
                Some(origin) if catalog.thread(&origin).is_none() => drop(roots.insert(origin)),
                Some(_) => {}
            }
        }
        for id in roots {
            trees.push(self.node(&catalog, id, relation, 0, &mut seen)?);
        }
        let rounds: Vec<Arc<str>> = catalog.all().map(|entry| entry.id.clone()).collect();
        for id in rounds {
            if !seen.contains(&id) {
                trees.push(self.node(&catalog, id, relation, 0, &mut seen)?);
            }
        }
        Ok(trees)
    }

    fn node(
        &self,
        catalog: &Catalog,
        id: Arc<str>,
        relation: Relation,
        depth: u32,
        seen: &mut BTreeSet<Arc<str>>,
    ) -> Result<TreeNode, QueryError> {
        seen.insert(id.clone());
        let mut children = Vec::new();
        if depth < DEPTH_MAX {
            for child in catalog.related(relation, &id) {
                if !seen.contains(&child.id) {
                    children.push(self.node(
                        catalog,
                        child.id.clone(),
                        relation,
                        depth + 1,
                        seen,
                    )?);
                }
            }
        }
        let thread = catalog.thread(&id).cloned();
        let (status, own_tokens) = match &thread {
            Some(entry) => self.standing(entry)?,
            None => (None, None),
        };
        Ok(TreeNode { depth, id, thread, status, own_tokens, children })
    }

    fn standing(
        &self,
        entry: &ThreadEntry,
    ) -> Result<(Option<TurnStatus>, Option<i64>), QueryError> {
        let Some(view) = self.store().thread(&entry.log.key)? else { return Ok((None, None)) };
        let newest = Paging { after: None, limit: 1, order: Order::NewestFirst };
        let status = match view.turns_page(&newest, ItemsView::NotLoaded) {
            Ok(page) => page.rows.first().map(|row| row.value.status.clone()),
            Err(QueryError::UnknownHistoryMode { .. }) => None,
            Err(error) => return Err(error),
        };
        let totals = view.usage_totals()?;
        Ok((status, (totals.entries > 0).then_some(totals.own.total)))
    }
}
