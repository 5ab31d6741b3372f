//! ccxt's trades of an account: an array of them, or one a line.
//!
//! ccxt makes floats of what the venue said; `info` keeps the venue's own text. Where a text in
//! `info` under a name that venues use has the same value as a float to 15 digits, the text is
//! taken: it can have more. Where it says something else, the float is taken and that is told.

use std::collections::VecDeque;

use super::form::{Waiting, checked, side_of};
use super::json::{Step, Walk};
use super::lines::Input;
use super::named::Named;
use super::number::Number;
use super::object::Object;
use super::rows::{AccountError, AccountRows, Fault, FillRow, Notice, NoticeKind, Told, quote};
use super::times;
use crate::event::{Exactness, Liquidity};

/// Names under which venues say a price, an amount, and what was paid.
const PRICE: &[&str] = &["price", "execPrice", "fillPx", "p"];
const AMOUNT: &[&str] = &["qty", "size", "vol", "execQty", "fillSz", "amount", "q"];
const COST: &[&str] = &["quoteQty", "cost", "funds", "execValue"];

pub(super) struct Trades {
    walk: Walk,
    row: u64,
    waiting: Waiting,
}

pub(super) fn open(input: Input) -> Result<Box<dyn AccountRows>, AccountError> {
    let walk = Walk::new(input, true)?;
    Ok(Box::new(Trades { walk, row: 0, waiting: VecDeque::new() }))
}

impl AccountRows for Trades {
    fn next(&mut self) -> Result<Option<Told>, AccountError> {
        loop {
            if let Some(told) = self.waiting.pop_front() {
                return Ok(Some(told));
            }
            // The elements of an array; a document that is an object is a line's own trade.
            let wanted = |path: &[Step]| matches!(path, [Step::Place(_)]);
            let Some(piece) = self.walk.next_or_object(wanted)? else { return Ok(None) };
            self.row += 1;
            let row = self.row;
            match Object::of(&piece).and_then(|trade| self.take(&trade, row)) {
                Ok(()) => checked(&mut self.waiting),
                Err(fault) => self.waiting.push_back(Told::Bad { row, fault }),
            }
        }
    }
}

impl Trades {
    fn take(&mut self, trade: &Object<'_>, row: u64) -> Result<(), Fault> {
        let info = match trade.raw("info") {
            Some(raw) if raw.starts_with('{') => trade.object("info")?,
            _ => None,
        };
        let mut exact = Exactness::Decimal;
        let mut number = |name: &'static str, names: &[&str]| -> Result<Option<Number>, Fault> {
            let Some(said) = trade.number(name)? else { return Ok(None) };
            let (number, disagrees) = of_venue(info.as_ref(), names, &said);
            if let Some(what) = disagrees {
                let what = format!("{name} is {said}, and {what}");
                let notice = Notice { row, kind: NoticeKind::Contradiction, count: 1, what };
                self.waiting.push_back(Told::Notice(notice));
            }
            if number.is_none() && trade.raw(name).is_some_and(|raw| !raw.starts_with('"')) {
                exact = Exactness::BinaryFloat;
            }
            Ok(Some(number.unwrap_or(said)))
        };
        let price = number("price", PRICE)?.ok_or_else(|| trade.fault("price", "is missing"))?;
        let amount =
            number("amount", AMOUNT)?.ok_or_else(|| trade.fault("amount", "is missing"))?;
        let cost = number("cost", COST)?;
        for (name, number) in [("price", &price), ("amount", &amount)] {
            if number.raw() <= 0 {
                return Err(trade.fault(name, "is not above zero"));
            }
        }
        let time = match trade.time("timestamp", times::milliseconds)? {
            Some(time) => Some(time),
            None => trade.time("datetime", times::civil)?,
        };
        let time = time.ok_or_else(|| trade.fault("timestamp", "is missing"))?;
        let side = trade.needed("side")?;
        let side = side_of(&side).ok_or_else(|| {
            trade.fault("side", format!("{} is neither buy nor sell", quote(&side)))
        })?;
        let (fee, fee_currency) = self.fee(trade, row)?;
        let mut extra = Vec::new();
        extra.extend(trade.text("type")?.map(|said| ("type", said)));
        self.waiting.push_back(Told::Fill(Box::new(FillRow {
            quote: cost,
            fee,
            fee_currency,
            trade_id: trade.text("id")?,
            order_id: trade.text("order")?,
            liquidity: liquidity(trade)?,
            exactness: exact,
            extra,
            ..FillRow::new((row, time), (trade.needed("symbol")?, side), (price, amount))
        })));
        Ok(())
    }

    /// The fee, of `fee` or of `fees`; of several in one currency their sum.
    fn fee(
        &mut self,
        trade: &Object<'_>,
        row: u64,
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
                    let both = before.raw().checked_add(cost.raw());
                    (Number::from_raw(both.ok_or_else(|| fee.fault("cost", "too large"))?), known)
                }
                Some(first) => {
                    let of = currency.as_deref().map_or("none".to_owned(), quote);
                    let what = format!("a second fee of {cost} in {of} is not imported");
                    let notice = Notice { row, kind: NoticeKind::Unread, count: 1, what };
                    self.waiting.push_back(Told::Notice(notice));
                    first
                }
            });
        }
        Ok(sum.map_or((None, None), |(fee, currency)| (Some(fee), currency)))
    }
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
    said: &Number,
) -> (Option<Number>, Option<String>) {
    let Some(info) = info else { return (None, None) };
    for name in names {
        let Some(text) = info.raw(name).filter(|raw| raw.starts_with('"')) else { continue };
        let Ok(number) = Number::parse(text.trim_matches('"')) else { continue };
        if is_same_float(&number, said) {
            return (Some(number), None);
        }
        return (None, Some(format!("the venue's {name} is {number}")));
    }
    (None, None)
}

/// Whether two numbers are the same to 15 digits.
fn is_same_float(one: &Number, other: &Number) -> bool {
    let (one, other) = (one.raw(), other.raw());
    let largest = one.unsigned_abs().max(other.unsigned_abs());
    one.abs_diff(other) <= largest / 1_000_000_000_000_000 + 1
}
