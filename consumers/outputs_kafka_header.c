#include "consumers/outputs_kafka_header_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/check.h"
#include "engine/core/event.h"

static_assert(OUTPUTS_KAFKA_TB_BYTES == 4 * sizeof(uint64_t), "the header tb, version 1");

/* ---- Writing --------------------------------------------------------------------------------- */

void
output_headers_binary(const struct output_place *place, struct output_headers *out_headers)
{
    struct writer writer = writer_of(out_headers->text, OUTPUTS_KAFKA_TB_BYTES);
    writer_u64be(&writer, place->claim);
    writer_u64be(&writer, place->sequence);
    writer_u64be(&writer, place->cause);
    writer_u64be(&writer, place->hash);
    out_headers->items[0] = (struct kafka_header){.name = "tb", .value = writer_span(&writer)};
    out_headers->count = 1;
}

static void
header_add(struct output_headers *headers, const char *name, struct bytes value)
{
    CHECK(headers->count < OUTPUT_HEADERS_MAX);
    headers->items[headers->count++] = (struct kafka_header){.name = name, .value = value};
}

static void __attribute__((format(printf, 3, 4)))
header_format(struct output_headers *headers, const char *name, const char *format, ...)
{
    char *at = headers->text + headers->text_size;
    size_t room = sizeof headers->text - headers->text_size;
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(at, room, format, arguments);
    va_end(arguments);
    CHECK(size >= 0 && (size_t)size < room); /* the programme's id is an id: 128 bytes */
    header_add(headers, name, bytes_of(at, (size_t)size));
    headers->text_size += (size_t)size;
}

static void
header_position(struct output_headers *headers, const char *name, uint64_t packed)
{
    struct position position = position_unpack(packed);
    header_format(headers, name, "%" PRId64 ":%u", position.offset, position.index);
}

/* RFC 3339 with milliseconds, in UTC. */
static void
header_time(struct output_headers *headers, const char *name, struct instant instant)
{
    int64_t second = instant.ms / 1000, ms = instant.ms % 1000;
    if (ms < 0) {
        ms += 1000;
        second--;
    }
    time_t seconds = (time_t)second;
    struct tm civil;
    gmtime_r(&seconds, &civil);
    header_format(headers, name, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", civil.tm_year + 1900,
                  civil.tm_mon + 1, civil.tm_mday, civil.tm_hour, civil.tm_min, civil.tm_sec,
                  (int)ms);
}

static const char *
tier_type(enum tier_direction direction)
{
    switch (direction) {
    case TIER_UPGRADED: return "tallybook.tier.upgraded";
    case TIER_DOWNGRADED: return "tallybook.tier.downgraded";
    case TIER_RENEWED: return "tallybook.tier.renewed";
    case TIER_CORRECTED: return "tallybook.tier.corrected";
    }
    UNREACHABLE();
}

static const char *
notice_type(enum notice_kind kind)
{
    switch (kind) {
    case NOTICE_EXPIRING_SOON: return "tallybook.notice.expiring_soon";
    case NOTICE_MISSION_COMPLETED: return "tallybook.notice.mission_completed";
    case NOTICE_BADGE_AWARDED: return "tallybook.notice.badge_awarded";
    case NOTICE_TIER_AT_RISK: return "tallybook.notice.tier_at_risk";
    case NOTICE_QUARANTINED: return "tallybook.notice.quarantined";
    case NOTICE_LIMIT_FLAGGED: return "tallybook.notice.limit_flagged";
    case NOTICE_UNKNOWN_ORDER: return "tallybook.notice.unknown_order";
    case NOTICE_REFUND_CLAMPED: return "tallybook.notice.refund_clamped";
    case NOTICE_APPROVAL_WANTED: return "tallybook.notice.approval_wanted";
    case NOTICE_APPROVAL_LAPSED: return "tallybook.notice.approval_lapsed";
    case NOTICE_TIERS_REEVALUATED: return "tallybook.notice.tiers_reevaluated";
    case NOTICE_HOLD_TIMED_OUT: return "tallybook.notice.hold_timed_out";
    }
    UNREACHABLE();
}

/* The byte that sets a special key apart from a member's id has no place in a text. */
static struct bytes
subject_of(struct bytes key)
{
    if (key.size == 0 || key.data[0] != KEY_SPECIAL) return key;
    return bytes_of(key.data + 1, key.size - 1);
}

void
output_headers_text(const struct output_place *place, const struct effect *effect,
                    const char *programme, uint32_t partition, struct output_headers *out_headers)
{
    struct output_headers *headers = out_headers;
    headers->count = 0;
    headers->text_size = 0;
    bool tier = effect->topic == TOPIC_TIERS;
    CHECK(tier || effect->topic == TOPIC_NOTICES);
    const char *type =
        tier ? tier_type(effect->tier_change.direction) : notice_type(effect->notice.kind);
    header_add(headers, "ce_specversion", BYTES_LITERAL("1.0"));
    header_format(headers, "ce_id", "%u/%" PRIu64, partition, place->sequence);
    header_format(headers, "ce_source", "tallybook/%s/%s", programme, tier ? "tiers" : "notices");
    header_add(headers, "ce_type", bytes_from_cstr(type));
    header_time(headers, "ce_time",
                tier ? effect->tier_change.effective_at : effect->notice.effective_at);
    struct bytes subject = subject_of(tier ? effect->tier_change.member : effect->notice.member);
    if (subject.size != 0) header_add(headers, "ce_subject", subject);
    header_format(headers, "tb_seq", "%" PRIu64, place->sequence);
    header_position(headers, "tb_claim", place->claim);
    header_position(headers, "tb_position", place->cause);
    header_format(headers, "tb_hash", "%016" PRIx64, place->hash);
    struct bytes traceparent = tier ? effect->tier_change.traceparent : effect->notice.traceparent;
    if (traceparent.size != 0) {
        header_add(headers, "traceparent", traceparent);
    }
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* The header's value as text in `text`; false when it is missing, too long or holds a NUL. */
static bool
header_text(const rd_kafka_headers_t *headers, const char *name, char text[static 32])
{
    const void *value;
    size_t size;
    if (rd_kafka_header_get_last(headers, name, &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return false;
    if (value == NULL || size == 0 || size >= 32 || memchr(value, '\0', size) != NULL) return false;
    memcpy(text, value, size);
    text[size] = '\0';
    return true;
}

static bool
header_number(const rd_kafka_headers_t *headers, const char *name, int base, uint64_t *out_number)
{
    char text[32];
    if (!header_text(headers, name, text)) return false;
    char *end;
    errno = 0;
    uint64_t number = strtoull(text, &end, base);
    if (errno != 0 || *end != '\0') return false;
    *out_number = number;
    return true;
}

static bool
header_packed(const rd_kafka_headers_t *headers, const char *name, uint64_t *out_packed)
{
    char text[32];
    if (!header_text(headers, name, text)) return false;
    int64_t offset;
    uint32_t index;
    int used = 0;
    if (sscanf(text, "%" SCNd64 ":%" SCNu32 "%n", &offset, &index, &used) != 2) return false;
    if (text[used] != '\0' || offset < 0 || index > UINT16_MAX) return false;
    *out_packed = position_pack((struct position){.offset = offset, .index = index});
    return true;
}

static bool
place_read_binary(const rd_kafka_headers_t *headers, struct output_place *out_place)
{
    const void *value;
    size_t size;
    if (rd_kafka_header_get_last(headers, "tb", &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return false;
    if (value == NULL || size != OUTPUTS_KAFKA_TB_BYTES) return false;
    struct reader reader = reader_of(bytes_of(value, size));
    out_place->claim = reader_u64be(&reader);
    out_place->sequence = reader_u64be(&reader);
    out_place->cause = reader_u64be(&reader);
    out_place->hash = reader_u64be(&reader);
    return reader_done(&reader);
}

bool
output_place_read(const rd_kafka_message_t *message, enum topic topic,
                  struct output_place *out_place)
{
    rd_kafka_headers_t *headers;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return false;
    struct output_place place;
    bool read;
    if (topic == TOPIC_POSTINGS || topic == TOPIC_OUTCOMES) {
        read = place_read_binary(headers, &place);
    } else {
        read = header_packed(headers, "tb_claim", &place.claim) &&
               header_number(headers, "tb_seq", 10, &place.sequence) &&
               header_packed(headers, "tb_position", &place.cause) &&
               header_number(headers, "tb_hash", 16, &place.hash);
    }
    if (read) *out_place = place;
    return read;
}
