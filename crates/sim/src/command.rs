//! The command line of the simulator: what is asked, and doing it with several threads, each with one
//! schedule at a time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tram_sim::land::Court;
use tram_sim::model::Wrong;
use tram_sim::plan::Plan;
use tram_sim::plant::Plant;
use tram_sim::shrink::{shrink, with_steps};
use tram_sim::world::{Options, Report, Stats, run};

/// How it is used.
const USAGE: &str =
    "tram-sim [--schedules N] [--minutes M] [--seed S] [--jobs J] [--repeat-every R]
         [--only SEED [--keep I,J,…]] [--trace] [--plant BUG] [--json] [--packet]

  --schedules N      stop after so many schedules (5000)
  --minutes M        stop after so many minutes, whichever is first
  --seed S           the first seed (1); schedule i has seed S + i
  --jobs J           threads (as many as there are processors)
  --repeat-every R   run every R-th schedule twice and compare the traces (50)
  --only SEED        run one schedule; with --keep only these of its steps
  --trace            print its trace
  --plant BUG        plant a bug and stop at the first schedule that shows it
  --json             the last line as JSON
  --packet           packet by packet, over real QUIC (without --keep; of the plants only
                     answer-before-sync)";

/// What people type to run it, in the folder of the project.
const COMMAND: &str = "cargo run --release -p tram-sim --";
/// Between two lines of progress.
const PROGRESS: Duration = Duration::from_secs(10);
/// So many failing schedules are made small and shown.
const EXPLAINED_MAX: usize = 3;
/// Fewer schedules with fewer repeats than this prove nothing about determinism.
const REPEAT_EVERY: u64 = 50;

/// What was asked.
pub(crate) struct Asked {
    schedules: u64,
    minutes: Option<f64>,
    seed: u64,
    jobs: usize,
    repeat_every: u64,
    only: Option<u64>,
    keep: Option<Vec<usize>>,
    trace: bool,
    plant: Option<Plant>,
    json: bool,
    packet: bool,
}

/// What all threads share.
struct Shared {
    next: AtomicU64,
    stop: AtomicBool,
    total: Mutex<Total>,
}

#[derive(Default)]
struct Total {
    stats: Stats,
    broken: Vec<Report>,
    wrong: [u64; Wrong::ALL.len()],
    different: u64,
    panicked: u64,
}

impl Asked {
    /// Reads the arguments.
    pub(crate) fn read(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let jobs = std::thread::available_parallelism().map_or(1, usize::from);
        let mut asked = Asked {
            schedules: 5_000,
            minutes: None,
            seed: 1,
            jobs,
            repeat_every: REPEAT_EVERY,
            only: None,
            keep: None,
            trace: false,
            plant: None,
            json: false,
            packet: false,
        };
        let mut limited = false;
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value\n{USAGE}"));
            let bad = |what: &str| format!("{arg}: {what:?} is no number\n{USAGE}");
            let number = |text: String| text.parse::<u64>().map_err(|_| bad(&text));
            match arg.as_str() {
                "--schedules" => {
                    asked.schedules = number(value()?)?;
                    limited = true;
                }
                "--minutes" => {
                    let text = value()?;
                    asked.minutes = Some(text.parse().map_err(|_| bad(&text))?);
                    if !limited {
                        asked.schedules = u64::MAX;
                    }
                }
                "--seed" => asked.seed = number(value()?)?,
                "--jobs" => asked.jobs = number(value()?)?.clamp(1, 256) as usize,
                "--repeat-every" => asked.repeat_every = number(value()?)?.max(1),
                "--only" => asked.only = Some(number(value()?)?),
                "--keep" => {
                    let text = value()?;
                    let steps = text.split(',').filter(|s| !s.is_empty()).map(str::parse);
                    asked.keep = Some(steps.collect::<Result<_, _>>().map_err(|_| bad(&text))?);
                }
                "--trace" => asked.trace = true,
                "--plant" => asked.plant = Some(value()?.parse().map_err(|e| format!("{e}"))?),
                "--json" => asked.json = true,
                "--packet" => asked.packet = true,
                _ => return Err(USAGE.to_owned()),
            }
        }
        Ok(asked)
    }

    fn options(&self) -> Options {
        Options { plant: self.plant, trace: self.trace }
    }

    /// Does it.
    pub(crate) fn carry_out(&self) -> ExitCode {
        if self.packet {
            return crate::packets::carry_out(&self.packets(), self.json);
        }
        match self.only {
            Some(seed) => self.one(seed),
            None => self.many(),
        }
    }

    fn packets(&self) -> tram_sim::packet::Options {
        tram_sim::packet::Options {
            schedules: self.schedules,
            seed: self.seed,
            only: self.only,
            trace: self.trace,
            repeat_every: self.repeat_every,
            time_max: self.minutes.map(|m| Duration::from_secs_f64(m * 60.0)),
            jobs: self.jobs,
            plant: self.plant,
        }
    }

    fn one(&self, seed: u64) -> ExitCode {
        let whole = Plan::of(seed);
        let plan = match &self.keep {
            Some(keep) => with_steps(&whole, keep),
            None => whole,
        };
        println!(
            "seed {seed}: {} nodes, {} orders, {} steps",
            plan.places.len(),
            plan.orders.len(),
            plan.steps.len()
        );
        for (i, step) in plan.steps.iter().enumerate() {
            println!("  {i:>3}  {step}");
        }
        let report = run(&plan, &Court::new(), self.options());
        report.trace.iter().for_each(|line| println!("{line}"));
        report.violations.iter().for_each(|v| println!("VIOLATION {v}"));
        println!("{} trace={:016x}", report.stats, report.trace_hash);
        if report.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn many(&self) -> ExitCode {
        let began = Instant::now();
        let shared = Shared {
            next: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            total: Mutex::default(),
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..self.jobs).map(|_| scope.spawn(|| self.work(&shared, began))).collect();
            let mut told = Instant::now();
            while !threads.iter().all(|t| t.is_finished()) {
                std::thread::sleep(Duration::from_millis(50));
                if told.elapsed() >= PROGRESS {
                    told = Instant::now();
                    eprintln!("{}", self.last_line(&lock(&shared.total), began));
                }
            }
        });
        let total = lock(&shared.total);
        for report in &total.broken {
            for v in report.violations.iter().take(3) {
                println!("seed {}: {v}", report.seed);
            }
        }
        for report in total.broken.iter().take(EXPLAINED_MAX) {
            self.explain(report);
        }
        let few = total.stats.too_few();
        if self.plant.is_none() && !few.is_empty() {
            println!("too little was injected: {}", few.join(", "));
        }
        println!("{}", self.last_line(&total, began));
        if let Some(plant) = self.plant {
            let caught = total.broken.first();
            let words = caught.map_or("NOT CAUGHT".to_owned(), |r| {
                let first = r.violations.first().map_or(String::new(), ToString::to_string);
                format!("caught by schedule {} (seed {}): {first}", r.seed - self.seed + 1, r.seed)
            });
            println!("plant {}: {words}", plant.word());
            return if caught.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
        let same = total.different == 0 && total.panicked == 0;
        let clean = total.broken.is_empty() && same && few.is_empty();
        if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    /// One thread: schedule after schedule.
    fn work(&self, shared: &Shared, began: Instant) {
        let mut court = Court::new();
        let limit = self.minutes.map(|m| Duration::from_secs_f64(m * 60.0));
        while !shared.stop.load(Ordering::Relaxed) && limit.is_none_or(|l| began.elapsed() < l) {
            let i = shared.next.fetch_add(1, Ordering::Relaxed);
            if i >= self.schedules {
                return;
            }
            let plan = Plan::of(self.seed.wrapping_add(i));
            let whole = || self.judged(&plan, &court, i.is_multiple_of(self.repeat_every));
            let Ok((report, different)) = catch_unwind(AssertUnwindSafe(whole)) else {
                // Nothing of it is counted, and what it left half done is not used again.
                println!("seed {}: panicked\n{}", plan.seed, self.replay(plan.seed));
                lock(&shared.total).panicked += 1;
                court = Court::new();
                continue;
            };
            if different {
                println!("seed {}: another trace the second time", plan.seed);
                println!("{}", self.replay(plan.seed));
            }
            let broken = !report.violations.is_empty();
            if self.plant.is_some() && broken {
                shared.stop.store(true, Ordering::Relaxed);
            }
            let mut total = lock(&shared.total);
            total.stats.add(&report.stats);
            total.different += u64::from(different);
            if broken {
                for (n, wrong) in total.wrong.iter_mut().zip(Wrong::ALL) {
                    *n += u64::from(report.violations.iter().any(|v| v.wrong == wrong));
                }
                total.broken.push(report);
                total.broken.sort_by_key(|r| r.seed);
                total.broken.truncate(32);
            }
        }
    }

    /// One schedule, run twice if so asked: what became of it, and whether the traces differ.
    fn judged(&self, plan: &Plan, court: &Court, twice: bool) -> (Report, bool) {
        let mut report = run(plan, court, self.options());
        if !twice {
            return (report, false);
        }
        let again = run(plan, court, self.options());
        report.stats.repeated += 1;
        let different = again.trace_hash != report.trace_hash;
        (report, different)
    }

    /// The line that shows a schedule again.
    fn replay(&self, seed: u64) -> String {
        let plant = self.plant.map_or(String::new(), |p| format!(" --plant {}", p.word()));
        format!("replay: {COMMAND} --only {seed}{plant} --trace")
    }

    /// How to see a failing schedule again, and what is left of it when it is made small.
    fn explain(&self, report: &Report) {
        println!("{}", self.replay(report.seed));
        if self.plant.is_some() {
            return;
        }
        let plan = Plan::of(report.seed);
        let Some((keep, small)) = shrink(&plan, &Court::new(), self.options()) else { return };
        let steps: Vec<String> = keep.iter().map(usize::to_string).collect();
        let (seed, steps) = (report.seed, steps.join(","));
        println!("smaller: {COMMAND} --only {seed} --keep {steps} --trace");
        keep.iter().for_each(|i| println!("  {i:>3}  {}", plan.steps[*i]));
        let from = small.trace.len().saturating_sub(60);
        small.trace[from..].iter().for_each(|line| println!("  {line}"));
    }

    fn last_line(&self, total: &Total, began: Instant) -> String {
        let mut pairs: Vec<(String, u64)> = vec![("schedules".into(), total.stats.schedules)];
        pairs.extend(Wrong::ALL.iter().zip(total.wrong).map(|(w, n)| (w.word().to_owned(), n)));
        pairs.push(("different_traces".into(), total.different));
        pairs.push(("panicked".into(), total.panicked));
        let rest = total.stats.all().into_iter().filter(|(name, _)| *name != "schedules");
        pairs.extend(rest.map(|(name, n)| (name.to_owned(), n)));
        pairs.push(("crashes".into(), total.stats.crashes()));
        pairs.push(("virtual_hours".into(), total.stats.virtual_ms / 3_600_000));
        pairs.push(("seed".into(), self.seed));
        pairs.push(("jobs".into(), self.jobs as u64));
        pairs.push(("elapsed_s".into(), began.elapsed().as_secs()));
        let words = |(name, n): &(String, u64)| match self.json {
            true => format!("\"{name}\":{n}"),
            false => format!("{name}={n}"),
        };
        let words: Vec<String> = pairs.iter().map(words).collect();
        match self.json {
            true => format!("{{{}}}", words.join(",")),
            false => words.join(" "),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
