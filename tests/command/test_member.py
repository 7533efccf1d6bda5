"""What is said of one member: balances, lots, the statement, and why the points are what they are."""

import json
import unittest

import shop
from ledger import Ledger, StoryCase, lines_of


class Member(StoryCase):
    def setUp(self):
        super().setUp()
        self.ledger = Ledger(self.scratch / "ledger")
        self.ledger.tally("journal", "create", "--journal-time", "record", "--journal-partitions", "2")
        self.ledger.tally("rules", "activate", self.file("story.yaml", shop.History.RULEBOOK))
        day_ms = shop.ms("2026-01-10T03:00Z")
        events = [shop.order("e1", "ann", day_ms, shop.line(10000)), shop.order("e2", "ann", day_ms + 1, shop.line(700)),
                  shop.redeem("e3", "ann", day_ms + 2, 40)]
        self.ledger.tally("import", self.file("events.ndjson", lines_of(events)), "--history")

    def explain(self, *arguments, **more):
        return self.ledger.tally("member", "explain", *arguments, **more)

    def test_every_grant_is_explained(self):
        told = self.explain("ann").stdout
        self.assertIn("100 points earned, lot 1.0, event shop/e1, order o-e1\n", told)
        self.assertIn("7 points earned, lot 2.0, event shop/e2, order o-e2\n", told)
        self.assertEqual(told.count("rule base of version 1"), 2)
        self.assertEqual(told.count("  usable"), 2)
        self.assertNotIn("redeemed", told)

    def test_an_event_tells_all_that_it_did(self):
        told = self.explain("ann", "--event", "shop/e3").stdout
        self.assertIn("40 points redeemed, lot 1.0, event shop/e3", told)
        self.assertNotIn("earned", told)

    def test_a_lot_tells_all_that_befell_it(self):
        told = self.explain("ann", "--lot", "1.0").stdout
        self.assertIn("100 points earned, lot 1.0", told)
        self.assertIn("40 points redeemed, lot 1.0", told)
        self.assertNotIn("lot 2.0", told)

    def test_the_same_for_programs(self):
        postings = [json.loads(each) for each in self.explain("ann", "--lot", "1.0", "--json").stdout.splitlines()]
        self.assertEqual([(each["kind"], each["points"]) for each in postings], [("GRANT", "100"), ("REDEEM", "40")])

    def test_what_is_not_there_is_said(self):
        for arguments in (["bob"], ["ann", "--lot", "9.0"], ["ann", "--event", "shop/e"], ["ann", "--event", "e1"],
                          ["ann", "--guest"]):
            with self.subTest(arguments):
                self.assertIn("no such posting of '", self.explain(*arguments, code=66).stderr)

    def test_the_statement_shows_every_posting(self):
        told = self.ledger.tally("member", "statement", "ann").stdout.splitlines()
        self.assertEqual(told[0].split(), ["when", "what", "points", "currency", "balance", "why"])
        self.assertEqual([each.split()[1:5] for each in told[1:]],
                         [["earned", "+100", "points", "100"], ["earned", "+7", "points", "107"],
                          ["redeemed", "-40", "points", "67"]])
        self.assertIn("rule base of version 1, order o-e1", told[1])


if __name__ == "__main__":
    unittest.main()
