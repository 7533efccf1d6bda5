/*
 * Canonical bytes of effects: integers little-endian in their full width, instants and points as
 * i64, fractions as two i64, texts as a u16 length and their bytes; a text counts up to 1,024
 * bytes, in a list up to 128. Fields in this order, behind the topic's byte and the u64 sequence
 * number:
 *
 *   postings  u8 kind, from, to, scale; i64 amount; u64 lot ordinal, u32 lot index; u32 rule
 *             version; i64 occurred_at, journal_time, effective_at, active_after, arrears_after,
 *             lot_earned_at, lot_expires_at, lot_activates_at, lot_expired_before; fraction
 *             unit_cost; u16 cost_currency; texts member, currency, event_source, event_id, rule,
 *             order_id, spend_id, hold_id, funder, reason, actor; u8 1 and an explanation, or u8 0
 *   explanation  u16 money; i64 requested, granted; texts tier_group, tier, cap_rule; u8 parts, and
 *             for each u8 phase; u32 rule version; i64 points, eligible_minor; fractions exact,
 *             factor; texts of a list rule, line_id
 *   outcomes  u8 event kind, verdict, first verdict, flags (1 further, 2 waiting); u64 ordinal; i64
 *             occurred_at, journal_time; texts source, id, member, correlation_id, detail; u8
 *             amounts, and for each texts of a list currency, cap_rule; i64 requested, granted,
 *             owed, dropped, active_after
 *   tiers     u8 direction, reason; i64 metric_value, effective_at, valid_until, journal_time; u32
 *             rule version; texts member, group, from, to, cause_source, cause_id, traceparent,
 *             actor, note; metrics
 *   metrics   u8 count, and for each text of a list metric; i64 value, threshold
 *   notices   u8 kind; i64 effective_at, journal_time; texts member, cause source, cause id,
 *             traceparent; then what the kind has, in the order of its struct in effect.h; an
 *             evidence is text limit; i64 value, threshold, window_start, window_end; u8 events,
 *             and for each texts of a list source, id; u8 ordinals, and each as u64
 */
#include "engine/core/effect.h"

#include <assert.h>
#include <string.h>

#include "engine/base/check.h"

/* Texts count up to here: ids are shorter, and a sentence for people may be cut. */
enum { TEXT_BYTES_MAX = 1024, LISTED_BYTES_MAX = EVENT_ID_BYTES_MAX };

/* The longest effects: a posting with all it may have, a notice with evidence, a tier change. */
enum {
    TEXTS_MAX = 24,
    PART_BYTES_MAX = 2 * (2 + LISTED_BYTES_MAX) + 1 + 4 + 2 * 8 + 4 * 8,
};
static_assert(TEXTS_MAX * (2 + TEXT_BYTES_MAX) + EXPLANATION_PARTS_MAX * PART_BYTES_MAX + 1024 <=
                  EFFECT_CANONICAL_MAX,
              "an explained posting has room");
static_assert(EVIDENCE_EVENTS_MAX * 2 * (2 + LISTED_BYTES_MAX) + EVIDENCE_ORDINALS_MAX * 8 <=
                  EXPLANATION_PARTS_MAX * PART_BYTES_MAX,
              "evidence has room");
static_assert(OUTCOME_AMOUNTS_MAX * (2 * (2 + LISTED_BYTES_MAX) + 5 * 8) <=
                  EXPLANATION_PARTS_MAX * PART_BYTES_MAX,
              "amounts have room");

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
put_u16(uint8_t *at, uint16_t value)
{
    return put(at, &value, sizeof value);
}

static inline uint8_t *
put_rate(uint8_t *at, struct rate rate)
{
    at = put_i64(at, rate.numerator);
    return put_i64(at, rate.denominator);
}

static inline uint8_t *
put_text_up_to(uint8_t *at, struct bytes text, size_t size_max)
{
    uint16_t size = (uint16_t)(text.size < size_max ? text.size : size_max);
    at = put_u16(at, size);
    bytes_copy(at, bytes_of(text.data, size));
    return at + size;
}

static inline uint8_t *
put_text(uint8_t *at, struct bytes text)
{
    return put_text_up_to(at, text, TEXT_BYTES_MAX);
}

static inline uint8_t *
put_listed(uint8_t *at, struct bytes text)
{
    return put_text_up_to(at, text, LISTED_BYTES_MAX);
}

static uint8_t *
explanation_canonical(const struct explanation *explanation, uint8_t *at)
{
    CHECK(explanation->part_count <= EXPLANATION_PARTS_MAX);
    at = put_u16(at, explanation->money);
    at = put_i64(at, explanation->requested.units);
    at = put_i64(at, explanation->granted.units);
    at = put_text(at, explanation->tier_group);
    at = put_text(at, explanation->tier);
    at = put_text(at, explanation->cap_rule);
    at = put_u8(at, explanation->part_count);
    for (uint32_t i = 0; i < explanation->part_count; i++) {
        const struct explanation_part *part = &explanation->parts[i];
        at = put_u8(at, part->phase);
        at = put_u32(at, part->rule_version);
        at = put_i64(at, part->points.units);
        at = put_i64(at, part->eligible_minor);
        at = put_rate(at, part->exact);
        at = put_rate(at, part->factor);
        at = put_listed(at, part->rule);
        at = put_listed(at, part->line_id);
    }
    return at;
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
    at = put_i64(at, posting->lot_activates_at.ms);
    at = put_i64(at, posting->lot_expired_before.ms);
    at = put_rate(at, posting->unit_cost);
    at = put_u16(at, posting->cost_currency);
    at = put_text(at, posting->member);
    at = put_text(at, posting->currency);
    at = put_text(at, posting->event_source);
    at = put_text(at, posting->event_id);
    at = put_text(at, posting->rule);
    at = put_text(at, posting->order_id);
    at = put_text(at, posting->spend_id);
    at = put_text(at, posting->hold_id);
    at = put_text(at, posting->funder);
    at = put_text(at, posting->reason);
    at = put_text(at, posting->actor);
    at = put_u8(at, posting->explanation != NULL);
    return posting->explanation == NULL ? at : explanation_canonical(posting->explanation, at);
}

static uint8_t *
outcome_canonical(const struct outcome *outcome, uint8_t *at)
{
    at = put_u8(at, (uint8_t)outcome->event_kind);
    at = put_u8(at, (uint8_t)outcome->verdict);
    at = put_u8(at, (uint8_t)outcome->first_verdict);
    at = put_u8(at, (outcome->further ? 1U : 0U) | (outcome->waiting ? 2U : 0U));
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
        const struct outcome_amount *amount = &outcome->amounts[i];
        at = put_listed(at, amount->currency);
        at = put_listed(at, amount->cap_rule);
        at = put_i64(at, amount->requested.units);
        at = put_i64(at, amount->granted.units);
        at = put_i64(at, amount->owed.units);
        at = put_i64(at, amount->dropped.units);
        at = put_i64(at, amount->active_after.units);
    }
    return at;
}

static uint8_t *
metrics_canonical(const struct metric_value *metrics, uint32_t count, uint8_t *at)
{
    CHECK(count <= METRIC_VALUES_MAX);
    at = put_u8(at, count);
    for (uint32_t i = 0; i < count; i++) {
        at = put_listed(at, metrics[i].metric);
        at = put_i64(at, metrics[i].value);
        at = put_i64(at, metrics[i].threshold);
    }
    return at;
}

static uint8_t *
tier_change_canonical(const struct tier_change *change, uint8_t *at)
{
    at = put_u8(at, (uint8_t)change->direction);
    at = put_u8(at, (uint8_t)change->reason);
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
    at = put_text(at, change->actor);
    at = put_text(at, change->note);
    return metrics_canonical(change->metrics, change->metric_count, at);
}

static uint8_t *
evidence_canonical(const struct evidence *evidence, uint8_t *at)
{
    CHECK(evidence->event_count <= EVIDENCE_EVENTS_MAX);
    CHECK(evidence->ordinal_count <= EVIDENCE_ORDINALS_MAX);
    at = put_text(at, evidence->limit);
    at = put_i64(at, evidence->value);
    at = put_i64(at, evidence->threshold);
    at = put_i64(at, evidence->window_start.ms);
    at = put_i64(at, evidence->window_end.ms);
    at = put_u8(at, evidence->event_count);
    for (uint32_t i = 0; i < evidence->event_count; i++) {
        at = put_listed(at, evidence->events[i].source);
        at = put_listed(at, evidence->events[i].id);
    }
    at = put_u8(at, evidence->ordinal_count);
    for (uint32_t i = 0; i < evidence->ordinal_count; i++)
        at = put_u64(at, evidence->ordinals[i]);
    return at;
}

static uint8_t *
approval_canonical(const struct notice_approval_wanted *wanted, uint8_t *at)
{
    at = put_text(at, wanted->awaiting.source);
    at = put_text(at, wanted->awaiting.id);
    at = put_text(at, wanted->currency);
    at = put_i64(at, wanted->points.units);
    at = put_text(at, wanted->actor);
    return put_i64(at, wanted->lapses_at.ms);
}

static uint8_t *
notice_canonical(const struct notice *notice, uint8_t *at)
{
    at = put_u8(at, (uint8_t)notice->kind);
    at = put_i64(at, notice->effective_at.ms);
    at = put_i64(at, notice->journal_time.ms);
    at = put_text(at, notice->member);
    at = put_text(at, notice->cause.source);
    at = put_text(at, notice->cause.id);
    at = put_text(at, notice->traceparent);
    switch (notice->kind) {
    case NOTICE_EXPIRING_SOON:
        at = put_text(at, notice->expiring_soon.currency);
        at = put_i64(at, notice->expiring_soon.points.units);
        return put_i64(at, notice->expiring_soon.expires_at.ms);
    case NOTICE_MISSION_COMPLETED:
        at = put_text(at, notice->mission_completed.mission);
        at = put_i64(at, notice->mission_completed.window_start.ms);
        at = put_u32(at, notice->mission_completed.repetition);
        return put_u32(at, notice->mission_completed.rule_version);
    case NOTICE_BADGE_AWARDED:
        at = put_text(at, notice->badge_awarded.badge);
        return put_u32(at, notice->badge_awarded.rule_version);
    case NOTICE_TIER_AT_RISK:
        at = put_text(at, notice->tier_at_risk.group);
        at = put_text(at, notice->tier_at_risk.tier);
        at = put_i64(at, notice->tier_at_risk.review_at.ms);
        return metrics_canonical(notice->tier_at_risk.metrics, notice->tier_at_risk.metric_count,
                                 at);
    case NOTICE_QUARANTINED:
        at = put_text(at, notice->quarantined.currency);
        at = put_i64(at, notice->quarantined.points.units);
        at = evidence_canonical(&notice->quarantined.evidence, at);
        return put_i64(at, notice->quarantined.undecided_until.ms);
    case NOTICE_LIMIT_FLAGGED: return evidence_canonical(&notice->limit_flagged.evidence, at);
    case NOTICE_UNKNOWN_ORDER:
        at = put_text(at, notice->unknown_order.order_id);
        return put_text(at, notice->unknown_order.refund_id);
    case NOTICE_REFUND_CLAMPED:
        at = put_text(at, notice->refund_clamped.order_id);
        at = put_u16(at, notice->refund_clamped.money);
        at = put_i64(at, notice->refund_clamped.reported_minor);
        return put_i64(at, notice->refund_clamped.paid_minor);
    case NOTICE_APPROVAL_WANTED: return approval_canonical(&notice->approval_wanted, at);
    case NOTICE_APPROVAL_LAPSED:
        at = put_text(at, notice->approval_lapsed.awaiting.source);
        return put_text(at, notice->approval_lapsed.awaiting.id);
    case NOTICE_TIERS_REEVALUATED:
        at = put_text(at, notice->tiers_reevaluated.rulebook);
        return put_u32(at, notice->tiers_reevaluated.version);
    case NOTICE_HOLD_TIMED_OUT:
        at = put_text(at, notice->hold_timed_out.hold_id);
        at = put_text(at, notice->hold_timed_out.currency);
        return put_i64(at, notice->hold_timed_out.points.units);
    }
    UNREACHABLE();
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
