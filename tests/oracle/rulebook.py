"""A rulebook as the oracle reads it: the YAML that operators write, with the defaults of docs/rulebook.md.

Reads the part of YAML that rulebooks use: maps and lists by indentation, `{…}` and `[…]`, comments, quoted and plain
texts. What is not one of these is an error, never a guess.
"""

import datetime
import fractions
import re

from civil import EPOCH, MILLISECOND, Zone

FRACTION_DIGITS = {"GBP": 2, "CNY": 2, "EUR": 2, "JPY": 0, "KWD": 3}
FLOW_TOKEN = re.compile(r"""\s*([{}\[\],]|"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^{}\[\],"'][^{}\[\],]*)""")
KEY = re.compile(r"""("[^"]*"|'[^']*'|[^\s"'{\[#][^:#]*):(?:\s+|$)(.*)""")


# ---- YAML ----

def _scalar(text):
    text = text.strip()
    if text[:1] == '"':
        return text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return text[1:-1].replace("''", "'") if text[:1] == "'" else text


def _flow(tokens):
    token = tokens.pop(0)
    if token == "[":
        result = []
        while tokens[0] != "]":
            result.append(_flow(tokens))
            if tokens[0] == ",":
                tokens.pop(0)
        tokens.pop(0)
        return result
    if token == "{":
        result = {}
        while tokens[0] != "}":
            key, _, rest = tokens.pop(0).partition(":")
            if rest.strip():
                tokens.insert(0, rest.strip())
            result[_scalar(key)] = _flow(tokens)
            if tokens[0] == ",":
                tokens.pop(0)
        tokens.pop(0)
        return result
    return _scalar(token)


def _value(text):
    if text[:1] not in "{[":
        return _scalar(text)
    tokens = [each.strip() for each in FLOW_TOKEN.findall(text)]
    result = _flow(tokens)
    if tokens:
        raise ValueError(f"behind a flow value stands {tokens}")
    return result


def _block(lines, indent):
    """The map or list whose lines begin at `indent`; takes them off the list."""
    result = [] if lines[0][1].startswith("- ") else {}
    while lines and lines[0][0] == indent:
        text = lines[0][1]
        if isinstance(result, list):
            inner = text[2:].lstrip()
            if inner[:1] not in "{[" and KEY.fullmatch(inner):
                lines[0] = (indent + len(text) - len(inner), inner)
                result.append(_block(lines, lines[0][0]))
            else:
                lines.pop(0)
                result.append(_value(inner))
            continue
        match = KEY.fullmatch(text)
        if not match:
            raise ValueError(f"no 'key: value': {text}")
        lines.pop(0)
        result[_scalar(match[1])] = _value(match[2]) if match[2] else _block(lines, lines[0][0])
    return result


def read_yaml(text):
    lines = []
    for line in text.splitlines():
        line = re.sub(r"(^|\s)#.*$", "", line).rstrip()
        if line:
            lines.append((len(line) - len(line.lstrip()), line.lstrip()))
    result = _block(lines, 0)
    if lines:
        raise ValueError(f"not understood: {lines[0][1]}")
    return result


# ---- The rulebook ----

ELAPSED_MS = {"s": 1000, "min": 60_000, "h": 3_600_000, "days": 86_400_000}


def _money(text):
    amount, currency = text.split()
    minor = fractions.Fraction(amount) * 10 ** FRACTION_DIGITS[currency]
    assert minor.denominator == 1
    return int(minor), currency


class Basis:
    def __init__(self, node):
        self.net_of_discount = node.get("net_of_discount", "true") == "true"
        self.without_tax = node.get("without_tax", "true") == "true"
        self.without_tender = node.get("without_tender", "true") == "true"
        self.kinds = set(node.get("lines", ["goods", "fee"]))


class Currency:
    def __init__(self, name, node):
        self.name = name
        self.scale = int(node.get("scale", 0))
        self.rounding = node.get("rounding", "floor")
        self.qualifying = node.get("qualifying", "false") == "true"
        expiry = node.get("expiry", {})
        self.expires = expiry != "none"
        soon = node.get("expiring_soon", "30 days")
        self.notice_days = int(soon.split()[0]) if self.expires and soon != "none" else None
        if self.expires:
            amount, self.unit = expiry.get("after", "12 months").split()
            self.amount = int(amount)
            rounding = expiry.get("round", "end of month")
            self.round_to = None if rounding == "none" else rounding.removeprefix("end of ")


class Rule:
    def __init__(self, node, currencies):
        self.name = node["rule"]
        self.currency = currencies[node["currency"]]
        points, money = node["rate"].split(" per ")
        minor, self.money = _money(money)
        self.rate = fractions.Fraction(points) * 10 ** self.currency.scale / minor
        self.categories = node.get("categories")
        self.basis = Basis(node.get("basis", {}))
        self.group = node.get("multiplied_by")
        self.order = (-int(node.get("priority", 0)), self.name.encode())


class Group:
    def __init__(self, node, currencies):
        self.name = node["group"]
        metric = node["metric"]
        self.money = metric.get("spend")
        self.currency = currencies[metric["points"]] if "points" in metric else None
        self.basis = Basis(metric.get("basis", {}))
        self.metric = ("spend", self.money) if self.money else ("points", metric["points"])
        self.window = node.get("window", "calendar year")
        self.downgrade = node.get("downgrade", "none")
        self.levels = [each["level"] for each in node["levels"]]
        self.thresholds = [self._threshold(each["from"]) for each in node["levels"]]
        self.multipliers = [fractions.Fraction(each.get("multiplier", "1")) for each in node["levels"]]

    def _threshold(self, text):
        if self.money:
            return 0 if text == "0" else _money(text)[0]
        return int(fractions.Fraction(text) * 10 ** self.currency.scale)


class Rulebook:
    def __init__(self, text):
        node = read_yaml(text)
        self.name, self.version = node["rulebook"], int(node["version"])
        self.zone = Zone(node["zone"])
        self.effective_from = self._start(node["effective_from"])
        accept = node.get("accept", {})
        self.future_ms, self.past_ms = (self._elapsed(accept.get(key, default))
                                        for key, default in (("future", "5 min"), ("past", "366 days")))
        self.auto_enrol = node.get("members", {}).get("unknown", "auto-enrol") == "auto-enrol"
        self.combine = node.get("combine", {}).get("lines", "max")
        self.currencies = {name: Currency(name, each) for name, each in node["currencies"].items()}
        self.rules = sorted((Rule(each, self.currencies) for each in node.get("earn", [])),
                            key=lambda rule: rule.order)
        self.groups = {each["group"]: Group(each, self.currencies) for each in node.get("tiers", [])}

    def _start(self, text):
        when = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
        if when.tzinfo is None:
            return self.zone.instant(when)
        return (when - EPOCH) // MILLISECOND

    @staticmethod
    def _elapsed(text):
        amount, unit = text.split()
        return int(amount) * ELAPSED_MS[unit]

    def window(self, group, ms):
        """The window of a group that contains an instant; a lifetime has neither start nor end."""
        return (None, None) if group.window == "lifetime" else self.zone.bucket_of(ms, "year")

    def expiry(self, currency, earned):
        if not currency.expires:
            return None
        return self.zone.period_end(earned, currency.amount, currency.unit, currency.round_to)
