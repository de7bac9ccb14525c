"""Pods that say whom they see, and a machine outside to ask them from."""
import contextlib
import os
import socket
import subprocess
import sys
import time

from harness import KpodTest, pod

# Answers on TCP and UDP with its pod's name and the address that it sees.
ECHO = '''python3 -u -c '
import socket, threading, os
name = os.uname().nodename
def udp(s):
    while True:
        data, who = s.recvfrom(2000)
        s.sendto(f"{name} {who[0]}".encode(), who)
u = socket.socket(2, 2); u.bind(("", %(port)d))
threading.Thread(target=udp, args=(u,), daemon=True).start()
t = socket.create_server(("", %(port)d))
print("ready")
while True:
    c, who = t.accept()
    c.sendall(f"{name} {who[0]}".encode()); c.close()
' '''


def echo(name, ports='', port=80, extra='', **more):
    return pod(name, ECHO % {'port': port}, extra, f'ports:\n{ports}\n' if ports else '', image='python', **more)


def ask(address, port, source=None):
    """What the echo at address:port says over TCP; '' when nobody answers."""
    try:
        with socket.create_connection((address, port), timeout=3, source_address=source) as s:
            s.settimeout(60)  # who is there may be slow
            return s.makefile().read()
    except OSError:
        return ''


def asking(address, port):
    """The text of a program that asks, wherever it runs."""
    return f'''
import socket
try:
    s = socket.create_connection(("{address}", {port}), timeout=3)
    s.settimeout(60)
    print(s.makefile().read())
except OSError as e:
    print("no:", e)'''


def sh(*argv, **more):
    return subprocess.run(argv, check=True, capture_output=True, text=True, **more).stdout


class Outside:
    """A network namespace that is not ours: 198.51.100.2, behind a link of the host's."""

    def __init__(self, mtu=1500):
        self.child = subprocess.Popen(['unshare', '--net', 'sleep', '1000'])
        while os.readlink(f'/proc/{self.child.pid}/ns/net') == os.readlink('/proc/self/ns/net'):
            time.sleep(0.005)
        sh('ip', 'link', 'add', 'out0', 'mtu', str(mtu), 'type', 'veth', 'peer', 'name', 'eth0', 'mtu', str(mtu),
           'netns', str(self.child.pid))
        sh('ip', 'addr', 'add', '198.51.100.1/24', 'dev', 'out0')
        sh('ip', 'link', 'set', 'out0', 'up')
        self.run('ip', 'addr', 'add', '198.51.100.2/24', 'dev', 'eth0')
        self.run('ip', 'link', 'set', 'eth0', 'up')
        sh('ip', 'route', 'add', 'default', 'via', '198.51.100.2')
        self.servers = []

    def run(self, *argv):
        return sh('nsenter', '-t', str(self.child.pid), '-n', *argv)

    def ask(self, address, port):
        return self.run(sys.executable, '-c', asking(address, port)).strip()

    def serve(self, port):
        """Says to whoever comes from where it came; the first line is said when it listens."""
        server = subprocess.Popen(['nsenter', '-t', str(self.child.pid), '-n', sys.executable, '-u', '-c', f'''
import socket
t = socket.create_server(("", {port}))
print("ready")
while True:
    c, who = t.accept()
    c.sendall(("outside " + who[0]).encode()); c.close()'''], stdout=subprocess.PIPE)
        server.stdout.readline()
        self.servers.append(server)

    def close(self):
        for process in [*self.servers, self.child]:
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()
        subprocess.run(['ip', 'link', 'del', 'out0'], check=False, capture_output=True)


class NetworkTest(KpodTest):
    images = ['busybox', 'python']

    @contextlib.contextmanager
    def outside(self, **more):
        out = Outside(**more)
        try:
            yield out
        finally:
            out.close()

    def ready(self, *names):
        for name in names:
            self.wait_log(name, 'ready')

    def ip(self, name):
        return self.status(name)['podIP']

    def ask_from(self, name, address, port):
        return self.exec(name, 'python3', '-c', asking(address, port)).strip()

    def leases(self):
        try:
            return sorted(os.listdir(self.root / 'network/leases'))
        except FileNotFoundError:
            return []
