#!/usr/bin/python3
"""Writes copies of the core in which many small mistakes sleep; TB_MUTANT wakes one.

    mutate.py SOURCE_ROOT OUT_FOLDER FILE.c… [--count N] [--seed N]

Each place becomes `(tb_mutant == N ? mistaken : original)` or `if (tb_mutant != N) call();`. With 0 awake the program is
the original. OUT_FOLDER/mutants.tsv lists number, file, line, function, kind, original and mistaken text, and which of
several like it in its function it is. All but number and line name it, whatever changes elsewhere in the file.
"""

import argparse
import collections
import hashlib
import pathlib
import re
import sys

from clang.cindex import Config, CursorKind, Index, TranslationUnit, TypeKind

Config.set_library_file("libclang-14.so.1")

TURNED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
SHIFTED = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
SWAPPED = {"+": "-", "-": "+", "*": "/", "&": "|", "|": "&", "<<": ">>", ">>": "<<"}
OPERATORS = re.compile(r"\s*(<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%<>&|^])")
INTEGERS = {TypeKind.BOOL, TypeKind.UCHAR, TypeKind.USHORT, TypeKind.UINT, TypeKind.ULONG, TypeKind.ULONGLONG,
            TypeKind.UINT128, TypeKind.SCHAR, TypeKind.CHAR_S, TypeKind.SHORT, TypeKind.INT, TypeKind.LONG,
            TypeKind.LONGLONG, TypeKind.INT128, TypeKind.ENUM}
LITERAL = re.compile(r"(\d+)$")

Place = collections.namedtuple("Place", "start end line function kind original mistaken nth")


def words(text):
    return " ".join(text.split())


def is_integer(cursor):
    return cursor.type.get_canonical().kind in INTEGERS


class Finder:
    """The places of one file where a mistake may sleep."""

    def __init__(self, path, unit):
        self.path, self.unit = str(path), unit
        self.text = path.read_bytes()
        self.places, self.likes = [], collections.Counter()
        # In an argument of a macro a place has no text of its own.
        self.macros = [(c.extent.start.offset, c.extent.end.offset) for c in unit.cursor.get_children()
                       if c.kind == CursorKind.MACRO_INSTANTIATION and str(c.location.file) == self.path]

    def span(self, cursor):
        return cursor.extent.start.offset, cursor.extent.end.offset

    def source(self, cursor):
        start, end = self.span(cursor)
        return self.text[start:end].decode()

    def is_written(self, cursor):
        start, end = self.span(cursor)
        if str(cursor.extent.start.file) != self.path or end <= start:
            return False
        return not any(start < high and low < end and not (start <= low and high <= end and (start, end) != (low, high))
                       for low, high in self.macros)

    def add(self, cursor, kind, mistaken, tail=0):
        """mistaken: what stands there instead; None when nothing does. tail: bytes behind the cursor that belong to it."""
        start, end = self.span(cursor)
        original = words(self.text[start:end + tail].decode())
        like = (self.function, kind, original, mistaken)
        self.likes[like] += 1
        self.places.append(Place(start, end + tail, cursor.extent.start.line, *like, self.likes[like]))

    def operator(self, cursor):
        left, right = cursor.get_children()
        between = OPERATORS.match(self.text[self.span(left)[1]:self.span(right)[0]].decode())
        if not between or not self.is_written(left) or not self.is_written(right):
            return
        sign, a, b = between[1], self.source(left), self.source(right)
        if sign in TURNED:
            # One step more over an array's spare places is rarely a mistake that shows.
            sign = (TURNED if self.number % 2 or self.in_bound else SHIFTED)[sign]
            self.add(cursor, "comparison", f"({a}) {sign} ({b})")
        elif sign in ("&&", "||"):
            self.add(cursor, "dropped condition", f"(({a}), !!({b}))" if self.number % 2 else f"!!({a})")
        elif is_integer(left) and is_integer(right) and sign in SWAPPED and is_integer(cursor):
            if sign == "*" or self.number % 2:
                self.add(cursor, "dropped term", f"({a})")
            else:
                self.add(cursor, "operator", f"({a}) {SWAPPED[sign]} ({b})")

    def constant(self, cursor):
        """A named constant becomes its neighbour."""
        referred = cursor.referenced
        if referred is None or referred.kind != CursorKind.ENUM_CONSTANT_DECL or not self.is_written(cursor):
            return
        if referred.semantic_parent.is_anonymous():  # sizes, which have nothing in common
            return
        names = [c.spelling for c in referred.semantic_parent.get_children() if c.kind == CursorKind.ENUM_CONSTANT_DECL]
        if len(names) > 1:
            at = names.index(referred.spelling)
            self.add(cursor, "swapped constant", names[at - 1] if at else names[1])

    def condition(self, cursor):
        if self.is_written(cursor) and (is_integer(cursor) or cursor.type.get_canonical().kind == TypeKind.POINTER):
            self.add(cursor, "negated condition", f"!({self.source(cursor)})")

    def walk(self, cursor):
        self.number += 1
        kind = cursor.kind
        if kind == CursorKind.CASE_STMT:  # its label is a constant
            for child in list(cursor.get_children())[1:]:
                self.statement(child)
            return
        if kind == CursorKind.STATIC_ASSERT or kind == CursorKind.VAR_DECL and cursor.storage_class.name == "STATIC":
            return
        if kind == CursorKind.BINARY_OPERATOR and self.is_written(cursor) and len(list(cursor.get_children())) == 2:
            self.operator(cursor)
        elif kind == CursorKind.DECL_REF_EXPR:
            self.constant(cursor)
        elif kind == CursorKind.INTEGER_LITERAL and self.is_written(cursor):
            number = LITERAL.match(self.source(cursor))
            if number:
                self.add(cursor, "constant", str(int(number[1]) + 1 if number[1] != "1" else 0))
        children = list(cursor.get_children())
        if kind == CursorKind.IF_STMT:
            self.condition(children[0])
            self.walk(children[0])
            for child in children[1:]:
                self.statement(child)
            return
        if kind == CursorKind.CONDITIONAL_OPERATOR:
            self.condition(children[0])
        if kind in (CursorKind.COMPOUND_STMT, CursorKind.DEFAULT_STMT):
            for child in children:
                self.statement(child)
            return
        if kind in (CursorKind.FOR_STMT, CursorKind.WHILE_STMT):
            self.in_bound = True
            for child in children[:-1]:
                self.walk(child)
            self.in_bound = False
            self.statement(children[-1])
            return
        for child in children:
            if child.kind in (CursorKind.TYPE_REF, CursorKind.ENUM_DECL, CursorKind.STRUCT_DECL) or \
                    kind == CursorKind.VAR_DECL and cursor.type.get_canonical().kind == TypeKind.CONSTANTARRAY:
                continue
            self.walk(child)

    def statement(self, cursor):
        """A call that stands for itself can be left out."""
        start, end = self.span(cursor)
        if cursor.kind == CursorKind.CALL_EXPR and self.is_written(cursor) and self.text[end:end + 1] == b";":
            self.add(cursor, "skipped call", None, 1)
        self.walk(cursor)

    def find(self):
        for cursor in self.unit.cursor.get_children():
            if cursor.kind == CursorKind.FUNCTION_DECL and cursor.is_definition() and \
                    str(cursor.location.file) == self.path:
                self.function, self.number, self.in_bound = cursor.spelling, 0, False
                for child in cursor.get_children():
                    if child.kind == CursorKind.COMPOUND_STMT:
                        self.walk(child)
        return self.places


def rewrite(text, places, low, high):
    """text[low:high] with its places, innermost and outermost, switched. places: (number, place), outer before inner."""
    made, at = [], low
    while places:
        number, place = places[0]
        inner = [p for p in places[1:] if p[1].start < place.end]
        places = places[1 + len(inner):]
        made.append(text[at:place.start].decode())
        if place.mistaken is None:
            body = rewrite(text, inner, place.start, place.end)
            made.append(f"{{ if (tb_mutant != {number}) {body} }}")
        else:
            body = rewrite(text, inner, place.start, place.end)
            made.append(f"(tb_mutant == {number} ? ({place.mistaken}) : ({body}))")
        at = place.end
    made.append(text[at:high].decode())
    return "".join(made)


def chance(seed, name, place):
    told = " ".join([str(seed), name, *map(str, place[3:])])
    return hashlib.sha256(told.encode()).digest()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    root = options.root.resolve()
    found = []
    texts = {}
    for name in options.files:
        path = root / "engine/core" / name
        unit = Index.create().parse(str(path), ["-std=gnu17", "-D_GNU_SOURCE", f"-I{root}",
                                                "-I/usr/lib/llvm-14/lib/clang/14.0.6/include"],
                                    options=TranslationUnit.PARSE_DETAILED_PROCESSING_RECORD)
        bad = [str(d) for d in unit.diagnostics if d.severity >= 3]
        if bad:
            sys.exit(f"{name}: {bad[0]}")
        finder = Finder(path, unit)
        texts[name] = finder.text
        found += [(name, place) for place in finder.find()]
    chosen = sorted(found, key=lambda each: chance(options.seed, *each))[:options.count]
    chosen.sort(key=lambda each: (each[0], each[1].start, -each[1].end))
    numbered = [(number, name, place) for number, (name, place) in enumerate(chosen, 1)]
    options.out.mkdir(parents=True, exist_ok=True)
    with (options.out / "mutants.tsv").open("w") as listed:
        for number, name, place in numbered:
            mistaken = words(place.mistaken or "")
            print(number, name, place.line, place.function, place.kind, place.original, mistaken, place.nth, sep="\t",
                  file=listed)
    for name in options.files:
        mine = [(number, place) for number, file, place in numbered if file == name]
        text = rewrite(texts[name], mine, 0, len(texts[name]))
        (options.out / f"mutant_{name}").write_text(f"extern int tb_mutant;\n#line 1 \"engine/core/{name}\"\n{text}")
    print(f"{len(found)} places, {len(numbered)} mutants")


if __name__ == "__main__":
    main()
