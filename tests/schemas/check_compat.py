#!/usr/bin/env python3
"""Compares the .proto files with the list of what is published (schemas/published.txt).

A published number, type, label or name never changes and never vanishes: readers and writers that we do not know of
rely on it (schemas/README.md). What is new is added to the list by --update, which refuses anything else.

The descriptor that protoc writes is read here with the standard library alone: the few fields of descriptor.proto that
matter are listed beside the code that reads them.

Exit codes: 0 all published and nothing changed, 1 a difference, 2 the files do not compile.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
TYPES = [None, "double", "float", "int64", "uint64", "int32", "fixed64", "fixed32", "bool", "string", "group",
         "message", "bytes", "uint32", "enum", "sfixed32", "sfixed64", "sint32", "sint64"]
LABELS = [None, "singular", "required", "repeated"]
HEADER = "# What is published and therefore frozen. Written by tests/schemas/check_compat.py --update; never edited.\n"


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def fields(data):
    """Yields (number, value) of one protobuf message: integers as they are, everything else as bytes."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        wire = tag & 7
        if wire == 0:
            value, at = varint(data, at)
        elif wire == 2:
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
        else:
            raise ValueError(f"descriptor has wire type {wire}")
        yield tag >> 3, value


def first(data, number, default=None):
    return next((value for found, value in fields(data) if found == number), default)


def text(data, number):
    return first(data, number, b"").decode()


def enum_lines(scope, data):
    # EnumDescriptorProto: name 1, value 2. EnumValueDescriptorProto: name 1, number 2.
    name = f"{scope}.{text(data, 1)}"
    for number, value in fields(data):
        if number == 2:
            yield f"enum {name} {first(value, 2, 0)}", text(value, 1)


def message_lines(scope, data):
    # DescriptorProto: name 1, field 2, nested_type 3, enum_type 4, oneof_decl 8.
    # FieldDescriptorProto: name 1, number 3, label 4, type 5, type_name 6, oneof_index 9. OneofDescriptorProto: name 1.
    name = f"{scope}.{text(data, 1)}"
    oneofs = [text(value, 1) for number, value in fields(data) if number == 8]
    for number, value in fields(data):
        if number == 2:
            kind = TYPES[first(value, 5)]
            if kind in ("message", "enum"):
                kind += " " + text(value, 6).lstrip(".")
            index = first(value, 9)
            within = f" oneof {oneofs[index]}" if index is not None else ""
            yield f"field {name} {first(value, 3)}", f"{text(value, 1)} {LABELS[first(value, 4)]} {kind}{within}"
        elif number == 3:
            yield from message_lines(name, value)
        elif number == 4:
            yield from enum_lines(name, value)


def compile_list(schemas):
    """What the files define: {"field tallybook.v1.Event 1": "source singular string", …}."""
    protos = sorted(path.relative_to(schemas).as_posix() for path in schemas.glob("tallybook/*/*.proto"))
    with tempfile.NamedTemporaryFile() as out:
        run = subprocess.run(["protoc", "-I", str(schemas), f"--descriptor_set_out={out.name}", *protos],
                             capture_output=True, text=True, check=False)
        if run.returncode != 0:
            sys.stderr.write(run.stderr)
            raise SystemExit(2)
        descriptor = pathlib.Path(out.name).read_bytes()
    found = {}
    # FileDescriptorSet: file 1. FileDescriptorProto: name 1, package 2, message_type 4, enum_type 5.
    for _, file in fields(descriptor):
        package = text(file, 2)
        messages = [value for number, value in fields(file) if number == 4]
        # A schema-registry frame names a message by its place in its file.
        found[f"file {text(file, 1)} 0"] = f"{package}.{text(messages[0], 1)}"
        for message in messages:
            found.update(message_lines(package, message))
        for number, value in fields(file):
            if number == 5:
                found.update(enum_lines(package, value))
    return found


def read_list(path):
    published = {}
    if not path.exists():
        return published
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            key, _, value = line.partition(" = ")
            published[key] = value
    return published


def write_list(path, found):
    def order(key):
        kind, name, number = key.split(" ")
        return kind, name, int(number)

    path.write_text(HEADER + "".join(f"{key} = {found[key]}\n" for key in sorted(found, key=order)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0],
                                     epilog="example: tests/schemas/check_compat.py --update")
    parser.add_argument("--update", action="store_true", help="add what is new to the list")
    parser.add_argument("--schemas", type=pathlib.Path, default=ROOT / "schemas", help="folder of the .proto files")
    parser.add_argument("--published", type=pathlib.Path, help="the list (published.txt in the folder)")
    options = parser.parse_args()
    path = options.published or options.schemas / "published.txt"

    found, published = compile_list(options.schemas), read_list(path)
    broken = [f"changed: {key} was '{published[key]}' and is now '{found[key]}'"
              for key in published if key in found and found[key] != published[key]]
    broken += [f"vanished: {key} = {published[key]}" for key in published if key not in found]
    added = [key for key in found if key not in published]

    for line in broken:
        print(line)
    if broken:
        print(f"{len(broken)} published definitions would break readers and writers. Put them back; a new meaning gets "
              "a new number.")
        return 1
    if options.update:
        write_list(path, found)
        print(f"{len(added)} added, {len(found)} published")
        return 0
    for key in added:
        print(f"not published yet: {key} = {found[key]}")
    if added:
        print("When these are right for ever, run: tests/schemas/check_compat.py --update")
        return 1
    print(f"{len(found)} published definitions unchanged")
    return 0


if __name__ == "__main__":
    sys.exit(main())
