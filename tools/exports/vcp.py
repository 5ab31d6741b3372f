"""Checks a file of VCP events from what VCP 1.2 and RFC 6962 say alone."""

import hashlib
import json
import re

HEADER = {
    "EventID", "TimestampISO", "TimestampInt", "EventType", "ActorID", "ChainID", "SequenceNum",
    "PolicyID",
}
EVENT_TYPES = set(
    "INIT SIG ORD ACK EXE CXL MOD RSK ERR HBT CLS ANC ERR_CONN ERR_AUTH ERR_TIMEOUT ERR_REJECT "
    "ERR_PARSE ERR_SYNC ERR_RISK ERR_SYSTEM ERR_RECOVER ERASURE".split()
)
UUID_7 = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")


def sha256(data):
    return hashlib.sha256(data).digest()


def root(leaves):
    """RFC 6962, section 2.1, by its recursion."""
    if len(leaves) == 1:
        return sha256(b"\0" + leaves[0])
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\1" + root(leaves[:split]) + root(leaves[split:]))


def canonical(value, dumps):
    """RFC 8785 text. The numbers of a header exceed what the package takes, so they are put in
    behind it: for whole seconds the text is the same."""
    if "TimestampInt" not in value:
        return dumps(value)
    number = value["TimestampInt"]
    assert float(number) == number, "not the same as a double"
    text = dumps({**value, "TimestampInt": 0}).decode()
    return text.replace('"TimestampInt":0', f'"TimestampInt":{number}', 1).encode()


def check(path, dumps):
    """Checks every event and batch, and says how many there were."""
    previous, batch, ids, batches = b"", [], set(), 0
    with path.open() as file:
        about = json.loads(next(file))
        for line in file:
            event = json.loads(line)
            if event.get("type") == "batch":
                hashes = [bytes.fromhex(known["Security"]["EventHash"][7:]) for known in batch]
                assert root(hashes).hex() == event["MerkleRoot"]
                for place, known in enumerate(batch):
                    assert known["Security"]["MerkleRoot"] == event["MerkleRoot"]
                    assert known["Security"]["MerkleIndex"] == place
                assert len(batch) == event["EventCount"]
                assert batch[0]["Header"]["EventID"] == event["FirstEventID"]
                assert batch[-1]["Header"]["EventID"] == event["LastEventID"]
                batch, batches = [], batches + 1
                continue
            header, payload, security = event["Header"], event["Payload"], event["Security"]
            assert set(header) == HEADER and header["EventType"] in EVENT_TYPES
            assert UUID_7.match(header["EventID"]) and header["EventID"] not in ids
            assert int(header["EventID"].replace("-", "")[:12], 16) == (
                header["TimestampInt"] // 1_000_000
            )
            assert header["SequenceNum"] == len(ids)
            assert payload and all(re.match("^VCP-[A-Z]+$", name) for name in payload)
            text = canonical(header, dumps) + canonical(payload, dumps)
            digest = sha256(text + previous).hex()
            assert security["EventHash"] == "sha256:" + digest, header
            assert security.get("PrevHash", "sha256:") == "sha256:" + previous.decode()
            previous = digest.encode()
            ids.add(header["EventID"])
            batch.append(event)
    assert not batch and len(ids) == about["rows"]
    return f"VCP: {len(ids)} events in {batches} batches: ids, hashes, links and roots as VCP says"
