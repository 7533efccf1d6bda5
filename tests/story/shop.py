"""Two stories of a small shop, each with what must come of it, worked out by hand from the points law.

`History` plays in fixed years of a history journal: time passes as the events say, so points expire and tiers are
reviewed. `Live` plays in the last hour of a live journal: what arrives late, too early, twice or broken.

Amounts in the comments are points unless they carry a currency.
"""

import calendar
import datetime

from ledger import by_member, conserved

RULEBOOK = """\
rulebook: story
version: 1
effective_from: {effective}
zone: Asia/Tokyo
currencies:
  points: {{ expiry: {{ after: 1 months, round: {rounding} }}, expiring_soon: 14 days }}
earn:
  - {{ rule: base, currency: points, rate: 1 per 1.00 EUR, multiplied_by: status }}
  - {{ rule: toys, currency: points, rate: 2 per 1.00 EUR, categories: [toys], multiplied_by: status, priority: 10 }}
tiers:
  - group: status
    metric: {{ spend: EUR }}
    window: {window}
    downgrade: {downgrade}
    levels:
      - {{ level: member, from: 0 }}
      - {{ level: silver, from: 500.00 EUR, multiplier: 1.5 }}
      - {{ level: gold, from: 2000.00 EUR, multiplier: 2 }}
returns: {{ method: item, arrears: allow }}
"""


def ms(text):
    """2026-01-10T03:00Z → milliseconds since 1970."""
    return int(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


def a_month_later(at_ms):
    """The same local time of Tokyo a month later, or that of the month's last day."""
    tokyo = datetime.timezone(datetime.timedelta(hours=9))
    at = datetime.datetime.fromtimestamp(at_ms / 1000, tokyo)
    year, month = at.year + at.month // 12, at.month % 12 + 1
    later = at.replace(year=year, month=month, day=min(at.day, calendar.monthrange(year, month)[1]))
    return round(later.timestamp() * 1000)


def event(number, who, at_ms, **payload):
    subject = {"guest": who.removeprefix("guest ")} if who.startswith("guest ") else {"member": who}
    return {"source": "shop", "id": number, **subject, "occurredAtMs": str(at_ms), **payload}


def line(amount_minor, category=None, kind=None):
    return {"amountMinor": str(amount_minor), **({"category": category} if category else {}),
            **({"kind": kind} if kind else {})}


def order(number, who, at_ms, *lines, currency="EUR", **more):
    return event(number, who, at_ms, purchase={"orderId": "o-" + number, "currency": currency, "lines": list(lines),
                                               **more})


def redeem(number, who, at_ms, points):
    return event(number, who, at_ms, redeem={"spendId": "s-" + number, "points": str(points)})


def refund(number, who, at_ms, order_id, amount_minor=None, lines=()):
    told = {"lines": [{"lineId": name, "amountMinor": str(minor)} for name, minor in lines]} if lines else {
        "amountMinor": str(amount_minor)}
    return event(number, who, at_ms, refund={"orderId": order_id, "refundId": "r-" + number, "currency": "EUR", **told})


class History:
    """The years 2026 and 2027, in the order of time."""

    UNTIL = "2028-01-02T00:00:00Z"
    RULEBOOK = RULEBOOK.format(effective="2026-01-01", rounding="end of month", window="calendar year",
                               downgrade="to qualified")

    events = [
        # ann: a rounding, a spend, a return that makes arrears, a tier, an expiry.
        order("a1", "ann", ms("2026-01-10T03:00Z"), line(10000)),  # +100, usable through 28 February in Tokyo
        order("a1", "ann", ms("2026-01-10T03:00Z"), line(10000)),  # told twice
        order("a1", "ann", ms("2026-01-10T03:00Z"), line(10001)),  # the id again, for something else
        order("d1", "dan", ms("2026-01-20T00:00Z"), line(250000)),  # +2500, and gold in one step
        order("a2", "ann", ms("2026-01-31T15:30Z"), line(1999, "toys")),  # 39.98: +39; it is 1 February in Tokyo
        redeem("a3", "ann", ms("2026-02-05T00:00Z"), 120),  # all 100 of a1, 20 of a2: 19 left
        redeem("a4", "ann", ms("2026-02-06T00:00Z"), 1000),
        refund("a5", "ann", ms("2026-02-10T00:00Z"), "o-a1", 10000),  # 100 back: the 19, and 81 owed
        redeem("a6", "ann", ms("2026-02-11T00:00Z"), 1),
        order("a7", "ann", ms("2026-02-12T00:00Z"), line(60000)),  # 600, of which 81 pay what is owed: 519; silver
        order("a8", "ann", ms("2026-02-20T00:00Z"), line(1000)),  # 10 × 1.5: 534
        order("b1", "bob", ms("2026-03-01T00:00Z"), line(5000), line(500, kind="SHIPPING")),  # +50: postage earns nothing
        event("b2", "bob", ms("2026-03-02T00:00Z"), cancellation={"orderId": "o-b1"}),
        event("b3", "bob", ms("2026-03-03T00:00Z"), cancellation={"orderId": "o-b1"}),
        refund("b4", "bob", ms("2026-03-04T00:00Z"), "o-never", 100),
        order("c1", "cat", ms("2026-03-10T00:00Z"), line(1000), line(3000, "toys")),  # 10 + 60
        refund("c2", "cat", ms("2026-03-11T00:00Z"), "o-c1", lines=[("2", 1500)]),  # half of the toys: 40
        refund("c3", "cat", ms("2026-03-12T00:00Z"), "o-c1", lines=[("2", 1500)]),  # the rest of them: 10
        order("g1", "guest till-7", ms("2026-03-15T00:00Z"), line(2000)),  # +20, waiting for whoever claims them
        redeem("g2", "guest till-7", ms("2026-03-16T00:00Z"), 5),
        order("e1", "eve", ms("2026-03-20T00:00Z"), line(1000), currency="XYQ"),
        redeem("e2", "eve", ms("2026-03-21T00:00Z"), 1),
        order("f1", "fay", ms("2026-03-22T00:00Z"), line(1000), currency="USD"),  # no rule for dollars: enrolled, 0
        order("d2", "dan", ms("2027-06-01T00:00Z"), line(50000)),  # 500 × 2; keeps silver for 2028, gold no longer
        order("h1", "hal", ms("2027-12-20T00:00Z"), line(700)),  # +7, usable through January 2028
    ]

    verdicts = {
        "ann": [("a1", "accepted"), ("a1", "duplicate"), ("a1", "conflicting_duplicate"), ("a2", "accepted"),
                ("a3", "accepted"), ("a4", "insufficient_points"), ("a5", "accepted"), ("a6", "arrears_open"),
                ("a7", "accepted"), ("a8", "accepted")],
        "bob": [("b1", "accepted"), ("b2", "accepted"), ("b3", "order_cancelled"), ("b4", "accepted")],
        "cat": [("c1", "accepted"), ("c2", "accepted"), ("c3", "accepted")],
        "dan": [("d1", "accepted"), ("d2", "accepted")],
        "eve": [("e1", "unknown_currency"), ("e2", "unknown_member")],
        "fay": [("f1", "accepted")],
        "guest till-7": [("g1", "accepted"), ("g2", "guest_cannot_spend")],
        "hal": [("h1", "accepted")],
    }

    # Every movement, with the active balance after it.
    postings = {
        "ann": [("GRANT", 100, 100), ("GRANT", 39, 139), ("REDEEM", 100, 39), ("REDEEM", 20, 19),
                ("CLAW_BACK", 19, 0), ("OWE", 81, 0), ("GRANT", 600, 600), ("REPAY", 81, 519), ("GRANT", 15, 534),
                ("EXPIRE", 519, 15), ("EXPIRE", 15, 0)],
        "bob": [("GRANT", 50, 50), ("CLAW_BACK", 50, 0)],
        "cat": [("GRANT", 70, 70), ("CLAW_BACK", 30, 40), ("CLAW_BACK", 30, 10), ("EXPIRE", 10, 0)],
        "dan": [("GRANT", 2500, 2500), ("EXPIRE", 2500, 0), ("GRANT", 1000, 1000), ("EXPIRE", 1000, 0)],
        "guest till-7": [("GRANT", 20, 20), ("EXPIRE", 20, 0)],
        "hal": [("GRANT", 7, 7)],
    }

    # When what is left expires: midnight in Tokyo, the end of the month after the month of earning.
    expired_at = {
        "ann": [ms("2026-03-31T15:00Z"), ms("2026-03-31T15:00Z")],
        "cat": [ms("2026-04-30T15:00Z")],
        "dan": [ms("2026-02-28T15:00Z"), ms("2027-07-31T15:00Z")],
        "guest till-7": [ms("2026-04-30T15:00Z")],
    }

    tiers = {
        "ann": [("UPGRADED", "member", "silver", ms("2026-02-12T00:00Z"), 61999),
                ("RENEWED", "silver", "silver", ms("2026-12-31T15:00Z"), 62999),
                ("DOWNGRADED", "silver", "member", ms("2027-12-31T15:00Z"), 0)],
        "dan": [("UPGRADED", "member", "gold", ms("2026-01-20T00:00Z"), 250000),
                ("RENEWED", "gold", "gold", ms("2026-12-31T15:00Z"), 250000),
                ("DOWNGRADED", "gold", "silver", ms("2027-12-31T15:00Z"), 50000)],
    }

    # 14 days before the points go, or with the event that earned them later than that; 30 days before a review that a
    # level would not pass; 30 days after a refund whose order never came.
    notices = {
        "ann": [(534, ms("2026-03-31T15:00Z"), ms("2026-03-17T15:00Z")),
                ("silver", ms("2027-12-31T15:00Z"), [{"threshold": "50000"}], ms("2027-12-01T15:00Z"))],
        "bob": [("o-never", "r-b4", ms("2026-04-03T00:00Z"))],
        "cat": [(10, ms("2026-04-30T15:00Z"), ms("2026-04-16T15:00Z"))],
        "dan": [(2500, ms("2026-02-28T15:00Z"), ms("2026-02-14T15:00Z")),
                (1000, ms("2027-07-31T15:00Z"), ms("2027-07-17T15:00Z")),
                ("gold", ms("2027-12-31T15:00Z"), [{"threshold": "200000", "value": "50000"}], ms("2027-12-01T15:00Z"))],
        "guest till-7": [(20, ms("2026-04-30T15:00Z"), ms("2026-04-16T15:00Z"))],
    }

    # Account: active, arrears, tier.
    accounts = {"ann": (0, 0, "member"), "bob": (0, 0, "member"), "cat": (0, 0, "member"), "dan": (0, 0, "silver"),
                "fay": (0, 0, "member"), "guest till-7": (0, 0, "member"), "hal": (7, 0, "member")}

    # issued 100 + 39 + 600 + 15 + 50 + 70 + 2500 + 1000 + 20 + 7; reversed 100 of ann, 50 of bob, 60 of cat.
    totals = {"issued": 4401, "active": 7, "arrears": 0, "redeemed": 120, "expired": 4064, "reversed": 210}


class Live:
    """The last hour, told in an order of its own. `now_ms` is when the story is told."""

    RULEBOOK = RULEBOOK.format(effective="2020-01-01", rounding="none", window="lifetime", downgrade="none")

    def __init__(self, now_ms):
        minute, day = 60_000, 86_400_000
        self.now_ms = now_ms
        self.events = [
            order("a1", "ann", now_ms - 60 * minute, line(10000)),  # +100
            order("a2", "ann", now_ms - 30 * minute, line(60000)),  # +600: silver since then
            order("a3", "ann", now_ms - 45 * minute, line(1000)),  # late: judged as what ann was 45 minutes ago: +10
            order("a4", "ann", now_ms - 10 * minute, line(1000)),  # +15
            order("a1", "ann", now_ms - 60 * minute, line(10000)),
            order("a2", "ann", now_ms - 30 * minute, line(60001)),
            redeem("a5", "ann", now_ms - 5 * minute, 125),  # a1 and a3 by their expiry, then 15 of a2
            order("b1", "bob", now_ms - 40 * day, line(8000)),  # 80 that were past their month when they came
            order("b2", "bob", now_ms - 400 * day, line(8000)),
            order("c1", "cat", now_ms + day, line(1000)),  # tomorrow
            order("c2", "cat", now_ms + 2 * minute, line(1000)),  # clocks are never quite right: +10
            order("d1", "dan", now_ms - minute, line(1000), currency="XYQ"),
            order("g1", "guest till-7", now_ms - minute, line(2000)),  # +20
        ]
        self.verdicts = {
            "ann": [("a1", "accepted"), ("a2", "accepted"), ("a3", "accepted"), ("a4", "accepted"), ("a1", "duplicate"),
                    ("a2", "conflicting_duplicate"), ("a5", "accepted")],
            "bob": [("b1", "accepted"), ("b2", "too_old")],
            "cat": [("c1", "occurred_in_future"), ("c2", "accepted")],
            "dan": [("d1", "unknown_currency")],
            "guest till-7": [("g1", "accepted")],
        }
        self.postings = {
            "ann": [("GRANT", 100, 100), ("GRANT", 600, 700), ("GRANT", 10, 710), ("GRANT", 15, 725),
                    ("REDEEM", 100, 625), ("REDEEM", 10, 615), ("REDEEM", 15, 600)],
            "bob": [("GRANT", 80, 80), ("EXPIRE", 80, 0)],
            "cat": [("GRANT", 10, 10)],
            "guest till-7": [("GRANT", 20, 20)],
        }
        self.expired_at = {"bob": [a_month_later(now_ms - 40 * day)]}
        self.notices = {}
        self.tiers = {"ann": [("UPGRADED", "member", "silver", now_ms - 30 * minute, 70000)]}
        self.accounts = {"ann": (600, 0, "silver"), "bob": (0, 0, "member"), "cat": (10, 0, "member"),
                         "guest till-7": (20, 0, "member")}
        self.totals = {"issued": 835, "active": 630, "arrears": 0, "redeemed": 125, "expired": 80, "reversed": 0}


# ---- Outputs, as the stories tell them --------------------------------------------------------------------------------


def verdicts_of(outcomes):
    return [(each["event"]["id"], each["verdictName"]) for each in outcomes]


def postings_of(postings):
    return [(each["kind"], int(each["points"]), int(each.get("activeAfter", 0))) for each in postings]


def expiries_of(postings):
    return [int(each["effectiveAtMs"]) for each in postings if each["kind"] == "EXPIRE"]


def tiers_of(changes):
    return [(each["direction"], each["from"], each["to"], int(each["effectiveAtMs"]), int(each.get("metricValue", 0)))
            for each in changes]


NOTICES = {
    "expiringSoon": lambda told: (int(told["points"]), int(told["expiresAtMs"])),
    "unknownOrder": lambda told: (told["orderId"], told["refundId"]),
    "tierAtRisk": lambda told: (told["tier"], int(told["reviewAtMs"]), told["metrics"]),
}


def notices_of(notices):
    return [NOTICES[kind](each[kind]) + (int(each["effectiveAtMs"]),)
            for each in notices for kind in NOTICES if kind in each]


def check(case, ledger, story):
    """What a ledger must show when the story was told to it, on either kind of journal."""
    def told(how, topic):
        outputs = by_member(ledger.output(topic))
        return {who: how(messages) for who, messages in outputs.items() if who in story.verdicts}

    case.assertEqual(told(verdicts_of, "outcomes"), story.verdicts)
    case.assertEqual(told(postings_of, "postings"), story.postings)
    case.assertEqual({who: found for who, found in told(expiries_of, "postings").items() if found}, story.expired_at)
    case.assertEqual(told(tiers_of, "tiers"), story.tiers)
    case.assertEqual(told(notices_of, "notices"), story.notices)
    for who, account in story.accounts.items():
        guest = ["--guest"] if who.startswith("guest ") else []
        shown = ledger.told("member", "show", who.removeprefix("guest "), *guest)
        case.assertEqual(account_of(shown), account, who)
    status = ledger.status()
    case.assertEqual({name: status["totals"][0][name] for name in story.totals}, story.totals)
    conserved(status)
    return status


def account_of(shown):
    """(active, arrears, tier) of `member show --json`."""
    wallet = shown["wallets"][0] if shown["wallets"] else {"active": 0, "arrears": 0}
    return wallet["active"], wallet["arrears"], shown["tiers"][0]["level"]
