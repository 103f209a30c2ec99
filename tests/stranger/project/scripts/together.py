"""together MANIFEST OUT - how the counters go together, day by day."""
import sys

from spokes import correlation, rows

days = {r["counter"]: dict(line.split() for line in open(r["path"]))
        for r in rows(sys.argv[1])}
with open(sys.argv[2], "w") as out:
    names = list(days)
    print("", *names, sep="\t", file=out)
    for a in names:
        line = [a]
        for b in names:
            both = sorted(set(days[a]) & set(days[b]))
            line.append("%.3f" % correlation([int(days[a][d]) for d in both],
                                             [int(days[b][d]) for d in both]))
        print(*line, sep="\t", file=out)
