#!/usr/bin/python3
"""The peer of bench_gpu in PyTorch.

    bench_gpu.py ARCH BATCH float32|tf32 nchw|channels_last
"""
import sys
import time

import torch
import torchvision


def norm(v):
    return v.flatten(1).norm(dim=1).view(-1, 1, 1, 1)


class Bench:
    def __init__(self, arch, batch, layout):
        self.format = (torch.channels_last if layout == "channels_last"
                       else torch.contiguous_format)
        made = getattr(torchvision.models, arch)
        more = {"aux_logits": True, "init_weights": False} if arch == "googlenet" else {}
        self.net = made(weights=None, **more).cuda().to(memory_format=self.format)
        self.sgd = torch.optim.SGD(self.net.parameters(), 1e-4, momentum=.9, weight_decay=1e-4)
        self.x = torch.rand(batch, 3, 224, 224).cuda().contiguous(memory_format=self.format)
        self.y = torch.arange(batch).cuda() % 1000
        self.mean = torch.tensor([.485, .456, .406]).cuda().view(1, 3, 1, 1)
        self.std = torch.tensor([.229, .224, .225]).cuda().view(1, 3, 1, 1)
        self.loss = torch.nn.CrossEntropyLoss(reduction="none")

    def run(self, x):
        out = self.net((x - self.mean) / self.std)
        if isinstance(out, tuple):
            return self.loss(out[0], self.y) + .3 * (self.loss(out[1], self.y) +
                                                     self.loss(out[2], self.y))
        return self.loss(out, self.y)

    def forward(self):
        self.net.eval()
        with torch.no_grad():
            self.run(self.x)

    def step(self, x):
        self.net.train()
        self.sgd.zero_grad()
        self.run(x).mean().backward()
        self.sgd.step()

    def step_s(self):
        self.step(self.x)

    def step_r(self):
        self.net.eval()
        x, best, best_loss = self.x, None, None
        for t in range(7):
            x = x.detach().requires_grad_(True)
            loss = self.run(x)
            g, = torch.autograd.grad(loss.mean(), [x])
            with torch.no_grad():
                if best is None:
                    best, best_loss = x.clone(), loss.clone()
                else:
                    up = loss > best_loss
                    best[up], best_loss[up] = x[up], loss[up]
                d = x + g / (norm(g) + 1e-10) * .5 - self.x
                x = (self.x + d.renorm(2, 0, 3.)).clamp(0, 1)
        with torch.no_grad():
            up = self.run(x) > best_loss
            best[up] = x[up]
        self.step(best.detach())


def main():
    arch, batch, precision, layout = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
    tf32 = precision == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
    b = Bench(arch, batch, layout)
    for name, run, timed in (("forward", b.forward, 20), ("S step", b.step_s, 10),
                             ("R step", b.step_r, 3)):
        run()
        torch.cuda.synchronize()
        begin = time.monotonic()
        for _ in range(timed):
            run()
        torch.cuda.synchronize()
        print("%s\t%s\t%.1f" % (arch, name, timed * batch / (time.monotonic() - begin)),
              flush=True)


main()
