#!/usr/bin/python3
"""make_corruption_vectors.py FOLDER > corruptions.tsv - runs the functions of
hendrycks/robustness (FOLDER is its ImageNet-C/create_c) on a made-up picture, fed with the draws
of docs/corruptions.md, and prints what comes out.

Needs Debian's python3-skimage, -opencv, -wand, -scipy and -pil. The originals were written for
older releases of these; where a name or an argument has changed since, it is put back here, and
nothing else.
"""
import binascii
import io
import os
import sys
import types

import cv2
import numpy as np
import scipy.ndimage
import skimage as sk
import skimage.color
import skimage.util
from PIL import Image
from skimage import filters

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../twin"))
from draws import Draws  # noqa: E402

SCRIPTS = [(224, "make_imagenet_c.py"), (64, "make_imagenet_64_c.py"), (32, "make_cifar_c.py")]
TYPES = ["gaussian_noise", "shot_noise", "impulse_noise", "defocus_blur", "glass_blur", "motion_blur",
         "zoom_blur", "snow", "frost", "fog", "brightness", "contrast", "elastic_transform",
         "pixelate", "jpeg_compression"]


def made_up():
    """The picture of the vectors, 302 x 260."""
    y, x = np.mgrid[0:260, 0:302]
    blue = np.where(((x >> 5) + (y >> 5)) % 2 == 0, 230, 40)
    return Image.fromarray(np.stack([(3 * x + 2 * y) & 255, ((x * y) >> 5) & 255, blue],
                                    2).astype(np.uint8))


def of_side(side):
    if side == 224:
        im = made_up().resize((297, 256), Image.BILINEAR)
        return im.crop((36, 16, 260, 240))
    return made_up().resize((side, side), Image.BILINEAR)


def frost_picture(k, width, height):
    """Frost picture k of the vectors: nobody's photograph."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([(x * (k + 2) + y * 3) & 255, ((x * y) >> (k + 4)) & 255, (x ^ y) & 255],
                    2).astype(np.uint8)


FROSTS = [frost_picture(k, 240 + 16 * k, 232 + 8 * k) for k in range(5)]


class Random:
    """numpy.random, as the functions call it, from the draws of one picture."""

    def __init__(self, name, severity, side, key="TEST"):
        self.d = Draws("imagenet_c", "severity=%d,type=%s" % (severity, name), key)
        self.name, self.side, self.calls = name, side, 0
        self.passes, self.last = 0, None

    def normal(self, size, scale=1, loc=0):
        n = int(np.prod(size))
        return (loc + scale * self.d.normal(0, np.arange(n))).reshape(size)

    def poisson(self, lam):
        flat = lam.reshape(-1)
        u, p = self.d.ua(0, np.arange(flat.size)), np.exp(-flat)
        s, k, out = p.copy(), 0, np.zeros(flat.size)
        while (u >= s).any():
            k += 1
            more = u >= s
            out[more] = k
            p = (p * flat) / k
            s = np.where(more, s + p, s)
        return out.reshape(lam.shape)

    def uniform(self, low, high, size=None):
        if size is None:
            stream = 1 if self.name == "snow" else 0
            return self.d.uniform(stream, 0, low, high)
        n = int(np.prod(size))
        stream, at = 0, 0
        if self.name == "elastic_transform":
            stream = self.calls
        else:
            at = self.calls
        self.calls += 1 if self.name == "elastic_transform" else n
        return self.d.uniform(stream, np.arange(at, at + n), low, high).reshape(size)

    def randint(self, low, high=None, size=None):
        if self.name == "frost":
            if high is None:
                low, high = 0, low
            self.calls += 1
            return low + int(self.d.below(0, self.calls - 1, high - low))
        # glass: one call a pixel, from the lower right corner
        if self.last is None:
            reach = high
            rows = range(self.side - reach, reach, -1)
            self.last = [(h, w) for h in rows for w in rows]
        if self.calls == len(self.last):
            self.calls, self.passes = 0, self.passes + 1
        h, w = self.last[self.calls]
        self.calls += 1
        at, n = h * self.side + w, high - low
        return (low + int(np.floor(self.d.ua(self.passes, at) * n)),
                low + int(np.floor(self.d.ub(self.passes, at) * n)))


def salt_and_pepper(random, im, amount):
    """skimage.util.random_noise of 0.13, mode s&p: of each value."""
    n = im.size
    u, v = random.d.ua(0, np.arange(n)), random.d.ub(0, np.arange(n))
    return np.where(u < amount, np.where(v < .5, 1., 0.), im.reshape(-1)).reshape(im.shape)


def load(path, side):
    """The functions of a script, and what they call, as a name space."""
    text = open(path).read()
    begin = text.index("# /////////////// Distortion Helpers ///////////////")
    end = text.index("# /////////////// End Distortions ///////////////")
    text = text[begin:end]
    for old, new in (("from scipy.ndimage.interpolation import", "from scipy.ndimage import"),
                     ("np.float_", "np.float64"), ("np.fromstring", "np.frombuffer"),
                     ("multichannel=True", "channel_axis=-1"),
                     ("cv2.imread(filename)", "frost_file(filename)")):
        text = text.replace(old, new)
    space = {"np": np, "os": os}
    exec(compile(text, path, "exec"), space)
    space["frost_file"] = lambda name: FROSTS[int(name[7]) - 1][:, :, ::-1].copy()
    return space


def run(space, name, im, severity, side):
    random = Random(name, severity, side)
    fake = types.SimpleNamespace(**{k: getattr(random, k)
                                    for k in ("normal", "poisson", "uniform", "randint")})
    proxy = types.ModuleType("np")
    proxy.__dict__.update(np.__dict__)
    proxy.random = fake
    space["np"] = proxy
    space["sk"] = types.SimpleNamespace(color=sk.color, util=types.SimpleNamespace(
        random_noise=lambda x, mode, amount: salt_and_pepper(random, x, amount)))
    return np.uint8(space[name](im, severity))


def main(folder):
    print("side\ttype\tseverity\tsum\tcrc\tjpeg85")
    for side, script in SCRIPTS:
        space, im = load(os.path.join(folder, script), side), of_side(side)
        for name in TYPES:
            for severity in range(1, 6):
                out = run(space, name, im, severity, side)
                f = io.BytesIO()
                Image.fromarray(out).save(f, "JPEG", quality=85, optimize=True)
                print("%d\t%s\t%d\t%d\t%08x\t%d" % (side, name, severity, out.sum(dtype=np.int64),
                                                    binascii.crc32(out.tobytes()), len(f.getvalue())),
                      flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
