/* JSON values, as the parser leaves them. */
#ifndef TALLYBOOK_CONSUMERS_CODEC_JSON_PRIV_H
#define TALLYBOOK_CONSUMERS_CODEC_JSON_PRIV_H

#include "consumers/codec_json.h"

enum json_type {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

struct json_node {
    enum json_type type;
    struct bytes name; /* in an object; decoded */
    struct bytes text; /* of numbers as written, of strings decoded */
    struct json_node *first, *last, *next;
};

/* The name of a field in JSON: "occurred_at_ms" is "occurredAtMs". Returns its length. CHECKs that
 * it fits. */
size_t json_name(const char *field_name, char *out, size_t size);

#endif
