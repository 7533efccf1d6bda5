#include "engine/core/event.h"

#include "engine/base/check.h"

const char *
event_kind_name(enum event_kind kind)
{
    switch (kind) {
#define EVENT(number, NAME, field, handled)                                                        \
    case EVENT_##NAME:                                                                             \
        return #field;
#include "engine/core/event.def"
#undef EVENT
    }
    UNREACHABLE();
}

struct bytes
activity_name(const struct activity *activity)
{
    switch (activity->kind) {
    case ACTIVITY_CHECK_IN: return BYTES_LITERAL("check_in");
    case ACTIVITY_REVIEW: return BYTES_LITERAL("review");
    case ACTIVITY_SHARE: return BYTES_LITERAL("share");
    case ACTIVITY_SHARE_CLICK: return BYTES_LITERAL("share_click");
    case ACTIVITY_SHARE_CONVERSION: return BYTES_LITERAL("share_conversion");
    case ACTIVITY_FEEDBACK_ADOPTED: return BYTES_LITERAL("feedback_adopted");
    case ACTIVITY_SURVEY: return BYTES_LITERAL("survey");
    case ACTIVITY_EVENT_ATTENDANCE: return BYTES_LITERAL("event_attendance");
    case ACTIVITY_CONTENT_CONTRIBUTION: return BYTES_LITERAL("content_contribution");
    case ACTIVITY_PROFILE_COMPLETION: return BYTES_LITERAL("profile_completion");
    case ACTIVITY_BIRTHDAY: return BYTES_LITERAL("birthday");
    case ACTIVITY_APP_DEFINED: return activity->app_kind;
    }
    UNREACHABLE();
}

bool
event_kind_handled(enum event_kind kind)
{
    switch (kind) {
#define EVENT(number, NAME, field, handled)                                                        \
    case EVENT_##NAME:                                                                             \
        return handled;
#include "engine/core/event.def"
#undef EVENT
    }
    UNREACHABLE();
}
