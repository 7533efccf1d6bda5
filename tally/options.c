#include "tally/options.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/rules/yaml.h"

enum {
    /* A file of 512 KiB, the longest command line and environment that Linux takes (6 MiB), and as
     * many secrets as there may be properties. */
    TEXTS_BYTES = 32 * 1024 * 1024,
    SECRET_BYTES_MAX = 64 * 1024, /* a chain of certificates */
};

/* Properties of librdkafka 2.0.2 that hold a secret itself, not the name of a file. */
static const char *const secret_properties[] = {
    "sasl.password",
    "ssl.key.password",
    "ssl.key.pem",
    "ssl.keystore.password",
    "sasl.oauthbearer.client.secret",
    "sasl.oauthbearer.config",
};

static const struct option_info table[OPTION_COUNT] = {
#define OPTION(NAME, path, TYPE, unit, default_text, least, most, words, secret, help)             \
    [OPTION_##                                                                                     \
        NAME] = {path, 0, {VALUE_##TYPE, least, most, words}, unit, default_text, secret, help},
#define FLAG(NAME, name, letter, TYPE, unit, default_text, words, help)                            \
    [OPTION_##NAME] = {name,  letter, {VALUE_##TYPE, 0, INT32_MAX, words}, unit, default_text,     \
                       false, help},
#include "tally/options.def"
};

/* One entry of `sources`, by the same table. */
enum source_key {
#define SOURCE_OPTION(field, ...) SOURCE_KEY_##field,
#include "tally/options.def"
    SOURCE_KEY_COUNT,
};

static const struct {
    const char *key, *default_text;
    struct value_rule rule;
} source_keys[SOURCE_KEY_COUNT] = {
#define SOURCE_OPTION(field, key, TYPE, default_text, least, most, words, help)                    \
    [SOURCE_KEY_##field] = {key, default_text, {VALUE_##TYPE, least, most, words}},
#include "tally/options.def"
};

/* What reading one document needs: the file, or the YAML in a variable or a flag. */
struct document {
    struct options *options;
    struct option_origin origin; /* place is filled in per value */
    struct diagnostics *diagnostics;
};

const struct option_info *
option_info(enum option_id id)
{
    CHECK(id < OPTION_COUNT);
    return &table[id];
}

void
option_flag(enum option_id id, char out_name[OPTION_NAME_MAX])
{
    size_t size = strlen(table[id].path);
    CHECK(size < OPTION_NAME_MAX);
    for (size_t i = 0; i <= size; i++) {
        char letter = table[id].path[i];
        out_name[i] = letter == '.' || letter == '_' ? '-' : letter;
    }
}

void
option_variable(enum option_id id, char out_name[OPTION_NAME_MAX])
{
    int size = snprintf(out_name, OPTION_NAME_MAX, "TALLY_%s", table[id].path);
    CHECK(size < OPTION_NAME_MAX);
    for (char *at = out_name; *at != '\0'; at++) {
        *at = *at == '.' || *at == '-' ? '_' : (char)toupper((unsigned char)*at);
    }
}

void
origin_format(const struct option_origin *origin, char out_text[ORIGIN_TEXT_MAX])
{
    if (origin->kind == ORIGIN_FILE) {
        snprintf(out_text, ORIGIN_TEXT_MAX, "%s:%u:%u", origin->name, origin->place.line,
                 origin->place.column);
    } else {
        snprintf(out_text, ORIGIN_TEXT_MAX, "%s", origin->name);
    }
}

static const char *
keep_text(struct options *options, struct bytes text)
{
    char *kept = arena_alloc(&options->arena, text.size + 1);
    CHECK_MSG(kept != NULL, "texts of the options exceed %d bytes", TEXTS_BYTES);
    if (text.size > 0) memcpy(kept, text.data, text.size);
    kept[text.size] = '\0';
    return kept;
}

/* Invariant 3. */
static const char *
keep_path(struct options *options, struct bytes path, const struct option_origin *origin)
{
    const char *slash = origin->kind == ORIGIN_FILE ? strrchr(origin->name, '/') : NULL;
    if (slash == NULL || path.data[0] == '/') return keep_text(options, path);
    size_t folder = (size_t)(slash + 1 - origin->name);
    char *kept = arena_alloc(&options->arena, folder + path.size + 1);
    CHECK_MSG(kept != NULL, "texts of the options exceed %d bytes", TEXTS_BYTES);
    memcpy(kept, origin->name, folder);
    memcpy(kept + folder, path.data, path.size);
    kept[folder + path.size] = '\0';
    return kept;
}

static const char *
keep_value(struct options *options, const struct value_rule *rule, struct bytes text,
           const struct option_origin *origin)
{
    return rule->type == VALUE_PATH ? keep_path(options, text, origin) : keep_text(options, text);
}

static bool
set_value(struct options *options, enum option_id id, struct bytes text,
          struct option_origin origin, struct value_problem *out_problem)
{
    int64_t number;
    if (!value_parse(&table[id].rule, text, &number, out_problem)) return false;
    options->values[id] =
        (struct option_value){keep_value(options, &table[id].rule, text, &origin), number, origin};
    return true;
}

static void
set_defaults(struct options *options)
{
    for (enum option_id id = 0; id < OPTION_COUNT; id++) {
        struct option_origin origin = {ORIGIN_DEFAULT, "default", {0, 0}};
        struct value_problem problem;
        options->values[id].origin = origin;
        if (table[id].rule.type == VALUE_SOURCES || table[id].rule.type == VALUE_PROPERTIES)
            continue;
        bool is_text = table[id].rule.type == VALUE_STRING || table[id].rule.type == VALUE_PATH;
        if (is_text && *table[id].default_text == '\0') {
            options->values[id].text = ""; /* not given */
            continue;
        }
        bool set =
            set_value(options, id, bytes_from_cstr(table[id].default_text), origin, &problem);
        CHECK_MSG(set, "default of %s: %s", table[id].path, problem.message);
    }
}

/* ---- Lists and maps ---- */

static bool
report_problem(struct document *document, const struct yaml_node *node,
               const struct value_problem *problem)
{
    diagnostics_error(document->diagnostics, node->place, "%.*s: %s", (int)node->key.size,
                      (const char *)node->key.data, problem->message);
    diagnostics_hint(document->diagnostics, "%s", problem->hint);
    return false;
}

/* One key of one source: what it says, or its default. */
static bool
read_source_value(struct document *document, const struct yaml_node *entry, enum source_key key,
                  const char **out_text)
{
    struct value_problem problem;
    int64_t number;
    const struct yaml_node *node = yaml_get(entry, source_keys[key].key);
    if (node == NULL && source_keys[key].default_text == NULL) {
        diagnostics_error(document->diagnostics, entry->place, "a source without a %s",
                          source_keys[key].key);
        diagnostics_hint(document->diagnostics, "add '%s: NAME'", source_keys[key].key);
        return false;
    }
    if (node == NULL) {
        *out_text = source_keys[key].default_text;
        return true;
    }
    if (!yaml_expect(node, YAML_TEXT, document->diagnostics)) return false;
    if (!value_parse(&source_keys[key].rule, node->text, &number, &problem))
        return report_problem(document, node, &problem);
    *out_text =
        keep_value(document->options, &source_keys[key].rule, node->text, &document->origin);
    return true;
}

static bool
read_source(struct document *document, const struct yaml_node *entry,
            struct source_options *out_source)
{
    const char *keys[SOURCE_KEY_COUNT], *texts[SOURCE_KEY_COUNT] = {NULL};
    for (size_t i = 0; i < SOURCE_KEY_COUNT; i++) {
        keys[i] = source_keys[i].key;
    }
    if (!yaml_expect(entry, YAML_MAP, document->diagnostics)) return false;
    bool good = yaml_check_keys(entry, keys, SOURCE_KEY_COUNT, document->diagnostics);
    for (size_t i = 0; i < SOURCE_KEY_COUNT; i++) {
        good &= read_source_value(document, entry, (enum source_key)i, &texts[i]);
    }
    if (good)
        *out_source =
            (struct source_options){texts[SOURCE_KEY_topic], texts[SOURCE_KEY_generation]};
    return good;
}

/* The whole list takes the place of one from a weaker origin. */
static bool
read_sources(struct document *document, const struct yaml_node *list)
{
    if (!yaml_expect(list, YAML_LIST, document->diagnostics)) return false;
    if (list->count > SOURCES_MAX)
        return diagnostics_error(document->diagnostics, list->place, "more than %d sources",
                                 SOURCES_MAX);
    struct source_options *sources =
        arena_alloc(&document->options->arena, (list->count + 1) * sizeof *sources);
    CHECK(sources != NULL);
    bool good = true;
    size_t count = 0;
    for (const struct yaml_node *entry = list->first; entry != NULL; entry = entry->next) {
        if (!read_source(document, entry, &sources[count])) {
            good = false;
            continue;
        }
        for (size_t i = 0; i < count; i++) {
            if (strcmp(sources[i].topic, sources[count].topic) != 0) continue;
            good = diagnostics_error(document->diagnostics, entry->place,
                                     "topic '%s' is a source already", sources[i].topic);
            diagnostics_hint(document->diagnostics, "name each topic once");
        }
        count++;
    }
    document->options->sources = sources;
    document->options->source_count = count;
    return good;
}

static bool
is_secret(const char *name)
{
    for (size_t i = 0; i < sizeof secret_properties / sizeof *secret_properties; i++) {
        if (strcmp(name, secret_properties[i]) == 0) return true;
    }
    return false;
}

/* The first line's end belongs to the editor, not to the secret. */
static bool
read_secret(struct document *document, const struct yaml_node *node, const char *path,
            const char **out_value)
{
    char text[SECRET_BYTES_MAX + 1];
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = file < 0 ? -1 : read(file, text, sizeof text);
    int error = errno;
    if (file >= 0) close(file);
    if (size < 0) {
        diagnostics_error(document->diagnostics, node->place, "cannot read the secret in '%s': %s",
                          path, strerror(error));
        diagnostics_hint(document->diagnostics, "name a file that this user may read");
        return false;
    }
    if (size > SECRET_BYTES_MAX)
        return diagnostics_error(document->diagnostics, node->place, "'%s' is longer than %d bytes",
                                 path, SECRET_BYTES_MAX);
    while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\r')) {
        size--;
    }
    if (size == 0)
        return diagnostics_error(document->diagnostics, node->place, "'%s' is empty", path);
    *out_value = keep_text(document->options, bytes_of(text, (size_t)size));
    return true;
}

static bool
put_property(struct document *document, const struct yaml_node *node, struct property property)
{
    struct options *options = document->options;
    for (size_t i = 0; i < options->property_count; i++) {
        if (strcmp(options->properties[i].name, property.name) != 0) continue;
        options->properties[i] = property;
        return true;
    }
    if (options->property_count == PROPERTIES_MAX)
        return diagnostics_error(document->diagnostics, node->place, "more than %d properties",
                                 PROPERTIES_MAX);
    options->properties[options->property_count++] = property;
    return true;
}

/* Property by property: one from a stronger origin takes the place of the same one from a weaker.
 */
static bool
read_properties(struct document *document, const struct yaml_node *map, bool from_files)
{
    if (!yaml_expect(map, YAML_MAP, document->diagnostics)) return false;
    bool good = true;
    for (const struct yaml_node *node = map->first; node != NULL; node = node->next) {
        struct value_problem problem;
        int64_t number;
        struct value_rule rule = {.type = from_files ? VALUE_PATH : VALUE_STRING};
        struct property property = {.name = keep_text(document->options, node->key),
                                    .origin = document->origin};
        property.origin.place = node->place;
        if (!from_files && is_secret(property.name)) {
            /* Not at its place: the line that would be shown has the secret in it. */
            good =
                diagnostics_error(document->diagnostics, (struct place){0, 0},
                                  "line %u: '%s' is a secret", node->key_place.line, property.name);
            diagnostics_hint(document->diagnostics,
                             "write the value into a file and name it: kafka_secrets: {%s: FILE}",
                             property.name);
            continue;
        }
        if (!yaml_expect(node, YAML_TEXT, document->diagnostics)) {
            good = false;
            continue;
        }
        if (!value_parse(&rule, node->text, &number, &problem)) {
            good = report_problem(document, node, &problem);
            continue;
        }
        property.value = keep_value(document->options, &rule, node->text, &document->origin);
        if (from_files) {
            property.file = property.value;
            good &= read_secret(document, node, property.file, &property.value);
        }
        good &= put_property(document, node, property);
    }
    return good;
}

/* ---- tally.yaml ---- */

static bool
read_node(struct document *document, enum option_id id, const struct yaml_node *node)
{
    struct option_origin origin = document->origin;
    origin.place = node->place;
    struct value_problem problem;
    switch (table[id].rule.type) {
    case VALUE_SOURCES:
        document->options->values[id].origin = origin;
        return read_sources(document, node);
    case VALUE_PROPERTIES:
        document->options->values[id].origin = origin;
        return read_properties(document, node, table[id].secret);
    default:
        if (!yaml_expect(node, YAML_TEXT, document->diagnostics)) return false;
        if (set_value(document->options, id, node->text, origin, &problem)) return true;
        return report_problem(document, node, &problem);
    }
}

/* The keys that may follow `group` ("" at the top, "journal." below journal), each once. */
static size_t
keys_below(const char *group, const char *out_keys[OPTION_CONFIGURATION_COUNT],
           char texts[OPTION_CONFIGURATION_COUNT][OPTION_NAME_MAX])
{
    size_t count = 0, skip = strlen(group);
    for (enum option_id id = 0; id < OPTION_CONFIGURATION_COUNT; id++) {
        if (strncmp(table[id].path, group, skip) != 0) continue;
        size_t size = strcspn(table[id].path + skip, ".");
        memcpy(texts[count], table[id].path + skip, size);
        texts[count][size] = '\0';
        if (count > 0 && strcmp(texts[count - 1], texts[count]) == 0) continue;
        out_keys[count] = texts[count];
        count++;
    }
    return count;
}

static void
read_map(struct document *document, const struct yaml_node *map, const char *group)
{
    const char *keys[OPTION_CONFIGURATION_COUNT];
    char texts[OPTION_CONFIGURATION_COUNT][OPTION_NAME_MAX];
    size_t count = keys_below(group, keys, texts);
    if (!yaml_expect(map, YAML_MAP, document->diagnostics)) return;
    yaml_check_keys(map, keys, count, document->diagnostics);
    for (size_t i = 0; i < count; i++) {
        const struct yaml_node *node = yaml_get(map, keys[i]);
        if (node == NULL) continue;
        char path[OPTION_NAME_MAX * 2 + 2];
        size_t size = (size_t)snprintf(path, sizeof path, "%s%s", group, keys[i]);
        enum option_id id = 0;
        while (id < OPTION_CONFIGURATION_COUNT && strcmp(table[id].path, path) != 0) {
            id++;
        }
        if (id < OPTION_CONFIGURATION_COUNT) {
            read_node(document, id, node);
        } else {
            snprintf(path + size, sizeof path - size, ".");
            read_map(document, node, path);
        }
    }
}

/* Parses YAML and hands its root to the reader of the whole file, or of one list or map. The tree
 * lives only as long as it is read. */
static bool
read_document(struct document *document, struct bytes source, const enum option_id *single,
              struct fault *out_fault)
{
    struct region region;
    if (!region_map(YAML_ARENA_BYTES, &region, out_fault)) return false;
    struct arena arena;
    arena_init(&arena, region.memory, region.size);
    const struct yaml_node *root;
    if (yaml_parse(source, &arena, document->diagnostics, &root)) {
        if (single != NULL) {
            read_node(document, *single, root);
        } else {
            read_map(document, root, "");
        }
    }
    region_unmap(&region);
    return true;
}

static bool
conclude(struct diagnostics *diagnostics, FILE *messages, enum fault_kind kind,
         struct fault *out_fault)
{
    diagnostics_print(diagnostics, messages);
    if (diagnostics->error_count == 0) return true;
    return fault_set(out_fault, kind, "%s: %zu error%s; see above", diagnostics->file_name,
                     diagnostics->error_count, diagnostics->error_count == 1 ? "" : "s");
}

/* The whole file into the arena. A file that nobody named need not be there. */
static bool
load_file(struct options *options, const char *path, bool named, struct bytes *out_source,
          bool *out_found, struct fault *out_fault)
{
    *out_found = false;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 && errno == ENOENT && !named) return true;
    if (file < 0)
        return fault_set(out_fault, errno == EACCES ? FAULT_NOT_ALLOWED : FAULT_NO_INPUT,
                         "cannot open the configuration '%s': %s; name another with --config FILE",
                         path, strerror(errno));
    struct stat status;
    bool sized = fstat(file, &status) == 0 && S_ISREG(status.st_mode);
    if (!sized || status.st_size > YAML_BYTES_MAX) {
        close(file);
        return fault_set(out_fault, FAULT_CONFIG,
                         "the configuration '%s' is not a file of at most %d bytes", path,
                         YAML_BYTES_MAX);
    }
    uint8_t *text = arena_alloc(&options->arena, (size_t)status.st_size + 1);
    CHECK(text != NULL);
    ssize_t size = read(file, text, (size_t)status.st_size);
    int error = errno;
    close(file);
    if (size < 0)
        return fault_set(out_fault, FAULT_IO, "cannot read the configuration '%s': %s", path,
                         strerror(error));
    *out_source = bytes_of(text, (size_t)size);
    *out_found = true;
    return true;
}

static bool
read_file(struct options *options, const char *path, bool named, FILE *messages,
          struct fault *out_fault)
{
    struct bytes source;
    bool found;
    if (!load_file(options, path, named, &source, &found, out_fault)) return false;
    if (!found) return true;
    struct diagnostics diagnostics;
    diagnostics_init(&diagnostics, path, source);
    struct document document = {options, {ORIGIN_FILE, path, {0, 0}}, &diagnostics};
    return read_document(&document, source, NULL, out_fault) &&
           conclude(&diagnostics, messages, FAULT_CONFIG, out_fault);
}

/* ---- The environment and flags ---- */

/* A value from outside the file; lists and maps are written as YAML there too: --kafka
 * '{bootstrap.servers: "host:9092"}'. */
static bool
read_text(struct options *options, enum option_id id, const char *text, struct option_origin origin,
          FILE *messages, struct fault *out_fault)
{
    enum fault_kind kind = origin.kind == ORIGIN_FLAG ? FAULT_USAGE : FAULT_CONFIG;
    enum value_type type = table[id].rule.type;
    if (type == VALUE_SOURCES || type == VALUE_PROPERTIES) {
        struct diagnostics diagnostics;
        diagnostics_init(&diagnostics, origin.name, bytes_from_cstr(text));
        struct document document = {options, origin, &diagnostics};
        return read_document(&document, bytes_from_cstr(text), &id, out_fault) &&
               conclude(&diagnostics, messages, kind, out_fault);
    }
    struct value_problem problem;
    if (set_value(options, id, bytes_from_cstr(text), origin, &problem)) return true;
    return fault_set(out_fault, kind, "%s: %s; %s", origin.name, problem.message, problem.hint);
}

static const char *
environment_value(char *const *environment, const char *name)
{
    size_t size = strlen(name);
    for (; environment != NULL && *environment != NULL; environment++) {
        if (strncmp(*environment, name, size) == 0 && (*environment)[size] == '=')
            return *environment + size + 1;
    }
    return NULL;
}

static bool
read_environment(struct options *options, char *const *environment, FILE *messages,
                 struct fault *out_fault)
{
    for (enum option_id id = 0; id < OPTION_CONFIGURATION_COUNT; id++) {
        char name[OPTION_NAME_MAX];
        option_variable(id, name);
        const char *text = environment_value(environment, name);
        if (text == NULL) continue;
        struct option_origin origin = {
            ORIGIN_ENVIRONMENT, keep_text(options, bytes_from_cstr(name)), {0, 0}};
        if (!read_text(options, id, text, origin, messages, out_fault)) return false;
    }
    return true;
}

/* What stood on the command line for each option; NULL: nothing. */
struct flags {
    const char *texts[OPTION_COUNT];
};

static bool
unknown_flag(const struct options_input *input, struct bytes name, struct fault *out_fault)
{
    char flags[OPTION_COUNT][OPTION_NAME_MAX];
    const char *candidates[OPTION_COUNT];
    size_t count = 0;
    bool elsewhere = false;
    for (enum option_id id = 0; id < OPTION_COUNT; id++) {
        option_flag(id, flags[count]);
        elsewhere |= bytes_equal(name, bytes_from_cstr(flags[count]));
        if (!input->accepts[id]) continue;
        candidates[count] = flags[count];
        count++;
    }
    if (elsewhere)
        return fault_set(out_fault, FAULT_USAGE,
                         "'tally %s' takes no --%.*s; see 'tally %s --help'", input->command,
                         (int)name.size, (const char *)name.data, input->command);
    const char *nearest = suggest_nearest(name, candidates, count);
    if (nearest != NULL)
        return fault_set(out_fault, FAULT_USAGE, "there is no flag --%.*s; did you mean --%s?",
                         (int)name.size, (const char *)name.data, nearest);
    return fault_set(out_fault, FAULT_USAGE, "there is no flag --%.*s; see 'tally %s --help'",
                     (int)name.size, (const char *)name.data, input->command);
}

/* Takes one flag and perhaps the argument behind it. */
static bool
take_flag(const struct options_input *input, int *at, struct flags *flags, struct fault *out_fault)
{
    const char *argument = input->arguments[*at];
    bool is_long = argument[1] == '-';
    const char *equals = is_long ? strchr(argument, '=') : NULL;
    struct bytes name = bytes_from_cstr(argument + 1 + is_long);
    if (equals != NULL) name.size = (size_t)(equals - (const char *)name.data);
    enum option_id id = 0;
    for (; id < OPTION_COUNT; id++) {
        char flag[OPTION_NAME_MAX];
        option_flag(id, flag);
        bool named = is_long ? bytes_equal(name, bytes_from_cstr(flag))
                             : table[id].letter != 0 && name.size == 1 &&
                                   name.data[0] == (uint8_t)table[id].letter;
        if (named && input->accepts[id]) break;
    }
    if (id == OPTION_COUNT && !is_long)
        return fault_set(out_fault, FAULT_USAGE, "there is no flag '%s'; see 'tally %s --help'",
                         argument, input->command);
    if (id == OPTION_COUNT) return unknown_flag(input, name, out_fault);
    if (flags->texts[id] != NULL)
        return fault_set(out_fault, FAULT_USAGE, "%.*s is given twice; keep one of them",
                         (int)name.size + 1 + is_long, argument);
    if (equals != NULL) {
        flags->texts[id] = equals + 1;
    } else if (table[id].rule.type == VALUE_BOOLEAN) {
        flags->texts[id] = "true";
    } else if (*at + 1 < input->argument_count) {
        flags->texts[id] = input->arguments[++*at];
    } else {
        return fault_set(out_fault, FAULT_USAGE, "%s needs a value; see 'tally %s --help'",
                         argument, input->command);
    }
    return true;
}

static bool
take_arguments(const struct options_input *input, struct options *options, struct flags *flags,
               struct fault *out_fault)
{
    options->arguments = arena_alloc(&options->arena, ((size_t)input->argument_count + 1) *
                                                          sizeof *options->arguments);
    CHECK(options->arguments != NULL);
    bool flags_ended = false;
    for (int at = 0; at < input->argument_count; at++) {
        char *argument = input->arguments[at];
        if (!flags_ended && strcmp(argument, "--") == 0) {
            flags_ended = true;
        } else if (!flags_ended && argument[0] == '-' && argument[1] != '\0') {
            if (!take_flag(input, &at, flags, out_fault)) return false;
        } else {
            options->arguments[options->argument_count++] = argument;
        }
    }
    return true;
}

static bool
read_flags(struct options *options, const struct flags *flags, enum option_id first,
           enum option_id end, FILE *messages, struct fault *out_fault)
{
    for (enum option_id id = first; id < end; id++) {
        if (flags->texts[id] == NULL) continue;
        char name[2 + OPTION_NAME_MAX] = "--";
        option_flag(id, name + 2);
        struct option_origin origin = {
            ORIGIN_FLAG, keep_text(options, bytes_from_cstr(name)), {0, 0}};
        if (!read_text(options, id, flags->texts[id], origin, messages, out_fault)) return false;
    }
    return true;
}

static bool
read_configuration(const struct options_input *input, const struct flags *flags, FILE *messages,
                   struct options *options, struct fault *out_fault)
{
    const char *variable = environment_value(input->environment, "TALLY_CONFIG");
    bool named = flags->texts[OPTION_CONFIG] != NULL;
    if (!named && variable != NULL) {
        struct option_origin origin = {ORIGIN_ENVIRONMENT, "TALLY_CONFIG", {0, 0}};
        if (!read_text(options, OPTION_CONFIG, variable, origin, messages, out_fault)) return false;
        named = true;
    }
    return read_file(options, options_text(options, OPTION_CONFIG), named, messages, out_fault) &&
           read_environment(options, input->environment, messages, out_fault);
}

static bool
read_all(const struct options_input *input, FILE *messages, struct options *options,
         struct fault *out_fault)
{
    struct flags flags = {{NULL}};
    set_defaults(options);
    if (!take_arguments(input, options, &flags, out_fault) ||
        !read_flags(options, &flags, OPTION_CONFIGURATION_COUNT, OPTION_COUNT, messages, out_fault))
        return false;
    if (options_flag(options, OPTION_HELP)) return true;
    if (input->accepts[OPTION_CONFIG] &&
        !read_configuration(input, &flags, messages, options, out_fault))
        return false;
    return read_flags(options, &flags, 0, OPTION_CONFIGURATION_COUNT, messages, out_fault);
}

bool
options_read(const struct options_input *input, FILE *messages, struct options *out_options,
             struct fault *out_fault)
{
    struct options options = {.property_count = 0};
    if (!region_map(TEXTS_BYTES, &options.memory, out_fault)) return false;
    arena_init(&options.arena, options.memory.memory, options.memory.size);
    options.properties = arena_alloc(&options.arena, PROPERTIES_MAX * sizeof *options.properties);
    CHECK(options.properties != NULL);
    if (!read_all(input, messages, &options, out_fault)) {
        options_fini(&options);
        return false;
    }
    *out_options = options;
    return true;
}

void
options_fini(struct options *options)
{
    region_unmap(&options->memory);
    *options = (struct options){.property_count = 0};
}

const char *
options_text(const struct options *options, enum option_id id)
{
    CHECK(id < OPTION_COUNT && options->values[id].text != NULL);
    return options->values[id].text;
}

int64_t
options_number(const struct options *options, enum option_id id)
{
    CHECK(id < OPTION_COUNT);
    enum value_type type = table[id].rule.type;
    CHECK(type == VALUE_SIZE || type == VALUE_INTEGER || type == VALUE_WORD);
    return options->values[id].number;
}

bool
options_flag(const struct options *options, enum option_id id)
{
    CHECK(id < OPTION_COUNT && table[id].rule.type == VALUE_BOOLEAN);
    return options->values[id].number == 1;
}
