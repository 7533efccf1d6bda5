"""Spending: redemptions, holds, and how they are undone (semantics §5)."""

import math

from earning import within
from lots import Refused


class Spend:
    """What was taken, lot by lot, in order of allocation: [lot, points that are still spent]."""

    def __init__(self, parts, ids):
        self.parts, self.ids = parts, ids

    def left(self):
        return sum(points for _, points in self.parts)


class Hold:
    """Points in `held`: [lot, points, account they came from]."""

    def __init__(self, member, parts, expires, ids):
        self.member, self.parts, self.expires, self.ids = member, parts, expires, ids
        self.open, self.spend = True, None  # what was captured
        self.pieces = None  # of a reward: (how they are counted, how many)


class Spending:
    # ---- what is asked ----

    def redeem(self, event, payload, rulebook):
        member, drawn, pieces = self.judge_spend("redeem", event, payload, rulebook, "spend_id", "spends")
        spend = member.spends[payload["spend_id"]] = Spend([], {"spend_id": payload["spend_id"], **paid_order(payload)})
        for lot, part, account in drawn:
            lot.remaining -= part
            spend.parts.append([lot, part])
            self.post(member, "REDEEM", account, "REDEEMED", lot.currency, part, lot, self.now(), **spend.ids)
            self.amount(lot.currency, requested=part, granted=part)
        self.count_pieces(member, pieces, 1)
        self.note_redeemed(member, rulebook, self.now())
        self.done()

    def hold(self, event, payload, rulebook):
        member, drawn, pieces = self.judge_spend("hold", event, payload, rulebook, "hold_id", "holds")
        expires = self.clock + (payload.get("timeout_ms") or rulebook.spending.hold_timeout)
        ids = {"hold_id": payload["hold_id"], **paid_order(payload)}
        hold = member.holds[payload["hold_id"]] = Hold(member, [], expires, ids)
        for lot, part, account in drawn:
            lot.remaining -= part
            lot.held += part
            hold.parts.append([lot, part, account])
            self.post(member, "HOLD", account, "HELD", lot.currency, part, lot, self.now(), **hold.ids)
            self.amount(lot.currency, requested=part, granted=part)
        hold.pieces = pieces
        self.count_pieces(member, pieces, 1)
        self.done()

    def judge_spend(self, kind, event, payload, rulebook, id_name, ids):
        member, occurred = self.known_member(), event["occurred_at_ms"]
        if payload[id_name] in getattr(member, ids):
            raise Refused("id_in_use")
        currencies = payload.get("currencies") or [next(iter(rulebook.currencies))]
        levels = {name: self.level_at(member, rulebook, group, occurred) for name, group in rulebook.tiers.items()}
        environment = self.environment(event, member, rulebook, levels, spend=payload)
        points, reward = self.asked(payload, currencies[0], rulebook, occurred, levels, environment)
        environment["spend_points"] = points
        if member.subject[0] == "guest":
            raise Refused("guest_cannot_spend")
        self.judge_state("active")
        if any(member.owes(currency) for currency in currencies):
            raise Refused("arrears_open")
        self.judge_threshold(payload, currencies[0], points, rulebook, levels)
        pieces = self.judge_pieces(member, reward, payload, rulebook, occurred)
        drawn = self.allocate(member, currencies, points, occurred)
        by_currency, missing = {}, points - sum(part for _, part, _ in drawn)
        for lot, part, _ in drawn:
            by_currency[lot.currency] = by_currency.get(lot.currency, 0) + part
        by_currency[currencies[0]] = by_currency.get(currencies[0], 0) + missing
        self.judge_limits(member, rulebook, kind, payload, occurred, environment, by_currency)
        if missing:
            raise Refused("insufficient_points")
        return member, drawn, pieces

    def asked(self, payload, currency, rulebook, occurred, levels, environment):
        """How many points, and of which reward."""
        if "reward" in payload:
            reward = rulebook.spending.rewards.get(payload["reward"]["reward_id"])
            if reward is None:
                raise Refused("unknown_reward")
            price = best_for(reward.prices, currency, rulebook, levels)
            if price is None or not within(reward, occurred):
                raise Refused("reward_unavailable")
            points = price.points * (payload["reward"].get("count") or 1)
            environment["spend_points"] = points
            if reward.when is not None and not reward.when.true_for(environment):
                raise Refused("reward_unavailable")
            return points, reward
        if "payment" in payload:
            payment = payload["payment"]
            rule = payment_rule(rulebook, currency, payment)
            if rule is None:
                raise Refused("payment_not_offered")
            return math.ceil(payment["amount_minor"] / rule.rate), None
        return payload["points"], None

    def judge_threshold(self, payload, currency, points, rulebook, levels):
        limits = []
        threshold = best_for(rulebook.spending.limits, currency, rulebook, levels)
        if threshold is not None:
            limits.append(threshold)
        if "payment" in payload:
            payment = payload["payment"]
            rule = payment_rule(rulebook, currency, payment)
            due = payment.get("order_total_minor", 0) - payment["amount_minor"]
            if (rule.max_points is not None and points > rule.max_points) or \
                    (rule.max_amount is not None and payment["amount_minor"] > rule.max_amount) or \
                    (rule.min_cash_due is not None and due < rule.min_cash_due):
                raise Refused("limit_reached")
            limits.append(rule)
        for limit in limits:
            if (limit.minimum is not None and points < limit.minimum) or \
                    (limit.multiple_of is not None and points % limit.multiple_of) or \
                    (getattr(limit, "maximum", None) is not None and points > limit.maximum):
                raise Refused("limit_reached")

    @staticmethod
    def judge_pieces(member, reward, payload, rulebook, occurred):
        """(how the pieces of a reward are counted, how many), or None where they are not."""
        if reward is None or reward.times is None:
            return None
        key = ("reward", reward.name, reward.per, rulebook.zone.bucket_of(occurred, reward.per)[0])
        count = payload["reward"].get("count") or 1
        if member.paid.get(key, 0) + count > reward.times:
            raise Refused("limit_reached")
        return key, count

    @staticmethod
    def count_pieces(member, pieces, sign):
        if pieces is not None:
            member.paid[pieces[0]] = member.paid.get(pieces[0], 0) + sign * pieces[1]

    # ---- from which lots ----

    @staticmethod
    def spendable(member, currency, occurred):
        """Active lots, and lapsing ones for what occurred before their instant."""
        return [lot for lot in member.open_lots(currency, "active", "lapsing")
                if lot.phase == "active" or occurred < lot.expires]

    def allocate(self, member, currencies, points, occurred):
        """In spend order, currency by currency: [(lot, points, account)]."""
        found = []
        for currency in currencies:
            for lot in self.spendable(member, currency, occurred):
                part = min(points, lot.remaining)
                if part:
                    found.append((lot, part, lot.account))
                    points -= part
        return found

    # ---- a hold ends ----

    def hold_to_end(self, payload):
        hold = self.known_member().holds.get(payload["hold_id"])
        if hold is None:
            raise Refused("unknown_hold")
        if not hold.open:
            raise Refused("hold_closed")
        self.judge_state()
        return hold

    def capture_hold(self, event, payload, rulebook):
        hold = self.hold_to_end(payload)
        held = sum(points for _, points, _ in hold.parts)
        points = payload.get("points") or held
        if points > held:
            raise Refused("insufficient_points")
        hold.spend = Spend([], hold.ids)
        spent_marks = []
        for part in hold.parts:
            lot, captured = part[0], min(points, part[1])
            if captured:
                points -= captured
                part[1] -= captured
                lot.held -= captured
                hold.spend.parts.append([lot, captured])
                self.post(hold.member, "CAPTURE", "HELD", "REDEEMED", lot.currency, captured, lot, self.now(), **hold.ids)
                self.amount(lot.currency, requested=captured, granted=captured)
        for lot in {id(part[0]): part[0] for part in hold.parts}.values():
            spent_marks += self.unmark_captured(lot)
        self.release_rest(hold)
        for mark, part in spent_marks:
            self.claw_back_spent(hold.member, mark, part)
        self.note_redeemed(hold.member, rulebook, self.now())

    def release_hold(self, event, payload, rulebook):
        hold = self.hold_to_end(payload)
        for currency, points in self.release_rest(hold).items():
            if points:
                self.amount(currency, requested=points, granted=points)
        self.count_pieces(hold.member, hold.pieces, -1)

    def time_out(self, hold, instant):
        """Nothing was captured."""
        for currency, points in self.release_rest(hold).items():
            self.notice(hold.member, "holdTimedOut", instant, holdId=hold.ids["hold_id"], currency=currency, points=points)
        self.count_pieces(hold.member, hold.pieces, -1)

    def release_rest(self, hold):
        """Returns what came back by release postings, by currency."""
        hold.open, released = False, {}
        for part in hold.parts:
            lot, points, account = part
            part[1] = 0
            lot.held -= points
            clawed = min(points, lot.marked)  # on release; one posting for the lot
            points -= clawed
            if clawed:
                self.post(hold.member, "CLAW_BACK", "HELD", "REVERSED", lot.currency, clawed, lot, self.now(), **hold.ids)
            for mark in lot.marks:
                part = min(clawed, mark.left)
                mark.left -= part
                clawed -= part
            released[lot.currency] = released.get(lot.currency, 0) + points
            if points and account == "LAPSING" and lot.lapsed:
                self.release_to_lapsing(lot, points, hold)
            elif points:
                self.come_back(lot, points, "RELEASE", "HELD", **hold.ids)
        return released

    def release_to_lapsing(self, lot, points, hold):
        """Arrears are not paid from it; when its grace is over it ends at once."""
        frozen_at = lot.member.frozen_at  # then as it was at the freeze
        over = lot.phase == "passed" and (frozen_at is None or lot.grace_end() <= frozen_at)
        lot.phase = "lapsing"
        lot.remaining += points
        self.post(hold.member, "RELEASE", "HELD", "LAPSING", lot.currency, points, lot, self.now(), **hold.ids)
        self.take_noted(lot, points, **hold.ids)
        if over and lot.remaining:
            self.expire(lot, "LAPSE_END", self.now(), **hold.ids)
        elif over:
            lot.phase = "passed"

    @staticmethod
    def unmark_captured(lot):
        """Marks that what is still held does not cover any more: [(mark, points)], one for all of a return's order."""
        found = {}
        for mark in reversed(lot.marks):
            part = min(mark.left, max(0, lot.marked - lot.held))
            if part:
                mark.left -= part
                mark.points -= part
                _, points = found.get(id(mark.claim), (mark, 0))
                found[id(mark.claim)] = (mark, points + part)
        return list(found.values())

    def claw_back_spent(self, member, mark, points):
        """Marked points that were captured are clawed back as spent ones: by the policy of the return."""
        amounts, self.amounts = self.amounts, {}
        self.claw_back_elsewhere(member, mark.claim, mark.order_id, mark.lot.currency, points, mark.policy, {},
                                 mark.claim.takings)
        self.amounts = amounts

    # ---- undone ----

    def cancel_redemption(self, event, payload, rulebook):
        member = self.known_member()
        hold = member.holds.get(payload["spend_id"])
        spend = member.spends.get(payload["spend_id"]) or (hold.spend if hold is not None else None)
        if spend is None:
            raise Refused("unknown_spend")
        points = payload.get("points") or spend.left()
        if points > spend.left() or not points:
            raise Refused("spend_undone")
        self.judge_state()
        for part in reversed(spend.parts):  # the last allocated first
            lot, back = part[0], min(points, part[1])
            if back:
                points -= back
                part[1] -= back
                self.amount(lot.currency, requested=back, granted=back)
                if lot.phase == "lapsing" and not lot.remaining and not lot.held:  # nothing of it is left to lapse
                    lot.phase, lot.lapsed = "passed", False
                self.come_back(lot, back, "UNDO", "REDEEMED", rulebook.spending.restore_grace, **spend.ids)

    def come_back(self, lot, points, kind, source, restore_grace=None, **ids):
        """What is noted, arrears of the lot's own order, expiry, other arrears: in this order (semantics §5)."""
        if restore_grace is not None and not lot.grace and self.reached(lot, lot.expires):
            lot.fixed_expiry, lot.governed = self.clock + restore_grace, False
        self.come(lot, points, kind, source, self.now(), **ids)
        left = points - self.take_noted(lot, points, **ids)
        if lot.order_id:
            left -= self.repay(lot, left, self.now(), only_order=lot.order_id, **ids)
        if left and self.reached(lot, lot.expires):
            self.expire_at_once(lot, left, **ids)
        elif left:
            self.repay(lot, left, self.now(), **ids)

    def take_noted(self, lot, points, **ids):
        """What was dropped under `within_balance` is taken first from what comes back."""
        member, taken = lot.member, 0
        for note in member.noted.get(lot.currency, []):
            part = min(note.left, points - taken)
            note.left -= part
            taken += part
        if taken:
            account = "ACTIVE" if lot.passing else lot.account
            self.out_of(lot, taken)
            self.post(member, "CLAW_BACK", account, "REVERSED", lot.currency, taken, lot, self.now(), **ids)
        member.noted[lot.currency] = [note for note in member.noted.get(lot.currency, []) if note.left]
        return taken


def best_for(entries, currency, rulebook, levels):
    """Of the entries for a currency the one with the highest level not above the held one, else the one without a level."""
    best, best_level = None, -1
    for entry in entries:
        if entry.currency != currency:
            continue
        if entry.group is None:
            level = -0.5
        else:
            level = next(i for i, each in enumerate(rulebook.tiers[entry.group].levels) if each.name == entry.level)
            if level > levels[entry.group]:
                continue
        if level > best_level:
            best, best_level = entry, level
    return best


def payment_rule(rulebook, currency, payment):
    return next((rule for rule in rulebook.spending.payments
                 if rule.currency == currency and rule.money == payment["currency"]), None)


def paid_order(payload):
    """The order that is paid with points."""
    return {"order_id": payload["payment"].get("order_id", "")} if "payment" in payload else {}
