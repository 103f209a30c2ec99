#!/usr/bin/python3
"""Reference values for both AlexNets, computed by PyTorch in double precision.

    make_alexnet_vectors.py > alexnet-vectors.tsv    write them (a minute)
    make_alexnet_vectors.py --check                  compute ten of them again and compare

Weights and pictures come from a counter, so nothing large is stored. Parameter k of a
network, in the order of its state_dict, has at element j
    h = (2654435761 j + 2246822519 k) mod 2^32;  h ^= h >> 15
    h = 2246822507 h mod 2^32;                   h ^= h >> 13;  u = h / 2^32 - 0.5
and there a weight is u sqrt(24 / fan in), a bias 0.1 u, both rounded to float32. Value i of
the pictures, counted as N x C x H x W, is ((31 i) mod 255) / 255 for the full network and
((h of k = 77, j = i) mod 256) / 255 for the small one.
Columns: what, index, value. Pictures and gradients are indexed as N x C x H x W.
"""
import hashlib
import math
import os
import sys

SKIP = 77
try:
    import numpy as np
    import torch
    from torch import nn
except ImportError:
    print("skipped: this needs Debian's python3-torch and python3-numpy")
    sys.exit(SKIP)

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from networks import AlexNet, M32


def counter(n, k):
    with np.errstate(over="ignore"):
        h = np.arange(n, dtype=np.uint32) * np.uint32(2654435761)
        h += np.uint32((2246822519 * k) % 2**32)
        h ^= h >> np.uint32(15)
        h *= np.uint32(2246822507)
        h ^= h >> np.uint32(13)
    return h


def build(full, dtype=torch.float64):
    net = AlexNet(full)
    with torch.no_grad():
        for k, p in enumerate(net.parameters()):
            u = counter(p.numel(), k).astype(np.float64) / 2**32 - .5
            u *= np.sqrt(24 / (p.numel() // p.shape[0])) if p.dim() > 1 else .1
            p.copy_(torch.from_numpy(u.astype(np.float32)).view(p.shape))
    return net.eval().to(dtype)


def pictures(full, n, dtype=torch.float64):
    side = 224 if full else 32
    i = np.arange(n * 3 * side * side, dtype=np.int64)
    v = (31 * i) % 255 if full else counter(i.size, 77) % 256
    v = v.astype(np.float32) / np.float32(255)
    return torch.from_numpy(v).to(dtype).view(n, 3, side, side)


def row(what, index, value):
    print("%s\t%d\t%.9g" % (what, index, float(value)))


def rows(what, values, indices=None):
    values = values.detach().flatten()
    for i in range(values.numel()) if indices is None else indices:
        row(what, i, values[i])


def cross_entropy(net, x, y):
    return nn.functional.cross_entropy(net(x), y, reduction="none")


def attack(net, x0, y, radius, step, steps):
    """The losses at each iterate, and the iterate of the highest loss of each picture."""
    x, best, best_loss, losses = x0, None, None, []
    for t in range(steps + 1):
        x = x.detach().requires_grad_(True)
        loss = cross_entropy(net, x, y)
        losses.append(loss.detach())
        if best is None:
            best, best_loss = x.detach().clone(), loss.detach().clone()
        else:
            up = loss.detach() > best_loss
            best[up], best_loss[up] = x.detach()[up], loss.detach()[up]
        if t == steps:
            return losses, best
        g, = torch.autograd.grad(loss.mean(), x)
        with torch.no_grad():
            norm = lambda v: v.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
            x = x + step * (g / (norm(g) + 1e-10))
            d = x - x0
            n = norm(d)
            d = torch.where(n > radius, d * (radius / (n + 1e-7)), d)
            x = (x0 + d).clamp(0, 1)


def some(n, k):
    """Eight places out of n, by counter."""
    return sorted(set((counter(8, 1000 + k).astype(np.int64) % n).tolist()))


def mini_rows():
    n = 4
    net, x = build(False), pictures(False, n)
    y = torch.tensor([3, 1, 9, 0])
    x.requires_grad_(True)
    loss = cross_entropy(net, x, y)
    rows("mini logits", net(x))
    rows("mini loss", loss)
    g, = torch.autograd.grad(loss.mean(), x)
    rows("mini input gradient", g, some(g.numel(), 0) + some(g.numel(), 1))
    rows("mini input gradient norm", g.flatten(1).norm(dim=1))
    losses, best = attack(net, x.detach(), y, .75, .125, 7)
    rows("mini attack loss", torch.stack(losses))
    rows("mini attack", best, some(best.numel(), 2))
    rows("mini attack distance", (best - x).flatten(1).norm(dim=1))
    for clip, lr in ((0, .0005), (.5, .04)):
        net = build(False)
        sgd = torch.optim.SGD(net.parameters(), lr, momentum=.9, weight_decay=5e-4)
        for step in range(3):
            sgd.zero_grad()
            loss = cross_entropy(net, x.detach(), y).mean()
            loss.backward()
            row("mini sgd clip %g loss" % clip, step, loss)
            if clip:
                row("mini sgd clip norm", step,
                    nn.utils.clip_grad_norm_(net.parameters(), clip))
            sgd.step()
        for k, (name, p) in enumerate(net.named_parameters()):
            rows("mini sgd clip %g %s" % (clip, name), p, some(p.numel(), 3 + k))


def full_rows():
    net, x = build(True), pictures(True, 1)
    logits = net(x)
    rows("full logits", logits, range(10))
    row("full logits mean", 0, logits.mean())
    row("full logits std", 0, logits.std())
    for i in range(5):
        row("full tap mean", i, net.taps["conv%d" % (i + 1)].mean())
    y = torch.tensor([65])
    x.requires_grad_(True)
    g, = torch.autograd.grad(cross_entropy(net, x, y).mean(), x)
    row("full input gradient norm", 0, g.norm())
    losses, best = attack(net, x.detach(), y, 3, .5, 7)
    rows("full attack loss", torch.stack(losses))


def init_rows():
    """The first weights of the small network, seed 0: stages/kit/draws.h, in words of its own."""
    key = hashlib.sha256(b"imgset\ninit\n\nfeatures.0.weight\n").digest()
    k0, k1 = (int.from_bytes(key[i:i + 4], "little") for i in (0, 4))
    for index in range(8):
        c, k = [index, 0, 0, 0], [k0, k1]
        for _ in range(10):
            p, q = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
            c = [q >> 32 ^ c[1] ^ k[0], q & M32, p >> 32 ^ c[3] ^ k[1], p & M32]
            k = [(k[0] + 0x9E3779B9) & M32, (k[1] + 0xBB67AE85) & M32]
        u, v = (((c[i] >> 5) * 2**26 + (c[i + 1] >> 6)) / 2**53 for i in (0, 2))
        normal = math.sqrt(-2 * math.log(1 - u)) * math.cos(2 * math.pi * v)
        row("init features.0.weight", index, math.sqrt(2 / 147) * normal)


def check(path):
    """Ten logits of the file, in single precision; the first that differs ends it."""
    with open(path, encoding="ascii") as f:
        lines = [line.rstrip("\n").split("\t") for line in f]
    want = {int(i): float(v) for what, i, v in lines if what == "mini logits"}
    have = build(False, torch.float32)(pictures(False, 4, torch.float32)).flatten()
    for i in range(0, 40, 4):
        if abs(float(have[i]) - want[i]) > 1e-4 * max(1, abs(want[i])):
            print("logit %d: %s has %.9g, PyTorch computes %.9g"
                  % (i, path, want[i], float(have[i])))
            return 1
    print("ten values of %s are what PyTorch %s computes"
          % (os.path.basename(path), torch.__version__))
    return 0


if __name__ == "__main__":
    torch.set_num_threads(1)
    if "--check" in sys.argv[1:]:
        here = os.path.dirname(os.path.abspath(__file__))
        sys.exit(check(os.path.join(here, "alexnet-vectors.tsv")))
    print("what\tindex\tvalue")
    init_rows()
    mini_rows()
    full_rows()
