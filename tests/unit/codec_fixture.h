/* What tests of the codec share: an arena, and events written as JSON, which reads best. */
#ifndef TALLYBOOK_TESTS_UNIT_CODEC_FIXTURE_H
#define TALLYBOOK_TESTS_UNIT_CODEC_FIXTURE_H

#include <criterion/criterion.h>

#include "consumers/codec_event.h"
#include "consumers/codec_json.h"
#include "consumers/codec_source.h"
#include "engine/base/arena.h"
#include "engine/base/bytes.h"

static inline struct arena *
fixture_arena(void)
{
    static _Alignas(ARENA_ALIGNMENT) uint8_t memory[8 * 1024 * 1024];
    static struct arena arena;
    arena_init(&arena, memory, sizeof memory);
    return &arena;
}

/* The protobuf of one event given as JSON. */
static inline struct bytes
fixture_event(const char *json, struct arena *arena)
{
    struct codec_source source;
    struct codec_error error = {0};
    struct bytes event = {0};
    bool done = true;
    enum codec_result result = codec_source_open(bytes_from_cstr(json), arena, &source, &error);
    if (result == CODEC_OK) result = codec_source_next(&source, &done, &event, &error);
    cr_assert(result == CODEC_OK && !done, "%s\n%s", json, error.text);
    return event;
}

static inline bool
text_is(struct bytes text, const char *expected)
{
    return bytes_equal(text, bytes_from_cstr(expected));
}

#endif
