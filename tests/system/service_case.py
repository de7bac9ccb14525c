"""What the tests of Services share: servers that say who they are, and looks at the tables."""
import json
import os
import socket
import time

from harness import KpodTest, pod

# Says which pod it is and whom it sees, over TCP and UDP, on each port; is ready while /tmp/ready is there.
SERVER = '''python3 -u -c '
import socket, threading, os
name = os.uname().nodename
def udp(u):
    while True:
        data, who = u.recvfrom(2000)
        u.sendto(f"{name} {who[0]}".encode(), who)
def tcp(t, port):
    while True:
        c, who = t.accept()
        try:
            c.sendall(f"{name} {who[0]} {port}".encode()); c.close()
        except OSError:
            pass
for port in (%(ports)s):
    u = socket.socket(2, 2); u.bind(("", port))
    threading.Thread(target=udp, args=(u,), daemon=True).start()
    t = socket.create_server(("", port), backlog=512)
    threading.Thread(target=tcp, args=(t, port), daemon=True).start()
open("/tmp/ready", "w").close()
print("ready")
threading.Event().wait()
' '''


def server(name, labels='app: web', ports='8080,', names='', probe=False, extra='', kind='', **more):
    container = 'ports:\n' + names if names else ''
    if probe:
        container += 'readinessProbe: {exec: {command: [test, -e, /tmp/ready]}, periodSeconds: 1, failureThreshold: 1}\n'
    text = pod(name, SERVER % {'ports': ports}, extra, container, image='python', **more)
    return text.replace(f'  name: {name}\n', f'  name: {name}\n  labels: {{{labels}}}\n', 1)


def deployment(name, replicas, labels='app: web', ports='8080,', probe=True):
    inner = server('x', labels, ports, probe=probe).split('spec:\n', 1)[1]
    inner = ''.join('    ' + line + '\n' for line in inner.splitlines())
    return f'''\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{{labels}}}}}
  template:
    metadata: {{labels: {{{labels}}}}}
    spec:
{inner}'''


def service(name, spec='', ports='[{port: 80, targetPort: 8080}]', selector='app: web', namespace=''):
    text = f'apiVersion: v1\nkind: Service\nmetadata:\n  name: {name}\n'
    if namespace:
        text += f'  namespace: {namespace}\n'
    text += 'spec:\n'
    if selector:
        text += f'  selector: {{{selector}}}\n'
    if ports:
        text += f'  ports: {ports}\n'
    return text + ''.join(f'  {line}\n' for line in spec.splitlines())


def together(*documents):
    return '---\n'.join(documents)


class ServiceTest(KpodTest):
    images = ['busybox', 'python']

    def records(self, namespace='default'):
        try:
            table = json.loads((self.run_dir / f'services/{namespace}.json').read_text())
        except FileNotFoundError:
            return {}
        return {s['name']: s for s in table['services']}

    def address(self, name, namespace='default'):
        return self.records(namespace)[name]['clusterIPs'][0]

    def node_port(self, name, index=0):
        return self.records()[name]['ports'][index]['nodePort']

    def ready_endpoints(self, name, namespace='default'):
        return sorted(e.get('pod', e['ip']) for e in self.records(namespace)[name]['endpoints'] if e.get('ready'))

    def wait_endpoints(self, name, count):
        self.wait(lambda: len(self.ready_endpoints(name)) == count, f'{name} has {count} endpoints')

    def kill_twice(self, name, container='main'):
        """After its second death a container is away for the 10 s of its back-off."""
        first = self.pid(name, container)
        os.kill(first, 9)
        os.kill(self.wait(lambda: self.pid(name, container) not in (0, first) and self.pid(name, container), f'{name} runs again'), 9)
        self.wait(lambda: 'waiting' in self.container(name, container)['state'], f'{name} backs off')

    def ask_from(self, name, address, port, udp=False):
        return self.exec(name, 'python3', '-c', f'''
import socket
try:
    if {udp}:
        s = socket.socket(2, 2); s.settimeout(3); s.connect(("{address}", {port})); s.send(b"x")
        print(s.recv(100).decode())
    else:
        s = socket.create_connection(("{address}", {port}), timeout=3); s.settimeout(60)
        print(s.makefile().read())
except OSError as e:
    print("no:", type(e).__name__)''').strip()

    def refused(self, address, port):
        """Seconds until the connection is refused; fails when it is not."""
        began = time.monotonic()
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection((address, port), timeout=30).close()
        return time.monotonic() - began
