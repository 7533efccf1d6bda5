#include <criterion/criterion.h>
#include <string.h>

#include "engine/base/fault.h"

static bool
open_file(struct fault *out_fault)
{
    return fault_set(out_fault, FAULT_NO_INPUT, "cannot open %s: %s", "rules.yaml", "not there");
}

static bool
load_rules(struct fault *out_fault)
{
    if (!open_file(out_fault)) return fault_wrap(out_fault, "rulebook %d", 7);
    return true;
}

Test(fault, gains_a_frame_in_each_layer)
{
    struct fault fault;
    cr_expect_not(load_rules(&fault));
    cr_expect_eq(fault.kind, FAULT_NO_INPUT);
    cr_expect_str_eq(fault.text, "rulebook 7: cannot open rules.yaml: not there");
}

Test(fault, may_quote_itself)
{
    struct fault fault;
    open_file(&fault);
    fault_set(&fault, FAULT_IO, "twice (%s)", fault.text);
    cr_expect_str_eq(fault.text, "twice (cannot open rules.yaml: not there)");
    fault_wrap(&fault, "%.5s", fault.text);
    cr_expect_str_eq(fault.text, "twice: twice (cannot open rules.yaml: not there)");
}

Test(fault, loses_the_end_of_what_is_too_long)
{
    static char long_text[4096];
    memset(long_text, 'x', sizeof long_text - 1);
    struct fault fault;
    fault_set(&fault, FAULT_DATA, "%s", long_text);
    cr_expect_eq(strlen(fault.text), sizeof fault.text - 1);
    fault_wrap(&fault, "line %d", 3);
    cr_expect_eq(strlen(fault.text), sizeof fault.text - 1);
    cr_expect_eq(memcmp(fault.text, "line 3: xxx", 11), 0);
    fault_wrap(&fault, "%s", long_text);
    cr_expect_eq(strlen(fault.text), sizeof fault.text - 1);
}

Test(fault, kinds_are_the_exit_codes)
{
    const struct {
        enum fault_kind kind;
        int code;
        const char *name;
    } rows[] = {
        {FAULT_USAGE, 64, "usage"},
        {FAULT_DATA, 65, "data"},
        {FAULT_NO_INPUT, 66, "no input"},
        {FAULT_UNAVAILABLE, 69, "unavailable"},
        {FAULT_SOFTWARE, 70, "software"},
        {FAULT_CANNOT_CREATE, 73, "cannot create"},
        {FAULT_IO, 74, "i/o"},
        {FAULT_TRY_AGAIN, 75, "try again"},
        {FAULT_NOT_ALLOWED, 77, "not allowed"},
        {FAULT_CONFIG, 78, "configuration"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_expect_eq((int)rows[i].kind, rows[i].code, "%s", rows[i].name);
        cr_expect_str_eq(fault_kind_name(rows[i].kind), rows[i].name);
    }
}
