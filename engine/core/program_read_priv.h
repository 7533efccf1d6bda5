/*
 * What the readers of a program's parts share. A decoder remembers the first thing that is wrong
 * and then reads nothing more: every function returns the least that is allowed, an empty text or
 * none. So a part is read straight through, and asked for once at its end.
 */
#ifndef TALLYBOOK_ENGINE_CORE_PROGRAM_READ_PRIV_H
#define TALLYBOOK_ENGINE_CORE_PROGRAM_READ_PRIV_H

#include "engine/core/condition.h"
#include "engine/core/program.h"

enum {
    PROGRAM_ID_BYTES_MAX = 64, /* ids of all that the rulebook names */
    PROGRAM_DAYS_MAX = 3660,   /* of notices, graces, waits, rolling windows and caps */
    PROGRAM_REPEATS_MAX = 1000000,
};

struct decoder {
    struct reader reader;
    struct arena *arena;
    struct program *program; /* what was read before */
    struct fault *out_fault;
    bool failed;
};

/* Notes what is wrong, unless something was before. */
#define REFUSE(decoder, ...)                                                                       \
    do {                                                                                           \
        if (!(decoder)->failed) fault_set((decoder)->out_fault, FAULT_DATA, __VA_ARGS__);          \
        (decoder)->failed = true;                                                                  \
    } while (false)

uint64_t read_number(struct decoder *decoder, uint64_t min, uint64_t max, const char *what);
int64_t read_signed(struct decoder *decoder, int64_t min, int64_t max, const char *what);

/* One byte, from min to max. */
unsigned read_code(struct decoder *decoder, unsigned min, unsigned max, const char *what);
bool read_flag(struct decoder *decoder, const char *what);
struct bytes read_id(struct decoder *decoder, const char *what);

/* An id or nothing. */
struct bytes read_id_or_none(struct decoder *decoder, const char *what);

/* A text of the shop's, 1 to 128 bytes, and one that may be empty. */
struct bytes read_text(struct decoder *decoder, const char *what);
struct bytes read_text_or_none(struct decoder *decoder, const char *what);

/* A number of items and room for them; 0 and NULL when there are none or there is no room. */
void *read_list(struct decoder *decoder, uint64_t min, uint64_t max, size_t item_bytes,
                const char *what, uint32_t *out_count);
struct rate read_rate(struct decoder *decoder, const char *what);
uint16_t read_money(struct decoder *decoder, const char *what);

/* An index below count. */
uint32_t read_index(struct decoder *decoder, uint32_t count, const char *what);

/* The same, or PROGRAM_NONE. */
uint32_t read_option(struct decoder *decoder, uint32_t count, const char *what);
int32_t read_tier_group(struct decoder *decoder);
struct program_basis read_basis(struct decoder *decoder);
struct program_texts read_texts(struct decoder *decoder, const char *what);
struct program_condition read_condition(struct decoder *decoder, enum condition_scope scope);

/* Rising month-days. */
const struct program_date *read_dates(struct decoder *decoder, uint64_t min, uint32_t *out_count);

/* Bits of a filter. */
enum {
    FILTER_CATEGORIES = 1,
    FILTER_SKUS = 2,
    FILTER_BRANDS = 4,
    FILTER_CHANNELS = 8,
    FILTER_STORES = 16,
    FILTER_PARTNERS = 32,
    FILTER_WHEN = 64,
    FILTER_WINDOW = 128,
    FILTER_OF_LINES = FILTER_CATEGORIES | FILTER_SKUS | FILTER_BRANDS,
    FILTER_OF_EVENT = FILTER_CHANNELS | FILTER_STORES | FILTER_PARTNERS | FILTER_WHEN,
};
struct program_filter read_filter(struct decoder *decoder, unsigned allowed,
                                  enum condition_scope scope);
struct program_window read_window(struct decoder *decoder, const char *what);
struct program_times read_times(struct decoder *decoder);

/* After the item before it: by id; NULL for the first. */
void check_id_order(struct decoder *decoder, const struct bytes *before, struct bytes id,
                    const char *what);

/* After the item before it: priority falling, then id (semantics §4). */
void check_judged_order(struct decoder *decoder, bool first, int32_t before_priority,
                        struct bytes before_id, int32_t priority, struct bytes id,
                        const char *what);

/* Parts, in program_read_earn.c. */
void read_earning(struct decoder *decoder);

/* Parts, in program_read_spend.c: limits, spending, returns. */
void read_limits(struct decoder *decoder);
void read_spending(struct decoder *decoder);
void read_returns(struct decoder *decoder);

#endif
