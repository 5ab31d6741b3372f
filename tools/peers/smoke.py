"""A small self-check: three engines agree on a made-up market, and the comparison can fail.

One price, one bar, one fee, or one trade more or less in a peer's list must be refused, with the
trade named; and nothing is timed over a file that was not found equal. A fee that differs by less
than the tolerance, and a trade on the last bar, make no difference.
"""

import contextlib
import io
import shutil
import tempfile
from decimal import Decimal
from pathlib import Path

import bars
import equal
import timing
import trades

COUNT = 3_000


def run(program: Path, work: Path) -> int:
    folder = Path(tempfile.mkdtemp(dir=work, prefix="smoke-"))
    try:
        market = bars.made_up(COUNT, 1, folder)
        refuses_to_time(market, program, folder)
        equal.check(market, program, folder)
        ledger = folder / "ledger"
        mine = equal.ours.closed_trades(program, market.path, ledger)
        assert len(trades.without_last_bar(mine, COUNT)) > 20, "too few trades to test anything"
        comparison_can_fail(market, mine)
        timing.rounds([market], 1, lambda name: True, program, folder)
        text = timing.table(folder, others=1)
        assert all(row.name in text for row in timing.ROWS), text
        # A file that changed since is another file.
        rows = market.path.read_text().splitlines(keepends=True)
        market.path.write_text("".join(rows[:-1]))
        refuses_to_time(market, program, folder)
    finally:
        shutil.rmtree(folder)
    print("smoke: all is well")
    return 0


def refuses_to_time(market, program: Path, folder: Path):
    try:
        timing.rounds([market], 1, lambda name: True, program, folder)
    except equal.Unequal:
        return
    raise AssertionError("timed without equal lists")


def comparison_can_fail(market, mine: list):
    place = len(mine) // 2
    known = mine[place]
    price = trades.plain(Decimal(known.exit_price) + Decimal("0.001"))
    fee = lambda more: trades.plain(Decimal(known.entry_fee) + Decimal(more))
    wrong = {
        "a price": [known._replace(exit_price=price)],
        "a bar": [known._replace(entry_bar=known.entry_bar - 1)],
        "a side": [known._replace(side="sell")],
        "a quantity": [known._replace(quantity="2")],
        "a fee": [known._replace(entry_fee=fee("0.00000002"))],
        "one trade fewer": [],
        "one trade more": [known, known],
    }
    for what, instead in wrong.items():
        said = refusal(market, mine, mine[:place] + instead + mine[place + 1:])
        assert said and f"trade {place + 1 + (what == 'one trade more')}:" in said, (what, said)
    short = trades.without_last_bar(mine, COUNT)[:-1]
    said = refusal(market, mine, short)
    assert said and f"trade {len(short) + 1}:" in said, said
    late = known._replace(entry_bar=COUNT - 2, exit_bar=COUNT - 1)
    right = {
        "a float's last digit": mine[:place] + [known._replace(entry_fee=fee("0.000000001"))]
        + mine[place + 1:],
        "a trade on the last bar": [*mine, late],
    }
    for what, other in right.items():
        said = refusal(market, mine, other)
        assert said is None, (what, said)


def refusal(market, mine: list, other: list):
    """What the comparison says against two lists; none where they are equal."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            equal.compare(market, {"schwabot": mine, "changed": other})
    except equal.Unequal as error:
        return str(error)
    return None
