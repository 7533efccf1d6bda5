/*
 * The rulebook's keys, in one table: it checks the shape of a file, suggests keys, supplies
 * defaults, and generates the JSON Schema for editors and the reference for people
 * (schema_write_…). A key that is not in the table does not exist.
 *
 * Invariants:
 * 1. A default is written as an operator would write it and is read by the same code: what the
 * reference says is what happens.
 * 2. schema_get only ever returns a node of the kind that the key wants; what does not fit was
 * reported by schema_check.
 */
#ifndef TALLYBOOK_ENGINE_RULES_SCHEMA_H
#define TALLYBOOK_ENGINE_RULES_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/base/arena.h"
#include "engine/rules/diagnostics.h"
#include "engine/rules/yaml.h"

enum schema_type {
    SCHEMA_NAME,  /* an id of the rulebook's own */
    SCHEMA_TEXT,  /* a text of the shop's */
    SCHEMA_WHOLE, /* a whole number, min to max */
    SCHEMA_BOOLEAN,
    SCHEMA_WORD,            /* one of `words` */
    SCHEMA_START,           /* a date, local time or RFC 3339 instant */
    SCHEMA_ZONE,            /* an IANA time zone */
    SCHEMA_ELAPSED,         /* "5 min": elapsed time, min to max milliseconds */
    SCHEMA_ELAPSED_OR_NONE, /* the same, or none */
    SCHEMA_DAYS,            /* "30 days", min to max */
    SCHEMA_DAYS_OR_NONE,    /* the same, or none */
    SCHEMA_PERIOD,          /* "12 months": calendar time */
    SCHEMA_PER,             /* one of `words`, or "30 days", min to max */
    SCHEMA_TIER_WINDOW,     /* one of `words`, or "rolling 12 months" */
    SCHEMA_HOURS,           /* "18:00-21:00" */
    SCHEMA_CURRENCY,        /* ISO 4217 letters */
    SCHEMA_MONEY,           /* "100.00 GBP" */
    SCHEMA_COST,            /* "0.0125 GBP", also finer than the money's minor unit */
    SCHEMA_POINTS,          /* "12.50": in the scale of the points currency */
    SCHEMA_RATE,            /* "1 per 1.00 GBP" */
    SCHEMA_PAYMENT_RATE,    /* "0.01 GBP per 1" */
    SCHEMA_FACTOR,          /* "1.5" */
    SCHEMA_AMOUNT,          /* money, points or a whole number, as another key says */
    SCHEMA_THRESHOLD,       /* the same, or a map from the group's metrics to such */
    SCHEMA_CONDITION,       /* CEL */
    SCHEMA_TEXTS,           /* a list of texts that the shop chose */
    SCHEMA_NAMES,           /* a list of names */
    SCHEMA_WORDS,           /* a list of `words` */
    SCHEMA_WHOLES,          /* a list of whole numbers of the days of a month */
    SCHEMA_DATES,           /* a list of month-days: "11-11" */
    SCHEMA_POINTS_LIST,
    SCHEMA_MAP, /* a map of `map` */
    SCHEMA_MAP_OR_NONE,
    SCHEMA_LIST,         /* a list of `map` */
    SCHEMA_NAMED,        /* a map from names of the operator's choice to `map` */
    SCHEMA_NAMED_POINTS, /* a map from points currencies to points */
    SCHEMA_NAMED_NAMES,  /* a map from names to names, both of the rulebook's own */
    SCHEMA_START_OR_NEVER,
    SCHEMA_VERDICT, /* the name of a verdict (core/verdict.def) */
    SCHEMA_EVENT,   /* a map: the fields of an event, which the codec knows */
};

enum { SCHEMA_WORDS_MAX = 20, SCHEMA_ROUND_MONTH = 100 };

/* The words that a key may have as its value, with the codes of engine/core/program.h. */
struct schema_words {
    size_t count;
    const char *texts[SCHEMA_WORDS_MAX];
    int32_t codes[SCHEMA_WORDS_MAX];
};

struct schema_map;

struct schema_key {
    const char *name;
    enum schema_type type;
    bool required;
    bool any_name;    /* of a SCHEMA_NAMED: its names are the shop's, any text */
    int64_t min, max; /* of a SCHEMA_WHOLE, SCHEMA_DAYS, SCHEMA_ELAPSED, SCHEMA_PER; of entries in
                         lists and named maps (0: no limit) */
    const struct schema_words *words;
    const struct schema_map *map;
    const char *fallback; /* the default, as written; list entries between ", "; NULL: absent means
                             that there is none */
    const char *help;
    const char *example;
};

struct schema_map {
    const char *title; /* "an earn rule": for messages and the reference */
    const struct schema_key *keys;
    size_t key_count;
};

/* In schema_keys.c. */
extern const struct schema_map schema_rulebook, schema_accept, schema_members, schema_funder,
    schema_store, schema_points_currency, schema_expiry, schema_basis, schema_tier_group,
    schema_metric, schema_level;
extern const struct schema_words schema_words_rounding, schema_words_round_to,
    schema_words_expiry_start, schema_words_unknown_member, schema_words_line_kind,
    schema_words_window, schema_words_upgrade, schema_words_downgrade, schema_words_match;

/* In schema_keys_earn.c. */
extern const struct schema_map schema_earn_rule, schema_bands, schema_band, schema_pending,
    schema_campaign, schema_combine, schema_award, schema_streak, schema_mission, schema_cap;
extern const struct schema_words schema_words_judged_per, schema_words_band_mode,
    schema_words_pending_event, schema_words_clock, schema_words_weekday, schema_words_birthday,
    schema_words_combine, schema_words_stacking, schema_words_award, schema_words_times,
    schema_words_every, schema_words_goal, schema_words_counted, schema_words_calendar_unit,
    schema_words_cap_per, schema_words_excess;

/* In schema_keys_spend.c. */
extern const struct schema_map schema_spending, schema_spend_limit, schema_payment, schema_reward,
    schema_price, schema_returns, schema_limit, schema_quarantine, schema_approvals,
    schema_adjustment;
extern const struct schema_words schema_words_claw_back, schema_words_arrears,
    schema_words_tier_value, schema_words_limited, schema_words_measure, schema_words_limit_action,
    schema_words_quarantine;

/* In schema_keys_examples.c. */
extern const struct schema_map schema_example, schema_step, schema_expectation,
    schema_expected_expiry;

/** Reports everything in the tree whose shape is wrong: unknown and missing keys, a list where a
 * map belongs, too many entries. Values are left to the compiler. */
bool schema_check(const struct yaml_node *root, struct diagnostics *diagnostics);

/** A key of a map as written, or its default (made in the arena, standing where the map stands);
 * NULL when it has neither, or when what is written has the wrong shape. `map` may be NULL: then
 * all is default. CHECKs that the table has the key. */
const struct yaml_node *schema_get(const struct schema_map *schema, const struct yaml_node *map,
                                   const char *key, struct arena *arena);

/** The table's row of a key. CHECKs that there is one. */
const struct schema_key *schema_find(const struct schema_map *schema, const char *key);

/** Whether the table has a key. */
bool schema_has(const struct schema_map *schema, const char *key);

/** The word that stands for a code. CHECKs that there is one. */
const char *schema_word_of(const struct schema_words *words, int32_t code);

/** Writes the JSON Schema (2020-12) of a rulebook. */
void schema_write_json(FILE *out);

/** Writes the key-by-key reference as Markdown. */
void schema_write_reference(FILE *out);

#endif
