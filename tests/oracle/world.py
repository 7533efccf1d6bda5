"""Worlds: a programme and a journal drawn from a seed, small enough that edges collide.

The oracle folds while the world is drawn, so that the world can aim: the journal's next moment is often the very instant of
an expiry, a review or the limit of what is accepted, or a millisecond beside it.
"""

import datetime

from civil import EPOCH, MILLISECOND
from journal import Drawing, spoiled
from law import Ledger
from programmes import THEMES, Programmes
from rulebook import Rulebook
from words import DAY, HOUR, MINUTE, SECOND, STARTS
from yaml_text import written_rulebook


def millis(text):
    when = datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.timezone.utc)
    return (when - EPOCH) // MILLISECOND


class Shape:
    """How a world differs from the ordinary one."""

    def __init__(self, events=400, members=8, partitions=1, huge=0.0, burst=0.0, misplaced=0.0, plain=False, theme=None,
                 rulebook=None):
        self.events, self.members, self.partitions = events, members, partitions
        self.huge, self.burst, self.misplaced = huge, burst, misplaced  # how often
        self.plain = plain  # one currency that everything earns, goods only
        self.theme, self.rulebook = theme, rulebook


def subject_of(event):
    return ("guest", event["guest"]) if "guest" in event else ("member", event["member"])


class World:
    def __init__(self, random, shape, home):
        """`home` says to which partition a subject belongs."""
        self.random, self.shape, self.home = random, shape, home
        self.start = millis(random.choice(STARTS))
        self.theme = shape.theme or random.choice(THEMES)
        if shape.rulebook:
            self.texts, self.nodes = [shape.rulebook], []
        else:
            self.nodes = Programmes(random, self.start, self.theme, shape.huge, shape.plain).draw()
            self.texts = list(map(written_rulebook, self.nodes))
        self.rulebooks = [Rulebook(text) for text in self.texts]
        if shape.rulebook:
            self.start = max(self.start, self.rulebooks[0].effective_from)
        self.subjects = [("member", f"m{i}") for i in range(shape.members)] + [("guest", "g1")]
        self.ledgers = [Ledger() for _ in range(shape.partitions)]
        self.entries = [[] for _ in range(shape.partitions)]
        self.drawing = Drawing(random, shape, self.theme, self.rulebooks)
        self.locals = [[each for each in self.subjects if home(each) == partition] for partition in range(shape.partitions)]
        self.pace = random.choice([MINUTE, HOUR, HOUR, HOUR, DAY])
        self.sent = []

    def chance(self, probability):
        return self.random.random() < probability

    # ---- the journal ----

    def put(self, partition, entry):
        self.entries[partition].append(entry)
        ledger = self.ledgers[partition]
        outcomes, notices = len(ledger.outcomes), len(ledger.notices)
        self.fold(ledger, partition, entry)
        if "event" not in entry:
            return None
        outcome = ledger.outcomes[outcomes]
        self.drawing.learn(entry["event"], outcome, ledger.notices[notices:])
        return outcome

    def fold(self, ledger, partition, entry):
        shown = dict(entry)
        if "activation" in entry:
            shown["rulebook"] = self.rulebooks[entry["activation"]]
        if "event" in entry:
            shown["away"] = self.home(subject_of(entry["event"])) != partition
        ledger.entry(shown)

    def draw(self):
        """The whole journal: rulebooks come at its beginning, later ones anywhere."""
        begins = [0] + sorted(self.random.randrange(self.shape.events // 2 + 1) for _ in self.rulebooks[1:])
        full = [partition for partition, subjects in enumerate(self.locals) if subjects]
        number = 0
        while number < self.shape.events:
            while begins and number >= begins[0]:
                begins.pop(0)
                version = len(self.rulebooks) - len(begins) - 1
                for partition, ledger in enumerate(self.ledgers):
                    self.put(partition, {"time": max(ledger.clock, self.start), "activation": version})
            partition = self.random.choice(full)
            if self.chance(0.04):
                self.put(partition, {"time": self.next_time(partition), "tick": True})
            elif self.chance(self.shape.burst):
                number += self.burst(partition)
            else:
                number += 1
                self.put_event(partition, self.next_time(partition))
        for partition in range(self.shape.partitions):
            self.put(partition, {"time": self.next_time(partition), "tick": True})
        self.forget_late_forwards()
        return self

    def forget_late_forwards(self):
        """What is sent on comes home when that partition has folded everything else, by then maybe older than anything that
        a ledger accepts, and keeps, tiers and metrics for. (As long as it is away it changed nothing.)"""
        past = max(rulebook.accept.past_ms for rulebook in self.rulebooks)
        for partition, entries in enumerate(self.entries):
            homes = [self.home(subject_of(entry["event"])) if "event" in entry else partition for entry in entries]
            entries[:] = [entry for entry, home in zip(entries, homes) if home == partition or
                          self.ledgers[home].clock - entry["event"].get("occurred_at_ms", 0) <= past]

    def put_event(self, partition, time):
        entry = self.draw_event(partition, time)
        if self.chance(self.shape.misplaced) and "bad_form" not in entry:
            partition = self.random.randrange(self.shape.partitions)
            entry["time"] = max(entry["time"], self.ledgers[partition].clock)
        outcome = self.put(partition, entry)
        following = self.drawing.follow(entry["event"], outcome)
        if following and "bad_form" not in entry:
            self.drawing.partition, clock = partition, self.ledgers[partition].clock
            time = clock + self.random.choice([0, 0, 0, 0, 1, 1, SECOND, MINUTE, 5 * MINUTE, self.pace])
            event = self.drawing.event(time, subject_of(entry["event"]), self.ledgers[partition], following)
            self.sent.append(event)
            self.put(partition, {"time": time, "event": event})

    def next_time(self, partition):
        """Often the same moment again, often the very instant at which something is due, sometimes much later."""
        ledger, random = self.ledgers[partition], self.random
        if self.chance(0.4):
            return ledger.clock
        if self.chance(0.2) and ledger.members:
            member = random.choice(list(ledger.members.values()))
            later = [item[0] for item in ledger.due_of(member) if item[0] > ledger.clock]
            if later:
                edge = random.choice([min(later), min(later), random.choice(later)])
                if edge < ledger.clock + 40 * DAY or self.chance(0.1):
                    return max(ledger.clock, edge + random.choice([-1, 0, 0, 1]))
        step = random.choice([1, SECOND, MINUTE, 5 * MINUTE, HOUR, self.pace, self.pace, DAY // 4,
                              20 * DAY * self.chance(0.02), 200 * DAY * self.chance(0.002)])
        return ledger.clock + step * random.randrange(3)

    def draw_event(self, partition, time):
        """An entry: an event, now and then one told before, or one with a mistake of form."""
        if self.sent and self.chance(0.05):
            again = self.again(self.random.choice(self.sent[-200:]))
            return {"time": time, "event": again}
        self.drawing.partition = partition
        subject = self.random.choice(self.locals[partition])
        event = self.drawing.event(time, subject, self.ledgers[partition])
        if self.chance(0.02):
            event, verdict = spoiled(self.random, event)
            return {"time": time, "event": event, "bad_form": verdict}
        self.sent.append(event)
        return {"time": time, "event": event}

    def again(self, event):
        """The same event once more, or another one under its id."""
        if self.chance(0.6):
            return event
        if self.chance(0.5):
            return {**event, "occurred_at_ms": max(1, event["occurred_at_ms"] - 1)}
        subject = subject_of(event)
        other = self.random.choice(self.locals[self.home(subject)])
        return {other[0] if name == subject[0] else name: other[1] if name == subject[0] else value
                for name, value in event.items()}

    def burst(self, partition):
        """More due at one instant than an event works off."""
        ledger, random = self.ledgers[partition], self.random
        count, time = random.randrange(65, 150), ledger.clock + random.randrange(2)
        for _ in range(count):
            order = {"order_id": self.drawing.name("o"), "currency": self.drawing.moneys[0],
                     "lines": [{"kind": "GOODS", "amount_minor": 1000}]}
            kind, subject = random.choice(self.locals[partition])
            self.put(partition, {"time": time, "event": {
                "source": "shop", "id": self.drawing.name("e"), kind: subject,
                "occurred_at_ms": max(1, time - random.randrange(3)), "purchase": order}})
        due = sorted(item[0] for member in ledger.members.values() for item in ledger.due_of(member))
        if due:  # moments at which many are due, told by events and a millisecond apart
            self.put_event(partition, max(ledger.clock, due[len(due) // 2]))
            self.put_event(partition, ledger.clock + 1)
        return count
