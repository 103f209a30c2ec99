"""A Slurm of one node, started in a folder and stopped: munge, a controller, a daemon."""
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
SlurmctldPort={ctld}
SlurmdPort={d}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/ctld.pid
SlurmdPidFile={folder}/d.pid
SlurmctldLogFile={folder}/ctld.log
SlurmdLogFile={folder}/d.log
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
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=4000 State=UNKNOWN
PartitionName=debug Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


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


class Slurm:
    def __init__(self, folder):
        self.folder = folder
        self.host = socket.gethostname().split(".")[0]
        for name in ("state", "spool"):
            os.makedirs(folder + "/" + name)
        with open(folder + "/slurm.conf", "w") as f:
            f.write(CONF.format(host=self.host, folder=folder, ctld=free_port(), d=free_port()))
        with open(folder + "/munge.key", "wb") as f:
            f.write(secrets.token_bytes(1024))
        os.chmod(folder + "/munge.key", 0o400)
        self.env = {**os.environ, "PATH": PATH, "SLURM_CONF": folder + "/slurm.conf"}
        self.run("munged", "--force", *["--%s=%s/munge.%s" % (o, folder, x) for o, x in (
            ("key-file", "key"), ("socket", "sock"), ("pid-file", "pid"), ("log-file", "log"), ("seed-file", "seed"))])
        self.run("slurmctld", "-c", "-f", self.env["SLURM_CONF"])
        self.start_node()

    def run(self, *words, check=True):
        return subprocess.run(words, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=check,
                              encoding="utf-8").stdout

    def start_node(self):
        self.run("slurmd", "-f", self.env["SLURM_CONF"], "-N", self.host)
        self.wait(lambda: self.run("sinfo", "-h", "-o", "%T", check=False).strip() in
                  ("idle", "mixed", "allocated", "completing"))

    def kill_node(self):
        """The daemon and all that it started are gone at once, as when the power fails."""
        self.kill("d.pid", signal.SIGKILL)
        for what in ("slurmstepd", "events job " + os.path.dirname(self.folder)):
            self.run("pkill", "-9", "-f", what, check=False)
        # The controller would find out by itself, in five minutes.
        self.run("scontrol", "update", "NodeName=" + self.host, "State=DOWN", "Reason=power")

    def repair_node(self):
        self.run("slurmd", "-f", self.env["SLURM_CONF"], "-N", self.host)
        self.run("scontrol", "update", "NodeName=" + self.host, "State=RESUME", check=False)

    def kill(self, pid_file, how):
        try:
            with open(self.folder + "/" + pid_file) as f:
                os.kill(int(f.read()), how)
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
        for name, how in (("d.pid", signal.SIGTERM), ("ctld.pid", signal.SIGTERM), ("munge.pid", signal.SIGTERM)):
            self.kill(name, how)
        time.sleep(.5)
