/* Claims, and what a shard publishes before, between and behind them. */
#include <criterion/criterion.h>

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

Test(shard_owner, an_empty_folder_is_claimed_and_folded, .init = open_one, .fini = close_rig)
{
    struct shard_options options = shard_rig_options(&rig, "a");
    shard_rig_buy(&rig, "ann", 1000);
    struct shard *shard = shard_rig_start(&rig, &options);
    shard_rig_run(shard);
    struct partition_status status = shard_rig_status(shard, 0);
    cr_expect_eq(status.phase, PARTITION_FOLDING, "%s", status.fault.text);
    cr_expect(status.caught_up);
    cr_expect_neq(status.info.claim, 0);
    cr_expect_eq(shard_rig_active(shard, &rig, "ann"), 10);
    cr_expect(shard_settle(shard, 10000));
    shard_close(shard);
    cr_expect_eq(shard_rig_output(&rig, 0, TOPIC_POSTINGS).effects, 1);
    cr_expect_eq(shard_rig_output(&rig, 0, TOPIC_OUTCOMES).effects, 1);
}

/* The first read behind a start may hand over the own claim and what follows it at once: what
 * follows belongs behind everything that lies before the claim. */
Test(shard_owner, events_behind_the_claim_in_one_read_are_folded_in_their_place, .init = open_one,
     .fini = close_rig)
{
    struct shard_options options = shard_rig_options(&rig, "a");
    shard_rig_buy(&rig, "ann", 1000);
    shard_rig_buy(&rig, "ann", 2000);
    struct shard *shard = shard_rig_start(&rig, &options);
    /* Skims up to the journal's end and appends the claim; it is not read before the test's own
     * appends lie behind it. */
    shard_run_once(shard, shard_rig_now_ms(), 1000);
    cr_assert_eq(shard_rig_status(shard, 0).phase, PARTITION_CLAIMING);
    for (int i = 0; i < 5; i++)
        shard_rig_buy(&rig, "bob", 1000);
    shard_rig_run(shard);
    struct partition_status status = shard_rig_status(shard, 0);
    cr_expect_eq(status.phase, PARTITION_FOLDING, "%s", status.fault.text);
    cr_expect_neq(status.info.claim, 0);
    cr_expect_eq(shard_rig_active(shard, &rig, "ann"), 30);
    cr_expect_eq(shard_rig_active(shard, &rig, "bob"), 50);
    shard_close(shard);
    cr_expect_eq(shard_rig_output(&rig, 0, TOPIC_OUTCOMES).effects, 7);
}

Test(shard_owner, the_second_claim_stops_the_first_owner, .init = open_one, .fini = close_rig)
{
    struct shard_options options_a = shard_rig_options(&rig, "a"),
                         options_b = shard_rig_options(&rig, "b");
    shard_rig_buy(&rig, "ann", 1000);
    struct shard *a = shard_rig_start(&rig, &options_a);
    shard_rig_run(a);
    struct shard *b = shard_rig_start(&rig, &options_b);
    shard_rig_run(b);
    cr_expect_eq(shard_rig_status(b, 0).phase, PARTITION_FOLDING);
    shard_rig_buy(&rig, "ann", 1000);
    shard_rig_run(a);
    struct partition_status status = shard_rig_status(a, 0);
    cr_expect_eq(status.phase, PARTITION_STOPPED);
    cr_expect_eq(status.fault.kind, FAULT_TRY_AGAIN);
    cr_expect_not_null(strstr(status.fault.text, "another owner claimed it"), "%s",
                       status.fault.text);
    cr_expect_eq(shard_rig_output(&rig, 0, TOPIC_OUTCOMES).effects, 1,
                 "the first owner published behind the foreign claim");
    shard_rig_run(b);
    cr_expect_eq(shard_rig_status(b, 0).published_again, 2); /* a posting and an outcome */
    struct shard_rig_output outcomes = shard_rig_output(&rig, 0, TOPIC_OUTCOMES);
    cr_expect_eq(outcomes.effects, 2);
    cr_expect_eq(outcomes.repeated, 0);
    shard_close(a);
    shard_close(b);
}

struct claim_row {
    const char *what;
    bool replaces_mine; /* the stranger's claim names the one in force */
    enum partition_phase phase;
};

static const struct claim_row claim_rows[] = {
    {"a stale claim changes nothing", false, PARTITION_FOLDING},
    {"a valid claim stops the owner", true, PARTITION_STOPPED},
};

Test(shard_owner, claims_of_strangers)
{
    for (size_t i = 0; i < sizeof claim_rows / sizeof *claim_rows; i++) {
        const struct claim_row *row = &claim_rows[i];
        open_one();
        struct shard_options options = shard_rig_options(&rig, "a");
        struct shard *shard = shard_rig_start(&rig, &options);
        shard_rig_run(shard);
        uint64_t claim = shard_rig_status(shard, 0).info.claim;
        shard_rig_claim(&rig, 0, row->replaces_mine ? claim : claim - 1);
        shard_rig_buy(&rig, "ann", 1000);
        shard_rig_run(shard);
        cr_expect_eq(shard_rig_status(shard, 0).phase, row->phase, "%s", row->what);
        cr_expect_eq(shard_rig_output(&rig, 0, TOPIC_OUTCOMES).effects,
                     row->phase == PARTITION_FOLDING ? 1 : 0, "%s", row->what);
        shard_close(shard);
        close_rig();
    }
}

/* Claims that lie behind the checkpoint are found before the own one is made: it must name the last
 * valid of them, several in a record or not. */
Test(shard_owner, claims_behind_the_checkpoint_are_replaced, .init = open_one, .fini = close_rig)
{
    struct record_builder builder;
    struct claim first = {.nonce = 1, .replaces = 0, .owner = BYTES_LITERAL("x")},
                 stale = {.nonce = 2, .replaces = 0, .owner = BYTES_LITERAL("y")};
    struct claim second = {.nonce = 3, .owner = BYTES_LITERAL("z")};
    shard_rig_begin(&rig, &builder);
    shard_rig_add_order(&rig, &builder, "ann", 1000);
    cr_assert(codec_record_add_claim(&builder, &first, 0));
    cr_assert(codec_record_add_claim(&builder, &stale, 0));
    second.replaces = position_pack((struct position){2, 1});
    cr_assert(codec_record_add_claim(&builder, &second, 0));
    shard_rig_append(&rig, 0, codec_record_span(&builder));
    struct shard_options options = shard_rig_options(&rig, "a");
    struct shard *shard = shard_rig_start(&rig, &options);
    shard_rig_run(shard);
    struct partition_status status = shard_rig_status(shard, 0);
    cr_expect_eq(status.phase, PARTITION_FOLDING, "%s", status.fault.text);
    cr_expect_eq(status.info.claim, position_pack((struct position){3, 0}));
    shard_close(shard);
}

/* Another owner's claim lands between the end that was skimmed and the own claim. */
Test(shard_owner, a_lost_claim_is_made_again, .init = open_one, .fini = close_rig)
{
    struct shard_options options = shard_rig_options(&rig, "a");
    struct shard *shard = shard_rig_start(&rig, &options);
    /* Lands before the shard has read anything, and so before its claim. */
    shard_rig_claim(&rig, 0, 0);
    shard_rig_run(shard);
    struct partition_status status = shard_rig_status(shard, 0);
    cr_expect_eq(status.phase, PARTITION_FOLDING, "%s", status.fault.text);
    cr_expect_gt(position_unpack(status.info.claim).offset, 2);
    shard_close(shard);
}

Test(shard_owner, one_partition_stops_and_the_others_go_on)
{
    shard_rig_open(&rig, 3, false);
    struct shard_options options = shard_rig_options(&rig, "a");
    struct shard *shard = shard_rig_start(&rig, &options);
    shard_rig_run(shard);
    shard_rig_claim(&rig, 1, shard_rig_status(shard, 1).info.claim);
    shard_rig_run_to(shard, 1, PARTITION_STOPPED);
    for (int i = 0; i < 30; i++) {
        char member[16];
        snprintf(member, sizeof member, "m%d", i);
        shard_rig_buy(&rig, member, 1000);
    }
    shard_rig_run(shard);
    uint64_t outcomes = 0;
    for (uint32_t i = 0; i < 3; i++) {
        struct partition_status status = shard_rig_status(shard, i);
        cr_expect_eq(status.phase, i == 1 ? PARTITION_STOPPED : PARTITION_FOLDING, "partition %u",
                     i);
        outcomes += shard_rig_output(&rig, i, TOPIC_OUTCOMES).effects;
        if (i != 1) cr_expect_gt(status.info.identities, 0, "partition %u", i);
    }
    cr_expect_eq(shard_rig_output(&rig, 1, TOPIC_OUTCOMES).effects, 0);
    cr_expect_eq(outcomes, shard_rig_status(shard, 0).info.identities +
                               shard_rig_status(shard, 2).info.identities);
    cr_expect(shard_settle(shard, 10000));
    shard_close(shard);
    close_rig();
}

/* An event that its producer put into the wrong partition is answered there and moved home. */
Test(shard_owner, a_misplaced_event_is_forwarded)
{
    shard_rig_open(&rig, 2, false);
    struct shard_options options = shard_rig_options(&rig, "a");
    struct shard *shard = shard_rig_start(&rig, &options);
    uint32_t home = shard_rig_home(&rig, "ann");
    shard_rig_buy_in(&rig, 1 - home, "ann", 1000);
    shard_rig_run(shard);
    cr_expect_eq(shard_rig_active(shard, &rig, "ann"), 10);
    cr_expect_eq(shard_rig_status(shard, 1 - home).info.identities, 0);
    cr_expect_eq(shard_rig_output(&rig, 1 - home, TOPIC_OUTCOMES).effects, 1);
    cr_expect_eq(shard_rig_output(&rig, home, TOPIC_OUTCOMES).effects, 1);
    shard_close(shard);

    /* The forward is appended again by whoever folds the record again: a duplicate, no more. */
    shard = shard_rig_start(&rig, &options);
    shard_rig_run(shard);
    cr_expect_eq(shard_rig_active(shard, &rig, "ann"), 10);
    shard_close(shard);
    close_rig();
}
