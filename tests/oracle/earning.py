"""What an order earns, and what of it stays when a part goes back (semantics §4 phases 1 to 7, §6), in fractions that are
never rounded but where the law rounds."""

import contextlib
import fractions
import math

from civil import DAY, yearly

NUMBER_MAX = 2 ** 63 - 1
FRACTION_MAX = 2 ** 127 - 1


class Overflow(Exception):
    """A stored amount would leave 63 bits, or a reduced fraction 127."""


class Bounds:
    """Whoever leaves them is stopped; or, while it is only asked what else speaks against the event, it is noted."""

    noting = left = False

    def leave(self):
        if not self.noting:
            raise Overflow
        self.left = True

    @contextlib.contextmanager
    def noted(self):
        self.noting, self.left = True, False
        try:
            yield
        finally:
            self.noting = self.left = False


BOUNDS = Bounds()


def stored(number):
    if abs(number) > NUMBER_MAX:
        BOUNDS.leave()
    return number


def reduced(fraction):
    if max(abs(fraction.numerator), fraction.denominator) > FRACTION_MAX:
        BOUNDS.leave()
    return fraction


def over_one_denominator(parts):
    """What a sum is made of, too: shares are told by it."""
    common = math.lcm(*(part.denominator for part in parts))
    if any(max(common, abs(part.numerator) * (common // part.denominator)) > FRACTION_MAX for part in parts):
        BOUNDS.leave()


def share(amount, weights):
    """Largest remainder, ties by order of appearance; the sum is exact (semantics §1)."""
    total = sum(weights)
    if total == 0:
        return [0] * len(weights)
    parts = [math.floor(amount * weight / fractions.Fraction(total)) for weight in weights]
    by_remainder = sorted(range(len(weights)),
                          key=lambda i: (-(amount * weights[i] / fractions.Fraction(total) - parts[i]), i))
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

    def __init__(self, payload):
        self.payload = payload
        self.money, self.lines = payload["currency"], payload["lines"]
        self.names = [line.get("line_id") or str(i + 1) for i, line in enumerate(self.lines)]
        self.tender = payload.get("points_tender_minor", 0) + payload.get("gift_card_minor", 0)
        self.paid = less([line.get("amount_minor", 0) - line.get("discount_minor", 0) for line in self.lines], self.tender)

    def value(self, basis):
        """Phase 1: what each line counts by a basis; of a kind that is masked, nothing."""
        values = []
        for line in self.lines:
            value = line.get("amount_minor", 0)
            if basis.net_of_discount:
                value -= line.get("discount_minor", 0)
            if basis.without_tax:
                value -= line.get("tax_minor", 0)
            values.append(value if counts(basis, line) else 0)
        return less(values, self.tender) if basis.without_tender else values

    def kept(self, basis, refunded):
        """What of it is left when so much of what was paid on each line was refunded; None for all of it."""
        values = self.value(basis)
        if refunded is None:
            return [0] * len(values)
        return [value - (value * back // paid if back else 0) for value, back, paid in zip(values, refunded, self.paid)]

    def net(self):
        return sum(line.get("amount_minor", 0) - line.get("discount_minor", 0) for line in self.lines)


def counts(basis, line):
    return line.get("kind", "GOODS") in basis.kinds


def line_fits(rule, line):
    return all(wanted is None or line.get(field, "") in wanted for wanted, field in
               ((rule.categories, "category"), (rule.skus, "sku"), (rule.brands, "brand")))


def source_fits(rule, payload):
    """Channel, store and partner of whatever is told."""
    return all(wanted is None or payload.get(field, "") in wanted for wanted, field in
               ((rule.channels, "channel"), (rule.stores, "store"), (rule.partners, "partner")))


def within(rule, instant):
    return (rule.from_ is None or rule.from_ <= instant) and (rule.until is None or instant < rule.until)


def banded(rule, value):
    """Points for a value by the rule's rate or its bands; a band includes its upper bound."""
    if rule.form == "rate":
        return value * rule.rate
    below, points = 0, fractions.Fraction(0)
    for up_to, rate in rule.bands.steps:
        inside = up_to is None or value <= up_to
        if rule.bands.mode == "cliff" and inside:
            return value * rate
        points += ((value if inside else up_to) - below) * rate
        if inside:
            return points
        below = up_to
    raise AssertionError("the last band has no end")


def placed(zone, pending, instant):
    """(activation or None for an event that must come, deadline for it or None) (semantics §4, Pending)."""
    if pending is None or (pending.kind == "until" and pending.until <= instant):
        return instant, None
    if pending.kind == "until":
        return pending.until, None
    if pending.kind == "after":
        return zone.plus(instant, pending.after), None
    return None, None if pending.within is None else zone.plus(instant, pending.within)


class Judged:
    """What was found out about an order when it was granted: a return asks what the kept lines would have earned by it."""

    def __init__(self, rulebook, order, instant, environment, levels):
        self.rulebook, self.order, self.instant, self.environment = rulebook, order, instant, environment
        self.levels = levels  # the level held at occurred_at, by group; None where no tier counts
        self.lines_of = {}  # rule: which lines it is about
        for rule in rulebook.earn:
            lines = self._lines_of(rule)
            if lines:
                self.lines_of[rule] = lines
        self.campaigns = [each for each in rulebook.campaigns if self._matches(each)]
        self.rooms = {}  # currency: [(cap, room)] as they were, in order of judgement
        self.granted = {}  # currency: (requested, granted, first rule) of phases 1 to 7

    def place(self, rule):
        """When what a rule grants is the member's: lots differ by it."""
        zone, pending = self.rulebook.zone, rule.pending
        return placed(zone, pending, self.instant)

    def _lines_of(self, rule):
        payload = self.order.payload
        if (rule.money is not None and rule.money != self.order.money) or not within(rule, self.instant) or \
                not source_fits(rule, payload):
            return []
        if rule.per == "order" and rule.when is not None and not rule.when.true_for(self.environment):
            return []
        lines = [i for i, line in enumerate(self.order.lines) if counts(rule.basis, line) and line_fits(rule, line)]
        if rule.per == "line" and rule.when is not None:
            lines = [i for i in lines if rule.when.true_for({**self.environment, "line": self.order.lines[i]})]
        return lines

    def _matches(self, campaign):
        payload, zone = self.order.payload, self.rulebook.zone
        if campaign.in_ == "store" and payload.get("store", "") in self.rulebook.stores:
            zone = self.rulebook.stores[payload["store"]].zone
        for edge, sign in ((campaign.from_, 1), (campaign.until, -1)):
            if edge is not None:
                at = edge if isinstance(edge, int) else zone.instant(edge)
                if (sign > 0 and self.instant < at) or (sign < 0 and self.instant >= at):
                    return False
        wall = zone.wall(self.instant)
        if not source_fits(campaign, payload) or \
                (campaign.weekdays is not None and wall.weekday() not in campaign.weekdays) or \
                (campaign.days is not None and wall.day not in campaign.days) or \
                (campaign.dates is not None and wall.date() not in [yearly(wall.year, *date) for date in campaign.dates]):
            return False
        if campaign.hours is not None and \
                not campaign.hours[0] <= wall.hour * 60 + wall.minute < campaign.hours[1]:
            return False
        if campaign.birthday is not None and not is_birthday(campaign.birthday, self.environment["member"], wall.date()):
            return False
        return campaign.when is None or campaign.when.true_for(self.environment)

    # ---- phases 2 to 4 ----

    def base(self, currency, values):
        """Phase 2: (rule, line or None, points) of the base rules, in order of judgement."""
        rules = [rule for rule in self.lines_of if rule.currency == currency and rule.form != "flat"]
        found = []
        for i in range(len(self.order.lines)):
            fit = [rule for rule in rules if rule.per == "line" and i in self.lines_of[rule]]
            found += [(rule, i, points) for rule, points in
                      combined([(rule, banded(rule, values[rule][i])) for rule in fit], self.rulebook.combine.lines)]
        totals = {rule: sum(values[rule][i] for i in self.lines_of[rule]) for rule in rules if rule.per == "order"}
        orders = [(rule, banded(rule, total)) for rule, total in totals.items() if total]  # of nothing it says nothing
        found += [(rule, None, points) for rule, points in combined(orders, self.rulebook.combine.orders)]
        return sorted(found, key=lambda each: each[0].key)

    def multiplier(self, rule):
        """Phase 3."""
        if rule.multiplied_by is None or self.levels is None:
            return fractions.Fraction(1)
        group = self.rulebook.tiers[rule.multiplied_by]
        return group.levels[self.levels[group.name]].multiplier

    def campaigned(self, rule, line, points):
        """Phase 4: [(who, points)] with the base rule first, then each campaign by what it adds."""
        fit = [each for each in self.campaigns if each.currency == rule.currency and
               (each.rules is None or rule.name in each.rules)]
        fit = [each for each in fit if (each.categories, each.skus, each.brands) == (None, None, None) or
               (line is not None and line_fits(each, self.order.lines[line]))]
        best = {each.exclusive: max((other for other in fit if other.exclusive == each.exclusive),
                                    key=lambda other: other.factor) for each in fit if each.exclusive is not None}
        fit = [each for each in fit if each.exclusive is None or best[each.exclusive] is each]
        mode = self.rulebook.combine.campaigns
        if fit and mode == "max":
            fit = [max(fit, key=lambda each: each.factor)]
        gains, lessened, running = [], fractions.Fraction(0), points
        for campaign in fit:
            added = reduced((running if mode == "multiply" else points) * (campaign.factor - 1))
            running = reduced(running + added)
            if added > 0:
                gains.append([campaign, added])
            else:
                lessened -= added
        own = points - lessened
        for gain in reversed(gains):  # what would leave less than nothing of the base is taken off what campaigns add
            off = min(gain[1], max(0, -own))
            gain[1], own = gain[1] - off, own + off
        return [(rule, max(own, fractions.Fraction(0)))] + [tuple(gain) for gain in gains]

    # ---- phases 1 to 6 ----

    def exact(self, currency, refunded, times=None):
        """Phases 1 to 5, exactly: {(who, place): points} in order of appearance, where a place is what lots differ by.
        `refunded` says what is refunded of each line (None: all of it); `times(rule, line)` how much of a part stays where
        parts are not computed anew."""
        values = {rule: self.order.kept(rule.basis, refunded) if times is None else self.order.value(rule.basis)
                  for rule in self.lines_of}
        bases, added, flats = {}, {}, {}
        for rule, line, points in self.base(currency, values):
            points = reduced(reduced(fractions.Fraction(points)) * self.multiplier(rule))
            for who, part in self.campaigned(rule, line, points):
                part = part if times is None else part * times(rule, line)
                into = bases if who is rule else added
                key = (who, self.place(rule))
                into[key] = reduced(into.get(key, 0) + part)
        for rule in self.lines_of:
            if rule.currency != currency or rule.form != "flat":
                continue
            for line in self.lines_of[rule] if rule.per == "line" else [None]:
                mine = self.lines_of[rule] if line is None else [line]
                if sum(values[rule][i] for i in mine) > 0:
                    part = fractions.Fraction(rule.flat) * (1 if times is None else times(rule, line))
                    key = (rule, self.place(rule))
                    flats[key] = reduced(flats.get(key, 0) + part)
        added = dict(sorted(added.items(), key=lambda each: each[0][0].key))
        return {key: part for parts in (bases, added, flats) for key, part in parts.items() if part}

    def whole(self, currency, exact):
        """Phase 6: one rounding on the sum; each part is its share."""
        total = reduced(sum(exact.values(), fractions.Fraction(0)))
        points = stored(rounded(total, self.rulebook.currencies[currency].rounding))
        if points and len(exact) > 1:
            over_one_denominator([*exact.values(), total])
        return dict(zip(exact, share(points, list(exact.values()))))

    # ---- what stays (semantics §6) ----

    def stays(self, currency, refunded):
        """Of what phases 1 to 7 granted in a currency."""
        method, mode = self.rulebook.returns.method, self.rulebook.currencies[currency].rounding
        if method == "recompute":
            return sum(capped(self.whole(currency, self.exact(currency, refunded)), self.rooms[currency]).values())
        requested, granted, first = self.granted[currency]
        if method == "value_share":
            if first not in self.lines_of:  # a campaign has no basis of its own
                first = next(rule for rule in self.lines_of if rule.currency == currency)
            full, kept = sum(self.order.value(first.basis)), sum(self.order.kept(first.basis, refunded))
            if full == 0:
                return 0 if refunded is None else granted
            return rounded(reduced(fractions.Fraction(granted * kept, full)), mode)

        def times(rule, line):
            lines = self.lines_of[rule] if line is None else [line]
            full, kept = self.order.value(rule.basis), self.order.kept(rule.basis, refunded)
            total = sum(full[i] for i in lines)
            return fractions.Fraction(sum(kept[i] for i in lines), total) if total else fractions.Fraction(0)

        total = sum(self.exact(currency, refunded, times).values(), fractions.Fraction(0))
        return rounded(reduced(reduced(total) * fractions.Fraction(granted, requested)), mode)


def combined(found, mode):
    """Of rules for the same thing, in order of judgement."""
    if not found or mode == "sum":
        return found
    return found[:1] if mode == "first" else [max(found, key=lambda each: each[1])]  # of equals the first


def is_birthday(span, member, date):
    """Whether a date is in the day, (Monday-)week or month of the birthday of the year in which it lies."""
    birthday = member["birthday"]
    if birthday is None:
        return False
    for year in (date.year - 1, date.year, date.year + 1):
        day = yearly(year, birthday["month"], birthday["day"])
        monday = day - day.weekday() * DAY
        if (span == "day" and date == day) or (span == "week" and monday <= date < monday + 7 * DAY) or \
                (span == "month" and (date.year, date.month) == (day.year, day.month)):
            return True
    return False


def covers(cap, name):
    return cap.covers is None or name in cap.covers


def capped(parts, rooms):
    """Phase 7 on whole points: caps in order of judgement, each with the room that it has."""
    parts = dict(parts)
    for cap, room in rooms:
        covered = [key for key in parts if covers(cap, key[0].name)]
        asked = sum(parts[key] for key in covered)
        if asked <= room:
            continue
        left = share(room, [parts[key] for key in covered]) if cap.excess == "trim" else [0] * len(covered)
        parts.update(zip(covered, left))
    return parts
