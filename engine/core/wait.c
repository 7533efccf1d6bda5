/*
 * The content of a waiting row behind its head (order.c), whose id is the order's; all numbers as
 * varints but where "zigzag" is said:
 *
 *   u8 kind of event · zigzag occurred_at · rulebook in force
 *   and of a refund: text refund id · u8 style · currency · amount · lines, and for each: text line
 *   id · amount
 *
 * The row stays for ever. That it has not been applied yet says a fact under its ordinal:
 * FACT_WAITING, or of a delivery FACT_DELIVERED.
 */
#include "engine/core/wait.h"

#include "engine/core/due.h"
#include "engine/core/fact.h"
#include "engine/core/output.h"
#include "engine/core/pen_priv.h"
#include "engine/core/return_priv.h"

/* So many may wait for one order: more is a mistake of the sender. */
enum { WAITING_MAX = STATE_REFERENCES_MAX / 2 };

static void
encode(const struct apply *apply, uint64_t member, struct bytes order_id, struct writer *writer)
{
    const struct event *event = apply->event;
    size_t bytes_max = 1024 + order_id.size;
    if (event->kind == EVENT_REFUND) {
        for (uint32_t i = 0; i < event->refund.line_count; i++)
            bytes_max += event->refund.lines[i].line_id.size + 2 * BYTES_VARINT_MAX;
    }
    struct pen open = pen_begin(writer, bytes_max), *pen = &open;
    pen_head(pen, REFERENCE_WAITING, member, order_id);
    pen_u8(pen, (uint8_t)event->kind);
    pen_zigzag(pen, event->occurred_at.ms);
    pen_varint(pen, apply->rulebook->index);
    if (event->kind == EVENT_REFUND) {
        const struct refund *refund = &event->refund;
        pen_prefixed(pen, refund->refund_id);
        pen_u8(pen, (uint8_t)refund->style);
        pen_varint(pen, refund->currency);
        pen_varint(pen, (uint64_t)refund->amount_minor);
        pen_varint(pen, refund->line_count);
        for (uint32_t i = 0; i < refund->line_count; i++) {
            pen_prefixed(pen, refund->lines[i].line_id);
            pen_varint(pen, (uint64_t)refund->lines[i].amount_minor);
        }
    }
    pen_end(pen, writer);
}

static void
read_refund(struct reader *reader, struct arena *arena, struct refund *refund)
{
    refund->refund_id = reader_prefixed(reader);
    refund->style = reader_u8(reader);
    refund->currency = (uint16_t)reader_varint(reader);
    refund->amount_minor = (int64_t)reader_varint(reader);
    refund->line_count = (uint32_t)reader_varint(reader);
    CHECK(refund->line_count <= EVENT_LINES_MAX);
    struct event_line *lines = eligible_list(arena, refund->line_count, sizeof *lines);
    for (uint32_t i = 0; i < refund->line_count; i++) {
        lines[i].line_id = reader_prefixed(reader);
        lines[i].amount_minor = (int64_t)reader_varint(reader);
    }
    refund->lines = lines;
}

static struct report
decode(const struct state *state, const struct reference *row, struct bytes *out_order_id)
{
    struct reader open = reader_of(bytes_of(row->content, row->size)), *reader = &open;
    struct report report = {.waited = true};
    CHECK(reader_u8(reader) == REFERENCE_VERSION && reader_u8(reader) == REFERENCE_WAITING);
    reader_varint(reader);
    struct bytes order_id = reader_prefixed(reader);
    report.kind = reader_u8(reader);
    report.occurred_at.ms = reader_zigzag(reader);
    report.rulebook = state->rulebooks.items[reader_varint(reader)];
    if (report.kind == EVENT_REFUND) read_refund(reader, state->scratch, &report.refund);
    CHECK(reader_done(reader));
    if (out_order_id != NULL) *out_order_id = order_id;
    return report;
}

/* ---- Waiting ---- */

/* Whether a row of this order still waits. */
static bool
waits(const struct member *member, const struct reference *row)
{
    int64_t key = (int64_t)row->node.key;
    return fact_find(member, FACT_WAITING, 0, key, 0) != NULL ||
           fact_find(member, FACT_DELIVERED, 0, key, 0) != NULL;
}

/* Whether the same was told before and waits: a delta by its id, whose amount *out_same compares;
 * the others by their kind. */
static bool
is_repeated(const struct apply *apply, const struct report *first, bool *out_same)
{
    const struct event *event = apply->event;
    int64_t total = 0, first_total = 0;
    *out_same = true;
    if (first->kind != event->kind) return false;
    if (event->kind != EVENT_REFUND) return true;
    const struct refund *refund = &event->refund;
    if (refund->style != REFUND_DELTA || first->refund.style != REFUND_DELTA) return false;
    if (!bytes_equal(refund->refund_id, first->refund.refund_id)) return false;
    *out_same = return_total(refund, &total) && return_total(&first->refund, &first_total) &&
                total == first_total;
    return true;
}

static int64_t
deadline(const struct apply *apply)
{
    const struct program *program = &apply->rulebook->program;
    struct instant end;
    bool in_range = calendar_period_end(&program->zone, apply->state->clock,
                                        (uint32_t)program->returns.wait_days, CALENDAR_DAY,
                                        CALENDAR_NONE, &end);
    return in_range ? end.ms : INT64_MAX;
}

/* The fact stands with the member or the placeholder. */
static void
set_fact(struct apply *apply, uint64_t hash)
{
    bool delivered = apply->event->kind == EVENT_DELIVERED;
    struct fact fact = {
        .kind = delivered ? FACT_DELIVERED : FACT_WAITING,
        .key = (int64_t)apply->ordinal,
        .a = delivered ? apply->event->occurred_at.ms : deadline(apply),
        .b = (int64_t)hash,
    };
    struct member *enrolled = apply->member;
    if (enrolled == NULL) apply->member = apply->placeholder;
    members_write(&apply->state->members, apply->member);
    fact_set(&apply->state->members, &apply->member, &fact);
    if (!delivered) due_note(apply, fact.a, DUE_GIVE_UP);
    if (enrolled != NULL) return;
    apply->placeholder = apply->member;
    apply->member = NULL;
}

/* Looks among what waits for the order already. */
static enum verdict
judge_repeats(const struct apply *apply, const struct member *known, struct reference *const *rows,
              size_t count, bool *out_repeated)
{
    *out_repeated = false;
    for (size_t i = 0; i < count; i++) {
        if (!waits(known, rows[i])) continue;
        struct report first = decode(apply->state, rows[i], NULL);
        bool same;
        if (!is_repeated(apply, &first, &same)) continue;
        if (!same) return VERDICT_CONFLICTING_REFUND;
        *out_repeated = true;
    }
    return VERDICT_ACCEPTED;
}

enum verdict
wait_begin(struct apply *apply, struct bytes order_id)
{
    struct state *state = apply->state;
    const struct member *known = apply->member != NULL ? apply->member : apply->placeholder;
    struct reference *rows[STATE_REFERENCES_MAX];
    size_t count = state_references(state, REFERENCE_WAITING, known, order_id, rows);
    struct report report = return_report(apply);
    struct limit_use use = {0};
    struct limit_finding finding;
    bool repeated;
    enum verdict verdict = judge_repeats(apply, known, rows, count, &repeated);
    if (verdict != VERDICT_ACCEPTED) return verdict;
    if (apply->member != NULL && apply->member->status >= MEMBER_CLOSED)
        return VERDICT_MEMBER_CLOSED;
    apply->waiting = true;
    if (repeated) return VERDICT_ACCEPTED; /* told again it does nothing */
    if (count >= WAITING_MAX || !facts_fit(known, 1)) {
        apply->detail = bytes_from_cstr("too much waits for the order already");
        return VERDICT_LIMIT_REACHED;
    }
    if (apply->member != NULL) {
        verdict = return_limits(apply, &report, &use, &finding);
        if (verdict != VERDICT_ACCEPTED) return verdict;
    }
    int64_t total;
    if (report.kind == EVENT_REFUND && !return_total(&report.refund, &total))
        return VERDICT_OVERFLOW;
    uint64_t number = apply_waiting_room(apply)->number;
    apply->reference_hash =
        reference_hash(&state->memo, REFERENCE_WAITING, apply->event->member, order_id);
    set_fact(apply, apply->reference_hash);
    struct writer writer = writer_of(state->row_region.memory, REFERENCE_BYTES_MAX);
    encode(apply, number, order_id, &writer);
    references_add(&state->references, apply->ordinal, apply->reference_hash, writer_span(&writer));
    if (use.of == LIMITED_REFUND) limit_count(apply, &use, &finding);
    return VERDICT_ACCEPTED;
}

/* ---- The order has come, or not ---- */

/* Applied to an order that was accepted just now: what cannot be (another currency, an overflow)
 * is left out, for nobody is there to be answered. */
static void
settle_one(struct apply *apply, const struct reference *row)
{
    struct state *state = apply->state;
    int64_t key = (int64_t)row->node.key;
    const struct reference *order = references_get(&state->references, apply->ordinal);
    struct report report = decode(state, row, NULL);
    if (report.kind == EVENT_DELIVERED) {
        fact_remove(&state->members, &apply->member, FACT_DELIVERED, 0, key, 0);
        (void)return_deliver(apply, order, report.occurred_at);
        return;
    }
    fact_remove(&state->members, &apply->member, FACT_WAITING, 0, key, 0);
    (void)return_apply(apply, order, &report);
    apply->detail = (struct bytes){0};
}

void
wait_settle(struct apply *apply)
{
    struct reference *rows[STATE_REFERENCES_MAX];
    const struct member *member = apply->member;
    bool any = facts_of_kind(member, FACT_WAITING).count > 0 ||
               facts_of_kind(member, FACT_DELIVERED).count > 0;
    if (!any) return;
    size_t count = state_references(apply->state, REFERENCE_WAITING, member,
                                    apply->event->purchase.order_id, rows);
    for (size_t i = 0; i < count; i++) {
        if (waits(apply->member, rows[i])) settle_one(apply, rows[i]);
    }
}

void
wait_needs(const struct state *state, const struct event *event, const struct member *waiting,
           struct bytes order_id, struct needs *needs)
{
    bool any = waiting != NULL && (facts_of_kind(waiting, FACT_WAITING).count > 0 ||
                                   facts_of_kind(waiting, FACT_DELIVERED).count > 0);
    if (any) state_references_need(state, REFERENCE_WAITING, event->member, order_id, needs);
}

void
wait_give_up(struct apply *apply, const struct fact *waiting)
{
    struct state *state = apply->state;
    struct fact noted = *waiting;
    struct bytes order_id;
    const struct reference *row = references_get(&state->references, (uint64_t)waiting->key);
    CHECK(row != NULL); /* fold_needs and fold_due have named it */
    struct report report = decode(state, row, &order_id);
    int64_t given_up_ms = waiting->a;
    noted.a = INT64_MAX;
    fact_set(&state->members, &apply->member, &noted);
    struct effect *effect = output_begin(apply, TOPIC_NOTICES);
    effect->notice = (struct notice){
        .kind = NOTICE_UNKNOWN_ORDER,
        .member = output_member(apply),
        .effective_at.ms = given_up_ms,
        .journal_time = state->clock,
        .unknown_order =
            {
                .order_id = output_text(apply, order_id),
                .refund_id = output_text(apply, report.refund.refund_id),
            },
    };
    output_seal(apply, effect);
}
