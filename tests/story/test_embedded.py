"""The shop's stories on the embedded journal, and the same ledger again with other shards and most accounts cold."""

import subprocess
import time
import unittest

import shop
from ledger import GENERATE, LIMIT_SECONDS, RETAIL_RULEBOOK, Ledger, StoryCase, by_member, conserved, lines_of


class Stories(StoryCase):
    def history(self, *flags):
        ledger = Ledger(self.scratch / "history", *flags)
        ledger.tally("journal", "create", "--journal-time", "record", "--journal-partitions", "3")
        ledger.tally("rules", "activate", self.file("story.yaml", shop.History.RULEBOOK))
        self.events = self.file("events.ndjson", lines_of(shop.History.events))
        told = ledger.told("import", self.events, "--history", "--until", shop.History.UNTIL, code=3)
        return ledger, told

    def test_history(self):
        ledger, told = self.history()
        story = shop.History
        status = shop.check(self, ledger, story)
        self.assertEqual(told["digest"], status["digest"])
        self.assertEqual(told["events"] + told["eventsKnown"] + told["refused"]["rows"], len(story.events))

        (lot,) = ledger.told("member", "lots", "hal")
        self.assertEqual((lot["remaining"], lot["expiresAt"]), (7, "2028-01-31T15:00:00Z"))
        statement = ledger.tally("member", "statement", "ann", "--json").stdout.splitlines()
        self.assertEqual(len(statement), len(story.postings["ann"]))

    def test_history_told_again_changes_nothing_and_says_so(self):
        ledger, told = self.history()
        again = ledger.told("import", self.events, "--history", "--until", shop.History.UNTIL, code=3)
        self.assertEqual(again["digest"], told["digest"])
        self.assertEqual((again["events"], again["accepted"]["rows"]), (0, 0))
        found = by_member(ledger.output("postings"))
        self.assertEqual({who: shop.postings_of(postings) for who, postings in found.items()}, shop.History.postings)

    def test_history_has_the_same_digest_in_any_number_of_shards(self):
        ledger, told = self.history()
        for shards in (1, 2, 3):
            with self.subTest(shards=shards):
                self.assertEqual(ledger.told("replay", "--shards", shards, "--verify")["digest"], told["digest"])

    def test_live(self):
        ledger = Ledger(self.scratch / "live")
        ledger.tally("journal", "create", "--journal-partitions", "3")
        ledger.tally("rules", "activate", self.file("story.yaml", shop.Live.RULEBOOK), "--retroactive")
        story = shop.Live(int(time.time()) * 1000)
        ledger.tally("import", self.file("events.ndjson", lines_of(story.events)), code=3)
        status = shop.check(self, ledger, story)
        self.assertEqual(ledger.told("replay", "--verify")["digest"], status["digest"])

    def test_live_through_a_running_daemon(self):
        ledger = Ledger(self.scratch / "live")
        ledger.tally("journal", "create", "--journal-partitions", "3")
        with ledger.run() as daemon:
            ledger.tally("rules", "activate", self.file("story.yaml", shop.Live.RULEBOOK), "--retroactive")
            story = shop.Live(int(time.time()) * 1000)
            ledger.tally("import", self.file("events.ndjson", lines_of(story.events)), code=3)
            running = shop.check(self, ledger, story)
            daemon.stop()
        self.assertEqual(ledger.status()["digest"], running["digest"])
        shop.check(self, ledger, story)


class Cold(StoryCase):
    """Many customers, of whom memory holds one in twenty: cold accounts are the rule."""

    MEMORY = "12MiB"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.traffic = cls.shared / "traffic.tbj"
        subprocess.run([GENERATE, "--out", cls.traffic, "--events", "250000", "--members", "100000", "--seed", "7",
                        "--rulebook", RETAIL_RULEBOOK],
                       check=True, capture_output=True, timeout=LIMIT_SECONDS)
        cls.warm = Ledger(cls.shared / "unused").told("replay", cls.traffic, "--shards", "1", "--verify")

    def test_all_fit_into_the_default_memory(self):
        self.assertEqual(sum(each["warmMembers"] for each in self.warm["partitions"]), self.warm["members"])
        conserved(self.warm)

    def test_the_same_digest_with_one_member_in_twenty_in_memory(self):
        for shards in (1, 2, 8):
            with self.subTest(shards=shards):
                cold = Ledger(self.scratch / "unused", "--memory", self.MEMORY).told(
                    "replay", self.traffic, "--shards", shards, "--verify")
                self.assertEqual(cold["digest"], self.warm["digest"])
                self.assertEqual(cold["totals"], self.warm["totals"])
                self.assertLess(sum(each["warmMembers"] for each in cold["partitions"]), self.warm["members"] / 20)


if __name__ == "__main__":
    unittest.main()
