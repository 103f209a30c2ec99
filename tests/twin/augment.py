"""Training pictures, written again from docs/training.md in numpy.

Run as a program it prints tests/twin/augment.tsv, the vectors of the unit test.
"""
import numpy as np

from draws import Draws

MIRROR, SIDES, PLACE = 0, 1, 2


def item_of(name):
    """train-000123 -> train/123; other names as they stand."""
    split, dash, number = name.rpartition("-")
    if dash and split and number.isascii() and number.isdigit():
        return "%s/%d" % (split, int(number))
    return name


def crop_of(name, seed, epoch, width, height, area=.5, aspect=.288, mirror=True):
    d = Draws("train", "", item_of(name), seed)
    a = area + (1 - area) * float(d.ua(SIDES, epoch))
    r = np.exp((-aspect + 2 * aspect * float(d.ub(SIDES, epoch))) / 2)
    w = width * min(1., np.sqrt(a) * r)
    h = height * min(1., np.sqrt(a) / r)
    x = (width - w) * float(d.ua(PLACE, epoch))
    y = (height - h) * float(d.ub(PLACE, epoch))
    return x, y, w, h, mirror and float(d.ua(MIRROR, epoch)) < .5


def positions(start, length, n):
    at = start + (np.arange(n) + .5) * length / n - .5
    low = np.floor(at)
    a = np.clip(low, 0, n - 1).astype(int)
    b = np.clip(low + 1, 0, n - 1).astype(int)
    return a, b, (at - low).astype(np.float32)


def sample(pixels, crop):
    """pixels: height x width x channels, bytes. Returns float32 in 0..1, the same shape;
    every operation is rounded to float32, so that the bits are those of the C code."""
    x, y, w, h, mirror = crop
    height, width, _ = pixels.shape
    p = pixels.astype(np.float32)
    a, b, f = positions(y, h, height)
    rows = p[a] + (p[b] - p[a]) * f[:, None, None]
    a, b, f = positions(x, w, width)
    out = rows[:, a] + (rows[:, b] - rows[:, a]) * f[None, :, None]
    if mirror:
        out = out[:, ::-1]
    return out * (np.float32(1) / np.float32(255))


def order(seed, epoch, n):
    return Draws("train", "", "order/%d" % epoch, seed).permutation(n)


if __name__ == "__main__":
    W, H, C = 6, 5, 3
    y, x, c = np.meshgrid(range(H), range(W), range(C), indexing="ij")
    picture = ((37 * x + 11 * y + 91 * c) % 256).astype(np.uint8)
    print("name\tseed\tepoch\tmirror\tx\ty\twidth\theight\tvalues")
    for name, seed, epoch in [("train-000123", 0, 0), ("train-000123", 0, 1),
                              ("train-000000", 0x123456789ABCDEF0, 0),
                              ("train-5999", 7, 29), ("n01440764_10026", 7, 2),
                              ("-12", 7, 3)]:
        crop = crop_of(name, seed, epoch, W, H)
        values = ",".join("%.9g" % v for v in sample(picture, crop).ravel())
        print("%s\t%016x\t%d\t%d\t%s\t%s" % (name, seed, epoch, crop[4],
              "\t".join("%.12g" % v for v in crop[:4]), values))
