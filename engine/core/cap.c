#include "engine/core/cap.h"

#include "engine/core/fact.h"

static enum calendar_unit
unit_of(enum per per)
{
    switch (per) {
    case PER_DAY: return CALENDAR_DAY;
    case PER_WEEK: return CALENDAR_WEEK;
    case PER_MONTH: return CALENDAR_MONTH;
    case PER_QUARTER: return CALENDAR_QUARTER;
    case PER_YEAR: return CALENDAR_YEAR;
    case PER_EVENT:
    case PER_LIFETIME:
    case PER_ROLLING: break;
    }
    UNREACHABLE();
}

bool
cap_is_kept(const struct program_cap *cap)
{
    return cap->per != PER_EVENT;
}

/* How a cap counts, as a number: a version that changes it begins anew. */
static uint32_t
way_of(const struct program_cap *cap)
{
    uint32_t days = cap->per == PER_ROLLING ? cap->rolling_days : 0;
    return days << 8 | (uint32_t)cap->per;
}

/* The fact that counts a cap's use at an instant, without its value. */
static struct fact
use_fact(const struct rulebook *rulebook, uint32_t cap, struct instant occurred_at)
{
    const struct program_cap *what = &rulebook->program.caps[cap];
    struct fact fact = {
        .kind = FACT_CAP_USE,
        .slot = rulebook->cap_slot[cap],
        .index = way_of(what),
    };
    if (what->per == PER_LIFETIME) {
        fact.key = INT64_MIN;
    } else if (what->per == PER_ROLLING) {
        fact.key = occurred_at.ms;
    } else {
        fact.key =
            calendar_bucket_start(&rulebook->program.zone, occurred_at, unit_of(what->per)).ms;
    }
    return fact;
}

/* Use in (t − n, t]. */
static int64_t
rolling_use(const struct member *member, const struct fact *at, uint32_t days)
{
    int64_t from = at->key - (int64_t)days * CALENDAR_DAY_MS + 1, sum = 0;
    struct facts facts = facts_between(member, FACT_CAP_USE, at->slot, from, at->key + 1);
    for (uint32_t i = 0; i < facts.count; i++) {
        if (facts.items[i].index == at->index)
            sum += facts.items[i].a; /* parts of what was issued, which has 63 bits in all */
    }
    return sum;
}

int64_t
cap_room(const struct rulebook *rulebook, const struct member *member, uint32_t cap,
         struct instant occurred_at)
{
    const struct program_cap *what = &rulebook->program.caps[cap];
    if (member == NULL || !cap_is_kept(what)) return what->max;
    struct fact at = use_fact(rulebook, cap, occurred_at);
    int64_t use = what->per == PER_ROLLING
                      ? rolling_use(member, &at, what->rolling_days)
                      : fact_value(member, FACT_CAP_USE, at.slot, at.key, at.index);
    return use < what->max ? what->max - use : 0;
}

bool
cap_covers(const struct program_cap *cap, struct program_source source, uint32_t currency)
{
    if (cap->currency != currency) return false;
    if (cap->cover_count == 0) return true;
    for (uint32_t i = 0; i < cap->cover_count; i++) {
        if (cap->covers[i].kind == source.kind && cap->covers[i].index == source.index) return true;
    }
    return false;
}

int64_t
cap_covered(const struct program_cap *cap, uint32_t currency, const struct earn_part *parts,
            uint32_t part_count)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < part_count; i++) {
        if (cap_covers(cap, parts[i].source, currency))
            sum += parts[i].points; /* parts of one grant, which has 63 bits */
    }
    return sum;
}

/* Trims the covered parts to the room, or rejects them. */
static void
cut(struct arena *scratch, const struct program_cap *cap, uint32_t currency, int64_t room,
    struct earn_part *parts, uint32_t part_count)
{
    int64_t *weights = eligible_list(scratch, part_count, sizeof *weights);
    int64_t *shares = eligible_list(scratch, part_count, sizeof *shares);
    for (uint32_t i = 0; i < part_count; i++)
        weights[i] = cap_covers(cap, parts[i].source, currency) ? parts[i].points : 0;
    CHECK(share_largest_remainder(cap->rejects ? 0 : room, weights, part_count, shares));
    for (uint32_t i = 0; i < part_count; i++)
        parts[i].points += shares[i] - weights[i];
}

uint32_t
cap_cut(struct arena *scratch, const struct rulebook *rulebook, uint32_t currency,
        const int64_t *rooms, struct earn_part *parts, uint32_t part_count)
{
    uint32_t first = CAP_NONE;
    for (uint32_t c = 0; c < rulebook->program.cap_count; c++) {
        const struct program_cap *cap = &rulebook->program.caps[c];
        if (cap_covered(cap, currency, parts, part_count) <= rooms[c]) continue;
        cut(scratch, cap, currency, rooms[c], parts, part_count);
        if (first == CAP_NONE) first = c;
    }
    return first;
}

/* Whether no event at or after `reach_ms` counts a use, in whatever way it was counted. */
static bool
is_out_of_reach(const struct rulebook *rulebook, const struct fact *use, int64_t reach_ms)
{
    enum per per = (enum per)(use->index & 0xff);
    if (per == PER_ROLLING) return use->key <= reach_ms - (use->index >> 8) * CALENDAR_DAY_MS;
    struct instant end =
        calendar_bucket_end(&rulebook->program.zone, (struct instant){use->key}, unit_of(per));
    return end.ms <= reach_ms;
}

/* A cap that gets something back after that has nothing to get it back to, and nobody to ask. */
static void
forget_uses(struct apply *apply, const struct rulebook *rulebook, uint32_t slot)
{
    int64_t reach_ms = apply_reach_ms(apply);
    if (reach_ms == INT64_MIN) return;
    /* The use of a lifetime stands before them all. */
    struct facts facts = facts_between(apply->member, FACT_CAP_USE, slot, INT64_MIN + 1, reach_ms);
    uint32_t old = 0;
    while (old < facts.count && is_out_of_reach(rulebook, &facts.items[old], reach_ms))
        old++;
    facts_remove(&apply->state->members, &apply->member, (struct facts){facts.items, old});
}

void
cap_use(struct apply *apply, const struct rulebook *rulebook, uint32_t cap,
        struct instant occurred_at, int64_t change)
{
    struct fact fact = use_fact(rulebook, cap, occurred_at);
    forget_uses(apply, rulebook, fact.slot);
    int64_t use = fact_value(apply->member, FACT_CAP_USE, fact.slot, fact.key, fact.index);
    fact.a = use + change < 0 ? -use : change;
    if (fact.a != 0) fact_add(&apply->state->members, &apply->member, &fact);
}
