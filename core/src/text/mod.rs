//! Readings of plain text that no record type spells out: paths, command lines, hook prompts,
//! points in time, ids, and the marked-up text a client puts into messages for the model alone.
//! Pure functions of their arguments.

pub mod command_line;
pub mod contextual;
pub mod hook_prompt;
pub mod id;
pub mod path;
pub mod time;
pub(crate) mod truncate;
