"""ps, describe, events, top, stats: what a person sees of pods, on terminals of every kind, and what
a script gets when its output goes nowhere."""
import json
import os
import re
import signal
import subprocess

from harness import KPOD, KpodTest, pod
from terminal import Terminal

APPLICATION = '''\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {colour: blue}
---
apiVersion: v1
kind: Secret
metadata: {name: key}
stringData: {word: hush}
---
apiVersion: v1
kind: Pod
metadata:
  name: web
  labels: {app: web, tier: front}
  annotations: {note: "first\\nsecond", short: text}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: busybox
    command: [sh, -c]
    args: ["echo hello; exec sleep 1000"]
    ports: [{name: http, containerPort: 80}, {containerPort: 53, protocol: UDP, hostPort: 5353, hostIP: 127.0.0.1}]
    resources: {limits: {cpu: 500m, memory: 64Mi}, requests: {cpu: 100m}}
    envFrom: [{prefix: S_, configMapRef: {name: settings}}]
    env:
    - {name: PLAIN, value: text}
    - {name: WORD, valueFrom: {secretKeyRef: {name: key, key: word}}}
    volumeMounts: [{name: data, mountPath: /data}, {name: settings, mountPath: /c, subPath: colour}]
  - name: side
    image: busybox
    command: [sleep, "1000"]
  volumes:
  - {name: data, emptyDir: {medium: Memory, sizeLimit: 16Mi}}
  - {name: settings, configMap: {name: settings}}
  - {name: key, secret: {secretName: key, optional: true}}
  - {name: host, hostPath: {path: /etc, type: Directory}}
'''

DESCRIBED = '''\
Name:             web
Namespace:        default
Service Account:  default
Node:             NODE/ADDRESS
Start Time:       TIME
Labels:           app=web
                  tier=front
Annotations:      note:
                    first
                    second
                  short: text
Status:           Running
IP:               ADDRESS
IPs:
  IP:  ADDRESS
Containers:
  main:
    Container ID:  kpod://ID
    Image:         busybox
    Image ID:      sha256:ID
    Ports:         80/TCP (http), 53/UDP
    Host Ports:    0/TCP (http), 127.0.0.1:5353/UDP
    Command:
      sh
      -c
    Args:
      echo hello; exec sleep 1000
    State:          Running
      Started:      TIME
    Ready:          True
    Restart Count:  0
    Limits:
      cpu:     500m
      memory:  64Mi
    Requests:
      cpu:     100m
      memory:  64Mi
    Environment Variables from:
      settings  ConfigMap with prefix 'S_'  Optional: false
    Environment:
      PLAIN:  text
      WORD:   <set to the key 'word' in secret 'key'>  Optional: false
    Mounts:
      /c from settings (ro,path="colour")
      /data from data (rw)
'''

VOLUMES = '''\
Conditions:
  Type                       Status
  PodReadyToStartContainers  True
  Initialized                True
  Ready                      True
  ContainersReady            True
  PodScheduled               True
Volumes:
  data:
    Type:       EmptyDir (a temporary directory that shares a pod's lifetime)
    Medium:     Memory
    SizeLimit:  16Mi
  settings:
    Type:      ConfigMap (a volume populated by a ConfigMap)
    Name:      settings
    Optional:  false
  key:
    Type:        Secret (a volume populated by a Secret)
    SecretName:  key
    Optional:    true
  host:
    Type:          HostPath (bare host directory volume)
    Path:          /etc
    HostPathType:  Directory
QoS Class:         Burstable
'''


class Describe(KpodTest):
    def test_in_the_form_of_kubectl(self):
        self.play(APPLICATION)
        text = self.kpod('describe', 'pod', 'web').stdout
        shown = re.sub(r'\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}', 'TIME', text)
        shown = re.sub('[0-9a-f]{64}', 'ID', re.sub(r'10\.\d+\.\d+\.\d+', 'ADDRESS', shown))
        shown = shown.replace(f'Node:             {os.uname().nodename}/ADDRESS\n', 'Node:             NODE/ADDRESS\n')
        self.assertEqual(shown[:len(DESCRIBED)], DESCRIBED)
        self.assertIn(VOLUMES, shown)
        self.assertNotIn('hush', shown)
        events = shown.split('Events:\n')[1].splitlines()
        self.assertEqual(events[0].split(), ['Type', 'Reason', 'Age', 'From', 'Message'])
        self.assertRegex('\n'.join(events), r'Normal +Started +\w+ +kpod +Started container main')

    def test_which_pods(self):
        self.play([pod('web-1', 'exec sleep 1000'), pod('web-2', 'exec sleep 1000'), pod('db', 'exec sleep 1000')])
        names = lambda *argv: re.findall('^Name: +(.*)', self.kpod('describe', *argv).stdout, re.M)
        self.assertEqual(names('pod', 'web-1', 'db'), ['web-1', 'db'])
        self.assertEqual(names('pod', 'web'), ['web-1', 'web-2'])
        self.assertEqual(names('pods'), ['db', 'web-1', 'web-2'])
        self.assertEqual(names('pod/db'), ['db'])
        self.assertEqual(self.kpod('describe', 'pods', '-n', 'shop').stderr, 'No resources found in shop namespace.\n')
        self.assertIn('pod "wob-1" not found: did you mean "web-1"?', self.kpod('describe', 'pod', 'wob-1', rc=125).stderr)

    def test_a_crash_and_events_that_repeat(self):
        self.play(pod('web', 'exit 3'))
        self.wait(lambda: 'waiting' in self.container('web', 'main').get('state', {}), 'it backs off')
        text = self.kpod('describe', 'pod', 'web').stdout
        self.assertRegex(text, r'State: +Waiting\n +Reason: +CrashLoopBackOff\n +Message: +back-off 10s restarting')
        self.assertRegex(text, r'Last State: +Terminated\n +Reason: +Error\n +Exit Code: +3\n +Started: .*\n +Finished: ')
        self.assertRegex(text, r'Normal +Started +\w+ \(x2 over \w+\) +kpod +Started container main')
        self.assertRegex(text, r'QoS Class: +BestEffort')


class Strangers(KpodTest):
    """What images and containers say never reaches a terminal as it is."""

    EVIL = '\\033]0;title\\007\\033[31mred\\342\\200\\256'

    def test_words_of_containers(self):
        self.play(pod('web', f"printf '{self.EVIL}' > /dev/termination-log; exit 1", 'restartPolicy: Never\n'))
        self.wait_phase('web', 'Failed')
        for argv in (['describe', 'pod', 'web'], ['ps', '-a', '--format', '{{.Status}}'],
                     ['inspect', 'web', '--format', '{{range .Status.containerStatuses}}{{.state.terminated.message}}{{end}}']):
            t = Terminal(self, *argv)
            text = t.rest()
            self.assertNotIn('\x1b', text)
            self.assertNotIn('\u202e', text)
        self.assertIn('^[]0;title^G^[[31mred\\xe2\\x80\\xae', self.kpod('describe', 'pod', 'web').stdout)
        # A script gets every byte.
        raw = self.kpod('inspect', 'web', '--format', '{{(index .Status.containerStatuses 0).state.terminated.message}}').stdout
        self.assertIn('\x1b]0;title\x07', raw)

    def test_processes_and_errors(self):
        self.play(pod('web', "cp /bin/busybox /tmp/sleep; exec -a \"$(printf '\\033[31m')\" /tmp/sleep 1000 || exec sleep 1000"))
        self.wait_running('web')
        self.assertNotIn('\x1b', self.kpod('top', 'web').stdout)
        for argv in (['logs', 'a\x1b[31mb'], ['rmi', '\x1b[31m'], ['exec', 'web', '/no\x1b[31m']):
            self.assertNotIn('\x1b', self.kpod(*argv, rc=None).stderr)


class Lists(KpodTest):
    def setUp(self):
        super().setUp()
        self.play([pod('web', 'exec sleep 1000').replace('  name: web', '  name: web\n  labels: {app: web, tier: front}', 1),
                   pod('web', 'exec sleep 1000', namespace='shop').replace('  name: web', '  name: web\n  labels: {app: web}', 1),
                   pod('done', 'true', 'restartPolicy: Never\n'),
                   pod('waits', 'true', image='localhost/none', container_extra='imagePullPolicy: Never\n')])
        self.wait_phase('done', 'Succeeded')

    def quiet(self, *argv):
        return self.kpod(*argv, '-q').stdout.split()

    def test_filters(self):
        self.assertEqual(self.quiet('ps'), ['waits/main', 'web/main', 'shop/web/main'])
        self.assertEqual(self.quiet('ps', '-a'), ['done/main', 'waits/main', 'web/main', 'shop/web/main'])
        for filters, wanted in ((['pod=web'], ['web', 'shop/web']), (['pod=web', 'namespace=shop'], ['shop/web']),
                                (['label=app=web', 'label=tier'], ['web']), (['label=tier=back'], []),
                                (['status=running'], ['web', 'shop/web']), (['status=waiting'], ['waits']),
                                (['status=exited'], ['done']), (['status=ErrImageNeverPull', 'status=Completed'], ['done', 'waits']),
                                (['image=none'], ['waits']), (['name=mai', 'pod=done'], [])):
            options = [o for f in filters for o in ('--filter', f)]
            self.assertEqual(self.quiet('ps', *options), [w + '/main' for w in wanted], filters)
        self.assertEqual(self.quiet('pod', 'ps', '-f', 'name=we', '--filter', 'status=running'), ['web', 'shop/web'])
        self.assertEqual(self.quiet('pods', 'done', 'shop/web'), ['done', 'shop/web'])
        self.assertEqual(self.quiet('pods', '-n', 'shop'), ['shop/web'])
        self.assertIn('wanted KEY=VALUE with one of name, pod,', self.kpod('ps', '--filter', 'colour=red', rc=125).stderr)
        self.assertIn('unknown argument "web"', self.kpod('ps', 'web', rc=125).stderr)

    def test_a_narrow_terminal_cuts_what_is_long(self):
        whole = 'Container image "localhost/none" is not present with pull policy of Never'
        narrow = Terminal(self, 'ps', columns=90).rest().split('\r\n')
        self.assertLessEqual(max(map(len, narrow)), 90)
        self.assertIn('ErrImageNeverPull', ''.join(narrow))
        self.assertIn('...', ''.join(narrow))
        self.assertIn(whole, Terminal(self, 'ps', '--no-trunc', columns=90).rest())
        self.assertIn(whole, self.kpod('ps').stdout)

    def test_names_in_several_namespaces(self):
        self.assertIn('pod "web" not found in namespace new: there are web, shop/web',
                      self.kpod('inspect', '-n', 'new', 'web', rc=125).stderr)
        self.assertIn('pod "done" not found in namespace shop: did you mean done?', self.kpod('rm', '-n', 'shop', 'done', rc=125).stderr)
        self.assertEqual(self.kpod('stop', 'shop/web', 'web', 'web').stdout, 'shop/web\nweb\n')
        self.assertIn('either name pods, or use --all', self.kpod('stop', 'web', '--all', rc=125).stderr)
        failed = self.kpod('rm', '--all', rc=125)
        self.assertEqual(failed.stdout.split(), ['done', 'web', 'shop/web'])
        self.assertIn('pod waits: it is running: stop it first, or use --force', failed.stderr)
        self.assertIn('--time -1: wanted 0 or more seconds', self.kpod('stop', '-t', '-1', 'waits', rc=125).stderr)

    def test_top_and_stats(self):
        def rows():
            return [(r['Namespace'], r['Pod'], r['User'], r['Command']) for r in json.loads(self.kpod('top', '--all', '--format', 'json').stdout)]
        want = [('default', 'web', '0', 'sleep 1000'), ('shop', 'web', '0', 'sleep 1000')]
        self.wait(lambda: rows() == want, want)  # each shell becomes its program
        rows = json.loads(self.kpod('stats', '--no-stream', '--format', 'json', 'shop/web').stdout)
        self.assertEqual([(r['Namespace'], r['Pod'], r['PIDs']) for r in rows], [('shop', 'web', 1)])
        self.assertRegex(self.kpod('stats').stdout, r'shop/web +main +\d+\.\d\d% +\S+ / \S+ +\d+\.\d\d%')


class Events(KpodTest):
    def test_selection_and_following(self):
        child = subprocess.Popen([KPOD, 'events', '-f', '--format', 'json', '--for', 'pod/web'], env=self.env, text=True,
                                 stdout=subprocess.PIPE)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        self.addCleanup(child.stdout.close)
        self.play([pod('web', 'exec sleep 1000'), pod('other', 'exit 1', 'restartPolicy: Never\n')])
        seen = []
        while 'Started' not in seen:
            seen.append(json.loads(child.stdout.readline())['reason'])
        self.assertEqual(seen[0], 'Scheduled')
        child.terminate()
        self.assertEqual(child.wait(60), -signal.SIGTERM)
        listed = json.loads(self.kpod('events', '--filter', 'reason=Started', '--format', 'json').stdout)
        self.assertEqual(sorted(e['object'] for e in listed), ['pod/other', 'pod/web'])
        later = min(e['time'] for e in listed)
        self.assertEqual(len(json.loads(self.kpod('events', '--since', later, '--filter', 'reason=Started', '--format', 'json').stdout)), 2)
        self.assertEqual(json.loads(self.kpod('events', '--since', '2999-01-01T00:00:00Z', '--format', 'json').stdout), [])
        self.assertIn('wanted a duration such as 10m, or a time', self.kpod('events', '--since', 'noon', rc=125).stderr)


class Live(KpodTest):
    def setUp(self):
        super().setUp()
        self.play(pod('web', 'exec sleep 1000'))

    def test_stats_redraws_where_it_can(self):
        t = Terminal(self, 'stats')
        t.until('\x1b[2J\x1b[H')
        for _ in range(2):
            t.until('web')
            t.until('\x1b[J')
        t.type('\x03')
        self.assertEqual(t.end(), -signal.SIGINT)
        dumb = Terminal(self, 'stats', env={'TERM': 'dumb'})
        for _ in range(2):
            dumb.until('web')
        dumb.type('\x03')
        self.assertEqual(dumb.end(), -signal.SIGINT)
        self.assertNotIn('\x1b', dumb.text)

    def test_colours_only_where_they_are_wanted(self):
        self.play(pod('loud', 'echo hello; exec sleep 1000').replace('  name: loud', '  name: loud\n  labels: {app: loud}', 1), name='b.yaml')
        self.wait_log('loud', 'hello')
        for env, coloured in (({}, True), ({'NO_COLOR': ''}, True), ({'NO_COLOR': '1'}, False), ({'TERM': 'dumb'}, False),
                              ({'LC_ALL': 'C'}, True)):
            text = Terminal(self, 'logs', '-l', 'app=loud', env=env).rest()
            self.assertEqual('\x1b[3' in text, coloured, env)
            self.assertIn('hello', text)


class Nowhere(KpodTest):
    """Output that cannot arrive, and streams that are closed."""

    COMMANDS = (['version'], ['ps'], ['pod', 'ps', '-q'], ['images'], ['info'], ['--help'], ['ps', '--help'], ['describe', 'pod', 'web'],
                ['inspect', 'web'], ['logs', 'web'], ['events'], ['generate', 'kube', 'web'], ['completion', 'bash'])

    def test_a_full_disk_is_an_error(self):
        self.play(pod('web', 'echo hello; exec sleep 1000'))
        self.wait_log('web', 'hello')
        for argv in self.COMMANDS:
            with open('/dev/full', 'w') as full:
                done = subprocess.run([KPOD, *argv], env=self.env, stdout=full, stderr=subprocess.PIPE, text=True)
            self.assertEqual((done.returncode, done.stderr), (125, 'kpod: standard output: No space left on device\n'), argv)

    def closed(self, *argv):
        return subprocess.run(['sh', '-c', 'exec "$@" <&- >&- 2>&-', 'sh', KPOD, *argv], env=self.env).returncode

    def test_closed_streams_are_no_files_of_kpods(self):
        path = self.write('app.yaml', pod('web', 'ls -l /proc/self/fd; exec sleep 1000'))
        self.played.append(path)
        self.assertEqual(self.closed('play', 'kube', path), 0)
        self.wait_running('web')
        supervisor = self.status('web')['kpodSupervisorPid']
        for fd in range(3):
            self.assertEqual(os.readlink(f'/proc/{supervisor}/fd/{fd}'), '/dev/null')
        for argv in self.COMMANDS + (['load', '-i', self.image()], ['kube', 'down', path]):
            self.assertEqual(self.closed(*argv), 0, argv)
        self.assertEqual(self.kpod('ps', '-a', '-q').stdout, '')

    def image(self):
        from harness import image_archive
        return str(image_archive('busybox'))

    def test_a_reader_that_leaves(self):
        self.play(pod('web', 'exec sleep 1000'))
        for argv in self.COMMANDS:
            child = subprocess.Popen([KPOD, *argv], env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            child.stdout.close()
            self.assertIn(child.wait(60), (0, -signal.SIGPIPE), argv)
            self.assertEqual(child.stderr.read(), b'', argv)
            child.stderr.close()
