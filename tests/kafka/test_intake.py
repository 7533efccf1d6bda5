"""Intake on a real Kafka: every message becomes events, a dead letter or a counted tombstone, and none is lost."""

import contextlib
import json
import tempfile
import unittest

import confluent_kafka

import rig
from story import PARTITIONS, Step, probe

OCCURRED_MS = 1795521600000


def purchase(number, member=None, **more):
    """An event as a shop sends it."""
    event = {"source": "shop", "id": f"e{number}", "member": member or f"m{number % 50}", "occurredAtMs": OCCURRED_MS,
             "purchase": {"orderId": f"o{number}", "currency": "EUR", "lines": [{"sku": "mug", "amountMinor": "1250"}]}}
    event.update(more)
    return {key: value for key, value in event.items() if value is not None}


def encode(event):
    return json.dumps(event).encode()


class Intake(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="tally-intake-"))
        cls.broker = cls.enterClassContext(rig.Broker(cls.folder))

    def setUp(self):
        """A journal, and so a group, and a source of its own for each story."""
        self.name = self._testMethodName.removeprefix("test_").replace("_", "-")[:60]
        self.journal, self.source = f"j-{self.name}", f"s-{self.name}"

    def make(self, partitions=2, kind="append"):
        self.broker.create_topic(self.source, partitions, {"max.message.bytes": str(4 << 20)})
        probe("topics", self.broker.bootstrap, self.journal, PARTITIONS, "make", 1, self.source)
        probe("create", self.broker.bootstrap, self.journal, PARTITIONS, "demo", kind)

    def take(self, count, code=0):
        lines = probe("intake", self.broker.bootstrap, self.journal, PARTITIONS, count, self.source, code=code)
        return lines if code else lines[-1]

    def entries(self):
        """{partition: [words of each entry but record 0]}"""
        count = sum(self.broker.ends(self.journal).values())
        found = {partition: [] for partition in range(PARTITIONS)}
        for line in probe("entries", self.broker.bootstrap, self.journal, PARTITIONS, count):
            if line.startswith("say: "):
                continue
            partition, _, _, *words = line.split(" ")
            if words != ["kind", "2"]:
                found[int(partition)].append(words)
        return found

    def test_events_reach_the_partition_that_a_java_client_would_choose_in_their_order(self):
        self.make()
        events = [purchase(number) for number in range(500)]
        self.broker.produce_all(self.source, (dict(value=encode(event), key=event["member"].encode())
                                              for event in events))
        self.assertEqual(self.take(500), "messages 500 events 500 refused 0 dead 0 tombstones 0")

        self.broker.create_topic("as-java-places-them-" + self.name[:20], PARTITIONS)
        members = sorted({event["member"] for event in events})
        self.broker.produce_all("as-java-places-them-" + self.name[:20],
                                (dict(value=b"", key=member.encode()) for member in members))
        home = {each.key.decode(): each.partition
                for each in self.broker.consume("as-java-places-them-" + self.name[:20])}
        found = self.entries()
        for partition, words in found.items():
            self.assertEqual({each[3] for each in words}, {member for member in members if home[member] == partition})
        for member in members:
            mine = [each[2] for each in found[home[member]] if each[3] == member]
            self.assertEqual(mine, [event["id"] for event in events if event["member"] == member])
        self.assertEqual(self.take(0), "messages 0 events 0 refused 0 dead 0 tombstones 0")

    def test_what_cannot_be_read_is_a_dead_letter_as_it_came_and_a_hole(self):
        self.make()
        headers = [("trace", b"\x00\x01"), ("trace", b"again"), ("empty", b""), ("none", None)]
        bad = [
            ("bad_json", b'{"source": "shop", "id": ', b"m1"),
            ("bad_protobuf", b"\x0a\xff\xff\xff\xff\x0f", None),
            ("not_handled", encode({"source": "shop", "id": "x", "member": "m1", "occurredAtMs": OCCURRED_MS,
                                    "transfer": {"toMember": "m2"}}), b""),
            ("no_member", encode(purchase(1, member=None) | {"member": ""}), b"m1"),
            ("too_large", encode(purchase(2, correlationId="x" * (2 << 20))), b"m2"),
        ]
        self.broker.produce_all(self.source, (dict(value=value, key=key, headers=headers, partition=1,
                                                   timestamp_ms=1291191960000 + at)
                                              for at, (_, value, key) in enumerate(bad)))
        self.broker.produce(self.source, encode(purchase(3)), partition=1)
        self.assertEqual(self.take(6), "messages 6 events 1 refused 0 dead 5 tombstones 0")

        letters = self.broker.consume(self.source + "-dlt")
        self.assertEqual([(each.partition, each.key, each.value, each.timestamp_ms) for each in letters],
                         [(1, key, value, 1291191960000 + at) for at, (_, value, key) in enumerate(bad)])
        for at, ((code, _, _), letter) in enumerate(zip(bad, letters)):
            self.assertEqual(letter.headers[:4], headers)
            more = dict(letter.headers[4:])
            self.assertEqual(more["tb_error_code"].decode(), code)
            self.assertEqual(more["kafka_dlt-original-topic"].decode(), self.source)
            self.assertEqual(int.from_bytes(more["kafka_dlt-original-partition"], "big"), 1)
            self.assertEqual(int.from_bytes(more["kafka_dlt-original-offset"], "big"), at)
            self.assertEqual(more["__connect.errors.offset"].decode(), str(at))
            self.assertEqual(more["tb_error_detail"], more["kafka_dlt-exception-message"])
            self.assertTrue(more["tb_error_detail"])
        holes = [words for words in sum(self.entries().values(), []) if words[0] == "hole"]
        self.assertEqual(holes, [["hole", self.source, "1", str(at), code] for at, (code, _, _) in enumerate(bad)])

    def test_packs_tombstones_and_events_without_an_id(self):
        self.make(partitions=1)
        self.broker.produce_all(self.source, [
            dict(value=encode([purchase(1), purchase(2, id=None), {"id": "broken"}, purchase(3)])),
            dict(value=None, key=b"m1"),
            dict(value=b""),
            dict(value=encode(purchase(4, source=None, id=None))),
            dict(value=encode(purchase(5, occurredAtMs=None))),
        ])
        self.assertEqual(self.take(5), "messages 5 events 5 refused 1 dead 1 tombstones 2")
        words = sum(self.entries().values(), [])
        self.assertEqual(sorted(each[1:3] for each in words if each[0] == "event"),
                         sorted([["shop", "e1"], ["shop", f"g1/{self.source}/0/0/1"], ["shop", "e3"],
                                 [self.source, f"g1/{self.source}/0/3"]]))
        self.assertEqual([each[1] for each in words if each[0] == "refused"], ["e5"])
        (letter,) = self.broker.consume(self.source + "-dlt")
        self.assertRegex(dict(letter.headers)["tb_error_detail"].decode(), r"^events\[2\]")

    def test_a_killed_intake_loses_nothing(self):
        self.make()
        count = 60_000
        self.broker.produce_all(self.source, (dict(value=encode(purchase(number)), partition=number % 2)
                                              for number in range(count)))
        with Step("intake", self.broker.bootstrap, self.journal, PARTITIONS, count, self.source) as step:
            step.until(lambda line: line.startswith("took ") and int(line.split()[1]) > count // 10)
        again = int(self.take_rest(count).split()[1])
        self.assertGreater(again, 0)
        self.assertLess(again, count + count // 2)
        found = [words[2] for words in sum(self.entries().values(), []) if words[0] == "event"]
        self.assertEqual(set(found), {f"e{number}" for number in range(count)})

    def take_rest(self, count):
        """Takes from the committed offsets to the end."""
        committed = self.committed()
        ends = self.broker.ends(self.source)
        left = sum(end - max(committed.get(partition, 0), 0) for partition, end in ends.items())
        self.assertLessEqual(left, count)
        return self.take(left)

    def consumer(self):
        return confluent_kafka.Consumer({"bootstrap.servers": self.broker.bootstrap, "group.id": self.journal})

    def committed(self):
        with contextlib.closing(self.consumer()) as consumer:
            places = [confluent_kafka.TopicPartition(self.source, partition)
                      for partition in self.broker.ends(self.source)]
            return {each.partition: each.offset for each in consumer.committed(places, timeout=rig.ASK_SECONDS)}

    def test_an_offset_that_the_log_does_not_hold_stops_intake(self):
        self.make(partitions=1)
        self.broker.produce(self.source, encode(purchase(1)))
        with contextlib.closing(self.consumer()) as consumer:
            consumer.commit(offsets=[confluent_kafka.TopicPartition(self.source, 0, 10)], asynchronous=False)
        self.assertRegex(self.take(1, code=65), "has read up to offset 10, but the log ends at 1: the topic was made anew")

    def test_what_is_not_fit_is_refused_by_name(self):
        self.assertRegex(
            probe("intake", self.broker.bootstrap, self.fresh("history", "record"), PARTITIONS, 1, "any", code=69),
            "source topic any does not exist")
        self.broker.create_topic("no-letters")
        history = self.fresh("history2", "record")
        self.assertRegex(probe("intake", self.broker.bootstrap, history, PARTITIONS, 1, "no-letters", code=78),
                         "programme demo is a history")
        live = self.fresh("live", "append")
        self.assertRegex(probe("intake", self.broker.bootstrap, live, PARTITIONS, 1, "no-letters", code=69),
                         "no-letters-dlt for the dead letters of no-letters does not exist.*tally topics create")
        probe("topics", self.broker.bootstrap, "empty", PARTITIONS, "make", 1)
        self.assertRegex(probe("intake", self.broker.bootstrap, "empty", PARTITIONS, 1, "no-letters", code=66),
                         "no record 0.*tally journal create")

    def fresh(self, name, kind):
        probe("topics", self.broker.bootstrap, name, PARTITIONS, "make", 1)
        probe("create", self.broker.bootstrap, name, PARTITIONS, "demo", kind)
        return name

    def test_record_0_is_written_once(self):
        first = self.fresh_lines("once")
        again = probe("create", self.broker.bootstrap, "once", PARTITIONS, "demo", "append")[-1]
        self.assertRegex(first, f"^written {PARTITIONS} found 0 id ")
        self.assertEqual(again, first.replace(f"written {PARTITIONS} found 0", f"written 0 found {PARTITIONS}"))
        for what, arguments, code, text in [
            ("another programme", ("once", PARTITIONS, "other", "append"), 78, "journal of programme 'demo', not of 'other'"),
            ("another kind of time", ("once", PARTITIONS, "demo", "record"), 78, "journal.time 'append'"),
        ]:
            with self.subTest(what):
                self.assertRegex(probe("create", self.broker.bootstrap, *arguments, code=code), text)
        probe("topics", self.broker.bootstrap, "dirty", PARTITIONS, "make", 1)
        probe("append", self.broker.bootstrap, "dirty", PARTITIONS, 1)
        self.assertRegex(probe("create", self.broker.bootstrap, "dirty", PARTITIONS, "demo", "append", code=65),
                         "partition 0: .*record")

    def fresh_lines(self, name):
        probe("topics", self.broker.bootstrap, name, PARTITIONS, "make", 1)
        return probe("create", self.broker.bootstrap, name, PARTITIONS, "demo", "append")[-1]


if __name__ == "__main__":
    unittest.main()
