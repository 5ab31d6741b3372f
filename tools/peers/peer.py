"""What the two peers' programs have in common: their arguments, their clock, their answer.

A peer is a process of its own: `PROGRAM CSV DIGITS [TRADES]`. It answers with one JSON object on
its last line: seconds for imports, for loading and for the engine's loop, and how many trades it
closed. With TRADES it also writes the closed trades there; timed runs do not.
"""

import json
import sys
import time

CLOCK = time.perf_counter


class Peer:
    """One run: marks are taken as it goes along."""

    def __init__(self, started: float):
        self.path, self.digits = sys.argv[1], int(sys.argv[2])
        self.trades_path = sys.argv[3] if len(sys.argv) > 3 else None
        self.seconds, self.mark = {}, started

    def passed(self, what: str):
        """Ends a part of the run."""
        now = CLOCK()
        self.seconds[what], self.mark = now - self.mark, now

    def answer(self, closed: int, version: str, trades):
        """Writes what is asked for; `trades` is called only where the list is wanted."""
        if self.trades_path:
            with open(self.trades_path, "w") as out:
                json.dump(list(trades()), out)
        print(json.dumps({"closed": closed, "version": version, **self.seconds}))
