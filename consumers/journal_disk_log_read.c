/* Reading a disk log: each reader has a reading transaction of LMDB, renewed with each read, and a
 * place in every log it was assigned. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/journal_disk_log_priv.h"
#include "engine/base/check.h"
#include "engine/base/clock.h"

struct read_place {
    uint32_t number;
    uint64_t offset; /* of the next record */
    uint64_t end;    /* of what the snapshot of this read is sure to hold */
};

struct disk_log_reader {
    struct disk_log *log;
    enum disk_log_hold hold;
    MDB_txn *txn;
    bool txn_live;
    struct read_place *places;
    size_t place_count;
    size_t turn; /* place to begin the next read with: nobody is served first always */
    struct disk_log_copy {
        uint8_t *memory;
        size_t size, capacity;
    } copy;
};

enum {
    /* A copying reader takes no more than this at once, but always one record. */
    READ_COPY_BYTES_MAX = 4 * 1024 * 1024
};

bool
disk_log_reader_open(struct disk_log *log, enum disk_log_hold hold,
                     struct disk_log_reader **out_reader, struct fault *out_fault)
{
    MDB_txn *txn;
    int error = mdb_txn_begin(log->env, NULL, MDB_RDONLY, &txn);
    if (error == MDB_READERS_FULL)
        return fault_set(out_fault, FAULT_TRY_AGAIN, "%s: too many readers at once", log->path);
    if (error != 0) return disk_log_fault(log, error, "beginning to read", out_fault);
    mdb_txn_reset(txn);
    struct disk_log_reader *reader = calloc(1, sizeof *reader);
    CHECK(reader != NULL);
    reader->log = log;
    reader->hold = hold;
    reader->txn = txn;
    reader->places = calloc(log->log_count, sizeof *reader->places);
    CHECK(reader->places != NULL);
    *out_reader = reader;
    return true;
}

void
disk_log_reader_close(struct disk_log_reader *reader)
{
    if (reader == NULL) return;
    mdb_txn_abort(reader->txn);
    free(reader->places);
    free(reader->copy.memory);
    free(reader);
}

static struct read_place *
read_place_of(struct disk_log_reader *reader, uint32_t number)
{
    for (size_t i = 0; i < reader->place_count; i++)
        if (reader->places[i].number == number) return &reader->places[i];
    return NULL;
}

bool
disk_log_assign(struct disk_log_reader *reader, uint32_t number, uint64_t offset,
                struct fault *out_fault)
{
    uint64_t first, end;
    disk_log_bounds(reader->log, number, &first, &end);
    if (offset < first || offset > end) {
        char place[128];
        reader->log->options.describe(number, place, sizeof place);
        return fault_set(out_fault, FAULT_NO_INPUT,
                         "%s: %s has offsets %llu to %llu, and %llu was asked for: it was cut, or "
                         "what asks belongs to another one",
                         reader->log->path, place, (unsigned long long)first,
                         (unsigned long long)end, (unsigned long long)offset);
    }
    struct read_place *known = read_place_of(reader, number);
    if (known == NULL) known = &reader->places[reader->place_count++];
    *known = (struct read_place){.number = number, .offset = offset};
    return true;
}

void
disk_log_revoke(struct disk_log_reader *reader, uint32_t number)
{
    struct read_place *place = read_place_of(reader, number);
    if (place != NULL) *place = reader->places[--reader->place_count];
}

static uint64_t
read_end_of(const struct disk_log_reader *reader, const struct read_place *place)
{
    uint64_t first, end;
    disk_log_bounds(reader->log, place->number, &first, &end);
    return end;
}

static bool
read_has_news(const struct disk_log_reader *reader)
{
    for (size_t i = 0; i < reader->place_count; i++)
        if (reader->places[i].offset < read_end_of(reader, &reader->places[i])) return true;
    return false;
}

/* Waits until some assigned log has a record for this reader. Commits of other logs wake it too: it
 * goes on waiting for the rest of its time. What is durable is delivered before a failed write is
 * told. */
static bool
read_wait(struct disk_log_reader *reader, int wait_ms, struct fault *out_fault)
{
    int64_t deadline_ns = clock_monotonic_ns() + (int64_t)wait_ms * 1000000;
    for (;;) {
        uint32_t seen = disk_wake_count(&reader->log->committed);
        if (read_has_news(reader)) return true;
        if (!disk_log_is_well(reader->log, out_fault)) return false;
        int64_t left_ms = (deadline_ns - clock_monotonic_ns() + 999999) / 1000000;
        if (left_ms <= 0) return true;
        disk_wake_wait(&reader->log->committed, seen, (int)left_ms);
    }
}

/* Room for a payload among the copies of this read; false when this read has taken enough. Copies
 * stay where they are until the next read, so memory grows only before the first. */
static bool
read_copy_has_room(struct disk_log_copy *copy, size_t size)
{
    if (copy->size != 0) return size <= copy->capacity - copy->size;
    if (size <= copy->capacity) return true;
    free(copy->memory);
    copy->capacity = size > READ_COPY_BYTES_MAX ? size : READ_COPY_BYTES_MAX;
    copy->memory = malloc(copy->capacity);
    CHECK(copy->memory != NULL);
    return true;
}

static bool
read_take(struct disk_log_reader *reader, struct disk_log_record *record)
{
    if (reader->hold == DISK_LOG_HOLD_PAGES) return true;
    struct disk_log_copy *copy = &reader->copy;
    if (!read_copy_has_room(copy, record->payload.size)) return false;
    uint8_t *to = copy->memory + copy->size;
    if (record->payload.size != 0) memcpy(to, record->payload.data, record->payload.size);
    copy->size += record->payload.size;
    record->payload.data = to;
    return true;
}

/* Reads on in one log, to its durable end or until there are max records or no more room. */
static bool
read_log(struct disk_log_reader *reader, struct read_place *place,
         struct disk_log_record *out_records, size_t max, size_t *count, bool *out_full,
         struct fault *out_fault)
{
    struct disk_log *log = reader->log;
    uint64_t end = place->end;
    *out_full = false;
    if (place->offset >= end || *count == max) return true;

    MDB_cursor *cursor;
    int error = mdb_cursor_open(reader->txn, log->databases[place->number], &cursor);
    if (error != 0) return disk_log_fault(log, error, "reading", out_fault);
    MDB_val key = {.mv_size = sizeof place->offset, .mv_data = &place->offset}, value;
    MDB_cursor_op step = MDB_SET_KEY;
    bool sound = true;
    while (sound && !*out_full && place->offset < end && *count < max) {
        uint64_t found = 0;
        error = mdb_cursor_get(cursor, &key, &value, step);
        if (error == 0 && key.mv_size == sizeof found) memcpy(&found, key.mv_data, sizeof found);
        if (error != 0 || found != place->offset) {
            char text[192];
            log->options.describe(place->number, text, sizeof text - 64);
            size_t used = strlen(text);
            snprintf(text + used, sizeof text - used, ": looking for offset %llu",
                     (unsigned long long)place->offset);
            sound = disk_log_fault(log, error != 0 ? error : MDB_CORRUPTED, text, out_fault);
            break;
        }
        sound = disk_log_verify(log, place->number, place->offset, value, &out_records[*count],
                                out_fault);
        if (sound && read_take(reader, &out_records[*count])) {
            place->offset++;
            ++*count;
        } else {
            *out_full = sound;
        }
        step = MDB_NEXT;
    }
    mdb_cursor_close(cursor);
    return sound;
}

bool
disk_log_read(struct disk_log_reader *reader, int wait_ms, struct disk_log_record *out_records,
              size_t max, size_t *out_count, struct fault *out_fault)
{
    struct disk_log *log = reader->log;
    if (reader->txn_live) mdb_txn_reset(reader->txn);
    reader->txn_live = false;
    reader->copy.size = 0;
    if (!read_wait(reader, wait_ms, out_fault)) return false;
    size_t count = 0;
    if (read_has_news(reader)) {
        /* Ends are looked at before the snapshot is taken: what commits in between is in the
         * snapshot, but what commits behind it is not. */
        for (size_t i = 0; i < reader->place_count; i++)
            reader->places[i].end = read_end_of(reader, &reader->places[i]);
        int error = mdb_txn_renew(reader->txn);
        if (error != 0) return disk_log_fault(log, error, "reading", out_fault);
        reader->txn_live = true;
        bool full = false;
        size_t places = reader->place_count;
        for (size_t i = 0; i < places && !full && count < max; i++)
            if (!read_log(reader, &reader->places[(reader->turn + i) % places], out_records, max,
                          &count, &full, out_fault))
                return false;
        reader->turn++;
        if (reader->hold == DISK_LOG_HOLD_COPY) {
            mdb_txn_reset(reader->txn);
            reader->txn_live = false;
        }
    }
    *out_count = count;
    return true;
}
