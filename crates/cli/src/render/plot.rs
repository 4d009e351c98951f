//! Pictures of measurements, as SVG or PNG.
//!
//! *In:* a report. *Out:* a file's bytes. Titled, with units, in the colours of Okabe and Ito, which people who see
//! fewer colours tell apart. The font comes with the program (`plot/Roboto-Regular-subset.ttf`: Roboto, Apache-2.0,
//! cut down to Latin, Greek and a few signs), so that no font need be installed.

pub(super) mod bench;
pub(crate) mod chain;
pub(super) mod compare;

use std::sync::Once;

use anyhow::{Context as _, anyhow};
use plotters::{
    coord::Shift,
    prelude::*,
    style::{FontStyle, register_font},
};

/// A kind of picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Scalable: text stays text.
    Svg,
    /// Pixels, twice as many each way as the SVG is units wide.
    Png,
}

/// Pixels of a PNG for each unit of an SVG.
const PNG_SCALE: u32 = 2;

/// What an SVG asks for; the PNG, and the room that is left for text, come from the font that is registered under it.
const FONT: &str = "Roboto, Arial, Helvetica, sans-serif";

const BLUE: RGBColor = RGBColor(0, 114, 178);
const ORANGE: RGBColor = RGBColor(230, 159, 0);
const GREEN: RGBColor = RGBColor(0, 158, 115);
const VERMILLION: RGBColor = RGBColor(213, 94, 0);
const SKY: RGBColor = RGBColor(86, 180, 233);
const PURPLE: RGBColor = RGBColor(204, 121, 167);
const INK: RGBColor = RGBColor(32, 32, 32);
const FAINT: RGBColor = RGBColor(110, 110, 110);
const GRID: RGBColor = RGBColor(225, 225, 225);

type Area<DB> = DrawingArea<DB, Shift>;

/// What draws: an SVG or a bitmap.
trait Backend: DrawingBackend<ErrorType: 'static> {}

impl<DB: DrawingBackend<ErrorType: 'static>> Backend for DB {}

/// What can be drawn on any backend.
trait Picture {
    /// Width and height in units.
    fn size(&self) -> (u32, u32);

    /// Draws it, every length multiplied by the scale.
    fn draw<DB: Backend>(&self, area: &Area<DB>, scale: Scale) -> anyhow::Result<()>;
}

/// How many pixels a unit is.
#[derive(Clone, Copy)]
struct Scale(u32);

impl Scale {
    fn px(self, units: f64) -> i32 {
        (units * f64::from(self.0)).round() as i32
    }

    fn width(self, units: f64) -> u32 {
        self.px(units).max(1) as u32
    }

    fn font(self, units: f64) -> TextStyle<'static> {
        // The SVG backend writes sizes a quarter smaller than the bitmap backend draws them.
        let size = if self.0 == 1 { units * 1.15 } else { units };
        (FONT, self.px(size)).into_font().color(&INK)
    }
}

/// Makes the font [`FONT`] known to the plotting crate: it comes with the program, no system font is read.
fn register_fonts() {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        let bytes = include_bytes!("plot/Roboto-Regular-subset.ttf");
        let registered = register_font(FONT, FontStyle::Normal, bytes);
        assert!(registered.is_ok(), "the font that comes with the program is one");
    });
}

fn render(picture: &impl Picture, format: Format) -> anyhow::Result<Vec<u8>> {
    register_fonts();
    let (width, height) = picture.size();
    match format {
        Format::Svg => {
            let mut text = String::new();
            let area = SVGBackend::with_string(&mut text, (width, height)).into_drawing_area();
            draw(picture, &area, Scale(1))?;
            drop(area);
            Ok(text.into_bytes())
        }
        Format::Png => {
            let (width, height) = (width * PNG_SCALE, height * PNG_SCALE);
            let mut pixels = vec![0; 3 * width as usize * height as usize];
            let area = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
            draw(picture, &area, Scale(PNG_SCALE))?;
            drop(area);
            let mut file = Vec::new();
            let mut encoder = png::Encoder::new(&mut file, width, height);
            encoder.set_color(png::ColorType::Rgb);
            encoder.set_depth(png::BitDepth::Eight);
            let mut writer = encoder.write_header().context("cannot write a PNG")?;
            writer.write_image_data(&pixels).context("cannot write a PNG")?;
            writer.finish().context("cannot write a PNG")?;
            Ok(file)
        }
    }
}

fn draw<DB: Backend>(picture: &impl Picture, area: &Area<DB>, scale: Scale) -> anyhow::Result<()> {
    area.fill(&WHITE).map_err(drawing)?;
    picture.draw(area, scale)?;
    area.present().map_err(drawing)
}

/// Errors of a backend, which are not all `Sync`, as text.
fn drawing(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("cannot draw: {error}")
}

/// Writes the title and a smaller line below it; returns what is left of the area.
fn titled<DB: Backend>(area: &Area<DB>, title: &str, below: &str, scale: Scale) -> anyhow::Result<Area<DB>> {
    let (head, rest) = area.split_vertically(scale.px(58.0));
    head.draw_text(title, &scale.font(21.0), (scale.px(16.0), scale.px(12.0)))
        .map_err(drawing)?;
    let small = scale.font(13.0).color(&FAINT);
    head.draw_text(below, &small, (scale.px(16.0), scale.px(38.0)))
        .map_err(drawing)?;
    Ok(rest)
}
