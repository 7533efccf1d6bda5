#include "tally/view_json.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/codec_event.h"
#include "engine/base/check.h"
#include "engine/core/calendar.h"
#include "engine/core/verdict.h"

static struct json_object *
json_text(struct bytes text)
{
    return json_object_new_string_len((const char *)text.data, (int)text.size);
}

static struct json_object *
json_instant(struct instant instant)
{
    char text[INSTANT_TEXT_MAX];
    if (instant.ms == INT64_MAX) return NULL; /* never: null */
    instant_format(instant, text);
    return json_object_new_string(text);
}

static void
put(struct json_object *object, const char *name, struct json_object *value)
{
    json_object_object_add(object, name, value);
}

static void
put_points(struct json_object *object, const char *name, struct points points)
{
    put(object, name, json_object_new_int64(points.units));
}

static char *
json_take_text(struct json_object *object)
{
    char *text = strdup(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
                                                                   JSON_C_TO_STRING_NOSLASHESCAPE));
    CHECK(text != NULL);
    json_object_put(object);
    return text;
}

/* ---- Member
 * -------------------------------------------------------------------------------------------------------
 */

static struct json_object *
wallet_json(const struct wallet_view *wallet)
{
    struct json_object *object = json_object_new_object();
    put(object, "currency", json_text(wallet->currency));
    put(object, "scale", json_object_new_int(wallet->scale));
    put(object, "qualifying", json_object_new_boolean(wallet->qualifying));
    put_points(object, "pending", wallet->pending);
    put_points(object, "active", wallet->active);
    put_points(object, "held", wallet->held);
    put_points(object, "lapsing", wallet->lapsing);
    put_points(object, "arrears", wallet->arrears);
    return object;
}

static const char *
metric_name(enum metric_kind kind)
{
    switch (kind) {
    case METRIC_SPEND: return "spend";
    case METRIC_POINTS: return "points";
    case METRIC_VISITS: return "visits";
    case METRIC_MISSIONS: return "missions";
    case METRIC_BALANCE: return "balance";
    }
    UNREACHABLE();
}

static struct json_object *
metric_json(const struct metric_view *metric, bool has_next)
{
    struct json_object *object = json_object_new_object();
    if (metric->name.size > 0) put(object, "name", json_text(metric->name));
    put(object, "metric", json_object_new_string(metric_name(metric->kind)));
    put(object, "value", json_object_new_int64(metric->value));
    put(object, "unit", json_text(metric->unit));
    put(object, "digits", json_object_new_int((int)metric->digits));
    if (has_next) put(object, "nextThreshold", json_object_new_int64(metric->next_threshold));
    return object;
}

static struct json_object *
tier_json(const struct tier_view *tier)
{
    struct json_object *object = json_object_new_object();
    bool has_next = tier->next_level.size > 0;
    put(object, "group", json_text(tier->group));
    put(object, "level", json_text(tier->level));
    put(object, "since", json_instant(tier->since));
    put(object, "validUntil", json_instant(tier->valid_until));
    if (tier->overridden) put(object, "overridden", json_object_new_boolean(true));
    struct json_object *metrics = json_object_new_array();
    for (uint32_t m = 0; m < tier->metric_count; m++)
        json_object_array_add(metrics, metric_json(&tier->metrics[m], has_next));
    put(object, "metrics", metrics);
    if (has_next) put(object, "nextLevel", json_text(tier->next_level));
    return object;
}

static struct json_object *
lot_json(const struct lot_view *lot)
{
    struct json_object *object = json_object_new_object();
    char id[48];
    snprintf(id, sizeof id, "%" PRIu64 ".%u", lot->id.ordinal, lot->id.index);
    put(object, "lot", json_object_new_string(id));
    put(object, "currency", json_text(lot->currency));
    put_points(object, "granted", lot->granted);
    put(object, "state", json_object_new_string(lot->state_name));
    put_points(object, "remaining", lot->remaining);
    put_points(object, "held", lot->held);
    put(object, "earnedAt", json_instant(lot->earned_at));
    put(object, "activatesAt", json_instant(lot->activates_at));
    put(object, "expiresAt", json_instant(lot->expires_at));
    put(object, "rule", json_text(lot->rule));
    put(object, "ruleVersion", json_object_new_int64(lot->rule_version));
    return object;
}

static struct json_object *
waiting_json(const struct waiting_view *waiting)
{
    struct json_object *object = json_object_new_object();
    put(object, "for", json_object_new_string(waiting->what));
    put(object, "id", json_text(waiting->id));
    put(object, "until", json_instant(waiting->until));
    return object;
}

char *
member_json(const struct member_view *view)
{
    struct json_object *object = json_object_new_object();
    struct json_object *wallets = json_object_new_array(), *tiers = json_object_new_array(),
                       *waiting = json_object_new_array(), *lots = json_object_new_array();
    bool is_guest;
    struct bytes subject = codec_key_subject(view->member, &is_guest);
    put(object, is_guest ? "guest" : "member", json_text(subject));
    put(object, "status", json_object_new_string(view->status_name));
    put(object, "enrolledAt", json_instant(view->enrolled_at));
    put(object, "asOf", json_instant(view->as_of));
    for (size_t i = 0; i < view->wallet_count; i++)
        json_object_array_add(wallets, wallet_json(&view->wallets[i]));
    for (size_t i = 0; i < view->tier_count; i++)
        json_object_array_add(tiers, tier_json(&view->tiers[i]));
    for (size_t i = 0; i < view->waiting_count; i++)
        json_object_array_add(waiting, waiting_json(&view->waiting[i]));
    for (size_t i = 0; i < view->lot_count; i++)
        json_object_array_add(lots, lot_json(&view->lots[i]));
    put(object, "wallets", wallets);
    put(object, "tiers", tiers);
    put(object, "waiting", waiting);
    put(object, "lots", lots);
    return json_take_text(object);
}

/* ---- Status
 * -------------------------------------------------------------------------------------------------------
 */

void
status_totals_add(struct status_totals *sums, const struct totals *totals, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        while (at < sums->count && !bytes_equal(sums->currencies[at].currency, totals[i].currency))
            at++;
        struct totals *sum = &sums->currencies[at];
        if (at == sums->count) {
            CHECK(at < PROGRAM_CURRENCIES_MAX && totals[i].currency.size <= EVENT_ID_BYTES_MAX);
            memcpy(sums->names[at], totals[i].currency.data, totals[i].currency.size);
            *sum = (struct totals){.currency = bytes_of(sums->names[at], totals[i].currency.size),
                                   .scale = totals[i].scale};
            sums->count++;
        }
        sum->issued += totals[i].issued;
        sum->active += totals[i].active;
        sum->pending += totals[i].pending;
        sum->held += totals[i].held;
        sum->lapsing += totals[i].lapsing;
        sum->arrears += totals[i].arrears;
        sum->redeemed += totals[i].redeemed;
        sum->expired += totals[i].expired;
        sum->reversed += totals[i].reversed;
        sum->adjusted += totals[i].adjusted;
        sum->forfeited += totals[i].forfeited;
        sum->clearing += totals[i].clearing;
    }
}

static struct json_object *
totals_json(const struct totals *totals)
{
    const struct {
        const char *name;
        int64_t value;
    } accounts[] = {
        {"issued", totals->issued},       {"pending", totals->pending},
        {"active", totals->active},       {"held", totals->held},
        {"lapsing", totals->lapsing},     {"arrears", totals->arrears},
        {"redeemed", totals->redeemed},   {"expired", totals->expired},
        {"reversed", totals->reversed},   {"adjusted", totals->adjusted},
        {"forfeited", totals->forfeited}, {"clearing", totals->clearing},
    };
    struct json_object *object = json_object_new_object();
    put(object, "currency", json_text(totals->currency));
    put(object, "scale", json_object_new_int(totals->scale));
    for (size_t i = 0; i < sizeof accounts / sizeof *accounts; i++)
        put(object, accounts[i].name, json_object_new_int64(accounts[i].value));
    return object;
}

static void
put_digest(struct json_object *object, const char *name, struct hash128 digest)
{
    char text[33];
    hash128_format(digest, text);
    put(object, name, json_object_new_string(text));
}

static struct json_object *
partition_json(const struct partition_status *status)
{
    struct json_object *object = json_object_new_object();
    const struct state_info *info = &status->info;
    put(object, "partition", json_object_new_int64(status->partition));
    put(object, "phase", json_object_new_string(partition_phase_name(status->phase)));
    if (status->phase == PARTITION_STOPPED)
        put(object, "fault", json_object_new_string(status->fault.text));
    put(object, "nextOffset", json_object_new_int64(info->next_offset));
    put(object, "journalEnd", json_object_new_int64(status->journal_end));
    put(object, "inFlight", json_object_new_int64((int64_t)status->in_flight));
    put(object, "clock", info->has_genesis ? json_instant(info->clock) : NULL);
    put(object, "entries", json_object_new_int64((int64_t)info->entries));
    put(object, "ordinals", json_object_new_int64((int64_t)info->identities));
    put(object, "members", json_object_new_int64((int64_t)info->members));
    put(object, "warmMembers", json_object_new_int64((int64_t)info->warm_members));
    put(object, "dueBacklog", json_object_new_int64((int64_t)info->due_backlog));
    put(object, "checkpoints", json_object_new_int64((int64_t)status->checkpoints));
    put(object, "publishedAgain", json_object_new_int64((int64_t)status->published_again));
    put_digest(object, "digest", info->digest);
    char chain[17];
    snprintf(chain, sizeof chain, "%016" PRIx64, info->chain);
    put(object, "chain", json_object_new_string(chain));
    struct json_object *outputs = json_object_new_object();
    for (enum topic topic = 0; topic < TOPIC_COUNT; topic++)
        put(outputs, topic_name(topic),
            json_object_new_int64((int64_t)info->outputs[topic].next_sequence - 1));
    put(object, "outputs", outputs);
    return object;
}

static struct json_object *
verdicts_json(const struct partition_status *status, uint32_t count)
{
    struct json_object *object = json_object_new_object();
    uint32_t rows;
    const struct verdict_info *table = verdict_table(&rows);
    for (uint32_t row = 0; row < rows; row++) {
        uint64_t sum = 0;
        for (uint32_t i = 0; i < count; i++)
            sum += status[i].info.verdicts[table[row].verdict];
        if (sum > 0) put(object, table[row].name, json_object_new_int64((int64_t)sum));
    }
    return object;
}

char *
status_json(const struct partition_status *status, uint32_t count, const struct status_totals *sums)
{
    struct json_object *object = json_object_new_object();
    struct json_object *partitions = json_object_new_array(), *totals = json_object_new_array();
    struct hash128 digest = {0};
    uint64_t members = 0, entries = 0;
    const struct state_info *first = &status[0].info;
    for (uint32_t i = 0; i < count; i++) {
        digest = hash128_add(digest, status[i].info.digest);
        members += status[i].info.members;
        entries += status[i].info.entries;
        json_object_array_add(partitions, partition_json(&status[i]));
    }
    for (size_t i = 0; i < sums->count; i++)
        json_object_array_add(totals, totals_json(&sums->currencies[i]));
    if (first->has_genesis) {
        char id[2 * JOURNAL_ID_BYTES + 1];
        for (size_t i = 0; i < JOURNAL_ID_BYTES; i++)
            snprintf(id + 2 * i, 3, "%02x", first->genesis.journal_id[i]);
        put(object, "journal", json_object_new_string(id));
        put(object, "programme", json_text(first->genesis.programme));
        put(object, "time",
            json_object_new_string(first->time_kind == TIME_APPEND ? "append" : "record"));
    }
    if (first->rulebook_active) {
        put(object, "rulebook", json_text(first->rulebook_name));
        put(object, "rulebookVersion", json_object_new_int64(first->rulebook_version));
        put(object, "rulebookEffectiveFrom", json_instant(first->rulebook_effective_from));
    }
    put(object, "members", json_object_new_int64((int64_t)members));
    put(object, "entries", json_object_new_int64((int64_t)entries));
    put_digest(object, "digest", digest);
    put(object, "verdicts", verdicts_json(status, count));
    put(object, "totals", totals);
    put(object, "partitions", partitions);
    return json_take_text(object);
}
