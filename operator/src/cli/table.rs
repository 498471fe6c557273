//! Tables with aligned columns.

/// The rows under their titles, each column as wide as its widest word; empty words are shown as `-`.
pub(super) fn table(titles: &[&str], rows: &[Vec<String>]) -> String {
    let titles: Vec<String> = titles.iter().map(|title| (*title).to_owned()).collect();
    let all = || std::iter::once(&titles).chain(rows);
    let width = |column: usize| all().filter_map(|row| row.get(column)).map(|w| w.chars().count()).max();
    let widths: Vec<usize> = (0..titles.len()).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in all() {
        let mut line = String::new();
        for (word, width) in row.iter().zip(&widths) {
            let word = if word.is_empty() { "-" } else { word };
            line += &format!("{word:<width$}  ");
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_nothing_is_shown_as_a_dash() {
        let rows = [vec!["shop".into(), String::new()], vec!["m".into(), "zone1-101".into()]];
        assert_eq!(table(&["NAME", "PRIMARY"], &rows), "NAME  PRIMARY\nshop  -\nm     zone1-101\n");
    }
}
