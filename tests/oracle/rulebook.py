"""A rulebook as the oracle reads it: the YAML that operators write, with the defaults of docs/rulebook.md.

Attributes are the keys of the YAML with underscores (`from` and `in` have one behind them). Amounts are whole units, rates
and factors fractions, instants and lengths of time milliseconds; what is left out without a default is None. What is judged
in an order stands in it: the higher priority first, then the name by its bytes.
"""

import datetime
import fractions
from types import SimpleNamespace

from civil import EPOCH, MILLISECOND, Period, Zone
from condition import Condition
from yaml_text import read_yaml

FRACTION_DIGITS = {"GBP": 2, "CNY": 2, "EUR": 2, "JPY": 0, "KWD": 3}
ELAPSED_MS = {"s": 1000, "min": 60_000, "h": 3_600_000, "days": 86_400_000}
KINDS = {"goods": "GOODS", "shipping": "SHIPPING", "tax": "TAX", "fee": "FEE", "gift card": "GIFT_CARD"}
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
UNITS = ("day", "week", "month", "quarter", "year", "lifetime")


# ---- scalars ----

def fraction(text):
    return fractions.Fraction(text)


def money(text):
    """(minor units as a fraction, currency)"""
    amount, currency = text.split()
    return fraction(amount) * 10 ** FRACTION_DIGITS[currency], currency


def minor(text):
    amount, _ = money(text)
    if amount.denominator != 1:
        raise ValueError(f"too many digits: {text}")
    return int(amount)


def flag(node, key, default):
    return node.get(key, "true" if default else "false") == "true"


def elapsed(text):
    amount, unit = text.split()
    return int(amount) * ELAPSED_MS[unit]


def period(text):
    if text in (None, "none"):
        return None
    amount, unit = text.split()
    return Period(int(amount), unit)


def days(text):
    """Of `none` or `N days`."""
    return None if text == "none" else int(text.split()[0])


def whole(node, key):
    return int(node[key]) if key in node else None


def chosen(node, key):
    return set(node[key]) if key in node else None


def month_day(text):
    month, day = text.split("-")
    return int(month), int(day)


def minute(text):
    hour, part = text.split(":")
    return int(hour) * 60 + int(part)


def in_order(items):
    return sorted(items, key=lambda item: item.key)


# ---- the parts ----

class Basis:
    def __init__(self, node):
        self.net_of_discount = flag(node, "net_of_discount", True)
        self.without_tax = flag(node, "without_tax", True)
        self.without_tender = flag(node, "without_tender", True)
        self.kinds = {KINDS[kind] for kind in node.get("lines", ["goods", "fee"])}


class Expiry:
    def __init__(self, node):
        self.kind = next((key for key in ("dates", "at", "inactivity") if key in node), "after")
        self.after = period(node.get("after", "12 months")) if self.kind == "after" else None
        rounding = node.get("round", "end of month") if self.kind == "after" else "none"
        self.round = None if rounding == "none" else rounding.removeprefix("end of ")
        self.dates = sorted(map(month_day, node.get("dates", [])))
        self.inactivity = period(node.get("inactivity"))
        self.counts = set(node.get("counts", ["purchase", "redeem", "activity"]))
        self.from_ = node.get("from", "activation")
        self.grace = days(node.get("grace", "none")) or 0


class Currency:
    def __init__(self, name, node):
        self.name = name
        self.scale = int(node.get("scale", 0))
        self.rounding = node.get("rounding", "floor")
        self.qualifying = flag(node, "qualifying", False)
        expiry = node.get("expiry", {})
        self.expiry = None if expiry == "none" else Expiry(expiry)
        self.notice_days = days(node.get("expiring_soon", "30 days")) if self.expiry else None

    def units(self, text):
        units = fraction(text) * 10 ** self.scale
        if units.denominator != 1:
            raise ValueError(f"too many digits: {text}")
        return int(units)


class Pending:
    def __init__(self, node, book):
        self.kind = next(key for key in ("after", "until", "on") if key in node)
        self.after, self.within = period(node.get("after")), period(node.get("within"))
        self.until = book.instant(node["until"]) if "until" in node else None
        self.on = node.get("on")


class Judged:
    """What rules, campaigns, awards, streaks, missions, caps and limits have in common."""

    def __init__(self, node, named, book):
        self.name = node[named]
        self.priority = int(node.get("priority", 0))
        self.key = (-self.priority, self.name.encode())
        self.currency = node.get("currency")
        self.funder = node.get("funder")
        self.multiplied_by = node.get("multiplied_by")
        self.when = Condition(node["when"]) if "when" in node else None
        self.from_, self.until = (book.instant(node[key]) if key in node else None for key in ("from", "until"))
        for key in ("categories", "skus", "brands", "channels", "stores", "partners"):
            setattr(self, key, chosen(node, key))

    def pend(self, node, book):
        pending = node.get("pending", "none")
        self.pending = None if pending == "none" else Pending(pending, book)

    def points_of(self, node, book, key="points"):
        return book.currencies[self.currency].units(node[key]) if key in node else None


class Rule(Judged):
    def __init__(self, node, book):
        super().__init__(node, "rule", book)
        self.form = next(key for key in ("rate", "bands", "flat") if key in node)
        self.rate = self.bands = self.flat = None
        self.money = node.get("money")
        if self.form == "rate":
            self.rate, self.money = self._rate(node["rate"], book)
        elif self.form == "bands":
            steps = [(minor(step["up_to"]) if "up_to" in step else None, *self._rate(step["rate"], book))
                     for step in node["bands"]["steps"]]
            self.money = steps[0][2]
            self.bands = SimpleNamespace(mode=node["bands"].get("mode", "cliff"),
                                         steps=[(up_to, rate) for up_to, rate, _ in steps])
        else:
            self.flat = self.points_of(node, book, "flat")
        self.per = node.get("per", "line" if self.form == "rate" else "order")
        self.basis = Basis(node.get("basis", {}))
        self.pend(node, book)

    def _rate(self, text, book):
        points, per = text.split(" per ")
        amount, currency = money(per)
        return fraction(points) * 10 ** book.currencies[self.currency].scale / amount, currency


class Campaign(Judged):
    def __init__(self, node, book):
        self.in_ = node.get("in", "programme")
        super().__init__(node, "campaign", book if self.in_ == "programme" else book.walls)
        self.factor = fraction(node["factor"])
        self.rules = chosen(node, "rules")
        self.weekdays = {WEEKDAYS.index(day) for day in node["weekdays"]} if "weekdays" in node else None
        self.days = set(map(int, node["days"])) if "days" in node else None
        self.dates = set(map(month_day, node["dates"])) if "dates" in node else None
        self.hours = tuple(map(minute, node["hours"].split("-"))) if "hours" in node else None
        self.birthday, self.exclusive = node.get("birthday"), node.get("exclusive")


def limited(self, node):
    """`times` and `per`, as the file says; without `per` it is once a lifetime."""
    self.times = whole(node, "times")
    self.per = node.get("per", "lifetime" if self.times is not None else None)


class Award(Judged):
    def __init__(self, node, book):
        super().__init__(node, "award", book)
        self.on, self.activity = node["on"], node.get("activity")
        self.points, self.balance = self.points_of(node, book), self.points_of(node, book, "balance")
        limited(self, node)
        self.pend(node, book)


class Streak(Judged):
    def __init__(self, node, book):
        super().__init__(node, "streak", book)
        self.activity, self.every = node.get("activity", "check_in"), node.get("every", "day")
        self.points = [book.currencies[self.currency].units(each) for each in node["points"]]


class Mission(Judged):
    def __init__(self, node, book):
        super().__init__(node, "mission", book)
        self.goal, self.of, self.activity = node["goal"], node["of"], node.get("activity")
        self.money = None
        if self.goal == "sum" and self.of == "purchase":
            self.target, self.money = minor(node["target"]), money(node["target"])[1]
        else:
            self.target = int(node["target"])
        self.every, self.per = node.get("every"), node.get("per", "lifetime")
        self.repeats = int(node.get("repeats", 1))
        self.points, self.badge = self.points_of(node, book), node.get("badge")
        self.basis = Basis(node.get("basis", {}))


class Cap(Judged):
    def __init__(self, node, book):
        super().__init__(node, "cap", book)
        self.covers = chosen(node, "covers")
        self.max = self.points_of(node, book, "max")
        self.per = node["per"] if node["per"] in (*UNITS, "event") else elapsed(node["per"])
        self.excess = node.get("excess", "trim")
        self.give_back = flag(node, "give_back", True)


class Metric:
    def __init__(self, name, node):
        self.kind = next(key for key in ("spend", "points", "visits", "missions", "balance") if key in node)
        self.name = name or self.kind
        self.money = node.get("spend")
        self.currency = node.get("points", node.get("balance"))
        self.word = node.get("visits", node.get("missions"))
        self.basis = Basis(node.get("basis", {}))

    def threshold(self, text, book):
        if self.kind == "spend":
            return 0 if text == "0" else minor(text)
        return book.currencies[self.currency].units(text) if self.currency else int(text)


class Window:
    def __init__(self, text):
        self.kind = text.split()[0] if text != "member anniversary" else "anniversary"
        self.unit = text.split()[1] if self.kind == "calendar" else None
        self.period = period(text.removeprefix("rolling ")) if self.kind == "rolling" else None


class Group:
    def __init__(self, node, book):
        self.name = node["group"]
        named = node["metrics"] if "metrics" in node else {"": node["metric"]}
        self.metrics = [Metric(name, each) for name, each in named.items()]
        self.match = node.get("match", "all")
        self.window = Window(node.get("window", "calendar year"))
        self.upgrade, self.downgrade = node.get("upgrade", "immediate"), node.get("downgrade", "none")
        self.grace = days(node.get("grace", "none")) or 0
        self.rollover = flag(node, "rollover", False)
        self.at_risk = days(node.get("at_risk", "30 days"))
        self.levels = [self._level(each, book) for each in node["levels"]]

    def _level(self, node, book):
        asked = node["from"]
        if not isinstance(asked, dict):
            asked = {metric.name: asked for metric in self.metrics}
        return SimpleNamespace(name=node["level"], multiplier=fraction(node.get("multiplier", "1")),
                               thresholds=[metric.threshold(asked[metric.name], book) for metric in self.metrics])


class Spending:
    def __init__(self, node, book):
        self.hold_timeout = elapsed(node.get("hold_timeout", "15 min"))
        grace = node.get("restore_grace", "none")
        self.restore_grace = None if grace == "none" else elapsed(grace)
        self.limits = [self._thresholds(each, book) for each in node.get("limits", [])]
        self.payments = [self._payment(each, book) for each in node.get("payments", [])]
        self.rewards = {each["reward"]: self._reward(each, book) for each in node.get("rewards", [])}

    @staticmethod
    def _units(node, book, *keys):
        currency = book.currencies[node["currency"]]
        return {key: currency.units(node[key]) if key in node else None for key in keys}

    def _thresholds(self, node, book):
        return SimpleNamespace(currency=node["currency"], group=node.get("group"), level=node.get("level"),
                               **self._units(node, book, "minimum", "multiple_of", "maximum"))

    def _payment(self, node, book):
        price, points = node["rate"].split(" per ")
        amount, currency = money(price)
        return SimpleNamespace(currency=node["currency"], money=currency,
                               rate=amount / (fraction(points) * 10 ** book.currencies[node["currency"]].scale),
                               **{key: minor(node[key]) if key in node else None for key in ("max_amount", "min_cash_due")},
                               **self._units(node, book, "max_points", "minimum", "multiple_of"))

    def _reward(self, node, book):
        reward = SimpleNamespace(name=node["reward"], when=Condition(node["when"]) if "when" in node else None)
        reward.prices = [SimpleNamespace(currency=each["currency"], group=each.get("group"), level=each.get("level"),
                                         **self._units(each, book, "points")) for each in node["prices"]]
        reward.from_, reward.until = (book.instant(node[key]) if key in node else None for key in ("from", "until"))
        limited(reward, node)
        return reward


class Limit(Judged):
    def __init__(self, node, book):
        super().__init__(node, "limit", book)
        self.of, self.activity = node["of"], node.get("activity")
        self.measure, self.action = node.get("measure", "count"), node.get("action", "refuse")
        self.max, self.money = None, node.get("money")
        if "max" in node and self.measure == "money":
            self.max, self.money = minor(node["max"]), money(node["max"])[1]
        elif "max" in node:
            self.max = self.points_of(node, book, "max") if self.measure == "points" else int(node["max"])
        self.times_own_mean = fraction(node["times_own_mean"]) if "times_own_mean" in node else None
        self.window = elapsed(node["window"]) if "window" in node else None
        self.after_redeem = elapsed(node["after_redeem"]) if "after_redeem" in node else None


class Walls:
    """Starts on the wall of a store that is not known yet; what carries an offset is an instant all the same."""

    def __init__(self, book):
        self.book, self.currencies = book, book.currencies

    def instant(self, text):
        when = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
        return when if when.tzinfo is None else self.book.instant(text)


class Rulebook:
    def __init__(self, text):
        node = read_yaml(text)
        self.text, self.name, self.version = text, node["rulebook"], int(node["version"])
        self.zone = Zone(node["zone"])
        self.effective_from = self.instant(node["effective_from"])
        accept = node.get("accept", {})
        self.accept = SimpleNamespace(future_ms=elapsed(accept.get("future", "5 min")),
                                      past_ms=elapsed(accept.get("past", "366 days")))
        self.members = SimpleNamespace(unknown=node.get("members", {}).get("unknown", "auto-enrol"))
        self.funders = {name: self._funder(name, each) for name, each in node.get("funders", {}).items()}
        self.stores = {name: SimpleNamespace(name=name, zone=Zone(each["zone"]))
                       for name, each in node.get("stores", {}).items()}
        self.currencies = {name: Currency(name, each) for name, each in node["currencies"].items()}
        self.walls = Walls(self)
        self._earning(node)
        self.tiers = {each["group"]: Group(each, self) for each in node.get("tiers", [])}
        self.spending = Spending(node.get("spending", {}), self)
        self._rest(node)

    def instant(self, text):
        when = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
        return self.zone.instant(when) if when.tzinfo is None else (when - EPOCH) // MILLISECOND

    @staticmethod
    def _funder(name, node):
        cost, currency = money(node["unit_cost"]) if "unit_cost" in node else (None, None)
        return SimpleNamespace(name=name, unit_cost=cost, money=currency)

    def _earning(self, node):
        combine = node.get("combine", {})
        self.combine = SimpleNamespace(lines=combine.get("lines", "max"), orders=combine.get("orders", "max"),
                                       campaigns=combine.get("campaigns", "add"))
        for key, kind in (("earn", Rule), ("campaigns", Campaign), ("awards", Award), ("streaks", Streak),
                          ("missions", Mission), ("caps", Cap)):
            setattr(self, key, in_order(kind(each, self) for each in node.get(key, [])))

    def _rest(self, node):
        returns = node.get("returns", {})
        self.returns = SimpleNamespace(
            method=returns.get("method", "item"), arrears=returns.get("arrears", "allow"),
            write_off={name: self.currencies[name].units(each) for name, each in returns.get("write_off", {}).items()},
            tier_value=returns.get("tier_value", "recompute"), wait=period(returns.get("wait", "30 days")))
        self.limits = in_order(Limit(each, self) for each in node.get("limits", []))
        quarantine, approvals = node.get("quarantine", {}), node.get("approvals", {})
        self.quarantine = SimpleNamespace(undecided=period(quarantine.get("undecided", "30 days")),
                                          then=quarantine.get("then", "release"))
        self.approvals = SimpleNamespace(
            lapse=period(approvals.get("lapse", "7 days")),
            adjustments={each["currency"]: self.currencies[each["currency"]].units(each["above"])
                         for each in approvals.get("adjustments", [])})
