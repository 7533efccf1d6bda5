#include "tally/output_walk.h"

#include <stdlib.h>
#include <string.h>

#include "consumers/codec_json.h"
#include "consumers/codec_output.h"
#include "engine/base/check.h"
#include "engine/base/region.h"
#include "tallybook/v1/output.pb-c.h"

enum {
    WALK_MESSAGES = 64,
    WALK_WAIT_MS = 200,
    WALK_JSON_BYTES = 4 * CODEC_OUTPUT_BYTES_MAX + 1,
    WALK_ARENA_BYTES = 1 << 20,
};

/* Where the walk stands in one partition of one topic. */
struct output_place {
    bool used;
    uint64_t begin_offset, end_offset; /* of the topic when the cursor was opened */
    uint64_t next_offset;
    uint64_t last_sequence; /* handed over or skipped; 0: none yet */
    bool started;
};

struct output_cursor {
    struct output_reader *reader;
    struct output_place places[PARTITIONS_MAX][TOPIC_COUNT];
    uint64_t skip_to[PARTITIONS_MAX]; /* effects below this number are passed over (tail --last) */
    struct region region;
    struct arena arena;
    char json[WALK_JSON_BYTES];
    char key[EVENT_ID_BYTES_MAX + 1];
};

/* ---- Keys
 * ---------------------------------------------------------------------------------------------------------
 */

static struct bytes
cursor_key(struct output_cursor *cursor, const char *member, const char *guest)
{
    const char *id = *guest != '\0' ? guest : member;
    size_t prefix_size = *guest != '\0' ? sizeof KEY_GUEST_PREFIX - 1 : 0, size = strlen(id);
    if (prefix_size + size > EVENT_ID_BYTES_MAX) return (struct bytes){0};
    memcpy(cursor->key, KEY_GUEST_PREFIX, prefix_size);
    memcpy(cursor->key + prefix_size, id, size);
    return bytes_of(cursor->key, prefix_size + size);
}

static struct bytes
cursor_item_key(struct output_cursor *cursor, enum topic topic, struct bytes message)
{
    struct bytes key = {0};
#define KEY_OF(type, function)                                                                     \
    do {                                                                                           \
        Tallybook__V1__##type *value =                                                             \
            tallybook__v1__##function##__unpack(NULL, message.size, message.data);                 \
        if (value != NULL) {                                                                       \
            key = cursor_key(cursor, value->member, value->guest);                                 \
            tallybook__v1__##function##__free_unpacked(value, NULL);                               \
        }                                                                                          \
    } while (0)
    switch (topic) {
    case TOPIC_POSTINGS: KEY_OF(Posting, posting); break;
    case TOPIC_OUTCOMES: KEY_OF(Outcome, outcome); break;
    case TOPIC_TIERS: KEY_OF(TierChange, tier_change); break;
    case TOPIC_NOTICES: KEY_OF(Notice, notice); break;
    case TOPIC_COUNT:
    case TOPIC_FORWARD: UNREACHABLE();
    }
#undef KEY_OF
    return key;
}

/* ---- One message
 * --------------------------------------------------------------------------------------------------
 */

static bool
cursor_hand_over(struct output_cursor *cursor, struct output_item *item, bool json,
                 output_function *function, void *context, struct fault *out_fault)
{
    item->key = cursor_item_key(cursor, item->topic, item->message);
    if (json) {
        struct writer writer = writer_of(cursor->json, sizeof cursor->json - 1);
        arena_reset_to(&cursor->arena, 0);
        if (codec_output_json(item->topic, item->message, &cursor->arena, &writer) != CODEC_OK)
            return fault_set(
                out_fault, FAULT_DATA, "output '%s', partition %u, number %llu: cannot be read",
                topic_name(item->topic), item->partition, (unsigned long long)item->sequence);
        cursor->json[writer.size] = '\0';
        item->json = writer_span(&writer);
        item->json_text = cursor->json;
    }
    return function(context, item, out_fault);
}

static bool
cursor_open_message(struct output_cursor *cursor, const struct output_message *message,
                    struct bytes *out_first, struct codec_output_walk *out_walk,
                    struct fault *out_fault)
{
    uint64_t first;
    const struct json_node *root;
    struct codec_error error;
    if (message->packed) {
        if (codec_output_open(message->payload, &first, out_walk) &&
            first == message->first_sequence)
            return true;
    } else if (!message->json) {
        *out_first = message->payload;
        return true;
    } else {
        arena_reset_to(&cursor->arena, 0);
        if (codec_json_parse(message->payload, &cursor->arena, &root, &error) == CODEC_OK &&
            codec_json_to_message(root, codec_output_descriptor(message->topic), &cursor->arena,
                                  out_first, &error) == CODEC_OK)
            return true;
    }
    return fault_set(
        out_fault, FAULT_DATA, "output '%s', partition %u, offset %llu: cannot be read",
        topic_name(message->topic), message->partition, (unsigned long long)message->offset);
}

static bool
cursor_take(struct output_cursor *cursor, const struct output_message *message, bool json,
            output_function *function, void *context, uint64_t *out_count, struct fault *out_fault)
{
    struct output_place *place = &cursor->places[message->partition][message->topic];
    struct codec_output_walk walk = {0};
    struct bytes single = {0};
    place->next_offset = message->offset + 1;
    if (place->started && message->first_sequence > place->last_sequence + 1)
        return fault_set(
            out_fault, FAULT_DATA,
            "output '%s', partition %u, offset %llu: number %llu follows %llu; effects are missing",
            topic_name(message->topic), message->partition, (unsigned long long)message->offset,
            (unsigned long long)message->first_sequence, (unsigned long long)place->last_sequence);
    if (!cursor_open_message(cursor, message, &single, &walk, out_fault)) return false;
    for (uint32_t i = 0; i < message->count; i++) {
        struct output_item item = {
            .partition = message->partition,
            .topic = message->topic,
            .sequence = message->first_sequence + i,
            .message = single,
        };
        if (message->packed && !codec_output_next(&walk, &item.message))
            return fault_set(out_fault, FAULT_DATA,
                             "output '%s', partition %u, offset %llu: the pack ends too early",
                             topic_name(message->topic), message->partition,
                             (unsigned long long)message->offset);
        if (place->started && item.sequence <= place->last_sequence) continue;
        place->started = true;
        place->last_sequence = item.sequence;
        if (item.sequence < cursor->skip_to[message->partition]) continue;
        if (!cursor_hand_over(cursor, &item, json, function, context, out_fault)) return false;
        (*out_count)++;
    }
    return true;
}

/* ---- The cursor
 * ---------------------------------------------------------------------------------------------------
 */

bool
output_cursor_open(struct outputs *outputs, const enum topic *topics, size_t count,
                   uint32_t first_partition, uint32_t last_partition, bool from_end,
                   struct output_cursor **out_cursor, struct fault *out_fault)
{
    struct output_cursor *cursor = calloc(1, sizeof *cursor);
    CHECK(cursor != NULL);
    if (!region_map(WALK_ARENA_BYTES, &cursor->region, out_fault) ||
        !outputs->ops->open_reader(outputs, &cursor->reader, out_fault))
        goto fail;
    arena_init(&cursor->arena, cursor->region.memory, cursor->region.size);
    for (uint32_t partition = first_partition; partition <= last_partition; partition++) {
        for (size_t i = 0; i < count; i++) {
            struct output_place *place = &cursor->places[partition][topics[i]];
            if (!outputs->ops->bounds(outputs, partition, topics[i], &place->begin_offset,
                                      &place->end_offset, out_fault))
                goto fail;
            place->used = true;
            place->next_offset = from_end ? place->end_offset : place->begin_offset;
            if (!cursor->reader->ops->assign(cursor->reader, partition, topics[i],
                                             place->next_offset, out_fault))
                goto fail;
        }
    }
    *out_cursor = cursor;
    return true;
fail:
    output_cursor_close(cursor);
    return false;
}

void
output_cursor_close(struct output_cursor *cursor)
{
    if (cursor->reader != NULL) cursor->reader->ops->close(cursor->reader);
    region_unmap(&cursor->region);
    free(cursor);
}

bool
output_cursor_read(struct output_cursor *cursor, int wait_ms, bool json, output_function *function,
                   void *context, uint64_t *out_count, struct fault *out_fault)
{
    struct output_message messages[WALK_MESSAGES];
    size_t count;
    *out_count = 0;
    if (!cursor->reader->ops->read(cursor->reader, wait_ms, messages, WALK_MESSAGES, &count,
                                   out_fault))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!cursor_take(cursor, &messages[i], json, function, context, out_count, out_fault))
            return false;
    return true;
}

/* ---- The walk
 * -----------------------------------------------------------------------------------------------------
 */

static bool
cursor_at_end(const struct output_cursor *cursor, const struct output_walk_options *options)
{
    for (uint32_t partition = options->first_partition; partition <= options->last_partition;
         partition++) {
        const struct output_place *place = &cursor->places[partition][options->topic];
        if (place->used && place->next_offset < place->end_offset) return false;
    }
    return true;
}

/* With a reader of its own: the cursor's would give messages of other partitions too, and they
 * would be missing from the walk. */
static bool
walk_read_last(struct outputs *outputs, uint32_t partition,
               const struct output_walk_options *options, uint64_t offset, uint64_t *out_last,
               struct fault *out_fault)
{
    struct output_reader *reader;
    struct output_message message;
    size_t count = 0;
    if (!outputs->ops->open_reader(outputs, &reader, out_fault)) return false;
    bool ok = reader->ops->assign(reader, partition, options->topic, offset, out_fault);
    while (ok && count == 0 && !atomic_load(options->stop))
        ok = reader->ops->read(reader, WALK_WAIT_MS, &message, 1, &count, out_fault);
    *out_last = ok && count > 0 ? message.first_sequence + message.count - 1 : 0;
    reader->ops->close(reader);
    return ok;
}

/* The number of the last effect of each partition: read from the topic's last message. */
static bool
walk_find_last(struct outputs *outputs, struct output_cursor *cursor,
               const struct output_walk_options *options, struct fault *out_fault)
{
    for (uint32_t partition = options->first_partition; partition <= options->last_partition;
         partition++) {
        struct output_place *place = &cursor->places[partition][options->topic];
        if (place->end_offset == place->begin_offset) continue;
        uint64_t last;
        if (!walk_read_last(outputs, partition, options, place->end_offset - 1, &last, out_fault))
            return false;
        cursor->skip_to[partition] = last >= options->last ? last - options->last + 1 : 0;
        /* A message holds at least one effect: no more than `last` messages back the wanted ones
         * begin. */
        uint64_t back = place->end_offset - place->begin_offset < options->last
                            ? place->end_offset - place->begin_offset
                            : options->last;
        place->next_offset = place->end_offset - back;
        if (!cursor->reader->ops->assign(cursor->reader, partition, options->topic,
                                         place->next_offset, out_fault))
            return false;
    }
    return true;
}

bool
output_walk(struct outputs *outputs, const struct output_walk_options *options,
            output_function *function, void *context, struct fault *out_fault)
{
    struct output_cursor *cursor;
    uint64_t count;
    if (!output_cursor_open(outputs, &options->topic, 1, options->first_partition,
                            options->last_partition, false, &cursor, out_fault))
        return false;
    bool ok = options->last == 0 || walk_find_last(outputs, cursor, options, out_fault);
    while (ok && !atomic_load(options->stop) &&
           (options->follow || !cursor_at_end(cursor, options)))
        ok = output_cursor_read(cursor, WALK_WAIT_MS, options->json, function, context, &count,
                                out_fault);
    output_cursor_close(cursor);
    return ok;
}
