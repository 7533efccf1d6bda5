/* Help in words, made from the tables: options.def, commands.def, exit_codes.def, verdict.def. */
#ifndef TALLYBOOK_TALLY_HELP_H
#define TALLYBOOK_TALLY_HELP_H

#include "tally/command.h"

/* Each prints for people, or with `json` as one object or list for programs. */

/** What `tally --help` says: every command with its summary. */
void help_overview(const struct terminal *terminal, bool json);

/** The commands that begin with the word `group`, such as "rules"; false, with nothing printed,
 * when there are none. */
bool help_group(const struct terminal *terminal, const char *group, bool json);

/** One command: usage, what it does, its flags, an example. */
void help_command(const struct terminal *terminal, const struct command *command, bool json);

/** Every option of tally.yaml with its flag, variable, range and default. */
void help_options(const struct terminal *terminal, bool json);

void help_exit_codes(const struct terminal *terminal, bool json);

/** The business answers to an event, with what to do about each. */
void help_verdicts(const struct terminal *terminal, bool json);

/** Every key of a rulebook; with `json` the JSON Schema that editors read. */
void help_rulebook(const struct terminal *terminal, bool json);

/** The manual page tally(1), in mdoc. */
void help_manual(FILE *out);

/** "SIZE", "WORD|WORD", "N": how a value is written; empty for BOOLEAN. Returns out_text. */
const char *help_value(const struct option_info *info, char *out_text, size_t size);

/** "64MiB to 4TiB, default 1GiB"; empty where there is nothing to say. Returns out_text. */
const char *help_range(const struct option_info *info, char *out_text, size_t size);

/* A row of exit_codes.def, and of verdict.def. */
struct help_exit_code {
    int code;
    const char *meaning, *remedy;
};

struct help_verdict {
    unsigned number;
    const char *name, *meaning, *remedy;
};

const struct help_exit_code *help_exit_code_table(size_t *out_count);
const struct help_verdict *help_verdict_table(size_t *out_count);

/* A row of the SOURCE_OPTION part of options.def. */
struct help_source_key {
    const char *key;
    struct option_info info;
};

const struct help_source_key *help_source_keys(size_t *out_count);

/* help_json.c: the same as JSON. */
void help_json_overview(FILE *out, const char *group); /* "": all commands */
void help_json_command(FILE *out, const struct command *command);
void help_json_options(FILE *out);
void help_json_exit_codes(FILE *out);
void help_json_verdicts(FILE *out);

#endif
