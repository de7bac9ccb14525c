"""hostUsers: false: root of a pod that is nobody on the machine, and all that a pod can do with it."""
import json
import os
import pathlib
import signal
import subprocess

from crash import CrashTest
from escape_case import EscapeTest
from harness import KPOD, KpodTest, can_map_owners, claim, deployment, pod
from terminal import Terminal

UNMAPPED = 'hostUsers: false\n'


class UserNamespaces(KpodTest):
    images = ['busybox', 'layered']

    def setUp(self):
        if not can_map_owners():
            self.skipTest('the kernel cannot map the owners of layers')
        super().setUp()

    def first_id(self, name, container='main'):
        """The id of the host that is root in the pod, and that all ids there belong to its range."""
        maps = [pathlib.Path(f'/proc/{self.pid(name, container)}/{kind}_map').read_text().split() for kind in ('uid', 'gid')]
        self.assertEqual(maps[0], maps[1])
        self.assertEqual((maps[0][0], maps[0][2]), ('0', '65536'))
        return int(maps[0][1])

    def status_of(self, pid):
        text = pathlib.Path(f'/proc/{pid}/status').read_text()
        return dict(line.split(':\t', 1) for line in text.splitlines() if ':\t' in line)

    def test_root_is_nobody_on_the_machine_and_each_pod_another(self):
        self.play([pod('a', 'exec sleep 1000', UNMAPPED), pod('b', 'exec sleep 1000', UNMAPPED, 'securityContext: {runAsUser: 33}\n'),
                   pod('c', 'exec sleep 1000')])
        a, b = self.first_id('a'), self.first_id('b')
        self.assertGreaterEqual(min(a, b), 65536)
        self.assertGreaterEqual(abs(a - b), 65536)
        self.assertEqual(self.status_of(self.pid('a', 'main'))['Uid'].split(), [str(a)] * 4)
        self.assertEqual(self.status_of(self.pid('b', 'main'))['Uid'].split(), [str(b + 33)] * 4)
        self.assertEqual(self.exec('a', 'id', '-u'), '0\n')
        self.assertEqual(self.exec('b', 'id', '-u'), '33\n')
        spaces = [{os.readlink(f'/proc/{self.pid(p, "main")}/ns/user') for p in pods} for pods in ('a', 'b', 'c')]
        self.assertEqual(len(set.union(*spaces)), 3)
        self.assertIn(os.readlink('/proc/self/ns/user'), spaces[2])

    def test_the_range_is_the_pods_while_there_is_one(self):
        path = self.write('app.yaml', pod('kept', 'exec sleep 1000', UNMAPPED))
        self.play(pod('kept', 'exec sleep 1000', UNMAPPED))
        first = self.first_id('kept')
        self.kpod('stop', 'kept', '--time', '0')
        self.play(pod('other', 'exec sleep 1000', UNMAPPED), name='other.yaml')
        self.assertNotEqual(self.first_id('other'), first)
        self.kpod('start', 'kept')
        self.assertEqual(self.first_id('kept'), first)
        # Of a supervisor that was killed as well.
        os.kill(self.status('kept')['kpodSupervisorPid'], signal.SIGKILL)
        self.wait(lambda: 'Lost' in self.word('kept'), 'the pod is lost')
        self.kpod('play', 'kube', path)
        self.assertEqual(self.first_id('kept'), first)
        self.down('app.yaml')
        self.assertFalse((self.root / 'pods/default_kept').exists())
        self.play(pod('next', 'exec sleep 1000', UNMAPPED), name='next.yaml')
        self.assertEqual(self.first_id('next'), first)

    def test_files_are_roots_on_both_sides(self):
        folder = self.dir / 'of-the-host'
        folder.mkdir(mode=0o755)
        (folder / 'secret').write_text('hidden')
        (folder / 'secret').chmod(0o600)
        os.chown(folder / 'secret', 5, 6)
        self.play([claim('data'), 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config}\ndata: {key: of-the-map}\n',
                   'apiVersion: v1\nkind: Secret\nmetadata: {name: secret}\nstringData: {key: hidden-word}\n', f'''\
            apiVersion: v1
            kind: Pod
            metadata: {{name: files}}
            spec:
              hostUsers: false
              terminationGracePeriodSeconds: 0
              securityContext: {{fsGroup: 4000}}
              volumes:
              - {{name: disk, emptyDir: {{}}}}
              - {{name: memory, emptyDir: {{medium: Memory}}}}
              - {{name: config, configMap: {{name: config}}}}
              - {{name: secret, secret: {{secretName: secret}}}}
              - {{name: claim, persistentVolumeClaim: {{claimName: data}}}}
              - {{name: path, hostPath: {{path: {folder}}}}}
              - {{name: image, image: {{reference: localhost/layered, pullPolicy: Never}}}}
              initContainers:
              - name: first
                image: busybox
                command: [sh, -c, "for d in disk memory claim path; do echo $d > /$d/x; done; chown 33:34 /path/x"]
                volumeMounts: &mounts
                - {{name: disk, mountPath: /disk}}
                - {{name: memory, mountPath: /memory}}
                - {{name: config, mountPath: /config}}
                - {{name: secret, mountPath: /secret}}
                - {{name: claim, mountPath: /claim}}
                - {{name: path, mountPath: /path}}
                - {{name: claim, mountPath: /below, subPath: sub}}
                - {{name: image, mountPath: /image}}
              containers:
              - {{name: main, image: busybox, command: [sleep, "1000"], volumeMounts: *mounts}}
              - {{name: user, image: busybox, command: [sleep, "1000"], volumeMounts: *mounts, securityContext: {{runAsUser: 1000}}}}
            '''])
        self.wait_running('files')
        self.assertEqual(self.exec('files', 'cat', '/disk/x', '/memory/x', '/claim/x', '/path/x', '/config/key', '/secret/key', '/path/secret'),
                         'disk\nmemory\nclaim\npath\nof-the-maphidden-wordhidden')
        self.assertEqual(self.exec('files', 'stat', '-c', '%u:%g', '/', '/bin/busybox', '/disk', '/disk/x', '/path/x', '/path/secret', '/secret/key',
                                   '/etc/hosts', '/below').split(),
                         ['0:0', '0:0', '0:4000', '0:4000', '33:34', '5:6', '0:4000', '0:0', '0:4000'])
        self.assertNotIn('65534', self.exec('files', 'stat', '-c', '%u', '/image', '/image/data/kept'))
        owners = lambda path: (os.stat(path).st_uid, os.stat(path).st_gid)
        self.assertEqual([owners(p) for p in (self.root / 'pods/default_files/volumes/disk/x', self.root / 'volumes/default_data/data/x',
                                              folder / 'x', folder / 'secret')], [(0, 4000), (0, 4000), (33, 34), (5, 6)])
        # Who is not root there is not root of the volumes either.
        self.exec('files', '-c', 'user', '--', 'sh', '-c', 'echo mine > /disk/mine; test ! -r /path/secret')
        self.assertEqual(owners(self.root / 'pods/default_files/volumes/disk/mine'), (1000, 4000))

    def test_the_network_is_its_own_to_administer(self):
        self.play(pod('net', 'exec sleep 1000', '''\
            hostUsers: false
            hostname: named
            securityContext:
              sysctls:
              - {name: net.ipv4.ip_unprivileged_port_start, value: "81"}
              - {name: kernel.shm_rmid_forced, value: "1"}
            ''', 'securityContext: {procMount: Unmasked, capabilities: {add: [NET_ADMIN]}}\n'))
        self.assertEqual(self.exec('net', 'cat', '/proc/sys/net/ipv4/ip_unprivileged_port_start', '/proc/sys/kernel/shm_rmid_forced'), '81\n1\n')
        self.assertEqual(self.exec('net', 'sh', '-c', 'ping -c 1 -W 5 127.0.0.1 > /dev/null && echo answers; hostname'), 'answers\nnamed\n')
        self.exec('net', 'ip', 'link', 'set', 'lo', 'mtu', '1400')
        self.exec('net', 'sh', '-c', 'echo 99 > /proc/sys/net/core/somaxconn')
        self.assertEqual(self.exec('net', 'cat', '/proc/sys/net/core/somaxconn'), '99\n')
        # What is not the pod's stays the machine's.
        self.assertNotEqual(self.kpod('exec', 'net', 'sh', '-c', 'echo 1 > /proc/sys/vm/swappiness', rc=None).returncode, 0)

    def test_proc_is_masked_unless_it_is_said_otherwise(self):
        self.play(pod('masks', 'exec sleep 1000', '''\
            hostUsers: false
            initContainers:
            - {name: other, image: busybox, restartPolicy: Always, command: [sleep, "1000"], securityContext: {procMount: Unmasked}}
            '''))
        self.wait_running('masks')
        covered = 'grep -c " /proc/" /proc/self/mounts || true'
        self.assertGreater(int(self.exec('masks', 'sh', '-c', covered)), 2)
        self.assertEqual(self.exec('masks', '-c', 'other', '--', 'sh', '-c', covered), '0\n')
        self.assertIn('`hostUsers` must be false to use `Unmasked`', self.kpod('play', 'kube', self.write('bad.yaml', pod(
            'bad', 'true', '', 'securityContext: {procMount: Unmasked}\n')), rc=125).stderr)

    def test_all_of_a_pods_containers_and_what_joins_them(self):
        self.play(pod('joined', 'read line; echo got $line; exec sleep 1000', '''\
            hostUsers: false
            shareProcessNamespace: true
            ''', 'stdin: true\nreadinessProbe: {exec: {command: [test, -e, /ready]}, periodSeconds: 1}\n'))
        space = os.readlink(f'/proc/{self.pid("joined", "main")}/ns/user')
        with subprocess.Popen([KPOD, 'attach', '-i', 'joined'], env=self.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as attached:
            attached.stdin.write('typed\n')
            attached.stdin.flush()
            self.wait_log('joined', 'got typed')
            attached.kill()
        self.assertEqual(self.exec('joined', 'readlink', '/proc/self/ns/user').strip(), space)
        self.assertIn('kpod-infra', self.exec('joined', 'ps'))
        self.assertEqual(self.kpod('debug', 'joined', '--image', 'busybox', '-q', '--image-pull-policy', 'Never', '--attach', '--',
                                   'readlink', '/proc/self/ns/user').stdout.strip(), space)
        t = Terminal(self, 'exec', '-it', 'joined', 'sh')
        t.type('id -u; tty; exit 4\n')
        t.until('/dev/pts/')
        self.assertEqual(t.end(), 4)
        (self.dir / 'sent').write_text('content')
        self.kpod('cp', self.dir / 'sent', 'joined:/tmp/sent')
        self.assertEqual(self.exec('joined', 'sh', '-c', 'cat /tmp/sent; stat -c :%u /tmp/sent'), 'content:0\n')
        self.exec('joined', 'sh', '-c', 'echo back > /tmp/back; chown 7 /tmp/back')
        self.kpod('cp', 'joined:/tmp/back', self.dir / 'back')
        self.assertEqual((self.dir / 'back').read_text(), 'back\n')
        self.assertFalse(self.container('joined', 'main')['ready'])
        self.exec('joined', 'touch', '/ready')
        self.wait(lambda: self.container('joined', 'main')['ready'], 'the probe has seen the file')

    def test_a_terminal_and_a_look_at_its_processes(self):
        self.play(pod('shell', 'tty; id -u; exec sleep 1000', UNMAPPED, 'tty: true\nstdin: true\n'))
        self.wait(lambda: self.exec('shell', 'cat', '/proc/1/cmdline', rc=None).startswith('sleep'), 'the program runs')
        self.wait_log('shell', '/dev/pts/0')
        self.assertEqual(self.kpod('debug', 'shell', '--image', 'busybox', '-q', '--image-pull-policy', 'Never', '--attach', '--target', 'main', '--',
                                   'sh', '-c', 'tr "\\0" " " < /proc/1/cmdline; ls /proc/1/root/etc/hosts').stdout, 'sleep 1000 /proc/1/root/etc/hosts\n')
        self.assertEqual(self.exec('shell', '--user', '33', 'sh', '-c', 'id -u; cat /proc/self/uid_map').split(), ['33', '0', str(self.first_id('shell')), '65536'])

    def test_who_is_not_root_may_open_its_standard_streams_anew(self):
        self.play(pod('streams', 'echo out > /dev/stdout; echo err > /dev/stderr; exec sleep 1000', UNMAPPED, 'securityContext: {runAsUser: 1000}\n'))
        self.wait_log('streams', 'out')
        for user in ('0', '33'):
            self.assertEqual(self.exec('streams', '--user', user, 'sh', '-c', 'echo again > /dev/stdout'), 'again\n')

    def test_restarts_and_ends(self):
        self.play(pod('ends', 'echo "run of $(id -u)" | tee /dev/termination-log; exit 3', UNMAPPED + 'restartPolicy: OnFailure\n'))
        self.wait(lambda: self.container('ends', 'main').get('restartCount', 0) >= 1, 'it was started again')
        last = self.container('ends', 'main')
        self.assertIn((last.get('lastState') or last['state'])['terminated']['message'], 'run of 0\n')

    def test_privileged_in_there_is_not_privileged_here(self):
        self.play(pod('power', 'exec sleep 1000', UNMAPPED, 'securityContext: {privileged: true}\n'))
        self.exec('power', 'sh', '-c', 'mkdir /m && mount -t tmpfs x /m')
        self.assertNotIn('mem', self.exec('power', 'ls', '/dev').split())
        for forbidden in ('mknod /m/sda b 8 0', 'echo 1 > /proc/sys/vm/swappiness', 'mount -t ext4 /dev/vda /m', 'dmesg -n 1'):
            self.assertNotEqual(self.kpod('exec', 'power', 'sh', '-c', forbidden, rc=None).returncode, 0, forbidden)

    def test_the_command_says_so(self):
        text = pod('said', 'exec sleep 1000')
        self.play(text, '--userns', 'auto')
        self.first_id('said')
        self.assertIn('hostUsers: false', self.kpod('generate', 'kube', 'said').stdout)
        self.play(text, '--userns', 'host', '--replace')
        self.assertEqual(os.readlink(f'/proc/{self.pid("said", "main")}/ns/user'), os.readlink('/proc/self/ns/user'))
        self.assertIn('there are auto and host', self.kpod('play', 'kube', '--userns', 'keep-id', self.dir / 'app.yaml', rc=125).stderr)
        for field in ('hostNetwork', 'hostPID', 'hostIPC'):
            other = self.write('other.yaml', pod('other', 'true', f'{field}: true\n'))
            said = self.kpod('play', 'kube', '--userns', 'auto', other, rc=125).stderr
            self.assertIn(f'spec.{field}: Forbidden: when `hostUsers` is false', said)
        self.play(deployment('web', '- {name: main, image: busybox, command: [sleep, "1000"]}\n', replicas=2), '--userns', 'auto', name='web.yaml')
        firsts = {self.first_id(name) for name in self.pods() if name.startswith('web-')}
        self.assertEqual(len(firsts), 2)

    def test_a_volume_that_cannot_be_mapped_is_named(self):
        said = self.play(pod('bad', 'true', UNMAPPED + 'volumes: [{name: v, hostPath: {path: /proc/sys}}]\n',
                             'volumeMounts: [{name: v, mountPath: /v}]\n'), rc=125).stderr
        self.assertIn('map the owners of /proc/sys: Invalid argument (its file system has no id-mapped mounts on this kernel)', said)
        self.assertEqual(self.pods(), [])


class Servers(KpodTest):
    """Of real images, as root and as the user that they become."""
    images = ['nginx', 'redis', 'postgres']

    def test_they_run(self):
        if not can_map_owners():
            self.skipTest('the kernel cannot map the owners of layers')
        self.play([claim('pgdata'), '''\
            apiVersion: v1
            kind: Pod
            metadata: {name: servers}
            spec:
              hostUsers: false
              terminationGracePeriodSeconds: 5
              volumes: [{name: data, persistentVolumeClaim: {claimName: pgdata}}]
              containers:
              - name: nginx
                image: nginx:1.25-alpine
                readinessProbe: {httpGet: {port: 80}, periodSeconds: 1}
              - name: redis
                image: redis:7-alpine
                readinessProbe: {exec: {command: [redis-cli, ping]}, periodSeconds: 1}
              - name: postgres
                image: postgres:16-alpine
                env: [{name: POSTGRES_PASSWORD, value: x}, {name: PGDATA, value: /data/pg}]
                volumeMounts: [{name: data, mountPath: /data}]
                readinessProbe: {exec: {command: [pg_isready, -h, 127.0.0.1, -U, postgres]}, periodSeconds: 1}
            '''])
        self.wait(lambda: all(self.container('servers', c).get('ready') for c in ('nginx', 'redis', 'postgres')), 'all are ready', seconds=240)
        self.assertEqual(self.exec('servers', '-c', 'redis', '--', 'redis-cli', 'set', 'a', 'b'), 'OK\n')
        self.assertEqual(self.exec('servers', '-c', 'postgres', '--', 'sh', '-c', 'PGPASSWORD=x psql -U postgres -tAc "select 6*7"'), '42\n')
        postgres = self.pid('servers', 'postgres')
        inside = int(self.exec('servers', '-c', 'postgres', '--', 'stat', '-c', '%u', '/data/pg/PG_VERSION'))
        self.assertNotEqual(inside, 0)
        self.assertEqual(os.stat(self.root / 'volumes/default_pgdata/data/pg/PG_VERSION').st_uid, inside)
        self.assertGreater(os.stat(f'/proc/{postgres}/cwd/').st_uid, 0)
        self.assertGreaterEqual(int(json.loads((self.root / 'pods/default_servers/user-range.json').read_text())['first']), 65536)


class Killed(CrashTest):
    """A supervisor or one of its helpers is killed anywhere while the pod begins."""
    def test_nothing_is_left_and_it_begins_again(self):
        if not can_map_owners():
            self.skipTest('the kernel cannot map the owners of layers')
        path = self.write('app.yaml', pod('mapped', 'exec sleep 1000', 'hostUsers: false\nshareProcessNamespace: true\n'))
        self.played.append(path)
        argv = ('play', 'kube', path)
        for who in ('kpod-supervisor', 'kpod-supervisor+1', 'kpod-supervisor+2', 'kpod-supervisor+3', 'kpod-supervisor+4'):
            fate, calls = self.killing(who, 0, *argv)
            self.assertIn(fate, ('ended', 'lives', 'killed'), f'{who} of kpod {argv}')
            self.next('kube', 'down', path)
            for when in self.moments(calls, 12 if who == 'kpod-supervisor' else 4):
                self.killing(who, when, *argv)
                self.next('pod', 'ps')
                self.next(*argv)
                self.wait_running('mapped')
                self.agree('played again')
                self.next('kube', 'down', path)
                self.agree('down')


class Walls(EscapeTest):
    """What root in a user namespace may not do, with all capabilities there and no filter."""
    def test_privileged_is_not_the_machines(self):
        if not can_map_owners():
            self.skipTest('the kernel cannot map the owners of layers')
        self.start(spec='hostUsers: false\n', container='securityContext: {privileged: true}\n')
        for what in ('module', 'kexec', 'syslog', 'open-by-handle'):
            self.assertIn(self.probe(what), ('EPERM', 'ENOSYS'), what)  # or the kernel has none of it
        tried = 0
        for path in ('/proc/sys/kernel/core_pattern', '/proc/sys/kernel/modprobe', '/proc/sys/vm/panic_on_oom', '/proc/sysrq-trigger',
                     '/sys/kernel/mm/ksm/run', '/sys/kernel/uevent_helper', '/sys/fs/cgroup/memory/notify_on_release', '/sys/fs/cgroup/cgroup.max.depth'):
            if os.path.exists(path):
                tried += 1
                self.assertIn(self.probe('open', path), ('EACCES', 'EPERM', 'ENOENT'), path)
        self.assertGreater(tried, 3)
        for where in ('/tmp/node', '/dev/node'):
            self.assertEqual(self.probe('mknod-open', '1', '1', where), 'EPERM', where)  # the machine's memory
        self.assertEqual(self.probe('chroot-out'), "in the container's root")
