#include "engine/rules/yaml.h"

#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "engine/base/check.h"
#include "engine/base/decimal.h"

enum { SHOWN_TEXT_BYTES = 60, LISTED_WORDS_BYTES = 304 };

/* One open map or list while its values are read. */
struct level {
    struct yaml_node *node;
    struct yaml_node *last; /* of its values so far */
    struct yaml_node
        *key; /* in a map: the key whose value comes next; NULL when a key comes next */
};

struct reading {
    yaml_parser_t parser;
    struct bytes source; /* without a byte order mark */
    struct arena *arena;
    struct diagnostics *diagnostics;
    struct level levels[YAML_DEPTH_MAX];
    unsigned depth;
    uint32_t nodes;
    struct yaml_node *root;
    unsigned documents;
};

/* The length of `text` that a message shows: short, and never half a character. */
static int
shown_bytes(struct bytes text)
{
    if (text.size <= SHOWN_TEXT_BYTES) return (int)text.size;
    int size = SHOWN_TEXT_BYTES;
    while (size > 0 && (text.data[size] & 0xc0) == 0x80) {
        size--;
    }
    return size;
}

static struct place
place_of(yaml_mark_t mark)
{
    return (struct place){(uint32_t)mark.line + 1, (uint32_t)mark.column + 1};
}

/* What libyaml says, with advice for the mistakes that people make most. */
static const char *
syntax_hint(const char *problem)
{
    static const struct {
        const char *problem, *hint;
    } hints[] = {
        {"found character that cannot start any token",
         "indent with blanks, not tabs; put quotes around a text that begins with @, ` or %"},
        {"mapping values are not allowed in this context",
         "a text that contains ': ' needs quotes; or the line above is indented wrongly"},
        {"did not find expected key", "see whether this line is indented as the ones above it"},
        {"did not find expected '-' indicator",
         "see whether this line is indented as the list above it"},
        {"could not find expected ':'", "a key is followed by a colon and a blank"},
        {"did not find expected ',' or ']'", "close the list with ]"},
        {"did not find expected ',' or '}'", "close the map with }"},
        {"did not find expected node content", "a list or map that was opened is not closed"},
        {"found unexpected end of stream", "a quote that was opened is not closed"},
        {"control characters are not allowed",
         "remove the character, or save the file as UTF-8 text"},
        {"invalid leading UTF-8 octet", "save the file as UTF-8"},
        {"invalid trailing UTF-8 octet", "save the file as UTF-8"},
        {"incomplete UTF-8 octet sequence", "save the file as UTF-8"},
    };
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++) {
        if (strcmp(problem, hints[i].problem) == 0) return hints[i].hint;
    }
    return NULL;
}

/* The reader knows only an offset in bytes. */
static struct place
place_of_offset(struct bytes source, size_t offset)
{
    struct place place = {1, 1};
    for (size_t i = 0; i < offset && i < source.size; i++) {
        if (source.data[i] == '\n') {
            place = (struct place){place.line + 1, 1};
        } else if ((source.data[i] & 0xc0) != 0x80) {
            place.column++;
        }
    }
    return place;
}

static bool
report_syntax(struct reading *reading)
{
    const yaml_parser_t *parser = &reading->parser;
    if (parser->error == YAML_MEMORY_ERROR) {
        return diagnostics_error(reading->diagnostics, (struct place){0, 0},
                                 "not enough memory to read the file");
    }
    const char *problem = parser->problem != NULL ? parser->problem : "unreadable";
    struct place place = place_of(parser->problem_mark);
    if (parser->error == YAML_READER_ERROR) {
        place = place_of_offset(reading->source, parser->problem_offset);
    } else if (strcmp(problem, "found unexpected end of stream") == 0) {
        place = place_of(parser->context_mark); /* where the quote was opened, not the file's end */
    }
    if (parser->context != NULL) {
        diagnostics_error(reading->diagnostics, place, "not valid YAML: %s %s", parser->context,
                          problem);
    } else {
        diagnostics_error(reading->diagnostics, place, "not valid YAML: %s", problem);
    }
    const char *hint = syntax_hint(problem);
    if (hint != NULL) diagnostics_hint(reading->diagnostics, "%s", hint);
    return false;
}

static void
refuse_reference(struct reading *reading, struct place place, const yaml_char_t *anchor,
                 const yaml_char_t *tag)
{
    if (anchor != NULL) {
        diagnostics_error(reading->diagnostics, place, "anchors ('&%.*s') are not supported",
                          SHOWN_TEXT_BYTES, (const char *)anchor);
        diagnostics_hint(reading->diagnostics, "write the value out where it is used");
    }
    if (tag != NULL) {
        diagnostics_error(reading->diagnostics, place, "tags ('%.*s') are not supported",
                          SHOWN_TEXT_BYTES, (const char *)tag);
        diagnostics_hint(reading->diagnostics,
                         "remove the tag: each key knows the type of its value");
    }
}

/* A new node; NULL, reported, when the file has too many. */
static struct yaml_node *
make_node(struct reading *reading, enum yaml_kind kind, struct place place)
{
    struct yaml_node *node =
        reading->nodes < YAML_NODES_MAX ? arena_alloc(reading->arena, sizeof *node) : NULL;
    if (node == NULL) {
        diagnostics_error(reading->diagnostics, place,
                          "the file has too many values (more than %u)", reading->nodes);
        return NULL;
    }
    reading->nodes++;
    *node = (struct yaml_node){.kind = kind, .place = place};
    return node;
}

static bool
key_is_new(struct reading *reading, const struct level *level, const struct yaml_node *key)
{
    for (const struct yaml_node *node = level->node->first; node != NULL; node = node->next) {
        if (!bytes_equal(node->key, key->text)) continue;
        diagnostics_error(reading->diagnostics, key->place, "key '%.*s' is given twice",
                          shown_bytes(key->text), (const char *)key->text.data);
        diagnostics_hint(reading->diagnostics, "the first one stands in line %u; keep one of them",
                         node->key_place.line);
        return false;
    }
    return true;
}

/* Puts a finished scalar, or a list or map that begins, where the file has it. False when reading
 * cannot go on. */
static bool
place_node(struct reading *reading, struct yaml_node *node)
{
    if (reading->depth == 0) {
        reading->root = node;
        return true;
    }
    struct level *level = &reading->levels[reading->depth - 1];
    if (level->node->kind == YAML_MAP) {
        if (level->key == NULL) {
            if (node->kind != YAML_TEXT) {
                return diagnostics_error(reading->diagnostics, node->place,
                                         "a key must be a plain word, not %s",
                                         yaml_kind_name(node));
            }
            if (yaml_is(node, "<<") && !node->quoted) {
                diagnostics_error(reading->diagnostics, node->place,
                                  "merge keys ('<<') are not supported");
                diagnostics_hint(reading->diagnostics, "write the keys out where they are used");
            }
            if (level->node->count == YAML_KEYS_MAX) {
                return diagnostics_error(reading->diagnostics, node->place,
                                         "a map of more than %d keys", YAML_KEYS_MAX);
            }
            key_is_new(reading, level, node);
            level->key = node;
            return true;
        }
        node->key = level->key->text;
        node->key_place = level->key->place;
        level->key = NULL;
    }
    if (level->last == NULL) {
        level->node->first = node;
    } else {
        level->last->next = node;
    }
    level->last = node;
    level->node->count++;
    return true;
}

static bool
begin_node(struct reading *reading, enum yaml_kind kind, struct place place)
{
    if (reading->depth == YAML_DEPTH_MAX) {
        diagnostics_error(reading->diagnostics, place, "nested deeper than %d levels",
                          YAML_DEPTH_MAX);
        diagnostics_hint(reading->diagnostics, "see whether brackets are closed");
        return false;
    }
    struct yaml_node *node = make_node(reading, kind, place);
    if (node == NULL || !place_node(reading, node)) return false;
    reading->levels[reading->depth++] = (struct level){.node = node};
    return true;
}

static bool
read_scalar(struct reading *reading, const yaml_event_t *event)
{
    struct place place = place_of(event->start_mark);
    if (event->data.scalar.length > YAML_SCALAR_BYTES_MAX) {
        return diagnostics_error(reading->diagnostics, place, "a value longer than %d bytes",
                                 YAML_SCALAR_BYTES_MAX);
    }
    struct yaml_node *node = make_node(reading, YAML_TEXT, place);
    if (node == NULL) return false;
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    struct bytes text = bytes_of(event->data.scalar.value, event->data.scalar.length);
    if (!arena_copy_bytes(reading->arena, text, &node->text)) {
        return diagnostics_error(reading->diagnostics, place, "the file is too large to be read");
    }
    return place_node(reading, node);
}

/* An empty value stands where the alias stood, so that reading can go on to the next error. */
static bool
read_alias(struct reading *reading, const yaml_event_t *event, struct place place)
{
    diagnostics_error(reading->diagnostics, place, "aliases ('*%.*s') are not supported",
                      SHOWN_TEXT_BYTES, (const char *)event->data.alias.anchor);
    diagnostics_hint(reading->diagnostics, "write the value out");
    struct yaml_node *stand_in = make_node(reading, YAML_TEXT, place);
    return stand_in != NULL && place_node(reading, stand_in);
}

/* False when reading cannot go on after this event. */
static bool
read_event(struct reading *reading, const yaml_event_t *event)
{
    struct place place = place_of(event->start_mark);
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (++reading->documents == 1) return true;
        diagnostics_error(reading->diagnostics, place, "a second document begins here");
        diagnostics_hint(reading->diagnostics,
                         "one file holds one document: remove the line '---'");
        return false;
    case YAML_ALIAS_EVENT: return read_alias(reading, event, place);
    case YAML_SCALAR_EVENT:
        refuse_reference(reading, place, event->data.scalar.anchor, event->data.scalar.tag);
        return read_scalar(reading, event);
    case YAML_SEQUENCE_START_EVENT:
        refuse_reference(reading, place, event->data.sequence_start.anchor,
                         event->data.sequence_start.tag);
        return begin_node(reading, YAML_LIST, place);
    case YAML_MAPPING_START_EVENT:
        refuse_reference(reading, place, event->data.mapping_start.anchor,
                         event->data.mapping_start.tag);
        return begin_node(reading, YAML_MAP, place);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: reading->depth--; return true;
    default: return true;
    }
}

static void
read_all(struct reading *reading)
{
    for (bool more = true; more;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&reading->parser, &event)) {
            report_syntax(reading);
            return;
        }
        more = read_event(reading, &event) && event.type != YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
}

bool
yaml_parse(struct bytes source, struct arena *arena, struct diagnostics *diagnostics,
           const struct yaml_node **out_root)
{
    size_t errors_before = diagnostics->error_count;
    if (source.size > YAML_BYTES_MAX) {
        return diagnostics_error(diagnostics, (struct place){0, 0},
                                 "the file has %zu bytes; at most %d are read", source.size,
                                 YAML_BYTES_MAX);
    }
    if (bytes_start_with(source, BYTES_LITERAL("\xef\xbb\xbf"))) {
        source = bytes_of(source.data + 3, source.size - 3);
    }
    struct reading reading = {.source = source, .arena = arena, .diagnostics = diagnostics};
    if (!yaml_parser_initialize(&reading.parser)) {
        return diagnostics_error(diagnostics, (struct place){0, 0},
                                 "not enough memory to read the file");
    }
    yaml_parser_set_encoding(&reading.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(
        &reading.parser, source.data != NULL ? source.data : (const uint8_t *)"", source.size);
    read_all(&reading);
    yaml_parser_delete(&reading.parser);
    if (diagnostics->error_count != errors_before) return false;
    if (reading.root == NULL) {
        return diagnostics_error(diagnostics, (struct place){0, 0}, "the file is empty");
    }
    *out_root = reading.root;
    return true;
}

const struct yaml_node *
yaml_get(const struct yaml_node *map, const char *key)
{
    if (map == NULL || map->kind != YAML_MAP) return NULL;
    struct bytes wanted = bytes_from_cstr(key);
    for (const struct yaml_node *node = map->first; node != NULL; node = node->next) {
        if (bytes_equal(node->key, wanted)) return node;
    }
    return NULL;
}

bool
yaml_is(const struct yaml_node *node, const char *text)
{
    return node != NULL && node->kind == YAML_TEXT &&
           bytes_equal(node->text, bytes_from_cstr(text));
}

const char *
yaml_kind_name(const struct yaml_node *node)
{
    switch (node->kind) {
    case YAML_LIST: return "a list";
    case YAML_MAP: return "a map";
    case YAML_TEXT: return node->text.size == 0 && !node->quoted ? "nothing" : "a value";
    }
    UNREACHABLE();
}

/* "'rate'" or "this value": how a message names a node. */
static const char *
node_name(const struct yaml_node *node, char buffer[SHOWN_TEXT_BYTES + 3])
{
    if (node->key.size == 0) return "this value";
    snprintf(buffer, SHOWN_TEXT_BYTES + 3, "'%.*s'", shown_bytes(node->key),
             (const char *)node->key.data);
    return buffer;
}

bool
yaml_check_keys(const struct yaml_node *map, const char *const *keys, size_t key_count,
                struct diagnostics *diagnostics)
{
    bool all_known = true;
    for (const struct yaml_node *node = map->first; node != NULL; node = node->next) {
        bool known = false;
        for (size_t i = 0; i < key_count && !known; i++) {
            known = bytes_equal(node->key, bytes_from_cstr(keys[i]));
        }
        if (known) continue;
        all_known = diagnostics_error(diagnostics, node->key_place, "unknown key '%.*s'",
                                      shown_bytes(node->key), (const char *)node->key.data);
        const char *nearest = suggest_nearest(node->key, keys, key_count);
        if (nearest != NULL) {
            diagnostics_hint(diagnostics, "did you mean '%s'?", nearest);
            continue;
        }
        char listed[LISTED_WORDS_BYTES] = "";
        for (size_t i = 0, size = 0; i < key_count && size < sizeof listed; i++) {
            size += (size_t)snprintf(listed + size, sizeof listed - size, "%s%s",
                                     i == 0 ? "" : ", ", keys[i]);
        }
        diagnostics_hint(diagnostics, "the keys known here are: %s", listed);
    }
    return all_known;
}

bool
yaml_expect(const struct yaml_node *node, enum yaml_kind kind, struct diagnostics *diagnostics)
{
    static const char *const wanted[] = {
        [YAML_TEXT] = "a value", [YAML_LIST] = "a list", [YAML_MAP] = "a map"};
    static const char *const hints[] = {
        [YAML_TEXT] = "write the value behind the colon, on the same line",
        [YAML_LIST] = "write a list as [a, b], or as lines that begin with '- '",
        [YAML_MAP] = "write 'key: value' lines, indented below it, or {key: value}",
    };
    bool missing = node->kind == YAML_TEXT && node->text.size == 0 && !node->quoted;
    if (node->kind == kind && !missing) return true;
    char name[SHOWN_TEXT_BYTES + 3];
    diagnostics_error(diagnostics, missing && node->key.size != 0 ? node->key_place : node->place,
                      "%s needs %s; here is %s", node_name(node, name), wanted[kind],
                      yaml_kind_name(node));
    diagnostics_hint(diagnostics, "%s", hints[kind]);
    return false;
}

bool
yaml_whole(const struct yaml_node *node, int64_t min, int64_t max, struct diagnostics *diagnostics,
           int64_t *out_value)
{
    if (!yaml_expect(node, YAML_TEXT, diagnostics)) return false;
    char digits[DECIMAL_TEXT_MAX], name[SHOWN_TEXT_BYTES + 3];
    size_t size = 0;
    bool well_formed = !node->quoted;
    for (size_t i = 0; i < node->text.size && well_formed; i++) {
        uint8_t byte = node->text.data[i];
        if (byte == '_' && i > 0) continue;
        well_formed = byte != '.' && size < sizeof digits;
        if (well_formed) digits[size++] = (char)byte;
    }
    int64_t value;
    if (!well_formed || decimal_parse(bytes_of(digits, size), 0, &value) != DECIMAL_OK) {
        diagnostics_error(diagnostics, node->place, "%s is not a whole number: '%.*s'",
                          node_name(node, name), shown_bytes(node->text),
                          (const char *)node->text.data);
        diagnostics_hint(diagnostics, "write digits only, from %lld to %lld", (long long)min,
                         (long long)max);
        return false;
    }
    if (value < min || value > max) {
        return diagnostics_error(diagnostics, node->place,
                                 "%s is %lld; it must be from %lld to %lld", node_name(node, name),
                                 (long long)value, (long long)min, (long long)max);
    }
    *out_value = value;
    return true;
}

bool
yaml_word(const struct yaml_node *node, const char *const *words, size_t word_count,
          struct diagnostics *diagnostics, size_t *out_index)
{
    if (!yaml_expect(node, YAML_TEXT, diagnostics)) return false;
    for (size_t i = 0; i < word_count; i++) {
        if (!yaml_is(node, words[i])) continue;
        *out_index = i;
        return true;
    }
    char name[SHOWN_TEXT_BYTES + 3];
    diagnostics_error(diagnostics, node->place, "%s cannot be '%.*s'", node_name(node, name),
                      shown_bytes(node->text), (const char *)node->text.data);
    const char *nearest = suggest_nearest(node->text, words, word_count);
    if (nearest != NULL) {
        diagnostics_hint(diagnostics, "did you mean '%s'?", nearest);
        return false;
    }
    char listed[LISTED_WORDS_BYTES] = "";
    for (size_t i = 0, size = 0; i < word_count && size < sizeof listed; i++) {
        size += (size_t)snprintf(listed + size, sizeof listed - size, "%s%s", i == 0 ? "" : ", ",
                                 words[i]);
    }
    diagnostics_hint(diagnostics, "possible here: %s", listed);
    return false;
}

bool
yaml_boolean(const struct yaml_node *node, struct diagnostics *diagnostics, bool *out_value)
{
    static const char *const words[] = {"false", "true"};
    size_t index;
    if (!yaml_word(node, words, 2, diagnostics, &index)) return false;
    *out_value = index == 1;
    return true;
}
