#include "tally/outcome_words.h"

#include <string.h>

#include "engine/core/verdict.h"
#include "engine/rules/local_time.h"
#include "tally/posting_words.h"

static void
put_named(const struct terminal *terminal, const char *before, const char *text)
{
    if (*text == '\0') return;
    fputs(before, terminal->file);
    terminal_text(terminal, bytes_from_cstr(text));
}

/* Of a verdict that this version does not know, its name is all there is. */
static void
explain_verdict(const struct terminal *terminal, uint32_t number)
{
    const struct verdict_info *verdict = verdict_find(number);
    if (verdict == NULL || number == VERDICT_ACCEPTED) return;
    fprintf(terminal->file, "  %s\n  what to do: %s\n", verdict->meaning, verdict->remedy);
}

/* What an event of that kind did with the points that it got. */
static const char *
got_word(const char *kind)
{
    static const struct {
        const char *kind, *word;
    } words[] = {
        {"refund", "taken back"},
        {"cancellation", "taken back"},
        {"redeem", "spent"},
        {"hold", "held"},
        {"capture_hold", "spent"},
        {"release_hold", "released"},
        {"cancel_redemption", "undone"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].kind, kind) == 0) return words[i].word;
    return "granted";
}

static void
explain_amount(const struct terminal *terminal, const struct program *program, const char *kind,
               const Tallybook__V1__OutcomeAmount *amount)
{
    FILE *out = terminal->file;
    char text[POINTS_TEXT_MAX];
    struct bytes id = bytes_from_cstr(amount->currency);
    uint32_t i = 0;
    while (i < program->currency_count && !bytes_equal(program->currencies[i].id, id))
        i++;
    if (i == program->currency_count) return; /* of an older version, which is not at hand */
    uint32_t scale = program->currencies[i].scale;
    fputs("  ", out);
    terminal_text(terminal, id);
    fprintf(out, ": %s asked for, ", points_text(amount->requested, scale, text));
    fprintf(out, "%s %s", points_text(amount->granted, scale, text), got_word(kind));
    if (amount->owed != 0)
        fprintf(out, ", of which %s are owed", points_text(amount->owed, scale, text));
    if (amount->dropped != 0)
        fprintf(out, ", %s dropped for want of balance", points_text(amount->dropped, scale, text));
    put_named(terminal, ", held down by the cap ", amount->cap_rule);
    fprintf(out, "; balance %s\n", points_text(amount->active_after, scale, text));
}

void
outcome_explain(const struct terminal *terminal, const struct program *program,
                const Tallybook__V1__Outcome *outcome)
{
    FILE *out = terminal->file;
    char when[LOCAL_TIME_TEXT_MAX];
    const struct zone *zone = program == NULL ? NULL : &program->zone;
    fprintf(out, "%s  event ",
            local_time_format(zone, (struct instant){outcome->journal_time_ms}, when));
    terminal_text(terminal, bytes_from_cstr(outcome->event->source));
    put_named(terminal, "/", outcome->event->id);
    put_named(terminal, ", ", outcome->kind);
    fprintf(out, ": %s", terminal_style(terminal, STYLE_BOLD));
    terminal_text(terminal, bytes_from_cstr(outcome->verdict_name));
    fputs(terminal_style(terminal, STYLE_PLAIN), out);
    if (outcome->further) fputs(", the final answer to what was answered before", out);
    if (outcome->waiting) fputs(", waits for its order", out);
    put_named(terminal, ", first answered ", outcome->first_verdict_name);
    fputc('\n', out);
    if (*outcome->detail != '\0') {
        put_named(terminal, "  because: ", outcome->detail);
        fputc('\n', out);
    }
    explain_verdict(terminal, outcome->verdict);
    if (outcome->verdict == VERDICT_DUPLICATE) explain_verdict(terminal, outcome->first_verdict);
    for (size_t i = 0; i < outcome->n_amounts && program != NULL; i++)
        explain_amount(terminal, program, outcome->kind, outcome->amounts[i]);
}
