"""A Slurm started in a folder and stopped: munge, a controller, and a daemon for each node."""
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time

CONF = """ClusterName=larder
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmctldPort={port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/ctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/ctld.log
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
MpiDefault=none
ReturnToService=2
JobRequeue=1
MinJobAge=300
MaxArraySize=1001
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SlurmdParameters=config_overrides
GresTypes=gpu
"""
NODE = "NodeName={name} NodeAddr=127.0.0.1 Port={port} CPUs={cpus} RealMemory=4000 Gres=gpu:2 State=UNKNOWN\n"
PARTITION = "PartitionName=debug Nodes={names} Default=YES MaxTime=INFINITE State=UP\n"
GPUS = 2


def skip_without():
    """What a test needs beside Larder; a skip is a failure where CI is true."""
    lacking = [x for x in ("sbatch", "slurmctld", "slurmd", "munged") if not shutil.which(x, path=PATH)]
    why = "there is no " + ", ".join(lacking) if lacking else "this needs root" if os.getuid() else None
    if not why:
        return
    if os.environ.get("CI") == "true":
        sys.exit("slurm: %s, and CI is true" % why)
    print("slurm: skipped, " + why)
    sys.exit(77)


PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Node:
    """A host of its own as far as names and mounts go: a process keeps its namespaces until close().
    Below `local` it has a file system that no other node sees."""

    def __init__(self, name, local):
        self.name = name
        self.keeper = subprocess.Popen(
            ["unshare", "--mount", "--uts", "sh", "-c",
             'hostname "$1" && mount -t tmpfs none "$2" && echo ready && exec sleep infinity', "sh", name, local],
            stdout=subprocess.PIPE, encoding="utf-8")
        assert self.keeper.stdout.readline() == "ready\n", "%s cannot have namespaces of its own" % name

    def words(self, *words):
        """The command that runs there."""
        return ["nsenter", "--mount", "--uts", "--target", str(self.keeper.pid), *words]

    def processes(self):
        ours = os.stat("/proc/%d/ns/uts" % self.keeper.pid).st_ino
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if int(pid) != self.keeper.pid and os.stat("/proc/%s/ns/uts" % pid).st_ino == ours:
                    yield int(pid)
            except OSError:
                pass

    def close(self):
        self.keeper.kill()
        self.keeper.wait()


class Slurm:
    def __init__(self, folder, nodes=("n1",), cpus=4):
        self.folder = folder
        self.local = folder + "/local"
        for name in ("state", "local", *["spool-" + n for n in nodes]):
            os.makedirs(folder + "/" + name)
        self.write_files(nodes, cpus)
        self.env = {**os.environ, "PATH": PATH, "SLURM_CONF": folder + "/slurm.conf"}
        self.nodes = {n: Node(n, self.local) for n in nodes}
        self.run("munged", "--force", *["--%s=%s/munge.%s" % (o, folder, x) for o, x in (
            ("key-file", "key"), ("socket", "sock"), ("pid-file", "pid"), ("log-file", "log"), ("seed-file", "seed"))])
        self.run("slurmctld", "-c", "-f", self.env["SLURM_CONF"])
        for name in nodes:
            self.start_daemon(name)
        self.wait(lambda: all(x in ("idle", "mixed", "allocated", "completing")
                              for x in self.run("sinfo", "-h", "-N", "-o", "%T", check=False).split() or ["none"]))

    def write_files(self, nodes, cpus):
        host = socket.gethostname().split(".")[0]
        with open(self.folder + "/slurm.conf", "w") as f:
            f.write(CONF.format(host=host, folder=self.folder, port=free_port()))
            for name in nodes:
                f.write(NODE.format(name=name, port=free_port(), cpus=cpus))
            f.write(PARTITION.format(names=",".join(nodes)))
        # Slurm wants devices, and any will do.
        for i in range(GPUS):
            subprocess.run(["mknod", "%s/gpu%d" % (self.folder, i), "c", "1", "3"], check=True)
        with open(self.folder + "/gres.conf", "w") as f:
            f.write("Name=gpu File=%s/gpu[0-%d]\n" % (self.folder, GPUS - 1))
        with open(self.folder + "/munge.key", "wb") as f:
            f.write(secrets.token_bytes(1024))
        os.chmod(self.folder + "/munge.key", 0o400)

    def run(self, *words, check=True):
        return subprocess.run(words, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=check,
                              encoding="utf-8").stdout

    def start_daemon(self, name):
        self.run(*self.nodes[name].words("slurmd", "-f", self.env["SLURM_CONF"], "-N", name))

    def kill_node(self, name="n1"):
        """The daemon and all that runs there are gone at once, as when the power fails."""
        for pid in list(self.nodes[name].processes()):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        # The controller would find out by itself, in five minutes.
        self.run("scontrol", "update", "NodeName=" + name, "State=DOWN", "Reason=power")

    def repair_node(self, name="n1"):
        self.start_daemon(name)
        self.run("scontrol", "update", "NodeName=" + name, "State=RESUME", check=False)

    def on_node(self, name, *words):
        """What a command prints there."""
        return self.run(*self.nodes[name].words(*words))

    def kill(self, pid_file):
        try:
            with open(self.folder + "/" + pid_file) as f:
                os.kill(int(f.read()), signal.SIGTERM)
        except (OSError, ValueError):
            pass

    def wait(self, ready, seconds=60):
        end = time.time() + seconds
        while not ready():
            assert time.time() < end, "Slurm is not ready: " + self.run("sinfo", "-R", check=False)
            time.sleep(.1)

    def queue(self):
        return self.run("squeue", "-h", "-r", "-o", "%F_%K %T").split("\n")[:-1]

    def stop(self):
        self.run("scancel", "-u", "root", check=False)
        for name in (*self.nodes, "ctld", "munge"):
            self.kill(name + ".pid")
        time.sleep(.5)
        for node in self.nodes.values():
            node.close()
