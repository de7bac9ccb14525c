"""KpodTest: a root and a run directory of its own, the built binary, and the promise that after every
test nothing is left on the machine."""
import contextlib
import json
import os
import pathlib
import pty
import shutil
import signal
import subprocess
import tempfile
import textwrap
import time
import unittest

import machine

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get('KPOD_BIN', SOURCE / 'build/bin'))
IMAGES = pathlib.Path(os.environ.get('KPOD_TEST_IMAGES', SOURCE / 'build/test-images'))
KPOD = str(BIN / 'kpod')
SANITIZED = 'asan' in str(BIN)


def need(*programs):
    """Skips the test, naming what is missing."""
    for program in programs:
        if not shutil.which(program, path=os.environ.get('PATH', '') + ':/usr/sbin:/sbin'):
            raise unittest.SkipTest(f'{program} is not installed')


def can_map_owners():
    """Whether the kernel and the file system of the tests can do what hostUsers: false wants."""
    version = tuple(int(part) for part in os.uname().release.split('.')[:2])
    kind = subprocess.run(['stat', '-f', '-c', '%T', tempfile.gettempdir()], capture_output=True, text=True)
    return version >= (6, 5) and kind.stdout.strip() != 'overlayfs'


def image_archive(name):
    path = IMAGES / f'{name}.tar'
    if not path.exists():
        raise unittest.SkipTest(f'no image {name}: tests/system/prepare.sh did not make it')
    return path


class KpodTest(unittest.TestCase):
    images = ['busybox']  # loaded once a class
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.dir = pathlib.Path(tempfile.mkdtemp(prefix='kpod-test-'))
        cls.root, cls.run_dir = cls.dir / 'root', cls.dir / 'run'
        cls.env = dict(os.environ, KPOD_ROOT=str(cls.root), KPOD_RUN=str(cls.run_dir),
                       ASAN_OPTIONS='detect_leaks=0', LC_ALL='C.UTF-8', TERM='xterm')
        cls.env.pop('NO_COLOR', None)
        cls.addClassCleanup(shutil.rmtree, cls.dir, ignore_errors=True)
        for name in cls.images:
            done = subprocess.run([KPOD, 'load', '-i', str(image_archive(name))], env=cls.env,
                                  capture_output=True, text=True, timeout=300)
            if done.returncode:
                raise RuntimeError(f'kpod load {name}: {done.stderr}')
        cls.group = 'kpod-' + cls.instance()

    @classmethod
    def instance(cls):
        """The short hash of the root that names of interfaces and groups carry (store/paths.cc)."""
        value = 2166136261
        for byte in str(cls.root).encode():
            value = (value ^ byte) * 16777619 % 2**32
        return f'{(value >> 24 ^ value) & 0xffffff:06x}'

    def setUp(self):
        self.played = []
        self.before = machine.Snapshot(self.root, self.run_dir, self.group)
        self.addCleanup(self._clean)

    def _clean(self):
        """Takes everything down, then asserts that nothing is left."""
        problem = ''
        for path in reversed(self.played):
            done = self.kpod('kube', 'down', '--force', '--time', '0', path, rc=None)
            if done.returncode and not problem:
                problem = f'kube down {path}: {done.stderr.strip()}'
        left = []
        deadline = time.monotonic() + 60
        while True:
            left = machine.Snapshot(self.root, self.run_dir, self.group).left(self.before)
            if not left or time.monotonic() > deadline:
                break
            time.sleep(0.1)
        if left:
            self._by_force(left)
        if problem or left:
            self.fail('\n'.join(['left behind:'] * bool(left) + left + [problem] * bool(problem)))

    def _by_force(self, left):
        """So that the next test of this suite starts clean."""
        for line in left:
            if line.startswith('process: '):
                try:
                    os.kill(int(line.split()[1]), signal.SIGKILL)
                except OSError:
                    pass
        time.sleep(0.2)
        self.kpod('system', 'prune', '--force', rc=None)
        for folder in ('pods', 'objects', 'volumes', 'network'):
            shutil.rmtree(self.root / folder, ignore_errors=True)
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        self.before = machine.Snapshot(self.root, self.run_dir, self.group)

    # ---- running kpod

    def kpod(self, *argv, rc=0, input=None, timeout=120, env=None, **more):
        """Runs kpod; `rc` None: whatever its exit code is."""
        done = subprocess.run([KPOD, *map(str, argv)], env=dict(self.env, **(env or {})), input=input,
                              capture_output=True, text=True, timeout=timeout, **more)
        if rc is not None and done.returncode != rc:
            self.fail(f'kpod {" ".join(map(str, argv))}: exit code {done.returncode}, not {rc}\n'
                      f'stdout: {done.stdout}\nstderr: {done.stderr}')
        if 'AddressSanitizer' in done.stderr or 'runtime error:' in done.stderr:
            self.fail(f'kpod {" ".join(map(str, argv))}:\n{done.stderr}')
        return done

    def write(self, name, text):
        path = self.dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        documents = [text] if isinstance(text, str) else text
        path.write_text('---\n'.join(textwrap.dedent(t) for t in documents))
        return str(path)

    def play(self, text, *options, name='app.yaml', rc=0, **more):
        """Plays a manifest, or several documents; it is taken down at the end of the test."""
        path = self.write(name, text)
        if path not in self.played:
            self.played.append(path)
        return self.kpod('play', 'kube', *options, path, rc=rc, **more)

    def down(self, name='app.yaml', *options):
        return self.kpod('kube', 'down', '--time', '0', *options, self.dir / name)

    # ---- looking

    def pods(self, namespace='default'):
        """Names of the pods on disk."""
        try:
            names = os.listdir(self.root / 'pods')
        except FileNotFoundError:
            return []
        return sorted(n.split('_', 1)[1] for n in names if n.startswith(namespace + '_'))

    def read(self, pod, file, namespace='default'):
        try:
            return json.loads((self.root / 'pods' / f'{namespace}_{pod}' / file).read_text())
        except FileNotFoundError:
            return {}

    def status(self, pod, namespace='default'):
        """status.json: the shape of Kubernetes' PodStatus."""
        return self.read(pod, 'status.json', namespace)

    def container(self, pod, name, namespace='default'):
        for status in self.status(pod, namespace).get('containerStatuses', []):
            if status['name'] == name:
                return status
        return {}

    def word(self, pod):
        """What `kpod ps` says of a pod's state."""
        for line in self.kpod('pod', 'ps').stdout.splitlines()[1:]:
            if pod in line.split():
                return line
        return ''

    def pid(self, pod, container):
        return self.container(pod, container).get('kpodPid', 0)

    def logs(self, *argv, **more):
        return self.kpod('logs', *argv, **more).stdout

    def exec(self, pod, *argv, **more):
        return self.kpod('exec', pod, *argv, **more).stdout

    def on_a_terminal(self, *argv, typed=b'', rc=0):
        """What kpod says to a terminal of its own, which is the controlling one."""
        pid, master = pty.fork()
        if pid == 0:
            os.execve(KPOD, [KPOD, *map(str, argv)], self.env)
        os.write(master, typed)
        said = b''
        with contextlib.suppress(OSError):  # EIO: the other end is closed
            while chunk := os.read(master, 4096):
                said += chunk
        os.close(master)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if rc is not None:
            self.assertEqual(code, rc, said)
        return said.decode()

    def wait(self, condition, what, seconds=60):
        """Until condition() is true; its value."""
        deadline = time.monotonic() + seconds
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > deadline:
                self.fail(f'after {seconds} s still not: {what}\n' + self.kpod('pod', 'ps', rc=None).stdout)
            time.sleep(0.02)

    def wait_phase(self, pod, phase, seconds=60):
        self.wait(lambda: self.status(pod).get('phase') == phase, f'pod {pod} is {phase}', seconds)

    def wait_running(self, pod, seconds=60):
        def all_run():
            status = self.status(pod)
            states = [c['state'] for c in status.get('containerStatuses', [])]
            return status.get('phase') == 'Running' and states and all('running' in s for s in states)
        self.wait(all_run, f'all containers of {pod} run', seconds)

    def wait_log(self, pod, text, *options, seconds=60):
        return self.wait(lambda: next((l for l in self.logs(pod, *options, rc=None).splitlines() if text in l), None),
                         f'{text!r} in the log of {pod}', seconds)


def pod(name, command, extra='', container_extra='', image='busybox', namespace=''):
    """A pod of one busybox container that runs a shell command."""
    text = f'''\
apiVersion: v1
kind: Pod
metadata:
  name: {name}
'''
    if namespace:
        text += f'  namespace: {namespace}\n'
    text += 'spec:\n  terminationGracePeriodSeconds: 0\n'
    text += textwrap.indent(textwrap.dedent(extra), '  ')
    text += f'''\
  containers:
  - name: main
    image: {image}
    command: ["/bin/sh", "-c", {json.dumps(command)}]
'''
    text += textwrap.indent(textwrap.dedent(container_extra), '    ')
    return text


def deployment(name, containers, replicas=1, extra='', namespace='default'):
    """Pods with the label app: NAME; `containers` is their list, `extra` the rest of their spec."""
    return f'''\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
''' + textwrap.indent(textwrap.dedent(containers), ' ' * 6) + textwrap.indent(textwrap.dedent(extra), ' ' * 6)


def claim(name, extra=''):
    return f'''\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: {name}}}
spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Mi}}}}{extra}}}
'''
