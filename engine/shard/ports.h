/* The world as a shard sees it: a journal to read and to append to, and numbered outputs to publish
 * on. consumers/ implements these (embedded: journal_disk, outputs_disk; Kafka: journal_kafka,
 * outputs_kafka), a simulator can replace them, and the engine never knows a broker.
 *
 * Errors: a broker that is away, slow or restarting is no fault: implementations wait, retry, and
 * say so in `health()`. A fault means that going on would be wrong (corruption, a gap, an offset
 * that is gone, a topic made anew, a full disk) and stops the partition.
 *
 * Threads: a journal or outputs object may be shared by threads (open_* are thread-safe); a reader,
 * appender or publisher belongs to the thread that uses it. */
#ifndef TALLYBOOK_ENGINE_SHARD_PORTS_H
#define TALLYBOOK_ENGINE_SHARD_PORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/bytes.h"
#include "engine/base/fault.h"
#include "engine/core/effect.h"

/* ---- Journal
 * ------------------------------------------------------------------------------------------------------
 */

struct journal_message {
    uint32_t partition;
    int64_t offset;
    int64_t append_ms; /* the journal's own clock: broker's append time, or the embedded journal's
                          stamp */
    struct bytes payload; /* a packed JournalRecord */
};

struct journal_reader {
    const struct journal_reader_ops *ops;
};

struct journal_reader_ops {
    /* Begins, or begins again, to deliver `partition` at `offset`; what was fetched of it before is
     * dropped. */
    bool (*assign)(struct journal_reader *reader, uint32_t partition, int64_t offset,
                   struct fault *out_fault);
    /* No more of this partition. */
    void (*revoke)(struct journal_reader *reader, uint32_t partition);
    /* Up to `max` messages, durable ones only, in order of offset within a partition; waits up to
     * `wait_ms` for the first. Payloads stay valid until the next read. A hole in the offsets is
     * delivered over only when fetching again skips it again (a transaction's marker). */
    bool (*read)(struct journal_reader *reader, int wait_ms, struct journal_message *out_messages,
                 size_t max, size_t *out_count, struct fault *out_fault);
    /* The durable end of an assigned partition as the reader knows it, without asking anybody; -1
     * when it knows of none yet. NULL: the journal's bounds() never waits and is asked instead. */
    int64_t (*known_end)(struct journal_reader *reader, uint32_t partition);
    void (*close)(struct journal_reader *reader);
};

struct journal_appender {
    const struct journal_appender_ops *ops;
};

struct journal_appender_ops {
    /* Copies `payload` and queues it for `partition`. Appends of one appender to one partition keep
     * their order. FAULT_TRY_AGAIN when the queue is full: poll and try again. `append_ms`: 0,
     * always but for tests of time. */
    bool (*append)(struct journal_appender *appender, uint32_t partition, struct bytes payload,
                   struct fault *out_fault);
    /* Serves deliveries; waits up to `wait_ms` for news. */
    bool (*poll)(struct journal_appender *appender, int wait_ms, struct fault *out_fault);
    /* How many appends, in the order of the calls, are durable (a contiguous prefix over all
     * partitions). */
    uint64_t (*acked)(const struct journal_appender *appender);
    /* Offset that the last durable append to `partition` got; -1 when there was none. */
    int64_t (*last_offset)(const struct journal_appender *appender, uint32_t partition);
    void (*close)(struct journal_appender *appender);
};

struct journal {
    const struct journal_ops *ops;
};

struct journal_ops {
    uint32_t (*partition_count)(const struct journal *journal);
    /* First offset still there, and the offset that the next append will get (durable end). */
    bool (*bounds)(struct journal *journal, uint32_t partition, int64_t *out_first,
                   int64_t *out_end, struct fault *out_fault);
    bool (*open_reader)(struct journal *journal, struct journal_reader **out_reader,
                        struct fault *out_fault);
    bool (*open_appender)(struct journal *journal, struct journal_appender **out_appender,
                          struct fault *out_fault);
    /* One line on what is going on ("broker 127.0.0.1:9092 away for 12 s, waiting"); empty when all
     * is well. */
    void (*health)(struct journal *journal, char *out_text, size_t size);
    void (*close)(struct journal *journal);
};

/* ---- Outputs
 * ------------------------------------------------------------------------------------------------------
 */

/* One message that stands on an output topic: one effect, or a pack of consecutive ones. */
struct output_message {
    uint32_t partition;
    enum topic topic;
    uint64_t offset;
    uint64_t claim;          /* packed position of the writer's claim */
    uint64_t first_sequence; /* numbers first … first + count − 1 */
    uint32_t count;
    uint64_t cause; /* packed position of the last effect's cause */
    uint64_t hash;  /* running hash after the last effect */
    bool json;      /* encoding of payload */
    bool packed;
    struct bytes payload;
};

struct output_reader {
    const struct output_reader_ops *ops;
};

struct output_reader_ops {
    /* As journal_reader's. Messages come as they stand, repeats of a former owner included: a
     * reader accepts last + 1, ignores what is not above last, and reports anything else
     * (architecture.md, "What a reader may rely on"). */
    bool (*assign)(struct output_reader *reader, uint32_t partition, enum topic topic,
                   uint64_t offset, struct fault *out_fault);
    bool (*read)(struct output_reader *reader, int wait_ms, struct output_message *out_messages,
                 size_t max, size_t *out_count, struct fault *out_fault);
    void (*close)(struct output_reader *reader);
};

struct publisher {
    const struct publisher_ops *ops;
};

struct publisher_ops {
    /* Sets where `partition` goes on after recovery: the next number of `topic`, and the topic's
     * offset behind the last acknowledged effect. Must be called for each topic before the first
     * publish of the partition. */
    bool (*start)(struct publisher *publisher, uint32_t partition, enum topic topic,
                  uint64_t next_sequence, uint64_t offset, struct fault *out_fault);
    /* Encodes and queues the effects of one partition (forwards are skipped: they go to the
     * journal). Effects whose number is below the topic's next were published before and are
     * skipped. Copies everything. FAULT_TRY_AGAIN when the queue is full: poll and make the
     * same call again; what was taken is passed over by its numbers. */
    bool (*publish)(struct publisher *publisher, uint32_t partition, uint64_t claim,
                    const struct effect *effects, size_t count, struct fault *out_fault);
    /* Serves deliveries, resends after failures; waits up to `wait_ms` for news. */
    bool (*poll)(struct publisher *publisher, int wait_ms, struct fault *out_fault);
    /* Everything below this number is durable on the topic. */
    uint64_t (*acked)(const struct publisher *publisher, uint32_t partition, enum topic topic);
    /* Topic offset behind the last acknowledged effect. */
    uint64_t (*acked_offset)(const struct publisher *publisher, uint32_t partition,
                             enum topic topic);
    /* Effects queued or sent and not acknowledged. */
    size_t (*in_flight)(const struct publisher *publisher);
    /* Forgets the partition: nothing more is sent for it. */
    void (*stop)(struct publisher *publisher, uint32_t partition);
    void (*close)(struct publisher *publisher);
};

struct outputs {
    const struct outputs_ops *ops;
};

struct outputs_ops {
    bool (*bounds)(struct outputs *outputs, uint32_t partition, enum topic topic,
                   uint64_t *out_first, uint64_t *out_end, struct fault *out_fault);
    bool (*open_reader)(struct outputs *outputs, struct output_reader **out_reader,
                        struct fault *out_fault);
    bool (*open_publisher)(struct outputs *outputs, struct publisher **out_publisher,
                           struct fault *out_fault);
    void (*health)(struct outputs *outputs, char *out_text, size_t size);
    void (*close)(struct outputs *outputs);
};

/* A claim found by skimming a record: enough to know which claim is in force without folding. */
struct claim_mark {
    uint32_t index; /* entry in its record */
    uint64_t nonce, replaces;
};

/* Decodes a journal record: how the engine reads entries without knowing protobuf. Implemented by
 * consumers/codec. */
struct record_decoder {
    /* Up to max_entries entries of the record in `payload`; pointers live in the arena or the
     * payload. False (FAULT_DATA) for bytes that are no journal record: the journal is damaged. An
     * event whose form is refused comes as ENTRY_REFUSED. */
    bool (*decode)(const struct record_decoder *decoder, struct bytes payload, struct arena *arena,
                   struct entry *out_entries, size_t max_entries, size_t *out_count,
                   struct fault *out_fault);
    /* Finds the claims of a record without decoding its events: a skim at memory speed, for an
     * owner that must know its claim is valid before it folds what lies before it. */
    bool (*skim_claims)(const struct record_decoder *decoder, struct bytes payload,
                        struct claim_mark *out_marks, size_t max_marks, size_t *out_count,
                        struct fault *out_fault);
    /* Encodes the entries that the engine itself appends. */
    bool (*encode_tick)(const struct record_decoder *decoder, const struct tick *tick,
                        int64_t journal_time_ms, struct writer *out);
    bool (*encode_claim)(const struct record_decoder *decoder, const struct claim *claim,
                         struct writer *out);
    bool (*encode_forward)(const struct record_decoder *decoder, struct bytes event_wire,
                           int64_t first_append_ms, struct writer *out);
};

/* Entries of one record at most: 900 kB hold no more of the smallest valid event. */
enum { RECORD_ENTRIES_MAX = 32768 };

#endif
