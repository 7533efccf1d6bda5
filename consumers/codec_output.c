#include "consumers/codec_output.h"

#include "consumers/codec_event.h"
#include "consumers/codec_json.h"
#include "consumers/codec_wire_priv.h"
#include "tallybook/v1/output.pb-c.h"

/* The core's codes are the published ones. */
#define SAME(core, schema)                                                                         \
    static_assert((int)(core) == (int)TALLYBOOK__V1__##schema, "published codes are frozen")
SAME(ACCOUNT_PENDING, ACCOUNT__ACCOUNT_PENDING);
SAME(ACCOUNT_ACTIVE, ACCOUNT__ACCOUNT_ACTIVE);
SAME(ACCOUNT_HELD, ACCOUNT__ACCOUNT_HELD);
SAME(ACCOUNT_LAPSING, ACCOUNT__ACCOUNT_LAPSING);
SAME(ACCOUNT_ARREARS, ACCOUNT__ACCOUNT_ARREARS);
SAME(ACCOUNT_ISSUED, ACCOUNT__ACCOUNT_ISSUED);
SAME(ACCOUNT_REDEEMED, ACCOUNT__ACCOUNT_REDEEMED);
SAME(ACCOUNT_EXPIRED, ACCOUNT__ACCOUNT_EXPIRED);
SAME(ACCOUNT_REVERSED, ACCOUNT__ACCOUNT_REVERSED);
SAME(ACCOUNT_ADJUSTED, ACCOUNT__ACCOUNT_ADJUSTED);
SAME(ACCOUNT_FORFEITED, ACCOUNT__ACCOUNT_FORFEITED);
SAME(ACCOUNT_CLEARING, ACCOUNT__ACCOUNT_CLEARING);
SAME(POSTING_GRANT, POSTING__KIND__GRANT);
SAME(POSTING_ACTIVATE, POSTING__KIND__ACTIVATE);
SAME(POSTING_REDEEM, POSTING__KIND__REDEEM);
SAME(POSTING_HOLD, POSTING__KIND__HOLD);
SAME(POSTING_RELEASE, POSTING__KIND__RELEASE);
SAME(POSTING_CLAW_BACK, POSTING__KIND__CLAW_BACK);
SAME(POSTING_OWE, POSTING__KIND__OWE);
SAME(POSTING_RESTORE, POSTING__KIND__RESTORE);
SAME(POSTING_ADJUST, POSTING__KIND__ADJUST);
SAME(POSTING_REPAY, POSTING__KIND__REPAY);
SAME(POSTING_WRITE_OFF, POSTING__KIND__WRITE_OFF);
SAME(POSTING_CAPTURE, POSTING__KIND__CAPTURE);
SAME(POSTING_EXPIRE, POSTING__KIND__EXPIRE);
SAME(POSTING_LAPSE, POSTING__KIND__LAPSE);
SAME(POSTING_LAPSE_END, POSTING__KIND__LAPSE_END);
SAME(POSTING_UNDO, POSTING__KIND__UNDO);
SAME(POSTING_FORFEIT, POSTING__KIND__FORFEIT);
SAME(POSTING_CANCEL, POSTING__KIND__CANCEL);
SAME(POSTING_QUARANTINE, POSTING__KIND__QUARANTINE);
SAME(POSTING_QUARANTINE_RELEASE, POSTING__KIND__QUARANTINE_RELEASE);
SAME(POSTING_EXTEND, POSTING__KIND__EXTEND);
SAME(POSTING_REINSTATE, POSTING__KIND__REINSTATE);
SAME(POSTING_FUND, POSTING__KIND__FUND);
SAME(EXPLANATION_BASE, EXPLANATION__PHASE__BASE);
SAME(EXPLANATION_TIER, EXPLANATION__PHASE__TIER);
SAME(EXPLANATION_CAMPAIGN, EXPLANATION__PHASE__CAMPAIGN);
SAME(EXPLANATION_FLAT_BONUS, EXPLANATION__PHASE__FLAT_BONUS);
SAME(EXPLANATION_ROUNDING, EXPLANATION__PHASE__ROUNDING);
SAME(EXPLANATION_CAP, EXPLANATION__PHASE__CAP);
SAME(EXPLANATION_AFTER_EARNING, EXPLANATION__PHASE__AFTER_EARNING);
SAME(EXPLANATION_AWARD, EXPLANATION__PHASE__AWARD);
SAME(TIER_UPGRADED, TIER_CHANGE__DIRECTION__UPGRADED);
SAME(TIER_DOWNGRADED, TIER_CHANGE__DIRECTION__DOWNGRADED);
SAME(TIER_RENEWED, TIER_CHANGE__DIRECTION__RENEWED);
SAME(TIER_CORRECTED, TIER_CHANGE__DIRECTION__CORRECTED);
SAME(TIER_BY_EVENT, TIER_CHANGE__REASON__EVENT);
SAME(TIER_BY_REVIEW, TIER_CHANGE__REASON__REVIEW);
SAME(TIER_BY_OVERRIDE, TIER_CHANGE__REASON__OVERRIDE);
SAME(TIER_BY_OVERRIDE_END, TIER_CHANGE__REASON__OVERRIDE_END);
SAME(TIER_BY_RULEBOOK, TIER_CHANGE__REASON__RULEBOOK);

/* Sets the one of two fields that says whose account it is. */
static void
put_subject(struct writer *out, uint32_t member_number, uint32_t guest_number, struct bytes key)
{
    bool guest;
    struct bytes subject = codec_key_subject(key, &guest);
    wire_put_text(out, guest ? guest_number : member_number, subject);
}

static void
put_event_ref(struct writer *out, uint32_t number, struct bytes source, struct bytes id)
{
    if (id.size == 0) return;
    size_t begin = wire_begin(out);
    wire_put_text(out, 1, source);
    wire_put_text(out, 2, id);
    wire_end(out, number, begin, true);
}

static void
put_int64(struct writer *out, uint32_t number, int64_t value)
{
    wire_put_number(out, number, (uint64_t)value);
}

/* An instant of which INT64_MAX means never; the schema leaves that out. */
static void
put_end(struct writer *out, uint32_t number, struct instant instant)
{
    if (instant.ms != INT64_MAX) put_int64(out, number, instant.ms);
}

/* An exact fraction; of denominator 0: none. */
static void
put_rate(struct writer *out, uint32_t number, struct rate rate)
{
    if (rate.denominator == 0) return;
    size_t begin = wire_begin(out);
    put_int64(out, 1, rate.numerator);
    put_int64(out, 2, rate.denominator);
    wire_end(out, number, begin, true);
}

/* Money by its letters; 0: none. */
static void
put_money(struct writer *out, uint32_t number, uint16_t numeric)
{
    if (numeric == 0) return;
    const struct currency *currency = currency_find(numeric);
    CHECK(currency != NULL);
    wire_put_text(out, number, bytes_from_cstr(currency->alpha));
}

/* ---- Postings ---- */

static void
put_lot(struct writer *out, uint32_t number, struct lot_id lot, uint32_t partition)
{
    if (lot.ordinal == 0) return;
    size_t begin = wire_begin(out);
    wire_put_number(out, 2, partition);
    wire_put_number(out, 3, lot.ordinal);
    wire_put_number(out, 4, lot.index);
    wire_end(out, number, begin, true);
}

static void
put_part(struct writer *out, const struct explanation_part *part)
{
    size_t begin = wire_begin(out);
    wire_put_number(out, 1, part->phase);
    wire_put_text(out, 2, part->rule);
    wire_put_number(out, 3, part->rule_version);
    put_int64(out, 4, part->points.units);
    put_rate(out, 5, part->exact);
    put_rate(out, 6, part->factor);
    put_int64(out, 7, part->eligible_minor);
    wire_put_text(out, 8, part->line_id);
    wire_end(out, 4, begin, true);
}

static void
put_explanation(struct writer *out, uint32_t number, const struct explanation *explanation)
{
    if (explanation == NULL) return;
    size_t begin = wire_begin(out);
    put_money(out, 1, explanation->money);
    wire_put_text(out, 2, explanation->tier_group);
    wire_put_text(out, 3, explanation->tier);
    for (uint32_t i = 0; i < explanation->part_count; i++)
        put_part(out, &explanation->parts[i]);
    put_int64(out, 5, explanation->requested.units);
    put_int64(out, 6, explanation->granted.units);
    wire_put_text(out, 7, explanation->cap_rule);
    wire_end(out, number, begin, true);
}

static void
posting_encode(const struct posting *posting, uint32_t partition, struct writer *out)
{
    /* A member's key is the common case and goes first; a guest's, field 2, keeps the order of
     * numbers too. */
    put_subject(out, 1, 2, posting->member);
    wire_put_number(out, 3, posting->kind);
    wire_put_number(out, 4, posting->from);
    wire_put_number(out, 5, posting->to);
    wire_put_text(out, 6, posting->currency);
    put_int64(out, 7, posting->amount.units);
    put_int64(out, 8, posting->active_after.units);
    put_lot(out, 9, posting->lot, partition);
    put_event_ref(out, 10, posting->event_source, posting->event_id);
    wire_put_text(out, 11, posting->rule);
    wire_put_number(out, 12, posting->rule_version);
    put_int64(out, 13, posting->occurred_at.ms);
    put_int64(out, 14, posting->journal_time.ms);
    put_int64(out, 15, posting->effective_at.ms);
    wire_put_text(out, 16, posting->order_id);
    wire_put_text(out, 17, posting->spend_id);
    wire_put_text(out, 18, posting->hold_id);
    put_int64(out, 20, posting->lot_earned_at.ms);
    put_end(out, 21, posting->lot_activates_at);
    put_end(out, 22, posting->lot_expires_at);
    put_end(out, 23, posting->lot_expired_before);
    wire_put_text(out, 25, posting->funder);
    put_rate(out, 26, posting->unit_cost);
    put_money(out, 27, posting->cost_currency);
    wire_put_number(out, 28, posting->scale);
    put_int64(out, 29, posting->arrears_after.units);
    wire_put_text(out, 31, posting->reason);
    wire_put_text(out, 32, posting->actor);
    put_explanation(out, 34, posting->explanation);
}

/* ---- Outcomes ---- */

static void
put_amount(struct writer *out, const struct outcome_amount *amount)
{
    size_t begin = wire_begin(out);
    wire_put_text(out, 1, amount->currency);
    put_int64(out, 2, amount->requested.units);
    put_int64(out, 3, amount->granted.units);
    wire_put_text(out, 4, amount->cap_rule);
    put_int64(out, 5, amount->owed.units);
    put_int64(out, 6, amount->dropped.units);
    put_int64(out, 7, amount->active_after.units);
    wire_end(out, 7, begin, true);
}

static void
outcome_encode(const struct outcome *outcome, struct position position, uint32_t partition,
               struct writer *out)
{
    const struct verdict_info *verdict = verdict_find(outcome->verdict);
    CHECK(verdict != NULL);
    put_event_ref(out, 1, outcome->source, outcome->id);
    put_subject(out, 2, 3, outcome->member);
    wire_put_number(out, 4, outcome->verdict);
    wire_put_text(out, 5, bytes_from_cstr(verdict->name));
    wire_put_text(out, 6, outcome->correlation_id);
    for (uint32_t i = 0; i < outcome->amount_count; i++)
        put_amount(out, &outcome->amounts[i]);
    put_int64(out, 8, outcome->occurred_at.ms);
    put_int64(out, 9, outcome->journal_time.ms);
    wire_put_number(out, 10, partition);

    size_t begin = wire_begin(out);
    put_int64(out, 1, position.offset);
    wire_put_number(out, 2, position.index);
    wire_end(out, 11, begin, true);

    wire_put_number(out, 12, outcome->ordinal);
    if (outcome->verdict == VERDICT_DUPLICATE) {
        const struct verdict_info *first = verdict_find(outcome->first_verdict);
        CHECK(first != NULL);
        wire_put_number(out, 13, outcome->first_verdict);
        wire_put_text(out, 14, bytes_from_cstr(first->name));
    }
    wire_put_number(out, 15, outcome->further);
    wire_put_text(out, 16, outcome->detail);
    if (outcome->event_kind != 0)
        wire_put_text(out, 17, bytes_from_cstr(event_kind_name(outcome->event_kind)));
    wire_put_number(out, 18, outcome->waiting);
}

/* ---- Tiers ---- */

static void
put_metrics(struct writer *out, uint32_t number, const struct metric_value *metrics, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        size_t begin = wire_begin(out);
        wire_put_text(out, 1, metrics[i].metric);
        put_int64(out, 2, metrics[i].value);
        put_int64(out, 3, metrics[i].threshold);
        wire_end(out, number, begin, true);
    }
}

static void
tier_change_encode(const struct tier_change *change, struct writer *out)
{
    bool guest;
    struct bytes subject = codec_key_subject(change->member, &guest);
    if (!guest) wire_put_text(out, 1, subject);
    wire_put_text(out, 2, change->group);
    wire_put_text(out, 3, change->from);
    wire_put_text(out, 4, change->to);
    wire_put_number(out, 5, change->direction);
    wire_put_number(out, 6, change->reason);
    put_event_ref(out, 7, change->cause_source, change->cause_id);
    put_int64(out, 8, change->metric_value);
    put_int64(out, 9, change->effective_at.ms);
    put_end(out, 10, change->valid_until);
    put_int64(out, 11, change->journal_time.ms);
    wire_put_number(out, 12, change->rule_version);
    wire_put_text(out, 14, change->actor);
    wire_put_text(out, 15, change->note);
    if (guest) wire_put_text(out, 16, subject);
    put_metrics(out, 17, change->metrics, change->metric_count);
}

/* ---- Notices ---- */

static void
put_evidence(struct writer *out, uint32_t number, const struct evidence *evidence)
{
    size_t begin = wire_begin(out);
    wire_put_text(out, 1, evidence->limit);
    put_int64(out, 2, evidence->value);
    put_int64(out, 3, evidence->threshold);
    put_int64(out, 4, evidence->window_start.ms);
    put_int64(out, 5, evidence->window_end.ms);
    for (uint32_t i = 0; i < evidence->event_count; i++)
        put_event_ref(out, 6, evidence->events[i].source, evidence->events[i].id);
    size_t ordinals = wire_begin(out);
    for (uint32_t i = 0; i < evidence->ordinal_count; i++)
        writer_varint(out, evidence->ordinals[i]);
    wire_end(out, 7, ordinals, false);
    wire_end(out, number, begin, true);
}

/* Writes what the notice's kind has, as the message of its own; returns its field number. */
static uint32_t
put_notice_kind(struct writer *out, const struct notice *notice)
{
    switch (notice->kind) {
    case NOTICE_EXPIRING_SOON:
        wire_put_text(out, 1, notice->expiring_soon.currency);
        put_int64(out, 2, notice->expiring_soon.points.units);
        put_int64(out, 3, notice->expiring_soon.expires_at.ms);
        return 20;
    case NOTICE_MISSION_COMPLETED:
        wire_put_text(out, 1, notice->mission_completed.mission);
        put_int64(out, 2, notice->mission_completed.window_start.ms);
        wire_put_number(out, 3, notice->mission_completed.repetition);
        wire_put_number(out, 4, notice->mission_completed.rule_version);
        return 21;
    case NOTICE_BADGE_AWARDED:
        wire_put_text(out, 1, notice->badge_awarded.badge);
        wire_put_number(out, 2, notice->badge_awarded.rule_version);
        return 22;
    case NOTICE_TIER_AT_RISK:
        wire_put_text(out, 1, notice->tier_at_risk.group);
        wire_put_text(out, 2, notice->tier_at_risk.tier);
        put_int64(out, 3, notice->tier_at_risk.review_at.ms);
        put_metrics(out, 4, notice->tier_at_risk.metrics, notice->tier_at_risk.metric_count);
        return 23;
    case NOTICE_QUARANTINED:
        wire_put_text(out, 1, notice->quarantined.currency);
        put_int64(out, 2, notice->quarantined.points.units);
        put_evidence(out, 3, &notice->quarantined.evidence);
        put_int64(out, 4, notice->quarantined.undecided_until.ms);
        return 24;
    case NOTICE_LIMIT_FLAGGED: put_evidence(out, 1, &notice->limit_flagged.evidence); return 25;
    case NOTICE_UNKNOWN_ORDER:
        wire_put_text(out, 1, notice->unknown_order.order_id);
        wire_put_text(out, 2, notice->unknown_order.refund_id);
        return 26;
    case NOTICE_REFUND_CLAMPED:
        wire_put_text(out, 1, notice->refund_clamped.order_id);
        put_money(out, 2, notice->refund_clamped.money);
        put_int64(out, 3, notice->refund_clamped.reported_minor);
        put_int64(out, 4, notice->refund_clamped.paid_minor);
        return 27;
    case NOTICE_APPROVAL_WANTED:
        put_event_ref(out, 1, notice->approval_wanted.awaiting.source,
                      notice->approval_wanted.awaiting.id);
        wire_put_text(out, 2, notice->approval_wanted.currency);
        put_int64(out, 3, notice->approval_wanted.points.units);
        wire_put_text(out, 4, notice->approval_wanted.actor);
        put_int64(out, 5, notice->approval_wanted.lapses_at.ms);
        return 28;
    case NOTICE_APPROVAL_LAPSED:
        put_event_ref(out, 1, notice->approval_lapsed.awaiting.source,
                      notice->approval_lapsed.awaiting.id);
        return 29;
    case NOTICE_TIERS_REEVALUATED:
        wire_put_text(out, 1, notice->tiers_reevaluated.rulebook);
        wire_put_number(out, 2, notice->tiers_reevaluated.version);
        return 30;
    case NOTICE_HOLD_TIMED_OUT:
        wire_put_text(out, 1, notice->hold_timed_out.hold_id);
        wire_put_text(out, 2, notice->hold_timed_out.currency);
        put_int64(out, 3, notice->hold_timed_out.points.units);
        return 33;
    }
    UNREACHABLE();
}

static void
notice_encode(const struct notice *notice, struct writer *out)
{
    put_subject(out, 1, 2, notice->member);
    put_int64(out, 3, notice->effective_at.ms);
    put_int64(out, 4, notice->journal_time.ms);
    put_event_ref(out, 5, notice->cause.source, notice->cause.id);
    size_t begin = wire_begin(out);
    uint32_t number = put_notice_kind(out, notice);
    wire_end(out, number, begin, true);
}

/* ---- Messages and packs ---- */

static void
effect_encode(const struct effect *effect, uint32_t partition, struct writer *out)
{
    switch (effect->topic) {
    case TOPIC_POSTINGS: posting_encode(&effect->posting, partition, out); return;
    case TOPIC_OUTCOMES: outcome_encode(&effect->outcome, effect->cause, partition, out); return;
    case TOPIC_TIERS: tier_change_encode(&effect->tier_change, out); return;
    case TOPIC_NOTICES: notice_encode(&effect->notice, out); return;
    case TOPIC_COUNT:
    case TOPIC_FORWARD: break;
    }
    UNREACHABLE();
}

/* True when the writer holds all; else it is put back to the size it had. */
static bool
keep_or_undo(struct writer *out, size_t size_before)
{
    if (!out->overflow) return true;
    out->size = size_before;
    out->overflow = false;
    return false;
}

static bool
output_encode_one(enum topic topic, uint32_t partition, const struct effect *effect, bool json,
                  struct writer *out)
{
    size_t size_before = out->size;
    CHECK(effect->topic == topic && !out->overflow);
    if (!json) {
        effect_encode(effect, partition, out);
        return keep_or_undo(out, size_before);
    }

    uint8_t memory[CODEC_OUTPUT_BYTES_MAX];
    _Alignas(ARENA_ALIGNMENT) uint8_t unpacked[4 * CODEC_OUTPUT_BYTES_MAX];
    struct writer message = writer_of(memory, sizeof memory);
    struct arena arena;
    arena_init(&arena, unpacked, sizeof unpacked);
    effect_encode(effect, partition, &message);
    enum codec_result result = codec_output_json(topic, writer_span(&message), &arena, out);
    CHECK(result == CODEC_OK || (result == CODEC_NO_ROOM && out->overflow));
    return keep_or_undo(out, size_before);
}

/* A pack: the first number as field 1, messages as field 2, in every topic's. */
static bool
output_encode_pack(enum topic topic, uint32_t partition, const struct effect *effects, size_t count,
                   struct writer *out)
{
    size_t size_before = out->size;
    uint64_t next_sequence = 0;
    CHECK(!out->overflow);
    for (size_t i = 0; i < count && !out->overflow; i++) {
        const struct effect *effect = &effects[i];
        if (effect->topic != topic) continue;
        CHECK(next_sequence == 0 || effect->sequence == next_sequence);
        if (next_sequence == 0) wire_put_number(out, 1, effect->sequence);
        next_sequence = effect->sequence + 1;

        uint8_t memory[CODEC_OUTPUT_BYTES_MAX];
        struct writer message = writer_of(memory, sizeof memory);
        effect_encode(effect, partition, &message);
        wire_put_message(out, 2, writer_span(&message));
    }
    CHECK(next_sequence != 0 || out->overflow);
    return keep_or_undo(out, size_before);
}

const struct output_encoder *
codec_output_encoder(void)
{
    static const struct output_encoder encoder = {
        .encode_one = output_encode_one,
        .encode_pack = output_encode_pack,
    };
    return &encoder;
}

bool
codec_output_open(struct bytes pack, uint64_t *out_first, struct codec_output_walk *out_walk)
{
    struct wire wire = wire_of(pack);
    struct wire_field field;
    if (!wire_next(&wire, &field) || field.number != 1 || field.type != WIRE_VARINT) return false;
    *out_first = field.value;
    *out_walk = (struct codec_output_walk){.rest = bytes_of(wire.at, (size_t)(wire.end - wire.at))};
    return true;
}

bool
codec_output_next(struct codec_output_walk *walk, struct bytes *out_message)
{
    if (walk->rest.size == 0) return false;
    struct wire wire = wire_of(walk->rest);
    struct wire_field field;
    if (!wire_next(&wire, &field) || field.number != 2 || field.type != WIRE_BYTES) {
        walk->damaged = true;
        walk->rest = (struct bytes){NULL, 0};
        return false;
    }
    *out_message = field.span;
    walk->rest = bytes_of(wire.at, (size_t)(wire.end - wire.at));
    return true;
}

/* ---- Text ---- */

const ProtobufCMessageDescriptor *
codec_output_descriptor(enum topic topic)
{
    switch (topic) {
    case TOPIC_POSTINGS: return &tallybook__v1__posting__descriptor;
    case TOPIC_OUTCOMES: return &tallybook__v1__outcome__descriptor;
    case TOPIC_TIERS: return &tallybook__v1__tier_change__descriptor;
    case TOPIC_NOTICES: return &tallybook__v1__notice__descriptor;
    case TOPIC_COUNT:
    case TOPIC_FORWARD: break;
    }
    UNREACHABLE();
}

enum codec_result
codec_output_json(enum topic topic, struct bytes message, struct arena *arena, struct writer *out)
{
    return codec_json_write(message, codec_output_descriptor(topic), arena, out);
}
