//! The picture of how cost grows: both axes in powers of ten, a line a work.
//!
//! A work that costs twice as much for twice the length rises by one square a square; what does not
//! depend on the length is flat.

use std::fmt::Write as _;

use super::Row;

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 560.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 270.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 50.0;

/// Colours that differ for all kinds of sight, and dashes where they come round again.
const COLOURS: [&str; 7] =
    ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#555555"];

struct Axes {
    x: (f64, f64),
    y: (f64, f64),
}

impl Axes {
    fn place(&self, (records, value): (u64, f64)) -> (f64, f64) {
        let share = |value: f64, (from, to): (f64, f64)| (value - from) / (to - from);
        let x = share((records as f64).log10(), self.x);
        let y = share(value.max(1e-9).log10(), self.y);
        (LEFT + x * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - y * (HEIGHT - TOP - BOTTOM))
    }
}

/// Draws the works that are timed.
pub(crate) fn svg(rows: &[Row]) -> String {
    let timed: Vec<&Row> = rows.iter().filter(|row| row.unit == "us").collect();
    let points = || timed.iter().flat_map(|row| row.points.iter().copied());
    let span = |of: &dyn Fn((u64, f64)) -> f64| {
        let logs = || points().map(of);
        let (least, most) = (logs().fold(f64::MAX, f64::min), logs().fold(f64::MIN, f64::max));
        (least.floor(), most.ceil().max(least.floor() + 1.0))
    };
    let axes = Axes {
        // A run of a little more than a power of ten records begins no new square.
        x: span(&|(records, _)| (records as f64).log10() - 0.02),
        y: span(&|(_, value)| value.max(1.0).log10()),
    };
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         font-family=\"sans-serif\" font-size=\"13\">\n<title>How cost grows with the length of \
         the log</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    grid(&mut out, &axes);
    // Names stand where their lines end, pushed apart where they would overlap.
    let mut ends: Vec<(f64, usize)> = timed
        .iter()
        .enumerate()
        .filter_map(|(place, row)| Some((axes.place(*row.points.last()?).1, place)))
        .collect();
    ends.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut lowest = f64::MIN;
    for (y, place) in ends {
        let row = timed[place];
        let colour = COLOURS[place % COLOURS.len()];
        let dash = if place < COLOURS.len() { "" } else { " stroke-dasharray=\"6 3\"" };
        let line: Vec<String> = row
            .points
            .iter()
            .map(|point| axes.place(*point))
            .map(|(x, y)| format!("{x:.1},{y:.1}"))
            .collect();
        let label = y.max(lowest + 16.0);
        lowest = label;
        writeln!(
            out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"{dash}/>\n\
             <text x=\"{}\" y=\"{:.1}\" fill=\"{colour}\">{}</text>",
            line.join(" "),
            WIDTH - RIGHT + 10.0,
            label + 4.0,
            row.name
        )
        .unwrap();
    }
    out.push_str("</svg>\n");
    out
}

fn grid(out: &mut String, axes: &Axes) {
    let whole = |(from, to): (f64, f64)| from.ceil() as i32..=to.floor() as i32;
    for power in whole(axes.x) {
        let (x, _) = axes.place((10_u64.pow(power.unsigned_abs()), 1.0));
        let (top, bottom) = (TOP, HEIGHT - BOTTOM);
        writeln!(
            out,
            "<path d=\"M{x:.1} {top}V{bottom}\" stroke=\"#ddd\"/><text x=\"{x:.1}\" y=\"{}\" \
             text-anchor=\"middle\">10^{power}</text>",
            bottom + 20.0
        )
        .unwrap();
    }
    for power in whole(axes.y) {
        let (_, y) = axes.place((1, 10_f64.powi(power)));
        let (left, right) = (LEFT, WIDTH - RIGHT);
        let name = match power {
            0..=2 => format!("{} us", 10_i32.pow(power.unsigned_abs())),
            3..=5 => format!("{} ms", 10_i32.pow(power.unsigned_abs() - 3)),
            _ => format!("{} s", 10_i32.pow(power.unsigned_abs().saturating_sub(6))),
        };
        writeln!(
            out,
            "<path d=\"M{left} {y:.1}H{right}\" stroke=\"#ddd\"/><text x=\"{}\" y=\"{:.1}\" \
             text-anchor=\"end\">{name}</text>",
            left - 8.0,
            y + 4.0
        )
        .unwrap();
    }
    writeln!(
        out,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">records in the log</text>",
        (LEFT + WIDTH - RIGHT) / 2.0,
        HEIGHT - 10.0
    )
    .unwrap();
}
