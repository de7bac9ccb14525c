#!/usr/bin/python3
"""Runs one suite of system tests in namespaces of its own: network (nobody else's interfaces, rules
and ports), mounts, and processes (whatever a test leaves ends with the suite, and is seen before).
    run.py SUITE.py [PATTERN]      every test whose name contains PATTERN
One line a test: PASS, FAIL or SKIP with its reason."""
import ctypes
import importlib.util
import os
import pathlib
import signal
import subprocess
import sys
import time
import traceback
import unittest

HERE = pathlib.Path(__file__).resolve().parent


TEST_SECONDS = 300  # a test that waits for ever fails by itself, and the suite goes on


def too_long(signum, frame):
    raise TimeoutError(f'the test did not end within {TEST_SECONDS} s')


class Lines(unittest.TestResult):
    def startTest(self, test):
        super().startTest(test)
        signal.signal(signal.SIGALRM, too_long)
        signal.alarm(TEST_SECONDS)
        self.started = time.monotonic()
        self.worst, self.reason, self.details = 'PASS', '', ''

    def note(self, word, reason, details=''):
        if self.worst != 'FAIL':
            self.worst, self.reason = word, reason
        self.details += details

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        if not hasattr(self, 'worst'):  # a whole class is skipped
            print(f'SKIP {name_of(test)}: {reason}', flush=True)
            return
        self.note('SKIP', reason)

    def failed(self, test, error):
        text = ''.join(traceback.format_exception(*error))
        if not hasattr(self, 'started'):
            print(f'{text}FAIL {name_of(test)}: before its first test', flush=True)
            return
        self.note('FAIL', str(error[1]).strip().split('\n')[0][:300], text)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.failed(test, error)

    def addError(self, test, error):
        super().addError(test, error)
        self.failed(test, error)

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error:
            self.failed(test, error)

    def stopTest(self, test):
        signal.alarm(0)
        super().stopTest(test)
        if self.details:
            print(self.details)
        reason = f': {self.reason}' if self.reason else ''
        print(f'{self.worst} {name_of(test)} ({time.monotonic() - self.started:.1f} s){reason}', flush=True)


def name_of(test):
    return '.'.join(str(test.id()).split('.')[-2:]).replace(' ', '_')


def run_suite(path, pattern):
    sys.path.insert(0, str(HERE))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    loader = unittest.TestLoader()
    if pattern:
        loader.testNamePatterns = [f'*{pattern}*']
    result = Lines()
    loader.loadTestsFromModule(module).run(result)
    print(f'{result.testsRun} tests, {len(result.failures) + len(result.errors)} failed, {len(result.skipped)} skipped')
    return 0 if result.wasSuccessful() else 1


def as_init(path, pattern):
    """The first process of the new process namespace: it reaps orphans, as init does."""
    # Who runs this behind an "&" or nohup has them ignored, and what is started here would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    # As on a machine with systemd: mounts of the host reach those who asked for them.
    subprocess.run(['mount', '--make-rshared', '/'], check=True)
    subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
    worker = os.fork()
    if worker == 0:
        os._exit(run_suite(path, pattern))
    while True:
        pid, status = os.wait()
        if pid == worker:
            sys.exit(os.waitstatus_to_exitcode(status) & 255)


def main():
    if sys.argv[1] == '--inside':
        as_init(pathlib.Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else '')
    if os.geteuid() != 0:
        print('SKIP', pathlib.Path(sys.argv[1]).stem + ': needs root')
        return 0
    os.execvp('unshare', ['unshare', '--net', '--mount', '--pid', '--ipc', '--fork', '--kill-child',
                          '--mount-proc', sys.executable, '-B', __file__, '--inside',
                          str(pathlib.Path(sys.argv[1]).resolve())] + sys.argv[2:])


if __name__ == '__main__':
    sys.exit(main())
