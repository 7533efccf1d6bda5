/* The content of family 't': hints of one hour, 16 bytes each: i64 instant, u64 kind << 40 | member
 * number; little-endian. */
#include "engine/core/timer.h"

#include <string.h>

enum {
    TIMER_PAGE_HINTS = 4096,
    TIMER_ROW_HINTS = 4096, /* 64 KiB a row: the hours of a month's end take several */
    HORIZON_HOURS = 24,
    CAPACITY_FIRST = 16,
    BUCKET_FIRST = 4,
};

static const int64_t HOUR_MS = INT64_C(3600) * 1000;

static_assert(sizeof(struct hint) == 16, "persisted layout");

static uint32_t
hour_of(int64_t ms)
{
    return ms < 0 ? 0 : (uint32_t)(ms / HOUR_MS);
}

void
timers_open(struct timers *timers, struct memo *memo)
{
    *timers = (struct timers){.memo = memo};
    timers->heap_page_capacity = timers->row_capacity = CAPACITY_FIRST;
    timers->heap_pages = memo_take(memo, CAPACITY_FIRST * sizeof *timers->heap_pages);
    timers->rows = memo_take(memo, CAPACITY_FIRST * sizeof *timers->rows);
    timers->fresh.capacity = timers->frozen.capacity = CAPACITY_FIRST;
    timers->fresh.items = memo_take(memo, CAPACITY_FIRST * sizeof *timers->fresh.items);
    timers->frozen.items = memo_take(memo, CAPACITY_FIRST * sizeof *timers->frozen.items);
}

static void
buckets_clear(struct timers *timers, struct hour_buckets *buckets)
{
    for (size_t i = 0; i < buckets->count; i++) {
        memo_give(timers->memo, buckets->items[i].hints,
                  buckets->items[i].capacity * sizeof(struct hint));
    }
    buckets->count = 0;
}

void
timers_close(struct timers *timers)
{
    struct memo *memo = timers->memo;
    if (timers->heap_pages == NULL) return;
    for (size_t i = 0; i < timers->heap_page_count; i++) {
        memo_give(memo, timers->heap_pages[i], TIMER_PAGE_HINTS * sizeof(struct hint));
    }
    buckets_clear(timers, &timers->fresh);
    buckets_clear(timers, &timers->frozen);
    memo_give(memo, timers->fresh.items, timers->fresh.capacity * sizeof *timers->fresh.items);
    memo_give(memo, timers->frozen.items, timers->frozen.capacity * sizeof *timers->frozen.items);
    memo_give(memo, timers->rows, timers->row_capacity * sizeof *timers->rows);
    memo_give(memo, timers->heap_pages, timers->heap_page_capacity * sizeof *timers->heap_pages);
    *timers = (struct timers){0};
}

void
timers_restored(struct timers *timers, uint32_t low_hour, uint32_t end_hour, uint64_t checkpoints)
{
    timers->horizon_hour = low_hour;
    timers->end_hour = end_hour;
    timers->checkpoints = checkpoints;
}

/* Doubles a list of the slab when it is full. */
static void *
grow(struct timers *timers, void *items, size_t count, size_t *capacity, size_t item_bytes)
{
    if (count < *capacity) return items;
    items = memo_resize(timers->memo, items, *capacity * item_bytes, 2 * *capacity * item_bytes);
    *capacity *= 2;
    return items;
}

/* ---- The heap ---- */

static struct hint *
heap_at(const struct timers *timers, size_t i)
{
    return &timers->heap_pages[i / TIMER_PAGE_HINTS][i % TIMER_PAGE_HINTS];
}

static bool
hint_before(const struct hint *a, const struct hint *b)
{
    return a->ms < b->ms || (a->ms == b->ms && a->kind_and_member < b->kind_and_member);
}

static void
heap_push(struct timers *timers, struct hint hint)
{
    size_t i = timers->heap_count++;
    if (i == timers->heap_page_count * TIMER_PAGE_HINTS) {
        timers->heap_pages = grow(timers, timers->heap_pages, timers->heap_page_count,
                                  &timers->heap_page_capacity, sizeof *timers->heap_pages);
        timers->heap_pages[timers->heap_page_count++] =
            memo_take(timers->memo, TIMER_PAGE_HINTS * sizeof hint);
    }
    for (; i > 0 && hint_before(&hint, heap_at(timers, (i - 1) / 2)); i = (i - 1) / 2) {
        *heap_at(timers, i) = *heap_at(timers, (i - 1) / 2);
    }
    *heap_at(timers, i) = hint;
}

void
timers_pop(struct timers *timers)
{
    CHECK(timers->heap_count > 0);
    size_t count = --timers->heap_count;
    struct hint last = *heap_at(timers, count);
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= count) break;
        if (child + 1 < count && hint_before(heap_at(timers, child + 1), heap_at(timers, child)))
            child++;
        if (!hint_before(heap_at(timers, child), &last)) break;
        *heap_at(timers, i) = *heap_at(timers, child);
        i = child;
    }
    if (count > 0) *heap_at(timers, i) = last;
    while (timers->heap_page_count > count / TIMER_PAGE_HINTS + 1) {
        memo_give(timers->memo, timers->heap_pages[--timers->heap_page_count],
                  TIMER_PAGE_HINTS * sizeof(struct hint));
    }
}

bool
timers_first(const struct timers *timers, struct hint *out_hint)
{
    if (timers->heap_count == 0) return false;
    *out_hint = *heap_at(timers, 0);
    return true;
}

const struct hint *
timers_peek(const struct timers *timers, size_t i)
{
    return i < timers->heap_count ? heap_at(timers, i) : NULL;
}

/* The due hints form the top of the heap: walks them in the heap's order, each parent before its
 * children. */
uint64_t
timers_due(const struct timers *timers, int64_t clock_ms, uint64_t max)
{
    uint64_t due = 0;
    size_t begin = 0, end = 1; /* one level of the heap: indexes that may be due */
    while (begin < timers->heap_count && due < max) {
        uint64_t before = due;
        for (size_t i = begin; i < end && i < timers->heap_count && due < max; i++)
            due += heap_at(timers, i)->ms <= clock_ms;
        if (due == before) break;
        begin = end;
        end = 2 * end + 1;
    }
    return due;
}

/* ---- Buckets by hour ---- */

/* The bucket that takes the next hint of an hour. */
static struct hour_bucket *
bucket_for(struct timers *timers, uint32_t hour)
{
    struct hour_buckets *buckets = &timers->fresh;
    size_t low = 0, high = buckets->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (buckets->items[middle].hour <= hour) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low > 0) {
        struct hour_bucket *last = &buckets->items[low - 1];
        if (last->hour == hour && last->count < TIMER_ROW_HINTS) return last;
    }
    buckets->items =
        grow(timers, buckets->items, buckets->count, &buckets->capacity, sizeof *buckets->items);
    memmove(&buckets->items[low + 1], &buckets->items[low],
            (buckets->count - low) * sizeof *buckets->items);
    buckets->count++;
    struct hour_bucket *made = &buckets->items[low];
    *made = (struct hour_bucket){.hour = hour, .capacity = BUCKET_FIRST};
    made->hints = memo_take(timers->memo, BUCKET_FIRST * sizeof(struct hint));
    return made;
}

void
timers_add(struct timers *timers, int64_t ms, enum due_kind kind, uint64_t member)
{
    struct hint hint = hint_of(ms, kind, member);
    struct hour_bucket *bucket = bucket_for(timers, hour_of(ms));
    size_t capacity = bucket->capacity;
    bucket->hints = grow(timers, bucket->hints, bucket->count, &capacity, sizeof hint);
    bucket->capacity = (uint32_t)capacity;
    bucket->hints[bucket->count++] = hint;
    timers->memo->dirty_bytes += sizeof hint;
    if (bucket->hour < timers->horizon_hour) heap_push(timers, hint);
}

/* ---- The horizon ---- */

static void
pull(struct timers *timers, const struct hour_buckets *buckets, uint32_t from_hour,
     uint32_t to_hour)
{
    for (size_t i = 0; i < buckets->count; i++) {
        const struct hour_bucket *bucket = &buckets->items[i];
        if (bucket->hour < from_hour || bucket->hour >= to_hour) continue;
        for (uint32_t k = 0; k < bucket->count; k++)
            heap_push(timers, bucket->hints[k]);
    }
}

static void
move_horizon(struct timers *timers, uint32_t hour)
{
    pull(timers, &timers->frozen, timers->horizon_hour, hour);
    pull(timers, &timers->fresh, timers->horizon_hour, hour);
    timers->horizon_hour = hour;
}

static struct row_key
timer_key(struct timer_row row)
{
    struct row_key key = row_key_u32(ROW_TIMER, row.hour);
    struct writer writer = writer_of(key.data + key.size, sizeof key.data - key.size);
    writer_u64be(&writer, row.checkpoint);
    writer_u32be(&writer, row.part);
    key.size += (uint8_t)writer.size;
    return key;
}

bool
timers_reach(struct timers *timers, int64_t clock_ms, struct needs *needs)
{
    uint32_t hour = hour_of(clock_ms);
    if (hour < timers->horizon_hour) return true;
    uint32_t wanted = hour + HORIZON_HOURS;
    if (timers->horizon_hour >= timers->end_hour) {
        move_horizon(timers, wanted);
        return true;
    }
    if (needs->count == NEEDS_MAX) return false;
    struct need *need = &needs->items[needs->count++];
    struct row_key first = timer_key((struct timer_row){.hour = timers->horizon_hour});
    struct row_key last = timer_key((struct timer_row){wanted - 1, UINT32_MAX, UINT64_MAX});
    *need = (struct need){.mode = NEED_RANGE, .key_size = first.size, .last_size = last.size};
    memcpy(need->key, first.data, first.size);
    memcpy(need->last, last.data, last.size);
    return false;
}

static int
row_compare(struct timer_row a, struct timer_row b)
{
    struct row_key a_key = timer_key(a), b_key = timer_key(b);
    return bytes_compare(row_key_span(&a_key), row_key_span(&b_key));
}

/* A row that is known already stays so: the store may show the rows of a checkpoint before its end
 * is told. */
static void
remember_row(struct timers *timers, struct timer_row row)
{
    size_t at = timers->row_count;
    while (at > 0 && row_compare(timers->rows[at - 1], row) > 0)
        at--;
    if (at > 0 && row_compare(timers->rows[at - 1], row) == 0) return;
    timers->rows =
        grow(timers, timers->rows, timers->row_count, &timers->row_capacity, sizeof *timers->rows);
    memmove(&timers->rows[at + 1], &timers->rows[at],
            (timers->row_count - at) * sizeof *timers->rows);
    timers->rows[at] = row;
    timers->row_count++;
}

bool
timers_load(struct timers *timers, struct row row, struct fault *out_fault)
{
    struct bytes content;
    if (!row_open(row, &content, out_fault)) return false;
    struct reader reader = reader_of(bytes_of(row.key.data + 1, row.key.size - 1));
    struct timer_row place = {.hour = reader_u32be(&reader)};
    place.checkpoint = reader_u64be(&reader);
    place.part = reader_u32be(&reader);
    if (!reader_done(&reader) || content.size % sizeof(struct hint) != 0) {
        return fault_set(out_fault, FAULT_DATA, "a row of timers has an impossible key or size");
    }
    remember_row(timers, place);
    for (size_t i = 0; i < content.size; i += sizeof(struct hint)) {
        struct hint hint;
        memcpy(&hint, content.data + i, sizeof hint);
        heap_push(timers, hint);
    }
    return true;
}

void
timers_loaded(struct timers *timers, uint32_t last_hour)
{
    if (last_hour >= timers->horizon_hour) move_horizon(timers, last_hour + 1);
}

int64_t
timers_next_ms(const struct timers *timers)
{
    struct hint first;
    if (timers_first(timers, &first)) return first.ms;
    bool none = timers->horizon_hour >= timers->end_hour && timers->fresh.count == 0 &&
                timers->frozen.count == 0;
    return none ? INT64_MAX : timers->horizon_hour * HOUR_MS;
}

uint32_t
timers_low_hour(const struct timers *timers)
{
    struct hint first;
    if (!timers_first(timers, &first) || hour_of(first.ms) > timers->horizon_hour)
        return timers->horizon_hour;
    return hour_of(first.ms);
}

/* ---- Checkpoints ---- */

void
timers_checkpoint_begin(struct timers *timers)
{
    CHECK(timers->frozen.count == 0);
    struct hour_buckets empty = timers->frozen;
    timers->frozen = timers->fresh;
    timers->fresh = empty;
    timers->frozen_low_hour = timers_low_hour(timers);
    timers->checkpoints++;
    size_t count = timers->frozen.count;
    if (count > 0 && timers->frozen.items[count - 1].hour >= timers->end_hour) {
        timers->end_hour = timers->frozen.items[count - 1].hour + 1;
    }
}

static struct timer_row
frozen_row(const struct timers *timers, size_t i)
{
    uint32_t part = 0;
    for (size_t k = i; k > 0 && timers->frozen.items[k - 1].hour == timers->frozen.items[i].hour;
         k--)
        part++;
    return (struct timer_row){timers->frozen.items[i].hour, part, timers->checkpoints};
}

/* Deletions first: their hours are below those of all rows that are written. */
bool
timers_next(const struct timers *timers, uint64_t *cursor, struct row_key *out_key,
            struct writer *writer, bool *out_delete)
{
    uint64_t i = *cursor;
    if (i < timers->row_count && timers->rows[i].hour < timers->frozen_low_hour) {
        *out_key = timer_key(timers->rows[i]);
        *out_delete = true;
        *cursor = i + 1;
        return true;
    }
    for (i = i < timers->row_count ? timers->row_count : i;
         i - timers->row_count < timers->frozen.count; i++) {
        const struct hour_bucket *bucket = &timers->frozen.items[i - timers->row_count];
        if (bucket->hour < timers->frozen_low_hour) continue;
        *out_key = timer_key(frozen_row(timers, i - timers->row_count));
        *out_delete = false;
        writer_bytes(writer, bytes_of(bucket->hints, bucket->count * sizeof(struct hint)));
        *cursor = i + 1;
        return true;
    }
    return false;
}

void
timers_checkpoint_end(struct timers *timers)
{
    size_t gone = 0;
    while (gone < timers->row_count && timers->rows[gone].hour < timers->frozen_low_hour)
        gone++;
    memmove(timers->rows, timers->rows + gone, (timers->row_count - gone) * sizeof *timers->rows);
    timers->row_count -= gone;
    for (size_t i = 0; i < timers->frozen.count; i++) {
        uint32_t hour = timers->frozen.items[i].hour;
        if (hour >= timers->frozen_low_hour && hour < timers->horizon_hour)
            remember_row(timers, frozen_row(timers, i));
    }
    buckets_clear(timers, &timers->frozen);
}
