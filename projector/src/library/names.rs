//! Names that stand beside the logs, kept with them: a store shows them without the home.

use std::collections::BTreeMap;
use std::sync::Arc;

use redb::{ReadTransaction, ReadableTable};

use super::Library;
use crate::error::{CorruptProblem, QueryError, StoreError};
use crate::home::Names;
use crate::rows::codec::RowAt;
use crate::schema;

impl Library {
    /// Keeps the names of a home's index. A name that was taken away is taken away here; threads
    /// the index does not speak of keep theirs. Writes nothing if all is known; tells how many
    /// names changed.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn put_names(&self, names: &Names) -> Result<u64, QueryError> {
        let before = all(&self.store().begin_read()?)?;
        let mut changes = Vec::new();
        for entry in names.entries() {
            let id = entry.id.to_ascii_lowercase();
            let name = names.name(&id);
            if before.get(&*id).map(|name| &**name) != name {
                changes.push((id, name));
            }
        }
        if changes.is_empty() {
            return Ok(0);
        }
        let write = self.store().begin_write()?;
        put(&write, &changes)?;
        write.commit().map_err(StoreError::from)?;
        self.refresh()?;
        Ok(changes.len() as u64)
    }
}

fn put(
    write: &redb::WriteTransaction,
    changes: &[(String, Option<&str>)],
) -> Result<(), StoreError> {
    let mut table = write.open_table(schema::NAMES)?;
    for (id, name) in changes {
        match name {
            Some(name) => drop(table.insert(id.as_bytes(), name.as_bytes())?),
            None => drop(table.remove(id.as_bytes())?),
        }
    }
    Ok(())
}

/// The name of each thread that has one.
pub(super) fn all(read: &ReadTransaction) -> Result<BTreeMap<Arc<str>, Arc<str>>, StoreError> {
    let mut names = BTreeMap::new();
    for row in read.open_table(schema::NAMES)?.iter()? {
        let (id, name) = row?;
        let at = RowAt { table: "names", key: String::from_utf8_lossy(id.value()).into_owned() };
        let text = |bytes| std::str::from_utf8(bytes).map(Arc::from);
        let (Ok(id), Ok(name)) = (text(id.value()), text(name.value())) else {
            return Err(at.corrupt(CorruptProblem::Empty));
        };
        names.insert(id, name);
    }
    Ok(names)
}
