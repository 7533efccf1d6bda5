#include "tally/json_view.h"

#include "engine/base/decimal.h"

int64_t
json_view_number(struct json_object *object, const char *name)
{
    return json_object_get_int64(json_object_object_get(object, name));
}

const char *
json_view_cstr(struct json_object *object, const char *name)
{
    struct json_object *value = json_object_object_get(object, name);
    return value != NULL ? json_object_get_string(value) : "";
}

struct bytes
json_view_text(struct json_object *object, const char *name)
{
    return bytes_from_cstr(json_view_cstr(object, name));
}

const char *
json_view_amount(int64_t units, int scale, char out_text[JSON_VIEW_AMOUNT_MAX])
{
    decimal_format(units, (unsigned)scale, out_text, JSON_VIEW_AMOUNT_MAX);
    return out_text;
}
