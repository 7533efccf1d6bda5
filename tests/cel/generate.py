"""Random events, and random conditions of the subset of CEL (semantics §9) over them.

A condition is made with its types, so that most are sound. The generator calculates constant parts itself, in whole numbers
without bounds, and so knows which conditions must be refused because they certainly leave 64 bits or divide by zero.
"""

import re

LEAST, MOST = -(2**63), 2**63 - 1

TEXTS = ["", "a", "b", "ab", "abc", "app", "web", "ginza", "Ginza", "gold", "silver", "shoes", "é", "日本", "😀", "\uffff", "a b", "it's",
         'say "a"', "tab\there", "back\\slash"]
NUMBERS = [0, 0, 1, 1, 2, 3, 7, 10, 100, 999, 1000, 2500, -1, -2, -7, MOST, MOST - 1, LEAST, LEAST + 1, 2**62, -(2**62)]
KEYS = ["gift", "colour", "club", "x1", "_", "size"]
ODD_KEYS = ["two words", "in", "", "日本"]
KINDS = ["goods", "shipping", "tax", "fee", "gift_card"]
INSTANTS = [0, 1, 999, 1000, 1700000000000, 1700000000001, 1767225600000, 1793500000123, 253402300799999]

TEXT_FIELDS = {
    "order": ["order_id", "currency", "channel", "store", "partner"],
    "line": ["kind", "sku", "category", "brand"],
    "activity": ["kind", "reference", "order_id", "channel", "store", "partner"],
    "spend": ["channel", "store", "reward_id"],
    "member": [],
    "event": ["kind", "source"],
}
NUMBER_FIELDS = {
    "order": ["points_tender_minor", "gift_card_minor", "total_minor"],
    "line": ["quantity_milli", "amount_minor", "discount_minor", "tax_minor"],
    "activity": ["value"],
    "spend": ["points"],
    "member": ["birthday_month", "birthday_day", "orders_before"],
    "event": [],
}
TIME_FIELDS = {"member": ["enrolled_at"], "event": ["occurred_at"]}
MAPS = {"order": "attributes", "line": "attributes", "activity": "attributes", "spend": "attributes", "member": "tiers"}
SCOPES = {
    "member": ["member", "event"],
    "order": ["order", "member", "event"],
    "line": ["line", "order", "member", "event"],
    "activity": ["activity", "member", "event"],
    "spend": ["spend", "member", "event"],
}


# ---- events ----

def random_variable(random, name):
    facts = {field: random.choice(TEXTS) for field in TEXT_FIELDS[name]}
    facts |= {field: random.choice(NUMBERS) for field in NUMBER_FIELDS[name]}
    facts |= {field: random.choice(INSTANTS) for field in TIME_FIELDS.get(name, [])}
    if "kind" in facts and name == "line":
        facts["kind"] = random.choice(KINDS)
    if name in MAPS:
        keys = random.sample(KEYS + ODD_KEYS, random.choice([0, 1, 2, 5]))
        facts[MAPS[name]] = {key: random.choice(TEXTS) for key in keys}
    return facts


def random_event(random, scope):
    event = {name: random_variable(random, name) for name in SCOPES[scope] if name != "line"}
    if "order" in event:
        count = random.choice([0, 1, 1, 2, 3, 5])
        if scope == "line":
            count = max(count, 1)
            event["line"] = random.randrange(count)
        event["order"]["lines"] = [random_variable(random, "line") for _ in range(count)]
    return event


# ---- conditions ----

# How tightly a text binds: what stands where something tighter is needed gets brackets.
CHOOSE, OR, AND, RELATION, SUM, PRODUCT, UNARY, MEMBER = range(8)



class Condition:
    """One random condition. `text`; `impossible`: it must be refused for a constant part."""

    def __init__(self, random, scope):
        self.random = random
        self.scope = scope
        self.impossible = False
        self.loop_name = None
        self.text = self.bound(self.bool(random.choice([2, 3, 3, 4])), CHOOSE)

    # A part is (text, level, number): the number where it is constant, for whole numbers only.

    def bound(self, part, level):
        text, tight, _ = part
        return f"({text})" if tight < level or self.random.random() < 0.05 else text

    def blank(self):
        return self.random.choice([" ", " ", " ", " ", "", "  ", "\n", " // why\n"])

    def infix(self, left, sign, right, level, tighter=None):
        """Operators group to the left, so the right side binds tighter."""
        # Without a blank a minus could be taken as a part of the number behind it, or `in` as a part of a name.
        gap = " " if sign in ("-", "in", "/", "<") else self.blank()
        text = f"{self.bound(left, level)}{gap}{sign}{gap}{self.bound(right, tighter or level + 1)}"
        return text, level, None

    def variable(self, having):
        """The text and kind of a variable that has some fields."""
        names = [(name, name) for name in SCOPES[self.scope] if having.get(name) and name != self.loop_name]
        if self.loop_name and having.get("line"):
            names += 3 * [(self.loop_name, "line")]
        return self.random.choice(names) if names else None

    def field(self, having):
        chosen = self.variable(having)
        if not chosen:
            return None
        return f"{chosen[0]}.{self.random.choice(having[chosen[1]])}", MEMBER, None

    # ---- whole numbers ----

    def number(self):
        value = self.random.choice(NUMBERS[:-4] if self.random.random() < 0.03 else NUMBERS[:13] + [5, 12, 365])
        if value >= 0 and self.random.random() < 0.1:
            return hex(value), MEMBER, value
        return str(value), (UNARY if value < 0 else MEMBER), value

    def int(self, depth):
        choice = self.random.random()
        if depth <= 0 or choice < 0.35:
            return self.field(NUMBER_FIELDS) if self.random.random() < 0.6 else self.number()
        if choice < 0.75:
            return self.arithmetic(depth)
        if choice < 0.82:
            inner = self.int(depth - 1)
            # A minus before a number belongs to it.
            text = self.bound(inner, MEMBER)
            number = inner[2]
            if number is not None:
                number = self.known(-number)
            return f"-{'' if not text.startswith('-') else ' '}{text}", UNARY, number
        if choice < 0.92:
            return self.size(depth)
        return self.choose(self.int, depth)

    def known(self, number):
        if not LEAST <= number <= MOST:
            self.impossible = True
            return None
        return number

    def arithmetic(self, depth):
        sign = self.random.choice(["+", "+", "-", "-", "*", "/", "%"])
        level = SUM if sign in "+-" else PRODUCT
        left, right = self.int(depth - 1), self.int(depth - 1)
        if sign in "/%" and right[2] == 0 and self.random.random() < 0.95:
            right = ("3", MEMBER, 3)
        text, level, _ = self.infix(left, sign, right, level)
        a, b = left[2], right[2]
        if sign in "/%" and b == 0:
            self.impossible = True
            return text, level, None
        if a is None or b is None:
            return text, level, None
        if sign in "/%":
            quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
            number = quotient if sign == "/" else a - quotient * b
        else:
            number = a + b if sign == "+" else a - b if sign == "-" else a * b
        return text, level, self.known(number)

    def size(self, depth):
        things = []
        if self.scope in ("order", "line") and self.loop_name != "order":
            things += ["order.lines"]
        map_of = self.variable(MAPS)
        if map_of:
            things += [f"{map_of[0]}.{MAPS[map_of[1]]}"]
        number = None
        if self.random.random() < 0.1 or not things and self.random.random() < 0.3:
            items = self.random.sample(TEXTS[1:6], self.random.randrange(3))
            thing, number = "[" + ", ".join(map(self.quoted, items)) + "]", len(items)
        elif self.random.random() < 0.4 or not things:
            thing = self.bound(self.string(depth - 1), MEMBER)
        else:
            thing = self.random.choice(things)
        return (f"size({thing})" if self.random.random() < 0.5 else f"{thing}.size()"), MEMBER, number

    # ---- texts ----

    def quoted(self, value):
        if self.random.random() < 0.1 and "\\" not in value and '"' not in value and "\t" not in value:
            return f'r"{value}"'
        out = ""
        quote = self.random.choice("'\"")
        for character in value:
            code = ord(character)
            if character == "\t":
                out += "\\t"
            elif character in (quote, "\\"):
                out += "\\" + character
            elif self.random.random() < 0.03:
                out += f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
            elif code < 0x80 and self.random.random() < 0.03:
                out += self.random.choice([f"\\x{code:02x}", f"\\{code:03o}"])
            else:
                out += character
        return quote + out + quote

    def string(self, depth):
        choice = self.random.random()
        if depth > 0 and choice < 0.08:
            return self.choose(self.string, depth)
        if choice < 0.3:
            looked_up = self.look_up(depth)
            if looked_up:
                return looked_up
        if choice < 0.65:
            field = self.field(TEXT_FIELDS)
            if field:
                return field
        return self.quoted(self.random.choice(TEXTS)), MEMBER, None

    def look_up(self, depth):
        map_of = self.variable(MAPS)
        if not map_of:
            return None
        path = f"{map_of[0]}.{MAPS[map_of[1]]}"
        if self.random.random() < 0.5:
            return f"{path}.{self.random.choice(KEYS)}", MEMBER, None
        if depth > 0 and self.random.random() < 0.15:
            return f"{path}[{self.string(depth - 1)[0]}]", MEMBER, None
        return f"{path}[{self.quoted(self.random.choice(KEYS + ODD_KEYS))}]", MEMBER, None

    # ---- instants ----

    def instant(self):
        return self.random.choice([
            'timestamp("1970-01-01T00:00:00Z")', "timestamp('2023-11-14T22:13:20Z')", 'timestamp("2026-01-01T08:00:00+08:00")',
            'timestamp("2026-11-01T00:00:00.123Z")', 'timestamp("2026-10-31T18:30:00-05:30")',
        ])

    def time(self, depth):
        if depth > 0 and self.random.random() < 0.1:
            return self.choose(self.time, depth)
        if self.random.random() < 0.6:
            return self.field(TIME_FIELDS) or (self.instant(), MEMBER, None)
        return self.instant(), MEMBER, None

    # ---- truth values ----

    def choose(self, of, depth):
        condition, yes, no = self.bool(depth - 1), of(depth - 1), of(depth - 1)
        return f"{self.bound(condition, OR)} ? {self.bound(yes, OR)} : {self.bound(no, CHOOSE)}", CHOOSE, None

    def compare(self, depth):
        of = self.random.choice([self.int, self.int, self.int, self.string, self.string, self.time, self.bool])
        sign = self.random.choice(["==", "!=", "<", "<=", ">", ">="])
        return self.infix(of(depth - 1), sign, of(depth - 1), RELATION)

    def contained(self, depth):
        kind = self.random.random()
        if kind < 0.3:
            map_of = self.variable(MAPS)
            if map_of:
                right = f"{map_of[0]}.{MAPS[map_of[1]]}"
                return self.infix(self.string(depth - 1), "in", (right, MEMBER, None), RELATION)
        count = self.random.randrange(5)
        if kind < 0.6:
            left, items = self.string(depth - 1), [self.quoted(self.random.choice(TEXTS)) for _ in range(count)]
        elif kind < 0.85:
            left, items = self.int(depth - 1), [self.number()[0] for _ in range(count)]
        elif kind < 0.92:
            left, items = self.bool(depth - 1), [self.random.choice(["true", "false"]) for _ in range(count)]
        else:
            left, items = self.time(depth - 1), [self.instant() for _ in range(count)]
        return self.infix(left, "in", ("[" + ", ".join(items) + "]", MEMBER, None), RELATION)

    def has(self):
        map_of = self.variable(MAPS)
        if not map_of:
            return "true", MEMBER, None
        return f"has({map_of[0]}.{MAPS[map_of[1]]}.{self.random.choice(KEYS)})", MEMBER, None

    def over_lines(self, depth):
        if self.scope not in ("order", "line") or self.loop_name:
            return self.compare(depth)
        self.loop_name = self.random.choice(["l", "l", "each", "line_", "member", "event"])
        inner = self.bool(depth - 1)
        text = f"order.lines.{self.random.choice(['exists', 'all'])}({self.loop_name}, {inner[0]})"
        self.loop_name = None
        return text, MEMBER, None

    def bool(self, depth):
        choice = self.random.random()
        if depth <= 0:
            return self.random.choice([("true", MEMBER, None), ("false", MEMBER, None), self.has()])
        if choice < 0.35:
            return self.compare(depth)
        if choice < 0.48:
            return self.infix(self.bool(depth - 1), "&&", self.bool(depth - 1), AND)
        if choice < 0.61:
            return self.infix(self.bool(depth - 1), "||", self.bool(depth - 1), OR)
        if choice < 0.68:
            marks = "!" * self.random.choice([1, 1, 1, 2])
            return f"{marks}{self.bound(self.bool(depth - 1), MEMBER)}", UNARY, None
        if choice < 0.78:
            return self.contained(depth)
        if choice < 0.86:
            return self.over_lines(depth)
        if choice < 0.9:
            return self.choose(self.bool, depth)
        if choice < 0.95:
            prefix = self.quoted(self.random.choice(TEXTS[:5]))
            return f"{self.bound(self.string(depth - 1), MEMBER)}.startsWith({prefix})", MEMBER, None
        return self.has()


# ---- texts that are likely wrong ----

TOKEN = re.compile(r"""//[^\n]*|[rR]?"(?:\\.|[^"\\])*"|[rR]?'(?:\\.|[^'\\])*'|0x[0-9a-fA-F]+|\w+|&&|\|\||[=!<>]=|\S""")
STRANGERS = ["1", "-", "!", "(", ")", "[", "]", "{", "}", ",", ".", ":", "?", "==", "=", "&&", "&", "in", "true", "null", "1.5", "1u", "b'a'", "'a'",
             "order", "line", "spend", "lines", "store", "if", "size", "exists", "map", "filter", "contains", "timestamp", "has", "+", "%", "x", "0"]


def spoil(random, text):
    """The text with one token left out, told twice, put elsewhere or replaced."""
    tokens = [token for token in TOKEN.findall(text) if not token.startswith("//")]
    at = random.randrange(len(tokens))
    way = random.randrange(5)
    if way == 0:
        del tokens[at]
    elif way == 1:
        tokens.insert(at, tokens[at])
    elif way == 2:
        other = random.randrange(len(tokens))
        tokens[at], tokens[other] = tokens[other], tokens[at]
    elif way == 3:
        tokens[at] = random.choice(STRANGERS)
    else:
        tokens.insert(at, random.choice(STRANGERS))
    return " ".join(tokens)
