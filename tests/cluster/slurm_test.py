#!/usr/bin/env python3
"""Runs contrib/slurm on a real Slurm: slurmctld and two slurmd on this machine, and one of the nodes fails in the middle.

    slurm_test.py build/dev/bin/genrewise     needs root, slurm-wlm and munge (Debian); exits with 77 where they are missing

An array job extracts and packs in four parts, its merge follows by --dependency. One node is killed with all its processes
while parts run: Slurm puts its task back into the queue, the other node finishes it, and the merged files are the same
bytes as those of one run. A preempted task (scontrol requeue) does the same. contrib/slurm/train.sh trains a network with
two ranks, whose losses are those of one process.
"""
import argparse
import filecmp
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "faults"))
import kill  # noqa: E402  (make_music)
import ranks_test  # noqa: E402

SCRIPTS = os.path.join(HERE, "..", "..", "contrib", "slurm")
PARTS = 4
SECONDS = 16  # of each job for one processor, so that a part runs for some seconds whatever the speed of the machine


def skip(reason):
    print("skipped: " + reason)
    sys.exit(77)


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def wait_for(condition, seconds, what):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.3)
    raise SystemExit(f"failed: {what} did not happen in {seconds} s")


class Slurm:
    def __init__(self, folder):
        self.folder, self.processes = folder, {}
        self.environment = dict(os.environ, SLURM_CONF=os.path.join(folder, "slurm.conf"))
        host = socket.gethostname().split(".")[0]
        ctld, *nodes = free_ports(3)
        for name in ("state", "spooln1", "spooln2"):
            os.makedirs(os.path.join(folder, name))
        lines = ["ClusterName=test", f"SlurmctldHost={host}(127.0.0.1)", "SlurmUser=root", "AuthType=auth/munge",
                 "ProctrackType=proctrack/linuxproc", "TaskPlugin=task/none", "MpiDefault=none", "ReturnToService=2",
                 f"StateSaveLocation={folder}/state", f"SlurmdSpoolDir={folder}/spool%n", f"SlurmctldPidFile={folder}/ctld.pid",
                 f"SlurmdPidFile={folder}/%n.pid", f"SlurmctldLogFile={folder}/ctld.log", f"SlurmdLogFile={folder}/%n.log",
                 "SelectType=select/cons_tres", "SelectTypeParameters=CR_CPU", f"SlurmctldPort={ctld}", "MailProg=/bin/true",
                 "SlurmdTimeout=6", "KillWait=10", "JobRequeue=1", "SchedulerParameters=sched_interval=2,bf_interval=2"]
        lines += [f"NodeName=n{i} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=1" for i, port in enumerate(nodes, 1)]
        lines += ["PartitionName=all Nodes=n1,n2 Default=YES State=UP OverSubscribe=NO"]
        with open(self.environment["SLURM_CONF"], "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        self.start("munged", self.munge())
        self.start("ctld", ["slurmctld", "-D"])
        for node in ("n1", "n2"):
            self.start(node, ["slurmd", "-D", "-N", node])
        wait_for(lambda: self.run("sinfo", "-h", "-o", "%T %D").strip() == "idle 2", 60, "two idle nodes")

    @staticmethod
    def munge():
        if subprocess.run(["munge", "-n"], capture_output=True, check=False).returncode == 0:
            return None
        key = "/etc/munge/munge.key"
        if not os.path.exists(key) or os.path.getsize(key) == 0:
            with open(key, "wb") as file:
                file.write(os.urandom(1024))
            shutil.chown(key, "munge", "munge")
            os.chmod(key, 0o400)
        os.makedirs("/run/munge", exist_ok=True)
        shutil.chown("/run/munge", "munge", "munge")
        return ["runuser", "-u", "munge", "--", "munged", "--foreground"]

    def start(self, name, command):
        if command is None:
            return
        log = open(os.path.join(self.folder, name + ".out"), "wb")
        self.processes[name] = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log, start_new_session=True)
        time.sleep(1)

    def run(self, *command, check=False):
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        if check and done.returncode != 0:
            raise SystemExit(f"failed: {' '.join(command)}: {done.stderr}")
        return done.stdout

    def processes_of(self, node):
        """The processes of jobs on a node, and the slurmstepd that started them."""
        found = set()
        for entry in os.listdir("/proc"):
            try:
                with open(f"/proc/{entry}/environ", "rb") as file:
                    variables = file.read().split(b"\0")
                if f"SLURMD_NODENAME={node}".encode() not in variables:
                    continue
                if f"SLURM_CONF={self.environment['SLURM_CONF']}".encode() not in variables:
                    continue
                found.add(int(entry))
                with open(f"/proc/{entry}/stat", encoding="utf-8") as file:
                    parent = int(file.read().rsplit(")", 1)[1].split()[1])
                with open(f"/proc/{parent}/comm", encoding="utf-8") as file:
                    if file.read().startswith("slurmstepd"):
                        found.add(parent)
            except (OSError, ValueError):
                continue
        return found

    def fail(self, node):
        """As if the machine lost its power."""
        self.processes.pop(node).kill()
        victims = self.processes_of(node)
        for process in victims:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return len(victims)

    def stop(self):
        self.run("scancel", "--user=root")
        time.sleep(1)
        for name in ("n1", "n2", "ctld", "munged"):
            if name in self.processes:
                self.processes[name].terminate()
                self.processes[name].wait()


def submit(slurm, work, *arguments):
    """The ids of the array job and of the merge."""
    done = subprocess.run([os.path.join(SCRIPTS, "submit.sh"), str(PARTS), *arguments], env=slurm.environment, cwd=work,
                          capture_output=True, text=True, check=False)
    words = done.stdout.replace(",", "").split()
    if done.returncode != 0 or len(words) != 5:
        raise SystemExit(f"failed: submit.sh: {done.stdout}{done.stderr}")
    return words[2], words[4]


def run_alone(program, command, output):
    """Its seconds."""
    start = time.monotonic()
    subprocess.run([program, "-q", "--threads", "1", *command, "-o", output], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - start


def add_links(music, names):
    """So that each clip has so many names, and is as many clips."""
    for folder, _, files in list(os.walk(music)):
        for name in files:
            for link in range(1, names):
                os.link(os.path.join(folder, name), os.path.join(folder, f"{link:04}-{name}"))


def finished(slurm, job):
    state = slurm.run("squeue", "-h", "-j", job, "-o", "%T")
    return not state.strip()


def compare(one, other):
    if os.path.isdir(one):
        names = sorted(os.listdir(one))
        if names != sorted(os.listdir(other)):
            raise SystemExit(f"failed: {other} has {sorted(os.listdir(other))}, not {names}")
        for name in names:
            compare(os.path.join(one, name), os.path.join(other, name))
    elif not filecmp.cmp(one, other, shallow=False):
        raise SystemExit(f"failed: {other} differs from the result of one run")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that Slurm is stopped
    options = parser.parse_args()
    missing = [name for name in ("slurmctld", "slurmd", "sbatch", "srun", "munged") if shutil.which(name) is None]
    if missing:
        skip(f"{', '.join(missing)} not installed (slurm-wlm and munge)")
    if os.geteuid() != 0:
        skip("a Slurm of its own needs root")
    work = tempfile.mkdtemp(prefix="genrewise-slurm-")
    music, program = os.path.join(work, "music"), os.path.abspath(options.program)
    os.environ["GENREWISE"] = program
    alone, shared, short = (os.path.join(work, name) for name in ("alone", "shared", "short"))
    for folder in (alone, shared, short):
        os.makedirs(folder)
    extract = ["extract", music, "--features", "fma518"]
    pack = ["pack", music, "--features", "mel224", "--shards", "8"]
    kill.make_music(music, tracks=20, seconds=2)
    times = [run_alone(program, command, os.path.join(short, output)) for command, output in ((extract, "t.npy"), (pack, "p"))]
    add_links(music, round(SECONDS / min(times)))
    for command, output in ((extract, "t.npy"), (pack, "p")):
        print(f"{command[0]}: {run_alone(program, command, os.path.join(alone, output)):.1f} s alone")
    table, network = ranks_test.make_table(program, work), os.path.join(alone, "network")
    subprocess.run(ranks_test.train_command(program, table, network), check=True, stdout=subprocess.DEVNULL)
    slurm = Slurm(os.path.join(work, "slurm"))
    try:
        array, merge = submit(slurm, work, *extract, "-o", os.path.join(shared, "t.npy"))
        wait_for(lambda: "genrewise" in commands_of(slurm.processes_of("n2")), 60, "a part on the second node")
        time.sleep(1)
        killed = slurm.fail("n2")
        print(f"killed the node n2 with {killed} processes while a part of job {array} ran")
        wait_for(lambda: finished(slurm, merge), 300, "the end of the merge")
        for name in ("t.npy", "t.npy.json"):
            compare(os.path.join(alone, name), os.path.join(shared, name))
        print("extract: the merged table is the same as that of one run")

        slurm.start("n2", ["slurmd", "-D", "-N", "n2"])
        array, merge = submit(slurm, work, *pack, "-o", os.path.join(shared, "p"))
        wait_for(lambda: "genrewise" in commands_of(slurm.processes_of("n1")), 60, "a part on the first node")
        time.sleep(1)
        running = slurm.run("squeue", "-h", "-j", array, "-t", "RUNNING", "-o", "%i").split()
        slurm.run("scontrol", "requeue", running[0], check=True)
        wait_for(lambda: slurm.run("squeue", "-h", "-j", running[0], "-o", "%T").strip() == "PENDING", 60, "the requeue")
        slurm.run("scontrol", "update", f"JobId={running[0]}", "StartTime=now")  # else after two minutes
        print(f"put {running[0]} back into the queue while it ran")
        wait_for(lambda: finished(slurm, merge), 300, "the end of the merge")
        compare(os.path.join(alone, "p"), os.path.join(shared, "p"))
        print("pack: the merged pack is the same as that of one run")

        # Both nodes are this machine, which their names are not known to.
        network = os.path.join(shared, "network")
        script = [os.path.join(SCRIPTS, "train.sh"), *ranks_test.train_command("", table, network)[5:]]
        environment = dict(slurm.environment, MASTER_ADDR="127.0.0.1")
        subprocess.run(["sbatch", "--wait", "--nodes=2", "--ntasks-per-node=1", *script], check=True, env=environment, cwd=work,
                       timeout=300)
        ranks_test.compare_losses(os.path.join(alone, "network"), network, "srun with 2 ranks")
    except BaseException:
        for name in sorted(os.listdir(work)):
            if name.endswith(".log"):
                with open(os.path.join(work, name), encoding="utf-8", errors="replace") as file:
                    print(f"-- {name}\n{file.read()[-2000:]}")
        raise
    finally:
        slurm.stop()
        shutil.rmtree(work, ignore_errors=True)


def commands_of(processes):
    names = set()
    for process in processes:
        try:
            with open(f"/proc/{process}/comm", encoding="utf-8") as file:
                names.add(file.read().strip())
        except OSError:
            pass
    return names


if __name__ == "__main__":
    main()
