"""Images as files: archives and directories of every kind, also hostile and damaged ones, tags,
removal, and what is left on disk."""
import contextlib
import gzip
import json
import os
import random
import shutil
import stat
import subprocess
import time

import machine
from harness import KPOD, KpodTest, image_archive, need, pod
from image_builder import Builder, archive, layer, sha


class ImagesTest(KpodTest):
    images = []

    def names(self):
        return sorted(n for i in json.loads(self.kpod('images', '--format', 'json').stdout) for n in i['Names'])

    def layers(self):
        folder = self.root / 'images/layers'
        return len(os.listdir(folder)) if folder.exists() else 0

    def scratch(self, name):
        path = self.dir / name
        shutil.rmtree(path, ignore_errors=True)
        return path

    def empty(self):
        self.kpod('rmi', '--all', '--force')
        self.assertEqual(self.names(), [])
        self.assertEqual(self.layers(), 0)
        for folder in ('tmp', 'configs', 'records', 'names'):
            self.assertEqual(os.listdir(self.root / 'images' / folder), [], folder)

    def tearDown(self):
        if (self.root / 'images').exists():
            self.empty()


class Load(ImagesTest):
    def test_every_form(self):
        image = Builder(layer(a=b'1'), layer(b=b'2'), Cmd=['/a'])
        folder = image.docker(self.scratch('docker'))
        oci = image.oci(self.scratch('oci'))
        sources = {'docker directory': folder, 'oci directory': oci,
                   'docker-archive': archive(folder, self.dir / 'd.tar'), 'oci-archive': archive(oci, self.dir / 'o.tar'),
                   'gzip': archive(folder, self.dir / 'd.tar.gz', 'w:gz'), 'xz': archive(oci, self.dir / 'o.tar.xz', 'w:xz')}
        for what, source in sources.items():
            self.assertEqual(self.kpod('load', '-i', source).stdout, 'Loaded image: docker.io/library/made:1\n', what)
            inspected = json.loads(self.kpod('image', 'inspect', 'made:1').stdout)[0]
            self.assertEqual((inspected['Id'], inspected['Config']['Cmd']), (image.id, ['/a']), what)
            self.assertEqual(self.layers(), 2)
            self.empty()
        with open(sources['docker-archive'], 'rb') as file:
            self.kpod('load', stdin=file)
        self.assertEqual(self.names(), ['docker.io/library/made:1'])

    def test_layers_of_every_compression(self):
        need('zstd')
        def zstd(data):
            return subprocess.run(['zstd', '-q', '-c'], input=data, capture_output=True, check=True).stdout
        for compress in (None, gzip.compress, zstd):
            image = Builder(layer(f=b'x' * 100000), compress=compress)
            self.kpod('load', '-i', image.oci(self.scratch('oci')))
            self.assertEqual(json.loads(self.kpod('image', 'inspect', 'made:1').stdout)[0]['Id'], image.id)
            self.empty()

    def test_the_platform_of_this_machine(self):
        mine = Builder(layer(f=b'mine'))
        others = [Builder(layer(f=b'other'), architecture=a) for a in ('s390x', 'mips64le')]
        self.kpod('load', '-i', mine.oci(self.scratch('oci'), more=others))
        self.assertEqual(json.loads(self.kpod('image', 'inspect', 'made:1').stdout)[0]['Id'], mine.id)
        failed = self.kpod('load', '-i', others[0].oci(self.scratch('oci'), more=others[1:]), rc=125)
        self.assertRegex(failed.stderr, r'no image for linux/\w+, only for linux/s390x, linux/mips64le')

    def test_damaged_and_hostile_archives_are_refused_and_leave_nothing(self):
        image = Builder(layer(f=b'x'))
        def oci(change):
            folder = image.oci(self.scratch('oci'))
            change(folder, folder / 'blobs/sha256')
            return folder
        def edit(path, **changes):
            document = json.loads(path.read_text())
            document.update(changes)
            path.write_text(json.dumps(document))
        def remanifest(folder, blobs, **changes):
            manifest = json.loads(image.manifest())
            manifest.update(changes)
            data = json.dumps(manifest).encode()
            (blobs / sha(data)).write_bytes(data)
            edit(folder / 'index.json', manifests=[{'digest': 'sha256:' + sha(data), 'size': len(data)}])
        other = layer(f=b'y')
        deep = b'[' * 100000
        cases = {
            'another digest|not': lambda f, b: (b / sha(image.diffs[0])).write_bytes(other),
            'configuration has another digest': lambda f, b: (b / sha(image.config)).write_bytes(b'{}'),
            'its bytes have another digest': lambda f, b: (b / sha(image.manifest())).write_bytes(b'{}'),
            'schema 1': lambda f, b: remanifest(f, b, schemaVersion=1, fsLayers=[]),
            'no config and layers': lambda f, b: remanifest(f, b, layers={'a': 1}),
            'no sha256 digest': lambda f, b: remanifest(f, b, layers=[{'digest': 'sha256:../../etc/passwd'}]),
            'names 1 layer and its manifest 0': lambda f, b: remanifest(f, b, layers=[]),
            'nested more than': lambda f, b: (f / 'index.json').write_bytes(deep),
            'not JSON': lambda f, b: (f / 'index.json').write_bytes(b'{"manifests": '),
            'lists no image': lambda f, b: edit(f / 'index.json', manifests=[]),
            'no manifests|neither|lists no': lambda f, b: edit(f / 'index.json', manifests='x'),
            'No such file': lambda f, b: (b / sha(image.diffs[0])).unlink(),
            'Invalid cross-device|digest|No such file': lambda f, b: (
                (b / sha(image.diffs[0])).unlink(), (b / sha(image.diffs[0])).symlink_to('/etc/passwd')),
        }
        for want, change in cases.items():
            failed = self.kpod('load', '-i', oci(change), rc=125)
            self.assertRegex(failed.stderr, want)
            self.assertEqual(len(failed.stderr.strip().splitlines()), 1, failed.stderr)
            self.assertEqual((self.names(), self.layers(), os.listdir(self.root / 'images/tmp')), ([], 0, []), want)
        for name, data in (('empty', b''), ('text', b'hello\n' * 1000), ('zeros', bytes(4096))):
            (self.dir / name).write_bytes(data)
            self.kpod('load', '-i', self.dir / name, rc=125)
        self.assertIn('No such file', self.kpod('load', '-i', '/no/such', rc=125).stderr)

    def test_a_truncated_or_altered_archive_never_gets_in(self):
        # Every byte counts: with whatever byte changed, an image is whole or not there.
        image = Builder(layer(f=os.urandom(20000), g=b'g'))
        whole = archive(image.docker(self.scratch('docker')), self.dir / 'whole.tar').read_bytes()
        rng = random.Random(5736)
        damaged = self.dir / 'damaged.tar'
        for i in range(60):
            data = bytearray(whole)
            if i % 3 == 0:
                del data[rng.randrange(len(data)):]
            else:
                for _ in range(rng.randrange(1, 6)):
                    data[rng.randrange(len(data))] = rng.randrange(256)
            damaged.write_bytes(data)
            done = self.kpod('load', '-q', '-i', damaged, rc=None)
            self.assertIn(done.returncode, (0, 125), done.stderr)
            if done.returncode == 0:
                for one in json.loads(self.kpod('images', '--format', 'json').stdout):
                    config = (self.root / 'images/configs' / one['Id']).read_bytes()
                    self.assertEqual(sha(config), one['Id'])
                tree = self.root / 'images/layers' / sha(image.diffs[0]) / 'diff'
                if tree.exists():
                    self.assertEqual((tree / 'g').read_bytes(), b'g')
                self.empty()
            else:
                self.assertEqual((self.names(), os.listdir(self.root / 'images/tmp')), ([], []), done.stderr)
        self.kpod('system', 'prune', '--force')

    def test_no_archive_fills_the_disk(self):
        """Room is kept for the machine, in bytes and in inodes, whatever an archive unpacks to."""
        small = self.dir / 'small'
        small.mkdir()
        for options, data, command in (
                ('size=300m', gzip.compress(bytes(270 << 20), 1), ['load', '-i']),
                ('size=300m,nr_inodes=9000', layer(**{f'f{i}': b'' for i in range(8700)}), ['import'])):
            subprocess.run(['mount', '-t', 'tmpfs', '-o', options, 'tmpfs', small], check=True)
            try:
                (self.dir / 'bomb').write_bytes(data)
                failed = self.kpod(*command, self.dir / 'bomb', env={'KPOD_ROOT': str(small / 'root')}, rc=125)
                self.assertRegex(failed.stderr, 'No space left on device')
                self.assertEqual(os.listdir(small / 'root/images/tmp'), [])
            finally:
                subprocess.run(['umount', small], check=True)

    def test_layers_are_out_of_reach_of_the_machines_users(self):
        self.kpod('load', '-i', Builder(layer(f=b'x')).oci(self.scratch('oci')))
        for folder in (self.root / 'images', self.root / 'images/layers'):
            self.assertEqual(stat.S_IMODE(folder.stat().st_mode), 0o700)

    def test_concurrent_loads_of_the_same_and_of_others(self):
        common = layer(common=os.urandom(200000))
        sources = []
        for i in range(4):
            image = Builder(common, layer(own=str(i).encode()), name=f'many:{i}')
            sources += [archive(image.docker(self.scratch(f'm{i}')), self.dir / f'm{i}.tar')] * 2
        children = [subprocess.Popen([KPOD, 'load', '-q', '-i', s], env=self.env, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.PIPE, text=True) for s in sources]
        for child in children:
            self.assertEqual((child.communicate(timeout=60)[1], child.returncode), ('', 0))
        self.assertEqual(self.names(), [f'docker.io/library/many:{i}' for i in range(4)])
        self.assertEqual(self.layers(), 5)

    def test_a_killed_load_leaves_nothing_and_the_next_one_works(self):
        image = archive(Builder(layer(f=os.urandom(30_000_000))).docker(self.scratch('big')), self.dir / 'big.tar')
        rng = random.Random(7)
        for _ in range(8):
            child = subprocess.Popen([KPOD, 'load', '-q', '-i', image], env=self.env, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL)
            try:
                child.wait(rng.random() * 0.2)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self.kpod('load', '-q', '-i', image)
        self.assertEqual(self.names(), ['docker.io/library/made:1'])
        self.wait(lambda: self.kpod('system', 'prune', '--force') and not os.listdir(self.root / 'images/tmp'),
                  'nothing half-done is left')
        self.assertEqual(self.layers(), 1)

    def test_interrupted_while_it_waits_for_more(self):
        # An archive that comes through a pipe and does not end.
        data = archive(Builder(layer(f=os.urandom(100000))).docker(self.scratch('piped')), self.dir / 'p.tar').read_bytes()
        child = subprocess.Popen([KPOD, 'load'], env=self.env, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        child.stdin.write(data[:50000])
        child.stdin.flush()
        temp = self.root / 'images/tmp'
        self.wait(lambda: temp.exists() and os.listdir(temp), 'the load has begun')
        child.terminate()
        child.wait()
        self.wait(lambda: not os.listdir(temp), 'it has cleaned up')
        child.stdin.close()
        # At whatever moment: most of these come before it waits, some before it knows whose end is its own.
        rng = random.Random(9)
        for number in range(40):
            child = subprocess.Popen([KPOD, 'load'], env=self.env, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL)
            if number % 2:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(rng.random() * 0.02)
            while number % 2 == 0 and not os.listdir(temp):
                pass
            child.terminate()
            child.wait()
            self.wait(lambda: not any('kpod-helper' in line for line in machine.processes().values()), 'the helper has ended')
            self.assertEqual(os.listdir(temp), [])
            child.stdin.close()


class Names(ImagesTest):
    def test_tag_list_inspect_remove(self):
        said = self.kpod('load', '-i', Builder(layer(a=b'1'), layer(b=b'2')).oci(self.scratch('oci'))).stdout
        self.assertEqual(said, 'Loaded image: docker.io/library/made:1\n')
        self.kpod('load', '-i', Builder(layer(a=b'1'), layer(c=b'3'), name='other:1').oci(self.scratch('oci')))
        self.assertEqual(self.layers(), 3)
        self.kpod('tag', 'made:1', 'second:2', 'quay.io/x/third')
        self.assertEqual(self.names(), ['docker.io/library/made:1', 'docker.io/library/other:1',
                                        'docker.io/library/second:2', 'quay.io/x/third:latest'])
        table = self.kpod('images').stdout
        self.assertRegex(table, r'(?m)^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE$')
        self.assertRegex(table, r'(?m)^quay.io/x/third +latest +[0-9a-f]{12} ')
        self.assertEqual(len(self.kpod('images', 'second').stdout.splitlines()), 4)  # its image has three names
        self.assertEqual(len(self.kpod('images', 'second:3').stdout.splitlines()), 1)
        image = json.loads(self.kpod('image', 'inspect', 'made:1').stdout)[0]
        self.assertEqual(self.kpod('image', 'inspect', image['Id'][:6]).stdout,
                         self.kpod('image', 'inspect', 'sha256:' + image['Id']).stdout)
        rows = self.kpod('images', '--format', '{{.Repository}}:{{.Tag}} {{.ID}} {{.CreatedSince}}', 'made').stdout.splitlines()
        self.assertIn(f'quay.io/x/third:latest {image["Id"][:12]} {int((time.time() - 1577934245) / 86400 / 365)} years ago', rows)
        self.assertEqual(len(rows), 3)
        self.assertEqual(sorted(image['RepoTags']), sorted(image['Names']))
        absent = self.kpod('image', 'inspect', 'mad:1', rc=125).stderr
        self.assertEqual(absent, 'kpod: image inspect: image "mad:1" is not on this machine: did you mean "made:1"?\n')
        self.assertIn('more than one tag', self.kpod('rmi', image['Id'], rc=125).stderr)
        self.assertIn('Untagged: docker.io/library/made:1', self.kpod('rmi', 'made:1').stdout)
        self.assertEqual(self.layers(), 3)
        self.kpod('rmi', 'second:2', 'quay.io/x/third')
        self.assertEqual(self.layers(), 2)  # the one that `other` shares stays
        failed = self.kpod('rmi', 'nothing:1', 'other:1', rc=1)  # one that is not there keeps no other
        self.assertIn('Untagged: docker.io/library/other:1', failed.stdout)
        self.assertEqual((self.names(), self.layers()), ([], 0))

    def test_an_image_in_use_stays(self):
        self.kpod('load', '-q', '-i', image_archive('busybox'))
        self.play(pod('user', 'sleep 1000'))
        names = self.names()
        image = json.loads(self.kpod('image', 'inspect', 'busybox').stdout)[0]['Id']
        failed = self.kpod('rmi', *names, rc=2)
        self.assertIn('in use by a container', failed.stderr)
        self.assertEqual(len(self.names()), 1)
        self.kpod('image', 'prune', '--all')
        self.assertEqual(len(self.names()), 1)
        self.assertEqual(json.loads(self.kpod('image', 'inspect', image).stdout)[0]['Id'], image)
        self.down()
        self.kpod('image', 'prune', '--all')
        self.assertEqual((self.names(), self.layers()), ([], 0))

    def test_import_runs(self):
        root = self.scratch('rootfs')
        (root / 'bin').mkdir(parents=True)
        shutil.copy('/bin/busybox', root / 'bin/busybox')
        (root / 'bin/sh').symlink_to('busybox')
        subprocess.run(['tar', '-C', root, '-czf', self.dir / 'rootfs.tar.gz', '.'], check=True)
        said = self.kpod('import', '-c', 'CMD ["/bin/sh", "-c", "echo $GREETING"]', '-c', 'ENV GREETING=hello',
                         self.dir / 'rootfs.tar.gz', 'mine:1').stdout
        self.assertRegex(said, r'^sha256:[0-9a-f]{64}\n$')
        text = '\n'.join(l for l in pod('imported', '', 'restartPolicy: Never\n', image='mine:1').splitlines()
                         if 'command:' not in l) + '\n'
        self.play(text)
        self.wait_log('imported', 'hello')

    def test_play_and_load_at_the_same_time(self):
        # The pod waits for its image and starts when the load is done.
        self.play(pod('waits', 'echo runs; sleep 1000', container_extra='imagePullPolicy: Never\n'))
        self.assertIn('ErrImageNeverPull', self.kpod('ps', '--all').stdout)
        self.kpod('load', '-q', '-i', image_archive('busybox'))
        self.wait_log('waits', 'runs')


class Progress(ImagesTest):
    def test_a_terminal_sees_it_and_nobody_else(self):
        image = archive(Builder(layer(f=os.urandom(40_000_000))).docker(self.scratch('big')), self.dir / 'big.tar')
        self.assertEqual(self.kpod('load', '-i', image).stderr, '')
        self.empty()
        text = self.on_a_terminal('load', '-i', image)
        self.assertIn('layer 1/1', text)
        self.assertRegex(text, r'\d+(\.\d+)?MB')
        # The lines are gone again when it is done.
        self.assertRegex(text, r'\x1b\[\d+A\r\x1b\[JLoaded image: docker.io/library/made:1\r\n$')
