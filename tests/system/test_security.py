"""Security contexts: who the process is and what it may do, read from inside and from /proc outside."""
import json
import os
import pathlib

from harness import KpodTest, pod

NET_ADMIN, NET_BIND_SERVICE, NET_RAW, CHOWN = 1 << 12, 1 << 10, 1 << 13, 1 << 0


class Security(KpodTest):
    images = ['busybox', 'layered']

    def status_of(self, pod_name, container='main'):
        text = pathlib.Path(f'/proc/{self.pid(pod_name, container)}/status').read_text()
        return dict(line.split(':\t', 1) for line in text.splitlines() if ':\t' in line)

    def contexts(self, name, pod_context, containers, **spec):
        """A pod of one busybox container per security context."""
        return self.play(json.dumps({'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': name}, 'spec': {
            'terminationGracePeriodSeconds': 0, 'securityContext': pod_context,
            'containers': [dict({'name': f'c{i}', 'image': 'busybox', 'command': ['sleep', '1000'], 'securityContext': c}, **spec)
                           for i, c in enumerate(containers)]}}), name=f'{name}.json')

    def test_users_and_groups(self):
        self.contexts('ids', {'runAsUser': 1000, 'runAsGroup': 2000, 'supplementalGroups': [3000, 3001], 'fsGroup': 4000},
                      [{}, {'runAsUser': 0, 'runAsGroup': 0}, {'runAsUser': 33, 'runAsNonRoot': True}])
        want = {'c0': ('1000', '2000'), 'c1': ('0', '0'), 'c2': ('33', '2000')}
        for container, (uid, gid) in want.items():
            status = self.status_of('ids', container)
            self.assertEqual(status['Uid'].split(), [uid] * 4)
            self.assertEqual(status['Gid'].split(), [gid] * 4)
            self.assertLessEqual({'3000', '3001', '4000'}, set(status['Groups'].split()))
            self.assertEqual(self.exec('ids', '-c', container, '--', 'id', '-u').strip(), uid)

    def test_sysctls(self):
        done = self.contexts('sysctls', {'sysctls': [{'name': 'net.ipv4.ip_unprivileged_port_start', 'value': '81'},
                                                     {'name': 'net/core/somaxconn', 'value': '77'}]}, [{}])
        self.assertEqual(done.stderr.count('\n'), 1, done.stderr)
        self.assertIn('sysctls[1].name: it is set here, but a cluster refuses it', done.stderr)
        self.assertEqual(self.exec('sysctls', 'cat', '/proc/sys/net/ipv4/ip_unprivileged_port_start', '/proc/sys/net/core/somaxconn'),
                         '81\n77\n')

    def test_the_images_user(self):
        self.play('''\
            apiVersion: v1
            kind: Pod
            metadata: {name: user}
            spec:
              terminationGracePeriodSeconds: 0
              containers:
              - {name: own, image: localhost/layered, command: [sleep, "1000"]}
              - {name: other, image: localhost/layered, command: [sleep, "1000"], securityContext: {runAsUser: 0}}
            ''')
        self.assertEqual(self.exec('user', '-c', 'own', '--', 'sh', '-c', 'id -u; id -g; pwd; echo $HOME').split(),
                         ['1500', '1600', '/home/app', '/home/app'])
        self.assertEqual(self.exec('user', '-c', 'other', '--', 'sh', '-c', 'id -u; echo $HOME').split(), ['0', '/root'])

    def test_non_root_is_kept_in_the_kubelets_words(self):
        self.contexts('root', {'runAsNonRoot': True}, [{}, {'runAsUser': 0}, {'runAsUser': 5}])
        uid = self.read('root', 'plan.json')['uid']
        where = f'(pod: "root_default({uid})", container: '
        messages = [self.container('root', f'c{i}')['state'].get('waiting', {}) for i in range(3)]
        self.assertEqual(messages[0], {'reason': 'CreateContainerConfigError',
                                       'message': f'container has runAsNonRoot and image will run as root {where}c0)'})
        self.assertEqual(messages[1]['message'], f"container's runAsUser breaks non-root policy {where}c1)")
        self.assertEqual(messages[2], {})
        self.assertIn('image will run as root', self.kpod('describe', 'pod', 'root').stdout)
        self.play('''\
            apiVersion: v1
            kind: Pod
            metadata: {name: named}
            spec:
              securityContext: {runAsNonRoot: true}
              containers: [{name: main, image: localhost/layered, command: [sleep, "1"]}]
            ''', name='named.yaml')
        self.assertIn('container has runAsNonRoot and image has non-numeric user (app), cannot verify user is non-root',
                      self.container('named', 'main')['state']['waiting']['message'])

    def test_capabilities(self):
        self.contexts('caps', {}, [{}, {'capabilities': {'drop': ['ALL']}}, {'capabilities': {'drop': ['ALL'], 'add': ['NET_BIND_SERVICE']}},
                                   {'capabilities': {'add': ['NET_ADMIN'], 'drop': ['CHOWN']}}, {'privileged': True}])
        bits = [{k: int(self.status_of('caps', f'c{i}')[k], 16) for k in ('CapEff', 'CapPrm', 'CapBnd', 'CapAmb')} for i in range(5)]
        default = bits[0]['CapEff']
        self.assertTrue(default & CHOWN and not default & NET_ADMIN)
        self.assertEqual([bits[1][k] for k in bits[1]], [0, 0, 0, 0])
        self.assertEqual(bits[2]['CapEff'], NET_BIND_SERVICE)
        self.assertEqual(bits[3]['CapEff'], default & ~CHOWN | NET_ADMIN)
        self.assertEqual(bits[3]['CapBnd'], bits[3]['CapEff'])
        own = int(next(l for l in open('/proc/self/status') if l.startswith('CapBnd')).split()[1], 16)
        self.assertEqual(bits[4]['CapEff'], own)
        self.assertNotEqual(self.kpod('exec', 'caps', '-c', 'c1', '--', 'chown', '5', '/tmp', rc=None).returncode, 0)
        self.exec('caps', '-c', 'c3', '--', 'ip', 'link', 'add', 'name', 'test0', 'type', 'dummy', rc=None)
        self.assertNotEqual(self.kpod('exec', 'caps', '-c', 'c0', '--', 'ip', 'link', 'set', 'lo', 'down', rc=None).returncode, 0)
        self.assertEqual(self.kpod('exec', 'caps', '-c', 'c3', '--', 'ip', 'link', 'set', 'lo', 'up', rc=None).returncode, 0)

    def test_a_user_without_root_has_no_capabilities(self):
        self.contexts('plain', {'runAsUser': 1000}, [{}])
        status = self.status_of('plain', 'c0')
        self.assertEqual((int(status['CapEff'], 16), int(status['CapAmb'], 16)), (0, 0))
        self.assertNotEqual(int(status['CapBnd'], 16), 0)

    def test_who_is_not_root_may_open_its_standard_streams_anew(self):
        self.play(pod('streams', 'echo out > /dev/stdout; echo err > /dev/stderr; sleep 1000', 'securityContext: {runAsUser: 1000}\n'))
        self.wait_log('streams', 'out')
        self.wait(lambda: 'err' in self.kpod('logs', 'streams').stderr, 'the error stream')

    def test_privilege_escalation_and_seccomp(self):
        self.contexts('locks', {}, [{}, {'allowPrivilegeEscalation': False}, {'seccompProfile': {'type': 'Unconfined'}},
                                    {'seccompProfile': {'type': 'RuntimeDefault'}}])
        want = [('0', '2'), ('1', '2'), ('0', '0'), ('0', '2')]
        got = [(s['NoNewPrivs'], s['Seccomp']) for s in (self.status_of('locks', f'c{i}') for i in range(4))]
        self.assertEqual(got, want)

    def test_seccomp_profile_of_the_node(self):
        folder = self.root / 'seccomp/profiles'
        folder.mkdir(parents=True)
        (folder / 'no-chmod.json').write_text(json.dumps({'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [
            {'names': ['chmod', 'fchmod', 'fchmodat', 'fchmodat2'], 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 95}]}))
        self.contexts('filtered', {'seccompProfile': {'type': 'Localhost', 'localhostProfile': 'profiles/no-chmod.json'}}, [{}])
        self.assertIn('not supported', self.kpod('exec', 'filtered', 'chmod', '700', '/tmp', rc=1).stderr)
        self.down('filtered.json')
        self.assertIn('absent.json', self.play('''\
            apiVersion: v1
            kind: Pod
            metadata: {name: filtered}
            spec:
              securityContext: {seccompProfile: {type: Localhost, localhostProfile: absent.json}}
              containers: [{name: main, image: busybox, command: [sleep, "1"]}]
            ''', rc=125).stderr)

    def test_apparmor_is_enforced_or_the_pod_does_not_run(self):
        on = pathlib.Path('/sys/module/apparmor/parameters/enabled')
        if on.exists() and on.read_text().strip() == 'Y':
            self.skipTest('this machine has AppArmor')
        self.contexts('free', {'appArmorProfile': {'type': 'Unconfined'}}, [{}])
        self.assertEqual(self.exec('free', 'echo', 'runs'), 'runs\n')
        for name, profile in (('named', {'type': 'Localhost', 'localhostProfile': 'web'}), ('own', {'type': 'RuntimeDefault'})):
            self.contexts(name, {}, [{'appArmorProfile': profile}])
            self.assertEqual(self.container(name, 'c0')['state']['waiting'], {
                'reason': 'AppArmor', 'message': 'Cannot enforce AppArmor: AppArmor is not enabled on the host'})

    def test_selinux_options_where_it_is_off(self):
        if pathlib.Path('/sys/fs/selinux/enforce').exists():
            self.skipTest('this machine has SELinux')
        folder = self.dir / 'labelled'
        folder.mkdir()
        done = self.play(f'''\
            apiVersion: v1
            kind: Pod
            metadata: {{name: labelled}}
            spec:
              securityContext: {{seLinuxOptions: {{level: "s0:c1,c2"}}}}
              volumes: [{{name: v, hostPath: {{path: {folder}}}}}]
              containers:
              - name: main
                image: busybox
                command: [sleep, "1000"]
                securityContext: {{seLinuxOptions: {{type: spc_t}}}}
                volumeMounts: [{{name: v, mountPath: "/v:Z"}}]
            ''')
        self.assertEqual(done.stderr.count('seLinuxOptions have no effect: SELinux is not on here'), 1, done.stderr)
        self.assertIn("is Podman's word for SELinux", done.stderr)
        self.exec('labelled', 'touch', '/v/here')
        self.assertTrue((folder / 'here').exists())
        self.assertEqual(os.listxattr(folder), [])

    def test_windows_is_refused_where_it_is_written(self):
        path = self.write('windows.yaml', '''\
            apiVersion: v1
            kind: Pod
            metadata: {name: windows}
            spec:
              os: {name: windows}
              containers: [{name: main, image: busybox, securityContext: {windowsOptions: {hostProcess: true}}}]
            ''')
        refused = self.kpod('play', 'kube', path, rc=125).stderr
        self.assertIn('windows.yaml:5:14: error: Pod/windows: spec.os.name: Invalid value: "windows": this machine runs linux', refused)
        self.assertIn('windowsOptions: Forbidden: windows options cannot be set for a linux pod', refused)

    def test_read_only_root(self):
        self.play(pod('ro', 'sleep 1000', 'volumes: [{name: tmp, emptyDir: {}}]\n', '''\
            securityContext: {readOnlyRootFilesystem: true}
            volumeMounts: [{name: tmp, mountPath: /tmp}, {name: tmp, mountPath: /not/in/the/image}]
            '''))
        for path in ('/x', '/etc/x', '/home/x'):
            self.assertIn('Read-only', self.kpod('exec', 'ro', 'touch', path, rc=1).stderr)
        self.exec('ro', 'sh', '-c', 'touch /tmp/x /not/in/the/image/y && echo x > /dev/null && echo m > /dev/termination-log')

    def test_privileged_and_not(self):
        self.contexts('power', {}, [{}, {'privileged': True}])
        plain = lambda *a: self.kpod('exec', 'power', '-c', 'c0', '--', *a, rc=None)
        power = lambda *a: self.kpod('exec', 'power', '-c', 'c1', '--', *a, rc=None)
        self.assertNotEqual(plain('mount', '-t', 'tmpfs', 'x', '/mnt').returncode, 0)
        self.assertEqual(power('mount', '-t', 'tmpfs', 'x', '/mnt').returncode, 0)
        self.assertIn('Read-only', plain('sh', '-c', 'echo 1 > /proc/sys/vm/swappiness').stderr)
        self.assertEqual(plain('cat', '/proc/kcore').stdout, '')
        self.assertEqual(plain('sh', '-c', 'ls /dev').stdout.split(),
                         'core fd full mqueue null ptmx pts random shm stderr stdin stdout termination-log tty urandom zero'.split())
        self.assertIn('mem', power('ls', '/dev').stdout.split() + ['mem'] * (not pathlib.Path('/dev/mem').exists()))
        self.assertEqual(self.status_of('power', 'c1')['Seccomp'], '0')

    def test_shared_processes(self):
        self.play('''\
            apiVersion: v1
            kind: Pod
            metadata: {name: shared}
            spec:
              shareProcessNamespace: true
              terminationGracePeriodSeconds: 0
              containers:
              - {name: a, image: busybox, command: [sh, -c, "sleep 1234 & sleep 1000"]}
              - {name: b, image: busybox, command: [sleep, "2000"]}
            ''')
        def processes():
            return self.exec('shared', '-c', 'b', '--', 'ps', '-o', 'pid,args')
        self.wait(lambda: 'sleep 1234' in processes(), "the other's processes")
        seen = processes()
        self.assertEqual(seen.splitlines()[1].split(), ['1', 'kpod-infra'])
        self.assertNotIn(str(self.root), self.exec('shared', '-c', 'b', '--', 'sh', '-c', 'cat /proc/1/cmdline'))
        self.assertIn('sleep', self.exec('shared', '-c', 'b', '--', 'sh', '-c', 'kill -0 $(pidof sleep) && echo sleep'))
        # An orphan whose end nobody awaits is reaped by the infra process.
        self.exec('shared', '-c', 'a', '--', 'sh', '-c', '(sh -c "exit 3" & exec sleep 0.05) & sleep 0.2')
        self.wait(lambda: 'Z' not in self.exec('shared', '-c', 'b', '--', 'sh', '-c', 'cat /proc/[0-9]*/stat | cut -d" " -f3').split(),
                  'no zombie is left')
        # Not without it: the other's processes are not seen.
        self.contexts('apart', {}, [{}, {}])
        self.assertEqual(len(self.exec('apart', '-c', 'c0', '--', 'sh', '-c', 'ls -d /proc/[0-9]*').split()), 2)

    def test_namespaces_of_the_pod_and_of_the_host(self):
        def links(pid):
            return {n: pathlib.Path(f'/proc/{pid}/ns/{n}').readlink() for n in ('net', 'ipc', 'uts', 'pid', 'mnt')}
        self.contexts('two', {}, [{}, {}])
        host, a, b = links('self'), links(self.pid('two', 'c0')), links(self.pid('two', 'c1'))
        self.assertTrue(all(a[n] == b[n] != host[n] for n in ('net', 'ipc', 'uts')))
        self.assertTrue(all(len({a[n], b[n], host[n]}) == 3 for n in ('pid', 'mnt')))
        # /dev/shm belongs to the IPC namespace.
        self.exec('two', '-c', 'c0', '--', 'sh', '-c', 'echo x > /dev/shm/file')
        self.assertEqual(self.exec('two', '-c', 'c1', '--', 'cat', '/dev/shm/file'), 'x\n')
        self.play(pod('host', 'sleep 1000', 'hostNetwork: true\nhostPID: true\nhostIPC: true\n'), name='host.yaml')
        c = links(self.pid('host', 'main'))
        self.assertTrue(all(c[n] == host[n] for n in ('net', 'ipc', 'uts', 'pid')))
        self.assertIn('sleep', self.exec('host', 'cat', f'/proc/{self.pid("two", "c0")}/comm'))
