"""Journals for the properties, and what `tally` says of them.

A journal is a list of entries of one partition, as the second ledger's rig takes them: {"time", "event"}, {"time", "tick"} or
{"time", "activation": number of the rulebook}.
"""

import os
import pathlib
import random
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "oracle"))

from judge import MEMORY  # noqa: E402
from rig import TALLY, Rig, home_of  # noqa: E402
from rig import millis as instant  # noqa: E402, F401
from said import of_ledger  # noqa: E402
from world import Shape, World  # noqa: E402

TOPICS = ("outcomes", "postings", "tiers", "notices")
# Where and in which order something stands in the journal, not what it is.
PLACE = ("position", "partition", "ordinal")


def subject_of(item):
    """Whose an output or an event is; None: the programme's."""
    return next(((name, item[name]) for name in ("member", "guest") if name in item), None)


def lot_of(posting):
    """As members are shown it."""
    lot = posting["lot"]
    return f"{lot.get('ordinal', 0)}.{lot.get('index', 0)}"


class Told:
    """What is published of a journal, and what members are shown at its end."""

    def __init__(self, texts, entries, packing=0):
        with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
            rig = Rig(folder)
            self.said = rig.fold(texts, [entries], random.Random(f"packing {packing}"))
            subjects = sorted({subject_of(each) for each in self.said["postings"]})
            self.members = rig.members(subjects) if subjects else []
        self.outcomes, self.postings = self.said["outcomes"], self.said["postings"]

    def everything(self):
        """All of it, but for places in the journal's records."""
        return {topic: [{name: value for name, value in each.items() if name != "position"} for each in items]
                for topic, items in self.said.items()} | {"members": self.members}

    def by_subject(self):
        """Each one's own story: nothing of where it stands among the others' is left in it."""
        stories, lots = {}, {}
        for topic in TOPICS:
            for item in of_ledger(self.said[topic], topic):
                story = stories.setdefault(item["subject"], {each: [] for each in TOPICS})
                item = {name: value for name, value in item.items() if name not in PLACE}
                if "lot" in item:
                    numbers = lots.setdefault(item["subject"], {})
                    item["lot"] = numbers.setdefault(item["lot"], len(numbers))
                story[topic].append(item)
        return stories

    def ends(self):
        """Where members stand, whatever the way there was: their points, and lots by what they are."""
        return [{"subject": subject_of(member),
                 "wallets": member["wallets"],
                 "lots": sorted(([lot[name] for name in ("currency", "granted", "remaining", "held", "state", "earnedAt",
                                                         "activatesAt", "expiresAt", "rule", "ruleVersion")]
                                 for lot in member["lots"]), key=str)}
                for member in self.members]


def drawn(seed, theme, **shape):
    """(rulebooks as texts, entries) of a world; the last entry is a tick."""
    world = World(random.Random(seed), Shape(theme=theme, **shape), home_of(1)).draw()
    return world.texts, world.entries[0]


def smaller(entries, fails, tries=150):
    """As few of the entries as still fail; activations stay. `fails` says why, or None."""
    size = len(entries) // 2
    while size and tries > 0:
        at, before = 0, len(entries)
        while at < len(entries) and tries > 0:
            kept = entries[:at] + [each for each in entries[at:at + size] if "activation" in each] + entries[at + size:]
            tries -= 1
            if len(kept) < len(entries) and fails(kept):
                entries = kept
            else:
                at += size
        if len(entries) == before:
            size //= 2
    return entries


def check_build():
    if not os.access(TALLY, os.X_OK):
        sys.exit(f"{TALLY} is not built; TALLY_BUILD names the build folder")
