#include "consumers/codec_record.h"

#include "consumers/codec_wire_priv.h"
#include "engine/core/verdict.h"
#include "tallybook/v1/journal.pb-c.h"
#include "tests/unit/codec_fixture.h"

static uint8_t record_memory[RECORD_BYTES_MAX];

static struct bytes
good_event(struct arena *arena)
{
    return fixture_event("{\"source\":\"s\",\"id\":\"e\",\"member\":\"m\",\"occurredAtMs\":1000,"
                         "\"cancellation\":{\"orderId\":\"o\"}}",
                         arena);
}

static bool
record_decode(struct bytes record, struct arena *arena, struct entry *out_entries, size_t max,
              size_t *out_count, struct fault *out_fault)
{
    const struct record_decoder *decoder = codec_record_decoder();
    return decoder->decode(decoder, record, arena, out_entries, max, out_count, out_fault);
}

static const struct genesis genesis = {
    .format = JOURNAL_FORMAT,
    .law = LAW_VERSION,
    .journal_id = "0123456789abcdef",
    .programme = BYTES_LITERAL("shop"),
    .partition_count = 8,
    .partition = 7,
    .time_kind = TIME_RECORD,
};
/* An anchor at offset 70,000, entry 12. */
#define ANCHOR                                                                                     \
    {                                                                                              \
        .applied = UINT64_C(70000) << 16 | 12, .chain = UINT64_C(0xfedcba9876543210)               \
    }
static const struct anchor anchor = ANCHOR;
static const struct tick tick = {.has_anchor = true, .anchor = ANCHOR}, plain_tick = {0};
static const struct claim claim = {
    .nonce = UINT64_MAX,
    .replaces = 5 << 16 | 65535,
    .has_anchor = true,
    .anchor = ANCHOR,
    .owner = BYTES_LITERAL("host:1"),
};
static const struct claim first_claim = {.nonce = 1, .has_anchor = true};
static const struct hole hole = {
    .topic = BYTES_LITERAL("orders"),
    .partition = 3,
    .offset = INT64_C(1) << 40,
    .reason = BYTES_LITERAL("bad_json"),
};
static const struct activation activation = {
    .name = BYTES_LITERAL("retail"),
    .version = 4,
    .effective_from = {1700000000000},
    .retroactive = true,
    .yaml = BYTES_LITERAL("name: retail\n"),
    .program = BYTES_LITERAL("\x01\x00\x02"),
};

static struct bytes
record_of_all(struct arena *arena)
{
    struct record_builder builder;
    codec_record_begin(&builder, record_memory, sizeof record_memory);
    cr_expect_eq(codec_record_span(&builder).size, 0);
    cr_assert(codec_record_add_genesis(&builder, &genesis, 5));
    cr_assert(codec_record_add_event(&builder, good_event(arena), 6));
    cr_assert(codec_record_add_tick(&builder, &tick, 7));
    cr_assert(codec_record_add_tick(&builder, &plain_tick, 0));
    cr_assert(codec_record_add_claim(&builder, &claim, 0));
    cr_assert(codec_record_add_claim(&builder, &first_claim, 0));
    cr_assert(codec_record_add_hole(&builder, &hole, 8));
    cr_assert(codec_record_add_activation(&builder, &activation, 9));
    cr_assert(codec_record_add_live(&builder, 10));
    cr_assert(codec_record_add_law(&builder, 2, 11));
    cr_assert(codec_record_add_forward(&builder, good_event(arena), 99));
    cr_expect_eq(builder.count, 11);
    return codec_record_span(&builder);
}

static void
first_entries_match(const struct entry *entries)
{
    const struct genesis *g = &entries[0].genesis;
    cr_assert_eq(entries[0].kind, ENTRY_GENESIS);
    cr_expect(g->format == JOURNAL_FORMAT && g->law == LAW_VERSION && g->partition_count == 8 &&
              g->partition == 7 && g->time_kind == TIME_RECORD && text_is(g->programme, "shop") &&
              memcmp(g->journal_id, genesis.journal_id, JOURNAL_ID_BYTES) == 0);
    cr_assert_eq(entries[1].kind, ENTRY_EVENT);
    cr_expect_eq(entries[1].event.kind, EVENT_CANCELLATION);
    cr_expect_eq(entries[1].event.first_append.ms, 0);
    cr_assert_eq(entries[2].kind, ENTRY_TICK);
    cr_expect(entries[2].tick.has_anchor && entries[2].tick.anchor.applied == anchor.applied &&
              entries[2].tick.anchor.chain == anchor.chain);
    cr_expect_not(entries[3].tick.has_anchor);
    const struct claim *c = &entries[4].claim;
    cr_assert_eq(entries[4].kind, ENTRY_CLAIM);
    cr_expect(c->nonce == claim.nonce && c->replaces == claim.replaces && c->has_anchor &&
              c->anchor.applied == anchor.applied && text_is(c->owner, "host:1"));
    c = &entries[5].claim;
    cr_expect(c->nonce == 1 && c->replaces == 0 && c->has_anchor && c->anchor.applied == 0 &&
                  c->owner.size == 0,
              "an anchor of zeros is an anchor");
}

static void
last_entries_match(const struct entry *entries)
{
    const struct hole *h = &entries[6].hole;
    cr_assert_eq(entries[6].kind, ENTRY_HOLE);
    cr_expect(text_is(h->topic, "orders") && h->partition == 3 && h->offset == hole.offset &&
              text_is(h->reason, "bad_json"));
    const struct activation *a = &entries[7].activation;
    cr_assert_eq(entries[7].kind, ENTRY_ACTIVATION);
    cr_expect(text_is(a->name, "retail") && a->version == 4 && a->retroactive &&
              a->effective_from.ms == activation.effective_from.ms &&
              bytes_equal(a->yaml, activation.yaml) && bytes_equal(a->program, activation.program));
    cr_expect_eq(entries[8].kind, ENTRY_LIVE);
    cr_assert_eq(entries[9].kind, ENTRY_LAW);
    cr_expect_eq(entries[9].law, 2);
    cr_assert_eq(entries[10].kind, ENTRY_EVENT);
    cr_expect_eq(entries[10].event.first_append.ms, 99);
    cr_expect_eq(entries[10].event.content_hash, entries[1].event.content_hash);
}

Test(codec_record, every_entry_comes_back)
{
    struct arena *arena = fixture_arena();
    struct bytes record = record_of_all(arena);
    struct entry entries[16];
    struct fault fault;
    size_t count;
    cr_assert(record_decode(record, arena, entries, 16, &count, &fault), "%s", fault.text);
    cr_assert_eq(count, 11);
    const int64_t times[] = {5, 6, 7, 0, 0, 0, 8, 9, 10, 11, 0};
    for (size_t i = 0; i < count; i++) {
        cr_expect_eq(entries[i].journal_time.ms, times[i], "entry %zu", i);
    }
    first_entries_match(entries);
    last_entries_match(entries);
    cr_expect_not(record_decode(record, arena, entries, 10, &count, &fault), "one too many");
    cr_expect_eq(fault.kind, FAULT_DATA);
}

Test(codec_record, claims_are_found_by_skimming)
{
    struct bytes record = record_of_all(fixture_arena());
    struct fault fault;
    size_t count;
    struct claim_mark marks[4];
    const struct record_decoder *decoder = codec_record_decoder();
    cr_assert(decoder->skim_claims(decoder, record, marks, 4, &count, &fault), "%s", fault.text);
    cr_assert_eq(count, 2);
    cr_expect(marks[0].index == 4 && marks[0].nonce == claim.nonce &&
              marks[0].replaces == claim.replaces);
    cr_expect(marks[1].index == 5 && marks[1].nonce == 1 && marks[1].replaces == 0);
    cr_expect_not(decoder->skim_claims(decoder, record, marks, 1, &count, &fault));
}

/* The reference packs the same bytes: encoding is canonical. */
Test(codec_record, records_are_canonical)
{
    struct bytes record = record_of_all(fixture_arena());
    Tallybook__V1__JournalRecord *message =
        tallybook__v1__journal_record__unpack(NULL, record.size, record.data);
    cr_assert_not_null(message);
    uint8_t packed[2048];
    cr_assert_eq(tallybook__v1__journal_record__get_packed_size(message), record.size);
    tallybook__v1__journal_record__pack(message, packed);
    cr_expect_arr_eq(packed, record.data, record.size);
    tallybook__v1__journal_record__free_unpacked(message, NULL);
}

Test(codec_record, encodes_what_an_engine_appends)
{
    struct arena *arena = fixture_arena();
    const struct record_decoder *decoder = codec_record_decoder();
    const struct tick short_tick = {.has_anchor = true, .anchor = {.applied = 3, .chain = 4}};
    const struct claim short_claim = {.nonce = 5, .owner = BYTES_LITERAL("me")};
    uint8_t memory[3][256];
    struct writer out[3];
    for (int i = 0; i < 3; i++)
        out[i] = writer_of(memory[i], sizeof memory[i]);
    cr_assert(decoder->encode_tick(decoder, &short_tick, 77, &out[0]));
    cr_assert(decoder->encode_claim(decoder, &short_claim, &out[1]));
    cr_assert(decoder->encode_forward(decoder, good_event(arena), 66, &out[2]));

    struct entry entry;
    struct fault fault;
    size_t count;
    cr_assert(record_decode(writer_span(&out[0]), arena, &entry, 1, &count, &fault));
    cr_expect(entry.kind == ENTRY_TICK && entry.journal_time.ms == 77 &&
              entry.tick.anchor.chain == 4);
    cr_assert(record_decode(writer_span(&out[1]), arena, &entry, 1, &count, &fault));
    cr_expect(entry.kind == ENTRY_CLAIM && entry.claim.nonce == 5 && !entry.claim.has_anchor);
    cr_assert(record_decode(writer_span(&out[2]), arena, &entry, 1, &count, &fault));
    cr_expect(entry.kind == ENTRY_EVENT && entry.event.first_append.ms == 66);

    for (size_t room = 0; room < 20; room++) {
        struct writer small = writer_of(memory[0], room);
        cr_expect_not(decoder->encode_tick(decoder, &short_tick, 77, &small));
        small = writer_of(memory[0], room);
        cr_expect_not(decoder->encode_forward(decoder, good_event(arena), 66, &small));
    }
}

Test(codec_record, is_full_at_its_limits)
{
    struct arena *arena = fixture_arena();
    struct bytes event =
        fixture_event("{\"source\":\"shop\",\"id\":\"event-with-a-longer-id\",\"member\":\"m\","
                      "\"occurredAtMs\":1000,\"enrol\":{}}",
                      arena);
    struct record_builder builder;
    codec_record_begin(&builder, record_memory, sizeof record_memory);
    while (codec_record_add_event(&builder, event, 1)) {
    }
    size_t entry_size = codec_record_span(&builder).size / builder.count;
    cr_expect_leq(codec_record_span(&builder).size, RECORD_BYTES_MAX);
    cr_expect_gt(codec_record_span(&builder).size, RECORD_BYTES_MAX - entry_size - 1,
                 "no room is left for another");

    static struct entry entries[RECORD_ENTRIES_MAX];
    struct fault fault;
    size_t count;
    cr_assert(record_decode(codec_record_span(&builder), arena, entries, RECORD_ENTRIES_MAX, &count,
                            &fault),
              "%s", fault.text);
    cr_expect_eq(count, builder.count);
    cr_expect_eq(entries[count - 1].event.content_hash, entries[0].event.content_hash);

    codec_record_begin(&builder, record_memory, sizeof record_memory);
    while (codec_record_add_tick(&builder, &plain_tick, 0)) {
    }
    cr_expect_eq(builder.count, RECORD_ENTRIES_MAX,
                 "so many small ones fit that a position can name");

    struct arena small;
    static _Alignas(ARENA_ALIGNMENT) uint8_t little[16];
    arena_init(&small, little, sizeof little);
    codec_record_begin(&builder, record_memory, sizeof record_memory);
    struct bytes purchase = fixture_event(
        "{\"source\":\"s\",\"id\":\"e\",\"member\":\"m\",\"occurredAtMs\":1,\"purchase\":{"
        "\"orderId\":\"o\",\"currency\":\"EUR\",\"lines\":[{}]}}",
        arena);
    cr_assert(codec_record_add_event(&builder, purchase, 1));
    cr_expect_not(record_decode(codec_record_span(&builder), &small, entries, 1, &count, &fault));
    cr_expect_eq(fault.kind, FAULT_TRY_AGAIN);
}

Test(codec_record, an_event_that_cannot_be_read_stops_nothing)
{
    const struct {
        const char *what;
        struct bytes event;
        const char *source, *detail;
    } rows[] = {
        {"garbage", BYTES_LITERAL("\xff\xff"), "", "the message breaks off"},
        {"nothing", BYTES_LITERAL(""), "", "the event has no payload"},
        {"no member", BYTES_LITERAL("\x0a\x01s\x12\x01\x65\x50\x01\x82\x05\x00"), "",
         "neither member nor guest"},
        {"a kind of later", BYTES_LITERAL("\x0a\x01s\x12\x01\x65\x1a\x01m\x50\x01\xa2\x06\x00"), "",
         "kind 'transfer' is not handled"},
        {"bad form", BYTES_LITERAL("\x0a\x01s\x12\x01\x65\x1a\x01m\x82\x05\x00"), "s",
         "occurred_at_ms: is missing"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena *arena = fixture_arena();
        struct record_builder builder;
        codec_record_begin(&builder, record_memory, sizeof record_memory);
        cr_assert(codec_record_add_event(&builder, good_event(arena), 1));
        cr_assert(codec_record_add_event(&builder, rows[i].event, 2));
        cr_assert(codec_record_add_event(&builder, good_event(arena), 3));

        struct entry entries[4];
        struct fault fault;
        size_t count;
        cr_assert(record_decode(codec_record_span(&builder), arena, entries, 4, &count, &fault),
                  "%s: %s", rows[i].what, fault.text);
        cr_assert_eq(count, 3);
        cr_expect(entries[0].kind == ENTRY_EVENT && entries[2].kind == ENTRY_EVENT, "%s",
                  rows[i].what);
        const struct refused *refused = &entries[1].refused;
        cr_expect(entries[1].kind == ENTRY_REFUSED && entries[1].journal_time.ms == 2 &&
                      refused->verdict == VERDICT_MALFORMED &&
                      text_is(refused->source, rows[i].source) &&
                      bytes_start_with(refused->detail, bytes_from_cstr(rows[i].detail)),
                  "%s: %.*s", rows[i].what, (int)refused->detail.size,
                  (const char *)refused->detail.data);
    }
}

Test(codec_record, damage_is_a_fault)
{
    const struct {
        const char *what;
        struct bytes record;
        const char *text;
    } rows[] = {
        {"an empty record", {NULL, 0}, "the record is damaged: it is empty"},
        {"no record", BYTES_LITERAL("hello"), "the record is damaged: "},
        {"an entry without a body", BYTES_LITERAL("\x0a\x00"),
         "entry 0: the record is damaged: an entry is empty"},
        {"an entry with two", BYTES_LITERAL("\x0a\x04\x42\x00\x42\x00"),
         "entry 0: the record is damaged"},
        {"an entry that breaks off", BYTES_LITERAL("\x0a\x04\x42"),
         "the record is damaged: the message breaks off"},
        {"an entry of later", BYTES_LITERAL("\x0a\x02\x42\x00\x0a\x03\xa2\x06\x00"),
         "entry 1: the record has an entry of kind 100, which this version does not know"},
        {"a genesis without an id", BYTES_LITERAL("\x0a\x02\x1a\x00"),
         "entry 0: the record is damaged: record 0 has no journal id"},
        {"a law that is a text", BYTES_LITERAL("\x0a\x04\x4a\x02\x0a\x00"),
         "entry 0: the record is damaged: a field has another type"},
        {"a position beyond 48 bits",
         BYTES_LITERAL("\x0a\x0e\x22\x0c\x0a\x0a\x0a\x08\x08\x80\x80\x80\x80\x80\x80\x40"),
         "entry 0: the record is damaged: a position is out of range"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct entry entries[4];
        struct fault fault;
        size_t count;
        cr_assert_not(record_decode(rows[i].record, fixture_arena(), entries, 4, &count, &fault),
                      "%s", rows[i].what);
        cr_expect_eq(fault.kind, FAULT_DATA, "%s", rows[i].what);
        cr_expect(strncmp(fault.text, rows[i].text, strlen(rows[i].text)) == 0, "%s: %s",
                  rows[i].what, fault.text);
    }
}
