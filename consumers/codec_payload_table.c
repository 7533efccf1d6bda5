#include <assert.h>
#include <stddef.h>

#include "consumers/codec_event.h"
#include "consumers/codec_payload_priv.h"

#define AT(type, member) .offset = offsetof(struct type, member)
#define LIST(type, items, count, max)                                                              \
    .offset = offsetof(struct type, items), .count_offset = offsetof(struct type, count),          \
    .count_max = (max)
#define MESSAGE_OF(table, type)                                                                    \
    .fields = (table), .field_count = sizeof(table) / sizeof *(table), .size = sizeof(struct type)

/* ---- What messages share ---- */

static const struct field_spec attribute_fields[] = {
    [1] = {"key", FIELD_KEY, AT(attribute, key)},
    [2] = {"value", FIELD_TEXT, AT(attribute, value)},
};
static const struct message_spec attribute_message = {MESSAGE_OF(attribute_fields, attribute),
                                                      .check_item = attribute_check};

#define ATTRIBUTES(type, member)                                                                   \
    {                                                                                              \
        "attributes", FIELD_LIST, LIST(type, member.items, member.count, EVENT_ATTRIBUTES_MAX),    \
            .message = &attribute_message                                                          \
    }

static const struct field_spec birthday_fields[] = {
    [1] = {"month", FIELD_DAY, AT(birthday, month)},
    [2] = {"day", FIELD_DAY, AT(birthday, day)},
};
static const struct message_spec birthday_message = {MESSAGE_OF(birthday_fields, birthday)};

static const struct field_spec rate_fields[] = {
    [1] = {"numerator", FIELD_TERM, AT(rate, numerator)},
    [2] = {"denominator", FIELD_TERM, AT(rate, denominator)},
};
static const struct message_spec rate_message = {MESSAGE_OF(rate_fields, rate)};

static const struct field_spec event_ref_fields[] = {
    [1] = {"source", FIELD_NAME, AT(event_ref, source)},
    [2] = {"id", FIELD_NAME, AT(event_ref, id)},
};
static const struct message_spec event_ref_message = {MESSAGE_OF(event_ref_fields, event_ref)};

/* ---- Orders ---- */

static const struct field_spec line_fields[] = {
    [1] = {"line_id", FIELD_NAME, AT(event_line, line_id)},
    [2] = {"kind", FIELD_LINE_KIND, AT(event_line, kind)},
    [3] = {"sku", FIELD_NAME, AT(event_line, sku)},
    [4] = {"category", FIELD_NAME, AT(event_line, category)},
    [5] = {"brand", FIELD_NAME, AT(event_line, brand)},
    [6] = {"quantity_milli", FIELD_AMOUNT, AT(event_line, quantity_milli)},
    [7] = {"amount_minor", FIELD_AMOUNT, AT(event_line, amount_minor)},
    [8] = {"discount_minor", FIELD_AMOUNT, AT(event_line, discount_minor)},
    [9] = {"tax_minor", FIELD_AMOUNT, AT(event_line, tax_minor)},
    [10] = ATTRIBUTES(event_line, attributes),
};
static const struct message_spec line_message = {MESSAGE_OF(line_fields, event_line)};

static const struct field_spec purchase_fields[] = {
    [1] = {"order_id", FIELD_NAME, AT(purchase, order_id)},
    [2] = {"currency", FIELD_MONEY, AT(purchase, currency)},
    [3] = {"lines", FIELD_LIST, LIST(purchase, lines, line_count, EVENT_LINES_MAX),
           .message = &line_message},
    [4] = {"points_tender_minor", FIELD_AMOUNT, AT(purchase, points_tender_minor)},
    [5] = {"gift_card_minor", FIELD_AMOUNT, AT(purchase, gift_card_tender_minor)},
    [6] = {"channel", FIELD_NAME, AT(purchase, channel)},
    [7] = {"store", FIELD_NAME, AT(purchase, store)},
    [8] = {"partner", FIELD_NAME, AT(purchase, partner)},
    [9] = ATTRIBUTES(purchase, attributes),
};
static const struct message_spec purchase_message = {MESSAGE_OF(purchase_fields, purchase)};

static const struct field_spec refund_line_fields[] = {
    [1] = {"line_id", FIELD_NAME, AT(event_line, line_id)},
    [2] = {"amount_minor", FIELD_AMOUNT, AT(event_line, amount_minor)},
    [3] = {"quantity_milli", FIELD_AMOUNT, AT(event_line, quantity_milli)},
    [4] = {"kind", FIELD_LINE_KIND, AT(event_line, kind)},
    [5] = {"sku", FIELD_NAME, AT(event_line, sku)},
    [6] = {"category", FIELD_NAME, AT(event_line, category)},
    [7] = {"brand", FIELD_NAME, AT(event_line, brand)},
};
static const struct message_spec refund_line_message = {MESSAGE_OF(refund_line_fields, event_line)};

static const struct field_spec refund_fields[] = {
    [1] = {"order_id", FIELD_NAME, AT(refund, order_id)},
    [2] = {"refund_id", FIELD_NAME, AT(refund, refund_id)},
    [3] = {"style", FIELD_STYLE, AT(refund, style)},
    [4] = {"currency", FIELD_MONEY, AT(refund, currency)},
    [5] = {"lines", FIELD_LIST, LIST(refund, lines, line_count, EVENT_LINES_MAX),
           .message = &refund_line_message},
    [6] = {"amount_minor", FIELD_AMOUNT, AT(refund, amount_minor)},
    [7] = {"channel", FIELD_NAME, AT(refund, channel)},
    [8] = {"store", FIELD_NAME, AT(refund, store)},
    [9] = {"partner", FIELD_NAME, AT(refund, partner)},
    [10] = {"reason", FIELD_TEXT, AT(refund, reason)},
    [11] = ATTRIBUTES(refund, attributes),
};
static const struct message_spec refund_message = {MESSAGE_OF(refund_fields, refund)};

static const struct field_spec cancellation_fields[] = {
    [1] = {"order_id", FIELD_NAME, AT(cancellation, order_id)},
    [2] = {"reason", FIELD_TEXT, AT(cancellation, reason)},
};
static const struct message_spec cancellation_message = {
    MESSAGE_OF(cancellation_fields, cancellation)};

static const struct field_spec delivered_fields[] = {
    [1] = {"order_id", FIELD_NAME, AT(delivered, order_id)},
};
static const struct message_spec delivered_message = {MESSAGE_OF(delivered_fields, delivered)};

static const struct field_spec activity_fields[] = {
    [1] = {"kind", FIELD_ACTIVITY, AT(activity, kind)},
    [2] = {"app_kind", FIELD_APP_KIND, AT(activity, app_kind)},
    [3] = {"reference", FIELD_NAME, AT(activity, reference)},
    [4] = {"value", FIELD_AMOUNT, AT(activity, value)},
    [5] = {"order_id", FIELD_NAME, AT(activity, order_id)},
    [6] = {"channel", FIELD_NAME, AT(activity, channel)},
    [7] = {"store", FIELD_NAME, AT(activity, store)},
    [8] = {"partner", FIELD_NAME, AT(activity, partner)},
    [9] = ATTRIBUTES(activity, attributes),
};
static const struct message_spec activity_message = {MESSAGE_OF(activity_fields, activity)};

/* ---- Spending ---- */

static const struct field_spec reward_fields[] = {
    [1] = {"reward_id", FIELD_NAME, AT(spend_reward, id)},
    [2] = {"count", FIELD_SMALL, AT(spend_reward, count)},
};
static const struct message_spec reward_message = {MESSAGE_OF(reward_fields, spend_reward)};

static const struct field_spec payment_fields[] = {
    [1] = {"order_id", FIELD_NAME, AT(spend_payment, order_id)},
    [2] = {"currency", FIELD_MONEY, AT(spend_payment, currency)},
    [3] = {"amount_minor", FIELD_AMOUNT, AT(spend_payment, amount_minor)},
    [4] = {"order_total_minor", FIELD_AMOUNT, AT(spend_payment, order_total_minor)},
};
static const struct message_spec payment_message = {MESSAGE_OF(payment_fields, spend_payment)};

/* Fields 2 to 5 of Redeem and Hold; 3 to 5 are a oneof, and a union here. */
enum { REQUEST_POINTS = 3, REQUEST_REWARD = 4, REQUEST_PAYMENT = 5 };
#define REQUEST_FIELDS(type)                                                                       \
    [2] = {"currencies", FIELD_NAMES,                                                              \
           LIST(type, request.currencies, request.currency_count, SPEND_CURRENCIES_MAX)},          \
    [REQUEST_POINTS] = {"points", FIELD_POINTS, AT(type, request.points)},                         \
    [REQUEST_REWARD] = {"reward", FIELD_MESSAGE_KEPT, AT(type, request.reward),                    \
                        .message = &reward_message},                                               \
    [REQUEST_PAYMENT] = {"payment", FIELD_MESSAGE_KEPT, AT(type, request.payment),                 \
                         .message = &payment_message}

static const struct field_spec redeem_fields[] = {
    [1] = {"spend_id", FIELD_NAME, AT(redeem, spend_id)},
    REQUEST_FIELDS(redeem),
    [6] = {"reason", FIELD_TEXT, AT(redeem, request.reason)},
    [7] = {"actor", FIELD_NAME, AT(redeem, request.actor)},
    [8] = {"channel", FIELD_NAME, AT(redeem, request.channel)},
    [9] = {"store", FIELD_NAME, AT(redeem, request.store)},
    [10] = ATTRIBUTES(redeem, request.attributes),
};
static const struct message_spec redeem_message = {MESSAGE_OF(redeem_fields, redeem)};

static const struct field_spec hold_fields[] = {
    [1] = {"hold_id", FIELD_NAME, AT(hold, hold_id)},
    REQUEST_FIELDS(hold),
    [6] = {"timeout_ms", FIELD_TIMEOUT, AT(hold, timeout_ms)},
    [7] = {"reason", FIELD_TEXT, AT(hold, request.reason)},
    [8] = {"actor", FIELD_NAME, AT(hold, request.actor)},
    [9] = {"channel", FIELD_NAME, AT(hold, request.channel)},
    [10] = {"store", FIELD_NAME, AT(hold, request.store)},
    [11] = ATTRIBUTES(hold, request.attributes),
};
static const struct message_spec hold_message = {MESSAGE_OF(hold_fields, hold)};

static const struct field_spec cancel_redemption_fields[] = {
    [1] = {"spend_id", FIELD_NAME, AT(cancel_redemption, spend_id)},
    [2] = {"points", FIELD_POINTS_LEFT, AT(cancel_redemption, points)},
    [3] = {"reason", FIELD_TEXT, AT(cancel_redemption, reason)},
    [4] = {"actor", FIELD_NAME, AT(cancel_redemption, actor)},
};
static const struct message_spec cancel_redemption_message = {
    MESSAGE_OF(cancel_redemption_fields, cancel_redemption)};

static const struct field_spec capture_hold_fields[] = {
    [1] = {"hold_id", FIELD_NAME, AT(capture_hold, hold_id)},
    [2] = {"points", FIELD_POINTS_LEFT, AT(capture_hold, points)},
    [3] = {"reason", FIELD_TEXT, AT(capture_hold, reason)},
};
static const struct message_spec capture_hold_message = {
    MESSAGE_OF(capture_hold_fields, capture_hold)};

static const struct field_spec release_hold_fields[] = {
    [1] = {"hold_id", FIELD_NAME, AT(release_hold, hold_id)},
    [2] = {"reason", FIELD_TEXT, AT(release_hold, reason)},
};
static const struct message_spec release_hold_message = {
    MESSAGE_OF(release_hold_fields, release_hold)};

/* ---- Points by hand ---- */

static const struct field_spec grant_fields[] = {
    [1] = {"currency", FIELD_NAME, AT(grant, currency)},
    [2] = {"points", FIELD_POINTS, AT(grant, points)},
    [3] = {"reason", FIELD_TEXT, AT(grant, reason)},
    [4] = {"actor", FIELD_NAME, AT(grant, actor)},
    [5] = {"activates_at_ms", FIELD_INSTANT, AT(grant, activates_at)},
    [6] = {"expires_at_ms", FIELD_INSTANT, AT(grant, expires_at)},
    [7] = {"never_expires", FIELD_BOOL, AT(grant, never_expires)},
    [8] = {"order_id", FIELD_NAME, AT(grant, order_id)},
    [9] = {"funder", FIELD_NAME, AT(grant, funder)},
    [10] = {"unit_cost_minor", FIELD_MESSAGE, AT(grant, unit_cost), .message = &rate_message},
    [11] = {"cost_currency", FIELD_MONEY, AT(grant, cost_currency)},
    [12] = {"qualifies", FIELD_BOOL, AT(grant, qualifies)},
    [13] = ATTRIBUTES(grant, attributes),
};
static const struct message_spec grant_message = {MESSAGE_OF(grant_fields, grant)};

static const struct field_spec adjust_fields[] = {
    [1] = {"currency", FIELD_NAME, AT(adjust, currency)},
    [2] = {"points", FIELD_POINTS_SIGNED, AT(adjust, points)},
    [3] = {"reason", FIELD_TEXT, AT(adjust, reason)},
    [4] = {"actor", FIELD_NAME, AT(adjust, actor)},
    [5] = {"may_owe", FIELD_BOOL, AT(adjust, may_owe)},
    [6] = {"expires_at_ms", FIELD_INSTANT, AT(adjust, expires_at)},
    [7] = {"never_expires", FIELD_BOOL, AT(adjust, never_expires)},
};
static const struct message_spec adjust_message = {MESSAGE_OF(adjust_fields, adjust)};

static const struct field_spec approve_fields[] = {
    [1] = {"awaiting", FIELD_MESSAGE, AT(approve, awaiting), .message = &event_ref_message},
    [2] = {"actor", FIELD_NAME, AT(approve, actor)},
    [3] = {"reason", FIELD_TEXT, AT(approve, reason)},
};
static const struct message_spec approve_message = {MESSAGE_OF(approve_fields, approve)};

static const struct field_spec lot_name_fields[] = {
    [1] = {"journal_id", FIELD_JOURNAL_ID, AT(lot_name, journal_id)},
    [2] = {"partition", FIELD_SMALL, AT(lot_name, partition)},
    [3] = {"ordinal", FIELD_ORDINAL, AT(lot_name, ordinal)},
    [4] = {"index", FIELD_SMALL, AT(lot_name, index)},
};
static const struct message_spec lot_name_message = {MESSAGE_OF(lot_name_fields, lot_name),
                                                     .check_item = lot_name_check};

static const struct field_spec lot_choice_fields[] = {
    [1] = {"lots", FIELD_LIST, LIST(lot_choice, lots, lot_count, EVENT_LOTS_MAX),
           .message = &lot_name_message},
    [2] = {"currency", FIELD_NAME, AT(lot_choice, currency)},
    [3] = {"expiring_from_ms", FIELD_INSTANT, AT(lot_choice, from)},
    [4] = {"expiring_until_ms", FIELD_INSTANT, AT(lot_choice, until)},
};
static const struct message_spec lot_choice_message = {MESSAGE_OF(lot_choice_fields, lot_choice)};

/* 2 and 3 are a oneof; which of them is told, its value says: 0 is neither. */
static const struct field_spec extend_lots_fields[] = {
    [1] = {"choice", FIELD_MESSAGE, AT(extend_lots, choice), .message = &lot_choice_message},
    [2] = {"expires_at_ms", FIELD_INSTANT, AT(extend_lots, expires_at)},
    [3] = {"days", FIELD_SMALL, AT(extend_lots, days)},
    [4] = {"reason", FIELD_TEXT, AT(extend_lots, reason)},
    [5] = {"actor", FIELD_NAME, AT(extend_lots, actor)},
};
static const struct message_spec extend_lots_message = {
    MESSAGE_OF(extend_lots_fields, extend_lots)};

static const struct field_spec reinstate_lots_fields[] = {
    [1] = {"choice", FIELD_MESSAGE, AT(reinstate_lots, choice), .message = &lot_choice_message},
    [2] = {"expires_at_ms", FIELD_INSTANT, AT(reinstate_lots, expires_at)},
    [3] = {"reason", FIELD_TEXT, AT(reinstate_lots, reason)},
    [4] = {"actor", FIELD_NAME, AT(reinstate_lots, actor)},
};
static const struct message_spec reinstate_lots_message = {
    MESSAGE_OF(reinstate_lots_fields, reinstate_lots)};

static const struct field_spec renew_lots_fields[] = {
    [1] = {"choice", FIELD_MESSAGE, AT(renew_lots, choice), .message = &lot_choice_message},
    [2] = {"share", FIELD_MESSAGE, AT(renew_lots, share), .message = &rate_message},
    [3] = {"expires_at_ms", FIELD_INSTANT, AT(renew_lots, expires_at)},
    [4] = {"reason", FIELD_TEXT, AT(renew_lots, reason)},
    [5] = {"actor", FIELD_NAME, AT(renew_lots, actor)},
};
static const struct message_spec renew_lots_message = {MESSAGE_OF(renew_lots_fields, renew_lots)};

static const struct field_spec quarantine_end_fields[] = {
    [1] = {"granted_by", FIELD_MESSAGE, AT(quarantine_end, granted_by),
           .message = &event_ref_message},
    [2] = {"reason", FIELD_TEXT, AT(quarantine_end, reason)},
    [3] = {"actor", FIELD_NAME, AT(quarantine_end, actor)},
};
static const struct message_spec quarantine_end_message = {
    MESSAGE_OF(quarantine_end_fields, quarantine_end)};

/* ---- A member's life ---- */

static const struct field_spec enrol_fields[] = {
    [1] = {"birthday", FIELD_MESSAGE, AT(enrol, birthday), .message = &birthday_message},
    [2] = {"channel", FIELD_NAME, AT(enrol, channel)},
    [3] = {"store", FIELD_NAME, AT(enrol, store)},
    [4] = {"partner", FIELD_NAME, AT(enrol, partner)},
    [5] = ATTRIBUTES(enrol, attributes),
};
static const struct message_spec enrol_message = {MESSAGE_OF(enrol_fields, enrol)};

static const struct field_spec profile_update_fields[] = {
    [1] = {"birthday", FIELD_MESSAGE_KEPT, AT(profile_update, birthday),
           .message = &birthday_message},
};
static const struct message_spec profile_update_message = {
    MESSAGE_OF(profile_update_fields, profile_update)};

static const struct field_spec state_change_fields[] = {
    [1] = {"reason", FIELD_TEXT, AT(state_change, reason)},
    [2] = {"actor", FIELD_NAME, AT(state_change, actor)},
};
static const struct message_spec state_change_message = {
    MESSAGE_OF(state_change_fields, state_change)};

static const struct field_spec tier_override_fields[] = {
    [1] = {"group", FIELD_NAME, AT(tier_override, group)},
    [2] = {"tier", FIELD_NAME, AT(tier_override, tier)},
    [3] = {"until_ms", FIELD_INSTANT, AT(tier_override, until)},
    [4] = {"reason", FIELD_TEXT, AT(tier_override, reason)},
    [5] = {"actor", FIELD_NAME, AT(tier_override, actor)},
};
static const struct message_spec tier_override_message = {
    MESSAGE_OF(tier_override_fields, tier_override)};

static const struct field_spec end_tier_override_fields[] = {
    [1] = {"group", FIELD_NAME, AT(end_tier_override, group)},
    [2] = {"reason", FIELD_TEXT, AT(end_tier_override, reason)},
    [3] = {"actor", FIELD_NAME, AT(end_tier_override, actor)},
};
static const struct message_spec end_tier_override_message = {
    MESSAGE_OF(end_tier_override_fields, end_tier_override)};

/* ---- Kinds ---- */

static told_fields
request_told(const struct spend_request *request)
{
    told_fields others =
        TOLD_ALL & ~(TOLD(REQUEST_POINTS) | TOLD(REQUEST_REWARD) | TOLD(REQUEST_PAYMENT));
    switch (request->what) {
    case SPEND_POINTS: return others | TOLD(REQUEST_POINTS);
    case SPEND_REWARD: return others | TOLD(REQUEST_REWARD);
    case SPEND_PAYMENT: return others | TOLD(REQUEST_PAYMENT);
    }
    UNREACHABLE();
}

static told_fields
redeem_told(const struct event *event)
{
    return request_told(&event->redeem.request);
}

static told_fields
hold_told(const struct event *event)
{
    return request_told(&event->hold.request);
}

static const struct payload_spec payload_specs[] = {
    {30, EVENT_PURCHASE, &purchase_message, purchase_check, NULL},
    {31, EVENT_REFUND, &refund_message, refund_check, NULL},
    {32, EVENT_CANCELLATION, &cancellation_message, cancellation_check, NULL},
    {33, EVENT_DELIVERED, &delivered_message, delivered_check, NULL},
    {40, EVENT_ACTIVITY, &activity_message, activity_check, NULL},
    {60, EVENT_REDEEM, &redeem_message, redeem_check, redeem_told},
    {61, EVENT_CANCEL_REDEMPTION, &cancel_redemption_message, cancel_redemption_check, NULL},
    {62, EVENT_HOLD, &hold_message, hold_check, hold_told},
    {63, EVENT_CAPTURE_HOLD, &capture_hold_message, capture_hold_check, NULL},
    {64, EVENT_RELEASE_HOLD, &release_hold_message, release_hold_check, NULL},
    {70, EVENT_GRANT, &grant_message, grant_check, NULL},
    {71, EVENT_ADJUST, &adjust_message, adjust_check, NULL},
    {72, EVENT_APPROVE, &approve_message, approve_check, NULL},
    {73, EVENT_EXTEND_LOTS, &extend_lots_message, extend_lots_check, NULL},
    {74, EVENT_REINSTATE_LOTS, &reinstate_lots_message, reinstate_lots_check, NULL},
    {75, EVENT_RENEW_LOTS, &renew_lots_message, renew_lots_check, NULL},
    {76, EVENT_RELEASE_QUARANTINE, &quarantine_end_message, quarantine_end_check, NULL},
    {77, EVENT_REJECT_QUARANTINE, &quarantine_end_message, quarantine_end_check, NULL},
    {80, EVENT_ENROL, &enrol_message, enrol_check, NULL},
    {81, EVENT_PROFILE_UPDATE, &profile_update_message, profile_update_check, NULL},
    {82, EVENT_SUSPEND, &state_change_message, state_change_check, NULL},
    {83, EVENT_RESUME, &state_change_message, state_change_check, NULL},
    {84, EVENT_FREEZE, &state_change_message, state_change_check, NULL},
    {85, EVENT_UNFREEZE, &state_change_message, state_change_check, NULL},
    {86, EVENT_CLOSE, &state_change_message, state_change_check, NULL},
    {87, EVENT_REOPEN, &state_change_message, state_change_check, NULL},
    {88, EVENT_TIER_OVERRIDE, &tier_override_message, tier_override_check, NULL},
    {89, EVENT_END_TIER_OVERRIDE, &end_tier_override_message, end_tier_override_check, NULL},
};

enum { PAYLOADS = sizeof payload_specs / sizeof *payload_specs };

/* Each kind's struct is where every other's is. */
#define EVENT_UNION_STARTS(member)                                                                 \
    static_assert(offsetof(struct event, member) == PAYLOAD_OFFSET, "a payload is a union's "      \
                                                                    "member")
EVENT_UNION_STARTS(redeem);
EVENT_UNION_STARTS(end_tier_override);

const struct payload_spec *
payload_find(uint32_t number)
{
    for (size_t i = 0; i < PAYLOADS; i++) {
        if (payload_specs[i].number == number) return &payload_specs[i];
    }
    return NULL;
}

const struct payload_spec *
payload_of_kind(enum event_kind kind)
{
    for (size_t i = 0; i < PAYLOADS; i++) {
        if (payload_specs[i].kind == kind) return &payload_specs[i];
    }
    return NULL;
}
