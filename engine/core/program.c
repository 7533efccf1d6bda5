#include "engine/core/program.h"

#include "engine/base/check.h"
#include "engine/base/slab.h"

/* A reward is the part that grows most: some ten bytes become two hundred. */
enum { LISTS_FACTOR = 24, LISTS_FIXED_BYTES = 4096 };

size_t
program_lists_bytes(size_t program_bytes)
{
    size_t bytes = LISTS_FACTOR * program_bytes + LISTS_FIXED_BYTES;
    return bytes < SLAB_SIZE_MAX ? bytes : SLAB_SIZE_MAX;
}

struct bytes
program_source_id(const struct program *program, struct program_source source)
{
    switch (source.kind) {
    case SOURCE_RULE:
        CHECK(source.index < program->rule_count);
        return program->rules[source.index].id;
    case SOURCE_CAMPAIGN:
        CHECK(source.index < program->campaign_count);
        return program->campaigns[source.index].id;
    case SOURCE_AWARD:
        CHECK(source.index < program->award_count);
        return program->awards[source.index].id;
    case SOURCE_STREAK:
        CHECK(source.index < program->streak_count);
        return program->streaks[source.index].id;
    case SOURCE_MISSION:
        CHECK(source.index < program->mission_count);
        return program->missions[source.index].id;
    }
    UNREACHABLE();
}

static bool
currency_follows(const struct program_currency *now, const struct program_currency *before,
                 struct fault *out_fault)
{
    if (before->scale != now->scale) {
        return fault_set(out_fault, FAULT_DATA,
                         "the scale of %.*s changes from %u to %u: a currency keeps its scale",
                         (int)now->id.size, (const char *)now->id.data, before->scale, now->scale);
    }
    return true;
}

bool
program_follows(const struct program *next, const struct program *previous, struct fault *out_fault)
{
    if (next->version <= previous->version) {
        return fault_set(out_fault, FAULT_DATA,
                         "version %u does not rise: version %u is activated already", next->version,
                         previous->version);
    }
    if (!bytes_equal(next->zone_name, previous->zone_name)) {
        return fault_set(out_fault, FAULT_DATA,
                         "the zone changes from %.*s to %.*s: a programme keeps its zone",
                         (int)previous->zone_name.size, (const char *)previous->zone_name.data,
                         (int)next->zone_name.size, (const char *)next->zone_name.data);
    }
    for (uint32_t i = 0; i < previous->currency_count; i++) {
        for (uint32_t j = 0; j < next->currency_count; j++) {
            const struct program_currency *now = &next->currencies[j];
            if (bytes_equal(previous->currencies[i].id, now->id) &&
                !currency_follows(now, &previous->currencies[i], out_fault)) {
                return false;
            }
        }
    }
    return true;
}
