"""Orders: what they grant, in the order of semantics §4, and their delivery."""

from earning import Judged, Order, capped
from lots import Refused


class Claim:
    """What a return may take back in one currency: what phases 1 to 7 granted, or what one award of the order did."""

    def __init__(self, currency, granted, lots, award=False):
        self.currency, self.granted, self.lots, self.award = currency, granted, lots, award
        self.settled = 0
        self.parts = []  # [name, points] for the caps that get some of it back
        self.given_back = []  # points by part
        self.takings = []  # Taking, in order

    def expired(self):
        """Cancelled and forfeited points count as expired here."""
        return sum(lot.expired + lot.lost for lot in self.lots)


class Booked:
    """An order with what it was granted under."""

    def __init__(self, order_id, order, judged, occurred):
        self.id, self.order, self.judged, self.occurred = order_id, order, judged, occurred
        self.claims = []
        self.deltas, self.totals = {}, {}  # what was told as refunded, by line; deltas in sum, totals at their largest
        self.unnamed, self.order_total = 0, 0
        self.refunds = {}  # id: what it told
        self.cancelled = self.returned_whole = self.tier_value_gone = False
        self.metrics = []  # (group, metric, key, at, counted): what it counts in tiers
        self.first_lot = {}  # by currency: the order's first own lot
        self.delivered_at = None


class Purchases:
    def purchase(self, event, payload, rulebook):
        member, occurred = self.earner(event, rulebook), event["occurred_at_ms"]
        order_id = payload["order_id"]
        if order_id in member.orders:
            raise Refused("order_exists")
        self.judge_state("active")
        order = Order(payload)
        grants = self.plan(event, member, rulebook, order=payload)
        judged = Judged(rulebook, order, occurred, grants.environment, grants.levels)
        booked = Booked(order_id, order, judged, occurred)
        for currency in rulebook.currencies:
            self.plan_order(grants, booked, currency)
        own = len(grants.lots)
        self.plan_after_earning(grants, payload)
        self.plan_sign_up(grants, payload)
        if not member.orders_counted:
            self.plan_first_purchase(grants, payload)
        self.plan_missions(grants, "purchase", payload, order=order, order_id=order_id)
        quarantined = self.judge_limits(member, rulebook, "purchase", payload, occurred, grants.environment, grants.points())
        self.enrol_now(member, rulebook)
        member.orders[order_id] = booked
        member.orders_counted += 1
        booked.claims += [self.claim(grants, lot) for lot in grants.lots[own:] if lot.order_id]
        self.commit(grants, quarantined, booked)
        booked.metrics = self.measure_order(member, rulebook, booked)
        self.done()
        self.apply_waiting(member, booked, event)

    def claim(self, grants, lot):
        claim = Claim(lot.currency, lot.granted, [lot], award=True)
        claim.parts = grants.parts[lot]
        return claim

    def plan_order(self, grants, booked, currency):
        """Phases 1 to 7 in one currency: lots in order of their first part that has points."""
        judged, rulebook = booked.judged, grants.rulebook
        whole = judged.whole(currency, judged.exact(currency, [0] * len(booked.order.lines)))
        requested = sum(whole.values())
        rooms = judged.rooms[currency] = self.rooms(grants, currency)
        left = capped(whole, rooms)
        granted = sum(left.values())
        if not requested:
            return
        self.count_uses(grants, rooms, left)
        grants.amounts.append((currency, requested, granted, self.cap_that_took(whole, rooms)))
        judged.granted[currency] = (requested, granted, next(iter(whole))[0])
        lots = {}
        for (who, place), points in left.items():
            if not points:
                continue
            lot = lots.get((place, who.funder))
            if lot is None:
                lot = lots[place, who.funder] = self.draft(
                    grants.member, currency, 0, who.name, rulebook, grants.occurred, place, order_id=booked.id,
                    funder=who.funder)
                lot.own = True
                grants.parts[lot] = []
            lot.granted += points
            lot.remaining += points
            grants.parts[lot].append([who.name, points])
        grants.lots += lots.values()
        claim = Claim(currency, granted, list(lots.values()))
        for (who, _), points in left.items():
            if points:
                claim.parts.append([who.name, points])
        booked.claims.append(claim)

    def plan_first_purchase(self, grants, payload):
        for award in grants.rulebook.awards:
            if award.on == "first purchase" and self.may_pay(grants, award, payload, None, None):
                self.plan_award(grants, award, award.points, order_id=payload["order_id"], own=True)

    def measure_order(self, member, rulebook, booked):
        """What the order adds to tiers: [metric, key, amount]."""
        found = []
        for group in rulebook.tiers.values():
            for metric in group.metrics:
                if metric.kind == "spend" and metric.money == booked.order.money:
                    counted = sum(booked.order.value(metric.basis))
                elif metric.kind == "visits" and metric.word == "purchase":
                    counted = 1
                elif metric.kind == "points":
                    counted = sum(claim.granted for claim in booked.claims if claim.currency == metric.currency)
                else:
                    continue
                found.append([metric, self.metric_key(group, metric), counted])
                self.add_metric(member, found[-1][1], booked.occurred, counted)
        return found

    # ---- delivery ----

    def delivered(self, event, payload, rulebook):
        booked = self.order_or_wait("delivered", event, payload, rulebook)
        self.judge_state()
        if booked is not None:
            self.deliver(self.member, booked, event["occurred_at_ms"])

    def deliver(self, member, booked, instant):
        """What was granted until delivered is released; the first delivery counts."""
        if booked.delivered_at is not None:
            return
        booked.delivered_at = instant
        at = max(instant, booked.occurred)
        for lot in list(member.lots):
            if lot.order_id != booked.id or lot.phase != "pending" or not lot.remaining or \
                    lot.activates is not None or lot.own_activation is not None:
                continue
            if lot.deadline is not None and at >= lot.deadline:
                if lot.quarantine is None:
                    self.cancel(lot, lot.deadline, order_id=booked.id)
            elif lot.quarantine is not None:
                lot.own_activation = at  # it awaits no delivery any more, but the decision
            else:
                self.activate_lot(lot, at, order_id=booked.id)
