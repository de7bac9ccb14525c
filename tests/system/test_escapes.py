"""The known ways out of a container, tried with the built binary: each test fails when the protection
is taken away. tests/system/probes/escape.c is what tries."""
import json
import os
import pathlib
import re
import shutil
import stat
import subprocess
import tempfile
import unittest

from escape_case import EscapeTest
from harness import BIN, KPOD, need, pod
from swapper import LIBC, Swapper, exchange


class Walls(EscapeTest):
    """What a container with the usual rights may not do."""

    REFUSED = {
        'unshare-user': 'EPERM', 'clone-user': 'EPERM', 'clone3': 'ENOSYS',  # CVE-2022-0185, CVE-2022-0492
        'unshare-mount': 'EPERM', 'setns': 'EPERM', 'mount': 'EPERM', 'fsopen': 'EPERM', 'open-tree': 'EPERM',
        'pivot-root': 'EPERM', 'bpf': 'EPERM', 'perf': 'EPERM', 'io-uring': 'EPERM', 'userfaultfd': 'EPERM',
        'keyctl': 'EPERM', 'add-key': 'EPERM', 'module': 'EPERM', 'kexec': 'EPERM', 'reboot': 'EPERM',
        'syslog': 'EPERM', 'settime': 'EPERM', 'af-alg': 'EPERM', 'af-vsock': 'EPERM', 'open-by-handle': 'EPERM',
    }
    READ_ONLY = ['/proc/sys/kernel/core_pattern', '/proc/sys/kernel/panic', '/proc/sys/vm/panic_on_oom',
                 '/sys/kernel/mm/ksm/run', '/sys/kernel/uevent_helper', '/sys/fs/cgroup/memory/notify_on_release',
                 '/sys/fs/cgroup/unified/cgroup.max.depth', '/sys/fs/cgroup/cgroup.max.depth']

    def test_system_calls_files_and_mounts(self):
        self.start()
        for what, want in self.REFUSED.items():
            self.assertEqual(self.probe(what), want, what)
        tried = 0
        for path in self.READ_ONLY:
            if os.path.exists(path):
                tried += 1
                self.assertIn(self.probe('open', path), ('EROFS', 'ENOENT'), path)
        self.assertGreater(tried, 3)
        for path in ('/proc/sys', '/sys', '/proc/kcore', '/sys/fs/cgroup', '/'):
            self.assertEqual(self.probe('remount', path), 'EPERM', path)
            self.assertEqual(self.probe('umount', path), 'EPERM', path)
        self.assertEqual(self.probe('chroot-out'), "in the container's root")

    def test_masked_files_are_empty(self):
        self.start()
        for path in ('/proc/kcore', '/proc/keys', '/proc/timer_list', '/proc/interrupts'):
            if os.path.exists(path):
                self.assertEqual(self.exec('p', 'sh', '-c', f'cat {path} | wc -c'), '0\n', path)
        self.assertEqual(self.exec('p', 'sh', '-c', 'ls /sys/firmware | wc -l'), '0\n')

    def test_the_filter_holds_without_it_the_capabilities_do(self):
        self.start(container='securityContext: {seccompProfile: {type: Unconfined}}\n')
        for what in ('unshare-mount', 'mount', 'reboot', 'fsopen', 'open-by-handle'):
            self.assertEqual(self.probe(what), 'EPERM', what)

    def test_a_filter_of_ones_own(self):
        profiles = self.root / 'seccomp/team'
        profiles.mkdir(parents=True, exist_ok=True)
        (profiles / 'deny.json').write_text(json.dumps({'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [
            {'names': ['mkdir', 'mkdirat'], 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 28}]}))
        (profiles / 'broken.json').write_text('{"defaultAction": "SCMP_ACT_NOTIFY"}')
        def play(name, profile):
            text = f'securityContext: {{seccompProfile: {{type: Localhost, localhostProfile: {profile}}}}}\n'
            return self.play(pod(name, 'mkdir /tmp/x 2>&1; sleep 1000', container_extra=text), name=f'{name}.yaml', rc=None)
        play('own', 'team/deny.json')
        self.wait_log('own', 'No space left on device')
        self.assertIn('No space', self.kpod('exec', 'own', 'mkdir', '/tmp/y', rc=1).stderr)
        # Neither one that is not there, nor one that cannot be applied lets it run unfiltered.
        for number, profile in enumerate(('none.json', 'team/broken.json')):
            play(f'bad{number}', profile)
            self.assertEqual(self.pid(f'bad{number}', 'main'), 0, profile)
        # One from elsewhere is refused at once.
        for profile, words in (('../../../../etc/hostname', "must not contain '..'"), ('/etc/hostname', 'must be a relative path')):
            text = f'securityContext: {{seccompProfile: {{type: Localhost, localhostProfile: {profile}}}}}\n'
            (self.dir / 'elsewhere.yaml').write_text(pod('elsewhere', 'sleep 1000', container_extra=text))
            refused = self.kpod('play', 'kube', str(self.dir / 'elsewhere.yaml'), rc=125)
            self.assertIn(f'localhostProfile: Invalid value: "{profile}": {words}', refused.stderr)

    def test_disks_cannot_be_opened(self):
        blocks = [d for d in pathlib.Path('/sys/block').iterdir()] if os.path.isdir('/sys/block') else []
        if not blocks:
            self.skipTest('this machine has no block device')
        major, minor = (blocks[0] / 'dev').read_text().strip().split(':')
        # A node that an image or a volume brings, and one that the container makes.
        node = self.dir / 'nodes'
        node.mkdir(exist_ok=True)
        os.mknod(node / 'disk', stat.S_IFBLK | 0o666, os.makedev(int(major), int(minor)))
        self.start(mounts='- {name: nodes, mountPath: /nodes}\n', volumes=self.volume('nodes', node))
        self.assertEqual(self.probe('open', '/nodes/disk'), 'EPERM')
        for where in ('/tmp/node', '/dev/node', '/nodes/made'):
            self.assertEqual(self.probe('mknod-open', major, minor, where), 'EPERM', where)
        self.assertEqual(self.probe('open', '/dev/null'), 'ok')

    def test_accounts_are_no_devices(self):
        """kpod itself may open what the container may not: a node where /etc/passwd was."""
        need('losetup')
        accounts = self.dir / 'accounts'
        accounts.write_bytes(b'evil:x:1234:1234::/:\n'.ljust(4096, b'\n'))
        made = subprocess.run(['losetup', '-f', '--show', '--read-only', accounts], capture_output=True, text=True)
        if made.returncode:
            self.skipTest('this machine has no loop device: ' + made.stderr.strip())
        loop = made.stdout.strip()
        self.addCleanup(subprocess.run, ['losetup', '-d', loop], check=True)
        number = os.stat(loop).st_rdev
        self.start()
        self.kpod('exec', 'p', 'sh', '-c', f'mknod /etc/new b {os.major(number)} {os.minor(number)} && mv /etc/new /etc/passwd')
        refused = self.kpod('exec', '-u', 'evil', 'p', 'id', rc=125)
        self.assertIn('evil', refused.stderr)
        self.kpod('exec', 'p', 'sh', '-c', 'mkfifo /etc/new && mv /etc/new /etc/passwd')
        self.kpod('exec', '-u', 'evil', 'p', 'id', rc=125)  # and waits for nobody

    def test_no_new_privileges(self):
        suid = self.dir / 'suid'
        suid.mkdir(mode=0o755, exist_ok=True)
        shutil.copy(self.probes / 'escape', suid / 'escape')
        (suid / 'escape').chmod(0o4755)
        for allowed, euid in (('true', '0'), ('false', '1000')):
            self.start('nnp' + allowed, mounts='- {name: suid, mountPath: /suid}\n', volumes=self.volume('suid', suid),
                       container=f'securityContext: {{runAsUser: 1000, allowPrivilegeEscalation: {allowed}}}\n',
                       command='sleep 1000')
            self.assertEqual(self.exec('nnp' + allowed, '/suid/escape', 'euid').strip(), euid)

    def test_sysctls_of_the_machine_are_refused(self):
        for spec, name, path in (('', 'kernel.core_pattern', '/proc/sys/kernel/core_pattern'),
                                 ('', 'vm.overcommit_memory', '/proc/sys/vm/overcommit_memory'),
                                 ('hostNetwork: true\n', 'net.ipv4.ip_default_ttl', '/proc/sys/net/ipv4/ip_default_ttl'),
                                 ('hostIPC: true\n', 'kernel.msgmax', '/proc/sys/kernel/msgmax')):
            before = pathlib.Path(path).read_text()
            spec += f'securityContext: {{sysctls: [{{name: {name}, value: "1"}}]}}\n'
            self.play(pod('s', 'sleep 1000', spec), rc=None)
            self.assertEqual(pathlib.Path(path).read_text(), before, name)
            self.assertEqual(self.pid('s', 'main'), 0, name)


class Exec(EscapeTest):
    """What joins a container comes from outside, and is what an attacker inside waits for."""

    def test_kpod_cannot_be_overwritten(self):
        # CVE-2019-5736: a program that is a script of /proc/self/exe makes kpod run itself.
        for program in ('kpod', 'kpod-supervisor'):  # what enters loads no library of an image
            self.assertNotIn(b'/lib64/ld-linux', (BIN / program).read_bytes()[:65536])
        programs = {p: (p.read_bytes(), p.stat()) for p in (BIN / 'kpod', BIN / 'kpod-supervisor')}
        # One run: the attacker ends with its answer, which a restart would move to another log.
        self.start(command='printf "#!/proc/self/exe\\n" > /bait; chmod 755 /bait; exec /probes/escape overwrite',
                   spec='restartPolicy: Never\n')
        self.wait_log('p', 'lurking')
        def found():
            subprocess.run([KPOD, 'exec', 'p', '/bait'], env=self.env, capture_output=True, timeout=60, check=False)
            return 'found' in self.logs('p')
        self.wait(found, 'the attacker gets hold of kpod', 60)
        answer = self.wait(lambda: re.search(r'found .*\n.*?(\w+)\n', self.logs('p')), 'its answer')
        self.assertEqual(answer.group(1), 'EROFS')
        for program, (content, before) in programs.items():
            self.assertEqual(program.read_bytes(), content)
            self.assertEqual(program.stat().st_mtime_ns, before.st_mtime_ns)

    def test_what_joins_cannot_be_looked_into(self):
        # CVE-2016-9962: between joining and exec it still has descriptors of the host.
        self.start(command='exec /probes/escape spy')
        self.wait_log('p', 'spying')
        for _ in range(60):
            self.exec('p', 'true')
        self.assertEqual([l for l in self.logs('p').splitlines() if 'seen' in l], [])

    def test_no_descriptor_gets_in(self):
        leak = os.open('/', os.O_RDONLY)
        os.set_inheritable(leak, True)
        path = self.write('fds.yaml', pod('fds', 'ls -l /proc/self/fd; sleep 1000'))
        self.played.append(path)
        self.kpod('play', 'kube', path, close_fds=False)
        listing = self.wait(lambda: self.logs('fds') if self.logs('fds').count('\n') >= 5 else '', 'its listing')
        entered = self.kpod('exec', 'fds', 'ls', '-l', '/proc/self/fd', close_fds=False).stdout
        os.close(leak)
        for text in (listing, entered):
            lines = text.splitlines()[1:]
            self.assertEqual(len(lines), 4, text)  # the fourth is that of the listing itself
            for line in lines[:3]:
                self.assertRegex(line, r' -> (pipe:|/dev/null)')

    def test_the_working_directory_is_inside(self):
        # CVE-2024-21626
        self.start()
        for fd in range(3, 16):
            for cwd in (f'/proc/self/fd/{fd}', f'/proc/self/fd/{fd}/../../..', f'/proc/thread-self/fd/{fd}'):
                done = self.kpod('exec', '-w', cwd, 'p', 'sh', '-c', 'ls ../../../../../../../../../escape-test', rc=None)
                self.assertNotEqual(done.returncode, 0, cwd)
        for fd in (7, 8, 9):
            self.play(pod('cwd', 'sleep 1000', container_extra=f'workingDir: /proc/self/fd/{fd}\n'), rc=None)
            self.assertEqual(self.pid('cwd', 'main'), 0)

    def test_the_terminal_of_the_caller_stays_outside(self):
        # Neither TIOCSTI nor a descriptor of it, by which a process that stays behind would read what is typed later.
        self.start()
        said = self.on_a_terminal('exec', '-i', 'p', '/probes/escape', 'tiocsti', rc=None)
        self.assertRegex(said, r'^(EPERM|ENOTTY|EIO)')
        said = self.on_a_terminal('exec', '-i', 'p', 'ls', '-l', '/proc/self/fd')
        self.assertEqual(len(re.findall(r'[012] -> pipe:', said)), 3, said)
        # What goes through is whole, in both directions, and so is the exit code.
        said = self.on_a_terminal('exec', '-i', 'p', 'sh', '-c', 'read a; seq 20000; echo "got $a"; exit 7', typed=b'word\n', rc=7)
        self.assertIn('\r\n19999\r\n20000\r\ngot word\r\n', said)
        # One that stays behind with the pipes does not keep kpod.
        self.assertEqual(self.on_a_terminal('exec', 'p', 'sh', '-c', 'sleep 30 & echo started'), 'started\r\n')

    def test_files_of_the_caller_cannot_be_opened_again(self):
        # A descriptor of a file leads back to it, for writing, too.
        self.start()
        given, out = self.dir / 'given', self.dir / 'out'
        given.write_text('input\n' * 100000)
        with open(given, 'rb') as i, open(out, 'wb') as o:
            script = 'cat; echo evil > /proc/self/fd/0; echo evil 1<> /proc/self/fd/1'
            subprocess.run([KPOD, 'exec', '-i', 'p', 'sh', '-c', script], env=self.env, stdin=i, stdout=o,
                           stderr=subprocess.DEVNULL, check=False, timeout=60)
        self.assertEqual(given.read_text(), 'input\n' * 100000)
        self.assertEqual(out.read_text(), 'input\n' * 100000 + 'evil\n')  # through the pipe, and not at its beginning
        self.assertEqual(self.kpod('exec', '-i', 'p', 'wc', '-c', input='x' * 1000000).stdout, '1000000\n')

    def test_keys_stay_with_the_caller(self):
        keyctl = 250  # x86_64
        if os.uname().machine != 'x86_64' or LIBC.syscall(keyctl, 1, None) < 0:
            self.skipTest('no session key ring can be made here')
        self.assertGreater(LIBC.syscall(248, b'user', b'kpod-test-secret', b'x', 1, -3), 0)
        self.start(container='securityContext: {seccompProfile: {type: Unconfined}}\n')
        self.assertEqual(self.probe('keyring'), 'ENOKEY')

    def test_a_shared_process_namespace_shows_no_host(self):
        for name, container in (('p', ''), ('tracer', 'securityContext: {capabilities: {add: [SYS_PTRACE]}}\n')):
            self.start(name, spec='shareProcessNamespace: true\n', container=container)
            done = self.kpod('exec', name, 'sh', '-c', 'ls -a /proc/1/root/ /proc/1/cwd/; ls -l /proc/1/fd', rc=None)
            self.assertNotRegex(done.stdout, r'\b(etc|usr|home)\b')
            self.assertNotIn(' -> ', done.stdout)


class Races(EscapeTest):
    """Symbolic links that are exchanged while kpod looks (CVE-2021-30465, CVE-2021-25741)."""

    def setUp(self):
        super().setUp()
        self.shared = pathlib.Path(tempfile.mkdtemp(dir=self.dir))
        self.outside = pathlib.Path(tempfile.mkdtemp(dir=self.dir))
        (self.outside / 'secret').write_text('of the host\n')
        (self.shared / 'sub').mkdir()
        (self.shared / 'sub/own').write_text('inside\n')
        (self.shared / 'link').symlink_to(self.outside)

    def runs(self, count, name, text):
        """What a container that ends at once says, again and again."""
        said = []
        for _ in range(count):
            self.play(text, '--replace', name=f'{name}.yaml', rc=None)
            self.wait(lambda: 'terminated' in self.container(name, 'main').get('state', {}) or not self.pid(name, 'main'),
                      'it ended')
            said.append(self.logs(name, rc=None))
        return said

    def test_sub_paths_never_show_the_host(self):
        text = pod('race', 'cat /v/* 2>&1', 'restartPolicy: Never\nvolumes:\n' + self.volume('v', self.shared),
                   'volumeMounts:\n- {name: v, mountPath: /v, subPath: sub}\n')
        with Swapper(self.shared / 'sub', self.shared / 'link'):
            said = self.runs(15, 'race', text)
        self.assertNotIn('of the host', ''.join(said))
        # Without the race it works.
        if (self.shared / 'sub').is_symlink():
            exchange(self.shared / 'sub', self.shared / 'link')
        self.assertIn('inside', self.runs(1, 'race', text)[0])

    def test_mount_targets_stay_inside(self):
        volumes = 'restartPolicy: Never\nvolumes:\n' + self.volume('v', self.shared) + self.volume('w', self.shared / 'sub')
        text = pod('race', 'cat /v/sub/deep/own', volumes,
                   'volumeMounts:\n- {name: v, mountPath: /v}\n- {name: w, mountPath: /v/sub/deep}\n')
        with Swapper(self.shared / 'sub', self.shared / 'link'):
            self.runs(15, 'race', text)
        self.assertEqual(sorted(os.listdir(self.outside)), ['secret'])

    def test_a_sub_path_that_leaves_is_refused(self):
        for sub in ('link', 'link/secret'):
            text = pod('leaves', 'cat /v', 'restartPolicy: Never\nvolumes:\n' + self.volume('v', self.shared),
                       f'volumeMounts:\n- {{name: v, mountPath: /v, subPath: {sub}}}\n')
            failed = self.play(text, '--replace', name='leaves.yaml', rc=None)
            self.assertEqual(self.pid('leaves', 'main'), 0)
            self.assertIn('leaves the volume', failed.stderr + self.kpod('ps', '--all').stdout)

    def test_files_of_the_image_that_are_links(self):
        # What kpod binds (/etc/hosts, termination log) and makes (working directory) when the image has links there.
        image = pathlib.Path(tempfile.mkdtemp(dir=self.dir))
        (image / 'etc').mkdir()
        for name in ('hosts', 'resolv.conf', 'hostname'):
            (image / 'etc' / name).symlink_to(f'{self.outside}/{name}')
        (image / 'made').symlink_to(f'../../../../../../..{self.outside}')
        (image / 'bin').mkdir()
        shutil.copy(self.probes / 'escape', image / 'bin/escape')
        tar = self.dir / 'links.tar'
        subprocess.run(['tar', '-C', image, '-cf', tar, '.'], check=True)
        self.kpod('import', tar, 'links:1')
        text = pod('links', '', 'restartPolicy: Never\n', 'workingDir: /made/deeper\n', image='links:1')
        self.play(re.sub(r'command: .*', 'command: [/bin/escape, euid]', text))
        self.wait(lambda: self.logs('links') == '0\n', 'it ran')
        self.assertEqual(sorted(os.listdir(self.outside)), ['secret'])


if __name__ == '__main__':
    unittest.main()
