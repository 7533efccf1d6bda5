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
SAME(POSTING_REDEEM, POSTING__KIND__REDEEM);
SAME(POSTING_CLAW_BACK, POSTING__KIND__CLAW_BACK);
SAME(POSTING_OWE, POSTING__KIND__OWE);
SAME(POSTING_REPAY, POSTING__KIND__REPAY);
SAME(POSTING_EXPIRE, POSTING__KIND__EXPIRE);
SAME(TIER_UPGRADED, TIER_CHANGE__DIRECTION__UPGRADED);
SAME(TIER_DOWNGRADED, TIER_CHANGE__DIRECTION__DOWNGRADED);
SAME(TIER_RENEWED, TIER_CHANGE__DIRECTION__RENEWED);

/* Room for a message inside a message: two names and some numbers. */
enum { INNER_BYTES = 512 };

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
    uint8_t memory[INNER_BYTES];
    struct writer inner = writer_of(memory, sizeof memory);
    wire_put_text(&inner, 1, source);
    wire_put_text(&inner, 2, id);
    wire_put_message(out, number, writer_span(&inner));
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
    if (posting->lot.ordinal != 0) {
        uint8_t memory[INNER_BYTES];
        struct writer lot = writer_of(memory, sizeof memory);
        wire_put_number(&lot, 2, partition);
        wire_put_number(&lot, 3, posting->lot.ordinal);
        wire_put_number(&lot, 4, posting->lot.index);
        wire_put_message(out, 9, writer_span(&lot));
    }
    put_event_ref(out, 10, posting->event_source, posting->event_id);
    wire_put_text(out, 11, posting->rule);
    wire_put_number(out, 12, posting->rule_version);
    put_int64(out, 13, posting->occurred_at.ms);
    put_int64(out, 14, posting->journal_time.ms);
    put_int64(out, 15, posting->effective_at.ms);
    wire_put_text(out, 16, posting->order_id);
    put_int64(out, 20, posting->lot_earned_at.ms);
    put_end(out, 22, posting->lot_expires_at);
    wire_put_number(out, 28, posting->scale);
    put_int64(out, 29, posting->arrears_after.units);
}

static void
amount_encode(const struct outcome_amount *amount, struct writer *out)
{
    uint8_t memory[INNER_BYTES];
    struct writer inner = writer_of(memory, sizeof memory);
    wire_put_text(&inner, 1, amount->currency);
    put_int64(&inner, 2, amount->requested.units);
    put_int64(&inner, 3, amount->granted.units);
    wire_put_message(out, 7, writer_span(&inner));
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
        amount_encode(&outcome->amounts[i], out);
    put_int64(out, 8, outcome->occurred_at.ms);
    put_int64(out, 9, outcome->journal_time.ms);
    wire_put_number(out, 10, partition);

    uint8_t memory[INNER_BYTES];
    struct writer inner = writer_of(memory, sizeof memory);
    put_int64(&inner, 1, position.offset);
    wire_put_number(&inner, 2, position.index);
    wire_put_message(out, 11, writer_span(&inner));

    wire_put_number(out, 12, outcome->ordinal);
    if (outcome->verdict == VERDICT_DUPLICATE) {
        const struct verdict_info *first = verdict_find(outcome->first_verdict);
        CHECK(first != NULL);
        wire_put_number(out, 13, outcome->first_verdict);
        wire_put_text(out, 14, bytes_from_cstr(first->name));
    }
    wire_put_text(out, 16, outcome->detail);
    if (outcome->event_kind != 0)
        wire_put_text(out, 17, bytes_from_cstr(codec_event_kind_name(outcome->event_kind)));
}

static void
tier_change_encode(const struct tier_change *change, struct writer *out)
{
    bool guest;
    struct bytes subject = codec_key_subject(change->member, &guest);
    bool by_event = change->cause_id.size != 0;
    if (!guest) wire_put_text(out, 1, subject);
    wire_put_text(out, 2, change->group);
    wire_put_text(out, 3, change->from);
    wire_put_text(out, 4, change->to);
    wire_put_number(out, 5, change->direction);
    wire_put_number(out, 6,
                    by_event ? TALLYBOOK__V1__TIER_CHANGE__REASON__EVENT
                             : TALLYBOOK__V1__TIER_CHANGE__REASON__REVIEW);
    put_event_ref(out, 7, change->cause_source, change->cause_id);
    put_int64(out, 8, change->metric_value);
    put_int64(out, 9, change->effective_at.ms);
    put_end(out, 10, change->valid_until);
    put_int64(out, 11, change->journal_time.ms);
    wire_put_number(out, 12, change->rule_version);
    if (guest) wire_put_text(out, 16, subject);
}

static void
notice_encode(const struct notice *notice, struct writer *out)
{
    uint8_t memory[INNER_BYTES];
    struct writer inner = writer_of(memory, sizeof memory);
    put_subject(out, 1, 2, notice->member);
    put_int64(out, 3, notice->effective_at.ms);
    put_int64(out, 4, notice->journal_time.ms);
    switch (notice->kind) {
    case NOTICE_EXPIRING_SOON:
        wire_put_text(&inner, 1, notice->expiring_soon.currency);
        put_int64(&inner, 2, notice->expiring_soon.points.units);
        put_int64(&inner, 3, notice->expiring_soon.expires_at.ms);
        wire_put_message(out, 20, writer_span(&inner));
        return;
    default: UNREACHABLE();
    }
}

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

/* ---- Text
 * ---------------------------------------------------------------------------------------------------------
 */

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
