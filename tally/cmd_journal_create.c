/* Makes a journal: the data folder when it is embedded, and record 0 of every partition. */
#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>
#include <sys/random.h>

#include "consumers/genesis.h"
#include "engine/base/check.h"
#include "tally/command.h"
#include "tally/session.h"

static bool
read_journal_id(const char *text, uint8_t out_id[JOURNAL_ID_BYTES], struct fault *out_fault)
{
    uint8_t id[JOURNAL_ID_BYTES] = {0};
    if (*text == '\0') {
        if (getrandom(out_id, JOURNAL_ID_BYTES, 0) != JOURNAL_ID_BYTES)
            return fault_set(out_fault, FAULT_IO, "no random number for the journal's id");
        return true;
    }
    size_t size = strlen(text);
    for (size_t i = 0; i < size; i++) {
        static const char digits[] = "0123456789abcdef";
        const char *digit = strchr(digits, text[i]);
        if (size != 2 * JOURNAL_ID_BYTES || digit == NULL)
            return fault_set(out_fault, FAULT_USAGE,
                             "--journal-id: '%s' is not 32 hexadecimal digits in small letters",
                             text);
        id[i / 2] = (uint8_t)(id[i / 2] << 4 | (digit - digits));
    }
    memcpy(out_id, id, JOURNAL_ID_BYTES);
    return true;
}

static void
tell(const struct command_context *context, const struct genesis *genesis, bool made)
{
    FILE *out = context->out->file;
    char id[2 * JOURNAL_ID_BYTES + 1];
    for (size_t i = 0; i < JOURNAL_ID_BYTES; i++)
        snprintf(id + 2 * i, 3, "%02x", genesis->journal_id[i]);
    const char *time = genesis->time_kind == TIME_APPEND ? "append" : "record";
    if (!options_flag(context->options, OPTION_JSON)) {
        fprintf(out, "%s journal %s of programme '%.*s': %u partitions, %s time\n",
                made ? "Made" : "There already:", id, (int)genesis->programme.size,
                (const char *)genesis->programme.data, genesis->partition_count, time);
        return;
    }
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, "journal", json_object_new_string(id));
    json_object_object_add(object, "programme",
                           json_object_new_string_len((const char *)genesis->programme.data,
                                                      (int)genesis->programme.size));
    json_object_object_add(object, "partitions", json_object_new_int64(genesis->partition_count));
    json_object_object_add(object, "time", json_object_new_string(time));
    json_object_object_add(object, "made", json_object_new_boolean(made));
    fprintf(out, "%s\n", json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
    json_object_put(object);
}

static bool
create(struct command_context *context, struct session **session, struct fault *out_fault)
{
    const struct options *options = context->options;
    bool kafka = options_number(options, OPTION_JOURNAL_KIND) == JOURNAL_KAFKA, made_folder = false,
         made;
    const char *id_text = options_text(options, OPTION_JOURNAL_ID);
    struct genesis genesis = {
        .format = JOURNAL_FORMAT,
        .law = LAW_VERSION,
        .programme = bytes_from_cstr(options_text(options, OPTION_PROGRAMME)),
        .time_kind = options_number(options, OPTION_JOURNAL_TIME) == JOURNAL_TIME_APPEND
                         ? TIME_APPEND
                         : TIME_RECORD,
    };
    if (!read_journal_id(id_text, genesis.journal_id, out_fault) ||
        (!kafka && !session_make_embedded(
                       options, (uint32_t)options_number(options, OPTION_JOURNAL_PARTITIONS),
                       &made_folder, out_fault)) ||
        !session_open(options, SESSION_EMPTY, session, out_fault))
        return false;
    struct journal *journal = session_journal(*session);
    genesis.partition_count = journal->ops->partition_count(journal);
    if (!genesis_write(journal, &genesis, *id_text != '\0', &made, out_fault)) return false;
    if (!session_read_genesis(*session, out_fault)) return false;
    tell(context, session_genesis(*session), made);
    return true;
}

int
cmd_journal_create(struct command_context *context)
{
    struct session *session = NULL;
    struct fault fault;
    session_catch_signals();
    bool ok = create(context, &session, &fault);
    if (session != NULL) session_close(session);
    return ok ? 0 : command_fail(context, &fault);
}
