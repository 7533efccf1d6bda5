/*
 * One value of an option from text, by the type, range and words that its row of the table gives.
 * The same for a line of tally.yaml, an environment variable and a flag.
 */
#ifndef TALLYBOOK_TALLY_VALUE_H
#define TALLYBOOK_TALLY_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/bytes.h"

enum value_type {
    VALUE_STRING,
    VALUE_PATH,
    VALUE_SIZE,    /* bytes: "512MiB" */
    VALUE_INTEGER, /* in the row's unit */
    VALUE_BOOLEAN,
    VALUE_WORD,       /* one of a set of words; its number is the word's place */
    VALUE_SOURCES,    /* a list of maps */
    VALUE_PROPERTIES, /* a map of texts */
};

enum { VALUE_BYTES_MAX = 4096, VALUE_WORDS_MAX = 8, VALUE_WORD_BYTES_MAX = 24 };

struct value_rule {
    enum value_type type;
    int64_t least, most; /* SIZE and INTEGER */
    const char *words;   /* WORD: "embedded|kafka" */
};

/* What is wrong, to be put after the option's name, and what to do. */
struct value_problem {
    char message[192];
    char hint[192];
};

/** Judges text; *out_number is the integer, the bytes, 0 or 1, the word's place, or 0 for texts.
 * Not for SOURCES and PROPERTIES, which have no single value. False, and *out_problem filled, when
 * it cannot be. */
bool value_parse(const struct value_rule *rule, struct bytes text, int64_t *out_number,
                 struct value_problem *out_problem);

/** The words of "a|b|c", each NUL-terminated; returns how many. */
size_t value_words(const char *words, char out_words[VALUE_WORDS_MAX][VALUE_WORD_BYTES_MAX]);

/** Bytes in the largest unit that shows them whole: "1GiB", "1536KiB". */
void value_format_size(int64_t bytes, char *out_text, size_t size);

#endif
