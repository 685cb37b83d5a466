//! Tables for people: columns as wide as what stands in them.

use std::fmt;

use jiff::Timestamp;

/// Rows under headings.
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new<const N: usize>(headings: [&str; N]) -> Self {
        Self { rows: vec![headings.map(str::to_owned).to_vec()] }
    }

    /// With as many columns as it turns out.
    pub(super) fn of(headings: Vec<String>) -> Self {
        Self { rows: vec![headings] }
    }

    pub(super) fn cells(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    pub(super) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.to_vec());
    }

    /// The table, or `otherwise` where it has no row.
    pub(super) fn or(&self, otherwise: &str) -> String {
        if self.rows.len() > 1 { self.to_string() } else { otherwise.to_owned() }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width =
            |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
        let columns = self.rows[0].len();
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &self.rows {
            let (last, others) = row.split_last().expect("a table has a column");
            for (cell, width) in others.iter().zip(&widths) {
                write!(f, "{cell:width$}  ")?;
            }
            writeln!(f, "{last}")?;
        }
        Ok(())
    }
}

/// Facts under one another, each with its name.
pub(super) fn facts<const N: usize>(facts: [(&str, String); N]) -> String {
    let width = facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let line = |(name, fact): (&str, String)| {
        let fact = fact.trim_end().replace('\n', &format!("\n{:width$}  ", ""));
        format!("{name:width$}  {fact}\n")
    };
    facts.map(|fact| if fact.1.is_empty() { String::new() } else { line(fact) }).concat()
}

/// A moment to the second, which is enough for people.
pub(super) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A text that fits a column.
pub(super) fn short(text: &str) -> String {
    match text.char_indices().nth(MOST_IN_A_COLUMN) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
    }
}

const MOST_IN_A_COLUMN: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_in_any_script() {
        let mut table = Table::new(["ID", "NAME"]);
        table.row(["орталық".into(), "a".into()]);
        table.row(["b".into(), "c".into()]);
        assert_eq!(table.to_string(), "ID       NAME\nорталық  a\nb        c\n");
    }
}
