/* One member as it came about: the statement of every posting, why grants are what they are, and
 * how an event was answered. */
#include <inttypes.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/murmur2.h"
#include "tally/command.h"
#include "tally/member_key.h"
#include "tally/order_account.h"
#include "tally/outcome_words.h"
#include "tally/output_walk.h"
#include "tally/posting_words.h"
#include "tally/programme.h"
#include "tally/session.h"

struct postings {
    const struct command_context *context;
    struct bytes key;
    bool (*wanted)(const struct postings *postings, const Tallybook__V1__Posting *posting);
    void (*print)(const struct terminal *terminal, const struct program *program,
                  const Tallybook__V1__Posting *posting);
    void (*heading)(const struct terminal *terminal); /* may be NULL */
    const char *event;                                /* asked about: "source/id"; "": none */
    struct programme programme;
    struct order_accounts *orders;
    uint64_t count, answers;
};

/* "source/id"; both may hold slashes, so the whole is compared. */
static bool
is_event(const Tallybook__V1__EventRef *event, const char *wanted)
{
    if (event == NULL) return false;
    size_t size = strlen(event->source);
    return strncmp(wanted, event->source, size) == 0 && wanted[size] == '/' &&
           strcmp(wanted + size + 1, event->id) == 0;
}

/* The answers to the event that is asked about: one, and another for each time it was told again.
 */
static bool
answers_take(void *argument, const struct output_item *item, struct fault *out_fault)
{
    struct postings *postings = argument;
    const struct command_context *context = postings->context;
    if (!bytes_equal(item->key, postings->key)) return true;
    Tallybook__V1__Outcome *outcome =
        tallybook__v1__outcome__unpack(NULL, item->message.size, item->message.data);
    if (outcome == NULL) {
        return fault_set(out_fault, FAULT_DATA, "outcome %" PRIu64 " of partition %u is unreadable",
                         item->sequence, item->partition);
    }
    if (is_event(outcome->event, postings->event)) {
        postings->answers++;
        if (context->json)
            fprintf(context->out->file, "%.*s\n", (int)item->json.size,
                    (const char *)item->json.data);
        else
            outcome_explain(context->out, programme_program(&postings->programme), outcome);
    }
    tallybook__v1__outcome__free_unpacked(outcome, NULL);
    return true;
}

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
    order_accounts_take(postings->orders, posting, is_event(posting->event, postings->event));
    if (postings->wanted(postings, posting)) {
        postings->count++;
        if (options_flag(context->options, OPTION_JSON)) {
            fprintf(context->out->file, "%.*s\n", (int)item->json.size,
                    (const char *)item->json.data);
        } else {
            if (postings->count == 1 && postings->heading != NULL) postings->heading(context->out);
            postings->print(context->out, programme_program(&postings->programme), posting);
        }
    }
    tallybook__v1__posting__free_unpacked(posting, NULL);
    return true;
}

static bool
postings_none(const struct postings *postings, uint32_t partition, struct fault *out_fault)
{
    const char *member = postings->context->arguments[0];
    if (*postings->event == '\0')
        return fault_set(out_fault, FAULT_NO_INPUT, "no such posting of '%s' in partition %u",
                         member, partition);
    return fault_set(
        out_fault, FAULT_NO_INPUT,
        "no event '%s' of '%s' was answered in partition %u, as far back as the "
        "outputs are kept; name it as SOURCE/ID. 'tally tail --topic outcomes --last 0 "
        "--member %s' lists all answers",
        postings->event, member, partition, member);
}

static bool
postings_walk(struct postings *postings, struct session *session, struct fault *out_fault)
{
    const struct command_context *context = postings->context;
    struct journal *journal = session_journal(session);
    uint32_t partition = murmur2_partition(postings->key, journal->ops->partition_count(journal));
    struct output_walk_options walk = {
        .topic = TOPIC_OUTCOMES,
        .first_partition = partition,
        .last_partition = partition,
        .json = context->json,
        .stop = &session_stop,
    };
    struct outputs *outputs = session_outputs(session);
    if (*postings->event != '\0' && !output_walk(outputs, &walk, answers_take, postings, out_fault))
        return false;
    walk.topic = TOPIC_POSTINGS;
    if (!output_walk(outputs, &walk, postings_take, postings, out_fault)) return false;
    if (postings->count == 0 && postings->answers == 0)
        return postings_none(postings, partition, out_fault);
    if (!context->json)
        order_accounts_explain(postings->orders, context->out,
                               programme_program(&postings->programme));
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
    postings->orders = order_accounts_open();
    bool ok = member_key(context, key, &fault) &&
              session_open(context->options, SESSION_SHARED, &session, &fault) &&
              (context->json || programme_open(session, &postings->programme, &fault));
    if (ok) {
        postings->key = bytes_from_cstr(key);
        ok = postings_walk(postings, session, &fault);
    }
    if (session != NULL) session_close(session);
    programme_close(&postings->programme);
    order_accounts_close(postings->orders);
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
        .event = "",
    };
    return postings_run(&postings);
}

/* ---- Explain ---- */

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
    const char *event = postings->event, *lot = options_text(options, OPTION_LOT);
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
        .event = options_text(context->options, OPTION_EVENT),
    };
    return postings_run(&postings);
}
