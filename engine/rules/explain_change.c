/* What changes between two versions: the lines of one explanation that the other lacks. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/rules/explain_priv.h"

/* The lines of one version, in the order in which they are told, and whether each is accounted for:
 * the other has it, or it was printed. */
struct side {
    const struct explained **lines;
    bool *done;
    uint32_t count;
};

/* By section, what it is about, and text. */
static int
compare_lines(const struct explained *a, const struct explained *b)
{
    if (a->heading != b->heading) return a->heading < b->heading ? -1 : 1;
    int order = bytes_compare(a->item, b->item);
    return order != 0 ? order : strcmp(a->text, b->text);
}

static int
compare_sorted(const void *left, const void *right)
{
    return compare_lines(*(const struct explained *const *)left,
                         *(const struct explained *const *)right);
}

static struct side
side_of(struct explainer *explainer)
{
    struct side side = {
        .lines = explain_room(explainer, explainer->line_count, sizeof *side.lines),
        .done = explain_room(explainer, explainer->line_count, sizeof *side.done),
        .count = 0,
    };
    for (const struct explained *line = explainer->first; line != NULL; line = line->next)
        side.lines[side.count++] = line;
    return side;
}

/* That a section is empty is no change of its own: what came or went is. */
static void
side_match(struct side *side, const struct explained *const *sorted, uint32_t count)
{
    for (uint32_t i = 0; i < side->count; i++) {
        const struct explained *line = side->lines[i];
        side->done[i] = line->sentence == SAYS_NOTHING ||
                        bsearch(&line, sorted, count, sizeof *sorted, compare_sorted) != NULL;
    }
}

/* Accounts for the lines that both have. */
static void
match_sides(struct explainer *explainer, struct side *before, struct side *after)
{
    const struct explained **sorted_before =
        explain_room(explainer, before->count, sizeof *sorted_before);
    const struct explained **sorted_after =
        explain_room(explainer, after->count, sizeof *sorted_after);
    memcpy(sorted_before, before->lines, before->count * sizeof *sorted_before);
    memcpy(sorted_after, after->lines, after->count * sizeof *sorted_after);
    qsort(sorted_before, before->count, sizeof *sorted_before, compare_sorted);
    qsort(sorted_after, after->count, sizeof *sorted_after, compare_sorted);
    side_match(before, sorted_after, after->count);
    side_match(after, sorted_before, before->count);
}

struct printing {
    struct side before, after;
    enum explain_language language;
    enum explain_heading headed; /* HEADING_COUNT: none yet */
    FILE *out;
};

static void
print_line(struct printing *printing, char sign, struct side *side, uint32_t at)
{
    const struct explained *line = side->lines[at];
    if (printing->headed != line->heading) {
        fprintf(printing->out, "\n%s\n", explain_heading_text(line->heading, printing->language));
        printing->headed = line->heading;
    }
    fprintf(printing->out, "%c %s\n", sign, line->text);
    side->done[at] = true;
}

/* Whether a new line is one about the same thing; with `sentence`, saying the same of it. */
static bool
is_about(const struct explained *line, const struct explained *other, bool sentence)
{
    return line->heading == other->heading && bytes_equal(line->item, other->item) &&
           (!sentence || line->sentence == other->sentence);
}

/* Prints new lines about the same thing as an old one: the first that says the same of it in other
 * words, or all that are left. */
static void
print_new(struct printing *printing, const struct explained *old, bool sentence)
{
    struct side *after = &printing->after;
    for (uint32_t i = 0; i < after->count; i++) {
        if (after->done[i] || !is_about(after->lines[i], old, sentence)) continue;
        print_line(printing, '+', after, i);
        if (sentence) return;
    }
}

/* Old lines of a section, each followed by what takes its place, then what is only new. */
static void
print_section(struct printing *printing, enum explain_heading heading)
{
    struct side *before = &printing->before, *after = &printing->after;
    for (uint32_t i = 0; i < before->count; i++) {
        const struct explained *old = before->lines[i];
        if (old->heading != heading) continue;
        bool last = i + 1 == before->count || !is_about(before->lines[i + 1], old, false);
        if (!before->done[i]) {
            print_line(printing, '-', before, i);
            print_new(printing, old, true);
        }
        if (last) print_new(printing, old, false);
    }
    for (uint32_t i = 0; i < after->count; i++) {
        if (!after->done[i] && after->lines[i]->heading == heading)
            print_line(printing, '+', after, i);
    }
}

/* Zones of the same name whose tables differ: no sentence tells all of a table. */
static void
say_zone_change(struct explainer *next, struct bytes name, const struct zone *before,
                const struct zone *after)
{
    bool same =
        before->count == after->count && before->initial_offset_ms == after->initial_offset_ms;
    for (uint32_t i = 0; i < before->count && same; i++) {
        same = before->transitions[i].at_ms == after->transitions[i].at_ms &&
               before->transitions[i].offset_ms == after->transitions[i].offset_ms;
    }
    if (!same) SAY(next, NO_ITEM, ZONE_CHANGED, word_name(next, name));
}

static void
say_zone_changes(struct explainer *next, const struct program *previous)
{
    const struct program *program = next->program;
    next->heading = HEADING_GENERAL;
    if (bytes_equal(program->zone_name, previous->zone_name))
        say_zone_change(next, program->zone_name, &previous->zone, &program->zone);
    for (uint32_t i = 0; i < program->zone_count; i++) {
        for (uint32_t k = 0; k < previous->zone_count; k++) {
            if (bytes_equal(program->zones[i].name, previous->zones[k].name))
                say_zone_change(next, program->zones[i].name, &previous->zones[k].zone,
                                &program->zones[i].zone);
        }
    }
}

bool
explain_changes(const struct program *previous, const struct program *next,
                enum explain_language language, FILE *out, struct fault *out_fault)
{
    struct explainer before, after;
    if (!explainer_open(previous, language, &before, out_fault)) return false;
    if (!explainer_open(next, language, &after, out_fault)) {
        explainer_close(&before);
        return false;
    }
    say_zone_changes(&after, previous);
    struct printing printing = {
        .before = side_of(&before),
        .after = side_of(&after),
        .language = language,
        .headed = HEADING_COUNT,
        .out = out,
    };
    match_sides(&after, &printing.before, &printing.after);
    fprintf(out, "%s\n",
            WORDS(&after, CHANGES_TITLE, word_name(&after, previous->name),
                  word_number(&after, previous->version), word_name(&after, next->name),
                  word_number(&after, next->version)));
    for (unsigned heading = 0; heading < HEADING_COUNT; heading++)
        print_section(&printing, (enum explain_heading)heading);
    if (printing.headed == HEADING_COUNT) fprintf(out, "%s\n", WORDS(&after, NO_CHANGES));
    explainer_close(&after);
    explainer_close(&before);
    return true;
}
