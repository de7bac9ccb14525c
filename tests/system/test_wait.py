"""kpod wait, in the forms and words of kubectl's."""
import subprocess

from harness import KPOD, KpodTest, deployment, pod

READY = 'readinessProbe: {exec: {command: [test, -e, /ready]}, periodSeconds: 1}\n'


class Wait(KpodTest):
    def begin(self, *argv):
        child = subprocess.Popen([KPOD, 'wait', *argv], env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(child.communicate)
        self.addCleanup(child.kill)
        return child

    def end(self, child):
        out, err = child.communicate(timeout=60)
        return child.returncode, out, err

    def fails(self, *argv):
        done = self.kpod('wait', *argv, rc=None)
        return done.returncode, done.stderr

    def test_conditions(self):
        self.play(pod('web', 'sleep 1000', '', READY))
        self.wait_running('web')
        child = self.begin('pod/web', '--for', 'condition=ready')
        self.assertEqual(self.fails('web', '--for', 'condition=Ready', '--timeout', '0'),
                         (1, 'kpod: wait: timed out waiting for the condition on pods/web\n'))
        self.kpod('wait', 'pods', 'web', '--for=condition=Ready=False', '--timeout=0')
        self.exec('web', 'touch', '/ready')
        self.assertEqual(self.end(child), (0, 'pod/web condition met\n', ''))
        self.assertEqual(self.kpod('wait', 'web', '--for=condition=Ready', '--timeout=0').stdout, 'pod/web condition met\n')

    def test_paths(self):
        self.play([pod('a', 'exit 3', 'restartPolicy: Never\n'), pod('b', 'sleep 1000')])
        ended = "jsonpath={.status.containerStatuses[?(@.name==\"main\")].state.terminated.exitCode}=3"
        self.assertEqual(self.kpod('wait', 'a', '--for', ended).stdout, 'pod/a condition met\n')
        self.assertEqual(self.kpod('wait', 'pod', '--all', '--for', 'jsonpath={.metadata.name}').stdout,
                         'pod/a condition met\npod/b condition met\n')
        self.assertEqual(self.kpod('wait', 'b', '--for', 'jsonpath=.status.phase=Running').returncode, 0)
        self.assertEqual(self.fails('a', '--for', 'jsonpath={.status}=x'),
                         (1, 'kpod: wait: jsonpath leads to a nested object or list which is not supported\n'))

    def test_until_it_is_gone_and_until_it_is_there(self):
        made = self.begin('web', '--for', 'create')
        self.play(pod('web', 'sleep 1000'))
        self.assertEqual(self.end(made), (0, 'pod/web condition met\n', ''))
        self.wait_running('web')
        gone = self.begin('pod', 'web', '--for', 'delete')
        self.assertEqual(self.fails('web', '--for=delete', '--timeout=0s')[0], 1)
        self.down()
        self.assertEqual(self.end(gone), (0, 'pod/web condition met\n', ''))
        self.kpod('wait', 'web', '--for=delete')
        self.assertEqual(self.fails('web', '--for=condition=Ready'), (1, 'kpod: wait: pods "web" not found\n'))

    def test_a_deployment_is_available_when_enough_are_ready(self):
        self.play(deployment('web', '''\
            - name: main
              image: busybox
              command: [sleep, "1000"]
              readinessProbe: {exec: {command: [test, -e, /ready]}, periodSeconds: 1}
            ''', replicas=4))
        child = self.begin('deployment/web', '--for', 'condition=Available')
        pods = self.pods()
        self.wait(lambda: all(self.container(p, 'main').get('state', {}).get('running') for p in pods), 'all run')
        for name in pods[:2]:
            self.exec(name, 'touch', '/ready')
        self.kpod('wait', 'pod', *pods[:2], '--for=condition=Ready')
        self.assertIsNone(child.poll())  # a quarter may be missing, and half of them are
        self.exec(pods[2], 'touch', '/ready')
        self.assertEqual(self.end(child), (0, 'deployment.apps/web condition met\n', ''))

    def test_what_is_wrong(self):
        self.assertIn('--for is wanted', self.fails('web')[1])
        self.assertIn('wanted condition=', self.fails('web', '--for', 'ready')[1])
        self.assertIn('jsonpath: ', self.fails('web', '--for', 'jsonpath={.a')[1])
        self.assertIn('wanted a time', self.fails('web', '--for', 'delete', '--timeout', 'soon')[1])
        self.assertEqual(self.fails('pods', '--for', 'delete'), (1, 'kpod: wait: which of them? Names, --all or --selector are wanted\n'))
        self.assertEqual(self.fails('pods', '-l', 'a=b', '--for', 'create'), (1, 'kpod: wait: no matching resources found\n'))
