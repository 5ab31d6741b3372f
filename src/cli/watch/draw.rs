//! From a picture to cells: pure, and the same for a screen and for a test.

use std::time::Duration;

use ratatui::Frame;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph, Sparkline};

use super::picture::{Audited, Picture};
use crate::cli::text::count;

/// Below this many lines or columns only the most important is drawn.
const ROOMY: (u16, u16) = (70, 20);
/// From so many columns on every figure of a position and a ghost has room.
const WIDE: u16 = 100;

const GOOD: Style = Style::new().fg(Color::Green).add_modifier(Modifier::BOLD);
const BAD: Style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
const DIM: Style = Style::new().add_modifier(Modifier::DIM);

/// Draws a picture as lines of text of that size, colours left out.
#[must_use]
pub fn picture_as_text(picture: &Picture, width: u16, height: u16) -> String {
    let Ok(mut terminal) = Terminal::new(TestBackend::new(width, height));
    let Ok(drawn) = terminal.draw(|frame| draw(frame, picture));
    let mut text = String::new();
    for row in drawn.buffer.content.chunks(usize::from(width.max(1))) {
        let line: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// Draws a picture into a frame.
pub(super) fn draw(frame: &mut Frame<'_>, picture: &Picture) {
    let area = frame.area();
    let (body, keys) = split_last(area);
    frame.render_widget(Paragraph::new(keys_line(picture)), keys);
    if area.width < ROOMY.0 || area.height < ROOMY.1 {
        draw_small(frame, picture, body);
    } else {
        draw_large(frame, picture, body);
    }
}

fn split_last(area: Rect) -> (Rect, Rect) {
    let [body, last] = Layout::vertical([Constraint::Min(0), Constraint::Length(1)]).areas(area);
    (body, last)
}

fn draw_small(frame: &mut Frame<'_>, picture: &Picture, area: Rect) {
    let mut lines = vec![head_line(picture), audit_line(picture), checkpoint_line(picture)];
    lines.extend(
        picture
            .accounts
            .iter()
            .take(2)
            .map(|account| Line::from(format!("equity   {} {}", account.equity, account.currency))),
    );
    let positions = count(picture.positions.len() as u64, "position");
    let ghosts = count(picture.ghosts.len() as u64, "ghost");
    lines.push(Line::from(format!("open     {positions}, {ghosts}")));
    lines.extend(trouble_line(picture));
    let lines: Vec<Line<'_>> = lines.into_iter().map(|line| cut(line, area.width)).collect();
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).min(area.height);
    let parts = [Constraint::Length(height), Constraint::Length(1), Constraint::Min(0)];
    let [top, curve, records] = Layout::vertical(parts).areas(area);
    frame.render_widget(Paragraph::new(lines), top);
    draw_curve(frame, picture, curve);
    draw_records(frame, picture, records);
}

fn draw_large(frame: &mut Frame<'_>, picture: &Picture, area: Rect) {
    let mut lines = vec![
        Line::from(format!("run      {}", picture.run)),
        head_line(picture),
        checkpoint_line(picture),
        audit_line(picture),
    ];
    lines.extend(trouble_line(picture));
    let inner = area.width.saturating_sub(2);
    let lines: Vec<Line<'_>> = lines.into_iter().map(|line| cut(line, inner)).collect();
    let accounts = u16::try_from(picture.accounts.len().clamp(1, 3)).unwrap_or(1);
    let tables = (area.height / 5).max(4);
    let head = u16::try_from(lines.len()).unwrap_or(4) + 2;
    let parts = [
        Constraint::Length(head),
        Constraint::Length(accounts + 2 + area.height / 10),
        Constraint::Length(tables),
        Constraint::Min(3),
    ];
    let [top, money, middle, bottom] = Layout::vertical(parts).areas(area);
    let title = format!(" {} ", picture.ledger);
    frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(title)), top);
    draw_money(frame, picture, money, accounts);
    let halves = [Constraint::Percentage(50), Constraint::Percentage(50)];
    let [left, right] = Layout::horizontal(halves).areas(middle);
    let is_wide = area.width >= WIDE;
    let held = picture.positions.iter().map(|[pair, quantity, mark, open]| {
        if is_wide { vec![pair, quantity, mark, open] } else { vec![pair, quantity, open] }
    });
    draw_table(frame, "open positions", held, left);
    let ghosts =
        picture.ghosts.iter().map(
            |[key, price, state]| {
                if is_wide { vec![key, price, state] } else { vec![key, state] }
            },
        );
    draw_table(frame, "open ghosts", ghosts, right);
    let block = Block::bordered().title(" last records ");
    let inner = block.inner(bottom);
    frame.render_widget(block, bottom);
    draw_records(frame, picture, inner);
}

fn draw_money(frame: &mut Frame<'_>, picture: &Picture, area: Rect, accounts: u16) {
    let block = Block::bordered().title(" equity ");
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let parts = [Constraint::Length(accounts), Constraint::Min(0)];
    let [figures, curve] = Layout::vertical(parts).areas(inner);
    let lines: Vec<Line<'_>> = picture
        .accounts
        .iter()
        .map(|account| {
            let text = format!(
                "{} {}  closed {}  open {}  worst fall {}",
                account.equity,
                account.currency,
                account.net_profit,
                account.unrealised,
                account.worst_fall
            );
            Line::from(fit(&text, inner.width))
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), figures);
    draw_curve(frame, picture, curve);
}

/// The curve, thinned to the columns that there are.
fn draw_curve(frame: &mut Frame<'_>, picture: &Picture, area: Rect) {
    let columns = usize::from(area.width).max(1);
    let points = &picture.equity;
    let shown: Vec<u64> = if points.len() <= columns {
        points.clone()
    } else {
        (0..columns).map(|column| points[(column + 1) * points.len() / columns - 1]).collect()
    };
    frame.render_widget(Sparkline::default().data(shown).max(1000), area);
}

/// Rows under each other, each column as wide as its longest cell; what does not fit is cut, and
/// says so: a number that lost digits must not look like another number.
fn draw_table<'p>(
    frame: &mut Frame<'_>,
    title: &str,
    rows: impl Iterator<Item = Vec<&'p String>>,
    area: Rect,
) {
    let rows: Vec<Vec<&String>> = rows.collect();
    let block = Block::bordered().title(format!(" {title}: {} ", rows.len()));
    let inner = block.inner(area);
    let width = |place: usize| {
        rows.iter().filter_map(|row| row.get(place)).map(|cell| cell.chars().count()).max()
    };
    let lines = rows.iter().map(|row| {
        let mut line = String::new();
        for (place, cell) in row.iter().enumerate() {
            let width = width(place).unwrap_or_default();
            line += &format!("{cell:<width$}  ");
        }
        Line::from(fit(line.trim_end(), inner.width))
    });
    let lines: Vec<Line<'_>> = lines.collect();
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

/// A line of at most so many columns; its last part gives way.
fn cut(mut line: Line<'_>, width: u16) -> Line<'_> {
    let before: usize = line.iter().rev().skip(1).map(Span::width).sum();
    let left = width.saturating_sub(u16::try_from(before).unwrap_or(u16::MAX));
    if let Some(last) = line.spans.last_mut() {
        *last = Span::styled(fit(&last.content, left), last.style);
    }
    line
}

/// Text of at most so many columns; one that was cut ends with an ellipsis.
fn fit(text: &str, width: u16) -> String {
    let width = usize::from(width);
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// The last records that fit, the newest at the bottom.
fn draw_records(frame: &mut Frame<'_>, picture: &Picture, area: Rect) {
    let end = picture.last.len().saturating_sub(picture.scroll);
    let start = end.saturating_sub(usize::from(area.height));
    let lines: Vec<Line<'_>> =
        picture.last[start..end].iter().map(|line| Line::from(fit(line, area.width))).collect();
    frame.render_widget(Paragraph::new(lines), area);
}

fn head_line(picture: &Picture) -> Line<'_> {
    let Picture { records, records_there, chain_head, end, time, .. } = picture;
    if records < records_there {
        let percent = records * 100 / records_there.max(&1);
        return Line::from(format!("reading  record {records} of {records_there}, {percent} %"));
    }
    if *records == 0 {
        return Line::from(format!("head     no record yet, {end}"));
    }
    Line::from(format!("head     {records} records, {end}, link {chain_head}, {time}"))
}

fn checkpoint_line(picture: &Picture) -> Line<'_> {
    let Some(known) = &picture.checkpoint else {
        return Line::from("signed   nothing: no checkpoint yet");
    };
    let behind = picture.records_there.saturating_sub(known.size);
    let age = known.age.map(|age| format!(", {} ago", in_words(age))).unwrap_or_default();
    let size = known.size;
    Line::from(format!("signed   {size} records{age}, {behind} since, by {}", known.origin))
}

fn audit_line(picture: &Picture) -> Line<'_> {
    let name = Span::raw("verified ");
    match &picture.audit {
        Audited::NotYet => Line::from(vec![name, Span::raw("not yet: press v")]),
        Audited::Looking => Line::from(vec![name, Span::raw("looking ...")]),
        Audited::Failed(why) => Line::from(vec![name, Span::styled(why.as_str(), BAD)]),
        Audited::Found { verdict, intact, records, ago, looking } => {
            let style = if *intact { GOOD } else { BAD };
            let again = if *looking { ", looking again" } else { "" };
            let rest = format!(": {records} records, {} ago{again}", in_words(*ago));
            Line::from(vec![name, Span::styled(verdict.as_str(), style), Span::raw(rest)])
        }
    }
}

fn trouble_line(picture: &Picture) -> Option<Line<'_>> {
    picture.trouble.as_ref().map(|why| Line::styled(format!("stopped  {why}"), BAD))
}

fn keys_line(picture: &Picture) -> Line<'_> {
    let pause = if picture.paused { "p go on" } else { "p pause" };
    let scrolled = if picture.scroll > 0 { ", End: newest" } else { "" };
    let paused = if picture.paused { "PAUSED  " } else { "" };
    Line::styled(format!("{paused}q quit  {pause}  v verify  arrows scroll{scrolled}"), DIM)
}

/// A length of time in its largest whole unit.
fn in_words(length: Duration) -> String {
    match length.as_secs() {
        seconds @ 0..=119 => format!("{seconds} s"),
        seconds @ 120..=7199 => format!("{} min", seconds / 60),
        seconds @ 7200..=172_799 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}
