/* What of a payload concerns several fields (codec_payload_priv.h). Errors name the field. */
#include <stdlib.h>
#include <string.h>

#include "consumers/codec_event.h"
#include "consumers/codec_payload_priv.h"
#include "engine/base/check.h"
#include "engine/core/quantity.h"

static bool
missing(struct codec_error *out_error, const char *name)
{
    return form_error(out_error, "%s: is missing", name);
}

/* ---- Items of lists ---- */

bool
attribute_check(const void *items, uint32_t count, struct codec_error *out_error)
{
    const struct attribute *attributes = items;
    struct bytes key = attributes[count - 1].key;
    if (key.size == 0) {
        return form_error(out_error, "key: must have 1 to %d bytes", CODEC_ATTRIBUTE_KEY_BYTES_MAX);
    }
    for (uint32_t i = 0; i + 1 < count; i++) {
        if (!bytes_equal(attributes[i].key, key)) continue;
        return form_error(out_error, "key: '%.*s' is told twice", (int)key.size,
                          (const char *)key.data);
    }
    return true;
}

bool
lot_name_check(const void *items, uint32_t count, struct codec_error *out_error)
{
    const struct lot_name *lots = items, *lot = &lots[count - 1];
    if (lot->ordinal == 0) return missing(out_error, "ordinal");
    for (uint32_t i = 0; i + 1 < count; i++) {
        bool same = lots[i].ordinal == lot->ordinal && lots[i].index == lot->index &&
                    lots[i].partition == lot->partition &&
                    bytes_equal(lots[i].journal_id, lot->journal_id);
        if (same) return form_error(out_error, "ordinal: the lot is named twice");
    }
    return true;
}

/* ---- Orders ---- */

static int
line_compare_ids(const void *left, const void *right)
{
    const struct event_line *const *a = left, *const *b = right;
    return bytes_compare((*a)->line_id, (*b)->line_id);
}

/* Every line has an id of its own in the event; what carries none is called by its place: "1", "2",
 * …. False with *out_error when two lines have one id, untouched when the arena is full. */
static bool
lines_identify(struct event_line *lines, uint32_t count, struct arena *arena,
               struct codec_error *out_error)
{
    enum { DIGITS_MAX = 5 };
    const struct event_line **sorted = arena_alloc(arena, count * sizeof *sorted);
    char *names = arena_alloc(arena, count * DIGITS_MAX);
    if (sorted == NULL || names == NULL) return false;

    for (uint32_t i = 0; i < count; i++) {
        sorted[i] = &lines[i];
        if (lines[i].line_id.size != 0) continue;
        char *name = names + i * DIGITS_MAX;
        size_t size = 0;
        uint32_t power = 1;
        while (power * 10 <= i + 1)
            power *= 10;
        for (; power != 0; power /= 10)
            name[size++] = (char)('0' + (i + 1) / power % 10);
        lines[i].line_id = bytes_of(name, size);
    }
    qsort(sorted, count, sizeof *sorted, line_compare_ids);
    for (uint32_t i = 1; i < count; i++) {
        struct bytes id = sorted[i]->line_id;
        if (bytes_equal(sorted[i - 1]->line_id, id)) {
            return form_error(out_error, "lines: '%.*s' names two lines", (int)id.size,
                              (const char *)id.data);
        }
    }
    return true;
}

/* The lines were made by the reader, in the arena; const is for the core. A line that names no kind
 * is of goods. */
static struct event_line *
lines_complete(const struct event_line *lines, uint32_t count)
{
    struct event_line *own = (struct event_line *)(uintptr_t)lines;
    for (uint32_t i = 0; i < count; i++) {
        if (own[i].kind == 0) own[i].kind = LINE_GOODS;
    }
    return own;
}

PAYLOAD_CHECK(purchase)
{
    (void)told;
    struct purchase *purchase = &event->purchase;
    struct event_line *lines = lines_complete(purchase->lines, purchase->line_count);
    if (purchase->order_id.size == 0) return missing(out_error, "order_id");
    if (purchase->currency == 0) return missing(out_error, "currency");
    if (purchase->line_count == 0) return form_error(out_error, "lines: there are none");

    int64_t paid_minor = 0;
    for (uint32_t i = 0; i < purchase->line_count; i++) {
        struct event_line *line = &lines[i];
        if (line->discount_minor > line->amount_minor) {
            return form_error(out_error,
                              "lines[%u].discount_minor: is above the line's amount_minor", i);
        }
        if (line->tax_minor > line->amount_minor - line->discount_minor) {
            return form_error(out_error,
                              "lines[%u].tax_minor: is above amount_minor less discount_minor", i);
        }
        if (line->quantity_milli == 0) line->quantity_milli = 1000;
        paid_minor += line->amount_minor - line->discount_minor;
    }
    if (purchase->points_tender_minor + purchase->gift_card_tender_minor > paid_minor) {
        return form_error(out_error,
                          "points_tender_minor and gift_card_minor: pay more than the order costs");
    }
    return lines_identify(lines, purchase->line_count, arena, out_error);
}

/* A delta is named by its refund_id; a total names its order and nothing else. */
static bool
refund_name_check(const struct refund *refund, struct codec_error *out_error)
{
    if (refund->style == REFUND_DELTA) {
        return refund->refund_id.size != 0 || missing(out_error, "refund_id");
    }
    if (refund->refund_id.size != 0) {
        return form_error(out_error, "refund_id: a total has none; leave it out, or tell a DELTA");
    }
    if (refund->order_id.size != 0) return true;
    return form_error(out_error, "order_id: is missing: a total is of an order");
}

PAYLOAD_CHECK(refund)
{
    (void)told;
    struct refund *refund = &event->refund;
    struct event_line *lines = lines_complete(refund->lines, refund->line_count);
    if (!refund_name_check(refund, out_error)) return false;
    if (refund->currency == 0) return missing(out_error, "currency");
    if (refund->line_count == 0) {
        if (refund->amount_minor != 0) return true;
        return form_error(out_error, "amount_minor: is missing, and there are no lines");
    }

    int64_t sum_minor = 0;
    for (uint32_t i = 0; i < refund->line_count; i++) {
        if (refund->order_id.size != 0 && lines[i].line_id.size == 0) {
            return form_error(out_error,
                              "lines[%u].line_id: is missing: which line of the order is it?", i);
        }
        sum_minor += lines[i].amount_minor;
    }
    if (refund->amount_minor == 0) refund->amount_minor = sum_minor;
    if (refund->amount_minor < sum_minor)
        return form_error(out_error, "amount_minor: is less than the sum of the lines");
    return lines_identify(lines, refund->line_count, arena, out_error);
}

PAYLOAD_CHECK(cancellation)
{
    (void)told;
    (void)arena;
    return event->cancellation.order_id.size != 0 || missing(out_error, "order_id");
}

PAYLOAD_CHECK(delivered)
{
    (void)told;
    (void)arena;
    return event->delivered.order_id.size != 0 || missing(out_error, "order_id");
}

PAYLOAD_CHECK(activity)
{
    (void)told;
    (void)arena;
    const struct activity *activity = &event->activity;
    if (activity->kind == 0) return missing(out_error, "kind");
    if (activity->kind == ACTIVITY_APP_DEFINED) {
        return activity->app_kind.size != 0 ||
               form_error(out_error, "app_kind: is missing: APP_DEFINED is named by it");
    }
    return activity->app_kind.size == 0 ||
           form_error(out_error, "app_kind: is for APP_DEFINED alone");
}

/* ---- Spending ---- */

static bool
request_check(struct spend_request *request, told_fields told, struct codec_error *out_error)
{
    enum { POINTS = TOLD(3), REWARD = TOLD(4), PAYMENT = TOLD(5) };
    struct spend_payment *payment = &request->payment;
    switch (told & (POINTS | REWARD | PAYMENT)) {
    case 0:
        return form_error(out_error,
                          "points: is missing, and neither reward nor payment is told instead");
    case POINTS: request->what = SPEND_POINTS; return true;
    case REWARD:
        request->what = SPEND_REWARD;
        if (request->reward.id.size == 0) return missing(out_error, "reward.reward_id");
        if (request->reward.count == 0) request->reward.count = 1;
        return true;
    case PAYMENT:
        request->what = SPEND_PAYMENT;
        if (payment->currency == 0) return missing(out_error, "payment.currency");
        if (payment->amount_minor == 0) return missing(out_error, "payment.amount_minor");
        if (payment->order_total_minor != 0 && payment->order_total_minor < payment->amount_minor) {
            return form_error(out_error, "payment.order_total_minor: is less than amount_minor");
        }
        return true;
    default:
        return form_error(out_error, "points, reward and payment: more than one is told; send one");
    }
}

PAYLOAD_CHECK(redeem)
{
    (void)arena;
    if (event->redeem.spend_id.size == 0) return missing(out_error, "spend_id");
    return request_check(&event->redeem.request, told, out_error);
}

PAYLOAD_CHECK(hold)
{
    (void)arena;
    if (event->hold.hold_id.size == 0) return missing(out_error, "hold_id");
    return request_check(&event->hold.request, told, out_error);
}

PAYLOAD_CHECK(cancel_redemption)
{
    (void)told;
    (void)arena;
    return event->cancel_redemption.spend_id.size != 0 || missing(out_error, "spend_id");
}

PAYLOAD_CHECK(capture_hold)
{
    (void)told;
    (void)arena;
    return event->capture_hold.hold_id.size != 0 || missing(out_error, "hold_id");
}

PAYLOAD_CHECK(release_hold)
{
    (void)told;
    (void)arena;
    return event->release_hold.hold_id.size != 0 || missing(out_error, "hold_id");
}

/* ---- Points by hand ---- */

/* Both sides of a fraction that was told, and the fraction in lowest terms. */
static bool
rate_check(struct rate *rate, const char *name, struct codec_error *out_error)
{
    if (rate_make(rate->numerator, rate->denominator, rate)) return true;
    return form_error(out_error, "%s.%s: is missing", name,
                      rate->numerator == 0 ? "numerator" : "denominator");
}

PAYLOAD_CHECK(grant)
{
    (void)arena;
    enum { UNIT_COST = TOLD(10) };
    struct grant *grant = &event->grant;
    bool has_cost = (told & UNIT_COST) != 0;
    if (grant->points.units == 0) return missing(out_error, "points");
    if (has_cost && !rate_check(&grant->unit_cost, "unit_cost_minor", out_error)) return false;
    if (has_cost && grant->cost_currency == 0)
        return form_error(out_error, "cost_currency: is missing: of which money is the cost?");
    if (!has_cost && grant->cost_currency != 0)
        return form_error(out_error, "unit_cost_minor: is missing: what does a point cost?");
    if (grant->never_expires) grant->expires_at.ms = 0;
    if (grant->expires_at.ms != 0 && grant->expires_at.ms <= grant->activates_at.ms)
        return form_error(out_error, "expires_at_ms: is not after activates_at_ms");
    return true;
}

PAYLOAD_CHECK(adjust)
{
    (void)told;
    (void)arena;
    struct adjust *adjust = &event->adjust;
    if (adjust->points.units == 0) return missing(out_error, "points");
    if (adjust->reason.size == 0) return missing(out_error, "reason");
    if (adjust->actor.size == 0) return missing(out_error, "actor");
    if (adjust->never_expires) adjust->expires_at.ms = 0;
    return true;
}

static bool
event_ref_check(const struct event_ref *ref, const char *name, struct codec_error *out_error)
{
    if (ref->source.size == 0) return form_error(out_error, "%s.source: is missing", name);
    if (ref->id.size == 0) return form_error(out_error, "%s.id: is missing", name);
    return true;
}

PAYLOAD_CHECK(approve)
{
    (void)told;
    (void)arena;
    if (!event_ref_check(&event->approve.awaiting, "awaiting", out_error)) return false;
    return event->approve.actor.size != 0 || missing(out_error, "actor");
}

static bool
lot_choice_check(const struct lot_choice *choice, struct codec_error *out_error)
{
    bool has_window = choice->from.ms != 0 || choice->until.ms != 0;
    if (choice->lot_count != 0 && has_window) {
        return form_error(out_error, "choice.lots: are named, so expiring_from_ms and "
                                     "expiring_until_ms must be left out");
    }
    if (choice->until.ms != 0 && choice->until.ms <= choice->from.ms)
        return form_error(out_error, "choice.expiring_until_ms: is not after expiring_from_ms");
    return true;
}

PAYLOAD_CHECK(extend_lots)
{
    (void)arena;
    enum { EXPIRES_AT = TOLD(2), DAYS = TOLD(3), DAYS_MAX = 36600 };
    struct extend_lots *extend = &event->extend_lots;
    if (!lot_choice_check(&extend->choice, out_error)) return false;
    switch (told & (EXPIRES_AT | DAYS)) {
    case 0: return form_error(out_error, "expires_at_ms: is missing, and days are not told");
    case EXPIRES_AT: return extend->expires_at.ms != 0 || missing(out_error, "expires_at_ms");
    case DAYS:
        if (extend->days >= 1 && extend->days <= DAYS_MAX) return true;
        return form_error(out_error, "days: must be 1 to %d", DAYS_MAX);
    default: return form_error(out_error, "expires_at_ms and days: both are told; send one");
    }
}

PAYLOAD_CHECK(reinstate_lots)
{
    (void)told;
    (void)arena;
    if (!lot_choice_check(&event->reinstate_lots.choice, out_error)) return false;
    return event->reinstate_lots.expires_at.ms != 0 || missing(out_error, "expires_at_ms");
}

PAYLOAD_CHECK(renew_lots)
{
    (void)told;
    (void)arena;
    struct renew_lots *renew = &event->renew_lots;
    if (!lot_choice_check(&renew->choice, out_error)) return false;
    if (!rate_check(&renew->share, "share", out_error)) return false;
    if (renew->share.numerator > renew->share.denominator)
        return form_error(out_error, "share: is above 1");
    return renew->expires_at.ms != 0 || missing(out_error, "expires_at_ms");
}

PAYLOAD_CHECK(quarantine_end)
{
    (void)told;
    (void)arena;
    return event_ref_check(&event->quarantine_end.granted_by, "granted_by", out_error);
}

/* ---- A member's life ---- */

static bool
birthday_check(const struct birthday *birthday, struct codec_error *out_error)
{
    static const uint8_t days[13] = {0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (birthday->month == 0 && birthday->day == 0) return true;
    if (birthday->month < 1 || birthday->month > 12)
        return form_error(out_error, "birthday.month: %u is no month", birthday->month);
    if (birthday->day >= 1 && birthday->day <= days[birthday->month]) return true;
    return form_error(out_error, "birthday.day: month %u has no day %u", birthday->month,
                      birthday->day);
}

PAYLOAD_CHECK(enrol)
{
    (void)told;
    (void)arena;
    return birthday_check(&event->enrol.birthday, out_error);
}

PAYLOAD_CHECK(profile_update)
{
    (void)arena;
    if (told == 0) {
        return form_error(out_error, "birthday: is missing; one of month 0 withdraws it");
    }
    return birthday_check(&event->profile_update.birthday, out_error);
}

PAYLOAD_CHECK(state_change)
{
    (void)event;
    (void)told;
    (void)arena;
    (void)out_error;
    return true;
}

PAYLOAD_CHECK(tier_override)
{
    (void)told;
    (void)arena;
    const struct tier_override *override = &event->tier_override;
    if (override->tier.size == 0) return missing(out_error, "tier");
    if (override->until.ms != 0 && override->until.ms <= event->occurred_at.ms)
        return form_error(out_error, "until_ms: is not after the event's occurred_at_ms");
    return true;
}

PAYLOAD_CHECK(end_tier_override)
{
    (void)event;
    (void)told;
    (void)arena;
    (void)out_error;
    return true;
}
