/*
 * An event, byte by byte: u8 version (1), and then its fields in the order of event.h: texts as a
 * varint size and their bytes; whole numbers, codes, instants and truth as zigzag varints; lists as
 * a varint count and their items; of `redeem` and `hold` the member of the union that `what` names.
 *
 * One function goes over the fields for both directions, so that they cannot disagree.
 */
#include "engine/core/event_row.h"

#include "engine/core/fold.h"

enum { EVENT_ROW_VERSION = 1 };

/* Either writes or reads. */
struct coder {
    struct writer *writer; /* NULL: reads */
    struct reader reader;
    struct arena *arena;
};

/* The number as it was, or as it is read. */
static int64_t
number(struct coder *coder, int64_t value)
{
    if (coder->writer == NULL) return reader_zigzag(&coder->reader);
    writer_zigzag(coder->writer, value);
    return value;
}

static struct bytes
text(struct coder *coder, struct bytes value)
{
    if (coder->writer == NULL) return reader_prefixed(&coder->reader);
    writer_prefixed(coder->writer, value);
    return value;
}

static struct instant
instant(struct coder *coder, struct instant value)
{
    return (struct instant){number(coder, value.ms)};
}

static struct points
points(struct coder *coder, struct points value)
{
    return (struct points){number(coder, value.units)};
}

static struct rate
rate(struct coder *coder, struct rate value)
{
    int64_t numerator = number(coder, value.numerator);
    return (struct rate){numerator, number(coder, value.denominator)};
}

static struct event_ref
event_ref(struct coder *coder, struct event_ref value)
{
    struct bytes source = text(coder, value.source);
    return (struct event_ref){source, text(coder, value.id)};
}

static struct birthday
birthday(struct coder *coder, struct birthday value)
{
    uint8_t month = (uint8_t)number(coder, value.month);
    return (struct birthday){month, (uint8_t)number(coder, value.day)};
}

/* Room for a list that is read. */
static void *
room(struct coder *coder, uint32_t count, size_t item_bytes)
{
    void *items = arena_alloc(coder->arena, (count + (size_t)1) * item_bytes);
    CHECK(items != NULL); /* the scratch of a state holds any event */
    return items;
}

static struct attributes
attributes(struct coder *coder, struct attributes value)
{
    uint32_t count = (uint32_t)number(coder, value.count);
    struct attribute *read = coder->writer == NULL ? room(coder, count, sizeof *read) : NULL;
    for (uint32_t i = 0; i < count; i++) {
        struct attribute item = read == NULL ? value.items[i] : (struct attribute){0};
        item.key = text(coder, item.key);
        item.value = text(coder, item.value);
        if (read != NULL) read[i] = item;
    }
    return (struct attributes){read == NULL ? value.items : read, count};
}

static void
line(struct coder *coder, struct event_line *line)
{
    line->line_id = text(coder, line->line_id);
    line->sku = text(coder, line->sku);
    line->category = text(coder, line->category);
    line->brand = text(coder, line->brand);
    line->kind = (enum line_kind)number(coder, line->kind);
    line->quantity_milli = number(coder, line->quantity_milli);
    line->amount_minor = number(coder, line->amount_minor);
    line->discount_minor = number(coder, line->discount_minor);
    line->tax_minor = number(coder, line->tax_minor);
    line->attributes = attributes(coder, line->attributes);
}

static const struct event_line *
lines(struct coder *coder, const struct event_line *items, uint32_t *count)
{
    *count = (uint32_t)number(coder, *count);
    struct event_line *read = coder->writer == NULL ? room(coder, *count, sizeof *read) : NULL;
    for (uint32_t i = 0; i < *count; i++) {
        struct event_line item = read == NULL ? items[i] : (struct event_line){0};
        line(coder, &item);
        if (read != NULL) read[i] = item;
    }
    return read == NULL ? items : read;
}

static const struct bytes *
texts(struct coder *coder, const struct bytes *items, uint32_t *count)
{
    *count = (uint32_t)number(coder, *count);
    struct bytes *read = coder->writer == NULL ? room(coder, *count, sizeof *read) : NULL;
    for (uint32_t i = 0; i < *count; i++) {
        struct bytes item = text(coder, read == NULL ? items[i] : (struct bytes){0});
        if (read != NULL) read[i] = item;
    }
    return read == NULL ? items : read;
}

static void
purchase(struct coder *coder, struct purchase *purchase)
{
    purchase->order_id = text(coder, purchase->order_id);
    purchase->currency = (uint16_t)number(coder, purchase->currency);
    purchase->channel = text(coder, purchase->channel);
    purchase->store = text(coder, purchase->store);
    purchase->points_tender_minor = number(coder, purchase->points_tender_minor);
    purchase->gift_card_tender_minor = number(coder, purchase->gift_card_tender_minor);
    purchase->lines = lines(coder, purchase->lines, &purchase->line_count);
    purchase->partner = text(coder, purchase->partner);
    purchase->attributes = attributes(coder, purchase->attributes);
}

static void
refund(struct coder *coder, struct refund *refund)
{
    refund->order_id = text(coder, refund->order_id);
    refund->refund_id = text(coder, refund->refund_id);
    refund->currency = (uint16_t)number(coder, refund->currency);
    refund->amount_minor = number(coder, refund->amount_minor);
    refund->lines = lines(coder, refund->lines, &refund->line_count);
    refund->style = (enum refund_style)number(coder, refund->style);
    refund->channel = text(coder, refund->channel);
    refund->store = text(coder, refund->store);
    refund->partner = text(coder, refund->partner);
    refund->reason = text(coder, refund->reason);
    refund->attributes = attributes(coder, refund->attributes);
}

static void
activity(struct coder *coder, struct activity *activity)
{
    activity->kind = (enum activity_kind)number(coder, activity->kind);
    activity->app_kind = text(coder, activity->app_kind);
    activity->reference = text(coder, activity->reference);
    activity->value = number(coder, activity->value);
    activity->order_id = text(coder, activity->order_id);
    activity->channel = text(coder, activity->channel);
    activity->store = text(coder, activity->store);
    activity->partner = text(coder, activity->partner);
    activity->attributes = attributes(coder, activity->attributes);
}

static void
spend_request(struct coder *coder, struct spend_request *request)
{
    request->currencies = texts(coder, request->currencies, &request->currency_count);
    request->what = (enum spend_what)number(coder, request->what);
    switch (request->what) {
    case SPEND_POINTS: request->points = points(coder, request->points); break;
    case SPEND_REWARD:
        request->reward.id = text(coder, request->reward.id);
        request->reward.count = (uint32_t)number(coder, request->reward.count);
        break;
    case SPEND_PAYMENT:
        request->payment.order_id = text(coder, request->payment.order_id);
        request->payment.currency = (uint16_t)number(coder, request->payment.currency);
        request->payment.amount_minor = number(coder, request->payment.amount_minor);
        request->payment.order_total_minor = number(coder, request->payment.order_total_minor);
        break;
    }
    request->reason = text(coder, request->reason);
    request->actor = text(coder, request->actor);
    request->channel = text(coder, request->channel);
    request->store = text(coder, request->store);
    request->attributes = attributes(coder, request->attributes);
}

static void
grant(struct coder *coder, struct grant *grant)
{
    grant->currency = text(coder, grant->currency);
    grant->points = points(coder, grant->points);
    grant->reason = text(coder, grant->reason);
    grant->actor = text(coder, grant->actor);
    grant->activates_at = instant(coder, grant->activates_at);
    grant->expires_at = instant(coder, grant->expires_at);
    grant->never_expires = number(coder, grant->never_expires) != 0;
    grant->qualifies = number(coder, grant->qualifies) != 0;
    grant->order_id = text(coder, grant->order_id);
    grant->funder = text(coder, grant->funder);
    grant->unit_cost = rate(coder, grant->unit_cost);
    grant->cost_currency = (uint16_t)number(coder, grant->cost_currency);
    grant->attributes = attributes(coder, grant->attributes);
}

static void
adjust(struct coder *coder, struct adjust *adjust)
{
    adjust->currency = text(coder, adjust->currency);
    adjust->points = points(coder, adjust->points);
    adjust->reason = text(coder, adjust->reason);
    adjust->actor = text(coder, adjust->actor);
    adjust->expires_at = instant(coder, adjust->expires_at);
    adjust->never_expires = number(coder, adjust->never_expires) != 0;
    adjust->may_owe = number(coder, adjust->may_owe) != 0;
}

static void
lot_choice(struct coder *coder, struct lot_choice *choice)
{
    choice->lot_count = (uint32_t)number(coder, choice->lot_count);
    struct lot_name *read =
        coder->writer == NULL ? room(coder, choice->lot_count, sizeof *read) : NULL;
    for (uint32_t i = 0; i < choice->lot_count; i++) {
        struct lot_name item = read == NULL ? choice->lots[i] : (struct lot_name){0};
        item.journal_id = text(coder, item.journal_id);
        item.partition = (uint32_t)number(coder, item.partition);
        item.ordinal = (uint64_t)number(coder, (int64_t)item.ordinal);
        item.index = (uint32_t)number(coder, item.index);
        if (read != NULL) read[i] = item;
    }
    if (read != NULL) choice->lots = read;
    choice->currency = text(coder, choice->currency);
    choice->from = instant(coder, choice->from);
    choice->until = instant(coder, choice->until);
}

/* The two texts at the end of whatever a person does by hand. */
static void
reason_and_actor(struct coder *coder, struct bytes *reason, struct bytes *actor)
{
    *reason = text(coder, *reason);
    *actor = text(coder, *actor);
}

static void
enrol(struct coder *coder, struct enrol *enrol)
{
    enrol->birthday = birthday(coder, enrol->birthday);
    enrol->channel = text(coder, enrol->channel);
    enrol->store = text(coder, enrol->store);
    enrol->partner = text(coder, enrol->partner);
    enrol->attributes = attributes(coder, enrol->attributes);
}

static void
by_hand(struct coder *coder, struct event *event)
{
    switch (event->kind) {
    case EVENT_EXTEND_LOTS:
        lot_choice(coder, &event->extend_lots.choice);
        event->extend_lots.expires_at = instant(coder, event->extend_lots.expires_at);
        event->extend_lots.days = (uint32_t)number(coder, event->extend_lots.days);
        reason_and_actor(coder, &event->extend_lots.reason, &event->extend_lots.actor);
        break;
    case EVENT_REINSTATE_LOTS:
        lot_choice(coder, &event->reinstate_lots.choice);
        event->reinstate_lots.expires_at = instant(coder, event->reinstate_lots.expires_at);
        reason_and_actor(coder, &event->reinstate_lots.reason, &event->reinstate_lots.actor);
        break;
    case EVENT_RENEW_LOTS:
        lot_choice(coder, &event->renew_lots.choice);
        event->renew_lots.share = rate(coder, event->renew_lots.share);
        event->renew_lots.expires_at = instant(coder, event->renew_lots.expires_at);
        reason_and_actor(coder, &event->renew_lots.reason, &event->renew_lots.actor);
        break;
    case EVENT_RELEASE_QUARANTINE:
    case EVENT_REJECT_QUARANTINE:
        event->quarantine_end.granted_by = event_ref(coder, event->quarantine_end.granted_by);
        reason_and_actor(coder, &event->quarantine_end.reason, &event->quarantine_end.actor);
        break;
    case EVENT_SUSPEND:
    case EVENT_RESUME:
    case EVENT_FREEZE:
    case EVENT_UNFREEZE:
    case EVENT_CLOSE:
    case EVENT_REOPEN:
        reason_and_actor(coder, &event->state_change.reason, &event->state_change.actor);
        break;
    case EVENT_TIER_OVERRIDE:
        event->tier_override.group = text(coder, event->tier_override.group);
        event->tier_override.tier = text(coder, event->tier_override.tier);
        event->tier_override.until = instant(coder, event->tier_override.until);
        reason_and_actor(coder, &event->tier_override.reason, &event->tier_override.actor);
        break;
    case EVENT_END_TIER_OVERRIDE:
        event->end_tier_override.group = text(coder, event->end_tier_override.group);
        reason_and_actor(coder, &event->end_tier_override.reason, &event->end_tier_override.actor);
        break;
    default: UNREACHABLE();
    }
}

static void
payload(struct coder *coder, struct event *event)
{
    switch (event->kind) {
    case EVENT_PURCHASE: purchase(coder, &event->purchase); break;
    case EVENT_REFUND: refund(coder, &event->refund); break;
    case EVENT_CANCELLATION:
        event->cancellation.order_id = text(coder, event->cancellation.order_id);
        event->cancellation.reason = text(coder, event->cancellation.reason);
        break;
    case EVENT_DELIVERED: event->delivered.order_id = text(coder, event->delivered.order_id); break;
    case EVENT_ACTIVITY: activity(coder, &event->activity); break;
    case EVENT_REDEEM:
        event->redeem.spend_id = text(coder, event->redeem.spend_id);
        spend_request(coder, &event->redeem.request);
        break;
    case EVENT_HOLD:
        event->hold.hold_id = text(coder, event->hold.hold_id);
        spend_request(coder, &event->hold.request);
        event->hold.timeout_ms = number(coder, event->hold.timeout_ms);
        break;
    case EVENT_CANCEL_REDEMPTION:
        event->cancel_redemption.spend_id = text(coder, event->cancel_redemption.spend_id);
        event->cancel_redemption.points = points(coder, event->cancel_redemption.points);
        reason_and_actor(coder, &event->cancel_redemption.reason, &event->cancel_redemption.actor);
        break;
    case EVENT_CAPTURE_HOLD:
        event->capture_hold.hold_id = text(coder, event->capture_hold.hold_id);
        event->capture_hold.points = points(coder, event->capture_hold.points);
        event->capture_hold.reason = text(coder, event->capture_hold.reason);
        break;
    case EVENT_RELEASE_HOLD:
        event->release_hold.hold_id = text(coder, event->release_hold.hold_id);
        event->release_hold.reason = text(coder, event->release_hold.reason);
        break;
    case EVENT_GRANT: grant(coder, &event->grant); break;
    case EVENT_ADJUST: adjust(coder, &event->adjust); break;
    case EVENT_APPROVE:
        event->approve.awaiting = event_ref(coder, event->approve.awaiting);
        reason_and_actor(coder, &event->approve.reason, &event->approve.actor);
        break;
    case EVENT_ENROL: enrol(coder, &event->enrol); break;
    case EVENT_PROFILE_UPDATE:
        event->profile_update.birthday = birthday(coder, event->profile_update.birthday);
        break;
    default: by_hand(coder, event);
    }
}

static void
code(struct coder *coder, struct event *event)
{
    event->kind = (enum event_kind)number(coder, event->kind);
    event->source = text(coder, event->source);
    event->id = text(coder, event->id);
    event->member = text(coder, event->member);
    event->occurred_at = instant(coder, event->occurred_at);
    event->correlation_id = text(coder, event->correlation_id);
    event->traceparent = text(coder, event->traceparent);
    payload(coder, event);
}

void
event_row_encode(const struct event *event, struct writer *writer)
{
    struct coder coder = {.writer = writer};
    struct event copy = *event;
    writer_u8(writer, EVENT_ROW_VERSION);
    code(&coder, &copy);
}

void
event_row_decode(struct bytes content, struct arena *arena, struct event *out_event)
{
    struct coder coder = {.reader = reader_of(content), .arena = arena};
    CHECK(reader_u8(&coder.reader) == EVENT_ROW_VERSION);
    *out_event = (struct event){0};
    code(&coder, out_event);
    CHECK(reader_done(&coder.reader));
}
