#include "consumers/codec_record.h"

#include "consumers/codec_event.h"
#include "consumers/codec_wire_priv.h"
#include "engine/core/verdict.h"

/* Field numbers of journal.proto. */
enum { RECORD_ENTRIES = 1, ENTRY_JOURNAL_TIME_MS = 1 };

enum body {
    BODY_EVENT = 2,
    BODY_GENESIS = 3,
    BODY_TICK = 4,
    BODY_CLAIM = 5,
    BODY_HOLE = 6,
    BODY_ACTIVATION = 7,
    BODY_LIVE = 8,
    BODY_LAW = 9,
    BODY_FORWARD = 10,
};

/* ---- Writing
 * ------------------------------------------------------------------------------------------------------
 */

void
codec_record_begin(struct record_builder *builder, void *memory, size_t capacity)
{
    if (capacity > RECORD_BYTES_MAX) capacity = RECORD_BYTES_MAX;
    *builder = (struct record_builder){.out = writer_of(memory, capacity)};
}

struct bytes
codec_record_span(const struct record_builder *builder)
{
    return writer_span(&builder->out);
}

/* Bytes that `value` takes as a varint. */
static size_t
varint_size(uint64_t value)
{
    size_t size = 1;
    for (; value >= 0x80; value >>= 7)
        size++;
    return size;
}

/* Begins an entry whose body has exactly `body_size` bytes, which the caller then writes; NULL when
 * the record is full. */
static struct writer *
entry_open(struct record_builder *builder, enum body body, size_t body_size,
           int64_t journal_time_ms)
{
    size_t time_size = journal_time_ms == 0 ? 0 : 1 + varint_size((uint64_t)journal_time_ms);
    size_t entry_size = time_size + 1 + varint_size(body_size) + body_size;
    size_t size = 1 + varint_size(entry_size) + entry_size;
    struct writer *out = &builder->out;
    if (builder->count == RECORD_ENTRIES_MAX || size > out->capacity - out->size) return NULL;

    wire_put_tag(out, RECORD_ENTRIES, WIRE_BYTES);
    writer_varint(out, entry_size);
    wire_put_number(out, ENTRY_JOURNAL_TIME_MS, (uint64_t)journal_time_ms);
    wire_put_tag(out, body, WIRE_BYTES);
    writer_varint(out, body_size);
    builder->count++;
    return out;
}

static bool
entry_add(struct record_builder *builder, enum body body, struct bytes message,
          int64_t journal_time_ms)
{
    struct writer *out = entry_open(builder, body, message.size, journal_time_ms);
    if (out == NULL) return false;
    writer_bytes(out, message);
    CHECK(!out->overflow);
    return true;
}

/* Bytes of a string or bytes field with a number below 16. */
static size_t
text_field_size(struct bytes text)
{
    return text.size == 0 ? 0 : 1 + varint_size(text.size) + text.size;
}

bool
codec_record_add_event(struct record_builder *builder, struct bytes event, int64_t journal_time_ms)
{
    return entry_add(builder, BODY_EVENT, event, journal_time_ms);
}

bool
codec_record_add_forward(struct record_builder *builder, struct bytes event,
                         int64_t first_append_ms)
{
    size_t time_size = first_append_ms == 0 ? 0 : 1 + varint_size((uint64_t)first_append_ms);
    struct writer *out = entry_open(builder, BODY_FORWARD, text_field_size(event) + time_size, 0);
    if (out == NULL) return false;
    wire_put_text(out, 1, event);
    wire_put_number(out, 2, (uint64_t)first_append_ms);
    CHECK(!out->overflow);
    return true;
}

bool
codec_record_add_genesis(struct record_builder *builder, const struct genesis *genesis,
                         int64_t journal_time_ms)
{
    uint8_t memory[256];
    struct writer out = writer_of(memory, sizeof memory);
    wire_put_number(&out, 1, genesis->format);
    wire_put_number(&out, 2, genesis->law);
    wire_put_text(&out, 3, bytes_of(genesis->journal_id, JOURNAL_ID_BYTES));
    wire_put_text(&out, 4, genesis->programme);
    wire_put_number(&out, 5, genesis->partition_count);
    wire_put_number(&out, 6, genesis->partition);
    wire_put_number(&out, 7, genesis->time_kind);
    return entry_add(builder, BODY_GENESIS, writer_span(&out), journal_time_ms);
}

static void
put_position(struct writer *out, uint32_t number, uint64_t packed)
{
    uint8_t memory[32];
    struct writer message = writer_of(memory, sizeof memory);
    struct position position = position_unpack(packed);
    wire_put_number(&message, 1, (uint64_t)position.offset);
    wire_put_number(&message, 2, position.index);
    wire_put_message(out, number, writer_span(&message));
}

static void
put_anchor(struct writer *out, uint32_t number, const struct anchor *anchor)
{
    uint8_t memory[64];
    struct writer message = writer_of(memory, sizeof memory);
    put_position(&message, 1, anchor->applied);
    wire_put_fixed64(&message, 2, anchor->chain);
    wire_put_message(out, number, writer_span(&message));
}

bool
codec_record_add_tick(struct record_builder *builder, const struct tick *tick,
                      int64_t journal_time_ms)
{
    uint8_t memory[80];
    struct writer out = writer_of(memory, sizeof memory);
    if (tick->has_anchor) put_anchor(&out, 1, &tick->anchor);
    return entry_add(builder, BODY_TICK, writer_span(&out), journal_time_ms);
}

bool
codec_record_add_claim(struct record_builder *builder, const struct claim *claim,
                       int64_t journal_time_ms)
{
    uint8_t memory[512];
    struct writer out = writer_of(memory, sizeof memory);
    CHECK(claim->owner.size <= CODEC_TEXT_BYTES_MAX);
    wire_put_fixed64(&out, 1, claim->nonce);
    if (claim->replaces != 0) put_position(&out, 2, claim->replaces);
    if (claim->has_anchor) put_anchor(&out, 3, &claim->anchor);
    wire_put_text(&out, 4, claim->owner);
    return entry_add(builder, BODY_CLAIM, writer_span(&out), journal_time_ms);
}

bool
codec_record_add_hole(struct record_builder *builder, const struct hole *hole,
                      int64_t journal_time_ms)
{
    uint8_t memory[1024];
    struct writer out = writer_of(memory, sizeof memory);
    CHECK(hole->topic.size + hole->reason.size <= 2 * (size_t)CODEC_TEXT_BYTES_MAX);
    wire_put_text(&out, 1, hole->topic);
    wire_put_number(&out, 2, (uint64_t)(int64_t)hole->partition);
    wire_put_number(&out, 3, (uint64_t)hole->offset);
    wire_put_text(&out, 4, hole->reason);
    return entry_add(builder, BODY_HOLE, writer_span(&out), journal_time_ms);
}

bool
codec_record_add_activation(struct record_builder *builder, const struct activation *activation,
                            int64_t journal_time_ms)
{
    /* The YAML and the program, up to 512 KiB and 1 MiB, are written where they belong, without a
     * copy on the way. */
    uint8_t memory[512];
    struct writer head = writer_of(memory, sizeof memory);
    CHECK(activation->name.size <= CODEC_TEXT_BYTES_MAX);
    wire_put_text(&head, 1, activation->name);
    wire_put_number(&head, 2, activation->version);
    wire_put_number(&head, 3, (uint64_t)activation->effective_from.ms);
    wire_put_number(&head, 4, activation->retroactive);

    size_t body_size =
        head.size + text_field_size(activation->yaml) + text_field_size(activation->program);
    struct writer *out = entry_open(builder, BODY_ACTIVATION, body_size, journal_time_ms);
    if (out == NULL) return false;
    writer_bytes(out, writer_span(&head));
    wire_put_text(out, 5, activation->yaml);
    wire_put_text(out, 6, activation->program);
    CHECK(!out->overflow);
    return true;
}

bool
codec_record_add_live(struct record_builder *builder, int64_t journal_time_ms)
{
    return entry_add(builder, BODY_LIVE, (struct bytes){NULL, 0}, journal_time_ms);
}

bool
codec_record_add_law(struct record_builder *builder, uint32_t law, int64_t journal_time_ms)
{
    uint8_t memory[16];
    struct writer out = writer_of(memory, sizeof memory);
    wire_put_number(&out, 1, law);
    return entry_add(builder, BODY_LAW, writer_span(&out), journal_time_ms);
}

/* ---- Reading
 * ------------------------------------------------------------------------------------------------------
 *
 * The journal is written by us: a field of an unexpected type is damage. Unknown fields are let
 * pass, unknown bodies are not: an entry that this version cannot fold stops the partition. */

static bool
damaged(struct fault *out_fault, const char *what)
{
    return fault_set(out_fault, FAULT_DATA, "the record is damaged: %s", what);
}

/* Ends a walk over one of our own messages: true when it saw every byte and nothing was wrong. */
static bool
walk_done(const struct wire *wire, bool good, struct fault *out_fault)
{
    if (wire->error != NULL) return damaged(out_fault, wire->error);
    if (!good) return damaged(out_fault, "a field has another type than in journal.proto");
    return true;
}

static bool
read_position(struct bytes bytes, uint64_t *out, struct fault *out_fault)
{
    struct position position = {0};
    struct wire wire = wire_of(bytes);
    struct wire_field field;
    bool good = true;
    while (good && wire_next(&wire, &field)) {
        if (field.number > 2) continue;
        good = field.type == WIRE_VARINT;
        if (field.number == 1) position.offset = (int64_t)field.value;
        if (field.number == 2) position.index = (uint32_t)field.value;
    }
    if (!walk_done(&wire, good, out_fault)) return false;
    bool fits = position.offset >= 0 && position.offset >> 48 == 0 && position.index <= UINT16_MAX;
    if (!fits) return damaged(out_fault, "a position is out of range");
    *out = position_pack(position);
    return true;
}

static bool
read_anchor(struct bytes bytes, struct anchor *out, struct fault *out_fault)
{
    struct anchor anchor = {0};
    struct bytes applied = {NULL, 0};
    struct wire wire = wire_of(bytes);
    struct wire_field field;
    bool good = true;
    while (good && wire_next(&wire, &field)) {
        if (field.number == 1) {
            good = field.type == WIRE_BYTES;
            applied = field.span;
        } else if (field.number == 2) {
            good = field.type == WIRE_FIXED64;
            anchor.chain = field.value;
        }
    }
    if (!walk_done(&wire, good, out_fault)) return false;
    if (!read_position(applied, &anchor.applied, out_fault)) return false;
    *out = anchor;
    return true;
}

static bool
read_genesis(struct bytes bytes, struct genesis *out, struct fault *out_fault)
{
    struct genesis genesis = {0};
    struct bytes journal_id = {NULL, 0};
    struct wire wire = wire_of(bytes);
    struct wire_field field;
    bool good = true;
    while (good && wire_next(&wire, &field)) {
        good = field.type == (field.number == 3 || field.number == 4 ? WIRE_BYTES : WIRE_VARINT);
        switch (field.number) {
        case 1: genesis.format = (uint32_t)field.value; break;
        case 2: genesis.law = (uint32_t)field.value; break;
        case 3: journal_id = field.span; break;
        case 4: genesis.programme = field.span; break;
        case 5: genesis.partition_count = (uint32_t)field.value; break;
        case 6: genesis.partition = (uint32_t)field.value; break;
        case 7: genesis.time_kind = (enum time_kind)field.value; break;
        default: good = true;
        }
    }
    if (!walk_done(&wire, good, out_fault)) return false;
    if (journal_id.size != JOURNAL_ID_BYTES)
        return damaged(out_fault, "record 0 has no journal id of 16 bytes");
    if (genesis.partition_count == 0 || genesis.partition_count > PARTITIONS_MAX ||
        genesis.partition >= genesis.partition_count) {
        return damaged(out_fault, "record 0 has partitions out of range");
    }
    if (genesis.time_kind != TIME_APPEND && genesis.time_kind != TIME_RECORD) {
        return damaged(out_fault, "record 0 does not say where its time comes from");
    }
    memcpy(genesis.journal_id, journal_id.data, JOURNAL_ID_BYTES);
    *out = genesis;
    return true;
}

static bool
read_tick(struct bytes bytes, struct tick *out, struct fault *out_fault)
{
    struct tick tick = {0};
    struct wire wire = wire_of(bytes);
    struct wire_field field;
    bool good = true;
    while (good && wire_next(&wire, &field)) {
        if (field.number != 1) continue;
        good = field.type == WIRE_BYTES;
        if (!good) break;
        if (!read_anchor(field.span, &tick.anchor, out_fault)) return false;
        tick.has_anchor = true;
    }
    if (!walk_done(&wire, good, out_fault)) return false;
    *out = tick;
    return true;
}

static bool
read_claim(struct bytes bytes, struct claim *out, struct fault *out_fault)
{
    struct claim claim = {0};
    struct wire wire = wire_of(bytes);
    struct wire_field field;
    bool good = true;
    while (good && wire_next(&wire, &field)) {
        good = field.type == (field.number == 1 ? WIRE_FIXED64 : WIRE_BYTES);
        if (!good) break;
        switch (field.number) {
        case 1: claim.nonce = field.value; break;
        case 2:
            if (!read_position(field.span, &claim.replaces, out_fault)) return false;
            break;
        case 3:
            if (!read_anchor(field.span, &claim.anchor, out_fault)) return false;
            claim.has_anchor = true;
            break;
        case 4: claim.owner = field.span; break;
        default: break;
        }
    }
    if (!walk_done(&wire, good, out_fault)) return false;
    *out = claim;
    return true;
}

static bool
read_hole(struct bytes bytes, struct hole *out, struct fault *out_fault)
{
    struct hole hole = {0};
    struct wire wire = wire_of(bytes);
    struct wire_field field;
    bool good = true;
    while (good && wire_next(&wire, &field)) {
        good = field.type == (field.number == 2 || field.number == 3 ? WIRE_VARINT : WIRE_BYTES);
        switch (field.number) {
        case 1: hole.topic = field.span; break;
        case 2: hole.partition = (int32_t)field.value; break;
        case 3: hole.offset = (int64_t)field.value; break;
        case 4: hole.reason = field.span; break;
        default: good = true;
        }
    }
    if (!walk_done(&wire, good, out_fault)) return false;
    *out = hole;
    return true;
}

static bool
read_activation(struct bytes bytes, struct activation *out, struct fault *out_fault)
{
    struct activation activation = {0};
    struct wire wire = wire_of(bytes);
    struct wire_field field;
    bool good = true;
    while (good && wire_next(&wire, &field)) {
        good = field.type == (field.number >= 2 && field.number <= 4 ? WIRE_VARINT : WIRE_BYTES);
        switch (field.number) {
        case 1: activation.name = field.span; break;
        case 2: activation.version = (uint32_t)field.value; break;
        case 3: activation.effective_from.ms = (int64_t)field.value; break;
        case 4: activation.retroactive = field.value != 0; break;
        case 5: activation.yaml = field.span; break;
        case 6: activation.program = field.span; break;
        default: good = true;
        }
    }
    if (!walk_done(&wire, good, out_fault)) return false;
    *out = activation;
    return true;
}

static bool
read_law(struct bytes bytes, uint32_t *out, struct fault *out_fault)
{
    uint32_t law = 0;
    struct wire wire = wire_of(bytes);
    struct wire_field field;
    bool good = true;
    while (good && wire_next(&wire, &field)) {
        if (field.number != 1) continue;
        good = field.type == WIRE_VARINT;
        law = (uint32_t)field.value;
    }
    if (!walk_done(&wire, good, out_fault)) return false;
    *out = law;
    return true;
}

/* An event as it stands in the journal. One that cannot be read at all gets a refusal without a
 * name. */
static bool
read_event(struct bytes bytes, struct arena *arena, struct entry *out, struct fault *out_fault)
{
    struct codec_error error;
    enum codec_result result = codec_event_decode(bytes, arena, out, &error);
    if (result == CODEC_OK || result == CODEC_REFUSED) return true;

    struct bytes detail;
    if (result == CODEC_NO_ROOM || !arena_copy_bytes(arena, bytes_from_cstr(error.text), &detail)) {
        return fault_set(out_fault, FAULT_TRY_AGAIN, "no memory is left to decode the record");
    }
    *out = (struct entry){
        .kind = ENTRY_REFUSED,
        .refused = {.verdict = VERDICT_MALFORMED, .detail = detail},
    };
    return true;
}

static bool
read_forward(struct bytes bytes, struct arena *arena, struct entry *out, struct fault *out_fault)
{
    struct bytes event = {NULL, 0};
    struct instant first_append = {0};
    struct wire wire = wire_of(bytes);
    struct wire_field field;
    bool good = true;
    while (good && wire_next(&wire, &field)) {
        if (field.number > 2) continue;
        good = field.type == (field.number == 1 ? WIRE_BYTES : WIRE_VARINT);
        if (field.number == 1) event = field.span;
        if (field.number == 2) first_append.ms = (int64_t)field.value;
    }
    if (!walk_done(&wire, good, out_fault)) return false;
    if (!read_event(event, arena, out, out_fault)) return false;
    if (out->kind == ENTRY_EVENT) out->event.first_append = first_append;
    return true;
}

/* An entry's parts, before its body is read. */
struct entry_parts {
    int64_t journal_time_ms;
    uint32_t body;
    struct bytes message;
};

static bool
entry_split(struct bytes bytes, struct entry_parts *out, struct fault *out_fault)
{
    struct entry_parts parts = {0};
    struct wire wire = wire_of(bytes);
    struct wire_field field;
    bool good = true;
    while (good && wire_next(&wire, &field)) {
        if (field.number == ENTRY_JOURNAL_TIME_MS) {
            good = field.type == WIRE_VARINT;
            parts.journal_time_ms = (int64_t)field.value;
        } else {
            good = field.type == WIRE_BYTES && parts.body == 0;
            parts.body = field.number;
            parts.message = field.span;
        }
    }
    if (!walk_done(&wire, good, out_fault)) return false;
    if (parts.body == 0) return damaged(out_fault, "an entry is empty");
    if (parts.journal_time_ms < 0) return damaged(out_fault, "a journal time lies before 1970");
    *out = parts;
    return true;
}

static bool
entry_read(struct bytes bytes, struct arena *arena, struct entry *out, struct fault *out_fault)
{
    struct entry_parts parts;
    struct entry entry = {0};
    if (!entry_split(bytes, &parts, out_fault)) return false;

    bool good;
    switch (parts.body) {
    case BODY_EVENT: good = read_event(parts.message, arena, &entry, out_fault); break;
    case BODY_FORWARD: good = read_forward(parts.message, arena, &entry, out_fault); break;
    case BODY_GENESIS:
        entry.kind = ENTRY_GENESIS;
        good = read_genesis(parts.message, &entry.genesis, out_fault);
        break;
    case BODY_TICK:
        entry.kind = ENTRY_TICK;
        good = read_tick(parts.message, &entry.tick, out_fault);
        break;
    case BODY_CLAIM:
        entry.kind = ENTRY_CLAIM;
        good = read_claim(parts.message, &entry.claim, out_fault);
        break;
    case BODY_HOLE:
        entry.kind = ENTRY_HOLE;
        good = read_hole(parts.message, &entry.hole, out_fault);
        break;
    case BODY_ACTIVATION:
        entry.kind = ENTRY_ACTIVATION;
        good = read_activation(parts.message, &entry.activation, out_fault);
        break;
    case BODY_LIVE:
        entry.kind = ENTRY_LIVE;
        good = true;
        break;
    case BODY_LAW:
        entry.kind = ENTRY_LAW;
        good = read_law(parts.message, &entry.law, out_fault);
        break;
    default:
        return fault_set(
            out_fault, FAULT_DATA,
            "the record has an entry of kind %u, which this version does not know; use a newer one",
            parts.body);
    }
    if (!good) return false;
    entry.journal_time.ms = parts.journal_time_ms;
    *out = entry;
    return true;
}

static bool
record_decode(const struct record_decoder *decoder, struct bytes payload, struct arena *arena,
              struct entry *out_entries, size_t max_entries, size_t *out_count,
              struct fault *out_fault)
{
    (void)decoder;
    size_t count = 0;
    struct wire wire = wire_of(payload);
    struct wire_field field;
    while (wire_next(&wire, &field)) {
        if (field.number != RECORD_ENTRIES || field.type != WIRE_BYTES) {
            return damaged(out_fault, "it holds something else than entries");
        }
        if (count == max_entries)
            return damaged(out_fault, "it has more entries than a record may have");
        if (!entry_read(field.span, arena, &out_entries[count], out_fault)) {
            return fault_wrap(out_fault, "entry %zu", count);
        }
        count++;
    }
    if (wire.error != NULL) return damaged(out_fault, wire.error);
    if (count == 0) return damaged(out_fault, "it is empty");
    *out_count = count;
    return true;
}

static bool
record_skim_claims(const struct record_decoder *decoder, struct bytes payload,
                   struct claim_mark *out_marks, size_t max_marks, size_t *out_count,
                   struct fault *out_fault)
{
    (void)decoder;
    size_t count = 0;
    uint32_t index = 0;
    struct wire wire = wire_of(payload);
    struct wire_field field;
    for (; wire_next(&wire, &field); index++) {
        struct entry_parts parts;
        struct claim claim;
        if (field.number != RECORD_ENTRIES || field.type != WIRE_BYTES) {
            return damaged(out_fault, "it holds something else than entries");
        }
        if (!entry_split(field.span, &parts, out_fault))
            return fault_wrap(out_fault, "entry %u", index);
        if (parts.body != BODY_CLAIM) continue;
        if (!read_claim(parts.message, &claim, out_fault))
            return fault_wrap(out_fault, "entry %u", index);
        if (count == max_marks)
            return damaged(out_fault, "it has more claims than a record may have");
        out_marks[count++] =
            (struct claim_mark){.index = index, .nonce = claim.nonce, .replaces = claim.replaces};
    }
    if (wire.error != NULL) return damaged(out_fault, wire.error);
    *out_count = count;
    return true;
}

/* ---- What an engine appends: records of one entry
 * ----------------------------------------------------------------- */

static bool
record_finish(const struct record_builder *builder, bool added, struct writer *out)
{
    if (!added) return false;
    writer_bytes(out, codec_record_span(builder));
    return !out->overflow;
}

static bool
record_encode_tick(const struct record_decoder *decoder, const struct tick *tick,
                   int64_t journal_time_ms, struct writer *out)
{
    (void)decoder;
    uint8_t memory[256];
    struct record_builder builder;
    codec_record_begin(&builder, memory, sizeof memory);
    return record_finish(&builder, codec_record_add_tick(&builder, tick, journal_time_ms), out);
}

static bool
record_encode_claim(const struct record_decoder *decoder, const struct claim *claim,
                    struct writer *out)
{
    (void)decoder;
    uint8_t memory[1024];
    struct record_builder builder;
    codec_record_begin(&builder, memory, sizeof memory);
    return record_finish(&builder, codec_record_add_claim(&builder, claim, 0), out);
}

static bool
record_encode_forward(const struct record_decoder *decoder, struct bytes event_wire,
                      int64_t first_append_ms, struct writer *out)
{
    (void)decoder;
    if (out->overflow) return false;
    struct record_builder builder;
    codec_record_begin(&builder, out->data + out->size, out->capacity - out->size);
    if (!codec_record_add_forward(&builder, event_wire, first_append_ms)) return false;
    out->size += builder.out.size;
    return true;
}

const struct record_decoder *
codec_record_decoder(void)
{
    static const struct record_decoder decoder = {
        .decode = record_decode,
        .skim_claims = record_skim_claims,
        .encode_tick = record_encode_tick,
        .encode_claim = record_encode_claim,
        .encode_forward = record_encode_forward,
    };
    return &decoder;
}
