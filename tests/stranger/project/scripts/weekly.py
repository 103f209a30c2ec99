"""weekly DAYS OUT - sums by ISO week; weeks that are not whole are left out."""
import datetime
import sys

weeks = {}
for line in open(sys.argv[1]):
    day, count = line.split("\t")
    year, week, _ = datetime.date.fromisoformat(day).isocalendar()
    weeks.setdefault((year, week), []).append(int(count))
with open(sys.argv[2], "w") as out:
    for (year, week), counts in sorted(weeks.items()):
        if len(counts) == 7:
            print("%d-W%02d\t%d" % (year, week, sum(counts)), file=out)
