#include "tally/order_account.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "tally/posting_words.h"

enum { BUCKETS = 4096 };

struct order_account {
    struct order_account *next, *next_asked;
    uint64_t hash;
    char *order_id, *currency;
    uint32_t scale, rule_version;
    int64_t earned;
    int64_t before, taken, owed, given_back; /* taken before, and by the event: with and of what is
                                                owed, and what it gave back */
    bool asked;
};

struct order_accounts {
    struct order_account *buckets[BUCKETS];
    struct order_account *first_asked, **last_asked;
};

struct order_accounts *
order_accounts_open(void)
{
    struct order_accounts *accounts = calloc(1, sizeof *accounts);
    CHECK(accounts != NULL);
    accounts->last_asked = &accounts->first_asked;
    return accounts;
}

void
order_accounts_close(struct order_accounts *accounts)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        struct order_account *next;
        for (struct order_account *at = accounts->buckets[i]; at != NULL; at = next) {
            next = at->next;
            free(at->order_id);
            free(at->currency);
            free(at);
        }
    }
    free(accounts);
}

static struct order_account *
account_of(struct order_accounts *accounts, const Tallybook__V1__Posting *posting)
{
    uint64_t hash =
        hash64(bytes_from_cstr(posting->order_id), hash64(bytes_from_cstr(posting->currency), 0));
    struct order_account **at = &accounts->buckets[hash % BUCKETS];
    while (*at != NULL && ((*at)->hash != hash || strcmp((*at)->order_id, posting->order_id) != 0 ||
                           strcmp((*at)->currency, posting->currency) != 0))
        at = &(*at)->next;
    if (*at != NULL) return *at;
    struct order_account *account = calloc(1, sizeof *account);
    CHECK(account != NULL);
    account->hash = hash;
    account->order_id = strdup(posting->order_id);
    account->currency = strdup(posting->currency);
    CHECK(account->order_id != NULL && account->currency != NULL);
    account->scale = posting->scale;
    return *at = account;
}

/* What the posting takes of what its order earned; below zero: gives back. */
static int64_t
taken_by(const Tallybook__V1__Posting *posting)
{
    switch (posting->kind) {
    case TALLYBOOK__V1__POSTING__KIND__CLAW_BACK:
    case TALLYBOOK__V1__POSTING__KIND__OWE: return posting->points;
    case TALLYBOOK__V1__POSTING__KIND__RESTORE: return -posting->points;
    default: return 0;
    }
}

void
order_accounts_take(struct order_accounts *accounts, const Tallybook__V1__Posting *posting,
                    bool asked)
{
    bool grants = posting->kind == TALLYBOOK__V1__POSTING__KIND__GRANT ||
                  posting->kind == TALLYBOOK__V1__POSTING__KIND__QUARANTINE;
    int64_t taken = taken_by(posting);
    if (*posting->order_id == '\0' || (!grants && taken == 0)) return;
    struct order_account *account = account_of(accounts, posting);
    if (grants) {
        account->earned += posting->points;
        account->rule_version = posting->rule_version;
        return;
    }
    if (!asked) {
        /* What came after the event is no part of its reasons. */
        if (!account->asked) account->before += taken;
        return;
    }
    if (!account->asked) {
        account->asked = true;
        *accounts->last_asked = account;
        accounts->last_asked = &account->next_asked;
    }
    if (taken < 0)
        account->given_back -= taken;
    else
        account->taken += taken;
    if (posting->kind == TALLYBOOK__V1__POSTING__KIND__OWE) account->owed += taken;
}

static const char *
method_text(enum claw_back method)
{
    switch (method) {
    case CLAW_RECOMPUTE: return "what the order would not have earned without what came back";
    case CLAW_ITEM: return "the points of each line, times the part of it that came back";
    case CLAW_VALUE_SHARE: return "the share of the order's value that came back";
    }
    UNREACHABLE();
}

void
order_accounts_explain(const struct order_accounts *accounts, const struct terminal *terminal,
                       const struct program *program)
{
    FILE *out = terminal->file;
    char text[POINTS_TEXT_MAX];
    for (const struct order_account *at = accounts->first_asked; at != NULL; at = at->next_asked) {
        int64_t left = at->earned - at->before - at->taken + at->given_back;
        fputs("  order ", out);
        terminal_text(terminal, bytes_from_cstr(at->order_id));
        fprintf(out, " had earned %s ", points_text(at->earned, at->scale, text));
        terminal_text(terminal, bytes_from_cstr(at->currency));
        fprintf(out, ", of which %s were taken back before",
                points_text(at->before, at->scale, text));
        if (at->taken != 0)
            fprintf(out, "; this takes %s", points_text(at->taken, at->scale, text));
        if (at->owed != 0)
            fprintf(out, " (%s of them owed)", points_text(at->owed, at->scale, text));
        if (at->given_back != 0)
            fprintf(out, "; this gives %s back", points_text(at->given_back, at->scale, text));
        fprintf(out, " and leaves %s\n", points_text(left, at->scale, text));
        if (program != NULL && program->version == at->rule_version)
            fprintf(out, "  taken back is %s, as version %u says that granted\n",
                    method_text(program->returns.method), program->version);
    }
}
