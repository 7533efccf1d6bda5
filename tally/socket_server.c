#include "tally/socket_server.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/base/check.h"
#include "engine/core/event.h"
#include "tally/socket_wire.h"

enum {
    SERVER_CONNECTIONS_MAX = 32, /* commands of people and scripts, not of a web shop */
    SERVER_READ_MESSAGES = 64,
    SERVER_WAIT_MS_MAX =
        1000, /* a read waits no longer: the connection must notice that the server stops */
    SERVER_SEND_S = 5, /* whoever takes nothing of an answer for so long is gone */
    SERVER_PAUSE_MS = 100,
};

struct connection {
    struct socket_server *server;
    int socket;
    bool used;
    atomic_bool ended;
    pthread_t thread;
    struct journal_appender *appender;
    uint64_t appended; /* on it, so far */
    struct bytes request;
    struct writer response;
    uint8_t *request_memory, *response_memory;
};

struct socket_server {
    struct instance *instance;
    int socket;
    char path[sizeof((struct sockaddr_un){0}.sun_path)];
    pthread_t thread;
    atomic_bool stopping;
    struct connection connections[SERVER_CONNECTIONS_MAX];
};

/* ---- Operations
 * ---------------------------------------------------------------------------------------------------
 */

static bool
read_partition(struct connection *connection, struct reader *request, uint32_t *out_partition,
               struct fault *out_fault)
{
    uint32_t count = instance_partition_count(connection->server->instance);
    uint32_t partition = reader_u32le(request);
    if (request->failed || partition >= count)
        return fault_set(out_fault, FAULT_USAGE, "partition %u of %u", partition, count);
    *out_partition = partition;
    return true;
}

static bool
read_topic(struct reader *request, enum topic *out_topic, struct fault *out_fault)
{
    uint8_t topic = reader_u8(request);
    if (request->failed || topic >= TOPIC_COUNT)
        return fault_set(out_fault, FAULT_USAGE, "output topic %u", topic);
    *out_topic = topic;
    return true;
}

static bool
serve_hello(struct connection *connection, struct reader *request, struct fault *out_fault)
{
    uint32_t format = reader_u32le(request);
    if (request->failed || format != SOCKET_FORMAT)
        return fault_set(out_fault, FAULT_USAGE,
                         "the running tally speaks format %u, this command format %u; use the same "
                         "version of both",
                         SOCKET_FORMAT, format);
    writer_u32le(&connection->response, instance_partition_count(connection->server->instance));
    writer_u64le(&connection->response, (uint64_t)getpid());
    return true;
}

static bool
serve_journal_bounds(struct connection *connection, struct reader *request, struct fault *out_fault)
{
    struct journal *journal = instance_journal(connection->server->instance);
    uint32_t partition;
    int64_t first, end;
    if (!read_partition(connection, request, &partition, out_fault) ||
        !journal->ops->bounds(journal, partition, &first, &end, out_fault))
        return false;
    writer_i64le(&connection->response, first);
    writer_i64le(&connection->response, end);
    return true;
}

static bool
serve_journal_read(struct connection *connection, struct reader *request, struct fault *out_fault)
{
    struct journal *journal = instance_journal(connection->server->instance);
    struct journal_message messages[SERVER_READ_MESSAGES];
    uint32_t partition;
    if (!read_partition(connection, request, &partition, out_fault)) return false;
    int64_t offset = reader_i64le(request);
    uint32_t wait_ms = reader_u32le(request);
    if (request->failed || offset < 0)
        return fault_set(out_fault, FAULT_USAGE, "partition %u has no offset %lld", partition,
                         (long long)offset);
    /* A reader of its own for each question: one that is kept would hold pages of the journal for
     * as long as the other side thinks. */
    struct journal_reader *reader;
    if (!journal->ops->open_reader(journal, &reader, out_fault)) return false;
    size_t count = 0;
    bool ok = reader->ops->assign(reader, partition, offset, out_fault) &&
              reader->ops->read(reader,
                                (int)(wait_ms < SERVER_WAIT_MS_MAX ? wait_ms : SERVER_WAIT_MS_MAX),
                                messages, SERVER_READ_MESSAGES, &count, out_fault);
    for (size_t i = 0; ok && i < count && connection->response.size < SOCKET_READ_BYTES; i++) {
        writer_i64le(&connection->response, messages[i].offset);
        writer_i64le(&connection->response, messages[i].append_ms);
        writer_prefixed(&connection->response, messages[i].payload);
    }
    reader->ops->close(reader);
    return ok;
}

static bool
serve_may_wait(const struct connection *connection, struct fault *out_fault)
{
    if (!atomic_load(&connection->server->stopping)) return true;
    return fault_set(out_fault, FAULT_UNAVAILABLE, "the running tally is stopping");
}

/* A record from another process is decoded before it is appended: what stands in the journal can be
 * folded. */
static bool
serve_append_one(struct connection *connection, struct reader *request, uint32_t *out_partition,
                 struct fault *out_fault)
{
    struct instance *instance = connection->server->instance;
    struct journal_appender *appender = connection->appender;
    if (!read_partition(connection, request, out_partition, out_fault)) return false;
    struct bytes record = reader_prefixed(request);
    if (request->failed || record.size > RECORD_BYTES_MAX)
        return fault_set(out_fault, FAULT_USAGE,
                         "a journal record of %zu bytes; at most %u are allowed", record.size,
                         RECORD_BYTES_MAX);
    if (!instance_check_record(instance, record, out_fault)) return false;
    while (!appender->ops->append(appender, *out_partition, record, out_fault)) {
        if (out_fault->kind != FAULT_TRY_AGAIN || !serve_may_wait(connection, out_fault) ||
            !appender->ops->poll(appender, 10, out_fault))
            return false;
    }
    connection->appended++;
    return true;
}

static bool
serve_journal_append(struct connection *connection, struct reader *request, struct fault *out_fault)
{
    struct journal *journal = instance_journal(connection->server->instance);
    uint32_t partitions[256];
    uint32_t count = reader_u32le(request);
    if (request->failed || count > sizeof partitions / sizeof *partitions)
        return fault_set(out_fault, FAULT_USAGE,
                         "%u records in one append; at most %zu are allowed", count,
                         sizeof partitions / sizeof *partitions);
    if (connection->appender == NULL &&
        !journal->ops->open_appender(journal, &connection->appender, out_fault))
        return false;
    struct journal_appender *appender = connection->appender;
    for (uint32_t i = 0; i < count; i++)
        if (!serve_append_one(connection, request, &partitions[i], out_fault)) return false;
    /* All that this connection ever appended: what a refused question left behind is counted too.
     */
    while (appender->ops->acked(appender) < connection->appended)
        if (!serve_may_wait(connection, out_fault) ||
            !appender->ops->poll(appender, SERVER_PAUSE_MS, out_fault))
            return false;
    for (uint32_t i = 0; i < count; i++)
        writer_i64le(&connection->response, appender->ops->last_offset(appender, partitions[i]));
    return true;
}

static bool
serve_output_bounds(struct connection *connection, struct reader *request, struct fault *out_fault)
{
    struct outputs *outputs = instance_outputs(connection->server->instance);
    uint32_t partition;
    enum topic topic;
    uint64_t first, end;
    if (!read_partition(connection, request, &partition, out_fault) ||
        !read_topic(request, &topic, out_fault) ||
        !outputs->ops->bounds(outputs, partition, topic, &first, &end, out_fault))
        return false;
    writer_u64le(&connection->response, first);
    writer_u64le(&connection->response, end);
    return true;
}

static void
write_output_message(struct writer *writer, const struct output_message *message)
{
    writer_u64le(writer, message->offset);
    writer_u64le(writer, message->claim);
    writer_u64le(writer, message->first_sequence);
    writer_u32le(writer, message->count);
    writer_u64le(writer, message->cause);
    writer_u64le(writer, message->hash);
    writer_u8(writer, (uint8_t)((message->json ? 1 : 0) | (message->packed ? 2 : 0)));
    writer_prefixed(writer, message->payload);
}

static bool
serve_output_read(struct connection *connection, struct reader *request, struct fault *out_fault)
{
    struct outputs *outputs = instance_outputs(connection->server->instance);
    struct output_message messages[SERVER_READ_MESSAGES];
    uint32_t partition;
    enum topic topic;
    if (!read_partition(connection, request, &partition, out_fault) ||
        !read_topic(request, &topic, out_fault))
        return false;
    uint64_t offset = reader_u64le(request);
    uint32_t wait_ms = reader_u32le(request);
    /* A reader of its own for each question: it looks at one topic from one place. */
    struct output_reader *reader;
    if (!outputs->ops->open_reader(outputs, &reader, out_fault)) return false;
    size_t count = 0;
    bool ok = reader->ops->assign(reader, partition, topic, offset, out_fault) &&
              reader->ops->read(reader,
                                (int)(wait_ms < SERVER_WAIT_MS_MAX ? wait_ms : SERVER_WAIT_MS_MAX),
                                messages, SERVER_READ_MESSAGES, &count, out_fault);
    for (size_t i = 0; ok && i < count && connection->response.size < SOCKET_READ_BYTES; i++)
        write_output_message(&connection->response, &messages[i]);
    reader->ops->close(reader);
    return ok;
}

static bool
serve_json(struct connection *connection, char *json, struct fault *out_fault)
{
    struct bytes text = bytes_from_cstr(json);
    bool fits = text.size < SOCKET_FRAME_BYTES_MAX - 16;
    if (fits) writer_prefixed(&connection->response, text);
    free(json);
    return fits || fault_set(out_fault, FAULT_DATA, "the answer is too large for the socket");
}

static bool
serve_rulebook(struct connection *connection, struct reader *request, struct fault *out_fault)
{
    uint32_t partition, version;
    uint8_t *program;
    size_t size;
    if (!read_partition(connection, request, &partition, out_fault) ||
        !instance_rulebook(connection->server->instance, partition, &version, &program, &size,
                           out_fault))
        return false;
    writer_u32le(&connection->response, version);
    writer_prefixed(&connection->response, bytes_of(program, size));
    free(program);
    return true;
}

static bool
serve_operation(struct connection *connection, struct fault *out_fault)
{
    struct instance *instance = connection->server->instance;
    struct reader request = reader_of(connection->request);
    char *json;
    switch ((enum socket_operation)reader_u8(&request)) {
    case SOCKET_HELLO: return serve_hello(connection, &request, out_fault);
    case SOCKET_JOURNAL_BOUNDS: return serve_journal_bounds(connection, &request, out_fault);
    case SOCKET_JOURNAL_READ: return serve_journal_read(connection, &request, out_fault);
    case SOCKET_JOURNAL_APPEND: return serve_journal_append(connection, &request, out_fault);
    case SOCKET_OUTPUT_BOUNDS: return serve_output_bounds(connection, &request, out_fault);
    case SOCKET_OUTPUT_READ: return serve_output_read(connection, &request, out_fault);
    case SOCKET_MEMBER:
        return instance_member_json(instance, reader_prefixed(&request), &json, out_fault) &&
               serve_json(connection, json, out_fault);
    case SOCKET_STATUS:
        return instance_status_json(instance, &json, out_fault) &&
               serve_json(connection, json, out_fault);
    case SOCKET_RULEBOOK: return serve_rulebook(connection, &request, out_fault);
    case SOCKET_CHECKPOINT:
        return instance_checkpoint(instance, &connection->server->stopping, out_fault);
    }
    return fault_set(out_fault, FAULT_USAGE,
                     "socket: an operation that this version does not know");
}

/* ---- Connections
 * --------------------------------------------------------------------------------------------------
 */

static void
connection_serve(struct connection *connection)
{
    struct fault fault;
    bool eof = false;
    while (!atomic_load(&connection->server->stopping) &&
           socket_receive(connection->socket, connection->request_memory, SOCKET_FRAME_BYTES_MAX,
                          &connection->request, &eof, &fault)) {
        connection->response = writer_of(connection->response_memory, SOCKET_FRAME_BYTES_MAX);
        writer_u8(&connection->response, 0);
        if (!serve_operation(connection, &fault)) {
            connection->response.size = 0;
            writer_u8(&connection->response, (uint8_t)fault.kind);
            writer_bytes(&connection->response, bytes_from_cstr(fault.text));
        }
        CHECK(!connection->response.overflow);
        if (!socket_send(connection->socket, writer_span(&connection->response), &fault)) return;
    }
}

static void *
connection_run(void *argument)
{
    struct connection *connection = argument;
    connection->request_memory = malloc(SOCKET_FRAME_BYTES_MAX);
    connection->response_memory = malloc(SOCKET_FRAME_BYTES_MAX);
    if (connection->request_memory != NULL && connection->response_memory != NULL)
        connection_serve(connection);
    if (connection->appender != NULL) connection->appender->ops->close(connection->appender);
    free(connection->request_memory);
    free(connection->response_memory);
    shutdown(connection->socket, SHUT_RDWR);
    atomic_store(&connection->ended, true);
    return NULL;
}

static void
connection_reap(struct connection *connection)
{
    pthread_join(connection->thread, NULL);
    close(connection->socket);
    *connection = (struct connection){0};
}

static void
server_accept(struct socket_server *server)
{
    int socket = accept4(server->socket, NULL, NULL, SOCK_CLOEXEC);
    if (socket < 0) {
        poll(NULL, 0, SERVER_PAUSE_MS); /* no file left, say: it does not help to ask at once */
        return;
    }
    struct timeval limit = {.tv_sec = SERVER_SEND_S};
    setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    for (size_t i = 0; i < SERVER_CONNECTIONS_MAX; i++) {
        struct connection *connection = &server->connections[i];
        if (connection->used && atomic_load(&connection->ended)) connection_reap(connection);
        if (connection->used) continue;
        *connection = (struct connection){.server = server, .socket = socket, .used = true};
        if (pthread_create(&connection->thread, NULL, connection_run, connection) == 0) return;
        *connection = (struct connection){0};
        break;
    }
    close(socket); /* too many at once: the client is told that the other side is gone, and tries
                      again */
}

static void *
server_run(void *argument)
{
    struct socket_server *server = argument;
    while (!atomic_load(&server->stopping)) {
        struct pollfd wait = {.fd = server->socket, .events = POLLIN};
        if (poll(&wait, 1, 200) > 0) server_accept(server);
    }
    return NULL;
}

bool
socket_server_start(const char *path, struct instance *instance, struct socket_server **out_server,
                    struct fault *out_fault)
{
    struct socket_server *server = calloc(1, sizeof *server);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    CHECK(server != NULL);
    server->instance = instance;
    server->socket = -1;
    if (strlen(path) >= sizeof address.sun_path) {
        fault_set(out_fault, FAULT_CONFIG,
                  "the data folder's path is too long for a socket: '%s' has %zu bytes, at most "
                  "%zu are allowed",
                  path, strlen(path), sizeof address.sun_path - 1);
        goto fail;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    memcpy(server->path, address.sun_path, sizeof server->path);
    unlink(path);
    mode_t old_mask = umask(0077);
    server->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool bound = server->socket >= 0 &&
                 bind(server->socket, (struct sockaddr *)&address, sizeof address) == 0 &&
                 listen(server->socket, SERVER_CONNECTIONS_MAX) == 0;
    umask(old_mask);
    if (!bound || pthread_create(&server->thread, NULL, server_run, server) != 0) {
        fault_set(out_fault, FAULT_CANNOT_CREATE, "socket '%s': %s", path, strerror(errno));
        goto fail;
    }
    *out_server = server;
    return true;
fail:
    if (server->socket >= 0) close(server->socket);
    free(server);
    return false;
}

void
socket_server_stop(struct socket_server *server)
{
    atomic_store(&server->stopping, true);
    pthread_join(server->thread, NULL);
    for (size_t i = 0; i < SERVER_CONNECTIONS_MAX; i++) {
        if (!server->connections[i].used) continue;
        shutdown(server->connections[i].socket, SHUT_RD); /* an answer under way is still sent */
        connection_reap(&server->connections[i]);
    }
    close(server->socket);
    unlink(server->path);
    free(server);
}
