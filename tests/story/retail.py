"""The real orders as a history, and the figures that they must end in (see the data's own README)."""

from ledger import RETAIL_RULEBOOK, ROOT, Ledger, retail_csv

MAP = ROOT / "docs" / "examples" / "online-retail.map.yaml"
UNTIL = "2011-12-31T00:00:00Z"
JOURNAL_ID = "00112233445566778899aabbccddeeff"  # the same everywhere: a digest is of one journal

ROWS = 541_909
REFUSED_SOME = 3  # what an import of them ends with
VALUE = "9747747.934"  # sum of quantity × unit price over all rows
PARTITIONS = 8


def create(folder, *options):
    """An empty history journal with the rulebook in force."""
    ledger = Ledger(folder, *options)
    ledger.tally("journal", "create", "--journal-time", "record", "--journal-id", JOURNAL_ID)
    ledger.tally("rules", "activate", RETAIL_RULEBOOK)
    return ledger


def arguments(csv):
    return ["import", csv, "--history", "--map", MAP, "--until", UNTIL]


def check_account(case, told):
    """Accepted + known + refused is everything, to the last digit."""
    case.assertEqual(told["total"], {"rows": ROWS, "value": VALUE})
    parts = [told[name] for name in ("accepted", "known", "refused")]
    case.assertEqual(sum(each["rows"] for each in parts), ROWS)
    case.assertEqual(sum(round(float(each["value"]) * 1000) for each in parts), 9_747_747_934)
    case.assertEqual(sum(each["rows"] for each in told["reasons"].values()), told["refused"]["rows"])


__all__ = ["JOURNAL_ID", "MAP", "PARTITIONS", "REFUSED_SOME", "ROWS", "UNTIL", "VALUE", "arguments", "check_account", "create", "retail_csv"]
