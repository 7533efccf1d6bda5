/* The status of a ledger (view_json.h, status_json) for people. */
#ifndef TALLYBOOK_TALLY_STATUS_PRINT_H
#define TALLYBOOK_TALLY_STATUS_PRINT_H

#include <json-c/json.h>

#include "tally/terminal.h"

void status_print(const struct terminal *terminal, struct json_object *status);

#endif
