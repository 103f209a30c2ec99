"""bins REST N OUT - a histogram."""
import sys

values = [float(line.split("\t")[1]) for line in open(sys.argv[1])]
n = int(sys.argv[2])
low, high = min(values), max(values)
bins = [0] * n
for v in values:
    bins[min(n - 1, int((v - low) / (high - low) * n))] += 1
with open(sys.argv[3], "w") as out:
    for i, count in enumerate(bins):
        print("%.1f\t%d" % (low + (high - low) * i / n, count), file=out)
