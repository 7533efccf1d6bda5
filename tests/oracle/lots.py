"""Lots, and the few ways in which points move (semantics §3, §4 Pending, §7)."""

from civil import DAY, FOR_EVER, Period, yearly


BEHIND_PARKED = 65_536  # of lots that time makes right behind a parked event, whose own lots are still to come


class Refused(Exception):
    """A named verdict; a refused event moves nothing."""


class Lot:
    def __init__(self, lot_id, member, currency, points, rule, rulebook, earned, order_id=None, funder=None):
        self.id, self.member, self.currency, self.rule, self.rulebook = lot_id, member, currency, rule, rulebook
        self.granted = self.remaining = points
        self.earned, self.order_id, self.funder = earned, order_id, funder
        self.activates = self.deadline = self.fixed_expiry = None
        self.governed = False  # by the clock of inactivity of its currency
        self.own_activation = None  # of a lot that is held back
        self.own = False  # shared with no other award of the event
        self.phase = "pending"  # then active, lapsing, passed (its instant came) or cancelled
        self.held = self.expired = self.lost = 0  # lost: forfeited or cancelled
        self.lapsed = False  # once, and not brought back since
        self.grace_shift = 0  # by having been frozen
        self.passing = 0  # in `active` for a moment, while the rest is lapsing
        self.marks = []  # of what is held, to be clawed back
        self.quarantine = None

    @property
    def expires(self):
        """Exclusive; None for never. Under inactivity it is the clock's of the currency."""
        if not self.governed or self.phase == "pending":
            return self.fixed_expiry
        clock = self.member.clocks.get(self.currency)
        return None if clock is None else clock.instant()

    @property
    def marked(self):
        return sum(mark.left for mark in self.marks)

    @property
    def grace(self):
        expiry = self.rulebook.currencies[self.currency].expiry
        return expiry.grace if expiry is not None else 0

    def grace_end(self):
        return self.rulebook.zone.plus(self.expires, Period(self.grace, "days")) + self.grace_shift

    @property
    def account(self):
        return {"pending": "PENDING", "lapsing": "LAPSING"}.get(self.phase, "ACTIVE")

    @property
    def state(self):
        if self.phase == "pending" and self.remaining:
            return "pending"
        if self.phase == "lapsing" and self.remaining:
            return "lapsing"
        if self.remaining or self.held:
            return "active"
        return "cancelled" if self.phase == "cancelled" else "expired" if self.expired else "exhausted"

    def spend_order(self):
        """Soonest expiry first, never-expiring last, then earned_at, then lot id (semantics §5)."""
        return (FOR_EVER if self.expires is None else self.expires, self.earned, self.id)


class Clock:
    """Of inactivity, one for a member and currency (semantics §7)."""

    def __init__(self, since, rulebook, currency, moment, before=None):
        self.since, self.rulebook, self.currency = since, rulebook, currency
        self.shift = 0  # by having been frozen
        self.set(since, moment)
        if before is not None and before.instant() == self.instant() and not before.missed:
            self.set_at, self.tells, self.told = before.set_at, before.tells, before.told

    def set(self, at, moment):
        """What is over by the time it is known is not told of beforehand."""
        self.set_at, self.tells = at, self.instant() > moment
        self.told = self.missed = False  # the notice went out; it had nothing to tell

    def instant(self):
        return self.rulebook.zone.plus(self.since, self.rulebook.currencies[self.currency].expiry.inactivity) + self.shift


class Member:
    def __init__(self, subject, enrolled):
        self.subject, self.enrolled = subject, enrolled  # None: nobody has enrolled yet who is waited for
        self.number = None
        self.state, self.frozen_at, self.birthday = "active", None, None
        self.earliest = None  # instant of due work, where it is known
        self.lots, self.arrears, self.noted = [], {}, {}  # arrears: {currency: [[order id, points]]}, oldest first
        self.clocks = {}  # of inactivity, by currency
        self.orders, self.spends, self.holds, self.loose_refunds = {}, {}, {}, {}
        self.orders_counted = 0  # accepted ones, since the account was opened
        self.waiting = {}  # order id: what came before it
        self.tiers, self.metrics, self.reevaluations = {}, {}, []
        self.noticed = set()  # (currency, instant) for which the notice went out
        self.references = set()
        self.paid = {}  # how often awards were paid, by (name, per, bucket)
        self.cap_uses = {}  # what caps counted, by (name, per): [[occurred_at, points]]
        self.limit_uses = {}  # what limits counted, by name: [(occurred_at, value, ordinal)]
        self.redeemed = {}  # when points were spent, by the name of the limit that asks: [occurred_at]
        self.checked, self.missions = {}, {}
        self.yearly = {}  # "birthday" and "anniversary": the next instant
        self.quarantines, self.awaiting = {}, {}

    def open_lots(self, currency, *phases):
        return sorted((lot for lot in self.lots if lot.remaining and lot.currency == currency and lot.phase in phases),
                      key=Lot.spend_order)

    def active(self, currency):
        return sum(lot.passing + (lot.remaining if lot.phase == "active" else 0) for lot in self.lots
                   if lot.currency == currency)

    def sum_of(self, currency, account):
        if account == "ARREARS":
            return self.owes(currency)
        if account == "HELD":
            return sum(lot.held for lot in self.lots if lot.currency == currency)
        return sum(lot.remaining for lot in self.lots if lot.currency == currency and lot.account == account)

    def owes(self, currency, order_id=None):
        return sum(points for order, points in self.arrears.get(currency, ()) if order_id in (None, order))


class Lots:
    def date(self, lot, pending_from=None):
        """Sets when a lot expires, once its activation is known (semantics §7)."""
        expiry, zone, member = lot.rulebook.currencies[lot.currency].expiry, lot.rulebook.zone, lot.member
        if expiry is None:
            return
        if expiry.kind == "inactivity":
            lot.governed = True
            return
        start = lot.earned if expiry.from_ == "earning" else lot.activates
        if start is None or (expiry.from_ == "earning" and lot.fixed_expiry is not None):
            return  # not known yet, or known since it was earned and maybe moved
        if expiry.kind == "after":
            lot.fixed_expiry = zone.rounded(zone.plus(start, expiry.after), expiry.round)
        elif expiry.kind == "dates":
            lot.fixed_expiry = self.end_of_next(zone, start, expiry.dates)
        else:
            enrolled = zone.date(member.enrolled)
            lot.fixed_expiry = zone.next_yearly(max(start, member.enrolled), enrolled.month, enrolled.day)

    @staticmethod
    def end_of_next(zone, start, dates):
        """Usable through the next of these month-days on or after the local date of the start."""
        date = zone.date(start)
        days = [yearly(year, month, day) for year in (date.year, date.year + 1) for month, day in dates]
        return zone.midnight(min(day for day in days if day >= date) + DAY)

    def reached(self, lot, instant):
        """Whether an instant of expiry has come: by the clock, but due work goes instant by instant, where what expires has
        its own turn (as what the clock of inactivity governs always has), and for a frozen member as it was at the freeze."""
        if lot.phase == "lapsing":
            return True
        if instant is None or lot.governed:
            return False
        if lot.member.frozen_at is not None:
            return instant <= min(self.clock, lot.member.frozen_at)
        return instant <= self.clock if self.instant is None else instant < self.instant

    def moment(self):
        """Up to when things have happened."""
        return self.clock if self.instant is None else self.instant

    # ---- into a member's accounts ----

    def draft(self, member, currency, points, rule, rulebook, earned, place, **more):
        """A lot that is not the member's yet."""
        lot = Lot(None, member, currency, points, rule, rulebook, earned, **more)
        lot.activates, lot.deadline = place
        self.date(lot)
        return lot

    def add(self, lot):
        index = self.indexes.get(self.lot_ordinal, BEHIND_PARKED if self.lot_ordinal in self.parked_ordinals else 0)
        self.indexes[self.lot_ordinal] = index + 1
        lot.id = (self.lot_ordinal, index)
        lot.member.lots.append(lot)

    def grant(self, lot, kind="GRANT", source="ISSUED", effective=None, **ids):
        """Points are granted: at once, or pending until they activate; a lot that is past its instants on arrival goes through
        them here."""
        self.add(lot)
        effective = lot.earned if effective is None else effective
        at_once = lot.activates is not None and lot.activates <= effective and lot.quarantine is None
        if at_once:
            self.enter(lot, 0, kind, source, effective, **ids)
            return
        self.post(lot.member, kind, source, "PENDING", lot.currency, lot.granted, lot, effective, **ids)
        if lot.activates is not None and lot.activates <= self.moment() and not lot.quarantine and \
                (lot.expires is None or lot.activates < lot.expires):
            self.activate_lot(lot, lot.activates, **ids)

    def enter(self, lot, more, kind, source, effective, **ids):
        """A movement into `active`, of a new lot or of `more` points: pays arrears at once, from that lot."""
        self.come(lot, more, kind, source, effective, **ids)
        if self.reached(lot, lot.expires):
            self.expire(lot, effective=max(effective, lot.expires), **ids)  # on arrival: pays no arrears
        else:
            self.repay(lot, lot.remaining, effective, **ids)

    def come(self, lot, more, kind, source, effective, **ids):
        """A movement into `active`."""
        member, points = lot.member, more or lot.remaining
        if lot.governed and (member.active(lot.currency) == 0 or lot.currency not in member.clocks):
            self.start_clock(lot, effective)
        if lot.governed and member.clocks[lot.currency].missed:
            clock = member.clocks[lot.currency]
            clock.missed, clock.set_at = False, max(clock.set_at, self.moment())
        if lot.phase == "lapsing":
            lot.passing += more
        else:
            lot.phase, lot.quarantine = "active", None
            lot.remaining += more
        if lot.activates is None:  # it had expired before what it waited for
            lot.activates = effective
        self.post(member, kind, source, "ACTIVE", lot.currency, points, lot, effective, **ids)

    def start_clock(self, lot, instant):
        """Where there were no active points, from the movement's own instant, by the version that granted them."""
        lot.member.clocks[lot.currency] = Clock(instant, lot.rulebook, lot.currency, self.moment(),
                                                 lot.member.clocks.get(lot.currency))

    def push_clocks(self, kind, event, rulebook):
        """Only accepted events that count push it, only forwards, by their occurred_at."""
        member, words = self.member, {kind}
        if kind == "activity":
            words.add(word_of(event[kind]))
        for currency, clock in member.clocks.items():
            judge = rulebook if inactivity(rulebook, currency) else clock.rulebook
            if words & judge.currencies[currency].expiry.counts and event["occurred_at_ms"] > clock.since:
                member.clocks[currency] = Clock(event["occurred_at_ms"], judge, currency, self.moment(), clock)

    def activate_lot(self, lot, instant, kind="ACTIVATE", **ids):
        """From `pending` into `active`."""
        if lot.activates != instant:
            lot.activates = instant
            self.date(lot)
        self.enter(lot, 0, kind, "PENDING", instant, **ids)

    def repay(self, lot, points, effective, only_order=None, **ids):
        """From a lot, at most so many points: arrears, the oldest first."""
        member = lot.member
        debts = member.arrears.get(lot.currency, [])
        paid = 0
        for debt in debts:
            if only_order is None or debt[0] == only_order:
                part = min(debt[1], points - paid)
                debt[1], paid = debt[1] - part, paid + part
        member.arrears[lot.currency] = [debt for debt in debts if debt[1]]
        if paid:
            self.out_of(lot, paid)
            self.post(member, "REPAY", "ACTIVE", "ARREARS", lot.currency, paid, lot, effective, **ids)
        return paid

    @staticmethod
    def out_of(lot, points):
        if lot.passing:
            lot.passing -= points
        else:
            lot.remaining -= points

    # ---- out of them by time ----

    def expire_at_once(self, lot, points, **ids):
        """Points that came back to a lot past its instant, whose rest may be lapsing."""
        effective = max(self.now(), lot.expires)
        if not lot.passing:
            self.expire(lot, effective=effective, **ids)
            return
        lot.passing -= points
        lot.expired += points
        self.post(lot.member, "EXPIRE", "ACTIVE", "EXPIRED", lot.currency, points, lot, effective, **ids)

    def expire(self, lot, kind="EXPIRE", effective=None, **ids):
        points, account = lot.remaining, lot.account
        instant = self.fix(lot)
        effective = instant if effective is None else effective
        lot.phase = "passed"
        lot.expired, lot.remaining = lot.expired + points, 0
        if points:  # all may be held
            self.post(lot.member, kind, account, "EXPIRED", lot.currency, points, lot, effective, **ids)

    def lapse(self, lot):
        """What is still there of it; where everything is held it has passed."""
        instant = self.fix(lot)
        lot.phase, lot.lapsed, lot.grace_shift = "lapsing" if lot.remaining else "passed", lot.remaining > 0, 0
        if lot.remaining:
            self.post(lot.member, "LAPSE", "ACTIVE", "LAPSING", lot.currency, lot.remaining, lot, instant)

    @staticmethod
    def fix(lot):
        """What expired by inactivity keeps its instant."""
        if lot.phase != "pending":
            lot.fixed_expiry, lot.governed = lot.expires, False
        return lot.fixed_expiry

    def cancel(self, lot, instant, **ids):
        """A pending lot whose event did not come, or that was rejected."""
        points = lot.remaining
        lot.phase, lot.quarantine = "cancelled", None
        lot.lost, lot.remaining = lot.lost + points, 0
        self.post(lot.member, "CANCEL", "PENDING", "REVERSED", lot.currency, points, lot, instant, **ids)


def inactivity(rulebook, currency):
    """Whether points of a currency expire so by a version."""
    expiry = rulebook.currencies[currency].expiry if rulebook is not None and currency in rulebook.currencies else None
    return expiry is not None and expiry.kind == "inactivity"


def word_of(payload):
    """An activity's kind as the rulebook writes it."""
    return payload["app_kind"] if payload.get("kind") == "APP_DEFINED" else payload.get("kind", "UNSPECIFIED").lower()
