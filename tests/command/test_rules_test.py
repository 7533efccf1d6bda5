"""`tally rules test`: examples beside the rules, and what is said where they and the rules part."""

import json
import unittest

from test_command import ROOT, Command

RULES = """\
rulebook: trial
version: 1
effective_from: 2026-01-01
zone: Asia/Tokyo
currencies:
  points: { expiry: { after: 1 months, round: end of month }, scale: 1 }
earn:
  - { rule: base, currency: points, rate: 1 per 1.00 GBP }
tiers:
  - { group: club, metric: { spend: GBP }, levels: [ { level: basic, from: 0 }, { level: gold, from: 100.00 GBP } ] }
"""
ORDER = "purchase: { order_id: O1, currency: GBP, amount: 20.05 }"


def example(given, expect="{ member: ann }", name="one"):
    steps = "".join(f"      - {step}\n" for step in given)
    return f"  - example: {name}\n    given:\n{steps}    expect:\n      - {expect}\n"


class RulesTest(Command):
    def run_examples(self, *examples, code=0):
        return self.tally("rules", "test", self.file("trial.yaml", RULES + "examples:\n" + "".join(examples)), code=code)

    def test_the_worked_examples_of_the_law(self):
        """Semantics §11 for one member: every clause, and variations, with the arithmetic beside each."""
        paths = sorted((ROOT / "tests/golden/law").glob("*.yaml"))
        worked = {path.name[:2] for path in paths}
        self.assertEqual(worked, {f"{number:02}" for number in range(1, 21)} - {"12", "13"})
        for path in paths:
            with self.subTest(path.name):
                done = self.tally("rules", "test", str(path))
                self.assertGreaterEqual(done.stdout.count("ok     "), 5, done.stdout)

    def test_the_samples_do_what_they_say(self):
        found = 0
        for path in sorted((ROOT / "schemas" / "rulebooks").glob("*.yaml")):
            if "\nexamples:" in path.read_text():
                found += 1
                told = json.loads(self.tally("rules", "test", str(path), "--json").stdout)
                self.assertEqual((told["failed"], told["differences"]), (0, []), path.name)
                self.assertGreater(told["passed"], 0)
        self.assertGreater(found, 0)

    def test_everything_that_can_be_expected(self):
        done = self.run_examples(example(
            [f"{{ at: 2026-01-20T10:00, member: ann, {ORDER} }}",
             "{ at: 2026-01-21T10:00, member: ann, hold: { hold_id: H1, points: 50, timeout: 2 h } }"],
            "{ member: ann, balance: { points: 15.0 }, held: { points: 5 }, pending: { points: 0 }, lapsing: { points: 0 }, "
            "arrears: { points: 0 }, tier: { club: basic }, expires: [ { points: 15, on: 2026-02-28 } ] }\n"
            "      - { member: ann, at: 2026-01-21T13:00, balance: { points: 20 }, held: { points: 0 } }\n"
            "      - { member: ann, at: 2026-03-01, balance: { points: 0 } }"))
        self.assertEqual(done.stdout, "ok     one\n1 examples as expected, 0 not\n")

    def test_each_difference_stands_at_its_place(self):
        cases = [
            ("balance: { points: 21 }", "balance of points: expected 21, came 20.0"),
            ("arrears: { points: 1 }", "arrears of points: expected 1, came 0.0"),
            ("tier: { club: gold }", "tier of club: expected gold, came basic"),
            ("tier: { clubs: gold }", "tier of clubs: expected gold, came no such group"),
            ("expires: [ { points: 20, on: 2026-02-27 } ]", "what expires then of points: expected 20, came 0.0"),
            ("balance: { miles: 1 }", "the rulebook has no points currency 'miles'"),
            ("balance: { points: many }", "'many' is no number of points"),
            ("balances: { points: 1 }", "unknown key 'balances'"),
            ("expires: [ { points: 20 } ]", "an expiry has 'on', the last usable day, or 'at', the instant"),
        ]
        for expected, message in cases:
            with self.subTest(expected=expected):
                done = self.run_examples(example([f"{{ at: 2026-01-20T10:00, member: ann, {ORDER} }}"],
                                                 f"{{ member: ann, {expected} }}"), code=65)
                self.assertIn(message, done.stderr)
                self.assertRegex(done.stderr, r"^trial\.yaml:16:\d+: error: ")
                self.assertIn("WRONG  one", done.stdout)

    def test_steps_that_cannot_be_told(self):
        cases = [
            ("{ at: 2026-01-20, member: ann }", "a step tells an event, or 'tick: true'"),
            (f"{{ at: 2026-01-20, {ORDER} }}", "a step names a member, or a guest"),
            (f"{{ at: 2026-01-20, member: ann, {ORDER}, enrol: {{}} }}", "is the second"),
            ("{ at: 2026-01-20, member: ann, purchase: { order_id: O1, amount: 1.00 } }", "needs the currency of the order"),
            ("{ at: 2026-01-20, member: ann, purchase: { order_id: O1, currency: GBP, amount: 1.005 } }", "no amount of GBP"),
            ("{ at: 2026-01-20, member: ann, purchase: { order: O1, currency: GBP, amount: 1.00 } }", "order"),
            ("{ at: someday, member: ann, enrol: {} }", "someday"),
            (f"{{ at: 2026-01-20, member: ann, verdict: order_exists, {ORDER} }}",
             "the answer is accepted, expected was order_exists"),
            ("{ at: 2026-01-20, member: ann, redeem: { spend_id: S1, points: 5 } }",
             "the answer is unknown_member, expected was accepted"),
        ]
        for step, message in cases:
            with self.subTest(step=step):
                done = self.run_examples(example([step]), code=65)
                self.assertIn(message, done.stderr)
                self.assertRegex(done.stderr, r"^trial\.yaml:14:\d+: error: ")

    def test_time_passes_forwards_only(self):
        done = self.run_examples(example(["{ at: 2026-02-01, tick: true }", "{ at: 2026-01-01, tick: true }"]), code=65)
        self.assertIn("time only passes forwards", done.stderr)

    def test_examples_know_nothing_of_each_other(self):
        step = f"{{ at: 2026-01-20T10:00, member: ann, {ORDER} }}"
        once = "{ member: ann, balance: { points: 20 } }"
        done = self.run_examples(example([step], once, "one"), example([step], once, "two"))
        self.assertIn("2 examples as expected, 0 not", done.stdout)
        done = self.tally("rules", "test", "trial.yaml", "--only", "two")
        self.assertEqual(done.stdout, "ok     two\n1 examples as expected, 0 not\n")
        self.assertIn("no example of that name", self.tally("rules", "test", "trial.yaml", "--only", "three", code=65).stderr)

    def test_without_examples_and_with_mistakes(self):
        self.assertIn("has no examples", self.tally("rules", "test", self.file("none.yaml", RULES), code=65).stderr)
        self.assertIn("unknown key 'earns'",
                      self.tally("rules", "test", self.file("bad.yaml", RULES.replace("earn:", "earns:")), code=65).stderr)
        self.assertIn("a name", self.run_examples("  - { given: [] }\n", code=65).stderr)
        self.tally("rules", "test", "nowhere.yaml", code=66)


if __name__ == "__main__":
    unittest.main()
