"""The shop's stories on a real Kafka: the same expectations as on the embedded journal, and what only Kafka has."""

import json
import re
import statistics
import time
import unittest

import confluent_kafka

import on_kafka
import rig
import shop
from ledger import Ledger, StoryCase, TOPICS, await_that, by_member, lines_of
from on_kafka import KafkaLedger


class Story(StoryCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.broker = cls.enterClassContext(rig.Broker(cls.shared / "broker"))

    def ledger(self, **how):
        return KafkaLedger(self.broker, self.scratch, self._testMethodName.removeprefix("test_")[:40], **how)

    def activate(self, ledger, story):
        ledger.tally("rules", "activate", self.file("story.yaml", story.RULEBOOK), "--retroactive")

    def await_outcomes(self, ledger, count):
        self.broker.await_messages(ledger.outputs["outcomes"], count, seconds=60)
        return ledger.await_folded()

    def check_published(self, ledger):
        """What stands in the topics is what the command shows, on the partition of the journal, keyed by member."""
        for topic in TOPICS:
            published = ledger.published(topic)
            shown = by_member(ledger.output(topic))
            found = by_member(value for messages in published.values() for _, value, _, _ in messages)
            self.assertEqual(found, shown, topic)
            for messages in published.values():
                for key, value, _, _ in messages:
                    if "member" in value:
                        self.assertEqual(key, value["member"].encode())

    def test_live_from_a_source_topic(self):
        ledger = self.ledger().create()
        self.activate(ledger, shop.Live)
        story = shop.Live(int(time.time()) * 1000)
        events = story.events
        messages = [json.dumps(each).encode() for each in events[:4]]  # one JSON event a message
        messages += [on_kafka.encode("Event", each) for each in events[4:7]]  # one event a message in protobuf
        messages += [on_kafka.encode("EventPack", {"events": events[7:10]})]  # three in a pack
        messages += [json.dumps(events[10:]).encode()]  # the rest as a JSON array
        broken = [b"\xff\xfeno event at all", b'{"source": "shop", "id": "x', b"\x00\x00\x00\x00\x07\x00"]
        nameless = shop.order("", "zoe", story.now_ms - 60_000, shop.line(300))
        del nameless["id"], nameless["source"]
        with ledger.run() as daemon:
            self.broker.produce_all(ledger.source, [dict(value=each) for each in messages[:3]])
            for number, each in enumerate(broken):
                self.broker.produce(ledger.source, each, key=b"k%d" % number, headers=[("trace", b"\x00\x01")],
                                    timestamp_ms=1_700_000_000_000 + number)
            self.broker.produce_all(ledger.source, [dict(value=each) for each in messages[3:]])
            self.broker.produce(ledger.source, json.dumps(nameless).encode())
            self.await_outcomes(ledger, len(events) + len(broken) + 1)

            shop_totals = dict(story.totals)
            story.totals = {**shop_totals, "issued": shop_totals["issued"] + 3, "active": shop_totals["active"] + 3}  # zoe
            shop.check(self, ledger, story)
            running = ledger.digest()
            self.check_published(ledger)
            daemon.stop()

        letters = self.broker.consume(ledger.source + "-dlt")
        self.assertEqual([(each.key, each.value, each.timestamp_ms, each.headers[0]) for each in letters],
                         [(b"k%d" % number, each, 1_700_000_000_000 + number, ("trace", b"\x00\x01"))
                          for number, each in enumerate(broken)])
        outcomes = by_member(ledger.output("outcomes"))
        self.assertEqual([each["verdictName"] for each in outcomes["guest "]], ["hole"] * 3)
        (zoe,) = outcomes["zoe"]
        self.assertEqual(zoe["event"], {"source": ledger.source, "id": f"1/{ledger.source}/0/{len(messages) + 3}"})
        self.assertEqual(zoe["verdictName"], "accepted")
        self.assertEqual(ledger.told("replay", "--verify", "--shards", "1")["digest"], running)

    def test_live_published_in_packs_of_protobuf(self):
        ledger = self.ledger(packed=True).create()
        self.activate(ledger, shop.Live)
        story = shop.Live(int(time.time()) * 1000)
        with ledger.run() as daemon:
            self.broker.produce(ledger.source, json.dumps(story.events).encode())
            await_that(lambda: len(ledger.output("outcomes")) == len(story.events), "all outcomes")
            shop.check(self, ledger, story)
            daemon.stop()
        for topic, pack, one in (("postings", "PostingPack", "postings"), ("outcomes", "OutcomePack", "outcomes")):
            following = dict.fromkeys(range(ledger.partitions), 1)
            for message in self.broker.consume(ledger.outputs[topic]):
                text = on_kafka.decode(pack, message.value)
                first = int(re.search(r"^first_sequence: (\d+)$", text, re.MULTILINE)[1])
                self.assertEqual(first, following[message.partition], topic)
                following[message.partition] += len(re.findall(rf"^{one} {{$", text, re.MULTILINE))
            self.assertEqual(sum(each - 1 for each in following.values()), len(ledger.output(topic)), topic)

    def test_a_record_on_the_wrong_partition_is_sent_on(self):
        ledger = self.ledger(source=False).create()
        self.activate(ledger, shop.Live)
        now_ms = int(time.time()) * 1000
        event = shop.order("m1", "ann", now_ms - 60_000, shop.line(500))
        with ledger.run():
            record = on_kafka.encode("JournalRecord", {"entries": [{"event": event}]})
            for partition in range(ledger.partitions):
                self.broker.produce(ledger.journal, record, partition=partition)
            self.await_outcomes(ledger, 5)  # one where it belongs, two sent on, and those two where they belong
            names = sorted(each["verdictName"] for each in ledger.output("outcomes"))
            self.assertEqual(names, ["accepted", "duplicate", "duplicate", "forwarded", "forwarded"])
            self.assertEqual(ledger.told("member", "show", "ann")["wallets"][0]["active"], 5)
            self.check_published(ledger)

    def test_history_through_kafka_and_back(self):
        ledger = self.ledger(source=False, time="record").create()
        self.activate(ledger, shop.History)
        events = self.file("events.ndjson", lines_of(shop.History.events))
        with ledger.run() as daemon:
            told = ledger.told("import", events, "--history", "--until", shop.History.UNTIL, code=3)
            status = shop.check(self, ledger, shop.History)
            self.assertEqual(told["digest"], status["digest"])
            again = ledger.told("import", events, "--history", "--until", shop.History.UNTIL, code=3)
            self.assertEqual((again["events"], again["digest"]), (0, told["digest"]))
            self.check_published(ledger)
            daemon.stop()
        packed = self.scratch / "journal.tbj"
        ledger.tally("export", packed)
        embedded = Ledger(self.scratch / "embedded")
        embedded.tally("import", packed)
        self.assertEqual(embedded.digest(), told["digest"])
        for topic in TOPICS:
            self.assertEqual(by_member(embedded.output(topic)), by_member(ledger.output(topic)), topic)

    def test_an_event_is_a_posting_in_a_moment(self):
        ledger = self.ledger().create()
        self.activate(ledger, shop.Live)
        topic = ledger.outputs["postings"]
        with ledger.run():
            consumer = confluent_kafka.Consumer({"bootstrap.servers": self.broker.bootstrap, "group.id": "latency",
                                                 "fetch.wait.max.ms": 10, "enable.auto.commit": False})
            producer = confluent_kafka.Producer({"bootstrap.servers": self.broker.bootstrap, "linger.ms": 0})
            try:
                consumer.assign([confluent_kafka.TopicPartition(topic, each, 0) for each in range(ledger.partitions)])
                took = [self.round(ledger, producer, consumer, number) for number in range(40)]
            finally:
                consumer.close()
        self.assertLess(statistics.median(took[5:]), 0.2, took)

    def round(self, ledger, producer, consumer, number):
        """Seconds from handing the event over to having its posting."""
        event = shop.order(f"e{number}", f"m{number}", int(time.time() * 1000) - 1000, shop.line(100))
        begun = time.monotonic()
        producer.produce(ledger.source, json.dumps(event).encode())
        producer.flush(rig.ASK_SECONDS)
        message = await_that(lambda: consumer.poll(rig.ASK_SECONDS), f"the posting of {event['id']}")
        self.assertIsNone(message.error())
        self.assertEqual(json.loads(message.value())["event"]["id"], event["id"])
        return time.monotonic() - begun


if __name__ == "__main__":
    unittest.main()
