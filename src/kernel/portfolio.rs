//! Cash, positions and profit, exact to the last digit.
//!
//! One account a quote currency; one position a pair, as lots in the order of their fills. A fill
//! against the position consumes lots first in, first out; what is left of it opens a lot. Each
//! consumed lot, or part of one, is a closed trade.
//!
//! # Fees
//! A fee belongs to a fill and is split over the parts of its quantity, in their order: each part
//! takes `floor(remaining fee * part / remaining quantity)` in 10^-12, so the last takes what is
//! left. Hence parts sum to the whole exactly, on the entry as on the exit side.
//!
//! # Invariants
//! - a refused fill changes nothing;
//! - equity at any price = opening cash + net profit + unrealised profit;
//! - without short sales neither cash nor a position is ever negative.
//!
//! Short sales, where allowed, have no margin model: covering is never refused for cash, so that
//! a debt stays visible as negative cash.

use std::collections::VecDeque;

use serde::Serialize;

use crate::event::wire::{Decode, Encode};
use crate::event::{OrderReason, PairId, RefusalReason, RunConfig, Side, SignalFired};
use crate::strategies::GhostEntry;
use crate::time::Timestamp;
use crate::units::{Money, MoneyExact, Price, Quantity, UnitError};

/// A fill, or what is left of one in the position.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Lot {
    /// The order that was filled.
    pub order: u64,
    /// Which way it went.
    pub side: Side,
    /// How much base currency.
    pub quantity: Quantity,
    /// At which price.
    pub price: Price,
    /// The fee on this quantity.
    pub fee: Money,
    /// When.
    pub time: Timestamp,
    /// Why it was ordered.
    pub reason: OrderReason,
    /// The signal that fired with the order.
    pub signal: Option<SignalFired>,
    /// The ghost that flipped into the order.
    pub ghost: Option<Box<GhostEntry>>,
}

/// A round trip: a lot, or part of one, and the part of a fill that closed it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Closed {
    /// How it began.
    pub entry: Lot,
    /// How it ended.
    pub exit: Lot,
    /// Direction times quantity times (exit price minus entry price).
    pub gross: MoneyExact,
    /// Gross minus both fees.
    pub net: MoneyExact,
}

/// The cash in one currency and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Account {
    /// The currency.
    pub currency: String,
    /// Opening cash.
    pub opening: MoneyExact,
    /// Cash now.
    pub cash: MoneyExact,
    /// Gross profit of the closed trades.
    pub gross: MoneyExact,
    /// Net profit of the closed trades.
    pub net: MoneyExact,
    /// All fees, those of open lots included.
    pub fees: MoneyExact,
    /// Closed trades.
    pub trades: u64,
    /// Those with a net profit above zero.
    pub successes: u64,
}

/// What is held of one pair.
#[derive(Clone, Debug, PartialEq, Eq, Default, Encode, Decode, Serialize)]
pub struct Position {
    /// Open lots, oldest first, all of one side.
    pub lots: VecDeque<Lot>,
    /// Base currency held; negative when sold short.
    pub quantity: Quantity,
    /// What the lots cost without fees; negative when sold short.
    pub basis: MoneyExact,
    /// Entry fees of the lots.
    pub fees: Money,
}

impl Position {
    /// Returns the side of the lots; none when there are none.
    #[must_use]
    pub fn side(&self) -> Option<Side> {
        self.lots.front().map(|lot| lot.side)
    }

    /// Returns the value at `mark`: negative when sold short.
    ///
    /// # Errors
    /// [`UnitError::Overflow`] when the exact value does not fit.
    pub fn value(&self, mark: Price) -> Result<MoneyExact, UnitError> {
        mark.times(self.quantity)
    }

    /// Returns the profit that closing at `mark` without cost would realise: value minus cost
    /// minus entry fees.
    ///
    /// # Errors
    /// [`UnitError::Overflow`] when the exact amount does not fit.
    pub fn unrealised(&self, mark: Price) -> Result<MoneyExact, UnitError> {
        self.value(mark)?.minus(self.basis)?.minus(self.fees.exact()?)
    }
}

/// Why a fill cannot be settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettleError {
    /// The pair is unknown, or its quote currency has no account.
    #[error("pair {0:?} has no account")]
    NoAccount(PairId),
    /// The account holds less than the fill costs.
    #[error("not enough cash")]
    NoCash,
    /// The fill sells more than is held.
    #[error("more is sold than is held")]
    NoPosition,
    /// Quantity or price is not positive, or the fee is negative.
    #[error("the fill's quantity, price or fee is out of range")]
    BadFill,
    /// An exact amount does not fit.
    #[error(transparent)]
    Overflow(#[from] UnitError),
}

impl From<SettleError> for RefusalReason {
    fn from(error: SettleError) -> Self {
        match error {
            SettleError::NoAccount(_) => Self::NotTradable,
            SettleError::NoCash => Self::NoCash,
            SettleError::NoPosition => Self::NoPosition,
            SettleError::BadFill | SettleError::Overflow(_) => Self::Overflow,
        }
    }
}

/// What a fill does, worked out before it is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The round trips it closes, oldest lot first.
    pub closed: Vec<Closed>,
    account: Account,
    /// Lots that are gone.
    spent: usize,
    /// What is left of the first lot that stays, when it was consumed in part.
    rest: Option<Lot>,
    opened: Option<Lot>,
    quantity: Quantity,
    basis: MoneyExact,
    fees: Money,
}

/// All accounts and positions of a run.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Portfolio {
    accounts: Vec<Account>,
    positions: Vec<Position>,
    /// Place of each pair's account.
    account_of: Vec<Option<usize>>,
    allow_short: bool,
}

impl Portfolio {
    /// Opens the accounts of a run, with nothing held.
    ///
    /// # Errors
    /// [`UnitError::Overflow`] when a balance exceeds [`MoneyExact`].
    pub fn open(config: &RunConfig) -> Result<Self, UnitError> {
        let account = |balance: &crate::event::Balance| {
            let opening = balance.amount.exact()?;
            let (gross, net, fees) = (MoneyExact::ZERO, MoneyExact::ZERO, MoneyExact::ZERO);
            let currency = balance.currency.clone();
            let (trades, successes) = (0, 0);
            Ok(Account { currency, opening, cash: opening, gross, net, fees, trades, successes })
        };
        let accounts: Vec<Account> =
            config.balances.iter().map(account).collect::<Result<_, _>>()?;
        let place = |quote: &str| accounts.iter().position(|known| known.currency == quote);
        let account_of = config.instruments.iter().map(|known| place(&known.quote)).collect();
        let positions = vec![Position::default(); config.instruments.len()];
        let allow_short = config.venue.allow_short;
        Ok(Self { accounts, positions, account_of, allow_short })
    }

    /// Returns the accounts, sorted by currency.
    #[must_use]
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    /// Returns the account in a currency.
    #[must_use]
    pub fn account(&self, currency: &str) -> Option<&Account> {
        self.accounts.iter().find(|known| known.currency == currency)
    }

    /// Returns the positions, by pair.
    #[must_use]
    pub fn positions(&self) -> &[Position] {
        &self.positions
    }

    /// Returns the position of a pair; none for an unknown pair.
    #[must_use]
    pub fn position(&self, pair: PairId) -> Option<&Position> {
        self.positions.get(usize::from(pair.0))
    }

    /// Returns the account that pays for a pair.
    #[must_use]
    pub fn account_of(&self, pair: PairId) -> Option<&Account> {
        let place = *self.account_of.get(usize::from(pair.0))?;
        self.accounts.get(place?)
    }

    /// Returns cash and positions of the account at these marks; a pair without a mark counts
    /// nothing.
    ///
    /// # Errors
    /// [`UnitError::Overflow`] when the exact sum does not fit.
    pub fn equity(
        &self,
        account: usize,
        mark: impl Fn(usize) -> Option<Price>,
    ) -> Result<MoneyExact, UnitError> {
        let mut sum = self.accounts.get(account).map_or(MoneyExact::ZERO, |known| known.cash);
        for (pair, position) in self.positions.iter().enumerate() {
            if !position.lots.is_empty()
                && self.account_of[pair] == Some(account)
                && let Some(mark) = mark(pair)
            {
                sum = sum.plus(position.value(mark)?)?;
            }
        }
        Ok(sum)
    }

    /// Works out what a fill does, and changes nothing.
    ///
    /// # Errors
    /// [`SettleError`] when the fill is not possible.
    pub fn settle(&self, pair: PairId, fill: &Lot) -> Result<Settlement, SettleError> {
        let no_account = SettleError::NoAccount(pair);
        let position = self.position(pair).ok_or(no_account)?;
        let account = self.account_of(pair).ok_or(no_account)?;
        if !fill.quantity.is_positive() || !fill.price.is_positive() || fill.fee < Money::ZERO {
            return Err(SettleError::BadFill);
        }
        let mut left = fill.clone();
        let (mut closed, mut spent, mut rest) = (Vec::new(), 0, None);
        for lot in &position.lots {
            if lot.side == fill.side || !left.quantity.is_positive() {
                break;
            }
            let mut entry = lot.clone();
            let part = lot.quantity.min(left.quantity);
            let exit = take(&mut left, part)?;
            let begun = take(&mut entry, part)?;
            closed.push(close(begun, exit)?);
            if entry.quantity.is_positive() {
                rest = Some(entry);
            } else {
                spent += 1;
            }
        }
        let opened = left.quantity.is_positive().then_some(left);
        if opened.is_some() && fill.side == Side::Sell && !self.allow_short {
            return Err(SettleError::NoPosition);
        }
        let account = charge(account, fill, &closed)?;
        if opened.is_some() && fill.side == Side::Buy && account.cash < MoneyExact::ZERO {
            return Err(SettleError::NoCash);
        }
        let (quantity, basis, fees) = totals(position, &closed, opened.as_ref())?;
        Ok(Settlement { closed, account, spent, rest, opened, quantity, basis, fees })
    }

    /// Settles a fill and returns the round trips it closed.
    ///
    /// # Errors
    /// [`SettleError`] when the fill is not possible; nothing is changed then.
    pub fn apply(&mut self, pair: PairId, fill: &Lot) -> Result<Vec<Closed>, SettleError> {
        let settlement = self.settle(pair, fill)?;
        let place = usize::from(pair.0);
        // `settle` found both; the look-ups only keep this free of panics.
        let no_account = SettleError::NoAccount(pair);
        let account = self.account_of.get(place).copied().flatten().ok_or(no_account)?;
        let account = self.accounts.get_mut(account).ok_or(no_account)?;
        let position = self.positions.get_mut(place).ok_or(no_account)?;
        *account = settlement.account;
        position.lots.drain(..settlement.spent);
        if let Some(rest) = settlement.rest
            && let Some(front) = position.lots.front_mut()
        {
            *front = rest;
        }
        position.lots.extend(settlement.opened);
        (position.quantity, position.basis) = (settlement.quantity, settlement.basis);
        position.fees = settlement.fees;
        Ok(settlement.closed)
    }
}

/// Splits `part` off a lot, with its share of the fee.
fn take(lot: &mut Lot, part: Quantity) -> Result<Lot, UnitError> {
    let overflow = UnitError::Overflow { operation: "fee split" };
    let fee = if part == lot.quantity {
        lot.fee
    } else {
        let product = lot.fee.raw().checked_mul(part.raw()).ok_or(overflow)?;
        Money::from_raw(product.checked_div(lot.quantity.raw()).ok_or(overflow)?)
    };
    let taken = Lot { quantity: part, fee, ..lot.clone() };
    lot.quantity = lot.quantity.minus(part)?;
    lot.fee = lot.fee.minus(fee)?;
    Ok(taken)
}

fn close(entry: Lot, exit: Lot) -> Result<Closed, UnitError> {
    let (begun, ended) = (entry.price.times(entry.quantity)?, exit.price.times(exit.quantity)?);
    let gross = match entry.side {
        Side::Buy => ended.minus(begun)?,
        Side::Sell => begun.minus(ended)?,
    };
    let net = gross.minus(entry.fee.plus(exit.fee)?.exact()?)?;
    Ok(Closed { entry, exit, gross, net })
}

fn charge(account: &Account, fill: &Lot, closed: &[Closed]) -> Result<Account, UnitError> {
    let (notional, fee) = (fill.price.times(fill.quantity)?, fill.fee.exact()?);
    let mut after = account.clone();
    after.cash = match fill.side {
        Side::Buy => after.cash.minus(notional)?,
        Side::Sell => after.cash.plus(notional)?,
    };
    after.cash = after.cash.minus(fee)?;
    after.fees = after.fees.plus(fee)?;
    for trade in closed {
        after.gross = after.gross.plus(trade.gross)?;
        after.net = after.net.plus(trade.net)?;
        after.trades += 1;
        after.successes += u64::from(trade.net.is_positive());
    }
    Ok(after)
}

/// Returns quantity, basis and fees of the position after the fill.
fn totals(
    position: &Position,
    closed: &[Closed],
    opened: Option<&Lot>,
) -> Result<(Quantity, MoneyExact, Money), UnitError> {
    let (mut quantity, mut basis, mut fees) = (position.quantity, position.basis, position.fees);
    for Closed { entry, .. } in closed {
        let cost = entry.price.times(entry.quantity)?;
        (quantity, basis) = match entry.side {
            Side::Buy => (quantity.minus(entry.quantity)?, basis.minus(cost)?),
            Side::Sell => (quantity.plus(entry.quantity)?, basis.plus(cost)?),
        };
        fees = fees.minus(entry.fee)?;
    }
    if let Some(lot) = opened {
        let cost = lot.price.times(lot.quantity)?;
        (quantity, basis) = match lot.side {
            Side::Buy => (quantity.plus(lot.quantity)?, basis.plus(cost)?),
            Side::Sell => (quantity.minus(lot.quantity)?, basis.minus(cost)?),
        };
        fees = fees.plus(lot.fee)?;
    }
    Ok((quantity, basis, fees))
}
