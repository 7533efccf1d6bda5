"""`tally` in a folder of its own: the world's journal goes in, what is published and shown comes out."""

import datetime
import json
import os
import pathlib
import socket
import struct
import subprocess

import wire
from civil import EPOCH, MILLISECOND

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("TALLY_BUILD", "build/release")
TALLY = BUILD / "tally" / "tally"
TOPICS = ("outcomes", "postings", "tiers", "notices")
HELLO, MEMBER = 1, 7  # operations of the socket
ACCOUNTS = ("pending", "active", "held", "lapsing", "arrears")


def murmur2(data):
    """As Java clients place keys."""
    mask, factor = 0xFFFFFFFF, 0x5BD1E995
    value = 0x9747B28C ^ len(data)
    whole = len(data) & ~3
    for at in range(0, whole, 4):
        word = int.from_bytes(data[at:at + 4], "little") * factor & mask
        word = (word ^ word >> 24) * factor & mask
        value = value * factor & mask ^ word
    if data[whole:]:
        value = (value ^ int.from_bytes(data[whole:], "little")) * factor & mask
    value = (value ^ value >> 13) * factor & mask
    return value ^ value >> 15


def key_of(subject):
    return subject[1] if subject[0] == "member" else f"\x01guest/{subject[1]}"


def home_of(partitions):
    return lambda subject: (murmur2(key_of(subject).encode()) & 0x7FFFFFFF) % partitions


def millis(text):
    return (datetime.datetime.fromisoformat(text.replace("Z", "+00:00")) - EPOCH) // MILLISECOND


class Rig:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def tally(self, *arguments):
        done = subprocess.run([TALLY, *map(str, arguments)], cwd=self.folder, text=True, capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=300)
        if done.returncode != 0:
            raise RuntimeError(f"tally {' '.join(map(str, arguments))}: {done.returncode}\n"
                               f"{done.stdout[-2000:]}{done.stderr[-4000:]}")
        return done.stdout

    def lines(self, *arguments):
        return [json.loads(line) for line in self.tally(*arguments).splitlines()]

    def activations(self, texts, partitions):
        """Record 0 and the activations of each partition, as `tally` writes them."""
        self.tally("journal", "create", "--data-dir", "seed", "--programme", "p", "--journal-partitions", partitions,
                   "--journal-time", "record")
        for number, text in enumerate(texts):
            (self.folder / f"v{number}.yaml").write_text(text)
            self.tally("rules", "activate", f"v{number}.yaml", "--data-dir", "seed", "--at", "2030-01-01T00:00:00Z",
                       "--json")
        self.tally("export", "seed.journal", "--data-dir", "seed")
        found = []
        for real in wire.read_journal(self.folder / "seed.journal"):
            bodies = [wire.read(entry) for entry in real]
            found.append((next(entry for entry, body in zip(real, bodies) if 3 in body),
                          [body[7][0] for body in bodies if 7 in body]))
        return found

    def write(self, path, texts, partitions, random):
        """Writes the entries of each partition as a packed journal file, in records as chance has it."""
        journal = []
        for (genesis, activations), drawn in zip(self.activations(texts, len(partitions)), partitions):
            entries = [wire.entry_bytes({**entry, "activation": activations[entry["activation"]]}
                                        if "activation" in entry else entry) for entry in drawn]
            records = [wire.record_bytes([genesis])]
            while entries:
                some = random.choice([1, 1, 2, 5, 30, 200])
                records.append(wire.record_bytes(entries[:some]))
                entries = entries[some:]
            journal.append(records)
        wire.write_journal(path, journal)

    def fold(self, texts, partitions, random):
        """What is published of a journal, given as the entries of each partition."""
        self.write(self.folder / "world.journal", texts, partitions, random)
        self.tally("import", "world.journal", "--data-dir", "ledger", "--programme", "p", "--journal-partitions",
                   len(partitions), "--checkpoint-records", random.choice([7, 1000, 1000000]))
        return {topic: self.lines("tail", "--topic", topic, "--last", 0, "--data-dir", "ledger") for topic in TOPICS}

    def forwarded(self, partitions):
        """The entries as the journal has them in the end: with what one partition sent on to another."""
        self.tally("export", "after.journal", "--data-dir", "ledger")
        events = {wire.event_bytes(entry["event"]): entry["event"]
                  for entries in partitions for entry in entries if "event" in entry}
        spoiled = {wire.event_bytes(entry["event"]): entry["bad_form"]
                   for entries in partitions for entry in entries if "bad_form" in entry}
        return [[entry for entry in (wire.entry_of(data, events, spoiled) for data in entries) if entry is not None]
                for entries in wire.read_journal(self.folder / "after.journal")]

    def members(self, subjects):
        """What a running `tally` says of each of them, through its socket (tally/socket_wire.h)."""
        running = subprocess.Popen([TALLY, "run", "--data-dir", "ledger"], cwd=self.folder, text=True,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            told = []
            while not told or "running" not in told[-1]:
                told.append(running.stderr.readline())
                if not told[-1]:
                    raise RuntimeError(f"tally run: {''.join(told)[-4000:]}")
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(str(self.folder / "ledger" / "tally.sock"))
                ask(connection, HELLO, struct.pack("<I", 1))
                keys = [key_of(subject).encode() for subject in subjects]
                answers = [ask(connection, MEMBER, wire.varint(len(key)) + key) for key in keys]
                return [json.loads(answer[next(i for i, byte in enumerate(answer) if byte < 0x80) + 1:])
                        for answer in answers]  # behind their length as a varint
        finally:
            running.kill()  # the folder is thrown away
            running.communicate()


def ask(connection, operation, body):
    connection.sendall(struct.pack("<IB", 1 + len(body), operation) + body)
    stream = connection.makefile("rb")
    size, fault = struct.unpack("<IB", stream.read(5))
    answer = stream.read(size - 1)
    if fault:
        raise RuntimeError(f"the socket's operation {operation}: {answer.decode(errors='replace')}")
    return answer


def shown(member):
    """A member as JSON, in the oracle's words."""
    wallets = {each["currency"]: {name: each[name] for name in ACCOUNTS if each.get(name)} for each in member["wallets"]}
    return {
        "state": member["status"], "wallets": {name: wallet for name, wallet in wallets.items() if wallet},
        "levels": {each["group"]: each["level"] for each in member["tiers"]},
        "lots": sorted((each["lot"], each["currency"], each["granted"], each["remaining"], millis(each["earnedAt"]),
                        each["expiresAt"] and millis(each["expiresAt"]), each["rule"], each["ruleVersion"])
                       for each in member["lots"])}
