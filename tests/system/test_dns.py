"""The pod's DNS for real: names of pods, what is forwarded, and what happens when nobody answers."""
import pathlib
import socket
import subprocess
import sys

from dns_case import A, AAAA, PTR, TXT, DnsTest, question
from harness import pod


class Dns(DnsTest):
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

    def test_what_upstream_said_is_said_again(self):
        up = self.upstream()
        self.play(pod('a', 'sleep 1000'))
        for how in ('udp', 'tcp', 'udp'):
            self.assertEqual(self.ask('a', 'example.com', how=how).answers, 1)
        self.assertEqual(len(up.asked), 1)
        self.assertEqual(self.ask('a', 'example.com', AAAA).answers, 1)
        self.assertEqual(self.ask('a', 'example.org').answers, 1)
        self.assertEqual(len(up.asked), 3)
        chaos = question('version.bind', TXT)[:-1] + b'\3'
        self.assertEqual(self.send('a', chaos).rcode, 5)
        self.assertEqual(len(up.asked), 3)

    def test_the_next_server_is_asked_when_one_is_dead(self):
        self.upstream()
        self.resolv('nameserver 127.0.0.99\nnameserver 127.0.0.53\n')
        self.play(pod('a', 'sleep 1000'))
        for how in ('udp', 'tcp'):
            self.assertEqual(self.send('a', question('example.com'), how).answers, 1)

    def test_a_server_that_says_nothing_costs_its_time_once(self):
        self.upstream()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(('127.0.0.98', 53))
            silent.settimeout(0)
            self.resolv('nameserver 127.0.0.98\nnameserver 127.0.0.53\n')
            self.play(pod('a', 'sleep 1000'))
            for name in ('one.example.com', 'two.example.com'):
                self.assertEqual(self.ask('a', name).data(A), ['192.0.2.7'])
            self.assertIn(b'one', silent.recv(1000))
            with self.assertRaises(BlockingIOError):
                silent.recv(1000)

    def test_what_is_no_answer_is_waited_past(self):
        up = self.upstream()
        good = up.answer

        def lies(query, limit):
            """Noise, another's answers, the same question come back, and only then the answer."""
            answer = good(query, limit)
            other = question('other.example.com')
            for wrong in (b'', b'noise', bytes([answer[0] ^ 1]) + answer[1:], query,
                          good(query[:2] + other[2:], limit), answer[:20]):
                up.udp.sendto(wrong, up.who)
            return answer
        up.answer = lies
        self.play(pod('a', 'sleep 1000'))
        self.assertEqual(self.ask('a', 'example.com').data(A), ['192.0.2.7'])

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
'''], check=True, timeout=60)
        self.assertEqual(self.send('a', good).answers, 1)
        self.assertEqual(self.send('a', good, 'tcp').answers, 1)
        self.assertEqual(self.status('a')['kpodSupervisorPid'], supervisor)
        self.assertTrue(pathlib.Path(f'/proc/{supervisor}').exists())
