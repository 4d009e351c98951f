//! Hash rate by kernel and threads: a bar to the median, every sample, their spread, the ceiling.

use anyhow::ensure;
use plotters::{
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

use super::{
    Area, BLUE, Backend, FAINT, Format, GREEN, GRID, INK, ORANGE, PURPLE, Picture, SKY, Scale, VERMILLION,
    drawing, render, titled,
};
use crate::render::numbers::{rate, rate_unit};
use paydirt_measure::{
    bench::{BenchReport, BenchRow},
    known_hits::KnownPuzzle,
};

const WIDTH: f64 = 860.0;
const ROW: f64 = 30.0;
const PANEL_EXTRA: f64 = 78.0;
const HEAD: f64 = 58.0;
const LEGEND: f64 = 36.0;

/// A picture of the rates.
///
/// # Errors
/// When there is nothing to draw.
pub(in crate::render) fn picture(report: &BenchReport, format: Format) -> anyhow::Result<Vec<u8>> {
    let mut panels: Vec<(&str, Vec<&BenchRow>)> = Vec::new();
    for row in report.rows.iter().filter(|row| row.hashes_per_second.is_some()) {
        match panels.iter_mut().find(|(puzzle, _)| *puzzle == row.puzzle) {
            Some((_, rows)) => rows.push(row),
            None => panels.push((&row.puzzle, vec![row])),
        }
    }
    ensure!(
        !panels.is_empty(),
        "there is nothing to draw: no sample was completed"
    );
    render(&BenchPicture { report, panels }, format)
}

struct BenchPicture<'r> {
    report: &'r BenchReport,
    /// The rows of each puzzle.
    panels: Vec<(&'r str, Vec<&'r BenchRow>)>,
}

fn panel_height(rows: usize) -> f64 {
    rows as f64 * ROW + PANEL_EXTRA
}

/// The same kernel has the same colour in every picture.
fn colour(kernel: &str) -> RGBColor {
    match kernel {
        "avx512" => BLUE,
        "hybrid" => PURPLE,
        "sha-ni" => ORANGE,
        "avx2" => GREEN,
        "portable" => SKY,
        _ => FAINT,
    }
}

impl Picture for BenchPicture<'_> {
    fn size(&self) -> (u32, u32) {
        let panels: f64 = self.panels.iter().map(|(_, rows)| panel_height(rows.len())).sum();
        (WIDTH as u32, (HEAD + panels + LEGEND) as u32)
    }

    fn draw<DB: Backend>(&self, area: &Area<DB>, scale: Scale) -> anyhow::Result<()> {
        let machine = &self.report.machine;
        let below = format!(
            "{} · {} · {} samples of {} s each, taken in turn",
            machine.processor(),
            machine.day(),
            self.report.samples,
            self.report.seconds,
        );
        let mut rest = titled(area, "Hash rate by kernel and threads", &below, scale)?;
        for (puzzle, rows) in &self.panels {
            let (panel, others) = rest.split_vertically(scale.px(panel_height(rows.len())));
            draw_panel(&panel, puzzle, rows, scale)?;
            rest = others;
        }
        self.draw_legend(&rest, scale)
    }
}

fn draw_panel<DB: Backend>(
    area: &Area<DB>,
    puzzle: &str,
    rows: &[&BenchRow],
    scale: Scale,
) -> anyhow::Result<()> {
    let highest = rows.iter().flat_map(|row| {
        let stats = row.hashes_per_second.map(|s| s.max);
        [stats, row.ceiling.hashes_per_second].into_iter().flatten()
    });
    let highest = highest.fold(1.0, f64::max);
    let (unit, size) = rate_unit(highest);
    let about = KnownPuzzle::by_name(puzzle).map_or("", |known| known.about());
    // Room on the right for the figure at the end of a bar.
    let mut chart = ChartBuilder::on(area)
        .margin_left(scale.px(16.0))
        .margin_right(scale.px(24.0))
        .margin_top(scale.px(26.0))
        .x_label_area_size(scale.px(38.0))
        .y_label_area_size(scale.px(108.0))
        .build_cartesian_2d(0.0..highest / size * 1.16, -0.5..rows.len() as f64 - 0.5)
        .map_err(drawing)?;
    let name = scale.font(14.0).color(&INK);
    area.draw_text(
        &format!("{puzzle}: {about}"),
        &name,
        (scale.px(16.0), scale.px(4.0)),
    )
    .map_err(drawing)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .y_labels(0)
        .x_labels(8)
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(FAINT)
        .x_label_style(scale.font(12.0))
        .x_label_formatter(&|rate| format!("{}", (rate * 1e6).round() / 1e6))
        .x_desc(unit)
        .axis_desc_style(scale.font(13.0))
        .draw()
        .map_err(drawing)?;
    for (index, row) in rows.iter().enumerate() {
        let Some(stats) = row.hashes_per_second else {
            continue;
        };
        // The first row on top.
        let y = (rows.len() - 1 - index) as f64;
        let colour = colour(&row.kernel);
        let bar = [(0.0, y - 0.34), (stats.median / size, y + 0.34)];
        chart
            .draw_series([Rectangle::new(bar, colour.mix(0.45).filled())])
            .map_err(drawing)?;
        let spread = [(stats.min / size, y), (stats.max / size, y)];
        let ink = INK.stroke_width(scale.width(1.5));
        chart
            .draw_series([PathElement::new(spread, ink)])
            .map_err(drawing)?;
        for end in [stats.min, stats.max] {
            let end = [(end / size, y - 0.16), (end / size, y + 0.16)];
            chart.draw_series([PathElement::new(end, ink)]).map_err(drawing)?;
        }
        let rates = row.rates();
        let dots = rates.iter().enumerate().map(|(at, rate)| {
            // Early samples above, late ones below: a drift shows as a slant.
            let slant = 0.22 - 0.44 * at as f64 / (rates.len().max(2) - 1) as f64;
            Circle::new((rate / size, y + slant), scale.px(2.2), INK.mix(0.55).filled())
        });
        chart.draw_series(dots).map_err(drawing)?;
        let mut furthest = stats.max;
        if let Some(ceiling) = row.ceiling.hashes_per_second {
            let line = [(ceiling / size, y - 0.45), (ceiling / size, y + 0.45)];
            let style = VERMILLION.stroke_width(scale.width(3.0));
            chart
                .draw_series([PathElement::new(line, style)])
                .map_err(drawing)?;
            // The figure stands at the bar's end, or beyond the ceiling when that is in its way.
            if ceiling - furthest < 0.2 * highest {
                furthest = furthest.max(ceiling);
            }
        }
        let share = row
            .ceiling
            .share
            .map_or(String::new(), |share| format!(", {:.0} %", share * 100.0));
        let label = format!("{}{share}", rate(stats.median));
        let left = Pos::new(HPos::Left, VPos::Center);
        let (x, middle) = chart.backend_coord(&(furthest / size, y));
        // Backend coordinates are the whole picture's, the area's text positions its own.
        let (origin_x, origin_y) = area.get_base_pixel();
        let at = (x - origin_x + scale.px(7.0), middle - origin_y);
        area.draw_text(&label, &scale.font(12.0).pos(left), at)
            .map_err(drawing)?;
        let right = Pos::new(HPos::Right, VPos::Center);
        let (x, _) = chart.backend_coord(&(0.0, y));
        let at = (x - origin_x - scale.px(8.0), middle - origin_y);
        let name = format!("{} ×{}", row.kernel, row.threads);
        area.draw_text(&name, &scale.font(13.0).pos(right), at)
            .map_err(drawing)?;
    }
    Ok(())
}

impl BenchPicture<'_> {
    fn draw_legend<DB: Backend>(&self, area: &Area<DB>, scale: Scale) -> anyhow::Result<()> {
        let middle = scale.px(14.0);
        let mut x = 24.0;
        let text = scale.font(12.0).pos(Pos::new(HPos::Left, VPos::Center));
        let ceilings = self
            .report
            .rows
            .iter()
            .any(|row| row.ceiling.hashes_per_second.is_some());
        let entries = [
            ("median", 90.0),
            ("each sample, the first on top", 200.0),
            ("lowest to highest", 140.0),
            ("ceiling, measured beside the samples", 0.0),
        ];
        for (entry, (label, width)) in entries.into_iter().enumerate() {
            if entry == 3 && !ceilings {
                break;
            }
            let at = |dx: f64, dy: f64| (scale.px(x + dx), middle + scale.px(dy));
            match entry {
                0 => area.draw(&Rectangle::new(
                    [at(0.0, -6.0), at(18.0, 6.0)],
                    FAINT.mix(0.35).filled(),
                )),
                1 => area.draw(&Circle::new(at(10.0, 0.0), scale.px(2.2), INK.mix(0.55).filled())),
                2 => area.draw(&PathElement::new(
                    [at(0.0, 0.0), at(18.0, 0.0)],
                    INK.stroke_width(scale.width(1.5)),
                )),
                _ => area.draw(&PathElement::new(
                    [at(9.0, -8.0), at(9.0, 8.0)],
                    VERMILLION.stroke_width(scale.width(3.0)),
                )),
            }
            .map_err(drawing)?;
            area.draw_text(label, &text, at(25.0, 0.0)).map_err(drawing)?;
            x += width + 30.0;
        }
        Ok(())
    }
}
