/*
 * The packed journal file, byte by byte. All integers are little-endian. The file is a header,
 * entries, and a trailer, one behind the other without padding:
 *
 *     header, 24 bytes
 *        0  8  "TBpacked"
 *        8  4  version: 1
 *       12  4  partition count, 1 … 256
 *       16  8  XXH3-64 (seed 0) of bytes 0 … 15
 *
 *     entry, 32 bytes and the payload
 *        0  8  XXH3-64 (seed 0) of the rest: bytes 8 … 31 and the payload
 *        8  4  size of the payload, 0 … RECORD_BYTES_MAX
 *       12  4  partition, below the count
 *       16  8  offset in the partition, rising, 0 … 2^48 − 1 (what a packed position holds)
 *       24  8  append time, milliseconds since 1970 UTC
 *       32  …  the payload: one packed JournalRecord (schemas/tallybook/v1/journal.proto)
 *
 *     trailer, 40 bytes, and the file ends
 *        0  8  XXH3-64 (seed 0) of the rest
 *        8  4  24: the size of what follows the first 16 bytes, as in an entry
 *       12  4  0xffffffff: where an entry has its partition
 *       16  8  number of entries
 *       24  8  sum of their payloads' sizes
 *       32  8  chain: beginning with 0, for each entry XXH3-64 of {chain, the entry's first 8
 * bytes}
 */
#ifndef TALLYBOOK_CONSUMERS_JOURNAL_FILE_PRIV_H
#define TALLYBOOK_CONSUMERS_JOURNAL_FILE_PRIV_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "engine/core/event.h"

enum { JOURNAL_FILE_VERSION = 1, JOURNAL_FILE_TRAILER_SIZE = 24 };
#define JOURNAL_FILE_TRAILER    UINT32_MAX
#define JOURNAL_FILE_OFFSET_MAX ((INT64_C(1) << 48) - 1)

/* As they stand in the file; bytes.h asserts that this machine is little-endian. */
struct journal_file_header {
    uint8_t magic[8];
    uint32_t version;
    uint32_t partition_count;
    uint64_t hash;
};
static_assert(sizeof(struct journal_file_header) == 24, "persisted");
static_assert(offsetof(struct journal_file_header, version) == 8, "persisted");
static_assert(offsetof(struct journal_file_header, partition_count) == 12, "persisted");
static_assert(offsetof(struct journal_file_header, hash) == 16, "persisted");

struct journal_file_entry {
    uint64_t hash;
    uint32_t size;
    uint32_t partition;
    int64_t offset;
    int64_t append_ms;
};
static_assert(sizeof(struct journal_file_entry) == 32, "persisted");
static_assert(offsetof(struct journal_file_entry, size) == 8, "persisted");
static_assert(offsetof(struct journal_file_entry, partition) == 12, "persisted");
static_assert(offsetof(struct journal_file_entry, offset) == 16, "persisted");
static_assert(offsetof(struct journal_file_entry, append_ms) == 24, "persisted");

struct journal_file_trailer {
    uint64_t hash;
    uint32_t size;
    uint32_t marker;
    uint64_t entry_count;
    uint64_t payload_bytes;
    uint64_t chain;
};
static_assert(sizeof(struct journal_file_trailer) == 40, "persisted");
static_assert(offsetof(struct journal_file_trailer, size) == 8, "persisted");
static_assert(offsetof(struct journal_file_trailer, marker) == 12, "persisted");
static_assert(offsetof(struct journal_file_trailer, entry_count) == 16, "persisted");
static_assert(offsetof(struct journal_file_trailer, payload_bytes) == 24, "persisted");
static_assert(offsetof(struct journal_file_trailer, chain) == 32, "persisted");

/* The largest entry, header and payload. */
#define JOURNAL_FILE_ENTRY_MAX (sizeof(struct journal_file_entry) + RECORD_BYTES_MAX)

/* The hash of an entry or a trailer that lies whole in memory. */
static inline uint64_t
journal_file_hash(const uint8_t *data, size_t size)
{
    return hash64(bytes_of(data + sizeof(uint64_t), size - sizeof(uint64_t)), 0);
}

static inline uint64_t
journal_file_chain(uint64_t chain, uint64_t entry_hash)
{
    uint64_t link[2] = {chain, entry_hash};
    return hash64(bytes_of(link, sizeof link), 0);
}

#endif
