//! Pieces of the page: drawings, cards of figures, tables, the map of months.

use super::charts::Figure;
use super::metric::Metric;
use super::table::{Cell, Column, Table};
use super::words::{escaped, minute, shown};

/// Rows above which a table scrolls within a box of its own.
const TALL: usize = 25;

/// A drawing, or the words in its place.
pub(super) fn figure(figure: &Figure, out: &mut String) {
    match figure {
        Figure::Drawn(chart) => chart.write(out),
        Figure::Absent { title, why } => {
            let (title, why) = (escaped(title), escaped(why));
            out.push_str(&format!(
                "<figure class=\"chart\"><figcaption>{title}</figcaption><p class=\"dim\">{why}</p>\
                 </figure>\n"
            ));
        }
    }
}

/// On what a figure rests, in words.
fn grounds(metric: &Metric) -> String {
    format!(
        "{}. From {} {}, {} to {}.",
        metric.formula,
        metric.periods,
        metric.of,
        minute(metric.range.from),
        minute(metric.range.to)
    )
}

/// The figures of one group, and their formulas for those who cannot point.
pub(super) fn metric_card(group: &[Metric], out: &mut String) {
    let Some(first) = group.first() else { return };
    let title = escaped(first.group);
    out.push_str(&format!("<div class=\"card\"><table><caption>{title}</caption><tbody>"));
    for metric in group {
        let value = metric.shown();
        out.push_str(&format!(
            "<tr title=\"{}\"><th scope=\"row\">{}</th><td class=\"number\">{}</td></tr>",
            escaped(&grounds(metric)),
            escaped(metric.title),
            escaped(&value)
        ));
    }
    out.push_str(&format!(
        "</tbody></table><details><summary>Formulas: {title}</summary><dl class=\"formulas\">"
    ));
    for metric in group {
        let (name, text) = (escaped(metric.title), escaped(&grounds(metric)));
        out.push_str(&format!("<dt>{name}</dt><dd>{text}</dd>"));
    }
    out.push_str("</dl></details></div>\n");
}

fn cell(value: &Cell, column: &Column) -> String {
    match (value, column.unit) {
        (Cell::Text(text), _) => escaped(text),
        (Cell::Number(number), Some(unit)) => escaped(&shown(*number, unit)),
        (Cell::Number(number), None) => escaped(&number.to_string()),
        (Cell::Nothing, Some(_)) => "–".to_owned(),
        (Cell::Nothing, None) => String::new(),
    }
}

fn head(table: &Table, out: &mut String) {
    out.push_str("<thead><tr>");
    for column in &table.columns {
        let class = if column.unit.is_some() { " class=\"number\"" } else { "" };
        let title = escaped(column.title);
        out.push_str(&format!("<th scope=\"col\"{class}>{title}</th>"));
    }
    out.push_str("</tr></thead>");
}

fn begin(table: &Table, class: &str, out: &mut String) -> bool {
    let title = escaped(table.title);
    out.push_str(&format!("<h3>{title}</h3>\n"));
    if !table.note.is_empty() {
        out.push_str(&format!("<p class=\"dim\">{}</p>\n", escaped(&table.note)));
    }
    if table.rows.is_empty() {
        if table.note.is_empty() {
            out.push_str("<p class=\"dim\">There is nothing to show.</p>\n");
        }
        return false;
    }
    let tall = if table.rows.len() > TALL { " tall" } else { "" };
    out.push_str(&format!(
        "<div class=\"scroll{tall}\" role=\"region\" tabindex=\"0\" aria-label=\"{title}\">\
         <table{class}>"
    ));
    true
}

/// A table in a box of its own that scrolls, or the words in its place.
pub(super) fn table(table: &Table, out: &mut String) {
    if !begin(table, "", out) {
        return;
    }
    head(table, out);
    out.push_str("<tbody>");
    for row in &table.rows {
        out.push_str("<tr>");
        for (place, (value, column)) in row.iter().zip(&table.columns).enumerate() {
            let text = cell(value, column);
            match (place, column.unit) {
                (0, None) => out.push_str(&format!("<th scope=\"row\">{text}</th>")),
                (_, None) => out.push_str(&format!("<td>{text}</td>")),
                (_, Some(_)) => out.push_str(&format!("<td class=\"number\">{text}</td>")),
            }
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div>\n");
}

/// The map of months: a table whose cells are the warmer or colder the more was lost or won.
pub(super) fn heat_map(table: &Table, out: &mut String) {
    if !begin(table, " class=\"heat\"", out) {
        return;
    }
    head(table, out);
    let months = table.rows.iter().flat_map(|row| row.iter().take(13));
    let sizes = months.filter_map(|cell| match cell {
        Cell::Number(value) => Some(value.abs()),
        _ => None,
    });
    let most = sizes.fold(0.0, f64::max);
    out.push_str("<tbody>");
    for row in &table.rows {
        out.push_str("<tr>");
        for (value, column) in row.iter().zip(&table.columns) {
            match value {
                Cell::Number(number) => out.push_str(&format!(
                    "<td{}>{}</td>",
                    warmth(*number, most),
                    cell(value, column)
                )),
                Cell::Text(text) => {
                    out.push_str(&format!("<th scope=\"row\">{}</th>", escaped(text)));
                }
                Cell::Nothing => out.push_str("<td></td>"),
            }
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div>\n");
}

fn warmth(value: f64, most: f64) -> String {
    if value == 0.0 || most == 0.0 {
        return String::new();
    }
    let step = (value.abs() / most * 4.0).ceil().clamp(1.0, 4.0);
    let side = if value > 0.0 { 'g' } else { 'l' };
    format!(" class=\"{side}{step}\"")
}
