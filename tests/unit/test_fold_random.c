/* What is warm, where checkpoints fall, how due work is sliced: none of it may change what the fold
 * says (quality Q2, Q3). */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/fold_rig.h"
#include "tests/unit/fold_stream.h"
#include "tests/unit/property.h"

/* All that must be equal. */
struct end {
    struct hash128 digest;
    uint64_t chain, next_ordinal, members;
    struct output_mark outputs[TOPIC_COUNT];
};

static struct end
end_of(struct rig *rig)
{
    struct state_info info;
    struct end end = {0};
    state_info(rig->state, &info);
    end.digest = info.digest;
    end.chain = info.chain;
    end.next_ordinal = info.next_ordinal;
    end.members = info.members;
    memcpy(end.outputs, info.outputs, sizeof end.outputs);
    return end;
}

static struct end
run_plain(const struct stream *stream)
{
    struct rig rig;
    rig_open(&rig);
    stream_run(stream, &rig, 0, stream->count);
    struct end end = end_of(&rig);
    rig_checkpoint(&rig);
    rig_verify(&rig);
    rig_close(&rig);
    return end;
}

static void
expect_equal(const struct end *a, const struct end *b, const char *what, uint64_t seed, size_t at)
{
    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        cr_assert_eq(a->outputs[topic].next_sequence, b->outputs[topic].next_sequence,
                     "%s, seed %llu at %zu: %s", what, (unsigned long long)seed, at,
                     topic_name((enum topic)topic));
        cr_assert_eq(a->outputs[topic].hash, b->outputs[topic].hash, "%s, seed %llu at %zu: %s",
                     what, (unsigned long long)seed, at, topic_name((enum topic)topic));
    }
    cr_assert_eq(a->chain, b->chain, "%s, seed %llu at %zu: chain", what, (unsigned long long)seed,
                 at);
    cr_assert(hash128_equal(a->digest, b->digest), "%s, seed %llu at %zu: digest", what,
              (unsigned long long)seed, at);
    cr_assert_eq(a->next_ordinal, b->next_ordinal);
    cr_assert_eq(a->members, b->members);
}

/* The stream reaches what it is meant to reach: else the other tests here prove little. */
Test(fold_random, the_stream_is_lively)
{
    struct property random = property_start();
    struct stream stream;
    struct rig rig;
    struct state_info info;
    stream_make(&stream, random.seed, 4000);
    rig_open(&rig);
    stream_run(&stream, &rig, 0, stream.count);
    state_info(rig.state, &info);
    static const enum verdict verdicts[] = {
        VERDICT_ACCEPTED,
        VERDICT_DUPLICATE,
        VERDICT_CONFLICTING_DUPLICATE,
        VERDICT_OCCURRED_IN_FUTURE,
        VERDICT_TOO_OLD,
        VERDICT_ALREADY_ENROLLED,
        VERDICT_ORDER_EXISTS,
        VERDICT_UNKNOWN_ORDER,
        VERDICT_ID_IN_USE,
        VERDICT_CONFLICTING_REFUND,
        VERDICT_ORDER_CANCELLED,
        VERDICT_GUEST_CANNOT_SPEND,
        VERDICT_INSUFFICIENT_POINTS,
        VERDICT_ARREARS_OPEN,
    };
    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++) {
        cr_expect(info.verdicts[verdicts[i]] > 0, "%s was never reached",
                  verdict_find(verdicts[i])->name);
    }
    size_t kinds[16] = {0}, directions[4] = {0};
    for (size_t i = 0; i < rig.log_count; i++) {
        if (rig.log[i].topic == TOPIC_POSTINGS) kinds[rig.log[i].posting.kind]++;
        if (rig.log[i].topic == TOPIC_TIERS) directions[rig.log[i].tier_change.direction]++;
    }
    static const enum posting_kind postings[] = {POSTING_GRANT, POSTING_REDEEM, POSTING_CLAW_BACK,
                                                 POSTING_OWE,   POSTING_REPAY,  POSTING_EXPIRE};
    for (size_t i = 0; i < sizeof postings / sizeof postings[0]; i++)
        cr_expect(kinds[postings[i]] > 0, "posting %d", postings[i]);
    for (int i = TIER_UPGRADED; i <= TIER_RENEWED; i++)
        cr_expect(directions[i] > 0, "tier direction %d", i);
    cr_expect(rig_effect_count(&rig, TOPIC_NOTICES) > 10);
    rig_close(&rig);
    stream_free(&stream);
}

Test(fold_random, restarts_at_every_position_change_nothing, .timeout = 300)
{
    struct property random = property_start();
    struct stream stream;
    stream_make(&stream, random.seed, 300);
    struct end plain = run_plain(&stream);
    for (size_t at = 0; at <= stream.count; at++) {
        struct rig rig;
        rig_open(&rig);
        stream_run(&stream, &rig, 0, at);
        struct end before = end_of(&rig);
        rig_checkpoint(&rig);
        rig_restart(&rig);
        struct end after = end_of(&rig);
        expect_equal(&before, &after, "restored", random.seed, at);
        rig_verify(&rig);
        stream_run(&stream, &rig, at, stream.count);
        struct end end = end_of(&rig);
        expect_equal(&plain, &end, "restarted", random.seed, at);
        rig_close(&rig);
    }
    stream_free(&stream);
}

/* A checkpoint is begun, the fold goes on, then the process dies with that checkpoint in the store.
 */
Test(fold_random, a_checkpoint_is_what_was_at_its_beginning, .timeout = 300)
{
    struct property random = property_start();
    struct stream stream;
    stream_make(&stream, random.seed + 1, 260);
    struct end plain = run_plain(&stream);
    for (size_t at = 5; at < stream.count; at += 3) {
        struct rig rig;
        rig_open(&rig);
        stream_run(&stream, &rig, 0, at / 2);
        rig_checkpoint(&rig);
        stream_run(&stream, &rig, at / 2, at);
        state_checkpoint_begin(rig.state);
        memory_store_take(&rig.store, rig.state);
        struct memory_store taken = memory_store_copy(&rig.store);
        size_t on = at + 9 < stream.count ? at + 9 : stream.count;
        /* The rows are in the store already here: a range that is asked for between begin and end
         * may see them. */
        stream_run(&stream, &rig, at, on);
        state_checkpoint_end(rig.state);
        state_evict(rig.state, SIZE_MAX);
        rig_checkpoint(&rig);
        rig_verify(&rig);
        memory_store_fini(&rig.store);
        rig.store = taken;
        rig_restart(&rig);
        stream_run(&stream, &rig, at, stream.count);
        struct end end = end_of(&rig);
        expect_equal(&plain, &end, "died while a checkpoint was taken", random.seed + 1, at);
        rig_close(&rig);
    }
    stream_free(&stream);
}

Test(fold_random, cold_members_and_slices_change_nothing, .timeout = 300)
{
    struct property random = property_start();
    for (uint64_t round = 0; round < 3; round++) {
        struct stream stream;
        stream_make(&stream, random.seed + 10 + round, 2500);
        struct end plain = run_plain(&stream);
        struct rig rig;
        rig_open(&rig);
        rig.cold = true;
        rig.slice = 1;
        stream_run(&stream, &rig, 0, stream.count);
        struct end cold = end_of(&rig);
        expect_equal(&plain, &cold, "always cold", random.seed + 10 + round, 0);
        rig_checkpoint(&rig);
        rig_verify(&rig);
        rig_close(&rig);

        rig_open(&rig);
        struct property dice = {random.seed + round, random.seed + round};
        for (size_t at = 0; at < stream.count;) {
            size_t to = at + 1 + property_below(&dice, 60);
            if (to > stream.count) to = stream.count;
            rig.slice = 1 + (uint32_t)property_below(&dice, 50);
            stream_run(&stream, &rig, at, to);
            at = to;
            if (property_below(&dice, 2) == 0) rig_checkpoint(&rig);
            if (property_below(&dice, 2) == 0) state_evict(rig.state, property_below(&dice, 20000));
            if (property_below(&dice, 4) == 0) {
                rig_checkpoint(&rig);
                rig_restart(&rig);
            }
        }
        struct end mixed = end_of(&rig);
        expect_equal(&plain, &mixed, "mixed", random.seed + 10 + round, 0);
        rig_close(&rig);
        stream_free(&stream);
    }
}
