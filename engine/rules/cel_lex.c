#include "engine/rules/cel_lex.h"

#include <string.h>

static int
peek(const struct cel_lexer *lexer, uint32_t ahead)
{
    size_t at = (size_t)lexer->at + ahead;
    return at < lexer->source.size ? lexer->source.data[at] : -1;
}

static bool
is_digit(int byte)
{
    return byte >= '0' && byte <= '9';
}

static bool
is_name_start(int byte)
{
    return byte == '_' || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');
}

/* The value of a digit in any base up to 16; -1 when it is none. */
static int
digit_value(int byte)
{
    if (is_digit(byte)) return byte - '0';
    int letter = byte | 0x20;
    return byte >= 0 && letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

static void
skip_blanks(struct cel_lexer *lexer)
{
    for (;;) {
        int byte = peek(lexer, 0);
        if (byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r' || byte == '\f') {
            lexer->at++;
        } else if (byte == '/' && peek(lexer, 1) == '/') {
            while (peek(lexer, 0) >= 0 && peek(lexer, 0) != '\n') {
                lexer->at++;
            }
        } else {
            return;
        }
    }
}

/* ---- Numbers ---- */

static bool
refuse_decimals(uint32_t offset, struct cel_error *out_error)
{
    cel_fail(out_error, CEL_OUTSIDE, offset, "conditions have no decimals");
    return cel_hint(out_error, "write money in minor units: 1250 for 12.50");
}

static bool
next_number(struct cel_lexer *lexer, struct cel_token *token, struct cel_error *out_error)
{
    bool hexadecimal =
        peek(lexer, 0) == '0' && peek(lexer, 1) == 'x' && digit_value(peek(lexer, 2)) >= 0;
    unsigned base = hexadecimal ? 16 : 10;
    if (hexadecimal) lexer->at += 2;
    uint64_t value = 0;
    bool fits = true;
    for (int digit; (digit = digit_value(peek(lexer, 0))) >= 0 && digit < (int)base; lexer->at++) {
        fits = fits && !__builtin_mul_overflow(value, base, &value) &&
               !__builtin_add_overflow(value, (unsigned)digit, &value);
    }
    int after = peek(lexer, 0);
    if (!hexadecimal) {
        int exponent = peek(lexer, 1) == '+' || peek(lexer, 1) == '-' ? 2 : 1;
        bool has_exponent = (after | 0x20) == 'e' && is_digit(peek(lexer, (uint32_t)exponent));
        if (has_exponent || (after == '.' && is_digit(peek(lexer, 1)))) {
            return refuse_decimals(token->offset, out_error);
        }
    }
    if (after == 'u' || after == 'U') {
        cel_fail(out_error, CEL_OUTSIDE, token->offset, "conditions have no unsigned numbers");
        return cel_hint(out_error, "leave out the 'u'");
    }
    if (!fits || value > (uint64_t)INT64_MAX + 1) {
        return cel_fail(out_error, CEL_CONSTANT, token->offset, "this number leaves 64 bits");
    }
    token->kind = CEL_TOKEN_NUMBER;
    token->number = value;
    return true;
}

/* ---- Texts ---- */

static void
write_character(uint32_t character, struct writer *writer)
{
    if (character < 0x80) {
        writer_u8(writer, (uint8_t)character);
        return;
    }
    unsigned tail = character < 0x800 ? 1 : character < 0x10000 ? 2 : 3;
    static const uint8_t lead[] = {0, 0xc0, 0xe0, 0xf0};
    writer_u8(writer, (uint8_t)(lead[tail] | character >> (6 * tail)));
    while (tail-- > 0) {
        writer_u8(writer, (uint8_t)(0x80 | (character >> (6 * tail) & 0x3f)));
    }
}

/* The number that an escape spells out in `digits` digits from `at`; false when they are not there
 * or name no character. */
static bool
escaped_number(const struct cel_lexer *lexer, uint32_t ahead, unsigned digits, int base,
               uint32_t *out_character)
{
    uint32_t character = 0;
    for (unsigned i = 0; i < digits; i++) {
        int digit = digit_value(peek(lexer, ahead + i));
        if (digit < 0 || digit >= base) return false;
        character = character * (uint32_t)base + (uint32_t)digit;
    }
    bool surrogate = character >= 0xd800 && character <= 0xdfff;
    if (surrogate || character > 0x10ffff) return false;
    *out_character = character;
    return true;
}

/* One escape, from its backslash. */
static bool
read_escape(struct cel_lexer *lexer, struct writer *writer, struct cel_error *out_error)
{
    static const char letters[] = "abfnrtv\\?\"'`", meanings[] = "\a\b\f\n\r\t\v\\?\"'`";
    int kind = peek(lexer, 1);
    const char *letter = kind > 0 ? strchr(letters, kind) : NULL;
    uint32_t character;
    uint32_t size = 2;
    bool good = true;
    if (letter != NULL) {
        character = (uint8_t)meanings[letter - letters];
    } else if (kind == 'x' || kind == 'X') {
        good = escaped_number(lexer, 2, 2, 16, &character);
        size = 4;
    } else if (kind == 'u') {
        good = escaped_number(lexer, 2, 4, 16, &character);
        size = 6;
    } else if (kind == 'U') {
        good = escaped_number(lexer, 2, 8, 16, &character);
        size = 10;
    } else {
        good = kind >= '0' && kind <= '3' && escaped_number(lexer, 1, 3, 8, &character);
        size = 4;
    }
    if (!good) {
        cel_fail(out_error, CEL_SYNTAX, lexer->at, "this escape means nothing");
        return cel_hint(out_error, "a backslash itself is written \\\\; r\"…\" has no escapes");
    }
    write_character(character, writer);
    lexer->at += size;
    return true;
}

/* From the quote on; the marks before it were read. */
static bool
next_text(struct cel_lexer *lexer, bool raw, struct cel_token *token, struct cel_error *out_error)
{
    int quote = peek(lexer, 0);
    bool triple = peek(lexer, 1) == quote && peek(lexer, 2) == quote;
    unsigned quotes = triple ? 3 : 1;
    lexer->at += quotes;
    /* An escape is never shorter than what it means. */
    size_t room = lexer->source.size - lexer->at, mark = arena_mark(lexer->arena);
    uint8_t *memory = arena_alloc(lexer->arena, room);
    if (memory == NULL) {
        return cel_fail(out_error, CEL_TOO_MUCH, token->offset, "the condition is too long");
    }
    struct writer writer = writer_of(memory, room);
    for (;;) {
        int byte = peek(lexer, 0);
        bool line_ends = byte == '\n' || byte == '\r';
        if (byte < 0 || (line_ends && !triple)) {
            return cel_fail(out_error, CEL_SYNTAX, token->offset, "this text does not end");
        }
        if (byte == quote && (!triple || (peek(lexer, 1) == quote && peek(lexer, 2) == quote))) {
            break;
        }
        if (byte == '\\' && !raw) {
            if (!read_escape(lexer, &writer, out_error)) return false;
        } else {
            writer_u8(&writer, (uint8_t)byte);
            lexer->at++;
        }
    }
    lexer->at += quotes;
    token->kind = CEL_TOKEN_TEXT;
    token->text = writer_span(&writer);
    arena_reset_to(lexer->arena, mark);
    arena_alloc(lexer->arena, token->text.size); /* the same place, no longer than needed */
    return true;
}

/* True when a text begins here, after its marks r and b in any order. */
static bool
text_begins(const struct cel_lexer *lexer, bool *out_raw, bool *out_bytes, uint32_t *out_marks)
{
    *out_raw = *out_bytes = false;
    for (*out_marks = 0; *out_marks < 3; ++*out_marks) {
        int byte = peek(lexer, *out_marks);
        if (byte == '"' || byte == '\'') return true;
        if ((byte | 0x20) == 'r' && !*out_raw) {
            *out_raw = true;
        } else if ((byte | 0x20) == 'b' && !*out_bytes) {
            *out_bytes = true;
        } else {
            return false;
        }
    }
    return false;
}

/* ---- Names and signs ---- */

static bool
next_name(struct cel_lexer *lexer, struct cel_token *token)
{
    while (is_name_start(peek(lexer, 0)) || is_digit(peek(lexer, 0))) {
        lexer->at++;
    }
    token->text = bytes_of(lexer->source.data + token->offset, lexer->at - token->offset);
    token->kind = CEL_TOKEN_NAME;
    if (bytes_equal(token->text, BYTES_LITERAL("true"))) token->kind = CEL_TOKEN_TRUE;
    if (bytes_equal(token->text, BYTES_LITERAL("false"))) token->kind = CEL_TOKEN_FALSE;
    if (bytes_equal(token->text, BYTES_LITERAL("in"))) token->kind = CEL_TOKEN_IN;
    return true;
}

static const struct {
    const char *text; /* longer ones first */
    enum cel_token_kind kind;
} signs[] = {
    {"&&", CEL_TOKEN_AND},       {"||", CEL_TOKEN_OR},         {"==", CEL_TOKEN_EQUAL},
    {"!=", CEL_TOKEN_DIFFERENT}, {"<=", CEL_TOKEN_LESS_EQUAL}, {">=", CEL_TOKEN_GREATER_EQUAL},
    {"<", CEL_TOKEN_LESS},       {">", CEL_TOKEN_GREATER},     {"!", CEL_TOKEN_NOT},
    {"?", CEL_TOKEN_QUESTION},   {":", CEL_TOKEN_COLON},       {"+", CEL_TOKEN_PLUS},
    {"-", CEL_TOKEN_MINUS},      {"*", CEL_TOKEN_TIMES},       {"/", CEL_TOKEN_SLASH},
    {"%", CEL_TOKEN_PERCENT},    {"(", CEL_TOKEN_OPEN},        {")", CEL_TOKEN_CLOSE},
    {"[", CEL_TOKEN_OPEN_LIST},  {"]", CEL_TOKEN_CLOSE_LIST},  {"{", CEL_TOKEN_OPEN_MAP},
    {",", CEL_TOKEN_COMMA},      {".", CEL_TOKEN_DOT},
};

static bool
next_sign(struct cel_lexer *lexer, struct cel_token *token, struct cel_error *out_error)
{
    struct bytes rest = bytes_of(lexer->source.data + lexer->at, lexer->source.size - lexer->at);
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        struct bytes sign = bytes_from_cstr(signs[i].text);
        if (!bytes_start_with(rest, sign)) continue;
        token->kind = signs[i].kind;
        token->text = bytes_of(rest.data, sign.size);
        lexer->at += (uint32_t)sign.size;
        return true;
    }
    int byte = rest.data[0];
    cel_fail(out_error, CEL_SYNTAX, lexer->at, "this sign has no meaning here");
    if (byte == '=') return cel_hint(out_error, "equal is '=='");
    if (byte == '&') return cel_hint(out_error, "and is '&&'");
    if (byte == '|') return cel_hint(out_error, "or is '||'");
    if (byte == '`') {
        cel_fail(out_error, CEL_OUTSIDE, lexer->at, "conditions have no names in backquotes");
        return cel_hint(out_error, "write attributes[\"…\"]");
    }
    return false;
}

bool
cel_next(struct cel_lexer *lexer, struct cel_token *out_token, struct cel_error *out_error)
{
    skip_blanks(lexer);
    struct cel_token token = {.kind = CEL_TOKEN_END, .offset = lexer->at};
    int byte = peek(lexer, 0);
    bool good = true;
    bool raw, as_bytes;
    uint32_t marks;
    if (byte < 0) {
        token.text = bytes_of(NULL, 0);
    } else if (is_digit(byte)) {
        good = next_number(lexer, &token, out_error);
    } else if (byte == '.' && is_digit(peek(lexer, 1))) {
        good = refuse_decimals(lexer->at, out_error);
    } else if (text_begins(lexer, &raw, &as_bytes, &marks)) {
        if (as_bytes) {
            return cel_fail(out_error, CEL_OUTSIDE, lexer->at, "conditions have no bytes (b\"…\")");
        }
        lexer->at += marks;
        good = next_text(lexer, raw, &token, out_error);
    } else if (is_name_start(byte)) {
        good = next_name(lexer, &token);
    } else {
        good = next_sign(lexer, &token, out_error);
    }
    if (good) *out_token = token;
    return good;
}
