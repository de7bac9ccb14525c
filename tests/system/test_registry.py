"""Pulling: from a real registry on loopback, from one that lies, and from every other transport."""
import contextlib
import gzip
import http.server
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import warnings

import machine
from harness import KPOD, need, pod
from image_builder import Builder, layer, sha
from registry_case import HOST, Liar, RegistryTest, Slow, skopeo

with warnings.catch_warnings():
    warnings.simplefilter('ignore')
    import crypt

class Pull(RegistryTest):
    def test_names_tags_and_digests(self):
        digest = self.push(Builder(layer(a=b'1'), layer(b=b'2'), Cmd=['/a']), 'library/nginx:latest')
        said = self.kpod('pull', 'nginx').stdout
        image = self.inspect('nginx')
        self.assertEqual(said, image['Id'] + '\n')
        self.assertEqual(self.names(), ['docker.io/library/nginx:latest'])
        self.assertEqual(image['Digest'], digest)
        for name in (f'{HOST}/library/nginx', f'docker://{HOST}/library/nginx:latest', f'nginx@{digest}',
                     f'docker.io/library/nginx:latest@{digest}'):
            self.assertEqual(self.kpod('pull', '-q', name).stdout, said, name)
        self.assertIn(f'docker.io/library/nginx@{digest}', self.names())
        self.assertRegex(self.kpod('images').stdout, r'(?m)^docker.io/library/nginx +<none> +' + image['Id'][:12])

    def test_what_is_not_there_is_one_sentence(self):
        self.push(Builder(layer(a=b'1')), 'there:1')
        for name, want in ((f'{HOST}/nobody:1', 'manifest unknown|name unknown'),
                           (f'{HOST}/there:2', 'manifest unknown'),
                           (f'{HOST}/there@sha256:' + '0' * 64, 'manifest unknown'),
                           ('127.0.0.1:1/x', 'connection refused'),
                           ('Not/Valid', 'lower case'),
                           ('oci:/no/such:1', 'no such file')):
            failed = self.kpod('pull', name, rc=125)
            self.assertRegex(failed.stderr, want)
            self.assertEqual(len(failed.stderr.strip().splitlines()), 1, failed.stderr)
            self.assertNotIn('level=', failed.stderr)
            self.nothing_half_done()

    def test_a_pulled_tag_moves(self):
        self.push(Builder(layer(a=b'old')), 'moves:1')
        self.kpod('pull', f'{HOST}/moves:1')
        old = self.inspect(f'{HOST}/moves:1')['Id']
        self.push(Builder(layer(a=b'new')), 'moves:1')
        self.kpod('pull', f'{HOST}/moves:1')
        self.assertNotEqual(self.inspect(f'{HOST}/moves:1')['Id'], old)
        self.assertEqual(self.inspect(old)['Names'], [])
        self.assertIn(old[:12], self.kpod('images').stdout)
        self.kpod('image', 'prune')
        self.assertEqual(len(json.loads(self.kpod('images', '--format', 'json').stdout)), 1)

    def test_the_platform_of_this_machine(self):
        mine = Builder(layer(f=b'mine'), name='multi:1')
        folder = mine.oci(self.dir / 'multi', more=[Builder(layer(f=b'other'), architecture='s390x')])
        skopeo('copy', '--all', '--dest-tls-verify=false', f'oci:{folder}:multi:1', f'docker://{HOST}/multi:1')
        self.assertEqual(self.kpod('pull', f'{HOST}/multi:1').stdout.strip(), mine.id)
        index = sha(self.raw('multi:1'))
        self.kpod('rmi', f'{HOST}/multi:1')
        self.assertEqual(self.kpod('pull', f'{HOST}/multi@sha256:{index}').stdout.strip(), mine.id)
        self.assertEqual(self.inspect(f'{HOST}/multi@sha256:{index}')['Id'], mine.id)

    def test_compressed_layers(self):
        need('zstd')
        for form in ('gzip', 'zstd'):
            image = Builder(layer(f=form.encode() * 1000))
            self.push(image, f'packed:{form}', '--dest-compress-format', form)
            self.assertEqual(self.kpod('pull', f'{HOST}/packed:{form}').stdout.strip(), image.id)

    def test_many_at_once(self):
        shared = layer(f=os.urandom(300000))
        images = [Builder(shared, layer(g=str(i).encode())) for i in range(3)]
        for i, image in enumerate(images):
            self.push(image, f'many:{i}')
        children = [subprocess.Popen([KPOD, 'pull', '-q', f'{HOST}/many:{i}'], env=self.env, text=True,
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE) for i in (0, 1, 2, 0, 1, 2)]
        for i, child in enumerate(children):
            out, err = child.communicate(timeout=60)
            self.assertEqual((child.returncode, out.strip(), err), (0, images[i % 3].id, ''))
        self.assertEqual(len(os.listdir(self.root / 'images/layers')), 4)

    def test_play_pulls_what_is_missing(self):
        busybox = pathlib.Path('/bin/busybox').read_bytes()
        self.push(Builder(layer(**{'bin/sh': busybox})), 'library/tool:1')
        text = pod('pulls', 'echo version one; sleep 1000', image='tool:1')
        self.assertEqual(self.play(text).stderr, '')
        self.wait_log('pulls', 'version one')
        self.push(Builder(layer(**{'bin/sh': busybox, 'second': b'2'})), 'library/tool:1')
        before = self.inspect('tool:1')['Id']
        self.play(text, '--replace')
        self.assertEqual(self.inspect('tool:1')['Id'], before)  # IfNotPresent
        always = pod('pulls', 'sleep 1000', image='tool:1', container_extra='imagePullPolicy: Always\n')
        self.play(always, '--replace')
        self.wait_running('pulls')
        self.assertNotEqual(self.inspect('tool:1')['Id'], before)
        self.play(pod('missing', 'sleep 1000', image='nobody-has-this:1'), name='missing.yaml', rc=None)
        self.assertRegex(self.kpod('ps', '--all').stdout, 'ErrImagePull|ImagePullBackOff')

    def test_every_transport(self):
        image = Builder(layer(f=b'x'), name='moved:1')
        oci, directory = image.oci(self.dir / 'transport'), self.dir / 'flat'
        skopeo('copy', f'oci:{oci}:moved:1', f'dir:{directory}')
        skopeo('copy', f'oci:{oci}:moved:1', f'oci-archive:{self.dir}/oci.tar:moved:1')
        sources = [f'oci:{oci}:moved:1', f'dir:{directory}', f'oci-archive:{self.dir}/oci.tar:moved:1']
        store = f'containers-storage:[vfs@{self.dir}/storage+{self.dir}/storage-run]'
        try:
            skopeo('copy', f'oci:{oci}:moved:1', f'{store}docker.io/library/moved:1')
            sources.append(f'{store}docker.io/library/moved:1')
        except subprocess.CalledProcessError as e:
            print('containers-storage is not tried:', e.stderr.strip().splitlines()[-1])
        for source in sources:
            self.assertEqual(self.kpod('pull', source).stdout.strip(), image.id, source)
            if not source.startswith('dir:'):
                self.assertEqual(self.names(), ['docker.io/library/moved:1'], source)
            self.kpod('rmi', '--all')
        failed = self.kpod('pull', 'docker-daemon:x:1', rc=125, env={'DOCKER_HOST': 'unix:///no/such.sock'})
        self.assertRegex(failed.stderr, r'^kpod: pull: pull docker-daemon:x:1: .*\n$')

    def test_progress_on_a_terminal(self):
        self.push(Builder(layer(f=os.urandom(3_000_000))), 'shown:1')
        self.assertEqual(self.kpod('pull', f'{HOST}/shown:1').stderr, '')
        self.kpod('rmi', '--all')
        said = self.on_a_terminal('pull', f'{HOST}/shown:1')
        self.assertIn('layer 1/1', said)
        self.assertRegex(said, r'[0-9a-f]{64}\r\n$')
        # The same when a pod wants it.
        busybox = pathlib.Path('/bin/busybox').read_bytes()
        self.push(Builder(layer(**{'bin/sh': busybox})), 'library/shown:2')
        path = self.write('shown.yaml', pod('shown', 'sleep 1000', image='shown:2'))
        self.played.append(path)
        said = self.on_a_terminal('play', 'kube', path)
        self.assertIn('layer 1/1', said)
        self.assertRegex(said, r'pod/shown created\r\n$')


class Credentials(RegistryTest):
    auth = 'auth: {{htpasswd: {{realm: test, path: {dir}/htpasswd}}}}\n'

    @classmethod
    def serve(cls):
        (cls.dir / 'htpasswd').write_text('me:' + crypt.crypt('secret', crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16)))
        super().serve()

    def test_who_may_pull(self):
        image = Builder(layer(f=b'x'))
        folder = image.oci(self.dir / 'private')
        skopeo('copy', '--dest-creds', 'me:secret', '--dest-tls-verify=false', f'oci:{folder}:made:1',
               f'docker://{HOST}/private:1')
        failed = self.kpod('pull', f'{HOST}/private:1', rc=125)
        self.assertRegex(failed.stderr, 'authentication required|unauthorized')
        good, bad = self.dir / 'auth.json', self.dir / 'bad.json'
        good.write_text(json.dumps({'auths': {HOST: {'auth': 'bWU6c2VjcmV0'}}}))
        bad.write_text(json.dumps({'auths': {HOST: {'auth': 'bWU6d3Jvbmc='}}}))
        self.kpod('pull', '--authfile', bad, f'{HOST}/private:1', rc=125)
        self.assertEqual(self.kpod('pull', '--authfile', good, f'{HOST}/private:1').stdout.strip(), image.id)
        self.kpod('rmi', '--all')
        # As skopeo login, podman login and docker login leave it.
        self.assertEqual(self.kpod('pull', f'{HOST}/private:1', env={'REGISTRY_AUTH_FILE': str(good)}).stdout.strip(),
                         image.id)

    def test_the_pods_own_secrets(self):
        busybox = pathlib.Path('/bin/busybox').read_bytes()
        folder = Builder(layer(**{'bin/sh': busybox, 'bin/sleep': busybox})).oci(self.dir / 'tool')
        for name in ('team/tool:1', 'team/data:1'):
            skopeo('copy', '--dest-creds', 'me:secret', '--dest-tls-verify=false', f'oci:{folder}:made:1', f'docker://{HOST}/{name}')

        def secret(name, auths, kind='dockerconfigjson'):
            text = json.dumps({'auths': auths} if kind == 'dockerconfigjson' else auths)
            return f'apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\ntype: kubernetes.io/{kind}\n' \
                   f'stringData: {{.{kind}: {json.dumps(text)}}}\n'
        wrong = secret('wrong', {f'{HOST}/team': {'auth': 'bWU6d3Jvbmc='}, 'elsewhere.example': {'auth': 'eDp5'}})
        right = secret('right', {HOST: {'username': 'me', 'password': 'secret', 'email': 'x'}}, 'dockercfg')
        runs = lambda *names: pod('private', 'sleep 1000', image=f'{HOST}/team/tool:1', extra='imagePullSecrets: [' +
                                  ', '.join(f'{{name: {n}}}' for n in names) + ']\n')
        # Nobody's, then one that is not accepted, then the right one beside it.
        self.play(runs('later'))
        self.assertRegex(self.kpod('ps', '--all').stdout, 'ErrImagePull|ImagePullBackOff')
        self.assertIn('Unable to retrieve some image pull secrets (later); attempting to pull the image may not succeed.',
                      self.kpod('events').stdout)
        self.play(wrong, name='wrong.yaml')
        self.play(runs('wrong'))
        self.assertRegex(self.kpod('ps', '--all').stdout, 'ErrImagePull|ImagePullBackOff')
        self.play([right, runs('wrong', 'right')])
        self.wait_running('private')
        self.down()
        self.kpod('rmi', '--all')
        # The secret that comes lets the pod that waits go on.
        self.play(runs('right'))
        self.assertRegex(self.kpod('ps', '--all').stdout, 'ErrImagePull|ImagePullBackOff')
        self.play(right, name='right.yaml')
        self.wait_running('private')
        # The login was in memory alone.
        for path in [*self.run_dir.rglob('*'), *(self.root / 'pods').rglob('*'), *(self.root / 'images/tmp').rglob('*')]:
            with contextlib.suppress(OSError):  # a namespace's pin is no file to read
                if path.is_file() and not path.is_symlink():
                    self.assertNotIn(b'bWU6c2VjcmV0', path.read_bytes(), path)


class Hostile(RegistryTest):
    @classmethod
    def serve(cls):
        pass

    @contextlib.contextmanager
    def registry(self, handler, image, **answers):
        handler.answers = {'/manifests/1': image.manifest(), **{sha(b): b for b in (image.config, *image.blobs)}}
        handler.answers.update(answers)
        server = http.server.ThreadingHTTPServer(('127.0.0.1', 5005), handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.02})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def test_bytes_that_are_not_what_their_digest_says(self):
        image = Builder(layer(f=b'good'), compress=gzip.compress)
        with self.registry(Liar, image):
            self.kpod('pull', f'{HOST}/x:1')
        self.kpod('rmi', '--all')
        other = gzip.compress(layer(f=b'evil'))
        twice = dict(json.loads(image.manifest()))
        v1 = {'schemaVersion': 1, 'name': 'x', 'tag': '1', 'fsLayers': [{'blobSum': 'sha256:' + sha(other)}],
              'history': [{'v1Compatibility': '{}'}], 'architecture': 'amd64'}
        cases = [('x:1', {sha(image.blobs[0]): other}, ''), ('x:1', {sha(image.config): b'{}'}, ''),
                 ('x@sha256:' + '1' * 64, {'/manifests/sha256:' + '1' * 64: image.manifest()}, 'digest'),
                 ('x:1', {'/manifests/1': json.dumps(v1).encode()}, 'schema 1|schema1|signature|v1'),
                 ('x:1', {'/manifests/1': json.dumps(dict(twice, layers=[])).encode()}, 'names 1 layer'),
                 ('x:1', {'/manifests/1': b'{"schemaVersion": 2, "a": ' + b'[' * 5000 + b']' * 5000 + b'}'}, '')]
        for name, answers, want in cases:
            with self.registry(Liar, image, **answers):
                failed = self.kpod('pull', f'{HOST}/{name}', rc=125)
            self.assertRegex(failed.stderr, want or 'pull')
            self.assertEqual(len(failed.stderr.strip().splitlines()), 1, failed.stderr)
            # A layer that came whole before the pull failed may be kept for the next one; no other.
            self.assertEqual((self.names(), set(os.listdir(self.root / 'images/layers')) - {sha(image.diffs[0])}), ([], set()))
            self.kpod('image', 'prune')
            self.assertEqual(os.listdir(self.root / 'images/layers'), [])
            self.nothing_half_done()

    def test_what_is_here_is_not_fetched_again(self):
        common, other = layer(common=os.urandom(100000)), layer(own=b'2')
        first = Builder(common, layer(own=b'1'), compress=gzip.compress)
        with self.registry(Liar, first):
            self.kpod('pull', f'{HOST}/x:1')
        second = Builder(common, other)
        second.blobs = [first.blobs[0], gzip.compress(other)]
        Liar.asked.clear()
        with self.registry(Liar, second):
            self.assertEqual(self.kpod('pull', f'{HOST}/x:1').stdout.strip(), second.id)
            self.assertEqual(self.kpod('pull', f'{HOST}/y:1').stdout.strip(), second.id)
        self.assertEqual([Liar.asked.count(sha(b)) for b in second.blobs], [0, 1])
        # A configuration that means another content by the same bytes does not get it.
        liar = Builder(layer(other=b'content'))
        liar.blobs = [first.blobs[0]]
        with self.registry(Liar, liar):
            self.assertRegex(self.kpod('pull', f'{HOST}/z:1', rc=125).stderr, 'digest')

    def test_an_interrupted_pull_goes_on(self):
        small, big = layer(small=b'1'), layer(big=os.urandom(3_000_000))
        image = Builder(small, big)
        layers = self.root / 'images/layers'
        with self.registry(Slow, image):
            child = subprocess.Popen([KPOD, 'pull', f'{HOST}/x:1'], env=self.env, stderr=subprocess.DEVNULL)
            self.wait(lambda: layers.exists() and os.listdir(layers) == [sha(small)], 'the small layer is kept')
            child.send_signal(signal.SIGTERM)
            child.wait()
            self.wait(lambda: not os.listdir(self.root / 'images/tmp'), 'nothing half-done is left')
        Liar.asked.clear()
        with self.registry(Liar, image):
            self.assertEqual(self.kpod('pull', f'{HOST}/x:1').stdout.strip(), image.id)
        self.assertEqual([Liar.asked.count(sha(b)) for b in image.blobs], [0, 1])

    def test_an_interrupted_pull_leaves_nothing(self):
        image = Builder(layer(f=os.urandom(3_000_000)))
        for how in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            Slow.reached.clear()
            with self.registry(Slow, image):
                child = subprocess.Popen([KPOD, 'pull', f'{HOST}/x:1'], env=self.env, stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL, start_new_session=True)
                self.assertTrue(Slow.reached.wait(60))
                # ^C is for everybody in the terminal's group; a kill is for kpod alone.
                os.killpg(child.pid, how) if how == signal.SIGINT else child.send_signal(how)
                child.wait()
                self.wait(lambda: not [l for l in machine.processes().values() if re.search('kpod-helper|skopeo', l)],
                          f'helper and skopeo end after {how.name}')
            self.nothing_half_done()
        with self.registry(Liar, image):
            self.assertEqual(self.kpod('pull', f'{HOST}/x:1').stdout.strip(), image.id)
