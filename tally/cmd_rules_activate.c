/* Puts a rulebook into force: an activation record in every partition of the journal. A partition
 * that has the version already is passed over, so that a command which was interrupted is completed
 * by giving it again. */
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "consumers/codec_record.h"
#include "engine/base/check.h"
#include "engine/base/clock.h"
#include "engine/base/region.h"
#include "engine/core/calendar.h"
#include "engine/rules/activation.h"
#include "engine/rules/explain.h"
#include "engine/rules/report.h"
#include "tally/command.h"
#include "tally/session.h"

enum { ACTIVATE_ARENA_BYTES = 64 << 20 };

struct activate {
    struct command_context *context;
    struct session *session;
    struct arena arena;
    uint32_t versions[PARTITIONS_MAX]; /* in force in each partition; 0: none */
    uint32_t partition_count;
    struct program previous;    /* the highest version in force anywhere */
    struct bytes previous_form; /* as the journal has it */
    bool has_previous;
    struct program program;
    struct activation activation;
    struct instant journal_time; /* of the record, in a history journal */
};

static bool
activate_look(struct activate *activate, struct fault *out_fault)
{
    struct bytes newest = {0};
    uint32_t newest_version = 0;
    for (uint32_t partition = 0; partition < activate->partition_count; partition++) {
        uint8_t *program;
        size_t size;
        uint32_t version;
        if (!session_rulebook(activate->session, partition, &version, &program, &size, out_fault))
            return false;
        activate->versions[partition] = version;
        bool copied = version <= newest_version ||
                      arena_copy_bytes(&activate->arena, bytes_of(program, size), &newest);
        free(program);
        if (!copied)
            return fault_set(out_fault, FAULT_DATA,
                             "the active rulebook is too large to be compared");
        if (version > newest_version) newest_version = version;
    }
    activate->has_previous = newest_version != 0;
    activate->previous_form = newest;
    return newest_version == 0 ||
           program_decode(newest, &activate->arena, &activate->previous, out_fault);
}

static bool
activate_read_time(struct activate *activate, struct fault *out_fault)
{
    const char *at = options_text(activate->context->options, OPTION_AT);
    bool history = session_genesis(activate->session)->time_kind == TIME_RECORD;
    if (*at != '\0' && !history)
        return fault_set(
            out_fault, FAULT_USAGE,
            "--at: this journal stamps its own time; only a history journal takes one");
    if (*at == '\0') return true;
    if (instant_parse(bytes_from_cstr(at), &activate->journal_time) != INSTANT_OK)
        return fault_set(out_fault, FAULT_USAGE,
                         "--at: '%s' is no instant such as 2010-12-01T00:00:00Z", at);
    return true;
}

/* One version is one rulebook: two under one number would judge the same event differently by its
 * partition. */
static bool
activate_check_again(const struct activate *activate, struct fault *out_fault)
{
    if (bytes_equal(activate->activation.program, activate->previous_form)) return true;
    return fault_set(out_fault, FAULT_DATA,
                     "version %u of '%.*s' is activated already and says something else; raise "
                     "'version' in '%s'",
                     activate->program.version, (int)activate->program.name.size,
                     (const char *)activate->program.name.data, activate->context->arguments[0]);
}

/* Compiles the file and judges it against what is in force. A version that is in force already is
 * compiled without its predecessor: the journal then holds it in some partitions, and the others
 * get the same. */
static bool
activate_build(struct activate *activate, struct fault *out_fault)
{
    const char *path = activate->context->arguments[0];
    struct diagnostics diagnostics;
    struct bytes yaml;
    if (!rules_read_file(path, &activate->arena, &yaml, out_fault)) return false;
    struct activation_terms terms = {
        .live = session_genesis(activate->session)->time_kind == TIME_APPEND,
        .now = {.ms = clock_wall_ms()},
        .retroactive = options_flag(activate->context->options, OPTION_RETROACTIVE),
    };
    diagnostics_init(&diagnostics, path, yaml);
    bool ok = activation_build(yaml, &terms, &activate->arena, &diagnostics, &activate->program,
                               &activate->activation);
    bool again = ok && activate->has_previous &&
                 activate->program.version == activate->previous.version &&
                 bytes_equal(activate->program.name, activate->previous.name);
    if (ok && activate->has_previous && !again) {
        terms.previous = &activate->previous;
        diagnostics_init(&diagnostics, path, yaml);
        ok = activation_build(yaml, &terms, &activate->arena, &diagnostics, &activate->program,
                              &activate->activation);
    }
    diagnostics_sort(&diagnostics);
    diagnostics_print(&diagnostics, activate->context->err->file);
    if (!ok) return fault_set(out_fault, FAULT_DATA, "'%s' was not activated", path);
    return !again || activate_check_again(activate, out_fault);
}

/* Before anything is written: what the rulebook does, or what changes against the version activated
 * last. In JSON ("document") the changes alone. */
static bool
activate_show_changes(const struct activate *activate, struct json_object *document,
                      struct fault *out_fault)
{
    FILE *out = activate->context->out->file;
    enum explain_language language =
        (enum explain_language)options_number(activate->context->options, OPTION_LANGUAGE);
    bool again = activate->has_previous && activate->program.version == activate->previous.version;
    if (again) return true;
    if (document != NULL)
        return !activate->has_previous || rules_add_changes(&activate->previous, &activate->program,
                                                            language, document, out_fault);
    return activate->has_previous
               ? explain_changes(&activate->previous, &activate->program, language, out, out_fault)
               : explain_program(&activate->program, language, out, out_fault);
}

static bool
activate_write(struct activate *activate, uint32_t *out_written, struct fault *out_fault)
{
    struct journal *journal = session_journal(activate->session);
    struct journal_appender *appender;
    struct record_builder builder;
    void *memory = arena_alloc(&activate->arena, RECORD_BYTES_MAX);
    bool history = session_genesis(activate->session)->time_kind == TIME_RECORD;
    int64_t at_ms = !history                         ? 0
                    : activate->journal_time.ms != 0 ? activate->journal_time.ms
                                                     : activate->activation.effective_from.ms;
    CHECK(memory != NULL);
    codec_record_begin(&builder, memory, RECORD_BYTES_MAX);
    if (!codec_record_add_activation(&builder, &activate->activation, at_ms))
        return fault_set(
            out_fault, FAULT_DATA,
            "the rulebook and its normalised form do not fit into one journal record of %d bytes",
            RECORD_BYTES_MAX);
    if (!journal->ops->open_appender(journal, &appender, out_fault)) return false;
    uint32_t written = 0;
    bool ok = true;
    for (uint32_t partition = 0; ok && partition < activate->partition_count; partition++) {
        if (activate->versions[partition] >= activate->program.version) continue;
        ok = appender->ops->append(appender, partition, codec_record_span(&builder), out_fault);
        written += ok;
    }
    while (ok && appender->ops->acked(appender) < written && !atomic_load(&session_stop))
        ok = appender->ops->poll(appender, 100, out_fault);
    if (ok && appender->ops->acked(appender) < written)
        ok = fault_set(out_fault, FAULT_TRY_AGAIN,
                       "stopped half-way; give the command again to complete the activation");
    appender->ops->close(appender);
    *out_written = written;
    return ok;
}

static void
activate_tell(const struct activate *activate, uint32_t written, FILE *out)
{
    const struct program *program = &activate->program;
    int size = (int)program->name.size;
    const char *name = (const char *)program->name.data;
    if (written == 0)
        fprintf(out, "Version %u of '%.*s' is in every partition already; nothing was written.\n",
                program->version, size, name);
    else
        fprintf(out, "Version %u of '%.*s' is written into %u of %u partitions%s.\n",
                program->version, size, name, written, activate->partition_count,
                written < activate->partition_count ? "; the others had it" : "");
}

static void
activate_tell_json(const struct activate *activate, uint32_t written, struct json_object *document,
                   FILE *out)
{
    const struct program *program = &activate->program;
    json_object_object_add(
        document, "rulebook",
        json_object_new_string_len((const char *)program->name.data, (int)program->name.size));
    json_object_object_add(document, "version", json_object_new_int64(program->version));
    json_object_object_add(document, "partitions",
                           json_object_new_int64(activate->partition_count));
    json_object_object_add(document, "written", json_object_new_int64(written));
    fprintf(out, "%s\n", json_object_to_json_string_ext(document, JSON_C_TO_STRING_NOSLASHESCAPE));
}

/* `document` is NULL where people are told. */
static bool
activate_run(struct activate *activate, struct json_object *document, struct fault *out_fault)
{
    struct command_context *context = activate->context;
    uint32_t written;
    if (!session_open(context->options, SESSION_SHARED, &activate->session, out_fault))
        return false;
    activate->partition_count = session_genesis(activate->session)->partition_count;
    if (!activate_read_time(activate, out_fault) || !activate_look(activate, out_fault) ||
        !activate_build(activate, out_fault) ||
        !activate_show_changes(activate, document, out_fault) ||
        !activate_write(activate, &written, out_fault))
        return false;
    if (document != NULL) {
        activate_tell_json(activate, written, document, context->out->file);
    } else {
        activate_tell(activate, written, context->out->file);
    }
    return true;
}

int
cmd_rules_activate(struct command_context *context)
{
    struct activate *activate = calloc(1, sizeof *activate);
    struct region region = {0};
    struct fault fault;
    CHECK(activate != NULL);
    session_catch_signals();
    activate->context = context;
    bool json = options_flag(context->options, OPTION_JSON);
    struct json_object *document = json ? json_object_new_object() : NULL;
    bool ok = region_map(ACTIVATE_ARENA_BYTES, &region, &fault);
    if (ok) {
        arena_init(&activate->arena, region.memory, region.size);
        ok = activate_run(activate, document, &fault);
    }
    if (activate->session != NULL) session_close(activate->session);
    if (document != NULL) json_object_put(document);
    region_unmap(&region);
    free(activate);
    return ok ? 0 : command_fail(context, &fault);
}
