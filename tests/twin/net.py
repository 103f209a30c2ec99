"""The small networks under training: their first weights, the attack, a step of SGD."""
import json
import os
import struct
import sys

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden"))
from draws import Draws
from networks import NETS

CONV1 = {"alexnet": "features.0.weight", "googlenet": "conv1.conv.weight",
         "resnet50": "conv1.weight"}


def std_of(arch, name, shape):
    """He normal by fan-in, ResNet's convolutions by fan-out; AlexNet's last layer .01."""
    if name == "classifier.6.weight":
        return .01
    out = arch == "resnet50" and len(shape) == 4
    return np.sqrt(2. / (np.prod(shape[2:]) * shape[0 if out else 1]))


def initial(arch, seed):
    """Biases are 0; norms start as PyTorch's do, but for the last of a ResNet's block: 0."""
    p = NETS[arch](False).state_dict()
    for name, x in p.items():
        if x.dim() > 1:
            z = Draws("init", "", name, seed).normal(0, np.arange(x.numel()))
            values = (std_of(arch, name, x.shape) * z).astype(np.float32)
            p[name] = torch.tensor(values).view(x.shape)
        elif name.endswith((".bias", ".bn3.weight")):
            p[name] = torch.zeros_like(x)
    return p


def load(arch, p, precision=torch.float32):
    net = NETS[arch](False).to(precision)
    net.load_state_dict(p)
    return net.eval()


def loss_of(net, x, y):
    """Cross-entropy of each picture, in double precision from the logits on: in single
    precision a sure answer has the probability 1 and no gradient, and its attack stands
    still."""
    return F.cross_entropy(net(x).double(), y, reduction="none")


def attack(net, x0, y, radius, step, steps):
    """The L2 ascent of MadryLab/robustness; keeps the iterate of the highest loss."""
    net.eval()
    x, best, best_loss = x0.clone(), None, None
    norm = lambda d: d.flatten(1).norm(dim=1)[:, None, None, None]
    for i in range(steps + 1):
        x = x.detach().requires_grad_(i < steps)
        loss = loss_of(net, x, y)
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


def sgd_of(net, momentum):
    """The optimiser of a net, going on with this momentum, {} at the start."""
    sgd = torch.optim.SGD(net.parameters(), 1, momentum=.9, weight_decay=5e-4)
    for name, p in net.named_parameters():
        if momentum:
            sgd.state[p]["momentum_buffer"] = momentum[name].to(p.dtype, copy=True)
    return sgd


def update(net, sgd, x, y, rate):
    """A step in training mode; returns the loss before it."""
    net.train()
    sgd.zero_grad()
    loss = loss_of(net, x, y).mean()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 5)
    sgd.param_groups[0]["lr"] = rate
    sgd.step()
    return float(loss)


def read_safetensors(path):
    with open(path, "rb") as f:
        size, = struct.unpack("<Q", f.read(8))
        header = json.loads(f.read(size))
        data = f.read()
    p = {}
    for name, t in header.items():
        if name != "__metadata__":
            a, b = t["data_offsets"]
            dtype = {"F32": "<f4", "I64": "<i8"}[t["dtype"]]
            values = np.frombuffer(data[a:b], dtype).reshape(t["shape"])
            p[name] = torch.tensor(values)
    return p
