"""What the worlds reached: keys and words of the rulebook, what conditions are made of, verdicts, postings, notices, changes
of tiers, and phases of explanations. What there is to reach is read from the schemas and the table of verdicts, so that a new
key or verdict is missed until it is drawn."""

import collections
import json
import re

from rig import ROOT
from words import ACTIVITY_WORDS

# Belongs to what crosses members, or is no event of a member; rounding is told by the whole points of each part.
ELSEWHERE = {
    "verdict": {"hole"},
    "posting": {"UNSPECIFIED", "SEND", "RETURN", "RECEIVE", "MERGE", "FUND"},
    "notice": {"board_closed", "referral_moved", "ring_suspected"},
    "direction": {"UNSPECIFIED"},
    "reason": {"UNSPECIFIED", "MERGE"},
    "phase": {"UNSPECIFIED", "ROUNDING"},
}
NAMED = {"currencies", "funders", "stores", "metrics", "write_off"}  # maps from names
KEYS_LEFT_OUT = {"examples"}  # read by `tally rules test` alone
# Words that are no choice in the schema, as {path: shapes}; N stands for a number.
SHAPES = {
    "tiers[].window": ["calendar year", "calendar quarter", "calendar month", "calendar week", "rolling N days",
                       "rolling N months", "member anniversary", "lifetime"],
    "caps[].per": ["event", "day", "week", "month", "quarter", "year", "lifetime", "N days"],
    "currencies.NAME.expiry.counts[]": ["purchase", "redeem", "hold", "delivered", "activity", "check_in", *ACTIVITY_WORDS],
    "currencies.NAME.expiry.after": ["N days", "N weeks", "N months", "N years"],
    "awards[].activity": ["check_in", *ACTIVITY_WORDS],
    "tiers[].metric.visits": ["purchase", "check_in", *ACTIVITY_WORDS],
    "members.unknown": ["auto-enrol", "park", "reject"],
}
CONDITION_SIGNS = ["&&", "||", "!", "?", "==", "!=", "<", "<=", ">", ">=", "in", "+", "-", "*", "/", "%", "has", "size",
                   "startsWith", "exists", "all", "timestamp", "order", "line", "activity", "spend", "member", "event"]
SIGN = re.compile(r'"[^"]*"|&&|\|\||[=!<>]=|[-+*/%<>!?]|[a-zA-Z_]+')


def _branches(schema):
    for name in ("oneOf", "anyOf"):
        for each in schema.get(name, []):
            yield from _branches(each)
    yield schema


def expected_of_schema(schema, path=""):
    for branch in _branches(schema):
        for word in branch.get("enum", []) + ([branch["const"]] if "const" in branch else []):
            yield f"{path}={word}"
        if "items" in branch:
            yield from expected_of_schema(branch["items"], path + "[]")
        if isinstance(branch.get("additionalProperties"), dict):
            yield from expected_of_schema(branch["additionalProperties"], path + ".NAME")
        for key, each in branch.get("properties", {}).items():
            if key in KEYS_LEFT_OUT:
                continue
            inner = f"{path}.{key}".lstrip(".")
            yield inner
            yield from expected_of_schema(each, inner)


def _names(text, pattern):
    return re.findall(r"^\s*(\w+) = \d+;", re.search(pattern + r" \{(.*?)\}", text, re.DOTALL)[1], re.MULTILINE)


def expected():
    """Everything there is to reach."""
    schema = json.loads((ROOT / "schemas/rulebook.schema.json").read_text())
    found = {f"rulebook {item}" for item in expected_of_schema(schema)}
    found |= {f"rulebook {path}={shape}" for path, shapes in SHAPES.items() for shape in shapes}
    found |= {f"condition {sign}" for sign in CONDITION_SIGNS}
    verdicts = re.findall(r"^VERDICT\(\d+, \w+, (\w+)", (ROOT / "engine/core/verdict.def").read_text(), re.MULTILINE)
    outputs = (ROOT / "schemas/tallybook/v1/output.proto").read_text()
    lists = {
        "verdict": verdicts, "posting": _names(outputs, "message Posting.*?enum Kind"),
        "direction": _names(outputs, "enum Direction"), "phase": _names(outputs, "enum Phase"),
        "reason": [name.removeprefix("REASON_") for name in _names(outputs, "enum Reason")],
        "notice": re.findall(r"\w+ (\w+) = ", re.search(r"oneof kind \{(.*?)\}", outputs, re.DOTALL)[1])}
    return found | {f"{what} {name}" for what, names in lists.items() for name in names if name not in ELSEWHERE[what]}


class Coverage(collections.Counter):
    def book(self, node, path=""):
        """The keys and words of a drawn rulebook."""
        if isinstance(node, dict):
            for key, each in node.items():
                named = path.rpartition(".")[2] in NAMED or path.endswith("levels[].from")
                inner = path + ".NAME" if named else f"{path}.{key}".lstrip(".")
                self[f"rulebook {inner}"] += 1
                self.book(each, inner)
        elif isinstance(node, list):
            for each in node:
                self.book(each, path + "[]")
        else:
            self[f"rulebook {path}={node}"] += 1
            self[f"rulebook {path}={re.sub(r'[0-9]+', 'N', str(node), count=1)}"] += 1
            if path.endswith(".when"):
                self.update(f"condition {sign}" for sign in SIGN.findall(node))

    def ledger(self, ledger):
        self.update(f"verdict {each['verdict']}" for each in ledger.outcomes)
        self.update(f"posting {each['kind']}" for each in ledger.postings)
        self.update(f"notice {re.sub('[A-Z]', lambda m: '_' + m[0].lower(), each['kind'])}" for each in ledger.notices)
        for each in ledger.tiers:
            self[f"direction {each['direction']}"] += 1
            self[f"reason {each.get('reason')}"] += 1

    def explanations(self, postings):
        self.update(f"phase {part['phase']}" for each in postings if "explanation" in each
                    for part in each["explanation"].get("parts", []))

    def missing(self):
        return sorted(item for item in expected() if self[item] == 0)

    def report(self):
        """A line for each kind of thing: how many of how many were reached."""
        reached, total = collections.Counter(), collections.Counter()
        for item in expected():
            total[item.split()[0]] += 1
            reached[item.split()[0]] += self[item] > 0
        return ", ".join(f"{reached[what]} of {total[what]} {what}s" for what in total)
