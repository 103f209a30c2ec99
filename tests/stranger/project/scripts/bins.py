"""bins REST N OUT - a histogram."""
import sys

from tallies import histogram

values = [float(line.split("\t")[1]) for line in open(sys.argv[1])]
with open(sys.argv[3], "w") as out:
    for start, count in histogram(values, int(sys.argv[2])):
        print("%.1f\t%d" % (start, count), file=out)
