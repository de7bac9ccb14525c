"""Standard input, terminals and attach, as a person at a terminal and a pipe see them."""
import os
import signal
import subprocess
import termios

from harness import KPOD, KpodTest, pod
from terminal import Terminal

SHELL = 'stdin: true\ntty: true\n'


class Attached:
    """kpod attach with pipes."""

    def __init__(self, test, *argv, **more):
        self.test = test
        self.child = subprocess.Popen([KPOD, 'attach', *argv], env=test.env, stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0, **more)
        test.addCleanup(self.close)

    def type(self, text):
        self.child.stdin.write(text.encode())

    def line(self):
        return self.child.stdout.readline().decode()

    def end(self):
        out, err = self.child.communicate(timeout=60)
        return self.child.returncode, out.decode(), err.decode()

    def close(self):
        if self.child.poll() is None:
            self.child.kill()
        self.child.communicate()


class Attach(KpodTest):
    images = ['busybox']

    def start(self, command, extra='', spec='', name='web'):
        self.play(pod(name, command, spec, extra), name=f'{name}.yaml')
        self.wait_running(name)

    def attached(self, name='web'):
        """How many commands are at the container, as its supervisor has them."""
        pid = self.status(name)['kpodSupervisorPid']
        return sum(os.readlink(f'/proc/{pid}/fd/{fd}').startswith('pipe:') for fd in os.listdir(f'/proc/{pid}/fd'))

    def test_both_streams_and_the_exit_code(self):
        self.start('while ! [ -e /go ]; do sleep 0.05; done; echo out; echo err >&2; exit 7', spec='restartPolicy: Never\n')
        before = self.attached()
        two = [Attached(self, 'web'), Attached(self, 'web', '-c', 'main')]
        self.wait(lambda: self.attached() == before + 4, 'both are attached')
        self.exec('web', 'touch', '/go')
        for a in two:
            self.assertEqual(a.end(), (7, 'out\n', 'err\n'))
        self.assertEqual(self.logs('web'), 'out\n')

    def test_input_goes_to_the_program(self):
        self.start('while read -r x; do echo got $x; done; echo end; sleep 1000', 'stdin: true\n')
        a = Attached(self, '-i', 'web')
        a.type('one\n')
        self.assertEqual(a.line(), 'got one\n')
        b = Attached(self, '-i', 'web')
        b.type('two\n')
        self.assertEqual(a.line(), 'got two\n')
        self.assertEqual(b.line(), 'got two\n')
        b.child.stdin.close()
        b.child.stdin = None
        a.type('three\n')  # the end of the one's input is not the container's
        self.assertEqual(b.line(), 'got three\n')
        self.assertNotIn('end', self.logs('web'))
        self.assertEqual(self.logs('web').splitlines(), ['got one', 'got two', 'got three'])

    def test_stdin_once(self):
        self.start('wc -c; while sleep 0.1; do echo ticks; done', 'stdin: true\nstdinOnce: true\n')
        done = subprocess.Popen([KPOD, 'attach', '-i', 'web'], env=self.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(done.wait)
        self.addCleanup(done.kill)
        done.stdin.write(b'x' * 500_000)
        done.stdin.close()
        self.assertEqual(done.stdout.readline(), b'500000\n')
        self.addCleanup(done.stdout.close)
        late = Attached(self, '-i', 'web')  # its input is over, until it is restarted
        self.assertEqual(late.line(), 'ticks\n')
        self.kpod('stop', 'web', '--time', '0')
        self.assertEqual(late.end()[0], 137)

    def test_stdin_once_ends_with_the_one_who_leaves(self):
        self.start('cat; echo over; sleep 1000', 'stdin: true\nstdinOnce: true\n')
        a = Attached(self, '-i', 'web')
        a.type('hi\n')
        self.assertEqual(a.line(), 'hi\n')
        self.assertNotIn('over', self.logs('web'))
        a.child.kill()
        self.wait_log('web', 'over')

    def test_without_input(self):
        self.start('while read x; do echo got $x; done; echo end; sleep 1000')  # /dev/null
        self.wait_log('web', 'end')
        a = Attached(self, '-it', 'web')
        self.assertIn(b'Unable to use a TTY - container main did not allocate one', a.child.stderr.readline())
        self.assertIn(b'takes no standard input', a.child.stderr.readline())

    def test_a_terminal(self):
        self.start('exec sh', SHELL)
        t = Terminal(self, 'attach', '-it', 'web')
        t.until("If you don't see a command prompt, try pressing enter.")
        t.type('stty size; tty\n')
        t.until('33 77')
        t.until('/dev/pts/')
        t.size(20, 50)
        self.wait(lambda: self.exec('web', 'stty', '-F', '/dev/console', 'size') == '20 50\n', 'the window is smaller')
        t.type('trap "echo inter""rupted" INT; sleep 1000\n')
        t.until('sleep')
        self.wait(lambda: 'sleep 1000' in self.exec('web', 'ps'), 'it sleeps')
        t.type('\x03')
        t.until('interrupted')
        # Leaving, coming back, and the end.
        t.type('a=stays\n')
        t.type('\x10\x11')
        self.assertEqual(t.end(), 0)
        self.assertEqual(self.container('web', 'main')['restartCount'], 0)
        again = Terminal(self, 'attach', '-i', 'web', '--detach-keys', 'ctrl-x', '-q')
        again.type('\x10\x11echo $a\n')
        again.until('stays')
        again.type('exit 9\n')
        self.assertEqual(again.end(), 9)
        self.wait(lambda: 'stays' in self.logs('web', '--previous', rc=None), 'its log is kept')

    def test_the_terminal_is_as_before(self):
        self.start('exec sh', SHELL)
        t = Terminal(self, 'attach', '-it', 'web')
        t.until('pressing enter')
        self.wait(lambda: not termios.tcgetattr(t.master)[3] & termios.ECHO, 'it is raw')
        t.type('\x10\x11')
        self.assertEqual(t.end(), 0)
        self.assertTrue(termios.tcgetattr(t.master)[3] & termios.ECHO)
        t = Terminal(self, 'attach', '-it', 'web')
        self.wait(lambda: not termios.tcgetattr(t.master)[3] & termios.ECHO, 'it is raw')
        t.child.send_signal(signal.SIGTERM)
        self.assertEqual(t.end(), -signal.SIGTERM)
        self.assertTrue(termios.tcgetattr(t.master)[3] & termios.ECHO)
        self.assertEqual(self.container('web', 'main')['restartCount'], 0)

    def test_a_shell_that_comes_again(self):
        self.start('exec sh', SHELL)
        t = Terminal(self, 'attach', '-it', 'web')
        t.until('pressing enter')
        t.type('exit 3\n')
        t.until("Session ended, resume using 'kpod attach web -c main -i -t' command when the pod is running")
        self.assertEqual(t.end(), 3)

    def test_a_terminal_once(self):
        self.start('exec sh', SHELL + 'stdinOnce: true\n', 'restartPolicy: Never\n')
        t = Terminal(self, 'attach', '-it', 'web')
        t.until('pressing enter')
        t.type('echo $((20+3))\n')
        t.until('23')
        t.type('\x10\x11')
        self.assertEqual(t.end(), 0)
        self.wait_phase('web', 'Succeeded')  # the shell saw the end of its terminal

    def test_a_program_is_never_held_up(self):
        self.start('while ! [ -e /go ]; do sleep 0.05; done; seq 1 700000; echo through; sleep 1000')
        before = self.attached()
        idle = Attached(self, 'web')  # reads nothing
        self.wait(lambda: self.attached() == before + 2, 'it is attached')
        self.exec('web', 'touch', '/go')
        self.wait_log('web', 'through', '--tail', '1')
        code, out, err = idle.end()
        self.assertEqual(code, 1)
        self.assertIn('the container writes more than is read here: see its log', err)
        lines = out.splitlines()
        self.assertEqual([int(l) for l in lines[:-1]], list(range(1, len(lines))))
        self.assertEqual(self.logs('web').count('\n'), 700_001)

    def test_much_that_is_read(self):
        self.start('while ! [ -e /go ]; do sleep 0.05; done; for i in 1 2 3 4 5 6 7 8; do seq 1 20000; sleep 0.02; done', spec='restartPolicy: Never\n')
        before = self.attached()
        a = Attached(self, 'web')
        self.wait(lambda: self.attached() == before + 2, 'it is attached')
        self.exec('web', 'touch', '/go')
        code, out, err = a.end()
        self.assertEqual((code, err), (0, ''))
        self.assertEqual(out, ''.join(f'{i}\n' for i in range(1, 20001)) * 8)

    def test_who_leaves_takes_nothing_along(self):
        self.start('while :; do echo tick; sleep 0.02; done')
        before = self.attached()
        for _ in range(3):
            a = Attached(self, 'web')
            self.assertEqual(a.line(), 'tick\n')
            a.child.send_signal(signal.SIGINT)
            a.end()
        self.wait(lambda: self.attached() == before, 'they are forgotten')
        self.assertEqual(self.container('web', 'main')['restartCount'], 0)

    def test_what_is_wrong(self):
        self.play(pod('web', 'exit 0', 'restartPolicy: Never\n'))
        self.wait_phase('web', 'Succeeded')
        self.wait(lambda: not self.status('web').get('kpodSupervisorPid'), 'the supervisor has gone')
        self.assertIn('cannot attach a container in a completed pod; current phase is Succeeded', self.kpod('attach', 'web', rc=125).stderr)
        self.start('sleep 1000', name='other')
        for argv, words in (((), 'which pod?'), (('oter',), 'did you mean "other"?'), (('other', '-c', 'x'), 'container x is not valid for pod other'),
                            (('other', '--detach-keys', 'ctrl-pq'), 'is neither a character nor ctrl- and one')):
            self.assertIn(words, self.kpod('attach', *argv, rc=125).stderr)
