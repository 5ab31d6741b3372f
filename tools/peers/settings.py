"""What all three engines are asked to do: one place for the rules of the comparison.

A fast mean of 10 closes crosses a slow one of 50. One unit is bought at the close of the bar of an
up-cross, and sold at the close of the bar of a down-cross; long only. A fee of a thousandth of the
notional is paid on each side; there is no spread and no slippage. Means are compared as exact
integer sums (fast_sum * 50 with slow_sum * 10): means kept as running float sums can part where
the exact ones are equal, and then another trade follows. A cross needs the order of the means one bar before, so the
first possible one is at bar 50, counted from 0.

Only engines are to differ, so each strategy file takes everything from here.
"""

from decimal import Decimal

FAST = 10
SLOW = 50
QUANTITY = 1
CASH = 10_000_000
FEE = Decimal("0.001")
BASE, QUOTE = "BTC", "USDT"
INTERVAL_SECONDS = 60

# Fees may differ by what is left of a float after its last digit that counts.
FEE_TOLERANCE = Decimal("1e-8")
