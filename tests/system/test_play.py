"""What each option of play kube does, and what playing again changes."""
import json
import os
import pathlib
import re
import socket
import subprocess

from harness import KPOD, claim, deployment, pod
from test_sources import CONFIG, PlayTest


class Options(PlayTest):
    images = ['busybox']

    def test_start_false_then_start(self):
        text = pod('later', 'echo up; sleep 1000')
        self.assertIn('pod/later created', self.play(text, '--start=false', '--wait').stdout)
        self.assertIn('Created', self.word('later'))
        self.assertEqual(self.pid('later', 'main'), 0)
        self.assertIn('pod/later unchanged', self.play(text, '--start=false').stdout)
        self.assertIn('Created', self.word('later'))
        self.play(text)
        self.wait_log('later', 'up')

    def test_replace(self):
        text = pod('web', 'sleep 1000')
        self.play(text)
        before = self.pid('web', 'main')
        self.assertIn('pod/web replaced', self.play(text, '--replace').stdout)
        self.wait_running('web')
        self.assertNotEqual(self.pid('web', 'main'), before)
        self.down()
        self.assertIn('pod/web', self.play(text, '--replace').stdout)  # there need not be one

    def test_configmap(self):
        settings = self.write('settings.yaml', CONFIG % 'settings')
        more = self.write('more.yaml', CONFIG % 'more')
        self.played += [settings, more]
        self.play(pod('app', 'echo $key $other; sleep 1000', container_extra='''
            envFrom: [{configMapRef: {name: settings}}]
            env: [{name: other, valueFrom: {configMapKeyRef: {name: more, key: key}}}]
            '''), '--configmap', settings, '--configmap', more)
        self.wait_log('app', 'value value')
        not_one = self.write('not.yaml', 'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n')
        self.assertIn('not.yaml:1:1: error: Secret/s: kind: only a ConfigMap may stand here',
                      self.kpod('play', 'kube', '--configmap', 'not.yaml', self.dir / 'app.yaml', rc=125, cwd=self.dir).stderr)
        self.assertIn('No such file', self.kpod('play', 'kube', '--configmap', '/no/such', self.dir / 'app.yaml', rc=125).stderr)

    def test_network_and_publish_are_part_of_what_is_kept(self):
        text = pod('net', 'sleep 1000')
        self.play(text, '--network', 'host')
        self.assertIn('hostNetwork: true', self.kpod('generate', 'kube', 'net').stdout)
        self.assertEqual(os.readlink(f'/proc/{self.pid("net", "main")}/ns/net'), os.readlink('/proc/self/ns/net'))
        self.play(text, '--network', 'none')
        self.wait_running('net')
        links = self.exec('net', 'ls', '/sys/class/net').split()
        self.assertEqual(links, ['lo'])
        again = self.kpod('generate', 'kube', 'net').stdout
        self.assertIn('unchanged', self.kpod('play', 'kube', '-', input=again).stdout)
        self.assertIn('network "lan" not found', self.play(text, '--network', 'lan', rc=125).stderr)
        self.play(pod('net', 'while true; do echo hello | nc -l -p 8000; done'), '--publish', '127.0.0.1:18123:8000', '--publish', '18124:9000/udp')
        self.wait_running('net')

        def answer():
            try:
                with socket.create_connection(('127.0.0.1', 18123), 2) as s:
                    return s.recv(100)
            except OSError:
                return b''
        self.wait(lambda: answer() == b'hello\n', 'the published port answers')
        generated = self.kpod('generate', 'kube', 'net').stdout
        self.assertRegex(generated, r'containerPort: 8000\n +protocol: TCP\n +hostPort: 18123\n +hostIP: 127.0.0.1')
        self.assertIn('unchanged', self.kpod('play', 'kube', '-', input=generated).stdout)
        for bad in ('x', '1:', '70000:80', '80:80/icmp', ''):
            self.assertIn('wanted [IP:]HOST:CONTAINER', self.play(text, '--publish', bad, rc=125).stderr)

    def test_dry_run_prints_the_plan_and_changes_nothing(self):
        text = ['apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {word: hush}\n',
                pod('dry', 'sleep 1', container_extra='env: [{name: W, valueFrom: {secretKeyRef: {name: s, key: word}}}]\n'),
                pod('dry2', 'sleep 1', namespace='other')]
        path = self.write('dry.yaml', text)
        fresh = self.dir / 'fresh'
        env = {'KPOD_ROOT': str(fresh / 'root'), 'KPOD_RUN': str(fresh / 'run')}
        plans = json.loads(self.kpod('play', 'kube', '--dry-run=json', path, env=env).stdout)
        self.assertEqual([(p['namespace'], p['name']) for p in plans], [('default', 'dry'), ('other', 'dry2')])
        self.assertEqual([p for p in fresh.rglob('*') if p.is_file()], [])
        self.assertIn('W=hush', json.loads(self.kpod('play', 'kube', '--dry-run=json', path).stdout)[0]['containers'][0]['env'])
        stable = lambda text: re.sub(r'(uid|createdNanos): \S+', '', text)
        as_yaml = self.kpod('play', 'kube', '--dry-run', path).stdout
        self.assertEqual(stable(as_yaml), stable(self.kpod('play', 'kube', '--dry-run=yaml', path).stdout))
        self.assertEqual(as_yaml.count('---\n'), 2)
        self.assertIn('json or yaml', self.kpod('play', 'kube', '--dry-run=xml', path, rc=125).stderr)
        self.assertEqual((self.names(), self.pods()), ([], []))

    def test_wait(self):
        self.play([pod('runs', 'sleep 1000'), pod('ends', 'sleep 0.3', 'restartPolicy: Never\n')], '--wait')
        self.assertEqual(self.status('runs')['phase'], 'Running')
        self.assertIn(self.status('ends')['phase'], ('Running', 'Succeeded'))
        self.play(pod('fails', 'exit 3', 'restartPolicy: Never\n'), name='fails.yaml')
        self.wait_phase('fails', 'Failed')
        self.assertIn('pod fails has failed: Error', self.kpod('play', 'kube', '--wait', self.dir / 'fails.yaml', rc=125).stderr)
        self.kpod('stop', 'runs')
        self.kpod('play', 'kube', '--wait', self.dir / 'app.yaml')  # what was stopped by hand is not waited for

    def test_wait_for_a_secret_that_comes_later(self):
        text = pod('needs', 'echo got $W; sleep 1000', container_extra='env: [{name: W, valueFrom: {secretKeyRef: {name: late, key: word}}}]\n')
        path = self.write('needs.yaml', text.replace('name: needs', 'generateName: needs-'))
        self.played.append(path)
        waiting = subprocess.Popen([KPOD, 'play', 'kube', '--wait', path], env=self.env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(waiting.kill)
        said = waiting.stderr.readline()
        self.assertRegex(said, r'^waiting: pod needs-\w{5}: CreateContainerConfigError: secret "late" not found\n$')
        self.assertIsNone(waiting.poll())
        self.play('apiVersion: v1\nkind: Secret\nmetadata: {name: late}\nstringData: {word: hush}\n', name='late.yaml')
        self.assertEqual(waiting.wait(60), 0)
        waiting.communicate()
        self.wait_log(self.pods()[0], 'got hush')


class Changes(PlayTest):
    """Playing again: only what changed is updated."""
    images = ['busybox']
    TEXT = '''\
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: settings}
        data: {colour: red}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: alone, labels: {tier: one}, annotations: {note: first}}
        spec:
          terminationGracePeriodSeconds: 0
          containers:
          - name: main
            image: busybox
            command: [sleep, "1000"]
            env: [{name: COLOUR, valueFrom: {configMapKeyRef: {name: settings, key: colour}}}]
            volumeMounts: [{name: settings, mountPath: /settings}]
          volumes: [{name: settings, configMap: {name: settings}}]
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: many, labels: {tier: two}}
        spec:
          replicas: 2
          selector: {matchLabels: {app: many}}
          template:
            metadata: {labels: {app: many}}
            spec:
              terminationGracePeriodSeconds: 0
              containers: [{name: main, image: busybox, command: [sleep, "1000"]}]
        '''

    def state(self):
        """Of each pod its process: another one is another run."""
        return {name: self.pid(name, 'main') for name in self.pods()}

    def environment(self, name):
        return pathlib.Path(f'/proc/{self.pid(name, "main")}/environ').read_text().split('\0')

    def changed(self, *replacements):
        text = self.TEXT
        for old, new in replacements:
            self.assertIn(old, text)
            text = text.replace(old, new)
        return self.play(text).stdout.splitlines()

    def test_only_what_changed_is_updated(self):
        self.play(self.TEXT, '--wait')
        first = self.state()
        files = lambda: {p: p.stat().st_mtime_ns for p in (self.root / 'objects').rglob('*.json')}
        written = files()
        self.assertEqual(self.changed(), ['configmap/settings unchanged', 'pod/alone unchanged', 'deployment.apps/many unchanged'])
        self.assertEqual((self.state(), files()), (first, written))

        # Labels and annotations of a pod, labels of a deployment: no container notices.
        done = self.changed(('tier: one', 'tier: 1st'), ('note: first', 'note: second'), ('tier: two', 'tier: 2nd'))
        self.assertEqual(done, ['configmap/settings unchanged', 'pod/alone configured', 'deployment.apps/many configured'])
        self.assertEqual(self.state(), first)
        self.assertEqual(self.kpod('pod', 'ps', '-l', 'tier=1st', '--format', '{{.Name}}').stdout.split(), ['alone'])
        self.assertEqual(self.read('alone', 'plan.json')['annotations'], {'note': 'second'})

        # A ConfigMap: the volume follows, the environment is that of the start.
        self.assertEqual(self.changed(('red', 'green'))[0], 'configmap/settings configured')
        self.wait(lambda: self.exec('alone', 'cat', '/settings/colour') == 'green', 'the volume follows')
        self.assertIn('COLOUR=red', self.environment('alone'))
        self.assertEqual(self.state(), first)

        # Replicas: the others stay.
        self.changed(('red', 'green'), ('replicas: 2', 'replicas: 3'))
        self.assertEqual(len(self.pods()), 4)
        self.assertLessEqual(first.items(), self.state().items())
        self.changed(('red', 'green'), ('replicas: 2', 'replicas: 1'))
        self.assertEqual(len(self.pods()), 2)
        self.changed(('red', 'green'))

        # The template: new pods, and the lone one stays.
        before = self.state()
        done = self.changed(('red', 'green'), ('{app: many}}\n            spec', '{app: many, version: v2}}\n            spec'))
        self.assertIn('deployment.apps/many configured', done)
        after = self.state()
        self.assertEqual([n for n in after if n in before], ['alone'])
        self.assertEqual(len(after), 3)

        # The spec of the lone pod: another pod, with the environment of now.
        done = self.changed(('red', 'green'), ('/settings}', '/settings/now}'), ('{app: many}}\n            spec', '{app: many, version: v2}}\n            spec'))
        self.assertEqual(done, ['configmap/settings unchanged', 'pod/alone configured', 'deployment.apps/many unchanged'])
        self.assertEqual({n: p for n, p in self.state().items() if n != 'alone'}, {n: p for n, p in after.items() if n != 'alone'})
        self.assertNotEqual(self.state()['alone'], after['alone'])
        self.assertIn('COLOUR=green', self.environment('alone'))

    def test_another_form_of_the_same_is_no_change(self):
        text = pod('form', 'sleep 1000')
        self.play(text, '--wait')
        first = self.state()
        generated = self.kpod('generate', 'kube', 'form').stdout
        self.assertEqual(self.kpod('play', 'kube', '-', input=generated).stdout, 'pod/form unchanged\n')
        turned = json.dumps({'spec': {'containers': [{'command': ['/bin/sh', '-c', 'sleep 1000'], 'image': 'busybox', 'name': 'main'}],
                                      'terminationGracePeriodSeconds': 0}, 'metadata': {'name': 'form'}, 'kind': 'Pod', 'apiVersion': 'v1'})
        self.assertEqual(self.kpod('play', 'kube', '-', input=turned).stdout, 'pod/form unchanged\n')
        self.assertEqual(self.state(), first)


class References(PlayTest):
    """What a pod refers to and nobody has made yet: the pod waits, says what for, and starts by itself."""
    images = ['busybox']
    SECRET = 'apiVersion: v1\nkind: Secret\nmetadata: {name: late}\nstringData: {%s: hush}\n'
    MAP = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: late}\ndata: {%s: hush}\n'
    CLAIM = claim('late')

    def waits(self, text, *waited, container='main'):
        """Plays `text`, then each manifest of `waited`, (message, manifest): before it the pod says the message."""
        self.play(text)
        name = self.pods()[0]
        for i, (message, manifest) in enumerate(waited):
            words = f'CreateContainerConfigError: {message}'
            self.wait(lambda: words in self.kpod('ps').stdout, words)
            described = self.kpod('describe', 'pod', name).stdout
            self.assertRegex(described, rf'Reason: +CreateContainerConfigError\n +Message: +{re.escape(message)}\n')
            self.assertIn(f'Error: {message}', described)  # the event
            self.assertIn('CreateContainerConfigError', self.word(name))
            self.play(manifest, name=f'late{i}.yaml')
        self.wait_running(name)
        self.assertEqual(self.container(name, container)['restartCount'], 0)
        for i in range(len(waited)):
            self.down(f'late{i}.yaml', '--force')
        self.assertEqual(self.status(name)['phase'], 'Running')  # what runs does not stop for it
        self.down()

    def test_environment(self):
        key = 'env: [{name: W, valueFrom: {%s: {name: late, key: word}}}]\n'
        self.waits(pod('env', 'sleep 1000', container_extra=key % 'secretKeyRef'), ('secret "late" not found', self.SECRET % 'other'),
                   ("couldn't find key word in Secret default/late", self.SECRET % 'word'))
        self.waits(pod('env', 'sleep 1000', container_extra=key % 'configMapKeyRef'), ('configmap "late" not found', self.MAP % 'other'),
                   ("couldn't find key word in ConfigMap default/late", self.MAP % 'word'))
        whole = 'envFrom: [{%s: {name: late}}]\n'
        self.waits(pod('env', 'sleep 1000', container_extra=whole % 'secretRef'), ('secret "late" not found', self.SECRET % 'any'))
        self.waits(pod('env', 'sleep 1000', container_extra=whole % 'configMapRef'), ('configmap "late" not found', self.MAP % 'any'))

    def test_volumes(self):
        mount = 'volumeMounts: [{name: v, mountPath: /v}]\n'
        for volume, message, manifest in (('secret: {secretName: late}', 'secret "late" not found', self.SECRET % 'any'),
                                          ('configMap: {name: late}', 'configmap "late" not found', self.MAP % 'any'),
                                          ('persistentVolumeClaim: {claimName: late}', 'persistentvolumeclaim "late" not found', self.CLAIM)):
            with self.subTest(volume):
                self.waits(pod('vol', 'sleep 1000', f'volumes: [{{name: v, {volume}}}]\n', mount), (message, manifest))

    def test_of_a_deployment_and_one_container_of_two(self):
        self.waits(deployment('many', '''\
            - {name: good, image: busybox, command: [sleep, "1000"]}
            - {name: main, image: busybox, command: [sleep, "1000"], envFrom: [{secretRef: {name: late}}]}
            '''), ('secret "late" not found', self.SECRET % 'any'))

    def test_what_is_optional_is_not_waited_for(self):
        self.play(pod('optional', 'echo "<$A>$(ls /v)"; sleep 1000',
                      'volumes: [{name: v, secret: {secretName: never, optional: true}}]\n', '''
            env: [{name: A, valueFrom: {configMapKeyRef: {name: never, key: x, optional: true}}}]
            envFrom: [{secretRef: {name: never, optional: true}}]
            volumeMounts: [{name: v, mountPath: /v}]
            '''))
        self.wait_log('optional', '<>')
