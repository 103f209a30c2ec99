#!/usr/bin/python3 -B
"""What networks respond to and what their channels are needed for, in PyTorch, for group-analysis.

    analysis.py make FOLDER SIZE N       model, broden/: a random AlexNet, N made-up pictures; SIZE: mini or full
    analysis.py conflict FOLDER SIZE N   set/: N made-up pictures whose shape is what the model answers
    analysis.py dissect FOLDER SIZE WAY  prints the CPU seconds of thresholds and tally; writes WAY.npz
    analysis.py ablate FOLDER SIZE LAYERS UNITS WAY  prints the CPU seconds; writes WAY.tsv
    analysis.py check FOLDER WAY         prints what Larder's iou.safetensors and WAY.npz differ in, if anything

WAY is vectorised: as one writes it, with batches, and no map kept; or tuned: with maps
kept, only the places that count, and batches of several channels. Exit status 77: there is no PyTorch.
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

CATEGORIES = {"color": 11, "object": 300, "part": 150, "texture": 40} # of the made-up pictures
Q = 994 / 999
ROWS = 128  # of a batch of several channels


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


class Broden:
    def __init__(self, at):
        self.at = at
        with open(at + "/index.csv") as f:
            self.rows = list(csv.DictReader(f))
        with open(at + "/category.csv") as f:
            self.categories = [row["name"] for row in csv.DictReader(f)]
        with open(at + "/label.csv") as f:
            rows = list(csv.DictReader(f))
        self.labels = 1 + max(int(row["number"]) for row in rows)
        self.category = torch.zeros(self.labels, dtype=torch.long)
        for row in rows:
            self.category[int(row["number"])] = self.categories.index(row["category"].split("(")[0])
        self.side = int(self.rows[0]["sh"])

    def png(self, name):
        return np.asarray(Image.open(self.at + "/images/" + name))

    def batches(self, size=32):
        for i in range(0, len(self.rows), size):
            part = self.rows[i:i + size]
            yield part, torch.stack([tensor(self.png(row["image"])) for row in part])

    def cells(self, row):
        """Of a picture: the label of all of it, or those of its pixels."""
        for c in self.categories:
            for cell in filter(None, row[c].split(";")):
                if cell.isdigit():
                    yield int(cell), None
                else:
                    png = self.png(cell).astype(np.int64)
                    yield 0, png[..., 0] + 256 * png[..., 1]


def tensor(v):
    return torch.from_numpy(v.copy()).permute(2, 0, 1).float() / 255


def thresholds(net, broden):
    """Of each unit the largest values so far, as many as lie above."""
    best, n = {}, {}
    for part, x in broden.batches():
        for name, a in net(x).items():
            v = a.transpose(0, 1).flatten(1)
            n[name] = n.get(name, 0) + v.shape[1]
            keep = int(len(broden.rows) * v.shape[1] / len(part) * (1 - Q)) + 3
            v = torch.cat([best[name], v], 1) if name in best else v
            best[name] = v.topk(min(keep, v.shape[1]), 1).values
    out = {}
    for name, v in best.items():
        position = Q * n[name] - .5
        i = int(position)
        low, high = v[:, n[name] - 1 - i].double(), v[:, n[name] - 2 - i].double()
        out[name] = low + (position - i) * (high - low)
    return out


class Tally:
    def __init__(self, broden, units):
        self.both = torch.zeros(units, broden.labels)
        self.area = torch.zeros(units, len(broden.categories))


def dissect(folder, full, way):
    net, broden = Net(folder, full), Broden(folder + "/broden")
    limits = thresholds(net, broden)
    limits = {k: v.float() for k, v in limits.items()}
    tallies = {k: Tally(broden, len(v)) for k, v in limits.items()}
    truth = torch.zeros(broden.labels)
    count = count_tuned if way == "tuned" else count_vectorised
    for part, x in broden.batches():
        cells = [list(broden.cells(row)) for row in part]
        for label, m in (c for row in cells for c in row):
            if m is None:
                truth[label] += broden.side ** 2
            else:
                truth += torch.from_numpy(np.bincount(m.ravel(), minlength=broden.labels))
        for name, a in net(x).items():
            count(tallies[name], broden, a, limits[name], cells)
    out = {}
    for k, t in tallies.items():
        out[k] = (t.both / (t.area[:, broden.category] + truth - t.both + 1e-10)).numpy()[:, 1:]
    return out


def count_vectorised(t, broden, a, limit, cells):
    """Picture by picture: all channels that reach their threshold, enlarged at once."""
    side = broden.side
    for i, row in enumerate(cells):
        active = (a[i].flatten(1).amax(1) > limit).nonzero()[:, 0]
        if len(active) == 0:
            continue
        large = F.interpolate(a[i:i + 1, active], (side, side), mode="bilinear", align_corners=False)[0].flatten(1)
        mask = (large > limit[active, None]).float()
        n = mask.sum(1)
        met = torch.zeros(len(active), len(broden.categories), dtype=torch.bool)
        for label, m in row:
            if m is None:
                t.both[active, label] += n
                met[n > 0, broden.category[label]] = True
                continue
            there, at = np.unique(m, return_inverse=True)
            inside = mask @ F.one_hot(torch.from_numpy(at.ravel()), len(there)).float()
            there = torch.from_numpy(there)
            t.both[active[:, None], there[None]] += inside
            kinds = F.one_hot(broden.category[there], len(broden.categories)).float()
            kinds[there == 0] = 0
            met |= inside @ kinds > 0
        t.area[active] += n[:, None] * met


def spread(n, side):
    """For each cell between two values of a map the pixels in it (-1: none), and the weight of the second."""
    at = ((torch.arange(side) + .5) * n / side - .5).clamp(0)
    cell = at.long()
    pixels = torch.full((n, int(torch.bincount(cell).max())), -1)
    for k in range(n):
        here = (cell == k).nonzero()[:, 0]
        pixels[k, :len(here)] = here
    return pixels, at - cell


def count_tuned(t, broden, a, limit, cells):
    """The whole batch: a pixel lies above only where one of the four values around it does."""
    N, C, H, W = a.shape
    side = broden.side
    pad = F.pad(a, (0, 1, 0, 1), mode="replicate")
    i, u, y, x = (F.max_pool2d(pad, 2, 1) > limit[:, None, None]).nonzero(as_tuple=True)
    (rows, wy), (columns, wx) = spread(H, side), spread(W, side)
    rows, columns = rows[y], columns[x]
    wy, wx = wy[rows], wx[columns]
    left = torch.lerp(pad[i, u, y, x][:, None], pad[i, u, y + 1, x][:, None], wy)
    right = torch.lerp(pad[i, u, y, x + 1][:, None], pad[i, u, y + 1, x + 1][:, None], wy)
    value = torch.lerp(left[:, :, None], right[:, :, None], wx[:, None])
    value[(rows < 0)[:, :, None] | (columns < 0)[:, None]] = -float("inf")
    k, r, c = (value > limit[u][:, None, None]).nonzero(as_tuple=True)
    pixel, i, u = rows[k, r] * side + columns[k, c], i[k], u[k]
    pair = i * C + u
    n = torch.bincount(pair, minlength=N * C).view(N, C).float()
    flat = t.both.view(-1)
    met = torch.zeros(N, C, len(broden.categories), dtype=torch.bool)
    for j, row in enumerate(cells):
        for label, m in row:
            if m is None:
                t.both[:, label] += n[j]
                met[j, :, broden.category[label]] |= n[j] > 0
    for p in range(max(sum(m is not None for _, m in row) for row in cells)):
        maps = torch.zeros(N, side * side, dtype=torch.long)
        for j, row in enumerate(cells):
            for m in [m for _, m in row if m is not None][p:p + 1]:
                maps[j] = torch.from_numpy(m.ravel())
        label = maps.view(-1)[i * side * side + pixel]
        flat += torch.bincount(u * broden.labels + label, minlength=len(flat))
        met.view(N * C, -1)[pair[label > 0], broden.category[label[label > 0]]] = True
    t.area += (n[..., None] * met).sum(0)


def check(folder, way):
    theirs = np.load(folder + "/" + way + ".npz")
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


def whole(net, x):
    return net.classifier(torch.flatten(net.features(net.normalise(x)), 1))


def ablate(folder, full, layers, units, way):
    from imageset import read_set
    net = Net(folder, full).net
    conflict = read_set(folder + "/set")
    x = torch.stack([tensor(v) for v in conflict.pixels])
    old = torch.cat([whole(net, part) for part in x.split(ROWS)]).argmax(1)
    shape, texture = torch.from_numpy(conflict.labels), torch.from_numpy(conflict.textures)
    by = (old == shape).long() + 2 * (old == texture).long()
    x, old, by = x[(by == 1) | (by == 2)], old[(by == 1) | (by == 2)], by[(by == 1) | (by == 2)]
    rows, seen = ["layer\tunit\tshape\ttexture"], 0
    maps = torch.cat([net.normalise(part) for part in x.split(ROWS)])
    for at, m in enumerate(net.features):
        if way == "tuned":
            maps = torch.cat([m(part) for part in maps.split(ROWS)])
        if not isinstance(m, torch.nn.ReLU):
            continue
        seen += 1
        name = "conv%d" % seen
        if name not in layers:
            continue
        n = units or net.features[at - 1].weight.shape[0]
        new = needed_tuned(net, at, maps, n, old) if way == "tuned" else needed_vectorised(net, m, x, n)
        for unit in range(n):
            moved = new[unit] != old
            rows.append("%s\t%d\t%d\t%d" % (name, unit, (moved & (by == 1)).sum(), (moved & (by == 2)).sum()))
    with open(folder + "/" + way + ".tsv", "w") as f:
        f.write("\n".join(rows) + "\n")


def needed_vectorised(net, relu, x, units):
    """The network run again for each channel, which a hook makes 0: no map is kept."""
    new = []
    for unit in range(units):
        def cut(module, read, out):
            out[:, unit] = 0
        hook = relu.register_forward_hook(cut)
        new.append(torch.cat([whole(net, part) for part in x.split(ROWS)]).argmax(1))
        hook.remove()
    return new


def needed_tuned(net, at, maps, units, old):
    """What follows the layer run again from kept maps, several channels in a batch, where a channel is not 0."""
    new = old.repeat(units, 1)
    unit, picture = (maps[:, :units].flatten(2).amax(2) > 0).T.nonzero(as_tuple=True)
    for u, k in zip(unit.split(ROWS), picture.split(ROWS)):
        y = maps[k]
        y[torch.arange(len(k)), u] = 0
        y = torch.flatten(net.features[at + 1:](y), 1)
        new[u, k] = net.classifier(y).argmax(1)
    return new


with torch.no_grad():
    torch.set_num_threads(1)
    if sys.argv[1] == "make":
        make(sys.argv[2], sys.argv[3] == "full", int(sys.argv[4]))
    elif sys.argv[1] == "dissect":
        start = time.process_time()
        iou = dissect(sys.argv[2], sys.argv[3] == "full", sys.argv[4])
        print(time.process_time() - start)
        np.savez(sys.argv[2] + "/" + sys.argv[4] + ".npz", **iou)
    elif sys.argv[1] == "conflict":
        conflict(sys.argv[2], sys.argv[3] == "full", int(sys.argv[4]))
    elif sys.argv[1] == "ablate":
        start = time.process_time()
        ablate(sys.argv[2], sys.argv[3] == "full", sys.argv[4].split(","), int(sys.argv[5]), sys.argv[6])
        print(time.process_time() - start)
    else:
        check(sys.argv[2], sys.argv[3])
