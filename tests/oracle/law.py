"""The points law (semantics.md) once more, for one partition: slow, plain, and written from the text alone.

`Ledger.entry` folds one journal entry and appends what it says to `postings`, `outcomes`, `tiers` and `notices`, as
dictionaries with the names that outputs have as JSON. Everything is looked up by walking over everything: it is meant
to be read beside the law, not to be fast. The rooms of the law have files of their own; this one holds the journal's
entries, an event's way to its verdict, and what is said about it.
"""

import contextlib

from awards import Awards
from due import Due
from earning import BOUNDS, Overflow, stored
from limits import Limits
from lots import Lots, Member, Refused
from members import Members
from purchases import Purchases
from returns import Returns
from spending import Spending
from tiers import Tiers

PROGRAMME = ("ISSUED", "REDEEMED", "EXPIRED", "REVERSED", "ADJUSTED", "FORFEITED")
ITEMS_AFTER_EVENT, ITEMS_AFTER_TICK = 64, 65_536
PARKED_AT_MOST = 100
ENVELOPE = ("source", "id", "member", "guest", "occurred_at_ms", "correlation_id", "traceparent")
WAITING_KINDS = ("refund", "cancellation", "delivered")  # of unknown members they wait for the order that they name


class Ledger(Purchases, Awards, Limits, Spending, Returns, Tiers, Members, Lots, Due):
    def __init__(self):
        self.clock, self.next_ordinal, self.lot_ordinal = 0, 1, 0
        self.indexes = {}  # of the next lot, by ordinal
        self.members, self.identities, self.rulebooks = {}, {}, []
        self.unannounced = []  # [(when, rulebook)] that have not yet judged tiers anew
        self.strangers, self.next_number = {}, 0  # strangers: not enrolled, but something of theirs is kept
        self.parked, self.parked_ordinals = {}, set()  # subject: [(event, ordinal)]
        self.currencies, self.groups = [], []  # in order of first appearance
        self.totals = {}
        self.postings, self.outcomes, self.tiers, self.notices = [], [], [], []
        self.event = self.member = self.instant = self.judged = None
        self.amounts, self.waits, self.after = {}, False, []
        self.changed = []  # metrics, since tiers were evaluated: (member, group, at)
        self.dated = None  # occurred_at of what waited and is applied now
        self.said = None  # reason and actor of what an approval executes
        self.entries, self.overflows = [], {}  # place of an event that overflows: whether nothing earlier refuses it
        self.settling, self.left_out = None, set()  # places of what waited for its order and overflows as it comes

    # ---- entries ----

    def entry(self, entry):
        self.entries.append(entry)
        try:
            self.fold(entry)
        except Overflow:
            self.fold_again()

    def fold_again(self):
        """A refused event moves nothing: everything is folded again, with the event refused that overflowed. At first it is
        only asked whether anything else refuses it, for all else comes before overflow."""
        again, place = Ledger(), self.place_of_event()
        again.overflows, again.left_out = dict(self.overflows), set(self.left_out)
        if self.settling is not None:
            again.left_out.add(self.settling)
        else:
            again.overflows[place] = place in self.overflows
        for entry in self.entries:
            again.entry(entry)
        for name in ("postings", "outcomes", "tiers", "notices"):  # whoever looks at them goes on seeing them
            getattr(self, name)[:] = getattr(again, name)
            setattr(again, name, getattr(self, name))
        self.__dict__ = again.__dict__

    def place_of_event(self):
        assert self.event is not None, "time alone made an amount overflow"
        return len(self.entries), self.event["source"], self.event["id"]

    def fold(self, entry):
        self.clock = max(self.clock, entry["time"])
        if "rulebook" in entry:
            self.activate(entry["rulebook"])
        self.announce_versions()
        if "event" in entry:
            if entry.get("away"):
                self.answer(entry["event"], "forwarded")
            else:
                self.apply(entry["event"], entry.get("first_append", self.clock), entry.get("bad_form"))
                for each in (self.members, self.strangers):
                    if subject_of(entry["event"]) in each:
                        each[subject_of(entry["event"])].earliest = None
            self.due(ITEMS_AFTER_EVENT)
        elif "tick" in entry:
            self.due(ITEMS_AFTER_TICK)

    def activate(self, rulebook):
        self.rulebooks.append(rulebook)
        self.currencies += [name for name in rulebook.currencies if name not in self.currencies]
        self.groups += [name for name in rulebook.tiers if name not in self.groups]
        self.reevaluation(rulebook)

    def rulebook_at(self, instant):
        """Of the versions activated before whose effective_from is not after the instant, the last activated."""
        fit = [rulebook for rulebook in self.rulebooks if rulebook.effective_from <= instant]
        return fit[-1] if fit else None

    # ---- one event ----

    def apply(self, event, first_append, bad_form):
        subject, occurred = subject_of(event), event.get("occurred_at_ms", 0)
        self.member = self.members.get(subject)
        if bad_form:
            self.answer(event, bad_form)
            return
        if self.member is not None or subject in self.strangers:
            self.due(None, self.member or self.strangers[subject])
        form = self.judge_form(event, self.rulebook_at(occurred))
        if form is not None:
            self.answer(event, form)
            return
        identity, content = (event["source"], event["id"]), content_of(event)
        if identity in self.identities:
            first_content, ordinal, verdict = self.identities[identity]
            if first_content == content:
                self.answer(event, "duplicate", ordinal, first=verdict)
            else:
                self.answer(event, "conflicting_duplicate")
            return
        ordinal, self.next_ordinal = self.next_ordinal, self.next_ordinal + 1
        verdict = self.judge(event, ordinal, first_append)
        self.identities[identity] = (content, ordinal, verdict)
        self.finish(event, verdict, ordinal)
        if verdict == "accepted" and subject in self.members and subject in self.parked:
            self.judge_parked(subject)

    def judge(self, event, ordinal, first_append):
        """Everything from the rule version on; None as first append leaves the time out."""
        kind, occurred = kind_of(event), event["occurred_at_ms"]
        rulebook = self.rulebook_at(occurred)
        self.event, self.amounts, self.ordinal, self.lot_ordinal = event, {}, ordinal, ordinal
        self.waits, self.after = False, []
        try:
            if first_append is None and self.judge_form(event, rulebook) is not None:
                raise Refused(self.judge_form(event, rulebook))
            self.judge_time(occurred, rulebook, first_append)
            if self.member is None and first_append is not None and rulebook.members.unknown == "park" and \
                    kind != "enrol" and not (kind in WAITING_KINDS and event[kind].get("order_id")):
                self.park(event, ordinal)
                return "parked"
            overflows = self.overflows.get(self.place_of_event())
            if overflows:
                raise Refused("overflow")
            with BOUNDS.noted() if overflows is not None else contextlib.nullcontext():
                getattr(self, "grant_by_hand" if kind == "grant" else kind)(event, event[kind], rulebook)
            if overflows is not None:
                raise Overflow
        except Refused as refused:
            return str(refused)
        if self.member is not None:
            self.push_clocks(kind, event, rulebook)
            self.evaluate(self.member, max(self.clock, occurred), occurred)
        return "accepted"

    def finish(self, event, verdict, ordinal, further=False):
        """The answer, and at once what the event itself made due."""
        self.answer(event, verdict, ordinal, further=further)
        self.event = None
        if verdict == "accepted" and self.member is not None:
            self.due(None, self.member, max(self.clock, event["occurred_at_ms"]))

    @staticmethod
    def judge_time(occurred, rulebook, journal_time):
        if rulebook is None:
            raise Refused("no_rulebook")
        if journal_time is not None and occurred - journal_time > rulebook.accept.future_ms:
            raise Refused("occurred_in_future")
        if journal_time is not None and journal_time - occurred > rulebook.accept.past_ms:
            raise Refused("too_old")

    def park(self, event, ordinal):
        parked = self.parked.setdefault(subject_of(event), [])
        if len(parked) == PARKED_AT_MOST:
            raise Refused("limit_reached")
        parked.append((event, ordinal))
        self.parked_ordinals.add(ordinal)
        if subject_of(event) not in self.strangers:
            self.strangers[subject_of(event)] = self.numbered(Member(subject_of(event), None))

    def judge_parked(self, subject):
        """What was parked until the member is enrolled gets its final answer."""
        for event, ordinal in self.parked.pop(subject):
            self.due(None, self.member)
            self.parked_ordinals.discard(ordinal)
            behind = self.indexes.pop(ordinal, 0)
            verdict = self.judge(event, ordinal, None)
            self.finish(event, verdict, ordinal, further=True)
            if ordinal == self.next_ordinal - 1:
                self.indexes[ordinal] = max(behind, self.indexes.get(ordinal, 0))

    # ---- whom it is about ----

    def known_member(self):
        if self.member is None:
            raise Refused("unknown_member")
        return self.member

    def judge_state(self, *allowed):
        """Closed is closed for all; who is suspended or frozen may neither earn nor spend."""
        if self.member is None:
            return
        if self.member.state == "closed":
            raise Refused("member_closed")
        if allowed and self.member.state not in allowed:
            raise Refused("member_not_active")

    def earner(self, event, rulebook):
        """The member of an earning event, who may yet have to be enrolled by it."""
        if self.member is not None:
            return self.member
        if rulebook.members.unknown == "reject":
            raise Refused("unknown_member")
        return Member(subject_of(event), event["occurred_at_ms"])

    def numbered(self, member):
        """In order of enrolment; who is not enrolled stands where the first thing of theirs was kept."""
        member.number, self.next_number = self.next_number, self.next_number + 1
        return member

    def enrol_now(self, member, rulebook):
        """An accepted event enrols."""
        if self.member is None:
            self.member = self.members[member.subject] = self.numbered(member)
            stranger = self.strangers.pop(member.subject, None)
            if stranger is not None:
                member.waiting = stranger.waiting
            self.expect_yearly(member, "anniversary", rulebook, member.enrolled)
            member.reevaluations = [(each.effective_from, each) for each in self.rulebooks if each.effective_from > self.clock]

    # ---- what is said ----

    def cause(self):
        return None if self.event is None else (self.event["source"], self.event["id"])

    def amount(self, currency, **figures):
        told = self.amounts.setdefault(currency, {"requested": 0, "granted": 0, "owed": 0, "dropped": 0, "capRule": ""})
        for name, figure in figures.items():
            told[name] = told[name] or figure if name == "capRule" else told[name] + figure

    def answer(self, event, verdict, ordinal=0, first=None, further=False):
        accepted = verdict == "accepted"
        self.outcomes.append({
            "subject": subject_of(event), "event": (event["source"], event["id"]), "verdict": verdict,
            "firstVerdict": first, "ordinal": ordinal, "occurredAtMs": event.get("occurred_at_ms", 0),
            "journalTimeMs": self.clock, "further": further, "waiting": accepted and self.waits,
            "amounts": [{"currency": currency, **told, "activeAfter": self.member.active(currency)}
                        for currency, told in self.in_order(self.amounts, event)]
            if accepted else []})

    def in_order(self, amounts, event):
        """Currency by currency: of what earns as the event's rulebook has them, else as they were touched."""
        if kind_of(event) not in ("purchase", "activity", "enrol"):
            return amounts.items()
        rulebook = self.rulebook_at(event.get("occurred_at_ms", 0))
        names = [*(rulebook.currencies if rulebook is not None else ()), *self.currencies]
        return sorted(amounts.items(), key=lambda each: names.index(each[0]))

    def post(self, member, kind, source, target, currency, points, lot, effective, order_id="", spend_id="", hold_id="",
             expired_before=0):
        for account, sign in ((source, -1), (target, 1)):
            key = (currency, account)
            self.totals[key] = stored(self.totals.get(key, 0) +
                                      (-sign if account in ("ISSUED", "ARREARS") else sign) * points)
        if source in PROGRAMME and target not in PROGRAMME:
            self.room_for(currency, 0)
        payload = self.said or (self.event[kind_of(self.event)] if self.event is not None else {})
        posting = {
            "subject": member.subject, "kind": kind, "from": source, "to": target, "currency": currency,
            "points": points, "activeAfter": member.active(currency), "arrearsAfter": member.owes(currency),
            "event": self.cause(), "orderId": order_id or "", "spendId": spend_id, "holdId": hold_id,
            "occurredAtMs": effective if self.event is None else self.event["occurred_at_ms"],
            "journalTimeMs": self.clock, "effectiveAtMs": effective, "lot": None,
            "reason": payload.get("reason", ""), "actor": payload.get("actor", "")}
        if lot is not None:
            posting.update(lot=lot.id, rule=lot.rule, ruleVersion=lot.rulebook.version,
                           scale=lot.rulebook.currencies[currency].scale, lotEarnedAtMs=lot.earned,
                           lotActivatesAtMs=lot.activates or lot.own_activation or 0, lotExpiresAtMs=lot.fixed_expiry or 0,
                           lotExpiredBeforeMs=expired_before, funder=lot.funder or "")
        self.postings.append(posting)

    def room_for(self, currency, points):
        """All that members have may expire, be cancelled or be forfeited when nobody can refuse it."""
        had = sum(self.totals.get((currency, account), 0) for account in ("PENDING", "ACTIVE", "HELD", "LAPSING"))
        for gone in ("EXPIRED", "REVERSED", "FORFEITED"):
            stored(had + points + self.totals.get((currency, gone), 0))

    def notice(self, member, kind, effective, **fields):
        self.notices.append({"subject": member.subject, "kind": kind, "effectiveAtMs": effective,
                             "journalTimeMs": self.clock, "cause": self.cause(), **fields})


def subject_of(event):
    return ("guest", event["guest"]) if "guest" in event else ("member", event["member"])


def kind_of(event):
    return next(name for name in event if name not in ENVELOPE)


def content_of(event):
    """Type, member, occurred_at and payload, what is left at its default left out (semantics §3)."""
    return without_defaults({name: value for name, value in event.items()
                             if name not in ("source", "id", "correlation_id", "traceparent")}, keep=(kind_of(event),))


def without_defaults(value, keep=()):
    if isinstance(value, dict):
        return {name: without_defaults(each) for name, each in value.items()
                if name in keep or each not in (0, "", False, [], None, "GOODS", "DELTA", "UNSPECIFIED")}
    return [without_defaults(each) for each in value] if isinstance(value, list) else value
