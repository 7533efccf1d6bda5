"""Conditions drawn from a seed: well typed, short, and often in error where something was not told."""

from words import (ACTIVITY_WORDS, ATTRIBUTES, BRANDS, CATEGORIES, CHANNELS, LEVELS, PARTNERS, SKUS, STARTS, STORES)

COMPARISONS = ["==", "!=", "<", "<=", ">", ">="]
# By variable: texts with the words they may have, and whole numbers with figures near which they lie.
TEXTS = {
    "order": {"channel": CHANNELS, "store": STORES, "partner": PARTNERS, "currency": ["GBP", "JPY"], "order_id": ["o7"]},
    "line": {"category": CATEGORIES, "sku": SKUS, "brand": BRANDS, "kind": ["goods", "fee", "gift_card", "shipping", "tax"]},
    "activity": {"kind": ["check_in"] + ACTIVITY_WORDS, "channel": CHANNELS, "store": STORES, "partner": PARTNERS,
                 "reference": ["v3"], "order_id": [""]},
    "spend": {"channel": CHANNELS, "store": STORES, "reward_id": ["mug", "bag", "book"]},
    "event": {"kind": ["purchase", "activity", "enrol", "redeem"], "source": ["shop", "till"]},
}
NUMBERS = {
    "order": {"total_minor": [0, 999, 1000, 2000], "points_tender_minor": [0, 300], "gift_card_minor": [0, 500]},
    "line": {"quantity_milli": [1000, 2000], "amount_minor": [7, 1000, 1999], "discount_minor": [0, 100],
             "tax_minor": [0, 166]},
    "activity": {"value": [0, 1, 5, 10]},
    "spend": {"points": [1, 10, 25]},
    "member": {"orders_before": [0, 1, 3], "birthday_month": [0, 2], "birthday_day": [28, 29]},
}
SCOPES = {"order": ["order"], "line": ["line", "line", "order"], "activity": ["activity"], "spend": ["spend"], "member": []}


class Drawing:
    def __init__(self, random, groups):
        self.random, self.groups = random, groups

    def chance(self, probability):
        return self.random.random() < probability

    def text_of(self, variable, path):
        name = self.random.choice(sorted(TEXTS[variable]))
        words = TEXTS[variable][name]
        word, subject = self.random.choice(words), f"{path}.{name}"
        form = self.random.randrange(6)
        if form == 0:
            listed = self.random.sample(words, k=min(2, len(words)))
            return f"{subject} in [{', '.join(map(quoted, listed))}]"
        if form == 1:
            return f"{subject}.startsWith({quoted(word[:2])})"
        if form == 2:
            return f"size({subject}) {self.random.choice(COMPARISONS)} {len(word)}"
        return f"{subject} {self.random.choice(['==', '==', '!=', '<', '>='])} {quoted(word)}"

    def number_of(self, variable, path):
        name = self.random.choice(sorted(NUMBERS[variable]))
        figure, subject = self.random.choice(NUMBERS[variable][name]), f"{path}.{name}"
        form = self.random.randrange(7)
        if form == 0:
            return f"{subject} % {max(2, figure)} {self.random.choice(COMPARISONS)} 1"
        if form == 1:
            return f"{figure + 100} / {subject} >= 10"
        if form == 2:
            return f"{subject} * 2 - {figure} {self.random.choice(COMPARISONS)} {figure}"
        if form == 3:
            return f"-{subject} + {figure} {self.random.choice(COMPARISONS)} 0"
        if form == 4:
            return f"{subject} in [{figure}, {figure + 1}]"
        return f"{subject} {self.random.choice(COMPARISONS)} {figure}"

    def attribute_of(self, path):
        key = self.random.choice(sorted(ATTRIBUTES))
        value = self.random.choice(ATTRIBUTES[key])
        return self.random.choice([
            f"has({path}.attributes.{key})", f"{quoted(key)} in {path}.attributes", f"size({path}.attributes) == 1",
            f"{path}.attributes[{quoted(key)}] == {quoted(value)}", f"{path}.attributes.{key} != {quoted(value)}",
            f"has({path}.attributes.{key}) && {path}.attributes.{key} == {quoted(value)}"])

    def atom(self, scope):
        variables = SCOPES[scope]
        pick = self.random.randrange(10)
        if not variables or pick < 3:
            return self.of_member_or_event()
        variable = self.random.choice(variables)
        if pick == 3:
            return self.attribute_of(variable)
        if pick == 4 and scope in ("order", "line"):
            return self.of_lines(scope)
        return self.of(variable, variable)

    def of(self, variable, path):
        texts, numbers = variable in TEXTS, variable in NUMBERS
        return self.text_of(variable, path) if texts and (not numbers or self.chance(0.5)) else self.number_of(variable, path)

    def of_lines(self, scope):
        """For each line again to look at all lines would cost too much."""
        if scope == "line" or self.chance(0.3):
            return f"size(order.lines) {self.random.choice(COMPARISONS)} {self.random.choice([1, 2])}"
        inner = self.attribute_of("each") if self.chance(0.3) else self.of("line", "each")
        if self.chance(0.2):
            inner = f"{inner} {self.random.choice(['&&', '||'])} {self.of('line', 'each')}"
        return f"order.lines.{self.random.choice(['exists', 'all'])}(each, {inner})"

    def of_member_or_event(self):
        moment = self.random.choice(STARTS) + ":00Z"
        choices = [self.of("member", "member"), self.of("event", "event"),
                   f"event.occurred_at {self.random.choice(COMPARISONS)} timestamp({quoted(moment)})",
                   "member.enrolled_at <= event.occurred_at"]
        if self.groups:
            group, level = self.random.choice(self.groups), self.random.choice(LEVELS)
            choices += [f"member.tiers[{quoted(group)}] == {quoted(level)}", f"{quoted(group)} in member.tiers"]
        return self.random.choice(choices)

    def draw(self, scope, depth=2):
        form = self.random.randrange(8) if depth else 7
        if form in (0, 1):
            return f"{self.draw(scope, depth - 1)} {self.random.choice(['&&', '||'])} {self.draw(scope, depth - 1)}"
        if form == 2:
            return f"!({self.draw(scope, depth - 1)})"
        if form == 3:
            return f"({self.atom(scope)} ? {self.atom(scope)} : {self.atom(scope)})"
        if form == 4:
            return f"({self.draw(scope, depth - 1)}) || {self.atom(scope)}"
        return self.atom(scope)


def quoted(text):
    return '"' + text + '"'


def draw_condition(random, scope, groups):
    return Drawing(random, groups).draw(scope)
