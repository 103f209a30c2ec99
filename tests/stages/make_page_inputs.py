"""make_page_inputs.py records|provenance RECIPES - what the page of a paper is made from,
small and invented, in the current folder: records, models and their lists, then the
origin of what was computed from them."""

import hashlib
import json
import os
import re
import struct
import sys

ARCHS = ["alexnet", "googlenet", "resnet50"]  # all three of the same records and models
NETS = ["S", "S-matched", "R"]
# What the page shows whose content matters; all else is a copy of something.
TABLES = {"table-2": "table-2.tsv", "table-4": "table-4.tsv", "table-sin-cue": "table-2.tsv"}
DATA = {"table-1": "pairs-1.tsv", "table-2": "pairs-2.tsv", "table-3": "pairs-1.tsv", "table-sin": "pairs-1.tsv",
        "table-sin-cue": "pairs-2.tsv", "filter-pairs": "filter-pairs.tsv", "claims": "verdicts.tsv",
        "claims-published": "verdicts.tsv", "train-sin": "curve-S.tsv", "train-segmenter": "curve-S.tsv",
        "train@kind=S": "curve-S.tsv", "train@kind=R": "curve-R.tsv", "tried": "tried.tsv",
        "worlds": "match.tsv", "worlds-clean": "match.tsv"}
FILES = ["tried", "worlds", "worlds-clean"]  # of the user's own, called by their paths

def model(arch, net):
    return f"match@arch={arch}.model" if net == "S-matched" else f"train@arch={arch},kind={net}.model"


def put(path, lines):
    with open(path, "w", encoding="utf-8") as f:
        f.write("".join(line + "\n" for line in lines))


def chance(*words):
    """A number in [0, 1) that follows from the words."""
    text = " ".join(map(str, words)).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:4], "big") / 2**32


def put_records():
    right = {"S": (.88, .1), "S-matched": (.72, .12), "R": (.72, .35)}
    shape = {"S": (.18, .5), "S-matched": (.2, .47), "R": (.3, .29)}
    lists = {"1": ["stage\tarch\tnet\tpath"], "2": ["arch\tnet\tpath"], "4": ["arch\tnet\tpath"]}
    for i, (stage, n) in enumerate([("clean", 300), ("adversarial", 100)]):
        for net in NETS:
            rows = ["image\tlabel\tpredicted\tp\tp_label"]
            for k in range(n):
                hit = chance(stage, net, k) < right[net][i]
                rows.append(f"test-{k:06}\t{k % 10}\t{(k + (not hit)) % 10}\t0.5\t0.5")
            put(f"{stage}-{net}.tsv", rows)
            lists["1"] += [f"{stage}\t{a}\t{net}\t{stage}-{net}.tsv" for a in ARCHS]
    for net in NETS:
        rows = ["image\tshape\ttexture\tpredicted\tanswer"]
        for k in range(240):
            u = chance("cue", net, k)
            answer = "shape" if u < shape[net][0] else "texture" if u < sum(shape[net]) else "other"
            rows.append(f"conflict-{k:06}\t0\t1\t2\t{answer}")
        put(f"cue-{net}.tsv", rows)
        lists["2"] += [f"{a}\t{net}\tcue-{net}.tsv" for a in ARCHS]
        put(f"tv-{net}.tsv", ["layer\tkernel\tfilters\tmean_tv\ttv_over_l1\tisotropic\tall_filters",
                              f"network\t7\t312\t{40 + len(net)}.5\t1.25\t30\t44"])
        lists["4"] += [f"{a}\t{net}\ttv-{net}.tsv" for a in ARCHS]
    for name, rows in lists.items():
        put(f"list-{name}", rows)


def put_model(path, filters, channels=3, side=3):
    values = [v for f in filters for v in f]
    header = json.dumps({"features.0.weight": {
        "dtype": "F32", "shape": [len(filters), channels, side, side],
        "data_offsets": [0, 4 * len(values)]}}, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(header)) + header + struct.pack(f"<{len(values)}f", *values))


def put_models():
    s = [[chance("s", i, k) - .5 for k in range(27)] for i in range(9)]
    r = [[chance("r", i, k) - .5 for k in range(27)] for i in range(9)]
    r[1] = [2 * v + 1 for v in s[0]]  # another size, the same order
    put_model("s.safetensors", s)
    put_model("r.safetensors", r)
    put_model("odd.safetensors", [[.1] * 12], 3, 2)


def put_lists():
    for kind in "SR":
        put(f"curve-{kind}.tsv", ["epoch\tlr\tradius\tloss\taccuracy\tclean\tcorrect\tpictures"] + [
            f"{e}\t0.04\t{0 if kind == 'S' else 0.75:g}\t{2.3 / e:.6g}\t0.5\t0.5\t150\t300"
            for e in range(1, 31)])
    put("verdicts.tsv", ["id\tstatement\there\tunit\tverdict\twhy\tfrom"] + [
        f"C{i}\tR is better than S, or so they say\t{i}\t\t{v}\t\t"
        for i, v in enumerate(("holds", "unsure", "fails", "not judged"))])
    put("match.tsv", ["epoch\tclean_matched\tclean_r\tclean_s", "7\t0.71\t0.72\t0.88"])
    for kind, known, other in (("table", TABLES, "table-1.tsv"), ("figure", {}, "figure-2.png"),
                               ("data", DATA, "match.tsv")):
        put_list(kind, known, other)


def references(kind):
    """What the page shows of a kind, each once, as a stage and its axes."""
    with open(PAGE, encoding="utf-8") as f:
        text = f.read()
    names = re.findall(r"\]\(<?%s:([^)>]+)>?\)" % kind, text)
    if kind == "data":
        names += [n.split("/")[0] for n in re.findall(r"\]\(<?count:([^)>]+)>?\)", text)]
    found = []
    for name in names:
        stage, _, axes = name.partition("@")
        item = stage, tuple(sorted(tuple(a.split("=")) for a in axes.split(",") if a))
        if item not in found:
            found.append(item)
    return found


def put_list(kind, known, other):
    items = references(kind)
    axes = sorted({a for _, values in items for a, _ in values})
    rows = ["\t".join(["stage", *axes, "path"])]
    for stage, values in items:
        path = known.get(stage, other)
        for a, v in values:
            path = known.get("%s@%s=%s" % (stage, a, v), path)
        own = "./%s.tsv" % stage if stage in FILES else stage
        rows.append("\t".join([own, *[dict(values).get(a, "") for a in axes], path]))
    put("list-%ss" % kind if kind != "data" else "list-data", rows)


def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def name(text):
    return hashlib.sha256(text.encode()).hexdigest()


def put_provenance():
    rows = ["step\tfield\tname\tvalue"]

    def step(who, program, inputs, outputs):
        rows.append(f"{who}\tkey\tkey\tsha256:{name('key ' + who)}")
        rows.append(f"{who}\tprogram\t{program}\tsha256:{name('program ' + program)}")
        rows.append(f"{who}\toption\tbatch\t64")
        rows.append(f"{who}\tseed\tLARDER_SEED\t6b86b273ff34fce1")
        for port, what, origin in inputs:
            rows.append(f"{who}\tinput\t{port}\tsha256:{what} {origin}")
        for port, what in outputs:
            rows.append(f"{who}\toutput\t{port}\tsha256:{what} file")

    images = [("images", name("images"), "import.images")] + [
        ("textures", name(f"texture {i}"), f"import.textures[pattern={i}]") for i in range(20)]
    step("compose@split=train", "compose", images, [("set", name("set"))])
    for arch in ARCHS:
        for kind in "SR":
            step(f"train@arch={arch},kind={kind}", "train",
                 [("data", name("set"), "compose@split=train.set")],
                 [("curve", digest(f"curve-{kind}.tsv")), ("model", name("model " + kind))])
        step(f"match@arch={arch}", "match", [], [("match", digest("match.tsv")),
                                                 ("model", name("model S-matched"))])
        for net in NETS:
            for stage, file in (("clean", "clean"), ("adversarial", "adversarial"),
                                ("cue", "cue"), ("kernel-tv", "tv")):
                step(f"{stage}@arch={arch},net={net}", stage,
                     [("model", name("model " + net), model(arch, net))],
                     [("record", digest(f"{file}-{net}.tsv"))])
        step(f"filter-pairs@arch={arch}", "pair-filters", [],
             [("pairs", digest("filter-pairs.tsv"))])
        step(f"figure-2@arch={arch}", "filters", [("font", name("font"), "import.font")],
             [("figure", digest("figure-2.png"))])
    for i in (1, 2, 4):
        step(f"table-{i}", "tabulate", [], [("pairs", digest(f"pairs-{i}.tsv")),
                                            ("table", digest(f"table-{i}.tsv"))])
    for other, _ in references("table"):
        if other not in ("table-1", "table-2", "table-4", "table-sin-cue"):
            step(other, "tabulate", [], [("table", digest("table-1.tsv"))])
    step("table-sin-cue", "tabulate", [], [("table", digest("table-2.tsv"))])
    put("provenance.tsv", rows)


PAGE = sys.argv[2] + "/page-mini.md"
if sys.argv[1] == "records":
    put_records()
    put_models()
    put_lists()
    with open(sys.argv[2] + "/tried.tsv", encoding="utf-8") as tried:
        put("tried.tsv", tried.read().splitlines())
else:
    put_provenance()
