"""How fast: interleaved rounds, and a table of medians.

In a round every engine runs once, each in a process of its own, and the next round begins with the
next engine. The data file is dropped from the page cache before each run. The whole process is
timed from outside, from its start to its end; imports and the engine's loop are what the process
says of itself. A peer is held on one core, and so is ours, which also has rows with all cores.

Every run is a line in `measured.jsonl`; the table is made of these lines, so that rounds can be
added later. A line also says what share of the machine somebody else took meanwhile. The table
shows its median for each row; runs with more than `--others` of it (a tenth unless said) are left
out, whatever they gave, and counted.
"""

import json
import os
import statistics
import subprocess
import time
from collections import namedtuple
from pathlib import Path

import equal
import ours

# Ours: what of a ledger, and on how many cores (0: all).
Row = namedtuple("Row", "name peer ledger cores")
ROWS = (
    Row("backtesting.py", "backtesting.py", None, 1),
    Row("nautilus_trader", "nautilus_trader", None, 1),
    Row("schwabot, ledger off, one core", None, ("--no-ledger",), 1),
    Row("schwabot, chained, one core", None, ("--sync", "end"), 1),
    Row("schwabot, ledger off", None, ("--no-ledger",), 0),
    Row("schwabot, chained", None, ("--sync", "end"), 0),
    Row("schwabot, chained, each bar durable", None, ("--sync", "always"), 0),
)


def rounds(files: list, count: int, wanted, program: Path, folder: Path):
    """Times so many rounds over each file; `wanted` says of a row's name whether it takes part."""
    for bars in files:
        if not equal.covers(bars, program, folder):
            raise equal.Unequal(f"{bars.name}: no equal lists of these very engines are known")
    chosen = [row for row in ROWS if wanted(row.name)]
    for number in range(count):
        for bars in files:
            turn = number % len(chosen)
            for row in chosen[turn:] + chosen[:turn]:
                told = {"file": bars.name, "row": row.name, "bars": bars.count}
                told.update(measure(row, bars, program, folder))
                with (folder / "measured.jsonl").open("a") as out:
                    out.write(json.dumps(told) + "\n")
                said = f"round {number + 1}: {bars.name}: {row.name}"
                print(f"{said}: {told['whole']:.2f} s, others {told['others']:.0%}", flush=True)


def measure(row: Row, bars, program: Path, folder: Path) -> dict:
    """Runs one row once, in a process of its own."""
    ledger = folder / "ledger-of-the-timing"
    equal.remove(ledger)
    if row.peer:
        command = equal.peer_command(row.peer, bars)
    else:
        place = () if "--no-ledger" in row.ledger else ("--ledger", str(ledger))
        command = ours.command(program, bars.path, *row.ledger, *place)
    drop_from_cache(bars.path)
    busy = busy_seconds()
    whole, usage, answer = run_alone(command, row.cores)
    others = max(busy_seconds() - busy - usage.ru_utime - usage.ru_stime, 0)
    equal.remove(ledger)
    told = {"whole": whole, "mib": usage.ru_maxrss / 1024}
    told["others"] = others / (whole * os.cpu_count())
    if row.peer:
        told.update(imports=answer["imports"], loop=answer["loop"], closed=answer["closed"])
    else:
        told.update(imports=0, loop=answer["run_seconds"], closed=answer["trades"])
    return told


def run_alone(command: list, cores: int):
    """Seconds from start to end, what the system counted, and the JSON on the last line."""
    first = min(os.sched_getaffinity(0))
    pin = (lambda: os.sched_setaffinity(0, {first})) if cores == 1 else None
    start = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, preexec_fn=pin, cwd=equal.HERE
    )
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    whole = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, command)
    return whole, usage, json.loads(out.splitlines()[-1])


def busy_seconds() -> float:
    """Time of all cores that was not idle, in any process or in the kernel, since the start."""
    user, nice, system, _, _, interrupts, soft, steal = map(
        int, Path("/proc/stat").read_text().split("\n")[0].split()[1:9]
    )
    ticks = user + nice + system + interrupts + soft + steal
    return ticks / os.sysconf("SC_CLK_TCK")


def drop_from_cache(path: Path):
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def is_quiet(run: dict, others: float) -> bool:
    """Whether nobody else took more; what is within the clock's ticks says nothing."""
    ticks = 2 / (run["whole"] * os.sysconf("SC_CLK_TCK"))
    return run["others"] <= others + ticks


def table(folder: Path, others: float) -> str:
    """A Markdown table of everything that was measured."""
    lines = (folder / "measured.jsonl").read_text().splitlines()
    known = [json.loads(line) for line in lines]
    text = ""
    for name in dict.fromkeys(run["file"] for run in known):
        runs = [run for run in known if run["file"] == name]
        text += f"\n{name}, {runs[0]['bars']:,} bars:\n\n" + _table_of(runs, others)
    return text


def _table_of(runs: list, others: float) -> str:
    quiet = [run for run in runs if is_quiet(run, others)]
    of = {row.name: [run for run in quiet if run["row"] == row.name] for row in ROWS}
    every = {row.name: sum(run["row"] == row.name for run in runs) for row in ROWS}
    speed = {
        name: [run["bars"] / (run["whole"] - run["imports"]) for run in known]
        for name, known in of.items()
    }
    median = {name: statistics.median(known) for name, known in speed.items() if known}
    text = "| engine | runs | whole process, bars/s | least to most | engine loop, bars/s "
    text += "| imports, s | peak, MiB | to backtesting.py | to nautilus_trader | others |\n"
    text += "|---|---|---|---|---|---|---|---|---|---|\n"
    for name in median:
        loops = [run["bars"] / run["loop"] for run in of[name]]
        cells = [
            name, f"{len(of[name])} of {every[name]}", _rate(median[name]),
            f"{_rate(min(speed[name]))} to {_rate(max(speed[name]))}",
            _rate(statistics.median(loops)),
            f"{statistics.median(run['imports'] for run in of[name]):.2f}",
            f"{statistics.median(run['mib'] for run in of[name]):.0f}",
            *(_ratio(median[name], median.get(peer)) for peer in equal.PEERS),
            f"{statistics.median(run['others'] for run in of[name]):.0%}",
        ]
        text += "| " + " | ".join(cells) + " |\n"
    return text


def _rate(number: float) -> str:
    return f"{number / 1e6:.2f} M" if number >= 1e6 else f"{number / 1e3:.1f} k"


def _ratio(number: float, peer) -> str:
    if peer is None:
        return "-"
    return f"{number / peer:.2f}" if number < 10 * peer else f"{number / peer:.0f}"
