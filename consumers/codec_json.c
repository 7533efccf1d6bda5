#include "consumers/codec_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "consumers/codec_json_priv.h"
#include "consumers/codec_proto_priv.h"

size_t
json_name(const char *field_name, char *out, size_t size)
{
    size_t length = 0;
    bool upper = false;
    for (; *field_name != '\0'; field_name++) {
        if (*field_name == '_') {
            upper = true;
            continue;
        }
        bool is_lower = *field_name >= 'a' && *field_name <= 'z';
        CHECK(length < size);
        out[length++] = (char)(upper && is_lower ? *field_name - 'a' + 'A' : *field_name);
        upper = false;
    }
    return length;
}

/* ---- Reading
 * ------------------------------------------------------------------------------------------------------
 */

enum { FIELD_NAME_BYTES_MAX = 64 };

/* A function that returns false and leaves error->problem at CODEC_NONE met the end of the arena.
 * Errors grow from the leaf outwards: ": is not a number", "amountMinor: is not …",
 * "[3].amountMinor: …", "lines[3].amountMinor: …". */
struct mapping {
    struct arena *arena;
    struct codec_error *error;
};

/* What is wrong with a value, and what with the names in an object. Both return false. */
#define value_refuse(mapping, ...)                                                                 \
    codec_error_set((mapping)->error, CODEC_BAD_JSON, 0, ": " __VA_ARGS__)
#define name_refuse(mapping, ...) codec_error_set((mapping)->error, CODEC_BAD_JSON, 0, __VA_ARGS__)

static bool message_map(struct mapping *mapping, const struct json_node *node,
                        const ProtobufCMessageDescriptor *descriptor, ProtobufCMessage **out);

static const char *
dot_before(const struct codec_error *error)
{
    return error->text[0] == ':' || error->text[0] == '[' ? "" : ".";
}

static const ProtobufCFieldDescriptor *
field_find(const ProtobufCMessageDescriptor *descriptor, struct bytes name)
{
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        char camel[FIELD_NAME_BYTES_MAX];
        size_t size = json_name(field->name, camel, sizeof camel);
        if (bytes_equal(name, bytes_of(camel, size)) ||
            bytes_equal(name, bytes_from_cstr(field->name)))
            return field;
    }
    return NULL;
}

/* A whole number as text: its sign and magnitude. */
static bool
integer_parse(struct mapping *mapping, const struct json_node *node, bool *out_negative,
              uint64_t *out_magnitude)
{
    struct bytes text = node->text;
    if (node->type != JSON_NUMBER && node->type != JSON_STRING)
        return value_refuse(mapping, "is not a number");
    bool negative = text.size != 0 && text.data[0] == '-';
    size_t at = negative;
    if (at == text.size) return value_refuse(mapping, "is not a whole number");
    if (text.data[at] == '0' && text.size > at + 1)
        return value_refuse(mapping, "is not a whole number");

    uint64_t magnitude = 0;
    for (; at < text.size; at++) {
        if (text.data[at] < '0' || text.data[at] > '9') {
            return value_refuse(mapping,
                                "is not a whole number; fractions and exponents are not read");
        }
        bool overflow =
            __builtin_mul_overflow(magnitude, 10, &magnitude) ||
            __builtin_add_overflow(magnitude, (uint64_t)(text.data[at] - '0'), &magnitude);
        if (overflow) return value_refuse(mapping, "is out of range");
    }
    *out_negative = negative;
    *out_magnitude = magnitude;
    return true;
}

static bool
signed_map(struct mapping *mapping, const struct json_node *node, int64_t least, int64_t most,
           int64_t *out)
{
    bool negative;
    uint64_t magnitude;
    if (!integer_parse(mapping, node, &negative, &magnitude)) return false;
    if (magnitude > (uint64_t)INT64_MAX + negative) return value_refuse(mapping, "is out of range");
    int64_t value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    if (value < least || value > most) return value_refuse(mapping, "is out of range");
    *out = value;
    return true;
}

static bool
unsigned_map(struct mapping *mapping, const struct json_node *node, uint64_t most, uint64_t *out)
{
    bool negative;
    uint64_t magnitude;
    if (!integer_parse(mapping, node, &negative, &magnitude)) return false;
    if ((negative && magnitude != 0) || magnitude > most)
        return value_refuse(mapping, "is out of range");
    *out = magnitude;
    return true;
}

static bool
enum_map(struct mapping *mapping, const struct json_node *node,
         const ProtobufCEnumDescriptor *descriptor, int32_t *out)
{
    if (node->type == JSON_NUMBER) {
        int64_t number = 0;
        if (!signed_map(mapping, node, INT32_MIN, INT32_MAX, &number)) return false;
        *out = (int32_t)number;
        return true;
    }
    if (node->type != JSON_STRING) return value_refuse(mapping, "is not the name of a value");
    for (unsigned i = 0; i < descriptor->n_values; i++) {
        if (!bytes_equal(node->text, bytes_from_cstr(descriptor->values[i].name))) continue;
        *out = descriptor->values[i].value;
        return true;
    }
    return value_refuse(mapping, "'%.*s' is none of its values, such as %s",
                        (int)(node->text.size > 32 ? 32 : node->text.size),
                        (const char *)node->text.data,
                        descriptor->values[descriptor->n_values - 1].name);
}

static int
base64_digit(uint8_t character)
{
    if (character >= 'A' && character <= 'Z') return character - 'A';
    if (character >= 'a' && character <= 'z') return character - 'a' + 26;
    if (character >= '0' && character <= '9') return character - '0' + 52;
    if (character == '+' || character == '-') return 62;
    if (character == '/' || character == '_') return 63;
    return -1;
}

/* Both alphabets, with or without padding. */
static bool
base64_map(struct mapping *mapping, const struct json_node *node, ProtobufCBinaryData *out)
{
    struct bytes text = node->text;
    if (node->type != JSON_STRING) return value_refuse(mapping, "is not a string of base64");
    for (int i = 0; i < 2 && text.size != 0 && text.data[text.size - 1] == '='; i++)
        text.size--;
    uint8_t *data = arena_alloc(mapping->arena, text.size * 3 / 4 + 1);
    if (data == NULL) return false;

    size_t size = 0;
    uint32_t bits = 0;
    unsigned bit_count = 0;
    for (size_t i = 0; i < text.size; i++) {
        int digit = base64_digit(text.data[i]);
        if (digit < 0) return value_refuse(mapping, "is not base64");
        bits = bits << 6 | (uint32_t)digit;
        bit_count += 6;
        if (bit_count < 8) continue;
        bit_count -= 8;
        data[size++] = (uint8_t)(bits >> bit_count);
    }
    if (text.size % 4 == 1 || (bits & ((1u << bit_count) - 1)) != 0)
        return value_refuse(mapping, "is not base64");
    *out = (ProtobufCBinaryData){.len = size, .data = data};
    return true;
}

static bool
string_map(struct mapping *mapping, const struct json_node *node, char **out)
{
    if (node->type != JSON_STRING) return value_refuse(mapping, "is not a string");
    char *copy = arena_alloc(mapping->arena, node->text.size + 1);
    if (copy == NULL) return false;
    if (node->text.size != 0) memcpy(copy, node->text.data, node->text.size);
    copy[node->text.size] = '\0';
    *out = copy;
    return true;
}

static bool
value_map(struct mapping *mapping, const struct json_node *node,
          const ProtobufCFieldDescriptor *field, void *out)
{
    int64_t number = 0;
    uint64_t natural = 0;
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
        if (!signed_map(mapping, node, INT32_MIN, INT32_MAX, &number)) return false;
        *(int32_t *)out = (int32_t)number;
        return true;
    case PROTOBUF_C_TYPE_INT64: return signed_map(mapping, node, INT64_MIN, INT64_MAX, out);
    case PROTOBUF_C_TYPE_UINT32:
        if (!unsigned_map(mapping, node, UINT32_MAX, &natural)) return false;
        *(uint32_t *)out = (uint32_t)natural;
        return true;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64: return unsigned_map(mapping, node, UINT64_MAX, out);
    case PROTOBUF_C_TYPE_BOOL:
        if (node->type != JSON_TRUE && node->type != JSON_FALSE)
            return value_refuse(mapping, "is not true or false");
        *(protobuf_c_boolean *)out = node->type == JSON_TRUE;
        return true;
    case PROTOBUF_C_TYPE_ENUM: return enum_map(mapping, node, field->descriptor, out);
    case PROTOBUF_C_TYPE_STRING: return string_map(mapping, node, out);
    case PROTOBUF_C_TYPE_BYTES: return base64_map(mapping, node, out);
    case PROTOBUF_C_TYPE_MESSAGE: return message_map(mapping, node, field->descriptor, out);
    default: UNREACHABLE(); /* the schemas use no other type: tests/schemas would show a new one */
    }
}

static bool
repeated_map(struct mapping *mapping, const struct json_node *node,
             const ProtobufCFieldDescriptor *field, ProtobufCMessage *message)
{
    if (node->type != JSON_ARRAY) return value_refuse(mapping, "is not an array");
    size_t count = 0, index = 0, value_bytes = proto_value_bytes(field);
    for (const struct json_node *value = node->first; value != NULL; value = value->next)
        count++;
    uint8_t *values = arena_alloc(mapping->arena, count * value_bytes);
    if (values == NULL) return false;

    for (const struct json_node *value = node->first; value != NULL; value = value->next, index++) {
        if (value_map(mapping, value, field, values + index * value_bytes)) continue;
        codec_error_prefix(mapping->error, "[%zu]%s", index, dot_before(mapping->error));
        return false;
    }
    memcpy(proto_member(message, field->offset), &values, sizeof values);
    memcpy(proto_member(message, field->quantifier_offset), &count, sizeof count);
    return true;
}

static bool
field_map(struct mapping *mapping, const struct json_node *node,
          const ProtobufCFieldDescriptor *field, ProtobufCMessage *message)
{
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return repeated_map(mapping, node, field, message);
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
        uint32_t *chosen = proto_member(message, field->quantifier_offset);
        if (*chosen != 0) {
            return value_refuse(
                mapping, "cannot stand beside %s: only one of them can be told",
                protobuf_c_message_descriptor_get_field(message->descriptor, *chosen)->name);
        }
        *chosen = field->id;
    }
    return value_map(mapping, node, field, proto_member(message, field->offset));
}

static bool
message_map(struct mapping *mapping, const struct json_node *node,
            const ProtobufCMessageDescriptor *descriptor, ProtobufCMessage **out)
{
    if (node->type != JSON_OBJECT) return value_refuse(mapping, "is not an object");
    ProtobufCMessage *message = arena_alloc(mapping->arena, descriptor->sizeof_message);
    if (message == NULL) return false;
    protobuf_c_message_init(descriptor, message);

    uint64_t told[4] = {0}; /* by index of field: the two spellings of one name are one name */
    CHECK(descriptor->n_fields <= 64 * (sizeof told / sizeof *told));
    for (const struct json_node *value = node->first; value != NULL; value = value->next) {
        const ProtobufCFieldDescriptor *field = field_find(descriptor, value->name);
        int shown = (int)(value->name.size > FIELD_NAME_BYTES_MAX ? FIELD_NAME_BYTES_MAX
                                                                  : value->name.size);
        if (field == NULL) {
            return name_refuse(mapping, "%.*s: %s has no field of that name", shown,
                               (const char *)value->name.data, descriptor->short_name);
        }
        size_t index = (size_t)(field - descriptor->fields);
        if (told[index / 64] >> (index % 64) & 1)
            return name_refuse(mapping, "%s: is told twice", field->name);
        told[index / 64] |= UINT64_C(1) << (index % 64);
        if (value->type == JSON_NULL || field_map(mapping, value, field, message)) continue;
        codec_error_prefix(mapping->error, "%.*s%s", shown, (const char *)value->name.data,
                           dot_before(mapping->error));
        return false;
    }
    *out = message;
    return true;
}

enum codec_result
codec_json_to_message(const struct json_node *node, const ProtobufCMessageDescriptor *descriptor,
                      struct arena *arena, struct bytes *out_message, struct codec_error *out_error)
{
    struct mapping mapping = {.arena = arena, .error = out_error};
    ProtobufCMessage *message;
    out_error->problem = CODEC_NONE;
    if (!message_map(&mapping, node, descriptor, &message)) {
        if (out_error->problem == CODEC_NONE) return CODEC_NO_ROOM;
        if (out_error->text[0] == ':') codec_error_prefix(out_error, "%s", descriptor->short_name);
        return CODEC_UNREADABLE;
    }
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *packed = arena_alloc(arena, size);
    if (packed == NULL) return CODEC_NO_ROOM;
    CHECK(protobuf_c_message_pack(message, packed) == size);
    *out_message = bytes_of(packed, size);
    return CODEC_OK;
}

/* ---- Writing
 * ------------------------------------------------------------------------------------------------------
 */

static void message_write(struct writer *out, const ProtobufCMessage *message);

static void
write_text(struct writer *out, const char *text)
{
    writer_bytes(out, bytes_from_cstr(text));
}

static void
write_string(struct writer *out, const char *text)
{
    writer_u8(out, '"');
    for (const char *at = text; *at != '\0'; at++) {
        uint8_t character = (uint8_t)*at;
        char escaped[8];
        if (character == '"' || character == '\\') {
            writer_u8(out, '\\');
            writer_u8(out, character);
        } else if (character < 0x20 || character == 0x7f) {
            (void)snprintf(escaped, sizeof escaped, "\\u%04x", character);
            write_text(out, escaped);
        } else {
            writer_u8(out, character);
        }
    }
    writer_u8(out, '"');
}

static void
write_base64(struct writer *out, const ProtobufCBinaryData *data)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    writer_u8(out, '"');
    for (size_t i = 0; i < data->len; i += 3) {
        size_t left = data->len - i;
        uint32_t bits = (uint32_t)data->data[i] << 16;
        if (left > 1) bits |= (uint32_t)data->data[i + 1] << 8;
        if (left > 2) bits |= data->data[i + 2];
        writer_u8(out, (uint8_t)digits[bits >> 18]);
        writer_u8(out, (uint8_t)digits[bits >> 12 & 63]);
        writer_u8(out, left > 1 ? (uint8_t)digits[bits >> 6 & 63] : '=');
        writer_u8(out, left > 2 ? (uint8_t)digits[bits & 63] : '=');
    }
    writer_u8(out, '"');
}

/* A value that this version's schema does not name is written as its number. */
static void
write_enum(struct writer *out, const ProtobufCEnumDescriptor *descriptor, int32_t value)
{
    const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value(descriptor, value);
    char number[16];
    if (found != NULL) {
        write_string(out, found->name);
        return;
    }
    (void)snprintf(number, sizeof number, "%" PRId32, value);
    write_text(out, number);
}

static void
value_write(struct writer *out, const ProtobufCFieldDescriptor *field, const void *value)
{
    char number[32];
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
        (void)snprintf(number, sizeof number, "%" PRId32, *(const int32_t *)value);
        write_text(out, number);
        break;
    case PROTOBUF_C_TYPE_UINT32:
        (void)snprintf(number, sizeof number, "%" PRIu32, *(const uint32_t *)value);
        write_text(out, number);
        break;
    case PROTOBUF_C_TYPE_INT64:
        (void)snprintf(number, sizeof number, "\"%" PRId64 "\"", *(const int64_t *)value);
        write_text(out, number);
        break;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        (void)snprintf(number, sizeof number, "\"%" PRIu64 "\"", *(const uint64_t *)value);
        write_text(out, number);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        write_text(out, *(const protobuf_c_boolean *)value ? "true" : "false");
        break;
    case PROTOBUF_C_TYPE_ENUM: write_enum(out, field->descriptor, *(const int32_t *)value); break;
    case PROTOBUF_C_TYPE_STRING: write_string(out, *(char *const *)value); break;
    case PROTOBUF_C_TYPE_BYTES: write_base64(out, value); break;
    case PROTOBUF_C_TYPE_MESSAGE: message_write(out, *(ProtobufCMessage *const *)value); break;
    default: UNREACHABLE();
    }
}

static void
message_write(struct writer *out, const ProtobufCMessage *message)
{
    bool first = true;
    writer_u8(out, '{');
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        size_t count = proto_count(message, field);
        if (count == 0) continue;

        char name[FIELD_NAME_BYTES_MAX];
        if (!first) writer_u8(out, ',');
        first = false;
        writer_u8(out, '"');
        writer_bytes(out, bytes_of(name, json_name(field->name, name, sizeof name)));
        write_text(out, "\":");

        const uint8_t *value = proto_member(message, field->offset);
        if (field->label != PROTOBUF_C_LABEL_REPEATED) {
            value_write(out, field, value);
            continue;
        }
        const uint8_t *values = *(uint8_t *const *)value;
        for (size_t k = 0; k < count; k++) {
            writer_u8(out, k == 0 ? '[' : ',');
            value_write(out, field, values + k * proto_value_bytes(field));
        }
        writer_u8(out, ']');
    }
    writer_u8(out, '}');
}

enum codec_result
codec_json_write(struct bytes message, const ProtobufCMessageDescriptor *descriptor,
                 struct arena *arena, struct writer *out)
{
    size_t mark = arena_mark(arena);
    struct proto_arena proto;
    proto_arena_init(&proto, arena);
    ProtobufCMessage *unpacked =
        protobuf_c_message_unpack(descriptor, &proto.allocator, message.size, message.data);
    enum codec_result result = proto.full ? CODEC_NO_ROOM : CODEC_UNREADABLE;
    if (unpacked != NULL) {
        message_write(out, unpacked);
        result = out->overflow ? CODEC_NO_ROOM : CODEC_OK;
    }
    arena_reset_to(arena, mark);
    return result;
}
