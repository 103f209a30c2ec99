import json, os, sys
rows = [tuple(map(float, r.split(","))) for r in open(sys.argv[1]).read().split()]
k = sum(y for _, y in rows) / (sum(x for x, _ in rows) if sys.argv[2] == "linear" else len(rows))
os.makedirs(os.path.dirname(sys.argv[4]), exist_ok=True)
json.dump({"kind": sys.argv[2], "k": k, "rounds": int(sys.argv[3])}, open(sys.argv[4], "w"))
