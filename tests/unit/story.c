#include "tests/unit/story.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/core/calendar.h"

enum { WORDS_MAX = 48, COMPLAINT_BYTES = 512, MINUTE_MS = 60000 };

static char complaint[COMPLAINT_BYTES];

struct story {
    struct rig rig;
    size_t told; /* effects seen before the line */
    bool is_event;
    char line[COMPLAINT_BYTES];
    char *words[WORDS_MAX + 1];
    size_t word_count, at;
};

static bool
complain(const struct story *story, const char *line, const char *what, long long is,
         long long wanted)
{
    (void)story;
    snprintf(complaint, sizeof complaint, "%.*s: %s is %lld, not %lld", (int)strcspn(line, "\n"),
             line, what, is, wanted);
    return false;
}

/* ---- Words ---- */

static const char *
word(const struct story *story)
{
    return story->at < story->word_count ? story->words[story->at] : "";
}

static const char *
take(struct story *story)
{
    CHECK_MSG(story->at < story->word_count, "%s", story->line);
    return story->words[story->at++];
}

static bool
take_if(struct story *story, const char *text)
{
    if (strcmp(word(story), text) != 0) return false;
    story->at++;
    return true;
}

static bool
is_number(const char *text)
{
    return (text[0] >= '0' && text[0] <= '9') || (text[0] == '-' && text[1] != '\0');
}

static int64_t
take_number(struct story *story)
{
    const char *text = take(story);
    CHECK_MSG(is_number(text), "%s: '%s' is no number", story->line, text);
    return strtoll(text, NULL, 10);
}

/* "03-01", and "12:00" where one follows. */
static struct instant
take_instant(struct story *story)
{
    char text[64];
    const char *day = take(story);
    bool clock = strchr(word(story), ':') != NULL;
    const char *time = clock ? take(story) : "00:00";
    snprintf(text, sizeof text, "%s%sT%s%sZ", strlen(day) > 5 ? "" : "2026-", day, time,
             strlen(time) > 5 ? "" : ":00");
    return rig_at(text);
}

static void
split(struct story *story, const char *line)
{
    snprintf(story->line, sizeof story->line, "%.*s", (int)strcspn(line, "\n"), line);
    story->word_count = story->at = 0;
    for (char *at = story->line; *at != '\0';) {
        if (*at == ' ') {
            *at++ = '\0';
            continue;
        }
        CHECK(story->word_count < WORDS_MAX);
        story->words[story->word_count++] = at;
        at += strcspn(at, " ");
    }
}

/* ---- What is done ---- */

static void
take_request(struct story *story, struct spend_request *request, struct bytes *currencies)
{
    if (take_if(story, "reward")) {
        request->what = SPEND_REWARD;
        request->reward = (struct spend_reward){bytes_from_cstr(take(story)), 1};
        if (take_if(story, "times")) request->reward.count = (uint32_t)take_number(story);
    } else if (take_if(story, "pay")) {
        request->what = SPEND_PAYMENT;
        request->payment = (struct spend_payment){.order_id = BYTES_LITERAL("paid order"),
                                                  .currency = RIG_GBP,
                                                  .amount_minor = take_number(story)};
        if (take_if(story, "of")) request->payment.order_total_minor = take_number(story);
    } else {
        request->what = SPEND_POINTS;
        request->points.units = take_number(story);
    }
    request->reason = BYTES_LITERAL("a treat");
    request->actor = BYTES_LITERAL("till 7");
    request->currencies = currencies;
    if (!take_if(story, "from")) return;
    for (const char *text = take(story); *text != '\0'; text += *text == ',') {
        size_t size = strcspn(text, ",");
        currencies[request->currency_count++] = bytes_of(text, size);
        text += size;
    }
}

static void
take_grant(struct story *story, struct event *event)
{
    event->kind = EVENT_GRANT;
    event->grant.reason = bytes_from_cstr(take(story));
    event->grant.points.units = take_number(story);
    event->grant.never_expires = !take_if(story, "until");
    if (!event->grant.never_expires) event->grant.expires_at = take_instant(story);
    if (take_if(story, "of")) event->grant.order_id = bytes_from_cstr(take(story));
    if (take_if(story, "in")) event->grant.currency = bytes_from_cstr(take(story));
}

static void
take_hold(struct story *story, struct event *event, struct bytes *currencies)
{
    event->kind = EVENT_HOLD;
    event->hold.hold_id = bytes_from_cstr(take(story));
    take_request(story, &event->hold.request, currencies);
    if (take_if(story, "for")) event->hold.timeout_ms = take_number(story) * MINUTE_MS;
}

static bool
take_state_change(const char *verb, struct event *event)
{
    static const struct {
        const char *verb;
        enum event_kind kind;
    } changes[] = {
        {"freeze", EVENT_FREEZE}, {"unfreeze", EVENT_UNFREEZE}, {"suspend", EVENT_SUSPEND},
        {"resume", EVENT_RESUME}, {"close", EVENT_CLOSE},       {"reopen", EVENT_REOPEN},
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        if (strcmp(verb, changes[i].verb) == 0) event->kind = changes[i].kind;
    }
    return event->kind != 0;
}

static void
take_money(struct story *story, const char *verb, struct event *event, struct event_line *line)
{
    struct bytes order = bytes_from_cstr(take(story));
    if (strcmp(verb, "buy") == 0) {
        *line = (struct event_line){.line_id = BYTES_LITERAL("1"),
                                    .kind = LINE_GOODS,
                                    .quantity_milli = 1000,
                                    .amount_minor = 100 * take_number(story)};
        event->kind = EVENT_PURCHASE;
        event->purchase = (struct purchase){
            .order_id = order, .currency = RIG_GBP, .lines = line, .line_count = 1};
        return;
    }
    event->kind = EVENT_REFUND;
    event->refund = (struct refund){.order_id = order, .currency = RIG_GBP};
    event->refund.refund_id = bytes_from_cstr(take(story));
    event->refund.amount_minor = 100 * take_number(story);
}

static void
take_event(struct story *story, struct event *event, struct event_line *line,
           struct bytes *currencies)
{
    const char *verb = take(story);
    event->member = BYTES_LITERAL("ann");
    if (take_state_change(verb, event)) return;
    if (strcmp(verb, "grant") == 0) {
        take_grant(story, event);
    } else if (strcmp(verb, "hold") == 0) {
        take_hold(story, event, currencies);
    } else if (strcmp(verb, "spend") == 0) {
        event->kind = EVENT_REDEEM;
        event->redeem.spend_id = bytes_from_cstr(take(story));
        take_request(story, &event->redeem.request, currencies);
    } else if (strcmp(verb, "capture") == 0) {
        event->kind = EVENT_CAPTURE_HOLD;
        event->capture_hold.hold_id = bytes_from_cstr(take(story));
        if (is_number(word(story))) event->capture_hold.points.units = take_number(story);
    } else if (strcmp(verb, "release") == 0) {
        event->kind = EVENT_RELEASE_HOLD;
        event->release_hold.hold_id = bytes_from_cstr(take(story));
    } else if (strcmp(verb, "undo") == 0) {
        event->kind = EVENT_CANCEL_REDEMPTION;
        event->cancel_redemption.spend_id = bytes_from_cstr(take(story));
        if (is_number(word(story))) event->cancel_redemption.points.units = take_number(story);
    } else if (strcmp(verb, "adjust") == 0) {
        event->kind = EVENT_ADJUST;
        event->adjust.points.units = take_number(story);
        event->adjust.reason = event->adjust.actor = BYTES_LITERAL("mended");
        event->adjust.may_owe = true;
        event->adjust.never_expires = true;
    } else {
        CHECK_MSG(strcmp(verb, "buy") == 0 || strcmp(verb, "refund") == 0, "%s", verb);
        take_money(story, verb, event, line);
    }
}

static void
enrol_ann(struct rig *rig)
{
    CHECK(rig_event(rig, (struct event){.kind = EVENT_ENROL, .member = BYTES_LITERAL("ann")}) ==
          VERDICT_ACCEPTED);
}

static void
do_line(struct story *story)
{
    struct rig *rig = &story->rig;
    struct event event = {0};
    struct event_line line;
    struct bytes currencies[SPEND_CURRENCIES_MAX] = {{0}};
    rig->now_ms = take_instant(story).ms;
    story->is_event = !take_if(story, "tick");
    if (!story->is_event) {
        char text[INSTANT_TEXT_MAX];
        instant_format((struct instant){rig->now_ms}, text);
        rig_tick(rig, text);
        return;
    }
    take_event(story, &event, &line, currencies);
    if (take_if(story, "@")) event.occurred_at = take_instant(story);
    rig_event(rig, event);
}

/* ---- What is seen ---- */

static const struct {
    const char *name;
    enum posting_kind kind;
} POSTINGS[] = {
    {"grant", POSTING_GRANT},
    {"activate", POSTING_ACTIVATE},
    {"redeem", POSTING_REDEEM},
    {"hold", POSTING_HOLD},
    {"release", POSTING_RELEASE},
    {"claw_back", POSTING_CLAW_BACK},
    {"owe", POSTING_OWE},
    {"restore", POSTING_RESTORE},
    {"adjust", POSTING_ADJUST},
    {"repay", POSTING_REPAY},
    {"capture", POSTING_CAPTURE},
    {"expire", POSTING_EXPIRE},
    {"lapse", POSTING_LAPSE},
    {"undo", POSTING_UNDO},
    {"lapse_end", POSTING_LAPSE_END},
    {"forfeit", POSTING_FORFEIT},
    {"write_off", POSTING_WRITE_OFF},
};

static const char *
posting_name(enum posting_kind kind)
{
    for (size_t i = 0; i < sizeof POSTINGS / sizeof POSTINGS[0]; i++) {
        if (POSTINGS[i].kind == kind) return POSTINGS[i].name;
    }
    return "another posting";
}

/* The postings of the line from the i-th effect on; NULL at the end. */
static const struct posting *
next_posting(const struct story *story, size_t *at)
{
    while (*at < story->rig.log_count) {
        const struct effect *effect = &story->rig.log[(*at)++];
        if (effect->topic == TOPIC_POSTINGS) return &effect->posting;
    }
    return NULL;
}

static bool
see_postings(struct story *story, const char *line)
{
    size_t at = story->told;
    for (const struct posting *posting; story->at < story->word_count;) {
        const char *wanted = take(story);
        int64_t units = take_number(story);
        posting = next_posting(story, &at);
        if (posting == NULL || strcmp(posting_name(posting->kind), wanted) != 0 ||
            posting->amount.units != units) {
            snprintf(complaint, sizeof complaint, "%.*s: '%s %lld' is wanted, but there is %s %lld",
                     (int)strcspn(line, "\n"), line, wanted, (long long)units,
                     posting == NULL ? "nothing" : posting_name(posting->kind),
                     posting == NULL ? 0LL : (long long)posting->amount.units);
            return false;
        }
    }
    const struct posting *more = next_posting(story, &at);
    return more == NULL || complain(story, line, posting_name(more->kind), more->amount.units, 0);
}

static int64_t
figure(struct story *story, const char *name)
{
    struct member_view view;
    struct wallet_view none = {0};
    CHECK(rig_view(&story->rig, "ann", &view));
    const struct wallet_view *wallet = view.wallet_count > 0 ? &view.wallets[0] : &none;
    if (strcmp(name, "pending") == 0) return wallet->pending.units;
    if (strcmp(name, "active") == 0) return wallet->active.units;
    if (strcmp(name, "held") == 0) return wallet->held.units;
    if (strcmp(name, "lapsing") == 0) return wallet->lapsing.units;
    if (strcmp(name, "arrears") == 0) return wallet->arrears.units;
    if (strcmp(name, "notices") == 0) return (int64_t)rig_effect_count(&story->rig, TOPIC_NOTICES);
    if (strcmp(name, "second") == 0)
        return view.wallet_count > 1 ? view.wallets[1].active.units : 0;
    CHECK_MSG(strcmp(name, "outcome") == 0, "%s is no figure", name);
    const struct outcome *outcome = rig_outcome(&story->rig);
    return outcome->amount_count > 0 ? outcome->amounts[0].granted.units : 0;
}

static bool
is_verdict(const char *name)
{
    uint32_t count;
    const struct verdict_info *table = verdict_table(&count);
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(table[i].name, name) == 0) return true;
    }
    return false;
}

static bool
see(struct story *story, const char *line)
{
    bool figures = take_if(story, "|");
    const char *wanted = "accepted";
    if (figures && is_verdict(word(story))) wanted = take(story);
    bool any = figures && take_if(story, "any");
    if (story->is_event && !any) {
        const char *verdict = verdict_find(rig_outcome(&story->rig)->verdict)->name;
        if (strcmp(verdict, wanted) != 0) {
            snprintf(complaint, sizeof complaint, "%.*s: the verdict is %s",
                     (int)strcspn(line, "\n"), line, verdict);
            return false;
        }
    }
    while (story->at < story->word_count) {
        if (take_if(story, ">")) return see_postings(story, line);
        const char *name = take(story);
        int64_t units = take_number(story), is = figure(story, name);
        if (is != units) return complain(story, line, name, is, units);
    }
    return true;
}

/* ---- Telling ---- */

enum mode { PLAIN, COLD, RESTARTED, MODES };

static bool
tell(const struct program *program, const char *text, enum mode mode, struct hash128 *out_digest)
{
    static struct story story; /* a rig is large */
    memset(&story, 0, sizeof story);
    rig_open(&story.rig);
    rig_start(&story.rig, program);
    story.rig.cold = mode == COLD;
    enrol_ann(&story.rig);
    bool sound = true;
    for (const char *line = text; sound && *line != '\0'; line += strcspn(line, "\n")) {
        line += *line == '\n';
        split(&story, line);
        if (story.word_count == 0) continue;
        if (mode == RESTARTED) {
            rig_checkpoint(&story.rig);
            rig_restart(&story.rig);
        }
        story.told = story.rig.log_count;
        do_line(&story);
        sound = see(&story, line);
    }
    rig_checkpoint(&story.rig);
    rig_verify(&story.rig);
    *out_digest = rig_digest(&story.rig);
    rig_close(&story.rig);
    return sound;
}

const char *
story_run(const struct program *program, const char *text)
{
    struct hash128 digests[MODES];
    for (enum mode mode = PLAIN; mode < MODES; mode++) {
        if (!tell(program, text, mode, &digests[mode])) return complaint;
        if (hash128_equal(digests[mode], digests[PLAIN])) continue;
        snprintf(complaint, sizeof complaint, "the end differs when it is told %s",
                 mode == COLD ? "cold" : "with restarts");
        return complaint;
    }
    return NULL;
}
