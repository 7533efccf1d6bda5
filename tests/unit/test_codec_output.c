#include "consumers/codec_output.h"

#include <stdio.h>

#include "tallybook/v1/output.pb-c.h"
#include "tests/unit/codec_fixture.h"

#define T(text) BYTES_LITERAL(text)

static const struct effect posting_effect = {
    .topic = TOPIC_POSTINGS,
    .sequence = 41,
    .cause = {9, 2},
    .posting =
        {
            .kind = POSTING_CLAW_BACK,
            .from = ACCOUNT_ACTIVE,
            .to = ACCOUNT_REVERSED,
            .member = T("m-1"),
            .currency = T("points"),
            .scale = 2,
            .amount = {700},
            .lot = {.ordinal = 300, .index = 1},
            .event_source = T("shop"),
            .event_id = T("e-9"),
            .rule = T("base"),
            .rule_version = 3,
            .order_id = T("o-7"),
            .occurred_at = {1600000000001},
            .journal_time = {1600000000002},
            .effective_at = {1600000000003},
            .active_after = {12},
            .arrears_after = {34},
            .lot_earned_at = {1500000000000},
            .lot_expires_at = {1700000000000},
        },
};

static const struct effect outcome_effect = {
    .topic = TOPIC_OUTCOMES,
    .sequence = 7,
    .cause = {123456, 78},
    .outcome =
        {
            .source = T("shop"),
            .id = T("e-9"),
            .member = T("m-1"),
            .correlation_id = T("c"),
            .event_kind = EVENT_REDEEM,
            .verdict = VERDICT_DUPLICATE,
            .first_verdict = VERDICT_INSUFFICIENT_POINTS,
            .ordinal = 55,
            .detail = T("told before"),
            .occurred_at = {1600000000001},
            .journal_time = {1600000000002},
            .amounts = {{.currency = T("points"), .requested = {9}, .granted = {0}},
                        {.currency = T("growth"), .requested = {-1}, .granted = {-2}}},
            .amount_count = 2,
        },
};

static const struct effect tier_effect = {
    .topic = TOPIC_TIERS,
    .sequence = 2,
    .tier_change =
        {
            .member = T("m-1"),
            .group = T("club"),
            .from = T("silver"),
            .to = T("gold"),
            .direction = TIER_UPGRADED,
            .reason = TIER_BY_EVENT,
            .cause_source = T("shop"),
            .cause_id = T("e-9"),
            .metric_value = 100050,
            .effective_at = {1600000000001},
            .valid_until = {1700000000000},
            .journal_time = {1600000000002},
            .rule_version = 3,
        },
};

static const struct effect notice_effect = {
    .topic = TOPIC_NOTICES,
    .sequence = 2,
    .notice =
        {
            .kind = NOTICE_EXPIRING_SOON,
            .member = T(KEY_GUEST_PREFIX "g-1"),
            .expiring_soon = {.currency = T("points"),
                              .points = {80},
                              .expires_at = {1700000000000}},
            .effective_at = {1600000000001},
            .journal_time = {1600000000002},
        },
};

static const struct explanation_part parts[] = {
    {.phase = EXPLANATION_BASE,
     .rule = T("base"),
     .rule_version = 3,
     .points = {1000},
     .exact = {1999, 100},
     .eligible_minor = 1999,
     .line_id = T("a")},
    {.phase = EXPLANATION_TIER, .rule = T("club"), .points = {-1}, .factor = {6, 5}},
    {.phase = EXPLANATION_ROUNDING, .exact = {0, 1}},
};

static const struct explanation explanation = {
    .money = 826,
    .tier_group = T("club"),
    .tier = T("gold"),
    .parts = parts,
    .part_count = 3,
    .requested = {1200},
    .granted = {1000},
    .cap_rule = T("monthly"),
};

/* Whatever a posting may carry, at once. */
static const struct effect full_posting_effect = {
    .topic = TOPIC_POSTINGS,
    .sequence = 42,
    .posting =
        {
            .kind = POSTING_EXTEND,
            .from = ACCOUNT_ACTIVE,
            .to = ACCOUNT_ACTIVE,
            .member = T(KEY_GUEST_PREFIX "g"),
            .currency = T("points"),
            .spend_id = T("x-1"),
            .hold_id = T("h-1"),
            .lot_activates_at = {1500000000001},
            .lot_expires_at = {1700000000001},
            .lot_expired_before = {1700000000000},
            .funder = T("acme"),
            .unit_cost = {1, 3},
            .cost_currency = 978,
            .reason = T("sorry"),
            .actor = T("desk-7"),
            .explanation = &explanation,
        },
};

static const struct effect full_outcome_effect = {
    .topic = TOPIC_OUTCOMES,
    .sequence = 8,
    .outcome = {.source = T("shop"),
                .id = T("e"),
                .event_kind = EVENT_REFUND,
                .verdict = VERDICT_ACCEPTED,
                .amounts = {{.currency = T("points"),
                             .requested = {9},
                             .granted = {4},
                             .cap_rule = T("monthly"),
                             .owed = {3},
                             .dropped = {2},
                             .active_after = {1}}},
                .amount_count = 1,
                .further = true,
                .waiting = true},
};

static const struct effect full_tier_effect = {
    .topic = TOPIC_TIERS,
    .sequence = 3,
    .tier_change = {.member = T("m-1"),
                    .group = T("club"),
                    .to = T("gold"),
                    .direction = TIER_CORRECTED,
                    .reason = TIER_BY_OVERRIDE,
                    .actor = T("desk-7"),
                    .note = T("for years of loyalty"),
                    .metrics = {{T("spent"), 100, 90}, {T("visits"), 3, 10}},
                    .metric_count = 2,
                    .valid_until = {INT64_MAX}},
};

static const struct event_ref seen[] = {{T("shop"), T("e-1")}, {T("shop"), T("e-2")}};
static const uint64_t counted[] = {300, 7};
#define EVIDENCE                                                                                   \
    {                                                                                              \
        .limit = T("orders-a-day"), .value = 11, .threshold = 10, .window_start = {1},             \
        .window_end = {2}, .events = seen, .event_count = 2, .ordinals = counted,                  \
        .ordinal_count = 2                                                                         \
    }

#define NOTICE(CODE, ...)                                                                          \
    {                                                                                              \
        .topic = TOPIC_NOTICES, .sequence = 3,                                                     \
        .notice = {.kind = NOTICE_##CODE,                                                          \
                   .member = T("m-1"),                                                             \
                   .cause = {T("shop"), T("e")},                                                   \
                   .effective_at = {5},                                                            \
                   .journal_time = {6},                                                            \
                   __VA_ARGS__},                                                                   \
    }

static const struct {
    struct effect effect;
    int kind_case;
    const char *json; /* of its kind */
} notices[] = {
    {NOTICE(EXPIRING_SOON, .expiring_soon = {T("points"), {80}, {7}}),
     TALLYBOOK__V1__NOTICE__KIND_EXPIRING_SOON,
     "\"expiringSoon\":{\"currency\":\"points\",\"points\":\"80\",\"expiresAtMs\":\"7\"}"},
    {NOTICE(MISSION_COMPLETED, .mission_completed = {T("ten"), {7}, 2, 3}),
     TALLYBOOK__V1__NOTICE__KIND_MISSION_COMPLETED,
     "\"missionCompleted\":{\"mission\":\"ten\",\"windowStartMs\":\"7\",\"repetition\":2,"
     "\"ruleVersion\":3}"},
    {NOTICE(BADGE_AWARDED, .badge_awarded = {T("bookworm"), 3}),
     TALLYBOOK__V1__NOTICE__KIND_BADGE_AWARDED,
     "\"badgeAwarded\":{\"badge\":\"bookworm\",\"ruleVersion\":3}"},
    {NOTICE(TIER_AT_RISK,
            .tier_at_risk = {T("club"), T("gold"), {7}, {{T("spent"), 8, 9}}, .metric_count = 1}),
     TALLYBOOK__V1__NOTICE__KIND_TIER_AT_RISK,
     "\"tierAtRisk\":{\"group\":\"club\",\"tier\":\"gold\",\"reviewAtMs\":\"7\",\"metrics\":[{"
     "\"metric\":\"spent\",\"value\":\"8\",\"threshold\":\"9\"}]}"},
    {NOTICE(QUARANTINED, .quarantined = {T("points"), {80}, EVIDENCE, {7}}),
     TALLYBOOK__V1__NOTICE__KIND_QUARANTINED,
     "\"quarantined\":{\"currency\":\"points\",\"points\":\"80\",\"evidence\":{\"limit\":"
     "\"orders-a-day\",\"value\":\"11\",\"threshold\":\"10\",\"windowStartMs\":\"1\","
     "\"windowEndMs\":\"2\",\"events\":[{\"source\":\"shop\",\"id\":\"e-1\"},{\"source\":\"shop\","
     "\"id\":\"e-2\"}],\"ordinals\":[\"300\",\"7\"]},\"undecidedUntilMs\":\"7\"}"},
    {NOTICE(LIMIT_FLAGGED, .limit_flagged = {EVIDENCE}), TALLYBOOK__V1__NOTICE__KIND_LIMIT_FLAGGED,
     "\"limitFlagged\":{\"evidence\":{\"limit\":\"orders-a-day\",\"value\":\"11\",\"threshold\":"
     "\"10\","
     "\"windowStartMs\":\"1\",\"windowEndMs\":\"2\",\"events\":[{\"source\":\"shop\",\"id\":\"e-"
     "1\"},{"
     "\"source\":\"shop\",\"id\":\"e-2\"}],\"ordinals\":[\"300\",\"7\"]}}"},
    {NOTICE(UNKNOWN_ORDER, .unknown_order = {T("o"), T("r")}),
     TALLYBOOK__V1__NOTICE__KIND_UNKNOWN_ORDER,
     "\"unknownOrder\":{\"orderId\":\"o\",\"refundId\":\"r\"}"},
    {NOTICE(REFUND_CLAMPED, .refund_clamped = {T("o"), 392, 9, 8}),
     TALLYBOOK__V1__NOTICE__KIND_REFUND_CLAMPED,
     "\"refundClamped\":{\"orderId\":\"o\",\"currency\":\"JPY\",\"reportedMinor\":\"9\","
     "\"paidMinor\":\"8\"}"},
    {NOTICE(APPROVAL_WANTED,
            .approval_wanted = {{T("crm"), T("a")}, T("points"), {-80}, T("desk-7"), {7}}),
     TALLYBOOK__V1__NOTICE__KIND_APPROVAL_WANTED,
     "\"approvalWanted\":{\"awaiting\":{\"source\":\"crm\",\"id\":\"a\"},\"currency\":\"points\","
     "\"points\":\"-80\",\"actor\":\"desk-7\",\"lapsesAtMs\":\"7\"}"},
    {NOTICE(APPROVAL_LAPSED, .approval_lapsed = {{T("crm"), T("a")}}),
     TALLYBOOK__V1__NOTICE__KIND_APPROVAL_LAPSED,
     "\"approvalLapsed\":{\"awaiting\":{\"source\":\"crm\",\"id\":\"a\"}}"},
    {NOTICE(TIERS_REEVALUATED, .tiers_reevaluated = {T("shop"), 4}),
     TALLYBOOK__V1__NOTICE__KIND_TIERS_REEVALUATED,
     "\"tiersReevaluated\":{\"rulebook\":\"shop\",\"version\":4}"},
    {NOTICE(HOLD_TIMED_OUT, .hold_timed_out = {T("h"), T("points"), {80}}),
     TALLYBOOK__V1__NOTICE__KIND_HOLD_TIMED_OUT,
     "\"holdTimedOut\":{\"holdId\":\"h\",\"currency\":\"points\",\"points\":\"80\"}"},
};

static struct bytes
encoded(const struct effect *effect)
{
    static uint8_t memory[CODEC_OUTPUT_BYTES_MAX];
    struct writer out = writer_of(memory, sizeof memory);
    cr_assert(codec_output_encoder()->encode_one(effect->topic, 5, effect, false, &out));
    return writer_span(&out);
}

/* The reference reads every field as it was meant, and would write the same bytes. */
#define REFERENCE(type, effect, out)                                                               \
    do {                                                                                           \
        struct bytes bytes = encoded(effect);                                                      \
        uint8_t packed[CODEC_OUTPUT_BYTES_MAX];                                                    \
        (out) = tallybook__v1__##type##__unpack(NULL, bytes.size, bytes.data);                     \
        cr_assert_not_null(out);                                                                   \
        cr_assert_eq(tallybook__v1__##type##__get_packed_size(out), bytes.size);                   \
        tallybook__v1__##type##__pack(out, packed);                                                \
        cr_expect_arr_eq(packed, bytes.data, bytes.size);                                          \
    } while (0)

Test(codec_output, a_posting_is_read_by_the_reference)
{
    Tallybook__V1__Posting *posting;
    REFERENCE(posting, &posting_effect, posting);
    cr_expect_str_eq(posting->member, "m-1");
    cr_expect_str_eq(posting->guest, "");
    cr_expect_eq(posting->kind, TALLYBOOK__V1__POSTING__KIND__CLAW_BACK);
    cr_expect_eq(posting->from, TALLYBOOK__V1__ACCOUNT__ACCOUNT_ACTIVE);
    cr_expect_eq(posting->to, TALLYBOOK__V1__ACCOUNT__ACCOUNT_REVERSED);
    cr_expect_str_eq(posting->currency, "points");
    cr_expect(posting->points == 700 && posting->active_after == 12 && posting->scale == 2 &&
              posting->arrears_after == 34);
    cr_assert_not_null(posting->lot);
    cr_expect(posting->lot->partition == 5 && posting->lot->ordinal == 300 &&
              posting->lot->index == 1 && posting->lot->journal_id.len == 0);
    cr_expect_str_eq(posting->event->source, "shop");
    cr_expect_str_eq(posting->event->id, "e-9");
    cr_expect_str_eq(posting->rule, "base");
    cr_expect_eq(posting->rule_version, 3);
    cr_expect_str_eq(posting->order_id, "o-7");
    cr_expect(posting->occurred_at_ms == 1600000000001 &&
              posting->journal_time_ms == 1600000000002 &&
              posting->effective_at_ms == 1600000000003);
    cr_expect(posting->lot_earned_at_ms == 1500000000000 &&
              posting->lot_expires_at_ms == 1700000000000);
    tallybook__v1__posting__free_unpacked(posting, NULL);

    struct effect due = posting_effect;
    due.posting.event_source = due.posting.event_id = (struct bytes){NULL, 0};
    due.posting.lot.ordinal = 0;
    due.posting.lot_expires_at.ms = INT64_MAX;
    REFERENCE(posting, &due, posting);
    cr_expect_null(posting->event, "what time did names no event");
    cr_expect_null(posting->lot);
    cr_expect_eq(posting->lot_expires_at_ms, 0, "never is left out");
    tallybook__v1__posting__free_unpacked(posting, NULL);
}

Test(codec_output, an_outcome_is_read_by_the_reference)
{
    Tallybook__V1__Outcome *outcome;
    REFERENCE(outcome, &outcome_effect, outcome);
    cr_expect_str_eq(outcome->event->source, "shop");
    cr_expect_str_eq(outcome->event->id, "e-9");
    cr_expect_str_eq(outcome->member, "m-1");
    cr_expect_eq(outcome->verdict, VERDICT_DUPLICATE);
    cr_expect_str_eq(outcome->verdict_name, "duplicate");
    cr_expect_eq(outcome->first_verdict, VERDICT_INSUFFICIENT_POINTS);
    cr_expect_str_eq(outcome->first_verdict_name, "insufficient_points");
    cr_expect_str_eq(outcome->correlation_id, "c");
    cr_expect_str_eq(outcome->detail, "told before");
    cr_expect_str_eq(outcome->kind, "redeem");
    cr_expect(outcome->partition == 5 && outcome->ordinal == 55 &&
              outcome->position->offset == 123456 && outcome->position->index == 78);
    cr_expect(outcome->occurred_at_ms == 1600000000001 &&
              outcome->journal_time_ms == 1600000000002);
    cr_assert_eq(outcome->n_amounts, 2);
    cr_expect_str_eq(outcome->amounts[1]->currency, "growth");
    cr_expect(outcome->amounts[0]->requested == 9 && outcome->amounts[0]->granted == 0);
    cr_expect(outcome->amounts[1]->requested == -1 && outcome->amounts[1]->granted == -2);
    tallybook__v1__outcome__free_unpacked(outcome, NULL);

    struct effect hole = {.topic = TOPIC_OUTCOMES, .outcome = {.verdict = VERDICT_HOLE}};
    REFERENCE(outcome, &hole, outcome);
    cr_expect_null(outcome->event);
    cr_expect_str_eq(outcome->kind, "");
    cr_expect_str_eq(outcome->first_verdict_name, "");
    tallybook__v1__outcome__free_unpacked(outcome, NULL);
}

Test(codec_output, tiers_and_notices_are_read_by_the_reference)
{
    Tallybook__V1__TierChange *change;
    REFERENCE(tier_change, &tier_effect, change);
    cr_expect_str_eq(change->member, "m-1");
    cr_expect_str_eq(change->group, "club");
    cr_expect_str_eq(change->from, "silver");
    cr_expect_str_eq(change->to, "gold");
    cr_expect_eq(change->direction, TALLYBOOK__V1__TIER_CHANGE__DIRECTION__UPGRADED);
    cr_expect_eq(change->reason, TALLYBOOK__V1__TIER_CHANGE__REASON__EVENT);
    cr_expect_str_eq(change->cause->id, "e-9");
    cr_expect(change->metric_value == 100050 && change->effective_at_ms == 1600000000001 &&
              change->valid_until_ms == 1700000000000 && change->journal_time_ms == 1600000000002 &&
              change->rule_version == 3);
    tallybook__v1__tier_change__free_unpacked(change, NULL);

    struct effect review = tier_effect;
    review.tier_change.cause_source = review.tier_change.cause_id = (struct bytes){NULL, 0};
    review.tier_change.reason = TIER_BY_REVIEW;
    review.tier_change.member = T(KEY_GUEST_PREFIX "g");
    review.tier_change.valid_until.ms = INT64_MAX;
    REFERENCE(tier_change, &review, change);
    cr_expect_null(change->cause);
    cr_expect_eq(change->reason, TALLYBOOK__V1__TIER_CHANGE__REASON__REVIEW);
    cr_expect_str_eq(change->guest, "g");
    cr_expect_eq(change->valid_until_ms, 0);
    tallybook__v1__tier_change__free_unpacked(change, NULL);

    Tallybook__V1__Notice *notice;
    REFERENCE(notice, &notice_effect, notice);
    cr_expect_str_eq(notice->member, "");
    cr_expect_str_eq(notice->guest, "g-1");
    cr_expect(notice->effective_at_ms == 1600000000001 && notice->journal_time_ms == 1600000000002);
    cr_assert_eq(notice->kind_case, TALLYBOOK__V1__NOTICE__KIND_EXPIRING_SOON);
    cr_expect_str_eq(notice->expiring_soon->currency, "points");
    cr_expect(notice->expiring_soon->points == 80 &&
              notice->expiring_soon->expires_at_ms == 1700000000000);
    tallybook__v1__notice__free_unpacked(notice, NULL);
}

Test(codec_output, all_that_a_posting_may_carry)
{
    Tallybook__V1__Posting *posting;
    REFERENCE(posting, &full_posting_effect, posting);
    cr_expect_str_eq(posting->guest, "g");
    cr_expect(posting->kind == TALLYBOOK__V1__POSTING__KIND__EXTEND && posting->points == 0);
    cr_expect_str_eq(posting->spend_id, "x-1");
    cr_expect_str_eq(posting->hold_id, "h-1");
    cr_expect(posting->lot_activates_at_ms == 1500000000001 &&
              posting->lot_expires_at_ms == 1700000000001 &&
              posting->lot_expired_before_ms == 1700000000000);
    cr_expect_str_eq(posting->funder, "acme");
    cr_expect(posting->unit_cost_minor->numerator == 1 &&
              posting->unit_cost_minor->denominator == 3);
    cr_expect_str_eq(posting->cost_currency, "EUR");
    cr_expect_str_eq(posting->reason, "sorry");
    cr_expect_str_eq(posting->actor, "desk-7");
    const Tallybook__V1__Explanation *told = posting->explanation;
    cr_assert_not_null(told);
    cr_expect_str_eq(told->currency, "GBP");
    cr_expect_str_eq(told->tier_group, "club");
    cr_expect_str_eq(told->tier, "gold");
    cr_expect_str_eq(told->cap_rule, "monthly");
    cr_expect(told->requested == 1200 && told->granted == 1000);
    cr_assert_eq(told->n_parts, 3);
    cr_expect(told->parts[0]->phase == TALLYBOOK__V1__EXPLANATION__PHASE__BASE &&
              told->parts[0]->points == 1000 && told->parts[0]->eligible_minor == 1999 &&
              told->parts[0]->rule_version == 3 && told->parts[0]->exact->numerator == 1999 &&
              told->parts[0]->exact->denominator == 100 && told->parts[0]->factor == NULL);
    cr_expect_str_eq(told->parts[0]->rule, "base");
    cr_expect_str_eq(told->parts[0]->line_id, "a");
    cr_expect(told->parts[1]->factor->numerator == 6 && told->parts[1]->points == -1 &&
              told->parts[1]->exact == NULL);
    tallybook__v1__posting__free_unpacked(posting, NULL);

    struct effect later = full_posting_effect;
    later.posting.lot_activates_at.ms = INT64_MAX;
    REFERENCE(posting, &later, posting);
    cr_expect_eq(posting->lot_activates_at_ms, 0, "an instant that is not known is left out");
    tallybook__v1__posting__free_unpacked(posting, NULL);
}

Test(codec_output, all_that_an_outcome_and_a_tier_may_carry)
{
    Tallybook__V1__Outcome *outcome;
    REFERENCE(outcome, &full_outcome_effect, outcome);
    cr_expect(outcome->further && outcome->waiting);
    const Tallybook__V1__OutcomeAmount *amount = outcome->amounts[0];
    cr_expect_str_eq(amount->cap_rule, "monthly");
    cr_expect(amount->owed == 3 && amount->dropped == 2 && amount->active_after == 1);
    tallybook__v1__outcome__free_unpacked(outcome, NULL);

    Tallybook__V1__TierChange *change;
    REFERENCE(tier_change, &full_tier_effect, change);
    cr_expect_eq(change->direction, TALLYBOOK__V1__TIER_CHANGE__DIRECTION__CORRECTED);
    cr_expect_eq(change->reason, TALLYBOOK__V1__TIER_CHANGE__REASON__OVERRIDE);
    cr_expect_str_eq(change->actor, "desk-7");
    cr_expect_str_eq(change->note, "for years of loyalty");
    cr_assert_eq(change->n_metrics, 2);
    cr_expect_str_eq(change->metrics[1]->metric, "visits");
    cr_expect(change->metrics[1]->value == 3 && change->metrics[1]->threshold == 10);
    tallybook__v1__tier_change__free_unpacked(change, NULL);
}

Test(codec_output, every_notice_is_read_by_the_reference)
{
    for (size_t i = 0; i < sizeof notices / sizeof *notices; i++) {
        Tallybook__V1__Notice *notice;
        cr_assert_eq(notices[i].effect.notice.kind, i + NOTICE_EXPIRING_SOON,
                     "no kind is left out");
        REFERENCE(notice, &notices[i].effect, notice);
        cr_expect_eq((int)notice->kind_case, notices[i].kind_case);
        cr_expect_str_eq(notice->cause->id, "e");
        tallybook__v1__notice__free_unpacked(notice, NULL);

        char text[4096], expected[4096];
        struct writer out = writer_of(text, sizeof text - 1);
        cr_assert(
            codec_output_encoder()->encode_one(TOPIC_NOTICES, 5, &notices[i].effect, true, &out));
        text[out.size] = '\0';
        (void)snprintf(expected, sizeof expected,
                       "{\"member\":\"m-1\",\"effectiveAtMs\":\"5\",\"journalTimeMs\":\"6\","
                       "\"cause\":{\"source\":\"shop\",\"id\":\"e\"},%s}",
                       notices[i].json);
        cr_expect_str_eq(text, expected);
    }
}

/* The longest that a posting can be fits, in both forms. */
Test(codec_output, the_longest_posting_fits)
{
    static uint8_t name[EVENT_ID_BYTES_MAX], text[CODEC_TEXT_BYTES_MAX];
    memset(name, 'n', sizeof name);
    memset(text, 't', sizeof text);
    struct bytes long_name = bytes_of(name, sizeof name), long_text = bytes_of(text, sizeof text);
    struct explanation_part many[EXPLANATION_PARTS_MAX];
    for (size_t i = 0; i < EXPLANATION_PARTS_MAX; i++) {
        many[i] = (struct explanation_part){.phase = EXPLANATION_AWARD,
                                            .rule = long_name,
                                            .rule_version = UINT32_MAX,
                                            .points = {-INT64_MAX},
                                            .exact = {-INT64_MAX, INT64_MAX},
                                            .factor = {INT64_MAX, INT64_MAX},
                                            .eligible_minor = INT64_MAX,
                                            .line_id = long_name};
    }
    struct explanation longest = {.money = 826,
                                  .tier_group = long_name,
                                  .tier = long_name,
                                  .parts = many,
                                  .part_count = EXPLANATION_PARTS_MAX,
                                  .requested = {INT64_MAX},
                                  .granted = {INT64_MAX},
                                  .cap_rule = long_name};
    struct effect effect = full_posting_effect;
    struct posting *posting = &effect.posting;
    posting->member = posting->currency = posting->event_source = posting->event_id = long_name;
    posting->rule = posting->order_id = posting->spend_id = posting->hold_id = long_name;
    posting->funder = posting->actor = long_name;
    posting->reason = long_text;
    posting->explanation = &longest;
    cr_expect_gt(encoded(&effect).size, CODEC_OUTPUT_BYTES_MAX / 2);
    static uint8_t json[4 * CODEC_OUTPUT_BYTES_MAX], canonical[EFFECT_CANONICAL_MAX];
    struct writer out = writer_of(json, sizeof json);
    cr_expect(codec_output_encoder()->encode_one(TOPIC_POSTINGS, 5, &effect, true, &out));
    struct writer bytes = writer_of(canonical, sizeof canonical);
    effect_canonical(&effect, &bytes);
    cr_expect_gt(bytes.size, 64 * 2 * EVENT_ID_BYTES_MAX);
}

Test(codec_output, packs_what_is_of_the_topic)
{
    struct effect effects[] = {posting_effect, outcome_effect, posting_effect, tier_effect,
                               posting_effect};
    effects[2].sequence = 42;
    effects[2].posting.amount.units = 701;
    effects[4].sequence = 43;
    effects[4].posting.amount.units = 702;
    uint8_t memory[4096];
    struct writer out = writer_of(memory, sizeof memory);
    writer_u8(&out, 'x');
    cr_assert(codec_output_encoder()->encode_pack(TOPIC_POSTINGS, 5, effects, 5, &out));
    struct bytes pack = bytes_of(memory + 1, out.size - 1);

    Tallybook__V1__PostingPack *reference =
        tallybook__v1__posting_pack__unpack(NULL, pack.size, pack.data);
    cr_assert_not_null(reference);
    cr_assert_eq(reference->n_postings, 3);
    cr_expect_eq(reference->first_sequence, 41);
    for (size_t i = 0; i < 3; i++) {
        cr_expect_eq(reference->postings[i]->points, 700 + (int64_t)i);
    }
    tallybook__v1__posting_pack__free_unpacked(reference, NULL);

    uint64_t first;
    struct codec_output_walk walk;
    struct bytes message;
    cr_assert(codec_output_open(pack, &first, &walk));
    cr_expect_eq(first, 41);
    size_t count = 0;
    for (; codec_output_next(&walk, &message); count++) {
        cr_expect(bytes_equal(message, encoded(&effects[2 * count])));
    }
    cr_expect(count == 3 && !walk.damaged);

    cr_assert(codec_output_open(bytes_of(pack.data, pack.size - 1), &first, &walk));
    while (codec_output_next(&walk, &message)) {
    }
    cr_expect(walk.damaged, "a pack that breaks off");
    cr_expect_not(codec_output_open(encoded(&posting_effect), &first, &walk), "no pack");

    for (size_t room = 0; room < pack.size; room++) {
        struct writer small = writer_of(memory, room);
        cr_expect_not(codec_output_encoder()->encode_pack(TOPIC_POSTINGS, 5, effects, 5, &small));
        cr_expect(small.size == 0 && !small.overflow, "the writer is as it was");
    }
}

Test(codec_output, writes_json_and_reads_it_again)
{
    const struct {
        const struct effect *effect;
        const ProtobufCMessageDescriptor *descriptor;
        const char *json;
    } rows[] = {
        {&posting_effect, &tallybook__v1__posting__descriptor,
         "{\"member\":\"m-1\",\"kind\":\"CLAW_BACK\",\"from\":\"ACCOUNT_ACTIVE\","
         "\"to\":\"ACCOUNT_REVERSED\",\"currency\":\"points\",\"points\":\"700\","
         "\"activeAfter\":\"12\",\"lot\":{\"partition\":5,\"ordinal\":\"300\",\"index\":1},"
         "\"event\":{\"source\":\"shop\",\"id\":\"e-9\"},\"rule\":\"base\",\"ruleVersion\":3,"
         "\"occurredAtMs\":\"1600000000001\",\"journalTimeMs\":\"1600000000002\","
         "\"effectiveAtMs\":\"1600000000003\",\"orderId\":\"o-7\","
         "\"lotEarnedAtMs\":\"1500000000000\",\"lotExpiresAtMs\":\"1700000000000\",\"scale\":2,"
         "\"arrearsAfter\":\"34\"}"},
        {&notice_effect, &tallybook__v1__notice__descriptor,
         "{\"guest\":\"g-1\",\"effectiveAtMs\":\"1600000000001\","
         "\"journalTimeMs\":\"1600000000002\",\"expiringSoon\":{\"currency\":\"points\","
         "\"points\":\"80\",\"expiresAtMs\":\"1700000000000\"}}"},
        {&tier_effect, &tallybook__v1__tier_change__descriptor, NULL},
        {&outcome_effect, &tallybook__v1__outcome__descriptor, NULL},
        {&full_posting_effect, &tallybook__v1__posting__descriptor, NULL},
        {&full_outcome_effect, &tallybook__v1__outcome__descriptor, NULL},
        {&full_tier_effect, &tallybook__v1__tier_change__descriptor, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct effect *effect = rows[i].effect;
        static char text[4 * CODEC_OUTPUT_BYTES_MAX];
        struct writer out = writer_of(text, sizeof text - 1);
        cr_assert(codec_output_encoder()->encode_one(effect->topic, 5, effect, true, &out));
        text[out.size] = '\0';
        if (rows[i].json != NULL) cr_expect_str_eq(text, rows[i].json);

        struct arena *arena = fixture_arena();
        struct codec_error error;
        const struct json_node *root;
        struct bytes message;
        cr_assert_eq(codec_json_parse(bytes_from_cstr(text), arena, &root, &error), CODEC_OK);
        cr_assert_eq(codec_json_to_message(root, rows[i].descriptor, arena, &message, &error),
                     CODEC_OK, "%s", error.text);
        cr_expect(bytes_equal(message, encoded(effect)), "%s", text);

        for (size_t room = 0; room < out.size; room += 7) {
            struct writer small = writer_of(text, room);
            cr_expect_not(
                codec_output_encoder()->encode_one(effect->topic, 5, effect, true, &small));
            cr_expect(small.size == 0 && !small.overflow);
        }
    }
}
