#include "tests/unit/codec_fixture.h"

struct source_row {
    const char *what;
    struct bytes value;
    int events;       /* that come out, readable or not */
    int unreadable;   /* among them */
    const char *text; /* of the last error; NULL: none */
};

/* An Event of id "e" alone, and one with member "m". */
#define SINGLE "\x12\x01\x65"
#define PACKED "\xc2\x3e\x03" SINGLE

static const struct source_row rows[] = {
    {"a tombstone", BYTES_LITERAL(""), 0, 0, NULL},
    {"one event", BYTES_LITERAL(SINGLE), 1, 0, NULL},
    {"a pack", BYTES_LITERAL(PACKED PACKED PACKED), 3, 0, NULL},
    {"a pack with an empty event", BYTES_LITERAL(PACKED "\xc2\x3e\x00"), 2, 0, NULL},
    {"a pack that breaks off", BYTES_LITERAL(PACKED "\xc2\x3e\x09"), 2, 1,
     "event 1 of the pack: the message breaks off within a field"},
    {"a pack with something else", BYTES_LITERAL(PACKED SINGLE), 2, 1,
     "event 1 of the pack: something else than an event"},
    {"framed, index 0", BYTES_LITERAL("\x00\x00\x00\x00\x07\x00" SINGLE), 1, 0, NULL},
    {"framed, index list of one", BYTES_LITERAL("\x00\x00\x00\x00\x07\x02\x00" SINGLE), 1, 0, NULL},
    {"framed, no index", BYTES_LITERAL("\x00\x00\x00\x00\x07" SINGLE), 1, 0, NULL},
    {"framed pack", BYTES_LITERAL("\x00\x00\x00\x00\x07\x00" PACKED PACKED), 2, 0, NULL},
    {"framed JSON", BYTES_LITERAL("\x00\x00\x00\x00\x07{\"id\":\"e\"}"), 1, 0, NULL},
    {"a frame that breaks off", BYTES_LITERAL("\x00\x00\x00"), 0, 1,
     "a schema-registry frame has 5 bytes before its message; there are 3 in all"},
    {"a frame around nothing", BYTES_LITERAL("\x00\x00\x00\x00\x07\x00"), 0, 1,
     "the schema-registry frame holds no message"},
    {"JSON", BYTES_LITERAL("{\"id\":\"e\"}"), 1, 0, NULL},
    {"JSON, an array", BYTES_LITERAL("[{\"id\":\"e\"}, {\"id\":\"e\"}]"), 2, 0, NULL},
    {"JSON, an empty array", BYTES_LITERAL("[]"), 0, 0, NULL},
    {"JSON, a pack", BYTES_LITERAL("{\"events\":[{\"id\":\"e\"},{\"id\":\"e\"}]}"), 2, 0, NULL},
    {"JSON, one bad in the middle", BYTES_LITERAL("[{\"id\":\"e\"},{\"it\":\"e\"},{\"id\":\"e\"}]"),
     3, 1, "event 1 of the array: it: Event has no field of that name"},
    {"JSON, an element that is no object", BYTES_LITERAL("[7]"), 1, 1,
     "event 0 of the array: Event: is not an object"},
    {"JSON that breaks off", BYTES_LITERAL("{\"id\":\n \"e"), 0, 1,
     "JSON 2:4: the text breaks off"},
};

Test(codec_source, takes_messages_apart)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct source_row *row = &rows[i];
        struct arena *arena = fixture_arena();
        struct codec_source source;
        struct codec_error error = {0};
        int events = 0, unreadable = 0;
        enum codec_result result = codec_source_open(row->value, arena, &source, &error);
        unreadable += result == CODEC_UNREADABLE;
        while (result == CODEC_OK) {
            bool done;
            struct bytes event;
            enum codec_result next = codec_source_next(&source, &done, &event, &error);
            if (done) break;
            events++;
            unreadable += next == CODEC_UNREADABLE;
            if (next == CODEC_OK && event.size != 0) {
                cr_expect(bytes_equal(event, BYTES_LITERAL(SINGLE)), "%s: event %d", row->what,
                          events);
            }
            cr_assert_lt(events, 10, "%s: no end", row->what);
        }
        cr_expect(events == row->events && unreadable == row->unreadable, "%s: %d, %d bad: %s",
                  row->what, events, unreadable, error.text);
        if (row->text != NULL)
            cr_expect_str_eq(error.text, row->text, "%s: %s", row->what, error.text);
    }
}
