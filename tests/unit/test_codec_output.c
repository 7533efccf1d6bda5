#include "consumers/codec_output.h"

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
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct effect *effect = rows[i].effect;
        char text[4096];
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
