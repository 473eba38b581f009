//! A second, deliberately naive reading of the papers, over plain JSON values and lists: for every
//! concern of the read model, what the first n lines of a log say, told from these lines alone. It
//! shares nothing with the core but the rules. Cost does not matter here; being obviously right
//! does.

pub(crate) mod context;
pub(crate) mod cut;
pub(crate) mod forks;
pub(crate) mod health;
pub(crate) mod inheritance;
pub(crate) mod kinds;
pub(crate) mod lines;
pub(crate) mod messages;
mod origin;
pub(crate) mod paginated;
pub(crate) mod policy;
mod rebuild;
pub(crate) mod thread;
mod time;
pub(crate) mod turns;
pub(crate) mod usage;
mod values;
pub(crate) mod windows;
pub(crate) mod world;
