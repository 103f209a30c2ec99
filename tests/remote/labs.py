"""Labs on one machine, each with a home, a cache and a project of its own, that share a remote."""
import os
import shutil
import subprocess

N = 40

RECIPE = """larder: 1
name: web
axes: {n: [%s]}
stages:
  part:
    matrix: [n]
    sh: |
      mkdir ${out.x}
      for i in 1 2 3; do echo "${m.n} $i" > ${out.x}/$i; done
      head -c ${params.size} /dev/zero | tr '\\\\0' ${m.n} > ${out.x}/large
    out: {x: x/}
  all:
    sh: for t in ${in.x[*]}; do cat $t/1 $t/2 $t/3; wc -c < $t/large; done > ${out.y}
    in: {x: "part[*].x"}
    out: {y: y}
params: {size: 1000}
targets: {paper: {get: {all.y: out/y}}}
default: {target: paper}
""" % ", ".join("v%d" % i for i in range(N))


class Lab:
    def __init__(self, larder, folder, name, remote, recipe=RECIPE, **env):
        self.larder, self.name, self.home = larder, name, folder + "/" + name
        self.work = self.home + "/project"
        os.makedirs(self.work)
        with open(self.work + "/larder.yaml", "w") as f:
            f.write(recipe)
        self.env = {"PATH": "/usr/bin:/bin", "HOME": self.home, "LANG": "C.UTF-8", "LARDER_CACHE": self.home + "/cache",
                    "LARDER_SANDBOX": "off", "LARDER_REMOTE": remote, **env}

    def start(self, *words, **env):
        return subprocess.Popen([self.larder, *words], cwd=self.work, env={**self.env, **env}, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, encoding="utf-8")

    def run(self, *words, rc=0, **env):
        p = self.start(*words, **env)
        try:
            said = p.communicate(timeout=300)[0]
        finally:
            p.kill()
        assert p.returncode == rc, (words, p.returncode, said)
        return said

    def forget(self, cache=True):
        for name in ((self.home + "/cache") if cache else "", self.work + "/.larder", self.work + "/out"):
            shutil.rmtree(name, ignore_errors=True)

    def result(self):
        with open(self.work + "/out/y") as f:
            return f.read()
