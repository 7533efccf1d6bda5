"""The journal on a real Kafka: nothing lost, nothing out of order, and every refusal names what mends it."""

import collections
import tempfile
import unittest

import confluent_kafka
import confluent_kafka.admin

import rig
from story import PARTITIONS, Step, acked, probe

class Journal(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="tally-journal-"))
        cls.broker = cls.enterClassContext(rig.Broker(cls.folder))

    def make(self, name, partitions=PARTITIONS):
        probe("topics", self.broker.bootstrap, name, partitions, "make", 1)

    def read(self, name, count=None, partitions=PARTITIONS):
        """[(partition, offset, append_ms, payload)] of everything in the journal."""
        if count is None:
            count = sum(self.broker.ends(name).values())
        lines = probe("read", self.broker.bootstrap, name, partitions, count)
        return [(*map(int, parts[:3]), parts[3]) for parts in (line.split(" ", 3) for line in lines)
                if parts[0] != "say:"]

    def assert_whole(self, name, count):
        """As a reader of the outputs does it: last + 1 is accepted, what is not above last is a repeat, a gap is fatal."""
        last, repeats = {partition: partition - PARTITIONS for partition in range(PARTITIONS)}, 0
        for partition, _, _, payload in self.read(name):
            number = int(payload)
            self.assertLessEqual(number, last[partition] + PARTITIONS, f"gap in partition {partition}")
            repeats += number <= last[partition]
            last[partition] = max(last[partition], number)
        self.assertEqual(sorted(last.values()), list(range(count - PARTITIONS, count)))
        return repeats

    def test_what_is_appended_is_read_in_order_with_the_brokers_time(self):
        self.make("order")
        lines = probe("append", self.broker.bootstrap, "order", PARTITIONS, 1000)
        self.assertEqual([line for line in lines if line.startswith("last ")],
                         [f"last {partition} 249" for partition in range(PARTITIONS)])
        found = self.read("order")
        for partition in range(PARTITIONS):
            mine = [each for each in found if each[0] == partition]
            self.assertEqual([each[1] for each in mine], list(range(250)))
            self.assertEqual([int(each[3]) for each in mine], list(range(partition, 1000, PARTITIONS)))
            self.assertEqual([each[2] for each in mine], sorted(each[2] for each in mine))
        stamps = {(each.partition, each.offset): each.timestamp_ms for each in self.broker.consume("order")}
        self.assertEqual({(each[0], each[1]): each[2] for each in found}, stamps)

    def test_holes_of_transactions_are_passed_and_aborted_messages_are_not_seen(self):
        self.make("holes", partitions=1)
        producer = confluent_kafka.Producer({"bootstrap.servers": self.broker.bootstrap, "transactional.id": "holes",
                                             "log_level": 3})
        producer.init_transactions(rig.ASK_SECONDS)
        kept = []
        for at in range(6):
            producer.begin_transaction()
            for number in range(3):
                producer.produce("holes", f"{at}-{number}", partition=0)
            if producer.flush(rig.ASK_SECONDS) != 0:
                raise AssertionError("not flushed")  # an abort of what was not sent yet is refused by this broker
            if at % 2:
                producer.abort_transaction(rig.ASK_SECONDS)
            else:
                producer.commit_transaction(rig.ASK_SECONDS)
                kept += [(at * 4 + number, f"{at}-{number}") for number in range(3)]
        found = self.read("holes", count=len(kept), partitions=1)
        self.assertEqual([(each[1], each[3]) for each in found], kept)

    def test_a_topic_deleted_while_it_is_read_is_a_fault(self):
        self.make("gone")
        probe("append", self.broker.bootstrap, "gone", PARTITIONS, 4)
        with Step("read", self.broker.bootstrap, "gone", PARTITIONS, 5) as step:
            for _ in range(4):
                step.until(lambda line: not line.startswith("say: "))
            self.broker.delete_topic("gone")
            self.assertRegex(step.end(code=69), "topic gone is gone.*tally topics create")

    def test_bad_topics_are_refused_with_what_mends_them(self):
        append_time = {"message.timestamp.type": "LogAppendTime"}
        self.broker.create_topic("sender-time", PARTITIONS)
        self.broker.create_topic("compacted", PARTITIONS, {**append_time, "cleanup.policy": "compact"})
        self.broker.create_topic("three", 3, append_time)
        for what, arguments, code, text in [
            ("missing", ("open", "nowhere", PARTITIONS), 69, "topic nowhere does not exist.*`tally topics create`"),
            ("sender's time", ("open", "sender-time", PARTITIONS), 78,
             "sender-time.*message.timestamp.type=CreateTime.*`tally topics create --repair`"),
            ("compacted", ("open", "compacted", PARTITIONS), 78,
             "compacted.*cleanup.policy=compact.*`tally topics create --repair`"),
            ("wrong count", ("open", "three", PARTITIONS), 78, "three has 3 partitions, but journal.partitions is 4"),
            ("read beyond the end", ("read", "three", 3, 1, 7), 65, "three, partition [0-2]: offset 7 is not in the log"),
            ("made without repair", ("topics", "compacted", PARTITIONS, "make", 1), 78, "--repair"),
            ("too many replicas", ("topics", "new", PARTITIONS, "make", 3), 73, "--replicas 1 --in-sync 1"),
            ("source missing", ("topics", "new", PARTITIONS, "make", 1, "no-source"), 69, "no-source does not exist"),
            ("too many partitions", ("topics", "many", 257, "make", 1), 78, "not within 1 to 256"),
        ]:
            with self.subTest(what):
                verb, *rest = arguments
                self.assertRegex(probe(verb, self.broker.bootstrap, *rest, code=code), text)

    def test_repair_mends_a_topic_and_keeps_its_other_settings(self):
        self.broker.create_topic("mend", PARTITIONS, {"cleanup.policy": "compact", "segment.ms": "3600000",
                                                      "retention.ms": "1000000000"})
        self.assertIn("made 4 kept 0 repaired 1",
                      probe("topics", self.broker.bootstrap, "mend", PARTITIONS, "repair", 1))
        probe("open", self.broker.bootstrap, "mend", PARTITIONS)
        self.assertIn("made 0 kept 5 repaired 0",
                      probe("topics", self.broker.bootstrap, "mend", PARTITIONS, "repair", 1))
        admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": self.broker.bootstrap})
        resource = confluent_kafka.admin.ConfigResource(confluent_kafka.admin.ConfigResource.Type.TOPIC, "mend")
        settings = admin.describe_configs([resource])[resource].result(rig.ASK_SECONDS)
        self.assertEqual({name: settings[name].value for name in
                          ("cleanup.policy", "message.timestamp.type", "segment.ms", "retention.ms")},
                         {"cleanup.policy": "delete", "message.timestamp.type": "LogAppendTime",
                          "segment.ms": "3600000", "retention.ms": "-1"})

    def test_less_than_durable_is_said_by_name(self):
        self.make("frail")
        said = probe("open", self.broker.bootstrap, "frail", PARTITIONS)
        self.assertRegex("\n".join(said), "topic frail has 1 replicas, not 3")
        self.assertRegex("\n".join(said), "topic frail has min.insync.replicas=1, not 2")


class Outages(unittest.TestCase):
    """Each has a broker of its own, because it ends it."""

    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="tally-outage-"))
        self.broker = self.enterContext(rig.Broker(self.folder))
        probe("topics", self.broker.bootstrap, "j", PARTITIONS, "make", 1)

    read, assert_whole = Journal.read, Journal.assert_whole

    def outage(self, end, count=1_000_000, first=50_000):
        with Step("append", self.broker.bootstrap, "j", PARTITIONS, count) as step:
            step.until(lambda line: acked(line) >= first)
            end()
            self.assertLess(acked(step.lines[-1]), count, "the append was over before the broker was")
            step.until(lambda line: line.startswith("health: ") and " away for " in line)
            self.broker.start()
            step.end()
        said = [line for line in step.lines if line.startswith("say: ") and " does not answer " in line]
        self.assertEqual(said, [], "only the health line speaks while a client runs")
        self.assert_whole("j", count)

    def test_nothing_is_lost_when_the_broker_is_restarted_amid_appends(self):
        self.outage(self.broker.stop)

    def test_nothing_is_lost_when_the_broker_is_killed_amid_appends(self):
        self.outage(self.broker.kill)

    def test_a_reader_goes_on_after_the_broker_comes_back(self):
        probe("append", self.broker.bootstrap, "j", PARTITIONS, 8)
        with Step("read", self.broker.bootstrap, "j", PARTITIONS, 16) as step:
            for _ in range(8):
                step.until(lambda line: not line.startswith("say: "))
            self.broker.kill()
            self.broker.start()
            probe("append", self.broker.bootstrap, "j", PARTITIONS, 8)
            step.end()
        offsets = collections.defaultdict(list)
        for line in step.lines:
            if not line.startswith("say: "):
                partition, offset, *_ = line.split()
                offsets[partition].append(int(offset))
        self.assertEqual(dict(offsets), {str(partition): [0, 1, 2, 3] for partition in range(PARTITIONS)})

    def test_a_broker_that_is_down_at_the_start_is_waited_for_and_said_once(self):
        self.broker.stop()
        with Step("open", self.broker.bootstrap, "j", PARTITIONS) as step:
            step.until(lambda line: line.startswith("say: ") and " does not answer " in line)
            self.broker.start()
            step.end()
        said = [line for line in step.lines if " does not answer " in line]
        self.assertLessEqual(len(said), 2, said)  # at once, and a second time only after ten seconds


if __name__ == "__main__":
    unittest.main()
