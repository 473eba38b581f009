//! What disks, crashes and other writers do to a rollout, and where it was done.

mod edits;
mod members;

use std::borrow::Cow;
use std::ops::Range;

use self::edits::Edit;
use super::prng::Prng;

/// A way to damage a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DamageKind {
    /// The file ends inside its last line.
    TornTail,
    /// The first part of a line and LF, then the complete line.
    TornThenRetried,
    /// The first part of a line, then the complete line without a newline between them.
    TornIntoRetry,
    /// The first part of a line without its LF, then the next line: both on one line.
    TornIntoNext,
    /// A line of NUL bytes.
    NulLine,
    /// NUL bytes between the end of a record and its LF.
    NulRun,
    /// NUL bytes without LF at the end of the file.
    NulTail,
    /// Bytes that are no UTF-8 inside a string.
    BadUtf8InString,
    /// A line that ends inside a character.
    BadUtf8AtEnd,
    /// A UTF-8 byte order mark at the start of the file.
    ByteOrderMark,
    /// Two records on one line.
    JoinedLines,
    /// A line that is there twice.
    DuplicatedLine,
    /// A line that is gone.
    DroppedLine,
    /// Two neighbours in the wrong order.
    SwappedLines,
    /// A line that is JSON but no record: `null`, an array, a string, a number, `{}`.
    BareValue,
    /// An envelope without payload.
    MissingPayload,
    /// A payload that is no object.
    OddPayload,
    /// Half of a surrogate pair, escaped, in a string.
    LoneSurrogate,
    /// A value of 200 nested arrays or objects.
    DeepNesting,
    /// A field of another JSON type.
    WrongType,
    /// A key that is given twice with different values.
    DuplicateKey,
    /// One flipped bit.
    FlippedBit,
    /// No ordinal where there was one.
    OrdinalMissing,
    /// `"ordinal":null`
    OrdinalNull,
    /// `"ordinal":"17"`
    OrdinalText,
    /// `"ordinal":17.0`
    OrdinalFloat,
    /// `"ordinal":18446744073709551615`
    OrdinalMax,
    /// Two ordinals that differ.
    OrdinalTwice,
    /// An ordinal that repeats, goes back or leaves a gap.
    OrdinalSkewed,
}

impl DamageKind {
    /// Every kind of damage.
    pub const ALL: [DamageKind; 29] = [
        DamageKind::TornTail,
        DamageKind::TornThenRetried,
        DamageKind::TornIntoRetry,
        DamageKind::TornIntoNext,
        DamageKind::NulLine,
        DamageKind::NulRun,
        DamageKind::NulTail,
        DamageKind::BadUtf8InString,
        DamageKind::BadUtf8AtEnd,
        DamageKind::ByteOrderMark,
        DamageKind::JoinedLines,
        DamageKind::DuplicatedLine,
        DamageKind::DroppedLine,
        DamageKind::SwappedLines,
        DamageKind::BareValue,
        DamageKind::MissingPayload,
        DamageKind::OddPayload,
        DamageKind::LoneSurrogate,
        DamageKind::DeepNesting,
        DamageKind::WrongType,
        DamageKind::DuplicateKey,
        DamageKind::FlippedBit,
        DamageKind::OrdinalMissing,
        DamageKind::OrdinalNull,
        DamageKind::OrdinalText,
        DamageKind::OrdinalFloat,
        DamageKind::OrdinalMax,
        DamageKind::OrdinalTwice,
        DamageKind::OrdinalSkewed,
    ];
}

/// One damage that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// What was done.
    pub kind: DamageKind,
    /// The lines of the input that it touched, counted from 0; empty for something inserted.
    pub lines_in: Range<usize>,
    /// Where its result is in the output; empty for something removed.
    pub bytes_out: Range<usize>,
}

/// Part of a file: one input line as it was, or the result of one damage.
struct Piece<'a> {
    bytes: Cow<'a, [u8]>,
    lines: Range<usize>,
    kind: Option<DamageKind>,
}

/// Damages the file in one to four places. Lines that no [`Damage`] names are as they were.
pub fn damage(rng: &mut Prng, bytes: &[u8]) -> (Vec<u8>, Vec<Damage>) {
    let mut pieces = split(bytes);
    for _ in 0..rng.between(1, 4) {
        let at = rng.index(DamageKind::ALL.len());
        if let Some(kind) = DamageKind::ALL.get(at) {
            strike(rng, &mut pieces, *kind);
        }
    }
    join(pieces)
}

/// Damages the file once in this way, if there is a line that it can be done to.
pub fn damage_as(rng: &mut Prng, bytes: &[u8], kind: DamageKind) -> (Vec<u8>, Option<Damage>) {
    let mut pieces = split(bytes);
    strike(rng, &mut pieces, kind);
    let (bytes, mut damages) = join(pieces);
    (bytes, damages.pop())
}

fn split(bytes: &[u8]) -> Vec<Piece<'_>> {
    let lines = bytes.split_inclusive(|byte| *byte == b'\n').enumerate();
    let piece = |(at, line)| Piece { bytes: Cow::Borrowed(line), lines: at..at + 1, kind: None };
    lines.map(piece).collect()
}

fn join(pieces: Vec<Piece<'_>>) -> (Vec<u8>, Vec<Damage>) {
    let mut bytes = Vec::with_capacity(pieces.iter().map(|piece| piece.bytes.len()).sum());
    let mut damages = Vec::new();
    for piece in pieces {
        let from = bytes.len();
        bytes.extend_from_slice(&piece.bytes);
        if let Some(kind) = piece.kind {
            damages.push(Damage { kind, lines_in: piece.lines, bytes_out: from..bytes.len() });
        }
    }
    (bytes, damages)
}

/// Tries a few places; a place where the damage makes no sense is left alone.
fn strike(rng: &mut Prng, pieces: &mut Vec<Piece<'_>>, kind: DamageKind) {
    for _ in 0..24 {
        let at = match kind {
            DamageKind::ByteOrderMark => 0,
            DamageKind::NulTail => pieces.len(),
            DamageKind::TornTail => pieces.len().saturating_sub(1),
            _ => rng.index(pieces.len()),
        };
        let whole = |at: usize| {
            let piece = pieces.get(at).filter(|piece| piece.kind.is_none());
            piece.map(|piece| piece.bytes.as_ref())
        };
        let edit = edits::edit(rng, kind, whole(at), whole(at + 1));
        let Some(Edit { consumed, bytes }) = edit else { continue };
        let from = pieces.get(at).map_or_else(
            || pieces.last().map_or(0, |piece| piece.lines.end),
            |piece| piece.lines.start,
        );
        let lines = from..from + consumed;
        let piece = Piece { bytes: Cow::Owned(bytes), lines, kind: Some(kind) };
        pieces.splice(at..at + consumed, [piece]);
        return;
    }
}
