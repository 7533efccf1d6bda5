"""The oracle against the worked examples of semantics §11, alone: so that it is known to have read the law aright before
anything is compared with it. What crosses members (12, 13, the transfers of 14) is not the oracle's."""

import datetime
import unittest
import zoneinfo

from civil import EPOCH, MILLISECOND
from law import Ledger
from rulebook import Rulebook

POINTS = "currencies: {points: {expiry: none}}"
BASE = "earn: [{rule: base, currency: points, rate: 1 per 1.00 GBP}]"
DAY = 86_400_000


def at(text, zone="UTC"):
    when = datetime.datetime.fromisoformat(text).replace(tzinfo=zoneinfo.ZoneInfo(zone))
    return (when - EPOCH) // MILLISECOND


class Shop:
    """A ledger, and what a shop tells it about one member."""

    def __init__(self, *rest, zone="UTC"):
        self.ledger, self.zone, self.told, self.versions = Ledger(), zone, 0, 0
        self.rules(*rest)

    def rules(self, *rest):
        self.versions += 1
        head = f"rulebook: example\nversion: {self.versions}\neffective_from: 2020-01-01\nzone: {self.zone}"
        text = "\n".join([head, *rest])
        self.ledger.entry({"time": max(self.ledger.clock, at("2026-01-01")), "rulebook": Rulebook(text + "\n")})

    def tell(self, time, event, occurred=None, **payload):
        self.told += 1
        time = time if isinstance(time, int) else at(time, self.zone)
        occurred = time if occurred is None else occurred if isinstance(occurred, int) else at(occurred, self.zone)
        self.ledger.entry({"time": time, "event": {"source": "shop", "id": f"e{self.told}", "member": "m", "occurred_at_ms":
                                                   occurred, event: payload}})
        return self.ledger.outcomes[-1]

    def buy(self, time, order_id, *amounts, occurred=None, **more):
        lines = [each if isinstance(each, dict) else {"amount_minor": each} for each in amounts]
        return self.tell(time, "purchase", occurred, order_id=order_id, currency="GBP", lines=lines, **more)

    def refund(self, time, order_id, amount, refund_id="", **more):
        return self.tell(time, "refund", order_id=order_id, refund_id=refund_id, currency="GBP", amount_minor=amount, **more)

    def spend(self, time, spend_id, points, **more):
        return self.tell(time, "redeem", spend_id=spend_id, points=points, **more)

    def grant(self, time, points, **more):
        return self.tell(time, "grant", currency="points", points=points, reason="example", actor="a", **more)

    def until(self, time):
        self.ledger.entry({"time": time if isinstance(time, int) else at(time, self.zone), "tick": True})

    @property
    def member(self):
        return self.ledger.members["member", "m"]

    @property
    def active(self):
        return self.member.active("points")

    @property
    def arrears(self):
        return self.member.owes("points")


class Examples(unittest.TestCase):
    def test_01_spend_order(self):
        shop = Shop(POINTS)
        shop.tell("2026-01-01", "enrol")
        shop.grant("2026-01-01", 100, never_expires=True)
        shop.grant("2026-02-01", 100, expires_at_ms=at("2026-03-01"))
        shop.spend("2026-02-15", "s", 100)
        self.assertEqual(shop.ledger.postings[-1]["lotExpiresAtMs"], at("2026-03-01"))
        shop.until("2026-03-01")
        self.assertEqual(shop.active, 100)

    def test_02_claw_back_after_a_rule_change(self):
        for then in (["earn: [{rule: base, currency: points, rate: 2 per 1.00 GBP}]"], []):
            shop = Shop(POINTS, BASE)
            shop.buy("2026-01-02", "o", 5000)
            self.assertEqual(shop.active, 50)
            shop.rules(POINTS, *then)
            shop.refund("2026-01-03", "o", 5000, "r")
            self.assertEqual((shop.active, shop.arrears), (0, 0))

    def test_03_partial_refund_after_spend_after_partial_expiry(self):
        shop = Shop("currencies: {points: {expiry: {after: 1 months, round: end of month}}}", BASE)
        shop.buy("2026-01-02", "o1", 10000, occurred="2025-12-31T12:00")  # usable through 31 January
        shop.buy("2026-01-20", "o2", 6000)  # through 28 February
        shop.spend("2026-01-25", "s", 80)
        self.assertEqual([(lot.remaining, lot.expires) for lot in shop.member.lots],
                         [(20, at("2026-02-01")), (60, at("2026-03-01"))])
        shop.until("2026-02-01")
        self.assertEqual(shop.active, 60)
        shop.refund("2026-02-05", "o2", 3000, "r1")
        self.assertEqual(shop.active, 30)
        shop.tell("2026-02-06", "cancel_redemption", spend_id="s")
        self.assertEqual(shop.active, 30)
        self.assertEqual([each["kind"] for each in shop.ledger.postings[-2:]], ["UNDO", "EXPIRE"])
        shop.refund("2026-02-10", "o1", 10000, "r2")
        self.assertEqual((shop.active, shop.arrears), (30, 0))

    def test_04_arrears(self):
        for policy, owed, then in (("allow", 20, 10), ("within_balance", 0, 30)):
            shop = Shop(POINTS, BASE, f"returns: {{arrears: {policy}}}")
            shop.buy("2026-01-02", "o1", 7000)
            shop.spend("2026-01-03", "s", 20)
            shop.refund("2026-01-04", "o1", 7000, "r")
            self.assertEqual((shop.active, shop.arrears), (0, owed))
            shop.buy("2026-01-05", "o2", 3000)
            self.assertEqual((shop.active, shop.arrears), (then, 0))

    def test_05_tier_at_the_events_own_time(self):
        shop = Shop(POINTS, "earn: [{rule: base, currency: points, rate: 1 per 1.00 GBP, multiplied_by: club}]",
                    "tiers: [{group: club, metric: {spend: GBP}, window: lifetime, levels: [{level: silver, from: 0}, "
                    "{level: gold, from: 500.00 GBP, multiplier: 2}]}]")
        shop.buy("2026-01-02T10:05", "o1", 50000)
        before = shop.active
        shop.buy("2026-01-02T10:10", "o2", 10000, occurred="2026-01-02T10:00")
        self.assertEqual(shop.active - before, 100)
        shop.buy("2026-01-02T10:11", "o3", 10000)
        self.assertEqual(shop.active - before, 300)

    def test_06_month_ends(self):
        for period, earned, through in (("1 months", "2027-01-31T13:00", "2027-03-01"),
                                        ("12 months", "2028-02-29T13:00", "2029-03-01")):
            shop = Shop(f"currencies: {{points: {{expiry: {{after: {period}, round: end of day}}}}}}", BASE)
            shop.buy(earned, "o", 100)
            self.assertEqual(shop.member.lots[0].expires, at(through))

    def test_07_whose_midnight(self):
        shop = Shop("currencies: {points: {expiry: {after: 0 months, round: end of month}}}", BASE, zone="Asia/Tokyo")
        shop.buy(at("2026-01-31T15:30"), "o", 100)
        self.assertEqual(shop.member.lots[0].expires, at("2026-02-28T15:00"))

    def test_08_same_instant(self):
        shop = Shop("currencies: {points: {expiry: none}}",
                    "tiers: [{group: club, metric: {balance: points}, window: lifetime, levels: [{level: basic, from: 0}, "
                    "{level: gold, from: 500}]}]")
        shop.tell("2026-01-02", "enrol")
        shop.grant("2026-01-02", 250, expires_at_ms=at("2026-02-01"))
        shop.grant("2026-01-03", 300, activates_at_ms=at("2026-02-01"))
        shop.until("2026-02-01")
        self.assertEqual((shop.active, shop.ledger.tiers), (300, []))

    def test_09_two_caps(self):
        caps = ("caps: [{cap: monthly, currency: points, max: 1000, per: month, excess: trim}]",
                "caps: [{cap: single, currency: points, max: 200, per: event, excess: reject}]")
        shop = Shop(POINTS, BASE, caps[0])
        shop.buy("2026-01-02", "o1", 90000)
        amounts = shop.buy("2026-01-03", "o2", 25000)["amounts"][0]
        self.assertEqual((amounts["requested"], amounts["granted"], amounts["capRule"]), (250, 100, "monthly"))
        shop = Shop(POINTS, BASE, caps[1])
        amounts = shop.buy("2026-01-03", "o2", 25000)["amounts"][0]
        self.assertEqual((amounts["requested"], amounts["granted"], shop.active), (250, 0, 0))

    def test_10_rounding(self):
        for amount, factor, points in ((400, "1.5", 6), (500, "1.5", 7), (1999, "2", 39)):
            shop = Shop(POINTS, BASE, f"campaigns: [{{campaign: c, currency: points, factor: {factor}}}]")
            shop.buy("2026-01-02", "o", amount)
            self.assertEqual(shop.active, points)

    def test_11_line_wise_return(self):
        for method, back in (("recompute", 20), ("item", 20), ("value_share", 35)):
            shop = Shop(POINTS, f"returns: {{method: {method}}}", """earn:
  - { rule: base, currency: points, rate: 1 per 1.00 GBP }
  - { rule: ten, currency: points, flat: 10, per: line, categories: [a] }
  - { rule: twenty, currency: points, flat: 20, per: line, categories: [b] }""")
            shop.buy("2026-01-02", "o", {"amount_minor": 1000, "category": "a"}, {"amount_minor": 1000, "category": "b"}, 2000)
            self.assertEqual(shop.active, 70)
            shop.tell("2026-01-03", "refund", order_id="o", refund_id="r", currency="GBP",
                      lines=[{"line_id": "3", "amount_minor": 2000}])
            self.assertEqual(shop.active, 70 - back, method)

    def test_14_regressions_found_in_other_systems(self):
        shop = Shop(POINTS, BASE)
        shop.buy("2026-01-02", "o1", 5000)
        shop.spend("2026-01-03", "s1", 50)
        shop.buy("2026-01-04", "o2", 2100)
        shop.tell("2026-01-05", "cancellation", order_id="o2")
        self.assertEqual(shop.active, 0)
        shop.tell("2026-01-06", "cancel_redemption", spend_id="s1")
        self.assertEqual((shop.active, shop.arrears), (50, 0))

        shop = Shop(POINTS)
        shop.tell("2026-01-02", "enrol")
        shop.grant("2026-01-02", 100, expires_at_ms=at("2026-02-01"))
        shop.spend("2026-01-03", "s1", 100)
        shop.grant("2026-01-04", 80)
        shop.until("2026-02-01")
        self.assertEqual(shop.active, 80)

        shop = Shop(POINTS)
        shop.tell("2026-01-02", "enrol")
        shop.grant("2026-01-02", 5000)
        verdicts = [shop.tell("2026-01-03", "hold", hold_id=f"h{i}", points=1000)["verdict"] for i in range(6)]
        self.assertEqual(verdicts, ["accepted"] * 5 + ["insufficient_points"])

    def test_15_hold_across_expiry(self):
        shop = Shop(POINTS, "spending: {hold_timeout: 60 h}")
        shop.tell("2026-01-02", "enrol")
        shop.grant("2026-01-02", 100, expires_at_ms=at("2026-02-01"))
        shop.tell("2026-01-31", "hold", hold_id="h", points=60)
        shop.until("2026-02-01")
        self.assertEqual([(each["kind"], each["points"]) for each in shop.ledger.postings[-1:]], [("EXPIRE", 40)])
        shop.tell("2026-02-01T01:00", "capture_hold", hold_id="h", points=50)
        self.assertEqual([(each["kind"], each["points"]) for each in shop.ledger.postings[-3:]],
                         [("CAPTURE", 50), ("RELEASE", 10), ("EXPIRE", 10)])
        self.assertEqual(shop.tell("2026-02-01T02:00", "release_hold", hold_id="h")["verdict"], "hold_closed")

    def test_16_batch_independence(self):
        shop = Shop(POINTS, BASE, "awards: [{award: more, on: balance, balance: 100, currency: points, points: 50, times: 1}]")
        shop.buy("2026-01-02", "o1", 6000)
        self.assertEqual(shop.active, 60)
        shop.buy("2026-01-02", "o2", 6000)
        self.assertEqual(shop.active, 170)
        shop.buy("2026-01-02", "o3", 6000)
        self.assertEqual(shop.active, 230)

    def test_17_refund_first(self):
        shop = Shop(POINTS, BASE)
        shop.tell("2026-01-01", "enrol")
        self.assertTrue(shop.refund("2026-01-02", "o9", 3000, "r")["waiting"])
        shop.buy("2026-01-03", "o9", 10000)
        self.assertEqual(shop.active, 70)

    def test_18_cumulative_and_delta(self):
        deltas = [(1000, "r1", {}), (1500, "r2", {})]
        totals = [(1000, "", {"style": "CUMULATIVE"}), (2500, "", {"style": "CUMULATIVE"})]
        for told in (deltas, deltas[::-1], totals, totals[::-1], deltas + totals, deltas * 2 + totals[::-1] * 2):
            shop = Shop(POINTS, BASE)
            shop.buy("2026-01-02", "o", 10000)
            for amount, refund_id, more in told:
                self.assertEqual(shop.refund("2026-01-03", "o", amount, refund_id, **more)["verdict"], "accepted")
            self.assertEqual(shop.active, 75)

    def test_19_streak(self):
        shop = Shop(POINTS, "streaks: [{streak: daily, currency: points, points: [1, 2, 3]}]")
        for day in (1, 2, 3, 3, 4, 6):
            shop.tell(f"2026-01-{day:02}T12:00", "activity", kind="CHECK_IN")
        self.assertEqual(shop.active, 10)

    def test_19_late_check_ins_heal_the_run(self):
        shop = Shop(POINTS, "streaks: [{streak: daily, currency: points, points: [1, 2, 3, 4, 5]}]")
        gained = []
        for day in (1, 2, 4, 3, 5):
            before = shop.active if shop.ledger.members else 0
            shop.tell("2026-01-06", "activity", occurred=f"2026-01-{day:02}T12:00", kind="CHECK_IN")
            gained.append(shop.active - before)
        self.assertEqual(gained, [1, 2, 1, 3, 5])

    def test_20_marginal_bands(self):
        for mode, amount, points in (("marginal", 25000, 400), ("cliff", 25000, 500), ("marginal", 10000, 100),
                                     ("cliff", 10000, 100)):
            shop = Shop(POINTS, f"earn: [{{rule: base, currency: points, bands: {{mode: {mode}, steps: [{{up_to: 100.00 GBP, "
                        "rate: 1 per 1.00 GBP}, {rate: 2 per 1.00 GBP}]}}]")
            shop.buy("2026-01-02", "o", amount)
            self.assertEqual(shop.active, points)


if __name__ == "__main__":
    unittest.main()
