#include "tally/socket_client.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/base/check.h"
#include "tally/socket_wire.h"

enum {
    CLIENT_APPENDS_MAX = 64,
    CLIENT_APPEND_BYTES = 1 << 20,
    CLIENT_REQUEST_BYTES = 512,
    CLIENT_ANSWER_BYTES = 4096, /* a few numbers, or a fault's text */

    CLIENT_APPEND_HEAD = 5
};

struct socket_client {
    int socket;
    uint32_t partition_count;
    uint64_t process;
    pthread_mutex_t lock; /* one question at a time */
    uint8_t *response_memory;
    struct journal journal;
    struct outputs outputs;
};

/* Readers and appenders of a client. Each remembers where it stands: the server keeps nothing
 * between questions. */
struct client_journal_reader {
    struct journal_reader port;
    struct socket_client *client;
    int64_t offsets[PARTITIONS_MAX]; /* −1: not assigned */
    uint32_t next;                   /* partition to ask first */
    uint8_t *memory;
};

struct client_appender {
    struct journal_appender port;
    struct socket_client *client;
    uint64_t appended, acked;
    int64_t last_offsets[PARTITIONS_MAX];
    uint32_t partitions[CLIENT_APPENDS_MAX];
    uint32_t queued;
    struct writer queue; /* the question as it will be sent, its head filled in last */
    uint8_t memory[CLIENT_ANSWER_BYTES];
};

struct client_output_reader {
    struct output_reader port;
    struct socket_client *client;
    struct {
        bool assigned;
        uint64_t offset;
    } places[PARTITIONS_MAX][TOPIC_COUNT];
    uint32_t next;
    uint8_t *memory;
};

/* ---- Questions
 * ----------------------------------------------------------------------------------------------------
 */

/* A question but for an append is small: an operation, a place, a member's id. */
struct client_question {
    struct writer writer;
    uint8_t memory[CLIENT_REQUEST_BYTES];
};

static struct writer *
client_question(struct client_question *question, enum socket_operation operation)
{
    question->writer = writer_of(question->memory, sizeof question->memory);
    writer_u8(&question->writer, (uint8_t)operation);
    return &question->writer;
}

static bool
client_ask(struct socket_client *client, const struct writer *request, void *memory,
           size_t capacity, struct reader *out_response, struct fault *out_fault)
{
    struct bytes frame;
    CHECK(!request->overflow);
    pthread_mutex_lock(&client->lock);
    bool answered = socket_send(client->socket, writer_span(request), out_fault) &&
                    socket_receive(client->socket, memory, capacity, &frame, NULL, out_fault);
    /* Half an answer: what comes next would be taken for the beginning of another. */
    if (!answered) shutdown(client->socket, SHUT_RDWR);
    pthread_mutex_unlock(&client->lock);
    if (!answered) return false;
    struct reader response = reader_of(frame);
    uint8_t kind = reader_u8(&response);
    if (kind != 0)
        return fault_set(out_fault, (enum fault_kind)kind, "%.*s", (int)reader_left(&response),
                         (const char *)response.at);
    *out_response = response;
    return true;
}

static bool
client_done(const struct reader *response, struct fault *out_fault)
{
    if (response->failed)
        return fault_set(out_fault, FAULT_DATA, "socket: an answer that ends too early");
    return true;
}

/* ---- Journal
 * ------------------------------------------------------------------------------------------------------
 */

static struct socket_client *
journal_client(const struct journal *journal)
{
    return (struct socket_client *)((uintptr_t)journal - offsetof(struct socket_client, journal));
}

static uint32_t
client_partition_count(const struct journal *journal)
{
    return journal_client(journal)->partition_count;
}

static bool
client_journal_bounds(struct journal *journal, uint32_t partition, int64_t *out_first,
                      int64_t *out_end, struct fault *out_fault)
{
    struct socket_client *client = journal_client(journal);
    struct client_question question;
    struct writer *request = client_question(&question, SOCKET_JOURNAL_BOUNDS);
    struct reader response;
    uint8_t memory[CLIENT_ANSWER_BYTES];
    writer_u32le(request, partition);
    if (!client_ask(client, request, memory, sizeof memory, &response, out_fault)) return false;
    *out_first = reader_i64le(&response);
    *out_end = reader_i64le(&response);
    return client_done(&response, out_fault);
}

static bool
client_reader_assign(struct journal_reader *port, uint32_t partition, int64_t offset,
                     struct fault *out_fault)
{
    struct client_journal_reader *reader = (struct client_journal_reader *)port;
    if (partition >= reader->client->partition_count)
        return fault_set(out_fault, FAULT_USAGE, "partition %u of %u", partition,
                         reader->client->partition_count);
    reader->offsets[partition] = offset;
    return true;
}

static void
client_reader_revoke(struct journal_reader *port, uint32_t partition)
{
    ((struct client_journal_reader *)port)->offsets[partition] = -1;
}

static bool
client_reader_ask(struct client_journal_reader *reader, uint32_t partition, int wait_ms,
                  struct journal_message *out_messages, size_t max, size_t *out_count,
                  struct fault *out_fault)
{
    struct client_question question;
    struct writer *request = client_question(&question, SOCKET_JOURNAL_READ);
    struct reader response;
    size_t count = 0;
    writer_u32le(request, partition);
    writer_i64le(request, reader->offsets[partition]);
    writer_u32le(request, (uint32_t)wait_ms);
    if (!client_ask(reader->client, request, reader->memory, SOCKET_FRAME_BYTES_MAX, &response,
                    out_fault))
        return false;
    while (count < max && reader_left(&response) > 0 && !response.failed) {
        struct journal_message *message = &out_messages[count++];
        message->partition = partition;
        message->offset = reader_i64le(&response);
        message->append_ms = reader_i64le(&response);
        message->payload = reader_prefixed(&response);
    }
    if (!client_done(&response, out_fault)) return false;
    if (count > 0) reader->offsets[partition] = out_messages[count - 1].offset + 1;
    *out_count = count;
    return true;
}

static bool
client_reader_read(struct journal_reader *port, int wait_ms, struct journal_message *out_messages,
                   size_t max, size_t *out_count, struct fault *out_fault)
{
    struct client_journal_reader *reader = (struct client_journal_reader *)port;
    uint32_t partitions = reader->client->partition_count, assigned = 0;
    for (uint32_t i = 0; i < partitions; i++)
        assigned += reader->offsets[i] >= 0;
    *out_count = 0;
    for (uint32_t i = 0; i < partitions; i++) {
        uint32_t partition = (reader->next + i) % partitions;
        if (reader->offsets[partition] < 0) continue;
        if (!client_reader_ask(reader, partition, wait_ms / (int)assigned, out_messages, max,
                               out_count, out_fault))
            return false;
        if (*out_count > 0) {
            reader->next = partition + 1;
            return true;
        }
    }
    return true;
}

static void
client_reader_close(struct journal_reader *port)
{
    struct client_journal_reader *reader = (struct client_journal_reader *)port;
    free(reader->memory);
    free(reader);
}

static const struct journal_reader_ops client_reader_ops = {
    .assign = client_reader_assign,
    .revoke = client_reader_revoke,
    .read = client_reader_read,
    .close = client_reader_close,
};

static bool
client_open_reader(struct journal *journal, struct journal_reader **out_reader,
                   struct fault *out_fault)
{
    struct client_journal_reader *reader = calloc(1, sizeof *reader);
    (void)out_fault;
    CHECK(reader != NULL);
    reader->port.ops = &client_reader_ops;
    reader->client = journal_client(journal);
    reader->memory = malloc(SOCKET_FRAME_BYTES_MAX);
    CHECK(reader->memory != NULL);
    for (uint32_t i = 0; i < PARTITIONS_MAX; i++)
        reader->offsets[i] = -1;
    *out_reader = &reader->port;
    return true;
}

static bool
client_appender_flush(struct client_appender *appender, struct fault *out_fault)
{
    struct reader response;
    if (appender->queued == 0) return true;
    struct writer head = writer_of(appender->queue.data, CLIENT_APPEND_HEAD);
    writer_u8(&head, SOCKET_JOURNAL_APPEND);
    writer_u32le(&head, appender->queued);
    if (!client_ask(appender->client, &appender->queue, appender->memory, sizeof appender->memory,
                    &response, out_fault))
        return false;
    for (uint32_t i = 0; i < appender->queued; i++)
        appender->last_offsets[appender->partitions[i]] = reader_i64le(&response);
    appender->acked += appender->queued;
    appender->queued = 0;
    appender->queue.size = CLIENT_APPEND_HEAD;
    return client_done(&response, out_fault);
}

static bool
client_append(struct journal_appender *port, uint32_t partition, struct bytes payload,
              struct fault *out_fault)
{
    struct client_appender *appender = (struct client_appender *)port;
    if (appender->queued == CLIENT_APPENDS_MAX ||
        appender->queue.size + payload.size + 16 > appender->queue.capacity)
        if (!client_appender_flush(appender, out_fault)) return false;
    writer_u32le(&appender->queue, partition);
    writer_prefixed(&appender->queue, payload);
    CHECK(!appender->queue.overflow);
    appender->partitions[appender->queued++] = partition;
    appender->appended++;
    return true;
}

static bool
client_appender_poll(struct journal_appender *port, int wait_ms, struct fault *out_fault)
{
    (void)wait_ms; /* the server answers when the records are durable */
    return client_appender_flush((struct client_appender *)port, out_fault);
}

static uint64_t
client_appender_acked(const struct journal_appender *port)
{
    return ((const struct client_appender *)port)->acked;
}

static int64_t
client_appender_last_offset(const struct journal_appender *port, uint32_t partition)
{
    return ((const struct client_appender *)port)->last_offsets[partition];
}

static void
client_appender_close(struct journal_appender *port)
{
    struct client_appender *appender = (struct client_appender *)port;
    free(appender->queue.data);
    free(appender);
}

static const struct journal_appender_ops client_appender_ops = {
    .append = client_append,
    .poll = client_appender_poll,
    .acked = client_appender_acked,
    .last_offset = client_appender_last_offset,
    .close = client_appender_close,
};

static bool
client_open_appender(struct journal *journal, struct journal_appender **out_appender,
                     struct fault *out_fault)
{
    struct client_appender *appender = calloc(1, sizeof *appender);
    (void)out_fault;
    CHECK(appender != NULL);
    appender->port.ops = &client_appender_ops;
    appender->client = journal_client(journal);
    appender->queue = writer_of(malloc(CLIENT_APPEND_BYTES + RECORD_BYTES_MAX),
                                CLIENT_APPEND_BYTES + RECORD_BYTES_MAX);
    CHECK(appender->queue.data != NULL);
    appender->queue.size = CLIENT_APPEND_HEAD;
    for (uint32_t i = 0; i < PARTITIONS_MAX; i++)
        appender->last_offsets[i] = -1;
    *out_appender = &appender->port;
    return true;
}

static void
client_health(struct journal *journal, char *out_text, size_t size)
{
    (void)journal;
    if (size > 0) out_text[0] = '\0';
}

static void
client_journal_close(struct journal *journal)
{
    (void)journal; /* the client owns it */
}

static const struct journal_ops client_journal_ops = {
    .partition_count = client_partition_count,
    .bounds = client_journal_bounds,
    .open_reader = client_open_reader,
    .open_appender = client_open_appender,
    .health = client_health,
    .close = client_journal_close,
};

/* ---- Outputs
 * ------------------------------------------------------------------------------------------------------
 */

static struct socket_client *
outputs_client(const struct outputs *outputs)
{
    return (struct socket_client *)((uintptr_t)outputs - offsetof(struct socket_client, outputs));
}

static bool
client_output_bounds(struct outputs *outputs, uint32_t partition, enum topic topic,
                     uint64_t *out_first, uint64_t *out_end, struct fault *out_fault)
{
    struct socket_client *client = outputs_client(outputs);
    struct client_question question;
    struct writer *request = client_question(&question, SOCKET_OUTPUT_BOUNDS);
    struct reader response;
    uint8_t memory[CLIENT_ANSWER_BYTES];
    writer_u32le(request, partition);
    writer_u8(request, (uint8_t)topic);
    if (!client_ask(client, request, memory, sizeof memory, &response, out_fault)) return false;
    *out_first = reader_u64le(&response);
    *out_end = reader_u64le(&response);
    return client_done(&response, out_fault);
}

static bool
client_output_assign(struct output_reader *port, uint32_t partition, enum topic topic,
                     uint64_t offset, struct fault *out_fault)
{
    struct client_output_reader *reader = (struct client_output_reader *)port;
    if (partition >= reader->client->partition_count)
        return fault_set(out_fault, FAULT_USAGE, "partition %u of %u", partition,
                         reader->client->partition_count);
    reader->places[partition][topic].assigned = true;
    reader->places[partition][topic].offset = offset;
    return true;
}

static bool
client_output_ask(struct client_output_reader *reader, uint32_t partition, enum topic topic,
                  int wait_ms, struct output_message *out_messages, size_t max, size_t *out_count,
                  struct fault *out_fault)
{
    struct client_question question;
    struct writer *request = client_question(&question, SOCKET_OUTPUT_READ);
    struct reader response;
    size_t count = 0;
    writer_u32le(request, partition);
    writer_u8(request, (uint8_t)topic);
    writer_u64le(request, reader->places[partition][topic].offset);
    writer_u32le(request, (uint32_t)wait_ms);
    if (!client_ask(reader->client, request, reader->memory, SOCKET_FRAME_BYTES_MAX, &response,
                    out_fault))
        return false;
    while (count < max && reader_left(&response) > 0 && !response.failed) {
        struct output_message *message = &out_messages[count++];
        *message = (struct output_message){.partition = partition, .topic = topic};
        message->offset = reader_u64le(&response);
        message->claim = reader_u64le(&response);
        message->first_sequence = reader_u64le(&response);
        message->count = reader_u32le(&response);
        message->cause = reader_u64le(&response);
        message->hash = reader_u64le(&response);
        uint8_t flags = reader_u8(&response);
        message->json = flags & 1;
        message->packed = flags & 2;
        message->payload = reader_prefixed(&response);
    }
    if (!client_done(&response, out_fault)) return false;
    if (count > 0) reader->places[partition][topic].offset = out_messages[count - 1].offset + 1;
    *out_count = count;
    return true;
}

static bool
client_output_read(struct output_reader *port, int wait_ms, struct output_message *out_messages,
                   size_t max, size_t *out_count, struct fault *out_fault)
{
    struct client_output_reader *reader = (struct client_output_reader *)port;
    uint32_t places = reader->client->partition_count * TOPIC_COUNT, assigned = 0;
    for (uint32_t i = 0; i < places; i++)
        assigned += reader->places[i / TOPIC_COUNT][i % TOPIC_COUNT].assigned;
    *out_count = 0;
    for (uint32_t i = 0; i < places; i++) {
        uint32_t place = (reader->next + i) % places;
        if (!reader->places[place / TOPIC_COUNT][place % TOPIC_COUNT].assigned) continue;
        if (!client_output_ask(reader, place / TOPIC_COUNT, place % TOPIC_COUNT,
                               wait_ms / (int)assigned, out_messages, max, out_count, out_fault))
            return false;
        if (*out_count > 0) {
            reader->next = place + 1;
            return true;
        }
    }
    return true;
}

static void
client_output_close(struct output_reader *port)
{
    struct client_output_reader *reader = (struct client_output_reader *)port;
    free(reader->memory);
    free(reader);
}

static const struct output_reader_ops client_output_reader_ops = {
    .assign = client_output_assign,
    .read = client_output_read,
    .close = client_output_close,
};

static bool
client_open_output_reader(struct outputs *outputs, struct output_reader **out_reader,
                          struct fault *out_fault)
{
    struct client_output_reader *reader = calloc(1, sizeof *reader);
    (void)out_fault;
    CHECK(reader != NULL);
    reader->port.ops = &client_output_reader_ops;
    reader->client = outputs_client(outputs);
    reader->memory = malloc(SOCKET_FRAME_BYTES_MAX);
    CHECK(reader->memory != NULL);
    *out_reader = &reader->port;
    return true;
}

static bool
client_open_publisher(struct outputs *outputs, struct publisher **out_publisher,
                      struct fault *out_fault)
{
    (void)outputs;
    (void)out_publisher;
    return fault_set(out_fault, FAULT_NOT_ALLOWED,
                     "only the process that holds the data folder publishes");
}

static void
client_outputs_health(struct outputs *outputs, char *out_text, size_t size)
{
    (void)outputs;
    if (size > 0) out_text[0] = '\0';
}

static void
client_outputs_close(struct outputs *outputs)
{
    (void)outputs; /* the client owns it */
}

static const struct outputs_ops client_outputs_ops = {
    .bounds = client_output_bounds,
    .open_reader = client_open_output_reader,
    .open_publisher = client_open_publisher,
    .health = client_outputs_health,
    .close = client_outputs_close,
};

/* ---- The client
 * ---------------------------------------------------------------------------------------------------
 */

static bool
client_hello(struct socket_client *client, struct fault *out_fault)
{
    struct client_question question;
    struct writer *request = client_question(&question, SOCKET_HELLO);
    struct reader response;
    writer_u32le(request, SOCKET_FORMAT);
    if (!client_ask(client, request, client->response_memory, SOCKET_FRAME_BYTES_MAX, &response,
                    out_fault))
        return false;
    client->partition_count = reader_u32le(&response);
    client->process = reader_u64le(&response);
    if (client->partition_count == 0 || client->partition_count > PARTITIONS_MAX)
        return fault_set(out_fault, FAULT_DATA, "socket: a journal of %u partitions",
                         client->partition_count);
    return client_done(&response, out_fault);
}

bool
socket_client_open(const char *path, struct socket_client **out_client, struct fault *out_fault)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return fault_set(out_fault, FAULT_CONFIG, "socket '%s': the path is too long", path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    struct socket_client *client = calloc(1, sizeof *client);
    CHECK(client != NULL);
    client->journal.ops = &client_journal_ops;
    client->outputs.ops = &client_outputs_ops;
    client->response_memory = malloc(SOCKET_FRAME_BYTES_MAX);
    CHECK(client->response_memory != NULL);
    pthread_mutex_init(&client->lock, NULL);
    client->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->socket < 0 ||
        connect(client->socket, (struct sockaddr *)&address, sizeof address) != 0) {
        fault_set(out_fault, FAULT_UNAVAILABLE, "socket '%s': %s", path, strerror(errno));
        goto fail;
    }
    if (!client_hello(client, out_fault)) goto fail;
    *out_client = client;
    return true;
fail:
    socket_client_close(client);
    return false;
}

void
socket_client_close(struct socket_client *client)
{
    if (client->socket >= 0) close(client->socket);
    pthread_mutex_destroy(&client->lock);
    free(client->response_memory);
    free(client);
}

struct journal *
socket_client_journal(struct socket_client *client)
{
    return &client->journal;
}

struct outputs *
socket_client_outputs(struct socket_client *client)
{
    return &client->outputs;
}

uint64_t
socket_client_process(const struct socket_client *client)
{
    return client->process;
}

static bool
client_ask_json(struct socket_client *client, const struct writer *request, struct bytes *out_json,
                struct fault *out_fault)
{
    struct reader response;
    if (!client_ask(client, request, client->response_memory, SOCKET_FRAME_BYTES_MAX, &response,
                    out_fault))
        return false;
    *out_json = reader_prefixed(&response);
    return client_done(&response, out_fault);
}

bool
socket_client_member(struct socket_client *client, struct bytes member, struct bytes *out_json,
                     struct fault *out_fault)
{
    struct client_question question;
    struct writer *request = client_question(&question, SOCKET_MEMBER);
    writer_prefixed(request, member);
    return client_ask_json(client, request, out_json, out_fault);
}

bool
socket_client_status(struct socket_client *client, struct bytes *out_json, struct fault *out_fault)
{
    struct client_question question;
    struct writer *request = client_question(&question, SOCKET_STATUS);
    return client_ask_json(client, request, out_json, out_fault);
}

bool
socket_client_checkpoint(struct socket_client *client, struct fault *out_fault)
{
    struct client_question question;
    struct writer *request = client_question(&question, SOCKET_CHECKPOINT);
    struct reader response;
    return client_ask(client, request, client->response_memory, SOCKET_FRAME_BYTES_MAX, &response,
                      out_fault);
}

bool
socket_client_rulebook(struct socket_client *client, uint32_t partition, uint32_t *out_version,
                       struct bytes *out_program, struct fault *out_fault)
{
    struct client_question question;
    struct writer *request = client_question(&question, SOCKET_RULEBOOK);
    struct reader response;
    writer_u32le(request, partition);
    if (!client_ask(client, request, client->response_memory, SOCKET_FRAME_BYTES_MAX, &response,
                    out_fault))
        return false;
    *out_version = reader_u32le(&response);
    *out_program = reader_prefixed(&response);
    return client_done(&response, out_fault);
}
