#include "consumers/codec_json.h"

#include <string.h>

#include <yajl/yajl_parse.h>

#include "consumers/codec_json_priv.h"
#include "consumers/codec_text.h"

/* An object of ours has at most some 60 names; more of them cannot all be known, and looking for a
 * repeated one is quadratic. */
enum { NAMES_MAX = 128, NAME_SHOWN_MAX = 64 };

struct parsing {
    struct arena *arena;
    struct codec_error *error;
    bool no_room;
    struct json_node *root;
    struct json_node *open[CODEC_JSON_DEPTH_MAX]; /* arrays and objects around the next value */
    size_t depth;
    struct bytes name; /* of the next value, in an object */
};

enum { CANCEL = 0, GO_ON = 1 }; /* what yajl wants to hear */

static int
out_of_room(struct parsing *parsing)
{
    parsing->no_room = true;
    return CANCEL;
}

static int
refuse(struct parsing *parsing, const char *what)
{
    codec_error_set(parsing->error, CODEC_BAD_JSON, 0, "%s", what);
    return CANCEL;
}

static struct json_node *
node_add(struct parsing *parsing, enum json_type type)
{
    struct json_node *node = arena_alloc(parsing->arena, sizeof *node);
    if (node == NULL) {
        parsing->no_room = true;
        return NULL;
    }
    *node = (struct json_node){.type = type, .name = parsing->name};
    parsing->name = (struct bytes){NULL, 0};
    if (parsing->depth == 0) {
        parsing->root = node;
        return node;
    }
    struct json_node *parent = parsing->open[parsing->depth - 1];
    if (parent->last == NULL) {
        parent->first = node;
    } else {
        parent->last->next = node;
    }
    parent->last = node;
    return node;
}

static int
on_plain(struct parsing *parsing, enum json_type type, const void *text, size_t size)
{
    struct json_node *node = node_add(parsing, type);
    if (node == NULL) return CANCEL;
    return arena_copy_bytes(parsing->arena, bytes_of(text, size), &node->text)
               ? GO_ON
               : out_of_room(parsing);
}

static int
on_null(void *context)
{
    return on_plain(context, JSON_NULL, NULL, 0);
}

static int
on_boolean(void *context, int value)
{
    return on_plain(context, value ? JSON_TRUE : JSON_FALSE, NULL, 0);
}

static int
on_number(void *context, const char *text, size_t size)
{
    return on_plain(context, JSON_NUMBER, text, size);
}

static int
on_string(void *context, const unsigned char *text, size_t size)
{
    struct parsing *parsing = context;
    /* yajl checks the UTF-8 of the text but lets \ud800 and \u0000 through. */
    if (!text_is_utf8(bytes_of(text, size))) {
        return refuse(parsing, "a string is not valid UTF-8 without NUL");
    }
    return on_plain(parsing, JSON_STRING, text, size);
}

static int
on_open(struct parsing *parsing, enum json_type type)
{
    if (parsing->depth == CODEC_JSON_DEPTH_MAX) {
        return refuse(parsing, "it is nested too deep");
    }
    struct json_node *node = node_add(parsing, type);
    if (node == NULL) return CANCEL;
    parsing->open[parsing->depth++] = node;
    return GO_ON;
}

static int
on_open_object(void *context)
{
    return on_open(context, JSON_OBJECT);
}

static int
on_open_array(void *context)
{
    return on_open(context, JSON_ARRAY);
}

static int
on_close(void *context)
{
    struct parsing *parsing = context;
    parsing->depth--;
    return GO_ON;
}

static int
on_name(void *context, const unsigned char *text, size_t size)
{
    struct parsing *parsing = context;
    struct bytes name = bytes_of(text, size);
    if (!text_is_utf8(name)) return refuse(parsing, "a name is not valid UTF-8");

    size_t count = 0;
    for (const struct json_node *node = parsing->open[parsing->depth - 1]->first; node != NULL;
         node = node->next) {
        if (bytes_equal(node->name, name)) {
            codec_error_set(parsing->error, CODEC_BAD_JSON, 0, "the name '%.*s' is told twice",
                            (int)(name.size > NAME_SHOWN_MAX ? NAME_SHOWN_MAX : name.size),
                            (const char *)name.data);
            return CANCEL;
        }
        if (++count == NAMES_MAX) return refuse(parsing, "an object has too many names");
    }
    return arena_copy_bytes(parsing->arena, name, &parsing->name) ? GO_ON : out_of_room(parsing);
}

static void *
yajl_arena_alloc(void *context, size_t size)
{
    struct parsing *parsing = context;
    /* The size goes before the block, for yajl_arena_realloc. */
    uint8_t *block = arena_alloc(parsing->arena, ARENA_ALIGNMENT + size);
    if (block == NULL) {
        parsing->no_room = true;
        return NULL;
    }
    memcpy(block, &size, sizeof size);
    return block + ARENA_ALIGNMENT;
}

static void *
yajl_arena_realloc(void *context, void *old, size_t size)
{
    void *block = yajl_arena_alloc(context, size);
    if (block == NULL || old == NULL) return block;
    size_t kept;
    memcpy(&kept, (uint8_t *)old - ARENA_ALIGNMENT, sizeof kept);
    memcpy(block, old, kept < size ? kept : size);
    return block;
}

static void
yajl_arena_free(void *context, void *block)
{
    (void)context;
    (void)block;
}

/* The line and column of a byte of the text, from 1. */
static void
place_find(struct bytes text, size_t at, size_t *out_line, size_t *out_column)
{
    *out_line = 1;
    *out_column = 1;
    for (size_t i = 0; i < at && i < text.size; i++) {
        bool line_ends = text.data[i] == '\n';
        *out_line += line_ends;
        *out_column = line_ends ? 1 : *out_column + 1;
    }
}

enum codec_result
codec_json_parse(struct bytes text, struct arena *arena, const struct json_node **out_root,
                 struct codec_error *out_error)
{
    static const yajl_callbacks callbacks = {
        .yajl_null = on_null,
        .yajl_boolean = on_boolean,
        .yajl_number = on_number,
        .yajl_string = on_string,
        .yajl_start_map = on_open_object,
        .yajl_map_key = on_name,
        .yajl_end_map = on_close,
        .yajl_start_array = on_open_array,
        .yajl_end_array = on_close,
    };
    if (text.size > CODEC_JSON_BYTES_MAX) {
        codec_error_set(out_error, CODEC_TOO_LARGE, 0,
                        "the JSON text has %zu bytes; the limit is %d", text.size,
                        CODEC_JSON_BYTES_MAX);
        return CODEC_UNREADABLE;
    }
    struct parsing parsing = {.arena = arena, .error = out_error};
    yajl_alloc_funcs memory = {yajl_arena_alloc, yajl_arena_realloc, yajl_arena_free, &parsing};
    yajl_handle handle = yajl_alloc(&callbacks, &memory, &parsing);
    if (handle == NULL) return CODEC_NO_ROOM;

    out_error->problem = CODEC_NONE;
    yajl_status status = yajl_parse(handle, text.data, text.size);
    if (status == yajl_status_ok) status = yajl_complete_parse(handle);
    if (parsing.no_room) return CODEC_NO_ROOM;
    if (status == yajl_status_ok && parsing.root != NULL) {
        *out_root = parsing.root;
        return CODEC_OK;
    }
    if (out_error->problem == CODEC_NONE) {
        codec_error_set(out_error, CODEC_BAD_JSON, 0, "it is no JSON from here on");
    }
    size_t line, column;
    place_find(text, yajl_get_bytes_consumed(handle), &line, &column);
    codec_error_prefix(out_error, "JSON %zu:%zu: ", line, column);
    return CODEC_UNREADABLE;
}

const struct json_node *
codec_json_next_event(const struct json_node *root, const struct json_node *cursor)
{
    if (cursor != NULL) return cursor == root ? NULL : cursor->next;
    if (root->type == JSON_ARRAY) return root->first;
    bool is_pack = root->type == JSON_OBJECT && root->first != NULL && root->first->next == NULL &&
                   root->first->type == JSON_ARRAY &&
                   bytes_equal(root->first->name, BYTES_LITERAL("events"));
    return is_pack ? root->first->first : root;
}
