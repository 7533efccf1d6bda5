"""What comes back: refunds, cancellations, what they take and what they give again (semantics §6)."""

from earning import Judged, Order, covers, rounded, share, stored
from lots import Member, Refused


WAITING_AT_MOST = 32  # for one order


class Taking:
    """What one return took in one place: `lot`, `mark` (of held points), `owed`, `written` (off), `noted` or `dropped`."""

    def __init__(self, kind, points, lot=None, claim=None):
        self.kind, self.points, self.lot, self.claim = kind, points, lot, claim
        self.left = points  # of a mark or a note: what has not been taken yet


class Waiting:
    """What came before its order."""

    def __init__(self, member, event, kind, order_id, rulebook, gives_up, ordinal):
        self.ordinal = ordinal
        self.member, self.event, self.kind, self.order_id, self.rulebook = member, event, kind, order_id, rulebook
        self.gives_up = gives_up


class Returns:
    # ---- what is told ----

    def refund(self, event, payload, rulebook):
        if not payload.get("order_id"):
            self.loose_refund(self.known_member(), event, payload, rulebook)
            return
        booked = self.order_or_wait("refund", event, payload, rulebook)
        if booked is None:
            return
        member = self.member
        if booked.order.money != payload["currency"]:
            raise Refused("unknown_order")
        known = booked.refunds.get(payload.get("refund_id") or None)
        if known is not None and known != amount_of(payload):
            raise Refused("conflicting_refund")
        self.judge_state()
        if known is not None:
            return  # told again it does nothing
        self.judge_limits(member, rulebook, "refund", payload, event["occurred_at_ms"],
                          self.refund_environment(event, member, rulebook, payload), {})
        self.done()
        self.tell(member, booked, event, payload, rulebook)

    def tell(self, member, booked, event, payload, rulebook):
        """A delta or a total, once."""
        refund_id = payload.get("refund_id") or None
        cumulative = payload.get("style") == "CUMULATIVE"
        if not cumulative:
            if refund_id in booked.refunds:
                return  # told again it does nothing
            booked.refunds[refund_id] = amount_of(payload)
        before = self.clamped(booked)
        by_line, rest = {}, max(0, payload.get("amount_minor", 0) -
                                sum(line.get("amount_minor", 0) for line in payload.get("lines", [])))
        for line in payload.get("lines", []):
            if line.get("line_id", "") in booked.order.names:
                i = booked.order.names.index(line["line_id"])
                by_line[i] = by_line.get(i, 0) + line.get("amount_minor", 0)
            else:
                rest += line.get("amount_minor", 0)
        for i, amount in by_line.items():
            if cumulative:
                booked.totals[i] = max(booked.totals.get(i, 0), amount)
            else:
                booked.deltas[i] = booked.deltas.get(i, 0) + amount
        if cumulative:
            booked.order_total = max(booked.order_total, amount_of(payload))
        else:
            booked.unnamed += rest
        clamped = self.clamped(booked)
        if clamped is not None and clamped != before:
            self.notice(member, "refundClamped", self.now(), orderId=booked.id, currency=booked.order.money,
                        reportedMinor=clamped[0], paidMinor=clamped[1])
        self.settle(member, booked, rulebook)

    def cancellation(self, event, payload, rulebook):
        booked = self.order_or_wait("cancellation", event, payload, rulebook)
        if booked is None:
            return
        if booked.cancelled:
            raise Refused("order_cancelled")
        self.judge_state()
        booked.cancelled = True
        self.settle(self.member, booked, rulebook)

    # ---- before the order ----

    def order_or_wait(self, kind, event, payload, rulebook):
        """The order, or None where this waits for it, also for a member whom nobody has enrolled."""
        order_id, member = payload["order_id"], self.member
        subject = next((name, event[name]) for name in ("member", "guest") if name in event)
        if member is not None and order_id in member.orders:
            return member.orders[order_id]
        if member is None:
            member = self.strangers.get(subject) or Member(subject, None)
        again = False
        for other in member.waiting.get(order_id, []):
            told = other.event["refund"] if other.kind == kind == "refund" else None
            again = again or other.kind == kind != "refund"
            if told is not None and payload.get("refund_id") and told.get("refund_id") == payload["refund_id"]:
                if amount_of(told) != amount_of(payload):
                    raise Refused("conflicting_refund")
                again = True
        self.judge_state()
        self.waits = True
        if again:
            return None  # told again it does nothing
        if len(member.waiting.get(order_id, [])) == WAITING_AT_MOST:
            raise Refused("limit_reached")
        if self.member is not None and kind == "refund":
            self.judge_limits(member, rulebook, "refund", payload, event["occurred_at_ms"],
                              self.refund_environment(event, member, rulebook, payload), {})
        if self.member is None and subject not in self.strangers:
            self.strangers[subject] = self.numbered(member)
        gives_up = None if kind == "delivered" else rulebook.zone.plus(self.clock, rulebook.returns.wait)
        waiting = Waiting(member, event, kind, order_id, rulebook, gives_up, self.ordinal)
        member.waiting.setdefault(order_id, []).append(waiting)
        self.done()
        return None

    def give_up(self, waiting, instant):
        """The order did not come; it stays noted."""
        waiting.gives_up = None
        refund_id = waiting.event["refund"].get("refund_id", "") if waiting.kind == "refund" else ""
        self.notice(waiting.member, "unknownOrder", instant, orderId=waiting.order_id, refundId=refund_id)

    def apply_waiting(self, member, booked, event):
        """The order has come: what waited for it, in journal order. What overflows then is left out."""
        amounts = {currency: dict(told) for currency, told in self.amounts.items()}
        for waiting in member.waiting.pop(booked.id, []):
            self.settling = (len(self.entries), waiting.ordinal)
            if self.settling in self.left_out:
                continue
            payload = waiting.event[waiting.kind]
            self.dated = waiting.event["occurred_at_ms"]
            if waiting.kind == "delivered":
                self.deliver(member, booked, waiting.event["occurred_at_ms"])
            elif waiting.kind == "cancellation":
                booked.cancelled = True
                self.settle(member, booked, waiting.rulebook)
            elif payload["currency"] == booked.order.money:
                self.tell(member, booked, event, payload, waiting.rulebook)
        self.amounts, self.dated, self.settling = amounts, None, None

    # ---- how much ----

    @staticmethod
    def reported(booked):
        """(of the order, of each line): what was reported in all; of a line at most what was paid counts for the order."""
        paid, told = booked.order.paid, range(len(booked.order.paid))
        lines = [max(booked.deltas.get(i, 0), booked.totals.get(i, 0)) for i in told]
        deltas = sum(min(paid[i], booked.deltas.get(i, 0)) for i in told)
        return max(booked.unnamed + deltas, booked.order_total, sum(map(min, paid, lines))), lines

    def clamped(self, booked):
        """Where more was told than had been paid: of the order, or else of the first such line."""
        paid, (total, lines) = booked.order.paid, self.reported(booked)
        if total > sum(paid):
            return total, sum(paid)
        return next(((line, of) for line, of in zip(lines, paid) if line > of), None)

    def refunded(self, booked):
        """What is known as refunded of each line; None for all of the order."""
        if booked.cancelled:
            return None
        paid, (total, lines) = booked.order.paid, self.reported(booked)
        total, lines = min(sum(paid), total), list(map(min, paid, lines))
        left = [each - line for each, line in zip(paid, lines)]
        known = [line + more for line, more in zip(lines, share(total - sum(lines), left))]
        return None if sum(paid) > 0 and sum(known) == sum(paid) else known

    def settle(self, member, booked, rulebook):
        """Takes what should not stay, or gives back what should; `rulebook` says from where."""
        refunded = self.refunded(booked)
        whole = refunded is None
        written, points, mores, taken = {}, {}, [], {}
        for claim in booked.claims:
            if claim.award:
                stays = 0 if whole else claim.granted
            else:
                stays = 0 if whole else min(claim.granted, booked.judged.stays(claim.currency, refunded))
            points[claim.currency] = points.get(claim.currency, 0) + stays
            more = max(0, min(claim.granted - stays - claim.settled, claim.granted - claim.settled - claim.expired()))
            mores.append((claim, stays, more))
            taken[claim.currency] = taken.get(claim.currency, 0) + more
        for currency, more in taken.items():
            if more:
                self.room_for(currency, max(0, more - member.active(currency)))
        for claim, stays, more in mores:
            if more:
                self.claw_back(member, claim, booked.id, claim.currency, more, rulebook, written)
                claim.settled += more
            elif claim.settled > claim.granted - stays:
                self.restore(member, booked, claim, claim.settled - (claim.granted - stays))
            self.give_back(member, booked, claim)
        self.lower_tiers(member, booked, refunded, points)
        self.lower_missions(member, booked.id, booked.order, refunded, whole)

    def lower_tiers(self, member, booked, refunded, points):
        if booked.tier_value_gone:
            return
        stays = booked.judged.rulebook.returns.tier_value == "keep until period end"
        for counted in booked.metrics:
            metric, key, before = counted
            if metric.kind == "visits":
                after = 0 if refunded is None else 1
            elif stays:
                continue
            elif metric.kind == "spend":
                after = sum(booked.order.kept(metric.basis, refunded))
            else:
                after = points.get(metric.currency, 0)
            self.add_metric(member, key, booked.occurred, after - before)
            counted[2] = after

    def give_back(self, member, booked, claim):
        """Points clawed back or owed make room in the caps that counted them."""
        back = sum(taking.points for taking in claim.takings if taking.kind in ("lot", "mark", "owed", "written"))
        parts = share(back, [points for _, points in claim.parts])
        before = claim.given_back or [0] * len(parts)
        claim.given_back = parts
        for (name, _), part, had in zip(claim.parts, parts, before):
            if part == had:
                continue
            for cap in booked.judged.rulebook.caps:
                if cap.currency == claim.currency and cap.give_back and cap.per != "event" and covers(cap, name):
                    self.use_again(member, cap, booked, had - part)

    @staticmethod
    def use_again(member, cap, booked, change):
        """What a closing has forgotten gives no room back."""
        at = booked.occurred
        uses = member.cap_uses.setdefault((cap.name, cap.per), [])
        start, end = (at, at + 1) if isinstance(cap.per, int) else booked.judged.rulebook.zone.bucket_of(at, cap.per)
        used = sum(points for instant, points in uses if start <= instant < end)
        uses.append([at, max(-used, change)])

    # ---- from where ----

    def claw_back(self, member, claim, order_id, currency, points, rulebook, written):
        """The order's own pending, active and lapsing lots, its held points, other active lots, then by the policy."""
        policy, asked = rulebook.returns.arrears, points
        for so_far in (self.totals.get((currency, "REVERSED"), 0), self.totals.get((currency, "ARREARS"), 0),
                       member.owes(currency)):  # all of it may be owed at once, or be taken later when nobody can refuse
            stored(so_far + points)
        takings = claim.takings if claim is not None else []

        if claim is not None:
            own = sorted((lot for lot in member.lots if lot.order_id == order_id and lot.currency == currency),
                         key=lambda lot: lot.spend_order())
            points = self.claw_back_from(member, [lot for lot in own if lot.phase == "pending"], points, order_id, takings)
            if policy != "only_pending":
                points = self.claw_back_from(member, [lot for lot in own if lot.phase in ("active", "lapsing")], points,
                                             order_id, takings)
                for lot in [lot for lot in own if lot.held > lot.marked]:
                    part = min(points, lot.held - lot.marked)
                    if part:
                        mark = Taking("mark", part, lot, claim)
                        mark.order_id, mark.policy = order_id, rulebook
                        takings.append(mark)
                        lot.marks.append(mark)
                        points -= part
        dropped, owed = self.claw_back_elsewhere(member, claim, order_id, currency, points, rulebook, written, takings)
        self.amount(currency, requested=asked, granted=asked - dropped, owed=owed, dropped=dropped)

    def claw_back_from(self, member, lots, points, order_id, takings):
        """Returns what they do not hold."""
        for lot in lots:
            part, account = min(points, lot.remaining), lot.account
            if part:
                lot.remaining -= part
                points -= part
                takings.append(Taking("lot", part, lot))
                self.post(member, "CLAW_BACK", account, "REVERSED", lot.currency, part, lot, self.now(), order_id=order_id)
        return points

    def claw_back_elsewhere(self, member, claim, order_id, currency, points, rulebook, written, takings):
        """From other active lots in spend order; what is left is dropped, noted or owed: (dropped, owed)."""
        policy, dropped, owed = rulebook.returns.arrears, 0, 0
        if policy != "only_pending":
            points = self.claw_back_from(member, member.open_lots(currency, "active"), points, order_id, takings)
        if points and policy == "allow":
            owed = points
            self.owe(member, claim, order_id, currency, points, rulebook, takings, written)
        elif points:
            dropped = points
            taking = Taking("noted" if policy == "within_balance" else "dropped", points, None, claim)
            takings.append(taking)
            if policy == "within_balance":
                taking.order_id = order_id
                member.noted.setdefault(currency, []).append(taking)
        return dropped, owed

    def owe(self, member, claim, order_id, currency, points, rulebook, takings, written):
        self.add_arrears(member, currency, order_id, points)
        self.post(member, "OWE", "ARREARS", "REVERSED", currency, points, None, self.now(), order_id=order_id)
        off = min(points, rulebook.returns.write_off.get(currency, 0) - written.get(currency, 0))
        if off > 0:
            written[currency] = written.get(currency, 0) + off
            debt = next(each for each in reversed(member.arrears[currency]) if each[0] == order_id)
            debt[1] -= off
            member.arrears[currency] = [each for each in member.arrears[currency] if each[1]]
            self.post(member, "WRITE_OFF", "ADJUSTED", "ARREARS", currency, off, None, self.now(), order_id=order_id)
            takings.append(Taking("written", off))
        if points > max(off, 0):
            takings.append(Taking("owed", points - max(off, 0)))

    @staticmethod
    def add_arrears(member, currency, order_id, points):
        """Arrears are kept per order, what belongs to none by itself."""
        debts = member.arrears.setdefault(currency, [])
        for debt in debts:
            if order_id is not None and debt[0] == order_id:
                debt[1] += points
                return
        debts.append([order_id, points])

    def now(self):
        """What an event does is dated at its occurred_at, as is what waited for it; what time does at its instant."""
        if self.dated is not None:
            return self.dated
        return self.event["occurred_at_ms"] if self.event is not None else self.instant

    # ---- back again ----

    def restore(self, member, booked, claim, points):
        """The last taken first."""
        claim.settled -= points
        self.amount(claim.currency, requested=-points, granted=-points)
        takings = [taking for taking in reversed(claim.takings) if taking.points]
        alike = 0  # to the same lot, in one posting
        for taking, following in zip(takings, [*takings[1:], None]):
            part = min(points, taking.points)
            if not part:
                break
            taking.points -= part
            points -= part
            if taking.kind == "lot":
                alike += part
                if not points or following is None or (following.kind, following.lot) != ("lot", taking.lot):
                    self.restore_to(member, taking.lot, alike, booked.id)
                    alike = 0
            elif taking.kind == "owed":
                open_now = min(part, member.owes(claim.currency, booked.id))
                if open_now:
                    self.lessen_arrears(member, claim.currency, booked.id, open_now)
                    self.post(member, "RESTORE", "REVERSED", "ARREARS", claim.currency, open_now, None, self.now(),
                              order_id=booked.id)
                self.restore_to_first(member, booked, claim, part - open_now)
            elif taking.kind in ("noted", "mark"):
                unmade = min(part, taking.left)
                taking.left -= unmade
                if taking.kind == "noted":
                    self.restore_to_first(member, booked, claim, part - unmade)
                elif part > unmade:
                    self.restore_to(member, taking.lot, part - unmade, booked.id)
        claim.takings = [taking for taking in claim.takings if taking.points]

    @staticmethod
    def lessen_arrears(member, currency, order_id, points):
        for debt in member.arrears[currency]:
            if debt[0] == order_id:
                debt[1] -= points
        member.arrears[currency] = [debt for debt in member.arrears[currency] if debt[1]]

    def restore_to_first(self, member, booked, claim, points):
        if points:
            lots = [lot for lot in member.lots if lot.order_id == booked.id and lot.currency == claim.currency]
            self.restore_to(member, lots[0], points, booked.id)

    def restore_to(self, member, lot, points, order_id):
        if lot.phase in ("pending", "cancelled"):
            cancelled = lot.phase == "cancelled"
            lot.phase = "pending"
            lot.remaining += points
            self.post(member, "RESTORE", "REVERSED", "PENDING", lot.currency, points, lot, self.now(), order_id=order_id)
            if cancelled:
                self.cancel(lot, self.now(), order_id=order_id)
            return
        self.come(lot, points, "RESTORE", "REVERSED", self.now(), order_id=order_id)
        if self.reached(lot, lot.expires):
            self.expire_at_once(lot, points, order_id=order_id)
        else:
            self.repay(lot, points, self.now(), order_id=order_id)

    # ---- a refund that names no order ----

    def refund_environment(self, event, member, rulebook, payload):
        levels = {name: self.level_at(self.member, rulebook, group, event["occurred_at_ms"])
                  for name, group in rulebook.tiers.items()}
        return self.environment(event, member, rulebook, levels, order=order_like(payload))

    def loose_refund(self, member, event, payload, rulebook):
        told = (amount_of(payload), payload["currency"])
        known = member.loose_refunds.get(payload.get("refund_id", ""))
        if known is not None and known != told:
            raise Refused("conflicting_refund")
        self.judge_state()
        if known is not None:
            return
        environment = self.refund_environment(event, member, rulebook, payload)
        self.judge_limits(member, rulebook, "refund", payload, event["occurred_at_ms"], environment, {})
        self.done()
        member.loose_refunds[payload.get("refund_id", "")] = told
        self.take_for_value(member, event, payload, rulebook, environment)

    def take_for_value(self, member, event, payload, rulebook, environment):
        """What base rules and bands would give for its value at its occurred_at."""
        occurred = event["occurred_at_ms"]
        order = Order(order_like(payload))
        judged = Judged(rulebook, order, occurred, environment, None)
        values = {rule: order.value(rule.basis) for rule in judged.lines_of}
        written = {}
        for currency in rulebook.currencies.values():
            exact = sum(points for _, _, points in judged.base(currency.name, values))
            points = stored(rounded(exact, currency.rounding))
            if points:
                self.room_for(currency.name, max(0, points - member.active(currency.name)))
                self.claw_back(member, None, None, currency.name, points, rulebook, written)
                self.measure(rulebook, member, occurred, "points", -points, currency.name, [])
        for group in rulebook.tiers.values():
            for metric in group.metrics:
                if metric.kind == "spend" and metric.money == order.money:
                    self.add_metric(member, self.metric_key(group, metric), occurred, -sum(order.value(metric.basis)))


def amount_of(payload):
    return max(payload.get("amount_minor", 0), sum(line.get("amount_minor", 0) for line in payload.get("lines", [])))


def order_like(payload):
    """A refund as the order it is about: what it has beyond its lines is goods without a category. Pieces that are not told
    went not back."""
    lines = [{"quantity_milli": 0, **line} for line in payload.get("lines", [])]
    rest = amount_of(payload) - sum(line.get("amount_minor", 0) for line in lines)
    if rest or not lines:
        lines.append({"quantity_milli": 0, "amount_minor": rest})
    return {**{name: payload[name] for name in ("currency", "channel", "store", "partner", "attributes") if name in payload},
            "lines": lines}
