"""The house keeps its laws (house.py), and every law is seen to fail when it is broken.

TALLY_BUILD names the build folder of this checkout, for the rules that look at what was built.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import house

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ["TALLY_BUILD"])


def told(findings):
    return "\n".join(f"{each.path}:{each.line}: {each.text}" for each in findings)


class Laws(unittest.TestCase):
    """One case a rule, made below."""


def _law(name):
    def check(self):
        findings = list(house.RULES[name](house.House(ROOT, BUILD)))
        if findings:
            self.fail("\n" + told(findings))
    return check


for _name in house.RULES:
    setattr(Laws, f"test_{_name}", _law(_name))


GUARD = "TALLYBOOK_ENGINE_BASE_PLANTED_H"
LONG_BODY = "\n".join(f"    value += {at};" for at in range(92))

# What is planted, where, and a piece of the finding: rule, path, text, told.
PLANTS = [
    ("arrows_point_downwards", "engine/core/planted.c", '#include "engine/store/store.h"\n', "engine/core may not include engine/store"),
    ("arrows_point_downwards", "snapshots/planted.h", '#include "consumers/codec.h"\n', "snapshots may not include consumers"),
    ("arrows_point_downwards", "engine/rules/planted.c", '#include "tallybook/v1/event.pb-c.h"\n', "may not include schemas"),
    ("arrows_point_downwards", "engine/base/planted.c", '#include "check.h"\n', "from the source root"),
    ("arrows_point_downwards", "engine/base/planted.c", '#include "engine/base/none.h"\n', "does not exist"),
    ("private_headers_stay_private", "tally/planted.c", '#include "engine/store/row_priv.h"\n', "private to engine/store"),
    ("libraries_have_one_user", "snapshots/planted.c", "#include <librdkafka/rdkafka.h>\n", "may include librdkafka"),
    ("libraries_have_one_user", "engine/shard/planted.c", "int f(void) { return rd_kafka_version(); }\n", "rd_kafka_version"),
    ("libraries_have_one_user", "engine/shard/planted.c", "#include <rocksdb/c.h>\n", "may include RocksDB"),
    ("libraries_have_one_user", "consumers/planted.c", "int f(void) { return rocksdb_open(); }\n", "rocksdb_open"),
    ("libraries_have_one_user", "consumers/journal_kafka_planted.c", "#include <lmdb.h>\n", "may include LMDB"),
    ("core_includes_only_types", "engine/core/planted.h", "#include <time.h>\n", "<time.h>"),
    ("banned_words_are_not_written", "tests/planted.c", "strcpy(a, b);\n", "known length"),
    ("banned_words_are_not_written", "tally/planted.c", "sprintf (a, b);\n", "snprintf"),
    ("banned_words_are_not_written", "tally/planted.c", "strtok(a, b);\n", "reader"),
    ("banned_words_are_not_written", "tally/planted.c", "return atoi(a);\n", "decimal_parse"),
    ("banned_words_are_not_written", "consumers/planted.c", "x = strtod(a, &b);\n", "money"),
    ("banned_words_are_not_written", "bench/planted.c", "gettimeofday(&now, NULL);\n", "clock.h"),
    ("banned_words_are_not_written", "engine/shard/planted.c", "x = time(NULL);\n", "clock.h"),
    ("banned_words_are_not_written", "engine/base/planted.c", "clock_gettime(0, &now);\n", "clock.h"),
    ("banned_words_are_not_written", "tally/planted.c", "localtime_r(&a, &b);\n", "zone"),
    ("banned_words_are_not_written", "tests/planted.c", "usleep(10);\n", "bounded wait"),
    ("banned_words_are_not_written", "tests/planted.py", "import time\ntime" ".sleep(1)\n", "bounded wait"),
    ("banned_words_are_not_written", "tests/planted", "#!/usr/bin/env bash\nsleep " "1\n", "bounded wait"),
    ("banned_words_are_not_written", "engine/shard/planted.c", "static volatile int a;\n", "atomic"),
    ("banned_words_are_not_written", "engine/shard/planted.c", "pthread_mutex_lock(&a);\n", "ring"),
    ("banned_words_are_not_written", "engine/core/planted.c", "a = malloc(3);\n", "arena"),
    ("banned_words_are_not_written", "engine/core/planted.c", "fprintf(a, b);\n", "effect"),
    ("banned_words_are_not_written", "engine/core/planted.c", "double rate;\n", "quantity.h"),
    ("banned_words_are_not_written", "engine/store/planted.c", "assert(a);\n", "CHECK"),
    ("banned_words_are_not_written", "engine/store/planted.h", "typedef struct a b;\n", "typedef"),
    ("banned_words_are_not_written", "tests/planted.c", '#include "engine/base/hash.c"\n', "_priv.h"),
    ("headers_have_guards_named_by_path", "engine/base/planted.h", "#ifndef PLANTED_H\n#define PLANTED_H\n#endif\n", GUARD),
    ("headers_have_guards_named_by_path", "engine/base/planted.h", f"#ifndef {GUARD}\n#define {GUARD}\n#pragma once\n#endif\n", "once"),
    ("no_header_includes_everything", "engine/base/planted.h", f"#ifndef {GUARD}\n#define {GUARD}\n#include <stdint.h>\n#endif\n", "only includes"),
    ("own_header_comes_first", "engine/base/check.c", '#include <stdio.h>\n\n#include "engine/base/check.h"\n', "comes first"),
    ("headers_compile_alone", "engine/base/planted.h", f"#ifndef {GUARD}\n#define {GUARD}\nuint64_t planted(void);\n#endif\n", "uint64_t"),
    ("functions_fit_a_screen", "tally/planted.c", f"int\nplanted(int value)\n{{\n{LONG_BODY}\n    return value;\n}}\n", "a function of"),
    ("files_hold_one_idea", "tally/planted.c", "int a;\n" * 901, "901 lines"),
    ("code_is_formatted", "tally/planted.c", "int planted(void) { return 1; }\n", "clang-format-14 -i"),
    ("nothing_is_left_unfinished", "docs/planted.md", "TO" "DO: say why\n", "finish it"),
    ("nothing_is_left_unfinished", "tally/planted.c", "int a; /* XX" "X why */\n", "finish it"),
    ("no_machine_is_named", "docs/planted.md", "See /" "work/main for more.\n", "one machine"),
    ("no_machine_is_named", "docs/planted.md", "https" "://deb.debian.org\n", "name packages"),
    ("shell_scripts_parse", "deploy/planted", "#!/usr/bin/env bash\nif true; then\n", "syntax error"),
    ("generated_code_stays_in_the_build_folder", "consumers/event.pb-c.c", "int a;\n", "generated"),
    ("every_source_is_built", "consumers/planted.c", "int planted;\n", "no meson.build"),
    ("folders_explain_themselves", "web/planted/planted.c", "int planted;\n", "missing"),
    ("folders_explain_themselves", "tests/arch/README.md", "word\n" * 100, "more than a page"),
]
# The rules on the core's archive are fed an archive made of this.
IMPURE = {
    "core_needs_only_pure_symbols": ("#include <stdlib.h>\nvoid *planted(void) { return malloc(3); }\n", "malloc"),
    "core_computes_without_floats": ("long planted(long a) { return (long)(1.1 * a); }\n", "planted computes with floats"),
}


class Breaches(unittest.TestCase):
    """A copy of the tree, one breach at a time, found and named."""

    @classmethod
    def setUpClass(cls):
        cls.copy = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="tally-arch-"))) / "tree"
        for path in house.House(ROOT).files:
            (cls.copy / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / path, cls.copy / path)

    def findings(self, rule, build=BUILD):
        return list(house.RULES[rule](house.House(self.copy, build, built_from=ROOT)))

    def test_every_rule_has_a_breach(self):
        self.assertEqual({plant[0] for plant in PLANTS} | set(IMPURE), set(house.RULES))

    def test_words_in_comments_and_strings_are_no_breach(self):
        path = self.copy / "engine" / "core" / "planted.c"
        path.write_text('/* malloc(3), double */ // volatile\nconst char *text = "time(NULL) \\" sprintf(";\n')
        self.addCleanup(path.unlink)
        self.assertEqual([each for each in self.findings("banned_words_are_not_written") if "planted" in each.path], [])

    def check_plant(self, rule, path, text, told_piece):
        place = self.copy / path
        before = place.read_text() if place.exists() else None
        new_folders = [each for each in place.parents if not each.exists()]
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            place.write_text(text)
            found = told(each for each in self.findings(rule) if each.path.startswith(str(pathlib.PurePath(path).parent)))
            self.assertIn(told_piece, found)
            self.assertIn(path.split("/")[0], found)
        finally:
            if before is None:
                place.unlink()
            else:
                place.write_text(before)
            for folder in new_folders:
                folder.rmdir()

    def check_impure(self, rule, text, told_piece):
        with tempfile.TemporaryDirectory(prefix="tally-arch-") as folder:
            place = pathlib.Path(folder) / "engine" / "core"
            place.mkdir(parents=True)
            (place / "planted.c").write_text(text)
            subprocess.run(["cc", "-O2", "-c", "planted.c"], cwd=place, check=True)
            subprocess.run(["ar", "rc", "libengine_core.a", "planted.o"], cwd=place, check=True)
            self.assertIn(told_piece, told(self.findings(rule, build=folder)))


def _breach(check, *planted):
    return lambda self: getattr(self, check)(*planted)


for _at, _plant in enumerate(PLANTS):
    setattr(Breaches, f"test_{_plant[0]}_{_at}", _breach("check_plant", *_plant))
for _name, _plant in IMPURE.items():
    setattr(Breaches, f"test_{_name}", _breach("check_impure", _name, *_plant))
