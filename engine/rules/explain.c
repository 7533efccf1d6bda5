#include "engine/rules/explain.h"

#include <inttypes.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/rules/explain_priv.h"

/* Reserved, touched only as far as used. A rulebook's file has at most 512 KiB, and what is said of
 * one of its shortest entries, with the words that went into it, is below 4 KiB. */
enum { EXPLAIN_BYTES = 256 << 20, LANGUAGES = 2 };

static const char *const headings[HEADING_COUNT][LANGUAGES] = {
#define HEADING(name, english, chinese) [HEADING_##name] = {english, chinese},
#include "engine/rules/explain_text.def"
};

static const char *const sentences[SAYS_COUNT][LANGUAGES] = {
#define SENTENCE(name, english, chinese) [SAYS_##name] = {english, chinese},
#include "engine/rules/explain_text.def"
};

const char *
explain_heading_text(enum explain_heading heading, enum explain_language language)
{
    return headings[heading][language];
}

void *
explain_room(struct explainer *explainer, size_t count, size_t item_bytes)
{
    void *memory = arena_alloc(&explainer->arena, count * item_bytes);
    CHECK_MSG(memory != NULL, "an explanation is longer than %d bytes", EXPLAIN_BYTES);
    return memory;
}

/* ---- Sentences ---- */

/* The argument that a placeholder at `at` stands for; NULL when there is no placeholder. */
static const char *
placeholder(const char *at, const char *const *arguments, size_t count)
{
    if (at[0] != '{') return NULL;
    size_t number = (size_t)(at[1] - '0');
    CHECK(number < count && at[2] == '}');
    return arguments[number];
}

/* Goes over a sentence; writes to `out` unless it is NULL. Returns the length. */
static size_t
fill(const char *sentence, const char *const *arguments, size_t count, char *out)
{
    size_t size = 0;
    for (const char *at = sentence; *at != '\0';) {
        const char *argument = placeholder(at, arguments, count);
        size_t length = argument == NULL ? 1 : strlen(argument);
        if (out != NULL) memcpy(out + size, argument == NULL ? at : argument, length);
        size += length;
        at += argument == NULL ? 1 : 3;
    }
    return size;
}

const char *
explain_fill(struct explainer *explainer, enum explain_sentence sentence,
             const char *const *arguments, size_t count)
{
    const char *text = sentences[sentence][explainer->language];
    size_t size = fill(text, arguments, count, NULL);
    char *filled = explain_room(explainer, size + 1, 1);
    fill(text, arguments, count, filled);
    filled[size] = '\0';
    return filled;
}

/* ---- Lines ---- */

void
explain_say(struct explainer *explainer, struct bytes item, enum explain_sentence sentence,
            const char *const *arguments, size_t count)
{
    struct explained *line = explain_room(explainer, 1, sizeof *line);
    const char *text = explain_fill(explainer, sentence, arguments, count);
    if (item.size != 0) text = WORDS(explainer, OF_ITEM, word_name(explainer, item), text);
    *line = (struct explained){explainer->heading, sentence, item, text, NULL};
    if (explainer->last == NULL) {
        explainer->first = line;
    } else {
        explainer->last->next = line;
    }
    explainer->last = line;
    explainer->line_count++;
    explainer->told = true;
}

void
explain_open(struct explainer *explainer, enum explain_heading heading)
{
    explainer->heading = heading;
    explainer->told = false;
}

typedef void explain_section(struct explainer *explainer);

static explain_section *const sections[HEADING_COUNT] = {
    [HEADING_GENERAL] = explain_general,   [HEADING_FUNDERS] = explain_funders,
    [HEADING_STORES] = explain_stores,     [HEADING_POINTS] = explain_currencies,
    [HEADING_EARNING] = explain_rules,     [HEADING_CAMPAIGNS] = explain_campaigns,
    [HEADING_COMBINE] = explain_combine,   [HEADING_AWARDS] = explain_awards,
    [HEADING_STREAKS] = explain_streaks,   [HEADING_MISSIONS] = explain_missions,
    [HEADING_CAPS] = explain_caps,         [HEADING_LEVELS] = explain_levels,
    [HEADING_SPENDING] = explain_spending, [HEADING_PAYMENTS] = explain_payments,
    [HEADING_REWARDS] = explain_rewards,   [HEADING_RETURNS] = explain_returns,
    [HEADING_LIMITS] = explain_limits,     [HEADING_APPROVALS] = explain_approvals,
};

bool
explainer_open(const struct program *program, enum explain_language language,
               struct explainer *out_explainer, struct fault *out_fault)
{
    struct explainer explainer = {.program = program, .language = language};
    if (!region_map(EXPLAIN_BYTES, &explainer.memory, out_fault)) return false;
    arena_init(&explainer.arena, explainer.memory.memory, explainer.memory.size);
    for (unsigned heading = 0; heading < HEADING_COUNT; heading++) {
        explain_open(&explainer, (enum explain_heading)heading);
        sections[heading](&explainer);
        if (!explainer.told) SAY(&explainer, NO_ITEM, NOTHING);
    }
    *out_explainer = explainer;
    return true;
}

void
explainer_close(struct explainer *explainer)
{
    region_unmap(&explainer->memory);
}

bool
explain_program(const struct program *program, enum explain_language language, FILE *out,
                struct fault *out_fault)
{
    struct explainer explainer;
    if (!explainer_open(program, language, &explainer, out_fault)) return false;
    fprintf(out, "%s\n",
            WORDS(&explainer, TITLE, word_name(&explainer, program->name),
                  word_number(&explainer, program->version)));
    const struct explained *before = NULL;
    for (const struct explained *line = explainer.first; line != NULL; line = line->next) {
        if (before == NULL || before->heading != line->heading)
            fprintf(out, "\n%s\n", explain_heading_text(line->heading, language));
        fprintf(out, "- %s\n", line->text);
        before = line;
    }
    explainer_close(&explainer);
    return true;
}
