"""Conditions: the subset of CEL of semantics §9, read from the text that operators write.

A condition becomes a tree of functions from facts to a value. What CEL calls an error is an exception here; `&&`, `||`,
`exists` and `all` absorb it as CEL does, and a condition that ends in one does not apply.

Facts are nested dictionaries: {"order": {"channel": "app", "attributes": {…}, "lines": [{…}]}, "member": {…}, …}.
Instants are `Instant`s, so that they are never taken for whole numbers.
"""

import dataclasses
import datetime
import operator
import re

from civil import EPOCH, MILLISECOND

INT_MIN, INT_MAX = -2 ** 63, 2 ** 63 - 1
TOKEN = re.compile(r"""\s*(?:
    (?P<text>r?"(?:[^"\\]|\\.)*"|r?'(?:[^'\\]|\\.)*') |
    (?P<number>0x[0-9a-fA-F]+|[0-9]+) |
    (?P<name>[A-Za-z_][A-Za-z0-9_]*) |
    (?P<sign>&&|\|\||[=!<>]=|[-+*/%<>!?:.,()\[\]]))""", re.VERBOSE)
ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)", re.DOTALL)
ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
COMPARISONS = {"==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
               ">=": operator.ge}
VARIABLES = ("order", "line", "activity", "spend", "member", "event")


class Error(Exception):
    """An error as CEL has it: overflow, division by zero, an absent key."""


@dataclasses.dataclass(frozen=True, order=True)
class Instant:
    ms: int


def timestamp(text):
    return Instant((datetime.datetime.fromisoformat(text.replace("Z", "+00:00")) - EPOCH) // MILLISECOND)


def _unescaped(match):
    code = match[1]
    if code[0] in "xuU" and len(code) > 1:
        return chr(int(code[1:], 16))
    if code[0] in "01234567" and len(code) == 3:
        return chr(int(code, 8))
    return ESCAPES.get(code, code)


def _text(token):
    return token[2:-1] if token[0] == "r" else ESCAPE.sub(_unescaped, token[1:-1])


def whole(number):
    if not INT_MIN <= number <= INT_MAX:
        raise Error("overflow")
    return number


def divided(left, right):
    """Towards zero."""
    if right == 0:
        raise Error("division by zero")
    quotient = abs(left) // abs(right)
    return whole(quotient if (left < 0) == (right < 0) else -quotient)


def remainder(left, right):
    """With the sign of the dividend; where the quotient leaves 64 bits there is none."""
    return left - divided(left, right) * right


CALCULATIONS = {"+": lambda left, right: left + right if isinstance(left, str) else whole(left + right),
                "-": lambda left, right: whole(left - right), "*": lambda left, right: whole(left * right),
                "/": divided, "%": remainder}


def _absorbing(parts, decisive):
    """All of && or ||: the decisive value beats an error, an error beats the other value."""
    error = None
    for part in parts:
        try:
            if part() is decisive:
                return decisive
        except Error as each:
            error = each
    if error is not None:
        raise error
    return not decisive


class Parser:
    def __init__(self, text):
        self.tokens, at = [], 0
        text = text.rstrip()
        while at < len(text):
            match = TOKEN.match(text, at)
            if match is None:
                raise ValueError(f"not understood: {text[at:]}")
            self.tokens.append((match.lastgroup, match[match.lastgroup]))
            at = match.end()
        self.tokens.append(("end", ""))
        self.at = 0
        self.names = set()  # of the lines of exists and all
        self.variables = set()

    def peek(self, *signs):
        kind, token = self.tokens[self.at]
        return kind in ("sign", "name") and token in signs

    def take(self):
        self.at += 1
        return self.tokens[self.at - 1]

    def accept(self, *signs):
        return self.take()[1] if self.peek(*signs) else None

    def expect(self, sign):
        if self.accept(sign) is None:
            raise ValueError(f"{sign} is missing before {self.tokens[self.at][1]!r}")

    def whole_text(self):
        tree = self.choice()
        if self.tokens[self.at][0] != "end":
            raise ValueError(f"behind the condition stands {self.tokens[self.at][1]!r}")
        return tree

    def choice(self):
        asked = self.either()
        if self.accept("?") is None:
            return asked
        then = self.either()
        self.expect(":")
        other = self.choice()
        return lambda facts: then(facts) if asked(facts) else other(facts)

    def either(self):
        parts = [self.both()]
        while self.accept("||"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else lambda facts: _absorbing(
            [lambda part=part: part(facts) for part in parts], True)

    def both(self):
        parts = [self.comparison()]
        while self.accept("&&"):
            parts.append(self.comparison())
        return parts[0] if len(parts) == 1 else lambda facts: _absorbing(
            [lambda part=part: part(facts) for part in parts], False)

    def comparison(self):
        left = self.sum()
        while True:
            sign = self.accept("in", *COMPARISONS)
            if sign is None:
                return left
            left = self._compared(sign, left, self.sum())

    @staticmethod
    def _compared(sign, left, right):
        if sign == "in":
            return lambda facts: left(facts) in right(facts)
        compare = COMPARISONS[sign]
        return lambda facts: compare(left(facts), right(facts))

    def _chain(self, signs, deeper):
        left = deeper()
        while True:
            sign = self.accept(*signs)
            if sign is None:
                return left
            left = self._calculated(CALCULATIONS[sign], left, deeper())

    @staticmethod
    def _calculated(calculate, left, right):
        return lambda facts: calculate(left(facts), right(facts))

    def sum(self):
        return self._chain("+-", self.product)

    def product(self):
        return self._chain("*/%", self.unary)

    def unary(self):
        if self.accept("!"):
            inner = self.unary()
            return lambda facts: not inner(facts)
        if self.accept("-"):
            if self.tokens[self.at][0] == "number":
                number = whole(-int(self.take()[1], 0))
                return self.members(lambda facts: number)
            inner = self.unary()
            return lambda facts: whole(-inner(facts))
        return self.members(self.primary())

    def members(self, value):
        while True:
            if self.accept("["):
                key = self.choice()
                self.expect("]")
                value = self._element(value, key)
            elif self.accept("."):
                name = self.take()[1]
                value = self._call(value, name) if self.accept("(") else self._element(value, lambda facts, name=name: name)
            else:
                return value

    @staticmethod
    def _element(value, key):
        def element(facts):
            found, name = value(facts), key(facts)
            if name not in found:
                raise Error(f"no {name}")
            return found[name]
        element.inside = (value, key)
        return element

    def _call(self, value, name):
        if name in ("exists", "all"):
            return self._over_lines(value, name)
        arguments = [] if self.peek(")") else [self.choice()]
        self.expect(")")
        if name == "startsWith":
            return lambda facts: value(facts).startswith(arguments[0](facts))
        if name == "size":
            return lambda facts: len(value(facts))
        raise ValueError(f"no such function: {name}")

    def _over_lines(self, value, name):
        each = self.take()[1]
        self.expect(",")
        self.names.add(each)
        asked = self.choice()
        self.names.remove(each)
        self.expect(")")
        return lambda facts: _absorbing([lambda line=line: asked({**facts, each: line}) for line in value(facts)],
                                        name == "exists")

    def primary(self):
        kind, token = self.take()
        if kind == "number":
            number = whole(int(token, 0))
            return lambda facts: number
        if kind == "text":
            text = _text(token)
            return lambda facts: text
        if token == "(":
            inner = self.choice()
            self.expect(")")
            return inner
        if token == "[":
            items = []
            while not self.accept("]"):
                items.append(self.choice())
                self.accept(",")
            return lambda facts: [item(facts) for item in items]
        if token in ("true", "false"):
            return lambda facts: token == "true"
        if token in ("has", "size", "timestamp") and self.accept("("):
            return self._function(token)
        if kind == "name" and (token in VARIABLES or token in self.names):
            if token not in self.names:
                self.variables.add(token)
            return lambda facts: facts[token]
        raise ValueError(f"not understood: {token!r}")

    def _function(self, name):
        inner = self.choice()
        self.expect(")")
        if name == "size":
            return lambda facts: len(inner(facts))
        if name == "timestamp":
            instant = timestamp(inner({}))
            return lambda facts: instant
        value, key = inner.inside
        return lambda facts: key(facts) in value(facts)


class Condition:
    def __init__(self, text):
        self.text = text
        parser = Parser(text)
        self._tree = parser.whole_text()
        self.variables = parser.variables

    def evaluate(self, facts):
        """True or False; raises Error."""
        return self._tree(facts)

    def holds(self, facts):
        """What ends in an error does not apply."""
        try:
            return self._tree(facts) is True
        except Error:
            return False

    def true_for(self, environment):
        """As `holds`, of what the law hands over: payloads as events have them."""
        return self.holds({name: FACTS[name](environment) for name in self.variables})


# ---- facts: what was not told is empty or 0 ----

def _texts(payload, *names):
    return {name: payload.get(name, "") for name in names}


def _numbers(payload, *names):
    return {name: payload.get(name, 0) for name in names}


def _attributes(payload):
    return {each["key"]: each.get("value", "") for each in payload.get("attributes", [])}


def line_facts(line):
    return {"kind": line.get("kind", "GOODS").lower(), **_texts(line, "sku", "category", "brand"),
            "quantity_milli": line.get("quantity_milli", 1000),
            **_numbers(line, "amount_minor", "discount_minor", "tax_minor"), "attributes": _attributes(line)}


def order_facts(order):
    lines = list(map(line_facts, order.get("lines", [])))
    return {**_texts(order, "order_id", "currency", "channel", "store", "partner"),
            **_numbers(order, "points_tender_minor", "gift_card_minor"), "attributes": _attributes(order), "lines": lines,
            "total_minor": sum(line["amount_minor"] - line["discount_minor"] for line in lines)}


def activity_word(activity):
    """The kind of an activity as rulebooks call it."""
    kind = activity.get("kind", "UNSPECIFIED")
    return activity.get("app_kind", "") if kind == "APP_DEFINED" else kind.lower()


def activity_facts(activity):
    return {"kind": activity_word(activity), **_texts(activity, "reference", "order_id", "channel", "store", "partner"),
            **_numbers(activity, "value"), "attributes": _attributes(activity)}


def spend_facts(spend, points):
    return {"points": points, **_texts(spend, "channel", "store"), "attributes": _attributes(spend),
            "reward_id": spend.get("reward", {}).get("reward_id", "")}


def member_facts(member):
    birthday = member.get("birthday") or {}
    return {"tiers": member["tiers"], "enrolled_at": Instant(member["enrolled_at_ms"]),
            "birthday_month": birthday.get("month", 0), "birthday_day": birthday.get("day", 0),
            "orders_before": member["orders_before"]}


def event_facts(environment):
    event = environment["event"]
    kind = environment.get("kind") or next(name for name in event if isinstance(event[name], dict))
    return {"kind": kind, "occurred_at": Instant(event["occurred_at_ms"]), "source": event.get("source", "")}


FACTS = {
    "order": lambda environment: order_facts(environment["order"]),
    "line": lambda environment: line_facts(environment["line"]),
    "activity": lambda environment: activity_facts(environment["activity"]),
    "spend": lambda environment: spend_facts(environment["spend"], environment["spend_points"]),
    "member": lambda environment: member_facts(environment["member"]),
    "event": event_facts,
}
