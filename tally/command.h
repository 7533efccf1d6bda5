/*
 * The sub-commands: one table (commands.def), one file cmd_<name>.c for each.
 *
 * Invariants:
 * 1. A command returns an exit code of sysexits.h: 0, or the kind of the fault that ended it.
 * command_fail is the one place where a fault is told to the user.
 * 2. Results go to standard output, everything said about them to standard error, so that output
 * can be piped.
 */
#ifndef TALLYBOOK_TALLY_COMMAND_H
#define TALLYBOOK_TALLY_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/fault.h"
#include "tally/options.h"
#include "tally/terminal.h"

struct command_context {
    const struct command *command;
    const struct options *options;
    bool json; /* --json was given: known before the options are read, for their errors too */
    struct terminal *out, *err;
    char **arguments; /* those that are no flags, as many as the table allows */
    int argument_count;
};

/* What a command ends with that did all its work and had to refuse part of its input, each piece by
 * name. No fault, and below the numbers of sysexits, which leave these to programs. */
enum { COMMAND_REFUSED_SOME = 3 };

struct command {
    const char *name; /* "config print" */
    int (*run)(struct command_context *context);
    const char *arguments; /* "FILE…"; empty: none */
    int arguments_least, arguments_most;
    const char *flags; /* names of the flags of its own, separated by blanks */
    bool configured;   /* reads tally.yaml, and takes its options as flags */
    const char *summary;
    const char *description;
    const char *example;
};

/** All commands, in order of the table. */
const struct command *command_table(size_t *out_count);

/** The command of that name; NULL when there is none. */
const struct command *command_find(const char *name);

/** Whether the command's name is two words of which the first is `group`; of "" all are. */
bool command_is_of_group(const struct command *command, const char *group);

/** Whether any is. */
bool command_has_group(const char *group);

/** Whether the command takes this option as a flag. --help and --json are taken by all. */
bool command_accepts(const struct command *command, enum option_id id);

/** Finds the command that the arguments (without the program's name) ask for, reads its options and
 * runs it. Returns the exit code. */
int command_run(int argument_count, char **arguments, char *const *environment);

/** Tells the fault: "tally: text", or with --json as one JSON object. Returns its kind, the exit
 * code. */
int command_fail(const struct command_context *context, const struct fault *fault);

#define COMMAND(name, function, ...) int function(struct command_context *context);
#include "tally/commands.def"
#undef COMMAND

#endif
