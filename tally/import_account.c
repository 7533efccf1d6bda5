#include "tally/import_account.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/map_csv.h"
#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "engine/core/verdict.h"
#include "tallybook/v1/output.pb-c.h"

enum { ACCOUNT_BUCKETS = 1 << 16 }; /* more than are ever on their way at once: chains stay short */

struct waiting_event {
    struct waiting_event *next;
    struct hash128 identity;
    int64_t value;
    char group[EVENT_ID_BYTES_MAX + 1];
    uint32_t count;
    uint64_t lines[];
};

struct import_account {
    FILE *list;
    struct waiting_event *buckets[ACCOUNT_BUCKETS];
    uint64_t waiting;
    struct import_sum accepted, known, refused;
    uint64_t accepted_events, known_events;
    struct import_reason reasons[IMPORT_REASONS_MAX];
    size_t reason_count;
};

struct import_account *
import_account_open(FILE *list)
{
    struct import_account *account = calloc(1, sizeof *account);
    CHECK(account != NULL);
    account->list = list;
    if (list != NULL) fputs("line,group,reason,value,detail\n", list);
    return account;
}

void
import_account_close(struct import_account *account)
{
    for (size_t i = 0; i < ACCOUNT_BUCKETS; i++) {
        struct waiting_event *next;
        for (struct waiting_event *event = account->buckets[i]; event != NULL; event = next) {
            next = event->next;
            free(event);
        }
    }
    free(account);
}

/* Two words, hashed apart so that ("ab", "c") is not ("a", "bc"). */
static struct hash128
identity_of(struct bytes source, struct bytes id)
{
    return hash128(id, hash64(source, 0));
}

static struct import_reason *
account_reason(struct import_account *account, struct bytes name)
{
    size_t size = name.size < IMPORT_REASON_BYTES ? name.size : IMPORT_REASON_BYTES - 1;
    for (size_t i = 0; i < account->reason_count; i++)
        if (strlen(account->reasons[i].name) == size &&
            memcmp(account->reasons[i].name, name.data, size) == 0)
            return &account->reasons[i];
    CHECK(account->reason_count < IMPORT_REASONS_MAX);
    struct import_reason *reason = &account->reasons[account->reason_count++];
    memcpy(reason->name, name.data, size);
    return reason;
}

/* One field of the list: quoted where a reader of CSV would else see more than one (RFC 4180). */
static void
list_field(FILE *list, struct bytes text)
{
    bool quote = false;
    for (size_t i = 0; i < text.size; i++)
        quote |= strchr(",\"\r\n", text.data[i]) != NULL;
    if (quote) fputc('"', list);
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '"') fputc('"', list);
        fputc(text.data[i], list);
    }
    if (quote) fputc('"', list);
}

static void
account_list(struct import_account *account, uint64_t line, struct bytes group, struct bytes reason,
             const char *value, struct bytes detail)
{
    if (account->list == NULL) return;
    fprintf(account->list, "%" PRIu64 ",", line);
    list_field(account->list, group);
    fputc(',', account->list);
    list_field(account->list, reason);
    fprintf(account->list, ",%s,", value);
    list_field(account->list, detail);
    fputc('\n', account->list);
}

static void
account_refuse(struct import_account *account, struct bytes reason, uint64_t rows, int64_t value)
{
    struct import_reason *sum = account_reason(account, reason);
    sum->sum.rows += rows;
    sum->sum.value += value;
    account->refused.rows += rows;
    account->refused.value += value;
}

void
import_refuse_row(struct import_account *account, uint64_t line, struct bytes group,
                  struct bytes reason, int64_t value, struct bytes detail)
{
    char text[MAP_VALUE_TEXT_MAX];
    map_value_format((struct map_value){value}, text);
    account_refuse(account, reason, 1, value);
    account_list(account, line, group, reason, text, detail);
}

void
import_expect(struct import_account *account, struct bytes source, struct bytes id,
              const uint64_t *lines, size_t count, int64_t value)
{
    struct waiting_event *event = malloc(sizeof *event + count * sizeof *lines);
    CHECK(event != NULL && id.size <= EVENT_ID_BYTES_MAX);
    *event = (struct waiting_event){
        .identity = identity_of(source, id), .value = value, .count = (uint32_t)count};
    memcpy(event->group, id.data, id.size);
    event->group[id.size] = '\0';
    memcpy(event->lines, lines, count * sizeof *lines);
    struct waiting_event **end = &account->buckets[event->identity.lo % ACCOUNT_BUCKETS];
    while (*end != NULL)
        end = &(*end)->next;
    *end = event;
    account->waiting++;
}

static struct waiting_event *
account_take(struct import_account *account, struct hash128 identity)
{
    struct waiting_event **at = &account->buckets[identity.lo % ACCOUNT_BUCKETS];
    while (*at != NULL && !hash128_equal((*at)->identity, identity))
        at = &(*at)->next;
    struct waiting_event *event = *at;
    if (event != NULL) {
        *at = event->next;
        account->waiting--;
    }
    return event;
}

static void
account_settle(struct import_account *account, const struct waiting_event *event,
               const Tallybook__V1__Outcome *outcome)
{
    bool known = outcome->verdict == VERDICT_DUPLICATE;
    uint32_t verdict = known ? outcome->first_verdict : outcome->verdict;
    if (verdict == VERDICT_ACCEPTED) {
        struct import_sum *sum = known ? &account->known : &account->accepted;
        sum->rows += event->count;
        sum->value += event->value;
        *(known ? &account->known_events : &account->accepted_events) += 1;
        return;
    }
    struct bytes reason =
        bytes_from_cstr(known ? outcome->first_verdict_name : outcome->verdict_name);
    account_refuse(account, reason, event->count, event->value);
    /* The value of one row of a refused event is not kept; the first carries the event's. */
    for (uint32_t i = 0; i < event->count; i++) {
        char text[MAP_VALUE_TEXT_MAX] = "";
        if (i == 0) map_value_format((struct map_value){event->value}, text);
        account_list(account, event->lines[i], bytes_from_cstr(event->group), reason, text,
                     bytes_from_cstr(outcome->detail));
    }
}

bool
import_take_outcome(struct import_account *account, const struct output_item *item,
                    struct fault *out_fault)
{
    Tallybook__V1__Outcome *outcome =
        tallybook__v1__outcome__unpack(NULL, item->message.size, item->message.data);
    if (outcome == NULL)
        return fault_set(out_fault, FAULT_DATA,
                         "outcome %" PRIu64 " of partition %u cannot be read", item->sequence,
                         item->partition);
    /* A forwarded event is answered again, for good, by its own partition. */
    if (outcome->event != NULL && outcome->verdict != VERDICT_FORWARDED) {
        struct hash128 identity = identity_of(bytes_from_cstr(outcome->event->source),
                                              bytes_from_cstr(outcome->event->id));
        struct waiting_event *event = account_take(account, identity);
        if (event != NULL) account_settle(account, event, outcome);
        free(event);
    }
    tallybook__v1__outcome__free_unpacked(outcome, NULL);
    return true;
}

uint64_t
import_waiting(const struct import_account *account)
{
    return account->waiting;
}

struct import_sum
import_accepted(const struct import_account *account)
{
    return account->accepted;
}

struct import_sum
import_known(const struct import_account *account)
{
    return account->known;
}

struct import_sum
import_refused(const struct import_account *account)
{
    return account->refused;
}

static int
reason_compare(const void *a, const void *b)
{
    const struct import_reason *left = a, *right = b;
    if (left->sum.rows != right->sum.rows) return left->sum.rows > right->sum.rows ? -1 : 1;
    return strcmp(left->name, right->name);
}

const struct import_reason *
import_reasons(struct import_account *account, size_t *out_count)
{
    qsort(account->reasons, account->reason_count, sizeof *account->reasons, reason_compare);
    *out_count = account->reason_count;
    return account->reasons;
}

uint64_t
import_events(const struct import_account *account, bool known)
{
    return known ? account->known_events : account->accepted_events;
}
