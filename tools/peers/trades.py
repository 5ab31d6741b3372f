"""The comparison: lists of closed trades, equal or not.

A list is equal to another when it has as many trades, and each has the same side, quantity, bars
and prices, exactly, and fees that differ by at most 10^-8. Bars are counted from 0. Trades that
touch the last bar are dropped from every list: engines disagree on whether an order of the last
bar is still filled, and that says nothing about them.

The digest is SHA-256 over the lines of `text`, without fees, which may differ in their last digits.
"""

import hashlib
from collections import namedtuple
from decimal import Decimal

from settings import FEE_TOLERANCE

Trade = namedtuple(
    "Trade", "side quantity entry_bar entry_price exit_bar exit_price entry_fee exit_fee"
)
EXACT = ("side", "quantity", "entry_bar", "entry_price", "exit_bar", "exit_price")


def plain(number) -> str:
    """A number without exponent, sign of zero, or zeros behind its last digit."""
    text = format(Decimal(str(number)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def trade(side, quantity, entry, leave) -> Trade:
    """A trade from its two fills (bar, price, fee), in the one form that lists are compared in."""
    (entry_bar, entry_price, entry_fee), (exit_bar, exit_price, exit_fee) = entry, leave
    return Trade(
        side, plain(quantity), int(entry_bar), plain(entry_price), int(exit_bar), plain(exit_price),
        plain(entry_fee), plain(exit_fee),
    )


def without_last_bar(trades, bars: int) -> list:
    return [known for known in trades if max(known.entry_bar, known.exit_bar) < bars - 1]


def text(trades) -> str:
    lines = (" ".join(str(getattr(known, name)) for name in EXACT) for known in trades)
    return "".join(line + "\n" for line in lines)


def digest(trades) -> str:
    return hashlib.sha256(text(trades).encode()).hexdigest()


def first_difference(ours, theirs):
    """Says where two lists part; none where they are equal."""
    for number, (mine, other) in enumerate(zip(ours, theirs), 1):
        for name in EXACT:
            if getattr(mine, name) != getattr(other, name):
                return f"trade {number}: {name}: {mine} against {other}"
        if fee_difference([mine], [other]) > FEE_TOLERANCE:
            return f"trade {number}: fees: {mine} against {other}"
    if len(ours) != len(theirs):
        number = min(len(ours), len(theirs)) + 1
        return f"trade {number}: {len(ours)} trades against {len(theirs)}"
    return None


def fee_difference(ours, theirs) -> Decimal:
    """The largest difference between fees of the same side of the same trade."""
    differences = (
        abs(Decimal(getattr(mine, name)) - Decimal(getattr(other, name)))
        for mine, other in zip(ours, theirs) for name in ("entry_fee", "exit_fee")
    )
    return max(differences, default=Decimal(0)).normalize()
