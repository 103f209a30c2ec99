#!/usr/bin/python3
"""A twin of `train` in PyTorch, fed the same draws, and the comparison of the two.

    LARDER_SEED=HEX train.py PROGRAMS WORK [--full] [--arch NAME]

PROGRAMS is the folder of Larder's programs, WORK one with the sets train, test and
conflict. Without --arch every network has its turn. Compared are the first 50 steps of S,
and 20 steps of R at the whole radius from trained S weights, in two ways:

- step by step: the twin takes Larder's weights and momentum before each step and does the
  step in double precision. The losses must agree to 1e-4 (S) and 1e-3 (R), relative. The
  change of the weights, and that of the running means and variances, must agree to 1e-4
  (S) and 1e-2 (R) of its norm in the median step, and to 1e-2 and 5e-2 in every one, or to
  three times the gap between the twin in single and in double precision where that is more:
  each near-tie of a maximum and each value near a ReLU's 0 that rounding decides the other
  way shows there. Behind batch norms every step has some, and an attack goes through seven
  nets of them.
- running free from the same start: reported beside a yardstick, the gap between the twin
  in single and in double precision, and at most ten times that. Near-ties that rounding
  decides the other way, and in R the many steps of an attack, make any two such runs part
  (docs/training.md has by how much), so this is the weaker judgement.

With --full S and R are also trained by the twin to the end: clean and adversarial
accuracy and shape share must agree within 5 points, the total variation of conv1 within
10 %. Then Larder and the twin are held against the ranges in which a world like this one
lies; a value outside is a reason to look, and fails nothing.
"""
import argparse
import csv
import math
import os
import shutil
import subprocess
import sys
import time

import numpy as np
import torch

import augment
import net
from imageset import read_set

BATCH, EPS = 64, .75
# Of recipes/paper.yaml: the epochs and the highest learning rate.
RECIPE = {"alexnet": (30, .02), "googlenet": (12, .03), "resnet50": (16, .05)}
SEED = int(os.environ["LARDER_SEED"], 16)


def to_torch(pictures):
    return torch.from_numpy(np.ascontiguousarray(np.stack(pictures).transpose(0, 3, 1, 2)))


class Training:
    """One net under training; step() does what docs/training.md says."""

    def __init__(self, data, arch, kind, start=None, peak=None, warmup=.05, cosine=True,
                 ramp=(.15, .5)):
        epochs, usual_peak = RECIPE[arch]
        self.data, self.arch, self.kind = data, arch, kind
        self.peak, self.cosine, self.ramp = peak or usual_peak, cosine, ramp
        self.per_epoch = len(data.names) // BATCH
        self.T = self.per_epoch * epochs
        self.rise = warmup * self.T
        self.put(start or net.initial(arch, SEED), {})

    def put(self, p, v, precision=torch.float32):
        """Goes on from these weights and this momentum."""
        self.precision = precision
        self.net = net.load(self.arch, p, precision)
        self.sgd = net.sgd_of(self.net, v)
        return self

    def state(self):
        return {k: x.clone() for k, x in self.net.state_dict().items()}

    def rate(self, t):
        rate = self.peak * (min(1., (t + 1) / self.rise) if self.rise else 1.)
        return rate * (1 + math.cos(math.pi * t / self.T)) / 2 if self.cosine else rate

    def radius(self, t):
        start, end = self.ramp[0] * self.T, self.ramp[1] * self.T
        if self.kind == "S" or t < start:
            return 0.
        return EPS if t >= end else EPS * (t - start) / (end - start)

    def batch(self, t):
        epoch, i = divmod(t, self.per_epoch)
        order = augment.order(SEED, epoch, len(self.data.names))
        picked = order[i * BATCH:(i + 1) * BATCH]
        x = []
        for k in picked:
            pixels = self.data.pixels[k]
            height, width, _ = pixels.shape
            crop = augment.crop_of(self.data.names[k], SEED, epoch, width, height)
            x.append(augment.sample(pixels, crop))
        return to_torch(x).to(self.precision), torch.tensor(self.data.labels[picked])

    def step(self, t):
        x, y = self.batch(t)
        r = self.radius(t)
        if r > 0:
            x = net.attack(self.net, x, y, r, r / 6, 7)
        return net.update(self.net, self.sgd, x, y, self.rate(t))


class Larder:
    """Larder's programs for one network, and the folder for what they leave."""

    def __init__(self, programs, sets, arch):
        self.programs, self.sets, self.arch = programs, sets, arch

    def path(self, *names):
        return os.path.join(self.sets, self.arch, *names)

    def run(self, name, *arguments, checkpoint=""):
        env = dict(os.environ, LARDER_THREADS="1", LARDER_CHECKPOINT=checkpoint)
        subprocess.run([os.path.join(self.programs, name), *arguments], check=True, env=env)

    def run_train(self, name, inputs, options, checkpoint=""):
        out = self.path(name)
        os.makedirs(out, exist_ok=True)
        epochs, peak = RECIPE[self.arch]
        options = {"arch": self.arch, "epochs": epochs, "lr": peak, **options}
        self.run("train", "data=" + self.sets + "/train", *inputs,
                 "curve=" + out + "/curve.tsv", "epochs=" + out + "/epochs",
                 "losses=" + out + "/losses.tsv",
                 "model=" + out + "/model.safetensors",
                 *("--%s=%s" % option for option in options.items()), checkpoint=checkpoint)

    def train(self, name, inputs=(), **options):
        """Trains unless a run before has left the model; returns the losses."""
        if not os.path.exists(self.path(name, "model.safetensors")):
            start = time.time()
            self.run_train(name, ["val=" + self.sets + "/test", *inputs], options)
            print("larder train %s: %.1f s" % (name, time.time() - start), flush=True)
        return [float(row["loss"]) for row in table(self.path(name, "losses.tsv"))]

    def states(self, steps, inputs=(), **options):
        """Weights and momentum after 1, 2, ... steps."""
        folder = self.path("states", "checkpoint")
        for n in range(1, steps + 1):
            shutil.rmtree(self.path("states"), ignore_errors=True)
            os.makedirs(folder)
            self.run_train("states", inputs, {"steps": n, **options}, folder)
            yield [net.read_safetensors(os.path.join(folder, what + "-01.safetensors"))
                   for what in ("epoch", "momentum")]

    def measures(self, name):
        top1, adversarial, cue, tv = (
            self.path(name, file) for file in ("top1.tsv", "adv.tsv", "cue.tsv", "tv.tsv"))
        model = "model=" + self.path(name, "model.safetensors")
        test = "set=" + self.sets + "/test"
        self.run("classify", model, test, "record=" + top1)
        self.run("attack", model, test, "record=" + adversarial,
                 "pictures=" + adversarial + ".d", "--take=500")
        self.run("cue", model, "set=" + self.sets + "/conflict", "answers=" + cue)
        self.run("kernel-tv", model, "tv=" + tv)

        def share(rows):
            return 100 * sum(r["label"] == r["predicted"] for r in rows) / len(rows)
        answers = [r["answer"] for r in table(cue)]
        shape, texture = answers.count("shape"), answers.count("texture")
        return {"clean": share(table(top1)), "adversarial": share(table(adversarial)),
                "shape": 100 * shape / (shape + texture), "tv": float(table(tv)[0]["mean_tv"])}

    def match(self):
        """S at the epoch whose clean accuracy is nearest to R's, as the net S-matched."""
        os.makedirs(self.path("S-matched"), exist_ok=True)
        self.run("match", "s-curve=" + self.path("S", "curve.tsv"),
                 "s-epochs=" + self.path("S", "epochs"),
                 "r-curve=" + self.path("R", "curve.tsv"),
                 "model=" + self.path("S-matched", "model.safetensors"),
                 "match=" + self.path("S-matched", "match.tsv"))
        return self.measures("S-matched")


def table(path):
    with open(path, newline="") as f:
        return list(csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE))


class Judge:
    def __init__(self):
        self.failed = False

    def most(self, what, gaps, limit):
        worst = int(np.argmax(gaps))
        bad = not gaps[worst] <= limit
        self.failed |= bad
        print("%-42s largest %.2g, at step %d of %d (limit %g) %s" %
              (what, gaps[worst], worst, len(gaps), limit, "TOO FAR" if bad else "ok"),
              flush=True)

    def value(self, what, ours, twin, gap, limit, unit):
        bad = not gap <= limit
        self.failed |= bad
        print("%-28s larder %7.2f  twin %7.2f  apart %5.2f %s (limit %g) %s" %
              (what, ours, twin, gap, unit, limit, "TOO FAR" if bad else "ok"), flush=True)


def gaps(ours, twin):
    return [abs(a - b) / abs(b) for a, b in zip(ours, twin)]


def change(before, other, after, names):
    """How far a step ends from `after`, as a part of how far that step led."""
    apart = sum(float((other[k] - after[k]).square().sum()) for k in names)
    return math.sqrt(apart / sum(float((before[k] - after[k]).square().sum()) for k in names))


def step_from(t, i, p, v, precision):
    """The loss of step i from a state, and the state after it."""
    loss = t.put(p, v, precision).step(i)
    return loss, t.state()


def compare_steps(judge, what, make, states, losses, limits):
    """make: a Training at the start; states, losses: Larder's; limits: of the loss, of a
    change and of the median change."""
    t = make()
    p, v = t.state(), {}
    parts = {"weights": list(dict(t.net.named_parameters())),
             "statistics": [k for k in p if ".running_" in k]}
    # of each step: Larder to the twin in double, and the twin in single to it
    far = {name: [] for name in ["loss", *(part for part in parts if parts[part])]}
    for i, (after, momentum) in enumerate(states):
        loss, double = step_from(t, i, p, v, torch.float64)
        loss_single, single = step_from(t, i, p, v, torch.float32)
        far["loss"].append((abs(losses[i] / loss - 1), abs(loss_single / loss - 1)))
        for part in list(far)[1:]:
            far[part].append([change(p, q, double, parts[part]) for q in (after, single)])
        p, v = after, momentum
    print("%s, step by step: gap of Larder, and of the twin in single, to the twin in double" %
          what)
    for name, pairs in far.items():
        ours, yardstick = np.transpose(pairs)
        print("  %-10s median %.2g  %.2g  largest %.2g  %.2g" %
              (name, np.median(ours), np.median(yardstick), max(ours), max(yardstick)))
        if name == "loss":
            judge.most("  largest loss", ours, limits[0])
        else:
            judge.most("  largest " + name, ours, max(limits[1], 3 * max(yardstick)))
            judge.most("  median " + name, [np.median(ours)],
                       max(limits[2], 3 * np.median(yardstick)))


def compare_free(judge, what, make, losses, steps, limit):
    single, double = make(), make()
    double.put(double.state(), {}, torch.float64)
    a, b = [single.step(i) for i in range(steps)], [double.step(i) for i in range(steps)]
    ours, yardstick = gaps(losses, b), gaps(a, b)
    print("%s, running free: gap of Larder, and of the twin in single, to the twin in double" %
          what)
    for n in 1, 2, 5, 10, 20, 50:
        if n <= steps:
            print("  to step %2d  %.2g  %.2g" % (n, max(ours[:n]), max(yardstick[:n])))
    judge.most(what + ", running free, loss:", ours, max(limit, 10 * max(yardstick)))


# What an independent evaluation of a net gives.

def logits_of(model, pictures):
    return torch.cat([model(to_torch(pictures[i:i + 100]))
                      for i in range(0, len(pictures), 100)])


def floats(data, n=None):
    return [(x.astype(np.float32) / np.float32(255)) for x in data.pixels[:n]]


def clean_of(model, test):
    with torch.no_grad():
        right = logits_of(model, floats(test)).argmax(1) == torch.tensor(test.labels)
    return 100 * float(right.double().mean())


def twin_measures(arch, p, test, conflict):
    model = net.load(arch, p)
    with torch.no_grad():
        answer = logits_of(model, floats(conflict)).argmax(1).numpy()
    right = 0
    for i in range(0, 500, 100):
        x, y = to_torch(floats(test)[i:i + 100]), torch.tensor(test.labels[i:i + 100])
        x = net.attack(model, x, y, EPS, EPS / 6, 7)
        with torch.no_grad():
            right += int((model(x).argmax(1) == y).sum())
    apart = conflict.labels != conflict.textures
    shape = int((answer == conflict.labels)[apart].sum())
    texture = int((answer == conflict.textures)[apart].sum())
    w = p[net.CONV1[arch]].numpy().astype(np.float64)
    tv = np.abs(np.diff(w, axis=2)).sum() + np.abs(np.diff(w, axis=3)).sum()
    return {"clean": clean_of(model, test), "adversarial": right / 5,
            "shape": 100 * shape / (shape + texture), "tv": tv / w.shape[0]}


def twin_match(arch, epochs, clean_r, test):
    """Among the twin's weights after each epoch those whose clean accuracy is nearest."""
    far = [abs(clean_of(net.load(arch, p), test) - clean_r) for p in epochs]
    return epochs[int(np.argmin(far))]


# What, where it should lie, and how it follows from the measures of S, R and S-matched.
RANGES = [
    ("clean S", 78, 92, lambda m: m["S"]["clean"]),
    ("adversarial S", 0, 18, lambda m: m["S"]["adversarial"]),
    ("adversarial R - S", 15, 100, lambda m: m["R"]["adversarial"] - m["S"]["adversarial"]),
    ("shape share S", 17, 35, lambda m: m["S"]["shape"]),
    ("shape share R", 40, 65, lambda m: m["R"]["shape"]),
    ("shape share R - S", 15, 100, lambda m: m["R"]["shape"] - m["S"]["shape"]),
    ("shape share R - S-matched", 8, 100,
     lambda m: m["R"]["shape"] - m["S-matched"]["shape"]),
    ("conv1 TV S / R", 1.5, math.inf, lambda m: m["S"]["tv"] / m["R"]["tv"]),
]


def print_ranges(arch, ours, twin):
    for what, low, high, measure in RANGES:
        if arch == "googlenet" and low == 1.5:
            low = 1
        ends = "at least %g" % low if high in (100, math.inf) else "%g to %g" % (low, high)
        a, b = measure(ours), measure(twin)
        print("%-28s larder %7.2f  twin %7.2f  range %-13s %s" %
              (what, a, b, ends, "inside" if low <= a <= high else "OUTSIDE"), flush=True)


def compare_whole(judge, larder, train, test, conflict):
    arch = larder.arch
    larder.train("R", kind="R")
    epochs, all_ours, all_twin = {}, {}, {}
    for kind in "SR":
        t = Training(train, arch, kind)
        epochs[kind] = []
        start = time.time()
        for i in range(t.T):
            t.step(i)
            if (i + 1) % t.per_epoch == 0:
                epochs[kind].append(t.state())
        print("twin train %s: %.1f s" % (kind, time.time() - start), flush=True)
        twin = all_twin[kind] = twin_measures(arch, t.state(), test, conflict)
        same = all_ours[kind] = larder.measures(kind)
        model = net.read_safetensors(larder.path(kind, "model.safetensors"))
        again = twin_measures(arch, model, test, conflict)
        for key, what in [("clean", "clean accuracy"), ("adversarial", "adversarial accuracy"),
                          ("shape", "shape share")]:
            judge.value(kind + " " + what, same[key], twin[key], abs(same[key] - twin[key]), 5,
                        "points")
            judge.value(kind + " " + what + ", one net", same[key], again[key],
                        abs(same[key] - again[key]), .5, "points")
        gap = 100 * abs(same["tv"] / twin["tv"] - 1)
        judge.value(kind + " conv1 TV", same["tv"], twin["tv"], gap, 10, "%")
        gap = 100 * abs(same["tv"] / again["tv"] - 1)
        judge.value(kind + " conv1 TV, one net", same["tv"], again["tv"], gap, .01, "%")
    all_ours["S-matched"] = larder.match()
    all_twin["S-matched"] = twin_measures(
        arch, twin_match(arch, epochs["S"], all_twin["R"]["clean"], test), test, conflict)
    print_ranges(arch, all_ours, all_twin)


def compare(judge, larder, train, test, conflict, full):
    print("-- %s" % larder.arch, flush=True)
    ours = larder.train("S", kind="S")
    make = lambda: Training(train, larder.arch, "S")
    compare_free(judge, "S from the start", make, ours, 50, 1e-4)
    compare_steps(judge, "S from the start", make, larder.states(50, kind="S"), ours,
                  (1e-4, 1e-2, 1e-4))

    model = larder.path("S", "model.safetensors")
    inputs = ["start=" + model]
    options = {"kind": "R", "lr": .004, "schedule": "constant", "warmup": 0, "ramp-start": 0,
               "ramp-end": 0}
    ours = larder.train("R20", inputs, steps=20, **options)
    make = lambda: Training(train, larder.arch, "R", net.read_safetensors(model), .004, 0,
                            False, (0, 0))
    compare_free(judge, "R at the whole radius", make, ours, 20, 1e-3)
    compare_steps(judge, "R at the whole radius", make, larder.states(20, inputs, **options),
                  ours, (1e-3, 5e-2, 1e-2))
    if full:
        compare_whole(judge, larder, train, test, conflict)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("programs")
    parser.add_argument("work")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--arch", choices=RECIPE)
    parser.add_argument("--threads", type=int, default=1)
    o = parser.parse_args()
    torch.set_num_threads(o.threads)
    train, test, conflict = (read_set(o.work + "/" + s) for s in ("train", "test", "conflict"))
    judge = Judge()
    for arch in [o.arch] if o.arch else RECIPE:
        compare(judge, Larder(o.programs, o.work, arch), train, test, conflict, o.full)
    sys.exit(1 if judge.failed else 0)


if __name__ == "__main__":
    main()
