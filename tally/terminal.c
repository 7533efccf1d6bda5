#include "tally/terminal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "engine/base/check.h"
#include "engine/base/clock.h"
#include "engine/core/calendar.h"

enum { COLUMNS_DEFAULT = 80, COLUMNS_MIN = 20, LOG_LINE_MAX = 2048 };

static unsigned
columns_of(FILE *file)
{
    struct winsize size;
    if (ioctl(fileno(file), TIOCGWINSZ, &size) == 0 && size.ws_col >= COLUMNS_MIN)
        return size.ws_col;
    return COLUMNS_DEFAULT;
}

void
terminal_init(struct terminal *terminal, FILE *file)
{
    const char *no_color = getenv("NO_COLOR");
    const char *kind = getenv("TERM");
    bool refused = no_color != NULL && *no_color != '\0';
    bool able = kind != NULL && strcmp(kind, "dumb") != 0;
    bool is_terminal = isatty(fileno(file)) == 1 && able;
    *terminal = (struct terminal){file, is_terminal, is_terminal && !refused, columns_of(file)};
}

const char *
terminal_style(const struct terminal *terminal, enum style style)
{
    static const char *const sequences[STYLE_COUNT] = {
        "\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[36m"};
    return terminal->colours ? sequences[style] : "";
}

/* ---- Widths ---- */

/* One character of text and its columns; a byte that begins none is U+FFFD. Returns its bytes. */
static size_t
next_character(struct bytes text, uint32_t *out_code)
{
    const uint8_t *at = text.data;
    if (*at < 0x80) {
        *out_code = *at;
        return 1;
    }
    size_t size = *at >= 0xf0 ? 4 : *at >= 0xe0 ? 3 : 2;
    uint32_t code = *at & (0x7fu >> size);
    bool good = *at >= 0xc2 && *at <= 0xf4 && size <= text.size;
    for (size_t i = 1; good && i < size; i++) {
        good = (at[i] & 0xc0) == 0x80;
        code = code << 6 | (at[i] & 0x3f);
    }
    bool shortest = code >= (size == 4 ? 0x10000u : size == 3 ? 0x800u : 0x80u);
    bool is_text = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) && code > 0x9f;
    if (!good || !shortest || !is_text) {
        *out_code = 0xfffd;
        return 1;
    }
    *out_code = code;
    return size;
}

/* Unicode's East Asian Width W and F, and combining marks, by the blocks that occur in names and
 * product texts. */
static size_t
character_width(uint32_t code)
{
    static const struct {
        uint32_t first, last;
        uint8_t width;
    } blocks[] = {
        {0x0300, 0x036f, 0},   {0x0483, 0x0489, 0},   {0x0591, 0x05bd, 0}, {0x064b, 0x065f, 0},
        {0x0e34, 0x0e3a, 0},   {0x0e47, 0x0e4e, 0},   {0x1100, 0x115f, 2}, {0x1ab0, 0x1aff, 0},
        {0x1dc0, 0x1dff, 0},   {0x200b, 0x200f, 0},   {0x20d0, 0x20ff, 0}, {0x2e80, 0x303e, 2},
        {0x3041, 0x33ff, 2},   {0x3400, 0x4dbf, 2},   {0x4e00, 0x9fff, 2}, {0xa000, 0xa4cf, 2},
        {0xac00, 0xd7a3, 2},   {0xf900, 0xfaff, 2},   {0xfe00, 0xfe0f, 0}, {0xfe20, 0xfe2f, 0},
        {0xfe30, 0xfe4f, 2},   {0xff00, 0xff60, 2},   {0xffe0, 0xffe6, 2}, {0x1f300, 0x1f64f, 2},
        {0x1f900, 0x1f9ff, 2}, {0x20000, 0x3fffd, 2},
    };
    if (code < blocks[0].first) return 1;
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        if (code >= blocks[i].first && code <= blocks[i].last) return blocks[i].width;
    }
    return 1;
}

size_t
text_width(struct bytes text)
{
    size_t width = 0;
    while (text.size > 0) {
        uint32_t code;
        size_t size = next_character(text, &code);
        width += character_width(code);
        text = bytes_of(text.data + size, text.size - size);
    }
    return width;
}

/* Prints the characters that fit into `columns`; returns the columns used. */
static size_t
print_within(const struct terminal *terminal, struct bytes text, size_t columns)
{
    size_t used = 0;
    while (text.size > 0) {
        uint32_t code;
        size_t size = next_character(text, &code);
        size_t width = character_width(code);
        if (used + width > columns) break;
        bool printable = code >= 0x20 && code != 0x7f && code != 0xfffd;
        if (printable) {
            fwrite(text.data, 1, size, terminal->file);
        } else {
            fputc('?', terminal->file);
        }
        used += width;
        text = bytes_of(text.data + size, text.size - size);
    }
    return used;
}

void
terminal_text(const struct terminal *terminal, struct bytes text)
{
    print_within(terminal, text, SIZE_MAX);
}

void
terminal_pad(const struct terminal *terminal, struct bytes text, size_t columns, bool to_the_right)
{
    size_t width = text_width(text);
    bool cut = width > columns;
    if (to_the_right && !cut) fprintf(terminal->file, "%*s", (int)(columns - width), "");
    size_t used = print_within(terminal, text, cut && columns > 0 ? columns - 1 : columns);
    if (cut && columns > 0) {
        fputs("…", terminal->file);
        used++;
    }
    if (!to_the_right && used < columns) fprintf(terminal->file, "%*s", (int)(columns - used), "");
}

/* ---- Figures ---- */

const char *
format_count(int64_t count, char out_text[FIGURE_MAX])
{
    char digits[24];
    int size = snprintf(digits, sizeof digits, "%" PRId64, count);
    int first = count < 0;
    char *at = out_text;
    for (int i = 0; i < size; i++) {
        if (i > first && (size - i) % 3 == 0) *at++ = ',';
        *at++ = digits[i];
    }
    *at = '\0';
    return out_text;
}

const char *
format_duration(int64_t ms, char out_text[FIGURE_MAX])
{
    int64_t seconds = ms / 1000;
    if (ms < 1000) {
        snprintf(out_text, FIGURE_MAX, "%" PRId64 " ms", ms);
    } else if (seconds < 60) {
        snprintf(out_text, FIGURE_MAX, "%" PRId64 " s", seconds);
    } else if (seconds < 3600) {
        snprintf(out_text, FIGURE_MAX, "%" PRId64 " min %02" PRId64 " s", seconds / 60,
                 seconds % 60);
    } else {
        snprintf(out_text, FIGURE_MAX, "%" PRId64 " h %02" PRId64 " min", seconds / 3600,
                 seconds / 60 % 60);
    }
    return out_text;
}

/* ---- Tables ---- */

struct text_table_row {
    struct text_table_row *next;
    struct bytes cells[];
};

static bool
add_row(struct text_table *table, const struct bytes *cells)
{
    size_t columns = table->column_count;
    struct text_table_row *row =
        arena_alloc(table->arena, sizeof *row + columns * sizeof *row->cells);
    if (row == NULL) return false;
    row->next = NULL;
    for (size_t i = 0; i < columns; i++) {
        if (!arena_copy_bytes(table->arena, cells[i], &row->cells[i])) return false;
        size_t width = text_width(cells[i]);
        if (width > table->widths[i]) table->widths[i] = width;
    }
    if (table->last == NULL) {
        table->first = row;
    } else {
        table->last->next = row;
    }
    table->last = row;
    return true;
}

void
text_table_init(struct text_table *table, struct arena *arena, const char *const *headings,
                size_t count)
{
    CHECK(count > 0 && count <= TABLE_COLUMNS_MAX);
    *table = (struct text_table){.arena = arena, .column_count = count};
    struct bytes cells[TABLE_COLUMNS_MAX];
    for (size_t i = 0; i < count; i++) {
        table->to_the_right[i] = headings[i][0] == '>';
        cells[i] = bytes_from_cstr(headings[i] + table->to_the_right[i]);
    }
    CHECK(add_row(table, cells));
}

bool
text_table_row(struct text_table *table, const struct bytes *cells)
{
    if (table->row_count == TABLE_ROWS_MAX || !add_row(table, cells)) return false;
    table->row_count++;
    return true;
}

void
text_table_print(const struct text_table *table, const struct terminal *terminal)
{
    for (const struct text_table_row *row = table->first; row != NULL; row = row->next) {
        bool heading = row == table->first;
        if (heading) fputs(terminal_style(terminal, STYLE_BOLD), terminal->file);
        for (size_t i = 0; i < table->column_count; i++) {
            if (i > 0) fputs("  ", terminal->file);
            bool last = i + 1 == table->column_count;
            if (last && !table->to_the_right[i]) {
                terminal_text(terminal, row->cells[i]);
            } else {
                terminal_pad(terminal, row->cells[i], table->widths[i], table->to_the_right[i]);
            }
        }
        if (heading) fputs(terminal_style(terminal, STYLE_PLAIN), terminal->file);
        fputc('\n', terminal->file);
    }
}

/* ---- Progress ---- */

void
progress_begin(struct progress *progress, struct terminal *terminal, const char *what,
               const char *unit, int64_t total, int64_t now_ns)
{
    *progress = (struct progress){terminal, what, unit, total, now_ns, now_ns, false};
}

static void
format_progress(const struct progress *progress, int64_t done, int64_t now_ns, char *out_text,
                size_t size)
{
    char done_text[FIGURE_MAX], total_text[FIGURE_MAX], rate_text[FIGURE_MAX],
        left_text[FIGURE_MAX];
    int64_t elapsed_ms = (now_ns - progress->begun_ns) / 1000000;
    int64_t rate = elapsed_ms > 0 ? (int64_t)((__int128)done * 1000 / elapsed_ms) : 0;
    int used = snprintf(out_text, size, "%s: %s", progress->what, format_count(done, done_text));
    if (progress->total > 0)
        used += snprintf(out_text + used, size - (size_t)used, " of %s",
                         format_count(progress->total, total_text));
    used += snprintf(out_text + used, size - (size_t)used, " %s, %s/s", progress->unit,
                     format_count(rate, rate_text));
    if (progress->total > done && rate > 0)
        snprintf(out_text + used, size - (size_t)used, ", %s left",
                 format_duration((progress->total - done) / rate * 1000, left_text));
}

void
progress_update(struct progress *progress, int64_t done, int64_t now_ns)
{
    int64_t every_ms = progress->terminal->is_terminal ? PROGRESS_DRAW_MS : PROGRESS_LOG_MS;
    if (now_ns - progress->shown_ns < every_ms * 1000000) return;
    progress->shown_ns = now_ns;
    char text[256];
    format_progress(progress, done, now_ns, text, sizeof text);
    if (!progress->terminal->is_terminal) {
        log_line(LOG_INFO, "%s", text);
        return;
    }
    fputs("\r\x1b[K", progress->terminal->file);
    print_within(progress->terminal, bytes_from_cstr(text), progress->terminal->columns - 1);
    fflush(progress->terminal->file);
    progress->drawn = true;
}

void
progress_end(struct progress *progress)
{
    if (!progress->drawn) return;
    fputs("\r\x1b[K", progress->terminal->file);
    fflush(progress->terminal->file);
    progress->drawn = false;
}

/* ---- The log ---- */

static enum log_level log_threshold = LOG_INFO; /* written before threads start */

void
log_set_level(enum log_level level)
{
    log_threshold = level;
}

void
log_line(enum log_level level, const char *format, ...)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    if (level > log_threshold) return;
    char when[INSTANT_TEXT_MAX], text[LOG_LINE_MAX];
    instant_format((struct instant){clock_wall_ms()}, when);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(stderr, "%s %s %s\n", when, names[level], text);
}
