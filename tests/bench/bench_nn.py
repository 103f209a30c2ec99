#!/usr/bin/python3
"""The peer of bench_nn: the same steps of the same network in PyTorch, on one thread.

    bench_nn.py nchw|channels_last

prints what bench_nn prints. Exit status 77: there is no PyTorch.
"""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../golden"))
sys.dont_write_bytecode = True
from make_alexnet_vectors import build, counter, pictures, torch  # ends with 77 without

BATCH = 64


class Bench:
    def __init__(self, layout):
        self.format = (torch.channels_last if layout == "channels_last"
                       else torch.contiguous_format)
        self.x = pictures(False, BATCH, torch.float32).contiguous(memory_format=self.format)
        self.y = torch.from_numpy((counter(BATCH, 78) % 10).astype("int64"))
        self.cross_entropy = torch.nn.CrossEntropyLoss(reduction="none")

    def start(self):
        self.net = build(False, torch.float32).to(memory_format=self.format)
        self.net.mean, self.net.std = self.net.mean.float(), self.net.std.float()
        for m in self.net.modules():
            if isinstance(m, torch.nn.ReLU):
                m.inplace = True
        self.sgd = torch.optim.SGD(self.net.parameters(), .0001, momentum=.9,
                                   weight_decay=5e-4)

    def loss(self, x):
        return self.cross_entropy(self.net(x), self.y)

    def forward(self):
        with torch.no_grad():
            return self.loss(self.x).mean()

    def step(self, x):
        self.sgd.zero_grad()
        self.loss(x).mean().backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 5)
        self.sgd.step()

    def step_s(self):
        self.step(self.x)

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
        x, self.best = self.x, None
        for _ in range(7):
            x = x.detach().requires_grad_(True)
            loss = self.loss(x)
            g, = torch.autograd.grad(loss.mean(), x)
            with torch.no_grad():
                self.keep(x, loss)
                x = x + .125 * (g / (self.norm(g) + 1e-10))
                d = (x - self.x).renorm(p=2, dim=0, maxnorm=.75)
                x = (self.x + d).clamp(0, 1)
        with torch.no_grad():
            self.keep(x, self.loss(x))
        return self.best.detach()

    def step_r(self):
        self.step(self.attack())


def main():
    torch.set_num_threads(1)
    b = Bench(sys.argv[1])
    for name, run, warm, timed in (("forward", b.forward, 5, 60),
                                   ("S step", b.step_s, 3, 27), ("R step", b.step_r, 2, 6)):
        b.start()
        for _ in range(warm):
            run()
        begin = time.process_time()
        for _ in range(timed):
            run()
        seconds = time.process_time() - begin
        print("%s\t%.1f\t%.9g" % (name, timed * BATCH / seconds, float(b.forward())))


main()
