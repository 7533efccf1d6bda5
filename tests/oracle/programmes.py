"""Programmes drawn from a seed: every key of the rulebook, every word of every choice, free of contradictions.

A programme has a theme, which is the part of the law that its rulebooks dwell on; the other parts come in now and then. The
versions of one programme share zone, scales and names, so that what one of them granted is met by the next.
"""

import re

from civil import EPOCH, MILLISECOND
from conditions_drawn import draw_condition
from words import (ACTIVITY_WORDS, BRANDS, CATEGORIES, CHANNELS, DAY, FUNDERS, HOUR, LEVELS, LINE_WORDS, MONEY_DIGITS,
                   PARTNERS, SKUS, STORES, WITHOUT, ZONES)

THEMES = ("earning", "campaigns", "awards", "spending", "returns", "expiry", "tiers", "limits")
RATES = ["1 per 1.00", "1 per 1.00", "1 per 0.10", "3 per 2.00", "7 per 3.33", "1 per 0.01"]
FACTORS = ["2", "3", "1.5", "0.333333", "1.1", "0.5"]
PERIODS = ["1 days", "2 days", "30 days", "1 weeks", "2 weeks", "1 months", "3 months", "12 months", "1 years"]
MONTHS = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
          "december"]
ROUNDINGS = ["none", "end of day", "end of week", "end of month", "end of quarter", "end of year"] + [
    f"end of {month}" for month in MONTHS]
DATES = ["01-01", "02-28", "02-29", "03-29", "03-31", "06-30", "10-25", "11-11", "12-25", "12-31"]
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
UNITS = ["day", "week", "month", "quarter", "year"]
WINDOWS = ["calendar year", "calendar quarter", "calendar month", "calendar week", "rolling 30 days", "rolling 7 days",
           "rolling 1 months", "rolling 12 months", "member anniversary", "lifetime"]
LENGTHS = ["1 s", "60 s", "5 min", "15 min", "1 h", "24 h", "7 days", "30 days"]


def written_instant(ms):
    text = (EPOCH + ms * MILLISECOND).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z").replace(".000Z", "Z")


class Programmes:
    def __init__(self, random, start, theme, huge=0.0, plain=False):
        self.random, self.start, self.theme, self.huge, self.plain = random, start, theme, huge, plain
        self.choice = random.choice
        self.zone = self.choice(ZONES)
        names = ["points"] if plain else ["points", "miles", "growth"]
        self.scales = {name: self.choice([0, 0, 0, 1, 2, 6 if huge else 2]) for name in names}
        self.groups_known = ["club", "status"]

    def chance(self, probability):
        return self.random.random() < probability

    def often(self, *themes):
        """More often where it is what the programme is about."""
        return self.chance(0.75 if self.theme in themes else 0.2)

    def some(self, items, most=3):
        return self.random.sample(list(items), k=self.random.randint(1, min(most, len(items))))

    def draw(self):
        """The versions, as nodes."""
        books = [self.draw_book(1, self.start - self.choice([0, DAY, 400 * DAY, 400 * DAY, 400 * DAY]))]
        for version in range(2, 2 + self.choice([0, 0, 1, 1, 2])):
            since = self.start + self.choice([-400 * DAY, -DAY, 0, HOUR, DAY, 40 * DAY, 90 * DAY])
            books.append(self.mixed(self.draw_book(version, since), books[-1]))
        return [without(book) for book in books]

    def mixed(self, book, before):
        """Much of a version stays as it was before, where what it names is still there."""
        keys = ["accept", "members", "quarantine"]
        if book["currencies"].keys() == before["currencies"].keys() and self.chance(0.6):
            keys = [key for key in {**before, **book} if key not in ("rulebook", "version", "effective_from", "zone")]
        for key in keys:
            if len(keys) > 3 or self.chance(0.5):
                book.pop(key, None)
                if key in before:
                    book[key] = before[key]
        if len(keys) > 3:  # but for some parts that nothing else names
            self.spendable = [name for name, each in book["currencies"].items() if each.get("qualifying") != "true"]
            book.update(returns=self.draw_returns(), members={"unknown": self.choice(["auto-enrol", "park", "reject"])})
            book["earn"] = [self.repriced(rule) for rule in book["earn"]]
        return book

    def repriced(self, rule):
        """The same rule at another rate."""
        if "rate" in rule and self.chance(0.5):
            return {**rule, "rate": self.rate(money_of(rule), rule["currency"])}
        return rule

    def draw_book(self, version, since):
        book = {"rulebook": "drawn", "version": version, "effective_from": written_instant(since), "zone": self.zone}
        currencies = [name for name in self.scales if name == "points" or self.chance(0.6)]
        self.qualifying = {name for name in currencies if name == "growth" and self.chance(0.7)}
        self.spendable = [name for name in currencies if name not in self.qualifying]
        self.names = 0
        if self.chance(0.5) and not self.plain:
            book["accept"] = {"future": self.choice(["0 s", "1 s", "5 min", "1 h"]),
                              "past": self.choice(["2 h", "30 days", "90 days", "366 days", "366 days", "366 days"])}
        if self.chance(0.4):
            book["members"] = {"unknown": self.choice(["auto-enrol", "park", "park", "reject"])}
        self.funders = self.some(FUNDERS) if self.chance(0.4) else []
        if self.funders:
            book["funders"] = {name: {"unit_cost": self.choice(["0.01 GBP", "0.003 GBP", "1 JPY"])} if self.chance(0.7) else {}
                               for name in self.funders}
        if self.chance(0.5):
            book["stores"] = {name: {"zone": self.choice(ZONES)} for name in self.some(STORES)}
        book["currencies"] = {name: self.draw_currency(name) for name in currencies}
        self.groups = {name: self.choice([2, 3, 3, 4]) for name in self.groups_known
                       if self.chance(0.8 if self.theme == "tiers" else 0.5)}
        book["earn"] = self.draw_earn(currencies)
        self.draw_combine(book)
        self.draw_bonuses(book, currencies)
        if self.groups:
            book["tiers"] = [self.draw_group(name, currencies, book) for name in self.groups]
        if self.often("spending") and self.spendable:
            book["spending"] = self.draw_spending()
        if self.chance(0.7):
            book["returns"] = self.draw_returns()
        if self.often("limits"):
            book["limits"] = self.draw_limits(currencies)
        if self.often("limits"):
            book["quarantine"] = {"undecided": self.choice(["1 days", "10 days", "30 days"]),
                                  "then": self.choice(["release", "reject"])}
        if self.often("limits"):
            book["approvals"] = {"lapse": self.choice(["1 days", "7 days", "30 days"]), "adjustments": [
                {"currency": name, "above": self.points(name, 1, 20, 100)} for name in self.some(self.spendable)]}
        return book

    # ---- values ----

    def name(self, kind):
        self.names += 1
        return f"{kind}{self.names}"

    def points(self, currency, *whole):
        """Of the whole numbers given one, now and then with decimals."""
        scale = self.scales[currency]
        text = str(self.choice(whole))
        return f"{text}.5" if scale and self.chance(0.3) else text

    @staticmethod
    def money(minor, currency):
        digits = MONEY_DIGITS[currency]
        return f"{minor // 10 ** digits}.{minor % 10 ** digits:0{digits}d} {currency}" if digits else f"{minor} {currency}"

    def rate(self, money, currency):
        """Now and then so high that a thousand million just can be counted, by the highest multiplier too."""
        text = self.choice(RATES)
        if self.chance(self.huge):
            most = 10 ** (6 - self.scales[currency])
            text = self.choice([f"{most} per 1.00", f"{max(1, most - 1)} per 1.01", "1 per 999999.97", "3 per 999983.33"])
        points, per = text.split(" per ")
        if MONEY_DIGITS[money] == 0:
            per = per.split(".")[0] if not per.startswith("0") else "1"
        return f"{points} per {per} {money}"

    def instant(self):
        """A start: a date, a local time or an instant, mostly within what the journal tells of."""
        ms = self.start + self.choice([-30, -1, 0, 1, 2, 7, 30, 60]) * DAY
        text = written_instant(ms - ms % 1000)
        return self.choice([text[:10], text[:16], text])

    def window(self, node, probability=0.2, forms=(10, 16, 20)):
        if not self.chance(probability):
            return
        first, last = sorted(self.random.sample([-40, -2, -1, 1, 2, 9, 30, 90], k=2))
        form = self.choice(forms)
        both = [written_instant(self.start - self.start % 1000 + each * DAY)[:form] for each in (first, last)]
        for key, text in zip(("from", "until"), both):
            if self.chance(0.8):
                node[key] = text

    def priority(self, node):
        if self.chance(0.4):
            node["priority"] = self.choice([-1, 1, 5, 10])

    def fund(self, node, probability=0.25):
        if self.funders and self.chance(probability):
            node["funder"] = self.choice(self.funders)

    def multiply(self, node, probability=0.5):
        if self.groups and self.chance(probability):
            node["multiplied_by"] = self.choice(list(self.groups))

    def where(self, node, lines=False, probability=0.12):
        """Filters of an order or an activity, and of lines."""
        for key, words in (("channels", CHANNELS), ("stores", STORES), ("partners", PARTNERS)):
            if self.chance(probability):
                node[key] = self.some(words, 2)
        for key, words in (("categories", CATEGORIES), ("skus", SKUS), ("brands", BRANDS)) if lines else ():
            if self.chance(probability * 1.5):
                node[key] = self.some(words, 2)

    def when(self, node, scope, probability=0.15):
        if self.chance(probability):
            node["when"] = draw_condition(self.random, scope, list(self.groups))

    def pend(self, node, *kinds):
        if not self.chance(0.25):
            return
        node["pending"] = self.choice([{"after": self.choice(PERIODS)}, {"until": self.instant()}, "none",
                                       {"on": "delivered"}, {"on": "delivered", "within": self.choice(PERIODS)}][:kinds[0]])

    def basis(self, node, probability=0.3):
        if not self.chance(probability):
            return
        basis = {key: self.choice(["true", "false"]) for key in ("net_of_discount", "without_tax", "without_tender")
                 if self.chance(0.5)}
        if self.chance(0.5) or not basis:
            basis["lines"] = self.some(LINE_WORDS)
        node["basis"] = basis

    # ---- currencies ----

    def draw_currency(self, name):
        currency = {"scale": self.scales[name], "rounding": self.choice(["floor", "ceil", "half-up", "half-even"])}
        if self.chance(0.9):
            currency["qualifying"] = "true" if name in self.qualifying else "false"
        elif name in self.qualifying:
            currency["qualifying"] = "true"
        if self.chance(0.85):
            currency["expiry"] = self.draw_expiry()
        if self.chance(0.8):
            currency["expiring_soon"] = self.choice(["none", "1 days", "2 days", "30 days", "366 days"])
        return currency

    def draw_expiry(self):
        if self.chance(0.15):
            return "none"
        expiry = {}
        kind = self.choice(["after", "after", "after", "dates", "at", "inactivity", "default"])
        if kind == "after":
            expiry["after"] = self.choice(["0 days"] + PERIODS)
            if expiry["after"] == "0 days":
                expiry["round"] = self.choice(ROUNDINGS[1:])
        elif kind == "dates":
            expiry["dates"] = sorted(self.some(DATES, 4))
        elif kind == "at":
            expiry["at"] = "member anniversary"
        elif kind == "inactivity":
            expiry["inactivity"] = self.choice(["2 days", "30 days", "1 months", "12 months"])
            activities = self.choice([["activity"], ["check_in"] + ACTIVITY_WORDS])
            expiry["counts"] = self.some(["purchase", "redeem", "hold", "delivered"] + activities, 5)
        if kind in ("after", "default") and "round" not in expiry and self.chance(0.8):
            expiry["round"] = self.choice(ROUNDINGS)
        if kind != "inactivity" and self.chance(0.4):
            expiry["from"] = self.choice(["activation", "earning"])
        if self.chance(0.4):
            expiry["grace"] = self.choice(["none", "1 days", "7 days"])
        return expiry

    # ---- earning ----

    def draw_earn(self, currencies):
        rules = []
        for number in range(self.choice([1, 2, 3, 5, 8] if self.theme == "earning" else [1, 2, 3])):
            rules.append(self.draw_rule(self.choice(currencies) if number else "points"))
        if self.plain or self.chance(0.75):  # most programmes have a plain one
            rules[0] = {"rule": rules[0]["rule"], "currency": "points", "rate": self.rate("GBP", "points")}
            self.multiply(rules[0])
        return rules

    def draw_rule(self, currency):
        rule = {"rule": self.name("r"), "currency": currency}
        money = self.choice(["GBP", "GBP", "GBP", "JPY", "KWD"])
        form = self.choice(["rate", "rate", "bands", "flat"])
        if form == "rate":
            rule["rate"] = self.rate(money, currency)
        elif form == "bands":
            rule["bands"] = self.draw_bands(money, currency)
        else:
            rule["flat"] = self.points(currency, 1, 5, 50)
            if self.chance(0.5):
                rule["money"] = money
        if self.chance(0.4):
            rule["per"] = self.choice(["line", "order"])
        per = rule.get("per", "line" if form == "rate" else "order")
        self.where(rule, lines=True)
        self.when(rule, per)
        self.window(rule)
        self.basis(rule)
        if form != "flat":
            self.multiply(rule)
        self.priority(rule)
        self.fund(rule)
        self.pend(rule, 5)
        return rule

    def draw_bands(self, money, currency):
        digits = 10 ** MONEY_DIGITS[money]
        bounds = sorted(self.random.sample([5 * digits, 10 * digits, 19 * digits + (digits > 1) * 99, 20 * digits,
                                            50 * digits, 100 * digits], k=self.choice([1, 1, 2, 3])))
        bands = {"steps": [{"up_to": self.money(bound, money), "rate": self.rate(money, currency)} for bound in bounds] +
                 [{"rate": self.rate(money, currency)}]}
        if self.chance(0.7):
            bands["mode"] = self.choice(["cliff", "marginal"])
        return bands

    def draw_combine(self, book):
        combine = {}
        for key, words in (("lines", ["max", "sum", "first"]), ("orders", ["max", "sum", "first"]),
                           ("campaigns", ["add", "multiply", "max"])):
            if self.chance(0.6):
                combine[key] = self.choice(words)
        if combine:
            book["combine"] = combine
        book["earn"] = reachable(book["earn"], combine)

    def draw_bonuses(self, book, currencies):
        if self.often("campaigns"):
            book["campaigns"] = self.draw_campaigns(book["earn"])
        if self.often("awards"):
            book["awards"] = [self.draw_award(self.choice(currencies)) for _ in range(self.choice([1, 2, 4]))]
        if self.often("awards"):
            book["streaks"] = [self.draw_streak(self.choice(currencies)) for _ in range(self.choice([1, 1, 2]))]
        if self.often("awards"):
            book["missions"] = [self.draw_mission(self.choice(currencies)) for _ in range(self.choice([1, 1, 2, 3]))]
        if self.often("earning", "campaigns", "awards"):
            book["caps"] = [self.draw_cap(self.choice(currencies), book) for _ in range(self.choice([1, 1, 2, 3]))]
        if not book.get("campaigns", True):
            del book["campaigns"]

    def draw_campaigns(self, earn):
        bases = [rule for rule in earn if "flat" not in rule]
        if not bases:
            return []
        count = self.choice([1, 2, 3, 4])
        rivals = self.choice([2, count]) if count > 1 and self.chance(0.6) else 0
        contested, campaigns = self.choice(bases), []
        for number in range(count):
            campaigns.append(self.draw_campaign(contested if number < rivals else self.choice(bases), bases))
            if number < rivals:
                campaigns[-1]["exclusive"] = "festival"
        return campaigns

    def draw_campaign(self, base, bases):
        campaign = {"campaign": self.name("c"), "currency": base["currency"], "factor": self.choice(FACTORS)}
        if self.chance(0.4):
            mine = [rule["rule"] for rule in bases if rule["currency"] == base["currency"]]
            campaign["rules"] = sorted({base["rule"], *self.some(mine)})
        self.where(campaign, lines=judged_per(base) == "line")
        campaign.update({key: base[key] for key in FILTERS if key in campaign and key in base})  # or it fits nothing
        self.when(campaign, "order")
        if self.chance(0.3):
            campaign["in"] = self.choice(["programme", "store"])
        if not base.keys() & {"from", "until"}:
            self.window(campaign, forms=[10, 16] if campaign.get("in") == "store" else [10, 16, 20])
        calendar = {"weekdays": self.some(WEEKDAYS, 5), "days": sorted(self.some([1, 8, 15, 18, 28, 29, 30, 31], 5)),
                    "dates": self.some(DATES, 5),
                    "hours": self.choice(["18:00-21:00", "00:00-24:00", "09:30-13:00", "00:00-02:00"]),
                    "birthday": self.choice(["day", "week", "month", "month"])}
        for key in self.some(calendar, 2) if self.chance(0.5) else []:
            campaign[key] = calendar[key]
        self.priority(campaign)
        self.fund(campaign, 0.4)
        return campaign

    def draw_award(self, currency):
        on = self.choice(["sign-up", "first purchase", "birthday", "anniversary", "activity", "activity", "balance"])
        award = {"award": self.name("a"), "on": on, "currency": currency, "points": self.points(currency, 1, 5, 20, 100)}
        if on == "activity":
            award["activity"] = self.choice(["check_in"] + ACTIVITY_WORDS)
        if on == "balance":
            award["balance"] = self.points(currency, 1, 20, 100, 200)
        timed = on in ("birthday", "anniversary")
        if on in ("activity", "balance") and self.chance(0.5):
            award["times"] = self.choice([1, 1, 2, 3])
            if self.chance(0.8):
                award["per"] = self.choice(UNITS + ["lifetime"])
        if not timed:
            self.where(award)
        self.when(award, {"activity": "activity", "first purchase": "order", "balance": "order"}.get(on, "member"))
        self.window(award, 0.15)
        self.multiply(award, 0.3)
        self.priority(award)
        self.fund(award)
        self.pend(award, 5 if on in ("first purchase", "balance") else 3)
        return award

    def draw_streak(self, currency):
        streak = {"streak": self.name("s"), "currency": currency,
                  "points": [self.points(currency, 0, 1, 2, 3, 10) for _ in range(self.choice([1, 2, 3, 5]))]}
        if self.chance(0.5):
            streak["activity"] = self.choice(["check_in", "check_in"] + ACTIVITY_WORDS)
        if self.chance(0.6):
            streak["every"] = self.choice(["day", "day", "week"])
        if set(streak["points"]) == {"0"}:
            streak["points"][0] = "1"
        self.window(streak, 0.15)
        self.priority(streak)
        self.fund(streak)
        self.multiply(streak, 0.3)
        return streak

    def draw_mission(self, currency):
        goal, of = self.choice(["count", "sum", "consecutive"]), self.choice(["purchase", "activity"])
        mission = {"mission": self.name("m"), "goal": goal, "of": of}
        if of == "activity":
            mission["activity"] = self.choice(["check_in"] + ACTIVITY_WORDS)
        if goal == "sum" and of == "purchase":
            mission["target"] = self.choice(["10.00 GBP", "20.00 GBP", "50.00 GBP", "1000 JPY"])
            self.basis(mission)
        elif goal == "sum":
            mission["target"] = self.choice([1, 10, 30])
        else:
            mission["target"] = self.choice([1, 2, 2, 3])
        if goal == "consecutive":
            mission["every"] = self.choice(UNITS)
        elif self.chance(0.6):
            mission["per"] = self.choice(UNITS + ["lifetime"])
        if self.chance(0.5):
            mission["repeats"] = self.choice([1, 2, 3])
        rewards = self.choice(["points", "badge", "both"])
        if rewards != "badge":
            mission.update(currency=currency, points=self.points(currency, 1, 10, 50))
            self.fund(mission)
        if rewards != "points":
            mission["badge"] = self.choice(["bookworm", "regular"])
        self.where(mission)
        if of == "purchase" and self.chance(0.2):
            mission["categories"] = self.some(CATEGORIES, 2)
        self.when(mission, "order" if of == "purchase" else "activity")
        self.window(mission, 0.15)
        self.priority(mission)
        return mission

    def draw_cap(self, currency, book):
        cap = {"cap": self.name("k"), "currency": currency, "per": self.choice(
            ["event", "event"] + UNITS + ["lifetime", "1 days", "7 days", "30 days"])}
        earning = {each[key]: each for section, key in NAMED_BY.items()
                   for each in book.get(section, []) if each.get("currency") == currency}
        if earning and self.chance(0.6):
            cap["covers"] = sorted(self.some(earning, 4))
        if self.chance(0.7):
            cap["excess"] = self.choice(["trim", "reject"])
        rejects = cap.get("excess") == "reject"
        cap["max"] = self.points(currency, *([120, 200] if rejects else [1, 10, 20, 50, 100]))
        if self.chance(0.5):
            cap["give_back"] = self.choice(["true", "false"])
        self.priority(cap)
        return cap

    # ---- tiers ----

    def draw_group(self, name, currencies, book):
        group = {"group": name}
        several = not self.plain and self.chance(0.3)
        if several:
            kinds = self.some(["spend", "points", "visits", "missions", "balance"], 4)
            kinds += ["visits"] * (len(kinds) < 2 and kinds != ["visits"]) + ["spend"] * (kinds == ["visits"])
            group["metrics"] = {f"by_{kind}": self.draw_metric(kind, currencies, book) for kind in kinds}
            if self.chance(0.8):
                group["match"] = self.choice(["all", "any"])
        else:
            kind = self.choice(["spend", "spend", "points", "points", "visits", "missions", "balance"])
            group["metric"] = self.draw_metric(kind, currencies, book)
        window = self.choice(WINDOWS)
        if self.chance(0.8):
            group["window"] = window
        window = group.get("window", "calendar year")
        fixed = window.startswith("calendar") or window == "member anniversary"
        if self.chance(0.6):
            group["upgrade"] = self.choice(["immediate", "next period"] if fixed else ["immediate"])
        if window != "lifetime":
            group["downgrade"] = self.choice(["none", "one step", "to qualified", "to qualified"])
        if fixed and group["downgrade"] != "none" and self.chance(0.4):
            group["grace"] = self.choice(["none", "1 days", "3 days", "30 days"])
        if window.startswith("calendar") and not several and "balance" not in group["metric"] and self.chance(0.3):
            group["rollover"] = self.choice(["true", "false"])
        if self.chance(0.6):
            group["at_risk"] = self.choice(["none", "1 days", "7 days", "30 days"])
        self.draw_levels(group)
        return group

    def draw_metric(self, kind, currencies, book):
        if kind == "spend":
            metric = {"spend": self.choice(["GBP", "GBP", "GBP", "JPY"])}
            self.basis(metric)
            return metric
        if kind in ("points", "balance"):
            return {kind: self.choice(self.spendable if kind == "balance" else currencies)}
        if kind == "visits":
            return {"visits": self.choice(["purchase", "purchase", "check_in"] + ACTIVITY_WORDS)}
        missions = [each["mission"] for each in book.get("missions", [])]
        return {"missions": self.choice(["any"] + missions)}

    def draw_levels(self, group):
        metrics = group.get("metrics") or {"": group["metric"]}
        at = dict.fromkeys(metrics, 0)
        levels = []
        for index in range(self.groups[group["group"]]):
            asked = {name: self.threshold(metric, at[name]) for name, metric in metrics.items()}
            level = {"level": LEVELS[index], "from": asked if group.get("metrics") else asked[""]}
            if self.chance(0.6):
                level["multiplier"] = self.choice(FACTORS + ["1000", "999.999999"] * self.chance(self.huge))
            levels.append(level)
            for name, metric in metrics.items():
                at[name] += self.choice([1, 1, 2] if metric.keys() & {"visits", "missions"} else [1, 10, 20, 40, 100])
        group["levels"] = levels

    def threshold(self, metric, at):
        return f"{at} {metric['spend']}" if at and "spend" in metric else str(at)

    # ---- spending ----

    def level(self, node):
        """From a level up, of one group in all the programme."""
        if self.groups and self.chance(0.5):
            node["group"] = list(self.groups)[-1]
            node["level"] = self.choice(LEVELS[:self.groups[node["group"]]])
        return (node["currency"], node.get("group"), node.get("level"))

    def draw_spending(self):
        spending = {}
        if self.chance(0.6):
            spending["hold_timeout"] = self.choice(["1 min", "15 min", "1 h", "2 days", "90 days"])
        if self.chance(0.5):
            spending["restore_grace"] = self.choice(["none", "1 days", "7 days"])
        if self.chance(0.5):
            spending["limits"] = self.each_once(self.draw_thresholds, 3)
        if self.chance(0.6):
            spending["payments"] = self.each_once(self.draw_payment, 3)
        if self.chance(0.7):
            spending["rewards"] = [self.draw_reward(name) for name in self.some(["mug", "bag", "book"])]
        return spending

    def each_once(self, draw, most):
        found = {}
        for _ in range(self.random.randint(1, most)):
            node, key = draw()
            found.setdefault(key, node)
        return list(found.values())

    def draw_thresholds(self):
        node = {"currency": self.choice(self.spendable)}
        key = self.level(node)
        for name, whole in (("minimum", [1, 5, 10]), ("multiple_of", [1, 2, 5]), ("maximum", [20, 50, 200])):
            if self.chance(0.6):
                node[name] = str(self.choice(whole))
        if not node.keys() & {"minimum", "multiple_of", "maximum"}:
            node["minimum"] = "2"
        return node, key

    def draw_payment(self):
        node = {"currency": self.choice(self.spendable)}
        money = self.choice(["GBP", "GBP", "JPY"])
        node["rate"] = self.choice(["0.01 GBP per 1", "1.00 GBP per 100", "0.07 GBP per 3", "0.5 GBP per 1"]) \
            if money == "GBP" else self.choice(["1 JPY per 1", "2 JPY per 3"])
        for name, values in (("max_points", ["50", "500", "5000"]), ("max_amount", ["5", "50"]), ("min_cash_due", ["0", "1"]),
                             ("minimum", ["1", "10"]), ("multiple_of", ["1", "5", "10"])):
            if self.chance(0.4):
                node[name] = self.choice(values) + (f" {money}" if name in ("max_amount", "min_cash_due") else "")
        return node, (node["currency"], money)

    def draw_reward(self, name):
        reward = {"reward": name, "prices": self.each_once(self.draw_price, 3)}
        self.window(reward, 0.3)
        if self.chance(0.5):
            reward["times"] = self.choice([1, 2, 3])
            if self.chance(0.8):
                reward["per"] = self.choice(UNITS + ["lifetime"])
        self.when(reward, "spend", 0.3)
        return reward

    def draw_price(self):
        node = {"currency": self.choice(self.spendable)}
        key = self.level(node)
        node["points"] = self.points(node["currency"], 1, 5, 10, 25)
        return node, key

    # ---- returns and limits ----

    def draw_returns(self):
        returns = {}
        if self.chance(0.8):
            returns["method"] = self.choice(["recompute", "item", "value_share"])
        if self.chance(0.8):
            returns["arrears"] = self.choice(["allow", "allow", "within_balance", "only_pending"])
        if self.chance(0.25):
            returns["write_off"] = {name: self.points(name, 1, 10, 50) for name in self.some(self.spendable)}
        if self.chance(0.4):
            returns["tier_value"] = self.choice(["recompute", "keep until period end"])
        if self.chance(0.4):
            returns["wait"] = self.choice(["1 days", "10 days", "30 days"])
        return returns

    def draw_limits(self, currencies):
        return [self.draw_limit(currencies) for _ in range(self.choice([1, 1, 2, 3]))]

    def draw_limit(self, currencies):
        of = self.choice(["purchase", "purchase", "activity", "redeem", "hold", "refund"])
        limit = {"limit": self.name("l"), "of": of}
        if of == "activity" and self.chance(0.5):
            limit["activity"] = self.choice(["check_in"] + ACTIVITY_WORDS)
        measures = {"purchase": ["count", "points", "money"], "refund": ["count", "money"]}
        measure = self.choice(measures.get(of, ["count", "points"]))
        if measure != "count" or self.chance(0.7):
            limit["measure"] = measure
        if measure == "points":
            limit["currency"] = self.choice(self.spendable if of in ("redeem", "hold") else currencies)
        if self.chance(0.3):
            if measure == "money":
                limit["money"] = self.choice(["GBP", "GBP", "JPY"])
            limit["times_own_mean"] = self.choice(["1", "2", "5", "1.5", "0.5"])
        else:
            limit["max"] = {"count": self.choice([1, 2, 3]), "money": self.choice(["30.00 GBP", "100.00 GBP"]),
                            "points": self.points(limit.get("currency", "points"), 10, 50, 200)}[measure]
            limit["window"] = self.choice(LENGTHS)
        if of == "refund" and self.chance(0.5):
            limit["after_redeem"] = self.choice(["1 h", "24 h", "7 days", "30 days", "366 days"])
            if measure == "count" and "max" in limit and self.chance(0.7):
                limit["max"] = 0
        actions = ["refuse", "flag"] + ["quarantine"] * 2 * (of in ("purchase", "activity"))
        limit["action"] = self.choice(actions)
        scope = {"purchase": "order", "activity": "activity", "redeem": "spend", "hold": "spend"}.get(of, "member")
        self.when(limit, scope)
        self.priority(limit)
        return limit


def without(book):
    """The book without what was not to be drawn, and without what named it."""
    for path in WITHOUT:
        section, _, key = path.partition(".")
        for each in book.get(section, []) if key and isinstance(book.get(section), list) else []:
            each.pop(key, None)
        if key and isinstance(book.get(section), dict):
            book[section].pop(key, None)
        elif not key:
            book.pop(section, None)
    if not WITHOUT:
        return book
    names = {each.get(key) for section, key in NAMED_BY.items() for each in book.get(section, [])}
    caps = [{**cap, "covers": [name for name in cap["covers"] if name in names]} if "covers" in cap else cap
            for cap in book.pop("caps", [])]
    caps = [cap for cap in caps if cap.get("covers", True)]
    if caps:
        book["caps"] = caps
    return book


NAMED_BY = {"earn": "rule", "campaigns": "campaign", "awards": "award", "streaks": "streak", "missions": "mission"}
FILTERS = ("categories", "skus", "brands", "channels", "stores", "partners")


def reachable(rules, combine):
    """Without those behind one that takes everything they could have: under `first` they are a mistake."""
    kept = []
    for rule in sorted(rules, key=lambda rule: (-rule.get("priority", 0), rule["rule"].encode())):
        per = judged_per(rule)
        first = combine.get("lines" if per == "line" else "orders") == "first"
        if not (first and "flat" not in rule and any(takes_all(other, rule) for other in kept)):
            kept.append(rule)
    return kept


def judged_per(rule):
    return rule.get("per", "line" if "rate" in rule else "order")


def money_of(rule):
    return re.search(r"[A-Z]{3}", str(rule.get("rate") or rule["bands"]))[0]


def takes_all(other, rule):
    def kinds(each):
        return set(each.get("basis", {}).get("lines", ["goods", "fee"]))
    return ("flat" not in other and other["currency"] == rule["currency"] and judged_per(other) == judged_per(rule) and
            money_of(other) == money_of(rule) and kinds(rule) <= kinds(other) and
            not other.keys() & {"when", "from", "until"} and
            all(key not in other or set(rule.get(key, ["any"])) <= set(other[key]) for key in FILTERS))
