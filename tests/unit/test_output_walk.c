/* Walking over outputs that former owners have left as they could: packs, repeats, gaps. */
#include <criterion/criterion.h>

#include "consumers/codec_output.h"
#include "consumers/outputs_disk.h"
#include "tally/output_walk.h"
#include "tests/unit/disk_folder.h"

enum { PARTITIONS = 3 };

static struct disk_folder folder;
static struct outputs *outputs;
static struct fault fault;
static atomic_bool stop;

static void
open_outputs(void)
{
    struct outputs_disk_options options = {.encoder = codec_output_encoder()};
    folder = disk_folder_make();
    cr_assert(outputs_disk_create(folder.path, PARTITIONS, &fault), "%s", fault.text);
    cr_assert(outputs_disk_open(folder.path, &options, &outputs, &fault), "%s", fault.text);
}

static void
close_outputs(void)
{
    outputs->ops->close(outputs);
    disk_folder_remove(&folder);
}

/* One message of the numbers from first to last, whatever stands there already. */
static void
publish(uint32_t partition, uint64_t first, uint64_t last)
{
    struct publisher *publisher;
    struct effect effects[64];
    uint64_t begin, end;
    size_t count = 0;
    for (uint64_t sequence = first; sequence <= last; sequence++)
        effects[count++] = (struct effect){
            .topic = TOPIC_NOTICES,
            .sequence = sequence,
            .notice = {.kind = NOTICE_EXPIRING_SOON,
                       .member = BYTES_LITERAL("ann"),
                       .expiring_soon = {.currency = BYTES_LITERAL("points"),
                                         .points = {(int64_t)sequence}}},
        };
    cr_assert(outputs->ops->open_publisher(outputs, &publisher, &fault), "%s", fault.text);
    for (enum topic topic = 0; topic < TOPIC_COUNT; topic++) {
        cr_assert(outputs->ops->bounds(outputs, partition, topic, &begin, &end, &fault));
        cr_assert(publisher->ops->start(publisher, partition, topic, first, end, &fault), "%s",
                  fault.text);
    }
    cr_assert(publisher->ops->publish(publisher, partition, 1, effects, count, &fault), "%s",
              fault.text);
    publisher->ops->close(publisher);
}

struct seen {
    uint64_t numbers[PARTITIONS][256];
    size_t counts[PARTITIONS];
};

static bool
see(void *context, const struct output_item *item, struct fault *out_fault)
{
    struct seen *seen = context;
    (void)out_fault;
    cr_expect(bytes_equal(item->key, BYTES_LITERAL("ann")));
    cr_expect_not_null(strstr(item->json_text, "\"ann\""), "%s", item->json_text);
    seen->numbers[item->partition][seen->counts[item->partition]++] = item->sequence;
    return true;
}

static bool
walk(uint64_t last, struct seen *out_seen)
{
    struct output_walk_options options = {
        .topic = TOPIC_NOTICES,
        .last_partition = PARTITIONS - 1,
        .last = last,
        .json = true,
        .stop = &stop,
    };
    memset(out_seen, 0, sizeof *out_seen);
    return output_walk(outputs, &options, see, out_seen, &fault);
}

static void
expect_numbers(const struct seen *seen, uint32_t partition, uint64_t first, uint64_t last)
{
    cr_assert_eq(seen->counts[partition], last + 1 - first, "partition %u: %zu", partition,
                 seen->counts[partition]);
    for (size_t i = 0; i < seen->counts[partition]; i++)
        cr_expect_eq(seen->numbers[partition][i], first + i);
}

Test(output_walk, packs_are_opened_and_repeats_passed_over, .init = open_outputs,
     .fini = close_outputs)
{
    struct seen seen;
    publish(0, 1, 5);
    publish(0, 6, 9);
    publish(0, 3, 7); /* a former owner's, packed otherwise, comes late */
    publish(0, 8, 12);
    publish(2, 1, 1);
    cr_assert(walk(0, &seen), "%s", fault.text);
    expect_numbers(&seen, 0, 1, 12);
    cr_expect_eq(seen.counts[1], 0);
    expect_numbers(&seen, 2, 1, 1);
}

Test(output_walk, a_gap_is_told, .init = open_outputs, .fini = close_outputs)
{
    struct seen seen;
    publish(1, 1, 3);
    publish(1, 5, 6);
    cr_expect_not(walk(0, &seen));
    cr_expect_eq(fault.kind, FAULT_DATA);
    cr_expect_not_null(strstr(fault.text, "number 5 follows 3"), "%s", fault.text);
    cr_expect_eq(seen.counts[1], 3);
}

struct last_row {
    uint64_t last;
    uint64_t firsts[PARTITIONS];
};

static const struct last_row last_rows[] = {
    {1, {40, 41, 42}},
    {5, {36, 37, 38}},
    {40, {1, 2, 3}},
    {1000, {1, 1, 1}},
};

/* The last of each partition, though all are read at once: nothing of one may be lost over the
 * search in another. */
Test(output_walk, the_last_of_each_partition, .init = open_outputs, .fini = close_outputs)
{
    for (uint32_t partition = 0; partition < PARTITIONS; partition++)
        for (uint64_t number = 1; number <= 40 + partition; number++)
            publish(partition, number, number);
    for (size_t i = 0; i < sizeof last_rows / sizeof *last_rows; i++) {
        struct seen seen;
        cr_assert(walk(last_rows[i].last, &seen), "%s", fault.text);
        for (uint32_t partition = 0; partition < PARTITIONS; partition++)
            expect_numbers(&seen, partition, last_rows[i].firsts[partition], 40 + partition);
    }
}

Test(output_walk, a_cursor_from_the_end_sees_what_comes, .init = open_outputs,
     .fini = close_outputs)
{
    enum topic topic = TOPIC_NOTICES;
    struct output_cursor *cursor;
    struct seen seen = {0};
    uint64_t count;
    publish(0, 1, 5);
    cr_assert(output_cursor_open(outputs, &topic, 1, 0, PARTITIONS - 1, true, &cursor, &fault));
    cr_assert(output_cursor_read(cursor, 0, true, see, &seen, &count, &fault));
    cr_expect_eq(count, 0);
    publish(0, 6, 8);
    cr_assert(output_cursor_read(cursor, 1000, true, see, &seen, &count, &fault));
    cr_expect_eq(count, 3);
    expect_numbers(&seen, 0, 6, 8);
    output_cursor_close(cursor);
}
