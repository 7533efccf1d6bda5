/*
 * A shop for tests of the law: orders with lines, returns told in every way, and rules, bands,
 * flat bonuses and campaigns put together by hand. Over law_rig, which a test uses as well.
 *
 *     shop_open(&shop);
 *     shop_rule(&shop, "base", 1, 100);                        1 point per 1.00
 *     shop_start(&shop);
 *     shop_buy(&shop, "ann", "O1", "a 10.00, b 5.50 toys");     lines: id, amount, category
 *     shop_refund(&shop, "ann", "O1", "R1", "a 4.00");          a delta by line
 *     shop_so_far(&shop, "ann", "O1", "7.00");                  a total of the order
 *     shop_refund(&shop, "ann", "O1", "R2", "1.00");            a delta that names no line
 */
#ifndef TALLYBOOK_TESTS_UNIT_SHOP_RIG_H
#define TALLYBOOK_TESTS_UNIT_SHOP_RIG_H

#include "tests/unit/law_rig.h"

struct shop {
    struct law law;
    struct program_rule rules[LAW_ITEMS_MAX];
    struct program_campaign campaigns[LAW_ITEMS_MAX];
    struct program_funder funders[LAW_ITEMS_MAX];
};

/* A programme without rules: points, growth for tiers only; returns by recompute, allow. */
void shop_open(struct shop *shop);
void shop_start(struct shop *shop);
void shop_close(struct shop *shop);

/* Rules stand in order of judgement: by priority, then by id. More can be set in what is returned.
 * A base rule by line on goods less discount; by order; bands; a flat bonus by line. */
struct program_rule *shop_rule(struct shop *shop, const char *id, int64_t points, int64_t minor);
struct program_rule *shop_bands(struct shop *shop, const char *id, enum band_mode mode,
                                const struct program_band *bands, uint32_t count);
struct program_rule *shop_flat(struct shop *shop, const char *id, int64_t points);
struct program_campaign *shop_campaign(struct shop *shop, const char *id, int64_t numerator,
                                       int64_t denominator);

/* Only lines of a category. The text lives as long as the test. */
struct program_texts shop_only(const char *const *category);

enum verdict shop_buy(struct shop *shop, const char *member, const char *order, const char *lines);
enum verdict shop_buy_at(struct shop *shop, const char *member, const char *order,
                         const char *lines, const char *at);
enum verdict shop_buy_event(struct shop *shop, struct event event, const char *lines);
enum verdict shop_refund(struct shop *shop, const char *member, const char *order,
                         const char *refund, const char *what);
enum verdict shop_so_far(struct shop *shop, const char *member, const char *order,
                         const char *what);
enum verdict shop_cancel(struct shop *shop, const char *member, const char *order);
enum verdict shop_deliver(struct shop *shop, const char *member, const char *order);

/* Of the first currency, 0 when there is no wallet or member. */
int64_t shop_active(struct shop *shop, const char *member);
int64_t shop_pending(struct shop *shop, const char *member);
int64_t shop_arrears(struct shop *shop, const char *member);

/* Postings of a kind so far; the sum of their amounts; the last one. */
size_t shop_postings(const struct shop *shop, enum posting_kind kind);
int64_t shop_moved(const struct shop *shop, enum posting_kind kind);
const struct posting *shop_posting(const struct shop *shop, enum posting_kind kind);

#endif
