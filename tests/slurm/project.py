"""A project whose steps are jobs of Slurm, and what its steps have noted."""
import json
import os
import shutil
import subprocess
import time


class Project:
    def __init__(self, larder, recipe, folder, slurm):
        self.larder, self.folder, self.slurm = larder, folder, slurm
        self.notes = folder + "/notes"
        self.work = folder + "/project"
        os.makedirs(self.work)
        with open(self.work + "/larder.yaml", "w") as f:
            f.write(recipe)
        self.env = {**slurm.env, "LARDER_CACHE": folder + "/cache", "NOTES": self.notes, "HOME": folder, "PAUSE": "0.2"}
        self.forget()

    def forget(self):
        for name in (self.notes, self.folder + "/cache", self.work + "/.larder", self.work + "/out"):
            shutil.rmtree(name, ignore_errors=True)
        os.makedirs(self.notes)

    def start(self, *words, **env):
        return subprocess.Popen([self.larder, "--executor", "slurm", *words], cwd=self.work, env={**self.env, **env},
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")

    def run(self, *words, **env):
        p = self.start(*words, **env)
        out, err = p.communicate(timeout=3000)
        return p.returncode, out, err

    def said(self, what):
        try:
            with open(self.notes + "/all") as f:
                return [line.split()[1] for line in f if line.startswith(what + " ")]
        except FileNotFoundError:
            return []

    def until(self, ready, seconds=60):
        end = time.time() + seconds
        while not ready():
            assert time.time() < end, (self.slurm.queue(), self.said("begin"))
            time.sleep(.05)

    def nothing_is_left(self):
        self.until(lambda: not [x for x in self.slurm.queue() if "COMPLETING" not in x])


def totals(out):
    return json.loads(out.strip().split("\n")[-1])
