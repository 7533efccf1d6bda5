"""A member's life, and points by hand (semantics §7 extending, §10)."""

import math
from fractions import Fraction

from civil import FOR_EVER, Period
from lots import Member, Refused


class Awaiting:
    """An adjustment that waits for a second pair of eyes."""

    def __init__(self, member, event, ordinal, lapses):
        self.member, self.event, self.ordinal, self.lapses = member, event, ordinal, lapses


class Members:
    # ---- form, where it needs the rulebook ----

    def judge_form(self, event, rulebook):
        if rulebook is None:
            return None
        kind = next(name for name in event if isinstance(event[name], dict))
        payload = event[kind]
        if kind in ("redeem", "hold"):
            asked = payload.get("currencies") or [next(iter(rulebook.currencies))]
            if any(currency not in rulebook.currencies for currency in asked):
                return "unknown_points_currency"
            return "malformed" if any(rulebook.currencies[currency].qualifying for currency in asked) else None
        if kind in ("grant", "adjust"):
            return None if self.currency_of(payload, rulebook) in rulebook.currencies else "unknown_points_currency"
        if kind in ("extend_lots", "reinstate_lots", "renew_lots") and not payload["choice"].get("lots"):
            return None if self.currency_of(payload["choice"], rulebook) in rulebook.currencies else "unknown_points_currency"
        return None

    @staticmethod
    def currency_of(payload, rulebook):
        return payload.get("currency") or next(iter(rulebook.currencies))

    # ---- enrolment and profile ----

    def enrol(self, event, payload, rulebook):
        if self.member is not None:
            raise Refused("already_enrolled")
        subject = next((name, event[name]) for name in ("member", "guest") if name in event)
        member = Member(subject, len(self.members), event["occurred_at_ms"])
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
        self.change_state(["active", "suspended"], "frozen").frozen_at = self.clock

    def unfreeze(self, event, payload, rulebook):
        """Moves every unreached instant by the time frozen since the later of freeze and grant."""
        member = self.change_state(["frozen"], "active")
        for lot in member.lots:
            frozen = self.clock - max(member.frozen_at, lot.granted_at)
            if lot.fixed_expiry is not None and lot.phase in ("pending", "active"):
                lot.fixed_expiry += frozen
            elif lot.phase == "lapsing":
                lot.grace_shift += frozen
        for currency, start in member.clocks.items():
            member.clocks[currency] = start + self.clock - max(member.frozen_at, start)
        member.frozen_at = None

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
        member.noted, member.waiting, member.quarantines, member.awaiting, member.yearly = {}, {}, {}, {}, {}
        member.tiers, member.metrics, member.clocks = {}, {}, {}

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
        self.expect_yearly(member, "anniversary", rulebook, event["occurred_at_ms"])
        self.expect_yearly(member, "birthday", rulebook, event["occurred_at_ms"])

    # ---- points by hand ----

    def dated_lot(self, member, payload, currency, points, rulebook, occurred, **more):
        """As the currency's rule says, unless told."""
        activates = max(occurred, payload.get("activates_at_ms", 0))
        lot = self.draft(member, currency, points, "", rulebook, occurred, (activates, None), **more)
        if payload.get("never_expires"):
            lot.fixed_expiry = lot.inactivity = None
        elif payload.get("expires_at_ms"):
            lot.fixed_expiry, lot.inactivity = payload["expires_at_ms"], None
        return lot

    def grant_by_hand(self, event, payload, rulebook):
        member, occurred = self.known_member(), event["occurred_at_ms"]
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
        if above is not None and abs(payload["points"]) > above and self.cause() not in self.approving:
            lapses = rulebook.zone.plus(self.clock, rulebook.approvals.lapse)
            member.awaiting[self.cause()] = Awaiting(member, event, self.ordinal, lapses)
            self.notice(member, "approvalWanted", event["occurred_at_ms"], awaiting=self.cause(), currency=currency,
                        points=payload["points"], actor=payload.get("actor", ""), lapsesAtMs=lapses)
            raise Refused("awaiting_approval")
        if payload["points"] > 0:
            lot = self.dated_lot(member, payload, currency, payload["points"], rulebook, event["occurred_at_ms"])
            self.grant(lot, "ADJUST", "ADJUSTED")
        else:
            self.deduct(member, currency, -payload["points"], payload)
        self.amount(currency, requested=abs(payload["points"]), granted=abs(payload["points"]))

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
        reference = (payload["awaiting"].get("source", ""), payload["awaiting"].get("id", ""))
        awaiting = member.awaiting.get(reference)
        if awaiting is None:
            raise Refused("not_awaiting")
        if awaiting.event["adjust"].get("actor", "") == payload.get("actor", ""):
            raise Refused("same_actor")
        self.judge_state()
        del member.awaiting[reference]
        self.approved.append((awaiting, event["occurred_at_ms"]))

    def judge_approved(self):
        """Right after the approval: the adjustment's final answer."""
        while self.approved:
            awaiting, instant = self.approved.pop(0)
            event = {**awaiting.event, "occurred_at_ms": instant}
            self.approving.add((event["source"], event["id"]))
            verdict = self.judge(event, awaiting.ordinal, None)
            self.finish(awaiting.event, verdict, awaiting.ordinal, further=True)

    def approval_lapses(self, awaiting, instant):
        reference = (awaiting.event["source"], awaiting.event["id"])
        del awaiting.member.awaiting[reference]
        self.notice(awaiting.member, "approvalLapsed", instant, awaiting=reference)

    # ---- lots by hand ----

    def chosen(self, member, choice, rulebook, fits):
        """Those named, or else all of the currency that match; open on a side that is 0."""
        if choice.get("lots"):
            named = [(each.get("ordinal", 0), each.get("index", 0)) for each in choice["lots"]]
            lots = [lot for lot in member.lots if lot.id in named]
            if len(lots) < len(set(named)) or not all(fits(lot) for lot in lots):
                raise Refused("unknown_lot")
        else:
            currency = self.currency_of(choice, rulebook)
            start, end = choice.get("expiring_from_ms", 0), choice.get("expiring_until_ms") or FOR_EVER
            lots = [lot for lot in member.lots if lot.currency == currency and fits(lot) and start <= lot.expires < end]
        return sorted(lots, key=lambda lot: (self.slot(lot.currency), lot.spend_order()))

    def extend_lots(self, event, payload, rulebook):
        member = self.known_member()
        lots = self.chosen(member, payload["choice"], rulebook,
                           lambda lot: lot.expires is not None and lot.phase in ("pending", "active") and
                           (lot.remaining or lot.held))
        self.judge_state()
        for lot in lots:
            before = lot.expires
            to = payload.get("expires_at_ms") or rulebook.zone.plus(before, Period(payload["days"], "days"))
            if to > before:
                lot.fixed_expiry, lot.inactivity = to, None
                self.post(member, "EXTEND", "ACTIVE", "ACTIVE", lot.currency, 0, lot, self.now(), expired_before=before)

    def reinstate_lots(self, event, payload, rulebook):
        self.bring_back(event, payload, rulebook, lambda expired: expired)

    def renew_lots(self, event, payload, rulebook):
        share = Fraction(payload["share"].get("numerator", 0), payload["share"]["denominator"])
        self.bring_back(event, payload, rulebook, lambda expired: math.floor(expired * share))

    def bring_back(self, event, payload, rulebook, part):
        member = self.known_member()
        lots = self.chosen(member, payload["choice"], rulebook, lambda lot: lot.phase == "passed" and lot.expired)
        self.judge_state()
        for lot in lots:
            points, before = part(lot.expired), lot.expires
            if points:
                lot.expired -= points
                lot.fixed_expiry, lot.inactivity = payload["expires_at_ms"], None
                self.come(lot, points, "REINSTATE", "EXPIRED", self.now(), expired_before=before)
                self.amount(lot.currency, requested=points, granted=points)
                if self.reached(lot, lot.expires):
                    self.expire_at_once(lot, points)
                else:
                    self.repay(lot, points, self.now())
