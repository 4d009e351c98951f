//! Tables: the same cells as aligned text, as Markdown, as CSV.

use unicode_width::UnicodeWidthStr as _;

/// On which side a column's cells line up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Rows of cells under headings.
#[derive(Clone, Debug)]
pub struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub fn new<T: Into<String>>(columns: impl IntoIterator<Item = (T, Align)>) -> Self {
        Self {
            columns: columns
                .into_iter()
                .map(|(name, align)| (name.into(), align))
                .collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row, which has a cell for each column.
    pub fn row(&mut self, cells: Vec<String>) {
        assert_eq!(cells.len(), self.columns.len(), "a cell for each column");
        self.rows.push(cells);
    }

    fn widths(&self, least: usize) -> Vec<usize> {
        let width = |(at, (name, _)): (usize, &(String, Align))| {
            let cells = self.rows.iter().map(|row| row[at].width());
            cells.chain([name.width(), least]).max().unwrap_or(least)
        };
        self.columns.iter().enumerate().map(width).collect()
    }

    fn line(&self, cells: &[String], widths: &[usize], between: &str) -> String {
        let padded = cells
            .iter()
            .zip(widths)
            .zip(&self.columns)
            .map(|((cell, width), (_, align))| {
                let padding = " ".repeat(width - cell.width());
                match align {
                    Align::Left => format!("{cell}{padding}"),
                    Align::Right => format!("{padding}{cell}"),
                }
            });
        padded.collect::<Vec<_>>().join(between)
    }

    fn headings(&self) -> Vec<String> {
        self.columns.iter().map(|(name, _)| name.clone()).collect()
    }

    /// For a terminal: columns two spaces apart.
    pub fn to_text(&self) -> String {
        let widths = self.widths(0);
        let headings = self.headings();
        let lines = std::iter::once(&headings)
            .chain(&self.rows)
            .map(|cells| format!("{}\n", self.line(cells, &widths, "  ").trim_end()));
        lines.collect()
    }

    /// For Markdown (GitHub's tables).
    pub fn to_markdown(&self) -> String {
        let escaped =
            |cells: &[String]| -> Vec<String> { cells.iter().map(|cell| cell.replace('|', "\\|")).collect() };
        let escaped = Self {
            columns: self
                .columns
                .iter()
                .map(|(name, align)| (name.replace('|', "\\|"), *align))
                .collect(),
            rows: self.rows.iter().map(|row| escaped(row)).collect(),
        };
        let widths = escaped.widths(3);
        let rule: Vec<String> = escaped
            .columns
            .iter()
            .zip(&widths)
            .map(|((_, align), width)| match align {
                Align::Left => "-".repeat(*width),
                Align::Right => format!("{}:", "-".repeat(width - 1)),
            })
            .collect();
        let lines = [escaped.headings(), rule]
            .into_iter()
            .chain(escaped.rows.iter().cloned());
        lines
            .map(|cells| format!("| {} |\n", escaped.line(&cells, &widths, " | ")))
            .collect()
    }
}

/// Comma-separated values (RFC 4180, but lines end as on Unix): a line of names, then the rows.
pub fn csv(names: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut write = |record: &[&str]| {
        writer
            .write_record(record)
            .expect("a vector takes it, and rows are equally long")
    };
    write(names);
    for row in rows {
        let cells: Vec<&str> = row.iter().map(String::as_str).collect();
        write(&cells);
    }
    writer.into_inner().expect("a vector takes it")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new([("name", Align::Left), ("time", Align::Right)]);
        table.row(vec!["a|b".to_owned(), "5 µs".to_owned()]);
        table.row(vec!["手机".to_owned(), "100 ms".to_owned()]);
        table
    }

    #[test]
    fn text_lines_up() {
        assert_eq!(table().to_text(), "name    time\na|b     5 µs\n手机  100 ms\n");
    }

    #[test]
    fn markdown_is_escaped() {
        let expected = "| name |   time |\n| ---- | -----: |\n| a\\|b |   5 µs |\n| 手机 | 100 ms |\n";
        assert_eq!(table().to_markdown(), expected);
    }

    #[test]
    fn csv_is_quoted_where_it_must_be() {
        let bytes = csv(&["a", "b"], [vec!["x,y".to_owned(), "say \"hi\"".to_owned()]]);
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "a,b\n\"x,y\",\"say \"\"hi\"\"\"\n"
        );
    }
}
