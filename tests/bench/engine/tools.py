"""The same plan for each tool: the files it reads, how it is started, what it did."""

import json
import os
import re
import shutil
import subprocess

from measure import Wrong
from plan import write

RECIPE_LIMIT = 8 << 20  # bytes of one file of a recipe; Larder takes 16 MiB


def version(command):
    try:
        r = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = r.stdout.decode(errors="replace").splitlines()
    return lines[0] if r.returncode == 0 and lines else None


class Peer:
    """A tool that writes outputs into the work tree, beside the sources."""

    def __init__(self, stamp):
        self.stamp = stamp

    def clean(self, plan, root):
        """As if nothing had been made."""
        remove_tree(os.path.join(root, "out"))
        plan.make_folders(root)
        self.forget(root)

    def forget(self, root):
        """What it has kept of other runs."""

    def remember(self, plan, root):
        """What the tool keeps of a run, after one that made the outputs that are there."""

    def check(self, run, want):
        got = self.ran(run.text)
        if got != want:
            raise Wrong("%s ran %s steps, not %d" % (self.name, got, want))
        return run


class Make(Peer):
    name = "make"
    command = ["make", "-r"]

    def version(self):
        return version(["make", "--version"])

    def write(self, plan, root):
        lines = ["all: " + " ".join(plan.ends)]
        for s in plan.steps:
            inputs = " ".join(s.inputs)
            lines.append("%s: %s\n\t%s" % (s.path, inputs, " ".join(
                s.words(self.stamp, s.path, s.label, s.inputs))))
        write(os.path.join(root, "Makefile"), ("\n".join(lines) + "\n").encode())

    def ran(self, text):
        return len(re.findall(r"^(?:%s|/usr/bin/cp) " % re.escape(self.stamp), text, re.M))


class Ninja(Peer):
    name = "ninja"
    command = ["ninja", "-j1"]
    file, log_folder = "build.ninja", ""
    moving = False

    def version(self):
        return version(["ninja", "--version"])

    def line(self, s):
        return " ".join(s.words(self.stamp, s.path, s.label, s.inputs))

    def write(self, plan, root):
        lines = ["rule stamp", "  command = " + " ".join(
            plan.steps[0].words(self.stamp, "$out", "$label", ["$in"]))]
        if self.log_folder:
            lines.insert(0, "builddir = " + self.log_folder)
        if self.moving:
            lines = ["rule stamp",
                     "  command = %s $out.new $label $in && if cmp -s $out.new $out; "
                     "then rm $out.new; else mv $out.new $out; fi" % self.stamp,
                     "  restat = 1"]
        for s in plan.steps:
            lines.append("build %s: stamp %s\n  label = %s" % (s.path, " ".join(s.inputs),
                                                               s.label))
        write(os.path.join(root, self.file), ("\n".join(lines) + "\n").encode())

    def forget(self, root):
        for name in (".ninja_log", ".ninja_deps"):
            path = os.path.join(root, self.log_folder, name)
            if os.path.exists(path):
                os.remove(path)

    def remember(self, plan, root):
        """Its log, version 5; a wrong digest in it would make ninja run everything."""
        lines = ["# ninja log v5"]
        for s in plan.steps:
            mtime = os.stat(os.path.join(root, s.path)).st_mtime_ns
            lines.append("0\t1\t%d\t%s\t%x" % (mtime, s.path,
                                               murmur64(self.line(s).encode())))
        write(os.path.join(root, ".ninja_log"), ("\n".join(lines) + "\n").encode())

    def ran(self, text):
        return len(re.findall(r"^\[\d+/\d+\]", text, re.M))


class NinjaMoving(Ninja):
    name = "ninja, restat and compare before move"
    moving = True

    def line(self, s):
        return ("%s %s.new %s %s && if cmp -s %s.new %s; then rm %s.new; else mv %s.new %s; "
                "fi" % (self.stamp, s.path, s.label, " ".join(s.inputs), s.path, s.path,
                        s.path, s.path, s.path))


class Samurai(Ninja):
    """It keeps another log than ninja, in a folder of its own."""

    name = "samurai"
    command = ["samu", "-j1", "-f", "samurai.ninja"]
    file, log_folder = "samurai.ninja", "samurai"

    def version(self):
        return version(["samu", "--version"])


class Snakemake(Peer):
    name = "snakemake"
    command = ["snakemake", "-c1", "--rerun-triggers", "mtime"]

    def version(self):
        return version(["snakemake", "--version"])

    def write(self, plan, root):
        write(os.path.join(root, "plan.json"), json.dumps(
            {s.path: [s.label, s.inputs] for s in plan.steps}).encode())
        write(os.path.join(root, "Snakefile"), ("""import json
plan = json.load(open("plan.json"))
rule all:
    input: %s
rule step:
    input: lambda w: plan["out/" + w.name][1]
    output: "out/{name}"
    params: label=lambda w: plan["out/" + w.name][0]
    shell: "%s {output} {params.label} {input}"
""" % (json.dumps(plan.ends), self.stamp)).encode())

    def forget(self, root):
        shutil.rmtree(os.path.join(root, ".snakemake"), ignore_errors=True)

    def ran(self, text):
        if "Nothing to be done" in text:
            return 0
        return len(re.findall(r"^rule step:", text, re.M))


class Dvc(Peer):
    name = "DVC"
    command = ["dvc", "repro"]

    def version(self):
        return version(["dvc", "--version"])

    def write(self, plan, root):
        lines = ["stages:"]
        for s in plan.steps:
            lines.append("  %s:\n    cmd: %s %s %s %s\n    deps: [%s]\n    outs: [%s]" % (
                s.label, self.stamp, s.path, s.label, " ".join(s.inputs),
                ", ".join(s.inputs), s.path))
        write(os.path.join(root, "dvc.yaml"), ("\n".join(lines) + "\n").encode())

    def remember(self, plan, root):
        for command in (["dvc", "init", "--no-scm", "-q"], ["dvc", "commit", "-f", "-q"]):
            if subprocess.run(command, cwd=root, stdin=subprocess.DEVNULL).returncode != 0:
                raise Wrong("%s fails" % " ".join(command))

    def ran(self, text):
        return text.count("Running stage ")


class Larder:
    """Outputs are in its store; `get` is asked for where they are wanted in the work tree."""

    name = "larder"

    def __init__(self, larder, stamp):
        self.larder, self.stamp = larder, stamp
        self.command = [larder, "run", "-j1"]

    def version(self):
        return version([self.larder, "version"])

    def env(self, root):
        env = dict(os.environ, LARDER_CACHE=os.path.join(root, "cache"))
        for name in [n for n in env if n.startswith("LARDER_") and n != "LARDER_CACHE"]:
            del env[name]
        env["XDG_CONFIG_HOME"] = os.path.join(root, "no-configuration")
        return env

    def write(self, plan, root, placed=False):
        stage = {s.path: s.label for s in plan.steps}
        parts, size = [[]], 0
        for s in plan.steps:
            refs = ["%s.o" % stage[i] if i in stage else "./" + i for i in s.inputs]
            names = ["i%d" % k for k in range(len(refs))]
            words = s.words(self.stamp, "${out.o}", s.label, ["${in.%s}" % n for n in names])
            line = '  %s: {run: [%s], in: {%s}, out: {o: o}}\n' % (
                s.label, ", ".join('"%s"' % w for w in words),
                ", ".join("%s: %s" % p for p in zip(names, refs)))
            size += len(line)
            if size > RECIPE_LIMIT:
                parts.append([])
                size = len(line)
            parts[-1].append(line)
        head = "larder: 1\n"
        if len(parts) > 1:
            names = ["part-%d.yaml" % i for i in range(1, len(parts))]
            head += "include: [%s]\n" % ", ".join(names)
            for name, part in zip(names, parts[1:]):
                write(os.path.join(root, name), ("stages:\n" + "".join(part)).encode())
        if placed:
            head += "default: {target: all}\ntargets:\n  all:\n    get:\n"
            head += "".join("      %s.o: %s\n" % (s.label, s.path) for s in plan.steps)
        write(os.path.join(root, "larder.yaml"),
              (head + "stages:\n" + "".join(parts[0])).encode())

    def configure(self, root, text):
        os.makedirs(os.path.join(root, ".larder"), exist_ok=True)
        write(os.path.join(root, ".larder", "config"), text.encode())

    def clean(self, plan, root):
        for name in (".larder", "cache"):
            remove_tree(os.path.join(root, name))

    def ran(self, text):
        m = re.search(r"^(\d+) steps?: (\d+) ran", text, re.M)
        return int(m.group(2)) if m else None

    def check(self, run, want):
        got = self.ran(run.text)
        if got != want:
            raise Wrong("larder ran %s steps, not %d: %s" % (got, want, run.text[-300:]))
        return run


def remove_tree(path):
    """Also folders that may not be written to."""
    if not os.path.isdir(path):
        return
    for folder, _, _ in os.walk(path):
        os.chmod(folder, 0o755)
    shutil.rmtree(path)


def murmur64(data):
    """The digest of a command in ninja's log."""
    mask, m = (1 << 64) - 1, 0xC6A4A7935BD1E995
    h = 0xDECAFBADDECAFBAD ^ len(data) * m & mask
    whole = len(data) & ~7
    for i in range(0, whole, 8):
        k = int.from_bytes(data[i:i + 8], "little") * m & mask
        k = (k ^ k >> 47) * m & mask
        h = (h ^ k) * m & mask
    if whole < len(data):
        h = (h ^ int.from_bytes(data[whole:], "little")) * m & mask
    h = (h ^ h >> 47) * m & mask
    return h ^ h >> 47
