/* The socket of a running instance: frames, both ends, and what the other side may do wrong. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tally/socket_client.h"
#include "tally/socket_server.h"
#include "tally/socket_wire.h"
#include "tests/unit/shard_rig.h"

/* ---- Frames ---- */

static int pair[2];
static struct fault fault;

static void
open_pair(void)
{
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
}

Test(socket_wire, frames_keep_their_ends, .init = open_pair)
{
    uint8_t memory[64];
    struct bytes frame;
    bool eof = false;
    cr_assert(socket_send(pair[0], BYTES_LITERAL("one"), &fault));
    cr_assert(socket_send(pair[0], BYTES_LITERAL("another"), &fault));
    cr_assert(socket_receive(pair[1], memory, sizeof memory, &frame, &eof, &fault));
    cr_expect(bytes_equal(frame, BYTES_LITERAL("one")));
    cr_assert(socket_receive(pair[1], memory, sizeof memory, &frame, &eof, &fault));
    cr_expect(bytes_equal(frame, BYTES_LITERAL("another")));
    close(pair[0]);
    cr_expect_not(socket_receive(pair[1], memory, sizeof memory, &frame, &eof, &fault));
    cr_expect(eof);
    cr_expect_eq(fault.kind, FAULT_UNAVAILABLE);
}

struct frame_row {
    const char *what;
    const char *bytes;
    size_t size;
    enum fault_kind kind;
};

static const struct frame_row frame_rows[] = {
    {"nothing in it", "\0\0\0\0", 4, FAULT_DATA},
    {"larger than the buffer", "\x41\0\0\0", 4, FAULT_DATA},
    {"larger than anything", "\xff\xff\xff\xff", 4, FAULT_DATA},
    {"half a size", "\x02\0", 2, FAULT_UNAVAILABLE},
    {"half a content", "\x08\0\0\0abc", 7, FAULT_UNAVAILABLE},
};

Test(socket_wire, frames_that_are_none_are_refused)
{
    for (size_t i = 0; i < sizeof frame_rows / sizeof *frame_rows; i++) {
        const struct frame_row *row = &frame_rows[i];
        uint8_t memory[64];
        struct bytes frame;
        open_pair();
        cr_assert_eq(write(pair[0], row->bytes, row->size), (ssize_t)row->size);
        close(pair[0]);
        cr_expect_not(socket_receive(pair[1], memory, sizeof memory, &frame, NULL, &fault), "%s",
                      row->what);
        cr_expect_eq(fault.kind, row->kind, "%s: %s", row->what, fault.text);
        close(pair[1]);
    }
}

Test(socket_wire, a_side_that_is_gone_is_a_fault_and_no_signal, .init = open_pair)
{
    close(pair[1]);
    cr_expect_not(socket_send(pair[0], BYTES_LITERAL("x"), &fault));
    cr_expect_eq(fault.kind, FAULT_UNAVAILABLE);
}

/* ---- Server and client ---- */

enum { PARTITIONS = 3 };

static struct shard_rig rig;
static struct instance *instance;
static struct socket_server *server;
static char socket_path[600];

static void
start(void)
{
    shard_rig_open(&rig, PARTITIONS, false);
    struct shard_options shard = shard_rig_options(&rig, "a");
    struct instance_options options = {
        .mode = INSTANCE_OWNER,
        .state_folder = shard.state_folder,
        .journal = rig.journal,
        .outputs = rig.outputs,
        .decoder = shard.decoder,
        .shards = 2,
        .memory_bytes = (size_t)64 << 20,
        .checkpoint_records = 1000,
        .checkpoint_ms = 1000,
    };
    cr_assert(instance_open(&options, &instance, &fault), "%s", fault.text);
    instance_start(instance);
    snprintf(socket_path, sizeof socket_path, "%s/s", rig.folder.path);
    cr_assert(socket_server_start(socket_path, instance, &server, &fault), "%s", fault.text);
}

static void
stop(void)
{
    socket_server_stop(server);
    cr_expect(instance_stop(instance, 10000));
    instance_close(instance);
    cr_expect_neq(access(socket_path, F_OK), 0, "the socket's file is left behind");
    shard_rig_close(&rig);
}

static struct socket_client *
connect_client(void)
{
    struct socket_client *client = NULL;
    cr_assert(socket_client_open(socket_path, &client, &fault), "%s", fault.text);
    return client;
}

/* A connection without a client's manners. */
static int
connect_raw(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, socket_path, strlen(socket_path) + 1);
    int raw = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_geq(raw, 0);
    cr_assert_eq(connect(raw, (struct sockaddr *)&address, sizeof address), 0);
    return raw;
}

Test(socket, a_client_sees_what_the_folder_would_give, .init = start, .fini = stop)
{
    struct socket_client *client = connect_client();
    struct journal *journal = socket_client_journal(client);
    struct outputs *outputs = socket_client_outputs(client);
    struct journal_reader *reader;
    struct journal_message message;
    struct bytes json;
    int64_t first, end;
    size_t count = 0;
    uint32_t home = shard_rig_home(&rig, "ann");
    cr_expect_eq(journal->ops->partition_count(journal), PARTITIONS);
    cr_expect_eq(socket_client_process(client), (uint64_t)getpid());
    shard_rig_buy(&rig, "ann", 1000);
    cr_assert(instance_wait_idle(instance, NULL, NULL, &fault), "%s", fault.text);
    cr_assert(journal->ops->bounds(journal, home, &first, &end, &fault));
    cr_expect_geq(end, 4); /* record 0, rulebook, order, claim */
    cr_assert(journal->ops->open_reader(journal, &reader, &fault));
    for (uint32_t i = 0; i < PARTITIONS; i++)
        cr_assert(reader->ops->assign(reader, i, 0, &fault));
    int64_t next[PARTITIONS] = {0};
    for (int i = 0; i < 200 && next[home] < end; i++) {
        cr_assert(reader->ops->read(reader, 30, &message, 1, &count, &fault), "%s", fault.text);
        if (count > 0) cr_expect_eq(message.offset, next[message.partition]++);
    }
    cr_expect_eq(next[home], end);
    reader->ops->close(reader);

    struct output_reader *output_reader;
    struct output_message output;
    cr_assert(outputs->ops->open_reader(outputs, &output_reader, &fault));
    cr_assert(output_reader->ops->assign(output_reader, home, TOPIC_OUTCOMES, 0, &fault));
    cr_assert(output_reader->ops->read(output_reader, 1000, &output, 1, &count, &fault));
    cr_assert_eq(count, 1);
    cr_expect_eq(output.first_sequence, 1);
    cr_expect(output.packed);
    output_reader->ops->close(output_reader);

    cr_assert(socket_client_member(client, BYTES_LITERAL("ann"), &json, &fault), "%s", fault.text);
    cr_expect_not_null(memmem(json.data, json.size, "\"ann\"", 5));
    cr_expect_not(socket_client_member(client, BYTES_LITERAL("nobody"), &json, &fault));
    cr_expect_eq(fault.kind, FAULT_NO_INPUT);
    cr_assert(socket_client_status(client, &json, &fault), "%s", fault.text);
    cr_expect_not_null(memmem(json.data, json.size, "digest", 6));
    cr_assert(socket_client_checkpoint(client, &fault), "%s", fault.text);
    socket_client_close(client);
}

Test(socket, appends_are_durable_when_they_are_told, .init = start, .fini = stop)
{
    struct socket_client *client = connect_client();
    struct journal *journal = socket_client_journal(client);
    struct journal_appender *appender;
    struct record_builder builder;
    int64_t first, end;
    uint32_t home = shard_rig_home(&rig, "ann");
    cr_assert(instance_wait_idle(instance, NULL, NULL, &fault));
    cr_assert(journal->ops->bounds(journal, home, &first, &end, &fault));
    cr_assert(journal->ops->open_appender(journal, &appender, &fault));
    /* A record that is none is refused, and the good one before it, in the same question, stays. */
    shard_rig_begin(&rig, &builder);
    shard_rig_add_order(&rig, &builder, "ann", 1000);
    cr_assert(appender->ops->append(appender, home, codec_record_span(&builder), &fault));
    cr_assert(appender->ops->append(appender, home, BYTES_LITERAL("\xff nonsense"), &fault));
    cr_expect_not(appender->ops->poll(appender, 0, &fault));
    cr_expect_eq(fault.kind, FAULT_DATA, "%s", fault.text);
    cr_expect_eq(appender->ops->acked(appender), 0);
    appender->ops->close(appender);

    cr_assert(journal->ops->open_appender(journal, &appender, &fault));
    for (int i = 0; i < 3; i++) {
        shard_rig_begin(&rig, &builder);
        shard_rig_add_order(&rig, &builder, "ann", 1000);
        cr_assert(appender->ops->append(appender, home, codec_record_span(&builder), &fault));
    }
    cr_assert(appender->ops->poll(appender, 0, &fault), "%s", fault.text);
    cr_expect_eq(appender->ops->acked(appender), 3);
    cr_expect_eq(appender->ops->last_offset(appender, home), end + 3);
    appender->ops->close(appender);
    cr_assert(instance_wait_idle(instance, NULL, NULL, &fault), "%s", fault.text);
    cr_expect_eq(shard_rig_output(&rig, home, TOPIC_OUTCOMES).effects, 4);
    socket_client_close(client);
}

struct question_row {
    const char *what;
    const char *bytes;
    size_t size;
};

#define QUESTION(bytes) bytes, sizeof bytes - 1

static const struct question_row question_rows[] = {
    {"an unknown operation", QUESTION("\x63")},
    {"another format", QUESTION("\x01\x63\0\0\0")},
    {"no format", QUESTION("\x01")},
    {"bounds of no partition", QUESTION("\x02")},
    {"bounds of a partition that is not there", QUESTION("\x02\x03\0\0\0")},
    {"a read from before the beginning",
     QUESTION("\x03\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0")},
    {"a read from behind the end", QUESTION("\x03\0\0\0\0\xff\0\0\0\0\0\0\0\0\0\0\0")},
    {"a read that ends too early", QUESTION("\x03\0\0\0\0\0")},
    {"more appends than there are", QUESTION("\x04\x02\0\0\0\0\0\0\0\0")},
    {"far too many appends", QUESTION("\x04\xff\xff\xff\xff")},
    {"an output that is not there", QUESTION("\x05\0\0\0\0\x09")},
    {"an output's read from behind its end", QUESTION("\x06\0\0\0\0\0\xff\0\0\0\0\0\0\0\0\0\0\0")},
    {"a member without a name", QUESTION("\x07")},
    {"a member whose name breaks off", QUESTION("\x07\x20\x61")},
    {"a rulebook of no partition", QUESTION("\x0a\xff\xff\xff\xff")},
};

/* Whatever is asked, there is an answer, the connection goes on, and so does the engine. */
Test(socket, foolish_questions_are_answered, .init = start, .fini = stop)
{
    int raw = connect_raw();
    for (size_t i = 0; i < sizeof question_rows / sizeof *question_rows; i++) {
        const struct question_row *row = &question_rows[i];
        static uint8_t memory[1 << 16];
        struct bytes answer;
        cr_assert(socket_send(raw, bytes_of(row->bytes, row->size), &fault), "%s", row->what);
        cr_assert(socket_receive(raw, memory, sizeof memory, &answer, NULL, &fault), "%s: %s",
                  row->what, fault.text);
        cr_expect_neq(answer.data[0], 0, "%s", row->what);
        cr_expect_gt(answer.size, 1, "%s", row->what);
    }
    close(raw);
    struct socket_client *client = connect_client();
    struct bytes json;
    cr_expect(socket_client_status(client, &json, &fault), "%s", fault.text);
    socket_client_close(client);
}

Test(socket, a_frame_that_is_too_large_ends_its_connection_alone, .init = start, .fini = stop)
{
    struct socket_client *client = connect_client();
    int raw = connect_raw();
    uint8_t byte;
    cr_assert_eq(write(raw, "\xff\xff\xff\x7f", 4), 4);
    cr_expect_eq(read(raw, &byte, 1), 0);
    close(raw);
    struct bytes json;
    cr_expect(socket_client_status(client, &json, &fault), "%s", fault.text);
    socket_client_close(client);
}

/* Connections come and go, many at once and some in the middle of a question. */
Test(socket, clients_that_vanish_leave_nothing_behind, .init = start, .fini = stop)
{
    for (int round = 0; round < 4; round++) {
        int raws[24];
        for (size_t i = 0; i < sizeof raws / sizeof *raws; i++) {
            raws[i] = connect_raw();
            cr_assert_eq(write(raws[i], "\x09\0\0\0\x03\0", 6), 6);
        }
        for (size_t i = 0; i < sizeof raws / sizeof *raws; i++)
            close(raws[i]);
    }
    /* Threads that have noticed are joined when the next one comes: until then it may be refused.
     */
    struct socket_client *client = NULL;
    for (int i = 0; i < 1000 && client == NULL; i++)
        if (!socket_client_open(socket_path, &client, &fault)) client = NULL;
    cr_assert_not_null(client, "%s", fault.text);
    socket_client_close(client);
}

/* One client waits for records that do not come, one has asked much and takes nothing of the
 * answers, one says nothing at all: the server stops all the same. */
Test(socket, a_stop_waits_for_no_client, .init = start, .timeout = 60)
{
    int waiting = connect_raw(), hanging = connect_raw(), silent = connect_raw();
    struct record_builder builder;
    for (int record = 0; record < 8; record++) {
        shard_rig_begin(&rig, &builder);
        for (int i = 0; i < 4000; i++)
            shard_rig_add_order(&rig, &builder, "ann", 1000);
        shard_rig_append(&rig, 0, codec_record_span(&builder));
    }
    cr_assert(socket_send(waiting, BYTES_LITERAL("\x06\0\0\0\0\x03\0\0\0\0\0\0\0\0\xff\xff\0\0"),
                          &fault));
    cr_assert(socket_send(hanging, BYTES_LITERAL("\x03\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), &fault));
    stop();
    close(waiting);
    close(hanging);
    close(silent);
}

Test(socket, nobody_listens)
{
    struct socket_client *client;
    struct disk_folder folder = disk_folder_make();
    cr_expect_not(socket_client_open(disk_folder_file(&folder, "s"), &client, &fault));
    cr_expect_eq(fault.kind, FAULT_UNAVAILABLE);
    char path[300];
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    cr_expect_not(socket_client_open(path, &client, &fault));
    cr_expect_eq(fault.kind, FAULT_CONFIG);
    disk_folder_remove(&folder);
}

/* Several threads ask the same engine; under the thread sanitizer this looks at the whole way. */
static void *
ask_often(void *argument)
{
    struct socket_client *client = connect_client();
    (void)argument;
    for (int i = 0; i < 20; i++) {
        struct bytes json;
        struct fault own;
        cr_assert(socket_client_status(client, &json, &own), "%s", own.text);
    }
    socket_client_close(client);
    return NULL;
}

Test(socket, many_ask_at_once, .init = start, .fini = stop)
{
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, ask_often, NULL), 0);
    for (int i = 0; i < 50; i++)
        shard_rig_buy(&rig, "ann", 1000);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}
