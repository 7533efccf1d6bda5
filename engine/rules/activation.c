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

/* What the compiler made decodes; and also in the room that a fold gives it, or it cannot be put
 * into force. */
static bool
decode(struct bytes encoded, struct arena *arena, struct diagnostics *diagnostics)
{
    struct program decoded;
    struct fault fault;
    struct arena room;
    size_t mark = arena_mark(arena), room_bytes = program_lists_bytes(encoded.size);
    bool accepted = program_decode(encoded, arena, &decoded, &fault);
    CHECK_MSG(accepted, "what the compiler made does not decode: %s", fault.text);
    arena_reset_to(arena, mark);
    void *memory = arena_alloc(arena, room_bytes);
    CHECK_MSG(memory != NULL, "the arena is smaller than RULES_ARENA_BYTES");
    arena_init(&room, memory, room_bytes);
    accepted = program_decode(encoded, &room, &decoded, &fault);
    arena_reset_to(arena, mark);
    if (accepted) return true;
    return diagnostics_error(diagnostics, (struct place){0, 0},
                             "the programme is too large: %s within %zu bytes", fault.text,
                             room_bytes);
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
    struct program program;
    struct bytes encoded;
    if (!yaml_parse(yaml, arena, diagnostics, &root) ||
        !rules_compile_tree(root, arena, diagnostics, &program) ||
        !encode(&program, arena, diagnostics, &encoded)) {
        return false;
    }
    struct fault fault;
    if (!decode(encoded, arena, diagnostics)) return false;
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
