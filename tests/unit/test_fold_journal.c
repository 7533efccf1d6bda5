/* The journal's own entries, placement, and rows that are damaged or missing. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/murmur2.h"
#include "engine/core/calendar.h"
#include "engine/core/state_priv.h"
#include "tests/unit/fold_rig.h"

static struct rig rig;
static struct program program;

static void
begin(void)
{
    rig_open(&rig);
    program = rig_program();
}

static void
end(void)
{
    rig_close(&rig);
}

TestSuite(fold_journal, .init = begin, .fini = end);

static struct entry
genesis(void)
{
    return (struct entry){.kind = ENTRY_GENESIS,
                          .genesis = {JOURNAL_FORMAT, LAW_VERSION, "rig journal 0001",
                                      BYTES_LITERAL("rig"), 1, 0, TIME_APPEND}};
}

static void
expect_refused(const struct entry *entry, const char *part)
{
    struct hash128 before = rig_digest(&rig);
    cr_assert_not(rig_entry(&rig, entry), "%s", part);
    cr_assert_eq(rig.fault.kind, FAULT_DATA);
    cr_assert_not_null(strstr(rig.fault.text, part), "'%s' in: %s", part, rig.fault.text);
    cr_assert(hash128_equal(before, rig_digest(&rig)), "the state is unchanged");
}

Test(fold_journal, record_0)
{
    struct entry tick = {.kind = ENTRY_TICK};
    expect_refused(&tick, "record 0");
    struct entry entry = genesis();
    entry.genesis.law = LAW_VERSION + 1;
    expect_refused(&entry, "law version 2");
    entry = genesis();
    entry.genesis.format = 9;
    expect_refused(&entry, "format 9");
    entry = genesis();
    entry.genesis.partition = 1;
    expect_refused(&entry, "impossible");
    entry = genesis();
    cr_assert(rig_entry(&rig, &entry));
    expect_refused(&entry, "second record 0");
    struct entry law = {.kind = ENTRY_LAW, .law = LAW_VERSION};
    cr_assert(rig_entry(&rig, &law));
    law.law++;
    expect_refused(&law, "law version 2");
}

Test(fold_journal, time_of_a_history_comes_from_its_records_until_it_goes_live)
{
    struct state_info info;
    struct entry entry = genesis();
    entry.genesis.time_kind = TIME_RECORD;
    cr_assert(rig_entry(&rig, &entry));
    struct entry tick = {.kind = ENTRY_TICK, .journal_time = rig_at("2011-01-01T00:00:00Z")};
    cr_assert(rig_entry(&rig, &tick));
    state_info(rig.state, &info);
    cr_assert_eq(info.clock.ms, tick.journal_time.ms);
    tick.journal_time.ms -= 5;
    cr_assert(rig_entry(&rig, &tick));
    state_info(rig.state, &info);
    cr_assert_eq(info.clock.ms, tick.journal_time.ms + 5, "never back");
    struct entry live = {.kind = ENTRY_LIVE};
    cr_assert(rig_entry(&rig, &live));
    cr_assert(rig_entry(&rig, &tick));
    state_info(rig.state, &info);
    cr_assert_eq(info.clock.ms, rig.now_ms);
    cr_assert_eq(info.time_kind, TIME_APPEND);
}

Test(fold_journal, a_claim_counts_only_when_it_replaces_the_one_in_force)
{
    struct state_info info;
    rig_start(&rig, &program);
    struct entry claim = {.kind = ENTRY_CLAIM, .claim = {.nonce = 1}};
    cr_assert(rig_entry(&rig, &claim));
    state_info(rig.state, &info);
    uint64_t first = info.claim;
    cr_assert_neq(first, 0);
    claim.claim.nonce = 2;
    cr_assert(rig_entry(&rig, &claim));
    state_info(rig.state, &info);
    cr_assert_eq(info.claim, first, "it replaces none, but one is in force");
    claim.claim.replaces = first;
    cr_assert(rig_entry(&rig, &claim));
    state_info(rig.state, &info);
    cr_assert_eq(info.claim_nonce, 2);
}

Test(fold_journal, anchors_are_compared)
{
    struct state_info info, later;
    rig_start(&rig, &program);
    rig_buy(&rig, "ann", "O1", 100);
    state_info(rig.state, &info);
    rig_buy(&rig, "ann", "O2", 100);
    struct entry tick = {.kind = ENTRY_TICK, .tick = {true, {info.applied, info.chain}}};
    cr_assert(rig_entry(&rig, &tick), "an older position that this fold passed");
    tick.tick.anchor.chain ^= 1;
    expect_refused(&tick, "contradicts");
    struct entry claim = {.kind = ENTRY_CLAIM,
                          .claim = {.has_anchor = true, .anchor = tick.tick.anchor}};
    expect_refused(&claim, "contradicts");
    tick.tick.anchor.applied = position_pack((struct position){.offset = 1000});
    expect_refused(&tick, "cut");
    state_info(rig.state, &later);
    tick.tick.anchor = (struct anchor){later.applied, later.chain};
    cr_assert(rig_entry(&rig, &tick), "the present position");
}

Test(fold_journal, activations)
{
    struct state_info info;
    rig_start(&rig, &program);
    rig_activate(&rig, &program);
    state_info(rig.state, &info);
    cr_assert_eq(info.rulebooks, 1, "repeated until all partitions have it");
    cr_assert_eq(info.activations_ignored, 1);
    program.version = 2;
    program.currencies[0].scale = 2;
    rig_activate(&rig, &program);
    program.currencies[0].scale = 0;
    program.zone_name = BYTES_LITERAL("Europe/Paris");
    rig_activate(&rig, &program);
    state_info(rig.state, &info);
    cr_assert_eq(info.rulebooks, 1, "scale and zone never change");
    cr_assert_eq(info.activations_ignored, 3);
    struct entry broken = {.kind = ENTRY_ACTIVATION,
                           .activation = {.version = 3, .program = BYTES_LITERAL("\x01rubbish")}};
    expect_refused(&broken, "program");
}

Test(fold_journal, a_hole_is_an_outcome)
{
    rig_start(&rig, &program);
    struct entry hole = {
        .kind = ENTRY_HOLE,
        .hole = {BYTES_LITERAL("orders"), 3, 1234567890123, BYTES_LITERAL("not_json")}};
    cr_assert(rig_entry(&rig, &hole));
    const struct outcome *outcome = rig_outcome(&rig);
    cr_assert_eq(outcome->verdict, VERDICT_HOLE);
    cr_assert(bytes_equal(outcome->source, BYTES_LITERAL("orders")));
    cr_assert(bytes_equal(outcome->id, BYTES_LITERAL("3/1234567890123")));
    cr_assert(bytes_equal(outcome->detail, BYTES_LITERAL("not_json")));
    cr_assert_eq(outcome->ordinal, 0);
}

Test(fold_journal, misplaced_events_are_forwarded)
{
    struct entry entry = genesis();
    entry.genesis.partition_count = 7;
    entry.genesis.partition = (murmur2_partition(BYTES_LITERAL("ann"), 7) + 1) % 7;
    cr_assert(rig_entry(&rig, &entry));
    rig_activate(&rig, &program);
    struct event event = {
        .kind = EVENT_ENROL, .member = BYTES_LITERAL("ann"), .wire = BYTES_LITERAL("wire bytes")};
    cr_assert_eq(rig_event(&rig, event), VERDICT_FORWARDED);
    cr_assert_eq(rig_outcome(&rig)->ordinal, 0);
    const struct effect *effect = rig_effect(&rig, TOPIC_FORWARD, 0);
    cr_assert_not_null(effect);
    cr_assert_eq(effect->forward.partition, murmur2_partition(BYTES_LITERAL("ann"), 7));
    cr_assert_eq(effect->forward.first_append.ms, rig.now_ms);
    cr_assert(bytes_equal(effect->forward.wire, BYTES_LITERAL("wire bytes")));
    event.first_append = rig_at("2025-12-31T00:00:00Z");
    rig_event(&rig, event);
    cr_assert_eq(rig_effect(&rig, TOPIC_FORWARD, 1)->forward.first_append.ms, event.first_append.ms,
                 "the first stays");
}

/* ---- Damage: a bit, anywhere in any row, is noticed; so is a row that is gone. ---- */

static void
make_ledger(void)
{
    program.currencies[0].expiry =
        (struct program_expiry){EXPIRY_PERIOD, 0, CALENDAR_DAY, CALENDAR_MONTH};
    rig_start(&rig, &program);
    rig_buy(&rig, "ann", "O1", 10000);
    rig_buy(&rig, "bob", "O1", 10000);
    rig_redeem(&rig, "bob", "S1", 30);
    rig_tick(&rig, "2026-02-01T00:00:00Z");
    rig_buy(&rig, "ann", "O2", 5000);
    rig_checkpoint(&rig);
}

Test(fold_journal, a_flipped_bit_is_noticed_in_every_row)
{
    uint8_t id[JOURNAL_ID_BYTES] = "rig journal 0001";
    struct hash128 share;
    make_ledger();
    char seen[16] = "";
    for (size_t i = 0; i < rig.store.count; i++) {
        struct row row = {rig.store.rows[i].key, rig.store.rows[i].value};
        uint8_t *bytes = (uint8_t *)(uintptr_t)row.value.data;
        size_t length = strlen(seen);
        if (strchr(seen, row.key.data[0]) == NULL) seen[length] = (char)row.key.data[0];
        cr_assert(row_digest(id, row, &share, &rig.fault));
        for (size_t bit = 0; bit < 8 * row.value.size; bit++) {
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            cr_assert_not(row_digest(id, row, &share, &rig.fault), "family %c, bit %zu",
                          row.key.data[0], bit);
            cr_assert_eq(rig.fault.kind, FAULT_DATA);
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        for (size_t size = 0; size < row.value.size; size++) {
            struct row cut = {row.key, {row.value.data, size}};
            cr_assert_not(row_digest(id, cut, &share, &rig.fault), "family %c cut to %zu",
                          row.key.data[0], size);
        }
    }
    cr_assert_eq(strlen(seen), strlen(ROW_FAMILIES), "all families were looked at: %s", seen);
}

Test(fold_journal, swapped_rows_are_noticed)
{
    uint8_t id[JOURNAL_ID_BYTES] = "rig journal 0001";
    struct hash128 share;
    make_ledger();
    for (size_t i = 1; i < rig.store.count; i++) {
        struct row row = {rig.store.rows[i].key, rig.store.rows[i - 1].value};
        cr_assert_not(row_digest(id, row, &share, &rig.fault));
    }
}

/* What a start needs is refused at the start, what an event needs when it comes. */
Test(fold_journal, a_missing_row_is_noticed)
{
    make_ledger();
    for (size_t i = 0; i < rig.store.count; i++) {
        struct memory_store whole = memory_store_copy(&rig.store);
        char family = (char)whole.rows[i].key.data[0];
        struct memory_store less = {0};
        struct rig other;
        rig_open(&other);
        less = memory_store_copy(&whole);
        free((void *)(uintptr_t)less.rows[i].key.data);
        free((void *)(uintptr_t)less.rows[i].value.data);
        memmove(&less.rows[i], &less.rows[i + 1], (less.count - i - 1) * sizeof less.rows[0]);
        less.count--;
        bool restored = memory_store_restore(&less, other.state, &other.fault);
        if (strchr("Mbdi", family) != NULL) cr_assert_not(restored, "family %c", family);
        if (family == 'm') {
            cr_assert(restored);
            other.store = less;
            other.now_ms = rig.now_ms;
            other.offset = rig.offset;
            struct entry entry = {.kind = ENTRY_EVENT,
                                  .event = {.kind = EVENT_ENROL,
                                            .source = BYTES_LITERAL("shop"),
                                            .id = BYTES_LITERAL("probe"),
                                            .member = BYTES_LITERAL("ann"),
                                            .occurred_at.ms = rig.now_ms}};
            bool ann = whole.rows[i].key.data[8] == 1;
            cr_assert_eq(rig_entry(&other, &entry), !ann);
            if (ann) cr_assert_eq(other.fault.kind, FAULT_DATA);
        } else {
            memory_store_fini(&less);
        }
        rig_close(&other);
        memory_store_fini(&whole);
    }
}
