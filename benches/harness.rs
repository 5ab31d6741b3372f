//! Contenders side by side: interleaved rounds, medians with their spread, ratios to one of them.
//!
//! Every contender of a table does the same work under the same promise, in turn, round after
//! round, each time in an empty directory of its own. The ratio of a line is the median of its
//! ratios within the rounds, so that a machine that slows down for a while slows down both.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use schwabot::measure::Reached;
use schwabot::measure::suite::Line;

use crate::publish::Comparison;

/// What a contender's work may end with.
pub(crate) type Done = Result<Reached, Box<dyn std::error::Error>>;
type Work<'a> = Box<dyn FnMut(&Path) -> Done + 'a>;

/// A name and the work behind it.
pub(crate) struct Contender<'a> {
    name: &'static str,
    work: Work<'a>,
}

/// One thing that is measured.
pub(crate) struct Table<'a> {
    title: &'static str,
    unit: &'static str,
    contenders: Vec<Contender<'a>>,
    /// Who is compared with whom, and what was aimed at.
    beside: Vec<(&'static str, &'static [&'static str], &'static str)>,
    /// Bytes of memory that are touched before each work: see [`touch_memory`].
    touched_bytes: usize,
}

/// What came out of a table.
pub(crate) struct Outcome {
    pub(crate) title: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) lines: Vec<Line>,
    pub(crate) comparisons: Vec<Comparison>,
}

impl<'a> Table<'a> {
    pub(crate) fn new(title: &'static str, unit: &'static str) -> Self {
        Self { title, unit, contenders: Vec::new(), beside: Vec::new(), touched_bytes: 0 }
    }

    /// The work writes so many bytes through the page cache.
    pub(crate) fn writing(mut self, bytes: u64) -> Self {
        self.touched_bytes = usize::try_from(bytes).unwrap_or(0);
        self
    }

    pub(crate) fn with<E: Into<Box<dyn std::error::Error>>>(
        mut self,
        name: &'static str,
        mut work: impl FnMut(&Path) -> Result<Reached, E> + 'a,
    ) -> Self {
        let work: Work<'a> = Box::new(move |dir| work(dir).map_err(Into::into));
        self.contenders.push(Contender { name, work });
        self
    }

    /// A contender is to be told beside others, the best of them in each round; `aim` is what was
    /// aimed at. Without others its own rate is told.
    pub(crate) fn beside(
        mut self,
        who: &'static str,
        others: &'static [&'static str],
        aim: &'static str,
    ) -> Self {
        self.beside.push((who, others, aim));
        self
    }

    /// Runs all rounds and prints what came out; nothing where no word asked for this table.
    pub(crate) fn run(mut self, run: &mut Run) {
        if !run.wants(self.title) {
            return;
        }
        let mut reached: Vec<Vec<Reached>> = vec![Vec::new(); self.contenders.len()];
        for _ in 0..run.rounds {
            for (rounds, contender) in reached.iter_mut().zip(&mut self.contenders) {
                touch_memory(self.touched_bytes);
                let dir = run.empty_dir();
                let done = (contender.work)(dir.path());
                rounds.push(done.unwrap_or_else(|error| panic!("{}: {error}", contender.name)));
            }
        }
        let named = self.contenders.iter().zip(&reached);
        let lines = named.map(|(one, rounds)| Line::of(one.name, rounds, &reached[0])).collect();
        let names: Vec<&str> = self.contenders.iter().map(|one| one.name).collect();
        let comparisons = self.beside.iter();
        let comparisons = comparisons
            .map(|(who, others, aim)| Comparison::new(who, others, aim, &names, &reached))
            .collect();
        let outcome = Outcome { title: self.title, unit: self.unit, lines, comparisons };
        println!("{}", outcome.text());
        run.outcomes.push(outcome);
    }
}

impl Outcome {
    fn text(&self) -> String {
        let mut text = format!("\n{} ({})\n", self.title, self.unit);
        for line in &self.lines {
            let Line { name, records_per_second, least, most, .. } = line;
            let ratio = line.ratio();
            let _ = write!(
                text,
                "  {name:<44} {records_per_second:>12} [{least:>11} .. {most:>11}] {ratio:>6}"
            );
            if let Some([half, most, last]) = line.waits_micros {
                let _ = write!(text, "   p50 {half} p99 {most} p99.9 {last} us");
            }
            text.push('\n');
        }
        text
    }
}

/// How this run is done, and what came out so far.
pub(crate) struct Run {
    pub(crate) smoke: bool,
    /// What comes out goes into the documents, too.
    pub(crate) publishes: bool,
    rounds: usize,
    /// Words that pick tables by their title.
    words: Vec<String>,
    place: PathBuf,
    pub(crate) outcomes: Vec<Outcome>,
}

impl Run {
    /// As the arguments say: `--smoke`, `--publish`, `--rounds N`, `--dir DIR`, words.
    pub(crate) fn from_arguments() -> Self {
        let mut run = Self {
            smoke: false,
            publishes: false,
            rounds: 7,
            words: Vec::new(),
            // Beside the build, on the disk the project lies on: a RAM disk would prove nothing.
            place: PathBuf::from(env!("CARGO_TARGET_TMPDIR")),
            outcomes: Vec::new(),
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--smoke" | "--test" => (run.smoke, run.rounds) = (true, 1),
                "--publish" => run.publishes = true,
                "--rounds" => {
                    run.rounds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(7);
                }
                "--dir" => run.place = arguments.next().map_or(run.place, PathBuf::from),
                flag if flag.starts_with("--") => {}
                _ => run.words.push(argument),
            }
        }
        // A part of the tables would push the others out of the documents.
        assert!(!run.publishes || run.words.is_empty() && !run.smoke, "only a whole run publishes");
        println!("{}", run.conditions());
        run
    }

    /// One of the two, for a smoke run and for a whole one.
    pub(crate) fn size(&self, small: u64, whole: u64) -> u64 {
        if self.smoke { small } else { whole }
    }

    /// Machine, file system, rounds.
    pub(crate) fn conditions(&self) -> String {
        format!("{}, {} rounds", machine(&self.place), self.rounds)
    }

    fn wants(&self, title: &str) -> bool {
        self.words.is_empty() || self.words.iter().any(|word| title.contains(word.as_str()))
    }

    /// An empty directory for what a table needs; none where no word asked for it.
    pub(crate) fn place_for(&self, title: &str) -> Option<tempfile::TempDir> {
        self.wants(title).then(|| self.empty_dir())
    }

    fn empty_dir(&self) -> tempfile::TempDir {
        tempfile::tempdir_in(&self.place).unwrap()
    }
}

/// Touches so much memory and gives it back. On a virtual machine memory that was given back to
/// the host costs ten times as much at its first touch; without this the first contender pays.
fn touch_memory(bytes: usize) {
    let mut memory = vec![0_u8; bytes];
    for page in memory.chunks_mut(4096) {
        page[0] = 1;
    }
    std::hint::black_box(&memory);
}

/// Processor, cores, and the file system under a directory with its mount options.
fn machine(place: &Path) -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpus = read("/proc/cpuinfo");
    let cpu =
        cpus.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("a processor");
    let cpu = cpu.trim_start_matches(['\t', ' ', ':']);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let place = place.canonicalize().unwrap_or_else(|_| place.to_owned());
    // device, mount point, file system, options
    let mounts = read("/proc/mounts");
    let mount = mounts
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            let (_, at, kind, options) =
                (words.next()?, words.next()?, words.next()?, words.next()?);
            place.starts_with(at).then_some((at.len(), kind, options))
        })
        .max_by_key(|(length, ..)| *length);
    let disk = mount.map_or_else(String::new, |(_, kind, how)| format!(", {kind} ({how})"));
    format!("{cpu}, {cores} cores{disk}")
}
