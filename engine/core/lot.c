#include "engine/core/lot.h"

struct lot *
lots_of(const struct member *member, uint32_t slot, uint32_t *out_count)
{
    if (slot >= member->wallet_count) {
        *out_count = 0;
        return member_lots(member);
    }
    const struct wallet *wallets = member_wallets(member);
    struct lot *first = member_lots(member);
    for (uint32_t i = 0; i < slot; i++)
        first += wallets[i].lot_count;
    *out_count = wallets[slot].lot_count;
    return first;
}

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

void
lots_insert(struct members *members, struct member **member, const struct lot *lot)
{
    CHECK(lot->remaining > 0 && (*member)->lot_count < MEMBER_LOTS_MAX);
    uint32_t count;
    struct lot *lots = lots_of(*member, lot->currency, &count);
    uint32_t i = position(lots, count, lot);
    struct lot *place = member_open_gap(members, member, lots + i, sizeof *lot);
    *place = *lot;
    (*member)->lot_count++;
    member_wallets(*member)[lot->currency].lot_count++;
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
    (*member)->lot_count -= count;
    member_wallets(*member)[slot].lot_count -= count;
    member_close_gap(members, member, lots + from, count * sizeof *lots, bytes);
}
