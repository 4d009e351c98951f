//! Block times and difficulty as pictures: bars in a terminal, or SVG.

use crate::report::plot::{FONT, register_fonts};
use anyhow::anyhow;
use plotters::{
    coord::Shift,
    prelude::{
        ChartBuilder, Circle, Color as _, DrawingArea, IntoDrawingArea as _, IntoFont as _, LineSeries,
        RGBColor, SVGBackend, WHITE,
    },
};

use super::History;

/// Characters of a plot in a terminal.
const COLUMNS: usize = 64;
const ROWS: usize = 6;
/// The colours of Okabe and Ito, which people who see fewer colours tell apart.
const BLUE: RGBColor = RGBColor(0, 114, 178);
const VERMILLION: RGBColor = RGBColor(213, 94, 0);
/// Points of a picture: more are not seen, and make the file large.
const MOST_POINTS: usize = 2000;

/// Both plots for a terminal; empty while there are fewer than two blocks after genesis.
pub fn text(history: &History) -> String {
    let times = history.block_times();
    if times.is_empty() {
        return String::new();
    }
    let bits: Vec<_> = history
        .blocks
        .iter()
        .map(|(index, _, bits)| (*index, *bits))
        .collect();
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
    let mut text = format!("\n{title}\n");
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
fn means(points: &[(u64, f64)], groups: usize) -> Vec<(u64, f64)> {
    let edge = |group: usize| group * points.len() / groups;
    let group = |group: usize| {
        let members = &points[edge(group)..edge(group + 1)];
        let sum: f64 = members.iter().map(|(_, value)| value).sum();
        (members[members.len() / 2].0, sum / members.len() as f64)
    };
    (0..groups).map(group).collect()
}

/// Both plots as one SVG picture.
///
/// # Errors
/// None in practice: a string takes everything.
pub fn svg(history: &History) -> anyhow::Result<String> {
    let times = history.block_times();
    let bits: Vec<_> = history
        .blocks
        .iter()
        .map(|(index, _, bits)| (*index, *bits))
        .collect();
    register_fonts();
    let mut picture = String::new();
    {
        let area = SVGBackend::with_string(&mut picture, (960, 640)).into_drawing_area();
        let failed = |error: &dyn std::fmt::Display| anyhow!("cannot draw: {error}");
        area.fill(&WHITE).map_err(|error| failed(&error))?;
        let (upper, lower) = area.split_vertically(320);
        panel(&upper, "Seconds to each block", &times, true, BLUE)?;
        panel(&lower, "Difficulty in bits", &bits, false, VERMILLION)?;
        area.present().map_err(|error| failed(&error))?;
    }
    Ok(picture)
}

fn panel(
    area: &DrawingArea<SVGBackend<'_>, Shift>,
    title: &str,
    points: &[(u64, f64)],
    dots: bool,
    colour: RGBColor,
) -> anyhow::Result<()> {
    let failed = |error: &dyn std::fmt::Display| anyhow!("cannot draw: {error}");
    let points = means(points, points.len().min(MOST_POINTS));
    let first = points.first().map_or(1, |point| point.0);
    let last = points.last().map_or(2, |point| point.0).max(first + 1);
    let most = points
        .iter()
        .map(|point| point.1)
        .fold(f64::NEG_INFINITY, f64::max);
    let least = points.iter().map(|point| point.1).fold(f64::INFINITY, f64::min);
    let (low, high) = match points.is_empty() {
        true => (0.0, 1.0),
        false if dots => (least.min(0.0), most.max(1.0) * 1.05),
        false => ((least - 1.0).max(0.0).floor(), most.ceil() + 1.0),
    };
    let mut chart = ChartBuilder::on(area)
        .caption(title, (FONT, 20).into_font())
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(64)
        .build_cartesian_2d(first..last, low..high)
        .map_err(|error| failed(&error))?;
    chart
        .configure_mesh()
        .x_desc("block")
        .label_style((FONT, 13).into_font())
        .light_line_style(RGBColor(240, 240, 240))
        .draw()
        .map_err(|error| failed(&error))?;
    if dots {
        let circles = points.iter().map(|point| Circle::new(*point, 2, colour.filled()));
        chart.draw_series(circles).map_err(|error| failed(&error))?;
    } else {
        chart
            .draw_series(LineSeries::new(points, colour.stroke_width(2)))
            .map_err(|error| failed(&error))?;
    }
    Ok(())
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
