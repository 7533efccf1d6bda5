#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tally/command.h"
#include "tally/options.h"

enum { ARGUMENTS_MAX = 16 };

static struct options options;
static struct fault fault;
static char *messages;
static char folder[] = "/tmp/tally-options-XXXXXX";

static void
make_folder(void)
{
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
}

static void
remove_folder(void)
{
    static const char *const names[] = {"tally.yaml", "other.yaml", "password", "empty"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        unlink(names[i]);
    }
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(rmdir(folder), 0);
}

static void
write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

/* Reads as `tally config print ARGUMENT…` would; arguments and variables are separated by '|'. */
static bool
read_options(const char *arguments, const char *environment)
{
    static char argument_text[1024], environment_text[1024];
    char *argument_list[ARGUMENTS_MAX + 1] = {NULL}, *environment_list[ARGUMENTS_MAX + 1] = {NULL};
    struct options_input input = {
        .arguments = argument_list, .environment = environment_list, .command = "config print"};
    char **lists[2] = {argument_list, environment_list},
         *texts[2] = {argument_text, environment_text};
    const char *sources[2] = {arguments, environment};
    int counts[2] = {0, 0};
    for (size_t i = 0; i < 2; i++) {
        snprintf(texts[i], sizeof argument_text, "%s", sources[i]);
        for (char *at = texts[i]; at != NULL && *at != '\0';) {
            cr_assert_lt(counts[i], ARGUMENTS_MAX);
            lists[i][counts[i]++] = strsep(&at, "|");
        }
    }
    input.argument_count = counts[0];
    const struct command *command = command_find("config print");
    for (enum option_id id = 0; id < OPTION_COUNT; id++) {
        input.accepts[id] = command_accepts(command, id);
    }
    size_t size;
    FILE *out = open_memstream(&messages, &size);
    bool good = options_read(&input, out, &options, &fault);
    fclose(out);
    return good;
}

static const char *
origin_of(enum option_id id)
{
    static char text[ORIGIN_TEXT_MAX];
    origin_format(&options.values[id].origin, text);
    return text;
}

Test(options, every_default_is_good_and_says_so, .init = make_folder, .fini = remove_folder)
{
    cr_assert(read_options("", ""), "%s", fault.text);
    cr_expect_eq(options_number(&options, OPTION_MEMORY), 1 << 30);
    cr_expect_eq(options_number(&options, OPTION_JOURNAL_PARTITIONS), 8);
    cr_expect_eq(options_number(&options, OPTION_JOURNAL_KIND), JOURNAL_EMBEDDED);
    cr_expect_eq(options_number(&options, OPTION_LOG_LEVEL), LOG_INFO);
    cr_expect_eq(options_number(&options, OPTION_TICK_MS), 60000);
    cr_expect_str_eq(options_text(&options, OPTION_JOURNAL_TOPIC), "points.journal.v1");
    cr_expect_eq(options.source_count, 0);
    cr_expect_eq(options.property_count, 0);
    for (enum option_id id = 0; id < OPTION_COUNT; id++) {
        cr_expect_str_eq(origin_of(id), "default", "%s", option_info(id)->path);
    }
    options_fini(&options);
}

Test(options, flags_win_over_the_environment_and_that_over_the_file, .init = make_folder,
     .fini = remove_folder)
{
    write_file("tally.yaml",
               "shards: 1\nmemory: 1GiB\ngroup: file\nkafka: {a: file, b: file, c: file}\n");
    cr_assert(read_options("--shards=3|--kafka|{a: flag}",
                           "TALLY_SHARDS=2|TALLY_MEMORY=2GiB|TALLY_KAFKA={b: env}"),
              "%s%s", fault.text, messages);
    cr_expect_eq(options_number(&options, OPTION_SHARDS), 3);
    cr_expect_str_eq(origin_of(OPTION_SHARDS), "--shards");
    cr_expect_eq(options_number(&options, OPTION_MEMORY), INT64_C(2) << 30);
    cr_expect_str_eq(origin_of(OPTION_MEMORY), "TALLY_MEMORY");
    cr_expect_str_eq(options_text(&options, OPTION_GROUP), "file");
    cr_expect_str_eq(origin_of(OPTION_GROUP), "tally.yaml:3:8");
    cr_assert_eq(options.property_count, 3, "properties are merged one by one");
    cr_expect_str_eq(options.properties[0].value, "flag");
    cr_expect_str_eq(options.properties[1].value, "env");
    cr_expect_str_eq(options.properties[2].value, "file");
    options_fini(&options);
}

Test(options, sources_are_read_and_completed, .init = make_folder, .fini = remove_folder)
{
    write_file("tally.yaml", "sources:\n"
                             "  - topic: orders\n"
                             "  - {topic: crm, generation: 2026-11}\n");
    cr_assert(read_options("", ""), "%s%s", fault.text, messages);
    cr_assert_eq(options.source_count, 2);
    cr_expect_str_eq(options.sources[0].topic, "orders");
    cr_expect_str_eq(options.sources[0].generation, "1");
    cr_expect_str_eq(options.sources[1].topic, "crm");
    cr_expect_str_eq(options.sources[1].generation, "2026-11");
    options_fini(&options);
    cr_assert(read_options("--sources|[{topic: till}]", ""), "%s%s", fault.text, messages);
    cr_assert_eq(options.source_count, 1, "the list is replaced as a whole");
    cr_expect_str_eq(options.sources[0].topic, "till");
    options_fini(&options);
}

Test(options, paths_are_the_file_s_or_the_user_s, .init = make_folder, .fini = remove_folder)
{
    char argument[128], expected[128];
    write_file("other.yaml", "data_dir: ledger\n");
    snprintf(argument, sizeof argument, "--config=%s/other.yaml", folder);
    snprintf(expected, sizeof expected, "%s/ledger", folder);
    cr_assert(read_options(argument, ""), "%s", fault.text);
    cr_expect_str_eq(options_text(&options, OPTION_DATA_DIR), expected);
    options_fini(&options);
    cr_assert(read_options("--data-dir|ledger|-c|other.yaml", ""), "%s", fault.text);
    cr_expect_str_eq(options_text(&options, OPTION_DATA_DIR), "ledger");
    options_fini(&options);
    write_file("other.yaml", "data_dir: /var/lib/ledger\n");
    cr_assert(read_options("", "TALLY_CONFIG=other.yaml"), "%s", fault.text);
    cr_expect_str_eq(options_text(&options, OPTION_DATA_DIR), "/var/lib/ledger");
    options_fini(&options);
}

Test(options, secrets_come_from_files, .init = make_folder, .fini = remove_folder)
{
    write_file("password", "  geheim\r\n");
    write_file("empty", "\n");
    write_file("tally.yaml", "kafka_secrets: {sasl.password: password}\n");
    cr_assert(read_options("", ""), "%s%s", fault.text, messages);
    cr_assert_eq(options.property_count, 1);
    cr_expect_str_eq(options.properties[0].value, "  geheim");
    cr_expect_str_eq(options.properties[0].file, "password");
    options_fini(&options);
    const struct {
        const char *what, *text, *message;
    } rows[] = {
        {"in the file itself", "kafka: {sasl.password: geheim}\n",
         "line 1: 'sasl.password' is a secret"},
        {"a file that is not there", "kafka_secrets: {sasl.password: nowhere}\n",
         "cannot read the secret in 'nowhere'"},
        {"an empty file", "kafka_secrets: {sasl.password: empty}\n", "'empty' is empty"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        write_file("tally.yaml", rows[i].text);
        cr_expect_not(read_options("", ""), "%s", rows[i].what);
        cr_expect_not_null(strstr(messages, rows[i].message), "%s: %s", rows[i].what, messages);
        cr_expect_null(strstr(messages, "geheim"), "%s: the secret is shown: %s", rows[i].what,
                       messages);
    }
}

Test(options, errors_of_the_file_have_their_places, .init = make_folder, .fini = remove_folder)
{
    const struct {
        const char *what, *text, *said;
    } rows[] = {
        {"an unknown key", "memroy: 1GiB\n", "tally.yaml:1:1: error: unknown key 'memroy'"},
        {"a suggestion", "memroy: 1GiB\n", "did you mean 'memory'?"},
        {"an unknown key below", "journal:\n  kidn: kafka\n",
         "tally.yaml:2:3: error: unknown key 'kidn'"},
        {"a suggestion below", "journal:\n  kidn: kafka\n", "did you mean 'kind'?"},
        {"a value out of range", "journal:\n  partitions: 257\n",
         "tally.yaml:2:15: error: partitions: '257' is out of range"},
        {"a word that is none", "outputs: {encoding: xml}\n",
         "tally.yaml:1:21: error: encoding: 'xml' is not possible here"},
        {"a list for a value", "shards: [1]\n",
         "tally.yaml:1:9: error: 'shards' needs a value; here is a list"},
        {"a value for a map", "journal: kafka\n", "tally.yaml:1:10: error: 'journal' needs a map"},
        {"a source without a topic", "sources: [{generation: 2}]\n",
         "tally.yaml:1:11: error: a source without a topic"},
        {"a topic twice", "sources: [{topic: a}, {topic: a}]\n",
         "tally.yaml:1:23: error: topic 'a' is a source already"},
        {"an unknown key of a source", "sources: [{topic: a, genration: 2}]\n",
         "did you mean 'generation'?"},
        {"an empty property", "kafka: {client.id: \"\"}\n",
         "tally.yaml:1:20: error: client.id: '' is empty"},
        {"broken YAML", "journal: {kind: kafka\n", "not valid YAML"},
        {"nothing", "", "the file is empty"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        write_file("tally.yaml", rows[i].text);
        cr_expect_not(read_options("", ""), "%s", rows[i].what);
        cr_expect_eq(fault.kind, FAULT_CONFIG, "%s", rows[i].what);
        cr_expect_not_null(strstr(messages, rows[i].said), "%s: %s", rows[i].what, messages);
        free(messages);
    }
    write_file("tally.yaml", "shards: 999\nmemory: 1\njournal: {kind: no}\n");
    cr_expect_not(read_options("", ""));
    cr_expect_str_eq(fault.text, "tally.yaml: 3 errors; see above", "all are reported");
}

Test(options, errors_of_flags_and_variables_name_them, .init = make_folder, .fini = remove_folder)
{
    const struct {
        const char *what, *arguments, *environment;
        enum fault_kind kind;
        const char *text;
    } rows[] = {
        {"an unknown flag", "--memroy|1GiB", "", FAULT_USAGE,
         "there is no flag --memroy; did you mean --memory?"},
        {"nothing like it", "--frobnicate", "", FAULT_USAGE,
         "there is no flag --frobnicate; see 'tally config print --help'"},
        {"an unknown letter", "-x", "", FAULT_USAGE,
         "there is no flag '-x'; see 'tally config print --help'"},
        {"a value that is missing", "--memory", "", FAULT_USAGE,
         "--memory needs a value; see 'tally config print --help'"},
        {"given twice", "--shards=1|--shards=2", "", FAULT_USAGE,
         "--shards is given twice; keep one of them"},
        {"a bad value", "--shards=many", "", FAULT_USAGE,
         "--shards: 'many' is not a whole number; write digits only"},
        {"a bad boolean", "--json=maybe", "", FAULT_USAGE,
         "--json: 'maybe' is not possible here; possible here: false|true"},
        {"a bad variable", "", "TALLY_SHARDS=many", FAULT_CONFIG,
         "TALLY_SHARDS: 'many' is not a whole number; write digits only"},
        {"a file that was named and is not there", "-c|no.yaml", "", FAULT_NO_INPUT,
         "cannot open the configuration 'no.yaml': No such file or directory; name another with "
         "--config FILE"},
        {"the same by a variable", "", "TALLY_CONFIG=no.yaml", FAULT_NO_INPUT,
         "cannot open the configuration 'no.yaml': No such file or directory; name another with "
         "--config FILE"},
        {"a folder for a file", "-c|.", "", FAULT_CONFIG,
         "the configuration '.' is not a file of at most 524288 bytes"},
        {"YAML in a flag", "--kafka|{a: ", "", FAULT_USAGE, "--kafka: 1 error; see above"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_expect_not(read_options(rows[i].arguments, rows[i].environment), "%s", rows[i].what);
        cr_expect_eq(fault.kind, rows[i].kind, "%s: %d", rows[i].what, fault.kind);
        cr_expect_str_eq(fault.text, rows[i].text, "%s: %s", rows[i].what, fault.text);
        free(messages);
    }
}

Test(options, what_is_no_flag_is_an_argument, .init = make_folder, .fini = remove_folder)
{
    cr_assert(read_options("a|--json|-|--|--memory|b", ""), "%s", fault.text);
    cr_assert_eq(options.argument_count, 4);
    cr_expect_str_eq(options.arguments[0], "a");
    cr_expect_str_eq(options.arguments[1], "-");
    cr_expect_str_eq(options.arguments[2], "--memory");
    cr_expect_str_eq(options.arguments[3], "b");
    cr_expect(options_flag(&options, OPTION_JSON));
    options_fini(&options);
}

Test(options, help_is_given_whatever_else_is_wrong, .init = make_folder, .fini = remove_folder)
{
    write_file("tally.yaml", "nonsense\n");
    cr_assert(read_options("--help|--shards=many", "TALLY_MEMORY=x"), "%s", fault.text);
    cr_expect(options_flag(&options, OPTION_HELP));
    options_fini(&options);
}

Test(options, the_table_is_in_order)
{
    char previous[OPTION_NAME_MAX] = "", group[OPTION_NAME_MAX];
    for (enum option_id id = 0; id < OPTION_COUNT; id++) {
        const struct option_info *info = option_info(id);
        size_t size = strcspn(info->path, ".");
        snprintf(group, sizeof group, "%.*s", (int)size, info->path);
        for (enum option_id other = 0; other < id; other++) {
            const char *path = option_info(other)->path;
            bool same_group =
                strncmp(path, group, size) == 0 && (path[size] == '.' || path[size] == '\0');
            cr_expect(!same_group || strcmp(previous, group) == 0,
                      "%s does not stand with its group", info->path);
            cr_expect_str_neq(path, info->path);
        }
        snprintf(previous, sizeof previous, "%s", group);
        cr_expect_gt(strlen(info->help), 10, "%s", info->path);
    }
    size_t count;
    const struct command *commands = command_table(&count);
    for (size_t i = 0; i < count; i++) {
        cr_expect_eq(strncmp(commands[i].example, "tally ", 6), 0, "%s", commands[i].name);
        cr_expect_eq(strncmp(commands[i].example + 6, commands[i].name, strlen(commands[i].name)),
                     0, "%s", commands[i].name);
        size_t flags = 0, words = *commands[i].flags != '\0';
        for (const char *at = commands[i].flags; *at != '\0'; at++) {
            words += *at == ' ';
        }
        for (enum option_id id = OPTION_CONFIGURATION_COUNT; id < OPTION_COUNT; id++) {
            bool common = id == OPTION_HELP || id == OPTION_JSON || id == OPTION_CONFIG;
            flags += !common && command_accepts(&commands[i], id);
        }
        cr_expect_eq(flags, words, "%s names a flag that does not exist", commands[i].name);
    }
}
