"""The points law (semantics.md) once more, for one partition: slow, plain, and written from the text alone.

`Ledger.entry` folds one journal entry and appends what it says to `postings`, `outcomes`, `tiers` and `notices`, as
dictionaries with the names that outputs have as JSON. Everything is looked up by walking over everything: it is meant
to be read beside the law, not to be fast.
"""

from earning import Order, Overflow, stored

EXPIRY, REVIEW, NOTICE = 2, 5, 7  # kinds of due work, in the order of semantics §2
ITEMS_AFTER_EVENT, ITEMS_AFTER_TICK = 64, 65_536
FOR_EVER = float("inf")


class Refused(Exception):
    pass


class Lot:
    def __init__(self, ordinal, index, currency, points, earned, expires, rule, rulebook):
        self.ordinal, self.index, self.currency, self.rule, self.rulebook = ordinal, index, currency, rule, rulebook
        self.granted = self.remaining = points
        self.earned, self.expires = earned, expires
        self.expired = 0

    def spend_order(self):
        """Soonest expiry first, never-expiring last, then earned_at, then lot id (semantics §5)."""
        return (FOR_EVER if self.expires is None else self.expires, self.earned, self.ordinal, self.index)

    def notice_at(self):
        days = self.rulebook.currencies[self.currency].notice_days
        if self.expires is None or days is None:
            return None
        return max(self.rulebook.zone.days_before(self.expires, days), self.earned)


class Tier:
    def __init__(self):
        self.history = []  # (since, level name, rulebook), oldest first
        self.review = None


class Member:
    def __init__(self, subject, number, enrolled):
        self.subject, self.number, self.enrolled = subject, number, enrolled
        self.lots, self.arrears = [], {}
        self.orders, self.spends, self.loose_refunds = {}, set(), {}
        self.metrics, self.tiers = {}, {}
        self.noticed = set()  # (currency, instant) for which the notice went out

    def open_lots(self, currency):
        return sorted((lot for lot in self.lots if lot.remaining and lot.currency == currency), key=Lot.spend_order)

    def active(self, currency):
        return sum(lot.remaining for lot in self.lots if lot.currency == currency)


class Booked:
    """An order with what it was granted under."""

    def __init__(self, order, rulebook, levels, occurred, counted):
        self.order, self.rulebook, self.levels, self.occurred = order, rulebook, levels, occurred
        self.counted = counted  # of what is kept, by tier group
        self.lots, self.settled, self.refunds = {}, {}, {}


class Ledger:
    def __init__(self):
        self.clock, self.next_ordinal = 0, 1
        self.members, self.identities, self.rulebooks = {}, {}, []
        self.currencies, self.groups = [], []  # in order of first appearance
        self.totals = {}
        self.postings, self.outcomes, self.tiers, self.notices = [], [], [], []
        self.event = self.member = None

    # ---- entries ----

    def entry(self, entry):
        self.clock = max(self.clock, entry["time"])
        if "rulebook" in entry:
            self.activate(entry["rulebook"])
        elif "event" in entry:
            if entry.get("away"):
                self.answer(entry["event"], "forwarded")
            else:
                self.apply(entry["event"], entry.get("first_append"))
            self.due(ITEMS_AFTER_EVENT)
        elif "tick" in entry:
            self.due(ITEMS_AFTER_TICK)

    def activate(self, rulebook):
        self.rulebooks.append(rulebook)
        self.currencies += [name for name in rulebook.currencies if name not in self.currencies]
        self.groups += [name for name in rulebook.groups if name not in self.groups]

    def rulebook_at(self, instant):
        """Of the versions activated before whose effective_from is not after the instant, the last activated."""
        fit = [rulebook for rulebook in self.rulebooks if rulebook.effective_from <= instant]
        return fit[-1] if fit else None

    # ---- one event ----

    def apply(self, event, first_append):
        self.member = self.members.get(event["subject"])
        if event.get("bad_form"):
            self.answer(event, "malformed")
            return
        if self.member is not None:
            self.due(None, self.member)
        rulebook = self.rulebook_at(event["occurred"])
        form = self.judge_form(event, rulebook)
        if form is not None:
            self.answer(event, form)
            return
        identity = (event["source"], event["id"])
        content = (event["kind"], event["subject"], event["occurred"], event["payload"])
        if identity in self.identities:
            first_content, ordinal, verdict = self.identities[identity]
            if first_content == content:
                self.answer(event, "duplicate", ordinal, first=verdict)
            else:
                self.answer(event, "conflicting_duplicate")
            return
        ordinal, self.next_ordinal = self.next_ordinal, self.next_ordinal + 1
        self.event, self.amounts, self.ordinal = event, [], ordinal
        try:
            self.judge_time(event, rulebook, self.clock if first_append is None else first_append)
            getattr(self, event["kind"])(event, event["payload"], rulebook)
            verdict = "accepted"
            now = max(self.clock, event["occurred"])
            self.evaluate(self.member, now, event["occurred"])
        except Refused as refused:
            verdict = str(refused)
        except Overflow:
            verdict = "overflow"
        self.identities[identity] = (content, ordinal, verdict)
        self.answer(event, verdict, ordinal)
        self.event = None
        if verdict == "accepted":
            self.due(None, self.member, now)

    @staticmethod
    def judge_form(event, rulebook):
        if event["kind"] != "redeem" or rulebook is None:
            return None
        currency = event["payload"].get("currency") or next(iter(rulebook.currencies))
        if currency not in rulebook.currencies:
            return "unknown_points_currency"
        return "malformed" if rulebook.currencies[currency].qualifying else None

    @staticmethod
    def judge_time(event, rulebook, journal_time):
        if rulebook is None:
            raise Refused("no_rulebook")
        if event["occurred"] - journal_time > rulebook.future_ms:
            raise Refused("occurred_in_future")
        if journal_time - event["occurred"] > rulebook.past_ms:
            raise Refused("too_old")

    def known_member(self):
        if self.member is None:
            raise Refused("unknown_member")
        return self.member

    def enrolled(self, subject, instant):
        if self.member is None:
            self.member = self.members[subject] = Member(subject, len(self.members), instant)
        return self.member

    def enrol(self, event, _payload, _rulebook):
        if self.member is not None:
            raise Refused("already_enrolled")
        self.enrolled(event["subject"], event["occurred"])

    # ---- earning ----

    def purchase(self, event, payload, rulebook):
        if self.member is None and not rulebook.auto_enrol:
            raise Refused("unknown_member")
        if self.member is not None and payload["order_id"] in self.member.orders:
            raise Refused("order_exists")
        occurred = event["occurred"]
        order = Order(payload["currency"], payload["lines"], payload["points_tender"] + payload["gift_card"])
        levels = {name: self.level_at(self.member, rulebook, group, occurred)
                  for name, group in rulebook.groups.items()}
        earned = order.earned(rulebook, levels)
        metrics = order.metrics(rulebook, earned)
        for currency, (points, _) in earned.items():
            stored(self.totals.get((currency, "ISSUED"), 0) + points)
        self.check_metrics(self.member, rulebook, occurred, metrics)

        member = self.enrolled(event["subject"], occurred)
        booked = Booked(order, rulebook, levels, occurred, metrics)
        member.orders[payload["order_id"]] = booked
        for index, (currency, (points, rule)) in enumerate(earned.items()):
            lot = Lot(self.ordinal, index, currency, points, occurred,
                      rulebook.expiry(rulebook.currencies[currency], occurred), rule, rulebook)
            booked.lots[currency], booked.settled[currency] = lot, 0
            self.grant(member, lot, payload["order_id"])
            self.amounts.append((currency, points))
        self.add_metrics(member, rulebook, occurred, metrics)

    def grant(self, member, lot, order_id):
        occurred = self.event["occurred"]
        points = lot.granted
        member.lots.append(lot)
        self.post(member, "GRANT", "ISSUED", "ACTIVE", lot.currency, points, lot, occurred, order_id)
        if lot.expires is not None and lot.expires <= self.clock:
            self.expire(member, lot, order_id)  # past its instant on arrival: pays no arrears
            return
        owed = min(member.arrears.get(lot.currency, 0), points)
        if owed:
            lot.remaining -= owed
            member.arrears[lot.currency] -= owed
            self.post(member, "REPAY", "ACTIVE", "ARREARS", lot.currency, owed, lot, occurred, order_id)

    def expire(self, member, lot, order_id=None):
        lot.expired, lot.remaining = lot.remaining, 0
        self.post(member, "EXPIRE", "ACTIVE", "EXPIRED", lot.currency, lot.expired, lot, lot.expires, order_id)

    # ---- spending ----

    def redeem(self, event, payload, rulebook):
        member = self.known_member()
        currency = payload.get("currency") or next(iter(rulebook.currencies))
        if payload["spend_id"] in member.spends:
            raise Refused("id_in_use")
        if member.subject[0] == "guest":
            raise Refused("guest_cannot_spend")
        if member.arrears.get(currency, 0) > 0:
            raise Refused("arrears_open")
        if member.active(currency) < payload["points"]:
            raise Refused("insufficient_points")
        member.spends.add(payload["spend_id"])
        self.take(member, "REDEEM", "REDEEMED", currency, payload["points"], None)
        self.amounts.append((currency, payload["points"]))

    def take(self, member, kind, to, currency, points, order_id):
        """From lots in spend order; returns what they do not hold."""
        for lot in member.open_lots(currency):
            part = min(points, lot.remaining)
            if part:
                lot.remaining -= part
                points -= part
                self.post(member, kind, "ACTIVE", to, currency, part, lot, self.event["occurred"], order_id)
        return points

    # ---- returns ----

    def refund(self, event, payload, rulebook):
        member = self.known_member()
        total = sum(line["amount"] for line in payload["lines"]) if payload["lines"] else payload["amount"]
        if not payload["order_id"]:
            self.loose_refund(member, event, payload, rulebook, total)
            return
        booked = member.orders.get(payload["order_id"])
        if booked is None or booked.order.money != payload["currency"]:
            raise Refused("unknown_order")
        if payload["refund_id"] in booked.refunds:
            if booked.refunds[payload["refund_id"]] != total:
                raise Refused("conflicting_refund")
            return  # told again it does nothing
        order = booked.order
        before = (list(order.named), order.unnamed)
        names = [line.get("line_id") or str(i + 1) for i, line in enumerate(order.lines)]
        for line in payload["lines"] or [{"line_id": None, "amount": total}]:
            if line["line_id"] in names:
                order.named[names.index(line["line_id"])] += line["amount"]
            else:
                order.unnamed += line["amount"]
        try:
            self.settle(member, booked, payload["order_id"])
        except Overflow:
            order.named, order.unnamed = before
            raise
        booked.refunds[payload["refund_id"]] = total

    def cancellation(self, _event, payload, _rulebook):
        member = self.known_member()
        booked = member.orders.get(payload["order_id"])
        if booked is None:
            raise Refused("unknown_order")
        if booked.order.cancelled:
            raise Refused("order_cancelled")
        booked.order.cancelled = True
        try:
            self.settle(member, booked, payload["order_id"])
        except Overflow:
            booked.order.cancelled = False
            raise

    def settle(self, member, booked, order_id):
        """Claws back what the kept lines would not have earned."""
        stays = booked.order.earned(booked.rulebook, booked.levels)
        counted = booked.order.metrics(booked.rulebook, stays)
        change = {name: counted[name] - booked.counted[name] for name in counted}
        claws = {}
        for currency, lot in booked.lots.items():
            settled = booked.settled[currency]
            kept = stays.get(currency, (0, None))[0]
            claws[currency] = max(0, min(lot.granted - kept - settled, lot.granted - settled - lot.expired))
            stored(self.totals.get((currency, "REVERSED"), 0) + claws[currency])
        self.check_metrics(member, booked.rulebook, booked.occurred, change)
        booked.counted = counted
        for currency, lot in booked.lots.items():
            claw = claws[currency]
            if not claw:
                continue
            booked.settled[currency] += claw
            self.amounts.append((currency, claw))
            own = min(claw, lot.remaining)
            if own:
                lot.remaining -= own
                self.post(member, "CLAW_BACK", "ACTIVE", "REVERSED", currency, own, lot, self.event["occurred"], order_id)
            self.claw_back(member, currency, claw - own, order_id)
        self.add_metrics(member, booked.rulebook, booked.occurred, change)

    def claw_back(self, member, currency, points, order_id):
        owed = self.take(member, "CLAW_BACK", "REVERSED", currency, points, order_id)
        if owed:
            member.arrears[currency] = member.arrears.get(currency, 0) + owed
            self.post(member, "OWE", "ARREARS", "REVERSED", currency, owed, None, self.event["occurred"], order_id)

    def loose_refund(self, member, event, payload, rulebook, total):
        told = (total, payload["currency"])
        if payload["refund_id"] in member.loose_refunds:
            if member.loose_refunds[payload["refund_id"]] != told:
                raise Refused("conflicting_refund")
            return
        lines = payload["lines"] or [{"amount": total, "kind": "goods"}]
        value = Order(payload["currency"], [{"discount": 0, "tax": 0, **line} for line in lines])
        earned = value.earned(rulebook, None)
        change = {name: -each for name, each in value.metrics(rulebook, earned).items()}
        for currency, (points, _) in earned.items():
            stored(self.totals.get((currency, "REVERSED"), 0) + points)
        self.check_metrics(member, rulebook, event["occurred"], change)
        member.loose_refunds[payload["refund_id"]] = told
        for currency, (points, _) in earned.items():
            self.claw_back(member, currency, points, None)
            self.amounts.append((currency, points))
        self.add_metrics(member, rulebook, event["occurred"], change)

    # ---- tiers ----

    @staticmethod
    def metric_key(rulebook, group, instant):
        return (group.name, "spend" if group.money else "points", group.window, rulebook.window(group, instant)[0])

    def check_metrics(self, member, rulebook, instant, change):
        for name, group in rulebook.groups.items():
            key = self.metric_key(rulebook, group, instant)
            stored((0 if member is None else member.metrics.get(key, 0)) + change[name])

    def add_metrics(self, member, rulebook, instant, change):
        for name, group in rulebook.groups.items():
            key = self.metric_key(rulebook, group, instant)
            member.metrics[key] = member.metrics.get(key, 0) + change[name]

    def level_of(self, name, rulebook, group):
        """The index of a level in a version; a removed level maps to the next lower (semantics §8)."""
        if name in group.levels:
            return group.levels.index(name)
        for other in reversed(self.rulebooks):
            had = other.groups.get(group.name)
            if had is None or name not in had.levels:
                continue
            for lower in reversed(had.levels[:had.levels.index(name)]):
                if lower in group.levels:
                    return group.levels.index(lower)
            return 0
        return 0

    def level_at(self, member, rulebook, group, instant):
        if member is None or group.name not in member.tiers:
            return 0
        held = [level for since, level in member.tiers[group.name].history if since <= instant]
        return self.level_of(held[-1], rulebook, group) if held else 0

    @staticmethod
    def qualified(group, value):
        return max(i for i, threshold in enumerate(group.thresholds) if i == 0 or value >= threshold)

    def change_tier(self, member, rulebook, group, to, direction, metric, effective, window_end):
        tier = member.tiers.setdefault(group.name, Tier())
        level = self.level_at(member, rulebook, group, FOR_EVER)
        if direction != "RENEWED":
            if tier.history:
                effective = max(effective, tier.history[-1][0])
            tier.history.append((effective, group.levels[to]))
        ends = window_end if group.downgrade != "none" and to > 0 else None
        tier.review = window_end if to > 0 else None
        if direction == "RENEWED" and group.downgrade == "none":
            return
        self.tiers.append({
            "subject": member.subject, "group": group.name, "from": group.levels[level], "to": group.levels[to],
            "direction": direction, "cause": self.cause(), "metricValue": metric, "effectiveAtMs": effective,
            "validUntilMs": ends or 0, "journalTimeMs": self.clock, "ruleVersion": rulebook.version})

    def evaluate(self, member, instant, effective):
        """Upgrades are immediate."""
        rulebook = self.rulebook_at(instant)
        if rulebook is None:
            return
        for group in rulebook.groups.values():
            value = member.metrics.get(self.metric_key(rulebook, group, instant), 0)
            to = self.qualified(group, value)
            if to > self.level_at(member, rulebook, group, FOR_EVER):
                self.change_tier(member, rulebook, group, to, "UPGRADED", value, effective,
                                 rulebook.window(group, instant)[1])

    def review(self, member, name, instant):
        rulebook = self.rulebook_at(instant)
        tier = member.tiers[name]
        tier.review = None
        group = rulebook.groups.get(name)
        if group is None or group.window == "lifetime":
            return
        value = member.metrics.get(self.metric_key(rulebook, group, instant - 1), 0)
        level, qualified = self.level_at(member, rulebook, group, FOR_EVER), self.qualified(group, value)
        to, direction = level, "RENEWED"
        if qualified < level and group.downgrade != "none":
            to, direction = (level - 1 if group.downgrade == "one step" else qualified), "DOWNGRADED"
        if level > 0:
            self.change_tier(member, rulebook, group, to, direction, value, instant, rulebook.window(group, instant)[1])

    # ---- due work ----

    def due_of(self, member):
        """Everything that a member will have due, as sortable items."""
        for lot in member.lots:
            if not lot.remaining or lot.expires is None:
                continue
            slot = self.currencies.index(lot.currency)
            yield (lot.expires, EXPIRY, member.number, slot, lot.spend_order(), lot)
            notice = lot.notice_at()
            if notice is not None and (lot.currency, lot.expires) not in member.noticed:
                yield (notice, NOTICE, member.number, slot, lot.spend_order(), lot)
        for name, tier in member.tiers.items():
            if tier.review is not None:
                yield (tier.review, REVIEW, member.number, self.groups.index(name), (), name)

    def due(self, limit, member=None, judged=0):
        """Works off what is due: all of one member, or up to `limit` items of everybody's in due order.

        What a late event makes due lies before the instant at which tiers were `judged`, and in a period that may be closed.
        """
        members = list(self.members.values()) if member is None else [member]
        queues = {each.number: self.queue(each) for each in members}
        while limit is None or limit > 0:
            first = min((queue[0][:5] for queue in queues.values() if queue), default=(FOR_EVER,))
            if first[0] > self.clock:
                return
            owner = next(each for each in members if each.number == first[2])
            self.do(owner, queues[owner.number][0])
            queues[owner.number] = self.queue(owner)
            if not queues[owner.number] or queues[owner.number][0][0] > first[0]:
                self.evaluate(owner, max(first[0], judged), first[0])
                queues[owner.number] = self.queue(owner)
            limit = None if limit is None else limit - 1

    def queue(self, member):
        return sorted(self.due_of(member), key=lambda item: item[:5])

    def do(self, member, item):
        instant, kind, _, _, _, what = item
        if kind == EXPIRY:
            self.expire(member, what)
        elif kind == REVIEW:
            self.review(member, what, instant)
        else:
            member.noticed.add((what.currency, what.expires))
            points = sum(lot.remaining for lot in member.open_lots(what.currency) if lot.expires == what.expires)
            self.notices.append({
                "subject": member.subject, "effectiveAtMs": instant, "journalTimeMs": self.clock,
                "currency": what.currency, "points": points, "expiresAtMs": what.expires})

    # ---- what is said ----

    def cause(self):
        return None if self.event is None else (self.event["source"], self.event["id"])

    def answer(self, event, verdict, ordinal=0, first=None):
        self.outcomes.append({
            "subject": event["subject"], "event": (event["source"], event["id"]), "verdict": verdict,
            "firstVerdict": first, "ordinal": ordinal, "occurredAtMs": event["occurred"], "journalTimeMs": self.clock,
            "amounts": self.amounts if verdict == "accepted" else []})

    def post(self, member, kind, source, target, currency, points, lot, effective, order_id):
        for account, sign in ((source, -1), (target, 1)):
            key = (currency, account)
            self.totals[key] = self.totals.get(key, 0) + (-sign if account in ("ISSUED", "ARREARS") else sign) * points
        posting = {
            "subject": member.subject, "kind": kind, "from": source, "to": target, "currency": currency,
            "points": points, "activeAfter": member.active(currency),
            "arrearsAfter": member.arrears.get(currency, 0), "event": self.cause(), "orderId": order_id or "",
            "occurredAtMs": effective if self.event is None else self.event["occurred"],
            "journalTimeMs": self.clock, "effectiveAtMs": effective, "lot": None}
        if lot is not None:
            posting.update(lot=(lot.ordinal, lot.index), rule=lot.rule, ruleVersion=lot.rulebook.version,
                           scale=lot.rulebook.currencies[currency].scale, lotEarnedAtMs=lot.earned,
                           lotExpiresAtMs=lot.expires or 0)
        self.postings.append(posting)
