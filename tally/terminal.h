/*
 * What people see: colours, widths, tables, and the progress of long work.
 *
 * Invariants:
 * 1. Colours and redrawn lines only on a terminal, colours not under NO_COLOR, neither where TERM
 * is dumb; a file or pipe gets plain lines.
 * 2. Columns are counted as a terminal counts them: a Chinese character takes two, a combining
 * accent none.
 * 3. Text from outside is printed without control characters (terminal_text).
 *
 * @thread one at a time per object
 */
#ifndef TALLYBOOK_TALLY_TERMINAL_H
#define TALLYBOOK_TALLY_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "tally/options.h"

enum style {
    STYLE_PLAIN,
    STYLE_BOLD,
    STYLE_DIM,
    STYLE_RED,
    STYLE_GREEN,
    STYLE_YELLOW,
    STYLE_CYAN,
    STYLE_COUNT
};

struct terminal {
    FILE *file;
    bool is_terminal; /* lines may be redrawn */
    bool colours;
    unsigned columns; /* 80 where nobody knows */
};

/** Looks at the file, NO_COLOR, TERM and COLUMNS. */
void terminal_init(struct terminal *terminal, FILE *file);

/** The sequence that begins a style; STYLE_PLAIN ends it. Empty without colours. */
const char *terminal_style(const struct terminal *terminal, enum style style);

/** Columns that UTF-8 text takes; a byte that is no UTF-8 takes one. */
size_t text_width(struct bytes text);

/** Prints text from outside: control characters and broken UTF-8 as '?'. */
void terminal_text(const struct terminal *terminal, struct bytes text);

/** As terminal_text, filled with blanks to `columns`; longer text is cut, with '…' as its last
 * column. */
void terminal_pad(const struct terminal *terminal, struct bytes text, size_t columns,
                  bool to_the_right);

/* ---- Figures for people. Each returns out_text. ---- */

enum { FIGURE_MAX = 32 };

/** "541,909". */
const char *format_count(int64_t count, char out_text[FIGURE_MAX]);

/** "340 ms", "12 s", "3 min 20 s", "2 h 05 min". */
const char *format_duration(int64_t ms, char out_text[FIGURE_MAX]);

/* ---- Tables ---- */

enum { TABLE_COLUMNS_MAX = 16, TABLE_ROWS_MAX = 100000 };

struct text_table_row;

struct text_table {
    struct arena *arena;
    size_t column_count;
    bool to_the_right[TABLE_COLUMNS_MAX]; /* figures are aligned to the right */
    size_t widths[TABLE_COLUMNS_MAX];
    struct text_table_row *first, *last;
    size_t row_count;
};

/** Columns by their headings; one that begins with '>' is aligned to the right. */
void text_table_init(struct text_table *table, struct arena *arena, const char *const *headings,
                     size_t count);

/** Adds a row of texts, copied. False when the arena or the table is full. */
bool text_table_row(struct text_table *table, const struct bytes *cells);

/** Prints headings and rows. */
void text_table_print(const struct text_table *table, const struct terminal *terminal);

/* ---- Progress of long work ---- */

enum { PROGRESS_DRAW_MS = 100, PROGRESS_LOG_MS = 10000 };

struct progress {
    struct terminal *terminal;
    const char *what; /* "import" */
    const char *unit; /* "lines" */
    int64_t total;    /* 0: not known */
    int64_t begun_ns, shown_ns;
    bool drawn;
};

/** now_ns is clock_monotonic_ns(). */
void progress_begin(struct progress *progress, struct terminal *terminal, const char *what,
                    const char *unit, int64_t total, int64_t now_ns);

/** Shows rate, what is done and the time left: a line redrawn ten times a second on a terminal,
 * else a log line each 10 s. Cheap when nothing is due. */
void progress_update(struct progress *progress, int64_t done, int64_t now_ns);

/** Removes the redrawn line. */
void progress_end(struct progress *progress);

/* ---- The log, on standard error ---- */

/** What is above this level is not said; set once by main from log_level. */
void log_set_level(enum log_level level);

/** "2026-11-24T10:00:00.000Z info import: 1,000 lines". Any thread; one line per call. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
