#!/usr/bin/python3
"""Reference values for the networks, computed by PyTorch in double precision.

    make_network_vectors.py > network-vectors.tsv    write them (a few minutes)
    make_network_vectors.py --check                  compute some of them again and compare

The small AlexNet has its own (make_alexnet_vectors.py). Weights and pictures come from the
counter there. Tensor k of the state_dict, counts of batches left out, has at element j (u
as there) u sqrt(24 / fan in) if it has two dimensions or more, 0.1 u if it is a bias or a
running mean, else 1 + 0.2 u.
Small pictures are four, by the counter of k = 88: there no ReLU of these networks reads a
value so near 0 that single precision could take it for another sign, which would move
gradients by percents. In the full networks, with millions of values, some always do. So
each has vectors for these weights and pictures, "full", and for others, "steady", that
keep away from such points (steady(), Margins).
Columns: what, index, value. Pictures, taps and gradients are indexed as N x C x H x W.
"""
import math
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from make_alexnet_vectors import (attack, counter, cross_entropy, nn, np, pictures,
                                  row, rows, torch)  # ends with 77 without PyTorch
from networks import NETS, Net

F, ARCHS = nn.functional, ("googlenet", "resnet50")


def fill(net):
    k = 0
    with torch.no_grad():
        for name, p in net.state_dict().items():
            if name.endswith("num_batches_tracked"):
                continue
            u = counter(p.numel(), k).astype(np.float64) / 2**32 - .5
            if p.dim() > 1:
                u *= np.sqrt(24 / (p.numel() // p.shape[0]))
            elif name.endswith(("bias", "running_mean")):
                u *= .1
            else:
                u = 1 + .2 * u
            p.copy_(torch.from_numpy(u.astype(np.float32)).view(p.shape))
            k += 1
    return net.eval()


def build(arch, full, heads=False, dtype=torch.float64):
    return fill(NETS[arch](full, heads)).to(dtype)


def on_off(n, level):
    """Added to biases, this switches two channels of sixteen on for good, the others off."""
    return torch.tensor([level if c // 2 % 8 == 0 else -level for c in range(n)])


def oppose(w, axis):
    """Weights of channels 2 i + 1 are those of 2 i, negated."""
    if w.shape[axis] % 2 == 0:
        i = torch.arange(0, w.shape[axis], 2)
        w.index_copy_(axis, i + 1, -w.index_select(axis, i))


def steady(arch):
    """A full network in which no value is near a kink; with dropout, with heads."""
    net = fill(NETS[arch](True, True))
    with torch.no_grad():
        for name, m in net.named_modules():
            if isinstance(m, nn.Conv2d):
                oppose(m.weight, 1)
                if arch == "alexnet":
                    m.weight *= 2
                    m.bias += on_off(m.bias.numel(), 32.)
            elif isinstance(m, nn.BatchNorm2d):
                m.bias += on_off(m.bias.numel(), 8.)
                m.running_mean.zero_()
                m.running_var.zero_()
            elif name.endswith(".fc1"):
                m.bias += on_off(m.bias.numel(), 64.)
            elif name == "classifier.1":
                oppose(m.weight.view(m.weight.shape[0], 256, 36), 1)
                m.bias += on_off(m.bias.numel(), 256.)
            elif name == "classifier.4":
                oppose(m.weight, 1)
                m.bias += on_off(m.bias.numel(), 2048.)
            elif name == "classifier.6":
                oppose(m.weight, 1)
                m.weight /= 2048
    return net.double()


def noise(k, n):
    v = (counter(n * 3 * 224**2, k) % 256).astype(np.float32) / np.float32(255)
    return torch.from_numpy(v).double().view(n, 3, 224, 224)


# Pictures with wide margins: the best of fifty, ten and eight.
STEADY = {"googlenet": 249, "resnet50": 209, "alexnet": 207}


class Margins:
    """While entered: how near values come to 0 before a ReLU, and the largest of a
    maximum's window to the next, in units of the standard deviation. (A pool may read one
    value several times, behind another pool: its gradient ends in one place all the same.)"""
    def __enter__(self):
        self.relu = self.pool = math.inf
        self.was = F.relu, F.max_pool2d
        F.relu, F.max_pool2d = self.relu_of, self.pool_of
        return self

    def __exit__(self, *_):
        F.relu, F.max_pool2d = self.was

    def relu_of(self, x, inplace=False):
        dims = [0] + list(range(2, x.dim()))
        std = x.detach().std(dims if x.dim() > 2 else None).max()
        self.relu = min(self.relu, float(x.detach().abs().min() / std))
        return self.was[0](x)

    def pool_of(self, x, k, s, p=0, ceil_mode=False, **_):
        y = x.detach()
        on = y.amax((0, 2, 3)) > 0
        y = y[:, on]
        std = y.std()
        y = F.pad(y, (p, p + s, p, p + s), value=-math.inf)
        out = self.was[1](x, k, s, p, ceil_mode=ceil_mode)
        w = torch.stack([y[:, :, i:i + s * out.shape[2]:s, j:j + s * out.shape[3]:s]
                         [:, :, :out.shape[2], :out.shape[3]]
                         for i in range(k) for j in range(k)])
        gap = w.amax(0) - w
        self.pool = min(self.pool, float(gap[gap > 0].min() / std))
        return out


def some(n, k, many):
    return sorted(set((counter(many, 1000 + k).astype(np.int64) % n).tolist()))


def taps_rows(what, net, many):
    for k, (name, x) in enumerate(net.taps.items()):
        row("%s tap %s mean" % (what, name), 0, x.mean())
        rows("%s tap %s" % (what, name), x, some(x.numel(), k, many))


def evaluation_rows(what, net, x, y):
    x.requires_grad_(True)
    logits = net(x)
    rows("%s logits" % what, logits, some(logits.numel(), 99, 16))
    rows("%s logits" % what, logits, range(4))
    row("%s logits mean" % what, 0, logits.mean())
    row("%s logits std" % what, 0, logits.std())
    row("%s argmax" % what, 0, logits[0].argmax())
    taps_rows(what, net, 4)
    g, = torch.autograd.grad(F.cross_entropy(logits, y), x)
    rows("%s input gradient" % what, g, some(g.numel(), 98, 24))
    row("%s input gradient norm" % what, 0, g.norm())
    x.requires_grad_(False)


def attack_rows(what, net, x, y, radius, step):
    losses, _ = attack(net, x, y, radius, step, 7)
    rows("%s attack loss" % what, torch.stack([v.mean() for v in losses]))


class Flat(Net):
    """One linear: an attack on it meets no kink."""
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3072, 10)

    def forward(self, x):
        return self.fc(torch.flatten(self.normalise(x), 1))


def iterate_rows(what, net, x, y, radius, step):
    """The best iterate of attacks of 1 to 7 steps."""
    for t in range(1, 8):
        best = attack(net, x, y, radius, step, t)[1]
        rows("%s attack iterate %d" % (what, t), best, some(best.numel(), 97 + t, 12))


def loss_of(out, y):
    if not isinstance(out, tuple):
        return F.cross_entropy(out, y)
    main, aux1, aux2 = (F.cross_entropy(z, y) for z in out)
    return main + .3 * aux1 + .3 * aux2


def training_rows(what, net, x, y):
    """One step: momentum is then the gradient with the decay."""
    net.train()
    sgd = torch.optim.SGD(net.parameters(), .05, momentum=.9, weight_decay=5e-4)
    loss = loss_of(net(x), y)
    row("%s train loss" % what, 0, loss)
    loss.backward()
    row("%s train norm" % what, 0,
        torch.stack([p.grad.norm() for p in net.parameters()]).norm())
    sgd.step()
    for k, (name, p) in enumerate(net.named_parameters()):
        v = sgd.state[p]["momentum_buffer"]
        row("%s train momentum %s norm" % (what, name), 0, v.norm())
        rows("%s train momentum %s" % (what, name), v, some(v.numel(), k, 2))
        rows("%s train %s" % (what, name), p, some(p.numel(), k, 1))
    for k, (name, b) in enumerate(net.named_buffers()):
        rows("%s train %s" % (what, name), b.double(), some(b.numel(), k, 2))
    net.eval()


def steady_rows(arch, k):
    """Also what makes these vectors fit for comparison: their margins."""
    what, x, y = arch + " steady", noise(k, 2), torch.tensor([65, 3])
    net = steady(arch)
    with Margins() as m:
        training_rows(what, net, x, y)
    net = steady(arch).train()
    for norm in net.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.momentum = 1
    with torch.no_grad():
        net(x)
    with Margins() as e:
        evaluation_rows(what, net.eval(), x, y)
    if min(m.relu, e.relu) < .1 or min(m.pool, e.pool) < 3e-6:
        sys.exit("%s: the margins are %g, %g; %g, %g"
                 % (what, m.relu, e.relu, m.pool, e.pool))


def small_pictures(dtype=torch.float64):
    v = (counter(4 * 3072, 88) % 256).astype(np.float32) / np.float32(255)
    return torch.from_numpy(v).to(dtype).view(4, 3, 32, 32)


def labels(n):
    return torch.from_numpy((counter(n, 78) % 10).astype("int64"))


def check(path):
    """The logits of the small networks, in single precision."""
    with open(path, encoding="ascii") as f:
        lines = [line.rstrip("\n").split("\t") for line in f]
    n = 0
    for arch in ARCHS:
        have = build(arch, False, False, torch.float32)(small_pictures(torch.float32))
        for what, i, v in lines:
            if what != "%s mini logits" % arch:
                continue
            n += 1
            if abs(float(have.flatten()[int(i)]) - float(v)) > 1e-3 * max(1, abs(float(v))):
                print("%s %s: %s has %s" % (what, i, path, v))
                return 1
    print("%d values of %s are what PyTorch %s computes"
          % (n, os.path.basename(path), torch.__version__))
    return 0


if __name__ == "__main__":
    torch.set_num_threads(1)
    here = os.path.dirname(os.path.abspath(__file__))
    if "--check" in sys.argv[1:]:
        sys.exit(check(os.path.join(here, "network-vectors.tsv")))
    print("what\tindex\tvalue")
    for arch in ARCHS:
        net, x = build(arch, False), small_pictures()
        evaluation_rows(arch + " mini", net, x, labels(4))
        attack_rows(arch + " mini", net, x, labels(4), .75, .125)
        iterate_rows(arch + " mini", net, x, labels(4), .75, .125)
        training_rows(arch + " mini", net, x, labels(4))
        net, x = build(arch, True), pictures(True, 1)
        evaluation_rows(arch + " full", net, x, torch.tensor([65]))
        attack_rows(arch + " full", net, x, torch.tensor([65]), 3, .5)
    iterate_rows("flat mini", fill(Flat()).double(), small_pictures(), labels(4), .5, .125)
    for arch, k in STEADY.items():
        steady_rows(arch, k)
