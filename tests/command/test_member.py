"""What is said of one member: balances, lots, the statement, and why the points are what they are."""

import json
import re
import unittest

import shop
from ledger import Ledger, StoryCase, lines_of


class Asked(StoryCase):
    def begin(self, *events, code=0):
        self.ledger = Ledger(self.scratch / "ledger")
        self.ledger.tally("journal", "create", "--journal-time", "record", "--journal-partitions", "2")
        self.ledger.tally("rules", "activate", self.file("story.yaml", shop.History.RULEBOOK))
        self.ledger.tally("import", self.file("events.ndjson", lines_of(events)), "--history", code=code)

    def explain(self, *arguments, **more):
        return self.ledger.tally("member", "explain", *arguments, **more)


class Member(Asked):
    def setUp(self):
        super().setUp()
        day_ms = shop.ms("2026-01-10T03:00Z")
        self.begin(shop.order("e1", "ann", day_ms, shop.line(10000)), shop.order("e2", "ann", day_ms + 1, shop.line(700)),
                   shop.redeem("e3", "ann", day_ms + 2, 40))

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
        for arguments in (["bob"], ["ann", "--lot", "9.0"], ["ann", "--guest"]):
            with self.subTest(arguments):
                self.assertIn("no such posting of '", self.explain(*arguments, code=66).stderr)
        for event in ("shop/e", "e1"):
            with self.subTest(event):
                said = self.explain("ann", "--event", event, code=66).stderr
                self.assertIn(f"no event '{event}' of 'ann' was answered in partition ", said)
                self.assertIn("'tally tail --topic outcomes --last 0 --member ann' lists all answers", said)

    def test_a_ledger_at_rest_is_up_to_date(self):
        told = self.ledger.tally("status").stdout
        self.assertEqual(len(re.findall(r"^\d+ +up to date ", told, re.MULTILINE)), 2, told)
        self.assertNotIn("folding", told)
        self.assertEqual({each["phase"] for each in self.ledger.status()["partitions"]}, {"folding"})

    def test_a_hold_is_open_until_it_times_out(self):
        at_ms = shop.ms("2026-01-11T03:00Z")
        hold = shop.event("h1", "ann", at_ms, hold={"holdId": "h-1", "points": "5"})
        self.ledger.tally("import", self.file("hold.ndjson", lines_of([hold])), "--history")
        self.assertIn("  hold h-1, until 2026-01-11T12:15:00+09:00\n", self.ledger.tally("member", "show", "ann").stdout)
        later = shop.order("e9", "ann", at_ms + 3_600_000, shop.line(100))
        self.ledger.tally("import", self.file("later.ndjson", lines_of([later])), "--history")
        self.assertEqual(self.ledger.told("member", "show", "ann")["waiting"], [])

    def test_times_are_those_of_the_programme(self):
        """It lives in Tokyo; what programs read stays in UTC."""
        self.assertTrue(self.explain("ann").stdout.startswith("2026-01-10T12:00:00+09:00  100 points earned"))
        self.assertIn(", before 2026-03-01T00:00:00+09:00", self.explain("ann").stdout)
        self.assertIn("2026-01-10T12:00:00+09:00  earned", self.ledger.tally("member", "statement", "ann").stdout)
        self.assertIn("enrolled 2026-01-10T12:00:00+09:00, as of 2026-01-10T12:00:00.002+09:00\n",
                      self.ledger.tally("member", "show", "ann").stdout)
        self.assertIn("  2026-03-01T00:00:00+09:00  base", self.ledger.tally("member", "lots", "ann").stdout)
        self.assertEqual(json.loads(self.ledger.tally("member", "show", "ann", "--json").stdout)["enrolledAt"], "2026-01-10T03:00:00Z")

    def test_the_statement_shows_every_posting(self):
        told = self.ledger.tally("member", "statement", "ann").stdout.splitlines()
        self.assertEqual(told[0].split(), ["when", "what", "points", "currency", "balance", "why"])
        self.assertEqual([each.split()[1:5] for each in told[1:]],
                         [["earned", "+100", "points", "100"], ["earned", "+7", "points", "107"],
                          ["redeemed", "-40", "points", "67"]])
        self.assertIn("rule base of version 1, order o-e1", told[1])


class Answers(Asked):
    """What `--event` says of the events that moved nothing, and of refunds."""

    def setUp(self):
        super().setUp()
        day_ms = shop.ms("2026-01-10T03:00Z")
        spend = shop.redeem("s1", "ann", day_ms + 2, 60)
        self.begin(shop.order("e1", "ann", day_ms, shop.line(10000)), shop.redeem("s0", "ann", day_ms + 1, 1000), spend, spend,
                   shop.refund("r1", "ann", day_ms + 3, "o-e1", 2500), shop.refund("r2", "ann", day_ms + 4, "o-e1", 5000),
                   shop.refund("r3", "ann", day_ms + 5, "o-never", 100), shop.redeem("s2", "ann", day_ms + 6, 1), code=3)

    def test_a_refusal_tells_its_verdict(self):
        self.assertEqual(self.explain("ann", "--event", "shop/s0").stdout,
                         "2026-01-10T12:00:00.001+09:00  event shop/s0, redeem: insufficient_points\n"
                         "  the active balance is smaller than the spend\n"
                         "  what to do: ask for no more than the active balance\n")
        self.assertIn(": arrears_open\n  the member owes points after a claw-back\n", self.explain("ann", "--event", "shop/s2").stdout)

    def test_what_was_told_twice_was_answered_twice(self):
        told = self.explain("ann", "--event", "shop/s1").stdout.splitlines()
        self.assertEqual([each.partition("+09:00  ")[2] for each in told if "event shop/s1" in each],
                         ["event shop/s1, redeem: accepted", "event shop/s1, redeem: duplicate, first answered accepted",
                          "60 points redeemed, lot 1.0, event shop/s1, spend s-s1"])

    def test_a_refund_tells_why_so_much(self):
        first = self.explain("ann", "--event", "shop/r1").stdout
        self.assertIn(", refund: accepted\n  points: 25 asked for, 25 taken back; balance 15\n", first)
        self.assertIn("  order o-e1 had earned 100 points, of which 0 were taken back before; this takes 25 and leaves 75\n", first)
        second = self.explain("ann", "--event", "shop/r2").stdout
        self.assertIn("  points: 50 asked for, 50 taken back, of which 35 are owed; balance 0\n", second)
        self.assertIn("of which 25 were taken back before; this takes 50 (35 of them owed) and leaves 25\n", second)
        self.assertRegex(second, r"  taken back is .*, as version 1 says that granted\n$")

    def test_a_refund_that_waits_says_so(self):
        self.assertIn(", refund: accepted, waits for its order\n", self.explain("ann", "--event", "shop/r3").stdout)
        self.assertIn("  a return waits for the order o-never, until 2026-02-09T12:00:00.005+09:00\n",
                      self.ledger.tally("member", "show", "ann").stdout)
        self.assertEqual(self.ledger.told("member", "show", "ann")["waiting"],
                         [{"for": "order", "id": "o-never", "until": "2026-02-09T03:00:00.005Z"}])

    def test_programs_get_the_answer_before_the_postings(self):
        told = [json.loads(each) for each in self.explain("ann", "--event", "shop/r2", "--json").stdout.splitlines()]
        self.assertEqual([each.get("verdictName", each.get("kind")) for each in told], ["accepted", "CLAW_BACK", "OWE"])


if __name__ == "__main__":
    unittest.main()
