/*
 * How the mistakes are found: the tree is read (yaml), its shape is checked against the table of
 * keys (schema), each value is read (scalar), and the compile_ files resolve names, each its
 * sections. Every step goes on after a mistake; a value that could not be read is replaced by a
 * harmless one, so that it causes no further complaint. Contradictions between parts are looked for
 * when each is sound by itself (compile_check).
 */
#include "engine/rules/compile.h"

#include "engine/base/check.h"
#include "engine/rules/compile_priv.h"
#include "engine/rules/scalar.h"

static void
compile_head(struct compiler *compiler, const struct yaml_node *root)
{
    struct program *program = &compiler->program;
    program->name = get_name(compiler, &schema_rulebook, root, "rulebook");
    program->version = (uint32_t)get_whole(compiler, &schema_rulebook, root, "version");
    const struct yaml_node *zone = get(compiler, &schema_rulebook, root, "zone");
    if (zone != NULL) {
        program->zone_name = zone->text;
        /* In an unknown zone dates are read as UTC, only to find mistakes in them. */
        compile_zone_of(compiler, zone, &program->zone);
    }
    const struct yaml_node *start = get(compiler, &schema_rulebook, root, "effective_from");
    if (start != NULL)
        scalar_start(start, &program->zone, compiler->diagnostics, &program->effective_from);
    const struct yaml_node *accept = get(compiler, &schema_rulebook, root, "accept");
    program->accept_future_ms = get_elapsed(compiler, &schema_accept, accept, "future");
    program->accept_past_ms = get_elapsed(compiler, &schema_accept, accept, "past");
    const struct yaml_node *members = get(compiler, &schema_rulebook, root, "members");
    program->unknown_member =
        (enum unknown_member)get_word(compiler, &schema_members, members, "unknown");
    const struct yaml_node *combine = get(compiler, &schema_rulebook, root, "combine");
    program->line_combine = (enum combine)get_word(compiler, &schema_combine, combine, "lines");
    program->order_combine = (enum combine)get_word(compiler, &schema_combine, combine, "orders");
    program->stacking = (enum stacking)get_word(compiler, &schema_combine, combine, "campaigns");
}

/* Room for the names of all that grants, and whether there are too many. */
static void
count_sources(struct compiler *compiler, const struct yaml_node *root)
{
    static const char *const sections[] = {"earn", "campaigns", "awards", "streaks", "missions"};
    uint32_t total = 0, largest = 0;
    const struct yaml_node *longest = NULL;
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        const struct yaml_node *list = get(compiler, &schema_rulebook, root, sections[i]);
        if (list == NULL || list->count > PROGRAM_RULES_MAX) continue;
        total += list->count;
        if (list->count <= largest) continue;
        largest = list->count;
        longest = list;
    }
    compiler->sources = compile_room(compiler, total + 1, sizeof *compiler->sources);
    if (total <= PROGRAM_RULES_MAX) return;
    diagnostics_error(compiler->diagnostics, longest->key_place,
                      "there are %u rules, campaigns, awards, streaks and missions; at most %d are "
                      "allowed together",
                      total, PROGRAM_RULES_MAX);
    diagnostics_hint(compiler->diagnostics, "remove what has ended");
}

bool
rules_compile_tree(const struct yaml_node *root, struct arena *arena,
                   struct diagnostics *diagnostics, struct program *out_program)
{
    size_t errors_before = diagnostics->error_count;
    if (!yaml_expect(root, YAML_MAP, diagnostics)) return false;
    schema_check(root, diagnostics);
    struct compiler compiler = {.arena = arena, .diagnostics = diagnostics};
    compile_head(&compiler, root);
    count_sources(&compiler, root);
    compile_currencies(&compiler, root);
    compile_funders(&compiler, root);
    compile_stores(&compiler, root);
    compile_missions(&compiler, root);
    compile_tiers(&compiler, root);
    compile_rules(&compiler, root);
    compile_campaigns(&compiler, root);
    compile_awards(&compiler, root);
    compile_streaks(&compiler, root);
    compile_caps(&compiler, root);
    compile_limits(&compiler, root);
    compile_spending(&compiler, root);
    compile_returns(&compiler, root);
    compile_members(&compiler, root);
    if (diagnostics->error_count == errors_before) check_whole(&compiler);
    if (diagnostics->error_count != errors_before) return false;
    *out_program = compiler.program;
    return true;
}

bool
rules_compile(struct bytes yaml, struct arena *arena, struct diagnostics *diagnostics,
              struct program *out_program)
{
    const struct yaml_node *root;
    return yaml_parse(yaml, arena, diagnostics, &root) &&
           rules_compile_tree(root, arena, diagnostics, out_program);
}

const struct yaml_node *
rules_examples(const struct yaml_node *root)
{
    const struct yaml_node *list = yaml_get(root, "examples");
    return list != NULL && list->kind == YAML_LIST ? list : NULL;
}
