//! Pictures of runs, as SVG and PNG.

use std::{fs::File, io::BufWriter, path::Path, sync::Once};

use anyhow::anyhow;
use plotters::{
    prelude::*,
    style::{FontStyle, register_font},
};

const FONT: &str = "Roboto, Arial, Helvetica, sans-serif";
/// The colours of Okabe and Ito, which people who see fewer colours tell apart.
const COLOURS: [RGBColor; 4] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
];

/// A line of a picture.
#[derive(Clone, Debug)]
pub struct Line {
    /// What it is called.
    pub name: String,
    /// Seconds, and the share of the nodes.
    pub points: Vec<(f64, f64)>,
}

/// Draws how blocks spread into `NAME.svg` and `NAME.png`.
///
/// # Errors
/// When a file cannot be written.
pub fn draw_spread(folder: &Path, name: &str, title: &str, lines: &[Line]) -> anyhow::Result<()> {
    static FONTS: Once = Once::new();
    FONTS.call_once(|| {
        let font = include_bytes!("../../cli/src/render/plot/Roboto-Regular-subset.ttf");
        let _ = register_font(FONT, FontStyle::Normal, font); // without it there is no text
    });
    let svg = folder.join(format!("{name}.svg"));
    draw(
        &SVGBackend::new(&svg, (800, 480)).into_drawing_area(),
        1,
        title,
        lines,
    )?;
    let (width, height) = (1600, 960);
    let mut pixels = vec![0; (width * height * 3) as usize];
    let backend = BitMapBackend::with_buffer(&mut pixels, (width, height));
    draw(&backend.into_drawing_area(), 2, title, lines)?;
    let file = File::create(folder.join(format!("{name}.png")))?;
    let mut encoder = png::Encoder::new(BufWriter::new(file), width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(())
}

fn draw<DB: DrawingBackend>(
    area: &DrawingArea<DB, plotters::coord::Shift>,
    scale: u32,
    title: &str,
    lines: &[Line],
) -> anyhow::Result<()>
where
    DB::ErrorType: 'static,
{
    let failed = |error: DrawingAreaErrorKind<DB::ErrorType>| anyhow!("the picture cannot be drawn: {error}");
    area.fill(&WHITE).map_err(failed)?;
    let points = || {
        lines
            .iter()
            .flat_map(|line| &line.points)
            .map(|(seconds, _)| *seconds)
    };
    let first = points().filter(|seconds| *seconds > 0.0).fold(f64::MAX, f64::min);
    let last = points().fold(0.1, f64::max);
    let mut chart = ChartBuilder::on(area)
        .caption(title, (FONT, 20 * scale))
        .margin(14 * scale)
        .x_label_area_size(44 * scale)
        .y_label_area_size(56 * scale)
        .build_cartesian_2d((first * 0.8..last * 1.2).log_scale(), 0.0..1.0)
        .map_err(failed)?;
    chart
        .configure_mesh()
        .x_desc("seconds since the block was found (median over blocks)")
        .y_desc("nodes that have it")
        .x_label_formatter(&|seconds| format!("{seconds:.2}"))
        .y_label_formatter(&|share| format!("{:.0} %", share * 100.0))
        .label_style((FONT, 13 * scale))
        .axis_desc_style((FONT, 14 * scale))
        .light_line_style(TRANSPARENT)
        .bold_line_style(RGBColor(225, 225, 225))
        .draw()
        .map_err(failed)?;
    for (line, colour) in lines.iter().zip(COLOURS) {
        let style = colour.stroke_width(2 * scale);
        let points = line.points.iter().copied().filter(|(seconds, _)| *seconds > 0.0);
        chart
            .draw_series(LineSeries::new(points, style))
            .map_err(failed)?
            .label(&line.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18 * scale as i32, y)], style));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .legend_area_size(24 * scale)
        .background_style(WHITE)
        .border_style(RGBColor(200, 200, 200))
        .label_font((FONT, 13 * scale))
        .draw()
        .map_err(failed)?;
    area.present().map_err(failed)
}
