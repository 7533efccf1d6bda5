/*
 * MurmurHash2 as the Java client of Kafka computes it to choose a partition (its Utils.murmur2 and
 * toPositive): members must stand on the partition that any Java producer would choose.
 */
#ifndef TALLYBOOK_ENGINE_BASE_MURMUR2_H
#define TALLYBOOK_ENGINE_BASE_MURMUR2_H

#include <stdint.h>

#include "engine/base/bytes.h"

/** The 32 bits of the Java client's hash, which it treats as signed. */
static inline uint32_t
murmur2(struct bytes span)
{
    const uint32_t factor = 0x5bd1e995;
    const uint8_t *at = span.data;
    size_t left = span.size;
    uint32_t hash = UINT32_C(0x9747b28c) ^ (uint32_t)span.size;
    for (; left >= 4; at += 4, left -= 4) {
        uint32_t word;
        memcpy(&word, at, sizeof word);
        word *= factor;
        word ^= word >> 24;
        hash = hash * factor ^ word * factor;
    }
    if (left >= 3) hash ^= (uint32_t)at[2] << 16;
    if (left >= 2) hash ^= (uint32_t)at[1] << 8;
    if (left >= 1) hash = (hash ^ at[0]) * factor;
    hash ^= hash >> 13;
    hash *= factor;
    return hash ^ hash >> 15;
}

/** The partition of a key among count (> 0) partitions. */
static inline uint32_t
murmur2_partition(struct bytes key, uint32_t count)
{
    return (murmur2(key) & 0x7fffffff) % count;
}

#endif
