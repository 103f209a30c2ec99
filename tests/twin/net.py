"""The small AlexNet, its weights, its attack and its optimiser, written again in PyTorch."""
import json
import struct

import numpy as np
import torch
import torch.nn.functional as F

from draws import Draws

# name, out, in, kernel, stride, pad, maximum pooling after it
CONVS = [("features.0", 24, 3, 7, 2, 3, True), ("features.3", 64, 24, 5, 1, 2, True),
         ("features.6", 96, 64, 3, 1, 1, False), ("features.8", 64, 96, 3, 1, 1, False),
         ("features.10", 64, 64, 3, 1, 1, True)]
LINEARS = [("classifier.1", 128, 256), ("classifier.4", 128, 128), ("classifier.6", 10, 128)]


def initial(seed):
    """He normal by fan-in, the last layer N(0, .01), biases 0."""
    w = {}
    for name, out, into, k, _, _, _ in CONVS:
        w[name] = ((out, into, k, k), np.sqrt(2. / (into * k * k)))
    for name, out, into in LINEARS:
        w[name] = ((out, into), .01 if name == "classifier.6" else np.sqrt(2. / into))
    p = {}
    for name, (shape, std) in w.items():
        key = name + ".weight"
        n = int(np.prod(shape))
        values = std * Draws("init", "", key, seed).normal(0, np.arange(n))
        p[key] = torch.tensor(values.reshape(shape).astype(np.float32))
        p[name + ".bias"] = torch.zeros(shape[0])
    return p


def forward(p, x):
    """x: N x 3 x 32 x 32, 0..1. Returns N x 10 logits."""
    x = (x - .5) / .25
    for name, _, _, _, stride, pad, pool in CONVS:
        x = F.relu(F.conv2d(x, p[name + ".weight"], p[name + ".bias"], stride, pad))
        if pool:
            x = F.max_pool2d(x, 3, 2, 1)
    x = x.flatten(1)
    for name, _, _ in LINEARS:
        x = F.linear(x, p[name + ".weight"], p[name + ".bias"])
        if name != "classifier.6":
            x = F.relu(x)
    return x


def loss_of(p, x, y):
    """Cross-entropy of each picture, in double precision from the logits on: in single
    precision a sure answer has the probability 1 and no gradient, and its attack stands
    still."""
    return F.cross_entropy(forward(p, x).double(), y, reduction="none")


def attack(p, x0, y, radius, step, steps):
    """The L2 ascent of MadryLab/robustness; keeps the iterate of the highest loss."""
    x, best, best_loss = x0.clone(), None, None
    norm = lambda d: d.flatten(1).norm(dim=1)[:, None, None, None]
    for i in range(steps + 1):
        x = x.detach().requires_grad_(i < steps)
        loss = loss_of(p, x, y)
        if best is None:
            best, best_loss = x.detach().clone(), loss.detach().clone()
        else:
            better = loss.detach() > best_loss
            best[better] = x.detach()[better]
            best_loss[better] = loss.detach()[better]
        if i == steps:
            return best
        g, = torch.autograd.grad(loss.mean(), x)
        with torch.no_grad():
            d = x + step * g / (norm(g) + 1e-10) - x0
            n = norm(d)
            d = torch.where(n > radius, d * (radius / (n + 1e-7)), d)
            x = (x0 + d).clamp(0, 1)


class Sgd:
    """torch.optim.SGD, written out, with the gradient's norm clipped first."""

    def __init__(self, p, momentum=.9, weight_decay=5e-4, clip=5.):
        self.p, self.momentum, self.weight_decay, self.clip = p, momentum, weight_decay, clip
        self.v = {}

    def step(self, gradients, rate):
        norm = torch.stack([g.norm() for g in gradients.values()]).norm()
        scale = min(1., self.clip / (float(norm) + 1e-6))
        for name, g in gradients.items():
            d = g * scale + self.weight_decay * self.p[name]
            v = d if name not in self.v else self.momentum * self.v[name] + d
            self.v[name] = v
            self.p[name] = self.p[name] - rate * v


def read_safetensors(path):
    with open(path, "rb") as f:
        size, = struct.unpack("<Q", f.read(8))
        header = json.loads(f.read(size))
        data = f.read()
    p = {}
    for name, t in header.items():
        if name != "__metadata__":
            a, b = t["data_offsets"]
            values = np.frombuffer(data[a:b], dtype="<f4").reshape(t["shape"])
            p[name] = torch.tensor(values.copy())
    return p
