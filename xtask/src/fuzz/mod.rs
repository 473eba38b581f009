//! `cargo xtask fuzz`: a swarm that tries to break every law. Each target makes cases from seeds
//! and checks them; a case that breaks a law is made smaller, kept, and can be replayed.

mod case;
mod shrink;
mod swarm;
mod targets;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use self::case::Case;
use self::targets::{TARGETS, Target};

/// Where cases are kept that once failed.
const CRASHERS: &str = "fixtures/crashers";

/// Flags of the command.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How long to go on, over all targets.
    #[arg(long, default_value_t = 10, conflicts_with = "seed")]
    seconds: u64,
    /// Run this seed only.
    #[arg(long)]
    seed: Option<u64>,
    /// The first seed of a run; the same ones come again from it.
    #[arg(long, default_value_t = 1, value_name = "SEED")]
    from: u64,
    /// Only this target: decode, fold, differential, store, library, recorder, roundtrip, bounds.
    /// Can be given more than once. `canary` has a planted fault; each run must find it first.
    #[arg(long, value_name = "NAME")]
    target: Vec<String>,
    /// Run a kept case, or every case of a folder, and nothing else.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seed", "target"])]
    replay: Option<PathBuf>,
    /// Make a kept case as small as it fails, and write it back.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seed", "target", "replay"])]
    minimize: Option<PathBuf>,
    /// Run the seeds that once failed, from a file of lines `TARGET SEED WHY`, and nothing else.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seed", "target", "replay", "minimize"])]
    seeds: Option<PathBuf>,
}

/// Runs what the flags say.
pub(crate) fn run(args: &Args) -> ExitCode {
    let done = match (&args.replay, &args.minimize, &args.seeds) {
        (Some(path), ..) => replay(path),
        (_, Some(path), _) => minimize(path),
        (_, _, Some(path)) => seeds(path),
        _ => chosen(&args.target).and_then(|targets| swarm(args, &targets)),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("fuzz: {error}");
            ExitCode::from(2)
        }
    }
}

fn chosen(names: &[String]) -> Result<Vec<&'static Target>, String> {
    if names.is_empty() {
        return Ok(TARGETS.iter().filter(|target| !target.must_fail).collect());
    }
    names.iter().map(|name| target(name)).collect()
}

fn target(name: &str) -> Result<&'static Target, String> {
    let known = || TARGETS.iter().map(|target| target.name).collect::<Vec<_>>().join(", ");
    let found = TARGETS.iter().find(|target| target.name == name);
    found.ok_or_else(|| format!("no target {name:?}; there are {}", known()))
}

/// What a target did.
#[derive(Default)]
struct Tally {
    runs: u64,
    bytes: u64,
    spent: Duration,
}

/// Runs seeds on every target in turn, each as long as the others, until time is up or one fails.
fn swarm(args: &Args, targets: &[&Target]) -> Result<ExitCode, String> {
    let is_found = find_canary(args)?;
    if !is_found || targets.iter().all(|target| target.must_fail) {
        return Ok(if is_found { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let deadline = Instant::now() + Duration::from_secs(args.seconds);
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut next_seed: BTreeMap<&str, u64> = BTreeMap::new();
    let mut is_first_round = true;
    while is_first_round || Instant::now() < deadline {
        for target in targets {
            // A cheap target gets as much time as a dear one.
            let until = Instant::now() + Duration::from_millis(250);
            loop {
                let next = next_seed.entry(target.name).or_insert(args.seed.unwrap_or(args.from));
                if args.target.is_empty() && *next > target.last_seed {
                    break;
                }
                let case = Case::new(target.name, *next, (target.make)(*next));
                *next += 1;
                let started = Instant::now();
                let checked = check(target, &case);
                let tally = tallies.entry(target.name).or_default();
                tally.runs += 1;
                tally.bytes += case.len_bytes();
                tally.spent += started.elapsed();
                if let Err(broken) = checked {
                    return fail(target, case, &broken);
                }
                if args.seed.is_some() || Instant::now() >= until.min(deadline) {
                    break;
                }
            }
        }
        is_first_round = false;
        if args.seed.is_some() {
            break;
        }
    }
    for (name, Tally { runs, bytes, spent }) in tallies {
        let per_second = runs as f64 / spent.as_secs_f64().max(1e-9);
        println!("{name:<14} {runs:>9} runs  {bytes:>12} bytes  {per_second:>9.1} runs/s");
    }
    println!("no law broken");
    Ok(ExitCode::SUCCESS)
}

/// How many seeds may pass before a planted fault is found.
const CANARY_SEEDS: u64 = 100;

/// Looks for the planted fault: a fuzzer that does not find it checks nothing.
fn find_canary(args: &Args) -> Result<bool, String> {
    let started = Instant::now();
    for target in TARGETS.iter().filter(|target| target.must_fail) {
        let seeds = args.from..args.from.saturating_add(CANARY_SEEDS);
        let fails = |seed: &u64| {
            let case = Case::new(target.name, *seed, (target.make)(*seed));
            check(target, &case).is_err()
        };
        let Some(seed) = seeds.clone().find(fails) else {
            println!("{}: a planted fault was not found by {CANARY_SEEDS} seeds", target.name);
            return Ok(false);
        };
        let runs = seed - args.from + 1;
        println!("{:<14} {runs:>9} runs  found after {:.0?}", target.name, started.elapsed());
    }
    Ok(true)
}

/// Whether a case keeps every law of its target.
fn check(target: &Target, case: &Case) -> Result<(), String> {
    match catch_unwind(AssertUnwindSafe(|| (target.check)(case))) {
        Ok(checked) => checked,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(format!("panic: {}", text.unwrap_or("without a word")))
        }
    }
}

fn fail(target: &Target, case: Case, broken: &str) -> Result<ExitCode, String> {
    println!("{} seed {}: {broken}", target.name, case.seed);
    println!("again: cargo xtask fuzz --target {} --seed {}", target.name, case.seed);
    let small = shrink_quietly(target, case);
    let path = keep(&small).map_err(|error| format!("the case cannot be kept: {error}"))?;
    println!("{} of {} parts: {}", small.parts.len(), target.name, path.display());
    println!("again: cargo xtask fuzz --replay {}", path.display());
    Ok(ExitCode::FAILURE)
}

/// Makes a case smaller. What panics meanwhile is known, and not printed again.
fn shrink_quietly(target: &Target, case: Case) -> Case {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let small = shrink::shrink(case, target.is_text, &|case| check(target, case).is_err());
    std::panic::set_hook(hook);
    small
}

fn keep(case: &Case) -> std::io::Result<PathBuf> {
    let folder = Path::new(CRASHERS);
    std::fs::create_dir_all(folder)?;
    let path = folder.join(format!("{}-{}.case", case.target, case.seed));
    std::fs::write(&path, case.encode())?;
    Ok(path)
}

fn read(path: &Path) -> Result<(Case, &'static Target), String> {
    let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let case = Case::decode(&bytes).ok_or_else(|| format!("{}: is no case", path.display()))?;
    let target = target(&case.target)?;
    Ok((case, target))
}

fn replay(path: &Path) -> Result<ExitCode, String> {
    let mut paths = vec![path.to_owned()];
    if path.is_dir() {
        let in_path = |error| format!("{}: {error}", path.display());
        let entries = std::fs::read_dir(path).map_err(in_path)?;
        paths = entries.flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "case"));
        paths.sort();
    }
    let mut len_broken = 0;
    for path in &paths {
        let (case, target) = read(path)?;
        if let Err(broken) = check(target, &case) {
            println!("{}: {broken}", path.display());
            len_broken += 1;
        }
    }
    println!("{} cases, {len_broken} broken", paths.len());
    Ok(if len_broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn minimize(path: &Path) -> Result<ExitCode, String> {
    let (case, target) = read(path)?;
    if check(target, &case).is_ok() {
        return Err(format!("{}: breaks no law, so there is nothing to keep", path.display()));
    }
    let before = case.len_bytes();
    let small = shrink_quietly(target, case);
    std::fs::write(path, small.encode()).map_err(|error| format!("{}: {error}", path.display()))?;
    println!("{}: {before} bytes, now {}", path.display(), small.len_bytes());
    Ok(ExitCode::SUCCESS)
}

fn seeds(path: &Path) -> Result<ExitCode, String> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let (mut runs, mut len_broken) = (0, 0);
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let malformed = || format!("{}: {line:?} is not TARGET SEED WHY", path.display());
        let mut words = line.split_whitespace();
        let target = target(words.next().ok_or_else(malformed)?)?;
        let seed = words.next().and_then(|seed| seed.parse().ok()).ok_or_else(malformed)?;
        let case = Case::new(target.name, seed, (target.make)(seed));
        runs += 1;
        if let Err(broken) = check(target, &case) {
            println!("{line}: {broken}");
            len_broken += 1;
        }
    }
    println!("{runs} seeds, {len_broken} broken");
    Ok(if len_broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
