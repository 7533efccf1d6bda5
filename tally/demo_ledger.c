#include "tally/demo_ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/core/calendar.h"
#include "engine/core/effect.h"
#include "tally/view_json.h"
#include "tallybook/v1/output.pb-c.h"

struct demo_ledger *
demo_ledger_open(const struct program *program)
{
    struct demo_ledger *ledger = calloc(1, sizeof *ledger);
    CHECK(ledger != NULL && program->group_count == 1);
    ledger->program = program;
    for (uint32_t i = 0; i < program->currency_count; i++) {
        struct bytes id = program->currencies[i].id;
        snprintf(ledger->books[i].currency, DEMO_TEXT_BYTES, "%.*s", (int)id.size,
                 (const char *)id.data);
    }
    return ledger;
}

void
demo_ledger_close(struct demo_ledger *ledger)
{
    free(ledger);
}

/* ---- Names
 * -----------------------------------------------------------------------------------------------------------
 */

static void
copy_text(char out_text[DEMO_TEXT_BYTES], const char *text)
{
    snprintf(out_text, DEMO_TEXT_BYTES, "%s", text);
}

static struct demo_member *
ledger_member(struct demo_ledger *ledger, const char *name)
{
    char *end;
    if (strncmp(name, "m-", 2) != 0) return NULL;
    unsigned long number = strtoul(name + 2, &end, 10);
    if (*end != '\0' || number < DEMO_MEMBER_FIRST ||
        number - DEMO_MEMBER_FIRST >= DEMO_MEMBERS_MAX)
        return NULL;
    return &ledger->members[number - DEMO_MEMBER_FIRST];
}

/* Whoever has a posting is a member, on the lowest level until a tier change says more. */
static void
ledger_meet(struct demo_ledger *ledger, struct demo_member *member)
{
    if (member->known) return;
    member->known = true;
    ledger->member_count++;
    ledger->level_counts[0]++;
}

static struct demo_books *
ledger_books(struct demo_ledger *ledger, const char *currency)
{
    for (uint32_t i = 0; i < ledger->program->currency_count; i++)
        if (strcmp(ledger->books[i].currency, currency) == 0) return &ledger->books[i];
    return NULL;
}

static int
ledger_level(const struct demo_ledger *ledger, const char *name)
{
    const struct program_group *group = &ledger->program->groups[0];
    for (uint32_t i = 0; i < group->level_count; i++)
        if (bytes_equal(group->levels[i].id, bytes_from_cstr(name))) return (int)i;
    return -1;
}

/* ---- Days
 * ------------------------------------------------------------------------------------------------------------
 */

static struct demo_day *
ledger_day(struct demo_ledger *ledger, int64_t at_ms)
{
    int64_t number = at_ms / CALENDAR_DAY_MS;
    struct demo_day *day = &ledger->days[number % DEMO_DAYS];
    if (day->number < number) *day = (struct demo_day){.number = number};
    return day;
}

struct demo_day
demo_ledger_day(const struct demo_ledger *ledger, int64_t day)
{
    const struct demo_day nothing = {.number = day};
    if (day < 0) return nothing; /* before anything was read, today is the first of 1970 */
    const struct demo_day *place = &ledger->days[day % DEMO_DAYS];
    return place->number == day ? *place : nothing;
}

/* A lot's end is exclusive; its last day is the one that holds the instant before. */
static void
ledger_move_last_day(struct demo_ledger *ledger, int64_t expires_ms, int64_t change)
{
    int64_t day = (expires_ms - 1) / CALENDAR_DAY_MS;
    size_t at = (size_t)(day % DEMO_DAYS);
    if (ledger->last_day_numbers[at] < day) {
        ledger->last_day_numbers[at] = day;
        ledger->last_days[at] = 0;
    }
    if (ledger->last_day_numbers[at] == day) ledger->last_days[at] += change;
}

int64_t
demo_ledger_last_day(const struct demo_ledger *ledger, int64_t day)
{
    size_t at = (size_t)(day % DEMO_DAYS);
    return ledger->last_day_numbers[at] == day ? ledger->last_days[at] : 0;
}

/* ---- Lines
 * -----------------------------------------------------------------------------------------------------------
 */

static struct demo_line *
ledger_line(struct demo_ledger *ledger, enum demo_line_kind kind, const char *member,
            const char *event, int64_t at_ms)
{
    struct demo_line *line = &ledger->lines[kind];
    bool same = line->at_ms == at_ms && strcmp(line->event, event) == 0 &&
                strcmp(line->member, member) == 0;
    if (!same) {
        *line = (struct demo_line){.fresh = true, .at_ms = at_ms};
        copy_text(line->member, member);
        copy_text(line->event, event);
    }
    return line;
}

/* ---- Postings
 * --------------------------------------------------------------------------------------------------------
 */

/* How the programme's accounts move. False for an account that the demo's programme has not. */
static bool
books_move(struct demo_books *books, Tallybook__V1__Account from, Tallybook__V1__Account to,
           int64_t points)
{
    switch (from) {
    case TALLYBOOK__V1__ACCOUNT__ACCOUNT_ISSUED: books->issued += points; break;
    case TALLYBOOK__V1__ACCOUNT__ACCOUNT_ARREARS: books->owed += points; break;
    case TALLYBOOK__V1__ACCOUNT__ACCOUNT_ACTIVE: break;
    default: return false;
    }
    switch (to) {
    case TALLYBOOK__V1__ACCOUNT__ACCOUNT_REDEEMED: books->redeemed += points; break;
    case TALLYBOOK__V1__ACCOUNT__ACCOUNT_EXPIRED: books->expired += points; break;
    case TALLYBOOK__V1__ACCOUNT__ACCOUNT_REVERSED: books->reversed += points; break;
    case TALLYBOOK__V1__ACCOUNT__ACCOUNT_ARREARS: books->repaid += points; break;
    case TALLYBOOK__V1__ACCOUNT__ACCOUNT_ACTIVE: break;
    default: return false;
    }
    return true;
}

/* Points of the currency that is shown: what the day and the stream say of them. */
static void
ledger_tell_posting(struct demo_ledger *ledger, const Tallybook__V1__Posting *posting)
{
    struct demo_day *day = ledger_day(ledger, posting->journal_time_ms);
    enum demo_line_kind kind;
    bool plus = false;
    switch (posting->kind) {
    case TALLYBOOK__V1__POSTING__KIND__GRANT:
        day->earned += posting->points;
        kind = DEMO_LINE_ORDER;
        plus = true;
        break;
    case TALLYBOOK__V1__POSTING__KIND__REDEEM:
        day->redeemed += posting->points;
        kind = DEMO_LINE_REDEEMED;
        break;
    case TALLYBOOK__V1__POSTING__KIND__EXPIRE:
        day->expired += posting->points;
        kind = DEMO_LINE_EXPIRED;
        break;
    case TALLYBOOK__V1__POSTING__KIND__CLAW_BACK:
        day->returned += posting->points;
        kind = DEMO_LINE_RETURNED;
        break;
    case TALLYBOOK__V1__POSTING__KIND__OWE:
        day->returned += posting->points;
        kind = DEMO_LINE_OWED;
        break;
    default: return;
    }
    const char *event = posting->event == NULL ? "" : posting->event->id;
    struct demo_line *line =
        ledger_line(ledger, kind, posting->member, event, posting->effective_at_ms);
    line->points += plus ? posting->points : -posting->points;
    line->active_after = posting->active_after;
    if (kind == DEMO_LINE_OWED) line->active_after = -posting->arrears_after;
    copy_text(line->what, posting->order_id);
}

static bool
ledger_take_posting(struct demo_ledger *ledger, const Tallybook__V1__Posting *posting)
{
    struct demo_member *member = ledger_member(ledger, posting->member);
    struct demo_books *books = ledger_books(ledger, posting->currency);
    if (member == NULL || books == NULL ||
        !books_move(books, posting->from, posting->to, posting->points))
        return false;
    size_t currency = (size_t)(books - ledger->books);
    ledger_meet(ledger, member);
    books->postings++;
    books->grants += posting->kind == TALLYBOOK__V1__POSTING__KIND__GRANT;
    books->active += posting->active_after - member->active[currency];
    books->arrears += posting->arrears_after - member->arrears[currency];
    member->active[currency] = posting->active_after;
    member->arrears[currency] = posting->arrears_after;
    if (currency != DEMO_SPENDABLE) return true;
    if (posting->lot_expires_at_ms != 0) {
        bool in = posting->to == TALLYBOOK__V1__ACCOUNT__ACCOUNT_ACTIVE;
        ledger_move_last_day(ledger, posting->lot_expires_at_ms,
                             in ? posting->points : -posting->points);
    }
    ledger_tell_posting(ledger, posting);
    return true;
}

/* ---- Outcomes, tiers, notices
 * ----------------------------------------------------------------------------------------
 */

static bool
ledger_take_outcome(struct demo_ledger *ledger, const Tallybook__V1__Outcome *outcome)
{
    if (outcome->verdict >= DEMO_VERDICTS || outcome->event == NULL) return false;
    ledger->events++;
    ledger->verdicts[outcome->verdict]++;
    copy_text(ledger->verdict_names[outcome->verdict], outcome->verdict_name);
    if (outcome->verdict == VERDICT_ACCEPTED) {
        bool order = strcmp(outcome->kind, "purchase") == 0;
        ledger->orders += order;
        ledger->refunds += strcmp(outcome->kind, "refund") == 0;
        ledger->cancellations += strcmp(outcome->kind, "cancellation") == 0;
        ledger->redemptions += strcmp(outcome->kind, "redeem") == 0;
        if (order) ledger_day(ledger, outcome->journal_time_ms)->orders++;
        return true;
    }
    bool repeat = outcome->verdict == VERDICT_DUPLICATE;
    struct demo_line *line =
        ledger_line(ledger, repeat ? DEMO_LINE_REPEAT : DEMO_LINE_REFUSED, outcome->member,
                    outcome->event->id, outcome->journal_time_ms);
    copy_text(line->what, outcome->verdict_name);
    return true;
}

/* Partitions are read in no fixed order: the latest counts, and of two at one instant the first by
 * name, so that the same outputs give the same example. */
static void
ledger_keep_example(struct demo_ledger *ledger, const Tallybook__V1__TierChange *change)
{
    struct demo_example *example = &ledger->example;
    if (change->effective_at_ms < example->at_ms ||
        (change->effective_at_ms == example->at_ms && strcmp(change->member, example->member) > 0))
        return;
    *example = (struct demo_example){
        .found = true, .at_ms = change->effective_at_ms, .metric = change->metric_value};
    copy_text(example->member, change->member);
    copy_text(example->from, change->from);
    copy_text(example->to, change->to);
    copy_text(example->source, change->cause->source);
    copy_text(example->event, change->cause->id);
}

static bool
ledger_take_tier(struct demo_ledger *ledger, const Tallybook__V1__TierChange *change)
{
    struct demo_member *member = ledger_member(ledger, change->member);
    int to = ledger_level(ledger, change->to);
    if (member == NULL || to < 0) return false;
    if (change->direction == TALLYBOOK__V1__TIER_CHANGE__DIRECTION__RENEWED) {
        ledger->renewals++;
        return true;
    }
    bool up = change->direction == TALLYBOOK__V1__TIER_CHANGE__DIRECTION__UPGRADED;
    struct demo_day *day = ledger_day(ledger, change->journal_time_ms);
    ledger_meet(ledger, member);
    ledger->level_counts[member->level]--;
    ledger->level_counts[to]++;
    member->level = (uint8_t)to;
    ledger->upgrades += up;
    ledger->downgrades += !up;
    day->up[to] += up;
    day->down[to] += !up;
    const char *event = change->cause == NULL ? "" : change->cause->id;
    struct demo_line *line =
        ledger_line(ledger, DEMO_LINE_TIER, change->member, event, change->effective_at_ms);
    line->up = up;
    line->points = change->metric_value;
    copy_text(line->what, change->to);
    if (up && change->cause != NULL && (uint32_t)to + 2 == ledger->program->groups[0].level_count)
        ledger_keep_example(ledger, change);
    return true;
}

static bool
ledger_take_notice(struct demo_ledger *ledger, const Tallybook__V1__Notice *notice)
{
    if (notice->kind_case != TALLYBOOK__V1__NOTICE__KIND_EXPIRING_SOON)
        return true; /* the screen has room for one kind */
    ledger->warnings++;
    struct demo_line *line =
        ledger_line(ledger, DEMO_LINE_WARNED, notice->member, "", notice->effective_at_ms);
    line->points = notice->expiring_soon->points;
    return true;
}

bool
demo_ledger_take(void *argument, const struct output_item *item, struct fault *out_fault)
{
    struct demo_ledger *ledger = argument;
    bool taken = false;
#define TAKE(type, name, take)                                                                     \
    do {                                                                                           \
        Tallybook__V1__##type *value =                                                             \
            tallybook__v1__##name##__unpack(NULL, item->message.size, item->message.data);         \
        if (value == NULL) break;                                                                  \
        taken = take(ledger, value);                                                               \
        if (value->journal_time_ms > ledger->clock_ms) ledger->clock_ms = value->journal_time_ms;  \
        tallybook__v1__##name##__free_unpacked(value, NULL);                                       \
    } while (0)
    switch (item->topic) {
    case TOPIC_POSTINGS: TAKE(Posting, posting, ledger_take_posting); break;
    case TOPIC_OUTCOMES: TAKE(Outcome, outcome, ledger_take_outcome); break;
    case TOPIC_TIERS: TAKE(TierChange, tier_change, ledger_take_tier); break;
    case TOPIC_NOTICES: TAKE(Notice, notice, ledger_take_notice); break;
    case TOPIC_COUNT:
    case TOPIC_FORWARD: UNREACHABLE();
    }
#undef TAKE
    if (!taken)
        return fault_set(out_fault, FAULT_SOFTWARE,
                         "output '%s', partition %u, number %" PRIu64
                         " is nothing that the demo's shop can cause",
                         topic_name(item->topic), item->partition, item->sequence);
    ledger->effects++;
    ledger->sequences[item->partition][item->topic] = item->sequence;
    return true;
}

/* ---- Is it right?
 * ----------------------------------------------------------------------------------------------------
 */

bool
demo_ledger_has_all(const struct demo_ledger *ledger, const struct partition_status *status,
                    uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        for (enum topic topic = 0; topic < TOPIC_COUNT; topic++)
            if (ledger->sequences[i][topic] + 1 < status[i].info.outputs[topic].next_sequence)
                return false;
    return true;
}

bool
demo_books_are_conserved(const struct demo_books *books)
{
    return books->issued == books->active - books->arrears + books->redeemed + books->expired +
                                books->reversed &&
           books->arrears == books->owed - books->repaid;
}

static bool
compare_one(const char *currency, const char *account, int64_t read, int64_t held,
            struct fault *out_fault)
{
    if (read == held) return true;
    return fault_set(out_fault, FAULT_SOFTWARE,
                     "%s, %s: the outputs say %" PRId64 ", the ledger %" PRId64, currency, account,
                     read, held);
}

static bool
compare_books(const struct demo_books *books, const struct totals *totals, struct fault *out_fault)
{
    if (!demo_books_are_conserved(books))
        return fault_set(out_fault, FAULT_SOFTWARE, "%s: the outputs are not conserved",
                         books->currency);
    const char *name = books->currency;
    return compare_one(name, "issued", books->issued, totals->issued, out_fault) &&
           compare_one(name, "active", books->active, totals->active, out_fault) &&
           compare_one(name, "arrears", books->arrears, totals->arrears, out_fault) &&
           compare_one(name, "redeemed", books->redeemed, totals->redeemed, out_fault) &&
           compare_one(name, "expired", books->expired, totals->expired, out_fault) &&
           compare_one(name, "reversed", books->reversed, totals->reversed, out_fault);
}

bool
demo_ledger_compare(const struct demo_ledger *ledger, const struct status_totals *totals,
                    const struct partition_status *status, uint32_t count, struct fault *out_fault)
{
    int64_t members = 0, verdicts[DEMO_VERDICTS] = {0}, schedule = 0;
    for (uint32_t i = 0; i < count; i++) {
        members += (int64_t)status[i].info.members;
        for (size_t verdict = 0; verdict < DEMO_VERDICTS; verdict++)
            verdicts[verdict] += (int64_t)status[i].info.verdicts[verdict];
    }
    for (size_t i = 0; i < DEMO_DAYS; i++)
        schedule += ledger->last_days[i];
    if (!compare_one("members", "enrolled", ledger->member_count, members, out_fault) ||
        !compare_one(ledger->books[DEMO_SPENDABLE].currency, "by their last days", schedule,
                     ledger->books[DEMO_SPENDABLE].active, out_fault))
        return false;
    for (size_t i = 0; i < DEMO_VERDICTS; i++)
        if (!compare_one("verdict", ledger->verdict_names[i], (int64_t)ledger->verdicts[i],
                         verdicts[i], out_fault))
            return false;
    for (size_t i = 0; i < totals->count; i++) {
        for (uint32_t c = 0; c < ledger->program->currency_count; c++)
            if (strcmp(ledger->books[c].currency, totals->names[i]) == 0 &&
                !compare_books(&ledger->books[c], &totals->currencies[i], out_fault))
                return false;
    }
    return true;
}
