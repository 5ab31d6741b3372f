"""Holds the figures of `schwabot report` against QuantStats and backtesting.py on the same returns
and trades.

    check.py PROGRAM LEDGER

Each row is equal within the tolerance, or says whose definition differs; then our inputs are put
through the other definition too, and that must be equal. Ends with 1 where something is not.
"""

import json
import math
import subprocess
import sys
import warnings

warnings.filterwarnings("ignore")

import numpy as np
import pandas as pd
import quantstats.stats as qs
from backtesting._stats import compute_drawdown_duration_peaks, compute_stats

import closes

TOLERANCE = 1e-9


class Rows:
    def __init__(self):
        self.bad = 0
        print(f"{'figure':<30} {'whose':<12} {'ours':>18} {'theirs':>18}  agreement")

    def row(self, name, whose, ours, theirs, note=""):
        """Equal within the tolerance; `ours` is put through their definition where a note says so."""
        ours, theirs = float(ours), float(theirs)
        # What we call undefined is infinite, no number or zero there.
        undefined = math.isnan(ours) and (not math.isfinite(theirs) or theirs == 0)
        scale = max(abs(theirs), 1e-6)
        equal = undefined or abs(ours - theirs) <= TOLERANCE * scale
        self.bad += not equal
        told = ("equal" if not note else f"equal after: {note}") if equal else "NOT EQUAL"
        print(f"{name:<30} {whose:<12} {ours:>18.10g} {theirs:>18.10g}  {told}")


def sheet_of(program, ledger):
    command = [program, "report", ledger, "--format", "json", "--period", "day"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def series_of(sheet, column):
    # A period that ends at midnight is the day before.
    ends = pd.to_datetime([row["end"] for row in sheet["closes"]]).tz_localize(None)
    index = ends - pd.Timedelta(days=1)
    return pd.Series([row[column] for row in sheet["closes"]], index=index.normalize(), dtype=float)


def with_quantstats(rows, value, returns, held):
    p = 365
    whose = "QuantStats"
    count = len(returns)
    equal = {
        "total_return": qs.comp(returns),
        "annual_return": qs.cagr(returns, periods=p),
        "volatility": qs.volatility(returns, periods=p),
        "sharpe": qs.sharpe(returns, periods=p),
        "sortino": qs.sortino(returns, periods=p),
        "calmar": qs.calmar(returns, periods=p),
        "omega": qs.omega(returns, periods=p),
        "gain_to_pain": qs.gain_to_pain_ratio(returns),
        "max_drawdown": -qs.max_drawdown(returns),
        "value_at_risk": qs.value_at_risk(returns),
        "expected_shortfall": qs.cvar(returns),
        "historical_expected_shortfall": qs.conditional_value_at_risk(returns, method="historical"),
        "tail_ratio": qs.tail_ratio(returns),
        "common_sense": qs.common_sense_ratio(returns),
        "period_kelly": qs.kelly_criterion(returns),
        "skew": qs.skew(returns),
        "kurtosis": qs.kurtosis(returns),
        "period_win_rate": qs.win_rate(returns),
        "period_payoff": qs.payoff_ratio(returns),
        "period_wins_in_a_row": qs.consecutive_wins(returns),
        "period_losses_in_a_row": qs.consecutive_losses(returns),
        "best_period": qs.best(returns),
        "worst_period": qs.worst(returns),
        "benchmark_return": qs.comp(held),
        "benchmark_sharpe": qs.sharpe(held, periods=p),
        "beta": qs.greeks(returns, held, periods=p)["beta"],
        "alpha": qs.greeks(returns, held, periods=p)["alpha"],
    }
    for name, theirs in equal.items():
        rows.row(name, whose, value[name], theirs)
    falls = qs.drawdown_details(qs.to_drawdown_series(returns))["max drawdown"]
    rows.row("average_drawdown", whose, value["average_drawdown"], -falls.mean() / 100)
    wider = math.sqrt(count / (count - 1))
    rows.row("ulcer_index", whose, value["ulcer_index"] * wider, qs.ulcer_index(returns),
             "divided by n - 1 instead of n")
    rows.row("ulcer_performance_index", whose, value["ulcer_performance_index"] / wider,
             qs.ulcer_performance_index(returns), "the same")
    rows.row("recovery_factor", whose, abs(returns.sum()) / value["max_drawdown"],
             qs.recovery_factor(returns), "the size of the sum of returns, not compounded")
    one = value["sharpe"] / math.sqrt(p)
    spread = 1 - value["skew"] * one + (value["kurtosis"] + 2) / 4 * one * one
    sure = 0.5 * math.erfc(-one / math.sqrt(spread / (count - 1)) / math.sqrt(2))
    rows.row("probabilistic_sharpe", whose, sure, qs.probabilistic_sharpe_ratio(returns),
             "moments of the sample instead of the population's")


def with_backtesting(rows, sheet, value, equity, held):
    whose = "backtesting"
    trades = sheet["trades"]
    frame = pd.DataFrame({
        "Size": [1 if t["long"] else -1 for t in trades],
        "EntryBar": 0,
        "ExitBar": 0,
        "EntryPrice": [float(t["entry_price"]) for t in trades],
        "ExitPrice": [float(t["exit_price"]) for t in trades],
        "PnL": [float(t["net"]) for t in trades],
        "ReturnPct": [
            float(t["net"]) / (float(t["entry_price"]) * float(t["quantity"])) for t in trades
        ],
        "EntryTime": pd.to_datetime([t["entry_time"] for t in trades]),
        "ExitTime": pd.to_datetime([t["exit_time"] for t in trades]),
    })
    frame["Duration"] = frame["ExitTime"] - frame["EntryTime"]
    # Its first value is what ours calls opening: the close of the day before the first.
    before = equity.index[0] - pd.Timedelta(days=1)
    curve = pd.concat([pd.Series([sheet["opening"]], index=[before]), equity])
    market = pd.concat([pd.Series([sheet["opening"]], index=[before]), held])
    data = pd.DataFrame({name: market for name in ["Open", "High", "Low", "Close"]})
    found = compute_stats(frame, curve.to_numpy(), data, None)
    share = lambda name: found[name] / 100
    rows.row("total_return", whose, value["total_return"], share("Return [%]"))
    rows.row("benchmark_return", whose, value["benchmark_return"], share("Buy & Hold Return [%]"))
    rows.row("annual_return", whose, value["annual_return"], share("Return (Ann.) [%]"))
    rows.row("max_drawdown", whose, value["max_drawdown"], -share("Max. Drawdown [%]"))
    rows.row("calmar", whose, value["calmar"], found["Calmar Ratio"])
    rows.row("trades", whose, value["trades"], found["# Trades"])
    rows.row("win_rate", whose, value["win_rate"], share("Win Rate [%]"))
    rows.row("best_trade", whose, value["best_trade"], share("Best Trade [%]"))
    rows.row("worst_trade", whose, value["worst_trade"], share("Worst Trade [%]"))
    rows.row("expectancy_share", whose, value["expectancy_share"], share("Expectancy [%]"))
    rows.row("sqn", whose, value["sqn"], found["SQN"])
    rows.row("kelly", whose, value["kelly"], found["Kelly Criterion"])
    shares = frame["ReturnPct"]
    rows.row("profit_factor", whose, shares[shares > 0].sum() / -shares[shares < 0].sum(),
             found["Profit Factor"], "sums of returns instead of money")
    returns = curve.pct_change().dropna()
    growth = (1 + value["total_return"]) ** (1 / len(returns))
    spread = math.sqrt((returns.var() + growth**2) ** 365 - growth ** (2 * 365))
    rows.row("volatility", whose, spread, share("Volatility (Ann.) [%]"), "of compounded returns")
    rows.row("sharpe", whose, value["annual_return"] / spread, found["Sharpe Ratio"],
             "annual return over that, not the mean over the deviation")
    losses = math.sqrt((returns.clip(upper=0) ** 2).mean() * 365)
    rows.row("sortino", whose, value["annual_return"] / losses, found["Sortino Ratio"],
             "annual return instead of the mean")
    logs, market_logs = np.diff(np.log(curve)), np.diff(np.log(market))
    beta = np.cov(logs, market_logs)[0, 1] / np.var(market_logs, ddof=1)
    rows.row("beta", whose, beta, found["Beta"], "log-returns instead of returns")
    rows.row("alpha", whose, value["total_return"] - beta * value["benchmark_return"],
             share("Alpha [%]"), "over the whole range, not a year")
    longest = max(t for t in frame["Duration"]).total_seconds()
    rows.row("longest_trade_seconds", whose, value["longest_trade_seconds"], longest)


def with_closes(rows, sheet, value, curve):
    """Figures at every close, from equity that was worked out again from bars and fills."""
    whose = "bars, fills"
    rows.row("equity", whose, value["equity"], curve.iloc[-1])
    rows.row("peak", whose, value["peak"], curve.max())
    rows.row("lowest", whose, value["lowest"], curve.min())
    ends = pd.to_datetime([row["end"] for row in sheet["closes"]]).tz_localize(None)
    again = np.array([curve[curve.index <= end].iloc[-1] for end in ends])
    ours = np.array([row["equity"] for row in sheet["closes"]])
    worst = np.abs(again / ours - 1).max()
    rows.row("closes of days, worst", whose, 0.0 if worst < TOLERANCE else worst, 0.0)
    whose = "backtesting"
    depth = 1 - curve / np.maximum.accumulate(curve)
    lengths, peaks = compute_drawdown_duration_peaks(depth)
    rows.row("close_max_drawdown", whose, value["close_max_drawdown"], depth.max())
    rows.row("close_average_drawdown", whose, value["close_average_drawdown"], peaks.mean())
    seconds = pd.to_timedelta(lengths.dropna()).dt.total_seconds()
    rows.row("longest_drawdown", whose, value["longest_drawdown"], seconds.max())
    rows.row("average_drawdown_length", whose, value["average_drawdown_length"], seconds.mean())


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sheet = sheet_of(*sys.argv[1:])
    known = lambda figure: math.nan if figure is None else figure
    value = {metric["name"]: known(metric["value"]) for metric in sheet["metrics"]}
    equity, held = series_of(sheet, "equity"), series_of(sheet, "buy_and_hold")
    opened = lambda values: np.concatenate([[sheet["opening"]], values.to_numpy()])
    returns = pd.Series(np.diff(opened(equity)) / opened(equity)[:-1], index=equity.index)
    market = pd.Series(np.diff(opened(held)) / opened(held)[:-1], index=held.index)
    print(f"{len(returns)} returns of a day, {len(sheet['trades'])} trades; tolerance {TOLERANCE}")
    rows = Rows()
    with_quantstats(rows, value, returns, market)
    with_backtesting(rows, sheet, value, equity, held)
    with_closes(rows, sheet, value, closes.curve(*sys.argv[1:]))
    print("all agree" if rows.bad == 0 else f"{rows.bad} do not agree")
    sys.exit(rows.bad > 0)


if __name__ == "__main__":
    main()
