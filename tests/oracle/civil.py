"""Civil time as the law has it (semantics §2): instants are milliseconds, periods are walked on the wall's clock."""

import datetime
import functools
import zoneinfo

UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = datetime.timedelta(milliseconds=1)
DAY = datetime.timedelta(days=1)
MONTHS_OF = {"month": 1, "quarter": 3, "year": 12}


def utc(ms):
    return EPOCH + ms * MILLISECOND


class Zone:
    def __init__(self, name):
        self.zone = zoneinfo.ZoneInfo(name)
        self.bucket = functools.lru_cache(maxsize=None)(self._bucket)

    def wall(self, ms):
        return utc(ms).astimezone(self.zone).replace(tzinfo=None)

    def instant(self, wall):
        """In an overlap the earlier instant, in a gap the first one after it."""
        earlier = wall.replace(tzinfo=self.zone, fold=0)
        ms = (earlier.astimezone(UTC) - EPOCH) // MILLISECOND
        if self.wall(ms) == wall:
            return ms
        before = (wall.replace(tzinfo=self.zone, fold=1).astimezone(UTC) - EPOCH) // MILLISECOND
        offset = utc(before).astimezone(self.zone).utcoffset()
        while ms - before > 1:  # the clock jumps somewhere behind `before` and not behind `ms`
            middle = (before + ms) // 2
            if utc(middle).astimezone(self.zone).utcoffset() == offset:
                before = middle
            else:
                ms = middle
        return ms

    def _bucket(self, date, unit):
        """The calendar day, month, quarter or year of a date as [start, end)."""
        if unit == "day":
            first, after = date, date + DAY
        else:
            months = MONTHS_OF[unit]
            first = date.replace(month=(date.month - 1) // months * months + 1, day=1)
            after = add_months(first, months)
        midnight = datetime.time()
        return tuple(self.instant(datetime.datetime.combine(each, midnight)) for each in (first, after))

    def bucket_of(self, ms, unit):
        return self.bucket(self.wall(ms).date(), unit)

    def period_end(self, ms, amount, unit, round_to):
        wall = self.wall(ms)
        if unit == "days":
            wall += amount * DAY
        elif unit == "weeks":
            wall += 7 * amount * DAY
        else:
            wall = add_months(wall, amount * (12 if unit == "years" else 1))
        end = self.instant(wall)
        return end if round_to is None else self.bucket_of(end, round_to)[1]

    def days_before(self, ms, days):
        return self.instant(self.wall(ms) - days * DAY)


def add_months(when, months):
    """Clamps to the month's end."""
    index = when.year * 12 + when.month - 1 + months
    year, month = divmod(index, 12)
    following = datetime.date(year + (month == 11), (month + 1) % 12 + 1, 1)
    return when.replace(year=year, month=month + 1, day=min(when.day, (following - DAY).day))


class Period:
    def __init__(self, amount, unit):
        self.amount, self.unit = amount, unit
