#include "engine/core/explain.h"

#include "engine/core/output.h"

struct writing {
    const struct grant_plan *plan;
    struct explanation *why;
    struct explanation_part *parts;
};

/* As a ratio of 64 bits; one that needs more is not told. */
static struct rate
told(struct fraction exact)
{
    int64_t numerator = (int64_t)exact.numerator, denominator = (int64_t)exact.denominator;
    if (numerator != exact.numerator || denominator != exact.denominator) return (struct rate){0};
    return (struct rate){numerator, denominator};
}

/* What has no place of its own is summed in the last. */
static void
tell(struct writing *writing, struct explanation_part part)
{
    struct explanation *why = writing->why;
    if (why->part_count < EXPLANATION_PARTS_MAX) {
        part.rule_version = writing->plan->rulebook->program.version;
        writing->parts[why->part_count++] = part;
        return;
    }
    struct explanation_part *rest = &writing->parts[EXPLANATION_PARTS_MAX - 1];
    *rest = (struct explanation_part){
        .phase = rest->phase,
        .points.units = rest->points.units + part.points.units,
    };
}

static enum explanation_phase
phase_of(const struct program *program, const struct earn_part *part)
{
    if (part->source.kind == SOURCE_CAMPAIGN) return EXPLANATION_CAMPAIGN;
    if (part->source.kind == SOURCE_RULE)
        return part->flat ? EXPLANATION_FLAT_BONUS : EXPLANATION_BASE;
    bool after = part->source.kind == SOURCE_AWARD &&
                 program->awards[part->source.index].kind == AWARD_BALANCE;
    return after ? EXPLANATION_AFTER_EARNING : EXPLANATION_AWARD;
}

static bool
is_tiered(const struct planned_grant *grant, const struct earn_part *part)
{
    return part->source.kind != SOURCE_CAMPAIGN && !part->flat && grant->tier_group >= 0 &&
           grant->multiplier.numerator != grant->multiplier.denominator;
}

static void
tell_part(struct writing *writing, const struct planned_grant *grant, const struct earn_part *part)
{
    const struct program *program = &writing->plan->rulebook->program;
    struct bytes id = output_text(writing->plan->apply, program_source_id(program, part->source));
    struct explanation_part told_part = {
        .phase = phase_of(program, part),
        .rule = id,
        .points.units = part->requested,
        .exact = told(part->exact),
        .eligible_minor = part->eligible_minor,
    };
    if (part->source.kind == SOURCE_CAMPAIGN)
        told_part.factor = program->campaigns[part->source.index].factor;
    tell(writing, told_part);
    if (!is_tiered(grant, part)) return;
    tell(writing, (struct explanation_part){
                      .phase = EXPLANATION_TIER, .rule = id, .factor = grant->multiplier});
}

/* Caps are told as one part that takes away; the first that cut names it. */
static void
tell_cap(struct writing *writing)
{
    struct explanation *why = writing->why;
    if (why->granted.units == why->requested.units) return;
    tell(writing, (struct explanation_part){
                      .phase = EXPLANATION_CAP,
                      .rule = why->cap_rule,
                      .points.units = why->granted.units - why->requested.units,
                  });
}

static void
tell_grant(struct writing *writing, const struct planned_grant *grant, uint32_t lot)
{
    const struct program *program = &writing->plan->rulebook->program;
    struct explanation *why = writing->why;
    for (uint32_t i = 0; i < grant->part_count; i++) {
        const struct earn_part *part = &grant->parts[i];
        if (part->lot != lot) continue;
        why->requested.units += part->requested; /* parts of grants that were judged to fit */
        why->granted.units += part->points;
        if (is_tiered(grant, part) && why->tier_group.size == 0) {
            uint8_t level = writing->plan->levels[grant->tier_group];
            const struct program_group *group = &program->groups[grant->tier_group];
            why->tier_group = output_text(writing->plan->apply, group->id);
            why->tier = output_text(writing->plan->apply, group->levels[level].id);
        }
        if (part->points < part->requested && why->cap_rule.size == 0)
            why->cap_rule = output_text(writing->plan->apply, program->caps[grant->cap].id);
        tell_part(writing, grant, part);
    }
}

static uint32_t
count_parts(const struct grant_plan *plan, uint32_t lot)
{
    uint32_t count = 1; /* of caps */
    for (uint32_t i = 0; i < plan->grant_count; i++) {
        for (uint32_t k = 0; k < plan->grants[i].part_count; k++)
            count += plan->grants[i].parts[k].lot == lot ? 2 : 0; /* and its tier */
    }
    return count < EXPLANATION_PARTS_MAX ? count : EXPLANATION_PARTS_MAX;
}

const struct explanation *
explain_lot(const struct grant_plan *plan, uint32_t lot)
{
    struct arena *arena = plan->apply->effects->arena;
    struct writing writing = {.plan = plan, .why = arena_alloc(arena, sizeof *writing.why)};
    CHECK_MSG(writing.why != NULL, "the effects' arena was not drained before an apply");
    *writing.why = (struct explanation){.money = plan->money};
    writing.parts = arena_alloc(arena, count_parts(plan, lot) * sizeof *writing.parts);
    CHECK_MSG(writing.parts != NULL, "the effects' arena was not drained before an apply");
    for (uint32_t i = 0; i < plan->grant_count; i++)
        tell_grant(&writing, &plan->grants[i], lot);
    tell_cap(&writing);
    writing.why->parts = writing.parts;
    return writing.why;
}
