"""join DAYS WEATHER HOLIDAYS OUT - one row a day that has both counts and weather."""
import datetime
import sys

counts = dict(line.split() for line in open(sys.argv[1]))
holidays = set(open(sys.argv[3]).read().split())
with open(sys.argv[4], "w") as out:
    print("day", "count", "temperature", "rain", "free", sep="\t", file=out)
    for line in open(sys.argv[2]):
        day, temperature, rain = line.split()
        if day in counts:
            free = datetime.date.fromisoformat(day).weekday() > 4 or day in holidays
            print(day, counts[day], temperature, rain, int(free), sep="\t", file=out)
