#!/usr/bin/env python3
"""Counts the instructions of the hot paths and holds them against what they were.

Seconds are noise on a shared machine; instructions are not. Each path is run at two lengths under
valgrind's callgrind, and the difference is divided by the difference in length: what one record or
bar more costs, start-up left aside. SHA-256 is left aside too: valgrind hides the processor's instructions
for it, and what stands in for them would drown the rest. A guard, and no measure of speed.

    tools/instructions.py             hold against tools/instructions.json: 1 where a path costs more
                                      than the margin above it, or so much less that it should be noted
    tools/instructions.py --write     write what is found there

Needs `target/release/schwabot` (cargo build --release) and valgrind; where valgrind is missing, or the
compiler is not the one that the counts are from, it says that it was skipped and exits with 0.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "target" / "release" / "schwabot"
BASELINE = Path(__file__).with_suffix(".json")
MARGIN_PERCENT = 8
LENGTHS = (1_000, 4_000)


def candles(path, bars):
    """A walk of prices that crosses its means now and then; the same on each machine."""
    lines, price, state = ["time,open,high,low,close,volume"], 10_000, 12345
    for number in range(bars):
        state = (state * 1103515245 + 12345) % 2**31
        close = max(100, price + (state >> 16) % 41 - 20)
        high, low = max(price, close) + 5, min(price, close) - 5
        stamp = 1_600_000_000 + 60 * number
        lines.append(f"{stamp},{price},{high},{low},{close},{1 + state % 97}")
        price = close
    path.write_text("\n".join(lines) + "\n")


def counted(*arguments):
    """How many instructions a command took, SHA-256 left aside, and what it printed."""
    with tempfile.NamedTemporaryFile() as out:
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out.name}", str(PROGRAM)]
        ran = subprocess.run([*command, *map(str, arguments)], capture_output=True, text=True)
        if ran.returncode != 0:
            words = " ".join(map(str, arguments))
            sys.exit(f"{words}: exit {ran.returncode}\n{ran.stdout}{ran.stderr}")
        annotate = ["callgrind_annotate", "--threshold=100", "--auto=no", out.name]
        told = subprocess.run(annotate, capture_output=True, text=True, check=True).stdout
    lines = re.findall(r"^ *([\d,]+) \([ \d.]+%\)  (.*)$", told, re.MULTILINE)
    counts = [(int(count.replace(",", "")), name) for count, name in lines]
    return sum(
        count for count, name in counts if "PROGRAM TOTALS" not in name and "sha256" not in name
    ), ran.stdout


def paths(folder, bars):
    """Name, length and count of each path at one length."""
    data, ledger = folder / f"BTC_USDT-1m-{bars}.csv", folder / f"run-{bars}"
    candles(data, bars)
    run = ["backtest", "--data", f"BTC/USDT={data}", "--threads", "1", "--format", "json"]
    yield "backtest, not recorded, a bar", bars, counted(*run, "--no-ledger")[0]
    count, told = counted(*run, "--ledger", ledger)
    records = json.loads(told)["records"]
    yield "backtest, recorded, a bar", bars, count
    for level in ("chain", "tree", "derive"):
        verify = ["verify", ledger, "--threads", "1", "--level", level]
        yield f"verify --level {level}, a record", records, counted(*verify)[0]
    yield "replay into the world, a record", records, counted("state", ledger, "summary")[0]


def measured():
    with tempfile.TemporaryDirectory() as folder:
        short, long = (list(paths(Path(folder), bars)) for bars in LENGTHS)
    return {
        name: round((count - fewer) / (length - shorter))
        for (name, length, count), (_, shorter, fewer) in zip(long, short)
    }


def compiler():
    return subprocess.run(["rustc", "--version"], capture_output=True, text=True).stdout.strip()


def main():
    if not shutil.which("valgrind"):
        return print("skipped: valgrind is not installed")
    if sys.argv[1:] == ["--write"]:
        found = {"compiler": compiler(), "instructions": measured()}
        BASELINE.write_text(json.dumps(found, indent=2) + "\n")
        return print(BASELINE.read_text(), end="")
    known = json.loads(BASELINE.read_text())
    if known["compiler"] != compiler():
        return print(f"skipped: the counts are from {known['compiler']}, this is {compiler()}")
    far = False
    for name, count in measured().items():
        before = known["instructions"].get(name)
        percent = 100 * (count - before) / before if before else 100
        off = abs(percent) > MARGIN_PERCENT
        far |= off
        word = "  <-- beyond the margin" if off else ""
        print(f"{name:<36} {count:>8}  was {before}  ({percent:+.1f} %){word}")
    print(f"margin: {MARGIN_PERCENT} % either way")
    if far:
        sys.exit("a path costs another number of instructions: mend it, or write the new count")


if __name__ == "__main__":
    main()
