//! The chart: two panels, by keys and by uses, with one line for each operation. Both axes are logarithmic.

use std::{error::Error, path::Path};

use plotters::{
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

use crate::{Point, measure::Times};

const WIDTH: u32 = 900;
const HEIGHT: u32 = 380;

/// The range of the times, in microseconds.
const TIMES: std::ops::Range<f64> = 1.0..1000.0;

type Operation = (&'static str, RGBColor, fn(&Times) -> f64);

const OPERATIONS: [Operation; 4] = [
    ("a key", RGBColor(0x1f, 0x77, 0xb4), |times| times.key),
    ("statistics", RGBColor(0x2c, 0xa0, 0x2c), |times| {
        times.stats
    }),
    ("a page of 50 keys", RGBColor(0x94, 0x67, 0xbd), |times| {
        times.list
    }),
    (
        "a validation, 32 at a time",
        RGBColor(0xd6, 0x27, 0x28),
        |times| times.validate,
    ),
];

/// Writes the chart to an SVG file.
pub(crate) fn write(
    path: &Path,
    by_keys: &[Point],
    by_uses: &[Point],
) -> Result<(), Box<dyn Error>> {
    let root = SVGBackend::new(path, (WIDTH, HEIGHT)).into_drawing_area();
    root.fill(&WHITE)?;
    let (left, right) = root.split_horizontally(WIDTH / 2);
    panel(&left, "keys in the organization", by_keys)?;
    panel(&right, "recorded uses", by_uses)?;
    root.present()?;
    Ok(())
}

fn panel(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    title: &str,
    points: &[Point],
) -> Result<(), Box<dyn Error>> {
    let x = |point: &Point| f64::from(point.number);
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return Ok(());
    };
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .x_label_area_size(42)
        .y_label_area_size(56)
        .build_cartesian_2d((x(first)..x(last)).log_scale(), TIMES.log_scale())?;
    chart
        .configure_mesh()
        .x_desc(title)
        .y_desc("median, µs")
        .x_label_formatter(&|number| thousands(*number))
        .y_label_formatter(&|micros| thousands(*micros))
        .light_line_style(TRANSPARENT)
        .draw()?;
    for (name, color, time) in OPERATIONS {
        let line: Vec<_> = points
            .iter()
            .map(|point| (x(point), time(&point.times)))
            .collect();
        let Some(&(end, height)) = line.last() else {
            continue;
        };
        chart.draw_series(LineSeries::new(line.iter().copied(), color.stroke_width(2)))?;
        chart.draw_series(line.iter().map(|at| Circle::new(*at, 3, color.filled())))?;
        let style = ("sans-serif", 12).into_font().color(&color);
        let style = style.pos(Pos::new(HPos::Right, VPos::Bottom));
        chart.draw_series([Text::new(name, (end, height * 1.12), style)])?;
    }
    Ok(())
}

/// Formats a number with separators.
fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
