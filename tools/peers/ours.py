"""Our side: the program's own commands, nothing else.

`backtest` runs the strategy, into a ledger or, with `--no-ledger`, into none; `replay --kind
trade_closed` reads the closed trades back out of the ledger. A bar's records carry the time at
which the bar was known, which is that of its close.
"""

import json
import subprocess
from datetime import datetime
from pathlib import Path

from settings import BASE, CASH, FAST, FEE, INTERVAL_SECONDS, QUANTITY, QUOTE, SLOW
from trades import trade


def command(program: Path, csv: Path, *more: str) -> list:
    """The run, with the rules of the comparison."""
    return [
        str(program), "backtest", "--data", f"{BASE}/{QUOTE}={csv}",
        "--interval", f"{INTERVAL_SECONDS // 60}m", "--strategy", "sma-cross",
        "--param", f"fast={FAST}", "--param", f"slow={SLOW}", "--param", f"quantity={QUANTITY}",
        "--cash", f"{QUOTE}={CASH}", "--fee", str(FEE), "--half-spread", "0", "--impact", "0",
        "--fill", "this-close", "--format", "json", *more,
    ]


def closed_trades(program: Path, csv: Path, ledger: Path) -> list:
    """Runs into a new ledger and reads its closed trades."""
    subprocess.run(command(program, csv, "--ledger", str(ledger)), check=True, **QUIET)
    replay = [str(program), "replay", str(ledger), "--kind", "trade_closed", "--format", "jsonl"]
    lines = subprocess.run(replay, check=True, **QUIET).stdout.splitlines()
    places = places_of(csv)
    return [_trade(json.loads(line)["payload"], places) for line in lines]


def figures_without_ledger(program: Path, csv: Path) -> dict:
    """What the run comes to when nobody records it."""
    ran = subprocess.run(command(program, csv, "--no-ledger"), check=True, **QUIET)
    return json.loads(ran.stdout)


def places_of(csv: Path) -> dict:
    """The number of each bar, by the time of its close."""
    with csv.open() as lines:
        next(lines)
        times = (int(line.partition(",")[0]) for line in lines)
        return {time + INTERVAL_SECONDS: place for place, time in enumerate(times)}


QUIET = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}


def _trade(payload: dict, places: dict):
    def fill(side: dict):
        time = datetime.fromisoformat(side["time"].replace("Z", "+00:00"))
        return places[int(time.timestamp())], side["price"], side["fee"]

    return trade(
        payload["side"], payload["quantity"], fill(payload["entry"]), fill(payload["exit"])
    )
