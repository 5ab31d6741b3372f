"""Are the lists equal? Only then is anything timed.

`check` lets all three engines run over a file, compares ours with each peer's, and notes what was
found equal in `equal.json`: digests of the data file, of our program and of the strategies' files,
and the peers' versions. `covers` is what the timing asks: whether exactly what it is about to run
was found equal.
"""

import hashlib
import json
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import ours
import trades

HERE = Path(__file__).parent
PEERS = {"backtesting.py": "peer_backtesting.py", "nautilus_trader": "peer_nautilus.py"}
# Whatever decides what is run.
SOURCES = (*PEERS.values(), "ours.py", "peer.py", "settings.py", "trades.py", "requirements.txt")


class Unequal(Exception):
    """Two lists are not equal."""


def peer_command(peer: str, bars, *more) -> list:
    return [sys.executable, str(HERE / PEERS[peer]), str(bars.path), str(bars.digits), *more]


def peer_trades(peer: str, bars, folder: Path) -> list:
    path = folder / "trades.json"
    path.unlink(missing_ok=True)
    subprocess.run(
        peer_command(peer, bars, str(path)), check=True, stdout=subprocess.DEVNULL, cwd=HERE
    )
    return [trades.Trade(*known) for known in json.loads(path.read_text())]


def compare(bars, lists: dict) -> str:
    """Compares ours with every other list; returns the digest of all of them.

    Raises `Unequal`, which names the first trade that differs.
    """
    kept = {name: trades.without_last_bar(known, bars.count) for name, known in lists.items()}
    mine = kept.pop("schwabot")
    for name, other in kept.items():
        difference = trades.first_difference(mine, other)
        if difference:
            raise Unequal(f"{bars.name}: schwabot against {name}: {difference}")
        fees = trades.fee_difference(mine, other)
        print(f"{bars.name}: {len(mine)} trades, equal to those of {name}; fees differ by {fees}")
    print(f"{bars.name}: {bars.count} bars, SHA-256 of the list {trades.digest(mine)}", flush=True)
    return trades.digest(mine)


def check(bars, program: Path, folder: Path) -> str:
    """Runs all engines over a file, compares, and notes that they agree."""
    ledger = folder / "ledger-of-the-check"
    remove(ledger)
    lists = {"schwabot": ours.closed_trades(program, bars.path, ledger)}
    remove(ledger)
    _without_ledger(bars, program, lists["schwabot"])
    for peer in PEERS:
        lists[peer] = peer_trades(peer, bars, folder)
    found = compare(bars, lists)
    known = _notes(folder)
    known[bars.name] = {**_about(bars, program), "list": found}
    (folder / "equal.json").write_text(json.dumps(known, indent=1) + "\n")
    return found


def covers(bars, program: Path, folder: Path) -> bool:
    known = dict(_notes(folder).get(bars.name, {}))
    known.pop("list", None)
    return known == _about(bars, program)


def remove(ledger: Path):
    """Removes a ledger that this tool made."""
    if ledger.exists():
        shutil.rmtree(ledger)


def _without_ledger(bars, program: Path, recorded: list):
    """A run without a ledger has no list; its figures must be those of the recorded one."""
    figures = ours.figures_without_ledger(program, bars.path)
    net = sum(
        Decimal(known.exit_price) - Decimal(known.entry_price)
        - Decimal(known.entry_fee) - Decimal(known.exit_fee)
        for known in recorded
    )
    told = figures["trades"], Decimal(figures["accounts"][0]["net_profit"])
    if told != (len(recorded), net):
        raise Unequal(f"{bars.name}: without a ledger {told}, with one {(len(recorded), net)}")


def _about(bars, program: Path) -> dict:
    files = [bars.path, program, *(HERE / name for name in SOURCES)]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _notes(folder: Path) -> dict:
    path = folder / "equal.json"
    return json.loads(path.read_text()) if path.exists() else {}
