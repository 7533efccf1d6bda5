#include "engine/core/anew.h"

#include "engine/core/state_priv.h"

bool
anew_is_full(const struct state *state)
{
    return state->anew.count == ANEW_MAX;
}

void
anew_add(struct state *state, int64_t effective_ms)
{
    struct anew *anew = &state->anew;
    struct anew_item item = {
        .at_ms = effective_ms > state->clock.ms ? effective_ms : state->clock.ms,
        .next = 1,
        .sequence = ++anew->last_sequence,
    };
    uint32_t at = anew->count++;
    CHECK(anew->count <= ANEW_MAX);
    for (; at > 0 && anew->items[at - 1].at_ms > item.at_ms; at--)
        anew->items[at] = anew->items[at - 1];
    anew->items[at] = item;
}

static void
drop_finished(struct anew *anew)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < anew->count; i++) {
        const struct anew_item *item = &anew->items[i];
        if (item->turn == 0 || item->next <= item->end) anew->items[kept++] = *item;
    }
    anew->count = kept;
}

bool
anew_reach(struct state *state, struct anew_item *out_item)
{
    struct anew *anew = &state->anew;
    for (uint32_t i = 0; i < anew->count && anew->items[i].at_ms <= state->clock.ms; i++) {
        struct anew_item *item = &anew->items[i];
        if (item->turn != 0) continue;
        item->turn = ++anew->last_turn;
        item->end = state->members.count;
        *out_item = *item;
        drop_finished(anew);
        return true;
    }
    return false;
}

const struct anew_item *
anew_of(const struct state *state, const struct member *member)
{
    const struct anew *anew = &state->anew;
    if (anew->count == 0 || member->status == MEMBER_UNKNOWN) return NULL;
    for (uint32_t i = 0; i < anew->count && anew->items[i].turn != 0; i++) {
        const struct anew_item *item = &anew->items[i];
        bool waits = member->number >= item->next && member->number <= item->end;
        if (waits && member->judged < item->turn) return item;
    }
    return NULL;
}

const struct anew_item *
anew_first(const struct state *state)
{
    const struct anew *anew = &state->anew;
    return anew->count > 0 && anew->items[0].turn != 0 ? &anew->items[0] : NULL;
}

void
anew_pass(struct state *state)
{
    state->anew.items[0].next++;
    drop_finished(&state->anew);
}

int64_t
anew_next_ms(const struct state *state)
{
    return state->anew.count > 0 ? state->anew.items[0].at_ms : INT64_MAX;
}

void
anew_encode(const struct anew *anew, struct writer *writer)
{
    writer_u32le(writer, anew->count);
    writer_u32le(writer, anew->last_sequence);
    writer_u32le(writer, anew->last_turn);
    for (uint32_t i = 0; i < anew->count; i++) {
        writer_i64le(writer, anew->items[i].at_ms);
        writer_u64le(writer, anew->items[i].next);
        writer_u64le(writer, anew->items[i].end);
        writer_u32le(writer, anew->items[i].sequence);
        writer_u32le(writer, anew->items[i].turn);
    }
}

void
anew_decode(struct reader *reader, struct anew *out_anew)
{
    struct anew anew = {.count = reader_u32le(reader)};
    anew.last_sequence = reader_u32le(reader);
    anew.last_turn = reader_u32le(reader);
    if (anew.count > ANEW_MAX) {
        reader->failed = true;
        return;
    }
    for (uint32_t i = 0; i < anew.count; i++) {
        anew.items[i].at_ms = reader_i64le(reader);
        anew.items[i].next = reader_u64le(reader);
        anew.items[i].end = reader_u64le(reader);
        anew.items[i].sequence = reader_u32le(reader);
        anew.items[i].turn = reader_u32le(reader);
    }
    *out_anew = anew;
}
