#!/usr/bin/python3
"""A twin of `train` in PyTorch, fed the same draws, and the comparison of the two.

    train.py PROGRAMS WORK [--full]

PROGRAMS is the folder of Larder's programs, WORK one with the sets train, test and
conflict. Without --full: the loss of the first 50 steps of S (to 1e-4, relative) and of 20
steps of R at the whole radius from trained S weights (to 1e-3). With it both nets are also
trained by the twin to the end: clean and adversarial accuracy and shape share must agree
within 5 points, the total variation of conv1 within 10 %.
"""
import argparse
import csv
import math
import os
import subprocess
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

import augment
import net
from imageset import read_set

BATCH, EPOCHS, EPS, SEED = 64, 30, .75, 20210401


def to_torch(pictures):
    return torch.from_numpy(np.ascontiguousarray(np.stack(pictures).transpose(0, 3, 1, 2)))


class Training:
    """One net under training; step() does what docs/training.md says."""

    def __init__(self, data, kind, start=None, peak=.04, warmup=.05, cosine=True,
                 ramp=(.15, .5)):
        self.data, self.kind, self.peak, self.cosine = data, kind, peak, cosine
        self.per_epoch = len(data.names) // BATCH
        self.T = self.per_epoch * EPOCHS
        self.rise = warmup * self.T
        self.ramp = ramp
        self.p = start if start is not None else net.initial(SEED)
        self.sgd = net.Sgd(self.p)

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
        if i == 0:
            self.order = augment.order(SEED, epoch, len(self.data.names))
        picked = self.order[i * BATCH:(i + 1) * BATCH]
        x = []
        for k in picked:
            pixels = self.data.pixels[k]
            height, width, _ = pixels.shape
            crop = augment.crop_of(self.data.names[k], SEED, epoch, width, height)
            x.append(augment.sample(pixels, crop))
        return to_torch(x), torch.tensor(self.data.labels[picked])

    def step(self, t):
        x, y = self.batch(t)
        r = self.radius(t)
        if r > 0:
            x = net.attack(self.p, x, y, r, r / 6, 7)
        p = {k: v.detach().requires_grad_() for k, v in self.p.items()}
        loss = F.cross_entropy(net.forward(p, x), y)
        gradients = dict(zip(p, torch.autograd.grad(loss, list(p.values()))))
        self.sgd.step(gradients, self.rate(t))
        return float(loss)


def larder(programs, name, *arguments):
    env = dict(os.environ, LARDER_SEED="%016x" % SEED, LARDER_THREADS="1",
               OMP_NUM_THREADS="1")
    env.pop("LARDER_CHECKPOINT", None)
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


def table(path):
    with open(path, newline="") as f:
        return list(csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE))


class Judge:
    def __init__(self):
        self.failed = False

    def losses(self, what, ours, twin, limit):
        gaps = [abs(a - b) / abs(b) for a, b in zip(ours, twin)]
        worst = int(np.argmax(gaps))
        bad = not len(ours) >= len(twin) or not gaps[worst] <= limit
        self.failed |= bad
        print("%s: %d steps, largest relative gap of the loss %.2g at step %d (limit %g) %s" %
              (what, len(twin), gaps[worst], worst, limit, "TOO FAR" if bad else "ok"))
        print("  first and last: larder %.6f %.6f, twin %.6f %.6f" %
              (ours[0], ours[len(twin) - 1], twin[0], twin[-1]), flush=True)

    def value(self, what, ours, twin, gap, limit, unit):
        bad = not gap <= limit
        self.failed |= bad
        print("%-28s larder %7.2f  twin %7.2f  apart %5.2f %s (limit %g) %s" %
              (what, ours, twin, gap, unit, limit, "TOO FAR" if bad else "ok"), flush=True)


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


def compare_whole(judge, programs, work, train, test, conflict):
    larder_train(programs, work, "R", "--kind=R")
    for kind in "SR":
        t = Training(train, kind)
        start = time.time()
        for i in range(t.T):
            t.step(i)
        print("twin train %s: %.1f s" % (kind, time.time() - start))
        twin = twin_measures(t.p, test, conflict)
        same = larder_measures(programs, work, kind)
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
    t = Training(train, "S")
    judge.losses("S from the start", ours, [t.step(i) for i in range(50)], 1e-4)

    model = o.work + "/S/model.safetensors"
    ours = larder_train(o.programs, o.work, "R20", "--kind=R", "start=" + model, "--steps=20",
                        "--schedule=constant", "--warmup=0", "--lr=0.004", "--ramp-start=0",
                        "--ramp-end=0")
    t = Training(train, "R", net.read_safetensors(model), .004, 0, False, (0, 0))
    judge.losses("R at the whole radius", ours, [t.step(i) for i in range(20)], 1e-3)

    if o.full:
        compare_whole(judge, o.programs, o.work, train, test, conflict)
    sys.exit(1 if judge.failed else 0)


if __name__ == "__main__":
    main()
