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

#include "engine/base/check.h"

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

static void
write_text(struct bytes text, struct writer *writer)
{
    CHECK(text.size <= UINT16_MAX);
    writer_u16le(writer, (uint16_t)text.size);
    writer_bytes(writer, text);
}

static void
posting_canonical(const struct posting *posting, struct writer *writer)
{
    writer_u8(writer, (uint8_t)posting->kind);
    writer_u8(writer, (uint8_t)posting->from);
    writer_u8(writer, (uint8_t)posting->to);
    writer_u8(writer, posting->scale);
    writer_i64le(writer, posting->amount.units);
    writer_u64le(writer, posting->lot.ordinal);
    writer_u32le(writer, posting->lot.index);
    writer_u32le(writer, posting->rule_version);
    writer_i64le(writer, posting->occurred_at.ms);
    writer_i64le(writer, posting->journal_time.ms);
    writer_i64le(writer, posting->effective_at.ms);
    writer_i64le(writer, posting->active_after.units);
    writer_i64le(writer, posting->arrears_after.units);
    writer_i64le(writer, posting->lot_earned_at.ms);
    writer_i64le(writer, posting->lot_expires_at.ms);
    write_text(posting->member, writer);
    write_text(posting->currency, writer);
    write_text(posting->event_source, writer);
    write_text(posting->event_id, writer);
    write_text(posting->rule, writer);
    write_text(posting->order_id, writer);
}

static void
outcome_canonical(const struct outcome *outcome, struct writer *writer)
{
    writer_u8(writer, (uint8_t)outcome->event_kind);
    writer_u8(writer, (uint8_t)outcome->verdict);
    writer_u8(writer, (uint8_t)outcome->first_verdict);
    writer_u64le(writer, outcome->ordinal);
    writer_i64le(writer, outcome->occurred_at.ms);
    writer_i64le(writer, outcome->journal_time.ms);
    write_text(outcome->source, writer);
    write_text(outcome->id, writer);
    write_text(outcome->member, writer);
    write_text(outcome->correlation_id, writer);
    write_text(outcome->detail, writer);
    writer_u8(writer, (uint8_t)outcome->amount_count);
    for (uint32_t i = 0; i < outcome->amount_count; i++) {
        write_text(outcome->amounts[i].currency, writer);
        writer_i64le(writer, outcome->amounts[i].requested.units);
        writer_i64le(writer, outcome->amounts[i].granted.units);
    }
}

static void
tier_change_canonical(const struct tier_change *change, struct writer *writer)
{
    writer_u8(writer, (uint8_t)change->direction);
    writer_i64le(writer, change->metric_value);
    writer_i64le(writer, change->effective_at.ms);
    writer_i64le(writer, change->valid_until.ms);
    writer_i64le(writer, change->journal_time.ms);
    writer_u32le(writer, change->rule_version);
    write_text(change->member, writer);
    write_text(change->group, writer);
    write_text(change->from, writer);
    write_text(change->to, writer);
    write_text(change->cause_source, writer);
    write_text(change->cause_id, writer);
    write_text(change->traceparent, writer);
}

static void
notice_canonical(const struct notice *notice, struct writer *writer)
{
    writer_u8(writer, (uint8_t)notice->kind);
    writer_i64le(writer, notice->amount.units);
    writer_i64le(writer, notice->instant.ms);
    writer_i64le(writer, notice->effective_at.ms);
    writer_i64le(writer, notice->journal_time.ms);
    write_text(notice->member, writer);
    write_text(notice->currency, writer);
}

void
effect_canonical(const struct effect *effect, struct writer *writer)
{
    writer_u8(writer, (uint8_t)effect->topic);
    writer_u64le(writer, effect->sequence);
    switch (effect->topic) {
    case TOPIC_POSTINGS: posting_canonical(&effect->posting, writer); return;
    case TOPIC_OUTCOMES: outcome_canonical(&effect->outcome, writer); return;
    case TOPIC_TIERS: tier_change_canonical(&effect->tier_change, writer); return;
    case TOPIC_NOTICES: notice_canonical(&effect->notice, writer); return;
    case TOPIC_COUNT:
    case TOPIC_FORWARD: break;
    }
    UNREACHABLE();
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
