//! A table, aligned for a terminal or as Markdown.

use std::fmt::Write as _;

/// Titles and cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    titles: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns and no rows.
    pub fn new(titles: &[&str]) -> Self {
        Self { titles: titles.iter().map(|title| (*title).to_owned()).collect(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn push(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The first column to the left, the others to the right, two blanks between.
    pub fn aligned(&self) -> String {
        self.lines(|cells| {
            let line = cells.join("  ");
            format!("{}\n", line.trim_end())
        })
    }

    /// As Markdown.
    pub fn markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let text = self.lines(line);
        let (titles, rows) = text.split_once('\n').unwrap_or((&text, ""));
        let rules = (0..self.titles.len()).map(|place| if place == 0 { "---" } else { "---:" });
        format!("{titles}\n| {} |\n{rows}", rules.collect::<Vec<_>>().join(" | "))
    }

    fn lines(&self, join: impl Fn(Vec<String>) -> String) -> String {
        let all = || std::iter::once(&self.titles).chain(&self.rows);
        let width =
            |place: usize| all().filter_map(|row| row.get(place)).map(|cell| cell.chars().count()).max();
        let padded = |(place, cell): (usize, &String)| {
            let width = width(place).unwrap_or_default();
            if place == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        };
        let mut text = String::new();
        for row in all() {
            // Writing to a String does not fail.
            let _ = write!(text, "{}", join(row.iter().enumerate().map(padded).collect()));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(&["through", "µs"]);
        table.push(vec!["gate".into(), "1.5 (1–22)".into()]);
        table.push(vec!["a longer way".into(), "–".into()]);
        let aligned = "through               µs\ngate          1.5 (1–22)\na longer way           –\n";
        assert_eq!(table.aligned(), aligned);
        let markdown = "| through      |         µs |\n| --- | ---: |\n| gate         | 1.5 (1–22) |\n\
                        | a longer way |          – |\n";
        assert_eq!(table.markdown(), markdown);
    }
}
