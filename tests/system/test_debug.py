"""kpod debug: a container beside those of a running pod."""
from harness import KpodTest, pod
from terminal import Terminal


class Debug(KpodTest):
    images = ['busybox', 'layered']

    def setUp(self):
        super().setUp()
        self.play(pod('web', 'echo here > /file; exec sleep 1000', 'securityContext: {fsGroup: 2000}\n'))
        self.wait(lambda: self.exec('web', 'cat', '/proc/1/cmdline', rc=None).startswith('sleep'), 'the program runs')

    def debug(self, *argv, **more):
        return self.kpod('debug', 'web', '--image', 'localhost/layered', '--image-pull-policy', 'Never', *argv, **more)

    def states(self):
        return {c['name']: c['state'] for c in self.status('web').get('ephemeralContainerStatuses', [])}

    def test_it_has_the_pods_network_and_a_root_of_its_own(self):
        spaces = 'for n in net ipc uts; do readlink /proc/self/ns/$n; done'
        of_pod = self.exec('web', 'sh', '-c', spaces)
        done = self.debug('-q', '--attach', '--env', 'A=b', '--', 'sh', '-c', f'{spaces}; hostname; cat /data/kept; echo $A; id -G; exit 3', rc=3)
        self.assertEqual((done.stdout, done.stderr), (f'{of_pod}web\nkept\nb\n1600 2000\n', ''))
        # Its processes are its own.
        self.assertNotIn('sleep 1000', self.debug('-q', '--attach', '--', 'ps').stdout)
        done = self.debug('-i', '--', 'cat', input='typed')
        self.assertEqual(done.stdout, 'typed')
        self.assertRegex(done.stderr, r'^Defaulting debug container name to debugger-[a-z0-9]{5}\.\n$')
        codes = lambda: [s.get('terminated', {}).get('exitCode') for s in self.states().values()]
        self.wait(lambda: codes() == [3, 0, 0], 'the ends of all three are told')
        self.assertEqual(self.status('web')['phase'], 'Running')
        self.assertEqual(self.container('web', 'main')['restartCount'], 0)

    def test_the_processes_of_a_container(self):
        done = self.kpod('debug', 'web', '--image', 'busybox', '-q', '--image-pull-policy', 'Never', '--attach', '--target', 'main', '--',
                         'sh', '-c', 'tr "\\0" " " < /proc/1/cmdline; cat /proc/1/root/file')
        self.assertEqual(done.stdout, 'sleep 1000 here\n')

    def test_left_alone_it_goes_with_the_pod(self):
        self.debug('-c', 'beside', '--', 'sh', '-c', 'echo up; exec sleep 1000')
        self.wait_log('web', 'up', '-c', 'beside')
        self.assertIn('running', self.states()['beside'])
        self.assertIn('container beside exists already', self.debug('-c', 'beside', rc=None).stderr)
        self.assertIn('container main exists already', self.debug('-c', 'main', rc=None).stderr)
        self.assertEqual(self.word('web').count('1/1'), 1)  # it does not count
        self.kpod('stop', 'web', '--time', '0')
        self.assertEqual(self.states()['beside']['terminated']['exitCode'], 137)

    def test_a_terminal(self):
        t = Terminal(self, 'debug', '-it', 'web', '--image', 'busybox', '--', 'sh')
        t.type('tty; exit 4\n')
        t.until('/dev/pts/')
        self.assertEqual(t.end(), 4)

    def test_what_is_wrong(self):
        self.assertIn('--image is wanted', self.kpod('debug', 'web', rc=None).stderr)
        self.assertIn('not found', self.kpod('debug', 'no', '--image', 'busybox', rc=None).stderr)
        self.assertIn('container no is not valid', self.debug('--target', 'no', rc=None).stderr)
        self.assertIn('wanted NAME=VALUE', self.debug('--env', 'x', rc=None).stderr)
        self.assertIn('--container A_b', self.debug('-c', 'A_b', rc=None).stderr)
        self.assertIn('is not present with pull policy of Never',
                      self.kpod('debug', 'web', '--image', 'nowhere.example/x:1', '--image-pull-policy', 'Never', rc=None).stderr)
        self.assertEqual(self.debug('--attach', '--', '/no/such', rc=None).returncode, 127)
        self.assertEqual(self.states(), {})
