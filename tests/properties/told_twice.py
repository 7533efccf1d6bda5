"""An order and what came back of it, told in several ways that are the same facts (semantics §6)."""

from programmes import Programmes
from words import DAY, HOUR, STARTS
from world import millis
from yaml_text import written_rulebook

CURRENCY = "GBP"


def programme(random):
    """(text, start) of a rulebook without tiers: an order's upgrade outlives its refund, as the law has it, so that the
    order of the two shows there."""
    while True:
        start = millis(random.choice(STARTS))
        book = Programmes(random, start, random.choice(["returns", "returns", "expiry", "earning"]), plain=True).draw()[0]
        if "tiers" not in book and CURRENCY in written_rulebook(book):
            return written_rulebook(book), start


def purchase(random, order_id):
    lines = [{"line_id": f"l{i}", "kind": "GOODS", "amount_minor": random.choice([1, 99, 1000, 2550, 12345, 99999]),
              "quantity_milli": random.choice([1000, 1500, 3000])} for i in range(random.randint(1, 3))]
    if random.random() < 0.3:
        lines[0]["discount_minor"] = lines[0]["amount_minor"] // 3
    return {"order_id": order_id, "currency": CURRENCY, "lines": lines}


class Order:
    """A purchase and the refunds of it, as (line or None, amount) in turn."""

    def __init__(self, random):
        self.random = random
        self.text, start = programme(random)
        self.time = start + random.choice([0, HOUR, DAY])
        self.bought = purchase(random, "o1")
        self.other = purchase(random, "o0")
        by_line = random.random() < 0.5
        self.parts = []
        for _ in range(random.randint(1, 4)):
            line = random.choice(self.bought["lines"])
            paid = line["amount_minor"] - line.get("discount_minor", 0)
            self.parts.append((line["line_id"] if by_line else None, random.randint(1, max(1, paid // 2))))

    def event(self, number, **payload):
        return {"time": self.time, "event": {"source": "shop", "id": f"e{number}", "member": "m1",
                                             "occurred_at_ms": self.time, **payload}}

    def journal(self, events):
        """Enrolment, an order before it, the events at one moment; then a day passes."""
        first = [self.event("enrol", enrol={}), self.event("other", purchase=self.other)]
        later = {"time": self.time + DAY, "tick": True}
        return [{"time": self.time, "activation": 0}, *first, *events, later]

    def purchase(self):
        return self.event("buy", purchase=self.bought)

    def deltas(self):
        return [self.event(f"d{number}", refund=self.refund([(line, amount)], refund_id=f"r{number}"))
                for number, (line, amount) in enumerate(self.parts)]

    def totals(self):
        """The same, each time as all that came back so far."""
        so_far, told = {}, []
        for number, (line, amount) in enumerate(self.parts):
            so_far[line] = so_far.get(line, 0) + amount
            told.append(self.event(f"t{number}", refund=self.refund(so_far.items(), style="CUMULATIVE")))
        return told

    def refund(self, parts, **more):
        found = {"order_id": "o1", "currency": CURRENCY, **more}
        lines = [{"line_id": line, "amount_minor": amount} for line, amount in parts if line is not None]
        if lines:
            return {**found, "lines": lines}
        return {**found, "amount_minor": sum(amount for _, amount in parts)}

    def shuffled(self, events):
        """In any order, some told twice under a new event id."""
        told = list(events)
        for event in events:
            if self.random.random() < 0.3:
                again = {**event, "event": {**event["event"], "id": event["event"]["id"] + "again"}}
                told.append(again)
        self.random.shuffle(told)
        return told
