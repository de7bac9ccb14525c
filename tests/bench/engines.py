"""The three that are measured: kpod, podman and the floor. Each has roots of its own below one
directory, and the same image."""
import os
import pathlib
import shutil
import subprocess
import time

PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
IMAGE = 'registry.k8s.io/busybox:latest'  # a name that both give the archive's image

CONTAINERS_CONF = '''\
[containers]
default_ulimits = []
log_driver = "k8s-file"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
network_config_dir = "{networks}"
'''


def timed(argv, env):
    """Seconds from before the start of a program until it has ended; its output is passed over. By
    posix_spawn, whose cost is the same whoever is started and small beside what is measured."""
    null = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1)]
    argv = [str(a) for a in argv]
    begin = time.perf_counter()
    pid = os.posix_spawn(argv[0], argv, env, file_actions=null)
    _, status = os.waitpid(pid, 0)
    seconds = time.perf_counter() - begin
    if status != 0:
        raise RuntimeError(f'{" ".join(argv)}: exit code {os.waitstatus_to_exitcode(status)}')
    return seconds


def private_kib(pid):
    """Private_Clean + Private_Dirty: what this process alone keeps in memory."""
    total = 0
    for line in pathlib.Path(f'/proc/{pid}/smaps_rollup').read_text().splitlines():
        if line.startswith(('Private_Clean:', 'Private_Dirty:')):
            total += int(line.split()[1])
    return total


def processes():
    """{pid: command name} of the bench's process namespace."""
    found = {}
    for name in os.listdir('/proc'):
        if name.isdigit():
            try:
                found[int(name)] = pathlib.Path(f'/proc/{name}/cmdline').read_bytes().split(b'\0')[0].decode()
            except OSError:
                pass
    return found


class Kpod:
    name = 'kpod'

    def __init__(self, work, binaries):
        self.program = binaries / 'kpod'
        self.env = {'PATH': PATH, 'KPOD_ROOT': str(work / 'kpod'), 'KPOD_RUN': '/run/kpod-bench'}

    def load(self, archive):
        subprocess.run([self.program, 'load', '-q', '-i', archive], env=self.env, check=True, stdout=subprocess.DEVNULL)

    def play(self, manifest, *options):
        return timed([self.program, 'play', 'kube', '--quiet', *options, manifest], self.env)

    def down(self, manifest, pods):
        return timed([self.program, 'kube', 'down', '--time', '0', manifest], self.env)

    def ps(self):
        return timed([self.program, 'ps'], self.env)

    def monitors(self, names):
        return [pid for pid, name in names.items() if name == 'kpod-supervisor']


class Podman:
    name = 'podman'

    def __init__(self, work):
        conf = work / 'containers.conf'
        conf.write_text(CONTAINERS_CONF.format(networks=work / 'networks'))
        self.env = {'PATH': PATH, 'CONTAINERS_CONF': str(conf), 'HOME': str(work)}
        self.command = ['/usr/bin/podman', '--root', work / 'podman', '--runroot', '/run/podman-bench',
                        '--tmpdir', '/run/podman-bench-tmp']

    def load(self, archive):
        subprocess.run([*self.command, 'load', '-q', '-i', archive], env=self.env, check=True,
                       stdout=subprocess.DEVNULL)

    def play(self, manifest, *options):
        return timed([*self.command, 'play', 'kube', '--quiet', *options, manifest], self.env)

    def down(self, manifest, pods):
        # `kube down` has no --time in this version: the same by name, as fast as podman can.
        return timed([*self.command, 'pod', 'rm', '--force', '--time', '0', *pods], self.env)

    def ps(self):
        return timed([*self.command, 'ps'], self.env)

    def monitors(self, names):
        return [pid for pid, name in names.items() if name.endswith(('/conmon', '/aardvark-dns'))]


class Floor:
    name = 'floor'

    def __init__(self, work, binaries):
        self.program = binaries / 'floor'
        self.env = {'PATH': PATH}
        self.work = work / 'floor'
        self.work.mkdir()
        self.rootfs = None

    def container(self):
        return self._run('container')

    def pods(self, pods, containers):
        return self._run('pods', pods, containers)

    def _run(self, mode, *numbers):
        directory = self.work / mode
        try:
            return timed([self.program, mode, *numbers, self.rootfs, directory], self.env)
        finally:
            shutil.rmtree(directory, ignore_errors=True)


class Bench:
    """What a figure measures with; without podman, its column stays empty."""

    def __init__(self, work, binaries, images, podman):
        self.work = work
        self.kpod = Kpod(work, binaries)
        self.floor = Floor(work, binaries)
        self.engines = [self.kpod] + ([Podman(work)] if podman else [])
        for engine in self.engines:
            engine.load(images / 'busybox.tar')
        self.floor.rootfs = next((work / 'kpod').rglob('bin/busybox')).parents[1]

    def manifest(self, name, text):
        path = self.work / name
        path.write_text(text)
        return path
