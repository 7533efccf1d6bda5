/* What the embedded outputs and the dead letters beside them share, and the layout of a pack. */
#ifndef TALLYBOOK_CONSUMERS_OUTPUTS_DISK_PRIV_H
#define TALLYBOOK_CONSUMERS_OUTPUTS_DISK_PRIV_H

#include <stddef.h>
#include <stdint.h>

#include "consumers/journal_disk_log.h"
#include "consumers/outputs_disk.h"

enum { OUTPUTS_DISK_PACK_VERSION = 1 };

/* Persisted: the payload of a record of an output begins with this, the encoder's pack follows. The
 * record's hash covers both. Little-endian. */
struct outputs_disk_pack {
    uint64_t claim;          /* packed position of the writer's claim */
    uint64_t first_sequence; /* of the pack's effects */
    uint64_t cause;          /* packed position of the last effect's cause */
    uint64_t hash;           /* running hash after the last effect */
    uint32_t count;          /* effects, at least 1 */
    uint8_t version;         /* OUTPUTS_DISK_PACK_VERSION */
    uint8_t topic;           /* enum topic */
    uint16_t zero;
};
static_assert(sizeof(struct outputs_disk_pack) == 40, "persisted");
static_assert(offsetof(struct outputs_disk_pack, first_sequence) == 8, "persisted");
static_assert(offsetof(struct outputs_disk_pack, cause) == 16, "persisted");
static_assert(offsetof(struct outputs_disk_pack, hash) == 24, "persisted");
static_assert(offsetof(struct outputs_disk_pack, count) == 32, "persisted");
static_assert(offsetof(struct outputs_disk_pack, topic) == 37, "persisted");

/* Log 0 holds the dead letters; the outputs follow, partition by partition. */
enum { OUTPUTS_DISK_DEAD_LETTERS = 0, OUTPUTS_DISK_FIRST = 1 };

static inline uint32_t
outputs_disk_log_number(uint32_t partition, enum topic topic)
{
    return OUTPUTS_DISK_FIRST + partition * TOPIC_COUNT + (uint32_t)topic;
}

static inline uint32_t
outputs_disk_log_partition(uint32_t log)
{
    return (log - OUTPUTS_DISK_FIRST) / TOPIC_COUNT;
}

static inline enum topic
outputs_disk_log_topic(uint32_t log)
{
    return (enum topic)((log - OUTPUTS_DISK_FIRST) % TOPIC_COUNT);
}

struct disk_log *outputs_disk_log(const struct outputs *outputs);

#endif
