/*
 * The activated versions of the programme's rulebook, and the slots under which members know
 * currencies, groups, levels, and everything else that has an id.
 *
 * Ids get slots in order of first appearance over all activations, so a member's row needs no
 * change when a later version reorders them.
 */
#ifndef TALLYBOOK_ENGINE_CORE_RULEBOOK_H
#define TALLYBOOK_ENGINE_CORE_RULEBOOK_H

#include "engine/core/fold.h"
#include "engine/core/memo.h"
#include "engine/core/program.h"
#include "engine/core/row.h"

enum {
    CURRENCY_SLOTS_MAX = PROGRAM_CURRENCIES_MAX,
    GROUP_SLOTS_MAX = 16, /* four groups a version; some may be given up over the years */
    LEVEL_SLOTS_MAX = 64,
    RULEBOOKS_MAX = 65535, /* a lot names its rulebook in 16 bits */
    BASES_MAX = 256,       /* 3 flags × 5 line kinds */
};

/* A stretch of instants, [start, end); without end: INT64_MIN, INT64_MAX. */
struct span {
    int64_t start_ms, end_ms;
};

struct rulebook {
    uint32_t index; /* of the activation, from 0 */
    struct program program;
    uint8_t *content; /* of the row; the program points into it */
    size_t content_bytes;
    void *lists; /* the program's decoded lists */
    size_t lists_bytes;
    uint8_t currency_slot[PROGRAM_CURRENCIES_MAX];
    uint8_t group_slot[PROGRAM_GROUPS_MAX];
    uint8_t level_slot[PROGRAM_GROUPS_MAX][PROGRAM_LEVELS_MAX];
    int8_t currency_at[CURRENCY_SLOTS_MAX]; /* index in the program of a slot's currency; -1: not in
                                               it */
    int8_t group_at[GROUP_SLOTS_MAX];

    /* The different bases of rules and groups, so that each is worked out once an order. */
    struct program_basis bases[BASES_MAX];
    uint32_t basis_count;
    uint8_t rule_basis[PROGRAM_RULES_MAX], mission_basis[PROGRAM_RULES_MAX];
    uint8_t metric_basis[PROGRAM_GROUPS_MAX][PROGRAM_METRICS_MAX];

    /* Slots of what the program names, by its index there: NAME_SOURCE for all that grants. */
    uint16_t rule_slot[PROGRAM_RULES_MAX], campaign_slot[PROGRAM_RULES_MAX];
    uint16_t award_slot[PROGRAM_RULES_MAX], streak_slot[PROGRAM_RULES_MAX];
    uint16_t mission_slot[PROGRAM_RULES_MAX];
    uint16_t mission_counts[PROGRAM_RULES_MAX]; /* slot of the activity, or the money of a sum */
    uint16_t cap_slot[PROGRAM_CAPS_MAX], limit_slot[PROGRAM_LIMITS_MAX];
    uint16_t funder_slot[PROGRAM_FUNDERS_MAX], reward_slot[PROGRAM_REWARDS_MAX];

    /* Of visits the slot of the activity, of missions that of the mission, plus 1; 0: purchases,
     * any mission. */
    uint32_t metric_name[PROGRAM_GROUPS_MAX][PROGRAM_METRICS_MAX];

    /* By group, the calendar window that was asked for last. */
    struct span window[PROGRAM_GROUPS_MAX];

    /* By currency, a stretch of instants [from, to) for which lots expire at one instant: the day
     * asked for last. */
    struct {
        int64_t from_ms, to_ms, expires_ms;
    } expiry_day[PROGRAM_CURRENCIES_MAX];

    /* By currency, the instant of expiry whose notice was asked for last; 0: none was. */
    struct {
        int64_t expires_ms, notice_ms;
    } notice[PROGRAM_CURRENCIES_MAX];

    /* A day of the zone, [from, to), and the first midnight after it that has its date. */
    struct {
        int64_t from_ms, to_ms, next_ms;
    } anniversary;
};

/* What gets slots by its id, each kind on its own. In memory only: slots follow from the
 * activations. */
enum name_kind {
    NAME_CURRENCY,
    NAME_GROUP,
    NAME_SOURCE, /* whatever grants: rules, campaigns, awards, streaks, missions */
    NAME_CAP,
    NAME_LIMIT,
    NAME_FUNDER,
    NAME_REWARD,
    NAME_ACTIVITY, /* kinds of activity that a tier or a mission counts */
    NAME_KINDS,
};

/* Ids of one kind: by slot, and slots by id. */
struct names {
    struct bytes *ids;
    uint16_t *sorted;
    uint32_t count, capacity;
};

enum { NAME_SLOTS_MAX = 65535, NAME_NONE = UINT32_MAX };

struct group_names {
    struct bytes id;
    struct bytes levels[LEVEL_SLOTS_MAX];
    uint32_t level_count;
};

struct rulebooks {
    struct memo *memo;
    struct rulebook **items;
    size_t count, capacity;
    size_t stored_count, frozen_count;
    uint64_t ignored; /* activations that could not be put in force */
    int32_t notice_days_max;
    int64_t rolling_max_ms;     /* no rolling window of any version is longer */
    int64_t accept_past_max_ms; /* of all versions: an old event is judged by an old one */
    struct bytes currencies[CURRENCY_SLOTS_MAX]; /* by slot */
    uint8_t scales[CURRENCY_SLOTS_MAX];
    uint32_t currency_count;
    struct group_names groups[GROUP_SLOTS_MAX];
    uint32_t group_count;
    struct names names[NAME_KINDS]; /* of all kinds but currencies and groups */
};

void rulebooks_open(struct rulebooks *rulebooks, struct memo *memo);
void rulebooks_close(struct rulebooks *rulebooks);

/* Puts a version in force. A version that does not follow the one before (its number does not rise,
 * a scale or the zone changes, slots run out) is not put in force and only counted: an activation
 * may be repeated, and two may race. False only when the program does not decode: FAULT_DATA. */
bool rulebooks_activate(struct rulebooks *rulebooks, const struct activation *activation,
                        struct fault *out_fault);
bool rulebooks_load(struct rulebooks *rulebooks, struct row row, struct fault *out_fault);

/* The version that judges what happens at an instant: the last activated whose effective_from is
 * not after it (semantics §9). NULL when there is none. */
struct rulebook *rulebooks_at(const struct rulebooks *rulebooks, struct instant instant);

/* The slot of an id; NAME_NONE when no version has had it. */
uint32_t rulebooks_slot(const struct rulebooks *rulebooks, enum name_kind kind, struct bytes id);

/* The id of a slot. */
struct bytes rulebooks_name(const struct rulebooks *rulebooks, enum name_kind kind, uint32_t slot);

bool rulebooks_next(const struct rulebooks *rulebooks, uint64_t *cursor, struct row_key *out_key,
                    struct writer *writer);

/* Index of a group slot's level in the program; a level that the program does not have counts as
 * the next lower one that it has (semantics §8). */
uint32_t rulebook_level(const struct rulebooks *rulebooks, const struct rulebook *rulebook,
                        uint32_t group, uint32_t level_slot);

/* Index of a points currency by id, of the first when the id is empty; false when the program has
 * none of that name. */
bool rulebook_currency(const struct rulebook *rulebook, struct bytes id, uint32_t *out_index);

/** The record that activated it; spans point into the rulebook. */
void rulebook_activation(const struct rulebook *rulebook, struct activation *out_activation);

#endif
