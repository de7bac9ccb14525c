"""For tests that kill: a program dies at a chosen system call (probes/killat.c), and afterwards all
that kpod keeps must agree with what runs."""
import json
import os
import pathlib
import random
import signal
import subprocess

import machine
from harness import KPOD, KpodTest, need

PROBE = pathlib.Path(__file__).resolve().parent / 'probes/killat.c'
SEED = int(os.environ.get('KPOD_CRASH_SEED', random.randrange(1 << 31)))
# How many kills, as a multiple of what every run of the tests does.
SCALE = float(os.environ.get('KPOD_CRASH_SCALE', 1))


class CrashTest(KpodTest):
    @classmethod
    def setUpClass(cls):
        need('gcc')
        super().setUpClass()
        cls.killer = cls.dir / 'killat'
        subprocess.run(['gcc', '-O1', '-o', cls.killer, PROBE], check=True)
        cls.kills = 0
        print(f'KPOD_CRASH_SEED={SEED} KPOD_CRASH_SCALE={SCALE}', flush=True)

    @classmethod
    def tearDownClass(cls):
        print(f'{cls.__name__}: {cls.kills} kills', flush=True)
        super().tearDownClass()

    def setUp(self):
        super().setUp()
        self.random = random.Random(f'{SEED} {self.id()}')
        self.killed = 'nobody was killed'

    # ---- killing

    def killing(self, who, when, *argv, timeout=120):
        """Runs kpod ARGV with WHO killed at call WHEN. (fate, number of calls)"""
        done = subprocess.run([self.killer, self.dir / 'report', who, str(when), '--', KPOD, *map(str, argv)], env=self.env,
                              capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL)
        return self.report(who, when, argv, done.stderr.strip())

    def report(self, who, when, argv, words='', path='report'):
        fate, calls, last = (self.dir / path).read_text().split()
        if fate == 'killed':
            type(self).kills += 1
        self.killed = f'{who} killed at call {when} (system call {last}) of kpod {" ".join(map(str, argv))}: {words}'
        return fate, int(calls)

    def attach(self, pid, when, who='-'):
        """Kills the process PID at its call WHEN from now."""
        process = subprocess.Popen([self.killer, self.dir / f'report-{pid}', who, str(when), '-p', str(pid)], stdout=subprocess.PIPE, text=True)
        process.report = f'report-{pid}'
        self.addCleanup(process.stdout.close)
        self.assertEqual(process.stdout.readline(), 'attached\n')
        return process

    def detach(self, process, when, argv):
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
        return self.report('kpod-supervisor', when, argv, path=process.report)

    def moments(self, calls, wanted):
        """At most WANTED of the calls 1..CALLS, one from each of as many equal parts. A process that had only
        been forked when the command ended has made none."""
        if not calls:
            return []
        wanted = min(calls, max(1, round(wanted * SCALE)))
        bounds = [calls * i // wanted for i in range(wanted + 1)]
        return [self.random.randrange(a, b) + 1 for a, b in zip(bounds, bounds[1:])]

    # ---- looking

    def supervisors(self):
        """pod id -> pids"""
        found = {}
        for pid in machine.processes():
            try:
                words = pathlib.Path('/proc', str(pid), 'cmdline').read_bytes().split(b'\0')
            except OSError:
                continue
            if words[0].endswith(b'kpod-supervisor') and words[1:2] == [str(self.root).encode()] and len(words) > 4:
                found.setdefault(f'{words[3].decode()}_{words[4].decode()}', []).append(pid)
        return found

    def names(self, *parts):
        try:
            return sorted(os.listdir(self.root.joinpath(*parts)))
        except FileNotFoundError:
            return []

    def disagreements(self):
        """What is on the machine or on the disk and should not be, given the supervisors that live."""
        wrong = []
        alive = self.supervisors()
        wrong += [f'{len(pids)} supervisors of {pod}' for pod, pids in alive.items() if len(pids) > 1]
        for base in (self.root, self.run_dir):
            for where, folders, files in os.walk(base):
                wrong += [f'temporary file {where}/{f}' for f in files + folders if f.startswith(('.tmp-', '..data_tmp'))]
                folders[:] = [f for f in folders if f not in ('layers', 'diff')]
        wrong += [f'work in progress {t}' for t in self.names('images', 'tmp')]
        pods = self.names('pods')
        for pod in pods:
            here = self.names('pods', pod)
            wrong += [f'{pod} has no {f}' for f in ('plan.json', 'status.json') if f not in here]
        wrong += [f'run directory of {p}' for p in self.names(self.run_dir, 'pods') if p not in pods]
        wrong += [f'supervisor of {p}, which is not there' for p in alive if p not in pods]
        wrong += self.network_disagreements(set(alive))
        for group in machine.cgroups(self.group):
            parts = group.split(f'/{self.group}')[-1].split('/')
            if len(parts) > 1 and parts[1] and parts[1] not in alive:
                wrong.append(f'control group {group}')
        return wrong

    def network_disagreements(self, alive):
        wrong = []
        records = {}
        for name in self.names('network', 'pods'):
            record = json.loads((self.root / 'network/pods' / name).read_text())
            records[record['id']] = record
        leases = {n: (self.root / 'network/leases' / n).read_text() for n in self.names('network', 'leases')}
        wrong += [f'network record of {p}' for p in records if p not in alive]
        wrong += [f'lease {ip} of {p}' for ip, p in leases.items() if p not in alive]
        wrong += [f'no lease of {p}' for p, r in records.items() if leases.get(r['ip']) != p]
        pin = self.run_dir / 'netns/node'
        veths = 0
        if pin.exists():
            links = machine._output('nsenter', f'--net={pin}', 'ip', '-d', '-o', 'link', 'show', 'type', 'veth')
            veths = len(links.splitlines()) - links.count(' uplink@')
            if not records:
                wrong.append('a node without pods')
        if veths != len(leases):
            wrong.append(f'{veths} links of pods, {len(leases)} leases')
        ports = {str(p['hostPort']) for r in records.values() for p in r['ports']}
        rules = machine._output('nft', 'list', 'ruleset')
        wrong += [f'port {p} in the rules' for p in self.ports if (f' {p} ' in rules) != (p in ports)]
        return wrong

    ports = ()

    def agree(self, what):
        """All agree, at once or when those that are about to end have ended."""
        try:
            self.wait(lambda: not self.disagreements(), what)
        except AssertionError:
            self.fail('\n'.join([f'{what}, after {self.killed}'] + self.disagreements() + [self.scene()]))

    def scene(self):
        """Who is there, where each waits, and who has which lock."""
        lines = []
        for pid, line in machine.processes().items():
            try:
                fds = [os.readlink(f'/proc/{pid}/fd/{fd}') for fd in os.listdir(f'/proc/{pid}/fd')]
                where = pathlib.Path(f'/proc/{pid}/syscall').read_text().split()[0]
                status = pathlib.Path(f'/proc/{pid}/status').read_text()
                where += ', '.join(l.replace('\t', ' ') for l in status.splitlines() if l.startswith(('State', 'PPid', 'TracerPid')))
                lines.append(f'{pid} {line}: system call {where}; {[f for f in fds if str(self.dir) in f]}')
            except OSError:
                continue
        return '\n'.join(lines) + '\n' + pathlib.Path('/proc/locks').read_text()

    def next(self, *argv, rc=0, **more):
        """The next command, which must find all in order."""
        try:
            done = self.kpod(*argv, rc=None, timeout=120, **more)
        except subprocess.TimeoutExpired:
            self.fail(f'kpod {" ".join(map(str, argv))} does not end, after {self.killed}\n{self.scene()}')
        if rc is not None and done.returncode != rc:
            self.fail(f'kpod {" ".join(map(str, argv))}: {done.stderr.strip()}\nafter {self.killed}')
        return done
