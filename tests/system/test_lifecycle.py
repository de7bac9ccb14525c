"""Restarts, ends and stops."""
import json

from harness import KpodTest, pod


class Lifecycle(KpodTest):
    images = ['busybox', 'layered']

    def ended(self, name, container='main'):
        return self.container(name, container).get('state', {}).get('terminated')

    def test_exit_codes_and_reasons(self):
        cases = {'well': ('exit 0', 0, 'Completed'), 'badly': ('exit 42', 42, 'Error'), 'killed': ('kill -9 $$$$', 137, 'Error'),
                 'aborted': ('kill -6 $$$$', 134, 'Error')}
        names = list(cases)
        self.play('---\n'.join(pod(n, f'sh -c \'{cases[n][0]}\'; exit $?', 'restartPolicy: Never\n') for n in names))
        for name in names:
            self.wait(lambda: self.ended(name), f'{name} ended')
            ended = self.ended(name)
            self.assertEqual((ended['exitCode'], ended['reason']), cases[name][1:], name)
            self.assertLess(ended['startedAt'], ended['finishedAt'])
        self.assertEqual([self.status(n)['phase'] for n in names], ['Succeeded', 'Failed', 'Failed', 'Failed'])
        self.assertIn('Completed', self.word('well'))

    def test_on_failure_starts_again_until_it_succeeds(self):
        self.play(pod('tries', 'echo try >> /d/tries; [ $(wc -l < /d/tries) = 2 ]', 'restartPolicy: OnFailure\nvolumes: [{name: d, emptyDir: {}}]\n',
                      'volumeMounts: [{name: d, mountPath: /d}]\n'))
        self.wait_phase('tries', 'Succeeded')
        self.assertEqual(self.container('tries', 'main')['restartCount'], 1)
        self.assertEqual(self.container('tries', 'main')['lastState']['terminated']['exitCode'], 1)

    def test_back_off_says_how_long(self):
        self.play(pod('crash', 'exit 7'))
        waiting = self.wait(lambda: self.container('crash', 'main').get('state', {}).get('waiting'), 'it backs off')
        self.assertEqual(waiting['reason'], 'CrashLoopBackOff')
        self.assertRegex(waiting['message'], r'^back-off 10s restarting failed container=main pod=crash_default')
        self.assertEqual(self.container('crash', 'main')['restartCount'], 1)
        self.assertIn('Back-off restarting failed container', self.kpod('events').stdout)

    def test_a_container_starts_fresh_and_keeps_its_volumes(self):
        self.play(pod('fresh', 'touch /layer /d/volume; ls / /d > /d/seen$(ls /d | wc -l); [ -e /d/seen2 ] && sleep 1000; exit 1',
                      'volumes: [{name: d, emptyDir: {}}]\n', 'volumeMounts: [{name: d, mountPath: /d}]\n').replace('touch /layer /d/volume', '[ -e /layer ] && touch /d/stale; touch /layer /d/volume'))
        self.wait(lambda: self.container('fresh', 'main').get('restartCount') == 1, 'it started again')
        self.wait(lambda: 'seen2' in self.exec('fresh', 'ls', '/d', rc=None), 'the second run has looked')
        self.assertNotIn('stale', self.exec('fresh', 'ls', '/d'))

    def test_terminated_then_killed(self):
        stubborn = pod('stubborn', 'trap "echo got TERM" TERM; echo ready; while true; do sleep 0.1; done').replace(
            'terminationGracePeriodSeconds: 0', 'terminationGracePeriodSeconds: 1')
        polite = pod('polite', 'trap "echo bye; exit 0" TERM; echo ready; while true; do sleep 0.05; done').replace(
            'terminationGracePeriodSeconds: 0', 'terminationGracePeriodSeconds: 600')
        self.play(stubborn + '---\n' + polite)
        self.wait_log('stubborn', 'ready')
        self.wait_log('polite', 'ready')
        self.kpod('stop', 'polite', 'stubborn')
        self.assertIn('bye', self.logs('polite'))
        self.assertEqual(self.ended('polite')['exitCode'], 0)
        self.assertIn('got TERM', self.logs('stubborn'))
        self.assertEqual(self.ended('stubborn')['exitCode'], 137)
        self.assertIn('Killing', self.kpod('events').stdout)

    def test_the_images_stop_signal(self):
        self.play('''\
            apiVersion: v1
            kind: Pod
            metadata: {name: signal}
            spec:
              containers:
              - name: main
                image: localhost/layered
                command: [sh, -c, "trap 'echo INT; exit 0' INT; trap 'echo TERM' TERM; echo ready; while true; do sleep 0.05; done"]
            ''')
        self.wait_log('signal', 'ready')
        self.kpod('stop', 'signal')
        self.assertEqual(self.logs('signal').split(), ['ready', 'INT'])

    def test_stop_while_it_backs_off(self):
        self.play(pod('crash', 'exit 1'))
        self.wait(lambda: 'CrashLoopBackOff' in self.word('crash'), 'it backs off')
        self.kpod('stop', 'crash')
        self.assertEqual(self.ended('crash')['exitCode'], 1)

    def test_termination_messages(self):
        def container(name, command, **more):
            return dict({'name': name, 'image': 'busybox', 'command': ['sh', '-c', command]}, **more)
        self.play(json.dumps({'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': 'words'}, 'spec': {
            'restartPolicy': 'Never', 'containers': [
                container('file', 'echo -n from the file > /dev/termination-log'),
                container('path', 'echo -n elsewhere > /tmp/why; exit 1', terminationMessagePath='/tmp/why'),
                container('logs', 'echo one; echo two >&2; exit 3', terminationMessagePolicy='FallbackToLogsOnError'),
                container('fine', 'echo one', terminationMessagePolicy='FallbackToLogsOnError'),
                container('long', 'head -c 9000 /dev/zero | tr "\\0" x > /dev/termination-log')]}}))
        self.wait_phase('words', 'Failed')
        message = lambda c: self.ended('words', c).get('message', '')
        self.assertEqual(message('file'), 'from the file')
        self.assertEqual(message('path'), 'elsewhere')
        self.assertEqual(sorted(message('logs').split()), ['one', 'two'])
        self.assertEqual(message('fine'), '')
        self.assertEqual(message('long'), 'x' * 4096)

    def test_a_pod_of_two_ends_when_both_have(self):
        self.play('''\
            apiVersion: v1
            kind: Pod
            metadata: {name: two}
            spec:
              restartPolicy: Never
              terminationGracePeriodSeconds: 0
              volumes: [{name: d, emptyDir: {}}]
              containers:
              - {name: quick, image: busybox, command: ["true"]}
              - {name: slow, image: busybox, command: [sh, -c, "until [ -e /d/go ]; do sleep 0.02; done; exit 5"], volumeMounts: [{name: d, mountPath: /d}]}
            ''')
        self.wait(lambda: self.ended('two', 'quick'), 'one ended')
        self.assertEqual(self.status('two')['phase'], 'Running')
        self.assertIn('1/2', self.word('two'))
        self.exec('two', '-c', 'slow', '--', 'touch', '/d/go')
        self.wait_phase('two', 'Failed')
        self.assertEqual(self.ended('two', 'slow')['exitCode'], 5)

    def test_a_generated_name(self):
        text = pod('x', 'sleep 1000').replace('name: x', 'generateName: made-')
        self.assertRegex(self.play(text).stdout, 'pod/made-[a-z0-9]{5} created')
        names = self.pods()
        self.assertRegex(self.play(text).stdout, 'pod/made-[a-z0-9]{5} unchanged')
        self.assertEqual(self.pods(), names)
        self.down()
        self.assertEqual(self.pods(), [])
