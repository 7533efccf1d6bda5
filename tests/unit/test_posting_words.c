/* What is said of a posting: statement and explanation, from the published message alone. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tally/posting_words.h"

/* protobuf-c holds texts without const; nobody writes them here. */
#define T(text) ((char *)(uintptr_t)(text))

static char *printed;
static size_t printed_size;

static const struct program *program; /* of which the words are; NULL: not known */

static const char *
said(void (*say)(const struct terminal *, const struct program *, const Tallybook__V1__Posting *),
     const Tallybook__V1__Posting *posting)
{
    struct terminal terminal = {open_memstream(&printed, &printed_size), false, false, 80};
    say(&terminal, program, posting);
    fclose(terminal.file);
    return printed;
}

static void
forget(void)
{
    free(printed);
    printed = NULL;
}

TestSuite(posting_words, .fini = forget);

static Tallybook__V1__Posting
plain(Tallybook__V1__Posting__Kind kind, Tallybook__V1__Account from, Tallybook__V1__Account to)
{
    Tallybook__V1__Posting posting = TALLYBOOK__V1__POSTING__INIT;
    posting.kind = kind;
    posting.from = from;
    posting.to = to;
    posting.currency = T("points");
    posting.points = 1234;
    posting.active_after = 5678;
    posting.effective_at_ms = 1767225600000; /* 2026-01-01 */
    return posting;
}

#define PLAIN(kind, from, to)                                                                      \
    plain(TALLYBOOK__V1__POSTING__KIND__##kind, TALLYBOOK__V1__ACCOUNT__ACCOUNT_##from,            \
          TALLYBOOK__V1__ACCOUNT__ACCOUNT_##to)

Test(posting_words, a_statement_shows_what_the_balance_did)
{
    Tallybook__V1__Posting posting = PLAIN(GRANT, ISSUED, ACTIVE);
    posting.rule = T("base");
    posting.rule_version = 3;
    posting.order_id = T("O-1");
    cr_expect_str_eq(
        said(posting_statement, &posting),
        "2026-01-01T00:00:00Z       earned             +1,234  points             5,678"
        "  rule base of version 3, order O-1\n");
    forget();
    posting = PLAIN(HOLD, ACTIVE, HELD);
    posting.hold_id = T("h-1");
    cr_expect_str_eq(
        said(posting_statement, &posting),
        "2026-01-01T00:00:00Z       held               -1,234  points             5,678"
        "  hold h-1\n");
    forget();
    posting = PLAIN(CAPTURE, HELD, REDEEMED);
    posting.scale = 2;
    posting.arrears_after = 150;
    posting.actor = T("desk-7");
    posting.reason = T("late");
    cr_expect_str_eq(
        said(posting_statement, &posting),
        "2026-01-01T00:00:00Z       captured          (12.34)  points             56.78"
        "  by desk-7, because: late, owes 1.50\n");
    forget();
    posting = PLAIN(EXTEND, ACTIVE, ACTIVE);
    posting.points = 0;
    posting.lot_expired_before_ms = 1767225600000;
    posting.lot_expires_at_ms = 1767312000000;
    cr_expect_str_eq(
        said(posting_statement, &posting),
        "2026-01-01T00:00:00Z       extended              (0)  points             5,678"
        "  from 2026-01-01T00:00:00Z to 2026-01-02T00:00:00Z\n");
}

Test(posting_words, a_grant_is_told_phase_by_phase)
{
    typedef Tallybook__V1__Explanation__Part part_type;
    typedef Tallybook__V1__Ratio ratio_type;
#define PART TALLYBOOK__V1__EXPLANATION__PART__INIT
    part_type base = PART, tier = PART, campaign = PART, bonus = PART, rounding = PART, cap = PART;
    ratio_type exact = TALLYBOOK__V1__RATIO__INIT, fifths = exact, double_ = exact, thirds = exact;
    exact.numerator = 1999, exact.denominator = 100;
    fifths.numerator = 6, fifths.denominator = 5;
    double_.numerator = 2, double_.denominator = 1;
    thirds.numerator = 143, thirds.denominator = 3;
    base.phase = TALLYBOOK__V1__EXPLANATION__PHASE__BASE;
    base.rule = T("base"), base.rule_version = 3, base.points = 19;
    base.eligible_minor = 1999, base.line_id = T("a"), base.exact = &exact;
    tier.phase = TALLYBOOK__V1__EXPLANATION__PHASE__TIER;
    tier.points = 4, tier.factor = &fifths;
    campaign.phase = TALLYBOOK__V1__EXPLANATION__PHASE__CAMPAIGN;
    campaign.rule = T("double-eleven"), campaign.points = 24, campaign.factor = &double_;
    bonus.phase = TALLYBOOK__V1__EXPLANATION__PHASE__FLAT_BONUS;
    bonus.rule = T("app"), bonus.points = 1000;
    rounding.phase = TALLYBOOK__V1__EXPLANATION__PHASE__ROUNDING;
    rounding.exact = &thirds;
    cap.phase = TALLYBOOK__V1__EXPLANATION__PHASE__CAP;
    cap.rule = T("monthly"), cap.points = -147;
    part_type *parts[] = {&base, &tier, &campaign, &bonus, &rounding, &cap};

    Tallybook__V1__Explanation explanation = TALLYBOOK__V1__EXPLANATION__INIT;
    explanation.currency = T("GBP"), explanation.tier_group = T("club"),
    explanation.tier = T("gold");
    explanation.parts = parts, explanation.n_parts = 6;
    explanation.requested = 1047, explanation.granted = 900, explanation.cap_rule = T("monthly");
    Tallybook__V1__LotId lot = TALLYBOOK__V1__LOT_ID__INIT;
    lot.ordinal = 42, lot.index = 1;
    Tallybook__V1__EventRef event = TALLYBOOK__V1__EVENT_REF__INIT;
    event.source = T("shop"), event.id = T("e-9");
    Tallybook__V1__Posting posting = PLAIN(GRANT, ISSUED, PENDING);
    posting.points = 900, posting.lot = &lot, posting.event = &event, posting.order_id = T("O-1");
    posting.explanation = &explanation;
    posting.lot_activates_at_ms = 1767312000000;
    posting.funder = T("acme"), posting.unit_cost_minor = &exact, posting.cost_currency = T("GBP");
    cr_expect_str_eq(
        said(posting_explain, &posting),
        "2026-01-01T00:00:00Z  900 points earned, lot 42.1, event shop/e-9, order O-1\n"
        "  base                    +19  rule base of version 3, on 19.99 GBP, line a, exactly "
        "19.99\n"
        "  tier                     +4  held: gold of club, times 1.2\n"
        "  campaign                +24  rule double-eleven, times 2\n"
        "  flat bonus           +1,000  rule app\n"
        "  rounding                 +0  exactly 143/3\n"
        "  cap                    -147  rule monthly\n"
        "  granted                 900  of 1,047 requested, held down by the cap monthly\n"
        "  usable from 2026-01-02T00:00:00Z, without an end of its own; paid for by acme, 0.1999 "
        "GBP each\n");
    forget();

    explanation.granted = 1047;
    explanation.n_parts = 0;
    posting.points = 104700, posting.scale = 2;
    posting.lot_activates_at_ms = 0, posting.lot_expires_at_ms = 1767312000000;
    posting.unit_cost_minor = NULL, posting.funder = T("");
    cr_expect_str_eq(
        said(posting_explain, &posting),
        "2026-01-01T00:00:00Z  1047.00 points earned, lot 42.1, event shop/e-9, order O-1\n"
        "  granted               10.47\n"
        "  usable once it is released, before 2026-01-02T00:00:00Z\n");
}

Test(posting_words, what_carries_no_explanation_says_what_it_knows)
{
    Tallybook__V1__Posting posting = PLAIN(GRANT, ISSUED, ACTIVE);
    posting.rule = T("base"), posting.rule_version = 3;
    cr_expect_str_eq(said(posting_explain, &posting),
                     "2026-01-01T00:00:00Z  1,234 points earned\n"
                     "  by rule base of version 3\n"
                     "  usable at once, without an end of its own\n");
    forget();
    posting = PLAIN(EXPIRE, ACTIVE, EXPIRED);
    posting.rule = T("base");
    cr_expect_str_eq(said(posting_explain, &posting),
                     "2026-01-01T00:00:00Z  1,234 points expired\n");
    forget();
    posting.reason = T("a\033[31m");
    cr_expect(strchr(said(posting_explain, &posting), '\033') == NULL,
              "text from outside never drives the terminal");
}

Test(posting_words, times_are_those_of_the_programme)
{
    static struct program tokyo;
    tokyo = (struct program){.version = 3, .zone = {NULL, 0, 32400000}, .currency_count = 1};
    tokyo.currencies[0] = (struct program_currency){
        .id = bytes_from_cstr("points"),
        .expiry = {.kind = EXPIRY_INACTIVITY, .amount = 90, .unit = CALENDAR_DAY}};
    program = &tokyo;
    Tallybook__V1__Posting posting = PLAIN(GRANT, ISSUED, ACTIVE);
    posting.rule_version = 3;
    cr_expect_str_eq(said(posting_explain, &posting),
                     "2026-01-01T09:00:00+09:00  1,234 points earned\n"
                     "  usable at once, until 90 days without activity\n");
    forget();
    posting.lot_activates_at_ms = 1767225600000, posting.lot_expires_at_ms = 1767312000000;
    cr_expect_str_eq(said(posting_explain, &posting),
                     "2026-01-01T09:00:00+09:00  1,234 points earned\n"
                     "  usable from 2026-01-01T09:00:00+09:00, before 2026-01-02T09:00:00+09:00\n");
    forget();
    posting.lot_activates_at_ms = posting.lot_expires_at_ms = 0;
    tokyo.currencies[0].expiry.kind = EXPIRY_NONE;
    cr_expect(strstr(said(posting_explain, &posting), ", without end\n") != NULL, "never expires");
    forget();
    posting.rule_version = 2;
    cr_expect(strstr(said(posting_explain, &posting), ", without an end of its own\n") != NULL,
              "a version that is not at hand says nothing");
    forget();
    cr_expect_str_eq(
        said(posting_statement, &posting),
        "2026-01-01T09:00:00+09:00  earned             +1,234  points             5,678"
        "\n");
    program = NULL;
}

Test(posting_words, every_kind_has_a_word)
{
    const ProtobufCEnumDescriptor *kinds = &tallybook__v1__posting__kind__descriptor;
    for (unsigned i = 0; i < kinds->n_values; i++) {
        int value = kinds->values[i].value;
        if (value == 0) continue;
        cr_expect_str_neq(posting_word((Tallybook__V1__Posting__Kind)value), "moved", "%s",
                          kinds->values[i].name);
    }
    cr_expect_str_eq(posting_word((Tallybook__V1__Posting__Kind)99), "moved");
}
