//! Persistent collections: the only file that names `im`.
//!
//! Only ordered collections: nothing that is stored or shown may depend on hash order.

/// An ordered map with structural sharing.
pub(crate) type OrdMap<K, V> = im::OrdMap<K, V>;
/// A sequence with structural sharing.
pub(crate) type Vector<T> = im::Vector<T>;
