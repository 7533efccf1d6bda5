"""What the oracle reads: conditions against CEL's answers (semantics §9), the YAML of rulebooks, and the world's own bytes."""

import unittest

import wire
from condition import Condition, Error, Instant
from rulebook import Rulebook
from yaml_text import read_yaml, written_rulebook

FACTS = {
    "order": {"channel": "app", "total_minor": 1999, "attributes": {"wrapped": "yes"}, "lines": [
        {"category": "books", "amount_minor": 1000, "attributes": {}},
        {"category": "toys", "amount_minor": 999, "attributes": {"size": "xl"}}]},
    "member": {"orders_before": 0, "tiers": {"club": "gold"}, "enrolled_at": Instant(1_770_000_000_000)},
}
# True, False, or None for an error.
CONDITIONS = [
    ("1 + 2 * 3 == 7 && !(2 > 3)", True), ("-7 / 2 == -3 && -7 % 2 == -1", True), ("10 - 3 - 2 == 5", True),
    ("1 / 0 == 1 || true", True), ("true || 1 / 0 == 1", True), ("false && 1 / 0 == 1", False), ("1 / 0 == 1 && false", False),
    ("1 / 0 == 1 || false", None), ("9223372036854775807 + 1 > 0", None), ("-9223372036854775808 < 0", True),
    ("-9223372036854775808 / -1 > 0", None), ("100 / member.orders_before > 3", None),
    ('order.attributes["wrapped"] == "yes"', True), ('order.attributes.gift == "yes"', None), ("has(order.attributes.gift)", False),
    ('"wrapped" in order.attributes', True), ('order.channel in ["web", "app"]', True), ('size("é") == 1', True),
    ('order.channel.startsWith("ap") ? order.total_minor > 1000 : 1 / 0 == 1', True), ("1 / 0 == 1 ? true : false", None),
    ('order.lines.exists(l, l.category == "toys")', True), ("order.lines.all(l, l.amount_minor > 999)", False),
    ('order.lines.exists(l, l.attributes.size == "xl")', True), ('order.lines.exists(l, l.attributes.size == "s")', None),
    ('order.lines.all(l, l.attributes.size == "s")', False), ('order.lines.all(l, l.attributes.size == "xl")', None),
    ('member.tiers["club"] == "gold" && size(order.lines) == 2', True),
    ('member.enrolled_at < timestamp("2026-02-02T03:00:00+00:00")', True), ('"a" < "b" || 1 / 0 == 1', True),
]
YAML = """
rulebook: 'it''s'   # a comment, and "a: b" in it
when: order.channel == "app" && x  # behind a condition
deep:
  - { a: "x: y", b: [1, 2],
      c: "d}" , hours: 18:00-21:00 }
  - rule: r
    when: >-
      a == 1 &&
      b == 2
  - plain
"""


class Reading(unittest.TestCase):
    def test_conditions_and_their_errors(self):
        for text, expected in CONDITIONS:
            with self.subTest(text):
                try:
                    found = Condition(text).evaluate(FACTS)
                except Error:
                    found = None
                self.assertIs(found, expected)
                self.assertIs(Condition(text).holds(FACTS), expected is True)

    def test_what_is_not_of_the_subset_is_refused(self):
        for text in ("1 +", "x == 1", "order.lines.map(l, l)", "order.channel.endsWith(\"p\")", "true true"):
            with self.subTest(text), self.assertRaises(ValueError):
                Condition(text)

    def test_yaml_as_operators_write_it(self):
        self.assertEqual(read_yaml(YAML), {
            "rulebook": "it's", "when": 'order.channel == "app" && x', "deep": [
                {"a": "x: y", "b": ["1", "2"], "c": "d}", "hours": "18:00-21:00"},
                {"rule": "r", "when": "a == 1 && b == 2"}, "plain"]})

    def test_a_rulebook_that_was_written_is_read_again(self):
        node = {"rulebook": "r", "version": "1", "effective_from": "2026-01-01T00:00:00Z", "zone": "Europe/London",
                "currencies": {"points": {"scale": "1", "expiry": {"dates": ["02-29", "12-31"], "grace": "7 days"}}},
                "earn": [{"rule": "a", "currency": "points", "rate": "3 per 2.00 GBP", "when": 'line.brand == "a: \\ \\"b"'},
                         {"rule": "b", "currency": "points", "flat": "2.5", "priority": "1", "categories": ["children's books"]}]}
        self.assertEqual(read_yaml(written_rulebook(node)), node)
        book = Rulebook(written_rulebook(node))
        self.assertEqual([(rule.name, rule.per, rule.flat) for rule in book.earn], [("b", "order", 25), ("a", "line", None)])
        self.assertEqual(book.earn[1].rate * 200, 30)  # units of a tenth for two pounds
        self.assertEqual((book.currencies["points"].expiry.grace, book.returns.method), (7, "item"))

    def test_bytes_of_an_event(self):
        event = {"source": "s", "id": "e", "member": "m", "occurred_at_ms": 300,
                 "redeem": {"spend_id": "x", "currencies": ["a", "b"], "points": 0}}
        fields = wire.read(wire.event_bytes(event))
        self.assertEqual({number: fields[number] for number in (1, 3, 10)}, {1: [b"s"], 3: [b"m"], 10: [300]})
        self.assertEqual(wire.read(fields[60][0]), {1: [b"x"], 2: [b"a", b"b"], 3: [0]})  # of a oneof, 0 is told, too
        with self.assertRaises(ValueError):
            wire.event_bytes({**event, "redeem": {"spent": 1}})


if __name__ == "__main__":
    unittest.main()
