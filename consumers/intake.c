#include "consumers/intake.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/codec_event.h"
#include "consumers/codec_source.h"
#include "consumers/genesis.h"
#include "consumers/intake_priv.h"
#include "consumers/topics.h"
#include "engine/base/check.h"
#include "engine/base/hash.h"

enum {
    MESSAGES_PER_CYCLE = 512,
    ID_BYTES = EVENT_ID_BYTES_MAX + 64,
    PLACE_BYTES = KAFKA_TOPIC_BYTES + 16,
};

/* ---- One message ----------------------------------------------------------------------------- */

/* What came of a message that is not wholly readable. */
struct unreadable {
    uint32_t count;           /* events, or 1 for all of it */
    struct codec_error first; /* the first one's error */
};

static void
unreadable_add(struct unreadable *unreadable, const struct codec_error *error, uint32_t index)
{
    if (unreadable->count++ > 0) return;
    unreadable->first = *error;
    if (index > 0) codec_error_prefix(&unreadable->first, "events[%u]: ", index);
}

static void
no_room_add(struct unreadable *unreadable, uint32_t index)
{
    struct codec_error error;
    codec_error_set(&error, CODEC_TOO_LARGE, 0, "the message needs more memory than one may take");
    unreadable_add(unreadable, &error, index);
}

/* Invariant 3. A topic whose name is too long to stand in an id is named by its hash. */
static struct bytes
id_of(const struct intake_source_copy *source, const rd_kafka_message_t *message, uint32_t index,
      char text[static ID_BYTES])
{
    char hash[20];
    const char *topic = source->topic;
    if (strlen(source->generation) + strlen(topic) > EVENT_ID_BYTES_MAX - 48) {
        snprintf(hash, sizeof hash, "%016" PRIx64, hash64(bytes_from_cstr(topic), 0));
        topic = hash;
    }
    int size = snprintf(text, ID_BYTES, "%s/%s/%" PRId32 "/%" PRId64, source->generation, topic,
                        message->partition, message->offset);
    CHECK(size > 0 && size < ID_BYTES);
    if (index > 0) size += snprintf(text + size, (size_t)(ID_BYTES - size), "/%u", index);
    return bytes_of(text, (size_t)size);
}

/* Journals one event, or says why it cannot be read. */
static bool
event_take(struct intake *intake, const struct intake_source_copy *source,
           const rd_kafka_message_t *message, struct bytes wire, uint32_t index,
           struct unreadable *unreadable, struct fault *out_fault)
{
    char text[ID_BYTES];
    struct bytes complete;
    struct entry entry;
    struct codec_error error;
    enum codec_result result = CODEC_NO_ROOM;
    if (codec_event_complete(wire, bytes_from_cstr(source->topic),
                             id_of(source, message, index, text), &intake->arena, &complete)) {
        result = codec_event_decode(complete, &intake->arena, &entry, &error);
    }
    switch (result) {
    case CODEC_OK:
    case CODEC_REFUSED: {
        bool refused = result == CODEC_REFUSED;
        struct bytes key = refused ? entry.refused.member : entry.event.member;
        uint32_t partition = intake_pack_partition(intake->pack, key);
        if (!intake_pack_event(intake->pack, partition, complete, 0, out_fault)) return false;
        intake->counters.events++;
        intake->counters.refused += refused;
        return true;
    }
    case CODEC_UNREADABLE: unreadable_add(unreadable, &error, index); return true;
    case CODEC_NO_ROOM: no_room_add(unreadable, index); return true;
    }
    UNREACHABLE();
}

static bool
events_take(struct intake *intake, const struct intake_source_copy *source,
            const rd_kafka_message_t *message, struct unreadable *unreadable,
            struct fault *out_fault)
{
    struct codec_source events;
    struct codec_error error;
    enum codec_result result = codec_source_open(bytes_of(message->payload, message->len),
                                                 &intake->arena, &events, &error);
    if (result == CODEC_UNREADABLE) unreadable_add(unreadable, &error, 0);
    if (result == CODEC_NO_ROOM) no_room_add(unreadable, 0);
    if (result != CODEC_OK) return true;

    for (uint32_t index = 0;; index++) {
        bool done;
        struct bytes wire;
        switch (codec_source_next(&events, &done, &wire, &error)) {
        case CODEC_OK:
        case CODEC_REFUSED:
            if (done) return true;
            if (!event_take(intake, source, message, wire, index, unreadable, out_fault))
                return false;
            break;
        case CODEC_UNREADABLE:
            unreadable_add(unreadable, &error, index);
            if (events.form != CODEC_FORM_JSON)
                return true; /* where the next one begins is not known */
            break;
        case CODEC_NO_ROOM: no_room_add(unreadable, index); return true;
        }
    }
}

/* The message goes to the dead letters as it is, and its place in the journal is marked by a hole,
 * in the partition that its place gives: the same one whenever it is read. */
static bool
dead_letter_take(struct intake *intake, const struct intake_lane *lane,
                 const rd_kafka_message_t *message, const struct unreadable *unreadable,
                 struct fault *out_fault)
{
    const struct intake_source_copy *source = &intake->sources[lane->source];
    const char *code = codec_problem_code(unreadable->first.problem);
    char detail[CODEC_ERROR_BYTES + 64];
    if (unreadable->count > 1) {
        snprintf(detail, sizeof detail, "%s (and %u more of this message)", unreadable->first.text,
                 unreadable->count - 1);
    } else {
        snprintf(detail, sizeof detail, "%s", unreadable->first.text);
    }
    while (!dead_letters_send(intake->letters, lane->source, message, code, detail, out_fault)) {
        if (out_fault->kind != FAULT_TRY_AGAIN || kafka_stopping(intake->client.kafka))
            return false;
        if (!dead_letters_poll(intake->letters, 10, out_fault)) return false;
    }
    intake->letters_sent++;
    intake->counters.dead_letters++;

    char place[PLACE_BYTES];
    int size = snprintf(place, sizeof place, "%s/%" PRId32, source->topic, message->partition);
    struct hole hole = {.topic = bytes_from_cstr(source->topic),
                        .partition = message->partition,
                        .offset = message->offset,
                        .reason = bytes_from_cstr(code)};
    uint32_t partition = intake_pack_partition(intake->pack, bytes_of(place, (size_t)size));
    return intake_pack_hole(intake->pack, partition, &hole, 0, out_fault);
}

static bool
message_take(struct intake *intake, struct intake_lane *lane, const rd_kafka_message_t *message,
             struct fault *out_fault)
{
    intake->counters.messages++;
    intake->counters.bytes += message->len;
    if (message->len == 0) {
        intake->counters.tombstones++;
        lane->next = message->offset + 1;
        return true;
    }
    intake->arena.used = 0;
    struct unreadable unreadable = {.count = 0};
    if (!events_take(intake, &intake->sources[lane->source], message, &unreadable, out_fault))
        return false;
    if (unreadable.count > 0 && !dead_letter_take(intake, lane, message, &unreadable, out_fault)) {
        return false;
    }
    lane->next = message->offset + 1;
    return true;
}

/* What the group says instead of a message. */
static bool
error_take(struct intake *intake, const rd_kafka_message_t *message, struct fault *out_fault)
{
    const char *topic = message->rkt != NULL ? rd_kafka_topic_name(message->rkt) : "";
    switch (message->err) {
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
        return fault_set(out_fault, FAULT_DATA,
                         "topic %s, partition %d: offset %" PRId64
                         " is not in the log any more: retention removed it "
                         "before it was read, or the topic was made anew",
                         topic, message->partition, message->offset);
    case RD_KAFKA_RESP_ERR__BAD_MSG:
    case RD_KAFKA_RESP_ERR__BAD_COMPRESSION:
        return fault_set(out_fault, FAULT_DATA,
                         "topic %s, partition %d, offset %" PRId64 ": damaged: %s", topic,
                         message->partition, message->offset, rd_kafka_message_errstr(message));
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
        return fault_set(out_fault, FAULT_NOT_ALLOWED,
                         "topic %s: %s: grant READ on it and on group %s", topic,
                         rd_kafka_message_errstr(message), intake->group);
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
        return fault_set(out_fault, FAULT_CONFIG,
                         "group %s: another process uses the same instance id: give each its own",
                         intake->group);
    default: kafka_note(intake->client.kafka, rd_kafka_message_errstr(message)); return true;
    }
}

/* ---- The duty cycle -------------------------------------------------------------------------- */

/* Takes what there is, up to a cycle's worth. */
static bool
messages_take(struct intake *intake, int wait_ms, size_t *out_count, struct fault *out_fault)
{
    size_t count = 0;
    bool well = true;
    while (well && count < MESSAGES_PER_CYCLE) {
        rd_kafka_message_t *message =
            rd_kafka_consumer_poll(intake->client.rk, count == 0 ? wait_ms : 0);
        if (message == NULL) break;
        if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            well = error_take(intake, message, out_fault);
        } else {
            struct intake_lane *lane = intake_group_lane(intake, message);
            if (lane != NULL) well = message_take(intake, lane, message, out_fault);
        }
        count++;
        rd_kafka_message_destroy(message);
    }
    *out_count = count;
    return well;
}

bool
intake_run_once(struct intake *intake, int wait_ms, size_t *out_work, struct fault *out_fault)
{
    if (!intake_group_serve(intake, out_fault)) return fault_wrap(out_fault, "intake");
    size_t taken;
    /* While answers are expected they are waited for, not messages: whichever comes first must not
     * wait for the other. */
    int first_wait_ms = intake->cut.open && wait_ms > 1 ? 1 : wait_ms;
    if (!messages_take(intake, first_wait_ms, &taken, out_fault))
        return fault_wrap(out_fault, "intake");

    /* Full records went on their way by themselves. The rest goes when there was nothing more to
     * read: at low rates at once, at high rates when the queue has been emptied. */
    if (taken < MESSAGES_PER_CYCLE && intake_pack_pending(intake->pack) &&
        !intake_pack_flush(intake->pack, out_fault)) {
        return fault_wrap(out_fault, "intake");
    }
    if (!intake_pack_poll(intake->pack, 0, out_fault) ||
        !dead_letters_poll(intake->letters, 0, out_fault) ||
        !intake_group_commit(intake, false, out_fault)) {
        return fault_wrap(out_fault, "intake");
    }
    *out_work = taken + (intake->cut.open ? 1 : 0);
    return true;
}

/* ---- Life ------------------------------------------------------------------------------------ */

static bool
sources_check(struct kafka *kafka, const struct intake_options *options, struct fault *out_fault)
{
    if (options->source_count == 0) {
        return fault_set(out_fault, FAULT_CONFIG, "sources: there are none: name a topic");
    }
    for (size_t i = 0; i < options->source_count; i++) {
        struct kafka_topic topic;
        if (!kafka_topic_find(kafka, options->sources[i].topic, &topic, out_fault)) return false;
        if (!topic.exists) {
            return fault_set(out_fault, FAULT_UNAVAILABLE,
                             "source topic %s does not exist on %s: it belongs to who writes it; "
                             "make it there first, "
                             "or take it out of `sources`",
                             options->sources[i].topic, kafka_bootstrap(kafka));
        }
    }
    return true;
}

static bool
journal_is_live(struct journal *journal, struct fault *out_fault)
{
    char programme[EVENT_ID_BYTES_MAX];
    struct genesis genesis;
    bool found;
    if (!genesis_read(journal, 0, programme, &genesis, &found, out_fault)) return false;
    if (!found)
        return fault_set(out_fault, FAULT_NO_INPUT,
                         "the journal has no record 0; make it with `tally journal create`");
    if (genesis.time_kind == TIME_APPEND) return true;
    return fault_set(out_fault, FAULT_CONFIG,
                     "the journal of programme %.*s is a history, whose time comes from its "
                     "events: `tally import "
                     "--history` writes to it, a live intake cannot",
                     (int)genesis.programme.size, (const char *)genesis.programme.data);
}

static void
sources_copy(struct intake *intake, const struct intake_options *options)
{
    intake->sources = calloc(options->source_count, sizeof *intake->sources);
    CHECK(intake->sources != NULL);
    intake->source_count = options->source_count;
    for (size_t i = 0; i < options->source_count; i++) {
        const struct intake_source *from = &options->sources[i];
        intake->sources[i].topic = strdup(from->topic);
        intake->sources[i].generation = strdup(from->generation != NULL ? from->generation : "1");
        CHECK(intake->sources[i].topic != NULL && intake->sources[i].generation != NULL);
    }
    intake->group = strdup(options->group);
    CHECK(intake->group != NULL);
}

static void
intake_free(struct intake *intake)
{
    intake_group_close(intake);
    dead_letters_close(intake->letters);
    intake_pack_close(intake->pack);
    for (size_t i = 0; i < intake->source_count; i++) {
        free(intake->sources[i].topic);
        free(intake->sources[i].generation);
    }
    free(intake->sources);
    free(intake->group);
    region_unmap(&intake->region);
    free(intake);
}

bool
intake_open(struct kafka *kafka, struct journal *journal, const struct intake_options *options,
            struct intake **out_intake, struct fault *out_fault)
{
    if (!sources_check(kafka, options, out_fault) || !journal_is_live(journal, out_fault)) {
        return fault_wrap(out_fault, "intake");
    }
    struct intake *intake = calloc(1, sizeof *intake);
    const char **topics = calloc(options->source_count, sizeof *topics);
    CHECK(intake != NULL && topics != NULL);
    for (size_t i = 0; i < options->source_count; i++)
        topics[i] = options->sources[i].topic;
    sources_copy(intake, options);
    bool well =
        region_map(CODEC_ARENA_BYTES, &intake->region, out_fault) &&
        intake_pack_open(journal, options->stop, &intake->pack, out_fault) &&
        dead_letters_open(kafka, topics, options->source_count, &intake->letters, out_fault) &&
        intake_group_open(intake, kafka, options, out_fault);
    free(topics);
    if (!well) {
        intake_free(intake);
        return fault_wrap(out_fault, "intake");
    }
    arena_init(&intake->arena, intake->region.memory, intake->region.size);
    *out_intake = intake;
    return true;
}

void
intake_close(struct intake *intake, int patience_ms)
{
    if (intake == NULL) return;
    struct fault fault;
    if (!intake_group_drain(intake, patience_ms, &fault))
        kafka_note(intake->client.kafka, fault.text);
    intake_free(intake);
}

struct intake_counters
intake_counters(const struct intake *intake)
{
    return intake->counters;
}
