#include "tally/posting_words.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine/base/bytes.h"
#include "engine/base/check.h"
#include "engine/base/decimal.h"
#include "engine/core/calendar.h"
#include "engine/core/quantity.h"
#include "engine/rules/local_time.h"

const char *
posting_word(Tallybook__V1__Posting__Kind kind)
{
    switch (kind) {
    case TALLYBOOK__V1__POSTING__KIND__GRANT: return "earned";
    case TALLYBOOK__V1__POSTING__KIND__ACTIVATE: return "activated";
    case TALLYBOOK__V1__POSTING__KIND__REDEEM: return "redeemed";
    case TALLYBOOK__V1__POSTING__KIND__HOLD: return "held";
    case TALLYBOOK__V1__POSTING__KIND__RELEASE: return "released";
    case TALLYBOOK__V1__POSTING__KIND__CLAW_BACK: return "returned";
    case TALLYBOOK__V1__POSTING__KIND__OWE: return "owed";
    case TALLYBOOK__V1__POSTING__KIND__RESTORE: return "restored";
    case TALLYBOOK__V1__POSTING__KIND__ADJUST: return "adjusted";
    case TALLYBOOK__V1__POSTING__KIND__REPAY: return "repaid";
    case TALLYBOOK__V1__POSTING__KIND__WRITE_OFF: return "written off";
    case TALLYBOOK__V1__POSTING__KIND__CAPTURE: return "captured";
    case TALLYBOOK__V1__POSTING__KIND__EXPIRE: return "expired";
    case TALLYBOOK__V1__POSTING__KIND__LAPSE: return "lapsing";
    case TALLYBOOK__V1__POSTING__KIND__LAPSE_END: return "lapsed";
    case TALLYBOOK__V1__POSTING__KIND__UNDO: return "undone";
    case TALLYBOOK__V1__POSTING__KIND__FORFEIT: return "forfeited";
    case TALLYBOOK__V1__POSTING__KIND__CANCEL: return "cancelled";
    case TALLYBOOK__V1__POSTING__KIND__SEND: return "sent";
    case TALLYBOOK__V1__POSTING__KIND__RETURN: return "sent back";
    case TALLYBOOK__V1__POSTING__KIND__RECEIVE: return "received";
    case TALLYBOOK__V1__POSTING__KIND__MERGE: return "merged";
    case TALLYBOOK__V1__POSTING__KIND__QUARANTINE: return "quarantined";
    case TALLYBOOK__V1__POSTING__KIND__QUARANTINE_RELEASE: return "cleared";
    case TALLYBOOK__V1__POSTING__KIND__EXTEND: return "extended";
    case TALLYBOOK__V1__POSTING__KIND__REINSTATE: return "reinstated";
    case TALLYBOOK__V1__POSTING__KIND__FUND: return "funded";
    case TALLYBOOK__V1__POSTING__KIND__UNSPECIFIED:
    case _TALLYBOOK__V1__POSTING__KIND_IS_INT_SIZE: break;
    }
    return "moved"; /* a kind of a later version */
}

/* ---- Figures ---- */

const char *
points_text(int64_t units, uint32_t scale, char out_text[POINTS_TEXT_MAX])
{
    if (scale == 0) return format_count(units, out_text);
    decimal_format(units, scale, out_text, POINTS_TEXT_MAX);
    return out_text;
}

static const char *
signed_text(int64_t units, uint32_t scale, char out_text[POINTS_TEXT_MAX])
{
    char text[POINTS_TEXT_MAX];
    points_text(units, scale, text);
    snprintf(out_text, POINTS_TEXT_MAX, "%s%.*s", units < 0 ? "" : "+", POINTS_TEXT_MAX - 2, text);
    return out_text;
}

/* A fraction of units of 10^-scale, as a decimal where that is exact within six more digits. */
static const char *
fraction_text(const Tallybook__V1__Ratio *ratio, uint32_t scale, char out_text[POINTS_TEXT_MAX])
{
    __int128 numerator = ratio->numerator;
    if (ratio->denominator <= 0) return "?";
    for (uint32_t digits = 0; digits <= 6; digits++, numerator *= 10) {
        __int128 units = numerator / ratio->denominator;
        bool exact = units * ratio->denominator == numerator;
        if (!exact || units > INT64_MAX || units < -INT64_MAX) continue;
        decimal_format((int64_t)units, scale + digits, out_text, POINTS_TEXT_MAX);
        return out_text;
    }
    char zeros[] = "000000";
    zeros[scale < 6 ? scale : 6] = '\0';
    snprintf(out_text, POINTS_TEXT_MAX, "%" PRId64 "/%" PRId64 "%s", ratio->numerator,
             ratio->denominator, zeros);
    return out_text;
}

static void
put_money(const struct terminal *terminal, int64_t minor, const char *alpha)
{
    char text[POINTS_TEXT_MAX];
    const struct currency *currency = currency_from_alpha(bytes_from_cstr(alpha));
    decimal_format(minor, currency == NULL ? 0 : currency->digits, text, sizeof text);
    fprintf(terminal->file, "%s ", text);
    terminal_text(terminal, bytes_from_cstr(alpha));
}

static void
put_instant(const struct terminal *terminal, const struct program *program, const char *before,
            int64_t ms)
{
    char text[LOCAL_TIME_TEXT_MAX];
    const struct zone *zone = program == NULL ? NULL : &program->zone;
    fprintf(terminal->file, "%s%s", before, local_time_format(zone, (struct instant){ms}, text));
}

/* "before text", when there is a text. */
static void
put_named(const struct terminal *terminal, const char *before, const char *text)
{
    if (*text == '\0') return;
    fputs(before, terminal->file);
    terminal_text(terminal, bytes_from_cstr(text));
}

/* Things told one behind another: what stands before the first, and ", " before the others. */
struct listing {
    const struct terminal *terminal;
    const char *separator;
};

static FILE *
list_next(struct listing *listing)
{
    fputs(listing->separator, listing->terminal->file);
    listing->separator = ", ";
    return listing->terminal->file;
}

/* "word text", when there is a text. */
static void
list_named(struct listing *listing, const char *word, const char *text)
{
    if (*text == '\0') return;
    list_next(listing);
    put_named(listing->terminal, word, text);
}

static void
list_rule(struct listing *listing, const char *rule, uint32_t version)
{
    list_named(listing, "rule ", rule);
    if (*rule != '\0' && version != 0) fprintf(listing->terminal->file, " of version %u", version);
}

/* What the posting is about: the ids by which people find the rest of it. */
static void
list_subjects(struct listing *listing, const Tallybook__V1__Posting *posting)
{
    list_named(listing, "order ", posting->order_id);
    list_named(listing, "spend ", posting->spend_id);
    list_named(listing, "hold ", posting->hold_id);
    list_named(listing, "by ", posting->actor);
    list_named(listing, "because: ", posting->reason);
}

/* ---- Statement ---- */

#define STATEMENT_LINE "%-25s  %-11s  %12s  %-10s  %12s"

void
posting_statement_heading(const struct terminal *terminal)
{
    fprintf(terminal->file, STATEMENT_LINE "  %s\n", "when", "what", "points", "currency",
            "balance", "why");
}

void
posting_statement(const struct terminal *terminal, const struct program *program,
                  const Tallybook__V1__Posting *posting)
{
    char when[LOCAL_TIME_TEXT_MAX], points[POINTS_TEXT_MAX], shown[POINTS_TEXT_MAX + 3],
        balance[POINTS_TEXT_MAX];
    bool comes = posting->to == TALLYBOOK__V1__ACCOUNT__ACCOUNT_ACTIVE;
    bool goes = posting->from == TALLYBOOK__V1__ACCOUNT__ACCOUNT_ACTIVE;
    const char *before = comes == goes ? "(" : comes ? "+" : "-";
    local_time_format(program == NULL ? NULL : &program->zone,
                      (struct instant){posting->effective_at_ms}, when);
    points_text(posting->points, posting->scale, points);
    snprintf(shown, sizeof shown, "%s%s%s", before, points, comes == goes ? ")" : "");
    fprintf(terminal->file, STATEMENT_LINE, when, posting_word(posting->kind), shown,
            posting->currency, points_text(posting->active_after, posting->scale, balance));
    struct listing why = {terminal, "  "};
    list_rule(&why, posting->rule, posting->rule_version);
    list_subjects(&why, posting);
    if (posting->lot_expired_before_ms != 0) {
        list_next(&why);
        put_instant(terminal, program, "from ", posting->lot_expired_before_ms);
        if (posting->lot_expires_at_ms != 0)
            put_instant(terminal, program, " to ", posting->lot_expires_at_ms);
    }
    if (posting->arrears_after != 0)
        fprintf(list_next(&why), "owes %s",
                points_text(posting->arrears_after, posting->scale, balance));
    fputc('\n', terminal->file);
}

/* ---- Explanation ---- */

static const char *
phase_word(Tallybook__V1__Explanation__Phase phase)
{
    switch (phase) {
    case TALLYBOOK__V1__EXPLANATION__PHASE__BASE: return "base";
    case TALLYBOOK__V1__EXPLANATION__PHASE__TIER: return "tier";
    case TALLYBOOK__V1__EXPLANATION__PHASE__CAMPAIGN: return "campaign";
    case TALLYBOOK__V1__EXPLANATION__PHASE__FLAT_BONUS: return "flat bonus";
    case TALLYBOOK__V1__EXPLANATION__PHASE__ROUNDING: return "rounding";
    case TALLYBOOK__V1__EXPLANATION__PHASE__CAP: return "cap";
    case TALLYBOOK__V1__EXPLANATION__PHASE__AFTER_EARNING: return "after earning";
    case TALLYBOOK__V1__EXPLANATION__PHASE__AWARD: return "award";
    case TALLYBOOK__V1__EXPLANATION__PHASE__UNSPECIFIED:
    case _TALLYBOOK__V1__EXPLANATION__PHASE_IS_INT_SIZE: break;
    }
    return "more"; /* a phase of a later version */
}

static void
explain_part(const struct terminal *terminal, const Tallybook__V1__Explanation *explanation,
             const Tallybook__V1__Explanation__Part *part, uint32_t scale)
{
    FILE *out = terminal->file;
    char text[POINTS_TEXT_MAX];
    bool by_level = part->phase == TALLYBOOK__V1__EXPLANATION__PHASE__TIER;
    bool within = by_level && part->points == 0; /* its rule's part is base times level */
    fprintf(out, "  %-13s  %12s", phase_word(part->phase),
            within ? "" : signed_text(part->points, scale, text));
    struct listing why = {terminal, "  "};
    list_rule(&why, part->rule, part->rule_version);
    if (by_level) {
        if (within) fputs("within the base above", list_next(&why));
        list_named(&why, "held: ", explanation->tier);
        put_named(terminal, " of ", explanation->tier_group);
    }
    if (part->eligible_minor != 0) {
        fputs("on ", list_next(&why));
        put_money(terminal, part->eligible_minor, explanation->currency);
    }
    list_named(&why, "line ", part->line_id);
    if (part->factor != NULL)
        fprintf(list_next(&why), "times %s", fraction_text(part->factor, 0, text));
    if (part->exact != NULL)
        fprintf(list_next(&why), "exactly %s", fraction_text(part->exact, scale, text));
    fputc('\n', out);
}

static void
explain_grant(const struct terminal *terminal, const Tallybook__V1__Posting *posting)
{
    FILE *out = terminal->file;
    const Tallybook__V1__Explanation *explanation = posting->explanation;
    char requested[POINTS_TEXT_MAX], granted[POINTS_TEXT_MAX];
    for (size_t i = 0; i < explanation->n_parts; i++)
        explain_part(terminal, explanation, explanation->parts[i], posting->scale);
    points_text(explanation->requested, posting->scale, requested);
    points_text(explanation->granted, posting->scale, granted);
    if (explanation->requested == explanation->granted) {
        fprintf(out, "  %-13s  %12s\n", "granted", granted);
        return;
    }
    fprintf(out, "  %-13s  %12s  of %s requested", "granted", granted, requested);
    put_named(terminal, ", held down by the cap ", explanation->cap_rule);
    fputc('\n', out);
}

static bool
makes_a_lot(Tallybook__V1__Posting__Kind kind)
{
    return kind == TALLYBOOK__V1__POSTING__KIND__GRANT ||
           kind == TALLYBOOK__V1__POSTING__KIND__QUARANTINE;
}

/* How a lot ends that was given no instant. A program of another version than the lot's says
 * nothing of it. */
static void
explain_no_end(const struct terminal *terminal, const struct program *program,
               const Tallybook__V1__Posting *posting)
{
    struct bytes id = bytes_from_cstr(posting->currency);
    if (program == NULL || program->version != posting->rule_version) {
        fputs(", without an end of its own", terminal->file);
        return;
    }
    for (uint32_t i = 0; i < program->currency_count; i++) {
        const struct program_currency *currency = &program->currencies[i];
        if (!bytes_equal(currency->id, id) || currency->expiry.kind != EXPIRY_INACTIVITY) continue;
        const char *unit = currency->expiry.unit == CALENDAR_DAY     ? "day"
                           : currency->expiry.unit == CALENDAR_MONTH ? "month"
                                                                     : "year";
        fprintf(terminal->file, ", until %d %s%s without activity", currency->expiry.amount, unit,
                currency->expiry.amount == 1 ? "" : "s");
        return;
    }
    fputs(", without end", terminal->file);
}

/* When the points of a new lot can be used, and who pays for them. */
static void
explain_lot(const struct terminal *terminal, const struct program *program,
            const Tallybook__V1__Posting *posting)
{
    FILE *out = terminal->file;
    char text[POINTS_TEXT_MAX];
    bool pending = posting->to == TALLYBOOK__V1__ACCOUNT__ACCOUNT_PENDING;
    fputs("  usable", out);
    if (posting->lot_activates_at_ms != 0)
        put_instant(terminal, program, " from ", posting->lot_activates_at_ms);
    else
        fputs(pending ? " once it is released" : " at once", out);
    if (posting->lot_expires_at_ms != 0)
        put_instant(terminal, program, ", before ", posting->lot_expires_at_ms);
    else
        explain_no_end(terminal, program, posting);
    put_named(terminal, "; paid for by ", posting->funder);
    if (posting->unit_cost_minor != NULL) {
        const struct currency *currency =
            currency_from_alpha(bytes_from_cstr(posting->cost_currency));
        uint32_t digits = currency == NULL ? 0 : currency->digits;
        fprintf(out, ", %s ", fraction_text(posting->unit_cost_minor, digits, text));
        terminal_text(terminal, bytes_from_cstr(posting->cost_currency));
        fputs(" each", out);
    }
    fputc('\n', out);
}

void
posting_explain(const struct terminal *terminal, const struct program *program,
                const Tallybook__V1__Posting *posting)
{
    FILE *out = terminal->file;
    char text[POINTS_TEXT_MAX];
    put_instant(terminal, program, "", posting->effective_at_ms);
    fprintf(out, "  %s%s%s ", terminal_style(terminal, STYLE_BOLD),
            points_text(posting->points, posting->scale, text),
            terminal_style(terminal, STYLE_PLAIN));
    terminal_text(terminal, bytes_from_cstr(posting->currency));
    fprintf(out, " %s", posting_word(posting->kind));
    if (posting->lot != NULL)
        fprintf(out, ", lot %" PRIu64 ".%u", posting->lot->ordinal, posting->lot->index);
    struct listing about = {terminal, ", "};
    if (posting->event != NULL) {
        list_named(&about, "event ", posting->event->source);
        put_named(terminal, "/", posting->event->id);
    }
    list_subjects(&about, posting);
    fputc('\n', out);
    if (!makes_a_lot(posting->kind)) return;
    if (posting->explanation != NULL) {
        explain_grant(terminal, posting);
    } else if (*posting->rule != '\0') {
        struct listing by = {terminal, "  by "};
        list_rule(&by, posting->rule, posting->rule_version);
        fputc('\n', out);
    }
    explain_lot(terminal, program, posting);
}
