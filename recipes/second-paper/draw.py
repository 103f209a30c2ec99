"""draw.py QUARTET NUMBERS OUT - the four pictures, each with its regression line."""
import csv
import sys

import matplotlib
matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402
import pandas as pd  # noqa: E402

plt.rcParams.update({"svg.hashsalt": "anscombe", "svg.fonttype": "none"})
quartet, numbers, out = sys.argv[1:]
data = pd.read_json(quartet)
figure, panels = plt.subplots(2, 2, figsize=(7, 5), sharex=True, sharey=True)
with open(numbers, newline="") as f:
    for row, panel in zip(csv.DictReader(f, delimiter="\t"), panels.flat):
        fit = pd.read_csv(row["path"], sep="\t", index_col="quantity").value
        points = data[data.Series == row["set"]]
        panel.plot([3, 20], [fit["intercept"] + fit["slope"] * x for x in (3, 20)], color="0.6")
        panel.plot(points.X, points.Y, "o", color="black", markersize=4)
        panel.set_title("Data set " + row["set"], fontsize=9)
figure.savefig(out, metadata={"Date": None})
