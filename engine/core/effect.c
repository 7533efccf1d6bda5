/*
 * Canonical bytes of effects: integers little-endian in their full width, instants and points as
 * i64, texts as a u16 length and their bytes. Fields in this order, behind the topic's byte and the
 * u64 sequence number:
 *
 *   postings  u8 kind, from, to, scale; i64 amount; u64 lot ordinal, u32 lot index; u32 rule
 * version; i64 occurred_at, journal_time, effective_at, active_after, arrears_after, lot_earned_at,
 * lot_expires_at; texts member, currency, event_source, event_id, rule, order_id outcomes  u8 event
 * kind, verdict, first verdict; u64 ordinal; i64 occurred_at, journal_time; texts source, id,
 * member, correlation_id, detail; u8 amounts, and for each text currency, i64 requested, granted
 *   tiers     u8 direction; i64 metric_value, effective_at, valid_until, journal_time; u32 rule
 * version; texts member, group, from, to, cause_source, cause_id, traceparent notices   u8 kind;
 * i64 amount, instant, effective_at, journal_time; texts member, currency
 */
#include "engine/core/effect.h"

#include <string.h>

#include "engine/base/check.h"

/* Texts count up to here: ids are shorter, and a sentence for people may be cut. */
enum { TEXT_BYTES_MAX = 1024 };

const char *
topic_name(enum topic topic)
{
    switch (topic) {
    case TOPIC_POSTINGS: return "postings";
    case TOPIC_OUTCOMES: return "outcomes";
    case TOPIC_TIERS: return "tiers";
    case TOPIC_NOTICES: return "notices";
    case TOPIC_FORWARD: return "forward";
    case TOPIC_COUNT: break;
    }
    UNREACHABLE();
}

/* Written for every effect, so the writer's room is looked at once, for the longest that an effect
 * can be. */
static inline uint8_t *
put(uint8_t *at, const void *value, size_t size)
{
    memcpy(at, value, size);
    return at + size;
}

static inline uint8_t *
put_u8(uint8_t *at, uint32_t value)
{
    *at = (uint8_t)value;
    return at + 1;
}

static inline uint8_t *
put_u32(uint8_t *at, uint32_t value)
{
    return put(at, &value, sizeof value);
}

static inline uint8_t *
put_u64(uint8_t *at, uint64_t value)
{
    return put(at, &value, sizeof value);
}

static inline uint8_t *
put_i64(uint8_t *at, int64_t value)
{
    return put(at, &value, sizeof value);
}

static inline uint8_t *
put_text(uint8_t *at, struct bytes text)
{
    uint16_t size = (uint16_t)(text.size < TEXT_BYTES_MAX ? text.size : TEXT_BYTES_MAX);
    at = put(at, &size, sizeof size);
    return size == 0 ? at : put(at, text.data, size);
}

static uint8_t *
posting_canonical(const struct posting *posting, uint8_t *at)
{
    at = put_u8(at, (uint8_t)posting->kind);
    at = put_u8(at, (uint8_t)posting->from);
    at = put_u8(at, (uint8_t)posting->to);
    at = put_u8(at, posting->scale);
    at = put_i64(at, posting->amount.units);
    at = put_u64(at, posting->lot.ordinal);
    at = put_u32(at, posting->lot.index);
    at = put_u32(at, posting->rule_version);
    at = put_i64(at, posting->occurred_at.ms);
    at = put_i64(at, posting->journal_time.ms);
    at = put_i64(at, posting->effective_at.ms);
    at = put_i64(at, posting->active_after.units);
    at = put_i64(at, posting->arrears_after.units);
    at = put_i64(at, posting->lot_earned_at.ms);
    at = put_i64(at, posting->lot_expires_at.ms);
    at = put_text(at, posting->member);
    at = put_text(at, posting->currency);
    at = put_text(at, posting->event_source);
    at = put_text(at, posting->event_id);
    at = put_text(at, posting->rule);
    at = put_text(at, posting->order_id);
    return at;
}

static uint8_t *
outcome_canonical(const struct outcome *outcome, uint8_t *at)
{
    at = put_u8(at, (uint8_t)outcome->event_kind);
    at = put_u8(at, (uint8_t)outcome->verdict);
    at = put_u8(at, (uint8_t)outcome->first_verdict);
    at = put_u64(at, outcome->ordinal);
    at = put_i64(at, outcome->occurred_at.ms);
    at = put_i64(at, outcome->journal_time.ms);
    at = put_text(at, outcome->source);
    at = put_text(at, outcome->id);
    at = put_text(at, outcome->member);
    at = put_text(at, outcome->correlation_id);
    at = put_text(at, outcome->detail);
    at = put_u8(at, (uint8_t)outcome->amount_count);
    for (uint32_t i = 0; i < outcome->amount_count; i++) {
        at = put_text(at, outcome->amounts[i].currency);
        at = put_i64(at, outcome->amounts[i].requested.units);
        at = put_i64(at, outcome->amounts[i].granted.units);
    }
    return at;
}

static uint8_t *
tier_change_canonical(const struct tier_change *change, uint8_t *at)
{
    at = put_u8(at, (uint8_t)change->direction);
    at = put_i64(at, change->metric_value);
    at = put_i64(at, change->effective_at.ms);
    at = put_i64(at, change->valid_until.ms);
    at = put_i64(at, change->journal_time.ms);
    at = put_u32(at, change->rule_version);
    at = put_text(at, change->member);
    at = put_text(at, change->group);
    at = put_text(at, change->from);
    at = put_text(at, change->to);
    at = put_text(at, change->cause_source);
    at = put_text(at, change->cause_id);
    at = put_text(at, change->traceparent);
    return at;
}

static uint8_t *
notice_canonical(const struct notice *notice, uint8_t *at)
{
    at = put_u8(at, (uint8_t)notice->kind);
    at = put_i64(at, notice->amount.units);
    at = put_i64(at, notice->instant.ms);
    at = put_i64(at, notice->effective_at.ms);
    at = put_i64(at, notice->journal_time.ms);
    at = put_text(at, notice->member);
    at = put_text(at, notice->currency);
    return at;
}

void
effect_canonical(const struct effect *effect, struct writer *writer)
{
    CHECK(writer->capacity - writer->size >= EFFECT_CANONICAL_MAX);
    uint8_t *at = writer->data + writer->size;
    at = put_u8(at, effect->topic);
    at = put_u64(at, effect->sequence);
    switch (effect->topic) {
    case TOPIC_POSTINGS: at = posting_canonical(&effect->posting, at); break;
    case TOPIC_OUTCOMES: at = outcome_canonical(&effect->outcome, at); break;
    case TOPIC_TIERS: at = tier_change_canonical(&effect->tier_change, at); break;
    case TOPIC_NOTICES: at = notice_canonical(&effect->notice, at); break;
    case TOPIC_COUNT:
    case TOPIC_FORWARD: UNREACHABLE();
    }
    writer->size = (size_t)(at - writer->data);
}

struct bytes
effect_key(const struct effect *effect)
{
    switch (effect->topic) {
    case TOPIC_POSTINGS: return effect->posting.member;
    case TOPIC_OUTCOMES: return effect->outcome.member;
    case TOPIC_TIERS: return effect->tier_change.member;
    case TOPIC_NOTICES: return effect->notice.member;
    case TOPIC_COUNT:
    case TOPIC_FORWARD: break;
    }
    UNREACHABLE();
}
