"""exec and logs: terminals, exit codes, selections, following through restarts and rotation."""
import signal
import subprocess
import termios
import time

from harness import KPOD, KpodTest, pod
from terminal import Terminal


class Exec(KpodTest):
    images = ['busybox']

    def setUp(self):
        super().setUp()
        self.play(pod('web', 'exec sleep 1000'))
        self.wait_running('web')

    def test_exit_codes(self):
        for code in (0, 1, 42, 255):
            self.kpod('exec', 'web', 'sh', '-c', f'exit {code}', rc=code)
        self.kpod('exec', 'web', 'sh', '-c', 'kill -TERM $$', rc=143)
        self.kpod('exec', 'web', '/etc/passwd', rc=126)
        self.kpod('exec', 'web', '/etc', rc=126)
        self.assertIn('not found in $PATH', self.kpod('exec', 'web', 'no-such-program', rc=127).stderr)
        self.kpod('exec', 'web', '/no/such/program', rc=127)
        self.kpod('exec', 'web', '-w', '/no/such/dir', 'true', rc=126)
        self.kpod('exec', 'web', '-c', 'other', 'true', rc=125)

    def test_streams(self):
        done = self.kpod('exec', 'web', 'sh', '-c', 'echo out; echo err >&2')
        self.assertEqual((done.stdout, done.stderr), ('out\n', 'err\n'))
        self.assertEqual(self.kpod('exec', '-i', 'web', 'cat', input='x' * 300_000).stdout, 'x' * 300_000)
        self.assertEqual(self.kpod('exec', 'web', 'cat', input='not passed on').stdout, '')

    def test_user_directory_and_environment(self):
        self.assertEqual(self.exec('web', '-u', '123:456', 'id', '-u').strip(), '123')
        self.assertEqual(self.exec('web', '-u', '123:456', '--', 'id', '-g').strip(), '456')
        self.assertEqual(self.exec('web', '-w', '/tmp', 'pwd').strip(), '/tmp')
        self.assertEqual(self.exec('web', '-e', 'A=1', '-e', 'B=2 3', 'sh', '-c', 'echo $A $B').strip(), '1 2 3')
        self.assertEqual(self.exec('web', '--', 'echo', '-n', '--help'), '--help')
        self.assertEqual(self.exec('web', 'sh', '-c', 'echo $0 $1', 'a', '-i').strip(), 'a -i')

    def test_a_terminal_has_its_window(self):
        t = Terminal(self, 'exec', '-it', 'web', 'sh')
        t.type('stty size\n')
        t.until('33 77')
        t.size(20, 50)
        t.type('until [ "$(stty size)" = "20 50" ]; do usleep 20000; done; echo re""sized\n')  # SIGWINCH is on its way
        t.until('resized')
        t.type('tty; exit 7\n')
        t.until('/dev/pts/')
        self.assertEqual(t.end(), 7)

    def test_keys_reach_the_program(self):
        t = Terminal(self, 'exec', '-it', 'web', 'sh', '-c', 'trap "echo inter""rupted; exit 9" INT; echo rea""dy; while :; do sleep 0.1; done')
        t.until('ready')
        t.type('\x03')
        t.until('interrupted')
        self.assertEqual(t.end(), 9)

    def test_ctrl_d_ends_and_the_terminal_is_as_before(self):
        t = Terminal(self, 'exec', '-it', 'web', 'sh')
        t.until('#')
        raw = termios.tcgetattr(t.master)[3]
        self.assertFalse(raw & termios.ECHO)
        t.type('\x04')
        self.assertEqual(t.end(), 0)
        self.assertTrue(termios.tcgetattr(t.master)[3] & termios.ECHO)

    def test_a_signal_gives_the_terminal_back(self):
        for number in signal.SIGTERM, signal.SIGHUP:
            t = Terminal(self, 'exec', '-it', 'web', 'sh', '-c', 'echo ready; exec sleep 1000')
            t.until('ready')
            self.assertNotEqual(t.modes(), t.before)
            t.child.send_signal(number)
            self.assertEqual(t.end(), -number)
            self.assertEqual(t.modes(), t.before)
        self.wait(lambda: len(self.commands()) == 1, 'what ran in it has ended as well')

    def test_exec_ends_with_its_container(self):
        child = subprocess.Popen([KPOD, 'exec', 'web', 'sleep', '1000'], env=self.env)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        # Until its exec the process shows the words of kpod.
        self.wait(lambda: self.commands() == ['sleep 1000'] * 2, 'two sleeps run')
        self.kpod('stop', 'web', '--time', '0')
        self.assertEqual(child.wait(60), 137)

    def commands(self):
        head, *lines = self.kpod('top', 'web', rc=None).stdout.splitlines() or ['COMMAND']
        return [line[head.index('COMMAND'):] for line in lines]


class Logs(KpodTest):
    images = ['busybox']

    def test_the_end_times_and_since(self):
        self.play(pod('web', 'for i in 1 2 3 4 5; do echo line $i; done; echo bad >&2; exec sleep 1000'))
        self.wait_log('web', 'line 5')
        done = self.wait(lambda: next(iter([d for d in [self.kpod('logs', 'web')] if d.stderr]), None), 'standard error is in')
        self.assertEqual(done.stdout.splitlines(), [f'line {i}' for i in range(1, 6)])
        self.assertEqual(done.stderr, 'bad\n')
        self.assertEqual(self.kpod('logs', '--tail', '2', 'web').stdout, 'line 5\n')
        self.assertEqual(self.kpod('logs', '--tail=0', 'web').stdout, '')
        self.assertEqual(self.kpod('logs', '--since', '1h', 'web').stdout.count('line'), 5)
        self.assertEqual(self.kpod('logs', '--since', '2999-01-01T00:00:00Z', 'web').stdout, '')
        stamped = self.kpod('logs', '-t', 'web').stdout.splitlines()[0]
        self.assertRegex(stamped, r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z line 1$')
        raw = (self.root / 'pods/default_web/main.0.log').read_text().splitlines()[0]
        self.assertRegex(raw, r'^\S+Z stdout F line 1$')

    def test_several_pods_by_label(self):
        two = ''.join(pod(n, f'echo from {n}; exec sleep 1000').replace(f'  name: {n}\n', f'  name: {n}\n  labels: {{app: x}}\n')
                      + '---\n' for n in ('a', 'b'))
        self.play(two)
        for name in 'ab':
            self.wait_log(name, f'from {name}')
        self.assertEqual(sorted(self.kpod('logs', '-l', 'app=x').stdout.splitlines()),
                         ['[a/main] from a', '[b/main] from b'])
        t = Terminal(self, 'logs', '-l', 'app=x')
        t.until('\x1b[3')
        t.until('[a/main] \x1b[0m')

    def test_both_streams_come_in_the_order_of_their_times(self):
        words = [f'{s}{i}' for i in range(1, 5) for s in ('out', 'err')]
        # Each is said when the one before is in the log: only then has it an earlier time.
        say = ''.join(f'until [ -e /v/{w} ]; do usleep 5000; done; echo {w}{" >&2" if "err" in w else ""}; ' for w in words)
        self.play(pod('web', say + 'exec sleep 1000', 'volumes: [{name: v, emptyDir: {}}]\n', 'volumeMounts: [{name: v, mountPath: /v}]\n'))
        logs = lambda: subprocess.run([KPOD, 'logs', 'web'], env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
        for word in words:
            (self.root / 'pods/default_web/volumes/v' / word).touch()
            self.wait(lambda: word in logs(), f'{word} is in the log')
        self.assertEqual(logs().split(), words)

    def test_what_has_no_log_says_why(self):
        self.play(pod('none', 'true', image='localhost/none', container_extra='imagePullPolicy: Never\n') + '---\n' +
                  pod('web', 'exec sleep 1000'))
        self.assertEqual(self.kpod('logs', 'none', rc=125).stderr,
                         'kpod: logs: container "main" in pod "none" is waiting to start: ErrImageNeverPull\n')
        self.assertEqual(self.kpod('logs', 'web', '--previous', rc=125).stderr,
                         'kpod: logs: previous terminated container "main" in pod "web" not found\n')
        self.assertEqual(self.kpod('logs', '-l', 'app=nothing').stderr, 'No resources found in default namespace.\n')
        self.assertIn('did you mean none?', self.kpod('logs', '-n', 'shop', 'none', rc=125).stderr)

    def test_several_containers(self):
        self.play(pod('two', 'echo one; exec sleep 1000') + '''\
  - name: side
    image: busybox
    command: [sh, -c, "echo two; exec sleep 1000"]
''')
        self.wait_log('two', 'two', '-c', 'side')
        # As kubectl: the first, or the one that the annotation names; a person is told.
        self.assertEqual(self.kpod('logs', 'two').stdout, 'one\n')
        Terminal(self, 'logs', 'two').until('Defaulted container "main" out of: main, side')
        self.assertEqual(self.kpod('logs', 'two', 'side').stdout, 'two\n')
        self.assertEqual(sorted(self.kpod('logs', 'two', '--all-containers').stdout.splitlines()),
                         ['[two/main] one', '[two/side] two'])
        self.assertEqual(self.kpod('logs', 'two', '--prefix').stdout, '[two/main] one\n')
        self.assertIn('container none is not valid', self.kpod('logs', 'two', '-c', 'none', rc=125).stderr)

    def test_following_goes_through_a_restart_and_ends_with_the_pod(self):
        self.play(pod('web', 'echo run; sleep 0.5; echo over', 'restartPolicy: OnFailure\n'))
        self.assertEqual(self.kpod('logs', '-f', 'web').stdout, 'run\nover\n')
        self.play(pod('again', 'echo run; test -e /v/x && exec sleep 1000; until test -e /v/go; do sleep 0.05; done; touch /v/x; exit 1',
                      'volumes: [{name: v, emptyDir: {}}]\n', 'volumeMounts: [{name: v, mountPath: /v}]\n'), name='b.yaml')
        child = subprocess.Popen([KPOD, 'logs', '-f', 'again'], env=self.env, stdout=subprocess.PIPE, text=True)
        self.addCleanup(child.stdout.close)
        self.assertEqual(child.stdout.readline(), 'run\n')
        self.kpod('exec', 'again', 'touch', '/v/go')  # only now, so that both runs are seen
        self.assertEqual(child.stdout.readline(), 'run\n')
        self.kpod('stop', 'again', '--time', '0')
        self.assertEqual(child.wait(60), 0)

    def test_a_closed_pipe_ends_following(self):
        self.play(pod('web', 'while :; do echo line; sleep 0.05; done'))
        child = subprocess.Popen([KPOD, 'logs', '-f', 'web'], env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        child.stdout.readline()
        child.stdout.close()
        self.assertIn(child.wait(60), (-signal.SIGPIPE, 125))
        self.assertNotIn(b'internal', child.stderr.read())
        child.stderr.close()

    def test_long_lines_and_odd_bytes_come_back_whole(self):
        self.play(pod('web', "head -c 50000 /dev/zero | tr '\\0' x; echo; printf 'a\\tb\\303\\244'; echo; printf 'prompt> '; exec sleep 1000"))
        self.wait_log('web', 'prompt>')  # although its newline never comes
        text = self.logs('web')
        self.assertTrue(text.endswith('\nprompt> '))
        self.assertEqual(self.kpod('logs', '--tail', '1', 'web').stdout, 'prompt> ')
        self.assertEqual(text.split('\n')[0], 'x' * 50000)
        self.assertEqual(text.split('\n')[1].rstrip('\n'), 'a\tb\u00e4')

    def test_rotation_loses_nothing_that_is_kept(self):
        # The kubelet's defaults: 10 MiB a file, five files.
        self.play(pod('web', 'seq 1 2000000; echo finished; exec sleep 1000'))
        self.wait_log('web', 'finished', '--tail', '1', seconds=180)
        files = list((self.root / 'pods/default_web').glob('main.*.log*'))
        self.assertGreater(len(files), 2)
        self.assertLessEqual(len(files), 5)
        for f in files:
            self.assertLess(f.stat().st_size, 11 << 20)
        lines = self.logs('web').splitlines()
        first = int(lines[0])
        self.assertEqual(lines[-1], 'finished')
        self.assertEqual([int(l) for l in lines[:-1]], list(range(first, 2_000_001)))
