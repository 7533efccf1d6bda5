"""A ledger whose journal, sources and outputs are topics of a real Kafka, each ledger with names of its own."""

import json
import pathlib
import re
import struct
import subprocess

import rig
from ledger import ROOT, TOPICS, Ledger, LedgerError

BINARY = ("postings", "outcomes")  # one header of four numbers; the others say the same in text


class KafkaLedger(Ledger):
    """With a source topic, events come through it; without, whoever imports writes the journal."""

    def __init__(self, broker, folder, name, partitions=3, source=True, time="append", outputs=None, packed=False,
                 **more):
        self.broker, self.name, self.partitions = broker, name, partitions
        self.journal = f"{name}.journal"
        self.source = f"{name}.orders" if source else None
        self.outputs = {topic: f"{outputs or name}.{topic}" for topic in TOPICS}
        self.config = pathlib.Path(folder) / f"{outputs or name}.yaml"
        self.config.write_text(json.dumps({
            "programme": name, "group": name, **more,
            "journal": {"kind": "kafka", "partitions": partitions, "topic": self.journal, "time": time, "replication": "single"},
            "sources": [{"topic": self.source}] if source else [],
            "outputs": {"encoding": "protobuf" if packed else "json",
                        **({"postings": "packed", "outcomes": "packed"} if packed else {}),
                        **{f"{topic}_topic": full for topic, full in self.outputs.items()}},
            "kafka": {"bootstrap.servers": broker.bootstrap}}))
        super().__init__(pathlib.Path(folder) / f"{outputs or name}.data", "-c", self.config)

    def create(self, *flags, source_partitions=1):
        if self.source:
            self.broker.create_topic(self.source, source_partitions, {"max.message.bytes": str(4 << 20)})
        self.topics()
        self.tally("journal", "create", *flags)
        return self

    def topics(self):
        self.tally("topics", "create", "--replicas", "1", "--in-sync", "1")

    def published(self, topic):
        """{partition: messages by number, from 1}; an error on a gap, on disorder, and on a repeat with other content."""
        found = {partition: [] for partition in range(self.partitions)}
        for message in self.broker.consume(self.outputs[topic]):
            numbered, place = found[message.partition], place_of(topic, message)
            content = (message.key, json.loads(message.value), place["position"], place["hash"])
            if place["sequence"] == len(numbered) + 1:
                numbered.append(content)
            elif place["sequence"] > len(numbered) + 1:
                raise LedgerError(f"{topic}, partition {message.partition}: number {place['sequence']} stands behind "
                                  f"{len(numbered)}: a gap")
            elif numbered[place["sequence"] - 1] != content:
                raise LedgerError(f"{topic}, partition {message.partition}: number {place['sequence']} was sent twice with "
                                  f"other content:\n{numbered[place['sequence'] - 1]}\n{content}")
        return found


def place_of(topic, message):
    """What the headers say of a message's place (interfaces.md, "Topics")."""
    headers = dict(message.headers)
    if topic in BINARY:
        claim, sequence, position, running = struct.unpack(">QQQQ", headers["tb"])
        return {"sequence": sequence, "position": position, "hash": running, "claim": claim}
    offset, index = map(int, headers["tb_position"].split(b":"))
    return {"sequence": int(headers["tb_seq"]), "position": offset << 16 | index, "hash": int(headers["tb_hash"], 16),
            "claim": headers["tb_claim"].decode()}


# ---- Protobuf, by protoc itself: no code of the product writes what the product reads here ------------------------------


def _text_format(value, indent=""):
    lines = []
    for name, each in value.items():
        name = re.sub(r"[A-Z]", lambda letter: "_" + letter[0].lower(), name)
        for one in each if isinstance(each, list) else [each]:
            if isinstance(one, dict):
                lines += [f"{indent}{name} {{", *_text_format(one, indent + "  "), f"{indent}}}"]
            elif isinstance(one, int) or re.fullmatch(r"-?\d+", one) and not name.endswith("_id") or name == "kind":
                lines.append(f"{indent}{name}: {one}")
            else:
                lines.append(f"{indent}{name}: {json.dumps(one)}")
    return lines


_FILES = {"Event": "event", "EventPack": "pack", "JournalRecord": "journal", "PostingPack": "output", "OutcomePack": "output"}


def _protoc(way, message, data):
    done = subprocess.run(["protoc", "-I", ROOT / "schemas", f"--{way}=tallybook.v1.{message}",
                           ROOT / "schemas" / "tallybook" / "v1" / f"{_FILES[message]}.proto"],
                          input=data, capture_output=True)
    if done.returncode != 0:
        raise rig.RigError(f"protoc cannot {way} {message} {data[:200]}: {done.stderr.decode()}")
    return done.stdout


def encode(message, value):
    """`value`, as JSON writes it, in protobuf's wire format."""
    return _protoc("encode", message, "\n".join(_text_format(value)).encode())


def decode(message, data):
    """A message in protobuf's text form."""
    return _protoc("decode", message, data).decode()
