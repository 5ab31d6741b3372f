"""Reads exports back with PyArrow and DuckDB, and compares every cell with the JSON Lines."""

import json
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow
import pyarrow.parquet
import rfc8785

import vcp

TABLES = "records bars orders fills trades ghosts buckets soulprints links equity".split()


def export(program, ledger, form, out, table=None):
    """Exports and returns what the program says of it."""
    command = [program, "export", ledger, "--to", form, str(out), "--format", "json"]
    if table:
        command += ["--what", table]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def lines(path):
    """The first object, and the rows."""
    with path.open() as file:
        objects = [json.loads(line) for line in file]
    return objects[0], objects[1:]


def column_of(rows, name, kind):
    """A column of the JSON Lines as the values that Parquet should give."""
    values = [row[name + "_ns"] if kind == "time" else row[name] for row in rows]
    if kind == "decimal":
        return [None if value is None else Decimal(value) for value in values]
    return values


def with_pyarrow(path, about, rows):
    """Compares one Parquet file, and returns the kinds of its columns."""
    table = pyarrow.parquet.read_table(path)
    said = json.loads(pyarrow.parquet.read_metadata(path).metadata[b"schwabot.export"])
    for name in ("ledger", "first", "last", "head", "chain_head", "rows"):
        assert said[name] == about[name], (name, said[name], about[name])
    assert table.num_rows == about["rows"] == len(rows)
    kinds = {}
    for name in table.column_names:
        kind, column = table.schema.field(name).type, table[name]
        if pyarrow.types.is_timestamp(kind):
            assert kind.unit == "ns" and kind.tz == "UTC", kind
            kinds[name], values = "time", column.cast(pyarrow.int64()).to_pylist()
        elif pyarrow.types.is_decimal(kind):
            assert kind.precision == 38, kind
            kinds[name], values = "decimal", column.to_pylist()
        else:
            kinds[name], values = "plain", column.to_pylist()
        assert values == column_of(rows, name, kinds[name]), f"{path.name}: {name}"
    return kinds


def with_duckdb(path, kinds, rows):
    """Compares one Parquet file as DuckDB reads it."""
    names = list(kinds)
    wanted = [f'epoch_ns("{name}")' if kinds[name] == "time" else f'"{name}"' for name in names]
    found = duckdb.sql(f"SELECT {', '.join(wanted)} FROM '{path}'").fetchall()
    columns = zip(*found) if found else [()] * len(names)
    for name, values in zip(names, columns):
        expected = column_of(rows, name, kinds[name])
        assert list(values) == expected, f"{path.name} in DuckDB: {name}"


def with_csv(path, columns, rows):
    """Compares one CSV, every field as text."""
    found = duckdb.sql(
        f"SELECT * FROM read_csv('{path}', header = true, all_varchar = true, quote = '\"', "
        "escape = '\"', delim = ',', max_line_size = 10000000)"
    )
    assert found.columns == columns, (found.columns, columns)

    def text(value):
        if isinstance(value, bool):
            return "true" if value else "false"
        return None if value is None else str(value)

    expected = [tuple(text(row[name]) for name in columns) for row in rows]
    assert found.fetchall() == expected, path.name


def main():
    program, *rest = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        ledger = rest[0] if rest else str(folder / "ledger")
        if not rest:
            subprocess.run([program, "demo", "--ledger", ledger], check=True, capture_output=True)
        print(f"PyArrow {pyarrow.__version__}, DuckDB {duckdb.__version__}")
        for table in TABLES:
            paths = {form: folder / f"{table}.{form}" for form in ("jsonl", "parquet", "csv")}
            for form, path in paths.items():
                export(program, ledger, form, path, table)
            about, rows = lines(paths["jsonl"])
            kinds = with_pyarrow(paths["parquet"], about, rows)
            with_duckdb(paths["parquet"], kinds, rows)
            with_csv(paths["csv"], about["columns"], rows)
            print(f"  {table:<11} {about['rows']:>8} rows, {len(kinds):>2} columns: equal")
        print(f"head: {about['head']['size']} records, root {about['head']['root']}")
        events = folder / "events.jsonl"
        export(program, ledger, "vcp", events)
        print(vcp.check(events, rfc8785.dumps))


if __name__ == "__main__":
    main()
