"""cp: what arrives, under which name and whose it is."""
import io
import os
import pathlib
import signal
import stat
import subprocess
import tarfile

from copy_case import CopyTest
from harness import KPOD, pod


class Copies(CopyTest):
    """Between people who trust each other."""

    def setUp(self):
        super().setUp()
        self.play(pod('web', 'exec sleep 1000', container_extra='workingDir: /work\n'))
        self.wait_running('web')

    def test_a_file_out(self):
        self.sh('mkdir -p /data && echo one > /data/f && chmod 640 /data/f && touch -d "2020-01-02 03:04:05" /data/f && chown 7:8 /data/f')
        self.cp('web:/data/f', '.')
        self.cp('web:/data/f', 'g')
        self.cp('web:/data/f', 'f2/', rc=125)
        for name in ('f', 'g'):
            st = (self.here / name).stat()
            self.assertEqual((self.here / name).read_text(), 'one\n')
            self.assertEqual((stat.S_IMODE(st.st_mode), int(st.st_mtime), st.st_uid), (0o640, 1577934245, os.geteuid()))
        self.sh('echo two > /data/f')
        self.cp('web:/data/f', 'g')
        self.assertEqual((self.here / 'g').read_text(), 'two\n')

    def test_a_file_in(self):
        (self.here / 'f').write_text('hello\n')
        os.chmod(self.here / 'f', 0o751)
        self.cp('f', 'web:/tmp')
        self.cp('f', 'web:/tmp/g')
        self.cp('f', 'web:h')  # below the working directory
        self.assertEqual(self.sh('cat /tmp/f /tmp/g /work/h; stat -c %a:%u /tmp/f'), 'hello\n' * 3 + '751:0\n')
        self.assertIn('/nope: No such file or directory', self.cp('f', 'web:/nope/f', rc=125).stderr)
        self.assertIn('pod web: /nope: No such file or directory', self.cp('web:/nope', '.', rc=125).stderr)
        self.assertEqual(os.listdir(self.here), ['f'])

    def test_directories_and_their_names(self):
        (self.here / 'd/sub').mkdir(parents=True)
        (self.here / 'd/sub/f').write_text('f')
        self.cp('d', 'web:/new')             # becomes it
        self.cp('d/', 'web:/tmp')            # comes below it
        self.sh('mkdir /into')
        self.cp('d/.', 'web:/into')          # its contents do
        self.assertEqual(self.sh('cat /new/sub/f /tmp/d/sub/f /into/sub/f'), 'fff')
        self.cp('web:/new', '.')
        self.cp('web:/new', 'other')
        self.cp('web:/new/.', '.')
        for path in ('new/sub/f', 'other/sub/f', 'sub/f'):
            self.assertEqual((self.here / path).read_text(), 'f')
        self.cp('.', 'web:/into')            # the contents of where one stands
        self.assertEqual(self.sh('cat /into/other/sub/f'), 'f')

    def test_what_is_in_the_way(self):
        (self.here / 'd').mkdir()
        (self.here / 'd/x').write_text('x')
        (self.here / 'f').write_text('f')
        self.sh('mkdir -p /a/f/full /b; echo b > /b/d')
        self.assertIn('is a directory; see --overwrite', self.cp('f', 'web:/a', rc=125).stderr)
        self.assertIn('is not a directory; see --overwrite', self.cp('d', 'web:/b', rc=125).stderr)
        self.assertEqual(self.sh('ls -d /a/f/full; cat /b/d'), '/a/f/full\nb\n')
        self.cp('--overwrite', 'f', 'web:/a')
        self.cp('--overwrite', 'd', 'web:/b')
        self.assertEqual(self.sh('cat /a/f /b/d/x'), 'fx')

    def test_links_modes_and_times_of_a_tree(self):
        self.sh('''mkdir -p /t/ro /t/sticky; cd /t
            echo a > a; ln a hard; ln -s a soft; ln -s /nowhere/at/all dangling
            echo ro > ro/f; chmod 4755 a; chmod 1777 sticky; mkfifo fifo
            touch -d "2021-01-01 00:00:00" ro; chmod 555 ro''')
        done = self.cp('web:/t', '.')
        self.assertIn('warning: fifo: a pipe, left out', done.stderr)
        t = self.here / 't'
        self.assertEqual(os.readlink(t / 'soft'), 'a')
        self.assertEqual(os.readlink(t / 'dangling'), '/nowhere/at/all')
        self.assertEqual((t / 'a').stat().st_ino, (t / 'hard').stat().st_ino)
        self.assertEqual(stat.S_IMODE((t / 'a').stat().st_mode), 0o755)       # no setuid here
        self.assertEqual(stat.S_IMODE((t / 'sticky').stat().st_mode), 0o777)
        self.assertEqual(stat.S_IMODE((t / 'ro').stat().st_mode), 0o555)
        self.assertEqual(int((t / 'ro').stat().st_mtime), 1609459200)
        self.assertEqual(sorted(os.listdir(t)), ['a', 'dangling', 'hard', 'ro', 'soft', 'sticky'])
        os.chmod(t / 'a', 0o4755)
        self.cp('t', 'web:/back')
        self.assertEqual(self.sh('stat -c %a:%h /back/a; readlink /back/soft; stat -c %a /back/ro'), '4755:2\na\n555\n')
        # A second time, over itself.
        self.cp('t/.', 'web:/back')
        self.assertEqual(self.sh('ls -A /back | grep -c kpod || true'), '0\n')

    def test_a_source_that_is_a_link_is_followed(self):
        self.sh('echo deep > /deep; ln -s /deep /link')
        self.cp('web:/link', 'out')
        self.assertEqual((self.here / 'out').read_text(), 'deep\n')
        self.assertFalse((self.here / 'out').is_symlink())

    def test_what_the_destination_is(self):
        self.sh('echo x > /x')
        self.assertEqual(self.cp('web:/x', '/dev/stdout').stdout, 'x\n')
        (self.here / 'target').write_text('old')
        (self.here / 'link').symlink_to('target')
        self.cp('web:/x', 'link')
        self.assertEqual((self.here / 'target').read_text(), 'x\n')
        self.assertTrue((self.here / 'link').is_symlink())
        (self.here / 'target').unlink()
        self.assertIn('leads nowhere', self.cp('web:/x', 'link', rc=125).stderr)
        self.assertTrue((self.here / 'link').is_symlink())
        (self.here / 'f').write_text('f')
        self.assertIn('not a file or a directory', self.cp('f', 'web:/dev/null', rc=125).stderr)
        self.cp('f', 'web:/etc/hosts')  # mounted: written in place
        self.assertEqual(self.sh('cat /etc/hosts'), 'f')

    def test_tar_streams(self):
        self.sh('mkdir -p /d/sub; echo 1 > /d/sub/one; ln -s one /d/sub/two')
        out = subprocess.run([KPOD, 'cp', 'web:/d', '-'], env=self.env, capture_output=True, check=True).stdout
        with tarfile.open(fileobj=io.BytesIO(out)) as tar:
            self.assertEqual(sorted(tar.getnames()), ['d', 'd/sub', 'd/sub/one', 'd/sub/two'])
            self.assertEqual(tar.extractfile('d/sub/one').read(), b'1\n')
            self.assertEqual(tar.getmember('d/sub/two').linkname, 'one')
        self.sh('mkdir /e')
        for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
            buffer = io.BytesIO()
            with tarfile.open(fileobj=buffer, mode='w', format=form) as tar:
                info = tarfile.TarInfo(f'{form}/' + ('n' * 90 + '/') * (1 if form == tarfile.USTAR_FORMAT else 3) + 'file')
                info.size = 700_000
                tar.addfile(info, io.BytesIO(b'z' * 700_000))
            subprocess.run([KPOD, 'cp', '-', 'web:/e'], env=self.env, input=buffer.getvalue(), check=True)
            self.assertEqual(self.sh(f'cat $(find /e/{form} -type f) | wc -c'), '700000\n')
        self.assertIn('not a tar archive', self.cp('-', 'web:/e', input='x' * 2000, rc=125).stderr)
        self.assertIn('/x: No such file or directory', self.cp('-', 'web:/x', input='', rc=125).stderr)

    def test_large_and_small_files(self):
        with open(self.here / 'big', 'wb') as f:
            for i in range(40):
                f.write(bytes([i]) * (1 << 20))
        (self.here / 'empty').touch()
        self.cp('big', 'web:/tmp/big')
        self.cp('empty', 'web:/tmp/empty')
        self.cp('web:/tmp/big', 'again')
        self.cp('web:/tmp/empty', 'none')
        self.assertEqual((self.here / 'again').read_bytes(), (self.here / 'big').read_bytes())
        self.assertEqual((self.here / 'none').stat().st_size, 0)
        self.cp('web:/proc/version', 'version')  # of no size, as it says
        self.assertEqual((self.here / 'version').read_text(), pathlib.Path('/proc/version').read_text())

    def test_names(self):
        self.sh('mkdir "/a b"; echo sp > "/a b/c:d"')
        self.cp('web:/a b/c:d', './e:f')
        self.assertEqual((self.here / 'e:f').read_text(), 'sp\n')
        self.cp('./e:f', 'default/web:/tmp/g')
        self.assertEqual(self.sh('cat /tmp/g'), 'sp\n')
        for argv, words in (((), 'wanted: kpod cp'), (('a', 'b'), 'one of src or dest must be a file of a pod'),
                            (('web:', '.'), 'filepath can not be empty'), ((':/x', '.'), 'wanted [[namespace/]pod:]file/path'),
                            (('wbe:/x', '.'), 'pod "wbe" not found: did you mean "web"?'),
                            (('-c', 'x', 'web:/x', '.'), 'container x is not valid for pod web')):
            self.assertIn(words, self.cp(*argv, rc=125).stderr)
        self.kpod('stop', 'web', '--time', '0')
        self.assertIn('container main of pod web is not running', self.cp('web:/x', '.', rc=125).stderr)

    def test_from_container_to_container(self):
        self.play(pod('other', 'exec sleep 1000'), name='other.yaml')
        self.wait_running('other')
        self.sh('mkdir /from; echo x > /from/x; chown 5:6 /from/x')
        self.cp('web:/from', 'other:/to')
        self.assertEqual(self.sh('cat /to/x; stat -c %u:%g /to/x', 'other'), 'x\n0:0\n')
        self.cp('--archive=false', 'web:/from', 'other:/kept')
        self.assertEqual(self.sh('stat -c %u:%g /kept/x', 'other'), '5:6\n')

    def test_an_interrupt_leaves_nothing_half_made(self):
        source, sink = os.pipe()
        child = subprocess.Popen([KPOD, 'cp', '-', 'web:/tmp'], env=self.env, stdin=source, stderr=subprocess.PIPE, text=True)
        os.close(source)
        info = tarfile.TarInfo('half')
        info.size = 1_000_000
        os.write(sink, info.tobuf() + b'x' * 2000)
        self.wait(lambda: 'kpod-cp' in self.sh('ls -A /tmp'), 'the copy is under way')
        child.send_signal(signal.SIGINT)
        self.assertIn('interrupted', child.communicate(timeout=60)[1])
        self.assertEqual(child.returncode, 130)
        os.close(sink)
        self.assertEqual(self.sh('ls -A /tmp'), '')


class Owners(CopyTest):
    def test_the_users_own(self):
        self.play(pod('web', 'exec sleep 1000', container_extra='securityContext: {runAsUser: 1234, runAsGroup: 4321}\n'))
        self.wait_running('web')
        (self.here / 'd').mkdir()
        (self.here / 'd/f').write_text('f')
        os.chown(self.here / 'd/f', 77, 88)
        self.cp('d', 'web:/d')
        self.assertEqual(self.sh('stat -c %u:%g /d /d/f'), '1234:4321\n' * 2)
        self.cp('--archive=false', 'd', 'web:/kept')
        self.assertEqual(self.sh('stat -c %u:%g /kept /kept/f'), '0:0\n77:88\n')
        # Whatever its user may read: as podman has it.
        self.cp('web:/etc/shadow', 'shadow')
        self.assertIn('root', (self.here / 'shadow').read_text())

    def test_read_only_and_volumes(self):
        self.play(pod('web', 'exec sleep 1000', 'volumes: [{name: v, emptyDir: {}}, {name: m, emptyDir: {medium: Memory}}]\n',
                      'securityContext: {readOnlyRootFilesystem: true}\n'
                      'volumeMounts: [{name: v, mountPath: /v}, {name: m, mountPath: /m}, {name: v, mountPath: /ro, readOnly: true}]\n'))
        self.wait_running('web')
        (self.here / 'f').write_text('f')
        for place in ('/f', '/ro/f'):
            self.assertIn('Read-only file system', self.cp('f', f'web:{place}', rc=125).stderr)
        self.cp('f', 'web:/v')
        self.cp('f', 'web:/m')
        self.cp('web:/m/f', 'back')
        self.assertEqual(self.sh('cat /v/f /m/f'), 'ff')
        self.assertEqual((self.here / 'back').read_text(), 'f')
