"""What the tests of DNS share: questions, answers, a name server upstream, and a pod that asks."""
import contextlib
import os
import socket
import struct
import subprocess
import sys
import threading

from harness import KpodTest

A, NS, CNAME, PTR, TXT, AAAA, SRV = 1, 2, 5, 12, 16, 28, 33

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
    """The counts of a response, and its records as (section, name, type, data)."""

    def __init__(self, raw):
        self.raw = raw
        self.silent = not raw
        if raw:
            self.id, flags, questions, self.answers, self.authority, more = struct.unpack('>6H', raw[:12])
            self.rcode, self.truncated = flags & 15, bool(flags & 0x200)
            at = 12
            for _ in range(questions):
                at = self.name(at)[1] + 4
            self.records = []
            for section, count in (('answer', self.answers), ('authority', self.authority), ('more', more)):
                for _ in range(count):
                    at = self.record(section, at)

    def name(self, at):
        labels = []
        while self.raw[at]:
            if self.raw[at] >= 0xc0:
                there = int.from_bytes(self.raw[at:at + 2], 'big') & 0x3fff
                return '.'.join(labels + [self.name(there)[0]]), at + 2
            labels.append(self.raw[at + 1:at + 1 + self.raw[at]].decode())
            at += 1 + self.raw[at]
        return '.'.join(labels), at + 1

    def record(self, section, at):
        name, at = self.name(at)
        kind, _, _, size = struct.unpack('>HHIH', self.raw[at:at + 10])
        at += 10
        data = self.raw[at:at + size]
        if kind == A:
            data = socket.inet_ntop(socket.AF_INET, data)
        elif kind == AAAA:
            data = socket.inet_ntop(socket.AF_INET6, data)
        elif kind in (CNAME, PTR):
            data = self.name(at)[0]
        elif kind == SRV:
            data = (*struct.unpack('>3H', data[:6])[2:], self.name(at + 6)[0])
        elif kind == TXT:
            data = data[1:].decode()
        self.records.append((section, name, kind, data))
        return at + size

    def data(self, kind, section='answer'):
        return sorted(d for s, _, k, d in self.records if (s, k) == (section, kind))


class Upstream:
    """A name server on 127.0.0.53: answers every A with 192.0.2.7, `big.` with 100 of them."""

    def __init__(self):
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(('127.0.0.53', 53))
        self.tcp = socket.create_server(('127.0.0.53', 53))
        self.asked = []
        self.who = None  # the last one who asked over UDP
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
                query, self.who = self.udp.recvfrom(4096)
            except OSError:
                return
            if not query:  # shut down
                return
            self.udp.sendto(self.answer(query, 512), self.who)

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


class DnsTest(KpodTest):
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
                               packet.hex()], capture_output=True, text=True, check=True, timeout=60)
        return Reply(bytes.fromhex(done.stdout.strip()))

    def ask(self, pod_name, name, kind=A, how='udp', edns=0):
        return self.send(pod_name, question(name, kind, edns), how)
