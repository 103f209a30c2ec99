"""Runs commands on one core and takes medians."""

import os
import shlex
import statistics
import subprocess
import sys


class Wrong(Exception):
    """A tool that did other work than it was asked for."""


class Run:
    """One run: CPU seconds of the command and its children, clock, KiB, status, text."""

    def __init__(self, line, text):
        cpu, clock, kib, status = line.split("\t")
        self.cpu, self.clock, self.mib = float(cpu), float(clock), int(kib) / 1024
        self.status, self.text = int(status), text


class Meter:
    def __init__(self, programs, work):
        self.cpu_of = os.path.join(programs, "cpu_of")
        self.line = os.path.join(work, "usage")
        self.log = os.path.join(work, "printed")
        self.core = str(max(os.sched_getaffinity(0)))

    def run(self, command, cwd, env=None, pinned=True):
        """The command must end with status 0."""
        pin = ["taskset", "-c", self.core] if pinned else []
        open(self.line, "w").close()
        with open(self.log, "wb") as log:
            subprocess.run(pin + [self.cpu_of, self.line] + command, cwd=cwd, env=env,
                           stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        with open(self.line) as f:
            line = f.read()
        with open(self.log, errors="replace") as f:
            text = f.read()
        if not line:
            raise Wrong("%s could not be started: %s" % (command[0], text[-500:]))
        run = Run(line, text)
        if run.status != 0:
            raise Wrong("%s ends with %d: %s" % (shlex.join(command[:4]), run.status,
                                                 text[-500:]))
        return run


def median(values):
    return statistics.median(values)


def in_turn(rounds, sides):
    """
    Calls each side (name -> function that gives a Run or a number) once a round; returns
    the results by name. What fails is a Wrong in its place and is not called again.
    """
    results = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            if isinstance(results[name], Wrong):
                continue
            try:
                results[name].append(side())
            except Wrong as e:
                say("%s: %s" % (name, e))
                results[name] = e
    return results


def say(text):
    print("engine: " + text, file=sys.stderr, flush=True)
