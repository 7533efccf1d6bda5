#include "engine/core/activity.h"

#include "engine/core/award.h"
#include "engine/core/limit.h"
#include "engine/core/order.h"
#include "engine/core/tier.h"

struct bytes
activity_reference(const struct state *state, const struct activity *activity,
                   uint8_t out[ACTIVITY_REFERENCE_BYTES])
{
    if (activity->reference.size == 0) return (struct bytes){0};
    /* Seeded by the journal's id, so that two references that agree are the same, as identities. */
    uint64_t seed = hash64(award_activity_name(activity), state->memo.seed);
    struct hash128 hash = hash128(activity->reference, seed);
    static_assert(sizeof hash == ACTIVITY_REFERENCE_BYTES, "an id is the whole hash");
    memcpy(out, &hash, sizeof hash);
    return bytes_of(out, sizeof hash);
}

void
activity_needs(const struct state *state, const struct event *event, struct needs *needs)
{
    uint8_t text[ACTIVITY_REFERENCE_BYTES];
    struct bytes id = activity_reference(state, &event->activity, text);
    if (id.size > 0) state_references_need(state, REFERENCE_ACTIVITY, event->member, id, needs);
}

static enum verdict
judge(const struct apply *apply, struct bytes reference)
{
    const struct member *member = apply->member;
    if (member == NULL) return VERDICT_ACCEPTED; /* this enrols */
    if (reference.size > 0 &&
        state_reference(apply->state, REFERENCE_ACTIVITY, member, reference) != NULL) {
        return VERDICT_REFERENCE_SEEN;
    }
    if (member->status >= MEMBER_CLOSED) return VERDICT_MEMBER_CLOSED;
    if (member->status != MEMBER_ACTIVE) return VERDICT_MEMBER_NOT_ACTIVE;
    return VERDICT_ACCEPTED;
}

static void
leave_reference(struct apply *apply, struct bytes reference)
{
    struct state *state = apply->state;
    struct writer writer = writer_of(state->row_region.memory, REFERENCE_BYTES_MAX);
    if (reference.size == 0) return;
    reference_write_head(REFERENCE_ACTIVITY, apply->member->number, reference, &writer);
    apply->reference_hash =
        reference_hash(&state->memo, REFERENCE_ACTIVITY, apply->event->member, reference);
    references_add(&state->references, apply->ordinal, apply->reference_hash, writer_span(&writer));
}

enum verdict
activity_apply(struct apply *apply)
{
    const struct event *event = apply->event;
    struct rulebook *rulebook = apply->rulebook;
    uint8_t text[ACTIVITY_REFERENCE_BYTES];
    struct bytes reference = activity_reference(apply->state, &event->activity, text);
    enum verdict verdict = judge(apply, reference);
    if (verdict != VERDICT_ACCEPTED) return verdict;

    struct grant_plan *grants = grant_plan_begin(apply, rulebook, event->occurred_at);
    if (!award_plan_activity(apply, grants)) grant_plan_overflow(grants);
    struct limit_finding finding;
    struct limit_use use = {
        .of = LIMITED_ACTIVITY,
        .activity = award_activity_name(&event->activity),
    };
    for (uint32_t c = 0; c < rulebook->program.currency_count; c++)
        use.points[c] = grant_plan_points(grants, c);
    verdict = limit_check(apply, &use, &finding);
    if (verdict != VERDICT_ACCEPTED) return verdict;
    if (finding.quarantines) grant_plan_quarantine(grants);
    verdict = grant_plan_judge(grants);
    if (verdict != VERDICT_ACCEPTED) return verdict;

    if (apply->member == NULL) apply_enrol(apply, event->occurred_at.ms);
    grant_plan_book(grants);
    award_book(apply);
    limit_count(apply, &use, &finding);
    leave_reference(apply, reference);
    tier_count(apply, rulebook, METRIC_VISITS, use.activity, PROGRAM_NONE, event->occurred_at, 1);
    return VERDICT_ACCEPTED;
}
