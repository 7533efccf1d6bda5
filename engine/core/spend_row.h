/*
 * Spends and holds as reference rows: what was taken from which lot, in order of allocation, so
 * that it can be captured, released or undone (semantics §5).
 *
 * Invariants:
 *  1. Parts stand in order of allocation and sum to `units`; of a hold that was released nothing is
 * kept but its id.
 *  2. What is spent is the first `spent` units of the parts, and of these the last `undone` have
 * been undone.
 *  3. A hold is open as long as its FACT_HOLD stands.
 */
#ifndef TALLYBOOK_ENGINE_CORE_SPEND_ROW_H
#define TALLYBOOK_ENGINE_CORE_SPEND_ROW_H

#include "engine/core/order.h"

/* How often the member had a reward: FACT_REWARD_USE. */
struct reward_use {
    uint32_t count; /* pieces; 0: the spend is none of a reward, or it is not counted */
    uint16_t slot;  /* NAME_REWARD */
    enum per per;
    int64_t bucket_ms; /* start of the bucket in which it counts */
};

struct spend {
    enum reference_kind kind; /* spend or hold */
    uint64_t member;          /* number */
    struct bytes id;
    struct bytes order_id; /* of a payment; may be empty */
    int64_t units;         /* allocated */
    int64_t spent, undone;
    struct reward_use reward;
    struct spend_part *parts;
    uint32_t part_count;
};

/* Writes a row; the writer has ROW_BYTES_MAX. */
void spend_encode(const struct spend *spend, struct writer *writer);

/* Decodes a row that this program wrote and whose seal was verified; CHECKs that it is whole. Parts
 * lie in the arena, texts in the row. */
void spend_decode(struct bytes content, struct arena *arena, struct spend *out_spend);

#endif
