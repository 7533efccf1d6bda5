"""What an order earns and what of it a return leaves (semantics §4 phases 1 to 6, §6), in fractions that are never rounded
but where the law rounds."""

import fractions
import math

NUMBER_MAX = 2 ** 63 - 1
FRACTION_MAX = 2 ** 127 - 1


class Overflow(Exception):
    """A stored amount would leave 63 bits, or a reduced fraction 127."""


def stored(number):
    if abs(number) > NUMBER_MAX:
        raise Overflow
    return number


def reduced(fraction):
    if max(fraction.numerator, fraction.denominator) > FRACTION_MAX:
        raise Overflow
    return fraction


def share(amount, weights):
    """Largest remainder, ties by order of appearance; the sum is exact (semantics §1)."""
    total = sum(weights)
    if total == 0:
        return [0] * len(weights)
    parts = [amount * weight // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(amount * weights[i] % total), i))
    for i in by_remainder[:amount - sum(parts)]:
        parts[i] += 1
    return parts


def less(values, taken):
    taken = share(min(taken, sum(values)), values)
    return [value - part for value, part in zip(values, taken)]


def rounded(fraction, mode):
    down = math.floor(fraction)
    rest = fraction - down
    half = fractions.Fraction(1, 2)
    up = (mode == "ceil" and rest > 0) or (mode in ("half-up", "half-even") and rest > half) or \
        (rest == half and (mode == "half-up" or (mode == "half-even" and down % 2 == 1)))
    return down + up


class Order:
    """The money of an order, or the value of a refund that names none."""

    def __init__(self, money, lines, tender=0):
        self.money, self.lines, self.tender = money, lines, tender
        self.paid = less([line["amount"] - line["discount"] for line in lines], tender)
        self.named = [0] * len(lines)  # by refunds that name the line
        self.unnamed = 0  # by those that name none
        self.cancelled = False

    def refunded(self):
        """What is known as refunded of each line: what names it, and its part of what names none."""
        named = [min(paid, named) for paid, named in zip(self.paid, self.named)]
        left = [paid - part for paid, part in zip(self.paid, named)]
        return [part + more for part, more in zip(named, share(min(self.unnamed, sum(left)), left))]

    def eligible(self, basis):
        """What is kept of each line, as a basis sees it."""
        if self.cancelled:
            return [0] * len(self.lines)
        values = []
        for line in self.lines:
            value = line["amount"]
            if basis.net_of_discount:
                value -= line["discount"]
            if basis.without_tax:
                value -= line["tax"]
            values.append(value if line["kind"] in basis.kinds else 0)
        if basis.without_tender:
            values = less(values, self.tender)
        return [value - (value * refunded // paid if refunded else 0)
                for value, refunded, paid in zip(values, self.refunded(), self.paid)]

    def _fitting(self, rulebook, currency, line):
        """The rules of a currency that fit a line, in order of judgement."""
        return [rule for rule in rulebook.rules if rule.currency is currency and rule.money == self.money and
                line["kind"] in rule.basis.kinds and
                (rule.categories is None or line.get("category", "") in rule.categories)]
        return fit

    def earned(self, rulebook, levels):
        """Points by currency, with the first contributing rule: {currency name: (points, rule name)}."""
        values = {rule.name: self.eligible(rule.basis) for rule in rulebook.rules}
        result = {}
        for currency in rulebook.currencies.values():
            by_rule = {}
            for i, line in enumerate(self.lines):
                fit = self._fitting(rulebook, currency, line)
                if fit and rulebook.combine == "first":
                    fit = fit[:1]
                elif fit and rulebook.combine == "max":
                    fit = [max(fit, key=lambda rule: values[rule.name][i] * rule.rate)]  # of equals the first
                for rule in fit:
                    by_rule[rule.name] = by_rule.get(rule.name, 0) + values[rule.name][i]
            total, first = fractions.Fraction(0), None
            for rule in rulebook.rules:
                if by_rule.get(rule.name, 0) == 0:
                    continue
                first = first or rule.name
                factor = 1
                if rule.group is not None and levels is not None:
                    factor = rulebook.groups[rule.group].multipliers[levels[rule.group]]
                part = reduced(reduced(by_rule[rule.name] * rule.rate) * factor)
                total = reduced(total + part)
            points = stored(rounded(total, currency.rounding))
            if points:
                result[currency.name] = (points, first)
        return result

    def metrics(self, rulebook, earned):
        """What it adds to the metric of each group."""
        result = {}
        for group in rulebook.groups.values():
            if group.money is None:
                result[group.name] = earned.get(group.currency.name, (0, None))[0]
            else:
                result[group.name] = sum(self.eligible(group.basis)) if group.money == self.money else 0
        return result
