/*
 * The options of the command, read from tally.yaml, the environment (TALLY_…) and flags; flags win
 * over the environment, and that over the file. The table is options.def.
 *
 * Invariants:
 * 1. Every value knows where it came from.
 * 2. What cannot be understood is an error: an unknown key or flag, a flag given twice, a value out
 * of its range. All errors of a file are reported, each with its place.
 * 3. A relative path in a file is relative to that file's folder, so that the file means the same
 * wherever the command is started; elsewhere it is relative to the current folder.
 * 4. Secrets are read from files and never printed; a property that is secret by nature is refused
 * anywhere else.
 */
#ifndef TALLYBOOK_TALLY_OPTIONS_H
#define TALLYBOOK_TALLY_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/base/arena.h"
#include "engine/base/fault.h"
#include "engine/base/region.h"
#include "engine/rules/diagnostics.h"
#include "tally/value.h"

enum option_id {
#define OPTION(NAME, ...) OPTION_##NAME,
#include "tally/options.def"
    OPTION_CONFIGURATION_COUNT, /* those before it can stand in tally.yaml; those behind it are
                                   flags only */
    OPTION_BEFORE_FLAGS = OPTION_CONFIGURATION_COUNT - 1,
#define FLAG(NAME, ...) OPTION_##NAME,
#include "tally/options.def"
    OPTION_COUNT,
};

/* The words of the WORD options, in order. */
enum journal_kind { JOURNAL_EMBEDDED, JOURNAL_KAFKA };
enum journal_time { JOURNAL_TIME_APPEND, JOURNAL_TIME_RECORD };
enum output_encoding { OUTPUT_PROTOBUF, OUTPUT_JSON };
enum output_packing { OUTPUT_SINGLE, OUTPUT_PACKED };
enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

enum { OPTION_NAME_MAX = 64, ORIGIN_TEXT_MAX = 512, SOURCES_MAX = 64, PROPERTIES_MAX = 256 };

struct option_info {
    const char *path; /* of a flag that is no configuration: its name */
    char letter;      /* of a flag: its short form; 0: none */
    struct value_rule rule;
    const char *unit; /* what the value is called in help */
    const char *default_text;
    bool secret;
    const char *help;
};

enum origin_kind { ORIGIN_DEFAULT, ORIGIN_FILE, ORIGIN_ENVIRONMENT, ORIGIN_FLAG };

struct option_origin {
    enum origin_kind kind;
    const char *name; /* the file, the variable or the flag */
    struct place place;
};

struct option_value {
    const char *text; /* as written; a path that stood in a file begins with that file's folder;
                         NULL for lists and maps */
    int64_t number;   /* as value_parse gives it */
    struct option_origin origin;
};

struct source_options {
    const char *topic, *generation;
};

struct property {
    const char *name, *value;
    const char *file; /* of a secret: where its value was read from; else NULL */
    struct option_origin origin;
};

struct options {
    struct option_value values[OPTION_COUNT];
    struct source_options *sources;
    size_t source_count;
    struct property *properties; /* for librdkafka, secrets included */
    size_t property_count;
    char **arguments; /* what is no flag, in order */
    int argument_count;
    struct region memory; /* of all texts */
    struct arena arena;
};

struct options_input {
    int argument_count; /* without the program's and the command's name */
    char **arguments;
    char *const *environment; /* as environ */
    bool accepts[OPTION_COUNT];
    const char *command; /* for messages: "config print" */
};

/** The row of the table. */
const struct option_info *option_info(enum option_id id);

/** "journal-kind" (without the dashes). */
void option_flag(enum option_id id, char out_name[OPTION_NAME_MAX]);

/** "TALLY_JOURNAL_KIND". */
void option_variable(enum option_id id, char out_name[OPTION_NAME_MAX]);

/** "default", "tally.yaml:3:9", "TALLY_MEMORY", "--memory". */
void origin_format(const struct option_origin *origin, char out_text[ORIGIN_TEXT_MAX]);

/**
 * Reads flags, then the file when any configuration is accepted, then the environment. With --help
 * nothing else is looked at. Errors of a file go to `messages` with their places, and the fault
 * then counts them. FAULT_USAGE: a flag; FAULT_CONFIG: the file or the environment; FAULT_NO_INPUT:
 * a file that was named is not there. On success options_fini is the caller's duty; on failure
 * nothing is kept.
 */
bool options_read(const struct options_input *input, FILE *messages, struct options *out_options,
                  struct fault *out_fault);

void options_fini(struct options *options);

/** The value of a STRING, PATH or WORD option. */
const char *options_text(const struct options *options, enum option_id id);

/** The value of a SIZE, INTEGER or WORD option. */
int64_t options_number(const struct options *options, enum option_id id);

/** The value of a BOOLEAN option. */
bool options_flag(const struct options *options, enum option_id id);

#endif
