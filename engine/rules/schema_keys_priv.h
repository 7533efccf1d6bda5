/* Rows that several tables of keys have. */
#ifndef TALLYBOOK_ENGINE_RULES_SCHEMA_KEYS_PRIV_H
#define TALLYBOOK_ENGINE_RULES_SCHEMA_KEYS_PRIV_H

#include "engine/core/calendar.h"
#include "engine/core/program.h"
#include "engine/rules/schema.h"

#define KEYS(table) table, sizeof(table) / sizeof *(table)

#define SCHEMA_MINUTE_MS INT64_C(60000)

enum {
    SCHEMA_DAYS_A_CENTURY = 36525,
    SCHEMA_TIMES_MAX = 1000000,
    SCHEMA_DAYS_A_YEAR = 366,
    SCHEMA_EXAMPLES_MAX = 10000,
    /* what a file of 512 KiB has room for */
};

#define KEY_CURRENCY                                                                               \
    {                                                                                              \
        .name = "currency", .type = SCHEMA_NAME, .required = true,                                 \
        .help = "The points currency that it is about.", .example = "currency: points"             \
    }
#define KEY_CATEGORIES(what)                                                                       \
    {                                                                                              \
        .name = "categories", .type = SCHEMA_TEXTS, .min = 1, .max = PROGRAM_TEXTS_MAX,            \
        .help = what, .example = "categories: [books, \"children's books\"]"                       \
    }
#define KEY_SKUS                                                                                   \
    {                                                                                              \
        .name = "skus", .type = SCHEMA_TEXTS, .min = 1, .max = PROGRAM_TEXTS_MAX,                  \
        .help = "Only lines of these articles, by their numbers in the events.",                   \
        .example = "skus: [\"4006381333931\"]"                                                     \
    }
#define KEY_BRANDS                                                                                 \
    {                                                                                              \
        .name = "brands", .type = SCHEMA_TEXTS, .min = 1, .max = PROGRAM_TEXTS_MAX,                \
        .help = "Only lines of these brands, as the shop writes them.",                            \
        .example = "brands: [Acme]"                                                                \
    }
#define KEY_CHANNELS                                                                               \
    {                                                                                              \
        .name = "channels", .type = SCHEMA_TEXTS, .min = 1, .max = PROGRAM_TEXTS_MAX,              \
        .help = "Only what happened in these channels.", .example = "channels: [app, web]"         \
    }
#define KEY_STORES                                                                                 \
    {                                                                                              \
        .name = "stores", .type = SCHEMA_TEXTS, .min = 1, .max = PROGRAM_TEXTS_MAX,                \
        .help = "Only what happened in these stores, by their ids in the events.",                 \
        .example = "stores: [ginza, shibuya]"                                                      \
    }
#define KEY_PARTNERS                                                                               \
    {                                                                                              \
        .name = "partners", .type = SCHEMA_TEXTS, .min = 1, .max = PROGRAM_TEXTS_MAX,              \
        .help = "Only what came by these partners.", .example = "partners: [airline]"              \
    }
#define KEY_WHEN(what)                                                                             \
    {                                                                                              \
        .name = "when", .type = SCHEMA_CONDITION,                                                  \
        .help = "A condition (docs/conditions.md) over " what ". Where it cannot be worked out, "  \
                "it does not hold.",                                                               \
        .example = "when: member.orders_before == 0"                                               \
    }
#define KEY_FROM(what)                                                                             \
    {                                                                                              \
        .name = "from", .type = SCHEMA_START,                                                      \
        .help = "Only " what " from then on: a date is its midnight in the programme's zone.",     \
        .example = "from: 2026-11-01"                                                              \
    }
#define KEY_UNTIL                                                                                  \
    {                                                                                              \
        .name = "until", .type = SCHEMA_START,                                                     \
        .help = "Only what occurred before then: the end itself does not belong to it.",           \
        .example = "until: 2026-12-01"                                                             \
    }
#define KEY_PRIORITY                                                                               \
    {                                                                                              \
        .name = "priority", .type = SCHEMA_WHOLE, .min = -1000000, .max = 1000000,                 \
        .fallback = "0",                                                                           \
        .help = "The higher goes first, then the name by its bytes; never the order in the file.", \
        .example = "priority: 10"                                                                  \
    }
#define KEY_FUNDER                                                                                 \
    {                                                                                              \
        .name = "funder", .type = SCHEMA_NAME,                                                     \
        .help = "Who pays for these points: one of `funders`. Left out: the programme itself.",    \
        .example = "funder: acme"                                                                  \
    }
#define KEY_BASIS(what)                                                                            \
    {                                                                                              \
        .name = "basis", .type = SCHEMA_MAP, .map = &schema_basis, .help = what,                   \
        .example = "basis: { lines: [goods] }"                                                     \
    }
#define KEY_MULTIPLIED_BY                                                                          \
    {                                                                                              \
        .name = "multiplied_by", .type = SCHEMA_NAME,                                              \
        .help = "The tier group whose multiplier applies: that of the level held when it "         \
                "happened. Left out: nothing multiplies it.",                                      \
        .example = "multiplied_by: status"                                                         \
    }
#define KEY_PENDING                                                                                \
    {                                                                                              \
        .name = "pending", .type = SCHEMA_MAP_OR_NONE, .map = &schema_pending, .fallback = "none", \
        .help = "When the points can be spent; `none`: at once. Pending points are shown, but do " \
                "not count as balance.",                                                           \
        .example = "pending: { after: 14 days }"                                                   \
    }
#define KEY_TIMES                                                                                  \
    {                                                                                              \
        .name = "times", .type = SCHEMA_WHOLE, .min = 1, .max = SCHEMA_TIMES_MAX,                  \
        .help = "At most so often in each `per`. Left out: no limit.", .example = "times: 1"       \
    }
#define KEY_PER                                                                                    \
    {                                                                                              \
        .name = "per", .type = SCHEMA_WORD, .words = &schema_words_times,                          \
        .help = "With `times`: in each calendar day, week, month, quarter or year of the "         \
                "programme's zone, or in the whole membership (`lifetime`, when it is left out).", \
        .example = "per: month"                                                                    \
    }

#endif
