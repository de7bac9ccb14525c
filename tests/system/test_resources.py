"""Requests and limits, in the files of the control groups and in what they do."""
import pathlib
import unittest

import machine
from harness import KpodTest, deployment, pod

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
        self.assertNotIn('ephemeral-storage', done.stderr)
        self.assertIn('example.com/gpu', done.stderr)

    def test_no_group_stays(self):
        self.play(pod('gone', 'sleep 1000', container_extra='resources: {limits: {memory: 16Mi, cpu: 1}}\n'))
        self.assertTrue(machine.cgroups(self.group))
        self.down()
        self.assertEqual(machine.cgroups(self.group), [])


RESIZABLE = '''\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: busybox
    command: [sleep, "1000"]
    resources: {limits: {cpu: "CPU", memory: MEMORY}}
    resizePolicy: [{resourceName: memory, restartPolicy: POLICY}]
'''


class Resize(Resources):
    def manifest(self, cpu, memory, policy='NotRequired'):
        return RESIZABLE.replace('CPU', cpu).replace('MEMORY', memory).replace('POLICY', policy)

    def memory(self):
        return int(self.value('memory', 'default_web/main', 'memory.limit_in_bytes', 'memory.max'))

    def test_in_place(self):
        self.play(self.manifest('1', '64Mi'))
        pid = self.pid('web', 'main')
        for cpu, memory in (('2', '128Mi'), ('500m', '32Mi')):
            self.play(self.manifest(cpu, memory))
            self.wait(lambda: self.memory() == int(memory[:-2]) << 20, f'limit {memory}')
        self.assertEqual(self.pid('web', 'main'), pid)
        self.assertEqual(self.container('web', 'main')['restartCount'], 0)
        self.wait(lambda: 'ResizeCompleted' in self.kpod('describe', 'pod', 'web').stdout, 'it is told')

    def test_with_a_restart_where_the_policy_says_so(self):
        self.play(self.manifest('1', '64Mi', 'RestartContainer'))
        pid, uid = self.pid('web', 'main'), self.read('web', 'plan.json')['uid']
        self.play(self.manifest('2', '64Mi', 'RestartContainer'))
        self.assertEqual(self.pid('web', 'main'), pid)
        self.play(self.manifest('2', '128Mi', 'RestartContainer'))
        self.wait(lambda: self.pid('web', 'main') not in (0, pid), 'another run')
        self.assertEqual(self.memory(), 128 << 20)
        self.assertEqual(self.read('web', 'plan.json')['uid'], uid)

    def test_another_class_of_service_is_another_pod(self):
        self.play(self.manifest('1', '64Mi'))
        uid = self.read('web', 'plan.json')['uid']
        self.play(self.manifest('1', '64Mi').replace('memory: 64Mi}', 'memory: 64Mi}, requests: {cpu: 100m}'))
        self.assertEqual(self.status('web')['qosClass'], 'Burstable')
        self.assertEqual(self.container('web', 'main')['restartCount'], 0)
        self.wait_running('web')
        self.assertTrue(uid)


class Namespaces(KpodTest):
    def test_limit_range(self):
        limits = '''\
            apiVersion: v1
            kind: LimitRange
            metadata: {name: small}
            spec:
              limits:
              - {type: Container, default: {memory: 32Mi, cpu: 500m}, defaultRequest: {memory: 16Mi}, max: {memory: 64Mi}}
            '''
        self.play(limits, name='limits.yaml')
        self.play(pod('web', 'sleep 1000'))
        plan = self.read('web', 'plan.json')['containers'][0]
        self.assertEqual((plan['memoryLimit'], plan['memoryRequest'], plan['cpuMilliLimit']), (32 << 20, 16 << 20, 500))
        self.down()
        done = self.play(pod('web', 'sleep 1000', container_extra='resources: {limits: {memory: 128Mi}}\n'), rc=125)
        self.assertIn('pods "web" is forbidden: maximum memory usage per Container is 64Mi, but limit is 128Mi', done.stderr)
        self.assertEqual(self.pods(), [])

    def test_a_limit_range_that_comes_later_leaves_pods_alone(self):
        self.play(pod('web', 'sleep 1000'))
        self.play('''\
            apiVersion: v1
            kind: LimitRange
            metadata: {name: small}
            spec: {limits: [{type: Container, default: {memory: 32Mi}}]}
            ''', name='limits.yaml')
        self.assertNotIn('memoryLimit', self.read('web', 'plan.json')['containers'][0])

    def test_quota(self):
        self.play('''\
            apiVersion: v1
            kind: ResourceQuota
            metadata: {name: two}
            spec: {hard: {pods: "2", configmaps: "1"}}
            ''', name='quota.yaml')
        self.play(deployment('web', '- {name: main, image: busybox, command: [sleep, "1000"]}\n', replicas=3))
        self.assertEqual(len(self.pods()), 2)
        self.assertIn('exceeded quota: two, requested: pods=1, used: pods=2, limited: pods=2',
                      self.kpod('events').stdout)
        done = self.play(pod('more', 'sleep 1000'), name='more.yaml', rc=125)
        self.assertIn('pods "more" is forbidden: exceeded quota: two', done.stderr)
        config = '''\
            apiVersion: v1
            kind: ConfigMap
            metadata: {{name: {}}}
            '''
        self.play(config.format('one'), name='one.yaml')
        done = self.play(config.format('two'), name='two.yaml', rc=125)
        self.assertIn('configmaps "two" is forbidden: exceeded quota', done.stderr)

    def test_quota_counts_the_defaults_of_pods_that_run(self):
        self.play('''\
            apiVersion: v1
            kind: LimitRange
            metadata: {name: usual}
            spec: {limits: [{type: Container, default: {memory: 48Mi}}]}
            ---
            apiVersion: v1
            kind: ResourceQuota
            metadata: {name: little}
            spec: {hard: {limits.memory: 100Mi}}
            ''', name='quota.yaml')
        self.play(pod('one', 'sleep 1000'), name='one.yaml')
        self.play(pod('two', 'sleep 1000'), name='two.yaml')
        done = self.kpod('play', 'kube', self.write('three.yaml', pod('three', 'sleep 1000')), rc=125)
        self.assertIn('exceeded quota: little, requested: limits.memory=48Mi, used: limits.memory=96Mi, limited: limits.memory=100Mi',
                      done.stderr)
        self.assertEqual(len(self.pods()), 2)


class Disk(KpodTest):
    def test_too_much_of_it_evicts(self):
        fill = 'dd if=/dev/zero of={} bs=1M count=3 2>/dev/null; sleep 1000'
        self.play([pod('volume', fill.format('/d/f'), 'volumes: [{name: d, emptyDir: {sizeLimit: 1Mi}}]\n',
                       'volumeMounts: [{name: d, mountPath: /d}]\n'),
                   pod('layer', fill.format('/f'), container_extra='resources: {limits: {ephemeral-storage: 1Mi}}\n'),
                   pod('within', fill.format('/f'), container_extra='resources: {limits: {ephemeral-storage: 8Mi}}\n')])
        self.wait_phase('volume', 'Failed')
        self.wait_phase('layer', 'Failed')
        self.assertEqual(self.status('volume')['reason'], 'Evicted')
        self.assertEqual(self.status('volume')['message'], 'Usage of EmptyDir volume "d" exceeds the limit "1Mi". ')
        self.assertIn('exceeds the total limit of containers 1Mi', self.status('layer')['message'])
        self.assertRegex(self.kpod('describe', 'pod', 'layer').stdout, r'Reason: +Evicted')
        self.assertEqual(self.status('within')['phase'], 'Running')

    def test_a_deployment_replaces_it(self):
        self.play(deployment('web', '''\
            - name: main
              image: busybox
              command: [sh, -c, 'dd if=/dev/zero of=/d/f bs=1M count=3; sleep 1000']
              volumeMounts: [{name: d, mountPath: /d}]
            ''', extra='volumes: [{name: d, emptyDir: {sizeLimit: 1Mi}}]\n'))
        first = self.pods()
        self.wait(lambda: set(self.pods()) - set(first), 'another pod')
        self.assertIn(first[0], self.pods())
