/* The content of family 'x': the 96 bytes of struct lot (member.h), little-endian, with nothing
 * remaining or held and without LOT_NOTICED. */
#include "engine/core/closed.h"

#include <string.h>

enum { CAPACITY_FIRST = 1 };

/* Member and ordinal in one number. Nodes are compared in full: it need not be unique. */
static uint64_t
event_key(uint64_t member, uint64_t ordinal)
{
    return member * UINT64_C(0x9e3779b97f4a7c15) ^ ordinal;
}

static struct row_key
lot_key(uint64_t member, uint64_t ordinal, uint32_t index)
{
    return row_key_u64_u64_u32(ROW_CLOSED_LOT, member, ordinal, index);
}

void
closed_open(struct closed *closed, struct memo *memo)
{
    *closed = (struct closed){.memo = memo, .stored = 1};
    table_init(&closed->events, memo);
    table_init(&closed->members, memo);
}

static size_t
event_bytes(const struct closed_event *event)
{
    return slab_class_size(sizeof *event) +
           slab_class_size(event->capacity * sizeof event->lots[0]);
}

/* Frees all events of a member; the caller has seen that none of them is still to be written. */
static size_t
release_member(struct closed *closed, struct closed_member *member)
{
    size_t freed = slab_class_size(sizeof *member);
    for (struct closed_event *event = member->first; event != NULL;) {
        struct closed_event *next = event->next;
        freed += event_bytes(event);
        table_remove(&closed->events, &event->node);
        memo_give(closed->memo, event->lots, event->capacity * sizeof event->lots[0]);
        memo_give(closed->memo, event, sizeof *event);
        event = next;
    }
    table_remove(&closed->members, &member->node);
    memo_give(closed->memo, member, sizeof *member);
    return freed;
}

static bool
is_dirty(const struct closed *closed, const struct closed_member *member)
{
    for (const struct closed_event *event = member->first; event != NULL; event = event->next) {
        if (memo_is_dirty(closed->memo, event->generation)) return true;
    }
    return false;
}

static size_t
release(struct closed *closed, size_t bytes, bool keep_dirty)
{
    struct table *table = &closed->members;
    size_t freed = 0;
    for (size_t i = 0; i < table_bucket_count(table) && freed < bytes; i++) {
        struct table_node *node = table->buckets[i];
        while (node != NULL) {
            struct closed_member *member = (struct closed_member *)node;
            node = node->next;
            if (keep_dirty && is_dirty(closed, member)) continue;
            freed += release_member(closed, member);
        }
    }
    return freed;
}

void
closed_close(struct closed *closed)
{
    if (closed->events.buckets == NULL) return;
    release(closed, SIZE_MAX, false);
    table_fini(&closed->events);
    table_fini(&closed->members);
}

/* ---- Finding ---- */

static struct closed_event *
find(const struct closed *closed, uint64_t member, uint64_t ordinal)
{
    uint64_t key = event_key(member, ordinal);
    struct table_node *node = table_find(&closed->events, key);
    for (; node != NULL; node = node->next) {
        struct closed_event *event = (struct closed_event *)node;
        if (event->member == member && event->ordinal == ordinal) return event;
    }
    return NULL;
}

static struct closed_member *
find_or_make_member(struct closed *closed, uint64_t number)
{
    struct table_node *node = table_find(&closed->members, number);
    if (node != NULL) return (struct closed_member *)node;
    struct closed_member *member = memo_take(closed->memo, sizeof *member);
    *member = (struct closed_member){.node.key = number};
    table_insert(&closed->members, &member->node);
    return member;
}

/* Keeps a member's events by ordinal; most are newer than all that are there. */
static void
link_event(struct closed_member *member, struct closed_event *event)
{
    struct closed_event **place = &member->first;
    if (member->last != NULL && member->last->ordinal < event->ordinal) {
        place = &member->last->next;
    } else {
        while (*place != NULL && (*place)->ordinal < event->ordinal)
            place = &(*place)->next;
    }
    event->next = *place;
    *place = event;
    if (event->next == NULL) member->last = event;
}

static struct closed_event *
find_or_make(struct closed *closed, uint64_t number, uint64_t ordinal)
{
    struct closed_event *event = find(closed, number, ordinal);
    if (event != NULL) return event;
    struct closed_member *member = find_or_make_member(closed, number);
    event = memo_take(closed->memo, sizeof *event);
    *event = (struct closed_event){
        .node.key = event_key(number, ordinal),
        .member = number,
        .ordinal = ordinal,
        .capacity = CAPACITY_FIRST,
        .complete = ordinal >= closed->stored || member->complete,
        .lots = memo_take(closed->memo, CAPACITY_FIRST * sizeof(struct closed_lot)),
    };
    table_insert(&closed->events, &event->node);
    link_event(member, event);
    return event;
}

static struct closed_lot *
find_lot(struct closed_event *event, uint32_t index)
{
    for (uint32_t i = 0; i < event->count; i++) {
        if (event->lots[i].lot.index == index) return &event->lots[i];
    }
    return NULL;
}

/* A place for a lot of the event, by index, the order of their keys. */
static struct closed_lot *
make_lot(struct closed *closed, struct closed_event *event, uint32_t index)
{
    if (event->count == event->capacity) {
        size_t bytes = event->capacity * sizeof event->lots[0];
        event->lots = memo_resize(closed->memo, event->lots, bytes, 2 * bytes);
        event->capacity *= 2;
    }
    uint32_t at = event->count++;
    for (; at > 0 && event->lots[at - 1].lot.index > index; at--)
        event->lots[at] = event->lots[at - 1];
    event->lots[at] = (struct closed_lot){0};
    return &event->lots[at];
}

/* ---- In and out ---- */

static struct hash128
share_of(const struct closed *closed, uint64_t member, const struct lot *lot)
{
    struct row_key key = lot_key(member, lot->ordinal, lot->index);
    return memo_share(closed->memo->seed, row_key_span(&key), bytes_of(lot, sizeof *lot));
}

static void
mark_written(struct closed *closed, struct closed_event *event, struct closed_lot *lot)
{
    struct memo *memo = closed->memo;
    lot->generation = memo->generation;
    memo->dirty_bytes += sizeof *lot;
    if (event->generation == memo->generation) return;
    event->generation = memo->generation;
    event->node.dirty_next = closed->dirty;
    closed->dirty = &event->node;
}

void
closed_add(struct closed *closed, uint64_t member, const struct lot *lot)
{
    struct memo *memo = closed->memo;
    struct closed_event *event = find_or_make(closed, member, lot->ordinal);
    struct closed_lot *place = find_lot(event, lot->index);
    CHECK(lot->remaining == 0 && lot->held == 0 && (place == NULL || place->gone));
    if (place == NULL) place = make_lot(closed, event, lot->index);
    place->lot = *lot;
    place->lot.flags &= (uint8_t)~LOT_NOTICED;
    place->gone = 0;
    memo->digest = hash128_add(memo->digest, share_of(closed, member, &place->lot));
    mark_written(closed, event, place);
}

bool
closed_find(const struct closed *closed, uint64_t member, uint64_t ordinal, uint32_t index,
            const struct lot **out_lot)
{
    struct closed_event *event = find(closed, member, ordinal);
    struct closed_lot *lot = event == NULL ? NULL : find_lot(event, index);
    if (lot == NULL && (event == NULL || !event->complete) && ordinal < closed->stored &&
        !closed_is_known(closed, member)) {
        return false;
    }
    *out_lot = lot == NULL || lot->gone ? NULL : &lot->lot;
    return true;
}

bool
closed_take(struct closed *closed, uint64_t member, uint64_t ordinal, uint32_t index,
            struct lot *out_lot)
{
    const struct lot *found;
    CHECK(closed_find(closed, member, ordinal, index, &found)); /* fold_needs has named it */
    if (found == NULL) return false;
    struct closed_event *event = find(closed, member, ordinal);
    struct closed_lot *lot = find_lot(event, index);
    *out_lot = lot->lot;
    closed->memo->digest = hash128_sub(closed->memo->digest, share_of(closed, member, &lot->lot));
    lot->gone = 1;
    mark_written(closed, event, lot);
    return true;
}

bool
closed_is_known(const struct closed *closed, uint64_t member)
{
    const struct table_node *node = table_find(&closed->members, member);
    if (member > closed->stored_members) return true; /* too new for any row of the store */
    return node != NULL && ((const struct closed_member *)node)->complete;
}

const struct lot **
closed_list(const struct closed *closed, uint64_t member, struct arena *arena, size_t *out_count)
{
    const struct table_node *node = table_find(&closed->members, member);
    CHECK(closed_is_known(closed, member)); /* fold_needs has named them */
    const struct closed_event *first =
        node == NULL ? NULL : ((const struct closed_member *)node)->first;
    size_t count = 0, max = 1;
    for (const struct closed_event *event = first; event != NULL; event = event->next)
        max += event->count;
    const struct lot **list = arena_alloc(arena, max * sizeof(struct lot *));
    CHECK(list != NULL);
    for (const struct closed_event *event = first; event != NULL; event = event->next) {
        for (uint32_t i = 0; i < event->count; i++) {
            if (!event->lots[i].gone) list[count++] = &event->lots[i].lot;
        }
    }
    *out_count = count;
    return list;
}

/* ---- Rows ---- */

static void
need_range(struct row_key first, struct row_key last, struct needs *needs)
{
    CHECK(needs != NULL); /* an apply finds every row in memory: fold_needs has named it */
    if (needs->count == NEEDS_MAX) return;
    struct need *need = &needs->items[needs->count++];
    *need = (struct need){.mode = NEED_RANGE, .key_size = first.size, .last_size = last.size};
    memcpy(need->key, first.data, first.size);
    memcpy(need->last, last.data, last.size);
}

void
closed_need(uint64_t member, uint64_t ordinal, struct needs *needs)
{
    need_range(lot_key(member, ordinal, 0), lot_key(member, ordinal, UINT32_MAX), needs);
}

void
closed_need_all(uint64_t member, struct needs *needs)
{
    need_range(lot_key(member, 0, 0), lot_key(member, UINT64_MAX, UINT32_MAX), needs);
}

bool
closed_load(struct closed *closed, struct row row, struct fault *out_fault)
{
    struct bytes content;
    struct lot lot;
    if (!row_open(row, &content, out_fault)) return false;
    struct reader reader = reader_of(bytes_of(row.key.data + 1, row.key.size - 1));
    uint64_t member = reader_u64be(&reader);
    if (reader.failed || content.size != sizeof lot)
        return fault_set(out_fault, FAULT_DATA, "the row of a closed lot has an impossible size");
    memcpy(&lot, content.data, sizeof lot);
    struct row_key key = lot_key(member, lot.ordinal, lot.index);
    if (!bytes_equal(row.key, row_key_span(&key)) || lot.remaining != 0 || lot.held != 0) {
        return fault_set(out_fault, FAULT_DATA, "the row of a closed lot contradicts itself");
    }
    struct closed_event *event = find_or_make(closed, member, lot.ordinal);
    struct closed_lot *place = find_lot(event, lot.index);
    if (place == NULL) {
        place = make_lot(closed, event, lot.index);
        place->lot = lot;
    }
    place->stored = 1;
    return true;
}

void
closed_complete(struct closed *closed, uint64_t member, uint64_t first_ordinal,
                uint64_t last_ordinal)
{
    if (first_ordinal == last_ordinal) {
        find_or_make(closed, member, first_ordinal)->complete = 1;
    } else {
        find_or_make_member(closed, member)->complete = 1;
    }
}

static bool
event_before(const struct table_node *a, const struct table_node *b)
{
    const struct closed_event *left = (const struct closed_event *)a;
    const struct closed_event *right = (const struct closed_event *)b;
    if (left->member != right->member) return left->member < right->member;
    return left->ordinal <= right->ordinal;
}

void
closed_checkpoint_begin(struct closed *closed)
{
    closed->frozen_dirty = table_sort_by(closed->dirty, event_before);
    closed->dirty = NULL;
    for (struct table_node *node = closed->frozen_dirty; node != NULL; node = node->dirty_next)
        ((struct closed_event *)node)->yielded = 0;
}

/* The cursor is the address of the event; how far its lots were read it says itself. A row that was
 * yielded counts as stored: the next checkpoint deletes it when its lot is taken out meanwhile. */
bool
closed_next(const struct closed *closed, uint32_t generation, uint64_t *cursor,
            struct row_key *out_key, struct writer *writer, bool *out_delete)
{
    struct table_node *node =
        *cursor == 0 ? closed->frozen_dirty : (struct table_node *)(uintptr_t)*cursor;
    for (; node != NULL; node = node->dirty_next) {
        struct closed_event *event = (struct closed_event *)node;
        while (event->yielded < event->count) {
            struct closed_lot *lot = &event->lots[event->yielded++];
            bool known = lot->stored;
            if (lot->generation != generation || (lot->gone && !known)) continue;
            *out_key = lot_key(event->member, lot->lot.ordinal, lot->lot.index);
            *out_delete = lot->gone;
            lot->stored = !lot->gone;
            if (!lot->gone) writer_bytes(writer, bytes_of(&lot->lot, sizeof lot->lot));
            *cursor = (uint64_t)(uintptr_t)node;
            return true;
        }
    }
    return false;
}

void
closed_checkpoint_end(struct closed *closed, uint64_t stored_ordinal, uint64_t stored_members)
{
    closed->stored_members = stored_members;
    closed->stored = stored_ordinal;
    closed->frozen_dirty = NULL;
}

size_t
closed_evict(struct closed *closed, size_t bytes)
{
    return release(closed, bytes, true);
}
