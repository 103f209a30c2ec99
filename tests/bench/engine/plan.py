"""Plans for measuring: what each step runs, reads and, by the same rules, writes."""

import hashlib
import os
import zlib

PROBE = "src/probe"  # the source that is edited: one step reads it


class Step:
    """One output, made by `stamp OUT LABEL IN...`; inputs are paths of sources or outputs."""

    def __init__(self, label, path, inputs):
        self.label, self.path, self.inputs = label, path, inputs

    def words(self, stamp, out, label, inputs):
        return [stamp, out, label] + inputs

    def made(self, text):
        """Its bytes, from those of sources and outputs."""
        sum_ = 1
        for path in self.inputs:
            sum_ = zlib.adler32(text[path], sum_)
        return text[self.inputs[0]] + ("%s %08x\n" % (self.label, sum_)).encode()


class Copy(Step):
    """The same, made by `cp IN OUT`."""

    def words(self, stamp, out, label, inputs):
        return ["/usr/bin/cp"] + inputs + [out]

    def made(self, text):
        return text[self.inputs[0]]


class Plan:
    """Steps in an order in which they can run, and the text of each source."""

    def __init__(self, name, steps):
        self.name, self.steps = name, steps
        made = {s.path for s in steps}
        read = {i for s in steps for i in s.inputs}
        self.sources = {i: ("%s\n" % i).encode() for i in sorted(read - made)}
        self.ends = [s.path for s in steps if s.path not in read]

    def folders(self):
        return sorted({os.path.dirname(s.path) for s in self.steps})

    def write_sources(self, root):
        os.makedirs(os.path.join(root, "src"), exist_ok=True)
        for path, text in self.sources.items():
            write(os.path.join(root, path), text)

    def make_folders(self, root):
        for folder in self.folders():
            os.makedirs(os.path.join(root, folder), exist_ok=True)

    def results(self, sources=None):
        """The path and the bytes of each output, in order."""
        last = {s: i for i, step in enumerate(self.steps) for s in step.inputs}
        text = {p: plain(t) for p, t in (sources or self.sources).items()}
        for i, step in enumerate(self.steps):
            text[step.path] = step.made(text)
            yield step.path, text[step.path]
            for path in step.inputs:
                if last[path] == i:
                    text.pop(path, None)

    def digests(self, sources=None):
        return {p: hashlib.sha256(t).hexdigest() for p, t in self.results(sources)}


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)


def plain(text):
    return b"".join(l for l in text.splitlines(True) if not l.startswith(b"#"))


def wide(n):
    """n steps, a source each."""
    return Plan("wide-%s" % short(n), [
        Step("w%06d" % i, "out/%03d/w%06d" % (i // 1000, i), ["src/%06d" % i])
        for i in range(n)])


def copies(n):
    """The same, of plain copies."""
    return Plan("copies-%s" % short(n), [
        Copy("w%06d" % i, "out/%03d/w%06d" % (i // 1000, i), ["src/%06d" % i])
        for i in range(n)])


def chain(n):
    """n steps, each behind the other."""
    return Plan("chain-%s" % short(n), [
        Step("c%06d" % i, "out/c%06d" % i, ["out/c%06d" % (i - 1) if i else "src/0"])
        for i in range(n)])


def layered(n, width):
    """
    Layers of `width` steps; each reads three outputs of the layer before. In the fourth
    layer from the end one step reads a source too, so that 1 + 3 + 6 + 10 steps depend
    on it.
    """
    steps = []
    depth = n // width

    def output(layer, i):
        return ("out/%03d/l%03d-%04d" if layer else "src/%d%04d") % (
            (layer, layer, i % width) if layer else (layer, i % width))

    for layer in range(1, depth + 1):
        for i in range(width):
            inputs = [output(layer - 1, i + k) for k in (0, 1, 7)]
            if layer == depth - 3 and i == width // 2:
                inputs.append(PROBE)
            steps.append(Step("l%03d-%04d" % (layer, i), output(layer, i), inputs))
    return Plan("layered-%s" % short(n), steps)


def short(n):
    return "%dk" % (n // 1000)
