#include "consumers/csv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/check.h"

enum { BUFFER_BYTES = 4 * CSV_ROW_BYTES_MAX, NAME_BYTES_MAX = 256, SHOWN_NAME_BYTES = 60 };

struct csv {
    int file;
    char name[NAME_BYTES_MAX];
    uint8_t separator;
    bool file_ended;
    uint64_t next_line;  /* of the byte at `start` */
    uint64_t bytes_read; /* before `start` */
    size_t start, end;   /* what is in the buffer and not yet read as rows */
    size_t column_count; /* 0 until the header is read */
    struct bytes header[CSV_COLUMNS_MAX];
    struct bytes fields[CSV_COLUMNS_MAX];
    uint8_t header_text[CSV_ROW_BYTES_MAX];
    uint8_t buffer[BUFFER_BYTES];
};

/* A row as it is found, before quotes are undone: looking for its end may happen twice, so that
 * changes nothing. */
struct found_row {
    size_t size;  /* with its line end */
    size_t count; /* of fields, beyond CSV_COLUMNS_MAX too */
    uint64_t lines;
    bool empty;                    /* nothing but a line end */
    bool escaped[CSV_COLUMNS_MAX]; /* the field has doubled quotes */
};

enum find_result { FOUND, NOT_YET, BROKEN };

/* Moves what is left to the front and reads more behind it. */
static bool
fill(struct csv *csv, struct fault *out_fault)
{
    memmove(csv->buffer, csv->buffer + csv->start, csv->end - csv->start);
    csv->end -= csv->start;
    csv->start = 0;
    for (;;) {
        ssize_t size = read(csv->file, csv->buffer + csv->end, BUFFER_BYTES - csv->end);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0)
            return fault_set(out_fault, FAULT_IO, "reading %s failed: %s", csv->name,
                             strerror(errno));
        csv->file_ended = size == 0;
        csv->end += (size_t)size;
        return true;
    }
}

/* The end of a field in quotes, which begins behind its opening quote: its closing quote, or NULL
 * when it is not there yet. */
static const uint8_t *
find_closing_quote(const uint8_t *at, const uint8_t *end, uint64_t *lines, bool *out_escaped)
{
    *out_escaped = false;
    for (; at < end; at++) {
        if (*at == '\n') ++*lines;
        if (*at != '"') continue;
        if (at + 1 == end) return NULL; /* a doubled one is possible still */
        if (at[1] != '"') return at;
        *out_escaped = true;
        at++;
    }
    return NULL;
}

static enum find_result
broken(const struct csv *csv, const struct found_row *row, const char *what, const char *advice,
       struct fault *out_fault)
{
    fault_set(out_fault, FAULT_DATA, "%s:%llu: field %zu has %s; %s", csv->name,
              (unsigned long long)(csv->next_line + row->lines), row->count + 1, what, advice);
    return BROKEN;
}

/* One field from `at`: its text, and in *out_at the separator or the '\n' behind it. */
static enum find_result
find_field(const struct csv *csv, struct found_row *row, const uint8_t *at, const uint8_t *end,
           const uint8_t **out_at, struct bytes *out_text, bool *out_escaped,
           struct fault *out_fault)
{
    const uint8_t *from = at, *to;
    *out_escaped = false;
    if (at < end && *at == '"') {
        from = at + 1;
        to = find_closing_quote(from, end, &row->lines, out_escaped);
        if (to == NULL) return NOT_YET;
        at = to + 1;
        if (end - at >= 2 && at[0] == '\r' && at[1] == '\n') at++;
        if (at == end || (*at == '\r' && at + 1 == end)) return NOT_YET;
        if (*at != csv->separator && *at != '\n')
            return broken(csv, row, "text behind its closing quote",
                          "double a quote that belongs to the text", out_fault);
    } else {
        while (at < end && *at != csv->separator && *at != '\n' && *at != '"') {
            at++;
        }
        if (at == end) return NOT_YET;
        if (*at == '"')
            return broken(csv, row, "a quote inside bare text",
                          "put the field in quotes and double the one inside", out_fault);
        to = *at == '\n' && at > from && at[-1] == '\r' ? at - 1 : at;
    }
    *out_at = at;
    *out_text = bytes_of(from, (size_t)(to - from));
    return FOUND;
}

/* Finds the fields of the row that begins at `start`. NOT_YET: its end is not in the buffer. */
static enum find_result
find_row(struct csv *csv, struct found_row *out_row, struct fault *out_fault)
{
    const uint8_t *begin = csv->buffer + csv->start, *end = csv->buffer + csv->end, *at = begin;
    out_row->count = 0;
    out_row->lines = 0;
    for (bool more = true; more; at++) {
        struct bytes text;
        bool escaped;
        enum find_result result =
            find_field(csv, out_row, at, end, &at, &text, &escaped, out_fault);
        if (result != FOUND) return result;
        if (out_row->count < CSV_COLUMNS_MAX) {
            csv->fields[out_row->count] = text;
            out_row->escaped[out_row->count] = escaped;
        }
        out_row->count++;
        more = *at != '\n';
    }
    out_row->lines++;
    out_row->size = (size_t)(at - begin);
    out_row->empty = out_row->count == 1 && csv->fields[0].size == 0 && *begin != '"';
    return FOUND;
}

/* What stands at the end of the file without a line end (invariant 2). */
static bool
refuse_rest(const struct csv *csv, struct fault *out_fault)
{
    return fault_set(out_fault, FAULT_DATA,
                     "%s:%llu: the file ends in the middle of this row: it was cut; get it whole "
                     "(or, if nothing is missing, "
                     "end its last line)",
                     csv->name, (unsigned long long)csv->next_line);
}

/* The next row that is not empty, its fields in csv->fields; *out_end when there is none. */
static bool
next_row(struct csv *csv, struct found_row *out_row, bool *out_end, struct fault *out_fault)
{
    *out_end = false;
    for (;;) {
        enum find_result result = find_row(csv, out_row, out_fault);
        if (result == BROKEN) return false;
        size_t size = result == FOUND ? out_row->size : csv->end - csv->start;
        if (size > CSV_ROW_BYTES_MAX)
            return fault_set(
                out_fault, FAULT_DATA,
                "%s:%llu: this row is longer than %d bytes; is a quote in it never closed?",
                csv->name, (unsigned long long)csv->next_line, CSV_ROW_BYTES_MAX);
        if (result == NOT_YET) {
            if (csv->file_ended && csv->start < csv->end) return refuse_rest(csv, out_fault);
            *out_end = csv->file_ended;
            if (csv->file_ended) return true;
            if (!fill(csv, out_fault)) return false;
            continue;
        }
        csv->start += out_row->size;
        csv->bytes_read += out_row->size;
        csv->next_line += out_row->lines;
        if (!out_row->empty) return true;
    }
}

/* "" becomes ", in place: a field only gets shorter. */
static void
undo_quotes(struct bytes *field)
{
    uint8_t *to = (uint8_t *)field->data;
    for (size_t i = 0; i < field->size; i++) {
        *to++ = field->data[i];
        if (field->data[i] == '"') i++;
    }
    field->size = (size_t)(to - field->data);
}

static bool
read_header(struct csv *csv, struct fault *out_fault)
{
    struct found_row row;
    bool end;
    if (!fill(csv, out_fault)) return false;
    if (bytes_start_with(bytes_of(csv->buffer, csv->end), BYTES_LITERAL("\xef\xbb\xbf")))
        csv->start = 3;
    if (!next_row(csv, &row, &end, out_fault)) return false;
    if (end)
        return fault_set(out_fault, FAULT_DATA,
                         "%s is empty: a header with the names of the columns is needed",
                         csv->name);
    if (row.count > CSV_COLUMNS_MAX)
        return fault_set(out_fault, FAULT_DATA, "%s: %zu columns; at most %d are read", csv->name,
                         row.count, CSV_COLUMNS_MAX);
    uint8_t *text = csv->header_text;
    for (size_t i = 0; i < row.count; i++) {
        if (row.escaped[i]) undo_quotes(&csv->fields[i]);
        csv->header[i] = bytes_of(text, csv->fields[i].size);
        if (csv->fields[i].size > 0) memcpy(text, csv->fields[i].data, csv->fields[i].size);
        text += csv->fields[i].size;
        for (size_t j = 0; j < i; j++) {
            if (!bytes_equal(csv->header[i], csv->header[j])) continue;
            int shown = csv->header[i].size < SHOWN_NAME_BYTES ? (int)csv->header[i].size
                                                               : SHOWN_NAME_BYTES;
            return fault_set(out_fault, FAULT_DATA,
                             "%s: columns %zu and %zu are both called '%.*s'; rename one",
                             csv->name, j + 1, i + 1, shown, (const char *)csv->header[i].data);
        }
    }
    csv->column_count = row.count;
    return true;
}

bool
csv_open(int file, const char *name, char separator, struct csv **out_csv, struct fault *out_fault)
{
    CHECK(separator != '"' && separator != '\n' && separator != '\r');
    struct csv *csv = malloc(sizeof *csv);
    if (csv == NULL) return fault_set(out_fault, FAULT_TRY_AGAIN, "no memory to read %s", name);
    csv->file = file;
    snprintf(csv->name, sizeof csv->name, "%s", name);
    csv->separator = (uint8_t)separator;
    csv->file_ended = false;
    csv->next_line = 1;
    csv->bytes_read = 0;
    csv->start = csv->end = csv->column_count = 0;
    if (!read_header(csv, out_fault)) {
        csv_close(csv);
        return false;
    }
    *out_csv = csv;
    return true;
}

bool
csv_read(struct csv *csv, struct csv_row *out_row, bool *out_end, struct fault *out_fault)
{
    struct found_row row;
    uint64_t line;
    bool end;
    if (!next_row(csv, &row, &end, out_fault)) return false;
    *out_end = end;
    if (end) return true;
    line = csv->next_line - row.lines;
    if (row.count != csv->column_count)
        return fault_set(
            out_fault, FAULT_DATA,
            "%s:%llu: the row has %zu fields, the header %zu; is a separator or a quote missing?",
            csv->name, (unsigned long long)line, row.count, csv->column_count);
    for (size_t i = 0; i < row.count; i++) {
        if (row.escaped[i]) undo_quotes(&csv->fields[i]);
    }
    *out_row = (struct csv_row){line, csv->fields};
    return true;
}

const struct bytes *
csv_header(const struct csv *csv, size_t *out_count)
{
    *out_count = csv->column_count;
    return csv->header;
}

uint64_t
csv_bytes_read(const struct csv *csv)
{
    return csv->bytes_read;
}

void
csv_close(struct csv *csv)
{
    free(csv);
}
