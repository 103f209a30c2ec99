"""figure MANIFEST OUT - counts against temperature, a colour a counter."""
import csv
import sys

COLOURS = ["#4477aa", "#cc6677", "#228833", "#aa3377"]
with open(sys.argv[1], newline="") as f:
    tables = [(r["counter"], r["path"]) for r in csv.DictReader(f, delimiter="\t")]
with open(sys.argv[2], "w") as out:
    print('<svg xmlns="http://www.w3.org/2000/svg" width="420" height="300">', file=out)
    for colour, (counter, path) in zip(COLOURS, tables):
        print('<g fill="%s"><title>%s</title>' % (colour, counter), file=out)
        with open(path, newline="") as f:
            for r in csv.DictReader(f, delimiter="\t"):
                print('<circle cx="%.1f" cy="%.1f" r="2"/>' % (
                    20 * float(r["temperature"]), 290 - int(r["count"]) / 2), file=out)
        print("</g>", file=out)
    print("</svg>", file=out)
