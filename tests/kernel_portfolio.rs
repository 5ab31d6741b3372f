//! Cash, lots and profit: exact, first in first out, nothing lost in a split.

use proptest::prelude::*;
use schwabot::event::*;
use schwabot::kernel::{Closed, Lot, Portfolio, SettleError};
use schwabot::units::*;

use crate::support::runs::*;

fn portfolio(shorts: bool) -> Portfolio {
    let mut config = config("sma-cross", 1);
    config.venue.allow_short = shorts;
    Portfolio::open(&config).unwrap()
}

fn fill(order: u64, side: Side, amount: &str, at_price: &str, fee: &str) -> Lot {
    Lot {
        order,
        side,
        quantity: quantity(amount),
        price: price(at_price),
        fee: fee.parse().unwrap(),
        time: at(order as i64),
        reason: OrderReason::Signal,
        signal: None,
        ghost: None,
    }
}

const PAIR: PairId = PairId(0);

#[test]
fn lots_leave_in_the_order_in_which_they_came() {
    let mut portfolio = portfolio(false);
    let mut apply = |lot| portfolio.apply(PAIR, &lot).unwrap();
    apply(fill(1, Side::Buy, "2", "100", "0.2"));
    apply(fill(2, Side::Buy, "3", "110", "0.33"));
    let closed = apply(fill(3, Side::Sell, "4", "120", "0.48"));
    let row = |c: &Closed| {
        let (entry, exit) = (&c.entry, &c.exit);
        format!(
            "{} {} fees {} {} gross {} net {}",
            entry.order, entry.quantity, entry.fee, exit.fee, c.gross, c.net
        )
    };
    assert_eq!(
        closed.iter().map(row).collect::<Vec<_>>(),
        ["1 2 fees 0.2 0.24 gross 40 net 39.56", "2 2 fees 0.22 0.24 gross 20 net 19.54"]
    );
    let position = portfolio.position(PAIR).unwrap();
    assert_eq!((position.quantity, position.lots.len()), (quantity("1"), 1));
    assert_eq!(
        (position.basis.to_string(), position.fees.to_string()),
        ("110".into(), "0.11".into())
    );
    let account = portfolio.account("USD").unwrap();
    // 10,000 - 200.2 - 330.33 + 479.52
    assert_eq!(account.cash.to_string(), "9948.99");
    assert_eq!(account.fees.to_string(), "1.01");
    assert_eq!((account.trades, account.successes), (2, 2));
    // The last of it at a loss: a trade and no success.
    portfolio.apply(PAIR, &fill(4, Side::Sell, "1", "109", "0.1")).unwrap();
    let account = portfolio.account("USD").unwrap();
    assert_eq!((account.trades, account.successes), (3, 2));
}

#[test]
fn an_account_counts_the_positions_that_are_paid_from_it_and_no_others() {
    let mut config = config("sma-cross", 2);
    config.instruments[1].quote = "EUR".into();
    config.balances.insert(0, Balance { currency: "EUR".into(), ..config.balances[0].clone() });
    let mut portfolio = Portfolio::open(&config).unwrap();
    portfolio.apply(PAIR, &fill(1, Side::Buy, "2", "100", "0")).unwrap();
    portfolio.apply(PairId(1), &fill(2, Side::Buy, "3", "100", "0")).unwrap();
    let equity = |place: usize| {
        let sum = portfolio.equity(place, |pair| Some(price(["110", "120"][pair]))).unwrap();
        (portfolio.accounts()[place].currency.as_str(), sum.to_string())
    };
    assert_eq!(equity(0), ("EUR", "10060".into()));
    assert_eq!(equity(1), ("USD", "10020".into()));
}

#[test]
fn a_fee_that_cannot_be_split_evenly_is_split_without_a_rest() {
    let mut portfolio = portfolio(false);
    let odd = Lot { fee: Money::from_raw(10), ..fill(1, Side::Buy, "3", "1", "0") };
    portfolio.apply(PAIR, &odd).unwrap();
    let mut parts = Vec::new();
    for order in 2..5 {
        let closed = portfolio.apply(PAIR, &fill(order, Side::Sell, "1", "1", "0")).unwrap();
        parts.push(closed[0].entry.fee.raw());
    }
    assert_eq!(parts, [3, 3, 4]);
}

#[test]
fn a_fill_that_is_not_possible_is_refused_and_changes_nothing() {
    let mut portfolio = portfolio(false);
    portfolio.apply(PAIR, &fill(1, Side::Buy, "1", "100", "0.1")).unwrap();
    let before = portfolio.clone();
    let mut refused = |lot: Lot| portfolio.apply(PAIR, &lot).unwrap_err();
    assert_eq!(refused(fill(2, Side::Buy, "100", "99", "0.1")), SettleError::NoCash);
    assert_eq!(refused(fill(2, Side::Sell, "1.1", "99", "0.1")), SettleError::NoPosition);
    assert_eq!(refused(fill(2, Side::Sell, "0", "99", "0.1")), SettleError::BadFill);
    assert_eq!(refused(fill(2, Side::Sell, "1", "-1", "0.1")), SettleError::BadFill);
    assert_eq!(refused(fill(2, Side::Sell, "1", "1", "-0.1")), SettleError::BadFill);
    let huge = Lot { price: Price::MAX, ..fill(2, Side::Sell, "1", "1", "0") };
    assert!(matches!(refused(huge), SettleError::Overflow(_)));
    let unknown = portfolio.apply(PairId(9), &fill(2, Side::Buy, "1", "1", "0")).unwrap_err();
    assert_eq!(unknown, SettleError::NoAccount(PairId(9)));
    assert_eq!(portfolio, before);
}

#[test]
fn a_short_sale_earns_when_the_price_falls_and_only_where_it_is_allowed() {
    let mut portfolio = portfolio(true);
    portfolio.apply(PAIR, &fill(1, Side::Sell, "2", "100", "0.2")).unwrap();
    assert_eq!(portfolio.position(PAIR).unwrap().quantity.to_string(), "-2");
    assert_eq!(
        portfolio.position(PAIR).unwrap().unrealised(price("90")).unwrap().to_string(),
        "19.8"
    );
    // Buying five closes the two and opens three.
    let closed = portfolio.apply(PAIR, &fill(2, Side::Buy, "5", "90", "0.5")).unwrap();
    assert_eq!((closed.len(), closed[0].net.to_string()), (1, "19.6".into()));
    assert_eq!(portfolio.position(PAIR).unwrap().fees.to_string(), "0.3");
    assert_eq!(portfolio.position(PAIR).unwrap().quantity, quantity("3"));
}

proptest! {
    #[test]
    fn nothing_is_lost_between_fills_trades_and_cash(
        fills in prop::collection::vec((any::<bool>(), 1_i128..5_000_000, 1_i128..900, 0_i128..99_999), 1..60),
        shorts in any::<bool>(),
        mark in 1_i128..900,
    ) {
        let mut portfolio = portfolio(shorts);
        let opening = portfolio.account("USD").unwrap().cash;
        let (mut cash, mut fees) = (opening, MoneyExact::ZERO);
        let mut trades: Vec<Closed> = Vec::new();
        let (mut bought, mut sold) = (0_i128, 0_i128);
        for (order, (buys, amount, cents, fee)) in (1..).zip(fills) {
            let side = if buys { Side::Buy } else { Side::Sell };
            let lot = Lot {
                quantity: Quantity::from_raw(amount * 1_000_003),
                price: Price::from_raw(cents * 10_i128.pow(12) + 1),
                fee: Money::from_raw(fee),
                ..fill(order, side, "1", "1", "0")
            };
            let before = portfolio.clone();
            let Ok(closed) = portfolio.apply(PAIR, &lot) else {
                prop_assert_eq!(&portfolio, &before);
                continue;
            };
            let notional = lot.price.times(lot.quantity).unwrap();
            cash = if buys { cash.minus(notional) } else { cash.plus(notional) }.unwrap();
            cash = cash.minus(lot.fee.exact().unwrap()).unwrap();
            fees = fees.plus(lot.fee.exact().unwrap()).unwrap();
            if buys { bought += lot.quantity.raw() } else { sold += lot.quantity.raw() }
            // The parts of the closing fee, and what went into a new lot, are the whole fee.
            let parts: i128 = closed.iter().map(|c| c.exit.fee.raw()).sum();
            let opened = portfolio.position(PAIR).unwrap().lots.iter().filter(|l| l.order == order);
            prop_assert_eq!(parts + opened.map(|l| l.fee.raw()).sum::<i128>(), lot.fee.raw());
            trades.extend(closed);
        }
        let position = portfolio.position(PAIR).unwrap();
        let account = portfolio.account("USD").unwrap();
        let sum = |of: &dyn Fn(&Closed) -> i128| trades.iter().map(of).sum::<i128>();
        // Realised profit is the sum over trades; orders of entries never go backwards.
        prop_assert_eq!(account.gross.raw(), sum(&|t| t.gross.raw()));
        prop_assert_eq!(account.net.raw(), sum(&|t| t.net.raw()));
        prop_assert!(trades.windows(2).all(|w| w[0].entry.order <= w[1].entry.order));
        // Cash is what the fills alone say; fees are in trades or in open lots.
        prop_assert_eq!((account.cash, account.fees), (cash, fees));
        let paid = sum(&|t| t.entry.fee.raw() + t.exit.fee.raw()) + position.fees.raw();
        prop_assert_eq!(paid * 10_i128.pow(12), fees.raw());
        prop_assert_eq!(position.quantity.raw(), bought - sold);
        // Totals of the position are those of its lots, all on one side.
        let lots = &position.lots;
        prop_assert!(lots.iter().all(|lot| Some(lot.side) == position.side()));
        let sign = |lot: &Lot| if lot.side == Side::Buy { 1 } else { -1 };
        let basis: i128 = lots.iter().map(|l| sign(l) * l.price.times(l.quantity).unwrap().raw()).sum();
        prop_assert_eq!(position.basis.raw(), basis);
        prop_assert_eq!(position.fees.raw(), lots.iter().map(|l| l.fee.raw()).sum::<i128>());
        // Equity = opening + net profit + unrealised profit, to the last digit.
        let mark = Price::from_raw(mark * 10_i128.pow(12));
        let equity = account.cash.plus(position.value(mark).unwrap()).unwrap();
        let unrealised = position.unrealised(mark).unwrap();
        prop_assert_eq!(equity.raw(), opening.raw() + account.net.raw() + unrealised.raw());
        if !shorts {
            prop_assert!(account.cash >= MoneyExact::ZERO && position.quantity >= Quantity::ZERO);
        }
    }
}
