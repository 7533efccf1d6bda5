"""Grants for other reasons than money: awards, streaks, missions (semantics §4)."""

from civil import FOR_EVER
from earning import NUMBER_MAX, capped, covers, placed, rounded, source_fits, stored, within
from limits import Quarantine
from lots import Refused, word_of


class Grants:
    """What one event is going to grant: lots that are not the member's yet, with what caps and awards will have counted."""

    def __init__(self, member, rulebook, occurred, levels, environment):
        self.member, self.rulebook, self.occurred = member, rulebook, occurred
        self.levels, self.environment = levels, environment
        self.lots = []
        self.parts = {}  # lot: [[name, points]]
        self.uses = []  # (cap, points)
        self.paid = []  # (award name, per, bucket)
        self.amounts = []  # (currency, requested, granted, name of the first cap that took)
        self.metrics = []  # (key, at, change) that were added

    def points(self):
        result = {}
        for lot in self.lots:
            result[lot.currency] = result.get(lot.currency, 0) + lot.granted
        return result


def cap_key(cap):
    return cap.name, cap.per


class Awards:
    # ---- caps ----

    def room(self, grants, cap):
        """Of what a cap allows, in the bucket of occurred_at; `per: event` counts all grants of the event."""
        used = sum(points for other, points in grants.uses if other is cap)
        if cap.per != "event":
            t = grants.occurred
            start, end = (t - cap.per + 1, t + 1) if isinstance(cap.per, int) else grants.rulebook.zone.bucket_of(t, cap.per)
            used += sum(points for at, points in grants.member.cap_uses.get(cap_key(cap), []) if start <= at < end)
        return max(0, cap.max - used)

    def rooms(self, grants, currency):
        return [(cap, self.room(grants, cap)) for cap in grants.rulebook.caps if cap.currency == currency]

    @staticmethod
    def cap_that_took(parts, rooms):
        for i, (cap, _) in enumerate(rooms):
            if sum(capped(parts, rooms[:i + 1]).values()) < sum(capped(parts, rooms[:i]).values()):
                return cap.name
        return ""

    def count_uses(self, grants, rooms, parts):
        """Caps count what is granted in the end."""
        for cap, _ in rooms:
            points = sum(part for (who, *_), part in parts.items() if covers(cap, who.name))
            if points:
                grants.uses.append((cap, points))

    # ---- one award into the grants ----

    def plan_award(self, grants, award, points, place=None, order_id=None, own=False):
        """Tier multiplier, rounding and caps; then its lot, which may be shared with others of the event."""
        rulebook = grants.rulebook
        group = getattr(award, "multiplied_by", None)
        if group is not None:
            multiplier = rulebook.tiers[group].levels[grants.levels[group]].multiplier
            points = stored(rounded(points * multiplier, rulebook.currencies[award.currency].rounding))
        if not points:
            return
        rooms = self.rooms(grants, award.currency)
        asked = {(award,): points}
        left = capped(asked, rooms)
        self.count_uses(grants, rooms, left)
        granted = left[(award,)]
        grants.amounts.append((award.currency, points, granted, self.cap_that_took(asked, rooms)))
        if not granted:
            return
        if place is None:
            place = placed(rulebook.zone, getattr(award, "pending", None), grants.occurred)
        lot = self.draft(grants.member, award.currency, granted, award.name, rulebook, grants.occurred, place,
                         order_id=order_id, funder=award.funder)
        lot.own = own
        for other in grants.lots:
            if not own and not other.own and lot_key(other) == lot_key(lot):
                other.granted = stored(other.granted + granted)
                other.remaining += granted
                grants.parts[other].append([award.name, granted])
                return
        grants.lots.append(lot)
        grants.parts[lot] = [[award.name, granted]]

    def may_pay(self, grants, award, payload, times, per):
        """The filters, and how often it has been paid in its bucket."""
        if not within(award, grants.occurred) or not source_fits(award, payload) or \
                (award.when is not None and not award.when.true_for(grants.environment)):
            return False
        if times is None:
            return True
        bucket = grants.rulebook.zone.bucket_of(grants.occurred, per)[0]
        key = (award.name, per, bucket)
        if grants.member.paid.get(key, 0) + grants.paid.count(key) >= times:
            return False
        grants.paid.append(key)
        return True

    def plan_awards(self, grants, on, payload, **more):
        for award in grants.rulebook.awards:
            if award.on == on and self.may_pay(grants, award, payload, award.times, award.per):
                self.plan_award(grants, award, award.points, **more)

    def plan_after_earning(self, grants, payload):
        """Phase 8: judged on the balance after phases 1 to 7; each has a lot of its own."""
        member = grants.member
        active = {}
        for award in grants.rulebook.awards:
            if award.on != "balance":
                continue
            if award.currency not in active:
                gained = sum(lot.granted for lot in grants.lots if lot.currency == award.currency and
                             lot.activates is not None and lot.activates <= max(self.clock, grants.occurred) and
                             not (lot.expires is not None and self.reached(lot, lot.expires)))
                active[award.currency] = member.active(award.currency) + max(0, gained - member.owes(award.currency))
        for award in grants.rulebook.awards:
            if award.on == "balance" and active[award.currency] >= award.balance and \
                    self.may_pay(grants, award, payload, award.times, award.per):
                self.plan_award(grants, award, award.points, order_id=payload["order_id"], own=True)

    def plan_birthday(self, grants, on, payload):
        """Once a calendar year."""
        for award in grants.rulebook.awards:
            if award.on == on and self.may_pay(grants, award, payload, 1, "year"):
                self.plan_award(grants, award, award.points)

    # ---- streaks ----

    def plan_streaks(self, grants, word):
        """A check-in is paid by the run that ends at its own bucket as then known."""
        zone = grants.rulebook.zone
        for streak in grants.rulebook.streaks:
            if streak.activity != word or not within(streak, grants.occurred):
                continue
            known = grants.member.checked.get((streak.name, streak.every), set())
            bucket = zone.bucket_of(grants.occurred, streak.every)[0]
            if bucket in known:
                continue
            run, at = 1, bucket
            while zone.bucket_of(at - 1, streak.every)[0] in known:
                run, at = run + 1, zone.bucket_of(at - 1, streak.every)[0]
            self.after.append(lambda key=(streak.name, streak.every), bucket=bucket:
                              grants.member.checked.setdefault(key, set()).add(bucket))
            self.plan_award(grants, streak, streak.points[min(run, len(streak.points)) - 1])

    # ---- missions ----

    def plan_missions(self, grants, of, payload, order=None, word=None, order_id=None):
        for mission in grants.rulebook.missions:
            if mission.of != of or (mission.activity is not None and mission.activity != word) or \
                    not within(mission, grants.occurred) or not source_fits(mission, payload) or \
                    (mission.when is not None and not mission.when.true_for(grants.environment)):
                continue
            if order is not None and mission.categories is not None and \
                    not any(line.get("category", "") in mission.categories for line in order.lines):
                continue
            if mission.goal == "sum" and order is not None and mission.money != order.money:
                continue
            value = 1 if mission.goal != "sum" else payload.get("value", 0) if order is None else \
                sum(order.value(mission.basis))
            self.advance(grants, mission, value, order_id)

    def advance(self, grants, mission, value, order_id):
        member, zone = grants.member, grants.rulebook.zone
        facts, completed = member.missions.get(mission_key(mission), ([], {}))
        fact = [grants.occurred, value, order_id, mission]
        if mission.goal == "consecutive":
            window = 0
            deserved = self.runs(zone, mission, facts + [fact])
        else:
            start, end = zone.bucket_of(grants.occurred, mission.per)
            window = 0 if start == -FOR_EVER else start
            progress = stored(sum(each[1] for each in facts + [fact] if start <= each[0] < end))
            deserved = progress // mission.target
        done = completed.get(window, 0)
        for repetition in range(done + 1, min(deserved, mission.repeats) + 1):
            if mission.points:
                self.plan_award(grants, mission, mission.points)
            self.after.append(lambda repetition=repetition: self.mission_completed(grants, mission, window, repetition))
        completed_now = max(done, min(deserved, mission.repeats))
        self.after.append(lambda: self.mission_advanced(member, mission, fact, window, completed_now))

    @staticmethod
    def runs(zone, mission, facts):
        """What is deserved by all runs of periods with at least one event each."""
        periods = {zone.bucket_of(at, mission.every) for at, value, _, _ in facts if value}
        deserved = 0
        for start, end in periods:
            if any(other[1] == start for other in periods):
                continue  # in the middle of a run
            length = 1
            while any(other[0] == end for other in periods):
                length, end = length + 1, next(other[1] for other in periods if other[0] == end)
            deserved += length // mission.target
        return deserved

    @staticmethod
    def mission_advanced(member, mission, fact, window, completed):
        facts, windows = member.missions.setdefault(mission_key(mission), ([], {}))
        facts.append(fact)
        windows[window] = completed

    def mission_completed(self, grants, mission, window, repetition):
        member, version = grants.member, grants.rulebook.version
        self.measure(grants.rulebook, member, grants.occurred, "missions", 1, mission.name, [])
        self.notice(member, "missionCompleted", grants.occurred, mission=mission.name, windowStartMs=window,
                    repetition=repetition, ruleVersion=version)
        if mission.badge is not None:
            self.notice(member, "badgeAwarded", grants.occurred, badge=mission.badge, ruleVersion=version)

    def lower_missions(self, member, order_id, order, refunded, whole):
        """A return lowers progress; a completed award stands."""
        for facts, _ in member.missions.values():
            for fact in facts:
                if fact[2] != order_id or order_id is None:
                    continue
                mission = fact[3]
                if mission.goal == "sum":
                    fact[1] = sum(order.kept(mission.basis, refunded))
                elif whole:
                    fact[1] = 0

    # ---- committing ----

    def commit(self, grants, quarantined=False, booked=None):
        """The lots become the member's; caps and awards have counted."""
        member, rulebook, occurred = grants.member, grants.rulebook, grants.occurred
        held_back = None
        if quarantined and grants.lots:
            until = rulebook.zone.plus(self.clock, rulebook.quarantine.undecided)
            held_back = Quarantine(self.event, self.ordinal, rulebook, list(grants.lots), until)
            member.quarantines[self.cause()] = held_back
        for lot in grants.lots:
            if held_back is not None:
                self.hold_back(lot, held_back)
            self.grant(lot, "GRANT" if held_back is None else "QUARANTINE", order_id=lot.order_id)
        for currency, requested, granted, cap in grants.amounts:
            self.amount(currency, requested=requested, granted=granted, capRule=cap)
        for cap, points in grants.uses:
            if cap.per != "event":
                uses = member.cap_uses.setdefault(cap_key(cap), [])
                uses.append([occurred, stored(points)])
        for key in grants.paid:
            member.paid[key] = member.paid.get(key, 0) + 1
        for lot in grants.lots:
            if not lot.order_id:
                self.measure(rulebook, member, occurred, "points", lot.granted, lot.currency, grants.metrics)
        if held_back is not None:
            held_back.metrics, held_back.booked = grants.metrics, booked

    # ---- activities ----

    def activity(self, event, payload, rulebook):
        member, occurred, word = self.earner(event, rulebook), event["occurred_at_ms"], word_of(payload)
        reference = (word, payload.get("reference", ""))
        if reference[1] and reference in member.references:
            raise Refused("reference_seen")
        self.judge_state("active")
        grants = self.plan(event, member, rulebook, activity=payload)
        self.plan_sign_up(grants, payload)
        for award in rulebook.awards:
            if award.on == "activity" and award.activity == word:
                times, per = award.times, award.per
                if times is None and word == "check_in":
                    times, per = 1, "day"
                if self.may_pay(grants, award, payload, times, per):
                    self.plan_award(grants, award, award.points)
        self.plan_streaks(grants, word)
        self.plan_missions(grants, "activity", payload, word=word)
        if word == "birthday":
            self.plan_birthday(grants, "birthday", payload)
        quarantined = self.judge_limits(member, rulebook, "activity", payload, occurred, grants.environment, grants.points(),
                                        word)
        self.enrol_now(member, rulebook)
        if reference[1]:
            member.references.add(reference)
        self.commit(grants, quarantined)
        self.measure(rulebook, member, occurred, "visits", 1, word, [])
        self.done()

    def plan(self, event, member, rulebook, **scope):
        occurred = event["occurred_at_ms"]
        levels = {name: self.level_at(self.member, rulebook, group, occurred) for name, group in rulebook.tiers.items()}
        return Grants(member, rulebook, occurred, levels, self.environment(event, member, rulebook, levels, **scope))

    def environment(self, event, member, rulebook, levels, kind=None, **scope):
        tiers = {name: rulebook.tiers[name].levels[level].name for name, level in levels.items()}
        return {"event": event, "kind": kind, "rulebook": rulebook, "order": None, "line": None, "activity": None,
                "spend": None, **scope,
                "member": {"id": member.subject[1], "guest": member.subject[0] == "guest", "state": member.state,
                           "enrolled_at_ms": member.enrolled, "birthday": member.birthday, "tiers": tiers,
                           "orders_before": member.orders_counted}}

    def plan_sign_up(self, grants, payload):
        if self.member is None:
            self.plan_awards(grants, "sign-up", payload)

    # ---- by time ----

    def expect_yearly(self, member, what, rulebook, instant):
        """Due at local midnight of each birthday or anniversary that comes after an instant; guests have neither."""
        if member.subject[0] == "guest":
            return
        if what == "birthday":
            if member.birthday is None:
                member.yearly.pop(what, None)
                return
            month, day = member.birthday["month"], member.birthday["day"]
        else:
            enrolled = rulebook.zone.date(member.enrolled)
            month, day = enrolled.month, enrolled.day
        member.yearly[what] = rulebook.zone.next_yearly(instant, month, day)

    def yearly_award(self, what, instant):
        member, on = what
        rulebook = self.rulebook_at(instant)
        self.expect_yearly(member, on, rulebook or self.rulebooks[-1], instant)
        if rulebook is None or member.state != "active":
            return
        event = {"source": "", "id": "", member.subject[0]: member.subject[1], "occurred_at_ms": instant}
        levels = {name: self.level_at(member, rulebook, group, instant) for name, group in rulebook.tiers.items()}
        environment = self.environment(event, member, rulebook, levels, kind=on)
        grants = Grants(member, rulebook, instant, levels, environment)
        self.plan_birthday(grants, on, {})
        issued = [self.totals.get((currency, "ISSUED"), 0) + points for currency, points in grants.points().items()]
        if max(issued, default=0) <= NUMBER_MAX:  # else there is no event that could be refused
            self.commit(grants)


def mission_key(mission):
    """A version that gives a name another meaning begins anew."""
    return mission.name, mission.goal, mission.of, mission.activity, mission.money, mission.every, mission.per


def lot_key(lot):
    return lot.currency, lot.activates, lot.deadline, lot.expires, lot.funder, lot.order_id, lot.earned
