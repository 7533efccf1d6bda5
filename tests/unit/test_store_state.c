#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/crash.h"
#include "engine/base/region.h"
#include "engine/base/slab.h"
#include "engine/rules/activation.h"
#include "engine/store/store.h"
#include "tests/unit/disk_folder.h"
#include "tests/unit/rulebook.h"

static struct fault fault;

/* ---- A small journal: record 0, a rulebook, then orders, each in a record of its own -------- */

enum { FIRST_ORDER = 2, MEMBERS = 150 };

static struct rulebook rulebook;

static void
journal_entry(int64_t offset, struct entry *out_entry)
{
    static struct activation activation;
    static char id[32], member[32];
    static struct event_line line;
    if (offset == 0) {
        *out_entry = (struct entry){
            .kind = ENTRY_GENESIS,
            .genesis = {.format = JOURNAL_FORMAT,
                        .law = LAW_VERSION,
                        .journal_id = {1, 2, 3},
                        .programme = BYTES_LITERAL("shop"),
                        .partition_count = 1,
                        .time_kind = TIME_APPEND},
        };
        return;
    }
    if (offset == 1) {
        const struct activation_terms terms = {.live = false};
        struct program program;
        struct bytes yaml = BYTES_LITERAL(RULEBOOK_TEXT);
        diagnostics_init(&rulebook.diagnostics, "shop.yaml", yaml);
        cr_assert(activation_build(yaml, &terms, &rulebook.arena, &rulebook.diagnostics, &program,
                                   &activation));
        *out_entry = (struct entry){.kind = ENTRY_ACTIVATION, .activation = activation};
        return;
    }
    snprintf(id, sizeof id, "o-%lld", (long long)offset);
    snprintf(member, sizeof member, "m-%lld", (long long)(offset * offset % MEMBERS));
    line = (struct event_line){.line_id = BYTES_LITERAL("1"),
                               .category = BYTES_LITERAL("a"),
                               .kind = LINE_GOODS,
                               .quantity_milli = 1000,
                               .amount_minor = 1000 + offset % 977};
    *out_entry = (struct entry){
        .kind = ENTRY_EVENT,
        .event = {.kind = EVENT_PURCHASE,
                  .source = BYTES_LITERAL("till"),
                  .id = bytes_from_cstr(id),
                  .member = bytes_from_cstr(member),
                  .occurred_at = {INT64_C(1767312000000) + offset * 60000},
                  .content_hash = (uint64_t)offset,
                  .purchase = {.order_id = bytes_from_cstr(id),
                               .currency = 826,
                               .lines = &line,
                               .line_count = 1}},
    };
}

/* ---- A shell as small as can be ------------------------------------------------------------- */

struct shell {
    struct region slab_memory, effects_memory, items_memory;
    struct slab slab;
    struct arena arena;
    struct effects effects;
    struct store *store;
    struct state *state;
};

static void
shell_open(struct shell *shell, const char *path)
{
    const struct store_options options = {.cache_bytes = 4 << 20, .create = true};
    const struct state_options state_options = {.expected_members = 16};
    *shell = (struct shell){.store = NULL};
    if (rulebook.memory.memory == NULL) rulebook_open(RULEBOOK_TEXT, 0, &rulebook);
    cr_assert(region_map(64 << 20, &shell->slab_memory, &fault));
    cr_assert(region_map(64 << 20, &shell->effects_memory, &fault));
    cr_assert(region_map(sizeof(struct effect) * EFFECTS_CAPACITY, &shell->items_memory, &fault));
    slab_init(&shell->slab, shell->slab_memory.memory, shell->slab_memory.size);
    arena_init(&shell->arena, shell->effects_memory.memory, shell->effects_memory.size);
    shell->effects = (struct effects){
        .items = shell->items_memory.memory, .capacity = EFFECTS_CAPACITY, .arena = &shell->arena};
    cr_assert(store_open(path, &options, &shell->store, NULL, &fault), "%s", fault.text);
    cr_assert(state_open(&shell->slab, &state_options, &shell->state, &fault), "%s", fault.text);
    cr_assert(store_restore(shell->store, shell->state, &fault), "%s", fault.text);
}

static void
shell_close(struct shell *shell)
{
    state_close(shell->state);
    store_close(shell->store);
    region_unmap(&shell->slab_memory);
    region_unmap(&shell->effects_memory);
    region_unmap(&shell->items_memory);
}

static struct state_info
shell_info(const struct shell *shell)
{
    struct state_info info;
    state_info(shell->state, &info);
    return info;
}

static void
shell_fold_one(struct shell *shell, int64_t offset)
{
    static struct needs needs;
    struct entry entry;
    int64_t append_ms = INT64_C(1767312000000) + offset * 60000;
    journal_entry(offset, &entry);
    cr_assert(state_reserve(shell->state, 1, &fault));
    for (;;) {
        needs.count = 0;
        fold_needs(shell->state, &entry, append_ms, &needs);
        if (needs.count == 0) break;
        cr_assert(store_fetch(shell->store, shell->state, &needs, &fault), "%s", fault.text);
    }
    cr_assert(fold_apply(shell->state, &entry, (struct position){.offset = offset}, append_ms,
                         &shell->effects, &fault),
              "%s", fault.text);
    for (;;) {
        needs.count = 0;
        enum due_result due = fold_due(shell->state, 1024, &shell->effects, &needs);
        if (due == DUE_DONE) break;
        if (due == DUE_NEEDS)
            cr_assert(store_fetch(shell->store, shell->state, &needs, &fault), "%s", fault.text);
    }
    shell->effects.count = 0;
    arena_reset_to(&shell->arena, 0);
    state_record_done(shell->state, offset, (uint64_t)offset);
}

static void
shell_fold_to(struct shell *shell, int64_t end)
{
    for (int64_t offset = shell_info(shell).next_offset; offset < end; offset++)
        shell_fold_one(shell, offset);
}

static bool
shell_checkpoint(struct shell *shell)
{
    state_checkpoint_begin(shell->state);
    if (!store_checkpoint_build(shell->store, shell->state, &fault)) return false;
    if (!store_checkpoint_commit(shell->store, &fault)) return false;
    state_checkpoint_end(shell->state);
    return true;
}

static void
expect_same(const struct state_info *is, const struct state_info *should, const char *what)
{
    cr_expect_eq(is->next_offset, should->next_offset, "%s", what);
    cr_expect_eq(is->next_ordinal, should->next_ordinal, "%s", what);
    cr_expect_eq(is->members, should->members, "%s", what);
    cr_expect_eq(is->chain, should->chain, "%s", what);
    cr_expect_eq(is->clock.ms, should->clock.ms, "%s", what);
    cr_expect(hash128_equal(is->digest, should->digest), "%s: digest", what);
    for (size_t i = 0; i < TOPIC_COUNT; i++) {
        cr_expect_eq(is->outputs[i].next_sequence, should->outputs[i].next_sequence, "%s", what);
        cr_expect_eq(is->outputs[i].hash, should->outputs[i].hash, "%s", what);
    }
}

/* ---- Tests ----------------------------------------------------------------------------------- */

Test(store_state, a_restored_state_goes_on_as_if_nothing_had_been)
{
    enum { ORDERS = 1500 };
    const struct {
        const char *what;
        int64_t every; /* records between checkpoints */
        bool cold, reopen;
    } rows[] = {
        {"one checkpoint at the end", ORDERS, false, false},
        {"many checkpoints", 100, false, false},
        {"opened again after each", 300, false, true},
        {"every account cold after each", 100, true, false},
        {"opened again, every account cold", 70, true, true},
    };
    struct shell shell;
    struct disk_folder folder = disk_folder_make();
    shell_open(&shell, folder.path);
    shell_fold_to(&shell, ORDERS);
    struct state_info straight = shell_info(&shell);
    cr_assert_eq(straight.verdicts[VERDICT_ACCEPTED], ORDERS - FIRST_ORDER);
    shell_close(&shell);
    disk_folder_remove(&folder);

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *what = rows[i].what;
        folder = disk_folder_make();
        shell_open(&shell, folder.path);
        for (int64_t end = 0; end < ORDERS;) {
            end = end + rows[i].every < ORDERS ? end + rows[i].every : ORDERS;
            shell_fold_to(&shell, end);
            cr_assert(shell_checkpoint(&shell), "%s: %s", what, fault.text);
            if (rows[i].cold) state_evict(shell.state, 64 << 20);
            struct state_info before = shell_info(&shell);
            if (!rows[i].reopen) continue;
            shell_close(&shell);
            shell_open(&shell, folder.path);
            struct state_info after = shell_info(&shell);
            expect_same(&after, &before, what);
        }
        struct state_info info = shell_info(&shell);
        expect_same(&info, &straight, what);
        struct hash128 digest;
        cr_expect(store_verify(shell.store, &digest, &fault), "%s: %s", what, fault.text);
        cr_expect(hash128_equal(digest, straight.digest), "%s: recomputed digest", what);
        shell_close(&shell);
        disk_folder_remove(&folder);
    }
}

Test(store_state, a_killed_process_goes_on_from_one_checkpoint_or_the_next)
{
    enum { EVERY = 60, ROUNDS = 9 };
    const char *const sites[] = {"before_build", "before_ingest", "after_ingest"};
    struct disk_folder folder = disk_folder_make();
    struct shell shell;
    int64_t reached = 0;
    for (int round = 0; round < ROUNDS; round++) {
        char crash_at[64];
        snprintf(crash_at, sizeof crash_at, "checkpoint.%s:%d", sites[round % 3], 1 + round / 3);
        pid_t child = fork();
        cr_assert_geq(child, 0);
        if (child == 0) {
            setenv(CRASH_ENVIRONMENT, crash_at, 1);
            if (!crash_init(&fault)) _exit(1);
            shell_open(&shell, folder.path);
            for (int64_t end = reached + EVERY;; end += EVERY) {
                shell_fold_to(&shell, end);
                if (!shell_checkpoint(&shell)) _exit(2);
            }
        }
        int status = 0;
        cr_assert_eq(waitpid(child, &status, 0), child);
        cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "%s: %d", crash_at, status);
        reached += EVERY * (round / 3 + (round % 3 == 2));

        shell_open(&shell, folder.path);
        cr_assert_eq(shell_info(&shell).next_offset, reached, "%s", crash_at);
        struct hash128 digest;
        cr_assert(store_verify(shell.store, &digest, &fault), "%s: %s", crash_at, fault.text);
        cr_assert(hash128_equal(digest, shell_info(&shell).digest), "%s", crash_at);
        shell_close(&shell);
    }
    disk_folder_remove(&folder);
}
