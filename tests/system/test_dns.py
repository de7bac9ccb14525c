"""The pod's DNS for real: names of pods, what is forwarded, and what happens when nobody answers."""
import contextlib
import os
import pathlib
import socket
import struct
import subprocess
import sys
import threading

from harness import KpodTest, pod

A, AAAA, PTR, TXT = 1, 28, 12, 16

# Runs in the pod's network namespace: sends the packet (hex) and prints the answer (hex).
CLIENT = '''
import socket, sys
how, packet = sys.argv[1], bytes.fromhex(sys.argv[2])
try:
    if how == "udp":
        s = socket.socket(2, 2); s.settimeout(8)
        s.sendto(packet, ("169.254.1.1", 53)); print(s.recv(65535).hex())
    else:
        s = socket.create_connection(("169.254.1.1", 53), timeout=8)
        s.sendall(len(packet).to_bytes(2, "big") + packet)
        f = s.makefile("rb"); print(f.read(int.from_bytes(f.read(2), "big")).hex())
except OSError as e:
    print("")
'''


def question(name, kind=A, edns=0):
    labels = b''.join(bytes([len(l)]) + l.encode() for l in name.split('.') if l) + b'\0'
    out = struct.pack('>6H', 0xabcd, 0x0100, 1, 0, 0, 1 if edns else 0) + labels + struct.pack('>2H', kind, 1)
    return out + (b'\0' + struct.pack('>HHIH', 41, edns, 0, 0) if edns else b'')


class Reply:
    def __init__(self, raw):
        self.raw = raw
        self.silent = not raw
        if raw:
            self.id, flags, _, self.answers, self.authority, _ = struct.unpack('>6H', raw[:12])
            self.rcode, self.truncated = flags & 15, bool(flags & 0x200)


class Upstream:
    """A name server on 127.0.0.53: answers every A with 192.0.2.7, `big.` with 100 of them."""

    def __init__(self):
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(('127.0.0.53', 53))
        self.tcp = socket.create_server(('127.0.0.53', 53))
        self.asked = []
        self.threads = [threading.Thread(target=t, daemon=True) for t in (self.serve_udp, self.serve_tcp)]
        for thread in self.threads:
            thread.start()

    def answer(self, query, limit):
        end = query.index(b'\0', 12) + 5
        self.asked.append(query[12:end - 4])
        count = 100 if query[13:16] == b'big' else 1
        record = b'\xc0\x0c' + struct.pack('>HHIH', A, 1, 60, 4) + bytes([192, 0, 2, 7])
        head = query[:2] + struct.pack('>5H', 0x8180, 1, count, 0, 0)
        whole = head + query[12:end] + record * count
        if len(whole) > limit:
            return query[:2] + struct.pack('>5H', 0x8380, 1, 0, 0, 0) + query[12:end]
        return whole

    def serve_udp(self):
        while True:
            try:
                query, who = self.udp.recvfrom(4096)
            except OSError:
                return
            if not query:  # shut down
                return
            self.udp.sendto(self.answer(query, 512), who)

    def serve_tcp(self):
        while True:
            try:
                client, _ = self.tcp.accept()
            except OSError:
                return
            with client, client.makefile('rb') as file:
                query = file.read(int.from_bytes(file.read(2), 'big'))
                answer = self.answer(query, 65535)
                client.sendall(len(answer).to_bytes(2, 'big') + answer)

    def close(self):
        # A socket that a thread waits on stays bound until the thread is woken.
        for s in (self.udp, self.tcp):
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(10)
        self.udp.close()
        self.tcp.close()


class Dns(KpodTest):
    def setUp(self):
        super().setUp()
        subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
        self.resolv('nameserver 127.0.0.53\n')

    def resolv(self, text):
        """This suite's own /etc/resolv.conf: it has a mount namespace of its own."""
        target = os.path.realpath('/etc/resolv.conf')
        path = self.write('resolv.conf', text)
        subprocess.run(['mount', '--bind', path, target], check=True)
        self.addCleanup(subprocess.run, ['umount', target], check=True)

    def upstream(self):
        server = Upstream()
        self.addCleanup(server.close)
        return server

    def send(self, name, packet, how='udp'):
        done = subprocess.run(['nsenter', '-t', str(self.pid(name, 'main')), '-n', sys.executable, '-c', CLIENT, how,
                               packet.hex()], capture_output=True, text=True, check=True, timeout=20)
        return Reply(bytes.fromhex(done.stdout.strip()))

    def test_names_of_pods(self):
        up = self.upstream()
        self.play(pod('a', 'sleep 1000') + '---\n' + pod('b', 'sleep 1000', 'hostname: h\nsubdomain: s\n') +
                  '---\n' + pod('c', 'sleep 1000', namespace='other'))
        ip = self.status('b')['podIP']
        dashed = ip.replace('.', '-')
        for name in ('b', 'b.default', 'b.default.svc.cluster.local', 'h.s', f'{dashed}.default.pod', 'B.DEFAULT.svc'):
            self.assertIn(ip, self.exec('a', 'nslookup', '-type=a', name, rc=None) +
                          self.exec('a', 'ping', '-c', '1', '-W', '3', name), name)
        self.exec('a', 'ping', '-c', '1', '-W', '3', 'c.other')
        self.kpod('exec', 'a', 'ping', '-c', '1', '-W', '1', 'c.nosuch', rc=1)
        reverse = '.'.join(reversed(ip.split('.'))) + '.in-addr.arpa'
        self.assertEqual(self.send('a', question(reverse, PTR)).answers, 1)
        self.assertEqual(self.exec('a', 'cat', '/etc/resolv.conf'),
                         'search default.svc.cluster.local svc.cluster.local cluster.local\n'
                         'nameserver 169.254.1.1\noptions ndots:5\n')
        # Nothing of the cluster's was told to anybody.
        self.assertFalse([q for q in up.asked if b'cluster' in q], up.asked)

    def test_a_new_pod_is_known_at_once_and_a_gone_one_forgotten(self):
        self.play(pod('a', 'sleep 1000'))
        for _ in range(3):
            self.assertEqual(self.send('a', question('b.default.svc.cluster.local')).rcode, 3)
            self.play(pod('b', 'sleep 1000'), name='b.yaml')
            self.assertEqual(self.send('a', question('b.default.svc.cluster.local')).answers, 1)
            self.down('b.yaml')

    def test_no_such_name_and_no_such_data(self):
        self.play(pod('a', 'sleep 1000'))
        name = 'a.default.svc.cluster.local'
        for how in ('udp', 'tcp'):
            there = self.send('a', question(name, edns=1232), how)
            self.assertEqual((there.rcode, there.answers, there.id), (0, 1, 0xabcd))
            nodata = self.send('a', question(name, AAAA), how)
            self.assertEqual((nodata.rcode, nodata.answers, nodata.authority), (0, 0, 1))
            nowhere = self.send('a', question('x.' + name), how)
            self.assertEqual((nowhere.rcode, nowhere.answers, nowhere.authority), (3, 0, 1))

    def test_the_rest_is_forwarded(self):
        self.upstream()
        self.play(pod('a', 'sleep 1000'))
        for how in ('udp', 'tcp'):
            reply = self.send('a', question('example.com'), how)
            self.assertEqual((reply.rcode, reply.answers, reply.id), (0, 1, 0xabcd))
        cut = self.send('a', question('big.example.com'))
        self.assertTrue(cut.truncated)
        whole = self.send('a', question('big.example.com'), 'tcp')
        self.assertEqual((whole.answers, whole.truncated), (100, False))

    def test_the_next_server_is_asked_when_one_is_dead(self):
        self.upstream()
        self.resolv('nameserver 127.0.0.99\nnameserver 127.0.0.53\n')
        self.play(pod('a', 'sleep 1000'))
        for how in ('udp', 'tcp'):
            self.assertEqual(self.send('a', question('example.com'), how).answers, 1)

    def test_without_upstream_local_names_answer_and_others_fail(self):
        self.play(pod('a', 'sleep 1000'))
        self.assertEqual(self.send('a', question('example.com')).rcode, 2)
        self.assertEqual(self.send('a', question('a')).answers, 1)
        self.resolv('')
        self.assertEqual(self.send('a', question('example.com'), 'tcp').rcode, 2)

    def test_hostile_packets(self):
        self.play(pod('a', 'sleep 1000'))
        good = question('a.default.svc.cluster.local')
        self.assertEqual(self.send('a', good[:4] + b'\0\2' + good[6:]).rcode, 1)  # FORMERR
        self.assertEqual(self.send('a', b'\xab\xcd\x28\0' + good[4:]).rcode, 4)  # an update: NOTIMP
        loop = good[:12] + b'\xc0\x0c' + good[-4:]
        self.assertEqual(self.send('a', loop).rcode, 1)
        supervisor = self.status('a')['kpodSupervisorPid']
        subprocess.run(['nsenter', '-t', str(self.pid('a', 'main')), '-n', sys.executable, '-c', '''
import os, random, socket
random.seed(7)
s = socket.socket(2, 2)
for i in range(3000):
    s.sendto(random.randbytes(random.randrange(600)), ("169.254.1.1", 53))
streams = []
for i in range(40):
    t = socket.create_connection(("169.254.1.1", 53)); t.setblocking(False); streams.append(t)
    try: t.send(random.randbytes(5000))
    except OSError: pass
'''], check=True, timeout=30)
        self.assertEqual(self.send('a', good).answers, 1)
        self.assertEqual(self.send('a', good, 'tcp').answers, 1)
        self.assertEqual(self.status('a')['kpodSupervisorPid'], supervisor)
        self.assertTrue(pathlib.Path(f'/proc/{supervisor}').exists())
