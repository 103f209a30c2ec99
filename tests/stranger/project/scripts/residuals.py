"""residuals TABLE LINE OUT - how far each working day is from the line."""
import sys

from spokes import rows

start, slope = map(float, open(sys.argv[2]).read().split())
with open(sys.argv[3], "w") as out:
    for r in rows(sys.argv[1]):
        if r["free"] == "0":
            rest = float(r["count"]) - start - slope * float(r["temperature"])
            print("%s\t%.1f" % (r["day"], rest), file=out)
