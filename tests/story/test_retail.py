"""541,909 rows of a real shop, imported as history: every row accounted for, and one ledger however it is folded."""

import collections
import csv
import decimal
import resource
import unittest

import retail
from ledger import Ledger, StoryCase, conserved


class Retail(StoryCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.orders = retail.retail_csv(cls.shared)
        cls.ledger = retail.create(cls.shared / "ledger")
        cls.refused = cls.shared / "refused.csv"
        cls.told = cls.ledger.told(*retail.arguments(cls.orders), "--refused", cls.refused, code=retail.REFUSED_SOME)

    def test_every_row_is_accounted_for(self):
        retail.check_account(self, self.told)
        self.assertEqual(self.told["known"]["rows"], 0)
        status = self.ledger.status()
        self.assertEqual(status["digest"], self.told["digest"])
        conserved(status)

    def test_each_refused_row_is_listed_with_its_reason_and_value(self):
        with open(self.refused, newline="") as file:
            listed = list(csv.DictReader(file))
        reasons = collections.Counter(each["reason"] for each in listed)
        self.assertEqual(reasons, {name: each["rows"] for name, each in self.told["reasons"].items()})
        # An event that the ledger refused has its value at the first of its rows.
        self.assertEqual(sum(decimal.Decimal(each["value"] or "0") for each in listed),
                         decimal.Decimal(self.told["refused"]["value"]))
        lines = [int(each["line"]) for each in listed]
        self.assertEqual(len(set(lines)), len(lines))
        with open(self.orders, newline="") as file:
            invoice = {number: row[0] for number, row in enumerate(csv.reader(file), start=1)}
        self.assertEqual([each["group"] for each in listed], [invoice[number] for number in lines])

    def test_a_second_import_changes_nothing_and_says_so(self):
        again = self.ledger.told(*retail.arguments(self.orders), code=retail.REFUSED_SOME)
        retail.check_account(self, again)
        self.assertEqual(again["digest"], self.told["digest"])
        self.assertEqual((again["events"], again["accepted"]["rows"]), (0, 0))
        self.assertEqual((again["known"], again["eventsKnown"]), (self.told["accepted"], self.told["events"]))
        said = self.ledger.tally(*retail.arguments(self.orders), code=retail.REFUSED_SOME).stdout
        self.assertIn(f"{self.told['events']:,} were known already and changed nothing", said)

    def test_replays_reach_the_same_digest(self):
        packed = self.scratch / "journal.tbj"
        self.ledger.tally("export", packed)
        for shards in ("1", "2", "3", "8"):
            with self.subTest(shards=shards):
                told = self.ledger.told("replay", "--into", self.scratch / f"into-{shards}", "--shards", shards, "--verify")
                self.assertEqual(told["digest"], self.told["digest"])
                self.assertEqual(told["totals"], self.ledger.status()["totals"])
        with self.subTest("from the exported file, in a folder that never saw the journal"):
            elsewhere = Ledger(self.scratch / "elsewhere")
            self.assertEqual(elsewhere.told("replay", packed, "--verify")["digest"], self.told["digest"])
        with self.subTest("imported into another folder, where it is published again"):
            elsewhere = Ledger(self.scratch / "elsewhere")
            elsewhere.tally("import", packed)
            self.assertEqual(elsewhere.digest(), self.told["digest"])

    def test_with_little_memory_and_frequent_checkpoints(self):
        ledger = retail.create(self.scratch / "small", "--memory", "8MiB", "--checkpoint-records", "2000")
        told = ledger.told(*retail.arguments(self.orders), code=retail.REFUSED_SOME)
        retail.check_account(self, told)
        self.assertEqual(told["digest"], self.told["digest"])
        self.assertEqual(ledger.told("replay", "--verify", "--shards", "1")["digest"], told["digest"])

    def test_memory_stays_below_512_mib(self):
        """The largest of all commands that this file ran."""
        peak_kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        self.assertLess(peak_kib, 512 * 1024)


if __name__ == "__main__":
    unittest.main()
