#!/usr/bin/python3
"""Writes a file as C, so that the program carries it: embed.py INPUT OUTPUT NAME defines NAME and NAME_size."""

import pathlib
import sys


def main(source, target, name):
    data = pathlib.Path(source).read_bytes()
    rows = [", ".join(f"{byte:#04x}" for byte in data[at:at + 16]) for at in range(0, len(data), 16)]
    body = ",\n    ".join(rows)
    pathlib.Path(target).write_text(
        "#include <stddef.h>\n#include <stdint.h>\n\n"
        f"extern const uint8_t {name}[];\nextern const size_t {name}_size;\n\n"
        f"const uint8_t {name}[] = {{\n    {body},\n}};\nconst size_t {name}_size = sizeof {name};\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
