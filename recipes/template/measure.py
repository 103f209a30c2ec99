"""measure.py HEIGHTS LIGHT DAY DRAWS OUT - the mean height in one light on one day, with an interval.

The interval is the middle 95 % of the means of DRAWS samples drawn with replacement."""
import os
import random
import sys

heights, light, day, draws, out = sys.argv[1:]
with open(heights) as f:
    rows = [line.rstrip("\n").split("\t") for line in f][1:]
mm = [float(r[3]) for r in rows if r[1] == light and r[2] == day]
if not mm:
    sys.exit("no bean in %s was measured on day %s" % (light, day))

draw = random.Random(int(os.environ["LARDER_SEED"], 16))
means = sorted(sum(draw.choices(mm, k=len(mm))) / len(mm) for _ in range(int(draws)))
low, high = means[int(.025 * len(means))], means[int(.975 * len(means))]

with open(out, "w") as f:
    f.write("n\tmean\tlow\thigh\n%d\t%.1f\t%.1f\t%.1f\n" % (len(mm), sum(mm) / len(mm), low, high))
print("%s: %d beans" % (light, len(mm)))
