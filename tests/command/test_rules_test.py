"""`tally rules test`: examples beside the rules, and what is said where they and the rules part."""

import json
import re
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
        count = dict.fromkeys((f"{number:02}" for number in range(1, 21) if number not in (12, 13)), 0)
        for path in sorted((ROOT / "tests/golden/law").glob("*.yaml")):
            with self.subTest(path.name):
                told = json.loads(self.tally("rules", "test", str(path), "--json").stdout)
                self.assertEqual((told["failed"], told["differences"]), (0, []))
                count[path.name[:2]] += told["passed"]
                for example in path.read_text().split("  - example: ")[1:]:
                    self.assertIn("   # ", example, "how the answer comes about is missing")
        for number, examples in count.items():
            self.assertGreaterEqual(examples, 6, f"example {number} has less than itself and five variations")

    def test_the_samples_do_what_they_say(self):
        found = 0
        for path in sorted((ROOT / "schemas" / "rulebooks").glob("*.yaml")):
            if "\nexamples:" in path.read_text():
                found += 1
                told = json.loads(self.tally("rules", "test", str(path), "--json").stdout)
                self.assertEqual((told["failed"], told["differences"]), (0, []), path.name)
                self.assertGreater(told["passed"], 0)
        self.assertGreater(found, 0)

    def test_the_page_shows_every_event_once(self):
        page = (ROOT / "docs/rulebook-examples.md").read_text()
        text = "rulebook: every-event\n" + page.partition("```yaml\nrulebook: every-event\n")[2].partition("```")[0]
        told = self.tally("rules", "test", self.file("every.yaml", text)).stdout
        self.assertIn("examples as expected, 0 not", told)
        kinds = re.findall(r"^EVENT\(\d+, \w+, (\w+), 1\)", (ROOT / "engine/core/event.def").read_text(), re.MULTILINE)
        self.assertGreater(len(kinds), 20)
        self.assertEqual([kind for kind in kinds if f" {kind}: {{" not in text], [])

    def test_everything_that_can_be_expected(self):
        done = self.run_examples(example(
            [f"{{ at: 2026-01-20T10:00, member: ann, {ORDER} }}",
             "{ at: 2026-01-21T10:00, member: ann, hold: { hold_id: H1, points: 50, timeout: 2 h } }"],
            "{ member: ann, balance: { points: 15.0 }, held: { points: 5 }, pending: { points: 0 }, lapsing: { points: 0 }, "
            "arrears: { points: 0 }, tier: { club: basic }, expires: [ { points: 15, on: 2026-02-28 } ] }\n"
            "      - { member: ann, at: 2026-01-21T13:00, balance: { points: 20 }, held: { points: 0 } }\n"
            "      - { member: ann, at: 2026-03-01, balance: { points: 0 } }"))
        self.assertEqual(done.stdout, "ok     one\ntrial.yaml: 1 examples as expected, 0 not\n")

    def test_each_difference_stands_at_its_place(self):
        cases = [
            ("balance: { points: 21 }", "balance of points: expected 21, came 20.0"),
            ("arrears: { points: 1 }", "arrears of points: expected 1, came 0.0"),
            ("tier: { club: gold }", "tier of club: expected gold, came basic"),
            ("tier: { clubs: gold }", "tier of clubs: expected gold, came no such group"),
            ("balance: { miles: 1 }", "the rulebook has no points currency 'miles'"),
            ("balance: { points: many }", "'many' is no number of points"),
            ("expires: [ { points: 20, on: 2026-02-27 } ]", "what expires on 2026-02-27 of points: expected 20, came 0.0"),
            ("expires: [ { points: 20, on: 2026-02-27 } ]", "what expires on 2026-02-28 of points: expected nothing, came 20.0"),
            ("expires: [ { points: 20, at: 2026-02-01T00:00:01Z } ]",
             "what expires at 2026-02-01T00:00:01Z of points: expected 20, came 0.0"),
            ("expires: []", "what expires on 2026-02-28 of points: expected nothing, came 20.0"),
            ("expires: [ { points: 20, on: never } ]", "what never expires of points: expected 20, came 0.0"),
            ("expires: [ { points: 20, on: 2026-02-28 }, { points: 1, currency: miles, on: never } ]",
             "the rulebook has no points currency 'miles'"),
            ("expires: [ { points: 20 } ]", "an expiry has 'on', the last usable day, or 'at', the instant"),
        ]
        for expected, message in cases:
            with self.subTest(expected=expected):
                done = self.run_examples(example([f"{{ at: 2026-01-20T10:00, member: ann, {ORDER} }}"],
                                                 f"{{ member: ann, {expected} }}"), code=65)
                self.assertIn(message, done.stdout)
                self.assertRegex(done.stdout, r"(?m)^trial\.yaml:16:\d+: error: example 'one': ")
                self.assertEqual(done.stderr, "")
                self.assertIn("WRONG  one", done.stdout)

    def test_keys_are_those_of_the_rulebook(self):
        """`rules check` knows them as well, and nothing runs while one is wrong."""
        cases = [
            (example([], "{ member: ann, balances: { points: 1 } }"), "unknown key 'balances'"),
            (example([], "{ member: ann, expires: [ { on: 2026-01-01 } ] }"), "an expiry needs the key 'points'"),
            (example(["{ member: ann, purchas: {} }"]), "unknown key 'purchas'"),
            (example(["{ member: ann, purchase: 20.00 }"]), "purchase"),
            ("  - { given: [], expect: [] }\n", "an example needs the key 'example'"),
            ("  - { example: one, given: {}, expect: [] }\n", "given"),
        ]
        for text, message in cases:
            with self.subTest(text=text):
                done = self.run_examples(text, code=65)
                self.assertIn(message, done.stderr)
                self.assertEqual(done.stdout, "")
                self.assertIn(message, self.tally("rules", "check", "trial.yaml", code=65).stderr)

    def test_steps_that_cannot_be_told(self):
        cases = [
            ("{ at: 2026-01-20, member: ann }", "a step tells an event, or 'tick: true'"),
            ("{ at: 2026-01-20, tick: false }", "a step tells an event, or 'tick: true'"),
            (f"{{ at: 2026-01-20, member: ann, tick: true, {ORDER} }}", "a step tells an event or 'tick: true', not both"),
            (f"{{ at: 2026-01-20, {ORDER} }}", "a step names a member, or a guest"),
            (f"{{ at: 2026-01-20, member: ann, {ORDER}, enrol: {{}} }}",
             "a step tells one event, and here are 'purchase' and 'enrol'"),
            ("{ at: 2026-01-20, member: ann, purchase: { order_id: O1, currency: GBP, amount: 1.005 } }", "no amount of GBP"),
            ("{ at: 2026-01-20, member: ann, purchase: { order_id: O1, currency: ABC, amount: 1.00 } }",
             "'amount' needs the currency of the order beside it"),
            ("{ at: 2026-01-20, member: ann, purchase: { order: O1, currency: GBP, amount: 1.00 } }", "order"),
            ("{ at: 2026-01-20, member: ann, activity: { kind: 'a b' } }", "kind"),
            ("{ at: someday, member: ann, enrol: {} }", "someday"),
            (f"{{ at: 2026-01-20, member: ann, verdict: order_exists, {ORDER} }}",
             "the answer is accepted, expected was order_exists"),
            (f"{{ at: 2026-01-20, member: ann, verdict: order_exist, {ORDER} }}",
             "no verdict is called 'order_exist'"),
            (f"{{ at: 2026-01-20, member: ann, granted: {{ points: 21 }}, {ORDER} }}", "granted of points: expected 21, came 20.0"),
            (f"{{ at: 2026-01-20, member: ann, requested: {{ points: 21 }}, {ORDER} }}",
             "requested of points: expected 21, came 20.0"),
            ("{ at: 2026-01-20, member: ann, redeem: { spend_id: S1, points: 5 } }",
             "the answer is unknown_member, expected was accepted"),
        ]
        for step, message in cases:
            with self.subTest(step=step):
                done = self.run_examples(example([step]), code=65)
                self.assertIn(message, done.stdout)
                self.assertRegex(done.stdout, r"(?m)^trial\.yaml:14:\d+: error: example 'one': ")
        self.assertIn("hint: did you mean 'order_exists'?",
                      self.run_examples(example([f"{{ member: ann, verdict: order_exist, {ORDER} }}"]), code=65).stdout)

    def test_what_is_owed_is_told_or_expected(self):
        given = [f"{{ at: 2026-01-20, member: ann, {ORDER} }}",
                 "{ at: 2026-01-21, member: ann, redeem: { spend_id: S1, points: 150 } }",
                 "{ at: 2026-01-22, member: ann, cancellation: { order_id: O1 } }"]
        done = self.run_examples(example(given, "{ member: ann, balance: { points: 0 } }"), code=65)
        self.assertIn("arrears of points: expected none, came 15.0", done.stdout)
        self.assertIn("hint: if that is meant: arrears: { points: 15.0 }", done.stdout)
        self.run_examples(example(given, "{ member: ann, balance: { points: 0 }, arrears: { points: 15 } }"))

    def test_words_and_money_as_the_rules_have_them(self):
        """One money in the programme need not be said; kinds are written as in the rules. The refund of 5.00 is spread by
        20 to 5 over the goods, which earned, and the gift card, which did not: 20 − 4 + 7."""
        told = self.run_examples(example(
            ["{ at: 2026-01-20, member: ann, purchase: { order_id: O1, lines: [ { amount: 20.00 }, { kind: gift card, amount: 5.00 } ] } }",
             "{ at: 2026-01-21, member: ann, purchase: { order_id: O2, amount: 7.00 }, granted: { points: 7 } }",
             "{ at: 2026-01-22, member: ann, refund: { order_id: O1, style: cumulative, amount: 5.00 } }",
             "{ at: 2026-01-22, member: ann, refund: { order_id: O1, style: cumulative, amount: 5.00 } }",
             "{ at: 2026-01-23, member: ann, activity: { kind: check_in } }",
             "{ at: 2026-01-23, member: ann, activity: { kind: wrapped-paper } }",
             "{ at: 2026-01-23, member: ann, activity: { kind: tidied } }"],
            "{ member: ann, balance: { points: 23 }, expires: [ { points: 23, on: 2026-02-28 }, { points: 0, on: never } ] }"))
        self.assertEqual(told.stdout, "ok     one\ntrial.yaml: 1 examples as expected, 0 not\n")
        self.assertIn("'amount' needs the currency", self.tally("rules", "test", self.file("two.yaml", (
            RULES.replace("tiers:", "  - { rule: euros, currency: points, rate: 1 per 1.00 EUR }\ntiers:") + "examples:\n" +
            example(["{ member: ann, purchase: { order_id: O1, amount: 1.00 } }"]))), code=65).stdout)

    def test_time_passes_forwards_only(self):
        done = self.run_examples(example(["{ at: 2026-02-01, tick: true }", "{ at: 2026-01-01, tick: true }"]), code=65)
        self.assertIn("time only passes forwards", done.stdout)

    def test_examples_know_nothing_of_each_other(self):
        step = f"{{ at: 2026-01-20T10:00, member: ann, {ORDER} }}"
        once = "{ member: ann, balance: { points: 20 } }"
        done = self.run_examples(example([step], once, "one"), example([step], once, "two"))
        self.assertIn("2 examples as expected, 0 not", done.stdout)
        done = self.tally("rules", "test", "trial.yaml", "--only", "two")
        self.assertEqual(done.stdout, "ok     two\ntrial.yaml: 1 examples as expected, 0 not\n")
        self.assertIn("no example of that name", self.tally("rules", "test", "trial.yaml", "--only", "three", code=65).stderr)

    def test_differences_stand_below_their_example(self):
        step = f"{{ at: 2026-01-20T10:00, member: ann, {ORDER} }}"
        cases = [example([step], f"{{ member: ann, balance: {{ points: {points} }} }}", name) for name, points in
                 (("one", 19), ("two", 20), ("three", 21))]
        told = self.run_examples(*cases, code=65).stdout
        said = [re.sub(r":\d+:\d+", "", line) for line in told.splitlines() if not re.match(r" +(\d+ )?\|", line)]
        self.assertEqual(said, [
            "WRONG  one", "trial.yaml: error: example 'one': balance of points: expected 19, came 20.0", "ok     two",
            "WRONG  three", "trial.yaml: error: example 'three': balance of points: expected 21, came 20.0",
            "trial.yaml: 1 examples as expected, 2 not"])
        document = json.loads(self.tally("rules", "test", "trial.yaml", "--json", code=65).stdout)
        self.assertEqual([each["example"] for each in document["differences"]], ["one", "three"])
        self.assertEqual((document["file"], document["differences"][1]["message"]),
                         ("trial.yaml", "balance of points: expected 21, came 20.0"))

    def test_an_example_of_thousands_of_steps(self):
        orders = [f"{{ member: ann, purchase: {{ order_id: O{number}, amount: 1.00 }} }}" for number in range(3000)]
        self.run_examples(example(orders, "{ member: ann, balance: { points: 3000 } }"))

    def test_without_examples_and_with_mistakes(self):
        self.assertIn("has no examples", self.tally("rules", "test", self.file("none.yaml", RULES), code=65).stderr)
        self.assertIn("unknown key 'earns'",
                      self.tally("rules", "test", self.file("bad.yaml", RULES.replace("earn:", "earns:")), code=65).stderr)
        self.tally("rules", "test", "nowhere.yaml", code=66)


if __name__ == "__main__":
    unittest.main()
