//! Large rollouts for benches, written as a stream: never more than one turn is in memory.

mod bulk;
mod calls;
mod lines;
mod pen;
mod plan;
mod rare;
mod real;
mod small;

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use self::bulk::Images;
use self::pen::Pen;
use self::real::Real;

/// What a generated file is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    /// The measured mix of real rollouts: shares of lines and of bytes, sizes per kind.
    Real,
    /// Long messages and long tool outputs.
    Chat,
    /// Patches: `patch_apply_end` with whole files and diffs.
    Edits,
    /// Compactions that repeat the same base64 images in every replacement history.
    Compact,
    /// As many small records as possible.
    Tiny,
    /// The extended older events: begin and end of commands, patches, tools, agents.
    Legacy,
}

impl Shape {
    /// Every shape, in the order of their names in help texts.
    pub const ALL: [Shape; 6] =
        [Shape::Real, Shape::Chat, Shape::Edits, Shape::Compact, Shape::Tiny, Shape::Legacy];

    /// The lower-case name, which [`FromStr`] reads.
    pub fn name(self) -> &'static str {
        match self {
            Shape::Real => "real",
            Shape::Chat => "chat",
            Shape::Edits => "edits",
            Shape::Compact => "compact",
            Shape::Tiny => "tiny",
            Shape::Legacy => "legacy",
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is none of the shapes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownShape {
    /// The name that was given.
    pub name: String,
}

impl fmt::Display for UnknownShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown shape {:?}, use one of:", self.name)?;
        Shape::ALL.iter().try_for_each(|shape| write!(f, " {shape}"))
    }
}

impl std::error::Error for UnknownShape {}

impl FromStr for Shape {
    type Err = UnknownShape;

    fn from_str(name: &str) -> Result<Self, UnknownShape> {
        let known = Shape::ALL.into_iter().find(|shape| shape.name().eq_ignore_ascii_case(name));
        known.ok_or_else(|| UnknownShape { name: name.to_owned() })
    }
}

/// What is known about a generated file by construction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ShapeFacts {
    /// Length of the file; it ends with a newline.
    pub bytes: u64,
    /// Number of lines; none of them is blank or damaged.
    pub records: u64,
    /// Length of the longest line, its newline included.
    pub longest_line_bytes: u64,
    /// Number of explicitly started turns (`task_started`), rolled back or not.
    pub turns: u64,
}

/// Writes a rollout turn by turn.
#[derive(Debug)]
pub struct ShapeWriter {
    pen: Pen,
    mix: Mix,
    len_bytes_min: u64,
}

#[derive(Debug)]
enum Mix {
    Real(Box<Real>),
    Compact(Images),
    Chat,
    Edits,
    Tiny,
    Legacy,
}

impl ShapeWriter {
    /// A writer of a file of at least `len_bytes_min` bytes. Equal arguments give equal bytes.
    pub fn new(shape: Shape, seed: u64, len_bytes_min: u64) -> Self {
        let mut pen = Pen::new(seed);
        let mix = match shape {
            Shape::Real => Mix::Real(Box::new(Real::new(&mut pen, len_bytes_min))),
            Shape::Compact => Mix::Compact(Images::new(&mut pen, len_bytes_min)),
            Shape::Chat => Mix::Chat,
            Shape::Edits => Mix::Edits,
            Shape::Tiny => Mix::Tiny,
            Shape::Legacy => Mix::Legacy,
        };
        if !matches!(mix, Mix::Real(_)) {
            let len = if shape == Shape::Tiny { 700 } else { 19_000 };
            pen.session_meta(len, true);
        }
        Self { pen, mix, len_bytes_min }
    }

    /// Whether the file is as long as it was asked to be.
    pub fn is_done(&self) -> bool {
        self.pen.facts.bytes >= self.len_bytes_min && self.pen.facts.records > 0
    }

    /// What has been made so far.
    pub fn facts(&self) -> ShapeFacts {
        self.pen.facts
    }

    /// The lines of the next turn (some complete lines, LF-terminated), or `None` at the end.
    pub fn next_turn(&mut self) -> Option<&[u8]> {
        if self.is_done() && self.pen.facts.turns > 0 {
            return None;
        }
        // The header, which `new` wrote, goes out with the first turn.
        if self.pen.facts.turns > 0 {
            self.pen.out.clear();
        }
        match &mut self.mix {
            Mix::Real(real) => real.turn(&mut self.pen),
            Mix::Compact(images) => images.turn(&mut self.pen),
            Mix::Chat => bulk::chat_turn(&mut self.pen),
            Mix::Edits => bulk::edits_turn(&mut self.pen),
            Mix::Tiny => small::tiny_turn(&mut self.pen),
            Mix::Legacy => small::legacy_turn(&mut self.pen),
        }
        Some(self.pen.out.as_bytes())
    }

    /// Writes everything that is left.
    ///
    /// # Errors
    /// Whatever `out` fails with.
    pub fn write_to(mut self, mut out: impl Write) -> io::Result<ShapeFacts> {
        while let Some(lines) = self.next_turn() {
            out.write_all(lines)?;
        }
        out.flush()?;
        Ok(self.facts())
    }
}

/// Writes a rollout of at least `len_bytes` bytes; it ends with the turn that reaches them.
///
/// # Errors
/// Whatever `out` fails with.
pub fn write_shape(
    out: impl Write,
    shape: Shape,
    seed: u64,
    len_bytes: u64,
) -> io::Result<ShapeFacts> {
    ShapeWriter::new(shape, seed, len_bytes).write_to(out)
}

/// The same rollout in memory.
pub fn shape_bytes(shape: Shape, seed: u64, len_bytes: u64) -> Vec<u8> {
    let mut writer = ShapeWriter::new(shape, seed, len_bytes);
    let mut bytes = Vec::with_capacity(len_bytes as usize + 64 * 1024);
    while let Some(lines) = writer.next_turn() {
        bytes.extend_from_slice(lines);
    }
    bytes
}
