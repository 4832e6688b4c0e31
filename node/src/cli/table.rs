//! Tables for people: aligned by display width, and safe to print.

use tram_dispatch::text::escaped;
use unicode_width::UnicodeWidthStr;

/// Space between two columns.
const GAP: &str = "  ";

/// How a column is aligned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    /// Texts.
    Left,
    /// Numbers.
    Right,
}

/// Rows of text under headings. Cells are escaped here, so no caller can forget it.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings.
    pub(crate) fn new(columns: &[(&str, Align)]) -> Self {
        let columns = columns.iter().map(|(name, align)| (escaped(name), *align)).collect();
        Table { columns, rows: Vec::new() }
    }

    /// Adds a row; cells beyond the columns are left out, missing ones are empty.
    pub(crate) fn row<S: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = S>) -> &mut Self {
        let mut row: Vec<String> = cells.into_iter().map(|c| escaped(c.as_ref())).collect();
        row.resize(self.columns.len(), String::new());
        self.rows.push(row);
        self
    }

    /// Whether it has no row.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The lines, headings first, without spaces at their ends.
    pub(crate) fn lines(&self) -> String {
        let headings: Vec<String> = self.columns.iter().map(|(name, _)| name.clone()).collect();
        let all = || std::iter::once(&headings).chain(&self.rows);
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|i| all().map(|row| row[i].width()).max().unwrap_or(0))
            .collect();
        let mut out = String::new();
        for row in all() {
            let mut line = String::new();
            for ((cell, width), (_, align)) in row.iter().zip(&widths).zip(&self.columns) {
                let fill = " ".repeat(width - cell.width());
                match align {
                    Align::Left => line.extend([cell.as_str(), &fill, GAP]),
                    Align::Right => line.extend([&fill, cell.as_str(), GAP]),
                }
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

/// Names with their values, one a line, aligned; lines of a value stand under each other.
pub(crate) fn pairs<N: AsRef<str>, V: AsRef<str>>(items: &[(N, V)]) -> String {
    let width = items.iter().map(|(name, _)| name.as_ref().width()).max().unwrap_or(0);
    let mut out = String::new();
    for (name, value) in items {
        let mut name = name.as_ref();
        for line in value.as_ref().split('\n') {
            let fill = " ".repeat(width - name.width());
            let line = format!("{name}{fill}{GAP}{}", escaped(line));
            out.push_str(line.trim_end());
            out.push('\n');
            name = "";
        }
    }
    out
}

/// A number of bytes in words for people: `1.5 MiB`.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut unit, mut scaled) = (0, count);
    let mut rest = 0;
    while scaled >= 1024 && unit + 1 < UNITS.len() {
        rest = scaled % 1024;
        scaled /= 1024;
        unit += 1;
    }
    if unit == 0 {
        return format!("{count} B");
    }
    format!("{scaled}.{} {}", rest * 10 / 1024, UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_by_what_is_seen() {
        let mut table =
            Table::new(&[("Mã", Align::Left), ("Tên", Align::Left), ("#", Align::Right)]);
        table.row(["H41", "Tỉnh Nghệ An", "7"]);
        // The same name with combining marks: more characters, the same width.
        table.row(["H41.12", "Ti\u{309}nh Nghe\u{323}\u{302} An", "12"]);
        table.row(["X", "漢字", "1"]);
        let lines: Vec<String> = table.lines().lines().map(str::to_owned).collect();
        assert_eq!(lines[0], "Mã      Tên            #");
        let ends: Vec<usize> = lines.iter().map(|l| l.width()).collect();
        assert_eq!(ends, vec![ends[0]; 4], "{lines:?}");
    }

    #[test]
    fn cells_cannot_reach_the_terminal() {
        let mut table = Table::new(&[("a", Align::Left), ("b", Align::Left)]);
        table.row(["\u{1b}[2Jx\ny", "\u{202e}evil"]);
        let text = table.lines();
        assert_eq!(text.lines().count(), 2);
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
        assert!(text.contains("\\u{1b}[2Jx\\u{a}y") && text.contains("\\u{202e}evil"));
        let text = pairs(&[("name", "a\u{7}\nb"), ("longer", "c")]);
        assert_eq!(text, "name    a\\u{7}\n        b\nlonger  c\n");
    }

    #[test]
    fn short_rows_are_filled_and_sizes_are_readable() {
        let mut table = Table::new(&[("a", Align::Left), ("b", Align::Left)]);
        table.row(["1"]).row(["1", "2", "3"]);
        assert_eq!(table.lines(), "a  b\n1\n1  2\n");
        assert_eq!(
            [bytes(0), bytes(1023), bytes(1536), bytes(4 << 30)],
            ["0 B", "1023 B", "1.5 KiB", "4.0 GiB"]
        );
    }
}
