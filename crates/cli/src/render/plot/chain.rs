//! Block times and difficulty of a ledger, block by block.

use std::ops::Range;

use anyhow::ensure;
use plotters::{
    coord::types::{RangedCoordf64, RangedCoordu64},
    prelude::*,
};

use super::{Area, BLUE, Backend, FAINT, Format, GRID, Picture, Scale, VERMILLION, drawing, render, titled};
use crate::render::{
    bars::means,
    numbers::{thousands, utc},
};
use paydirt_ledger::{History, PastBlock};

const SIZE: (u32, u32) = (900, 620);
/// Points of a curve: more are not seen, and make the file large. Each stands for the mean of its neighbours.
const MOST_POINTS: usize = 1000;

/// A picture of block times and difficulty, of a branch of `length` blocks.
///
/// # Errors
/// When there are fewer than two blocks after genesis.
pub(crate) fn picture(history: &History, length: u64, format: Format) -> anyhow::Result<Vec<u8>> {
    let block_times = history.block_times();
    ensure!(
        !block_times.is_empty(),
        "there is nothing to draw: a block time needs two blocks after the first; paydirt chain mine makes some"
    );
    let time = |block: Option<&PastBlock>| utc(block.map_or(0, |block| block.time_s));
    let picture = ChainPicture {
        below: format!(
            "{} blocks · {} to {} UTC",
            thousands(length),
            time(history.blocks.first()),
            time(history.blocks.last())
        ),
        block_times: means_of(&block_times),
        difficulty_bits: means_of(&history.difficulty_bits()),
    };
    render(&picture, format)
}

fn means_of(points: &[(u64, f64)]) -> Vec<(u64, f64)> {
    means(points, points.len().min(MOST_POINTS))
}

struct ChainPicture {
    /// The line below the title.
    below: String,
    block_times: Vec<(u64, f64)>,
    difficulty_bits: Vec<(u64, f64)>,
}

impl Picture for ChainPicture {
    fn size(&self) -> (u32, u32) {
        SIZE
    }

    fn draw<DB: Backend>(&self, area: &Area<DB>, scale: Scale) -> anyhow::Result<()> {
        let rest = titled(area, "Block times and difficulty", &self.below, scale)?;
        let half = rest.dim_in_pixel().1 as i32 / 2;
        let (upper, lower) = rest.split_vertically(half);
        let (times, bits) = (&self.block_times, &self.difficulty_bits);
        let blocks = bits[0].0..bits[bits.len() - 1].0;
        let low = lowest(times).min(0.0);
        let high = highest(times).max(low + 1.0);
        let room = (high - low) * 0.05;
        let range = if low < 0.0 { low - room } else { 0.0 }..high + room;
        let mut chart = panel(
            &upper,
            blocks.clone(),
            range,
            "seconds since the block before",
            scale,
        )?;
        let dot = scale.px(2.0);
        chart
            .draw_series(
                times
                    .iter()
                    .map(|at| Circle::new(*at, dot, BLUE.mix(0.6).filled())),
            )
            .map_err(drawing)?;
        let range = (lowest(bits) - 0.5).max(0.0)..highest(bits) + 0.5;
        let mut chart = panel(&lower, blocks, range, "difficulty in bits", scale)?;
        let line = VERMILLION.stroke_width(scale.width(2.0));
        chart
            .draw_series(LineSeries::new(bits.iter().copied(), line))
            .map_err(drawing)?;
        Ok(())
    }
}

type Panel<'a, DB> = ChartContext<'a, DB, Cartesian2d<RangedCoordu64, RangedCoordf64>>;

/// One of the two diagrams, with its axes: blocks to the right.
fn panel<'a, DB: Backend>(
    area: &'a Area<DB>,
    blocks: Range<u64>,
    values: Range<f64>,
    what: &str,
    scale: Scale,
) -> anyhow::Result<Panel<'a, DB>> {
    let mut chart = ChartBuilder::on(area)
        .margin_left(scale.px(10.0))
        .margin_right(scale.px(24.0))
        .margin_bottom(scale.px(8.0))
        .x_label_area_size(scale.px(44.0))
        .y_label_area_size(scale.px(76.0))
        .build_cartesian_2d(blocks, values)
        .map_err(drawing)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(FAINT)
        .x_labels(10)
        .x_label_formatter(&|block| thousands(*block))
        .y_labels(6)
        .label_style(scale.font(12.0))
        .axis_desc_style(scale.font(13.0))
        .x_desc("block")
        .y_desc(what)
        .draw()
        .map_err(drawing)?;
    Ok(chart)
}

fn lowest(points: &[(u64, f64)]) -> f64 {
    points.iter().map(|point| point.1).fold(f64::INFINITY, f64::min)
}

fn highest(points: &[(u64, f64)]) -> f64 {
    points
        .iter()
        .map(|point| point.1)
        .fold(f64::NEG_INFINITY, f64::max)
}
