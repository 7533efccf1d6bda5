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
    size_t kinds[32] = {0}, directions[8] = {0};
    for (size_t i = 0; i < rig.log_count; i++) {
        if (rig.log[i].topic == TOPIC_POSTINGS) kinds[rig.log[i].posting.kind]++;
        if (rig.log[i].topic == TOPIC_TIERS) directions[rig.log[i].tier_change.direction]++;
    }
    static const enum posting_kind postings[] = {
        POSTING_GRANT, POSTING_REDEEM, POSTING_CLAW_BACK, POSTING_OWE,
        POSTING_REPAY, POSTING_EXPIRE, POSTING_ACTIVATE,  POSTING_CANCEL};
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

static void
run_in_batches(const struct stream *stream, struct rig *rig, size_t batch)
{
    for (size_t at = 0; at < stream->count; at += batch) {
        size_t to = at + batch < stream->count ? at + batch : stream->count;
        rig_checkpoint(rig);
        state_evict(rig->state, SIZE_MAX);
        cr_assert(state_reserve(rig->state, batch, &rig->fault));
        for (size_t i = at; i < to; i++) {
            rig->now_ms = stream->entries[i].append_ms;
            rig_load(rig, &stream->entries[i].entry);
        }
        for (size_t i = at; i < to; i++) {
            rig->now_ms = stream->entries[i].append_ms;
            cr_assert(rig_apply(rig, &stream->entries[i].entry), "entry %zu: %s", i,
                      rig->fault.text);
        }
    }
}

/* What was loaded for a batch is enough for the whole batch, whatever its entries do to each other
 * (fold_needs). */
Test(fold_random, needs_of_a_batch_hold_to_its_end, .timeout = 300)
{
    struct property random = property_start();
    for (uint64_t round = 0; round < 8; round++) {
        struct stream stream;
        struct rig rig;
        uint64_t seed = random.seed + 20 + round;
        stream_make(&stream, seed, 4000);
        struct end plain = run_plain(&stream);
        rig_open(&rig);
        run_in_batches(&stream, &rig, 64 << round % 4);
        struct end end = end_of(&rig);
        expect_equal(&plain, &end, "in batches", seed, 0);
        rig_close(&rig);
        stream_free(&stream);
    }
}

/* More ticks make the same ledger: an import that was killed and went on has others than one that
 * was not. */
Test(fold_random, the_digest_does_not_depend_on_ticks, .timeout = 300)
{
    struct property random = property_start();
    for (uint64_t round = 0; round < 3; round++) {
        struct stream stream;
        struct rig plain, ticked;
        stream_make(&stream, random.seed + 30 + round, 1500);
        rig_open(&plain);
        rig_open(&ticked);
        for (size_t i = 0; i < stream.count; i++) {
            int64_t before_ms = ticked.now_ms;
            stream_run(&stream, &plain, i, i + 1);
            if (i > 0 && stream.entries[i].append_ms > before_ms) {
                struct entry tick = {.kind = ENTRY_TICK};
                ticked.now_ms += (int64_t)property_below(
                    &random, (uint64_t)(stream.entries[i].append_ms - before_ms));
                cr_assert(rig_entry(&ticked, &tick));
            }
            stream_run(&stream, &ticked, i, i + 1);
        }
        rig_tick(&plain, "2031-01-01T00:00:00Z");
        rig_tick(&ticked, "2031-01-01T00:00:00Z");
        cr_assert(hash128_equal(rig_digest(&plain), rig_digest(&ticked)), "seed %llu",
                  (unsigned long long)random.seed + 30 + round);
        rig_close(&plain);
        rig_close(&ticked);
        stream_free(&stream);
    }
}

/* Hours that are over leave no rows of timers behind, and none comes back after a restart. */
Test(fold_random, timers_of_the_past_are_deleted)
{
    struct property random = property_start();
    struct stream stream;
    struct rig rig;
    stream_make(&stream, random.seed + 40, 1500);
    rig_open(&rig);
    size_t most = 0;
    for (size_t at = 0; at < stream.count; at += 50) {
        stream_run(&stream, &rig, at, at + 50 < stream.count ? at + 50 : stream.count);
        rig_checkpoint(&rig);
        if (at % 400 == 0) rig_restart(&rig);
        size_t rows = memory_store_count(&rig.store, ROW_TIMER);
        if (rows > most) most = rows;
    }
    cr_assert_gt(most, 10);
    rig_tick(&rig, "2040-01-01T00:00:00Z");
    rig_checkpoint(&rig);
    /* What is left is to come: anniversaries. */
    cr_assert_lt(memory_store_count(&rig.store, ROW_TIMER), most / 2, "%zu rows are left",
                 memory_store_count(&rig.store, ROW_TIMER));
    rig_close(&rig);
    stream_free(&stream);
}
