"""fit.py QUARTET SET OUT - the statistics of one set, as the paper gives them, and three that say what its
picture shows."""
import sys

import numpy as np
import pandas as pd

quartet, name, out = sys.argv[1:]
data = pd.read_json(quartet)
data = data[data.Series == name]
x, y = data.X.to_numpy(float), data.Y.to_numpy(float)


def line(x, y):
    """Slope, intercept and the part of the variance that the line explains."""
    slope = ((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum()
    intercept = y.mean() - slope * x.mean()
    rest = ((y - intercept - slope * x) ** 2).sum()
    return slope, intercept, 1 - rest / ((y - y.mean()) ** 2).sum(), rest


def without_one():
    """The best line through all points but one; none where the others have one x."""
    best = 0.0
    for i in range(len(x)):
        a, b = np.delete(x, i), np.delete(y, i)
        if len(set(a)) > 1:
            best = max(best, line(a, b)[2])
    return best


slope, intercept, r2, rest = line(x, y)
parabola = np.polyval(np.polyfit(x, y, 2), x) if len(set(x)) > 2 else np.full_like(y, y.mean())
rows = [
    ("n", len(x)), ("mean of x", x.mean()), ("mean of y", y.mean()), ("slope", slope), ("intercept", intercept),
    ("sum of squares of x", ((x - x.mean()) ** 2).sum()), ("residual sum of squares", rest),
    ("standard error of the slope", (rest / (len(x) - 2) / ((x - x.mean()) ** 2).sum()) ** .5), ("R2", r2),
    ("R2 of a parabola", 1 - ((y - parabola) ** 2).sum() / ((y - y.mean()) ** 2).sum()),
    ("R2 without one point", without_one()), ("different x", len(set(x))),
]
with open(out, "w") as f:
    f.write("quantity\tvalue\n" + "".join("%s\t%.6g\n" % row for row in rows))
