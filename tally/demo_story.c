#include "tally/demo_story.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/clock.h"
#include "engine/base/murmur2.h"
#include "engine/core/calendar.h"
#include "tally/demo_engine.h"
#include "tally/demo_ledger.h"
#include "tally/demo_shop.h"
#include "tally/demo_view.h"
#include "tally/output_walk.h"
#include "tally/posting_words.h"
#include "tally/session.h"
#include "tallybook/v1/output.pb-c.h"

enum {
    STORY_DAYS = 110, /* from October over the year's end, when levels are reviewed */
    STORY_STATEMENT_LINES = 6,
    STORY_WAIT_MS = 50,
};

#define STORY_SEED UINT64_C(1904)

/* The journal's id is part of every identity's hash and so of the digest: the same each time. */
static const uint8_t story_journal_id[JOURNAL_ID_BYTES] = {'t', 'a', 'l', 'l', 'y', 'b', 'o', 'o',
                                                           'k', ' ', 's', 't', 'o', 'r', 'y', 1};

struct statement_line {
    int64_t at_ms, points, active_after;
    Tallybook__V1__Posting__Kind kind;
    char event[DEMO_TEXT_BYTES], order[DEMO_TEXT_BYTES];
};

struct story {
    struct command_context *context;
    FILE *out; /* into memory: a closed pipe must not end us before the folder is removed */
    struct demo_engine engine;
    struct demo_shop *shop;
    struct demo_ledger *ledger;
    struct instant start;
    struct partition_status status[DEMO_PARTITIONS];
    struct status_totals totals;
    struct hash128 digest;
    int64_t elapsed_ms;
    struct statement_line statement[STORY_STATEMENT_LINES]; /* the last ones, a ring */
    uint64_t statement_count;
};

/* ---- Playing
 * ---------------------------------------------------------------------------------------------------------
 */

static bool
story_live(struct story *story, struct fault *out_fault)
{
    struct progress progress;
    progress_begin(&progress, story->context->err, "demo", "days", STORY_DAYS,
                   clock_monotonic_ns());
    bool ok = demo_shop_activate(story->shop, &story->engine.activation, out_fault);
    for (int64_t day = 1; ok && day <= STORY_DAYS; day++) {
        struct instant until = {story->start.ms + day * CALENDAR_DAY_MS};
        ok = demo_shop_advance(story->shop, until, out_fault);
        if (ok && atomic_load(&session_stop))
            ok = fault_set(out_fault, FAULT_TRY_AGAIN, "stopped before the story's end");
        progress_update(&progress, day, clock_monotonic_ns());
    }
    progress_end(&progress);
    return ok && demo_shop_flush(story->shop, out_fault) &&
           instance_wait_idle(story->engine.instance, NULL, NULL, out_fault);
}

static bool
story_read(struct story *story, struct fault *out_fault)
{
    static const enum topic topics[] = {TOPIC_POSTINGS, TOPIC_OUTCOMES, TOPIC_TIERS, TOPIC_NOTICES};
    struct output_cursor *cursor;
    uint64_t count;
    if (!demo_engine_ask(&story->engine, story->status, &story->totals, out_fault) ||
        !output_cursor_open(story->engine.outputs, topics, sizeof topics / sizeof *topics, 0,
                            DEMO_PARTITIONS - 1, false, &cursor, out_fault))
        return false;
    bool ok = true;
    while (ok && !demo_ledger_has_all(story->ledger, story->status, DEMO_PARTITIONS))
        ok = output_cursor_read(cursor, STORY_WAIT_MS, false, demo_ledger_take, story->ledger,
                                &count, out_fault);
    output_cursor_close(cursor);
    story->digest = demo_engine_digest(story->status);
    return ok && demo_ledger_compare(story->ledger, &story->totals, story->status, DEMO_PARTITIONS,
                                     out_fault);
}

/* Postings of one event, one kind and one instant are one line: a spend takes from several lots. */
static void
statement_add(struct story *story, const Tallybook__V1__Posting *posting)
{
    const char *event = posting->event == NULL ? "" : posting->event->id;
    struct statement_line *line =
        &story->statement[(story->statement_count + STORY_STATEMENT_LINES - 1) %
                          STORY_STATEMENT_LINES];
    bool plus = posting->to == TALLYBOOK__V1__ACCOUNT__ACCOUNT_ACTIVE;
    bool same = story->statement_count > 0 && line->kind == posting->kind &&
                line->at_ms == posting->effective_at_ms && strcmp(line->event, event) == 0;
    if (!same) {
        line = &story->statement[story->statement_count++ % STORY_STATEMENT_LINES];
        *line = (struct statement_line){.at_ms = posting->effective_at_ms, .kind = posting->kind};
        snprintf(line->event, sizeof line->event, "%s", event);
        snprintf(line->order, sizeof line->order, "%s", posting->order_id);
    }
    line->points += plus ? posting->points : -posting->points;
    line->active_after = posting->active_after;
}

static bool
statement_take(void *argument, const struct output_item *item, struct fault *out_fault)
{
    struct story *story = argument;
    (void)out_fault;
    if (!bytes_equal(item->key, bytes_from_cstr(story->ledger->example.member))) return true;
    Tallybook__V1__Posting *posting =
        tallybook__v1__posting__unpack(NULL, item->message.size, item->message.data);
    CHECK(posting != NULL); /* the ledger has read it before */
    if (strcmp(posting->currency, story->ledger->books[DEMO_SPENDABLE].currency) == 0)
        statement_add(story, posting);
    tallybook__v1__posting__free_unpacked(posting, NULL);
    return true;
}

static bool
story_read_statement(struct story *story, struct fault *out_fault)
{
    const struct demo_example *example = &story->ledger->example;
    if (!example->found)
        return fault_set(out_fault, FAULT_SOFTWARE, "nobody rose to another level in the story");
    uint32_t partition = murmur2_partition(bytes_from_cstr(example->member), DEMO_PARTITIONS);
    const struct output_walk_options walk = {
        .topic = TOPIC_POSTINGS,
        .first_partition = partition,
        .last_partition = partition,
        .stop = &session_stop,
    };
    return output_walk(story->engine.outputs, &walk, statement_take, story, out_fault);
}

static bool
story_play(struct story *story, struct fault *out_fault)
{
    int64_t begun_ns = clock_monotonic_ns();
    if (!demo_engine_open(story_journal_id, false, &story->engine, out_fault)) return false;
    story->start = story->engine.program.effective_from;
    story->ledger = demo_ledger_open(&story->engine.program);
    if (!demo_shop_open(story->engine.journal, story->start, STORY_SEED, &story->shop, out_fault) ||
        !story_live(story, out_fault) || !story_read(story, out_fault))
        return false;
    story->elapsed_ms = (clock_monotonic_ns() - begun_ns) / 1000000;
    return story_read_statement(story, out_fault);
}

/* ---- Telling
 * ---------------------------------------------------------------------------------------------------------
 */

static const struct statement_line *
statement_line(const struct story *story, uint64_t at)
{
    uint64_t kept = story->statement_count < STORY_STATEMENT_LINES ? story->statement_count
                                                                   : STORY_STATEMENT_LINES;
    return at < kept
               ? &story->statement[(story->statement_count - kept + at) % STORY_STATEMENT_LINES]
               : NULL;
}

static int64_t
story_rate(const struct story *story)
{
    return story->elapsed_ms > 0 ? (int64_t)story->ledger->events * 1000 / story->elapsed_ms : 0;
}

/* "1,234", from a few buffers in turn, so that one line can hold several. */
static const char *
count(int64_t figure)
{
    static char texts[16][FIGURE_MAX];
    static unsigned next;
    return format_count(figure, texts[next++ % 16]);
}

static void
heading(const struct story *story, const char *text)
{
    const struct terminal *out = story->context->out;
    fprintf(story->out, "%s%-11s%s", terminal_style(out, STYLE_BOLD), text,
            terminal_style(out, STYLE_PLAIN));
}

static void
tell_orders(const struct story *story)
{
    const struct demo_ledger *ledger = story->ledger;
    FILE *out = story->out;
    heading(story, "Events");
    fprintf(out, "%s: %s orders, %s redemptions, %s returns, %s cancellations by %s members\n",
            count((int64_t)ledger->events), count((int64_t)ledger->orders),
            count((int64_t)ledger->redemptions), count((int64_t)ledger->refunds),
            count((int64_t)ledger->cancellations), count(ledger->member_count));
    heading(story, "");
    const char *before = "";
    for (size_t i = 0; i < DEMO_VERDICTS; i++) {
        if (ledger->verdicts[i] == 0) continue;
        fprintf(out, "%s%s %s", before, count((int64_t)ledger->verdicts[i]),
                ledger->verdict_names[i]);
        before = ", ";
    }
    fputc('\n', out);
}

static void
tell_points(const struct story *story)
{
    const struct demo_books *books = &story->ledger->books[DEMO_SPENDABLE];
    FILE *out = story->out;
    heading(story, "Points");
    fprintf(out,
            "%s earned, %s redeemed, %s expired, %s taken back with returned goods\n%-11sof those "
            "%s were spent already and became arrears, %s of them are repaid\n",
            count(books->issued), count(books->redeemed), count(books->expired),
            count(books->reversed), "", count(books->owed), count(books->repaid));
}

static void
tell_tiers(const struct story *story)
{
    const struct demo_ledger *ledger = story->ledger;
    const struct demo_example *example = &ledger->example;
    const struct program_group *group = &ledger->program->groups[0];
    FILE *out = story->out;
    heading(story, "Levels");
    fprintf(out, "%s up, %s down, %s confirmed at the year's end; now",
            count((int64_t)ledger->upgrades), count((int64_t)ledger->downgrades),
            count((int64_t)ledger->renewals));
    for (uint32_t i = 0; i < group->level_count; i++)
        fprintf(out, "%s %s %.*s", i == 0 ? "" : ",", count(ledger->level_counts[i]),
                (int)group->levels[i].id.size, (const char *)group->levels[i].id.data);
    char when[INSTANT_TEXT_MAX];
    instant_format((struct instant){example->at_ms}, when);
    fputc('\n', out);
    heading(story, "");
    fprintf(out, "%s rose from %s to %s at %.16s: event %s of %s brought growth to %s\n",
            example->member, example->from, example->to, when, example->event, example->source,
            count(example->metric));
}

static void
tell_statement(const struct story *story)
{
    FILE *out = story->out;
    heading(story, "Statement");
    fprintf(out, "the last lines of %s on the account of %s\n",
            count((int64_t)story->statement_count), story->ledger->example.member);
    const struct statement_line *line;
    for (uint64_t i = 0; (line = statement_line(story, i)) != NULL; i++) {
        char when[INSTANT_TEXT_MAX];
        instant_format((struct instant){line->at_ms}, when);
        fprintf(out, "%-11s%.10s %.5s  %-10s%-10s%s%s, %s after\n", "", when, when + 11,
                posting_word(line->kind), line->order, line->points > 0 ? "+" : "",
                count(line->points), count(line->active_after));
    }
}

static void
story_tell(const struct story *story)
{
    const struct demo_ledger *ledger = story->ledger;
    const struct demo_books *books = &ledger->books[DEMO_SPENDABLE];
    char first[DEMO_DATE_BYTES], last[DEMO_DATE_BYTES], digest[33], took[FIGURE_MAX];
    int64_t first_day = story->start.ms / CALENDAR_DAY_MS;
    heading(story, "Story");
    fprintf(story->out, "%d days of a bookshop's club, %s to %s, in %d partitions\n", STORY_DAYS,
            demo_format_day(first_day, true, first),
            demo_format_day(first_day + STORY_DAYS - 1, true, last), DEMO_PARTITIONS);
    tell_orders(story);
    tell_points(story);
    tell_tiers(story);
    tell_statement(story);
    heading(story, "Conserved");
    fprintf(story->out,
            "%s issued = %s active − %s arrears + %s redeemed + %s expired + %s returned\n",
            count(books->issued), count(books->active), count(books->arrears),
            count(books->redeemed), count(books->expired), count(books->reversed));
    heading(story, "");
    fprintf(story->out, "summed from the outputs, and equal to the engine's own books\n");
    hash128_format(story->digest, digest);
    heading(story, "Digest");
    fprintf(story->out, "%s, the same in every run\n", digest);
    heading(story, "Rate");
    fprintf(story->out, "%s events and %s effects, durable, in %s: %s events/s\n",
            count((int64_t)ledger->events), count((int64_t)ledger->effects),
            format_duration(story->elapsed_ms, took), count(story_rate(story)));
}

/* ---- Telling as JSON
 * -------------------------------------------------------------------------------------------------
 */

static void
put_number(struct json_object *object, const char *name, int64_t number)
{
    json_object_object_add(object, name, json_object_new_int64(number));
}

static void
put_text(struct json_object *object, const char *name, const char *text)
{
    json_object_object_add(object, name, json_object_new_string(text));
}

static void
put_instant(struct json_object *object, const char *name, int64_t at_ms)
{
    char text[INSTANT_TEXT_MAX];
    instant_format((struct instant){at_ms}, text);
    put_text(object, name, text);
}

static struct json_object *
json_events(const struct demo_ledger *ledger)
{
    struct json_object *object = json_object_new_object(), *verdicts = json_object_new_object();
    put_number(object, "total", (int64_t)ledger->events);
    put_number(object, "orders", (int64_t)ledger->orders);
    put_number(object, "redemptions", (int64_t)ledger->redemptions);
    put_number(object, "refunds", (int64_t)ledger->refunds);
    put_number(object, "cancellations", (int64_t)ledger->cancellations);
    for (size_t i = 0; i < DEMO_VERDICTS; i++)
        if (ledger->verdicts[i] > 0)
            put_number(verdicts, ledger->verdict_names[i], (int64_t)ledger->verdicts[i]);
    json_object_object_add(object, "verdicts", verdicts);
    return object;
}

static struct json_object *
json_books(const struct demo_books *books)
{
    struct json_object *object = json_object_new_object();
    put_number(object, "issued", books->issued);
    put_number(object, "active", books->active);
    put_number(object, "arrears", books->arrears);
    put_number(object, "redeemed", books->redeemed);
    put_number(object, "expired", books->expired);
    put_number(object, "reversed", books->reversed);
    return object;
}

static struct json_object *
json_levels(const struct demo_ledger *ledger)
{
    const struct program_group *group = &ledger->program->groups[0];
    const struct demo_example *told = &ledger->example;
    struct json_object *object = json_object_new_object(), *members = json_object_new_object();
    struct json_object *example = json_object_new_object();
    put_number(object, "up", (int64_t)ledger->upgrades);
    put_number(object, "down", (int64_t)ledger->downgrades);
    put_number(object, "renewed", (int64_t)ledger->renewals);
    for (uint32_t i = 0; i < group->level_count; i++) {
        char level[DEMO_TEXT_BYTES];
        snprintf(level, sizeof level, "%.*s", (int)group->levels[i].id.size,
                 (const char *)group->levels[i].id.data);
        put_number(members, level, ledger->level_counts[i]);
    }
    json_object_object_add(object, "members", members);
    put_text(example, "member", told->member);
    put_text(example, "from", told->from);
    put_text(example, "to", told->to);
    put_instant(example, "at", told->at_ms);
    put_text(example, "source", told->source);
    put_text(example, "event", told->event);
    put_number(example, "metric", told->metric);
    json_object_object_add(object, "example", example);
    return object;
}

static struct json_object *
json_statement(const struct story *story)
{
    struct json_object *lines = json_object_new_array();
    const struct statement_line *line;
    for (uint64_t i = 0; (line = statement_line(story, i)) != NULL; i++) {
        struct json_object *object = json_object_new_object();
        put_instant(object, "at", line->at_ms);
        put_text(object, "kind", posting_word(line->kind));
        put_text(object, "order", line->order);
        put_number(object, "points", line->points);
        put_number(object, "activeAfter", line->active_after);
        json_object_array_add(lines, object);
    }
    return lines;
}

static void
story_tell_json(const struct story *story)
{
    const struct demo_ledger *ledger = story->ledger;
    struct json_object *object = json_object_new_object(), *points = json_object_new_object();
    char digest[33];
    hash128_format(story->digest, digest);
    put_number(object, "days", STORY_DAYS);
    put_instant(object, "from", story->start.ms);
    put_instant(object, "to", ledger->clock_ms);
    put_number(object, "members", ledger->member_count);
    json_object_object_add(object, "events", json_events(ledger));
    for (uint32_t i = 0; i < ledger->program->currency_count; i++)
        json_object_object_add(points, ledger->books[i].currency, json_books(&ledger->books[i]));
    json_object_object_add(object, "totals", points);
    json_object_object_add(object, "levels", json_levels(ledger));
    json_object_object_add(object, "statement", json_statement(story));
    put_text(object, "digest", digest);
    put_number(object, "effects", (int64_t)ledger->effects);
    put_number(object, "elapsedMs", story->elapsed_ms);
    put_number(object, "eventsPerSecond", story_rate(story));
    fprintf(story->out, "%s\n", json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
    json_object_put(object);
}

int
demo_story_run(struct command_context *context)
{
    struct story *story = calloc(1, sizeof *story);
    struct fault fault;
    char *text;
    size_t size;
    CHECK(story != NULL);
    story->context = context;
    story->out = open_memstream(&text, &size);
    CHECK(story->out != NULL);
    bool ok = story_play(story, &fault);
    if (ok && options_flag(context->options, OPTION_JSON)) story_tell_json(story);
    if (ok && !options_flag(context->options, OPTION_JSON)) story_tell(story);
    if (story->shop != NULL) demo_shop_close(story->shop);
    demo_engine_close(&story->engine);
    if (story->ledger != NULL) demo_ledger_close(story->ledger);
    fclose(story->out);
    fwrite(text, 1, size, context->out->file);
    free(text);
    free(story);
    return ok ? 0 : command_fail(context, &fault);
}
