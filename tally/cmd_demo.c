/* A living ledger with nothing to set up: a shop's traffic, a real engine on an embedded journal,
 * and a screen fed by a reader of the outputs. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>

#include "engine/base/check.h"
#include "engine/base/clock.h"
#include "engine/core/calendar.h"
#include "tally/command.h"
#include "tally/demo_engine.h"
#include "tally/demo_ledger.h"
#include "tally/demo_screen.h"
#include "tally/demo_shop.h"
#include "tally/demo_story.h"
#include "tally/demo_view.h"
#include "tally/session.h"

enum {
    DEMO_PAST_DAYS =
        40, /* told at once at the start, so that points expire from the first second */
    DEMO_DAY_WALL_MS = 1000,
    DEMO_STEP_MS = 50,
    DEMO_FRAME_MS = 100,
    DEMO_FEED_FRAMES = 2, /* new lines come every second frame, slow enough to be read */
    DEMO_READ_MS = 60,    /* of a frame's time at most for reading what was published */
    DEMO_RATE_FRAMES = 10,
};

struct demo {
    struct command_context *context;
    struct demo_engine engine;
    struct demo_shop *shop;
    struct demo_ledger *ledger;
    struct output_cursor *cursor;
    struct demo_screen *screen;
    struct demo_view view;
    struct demo_pulse pulse;
    struct partition_status status[DEMO_PARTITIONS];
    struct status_totals totals;
    /* Of the last frames: what had been read, and when. */
    uint64_t events_then[DEMO_RATE_FRAMES], effects_then[DEMO_RATE_FRAMES];
    int64_t then_ns[DEMO_RATE_FRAMES];
    uint64_t frames;
    int64_t begun_ns;
    pthread_t shop_thread;
    bool shop_lives;
    struct fault shop_fault; /* written by the shop's thread before shop_failed */
    atomic_bool shop_failed; /* release there, acquire in demo_run */
};

static void
demo_on_hangup(int number)
{
    (void)number;
    atomic_store(&session_stop, true);
}

/* ---- The shop's thread
 * -----------------------------------------------------------------------------------------------
 */

/* The past at once, then a day a second. @thread shop */
static bool
demo_keep_shop(struct demo *demo, struct fault *out_fault)
{
    const int64_t start_ms = demo_shop_clock(demo->shop).ms;
    if (!demo_shop_activate(demo->shop, &demo->engine.activation, out_fault)) return false;
    for (int64_t day = 1; day <= DEMO_PAST_DAYS && !atomic_load(&session_stop); day++) {
        struct instant until = {start_ms + day * CALENDAR_DAY_MS};
        if (!demo_shop_advance(demo->shop, until, out_fault)) return false;
    }
    const int64_t now_ms = demo_shop_clock(demo->shop).ms, begun_ns = clock_monotonic_ns();
    while (!session_wait_for_stop(DEMO_STEP_MS)) {
        int64_t wall_ms = (clock_monotonic_ns() - begun_ns) / 1000000;
        int64_t passed_ms = wall_ms * (CALENDAR_DAY_MS / DEMO_DAY_WALL_MS);
        struct instant until = {now_ms + passed_ms / DEMO_MINUTE_MS * DEMO_MINUTE_MS};
        if (!demo_shop_advance(demo->shop, until, out_fault)) return false;
    }
    return true;
}

static void *
demo_run_shop(void *argument)
{
    struct demo *demo = argument;
    if (!demo_keep_shop(demo, &demo->shop_fault))
        atomic_store_explicit(&demo->shop_failed, true, memory_order_release);
    return NULL;
}

/* ---- The screen
 * ------------------------------------------------------------------------------------------------------
 */

/* Everything that was published, as far as a frame has time for it. */
static bool
demo_read(struct demo *demo, struct fault *out_fault)
{
    int64_t begun_ns = clock_monotonic_ns();
    uint64_t count;
    do {
        if (!output_cursor_read(demo->cursor, 0, false, demo_ledger_take, demo->ledger, &count,
                                out_fault))
            return false;
    } while (count > 0 && clock_monotonic_ns() - begun_ns < DEMO_READ_MS * INT64_C(1000000));
    return true;
}

static bool
demo_check(const struct demo *demo, struct fault *out_fault)
{
    for (uint32_t i = 0; i < demo->engine.program.currency_count; i++)
        if (!demo_books_are_conserved(&demo->ledger->books[i]))
            return fault_set(out_fault, FAULT_SOFTWARE, "%s: the outputs are not conserved",
                             demo->ledger->books[i].currency);
    return true;
}

static bool
demo_take_pulse(struct demo *demo, struct fault *out_fault)
{
    struct journal *journal = demo->engine.journal;
    int64_t now_ns = clock_monotonic_ns(), first, end;
    size_t at = demo->frames % DEMO_RATE_FRAMES;
    if (!demo_engine_ask(&demo->engine, demo->status, &demo->totals, out_fault)) return false;
    demo->pulse.lag_records = 0;
    for (uint32_t i = 0; i < DEMO_PARTITIONS; i++) {
        if (!journal->ops->bounds(journal, i, &first, &end, out_fault)) return false;
        if (end > demo->status[i].info.next_offset)
            demo->pulse.lag_records += end - demo->status[i].info.next_offset;
    }
    demo->pulse.digest = demo_engine_digest(demo->status);
    int64_t passed_ms = (now_ns - demo->then_ns[at]) / 1000000;
    if (demo->frames < DEMO_RATE_FRAMES) passed_ms = (now_ns - demo->begun_ns) / 1000000;
    if (passed_ms > 0) {
        demo->pulse.events_per_second =
            (int64_t)(demo->ledger->events - demo->events_then[at]) * 1000 / passed_ms;
        demo->pulse.effects_per_second =
            (int64_t)(demo->ledger->effects - demo->effects_then[at]) * 1000 / passed_ms;
    }
    demo->events_then[at] = demo->ledger->events;
    demo->effects_then[at] = demo->ledger->effects;
    demo->then_ns[at] = now_ns;
    return true;
}

static bool
demo_frame(struct demo *demo, struct fault *out_fault)
{
    if (!demo_read(demo, out_fault) || !demo_check(demo, out_fault) ||
        !demo_take_pulse(demo, out_fault))
        return false;
    if (demo->frames % DEMO_FEED_FRAMES == 0) demo_view_feed(&demo->view, demo->ledger);
    demo_view_draw(&demo->view, demo->ledger, &demo->pulse, demo->screen);
    demo->frames++;
    return true;
}

static bool
demo_show(struct demo *demo, struct fault *out_fault)
{
    while (!atomic_load(&session_stop)) {
        int64_t begun_ns = clock_monotonic_ns();
        if (atomic_load_explicit(&demo->shop_failed, memory_order_acquire)) {
            *out_fault = demo->shop_fault;
            return fault_wrap(out_fault, "the demo's shop");
        }
        if (!demo_frame(demo, out_fault)) return false;
        int64_t left_ms = DEMO_FRAME_MS - (clock_monotonic_ns() - begun_ns) / 1000000;
        int key = demo_screen_key(demo->screen, left_ms > 0 ? (int)left_ms : 0);
        if (key == 'q' || key == 'Q' || key == SCREEN_KEY_GONE) break;
    }
    return true;
}

/* ---- The demo
 * --------------------------------------------------------------------------------------------------------
 */

static bool
demo_run(struct demo *demo, struct fault *out_fault)
{
    static const enum topic topics[] = {TOPIC_POSTINGS, TOPIC_OUTCOMES, TOPIC_TIERS, TOPIC_NOTICES};
    uint64_t seed;
    demo->begun_ns = clock_monotonic_ns();
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
        return fault_set(out_fault, FAULT_IO, "no random number for the demo's shop");
    if (!demo_engine_open(NULL, true, &demo->engine, out_fault)) return false;
    demo->ledger = demo_ledger_open(&demo->engine.program);
    demo->pulse.folder = demo->engine.path;
    if (!output_cursor_open(demo->engine.outputs, topics, sizeof topics / sizeof *topics, 0,
                            DEMO_PARTITIONS - 1, false, &demo->cursor, out_fault) ||
        !demo_shop_open(demo->engine.journal, demo->engine.program.effective_from, seed,
                        &demo->shop, out_fault))
        return false;
    CHECK(pthread_create(&demo->shop_thread, NULL, demo_run_shop, demo) == 0);
    demo->shop_lives = true;
    return demo_screen_enter(demo->context->out, &demo->screen, out_fault) &&
           demo_show(demo, out_fault);
}

static void
demo_end(struct demo *demo)
{
    atomic_store(&session_stop, true);
    if (demo->shop_lives) pthread_join(demo->shop_thread, NULL);
    if (demo->screen != NULL) demo_screen_leave(demo->screen);
    if (demo->shop != NULL) demo_shop_close(demo->shop);
    if (demo->cursor != NULL) output_cursor_close(demo->cursor);
    demo_engine_close(&demo->engine);
}

static void
demo_say_goodbye(const struct demo *demo)
{
    FILE *out = demo->context->out->file;
    char events[FIGURE_MAX], effects[FIGURE_MAX], took[FIGURE_MAX];
    fprintf(out,
            "%s events, %s published effects in %s; the demo kept nothing.\n"
            "Next: 'tally demo --once' tells a story in figures, 'tally help' lists the rest.\n",
            format_count((int64_t)demo->ledger->events, events),
            format_count((int64_t)demo->ledger->effects, effects),
            format_duration((clock_monotonic_ns() - demo->begun_ns) / 1000000, took));
}

int
cmd_demo(struct command_context *context)
{
    const struct options *options = context->options;
    session_catch_signals();
    signal(SIGHUP, demo_on_hangup);
    if (options_flag(options, OPTION_ONCE) || options_flag(options, OPTION_JSON) ||
        !context->out->is_terminal)
        return demo_story_run(context);
    struct demo *demo = calloc(1, sizeof *demo);
    struct fault fault;
    CHECK(demo != NULL);
    demo->context = context;
    bool ok = demo_run(demo, &fault);
    demo_end(demo);
    if (ok) demo_say_goodbye(demo);
    if (demo->ledger != NULL) demo_ledger_close(demo->ledger);
    free(demo);
    return ok ? 0 : command_fail(context, &fault);
}
