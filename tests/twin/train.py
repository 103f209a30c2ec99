#!/usr/bin/python3
"""A twin of `train` in PyTorch, fed the same draws, and the comparison of the two.

    LARDER_SEED=HEX train.py PROGRAMS WORK [--full]

PROGRAMS is the folder of Larder's programs, WORK one with the sets train, test and
conflict. Compared are the first 50 steps of S, and 20 steps of R at the whole radius from
trained S weights, in two ways:

- step by step: the twin takes Larder's weights and momentum before each step and does the
  step in double precision. The losses must agree to 1e-4 (S) and 1e-3 (R), relative. The
  change of the weights must agree to 1e-4 (S) and 1e-2 (R) of its norm in the median step,
  and to 1e-2 and 5e-2 in every one: one near-tie of a maximum decided the other way shows
  there, and an attack goes through seven nets of them.
- running free from the same start: reported beside a yardstick, the gap between the twin
  in single and in double precision, and at most ten times that. Near-ties that rounding
  decides the other way, and in R the many steps of an attack, make any two such runs part:
  by about 1e-3 (S) and 1e-2 (R).

With --full both nets are also trained by the twin to the end: clean and adversarial
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

BATCH, EPOCHS, EPS = 64, 30, .75
SEED = int(os.environ["LARDER_SEED"], 16)


def to_torch(pictures):
    return torch.from_numpy(np.ascontiguousarray(np.stack(pictures).transpose(0, 3, 1, 2)))


class Training:
    """One net under training; step() does what docs/training.md says."""

    def __init__(self, data, kind, start=None, peak=.02, warmup=.05, cosine=True,
                 ramp=(.15, .5)):
        self.data, self.kind, self.peak, self.cosine = data, kind, peak, cosine
        self.per_epoch = len(data.names) // BATCH
        self.T = self.per_epoch * EPOCHS
        self.rise = warmup * self.T
        self.ramp = ramp
        self.p = start if start is not None else net.initial(SEED)
        self.sgd = net.Sgd(self.p)
        self.precision = torch.float32

    def put(self, p, v, precision=torch.float32):
        """Goes on from these weights and this momentum."""
        self.precision = precision
        self.p = self.sgd.p = {k: x.to(precision) for k, x in p.items()}
        self.sgd.v = {k: x.to(precision) for k, x in v.items()}
        return self

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
            x = net.attack(self.p, x, y, r, r / 6, 7)
        p = {k: v.detach().requires_grad_() for k, v in self.p.items()}
        loss = net.loss_of(p, x, y).mean()
        gradients = dict(zip(p, torch.autograd.grad(loss, list(p.values()))))
        self.sgd.step(gradients, self.rate(t))
        return float(loss)


def larder(programs, name, *arguments, checkpoint=""):
    env = dict(os.environ, LARDER_THREADS="1", LARDER_CHECKPOINT=checkpoint)
    start = time.time()
    subprocess.run([os.path.join(programs, name), *arguments], check=True, env=env)
    return time.time() - start


def larder_train(programs, work, name, *arguments):
    """Trains unless a run before has left the model; returns the losses."""
    out = os.path.join(work, name)
    if not os.path.exists(out + "/model.safetensors"):
        os.makedirs(out, exist_ok=True)
        seconds = larder(programs, "train", "data=" + work + "/train",
                         "val=" + work + "/test", "curve=" + out + "/curve.tsv",
                         "epochs=" + out + "/epochs", "losses=" + out + "/losses.tsv",
                         "model=" + out + "/model.safetensors", *arguments)
        print("larder train %s: %.1f s" % (name, seconds), flush=True)
    return [float(row["loss"]) for row in table(out + "/losses.tsv")]


def larder_states(programs, work, steps, *arguments):
    """Weights and momentum of Larder's training after 1, 2, ... steps."""
    out = os.path.join(work, "states")
    for n in range(1, steps + 1):
        shutil.rmtree(out, ignore_errors=True)
        os.makedirs(out + "/checkpoint")
        larder(programs, "train", "data=" + work + "/train", "curve=" + out + "/curve.tsv",
               "epochs=" + out + "/epochs", "losses=" + out + "/losses.tsv",
               "model=" + out + "/model.safetensors", "--steps=%d" % n, *arguments,
               checkpoint=out + "/checkpoint")
        yield [net.read_safetensors(out + "/checkpoint/" + what + "-01.safetensors")
               for what in ("epoch", "momentum")]


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


def step_from(t, i, p, v, precision, after):
    """The loss of step i from a state, and how far the weights end from `after`, as a part
    of how far they moved."""
    loss = t.put(p, v, precision).step(i)
    apart = sum(float((t.p[k] - after[k]).square().sum()) for k in after)
    moved = sum(float((p[k] - after[k]).square().sum()) for k in after)
    return loss, math.sqrt(apart / moved)


def compare_steps(judge, what, programs, work, make, losses, steps, limits, *arguments):
    """make: a Training at the start; losses: Larder's."""
    t = make()
    p, v = t.p, {}
    double, single = [], []
    for i, (after, momentum) in enumerate(larder_states(programs, work, steps, *arguments)):
        double.append(step_from(t, i, p, v, torch.float64, after))
        single.append(step_from(t, i, p, v, torch.float32, after))
        p, v = after, momentum
    print("%s, step by step: gap of Larder to the twin in double, and in single" % what)
    for k, name in enumerate(["loss", "change"]):
        far = [[abs(x[0] / l - 1) if k == 0 else x[1] for x, l in zip(twin, losses)]
               for twin in (double, single)]
        print("  %-7s median %.2g  %.2g  largest %.2g  %.2g" %
              (name, np.median(far[0]), np.median(far[1]), max(far[0]), max(far[1])))
        judge.most("  largest " + name, far[0], limits[k])
        if k == 1:
            judge.most("  median " + name, [np.median(far[0])], limits[2])


def compare_free(judge, what, make, losses, steps, limit):
    single, double = make(), make()
    double.put(double.p, {}, torch.float64)
    a, b = [single.step(i) for i in range(steps)], [double.step(i) for i in range(steps)]
    ours, yardstick = gaps(losses, b), gaps(a, b)
    print("%s, running free: gap of Larder, and of the twin in single, to the twin in double" %
          what)
    for n in range(10, steps + 1, 10):
        print("  to step %2d  %.2g  %.2g" % (n, max(ours[:n]), max(yardstick[:n])))
    judge.most(what + ", running free, loss:", ours, max(limit, 10 * max(yardstick)))


# What an independent evaluation of a net gives.

def logits_of(p, pictures):
    return torch.cat([net.forward(p, to_torch(pictures[i:i + 100]))
                      for i in range(0, len(pictures), 100)])


def floats(data, n=None):
    return [(x.astype(np.float32) / np.float32(255)) for x in data.pixels[:n]]


def twin_measures(p, test, conflict):
    labels = torch.tensor(test.labels)
    with torch.no_grad():
        clean = (logits_of(p, floats(test)).argmax(1) == labels).double().mean()
        answer = logits_of(p, floats(conflict)).argmax(1).numpy()
    right = 0
    for i in range(0, 500, 100):
        x, y = to_torch(floats(test)[i:i + 100]), labels[i:i + 100]
        x = net.attack(p, x, y, EPS, EPS / 6, 7)
        with torch.no_grad():
            right += int((net.forward(p, x).argmax(1) == y).sum())
    apart = conflict.labels != conflict.textures
    shape = int((answer == conflict.labels)[apart].sum())
    texture = int((answer == conflict.textures)[apart].sum())
    w = p["features.0.weight"].numpy().astype(np.float64)
    tv = np.abs(np.diff(w, axis=2)).sum() + np.abs(np.diff(w, axis=3)).sum()
    return {"clean": 100 * float(clean), "adversarial": right / 5,
            "shape": 100 * shape / (shape + texture), "tv": tv / w.shape[0]}


def larder_measures(programs, work, name):
    out = os.path.join(work, name)
    model = "model=" + out + "/model.safetensors"
    larder(programs, "classify", model, "set=" + work + "/test", "record=" + out + "/top1.tsv")
    larder(programs, "attack", model, "set=" + work + "/test", "record=" + out + "/adv.tsv",
           "--take=500")
    larder(programs, "cue", model, "set=" + work + "/conflict", "answers=" + out + "/cue.tsv")
    larder(programs, "kernel-tv", model, "tv=" + out + "/tv.tsv")

    def share(rows):
        return 100 * sum(r["label"] == r["predicted"] for r in rows) / len(rows)
    answers = [r["answer"] for r in table(out + "/cue.tsv")]
    shape, texture = answers.count("shape"), answers.count("texture")
    return {"clean": share(table(out + "/top1.tsv")), "adversarial": share(table(out + "/adv.tsv")),
            "shape": 100 * shape / (shape + texture),
            "tv": float(table(out + "/tv.tsv")[0]["mean_tv"])}


def larder_match(programs, work):
    """S at the epoch whose clean accuracy is nearest to R's, as the net S-matched."""
    out = os.path.join(work, "S-matched")
    os.makedirs(out, exist_ok=True)
    larder(programs, "match", "s-curve=" + work + "/S/curve.tsv",
           "s-epochs=" + work + "/S/epochs", "r-curve=" + work + "/R/curve.tsv",
           "model=" + out + "/model.safetensors", "match=" + out + "/match.tsv")
    return larder_measures(programs, work, "S-matched")


def twin_match(epochs, clean_r, test):
    """The same among the twin's weights after each epoch."""
    labels = torch.tensor(test.labels)
    far = []
    for p in epochs:
        with torch.no_grad():
            right = (logits_of(p, floats(test)).argmax(1) == labels).double().mean()
        far.append(abs(100 * float(right) - clean_r))
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


def print_ranges(ours, twin):
    for what, low, high, measure in RANGES:
        ends = "at least %g" % low if high in (100, math.inf) else "%g to %g" % (low, high)
        a, b = measure(ours), measure(twin)
        print("%-28s larder %7.2f  twin %7.2f  range %-13s %s" %
              (what, a, b, ends, "inside" if low <= a <= high else "OUTSIDE"), flush=True)


def compare_whole(judge, programs, work, train, test, conflict):
    larder_train(programs, work, "R", "--kind=R")
    epochs, all_ours, all_twin = {}, {}, {}
    for kind in "SR":
        t = Training(train, kind)
        epochs[kind] = []
        start = time.time()
        for i in range(t.T):
            t.step(i)
            if (i + 1) % t.per_epoch == 0:
                epochs[kind].append({k: v.clone() for k, v in t.p.items()})
        print("twin train %s: %.1f s" % (kind, time.time() - start))
        twin = all_twin[kind] = twin_measures(t.p, test, conflict)
        same = all_ours[kind] = larder_measures(programs, work, kind)
        again = twin_measures(net.read_safetensors(work + "/" + kind + "/model.safetensors"),
                              test, conflict)
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
    all_ours["S-matched"] = larder_match(programs, work)
    all_twin["S-matched"] = twin_measures(
        twin_match(epochs["S"], all_twin["R"]["clean"], test), test, conflict)
    print_ranges(all_ours, all_twin)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("programs")
    parser.add_argument("work")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    o = parser.parse_args()
    torch.set_num_threads(o.threads)
    train, test, conflict = (read_set(o.work + "/" + s) for s in ("train", "test", "conflict"))
    judge = Judge()

    ours = larder_train(o.programs, o.work, "S", "--kind=S")
    make = lambda: Training(train, "S")
    compare_free(judge, "S from the start", make, ours, 50, 1e-4)
    compare_steps(judge, "S from the start", o.programs, o.work, make, ours, 50,
                  (1e-4, 1e-2, 1e-4))

    model = o.work + "/S/model.safetensors"
    options = ["--kind=R", "start=" + model, "--schedule=constant", "--warmup=0", "--lr=0.004",
               "--ramp-start=0", "--ramp-end=0"]
    ours = larder_train(o.programs, o.work, "R20", "--steps=20", *options)
    make = lambda: Training(train, "R", net.read_safetensors(model), .004, 0, False, (0, 0))
    compare_free(judge, "R at the whole radius", make, ours, 20, 1e-3)
    compare_steps(judge, "R at the whole radius", o.programs, o.work, make, ours, 20,
                  (1e-3, 5e-2, 1e-2), *options)

    if o.full:
        compare_whole(judge, o.programs, o.work, train, test, conflict)
    sys.exit(1 if judge.failed else 0)


if __name__ == "__main__":
    main()
