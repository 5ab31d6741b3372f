//! FIX 4.2 and 4.4 logs, sessions and drop copies: execution reports that tell of trades.
//!
//! | what | becomes |
//! |---|---|
//! | 35=8, 150=F (4.3 on) | a fill: 31, 32, 54, 55, 60, 17, 37 |
//! | 35=8, 150=1 or 2 with 20=0 or none (4.2) | a fill |
//! | 150=H; 20=1 | the fill named by 19 is taken back |
//! | 150=G; 20=2 | the fill named by 19 is taken back, and a fill in its place |
//! | 43=Y or 97=Y | a fill as any other: who takes it knows it again by 17 |
//! | 34 leaps | a notice: messages of that sender are missing |
//! | anything else | counted, and told once at the end |
//!
//! Invariants: every message's BodyLength and CheckSum are checked, and a field that is there is
//! read; quantity ordered = filled + left, while the order is open and all three are told. A venue
//! that leaves out AvgPx or LeavesQty is no reason to refuse.

use std::collections::BTreeMap;

use super::fix_message::Message;
use super::form::{Steps, Waiting, note, stepped};
use super::rows::{self, AccountRows, BustRow, FillRow, NoticeKind, Told, quote};
use super::times;
use crate::event::{Liquidity, Side};
use crate::import::text::{Input, Lines};
use crate::import::{Fault, Number, ReadError};
use crate::time::Timestamp;

/// Sessions whose sequence is followed.
const SESSIONS_MAX: usize = 1_024;

struct FixLog {
    lines: Lines,
    /// Sender and target, with the next sequence number.
    sessions: BTreeMap<String, u64>,
    messages: u64,
    other_lines: u64,
    /// Message types that are no executions, and how many of each.
    passed_over: BTreeMap<String, u64>,
}

pub(super) fn open(input: Input) -> Result<Box<dyn AccountRows>, ReadError> {
    let log = FixLog {
        lines: Lines::new(input)?.with_controls(),
        sessions: BTreeMap::new(),
        messages: 0,
        other_lines: 0,
        passed_over: BTreeMap::new(),
    };
    Ok(stepped(log, Waiting::new()))
}

impl Steps for FixLog {
    fn step(&mut self, told: &mut Waiting) -> Result<bool, ReadError> {
        let Some((line, text)) = self.lines.next_line()? else {
            self.end(told);
            return Ok(false);
        };
        let text = text.to_owned();
        match Message::find(line, &text) {
            Ok(Some(message)) => {
                self.messages += 1;
                note(self.take(line, &message, told), line, told);
            }
            Ok(None) => self.other_lines += 1,
            Err(fault) => note(Err(fault), line, told),
        }
        Ok(true)
    }
}

impl FixLog {
    fn take(&mut self, line: u64, message: &Message<'_>, told: &mut Waiting) -> Result<(), Fault> {
        let version = message.needed(8, "BeginString(8)")?;
        if !matches!(version, "FIX.4.2" | "FIX.4.3" | "FIX.4.4") {
            let reason = format!("{}: FIX 4.2 to 4.4 are read", quote(version));
            return Err(message.fault(8, "BeginString(8)", reason));
        }
        let repeated = message.get(43) == Some("Y");
        self.follow(line, message, repeated, told)?;
        let kind = message.needed(35, "MsgType(35)")?;
        if kind != "8" {
            self.pass_over(message, kind);
            return Ok(());
        }
        let execution = message.needed(150, "ExecType(150)")?;
        // A status report (20=3) tells again what was told.
        if message.get(20) == Some("3") {
            self.pass_over(message, "8");
            return Ok(());
        }
        let correction = match message.get(20) {
            Some("1") => Some(false),
            Some("2") => Some(true),
            _ => match execution {
                "H" => Some(false),
                "G" => Some(true),
                _ => None,
            },
        };
        if let Some(corrected) = correction {
            let bust = bust_of(line, message, corrected)?;
            let fill = if corrected { Some(fill_of(line, message)?) } else { None };
            told.push_back(Told::Bust(Box::new(bust)));
            told.extend(fill.map(|fill| Told::Fill(Box::new(fill))));
            return Ok(());
        }
        let is_trade = match execution {
            "F" => true,
            "1" | "2" => matches!(message.get(20), None | Some("0")),
            _ => false,
        };
        if !is_trade {
            self.pass_over(message, "8");
            return Ok(());
        }
        let fill = fill_of(line, message)?;
        let broken = broken_sum(message)?;
        told.extend(broken.map(|what| Told::notice(line, NoticeKind::Contradiction, what)));
        told.push_back(Told::Fill(Box::new(fill)));
        Ok(())
    }

    /// Follows the sequence numbers of one sender.
    fn follow(
        &mut self,
        line: u64,
        message: &Message<'_>,
        repeated: bool,
        told: &mut Waiting,
    ) -> Result<(), Fault> {
        let said = message.needed(34, "MsgSeqNum(34)")?;
        let bad = || message.fault(34, "MsgSeqNum(34)", format!("{} is no number", quote(said)));
        let number: u64 = said.parse().map_err(|_| bad())?;
        if repeated {
            return Ok(());
        }
        let ends = [message.get(49), message.get(56)];
        let session: Vec<String> = ends.iter().map(|end| quote(end.unwrap_or(""))).collect();
        let session = session.join(" to ");
        // A logon that resets begins at one again.
        let resets = message.get(35) == Some("A") && message.get(141) == Some("Y");
        if let Some(expected) = self.sessions.get(&session).copied()
            && !resets
        {
            if number > expected {
                let missing = number - expected;
                let what = format!("{session}: {missing} messages are missing before {number}");
                told.push_back(Told::notices(line, NoticeKind::Gap, missing, what));
            } else if number < expected {
                let what = format!("{session}: message {number} where {expected} follows");
                told.push_back(Told::notice(line, NoticeKind::Contradiction, what));
            }
        }
        if self.sessions.len() < SESSIONS_MAX || self.sessions.contains_key(&session) {
            let next = number.checked_add(1).ok_or_else(bad)?;
            // A gap fill says itself which number follows.
            let next = match (message.get(35), message.get(36)) {
                (Some("4"), Some(new)) => new.parse().unwrap_or(next),
                _ => next,
            };
            self.sessions.insert(session, next);
        }
        Ok(())
    }

    fn pass_over(&mut self, message: &Message<'_>, kind: &str) {
        let name = match kind {
            "8" => format!("35=8 150={}", message.get(150).unwrap_or("?")),
            other => format!("35={other}"),
        };
        let full = self.passed_over.len() >= 64 && !self.passed_over.contains_key(&name);
        let name = if full || name.len() > 24 { "others".to_owned() } else { name };
        *self.passed_over.entry(name).or_default() += 1;
    }

    /// Says what was passed over.
    fn end(&self, told: &mut Waiting) {
        let parts =
            self.passed_over.iter().map(|(kind, count)| format!("{count} of {}", quote(kind)));
        let mut parts: Vec<String> = parts.collect();
        if self.other_lines > 0 {
            parts.push(format!("{} lines without a message", self.other_lines));
        }
        if self.messages == 0 {
            let fault =
                Fault::placed((self.lines.number().max(1), 1), "FIX", "no line holds a message");
            told.push_back(Told::Bad { row: 0, fault });
        } else if !parts.is_empty() {
            let count = self.passed_over.values().sum::<u64>() + self.other_lines;
            let what = format!("no executions: {}", parts.join(", "));
            told.push_back(Told::notices(0, NoticeKind::NoFact, count, what));
        }
    }
}

/// Reads which fill an execution report takes back.
fn bust_of(line: u64, message: &Message<'_>, corrected: bool) -> Result<BustRow, Fault> {
    Ok(BustRow {
        row: line,
        time: time_of(message)?,
        symbol: word(message, 55, "Symbol(55)")?,
        trade_id: word(message, 19, "ExecRefID(19)")?,
        by: word(message, 17, "ExecID(17)")?,
        corrected,
    })
}

fn time_of(message: &Message<'_>) -> Result<Timestamp, Fault> {
    let (tag, name) =
        if message.get(60).is_some() { (60, "TransactTime(60)") } else { (52, "SendingTime(52)") };
    let said = message.needed(tag, name)?;
    times::fix(said)
        .ok_or_else(|| message.fault(tag, name, format!("{} is no UTC time", quote(said))))
}

/// Reads what names something and may not be absent.
fn word(message: &Message<'_>, tag: u32, name: &'static str) -> Result<String, Fault> {
    message.word(tag, name)?.ok_or_else(|| message.fault(tag, name, "is missing"))
}

/// Reads the fill that an execution report tells of.
fn fill_of(line: u64, message: &Message<'_>) -> Result<FillRow, Fault> {
    let side = match message.needed(54, "Side(54)")? {
        // Buy, buy minus.
        "1" | "3" => Side::Buy,
        // Sell, sell plus, sell short, sell short exempt.
        "2" | "4" | "5" | "6" => Side::Sell,
        other => {
            let reason = format!("{} is neither a purchase nor a sale", quote(other));
            return Err(message.fault(54, "Side(54)", reason));
        }
    };
    let time = time_of(message)?;
    let price = positive(message, 31, "LastPx(31)")?;
    let quantity = positive(message, 32, "LastQty(32)")?;
    let symbol = word(message, 55, "Symbol(55)")?;
    let (fee, fee_currency) = fee_of(message)?;
    let trade = word(message, 17, "ExecID(17)")?;
    let mut extra = Vec::new();
    let more = [(11, "cl_ord_id"), (1003, "trade_id"), (30, "last_market"), (1, "account")];
    for (tag, name) in more {
        extra.extend(message.word(tag, name)?.map(|said| (name, said)));
    }
    let liquidity = match (message.get(1057), message.get(851)) {
        (Some("Y"), _) | (None, Some("2")) => Some(Liquidity::Taker),
        (Some("N"), _) | (None, Some("1")) => Some(Liquidity::Maker),
        _ => None,
    };
    Ok(FillRow {
        fee,
        fee_currency,
        trade_id: Some(trade),
        order_id: message.word(37, "OrderID(37)")?,
        liquidity,
        extra,
        ..FillRow::new((line, time), (symbol, side), (price, quantity))
    })
}

/// What was paid: Commission(12), or the group of MiscFeeAmt(137) and MiscFeeCurr(138) where all of
/// it is in one currency.
fn fee_of(message: &Message<'_>) -> Result<(Option<Number>, Option<String>), Fault> {
    let mut sum: Option<Number> = None;
    let mut currencies: Vec<&str> = Vec::new();
    for field in message.fields() {
        match field.tag {
            137 => {
                let bad = || {
                    let reason = format!("{} is no amount", quote(field.value));
                    message.fault(137, "MiscFeeAmt(137)", reason)
                };
                let amount = rows::number(field.value).map_err(|_| bad())?;
                let both = sum.unwrap_or_default().plus(amount);
                let large = || message.fault(137, "MiscFeeAmt(137)", "too large together");
                sum = Some(both.ok_or_else(large)?);
            }
            138 => currencies.push(field.value),
            _ => {}
        }
    }
    currencies.dedup();
    match (sum, currencies.as_slice()) {
        (Some(sum), [currency]) => {
            return Ok((Some(sum), Some((*currency).to_owned())));
        }
        (Some(_), [_, _, ..]) => {
            let reason = "fees in several currencies are not read";
            return Err(message.fault(138, "MiscFeeCurr(138)", reason));
        }
        (Some(sum), []) => return Ok((Some(sum), None)),
        (None, _) => {}
    }
    // CommType 3 is an amount; 1 and 2 are rates.
    if message.get(12).is_none() || !matches!(message.get(13), None | Some("3")) {
        return Ok((None, None));
    }
    Ok((Some(number(message, 12, "Commission(12)")?), message.word(479, "CommCurrency(479)")?))
}

/// What does not hold of the order's quantities, while it is open.
fn broken_sum(message: &Message<'_>) -> Result<Option<String>, Fault> {
    let open = matches!(message.get(39), Some("0" | "1" | "6" | "A" | "E"));
    let told = [38, 14, 151].iter().all(|tag| message.get(*tag).is_some());
    if !open || !told {
        return Ok(None);
    }
    let ordered = number(message, 38, "OrderQty(38)")?;
    let (filled, left) =
        (number(message, 14, "CumQty(14)")?, number(message, 151, "LeavesQty(151)")?);
    Ok((filled.plus(left) != Some(ordered)).then(|| {
        format!("ordered {ordered} is not filled {filled} and left {left} while the order is open")
    }))
}

fn number(message: &Message<'_>, tag: u32, name: &'static str) -> Result<Number, Fault> {
    rows::number(message.needed(tag, name)?).map_err(|reason| message.fault(tag, name, reason))
}

fn positive(message: &Message<'_>, tag: u32, name: &'static str) -> Result<Number, Fault> {
    let number = number(message, tag, name)?;
    rows::above_zero(number).map_err(|reason| message.fault(tag, name, reason))
}
