//! Binance's stream messages: trades, sums of trades, best quotes, changes of the book.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::Fault;
use super::number::Number;
use super::prints::PrintRow;
use crate::event::{Event, Quote, QuoteLevel, Side};
use crate::market::{parse_unix, quote, split_joined};
use crate::time::Timestamp;

/// What a message says.
pub(super) enum Said {
    /// Somebody traded.
    Trade(PrintRow),
    /// The best prices changed.
    Quote(Timestamp, Event),
    /// The book changed: first and last number of the changes, and the last one before.
    Book { row: u64, symbol: String, first: u64, last: u64, before: Option<u64> },
    /// Anything else.
    Other,
}

/// The fields of all messages that are understood, under the venue's one-letter names.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    e: Option<Cow<'a, str>>,
    #[serde(borrow)]
    s: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "E")]
    event_time: Option<&'a RawValue>,
    #[serde(borrow, rename = "T")]
    trade_time: Option<&'a RawValue>,
    t: Option<u64>,
    #[serde(borrow)]
    a: Option<&'a RawValue>,
    #[serde(borrow)]
    p: Option<&'a RawValue>,
    #[serde(borrow)]
    q: Option<&'a RawValue>,
    f: Option<u64>,
    l: Option<u64>,
    m: Option<bool>,
    #[serde(borrow, rename = "X")]
    execution: Option<Cow<'a, str>>,
    u: Option<u64>,
    #[serde(rename = "U")]
    first_update: Option<u64>,
    pu: Option<u64>,
    #[serde(borrow)]
    b: Option<&'a RawValue>,
    #[serde(borrow, rename = "B")]
    bid_size: Option<&'a RawValue>,
    #[serde(borrow, rename = "A")]
    ask_size: Option<&'a RawValue>,
}

/// Reads one message.
pub(super) fn read(
    row: u64,
    json: &str,
    received: Timestamp,
    symbol: Option<&str>,
) -> Result<Said, Fault> {
    // What is no object, or has other fields, is a message that is not understood.
    let Ok(message) = serde_json::from_str::<Message<'_>>(json) else { return unreadable(json) };
    // One feed holds many symbols: what the operator said is for messages that name none.
    let said = symbol.map(str::to_owned).unwrap_or_default();
    let symbol = message.s.as_deref().map_or(said, normal);
    match message.e.as_deref() {
        Some("trade" | "aggTrade") => trade(row, &message, symbol, received),
        Some("depthUpdate") => {
            let (first, last) = (message.first_update, message.u);
            let (Some(first), Some(last)) = (first, last) else { return missing("U or u") };
            Ok(Said::Book { row, symbol, first, last, before: message.pu })
        }
        // A spot book ticker does not say its kind.
        Some("bookTicker") | None if message.bid_size.is_some() => {
            book_ticker(row, &message, symbol, received)
        }
        _ => Ok(Said::Other),
    }
}

/// A message that should have been understood and has a field of another type is no other one.
fn unreadable(json: &str) -> Result<Said, Fault> {
    #[derive(Deserialize)]
    struct Kind<'a> {
        #[serde(borrow)]
        e: Option<Cow<'a, str>>,
    }
    let kind: Option<Kind<'_>> = serde_json::from_str(json).ok();
    let kind = kind.and_then(|kind| kind.e);
    match kind.as_deref() {
        Some(kind @ ("trade" | "aggTrade" | "depthUpdate" | "bookTicker")) => {
            Err(Fault::new("data", format!("no {kind} as the venue writes it: {}", cut(json))))
        }
        _ => Ok(Said::Other),
    }
}

fn cut(json: &str) -> String {
    quote(json.as_bytes())
}

fn missing(field: &str) -> Result<Said, Fault> {
    Err(Fault::new("data", format!("the message has no field {field}")))
}

fn trade(
    row: u64,
    message: &Message<'_>,
    symbol: String,
    received: Timestamp,
) -> Result<Said, Fault> {
    let is_sum = message.e.as_deref() == Some("aggTrade");
    let id = match (is_sum, message.a) {
        (true, Some(id)) => id.get().parse().ok(),
        (true, None) => None,
        (false, _) => message.t,
    };
    let Some(id) = id else { return missing("that numbers it") };
    let sum_of = match (is_sum, message.f, message.l) {
        (true, Some(first), Some(last)) => Some((first, last)),
        (true, ..) => return missing("f or l"),
        _ => None,
    };
    let Some(maker) = message.m else { return missing("m") };
    let time = time("T", message.trade_time.or(message.event_time))?;
    let execution = message.execution.as_deref();
    let print = PrintRow {
        id: Some(id.to_string()),
        sum_of,
        received: Some(received),
        aggressor: Some(if maker { Side::Sell } else { Side::Buy }),
        execution: execution.map(|word| word.chars().take(40).collect()),
        ..PrintRow::new(row, symbol, time, (number("p", message.p)?, number("q", message.q)?))
    };
    if !print.price.is_positive() || print.quantity.is_negative() {
        return Err(Fault::new(
            "data",
            format!("{} at {} is no trade", print.quantity, print.price),
        ));
    }
    Ok(Said::Trade(print))
}

fn book_ticker(
    row: u64,
    message: &Message<'_>,
    symbol: String,
    received: Timestamp,
) -> Result<Said, Fault> {
    let mut finer = Vec::new();
    let mut level = |price, size, names: [&str; 2]| -> Result<Option<QuoteLevel>, Fault> {
        let (price, size) = (number("price", price)?, number("quantity", size)?);
        price.note(names[0], &mut finer);
        size.note(names[1], &mut finer);
        // An empty side has no price.
        let level = QuoteLevel { price: price.price(), quantity: size.quantity() };
        Ok(price.is_positive().then_some(level))
    };
    let bid = level(message.b, message.bid_size, ["bid.price", "bid.quantity"])?;
    let ask = level(message.a, message.ask_size, ["ask.price", "ask.quantity"])?;
    let time = match message.trade_time.or(message.event_time) {
        Some(at) => self::time("T", Some(at))?,
        None => received,
    };
    let (update, received) = (message.u, Some(received));
    let quote = Quote { row, symbol, update, time, received, bid, ask, finer };
    Ok(Said::Quote(time, Event::Quote(Box::new(quote))))
}

fn time(field: &'static str, value: Option<&RawValue>) -> Result<Timestamp, Fault> {
    let Some(value) = value else {
        return Err(Fault::new(field, "the message does not say its time"));
    };
    Ok(parse_unix(field, value.get().as_bytes())?.0)
}

/// A number that stands as a text or as a number.
fn number(field: &'static str, value: Option<&RawValue>) -> Result<Number, Fault> {
    let Some(value) = value else {
        return Err(Fault::new(field, "the message does not say it"));
    };
    let text = value.get();
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    Number::of_field(field, text.as_bytes())
}

/// `BTC/USDT` for `BTCUSDT`; what cannot be taken apart stays.
pub(super) fn normal(symbol: &str) -> String {
    let plain: String = symbol.chars().filter(char::is_ascii_graphic).take(40).collect::<String>();
    let plain = plain.to_ascii_uppercase();
    split_joined(&plain).map_or(plain, |pair| pair.to_string())
}
