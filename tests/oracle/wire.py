"""Journals as bytes: protobuf by hand, and the packed journal file (consumers/journal_file_priv.h)."""

import ctypes
import ctypes.util
import struct

_xxhash = ctypes.CDLL(ctypes.util.find_library("xxhash"))
_xxhash.XXH3_64bits.restype = ctypes.c_uint64
_xxhash.XXH3_64bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]

# Messages by field number: name, and "int", "text", an enum's names, another message, or [message] for many. `*` before a
# type: written even when it is 0, as the members of a oneof are.
KINDS = ["GOODS", "SHIPPING", "TAX", "FEE", "GIFT_CARD"]
ACTIVITIES = ["UNSPECIFIED", "CHECK_IN", "REVIEW", "SHARE", "SHARE_CLICK", "SHARE_CONVERSION", "FEEDBACK_ADOPTED", "SURVEY",
              "EVENT_ATTENDANCE", "CONTENT_CONTRIBUTION", "PROFILE_COMPLETION", "BIRTHDAY"]
ATTRIBUTE = {1: ("key", "text"), 2: ("value", "text")}
REFERENCE = {1: ("source", "text"), 2: ("id", "text")}
RATIO = {1: ("numerator", "int"), 2: ("denominator", "int")}
BIRTHDAY = {1: ("month", "int"), 2: ("day", "int")}
LOT = {2: ("partition", "int"), 3: ("ordinal", "int"), 4: ("index", "int")}
REASON = {1: ("reason", "text"), 2: ("actor", "text")}
LINE = {1: ("line_id", "text"), 2: ("kind", KINDS), 3: ("sku", "text"), 4: ("category", "text"), 5: ("brand", "text"),
        6: ("quantity_milli", "int"), 7: ("amount_minor", "int"), 8: ("discount_minor", "int"), 9: ("tax_minor", "int"),
        10: ("attributes", [ATTRIBUTE])}
REFUND_LINE = {1: ("line_id", "text"), 2: ("amount_minor", "int"), 3: ("quantity_milli", "int"), 4: ("kind", KINDS),
               5: ("sku", "text"), 6: ("category", "text"), 7: ("brand", "text")}
REWARD = {1: ("reward_id", "text"), 2: ("count", "int")}
PAYMENT = {1: ("order_id", "text"), 2: ("currency", "text"), 3: ("amount_minor", "int"), 4: ("order_total_minor", "int")}
CHOICE = {1: ("lots", [LOT]), 2: ("currency", "text"), 3: ("expiring_from_ms", "int"), 4: ("expiring_until_ms", "int")}


def _spending(name, *rest):
    fields = [(name, "text"), ("currencies", ["text"]), ("points", "*int"), ("reward", REWARD), ("payment", PAYMENT), *rest]
    return dict(enumerate(fields, 1))


def _texts(*names):
    return {number: (name, "text") for number, name in enumerate(names, 1)}


PAYLOADS = {
    30: ("purchase", {**_texts("order_id", "currency"), 3: ("lines", [LINE]), 4: ("points_tender_minor", "int"),
                      5: ("gift_card_minor", "int"), 6: ("channel", "text"), 7: ("store", "text"), 8: ("partner", "text"),
                      9: ("attributes", [ATTRIBUTE])}),
    31: ("refund", {**_texts("order_id", "refund_id"), 3: ("style", ["DELTA", "CUMULATIVE"]), 4: ("currency", "text"),
                    5: ("lines", [REFUND_LINE]), 6: ("amount_minor", "int"), 7: ("channel", "text"), 8: ("store", "text"),
                    9: ("partner", "text"), 10: ("reason", "text"), 11: ("attributes", [ATTRIBUTE])}),
    32: ("cancellation", _texts("order_id", "reason")),
    33: ("delivered", _texts("order_id")),
    40: ("activity", {1: ("kind", {**{name: number for number, name in enumerate(ACTIVITIES)}, "APP_DEFINED": 100}),
                      2: ("app_kind", "text"), 3: ("reference", "text"), 4: ("value", "int"), 5: ("order_id", "text"),
                      6: ("channel", "text"), 7: ("store", "text"), 8: ("partner", "text"), 9: ("attributes", [ATTRIBUTE])}),
    60: ("redeem", _spending("spend_id", ("reason", "text"), ("actor", "text"), ("channel", "text"), ("store", "text"),
                             ("attributes", [ATTRIBUTE]))),
    61: ("cancel_redemption", {1: ("spend_id", "text"), 2: ("points", "int"), 3: ("reason", "text"), 4: ("actor", "text")}),
    62: ("hold", _spending("hold_id", ("timeout_ms", "int"), ("reason", "text"), ("actor", "text"), ("channel", "text"),
                           ("store", "text"), ("attributes", [ATTRIBUTE]))),
    63: ("capture_hold", {1: ("hold_id", "text"), 2: ("points", "int"), 3: ("reason", "text")}),
    64: ("release_hold", _texts("hold_id", "reason")),
    70: ("grant", {1: ("currency", "text"), 2: ("points", "int"), 3: ("reason", "text"), 4: ("actor", "text"),
                   5: ("activates_at_ms", "int"), 6: ("expires_at_ms", "int"), 7: ("never_expires", "int"),
                   8: ("order_id", "text"), 9: ("funder", "text"), 10: ("unit_cost_minor", RATIO),
                   11: ("cost_currency", "text"), 12: ("qualifies", "int"), 13: ("attributes", [ATTRIBUTE])}),
    71: ("adjust", {1: ("currency", "text"), 2: ("points", "int"), 3: ("reason", "text"), 4: ("actor", "text"),
                    5: ("may_owe", "int"), 6: ("expires_at_ms", "int"), 7: ("never_expires", "int")}),
    72: ("approve", {1: ("awaiting", REFERENCE), 2: ("actor", "text"), 3: ("reason", "text")}),
    73: ("extend_lots", {1: ("choice", CHOICE), 2: ("expires_at_ms", "*int"), 3: ("days", "*int"), 4: ("reason", "text"),
                         5: ("actor", "text")}),
    74: ("reinstate_lots", {1: ("choice", CHOICE), 2: ("expires_at_ms", "int"), 3: ("reason", "text"), 4: ("actor", "text")}),
    75: ("renew_lots", {1: ("choice", CHOICE), 2: ("share", RATIO), 3: ("expires_at_ms", "int"), 4: ("reason", "text"),
                        5: ("actor", "text")}),
    76: ("release_quarantine", {1: ("granted_by", REFERENCE), 2: ("reason", "text"), 3: ("actor", "text")}),
    77: ("reject_quarantine", {1: ("granted_by", REFERENCE), 2: ("reason", "text"), 3: ("actor", "text")}),
    80: ("enrol", {1: ("birthday", BIRTHDAY), 2: ("channel", "text"), 3: ("store", "text"), 4: ("partner", "text"),
                   5: ("attributes", [ATTRIBUTE])}),
    81: ("profile_update", {1: ("birthday", BIRTHDAY)}),
    82: ("suspend", REASON), 83: ("resume", REASON), 84: ("freeze", REASON), 85: ("unfreeze", REASON), 86: ("close", REASON),
    87: ("reopen", REASON),
    88: ("tier_override", {1: ("group", "text"), 2: ("tier", "text"), 3: ("until_ms", "int"), 4: ("reason", "text"),
                           5: ("actor", "text")}),
    89: ("end_tier_override", _texts("group", "reason", "actor")),
}
EVENT = {1: ("source", "text"), 2: ("id", "text"), 3: ("member", "text"), 4: ("guest", "text"), 10: ("occurred_at_ms", "int"),
         11: ("correlation_id", "text"), 12: ("traceparent", "text"), **PAYLOADS}
KINDS_OF_EVENTS = [name for name, _ in PAYLOADS.values()]


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

def _delimited(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def _field(number, kind, value):
    if isinstance(kind, list) and not isinstance(kind[0], str):
        return b"".join(_delimited(number, encoded(kind[0], each)) for each in value)
    if kind == ["text"]:
        return b"".join(_delimited(number, each.encode()) for each in value)
    if isinstance(kind, list):
        value = kind.index(value)
    elif isinstance(kind, dict) and isinstance(value, str):
        value = kind[value]
    elif isinstance(kind, dict):
        return _delimited(number, encoded(kind, value))
    elif kind == "text":
        return _delimited(number, value.encode()) if value else b""
    return varint(number << 3) + varint(int(value)) if value or kind[0] == "*" else b""


def encoded(fields, value):
    """A message, given as JSON has it, in the order of its fields' numbers."""
    unknown = value.keys() - {name for name, _ in fields.values()}
    if unknown:
        raise ValueError(f"no such fields: {unknown}")
    return b"".join(_field(number, kind, value[name]) for number, (name, kind) in fields.items() if name in value)


def event_bytes(event):
    return encoded(EVENT, event)


def genesis_bytes(partition, partitions):
    """Record 0 of a history journal."""
    body = message([(1, 1), (2, 1), (3, b"the second ledger"[:16]), (4, "p"), (5, partitions), (6, partition), (7, 2)])
    return _delimited(3, body)


def entry_bytes(entry):
    """An entry of the journal; `activation` is bytes that a real journal had."""
    time = message([(1, entry["time"])])
    for name, number in (("event", 2), ("tick", 4), ("activation", 7)):
        if name in entry:
            body = {"event": event_bytes, "tick": lambda _: b"", "activation": bytes}[name](entry[name])
            return time + _delimited(number, body)
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


def entry_of(data, events, spoiled):
    """An entry as the oracle folds it, or None: record 0, claims. `events` knows each event by its bytes, `spoiled` the
    verdict of each one with a mistake of form."""
    fields = read(data)
    entry = {"time": fields.get(1, [0])[0]}
    if 2 in fields:
        entry["event"] = events[fields[2][0]]
        if fields[2][0] in spoiled:
            entry["bad_form"] = spoiled[fields[2][0]]
    elif 4 in fields:
        entry["tick"] = True
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
