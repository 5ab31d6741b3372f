"""Equity at every close, worked out again from the records that `schwabot replay` prints: cash and
positions from the fills alone, marks from the bars alone."""

import json
import subprocess

import pandas as pd


def curve(program, ledger):
    """The newest run's equity at every instant, as a series; its first value is the opening cash."""
    kinds = ["run_started", "bar", "order_filled"]
    command = [program, "replay", ledger, "--format", "jsonl"]
    for kind in kinds:
        command += ["--kind", kind]
    times, values = [], []
    quotes, account, cash, held, marks, due = [], "", 0.0, {}, {}, None

    def measure():
        worth = sum(size * marks[pair] for pair, size in held.items() if pair in marks)
        times.append(due)
        values.append(cash + worth)

    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as printed:
        for line in printed.stdout:
            record = json.loads(line)
            kind, payload = record["kind"], record["payload"]
            if kind != "order_filled" and due is not None:
                measure()
                due = None
            if kind == "run_started":
                config = payload["config"]
                account = config["account_currency"]
                quotes = [known["quote"] for known in config["instruments"]]
                balances = {known["currency"]: known["amount"] for known in config["balances"]}
                cash, held, marks = float(balances[account]), {}, {}
                times, values = [], [cash]
            elif kind == "bar":
                marks[payload["pair"]] = float(payload["close"])
                if not times and len(values) == 1:
                    times = [payload["open_time"]]
                due = record["time"] if payload["last_of_instant"] else due
            elif quotes[payload["pair"]] == account:
                sign = 1 if payload["side"] == "buy" else -1
                size, price = float(payload["quantity"]), float(payload["price"])
                cash -= sign * size * price + float(payload["fee"])
                held[payload["pair"]] = held.get(payload["pair"], 0.0) + sign * size
    if due is not None:
        measure()
    index = pd.to_datetime(times, format="ISO8601").tz_localize(None)
    return pd.Series(values, index=index, dtype=float)
