"""kpod cp from and into a directory of the test."""
import subprocess

from harness import KpodTest


class CopyTest(KpodTest):
    images = ['busybox']

    def setUp(self):
        super().setUp()
        self.here = self.dir / 'here'
        self.here.mkdir()
        self.addCleanup(lambda: subprocess.run(['rm', '-rf', self.here], check=True))

    def cp(self, *argv, rc=0, **more):
        return self.kpod('cp', *argv, rc=rc, cwd=self.here, **more)

    def sh(self, script, name='web', *options):
        return self.kpod('exec', name, *options, '--', 'sh', '-c', script).stdout
