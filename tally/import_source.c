#include "tally/import_source.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consumers/codec_event.h"
#include "consumers/codec_event_write.h"
#include "consumers/codec_source.h"
#include "consumers/map_csv.h"
#include "engine/base/check.h"
#include "engine/base/region.h"

struct import_source {
    const char *name;
    struct import_account *account;
    struct region region, map_region;
    struct arena arena, map_arena;
    uint64_t rows;
    /* CSV */
    int file;
    struct map map;
    struct map_csv *csv;
    /* JSON lines */
    FILE *stream;
    char *line;
    size_t line_capacity;
    bool in_line;
    struct codec_source codec;
};

static void
source_refused(void *context, const struct map_refusal *refusal)
{
    struct import_source *source = context;
    import_refuse_row(source->account, refusal->line, refusal->group, refusal->reason,
                      refusal->has_value ? refusal->value.units : 0, (struct bytes){0});
}

static bool
source_open_file(struct import_source *source, const char *path, struct fault *out_fault)
{
    bool standard = strcmp(path, "-") == 0;
    source->name = standard ? "standard input" : path;
    source->file = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (source->file < 0)
        return fault_set(out_fault, FAULT_NO_INPUT, "'%s': %s", path, strerror(errno));
    return true;
}

bool
import_source_open(const char *path, const char *map, struct import_account *account,
                   FILE *messages, struct import_source **out_source, struct fault *out_fault)
{
    struct import_source *source = calloc(1, sizeof *source);
    size_t arena_bytes = CODEC_ARENA_BYTES + 4 * (size_t)MAP_EVENT_BYTES_MAX;
    CHECK(source != NULL);
    source->account = account;
    source->file = -1;
    if (!region_map(arena_bytes, &source->region, out_fault) ||
        !source_open_file(source, path, out_fault))
        goto fail;
    arena_init(&source->arena, source->region.memory, source->region.size);
    if (map == NULL) {
        source->stream = fdopen(source->file, "r");
        CHECK(source->stream != NULL);
    } else {
        if (!region_map(MAP_ARENA_BYTES, &source->map_region, out_fault)) goto fail;
        arena_init(&source->map_arena, source->map_region.memory, source->map_region.size);
        if (!map_load(map, &source->map_arena, messages, &source->map, out_fault) ||
            !map_csv_open(&source->map, source->file, source->name, source_refused, source,
                          &source->csv, out_fault))
            goto fail;
    }
    *out_source = source;
    return true;
fail:
    import_source_close(source);
    return false;
}

void
import_source_close(struct import_source *source)
{
    if (source->csv != NULL) map_csv_close(source->csv);
    if (source->stream != NULL)
        fclose(source->stream);
    else if (source->file > STDIN_FILENO)
        close(source->file);
    free(source->line);
    region_unmap(&source->region);
    region_unmap(&source->map_region);
    free(source);
}

uint64_t
import_source_rows(const struct import_source *source)
{
    return source->csv != NULL ? map_csv_totals(source->csv).rows : source->rows;
}

/* ---- CSV
 * ----------------------------------------------------------------------------------------------------------
 */

static bool
source_next_csv(struct import_source *source, struct import_event *out_event, bool *out_end,
                struct fault *out_fault)
{
    struct event event;
    struct map_rows rows;
    switch (map_csv_next(source->csv, &source->arena, &event, &rows, out_fault)) {
    case MAP_STEP_FAILED: return false;
    case MAP_STEP_ARENA_FULL: UNREACHABLE(); /* the arena holds several of the largest */
    case MAP_STEP_END: *out_end = true; return true;
    case MAP_STEP_EVENT: break;
    }
    *out_event = (struct import_event){
        .source = event.source,
        .id = event.id,
        .member = event.member,
        .occurred_at = event.occurred_at,
        .lines = rows.lines,
        .line_count = rows.count,
        .value = rows.value.units,
    };
    CHECK(codec_event_write(&event, &source->arena, &out_event->wire));
    return true;
}

/* ---- JSON lines
 * ---------------------------------------------------------------------------------------------------
 */

static void
source_refuse_line(struct import_source *source, const struct codec_error *error)
{
    import_refuse_row(source->account, source->rows, (struct bytes){0},
                      bytes_from_cstr(codec_problem_code(error->problem)), 0,
                      bytes_from_cstr(error->text));
}

/* Not strchr: a NUL is no blank, and lines of them are what a crash leaves of a file. */
static bool
is_blank(char byte)
{
    return byte == '\n' || byte == '\r' || byte == ' ' || byte == '\t';
}

/* Reads the next line that is not empty. False at the end and on faults. */
static bool
source_read_line(struct import_source *source, bool *out_end, struct fault *out_fault)
{
    for (;;) {
        ssize_t size = getline(&source->line, &source->line_capacity, source->stream);
        if (size < 0 && ferror(source->stream))
            return fault_set(out_fault, FAULT_IO, "'%s', line %" PRIu64 ": %s", source->name,
                             source->rows + 1, strerror(errno));
        if (size < 0) {
            *out_end = true;
            return false;
        }
        source->rows++;
        while (size > 0 && is_blank(source->line[size - 1]))
            size--;
        if (size == 0) continue;
        struct codec_error error;
        arena_reset_to(&source->arena, 0);
        struct bytes text = bytes_of(source->line, (size_t)size);
        enum codec_result result = CODEC_UNREADABLE;
        if (text.data[0] == '{' || text.data[0] == '[')
            result = codec_source_open(text, &source->arena, &source->codec, &error);
        else
            codec_error_set(&error, CODEC_BAD_JSON, 0, "the line is no JSON object or array");
        CHECK(result != CODEC_NO_ROOM);
        if (result == CODEC_OK) {
            source->in_line = true;
            return true;
        }
        source_refuse_line(source, &error);
    }
}

static bool
source_next_json(struct import_source *source, struct import_event *out_event, bool *out_end,
                 struct fault *out_fault)
{
    *out_end = false;
    for (;;) {
        struct codec_error error;
        struct entry entry;
        struct bytes wire;
        bool done = false;
        if (!source->in_line && !source_read_line(source, out_end, out_fault)) return *out_end;
        enum codec_result result = codec_source_next(&source->codec, &done, &wire, &error);
        if (result == CODEC_OK && done) {
            source->in_line = false;
            continue;
        }
        if (result == CODEC_OK) result = codec_event_decode(wire, &source->arena, &entry, &error);
        CHECK(result != CODEC_NO_ROOM);
        if (result == CODEC_UNREADABLE) {
            source_refuse_line(source, &error);
            continue;
        }
        /* A refusal of form is the ledger's to tell: the event goes into the journal and gets its
         * verdict. */
        bool refused = result == CODEC_REFUSED;
        *out_event = (struct import_event){
            .source = refused ? entry.refused.source : entry.event.source,
            .id = refused ? entry.refused.id : entry.event.id,
            .member = refused ? entry.refused.member : entry.event.member,
            .occurred_at = refused ? entry.refused.occurred_at : entry.event.occurred_at,
            .wire = wire,
            .lines = &source->rows,
            .line_count = 1,
        };
        return true;
    }
}

bool
import_source_next(struct import_source *source, struct import_event *out_event, bool *out_end,
                   struct fault *out_fault)
{
    *out_end = false;
    if (source->csv == NULL) return source_next_json(source, out_event, out_end, out_fault);
    arena_reset_to(&source->arena, 0);
    return source_next_csv(source, out_event, out_end, out_fault);
}
