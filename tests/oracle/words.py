"""The words that programmes and journals share, few enough that they meet."""

import os

# Kinds of events and keys of the rulebook that are not drawn: "hold", "missions", "earn.when".
WITHOUT = set(filter(None, os.environ.get("TB_ORACLE_WITHOUT", "").split(",")))

SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000

ZONES = ["UTC", "Europe/London", "Asia/Shanghai", "Asia/Tokyo", "America/New_York", "America/Havana", "Africa/Cairo",
         "America/St_Johns", "Pacific/Apia", "Australia/Lord_Howe"]
STARTS = ["2026-01-30T12:00", "2026-03-28T20:00", "2026-10-24T23:00", "2026-12-30T21:00", "2028-02-28T10:00",
          "2027-12-31T14:00", "2026-04-23T22:00"]
MONEY_DIGITS = {"GBP": 2, "JPY": 0, "KWD": 3, "EUR": 2}
CATEGORIES = ["books", "toys", "children's books"]
SKUS = ["sku-1", "sku-2", "sku-3"]
BRANDS = ["lamp", "Über"]
CHANNELS = ["app", "web", "till"]
STORES = ["ginza", "soho", "mall"]
PARTNERS = ["bank", "hotel"]
FUNDERS = ["acme", "bank"]
LEVELS = ["basic", "silver", "gold", "jade"]
LINE_WORDS = ["goods", "shipping", "tax", "fee", "gift card"]
ATTRIBUTES = {"wrapped": ["yes", "no"], "size": ["xl", "s"]}
# check_in stands apart: streaks live on it.
ACTIVITY_WORDS = ["review", "share", "share_click", "share_conversion", "feedback_adopted", "survey", "event_attendance",
                  "content_contribution", "profile_completion", "birthday", "steps_walked"]
