//! A small writer of drawings that fit any width.
//!
//! What is drawn lies in a square of 1000 by 1000 that is stretched to its place; lines keep their
//! width (`non-scaling-stroke`) and letters their size, because they stand beside that square, at
//! places in percent. So one drawing is readable on a phone and on a desk. Colours are named by
//! class and made by the page's style, which knows light and dark; each row of points has a dash of
//! its own beside its colour.
//!
//! Every drawing has a title and a description in words for those who do not see it.

use super::words::{escaped, fixed};

/// How a row of points is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stroke {
    /// A line.
    Line,
    /// A line, and colour from it down to zero.
    Area,
    /// A thin, pale line.
    Thin,
}

/// A row of points.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// Its name in the legend.
    pub(super) name: String,
    /// Which of the eight colours and dashes, from 0.
    pub(super) style: usize,
    pub(super) stroke: Stroke,
    pub(super) points: Vec<(f64, f64)>,
}

/// A column from zero to its height.
#[derive(Clone, Debug)]
pub(super) struct Bar {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) height: f64,
    /// What it says when it is pointed at.
    pub(super) says: String,
    /// Drawn as a loss.
    pub(super) loss: bool,
}

/// A line from one point to another, with a dot at its beginning.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) from: (f64, f64),
    pub(super) to: (f64, f64),
    pub(super) says: String,
    pub(super) loss: bool,
}

/// A label at a place of an axis.
#[derive(Clone, Debug)]
pub(super) struct Tick {
    pub(super) at: f64,
    pub(super) label: String,
    /// Its label is left out where there is little room.
    pub(super) minor: bool,
}

/// A drawing.
#[derive(Clone, Debug, Default)]
pub(super) struct Chart {
    /// Unique on the page.
    pub(super) id: String,
    pub(super) title: String,
    /// What it shows, in words.
    pub(super) description: String,
    pub(super) rows: Vec<Row>,
    pub(super) bars: Vec<Bar>,
    pub(super) segments: Vec<Segment>,
    pub(super) x: (f64, f64),
    pub(super) y: (f64, f64),
    pub(super) x_ticks: Vec<Tick>,
    pub(super) y_ticks: Vec<Tick>,
    /// What else the legend explains: a class, and what it means.
    pub(super) keys: Vec<(&'static str, &'static str)>,
    /// Drawn over all columns of the page.
    pub(super) wide: bool,
}

/// Returns round numbers within a stretch, at most about `most` of them.
pub(super) fn round_steps(low: f64, high: f64, most: usize) -> Vec<f64> {
    let wanted = (high - low) / most.max(1) as f64;
    if !(wanted > 0.0 && wanted.is_finite() && low.is_finite()) {
        return vec![low];
    }
    let mut power = 1.0_f64;
    while power > wanted && power > 1e-15 {
        power /= 10.0;
    }
    while power * 10.0 <= wanted && power < 1e30 {
        power *= 10.0;
    }
    let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
    let step = step.into_iter().find(|step| *step >= wanted).unwrap_or(power * 10.0);
    let first = (low / step).ceil();
    let steps = (0..=most + 2).map(|place| (first + place as f64) * step);
    steps.take_while(|value| *value <= high + step * 1e-9).collect()
}

impl Chart {
    /// A place on the square, from the left.
    fn across(&self, x: f64) -> f64 {
        let (from, to) = self.x;
        if to > from { ((x - from) / (to - from)).clamp(0.0, 1.0) } else { 0.5 }
    }

    /// A place on the square, from the top.
    fn down(&self, y: f64) -> f64 {
        let (from, to) = self.y;
        if to > from { 1.0 - ((y - from) / (to - from)).clamp(0.0, 1.0) } else { 0.5 }
    }

    fn point(&self, (x, y): (f64, f64)) -> String {
        let places = [self.across(x), self.down(y)];
        places.map(|place| fixed(place * 1_000.0, 1)).join(" ")
    }

    /// Writes the drawing as a figure of HTML.
    pub(super) fn write(&self, out: &mut String) {
        let (id, wide) = (&self.id, if self.wide { " wide" } else { "" });
        let (title, description) = (escaped(&self.title), escaped(&self.description));
        out.push_str(&format!(
            "<figure class=\"chart{wide}\"><figcaption>{title}</figcaption><div class=\"frame\">"
        ));
        self.write_left(out);
        out.push_str(&format!(
            "<svg class=\"plot\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\" \
             viewBox=\"0 0 1000 1000\" preserveAspectRatio=\"none\">\
             <title id=\"{id}-t\">{title}</title><desc id=\"{id}-d\">{description}</desc>"
        ));
        self.write_grid(out);
        self.write_bars(out);
        for row in &self.rows {
            self.write_row(row, out);
        }
        self.write_segments(out);
        out.push_str("</svg>");
        self.write_below(out);
        out.push_str("</div>");
        self.write_legend(out);
        out.push_str(&format!("<p class=\"says\">{description}</p></figure>\n"));
    }

    /// The labels of the vertical axis, in a column as wide as the longest.
    fn write_left(&self, out: &mut String) {
        let longest = self.y_ticks.iter().map(|tick| tick.label.chars().count()).max();
        let width = longest.unwrap_or(0) + 1;
        out.push_str(&format!(
            "<svg class=\"left\" style=\"width:{width}ch\" aria-hidden=\"true\">"
        ));
        for tick in &self.y_ticks {
            let (place, label) = (self.down(tick.at), escaped(&tick.label));
            let y = fixed(place * 100.0, 2);
            // Labels at the ends stay inside.
            let shift = match place {
                place if place < 0.04 => ".8em",
                place if place > 0.96 => "-.1em",
                _ => ".35em",
            };
            out.push_str(&format!(
                "<text x=\"100%\" y=\"{y}%\" dx=\"-5\" dy=\"{shift}\" text-anchor=\"end\">{label}\
                 </text>"
            ));
        }
        out.push_str("</svg>");
    }

    fn write_grid(&self, out: &mut String) {
        let mut lines = String::new();
        for tick in &self.y_ticks {
            lines.push_str(&format!("M0 {}H1000", fixed(self.down(tick.at) * 1_000.0, 1)));
        }
        for tick in &self.x_ticks {
            lines.push_str(&format!("M{} 0V1000", fixed(self.across(tick.at) * 1_000.0, 1)));
        }
        out.push_str(&format!("<path class=\"grid\" d=\"{lines}\"/>"));
        if self.y.0 < 0.0 && self.y.1 > 0.0 {
            let zero = fixed(self.down(0.0) * 1_000.0, 1);
            out.push_str(&format!("<path class=\"zero\" d=\"M0 {zero}H1000\"/>"));
        }
    }

    fn write_row(&self, row: &Row, out: &mut String) {
        let Some((first, rest)) = row.points.split_first() else { return };
        let mut line = format!("M{}", self.point(*first));
        for point in rest {
            line.push_str(&format!("L{}", self.point(*point)));
        }
        let style = row.style % 8;
        if row.stroke == Stroke::Area {
            let zero = fixed(self.down(0.0) * 1_000.0, 1);
            let last = rest.last().unwrap_or(first);
            let (from, to) = (self.across(first.0), self.across(last.0));
            let [from, to] = [from, to].map(|place| fixed(place * 1_000.0, 1));
            out.push_str(&format!(
                "<path class=\"area s{style}\" d=\"{line}L{to} {zero}L{from} {zero}Z\"/>"
            ));
        }
        if rest.is_empty() {
            line.push_str("h0");
        }
        let thin = if row.stroke == Stroke::Thin { " thin" } else { "" };
        out.push_str(&format!("<path class=\"line s{style}{thin}\" d=\"{line}\"/>"));
    }

    fn write_bars(&self, out: &mut String) {
        let zero = self.down(0.0) * 1_000.0;
        for bar in &self.bars {
            let (left, right) = (self.across(bar.from) * 1_000.0, self.across(bar.to) * 1_000.0);
            let top = self.down(bar.height) * 1_000.0;
            let [x, width] = [left, right - left].map(|place| fixed(place, 1));
            let [y, height] = [zero.min(top), (zero - top).abs()].map(|place| fixed(place, 1));
            let class = if bar.loss { "loss" } else { "gain" };
            let says = escaped(&bar.says);
            out.push_str(&format!(
                "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" \
                 height=\"{height}\"><title>{says}</title></rect>"
            ));
        }
    }

    fn write_segments(&self, out: &mut String) {
        for segment in &self.segments {
            let (from, to) = (self.point(segment.from), self.point(segment.to));
            let class = if segment.loss { "lost" } else { "won" };
            let says = escaped(&segment.says);
            // A dot is a line without length, so that it stays round.
            out.push_str(&format!(
                "<g class=\"{class}\"><title>{says}</title><path class=\"trade\" \
                 d=\"M{from}L{to}\"/><path class=\"dot\" d=\"M{from}h0\"/></g>"
            ));
        }
    }

    /// The labels of the horizontal axis.
    fn write_below(&self, out: &mut String) {
        out.push_str("<svg class=\"below\" aria-hidden=\"true\">");
        for tick in &self.x_ticks {
            let place = self.across(tick.at);
            let anchor = match place {
                place if place < 0.1 => "start",
                place if place > 0.9 => "end",
                _ => "middle",
            };
            let class = if tick.minor { " class=\"minor\"" } else { "" };
            let (x, label) = (fixed(place * 100.0, 2), escaped(&tick.label));
            out.push_str(&format!(
                "<text{class} x=\"{x}%\" y=\"1.1em\" text-anchor=\"{anchor}\">{label}</text>"
            ));
        }
        out.push_str("</svg>");
    }

    fn write_legend(&self, out: &mut String) {
        let named = self.rows.iter().filter(|row| !row.name.is_empty());
        let rows = named.map(|row| {
            let style = row.style % 8;
            (format!("<path class=\"line s{style}\" d=\"M0 6H24\"/>"), escaped(&row.name))
        });
        let keys = self.keys.iter().map(|(class, means)| {
            let path = "<path class=\"trade\" d=\"M4 6H24\"/><path class=\"dot\" d=\"M4 6h0\"/>";
            (format!("<g class=\"{class}\">{path}</g>"), escaped(means))
        });
        let all: Vec<(String, String)> = rows.chain(keys).collect();
        if all.is_empty() {
            return;
        }
        out.push_str("<ul class=\"legend\">");
        for (drawn, means) in all {
            out.push_str(&format!(
                "<li><svg class=\"key\" aria-hidden=\"true\">{drawn}</svg>{means}</li>"
            ));
        }
        out.push_str("</ul>");
    }
}
