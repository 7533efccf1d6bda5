"""What must hold of everything that is published, whatever the programme and whatever was told (semantics §3, §5).

The postings are added up again, one after another; whatever does not add up raises `Broken` with the posting.
"""

import collections

OWN = ("PENDING", "ACTIVE", "HELD", "LAPSING")
# Of the programme. What was issued is below zero by what all others hold; by hand one adjusts in both directions.
ANY_SIGN, NEVER_BELOW = ("ISSUED", "ADJUSTED"), ("REDEEMED", "EXPIRED", "REVERSED", "FORFEITED", "CLEARING")
# What points may come from, out of nothing: events of these kinds, or time.
MAKING = {"purchase", "activity", "enrol", "delivered", "grant", "approve", "profileUpdate", "releaseQuarantine"}
MADE_BY_TIME = {"birthday", "anniversary"}


class Broken(Exception):
    pass


def demand(good, what, about):
    if not good:
        raise Broken(f"{what}\n  {about}")


def subject_of(item):
    return next(((name, item[name]) for name in ("member", "guest") if name in item), None)


def lot_of(posting):
    lot = posting.get("lot")
    return lot and (int(lot.get("ordinal", 0)), int(lot.get("index", 0)))


def event_of(item):
    event = item.get("event")
    return event and (event["source"], event["id"])


class Books:
    def __init__(self, outcomes, postings):
        self.accounts = collections.Counter()  # (subject, currency, account), and (None, currency, account)
        self.lots = collections.Counter()      # (subject, currency, lot, account)
        self.holds = collections.Counter()     # (subject, hold)
        self.ends = {}
        self.told = collections.defaultdict(list)
        for outcome in outcomes:
            if event_of(outcome):
                self.told[event_of(outcome)].append(outcome)
        for posting in postings:
            self.add(posting)
        self.ends_told(outcomes)

    def add(self, posting):
        units, currency, subject = int(posting.get("points", 0)), posting["currency"], subject_of(posting)
        demand(units > 0 or units == 0 and posting["kind"] in ("EXTEND", "FUND"), "it moves nothing", posting)
        if posting["kind"] in ("EXTEND", "FUND"):
            return
        demand(posting["from"] != posting["to"], "from an account to itself", posting)
        for name, change in ((posting["from"], -units), (posting["to"], units)):
            self.move(subject, currency, name.removeprefix("ACCOUNT_"), change, posting)
        owes = -self.accounts[subject, currency, "ARREARS"]
        demand(int(posting.get("activeAfter", 0)) == self.accounts[subject, currency, "ACTIVE"],
               f"active is {self.accounts[subject, currency, 'ACTIVE']} after it", posting)
        demand(int(posting.get("arrearsAfter", 0)) == owes, f"arrears are {owes} after it", posting)
        self.caused(posting)
        self.hold(posting, subject, units)

    def move(self, subject, currency, account, change, posting):
        own = account in (*OWN, "ARREARS")
        key = (subject if own else None, currency, account)
        self.accounts[key] += change
        after = self.accounts[key]
        if account in OWN or account in NEVER_BELOW:
            demand(after >= 0, f"{account.lower()} is {after} after it", posting)
        elif account == "ARREARS":
            demand(after <= 0, f"arrears are {-after} after it", posting)
        else:
            demand(account in ANY_SIGN, "no such account", posting)
        if account in OWN:
            demand(lot_of(posting), "points of a member that are in no lot", posting)
            lot = (subject, currency, lot_of(posting), account)
            self.lots[lot] += change
            demand(self.lots[lot] >= 0, f"its lot has {self.lots[lot]} {account.lower()} after it", posting)

    def caused(self, posting):
        """Events that are refused move nothing; out of nothing come points only by what may grant."""
        event, kind = event_of(posting), None
        if event:
            answers = self.told.get(event, [])
            accepted = [each for each in answers if each["verdictName"] == "accepted"]
            demand(accepted, "its event was not accepted", posting)
            kind = accepted[0]["kind"]
        if posting["from"] == "ACCOUNT_ISSUED":
            demand(posting["kind"] in ("GRANT", "QUARANTINE"), "issued by what grants nothing", posting)
            demand(event is None or kind in MAKING, f"made of nothing by an event of kind {kind}", posting)
        why = posting.get("explanation", {})
        for part in why.get("parts", []):
            if part["phase"] == "BASE" and int(part.get("points", 0)) > 0:
                demand(int(part.get("eligibleMinor", 0)) > 0, "a base that earns on nothing", posting)

    def hold(self, posting, subject, units):
        hold = (subject, posting.get("holdId"))
        if posting["to"] == "ACCOUNT_HELD":
            demand(hold[1], "held for no hold", posting)
            demand(hold not in self.ends, "held again after its end", posting)
            self.holds[hold] += units
        elif posting["from"] == "ACCOUNT_HELD":
            end = event_of(posting) or int(posting["effectiveAtMs"])
            demand(self.ends.setdefault(hold, end) == end, f"ended a second time, before by {self.ends[hold]}", posting)
            self.holds[hold] -= units
            demand(self.holds[hold] >= 0, "more than was held", posting)

    def ends_told(self, outcomes):
        for hold, left in self.holds.items():
            demand(hold not in self.ends or left == 0, f"{left} of it are held after its end", hold)

    def balance(self, subject, currency, account):
        return self.accounts[subject, currency, account]


def compare_shown(books, members):
    """What members are shown is what the postings say; lots sum to balances."""
    for member in members:
        subject = ("member", member["member"]) if "member" in member else ("guest", member["guest"])
        for wallet in member["wallets"]:
            currency = wallet["currency"]
            for account in (*OWN, "ARREARS"):
                summed = abs(books.balance(subject, currency, account))
                demand(wallet[account.lower()] == summed, f"{account.lower()} of {subject}: postings say {summed}", wallet)
            lots = [lot for lot in member["lots"] if lot["currency"] == currency]
            for account in ("pending", "active", "lapsing"):
                # A lot that was extended, frozen or undone may be past its instant and yet be "active".
                summed = sum(lot["remaining"] for lot in lots if lot["state"] == account)
                demand(wallet[account] == summed, f"lots of {subject} have {summed} {account}", member)
            held = sum(lot["held"] for lot in lots)
            demand(wallet["held"] == held, f"lots of {subject} hold {held}", member)
        for lot in member["lots"]:
            ordinal, index = map(int, lot["lot"].split("."))
            summed = sum(books.lots[subject, lot["currency"], (ordinal, index), account]
                         for account in ("PENDING", "ACTIVE", "LAPSING"))
            demand(lot["remaining"] == summed, f"a lot of {subject}: postings say {summed}", lot)
