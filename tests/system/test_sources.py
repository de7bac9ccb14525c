"""Where manifests come from, and what becomes of each object in them."""
import http.server
import json
import os
import socket
import socketserver
import subprocess
import threading

from harness import KPOD, KpodTest

CONFIG = '''\
apiVersion: v1
kind: ConfigMap
metadata: {name: %s}
data: {key: value}
'''


class Web(http.server.BaseHTTPRequestHandler):
    """What a test has put at a path: bytes, or a function of the request."""
    pages = {}

    def do_GET(self):
        page = self.pages.get(self.path)
        if page is None:
            self.send_error(404)
        elif callable(page):
            page(self)
        else:
            self.send_response(200)
            self.send_header('Content-Length', str(len(page)))
            self.end_headers()
            self.wfile.write(page)

    def log_message(self, *args):
        pass


class PlayTest(KpodTest):
    def names(self):
        """All stored objects, as KIND/NAME of the namespace "default" and of the cluster."""
        found = []
        for path in (self.root / 'objects').glob('*/*/*.json'):
            scope = '' if path.parts[-3] in ('default', '_cluster') else path.parts[-3] + '/'
            found.append(f'{scope}{path.parts[-2]}/{path.stem}')
        return sorted(found)

    def config_maps(self, *names):
        return [f'ConfigMap/{n}' for n in sorted(names)]

    def here(self, *argv, **more):
        return self.kpod(*argv, cwd=self.dir, **more)


class Sources(PlayTest):
    images = []

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = socketserver.ThreadingTCPServer(('127.0.0.1', 0), Web)
        cls.server.daemon_threads = True
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()
        cls.addClassCleanup(cls.server.server_close)
        cls.addClassCleanup(cls.server.shutdown)
        cls.url = f'http://127.0.0.1:{cls.server.server_address[1]}'
        cls.env = {k: v for k, v in cls.env.items() if 'proxy' not in k.lower()}

    def round(self, source, *names, **more):
        """Plays a source, plays it again, takes it down: each time exactly these objects."""
        self.assertIn('created', self.here('play', 'kube', *source, **more).stdout)
        self.assertEqual(self.names(), self.config_maps(*names))
        again = self.here('play', 'kube', *source, **more).stdout.splitlines()
        self.assertEqual(sorted(again), sorted(f'configmap/{n} unchanged' for n in names))
        self.here('kube', 'down', *source, **more)
        self.assertEqual(self.names(), [])

    def test_files_and_standard_input(self):
        self.write('a.yaml', [CONFIG % 'a', CONFIG % 'b'])
        self.write('c.json', json.dumps({'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'c'}}))
        self.write('no-suffix', CONFIG % 'd')
        self.round(['a.yaml'], 'a', 'b')
        self.round(['-f', 'a.yaml', '-f', 'no-suffix', 'c.json'], 'a', 'b', 'c', 'd')
        self.round(['a.yaml', self.dir / 'c.json', './no-suffix'], 'a', 'b', 'c', 'd')
        self.round(['-'], 'x', input=CONFIG % 'x')
        self.round(['-', 'c.json'], 'c', 'x', input=CONFIG % 'x')
        os.symlink('a.yaml', self.dir / 'link')
        self.round(['link'], 'a', 'b')
        read = subprocess.run(['bash', '-c', f'{KPOD} play kube <(cat a.yaml) && {KPOD} kube down <(cat a.yaml)'], cwd=self.dir, env=self.env,
                              capture_output=True, text=True, timeout=60)
        self.assertEqual((read.returncode, self.names()), (0, []), read.stderr)

    def test_lists_and_streams_of_documents(self):
        one = {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'one'}}
        two = dict(one, metadata={'name': 'two'})
        lines = json.dumps(one) + '\n' + json.dumps(two) + '\n'
        nested = {'apiVersion': 'v1', 'kind': 'List', 'items': [one, {'apiVersion': 'v1', 'kind': 'List', 'items': [two]}]}
        typed = {'apiVersion': 'v1', 'kind': 'ConfigMapList', 'items': [{'metadata': {'name': 'one'}}, {'metadata': {'name': 'two'}}]}
        for text in (lines, json.dumps(nested), json.dumps(nested, indent=1), json.dumps(typed),
                     '# nothing\n---\n' + CONFIG % 'one' + '...\n---\n---\n' + CONFIG % 'two' + '---\n',
                     (CONFIG % 'one' + '---\n' + CONFIG % 'two').replace('\n', '\r\n')):
            with self.subTest(text[:40]):
                self.round(['-'], 'one', 'two', input=text)

    def test_a_directory_recursively(self):
        for path, name in (('app/1.yaml', 'a'), ('app/deep/er/2.yml', 'b'), ('app/3.json', 'c')):
            text = CONFIG % name
            self.write(path, text if not path.endswith('json') else json.dumps({'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': name}}))
        self.write('app/README.md', 'not a manifest: {{{')
        self.write('app/4.yaml.bak', 'nor this: {{{')
        (self.dir / 'app/empty.yaml').mkdir()
        os.symlink('..', self.dir / 'app/deep/round')  # no way round in a circle
        os.symlink('.', self.dir / 'app/deep/and-round')
        os.mkfifo(self.dir / 'app/pipe.yaml')
        self.round(['app'], 'a', 'b', 'c')
        self.round(['./app/'], 'a', 'b', 'c')
        self.write('bare/readme.txt', 'nothing')
        self.assertIn('no *.yaml, *.yml or *.json below it', self.here('play', 'kube', 'bare', rc=125).stderr)

    def test_what_was_played_goes_by_its_source_even_when_the_file_is_gone(self):
        self.write('gone/x.yaml', CONFIG % 'x')
        self.write('gone/z.yaml', CONFIG % 'z')
        self.here('play', 'kube', 'gone')
        generated = self.here('generate', 'kube', 'gone').stdout
        self.assertEqual(generated.count('kind: ConfigMap'), 2)
        (self.dir / 'gone/x.yaml').unlink()
        self.here('kube', 'down', 'gone/x.yaml')
        self.assertEqual(self.names(), self.config_maps('z'))
        (self.dir / 'gone/z.yaml').unlink()
        (self.dir / 'gone').rmdir()
        self.here('kube', 'down', 'gone')
        self.assertEqual(self.names(), [])

    def test_url(self):
        Web.pages['/app.yaml'] = (CONFIG % 'web').encode()
        Web.pages['/moved'] = lambda r: (r.send_response(302), r.send_header('Location', '/app.yaml'), r.end_headers())
        self.round([f'{self.url}/app.yaml'], 'web')
        self.round([f'{self.url}/moved'], 'web')
        self.assertIn(f'{self.url}/app.yaml:1:1: ', self.bad_page('apiVersion: v1\n'))

    def bad_page(self, text):
        Web.pages['/app.yaml'] = text.encode()
        return self.kpod('play', 'kube', f'{self.url}/app.yaml', rc=125).stderr

    def test_url_that_does_not_do(self):
        circle = lambda r: (r.send_response(302), r.send_header('Location', '/circle'), r.end_headers())
        Web.pages['/circle'] = circle
        Web.pages['/file'] = lambda r: (r.send_response(302), r.send_header('Location', 'file:///etc/passwd'), r.end_headers())
        Web.pages['/broken'] = lambda r: (r.send_response(500), r.send_header('Content-Length', '5'), r.end_headers(), r.wfile.write(b'sorry'))
        Web.pages['/short'] = lambda r: (r.send_response(200), r.send_header('Content-Length', '5000'), r.end_headers(), r.wfile.write(b'apiVersion: v1\n'))

        def endless(r):
            r.send_response(200)
            r.end_headers()
            try:
                while True:
                    r.wfile.write(b'# more\n' * 10000)
            except OSError:
                pass
        Web.pages['/endless'] = endless
        for path, words in (('/nowhere', 'HTTP status 404'), ('/broken', 'HTTP status 500'), ('/circle', 'redirects'), ('/file', 'rotocol'),
                            ('/short', 'closed|transfer|remaining'), ('/endless', 'larger than 16')):
            with self.subTest(path):
                said = self.kpod('play', 'kube', self.url + path, rc=125).stderr
                self.assertRegex(said, words)
                self.assertIn(self.url + path, said)
        with socket.socket() as closed:
            closed.bind(('127.0.0.1', 0))
            port = closed.getsockname()[1]
        self.assertIn('onnect', self.kpod('play', 'kube', f'http://127.0.0.1:{port}/', rc=125).stderr)
        self.assertEqual(self.names(), [])

    def test_sources_that_are_none(self):
        self.write('empty.yaml', '')
        self.write('comments.yaml', '# nothing yet\n---\n')
        self.write('list.yaml', 'apiVersion: v1\nkind: List\nitems: []\n')
        with open(self.dir / 'huge.yaml', 'w') as huge:
            huge.truncate((16 << 20) + 1)
        for source, words in (('empty.yaml', 'there is no object'), ('comments.yaml', 'there is no object'), ('list.yaml', 'there is no object'),
                              ('no-such.yaml', 'no-such.yaml: No such file or directory'), ('huge.yaml', 'huge.yaml: larger than 16'),
                              ('ftp://x/y', 'ftp://x/y')):
            with self.subTest(source):
                self.assertIn(words, self.here('play', 'kube', source, rc=125).stderr)
        self.assertIn('which manifest', self.here('play', 'kube', rc=125).stderr)
        self.assertIn('there is no object', self.here('play', 'kube', '-', rc=125, input='').stderr)

    def test_one_bad_file_of_several_changes_nothing(self):
        self.write('good.yaml', CONFIG % 'good')
        self.write('bad.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bad}\ndata: [a]\n')
        said = self.here('play', 'kube', 'good.yaml', 'bad.yaml', rc=125).stderr
        self.assertIn('bad.yaml:4:7: error: ConfigMap/bad: data: cannot unmarshal array', said)
        self.assertIn('nothing was changed: 1 error', said)
        self.assertEqual(self.names(), [])

    def test_the_same_object_twice(self):
        self.write('twice.yaml', [CONFIG % 'a', (CONFIG % 'a').replace('value', 'other')])
        said = self.here('play', 'kube', 'twice.yaml')
        self.assertIn('twice.yaml:6:1: warning: ConfigMap/a: the same object stands in twice.yaml:1; this one is taken', said.stderr)
        self.assertEqual(said.stdout, 'configmap/a created\n')
        self.assertIn('other', self.here('generate', 'kube', 'cm/a').stdout)
        self.assertIn('unchanged', self.here('play', 'kube', 'twice.yaml').stdout)
        self.here('play', 'kube', '--validate=strict', 'twice.yaml', rc=125)
        self.here('kube', 'down', 'twice.yaml')


class Kept(PlayTest):
    """What is valid and not carried out (yet) is kept, shown by generate, and removed by down."""
    images = []
    TEXT = '''\
        apiVersion: v1
        kind: Service
        metadata: {name: web}
        spec: {selector: {app: web}, ports: [{port: 80}]}
        ---
        apiVersion: batch/v1
        kind: Job
        metadata: {name: once}
        spec: {template: {spec: {serviceAccountName: robot, restartPolicy: Never, containers: [{name: c, image: busybox}]}}}
        ---
        apiVersion: v1
        kind: ServiceAccount
        metadata: {name: robot}
        ---
        apiVersion: storage.k8s.io/v1
        kind: StorageClass
        metadata: {name: fast}
        provisioner: example.com/fast
        ---
        apiVersion: monitoring.coreos.com/v1
        kind: ServiceMonitor
        metadata: {name: watch}
        spec: {endpoints: [{port: web}]}
        '''

    def test_they_come_back_and_go_away(self):
        done = self.play(self.TEXT)
        self.assertEqual(done.stdout, 'service/web created\njob.batch/once created\nserviceaccount/robot created\n'
                         'storageclass.storage.k8s.io/fast created\n')
        for words in ('app.yaml:6:1: warning: Job/once: Job is not carried out yet',
                      'note: ServiceAccount/robot: ServiceAccount has no meaning', 'app.yaml:20:1: warning: ServiceMonitor/watch: custom resource'):
            self.assertIn(words, done.stderr)
        self.assertEqual(self.names(), ['Job/once', 'Service/web', 'ServiceAccount/robot', 'StorageClass/fast'])
        self.assertNotIn('created', self.play(self.TEXT).stdout)
        job = self.kpod('generate', 'kube', 'job/once').stdout
        self.assertIn('kind: ServiceAccount', job)  # what the job refers to comes along
        self.assertIn('kind: Job', job)
        whole = self.kpod('generate', 'kube', 'svc/web', 'job.batch/once', 'sa/robot', 'storageclasses/fast').stdout
        self.assertEqual(whole.count('apiVersion:'), 4)
        self.kpod('kube', 'down', self.dir / 'app.yaml')
        self.assertEqual(self.names(), [])
        path = self.write('whole.yaml', whole)
        self.played.append(path)
        self.assertEqual(self.kpod('play', 'kube', path).stdout.count('created'), 4)
        self.assertEqual(self.kpod('generate', 'kube', path).stdout.count('apiVersion:'), 4)

    def test_validate(self):
        path = self.write('app.yaml', self.TEXT)
        self.played.append(path)
        strict = self.kpod('play', 'kube', '--validate=strict', path, rc=125).stderr
        self.assertIn('error: Job/once', strict)
        self.assertIn('note: ServiceAccount/robot', strict)  # what has no meaning is no error
        self.assertEqual(self.names(), [])
        self.assertEqual(self.kpod('play', 'kube', '--validate=ignore', path).stderr, '')
        only_notes = self.write('notes.yaml', 'apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: robot}\n')
        self.kpod('play', 'kube', '--validate=strict', only_notes)
        unknown = self.write('unknown.yaml', CONFIG % 'u' + 'daata: {a: b}\n')
        self.assertIn('unknown.yaml:5:1: error: ConfigMap/u: daata: unknown field; did you mean "data"?',
                      self.kpod('play', 'kube', unknown, rc=125).stderr)
        self.kpod('play', 'kube', '--validate=ignore', unknown)
        self.assertNotIn('daata', self.kpod('generate', 'kube', 'cm/u').stdout)
        self.kpod('kube', 'down', unknown)
        self.assertIn('wanted strict, warn or ignore', self.kpod('play', 'kube', '--validate=lax', path, rc=125).stderr)

    def test_quiet_says_nothing_but_errors(self):
        path = self.write('app.yaml', self.TEXT)
        self.played.append(path)
        done = self.kpod('play', 'kube', '--quiet', path)
        self.assertEqual((done.stdout, done.stderr), ('', ''))
        self.assertIn('error: ', self.kpod('play', 'kube', '-q', self.write('bad.yaml', 'kind: Pod\n'), rc=125).stderr)

    def test_a_namespace_takes_what_is_in_it_along(self):
        self.play('apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n', name='ns.yaml')
        text = CONFIG % 'inside'
        self.play(text.replace('{name: inside}', '{name: inside, namespace: shop}'), name='inside.yaml')
        self.play(CONFIG % 'outside', name='outside.yaml')
        claim = 'apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data, namespace: shop}\n' \
                'spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n'
        self.play(claim, name='claim.yaml')
        self.kpod('kube', 'down', 'namespace/shop')
        self.assertEqual(self.names(), ['ConfigMap/outside', 'shop/PersistentVolumeClaim/data'])

    def test_namespace_option(self):
        text = self.write('n.yaml', [CONFIG % 'a', 'apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n'])
        self.played.append(text)
        self.kpod('play', 'kube', '-n', 'shop', text)
        self.assertEqual(self.names(), ['Namespace/shop', 'shop/ConfigMap/a'])
        generated = self.kpod('generate', 'kube', '-n', 'shop', 'cm/a').stdout
        self.assertIn('namespace: shop', generated)  # plays again without the option
        self.assertIn('kind: Namespace', generated)
        self.assertEqual(self.kpod('play', 'kube', '-', input=generated).stdout, 'namespace/shop unchanged\nconfigmap/a unchanged\n')
        other = self.write('other.yaml', (CONFIG % 'b').replace('{name: b}', '{name: b, namespace: other}'))
        self.assertIn('other.yaml:1:1: error: ConfigMap/b: metadata.namespace: the namespace from the provided object "other" does not match',
                      self.kpod('play', 'kube', '-n', 'shop', other, rc=125, cwd=self.dir).stderr)
        self.kpod('kube', 'down', '-n', 'shop', text)
