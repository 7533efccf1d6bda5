"""The ledger against the oracle: the same rulebooks and the same journal, and everything that both say compared.

    TB_TEST_SEED=N    draws other worlds; the seed is part of every failure
    TB_TEST_WORLDS=N  draws N times as many
    TB_TEST_KEEP=DIR  leaves the folder of a world there, with its rulebooks and journal; for one world at a time
"""

import datetime
import json
import os
import pathlib
import random
import subprocess
import tempfile
import unittest

import wire
from civil import EPOCH, MILLISECOND
from law import FOR_EVER, Ledger
from world import Shape, World

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("TALLY_BUILD", "build/release")
TALLY = BUILD / "tally" / "tally"
SEED = int(os.environ.get("TB_TEST_SEED", "20261124"))
MORE = int(os.environ.get("TB_TEST_WORLDS", "1"))


def murmur2(data):
    """As Java clients place keys."""
    mask, factor = 0xFFFFFFFF, 0x5BD1E995
    value = 0x9747B28C ^ len(data)
    whole = len(data) & ~3
    for at in range(0, whole, 4):
        word = int.from_bytes(data[at:at + 4], "little") * factor & mask
        word = (word ^ word >> 24) * factor & mask
        value = value * factor & mask ^ word
    if data[whole:]:
        value = (value ^ int.from_bytes(data[whole:], "little")) * factor & mask
    value = (value ^ value >> 13) * factor & mask
    return value ^ value >> 15


def home_of(partitions):
    def home(subject):
        key = subject[1] if subject[0] == "member" else f"\x01guest/{subject[1]}"
        return (murmur2(key.encode()) & 0x7FFFFFFF) % partitions
    return home


class Rig:
    """`tally` in a folder of its own."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def tally(self, *arguments):
        done = subprocess.run([TALLY, *map(str, arguments)], cwd=self.folder, text=True, capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=120)
        if done.returncode != 0:
            raise RuntimeError(f"tally {' '.join(map(str, arguments))}: {done.returncode}\n"
                               f"{done.stdout[-2000:]}{done.stderr[-4000:]}")
        return done.stdout

    def lines(self, *arguments):
        return [json.loads(line) for line in self.tally(*arguments).splitlines()]

    def journal(self, world):
        """The world's journal as a packed file: record 0 and the activations are those of a real one."""
        count = world.shape.partitions
        self.tally("journal", "create", "--data-dir", "seed", "--programme", "p", "--journal-partitions", count,
                   "--journal-time", "record")
        for number, text in enumerate(world.texts):
            (self.folder / f"v{number}.yaml").write_text(text)
            self.tally("rules", "activate", f"v{number}.yaml", "--data-dir", "seed", "--at", "2030-01-01T00:00:00Z")
        self.tally("export", "seed.journal", "--data-dir", "seed")
        partitions = []
        for real, drawn in zip(wire.read_journal(self.folder / "seed.journal"), world.entries):
            bodies = [wire.read(entry) for entry in real]
            activations = [body[7][0] for body in bodies if 7 in body]
            entries = []
            for entry in drawn:
                if "activation" in entry:
                    entry = {**entry, "activation": activations[entry["activation"]]}
                entries.append(wire.entry_bytes(entry))
            records = [wire.record_bytes([next(entry for entry, body in zip(real, bodies) if 3 in body)])]
            while entries:
                some = world.random.choice([1, 1, 2, 5, 30])
                records.append(wire.record_bytes(entries[:some]))
                entries = entries[some:]
            partitions.append(records)
        wire.write_journal(self.folder / "world.journal", partitions)

    def fold(self, world):
        self.journal(world)
        self.tally("import", "world.journal", "--data-dir", "ledger", "--programme", "p", "--journal-partitions",
                   world.shape.partitions, "--checkpoint-records", world.random.choice([1, 7, 1000000]))
        return {topic: self.lines("tail", "--topic", topic, "--last", 0, "--data-dir", "ledger")
                for topic in ("postings", "outcomes", "tiers", "notices")}

    def member(self, subject):
        """What `member show` and `member lots` say, in the oracle's words."""
        name = [subject[1], "--guest"] if subject[0] == "guest" else [subject[1]]
        shown = json.loads(self.tally("member", "show", *name, "--json", "--data-dir", "ledger"))
        lots = json.loads(self.tally("member", "lots", *name, "--json", "--data-dir", "ledger"))
        return {
            "wallets": {each["currency"]: (each["active"], each["arrears"]) for each in shown["wallets"]},
            "levels": {each["group"]: (each["level"], each["metrics"][0]["value"]) for each in shown["tiers"]},
            "lots": [(each["lot"], each["currency"], each["granted"], each["remaining"], millis(each["earnedAt"]),
                      each["expiresAt"] and millis(each["expiresAt"]), each["rule"], each["ruleVersion"]) for each in lots]}

    def ledgers(self, world):
        """The oracle's, of the journal as it stands in the end: with what one partition sent on to another."""
        if world.shape.partitions == 1:
            return world.ledgers
        self.tally("export", "after.journal", "--data-dir", "ledger")
        events = {wire.event_bytes(entry["event"]): entry["event"]
                  for entries in world.entries for entry in entries if "event" in entry}
        result = []
        for partition, entries in enumerate(wire.read_journal(self.folder / "after.journal")):
            ledger = Ledger()
            for entry in filter(None, (wire.entry_of(data, events) for data in entries)):
                world.fold(ledger, partition, entry)
            result.append(ledger)
        return result


# ---- What both say, in one form ----

def millis(text):
    return (datetime.datetime.fromisoformat(text.replace("Z", "+00:00")) - EPOCH) // MILLISECOND


def member_of(ledger, member):
    """As Rig.member: wallets and levels by the version in force, open lots in spend order."""
    currencies = [name for name in ledger.currencies
                  if name in member.arrears or any(lot.currency == name for lot in member.lots)]
    rulebook = ledger.rulebook_at(ledger.clock)
    levels = {}
    for name, group in (rulebook.groups if rulebook else {}).items():
        value = member.metrics.get(ledger.metric_key(rulebook, group, ledger.clock), 0)
        levels[name] = (group.levels[ledger.level_at(member, rulebook, group, FOR_EVER)], value)
    return {
        "wallets": {name: (member.active(name), member.arrears.get(name, 0)) for name in currencies},
        "levels": levels,
        "lots": [(f"{lot.ordinal}.{lot.index}", name, lot.granted, lot.remaining, lot.earned, lot.expires, lot.rule,
                  lot.rulebook.version) for name in ledger.currencies for lot in member.open_lots(name)]}


def subject_of(item):
    return ("guest", item["guest"]) if "guest" in item else ("member", item["member"])


def reference(item, name="event"):
    return (item[name]["source"], item[name]["id"]) if name in item else None


def number(item, *names):
    return {name: int(item.get(name, 0)) for name in names}


def posting_of(item):
    result = {"subject": subject_of(item), "kind": item["kind"], "from": item["from"].removeprefix("ACCOUNT_"),
              "to": item["to"].removeprefix("ACCOUNT_"), "currency": item["currency"], "event": reference(item),
              "orderId": item.get("orderId", ""), "lot": None,
              **number(item, "points", "activeAfter", "arrearsAfter", "occurredAtMs", "journalTimeMs", "effectiveAtMs")}
    if "lot" in item:
        result.update(lot=(int(item["lot"].get("ordinal", 0)), int(item["lot"].get("index", 0))), rule=item["rule"],
                      **number(item, "ruleVersion", "scale", "lotEarnedAtMs", "lotExpiresAtMs"))
    return result


def outcome_of(item):
    amounts = [(each["currency"], int(each.get("granted", 0))) for each in item.get("amounts", [])]
    return {"subject": subject_of(item), "event": reference(item), "verdict": item["verdictName"],
            "firstVerdict": item.get("firstVerdictName"), "amounts": amounts,
            **number(item, "ordinal", "occurredAtMs", "journalTimeMs")}


def tier_of(item):
    return {"subject": subject_of(item), "cause": reference(item, "cause"),
            **{name: item[name] for name in ("group", "from", "to", "direction")},
            **number(item, "metricValue", "effectiveAtMs", "validUntilMs", "journalTimeMs", "ruleVersion")}


def notice_of(item):
    soon = item["expiringSoon"]
    return {"subject": subject_of(item), "currency": soon["currency"], **number(soon, "points", "expiresAtMs"),
            **number(item, "effectiveAtMs", "journalTimeMs")}


FORMS = {"outcomes": outcome_of, "postings": posting_of, "tiers": tier_of, "notices": notice_of}


class Oracle(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        print(f"# TB_TEST_SEED={SEED} TB_TEST_WORLDS={MORE}", flush=True)

    def differ(self, text, where):
        keep = os.environ.get("TB_TEST_KEEP")
        self.fail(f"{text}\nTB_TEST_SEED={SEED}, world {where}" + (f", kept in {keep}" if keep else ""))

    def compare(self, what, said, expected, where):
        for i, (mine, other) in enumerate(zip(said, expected)):
            if mine == other:
                continue
            names = [name for name in other if mine.get(name) != other[name]] + [name for name in mine if name not in other]
            about = "\n".join(f"  {name}: ledger {mine.get(name)!r}, oracle {other.get(name)!r}" for name in names)
            self.differ(f"{what} {i} differ:\n{about}\n ledger {mine}\n oracle {other}", where)
        if len(said) != len(expected):
            more, who = (said, "ledger") if len(said) > len(expected) else (expected, "oracle")
            first = min(len(said), len(expected))
            self.differ(f"only the {who} has {what} {first}: {more[first]}", where)

    def compare_topic(self, topic, said, ledgers, world, where):
        """Of several partitions the order of each one's subjects counts; a forward is told by the partition it left."""
        for partition, ledger in enumerate(ledgers):
            expected = getattr(ledger, topic)
            if len(ledgers) > 1:
                here = {subject for subject in world.subjects if world.home(subject) == partition}
                expected = [each for each in expected if each["subject"] in here]
                mine = [each for each in said if each["subject"] in here and each.get("verdict") != "forwarded"]
            else:
                mine = said
            self.compare(topic, mine, expected, where)
        if topic == "outcomes":
            sent = [[each["event"] for each in outcomes if each["verdict"] == "forwarded"]
                    for outcomes in (said, [each for ledger in ledgers for each in ledger.outcomes])]
            self.assertEqual(*map(sorted, sent), f"forwarded, world {where}")

    def compare_members(self, rig, ledger, where):
        for member in list(ledger.members.values())[:2]:
            mine, other = rig.member(member.subject), member_of(ledger, member)
            mine["wallets"] = {name: wallet for name, wallet in mine["wallets"].items()
                               if name in other["wallets"] or any(wallet)}
            if mine != other:
                self.differ(f"{member.subject} differs:\n ledger {mine}\n oracle {other}", where)

    def one_world(self, shape, where):
        world = World(random.Random(f"{SEED}/{where}"), shape, home_of(shape.partitions)).draw()
        with tempfile.TemporaryDirectory() as folder:
            rig = Rig(os.environ.get("TB_TEST_KEEP") or folder)
            said = rig.fold(world)
            ledgers = rig.ledgers(world)
            for topic, form in FORMS.items():
                self.compare_topic(topic, [form(item) for item in said[topic]], ledgers, world, where)
            for ledger in ledgers:
                self.compare_members(rig, ledger, where)
        return sum(map(len, world.entries))

    def worlds(self, name, count, shape):
        for number in range(count * MORE):
            self.one_world(shape, f"{name}/{number}")

    def test_small_worlds(self):
        self.worlds("ordinary", 8, Shape())

    def test_returns_of_what_was_spent_and_expired(self):
        self.worlds("plain", 6, Shape(plain=True, members=2, events=200))

    def test_late_events_find_the_tier_of_their_time(self):
        self.worlds("late", 4, Shape(late=0.3, plain=True, members=2))

    def test_more_due_at_an_instant_than_an_event_works_off(self):
        self.worlds("burst", 4, Shape(events=300, burst=0.01))

    def test_figures_at_the_limits(self):
        self.worlds("huge", 4, Shape(events=100, huge=0.5))

    def test_several_partitions_and_what_they_send_on(self):
        self.worlds("sent", 3, Shape(partitions=3, members=6, misplaced=0.15))

    def test_the_rulebooks_that_come_with_it(self):
        for path in sorted((ROOT / "schemas" / "rulebooks").glob("*.yaml")):
            self.worlds(path.stem, 1, Shape(events=200, rulebook=path.read_text()))


if __name__ == "__main__":
    unittest.main()
