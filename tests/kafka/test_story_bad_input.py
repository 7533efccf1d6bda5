"""Bad input on a real Kafka: topics that are missing or wrong, a broker that goes away, an event of 2 MiB."""

import json
import time
import unittest

import confluent_kafka.admin

import rig
import shop
from ledger import StoryCase
from on_kafka import KafkaLedger


class KafkaCase(StoryCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.broker = cls.enterClassContext(rig.Broker(cls.shared / "broker"))

    def ledger(self, name, **how):
        return KafkaLedger(self.broker, self.scratch, name, **how)

    def made(self, name, **how):
        ledger = self.ledger(name, **how).create()
        ledger.tally("rules", "activate", self.file("story.yaml", shop.Live.RULEBOOK), "--retroactive")
        return ledger

    def sell(self, ledger, number):
        event = shop.order(number, "ann", int(time.time() * 1000) - 1000, shop.line(100))
        self.broker.produce(ledger.source, json.dumps(event).encode())


class BadInput(KafkaCase):
    def test_missing_topics(self):
        ledger = self.ledger("missing")
        for command in (["journal", "create"], ["run"], ["status"]):
            with self.subTest(command):
                said = ledger.tally(*command, code=66).stderr
                self.assertIn(ledger.journal, said)
                self.assertIn("tally topics create", said)
        self.broker.create_topic(ledger.journal, ledger.partitions, {"message.timestamp.type": "LogAppendTime"})
        with self.subTest("record 0"):
            self.broker.create_topic(ledger.source, 1)
            ledger.topics()
            self.assertIn("tally journal create", ledger.tally("run", code=66).stderr)

    def test_a_missing_source(self):
        ledger = self.ledger("nosource")
        self.broker.create_topic(ledger.source, 1)
        ledger.topics()
        ledger.tally("journal", "create")
        self.broker.delete_topic(ledger.source)
        self.assertIn(ledger.source, ledger.tally("run", code=66).stderr)

    def test_another_number_of_partitions(self):
        ledger = self.made("three")
        said = ledger.tally("run", "--journal-partitions", "4", code=78).stderr
        self.assertIn("3", said)
        self.assertIn("4", said)
        with self.subTest("the topic has grown since record 0 was written"):
            admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": self.broker.bootstrap})
            grown = confluent_kafka.admin.NewPartitions(ledger.journal, 5)
            for future in admin.create_partitions([grown]).values():
                future.result(rig.ASK_SECONDS)
            self.assertRegex(ledger.tally("run", code=None).stderr, "3|5")

    def test_topics_with_wrong_settings_are_refused_with_the_command_that_mends_them(self):
        for name, setting in (("timestamps", {"message.timestamp.type": "CreateTime"}), ("compacted", {"cleanup.policy": "compact"})):
            with self.subTest(name):
                ledger = self.ledger(name)
                self.broker.create_topic(ledger.source, 1)
                self.broker.create_topic(ledger.journal, ledger.partitions, {"message.timestamp.type": "LogAppendTime", **setting})
                said = ledger.tally("run", code=78).stderr
                self.assertIn(next(iter(setting)), said)
                self.assertIn("--repair", said)
                ledger.tally("topics", "create", "--replicas", "1", "--in-sync", "1", "--repair")
                ledger.tally("journal", "create")
                with ledger.run() as daemon:
                    daemon.stop()

    def test_an_event_of_two_mebibytes(self):
        ledger = self.made("large")
        large = json.dumps(shop.order("l", "ann", int(time.time() * 1000), shop.line(100, "x" * (2 << 20)))).encode()
        with ledger.run() as daemon:
            self.broker.produce(ledger.source, large, key=b"ann")
            self.sell(ledger, "small")
            self.broker.await_messages(ledger.outputs["outcomes"], 2)
            daemon.stop()
        (letter,) = self.broker.consume(ledger.source + "-dlt")
        self.assertEqual((letter.key, letter.value), (b"ann", large))
        self.assertEqual(dict(letter.headers)["tb_error_code"], b"too_large")
        self.assertEqual(sorted(each["verdictName"] for each in ledger.output("outcomes")), ["accepted", "hole"])

    def test_the_state_of_another_journal(self):
        one, other = self.made("one"), self.made("other")
        for ledger in one, other:
            with ledger.run() as daemon:
                self.sell(ledger, "first")
                self.broker.await_messages(ledger.outputs["outcomes"], 1)
                daemon.stop()
        one.folder, other.folder = other.folder, one.folder
        for ledger in one, other:
            self.assertIn("belongs to another journal", ledger.tally("run", code=65).stderr)

    def test_a_live_intake_refuses_a_history_journal(self):
        ledger = self.ledger("past", time="record").create()
        self.assertIn("history", ledger.tally("run", code=78).stderr)


class Away(KafkaCase):
    """With a broker of its own, for it stops it."""

    def test_a_broker_that_is_down_at_the_start_and_goes_down_later(self):
        ledger = self.made("away")
        self.broker.stop()
        with ledger.start("run") as daemon:
            daemon.await_line(self.broker.bootstrap)  # says whom it waits for
            self.assertIsNone(daemon.process.poll())
            self.broker.start()
            daemon.await_line("running programme")
            self.sell(ledger, "one")
            self.broker.await_messages(ledger.outputs["outcomes"], 1)
            self.broker.kill()
            daemon.await_line("away")
            self.broker.start()
            daemon.await_line("the broker is back")
            self.sell(ledger, "two")
            self.broker.await_messages(ledger.outputs["outcomes"], 2, seconds=60)
            daemon.stop()
        self.assertEqual(ledger.told("member", "show", "ann")["wallets"][0]["active"], 2)
        for topic in ledger.outputs:
            ledger.published(topic)


if __name__ == "__main__":
    unittest.main()
