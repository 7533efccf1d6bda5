/* Two shards in threads of their own, and a third thread that asks both. Under the thread sanitizer
 * this is what looks at the ring and at all that shards share: journal, outputs, RocksDB. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>

#include "tests/unit/shard_rig.h"

enum { PARTITIONS = 4, SHARDS = 2, ORDERS = 300 };

static struct shard_rig rig;

struct runner {
    struct shard *shard;
    pthread_t thread;
    atomic_bool stop;
    bool settled;
};

static void *
run(void *argument)
{
    struct runner *runner = argument;
    while (!atomic_load(&runner->stop))
        shard_run_once(runner->shard, shard_rig_now_ms(), 2);
    runner->settled = shard_settle(runner->shard, 10000);
    shard_end_calls(runner->shard);
    return NULL;
}

struct question {
    uint32_t partition;
    struct partition_status status;
    uint64_t asked; /* written by the shard's thread, read by the caller's */
};

static void
answer(struct shard *shard, void *context)
{
    struct question *question = context;
    partition_status(shard_partition(shard, question->partition), &question->status);
    question->asked++;
}

Test(shard_call, two_shards_answer_while_they_fold)
{
    static struct runner runners[SHARDS];
    shard_rig_open(&rig, PARTITIONS, false);
    for (uint32_t i = 0; i < SHARDS; i++) {
        struct shard_options options = shard_rig_options(&rig, "a");
        uint32_t partitions[] = {i, i + SHARDS};
        options.checkpoint_records = 50;
        options.tick_ms = 20;
        cr_assert(shard_open(&options, partitions, 2, &runners[i].shard, &rig.fault), "%s",
                  rig.fault.text);
        cr_assert_eq(pthread_create(&runners[i].thread, NULL, run, &runners[i]), 0);
    }
    struct question question = {0};
    uint64_t calls = 0;
    for (int i = 0; i < ORDERS; i++) {
        char member[16];
        snprintf(member, sizeof member, "m%d", i);
        shard_rig_buy(&rig, member, 1000);
        question.partition = (uint32_t)i % PARTITIONS;
        cr_assert(shard_call(runners[question.partition % SHARDS].shard, answer, &question));
        cr_assert_eq(question.asked, ++calls);
        cr_assert_neq(question.status.phase, PARTITION_STOPPED, "%s", question.status.fault.text);
    }
    for (uint64_t identities = 0; identities < ORDERS;) {
        identities = 0;
        for (uint32_t i = 0; i < PARTITIONS; i++) {
            question.partition = i;
            cr_assert(shard_call(runners[i % SHARDS].shard, answer, &question));
            identities += question.status.info.identities;
        }
    }
    uint64_t outcomes = 0;
    for (uint32_t i = 0; i < SHARDS; i++) {
        atomic_store(&runners[i].stop, true);
        pthread_join(runners[i].thread, NULL);
        cr_expect(runners[i].settled);
        cr_expect_not(shard_call(runners[i].shard, answer, &question), "the loop has ended");
        shard_close(runners[i].shard);
    }
    for (uint32_t i = 0; i < PARTITIONS; i++)
        outcomes += shard_rig_output(&rig, i, TOPIC_OUTCOMES).effects;
    cr_expect_eq(outcomes, ORDERS);
    shard_rig_close(&rig);
}

/* Every partition has stopped: the shard still answers, and sleeps in between. */
Test(shard_call, a_shard_that_has_stopped_still_answers)
{
    static struct runner runner;
    shard_rig_open(&rig, 1, false);
    struct shard_options options = shard_rig_options(&rig, "a");
    runner.shard = shard_rig_start(&rig, &options);
    shard_rig_run(runner.shard);
    shard_rig_claim(&rig, 0, shard_rig_status(runner.shard, 0).info.claim);
    shard_rig_run_to(runner.shard, 0, PARTITION_STOPPED);
    cr_assert_eq(pthread_create(&runner.thread, NULL, run, &runner), 0);
    struct question question = {0};
    for (int i = 0; i < 20; i++) {
        cr_assert(shard_call(runner.shard, answer, &question));
        cr_expect_eq(question.status.phase, PARTITION_STOPPED);
    }
    atomic_store(&runner.stop, true);
    pthread_join(runner.thread, NULL);
    shard_close(runner.shard);
    shard_rig_close(&rig);
}

/* Callers that come while the loop ends get an answer or a no, never neither. */
Test(shard_call, a_call_at_the_end_returns)
{
    static struct runner runner;
    shard_rig_open(&rig, 1, false);
    struct shard_options options = shard_rig_options(&rig, "a");
    runner.shard = shard_rig_start(&rig, &options);
    cr_assert_eq(pthread_create(&runner.thread, NULL, run, &runner), 0);
    struct question question = {0};
    uint64_t answered = 0;
    cr_assert(shard_call(runner.shard, answer, &question));
    answered++;
    atomic_store(&runner.stop, true);
    while (shard_call(runner.shard, answer, &question))
        answered++;
    pthread_join(runner.thread, NULL);
    cr_expect_eq(question.asked, answered, "a call ran and its caller was told that it did not");
    shard_close(runner.shard);
    shard_rig_close(&rig);
}
