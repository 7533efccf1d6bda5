"""Events drawn from a seed, each kind with what makes it collide: ids told before, amounts at the very limit, instants at
which something is due and a millisecond beside them.

What a sender would know is kept in `Told`, apart from the ledger; of the ledger only the clock, what members have due, their
lots and what it answered are looked at, to aim.
"""

from words import (ACTIVITY_WORDS, ATTRIBUTES, BRANDS, CATEGORIES, CHANNELS, DAY, HOUR, LEVELS, MINUTE, PARTNERS, SKUS,
                   STORES, WITHOUT)

AMOUNT_MAX = 10 ** 15
LINE_KINDS = ["GOODS"] * 7 + ["SHIPPING", "TAX", "FEE", "GIFT_CARD"]
BIRTHDAYS = [(2, 29), (2, 28), (3, 1), (1, 1), (12, 31), (10, 25)]
ACTORS = ["ann", "bob"]
# How often each kind of event comes, and how much more often where the programme is about it.
KINDS = {
    "purchase": 30, "refund": 12, "cancellation": 2, "delivered": 4, "activity": 10, "redeem": 8, "cancel_redemption": 4,
    "hold": 5, "capture_hold": 4, "release_hold": 2, "grant": 3, "adjust": 3, "approve": 1, "extend_lots": 1.5,
    "reinstate_lots": 1.5, "renew_lots": 1.5, "release_quarantine": 0.5, "reject_quarantine": 0.5, "enrol": 1,
    "profile_update": 1.5, "suspend": 0.4, "resume": 0.4, "freeze": 0.7, "unfreeze": 0.5, "close": 0.25, "reopen": 0.2,
    "tier_override": 0.8, "end_tier_override": 0.5}
MORE = {
    "awards": {"activity": 3, "profile_update": 2},
    "spending": {"redeem": 3, "hold": 4, "capture_hold": 4, "release_hold": 4, "cancel_redemption": 4},
    "returns": {"refund": 3, "cancellation": 2},
    "expiry": {"extend_lots": 4, "reinstate_lots": 4, "renew_lots": 4, "freeze": 4},
    "tiers": {"tier_override": 5, "end_tier_override": 5},
    "limits": {"adjust": 4, "approve": 12, "release_quarantine": 10, "reject_quarantine": 10, "activity": 2}}
OF_GUESTS = {"purchase", "refund", "cancellation", "delivered", "redeem", "hold"}  # mostly; they may be told all kinds
ENDED_BY = {"suspended": "resume", "frozen": "unfreeze", "closed": "reopen"}
# What must have been told before, or there is little to say.
ABOUT = {"capture_hold": "holds", "release_hold": "holds", "cancel_redemption": "spends", "approve": "adjustments",
         "release_quarantine": "quarantined", "reject_quarantine": "quarantined", "cancellation": "orders",
         "end_tier_override": "overrides"}
# The verdict after which, and the kinds of which one comes soon.
FOLLOWED_BY = {
    "hold": ("accepted", ["capture_hold", "capture_hold", "release_hold"]), "adjust": ("awaiting_approval", ["approve"]),
    "refund": ("accepted", ["refund", None]), "tier_override": ("accepted", ["end_tier_override", None]),
    "redeem": ("accepted", ["cancel_redemption"] + [None] * 3), "purchase": ("accepted", ["delivered", "refund"] + [None] * 5),
    "release_hold": ("accepted", ["capture_hold"] + [None] * 5),
    "cancel_redemption": ("accepted", ["cancel_redemption", None])}


def kind_of(event):
    """The payload's name."""
    return next(name for name in event if isinstance(event[name], dict))


class Told:
    """What was told of one subject."""

    def __init__(self):
        self.orders, self.early, self.refunds = {}, [], {}
        self.spends, self.holds, self.references, self.check_ins = {}, {}, [], []
        self.adjustments, self.grants, self.quarantined, self.overrides = [], [], [], []


class Drawing:
    def __init__(self, random, shape, theme, rulebooks):
        self.random, self.shape, self.rulebooks = random, shape, rulebooks
        self.choice = random.choice
        more = MORE.get(theme, {})
        self.kinds = list(KINDS)
        self.weights = [KINDS[kind] * more.get(kind, 1) * (kind not in WITHOUT) for kind in self.kinds]
        self.told, self.fresh = {}, 0
        rules = [rule for book in rulebooks for rule in book.earn if rule.money]
        self.moneys = sorted({rule.money for rule in rules}) * 8 + ["GBP"] * 8 + ["EUR", "JPY"]
        self.currencies = sorted({name for book in rulebooks for name in book.currencies})
        self.spendable = [name for name in self.currencies if not any(
            book.currencies[name].qualifying for book in rulebooks if name in book.currencies)]
        self.levels = {name: [level.name for level in group.levels]
                       for book in rulebooks for name, group in book.tiers.items()}
        self.groups = sorted(self.levels)
        self.partition = 0  # of the subject
        self.following = False  # whether the event is about what was told just before
        self.rewards = sorted({name for book in rulebooks for name in book.spending.rewards}) + ["nothing"]

    def chance(self, probability):
        return self.random.random() < probability

    def name(self, kind):
        self.fresh += 1
        return f"{kind}{self.fresh}"

    def of(self, subject):
        return self.told.setdefault(subject, Told())

    # ---- the event ----

    def event(self, time, subject, ledger, kind=None):
        """An event of a kind, or of a random one, or of that which the member's state asks for."""
        member, told = ledger.members.get(subject), self.of(subject)
        self.following = kind is not None
        kind = kind or self.kind(member, told)
        occurred = self.occurred(time, member, told)
        if kind in WITHOUT or (subject[0] == "guest" and kind not in OF_GUESTS and self.chance(0.9)):
            kind = "purchase"
        payload = getattr(self, "draw_" + kind)(told, member, occurred)
        payload = {name: value for name, value in payload.items() if value not in (None, "", 0, [])}
        return {"source": self.choice(["shop", "shop", "till"]), "id": self.name("e"), subject[0]: subject[1],
                "occurred_at_ms": occurred, kind: payload}

    def kind(self, member, told):
        state = getattr(member, "state", "active")
        if member is None and self.chance(0.6):
            return self.choice(["purchase", "enrol", "enrol", "activity"])
        if state in ENDED_BY and self.chance(0.3):
            return ENDED_BY[state]
        kind = self.random.choices(self.kinds, self.weights)[0]
        return "purchase" if kind in ABOUT and not getattr(told, ABOUT[kind]) and self.chance(0.8) else kind

    def follow(self, event, outcome):
        """What kind of event mostly follows soon, or None."""
        kind = kind_of(event)
        asked, kinds = FOLLOWED_BY.get(kind, (None, [None]))
        if outcome["verdict"] == asked and self.chance(0.4):
            return self.choice(kinds)
        told = self.of(("guest", event["guest"]) if "guest" in event else ("member", event["member"]))
        if told.quarantined and self.chance(0.15):
            return self.choice(["release_quarantine", "reject_quarantine"])
        return None

    def occurred(self, time, member, told):
        if self.chance(0.55):
            return time
        choices = [time - 1, time - self.random.randrange(2 * HOUR), time - self.random.randrange(5 * DAY),
                   time - self.random.randrange(100 * DAY), time + self.random.randrange(5 * MINUTE)]
        if self.chance(0.15):
            book = self.choice(self.rulebooks)
            edges = [time + book.accept.future_ms, time - book.accept.past_ms, book.effective_from]
            choices = [self.choice(edges) + self.choice([-1, 0, 0, 1])]
        if member is not None and self.chance(0.5):
            known = [instant for instant in self.instants(member, told) if time - 90 * DAY < instant <= time + 5 * MINUTE]
            if known:
                return max(1, self.choice(known) + self.choice([-1, 0, 0, 1]))
        return max(1, self.choice(choices))

    def instants(self, member, told):
        """Moments of a member beside which something changed."""
        for lot in member.lots[-8:]:
            yield from (each for each in (lot.earned, lot.activates, lot.expires) if each is not None)
        for tier in member.tiers.values():
            yield from (each[0] for each in getattr(tier, "history", [])[-3:])
        yield from (each + self.choice([1, 1, -1, 7]) * DAY for each in told.check_ins[-3:])

    def learn(self, event, outcome, notices):
        """What the sender reads of the answer."""
        subject = ("guest", event["guest"]) if "guest" in event else ("member", event["member"])
        told, kind = self.of(subject), kind_of(event)
        reference, payload = {"source": event["source"], "id": event["id"]}, event[kind]
        if outcome["verdict"] == "awaiting_approval":
            told.adjustments.append((reference, payload["actor"]))
        if outcome["verdict"] not in ("accepted", "parked"):
            return
        if kind == "approve":
            told.adjustments = [each for each in told.adjustments if each[0] != payload["awaiting"]]
        elif kind in ("release_quarantine", "reject_quarantine"):
            told.quarantined = [each for each in told.quarantined if each != payload["granted_by"]]
        elif kind == "tier_override" and "group" in payload:
            told.overrides.append(payload["group"])
        if kind == "purchase":
            told.orders[payload["order_id"]] = payload
        elif kind in ("refund", "delivered") and payload.get("order_id") and payload["order_id"] not in told.orders:
            told.early.append(payload["order_id"])
        elif kind == "activity":
            told.check_ins.append(event["occurred_at_ms"])
        if kind == "refund" and "refund_id" in payload:
            told.refunds.setdefault(payload.get("order_id", ""), {})[payload["refund_id"]] = payload
        points = outcome["amounts"][0]["granted"] if outcome["amounts"] else 0
        if kind == "redeem":
            told.spends[payload["spend_id"]] = points
        elif kind == "hold":
            told.holds[payload["hold_id"]] = points
        told.quarantined += [reference for each in notices if each["kind"] == "quarantined"]
        told.grants.append(reference)

    # ---- shared by kinds ----

    def amount(self):
        if self.chance(self.shape.huge):
            return self.choice([10 ** 15, 10 ** 15 - 1, 99_999_999_999_937])
        return self.choice([0, 7, 999, 1000, 1000, 1050, 1999, 2000, 2550, 5000, 10000, self.random.randrange(5000),
                            self.random.randrange(20000), self.random.randrange(20000)])

    def where(self, *names):
        words = {"channel": CHANNELS, "store": STORES, "partner": PARTNERS}
        found = {name: self.choice(words[name]) for name in names if self.chance(0.5)}
        if self.chance(0.3):
            found["attributes"] = self.attributes()
        return found

    def attributes(self):
        return [{"key": key, "value": self.choice(words)} for key, words in ATTRIBUTES.items() if self.chance(0.6)]

    def by_hand(self):
        return {"reason": self.choice(["mend", "goodwill"]), "actor": self.choice(ACTORS)}

    def currency(self, member):
        rich = sorted({lot.currency for lot in member.lots if lot.remaining}) if member else []
        if rich and self.chance(0.85):
            return self.choice(rich)
        return self.choice(self.currencies + ["nothing"] * self.chance(0.1))

    @staticmethod
    def active(member, currency):
        return sum(lot.remaining for lot in member.lots if lot.currency == currency and lot.state == "active") if member else 0

    def known(self, ids, kind, probability=0.9):
        """One told before, mostly a late one, or a new one."""
        ids = list(ids)
        if ids and self.following:
            return ids[-1]
        return self.choice(ids[-4:] + ids[-1:] * 4) if ids and self.chance(probability) else self.name(kind)

    # ---- orders ----

    def draw_purchase(self, told, member, _occurred):
        order_id = self.name("o")
        if told.early and self.chance(0.5):
            order_id = told.early.pop()
        elif told.orders and self.chance(0.03):
            order_id = self.choice(list(told.orders))
        lines = [self.line(number) for number in range(self.choice([1, 1, 1, 2, 3, 4]))]
        paid = sum(line.get("amount_minor", 0) - line.get("discount_minor", 0) for line in lines)
        return {"order_id": order_id, "currency": self.choice(self.moneys), "lines": lines,
                "points_tender_minor": min(self.choice([0, 0, 0, 0, 0, paid // 3]), AMOUNT_MAX),
                "gift_card_minor": min(self.choice([0, 0, 0, 0, 0, paid // 2]), AMOUNT_MAX),
                **self.where("channel", "store", "partner")}

    def line(self, number):
        amount = self.amount()
        discount = self.choice([0, 0, 0, 0, 0, 0, amount // 10, amount // 10, amount // 3, amount])
        line = {"kind": "GOODS" if self.shape.plain else self.choice(LINE_KINDS), "amount_minor": amount,
                "discount_minor": discount, "tax_minor": self.choice([0, 0, (amount - discount) // 6, amount - discount])}
        for name, words in (("category", CATEGORIES), ("sku", SKUS), ("brand", BRANDS)):
            if self.chance(0.5):
                line[name] = self.choice(words)
        if self.chance(0.3):
            line["line_id"] = f"l{number}"
        if self.chance(0.2):
            line["quantity_milli"] = self.choice([1000, 1500, 2000])
        if self.chance(0.15):
            line["attributes"] = self.attributes()
        return {name: value for name, value in line.items() if value not in (0, [])}

    def draw_refund(self, told, member, occurred):
        known = list(told.orders)
        if not known or self.chance(0.12):
            return self.refund_without_order(told) if self.chance(0.6) else self.refund_before_order(told)
        order_id = self.choice(known[-4:])
        order = told.orders[order_id]
        paid = [line.get("amount_minor", 0) - line.get("discount_minor", 0) for line in order["lines"]]
        tender = order.get("points_tender_minor", 0) + order.get("gift_card_minor", 0)
        paid = [each - (each * tender // sum(paid) if tender else 0) for each in paid]
        refund = {"order_id": order_id, "currency": order["currency"] if self.chance(0.97) else self.choice(self.moneys)}
        before = told.refunds.get(order_id, {})
        if before and self.chance(0.12):  # told again, or another amount under its id
            again = self.choice(list(before.values()))
            return again if self.chance(0.6) else {**again, "lines": [], "amount_minor": self.random.randrange(1, 3000)}
        if self.chance(0.4):
            refund["style"] = "CUMULATIVE"
        else:
            refund["refund_id"] = self.name("b")
        if self.chance(0.5):
            refund["lines"] = self.refund_lines(order, paid)
        total = sum(each.get("amount_minor", 0) for each in refund.get("lines", []))
        if total == 0 or (total < AMOUNT_MAX and self.chance(0.1)):
            refund["amount_minor"] = min(AMOUNT_MAX, total + max(1, self.choice(
                [sum(paid), sum(paid) // 2, sum(paid) // 3, sum(paid) // 4, 1, 100, 500, sum(paid) + self.chance(0.1)])))
        return {**refund, **self.where()}

    def refund_lines(self, order, paid):
        picked = sorted(self.random.sample(range(len(paid)), k=self.random.randrange(1, len(paid) + 1)))
        lines = [{"line_id": order["lines"][i].get("line_id") or str(i + 1), "amount_minor": min(AMOUNT_MAX, self.choice(
            [paid[i], paid[i], paid[i] // 2, paid[i] // 3, paid[i] // 4, paid[i] + self.chance(0.2)]))} for i in picked]
        if self.chance(0.05):
            lines.append({"line_id": "no-such-line", "amount_minor": self.amount()})
        return [line for line in lines if line["amount_minor"]]

    def refund_without_order(self, told):
        before = told.refunds.get("", {})
        if before and self.chance(0.25):
            again = self.choice(list(before.values()))
            return again if self.chance(0.6) else {**again, "lines": [], "amount_minor": self.random.randrange(1, 3000)}
        refund = {"refund_id": self.name("b"), "currency": self.choice(self.moneys),
                  **self.where("channel", "store", "partner")}
        lines = [{"amount_minor": self.amount(), "kind": self.choice(LINE_KINDS), "category": self.choice(CATEGORIES),
                  "sku": self.choice(SKUS), "brand": self.choice(BRANDS)} for _ in range(self.choice([1, 2]))]
        lines = [line for line in lines if line["amount_minor"]]
        if lines and self.chance(0.3):
            return {**refund, "lines": lines}
        return {**refund, "amount_minor": max(1, self.amount() // 10)}

    def refund_before_order(self, told):
        order_id = self.choice(told.early) if told.early and self.chance(0.4) else self.name("o")
        refund = {"order_id": order_id, "currency": self.choice(self.moneys), "amount_minor": self.choice([1, 500, 1000, 3000])}
        if self.chance(0.2):
            refund["lines"] = [{"line_id": self.choice(["1", "2", "l0"]), "amount_minor": refund["amount_minor"]}]
        refund.update({"style": "CUMULATIVE"} if self.chance(0.3) else {"refund_id": self.name("b")})
        return refund

    def draw_cancellation(self, told, member, occurred):
        return {"order_id": self.known(told.orders, "o")}

    def draw_delivered(self, told, member, occurred):
        return {"order_id": self.known([*told.early[-2:], *told.orders], "o", 0.85)}

    # ---- activities ----

    def draw_activity(self, told, member, occurred):
        word = self.choice(["check_in", "check_in"] + ACTIVITY_WORDS)
        activity = {"kind": word.upper(), **self.where("channel", "store", "partner")}
        if word == "steps_walked":
            activity.update(kind="APP_DEFINED", app_kind=word)
        if word != "check_in" and self.chance(0.6):
            if told.references and self.chance(0.2):
                activity["reference"] = self.choice(told.references)
            else:
                activity["reference"] = self.name("v")
                told.references.append(activity["reference"])
        if self.chance(0.5):
            activity["value"] = self.choice([1, 5, 10, 30])
        if told.orders and self.chance(0.1):
            activity["order_id"] = self.choice(list(told.orders))
        return activity

    # ---- spending ----

    def spending(self, told, member):
        """What a spend or a hold asks for."""
        asked, form = {}, self.random.randrange(10)
        book = self.choice(self.rulebooks)
        if form < 2 and (book.spending.rewards or self.chance(0.2)):
            asked["reward"] = {"reward_id": self.choice(self.rewards)}
            if self.chance(0.6):
                asked["reward"]["count"] = self.choice([1, 2, 3])
        elif form < 4 and (book.spending.payments or self.chance(0.2)):
            amount = self.choice([1, 7, 10, 100, 500, 999, 1000, 5000, 5001])
            asked["payment"] = {"order_id": self.name("p"), "currency": self.choice(["GBP", "GBP", "JPY"]),
                                "amount_minor": amount, "order_total_minor": amount + self.choice([0, 1, 99, 100, 1000])}
        else:
            currency = self.currency(member)
            if currency not in self.spendable and self.spendable and self.chance(0.9):
                currency = self.choice(self.spendable)
            active = self.active(member, currency)
            asked["points"] = max(1, self.choice([1, 10, active, active, active + 1, active // 2, active // 3, active // 10]))
            asked["currencies"] = [currency]
            if self.chance(0.2):
                asked["currencies"] += [name for name in self.spendable if name != currency and self.chance(0.8)]
        if "points" not in asked and self.chance(0.4):
            asked["currencies"] = [self.choice(self.spendable * 3 + self.currencies)]
        if self.chance(0.1):
            asked.pop("currencies", None)
        return {**asked, **self.where("channel", "store")}

    def draw_redeem(self, told, member, occurred):
        return {"spend_id": self.known(told.spends, "s", 0.05), **self.spending(told, member)}

    def draw_cancel_redemption(self, told, member, occurred):
        spend_id = self.known(told.spends, "s")
        points = told.spends.get(spend_id, 10)
        return {"spend_id": spend_id, "points": max(0, self.choice([0, 0, points, points // 2, points // 3, 1, points + 1]))}

    def draw_hold(self, told, member, occurred):
        return {"hold_id": self.known(told.holds, "h", 0.05), **self.spending(told, member),
                "timeout_ms": self.choice([0, 0, MINUTE, HOUR, DAY, 2 * DAY, 30 * DAY])}

    def draw_capture_hold(self, told, member, occurred):
        hold_id = self.known(told.holds, "h", 0.95)
        points = told.holds.get(hold_id, 10)
        return {"hold_id": hold_id, "points": max(0, self.choice([0, points, points // 2, 1, points + 1]))}

    def draw_release_hold(self, told, member, occurred):
        return {"hold_id": self.known(told.holds, "h", 0.95)}

    # ---- by hand ----

    def later(self, occurred, *days):
        return max(1, occurred + self.choice(days) * DAY + self.choice([-1, 0, 0, 1, HOUR]))

    def draw_grant(self, told, member, occurred):
        grant = {"currency": self.currency(member), "points": self.choice([1, 10, 50, 100]), **self.by_hand()}
        if self.chance(0.25):
            grant["activates_at_ms"] = self.later(occurred, -1, 0, 1, 7)
        if self.chance(0.3):
            starts = grant.get("activates_at_ms", 0)
            grant["expires_at_ms"] = max(starts + 1, self.later(starts or occurred, 0, 1, 10, 40))
        elif self.chance(0.1):
            grant["never_expires"] = True
        if told.orders and self.chance(0.3):
            grant["order_id"] = self.known(told.orders, "o")
        if self.chance(0.2):
            grant["funder"] = self.choice(["acme", "bank", "other"])
            if self.chance(0.5):
                grant.update(unit_cost_minor={"numerator": 1, "denominator": 2}, cost_currency="GBP")
        if self.chance(0.3):
            grant["qualifies"] = True
        return grant

    def draw_adjust(self, told, member, occurred):
        currency = self.currency(member)
        active = self.active(member, currency)
        limits = [book.approvals.adjustments[currency] for book in self.rulebooks if currency in book.approvals.adjustments]
        sizes = [1, 10, 50, active, active + 1] + [each + more for each in limits for more in (0, 1)]
        adjust = {"currency": currency, "points": max(1, self.choice(sizes)) * self.choice([1, -1]), **self.by_hand()}
        if adjust["points"] < 0 and self.chance(0.4):
            adjust["may_owe"] = True
        elif adjust["points"] > 0 and self.chance(0.3):
            adjust.update(self.choice([{"expires_at_ms": self.later(occurred, 0, 1, 10)}, {"never_expires": True}]))
        return adjust

    def draw_approve(self, told, member, occurred):
        if told.adjustments and self.chance(0.9):
            reference, actor = told.adjustments[-1] if self.following else self.choice(told.adjustments[-3:])
            other = next(each for each in ACTORS if each != actor)
            return {"awaiting": reference, "actor": actor if self.chance(0.2) else other}
        return {"awaiting": {"source": "shop", "id": self.name("e")}, "actor": "ann"}

    def lot_choice(self, member, states, occurred):
        lots = [lot for lot in member.lots[-20:] if lot.state in states] if member else []
        if lots and self.chance(0.6):
            picked = self.random.sample(lots, k=min(len(lots), self.choice([1, 1, 2])))
            if self.chance(0.05):
                picked.append(self.choice(member.lots))
            unique = list(dict.fromkeys(tuple(lot.id) for lot in picked))
            named = [{"partition": self.partition, "ordinal": ordinal, "index": index} for ordinal, index in unique]
            return {"lots": [{name: number for name, number in each.items() if number} for each in named]}
        choice = {"currency": self.choice(self.currencies)}
        dated = [lot for lot in lots if lot.expires is not None]
        if dated and self.chance(0.8):
            at = self.choice(dated).expires
            choice.update(currency=self.choice(dated).currency, **self.choice(
                [{"expiring_from_ms": at}, {"expiring_until_ms": at + self.choice([0, 1])},
                 {"expiring_from_ms": at, "expiring_until_ms": at + 1}]))
        return choice

    def draw_extend_lots(self, told, member, occurred):
        to = self.choice([{"days": self.choice([1, 7, 30])}, {"expires_at_ms": self.later(occurred, 1, 10, 40, 100)}])
        return {"choice": self.lot_choice(member, ("active", "pending", "lapsing"), occurred), **to, **self.by_hand()}

    def draw_reinstate_lots(self, told, member, occurred):
        return {"choice": self.lot_choice(member, ("expired", "exhausted"), occurred),
                "expires_at_ms": self.later(occurred, 0, 1, 10, 40), **self.by_hand()}

    def draw_renew_lots(self, told, member, occurred):
        over = self.choice([1, 2, 3, 7])
        return {"choice": self.lot_choice(member, ("expired", "exhausted"), occurred),
                "share": {"numerator": self.random.randrange(1, over + 1), "denominator": over},
                "expires_at_ms": self.later(occurred, 0, 1, 10, 40), **self.by_hand()}

    def draw_release_quarantine(self, told, member, occurred):
        known = told.quarantined[-3:] if told.quarantined and self.chance(0.9) else told.grants[-3:]
        return {"granted_by": self.choice(known or [{"source": "shop", "id": self.name("e")}]), **self.by_hand()}

    draw_reject_quarantine = draw_release_quarantine

    # ---- a member's life ----

    def birthday(self, occurred):
        month, day = self.choice(BIRTHDAYS)
        if self.chance(0.4):  # a day near the journal's
            wall = self.rulebooks[0].zone.wall(occurred + self.choice([-1, 0, 1, 2, 6]) * DAY)
            month, day = wall.month, wall.day
        return {"month": month, "day": day}

    def draw_enrol(self, told, member, occurred):
        told = {"birthday": self.birthday(occurred)} if self.chance(0.6) else {}
        return {**told, **self.where("channel", "store", "partner")}

    def draw_profile_update(self, told, member, occurred):
        return {"birthday": self.birthday(occurred) if self.chance(0.85) else {}}

    def draw_suspend(self, told, member, occurred):
        return self.by_hand()

    draw_resume = draw_freeze = draw_unfreeze = draw_close = draw_reopen = draw_suspend

    def draw_tier_override(self, told, member, occurred):
        override = {"tier": self.choice(LEVELS), **self.by_hand()}
        if self.groups and self.chance(0.9):
            override["group"] = self.choice(self.groups)
            override["tier"] = self.choice(self.levels[override["group"]] * 3 + LEVELS[-1:])
        if self.chance(0.7):
            override["until_ms"] = max(occurred + 1, self.later(occurred, 0, 1, 10, 60))
        return override

    def draw_end_tier_override(self, told, member, occurred):
        groups = told.overrides[-1:] if self.following else self.groups
        return {**({"group": self.choice(groups)} if groups and self.chance(0.9) else {}), **self.by_hand()}


# ---- mistakes of form: they take no ordinal and use up no id ----

# What cannot be left out.
NEEDED = {"purchase": ["order_id", "currency", "lines"], "refund": ["currency"], "cancellation": ["order_id"],
          "delivered": ["order_id"], "activity": ["kind"], "redeem": ["spend_id"], "cancel_redemption": ["spend_id"],
          "hold": ["hold_id"], "capture_hold": ["hold_id"], "release_hold": ["hold_id"], "grant": ["points"],
          "adjust": ["points", "reason", "actor"], "approve": ["awaiting", "actor"], "extend_lots": ["days", "expires_at_ms"],
          "reinstate_lots": ["expires_at_ms"], "renew_lots": ["share", "expires_at_ms"], "release_quarantine": ["granted_by"],
          "reject_quarantine": ["granted_by"], "profile_update": ["birthday"], "tier_override": ["tier"]}
LINE = {"kind": "GOODS", "amount_minor": 100}
# What contradicts something else.
WRONG = {
    "purchase": [{"lines": [{**LINE, "discount_minor": 101}]}, {"lines": [{**LINE, "tax_minor": 101}]}, {"lines": [LINE, {
        **LINE, "line_id": "1"}]}, {"lines": [LINE], "points_tender_minor": 60, "gift_card_minor": 41}],
    "refund": [{"style": "CUMULATIVE", "refund_id": "b"}, {"lines": [{"line_id": "1", "amount_minor": 100}], "amount_minor": 99},
               {"lines": [{"line_id": "1", "amount_minor": 10}] * 2, "amount_minor": 20}],
    "redeem": [{"points": 1, "reward": {"reward_id": "mug"}}, {"points": -1}],
    "hold": [{"points": 1, "payment": {"currency": "GBP", "amount_minor": 1}}],
    "grant": [{"activates_at_ms": 2000, "expires_at_ms": 2000, "never_expires": False}],
    "renew_lots": [{"share": {"numerator": 3, "denominator": 2}}, {"share": {"numerator": 1}}],
    "enrol": [{"birthday": {"month": 2, "day": 30}}, {"birthday": {"month": 13, "day": 1}}],
    "tier_override": [{"until_ms": 1}],
    "extend_lots": [{"choice": {"expiring_from_ms": 2000, "expiring_until_ms": 2000}}],
}


def spoiled(random, event):
    """The event with a mistake that every ledger must see, and its verdict."""
    kind = kind_of(event)
    payload = dict(event[kind])
    if kind == "purchase" and random.random() < 0.2:
        return {**event, kind: {**payload, "currency": "ZZZ"}}, "unknown_currency"
    if kind in WRONG and random.random() < 0.5:
        return {**event, kind: {**payload, **random.choice(WRONG[kind])}}, "malformed"
    name = random.choice(NEEDED.get(kind, ["nothing"]))
    if name not in payload or random.random() < 0.1:
        return {**event, "occurred_at_ms": 0}, "malformed"
    del payload[name]
    return {**event, kind: payload}, "malformed"
