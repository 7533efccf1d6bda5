/* Import: a file of events into the journal, and the account of what became of every row. */
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/intake_pack.h"
#include "consumers/map_csv.h"
#include "engine/base/check.h"
#include "engine/base/clock.h"
#include "engine/core/calendar.h"
#include "tally/command.h"
#include "tally/import_account.h"
#include "tally/import_copy.h"
#include "tally/import_source.h"
#include "tally/output_walk.h"
#include "tally/session.h"

enum {
    IMPORT_LOOK_EVENTS = 512,     /* between two looks at the outcomes */
    IMPORT_WAITING_MAX = 1 << 18, /* events without an outcome: the reader waits for the ledger,
                                     memory stays bounded */
    IMPORT_SAY_MS = 10 * 1000,
};

struct import {
    struct command_context *context;
    struct session *session;
    struct import_account *account;
    struct import_source *source;
    struct intake_pack *pack;
    struct output_cursor *outcomes;
    struct progress progress;
    FILE *list;
    bool history;
    struct instant until, last;
    int64_t begun_ns;
    uint64_t events;
};

static bool
import_take(void *context, const struct output_item *item, struct fault *out_fault)
{
    return import_take_outcome(context, item, out_fault);
}

/* Takes the outcomes that are there. A ledger that stopped would never answer: its fault ends the
 * import. */
static bool
import_look(struct import *import, int wait_ms, struct fault *out_fault)
{
    uint64_t count;
    if (!output_cursor_read(import->outcomes, wait_ms, false, import_take, import->account, &count,
                            out_fault))
        return false;
    progress_update(&import->progress, (int64_t)import_source_rows(import->source),
                    clock_monotonic_ns());
    struct instance *engine = session_engine(import->session);
    if (count == 0 && wait_ms > 0 && engine != NULL && instance_trouble(engine, out_fault))
        return false;
    if (atomic_load(&session_stop))
        return fault_set(
            out_fault, FAULT_TRY_AGAIN,
            "stopped after %" PRIu64
            " rows; what was appended stays, and importing the file again goes on from there",
            import_source_rows(import->source));
    return true;
}

static bool
import_event(struct import *import, const struct import_event *event, struct fault *out_fault)
{
    if (import->history && event->occurred_at.ms < import->last.ms) {
        char text[INSTANT_TEXT_MAX], last[INSTANT_TEXT_MAX];
        instant_format(event->occurred_at, text);
        instant_format(import->last, last);
        return fault_set(out_fault, FAULT_DATA,
                         "line %" PRIu64
                         ": the event of %s stands behind one of %s; a history is sorted by time",
                         event->lines[0], text, last);
    }
    import->last = event->occurred_at;
    import_expect(import->account, event->source, event->id, event->lines, event->line_count,
                  event->value);
    uint32_t partition = intake_pack_partition(import->pack, event->member);
    if (!intake_pack_event(import->pack, partition, event->wire,
                           import->history ? event->occurred_at.ms : 0, out_fault))
        return false;
    if (++import->events % IMPORT_LOOK_EVENTS == 0 && !import_look(import, 0, out_fault))
        return false;
    if (import_waiting(import->account) < IMPORT_WAITING_MAX) return true;
    if (!intake_pack_flush(import->pack, out_fault)) return false;
    while (import_waiting(import->account) >= IMPORT_WAITING_MAX / 2)
        if (!import_look(import, 100, out_fault)) return false;
    return true;
}

/* Waits for the outcome of everything that was appended. */
static bool
import_wait(struct import *import, struct fault *out_fault)
{
    int64_t said_ms = clock_monotonic_ns() / 1000000;
    uint64_t before = import_waiting(import->account);
    while (import_waiting(import->account) > 0) {
        if (!import_look(import, 100, out_fault)) return false;
        int64_t now_ms = clock_monotonic_ns() / 1000000;
        if (import_waiting(import->account) == before && now_ms - said_ms >= IMPORT_SAY_MS) {
            log_line(LOG_WARNING,
                     "import: everything is in the journal, %" PRIu64
                     " events are not judged yet; is 'tally run' running?",
                     before);
            said_ms = now_ms;
        }
        if (import_waiting(import->account) != before) said_ms = now_ms;
        before = import_waiting(import->account);
    }
    return true;
}

static bool
import_flush(struct import *import, struct fault *out_fault)
{
    if (!intake_pack_flush(import->pack, out_fault)) return false;
    while (intake_pack_durable(import->pack) < intake_pack_appended(import->pack))
        if (!intake_pack_poll(import->pack, 100, out_fault)) return false;
    return true;
}

static bool
import_rows(struct import *import, struct fault *out_fault)
{
    struct import_event event;
    bool end = false;
    while (!end) {
        if (!import_source_next(import->source, &event, &end, out_fault)) return false;
        if (!end && !import_event(import, &event, out_fault)) return false;
    }
    if (import->until.ms != 0) {
        if (import->until.ms < import->last.ms)
            return fault_set(out_fault, FAULT_USAGE, "--until is before the last event");
        if (!intake_pack_ticks(import->pack, import->until.ms, out_fault)) return false;
    }
    return import_flush(import, out_fault) && import_wait(import, out_fault);
}

/* ---- The account
 * --------------------------------------------------------------------------------------------------
 */

static void
print_sum(const struct import *import, const char *name, struct import_sum sum)
{
    FILE *out = import->context->out->file;
    char rows[FIGURE_MAX], value[MAP_VALUE_TEXT_MAX];
    format_count((int64_t)sum.rows, rows);
    if (*options_text(import->context->options, OPTION_MAP) ==
        '\0') { /* events have no value as rows of a shop's file have */
        fprintf(out, "  %-24s %12s rows\n", name, rows);
        return;
    }
    map_value_format((struct map_value){sum.value}, value);
    fprintf(out, "  %-24s %12s rows   %18s\n", name, rows, value);
}

static struct import_sum
sum_add(struct import_sum a, struct import_sum b)
{
    return (struct import_sum){a.rows + b.rows, a.value + b.value};
}

static void
print_account(const struct import *import, const char *digest)
{
    FILE *out = import->context->out->file;
    char events[FIGURE_MAX], known[FIGURE_MAX], rate[FIGURE_MAX], time[FIGURE_MAX];
    struct import_sum accepted = import_accepted(import->account),
                      seen = import_known(import->account),
                      refused = import_refused(import->account);
    size_t count;
    const struct import_reason *reasons = import_reasons(import->account, &count);
    fprintf(out, "Imported %s events",
            format_count((int64_t)import_events(import->account, false), events));
    if (import_events(import->account, true) > 0)
        fprintf(out, "; %s were known already and changed nothing",
                format_count((int64_t)import_events(import->account, true), known));
    fprintf(out, ".\n");
    print_sum(import, "accepted", accepted);
    if (seen.rows > 0) print_sum(import, "known already", seen);
    print_sum(import, "refused", refused);
    print_sum(import, "in the file", sum_add(sum_add(accepted, seen), refused));
    if (count > 0) fprintf(out, "Refused:\n");
    for (size_t i = 0; i < count; i++)
        print_sum(import, reasons[i].name, reasons[i].sum);
    if (count > 0 && import->list == NULL)
        fprintf(out, "  (--refused FILE lists each refused row with its reason)\n");
    int64_t elapsed_ms = (clock_monotonic_ns() - import->begun_ns) / 1000000 + 1;
    fprintf(out, "%s rows/s, %s. Digest %s\n",
            format_count((int64_t)import_source_rows(import->source) * 1000 / elapsed_ms, rate),
            format_duration(elapsed_ms, time), digest);
    if (refused.rows == 0)
        fputs("Done: no row was refused.\n", out);
    else
        fprintf(out, "Done, but %s rows were refused: exit code %d.\n",
                format_count((int64_t)refused.rows, events), COMMAND_REFUSED_SOME);
}

static struct json_object *
sum_json(struct import_sum sum)
{
    char value[MAP_VALUE_TEXT_MAX];
    struct json_object *object = json_object_new_object();
    map_value_format((struct map_value){sum.value}, value);
    json_object_object_add(object, "rows", json_object_new_int64((int64_t)sum.rows));
    json_object_object_add(object, "value", json_object_new_string(value));
    return object;
}

static void
print_account_json(const struct import *import, const char *digest)
{
    struct json_object *object = json_object_new_object(), *refused = json_object_new_object();
    struct import_sum accepted = import_accepted(import->account),
                      seen = import_known(import->account),
                      all_refused = import_refused(import->account);
    size_t count;
    const struct import_reason *reasons = import_reasons(import->account, &count);
    for (size_t i = 0; i < count; i++)
        json_object_object_add(refused, reasons[i].name, sum_json(reasons[i].sum));
    json_object_object_add(object, "events",
                           json_object_new_int64((int64_t)import_events(import->account, false)));
    json_object_object_add(object, "eventsKnown",
                           json_object_new_int64((int64_t)import_events(import->account, true)));
    json_object_object_add(object, "accepted", sum_json(accepted));
    json_object_object_add(object, "known", sum_json(seen));
    json_object_object_add(object, "refused", sum_json(all_refused));
    json_object_object_add(object, "total",
                           sum_json(sum_add(sum_add(accepted, seen), all_refused)));
    json_object_object_add(object, "reasons", refused);
    json_object_object_add(
        object, "elapsedMs",
        json_object_new_int64((clock_monotonic_ns() - import->begun_ns) / 1000000));
    json_object_object_add(object, "digest", json_object_new_string(digest));
    fprintf(import->context->out->file, "%s\n",
            json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
    json_object_put(object);
}

/* The digest once everything is folded, and the import's own engine is at rest. */
static bool
import_digest(struct import *import, char out_digest[33], struct fault *out_fault)
{
    char *json;
    struct instance *engine = session_engine(import->session);
    if (engine != NULL && (!instance_wait_idle(engine, NULL, NULL, out_fault) ||
                           !instance_checkpoint(engine, NULL, out_fault)))
        return false;
    if (!session_status(import->session, &json, out_fault)) return false;
    struct json_object *status = json_tokener_parse(json);
    CHECK(status != NULL);
    const char *digest = json_object_get_string(json_object_object_get(status, "digest"));
    CHECK(digest != NULL && strlen(digest) == 32);
    memcpy(out_digest, digest, 33);
    json_object_put(status);
    free(json);
    return true;
}

/* ---- Setting out
 * --------------------------------------------------------------------------------------------------
 */

static bool
import_check_time(struct import *import, struct fault *out_fault)
{
    const struct options *options = import->context->options;
    const char *until = options_text(options, OPTION_UNTIL);
    bool record = session_genesis(import->session)->time_kind == TIME_RECORD;
    import->history = options_flag(options, OPTION_HISTORY);
    if (import->history && !record)
        return fault_set(out_fault, FAULT_USAGE,
                         "--history: this journal stamps its own time; a history needs a journal "
                         "made with --journal-time record");
    if (!import->history && record)
        return fault_set(
            out_fault, FAULT_USAGE,
            "this is a history journal: say --history to take journal time from the events");
    if (*until == '\0') return true;
    if (!import->history) return fault_set(out_fault, FAULT_USAGE, "--until goes with --history");
    if (instant_parse(bytes_from_cstr(until), &import->until) != INSTANT_OK)
        return fault_set(out_fault, FAULT_USAGE,
                         "--until: '%s' is no instant such as 2011-12-31T00:00:00Z", until);
    return true;
}

static bool
import_open(struct import *import, struct fault *out_fault)
{
    const struct options *options = import->context->options;
    const char *list = options_text(options, OPTION_REFUSED),
               *map = options_text(options, OPTION_MAP);
    enum topic outcomes = TOPIC_OUTCOMES;
    if (!session_open(options, SESSION_SHARED, &import->session, out_fault) ||
        !import_check_time(import, out_fault))
        return false;
    if (*list != '\0' && (import->list = fopen(list, "we")) == NULL)
        return fault_set(out_fault, FAULT_CANNOT_CREATE, "'%s': %s", list, strerror(errno));
    import->account = import_account_open(import->list);
    struct journal *journal = session_journal(import->session);
    struct outputs *outputs = session_outputs(import->session);
    if (!import_source_open(import->context->arguments[0], *map != '\0' ? map : NULL,
                            import->account, import->context->err->file, &import->source,
                            out_fault) ||
        !output_cursor_open(outputs, &outcomes, 1, 0, journal->ops->partition_count(journal) - 1,
                            true, &import->outcomes, out_fault))
        return false;
    bool own_engine = session_kafka(import->session) == NULL && !session_is_remote(import->session);
    return (!own_engine || session_start_engine(import->session, out_fault)) &&
           intake_pack_open(journal, &session_stop, &import->pack, out_fault);
}

static bool
import_close(struct import *import, struct fault *out_fault)
{
    bool ok = true;
    if (import->pack != NULL) intake_pack_close(import->pack);
    if (import->outcomes != NULL) output_cursor_close(import->outcomes);
    if (import->source != NULL) import_source_close(import->source);
    if (import->account != NULL) import_account_close(import->account);
    if (import->list != NULL && fclose(import->list) != 0)
        ok = fault_set(out_fault, FAULT_IO, "the list of refused rows could not be written: %s",
                       strerror(errno));
    if (import->session != NULL) {
        if (session_engine(import->session) != NULL)
            ok = session_stop_engine(import->session, out_fault) && ok;
        session_close(import->session);
    }
    return ok;
}

int
cmd_import(struct command_context *context)
{
    struct import import = {.context = context, .begun_ns = clock_monotonic_ns()};
    struct fault fault, close_fault;
    char digest[33];
    session_catch_signals();
    if (import_is_packed_file(context->arguments[0])) return import_copy(context);
    bool ok = import_open(&import, &fault);
    if (ok) {
        progress_begin(&import.progress, context->err, "import", "rows", 0, import.begun_ns);
        ok = import_rows(&import, &fault) && import_digest(&import, digest, &fault);
        progress_end(&import.progress);
    }
    if (ok && options_flag(context->options, OPTION_JSON)) print_account_json(&import, digest);
    if (ok && !options_flag(context->options, OPTION_JSON)) print_account(&import, digest);
    int code = ok && import_refused(import.account).rows > 0 ? COMMAND_REFUSED_SOME : 0;
    if (!import_close(&import, &close_fault) && ok) {
        fault = close_fault;
        ok = false;
    }
    return ok ? code : command_fail(context, &fault);
}
