//! The fuzzer's command line: which targets, how long, from which seed, and what becomes of what is found.

use anyhow::{Context, Result, bail};
use clap::Parser;
use skiff_fuzz::{Broken, Finding, Fuzzer, Target, memory, targets};
use std::fs::File;
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// A run of a target may take this long.
const PATIENCE: Duration = Duration::from_secs(5);
/// And this much memory.
const MEMORY: u64 = 512 << 20;
/// Inputs between two looks at memory and clock.
const BATCH: usize = 128;
/// The stack of a server's threads, so that recursion ends here where it would end there.
const STACK: usize = 2 << 20;

/// Feeds broken bytes to decoders
#[derive(Parser, Debug)]
#[command(name = "skiff-fuzz")]
struct Arguments {
    /// Targets to run; all if none is named
    targets: Vec<String>,
    /// Seconds for each target
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Decides the inputs
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Run on the content of this file only
    #[arg(long)]
    input: Option<PathBuf>,
    /// Name the targets and run nothing
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("fuzz: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs what the arguments name; whether nothing was found.
fn run(arguments: &Arguments) -> Result<bool> {
    let chosen = chosen(&arguments.targets)?;
    if arguments.list {
        chosen.iter().for_each(|target| println!("{}", target.name));
        return Ok(true);
    }
    let mut sound = true;
    for target in chosen {
        let thread = std::thread::Builder::new().name(target.name.to_owned()).stack_size(STACK);
        let found = std::thread::scope(|scope| {
            let running = thread.spawn_scoped(scope, || fuzz(target, arguments)).context("start a thread")?;
            running.join().map_err(|_| anyhow::anyhow!("{}: the fuzzer itself panicked", target.name))?
        })?;
        if let Some(finding) = found {
            sound = false;
            report(&finding)?;
        }
    }
    Ok(sound)
}

fn chosen(names: &[String]) -> Result<Vec<&'static Target>> {
    if let Some(unknown) = names.iter().find(|name| targets::all().iter().all(|target| target.name != **name))
    {
        bail!("no target {unknown:?}; --list names them");
    }
    let wanted = |target: &&Target| names.is_empty() || names.iter().any(|name| name == target.name);
    Ok(targets::all().iter().filter(wanted).collect())
}

fn fuzz(target: &'static Target, arguments: &Arguments) -> Result<Option<Finding>> {
    let mut fuzzer = Fuzzer::new(target, arguments.seed, PATIENCE);
    let mut trace = Trace::new(target)?;
    let began = Instant::now();
    let found = match &arguments.input {
        Some(path) => {
            let input = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
            batch(&mut fuzzer, &mut trace, &[input])?
        }
        None => until(&mut fuzzer, &mut trace, began + Duration::from_secs(arguments.seconds))?,
    };
    trace.remove();
    let rate = fuzzer.executions as f64 / began.elapsed().as_secs_f64().max(1e-9);
    println!("{:<24} {:>10} executions {rate:>10.0}/s", target.name, fuzzer.executions);
    Ok(found)
}

/// Seeds first, then what becomes of them.
fn until(fuzzer: &mut Fuzzer<'_>, trace: &mut Trace, end: Instant) -> Result<Option<Finding>> {
    let mut inputs = fuzzer.seeds().to_vec();
    loop {
        if let Some(finding) = batch(fuzzer, trace, &inputs)? {
            return Ok(Some(finding));
        }
        if Instant::now() >= end {
            return Ok(None);
        }
        inputs = (0..BATCH).map(|_| fuzzer.input()).collect();
    }
}

fn batch(fuzzer: &mut Fuzzer<'_>, trace: &mut Trace, inputs: &[Vec<u8>]) -> Result<Option<Finding>> {
    let measure = Measure::begin();
    for input in inputs {
        trace.note(input)?;
        if let Err(finding) = fuzzer.execute(input) {
            return Ok(Some(finding));
        }
    }
    if measure.grown() <= MEMORY {
        return Ok(None);
    }
    // One of them did it: each alone tells which.
    for input in inputs {
        let measure = Measure::begin();
        trace.note(input)?;
        if let Err(finding) = fuzzer.execute(input) {
            return Ok(Some(finding));
        }
        let grown = measure.grown();
        if grown > MEMORY {
            let broken = Broken(format!("it took {} MiB of memory", grown >> 20));
            return Ok(Some(fuzzer.finding(input, broken)));
        }
    }
    Ok(None)
}

fn report(finding: &Finding) -> Result<()> {
    let name = finding.file_name();
    std::fs::write(&name, &finding.input).with_context(|| format!("write {name}"))?;
    eprintln!("{}: {}\n  input: {name} ({} bytes)", finding.target, finding.broken, finding.input.len());
    Ok(())
}

/// Memory from a moment on.
struct Measure {
    before: u64,
}

impl Measure {
    fn begin() -> Self {
        memory::forget_peak();
        Self { before: memory::resident() }
    }

    fn grown(&self) -> u64 {
        memory::peak().saturating_sub(self.before)
    }
}

/// Keeps the input that is running in a file: a stack that overflows ends the process, and nothing else would tell.
struct Trace {
    path: PathBuf,
    file: File,
}

impl Trace {
    fn new(target: &Target) -> Result<Self> {
        let path = Path::new(&format!("fuzz-{}-running", target.name)).to_path_buf();
        let file = File::create(&path).with_context(|| format!("create {}", path.display()))?;
        Ok(Self { path, file })
    }

    fn note(&mut self, input: &[u8]) -> Result<()> {
        self.file.rewind()?;
        self.file.write_all(input)?;
        Ok(self.file.set_len(input.len() as u64)?)
    }

    fn remove(self) {
        // What stays is a file too many in the current directory.
        let _ = std::fs::remove_file(self.path);
    }
}
