#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "consumers/dead_letters_disk.h"
#include "consumers/outputs_disk.h"
#include "engine/base/crash.h"
#include "tests/unit/disk_folder.h"

static struct fault fault;

/* An encoding that a test can read: of each effect its number and its cause. A notice also takes
 * `notice_bytes`, to make packs that do not fit. */
static size_t notice_bytes;

static bool
encode_pack(enum topic topic, uint32_t partition, const struct effect *effects, size_t count,
            struct writer *writer)
{
    (void)partition;
    struct writer own = *writer;
    for (size_t i = 0; i < count; i++) {
        if (effects[i].topic != topic) continue;
        writer_u64le(&own, effects[i].sequence);
        writer_u64le(&own, position_pack(effects[i].cause));
        for (size_t pad = 0; topic == TOPIC_NOTICES && pad < notice_bytes; pad += 8)
            writer_u64le(&own, pad);
    }
    if (own.overflow) return false;
    *writer = own;
    return true;
}

static const struct output_encoder encoder = {.encode_pack = encode_pack};

static struct outputs *
outputs_open_at(const char *path, size_t queue_bytes)
{
    struct outputs *outputs = NULL;
    struct outputs_disk_options options = {.encoder = &encoder, .queue_bytes = queue_bytes};
    cr_assert(outputs_disk_open(path, &options, &outputs, &fault), "%s", fault.text);
    return outputs;
}

static struct outputs *
outputs_make(struct disk_folder *folder, uint32_t partition_count)
{
    *folder = disk_folder_make();
    cr_assert(outputs_disk_create(folder->path, partition_count, &fault), "%s", fault.text);
    return outputs_open_at(folder->path, 0);
}

/* A publisher that goes on where every topic of the partition ends; next: by topic. */
static struct publisher *
publisher_resume(struct outputs *outputs, uint32_t partition, const uint64_t next[TOPIC_COUNT])
{
    struct publisher *publisher = NULL;
    cr_assert(outputs->ops->open_publisher(outputs, &publisher, &fault), "%s", fault.text);
    for (enum topic topic = 0; topic < TOPIC_COUNT; topic++) {
        uint64_t first, end;
        cr_assert(outputs->ops->bounds(outputs, partition, topic, &first, &end, &fault));
        cr_assert(publisher->ops->start(publisher, partition, topic, next[topic], end, &fault),
                  "%s", fault.text);
    }
    return publisher;
}

static struct publisher *
publisher_open(struct outputs *outputs, uint32_t partition, uint64_t next)
{
    return publisher_resume(outputs, partition, (uint64_t[TOPIC_COUNT]){next, next, next, next});
}

static struct effect
effect_of(enum topic topic, uint64_t sequence)
{
    return (struct effect){
        .topic = topic,
        .sequence = topic == TOPIC_FORWARD ? 0 : sequence,
        .hash = sequence * 1000 + topic,
        .cause = {.offset = (int64_t)sequence + 7, .index = 3},
    };
}

static bool
publish_wait(struct publisher *publisher, uint32_t partition, const struct effect *effects,
             size_t count)
{
    while (!publisher->ops->publish(publisher, partition, 99, effects, count, &fault)) {
        if (fault.kind != FAULT_TRY_AGAIN) return false;
        if (!publisher->ops->poll(publisher, 1000, &fault)) return false;
    }
    return true;
}

static bool
wait_idle(struct publisher *publisher)
{
    while (publisher->ops->in_flight(publisher) > 0)
        if (!publisher->ops->poll(publisher, 1000, &fault)) return false;
    return true;
}

/* Reads a topic from the start: numbers from 1 without a gap or a repeat. Returns the last. */
static uint64_t
read_topic(struct outputs *outputs, uint32_t partition, enum topic topic, size_t *out_messages)
{
    struct output_reader *reader;
    struct output_message messages[8];
    uint64_t first, end, at = 0, next = 1;
    cr_assert(outputs->ops->open_reader(outputs, &reader, &fault), "%s", fault.text);
    cr_assert(outputs->ops->bounds(outputs, partition, topic, &first, &end, &fault));
    cr_assert(reader->ops->assign(reader, partition, topic, first, &fault), "%s", fault.text);
    while (at < end) {
        size_t count;
        cr_assert(reader->ops->read(reader, 0, messages, 8, &count, &fault), "%s", fault.text);
        cr_assert_gt(count, 0);
        for (size_t i = 0; i < count; i++, at++) {
            const struct output_message *message = &messages[i];
            cr_assert_eq(message->partition, partition);
            cr_assert_eq(message->topic, topic);
            cr_assert_eq(message->offset, at);
            cr_assert_eq(message->first_sequence, next);
            cr_assert_eq(message->claim, 99);
            cr_assert(message->packed && !message->json);
            struct reader bytes = reader_of(message->payload);
            for (uint32_t each = 0; each < message->count; each++, next++) {
                struct effect effect = effect_of(topic, next);
                cr_assert_eq(reader_u64le(&bytes), next);
                cr_assert_eq(reader_u64le(&bytes), position_pack(effect.cause));
                if (topic == TOPIC_NOTICES) reader_bytes(&bytes, notice_bytes);
            }
            cr_assert(reader_done(&bytes));
            struct effect last = effect_of(topic, next - 1);
            cr_assert_eq(message->hash, last.hash);
            cr_assert_eq(message->cause, position_pack(last.cause));
        }
    }
    reader->ops->close(reader);
    if (out_messages != NULL) *out_messages = at;
    return next - 1;
}

Test(outputs_disk, publishes_each_topic_with_its_own_numbers)
{
    struct disk_folder folder;
    struct outputs *outputs = outputs_make(&folder, 2);
    cr_expect_eq(outputs_disk_partition_count(outputs), 2);
    struct publisher *publisher = publisher_open(outputs, 1, 1);
    struct effect effects[] = {
        effect_of(TOPIC_POSTINGS, 1), effect_of(TOPIC_OUTCOMES, 1), effect_of(TOPIC_FORWARD, 0),
        effect_of(TOPIC_POSTINGS, 2), effect_of(TOPIC_TIERS, 1),    effect_of(TOPIC_POSTINGS, 3),
    };
    cr_assert(publish_wait(publisher, 1, effects, 6), "%s", fault.text);
    cr_assert(wait_idle(publisher), "%s", fault.text);
    const struct {
        enum topic topic;
        uint64_t effects, messages;
    } rows[] = {
        {TOPIC_POSTINGS, 3, 1}, {TOPIC_OUTCOMES, 1, 1}, {TOPIC_TIERS, 1, 1}, {TOPIC_NOTICES, 0, 0}};
    for (size_t i = 0; i < 4; i++) {
        const char *what = topic_name(rows[i].topic);
        size_t messages;
        cr_expect_eq(read_topic(outputs, 1, rows[i].topic, &messages), rows[i].effects, "%s", what);
        cr_expect_eq(messages, rows[i].messages, "%s: one pack a publish", what);
        cr_expect_eq(read_topic(outputs, 0, rows[i].topic, NULL), 0, "%s of the other", what);
        cr_expect_eq(publisher->ops->acked(publisher, 1, rows[i].topic), rows[i].effects + 1, "%s",
                     what);
        cr_expect_eq(publisher->ops->acked_offset(publisher, 1, rows[i].topic), rows[i].messages,
                     "%s", what);
    }
    publisher->ops->close(publisher);
    outputs->ops->close(outputs);
    disk_folder_remove(&folder);
}

Test(outputs_disk, passes_over_what_was_published_before)
{
    struct disk_folder folder;
    struct outputs *outputs = outputs_make(&folder, 1);
    struct publisher *publisher = publisher_open(outputs, 0, 1);
    struct effect effects[10];
    for (uint64_t i = 0; i < 10; i++)
        effects[i] = effect_of(TOPIC_OUTCOMES, i + 1);
    cr_assert(publish_wait(publisher, 0, effects, 4));
    publisher->ops->stop(publisher, 0);
    cr_expect_eq(publisher->ops->in_flight(publisher), 0, "what was queued is durable at the stop");
    publisher->ops->close(publisher);
    outputs->ops->close(outputs);

    outputs = outputs_open_at(folder.path, 0);
    publisher = publisher_open(outputs, 0, 5);
    cr_expect_eq(publisher->ops->acked(publisher, 0, TOPIC_OUTCOMES), 5);
    cr_assert(publish_wait(publisher, 0, effects, 4), "nothing new");
    cr_expect_eq(publisher->ops->in_flight(publisher), 0);
    cr_assert(publish_wait(publisher, 0, effects, 10), "six of them new");
    cr_assert(wait_idle(publisher));
    size_t messages;
    cr_expect_eq(read_topic(outputs, 0, TOPIC_OUTCOMES, &messages), 10);
    cr_expect_eq(messages, 2);
    cr_expect_eq(publisher->ops->acked(publisher, 0, TOPIC_OUTCOMES), 11);
    cr_expect_eq(publisher->ops->acked_offset(publisher, 0, TOPIC_OUTCOMES), 2);
    cr_expect_not(publisher->ops->start(publisher, 0, TOPIC_OUTCOMES, 11, 1, &fault),
                  "an end that another one has passed");
    publisher->ops->close(publisher);
    outputs->ops->close(outputs);
    disk_folder_remove(&folder);
}

Test(outputs_disk, divides_what_is_too_much_for_one_pack_or_for_the_queue)
{
    const struct {
        const char *what;
        size_t notice_bytes, count, least_messages;
    } rows[] = {
        {"too many for a pack", 8, 5000, 3},
        {"too large for a pack", 1000, 5000, 10},
        {"too large for the queue", 4000, 3000, 20},
        {"each nearly as large as a pack", 500000, 40, 40},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct disk_folder folder;
        struct outputs *outputs = outputs_make(&folder, 1);
        outputs->ops->close(outputs);
        outputs = outputs_open_at(folder.path, OUTPUTS_DISK_QUEUE_BYTES_MIN);
        struct publisher *publisher = publisher_open(outputs, 0, 1);
        notice_bytes = rows[i].notice_bytes;
        struct effect *effects = calloc(rows[i].count * 2, sizeof *effects);
        for (uint64_t each = 0; each < rows[i].count; each++) {
            effects[2 * each] = effect_of(TOPIC_NOTICES, each + 1);
            effects[2 * each + 1] = effect_of(TOPIC_TIERS, each + 1);
        }
        cr_assert(publish_wait(publisher, 0, effects, rows[i].count * 2), "%s: %s", rows[i].what,
                  fault.text);
        cr_assert(wait_idle(publisher), "%s", rows[i].what);
        size_t messages;
        cr_expect_eq(read_topic(outputs, 0, TOPIC_NOTICES, &messages), rows[i].count, "%s",
                     rows[i].what);
        cr_expect_geq(messages, rows[i].least_messages, "%s", rows[i].what);
        cr_expect_eq(publisher->ops->acked_offset(publisher, 0, TOPIC_NOTICES), messages, "%s",
                     rows[i].what);
        cr_expect_eq(read_topic(outputs, 0, TOPIC_TIERS, NULL), rows[i].count, "%s", rows[i].what);
        free(effects);
        publisher->ops->close(publisher);
        outputs->ops->close(outputs);
        disk_folder_remove(&folder);
    }
}

/* Publishes in a child until it is killed at a named point, telling through a pipe what was
 * acknowledged; returns the last number of postings that it knew to be durable. */
static uint64_t
publish_until_killed(const char *path, const uint64_t next[TOPIC_COUNT], const char *crash_at)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        setenv(CRASH_ENVIRONMENT, crash_at, 1);
        if (!crash_init(&fault)) _exit(1);
        struct publisher *publisher = publisher_resume(outputs_open_at(path, 0), 0, next);
        /* Topics are not one step: the effects of the one that is behind come again. */
        uint64_t sequence = next[TOPIC_POSTINGS] < next[TOPIC_OUTCOMES] ? next[TOPIC_POSTINGS]
                                                                        : next[TOPIC_OUTCOMES];
        for (;; sequence++) {
            struct effect effects[] = {effect_of(TOPIC_POSTINGS, sequence),
                                       effect_of(TOPIC_OUTCOMES, sequence)};
            if (!publish_wait(publisher, 0, effects, 2)) _exit(2);
            uint64_t acked = publisher->ops->acked(publisher, 0, TOPIC_POSTINGS);
            if (write(ends[1], &acked, sizeof acked) != sizeof acked) _exit(3);
        }
    }
    close(ends[1]);
    uint64_t acked = next[TOPIC_POSTINGS], told;
    while (read(ends[0], &told, sizeof told) == sizeof told)
        acked = told;
    close(ends[0]);
    int status = 0;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "status %d", status);
    return acked - 1;
}

Test(outputs_disk, a_killed_process_loses_nothing_acknowledged)
{
    struct disk_folder folder = disk_folder_make();
    cr_assert(outputs_disk_create(folder.path, 1, &fault), "%s", fault.text);
    uint64_t next[TOPIC_COUNT] = {1, 1, 1, 1};
    for (int i = 1; i <= 8; i++) {
        char crash_at[64];
        snprintf(crash_at, sizeof crash_at, "outputs.%s_commit:%d", i % 2 ? "before" : "after", i);
        uint64_t acked = publish_until_killed(folder.path, next, crash_at);
        struct outputs *outputs = outputs_open_at(folder.path, 0);
        for (enum topic topic = 0; topic < TOPIC_COUNT; topic++)
            next[topic] = read_topic(outputs, 0, topic, NULL) + 1;
        cr_expect_gt(next[TOPIC_POSTINGS], acked, "%s", crash_at);
        outputs->ops->close(outputs);
    }
    cr_expect_gt(next[TOPIC_OUTCOMES], 8);
    disk_folder_remove(&folder);
}

Test(outputs_disk, keeps_dead_letters_byte_by_byte)
{
    static uint8_t large[2 << 20];
    struct disk_folder folder;
    struct outputs *outputs = outputs_make(&folder, 2);
    memset(large, 0xa5, sizeof large);
    const struct {
        const char *what;
        struct dead_letter letter;
    } rows[] = {
        {"a small one",
         {.source = BYTES_LITERAL("shop.orders"),
          .partition = 3,
          .offset = 1234567890123,
          .received_ms = 1700000000123,
          .reason = BYTES_LITERAL("not_json"),
          .detail = BYTES_LITERAL("byte 7: '}' expected"),
          .key = BYTES_LITERAL("m-1"),
          .value = BYTES_LITERAL("{\"a\":1\0\xff")}},
        {"nothing in it", {.source = BYTES_LITERAL("s"), .partition = -1, .offset = -5}},
        {"2 MiB", {.source = BYTES_LITERAL("s"), .value = {large, sizeof large}}},
    };
    enum { LETTERS = sizeof rows / sizeof rows[0] };
    struct dead_letters_writer *writer;
    cr_assert(dead_letters_disk_open_writer(outputs, &writer, &fault), "%s", fault.text);
    for (size_t i = 0; i < LETTERS; i++)
        cr_assert(dead_letters_disk_append(writer, &rows[i].letter, &fault), "%s", fault.text);
    cr_assert(dead_letters_disk_flush(writer, &fault), "%s", fault.text);
    cr_expect_eq(dead_letters_disk_count(outputs), LETTERS);
    struct dead_letter huge = {.source = BYTES_LITERAL("s"), .value = {large, 9 << 20}};
    cr_expect_not(dead_letters_disk_append(writer, &huge, &fault), "9 MiB");
    cr_expect_eq(fault.kind, FAULT_DATA);
    dead_letters_disk_close_writer(writer);
    outputs->ops->close(outputs);

    outputs = outputs_open_at(folder.path, 0);
    struct dead_letters_reader *reader;
    cr_assert(dead_letters_disk_open_reader(outputs, 0, &reader, &fault), "%s", fault.text);
    for (size_t i = 0; i < LETTERS; i++) {
        struct dead_letter letter;
        bool found = false;
        cr_assert(dead_letters_disk_read(reader, 0, &letter, &found, &fault), "%s", fault.text);
        cr_assert(found);
        const struct dead_letter *expected = &rows[i].letter;
        cr_expect_eq(letter.number, i, "%s", rows[i].what);
        cr_expect_gt(letter.written_ms, 0, "%s", rows[i].what);
        cr_expect_eq(letter.partition, expected->partition, "%s", rows[i].what);
        cr_expect_eq(letter.offset, expected->offset, "%s", rows[i].what);
        cr_expect_eq(letter.received_ms, expected->received_ms, "%s", rows[i].what);
        cr_expect(bytes_equal(letter.source, expected->source), "%s", rows[i].what);
        cr_expect(bytes_equal(letter.reason, expected->reason), "%s", rows[i].what);
        cr_expect(bytes_equal(letter.detail, expected->detail), "%s", rows[i].what);
        cr_expect(bytes_equal(letter.key, expected->key), "%s", rows[i].what);
        cr_expect(bytes_equal(letter.value, expected->value), "%s", rows[i].what);
    }
    struct dead_letter letter;
    bool found = true;
    cr_assert(dead_letters_disk_read(reader, 0, &letter, &found, &fault));
    cr_expect_not(found, "that was the last");
    dead_letters_disk_close_reader(reader);
    outputs->ops->close(outputs);
    disk_folder_remove(&folder);
}
