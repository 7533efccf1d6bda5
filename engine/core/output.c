#include "engine/core/output.h"

struct effect *
output_begin(struct apply *apply, enum topic topic)
{
    struct effects *effects = apply->effects;
    CHECK_MSG(effects->count < effects->capacity, "effects were not drained before an apply");
    struct effect *effect = &effects->items[effects->count];
    effect->topic = topic;
    effect->sequence = 0;
    effect->hash = 0;
    effect->cause = apply->cause;
    return effect;
}

void
output_seal(struct apply *apply, struct effect *effect)
{
    struct state *state = apply->state;
    CHECK(effect == &apply->effects->items[apply->effects->count]);
    apply->effects->count++;
    if (effect->topic == TOPIC_FORWARD) return;
    struct output_mark *mark = &state->outputs[effect->topic];
    struct writer writer = writer_of(state->canonical, sizeof state->canonical);
    effect->sequence = mark->next_sequence++;
    effect_canonical(effect, &writer);
    mark->hash = hash64(writer_span(&writer), mark->hash);
    effect->hash = mark->hash;
    state->chain = hash64(bytes_of(&mark->hash, sizeof mark->hash), state->chain);
}

struct bytes
output_text(struct apply *apply, struct bytes text)
{
    struct bytes copy = {0};
    if (text.size == 0) return copy;
    CHECK_MSG(arena_copy_bytes(apply->effects->arena, text, &copy),
              "the effects' arena was not drained before an apply");
    return copy;
}

static struct bytes
once(struct apply *apply, struct bytes *kept, struct bytes text)
{
    if (kept->data == NULL) *kept = output_text(apply, text);
    return *kept;
}

struct bytes
output_member(struct apply *apply)
{
    return once(apply, &apply->member_text,
                apply->event != NULL ? apply->event->member : member_key(apply->member));
}

struct bytes
output_source(struct apply *apply)
{
    return apply->event == NULL ? (struct bytes){0}
                                : once(apply, &apply->source_text, apply->event->source);
}

struct bytes
output_event_id(struct apply *apply)
{
    return apply->event == NULL ? (struct bytes){0}
                                : once(apply, &apply->id_text, apply->event->id);
}

struct bytes
output_trace(struct apply *apply)
{
    return apply->event == NULL ? (struct bytes){0}
                                : once(apply, &apply->trace_text, apply->event->traceparent);
}

/* Copied anew when the room names another. */
static struct bytes
current(struct apply *apply, struct text_copy *kept, struct bytes text)
{
    if (kept->source.data != text.data || kept->source.size != text.size) {
        kept->source = text;
        kept->copy = output_text(apply, text);
    }
    return kept->copy;
}

struct bytes
output_order(struct apply *apply)
{
    return current(apply, &apply->order_text, apply->order_id);
}

struct bytes
output_spend(struct apply *apply)
{
    return current(apply, &apply->spend_text, apply->spend_id);
}

struct bytes
output_hold(struct apply *apply)
{
    return current(apply, &apply->hold_text, apply->hold_id);
}

struct bytes
output_reason(struct apply *apply)
{
    return current(apply, &apply->reason_text, apply->reason);
}

struct bytes
output_actor(struct apply *apply)
{
    return current(apply, &apply->actor_text, apply->actor);
}

struct bytes
output_currency(struct apply *apply, uint32_t slot)
{
    return once(apply, &apply->currency_texts[slot], apply->state->rulebooks.currencies[slot]);
}

struct bytes
output_source_name(struct apply *apply, uint32_t slot)
{
    return current(apply, &apply->rule_text,
                   rulebooks_name(&apply->state->rulebooks, NAME_SOURCE, slot));
}

struct bytes
output_funder(struct apply *apply, uint32_t slot)
{
    return current(apply, &apply->funder_text,
                   rulebooks_name(&apply->state->rulebooks, NAME_FUNDER, slot));
}

struct outcome_amount *
output_amount(struct apply *apply, uint32_t slot, int64_t requested, int64_t granted)
{
    CHECK(apply->amount_count < OUTCOME_AMOUNTS_MAX);
    apply->amount_slots[apply->amount_count] = (uint8_t)slot;
    struct outcome_amount *amount = &apply->amounts[apply->amount_count++];
    *amount = (struct outcome_amount){
        .currency = output_currency(apply, slot),
        .requested.units = requested,
        .granted.units = granted,
    };
    return amount;
}

void
output_amounts(const struct apply *apply, struct outcome *outcome)
{
    outcome->amount_count = apply->amount_count;
    for (uint32_t i = 0; i < apply->amount_count; i++) {
        const struct wallet *wallet = member_wallet_find(apply->member, apply->amount_slots[i]);
        outcome->amounts[i] = apply->amounts[i];
        outcome->amounts[i].active_after.units = wallet == NULL ? 0 : wallet->active;
    }
}

void
output_outcome(struct apply *apply, struct effect *effect)
{
    effect->outcome.journal_time = apply->state->clock;
    output_seal(apply, effect);
    apply->state->verdicts[effect->outcome.verdict & 0xff]++;
}

void
output_answer(struct apply *apply, enum verdict verdict, enum verdict first, uint64_t ordinal)
{
    const struct event *event = apply->event;
    struct effect *effect = output_begin(apply, TOPIC_OUTCOMES);
    struct outcome *outcome = &effect->outcome;
    outcome->source = output_source(apply);
    outcome->id = output_event_id(apply);
    outcome->member = output_member(apply);
    outcome->correlation_id = output_text(apply, event->correlation_id);
    outcome->event_kind = event->kind;
    outcome->verdict = verdict;
    outcome->first_verdict = first;
    outcome->ordinal = ordinal;
    outcome->detail = output_text(apply, apply->detail);
    outcome->occurred_at = event->occurred_at;
    outcome->further = apply->further;
    outcome->waiting = false;
    outcome->amount_count = 0;
    if (verdict == VERDICT_ACCEPTED) {
        outcome->waiting = apply->waiting;
        output_amounts(apply, outcome);
    }
    output_outcome(apply, effect);
}

struct effect *
output_notice(struct apply *apply, enum notice_kind kind, int64_t effective_ms)
{
    struct effect *effect = output_begin(apply, TOPIC_NOTICES);
    effect->notice = (struct notice){
        .kind = kind,
        .member = output_member(apply),
        .effective_at.ms = effective_ms,
        .journal_time = apply->state->clock,
        .cause = {output_source(apply), output_event_id(apply)},
        .traceparent = output_trace(apply),
    };
    return effect;
}
