//! Tables: the same cells as aligned text, as Markdown, as comma-separated values.

use unicode_width::UnicodeWidthStr as _;

/// On which side a column's cells line up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Cells under headings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    /// Each begins with its heading.
    columns: Vec<(Align, Vec<String>)>,
}

/// A table with a row for each `T`, to which columns are added.
pub(super) struct Rows<'r, T> {
    rows: &'r [T],
    table: Table,
}

impl<'r, T> Rows<'r, T> {
    /// No columns yet.
    pub(super) fn of(rows: &'r [T]) -> Self {
        let table = Table::default();
        Self { rows, table }
    }

    /// Adds a column of words.
    pub(super) fn left(self, heading: impl Into<String>, cell: impl Fn(&T) -> String) -> Self {
        self.column(Align::Left, heading.into(), cell)
    }

    /// Adds a column of numbers.
    pub(super) fn right(self, heading: impl Into<String>, cell: impl Fn(&T) -> String) -> Self {
        self.column(Align::Right, heading.into(), cell)
    }

    fn column(mut self, align: Align, heading: String, cell: impl Fn(&T) -> String) -> Self {
        let cells = std::iter::once(heading).chain(self.rows.iter().map(cell));
        self.table.columns.push((align, cells.collect()));
        self
    }

    /// The table.
    pub(super) fn table(self) -> Table {
        self.table
    }
}

impl Table {
    /// The cells of each row, the headings first.
    fn rows(&self) -> impl Iterator<Item = Vec<&str>> {
        let count = self.columns.first().map_or(0, |(_, cells)| cells.len());
        (0..count).map(|row| {
            self.columns
                .iter()
                .map(|(_, cells)| cells[row].as_str())
                .collect()
        })
    }

    /// Lines whose cells line up, columns `least` wide at least.
    fn lines(&self, least: usize, between: &str) -> Vec<String> {
        let widest = |cells: &[String]| cells.iter().map(|cell| cell.width()).max();
        let widths: Vec<usize> = (self.columns.iter())
            .map(|(_, cells)| widest(cells).unwrap_or(0).max(least))
            .collect();
        let padded = |(cell, (width, (align, _))): (&str, (&usize, &(Align, _)))| {
            let padding = " ".repeat(width - cell.width());
            match align {
                Align::Left => format!("{cell}{padding}"),
                Align::Right => format!("{padding}{cell}"),
            }
        };
        let line = |cells: Vec<&str>| {
            let columns = widths.iter().zip(&self.columns);
            cells
                .into_iter()
                .zip(columns)
                .map(padded)
                .collect::<Vec<_>>()
                .join(between)
        };
        self.rows().map(line).collect()
    }

    /// For a terminal: columns two spaces apart.
    pub(super) fn to_text(&self) -> String {
        let lines = self.lines(0, "  ");
        lines
            .iter()
            .map(|line| format!("{}\n", line.trim_end()))
            .collect()
    }

    /// For Markdown (GitHub's tables).
    pub(super) fn to_markdown(&self) -> String {
        let mut escaped = self.clone();
        for cell in escaped.columns.iter_mut().flat_map(|(_, cells)| cells) {
            *cell = cell.replace('|', "\\|");
        }
        let mut lines = escaped.lines(3, " | ");
        let rule = escaped.columns.iter().map(|(align, cells)| {
            let width = cells.iter().map(|cell| cell.width()).max().unwrap_or(0).max(3);
            match align {
                Align::Left => "-".repeat(width),
                Align::Right => format!("{}:", "-".repeat(width - 1)),
            }
        });
        lines.insert(1, rule.collect::<Vec<_>>().join(" | "));
        lines.iter().map(|line| format!("| {line} |\n")).collect()
    }

    /// Comma-separated values (RFC 4180, but lines end as on Unix).
    pub(super) fn to_csv(&self) -> Vec<u8> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        for record in self.rows() {
            writer
                .write_record(record)
                .expect("a vector takes it, and rows are equally long");
        }
        writer.into_inner().expect("a vector takes it")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        Rows::of(&[("a|b", "5 µs"), ("手机", "100 ms")])
            .left("name", |row| row.0.to_owned())
            .right("time", |row| row.1.to_owned())
            .table()
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
        let row = Rows::of(&[["x,y", "say \"hi\""]]);
        let bytes = row
            .left("a", |row| row[0].to_owned())
            .left("b", |row| row[1].to_owned())
            .table()
            .to_csv();
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "a,b\n\"x,y\",\"say \"\"hi\"\"\"\n"
        );
    }
}
