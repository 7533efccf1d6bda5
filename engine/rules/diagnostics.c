#include "engine/rules/diagnostics.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum {
    SHOWN_CHARACTERS_MAX = 100, /* of a source line: what fits beside the gutter on a terminal */
    SHOWN_BEFORE_CARET = 60,
    SUGGEST_BYTES_MAX =
        64, /* longer words are not compared: a typing error in them is not found by distance */
};

void
diagnostics_init(struct diagnostics *diagnostics, const char *file_name, struct bytes source)
{
    diagnostics->file_name = file_name;
    /* A byte order mark is no character of the first line. */
    bool marked = bytes_start_with(source, BYTES_LITERAL("\xef\xbb\xbf"));
    diagnostics->source = marked ? bytes_of(source.data + 3, source.size - 3) : source;
    diagnostics->count = 0;
    diagnostics->error_count = 0;
    diagnostics->warning_count = 0;
    diagnostics->last_kept = false;
}

/* Quoted parts of the file may hold anything ("\e[2J" is a legal YAML text). */
static void
make_printable(char *text)
{
    for (; *text != '\0'; text++) {
        if ((uint8_t)*text < 0x20 || *text == 0x7f) *text = '?';
    }
}

static void __attribute__((format(printf, 4, 0)))
add(struct diagnostics *diagnostics, enum severity severity, struct place place, const char *format,
    va_list arguments)
{
    *(severity == SEVERITY_ERROR ? &diagnostics->error_count : &diagnostics->warning_count) += 1;
    diagnostics->last_kept = diagnostics->count < DIAGNOSTICS_MAX;
    if (!diagnostics->last_kept) return;
    struct diagnostic *item = &diagnostics->items[diagnostics->count++];
    item->severity = severity;
    item->place = place;
    item->hint[0] = '\0';
    vsnprintf(item->message, sizeof item->message, format, arguments);
    make_printable(item->message);
}

bool
diagnostics_error(struct diagnostics *diagnostics, struct place place, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(diagnostics, SEVERITY_ERROR, place, format, arguments);
    va_end(arguments);
    return false;
}

void
diagnostics_warning(struct diagnostics *diagnostics, struct place place, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(diagnostics, SEVERITY_WARNING, place, format, arguments);
    va_end(arguments);
}

void
diagnostics_hint(struct diagnostics *diagnostics, const char *format, ...)
{
    if (!diagnostics->last_kept) return;
    struct diagnostic *item = &diagnostics->items[diagnostics->count - 1];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(item->hint, sizeof item->hint, format, arguments);
    va_end(arguments);
    make_printable(item->hint);
}

void
diagnostics_wrap(struct diagnostics *diagnostics, const char *format, ...)
{
    char frame[DIAGNOSTIC_TEXT_MAX], wrapped[2 * DIAGNOSTIC_TEXT_MAX + 2] = "";
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(frame, sizeof frame, format, arguments);
    va_end(arguments);
    make_printable(frame);
    for (size_t i = 0; i < diagnostics->count; i++) {
        char *message = diagnostics->items[i].message;
        snprintf(wrapped, sizeof wrapped, "%s: %s", frame, message);
        memcpy(message, wrapped, DIAGNOSTIC_TEXT_MAX - 1);
        message[DIAGNOSTIC_TEXT_MAX - 1] = '\0';
    }
}

static bool
place_before(struct place a, struct place b)
{
    return a.line != b.line ? a.line < b.line : a.column < b.column;
}

void
diagnostics_sort(struct diagnostics *diagnostics)
{
    struct diagnostic *items = diagnostics->items;
    for (size_t i = 1; i < diagnostics->count; i++) {
        struct diagnostic moving = items[i];
        size_t at = i;
        for (; at > 0 && place_before(moving.place, items[at - 1].place); at--) {
            items[at] = items[at - 1];
        }
        items[at] = moving;
    }
    diagnostics->last_kept = false;
}

/* The text of a line, without its end; empty when there is no such line. */
static struct bytes
source_line(struct bytes source, uint32_t line)
{
    const uint8_t *at = source.data;
    size_t left = source.size;
    for (uint32_t number = 1; left > 0; number++) {
        const uint8_t *newline = memchr(at, '\n', left);
        size_t size = newline == NULL ? left : (size_t)(newline - at);
        if (number == line) {
            if (size > 0 && at[size - 1] == '\r') size--;
            return bytes_of(at, size);
        }
        if (newline == NULL) break;
        left -= size + 1;
        at += size + 1;
    }
    return bytes_of(NULL, 0);
}

/* Bytes of the UTF-8 character at `at`; 0 when it is none (a file may be anything). */
static size_t
character_size(const uint8_t *at, const uint8_t *end)
{
    if (*at < 0x80) return 1;
    size_t size = *at >= 0xf0 ? 4 : *at >= 0xe0 ? 3 : 2;
    if (*at < 0xc2 || *at > 0xf4 || (size_t)(end - at) < size) return 0;
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80) return 0;
    }
    return size;
}

/* East Asian wide characters take two columns of a terminal: their UTF-8 begins with e3 to ed
 * (U+3000 to U+D7FF) or ef bc (full-width forms). Enough to keep the caret under the word in a
 * Chinese comment. */
static bool
is_wide(const uint8_t *at)
{
    return (*at >= 0xe3 && *at <= 0xed) || (*at == 0xef && at[1] == 0xbc);
}

/* Prints characters first … first + count of a line, "…" where it is cut; with `as_blanks` their
 * width in blanks instead, up to the caret's character. */
static void
print_line_part(struct bytes line, size_t first, size_t count, bool as_blanks, FILE *out)
{
    const uint8_t *at = line.data, *end = line.data + line.size;
    for (size_t character = 0; at < end && character < first + count; character++) {
        size_t size = character_size(at, end);
        const uint8_t *next = at + (size > 0 ? size : 1);
        bool unprintable = size == 0 || *at < 0x20 || *at == 0x7f;
        if (character < first) {
            at = next;
            continue;
        }
        bool cut = character == first ? first > 0 : character + 1 == first + count && next < end;
        if (as_blanks) {
            fputs(size == 3 && is_wide(at) ? "  " : " ", out);
        } else if (cut) {
            fputs(size == 3 && is_wide(at) ? "… " : "…", out);
        } else if (*at == '\t') {
            fputc(' ', out);
        } else if (unprintable) {
            fputc('?', out);
        } else {
            fwrite(at, 1, (size_t)(next - at), out);
        }
        at = next;
    }
}

static void
print_source(struct bytes source, struct place place, FILE *out)
{
    struct bytes line = source_line(source, place.line);
    if (line.size == 0 || place.column == 0) return;
    size_t before_caret = place.column - 1;
    size_t first = before_caret > SHOWN_BEFORE_CARET ? before_caret - SHOWN_BEFORE_CARET : 0;
    fprintf(out, "%5u | ", place.line);
    print_line_part(line, first, SHOWN_CHARACTERS_MAX, false, out);
    fputs("\n      | ", out);
    print_line_part(line, first, before_caret - first, true, out);
    fputs("^\n", out);
}

void
diagnostics_print(struct diagnostics *diagnostics, FILE *out)
{
    diagnostics_sort(diagnostics);
    for (size_t i = 0; i < diagnostics->count; i++) {
        const struct diagnostic *item = &diagnostics->items[i];
        const char *severity = item->severity == SEVERITY_ERROR ? "error" : "warning";
        if (item->place.line == 0) {
            fprintf(out, "%s: %s: %s\n", diagnostics->file_name, severity, item->message);
        } else {
            fprintf(out, "%s:%u:%u: %s: %s\n", diagnostics->file_name, item->place.line,
                    item->place.column, severity, item->message);
            print_source(diagnostics->source, item->place, out);
        }
        if (item->hint[0] != '\0') fprintf(out, "hint: %s\n", item->hint);
    }
    size_t found = diagnostics->error_count + diagnostics->warning_count;
    if (found > diagnostics->count) {
        fprintf(out, "%s: and %zu more\n", diagnostics->file_name, found - diagnostics->count);
    }
}

/* Optimal string alignment distance, three rows at a time. */
static size_t
edit_distance(struct bytes a, const char *b, size_t b_size)
{
    size_t rows[3][SUGGEST_BYTES_MAX + 1];
    size_t *before_previous = rows[0], *previous = rows[1], *current = rows[2];
    for (size_t j = 0; j <= b_size; j++) {
        previous[j] = j;
    }
    for (size_t i = 1; i <= a.size; i++) {
        current[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t replaced = previous[j - 1] + (a.data[i - 1] != (uint8_t)b[j - 1]);
            size_t least = replaced;
            if (previous[j] + 1 < least) least = previous[j] + 1;
            if (current[j - 1] + 1 < least) least = current[j - 1] + 1;
            bool swapped = i > 1 && j > 1 && a.data[i - 1] == (uint8_t)b[j - 2] &&
                           a.data[i - 2] == (uint8_t)b[j - 1];
            if (swapped && before_previous[j - 2] + 1 < least) least = before_previous[j - 2] + 1;
            current[j] = least;
        }
        size_t *free_row = before_previous;
        before_previous = previous;
        previous = current;
        current = free_row;
    }
    return previous[b_size];
}

const char *
suggest_nearest(struct bytes written, const char *const *candidates, size_t count)
{
    if (written.size == 0 || written.size > SUGGEST_BYTES_MAX) return NULL;
    const char *nearest = NULL;
    size_t nearest_distance = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(candidates[i]);
        if (size > SUGGEST_BYTES_MAX) continue;
        size_t distance = edit_distance(written, candidates[i], size);
        size_t longer = size > written.size ? size : written.size;
        size_t allowed = longer / 3 > 0 ? longer / 3 : 1;
        if (distance <= allowed && distance < longer && distance < nearest_distance) {
            nearest = candidates[i];
            nearest_distance = distance;
        }
    }
    return nearest;
}
