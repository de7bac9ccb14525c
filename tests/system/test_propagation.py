"""Mounts that are made while a pod runs: who sees them is what mountPropagation says."""
import os
import subprocess

from harness import KpodTest, pod


class Propagation(KpodTest):
    def setUp(self):
        super().setUp()
        self.shared = self.dir / 'shared'
        for name in ('host', 'inner'):
            (self.shared / name).mkdir(parents=True, exist_ok=True)

    def start(self, mode):
        volumes = f'volumes: [{{name: v, hostPath: {{path: {self.shared}}}}}]\n'
        mounts = f'securityContext: {{privileged: true}}\nvolumeMounts: [{{name: v, mountPath: /v, mountPropagation: {mode}}}]\n'
        self.play(pod('p', 'sleep 1000', volumes, mounts))

    def mount(self, name):
        subprocess.run(['mount', '-t', 'tmpfs', 'none', self.shared / name], check=True)
        self.addCleanup(subprocess.run, ['umount', '-l', self.shared / name], stderr=subprocess.DEVNULL, check=False)
        (self.shared / name / 'made').write_text('x')

    def seen_inside(self):
        return self.exec('p', 'ls', '/v/host').strip()

    def seen_outside(self):
        self.exec('p', 'sh', '-c', 'mount -t tmpfs none /v/inner && touch /v/inner/made')
        return os.listdir(self.shared / 'inner')

    def test_what_is_mounted_below_is_read_only_when_that_is_asked_for(self):
        self.mount('host')
        mounts = ''.join(f'- {{name: v, mountPath: /{name}, readOnly: true, recursiveReadOnly: {name}}}\n'
                         for name in ('Disabled', 'IfPossible', 'Enabled'))
        self.play(pod('p', 'sleep 1000', f'volumes: [{{name: v, hostPath: {{path: {self.shared}}}}}]\n', 'volumeMounts:\n' + mounts))
        written = lambda path: self.kpod('exec', 'p', '--', 'touch', path, rc=None).returncode == 0
        self.assertEqual([written(f'/{name}/host/x') for name in ('Disabled', 'IfPossible', 'Enabled')], [True, False, False])
        self.assertEqual([written(f'/{name}/x') for name in ('Disabled', 'IfPossible', 'Enabled')], [False, False, False])

    def test_two_containers_and_one_within_the_other(self):
        subprocess.run(['mount', '-t', 'tmpfs', 'none', self.shared / 'host'], check=True)
        self.addCleanup(subprocess.run, ['umount', '-l', self.shared / 'host'], check=False)
        before = [l.split()[4] for l in open('/proc/self/mountinfo')]
        mount = 'mountPropagation: Bidirectional'
        self.play(f'''\
            apiVersion: v1
            kind: Pod
            metadata: {{name: p}}
            spec:
              terminationGracePeriodSeconds: 0
              volumes: [{{name: v, hostPath: {{path: {self.shared}}}}}, {{name: w, hostPath: {{path: {self.shared}/host}}}}]
              containers:
              - name: main
                image: busybox
                command: [sleep, "1000"]
                securityContext: {{privileged: true}}
                volumeMounts: [{{name: v, mountPath: /v, {mount}}}, {{name: w, mountPath: /w, {mount}}}]
              - name: other
                image: busybox
                command: [sleep, "1000"]
                securityContext: {{privileged: true}}
                volumeMounts: [{{name: w, mountPath: /w, {mount}}}, {{name: v, mountPath: /v, {mount}}}]
            ''')
        self.assertEqual([l.split()[4] for l in open('/proc/self/mountinfo') if str(self.shared) in l],
                         [m for m in before if str(self.shared) in m])
        self.assertEqual(self.seen_outside(), ['made'])
        self.assertEqual(self.kpod('exec', 'p', '-c', 'other', '--', 'ls', '/v/inner').stdout, 'made\n')
        subprocess.run(['umount', self.shared / 'inner'], check=True)

    def test_none(self):
        self.start('None')
        self.mount('host')
        self.assertEqual((self.seen_inside(), self.seen_outside()), ('', []))

    def test_host_to_container(self):
        self.start('HostToContainer')
        self.mount('host')
        self.assertEqual((self.seen_inside(), self.seen_outside()), ('made', []))

    def test_bidirectional(self):
        self.start('Bidirectional')
        self.mount('host')
        self.assertEqual((self.seen_inside(), self.seen_outside()), ('made', ['made']))
        subprocess.run(['umount', self.shared / 'inner'], check=True)
        self.assertEqual(self.exec('p', 'ls', '/v/inner').strip(), '')
