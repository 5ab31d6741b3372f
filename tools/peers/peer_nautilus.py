"""The peer nautilus_trader: events through a message bus, a simulated venue, a cash account.

The strategy is our own, not the package's EMA example: it crosses on the exact integers that the
engine keeps for prices. A market order that is sent from `on_bar` is filled in the same instant at
the bar's close. A bar offers a quarter of its volume at each of its four prices, so all bars get
the same large one. Whatever this run has no use for and the engine lets one switch off is off:
logging, the risk engine, the analysis behind the run.
"""

import time

STARTED = time.perf_counter()

from collections import deque
from decimal import Decimal

import pandas as pd
import nautilus_trader
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig, RiskEngineConfig
from nautilus_trader.model.currencies import BTC, USDT
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide, OrderStatus
from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
from nautilus_trader.model.instruments import CurrencyPair
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.persistence.wranglers import BarDataWrangler
from nautilus_trader.trading.strategy import Strategy

from peer import Peer
from settings import BASE, CASH, FAST, FEE, INTERVAL_SECONDS, QUANTITY, QUOTE, SLOW
from trades import trade

VENUE = Venue("SIM")
VOLUME = 1_000_000.0
SIZE_DIGITS = 3


class SmaCross(Strategy):
    def __init__(self, instrument, bar_type):
        super().__init__()
        self.instrument, self.bar_type = instrument, bar_type
        self.quantity = instrument.make_qty(QUANTITY)
        self.closes, self.fast, self.slow, self.before = deque(), 0, 0, None

    def on_start(self):
        self.subscribe_bars(self.bar_type)

    def on_bar(self, bar):
        closes, close = self.closes, bar.close.raw
        closes.append(close)
        self.fast += close
        self.slow += close
        if len(closes) > FAST:
            self.fast -= closes[-1 - FAST]
        if len(closes) > SLOW:
            self.slow -= closes.popleft()
        if len(closes) < SLOW:
            return
        before, now = self.before, self.fast * SLOW - self.slow * FAST
        self.before = now
        if before is None:
            return
        if now > 0 and before <= 0 and self.portfolio.is_flat(self.instrument.id):
            self.send(OrderSide.BUY)
        elif now < 0 and before >= 0 and self.portfolio.is_net_long(self.instrument.id):
            self.send(OrderSide.SELL)

    def send(self, side):
        self.submit_order(self.order_factory.market(self.instrument.id, side, self.quantity))


def pair_of(digits: int) -> CurrencyPair:
    return CurrencyPair(
        instrument_id=InstrumentId(Symbol(BASE + QUOTE), VENUE), raw_symbol=Symbol(BASE + QUOTE),
        base_currency=BTC, quote_currency=USDT,
        price_precision=digits, price_increment=Price(10**-digits, digits),
        size_precision=SIZE_DIGITS, size_increment=Quantity(10**-SIZE_DIGITS, SIZE_DIGITS),
        margin_init=Decimal(0), margin_maint=Decimal(0), maker_fee=FEE, taker_fee=FEE,
        ts_event=0, ts_init=0,
    )


def engine_with(path: str, digits: int):
    """The engine with venue, bars and strategy, ready to run; also the time of each bar."""
    table = pd.read_csv(path, index_col="time", usecols=["time", "open", "high", "low", "close"])
    # Its convention: a bar carries the time of its close.
    table.index = pd.to_datetime(table.index + INTERVAL_SECONDS, unit="s", utc=True)
    engine = BacktestEngine(BacktestEngineConfig(
        logging=LoggingConfig(bypass_logging=True), risk_engine=RiskEngineConfig(bypass=True),
        run_analysis=False,
    ))
    engine.add_venue(
        venue=VENUE, oms_type=OmsType.NETTING, account_type=AccountType.CASH,
        starting_balances=[Money(CASH, USDT)],
    )
    pair = pair_of(digits)
    engine.add_instrument(pair)
    bar_type = BarType.from_str(f"{pair.id}-1-MINUTE-LAST-EXTERNAL")
    bars = BarDataWrangler(bar_type, pair).process(table, default_volume=VOLUME)
    engine.add_data(bars)
    engine.add_strategy(SmaCross(pair, bar_type))
    return engine, bars


def closed_trades(orders, bars):
    """Pairs each buy with the sell behind it; all are of the same quantity."""
    places = {bar.ts_init: place for place, bar in enumerate(bars)}
    fills = [order.last_event for order in orders]
    for entry, leave in zip(fills[0::2], fills[1::2]):
        if (entry.order_side, leave.order_side) != (OrderSide.BUY, OrderSide.SELL):
            raise SystemExit(f"not a buy and then a sell: {entry}, {leave}")
        if entry.last_qty != leave.last_qty:
            raise SystemExit(f"filled in parts: {entry}, {leave}")
        yield trade("buy", entry.last_qty, *(
            (places[fill.ts_event], fill.last_px, fill.commission.as_decimal())
            for fill in (entry, leave)
        ))


def main():
    peer = Peer(STARTED)
    peer.passed("imports")
    engine, bars = engine_with(peer.path, peer.digits)
    peer.passed("load")
    engine.run()
    peer.passed("loop")
    orders = sorted(engine.cache.orders(), key=lambda order: order.ts_init)
    if any(order.status != OrderStatus.FILLED for order in orders):
        raise SystemExit("an order was not filled")
    peer.answer(
        len(orders) // 2, nautilus_trader.__version__, lambda: closed_trades(orders, bars)
    )


main()
