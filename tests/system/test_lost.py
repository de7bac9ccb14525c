"""Supervisors that die at work, a machine that restarts, files that a power cut spoiled: the next
command says it in a sentence, puts it right, and leaves nothing."""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess

import machine
from crash import CrashTest
from harness import deployment, pod

PODS = '---\n'.join([
    pod('web', 'echo begun; exec sleep 1000', container_extra='ports: [{containerPort: 80, hostPort: 18081}]\n'),
    pod('shared', 'exec sleep 1000', 'shareProcessNamespace: true\nvolumes: [{name: m, emptyDir: {medium: Memory}}]\n',
        'volumeMounts: [{name: m, mountPath: /m}]\n'),
    pod('both', 'exec sleep 1000', 'hostPID: true\n') + '  - {name: second, image: busybox, command: [sleep, "1000"]}\n'])
NAMES = ('web', 'shared', 'both')


class Lost(CrashTest):
    ports = ('18081',)

    def setUp(self):
        super().setUp()
        self.file = self.write('app.yaml', PODS)
        self.played.append(self.file)

    def supervisor(self, name):
        return self.supervisors().get(f'default_{name}', [0])[0]

    def containers(self, name):
        """The processes of a pod's groups."""
        pids = set()
        for group in machine.cgroups(f'{self.group}/default_{name}'):
            try:
                pids.update(map(int, pathlib.Path(group, 'cgroup.procs').read_text().split()))
            except OSError:
                continue
        return pids

    def whole(self):
        self.next('play', 'kube', self.file)
        for name in NAMES:
            self.assertIn('Running', self.word(name), self.killed)
        self.agree('played again')

    def test_supervisors_that_die_while_their_pods_run(self):
        self.whole()
        for _ in range(2):
            for name in NAMES:
                before = self.containers(name)
                self.assertTrue(before)
                os.kill(self.supervisor(name), signal.SIGKILL)
                type(self).kills += 1
                self.wait(lambda: 'Lost' in self.word(name), 'it is said to be lost')
                self.wait(lambda: not before & set(machine.processes()), f'the containers of {name} are dead')
            self.assertIn('Lost', self.kpod('describe', 'pod', 'web').stdout)
            self.whole()
        self.assertIn('supervisor died', self.kpod('events').stdout)
        os.kill(self.supervisor('web'), signal.SIGKILL)
        self.wait(lambda: 'Lost' in self.word('web'), 'it is dead, and has let go of its lock')
        self.next('start', 'web')  # as well as play
        self.assertIn('Running', self.word('web'))
        self.agree('started')

    def test_killed_while_it_restarts_a_container(self):
        def restarts(when, name='web'):
            self.whole()
            process = self.attach(self.supervisor(name), when)
            os.kill(min(self.containers(name)), signal.SIGKILL)
            if when:
                process.wait(timeout=60)
                self.report('kpod-supervisor', when, ['(restarting)'], path=process.report)
                return 0
            self.wait(lambda: self.container(name, 'main').get('restartCount') == 1, 'it restarted')
            calls = self.detach(process, when, ['(restarting)'])[1]
            self.next('restart', name)  # the count and the back-off begin anew
            return calls
        for name in ('web', 'shared'):
            for when in self.moments(restarts(0, name), 8):
                restarts(when, name)
                self.assertIn('Lost', self.word(name))

    def test_killed_while_it_stops(self):
        def stop(when, *argv):
            self.whole()
            process = self.attach(self.supervisor('web'), when)
            self.next(*argv)
            return self.detach(process, when, argv)[1]
        calls = stop(0, 'stop', 'web')
        self.next('start', 'web')
        for when in self.moments(calls, 8):
            stop(when, 'stop', 'web')
            self.assertRegex(self.word('web'), 'Lost|Stopped')
            self.next('stop', 'web')
            self.agree('stopped')
            self.next('start', 'web')
            self.assertIn('Running', self.word('web'))
        for when in self.moments(calls, 8):
            stop(when, 'kube', 'down', self.file)
            self.assertEqual(self.pods(), [], self.killed)
            self.agree('down')

    def test_killed_while_it_tries_again(self):
        """What a pod waits for is tried by a child, 10 s after the start."""
        names = [f'late{i}' for i in range(6)]
        path = self.write('late.yaml', '---\n'.join(pod(n, 'sleep 1000', image='localhost/absent:1') for n in names))
        self.played.append(path)
        self.next('play', 'kube', path)
        # Of three the child is killed at work, of three the supervisor while its child works.
        attached = [self.attach(self.supervisor(n), 30 * i + 2, '-+1') for i, n in enumerate(names[:3])]
        supervisors = {n: self.supervisor(n) for n in names[3:]}
        for name, pid in supervisors.items():
            children = pathlib.Path(f'/proc/{pid}/task/{pid}/children')
            found = self.wait(lambda: children.read_text().split(), 'it tries again', 180)
            os.kill(pid, signal.SIGKILL)
            self.wait(lambda: not set(map(int, found)) & set(machine.processes()), 'its child is dead')
            type(self).kills += 2
        for process in attached:
            self.detach(process, 2, ['(the child that tries again)'])
        for name in names[:3]:
            self.assertRegex(self.word(name), 'ErrImagePull|ImagePullBackOff', self.killed)
        for name in names[3:]:
            self.assertIn('Lost', self.word(name))
        self.next('play', 'kube', path)
        self.agree('played again')
        self.next('kube', 'down', path)
        self.agree('down')


class Machine(CrashTest):
    ports = ('18081',)

    def setUp(self):
        super().setUp()
        self.file = self.write('app.yaml', PODS + '---\n' + deployment('many', '''\
            - name: c
              image: busybox
              command: [sh, -c, "echo run >> /d/runs; exec sleep 1000"]
              volumeMounts: [{name: d, mountPath: /d}]
            ''', replicas=2, extra='volumes: [{name: d, emptyDir: {}}]\n'))
        self.played.append(self.file)

    def removed(self, group):
        with contextlib.suppress(OSError):
            os.rmdir(group)
        return not os.path.exists(group)

    def restart(self):
        """What a restart of the machine leaves of kpod: its root."""
        for pids in self.supervisors().values():
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
        self.wait(lambda: not self.supervisors(), 'all are dead')
        deadline = lambda: [g for g in machine.cgroups(self.group) if pathlib.Path(g, 'cgroup.procs').read_text()]
        self.wait(lambda: not deadline(), 'their containers are dead')
        for group in sorted(machine.cgroups(self.group), key=len, reverse=True):
            self.wait(lambda g=group: self.removed(g), f'{group} is let go of')  # EBUSY for a moment after the last process
        for mount in [m.split()[0] for m in machine.mounts() if m.startswith(str(self.run_dir))][::-1]:
            subprocess.run(['umount', '--lazy', mount], check=True)
        subprocess.run(['ip', 'link', 'del', self.group.replace('-', '')], capture_output=True)  # or it went with its other end
        subprocess.run(['nft', 'delete', 'table', 'ip', self.group.replace('-', '')], check=True)
        pathlib.Path('/proc/sys/net/ipv4/ip_forward').write_text('0')
        shutil.rmtree(self.run_dir)

    def words(self):
        return {row.split()[0]: row.split()[2] for row in self.next('pod', 'ps').stdout.splitlines()[1:]}

    def test_pods_come_back_under_their_names(self):
        self.next('play', 'kube', self.file)
        names = sorted(self.words())
        many = [n for n in names if n.startswith('many')]
        runs = lambda name: self.exec(name, 'cat', '/d/runs', rc=None)
        self.wait(lambda: [runs(n) for n in many] == ['run\n'] * 2, 'both have written')
        self.restart()
        self.assertEqual(self.words(), {n: 'Lost' for n in names})
        self.next('play', 'kube', self.file)
        self.assertEqual(self.words(), {n: 'Running' for n in names})
        self.wait(lambda: [runs(n) for n in many] == ['run\nrun\n'] * 2, 'their volumes are there')
        self.assertIn('The machine restarted while the pod ran', self.kpod('events').stdout)
        self.agree('played again')
        self.restart()
        self.next('start', 'web')
        self.assertEqual(self.words()['web'], 'Running')
        self.assertEqual(self.words()['both'], 'Lost')
        self.assertIn('machine restarted', self.kpod('describe', 'pod', 'both').stdout)
        self.restart()
        self.next('kube', 'down', self.file)
        self.assertEqual(self.words(), {})
        self.agree('down')

    def test_one_that_was_stopped_stays_so(self):
        self.next('play', 'kube', self.file)
        self.next('stop', 'web')
        self.restart()
        self.next('play', 'kube', self.file)
        self.assertEqual(self.words()['web'], 'Stopped')
        self.assertEqual(self.words()['both'], 'Running')


GARBAGE = {'empty': b'', 'cut off': None, 'binary': b'\x7fELF\0\xff\xfe', 'another kind': b'[]', 'nothing': b'null\n'}


class Damage(CrashTest):
    def setUp(self):
        super().setUp()
        self.file = self.write('app.yaml', PODS)
        self.other = self.write('other.yaml', pod('other', 'sleep 1000'))
        self.played += [self.file, self.other]
        self.next('play', 'kube', self.file)

    ports = ('18081',)

    def spoil(self, *parts):
        """Each way in turn; None is the first half."""
        for name, garbage in GARBAGE.items():
            path = self.root.joinpath(*parts)
            with self.subTest(file='/'.join(parts), garbage=name):
                self.killed = f'{path} was {name}'
                path.write_bytes(path.read_bytes()[:path.stat().st_size // 2] if garbage is None else garbage)
                yield

    def whole(self):
        done = self.next('play', 'kube', self.file)
        for name in NAMES:
            self.assertIn('Running', self.word(name), self.killed)
        self.agree('played again')
        return done

    def one_sentence(self, done, *words):
        self.assertEqual(done.stderr.count('\n'), 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_the_plan(self):
        for _ in self.spoil('pods', 'default_web', 'plan.json'):
            self.assertIn('Damaged', self.word('web'))
            self.assertIn('Running', self.word('both'))
            for argv in (('describe', 'pod', 'web'), ('exec', 'web', 'true'), ('logs', 'web'), ('inspect', 'web')):
                self.one_sentence(self.next(*argv, rc=125), 'plan.json')
            self.next('kube', 'down', self.other)  # of no concern to it
            self.assertIn('Damaged', self.word('web'))
            self.one_sentence(self.whole(), 'pod web is damaged')
        for _ in self.spoil('pods', 'default_web', 'plan.json'):
            self.next('stop', 'web')
            self.one_sentence(self.next('start', 'web', rc=125), 'plan.json')
            self.next('rm', 'web')
            self.assertEqual(self.word('web'), '')
            self.whole()
        for _ in self.spoil('pods', 'default_both', 'plan.json'):
            self.next('kube', 'down', self.file)
            self.assertEqual(self.pods(), [])
            self.agree('down')
            self.whole()

    def test_the_status(self):
        for _ in self.spoil('pods', 'default_web', 'status.json'):
            self.assertIn('Unknown', self.word('web'))
            self.whole()
        for _ in self.spoil('pods', 'default_web', 'status.json'):
            os.kill(self.supervisors()['default_web'][0], signal.SIGKILL)
            self.wait(lambda: 'Lost' in self.word('web'), 'it is lost')
            self.whole()
        for _ in self.spoil('pods', 'default_web', 'status.json'):
            self.next('stop', 'web')
            self.next('start', 'web')
            self.assertIn('Running', self.word('web'))
        for _ in self.spoil('pods', 'default_web', 'status.json'):
            self.next('kube', 'down', self.file)
            self.agree('down')
            self.whole()

    def test_an_object(self):
        for _ in self.spoil('objects', 'default', 'Pod', 'web.json'):
            self.assertIn('Running', self.word('web'))
            # Others are played, and the pod that it may want is left alone.
            pid = self.pid('web', 'main')
            self.one_sentence(self.next('play', 'kube', self.other), 'Pod web is damaged, play it again', 'web.json')
            self.assertEqual(self.pid('web', 'main'), pid)
            self.one_sentence(self.next('generate', 'kube', 'web', rc=125), 'web.json')
            self.assertEqual(self.whole().stderr, '')
            self.assertEqual(self.pid('web', 'main'), pid)
        for _ in self.spoil('objects', 'default', 'Pod', 'web.json'):
            self.next('kube', 'down', 'pod/web')
            self.assertEqual(self.word('web'), '')
            self.whole()
        for _ in self.spoil('objects', 'default', 'Pod', 'web.json'):
            self.next('kube', 'down', self.file)
            self.assertEqual(self.names('objects'), ['.settled-default', 'default'])
            self.whole()

    def test_leases_and_records(self):
        address = next(n for n in self.names('network', 'leases') if (self.root / 'network/leases' / n).read_text() == 'default_web')
        for parts in (('network', 'leases', address), ('network', 'pods', 'default_web.json'), ('network', 'config.json')):
            for _ in self.spoil(*parts):
                self.next('play', 'kube', self.other)
                self.next('rm', '--force', 'web')
                self.next('kube', 'down', self.other)
                self.whole()
            if not self.root.joinpath(*parts).exists():
                continue
            for _ in self.spoil(*parts):
                self.next('kube', 'down', self.file)
                self.agree('down')
                self.whole()
