"""Market data as every engine can read it: plain CSV, one bar a line, times in seconds.

The real files are compressed CSV or freqtrade's JSON. Numbers are copied as they are written, never
through a float. `repeat` makes a long file of a short one: the same bars again and again, all times
of a copy moved on by the time from the file's first bar to the end of its last one. So times rise,
no gap comes in between two copies, and the price jumps at each seam, for every engine alike.

A `Bars` says what an engine cannot know from a CSV: how many decimals its prices have.
"""

import csv
import gzip
import io
import json
import random
from collections import namedtuple
from datetime import datetime, timezone
from pathlib import Path

from settings import INTERVAL_SECONDS

HEADER = "time,open,high,low,close,volume\n"

# name: for people; path: the CSV; count: its bars; digits: decimals of its prices
Bars = namedtuple("Bars", "name path count digits")


def convert(source: Path, name: str, folder: Path) -> Bars:
    """Makes plain CSV of a real file, whichever of the two forms it has."""
    text = gzip.decompress(source.read_bytes()).decode()
    rows = _rows_of_json(text) if text.lstrip().startswith("[") else _rows_of_csv(text)
    return write(rows, name, folder)


def repeat(bars: Bars, times: int, folder: Path) -> Bars:
    """Makes a file of the same bars so many times, one copy behind the other."""
    rows = _rows_of_plain(bars.path)
    step = rows[-1][0] - rows[0][0] + INTERVAL_SECONDS
    copies = ((row[0] + copy * step, *row[1:]) for copy in range(times) for row in rows)
    return write(copies, f"{bars.name} x{times}", folder)


def made_up(count: int, seed: int, folder: Path) -> Bars:
    """Makes a walk on a coarse grid, so that means are equal now and then."""
    dice, close, rows = random.Random(seed), 30_000, []
    for bar in range(count):
        opening, close = close, max(close + dice.randint(-3, 3), 1)
        high, low = max(opening, close) + 1, min(opening, close) - 1
        rows.append((1_700_000_040 + bar * INTERVAL_SECONDS, opening, high, low, close, 5))
    return write(rows, f"made-up {count}", folder)


def write(rows, name: str, folder: Path) -> Bars:
    """Writes rows (seconds, open, high, low, close, volume) and counts what it writes."""
    path = folder / (name.replace("/", "_").replace(" ", "-") + ".csv")
    count, digits = 0, 0
    with path.open("w") as out:
        out.write(HEADER)
        for row in rows:
            out.write(",".join(map(str, row)) + "\n")
            count += 1
            digits = max(digits, *(_decimals(str(price)) for price in row[1:5]))
    return Bars(name, path, count, digits)


def _decimals(number: str) -> int:
    if "e" in number.lower():
        raise ValueError(f"{number}: a price is written without an exponent")
    return len(number.partition(".")[2].rstrip("0"))


def _rows_of_json(text: str) -> list:
    known = json.loads(text, parse_float=str, parse_int=str)
    return [(int(row[0]) // 1000, *row[1:6]) for row in known]


def _rows_of_csv(text: str) -> list:
    lines = csv.reader(io.StringIO(text))
    next(lines)
    return [(_seconds(row[0]), *row[1:6]) for row in lines]


def _rows_of_plain(path: Path) -> list:
    with path.open() as lines:
        next(lines)
        return [(int(row[0]), *row[1:]) for row in csv.reader(lines)]


def _seconds(text: str) -> int:
    time = datetime.fromisoformat(text).replace(tzinfo=timezone.utc)
    return int(time.timestamp())
