/* Time in a partition that nobody writes to. */
#include <criterion/criterion.h>

#include "engine/core/calendar.h"
#include "tests/unit/shard_rig.h"

static struct shard_rig rig;

static void
open_expiring(void)
{
    shard_rig_open(&rig, 1, true);
}

static void
close_rig(void)
{
    shard_rig_close(&rig);
}

static int64_t
journal_end(void)
{
    int64_t first, end;
    cr_assert(rig.journal->ops->bounds(rig.journal, 0, &first, &end, &rig.fault));
    return end;
}

/* Cycles in which a shard that ticks comes to rest again. */
static void
run_some(struct shard *shard)
{
    for (int i = 0; i < 300; i++)
        shard_run_once(shard, shard_rig_now_ms(), 0);
    shard_rig_run(shard);
}

Test(shard_tick, what_is_due_is_done_though_nobody_writes, .init = open_expiring, .fini = close_rig)
{
    struct shard_options options = shard_rig_options(&rig, "a");
    options.tick_ms = 365 * CALENDAR_DAY_MS; /* no tick for being idle */
    struct shard *shard = shard_rig_start(&rig, &options);
    shard_rig_buy(&rig, "ann", 1000);
    shard_rig_run(shard);
    int64_t before = journal_end();
    shard_rig_pass(CALENDAR_DAY_MS - 60 * 1000);
    run_some(shard);
    cr_expect_eq(shard_rig_active(shard, &rig, "ann"), 10, "it expired too early");
    int64_t early = journal_end();
    /* The hour that comes is looked into by one tick at most. */
    cr_expect_leq(early, before + 1);
    shard_rig_pass(2 * 60 * 1000);
    run_some(shard);
    cr_expect_eq(shard_rig_active(shard, &rig, "ann"), 0, "it did not expire");
    cr_expect_eq(shard_rig_output(&rig, 0, TOPIC_POSTINGS).effects, 2);
    cr_expect_leq(journal_end(), early + 2, "more ticks than work");
    shard_close(shard);
}

Test(shard_tick, an_idle_partition_ticks_in_its_time, .init = open_expiring, .fini = close_rig)
{
    struct shard_options options = shard_rig_options(&rig, "a");
    options.tick_ms = 60 * 1000;
    struct shard *shard = shard_rig_start(&rig, &options);
    shard_rig_run(shard);
    for (int i = 0; i < 3; i++) {
        int64_t before = journal_end();
        shard_rig_pass(options.tick_ms - 30 * 1000);
        run_some(shard);
        cr_expect_eq(journal_end(), before, "round %d: too early", i);
        shard_rig_pass(31 * 1000);
        run_some(shard);
        cr_expect_eq(journal_end(), before + 1, "round %d", i);
    }
    shard_close(shard);
}

/* The journal's clock stands behind the shard's: a tick that reaches nothing is not followed by the
 * next at once, and the next, until the clocks agree. */
Test(shard_tick, a_journal_whose_clock_is_behind_is_not_flooded, .init = open_expiring,
     .fini = close_rig)
{
    struct shard_options options = shard_rig_options(&rig, "a");
    options.tick_ms = 60 * 1000;
    struct shard *shard = shard_rig_start(&rig, &options);
    shard_rig_buy(&rig, "ann", 1000);
    shard_rig_run(shard);
    shard_rig_pass(CALENDAR_DAY_MS - 30 * 1000);
    run_some(shard);
    int64_t before = journal_end(), ahead_ms = 40 * 1000;
    for (int i = 0; i < 300; i++)
        shard_run_once(shard, shard_rig_now_ms() + ahead_ms + i, 1);
    cr_expect_leq(journal_end(), before + 2, "%lld ticks", (long long)(journal_end() - before));
    cr_expect_eq(shard_rig_active(shard, &rig, "ann"), 10);
    /* Once the journal's clock is there the work is done, one tick later. */
    shard_rig_pass(ahead_ms);
    for (int i = 0; i < 1000 && shard_rig_active(shard, &rig, "ann") != 0; i++)
        shard_run_once(shard, shard_rig_now_ms() + ahead_ms, 1);
    cr_expect_eq(shard_rig_active(shard, &rig, "ann"), 0);
    shard_close(shard);
}

Test(shard_tick, a_record_from_the_future_stops_the_partition, .init = open_expiring,
     .fini = close_rig)
{
    struct shard_options options = shard_rig_options(&rig, "a");
    struct shard *shard = shard_rig_start(&rig, &options);
    shard_rig_run(shard);
    shard_rig_pass(6 * 60 * 1000);
    shard_rig_buy(&rig, "ann", 1000);
    for (int i = 0; i < 1000 && shard_rig_status(shard, 0).phase != PARTITION_STOPPED; i++)
        shard_run_once(shard, shard_rig_now_ms() - 6 * 60 * 1000, 1);
    struct partition_status status = shard_rig_status(shard, 0);
    cr_expect_eq(status.phase, PARTITION_STOPPED);
    cr_expect_not_null(strstr(status.fault.text, "clock"), "%s", status.fault.text);
    cr_expect_eq(shard_rig_output(&rig, 0, TOPIC_OUTCOMES).effects, 0);
    shard_close(shard);
}
