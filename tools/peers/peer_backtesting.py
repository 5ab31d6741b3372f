"""The peer backtesting.py: bars in a data frame, indicators made in one go, then bar by bar.

`trade_on_close` fills an order of one bar's close at that close, when the next bar comes. The
means are compared for all bars at once with numpy, as is this engine's way; what a bar does in
`next` is one look at two numbers. Trades that are still open at the end stay open.
"""

import time

STARTED = time.perf_counter()

import warnings

import numpy as np
import pandas as pd
import backtesting
from backtesting import Backtest, Strategy

from peer import Peer
from settings import CASH, FAST, FEE, QUANTITY, SLOW
from trades import trade

# It says so when a trade is still open at the end, which is what is wanted.
warnings.filterwarnings("ignore", message="Some trades remain open")
# Its progress bar is left out: it costs time, and goes to a screen that nobody looks at.
backtesting.backtesting._tqdm = lambda sequence, **_: sequence


def order_of_means(closes, digits: int):
    """-1, 0 or 1 as the fast mean lies to the slow one; no number before both exist."""
    exact = np.rint(np.asarray(closes) * 10**digits).astype(np.int64)
    sums = np.concatenate(([0], np.cumsum(exact)))
    fast, slow = sums[SLOW:] - sums[SLOW - FAST:-FAST], sums[SLOW:] - sums[:-SLOW]
    order = np.full(len(exact), np.nan)
    order[SLOW - 1:] = np.sign(fast * SLOW - slow * FAST)
    return order


class SmaCross(Strategy):
    digits = 0

    def init(self):
        self.order = self.I(order_of_means, self.data.Close, self.digits)

    def next(self):
        now, before = self.order[-1], self.order[-2]
        if now > 0 and before <= 0 and not self.position:
            self.buy(size=QUANTITY)
        elif now < 0 and before >= 0 and self.position:
            self.position.close()


def closed_trades(table, digits: int):
    # The table has one commission for both sides; each side's is what the rate makes of its price.
    rate = float(FEE)
    for row in table.itertuples():
        fees = [abs(row.Size) * price * rate for price in (row.EntryPrice, row.ExitPrice)]
        if abs(sum(fees) - row.Commission) > 1e-8:
            raise SystemExit(f"a commission of {row.Commission} is not that of both sides: {fees}")
        price = lambda number: f"{number:.{digits}f}"
        yield trade(
            "buy" if row.Size > 0 else "sell", abs(row.Size),
            (row.EntryBar, price(row.EntryPrice), f"{fees[0]:.12f}"),
            (row.ExitBar, price(row.ExitPrice), f"{fees[1]:.12f}"),
        )


def main():
    peer = Peer(STARTED)
    peer.passed("imports")
    table = pd.read_csv(peer.path, index_col="time")
    table.index = pd.to_datetime(table.index, unit="s")
    table.columns = ["Open", "High", "Low", "Close", "Volume"]
    backtest = Backtest(
        table, SmaCross, cash=CASH, commission=float(FEE), trade_on_close=True,
        finalize_trades=False,
    )
    peer.passed("load")
    closed = backtest.run(digits=peer.digits)["_trades"]
    peer.passed("loop")
    peer.answer(len(closed), backtesting.__version__, lambda: closed_trades(closed, peer.digits))


main()
