#!/usr/bin/python3
"""The peer of bench_nn: the same steps of the same network in PyTorch.

    bench_nn.py ARCH mini|full BATCH THREADS nchw|channels_last

prints what bench_nn prints, without the last column; `bench_nn.py version` a note of what
computes. Exit status 77: there is no PyTorch.

Masks of dropouts are made beforehand, the same as Larder draws in each step.
"""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../golden"))
sys.dont_write_bytecode = True
import make_alexnet_vectors
import make_network_vectors
import networks
from make_alexnet_vectors import counter, np, torch  # ends with 77 without

F = torch.nn.functional


def network(arch, full):
    if arch != "alexnet":
        return make_network_vectors.build(arch, full, full, torch.float32)
    if full:
        return make_network_vectors.fill(networks.AlexNet(True)).float()
    return make_alexnet_vectors.build(False, torch.float32)


def calm(net):
    """Or else sums of blocks grow a thousandfold in evaluation, and rounding with them."""
    with torch.no_grad():
        for name, p in net.named_parameters():
            if name.endswith(".bn3.weight"):
                p /= 8


def mask(drop, x):
    """In place of Drop.forward."""
    if not drop.training:
        return x
    if not hasattr(drop, "mask"):
        made = [drop.factors(i, x[0].numel()) for i in range(x.shape[0])]
        drop.mask = torch.tensor(made, dtype=x.dtype).view(x.shape)
    return x * drop.mask


def quicken(net):
    """As torchvision's networks are: ReLUs in place, nothing kept of a layer."""
    F.relu = lambda x, inplace=True: torch.relu_(x)
    networks.Net.tap = lambda self, name, x: x
    networks.Drop.forward = mask
    for m in net.modules():
        if isinstance(m, torch.nn.ReLU):
            m.inplace = True


class Bench:
    def __init__(self, arch, full, batch, layout):
        form = torch.channels_last if layout == "channels_last" else torch.contiguous_format
        side = 224 if full else 32
        self.radius, self.length = (3, .5) if full else (.75, .125)
        self.net = network(arch, full).to(memory_format=form)
        calm(self.net)
        quicken(self.net)
        x = (counter(batch * 3 * side * side, 77) % 256).astype(np.float32) / np.float32(255)
        self.x = torch.from_numpy(x).view(batch, 3, side, side).contiguous(memory_format=form)
        self.y = torch.from_numpy((counter(batch, 78) % 10).astype("int64"))
        rate = 1e-4 if full or arch == "alexnet" else 1e-5
        self.sgd = torch.optim.SGD(self.net.parameters(), rate, momentum=.9, weight_decay=5e-4)

    def loss(self, x):
        out = self.net(x)
        if not isinstance(out, tuple):
            return F.cross_entropy(out, self.y, reduction="none")
        main, aux1, aux2 = (F.cross_entropy(z, self.y, reduction="none") for z in out)
        return main + .3 * aux1 + .3 * aux2

    def forward(self):
        self.net.eval()
        with torch.no_grad():
            return self.loss(self.x).mean()

    def step(self, x):
        self.net.train()
        self.sgd.zero_grad(set_to_none=True)
        loss = self.loss(x).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 5)
        self.sgd.step()
        return loss.detach()

    def step_s(self):
        return self.step(self.x)

    @staticmethod
    def norm(v):
        return v.flatten(1).norm(dim=1).view(-1, 1, 1, 1)

    def keep(self, x, loss):
        if self.best is None:
            self.best, self.best_loss = x.clone(), loss.clone()
            return
        up = loss > self.best_loss
        self.best[up], self.best_loss[up] = x[up], loss[up]

    def attack(self):
        self.net.eval()
        x, self.best = self.x, None
        for _ in range(7):
            x = x.detach().requires_grad_(True)
            loss = self.loss(x)
            g, = torch.autograd.grad(loss.mean(), x)
            with torch.no_grad():
                self.keep(x, loss)
                x = x + self.length * (g / (self.norm(g) + 1e-10))
                d = (x - self.x).renorm(p=2, dim=0, maxnorm=self.radius)
                x = (self.x + d).clamp(0, 1)
        with torch.no_grad():
            self.keep(x, self.loss(x))
        return self.best.detach()

    def step_r(self):
        return self.step(self.attack())


def version():
    torch.rand(64, 64) @ torch.rand(64, 64)
    with open("/proc/self/maps", encoding="utf-8") as f:
        names = {os.path.basename(line.split()[-1]) for line in f if "/" in line}
    blas = sorted(n for n in names if "openblas" in n or "blis" in n or "atlas" in n)
    print("# PyTorch %s, BLAS: %s" % (torch.__version__, blas[0] if blas else "libblas, slow"))


def main():
    if sys.argv[1:] == ["version"]:
        version()
        return
    arch, size, batch, threads, layout = sys.argv[1:]
    torch.set_num_threads(int(threads))
    clock = time.process_time if threads == "1" else time.monotonic
    b = Bench(arch, size == "full", int(batch), layout)
    for name, run, mini, full in (("forward", b.forward, (5, 40), (1, 6)),
                                  ("S", b.step_s, (3, 18), (1, 3)),
                                  ("R", b.step_r, (2, 4), (1, 1))):
        warm, timed = full if size == "full" else mini
        losses = []
        for i in range(warm + timed):
            if i == warm:
                begin = clock()
            losses.append(run())
        speed = timed * int(batch) / (clock() - begin)
        print("%s\t%.3f\t%.9g\t%.9g\t%.9g" % (
            name, speed, float(losses[0]), float(losses[-1]), float(b.forward())), flush=True)


main()
