//! What clients see: turns and items, in exactly the reference's JSON (SEMANTICS R48-R52).

mod item;
mod turn;
mod word;

pub use item::*;
pub use turn::*;
pub use word::*;
