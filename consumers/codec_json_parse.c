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
    /* yajl checks the UTF-8 of the text but lets \u0000 through. */
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

/* Four hexadecimal digits; -1 when they are none, which yajl will say. */
static int32_t
hexadecimal(const uint8_t *at)
{
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        uint8_t digit = at[i] | 0x20;
        bool letter = digit >= 'a' && digit <= 'f';
        if (!letter && (at[i] < '0' || at[i] > '9')) return -1;
        value = value << 4 | (letter ? digit - 'a' + 10 : at[i] - '0');
    }
    return value;
}

/* The place of an escape \ud800 to \udfff that is no half of a pair, of which yajl makes a question
 * mark; the text's size when there is none. */
static size_t
lone_surrogate(struct bytes text)
{
    bool high_before = false;
    size_t at = 0;
    while (at + 1 < text.size) {
        bool escape = text.data[at] == '\\';
        bool unicode = escape && text.data[at + 1] == 'u' && text.size - at >= 6;
        int32_t unit = unicode ? hexadecimal(text.data + at + 2) : -1;
        bool low = unit >= 0xdc00 && unit <= 0xdfff;
        if (low != high_before) return high_before ? at - 6 : at;
        high_before = unit >= 0xd800 && unit < 0xdc00;
        at += unit >= 0 ? 6 : escape ? 2 : 1;
    }
    return high_before ? at - 6 : text.size;
}

/* Puts line and column, from 1, before the error. */
static enum codec_result
place_add(struct bytes text, size_t at, struct codec_error *error)
{
    size_t line = 1, column = 1;
    for (size_t i = 0; i < at && i < text.size; i++) {
        bool line_ends = text.data[i] == '\n';
        line += line_ends;
        column = line_ends ? 1 : column + 1;
    }
    codec_error_prefix(error, "JSON %zu:%zu: ", line, column);
    return CODEC_UNREADABLE;
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
    out_error->problem = CODEC_NONE;
    size_t lone = lone_surrogate(text);
    if (lone != text.size) {
        codec_error_set(out_error, CODEC_BAD_JSON, 0, "half a surrogate pair is no character");
        return place_add(text, lone, out_error);
    }

    /* yajl does not look whether it got the memory that it asks for, so its own comes from the
     * heap, which never says no, and not from the arena. It is a few hundred bytes and the longest
     * string. */
    struct parsing parsing = {.arena = arena, .error = out_error};
    yajl_handle handle = yajl_alloc(&callbacks, NULL, &parsing);
    if (handle == NULL) return CODEC_NO_ROOM;
    yajl_status status = yajl_parse(handle, text.data, text.size);
    size_t consumed = yajl_get_bytes_consumed(handle);
    bool breaks_off = status == yajl_status_ok && yajl_complete_parse(handle) != yajl_status_ok;
    yajl_free(handle);

    if (parsing.no_room) return CODEC_NO_ROOM;
    if (breaks_off || (status == yajl_status_ok && parsing.root == NULL)) {
        codec_error_set(out_error, CODEC_BAD_JSON, 0, "the text breaks off");
        return place_add(text, text.size, out_error);
    }
    if (status == yajl_status_ok) {
        *out_root = parsing.root;
        return CODEC_OK;
    }
    if (out_error->problem == CODEC_NONE) {
        codec_error_set(out_error, CODEC_BAD_JSON, 0, "it is no JSON from here on");
        if (consumed > 0) consumed--; /* yajl has taken the byte that it cannot use */
    }
    return place_add(text, consumed, out_error);
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
