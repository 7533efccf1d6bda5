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
