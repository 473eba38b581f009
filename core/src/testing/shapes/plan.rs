//! What real rollouts look like (REAL.md), as a plan that steers the generator.
//!
//! Shares are met at every length by steering, not by luck: a kind is *due* when it lags behind
//! its share, sizes walk evenly through the quantiles of their kind, and what a kind is behind
//! in bytes is added to its next lines.

use crate::testing::prng::Prng;

/// The kinds whose number, and mostly size, is steered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    FunctionCallOutput,
    SessionMeta,
    Message,
    Reasoning,
    TurnContext,
    CustomToolCallOutput,
    TokenCount,
    FunctionCall,
    CustomToolCall,
    AgentMessage,
    UserMessage,
    TaskComplete,
    PatchApplyEnd,
    ExecCommandEnd,
    WorldState,
    Compacted,
    ThreadSettingsApplied,
    AgentReasoning,
    McpToolCallEnd,
    WebSearchCall,
    WebSearchEnd,
    GuardianAssessment,
    TurnAborted,
    ThreadRolledBack,
    GhostSnapshot,
    ThreadNameUpdated,
    ToolSearch,
    ItemCompleted,
    Collab,
    Error,
    Delivery,
    Rarity,
}

/// A point of a size distribution: share of the lines in millionths, bytes.
type Point = (u64, u64);

/// One kind of REAL.md: its lines and bytes in the measured corpus, and the sizes of its lines
/// where they are drawn. An empty list means that the fields of the record make its size.
struct Row {
    lines: u64,
    bytes: u64,
    points: &'static [Point],
}

const CORPUS_BYTES: u64 = 317_230_475;
/// Lines of `token_count`, which ends every step: the measure that other kinds are due by.
const STEP_LINES: u64 = 19_927;
/// Kinds with at least this many lines come in bursts; rarer ones keep to their share closely.
const BURST_LINES: u64 = 2_000;
/// The longest line that was measured: a user message with an image.
const LUMP_BYTES_MAX: u64 = 1_199_693;

const fn row(lines: u64, share_permille: u64, points: &'static [Point]) -> Row {
    Row { lines, bytes: CORPUS_BYTES / 1000 * share_permille, points }
}

#[rustfmt::skip]
const fn plan_of(kind: Kind) -> Row {
    match kind {
        Kind::FunctionCallOutput => row(16_277, 362, &[(0, 260), (250_000, 850), (500_000, 2_190), (750_000, 6_200), (900_000, 19_565), (990_000, 46_091), (999_000, 60_000), (1_000_000, 186_669)]),
        Kind::SessionMeta => row(1_853, 114, &[(0, 17_800), (500_000, 19_109), (900_000, 21_278), (990_000, 22_378), (1_000_000, 27_086)]),
        // Sizes of the injected messages only: the others repeat the text of an event.
        Kind::Message => row(16_244, 93, &[(0, 500), (500_000, 1_800), (800_000, 6_000), (930_000, 29_742), (1_000_000, 42_000)]),
        Kind::Reasoning => row(13_652, 92, &[(0, 420), (250_000, 1_050), (500_000, 1_560), (900_000, 3_117), (990_000, 9_048), (999_000, 16_000), (1_000_000, 48_271)]),
        Kind::TurnContext => row(5_745, 79, &[(0, 900), (250_000, 1_400), (500_000, 1_916), (750_000, 5_761), (900_000, 12_000), (990_000, 13_172), (1_000_000, 33_977)]),
        Kind::CustomToolCallOutput => row(4_092, 70, &[(0, 300), (500_000, 534), (750_000, 3_000), (900_000, 16_482), (990_000, 45_708), (1_000_000, 57_642)]),
        Kind::TokenCount => row(STEP_LINES, 45, &[]),
        Kind::FunctionCall => row(16_283, 34, &[(0, 330), (500_000, 598), (900_000, 640), (990_000, 2_400), (999_000, 3_600), (1_000_000, 23_022)]),
        Kind::CustomToolCall => row(4_106, 22, &[(0, 400), (500_000, 1_092), (900_000, 1_198), (990_000, 10_814), (1_000_000, 58_323)]),
        // Sizes of commentary only: the final answer repeats the text of `task_complete`.
        Kind::AgentMessage => row(10_892, 20, &[(0, 150), (500_000, 330), (900_000, 400), (990_000, 1_500), (1_000_000, 3_000)]),
        // What these sizes leave of the share goes into a few large images.
        Kind::UserMessage => row(3_027, 16, &[(0, 220), (500_000, 500), (900_000, 1_500), (990_000, 10_000), (999_000, 15_241), (1_000_000, 20_000)]),
        Kind::TaskComplete => row(2_675, 11, &[(0, 230), (500_000, 1_158), (900_000, 1_813), (990_000, 4_440), (1_000_000, 11_960)]),
        Kind::PatchApplyEnd => row(1_358, 11, &[(0, 430), (500_000, 1_508), (900_000, 3_040), (990_000, 15_307), (1_000_000, 54_676)]),
        Kind::ExecCommandEnd => row(813, 8, &[(0, 700), (500_000, 1_628), (900_000, 6_372), (990_000, 11_720), (1_000_000, 13_357)]),
        Kind::WorldState => row(333, 7, &[(0, 260), (300_000, 400), (400_000, 7_500), (500_000, 8_368), (900_000, 11_791), (990_000, 14_821), (1_000_000, 15_580)]),
        Kind::Compacted => row(41, 5, &[(0, 3_000), (500_000, 44_116), (900_000, 54_938), (990_000, 84_000), (1_000_000, 84_927)]),
        Kind::ThreadSettingsApplied => row(879, 5, &[(0, 1_400), (500_000, 1_625), (900_000, 2_392), (990_000, 2_485), (1_000_000, 2_596)]),
        Kind::McpToolCallEnd => row(43, 2, &[(0, 700), (500_000, 2_963), (900_000, 22_273), (990_000, 141_631), (1_000_000, 141_631)]),
        Kind::AgentReasoning => row(2_846, 2, &[]),
        Kind::WebSearchCall => row(322, 0, &[]),
        Kind::WebSearchEnd => row(87, 0, &[]),
        Kind::GuardianAssessment => row(108, 0, &[]),
        Kind::TurnAborted => row(154, 0, &[]),
        Kind::ThreadRolledBack => row(85, 0, &[]),
        Kind::GhostSnapshot => row(47, 0, &[]),
        Kind::ThreadNameUpdated => row(15, 0, &[]),
        Kind::ToolSearch => row(11, 0, &[]),
        Kind::ItemCompleted => row(10, 0, &[]),
        Kind::Collab => row(7, 0, &[]),
        Kind::Error => row(5, 0, &[]),
        Kind::Delivery => row(4, 0, &[]),
        Kind::Rarity => row(4, 0, &[]),
    }
}

/// How many kinds there are.
const KINDS: usize = Kind::Rarity as usize + 1;

/// Bytes at a quantile in millionths, by straight lines between the points.
fn at_quantile(points: &[Point], quantile: u64) -> u64 {
    let mut last = points.first().copied().unwrap_or_default();
    for &(share, bytes) in points {
        if share >= quantile {
            let width = (share - last.0).max(1);
            return last.1 + (bytes - last.1) * (quantile - last.0) / width;
        }
        last = (share, bytes);
    }
    last.1
}

/// Progress of one kind.
#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    lines: u64,
    bytes: u64,
    draws: u64,
    phase: u64,
    /// How far behind, in lines times [`STEP_LINES`], the kind must be for its next line.
    threshold: i64,
}

/// The steering wheel of one file.
#[derive(Debug)]
pub(super) struct Plan {
    progress: [Progress; KINDS],
    /// A lump of bytes is paid as soon as this much is owed.
    lump_bytes: u64,
}

impl Plan {
    pub(super) fn new(rng: &mut Prng, len_bytes: u64) -> Self {
        let mut progress = [Progress::default(); KINDS];
        for slot in &mut progress {
            slot.phase = rng.next_u64();
            slot.threshold = rng.below(STEP_LINES) as i64;
        }
        // At most a twelfth of the kind's bytes in one line, so that short files keep their shares.
        let user = plan_of(Kind::UserMessage);
        let planned = user.bytes / 1000 * (len_bytes / 1000) / (CORPUS_BYTES / 1_000_000);
        let lump_bytes = (planned / 12).clamp(40_000, LUMP_BYTES_MAX);
        Self { progress, lump_bytes }
    }

    fn slot(&mut self, kind: Kind) -> Option<&mut Progress> {
        self.progress.get_mut(kind as usize)
    }

    fn lines(&self, kind: Kind) -> u64 {
        self.progress.get(kind as usize).map_or(0, |slot| slot.lines)
    }

    /// Notes a line that was written.
    pub(super) fn wrote(&mut self, rng: &mut Prng, kind: Kind, len: usize) {
        let bursts = plan_of(kind).lines >= BURST_LINES;
        if let Some(slot) = self.slot(kind) {
            slot.lines += 1;
            slot.bytes += len as u64;
            let step = STEP_LINES as i64;
            let spread = rng.below(STEP_LINES * if bursts { 4 } else { 1 }) as i64;
            slot.threshold = if bursts { spread - step * 3 / 2 } else { spread };
        }
    }

    /// Whether the kind lags behind its share of lines.
    pub(super) fn is_due(&self, kind: Kind) -> bool {
        let Some(slot) = self.progress.get(kind as usize) else { return false };
        let planned = self.lines(Kind::TokenCount) * plan_of(kind).lines;
        planned as i64 - (slot.lines * STEP_LINES) as i64 > slot.threshold
    }

    /// Bytes for the next line of the kind.
    pub(super) fn next_len(&mut self, kind: Kind) -> usize {
        let row = plan_of(kind);
        let lump_bytes = self.lump_bytes;
        let Some(slot) = self.slot(kind) else { return 0 };
        // Odd multiples of the golden ratio: each kind walks its quantiles in its own order.
        slot.draws += 1;
        let stride = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(2 * kind as u64 + 1);
        slot.phase = slot.phase.wrapping_add(stride);
        let quantile = ((slot.phase >> 32) * 1_000_000) >> 32;
        let len = at_quantile(row.points, quantile);
        let owed = (row.bytes * slot.lines / row.lines) as i64 - slot.bytes as i64;
        if kind == Kind::UserMessage {
            return (if owed >= lump_bytes as i64 { lump_bytes } else { len }) as usize;
        }
        let limit = (len / 5) as i64;
        (len as i64 + (owed / 4).clamp(-limit, limit)) as usize
    }

    /// How many steps the next turn takes.
    pub(super) fn steps(&mut self, rng: &mut Prng) -> u64 {
        let points = [(0, 1), (500_000, 5), (900_000, 12), (990_000, 30), (1_000_000, 60)];
        at_quantile(&points, rng.below(1_000_000)).max(1)
    }
}
