"""fit TABLE OUT --digits=N - bicycles a degree, on working days."""
import sys

from spokes import line_through, rows

sys.argv, digits = sys.argv[:3], int(sys.argv[3].split("=")[1])
working = [r for r in rows(sys.argv[1]) if r["free"] == "0"]
start, slope = line_through([float(r["temperature"]) for r in working],
                            [float(r["count"]) for r in working])
with open(sys.argv[2], "w") as out:
    print("%.*f\t%.*f" % (digits, start, digits, slope), file=out)
