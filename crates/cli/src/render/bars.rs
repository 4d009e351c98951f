//! Block times and difficulty as bars in a terminal.

use paydirt_ledger::History;

/// Characters of a plot in a terminal.
const COLUMNS: usize = 64;
const ROWS: usize = 6;

/// Both plots; empty while there are fewer than two blocks after genesis.
pub(crate) fn text(history: &History) -> String {
    let times = history.block_times();
    if times.is_empty() {
        return String::new();
    }
    let bits = history.difficulty_bits();
    let mut text = bars("seconds to each block", &times, true);
    text.push_str(&bars("difficulty in bits", &bits, false));
    text
}

/// Bars, each the mean of the blocks that share its column.
fn bars(title: &str, points: &[(u64, f64)], from_zero: bool) -> String {
    let means = means(points, COLUMNS.min(points.len()));
    let values = || means.iter().map(|(_, value)| *value);
    let most = values().fold(f64::NEG_INFINITY, f64::max);
    let least = values().fold(f64::INFINITY, f64::min);
    let low = if from_zero {
        least.min(0.0)
    } else {
        (least - 1.0).max(0.0).floor()
    };
    let span = (most - low).max(1e-9);
    let eighths = |value: f64| (((value - low) / span) * (ROWS * 8) as f64).round() as usize;
    let mut text = match points.len().div_ceil(means.len()) {
        1 => format!("\n{title}\n"),
        blocks => format!("\n{title} (each column the mean of about {blocks} blocks)\n"),
    };
    for row in (0..ROWS).rev() {
        let label = match row {
            _ if row + 1 == ROWS => format!("{most:.1}"),
            0 => format!("{low:.1}"),
            _ => String::new(),
        };
        text.push_str(&format!("{label:>10} ┤"));
        for value in values() {
            let filled = eighths(value).saturating_sub(row * 8).min(8);
            text.push([' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'][filled]);
        }
        text.push('\n');
    }
    let (first, last) = (points[0].0, points[points.len() - 1].0);
    let width = means.len().saturating_sub(first.to_string().len());
    text.push_str(&format!("{:>10} └{}\n", "", "─".repeat(means.len())));
    text.push_str(&format!("{:>12}{first}{last:>width$}  block\n", ""));
    text
}

/// Means of neighbours, so many in all: the middle index and the mean value of each group.
pub(super) fn means(points: &[(u64, f64)], groups: usize) -> Vec<(u64, f64)> {
    let edge = |group: usize| group * points.len() / groups;
    let group = |group: usize| {
        let members = &points[edge(group)..edge(group + 1)];
        let sum: f64 = members.iter().map(|(_, value)| value).sum();
        (members[members.len() / 2].0, sum / members.len() as f64)
    };
    (0..groups).map(group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_cover_every_point_once() {
        let points: Vec<_> = (0..103u64).map(|i| (i, i as f64)).collect();
        for groups in 1..=points.len() {
            let means = means(&points, groups);
            assert_eq!(means.len(), groups);
            assert!(means.is_sorted_by(|a, b| a.0 < b.0));
        }
        assert_eq!(means(&points, 1), [(51, 51.0)]);
    }

    #[test]
    fn bars_are_as_high_as_their_values() {
        let text = bars("t", &[(2, 0.0), (3, 6.0), (4, 3.0)], true);
        let rows: Vec<_> = text.lines().skip(2).take(ROWS).collect();
        let column =
            |at: usize| -> String { rows.iter().map(|row| row.chars().nth(12 + at).unwrap()).collect() };
        assert_eq!(column(0), "      ");
        assert_eq!(column(1), "██████");
        assert_eq!(column(2), "   ███");
    }
}
