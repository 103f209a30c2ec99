"""Random numbers by counter, written again from docs/draws.md: Philox4x32-10 in numpy."""
import hashlib

import numpy as np


def philox(counter, key):
    """counter: four uint32 arrays (or numbers), key: two. Returns four uint64 arrays < 2^32."""
    c = [np.asarray(x, dtype=np.uint64) for x in counter]
    k0, k1 = int(key[0]), int(key[1])
    low = np.uint64(0xFFFFFFFF)
    shift = np.uint64(32)
    for _ in range(10):
        a = c[0] * np.uint64(0xD2511F53)
        b = c[2] * np.uint64(0xCD9E8D57)
        c = [(b >> shift) ^ c[1] ^ np.uint64(k0), b & low,
             (a >> shift) ^ c[3] ^ np.uint64(k1), a & low]
        k0 = (k0 + 0x9E3779B9) & 0xFFFFFFFF
        k1 = (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c


class Draws:
    """What is drawn for one item of one stage; a draw is named by a stream and an index."""

    def __init__(self, stage, params, item, seed=0):
        text = "imgset\n%s\n%s\n%s\n" % (stage, params, item)
        d = hashlib.sha256(text.encode()).digest()
        self.k0 = int.from_bytes(d[0:4], "little") ^ (seed & 0xFFFFFFFF)
        self.k1 = int.from_bytes(d[4:8], "little") ^ (seed >> 32)

    def block(self, stream, index):
        i = np.asarray(index, dtype=np.uint64)
        return philox([i & np.uint64(0xFFFFFFFF), i >> np.uint64(32), stream, 0],
                      [self.k0, self.k1])

    @staticmethod
    def _unit(high, low):
        high = (high >> np.uint64(5)).astype(np.float64)
        low = (low >> np.uint64(6)).astype(np.float64)
        return (high * 67108864.0 + low) / 9007199254740992.0

    def ua(self, stream, index):
        w = self.block(stream, index)
        return self._unit(w[0], w[1])

    def ub(self, stream, index):
        w = self.block(stream, index)
        return self._unit(w[2], w[3])

    def uniform(self, stream, index, a, b):
        return a + (b - a) * self.ua(stream, index)

    def below(self, stream, index, n):
        return np.floor(self.ua(stream, index) * n).astype(np.int64)

    def normal(self, stream, index):
        w = self.block(stream, index)
        a, b = self._unit(w[0], w[1]), self._unit(w[2], w[3])
        return np.sqrt(-2.0 * np.log(1.0 - a)) * np.cos(2.0 * np.pi * b)

    def permutation(self, n):
        p = np.arange(n)
        i = np.arange(n - 1, 0, -1)
        j = np.floor(self.ua(0, i) * (i + 1)).astype(np.int64)
        for a, b in zip(i, j):
            p[a], p[b] = p[b], p[a]
        return p
