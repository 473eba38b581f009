//! What clients see: turns and items, in exactly the reference's JSON (SEMANTICS R48-R52); and what
//! else is known of a thread, each part a value with one `apply`.

mod fork;
mod health;
mod item;
mod source;
mod thread;
mod turn;
mod usage;
mod window;
mod word;
mod world;

pub use fork::*;
pub use health::*;
pub use item::*;
pub use source::*;
pub use thread::*;
pub use turn::*;
pub use usage::*;
pub use window::*;
pub use word::*;
pub use world::*;
