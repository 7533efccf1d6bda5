"""What the ledger and the oracle say, in one form, and the first difference between the two.

The form is that of outputs as JSON (output.proto), without defaults: an event is (source, id), a lot (ordinal, index), a
subject ("member" or "guest", id), an enum's value has no prefix.
"""

FIELDS = {
    "postings": ["subject", "kind", "from", "to", "currency", "points", "activeAfter", "arrearsAfter", "event", "orderId",
                 "spendId", "holdId", "reason", "actor", "occurredAtMs", "journalTimeMs", "effectiveAtMs", "lot", "rule",
                 "ruleVersion", "scale", "lotEarnedAtMs", "lotActivatesAtMs", "lotExpiresAtMs", "lotExpiredBeforeMs",
                 "funder"],
    "outcomes": ["subject", "event", "verdict", "firstVerdict", "ordinal", "occurredAtMs", "journalTimeMs", "amounts",
                 "waiting", "further"],
    "tiers": ["subject", "group", "from", "to", "direction", "reason", "cause", "metricValue", "metrics", "effectiveAtMs",
              "validUntilMs", "journalTimeMs", "ruleVersion", "actor", "note"],
    "notices": None,  # all, under the kind's name
}
NOTICES = ("expiringSoon", "missionCompleted", "badgeAwarded", "tierAtRisk", "quarantined", "limitFlagged", "unknownOrder",
           "refundClamped", "approvalWanted", "approvalLapsed", "tiersReevaluated", "holdTimedOut")


def plain(value):
    """Without defaults; whole numbers that JSON gives as texts become numbers again."""
    if isinstance(value, dict):
        found = {name: plain(each) for name, each in value.items()}
        found = {name: each for name, each in found.items() if each not in (None, "", 0, [], {}, ())}
        return (found["source"], found["id"]) if found.keys() == {"source", "id"} else found
    if isinstance(value, (list, tuple)):
        return type(value)(map(plain, value))
    if isinstance(value, str) and value.lstrip("-").isdigit():
        return int(value)
    return value


def _shown(item, topic):
    """An output as JSON, with the oracle's names."""
    item = dict(item)
    item["subject"] = next(((name, item[name]) for name in ("guest", "member") if name in item), None)  # None: the programme
    if topic == "outcomes":
        item.update(verdict=item["verdictName"], firstVerdict=item.get("firstVerdictName"))
    if topic == "postings":
        item.update({name: item[name].removeprefix("ACCOUNT_") for name in ("from", "to")})
        if "lot" in item:
            item["lot"] = (int(item["lot"].get("ordinal", 0)), int(item["lot"].get("index", 0)))
    if topic == "notices":
        kind = next(name for name in NOTICES if name in item)
        item.update(item[kind], kind=kind)
        item = {name: value for name, value in item.items() if name not in ("member", "guest", kind)}
    return item


def _chosen(item, topic):
    subject, fields = item["subject"], FIELDS[topic]
    item = plain({name: value for name, value in item.items() if fields is None or name in fields})
    if topic == "postings" and not item.get("lot"):
        item = {name: value for name, value in item.items() if name not in ("rule", "ruleVersion", "scale")}
    if "amounts" in item:  # by currency; the law gives them no order
        item["amounts"] = sorted(item["amounts"], key=lambda amount: amount["currency"])
    item["subject"] = subject
    return item


def of_ledger(items, topic):
    return [_chosen(_shown(item, topic), topic) for item in items]


def of_oracle(items, topic):
    return [_chosen(item, topic) for item in items]


def difference(what, said, expected):
    """The first, in words, or None."""
    for i, (mine, other) in enumerate(zip(said, expected)):
        if mine == other:
            continue
        names = sorted(name for name in {**mine, **other} if mine.get(name) != other.get(name))
        about = "\n".join(f"  {name}: ledger {mine.get(name)!r}, oracle {other.get(name)!r}" for name in names)
        return f"{what} {i} differ:\n{about}\n ledger {mine}\n oracle {other}"
    if len(said) != len(expected):
        more, who = (said, "ledger") if len(said) > len(expected) else (expected, "oracle")
        first = min(len(said), len(expected))
        return f"only the {who} has {what} {first}: {more[first]}"
    return None


def explained(items):
    """What is wrong with the explanation of a grant: its parts sum to what was granted (U3); None when all are right."""
    for item in items:
        if "explanation" not in item:
            continue
        why = item["explanation"]
        parts = sum(int(part.get("points", 0)) for part in why.get("parts", []))
        if parts != int(why.get("granted", 0)):
            return f"the parts of an explanation sum to {parts}, granted were {why.get('granted', 0)}: {item}"
    return None
