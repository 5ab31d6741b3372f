//! ccxt's trades of an account: an array of them, or one a line.
//!
//! ccxt makes floats of what the venue said; `info` keeps the venue's own text. Where a text in
//! `info` under a name that venues use has the same value as a float to 15 digits, the text is
//! taken: it can have more. Where it says something else, the float is taken and that is told.

use super::form::{Steps, Waiting, note, stepped};
use super::named::Named;
use super::object::Object;
use super::rows::{self, AccountRows, FillRow, NoticeKind, Told, quote};
use super::times;
use crate::event::{Exactness, Liquidity};
use crate::import::json::{Step, Walk};
use crate::import::text::Input;
use crate::import::{Fault, Number, ReadError};

/// Names under which venues say a price, an amount, and what was paid.
const PRICE: &[&str] = &["price", "execPrice", "fillPx", "p"];
const AMOUNT: &[&str] = &["qty", "size", "vol", "execQty", "fillSz", "amount", "q"];
const COST: &[&str] = &["quoteQty", "cost", "funds", "execValue"];

struct Trades {
    walk: Walk,
    row: u64,
}

pub(super) fn open(input: Input) -> Result<Box<dyn AccountRows>, ReadError> {
    Ok(stepped(Trades { walk: Walk::new(input, true)?, row: 0 }, Waiting::new()))
}

impl Steps for Trades {
    fn step(&mut self, told: &mut Waiting) -> Result<bool, ReadError> {
        // The elements of an array; a document that is an object is a line's own trade.
        let wanted = |path: &[Step]| matches!(path, [Step::Place(_)]);
        let Some(piece) = self.walk.next_or_object(wanted)? else { return Ok(false) };
        self.row += 1;
        let taken = Object::of(&piece).and_then(|trade| take(&trade, self.row, told));
        note(taken, self.row, told);
        Ok(true)
    }
}

fn take(trade: &Object<'_>, row: u64, told: &mut Waiting) -> Result<(), Fault> {
    let info = match trade.raw("info") {
        Some(raw) if raw.starts_with('{') => trade.object("info")?,
        _ => None,
    };
    let mut exact = Exactness::Decimal;
    let mut number = |name: &'static str, names: &[&str]| -> Result<Option<Number>, Fault> {
        let Some(said) = trade.number(name)? else { return Ok(None) };
        let (number, disagrees) = of_venue(info.as_ref(), names, said);
        if let Some(what) = disagrees {
            let what = format!("{name} is {said}, and {what}");
            told.push_back(Told::notice(row, NoticeKind::Contradiction, what));
        }
        if number.is_none() && trade.raw(name).is_some_and(|raw| !raw.starts_with('"')) {
            exact = Exactness::BinaryFloat;
        }
        Ok(Some(number.unwrap_or(said)))
    };
    let price = number("price", PRICE)?.ok_or_else(|| trade.fault("price", "is missing"))?;
    let amount = number("amount", AMOUNT)?.ok_or_else(|| trade.fault("amount", "is missing"))?;
    let cost = number("cost", COST)?;
    for (name, number) in [("price", &price), ("amount", &amount)] {
        rows::above_zero(*number).map_err(|reason| trade.fault(name, reason))?;
    }
    let time = match trade.time("timestamp", times::milliseconds)? {
        Some(time) => Some(time),
        None => trade.time("datetime", times::civil)?,
    };
    let time = time.ok_or_else(|| trade.fault("timestamp", "is missing"))?;
    let side = trade.side("side")?;
    let (fee, fee_currency) = fee_of(trade, row, told)?;
    told.push_back(Told::Fill(Box::new(FillRow {
        quote: cost,
        fee,
        fee_currency,
        trade_id: trade.text("id")?,
        order_id: trade.text("order")?,
        liquidity: liquidity(trade)?,
        exactness: exact,
        extra: trade.all(&["type"])?,
        ..FillRow::new((row, time), (trade.needed("symbol")?, side), (price, amount))
    })));
    Ok(())
}

/// The fee, of `fee` or of `fees`; of several in one currency their sum.
fn fee_of(
    trade: &Object<'_>,
    row: u64,
    told: &mut Waiting,
) -> Result<(Option<Number>, Option<String>), Fault> {
    let mut fees = trade.objects("fees")?;
    if fees.is_empty() {
        fees.extend(trade.object("fee")?);
    }
    let mut sum: Option<(Number, Option<String>)> = None;
    for fee in fees {
        let (Some(cost), currency) = (fee.number("cost")?, fee.text("currency")?) else {
            continue;
        };
        sum = Some(match sum.take() {
            None => (cost, currency),
            Some((before, known)) if known == currency => {
                let both = before.plus(cost);
                (both.ok_or_else(|| fee.fault("cost", "too large"))?, known)
            }
            Some(first) => {
                let of = currency.as_deref().map_or("none".to_owned(), quote);
                let what = format!("a second fee of {cost} in {of} is not imported");
                told.push_back(Told::notice(row, NoticeKind::Unread, what));
                first
            }
        });
    }
    Ok(sum.map_or((None, None), |(fee, currency)| (Some(fee), currency)))
}

fn liquidity(trade: &Object<'_>) -> Result<Option<Liquidity>, Fault> {
    match trade.text("takerOrMaker")?.as_deref() {
        None => Ok(None),
        Some("maker") => Ok(Some(Liquidity::Maker)),
        Some("taker") => Ok(Some(Liquidity::Taker)),
        Some(other) => {
            let reason = format!("{} is neither maker nor taker", quote(other));
            Err(trade.fault("takerOrMaker", reason))
        }
    }
}

/// The venue's own text of a number, or what it says instead.
fn of_venue(
    info: Option<&Object<'_>>,
    names: &[&str],
    said: Number,
) -> (Option<Number>, Option<String>) {
    let Some(info) = info else { return (None, None) };
    for name in names {
        let Some(text) = info.raw(name).filter(|raw| raw.starts_with('"')) else { continue };
        let Ok(number) = rows::number(text.trim_matches('"')) else { continue };
        if is_same_float(number, said) {
            return (Some(number), None);
        }
        return (None, Some(format!("the venue's {name} is {number}")));
    }
    (None, None)
}

/// Whether two numbers are the same to 15 digits.
fn is_same_float(one: Number, other: Number) -> bool {
    let (one, other) = (one.raw(), other.raw());
    let largest = one.unsigned_abs().max(other.unsigned_abs());
    one.abs_diff(other) <= largest / 1_000_000_000_000_000 + 1
}
