#include "engine/rules/activation.h"

#include "engine/base/check.h"
#include "engine/base/fault.h"
#include "engine/rules/compile.h"

/* The normalised form in the arena. Reported when the programme is larger than a record may be. */
static bool
encode(const struct program *program, struct arena *arena, struct diagnostics *diagnostics,
       struct bytes *out_bytes)
{
    uint8_t *memory = arena_alloc(arena, PROGRAM_BYTES_MAX);
    CHECK_MSG(memory != NULL, "the arena is smaller than RULES_ARENA_BYTES");
    struct writer writer = writer_of(memory, PROGRAM_BYTES_MAX);
    program_encode(program, &writer);
    if (writer.overflow) {
        return diagnostics_error(diagnostics, (struct place){0, 0},
                                 "the programme is larger than %d bytes", PROGRAM_BYTES_MAX);
    }
    *out_bytes = writer_span(&writer);
    return true;
}

static bool
judge_start(const struct yaml_node *root, const struct activation_terms *terms,
            const struct program *program, struct diagnostics *diagnostics)
{
    bool past = terms->live && program->effective_from.ms < terms->now.ms;
    if (!past || terms->retroactive) return true;
    char now[INSTANT_TEXT_MAX];
    instant_format(terms->now, now);
    diagnostics_error(diagnostics, yaml_get(root, "effective_from")->place,
                      "effective_from lies in the past: it is %s by the journal's clock", now);
    diagnostics_hint(
        diagnostics,
        "choose a later start; or activate with --retroactive if events that occurred since, and "
        "arrive later, shall be judged by this version");
    return false;
}

bool
activation_build(struct bytes yaml, const struct activation_terms *terms, struct arena *arena,
                 struct diagnostics *diagnostics, struct program *out_program,
                 struct activation *out_activation)
{
    const struct yaml_node *root;
    struct program program, decoded;
    struct bytes encoded;
    if (!yaml_parse(yaml, arena, diagnostics, &root) ||
        !rules_compile_tree(root, arena, diagnostics, &program) ||
        !encode(&program, arena, diagnostics, &encoded)) {
        return false;
    }
    struct fault fault;
    bool accepted = program_decode(encoded, arena, &decoded, &fault);
    CHECK_MSG(accepted, "what the compiler made does not decode: %s", fault.text);
    bool good = judge_start(root, terms, &program, diagnostics);
    if (terms->previous != NULL && !program_follows(&program, terms->previous, &fault)) {
        good = diagnostics_error(diagnostics, yaml_get(root, "version")->place, "%s", fault.text);
        diagnostics_hint(diagnostics, "version %u is the one in force", terms->previous->version);
    }
    if (!good) return false;
    *out_program = program;
    *out_activation = (struct activation){
        .name = program.name,
        .version = program.version,
        .effective_from = program.effective_from,
        .retroactive = terms->retroactive,
        .yaml = yaml,
        .program = encoded,
    };
    return true;
}
