"""cp: what a hostile container, archive or directory does not get by it."""
import io
import os
import stat
import subprocess
import tarfile

from copy_case import CopyTest
from harness import KPOD, pod
from swapper import Swapper


class Hostile(CopyTest):
    """A container, an archive, a directory that mean ill."""

    def setUp(self):
        super().setUp()
        self.play(pod('web', 'exec sleep 1000'))
        self.wait_running('web')
        self.secret = self.dir / 'secret'
        self.secret.write_text('of the machine\n')

    def test_links_mean_what_they_mean_in_the_container(self):
        self.sh(f'ln -s {self.secret} /out; ln -s / /root-link; mkdir -p /x; ln -s ../../../../../../..{self.secret} /x/up')
        for path in ('/out', '/x/up', f'/root-link{self.secret}'):
            self.assertIn('No such file or directory', self.cp(f'web:{path}', 'got', rc=125).stderr)
        self.assertFalse((self.here / 'got').exists())
        (self.here / 'f').write_text('mine')
        self.sh(f'mkdir -p {self.dir}; ln -s {self.secret} {self.dir}/link; ln -s {self.dir} /dirlink')
        self.cp('f', 'web:/dirlink/new')  # their own directory of that name
        self.cp('f', 'web:/dirlink/link')
        self.assertFalse((self.dir / 'new').exists())
        self.assertEqual(self.secret.read_text(), 'of the machine\n')

    def test_a_tree_that_comes_twice(self):
        """First a link, then a file below its name (CVE-2019-11246, CVE-2021-25741's kin)."""
        target = self.dir / 'target'
        target.mkdir()
        self.addCleanup(target.rmdir)
        self.sh(f'mkdir /t; ln -s {target} /t/sub')
        self.cp('web:/t', '.')
        self.sh('rm /t/sub; mkdir /t/sub; echo evil > /t/sub/evil')
        self.assertIn('is a symbolic link', self.cp('web:/t', '.', rc=125).stderr)
        self.assertEqual(os.listdir(target), [])
        # A file in the place of a link replaces the link.
        self.sh('rm -r /t/sub; echo mine > /t/sub')
        (self.here / 't/sub').unlink()
        (self.here / 't/sub').symlink_to(self.secret)
        self.cp('web:/t', '.')
        self.assertEqual((self.here / 't/sub').read_text(), 'mine\n')
        self.assertEqual(self.secret.read_text(), 'of the machine\n')

    def test_the_named_directory_keeps_its_mode(self):
        self.sh('mkdir /t; chmod 777 /t; touch /t/f')
        os.chmod(self.here, 0o700)
        self.cp('web:/t/.', '.')
        self.assertEqual(stat.S_IMODE(self.here.stat().st_mode), 0o700)

    def archive(self, *members):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode='w') as tar:
            for name, fields in members:
                info = tarfile.TarInfo(name)
                data = fields.pop('data', b'')
                info.size = len(data)
                for key, value in fields.items():
                    setattr(info, key, value)
                tar.addfile(info, io.BytesIO(data))
        return buffer.getvalue()

    def test_archives(self):
        link = {'type': tarfile.SYMTYPE}
        for what, members, error in (
                ('up', [('../up', {'data': b'x'})], 'leads out of the archive'),
                ('middle', [('a/../../up', {'data': b'x'})], 'leads out of the archive'),
                ('through a link', [('l', {**link, 'linkname': '/tmp'}), ('l/up', {'data': b'x'})], 'goes through a symbolic link'),
                ('hard link', [('h', {'type': tarfile.LNKTYPE, 'linkname': '../../etc/passwd'})], 'leads out of the archive'),
                ('hard link through a link', [('l', {**link, 'linkname': '/etc'}), ('h', {'type': tarfile.LNKTYPE, 'linkname': 'l/passwd'})],
                 'Too many levels of symbolic links'),
                ('deep', [('d/' * 300 + 'f', {'data': b'x'})], 'is too long')):
            self.sh('rm -rf /in; mkdir /in')
            done = subprocess.run([KPOD, 'cp', '-', 'web:/in'], env=self.env, input=self.archive(*members), capture_output=True)
            self.assertEqual(done.returncode, 125, what)
            self.assertIn(error, done.stderr.decode(), what)
            self.assertEqual(self.sh('ls -A /tmp; ls /up 2>&1; find /in -type f'), 'ls: /up: No such file or directory\n', what)
        # An absolute name is one below the directory; devices are not made.
        done = subprocess.run([KPOD, 'cp', '-', 'web:/in'], env=self.env, capture_output=True, check=True, input=self.archive(
            ('/etc/absolute', {'data': b'x'}), ('disk', {'type': tarfile.BLKTYPE, 'devmajor': 8, 'devminor': 0})))
        self.assertIn('disk: a device, left out', done.stderr.decode())
        self.assertEqual(self.sh('cat /in/etc/absolute; ls /in'), 'xetc\n')

    def test_a_tree_that_changes_all_the_time(self):
        """Directories become links and back while they are read: nothing of the machine comes along."""
        self.sh('mkdir -p /t/d; for i in 1 2 3 4 5 6 7 8; do echo mine > /t/d/secret$i; done')
        self.sh(f'ln -s {self.dir} /t/e; echo theirs > /t/secret; ln -s {self.secret} /t/tser')
        root = f'/proc/{self.pid("web", "main")}/root/t'
        with Swapper(f'{root}/d', f'{root}/e'), Swapper(f'{root}/secret', f'{root}/tser'):
            for i in range(40):
                self.cp('web:/t', i)
                found = subprocess.run(['grep', '-rl', 'of the machine', self.here / str(i)], capture_output=True, text=True)
                self.assertEqual(found.stdout, '')
        self.assertGreater(len({os.path.islink(self.here / f'{i}/d') for i in range(40)}), 1)

    def test_a_destination_that_changes_all_the_time(self):
        """The user of the container exchanges a directory with a link to what is not his."""
        self.sh('mkdir -p /tmp/d/sub /private; ln -s /private /tmp/d/bus; chmod 700 /private')
        (self.here / 'sub').mkdir()
        for i in range(30):
            (self.here / f'sub/f{i}').write_text('x')
        root = f'/proc/{self.pid("web", "main")}/root/tmp/d'
        refused = 0
        with Swapper(f'{root}/sub', f'{root}/bus'):
            for _ in range(40):
                done = self.cp('sub', 'web:/tmp/d/', rc=None)
                refused += 'is a symbolic link' in done.stderr or 'not followed' in done.stderr or 'Too many levels' in done.stderr
        self.assertGreater(refused, 0)
        self.assertEqual(self.sh('ls -A /private'), '')

    def test_files_that_never_end_or_wait(self):
        self.sh('mkdir /t; mkfifo /t/p; echo x > /t/grows')
        grower = subprocess.Popen([KPOD, 'exec', 'web', 'sh', '-c', 'while :; do head -c 300000 /dev/zero >> /t/grows; head -c 1 /dev/zero > /t/grows; done'],
                                  env=self.env)
        self.addCleanup(grower.wait)
        self.addCleanup(grower.kill)
        for _ in range(20):
            self.cp('web:/t', '.')
        self.assertIn('not a regular file or a directory', self.cp('web:/t/p', '.', rc=125).stderr)
        self.assertIn('not a regular file or a directory', self.cp('web:/dev/zero', '.', rc=125).stderr)

    def test_the_container_does_not_see_the_copy(self):
        source, sink = os.pipe()
        child = subprocess.Popen([KPOD, 'cp', '-', 'web:/tmp'], env=self.env, stdin=source, stderr=subprocess.PIPE)
        self.addCleanup(child.wait)
        os.close(source)
        info = tarfile.TarInfo('half')
        info.size = 1000
        os.write(sink, info.tobuf())
        self.wait(lambda: 'kpod-cp' in self.sh('ls -A /tmp'), 'the copy is under way')
        self.assertNotIn('kpod', self.sh('ps -o comm'))
        # In the container's group, so that its devices and limits are those of the container.
        self.assertEqual(len(self.kpod('top', 'web').stdout.splitlines()), 3)
        os.close(sink)
        child.communicate()
