"""`tally rules explain` leaves nothing out: for every key of the rule language there is an edit, and every edit changes a
sentence, in English and in Chinese, and is shown by `rules diff`. The keys are those of the JSON Schema that the product
prints: a new one fails here until it has a sentence and an edit.
"""

import copy
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

LANGUAGES = ("en", "zh")
# What changes nothing of the programme, with all keys under it.
SILENT = {"examples"}

WHERE = {"channels": "[web, app]", "stores": "[ginza]", "partners": "[airline]"}
WINDOW = {"from": "2026-02-01", "until": "2026-09-01"}
BASIS = {"net_of_discount": "true", "without_tax": "true", "without_tender": "true", "lines": "[goods]"}

# Every key once, in places where it means something.
RULEBOOK = {
    "rulebook": "shop", "version": "1", "effective_from": "2026-01-01", "zone": "Europe/London",
    "accept": {"future": "5 min", "past": "366 days"},
    "members": {"unknown": "park"},
    "funders": {"acme": {"unit_cost": "0.0075 GBP"}, "airline": {}},
    "stores": {"ginza": {"zone": "Asia/Tokyo"}},
    "currencies": {
        "points": {"scale": "0", "rounding": "floor", "qualifying": "false", "expiring_soon": "30 days",
                   "expiry": {"after": "12 months", "round": "end of march", "from": "activation", "grace": "7 days"}},
        "stamps": {"scale": "2", "expiry": {"dates": "[06-30, 12-31]", "from": "earning"}},
        "miles": {"expiry": {"inactivity": "18 months", "counts": "[purchase, check_in]"}},
        "gifts": {"expiry": {"at": "member anniversary", "from": "activation"}},
        "growth": {"qualifying": "true", "expiry": "none"},
    },
    "earn": [
        {"rule": "base", "currency": "points", "rate": "1 per 1.00 GBP", "per": "line", "categories": "[books, pens]",
         "skus": "[a1]", "brands": "[Acme]", **WHERE, "when": "line.tax_minor > 0", **WINDOW, "basis": {**BASIS},
         "multiplied_by": "club", "priority": "10", "funder": "acme", "pending": {"on": "delivered", "within": "30 days"}},
        {"rule": "parts", "currency": "stamps", "pending": {"after": "14 days"},
         "bands": {"mode": "cliff", "steps": [{"up_to": "10.00 GBP", "rate": "0.10 per 1.00 GBP"},
                                              {"rate": "0.20 per 1.00 GBP"}]}},
        {"rule": "bonus", "currency": "points", "flat": "50", "money": "GBP", "pending": {"until": "2026-03-01"}},
        {"rule": "flying", "currency": "miles", "rate": "1 per 2.00 GBP"},
        {"rule": "growing", "currency": "growth", "rate": "1 per 1.00 GBP"},
    ],
    "campaigns": [
        {"campaign": "fair", "currency": "points", "factor": "2", "rules": "[base]", "categories": "[books]", "skus": "[a1]",
         "brands": "[Acme]", **WHERE, "when": "member.orders_before == 0", **WINDOW, "in": "programme",
         "weekdays": "[monday]", "days": "[8, 18]", "dates": "[11-11]", "hours": "18:00-21:00", "birthday": "month",
         "exclusive": "festival", "priority": "1", "funder": "acme"},
        {"campaign": "other", "currency": "points", "factor": "1.5", "exclusive": "festival"},
    ],
    "combine": {"lines": "max", "orders": "sum", "campaigns": "add"},
    "awards": [
        {"award": "welcome", "on": "sign-up", "currency": "points", "points": "100"},
        {"award": "review", "on": "activity", "activity": "review", "currency": "points", "points": "20", "times": "5",
         "per": "month", **WHERE, "when": "activity.value >= 4", **WINDOW, "multiplied_by": "club", "priority": "3",
         "funder": "acme", "pending": {"after": "3 days"}},
        {"award": "first", "on": "first purchase", "currency": "points", "points": "5",
         "pending": {"on": "delivered", "within": "30 days"}},
        {"award": "later", "on": "sign-up", "currency": "points", "points": "5", "pending": {"until": "2026-03-01"}},
        {"award": "round", "on": "balance", "currency": "points", "points": "50", "balance": "1000"},
    ],
    "streaks": [
        {"streak": "daily", "currency": "points", "activity": "check_in", "every": "day", "points": "[1, 2, 3]", **WINDOW,
         "multiplied_by": "club", "priority": "2", "funder": "acme"},
    ],
    "missions": [
        {"mission": "ten", "goal": "count", "of": "purchase", "target": "10", "per": "year", **WINDOW, "repeats": "3",
         "currency": "points", "points": "250", "badge": "regular", **WHERE, "categories": "[books]",
         "when": "member.orders_before > 0", "priority": "4", "funder": "acme"},
        {"mission": "reader", "goal": "sum", "of": "purchase", "target": "500.00 GBP", "badge": "reader", "basis": {**BASIS}},
        {"mission": "critic", "goal": "count", "of": "activity", "activity": "review", "target": "20", "badge": "critic"},
        {"mission": "monthly", "goal": "consecutive", "of": "purchase", "every": "month", "target": "6", "badge": "loyal"},
    ],
    "caps": [
        {"cap": "most", "currency": "points", "covers": "[base, welcome]", "max": "5000", "per": "month", "excess": "trim",
         "give_back": "true", "priority": "1"},
        {"cap": "all", "currency": "points", "max": "90000", "per": "lifetime"},
    ],
    "tiers": [
        {"group": "club", "metric": {"points": "growth"}, "window": "calendar year", "upgrade": "immediate",
         "downgrade": "one step", "grace": "30 days", "rollover": "true", "at_risk": "60 days",
         "levels": [{"level": "reader", "from": "0"}, {"level": "keeper", "from": "1000", "multiplier": "1.2"}]},
        {"group": "spenders", "metric": {"spend": "GBP", "basis": {**BASIS}},
         "levels": [{"level": "low", "from": "0"}, {"level": "high", "from": "500.00 GBP"}]},
        {"group": "circle", "match": "all",
         "metrics": {"visited": {"visits": "purchase"}, "spent": {"spend": "GBP", "basis": {**BASIS}},
                     "done": {"missions": "any"}, "held": {"balance": "points"}},
         "levels": [{"level": "guest", "from": "0"},
                    {"level": "friend", "from": "{ visited: 12, spent: 200.00 GBP, done: 1, held: 10 }"}]},
        {"group": "savers", "metric": {"balance": "points"}, "window": "lifetime",
         "levels": [{"level": "starter", "from": "0"}, {"level": "saver", "from": "2500"}]},
    ],
    "spending": {
        "hold_timeout": "15 min", "restore_grace": "7 days",
        "limits": [{"currency": "points", "minimum": "100", "multiple_of": "10", "maximum": "10000"},
                   {"currency": "points", "group": "club", "level": "keeper", "minimum": "50"}],
        "payments": [{"currency": "points", "rate": "0.01 GBP per 1", "max_points": "5000", "max_amount": "50.00 GBP",
                      "min_cash_due": "1.00 GBP", "minimum": "100", "multiple_of": "10"}],
        "rewards": [{"reward": "mug", **WINDOW, "times": "1", "per": "month", "when": "spend.points > 0",
                     "prices": [{"currency": "points", "points": "800"},
                                {"currency": "points", "group": "club", "level": "keeper", "points": "600"}]}],
    },
    "returns": {"method": "item", "arrears": "allow", "write_off": "{ points: 5 }", "tier_value": "recompute",
                "wait": "30 days"},
    "limits": [
        {"limit": "orders", "of": "purchase", "measure": "count", "max": "20", "window": "24 h", "action": "refuse",
         "priority": "1"},
        {"limit": "reviews", "of": "activity", "activity": "review", "measure": "points", "currency": "points", "max": "60",
         "window": "1 h", "action": "quarantine", "when": "member.orders_before == 0"},
        {"limit": "quick", "of": "refund", "max": "0", "window": "24 h", "after_redeem": "48 h", "action": "flag"},
        {"limit": "mean", "of": "purchase", "measure": "money", "money": "GBP", "times_own_mean": "20", "action": "flag"},
    ],
    "quarantine": {"undecided": "30 days", "then": "release"},
    "approvals": {"lapse": "7 days", "adjustments": [{"currency": "points", "above": "1000"}]},
}

# What may come in the place of a value, wherever the key stands; None: the key is removed.
ANYWHERE = {
    "net_of_discount": ["false"], "without_tax": ["false"], "without_tender": ["false"],
    "lines": ["[shipping]", "[tax]", "[fee]", "[gift card]", "[goods, fee]"],
    "categories": ["[books, paper]", None], "skus": ["[a1, a2]", None], "brands": ["[Acme, Bell]", None],
    "channels": ["[web, phone]", None], "stores": ["[ginza, madrid]", None], "partners": ["[airline, railway]", None],
    "from": ["2026-02-02", "2026-02-01T09:00", None], "until": ["2026-09-02", "2026-09-01T09:00", None],
    "priority": ["-7"], "funder": ["airline", None], "within": ["31 days", None],
    "multiplied_by": ["spenders", None],
}


def one_of(word, **beside):
    """A value, and what must change with it: keys of the same map, or whole places."""
    return word, beside


TIMES = ["day", "week", "quarter", "year", "lifetime"]
# An edit's place, an entry of a list by its name or number: values that may stand there.
EDITS = {
    "rulebook": ["other"], "version": ["2"], "effective_from": ["2026-01-02"], "zone": ["Europe/Paris"],
    "accept.future": ["6 min", "90 s"], "accept.past": ["300 days"],
    "members.unknown": ["auto-enrol", "reject"],
    "funders.acme.unit_cost": ["0.0085 GBP", "0.0075 EUR", None],
    "stores.ginza.zone": ["Asia/Seoul"],
    "currencies.gifts.scale": ["1"],
    "currencies.points.rounding": ["ceil", "half-up", "half-even"],
    "currencies.growth.qualifying": ["false"],
    "currencies.points.expiry.after": ["13 months", "12 days"],
    "currencies.points.expiry.round":
        ["none", *(f"end of {word}" for word in ("day", "week", "month", "quarter", "year", "january", "february", "april",
                                                 "may", "june", "july", "august", "september", "october", "november",
                                                 "december"))],
    "currencies.stamps.expiry.dates": ["[06-30, 12-30]", "[02-29]"],
    "currencies.gifts.expiry.at": [None],
    "currencies.miles.expiry.inactivity": ["19 months"],
    "currencies.miles.expiry.counts": ["[redeem]", "[hold]", "[delivered]", "[activity]", "[purchase, review]"],
    "currencies.points.expiry.from": ["earning"], "currencies.stamps.expiry.from": ["activation"],
    "currencies.gifts.expiry.from": ["earning"],
    "currencies.points.expiry.grace": ["8 days", "none"],
    "currencies.points.expiring_soon": ["31 days", "none"],
    "earn[bonus].rule": ["extra"], "earn[bonus].currency": ["gifts"],
    "earn[base].rate": ["2 per 1.00 GBP", "1 per 1.00 EUR"],
    "earn[parts].bands.mode": ["marginal"],
    "earn[parts].bands.steps[0].up_to": ["11.00 GBP"], "earn[parts].bands.steps[0].rate": ["0.11 per 1.00 GBP"],
    "earn[parts].bands.steps[1].rate": ["0.21 per 1.00 GBP"],
    "earn[bonus].flat": ["51"], "earn[flying].per": ["order"], "earn[bonus].per": ["line"],
    "earn[parts].per": ["line"], "earn[bonus].money": ["EUR", None],
    "earn[base].when": ["line.tax_minor > 1", None],
    "earn[parts].pending.after": ["15 days", "14 months"], "earn[bonus].pending.until": ["2026-03-02", "2026-03-01T10:00"],
    "earn[base].pending.on": [one_of(None, after="3 days", within=None)],
    "campaigns[fair].campaign": ["market"],
    "campaigns[other].currency": ["miles"], "campaigns[fair].factor": ["2.5", "0.5"], "campaigns[fair].rules": [None],
    "campaigns[fair].when": ["member.orders_before == 1", None], "campaigns[fair].in": ["store"],
    "campaigns[fair].weekdays": ["[tuesday]", "[wednesday]", "[thursday]", "[friday]", "[saturday]", "[sunday]",
                                 "[saturday, sunday]", None],
    "campaigns[fair].days": ["[8, 19]", None], "campaigns[fair].dates": ["[11-12]", "[11-11, 02-29]", None],
    "campaigns[fair].hours": ["18:00-22:00", "17:30-21:00", None], "campaigns[fair].birthday": ["day", "week", None],
    "campaigns[fair].exclusive": ["sale", None],
    "combine.lines": ["sum", "first"], "combine.orders": ["max", "first"], "combine.campaigns": ["multiply", "max"],
    "awards[later].award": ["soon"], "awards[later].currency": ["gifts"], "awards[welcome].points": ["101"],
    "awards[welcome].on": ["first purchase", "birthday", "anniversary", one_of("activity", activity="review"),
                           one_of("balance", balance="10")],
    "awards[review].activity": ["survey"], "awards[round].balance": ["1001"],
    "awards[review].times": ["6", one_of(None, per=None)], "awards[review].per": TIMES,
    "awards[review].when": ["activity.value >= 5", None],
    "awards[review].pending.after": ["4 days"], "awards[later].pending.until": ["2026-03-02"],
    "awards[first].pending.on": [one_of(None, after="3 days", within=None)],
    "streaks[daily].streak": ["often"], "streaks[daily].currency": ["gifts"], "streaks[daily].activity": ["visit"],
    "streaks[daily].every": ["week"], "streaks[daily].points": ["[1, 2, 4]", "[1, 2]"],
    "missions[ten].mission": ["dozen"],
    "missions[ten].goal": [one_of("sum", target="5.00 GBP"), one_of("consecutive", every="month", per=None)],
    "missions[ten].of": [one_of("activity", activity="review", categories=None)],
    "missions[critic].goal": ["sum", one_of("consecutive", every="week")], "missions[critic].activity": ["survey"],
    "missions[ten].target": ["11"], "missions[reader].target": ["501.00 GBP", "500.00 EUR"], "missions[critic].target": ["1"],
    "missions[monthly].target": ["7"], "missions[monthly].every": ["day", "week", "quarter", "year"],
    "missions[ten].per": ["day", "week", "month", "quarter", "lifetime"], "missions[ten].repeats": ["4", "1"],
    "missions[ten].currency": ["gifts", one_of(None, points=None)], "missions[ten].points": ["251"],
    "missions[ten].badge": ["steady", None], "missions[ten].when": ["member.orders_before > 1", None],
    "caps[all].cap": ["whole"], "caps[all].currency": ["miles"], "caps[most].covers": ["[base, review]", None],
    "caps[most].max": ["5001"],
    "caps[most].per": ["event", "day", "week", "quarter", "year", "lifetime", "30 days", "31 days"],
    "caps[most].excess": ["reject"], "caps[most].give_back": ["false"],
    "tiers[savers].group": ["thrifty"],
    "tiers[spenders].metric.spend": [one_of("EUR", **{"tiers[spenders].levels[high].from": "500.00 EUR"})], "tiers[club].metric.points": ["points"],
    "tiers[savers].metric.points": [one_of("growth", balance=None)],
    "tiers[savers].metric.visits": [one_of("purchase", balance=None), one_of("check_in", balance=None)],
    "tiers[savers].metric.missions": [one_of("any", balance=None), one_of("ten", balance=None)],
    "tiers[savers].metric.balance": ["miles"],
    "tiers[circle].metrics.visited.visits": ["check_in"], 
    "tiers[circle].metrics.spent.spend":
        [one_of("EUR", **{"tiers[circle].levels[friend].from": "{ visited: 12, spent: 200.00 EUR, done: 1, held: 10 }"})],
    
    "tiers[circle].metrics.done.missions": ["ten"], "tiers[circle].metrics.held.balance": ["miles"],
    "tiers[circle].metrics.held.points": [one_of("growth", balance=None)],
    "tiers[circle].match": ["any"],
    "tiers[club].window": ["calendar quarter", "calendar month", "calendar week",
                           one_of("member anniversary", rollover=None), one_of("rolling 12 months", rollover=None, grace=None),
                           one_of("rolling 12 days", rollover=None, grace=None),
                           one_of("lifetime", rollover=None, downgrade=None, grace=None, at_risk=None)],
    "tiers[club].upgrade": ["next period"], "tiers[club].downgrade": [one_of("none", grace=None), "to qualified"],
    "tiers[club].grace": ["31 days", "none"], "tiers[club].rollover": ["false"], "tiers[club].at_risk": ["61 days", "none"],
    "tiers[savers].levels[saver].level": ["hoarder"], "tiers[savers].levels[saver].from": ["2501"],
    "tiers[spenders].levels[high].from": ["501.00 GBP"],
    "tiers[circle].levels[friend].from": ["{ visited: 13, spent: 200.00 GBP, done: 1, held: 10 }",
                                     "{ visited: 12, spent: 201.00 GBP, done: 1, held: 10 }",
                                     "{ visited: 12, spent: 200.00 GBP, done: 2, held: 10 }",
                                     "{ visited: 12, spent: 200.00 GBP, done: 1, held: 11 }"],
    "tiers[club].levels[keeper].multiplier": ["1.25", None],
    "spending.hold_timeout": ["16 min", "15 h"], "spending.restore_grace": ["8 days", "none"],
    "spending.limits[0].currency": ["miles"],
    "spending.limits[1].level": ["reader", one_of("high", group="spenders")],
    "spending.limits[1].group": [one_of("spenders", level="high")],
    "spending.limits[0].minimum": ["110", None], "spending.limits[0].multiple_of": ["20", None],
    "spending.limits[0].maximum": ["10010", None],
    "spending.payments[points].currency": ["miles"], "spending.payments[points].rate": ["0.02 GBP per 1", "0.05 GBP per 7"],
    "spending.payments[points].max_points": ["5010", None], "spending.payments[points].max_amount": ["51.00 GBP", None],
    "spending.payments[points].min_cash_due": ["2.00 GBP", None], "spending.payments[points].minimum": ["110", None],
    "spending.payments[points].multiple_of": ["20", None],
    "spending.rewards[mug].reward": ["cup"], "spending.rewards[mug].prices[0].currency": ["miles"],
    "spending.rewards[mug].prices[1].group": [one_of("spenders", level="high")],
    "spending.rewards[mug].prices[1].level": ["reader"], "spending.rewards[mug].prices[0].points": ["801"],
    "spending.rewards[mug].times": ["2", one_of(None, per=None)], "spending.rewards[mug].per": TIMES,
    "spending.rewards[mug].when": ["spend.points > 1", None],
    "returns.method": ["recompute", "value_share"], "returns.arrears": ["within_balance", "only_pending"],
    "returns.write_off": ["{ points: 6 }", "{ miles: 5 }", None], "returns.tier_value": ["keep until period end"],
    "returns.wait": ["31 days"],
    "limits[orders].limit": ["buying"],
    "limits[orders].of": ["activity", "redeem", "hold", "refund"], "limits[reviews].activity": ["survey", None],
    "limits[orders].measure": [one_of("points", currency="points"), one_of("money", max="20.00 GBP")],
    "limits[reviews].of": [one_of("redeem", activity=None, action="flag", when=None)],
    "limits[reviews].currency": ["miles"], "limits[mean].money": ["EUR"], "limits[orders].max": ["21"],
    "limits[mean].times_own_mean": ["21", "0.5"], "limits[orders].window": ["25 h", "90 min"],
    "limits[reviews].window": ["2 days"], "limits[quick].after_redeem": ["49 h", None], "limits[orders].action": ["quarantine", "flag"],
    "limits[reviews].when": ["member.orders_before == 1", None],
    "quarantine.undecided": ["31 days"], "quarantine.then": ["reject"],
    "approvals.lapse": ["8 days"], "approvals.adjustments[points].currency": ["miles"],
    "approvals.adjustments[points].above": ["1001"],
}


def rendered(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key}: {rendered(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list):
        return "[ " + ", ".join(map(rendered, value)) + " ]"
    return value


def schema_keys():
    """{path: node} of every key that has a value of its own, wherever it may stand: "earn[].basis.lines"."""
    def walk(node, path):
        for each in node.get("oneOf", []):
            yield from walk(each, path)
        for key, each in node.get("properties", {}).items():
            yield from walk(each, f"{path}.{key}".lstrip("."))
        if isinstance(node.get("additionalProperties"), dict) and "properties" in node["additionalProperties"]:
            yield from walk(node["additionalProperties"], f"{path}.NAME")
        elif "properties" in node.get("items", {}):
            yield from walk(node["items"], f"{path}[]")
        elif "properties" not in node and "const" not in node and "oneOf" not in node:
            yield path, node
    printed = subprocess.run([os.environ["SCHEMA_PRINT"], "json"], capture_output=True, text=True, check=True).stdout
    keys = dict(walk(json.loads(printed), ""))
    return {path: node for path, node in keys.items() if re.split(r"[.[]", path)[0] not in SILENT}


def key_of(place):
    """ "earn[base].basis.lines" → "earn[].basis.lines" """
    path = re.sub(r"\[[^]]*\]", "[]", place)
    return re.sub(r"^(funders|stores|currencies|tiers\[\]\.metrics)\.[^.]+", r"\1.NAME", path)


def entry_of(entries, name):
    return entries[int(name)] if name.isdigit() else next(each for each in entries if next(iter(each.values())) == name)


def map_at(rulebook, place):
    """The map that a place's last key stands in, and that key."""
    node = rulebook
    *folders, key = place.split(".")
    for folder in folders:
        name, _, entry = folder.rstrip("]").partition("[")
        node = entry_of(node[name], entry) if entry else node[name]
    return node, key


def places_of_anywhere():
    """Where the keys of ANYWHERE stand in the rulebook and EDITS says nothing else."""
    def walk(node, path):
        for key, value in node.items():
            place = f"{path}.{key}".lstrip(".")
            if isinstance(value, dict):
                yield from walk(value, place)
            elif isinstance(value, list):
                for at, each in enumerate(value):
                    name = next(iter(each.values()))
                    unique = sum(name == next(iter(other.values())) for other in value) == 1
                    yield from walk(each, f"{place}[{name if unique else at}]")
            elif key in ANYWHERE and place not in EDITS and ".levels[" not in place:
                yield place
    return list(walk(RULEBOOK, ""))


ALL_EDITS = {**{place: ANYWHERE[place.rpartition(".")[2]] for place in places_of_anywhere()}, **EDITS}


def by_heading(text):
    """{heading: its lines}"""
    parts = [part.splitlines() for part in text.split("\n\n")[1:]]
    return {part[0]: part[1:] for part in parts}


def edited(place, edit):
    value, beside = edit if isinstance(edit, tuple) else (edit, {})
    rulebook = copy.deepcopy(RULEBOOK)
    node, key = map_at(rulebook, place)
    for other, each in {key: value, **beside}.items():
        node, key = map_at(rulebook, other) if "." in other else (node, other)
        if each is None:
            node.pop(key, None)
        else:
            node[key] = each
    return rulebook


class Explained(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.keys = schema_keys()
        cls.known = {}  # what was explained already

    def told(self, command, *rulebooks, language="en"):
        paths = [self.folder / f"shop-{at}.yaml" for at in range(len(rulebooks))]
        for path, rulebook in zip(paths, rulebooks):
            path.write_text("".join(f"{key}: {rendered(value)}\n" for key, value in rulebook.items()))
        done = subprocess.run([os.environ["TALLY"], "rules", command, *paths, "--language", language],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def explained(self, rulebook, language):
        key = language, rendered(rulebook)
        if key not in self.known:
            self.known[key] = self.told("explain", rulebook, language=language)
        return self.known[key]

    def test_every_edit_changes_a_sentence(self):
        for language in LANGUAGES:
            before = self.explained(RULEBOOK, language)
            for place, edits in ALL_EDITS.items():
                told = {before: "as it was"}
                for edit in edits:
                    with self.subTest(language=language, place=place, edit=edit):
                        text = self.explained(edited(place, edit), language)
                        self.assertNotIn(text, told, f"{place}: {edit} reads like {told.get(text)}")
                        told[text] = edit

    def test_every_edit_is_shown_as_a_change(self):
        before = self.explained(RULEBOOK, "en")
        for place, edits in ALL_EDITS.items():
            after = edited(place, edits[0])
            with self.subTest(place=place, edit=edits[0]):
                self.assert_changes(before, self.explained(after, "en"), self.told("diff", RULEBOOK, after))

    def assert_changes(self, before, after, changes):
        """What was shown are the lines that one explanation has and the other lacks, each under its heading."""
        old, new, heads = by_heading(before), by_heading(after), by_heading(changes)
        self.assertEqual(changes.splitlines()[0].split()[:3], ["Changes", "from", before.split()[1]])
        for heading in old:
            self.assertEqual([line[2:] for line in heads.get(heading, []) if line[0] == "-"],
                             [line[2:] for line in old[heading] if line not in new[heading] and line != "- None."])
            self.assertEqual(sorted(line[2:] for line in heads.get(heading, []) if line[0] == "+"),
                             sorted(line[2:] for line in new[heading] if line not in old[heading] and line != "- None."))

    def test_what_only_moves_is_no_change(self):
        moved = {key: value[::-1] if isinstance(value, list) else value for key, value in reversed(RULEBOOK.items())}
        moved["currencies"] = dict(reversed(RULEBOOK["currencies"].items()))
        self.assertEqual(self.told("diff", RULEBOOK, moved), "Changes from shop, version 1, to shop, version 1\nNothing changes.\n")

    def activate(self, folder, rulebook, *flags):
        path = self.folder / "next.yaml"
        path.write_text("".join(f"{key}: {rendered(value)}\n" for key, value in rulebook.items()))
        return self.run_in_folder("rules", "activate", path, "--retroactive", "--data-dir", folder, *flags)

    def run_in_folder(self, *arguments):
        done = subprocess.run([os.environ["TALLY"], *arguments], capture_output=True, text=True, cwd=self.folder, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_activation_shows_the_same_as_diff(self):
        versions = [{**edited("campaigns[fair].factor", str(at + 2)), "version": str(at + 1)} for at in range(3)]
        for language in LANGUAGES:
            folder = self.folder / f"ledger-{language}"
            self.run_in_folder("journal", "create", "--data-dir", folder, "--programme", "shop")
            first, second = (self.activate(folder, each, "--language", language) for each in versions[:2])
            changes = self.told("diff", *versions[:2], language=language)
            self.assertIn("fair", changes)
            self.assertEqual(second[:len(changes)], changes)
            self.assertTrue(first.startswith(self.explained(versions[0], language)))
            third = json.loads(self.activate(folder, versions[2], "--language", language, "--json"))
            changes = self.told("diff", *versions[1:], language=language).splitlines()
            self.assertEqual(third["removed"], [line[2:] for line in changes if line.startswith("- ")])
            self.assertEqual(third["added"], [line[2:] for line in changes if line.startswith("+ ")])
            self.assertEqual((third["rulebook"], third["version"], third["written"]), ("shop", 3, third["partitions"]))

    def test_every_key_is_edited(self):
        self.assertGreater(len(self.keys), 200)
        self.assertEqual({key_of(place) for place in ALL_EDITS}, set(self.keys))

    def test_every_word_is_tried(self):
        tried = {}
        for place, edits in ALL_EDITS.items():
            node, key = map_at(RULEBOOK, place)
            values = [node.get(key), *(edit[0] if isinstance(edit, tuple) else edit for edit in edits)]
            for value in filter(None, values):
                tried.setdefault(key_of(place), set()).update(re.split(", *", value.strip("[]")))
        for key, node in self.keys.items():
            words = node.get("enum") or node.get("items", {}).get("enum") or []
            with self.subTest(key):
                self.assertEqual(set(words) - tried[key], set())

    def test_every_heading_is_always_shown(self):
        least = {"rulebook": "least", "version": "1", "effective_from": "2026-01-01", "zone": "UTC",
                 "currencies": {"points": {}}}
        for language, nothing in (("en", "- None."), ("zh", "- 无。")):
            headings = [[line for line in self.explained(each, language).splitlines()[2:] if not line.startswith("- ")]
                        for each in (RULEBOOK, least)]
            self.assertEqual(headings[0], headings[1])
            self.assertIn(nothing, self.explained(least, language))
            self.assertNotIn(nothing, self.explained(RULEBOOK, language))

    def test_an_unknown_language(self):
        done = subprocess.run([os.environ["TALLY"], "rules", "explain", "shop.yaml", "--language", "fr"],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 64)
        self.assertIn("language", done.stderr)
