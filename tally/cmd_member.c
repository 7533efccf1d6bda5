/* One member: balances and tiers, open lots, and the statement of every posting. */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/murmur2.h"
#include "engine/base/region.h"
#include "engine/core/calendar.h"
#include "engine/core/event.h"
#include "tally/command.h"
#include "tally/json_view.h"
#include "tally/output_walk.h"
#include "tally/session.h"

enum { MEMBER_KEY_MAX = EVENT_ID_BYTES_MAX + 1 };

static bool
member_key(const struct command_context *context, char out_key[MEMBER_KEY_MAX],
           struct fault *out_fault)
{
    const char *prefix = options_flag(context->options, OPTION_GUEST) ? KEY_GUEST_PREFIX : "";
    const char *id = context->arguments[0];
    size_t prefix_size = strlen(prefix), size = strlen(id);
    if (size == 0 || prefix_size + size > EVENT_ID_BYTES_MAX)
        return fault_set(out_fault, FAULT_USAGE, "a member's id has 1 to %d bytes",
                         EVENT_ID_BYTES_MAX);
    memcpy(out_key, prefix, prefix_size);
    memcpy(out_key + prefix_size, id, size + 1);
    return true;
}

static const char *
instant_or_never(const char *text)
{
    return *text == '\0' ? "never" : text;
}

static void
print_wallets(const struct command_context *context, struct json_object *member)
{
    FILE *out = context->out->file;
    struct json_object *wallets = json_object_object_get(member, "wallets");
    for (size_t i = 0; i < json_object_array_length(wallets); i++) {
        struct json_object *wallet = json_object_array_get_idx(wallets, i);
        int scale = (int)json_view_number(wallet, "scale");
        char amount[JSON_VIEW_AMOUNT_MAX];
        fprintf(out, "  %-12s %s%s%s", json_view_cstr(wallet, "currency"),
                terminal_style(context->out, STYLE_BOLD),
                json_view_amount(json_view_number(wallet, "active"), scale, amount),
                terminal_style(context->out, STYLE_PLAIN));
        static const char *const others[] = {"pending", "held", "lapsing", "arrears"};
        for (size_t k = 0; k < sizeof others / sizeof *others; k++)
            if (json_view_number(wallet, others[k]) != 0)
                fprintf(out, ", %s %s", others[k],
                        json_view_amount(json_view_number(wallet, others[k]), scale, amount));
        fprintf(out, "\n");
    }
}

static void
print_metrics(FILE *out, struct json_object *tier)
{
    struct json_object *metrics = json_object_object_get(tier, "metrics");
    const char *next = json_view_cstr(tier, "nextLevel");
    for (size_t i = 0; i < json_object_array_length(metrics); i++) {
        struct json_object *metric = json_object_array_get_idx(metrics, i);
        int digits = (int)json_view_number(metric, "digits");
        char amount[JSON_VIEW_AMOUNT_MAX];
        fprintf(out, "; %s %s %s", json_view_cstr(metric, "metric"),
                json_view_amount(json_view_number(metric, "value"), digits, amount),
                json_view_cstr(metric, "unit"));
        if (*next != '\0')
            fprintf(out, ", %s from %s", next,
                    json_view_amount(json_view_number(metric, "nextThreshold"), digits, amount));
    }
}

static void
print_member(const struct command_context *context, struct json_object *member)
{
    FILE *out = context->out->file;
    struct json_object *tiers = json_object_object_get(member, "tiers");
    if (json_object_object_get(member, "guest") != NULL) fputs("guest ", out);
    terminal_text(context->out,
                  json_view_text(member, json_object_object_get(member, "guest") != NULL
                                             ? "guest"
                                             : "member"));
    fprintf(out, " (%s), enrolled %s, as of %s\n", json_view_cstr(member, "status"),
            json_view_cstr(member, "enrolledAt"), json_view_cstr(member, "asOf"));
    print_wallets(context, member);
    for (size_t i = 0; i < json_object_array_length(tiers); i++) {
        struct json_object *tier = json_object_array_get_idx(tiers, i);
        fprintf(out, "  %-12s %s since %s", json_view_cstr(tier, "group"),
                json_view_cstr(tier, "level"), json_view_cstr(tier, "since"));
        if (*json_view_cstr(tier, "validUntil") != '\0')
            fprintf(out, ", until %s", json_view_cstr(tier, "validUntil"));
        if (json_object_object_get(tier, "overridden") != NULL) fputs(", given by hand", out);
        print_metrics(out, tier);
        fprintf(out, "\n");
    }
    fprintf(out, "  %zu open lots\n",
            json_object_array_length(json_object_object_get(member, "lots")));
}

static bool
print_lots(const struct command_context *context, struct json_object *member,
           struct fault *out_fault)
{
    static const char *const headings[] = {"lot",    "currency", ">granted", ">remaining",
                                           "earned", "expires",  "rule",     ">version"};
    struct json_object *lots = json_object_object_get(member, "lots");
    size_t count = json_object_array_length(lots);
    struct region region;
    struct arena arena;
    struct text_table table;
    if (!region_map(((size_t)4 << 20) + count * 2048, &region, out_fault)) return false;
    arena_init(&arena, region.memory, region.size);
    text_table_init(&table, &arena, headings, sizeof headings / sizeof *headings);
    for (size_t i = 0; i < count; i++) {
        struct json_object *lot = json_object_array_get_idx(lots, i);
        char granted[FIGURE_MAX], remaining[FIGURE_MAX], version[FIGURE_MAX];
        struct bytes cells[] = {
            json_view_text(lot, "lot"),
            json_view_text(lot, "currency"),
            bytes_from_cstr(format_count(json_view_number(lot, "granted"), granted)),
            bytes_from_cstr(format_count(json_view_number(lot, "remaining"), remaining)),
            json_view_text(lot, "earnedAt"),
            bytes_from_cstr(instant_or_never(json_view_cstr(lot, "expiresAt"))),
            json_view_text(lot, "rule"),
            bytes_from_cstr(format_count(json_view_number(lot, "ruleVersion"), version)),
        };
        text_table_row(&table, cells);
    }
    text_table_print(&table, context->out);
    region_unmap(&region);
    return true;
}

static bool
ask_member(struct command_context *context, struct json_object **out_member,
           struct fault *out_fault)
{
    char key[MEMBER_KEY_MAX], *json = NULL;
    struct session *session;
    if (!member_key(context, key, out_fault) ||
        !session_open(context->options, SESSION_QUESTION, &session, out_fault))
        return false;
    bool ok = session_member(session, bytes_from_cstr(key), &json, out_fault);
    session_close(session);
    if (!ok) return false;
    *out_member = json_tokener_parse(json);
    free(json);
    CHECK(*out_member != NULL);
    return true;
}

static void
print_json(const struct command_context *context, struct json_object *object)
{
    fprintf(context->out->file, "%s\n",
            json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
                                                       JSON_C_TO_STRING_NOSLASHESCAPE));
}

int
cmd_member_show(struct command_context *context)
{
    struct json_object *member;
    struct fault fault;
    session_catch_signals();
    if (!ask_member(context, &member, &fault)) return command_fail(context, &fault);
    if (options_flag(context->options, OPTION_JSON)) {
        json_object_object_del(member, "lots");
        print_json(context, member);
    } else {
        print_member(context, member);
    }
    json_object_put(member);
    return 0;
}

int
cmd_member_lots(struct command_context *context)
{
    struct json_object *member;
    struct fault fault;
    session_catch_signals();
    if (!ask_member(context, &member, &fault)) return command_fail(context, &fault);
    bool ok = true;
    if (options_flag(context->options, OPTION_JSON))
        print_json(context, json_object_object_get(member, "lots"));
    else
        ok = print_lots(context, member, &fault);
    json_object_put(member);
    return ok ? 0 : command_fail(context, &fault);
}

/* ---- Statement
 * ----------------------------------------------------------------------------------------------------
 */

struct statement {
    const struct command_context *context;
    struct bytes key;
    uint64_t count;
};

/* One posting for people: what came is plus, what went is minus, and what it is about stands
 * behind. */
static void
statement_line(const struct terminal *terminal, struct json_object *posting)
{
    char when[INSTANT_TEXT_MAX], points[FIGURE_MAX + 1], balance[FIGURE_MAX];
    instant_format((struct instant){json_view_number(posting, "effectiveAtMs")}, when);
    bool comes = strcmp(json_view_cstr(posting, "to"), "ACCOUNT_ACTIVE") == 0;
    points[0] = comes ? '+' : '-';
    format_count(json_view_number(posting, "points"), points + 1);
    fprintf(terminal->file, "%-24s  %-10s  %12s  %-10s  %12s  ", when,
            json_view_cstr(posting, "kind"), points, json_view_cstr(posting, "currency"),
            format_count(json_view_number(posting, "activeAfter"), balance));
    const char *order = json_view_cstr(posting, "orderId"), *rule = json_view_cstr(posting, "rule");
    if (*order != '\0') {
        fputs("order ", terminal->file);
        terminal_text(terminal, bytes_from_cstr(order));
        fputs(*rule != '\0' ? ", " : "", terminal->file);
    }
    if (*rule != '\0')
        fprintf(terminal->file, "rule %s of version %lld", rule,
                (long long)json_view_number(posting, "ruleVersion"));
    if (json_view_number(posting, "arrearsAfter") != 0)
        fprintf(terminal->file, ", owes %s",
                format_count(json_view_number(posting, "arrearsAfter"), balance));
    fputc('\n', terminal->file);
}

static bool
statement_take(void *argument, const struct output_item *item, struct fault *out_fault)
{
    struct statement *statement = argument;
    const struct command_context *context = statement->context;
    (void)out_fault;
    if (!bytes_equal(item->key, statement->key)) return true;
    statement->count++;
    if (options_flag(context->options, OPTION_JSON)) {
        fprintf(context->out->file, "%.*s\n", (int)item->json.size, (const char *)item->json.data);
        return true;
    }
    struct json_object *posting = json_tokener_parse(item->json_text);
    CHECK(posting != NULL);
    if (statement->count == 1)
        fprintf(context->out->file, "%-24s  %-10s  %12s  %-10s  %12s  %s\n", "when", "what",
                "points", "currency", "balance", "why");
    statement_line(context->out, posting);
    json_object_put(posting);
    return true;
}

int
cmd_member_statement(struct command_context *context)
{
    char key[MEMBER_KEY_MAX];
    struct session *session = NULL;
    struct fault fault;
    session_catch_signals();
    bool ok = member_key(context, key, &fault) &&
              session_open(context->options, SESSION_SHARED, &session, &fault);
    if (ok) {
        struct statement statement = {.context = context, .key = bytes_from_cstr(key)};
        struct journal *journal = session_journal(session);
        uint32_t partition =
            murmur2_partition(statement.key, journal->ops->partition_count(journal));
        struct output_walk_options walk = {
            .topic = TOPIC_POSTINGS,
            .first_partition = partition,
            .last_partition = partition,
            .json = true,
            .stop = &session_stop,
        };
        ok = output_walk(session_outputs(session), &walk, statement_take, &statement, &fault);
        if (ok && statement.count == 0)
            ok = fault_set(&fault, FAULT_NO_INPUT, "no posting of '%s' in partition %u",
                           context->arguments[0], partition);
    }
    if (session != NULL) session_close(session);
    return ok ? 0 : command_fail(context, &fault);
}
