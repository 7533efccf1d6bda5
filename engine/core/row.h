/*
 * How the state stands in a store: keys, and the frame of every value.
 *
 * A key is the family's byte and, but for META, big-endian numbers, so that keys sort as numbers
 * do:
 *
 *   M
 *   b  u32 index of the activation, from 0
 *   d  u64 first member number                      keys' hashes, 8 bytes each (member.c)
 *   i  u64 first ordinal                            identities, 32 bytes each (identity.c)
 *   m  u64 member number                            member.c
 *   r  u64 ordinal                                  order.c
 *   t  u32 hour since 1970, u64 checkpoint, u32 part   timer.c
 *   x  u64 member number, u64 ordinal, u32 lot index   closed.c
 *
 * A value is the row's content followed by 8 bytes: XXH3-64 of the content, seeded with the XXH3-64
 * of the key. So a flipped bit, a truncated value and a value under another key are all noticed
 * when the row is read.
 */
#ifndef TALLYBOOK_ENGINE_CORE_ROW_H
#define TALLYBOOK_ENGINE_CORE_ROW_H

#include "engine/base/bytes.h"
#include "engine/base/fault.h"
#include "engine/base/hash.h"
#include "engine/core/fold.h"

enum { ROW_SEAL_BYTES = 8, ROW_KEY_U64_BYTES = 9 };

struct row_key {
    uint8_t data[ROW_KEY_BYTES_MAX];
    uint8_t size;
};

static inline struct bytes
row_key_span(const struct row_key *key)
{
    return bytes_of(key->data, key->size);
}

/* Family and one number of 64 bits: members, references, chunks. */
static inline struct row_key
row_key_u64(enum row_family family, uint64_t number)
{
    struct row_key key = {.size = ROW_KEY_U64_BYTES};
    uint64_t swapped = __builtin_bswap64(number);
    key.data[0] = (uint8_t)family;
    memcpy(key.data + 1, &swapped, sizeof swapped);
    return key;
}

/* The same with a number of 64 bits and one of 32 behind it: closed lots. */
static inline struct row_key
row_key_u64_u64_u32(enum row_family family, uint64_t number, uint64_t second, uint32_t index)
{
    struct row_key key = row_key_u64(family, number);
    uint64_t swapped_second = __builtin_bswap64(second);
    uint32_t swapped = __builtin_bswap32(index);
    memcpy(key.data + key.size, &swapped_second, sizeof swapped_second);
    key.size += sizeof swapped_second;
    memcpy(key.data + key.size, &swapped, sizeof swapped);
    key.size += sizeof swapped;
    return key;
}

static inline struct row_key
row_key_u32(enum row_family family, uint32_t number)
{
    struct row_key key = {.size = 5};
    uint32_t swapped = __builtin_bswap32(number);
    key.data[0] = (uint8_t)family;
    memcpy(key.data + 1, &swapped, sizeof swapped);
    return key;
}

/* The number behind the family of a key of row_key_u64; false when the key has another shape. */
static inline bool
row_key_number(struct bytes key, uint64_t *out_number)
{
    if (key.size != ROW_KEY_U64_BYTES) return false;
    struct reader reader = reader_of(bytes_of(key.data + 1, 8));
    *out_number = reader_u64be(&reader);
    return true;
}

static inline uint64_t
row_seal(struct bytes key, struct bytes content)
{
    return hash64(content, hash64(key, 0));
}

/* Puts the seal behind the content in the writer. */
static inline void
row_write_seal(struct bytes key, struct writer *writer)
{
    uint64_t seal = row_seal(key, bytes_of(writer->data, writer->size));
    writer_u64le(writer, seal);
}

/* The content of a row whose seal agrees; FAULT_DATA names the row otherwise. */
static inline bool
row_open(struct row row, struct bytes *out_content, struct fault *out_fault)
{
    if (row.value.size > ROW_SEAL_BYTES) {
        struct bytes content = bytes_of(row.value.data, row.value.size - ROW_SEAL_BYTES);
        uint64_t seal;
        memcpy(&seal, content.data + content.size, sizeof seal);
        if (seal == row_seal(row.key, content)) {
            *out_content = content;
            return true;
        }
    }
    (void)fault_set(out_fault, FAULT_DATA,
                    "a row of family '%c' does not verify: its %zu bytes are damaged",
                    row.key.data[0], row.value.size);
    return false;
}

#endif
