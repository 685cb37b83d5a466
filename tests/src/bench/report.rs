//! What the samples say: a table a case, ratios round by round, and the aims.

use std::fmt::Write as _;

use serde::Serialize;

use super::measure::Sample;

/// All samples of one case: `rounds[r][p]` is the peer `p` in round `r`.
#[derive(Debug, Serialize)]
pub struct Series {
    /// The case.
    pub case: &'static str,
    /// The peers; the first is what the others are divided by.
    pub peers: Vec<&'static str>,
    /// The samples.
    pub rounds: Vec<Vec<Sample>>,
}

impl Series {
    /// Returns how many calls went wrong.
    pub fn faults(&self) -> usize {
        self.rounds.iter().flatten().map(|sample| sample.faults).sum()
    }

    /// Returns what happened to the first call that went wrong.
    pub fn first_fault(&self) -> Option<&str> {
        self.rounds.iter().flatten().find_map(|sample| sample.first_fault.as_deref())
    }

    /// Returns the table: a line a peer with the medians, a line for each other peer with its ratios.
    pub fn table(&self) -> String {
        let shown: Vec<&Metric> =
            METRICS.iter().filter(|metric| self.values(metric, 0).next().is_some()).collect();
        let mut text = format!("{:<24}", self.case);
        for metric in &shown {
            let _ = write!(text, "{:>20}", metric.name);
        }
        for (at, peer) in self.peers.iter().enumerate() {
            let _ = write!(text, "\n  {peer:<22}");
            for metric in &shown {
                let value = median(self.values(metric, at)).map_or("-".to_owned(), number);
                let _ = write!(text, "{value:>20}");
            }
        }
        for (at, peer) in self.peers.iter().enumerate().skip(1) {
            let _ = write!(text, "\n  {:<22}", format!("{peer} ÷ {}", self.peers[0]));
            for metric in &shown {
                let ratio = self.ratio(metric, at).map_or("-".to_owned(), |ratio| ratio.to_string());
                let _ = write!(text, "{ratio:>20}");
            }
        }
        text
    }

    fn values<'a>(&'a self, metric: &'a Metric, peer: usize) -> impl Iterator<Item = f64> + 'a {
        self.rounds.iter().filter_map(move |round| (metric.of)(round.get(peer)?))
    }

    /// Returns the peer's ratio to the first one. Rounds in which either has no figure do not count.
    fn ratio(&self, metric: &Metric, peer: usize) -> Option<Ratio> {
        let ratios = self.rounds.iter().filter_map(|round| {
            let (ours, theirs) = ((metric.of)(round.get(peer)?)?, (metric.of)(round.first()?)?);
            (theirs > 0.0).then(|| ours / theirs)
        });
        Ratio::of(ratios.collect())
    }
}

/// Per-round ratios: their middle and their ends.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Ratio {
    median: f64,
    least: f64,
    most: f64,
}

impl Ratio {
    fn of(ratios: Vec<f64>) -> Option<Self> {
        let median = median(ratios.iter().copied())?;
        let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        let most = ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Some(Self { median, least, most })
    }
}

impl std::fmt::Display for Ratio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2} [{:.2}..{:.2}]", self.median, self.least, self.most)
    }
}

/// Returns a line for each aim of `PERFORMANCE.md` that the benchmark shows: reached, or missed by how much.
pub fn aims(series: &[Series]) -> String {
    AIMS.iter().fold(String::new(), |mut text, aim| {
        let verdict = aim.reached_by(series).map_or("not measured".to_owned(), |got| aim.verdict(got));
        let _ = writeln!(text, "{:<4} {:<52} {verdict}", aim.name, aim.words);
        text
    })
}

struct Metric {
    name: &'static str,
    of: fn(&Sample) -> Option<f64>,
}

/// An aim for the last peer, in the column "first" of `PERFORMANCE.md`.
struct Aim {
    name: &'static str,
    words: &'static str,
    case: &'static str,
    of: fn(&Sample) -> Option<f64>,
    measure: Measure,
    bound: Bound,
}

enum Measure {
    /// To the first peer's figure.
    Ratio,
    /// The figure itself.
    Absolute,
}

enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Aim {
    fn reached_by(&self, series: &[Series]) -> Option<f64> {
        let series = series.iter().find(|series| series.case == self.case && series.peers.len() > 1)?;
        let (metric, peer) = (Metric { name: self.name, of: self.of }, series.peers.len() - 1);
        match self.measure {
            Measure::Ratio => series.ratio(&metric, peer).map(|ratio| ratio.median),
            Measure::Absolute => median(series.values(&metric, peer)),
        }
    }

    fn verdict(&self, got: f64) -> String {
        let (sign, bound, missing) = match self.bound {
            Bound::AtMost(bound) => ('≤', bound, got - bound),
            Bound::AtLeast(bound) => ('≥', bound, bound - got),
        };
        let verdict =
            if missing <= 0.0 { "reached".to_owned() } else { format!("missed by {}", number(missing)) };
        format!("{} (aim {sign} {}): {verdict}", number(got), number(bound))
    }
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 { Some(upper) } else { Some(f64::midpoint(sorted[sorted.len() / 2 - 1], upper)) }
}

fn number(value: f64) -> String {
    let decimals = if value.abs() < 10.0 { 2 } else { usize::from(value.abs() < 100.0) };
    format!("{value:.decimals$}")
}

const METRICS: [Metric; 9] = [
    Metric { name: "calls/s", of: |sample| sample.calls_per_second },
    Metric { name: "CPU µs a call", of: |sample| sample.cpu_micros },
    Metric { name: "CPU ms a GiB", of: |sample| sample.cpu_ms_a_gib },
    Metric { name: "without SHA-256", of: |sample| sample.unhashed_ms_a_gib },
    Metric { name: "p50 µs", of: |sample| sample.p50_micros },
    Metric { name: "p99 µs", of: |sample| sample.p99_micros },
    Metric { name: "RSS KiB", of: |sample| sample.rss_kib },
    Metric { name: "PSS KiB", of: |sample| sample.pss_kib },
    Metric { name: "KiB a connection", of: |sample| sample.kib_a_connection },
];

const AIMS: [Aim; 13] = [
    Aim {
        name: "G1",
        words: "CPU a GET, 32 connections ÷ nginx",
        case: "get1k-32",
        of: |sample| sample.cpu_micros,
        measure: Measure::Ratio,
        bound: Bound::AtMost(1.25),
    },
    Aim {
        name: "G1",
        words: "CPU a GET, 256 connections ÷ nginx",
        case: "get1k-256",
        of: |sample| sample.cpu_micros,
        measure: Measure::Ratio,
        bound: Bound::AtMost(1.25),
    },
    Aim {
        name: "G3",
        words: "CPU a validated 4 KiB POST ÷ nginx",
        case: "post4k-32",
        of: |sample| sample.cpu_micros,
        measure: Measure::Ratio,
        bound: Bound::AtMost(1.6),
    },
    Aim {
        name: "G4",
        words: "CPU a new connection with one GET ÷ nginx",
        case: "handshake",
        of: |sample| sample.cpu_micros,
        measure: Measure::Ratio,
        bound: Bound::AtMost(0.2),
    },
    Aim {
        name: "G5",
        words: "CPU a GiB fetched, hashed ÷ nginx",
        case: "document-down",
        of: |sample| sample.cpu_ms_a_gib,
        measure: Measure::Ratio,
        bound: Bound::AtMost(1.7),
    },
    Aim {
        name: "G5",
        words: "CPU a GiB fetched, without SHA-256 ÷ nginx",
        case: "document-down",
        of: |sample| sample.unhashed_ms_a_gib,
        measure: Measure::Ratio,
        bound: Bound::AtMost(0.75),
    },
    Aim {
        name: "G5",
        words: "CPU a GiB sent, hashed ÷ nginx",
        case: "document-up",
        of: |sample| sample.cpu_ms_a_gib,
        measure: Measure::Ratio,
        bound: Bound::AtMost(1.7),
    },
    Aim {
        name: "G5",
        words: "CPU a GiB sent, without SHA-256 ÷ nginx",
        case: "document-up",
        of: |sample| sample.unhashed_ms_a_gib,
        measure: Measure::Ratio,
        bound: Bound::AtMost(0.75),
    },
    Aim {
        name: "G7",
        words: "p50 at 2,000 exchanges/s ÷ nginx",
        case: "rate2000",
        of: |sample| sample.p50_micros,
        measure: Measure::Ratio,
        bound: Bound::AtMost(1.5),
    },
    Aim {
        name: "G7",
        words: "p99 at 2,000 exchanges/s ÷ nginx",
        case: "rate2000",
        of: |sample| sample.p99_micros,
        measure: Measure::Ratio,
        bound: Bound::AtMost(1.5),
    },
    Aim {
        name: "G9",
        words: "KiB an idle connection, 1,000 of them",
        case: "idle-1000",
        of: |sample| sample.kib_a_connection,
        measure: Measure::Absolute,
        bound: Bound::AtMost(36.0),
    },
    Aim {
        name: "G9",
        words: "KiB an idle connection, 10,000 of them",
        case: "idle-10000",
        of: |sample| sample.kib_a_connection,
        measure: Measure::Absolute,
        bound: Bound::AtMost(36.0),
    },
    Aim {
        name: "G10",
        words: "exchanges/s, 256 connections ÷ nginx",
        case: "get1k-256",
        of: |sample| sample.calls_per_second,
        measure: Measure::Ratio,
        bound: Bound::AtLeast(1.0),
    },
];

#[cfg(test)]
mod tests {
    use super::super::CASES;
    use super::*;

    fn sample(cpu: f64, rate: f64) -> Sample {
        Sample { cpu_micros: Some(cpu), calls_per_second: Some(rate), ..Sample::default() }
    }

    fn series(peers: Vec<&'static str>, rounds: Vec<Vec<Sample>>) -> Series {
        Series { case: "get1k-256", peers, rounds }
    }

    #[test]
    fn ratio_is_the_median_of_the_rounds_and_not_the_ratio_of_medians() {
        // The machine was half as fast in the second round: its ratio is as good as the others'.
        let rounds = vec![
            vec![sample(10.0, 1.0), sample(12.0, 1.0)],
            vec![sample(20.0, 1.0), sample(22.0, 1.0)],
            vec![sample(10.0, 1.0), sample(20.0, 1.0)],
        ];
        let ratio = series(vec!["nginx", "kelisim"], rounds).ratio(&METRICS[1], 1).unwrap();
        assert_eq!(ratio, Ratio { median: 1.2, least: 1.1, most: 2.0 });
    }

    #[test]
    fn aims_are_reached_missed_or_not_measured() {
        let rounds = vec![vec![sample(10.0, 100.0), sample(15.0, 110.0)]];
        let text = aims(&[series(vec!["nginx", "kelisim"], rounds)]);
        let line = |start: &str| text.lines().find(|line| line.starts_with(start)).unwrap();
        assert!(line("G1   CPU a GET, 256").ends_with("1.50 (aim ≤ 1.25): missed by 0.25"), "{text}");
        assert!(line("G10").ends_with("1.10 (aim ≥ 1.00): reached"), "{text}");
        assert!(line("G3").ends_with("not measured"), "{text}");
    }

    #[test]
    fn nginx_alone_measures_no_aim() {
        let text = aims(&[series(vec!["nginx"], vec![vec![sample(10.0, 100.0)]])]);
        assert!(text.lines().all(|line| line.ends_with("not measured")), "{text}");
    }

    #[test]
    fn every_aim_is_of_a_case_that_exists() {
        for aim in &AIMS {
            assert!(CASES.iter().any(|case| case.name == aim.case), "{}", aim.case);
        }
    }

    #[test]
    fn table_shows_only_what_was_measured() {
        let table = series(vec!["nginx"], vec![vec![sample(10.0, 2.0)], vec![sample(20.0, 4.0)]]).table();
        assert!(table.contains("15.0") && table.contains("3.00"), "{table}");
        assert!(!table.contains("connection"), "{table}");
    }
}
