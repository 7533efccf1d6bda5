#include "engine/rules/activation.h"

#include <stdio.h>

#include "engine/base/check.h"
#include "engine/base/fault.h"
#include "engine/rules/compile.h"
#include "engine/rules/local_time.h"
#include "engine/rules/scalar.h"

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
    char now[LOCAL_TIME_TEXT_MAX];
    local_time_format(&program->zone, terms->now, now);
    diagnostics_error(diagnostics, yaml_get(root, "effective_from")->place,
                      "effective_from lies in the past: it is %s by the journal's clock", now);
    diagnostics_hint(
        diagnostics,
        "choose a later start; or activate with --retroactive if events that occurred since, and "
        "arrive later, shall be judged by this version");
    return false;
}

/* Where the file says what may not follow the version before: in the order in which program_follows
 * looks. */
static struct place
place_of_break(const struct yaml_node *root, const struct program *next,
               const struct program *previous, const char **out_hint)
{
    *out_hint = "raise 'version' above it";
    if (next->version <= previous->version) return yaml_get(root, "version")->place;
    *out_hint = "leave it as it was: what it dated and counted stands in the ledger; another one "
                "needs a programme of its own";
    if (!bytes_equal(next->zone_name, previous->zone_name)) return yaml_get(root, "zone")->place;
    const struct yaml_node *currencies = yaml_get(root, "currencies");
    for (uint32_t i = 0; i < next->currency_count; i++) {
        for (uint32_t k = 0; k < previous->currency_count; k++) {
            const struct program_currency *now = &next->currencies[i];
            const struct program_currency *before = &previous->currencies[k];
            if (!bytes_equal(now->id, before->id) || now->scale == before->scale) continue;
            char name[SCALAR_NAME_BYTES_MAX + 1];
            snprintf(name, sizeof name, "%.*s", (int)now->id.size, (const char *)now->id.data);
            const struct yaml_node *currency = yaml_get(currencies, name);
            const struct yaml_node *scale = yaml_get(currency, "scale");
            return scale != NULL ? scale->place : currency->place;
        }
    }
    UNREACHABLE();
}

static bool
judge_previous(const struct yaml_node *root, const struct program *next,
               const struct program *previous, struct diagnostics *diagnostics)
{
    struct fault fault;
    const char *hint;
    if (previous == NULL || program_follows(next, previous, &fault)) return true;
    struct place place = place_of_break(root, next, previous, &hint);
    diagnostics_error(diagnostics, place, "%s", fault.text);
    diagnostics_hint(diagnostics, "version %u is the one in force: %s", previous->version, hint);
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
    if (!decode(encoded, arena, diagnostics)) return false;
    bool good = judge_start(root, terms, &program, diagnostics);
    good = judge_previous(root, &program, terms->previous, diagnostics) && good;
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
