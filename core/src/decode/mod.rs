//! Decoding: one line to its records. Total: any bytes decode to something.
//!
//! The fast way reads the head of the line by hand and the payload straight into the shape of its
//! kind, once. A payload nobody needs is only looked over for damage. Whatever is odd takes the
//! [ladder](ladder), which mends what can be mended and says so.

mod body;
mod head;
mod ladder;

pub use body::Body;

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::diag::{DiagnosticKind, Repair};
use crate::format::{Kind, Payload, Problem};
use crate::line::Line;
use crate::pos::Span;
use crate::raw::{Raw, replace_lone_surrogates};

/// How much of each record is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// The payloads that the reducers need; of others, the head.
    Needed,
    /// Every payload.
    Full,
}

/// The number a newer writer puts into a record: a claim, kept and checked, never trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ordinal {
    /// There is none.
    Absent,
    /// This one.
    Value(u64),
    /// Something else than a whole number.
    Unreadable,
}

/// One record of the log, borrowed from its line.
#[derive(Debug, Clone)]
pub struct Record<'a> {
    /// LF-terminated lines before the record's line.
    pub seq: u64,
    /// The record's bytes.
    pub span: Span,
    /// What it is.
    pub kind: Kind,
    /// The record's `type`, as it stands.
    pub tag: Cow<'a, str>,
    /// The payload's own `type`, as it stands, where it has one.
    pub payload_tag: Option<Cow<'a, str>>,
    /// When it was written, as it stands; writers use UTC with milliseconds.
    pub timestamp: Option<Cow<'a, str>>,
    /// The number the writer gave it.
    pub ordinal: Ordinal,
    /// The payload's fields.
    pub body: Body<'a>,
    /// The line from the payload's first byte on.
    rest: &'a str,
}

impl<'a> Record<'a> {
    /// The payload's text; `None` if there is none, or if it is broken and nobody needed it.
    #[must_use]
    pub fn payload(&self) -> Option<Raw<'a>> {
        Raw::first_of(self.rest).ok().map(|(raw, _)| raw)
    }

    /// Tells every field that is not as the format says: of the payload and, where it carries a
    /// canonical item, of that.
    pub fn problems(&self, tell: &mut dyn FnMut(Problem)) {
        let is_end = matches!(self.kind, Kind::Event(event) if event.is_end());
        self.body.problems(is_end, tell);
        if let Body::ItemLifecycle(lifecycle) = &self.body
            && let Some(item) = lifecycle.item.get()
        {
            item.problems(is_end, tell);
        }
    }

    /// The record's `type` and, behind a slash, its payload's.
    #[must_use]
    pub fn tags(&self) -> String {
        match &self.payload_tag {
            Some(payload_tag) => format!("{}/{payload_tag}", self.tag),
            None => self.tag.clone().into_owned(),
        }
    }
}

/// What one line holds.
#[derive(Debug, Clone, Default)]
pub struct Decoded<'a> {
    /// The records, in order: nearly always one; none on a blank or damaged line.
    pub records: Records<'a>,
    /// What is odd about the line.
    pub notes: Vec<(Span, DiagnosticKind)>,
}

/// The records of one line.
#[derive(Debug, Clone, Default)]
pub enum Records<'a> {
    /// A blank or damaged line.
    #[default]
    None,
    /// The usual line.
    One(Box<Record<'a>>),
    /// A line on which several records stand.
    Many(Vec<Record<'a>>),
}

impl<'a> Records<'a> {
    /// The records as a slice.
    #[must_use]
    pub fn as_slice(&self) -> &[Record<'a>] {
        match self {
            Self::None => &[],
            Self::One(record) => std::slice::from_ref(&**record),
            Self::Many(records) => records,
        }
    }
}

/// Decodes one line. `scratch` holds the text of lines that had to be mended.
///
/// ```
/// use rollfold_core::{decode, Depth, Kind, Lines, Position};
///
/// let log = br#"{"timestamp":"2026-03-01T10:00:00.000Z","type":"world_state","payload":{"full":true,"state":{}}}
/// "#;
/// let line = Lines::new(log, Position::default()).next().unwrap();
/// let mut scratch = String::new();
/// let decoded = decode(line, &mut scratch, Depth::Full);
/// assert_eq!(decoded.records.as_slice()[0].kind, Kind::WorldState);
/// ```
#[must_use]
pub fn decode<'a>(line: Line<'a>, scratch: &'a mut String, depth: Depth) -> Decoded<'a> {
    match straight(line, depth) {
        Some(record) => Decoded {
            notes: unknown_note(&record).map(|note| (line.span, note)).into_iter().collect(),
            records: Records::One(Box::new(record)),
        },
        None => ladder::decode(line, scratch, depth),
    }
}

/// The fast way; `None` sends the line to the ladder.
fn straight(line: Line<'_>, depth: Depth) -> Option<Record<'_>> {
    let text = simdutf8::basic::from_utf8(line.bytes).ok()?;
    let head = head::read(text)?;
    let kind = Kind::from_tags(head.record_tag, head.payload_tag);
    let body = if depth == Depth::Full || needed(kind) {
        let (body, len) = match Body::read(kind, head.rest) {
            Some(read) => read.ok()?,
            None => (Body::Unread, Raw::first_of(head.rest).ok()?.1),
        };
        let (_, tail) = head.rest.split_at_checked(len)?;
        let is_plain = matches!(replace_lone_surrogates(head.rest), Cow::Borrowed(_));
        (is_plain && ends_record(tail)).then_some(body)?
    } else {
        looks_whole(head.rest).then_some(Body::Unread)?
    };
    Some(Record {
        seq: line.seq,
        span: line.span,
        kind,
        tag: Cow::Borrowed(head.record_tag),
        payload_tag: head.payload_tag.map(Cow::Borrowed),
        timestamp: Some(Cow::Borrowed(head.timestamp)),
        ordinal: match head.ordinal {
            None => Ordinal::Absent,
            Some(digits) => digits.parse().map_or(Ordinal::Unreadable, Ordinal::Value),
        },
        body,
        rest: head.rest,
    })
}

/// Whether `tail` is what writers put behind a payload: the closing brace, perhaps after metadata.
fn ends_record(tail: &str) -> bool {
    let tail = match tail.strip_prefix(",\"metadata\":").map(Raw::first_of) {
        Some(Ok((_, len))) => tail.get(len + ",\"metadata\":".len()..).unwrap_or_default(),
        Some(Err(_)) => return false,
        None => tail,
    };
    tail.trim_ascii() == "}"
}

/// What another record on the line would start with; made once, since it is looked for on most
/// lines.
static SECOND_RECORD: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(ladder::MARKER));

/// A cheap look at a payload nobody needs: does anything speak for damage?
fn looks_whole(rest: &str) -> bool {
    let bytes = rest.trim_ascii_end().as_bytes();
    bytes.ends_with(b"}}")
        && memchr::memchr(0, bytes).is_none()
        && SECOND_RECORD.find(bytes).is_none()
}

/// Whether a reducer reads payloads of this kind.
fn needed(kind: Kind) -> bool {
    use crate::format::{EventKind as E, ResponseKind as R};
    match kind {
        // Of `context_compacted`, turns need only the kind.
        Kind::Event(kind) => matches!(
            kind,
            E::Error
                | E::ThreadRolledBack
                | E::TaskStarted
                | E::TaskComplete
                | E::AgentMessage
                | E::UserMessage
                | E::AgentReasoning
                | E::AgentReasoningRawContent
                | E::McpToolCallBegin
                | E::McpToolCallEnd
                | E::WebSearchBegin
                | E::WebSearchEnd
                | E::ImageGenerationBegin
                | E::ImageGenerationEnd
                | E::ExecCommandBegin
                | E::ExecCommandEnd
                | E::ViewImageToolCall
                | E::DynamicToolCallRequest
                | E::DynamicToolCallResponse
                | E::ApplyPatchApprovalRequest
                | E::GuardianAssessment
                | E::PatchApplyBegin
                | E::PatchApplyEnd
                | E::TurnAborted
                | E::EnteredReviewMode
                | E::ExitedReviewMode
                | E::ItemStarted
                | E::ItemCompleted
                | E::CollabAgentSpawnBegin
                | E::CollabAgentSpawnEnd
                | E::CollabAgentInteractionBegin
                | E::CollabAgentInteractionEnd
                | E::CollabWaitingBegin
                | E::CollabWaitingEnd
                | E::CollabCloseBegin
                | E::CollabCloseEnd
                | E::CollabResumeBegin
                | E::CollabResumeEnd
                | E::SubAgentActivity
                | E::TokenCount
                | E::ThreadGoalUpdated
                | E::ThreadNameUpdated
                | E::ThreadSettingsApplied
        ),
        // Of what is not known, it is at least known whether it is whole.
        Kind::Response(R::Message)
        | Kind::SessionMeta
        | Kind::TurnContext
        | Kind::Compacted
        | Kind::WorldState
        | Kind::TokenUsageRecord
        | Kind::InterAgentCommunication
        | Kind::InterAgentCommunicationMetadata
        | Kind::Unknown
        | Kind::OtherResponse => true,
        _ => false,
    }
}

/// Of a tag nobody knows, a diagnostic keeps this much.
const TAG_CHARS_MAX: usize = 200;

/// The note that a record of unknown kind deserves.
fn unknown_note(record: &Record<'_>) -> Option<DiagnosticKind> {
    matches!(record.kind, Kind::Unknown | Kind::OtherResponse).then(|| {
        let tag = record.tags().chars().take(TAG_CHARS_MAX).collect();
        DiagnosticKind::Unknown { tag }
    })
}

fn repaired(span: Span, repair: Repair) -> (Span, DiagnosticKind) {
    (span, DiagnosticKind::Repaired(repair))
}
