"""A registry on loopback for each class of tests, and others that lie."""
import contextlib
import http.server
import json
import os
import pathlib
import re
import socket
import subprocess
import threading
import time

from harness import KpodTest, need
from image_builder import sha

HOST = '127.0.0.1:5005'


def skopeo(*argv):
    subprocess.run(['skopeo', '--insecure-policy', *map(str, argv)], check=True, capture_output=True, text=True)


class RegistryTest(KpodTest):
    images = []
    auth = ''

    @classmethod
    def setUpClass(cls):
        need('skopeo', 'docker-registry')
        super().setUpClass()
        # As an administrator would write it: a registry without TLS, and a mirror of Docker Hub.
        conf = cls.dir / '.config/containers/registries.conf'
        conf.parent.mkdir(parents=True)
        conf.write_text(f'''unqualified-search-registries = ["example.invalid"]
[[registry]]
location = "{HOST}"
insecure = true
[[registry]]
prefix = "docker.io"
location = "{HOST}"
insecure = true
''')
        cls.env['HOME'] = str(cls.dir)
        cls.serve()

    @classmethod
    def serve(cls):
        config = f'''version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {cls.dir}/registry}}, delete: {{enabled: true}}}}
http: {{addr: "{HOST}"}}
'''
        (cls.dir / 'registry.yml').write_text(config + cls.auth.format(dir=cls.dir))
        log = open(cls.dir / 'registry.log', 'w')
        child = subprocess.Popen(['docker-registry', 'serve', cls.dir / 'registry.yml'], stdout=log, stderr=log)
        log.close()
        cls.addClassCleanup(child.wait)
        cls.addClassCleanup(child.kill)
        host, port = HOST.split(':')
        for _ in range(3000):
            with contextlib.suppress(OSError):
                socket.create_connection((host, int(port))).close()
                return
            time.sleep(0.02)
        raise RuntimeError((cls.dir / 'registry.log').read_text())

    def push(self, image, name, *options):
        folder = image.oci(pathlib.Path(self.dir / name.replace('/', '_').replace(':', '_')))
        skopeo('copy', *options, '--dest-tls-verify=false', f'oci:{folder}:{image.name}', f'docker://{HOST}/{name}')
        return 'sha256:' + sha(self.raw(name))

    def raw(self, name):
        """The manifest as the registry has it: skopeo compressed the layers on the way."""
        return subprocess.run(['skopeo', 'inspect', '--tls-verify=false', '--raw', f'docker://{HOST}/{name}'],
                              check=True, capture_output=True).stdout

    def names(self):
        return sorted(n for i in json.loads(self.kpod('images', '--format', 'json').stdout) for n in i['Names'])

    def inspect(self, name):
        return json.loads(self.kpod('image', 'inspect', name).stdout)[0]

    def nothing_half_done(self):
        self.assertEqual(os.listdir(self.root / 'images/tmp'), [])

    def tearDown(self):
        self.kpod('rmi', '--all', '--force')
        self.kpod('image', 'prune')
        self.assertEqual(os.listdir(self.root / 'images/layers'), [])
        self.nothing_half_done()


class Liar(http.server.BaseHTTPRequestHandler):
    """A registry whose answers the test decides: `answers` maps a path's end to bytes or a function."""
    protocol_version = 'HTTP/1.1'
    answers = {}
    asked = []

    def do_GET(self):
        if self.command == 'GET':
            self.asked.append(self.path.split('/')[-1].removeprefix('sha256:'))
        for end, body in self.answers.items():
            if self.path.endswith(end):
                kind = 'application/octet-stream'
                if '/manifests/' in self.path:
                    time.sleep(0.1)  # a registry is not next door: what is here is marked before blobs are asked for
                    kind = 'application/vnd.docker.distribution.manifest.v1+json'
                    if found := re.search(rb'"mediaType": "([^"]*manifest[^"]*)"', body):
                        kind = found.group(1).decode()
                self.send_response(200)
                self.send_header('Content-Type', kind)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                if self.command == 'GET':
                    self.send_body(body)
                return
        self.send_response(200 if self.path == '/v2/' else 404)
        self.send_header('Content-Length', '0')
        self.end_headers()

    do_HEAD = do_GET

    def send_body(self, body):
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Slow(Liar):
    reached = threading.Event()

    def send_body(self, body):
        if len(body) < 1_000_000:
            self.wfile.write(body)
            return
        with contextlib.suppress(OSError):
            self.wfile.write(body[:1_000_000])
            self.wfile.flush()
            self.reached.set()
            while True:  # until the other end goes away
                self.wfile.write(b'x' * 10)
                time.sleep(0.1)
