"""The daemon on Kafka, killed again and again while events come in: no gap, no contradiction, and the same ledger."""

import json
import threading
import time
import unittest

import kills
import rig
import shop
from ledger import TOPICS, LedgerError, StoryCase, await_that, conserved
from on_kafka import KafkaLedger


class Traffic(threading.Thread):
    """Orders, returns and spends of seeded chance, produced until it is told to stop. Each twentieth is sent twice."""

    BATCH = 400

    def __init__(self, broker, topic, chance, now_ms):
        super().__init__(daemon=True)
        self.broker, self.topic, self.chance, self.now_ms = broker, topic, chance, now_ms
        self.number, self.sent, self.trouble = 0, 0, None
        self._stopping = threading.Event()

    def event(self):
        self.number += 1
        number, who = f"n{self.number}", f"m{int(self.chance.paretovariate(0.7)) % 2000}"
        at_ms = self.now_ms - 3_600_000 + self.number
        kind = self.chance.random()
        if kind < 0.05:
            return shop.redeem(number, who, at_ms, self.chance.randint(1, 50))
        if kind < 0.10:
            return shop.refund(number, who, at_ms, f"o-n{self.chance.randint(1, self.number)}", self.chance.randint(1, 3000))
        lines = [shop.line(self.chance.randint(1, 5000), self.chance.choice([None, "toys"]))
                 for _ in range(self.chance.randint(1, 3))]
        return shop.order(number, who, at_ms, *lines)

    def run(self):
        try:
            while not self._stopping.is_set():
                records = []
                for _ in range(self.BATCH):
                    value = json.dumps(self.event()).encode()
                    records += [dict(value=value, partition=self.number % 2)] * (2 if self.number % 20 == 0 else 1)
                self.broker.produce_all(self.topic, records)
                self.sent += len(records)
        except rig.RigError as error:
            self.trouble = error

    def stop(self):
        self._stopping.set()
        self.join()
        if self.trouble:
            raise self.trouble


class DaemonCase(StoryCase):
    OPTIONS = {"checkpoint": {"records": 3000, "ms": 500}}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.broker = cls.enterClassContext(rig.Broker(cls.shared / "broker"))

    def begin(self, name, chance):
        ledger = KafkaLedger(self.broker, self.scratch, name, **self.OPTIONS).create(source_partitions=2)
        ledger.tally("rules", "activate", self.file("story.yaml", shop.Live.RULEBOOK), "--retroactive")
        traffic = Traffic(self.broker, ledger.source, chance, int(time.time()) * 1000)
        traffic.start()
        self.addCleanup(traffic.stop)
        return ledger, traffic

    def finish(self, ledger, traffic):
        """Takes the rest of the events, then compares with a ledger that folds the same journal in one go."""
        traffic.stop()
        with ledger.run() as daemon:
            known = self.await_all(ledger, traffic)
            daemon.stop()
        published = {topic: ledger.published(topic) for topic in TOPICS}
        answered = {value["event"]["id"] for messages in published["outcomes"].values() for _, value, _, _ in messages
                    if value.get("event")}
        self.assertEqual(answered, {f"n{number}" for number in range(1, traffic.number + 1)})
        self.assertEqual(ledger.told("replay", "--verify", "--shards", "1")["digest"], known["digest"])
        conserved(known)

        once = KafkaLedger(self.broker, self.scratch, ledger.name, source=False, outputs=ledger.name + ".once")
        once.topics()
        with once.run() as daemon:
            status = once.await_folded()
            daemon.stop()
        # Its claim moved the clock of the live journal on: the first ledger, told of it, says the same.
        self.assertEqual(status["digest"], ledger.digest())
        for topic in TOPICS:
            whole = once.published(topic)
            for partition, messages in published[topic].items():
                self.assertEqual(messages, whole[partition], f"{topic}, partition {partition}")

    def await_all(self, ledger, traffic):
        """Until every event that was sent has an outcome: the ordinals count those with an identity of their own."""
        def taken():
            status = ledger.await_folded()
            return status if sum(each["ordinals"] for each in status["partitions"]) >= traffic.number else None
        return await_that(taken, f"{traffic.number} events taken", 120)


class Kills(DaemonCase):
    COUNT = 5
    SECONDS = 2.5  # a start takes a second or two: some kills meet recovery, some the middle of the traffic

    def test_killed_at_random_moments(self):
        chance = kills.seeded(self.id())
        ledger, traffic = self.begin("killed", chance)
        killed = 0
        while killed < self.COUNT:
            process = ledger.start("run")
            if not kills.kill_after(process, chance.uniform(0.0, self.SECONDS)):
                raise LedgerError("the daemon ended by itself")
            killed += 1
        self.finish(ledger, traffic)


if __name__ == "__main__":
    unittest.main()
