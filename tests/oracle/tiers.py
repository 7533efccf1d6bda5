"""Tiers: metrics, reviews, overrides, corrections (semantics §8)."""

from civil import EVER, Period
from due import NOTICE, REVIEW
from earning import stored
from lots import Refused


class Tier:
    """A member's place in one tier group; levels by name, since versions may differ."""

    def __init__(self):
        self.history = []  # (since, level), oldest first: what is held, an override included
        self.under = None  # what it is without an override
        self.review = None
        self.attained = 0  # when the level under review was
        self.since = 0  # and since when that is effective
        self.last_review = None  # its result
        self.closed = None  # of the last review of a calendar period: (the period's end, level before)
        self.reached = None  # (when, level): by the latest upgrade since then
        self.grace = None  # (its end, what the review decided)
        self.carried = {}  # what counts on top, by the start of the period
        self.override = None
        self.at_risk = None  # when it is looked at whether the review would be met


class Override:
    def __init__(self, level, until, actor, note):
        self.level, self.until, self.actor, self.note = level, until, actor, note


class Tiers:
    # ---- metrics: folds over events by occurred_at ----

    @staticmethod
    def metric_key(group, metric):
        what = metric.money or metric.currency or metric.word
        return group.name, metric.kind, what, group.window.kind, group.window.unit if group.window.kind == "calendar" else ""

    def measure(self, rulebook, member, at, kind, change, what, collect):
        """Adds to the metrics that count it; `any` mission counts each."""
        for group in rulebook.tiers.values():
            for metric in group.metrics:
                if metric.kind == kind and (metric.currency if kind == "points" else metric.word) in \
                        ((what, "any") if kind == "missions" else (what,)):
                    key = self.metric_key(group, metric)
                    self.add_metric(member, key, at, change)
                    collect.append((key, at, change))

    def add_metric(self, member, key, at, change):
        if change:
            facts = member.metrics.setdefault(key, [])
            facts.append((at, change))
            stored(sum(each for _, each in facts))
            self.changed.append((member, key, at))

    def window(self, member, rulebook, group, instant):
        """The window of a group that contains an instant; of a rolling one, what lies behind it."""
        window, zone = group.window, rulebook.zone
        if window.kind == "calendar":
            return zone.bucket_of(instant, window.unit)
        if window.kind == "anniversary":
            enrolled = zone.date(member.enrolled)
            return zone.yearly_window(instant, enrolled.month, enrolled.day)
        if window.kind == "rolling":
            return zone.plus(instant, window.period, -1) + 1, instant + 1
        return EVER

    def value(self, member, rulebook, group, metric, instant):
        if metric.kind == "balance":
            return member.active(metric.currency)
        start, end = self.window(member, rulebook, group, instant)
        own = sum(change for at, change in member.metrics.get(self.metric_key(group, metric), []) if start <= at < end)
        tier = member.tiers.get(group.name)
        return own + (tier.carried.get(start, 0) if tier is not None and group.rollover else 0)

    def values(self, member, rulebook, group, instant):
        return [self.value(member, rulebook, group, metric, instant) for metric in group.metrics]

    @staticmethod
    def met(group, level, values):
        judge = all if group.match == "all" else any
        return level == 0 or judge(value >= threshold for value, threshold in zip(values, group.levels[level].thresholds))

    def qualified(self, group, values):
        return max(i for i in range(len(group.levels)) if self.met(group, i, values))

    # ---- levels ----

    def level_of(self, name, rulebook, group):
        """The index of a level in a version; a removed level maps to the next lower (semantics §8)."""
        names = [level.name for level in group.levels]
        if name is None:
            return 0
        if name in names:
            return names.index(name)
        for other in reversed(self.rulebooks):
            had = [level.name for level in other.tiers[group.name].levels] if group.name in other.tiers else []
            if name in had:
                lower = [each for each in had[:had.index(name)] if each in names]
                return names.index(lower[-1]) if lower else 0
        return 0

    def level_at(self, member, rulebook, group, instant):
        if member is None or group.name not in member.tiers:
            return 0
        held = [level for since, level in member.tiers[group.name].history if since <= instant]
        return self.level_of(held[-1], rulebook, group) if held else 0

    def held(self, rulebook, group, tier):
        return self.level_of(tier.history[-1][1] if tier.history else None, rulebook, group)

    def under(self, rulebook, group, tier):
        return self.level_of(tier.under, rulebook, group)

    def change_tier(self, member, rulebook, group, to, direction, reason, values, effective, valid_until=None, **more):
        tier = member.tiers[group.name]
        before = self.held(rulebook, group, tier)
        named = tier.history[-1][1] if tier.history else None  # maybe of a level that is removed by now
        if direction in ("UPGRADED", "DOWNGRADED"):
            direction = "UPGRADED" if to > before else "DOWNGRADED"
        if tier.history:
            effective = max(effective, tier.history[-1][0])
        if direction != "RENEWED" or reason == "OVERRIDE":
            tier.history.append((effective, group.levels[to].name if to else None))
        if valid_until is None:
            valid_until = tier.review if group.downgrade != "none" else 0
        self.tiers.append({
            "subject": member.subject, "group": group.name, "from": named or group.levels[0].name, "to": group.levels[to].name,
            "direction": direction, "reason": reason, "cause": self.cause(), "metricValue": values[0],
            "metrics": measured(group, group.levels[to], values) if len(values) > 1 else [],
            "effectiveAtMs": effective, "validUntilMs": valid_until or 0, "journalTimeMs": self.clock,
            "ruleVersion": rulebook.version, "actor": more.get("actor", ""), "note": more.get("note", "")})

    def attain(self, member, rulebook, group, tier, level, instant, since):
        """The level without an override, and when it is reviewed."""
        if self.under(rulebook, group, tier) != level:  # a level that a version removed keeps its name until that judges
            tier.under = group.levels[level].name
        tier.attained, tier.since = instant, since
        tier.review = None
        if level > 0 and group.window.kind == "rolling":
            tier.review = rulebook.zone.plus(since, group.window.period)
        elif level > 0 and group.window.kind != "lifetime":
            tier.review = self.window(member, rulebook, group, instant)[1]
        tier.at_risk = self.at_risk_at(member, rulebook, group, tier)

    # ---- after each event, and at the end of each instant ----

    def evaluate(self, member, instant, effective, upgrades=True):
        """Among items of due work of one instant only corrections."""
        rulebook = self.rulebook_at(instant)
        changed = {(key, at) for other, key, at in self.changed if other is member}
        self.changed = []
        if rulebook is None or member.enrolled is None:
            return
        for group in rulebook.tiers.values():
            keys = [self.metric_key(group, metric) for metric in group.metrics]
            dates = [at for key, at in changed if key in keys]
            self.correct(member, rulebook, group, instant, dates)
            if upgrades:
                self.upgrade(member, rulebook, group, instant, effective, self.reason())

    def reason(self):
        return "REVIEW" if self.event is None else "EVENT"

    def upgrade(self, member, rulebook, group, instant, effective, reason):
        tier = member.tiers.get(group.name) or Tier()
        values = self.values(member, rulebook, group, instant)
        to, level = self.qualified(group, values), self.under(rulebook, group, tier)
        if to <= level:
            return
        member.tiers[group.name] = tier
        if group.upgrade == "next period" and reason != "RULEBOOK":
            if tier.review is None and group.window.kind in ("calendar", "anniversary"):
                tier.review = self.window(member, rulebook, group, instant)[1]
            return
        since = max(effective, tier.history[-1][0]) if tier.history else effective
        tier.grace = None
        tier.reached = (instant, group.levels[to].name)
        self.attain(member, rulebook, group, tier, to, instant, since)
        if tier.override is None:
            self.change_tier(member, rulebook, group, to, "UPGRADED", reason, values, effective)

    # ---- late events ----

    def correct(self, member, rulebook, group, instant, dates):
        """The latest closed period changed: its review is decided again."""
        if group.window.kind not in ("calendar", "anniversary"):
            return
        end = self.window(member, rulebook, group, instant)[0]
        start = self.window(member, rulebook, group, end - 1)[0]
        if not any(start <= at < end for at in dates):
            return
        tier = member.tiers.get(group.name) or Tier()
        reviewed = tier.closed is not None and tier.closed[0] == end
        before = self.level_of(tier.closed[1], rulebook, group) if reviewed else 0
        values = self.values(member, rulebook, group, end - 1)
        qualified = self.qualified(group, values)
        self.carry(member, rulebook, group, tier, start, end)
        stood = before
        if group.upgrade == "immediate":
            before = max(before, qualified)
        decided = self.decide(group, before, qualified)
        grace_ends = rulebook.zone.plus(end, Period(group.grace, "days"))
        waits = decided < before and grace_ends > instant
        if decided == (self.level_of(tier.last_review, rulebook, group) if reviewed else 0) and not waits and tier.grace is None:
            return
        if waits:
            tier.grace = (grace_ends, group.levels[decided].name)
            decided = before
        else:
            tier.grace = None
        tier.last_review = group.levels[decided].name
        to = decided
        if tier.reached is not None and tier.reached[0] >= end:
            to = max(to, self.level_of(tier.reached[1], rulebook, group))
        if group.upgrade == "immediate":
            to = max(to, self.qualified(group, self.values(member, rulebook, group, instant)))
        if not reviewed:  # a period that ended without a review lowers nothing
            to = max(to, self.under(rulebook, group, tier))
        if decided > 0:  # now it has one
            tier.closed = (end, group.levels[stood].name)
        if to == self.under(rulebook, group, tier):
            return
        member.tiers[group.name] = tier
        self.attain(member, rulebook, group, tier, to, instant, self.clock)
        if tier.override is None:
            self.change_tier(member, rulebook, group, to, "CORRECTED", self.reason(), values, self.clock)

    @staticmethod
    def decide(group, level, qualified):
        """What a review makes of a level."""
        if qualified >= level:
            return qualified
        return {"none": level, "one step": level - 1, "to qualified": qualified}[group.downgrade]

    def carry(self, member, rulebook, group, tier, start, end):
        """The excess over the achieved level's threshold counts in the next period; what was carried in is used first."""
        if not group.rollover:
            return
        total = self.value(member, rulebook, group, group.metrics[0], end - 1)
        own = total - tier.carried.get(start, 0)
        achieved = self.qualified(group, [total])
        excess = total - group.levels[achieved].thresholds[0] if achieved > 0 else 0
        tier.carried[end] = max(0, min(own, excess))

    # ---- reviews ----

    def due_of_tier(self, member, name, tier):
        order = (self.groups.index(name),)
        if tier.override is not None and tier.override.until is not None:
            yield tier.override.until, REVIEW, (1,) + order + (1,), self.override_ends, (member, name)
        if tier.grace is not None:
            yield tier.grace[0], REVIEW, (1,) + order + (0,), self.grace_over, (member, name)
        if tier.review is not None:
            yield tier.review, REVIEW, (1,) + order + (0,), self.review, (member, name)
        if tier.at_risk is not None:
            yield tier.at_risk, NOTICE, (2, order), self.at_risk, (member, name)

    def review(self, what, instant):
        member, name = what
        rulebook, tier = self.rulebook_at(instant), member.tiers[name]
        group = rulebook.tiers.get(name)
        tier.review = None
        if group is None or group.window.kind == "lifetime":
            return
        rolling = group.window.kind == "rolling"
        last = instant if rolling else instant - 1
        values = self.values(member, rulebook, group, last)
        level, qualified = self.under(rulebook, group, tier), self.qualified(group, values)
        if not rolling:
            self.carry(member, rulebook, group, tier, self.window(member, rulebook, group, last)[0], instant)
            tier.closed, tier.reached = (instant, group.levels[level].name), None
        decided = self.decide(group, level, qualified)
        if decided < level and group.grace and not rolling:
            tier.grace = (rulebook.zone.plus(instant, Period(group.grace, "days")), group.levels[decided].name)
            tier.last_review = group.levels[level].name  # as long as it waits
            self.attain(member, rulebook, group, tier, level, instant, instant)
            return
        self.conclude(member, rulebook, group, tier, decided, values, instant)

    def conclude(self, member, rulebook, group, tier, to, values, instant, review=None):
        """The result of a review; at the end of a grace the next review stands already."""
        tier.grace = tier.reached = None
        level = self.under(rulebook, group, tier)
        tier.last_review = group.levels[to].name
        self.attain(member, rulebook, group, tier, to, instant, max([instant] + [since for since, _ in tier.history[-1:]]))
        if to > 0 and review is not None:
            tier.review = review
        if tier.override is not None:
            return
        if to != level:
            direction = "UPGRADED" if to > level else "DOWNGRADED"
            self.change_tier(member, rulebook, group, to, direction, "REVIEW", values, instant)
        elif level > 0 and group.downgrade != "none":
            self.change_tier(member, rulebook, group, to, "RENEWED", "REVIEW", values, instant)

    def grace_over(self, what, instant):
        """The downgrade is dropped if the new period qualifies by then."""
        member, name = what
        rulebook, tier = self.rulebook_at(instant), member.tiers[name]
        group = rulebook.tiers.get(name)
        decided, tier.grace = tier.grace[1], None
        if group is None or group.window.kind in ("lifetime", "rolling") or group.downgrade == "none":
            return
        values = self.values(member, rulebook, group, instant - 1)
        level = self.under(rulebook, group, tier)
        to = min(level, max(self.level_of(decided, rulebook, group), self.qualified(group, values)))
        self.conclude(member, rulebook, group, tier, to, values, instant, tier.review)

    # ---- at risk ----

    def at_risk_at(self, member, rulebook, group, tier):
        """So many days before a review, but not before the period under review has begun; None where it had passed."""
        if tier.review is None or group.at_risk is None or group.downgrade == "none":
            return None
        at = rulebook.zone.plus(tier.review, Period(group.at_risk, "days"), -1)
        if group.window.kind in ("calendar", "anniversary"):
            at = max(at, self.window(member, rulebook, group, tier.review - 1)[0])
        else:
            at = max(at, tier.since)
        return at if at >= tier.attained else None

    def at_risk(self, what, instant):
        member, name = what
        rulebook, tier = self.rulebook_at(instant), member.tiers[name]
        tier.at_risk = None
        group = rulebook.tiers.get(name)
        if group is None or tier.review is None or group.downgrade == "none" or tier.override is not None:
            return
        level, values = self.under(rulebook, group, tier), self.values(member, rulebook, group, instant)
        if not self.met(group, level, values):
            self.notice(member, "tierAtRisk", instant, group=name, tier=group.levels[level].name, reviewAtMs=tier.review,
                        metrics=measured(group, group.levels[level], values))

    # ---- overrides ----

    def tier_override(self, event, payload, rulebook):
        member = self.known_member()
        group = self.group_of(payload, rulebook)
        names = [level.name for level in group.levels]
        if payload.get("tier") not in names:
            raise Refused("unknown_tier")
        self.judge_state()
        tier = member.tiers.setdefault(group.name, Tier())
        before, to = self.held(rulebook, group, tier), names.index(payload["tier"])
        tier.override = Override(payload["tier"], payload.get("until_ms") or None, payload.get("actor", ""),
                                 payload.get("reason", ""))
        direction = "RENEWED" if to == before else "UPGRADED" if to > before else "DOWNGRADED"
        self.change_tier(member, rulebook, group, to, direction, "OVERRIDE",
                         self.values(member, rulebook, group, max(self.clock, event["occurred_at_ms"])),
                         event["occurred_at_ms"], tier.override.until or 0, actor=tier.override.actor, note=tier.override.note)

    def end_tier_override(self, event, payload, rulebook):
        member = self.known_member()
        group = self.group_of(payload, rulebook)
        tier = member.tiers.get(group.name)
        if tier is None or tier.override is None:
            raise Refused("no_override")
        self.judge_state()
        self.end_override(member, rulebook, group, tier, max(self.clock, event["occurred_at_ms"]), event["occurred_at_ms"],
                          actor=payload.get("actor", ""), note=payload.get("reason", ""))

    @staticmethod
    def group_of(payload, rulebook):
        """Left out: the rulebook's first."""
        name = payload.get("group") or next(iter(rulebook.tiers), None)
        if name not in rulebook.tiers:
            raise Refused("unknown_tier")
        return rulebook.tiers[name]

    def override_ends(self, what, instant):
        member, name = what
        rulebook, tier = self.rulebook_at(self.judged), member.tiers[name]
        group = rulebook.tiers.get(name)
        if group is None:
            tier.override = None
            return
        self.end_override(member, rulebook, group, tier, self.judged, instant)

    def end_override(self, member, rulebook, group, tier, instant, effective, **more):
        """Then the tier is the higher of what qualifies and the last review's result."""
        tier.override = None
        values = self.values(member, rulebook, group, instant)
        to = max(self.qualified(group, values), self.level_of(tier.last_review, rulebook, group))
        before = self.held(rulebook, group, tier)
        if to != self.under(rulebook, group, tier) or (to > 0 and tier.review is None):
            self.attain(member, rulebook, group, tier, to, instant, max([effective] + [since for since, _ in tier.history[-1:]]))
        tier.under = group.levels[to].name
        if to != before:
            self.change_tier(member, rulebook, group, to, "UPGRADED" if to > before else "DOWNGRADED", "OVERRIDE_END", values,
                             effective, **more)

    # ---- a new rulebook ----

    def reevaluation(self, rulebook):
        """Once, at the later of its activation and effective_from."""
        at = max(self.clock, rulebook.effective_from)
        self.unannounced.append((at, rulebook))
        for member in self.members.values():
            member.reevaluations.append((at, rulebook))
            member.earliest = None

    def announce_versions(self):
        """Once, before anybody is judged, where there are tiers and somebody to have them; it is about nobody."""
        for at, rulebook in sorted(self.unannounced, key=lambda each: each[0]):
            if at > self.clock:
                continue
            self.unannounced.remove((at, rulebook))
            if self.next_number and self.groups:
                self.notices.append({"subject": None, "kind": "tiersReevaluated", "effectiveAtMs": at, "cause": None,
                                     "journalTimeMs": self.clock, "rulebook": rulebook.name, "version": rulebook.version})

    def reevaluate(self, what, instant):
        member, activated = what
        member.reevaluations.remove((instant, activated))
        rulebook = self.rulebook_at(instant)
        for group in rulebook.tiers.values():
            tier = member.tiers.get(group.name)
            if tier is not None:
                before, level = tier.under, self.under(rulebook, group, tier)
                values = self.values(member, rulebook, group, instant)
                removed = before is not None and before not in [each.name for each in group.levels]
                if removed:
                    tier.grace, tier.under = None, group.levels[level].name
                if group.window.kind != "rolling" or tier.review is None or removed:
                    since = max(instant, tier.history[-1][0]) if tier.history else instant
                    self.attain(member, rulebook, group, tier, level, instant, since)
                if removed and self.qualified(group, values) <= level and tier.override is None:
                    self.change_tier(member, rulebook, group, level, "DOWNGRADED", "RULEBOOK", values, instant)
            self.upgrade(member, rulebook, group, instant, instant, "RULEBOOK")


def measured(group, level, values):
    """Metrics have names where a level asks for several."""
    return [{"metric": metric.name if len(values) > 1 else "", "value": value, "threshold": threshold}
            for metric, value, threshold in zip(group.metrics, values, level.thresholds)]
