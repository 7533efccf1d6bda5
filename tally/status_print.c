#include "tally/status_print.h"

#include <string.h>

#include "engine/base/region.h"
#include "tally/json_view.h"

/* The phase, and of one that folds whether there is anything left to fold. */
static const char *
state_text(struct json_object *partition)
{
    const char *phase = json_view_cstr(partition, "phase");
    bool behind =
        json_view_number(partition, "nextOffset") < json_view_number(partition, "journalEnd");
    if (strcmp(phase, "folding") != 0) return phase;
    if (behind) return "folding";
    return json_view_number(partition, "dueBacklog") > 0 ? "at the end, work is due" : "up to date";
}

/* Why partitions have stopped: a table has no room for it. */
static void
print_faults(const struct terminal *terminal, struct json_object *partitions)
{
    for (size_t i = 0; i < json_object_array_length(partitions); i++) {
        struct json_object *partition = json_object_array_get_idx(partitions, i);
        if (json_object_object_get(partition, "fault") == NULL) continue;
        fprintf(terminal->file, "%sPartition %lld stopped:%s ", terminal_style(terminal, STYLE_RED),
                (long long)json_view_number(partition, "partition"),
                terminal_style(terminal, STYLE_PLAIN));
        terminal_text(terminal, json_view_text(partition, "fault"));
        fputc('\n', terminal->file);
    }
}

static void
print_partitions(const struct terminal *terminal, struct json_object *status)
{
    static const char *const headings[] = {"partition", "state",      ">next offset", ">lag",
                                           ">members",  ">in memory", "clock",        "digest"};
    struct region region;
    struct fault fault;
    struct arena arena;
    struct text_table table;
    struct json_object *partitions = json_object_object_get(status, "partitions");
    if (!region_map((size_t)4 << 20, &region, &fault)) return;
    arena_init(&arena, region.memory, region.size);
    text_table_init(&table, &arena, headings, sizeof headings / sizeof *headings);
    for (size_t i = 0; i < json_object_array_length(partitions); i++) {
        struct json_object *partition = json_object_array_get_idx(partitions, i);
        char numbers[5][FIGURE_MAX];
        int64_t next = json_view_number(partition, "nextOffset");
        struct bytes cells[] = {
            bytes_from_cstr(format_count(json_view_number(partition, "partition"), numbers[0])),
            bytes_from_cstr(state_text(partition)),
            bytes_from_cstr(format_count(next, numbers[1])),
            bytes_from_cstr(
                format_count(json_view_number(partition, "journalEnd") - next, numbers[2])),
            bytes_from_cstr(format_count(json_view_number(partition, "members"), numbers[3])),
            bytes_from_cstr(format_count(json_view_number(partition, "warmMembers"), numbers[4])),
            json_view_text(partition, "clock"),
            json_view_text(partition, "digest"),
        };
        text_table_row(&table, cells);
    }
    text_table_print(&table, terminal);
    print_faults(terminal, partitions);
    region_unmap(&region);
}

void
status_print(const struct terminal *terminal, struct json_object *status)
{
    FILE *out = terminal->file;
    char figure[FIGURE_MAX];
    struct json_object *totals = json_object_object_get(status, "totals");
    struct json_object *verdicts = json_object_object_get(status, "verdicts");
    fprintf(out, "Programme   %s, journal %s, %s time\n", json_view_cstr(status, "programme"),
            json_view_cstr(status, "journal"), json_view_cstr(status, "time"));
    if (json_object_object_get(status, "rulebook") != NULL)
        fprintf(out, "Rulebook    %s, version %lld\n", json_view_cstr(status, "rulebook"),
                (long long)json_view_number(status, "rulebookVersion"));
    else
        fprintf(out, "Rulebook    none: put one into force with 'tally rules activate'\n");
    fprintf(out, "Members     %s\n", format_count(json_view_number(status, "members"), figure));
    fprintf(out, "Digest      %s\n", json_view_cstr(status, "digest"));
    fprintf(out, "Verdicts   ");
    json_object_object_foreach(verdicts, name, value)
        fprintf(out, " %s %s", name, format_count(json_object_get_int64(value), figure));
    fprintf(out, "\n\n");
    for (size_t i = 0; i < json_object_array_length(totals); i++) {
        struct json_object *total = json_object_array_get_idx(totals, i);
        fprintf(out, "%s%s%s:", terminal_style(terminal, STYLE_BOLD),
                json_view_cstr(total, "currency"), terminal_style(terminal, STYLE_PLAIN));
        json_object_object_foreach(total, account,
                                   amount) if (json_object_is_type(amount, json_type_int) &&
                                               json_object_get_int64(amount) != 0)
            fprintf(out, "  %s %s", account, format_count(json_object_get_int64(amount), figure));
        fprintf(out, "\n");
    }
    fprintf(out, "\n");
    print_partitions(terminal, status);
}
