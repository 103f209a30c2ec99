import os, re, sys
split = float(re.search(r"split: ([0-9.]+)", open("params.yaml").read()).group(1))
rows = open(sys.argv[1]).read().split("\n")[1:-1]
n = int(len(rows) * split)
os.makedirs(sys.argv[2], exist_ok=True)
open(sys.argv[2] + "/train.csv", "w").write("\n".join(rows[:n]) + "\n")
open(sys.argv[2] + "/test.csv", "w").write("\n".join(rows[n:]) + "\n")
