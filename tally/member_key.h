/* The member that a command's first argument names. */
#ifndef TALLYBOOK_TALLY_MEMBER_KEY_H
#define TALLYBOOK_TALLY_MEMBER_KEY_H

#include <stdbool.h>

#include "engine/core/event.h"
#include "tally/command.h"

enum { MEMBER_KEY_MAX = EVENT_ID_BYTES_MAX + 1 };

/* The ledger's key: with --guest a guest's. */
bool member_key(const struct command_context *context, char out_key[MEMBER_KEY_MAX],
                struct fault *out_fault);

#endif
