#!/usr/bin/env python3
"""Plants known bugs in a copy of the source, one at a time, and says which tests find each.

A test that cannot fail is worth nothing. Each bug here is one that real systems have had; the tests
of `cargo test --test faults` must find every one. A bug that no test finds, or whose place is no
longer in the source, ends the program with exit code 1.

    tools/seeded_bugs.py            plants all
    tools/seeded_bugs.py NAME...    plants these
    tools/seeded_bugs.py --list     names them
    tools/seeded_bugs.py --places   says only whether their places are still in the source

It builds in a directory of its own, or in the one that CARGO_TARGET_DIR names.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent

# name: (what goes wrong, [(file, what stands there, what the bug makes of it)])
BUGS = {
    "acknowledge-before-fsync": (
        "an append returns before its frame was synced",
        [("src/ledger/sync.rs",
          "let synced = self.segment.file.sync();",
          "let synced: std::io::Result<()> = Ok(());")],
    ),
    "acknowledge-a-commit-on-its-way": (
        "what a sync beside the writer is to cover is said to be durable when the sync begins",
        [("src/ledger/queue.rs",
          "            self.flight = Some(Flight {",
          "            self.tell_durable(records);\n            self.flight = Some(Flight {")],
    ),
    "sync-behind-a-failed-write": (
        "a commit whose write failed is acknowledged by the sync of what was written before",
        [("src/ledger/queue.rs",
          "let may_fly = may_fly && written.is_ok() && ",
          "let may_fly = may_fly && ")],
    ),
    "forget-the-directory-sync": (
        "a new segment's name is not made durable",
        [("src/ledger/files.rs",
          "rename_new(&self.layout.spare(), &path).map_err(at(\"rename\", &path))?;\n"
          "        self.sync_dir(&self.layout.segments())",
          "rename_new(&self.layout.spare(), &path).map_err(at(\"rename\", &path))?;\n"
          "        Ok(())")],
    ),
    "forget-the-new-ledgers-directory-sync": (
        "the names of a new ledger are not made durable",
        [("src/ledger/files.rs",
          "        self.disk.rename_new(&ready, &dir).map_err(at(\"rename\", &dir))?;\n"
          "        self.sync_dir(self.layout.root())?;\n",
          "        self.disk.rename_new(&ready, &dir).map_err(at(\"rename\", &dir))?;\n")],
    ),
    "cut-at-the-first-bad-frame": (
        "any damage in the last segment is taken for a torn append and cut off",
        [("src/ledger/scan.rs", "if *number >= self.out.durable_below {", "if *number < u64::MAX {")],
    ),
    "skip-the-last-segment-in-verify": (
        "an audit does not tell what is wrong in the last segment",
        [("src/audit/join.rs",
          "self.out.faults.extend(faults.filter(|f| !(live && f.class == FaultClass::TornTail)));",
          "let skipped = header.index + 1 == self.listing.segments.len() as u64;\n"
          "        self.out.faults.extend(\n"
          "            faults.filter(|f| !skipped && !(live && f.class == FaultClass::TornTail)),\n"
          "        );")],
    ),
    "accept-trailing-bytes-of-a-segment": (
        "whatever stands behind an end frame is accepted",
        [("src/ledger/scan.rs", "if !is_zero(file, at.offset)? {\n            let end", "if !is_zero(file, at.offset)? && at.offset == 0 {\n            let end")],
    ),
    "accept-trailing-bytes-of-a-record": (
        "bytes behind a record's payload are accepted",
        [("src/event/wire.rs",
          "        .map_err(|error| DecodeError::Malformed(error.to_string()))?;\n"
          "    match bytes.len() - used {\n        0 => Ok(value),",
          "        .map_err(|error| DecodeError::Malformed(error.to_string()))?;\n"
          "    match (bytes.len() - used) * 0 {\n        0 => Ok(value),")],
    ),
    "retry-fsync-after-failure": (
        "a failed fsync is tried again, and the second one believed",
        [("src/ledger/sync.rs",
          "let synced = self.segment.file.sync();",
          "let synced = self.segment.file.sync().or_else(|_| self.segment.file.sync());")],
    ),
    "go-on-after-a-failed-fsync": (
        "a writer whose sync failed takes further appends",
        [("src/ledger/writer.rs",
          "        if let Err(error) = &done {\n            self.poisoned = Some(error.to_string());\n        }\n",
          "")],
    ),
    "reuse-an-acknowledged-sequence-after-recovery": (
        "recovery keeps only what a later frame proves, and gives the last sequence out again",
        [("src/ledger/recovery.rs",
          "let note = dead_bytes(&mut file, scan.counted.offset).map_err(at(\"read\", &path))?;",
          "let mut scan = scan.clone();\n"
          "            let mut walker = super::walk::Walker::new(&last);\n"
          "            scan.counted = walker.position();\n"
          "            while walker.position().number < scan.durable_below\n"
          "                && let Ok(super::walk::Step::Frame(..)) = walker.next(&mut file)\n"
          "            {\n"
          "                scan.counted = walker.position();\n"
          "            }\n"
          "            let taken = |recovery, untold| Taken {\n"
          "                index: last.index + 1,\n"
          "                epoch: last.epoch + 1,\n"
          "                position: scan.counted,\n"
          "                recovery,\n"
          "                untold,\n"
          "            };\n"
          "            let note = dead_bytes(&mut file, scan.counted.offset).map_err(at(\"read\", &path))?;")],
    ),
    "ignore-the-watermark": (
        "no frame proves those before it durable",
        [("src/ledger/frame.rs",
          "if self.flags & FLAG_ORDERED == 0 { self.watermark } else { self.number }",
          "self.watermark & u64::from(self.flags & FLAG_ORDERED & 0)")],
    ),
    "a-watermark-that-leads": (
        "a frame says of itself that it is durable",
        [("src/ledger/writer.rs",
          "watermark: if ordered { self.position.number } else { self.durable_below },",
          "watermark: self.position.number + 1,")],
    ),
    "trust-cached-pages-after-a-failed-fsync": (
        "recovery believes what it reads without writing it again",
        [("src/ledger/recovery.rs",
          "    if offset >= end {\n        return Ok(());\n    }\n    let target",
          "    if offset >= end || offset > 0 {\n        return Ok(());\n    }\n    let target")],
    ),
    "take-a-read-error-for-the-end": (
        "a read that fails looks like the end of the file",
        [("src/ledger/segment_file.rs",
          "let read = file.read_at(&mut self.window, offset)?;",
          "let read = file.read_at(&mut self.window, offset).unwrap_or(0);\n"
          "        self.growing = true;")],
    ),
    "remove-an-original-whose-copy-has-no-name-yet": (
        "packing removes a segment before the name of its copy is durable",
        [("src/ledger/packed/work.rs",
          "        file.sync().map_err(at(\"sync\", stays))?;\n        self.sync_dir()?;\n",
          "        file.sync().map_err(at(\"sync\", stays))?;\n")],
    ),
    "seal-before-the-next-header": (
        "a segment is sealed before the one that continues it is ready",
        [("src/ledger/roll.rs",
          "        self.end_segment(FLAG_SEAL)?;\n        self.owe_index();\n",
          "        self.owe_index();\n"),
         ("src/ledger/roll.rs",
          "        let prepared = self.files.prepare(&header);\n        let file = self.poison_on_error(prepared)?;\n",
          "        self.end_segment(FLAG_SEAL)?;\n"
          "        let prepared = self.files.prepare(&header);\n"
          "        let file = self.poison_on_error(prepared)?;\n")],
    ),
    "forget-what-the-key-signed": (
        "a key signs before it has remembered what it signs",
        [("src/checkpoint/sign.rs",
          "    key.remember(&note)?;\n    publish(&reader, note, unanchored)",
          "    publish(&reader, note, unanchored)")],
    ),
    "believe-derived-files": (
        "an audit does not look at tiles",
        [("src/checkpoint/tile_check.rs",
          "if !(self.go_on)() {",
          "if !(self.go_on)() || tile.width > 0 {")],
    ),
}


def run_tests(copy: pathlib.Path, target: pathlib.Path) -> tuple[bool, list[str], str]:
    """Builds and runs the fault tests; whether it built, which failed, and what was printed."""
    command = ["cargo", "test", "--locked", "--quiet", "--test", "faults", "--target-dir", str(target)]
    built = subprocess.run(command + ["--no-run"], cwd=copy, capture_output=True, text=True)
    if built.returncode != 0:
        return False, [], built.stderr
    # One bug can make a test wait for ever; that finds it as well.
    try:
        ran = subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=900)
    except subprocess.TimeoutExpired:
        return True, ["(a test that does not end)"], ""
    failed = re.findall(r"^    ((?:\w+::)+\w+)$", ran.stdout, re.MULTILINE)
    if ran.returncode != 0 and not failed:
        failed = ["(the test program died)"]
    return True, sorted(set(failed)), ran.stdout


def misplaced(root: pathlib.Path, changes: list[tuple[str, str, str]]) -> str | None:
    """Which place of a bug is no longer in the source."""
    for file, old, _ in changes:
        path = root / file
        if not path.exists() or old not in path.read_text():
            return f"{file} no longer holds {old!r}"
    return None


def plant(copy: pathlib.Path, changes: list[tuple[str, str, str]]) -> str | None:
    """Makes the changes; why not, where that cannot be done."""
    problem = misplaced(copy, changes)
    if problem is None:
        for file, old, new in changes:
            path = copy / file
            path.write_text(path.read_text().replace(old, new, 1))
    return problem


def main() -> int:
    names = sys.argv[1:] or list(BUGS)
    if names == ["--list"]:
        for name, (what, _) in BUGS.items():
            print(f"{name}: {what}")
        return 0
    if names == ["--places"]:
        found = ((name, misplaced(ROOT, changes)) for name, (_, changes) in BUGS.items())
        problems = [f"{name}: {problem}" for name, problem in found if problem]
        print("\n".join(problems or [f"the places of {len(BUGS)} bugs are in the source"]))
        return 1 if problems else 0
    unknown = [name for name in names if name not in BUGS]
    if unknown:
        print(f"no such bug: {', '.join(unknown)}; see --list", file=sys.stderr)
        return 2
    missed = 0
    with tempfile.TemporaryDirectory(prefix="seeded-bugs-") as scratch:
        copy = pathlib.Path(scratch) / "source"
        own = os.environ.get("CARGO_TARGET_DIR")
        target = pathlib.Path(own) if own else pathlib.Path(scratch) / "target"
        ignored = shutil.ignore_patterns("target", ".git")
        shutil.copytree(ROOT, copy, ignore=ignored)
        for name in names:
            what, changes = BUGS[name]
            originals = {file: (copy / file).read_text() for file, _, _ in changes}
            problem = plant(copy, changes)
            built, failed, said = (True, [], "") if problem else run_tests(copy, target)
            for file, text in originals.items():
                (copy / file).write_text(text)
            if problem or not built:
                missed += 1
                print(f"NOT PLANTED  {name}: {problem or said}", flush=True)
            elif failed:
                print(f"found        {name}: {what}", flush=True)
                for test in failed:
                    print(f"                 {test}", flush=True)
            else:
                missed += 1
                print(f"MISSED       {name}: {what}", flush=True)
    print(f"{len(names) - missed} of {len(names)} bugs found")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
