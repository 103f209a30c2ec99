"""What a GPU can do at most with Larder's networks, and what is expected of it.

Counts come from the program roofline, the GPUs from gpus.tsv, what was measured from gpu-measured.tsv.

The bound of a phase: each pass of an operator takes the longer of its FLOPs by the GPU's arithmetic and its bytes by
its memory; passes follow each other; the copy of the pictures from the host goes beside all of them. What is
expected: the bound times the share of the bound that was reached on the GPU that was measured, in the same network,
phase and precision.
"""
import collections
import os
import subprocess

HERE = os.path.dirname(os.path.realpath(__file__))
NETWORKS = [("alexnet", "AlexNet", 128), ("resnet50", "ResNet-50", 64), ("googlenet", "GoogLeNet", 64)]
PHASES = ["forward", "S step", "PGD step", "R step"]
MEASURED_ON = "H200"

Row = collections.namedtuple("Row", "phase times operator kind pass_ matrix flops bytes")


def table(text):
    """The rows of a TSV below its comments, as dicts."""
    lines = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    return [dict(zip(lines[0], line)) for line in lines[1:]]


def read(name):
    with open(os.path.join(HERE, name)) as f:
        return table(f.read())


def gpus():
    """{short name: what its data sheet says}"""
    return {g["gpu"]: g for g in read("gpus.tsv")}


def gpu_called(name):
    """The GPU of the data sheets that CUDA calls so, or None."""
    return next((g for g in gpus().values() if g["name"] in name), None)


def count(build, arch, size, batch):
    """The rows that the program roofline gives."""
    out = subprocess.run([os.path.join(build, "tests", "roofline"), arch, size, str(batch)], check=True,
                         stdout=subprocess.PIPE, text=True).stdout
    return [Row(r["phase"], int(r["times"]), r["operator"], r["kind"], r["pass"], r["matrix"] == "1",
                float(r["flops"]), float(r["bytes"])) for r in table(out)]


def total(rows, phase):
    """FLOPs and bytes of a phase."""
    rows = [r for r in rows if r.phase == phase and r.kind != "link"]
    return sum(r.times * r.flops for r in rows), sum(r.times * r.bytes for r in rows)


def parts(row, gpu, tf32):
    """Seconds that a pass takes for its FLOPs, and for its bytes."""
    peak = float(gpu["tf32_tflops" if tf32 and row.matrix else "float32_tflops"])
    return row.flops / (peak * 1e12), row.bytes / (float(gpu["memory_gb_s"]) * 1e9)


def bound(rows, phase, gpu, tf32):
    """Seconds that a phase takes at least."""
    rows = [r for r in rows if r.phase == phase]
    link = sum(r.bytes for r in rows if r.kind == "link") / (float(gpu["link_gb_s"]) * 1e9)
    return max(link, sum(r.times * max(parts(r, gpu, tf32)) for r in rows if r.kind != "link"))


def by_memory(rows, phase, gpu, tf32):
    """The share of the bound in which memory, and not arithmetic, is what is waited for."""
    seconds = [(r.times * max(parts(r, gpu, tf32)), parts(r, gpu, tf32)) for r in rows
               if r.phase == phase and r.kind != "link"]
    return sum(s for s, (flops, size) in seconds if size > flops) / sum(s for s, _ in seconds)


def measured(arch, phase, by):
    """Pictures a second, or None."""
    return next((float(m["pictures"]) for m in read("gpu-measured.tsv")
                 if (m["network"], m["phase"], m["by"]) == (arch, phase, by)), None)


def share(rows, arch, batch, phase, tf32):
    """Of the bound, what was reached where it was measured.

    A PGD step was not measured by itself: seven of them and one more look are most of an R step, whose share it
    gets. Larder has not been measured with TF32: it gets PyTorch's share with TF32, times what Larder reached of
    PyTorch's speed without.
    """
    phase = "R step" if phase == "PGD step" else phase
    peak = batch / bound(rows, phase, gpus()[MEASURED_ON], tf32)
    ours = measured(arch, phase, "larder")
    if not tf32:
        return ours / peak
    return measured(arch, phase, "pytorch-tf32") / peak * ours / measured(arch, phase, "pytorch")


def bounds(rows, arch, batch, phase, gpu, tf32):
    """Pictures a second: the most, and what is expected."""
    most = batch / bound(rows, phase, gpu, tf32)
    return most, most * share(rows, arch, batch, phase, tf32)
