"""Journals as bytes: protobuf by hand, and the packed journal file (consumers/journal_file_priv.h)."""

import ctypes
import ctypes.util
import struct

_xxhash = ctypes.CDLL(ctypes.util.find_library("xxhash"))
_xxhash.XXH3_64bits.restype = ctypes.c_uint64
_xxhash.XXH3_64bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]

KINDS = ["goods", "shipping", "tax", "fee", "gift card"]
PAYLOADS = {30: "purchase", 31: "refund", 32: "cancellation", 60: "redeem", 80: "enrol"}
SUBJECTS = {3: "member", 4: "guest"}


def hash64(data):
    return _xxhash.XXH3_64bits(data, len(data))


# ---- protobuf ----

def varint(value):
    value &= 2 ** 64 - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def message(fields):
    """(number, value) in order: integers as varints, texts and bytes length-delimited; None and 0 are left out."""
    out = bytearray()
    for number, value in fields:
        if value is None or value == 0 or value == "":
            continue
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
        else:
            data = value.encode() if isinstance(value, str) else value
            out += varint(number << 3 | 2) + varint(len(data)) + data
    return bytes(out)


def read(data):
    """{number: [values]}; of the wire types those that journals have."""
    fields, at = {}, 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        tag = number()
        if tag & 7 == 0:
            value = number()
        elif tag & 7 == 1:
            value, at = data[at:at + 8], at + 8
        else:
            size = number()
            value, at = data[at:at + size], at + size
        fields.setdefault(tag >> 3, []).append(value)
    return fields


# ---- events ----

def _line(line):
    return message([(1, line.get("line_id")), (2, KINDS.index(line["kind"])), (4, line.get("category")),
                    (7, line["amount"]), (8, line["discount"]), (9, line["tax"])])


def _refund_line(line):
    return message([(1, line.get("line_id")), (2, line["amount"]), (4, KINDS.index(line["kind"])),
                    (6, line.get("category"))])


def payload_bytes(kind, payload):
    if kind == "purchase":
        return message([(1, payload["order_id"]), (2, payload["currency"])] +
                       [(3, _line(line)) for line in payload["lines"]] +
                       [(4, payload["points_tender"]), (5, payload["gift_card"])])
    if kind == "refund":
        return message([(1, payload["order_id"]), (2, payload["refund_id"]), (4, payload["currency"])] +
                       [(5, _refund_line(line)) for line in payload["lines"]] + [(6, payload["amount"])])
    if kind == "cancellation":
        return message([(1, payload["order_id"])])
    if kind == "redeem":
        return message([(1, payload["spend_id"]), (2, payload.get("currency")), (3, payload["points"])])
    return b""


def event_bytes(event):
    kind = next(number for number, name in PAYLOADS.items() if name == event["kind"])
    subject = next(number for number, name in SUBJECTS.items() if name == event["subject"][0])
    payload = payload_bytes(event["kind"], event["payload"])
    return message([(1, event["source"]), (2, event["id"]), (subject, event["subject"][1]),
                    (10, event["occurred"])]) + varint(kind << 3 | 2) + varint(len(payload)) + payload


def entry_bytes(entry):
    """An entry of the journal; `activation` is bytes that a real journal had."""
    time = message([(1, entry["time"])])
    for name, number in (("event", 2), ("tick", 4), ("activation", 7)):
        if name in entry:
            body = event_bytes(entry["event"]) if name == "event" else entry[name]
            return time + varint(number << 3 | 2) + varint(len(body)) + body
    raise ValueError(entry)


def record_bytes(entries):
    return b"".join(b"\x0a" + varint(len(entry)) + entry for entry in entries)


# ---- the packed file ----

def write_journal(path, partitions):
    """A list of records for each partition."""
    out = bytearray(struct.pack("<8sII", b"TBpacked", 1, len(partitions)))
    out += struct.pack("<Q", hash64(bytes(out)))
    chain = count = payload_bytes_sum = 0
    for partition, records in enumerate(partitions):
        for offset, payload in enumerate(records):
            rest = struct.pack("<IIqq", len(payload), partition, offset, 1) + payload
            digest = hash64(rest)
            out += struct.pack("<Q", digest) + rest
            chain = hash64(struct.pack("<QQ", chain, digest))
            count, payload_bytes_sum = count + 1, payload_bytes_sum + len(payload)
    rest = struct.pack("<IIQQQ", 24, 0xFFFFFFFF, count, payload_bytes_sum, chain)
    path.write_bytes(out + struct.pack("<Q", hash64(rest)) + rest)


def entry_of(data, events):
    """An entry as the oracle folds it, or None: record 0, claims. `events` knows each event by its bytes."""
    fields = read(data)
    entry = {"time": fields.get(1, [0])[0]}
    if 2 in fields:
        entry["event"] = events[fields[2][0]]
    elif 4 in fields:
        entry["tick"] = b""
    elif 7 in fields:
        entry["activation"] = read(fields[7][0])[2][0] - 1  # versions count from 1
    elif 10 in fields:
        forward = read(fields[10][0])
        entry.update(event=events[forward[1][0]], first_append=forward[2][0])
    else:
        return None
    return entry


def read_journal(path):
    """The entries of each partition, as bytes."""
    data = path.read_bytes()
    partitions = [[] for _ in range(struct.unpack_from("<I", data, 12)[0])]
    at = 24
    while True:
        size, partition = struct.unpack_from("<II", data, at + 8)
        if partition == 0xFFFFFFFF:
            return partitions
        partitions[partition] += read(data[at + 32:at + 32 + size]).get(1, [])
        at += 32 + size
