"""Civil time as the law has it (semantics §2): instants are milliseconds, periods are walked on the wall's clock."""

import collections
import datetime
import functools
import zoneinfo

UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = datetime.timedelta(milliseconds=1)
DAY = datetime.timedelta(days=1)
DAY_MS = 86_400_000
MONTHS_OF = {"month": 1, "quarter": 3, "year": 12}
MONTHS = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
          "december"]
FOR_EVER = float("inf")
EVER = (-FOR_EVER, FOR_EVER)

Period = collections.namedtuple("Period", "amount unit")  # unit: days, weeks, months or years


def utc(ms):
    return EPOCH + ms * MILLISECOND


class Zone:
    def __init__(self, name):
        self.zone = zoneinfo.ZoneInfo(name)
        self.bucket = functools.lru_cache(maxsize=None)(self._bucket)
        self.instant = functools.lru_cache(maxsize=100_000)(self._instant)
        self.plus = functools.lru_cache(maxsize=100_000)(self._plus)

    def wall(self, ms):
        return utc(ms).astimezone(self.zone).replace(tzinfo=None)

    def date(self, ms):
        return self.wall(ms).date()

    def _instant(self, wall):
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

    def midnight(self, date):
        return self.instant(datetime.datetime.combine(date, datetime.time()))

    def _bucket(self, date, unit):
        """The calendar day, week, month, quarter or year of a date as [start, end)."""
        if unit == "day":
            first, after = date, date + DAY
        elif unit == "week":
            first = date - date.weekday() * DAY
            after = first + 7 * DAY
        else:
            months = MONTHS_OF[unit]
            first = date.replace(month=(date.month - 1) // months * months + 1, day=1)
            after = add_months(first, months)
        return self.midnight(first), self.midnight(after)

    def bucket_of(self, ms, unit):
        return EVER if unit == "lifetime" else self.bucket(self.date(ms), unit)

    def _plus(self, ms, period, sign=1):
        """Keeps the local time of day; adding months clamps to the month's end."""
        amount = sign * period.amount
        wall = self.wall(ms)
        if period.unit == "days":
            wall += amount * DAY
        elif period.unit == "weeks":
            wall += 7 * amount * DAY
        else:
            wall = add_months(wall, amount * (12 if period.unit == "years" else 1))
        return self.instant(wall)

    def rounded(self, ms, to):
        """The end of the bucket that contains it; of a named month, of the year that ends with it."""
        if to is None:
            return ms
        if to not in MONTHS:
            return self.bucket_of(ms, to)[1]
        year = self.date(ms).year - 1
        while True:
            end = self.midnight(add_months(datetime.date(year, MONTHS.index(to) + 1, 1), 1))
            if end > ms:
                return end
            year += 1

    def next_yearly(self, ms, month, day):
        """The first local midnight of a month-day that is strictly after an instant."""
        year = self.date(ms).year
        return min(each for each in (self.midnight(yearly(year + more, month, day)) for more in (0, 1)) if each > ms)

    def yearly_window(self, ms, month, day):
        """The year from one month-day's midnight to the next that contains an instant."""
        year = self.date(ms).year
        edges = [self.midnight(yearly(year + more, month, day)) for more in (-1, 0, 1, 2)]
        return next(each for each in zip(edges, edges[1:]) if each[0] <= ms < each[1])


def yearly(year, month, day):
    """A month-day in a year; 29 February counts as the last day of February."""
    last = add_months(datetime.date(year, month, 1), 1) - DAY
    return datetime.date(year, month, min(day, last.day))


def add_months(when, months):
    """Clamps to the month's end."""
    index = when.year * 12 + when.month - 1 + months
    year, month = divmod(index, 12)
    following = datetime.date(year + (month == 11), (month + 1) % 12 + 1, 1)
    return when.replace(year=year, month=month + 1, day=min(when.day, (following - DAY).day))


class Period:
    def __init__(self, amount, unit):
        self.amount, self.unit = amount, unit
