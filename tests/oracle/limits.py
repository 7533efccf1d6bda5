"""Velocity limits and anomalies (semantics §10, A1 and A4), and points that are held back (A3)."""

import fractions

from civil import DAY_MS
from earning import BOUNDS, NUMBER_MAX
from lots import Refused

REFUSE, QUARANTINE, FLAG = "refuse", "quarantine", "flag"
NAMED_AT_MOST = 32  # events in evidence: the newest


class Quarantine:
    """What one event granted and is held back."""

    def __init__(self, event, ordinal, rulebook, lots, undecided_until):
        self.event, self.ordinal, self.rulebook = event, ordinal, rulebook
        self.lots, self.undecided_until = lots, undecided_until
        self.metrics = []  # what it added to metrics: (key, at, change)
        self.booked = None  # its order


class Limits:
    def measured(self, limit, kind, payload, points):
        """What an event counts for a limit; 0 for nothing."""
        if limit.measure == "count":
            return 1
        if limit.measure == "points":
            return points.get(limit.currency, 0)
        if payload.get("currency") != limit.money:
            return 0
        if kind == "refund":
            return max(payload.get("amount_minor", 0), sum(line.get("amount_minor", 0) for line in payload.get("lines", [])))
        return sum(line.get("amount_minor", 0) - line.get("discount_minor", 0) for line in payload["lines"])

    def over_limits(self, member, rulebook, kind, payload, occurred, environment, points, word=None):
        """[(limit, value, evidence)] of those that this event is over, and [(limit, value)] of all that count it."""
        over, counted = [], []
        for limit in rulebook.limits:
            if limit.of != kind or (limit.activity is not None and limit.activity != word) or \
                    (limit.when is not None and not limit.when.true_for(environment)):
                continue
            if limit.after_redeem is not None and not any(
                    occurred - limit.after_redeem < at <= occurred for at in member.redeemed.get(limit.name, [])):
                continue
            value = self.measured(limit, kind, payload, points)
            if value == 0:
                continue
            counted.append((limit, value))
            uses = member.limit_uses.get(limit.name, [])

            def used(start, end):
                return sum(each for at, each, _ in uses if start < at <= end)

            if limit.max is not None:
                start, threshold = occurred - limit.window, limit.max
                total = used(start, occurred) + value
                if total <= limit.max:
                    continue
            else:
                start = occurred - DAY_MS
                total, past = used(start, occurred) + value, used(occurred - 31 * DAY_MS, start)
                if past == 0 or total * 30 <= limit.times_own_mean * past:
                    continue
                threshold = int(limit.times_own_mean * past / fractions.Fraction(30))
            made = [ordinal for at, _, ordinal in sorted(uses, key=lambda use: use[0]) if start < at <= occurred]
            over.append((limit, {"limit": limit.name, "value": total, "threshold": threshold, "windowStartMs": start,
                                 "windowEndMs": occurred, "ordinals": [self.ordinal, *reversed(made)][:NAMED_AT_MOST]}))
        return over, counted

    def judge_limits(self, member, rulebook, kind, payload, occurred, environment, points, word=None):
        """Refuses, or says whether the event's grants are held back; what is said and counted comes once it is accepted.
        Grants that overflow are more than any limit allows."""
        if BOUNDS.left and kind in ("purchase", "activity"):
            points = dict.fromkeys(rulebook.currencies, NUMBER_MAX)
        over, counted = self.over_limits(member, rulebook, kind, payload, occurred, environment, points, word)
        if any(limit.action == REFUSE for limit, _ in over):
            raise Refused("limit_reached")
        quarantines = [evidence for limit, evidence in over if limit.action == QUARANTINE]
        for limit, evidence in over:
            if limit.action == FLAG:
                self.after.append(lambda evidence=evidence: self.notice(
                    member, "limitFlagged", occurred, evidence=self.proof(evidence)))
            elif evidence is quarantines[0]:
                self.after.append(lambda evidence=evidence: self.say_quarantined(member, occurred, evidence))
        for limit, value in counted:
            self.after.append(lambda limit=limit, use=(occurred, value, self.ordinal): member.limit_uses.setdefault(
                limit.name, []).append(use))
        return bool(quarantines)

    def note_redeemed(self, member, rulebook, occurred):
        """Points were spent: limits on refunds that follow know it."""
        for limit in rulebook.limits:
            if limit.after_redeem is not None:
                member.redeemed.setdefault(limit.name, []).append(occurred)

    def say_quarantined(self, member, occurred, evidence):
        quarantine = member.quarantines.get(self.cause())
        points = {}
        for lot in quarantine.lots if quarantine is not None else ():
            points[lot.currency] = points.get(lot.currency, 0) + lot.granted
        for currency, each in points.items():
            self.notice(member, "quarantined", occurred, currency=currency, points=each, evidence=self.proof(evidence),
                        undecidedUntilMs=quarantine.undecided_until)

    def proof(self, evidence):
        return {**evidence, "events": [self.cause()]}

    def done(self):
        """What an accepted event has to do in the end."""
        for each in self.after:
            each()
        self.after = []

    # ---- held back ----

    def release_quarantine(self, event, payload, rulebook):
        member, quarantine = self.held_back(payload)
        self.judge_state()
        self.release_lots(member, quarantine, event["occurred_at_ms"])

    def reject_quarantine(self, event, payload, rulebook):
        member, quarantine = self.held_back(payload)
        self.judge_state()
        self.reject_lots(member, quarantine, event["occurred_at_ms"])

    def held_back(self, payload):
        member = self.known_member()
        reference = (payload["granted_by"].get("source", ""), payload["granted_by"].get("id", ""))
        quarantine = member.quarantines.get(reference)
        if quarantine is None or not any(lot.remaining and lot.quarantine for lot in quarantine.lots):
            raise Refused("not_quarantined")
        return member, quarantine

    def undecided(self, quarantine, instant):
        member = quarantine.lots[0].member
        if quarantine.rulebook.quarantine.then == "release":
            self.release_lots(member, quarantine, instant)
        else:
            self.reject_lots(member, quarantine, instant)

    def hold_back(self, lot, quarantine):
        """Pending without an activation instant."""
        lot.quarantine, lot.own_activation = quarantine, lot.activates
        lot.activates = lot.fixed_expiry = None
        self.date(lot)

    def release_lots(self, member, quarantine, instant):
        """Each activates at the later of the release and its own instant."""
        self.drop(member, quarantine)
        for lot in quarantine.lots:
            if not lot.remaining or lot.quarantine is None:
                continue
            lot.quarantine = None
            if lot.own_activation is not None and lot.own_activation <= instant:
                self.activate_lot(lot, instant, "QUARANTINE_RELEASE")
            else:
                lot.activates = lot.own_activation
                self.date(lot)

    def reject_lots(self, member, quarantine, instant):
        self.drop(member, quarantine)
        for lot in quarantine.lots:
            if lot.remaining and lot.quarantine is not None:
                self.cancel(lot, instant)
        for key, at, change in quarantine.metrics:
            self.add_metric(member, key, at, -change)
        if quarantine.booked is not None:  # as by a refund of all of it
            quarantine.booked.tier_value_gone = True
            for _, key, counted in quarantine.booked.metrics:
                self.add_metric(member, key, quarantine.booked.occurred, -counted)

    @staticmethod
    def drop(member, quarantine):
        for reference, each in list(member.quarantines.items()):
            if each is quarantine:
                del member.quarantines[reference]
