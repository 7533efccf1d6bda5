/* Importing an exported journal: its records, as they are, into an empty journal of either kind,
 * which then is that journal: same id, same ledger, same digest. */
#ifndef TALLYBOOK_TALLY_IMPORT_COPY_H
#define TALLYBOOK_TALLY_IMPORT_COPY_H

#include <stdbool.h>

#include "tally/command.h"

/* Looks at the file's first bytes. */
bool import_is_packed_file(const char *path);

/* Runs the command for such a file; returns its exit code. */
int import_copy(struct command_context *context);

#endif
