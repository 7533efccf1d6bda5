/* One member as it came about: the statement of every posting, and why grants are what they are. */
#include <inttypes.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/murmur2.h"
#include "tally/command.h"
#include "tally/member_key.h"
#include "tally/output_walk.h"
#include "tally/posting_words.h"
#include "tally/session.h"

struct postings {
    const struct command_context *context;
    struct bytes key;
    bool (*wanted)(const struct postings *postings, const Tallybook__V1__Posting *posting);
    void (*print)(const struct terminal *terminal, const Tallybook__V1__Posting *posting);
    void (*heading)(const struct terminal *terminal); /* may be NULL */
    uint64_t count;
};

static bool
postings_take(void *argument, const struct output_item *item, struct fault *out_fault)
{
    struct postings *postings = argument;
    const struct command_context *context = postings->context;
    if (!bytes_equal(item->key, postings->key)) return true;
    Tallybook__V1__Posting *posting =
        tallybook__v1__posting__unpack(NULL, item->message.size, item->message.data);
    if (posting == NULL) {
        return fault_set(out_fault, FAULT_DATA, "posting %" PRIu64 " of partition %u is unreadable",
                         item->sequence, item->partition);
    }
    if (postings->wanted(postings, posting)) {
        postings->count++;
        if (options_flag(context->options, OPTION_JSON)) {
            fprintf(context->out->file, "%.*s\n", (int)item->json.size,
                    (const char *)item->json.data);
        } else {
            if (postings->count == 1 && postings->heading != NULL) postings->heading(context->out);
            postings->print(context->out, posting);
        }
    }
    tallybook__v1__posting__free_unpacked(posting, NULL);
    return true;
}

/* Walks over the member's partition; returns the exit code. */
static int
postings_run(struct postings *postings)
{
    const struct command_context *context = postings->context;
    char key[MEMBER_KEY_MAX];
    struct session *session = NULL;
    struct fault fault;
    session_catch_signals();
    bool ok = member_key(context, key, &fault) &&
              session_open(context->options, SESSION_SHARED, &session, &fault);
    if (ok) {
        struct journal *journal = session_journal(session);
        postings->key = bytes_from_cstr(key);
        uint32_t partition =
            murmur2_partition(postings->key, journal->ops->partition_count(journal));
        struct output_walk_options walk = {
            .topic = TOPIC_POSTINGS,
            .first_partition = partition,
            .last_partition = partition,
            .json = options_flag(context->options, OPTION_JSON),
            .stop = &session_stop,
        };
        ok = output_walk(session_outputs(session), &walk, postings_take, postings, &fault);
        if (ok && postings->count == 0)
            ok = fault_set(&fault, FAULT_NO_INPUT, "no such posting of '%s' in partition %u",
                           context->arguments[0], partition);
    }
    if (session != NULL) session_close(session);
    return ok ? 0 : command_fail(context, &fault);
}

/* ---- Statement ---- */

static bool
statement_wanted(const struct postings *postings, const Tallybook__V1__Posting *posting)
{
    (void)postings;
    (void)posting;
    return true;
}

int
cmd_member_statement(struct command_context *context)
{
    struct postings postings = {
        .context = context,
        .wanted = statement_wanted,
        .print = posting_statement,
        .heading = posting_statement_heading,
    };
    return postings_run(&postings);
}

/* ---- Explain ---- */

/* "source/id"; both may hold slashes, so the whole is compared. */
static bool
is_event(const Tallybook__V1__EventRef *event, const char *wanted)
{
    if (event == NULL) return false;
    size_t size = strlen(event->source);
    return strncmp(wanted, event->source, size) == 0 && wanted[size] == '/' &&
           strcmp(wanted + size + 1, event->id) == 0;
}

static bool
is_lot(const Tallybook__V1__LotId *lot, const char *wanted)
{
    char text[48];
    if (lot == NULL) return false;
    snprintf(text, sizeof text, "%" PRIu64 ".%u", lot->ordinal, lot->index);
    return strcmp(text, wanted) == 0;
}

/* All that befell the lot, or that the event did; asked for neither, every grant. */
static bool
explain_wanted(const struct postings *postings, const Tallybook__V1__Posting *posting)
{
    const struct options *options = postings->context->options;
    const char *event = options_text(options, OPTION_EVENT),
               *lot = options_text(options, OPTION_LOT);
    if (*event != '\0' && !is_event(posting->event, event)) return false;
    if (*lot != '\0' && !is_lot(posting->lot, lot)) return false;
    return *event != '\0' || *lot != '\0' || posting->kind == TALLYBOOK__V1__POSTING__KIND__GRANT ||
           posting->kind == TALLYBOOK__V1__POSTING__KIND__QUARANTINE;
}

int
cmd_member_explain(struct command_context *context)
{
    struct postings postings = {
        .context = context,
        .wanted = explain_wanted,
        .print = posting_explain,
    };
    return postings_run(&postings);
}
