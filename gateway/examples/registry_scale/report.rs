//! What was measured: rows that a phase prints for the program that began it, and that are shown as tables or as JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One measurement: what was done, and its figures, each named with its unit.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    /// To which table it belongs.
    pub table: Table,
    /// What was done.
    pub what: String,
    /// Figures by column.
    pub figures: BTreeMap<String, f64>,
}

/// A table of rows, with its columns in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Table {
    /// What the estate is.
    Estate,
    /// Starts, and a command's opening of the folder.
    Starts,
    /// How soon a change is in force.
    Changes,
    /// What a decision costs.
    Decisions,
}

impl Table {
    const ALL: [Self; 4] = [Self::Estate, Self::Starts, Self::Changes, Self::Decisions];

    fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Estate => &["agreements", "systems", "events", "registry MiB", "snapshot MiB"],
            Self::Starts => {
                &["wall s", "CPU s", "reading s", "proving s", "book s", "peak RSS MiB", "RSS later MiB"]
            }
            Self::Changes => &["median ms", "longest ms"],
            Self::Decisions => &["median ns", "p99 ns"],
        }
    }
}

impl Row {
    pub fn new(table: Table, what: &str) -> Self {
        Self { table, what: what.to_owned(), figures: BTreeMap::new() }
    }

    /// The same with one figure more; a column that the table does not have is a mistake of whoever measures.
    #[must_use]
    pub fn with(mut self, column: &str, figure: f64) -> Self {
        assert!(self.table.columns().contains(&column), "no column {column}");
        self.figures.insert(column.to_owned(), figure);
        self
    }

    /// For the program that began this phase.
    pub fn say(&self) {
        println!("{}", serde_json::to_string(self).unwrap());
    }
}

/// Tables, as they can be put into a document; of rows about the same the median, with the least and the greatest.
pub fn tables(rows: &[Row]) -> String {
    let mut text = String::new();
    for table in Table::ALL {
        let of_table: Vec<&Row> = rows.iter().filter(|row| row.table == table).collect();
        if of_table.is_empty() {
            continue;
        }
        let columns: Vec<&str> = table.columns().to_vec();
        text.push_str(&format!("| | {} |\n|---|{}\n", columns.join(" | "), "--:|".repeat(columns.len())));
        let mut told: Vec<&str> = Vec::new();
        for row in &of_table {
            if told.contains(&row.what.as_str()) {
                continue;
            }
            told.push(&row.what);
            let cells = columns.iter().map(|column| {
                let same = of_table.iter().filter(|other| other.what == row.what);
                cell(same.filter_map(|other| other.figures.get(*column).copied()).collect())
            });
            text.push_str(&format!("| {} | {} |\n", row.what, cells.collect::<Vec<_>>().join(" | ")));
        }
        text.push('\n');
    }
    text
}

fn cell(mut figures: Vec<f64>) -> String {
    figures.sort_by(f64::total_cmp);
    let (Some(least), Some(greatest)) = (figures.first(), figures.last()) else { return String::new() };
    let median = figures[figures.len() / 2];
    if figures.len() == 1 {
        return number(median);
    }
    format!("{} [{}..{}]", number(median), number(*least), number(*greatest))
}

fn number(figure: f64) -> String {
    if figure < 10.0 && figure.fract() != 0.0 { format!("{figure:.2}") } else { format!("{figure:.0}") }
}

/// What this process used so far.
#[derive(Debug, Clone, Copy)]
pub struct Machine {
    cpu: f64,
    resident_mib: f64,
    most_resident_mib: f64,
}

impl Machine {
    pub fn now() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let mib = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
        };
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
        let after: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        let ticks = |at: usize| after[at].parse::<f64>().unwrap();
        // User and system time, in hundredths of a second wherever Linux runs.
        let cpu = (ticks(11) + ticks(12)) / 100.0;
        Self { cpu, resident_mib: mib("VmRSS"), most_resident_mib: mib("VmHWM") }
    }

    pub fn resident_mib(&self) -> f64 {
        self.resident_mib.round()
    }

    /// A row with what was used since, in `wall` time.
    pub fn spent(&self, what: &str, wall: Duration) -> Row {
        let now = Self::now();
        Row::new(Table::Starts, what)
            .with("wall s", wall.as_secs_f64())
            .with("CPU s", now.cpu - self.cpu)
            .with("peak RSS MiB", now.most_resident_mib.round())
    }
}
