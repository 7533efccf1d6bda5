/* Canonical bytes of effects: whatever is said differently has other bytes, and so another hash. */
#include <criterion/criterion.h>
#include <string.h>

#include "engine/core/effect.h"

#define T(text) BYTES_LITERAL(text)

static struct bytes
canonical(const struct effect *effect, uint8_t memory[EFFECT_CANONICAL_MAX])
{
    struct writer out = writer_of(memory, EFFECT_CANONICAL_MAX);
    effect_canonical(effect, &out);
    return writer_span(&out);
}

static void
expect_counts(const struct effect *base, const struct effect *changed, const char *what)
{
    static uint8_t memory[2][EFFECT_CANONICAL_MAX];
    cr_expect_not(bytes_equal(canonical(base, memory[0]), canonical(changed, memory[1])),
                  "%s does not count", what);
}

/* Sets one place of a copy and expects other bytes. */
#define COUNTS(base, place, ...)                                                                   \
    do {                                                                                           \
        struct effect changed = (base);                                                            \
        changed.place = __VA_ARGS__;                                                               \
        expect_counts(&(base), &changed, #place);                                                  \
    } while (0)

Test(effect, every_field_of_a_posting_counts)
{
    struct effect base = {.topic = TOPIC_POSTINGS, .sequence = 1};
    COUNTS(base, sequence, 2);
    COUNTS(base, posting.kind, POSTING_FUND);
    COUNTS(base, posting.from, ACCOUNT_HELD);
    COUNTS(base, posting.to, ACCOUNT_HELD);
    COUNTS(base, posting.scale, 2);
    COUNTS(base, posting.amount.units, 1);
    COUNTS(base, posting.lot.ordinal, 1);
    COUNTS(base, posting.lot.index, 1);
    COUNTS(base, posting.rule_version, 1);
    COUNTS(base, posting.occurred_at.ms, 1);
    COUNTS(base, posting.journal_time.ms, 1);
    COUNTS(base, posting.effective_at.ms, 1);
    COUNTS(base, posting.active_after.units, 1);
    COUNTS(base, posting.arrears_after.units, 1);
    COUNTS(base, posting.lot_earned_at.ms, 1);
    COUNTS(base, posting.lot_expires_at.ms, 1);
    COUNTS(base, posting.lot_activates_at.ms, 1);
    COUNTS(base, posting.lot_expired_before.ms, 1);
    COUNTS(base, posting.unit_cost.numerator, 1);
    COUNTS(base, posting.unit_cost.denominator, 1);
    COUNTS(base, posting.cost_currency, 978);
    COUNTS(base, posting.member, T("m"));
    COUNTS(base, posting.currency, T("c"));
    COUNTS(base, posting.event_source, T("s"));
    COUNTS(base, posting.event_id, T("e"));
    COUNTS(base, posting.rule, T("r"));
    COUNTS(base, posting.order_id, T("o"));
    COUNTS(base, posting.spend_id, T("x"));
    COUNTS(base, posting.hold_id, T("h"));
    COUNTS(base, posting.funder, T("f"));
    COUNTS(base, posting.reason, T("r"));
    COUNTS(base, posting.actor, T("a"));
    struct explanation nothing = {0};
    COUNTS(base, posting.explanation, &nothing);
}

static void
expect_explanation_counts(const struct explanation *changed, const char *what)
{
    static const struct explanation_part part = {0};
    const struct explanation plain = {.parts = &part, .part_count = 1};
    struct effect a = {.topic = TOPIC_POSTINGS, .posting = {.explanation = &plain}}, b = a;
    b.posting.explanation = changed;
    expect_counts(&a, &b, what);
}

#define EXPLAINS(place, ...)                                                                       \
    do {                                                                                           \
        struct explanation_part part = {0};                                                        \
        struct explanation changed = {.parts = &part, .part_count = 1};                            \
        place = __VA_ARGS__;                                                                       \
        expect_explanation_counts(&changed, #place);                                               \
    } while (0)

Test(effect, every_field_of_an_explanation_counts)
{
    EXPLAINS(changed.money, 978);
    EXPLAINS(changed.tier_group, T("g"));
    EXPLAINS(changed.tier, T("t"));
    EXPLAINS(changed.requested.units, 1);
    EXPLAINS(changed.granted.units, 1);
    EXPLAINS(changed.cap_rule, T("c"));
    EXPLAINS(changed.part_count, 0);
    EXPLAINS(part.phase, EXPLANATION_CAP);
    EXPLAINS(part.rule, T("r"));
    EXPLAINS(part.rule_version, 1);
    EXPLAINS(part.points.units, 1);
    EXPLAINS(part.exact.numerator, 1);
    EXPLAINS(part.exact.denominator, 1);
    EXPLAINS(part.factor.numerator, 1);
    EXPLAINS(part.factor.denominator, 1);
    EXPLAINS(part.eligible_minor, 1);
    EXPLAINS(part.line_id, T("l"));
}

Test(effect, every_field_of_an_outcome_counts)
{
    struct effect base = {.topic = TOPIC_OUTCOMES, .outcome = {.amount_count = 1}};
    COUNTS(base, outcome.event_kind, EVENT_CLOSE);
    COUNTS(base, outcome.verdict, VERDICT_PARKED);
    COUNTS(base, outcome.first_verdict, VERDICT_PARKED);
    COUNTS(base, outcome.ordinal, 1);
    COUNTS(base, outcome.occurred_at.ms, 1);
    COUNTS(base, outcome.journal_time.ms, 1);
    COUNTS(base, outcome.source, T("s"));
    COUNTS(base, outcome.id, T("e"));
    COUNTS(base, outcome.member, T("m"));
    COUNTS(base, outcome.correlation_id, T("c"));
    COUNTS(base, outcome.detail, T("d"));
    COUNTS(base, outcome.further, true);
    COUNTS(base, outcome.waiting, true);
    COUNTS(base, outcome.amount_count, 2);
    COUNTS(base, outcome.amounts[0].currency, T("c"));
    COUNTS(base, outcome.amounts[0].cap_rule, T("c"));
    COUNTS(base, outcome.amounts[0].requested.units, 1);
    COUNTS(base, outcome.amounts[0].granted.units, 1);
    COUNTS(base, outcome.amounts[0].owed.units, 1);
    COUNTS(base, outcome.amounts[0].dropped.units, 1);
    COUNTS(base, outcome.amounts[0].active_after.units, 1);
}

Test(effect, every_field_of_a_tier_change_counts)
{
    struct effect base = {.topic = TOPIC_TIERS, .tier_change = {.metric_count = 1}};
    COUNTS(base, tier_change.direction, TIER_CORRECTED);
    COUNTS(base, tier_change.reason, TIER_BY_RULEBOOK);
    COUNTS(base, tier_change.metric_value, 1);
    COUNTS(base, tier_change.effective_at.ms, 1);
    COUNTS(base, tier_change.valid_until.ms, 1);
    COUNTS(base, tier_change.journal_time.ms, 1);
    COUNTS(base, tier_change.rule_version, 1);
    COUNTS(base, tier_change.member, T("m"));
    COUNTS(base, tier_change.group, T("g"));
    COUNTS(base, tier_change.from, T("f"));
    COUNTS(base, tier_change.to, T("t"));
    COUNTS(base, tier_change.cause_source, T("s"));
    COUNTS(base, tier_change.cause_id, T("e"));
    COUNTS(base, tier_change.traceparent, T("t"));
    COUNTS(base, tier_change.actor, T("a"));
    COUNTS(base, tier_change.note, T("n"));
    COUNTS(base, tier_change.metric_count, 0);
    COUNTS(base, tier_change.metrics[0].metric, T("m"));
    COUNTS(base, tier_change.metrics[0].value, 1);
    COUNTS(base, tier_change.metrics[0].threshold, 1);
}

#define NOTICE_COUNTS(KIND, place, ...)                                                            \
    do {                                                                                           \
        struct effect base = {.topic = TOPIC_NOTICES, .notice = {.kind = NOTICE_##KIND}};          \
        COUNTS(base, notice.place, __VA_ARGS__);                                                   \
    } while (0)

Test(effect, every_field_of_a_notice_counts)
{
    NOTICE_COUNTS(EXPIRING_SOON, member, T("m"));
    NOTICE_COUNTS(EXPIRING_SOON, effective_at.ms, 1);
    NOTICE_COUNTS(EXPIRING_SOON, journal_time.ms, 1);
    NOTICE_COUNTS(EXPIRING_SOON, cause.source, T("s"));
    NOTICE_COUNTS(EXPIRING_SOON, cause.id, T("e"));
    NOTICE_COUNTS(EXPIRING_SOON, traceparent, T("t"));
    NOTICE_COUNTS(EXPIRING_SOON, expiring_soon.currency, T("c"));
    NOTICE_COUNTS(EXPIRING_SOON, expiring_soon.points.units, 1);
    NOTICE_COUNTS(EXPIRING_SOON, expiring_soon.expires_at.ms, 1);
    NOTICE_COUNTS(MISSION_COMPLETED, mission_completed.mission, T("m"));
    NOTICE_COUNTS(MISSION_COMPLETED, mission_completed.window_start.ms, 1);
    NOTICE_COUNTS(MISSION_COMPLETED, mission_completed.repetition, 1);
    NOTICE_COUNTS(MISSION_COMPLETED, mission_completed.rule_version, 1);
    NOTICE_COUNTS(BADGE_AWARDED, badge_awarded.badge, T("b"));
    NOTICE_COUNTS(BADGE_AWARDED, badge_awarded.rule_version, 1);
    NOTICE_COUNTS(TIER_AT_RISK, tier_at_risk.group, T("g"));
    NOTICE_COUNTS(TIER_AT_RISK, tier_at_risk.tier, T("t"));
    NOTICE_COUNTS(TIER_AT_RISK, tier_at_risk.review_at.ms, 1);
    NOTICE_COUNTS(TIER_AT_RISK, tier_at_risk.metric_count, 1);
    NOTICE_COUNTS(QUARANTINED, quarantined.currency, T("c"));
    NOTICE_COUNTS(QUARANTINED, quarantined.points.units, 1);
    NOTICE_COUNTS(QUARANTINED, quarantined.evidence.limit, T("l"));
    NOTICE_COUNTS(QUARANTINED, quarantined.undecided_until.ms, 1);
    static const struct event_ref seen[] = {{T("s"), T("e")}};
    NOTICE_COUNTS(LIMIT_FLAGGED, limit_flagged.evidence.limit, T("l"));
    NOTICE_COUNTS(LIMIT_FLAGGED, limit_flagged.evidence.value, 1);
    NOTICE_COUNTS(LIMIT_FLAGGED, limit_flagged.evidence.threshold, 1);
    NOTICE_COUNTS(LIMIT_FLAGGED, limit_flagged.evidence.window_start.ms, 1);
    NOTICE_COUNTS(LIMIT_FLAGGED, limit_flagged.evidence.window_end.ms, 1);
    NOTICE_COUNTS(LIMIT_FLAGGED, limit_flagged.evidence,
                  (struct evidence){.events = seen, .event_count = 1});
    static const uint64_t counted[] = {7};
    NOTICE_COUNTS(LIMIT_FLAGGED, limit_flagged.evidence,
                  (struct evidence){.ordinals = counted, .ordinal_count = 1});
    NOTICE_COUNTS(UNKNOWN_ORDER, unknown_order.order_id, T("o"));
    NOTICE_COUNTS(UNKNOWN_ORDER, unknown_order.refund_id, T("r"));
    NOTICE_COUNTS(REFUND_CLAMPED, refund_clamped.order_id, T("o"));
    NOTICE_COUNTS(REFUND_CLAMPED, refund_clamped.money, 978);
    NOTICE_COUNTS(REFUND_CLAMPED, refund_clamped.reported_minor, 1);
    NOTICE_COUNTS(REFUND_CLAMPED, refund_clamped.paid_minor, 1);
    NOTICE_COUNTS(APPROVAL_WANTED, approval_wanted.awaiting.source, T("s"));
    NOTICE_COUNTS(APPROVAL_WANTED, approval_wanted.awaiting.id, T("e"));
    NOTICE_COUNTS(APPROVAL_WANTED, approval_wanted.currency, T("c"));
    NOTICE_COUNTS(APPROVAL_WANTED, approval_wanted.points.units, 1);
    NOTICE_COUNTS(APPROVAL_WANTED, approval_wanted.actor, T("a"));
    NOTICE_COUNTS(APPROVAL_WANTED, approval_wanted.lapses_at.ms, 1);
    NOTICE_COUNTS(APPROVAL_LAPSED, approval_lapsed.awaiting.source, T("s"));
    NOTICE_COUNTS(APPROVAL_LAPSED, approval_lapsed.awaiting.id, T("e"));
    NOTICE_COUNTS(TIERS_REEVALUATED, tiers_reevaluated.rulebook, T("r"));
    NOTICE_COUNTS(TIERS_REEVALUATED, tiers_reevaluated.version, 1);
    NOTICE_COUNTS(HOLD_TIMED_OUT, hold_timed_out.hold_id, T("h"));
    NOTICE_COUNTS(HOLD_TIMED_OUT, hold_timed_out.currency, T("c"));
    NOTICE_COUNTS(HOLD_TIMED_OUT, hold_timed_out.points.units, 1);
}

/* Two texts in a row do not run into each other, and what is longer than counts is cut. */
Test(effect, texts_keep_their_borders)
{
    struct effect base = {.topic = TOPIC_OUTCOMES, .outcome = {.source = T("ab"), .id = T("c")}};
    struct effect moved = base;
    moved.outcome.source = T("a");
    moved.outcome.id = T("bc");
    expect_counts(&base, &moved, "the border of two texts");

    static uint8_t letters[2000], memory[2][EFFECT_CANONICAL_MAX];
    memset(letters, 'x', sizeof letters);
    base.outcome.detail = bytes_of(letters, 1024);
    moved = base;
    moved.outcome.detail = bytes_of(letters, sizeof letters);
    cr_expect(bytes_equal(canonical(&base, memory[0]), canonical(&moved, memory[1])));
}
