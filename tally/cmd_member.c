/* One member as it stands: balances and tiers, open lots. */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/region.h"
#include "engine/rules/local_time.h"
#include "tally/command.h"
#include "tally/json_view.h"
#include "tally/member_key.h"
#include "tally/programme.h"
#include "tally/session.h"

/* A member as asked, and the zone in which people read it. */
struct asked {
    struct json_object *member;
    struct programme programme;
};

/* An instant of the answer in the programme's zone; `otherwise` where it has none. */
static const char *
when_text(const struct asked *asked, struct json_object *object, const char *name,
          const char *otherwise, char out_text[LOCAL_TIME_TEXT_MAX])
{
    struct instant instant;
    struct bytes text = json_view_text(object, name);
    if (text.size == 0 || instant_parse(text, &instant) != INSTANT_OK) return otherwise;
    return local_time_format(programme_zone(&asked->programme), instant, out_text);
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

/* What is open until something comes or time runs out. */
static void
print_waiting(const struct command_context *context, const struct asked *asked)
{
    FILE *out = context->out->file;
    struct json_object *list = json_object_object_get(asked->member, "waiting");
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *waiting = json_object_array_get_idx(list, i);
        const char *what = json_view_cstr(waiting, "for");
        char when[LOCAL_TIME_TEXT_MAX];
        fputs(strcmp(what, "hold") == 0       ? "  hold "
              : strcmp(what, "approval") == 0 ? "  waits for an approval: "
                                              : "  a return waits for the order ",
              out);
        terminal_text(context->out, json_view_text(waiting, "id"));
        fprintf(out, ", %s%s\n", json_object_object_get(waiting, "until") == NULL ? "" : "until ",
                when_text(asked, waiting, "until", "which has not come in time", when));
    }
}

static void
print_member(const struct command_context *context, const struct asked *asked)
{
    FILE *out = context->out->file;
    struct json_object *member = asked->member;
    char when[2][LOCAL_TIME_TEXT_MAX];
    struct json_object *tiers = json_object_object_get(member, "tiers");
    if (json_object_object_get(member, "guest") != NULL) fputs("guest ", out);
    terminal_text(context->out,
                  json_view_text(member, json_object_object_get(member, "guest") != NULL
                                             ? "guest"
                                             : "member"));
    fprintf(out, " (%s), enrolled %s, as of %s\n", json_view_cstr(member, "status"),
            when_text(asked, member, "enrolledAt", "", when[0]),
            when_text(asked, member, "asOf", "", when[1]));
    print_wallets(context, member);
    for (size_t i = 0; i < json_object_array_length(tiers); i++) {
        struct json_object *tier = json_object_array_get_idx(tiers, i);
        fprintf(out, "  %-12s %s since %s", json_view_cstr(tier, "group"),
                json_view_cstr(tier, "level"), when_text(asked, tier, "since", "", when[0]));
        if (*json_view_cstr(tier, "validUntil") != '\0')
            fprintf(out, ", until %s", when_text(asked, tier, "validUntil", "", when[0]));
        if (json_object_object_get(tier, "overridden") != NULL) fputs(", given by hand", out);
        print_metrics(out, tier);
        fprintf(out, "\n");
    }
    print_waiting(context, asked);
    fprintf(out, "  %zu open lots\n",
            json_object_array_length(json_object_object_get(member, "lots")));
}

static bool
print_lots(const struct command_context *context, const struct asked *asked,
           struct fault *out_fault)
{
    static const char *const headings[] = {"lot",     "currency", "state",   ">granted",
                                           ">left",   ">held",    "earned",  "activates",
                                           "expires", "rule",     ">version"};
    struct json_object *lots = json_object_object_get(asked->member, "lots");
    size_t count = json_object_array_length(lots);
    struct region region;
    struct arena arena;
    struct text_table table;
    if (!region_map(((size_t)4 << 20) + count * 2048, &region, out_fault)) return false;
    arena_init(&arena, region.memory, region.size);
    text_table_init(&table, &arena, headings, sizeof headings / sizeof *headings);
    for (size_t i = 0; i < count; i++) {
        struct json_object *lot = json_object_array_get_idx(lots, i);
        char granted[FIGURE_MAX], remaining[FIGURE_MAX], held[FIGURE_MAX], version[FIGURE_MAX];
        char when[3][LOCAL_TIME_TEXT_MAX];
        struct bytes cells[] = {
            json_view_text(lot, "lot"),
            json_view_text(lot, "currency"),
            json_view_text(lot, "state"),
            bytes_from_cstr(format_count(json_view_number(lot, "granted"), granted)),
            bytes_from_cstr(format_count(json_view_number(lot, "remaining"), remaining)),
            bytes_from_cstr(format_count(json_view_number(lot, "held"), held)),
            bytes_from_cstr(when_text(asked, lot, "earnedAt", "", when[0])),
            bytes_from_cstr(when_text(asked, lot, "activatesAt", "not yet known", when[1])),
            bytes_from_cstr(when_text(asked, lot, "expiresAt", "never", when[2])),
            json_view_text(lot, "rule"),
            bytes_from_cstr(format_count(json_view_number(lot, "ruleVersion"), version)),
        };
        text_table_row(&table, cells);
    }
    text_table_print(&table, context->out);
    region_unmap(&region);
    return true;
}

static void
asked_close(struct asked *asked)
{
    programme_close(&asked->programme);
    json_object_put(asked->member);
}

static bool
ask_member(struct command_context *context, struct asked *out_asked, struct fault *out_fault)
{
    char key[MEMBER_KEY_MAX], *json = NULL;
    struct session *session;
    struct asked asked = {0};
    if (!member_key(context, key, out_fault) ||
        !session_open(context->options, SESSION_QUESTION, &session, out_fault))
        return false;
    bool ok = session_member(session, bytes_from_cstr(key), &json, out_fault);
    if (ok) {
        asked.member = json_tokener_parse(json);
        CHECK(asked.member != NULL);
        ok = programme_open(session, &asked.programme, out_fault);
    }
    free(json);
    session_close(session);
    if (!ok)
        asked_close(&asked);
    else
        *out_asked = asked;
    return ok;
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
    struct asked asked;
    struct fault fault;
    session_catch_signals();
    if (!ask_member(context, &asked, &fault)) return command_fail(context, &fault);
    if (options_flag(context->options, OPTION_JSON)) {
        json_object_object_del(asked.member, "lots");
        print_json(context, asked.member);
    } else {
        print_member(context, &asked);
    }
    asked_close(&asked);
    return 0;
}

int
cmd_member_lots(struct command_context *context)
{
    struct asked asked;
    struct fault fault;
    session_catch_signals();
    if (!ask_member(context, &asked, &fault)) return command_fail(context, &fault);
    bool ok = true;
    if (options_flag(context->options, OPTION_JSON))
        print_json(context, json_object_object_get(asked.member, "lots"));
    else
        ok = print_lots(context, &asked, &fault);
    asked_close(&asked);
    return ok ? 0 : command_fail(context, &fault);
}
