"""tests/golden/murmur2.tsv, which our own placement is tested against, is what the real Java client computes.

Run with TALLY_GOLDEN=write to write the file anew after the list of keys below has changed.
"""

import os
import pathlib
import unittest

import rig

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden" / "murmur2.tsv"
PARTITION_COUNTS = ("1", "8", "17", "256")
COLUMNS = "\t".join(["key_hex", "murmur2", *(f"of_{count}" for count in PARTITION_COUNTS)])


def keys():
    """Every length modulo four at both ends of the range, high bytes, scripts of two to four bytes, our own prefix."""
    yield b""
    for length in range(1, 41):
        yield bytes(ord("a") + at % 26 for at in range(length))
    for length in range(1, 9):
        yield bytes(0xFF - at for at in range(length))
    yield from (b"\x00", b"\x00\x00\x00\x00", b"\x80", b"\x7f\x80\x81\x82\x83")
    yield from (f"member-{number}".encode() for number in (1, 42, 12346, 999999, 2147483648))
    yield from (text.encode() for text in ("café", "Łódź", "会员", "会员-0001", "积分账本", "пользователь", "🎁🎁", "e\u0301"))
    yield from (b"m" * 127, b"m" * 128, "员".encode() * 42 + b"mm")
    yield from (b"\x01" + name for name in (b"guest/536365", b"stock/mug", b"budget/spring", b"pool/family-7",
                                            b"board/2026-11", b"home"))


def computed():
    text = "".join(key.hex() + "\n" for key in keys())
    return f"{COLUMNS}\n" + rig.run_java(pathlib.Path(__file__).with_name("Vectors.java"), *PARTITION_COUNTS, text=text)


class Murmur2(unittest.TestCase):
    def test_golden_file_is_what_the_java_client_computes(self):
        fresh = computed()
        self.assertEqual(len(fresh.splitlines()), 1 + len(list(keys())))
        if os.environ.get("TALLY_GOLDEN") == "write":
            GOLDEN.write_text(fresh)
        self.assertEqual(GOLDEN.read_text(), fresh)
