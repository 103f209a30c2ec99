"""draws - random numbers by counter, as docs/draws.md has them: Philox4x32-10 in numpy.

Streams and indices may be arrays; the results have their common shape.
"""
import hashlib

import numpy as np

MASK = np.uint64(0xFFFFFFFF)
SHIFT = np.uint64(32)


def philox(counter, key):
    """The four words of a block: counter and key are sequences of 4 and 2 numbers or arrays."""
    c0, c1, c2, c3 = (np.asarray(c, dtype=np.uint64) & MASK for c in counter)
    k0, k1 = (np.uint64(k) for k in key)
    for _ in range(10):
        p0 = np.uint64(0xD2511F53) * c0
        p1 = np.uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = (p1 >> SHIFT) ^ c1 ^ k0, p1 & MASK, (p0 >> SHIFT) ^ c3 ^ k1, p0 & MASK
        k0 = (k0 + np.uint64(0x9E3779B9)) & MASK
        k1 = (k1 + np.uint64(0xBB67AE85)) & MASK
    return c0, c1, c2, c3


def fraction(high, low):
    return ((high >> np.uint64(5)) * 2.0**26 + (low >> np.uint64(6))) / 2.0**53


class Draws:
    def __init__(self, stage, params, item, seed=0):
        text = "imgset\n%s\n%s\n%s\n" % (stage, params, item)
        d = hashlib.sha256(text.encode()).digest()
        self.key = (
            int.from_bytes(d[0:4], "little") ^ (seed & 0xFFFFFFFF),
            int.from_bytes(d[4:8], "little") ^ (seed >> 32),
        )

    def block(self, stream, index):
        index = np.asarray(index, dtype=np.uint64)
        return philox((index & MASK, index >> SHIFT, stream, 0 * index), self.key)

    def ua(self, stream, index):
        w = self.block(stream, index)
        return fraction(w[0], w[1])

    def ub(self, stream, index):
        w = self.block(stream, index)
        return fraction(w[2], w[3])

    def uniform(self, stream, index, a, b):
        return a + (b - a) * self.ua(stream, index)

    def below(self, stream, index, n):
        return np.floor(self.ua(stream, index) * n).astype(np.int64)

    def normal(self, stream, index):
        w = self.block(stream, index)
        return np.sqrt(-2 * np.log(1 - fraction(w[0], w[1]))) * np.cos(
            2 * np.pi * fraction(w[2], w[3])
        )

    def permutation(self, n):
        p = np.arange(n)
        swap = self.below(0, np.arange(n), np.arange(n) + 1)
        for i in range(n - 1, 0, -1):
            j = swap[i]
            p[i], p[j] = p[j], p[i]
        return p


def check():
    """The vectors of docs/draws.md."""
    known = [
        ((0, 0, 0, 0), (0, 0), "6627e8d5e169c58dbc57ac4c9b00dbd8"),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, "408f276d41c83b0ea20bc7c66d5451fd"),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            "d16cfe0994fdcceb5001e42024126ea1",
        ),
    ]
    for counter, key, words in known:
        assert "".join("%08x" % int(w) for w in philox(counter, key)) == words
    d = Draws("imagenet_c", "severity=3,type=gaussian_noise", "TEST")
    assert d.key == (0x297FF2E4, 0x8F92DB92)
    assert np.allclose(d.ua(0, np.arange(3)), [0.59004664, 0.93230470, 0.19599329], atol=1e-8)
    assert np.allclose(d.normal(0, np.arange(2)), [-1.12338266, 1.99855957], atol=1e-8)


if __name__ == "__main__":
    check()
    print("the draws agree with their test vectors")
