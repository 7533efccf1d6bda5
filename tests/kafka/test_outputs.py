"""The outputs on a real Kafka: numbers without a gap, headers as promised, whatever happens to the broker."""

import collections
import struct
import tempfile
import unittest

import rig
from story import Step, acked, probe

PARTITIONS = 2
CLAIM = 7 << 16 | 1
TOPICS = ("postings", "outcomes", "tiers", "notices")
SELDOM = 10  # every tenth effect is a tier change and a notice, too

Output = collections.namedtuple("Output", "partition topic offset claim first count cause hash json packed")


def hash_of(topic, sequence):
    return (sequence * 0x9e3779b97f4a7c15 + topic) % (1 << 64)


class Outputs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="tally-outputs-"))
        cls.broker = cls.enterClassContext(rig.Broker(cls.folder))

    def make(self, name):
        probe("topics", self.broker.bootstrap, name, PARTITIONS, "make", 1)

    def publish(self, name, last, form="single", first=1, code=0):
        return probe("publish", self.broker.bootstrap, name, PARTITIONS, last, form, first, code=code)

    def read(self, name):
        return [Output(*map(int, line.split())) for line in probe("outputs", self.broker.bootstrap, name, PARTITIONS)
                if not line.startswith("say: ")]

    def assert_whole(self, name, last):
        """A reader accepts last + 1, ignores what is not above last, and reports anything else. Returns the repeats."""
        reached, repeats = collections.Counter(), 0
        for each in self.read(name):
            key = each.partition, each.topic
            self.assertLessEqual(each.first, reached[key] + 1, f"gap: {each} after {reached[key]}")
            end = each.first + each.count - 1
            self.assertEqual((each.claim, each.hash), (CLAIM, hash_of(each.topic, end)))
            self.assertEqual(each.cause, (end * (SELDOM if each.topic >= 2 else 1)) << 16 | 3)
            repeats += end <= reached[key]
            reached[key] = max(reached[key], end)
        self.assertEqual(dict(reached), {(partition, topic): last if topic < 2 else last // SELDOM
                                         for partition in range(PARTITIONS) for topic in range(4)})
        return repeats

    def test_single_messages_carry_one_binary_header_or_text(self):
        self.make("single")
        lines = self.publish("single", 40)
        self.assertEqual(self.assert_whole("single", 40), 0)
        for topic in (0, 1):
            for each in self.broker.consume(f"single.{TOPICS[topic]}"):
                number = each.offset + 1
                ((name, value),) = each.headers
                self.assertEqual((name, struct.unpack(">4Q", value)),
                                 ("tb", (CLAIM, number, number << 16 | 3, hash_of(topic, number))))
                member = b"" if topic == 1 and number % 7 == 0 else b"m%d" % number
                self.assertEqual(each.key, member)
        for topic, kind in ((2, "tier.upgraded"), (3, "notice.expiring_soon")):
            (each,) = [each for each in self.broker.consume(f"single.{TOPICS[topic]}")
                       if (each.partition, each.offset) == (1, 1)]
            want = [("ce_specversion", "1.0"), ("ce_id", "1/2"), ("ce_source", f"tallybook/demo/{TOPICS[topic]}"),
                    ("ce_type", "tallybook." + kind), ("ce_time", "2026-11-24T12:00:00.020Z"), ("ce_subject", "m20"),
                    ("tb_seq", "2"), ("tb_claim", "7:1"), ("tb_position", "20:3"),
                    ("tb_hash", "%016x" % hash_of(topic, 2))]
            want += [("traceparent", "00-1-2-01")] if topic == 2 else []
            self.assertEqual([(name, value.decode()) for name, value in each.headers], want)
            self.assertEqual(each.key, b"m20")
        for topic, name in enumerate(TOPICS):
            for partition, end in self.broker.ends(f"single.{name}").items():
                self.assertIn(f"end {partition} {topic} {end + 1} {end}", lines)

    def test_json_and_packs_say_the_same(self):
        for form in ("json", "packed"):
            self.make(form)
            self.publish(form, 1000, form)
            self.assert_whole(form, 1000)
            found = self.read(form)
            self.assertEqual({each.json for each in found}, {int(form == "json")})
            self.assertEqual({each.packed for each in found if each.topic < 2}, {int(form == "packed")})
            self.assertEqual({each.packed for each in found if each.topic >= 2}, {0})

    def test_a_publisher_goes_on_where_the_last_one_ended(self):
        self.make("on")
        self.publish("on", 30)
        self.publish("on", 100, "packed", first=31)
        self.assertEqual(self.assert_whole("on", 100), 0)

    def test_foreign_messages_and_missing_topics_are_named(self):
        self.make("foreign")
        self.broker.produce("foreign.tiers", b"{}", partition=1)
        self.assertRegex(probe("outputs", self.broker.bootstrap, "foreign", PARTITIONS, code=65),
                         "foreign.tiers, partition 1, offset 0: .*somebody else")
        self.assertRegex(self.publish("never", 1, code=69), "never.postings does not exist.*tally topics create")
        for name in TOPICS:
            self.broker.create_topic(f"other.{name}", 3)
        self.assertRegex(self.publish("other", 1, code=78), "other.postings has 3 partitions.*feeds partition i")


class Outages(unittest.TestCase):
    """Each has a broker of its own, because it ends it."""

    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="tally-outage-"))
        self.broker = self.enterContext(rig.Broker(self.folder))
        probe("topics", self.broker.bootstrap, "o", PARTITIONS, "make", 1)

    read, assert_whole = Outputs.read, Outputs.assert_whole

    def outage(self, end, form, last):
        with Step("publish", self.broker.bootstrap, "o", PARTITIONS, last, form, 1) as step:
            step.until(lambda line: acked(line) >= last // 20)
            end()
            self.assertLess(acked(step.lines[-1]), last, "all was published before the broker ended")
            self.broker.start()
            step.end()
        self.assert_whole("o", last)

    def test_no_number_is_missing_when_the_broker_is_killed(self):
        self.outage(self.broker.kill, "single", 150_000)

    def test_no_number_is_missing_when_the_broker_is_restarted(self):
        self.outage(self.broker.stop, "packed", 500_000)


if __name__ == "__main__":
    unittest.main()
