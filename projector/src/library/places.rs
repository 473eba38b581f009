//! Where the logs of a store were when they were last looked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use redb::{ReadTransaction, ReadableTable};

use super::entry::LogPlace;
use crate::disk::path_of;
use crate::error::StoreError;
use crate::rows::files::{FileEntry, FileRow, Role, files_of};
use crate::schema;

const NS_IN_MS: i128 = 1_000_000;

/// The place of each log that was found in a home: of several, one that is there, and not of a copy.
pub(super) fn all(read: &ReadTransaction) -> Result<BTreeMap<Arc<str>, LogPlace>, StoreError> {
    let mut places: BTreeMap<Arc<str>, (bool, LogPlace)> = BTreeMap::new();
    for row in read.open_table(schema::HOMES)?.iter()? {
        let (root, number) = row?;
        let home = path_of(root.value());
        for file in files_of(read, number.value())? {
            let FileEntry { path, row, .. } = file?;
            let FileRow { key, identity, role, is_archived, is_packed, is_gone, .. } = row;
            let is_read = role != Role::Copy && !is_gone;
            let modified_at = identity.modified_ns.map(|ns| ns.div_euclid(NS_IN_MS));
            let place = LogPlace {
                path: home.join(path_of(&path)),
                home: home.clone(),
                is_archived,
                is_compressed: is_packed,
                is_gone,
                len_bytes: identity.len_bytes,
                modified_at: modified_at.and_then(|ms| i64::try_from(ms).ok()),
            };
            match places.get_mut(&*key) {
                Some(known) if known.0 || !is_read => {}
                Some(known) => *known = (is_read, place),
                None => {
                    places.insert(key.into(), (is_read, place));
                }
            }
        }
    }
    Ok(places.into_iter().map(|(key, (_, place))| (key, place)).collect())
}
