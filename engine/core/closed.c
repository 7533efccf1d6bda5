/* The content of family 'x': the 48 bytes of struct lot (member.h), little-endian, `remaining`
 * being what expired. */
#include "engine/core/closed.h"

#include <string.h>

#define CAPACITY_FIRST     1
#define CURSOR_INDEX_BITS  4 /* slab blocks stand on 16 bytes */
#define LOTS_PER_EVENT_MAX 8

static_assert(LOTS_PER_EVENT_MAX >= (int)PROGRAM_CURRENCIES_MAX &&
                  LOTS_PER_EVENT_MAX < 1 << CURSOR_INDEX_BITS,
              "one lot per currency and event, and a cursor holds the place of the next");

static size_t
event_bytes(size_t capacity)
{
    return sizeof(struct closed_event) + capacity * sizeof(struct closed_lot);
}

void
closed_open(struct closed *closed, struct memo *memo)
{
    *closed = (struct closed){.memo = memo, .stored = 1};
    table_init(&closed->table, memo);
}

static size_t
release(struct closed *closed, size_t bytes, bool keep_dirty)
{
    struct table *table = &closed->table;
    size_t freed = 0;
    for (size_t i = 0; i < table_bucket_count(table) && freed < bytes; i++) {
        struct table_node *node = table->buckets[i];
        while (node != NULL) {
            struct closed_event *event = (struct closed_event *)node;
            node = node->next;
            if (keep_dirty && memo_is_dirty(closed->memo, event->generation)) continue;
            freed += slab_class_size(event_bytes(event->capacity));
            table_remove(table, &event->node);
            memo_give(closed->memo, event, event_bytes(event->capacity));
        }
    }
    return freed;
}

void
closed_close(struct closed *closed)
{
    if (closed->table.buckets == NULL) return;
    release(closed, SIZE_MAX, false);
    table_fini(&closed->table);
}

static struct closed_event *
find(const struct closed *closed, uint64_t ordinal)
{
    return (struct closed_event *)table_find(&closed->table, ordinal);
}

static struct closed_event *
find_or_make(struct closed *closed, uint64_t ordinal)
{
    struct closed_event *event = find(closed, ordinal);
    if (event != NULL) return event;
    event = memo_take(closed->memo, event_bytes(CAPACITY_FIRST));
    *event = (struct closed_event){.node.key = ordinal, .capacity = CAPACITY_FIRST};
    event->complete = ordinal >= closed->stored;
    table_insert(&closed->table, &event->node);
    return event;
}

/* The block may move: then its successor takes its place in the table and in the list of this
 * generation. */
static struct closed_event *
with_room(struct closed *closed, struct closed_event *event)
{
    if (event->count < event->capacity) return event;
    CHECK(event->count < LOTS_PER_EVENT_MAX);
    size_t capacity = 2 * (size_t)event->capacity;
    struct closed_event *grown = memo_take(closed->memo, event_bytes(capacity));
    memcpy(grown, event, event_bytes(event->capacity));
    grown->capacity = (uint8_t)capacity;
    table_replace(&closed->table, &event->node, &grown->node);
    if (event->generation == closed->memo->generation) {
        struct table_node **link = &closed->dirty;
        while (*link != &event->node)
            link = &(*link)->dirty_next;
        *link = &grown->node;
    }
    memo_give(closed->memo, event, event_bytes(event->capacity));
    return grown;
}

static struct closed_lot *
find_lot(struct closed_event *event, uint32_t index)
{
    for (uint32_t i = 0; i < event->count; i++) {
        if (event->lots[i].lot.index == index) return &event->lots[i];
    }
    return NULL;
}

/* Keeps the lots of an event by index, the order of their keys. */
static void
put(struct closed_event *event, const struct lot *lot, uint32_t generation)
{
    uint32_t at = event->count++;
    for (; at > 0 && event->lots[at - 1].lot.index > lot->index; at--)
        event->lots[at] = event->lots[at - 1];
    event->lots[at] = (struct closed_lot){.lot = *lot, .generation = generation};
}

void
closed_add(struct closed *closed, const struct lot *lot)
{
    struct memo *memo = closed->memo;
    struct closed_event *event = with_room(closed, find_or_make(closed, lot->ordinal));
    CHECK(lot->remaining > 0 && find_lot(event, lot->index) == NULL);
    struct lot canonical = *lot;
    canonical.flags = 0;
    put(event, &canonical, memo->generation);
    if (event->generation != memo->generation) {
        event->generation = memo->generation;
        event->node.dirty_next = closed->dirty;
        closed->dirty = &event->node;
    }
    struct row_key key = row_key_u64_u32(ROW_CLOSED_LOT, lot->ordinal, lot->index);
    memo->digest = hash128_add(memo->digest, memo_share(memo->seed, row_key_span(&key),
                                                        bytes_of(&canonical, sizeof canonical)));
    memo->dirty_bytes += sizeof(struct closed_lot);
}

bool
closed_find(const struct closed *closed, uint64_t ordinal, uint32_t index, int64_t *out_expired)
{
    struct closed_event *event = find(closed, ordinal);
    struct closed_lot *lot = event == NULL ? NULL : find_lot(event, index);
    bool complete = ordinal >= closed->stored || (event != NULL && event->complete);
    if (lot == NULL && !complete) return false;
    *out_expired = lot == NULL ? 0 : lot->lot.remaining;
    return true;
}

void
closed_need(uint64_t ordinal, struct needs *needs)
{
    CHECK(needs != NULL); /* an apply finds every row in memory: fold_needs has named it */
    if (needs->count == NEEDS_MAX) return;
    struct need *need = &needs->items[needs->count++];
    struct row_key first = row_key_u64_u32(ROW_CLOSED_LOT, ordinal, 0);
    struct row_key last = row_key_u64_u32(ROW_CLOSED_LOT, ordinal, UINT32_MAX);
    *need = (struct need){.mode = NEED_RANGE, .key_size = first.size, .last_size = last.size};
    memcpy(need->key, first.data, first.size);
    memcpy(need->last, last.data, last.size);
}

bool
closed_load(struct closed *closed, struct row row, struct fault *out_fault)
{
    struct bytes content;
    struct lot lot;
    if (!row_open(row, &content, out_fault)) return false;
    if (content.size != sizeof lot)
        return fault_set(out_fault, FAULT_DATA, "the row of a closed lot has an impossible size");
    memcpy(&lot, content.data, sizeof lot);
    struct row_key key = row_key_u64_u32(ROW_CLOSED_LOT, lot.ordinal, lot.index);
    if (!bytes_equal(row.key, row_key_span(&key)) || lot.remaining <= 0) {
        return fault_set(out_fault, FAULT_DATA, "the row of a closed lot contradicts itself");
    }
    struct closed_event *event = find(closed, lot.ordinal);
    if (event != NULL && find_lot(event, lot.index) != NULL) return true;
    if (event != NULL && event->count == LOTS_PER_EVENT_MAX) {
        return fault_set(out_fault, FAULT_DATA, "an event has too many closed lots");
    }
    put(with_room(closed, find_or_make(closed, lot.ordinal)), &lot, 0);
    return true;
}

void
closed_complete(struct closed *closed, uint64_t ordinal)
{
    find_or_make(closed, ordinal)->complete = 1;
}

void
closed_checkpoint_begin(struct closed *closed)
{
    closed->frozen_dirty = table_sort(closed->dirty);
    closed->dirty = NULL;
}

/* The cursor is the address of the event with the place of the next lot in its low bits. */
bool
closed_next(const struct closed *closed, uint32_t generation, uint64_t *cursor,
            struct row_key *out_key, struct writer *writer)
{
    const uint64_t mask = (1 << CURSOR_INDEX_BITS) - 1;
    const struct table_node *node = *cursor == 0
                                        ? closed->frozen_dirty
                                        : (const struct table_node *)(uintptr_t)(*cursor & ~mask);
    uint32_t at = (uint32_t)(*cursor & mask);
    for (; node != NULL; node = node->dirty_next, at = 0) {
        const struct closed_event *event = (const struct closed_event *)node;
        for (; at < event->count; at++) {
            const struct closed_lot *lot = &event->lots[at];
            if (lot->generation != generation) continue;
            *out_key = row_key_u64_u32(ROW_CLOSED_LOT, lot->lot.ordinal, lot->lot.index);
            writer_bytes(writer, bytes_of(&lot->lot, sizeof lot->lot));
            *cursor = (uint64_t)(uintptr_t)node | (at + 1);
            return true;
        }
    }
    return false;
}

void
closed_checkpoint_end(struct closed *closed, uint64_t stored_ordinal)
{
    closed->stored = stored_ordinal;
    closed->frozen_dirty = NULL;
}

size_t
closed_evict(struct closed *closed, size_t bytes)
{
    return release(closed, bytes, true);
}

bool
closed_row_share(uint64_t seed, struct row row, struct hash128 *out_share, struct fault *out_fault)
{
    struct bytes content;
    if (!row_open(row, &content, out_fault)) return false;
    *out_share = memo_share(seed, row.key, content);
    return true;
}
