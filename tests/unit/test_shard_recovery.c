/* What a shard finds when it starts: its checkpoint, the journal behind it, and the outputs of
 * whoever was before. */
#include <criterion/criterion.h>

#include "consumers/journal_disk.h"
#include "tests/unit/shard_rig.h"

static struct shard_rig rig;

static void
open_one(void)
{
    shard_rig_open(&rig, 1, false);
}

static void
close_rig(void)
{
    shard_rig_close(&rig);
}

static void
buy_many(const char *member, int count)
{
    for (int i = 0; i < count; i++)
        shard_rig_buy(&rig, member, 1000);
}

/* Runs a shard that is then dropped as by kill -9: nothing is settled. Returns its status. */
static struct partition_status
run_and_drop(const struct shard_options *options)
{
    struct shard *shard = shard_rig_start(&rig, options);
    shard_rig_run(shard);
    struct partition_status status = shard_rig_status(shard, 0);
    shard_close(shard);
    return status;
}

static void
expect_outputs(uint64_t orders)
{
    for (enum topic topic = TOPIC_POSTINGS; topic <= TOPIC_OUTCOMES; topic++) {
        struct shard_rig_output output = shard_rig_output(&rig, 0, topic);
        cr_expect_eq(output.effects, orders, "%s: %llu", topic_name(topic),
                     (unsigned long long)output.effects);
        cr_expect_eq(output.repeated, 0, "%s", topic_name(topic));
    }
}

Test(shard_recovery, a_dropped_shard_is_regenerated_and_nothing_sent_twice, .init = open_one,
     .fini = close_rig)
{
    struct shard_options options = shard_rig_options(&rig, "a");
    buy_many("ann", 5);
    struct partition_status first = run_and_drop(&options);
    cr_expect_eq(first.checkpoints, 0);
    expect_outputs(5);
    buy_many("ann", 2);
    struct partition_status second = run_and_drop(&options);
    cr_expect_eq(second.phase, PARTITION_FOLDING, "%s", second.fault.text);
    cr_expect_eq(second.published_again, 10);
    expect_outputs(7);
}

Test(shard_recovery, a_settled_shard_goes_on_behind_its_checkpoint, .init = open_one,
     .fini = close_rig)
{
    struct shard_options options = shard_rig_options(&rig, "a");
    buy_many("ann", 5);
    struct shard *shard = shard_rig_start(&rig, &options);
    shard_rig_run(shard);
    cr_assert(shard_settle(shard, 10000));
    struct partition_status before = shard_rig_status(shard, 0);
    shard_close(shard);
    shard_rig_close_ports(&rig);
    shard_rig_open_ports(&rig);
    options = shard_rig_options(&rig, "a");
    shard = shard_rig_start(&rig, &options);
    struct partition_status opened = shard_rig_status(shard, 0);
    cr_expect(hash128_equal(before.info.digest, opened.info.digest));
    cr_expect_eq(opened.info.next_offset, before.info.next_offset);
    buy_many("ann", 1);
    shard_rig_run(shard);
    cr_expect_eq(shard_rig_status(shard, 0).published_again, 0);
    cr_expect_eq(shard_rig_active(shard, &rig, "ann"), 60);
    shard_close(shard);
    expect_outputs(6);
}

/* A checkpoint that is taken while what stood in the outputs is still regenerated lies before the
 * outputs' end: the next start must read them from there, or it would send the rest again. */
Test(shard_recovery, a_checkpoint_amid_regeneration_keeps_its_place_in_the_outputs,
     .init = open_one, .fini = close_rig)
{
    struct shard_options options = shard_rig_options(&rig, "a");
    buy_many("ann", 200);
    run_and_drop(&options);
    expect_outputs(200);
    options.checkpoint_records = 10;
    struct shard *shard = shard_rig_start(&rig, &options);
    while (shard_rig_status(shard, 0).checkpoints == 0)
        shard_run_once(shard, shard_rig_now_ms(), 1);
    cr_assert_lt(shard_rig_status(shard, 0).published_again, 400, "it was too fast for this test");
    shard_close(shard);
    options.checkpoint_records = UINT64_MAX;
    struct partition_status status = run_and_drop(&options);
    cr_expect_eq(status.phase, PARTITION_FOLDING, "%s", status.fault.text);
    cr_expect_gt(status.published_again, 0);
    expect_outputs(200);
}

/* ---- What is refused ---- */

static void
publish(enum topic topic, uint64_t sequence, uint64_t claim)
{
    struct publisher *publisher = NULL;
    struct effect effect = {
        .topic = topic,
        .sequence = sequence,
        .hash = 0xbad,
        .cause = {2, 0},
        .outcome = {.source = BYTES_LITERAL("shop"),
                    .id = BYTES_LITERAL("e1"),
                    .member = BYTES_LITERAL("ann"),
                    .event_kind = EVENT_PURCHASE,
                    .verdict = VERDICT_ACCEPTED},
    };
    struct outputs *outputs = rig.outputs;
    uint64_t first, end;
    cr_assert(outputs->ops->open_publisher(outputs, &publisher, &rig.fault), "%s", rig.fault.text);
    for (enum topic i = 0; i < TOPIC_COUNT; i++) {
        cr_assert(outputs->ops->bounds(outputs, 0, i, &first, &end, &rig.fault));
        cr_assert(publisher->ops->start(publisher, 0, i, sequence, end, &rig.fault), "%s",
                  rig.fault.text);
    }
    cr_assert(publisher->ops->publish(publisher, 0, claim, &effect, 1, &rig.fault), "%s",
              rig.fault.text);
    publisher->ops->close(publisher);
}

struct refusal_row {
    const char *what;
    int orders; /* in the journal */
    uint64_t sequence;
    const char *text; /* of the fault */
};

static const struct refusal_row refusal_rows[] = {
    {"an output with other content", 1, 1, "other content"},
    {"an output with a gap", 3, 3, "has a gap"},
    {"an output that the journal does not give", 0, 1, "does not give"},
};

Test(shard_recovery, outputs_that_do_not_fit_the_journal_are_refused)
{
    for (size_t i = 0; i < sizeof refusal_rows / sizeof *refusal_rows; i++) {
        const struct refusal_row *row = &refusal_rows[i];
        open_one();
        struct shard_options options = shard_rig_options(&rig, "a");
        buy_many("ann", row->orders);
        publish(TOPIC_OUTCOMES, row->sequence, 1);
        struct partition_status status = run_and_drop(&options);
        cr_expect_eq(status.phase, PARTITION_STOPPED, "%s", row->what);
        cr_expect_eq(status.fault.kind, FAULT_DATA, "%s", row->what);
        cr_expect_not_null(strstr(status.fault.text, row->text), "%s: %s", row->what,
                           status.fault.text);
        cr_expect_eq(shard_rig_output(&rig, 0, TOPIC_POSTINGS).effects, 0, "%s", row->what);
        close_rig();
    }
}

struct journal_row {
    const char *what;
    int orders; /* in the journal that takes the place of the one that the store knows, with 3 */
    const char *text;
};

static const struct journal_row journal_rows[] = {
    {"a journal that was cut", 0, "was cut or exchanged"},
    {"another journal", 9, "belongs to another journal"},
};

Test(shard_recovery, a_store_of_another_journal_is_refused)
{
    for (size_t i = 0; i < sizeof journal_rows / sizeof *journal_rows; i++) {
        const struct journal_row *row = &journal_rows[i];
        open_one();
        struct shard_options options = shard_rig_options(&rig, "a");
        buy_many("ann", 3);
        struct shard *shard = shard_rig_start(&rig, &options);
        shard_rig_run(shard);
        cr_assert(shard_settle(shard, 10000));
        shard_close(shard);

        struct shard_rig other;
        shard_rig_open(&other, 1, false);
        for (int k = 0; k < row->orders; k++)
            shard_rig_buy(&other, "bob", 1000);
        options.journal = other.journal;
        shard = shard_rig_start(&rig, &options);
        struct partition_status status = shard_rig_status(shard, 0);
        cr_expect_eq(status.phase, PARTITION_STOPPED, "%s", row->what);
        cr_expect_eq(status.fault.kind, FAULT_DATA, "%s", row->what);
        cr_expect_not_null(strstr(status.fault.text, row->text), "%s: %s", row->what,
                           status.fault.text);
        shard_close(shard);
        shard_rig_close(&other);
        close_rig();
    }
}

/* ---- Looking ---- */

Test(shard_recovery, a_look_writes_nothing, .init = open_one, .fini = close_rig)
{
    struct shard_options options = shard_rig_options(&rig, "a");
    buy_many("ann", 3);
    options.outputs = NULL;
    options.checkpoints = false;
    struct shard *shard = shard_rig_start(&rig, &options);
    shard_rig_run(shard);
    cr_expect_eq(shard_rig_active(shard, &rig, "ann"), 30);
    cr_expect(shard_settle(shard, 1000));
    shard_close(shard);
    char store[1024];
    snprintf(store, sizeof store, "%s/p000", options.state_folder);
    cr_expect_neq(access(store, F_OK), 0, "a look made a store");
    int64_t first, end;
    cr_assert(rig.journal->ops->bounds(rig.journal, 0, &first, &end, &rig.fault));
    cr_expect_eq(end, 5, "a look appended to the journal");
}

/* While the owner has its store open, another process may look: from the checkpoint on, read only.
 */
Test(shard_recovery, a_look_beside_the_owner_takes_no_lock, .init = open_one, .fini = close_rig)
{
    struct shard_options options = shard_rig_options(&rig, "a"), look = options;
    buy_many("ann", 3);
    struct shard *owner = shard_rig_start(&rig, &options);
    shard_rig_run(owner);
    cr_assert(shard_settle(owner, 10000));
    buy_many("ann", 1);
    look.outputs = NULL;
    look.checkpoints = false;
    struct shard *shard = shard_rig_start(&rig, &look);
    shard_rig_run(shard);
    cr_expect_eq(shard_rig_status(shard, 0).phase, PARTITION_FOLDING, "%s",
                 shard_rig_status(shard, 0).fault.text);
    cr_expect_eq(shard_rig_active(shard, &rig, "ann"), 40);
    shard_close(shard);
    shard_rig_run(owner);
    cr_expect(shard_settle(owner, 10000));
    shard_close(owner);
}
