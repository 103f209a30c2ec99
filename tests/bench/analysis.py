#!/usr/bin/python3 -B
"""What networks respond to, vectorised in PyTorch without a stored map, for group-analysis.

    analysis.py make FOLDER SIZE N   model, broden/: a random AlexNet, N made-up pictures; SIZE: mini or full
    analysis.py dissect FOLDER SIZE  prints the CPU seconds of thresholds and tally; writes theirs.npz
    analysis.py conflict FOLDER SIZE N   set/: N made-up pictures whose shape is what the model answers
    analysis.py ablate FOLDER SIZE LAYERS UNITS  prints the CPU seconds; writes theirs.tsv
    analysis.py check FOLDER         prints what Larder's iou.safetensors and theirs.npz differ in, if anything

Exit status 77: there is no PyTorch.
"""
import csv
import json
import os
import struct
import sys
import time

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), p) for p in ("../golden", "../twin")]
from make_alexnet_vectors import build, torch  # ends with 77 without

import numpy as np
import torch.nn.functional as F
from PIL import Image

CATEGORIES = {"color": 11, "object": 300, "part": 150, "texture": 40}
Q = 994 / 999


def labels_of():
    at, of = 1, {}
    for name, n in CATEGORIES.items():
        of[name] = list(range(at, at + n))
        at += n
    return of


def make(folder, full, n):
    torch.manual_seed(0)
    state = build(full, torch.float32).state_dict()
    head, at = {}, 0
    for k, v in state.items():
        head[k] = {"dtype": "F32", "shape": list(v.shape), "data_offsets": [at, at + 4 * v.numel()]}
        at += 4 * v.numel()
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    with open(folder + "/model", "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(v.numpy().tobytes() for v in state.values()))
    make_broden(folder + "/broden", 224 if full else 32, n)


def blobs(rng, side, numbers):
    """A map of labels: large patches, as photographs have them."""
    few = rng.choice(numbers, (4, 4))
    return np.kron(few, np.ones((side // 4, side // 4), int))


def make_broden(at, side, n):
    os.makedirs(at + "/images")
    rng, of = np.random.default_rng(1), labels_of()
    rows = ["image,split,ih,iw,sh,sw," + ",".join(CATEGORIES)]
    for i in range(n):
        coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3)).astype(np.uint8)).resize((side, side), Image.BICUBIC)
        noisy = np.asarray(coarse).astype(int) + rng.integers(-25, 26, (side, side, 3))
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save("%s/images/p%d.png" % (at, i))
        cells = []
        for c, numbers in of.items():
            if c == "texture":
                cells.append(str(rng.choice(numbers)))
                continue
            m = blobs(rng, side // 2, numbers)
            Image.fromarray(np.stack([m % 256, m // 256, 0 * m], -1).astype(np.uint8)).save("%s/images/p%d_%s.png" % (at, i, c))
            cells.append("p%d_%s.png" % (i, c))
        rows.append("p%d.png,train,%d,%d,%d,%d,%s" % (i, side, side, side // 2, side // 2, ",".join(cells)))
    files = {"index.csv": rows, "category.csv": ["name,first,last,count,frequency"] + ["%s,1,2,2,9" % c for c in of],
             "label.csv": ["number,name,category,frequency,coverage,syns"] +
             ["%d,n%d,%s(9),9,9,x" % (k, k, c) for c in of for k in of[c]]}
    for c in of:
        files["c_%s.csv" % c] = ["code,number,name,frequency,coverage"] + ["1,%d,n%d,9,9" % (k, k) for k in of[c]]
    for name, lines in files.items():
        with open(at + "/" + name, "w") as f:
            f.write("\n".join(lines) + "\n")


class Net:
    def __init__(self, folder, full):
        self.net = build(full, torch.float32).eval()
        with open(folder + "/model", "rb") as f:
            data = f.read()
        n, = struct.unpack("<Q", data[:8])
        state = {k: torch.from_numpy(np.frombuffer(data, "<f4", np.prod(t["shape"], dtype=int),
                                                   8 + n + t["data_offsets"][0]).reshape(t["shape"]).copy())
                 for k, t in json.loads(data[8:8 + n]).items()}
        self.net.load_state_dict(state)

    def __call__(self, x):
        """The maps behind each ReLU, the last of them where the layers that are dissected end."""
        maps, x = {}, self.net.normalise(x)
        for m in self.net.features:
            x = m(x)
            if isinstance(m, torch.nn.ReLU):
                maps["conv%d" % (len(maps) + 1)] = x
            if len(maps) == 5:
                return maps


def read(at, row):
    rgb = np.asarray(Image.open("%s/images/%s" % (at, row["image"])))
    return torch.from_numpy(rgb.copy()).permute(2, 0, 1).float() / 255


def batches(at, rows, size=32):
    for i in range(0, len(rows), size):
        yield rows[i:i + size], torch.stack([read(at, r) for r in rows[i:i + size]])


def thresholds(net, at, rows):
    """Of each unit the largest values so far, as many as lie above."""
    best, n = {}, {}
    for part, x in batches(at, rows):
        for name, a in net(x).items():
            v = a.transpose(0, 1).flatten(1)
            n[name] = n.get(name, 0) + v.shape[1]
            keep = int(len(rows) * v.shape[1] / len(part) * (1 - Q)) + 3
            v = torch.cat([best[name], v], 1) if name in best else v
            best[name] = v.topk(min(keep, v.shape[1]), 1).values
    out = {}
    for name, v in best.items():
        position = Q * n[name] - .5
        i = int(position)
        low, high = v[:, n[name] - 1 - i].double(), v[:, n[name] - 2 - i].double()
        out[name] = low + (position - i) * (high - low)
    return out


def dissect(folder, full):
    net, at = Net(folder, full), folder + "/broden"
    with open(at + "/index.csv") as f:
        rows = list(csv.DictReader(f))
    of = labels_of()
    total = sum(CATEGORIES.values()) + 1
    limits = thresholds(net, at, rows)
    both = {k: torch.zeros(len(v), total) for k, v in limits.items()}
    area = {k: torch.zeros(len(v), len(of)) for k, v in limits.items()}
    truth = torch.zeros(total)
    for part, x in batches(at, rows):
        maps = net(x)
        for i, row in enumerate(part):
            side, planes, whole = int(row["sh"]), [], []
            for c in of:
                if row[c].isdigit():
                    whole.append((list(of).index(c), int(row[c])))
                    truth[int(row[c])] += side * side
                else:
                    png = np.asarray(Image.open("%s/images/%s" % (at, row[c]))).astype(int)
                    there, m = np.unique(png[..., 0] + 256 * png[..., 1], return_inverse=True)
                    onehot = F.one_hot(torch.from_numpy(m.ravel()), len(there)).float()
                    planes.append((list(of).index(c), torch.from_numpy(there), onehot))
                    truth[planes[-1][1]] += onehot.sum(0)
            for name, a in maps.items():
                active = (a[i].flatten(1).amax(1) > limits[name]).nonzero()[:, 0]
                if len(active) == 0:
                    continue
                large = F.interpolate(a[i:i + 1, active], (side, side), mode="bilinear", align_corners=False)[0].flatten(1)
                mask = (large > limits[name][active, None]).float()
                n = mask.sum(1)
                for g, there, onehot in planes:
                    inside = mask @ onehot
                    both[name][active[:, None], there[None]] += inside
                    area[name][active, g] += n * (inside.sum(1) > 0)
                for g, k in whole:
                    both[name][active, k] += n
                    area[name][active, g] += n
    category = torch.tensor([g for g, c in enumerate(of) for _ in of[c]])
    return {k: (both[k][:, 1:] / (area[k][:, category] + truth[1:] - both[k][:, 1:] + 1e-10)).numpy() for k in both}


def check(folder):
    theirs = np.load(folder + "/theirs.npz")
    with open(folder + "/iou", "rb") as f:
        data = f.read()
    n, = struct.unpack("<Q", data[:8])
    for k, t in json.loads(data[8:8 + n]).items():
        if k == "__metadata__":
            continue
        ours = np.frombuffer(data, "<f4", np.prod(t["shape"], dtype=int), 8 + n + t["data_offsets"][0]).reshape(t["shape"])
        ours = ours[:, 1:]  # label 0 is none
        gap = np.abs(ours - theirs[k]).max()
        if gap > 1e-3 or theirs[k].max() < 1e-3:
            print("%s: %.3g" % (k, gap))


def conflict(folder, full, n):
    """Pictures that the model answers by their shape, since that is made the class."""
    from imageset import write_set
    net, side, rng = Net(folder, full).net, 224 if full else 32, np.random.default_rng(2)
    pictures = [np.asarray(Image.fromarray(rng.integers(0, 256, (8, 8, 3)).astype(np.uint8)).resize(
        (side, side), Image.BICUBIC)) for _ in range(n)]
    made = {}
    for i, v in enumerate(pictures):
        answer = int(whole(net, tensor(v)[None]).argmax())
        made["p%06d" % i] = v, answer, answer + 1 if answer == 0 else answer - 1
    write_set(folder + "/set", made)


def tensor(v):
    return torch.from_numpy(v.copy()).permute(2, 0, 1).float() / 255


def whole(net, x):
    return net.classifier(torch.flatten(net.features(net.normalise(x)), 1))


def ablate(folder, full, layers, units):
    """What follows each layer run again, a channel at 0 for the whole batch."""
    from imageset import read_set
    net = Net(folder, full).net
    x = torch.stack([tensor(v) for v in read_set(folder + "/set").pixels])
    old = whole(net, x).argmax(1)
    rows, seen, maps = ["layer\tunit\tshape\ttexture"], 0, net.normalise(x)
    for at, m in enumerate(net.features):
        maps = m(maps)
        if not isinstance(m, torch.nn.ReLU):
            continue
        seen += 1
        name = "conv%d" % seen
        if name not in layers:
            continue
        for unit in range(units or maps.shape[1]):
            y = maps.clone()
            y[:, unit] = 0
            for rest in net.features[at + 1:]:
                y = rest(y)
            changed = int((net.classifier(torch.flatten(y, 1)).argmax(1) != old).sum())
            rows.append("%s\t%d\t%d\t0" % (name, unit, changed))
    with open(folder + "/theirs.tsv", "w") as f:
        f.write("\n".join(rows) + "\n")


with torch.no_grad():
    torch.set_num_threads(1)
    if sys.argv[1] == "make":
        make(sys.argv[2], sys.argv[3] == "full", int(sys.argv[4]))
    elif sys.argv[1] == "dissect":
        start = time.process_time()
        iou = dissect(sys.argv[2], sys.argv[3] == "full")
        print(time.process_time() - start)
        np.savez(sys.argv[2] + "/theirs.npz", **iou)
    elif sys.argv[1] == "conflict":
        conflict(sys.argv[2], sys.argv[3] == "full", int(sys.argv[4]))
    elif sys.argv[1] == "ablate":
        start = time.process_time()
        ablate(sys.argv[2], sys.argv[3] == "full", sys.argv[4].split(","), int(sys.argv[5]))
        print(time.process_time() - start)
    else:
        check(sys.argv[2])
