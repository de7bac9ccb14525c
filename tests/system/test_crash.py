"""Whatever is killed, and wherever: the next command finds a consistent state, nothing is leaked and
no pod is half there. Playing again makes it so, down takes it away."""
import subprocess
import urllib.request

import machine
from crash import CrashTest
from harness import claim, image_archive

APP = '''\
apiVersion: v1
kind: ConfigMap
metadata: {name: config}
data: {word: "%(word)s"}
---
apiVersion: v1
kind: Secret
metadata: {name: secret}
stringData: {word: "secret-%(word)s"}
---
''' + claim('claim') + '''---
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  terminationGracePeriodSeconds: 0
  securityContext: {fsGroup: 2000}
  volumes:
  - {name: config, configMap: {name: config}}
  - {name: secret, secret: {secretName: secret}}
  - {name: claim, persistentVolumeClaim: {claimName: claim}}
  - {name: www, emptyDir: {}}
  containers:
  - name: server
    image: busybox
    command: [sh, -c, "exec httpd -f -p 80 -h /www"]
    env: [{name: CHANGE, value: "%(change)s"}]
    ports: [{containerPort: 80, hostPort: 18080}]
    volumeMounts:
    - {name: www, mountPath: /www}
    - {name: config, mountPath: /www/config}
    - {name: secret, mountPath: /www/secret}
    - {name: claim, mountPath: /www/claim}
  - name: other
    image: busybox
    command: [sleep, "1000"]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: many}
spec:
  replicas: %(replicas)s
  selector: {matchLabels: {app: many}}
  template:
    metadata: {labels: {app: many}, annotations: {change: "%(change)s"}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: c, image: busybox, command: [sleep, "1000"]}]
---
apiVersion: v1
kind: Pod
metadata: {name: quiet, annotations: {kpod.io/network: none}}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: c, image: busybox, command: [sleep, "1000"]}]
'''
FIRST = APP % {'word': 'one', 'change': 1, 'replicas': 2}
SECOND = APP % {'word': 'two', 'change': 2, 'replicas': 1}


class Crash(CrashTest):
    ports = ('18080',)

    def setUp(self):
        super().setUp()
        self.first = self.write('first.yaml', FIRST)
        self.second = self.write('second.yaml', SECOND)
        self.played += [self.first]

    def get(self, path):
        with urllib.request.urlopen('http://127.0.0.1:18080' + path, timeout=5) as answer:
            return answer.read().decode()

    def whole(self, manifest):
        """Plays it (again): all of it runs as it says."""
        self.next('pod', 'ps')
        self.next('play', 'kube', manifest)
        word, replicas = ('one', 2) if manifest == self.first else ('two', 1)
        rows = self.next('pod', 'ps').stdout.splitlines()[1:]
        states = sorted(r.split()[0].split('-')[0] + ' ' + ' '.join(r.split()[1:3]) for r in rows)
        self.assertEqual(states, ['many 1/1 Running'] * replicas + ['quiet 1/1 Running', 'web 2/2 Running'], self.killed)
        self.assertEqual(self.wait(lambda: self.get_quietly('/config/word'), 'web answers'), word, self.killed)
        self.assertEqual(self.get('/secret/word'), f'secret-{word}', self.killed)
        self.agree('played again')

    def get_quietly(self, path):
        try:
            return self.get(path)
        except OSError:
            return ''

    def gone(self, manifest):
        self.next('kube', 'down', '--force', manifest)
        self.assertEqual(self.next('pod', 'ps').stdout.splitlines()[1:], [], self.killed)
        self.assertEqual(list((self.root / 'objects').rglob('*.json')), [], self.killed)
        self.assertEqual(list((self.root / 'objects').glob('.unsettled-*')), [], self.killed)
        self.agree('down')

    def kill_each(self, wanted, whos, argv, before, after):
        """Runs kpod ARGV from the state that BEFORE makes, once a chosen moment of each of WHOS; AFTER
        checks."""
        for who in whos:
            before()
            fate, calls = self.killing(who, 0, *argv)
            self.assertIn(fate, ('ended', 'lives'), f'{who} of kpod {argv}')
            after()
            for when in self.moments(calls, wanted):
                before()
                self.killing(who, when, *argv)
                after()

    def test_play(self):
        def after():
            if self.random.random() < 0.5:
                self.whole(self.first)
            self.gone(self.first)
        argv = ('play', 'kube', self.first)
        self.kill_each(20, ['kpod'], argv, lambda: None, after)
        self.kill_each(10, ['kpod-supervisor', 'kpod-supervisor+1'], argv, lambda: None, after)
        self.kill_each(4, ['kpod-supervisor+4', 'kpod-supervisor+5'], argv, lambda: None, after)

    def test_play_of_a_changed_file(self):
        def before():
            self.next('play', 'kube', self.first)
        def after():
            if self.random.random() < 0.7:
                self.whole(self.random.choice([self.first, self.second]))
            self.gone(self.second)
        self.kill_each(20, ['kpod'], ('play', 'kube', self.second), before, after)
        self.kill_each(10, ['kpod-supervisor', 'kpod-supervisor+1'], ('play', 'kube', self.second), before, after)
        self.kill_each(10, ['kpod'], ('play', 'kube', '--replace', self.second), before, after)

    def test_down(self):
        def before():
            self.next('play', 'kube', self.first)
        def after():
            if self.random.random() < 0.5:
                self.whole(self.first)
            self.gone(self.first)
        self.kill_each(20, ['kpod'], ('kube', 'down', self.first), before, after)

    def test_stop_start_restart_and_rm(self):
        stopped = ('stop', 'web')
        def before(*more):
            def run():
                self.next('play', 'kube', self.first)
                for argv in more:
                    self.next(*argv)
            return run
        def again(argv, word):
            def run():
                self.next('pod', 'ps')
                self.next(*argv)
                self.assertIn(word, self.word('web'), self.killed)
                self.agree('done again')
            return run
        self.kill_each(6, ['kpod'], stopped, before(('start', 'web')), again(stopped, 'Stopped'))
        self.kill_each(6, ['kpod', 'kpod-supervisor'], ('start', 'web'), before(stopped), again(('start', 'web'), 'Running'))
        self.kill_each(4, ['kpod', 'kpod-supervisor'], ('restart', 'web'), before(('start', 'web')), again(('restart', 'web'), 'Running'))

        def removed():
            self.next('pod', 'ps')
            self.next('rm', '--force', 'web', rc=None)  # it may be gone
            self.assertEqual(self.word('web'), '', self.killed)
            self.agree('removed')
        self.kill_each(6, ['kpod'], ('rm', '--force', 'web'), before(), removed)
        self.gone(self.first)

    def test_exec(self):
        self.next('play', 'kube', self.first)
        def after():
            self.assertEqual(self.exec('web', '-c', 'other', '--', 'echo', 'there'), 'there\n')
            self.wait(lambda: not [l for l in machine.processes().values() if l.startswith('sleep 77')], 'what was executed ended')
            self.agree('nothing is left of exec')
        # It ends by itself where nobody is killed.
        argv = ('exec', 'web', '-c', 'other', '--', 'timeout', '0.1', 'sleep', '77')
        self.kill_each(6, ['kpod', 'kpod+1'], argv, lambda: None, after)
        self.gone(self.first)


class Images(CrashTest):
    def listing(self):
        return {folder: self.names('images', folder) for folder in ('names', 'records', 'configs', 'layers', 'tmp')}

    def test_load_import_and_rmi(self):
        base = self.listing()
        archive = image_archive('layered')
        tar = self.dir / 'rootfs.tar'
        subprocess.run(['tar', '-C', machine.__file__.rsplit('/', 1)[0], '-cf', tar, 'probes'], check=True)
        self.addCleanup(tar.unlink)
        for image, make in (('localhost/layered', ('load', '-i', archive)), ('docker.io/library/made', ('import', tar, 'made'))):
            def made(argv=make, image=image):
                self.next('images')
                self.next(*argv)
                self.assertEqual(self.names('images', 'tmp'), [], self.killed)
                self.next('image', 'inspect', image)
                self.next('rmi', image)
                self.next('system', 'prune', '--force')  # one made before, which lost its name to this
                self.assertEqual(self.listing(), base, self.killed)
            def unmade(argv=make, image=image):
                self.next('images')
                self.next('rmi', image, rc=None)  # it may be gone
                self.next('system', 'prune', '--force')
                self.assertEqual(self.listing(), base, self.killed)
            made()
            for who in ('kpod', 'kpod-helper'):
                calls = self.killing(who, 0, *make)[1]
                unmade()
                for when in self.moments(calls, 8):
                    self.killing(who, when, *make)
                    self.random.choice([made, unmade])()
            self.next(*make)
            calls = self.killing('kpod', 0, 'rmi', image)[1]
            for when in self.moments(calls, 6):
                self.next(*make)
                self.killing('kpod', when, 'rmi', image)
                self.random.choice([made, unmade])()
