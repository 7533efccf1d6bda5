/* Wakes the mistake that TB_MUTANT names and runs the tests of the core, which are all linked into
 * this program, up to the first that fails; those that the arguments name, as SUITE or SUITE::TEST,
 * are left out. With `fold` and packed journal files as arguments it folds those instead and prints
 * a digest of each, which finds most mistakes in a fraction of the time. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/codec_event.h"
#include "consumers/codec_record.h"
#include "consumers/journal_file.h"
#include "tests/unit/fold_rig.h"

extern int tb_mutant;
int tb_mutant;

__attribute__((constructor)) static void
wake(void)
{
    const char *asked = getenv("TB_MUTANT");
    tb_mutant = asked == NULL ? 0 : atoi(asked);
}

static struct entry entries[RECORD_ENTRIES_MAX];

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
fold_journal(struct rig *rig, struct journal *journal, struct arena *arena)
{
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
    printf("\n");
}

/* Every other journal is folded with nothing warm. */
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
        if (!fold_journal(&rig, journal, &arena)) {
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
