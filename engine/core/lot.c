#include "engine/core/lot.h"

#include "engine/core/fact.h"

int
lot_compare(const struct lot *a, const struct lot *b)
{
    if (a->expires_ms != b->expires_ms) return a->expires_ms < b->expires_ms ? -1 : 1;
    if (a->earned_ms != b->earned_ms) return a->earned_ms < b->earned_ms ? -1 : 1;
    if (a->ordinal != b->ordinal) return a->ordinal < b->ordinal ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

/* How many of the lots are spent before `lot`. Most lots are the newest of their currency, so the
 * end is looked at first. */
static uint32_t
position(const struct lot *lots, uint32_t count, const struct lot *lot)
{
    if (count == 0 || lot_compare(&lots[count - 1], lot) < 0) return count;
    uint32_t low = 0, high = count - 1;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (lot_compare(&lots[middle], lot) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct lot *
lots_find(const struct member *member, const struct lot *wanted)
{
    uint32_t count;
    struct lot *lots = lots_of(member, wanted->currency, &count);
    uint32_t i = position(lots, count, wanted);
    return i < count && lot_compare(&lots[i], wanted) == 0 ? &lots[i] : NULL;
}

struct lot *
lots_find_id(const struct member *member, const struct lot *image)
{
    uint32_t count;
    struct lot *lots = lots_find(member, image);
    if (lots != NULL) return lots;
    lots = lots_of(member, image->currency, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (lots[i].ordinal == image->ordinal && lots[i].index == image->index) return &lots[i];
    }
    return NULL;
}

static uint64_t
event_place(const struct lot_events *events, uint64_t ordinal)
{
    uint64_t at = ordinal * UINT64_C(0x9e3779b97f4a7c15) >> 32;
    while (events->ordinals[at & events->mask] != 0 &&
           events->ordinals[at & events->mask] != ordinal)
        at++;
    return at & events->mask;
}

struct lot_events
lot_events_of(struct arena *scratch, const struct member *member)
{
    size_t places = 2;
    while (places < 2 * (size_t)member->lot_count)
        places *= 2;
    struct lot_events events = {arena_alloc(scratch, places * sizeof *events.ordinals), places - 1};
    CHECK(events.ordinals != NULL);
    memset(events.ordinals, 0, places * sizeof *events.ordinals);
    const struct lot *lots = member_lots(member);
    for (uint32_t i = 0; i < member->lot_count; i++)
        events.ordinals[event_place(&events, lots[i].ordinal)] = lots[i].ordinal;
    return events;
}

bool
lot_events_have(const struct lot_events *events, uint64_t ordinal)
{
    return events->ordinals[event_place(events, ordinal)] == ordinal;
}

enum account
lot_account(const struct lot *lot)
{
    switch ((enum lot_state)lot->state) {
    case LOT_PENDING: return ACCOUNT_PENDING;
    case LOT_ACTIVE: return ACCOUNT_ACTIVE;
    case LOT_LAPSING: return ACCOUNT_LAPSING;
    }
    UNREACHABLE();
}

/* Lots in states other than active are counted, so that who has none is never searched. */
static void
count_state(struct wallet *wallet, const struct lot *lot, uint32_t change)
{
    if (lot->state == LOT_PENDING) wallet->pending_count += change;
    if (lot->state == LOT_LAPSING) wallet->lapsing_count += change;
}

void
lot_set_state(struct member *member, struct lot *lot, enum lot_state state)
{
    struct wallet *wallet = &member_wallets(member)[lot->currency];
    count_state(wallet, lot, UINT32_MAX); /* one less */
    lot->state = (uint8_t)state;
    count_state(wallet, lot, 1);
}

struct lot *
lots_insert(struct members *members, struct member **member, const struct lot *lot)
{
    CHECK((lot->remaining > 0 || lot->held > 0) && (*member)->lot_count < MEMBER_LOTS_MAX);
    uint32_t count;
    struct lot *lots = lots_of(*member, lot->currency, &count);
    uint32_t i = position(lots, count, lot);
    struct lot *place = member_open_gap(members, member, lots + i, sizeof *lot);
    *place = *lot;
    (*member)->lot_count++;
    member_wallets(*member)[lot->currency].lot_count++;
    count_state(&member_wallets(*member)[lot->currency], lot, 1);
    return place;
}

/* How many lots from the first on are of one currency, and stand with the last in spend order
 * first. */
static uint32_t
run_length(struct lot_list list)
{
    uint32_t count = 1;
    while (count < list.count && list.items[count].currency == list.items[0].currency &&
           lot_compare(&list.items[count], &list.items[count - 1]) < 0)
        count++;
    return count;
}

/* Merges a run into the lots of its currency, from the end. */
static void
insert_run(struct members *members, struct member **member, struct lot_list run)
{
    uint32_t slot = run.items[0].currency, have;
    struct lot *lots = lots_of(*member, slot, &have);
    CHECK((*member)->lot_count + run.count <= MEMBER_LOTS_MAX);
    member_open_gap(members, member, lots + have, run.count * sizeof *lots);
    lots = lots_of(*member, slot, &have);
    struct wallet *wallet = &member_wallets(*member)[slot];
    uint32_t from = have, to = have + run.count;
    for (uint32_t i = 0; i < run.count; i++) {
        const struct lot *lot = &run.items[i];
        CHECK(lot->remaining > 0 || lot->held > 0);
        while (from > 0 && lot_compare(&lots[from - 1], lot) > 0)
            lots[--to] = lots[--from];
        lots[--to] = *lot;
        count_state(wallet, lot, 1);
    }
    (*member)->lot_count += run.count;
    wallet->lot_count += run.count;
}

void
lots_insert_all(struct members *members, struct member **member, struct lot_list list)
{
    while (list.count > 0) {
        struct lot_list run = {list.items, run_length(list)};
        insert_run(members, member, run);
        list.items += run.count;
        list.count -= run.count;
    }
}

void
lots_remove(struct members *members, struct member **member, uint32_t slot, uint32_t from,
            uint32_t count)
{
    if (count == 0) return;
    uint32_t have;
    size_t bytes = member_bytes(*member);
    struct lot *lots = lots_of(*member, slot, &have);
    CHECK(from + count <= have);
    for (uint32_t i = from; i < from + count; i++)
        count_state(&member_wallets(*member)[slot], &lots[i], UINT32_MAX);
    (*member)->lot_count -= count;
    member_wallets(*member)[slot].lot_count -= count;
    member_close_gap(members, member, lots + from, count * sizeof *lots, bytes);
}

/* ---- Spend order ---- */

static bool
is_governed(const struct lot *lot)
{
    return lot->state == LOT_ACTIVE && (lot->flags & LOT_BY_INACTIVITY) != 0;
}

struct lot_walk
lot_walk_of(const struct member *member, uint32_t slot)
{
    struct lot_walk walk = {.clock_ms = INT64_MAX};
    walk.lots = lots_of(member, slot, &walk.count);
    walk.governed = walk.count;
    const struct fact *clock = fact_find(member, FACT_INACTIVITY, slot, 0, 0);
    if (clock == NULL) return walk;
    walk.clock_ms = clock->a;
    walk.governed = 0;
    return walk;
}

struct lot *
lot_walk_next(struct lot_walk *walk)
{
    while (walk->governed < walk->count && !is_governed(&walk->lots[walk->governed]))
        walk->governed++;
    while (walk->clock_ms != INT64_MAX && walk->plain < walk->count &&
           is_governed(&walk->lots[walk->plain]))
        walk->plain++;
    struct lot *plain = walk->plain < walk->count ? &walk->lots[walk->plain] : NULL;
    struct lot *governed = walk->governed < walk->count ? &walk->lots[walk->governed] : NULL;
    bool by_clock = governed != NULL && walk->clock_ms != INT64_MAX;
    if (plain != NULL && by_clock) {
        struct lot dated = *governed;
        dated.expires_ms = walk->clock_ms;
        by_clock = lot_compare(&dated, plain) < 0;
    }
    if (by_clock) {
        walk->governed++;
        return governed;
    }
    if (plain != NULL) walk->plain++;
    return plain;
}
