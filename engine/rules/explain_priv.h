/*
 * What the parts of an explanation share. Each part tells its sections of a program, line by line;
 * explain.c keeps the lines, prints them, and explain_change.c compares those of two versions.
 *
 * All texts lie in the explainer's arena until it is closed.
 */
#ifndef TALLYBOOK_ENGINE_RULES_EXPLAIN_PRIV_H
#define TALLYBOOK_ENGINE_RULES_EXPLAIN_PRIV_H

#include <stddef.h>

#include "engine/base/arena.h"
#include "engine/base/region.h"
#include "engine/core/condition.h"
#include "engine/core/program.h"
#include "engine/rules/explain.h"

enum explain_heading {
#define HEADING(name, english, chinese) HEADING_##name,
#include "engine/rules/explain_text.def"
    HEADING_COUNT,
};

enum explain_sentence {
#define SENTENCE(name, english, chinese) SAYS_##name,
#include "engine/rules/explain_text.def"
    SAYS_COUNT,
};

/* One line: what it is about ("points"; empty: the programme), which sentence, and all of it. */
struct explained {
    enum explain_heading heading;
    enum explain_sentence sentence;
    struct bytes item;
    const char *text;
    struct explained *next;
};

struct explainer {
    const struct program *program;
    enum explain_language language;
    struct region memory;
    struct arena arena;
    struct explained *first, *last;
    uint32_t line_count;
    enum explain_heading heading; /* under which lines are being told */
    bool told;                    /* any of them yet */
};

/* ---- explain.c: lines ---- */

/* Tells a whole program. FAULT_TRY_AGAIN when the system has no memory; else explainer_close is
 * due. */
bool explainer_open(const struct program *program, enum explain_language language,
                    struct explainer *out_explainer, struct fault *out_fault);
void explainer_close(struct explainer *explainer);

const char *explain_heading_text(enum explain_heading heading, enum explain_language language);

/* Memory that is there: EXPLAIN_BYTES hold the explanation of any rulebook within the limits. */
void *explain_room(struct explainer *explainer, size_t count, size_t item_bytes);

/* A sentence with its {0}, {1} … replaced. */
const char *explain_fill(struct explainer *explainer, enum explain_sentence sentence,
                         const char *const *arguments, size_t count);

/* Tells a line about something named (or about the programme, when `item` is empty). */
void explain_say(struct explainer *explainer, struct bytes item, enum explain_sentence sentence,
                 const char *const *arguments, size_t count);

/* The arguments after one that is not looked at, so that there may be none. */
#define EXPLAIN_ARGUMENTS(...)                                                                     \
    (const char *const[]){NULL, ##__VA_ARGS__} + 1,                                                \
        sizeof((const char *const[]){NULL, ##__VA_ARGS__}) / sizeof(const char *) - 1
#define WORDS(explainer, sentence, ...)                                                            \
    explain_fill(explainer, SAYS_##sentence, EXPLAIN_ARGUMENTS(__VA_ARGS__))
#define SAY(explainer, item, sentence, ...)                                                        \
    explain_say(explainer, item, SAYS_##sentence, EXPLAIN_ARGUMENTS(__VA_ARGS__))

/* For what is said of the programme itself. */
#define NO_ITEM ((struct bytes){0})

/* ---- explain_word.c: values in words ---- */

const char *word_name(struct explainer *explainer, struct bytes name);

/* A text of the shop's in the language's quotes, and one as a condition writes it. What could upset
 * a terminal is escaped. */
const char *word_quoted(struct explainer *explainer, struct bytes text);
const char *word_literal(struct explainer *explainer, struct bytes text);
const char *word_number(struct explainer *explainer, int64_t number);

/* A scaled number as a decimal; `trimmed` without trailing zeros. */
const char *word_decimal(struct explainer *explainer, int64_t scaled, unsigned digits,
                         bool trimmed);

/* "a, b and c"; `last` joins the last two. */
const char *word_list(struct explainer *explainer, const char *const *items, size_t count,
                      enum explain_sentence last);
const char *word_quoted_list(struct explainer *explainer, struct program_texts texts);

/* "1 purchase", "10 purchases" */
const char *word_count(struct explainer *explainer, int64_t count, enum explain_sentence one,
                       enum explain_sentence many);
const char *word_days(struct explainer *explainer, int64_t days);
const char *word_period(struct explainer *explainer, int64_t amount, enum calendar_unit unit);

/* 90000 → "90 seconds": the largest unit that is exact. */
const char *word_elapsed(struct explainer *explainer, int64_t ms);
const char *word_month(struct explainer *explainer, unsigned month);
const char *word_dates(struct explainer *explainer, const struct program_date *dates,
                       uint32_t count);
const char *word_per(struct explainer *explainer, enum per per, uint32_t rolling_days);
const char *word_times(struct explainer *explainer, int64_t count);

/* A time on the wall: "2026-02-01", or "2026-02-01 09:30". */
const char *word_local(struct explainer *explainer, struct local local);
struct local local_of(const struct explainer *explainer, struct instant instant);
const char *word_money(struct explainer *explainer, int64_t minor, uint16_t money);
const char *word_currency(struct explainer *explainer, uint32_t currency);

/* "10.00", and with the currency's name "10.00 stamps". */
const char *word_points(struct explainer *explainer, int64_t units, uint32_t currency);
const char *word_amount(struct explainer *explainer, int64_t units, uint32_t currency);

/* Points per money: per whole unit of money where that is exact, else in its reduced form. */
const char *word_rate(struct explainer *explainer, struct rate rate, uint16_t money,
                      uint32_t currency);

/* 3/2 → "1.5" */
const char *word_factor(struct explainer *explainer, struct rate factor);
const char *word_group(struct explainer *explainer, uint32_t group);

/* ---- explain_condition.c ---- */

/* A condition as CEL, from its flat program. */
const char *word_condition(struct explainer *explainer, const struct condition *condition);

/* ---- explain_filter.c: what several sections have in common ---- */

/* What a filter asks for, or that it asks for nothing more. `orders`: categories are asked of
 * orders, not of lines. */
void explain_filter(struct explainer *explainer, struct bytes item,
                    const struct program_filter *filter, bool orders);

/* A condition; false when there is none. */
bool explain_when(struct explainer *explainer, struct bytes item, struct program_condition when);

/* The same one by one; whether anything was said. */
bool explain_where(struct explainer *explainer, struct bytes item,
                   const struct program_filter *filter, bool orders);

/* INT64_MIN and INT64_MAX where open. */
bool explain_window(struct explainer *explainer, struct bytes item, struct local from,
                    struct local until);
bool explain_instants(struct explainer *explainer, struct bytes item, struct program_window window);
void explain_multiplier(struct explainer *explainer, struct bytes item, int32_t tier_group);
void explain_pending(struct explainer *explainer, struct bytes item,
                     const struct program_pending *pending);
void explain_priority(struct explainer *explainer, struct bytes item, int32_t priority,
                      uint32_t funder);

/* "goods and fee lines, net of discount, …" */
const char *word_basis(struct explainer *explainer, const struct program_basis *basis);
void explain_basis(struct explainer *explainer, struct bytes item,
                   const struct program_basis *basis);

/* Opens a section: what is told from then on stands under it. */
void explain_open(struct explainer *explainer, enum explain_heading heading);

/* ---- The sections ---- */

void explain_general(struct explainer *explainer);
void explain_funders(struct explainer *explainer);
void explain_stores(struct explainer *explainer);
void explain_currencies(struct explainer *explainer);
void explain_rules(struct explainer *explainer);
void explain_campaigns(struct explainer *explainer);
void explain_combine(struct explainer *explainer);
void explain_awards(struct explainer *explainer);
void explain_streaks(struct explainer *explainer);
void explain_missions(struct explainer *explainer);
void explain_caps(struct explainer *explainer);
void explain_levels(struct explainer *explainer);
void explain_spending(struct explainer *explainer);
void explain_payments(struct explainer *explainer);
void explain_rewards(struct explainer *explainer);
void explain_returns(struct explainer *explainer);
void explain_limits(struct explainer *explainer);
void explain_approvals(struct explainer *explainer);

#endif
