"""A member's life, and points by hand (semantics §7 extending, §10)."""

import math
from fractions import Fraction

from civil import FOR_EVER, Period
from earning import share
from lots import Member, Refused


class Awaiting:
    """An adjustment that waits for a second pair of eyes."""

    def __init__(self, member, event, ordinal, lapses):
        self.member, self.event, self.ordinal, self.lapses = member, event, ordinal, lapses


class Members:
    # ---- form, where it needs the rulebook ----

    def judge_form(self, event, rulebook):
        kind = next(name for name in event if isinstance(event[name], dict))
        payload = event[kind]
        if kind == "tier_override" and 0 < payload.get("until_ms", 0) <= event["occurred_at_ms"]:
            return "malformed"
        if kind == "grant" and not payload.get("never_expires") and \
                0 < payload.get("expires_at_ms", 0) <= payload.get("activates_at_ms", 0):
            return "malformed"
        if rulebook is None:
            return None
        if kind in ("redeem", "hold"):
            return self.judge_currencies(payload.get("currencies") or [next(iter(rulebook.currencies))], rulebook)
        if kind in ("grant", "adjust"):
            if self.currency_of(payload, rulebook) not in rulebook.currencies:
                return "unknown_points_currency"
            return "malformed" if payload.get("funder") and payload["funder"] not in rulebook.funders else None
        if kind == "approve":
            return self.judge_awaited(payload, rulebook)
        if kind in ("extend_lots", "reinstate_lots", "renew_lots") and not payload["choice"].get("lots"):
            return None if self.currency_of(payload["choice"], rulebook) in rulebook.currencies else "unknown_points_currency"
        return None

    def judge_awaited(self, payload, rulebook):
        """The version of the approval must know the currency of what waits."""
        awaiting = self.awaited(payload) if self.member is not None else None
        unknown = awaiting is not None and self.currency_of(awaiting.event["adjust"], rulebook) not in rulebook.currencies
        return "unknown_points_currency" if unknown else None

    def awaited(self, payload):
        return self.member.awaiting.get((payload["awaiting"].get("source", ""), payload["awaiting"].get("id", "")))

    @staticmethod
    def judge_currencies(asked, rulebook):
        """At par means unit by unit."""
        for name in asked:
            if name not in rulebook.currencies:
                return "unknown_points_currency"
            currency = rulebook.currencies[name]
            if currency.qualifying or currency.scale != rulebook.currencies[asked[0]].scale:
                return "malformed"
        return None

    @staticmethod
    def currency_of(payload, rulebook):
        return payload.get("currency") or next(iter(rulebook.currencies))

    # ---- enrolment and profile ----

    def enrol(self, event, payload, rulebook):
        if self.member is not None:
            raise Refused("already_enrolled")
        subject = next((name, event[name]) for name in ("member", "guest") if name in event)
        member = Member(subject, event["occurred_at_ms"])
        grants = self.plan(event, member, rulebook)
        self.plan_sign_up(grants, payload)
        self.enrol_now(member, rulebook)
        self.told_birthday(member, payload, rulebook, event["occurred_at_ms"])
        self.commit(grants)
        self.done()

    def profile_update(self, event, payload, rulebook):
        member = self.known_member()
        self.judge_state()
        self.told_birthday(member, payload, rulebook, event["occurred_at_ms"])

    def told_birthday(self, member, payload, rulebook, instant):
        """Month 0 withdraws what was told before."""
        if "birthday" not in payload:
            return
        told = payload["birthday"]
        member.birthday = told if told.get("month") else None
        self.expect_yearly(member, "birthday", rulebook, instant)

    # ---- states ----

    def change_state(self, wanted, state):
        member = self.known_member()
        self.judge_state()
        if member.state not in wanted:
            raise Refused("wrong_state")
        member.state = state
        return member

    def suspend(self, event, payload, rulebook):
        self.change_state(["active"], "suspended")

    def resume(self, event, payload, rulebook):
        self.change_state(["suspended"], "active")

    def freeze(self, event, payload, rulebook):
        before = self.member.state if self.member is not None else None
        member = self.change_state(["active", "suspended"], "frozen")
        member.frozen_at, member.before_freeze = event["occurred_at_ms"], before
        member.frozen_clock = self.clock

    def unfreeze(self, event, payload, rulebook):
        """Moves every instant that was not reached by the time frozen since the later of freeze and grant."""
        member = self.change_state(["frozen"], "frozen")
        frozen_at, now = member.frozen_at, event["occurred_at_ms"]
        for lot in member.lots:
            if lot.phase == "cancelled" or lot.fixed_expiry is None:
                continue
            moved, grace_end = max(0, now - max(frozen_at, lot.earned)), lot.grace_end()
            reached = lot.phase in ("active", "passed") and lot.fixed_expiry <= member.frozen_clock
            if lot.fixed_expiry > frozen_at and not reached:
                lot.fixed_expiry += moved
            if lot.phase == "lapsing":
                lot.grace_shift += grace_end + (moved if grace_end > frozen_at else 0) - lot.grace_end()
        for clock in member.clocks.values():
            moved = now - max(frozen_at, clock.since)
            if clock.instant() > frozen_at and moved > 0:
                clock.shift += moved
                clock.set(max(clock.set_at, now), self.moment())
        member.state, member.frozen_at = member.before_freeze, None

    def close(self, event, payload, rulebook):
        """Ends holds, forfeits all points, writes off arrears."""
        member = self.change_state(["active", "suspended", "frozen"], "closed")
        member.frozen_at = None
        for hold in member.holds.values():
            hold.open = False
        for currency in self.currencies:
            for lot in sorted((lot for lot in member.lots if lot.currency == currency), key=lambda lot: lot.spend_order()):
                self.forfeit(member, lot)
            owed = member.owes(currency)
            if owed:
                member.arrears[currency] = []
                self.post(member, "WRITE_OFF", "ADJUSTED", "ARREARS", currency, owed, None, self.now())
        member.noted, member.waiting, member.quarantines, member.awaiting = {}, {}, {}, {}
        member.tiers, member.metrics, member.clocks = {}, {}, {}
        member.checked, member.missions, member.cap_uses, member.limit_uses, member.paid = {}, {}, {}, {}, {}
        member.redeemed = {}
        member.orders_counted = 0
        for booked in member.orders.values():
            booked.tier_value_gone = True

    def forfeit(self, member, lot):
        points, account = lot.remaining, lot.account
        lot.lost += points + lot.held
        lot.remaining = 0
        if points:
            self.post(member, "FORFEIT", account, "FORFEITED", lot.currency, points, lot, self.now())
        held, lot.held, lot.marks = lot.held, 0, []
        if held:
            self.post(member, "FORFEIT", "HELD", "FORFEITED", lot.currency, held, lot, self.now())
        lot.phase = "passed" if lot.phase != "pending" else "cancelled"

    def reopen(self, event, payload, rulebook):
        """Starts again, empty."""
        member = self.known_member()
        if member.state != "closed":
            raise Refused("wrong_state")
        member.state = "active"

    # ---- points by hand ----

    def dated_lot(self, member, payload, currency, points, rulebook, occurred, **more):
        """As the currency's rule says, unless told."""
        activates = max(occurred, payload.get("activates_at_ms", 0))
        lot = self.draft(member, currency, points, "", rulebook, occurred, (activates, None), **more)
        if payload.get("never_expires"):
            lot.fixed_expiry, lot.governed = None, False
        elif payload.get("expires_at_ms"):
            lot.fixed_expiry, lot.governed = payload["expires_at_ms"], False
        return lot

    def grant_by_hand(self, event, payload, rulebook):
        member, occurred = self.known_member(), event["occurred_at_ms"]
        if payload.get("order_id") and payload["order_id"] not in member.orders:
            raise Refused("unknown_order")
        self.judge_state("active")
        currency = self.currency_of(payload, rulebook)
        lot = self.dated_lot(member, payload, currency, payload["points"], rulebook, occurred,
                             order_id=payload.get("order_id") or None, funder=payload.get("funder") or None)
        self.grant(lot, order_id=lot.order_id)
        self.amount(currency, requested=lot.granted, granted=lot.granted)
        if payload.get("qualifies"):
            self.measure(rulebook, member, occurred, "points", lot.granted, currency, [])

    def adjust(self, event, payload, rulebook):
        member = self.known_member()
        self.judge_state()
        currency = self.currency_of(payload, rulebook)
        above = rulebook.approvals.adjustments.get(currency)
        if above is not None and abs(payload["points"]) > above:
            lapses = rulebook.zone.plus(self.clock, rulebook.approvals.lapse)
            member.awaiting[self.cause()] = Awaiting(member, event, self.ordinal, lapses)
            self.notice(member, "approvalWanted", event["occurred_at_ms"], awaiting=self.cause(), currency=currency,
                        points=payload["points"], actor=payload.get("actor", ""), lapsesAtMs=lapses)
            raise Refused("awaiting_approval")
        self.adjust_now(member, event, payload, rulebook)

    def adjust_now(self, member, event, payload, rulebook):
        currency, points = self.currency_of(payload, rulebook), payload["points"]
        if points > 0:
            lot = self.dated_lot(member, payload, currency, points, rulebook, event["occurred_at_ms"])
            self.grant(lot, "ADJUST", "ADJUSTED")
        else:
            self.deduct(member, currency, -points, payload)
        self.amount(currency, requested=points, granted=points)

    def deduct(self, member, currency, points, payload):
        if points > member.active(currency) and not payload.get("may_owe"):
            raise Refused("insufficient_points")
        for lot in member.open_lots(currency, "active"):
            part = min(points, lot.remaining)
            if part:
                lot.remaining -= part
                points -= part
                self.post(member, "ADJUST", "ACTIVE", "ADJUSTED", currency, part, lot, self.now())
        if points:
            self.add_arrears(member, currency, None, points)
            self.post(member, "ADJUST", "ARREARS", "ADJUSTED", currency, points, None, self.now())

    def approve(self, event, payload, rulebook):
        """Executes what waits: its own state, balance and version are judged now."""
        member = self.known_member()
        awaiting = self.awaited(payload)
        if awaiting is None:
            raise Refused("not_awaiting")
        if awaiting.event["adjust"].get("actor", "") == payload.get("actor", ""):
            raise Refused("same_actor")
        self.judge_state()
        request = awaiting.event["adjust"]
        self.said = {"reason": request.get("reason", ""), "actor": request.get("actor", "")}
        try:
            self.adjust_now(member, event, request, rulebook)
        finally:
            self.said = None
        del member.awaiting[awaiting.event["source"], awaiting.event["id"]]
        self.answer(awaiting.event, "accepted", awaiting.ordinal, further=True)

    def approval_lapses(self, awaiting, instant):
        reference = (awaiting.event["source"], awaiting.event["id"])
        del awaiting.member.awaiting[reference]
        self.notice(awaiting.member, "approvalLapsed", instant, awaiting=reference)

    # ---- lots by hand ----

    def chosen(self, member, choice, rulebook, fits):
        """Those named, or else all of the currency that match; open on a side that is 0."""
        if choice.get("lots"):
            named = {(each.get("ordinal", 0), each.get("index", 0)) for each in choice["lots"]}
            lots = [lot for lot in member.lots if lot.id in named and fits(lot)]
        else:
            currency = self.currency_of(choice, rulebook)
            start, end = choice.get("expiring_from_ms", 0), choice.get("expiring_until_ms") or FOR_EVER
            lots = [lot for lot in member.lots if lot.currency == currency and fits(lot) and start <= lot.expires < end]
        if not lots:
            raise Refused("unknown_lot")
        return lots

    def extend_lots(self, event, payload, rulebook):
        member = self.known_member()
        lots = self.chosen(member, payload["choice"], rulebook,
                           lambda lot: lot.fixed_expiry is not None and lot.state in ("pending", "active") and not lot.lapsed)
        self.judge_state()
        for lot in sorted(lots, key=lambda lot: (self.slot(lot.currency), lot.spend_order())):
            before = lot.fixed_expiry
            to = payload.get("expires_at_ms") or rulebook.zone.plus(before, Period(payload["days"], "days"))
            if to > before:
                lot.fixed_expiry = to
                if lot.phase == "passed":
                    lot.phase = "active"
                self.post(member, "EXTEND", lot.account, lot.account, lot.currency, 0, lot, self.now(), expired_before=before)

    def reinstate_lots(self, event, payload, rulebook):
        self.bring_back(event, payload, rulebook, Fraction(1))

    def renew_lots(self, event, payload, rulebook):
        part = Fraction(payload["share"].get("numerator", 0), payload["share"]["denominator"])
        self.bring_back(event, payload, rulebook, part)

    def bring_back(self, event, payload, rulebook, part):
        """A share of what expired of the lots, of each currency rounded down."""
        member = self.known_member()
        lots = self.chosen(member, payload["choice"], rulebook,
                           lambda lot: lot.expired and not lot.lost and
                           (lot.state == "active" if lot.held else not lot.remaining))
        self.judge_state()
        lots.sort(key=lambda lot: (lot.held > 0, lot.spend_order() if lot.held else lot.id))
        for currency in self.currencies:
            mine = [lot for lot in lots if lot.currency == currency]
            back = share(math.floor(part * sum(lot.expired for lot in mine)), [lot.expired for lot in mine])
            for lot, points in zip(mine, back):
                if points:
                    self.reinstate(lot, points, payload["expires_at_ms"])

    def reinstate(self, lot, points, expires):
        before = lot.expires
        lot.expired -= points
        if not lot.remaining:
            lot.phase, lot.lapsed = "passed", False
        lot.fixed_expiry, lot.governed = expires, False
        self.come(lot, points, "REINSTATE", "EXPIRED", self.now(), expired_before=before)
        if self.reached(lot, expires):
            self.expire_at_once(lot, points)
        else:
            self.repay(lot, points, self.now())
