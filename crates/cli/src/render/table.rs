//! Tables: the same cells as aligned text, as Markdown, as comma-separated values.
//!
//! *In:* rows, and for each column its heading and what its cells say. *Out:* text. *The idea:* a table that is wider than
//! the terminal first leaves out the columns that it can [spare](Rows::spare), the last one first, and says which; where it
//! still does not fit it is turned, all of it: a line for each heading, a column for each row, as many side by side as fit.

use unicode_width::UnicodeWidthStr as _;

use super::wrap::wrapped;

/// What stands between two columns on a terminal.
const GAP: &str = "  ";

/// On which side a column's cells line up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Cells under a heading.
#[derive(Clone, Debug)]
struct Column {
    align: Align,
    /// A narrow terminal may do without.
    is_spare: bool,
    /// The heading first.
    cells: Vec<String>,
}

impl Column {
    /// How many columns of a terminal the widest of these takes.
    fn width(&self) -> usize {
        self.cells.iter().map(|cell| cell.width()).max().unwrap_or(0)
    }
}

/// Cells under headings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    columns: Vec<Column>,
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
        self.table.columns.push(Column {
            align,
            is_spare: false,
            cells: cells.collect(),
        });
        self
    }

    /// The column added last may be left out where the table does not fit the terminal.
    pub(super) fn spare(mut self) -> Self {
        if let Some(column) = self.table.columns.last_mut() {
            column.is_spare = true;
        }
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
        let count = self.columns.first().map_or(0, |column| column.cells.len());
        (0..count).map(|row| self.columns.iter().map(|column| &*column.cells[row]).collect())
    }

    /// Lines whose cells line up, columns `least` wide at least.
    fn lines(&self, least: usize, between: &str) -> Vec<String> {
        let widths: Vec<usize> = self
            .columns
            .iter()
            .map(|column| column.width().max(least))
            .collect();
        let padded = |(cell, (width, column)): (&str, (&usize, &Column))| {
            let padding = " ".repeat(width - cell.width());
            match column.align {
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

    /// How wide its text is.
    fn width(&self) -> usize {
        let cells: usize = self.columns.iter().map(Column::width).sum();
        cells + GAP.len() * self.columns.len().saturating_sub(1)
    }

    /// For a terminal, or a file: columns two spaces apart. Where only `most` columns of a terminal are to be had, some
    /// are left out, or the table is turned.
    pub(super) fn to_text(&self, most: Option<usize>) -> String {
        let fits = |table: &Self| most.is_none_or(|most| table.width() <= most);
        let mut narrow = self.clone();
        let mut left_out = Vec::new();
        while !fits(&narrow) {
            let Some(last) = narrow.columns.iter().rposition(|column| column.is_spare) else {
                return self.turned(most.unwrap_or(usize::MAX));
            };
            left_out.insert(0, narrow.columns.remove(last).cells.swap_remove(0));
        }
        let mut text = narrow.aligned();
        if !left_out.is_empty() {
            let note = format!("left out for want of width: {}", left_out.join(", "));
            text.push_str(&wrapped(&note, most));
            text.push('\n');
        }
        text
    }

    fn aligned(&self) -> String {
        let lines = self.lines(0, GAP);
        lines
            .iter()
            .map(|line| format!("{}\n", line.trim_end()))
            .collect()
    }

    /// With a line for each heading and a column for each row: as many side by side as `most` columns of a terminal hold
    /// (one, if it must be), the others below, under the same headings.
    fn turned(&self, most: usize) -> String {
        let mut rows = self.rows();
        let column = |align: Align, cells: Vec<&str>| Column {
            align,
            is_spare: false,
            cells: cells.into_iter().map(str::to_owned).collect(),
        };
        let headings = column(Align::Left, rows.next().unwrap_or_default());
        let mut blocks: Vec<Self> = Vec::new();
        for row in rows.map(|cells| column(Align::Right, cells)) {
            match blocks.last_mut() {
                Some(block) if block.width() + GAP.len() + row.width() <= most => block.columns.push(row),
                _ => blocks.push(Self {
                    columns: vec![headings.clone(), row],
                }),
            }
        }
        let blocks: Vec<_> = blocks.iter().map(Self::aligned).collect();
        blocks.join("\n")
    }

    /// For Markdown (GitHub's tables).
    pub(super) fn to_markdown(&self) -> String {
        let mut escaped = self.clone();
        for cell in escaped.columns.iter_mut().flat_map(|column| &mut column.cells) {
            *cell = cell.replace('|', "\\|");
        }
        let mut lines = escaped.lines(3, " | ");
        let rule = escaped.columns.iter().map(|column| {
            let width = column.width().max(3);
            match column.align {
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
        assert_eq!(
            table().to_text(None),
            "name    time\na|b     5 µs\n手机  100 ms\n"
        );
    }

    /// Four columns, three of them spare or not, 4 + 2 + 6 + 2 + 5 + 2 + 5 wide.
    fn wide(spare: bool) -> Table {
        fn marked<'r>(columns: Rows<'r, i32>, spare: bool) -> Rows<'r, i32> {
            if spare { columns.spare() } else { columns }
        }
        let columns = Rows::of(&[1, 20, 300]).right("bits", |row| row.to_string());
        let columns = marked(columns.left("figure", |row| format!("f{row}")), spare);
        let columns = marked(columns.right("rate", |row| format!("{} H", row * 3)), spare);
        marked(columns.right("hits", |row| format!("{}  ✓", row / 10)), spare).table()
    }

    #[test]
    fn a_narrow_terminal_leaves_out_what_it_can() {
        assert_eq!(
            wide(true).to_text(None),
            wide(false).to_text(Some(wide(false).width()))
        );
        assert_eq!(
            wide(true).to_text(Some(20)),
            "bits  figure   rate\n   1  f1        3 H\n  20  f20      60 H\n 300  f300    900 H\n\
             left out for want of\n  width: hits\n"
        );
        let least = wide(true).to_text(Some(4));
        assert!(least.starts_with("bits\n   1\n  20\n 300\nleft\n"), "{least}");
    }

    #[test]
    fn a_table_that_cannot_be_made_narrower_is_turned() {
        assert_eq!(
            wide(false).to_text(Some(20)),
            "bits       1    20\nfigure    f1   f20\nrate     3 H  60 H\nhits    0  ✓  2  ✓\n\n\
             bits      300\nfigure   f300\nrate    900 H\nhits    30  ✓\n"
        );
        // One row at least in each block, however narrow.
        let least = wide(false).to_text(Some(1));
        assert_eq!(least.matches("figure").count(), 3, "{least}");
        assert!(least.starts_with("bits       1\nfigure    f1\n"), "{least}");
        // Spare columns are kept where turning is needed all the same.
        let mut table = wide(false);
        table.columns[3].is_spare = true;
        assert!(table.to_text(Some(12)).contains("hits"));
    }

    #[test]
    fn no_line_is_wider_than_asked_for_as_long_as_a_row_fits() {
        for spare in [true, false] {
            for most in 13..=wide(spare).width() + 2 {
                let text = wide(spare).to_text(Some(most));
                for line in text.lines() {
                    assert!(line.width() <= most, "{most}: {line:?}");
                }
            }
        }
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
