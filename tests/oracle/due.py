"""Due work: what time does to members, in the order of semantics §2."""

from civil import FOR_EVER, Period

DEADLINE, EXPIRY, ACTIVATION, AWARD, REVIEW, WAITING, NOTICE = range(1, 8)  # kinds, in the order of semantics §2

NO_ITEM = object()  # of the law's: a clock that has run out, a lot of which everything is held


class Due:
    def slot(self, currency):
        return self.currencies.index(currency)

    def due_of(self, member):
        """Everything that a member will have due: (instant, kind, member, order among its kind, what is done, with what)."""
        for item in self.due_items(member):
            yield (item[0], item[1], member.number) + item[2:]

    def next_due(self, member):
        """The instants of everything a member has due: for whoever wants to aim at one."""
        return [item[0] for item in self.due_of(member)]

    def due_items(self, member):
        for i, hold in enumerate(member.holds.values()):
            if hold.open:
                yield hold.expires, DEADLINE, (0, i), self.time_out, hold
        for lot in member.lots:
            yield from self.due_of_lot(member, lot)
        for currency, clock in member.clocks.items():
            yield from self.due_of_clock(member, currency, clock)
        for quarantine in member.quarantines.values():
            yield quarantine.undecided_until, DEADLINE, (2, quarantine.ordinal), self.undecided, quarantine
        for i, awaiting in enumerate(member.awaiting.values()):
            yield awaiting.lapses, DEADLINE, (1, i), self.approval_lapses, awaiting
        for i, what in enumerate(("anniversary", "birthday")):
            if member.yearly.get(what) is not None:
                yield member.yearly[what], AWARD, (i,), self.yearly_award, (member, what)
        for at, rulebook in member.reevaluations:
            yield at, REVIEW, (0,), self.reevaluate, (member, rulebook)
        for group, tier in member.tiers.items():
            yield from self.due_of_tier(member, group, tier)
        for waiting in (each for all_of in member.waiting.values() for each in all_of):
            if waiting.gives_up is not None:
                yield waiting.gives_up, WAITING, (waiting.ordinal,), self.give_up, waiting

    def due_of_lot(self, member, lot):
        order = (self.slot(lot.currency), lot.spend_order())
        if lot.phase == "pending" and lot.remaining:
            if lot.deadline is not None:
                yield lot.deadline, DEADLINE, (3, order), self.deadline_passed, lot
            if lot.activates is not None and lot.quarantine is None:
                yield lot.activates, ACTIVATION, order, self.activation_due, lot
        expires = lot.expires
        if expires is None or not (lot.remaining or lot.held) or member.frozen_at is not None:
            return
        if lot.phase in ("pending", "active"):
            by_clock = lot.governed and lot.phase == "active"  # its turn is the clock's, after the lots with dates of their own
            yield expires, EXPIRY, (int(by_clock), order), self.expiry_due, lot
        elif lot.phase == "lapsing":
            yield lot.grace_end(), EXPIRY, (0, order), self.grace_ends, lot
        if lot.remaining and lot.phase == "active" and not lot.governed and not self.is_told(member, lot.currency, expires):
            notice = self.notice_at(lot)
            if notice is not None:
                yield notice, NOTICE, (0, order), self.expiring_soon, lot

    @staticmethod
    def notice_at(lot):
        """Not before the lot was earned and active."""
        days = lot.rulebook.currencies[lot.currency].notice_days
        if days is None or lot.expires is None:
            return None
        return max(lot.rulebook.zone.plus(lot.expires, Period(days, "days"), -1), lot.activates)

    def due_of_clock(self, member, currency, clock):
        if member.frozen_at is not None:
            return
        yield clock.instant(), EXPIRY, (1, (self.slot(currency), (FOR_EVER, FOR_EVER))), self.clock_ran_out, (member, currency)
        days = clock.rulebook.currencies[currency].notice_days
        if days is not None and clock.tells and not clock.missed and not self.is_told(member, currency, clock.instant()):
            notice = max(clock.rulebook.zone.plus(clock.instant(), Period(days, "days"), -1), clock.set_at)
            yield notice, NOTICE, (1, self.slot(currency)), self.clock_tells, (member, currency)

    @staticmethod
    def is_told(member, currency, expires):
        clock = member.clocks.get(currency)
        return (currency, expires) in member.noticed or (clock is not None and clock.told and clock.instant() == expires)

    def clock_tells(self, what, instant):
        member, currency = what
        if governed(member, currency):
            return self.expiring_soon(governed(member, currency)[0], instant)
        member.clocks[currency].missed = True
        return NO_ITEM

    def clock_ran_out(self, what, instant):
        """Behind the lots that it governed."""
        member, currency = what
        del member.clocks[currency]
        return NO_ITEM

    # ---- doing it ----

    def due(self, limit, member=None, judged=0):
        """Works off what is due: all of one member, or up to `limit` items of everybody's in due order.

        What a late event makes due lies before the instant at which tiers were `judged`, and in a period that may be closed.
        """
        members = self.with_due_work() if member is None else [member]
        queues = {each.number: self.queue(each) for each in members}
        while limit is None or limit > 0:
            first = min((queue[0][:4] for queue in queues.values() if queue), default=(FOR_EVER,))
            if first[0] > self.clock:
                break
            owner = next(each for each in members if each.number == first[2])
            instant, kind, _, _, do, what = queues[owner.number][0]
            self.lot_ordinal, self.instant, self.judged = self.next_ordinal - 1, instant, max(instant, judged)
            item = do(what, instant) is not NO_ITEM
            self.instant = None
            queues[owner.number] = self.queue(owner)
            if kind != NOTICE:  # those change nothing, and can be due long behind
                following = queues[owner.number][0] if queues[owner.number] else (FOR_EVER,)
                self.evaluate(owner, self.judged, instant, upgrades=following[0] > instant or following[1] == NOTICE)
                queues[owner.number] = self.queue(owner)
            limit = None if limit is None else limit - item
        for each in members:
            each.earliest = queues[each.number][0][0] if queues[each.number] else FOR_EVER
            if each.frozen_at is None:  # an instant that is over, and worked off, is forgotten
                over = min(self.clock, each.earliest - 1)
                each.noticed = {place for place in each.noticed if place[1] > over}

    def with_due_work(self):
        """Those who have something due by now. When each has something next is kept, and found out anew for whom an event
        concerned, or a new rulebook."""
        for each in [*self.members.values(), *self.strangers.values()]:
            if each.earliest is None:
                each.earliest = min(self.next_due(each), default=FOR_EVER)
        return [each for each in [*self.members.values(), *self.strangers.values()] if each.earliest <= self.clock]

    def queue(self, member):
        return sorted(self.due_of(member), key=lambda item: item[:4])

    def expiry_due(self, lot, instant):
        item = None if lot.remaining else NO_ITEM
        if lot.phase == "active" and lot.grace:
            self.lapse(lot)
        else:
            self.expire(lot)
        return item

    def grace_ends(self, lot, instant):
        item = None if lot.remaining else NO_ITEM
        self.expire(lot, "LAPSE_END")
        return item

    def activation_due(self, lot, instant):
        self.activate_lot(lot, instant)

    def deadline_passed(self, lot, instant):
        self.cancel(lot, instant)

    def expiring_soon(self, lot, instant):
        member, expires = lot.member, lot.expires
        alike = [each for each in member.open_lots(lot.currency, "active") if each.expires == expires]
        if not all(each.governed for each in alike):
            member.noticed.add((lot.currency, expires))
        if lot.currency in member.clocks and member.clocks[lot.currency].instant() == expires:
            member.clocks[lot.currency].told = True
        self.notice(member, "expiringSoon", instant, currency=lot.currency, points=sum(each.remaining for each in alike),
                    expiresAtMs=expires)


def governed(member, currency):
    return [lot for lot in member.open_lots(currency, "active") if lot.governed]
