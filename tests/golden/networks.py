"""The networks of Larder in PyTorch, full and small, with torchvision's names.

Dropout follows stages/nn/drop.h with the draws of stage train, item a, b, ..., seed 1.
"""
import hashlib

import torch
from torch import nn

F, M32 = nn.functional, 2**32 - 1


def philox(key, stream, index):
    c, k = [index & M32, index >> 32, stream, 0], list(key)
    for _ in range(10):
        p, q = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [q >> 32 ^ c[1] ^ k[0], q & M32, p >> 32 ^ c[3] ^ k[1], p & M32]
        k = [(k[0] + 0x9E3779B9) & M32, (k[1] + 0xBB67AE85) & M32]
    return c


class Drop(nn.Module):
    """The share is dropped; number counts the dropouts of the network."""
    epoch, seed = 2, 1

    def __init__(self, share, number):
        super().__init__()
        self.share, self.number = share, number

    def factors(self, picture, n):
        text = "imgset\ntrain\n\n%s\n" % chr(ord("a") + picture)
        digest = hashlib.sha256(text.encode()).digest()
        seed = [self.seed & M32, self.seed >> 32]
        key = [int.from_bytes(digest[4 * i:4 * i + 4], "little") ^ seed[i] for i in (0, 1)]
        words = [w for i in range((n + 3) // 4)
                 for w in philox(key, 16 + self.number, (self.epoch << 32) + i)]
        return [0 if w < self.share * 2**32 else 1 / (1 - self.share) for w in words[:n]]

    def forward(self, x):
        if not self.training:
            return x
        f = [self.factors(i, x[0].numel()) for i in range(x.shape[0])]
        return x * torch.tensor(f, dtype=x.dtype).view(x.shape)


class Net(nn.Module):
    """taps[name] is filled by each forward pass."""
    full = False

    def normalise(self, x):
        mean, std = (([.485, .456, .406], [.229, .224, .225]) if self.full
                     else ([.5] * 3, [.25] * 3))
        # rounded to float32, as the networks of this project have them
        t = lambda v: torch.tensor(v).to(x.dtype).view(1, 3, 1, 1)
        return (x - t(mean)) / t(std)

    def tap(self, name, x):
        self.taps[name] = x
        return x


class AlexNet(Net):
    def __init__(self, full, heads=False):
        super().__init__()
        self.full = full
        c = [64, 192, 384, 256, 256] if full else [24, 64, 96, 64, 64]
        hidden, classes, pad = (4096, 1000, 0) if full else (128, 10, 1)
        relu = lambda: nn.ReLU()
        pool = lambda: nn.MaxPool2d(3, 2, pad)
        drop = lambda number: Drop(.5, number) if full else nn.Identity()
        first = nn.Conv2d(3, c[0], 11, 4, 2) if full else nn.Conv2d(3, c[0], 7, 2, 3)
        self.features = nn.Sequential(
            first, relu(), pool(),
            nn.Conv2d(c[0], c[1], 5, 1, 2), relu(), pool(),
            nn.Conv2d(c[1], c[2], 3, 1, 1), relu(),
            nn.Conv2d(c[2], c[3], 3, 1, 1), relu(),
            nn.Conv2d(c[3], c[4], 3, 1, 1), relu(), pool())
        self.classifier = nn.Sequential(
            drop(0), nn.Linear(c[4] * (36 if full else 4), hidden), relu(),
            drop(1), nn.Linear(hidden, hidden), relu(), nn.Linear(hidden, classes))

    def forward(self, x):
        self.taps = {}
        names = iter(["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7"])
        x = self.normalise(x)
        for m in [*self.features, nn.Flatten(), *self.classifier]:
            if isinstance(m, nn.ReLU):
                x = self.tap(next(names), F.relu(x))
            elif isinstance(m, nn.MaxPool2d):
                x = F.max_pool2d(x, 3, 2, m.padding)
            else:
                x = m(x)
        return x


class Basic(nn.Module):
    def __init__(self, i, o, k, s=1):
        super().__init__()
        self.conv = nn.Conv2d(i, o, k, s, k // 2, bias=False)
        self.bn = nn.BatchNorm2d(o, eps=1e-3)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


class Pool(nn.Module):
    def __init__(self, ceil):
        super().__init__()
        self.ceil = ceil

    def forward(self, x):
        return F.max_pool2d(x, 3, 1, 1, ceil_mode=self.ceil)


class Inception(nn.Module):
    def __init__(self, i, a, b, c, d, e, f, ceil):
        super().__init__()
        self.branch1 = Basic(i, a, 1)
        self.branch2 = nn.Sequential(Basic(i, b, 1), Basic(b, c, 3))
        self.branch3 = nn.Sequential(Basic(i, d, 1), Basic(d, e, 3))
        self.branch4 = nn.Sequential(Pool(ceil), Basic(i, f, 1))

    def forward(self, x):
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x),
                          self.branch4(x)], 1)


class Head(nn.Module):
    def __init__(self, i, number, classes):
        super().__init__()
        self.conv = Basic(i, 128, 1)
        self.fc1, self.fc2 = nn.Linear(2048, 1024), nn.Linear(1024, classes)
        self.drop = Drop(.7, number)

    def forward(self, x):
        x = torch.flatten(self.conv(F.adaptive_avg_pool2d(x, 4)), 1)
        return self.fc2(self.drop(F.relu(self.fc1(x))))


class GoogLeNet(Net):
    BLOCKS = ["3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"]
    FULL = [(64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64),
            (192, 96, 208, 16, 48, 64), (160, 112, 224, 24, 64, 64),
            (128, 128, 256, 24, 64, 64), (112, 144, 288, 32, 64, 64),
            (256, 160, 320, 32, 128, 128), (256, 160, 320, 32, 128, 128),
            (384, 192, 384, 48, 128, 128)]
    MINI = [(16, 24, 32, 4, 8, 8), (32, 32, 48, 8, 24, 16), (48, 24, 52, 4, 12, 16),
            (40, 28, 56, 8, 16, 16), (32, 32, 64, 8, 16, 16), (28, 36, 72, 8, 16, 16),
            (64, 40, 80, 8, 32, 32), (64, 40, 80, 8, 32, 32), (96, 48, 96, 12, 32, 32)]

    def __init__(self, full, heads=False):
        super().__init__()
        self.full, classes = full, 1000 if full else 10
        c = (64, 64, 192) if full else (16, 16, 48)
        self.conv1, self.conv2, self.conv3 = (Basic(3, c[0], 7, 2), Basic(c[0], c[1], 1),
                                              Basic(c[1], c[2], 3))
        i, out = c[2], {}
        for name, w in zip(self.BLOCKS, self.FULL if full else self.MINI):
            setattr(self, "inception" + name, Inception(i, *w, full))
            i = out[name] = w[0] + w[2] + w[4] + w[5]
        self.aux1 = Head(out["4a"], 0, classes) if heads else None
        self.aux2 = Head(out["4d"], 1, classes) if heads else None
        self.drop = Drop(.2, 2 if heads else 0) if full else nn.Identity()
        self.fc = nn.Linear(i, classes)

    def pool(self, x, k=3):
        return F.max_pool2d(x, k, 2, 0 if self.full else 1, ceil_mode=self.full)

    def forward(self, x):
        self.taps, aux = {}, []
        x = 2 * x - 1 if self.full else self.normalise(x)
        x = self.tap("conv1", self.conv1(x))
        x = self.tap("conv2", self.conv2(self.pool(x) if self.full else x))
        x = self.pool(self.tap("conv3", self.conv3(x)))
        for name in self.BLOCKS:
            x = self.tap(name, getattr(self, "inception" + name)(x))
            if self.training and name in ("4a", "4d") and self.aux1:
                aux.append((self.aux1 if name == "4a" else self.aux2)(x))
            if name in ("3b", "4e"):
                x = self.pool(x, 2 if self.full and name == "4e" else 3)
        x = self.fc(self.drop(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1)))
        return (x, *aux) if aux else x


class Bottleneck(nn.Module):
    def __init__(self, i, w, stride, first, eps):
        super().__init__()
        o = 4 * w
        self.conv1, self.bn1 = nn.Conv2d(i, w, 1, bias=False), nn.BatchNorm2d(w, eps)
        self.conv2 = nn.Conv2d(w, w, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(w, eps)
        self.conv3, self.bn3 = nn.Conv2d(w, o, 1, bias=False), nn.BatchNorm2d(o)
        self.downsample = (nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False),
                                         nn.BatchNorm2d(o)) if first else None)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn3(self.conv3(F.relu(self.bn2(self.conv2(y)))))
        return F.relu(y + (self.downsample(x) if self.downsample else x))


class ResNet(Net):
    def __init__(self, full, heads=False):
        super().__init__()
        self.full, eps = full, 1e-5 if full else 1e-3
        i, w = (64, 64) if full else (16, 8)
        self.conv1 = nn.Conv2d(3, i, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(i, eps)
        for k, n in enumerate((3, 4, 6, 3)):
            blocks = [Bottleneck(i if b == 0 else 4 * w, w, 2 if k and b == 0 else 1, b == 0,
                                 eps) for b in range(n)]
            setattr(self, "layer%d" % (k + 1), nn.Sequential(*blocks))
            i, w = 4 * w, 2 * w
        self.fc = nn.Linear(i, 1000 if full else 10)

    def forward(self, x):
        self.taps = {}
        x = self.tap("conv1.raw", self.conv1(self.normalise(x)))
        x = self.tap("conv1", F.relu(self.bn1(x)))
        x = F.max_pool2d(x, 3, 2 if self.full else 1, 1)
        for k in range(1, 5):
            x = self.tap("layer%d" % k, getattr(self, "layer%d" % k)(x))
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))


class VGG19(nn.Module):
    """The convolutions of leongatys/PytorchNeuralStyleTransfer."""
    def __init__(self):
        super().__init__()
        i = 3
        for b, (o, n) in enumerate([(64, 2), (128, 2), (256, 4), (512, 4), (512, 4)]):
            for k in range(n):
                setattr(self, "conv%d_%d" % (b + 1, k + 1), nn.Conv2d(i, o, 3, 1, 1))
                i = o

    def forward(self, x):
        self.taps = {}
        for name, conv in self.named_children():
            if name.endswith("_1") and name != "conv1_1":
                x = F.max_pool2d(x, 2, 2)
            x = self.taps["relu" + name[4:]] = F.relu(conv(x))
        return x


def reflected(i, o, k=3):
    return [nn.ReflectionPad2d(1), nn.Conv2d(i, o, k), nn.ReLU()]


def adain_encoder():
    """Modules 0 to 30 of naoto0804/pytorch-AdaIN's vgg."""
    pool = lambda: nn.MaxPool2d(2, 2, 0, ceil_mode=True)
    return nn.Sequential(
        nn.Conv2d(3, 3, 1), *reflected(3, 64), *reflected(64, 64), pool(),
        *reflected(64, 128), *reflected(128, 128), pool(), *reflected(128, 256),
        *reflected(256, 256), *reflected(256, 256), *reflected(256, 256), pool(),
        *reflected(256, 512))


def adain_decoder():
    up = lambda: nn.Upsample(scale_factor=2, mode="nearest")
    return nn.Sequential(
        *reflected(512, 256), up(), *reflected(256, 256), *reflected(256, 256),
        *reflected(256, 256), *reflected(256, 128), up(), *reflected(128, 128),
        *reflected(128, 64), up(), *reflected(64, 64), *reflected(64, 3)[:2])


class ConvNorm(nn.Module):
    def __init__(self, i, o, k, stride, pad, dilation, relu=True):
        super().__init__()
        self.conv = nn.Conv2d(i, o, k, stride, pad, dilation, bias=False)
        self.bn, self.relu = nn.BatchNorm2d(o, eps=1e-5), relu

    def forward(self, x):
        x = self.bn(self.conv(x))
        return F.relu(x) if self.relu else x


class Dilated(nn.Module):
    def __init__(self, i, w, stride, dilation, first):
        super().__init__()
        self.reduce = ConvNorm(i, w, 1, stride, 0, 1)
        self.conv3x3 = ConvNorm(w, w, 3, 1, dilation, dilation)
        self.increase = ConvNorm(w, 4 * w, 1, 1, 0, 1, False)
        self.shortcut = ConvNorm(i, 4 * w, 1, stride, 0, 1, False) if first else None

    def forward(self, x):
        y = self.increase(self.conv3x3(self.reduce(x)))
        return F.relu(y + (self.shortcut(x) if self.shortcut else x))


class Pyramid(nn.Module):
    def __init__(self, i, labels, rates):
        super().__init__()
        for k, r in enumerate(rates):
            setattr(self, "c%d" % k, nn.Conv2d(i, labels, 3, 1, r, r))

    def forward(self, x):
        return sum(c(x) for c in self.children())


class DeepLab(nn.Module):
    """DeepLab-v2 with the names of kazuto1011/deeplab-pytorch."""
    FULL = dict(stem=64, kernel=7, pool=True, width=(64, 128, 256, 512),
                depth=(3, 4, 23, 3), stride=(1, 2, 1, 1), rates=(6, 12, 18, 24),
                mean=(104.008, 116.669, 122.675), std=1.)
    MINI = dict(stem=16, kernel=5, pool=False, width=(8, 16, 16, 24), depth=(1, 1, 2, 1),
                stride=(1, 1, 1, 1), rates=(1, 2, 4, 6), mean=(127.5,) * 3, std=63.75)

    def __init__(self, full, labels):
        super().__init__()
        s = self.shape = self.FULL if full else self.MINI
        self.base, i = nn.Sequential(), s["stem"]
        self.base.add_module("layer1", nn.Sequential())
        self.base.layer1.add_module(
            "conv1", ConvNorm(3, i, s["kernel"], 2, s["kernel"] // 2, 1))
        if s["pool"]:
            self.base.layer1.add_module("pool", nn.MaxPool2d(3, 2, 1, ceil_mode=True))
        for k in range(4):
            layer = nn.Sequential()
            for b in range(s["depth"][k]):
                layer.add_module("block%d" % (b + 1), Dilated(
                    i, s["width"][k], s["stride"][k] if b == 0 else 1, (1, 1, 2, 4)[k],
                    b == 0))
                i = 4 * s["width"][k]
            self.base.add_module("layer%d" % (k + 2), layer)
        self.base.add_module("aspp", Pyramid(i, labels, s["rates"]))

    def forward(self, x):
        mean = torch.tensor(self.shape["mean"]).to(x.dtype).view(1, 3, 1, 1)
        return self.base((x - mean) / self.shape["std"])

    def several(self, x, by_factor=False):
        """libs/models/msc.py in evaluation: fused logits."""
        whole = self(x)
        size = dict(size=whole.shape[2:], mode="bilinear", align_corners=False)
        small = [self(F.interpolate(x, scale_factor=p, mode="bilinear",
                                    align_corners=False,
                                    recompute_scale_factor=not by_factor))
                 for p in (.5, .75)]
        return torch.stack([whole] + [F.interpolate(l, **size) for l in small]).amax(0)


NETS = {"alexnet": AlexNet, "googlenet": GoogLeNet, "resnet50": ResNet}
