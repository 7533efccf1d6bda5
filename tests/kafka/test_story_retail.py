"""The real orders through a real Kafka: the same account to the last digit, and the same digest as without Kafka."""

import unittest

import retail
import rig
from ledger import RETAIL_RULEBOOK, TOPICS, StoryCase, by_member, conserved
from on_kafka import KafkaLedger


class Retail(StoryCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.orders = retail.retail_csv(cls.shared)
        cls.embedded = retail.create(cls.shared / "embedded")
        cls.told = cls.embedded.told(*retail.arguments(cls.orders), code=retail.REFUSED_SOME)
        cls.broker = cls.enterClassContext(rig.Broker(cls.shared / "broker"))

    def ledger(self, name):
        ledger = KafkaLedger(self.broker, self.scratch, name, partitions=retail.PARTITIONS, source=False, time="record",
                             programme="points")
        ledger.topics()
        return ledger

    def test_imported_through_kafka_while_the_daemon_runs(self):
        ledger = self.ledger("direct")
        ledger.tally("journal", "create", "--journal-id", retail.JOURNAL_ID)
        ledger.tally("rules", "activate", RETAIL_RULEBOOK)
        with ledger.run() as daemon:
            told = ledger.told(*retail.arguments(self.orders), code=retail.REFUSED_SOME)
            retail.check_account(self, told)
            for name in ("accepted", "refused", "known", "reasons", "digest"):
                self.assertEqual(told[name], self.told[name], name)
            conserved(ledger.status())
            daemon.stop()
        for topic in TOPICS:
            found = [value for messages in ledger.published(topic).values() for _, value, _, _ in messages]
            self.assertEqual(len(found), len(self.embedded.output(topic)), topic)

    def test_an_exported_journal_is_that_journal_on_kafka_too(self):
        packed = self.scratch / "journal.tbj"
        self.embedded.tally("export", packed)
        ledger = self.ledger("copy")
        ledger.tally("import", packed)
        for shards in ("1", "3"):
            self.assertEqual(ledger.told("replay", "--shards", shards, "--verify")["digest"], self.told["digest"])
        with ledger.run() as daemon:
            self.assertEqual(ledger.await_folded()["digest"], self.told["digest"])
            daemon.stop()
        for topic in TOPICS:
            found = by_member(value for messages in ledger.published(topic).values() for _, value, _, _ in messages)
            self.assertEqual(found, by_member(self.embedded.output(topic)), topic)


if __name__ == "__main__":
    unittest.main()
