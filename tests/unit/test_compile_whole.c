/* The language beyond the small rulebook of test_compile.c: what each part becomes, and each
 * mistake where it is. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/rulebook.h"

static struct rulebook rulebook;

static void
open_with(const char *part, const char *replacement, char **out_text)
{
    *out_text = rulebook_with(part, replacement);
    rulebook_open(*out_text, strlen(*out_text), &rulebook);
}

static const char *
said(void)
{
    static char buffer[1024];
    return rulebook_complaint(&rulebook, buffer, sizeof buffer);
}

/* ---- Mistakes: one change to a sound rulebook, and the first thing said about it ---- */

static const struct mistake {
    const char *what, *part, *replacement, *said;
} mistakes[] = {
    /* expiry */
    {"two kinds of expiry", "{ after: 6 months }", "{ after: 6 months, at: member anniversary }",
     "6:40 error: points expire either by 'after' or by 'at' |"},
    {"a rounding of dates", "{ after: 6 months }", "{ dates: [12-31], round: end of day }",
     "6:39 error: 'round' says nothing with 'dates' | remove it"},
    {"a start of inactivity", "{ after: 6 months }",
     "{ inactivity: 6 months, counts: [redeem], from: earning }",
     "6:63 error: 'from' says nothing with 'inactivity' |"},
    {"inactivity of nothing", "{ after: 6 months }", "{ inactivity: 6 months }",
     "6:23 error: 'inactivity' needs the key 'counts' |"},
    {"inactivity at once", "{ after: 6 months }", "{ inactivity: 0 days, counts: [redeem] }",
     "6:35 error: points would expire at the instant they are earned |"},
    {"counts without inactivity", "{ after: 6 months }", "{ after: 6 months, counts: [redeem] }",
     "6:40 error: 'counts' says nothing with 'after' |"},
    {"any activity and one", "{ after: 6 months }",
     "{ inactivity: 6 months, counts: [activity, review] }",
     "6:45 warning: 'review' adds nothing: 'activity' stands for any |"},
    {"a day that is none", "{ after: 6 months }", "{ dates: [02-30] }",
     "6:31 error: '02-30': February has no day 30 | its last day is the 29th"},
    {"a month that is none", "{ after: 6 months }", "{ dates: [13-01] }",
     "6:31 error: '13-01': there is no month 13 | the month stands before the day"},
    {"no day", "{ after: 6 months }", "{ dates: [2-1] }",
     "6:31 error: '2-1' is not a day of the year | write month and day"},
    {"a day twice", "{ after: 6 months }", "{ dates: [02-01, 02-01] }",
     "6:38 error: 02-01 is listed twice |"},
    {"a grace of months", "{ after: 6 months }", "{ grace: 2 months }",
     "6:30 error: '2 months' is not a number of days that can be used | write '1 days' to"},
    {"a rounding of no month", "{ after: 6 months }", "{ round: end of mars }",
     "6:30 error: 'round' cannot be 'end of mars' | did you mean 'end of march'?"},
    /* funders and stores */
    {"a funder of no money", "", "funders: { acme: { unit_cost: 0.01 } }\n",
     "17:31 error: '0.01' is not an amount of money |"},
    {"a funder who pays nothing", "", "funders: { acme: { unit_cost: 0.00 GBP } }\n",
     "17:31 error: '0.00 GBP' is a cost of nothing |"},
    {"an unknown funder", "multiplied_by: status", "funder: acme",
     "9:67 error: there is no funder 'acme' | the rulebook defines none"},
    {"a store in an unknown zone", "", "stores: { ginza: { zone: Asia/Tokio } }\n",
     "17:26 error: unknown time zone 'Asia/Tokio': there is no time zone of this name"},
    {"a store without a zone", "", "stores: { ginza: {} }\n",
     "17:18 error: a store needs the key 'zone' |"},
    /* earn rules */
    {"a rule of two ways", "multiplied_by: status", "flat: 5",
     "9:5 error: an earn rule has exactly one of rate, bands and flat |"},
    {"a rule of no way", ", rate: 1 per 1.00 GBP, multiplied_by: status", "",
     "9:5 error: an earn rule has exactly one of rate, bands and flat |"},
    {"a rate that is misspelt", "rate: 1 per 1.00 GBP, m", "rat: 1 per 1.00 GBP, m",
     "9:37 error: unknown key 'rat' | did you mean 'rate'?"},
    {"a bonus that is multiplied", "rate: 1 per 1.00 GBP, m", "flat: 5, m",
     "9:46 error: 'multiplied_by' does not go with 'flat' | a flat bonus is never multiplied"},
    {"a bonus of nothing", "rate: 1 per 1.00 GBP, multiplied_by: status", "flat: 0",
     "9:43 error: 'flat' must be above 0 | for example: flat: 50"},
    {"a bonus too fine", "rate: 1 per 1.00 GBP, multiplied_by: status", "flat: 0.5",
     "9:43 error: '0.5' has too many decimals: the points currency has 0 |"},
    {"money beside a rate", "multiplied_by: status", "money: GBP",
     "9:59 error: 'money' belongs to 'flat' |"},
    {"a single band", "rate: 1 per 1.00 GBP, m", "bands: { steps: [ { rate: 1 per 1 JPY } ] }, m",
     "9:46 error: 'steps' is empty |"},
    {"bands that fall", "rate: 1 per 1.00 GBP, m",
     "bands: { steps: [ { up_to: 9 JPY, rate: 1 per 1 JPY }, { up_to: 9 JPY, rate: 2 per 1 JPY }, "
     "{ rate: 3 per 1 JPY } ] }, m",
     "9:101 error: the bands do not rise:"},
    {"a band of other money", "rate: 1 per 1.00 GBP, m",
     "bands: { steps: [ { up_to: 9 JPY, rate: 1 per 1 JPY }, { rate: 3 per 1.00 GBP } ] }, m",
     "9:100 error: the bands are in JPY, not in GBP |"},
    {"a bound of other money", "rate: 1 per 1.00 GBP, m",
     "bands: { steps: [ { up_to: 9.00 GBP, rate: 1 per 1 JPY }, { rate: 3 per 1 JPY } ] }, m",
     "9:64 error: 'up_to' is in GBP, not in JPY |"},
    {"a band without an end", "rate: 1 per 1.00 GBP, m",
     "bands: { steps: [ { rate: 1 per 1 JPY }, { rate: 3 per 1 JPY } ] }, m",
     "9:55 error: a band before the last needs up_to |"},
    {"a last band with an end", "rate: 1 per 1.00 GBP, m",
     "bands: { steps: [ { up_to: 9 JPY, rate: 1 per 1 JPY }, { up_to: 19 JPY, rate: 3 per 1 JPY } "
     "] }, m",
     "9:94 error: 'up_to' is not for the last band |"},
    {"a window that ends before it starts", "multiplied_by: status",
     "from: 2026-05-01, until: 2026-05-01", "9:84 error: the window ends before it starts |"},
    {"a window of no date", "multiplied_by: status", "from: may",
     "9:65 error: 'may' is not a time such as"},
    {"a window that has ended", "multiplied_by: status", "until: 2025-05-01, multiplied_by: status",
     "9:66 warning: the window has ended before this version begins |"},
    {"a condition about nothing", "multiplied_by: status", "when: lines.sku == 'x'",
     "9:65 error: unknown name 'lines' | did you mean 'line'?"},
    {"a condition of no answer", "multiplied_by: status", "when: order.total_minor",
     "9:71 error: a condition needs true or false; this is a whole number |"},
    {"a condition of a line in a rule per order", "multiplied_by: status",
     "per: order, when: line.sku == 'x'", "9:77 error: there is no 'line' here |"},
    {"a condition that divides by nought", "multiplied_by: status",
     "when: order.total_minor / 0 > 1", "9:83 error: this divides by zero |"},
    {"pending of two kinds", "multiplied_by: status",
     "pending: { after: 3 days, until: 2026-05-01 }",
     "9:59 error: 'pending' has exactly one of after, until and on |"},
    {"pending of no kind", "multiplied_by: status", "pending: {}",
     "9:59 error: 'pending' has exactly one of after, until and on |"},
    {"pending of nothing", "multiplied_by: status", "pending: { after: 0 days }",
     "9:77 error: 'after' must be above nothing and at most ten years |"},
    {"a deadline without an event", "multiplied_by: status",
     "pending: { after: 3 days, within: 9 days }", "9:85 error: 'within' belongs to 'on' |"},
    {"pending on no event", "multiplied_by: status", "pending: { on: shipped }",
     "9:74 error: 'on' cannot be 'shipped' | possible here: delivered"},
    /* campaigns */
    {"a campaign without a factor", "", "campaigns: [ { campaign: c, currency: points } ]\n",
     "17:14 error: a campaign needs the key 'factor' |"},
    {"a campaign of nothing", "", "campaigns: [ { campaign: c, currency: points, factor: 0 } ]\n",
     "17:55 error: '0' cannot be a multiplier |"},
    {"a campaign of an unknown rule", "",
     "campaigns: [ { campaign: c, currency: points, factor: 2, rules: [bas] } ]\n",
     "17:66 error: there is no earn rule 'bas' | did you mean 'base'?"},
    {"a campaign of another currency's rule", "",
     "campaigns: [ { campaign: c, currency: points, factor: 2, rules: [climb] } ]\n",
     "17:66 error: 'climb' earns another currency |"},
    {"a campaign of a rule twice", "",
     "campaigns: [ { campaign: c, currency: points, factor: 2, rules: [base, base] } ]\n",
     "17:72 error: 'base' is listed twice |"},
    {"a campaign with a rule's name", "",
     "campaigns: [ { campaign: base, currency: points, factor: 2 } ]\n",
     "17:14 error: 'base' is the name of a rule and of a campaign | rules, campaigns, awards,"},
    {"a campaign that multiplies nothing", "",
     "campaigns: [ { campaign: c, currency: growth, factor: 2, categories: [z] } ]\n",
     "17:14 error: campaign 'c' multiplies nothing | it needs a rule with 'rate' or 'bands'"},
    {"hours that end before they start", "",
     "campaigns: [ { campaign: c, currency: points, factor: 2, hours: 21:00-18:00 } ]\n",
     "17:65 error: '21:00-18:00' end before they start | hours lie within one day"},
    {"hours of no day", "",
     "campaigns: [ { campaign: c, currency: points, factor: 2, hours: 18:00-25:00 } ]\n",
     "17:65 error: '18:00-25:00' are not hours of a day |"},
    {"day 32", "", "campaigns: [ { campaign: c, currency: points, factor: 2, days: [32] } ]\n",
     "17:65 error: this value is 32; it must be from 1 to 31"},
    {"an unknown weekday", "",
     "campaigns: [ { campaign: c, currency: points, factor: 2, weekdays: [sonday] } ]\n",
     "17:69 error: this value cannot be 'sonday' | did you mean 'monday'?"},
    {"an exclusive group of one", "",
     "campaigns: [ { campaign: c, currency: points, factor: 2, exclusive: solo } ]\n",
     "17:69 warning: 'c' is the only campaign of the exclusive group 'solo' |"},
    {"an instant on every store's clock", "",
     "stores: { s: { zone: UTC } }\ncampaigns: [ { campaign: c, currency: points, factor: 2, in: "
     "store, from: 2026-01-01T00:00:00Z } ]\n",
     "18:75 error: '2026-01-01T00:00:00Z' is one instant, not a time on every store's clock |"},
    {"a local window backwards", "",
     "stores: { s: { zone: UTC } }\ncampaigns: [ { campaign: c, currency: points, factor: 2, in: "
     "store, from: 2026-02-01, until: 2026-01-01 } ]\n",
     "18:94 error: the window ends before it starts |"},
    {"stores without zones", "",
     "campaigns: [ { campaign: c, currency: points, factor: 2, in: store } ]\n",
     "17:62 warning: no store has a zone: the programme's is used |"},
    {"a lesser rule beside a better one", "multiplied_by: status",
     "priority: 1 }\n  - { rule: less, currency: points, rate: 0.5 per 1.00 GBP, categories: [x]",
     "10:5 warning: rule 'less' never counts: 'base' pays at least as much for all that it pays "
     "for |"},
    {"a rule behind one that comes first", "earn:\n",
     "combine: { lines: first }\nearn:\n  - { rule: less, currency: points, rate: 2 per 1.00 GBP, "
     "stores: [x], priority: -1 }\n",
     "10:5 error: rule 'less' is never reached: 'base' comes first |"},
    {"a rule with a window inside that of one that comes first", "earn:\n",
     "combine: { lines: first }\nearn:\n  - { rule: a, currency: points, rate: 2 per 1.00 GBP, "
     "from: "
     "2026-05-01 }\n  - { rule: aa, currency: points, rate: 2 per 1.00 GBP, from: 2026-06-01 }\n",
     "11:5 error: rule 'aa' is never reached: 'a' comes first |"},
    {"a rule with a window outside that of one that comes first", "earn:\n",
     "combine: { lines: first }\nearn:\n  - { rule: a, currency: points, rate: 2 per 1.00 GBP, "
     "until: "
     "2026-07-01 }\n  - { rule: aa, currency: points, rate: 2 per 1.00 GBP, from: 2026-06-01 }\n",
     "none"},
    {"a rule behind one with a condition", "earn:\n",
     "combine: { lines: first }\nearn:\n  - { rule: a, currency: points, rate: 2 per 1.00 GBP, "
     "when: "
     "line.amount_minor > 5 }\n",
     "none"},
    /* awards */
    {"an award of nothing", "",
     "awards: [ { award: a, on: sign-up, currency: points, points: 0 } ]\n",
     "17:62 error: 'points' must be above 0 |"},
    {"an award for nothing", "", "awards: [ { award: a, currency: points, points: 1 } ]\n",
     "17:11 error: an award needs the key 'on' |"},
    {"an activity that is not named", "",
     "awards: [ { award: a, on: activity, currency: points, points: 1 } ]\n",
     "17:11 error: 'on: activity' needs the key 'activity' | for example: activity: review"},
    {"an activity of a sign-up", "",
     "awards: [ { award: a, on: sign-up, activity: review, currency: points, points: 1 } ]\n",
     "17:36 error: 'activity' belongs to 'on: activity' |"},
    {"a balance that is not said", "",
     "awards: [ { award: a, on: balance, currency: points, points: 1 } ]\n",
     "17:11 error: 'on: balance' needs the key 'balance' |"},
    {"a store of a birthday", "",
     "awards: [ { award: a, on: birthday, currency: points, points: 1, stores: [x] } ]\n",
     "17:66 error: 'stores' asks for what a birthday or an anniversary has not |"},
    {"a delivery of a birthday", "",
     "awards: [ { award: a, on: birthday, currency: points, points: 1, pending: { on: delivered } "
     "} "
     "]\n",
     "17:66 error: an award without an order cannot wait for its delivery |"},
    {"per without times", "",
     "awards: [ { award: a, on: sign-up, currency: points, points: 1, per: day } ]\n",
     "17:65 error: 'per' says nothing without 'times' |"},
    {"a condition on an order in a sign-up", "",
     "awards: [ { award: a, on: sign-up, currency: points, points: 1, when: order.store == 'x' } "
     "]\n",
     "17:71 error:"},
    /* streaks */
    {"a streak that pays nothing", "",
     "streaks: [ { streak: s, currency: points, points: [0, 0] } ]\n",
     "17:43 error: the streak pays nothing |"},
    {"a streak of months", "",
     "streaks: [ { streak: s, currency: points, points: [1], every: month } ]\n",
     "17:63 error: 'every' cannot be 'month' | possible here: day, week"},
    /* missions */
    {"a mission that gives nothing", "",
     "missions: [ { mission: m, goal: count, of: purchase, target: 3 } ]\n",
     "17:13 error: the mission gives neither points nor a badge |"},
    {"points of no currency", "",
     "missions: [ { mission: m, goal: count, of: purchase, target: 3, points: 5 } ]\n",
     "17:13 error: a mission has both currency and points, or neither |"},
    {"a sum of purchases without money", "",
     "missions: [ { mission: m, goal: sum, of: purchase, target: 3, badge: b } ]\n",
     "17:60 error: '3' is not an amount of money |"},
    {"a count of money", "",
     "missions: [ { mission: m, goal: count, of: purchase, target: 3.00 GBP, badge: b } ]\n",
     "17:62 error: 'target' is not a whole number: '3.00 GBP'"},
    {"periods of no unit", "",
     "missions: [ { mission: m, goal: consecutive, of: purchase, target: 3, badge: b } ]\n",
     "17:13 error: 'goal: consecutive' needs the key 'every' |"},
    {"a window of periods", "",
     "missions: [ { mission: m, goal: consecutive, of: purchase, target: 3, every: day, per: year, "
     "badge: b } ]\n",
     "17:83 error: 'per' does not go with 'goal: consecutive' |"},
    {"lines of activities", "",
     "missions: [ { mission: m, goal: count, of: activity, activity: review, target: 3, badge: b, "
     "categories: [x] } ]\n",
     "17:93 error: 'categories' belongs to 'of: purchase' |"},
    {"a basis of a count", "",
     "missions: [ { mission: m, goal: count, of: purchase, target: 3, badge: b, basis: {} } ]\n",
     "17:75 error: 'basis' belongs to a sum of purchases |"},
    /* caps */
    {"a cap of nothing", "", "caps: [ { cap: c, currency: points, max: 0, per: day } ]\n",
     "17:42 error: 'max' must be above 0 |"},
    {"a cap of an unknown name", "",
     "caps: [ { cap: c, currency: points, max: 5, per: day, covers: [bass] } ]\n",
     "17:64 error: there is no rule, campaign, award, streak or mission 'bass' | did you mean"},
    {"a cap of another currency", "",
     "caps: [ { cap: c, currency: points, max: 5, per: day, covers: [climb] } ]\n",
     "17:64 error: the rule 'climb' does not earn the cap's currency |"},
    {"a cap of one thing twice", "",
     "caps: [ { cap: c, currency: points, max: 5, per: day, covers: [base, base] } ]\n",
     "17:70 error: 'base' is listed twice |"},
    {"two caps of one name", "",
     "caps:\n  - { cap: c, currency: points, max: 5, per: day }\n  - { cap: c, currency: points, "
     "max: 6, per: week }\n",
     "19:5 error: cap 'c' is defined twice |"},
    {"a cap per fortnight", "", "caps: [ { cap: c, currency: points, max: 5, per: fortnight } ]\n",
     "17:50 error: 'per' cannot be 'fortnight' | possible here: event, day, week"},
    {"a cap per month of days", "",
     "caps: [ { cap: c, currency: points, max: 5, per: 1 month } ]\n",
     "17:50 error: '1 month' is not a number of days that can be used |"},
    {"a cap below what it covers", "",
     "awards: [ { award: a, on: sign-up, currency: points, points: 9 } ]\ncaps: [ { cap: c, "
     "currency: points, max: 5, per: day, excess: reject } ]\n",
     "18:42 error: the cap is below what the award 'a' gives: under 'reject' it can never be "
     "given"},
    {"a cap below what trims", "",
     "awards: [ { award: a, on: sign-up, currency: points, points: 9 } ]\ncaps: [ { cap: c, "
     "currency: points, max: 5, per: day } ]\n",
     "none"},
    /* tiers */
    {"a metric of no money", "{ spend: GBP }", "{ spend: pounds }",
     "13:22 error: 'pounds' is not a currency of ISO 4217 |"},
    {"a metric of no mission", "{ spend: GBP }", "{ missions: ten }",
     "13:25 error: there is no mission 'ten' | the rulebook defines none"},
    {"neither metric nor metrics", "    metric: { spend: GBP }\n", "",
     "12:5 error: a tier group has exactly one of metric and metrics |"},
    {"a match of one metric", "{ spend: GBP }", "{ spend: GBP }\n    match: any",
     "14:5 error: 'match' belongs to 'metrics' |"},
    {"one of several metrics", "metric: { spend: GBP }", "metrics: { a: { spend: GBP } }",
     "13:5 error: 'metrics' is empty |"},
    {"a level of one of several", "metric: { spend: GBP }",
     "metrics: { a: { spend: GBP }, b: { visits: purchase } }",
     "16:30 error: the group has several metrics: 'from' is a map | for example: from: { a: 10"},
    {"a level of several", "from: 500.00 GBP", "from: { a: 500.00 GBP }",
     "16:24 error: the group has one metric: 'from' is one value |"},
    {"a visit of half", "{ spend: GBP }", "{ visits: purchase }",
     "16:30 error: 'from' is not a whole number: '500.00 GBP'"},
    {"an unknown window", "    levels:", "    window: fortnight\n    levels:",
     "14:13 error: 'window' cannot be 'fortnight' | possible here: calendar year"},
    {"a window that rolls over years", "    levels:", "    window: rolling 2 years\n    levels:",
     "14:13 error: 'rolling 2 years' is not a window | write 'rolling 90 days' or 'rolling 12 "
     "months'"},
    {"a window that rolls over nothing", "    levels:", "    window: rolling 0 days\n    levels:",
     "14:13 error: 'rolling 0 days' is not a window |"},
    {"a period after a lifetime",
     "    levels:", "    window: lifetime\n    upgrade: next period\n    levels:",
     "15:14 error: a lifetime window has no next period |"},
    {"a period after a rolling window",
     "    levels:", "    window: rolling 12 months\n    upgrade: next period\n    levels:",
     "15:14 error: a rolling window has no next period |"},
    {"a grace of a rolling window",
     "    levels:", "    window: rolling 12 months\n    grace: 9 days\n    levels:",
     "15:12 error: a rolling window has no new period in which a downgrade could wait |"},
    {"a rollover of a lifetime",
     "    levels:", "    window: lifetime\n    rollover: true\n    levels:",
     "15:15 error: a rollover needs one metric that is counted in calendar windows |"},
    /* spending */
    {"a hold of a second", "", "spending: { hold_timeout: 1 s }\n",
     "17:27 error: '1 s' is out of range |"},
    {"a price that no limit allows", "",
     "spending: { limits: [ { currency: points, maximum: 99 } ], rewards: [ { reward: mug, prices: "
     "[ "
     "{ currency: points, points: 100 } ] } ] }\n",
     "17:86 warning: nobody can redeem one piece of it: no limit of spending allows its price |"},
    {"a price that some level may pay", "",
     "spending: { limits: [ { currency: points, maximum: 99 }, { currency: points, group: status, "
     "level: gold, maximum: 100 } ], rewards: [ { reward: mug, prices: [ { currency: points, "
     "points: "
     "100 } ] } ] }\n",
     "none"},
    {"a price that whoever has no limit may pay", "",
     "spending: { limits: [ { currency: points, group: status, level: gold, maximum: 99 } ], "
     "rewards: "
     "[ { reward: mug, prices: [ { currency: points, points: 100 } ] } ] }\n",
     "none"},
    {"another price is allowed", "",
     "spending: { limits: [ { currency: points, maximum: 99 } ], rewards: [ { reward: mug, prices: "
     "[ "
     "{ currency: points, points: 100 }, { currency: points, group: status, level: gold, points: "
     "99 } "
     "] } ] }\n",
     "none"},
    {"a limit of nothing", "", "spending: { limits: [ { currency: points } ] }\n",
     "17:23 error: the limit limits nothing |"},
    {"a limit on growth", "", "spending: { limits: [ { currency: growth, minimum: 1 } ] }\n",
     "17:35 error: 'growth' is a qualifying currency: it cannot be spent |"},
    {"a limit that nothing passes", "",
     "spending: { limits: [ { currency: points, minimum: 95, multiple_of: 10, maximum: 99 } ] }\n",
     "17:82 error: nothing can be spent: the maximum is below what 'minimum' and 'multiple_of' ask "
     "for |"},
    {"a level of no group", "",
     "spending: { limits: [ { currency: points, level: gold, minimum: 1 } ] }\n",
     "17:23 error: 'group' and 'level' belong together |"},
    {"an unknown level", "",
     "spending: { limits: [ { currency: points, group: status, level: god, minimum: 1 } ] }\n",
     "17:65 error: there is no level 'god' | did you mean 'gold'?"},
    {"two limits for everybody", "",
     "spending: { limits: [ { currency: points, minimum: 1 }, { currency: points, minimum: 2 } ] "
     "}\n",
     "17:57 error: an entry for the same members stands before it |"},
    {"a payment of no rate", "", "spending: { payments: [ { currency: points, rate: 1 } ] }\n",
     "17:51 error: '1' is not what points are worth |"},
    {"a payment of nothing", "",
     "spending: { payments: [ { currency: points, rate: 0.00 GBP per 1 } ] }\n",
     "17:51 error: '0.00 GBP per 1' is not what points can be worth |"},
    {"a payment that nothing passes", "",
     "spending: { payments: [ { currency: points, rate: 0.01 GBP per 1, minimum: 9, max_points: 8 "
     "} ] }\n",
     "17:91 error: nothing can be paid: the most is below the minimum |"},
    {"a payment's limit in other money", "",
     "spending: { payments: [ { currency: points, rate: 0.01 GBP per 1, max_amount: 5.00 EUR } ] "
     "}\n",
     "17:79 error: 'max_amount' is in EUR, not in GBP |"},
    {"a payment's limit of nothing", "",
     "spending: { payments: [ { currency: points, rate: 0.01 GBP per 1, max_amount: 0.00 GBP } ] "
     "}\n",
     "17:79 error: 'max_amount' must be above 0 |"},
    {"two payments of one money", "",
     "spending: { payments: [ { currency: points, rate: 0.01 GBP per 1 }, { currency: points, "
     "rate: "
     "0.02 GBP per 1 } ] }\n",
     "17:69 error: there is a payment of this currency for this money before it |"},
    {"a reward twice", "",
     "spending: { rewards: [ { reward: r, prices: [ { currency: points, points: 1 } ] }, { reward: "
     "r, prices: [ { currency: points, points: 2 } ] } ] }\n",
     "17:84 error: reward 'r' is defined twice |"},
    {"a reward for nothing", "",
     "spending: { rewards: [ { reward: r, prices: [ { currency: points, points: 0 } ] } ] }\n",
     "17:75 error: 'points' must be above 0 |"},
    /* returns */
    {"a write-off of an unknown currency", "", "returns: { write_off: { pints: 5 } }\n",
     "17:25 error: there is no points currency 'pints' | did you mean 'points'?"},
    {"a write-off of no arrears", "",
     "returns: { arrears: only_pending, write_off: { points: 5 } }\n",
     "17:35 warning: there is nothing to write off: only 'arrears: allow' makes arrears |"},
    {"no wait", "", "returns: { wait: none }\n",
     "17:18 error: 'none' is not a number of days that can be used | write '1 days' to '366 days'"},
    /* limits */
    {"a limit of two thresholds", "",
     "limits: [ { limit: l, of: purchase, max: 5, times_own_mean: 3, window: 1 h } ]\n",
     "17:11 error: a limit has exactly one of max and times_own_mean |"},
    {"a limit on purchases after spending", "",
     "limits: [ { limit: l, of: purchase, max: 5, window: 1 h, after_redeem: 1 h } ]\n",
     "17:58 error: 'after_redeem' belongs to 'of: refund' | remove it"},
    {"a limit without a window", "", "limits: [ { limit: l, of: purchase, max: 5 } ]\n",
     "17:11 error: 'max' needs the key 'window' |"},
    {"a window of the own mean", "",
     "limits: [ { limit: l, of: purchase, times_own_mean: 3, window: 1 h } ]\n",
     "17:56 error: 'window' belongs to 'max' |"},
    {"a mean of no money", "",
     "limits: [ { limit: l, of: purchase, measure: money, times_own_mean: 3 } ]\n",
     "17:11 error: 'times_own_mean' of money needs the key 'money' |"},
    {"points of no currency in a limit", "",
     "limits: [ { limit: l, of: purchase, measure: points, max: 5, window: 1 h } ]\n",
     "17:11 error: 'measure: points' needs the key 'currency' |"},
    {"money of an activity", "",
     "limits: [ { limit: l, of: activity, measure: money, max: 5.00 GBP, window: 1 h } ]\n",
     "17:46 error: only purchases and refunds have money |"},
    {"points of a refund", "",
     "limits: [ { limit: l, of: refund, measure: points, currency: points, max: 5, window: 1 h } "
     "]\n",
     "17:44 error: a refund neither grants nor spends points |"},
    {"a quarantine of a refund", "",
     "limits: [ { limit: l, of: refund, max: 5, window: 1 h, action: quarantine } ]\n",
     "17:64 error: only purchases and activities grant what could be put in quarantine |"},
    {"an activity of a refund", "",
     "limits: [ { limit: l, of: refund, activity: review, max: 5, window: 1 h } ]\n",
     "17:35 error: 'activity' belongs to 'of: activity' |"},
    {"an approval twice", "",
     "approvals: { adjustments: [ { currency: points, above: 5 }, { currency: points, above: 6 } ] "
     "}\n",
     "17:61 error: an entry for this currency stands before it |"},
    {"examples that are no list", "", "examples: yes\n",
     "17:11 error: 'examples' needs a list; here is a value |"},
    {"a step of an example that is no event", "",
     "examples: [ { example: e, given: [ { purchas: {} } ], expect: [] } ]\n",
     "17:38 error: unknown key 'purchas' | did you mean 'purchase'?"},
    {"an event with any fields", "",
     "examples: [ { example: e, given: [ { purchase: { any: [1, 2] } } ], expect: [] } ]\n",
     "none"},
};

Test(compile_whole, names_each_mistake_where_it_is)
{
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        char *text;
        open_with(mistakes[i].part, mistakes[i].replacement, &text);
        cr_expect(strncmp(said(), mistakes[i].said, strlen(mistakes[i].said)) == 0, "%s: %s",
                  mistakes[i].what, said());
        cr_expect_eq(rulebook.sound, rulebook.diagnostics.error_count == 0, "%s", mistakes[i].what);
        rulebook_close(&rulebook);
        free(text);
    }
}

/* ---- What each part becomes ---- */

static const struct program *
open_text(const char *text)
{
    rulebook_open(text, strlen(text), &rulebook);
    cr_assert(rulebook.sound, "%s", said());
    return &rulebook.program;
}

#define HEAD                                                                                       \
    "rulebook: s\nversion: 1\neffective_from: 2026-01-01\nzone: Europe/London\n"                   \
    "currencies: { points: { scale: 1 } }\n"

/* The defaults of all that is left out. */
Test(compile_whole, defaults_are_the_laws)
{
    const struct program *program = open_text(
        HEAD
        "earn:\n"
        "  - { rule: a, currency: points, rate: 1 per 1 JPY }\n"
        "  - { rule: b, currency: points, flat: 1 }\n"
        "  - { rule: c, currency: points, bands: { steps: [ { up_to: 9 JPY, rate: 1 per 1 JPY }, "
        "{ rate: 2 per 1 JPY } ] } }\n"
        "campaigns: [ { campaign: d, currency: points, factor: 2 } ]\n"
        "awards: [ { award: e, on: activity, activity: check_in, currency: points, points: 1 }, "
        "{ award: f, on: activity, activity: review, currency: points, points: 1, times: 3 } ]\n"
        "streaks: [ { streak: g, currency: points, points: [1.5] } ]\n"
        "missions: [ { mission: h, goal: count, of: purchase, target: 1, badge: x } ]\n"
        "caps: [ { cap: i, currency: points, max: 1, per: event } ]\n"
        "tiers: [ { group: j, metric: { visits: purchase }, levels: [ { level: k, from: 0 } ] } "
        "]\n"
        "limits: [ { limit: l, of: purchase, max: 1, window: 1 h } ]\n");
    cr_assert_not(program->rules[0].per_order);
    cr_assert(program->rules[1].per_order, "a bonus is for the order");
    cr_assert_eq(program->rules[1].money, 0);
    cr_assert(program->rules[2].per_order, "bands are of the order's total");
    cr_assert_eq(program->rules[2].band_mode, BANDS_CLIFF);
    cr_assert_eq(program->rules[2].bands[0].up_to_minor, 9);
    cr_assert_eq(program->rules[2].bands[1].up_to_minor, INT64_MAX);
    cr_assert_eq(program->rules[0].funder, PROGRAM_NONE);
    cr_assert_eq(program->rules[0].pending.kind, PENDING_NONE);
    cr_assert_eq(program->rules[0].filter.window.from.ms, INT64_MIN);
    cr_assert_eq(program->rules[0].filter.window.until.ms, INT64_MAX);
    cr_assert_eq(program->order_combine, COMBINE_MAX);
    cr_assert_eq(program->stacking, STACKING_ADD);
    const struct program_campaign *campaign = &program->campaigns[0];
    cr_assert_eq(campaign->rule_count, 0, "all rules");
    cr_assert_eq(campaign->weekdays, 0);
    cr_assert_eq(campaign->until_minute, 1440);
    cr_assert_eq(campaign->birthday, BIRTHDAY_NONE);
    cr_assert_eq(campaign->local_from.ms, INT64_MIN);
    cr_assert_eq(program->awards[0].times.count, 1, "a check-in is paid once a day");
    cr_assert_eq(program->awards[0].times.per, PER_DAY);
    cr_assert_eq(program->awards[1].times.per, PER_LIFETIME);
    cr_assert_eq(program->streaks[0].points[0], 15, "1.5 points of scale 1");
    cr_assert(bytes_equal(program->streaks[0].activity, BYTES_LITERAL("check_in")));
    cr_assert_eq(program->streaks[0].every, CALENDAR_DAY);
    cr_assert_eq(program->missions[0].per, PER_LIFETIME);
    cr_assert_eq(program->missions[0].repeats, 1);
    cr_assert_eq(program->missions[0].currency, PROGRAM_NONE);
    cr_assert_eq(program->caps[0].cover_count, 0);
    cr_assert_not(program->caps[0].rejects);
    cr_assert(program->caps[0].gives_back);
    cr_assert_eq(program->groups[0].upgrade, UPGRADE_IMMEDIATE);
    cr_assert_eq(program->groups[0].grace_days, 0);
    cr_assert_eq(program->groups[0].at_risk_days, 30);
    cr_assert_not(program->groups[0].rollover);
    cr_assert_eq(program->spending.hold_timeout_ms, 15 * 60 * 1000);
    cr_assert_eq(program->spending.restore_grace_ms, 0);
    cr_assert_eq(program->returns.method, CLAW_ITEM);
    cr_assert_eq(program->returns.wait_days, 30);
    cr_assert_not(program->returns.keeps_tier_value);
    cr_assert_eq(program->returns.write_off[0], 0);
    cr_assert_eq(program->limits[0].action, LIMIT_REFUSE);
    cr_assert_eq(program->limits[0].measure, MEASURE_COUNT);
    cr_assert_eq(program->quarantine_days, 30);
    cr_assert_not(program->quarantine_rejects);
    cr_assert_eq(program->approval_days, 7);
    cr_assert_eq(program->approval_above[0], INT64_MAX);
    rulebook_close(&rulebook);
}

Test(compile_whole, values_reach_the_program)
{
    const struct program *program = open_text(
        HEAD
        "funders: { f: { unit_cost: 0.0125 GBP } }\n"
        "earn:\n"
        "  - { rule: base, currency: points, rate: 1 per 1.00 GBP, pending: { on: delivered, "
        "within: 2 weeks }, funder: f }\n"
        "campaigns:\n"
        "  - { campaign: c, currency: points, factor: 0.5, weekdays: [monday, sunday], days: [1, "
        "31], dates: [12-25, 02-29], hours: 08:30-24:00, birthday: week, from: 2026-03-29T01:30 }\n"
        "  - { campaign: all, currency: points, factor: 2, weekdays: [monday, tuesday, wednesday, "
        "thursday, friday, saturday, sunday] }\n"
        "caps: [ { cap: i, currency: points, max: 12.5, per: 2 weeks, covers: [c, base] } ]\n"
        "tiers:\n"
        "  - group: g\n"
        "    metrics: { a: { spend: GBP }, b: { visits: review }, c: { balance: points } }\n"
        "    match: any\n"
        "    window: rolling 2 weeks\n"
        "    downgrade: to qualified\n"
        "    levels:\n"
        "      - { level: low, from: 0 }\n"
        "      - { level: high, from: { c: 7.5, a: 10.00 GBP, b: 3 } }\n"
        "spending:\n"
        "  payments: [ { currency: points, rate: 1.00 GBP per 2.5 } ]\n"
        "  limits:\n"
        "    - { currency: points, group: g, level: high, minimum: 1 }\n"
        "    - { currency: points, minimum: 2, multiple_of: 0.5 }\n"
        "limits: [ { limit: l, of: refund, measure: money, times_own_mean: 1.5, money: GBP,\n"
        "            after_redeem: 48 h } ]\n"
        "approvals: { adjustments: [ { currency: points, above: 0 } ] }\n");
    const struct program_rule *rule = &program->rules[0];
    cr_assert_eq(program->funders[0].unit_cost.numerator, 5, "1.25 pence a point");
    cr_assert_eq(program->funders[0].unit_cost.denominator, 4);
    cr_assert_eq(rule->funder, 0);
    cr_assert_eq(rule->pending.kind, PENDING_DELIVERED);
    cr_assert_eq(rule->pending.period.amount, 14);
    cr_assert_eq(rule->pending.period.unit, CALENDAR_DAY);
    const struct program_campaign *all = &program->campaigns[0], *some = &program->campaigns[1];
    cr_assert_eq(all->weekdays, 0, "every day is no choice of days");
    cr_assert_eq(some->weekdays, 1 | 64);
    cr_assert_eq(some->days_of_month, UINT32_C(1) << 1 | UINT32_C(1) << 31);
    cr_assert_eq(some->dates[0].month, 2, "dates rise");
    cr_assert_eq(some->dates[0].day, 29);
    cr_assert_eq(some->from_minute, 510);
    cr_assert_eq(some->birthday, BIRTHDAY_WEEK);
    cr_assert_eq(some->filter.window.from.ms, INT64_C(1774746000000),
                 "a local time in the gap is the first instant after it");
    const struct program_cap *cap = &program->caps[0];
    cr_assert_eq(cap->max, 125);
    cr_assert_eq(cap->per, PER_ROLLING);
    cr_assert_eq(cap->rolling_days, 14);
    cr_assert_eq(cap->covers[0].kind, SOURCE_RULE, "rules before campaigns");
    cr_assert_eq(cap->covers[1].index, 1);
    const struct program_group *group = &program->groups[0];
    cr_assert(group->match_any);
    cr_assert_eq(group->window, WINDOW_ROLLING_DAYS);
    cr_assert_eq(group->rolling, 14);
    cr_assert_eq(group->levels[1].thresholds[0], 1000);
    cr_assert_eq(group->levels[1].thresholds[1], 3);
    cr_assert_eq(group->levels[1].thresholds[2], 75);
    const struct program_spending *spending = &program->spending;
    cr_assert_eq(spending->payments[0].rate.numerator, 4, "100 pence for 25 units");
    cr_assert_eq(spending->payments[0].rate.denominator, 1);
    cr_assert_eq(spending->limits[0].group, PROGRAM_NONE, "everybody first");
    cr_assert_eq(spending->limits[0].multiple_of, 5);
    cr_assert_eq(spending->limits[1].level, 1);
    cr_assert_eq(program->limits[0].own_mean.numerator, 3);
    cr_assert_eq(program->limits[0].money, 826);
    cr_assert_eq(program->limits[0].after_redeem_ms, 2 * CALENDAR_DAY_MS);
    cr_assert_eq(program->approval_above[0], 0);
    rulebook_close(&rulebook);
}

/* What would earn more than can be counted is found before anybody orders it. */
Test(compile_whole, finds_rates_and_factors_that_overflow)
{
    static const char head[] = "rulebook: s\nversion: 1\neffective_from: 2026-01-01\nzone: UTC\n"
                               "currencies: { points: { scale: 6 } }\n";
    char text[4096];
    snprintf(text, sizeof text,
             "%searn: [ { rule: r, currency: points, rate: 10000 per 1.00 GBP } ]\n", head);
    rulebook_open(text, strlen(text), &rulebook);
    cr_assert_not(rulebook.sound);
    cr_assert_not_null(strstr(said(), "would earn more by 'r' than can be counted"), "%s", said());
    rulebook_close(&rulebook);
    size_t size = (size_t)snprintf(
        text, sizeof text,
        "%scombine: { campaigns: multiply }\nearn: [ { rule: r, currency: points, rate: 1 per 1.00 "
        "GBP } ]\ncampaigns:\n",
        head);
    for (unsigned i = 0; i < 16; i++) {
        size += (size_t)snprintf(
            text + size, sizeof text - size,
            "  - { campaign: c%u, currency: points, factor: 10, from: 2026-%02u-01, until: "
            "2026-%02u-02 }\n",
            i, i % 12 + 1, i % 12 + 1);
    }
    rulebook_open(text, size, &rulebook);
    cr_assert(rulebook.sound);
    cr_assert_str_eq(said(), "none", "what never runs together does not multiply");
    rulebook_close(&rulebook);
    for (unsigned i = 0; i < 6; i++) {
        size += (size_t)snprintf(text + size, sizeof text - size,
                                 "  - { campaign: d%u, currency: points, factor: 10 }\n", i);
    }
    rulebook_open(text, size, &rulebook);
    cr_assert(rulebook.sound, "%s", said());
    cr_assert_not_null(strstr(said(), "warning: the factors of the campaigns"), "%s", said());
    rulebook_close(&rulebook);
}

Test(compile_whole, the_names_of_all_that_grants_have_one_limit)
{
    enum { CAPACITY = 200000 };
    char *text = malloc(CAPACITY);
    cr_assert_not_null(text);
    size_t size = (size_t)snprintf(text, CAPACITY, "%searn:\n", HEAD);
    for (unsigned i = 0; i < 1000; i++) {
        size += (size_t)snprintf(text + size, CAPACITY - size,
                                 "  - { rule: r%u, currency: points, flat: 1 }\n", i);
    }
    rulebook_open(text, size, &rulebook);
    cr_assert(rulebook.sound, "%s", said());
    rulebook_close(&rulebook);
    size +=
        (size_t)snprintf(text + size, CAPACITY - size,
                         "awards: [ { award: a, on: birthday, currency: points, points: 1 } ]\n");
    rulebook_open(text, size, &rulebook);
    cr_assert_not(rulebook.sound);
    cr_assert_not_null(
        strstr(said(), "there are 1001 rules, campaigns, awards, streaks and missions"), "%s",
        said());
    rulebook_close(&rulebook);
    free(text);
}

/* A thousand wrong names are told, each with the name that is nearest, within the memory there is.
 */
Test(compile_whole, many_mistakes_fit_into_memory)
{
    enum { CAPACITY = 300000 };
    char *text = malloc(CAPACITY);
    cr_assert_not_null(text);
    size_t size = (size_t)snprintf(text, CAPACITY, "%searn:\n", HEAD);
    for (unsigned i = 0; i < 900; i++) {
        size +=
            (size_t)snprintf(text + size, CAPACITY - size,
                             "  - { rule: rule-number-%u, currency: points, flat: 1, funder: f%u "
                             "}\n",
                             i, i);
    }
    size += (size_t)snprintf(text + size, CAPACITY - size,
                             "caps: [ { cap: c, currency: points, max: 1, per: day, covers: [ ");
    for (unsigned i = 0; i < 1000; i++)
        size += (size_t)snprintf(text + size, CAPACITY - size, "rule-numbre-%u, ", i);
    size += (size_t)snprintf(text + size, CAPACITY - size, "] } ]\n");
    rulebook_open(text, size, &rulebook);
    cr_assert_not(rulebook.sound);
    cr_assert_eq(rulebook.diagnostics.error_count, 1900);
    rulebook_close(&rulebook);
    free(text);
}

Test(compile_whole, conditions_have_a_limit_together)
{
    enum { CAPACITY = 300000 };
    char *text = malloc(CAPACITY);
    cr_assert_not_null(text);
    size_t size = (size_t)snprintf(text, CAPACITY, "%searn:\n", HEAD);
    for (unsigned i = 0; i < 40; i++) {
        size += (size_t)snprintf(text + size, CAPACITY - size,
                                 "  - { rule: r%u, currency: points, flat: 1, per: line, when: "
                                 "'order.lines.exists(l, l.sku == line.sku)' }\n",
                                 i);
    }
    rulebook_open(text, size, &rulebook);
    cr_assert_not(rulebook.sound);
    cr_assert_not_null(strstr(said(), "at most 100000000 are allowed"), "%s", said());
    cr_assert_eq(rulebook.diagnostics.error_count, 1, "said once");
    rulebook_close(&rulebook);
    free(text);
}

/* The sample that uses everything, with bytes cut off or changed: never anything but a program or
 * mistakes. */
Test(compile_whole, survives_prefixes_and_changed_bytes)
{
    static char text[YAML_BYTES_MAX];
    FILE *file = fopen(SAMPLES "/full-programme.yaml", "r");
    cr_assert_not_null(file);
    size_t size = fread(text, 1, sizeof text, file);
    fclose(file);
    for (size_t i = 0; i < size; i += 61) {
        rulebook_open(text, i, &rulebook);
        cr_assert_eq(rulebook.sound, rulebook.diagnostics.error_count == 0);
        rulebook_close(&rulebook);
        char kept = text[i];
        text[i] = "{}[]:,-0 x\n"[i % 11];
        rulebook_open(text, size, &rulebook);
        cr_assert_eq(rulebook.sound, rulebook.diagnostics.error_count == 0);
        rulebook_close(&rulebook);
        text[i] = kept;
    }
}
