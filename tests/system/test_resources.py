"""Requests and limits, in the files of the control groups and in what they do."""
import pathlib
import unittest

import machine
from harness import KpodTest, pod

MOUNTS = [l.split() for l in open('/proc/mounts')]
V1 = {option: m[1] for m in MOUNTS if m[2] == 'cgroup' for option in m[3].split(',') if option in ('cpu', 'memory', 'pids')}
V2 = next((m[1] for m in MOUNTS if m[2] == 'cgroup2'), None)


def has(controller):
    return controller in V1 or V2 and controller in pathlib.Path(V2, 'cgroup.controllers').read_text().split()


class Resources(KpodTest):
    def value(self, controller, group, v1, v2):
        root, name = (V1[controller], v1) if controller in V1 else (V2, v2)
        return pathlib.Path(root, self.group, group, name).read_text().strip()

    def setUp(self):
        super().setUp()
        for controller in ('cpu', 'memory'):
            if not has(controller):
                raise unittest.SkipTest(f'this machine has no {controller} controller')

    def test_what_the_groups_say(self):
        self.play('''\
            apiVersion: v1
            kind: Pod
            metadata: {name: limits}
            spec:
              terminationGracePeriodSeconds: 0
              containers:
              - name: both
                image: busybox
                command: [sleep, "1000"]
                resources: {requests: {cpu: 250m, memory: 16Mi}, limits: {cpu: "1.5", memory: 64Mi}}
              - name: limit
                image: busybox
                command: [sleep, "1000"]
                resources: {limits: {cpu: 500m, memory: 32M}}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: nothing}
            spec:
              terminationGracePeriodSeconds: 0
              containers: [{name: main, image: busybox, command: [sleep, "1000"]}]
            ''')
        v1 = 'cpu' in V1
        for group, memory, quota, shares, weight in (
                ('default_limits/both', '67108864', '150000', '256', None),
                ('default_limits/limit', '31997952', '50000', '512', None),
                ('default_limits', '99106816', '200000', '768', None),
                ('default_nothing/main', None, None, '2', '1'),
                ('default_nothing', None, None, '2', '1')):
            with self.subTest(group=group):
                got = self.value('memory', group, 'memory.limit_in_bytes', 'memory.max')
                self.assertTrue(got == memory if memory else got == 'max' or int(got) > 1 << 60, got)
                if v1:
                    self.assertEqual(self.value('cpu', group, 'cpu.shares', ''), shares)
                    self.assertEqual(self.value('cpu', group, 'cpu.cfs_quota_us', ''), quota or '-1')
                else:
                    self.assertEqual(self.value('cpu', group, '', 'cpu.max'), f'{quota or "max"} 100000')
                    if weight:
                        self.assertEqual(self.value('cpu', group, '', 'cpu.weight'), weight)
        # The process is in the group, and sees the limit as its own.
        pid = self.pid('limits', 'both')
        self.assertIn(f'{self.group}/default_limits/both', pathlib.Path(f'/proc/{pid}/cgroup').read_text())

    def test_out_of_memory(self):
        eat = 'a=x; while true; do a=$a$a; done'
        self.play(pod('greedy', eat, 'restartPolicy: Never\n', 'resources: {limits: {memory: 16Mi}}\n') + '---\n' +
                  pod('child', f'sh -c \'{eat}\'; exit $?', 'restartPolicy: Never\n', 'resources: {limits: {memory: 16Mi}}\n'))
        for name in ('greedy', 'child'):
            self.wait_phase(name, 'Failed')
            ended = self.container(name, 'main')['state']['terminated']
            self.assertEqual((ended['reason'], ended['exitCode']), ('OOMKilled', 137))
            self.assertIn('OOMKilled', self.word(name))

    def test_after_out_of_memory_it_starts_again(self):
        self.play(pod('again', '[ -e /d/once ] && sleep 1000; touch /d/once; a=x; while true; do a=$a$a; done',
                      'volumes: [{name: d, emptyDir: {}}]\n',
                      'resources: {limits: {memory: 16Mi}}\nvolumeMounts: [{name: d, mountPath: /d}]\n'))
        self.wait(lambda: self.container('again', 'main').get('restartCount') == 1 and 'running' in self.container('again', 'main')['state'],
                  'it runs again')
        self.assertEqual(self.container('again', 'main')['lastState']['terminated']['reason'], 'OOMKilled')

    def test_a_quota_holds(self):
        self.play(pod('busy', 'while true; do :; done', container_extra='resources: {limits: {cpu: 100m}}\n'))

        def throttled():
            text = self.value('cpu', 'default_busy/main', 'cpu.stat', 'cpu.stat')
            return int(dict(l.split() for l in text.splitlines())['nr_throttled']) > 2
        self.wait(throttled, 'the kernel held it back')

    def test_what_has_no_effect_is_said(self):
        done = self.play(pod('disk', 'sleep 1000', container_extra='resources: {limits: {ephemeral-storage: 1Gi, example.com/gpu: 1}}\n'))
        self.assertIn('ephemeral-storage', done.stderr)
        self.assertIn('example.com/gpu', done.stderr)
        self.down()
        volumes = 'volumes: [{name: a, emptyDir: {sizeLimit: 1Mi}}, {name: b, emptyDir: {medium: Memory, sizeLimit: 1Mi}}]\n'
        said = self.play(pod('disk', 'sleep 1000', volumes)).stderr
        self.assertIn('spec.volumes[0].emptyDir.sizeLimit: not carried out yet', said)
        self.assertNotIn('volumes[1]', said)

    def test_no_group_stays(self):
        self.play(pod('gone', 'sleep 1000', container_extra='resources: {limits: {memory: 16Mi, cpu: 1}}\n'))
        self.assertTrue(machine.cgroups(self.group))
        self.down()
        self.assertEqual(machine.cgroups(self.group), [])
