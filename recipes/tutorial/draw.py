"""draw MANIFEST OUT - a curve for each light, as SVG. MANIFEST: a table of light and path."""

import csv
import sys

COLOURS = {"shade": "#228833", "sun": "#ccbb44"}

with open(sys.argv[1], newline="") as f:
    curves = [(row["light"], row["path"]) for row in csv.DictReader(f, delimiter="\t")]
with open(sys.argv[2], "w") as svg:
    print('<svg xmlns="http://www.w3.org/2000/svg" width="330" height="150">', file=svg)
    for light, path in curves:
        points = [line.split() for line in open(path)]
        print('<polyline fill="none" stroke="%s" points="%s"><title>%s</title></polyline>' % (
            COLOURS[light],
            " ".join("%d,%.1f" % (30 * int(day), 140 - float(mm)) for day, mm in points),
            light), file=svg)
    print("</svg>", file=svg)
