//! Time against difficulty: theory as a line and a band, measured points beside it.
//!
//! Every line is a mean, this machine's and others', so that what lies above another takes longer. Means double with each
//! bit: on this scale they are straight, and drawn from end to end, since coordinates are whole pixels and each point in between
//! would be a kink. The band's edges are not rounded up to whole tries, as those of tables are, for the same reason. What
//! lies below the axis is cut off where it crosses that.

use anyhow::ensure;
use plotters::prelude::*;

use super::{
    Area, BLUE, Backend, FAINT, Format, GREEN, GRID, INK, ORANGE, PURPLE, Picture, SKY, Scale, VERMILLION,
    drawing, render, titled,
};
use crate::render::numbers::{rate, seconds};
use paydirt_measure::{
    compare::{CompareReport, Level, LevelReport},
    geometric::Tries,
};

const SIZE: (u32, u32) = (900, 560);
/// The most single puzzles drawn of a level: every so many of them, in order of time.
const MOST_DOTS: usize = 40;
/// Below this many bits the band's edges are bent: a hash is the least that a puzzle takes.
const BENT_BITS: f64 = 10.0;
/// In what steps of bits they are drawn there: finer ones only show the rounding of coordinates.
const STEP_BITS: f64 = 0.5;

/// A picture of time against difficulty.
///
/// # Errors
/// When there is no rate to draw times with.
pub(in crate::render) fn picture(report: &CompareReport, format: Format) -> anyhow::Result<Vec<u8>> {
    ensure!(
        report.rate.is_some() && !report.levels.is_empty(),
        "there is nothing to draw: no level was completed"
    );
    render(&ComparePicture(report), format)
}

struct ComparePicture<'r>(&'r CompareReport);

impl ComparePicture<'_> {
    /// From half a bit below the easiest level to half a bit above the hardest.
    fn bits(&self) -> (f64, f64) {
        let bits = || self.0.levels.iter().map(|level| level.bits);
        let low = bits().fold(256.0, f64::min) - 0.5;
        let high = bits().fold(0.0, f64::max) + 0.5;
        (low.max(0.0), high.min(256.0))
    }

    /// Where the band's edges are computed: close together where tries are few, and the edges bent; far apart beyond.
    fn laws(&self) -> Vec<(f64, Tries)> {
        let (low, high) = self.bits();
        let mut bits = vec![low];
        while let Some(&last) = bits.last().filter(|last| **last < high) {
            let step = if last < BENT_BITS { STEP_BITS } else { high - last };
            bits.push((last + step).min(high));
        }
        bits.into_iter()
            .filter_map(|bits| Some((bits, Level::from_bits(bits).ok()?.tries())))
            .collect()
    }

    /// The mean's line at a rate, from where it rises above `floor`.
    fn mean(&self, rate: f64, floor: f64) -> Vec<(f64, f64)> {
        let (low, high) = self.bits();
        let ends = [low, high].map(|bits| (bits, bits.exp2() / rate));
        above(ends.to_vec(), floor)
    }
}

/// A rising line from where it crosses `floor`; points are joined straight on the logarithmic scale.
fn above(line: Vec<(f64, f64)>, floor: f64) -> Vec<(f64, f64)> {
    let Some(first) = line.iter().position(|(_, time)| *time > floor) else {
        return line.last().map(|(bits, _)| (*bits, floor)).into_iter().collect();
    };
    let mut above = line[first..].to_vec();
    if let Some((bits, time)) = first.checked_sub(1).map(|below| line[below]) {
        let (end, high) = line[first];
        let share = (floor / time).ln() / (high / time).ln();
        above.insert(0, (bits + share * (end - bits), floor));
    }
    above
}

impl Picture for ComparePicture<'_> {
    fn size(&self) -> (u32, u32) {
        SIZE
    }

    fn draw<DB: Backend>(&self, area: &Area<DB>, scale: Scale) -> anyhow::Result<()> {
        let report = self.0;
        let machine = &report.machine;
        let own = report.rate.as_ref().map_or(1.0, |rate| rate.hashes_per_second);
        let below = format!(
            "{} · {} · kernel {}, threads {} · {} puzzles a level",
            machine.processor(),
            machine.day(),
            report.kernel,
            report.threads,
            report.samples,
        );
        let rest = titled(area, "Time to solve a puzzle, by its difficulty", &below, scale)?;
        let laws = self.laws();
        let (first, last) = self.bits();
        let (fastest, slowest) = self.times(&laws, own);
        let mut chart = ChartBuilder::on(&rest)
            .margin_left(scale.px(10.0))
            .margin_right(scale.px(24.0))
            .margin_bottom(scale.px(8.0))
            .x_label_area_size(scale.px(44.0))
            .y_label_area_size(scale.px(86.0))
            .build_cartesian_2d(first..last, (fastest..slowest).log_scale())
            .map_err(drawing)?;
        let whole = (last.floor() - first.ceil()).max(1.0) as usize + 1;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .axis_style(FAINT)
            .x_labels(whole.min(18))
            .x_label_formatter(&|bits| format!("{}", (bits * 100.0).round() / 100.0))
            .y_labels(10)
            .y_label_formatter(&|time| decade(*time))
            .label_style(scale.font(12.0))
            .axis_desc_style(scale.font(13.0))
            .x_desc("difficulty in leading zero bits")
            .y_desc("time (logarithmic)")
            .draw()
            .map_err(drawing)?;
        let edge = |q: f64| {
            let times = laws.iter();
            let times = times.map(|(bits, law)| (*bits, law.smooth_quantile(q) / own));
            above(times.collect(), fastest)
        };
        let swatch = move |style: ShapeStyle, half: f64| {
            move |(x, y): (i32, i32)| {
                Rectangle::new(
                    [(x, y - scale.px(half)), (x + scale.px(20.0), y + scale.px(half))],
                    style,
                )
            }
        };
        let mut band = edge(0.95);
        let lower = edge(0.05);
        // Where the lower edge begins below the axis, the band goes down to its corner.
        let corner = band.first().map(|(bits, _)| (*bits, fastest));
        let is_cut = lower.first().map(|(bits, _)| *bits) != band.first().map(|(bits, _)| *bits);
        band.extend(lower.into_iter().rev());
        band.extend(corner.filter(|_| is_cut));
        chart
            .draw_series([Polygon::new(band, SKY.mix(0.3))])
            .map_err(drawing)?
            .label(roomy("90 of 100 puzzles, computed"))
            .legend(swatch(SKY.mix(0.3).filled(), 5.0));
        chart
            .draw_series([PathElement::new(
                self.mean(own, fastest),
                BLUE.stroke_width(scale.width(2.0)),
            )])
            .map_err(drawing)?
            .label(roomy(&format!("mean, computed: this machine ({})", rate(own))))
            .legend(swatch(BLUE.filled(), 1.0));
        let others = [ORANGE, GREEN, PURPLE, VERMILLION];
        if let Some(level) = report.levels.first() {
            for (index, other) in level.at_rates.iter().enumerate() {
                let colour = others[index % others.len()];
                chart
                    .draw_series([PathElement::new(
                        self.mean(other.hashes_per_second, fastest),
                        colour.stroke_width(scale.width(1.5)),
                    )])
                    .map_err(drawing)?
                    .label(roomy(&format!(
                        "mean, computed: {} ({})",
                        other.name,
                        rate(other.hashes_per_second)
                    )))
                    .legend(swatch(colour.filled(), 1.0));
            }
        }
        if let Some(within) = &report.within {
            let dashes = DashedLineSeries::new(
                [(first, within.seconds), (last, within.seconds)],
                scale.px(6.0),
                scale.px(5.0),
                INK.stroke_width(scale.width(1.0)),
            );
            chart
                .draw_series(dashes)
                .map_err(drawing)?
                .label(format!("time allowed: {}", seconds(within.seconds)))
                .legend(move |(x, y)| {
                    // Two dashes of the line, as it is drawn.
                    let end = x + scale.px(20.0);
                    let dashes = [(x, x + scale.px(6.0)), (x + scale.px(11.0), x + scale.px(17.0))];
                    let dash = |(from, to): (i32, i32)| {
                        PathElement::new([(from, y), (to.min(end), y)], INK.stroke_width(scale.width(1.0)))
                    };
                    let [first, second] = dashes.map(dash);
                    EmptyElement::at((0, 0)) + first + second
                });
        }
        let dot = scale.px(1.8);
        let dots = report.levels.iter().flat_map(some_puzzles);
        chart
            .draw_series(dots.map(|at| Circle::new(at, dot, INK.mix(0.25).filled())))
            .map_err(drawing)?
            .label("single puzzles, measured")
            .legend(move |(x, y)| Circle::new((x + scale.px(10.0), y), dot, INK.mix(0.4).filled()));
        let means = report
            .levels
            .iter()
            .filter_map(|level| Some((level.bits, level.time_s?.mean)));
        chart
            .draw_series(means.map(|at| Circle::new(at, scale.px(4.5), INK.filled())))
            .map_err(drawing)?
            .label("mean, measured")
            .legend(move |(x, y)| Circle::new((x + scale.px(10.0), y), scale.px(4.5), INK.filled()));
        if report.levels.iter().any(|level| !level.measured) {
            let computed = report.levels.iter().filter(|level| !level.measured);
            let means = computed.filter_map(|level| Some((level.bits, level.expected_time_s?.mean)));
            let hollow = INK.stroke_width(scale.width(1.5));
            chart
                .draw_series(means.map(|at| Circle::new(at, scale.px(4.5), hollow)))
                .map_err(drawing)?
                .label("not run, computed")
                .legend(move |(x, y)| Circle::new((x + scale.px(10.0), y), scale.px(4.5), hollow));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .margin(scale.px(12.0) as u32)
            .legend_area_size(scale.px(28.0))
            .label_font(scale.font(12.0))
            .background_style(WHITE.mix(0.88))
            .border_style(GRID)
            .draw()
            .map_err(drawing)
    }
}

/// With room behind it: the box around the labels is as wide as one font has them, and a viewer may have another.
fn roomy(label: &str) -> String {
    format!("{label}     ")
}

impl ComparePicture<'_> {
    /// The time axis, to whole decades.
    fn times(&self, laws: &[(f64, Tries)], own: f64) -> (f64, f64) {
        let slowest_rate = self
            .0
            .levels
            .first()
            .into_iter()
            .flat_map(|level| &level.at_rates);
        let rates = slowest_rate.map(|at| at.hashes_per_second).chain([own]);
        let (mut low, mut high) = (f64::INFINITY, 0f64);
        for rate in rates {
            for (_, law) in laws {
                low = low.min(law.smooth_quantile(0.05) / rate);
                high = high.max(law.smooth_quantile(0.95) / rate);
            }
        }
        for sample in self.0.levels.iter().flat_map(some_puzzles) {
            low = low.min(sample.1);
            high = high.max(sample.1);
        }
        // Below a tenth of a microsecond no clock tells anything.
        let low = low.max(1e-7).log10().floor();
        (10f64.powf(low), 10f64.powf(high.log10().ceil().max(low + 1.0)))
    }
}

/// A label for a power of ten.
fn decade(time_s: f64) -> String {
    match time_s {
        t if t < 0.9e-6 => format!("{} ns", (t * 1e9).round()),
        t if t < 0.9e-3 => format!("{} µs", (t * 1e6).round()),
        t if t < 0.9 => format!("{} ms", (t * 1e3).round()),
        t if t < 9e3 => format!("{} s", t.round()),
        t if t < 2e5 => format!("{:.0} h", t / 3600.0),
        t if t < 3e7 => format!("{:.0} days", t / 86_400.0),
        t => seconds(t),
    }
}

/// Every so many puzzles of a level, in order of time.
fn some_puzzles(level: &LevelReport) -> Vec<(f64, f64)> {
    let mut times: Vec<f64> = level
        .samples
        .iter()
        .map(|sample| sample.elapsed_s)
        .filter(|t| *t > 0.0)
        .collect();
    times.sort_unstable_by(f64::total_cmp);
    let count = times.len().min(MOST_DOTS);
    (0..count)
        .map(|i| (level.bits, times[(2 * i + 1) * times.len() / (2 * count)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::above;

    #[test]
    fn lines_begin_where_they_cross_the_axis() {
        let line = vec![(0.0, 1.0), (2.0, 4.0), (4.0, 16.0)];
        assert_eq!(above(line.clone(), 0.5), line);
        assert_eq!(above(line.clone(), 2.0), [(1.0, 2.0), (2.0, 4.0), (4.0, 16.0)]);
        assert_eq!(
            above(line[..1].to_vec(), 2.0),
            [(0.0, 2.0)],
            "all of it lies below"
        );
        let cut = above(line, 8.0);
        assert!((cut[0].0 - 3.0).abs() < 1e-12 && cut.len() == 2, "{cut:?}");
    }
}
