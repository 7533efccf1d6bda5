"""Worlds: a programme and a journal drawn from a seed, small enough that edges collide.

Few members, few ids, money that is often the same, and instants that are taken from what the ledger is about to do: a
journal's next moment is often the very instant of an expiry, a review or the limit of what is accepted, or a millisecond
beside it. The oracle folds while the world is drawn, so that the world can aim.
"""

import datetime

from civil import EPOCH, MILLISECOND
from law import Ledger
from rulebook import Rulebook

SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000
ZONES = ["UTC", "Europe/London", "Asia/Shanghai", "Asia/Tokyo", "America/New_York", "America/Havana", "Africa/Cairo",
         "America/St_Johns", "Pacific/Apia", "Australia/Lord_Howe"]
STARTS = ["2026-01-30T12:00", "2026-03-28T20:00", "2026-10-24T23:00", "2026-12-30T21:00", "2028-02-28T10:00",
          "2027-12-31T14:00", "2026-04-23T22:00"]
AMOUNT_MAX = 10 ** 15
CATEGORIES = ["books", "toys", "children's books"]
PERIODS = [(1, "days"), (2, "days"), (30, "days"), (1, "weeks"), (1, "months"), (12, "months"), (1, "years")]
LINE_KINDS = ["goods"] * 6 + ["shipping", "tax", "fee", "gift card"]
RATES = ["1 per 1.00 GBP", "1 per 0.10 GBP"] * 3 + ["3 per 2.00 GBP", "7 per 3.33 GBP", "1 per 0.01 GBP", "0.1 per 0.07 GBP",
                                                   "2 per 1 JPY"]
FACTORS = ["2", "3", "1.5", "0.333333", "1.1", "0.5"]
HUGE_FACTORS = ["1000", "999.999999"]
HUGE_RATES = ["1000000 per 1.00 GBP", "999999 per 1.01 GBP", "1 per 999999.97 GBP", "3 per 999983.33 GBP"]


def millis(text):
    when = datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.timezone.utc)
    return (when - EPOCH) // MILLISECOND


def written(node):
    """A value of a rulebook as YAML in flow style."""
    if isinstance(node, dict):
        return "{" + ", ".join(f"{key}: {written(each)}" for key, each in node.items()) + "}"
    if isinstance(node, list):
        return "[" + ", ".join(map(written, node)) + "]"
    text = str(node)
    return f'"{text}"' if "'" in text or ":" in text else text


def reachable(rules):
    """Without those behind one that takes all their lines: under `first` they are a mistake."""
    kept = []
    for rule in sorted(rules, key=lambda rule: (-rule.get("priority", 0), rule["rule"])):
        def takes_all(other):
            kinds = [each.get("basis", {}).get("lines", ["goods", "fee"]) for each in (rule, other)]
            return (other["currency"] == rule["currency"] and other["rate"][-3:] == rule["rate"][-3:] and
                    set(kinds[0]) <= set(kinds[1]) and
                    ("categories" not in other or set(rule.get("categories", ["any"])) <= set(other["categories"])))
        if not any(map(takes_all, kept)):
            kept.append(rule)
    return kept


class Shape:
    """How a world differs from the ordinary one."""

    def __init__(self, events=150, members=4, partitions=1, huge=0.0, burst=0.0, misplaced=0.0, late=0.0, plain=False,
                 rulebook=None):
        self.events, self.members, self.partitions = events, members, partitions
        self.huge, self.burst, self.misplaced = huge, burst, misplaced  # how often
        self.late = late  # how often events tell of a moment at which a tier changed; versions differ in what they accept
        self.plain = plain  # one currency that everything earns: many returns of what was spent and expired
        self.rulebook = rulebook


class World:
    def __init__(self, random, shape, home):
        """`home` says to which partition a subject belongs."""
        self.random, self.shape, self.home = random, shape, home
        self.start = millis(random.choice(STARTS))
        self.texts = [shape.rulebook] if shape.rulebook else self.draw_rulebooks()
        self.rulebooks = [Rulebook(text) for text in self.texts]
        if shape.rulebook:
            self.start = max(self.start, self.rulebooks[0].effective_from)
        rules = [rule for rulebook in self.rulebooks for rule in rulebook.rules]
        self.moneys = sorted({rule.money for rule in rules}) * 8 + ["EUR", "JPY"]
        self.categories = sorted({each for rule in rules for each in rule.categories or CATEGORIES})
        self.subjects = [("member", f"m{i}") for i in range(shape.members)] + [("guest", "g1")]
        self.ledgers = [Ledger() for _ in range(shape.partitions)]
        self.entries = [[] for _ in range(shape.partitions)]
        self.told, self.fresh = [], 0

    def chance(self, probability):
        return self.random.random() < probability

    # ---- rulebooks ----

    def draw_rulebooks(self):
        choice, chance = self.random.choice, self.chance
        self.zone = choice(ZONES)
        names = ("points",) if self.shape.plain else ("points", "miles", "growth")
        self.scales = {name: choice([0, 0, 0, 1, 6 if chance(self.shape.huge) else 2]) for name in names}
        first = self.draw_rulebook(1, self.start - choice([0, DAY, 400 * DAY]))
        texts = [first]
        for version in range(2, 2 + choice([1, 2, 2] if self.shape.late else [0, 0, 0, 1, 2])):
            texts.append(self.draw_rulebook(version, self.start + choice([-400 * DAY, -DAY, 0, HOUR, DAY, 40 * DAY, 40 * DAY])))
        return ["".join(f"{key}: {written(value)}\n" for key, value in text.items()) for text in texts]

    def draw_basis(self):
        basis = {}
        for key in ("net_of_discount", "without_tax", "without_tender"):
            if self.chance(0.4):
                basis[key] = self.random.choice(["true", "false"])
        if self.chance(0.4):
            basis["lines"] = sorted(set(self.random.choices(LINE_KINDS, k=3)))
        return basis

    def draw_currency(self, name):
        choice, chance = self.random.choice, self.chance
        currency = {"scale": self.scales[name], "rounding": choice(["floor", "ceil", "half-up", "half-even"])}
        if name == "growth" and chance(0.7):
            currency["qualifying"] = "true"
        if chance(0.25):
            currency["expiry"] = "none"
        elif chance(0.9):
            amount, unit = choice(PERIODS)
            currency["expiry"] = {"after": f"{amount} {unit}", "round": choice(
                ["none", "end of day", "end of day", "end of month", "end of quarter", "end of year"])}
        currency["expiring_soon"] = choice(["none", "1 days", "2 days", "30 days", "366 days"])
        return currency

    def draw_group(self, name, currencies):
        choice, chance = self.random.choice, self.chance
        group = {"group": name}
        if chance(0.5):
            group["metric"] = {"spend": choice(["GBP", "GBP", "GBP", "JPY"])}
            if chance(0.5):
                group["metric"]["basis"] = self.draw_basis()
        else:
            group["metric"] = {"points": choice(currencies)}
        group["window"] = choice(["calendar year", "calendar year", "lifetime"])
        group["downgrade"] = "none" if group["window"] == "lifetime" else choice(["none", "one step", "to qualified"])
        names = [each for each in ("base", "bronze", "silver", "gold") if chance(1 if self.shape.late else 0.8)] or ["base"]
        threshold, levels = 0, []
        for level in names:
            money = group["metric"].get("spend")
            shown = "0" if threshold == 0 else f"{threshold} {money}" if money else str(threshold)
            levels.append({"level": level, "from": shown})
            if chance(1 if self.shape.late else 0.6):
                levels[-1]["multiplier"] = choice(FACTORS + HUGE_FACTORS * chance(self.shape.huge))
            threshold += choice([20, 80, 200] if self.shape.late else [1, 10, 20, 40])
        group["levels"] = levels
        return group

    def draw_rulebook(self, version, effective_from):
        choice, chance = self.random.choice, self.chance
        instant = (EPOCH + effective_from * MILLISECOND).strftime("%Y-%m-%dT%H:%M:%SZ")
        currencies = [name for name in self.scales if name == "points" or chance(0.5)]
        groups = [name for name in ("status", "club") if chance(0.6)] or ["status"] * (self.shape.late > 0)
        text = {"rulebook": "drawn", "version": version, "effective_from": instant, "zone": self.zone}
        if self.shape.late:
            text["accept"] = {"past": "366 days" if version == 1 else choice(["60 s", "2 h", "366 days"])}
        elif chance(0.5) and not self.shape.plain:
            text["accept"] = {"future": choice(["0 s", "1 s", "5 min"]),
                              "past": choice(["60 s", "2 h", "30 days", "90 days", "366 days", "366 days"])}
        if chance(0.2) and not self.shape.plain:
            text["members"] = {"unknown": choice(["auto-enrol", "reject"])}
        text["currencies"] = {name: self.draw_currency(name) for name in currencies}
        if chance(0.7):
            text["combine"] = {"lines": choice(["max", "sum", "first"])}
        rules = []
        for number in range(choice([1, 1, 2, 3, 5])):
            rule = {"rule": f"r{number}", "currency": choice(currencies),
                    "rate": choice(HUGE_RATES if chance(self.shape.huge) else RATES)}
            if chance(0.4):
                rule["categories"] = self.random.sample(CATEGORIES, k=choice([1, 2]))
            if chance(0.5):
                rule["basis"] = self.draw_basis()
            if groups and chance(0.6):
                rule["multiplied_by"] = choice(groups)
            if chance(0.5):
                rule["priority"] = choice([-1, 1, 10])
            if number == 0 and chance(1 if self.shape.plain else 0.7):  # most programmes have a plain one
                rule = {"rule": "r0", "currency": "points", "rate": rule["rate"]}
                if groups:
                    rule["multiplied_by"] = groups[0]
            rules.append(rule)
        text["earn"] = reachable(rules) if text.get("combine") == {"lines": "first"} else rules
        text["tiers"] = [self.draw_group(name, currencies) for name in groups]
        if not groups:
            del text["tiers"]
        return text

    # ---- the journal ----

    def put(self, partition, entry):
        self.entries[partition].append(entry)
        self.fold(self.ledgers[partition], partition, entry)

    def fold(self, ledger, partition, entry):
        shown = dict(entry)
        if "activation" in entry:
            shown["rulebook"] = self.rulebooks[entry["activation"]]
        if "event" in entry:
            shown["away"] = self.home(entry["event"]["subject"]) != partition
        ledger.entry(shown)

    def draw(self):
        """The whole journal: rulebooks come at its beginning, later ones anywhere."""
        begins = [0] + sorted(self.random.randrange(self.shape.events // 2 + 1) for _ in self.rulebooks[1:])
        number = 0
        while number < self.shape.events:
            while begins and number >= begins[0]:
                begins.pop(0)
                version = len(self.rulebooks) - len(begins) - 1
                for partition, ledger in enumerate(self.ledgers):
                    self.put(partition, {"time": max(ledger.clock, self.start), "activation": version})
            partition = self.random.choice(sorted({self.home(subject) for subject in self.subjects}))
            if self.chance(0.04):
                self.put(partition, {"time": self.next_time(partition), "tick": b""})
            elif self.chance(self.shape.burst):
                number += self.burst(partition)
            else:
                number += 1
                entry = self.draw_event(partition, self.next_time(partition))
                if self.chance(self.shape.misplaced) and "bad_form" not in entry["event"]:
                    partition = self.random.randrange(self.shape.partitions)
                    entry["time"] = max(entry["time"], self.ledgers[partition].clock)
                self.put(partition, entry)
        for partition in range(self.shape.partitions):
            self.put(partition, {"time": self.next_time(partition), "tick": b""})
        return self

    def next_time(self, partition):
        """Often the same moment again, often the very instant at which something is due, sometimes much later."""
        ledger, random = self.ledgers[partition], self.random
        if self.chance(0.4):
            return ledger.clock
        if self.chance(0.15):
            due = [item[0] for member in ledger.members.values() for item in ledger.due_of(member)]
            later = [instant for instant in due if instant > ledger.clock]
            if later:
                edge = random.choice([min(later), min(later), random.choice(later)])
                return max(ledger.clock, edge + random.choice([-1, 0, 0, 1]))
        step = random.choice([1, SECOND, MINUTE, 5 * MINUTE, HOUR, HOUR, HOUR, HOUR, DAY, 20 * DAY * self.chance(0.5),
                              200 * DAY * self.chance(0.1), 10 * DAY * (self.shape.late > 0)])
        return ledger.clock + step * random.randrange(3)

    def name(self, kind):
        self.fresh += 1
        return f"{kind}{self.fresh}"

    def local_subjects(self, partition):
        return [each for each in self.subjects if self.home(each) == partition]

    def draw_event(self, partition, time):
        random, ledger = self.random, self.ledgers[partition]
        if self.told and self.chance(0.06):
            return {"time": time, "event": self.again(random.choice(self.told))}
        subject = random.choice(self.local_subjects(partition))
        member = ledger.members.get(subject)
        purchases, refunds = 20 if self.shape.late else 9, 12 if self.shape.plain else 7
        kind = random.choice(["purchase"] * purchases + ["refund"] * refunds + ["redeem"] * 4 + ["cancellation", "enrol"])
        if member is None and self.chance(0.7):
            kind = random.choice(["purchase", "enrol"])
        event = {"kind": kind, "source": random.choice(["shop", "shop", "till"]), "id": self.name("e"), "subject": subject,
                 "occurred": self.draw_occurred(time, member), "payload": getattr(self, "draw_" + kind)(member)}
        if self.chance(0.03):
            self.spoil(event)
        else:
            self.told.append(event)
        return {"time": time, "event": event}

    def spoil(self, event):
        """A mistake of form, which takes no ordinal and uses up no id."""
        payload = event["payload"]
        if event["kind"] == "purchase":
            payload.update(self.random.choice([{"lines": []}, {"order_id": ""}, {"currency": ""}]))
        elif event["kind"] == "refund":
            payload.update(self.random.choice([{"lines": [], "amount": 0}, {"refund_id": ""}]))
        elif event["kind"] == "redeem":
            payload.update(self.random.choice([{"points": -5}, {"spend_id": ""}]))
        elif event["kind"] == "cancellation":
            payload["order_id"] = ""
        else:
            event["occurred"] = 0
        event["bad_form"] = True

    def again(self, event):
        """The same event once more, or another one under its id."""
        if self.chance(0.6):
            return event
        other = dict(event)
        if self.chance(0.5):
            other["occurred"] += 1
        else:
            other["subject"] = self.random.choice([each for each in self.subjects
                                                   if self.home(each) == self.home(event["subject"])])
        return other

    def draw_occurred(self, time, member):
        random = self.random
        if member is not None and self.chance(self.shape.late):
            changes = [since for tier in member.tiers.values() for since, _ in tier.history]
            return max(1, random.choice(changes or [time]) + random.choice([-1, 0, 0, 1, DAY]))
        if self.chance(0.6):
            return time
        choices = [time - 1, time - random.randrange(2 * HOUR), time - random.randrange(5 * DAY),
                   time - random.randrange(100 * DAY), time + random.randrange(5 * MINUTE)]
        rulebook = random.choice(self.rulebooks)
        edges = [time + rulebook.future_ms, time - rulebook.past_ms, rulebook.effective_from]
        choices.append(random.choice(edges) + random.choice([-1, 0, 0, 1]))
        if member is not None:
            known = [since for tier in member.tiers.values() for since, _ in tier.history]
            known += [booked.occurred for booked in member.orders.values()]
            if known:
                choices += [random.choice(known) + random.choice([-1, 0, 1])] * 2
        return max(1, random.choice(choices))

    def draw_amount(self):
        if self.chance(self.shape.huge):
            return self.random.choice([10 ** 15, 10 ** 15 - 1, 99_999_999_999_937])
        return self.random.choice([0, 7, 999, 1000, 1000, 1050, 1999, 2550, self.random.randrange(5000),
                                   self.random.randrange(20000)])

    def draw_purchase(self, member):
        random, lines = self.random, []
        for number in range(random.choice([1, 1, 1, 2, 3, 4])):
            amount = self.draw_amount()
            discount = random.choice([0, 0, 0, amount // 10, amount // 3, amount])
            tax = random.choice([0, 0, (amount - discount) // 6, amount - discount])
            kind = "goods" if self.shape.plain else random.choice(LINE_KINDS)
            line = {"kind": kind, "amount": amount, "discount": discount, "tax": tax}
            if self.chance(0.5):
                line["category"] = random.choice(self.categories)
            if self.chance(0.3):
                line["line_id"] = f"l{number}"
            lines.append(line)
        paid = sum(line["amount"] - line["discount"] for line in lines)
        order_id = self.name("o")
        if member is not None and member.orders and self.chance(0.05):
            order_id = random.choice(list(member.orders))
        return {"order_id": order_id, "currency": random.choice(self.moneys), "lines": lines,
                "points_tender": min(random.choice([0, 0, 0, paid // 3]), AMOUNT_MAX),
                "gift_card": min(random.choice([0, 0, 0, paid // 2]), AMOUNT_MAX)}

    def draw_refund(self, member):
        random = self.random
        lines, money, order_id = [], self.moneys[0], ""
        if member is not None and member.orders and self.chance(0.9):
            order_id = random.choice(list(member.orders)[-6:])
            booked = member.orders[order_id]
            order, money = booked.order, booked.order.money
            left = [paid - part for paid, part in zip(order.paid, order.refunded())]
            amount = random.choice([sum(left), sum(order.paid), sum(left) // 2, sum(left) // 3, 1, sum(left) + 1])
            if self.chance(0.5):
                picked = sorted(random.sample(range(len(left)), k=random.randrange(1, len(left) + 1)))
                lines = [{"line_id": order.lines[i].get("line_id") or str(i + 1),
                          "amount": random.choice([left[i], left[i], left[i] // 2, order.paid[i] // 3, left[i] + 1])}
                         for i in picked]
            refund_id = random.choice(list(booked.refunds)) if booked.refunds and self.chance(0.15) else self.name("b")
            if refund_id in booked.refunds and self.chance(0.5):
                lines, amount = [], booked.refunds[refund_id]
        else:
            amount = self.draw_amount() // 10
            known = [] if member is None else list(member.loose_refunds)
            refund_id = random.choice(known) if known and self.chance(0.3) else self.name("b")
            if self.chance(0.3):
                lines = [{"amount": self.draw_amount(), "kind": random.choice(LINE_KINDS),
                          "category": random.choice(self.categories)}
                         for _ in range(random.choice([1, 2]))]
        if self.chance(0.04):
            money = random.choice(self.moneys)
        if order_id and self.chance(0.03):
            order_id = "nowhere"
        if lines and order_id and self.chance(0.05):
            lines = lines + [{"line_id": "no-such-line", "amount": self.draw_amount()}]
        lines = [{"kind": "goods", **line, "amount": min(line["amount"], AMOUNT_MAX)} for line in lines]
        amount = 0 if lines else min(max(1, amount), AMOUNT_MAX)
        return {"order_id": order_id, "refund_id": refund_id, "currency": money, "lines": lines, "amount": amount}

    def draw_cancellation(self, member):
        known = [] if member is None else list(member.orders)
        return {"order_id": self.random.choice(known) if known and self.chance(0.9) else "nowhere"}

    def draw_redeem(self, member):
        random = self.random
        currency = random.choice(["", "points", "miles", "growth", "nothing"])
        rich = [] if member is None else sorted({lot.currency for lot in member.lots if lot.remaining})
        if rich and self.chance(0.9):
            currency = random.choice(rich)
        active = 0 if member is None else member.active(currency or "points")
        spend_id = random.choice(sorted(member.spends)) if member and member.spends and self.chance(0.1) else self.name("s")
        return {"spend_id": spend_id, "currency": currency,
                "points": max(1, random.choice([1, active, active + 1, active // 2, active // 3, active // 10]))}

    def draw_enrol(self, _member):
        return {}

    def burst(self, partition):
        """More lots due at one instant than an event works off."""
        ledger, random = self.ledgers[partition], self.random
        count, time = random.randrange(65, 150), ledger.clock + random.randrange(2)
        for _ in range(count):
            event = {"kind": "purchase", "source": "shop", "id": self.name("e"),
                     "subject": random.choice(self.local_subjects(partition)), "occurred": max(1, time - random.randrange(3)),
                     "payload": {"order_id": self.name("o"), "currency": self.moneys[0], "points_tender": 0, "gift_card": 0,
                                 "lines": [{"kind": "goods", "amount": 1000, "discount": 0, "tax": 0}]}}
            self.put(partition, {"time": time, "event": event})
        due = sorted(item[0] for member in ledger.members.values() for item in ledger.due_of(member))
        if due:  # moments at which many are due, told by events and a millisecond apart
            self.put(partition, self.draw_event(partition, max(ledger.clock, due[len(due) // 2])))
            self.put(partition, self.draw_event(partition, ledger.clock + 1))
        return count
