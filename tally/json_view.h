/* Reading the JSON that an instance answers with: values by name, empty when they are not there. */
#ifndef TALLYBOOK_TALLY_JSON_VIEW_H
#define TALLYBOOK_TALLY_JSON_VIEW_H

#include <json-c/json.h>
#include <stdint.h>

#include "engine/base/bytes.h"

int64_t json_view_number(struct json_object *object, const char *name);
/* Valid as long as the object. */
const char *json_view_cstr(struct json_object *object, const char *name);
struct bytes json_view_text(struct json_object *object, const char *name);

/* Units of 10^-scale as decimal text; returns out_text. */
enum { JSON_VIEW_AMOUNT_MAX = 32 };
const char *json_view_amount(int64_t units, int scale, char out_text[JSON_VIEW_AMOUNT_MAX]);

#endif
