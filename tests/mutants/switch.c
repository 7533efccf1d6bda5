/* Wakes the mistake that TB_MUTANT names and runs the tests of the core, which are all linked into
 * this program, up to the first that fails; those that the arguments name, as SUITE or SUITE::TEST,
 * are left out. With `fold` and packed journal files as arguments it folds those instead and prints
 * a digest of each, which finds most mistakes in a fraction of the time. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/codec_event.h"
#include "consumers/codec_record.h"
#include "consumers/journal_file.h"
#include "tests/unit/fold_rig.h"

enum { RECORDS_BETWEEN_STARTS = 10 };

extern int tb_mutant;
int tb_mutant;

__attribute__((constructor)) static void
wake(void)
{
    const char *asked = getenv("TB_MUTANT");
    char *end;
    if (asked == NULL) return;
    tb_mutant = (int)strtol(asked, &end, 10);
    CHECK(end > asked && *end == '\0');
}

static struct entry entries[RECORD_ENTRIES_MAX];

/* ---- What a member is shown ---- */

static uint64_t seen;

static void
see(const void *data, size_t size)
{
    seen = hash64(bytes_of(data, size), seen);
}

static void
see_text(struct bytes text)
{
    see(text.data, text.size);
}

static void
see_number(int64_t number)
{
    see(&number, sizeof number);
}

static void
see_tier(const struct tier_view *tier)
{
    see_text(tier->group);
    see_text(tier->level);
    see_text(tier->next_level);
    see_number(tier->since.ms);
    see_number(tier->valid_until.ms);
    see_number(tier->overridden);
    for (uint32_t i = 0; i < tier->metric_count; i++) {
        const struct metric_view *metric = &tier->metrics[i];
        see_text(metric->name);
        see_text(metric->unit);
        see_number(metric->kind);
        see_number(metric->value);
        see_number(metric->digits);
        if (tier->next_level.size > 0) see_number(metric->next_threshold);
    }
}

static void
see_lot(const struct lot_view *lot)
{
    see_text(lot->currency);
    see_text(lot->rule);
    see_text(bytes_from_cstr(lot->state_name));
    see_number(lot->rule_version);
    see_number((int64_t)lot->id.ordinal);
    see_number(lot->id.index);
    see_number(lot->granted.units);
    see_number(lot->remaining.units);
    see_number(lot->held.units);
    see_number(lot->activates_at.ms);
    see_number(lot->earned_at.ms);
    see_number(lot->expires_at.ms);
}

static void
see_member(struct rig *rig, const char *name)
{
    struct member_view view;
    if (!rig_view(rig, name, &view)) return;
    see_text(bytes_from_cstr(view.status_name));
    see_number(view.enrolled_at.ms);
    see_number(view.as_of.ms);
    for (size_t i = 0; i < view.wallet_count; i++) {
        const struct wallet_view *wallet = &view.wallets[i];
        const int64_t units[] = {wallet->pending.units, wallet->active.units,  wallet->held.units,
                                 wallet->lapsing.units, wallet->arrears.units, wallet->scale,
                                 wallet->qualifying};
        see_text(wallet->currency);
        see(units, sizeof units);
    }
    for (size_t i = 0; i < view.tier_count; i++)
        see_tier(&view.tiers[i]);
    for (size_t i = 0; i < view.lot_count; i++)
        see_lot(&view.lots[i]);
}

static void
see_totals(struct rig *rig)
{
    struct totals totals[8];
    size_t count = state_totals(rig->state, totals, sizeof totals / sizeof totals[0]);
    for (size_t i = 0; i < count; i++) {
        see_text(totals[i].currency);
        see_number(totals[i].scale);
        see(&totals[i].issued, sizeof totals[i] - offsetof(struct totals, issued));
    }
}

/* As the drawn worlds call their members. */
static void
see_all(struct rig *rig)
{
    static const char *const members[] = {"m0", "m1", "m2", "m3",          "m4",
                                          "m5", "m6", "m7", "\001guest/g1"};
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        see_member(rig, members[i]);
    see_totals(rig);
}

/* ---- Journals ---- */

static bool
fold_record(struct rig *rig, const struct journal_message *message, struct arena *arena)
{
    const struct record_decoder *decoder = codec_record_decoder();
    size_t count;
    arena_reset_to(arena, 0);
    if (!decoder->decode(decoder, message->payload, arena, entries, RECORD_ENTRIES_MAX, &count,
                         &rig->fault))
        return false;
    rig->now_ms = message->append_ms;
    for (size_t i = 0; i < count; i++) {
        if (!rig_entry(rig, &entries[i])) return false;
    }
    return true;
}

static bool
fold_journal(struct rig *rig, struct journal *journal, struct arena *arena, bool restarts)
{
    int64_t records = 0;
    struct journal_reader *reader;
    struct journal_message message;
    int64_t first, end;
    size_t count;
    if (!journal->ops->bounds(journal, 0, &first, &end, &rig->fault) ||
        !journal->ops->open_reader(journal, &reader, &rig->fault))
        return false;
    bool good = reader->ops->assign(reader, 0, first, &rig->fault);
    for (int64_t next = first; good && next < end; next = message.offset + 1) {
        good = reader->ops->read(reader, 0, &message, 1, &count, &rig->fault) && count == 1 &&
               fold_record(rig, &message, arena);
        see_all(rig);
        if (restarts && ++records % RECORDS_BETWEEN_STARTS == 0) {
            rig_checkpoint(rig);
            rig_restart(rig);
        }
    }
    reader->ops->close(reader);
    return good;
}

static void
print_end(struct rig *rig, const char *path)
{
    struct state_info info;
    rig_checkpoint(rig);
    rig_verify(rig);
    state_info(rig->state, &info);
    printf("%s %016" PRIx64, path, info.chain);
    for (int topic = 0; topic < TOPIC_COUNT; topic++)
        printf(" %" PRIu64, info.outputs[topic].next_sequence);
    struct hash128 digest = rig_digest(rig);
    for (size_t i = 0; i < sizeof digest; i++)
        printf("%s%02x", i == 0 ? " " : "", ((const uint8_t *)&digest)[i]);
    printf(" %016" PRIx64 "\n", seen);
}

/* Of four journals two are folded with nothing warm, and two with a new start now and then. */
static int
fold_files(int count, char **paths)
{
    struct region region;
    struct arena arena;
    struct fault fault;
    if (!region_map(CODEC_ARENA_BYTES, &region, &fault)) return 70;
    arena_init(&arena, region.memory, region.size);
    for (int i = 0; i < count; i++) {
        struct journal *journal;
        struct rig rig;
        if (!journal_file_open(paths[i], &journal, &fault)) {
            fprintf(stderr, "%s\n", fault.text);
            return 66;
        }
        rig_open(&rig);
        rig.cold = i % 2 == 1;
        seen = 0;
        if (!fold_journal(&rig, journal, &arena, i % 4 >= 2)) {
            fprintf(stderr, "%s: %s\n", paths[i], rig.fault.text);
            return 70;
        }
        print_end(&rig, paths[i]);
        rig_close(&rig);
        journal->ops->close(journal);
    }
    region_unmap(&region);
    return 0;
}

/* Whether `test` is of those that are left out: SUITE, or SUITE::TEST. */
static bool
is_left_out(const struct plain_test *test, int count, char **names)
{
    size_t size = strlen(test->suite);
    for (int i = 0; i < count; i++) {
        if (strncmp(names[i], test->suite, size) != 0) continue;
        if (names[i][size] == '\0') return true;
        if (strncmp(names[i] + size, "::", 2) == 0 && strcmp(names[i] + size + 2, test->name) == 0)
            return true;
    }
    return false;
}

/* Up to the first that fails. */
static int
run_tests(int count, char **left_out)
{
    for (const struct plain_test *test = plain_tests(); test != NULL; test = test->next) {
        if (!is_left_out(test, count, left_out) && !plain_run(test)) return 1;
    }
    return 0;
}

int
main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "fold") == 0) return fold_files(argc - 2, argv + 2);
    return run_tests(argc - 1, argv + 1);
}
