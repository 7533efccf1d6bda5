"""The laws of the house that a machine can check. Each rule looks at one tree and says what breaks it.

A rule is a function of a House that yields Finding(path, line, text); the text says what to do instead. The tables at
the top are the law; a change of the architecture is a change of a table here, and nowhere else.
"""

import bisect
import collections
import functools
import json
import os
import pathlib
import re
import subprocess

# ---- the tables ----

# Which room may include which. What is not written is forbidden; a room may always include itself.
ARROWS = {
    "engine/base": [],
    "engine/core": ["engine/base"],
    "engine/rules": ["engine/core", "engine/base"],
    "engine/store": ["engine/core", "engine/base"],
    "engine/shard": ["engine/rules", "engine/store", "engine/core", "engine/base"],
    "schemas": [],
    "consumers": ["engine/shard", "engine/rules", "engine/core", "engine/base", "schemas"],
    "snapshots": ["engine/shard", "engine/rules", "engine/store", "engine/core", "engine/base", "schemas"],
    "tally": ["consumers", "snapshots", "engine/shard", "engine/rules", "engine/store", "engine/core", "engine/base",
              "schemas"],
    "bench": ["consumers", "snapshots", "engine/shard", "engine/rules", "engine/store", "engine/core", "engine/base",
              "schemas", "tally"],
    "tests": ["consumers", "snapshots", "engine/shard", "engine/rules", "engine/store", "engine/core", "engine/base",
              "schemas", "tally", "bench"],
}
# Generated headers are named from inside schemas/: "tallybook/v1/event.pb-c.h".
GENERATED_PREFIX = "tallybook/"
# The rooms of the law above that a file of tests may reach the private headers of.
PRIVATE_READERS = ("tests", "bench")

# A library has one user. Path prefixes that may include its header and name its symbols; tests and benchmarks may too.
LIBRARIES = [
    # library, header, symbols, who
    ("librdkafka", r"librdkafka/", r"\brd_kafka_\w+", ["consumers/"]),
    ("RocksDB", r"rocksdb/", r"\brocksdb_\w+", ["engine/store/"]),
    ("LMDB", r"lmdb\.h", r"\bmdb_\w+", ["consumers/journal_disk"]),
    ("libyaml", r"yaml\.h", r"\byaml_\w+_(?:initialize|delete|load|parse)\b", ["engine/rules/", "consumers/", "tally/"]),
    ("protobuf-c", r"protobuf-c/", r"\bprotobuf_c_\w+", ["schemas/", "consumers/", "snapshots/", "tally/"]),
]

# What the core may use of the C library: types, limits, and moving bytes.
CORE_SYSTEM_HEADERS = {"assert.h", "inttypes.h", "limits.h", "stdalign.h", "stdbool.h", "stddef.h", "stdint.h", "string.h"}
# Undefined symbols of the core's archive. Base is allowed by its words without a clock, a heap or a file.
CORE_SYMBOLS = re.compile(
    r"(check|arena|decimal|fault|slab)_\w+|hash(64|128)\w*"
    # Address space is asked for at open and reserve, which a shell calls between batches; never in an apply.
    r"|(locator|region)_\w+"
    r"|mem(cpy|move|set|cmp)|strlen|strnlen|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_"
    r"|__u?(div|mod|divmod)ti[34]|__muloti4")
# Arithmetic on floating-point registers. Vectors of integers and plain moves are none.
FLOAT_INSTRUCTION = re.compile(r"\t(v?(add|sub|mul|div|sqrt|min|max|cvt\w*|u?comi)[sp][sd]|f(ld|st|add|sub|mul|div)\w*)\b")

EVERYWHERE = ("",)
SOURCES = ("engine/", "schemas/", "consumers/", "snapshots/", "tally/")
# Words of C that are not to be written: pattern, where, except where, what to write instead.
BANNED = [
    (r"\b(strcpy|strcat|strncpy|strncat|stpcpy)\s*\(", EVERYWHERE, (), "memcpy with a known length, or a writer of engine/base/bytes.h"),
    (r"\bv?sprintf\s*\(", EVERYWHERE, (), "snprintf"),
    (r"\bgets\s*\(", EVERYWHERE, (), "fgets"),
    (r"\bstrtok(_r)?\s*\(", EVERYWHERE, (), "a reader of engine/base/bytes.h"),
    (r"\b(atoi|atol|atoll|atof)\s*\(", EVERYWHERE, (), "decimal_parse, or strtoll with its errors looked at"),
    (r"\b(strtod|strtof|strtold)\s*\(", SOURCES, (), "decimal_parse: money is never binary floating point"),
    (r"\balloca\s*\(", EVERYWHERE, (), "an arena"),
    (r"\b(rand|srand|random|drand48)\s*\(", EVERYWHERE, (), "a generator with a printed seed"),
    (r"\b(time|gettimeofday|clock_gettime|clock)\s*\(", EVERYWHERE, ("engine/base/clock.c", "tests/unit/test_clock.c"), "engine/base/clock.h"),
    (r"\b(localtime|mktime|localtime_r|timelocal)\b", EVERYWHERE, ("tests/unit/test_calendar.c",), "engine/core/calendar.h: the machine's zone is nobody's business"),
    (r"\b(sleep|usleep|nanosleep|clock_nanosleep|thrd_sleep)\s*\(", EVERYWHERE, (), "a bounded wait for the condition itself"),
    (r"\bvolatile\b", EVERYWHERE, (), "an atomic that names its pair"),
    (r"\bpthread_(mutex|rwlock|spin|cond)_\w+", ("engine/shard/",), (), "a ring: a shard's path has no lock"),
    (r"\b(malloc|calloc|realloc|reallocarray|free|strdup|strndup)\b", ("engine/core/",), (), "an arena or a slab that the caller gives"),
    (r"\b\w*printf\b", ("engine/core/",), (), "an effect: the core neither prints nor logs"),
    (r"\b(float|double)\b", ("engine/core/",), (), "the integers of engine/core/quantity.h"),
    (r"(?<!static_)(?<!_)\bassert\s*\(", EVERYWHERE, (), "CHECK, which stays on in release builds"),
    (r"\btypedef\s+(struct|enum|union)\b", EVERYWHERE, (), "the tag itself: structs have no typedef"),
    (r"^\s*#\s*include\s+\"[^\"]+\.c\"", EVERYWHERE, (), "a header x_priv.h"),
]
POISON_LINE = re.compile(r"^#pragma GCC poison.*$", re.MULTILINE)  # says the same to the compiler
BANNED_PYTHON = (r"\btime\.sleep\s*\(|\bfrom\s+time\s+import\b.*\bsleep\b", "a bounded wait for the condition itself")
BANNED_SHELL = (r"(^|[;&|]|\bdo\b|\bthen\b)\s*sleep\s+[0-9.]", "a bounded wait for the condition itself")

FUNCTION_LINES_MAX = 90
FILE_LINES_MAX = 900
README_LINES_MAX = 80
# In halves, so that this file does not break its own rule. The third is also the code of "no currency": it counts at the
# beginning of a comment only.
UNFINISHED = r"\b(TO" r"DO|FIX" r"ME)\b|[/*#;]\s*XX" r"X\b"
MACHINE_PATH = r"(^|[^A-Za-z0-9_.])/(work|farm|root|home|tmp/wt|tmp/bash_jobs)/"
REGISTRY_HOST = r"(?i:https?://[a-z0-9.-]*(maven|npm|pypi|golang|debian|crates))"
GENERATED = re.compile(r"(\.pb-c\.[ch]|\.pb\.(cc|h)|_pb2\.py)$")
# Folders whose path is asked for by a tool, for which the folder above speaks.
SPOKEN_FOR = ("schemas/tallybook", "tests/plain/criterion")
SKIPPED_FOLDERS = {".git", ".kafka", "__pycache__"}

PKG_CONFIG = ["rdkafka", "libprotobuf-c", "json-c", "yajl", "yaml-0.1", "libxxhash", "lmdb", "libcrypto", "criterion", "ck"]

Finding = collections.namedtuple("Finding", "path line text")
RULES = {}


def rule(function):
    RULES[function.__name__] = function
    return function


# ---- the tree ----

class House:
    """A source tree and, for the rules that need one, the build folder made from a tree like it."""

    def __init__(self, root, build=None, built_from=None):
        self.root = pathlib.Path(root)
        self.build = pathlib.Path(build) if build else None
        self.built_from = pathlib.Path(built_from or root)

    @functools.cached_property
    def files(self):
        """Every file of ours, as a path from the root, sorted."""
        found = []
        for folder, folders, names in os.walk(self.root):
            here = pathlib.Path(folder).relative_to(self.root)
            folders[:] = [each for each in folders if each not in SKIPPED_FOLDERS
                          and not (here == pathlib.Path(".") and each.startswith("build"))]
            found.extend(str(here / name) for name in names)
        return sorted(each for each in found if each != ".git")

    def having(self, *endings):
        return [each for each in self.files if each.endswith(endings)]

    @functools.lru_cache(maxsize=None)
    def text(self, path):
        """The file's text; None when it is none (binary)."""
        try:
            return (self.root / path).read_text()
        except UnicodeDecodeError:
            return None

    @functools.lru_cache(maxsize=None)
    def code(self, path):
        """The text of a C file with comments and literals blanked, line by line as it was."""
        return blank(self.text(path))

    @functools.lru_cache(maxsize=None)
    def includes(self, path):
        """[(line, name, is_system)]"""
        return [(at, *((found[1], True) if found[1] else (found[2], False)))
                for at, line in enumerate(self.text(path).splitlines(), 1)
                if (found := re.match(r"\s*#\s*include\s+(?:<([^>]+)>|\"([^\"]+)\")", line))]

    def shell_scripts(self):
        return [each for each in self.files if (self.text(each) or "").startswith(("#!/usr/bin/env bash", "#!/bin/bash", "#!/bin/sh"))]


C_TOKENS = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL)


def blank(text):
    """C with the insides of comments, strings and characters made blank. An include keeps its name."""
    def keep_lines(found):
        token = found[0]
        if token[0] == '"' and re.search(r"#\s*include\s+$", text[:found.start()][-40:]):
            return token
        edge = token[0] if token[0] in "\"'" else " "
        return edge + re.sub(r"[^\n]", " ", token[1:-1]) + edge
    return C_TOKENS.sub(keep_lines, text)


def room_of(path):
    if path.startswith(GENERATED_PREFIX):
        return "schemas"
    return max((room for room in ARROWS if path.startswith(room + "/")), key=len, default=None)


def find(pattern, text):
    """[(line, what)] for every place where the pattern stands."""
    starts = [0] + [at.end() for at in re.finditer("\n", text)]
    for found in re.finditer(pattern, text, re.MULTILINE):
        yield bisect.bisect_right(starts, found.end() - 1), found[0].strip()


# ---- rules on how rooms meet ----

@rule
def arrows_point_downwards(house):
    for path in house.having(".c", ".h", ".def"):
        for line, name, system in house.includes(path):
            if system:
                continue
            here, there = room_of(path), room_of(name)
            if there is None:
                yield Finding(path, line, f'"{name}": name an include from the source root, beginning with a room')
            elif there != here and there not in ARROWS[here]:
                yield Finding(path, line, f"{here} may not include {there}; it may include: {', '.join(ARROWS[here]) or 'nothing'}")
            elif not name.startswith(GENERATED_PREFIX) and not (house.root / name).exists():
                yield Finding(path, line, f'"{name}" does not exist')


@rule
def private_headers_stay_private(house):
    for path in house.having(".c", ".h"):
        for line, name, system in house.includes(path):
            if not system and name.endswith("_priv.h") and room_of(path) not in (room_of(name), *PRIVATE_READERS):
                yield Finding(path, line, f"{name} is private to {room_of(name)}: include its public header")


@rule
def libraries_have_one_user(house):
    for path in house.having(".c", ".h", ".def"):
        for library, header, symbols, users in LIBRARIES:
            if path.startswith((*users, "tests/", "bench/")):
                continue
            for line, name, system in house.includes(path):
                if system and re.match(header, name):
                    yield Finding(path, line, f"only {' and '.join(users)} may include {library}")
            for line, symbol in find(symbols, house.code(path)):
                yield Finding(path, line, f"only {' and '.join(users)} may speak of {symbol}")


@rule
def core_includes_only_types(house):
    for path in house.having(".c", ".h"):
        if path.startswith("engine/core/"):
            for line, name, system in house.includes(path):
                if system and name not in CORE_SYSTEM_HEADERS:
                    yield Finding(path, line, f"the core may not include <{name}>: no clock, heap, log, thread or I/O")


@rule
def core_needs_only_pure_symbols(house):
    archive = house.build / "engine" / "core" / "libengine_core.a"
    listed = subprocess.run(["nm", "-A", archive], capture_output=True, text=True, check=True).stdout
    defined, wanted = set(), []
    for line in listed.splitlines():
        place, kind, symbol = line.rpartition(":")[0].rpartition("/")[2], *line.split()[-2:]
        if kind.upper() == "U":
            wanted.append((place, symbol))
        else:
            defined.add(symbol)
    for place, symbol in wanted:
        if symbol not in defined and not CORE_SYMBOLS.fullmatch(symbol):
            yield Finding("engine/core", 0, f"{place} needs {symbol}, which is not on the list of pure symbols")


@rule
def core_computes_without_floats(house):
    archive = house.build / "engine" / "core" / "libengine_core.a"
    listed = subprocess.run(["objdump", "-d", "--no-show-raw-insn", archive], capture_output=True, text=True, check=True).stdout
    function = ""
    for line in listed.splitlines():
        if line.endswith(">:"):
            function = line.partition("<")[2][:-2]
        elif FLOAT_INSTRUCTION.search(line):
            yield Finding("engine/core", 0, f"{function} computes with floats: {line.partition(':')[2].strip()}")


# ---- rules on what is written ----

@rule
def banned_words_are_not_written(house):
    for path in house.having(".c", ".h", ".def"):
        for pattern, where, but, instead in BANNED:
            if path.startswith(where) and path not in but:
                for line, word in find(pattern, POISON_LINE.sub("", house.code(path))):
                    yield Finding(path, line, f"{word}: write {instead}")
    for paths, (pattern, instead) in ((house.having(".py"), BANNED_PYTHON), (house.shell_scripts(), BANNED_SHELL)):
        for path in paths:
            for line, word in find(pattern, house.text(path)):
                yield Finding(path, line, f"{word}: write {instead}")


@rule
def headers_have_guards_named_by_path(house):
    for path in house.having(".h"):
        guard = "TALLYBOOK_" + re.sub(r"[^A-Z0-9]", "_", path.upper())
        lines = [line for line in house.code(path).splitlines() if line.strip()]
        if lines[:2] != [f"#ifndef {guard}", f"#define {guard}"] or not lines[-1].startswith("#endif"):
            yield Finding(path, 1, f"begin with #ifndef {guard} and #define {guard}, end with #endif")
        for line, _ in find(r"#\s*pragma\s+once", house.code(path)):
            yield Finding(path, line, f"#pragma once: the guard is {guard}")


@rule
def no_header_includes_everything(house):
    for path in house.having(".h"):
        rest = [line for line in house.code(path).splitlines()
                if line.strip() and not re.match(r"\s*#\s*(include|ifndef|endif|define TALLYBOOK_\w+_H$)", line)]
        if not rest and house.includes(path):
            yield Finding(path, 1, "a header that only includes others: let each user include what it needs")


@rule
def own_header_comes_first(house):
    for path in house.having(".c"):
        own = [name for name in (path[:-2] + ".h", path[:-2] + "_priv.h") if (house.root / name).exists()]
        first = next(iter(house.includes(path)), (1, None, None))
        if own and first[1] not in own:
            yield Finding(path, first[0], f'#include "{own[0]}" comes first, which proves that it needs nothing before it')


@rule
def headers_compile_alone(house):
    flags = subprocess.run(["pkg-config", "--cflags", *PKG_CONFIG], capture_output=True, text=True, check=True).stdout.split()
    folders = [house.root, *([house.build / "schemas"] if house.build else [])]
    for path in house.having(".h"):
        done = subprocess.run(
            ["cc", "-std=gnu17", "-D_GNU_SOURCE", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-x", "c", *flags,
             *(f"-I{each}" for each in folders), "-include", path, "/dev/null"],
            cwd=house.root, capture_output=True, text=True)
        if done.returncode != 0:
            yield Finding(path, 1, "does not compile by itself: " + done.stderr.strip())


@rule
def functions_fit_a_screen(house):
    for path in house.having(".c", ".h"):
        start = None
        for at, line in enumerate(house.code(path).splitlines(), 1):
            if line.startswith("{"):
                start = at
            elif line.startswith("}"):
                if start and at - start > FUNCTION_LINES_MAX:
                    yield Finding(path, start, f"a function of {at - start} lines: at most {FUNCTION_LINES_MAX}")
                start = None


@rule
def files_hold_one_idea(house):
    for path in house.having(".c", ".h", ".def", ".py", ".proto"):
        lines = len(house.text(path).splitlines())
        if lines > FILE_LINES_MAX:
            yield Finding(path, lines, f"{lines} lines: at most {FILE_LINES_MAX}; it may hold more than one idea")


@rule
def code_is_formatted(house):
    paths = house.having(".c", ".h")
    if not paths:
        return
    done = subprocess.run(["clang-format-14", "--dry-run", "--Werror", *paths], cwd=house.root, capture_output=True, text=True)
    seen = set()
    for line in done.stderr.splitlines():
        found = re.match(r"(.+?):(\d+):\d+: error: ", line)
        if found and found[1] not in seen:  # the first place of a file is enough
            seen.add(found[1])
            yield Finding(found[1], int(found[2]), f"not as .clang-format says: clang-format-14 -i {found[1]}")
    if done.returncode != 0 and not seen:
        yield Finding(".clang-format", 1, done.stderr.strip())


@rule
def nothing_is_left_unfinished(house):
    for path in house.files:
        for line, word in find(UNFINISHED, house.text(path) or ""):
            yield Finding(path, line, f"{word}: finish it or file it")


@rule
def no_machine_is_named(house):
    for path in house.files:
        for line, word in find(MACHINE_PATH, house.text(path) or ""):
            yield Finding(path, line, f"{word}: a path of one machine")
        for line, word in find(REGISTRY_HOST, house.text(path) or ""):
            yield Finding(path, line, f"{word}: name packages, not where they are fetched from")


@rule
def shell_scripts_parse(house):
    for path in house.shell_scripts():
        done = subprocess.run(["bash", "-n", path], cwd=house.root, capture_output=True, text=True)
        if done.returncode != 0:
            yield Finding(path, 1, done.stderr.strip())


# ---- rules on what lies where ----

@rule
def generated_code_stays_in_the_build_folder(house):
    for path in house.files:
        if GENERATED.search(path):
            yield Finding(path, 1, "generated: the build makes it, remove it from the sources")


@rule
def every_source_is_built(house):
    targets = json.loads((house.build / "meson-info" / "intro-targets.json").read_text())
    built = {source for target in targets for group in target["target_sources"] for source in group.get("sources", [])}
    for path in house.having(".c"):
        if str(house.built_from / path) not in built:
            yield Finding(path, 1, "no meson.build names it: build it or remove it")


@rule
def folders_explain_themselves(house):
    code = {str(pathlib.PurePath(path).parent) for path in house.having(".c", ".h", ".def", ".py", ".proto", ".java")}
    rooms = {parent for folder in code for parent in [folder, *map(str, pathlib.PurePath(folder).parents)]} - {"."}
    for folder in sorted(rooms):
        readme = f"{folder}/README.md"
        if folder.startswith(SPOKEN_FOR):
            continue
        if not (house.root / readme).exists():
            yield Finding(readme, 1, "missing: purpose, tour, invariants, decisions")
        elif len(house.text(readme).splitlines()) > README_LINES_MAX:
            yield Finding(readme, README_LINES_MAX, f"more than a page ({README_LINES_MAX} lines)")
