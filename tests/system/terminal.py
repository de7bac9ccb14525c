"""kpod on a terminal of its own."""
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time

from harness import KPOD


class Terminal:
    """kpod on a terminal of `rows` by `columns`."""

    def __init__(self, test, *argv, rows=33, columns=77, env=None):
        self.test, self.text = test, ''
        self.master, slave = pty.openpty()
        self.size(rows, columns)
        self.before = self.modes()
        self.child = subprocess.Popen([KPOD, *argv], env=dict(test.env, **(env or {})), stdin=slave, stdout=slave, stderr=slave,
                                      start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        test.addCleanup(self.close)

    def size(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))

    def type(self, text):
        os.write(self.master, text.encode())

    def until(self, what, seconds=60):
        deadline = time.monotonic() + seconds
        while what not in self.text:
            if not select.select([self.master], [], [], max(0, deadline - time.monotonic()))[0]:
                self.test.fail(f'{what!r} is not in {self.text!r}')
            try:
                self.text += os.read(self.master, 4096).decode()
            except OSError:
                self.test.fail(f'{what!r} is not in {self.text!r}, and it ended')
        self.text = self.text.split(what, 1)[1]

    def rest(self, seconds=60):
        """All that comes until it ends."""
        deadline = time.monotonic() + seconds
        while select.select([self.master], [], [], max(0, deadline - time.monotonic()))[0]:
            try:
                self.text += os.read(self.master, 4096).decode()
            except OSError:
                return self.text
        self.test.fail(f'it has not ended; so far: {self.text!r}')

    def modes(self):
        return termios.tcgetattr(self.master)

    def end(self):
        try:
            return self.child.wait(60)
        except subprocess.TimeoutExpired:
            while select.select([self.master], [], [], 0)[0]:
                self.text += os.read(self.master, 4096).decode()
            self.test.fail(f'it does not end; it says {self.text!r}')

    def close(self):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        os.close(self.master)
