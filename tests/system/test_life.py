"""A pod's whole life: init containers in order, sidecars around the others, hooks, deadlines, rules of restart."""
import json

from harness import KpodTest


def container(name, command, indent='  ', **more):
    lines = [f'- name: {name}', '  image: busybox', f'  command: ["/bin/sh", "-c", {json.dumps(command)}]']
    for key, value in more.items():
        lines.append(f'  {key}: {json.dumps(value)}')
    return '\n'.join(indent + line for line in lines) + '\n'


def manifest(name, init='', main='', extra=''):
    text = f'apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec:\n  terminationGracePeriodSeconds: 5\n'
    text += extra
    text += '  volumes: [{name: shared, emptyDir: {}}]\n'
    if init:
        text += '  initContainers:\n' + init
    return text + '  containers:\n' + main


SHARED = [{'name': 'shared', 'mountPath': '/shared'}]
# A signal that comes before the trap is lost, since it is for a first process: who sends one waits for the word.
SERVE = 'trap "exit 0" TERM; echo serving; sleep 1000 & wait'


class InitContainers(KpodTest):
    def test_they_run_in_order_before_the_others(self):
        init = container('one', 'echo one >> /shared/order', volumeMounts=SHARED)
        init += container('two', 'cat /shared/order; echo two >> /shared/order', volumeMounts=SHARED)
        main = container('main', 'cat /shared/order; ' + SERVE, volumeMounts=SHARED)
        self.play(manifest('web', init, main))
        self.wait_running('web')
        self.assertEqual(self.logs('web', '-c', 'two'), 'one\n')
        self.wait_log('web', 'two')
        self.assertEqual(self.logs('web').split()[:2], ['one', 'two'])
        status = self.status('web')
        self.assertEqual([(c['name'], c['state']['terminated']['reason'], c['ready'])
                          for c in status['initContainerStatuses']],
                         [('one', 'Completed', True), ('two', 'Completed', True)])
        conditions = {c['type']: c['status'] for c in status['conditions']}
        self.assertEqual(conditions['Initialized'], 'True')
        self.assertEqual(conditions['Ready'], 'True')

    def test_a_pod_waits_for_them(self):
        init = container('gate', 'until [ -e /shared/go ]; do sleep 0.05; done', volumeMounts=SHARED)
        self.play(manifest('web', init, container('main', SERVE, volumeMounts=SHARED)))
        self.wait(lambda: 'Init:0/1' in self.word('web'), 'Init:0/1')
        self.assertEqual(self.status('web')['phase'], 'Pending')
        self.assertEqual(self.container('web', 'main')['state'], {'waiting': {'reason': 'PodInitializing'}})
        self.exec('web', '-c', 'gate', 'touch', '/shared/go')
        self.wait_running('web')

    def test_failed_for_good_it_fails_the_pod(self):
        self.play(manifest('web', container('bad', 'exit 3'), container('main', SERVE), '  restartPolicy: Never\n'))
        self.wait_phase('web', 'Failed')
        self.assertIn('Init:Error', self.word('web'))
        self.assertEqual(self.status('web')['initContainerStatuses'][0]['state']['terminated']['exitCode'], 3)

    def test_failed_it_runs_again(self):
        init = container('twice', 'echo run; [ -e /shared/been ] || { touch /shared/been; exit 1; }', volumeMounts=SHARED)
        self.play(manifest('web', init, container('main', SERVE)))
        self.wait_running('web')
        self.assertEqual(self.status('web')['initContainerStatuses'][0]['restartCount'], 1)

    def test_a_restart_of_the_pod_runs_them_again(self):
        init = container('count', 'echo x >> /shared/count', volumeMounts=SHARED)
        self.play(manifest('web', init, container('main', SERVE, volumeMounts=SHARED)))
        self.wait_running('web')
        self.kpod('restart', '--time', '0', 'web')
        self.wait_running('web')
        self.assertEqual(self.exec('web', 'cat', '/shared/count'), 'x\nx\n')


class Sidecars(KpodTest):
    def test_they_start_in_order_and_end_last_in_reverse(self):
        say = 'trap "echo {0} >> /shared/ends; exit 0" TERM; echo serving; sleep 1000 & wait'
        init = container('first', say.format('first'), restartPolicy='Always', volumeMounts=SHARED)
        init += container('step', 'true')
        init += container('second', say.format('second'), restartPolicy='Always', volumeMounts=SHARED)
        main = container('main', say.format('main'), volumeMounts=SHARED)
        self.play(manifest('web', init, main))
        self.wait_running('web')
        self.assertEqual([next(iter(c['state'])) for c in self.status('web')['initContainerStatuses']],
                         ['running', 'terminated', 'running'])
        self.assertIn('3/3', self.word('web'))
        for name in ('first', 'second', 'main'):
            self.wait_log('web', 'serving', '-c', name)
        self.kpod('stop', 'web')
        ends = (self.root / 'pods/default_web/volumes/shared/ends').read_text()
        self.assertEqual(ends.split(), ['main', 'second', 'first'])

    def test_one_that_has_not_started_holds_up_what_follows(self):
        probe = {'exec': {'command': ['test', '-e', '/shared/up']}, 'periodSeconds': 1, 'failureThreshold': 60}
        wait = 'while [ ! -e /shared/go ]; do sleep 0.05; done; touch /shared/up; '
        init = container('proxy', wait + SERVE, restartPolicy='Always',
                         volumeMounts=SHARED, startupProbe=probe)
        main = container('main', 'ls /shared; ' + SERVE, volumeMounts=SHARED)
        self.play(manifest('web', init, main))
        self.assertEqual(self.container('web', 'main')['state'], {'waiting': {'reason': 'PodInitializing'}})
        (self.root / 'pods/default_web/volumes/shared/go').touch()
        self.wait_running('web')
        self.wait(lambda: self.logs('web').split() == ['go', 'up', 'serving'], 'main to have listed what was there at its start')

    def test_they_do_not_hold_up_the_end(self):
        init = container('proxy', SERVE, restartPolicy='Always')
        self.play(manifest('job', init, container('main', 'exit 0'), '  restartPolicy: Never\n'))
        self.wait_phase('job', 'Succeeded')
        self.assertIn('terminated', self.status('job')['initContainerStatuses'][0]['state'])

    def test_one_that_ends_comes_again(self):
        init = container('proxy', '[ -e /shared/been ] || { touch /shared/been; exit 0; }; ' + SERVE,
                         restartPolicy='Always', volumeMounts=SHARED)
        self.play(manifest('web', init, container('main', SERVE), '  restartPolicy: Never\n'))
        self.wait(lambda: self.status('web')['initContainerStatuses'][0]['restartCount'] == 1, 'the sidecar again')
        self.wait_running('web')


class Hooks(KpodTest):
    def test_post_start_runs_before_the_next_container(self):
        main = container('a', SERVE, volumeMounts=SHARED,
                         lifecycle={'postStart': {'exec': {'command': ['sh', '-c', 'sleep 0.3; touch /shared/hook']}}})
        main += container('b', 'ls /shared; ' + SERVE, volumeMounts=SHARED)
        self.play(manifest('web', main=main))
        self.wait_log('web', 'hook', '-c', 'b')

    def test_post_start_that_fails_ends_the_container(self):
        main = container('a', SERVE, lifecycle={'postStart': {'exec': {'command': ['sh', '-c', 'echo no; exit 4']}}})
        self.play(manifest('web', main=main, extra='  restartPolicy: Never\n'))
        self.wait(lambda: self.status('web')['phase'] in ('Failed', 'Succeeded'), 'the pod has ended')
        self.assertIn('FailedPostStartHook', self.kpod('describe', 'pod', 'web').stdout)

    def test_pre_stop_runs_before_the_signal(self):
        main = container('a', 'trap "echo signal >> /shared/ends; exit 0" TERM; echo serving; sleep 1000 & wait', volumeMounts=SHARED,
                         lifecycle={'preStop': {'exec': {'command': ['sh', '-c', 'sleep 0.2; echo hook >> /shared/ends']}}})
        self.play(manifest('web', main=main))
        self.wait_log('web', 'serving')
        self.kpod('stop', 'web')
        self.assertEqual((self.root / 'pods/default_web/volumes/shared/ends').read_text().split(), ['hook', 'signal'])

    def test_sleep_and_stop_signal(self):
        main = container('a', 'trap "echo usr1; exit 0" USR1; echo serving; sleep 1000 & wait',
                         lifecycle={'preStop': {'sleep': {'seconds': 1}}, 'stopSignal': 'SIGUSR1'})
        self.play(manifest('web', main=main, extra='  os: {name: linux}\n'))
        self.wait_log('web', 'serving')
        self.kpod('stop', 'web')
        self.assertIn('usr1', self.logs('web'))

    def test_a_hook_that_hangs_ends_with_the_grace_period(self):
        main = container('a', SERVE, lifecycle={'preStop': {'exec': {'command': ['sleep', '1000']}}})
        self.play(manifest('web', main=main).replace('PeriodSeconds: 5', 'PeriodSeconds: 1'))
        self.wait_log('web', 'serving')
        self.kpod('stop', 'web')
        self.assertEqual(self.container('web', 'a')['state']['terminated']['exitCode'], 0)


class Ends(KpodTest):
    def test_deadline(self):
        self.play(manifest('late', main=container('a', SERVE), extra='  activeDeadlineSeconds: 1\n'))
        self.wait_phase('late', 'Failed')
        status = self.status('late')
        self.assertEqual(status['reason'], 'DeadlineExceeded')
        self.wait(lambda: 'terminated' in self.container('late', 'a')['state'], 'its container has ended')
        self.assertEqual(self.status('late')['phase'], 'Failed')
        self.assertRegex(self.kpod('describe', 'pod', 'late').stdout, r'Reason: +DeadlineExceeded')

    def test_rules_of_restart(self):
        rules = [{'action': 'Restart', 'exitCodes': {'operator': 'In', 'values': [42]}}]
        main = container('a', 'if [ -e /shared/been ]; then exit 7; fi; touch /shared/been; exit 42', volumeMounts=SHARED,
                         restartPolicy='Never', restartPolicyRules=rules)
        self.play(manifest('web', main=main))
        self.wait_phase('web', 'Failed')
        state = self.container('web', 'a')
        self.assertEqual((state['restartCount'], state['state']['terminated']['exitCode']), (1, 7))

    def test_restart_of_all_containers(self):
        rules = [{'action': 'RestartAllContainers', 'exitCodes': {'operator': 'In', 'values': [88]}}]
        init = container('count', 'echo x >> /shared/count', volumeMounts=SHARED)
        main = container('a', '[ $(wc -l < /shared/count) -ge 2 ] || exit 88; ' + SERVE, volumeMounts=SHARED,
                         restartPolicy='Never', restartPolicyRules=rules)
        main += container('b', SERVE)
        self.play(manifest('web', init, main))
        self.wait(lambda: self.container('web', 'b').get('restartCount') == 1, 'the other one started anew')
        self.wait_running('web')
        self.assertEqual(self.exec('web', 'cat', '/shared/count'), 'x\nx\n')

    def test_pods_follow_their_class_of_service(self):
        limits = {'resources': {'limits': {'cpu': '1', 'memory': '64Mi'}}}
        self.play(manifest('web', main=container('a', SERVE, **limits)))
        self.assertEqual(self.status('web')['qosClass'], 'Guaranteed')
