import json, sys
rows = [tuple(map(float, r.split(","))) for r in open(sys.argv[1] + "/test.csv").read().split()]
out = {}
for kind in ("linear", "constant"):
    m = json.load(open("%s/%s.json" % (sys.argv[2], kind)))
    out[kind] = sum(abs(y - m["k"] * (x if kind == "linear" else 1)) for x, y in rows) / len(rows)
json.dump(out, open(sys.argv[3], "w"))
