"""port-forward: what a person and a client of the forwarded port see."""
import hashlib
import re
import signal
import socket
import subprocess
import threading

from harness import KPOD, KpodTest, deployment, pod

# An echo on every address; a web server that listens on the pod's loopback only.
SERVERS = ('mkdir /www; echo hello from $HOSTNAME > /www/index.html; httpd -p 127.0.0.1:80 -h /www; '
           'exec nc -ll -p 7 -e cat')


class Forwarding:
    """A kpod port-forward that is ready."""

    def __init__(self, test, *argv, lines=1):
        self.child = subprocess.Popen([KPOD, 'port-forward', *argv], env=test.env, stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, text=True)
        test.addCleanup(self.close)
        self.said = [self.child.stdout.readline() for _ in range(lines)]
        self.ports = [int(re.search(r':(\d+) -> ', line)[1]) for line in self.said if ' -> ' in line]

    def connect(self, port=None):
        return socket.create_connection(('127.0.0.1', port or self.ports[0]), timeout=20)

    def end(self, signum=None):
        if signum:
            self.child.send_signal(signum)
        out, err = self.child.communicate(timeout=20)
        return self.child.returncode, out, err

    def close(self):
        if self.child.poll() is None:
            self.child.kill()
        self.child.communicate()


def everything(connection):
    data = b''
    while piece := connection.recv(1 << 20):
        data += piece
    return data


def connections(forwarding):
    out = subprocess.run(['ss', '-tnpH'], capture_output=True, text=True).stdout
    return [line for line in out.splitlines() if f'pid={forwarding.child.pid},' in line]


class PortForward(KpodTest):
    images = ['busybox']

    def setUp(self):
        super().setUp()
        self.play(pod('web', SERVERS, container_extra='ports: [{name: http, containerPort: 80}]\n'))
        self.wait_running('web')
        self.wait(lambda: ':7 ' in self.exec('web', 'netstat', '-ltn') and ':80 ' in self.exec('web', 'netstat', '-ltn'), 'both listen')

    def get(self, port):
        with socket.create_connection(('127.0.0.1', port), timeout=20) as c:
            c.sendall(b'GET / HTTP/1.0\r\n\r\n')
            return everything(c).decode()

    def test_bytes_both_ways_and_half_closes(self):
        f = Forwarding(self, 'web', ':7', lines=2)
        self.assertEqual(f.said[0], f'Forwarding from 127.0.0.1:{f.ports[0]} -> 7\n')
        self.assertEqual(f.said[1], f'Forwarding from [::1]:{f.ports[0]} -> 7\n')
        with f.connect() as c:
            c.sendall(b'one')
            self.assertEqual(c.recv(100), b'one')
            c.sendall(b'two')
            c.shutdown(socket.SHUT_WR)  # the other half goes on
            self.assertEqual(everything(c), b'two')
        with socket.create_connection(('::1', f.ports[0]), timeout=20) as c:
            c.sendall(b'six')
            self.assertEqual(c.recv(100), b'six')
        code, out, err = f.end(signal.SIGINT)
        self.assertEqual((code, out, err), (0, f'Handling connection for {f.ports[0]}\n' * 2, ''))

    def test_ports_and_their_names(self):
        free = socket.create_server(('127.0.0.1', 0))
        local = free.getsockname()[1]
        free.close()
        f = Forwarding(self, 'pod/web', f'{local}:80', '0:http', ':7', lines=6)
        self.assertEqual(f.ports[::2][0], local)
        for port in f.ports[:4:2]:  # whose program nobody else reaches
            self.assertIn('hello from web', self.get(port))
        with f.connect(f.ports[4]) as c:
            c.sendall(b'echo')
            self.assertEqual(c.recv(100), b'echo')

    def test_the_same_port_and_addresses(self):
        f = Forwarding(self, 'web', '80', '--address', '127.0.0.9,127.0.0.10', lines=2)
        self.assertEqual(f.said, ['Forwarding from 127.0.0.9:80 -> 80\n', 'Forwarding from 127.0.0.10:80 -> 80\n'])
        for address in ('127.0.0.9', '127.0.0.10'):
            with socket.create_connection((address, 80), timeout=20) as c:
                c.sendall(b'GET / HTTP/1.0\r\n\r\n')
                self.assertIn(b'hello from web', everything(c))
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(('127.0.0.1', 80))
        taken = self.kpod('port-forward', 'web', '80', '--address', '127.0.0.9', rc=1)
        self.assertIn('127.0.0.9:80: Address already in use', taken.stderr)

    def test_nobody_listens(self):
        f = Forwarding(self, 'web', ':9', lines=2)
        for _ in range(2):  # it goes on
            with self.assertRaises(ConnectionResetError):  # perhaps before connect() has said that it is there
                with f.connect() as c:
                    c.recv(1)
        code, _, err = f.end(signal.SIGTERM)
        self.assertEqual(code, 0)
        self.assertEqual(err, f'an error occurred forwarding {f.ports[0]} -> 9: connect to 127.0.0.1:9: Connection refused\n' * 2)

    def test_a_peer_that_resets(self):
        f = Forwarding(self, 'web', ':7', lines=2)
        c = f.connect()
        c.sendall(b'x')
        c.recv(1)
        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
        c.close()
        self.wait(lambda: not connections(f), 'the other side is closed, too')
        # The program itself ends: the client sees an end.
        with f.connect() as c:
            c.sendall(b'x')
            self.assertEqual(c.recv(1), b'x')
            self.exec('web', 'killall', 'cat')
            self.assertEqual(c.recv(1), b'')

    def test_it_ends_with_the_pod(self):
        f = Forwarding(self, 'web', ':7', lines=2)
        c = f.connect()
        self.addCleanup(c.close)
        c.sendall(b'x')
        c.recv(1)
        self.kpod('stop', 'web', '--time', '0')
        code, _, err = f.end()
        self.assertEqual((code, err), (1, 'kpod: port-forward: lost connection to pod\n'))
        done = self.kpod('port-forward', 'web', ':7', rc=1)
        self.assertIn('unable to forward port because pod is not running. Current status=Stopped', done.stderr)

    def test_what_is_wrong(self):
        for argv, words in (((), 'which pod?'), (('web',), 'at least 1 PORT is required'),
                            (('web', 'x'), 'does not have a named port "x"'), (('web', 'x:80'), 'error parsing local port "x"'),
                            (('web', '80:70000'), 'error parsing remote port "70000"'), (('web', '0'), 'error parsing remote port "0"'),
                            (('web', '80', '--address', 'nowhere'), '"nowhere" is not a valid IP'), (('wbe', '80'), 'did you mean "web"?')):
            self.assertIn(words, self.kpod('port-forward', *argv, rc=125).stderr)

    def test_a_deployment(self):
        self.play(deployment('shop', '- {name: till, image: busybox, command: [sh, -c, "exec nc -ll -p 7 -e cat"]}\n'), name='shop.yaml')
        name = next(n for n in self.pods() if n.startswith('shop'))
        self.wait(lambda: ':7 ' in self.exec(name, 'netstat', '-ltn'), 'it listens')
        f = Forwarding(self, 'deployment/shop', ':7', lines=2)
        with f.connect() as c:
            c.sendall(b'x')
            self.assertEqual(c.recv(1), b'x')


class HostNetwork(KpodTest):
    images = ['busybox']

    def test_a_pod_in_the_hosts_network(self):
        self.play(pod('host', 'exec nc -ll -p 7007 -e cat', 'hostNetwork: true\n'))
        self.wait_running('host')
        self.wait(lambda: ':7007 ' in self.exec('host', 'netstat', '-ltn'), 'it listens')
        f = Forwarding(self, 'host', ':7007', lines=2)
        with f.connect() as c:
            c.sendall(b'x')
            self.assertEqual(c.recv(1), b'x')


class Nginx(KpodTest):
    images = ['nginx']

    def test_many_at_once_and_much(self):
        self.play(pod('web', 'head -c 3000000 /dev/urandom > /usr/share/nginx/html/big; exec nginx -g "daemon off;"', image='nginx'))
        self.wait_running('web')
        f = Forwarding(self, 'web', ':80', lines=2)
        self.wait(lambda: self.exec('web', 'cat', '/proc/net/tcp').count(':0050 00000000:0000 0A'), 'it listens')
        digest = self.exec('web', 'sha256sum', '/usr/share/nginx/html/big').split()[0]
        got = []

        def fetch():
            with f.connect() as c:
                c.sendall(b'GET /big HTTP/1.0\r\n\r\n')
                got.append(hashlib.sha256(everything(c).split(b'\r\n\r\n', 1)[1]).hexdigest())

        threads = [threading.Thread(target=fetch) for _ in range(50)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        self.assertEqual(got, [digest] * 50)
        self.wait(lambda: not connections(f), 'all connections are closed')
