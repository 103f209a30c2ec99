#!/usr/bin/python3
"""Reference values for style transfer and segmentation, computed by PyTorch.

    make_transfer_vectors.py > transfer-vectors.tsv    write them (some minutes)
    make_transfer_vectors.py --check                   compute some again and compare

Weights and pictures come from the counter of make_network_vectors.py; all is in double
precision but the optimisations, which are float32 as the original's, and the largest
picture. Columns: what, index,
value. Maps are indexed as N x C x H x W.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from make_network_vectors import (F, counter, fill, np, row, rows, some,
                                  torch)  # ends with 77 without PyTorch
from networks import NETS, VGG19, DeepLab, adain_decoder, adain_encoder


def noise(n, H, W, k, most=255.):
    """Bytes as from 0 to most."""
    v = (counter(n * 3 * H * W, k) % 256).astype(np.float64) * (most / 255)
    return torch.from_numpy(v).view(n, 3, H, W)


def smooth(H, W, k):
    """A picture that is not noise alone: waves, 0..1."""
    y, x = np.mgrid[0:H, 0:W]
    p = [.5 + .3 * np.sin(x * (c + 1) / (3. + k) + k) * np.cos(y * (k + 1) / (5. + c))
         for c in range(3)]
    v = np.floor(np.stack(p) * 255 + .5) / 255
    return torch.from_numpy(v).view(1, 3, H, W)


def statistics(f):
    n = f.shape[2] * f.shape[3]
    flat = f.view(1, f.shape[1], n)
    return (flat.mean(2).view(1, -1, 1, 1),
            (flat.var(2) + 1e-5).sqrt().view(1, -1, 1, 1))


def adain_rows():
    encoder, decoder = (fill(m()).double() for m in (adain_encoder, adain_decoder))
    with torch.no_grad():
        c, s = (encoder(noise(1, 224, 224, k, 1.)) for k in (31, 32))
        rows("adain content", c, some(c.numel(), 1, 8))
        rows("adain style", s, some(s.numel(), 2, 8))
        (mc, sc), (ms, ss) = statistics(c), statistics(s)
        y = decoder((c - mc) / sc * ss + ms)
    rows("adain picture", y, some(y.numel(), 3, 32))
    row("adain picture std", 0, y.std())


def gram(f):
    v = f.view(f.shape[1], -1)
    return v @ v.t() / v.shape[1]


class Gatys:
    """NeuralStyleTransfer.ipynb, its loss and its optimiser, on one picture."""
    def __init__(self, net, style_taps, content_tap, content, style):
        self.net, self.names, self.x = net, style_taps, content.clone().requires_grad_()
        self.content_tap = content_tap
        with torch.no_grad():
            self.net(style)
            self.grams = [gram(net.taps[n]) for n in style_taps]
            self.net(content)
            self.kept = net.taps[content_tap].clone()
        self.losses = []

    def loss(self):
        self.net(self.x)
        of = [1000 / a.shape[0]**2 * F.mse_loss(gram(self.net.taps[n]), a)
              for n, a in zip(self.names, self.grams)]
        return sum(of) + F.mse_loss(self.net.taps[self.content_tap], self.kept)

    def closure(self):
        self.optimiser.zero_grad()
        loss = self.loss()
        loss.backward()
        self.losses.append(loss.detach().double())
        return loss

    def run(self, most):
        self.optimiser = torch.optim.LBFGS([self.x])
        while len(self.losses) <= most:
            self.optimiser.step(self.closure)


def gatys_rows():
    mean = torch.tensor([.40760392, .45795686, .48501961]).view(1, 3, 1, 1) * 255
    to_vgg = lambda v: v.flip(1).float() * 255 - mean
    g = Gatys(fill(VGG19()), ["relu%d_1" % i for i in range(1, 6)], "relu4_2",
              to_vgg(smooth(32, 48, 1)), to_vgg(smooth(32, 48, 2)))
    g.run(10)
    rows("gatys vgg19 loss", torch.stack(g.losses[:4]))
    g = Gatys(fill(NETS["alexnet"](False)), ["conv%d" % i for i in range(1, 6)], "conv4",
              smooth(32, 32, 1).float(), smooth(32, 32, 2).float())
    g.run(500)
    row("gatys alexnet evaluations", 0, torch.tensor(len(g.losses)))
    rows("gatys alexnet loss", torch.stack(g.losses[:4]))
    row("gatys alexnet end", 0, g.losses[-1])


def lbfgs_rows():
    """sum 100 (x[i+1] - x[i]^2)^2 / 64 + (1 - x[i])^2 in ten dimensions."""
    x = torch.linspace(-1, 1, 10).requires_grad_()
    value = lambda: (((x[1:] - x[:-1]**2)**2).sum() * 100 / 64 + ((1 - x[:-1])**2).sum())
    losses, optimiser = [], torch.optim.LBFGS([x])

    def closure():
        optimiser.zero_grad()
        loss = value()
        loss.backward()
        losses.append(loss.detach().double())
        return loss

    for _ in range(2):
        optimiser.step(closure)
    rows("lbfgs loss", torch.stack(losses))


def deeplab_rows(H, W, dtype=torch.float64):
    net, x = fill(DeepLab(True, 182)).to(dtype), noise(1, H, W, 41).to(dtype)
    what = "deeplab %dx%d" % (W, H)
    with torch.no_grad():
        y = net(x)
        fused = {f: net.several(x, f) for f in (False, True)}
    rows(what + " whole", y, some(y.numel(), 4, 24))
    row(what + " whole std", 0, y.std())
    for f, name in ((False, "ratio"), (True, "factor")):
        rows("%s %s" % (what, name), fused[f], some(y.numel(), 5, 24))
    labels = F.interpolate(fused[False], size=(H, W), mode="bilinear",
                           align_corners=False).argmax(1)
    rows(what + " label", labels.double(), some(labels.numel(), 6, 60))


def training_rows():
    """Losses of five steps of SGD; places without a label count 0."""
    net, x = fill(DeepLab(False, 11)).double().train(), noise(2, 32, 32, 51)
    label = torch.from_numpy((counter(2 * 256, 52) % 12).astype("int64")).view(2, 16, 16) - 1
    sgd = torch.optim.SGD(net.parameters(), .05, momentum=.9, weight_decay=5e-4)
    losses = []
    for _ in range(5):
        loss = F.cross_entropy(net(x), label, ignore_index=-1, reduction="sum") / 512
        losses.append(loss.detach())
        sgd.zero_grad()
        loss.backward()
        sgd.step()
    rows("deeplab mini train loss", torch.stack(losses))


PARTS = [adain_rows, gatys_rows, lbfgs_rows, training_rows,
         lambda: deeplab_rows(97, 129), lambda: deeplab_rows(385, 513, torch.float32)]

if __name__ == "__main__":
    torch.set_num_threads(1)
    if "--check" in sys.argv[1:]:
        import contextlib
        import io
        here = os.path.dirname(os.path.abspath(__file__))
        with open(os.path.join(here, "transfer-vectors.tsv"), encoding="ascii") as f:
            known = dict(line.rstrip("\n").rsplit("\t", 1) for line in f)
        text, n = io.StringIO(), 0
        with contextlib.redirect_stdout(text):
            lbfgs_rows()
            training_rows()
        for line in text.getvalue().splitlines():
            key, v = line.rsplit("\t", 1)
            if abs(float(known[key]) - float(v)) > 1e-4 * max(1, abs(float(v))):
                sys.exit("%s: %s, and not %s" % (key, v, known[key]))
            n += 1
        print("%d values are what PyTorch %s computes" % (n, torch.__version__))
        sys.exit(0)
    print("what\tindex\tvalue")
    for part in PARTS:
        part()
        sys.stdout.flush()
