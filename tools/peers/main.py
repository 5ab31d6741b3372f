"""Backtests beside two other engines: equal lists of closed trades first, then the time they take.

    tools/peers/run [--data DIR] [--rounds N] [--work DIR]
    tools/peers/run --smoke             a made-up market, and that the comparison can fail
    tools/peers/run --steps check       only some of the steps check, time, table

`run` makes the environment and builds the program. The steps are `check` (convert the data, run
all three engines, compare their lists), `time` (refused unless the check covers exactly what is to
be run) and `table`. With `--more` new rounds are added to those that are there, with `--only WORD`
only rows with that word in their names take part.
"""

import argparse
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import bars
import equal
import smoke
import timing

ROOT = Path(__file__).resolve().parents[2]
PERPETUAL = "klines_1m/nautilus_BTC-PERP_1m_2021-12-31_2022-02-01.csv.gz"
SPOT = "klines_1m/binance_BTC_USDT-1m_2021.json.gz"
COPIES = 20


def arguments():
    data = os.environ.get("SCHWABOT_SHARED_DATA", ROOT.parent / "shared" / "data")
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    parser = argparse.ArgumentParser(
        prog="tools/peers/run", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=data, help="the folder of the market data")
    parser.add_argument("--work", type=Path, default=target / "peers", help="where files are made")
    parser.add_argument("--program", type=Path, default=target / "release" / "schwabot")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", default="check,time,table")
    parser.add_argument("--files", default="x1,x20", help="which files are timed: x1, x20")
    parser.add_argument("--only", default="", metavar="WORD")
    parser.add_argument("--but", default=None, metavar="WORD", help="leave rows with it out")
    parser.add_argument("--more", action="store_true")
    parser.add_argument(
        "--others", type=float, default=0.1, metavar="SHARE",
        help="the share of the machine that others may take during a run that counts",
    )
    parser.add_argument("--smoke", action="store_true")
    return parser.parse_args()


def the_files(given) -> tuple:
    """The two real files, and the first one so many times."""
    perpetual = bars.convert(given.data / PERPETUAL, "BTC-PERP", given.work)
    spot = bars.convert(given.data / SPOT, "BTC/USDT", given.work)
    return perpetual, spot, bars.repeat(perpetual, COPIES, given.work)


def conditions(given) -> str:
    def said(*command) -> str:
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()

    model = [line for line in said("lscpu").splitlines() if line.startswith("Model name")]
    packages = ("backtesting", "nautilus_trader", "numpy", "pandas")
    return "\n".join((
        f"machine: {os.cpu_count()} cores, {model[0].partition(':')[2].strip() if model else '-'}, "
        f"Linux {platform.release()}",
        f"file system: {said('df', '--output=fstype', str(given.work)).split()[-1]}",
        f"Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in packages),
        f"{said(str(given.program), '--version')}, {said('rustc', '--version')}, release build",
    ))


def main() -> int:
    given = arguments()
    given.work.mkdir(parents=True, exist_ok=True)
    if given.smoke:
        return smoke.run(given.program, given.work)
    steps = given.steps.split(",")
    try:
        if "check" in steps or "time" in steps:
            perpetual, spot, long = the_files(given)
        if "check" in steps:
            for known in (perpetual, spot, long):
                equal.check(known, given.program, given.work)
        if "time" in steps:
            if not given.more:
                (given.work / "measured.jsonl").unlink(missing_ok=True)
            wanted = lambda name: given.only in name and not (given.but and given.but in name)
            files = {"x1": perpetual, f"x{COPIES}": long}
            chosen = [files[name] for name in given.files.split(",")]
            timing.rounds(chosen, given.rounds, wanted, given.program, given.work)
    except equal.Unequal as error:
        print(f"NOT EQUAL, so nothing is timed: {error}", file=sys.stderr)
        return 1
    if "table" in steps:
        print(conditions(given) + "\n" + timing.table(given.work, given.others))
    return 0


if __name__ == "__main__":
    sys.exit(main())
