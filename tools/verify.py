#!/usr/bin/env python3
"""A second verifier for schwabot ledgers, written from `src/ledger/FORMAT.md` alone.

A ledger is a log of records in frames. Each frame's header holds the link (a keyed BLAKE3 hash) of
the frame before, each segment file continues the one before, and over the records stands a Merkle
tree. Signed notes, the checkpoints, fix the tree's root at some size. This program reads all that
anew: it shares no code with the program that wrote the ledger, needs nothing but Python 3.9 (the
`blake3` package is used where it is installed), creates nothing, changes nothing, repairs nothing.
Packed segments need Python 3.14 or the program `zstd`; without either the answer is 2, not an
accusation.

    verify.py ledger LEDGER [--against NOTE] [--policy FILE] [--json]
    verify.py receipt FILE [--policy FILE | --key VKEY] [--json]
    verify.py misbehaviour FILE [--key VKEY] [--json]
    verify.py bundle DIR [--key VKEY] [--json]

What "intact" proves: every byte of the log that counts hangs together, nothing in it was altered,
left out, put in or put elsewhere since it was written, and all the checkpoints beside it fit. What
it does not prove: that the log was not written anew from its beginning, or cut at a frame by
somebody who wrote a fitting end. Only a head from elsewhere shows that: an older checkpoint
(`--against`), or keys that were learnt elsewhere (`--policy`). Nor does it say that the records are
true, or that decisions follow from their inputs: payloads are not read, but for the ledger's own
anchors and keys.

Exit codes: 0 intact, 10 torn tail, 11 corrupt, 12 missing (cut, reordered, spliced), 13 rolled
back or contradicted, 14 bad signature or policy not met, 2 could not check. Where several hold,
the gravest gives the code, in the order 11, 12, 13, 14, 2, 10.

Nobody's lock is asked: beside a living writer the answer is that of a moment, and a frame that is
just being written may look like a torn tail.
"""

import argparse
import base64
import binascii
import datetime
import hashlib
import json
import os
import re
import shutil
import stat
import struct
import subprocess
import sys
from collections import namedtuple

try:
    import blake3 as native_blake3
except ImportError:
    native_blake3 = None

try:
    from compression import zstd as native_zstd  # from Python 3.14 on
except ImportError:
    native_zstd = None

# Constants of the page ---------------------------------------------------------------------------

VERSION = 1
IDENTITY_MAGIC = bytes.fromhex("895357424944 0d0a")
SEGMENT_MAGIC = bytes.fromhex("89535742 0d0a1a0a")
LINK_CONTEXT = b"schwabot 2026-11 ledger link v1"
IDENTITY_LENGTH = 64
HEADER_LENGTH = 192
FIXED_HEADER_LENGTH = 64
PACKED_MAGIC = bytes.fromhex("89535742 5a53540a")
PACKED_VERSION = 1
BLOCK_LENGTH = 65536
STORED_MOST = 65536 + 256 + 64
ORIGINAL_MOST = 1 << 32
CHECKS_HEADER_AT = 36
CHECKS_LENGTH = CHECKS_HEADER_AT + 192
FOOTER_LENGTH = 9
CHECKS_FRAME = 0x184D2A5B
SEEK_FRAME = 0x184D2A5E
SEEK_MAGIC = 0x8F92EAB1
HEADER_LENGTH_MOST = 4096
FRAME_HEADER_LENGTH = 88
ALIGNMENT = 8
ENVELOPE_LEAST = 40
RECORD_MOST = 65535
RECORDS_LENGTH_MOST = 16777216 - FRAME_HEADER_LENGTH
SEGMENT_LEAST = 1024
SEGMENT_MOST = 1 << 40
END_ROOM = 96
NOTE_MOST = 1 << 20
SIGNATURES_MOST = 256
FAULTS_MOST = 1000
WINDOW = 1 << 20

ORDERED, SEAL, CLOSE = 1, 2, 4

KIND_ANCHOR, KIND_ROTATED = 0x0002, 0x0003

KINDS = {
    0x0001: "recovered", 0x0002: "chain_anchor", 0x0003: "key_rotated", 0x0004: "subject_shredded",
    0x0005: "operator_note", 0x0101: "run_started", 0x0102: "input_file", 0x0103: "bar",
    0x0104: "data_defect", 0x0105: "end_of_data", 0x0106: "command", 0x0107: "sealed_command",
    0x0110: "import_started", 0x0111: "imported_bar", 0x0112: "trade_print", 0x0113: "quote",
    0x0114: "quote_bar", 0x0115: "imported_fill", 0x0116: "imported_trade",
    0x0117: "imported_entry", 0x0118: "import_defect", 0x0119: "import_ended",
    0x011A: "imported_bust",
    0x0201: "signal_fired", 0x0202: "order_placed", 0x0203: "order_refused",
    0x0204: "order_filled", 0x0205: "order_rejected", 0x0206: "order_expired",
    0x0207: "trade_closed", 0x0210: "command_refused", 0x0211: "feature_scaling_frozen",
    0x0220: "ghost_opened", 0x0221: "ghost_triggered", 0x0222: "ghost_ignored",
    0x0223: "ghost_entered", 0x0224: "ghost_exit_due", 0x0225: "ghost_closed",
    0x0226: "pair_memory_appended", 0x0230: "orbit_cycle_run", 0x0231: "orbit_selected",
    0x0232: "volume_weights_changed", 0x0240: "bit_flipped", 0x0241: "pair_flip_resolved",
    0x0250: "soulprint_registered", 0x0251: "soulprint_outcome", 0x0252: "bucket_matched",
    0x0253: "bucket_match_scored", 0x0254: "bucket_observed", 0x0255: "bucket_retired",
    0x0256: "registry_linked", 0x0257: "orphan_tombstoned", 0x02f0: "state_root",
    0x02ff: "run_ended",
}
CLASSES = ("input", "derived", "system")
VANTAGES, CLOCKS, CLOCK_STATUSES = 6, 5, 6
RECORD_FLAGS = 0b111

# class of a fault: exit code, verdict
OUTCOMES = {
    "corrupt": (11, "corrupt"),
    "missing": (12, "missing"),
    "contradicted": (13, "rolled_back"),
    "bad_signature": (14, "bad_signature"),
    "policy_not_met": (14, "bad_signature"),
    "unsupported": (2, "not_checked"),
    "failure": (2, "not_checked"),
    "torn_tail": (10, "torn_tail"),
}
GRAVEST_FIRST = list(OUTCOMES)
NOT_CHECKED = ("unsupported", "failure")


def outcome(classes):
    """The exit code and verdict of the gravest of these classes."""
    for name in GRAVEST_FIRST:
        if name in classes:
            return OUTCOMES[name]
    return 0, "intact"


class Fault(Exception):
    """Something that is not as it must be, with its class."""

    def __init__(self, kind, check):
        super().__init__(check)
        self.kind = kind
        self.check = check
        self.recovers = False


# CRC-32C -----------------------------------------------------------------------------------------


def crc_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


CRC_TABLE = crc_table()


def crc32c(data, before=b""):
    """CRC-32C of `before` and then `data`."""
    table = CRC_TABLE
    crc = 0xFFFFFFFF
    for part in (before, data):
        for byte in part:
            crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


# BLAKE3 ------------------------------------------------------------------------------------------
#
# Many blocks are compressed at once: a row of the state is one Python integer that holds four
# columns of `n` lanes each, every lane a 32-bit word in a slot of 64 bits. Sums never carry from a
# slot into the next, and a mask clears what does not belong to a word. With one lane it is the
# plain function.

BLAKE3_IV = (
    0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19,
)
BLAKE3_PERMUTATION = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
CHUNK_START, CHUNK_END, PARENT, ROOT = 1, 2, 4, 8
DERIVE_KEY_CONTEXT, DERIVE_KEY_MATERIAL = 32, 64
CHUNK, BLOCK, BATCH = 1024, 64, 1024 * 1024


def blake3_schedule():
    """For each of the 7 rounds, the message words of its columns and diagonals."""
    order = list(range(16))
    rounds = []
    for _ in range(7):
        rounds.append((order[0:8:2], order[1:8:2], order[8:16:2], order[9:16:2]))
        order = [order[place] for place in BLAKE3_PERMUTATION]
    return rounds


BLAKE3_SCHEDULE = blake3_schedule()
BLAKE3_MASKS = {}


def lane_mask(lanes):
    mask = BLAKE3_MASKS.get(lanes)
    if mask is None:
        mask = int.from_bytes(b"\xff\xff\xff\xff\0\0\0\0" * (4 * lanes), "little")
        BLAKE3_MASKS[lanes] = mask
    return mask


def row_of(words, lanes):
    """A row in which all lanes hold the same four words."""
    return int.from_bytes(b"".join(w.to_bytes(8, "little") * lanes for w in words), "little")


def lane_words(data, start, stride, lanes):
    """The words at `start`, `start + stride` and so on, one to a slot."""
    slots = bytearray(8 * lanes)
    stop = start + stride * (lanes - 1) + 1
    for byte in range(4):
        slots[byte::8] = data[start + byte : stop + byte : stride]
    return slots


def compress(a, b, message, d, lanes):
    """BLAKE3's compression of one block in each lane; gives the first eight words as two rows."""
    mask = lane_mask(lanes)
    one, two, three = 64 * lanes, 128 * lanes, 192 * lanes
    c = row_of(BLAKE3_IV[:4], lanes)
    join, number = b"".join, int.from_bytes
    for round_words in BLAKE3_SCHEDULE:
        x, y, z, w = (number(join([message[i] for i in four]), "little") for four in round_words)
        a = (a + b + x) & mask
        d ^= a
        d = (d >> 16 | d << 16) & mask
        c = (c + d) & mask
        b ^= c
        b = (b >> 12 | b << 20) & mask
        a = (a + b + y) & mask
        d ^= a
        d = (d >> 8 | d << 24) & mask
        c = (c + d) & mask
        b ^= c
        b = (b >> 7 | b << 25) & mask
        b = (b >> one | b << three) & mask
        c = (c >> two | c << two) & mask
        d = (d >> three | d << one) & mask
        a = (a + b + z) & mask
        d ^= a
        d = (d >> 16 | d << 16) & mask
        c = (c + d) & mask
        b ^= c
        b = (b >> 12 | b << 20) & mask
        a = (a + b + w) & mask
        d ^= a
        d = (d >> 8 | d << 24) & mask
        c = (c + d) & mask
        b ^= c
        b = (b >> 7 | b << 25) & mask
        b = (b >> three | b << one) & mask
        c = (c >> two | c << two) & mask
        d = (d >> one | d << three) & mask
    return a ^ c, b ^ d


def chaining_values(a, b, lanes):
    """Two rows as the 32 bytes of each lane, one lane after the other."""
    values = bytearray(32 * lanes)
    width = 8 * lanes
    for row, first in ((a, 0), (b, 16)):
        data = row.to_bytes(4 * width, "little")
        for column in range(4):
            for byte in range(4):
                place = first + 4 * column + byte
                values[place::32] = data[column * width + byte : (column + 1) * width : 8]
    return bytes(values)


class PlainBlake3:
    """BLAKE3 with 32 bytes of output, in plain Python."""

    def __init__(self, key_words=BLAKE3_IV, flags=0):
        self.key = key_words
        self.flags = flags
        self.buffer = bytearray()
        self.batches = 0
        self.stack = []

    def update(self, data):
        self.buffer += data
        while len(self.buffer) > BATCH:
            value = self._subtree(bytes(self.buffer[:BATCH]), 0)
            del self.buffer[:BATCH]
            self.batches += 1
            count = self.batches
            while count & 1 == 0:
                value = self._parents(self.stack.pop() + value, 0)
                count >>= 1
            self.stack.append(value)
        return self

    def digest(self):
        value = self._subtree(bytes(self.buffer), 0 if self.stack else ROOT)
        for depth, left in enumerate(reversed(self.stack), 1):
            value = self._parents(left + value, ROOT if depth == len(self.stack) else 0)
        return value

    def _subtree(self, data, root):
        """The value over at most one batch, with the root's flag on its last compression."""
        if len(data) <= CHUNK:
            return self._last_chunk(data, self.batches * (BATCH // CHUNK), root)
        whole = len(data) // CHUNK
        values = self._whole_chunks(data, whole)
        if len(data) % CHUNK:
            counter = self.batches * (BATCH // CHUNK) + whole
            values += self._last_chunk(data[whole * CHUNK :], counter, 0)
        while len(values) > 64:
            pairs = len(values) // 64 * 64
            values = self._parents(values[:pairs], 0) + values[pairs:]
        return self._parents(values, root)

    def _whole_chunks(self, data, lanes):
        first = self.batches * (BATCH // CHUNK)
        counters = range(first, first + lanes)
        low = b"".join((c & 0xFFFFFFFF).to_bytes(8, "little") for c in counters)
        high = b"".join((c >> 32).to_bytes(8, "little") for c in counters)
        length = BLOCK.to_bytes(8, "little") * lanes
        a, b = row_of(self.key[:4], lanes), row_of(self.key[4:], lanes)
        for block in range(0, CHUNK, BLOCK):
            message = [lane_words(data, block + 4 * i, CHUNK, lanes) for i in range(16)]
            flags = self.flags
            flags |= CHUNK_START if block == 0 else 0
            flags |= CHUNK_END if block == CHUNK - BLOCK else 0
            d = low + high + length + flags.to_bytes(8, "little") * lanes
            a, b = compress(a, b, message, int.from_bytes(d, "little"), lanes)
        return chaining_values(a, b, lanes)

    def _last_chunk(self, data, counter, root):
        a, b = row_of(self.key[:4], 1), row_of(self.key[4:], 1)
        last = max(len(data) - 1, 0) // BLOCK * BLOCK
        for start in range(0, last + 1, BLOCK):
            block = data[start : start + BLOCK]
            padded = block.ljust(BLOCK, b"\0")
            message = [padded[4 * i : 4 * i + 4] + b"\0\0\0\0" for i in range(16)]
            flags = self.flags
            flags |= CHUNK_START if start == 0 else 0
            flags |= CHUNK_END | root if start == last else 0
            d = row_of((counter & 0xFFFFFFFF, counter >> 32, len(block), flags), 1)
            a, b = compress(a, b, message, d, 1)
        return chaining_values(a, b, 1)

    def _parents(self, values, root):
        """One level up: each pair of values becomes one."""
        lanes = len(values) // 64
        message = [lane_words(values, 4 * i, 64, lanes) for i in range(16)]
        a, b = row_of(self.key[:4], lanes), row_of(self.key[4:], lanes)
        d = row_of((0, 0, BLOCK, self.flags | PARENT | root), lanes)
        return chaining_values(*compress(a, b, message, d, lanes), lanes)


def plain_derive_key(context):
    key = PlainBlake3(BLAKE3_IV, DERIVE_KEY_CONTEXT).update(context).digest()
    return PlainBlake3(struct.unpack("<8I", key), DERIVE_KEY_MATERIAL)


LINK_KEY_WORDS = plain_derive_key(LINK_CONTEXT).key


def blake3_hasher():
    return native_blake3.blake3() if native_blake3 else PlainBlake3()


def link_of(data):
    """The link of a segment header or a frame."""
    if native_blake3:
        return native_blake3.blake3(data, derive_key_context=LINK_CONTEXT.decode()).digest()
    return PlainBlake3(LINK_KEY_WORDS, DERIVE_KEY_MATERIAL).update(data).digest()


# Ed25519 -----------------------------------------------------------------------------------------
#
# RFC 8032, without cofactor, and strict: no scalar from the group's order upwards, no coordinate
# from the field's order upwards, and no point of small order.

FIELD = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE_D = -121665 * pow(121666, FIELD - 2, FIELD) % FIELD
ROOT_OF_MINUS_ONE = pow(2, (FIELD - 1) // 4, FIELD)
NEUTRAL = (0, 1, 1, 0)


def point_add(p, q):
    a = (p[1] - p[0]) * (q[1] - q[0]) % FIELD
    b = (p[1] + p[0]) * (q[1] + q[0]) % FIELD
    c = 2 * p[3] * q[3] * CURVE_D % FIELD
    d = 2 * p[2] * q[2] % FIELD
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % FIELD, g * h % FIELD, f * g % FIELD, e * h % FIELD


def point_from(data):
    """The point of 32 bytes, or None."""
    if len(data) != 32:
        return None
    y = int.from_bytes(data, "little")
    sign = y >> 255
    y &= (1 << 255) - 1
    if y >= FIELD:
        return None
    square = (y * y - 1) * pow(CURVE_D * y * y + 1, FIELD - 2, FIELD) % FIELD
    x = pow(square, (FIELD + 3) // 8, FIELD)
    if (x * x - square) % FIELD:
        x = x * ROOT_OF_MINUS_ONE % FIELD
    if (x * x - square) % FIELD or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = FIELD - x
    return x, y, 1, x * y % FIELD


def point_bytes(point):
    inverse = pow(point[2], FIELD - 2, FIELD)
    x, y = point[0] * inverse % FIELD, point[1] * inverse % FIELD
    return (y | (x & 1) << 255).to_bytes(32, "little")


def has_small_order(point):
    for _ in range(3):
        point = point_add(point, point)
    return point[0] == 0 and (point[1] - point[2]) % FIELD == 0


BASE = point_from((4 * pow(5, FIELD - 2, FIELD) % FIELD).to_bytes(32, "little"))


def double_multiply(s, p, t, q):
    """s p + t q"""
    both = point_add(p, q)
    sums = (None, p, q, both)
    result = NEUTRAL
    for bit in range(max(s.bit_length(), t.bit_length()) - 1, -1, -1):
        result = point_add(result, result)
        place = (s >> bit & 1) | (t >> bit & 1) << 1
        if place:
            result = point_add(result, sums[place])
    return result


def ed25519_verify(public, message, signature):
    if len(signature) != 64:
        return False
    a, r = point_from(public), point_from(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= ORDER or has_small_order(a) or has_small_order(r):
        return False
    digest = hashlib.sha512(signature[:32] + public + message).digest()
    h = int.from_bytes(digest, "little") % ORDER
    minus_a = (FIELD - a[0], a[1], 1, FIELD - a[3])
    return point_bytes(double_multiply(s, BASE, h, minus_a)) == signature[:32]


# Tree --------------------------------------------------------------------------------------------

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(record):
    return hashlib.sha256(b"\0" + record).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


class Frontier:
    """The tree so far, as the roots of its whole subtrees, the largest first."""

    def __init__(self):
        self.size = 0
        self.peaks = []

    def append(self, leaf):
        size = self.size
        while size & 1:
            leaf = node_hash(self.peaks.pop(), leaf)
            size >>= 1
        self.peaks.append(leaf)
        self.size += 1

    def root(self):
        if not self.peaks:
            return EMPTY_ROOT
        value = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            value = node_hash(peak, value)
        return value


def inclusion_fits(index, size, leaf, path, root):
    """RFC 9162, section 2.1.3.2."""
    if index >= size:
        return False
    place, last, value = index, size - 1, leaf
    for step in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            value = node_hash(step, value)
            while place and not place & 1:
                place >>= 1
                last >>= 1
        else:
            value = node_hash(value, step)
        place >>= 1
        last >>= 1
    return last == 0 and value == root


def consistency_fits(older, newer, older_root, path, newer_root):
    """RFC 9162, section 2.1.4.2; from nothing, only the empty root and no path."""
    if older > newer:
        return False
    if older == newer:
        return not path and older_root == newer_root
    if older == 0:
        return not path and older_root == EMPTY_ROOT
    steps = list(path)
    if older & (older - 1) == 0:
        steps.insert(0, older_root)
    if not steps:
        return False
    place, last = older - 1, newer - 1
    while place & 1:
        place >>= 1
        last >>= 1
    first = second = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while place and not place & 1:
                place >>= 1
                last >>= 1
        else:
            second = node_hash(second, step)
        place >>= 1
        last >>= 1
    return last == 0 and first == older_root and second == newer_root


# Keys, notes, policies ---------------------------------------------------------------------------

LOG_KEY, WITNESS_KEY = 1, 4

Key = namedtuple("Key", "name ident kind public")
Note = namedtuple("Note", "text origin size root signatures")


def from_base64(text):
    """Standard base64 with its padding and nothing else, or None."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    plain = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
    return data if base64.b64encode(data) == plain else None


def decimal(text):
    """A number below 2^64 without leading zeroes, or None."""
    if not re.fullmatch("0|[1-9][0-9]{0,19}", text):
        return None
    number = int(text)
    return number if number < 1 << 64 else None


def is_key_name(name):
    return name != "" and "+" not in name and not any(c.isspace() for c in name)


def parse_key(text):
    """A verifier key; raises ValueError."""
    parts = text.split("+", 2)
    if len(parts) != 3 or not is_key_name(parts[0]):
        raise ValueError("not of the form NAME+KEYID+BASE64")
    name, ident, body = parts
    if not re.fullmatch("[0-9a-fA-F]{8}", ident):
        raise ValueError("a key id of other than 8 hex digits")
    data = from_base64(body)
    if not data:
        raise ValueError("not in base64")
    if data[0] not in (LOG_KEY, WITNESS_KEY) or len(data) != 33:
        raise ValueError("not an Ed25519 key of type 01 or 04")
    if key_id(name, data[0], data[1:]) != bytes.fromhex(ident):
        raise ValueError("a key id that is not that of the key")
    return Key(name, bytes.fromhex(ident), data[0], data[1:])


def key_id(name, kind, public):
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def parse_signed(data):
    """Text and signatures of a signed note; raises ValueError."""
    if len(data) > NOTE_MOST:
        raise ValueError("longer than 1 MiB")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    if re.search("[\0-\x09\x0b-\x1f]", text):
        raise ValueError("a control character")
    parting = text.rfind("\n\n")
    if parting < 0 or not text.endswith("\n"):
        raise ValueError("no empty line, or no newline at the end")
    lines = text[parting + 2 : -1].split("\n")
    if len(lines) > SIGNATURES_MOST:
        raise ValueError("more than 256 signatures")
    return text[: parting + 1].encode(), [parse_signature(line) for line in lines]


def parse_signature(line):
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != "\u2014" or not is_key_name(parts[1]):
        raise ValueError("a signature line of another form")
    data = from_base64(parts[2])
    if data is None or len(data) < 5:
        raise ValueError("a signature that is not in base64, or too short")
    return parts[1], data[:4], data[4:]


def parse_note(data):
    """A checkpoint; raises ValueError."""
    text, signatures = parse_signed(data)
    lines = text.decode().split("\n")
    if len(lines) != 4 or not lines[0]:
        raise ValueError("other than three lines before the signatures")
    size, root = decimal(lines[1]), from_base64(lines[2])
    if size is None or root is None or len(root) != 32:
        raise ValueError("a size or root that cannot be read")
    return Note(text, lines[0], size, root, signatures)


def signature_is_good(key, text, signature):
    if key.kind == LOG_KEY:
        return ed25519_verify(key.public, text, signature)
    if len(signature) != 72:
        return False
    seconds = int.from_bytes(signature[:8], "big")
    if seconds >= 1 << 63:
        return False
    head = b"cosignature/v1\ntime %d\n" % seconds
    return ed25519_verify(key.public, head + text, signature[8:])


def check_signatures(text, signatures, keys):
    """The keys with a good signature, and the names of known keys with one that is not good."""
    by_name = {}
    for key in keys:
        by_name.setdefault((key.name, key.ident), []).append(key)
    good, bad = [], []
    for name, ident, signature in signatures:
        known = by_name.get((name, ident))
        if not known:
            continue
        fits = [key for key in known if signature_is_good(key, text, signature)]
        good.extend(key for key in fits if key not in good)
        if not fits:
            bad.append(name)
    return good, bad


def signed_by_log(note, good, log_keys):
    """Whether a log key signed whose name is the note's origin."""
    logs = [key for key in good if key.kind == LOG_KEY and key.name == note.origin]
    return any(key in log_keys for key in logs)


class Policy:
    """A C2SP tlog-policy: logs, witnesses, and how many of them it takes."""

    def __init__(self, data):
        self.logs = []
        self.witnesses = {}
        self.groups = {}
        self.members = set()
        self.quorum = None
        if re.search(rb"[^\t\n\x20-\x7e\x80-\xff]", data):
            raise ValueError("a control character")
        for number, line in enumerate(data.split(b"\n"), 1):
            words = [word for word in re.split(rb"[ \t]+", line) if word]
            if words and not words[0].startswith(b"#"):
                try:
                    self._line(words)
                except ValueError as error:
                    raise ValueError("line %d: %s" % (number, error)) from None
        if self.quorum is None:
            raise ValueError("no quorum line")

    def _line(self, words):
        kind, rest = words[0], words[1:]
        if kind == b"log" and len(rest) in (1, 2):
            self._add_key(self.logs, rest[0], LOG_KEY)
        elif kind == b"witness" and len(rest) in (2, 3):
            self._new_name(rest[0])
            key = self._add_key(self.witnesses.values(), rest[1], WITNESS_KEY)
            self.witnesses[rest[0]] = key
        elif kind == b"group" and len(rest) >= 3:
            self._group(rest[0], rest[1], rest[2:])
        elif kind == b"quorum" and len(rest) == 1:
            self._quorum(rest[0])
        else:
            raise ValueError("neither log, witness, group nor quorum")

    def _add_key(self, others, text, kind):
        try:
            key = parse_key(text.decode("utf-8"))
        except UnicodeDecodeError:
            raise ValueError("a key that is not UTF-8") from None
        if key.kind != kind:
            raise ValueError("a key of type %02x where %02x is due" % (key.kind, kind))
        if any(other.public == key.public for other in others):
            raise ValueError("the same public key twice")
        if kind == LOG_KEY:
            self.logs.append(key)
        return key

    def _new_name(self, name):
        if name == b"none" or self._is_defined(name):
            raise ValueError("a name that is taken")

    def _is_defined(self, name):
        return name in self.witnesses or name in self.groups

    def _group(self, name, count, members):
        self._new_name(name)
        for member in members:
            if not self._is_defined(member):
                raise ValueError("a member that is not defined above")
            if member in self.members:
                raise ValueError("a member of two groups")
            self.members.add(member)
        if count == b"all":
            least = len(members)
        elif count == b"any":
            least = 1
        else:
            least = decimal(count.decode("latin-1")) or 0
        if not 1 <= least <= len(members):
            raise ValueError("a threshold that is not from 1 to the number of members")
        self.groups[name] = (least, members)

    def _quorum(self, name):
        if self.quorum is not None:
            raise ValueError("a second quorum line")
        if name != b"none" and not self._is_defined(name):
            raise ValueError("a quorum that is not defined above")
        self.quorum = name

    def keys(self):
        return self.logs + list(self.witnesses.values())

    def is_met(self, note, good):
        """Whether a log signed and the quorum cosigned."""
        if not signed_by_log(note, good, self.logs):
            return False
        met = {name: key in good for name, key in self.witnesses.items()}
        for name, (least, members) in self.groups.items():
            met[name] = sum(met[member] for member in members) >= least
        return self.quorum == b"none" or met[self.quorum]


# Bytes of a ledger -------------------------------------------------------------------------------

IDENTITY = struct.Struct("<8sIHH16s16sqQ")
SEGMENT = struct.Struct("<8sIHHIIBBBBI16s8sQ16sQQQ32sQQ32sq")
FRAME = struct.Struct("<IIHHIQQIIQq32s")
ENVELOPE = struct.Struct("<HHHBBq16sIHBB")

Identity = namedtuple(
    "Identity", "magic checksum version reserved ledger application created reserved_too"
)
Header = namedtuple(
    "Header",
    "magic checksum version length incompatible compatible hash_id codec_id checksum_id flags "
    "epoch ledger salt index application file_length sequence frame link counted dead "
    "dead_digest created",
)
Frame = namedtuple(
    "Frame",
    "checksum body_checksum flags reserved records_length number sequence count epoch "
    "watermark committed link",
)
Envelope = namedtuple(
    "Envelope", "kind schema flags record_class vantage time run cause actor clock clock_status"
)


def is_zero(data):
    return not data.strip(b"\0")


def frame_length(frame):
    return FRAME_HEADER_LENGTH + (frame.records_length + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT


def parse_identity(data):
    """`ledger.id`; raises Fault."""
    if len(data) != IDENTITY_LENGTH:
        raise Fault("corrupt", "ledger.id")
    identity = Identity(*IDENTITY.unpack(data))
    if identity.magic != IDENTITY_MAGIC or identity.checksum != crc32c(data[12:]):
        raise Fault("corrupt", "ledger.id")
    if identity.version != VERSION:
        raise Fault("unsupported", "ledger.id of version %d" % identity.version)
    return identity


def parse_header(data, size):
    """A segment header from the first bytes of a file of `size`; raises Fault."""
    if size < FIXED_HEADER_LENGTH:
        raise Fault("missing", "the file ends inside its header")
    if data[:8] != SEGMENT_MAGIC:
        raise Fault("corrupt", "segment magic")
    checksum, version, length, incompatible, compatible = struct.unpack_from("<IHHII", data, 8)
    if not FIXED_HEADER_LENGTH <= length <= HEADER_LENGTH_MOST:
        raise Fault("corrupt", "segment header length")
    if size < length and size < HEADER_LENGTH:
        raise Fault("missing", "the file ends inside its header")
    if size < length or checksum != crc32c(data[12:length]):
        raise Fault("corrupt", "segment header checksum")
    if version != VERSION:
        raise Fault("unsupported", "segment of version %d" % version)
    if incompatible or compatible:
        raise Fault("unsupported", "segment with feature bits %x, %x" % (incompatible, compatible))
    if length != HEADER_LENGTH:
        raise Fault("corrupt", "segment header length")
    header = Header(*SEGMENT.unpack(data[:HEADER_LENGTH]))
    check_header_fields(header)
    return header


def check_header_fields(header):
    if (header.hash_id, header.codec_id, header.checksum_id) != (1, 1, 1):
        raise Fault("corrupt", "segment header ids")
    if header.flags > 1 or (header.flags and header.index == 0):
        raise Fault("corrupt", "segment header flags")
    if not header.flags and (header.counted or header.dead or any(header.dead_digest)):
        raise Fault("corrupt", "recovery fields")
    if not SEGMENT_LEAST <= header.file_length <= SEGMENT_MOST:
        raise Fault("corrupt", "segment file length")


def frame_rules_hold(frame):
    ending = frame.flags & (SEAL | CLOSE)
    if frame.flags > 7 or frame.reserved or ending == SEAL | CLOSE:
        return False
    if ending and (not frame.flags & ORDERED or frame.count):
        return False
    if frame.records_length > RECORDS_LENGTH_MOST:
        return False
    if (frame.count == 0) != (frame.records_length == 0):
        return False
    if frame.count > frame.records_length // 42:
        return False
    return frame.watermark <= frame.number and frame.sequence + frame.count < 1 << 64


def parse_frame(data, salt):
    """A whole frame header at the beginning of these bytes, or None."""
    if len(data) < FRAME_HEADER_LENGTH:
        return None
    frame = Frame(*FRAME.unpack_from(data))
    if frame.epoch == 0 or not frame_rules_hold(frame):
        return None
    if frame.checksum != crc32c(data[4:FRAME_HEADER_LENGTH], salt):
        return None
    return frame


def split_records(frame, body):
    """The records of a body, or None where prefixes or padding are not as they must be."""
    if not is_zero(body[frame.records_length :]):
        return None
    records = []
    place, end = 0, frame.records_length
    for _ in range(frame.count):
        if end - place < 2:
            return None
        length = body[place] | body[place + 1] << 8
        place += 2
        if length < ENVELOPE_LEAST or end - place < length:
            return None
        records.append(body[place : place + length])
        place += length
    return records if place == end else None


def unknown_in(record):
    """Names what of a later version stands in an envelope, or None."""
    envelope = Envelope(*ENVELOPE.unpack_from(record))
    if envelope.flags & ~RECORD_FLAGS:
        return "envelope flags %04x" % envelope.flags
    for name, value, count in (
        ("class", envelope.record_class, len(CLASSES)),
        ("vantage", envelope.vantage, VANTAGES),
        ("clock", envelope.clock, CLOCKS),
        ("clock status", envelope.clock_status, CLOCK_STATUSES),
    ):
        if value >= count:
            return "%s %d" % (name, value)
    if len(record) < payload_start(envelope):
        return "an envelope longer than its record"
    return None


def payload_start(envelope):
    return ENVELOPE_LEAST + 16 * bin(envelope.flags & RECORD_FLAGS).count("1")


class Decoder:
    """Reads a payload; raises ValueError where it is none."""

    def __init__(self, data):
        self.data = data
        self.place = 0

    def take(self, count):
        if count > len(self.data) - self.place:
            raise ValueError("a payload that ends early")
        self.place += count
        return self.data[self.place - count : self.place]

    def number(self):
        return int.from_bytes(self.take(8), "little")

    def counted(self):
        return self.take(self.number())

    def text(self):
        return self.counted().decode("utf-8")

    def finish(self):
        if self.place != len(self.data):
            raise ValueError("bytes left over")


def decode_anchor(payload):
    decoder = Decoder(payload)
    frame, link, key = decoder.number(), decoder.take(32), decoder.text()
    decoder.finish()
    return frame, link, key


def decode_rotated(payload):
    decoder = Decoder(payload)
    old, new = decoder.text(), decoder.text()
    old_signature, new_signature = decoder.counted(), decoder.counted()
    decoder.finish()
    return old, new, old_signature, new_signature


# Reading -----------------------------------------------------------------------------------------


def read_limited(path, most):
    """The first `most` bytes of a regular file, and its length; raises OSError."""
    with RegularFile(path) as file:
        return file.read(0, min(most, file.size)), file.size


def open_segment(path):
    """A segment's file, or the packed one that stands for it; raises OSError and Fault."""
    try:
        return RegularFile(path)
    except FileNotFoundError:
        return PackedFile(path + ".zst")


class RegularFile:
    """A file that is read at places; a read that comes out short is an OSError."""

    def __init__(self, path):
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise OSError("%s is no regular file" % path)
        self.path = path
        self.file = open(path, "rb", buffering=0)
        self.size = os.fstat(self.file.fileno()).st_size

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def read(self, start, count):
        self.file.seek(start)
        parts = []
        while count > 0:
            part = self.file.read(count)
            if not part:
                raise OSError("%s: a read shorter than the file" % self.path)
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def read_some(self, start, count):
        """Up to `count` bytes: fewer where the file ends."""
        return self.read(start, max(0, min(count, self.size - start)))

    def first_nonzero(self, start, end):
        """Where the first byte stands that is not zero, or None."""
        while start < end:
            data = self.read(start, min(WINDOW, end - start))
            if not is_zero(data):
                return start + len(data) - len(data.lstrip(b"\0"))
            start += len(data)
        return None

    def digest(self, start, end):
        hasher = blake3_hasher()
        while start < end:
            data = self.read(start, min(WINDOW, end - start))
            hasher.update(data)
            start += len(data)
        return hasher.digest()


def unpack_block(stored, length):
    """What a zstd frame holds, if that is `length` bytes, or None; raises OSError."""
    if native_zstd is not None:
        try:
            decoder = native_zstd.ZstdDecompressor()
            data = decoder.decompress(stored, length + 1)
        except native_zstd.ZstdError:
            return None
        whole = decoder.eof and not decoder.unused_data
        return data if whole and len(data) == length else None
    program = shutil.which("zstd")
    if program is None:
        raise OSError(
            "a packed segment cannot be read here: this Python has no compression.zstd (3.14 has),"
            " and the program zstd is not installed"
        )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    # A frame of one block needs no more; one that says to need it is none of ours.
    with subprocess.Popen([program, "-dcq", "--memory=1MB"], **pipes) as process:
        try:
            process.stdin.write(stored)
            process.stdin.close()
        except BrokenPipeError:
            pass
        data = process.stdout.read(length + 1)
        if len(data) > length:
            process.kill()
        whole = process.wait() == 0
    return data if whole and len(data) == length else None


class PackedFile(RegularFile):
    """A packed segment, read at the offsets of the original; see "Packed segments".

    A block that is damaged reads as zeroes, and `damage` says so."""

    def __init__(self, path):
        super().__init__(path)
        try:
            self.blocks, self.size = self._table()
            # Asked now: what cannot be unpacked must not look like damage.
            self.held = (None, b"")
            self.seen = set()
            self.damage = []
            self._block(0)
        except BaseException:
            self.file.close()
            raise

    def _table(self):
        """Offset, stored length and checksum of each block, and the original's length."""
        stored_size = self.size
        damaged = Fault("corrupt", "packed table")
        if stored_size < CHECKS_LENGTH + 12 + 8 + FOOTER_LENGTH:
            raise damaged
        footer = super().read(stored_size - FOOTER_LENGTH, FOOTER_LENGTH)
        count = struct.unpack_from("<I", footer)[0]
        length = CHECKS_LENGTH + 12 * count + 8 + FOOTER_LENGTH
        if not 1 <= count <= ORIGINAL_MOST // BLOCK_LENGTH or length > stored_size:
            raise damaged
        end = super().read(stored_size - length, length)
        frame, size, magic, checksum, version, reserved, original, block = struct.unpack_from(
            "<II8sIHHQI", end
        )
        if crc32c(end[20:], end[:16]) != checksum or magic != PACKED_MAGIC:
            raise damaged
        if version != PACKED_VERSION:
            raise Fault("unsupported", "packed version")
        checksums = struct.unpack_from("<%dI" % count, end, CHECKS_LENGTH)
        seek = CHECKS_LENGTH + 4 * count
        lengths = struct.unpack_from("<%dI" % (2 * count), end, seek + 8)
        due = [BLOCK_LENGTH] * (count - 1) + [original - BLOCK_LENGTH * (count - 1)]
        fits = (
            (frame, size, reserved, block) == (CHECKS_FRAME, 220 + 4 * count, 0, BLOCK_LENGTH)
            and struct.unpack_from("<II", end, seek) == (SEEK_FRAME, 8 * count + FOOTER_LENGTH)
            and struct.unpack("<IBI", footer) == (count, 0, SEEK_MAGIC)
            and list(lengths[1::2]) == due
            and 1 <= due[-1] <= BLOCK_LENGTH
            and all(1 <= stored <= STORED_MOST for stored in lengths[0::2])
            and sum(lengths[0::2]) == stored_size - length
        )
        if not fits:
            raise damaged
        blocks, offset = [], 0
        for stored, wanted, checksum in zip(lengths[0::2], due, checksums):
            blocks.append((offset, stored, wanted, checksum))
            offset += stored
        self.header = end[CHECKS_HEADER_AT:CHECKS_LENGTH]
        return blocks, original

    def _block(self, place):
        if self.held[0] == place:
            return self.held[1]
        offset, stored, wanted, checksum = self.blocks[place]
        packed = super().read(offset, stored)
        data = unpack_block(packed, wanted)
        if place not in self.seen and (data is None or crc32c(packed) != checksum):
            start = place * BLOCK_LENGTH
            self.damage.append((start, start + wanted))
        self.seen.add(place)
        if data is None:
            # Without its header nothing of a segment could be judged.
            data = (self.header if place == 0 else b"").ljust(wanted, b"\0")[:wanted]
        self.held = (place, data)
        return self.held[1]

    def read(self, start, count):
        if start + count > self.size:
            raise OSError("%s: a read shorter than the file" % self.path)
        parts = []
        while count > 0:
            place, inside = divmod(start, BLOCK_LENGTH)
            part = self._block(place)[inside : inside + count]
            parts.append(part)
            start += len(part)
            count -= len(part)
        return b"".join(parts)

    def read_the_rest(self):
        for place in range(len(self.blocks)):
            if place not in self.seen:
                self._block(place)


# The judge of the log ----------------------------------------------------------------------------

Place = namedtuple("Place", "segment offset end sequence")
NOWHERE = Place(None, None, None, None)


class Report:
    """All that was found."""

    def __init__(self):
        self.faults = []
        self.unchecked = []
        self.count = 0
        self.classes = set()

    def add(self, kind, check, place=NOWHERE, **more):
        self.classes.add(kind)
        self.count += kind not in NOT_CHECKED
        found = self.unchecked if kind in NOT_CHECKED else self.faults
        if len(found) < FAULTS_MOST:
            fault = {"class": kind}
            fault.update(place._asdict())
            fault["check"] = check
            fault.update(more)
            found.append(fault)


class Chain:
    """What must come next; `known` is false where damage hides it."""

    def __init__(self):
        self.known = True
        self.link = bytes(32)
        self.number = 0
        self.sequence = 0
        self.epoch = 1
        self.ended = 0

    def follow(self, frame, link):
        self.known = True
        self.link = link
        self.number = frame.number + 1
        self.sequence = frame.sequence + frame.count
        self.ended = frame.flags & (SEAL | CLOSE)

    def enter(self, header, link):
        self.known = True
        self.link = link
        self.number = header.frame
        self.sequence = header.sequence
        self.epoch = header.epoch
        self.ended = 0


def may_recover(fault):
    """Whether a segment that cannot be used may all the same say how the one before it ended."""
    return fault.kind == "failure" or (fault.kind == "unsupported" and fault.recovers)


class Log:
    """Reads a log from its first segment to its last; see "How a ledger is judged"."""

    def __init__(self, path, report, sizes):
        self.path = path
        self.report = report
        self.sizes = sizes
        self.identity = None
        self.ledger_ids = None
        self.chain = Chain()
        self.tree = Frontier()
        self.roots = {0: EMPTY_ROOT}
        self.halted = False
        self.broken = False
        self.chain_head = None
        self.end = "open"
        self.keys = []
        self.anchors = {}
        self.frames = 0
        self.segments = 0
        self.bytes = 0

    # the whole

    def judge(self):
        directory = os.path.join(self.path, "segments")
        has_segments = os.path.isdir(directory)
        self.judge_identity(has_segments)
        if not has_segments:
            return
        indexes = self.segment_indexes(directory)
        if not indexes:
            self.fault("missing", "segments", Place(0, 0, HEADER_LENGTH, 0))
            return
        self.judge_segments(indexes)

    def judge_identity(self, has_segments):
        path = os.path.join(self.path, "ledger.id")
        if not os.path.lexists(path):
            if not has_segments:
                raise OSError("%s is no ledger: it has no ledger.id" % self.path)
            self.report.add("corrupt", "ledger.id", Place(0, 0, IDENTITY_LENGTH, 0))
            return
        data, size = read_limited(path, IDENTITY_LENGTH + 1)
        try:
            self.identity = parse_identity(data)
            self.ledger_ids = (self.identity.ledger, self.identity.application)
        except Fault as fault:
            self.report.add(fault.kind, fault.check, Place(0, 0, IDENTITY_LENGTH, 0))

    def segment_indexes(self, directory):
        """The indexes of the segments that are there, in order."""
        found = []
        for name in os.listdir(directory):
            match = re.fullmatch(r"([0-9]{12,})\.seg(\.zst)?", name, re.ASCII)
            index = decimal(match.group(1).lstrip("0") or "0") if match else None
            if index is not None and "%012d" % index == match.group(1):
                found.append(index)
        # Where a segment and its packed copy both stand, the segment is what counts.
        return sorted(set(found))

    def segment_path(self, index):
        return os.path.join(self.path, "segments", "%012d.seg" % index)

    def judge_segments(self, indexes):
        expected = 0
        ahead = self.peek(indexes[0])
        for place, index in enumerate(indexes):
            if index != expected:
                self.left_out(expected)
            expected = index + 1
            header, fault = ahead
            follower = None
            is_last = True
            if place + 1 < len(indexes):
                ahead = self.peek(indexes[place + 1])
                if indexes[place + 1] == expected:
                    follower = ahead[0]
                    is_last = follower is None and may_recover(ahead[1][0])
            self.segments += 1
            if header is None:
                self.skip(index, fault)
            else:
                self.judge_segment(index, header, follower, is_last)
        if self.chain.known and self.chain.ended == SEAL:
            self.judge_spare(expected)
        if not os.path.lexists(self.segment_path(indexes[-1])):
            # Only what another segment follows is ever packed.
            self.left_out(indexes[-1] + 1)

    def peek(self, index):
        """The header of a segment and None, or None and what is wrong with it."""
        path = self.segment_path(index)
        try:
            with open_segment(path) as file:
                data, size = file.read_some(0, HEADER_LENGTH_MOST), file.size
        except OSError as error:
            return None, (Fault("failure", str(error)), 0)
        except Fault as fault:
            # Without a table nothing is known of what is packed.
            fault.recovers = False
            return None, (fault, 0)
        try:
            return parse_header(data, size), None
        except Fault as fault:
            fault.recovers = len(data) >= FIXED_HEADER_LENGTH and data[27] & 1 == 1
            return None, (fault, min(size, HEADER_LENGTH))

    def left_out(self, index):
        place = Place(index, 0, HEADER_LENGTH, self.chain.sequence)
        self.fault("missing", "segments", place)
        self.chain.known = False

    def skip(self, index, fault):
        """A segment without a usable header: nothing in it can be told from noise."""
        error, end = fault
        self.fault(error.kind, error.check, Place(index, 0, end, self.chain.sequence))
        self.chain.known = False
        self.end = "open"

    def judge_spare(self, index):
        """A SEAL at the end must be continued by the spare."""
        path = os.path.join(self.path, "segments", "next")
        check = "the segment that continues the seal"
        try:
            data, size = read_limited(path, HEADER_LENGTH_MOST)
            header = parse_header(data, size)
            if self.header_misfit(index, header) is None:
                return
        except FileNotFoundError:
            pass
        except OSError as error:
            self.report.add("failure", str(error))
            return
        except Fault as fault:
            check = fault.check if fault.kind == "unsupported" else check
        self.fault("missing", check, Place(index, 0, HEADER_LENGTH, self.chain.sequence))

    def fault(self, kind, check, place):
        """A fault of the log itself: the tree ends here, and above a torn tail it still stands."""
        self.report.add(kind, check, place)
        self.halted = True
        self.broken |= kind != "torn_tail"

    # one segment

    def header_misfit(self, index, header):
        """What of a whole header continues something else, or None."""
        if header.index != index:
            return "segment index"
        if self.ledger_ids and (header.ledger, header.application) != self.ledger_ids:
            return "ledger id" if header.ledger != self.ledger_ids[0] else "application id"
        chain = self.chain
        if not chain.known:
            return None
        if header.flags and (index == 0 or chain.ended):
            return "recovery"
        steps = 1 if header.flags or chain.ended == CLOSE else 0
        for name, found, due in (
            ("epoch", header.epoch, chain.epoch + steps),
            ("first frame number", header.frame, chain.number),
            ("first sequence", header.sequence, chain.sequence),
            ("previous link", header.link, chain.link),
        ):
            if found != due:
                return name
        return None

    def judge_segment(self, index, header, follower, is_last):
        misfit = self.header_misfit(index, header)
        if misfit:
            place = Place(index, 0, HEADER_LENGTH, header.sequence)
            self.fault("missing", misfit, place)
        if self.ledger_ids is None:
            self.ledger_ids = (header.ledger, header.application)
        recovery = follower if follower and follower.flags else None
        try:
            with open_segment(self.segment_path(index)) as file:
                self.bytes += file.size
                data = file.read(0, HEADER_LENGTH)
                self.chain.enter(header, link_of(data))
                if not self.halted:
                    self.chain_head = self.chain.link
                SegmentJudge(self, file, header, recovery, is_last).judge()
                if isinstance(file, PackedFile):
                    file.read_the_rest()
                    for start, end in file.damage:
                        place = Place(index, start, end, self.chain.sequence)
                        self.fault("corrupt", "packed block", place)
        except OSError as error:
            self.fault("failure", str(error), Place(index, 0, 0, self.chain.sequence))
            self.chain.known = False
        self.end = "closed" if self.chain.known and self.chain.ended == CLOSE else "open"

    # one frame

    def accept(self, index, offset, frame, link, records):
        """A sound frame."""
        self.frames += 1
        place = Place(index, offset, offset + frame_length(frame), frame.sequence)
        for step, record in enumerate(records):
            sequence = frame.sequence + step
            if record[0] in (KIND_ANCHOR, KIND_ROTATED) and record[1:4] == b"\0\1\0":
                self.own_record(frame, record, place._replace(sequence=sequence))
                if len(records) != 1:
                    check = "%s: not alone in its frame" % KINDS[record[0]]
                    self.report.add("contradicted", check, place._replace(sequence=sequence))
            if not self.halted:
                self.tree.append(leaf_hash(record))
                if self.tree.size in self.sizes:
                    self.roots[self.tree.size] = self.tree.root()
        if not self.halted:
            self.chain_head = link

    def own_record(self, frame, record, place):
        """An anchor or a new key."""
        envelope = Envelope(*ENVELOPE.unpack_from(record))
        payload = record[payload_start(envelope) :]
        try:
            if envelope.kind == KIND_ROTATED:
                self.rotate(*decode_rotated(payload))
                return
            number, link, key = decode_anchor(payload)
        except ValueError:
            name = KINDS[envelope.kind]
            if envelope.kind == KIND_ANCHOR:
                self.report.add("contradicted", "%s: payload" % name, place)
            else:
                self.report.add("unsupported", "%s: payload" % name, place)
            return
        self.anchors[place.sequence + 1] = self.learn(key)
        if number != frame.number:
            self.report.add("contradicted", "chain_anchor: frame", place)
        elif link != frame.link:
            self.report.add("contradicted", "chain_anchor: link", place)

    def rotate(self, old, new, old_signature, new_signature):
        """A new key counts where a known one made way for it, and both said so."""
        try:
            old_key, new_key = parse_key(old), parse_key(new)
        except ValueError:
            return
        lines = ("schwabot/key-rotation/v1", self.ledger_ids[0].hex(), old, new, "")
        statement = "\n".join(lines).encode()
        if (
            old_key in self.keys
            and old_key.name == new_key.name
            and ed25519_verify(old_key.public, statement, old_signature)
            and ed25519_verify(new_key.public, statement, new_signature)
        ):
            self.learn(new)

    def learn(self, text):
        try:
            key = parse_key(text)
        except ValueError:
            return None
        if key not in self.keys:
            self.keys.append(key)
        return key


Damage = namedtuple("Damage", "start end number sequence check")


class SegmentJudge:
    """Reads the frames of one segment."""

    def __init__(self, log, file, header, recovery, is_last):
        self.log = log
        self.chain = log.chain
        self.file = file
        self.header = header
        self.recovery = recovery
        self.is_last = is_last
        self.counted = recovery.counted if recovery else None
        self.proven = 0
        self.damages = []
        self.faults = []
        self.cut = False
        self.vain = 0

    def judge(self):
        offset = HEADER_LENGTH
        going = True
        while going and not (self.recovery and offset >= self.counted):
            offset, going = self.step(offset)
        self.class_damages()
        self.judge_end(offset)
        for fault in sorted(self.faults, key=lambda fault: fault[2].offset):
            self.log.fault(*fault)

    def fault(self, kind, check, place):
        self.faults.append((kind, check, place))
        self.log.halted = True

    def place(self, start, end, sequence=None):
        sequence = self.chain.sequence if sequence is None else sequence
        return Place(self.header.index, start, end, sequence)

    def step(self, offset):
        """Judges what stands at this offset; gives the next one, and whether to go on."""
        head = self.file.read_some(offset, FRAME_HEADER_LENGTH)
        frame = parse_frame(head, self.header.salt)
        if frame is None:
            if self.file.first_nonzero(offset, self.file.size) is None:
                return offset, False
            if len(head) < FRAME_HEADER_LENGTH and self.is_short():
                self.cut = True
                return offset, False
            return self.damage(offset, "frame header checksum")
        end = offset + frame_length(frame)
        if end > self.file.size and self.is_short():
            self.cut = True
            return offset, False
        if end > self.file.size:
            return self.damage(offset, "frame length")
        return self.judge_frame(offset, end, frame)

    def is_short(self):
        return self.file.size < self.header.file_length

    def has_room(self, frame, end):
        room = ALIGNMENT if frame.flags & (SEAL | CLOSE) else END_ROOM
        return end + room <= self.header.file_length

    def judge_frame(self, offset, end, frame):
        data = self.file.read(offset, end - offset)
        body = data[FRAME_HEADER_LENGTH:]
        link = link_of(data)
        if not self.link_is_confirmed(end, link):
            if frame.body_checksum != crc32c(body, self.header.salt):
                return self.damage(offset, "frame body checksum", end)
        records = split_records(frame, body)
        if records is None:
            return self.damage(offset, "record prefixes and padding", end)
        misfit = self.frame_misfit(frame)
        if misfit:
            self.fault("missing", misfit, self.place(offset, end))
        if not self.damages and not self.has_room(frame, end):
            self.fault("corrupt", "room behind a frame", self.place(offset, end))
        proves = frame.number if frame.flags & ORDERED else frame.watermark
        self.proven = max(self.proven, proves)
        self.log.accept(self.header.index, offset, frame, link, records)
        self.chain.follow(frame, link)
        return end, not self.chain.ended

    def link_is_confirmed(self, end, link):
        """Whether a whole header right behind holds this link."""
        head = self.file.read_some(end, FRAME_HEADER_LENGTH)
        follower = parse_frame(head, self.header.salt)
        return follower is not None and follower.link == link

    def frame_misfit(self, frame):
        """What of a whole frame continues something else, or None."""
        chain = self.chain
        if frame.epoch != chain.epoch:
            return "frame epoch"
        if not chain.known:
            return None
        for name, found, due in (
            ("frame number", frame.number, chain.number),
            ("first sequence", frame.sequence, chain.sequence),
            ("previous link", frame.link, chain.link),
        ):
            if found != due:
                return name
        return None

    # damage

    def damage(self, offset, check, behind=None):
        """Notes damage, and goes on at the next whole frame, behind the header's end if whole."""
        found = self.search(behind or offset + ALIGNMENT)
        end = self.file.size if found is None else found
        known = self.chain.known
        number = self.chain.number if known else None
        self.damages.append(Damage(offset, end, number, self.chain.sequence, check))
        self.chain.known = False
        self.log.halted = True
        if found is None and self.recovery:
            return max(offset, min(self.counted, end)), False
        return end, found is not None

    def search(self, start):
        """The next whole frame of this segment, at a multiple of 8."""
        epoch = struct.pack("<I", self.header.epoch)
        while start + FRAME_HEADER_LENGTH <= self.file.size:
            count = min(WINDOW + FRAME_HEADER_LENGTH, self.file.size - start)
            data = self.file.read(start, count)
            hit = data.find(epoch)
            while hit >= 0:
                place = hit - 36
                if place >= 0 and place % ALIGNMENT == 0 and self.is_whole(data, start, place):
                    return start + place
                if self.vain > 4 * self.file.size:
                    return None
                hit = data.find(epoch, hit + 1)
            start += WINDOW
        return None

    def is_whole(self, window, start, place):
        """Whether a whole frame of this segment and epoch stands at this place."""
        frame = parse_frame(window[place : place + FRAME_HEADER_LENGTH], self.header.salt)
        if frame is None or frame.epoch != self.header.epoch:
            return False
        offset = start + place
        end = offset + frame_length(frame)
        if end > self.file.size:
            return False
        body = self.file.read(offset + FRAME_HEADER_LENGTH, end - offset - FRAME_HEADER_LENGTH)
        if frame.body_checksum == crc32c(body, self.header.salt):
            if split_records(frame, body) is not None:
                return True
        self.vain += len(body)
        return False

    def class_damages(self):
        """Damage is corruption where something proves the frame, and else a torn tail."""
        ended = self.chain.known and self.chain.ended
        promised = bool(ended) or self.recovery is not None or not self.is_last or self.is_short()
        for damage in self.damages:
            proven = promised or damage.number is None or damage.number < self.proven
            kind = "corrupt" if proven else "torn_tail"
            place = self.place(damage.start, damage.end, damage.sequence)
            self.fault(kind, damage.check, place)

    # the end

    def judge_end(self, offset):
        size = self.file.size
        if self.chain.known and self.chain.ended:
            behind = self.file.first_nonzero(offset, size)
            if behind is not None:
                self.fault("corrupt", "after the end frame", self.place(offset, size))
        elif self.cut or (self.chain.known and self.is_short()):
            self.lost(offset, size)
        elif self.recovery and offset >= min(self.counted, size):
            self.judge_recovery(offset)
        elif self.chain.known and not self.is_last:
            place = self.place(offset, offset + FRAME_HEADER_LENGTH)
            self.fault("corrupt", "segment end", place)
            self.chain.known = False

    def lost(self, offset, size):
        self.fault("missing", "segment end", self.place(offset, size))
        self.chain.known = False

    def judge_recovery(self, offset):
        """The next header says how much of this segment counts, and what lies dead behind it."""
        counted, dead = self.recovery.counted, self.recovery.dead
        size = self.file.size
        end = counted + dead
        if counted != offset or end > self.header.file_length:
            self.fault("missing", "counted length", self.place(min(offset, size), size))
            self.chain.known = False
            return
        if end > size:
            self.lost(offset, size)
            return
        behind = self.whole_end(counted)
        if behind is not None:
            self.fault("missing", "a recovery that drops a frame", self.place(counted, behind))
        if dead and self.file.read(end - 1, 1) == b"\0":
            self.fault("corrupt", "dead length", self.place(counted, end))
        elif self.file.digest(counted, end) != self.recovery.dead_digest:
            self.fault("corrupt", "dead digest", self.place(counted, max(end, counted + 1)))
        if self.file.first_nonzero(end, size) is not None:
            self.fault("corrupt", "after the dead bytes", self.place(end, size))

    def whole_end(self, offset):
        """The end of a whole frame that stands here and continues the chain, or None."""
        head = self.file.read_some(offset, FRAME_HEADER_LENGTH)
        if not self.chain.known or not self.is_whole(head, offset, 0):
            return None
        frame = parse_frame(head, self.header.salt)
        return None if self.frame_misfit(frame) else offset + frame_length(frame)


# Checkpoints -------------------------------------------------------------------------------------


class Checkpoint:
    """A note from a file, read as far as it can be."""

    def __init__(self, name, data):
        self.name = name
        self.note = None
        self.error = None
        self.good = []
        self.holds = False
        try:
            self.note = parse_note(data)
        except ValueError as error:
            self.error = str(error)

    def as_json(self):
        return {
            "size": self.note.size if self.note else None,
            "root": self.note.root.hex() if self.note else None,
            "keys": [key.name for key in self.good],
            "holds": self.holds,
        }


NOTE_NAME = re.compile(r"[0-9]{12,}\.note", re.ASCII)


def read_checkpoints(path, report):
    """`checkpoint` and the notes in `checkpoints/`; a copy of another one counts once."""
    directory = os.path.join(path, "checkpoints")
    names = []
    if os.path.isdir(directory):
        notes = [name for name in sorted(os.listdir(directory)) if NOTE_NAME.fullmatch(name)]
        names = [os.path.join("checkpoints", name) for name in notes]
    if os.path.lexists(os.path.join(path, "checkpoint")):
        names.append("checkpoint")
    found, seen = [], set()
    for name in names:
        try:
            data, _ = read_limited(os.path.join(path, name), NOTE_MOST + 1)
        except OSError as error:
            report.add("failure", str(error))
            continue
        digest = hashlib.sha256(data).digest()
        if digest not in seen:
            seen.add(digest)
            found.append(Checkpoint(name, data))
    return found


def judge_checkpoint(checkpoint, log, keys, report):
    """One row of the page's table after the other."""

    def fault(kind, check):
        report.add(kind, check, NOWHERE._replace(sequence=size), file=checkpoint.name)

    note = checkpoint.note
    size = note.size if note else None
    if note is None:
        fault("bad_signature", "a note that cannot be read: %s" % checkpoint.error)
        return
    checkpoint.good, bad = check_signatures(note.text, note.signatures, keys)
    anchored = True
    if bad:
        fault("bad_signature", "signature of %s" % bad[0])
    elif size in log.anchors:
        anchored = signed_by_log(note, checkpoint.good, [log.anchors[size]])
        if not anchored:
            fault("bad_signature", "signature of the anchor's key")
    fits = log.roots.get(size) == note.root
    logs = [key.name for key in keys if key.kind == LOG_KEY]
    if not bad and not checkpoint.good and logs and note.origin not in logs:
        fault("bad_signature", "origin of a checkpoint: of another log")
        return
    if not fits and (checkpoint.good or not bad):
        judge_contradiction(log, note, fault)
    checkpoint.holds = fits and anchored and bool(checkpoint.good) and not bad


def judge_contradiction(log, note, fault):
    """A note whose root is not that of the log at its size."""
    if note.size <= log.tree.size:
        fault("contradicted", "root of a checkpoint")
    elif not log.broken:
        fault("contradicted", "size of a checkpoint")


def judge_policy(policy, checkpoints, report):
    """The newest note must be signed by a log of the policy, and cosigned by its quorum."""
    notes = [checkpoint for checkpoint in checkpoints if checkpoint.note]
    newest = max((checkpoint.note.size for checkpoint in notes), default=None)
    if newest is None:
        report.add("policy_not_met", "no checkpoint")
    elif not any(policy.is_met(c.note, c.good) for c in notes if c.note.size == newest):
        place = NOWHERE._replace(sequence=newest)
        report.add("policy_not_met", "the newest checkpoint under the policy", place)


# Commands ----------------------------------------------------------------------------------------


def read_policy(path):
    """A policy; raises OSError or ValueError."""
    data, size = read_limited(path, NOTE_MOST)
    if size > NOTE_MOST:
        raise ValueError("%s: a policy longer than 1 MiB" % path)
    try:
        return Policy(data)
    except ValueError as error:
        raise ValueError("%s: %s" % (path, error)) from None


def verify_ledger(options):
    """The answer for a ledger; raises OSError or ValueError where it cannot begin."""
    report = Report()
    policy = read_policy(options.policy) if options.policy else None
    against = None
    if options.against:
        against = Checkpoint(options.against, read_limited(options.against, NOTE_MOST + 1)[0])
    checkpoints = read_checkpoints(options.path, report)
    notes = [c.note for c in checkpoints + [against] if c and c.note]
    log = Log(options.path, report, {note.size for note in notes})
    log.judge()
    keys = log.keys + [key for key in (policy.keys() if policy else []) if key not in log.keys]
    for checkpoint in checkpoints + ([against] if against else []):
        judge_checkpoint(checkpoint, log, keys, report)
    if policy:
        judge_policy(policy, checkpoints, report)
    return ledger_answer(log, checkpoints, against, report)


def ledger_answer(log, checkpoints, against, report):
    code, verdict = outcome(report.classes)
    anchored = max((c.note.size for c in checkpoints if c.holds), default=0)
    answer = {
        "verdict": verdict,
        "exit_code": code,
        "head": None,
        "chain_head": None,
        "end": log.end,
        "records": log.tree.size,
        "unanchored": log.tree.size - anchored,
        "segments": log.segments,
        "frames": log.frames,
        "bytes": log.bytes,
        "first_bad": first_bad(report),
        "fault_count": report.count,
        "faults": report.faults,
        "not_checked": report.unchecked,
        "checkpoints": [checkpoint.as_json() for checkpoint in checkpoints],
    }
    if against:
        answer["against"] = against.as_json()
    if not log.broken:
        answer["head"] = {"size": log.tree.size, "root": log.tree.root().hex()}
        if log.chain_head:
            answer["chain_head"] = log.chain_head.hex()
    return answer


def first_bad(report):
    if not report.faults:
        return None
    fields = ("class", "segment", "offset", "end", "sequence", "check")
    return {field: report.faults[0][field] for field in fields}


def read_lines(data, least):
    """The lines before the first empty one, and the bytes behind it; raises Fault."""
    parting = data.find(b"\n\n")
    if parting < 0:
        raise Fault("corrupt", "no empty line")
    try:
        lines = data[:parting].decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise Fault("corrupt", "a line that is not ASCII") from None
    if len(lines) < least:
        raise Fault("corrupt", "lines that are missing")
    return lines, data[parting + 2 :]


def labelled(line, label):
    """What follows a label and a space; raises Fault."""
    if not line.startswith(label + " "):
        raise Fault("corrupt", "no line of %s" % label)
    return line[len(label) + 1 :]


def labelled_number(line, label):
    number = decimal(labelled(line, label))
    if number is None:
        raise Fault("corrupt", "a number after %s" % label)
    return number


def hash_line(line):
    value = from_base64(line)
    if value is None or len(value) != 32:
        raise Fault("corrupt", "a hash that cannot be read")
    return value


def note_or_fault(data):
    try:
        return parse_note(data)
    except ValueError as error:
        raise Fault("bad_signature", "a note that cannot be read: %s" % error) from None


FILE_MOST = 4 << 20


def read_proof(path):
    data, size = read_limited(path, FILE_MOST)
    if size > FILE_MOST:
        raise ValueError("%s: longer than %d bytes" % (path, FILE_MOST))
    return data


def verify_receipt(options):
    """The answer for a receipt; raises OSError or ValueError where it cannot begin."""
    policy = read_policy(options.policy) if options.policy else None
    key = log_key(options.key)
    report = Report()
    answer = {}
    try:
        judge_receipt(read_proof(options.path), policy, key, report, answer)
    except Fault as fault:
        report.add(fault.kind, fault.check)
    return proof_answer(answer, report)


def log_key(text):
    """The key of the command line; raises ValueError."""
    if text is None:
        return None
    try:
        key = parse_key(text)
    except ValueError as error:
        raise ValueError("--key: %s" % error) from None
    if key.kind != LOG_KEY:
        raise ValueError("--key: not a log's key (type 01)")
    return key


def judge_receipt(data, policy, key, report, answer):
    if not data.startswith(b"c2sp.org/tlog-proof@v1\n"):
        raise Fault("corrupt", "not a C2SP tlog-proof")
    lines, behind = read_lines(data, 3)
    record = from_base64(labelled(lines[1], "extra"))
    index = labelled_number(lines[2], "index")
    path = [hash_line(line) for line in lines[3:]]
    if record is None or not ENVELOPE_LEAST <= len(record) <= RECORD_MOST:
        raise Fault("corrupt", "extra is no record")
    answer["index"] = index
    note = note_or_fault(behind)
    answer["size"], answer["root"] = note.size, note.root.hex()
    if not inclusion_fits(index, note.size, leaf_hash(record), path, note.root):
        raise Fault("corrupt", "the path does not lead from the record to the root")
    describe_record(record, report, answer)
    trust_note(note, policy, key, report, answer)


def describe_record(record, report, answer):
    envelope = Envelope(*ENVELOPE.unpack_from(record))
    unknown = unknown_in(record)
    if unknown:
        report.add("unsupported", unknown)
    answer["kind"] = KINDS.get(envelope.kind, "0x%04x" % envelope.kind)
    known = envelope.record_class < len(CLASSES)
    answer["class"] = CLASSES[envelope.record_class] if known else str(envelope.record_class)
    answer["time"] = time_text(envelope.time)
    answer["time_ns"] = envelope.time


def time_text(nanoseconds):
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)
    fraction = (".%09d" % rest).rstrip("0") if rest else ""
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"


def trust_note(note, policy, key, report, answer):
    """Judges a receipt's signatures by a policy or by one log's key."""
    keys = (policy.keys() if policy else []) + ([key] if key else [])
    good, bad = check_signatures(note.text, note.signatures, keys)
    answer["keys"] = [one.name for one in good]
    if not keys and not policy:
        report.add("unsupported", "nothing was trusted: give --policy or --key")
    for name in bad:
        report.add("bad_signature", "signature of %s" % name)
    if policy and not policy.is_met(note, good):
        report.add("policy_not_met", "the checkpoint under the policy")
    if key and not signed_by_log(note, good, [key]):
        report.add("bad_signature", "no good signature of %s for its log" % key.name)


def verify_misbehaviour(options):
    """The answer for a proof of misbehaviour: 0 where it proves what it says."""
    key = log_key(options.key)
    report = Report()
    answer = {}
    try:
        judge_misbehaviour(read_proof(options.path), key, report, answer)
    except Fault as fault:
        report.add(fault.kind, fault.check)
    return proof_answer(answer, report)


def judge_misbehaviour(data, key, report, answer):
    if not data.startswith(b"schwabot/misbehaviour/v1\n"):
        raise Fault("corrupt", "not a schwabot/misbehaviour/v1")
    lines, behind = read_lines(data, 4)
    older_bytes = labelled_number(lines[1], "older")
    newer_bytes = labelled_number(lines[2], "newer")
    prefix = hash_line(labelled(lines[3], "prefix"))
    path = [hash_line(line) for line in lines[4:]]
    if older_bytes + newer_bytes != len(behind):
        raise Fault("corrupt", "the lengths of the notes")
    older, newer = note_or_fault(behind[:older_bytes]), note_or_fault(behind[older_bytes:])
    answer["origin"] = older.origin
    answer["older"] = {"size": older.size, "root": older.root.hex()}
    answer["newer"] = {"size": newer.size, "root": newer.root.hex()}
    answer["prefix"] = prefix.hex()
    if older.size > newer.size:
        raise Fault("corrupt", "the newer note is the smaller one")
    if not consistency_fits(older.size, newer.size, prefix, path, newer.root):
        raise Fault("corrupt", "the path does not lead from prefix to the newer root")
    if prefix == older.root:
        raise Fault("corrupt", "the trees do not contradict each other")
    if key is None:
        report.add("unsupported", "nothing was trusted: give --key")
        return
    for name, note in (("older", older), ("newer", newer)):
        good, bad = check_signatures(note.text, note.signatures, [key])
        if bad or not signed_by_log(note, good, [key]):
            report.add("bad_signature", "no good signature of %s on the %s note" % (key.name, name))


def verify_bundle(options):
    """The answer for an evidence bundle: 0 where its parts bear each other out."""
    report = Report()
    with open(os.path.join(options.path, "report.json"), "rb") as file:
        told = json.load(file)["report"]
    texts = [options.key] if options.key else told["keys"]
    answer = {"told": told["verdict"], "told_exit_code": told["exit_code"], "keys": texts}
    keys = [parse_key(text) for text in texts]
    trees = {(tree["size"], bytes.fromhex(tree["root"])) for tree in told["checkpoints"]}
    if told["head"]:
        trees.add((told["head"]["size"], bytes.fromhex(told["head"]["root"])))
    answer["notes"] = bundle_files(options.path, "notes", report, bundle_note(keys, report))
    answer["consistency"] = bundle_files(
        options.path, "consistency", report, bundle_consistency(trees)
    )
    answer["faults_kept"] = bundle_files(
        options.path, "faults", report, bundle_fault(told["faults"])
    )
    proof = os.path.join(options.path, "misbehaviour.txt")
    if os.path.exists(proof):
        bundle_misbehaviour(read_proof(proof), keys, report, answer)
    return proof_answer(answer, report)


def bundle_files(path, folder, report, judge):
    """Judges every file of a folder of the bundle; returns how many there are."""
    directory = os.path.join(path, folder)
    names = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
    for name in names:
        try:
            judge(name, read_proof(os.path.join(directory, name)))
        except Fault as fault:
            report.add(fault.kind, fault.check, file=os.path.join(folder, name))
    return len(names)


def bundle_note(keys, report):
    def judge(name, data):
        note = note_or_fault(data)
        good, bad = check_signatures(note.text, note.signatures, keys)
        if bad or not good:
            raise Fault("bad_signature", "no good signature of the keys that the report names")

    return judge


def bundle_consistency(trees):
    def judge(name, data):
        lines = data.decode("utf-8", "replace").split("\n")
        if lines[0] != "schwabot/consistency/v1" or lines[-1] != "" or len(lines) < 4:
            raise Fault("corrupt", "not a schwabot/consistency/v1")
        ends = []
        for line, word in ((lines[1], "from"), (lines[2], "to")):
            size, _, root = labelled(line, word).partition(" ")
            ends.append((labelled_number("size " + size, "size"), hash_line(root)))
        (older, older_root), (newer, newer_root) = ends
        path = [hash_line(line) for line in lines[3:-1]]
        if not consistency_fits(older, newer, older_root, path, newer_root):
            raise Fault("corrupt", "the path does not lead from one tree to the other")
        if not set(ends) <= trees:
            raise Fault("corrupt", "trees that the report does not name")

    return judge


def bundle_fault(faults):
    def judge(name, data):
        fault = faults[int(name.partition(".")[0])]
        if len(data) != min(fault["end"] - fault["offset"], 64 << 10):
            raise Fault("corrupt", "another length than the damaged range")

    return judge


def bundle_misbehaviour(data, keys, report, answer):
    """The proof must hold under one of the keys."""
    tried = []
    for key in keys:
        trial = Report()
        try:
            judge_misbehaviour(data, key, trial, answer)
        except Fault as fault:
            trial.add(fault.kind, fault.check)
        tried.append(trial)
    answer["misbehaviour_proven"] = any(not trial.faults for trial in tried)
    if not answer["misbehaviour_proven"]:
        report.add("bad_signature", "a proof of misbehaviour that no key bears out")


def proof_answer(answer, report):
    code, verdict = outcome(report.classes)
    verdict = verdict if code else "good"
    whole = {"verdict": verdict, "exit_code": code}
    whole.update(answer)
    whole["faults"] = [short(fault) for fault in report.faults]
    whole["not_checked"] = [short(fault) for fault in report.unchecked]
    return whole


def short(fault):
    return {"class": fault["class"], "check": fault["check"]}


# Output ------------------------------------------------------------------------------------------


def plain(text):
    """Text from outside, without anything that a terminal could take for a command."""
    return "".join(c if c.isprintable() else "\\u%04x" % ord(c) for c in str(text))


def as_text(answer):
    lines = ["verdict: %s" % answer["verdict"]]
    for name, value in answer.items():
        if name in ("verdict", "faults", "not_checked", "checkpoints", "first_bad"):
            continue
        if isinstance(value, dict):
            value = " ".join("%s %s" % pair for pair in value.items())
        elif isinstance(value, list):
            value = " ".join(str(one) for one in value)
        lines.append("%s: %s" % (name, "none" if value is None or value == "" else plain(value)))
    for checkpoint in answer.get("checkpoints", ()):
        lines.append("checkpoint: " + checkpoint_text(checkpoint))
    lines.extend("fault: " + fault_text(fault) for fault in answer["faults"])
    lines.extend("not checked: " + fault_text(fault) for fault in answer["not_checked"])
    return "\n".join(lines)


def checkpoint_text(checkpoint):
    if checkpoint["size"] is None:
        return "cannot be read"
    keys = " ".join(checkpoint["keys"]) or "no known key"
    holds = "holds" if checkpoint["holds"] else "proves nothing"
    return plain("size %d, %s, signed by %s" % (checkpoint["size"], holds, keys))


def fault_text(fault):
    text = "%s, %s" % (fault["class"], fault["check"])
    if fault.get("segment") is not None:
        text += ", segment %d, bytes %d to %d, record %d" % (
            fault["segment"], fault["offset"], fault["end"], fault["sequence"],
        )
    elif fault.get("sequence") is not None:
        text += ", size %d" % fault["sequence"]
    if fault.get("file") is not None:
        text += ", %s" % fault["file"]
    return plain(text)


# Self-check --------------------------------------------------------------------------------------


def known_answers():
    """Pairs of what this program computes and what others publish."""
    yield crc32c(b"123456789"), 0xE3069283
    yield crc32c(b"6789", b"12345"), 0xE3069283
    yield from blake3_answers()
    yield from ed25519_answers()
    yield from tree_answers()
    yield from note_answers()


BLAKE3_ANSWERS = (
    (0, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"),
    (1, "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"),
    (1023, "10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11"),
    (1024, "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7"),
    (1025, "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444"),
    (2048, "e776b6028c7cd22a4d0ba182a8bf62205d2ef576467e838ed6f2529b85fba24a"),
    (2049, "5f4d72f40d7a5f82b15ca2b2e44b1de3c2ef86c426c95c1af0b6879522563030"),
    (3072, "b98cb0ff3623be03326b373de6b9095218513e64f1ee2edd2525c7ad1e5cffd2"),
    (8193, "bab6c09cb8ce8cf459261398d2e7aef35700bf488116ceb94a36d0f5f1b7bc3b"),
    (102400, "bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085"),
)
BLAKE3_DERIVED = (
    (0, "2cc39783c223154fea8dfb7c1b1660f2ac2dcbd1c1de8277b0b0dd39b7e50d7d"),
    (1025, "effaa245f065fbf82ac186839a249707c3bddf6d3fdda22d1b95a3c970379bcb"),
)
BLAKE3_TEST_CONTEXT = b"BLAKE3 2019-12-27 16:29:52 test vectors context"


def blake3_answers():
    for length, digest in BLAKE3_ANSWERS:
        data = bytes(i % 251 for i in range(length))
        yield PlainBlake3().update(data).digest().hex(), digest
    for length, digest in BLAKE3_DERIVED:
        data = bytes(i % 251 for i in range(length))
        yield plain_derive_key(BLAKE3_TEST_CONTEXT).update(data).digest().hex(), digest


ED25519_ANSWERS = (
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
)


def ed25519_answers():
    for public, message, signature in ED25519_ANSWERS:
        public, message = bytes.fromhex(public), bytes.fromhex(message)
        signature = bytes.fromhex(signature)
        yield ed25519_verify(public, message, signature), True
        yield ed25519_verify(public, message + b"x", signature), False
        scalar = int.from_bytes(signature[32:], "little") + ORDER
        yield ed25519_verify(public, message, signature[:32] + scalar.to_bytes(32, "little")), False
    small = (1).to_bytes(32, "little")
    yield ed25519_verify(small, b"x", small + bytes(32)), False
    yield point_from((FIELD + 1).to_bytes(32, "little")), None


TREE_LEAVES = (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
)
TREE_ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


def tree_answers():
    leaves = [leaf_hash(bytes.fromhex(leaf)) for leaf in TREE_LEAVES]
    tree, roots = Frontier(), [bytes.fromhex(root) for root in TREE_ROOTS]
    yield tree.root(), roots[0]
    for size, leaf in enumerate(leaves, 1):
        tree.append(leaf)
        yield tree.root(), roots[size]
    for size in range(1, 9):
        yield all(proofs_fit(leaves[:size], roots)), True
    yield inclusion_fits(0, 2, leaves[0], [leaves[0]], roots[2]), False
    yield consistency_fits(1, 2, roots[1], [leaves[0]], roots[2]), False


def subtree(leaves):
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(subtree(leaves[:half]), subtree(leaves[half:]))


def inclusion_path(index, leaves):
    if len(leaves) == 1:
        return []
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if index < half:
        return inclusion_path(index, leaves[:half]) + [subtree(leaves[half:])]
    return inclusion_path(index - half, leaves[half:]) + [subtree(leaves[:half])]


def consistency_path(older, leaves, whole=True):
    if older == len(leaves):
        return [] if whole else [subtree(leaves)]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if older <= half:
        return consistency_path(older, leaves[:half], whole) + [subtree(leaves[half:])]
    return consistency_path(older - half, leaves[half:], False) + [subtree(leaves[:half])]


def proofs_fit(leaves, roots):
    size = len(leaves)
    for index, leaf in enumerate(leaves):
        path = inclusion_path(index, leaves)
        yield inclusion_fits(index, size, leaf, path, roots[size])
        yield not inclusion_fits(index, size, leaf, path + [leaf], roots[size])
    for older in range(1, size + 1):
        path = consistency_path(older, leaves)
        yield consistency_fits(older, size, roots[older], path, roots[size])
        yield not consistency_fits(older, size, roots[older], path + [leaves[0]], roots[size])


NOTE_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NOTE_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
NOTE_SIGNATURE = (
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXg"
    "KvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE_NOTE = (
    "This is an example message.\n\n\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXpp"
    "zi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
LOG_KEY_TEXT = (
    "arche2025h1.staging.ct.transparency.dev+ba2f06c0+"
    "AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
)
WITNESS_KEY_TEXT = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
COSIGNED = (
    "arche2025h1.staging.ct.transparency.dev\n1432088532\n"
    "U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=\n\n"
    "\u2014 arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhU"
    "kzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=\n"
    "\u2014 remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIo"
    "bWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==\n"
)


def note_answers():
    key = parse_key(NOTE_KEY)
    text, signatures = parse_signed((NOTE_TEXT + "\n" + NOTE_SIGNATURE).encode())
    yield text, NOTE_TEXT.encode()
    yield check_signatures(text, signatures, [key]), ([key], [])
    yield check_signatures(text + b"x", signatures, [key]), ([], ["PeterNeumann"])
    yield refuses(parse_key, NOTE_KEY.replace("c74f", "c74e")), True
    yield refuses(parse_signed, NOTE_TEXT.encode()), True
    yield refuses(parse_note, (NOTE_TEXT + "\n" + NOTE_SIGNATURE).encode()), True
    example = parse_key(EXAMPLE_KEY)
    yield check_signatures(*parse_signed(EXAMPLE_NOTE.encode()), [example]), ([example], [])
    yield from cosigned_answers()
    policy = Policy(b"# one\nlog %s\nquorum none\n" % NOTE_KEY.encode())
    yield policy.keys(), [key]
    yield refuses(Policy, b"quorum x\n"), True
    yield refuses(Policy, b"log %s\n" % NOTE_KEY.encode()), True
    yield refuses(Policy, b"quorum none\nquorum none\n"), True


def cosigned_answers():
    """A checkpoint of a log and a witness that anybody may look up."""
    log, witness = parse_key(LOG_KEY_TEXT), parse_key(WITNESS_KEY_TEXT)
    note = parse_note(COSIGNED.encode())
    yield (note.origin, note.size, witness.kind), (log.name, 1432088532, WITNESS_KEY)
    good, bad = check_signatures(note.text, note.signatures, [witness, log])
    yield (good, bad), ([log, witness], [])
    lines = "log %s\nwitness w %s\nquorum w\n" % (LOG_KEY_TEXT, WITNESS_KEY_TEXT)
    policy = Policy(lines.encode())
    yield policy.is_met(note, good), True
    yield policy.is_met(note, [log]), False
    yield policy.is_met(note, [witness]), False
    later = note.text.replace(b"1432", b"1433")
    yield check_signatures(later, note.signatures, [witness]), ([], [witness.name])


def refuses(function, data):
    try:
        function(data)
    except ValueError:
        return True
    return False


def self_check():
    passed = failed = 0
    for number, (found, due) in enumerate(known_answers()):
        if found == due:
            passed += 1
        else:
            failed += 1
            print("answer %d: %r, not %r" % (number, found, due))
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


# Command line ------------------------------------------------------------------------------------


def parse_options(arguments):
    parser = argparse.ArgumentParser(
        prog="verify.py", description="Checks ledgers, receipts, proofs and evidence bundles."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    ledger = commands.add_parser("ledger", help="check a ledger and its checkpoints")
    ledger.add_argument("path", metavar="LEDGER")
    ledger.add_argument("--against", metavar="NOTE", help="an older checkpoint from elsewhere")
    ledger.add_argument("--policy", metavar="FILE", help="a C2SP tlog-policy")
    receipt = commands.add_parser("receipt", help="check the receipt of a record")
    receipt.add_argument("path", metavar="FILE")
    trust = receipt.add_mutually_exclusive_group()
    trust.add_argument("--policy", metavar="FILE", help="a C2SP tlog-policy")
    trust.add_argument("--key", metavar="VKEY", help="the log's verifier key")
    misbehaviour = commands.add_parser("misbehaviour", help="check a proof of misbehaviour")
    misbehaviour.add_argument("path", metavar="FILE")
    misbehaviour.add_argument("--key", metavar="VKEY", help="the log's verifier key")
    bundle = commands.add_parser("bundle", help="check an evidence bundle")
    bundle.add_argument("path", metavar="DIR")
    bundle.add_argument("--key", metavar="VKEY", help="the log's verifier key")
    for command in (ledger, receipt, misbehaviour, bundle):
        command.add_argument("--json", action="store_true", help="answer with one JSON object")
    commands.add_parser("self-check")
    return parser.parse_args(arguments)


COMMANDS = {
    "ledger": verify_ledger,
    "receipt": verify_receipt,
    "misbehaviour": verify_misbehaviour,
    "bundle": verify_bundle,
}


def main(arguments=None):
    options = parse_options(arguments)
    if options.command == "self-check":
        return self_check()
    try:
        answer = COMMANDS[options.command](options)
    except (OSError, ValueError) as error:
        fault = {"class": "failure", "check": str(error)}
        answer = {"verdict": "not_checked", "exit_code": 2, "faults": [], "not_checked": [fault]}
    say(json.dumps(answer) if options.json else as_text(answer))
    return answer["exit_code"]


def say(text):
    """Prints, whatever the terminal can show and whether or not anybody still reads."""
    try:
        sys.stdout.reconfigure(errors="backslashreplace")
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
