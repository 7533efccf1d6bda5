"""One world judged: both ledgers fold it, the first difference is the verdict. And a world that differs made small."""

import json
import pathlib
import random
import re
import tempfile
import traceback

from civil import FOR_EVER
from law import Ledger
from rig import ACCOUNTS, TOPICS, Rig, home_of, shown
from rulebook import Rulebook
from said import difference, explained, of_ledger, of_oracle
from world import subject_of

MEMORY = next((folder for folder in ("/dev/shm",) if pathlib.Path(folder).is_dir()), None)  # nothing is to last


def fold_oracle(texts, partitions):
    """The oracle's ledgers, of entries as `Rig.fold` takes them."""
    home, rulebooks = home_of(len(partitions)), list(map(Rulebook, texts))
    ledgers = []
    for partition, entries in enumerate(partitions):
        ledger = Ledger()
        for entry in entries:
            entry = dict(entry)
            if "activation" in entry:
                entry["rulebook"] = rulebooks[entry["activation"]]
            if "event" in entry:
                entry["away"] = home(subject_of(entry["event"])) != partition
            ledger.entry(entry)
        ledgers.append(ledger)
    return ledgers


def _here(items, partitions, partition):
    """Of several partitions the order of each one's subjects counts; a forward is told by the partition it left."""
    home = home_of(partitions)
    return [each for each in items if each["subject"] is not None and home(each["subject"]) == partition and
            each.get("verdict") != "forwarded"]


def _of_nobody(items):
    """What each partition says about no one member."""
    return sorted((each for each in items if each["subject"] is None),
                  key=lambda each: (each["journalTimeMs"], each["effectiveAtMs"], each["version"]))


def compare_outputs(said, ledgers):
    for topic in TOPICS:
        mine = of_ledger(said[topic], topic)
        for partition, ledger in enumerate(ledgers):
            other = of_oracle(getattr(ledger, topic), topic)
            if len(ledgers) == 1:
                found = difference(topic, mine, other)
            else:
                found = difference(topic, *(_here(each, len(ledgers), partition) for each in (mine, other)))
            if found:
                return found
        if len(ledgers) > 1:
            found = difference(topic, _of_nobody(mine), _of_nobody(
                of_oracle([each for ledger in ledgers for each in getattr(ledger, topic)], topic)))
            if found:
                return found
        if topic == "outcomes" and len(ledgers) > 1:
            sent = [sorted(each["event"] for each in outcomes if each["verdict"] == "forwarded")
                    for outcomes in (mine, of_oracle([each for ledger in ledgers for each in ledger.outcomes], topic))]
            if sent[0] != sent[1]:
                return f"forwarded: ledger {sent[0]}\n oracle {sent[1]}"
    return explained(said["postings"])


def shown_by_oracle(ledger, member):
    """As rig.shown: balances, levels by the version in force, open lots."""
    rulebook = ledger.rulebook_at(ledger.clock)
    accounts = {name: {account: member.sum_of(name, account.upper()) for account in ACCOUNTS} for name in ledger.currencies}
    accounts = {name: {account: points for account, points in wallet.items() if points} for name, wallet in accounts.items()}
    return {
        "state": member.state, "wallets": {name: wallet for name, wallet in accounts.items() if wallet},
        "levels": {name: group.levels[ledger.level_at(member, rulebook, group, FOR_EVER)].name
                   for name, group in (rulebook.tiers if rulebook else {}).items()},
        "lots": sorted((f"{lot.id[0]}.{lot.id[1]}", lot.currency, lot.granted, lot.remaining, lot.earned, lot.expires,
                        lot.rule, lot.rulebook.version) for lot in member.lots if lot.remaining or lot.held)}


def compare_members(rig, ledgers):
    members = [(ledger, member) for ledger in ledgers for member in ledger.members.values()]
    if not members:
        return None
    mine = map(shown, rig.members([member.subject for _, member in members]))
    for (ledger, member), each in zip(members, mine):
        found = difference(f"member {member.subject}", [each], [shown_by_oracle(ledger, member)])
        if found:
            return found
    return None


def judge(texts, partitions, ledgers=None, folder=None, seed="", members=True):
    """(the first difference or None, the ledger's outputs, the oracle's ledgers)"""
    chance = random.Random(f"packing {seed}")
    with tempfile.TemporaryDirectory(dir=MEMORY) as temporary:
        rig = Rig(folder or temporary)
        said = rig.fold(texts, partitions, chance)
        if len(partitions) > 1:
            ledgers = fold_oracle(texts, rig.forwarded(partitions))
        elif ledgers is None:
            ledgers = fold_oracle(texts, partitions)
        found = compare_outputs(said, ledgers)
        if found is None and members:
            found = compare_members(rig, ledgers)
    return found, said, ledgers


# ---- smaller ----

def differs(texts, partitions):
    try:
        return judge(texts, partitions)[0]
    except Exception:  # a crash of either is a difference as well
        return traceback.format_exc(limit=-3)


def sign_of(found):
    """What makes two differences the same: what differs, in which fields."""
    if found is None:
        return None
    names = re.findall(r"^  (\w+): ledger", found, re.MULTILINE)
    return (found.split()[0], *names) if names else re.sub(r"[0-9]+", "", found.strip().splitlines()[-1][:60])


def shrunk(texts, partitions, tries=400):
    """Entries are dropped while the difference persists; activations stay."""
    sign = sign_of(differs(texts, partitions))
    size = max(len(entries) for entries in partitions) // 2
    while size and tries > 0:
        smaller, at = False, 0
        for number, entries in enumerate(partitions):
            at = 0
            while at < len(entries) and tries > 0:
                kept = entries[:at] + [each for each in entries[at:at + size] if "activation" in each] + entries[at + size:]
                tries -= 1
                fewer = [*partitions[:number], kept, *partitions[number + 1:]]
                if len(kept) < len(entries) and sign_of(differs(texts, fewer)) == sign:
                    entries = partitions[number] = kept
                    smaller = True
                else:
                    at += size
        if not smaller:
            size //= 2
    return partitions


def keep(folder, texts, partitions):
    """The smallest world as a file, its rulebooks and journals beside it; judge_kept reads it."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    partitions = shrunk(texts, list(map(list, partitions)))
    (folder / "world.json").write_text(json.dumps({"texts": texts, "partitions": partitions}, indent=1))
    found = differs(texts, partitions)
    (folder / "difference.txt").write_text(f"{found}\n")
    return found


def judge_kept(folder):
    world = json.loads((pathlib.Path(folder) / "world.json").read_text())
    return differs(world["texts"], world["partitions"])
