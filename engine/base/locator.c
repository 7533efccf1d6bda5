#include "engine/base/locator.h"

#include "engine/base/check.h"

/*
 * A 64-bit hash, of which the upper 56 count:   63 … 32      31 … 8           7 … 0
 *                                                rest         fingerprint      not used
 * The home line comes from the top of the rest, so growth moves entries in order.
 */
#define LOCATOR_VALUE_BITS  40
#define LOCATOR_LINES_MAX   32 /* log2: the home line must be known from the rest alone */
#define LOCATOR_SLOT_BYTES  (sizeof(uint64_t) + sizeof(uint32_t))
#define LOCATOR_FINGERPRINT ((uint64_t)0xffffff)

/* The fingerprint in its place above the value, never 0 (invariant 1). */
static uint64_t
locator_fingerprint(uint64_t hash)
{
    uint64_t fingerprint = (hash >> 8) & LOCATOR_FINGERPRINT;
    return (fingerprint == 0 ? 1 : fingerprint) << LOCATOR_VALUE_BITS;
}

static uint32_t
locator_rest(uint64_t hash)
{
    return (uint32_t)(hash >> 32);
}

static size_t
locator_slot_count(const struct locator *locator)
{
    return (size_t)LOCATOR_SLOTS_PER_LINE << locator->lines_log2;
}

static size_t
locator_next(const struct locator *locator, size_t slot)
{
    return (slot + 1) & (locator_slot_count(locator) - 1);
}

/* Home line of an entry that is stored: known from its rest. */
static size_t
locator_home_of(const struct locator *locator, size_t slot)
{
    return locator_home(locator, (uint64_t)locator->rests[slot] << 32);
}

static size_t
locator_entries_max(const struct locator *locator)
{
    return locator_slot_count(locator) / 4 * 3;
}

static bool
locator_map(struct locator *locator, size_t entries, struct fault *out_fault)
{
    struct locator fresh = {0};
    while (locator_entries_max(&fresh) < entries) {
        if (fresh.lines_log2 == LOCATOR_LINES_MAX) {
            return fault_set(out_fault, FAULT_TRY_AGAIN, "a locator cannot hold %zu entries",
                             entries);
        }
        fresh.lines_log2 += 1;
    }
    size_t slots = locator_slot_count(&fresh);
    if (!region_map(slots * LOCATOR_SLOT_BYTES, &fresh.region, out_fault)) {
        return fault_wrap(out_fault, "locator of %zu entries", entries);
    }
    region_prefer_huge_pages(&fresh.region);
    fresh.slots = fresh.region.memory;
    fresh.rests = (uint32_t *)(fresh.slots + slots);
    *locator = fresh;
    return true;
}

static void
locator_put(struct locator *locator, uint64_t entry, uint32_t rest)
{
    size_t slot = locator_home(locator, (uint64_t)rest << 32);
    while (locator->slots[slot] != 0) {
        slot = locator_next(locator, slot);
    }
    locator->slots[slot] = entry;
    locator->rests[slot] = rest;
    locator->count += 1;
}

bool
locator_init(struct locator *locator, size_t expected_entries, struct fault *out_fault)
{
    return locator_map(locator, expected_entries, out_fault);
}

void
locator_fini(struct locator *locator)
{
    region_unmap(&locator->region);
    *locator = (struct locator){0};
}

size_t
locator_room(const struct locator *locator)
{
    return locator_entries_max(locator) - locator->count;
}

bool
locator_reserve(struct locator *locator, size_t additional, struct fault *out_fault)
{
    if (additional <= locator_room(locator)) return true;

    size_t entries = 0;
    if (__builtin_add_overflow(locator->count, additional, &entries)) entries = SIZE_MAX;
    struct locator grown;
    if (!locator_map(&grown, entries, out_fault)) return false;

    for (size_t slot = 0; slot < locator_slot_count(locator); slot++) {
        if (locator->slots[slot] != 0) {
            locator_put(&grown, locator->slots[slot], locator->rests[slot]);
        }
    }
    CHECK(grown.count == locator->count);
    locator_fini(locator);
    *locator = grown;
    return true;
}

void
locator_insert(struct locator *locator, uint64_t hash, uint64_t value)
{
    CHECK(value <= LOCATOR_VALUE_MAX);
    CHECK(locator_room(locator) > 0);
    locator_put(locator, locator_fingerprint(hash) | value, locator_rest(hash));
}

/* The slots of a line whose fingerprint agrees, one bit each; without a branch, because which slot
 * agrees cannot be predicted. */
static unsigned
locator_line_agreeing(const uint64_t *line, uint64_t fingerprint)
{
    unsigned agreeing = 0;
    for (unsigned i = 0; i < LOCATOR_SLOTS_PER_LINE; i++) {
        agreeing |= (unsigned)((line[i] & ~LOCATOR_VALUE_MAX) == fingerprint) << i;
    }
    return agreeing;
}

size_t
locator_find(const struct locator *locator, uint64_t hash, uint64_t *out_values, size_t max)
{
    uint64_t fingerprint = locator_fingerprint(hash);
    size_t found = 0;
    for (size_t home = locator_home(locator, hash);;
         home = (home + LOCATOR_SLOTS_PER_LINE) & (locator_slot_count(locator) - 1)) {
        const uint64_t *line = &locator->slots[home];
        unsigned agreeing = locator_line_agreeing(line, fingerprint);
        for (; agreeing != 0 && found < max; agreeing &= agreeing - 1) {
            unsigned at = (unsigned)__builtin_ctz(agreeing);
            if (locator->rests[home + at] != locator_rest(hash)) continue;
            out_values[found++] = line[at] & LOCATOR_VALUE_MAX;
        }
        bool line_is_full = line[LOCATOR_SLOTS_PER_LINE - 1] != 0;
        if (!line_is_full || found == max) return found;
    }
}

/*
 * Frees a slot and closes the gap, so that invariant 2 holds without tombstones: each later entry
 * of the run moves back into the gap unless its home line starts behind it. Distances are taken
 * backwards from the entry, around the table's end.
 */
static void
locator_close_gap(struct locator *locator, size_t gap)
{
    size_t mask = locator_slot_count(locator) - 1;
    for (size_t slot = locator_next(locator, gap); locator->slots[slot] != 0;
         slot = locator_next(locator, slot)) {
        size_t from_home = (slot - locator_home_of(locator, slot)) & mask;
        size_t from_gap = (slot - gap) & mask;
        if (from_home < from_gap) continue;
        locator->slots[gap] = locator->slots[slot];
        locator->rests[gap] = locator->rests[slot];
        gap = slot;
    }
    locator->slots[gap] = 0;
    locator->rests[gap] = 0;
}

bool
locator_remove(struct locator *locator, uint64_t hash, uint64_t value)
{
    uint64_t wanted = locator_fingerprint(hash) | value;
    for (size_t slot = locator_home(locator, hash); locator->slots[slot] != 0;
         slot = locator_next(locator, slot)) {
        if (locator->slots[slot] != wanted || locator->rests[slot] != locator_rest(hash)) continue;
        locator_close_gap(locator, slot);
        locator->count -= 1;
        return true;
    }
    return false;
}

size_t
locator_bytes(const struct locator *locator)
{
    return locator->region.size;
}
