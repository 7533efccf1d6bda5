#include "tally/session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "consumers/codec_output.h"
#include "consumers/codec_record.h"
#include "consumers/data_folder.h"
#include "consumers/genesis.h"
#include "consumers/journal_disk.h"
#include "consumers/journal_kafka.h"
#include "consumers/kafka.h"
#include "consumers/outputs_disk.h"
#include "consumers/outputs_kafka.h"
#include "engine/base/check.h"
#include "tally/socket_client.h"
#include "tally/terminal.h"

enum { SESSION_SETTLE_MS = 60 * 1000 };

atomic_bool session_stop;
static int stop_event = -1; /* eventfd, written by the signal handler */

struct session {
    const struct options *options;
    struct data_folder *folder; /* held, or NULL */
    struct socket_client *client;
    struct kafka *kafka;
    struct journal *journal;
    struct outputs *outputs;
    struct instance *engine;
    struct instance *look; /* for questions, when nobody runs */
    struct genesis genesis;
    char programme[EVENT_ID_BYTES_MAX + 1]; /* NUL-terminated */
    char state_path[DATA_FOLDER_PATH_BYTES];
};

static void
session_on_signal(int signal)
{
    uint64_t one = 1;
    int kept = errno;
    (void)signal;
    atomic_store(&session_stop, true);
    ssize_t ignored =
        write(stop_event, &one, sizeof one); /* wakes whoever waits in session_wait_for_stop */
    (void)ignored;
    errno = kept;
}

void
session_catch_signals(void)
{
    struct sigaction action = {.sa_handler = session_on_signal};
    stop_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    CHECK(stop_event >= 0);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool
session_wait_for_stop(int wait_ms)
{
    struct pollfd wait = {.fd = stop_event, .events = POLLIN};
    poll(&wait, 1, wait_ms);
    return atomic_load(&session_stop);
}

bool
session_make_folders(const char *path, struct fault *out_fault)
{
    char part[DATA_FOLDER_PATH_BYTES];
    size_t size = strlen(path);
    if (size >= sizeof part)
        return fault_set(out_fault, FAULT_CONFIG, "the path '%s' is too long", path);
    for (size_t i = 1; i <= size; i++) {
        if (path[i] != '/' && path[i] != '\0') continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return fault_set(out_fault, FAULT_CANNOT_CREATE, "folder '%s': %s", part,
                             strerror(errno));
    }
    return true;
}

/* Makes what the folder lacks: all of it, or what a process that was killed had not come to. */
static bool
session_fill_folder(const char *data_dir, uint32_t partitions, struct fault *out_fault)
{
    char path[DATA_FOLDER_PATH_BYTES];
    struct journal_disk_options journal_options = {0};
    struct outputs_disk_options outputs_options = {0};
    struct journal *journal;
    struct outputs *outputs;
    if (!data_folder_path(data_dir, DATA_FOLDER_JOURNAL, path, out_fault)) return false;
    if (journal_disk_open(path, &journal_options, &journal, out_fault)) {
        partitions = journal->ops->partition_count(journal);
        journal->ops->close(journal);
    } else if (out_fault->kind != FAULT_NO_INPUT ||
               !journal_disk_create(path, partitions, out_fault)) {
        return false;
    }
    if (!data_folder_path(data_dir, DATA_FOLDER_OUTPUTS, path, out_fault)) return false;
    if (outputs_disk_open(path, &outputs_options, &outputs, out_fault)) {
        outputs->ops->close(outputs);
        return true;
    }
    return out_fault->kind == FAULT_NO_INPUT && outputs_disk_create(path, partitions, out_fault);
}

bool
session_make_embedded(const struct options *options, uint32_t partition_count, bool *out_made,
                      struct fault *out_fault)
{
    const char *data_dir = options_text(options, OPTION_DATA_DIR);
    struct data_folder *folder;
    *out_made = false;
    if (data_folder_open(data_dir, &folder, out_fault)) {
        bool filled = session_fill_folder(data_dir, partition_count, out_fault);
        data_folder_close(folder);
        return filled;
    }
    if (out_fault->kind == FAULT_TRY_AGAIN) return true; /* somebody runs on it: it is there */
    if (out_fault->kind != FAULT_NO_INPUT) return false;
    if (!session_make_folders(data_dir, out_fault) || !data_folder_create(data_dir, out_fault))
        return false;
    *out_made = true;
    return session_fill_folder(data_dir, partition_count, out_fault);
}

/* ---- Opening
 * ------------------------------------------------------------------------------------------------------
 */

static bool
session_connect(struct session *session, struct fault *out_fault)
{
    char path[DATA_FOLDER_PATH_BYTES];
    return data_folder_path(options_text(session->options, OPTION_DATA_DIR), DATA_FOLDER_SOCKET,
                            path, out_fault) &&
           socket_client_open(path, &session->client, out_fault);
}

static bool
session_open_folder(struct session *session, struct fault *out_fault)
{
    const char *data_dir = options_text(session->options, OPTION_DATA_DIR);
    struct journal_disk_options journal_options = {0};
    struct outputs_disk_options outputs_options = {.encoder = codec_output_encoder()};
    char path[DATA_FOLDER_PATH_BYTES];
    if (!data_folder_path(data_dir, DATA_FOLDER_JOURNAL, path, out_fault) ||
        !journal_disk_open(path, &journal_options, &session->journal, out_fault))
        return false;
    return data_folder_path(data_dir, DATA_FOLDER_OUTPUTS, path, out_fault) &&
           outputs_disk_open(path, &outputs_options, &session->outputs, out_fault);
}

static bool
session_open_embedded(struct session *session, bool exclusive, struct fault *out_fault)
{
    const char *data_dir = options_text(session->options, OPTION_DATA_DIR);
    struct fault busy;
    if (data_folder_open(data_dir, &session->folder, out_fault))
        return session_open_folder(session, out_fault);
    if (out_fault->kind == FAULT_NO_INPUT)
        return fault_set(
            out_fault, FAULT_NO_INPUT,
            "there is no journal in '%s'; make one with 'tally journal create --data-dir %s'",
            data_dir, data_dir);
    if (out_fault->kind != FAULT_TRY_AGAIN || exclusive) return false;
    busy = *out_fault;
    if (!session_connect(session, out_fault)) {
        *out_fault =
            busy; /* held by a command that serves nobody, or by a process that is just starting */
        return false;
    }
    session->journal = socket_client_journal(session->client);
    session->outputs = socket_client_outputs(session->client);
    return true;
}

void
session_output_topics(const struct options *options, const char *out_topics[TOPIC_COUNT])
{
    out_topics[TOPIC_POSTINGS] = options_text(options, OPTION_OUTPUTS_POSTINGS_TOPIC);
    out_topics[TOPIC_OUTCOMES] = options_text(options, OPTION_OUTPUTS_OUTCOMES_TOPIC);
    out_topics[TOPIC_TIERS] = options_text(options, OPTION_OUTPUTS_TIERS_TOPIC);
    out_topics[TOPIC_NOTICES] = options_text(options, OPTION_OUTPUTS_NOTICES_TOPIC);
}

static void
session_say(void *context, const char *line)
{
    (void)context;
    log_line(LOG_WARNING, "%s", line);
}

bool
session_open_kafka_client(const struct options *options, struct kafka **out_kafka,
                          struct fault *out_fault)
{
    struct kafka_property *properties = calloc(options->property_count + 1, sizeof *properties);
    CHECK(properties != NULL);
    for (size_t i = 0; i < options->property_count; i++)
        properties[i] =
            (struct kafka_property){options->properties[i].name, options->properties[i].value};
    struct kafka_settings settings = {
        .properties = properties,
        .property_count = options->property_count,
        .stop = &session_stop,
        .say = session_say,
    };
    bool ok = kafka_open(&settings, out_kafka, out_fault);
    free(properties);
    return ok;
}

static bool
session_open_kafka(struct session *session, enum session_mode mode, struct fault *out_fault)
{
    const struct options *options = session->options;
    const char *data_dir = options_text(options, OPTION_DATA_DIR);
    if (mode == SESSION_EXCLUSIVE) {
        struct stat status;
        char path[DATA_FOLDER_PATH_BYTES];
        if (!data_folder_path(data_dir, DATA_FOLDER_STATE, path, out_fault)) return false;
        if (stat(path, &status) != 0 && (!session_make_folders(data_dir, out_fault) ||
                                         !data_folder_create(data_dir, out_fault)))
            return false;
        if (!data_folder_open(data_dir, &session->folder, out_fault)) return false;
    }
    if (!session_open_kafka_client(options, &session->kafka, out_fault)) return false;
    uint32_t configured = options->values[OPTION_JOURNAL_PARTITIONS].origin.kind == ORIGIN_DEFAULT
                              ? 0
                              : (uint32_t)options_number(options, OPTION_JOURNAL_PARTITIONS);
    struct journal_kafka_options journal_options = {
        .topic = options_text(options, OPTION_JOURNAL_TOPIC),
        .partition_count = configured,
        .single_broker = options_number(options, OPTION_JOURNAL_REPLICATION) == JOURNAL_SINGLE,
    };
    if (!journal_kafka_open(session->kafka, &journal_options, &session->journal, out_fault))
        return false;
    if (mode != SESSION_EMPTY && !session_read_genesis(session, out_fault)) return false;
    struct outputs_kafka_options outputs_options = {
        .encoder = codec_output_encoder(),
        .programme = *session->programme != '\0' ? session->programme
                                                 : options_text(options, OPTION_PROGRAMME),
        .partition_count = session->journal->ops->partition_count(session->journal),
        .json = options_number(options, OPTION_OUTPUTS_ENCODING) == OUTPUT_JSON,
        .single_broker = options_number(options, OPTION_JOURNAL_REPLICATION) == JOURNAL_SINGLE,
    };
    session_output_topics(options, outputs_options.topics);
    outputs_options.packed[TOPIC_POSTINGS] =
        options_number(options, OPTION_OUTPUTS_POSTINGS) == OUTPUT_PACKED;
    outputs_options.packed[TOPIC_OUTCOMES] =
        options_number(options, OPTION_OUTPUTS_OUTCOMES) == OUTPUT_PACKED;
    return outputs_kafka_open(session->kafka, &outputs_options, &session->outputs, out_fault);
}

bool
session_read_genesis(struct session *session, struct fault *out_fault)
{
    bool found;
    if (!genesis_read(session->journal, 0, session->programme, &session->genesis, &found,
                      out_fault))
        return false;
    if (!found)
        return fault_set(out_fault, FAULT_NO_INPUT,
                         "the journal is empty: write its record 0 with 'tally journal create'");
    return true;
}

/* What the configuration says must be what the journal was made with; what it leaves out is taken
 * from the journal. */
static bool
session_check_configuration(struct session *session, struct fault *out_fault)
{
    const struct options *options = session->options;
    uint32_t count = session->journal->ops->partition_count(session->journal);
    uint32_t configured = (uint32_t)options_number(options, OPTION_JOURNAL_PARTITIONS);
    char origin[ORIGIN_TEXT_MAX];
    if (options->values[OPTION_JOURNAL_PARTITIONS].origin.kind != ORIGIN_DEFAULT &&
        configured != count) {
        origin_format(&options->values[OPTION_JOURNAL_PARTITIONS].origin, origin);
        return fault_set(out_fault, FAULT_CONFIG,
                         "%s: journal.partitions is %u, but the journal was made with %u, for "
                         "life; set it to %u",
                         origin, configured, count, count);
    }
    const char *programme = options_text(options, OPTION_PROGRAMME);
    struct bytes there = session->genesis.programme;
    if (options->values[OPTION_PROGRAMME].origin.kind != ORIGIN_DEFAULT &&
        !bytes_equal(bytes_from_cstr(programme), there)) {
        origin_format(&options->values[OPTION_PROGRAMME].origin, origin);
        return fault_set(out_fault, FAULT_CONFIG,
                         "%s: the programme is '%s', but this is the journal of '%s'", origin,
                         programme, session->programme);
    }
    return true;
}

bool
session_open(const struct options *options, enum session_mode mode, struct session **out_session,
             struct fault *out_fault)
{
    bool exclusive = mode == SESSION_EXCLUSIVE;
    struct session *session = calloc(1, sizeof *session);
    CHECK(session != NULL);
    session->options = options;
    bool kafka = options_number(options, OPTION_JOURNAL_KIND) == JOURNAL_KAFKA;
    struct fault nobody;
    if (mode == SESSION_QUESTION && kafka && session_connect(session, &nobody)) {
        *out_session = session; /* it answers also while the broker is away */
        return true;
    }
    bool ok = data_folder_path(options_text(options, OPTION_DATA_DIR), DATA_FOLDER_STATE,
                               session->state_path, out_fault) &&
              (kafka ? session_open_kafka(session, mode, out_fault)
                     : session_open_embedded(session, exclusive, out_fault)) &&
              (mode == SESSION_EMPTY || (session_read_genesis(session, out_fault) &&
                                         session_check_configuration(session, out_fault)));
    if (!ok) {
        session_close(session);
        return false;
    }
    *out_session = session;
    return true;
}

void
session_close(struct session *session)
{
    if (session->look != NULL) {
        instance_stop(session->look, 0);
        instance_close(session->look);
    }
    if (session->engine != NULL) {
        instance_stop(session->engine, SESSION_SETTLE_MS);
        instance_close(session->engine);
    }
    if (session->outputs != NULL) session->outputs->ops->close(session->outputs);
    if (session->journal != NULL) session->journal->ops->close(session->journal);
    if (session->kafka != NULL) kafka_close(session->kafka);
    if (session->client != NULL) socket_client_close(session->client);
    if (session->folder != NULL) data_folder_close(session->folder);
    free(session);
}

struct journal *
session_journal(struct session *session)
{
    return session->journal;
}

struct outputs *
session_outputs(struct session *session)
{
    return session->outputs;
}

const struct options *
session_options(const struct session *session)
{
    return session->options;
}

struct kafka *
session_kafka(struct session *session)
{
    return session->kafka;
}

bool
session_is_remote(const struct session *session)
{
    return session->client != NULL;
}

const struct genesis *
session_genesis(const struct session *session)
{
    return &session->genesis;
}

/* ---- Engines
 * ------------------------------------------------------------------------------------------------------
 */

void
session_instance_options(const struct session *session, enum instance_mode mode,
                         struct instance_options *out_options)
{
    const struct options *options = session->options;
    *out_options = (struct instance_options){
        .mode = mode,
        .state_folder = session->state_path,
        .journal = session->journal,
        .outputs = session->outputs,
        .decoder = codec_record_decoder(),
        .shards = (uint32_t)options_number(options, OPTION_SHARDS),
        .memory_bytes = (size_t)options_number(options, OPTION_MEMORY),
        .checkpoint_records = (uint64_t)options_number(options, OPTION_CHECKPOINT_RECORDS),
        .checkpoint_ms = options_number(options, OPTION_CHECKPOINT_MS),
        .tick_ms = options_number(options, OPTION_TICK_MS),
        .stop = &session_stop,
    };
}

bool
session_start_engine(struct session *session, struct fault *out_fault)
{
    struct instance_options options;
    CHECK(session->engine == NULL && session->folder != NULL);
    if (!session_make_folders(session->state_path, out_fault))
        return false; /* removed to be folded again */
    session_instance_options(session, INSTANCE_OWNER, &options);
    if (!instance_open(&options, &session->engine, out_fault)) return false;
    instance_start(session->engine);
    return true;
}

bool
session_stop_engine(struct session *session, struct fault *out_fault)
{
    struct instance *engine = session->engine;
    CHECK(engine != NULL);
    session->engine = NULL;
    bool settled = instance_stop(engine, SESSION_SETTLE_MS);
    bool trouble = instance_trouble(engine, out_fault);
    instance_close(engine);
    if (trouble) return false;
    if (!settled)
        return fault_set(out_fault, FAULT_TRY_AGAIN,
                         "not everything could be published and checkpointed in time; nothing is "
                         "lost, the next start goes on there");
    return true;
}

struct instance *
session_engine(struct session *session)
{
    return session->engine;
}

/* The instance that answers when nobody runs: the store's checkpoint, and behind it what the
 * journal holds. */
static bool
session_look(struct session *session, struct instance **out_instance, struct fault *out_fault)
{
    struct instance_options options;
    if (session->engine != NULL) {
        *out_instance = session->engine;
        return true;
    }
    if (session->look == NULL) {
        session_instance_options(session, INSTANCE_LOOK, &options);
        options.outputs = NULL;
        if (!instance_open(&options, &session->look, out_fault)) return false;
        instance_start(session->look);
        if (!instance_wait_idle(session->look, NULL, NULL, out_fault)) return false;
    }
    *out_instance = session->look;
    return true;
}

/* On Kafka a running tally is asked through its socket when it is on this machine. */
static bool
session_has_client(struct session *session)
{
    struct fault ignored;
    if (session->client == NULL && session->folder == NULL && session->kafka != NULL)
        session_connect(session, &ignored);
    return session->client != NULL;
}

static bool
session_copy_json(struct bytes text, char **out_json)
{
    *out_json = strndup((const char *)text.data, text.size);
    CHECK(*out_json != NULL);
    return true;
}

bool
session_member(struct session *session, struct bytes member, char **out_json,
               struct fault *out_fault)
{
    struct instance *instance;
    struct bytes text;
    if (session_has_client(session))
        return socket_client_member(session->client, member, &text, out_fault) &&
               session_copy_json(text, out_json);
    return session_look(session, &instance, out_fault) &&
           instance_member_json(instance, member, out_json, out_fault);
}

bool
session_status(struct session *session, char **out_json, struct fault *out_fault)
{
    struct instance *instance;
    struct bytes text;
    if (session_has_client(session))
        return socket_client_status(session->client, &text, out_fault) &&
               session_copy_json(text, out_json);
    return session_look(session, &instance, out_fault) &&
           instance_status_json(instance, out_json, out_fault);
}

bool
session_rulebook(struct session *session, uint32_t partition, uint32_t *out_version,
                 uint8_t **out_program, size_t *out_size, struct fault *out_fault)
{
    struct instance *instance;
    struct bytes program;
    if (!session_has_client(session))
        return session_look(session, &instance, out_fault) &&
               instance_rulebook(instance, partition, out_version, out_program, out_size,
                                 out_fault);
    if (!socket_client_rulebook(session->client, partition, out_version, &program, out_fault))
        return false;
    *out_program = malloc(program.size + 1);
    CHECK(*out_program != NULL);
    memcpy(*out_program, program.data, program.size);
    *out_size = program.size;
    return true;
}

bool
session_answers_at_once(struct session *session)
{
    return session->kafka == NULL || session->look != NULL || session->engine != NULL ||
           session_has_client(session);
}
