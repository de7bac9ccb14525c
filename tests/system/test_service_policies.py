"""Services for real: traffic policies, endpoints that somebody wrote, and Services that change."""
import contextlib
import json
import os
import socket
import sys

from service_case import ServiceTest, deployment, server, service, together
from network_case import Outside, ask, sh


def endpoints(name, addresses='', not_ready='', ports='[{port: 7000}]'):
    text = f'apiVersion: v1\nkind: Endpoints\nmetadata: {{name: {name}}}\nsubsets:\n- ports: {ports}\n'
    if addresses:
        text += f'  addresses: [{addresses}]\n'
    if not_ready:
        text += f'  notReadyAddresses: [{not_ready}]\n'
    return text


def part(name, of, items, ports='[{port: 7000}]', family='IPv4'):
    return (f'apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n'
            f'metadata: {{name: {name}, labels: {{kubernetes.io/service-name: {of}}}}}\n'
            f'addressType: {family}\nendpoints: {json.dumps(items)}\nports: {ports}\n')


class Policies(ServiceTest):
    def test_external_traffic_is_kept_local(self):
        node = os.uname().nodename
        with contextlib.closing(Outside()) as out:
            out.serve(7000)
            there = '{ip: 198.51.100.2, nodeName: elsewhere}'
            outwards = 'type: NodePort\nexternalTrafficPolicy: '
            self.play(together(
                service('web', outwards + 'Local'), server('a'),
                service('far', outwards + 'Local', '[{port: 80, targetPort: 7000}]', ''), endpoints('far', there),
                service('any', outwards + 'Cluster', '[{port: 80, targetPort: 7000}]', ''), endpoints('any', there)))
            self.wait_log('a', 'ready')
            self.assertEqual(out.ask('198.51.100.1', self.node_port('web')), 'a 198.51.100.2 8080')
            self.assertRegex(ask('127.0.0.1', self.node_port('web')), '^a ')
            # From the cluster itself it goes anywhere; what comes from outside finds nobody here.
            self.assertRegex(ask(self.address('far'), 80), '^outside ')
            self.assertEqual(out.ask('198.51.100.1', self.node_port('far')), 'no: timed out')
            self.assertRegex(out.ask('198.51.100.1', self.node_port('any')), '^outside ')
            # The same of a node's own name.
            here = '{ip: %s, nodeName: %s}' % (self.status('a')['podIP'], node)
            self.play(together(service('far', outwards + 'Local', '[{port: 80, targetPort: 8080}]', ''),
                               endpoints('far', here, ports='[{port: 8080}]')), name='here.yaml')
            self.assertEqual(out.ask('198.51.100.1', self.node_port('far')), 'a 198.51.100.2 8080')

    def test_udp_from_outside_and_affinity_at_a_node_port(self):
        with contextlib.closing(Outside()) as out:
            ports = '[{name: t, port: 80, targetPort: 8080}, {name: u, port: 80, targetPort: 8080, protocol: UDP}]'
            self.play(together(service('web', 'type: NodePort\nsessionAffinity: ClientIP', ports),
                               *[server(n, probe=True) for n in 'abc']))
            self.wait_endpoints('web', 3)
            port = self.node_port('web')
            answers = {out.ask('198.51.100.1', port).split()[0] for _ in range(12)}
            self.assertEqual(len(answers), 1)
            said = out.run(sys.executable, '-c', f'''
import socket
s = socket.socket(2, 2); s.settimeout(3); s.sendto(b"x", ("198.51.100.1", {port})); print(s.recvfrom(100))''')
            self.assertIn("198.51.100.2', ('198.51.100.1'", said.replace('"', "'").replace("b'", "'"), said)

    def test_sctp(self):
        try:
            socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP).close()
        except OSError:
            self.skipTest('this kernel has no SCTP')
        listens = server('a').replace('t = socket.create_server(("", port), backlog=512)',
                                      't = socket.socket(2, 1, 132); t.bind(("", port)); t.listen()')
        self.play(together(service('web', ports='[{port: 80, targetPort: 8080, protocol: SCTP}]'), listens))
        self.wait_log('a', 'ready')
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP) as s:
            s.settimeout(3)
            s.connect((self.address('web'), 80))
            self.assertRegex(s.recv(100).decode(), '^a ')


class Written(ServiceTest):
    def test_endpoints_and_their_parts(self):
        with contextlib.closing(Outside()) as out:
            out.serve(7000)
            out.serve(7001)
            two = '[{name: a, port: 80}, {name: b, port: 81}]'
            self.play(together(
                service('db', '', two, ''),
                endpoints('db', '{ip: 198.51.100.2, hostname: one}', '{ip: 198.51.100.3}',
                          '[{name: a, port: 7000}, {name: b, port: 7001}]'),
                service('parts', '', two, ''),
                part('parts-1', 'parts', [{'addresses': ['198.51.100.2']}], '[{name: a, port: 7000}]'),
                part('parts-2', 'parts', [{'addresses': ['198.51.100.2']},
                                          {'addresses': ['198.51.100.9'], 'conditions': {'ready': False}}],
                     '[{name: b, port: 7001}]'),
                part('other', 'nobody', [{'addresses': ['198.51.100.4']}]),
                part('v6', 'parts', [{'addresses': ['2001:db8::1']}], '[{name: a, port: 7000}]', 'IPv6'),
                part('names', 'parts', [{'addresses': ['db.example.com']}], '[{name: a, port: 7000}]', 'FQDN')))
            for name in ('db', 'parts'):
                for port in (80, 81):
                    self.assertEqual({ask(self.address(name), port) for _ in range(8)}, {'outside 198.51.100.1'})
            # They are followed.
            self.play(together(service('db', 'publishNotReadyAddresses: true', two, ''),
                               endpoints('db', '', '{ip: 198.51.100.2}', '[{name: a, port: 7000}]')), name='db.yaml')
            self.assertEqual(ask(self.address('db'), 80), 'outside 198.51.100.1')
            self.refused(self.address('db'), 81)
            self.play(together(service('db', '', two, ''), endpoints('db', '', '{ip: 198.51.100.2}')), name='db.yaml')
            self.refused(self.address('db'), 80)

    def test_what_is_no_address_for_an_endpoint_is_refused(self):
        wrong = [(endpoints('x', '{ip: 127.0.0.1}'), 'may not be in the loopback range (127.0.0.0/8, ::1/128)'),
                 (endpoints('x', '{ip: 169.254.1.1}'), 'may not be in the link-local range'),
                 (endpoints('x'), 'must specify `addresses` or `notReadyAddresses`'),
                 (part('x', 'svc', [{'addresses': ['::1']}]), 'must be an IPv4 address'),
                 (service('a/b'), 'a DNS-1035 label must consist of'),
                 (service('web', namespace='../x'), 'metadata.namespace: Invalid value'),
                 (service('web', 'externalIPs: [127.0.0.1]'), 'may not be in the loopback range')]
        for text, says in wrong:
            refused = self.kpod('play', 'kube', self.write('wrong.yaml', text), rc=125)
            self.assertIn(says, refused.stderr)
        self.assertEqual(self.records(), {})


class Changes(ServiceTest):
    def test_a_service_becomes_every_other_type(self):
        with contextlib.closing(Outside()) as out:
            self.play(together(server('a')))
            self.wait_log('a', 'ready')
            pod_ip = self.status('a')['podIP']

            def becomes(spec, ports='[{port: 8888, targetPort: 8080}]', **more):
                self.play(service('web', spec, ports, **more), name='web.yaml')
                return self.records()['web']
            first = becomes('type: ClusterIP')
            ip = first['clusterIPs'][0]
            node = becomes('type: NodePort')
            port = node['ports'][0]['nodePort']
            self.assertEqual(node['clusterIPs'], [ip])
            self.assertRegex(out.ask('198.51.100.1', port), '^a ')
            balanced = becomes('type: LoadBalancer')
            self.assertEqual((balanced['clusterIPs'], balanced['ports'][0]['nodePort']), ([ip], port))
            self.assertRegex(out.ask('198.51.100.1', 8888), '^a ')
            self.assertRegex(ask('127.0.0.1', 8888), '^a ')
            plain = becomes('type: ClusterIP')
            self.assertEqual(plain['clusterIPs'], [ip])
            self.assertNotIn('nodePort', plain['ports'][0])
            for gone in (8888, port):
                self.refused('127.0.0.1', gone)
            self.assertRegex(ask(ip, 8888), '^a ')
            becomes('type: ExternalName\nexternalName: example.com', '')
            self.assertEqual(ask(ip, 8888), '')
            becomes('clusterIP: None')
            self.assertEqual(self.exec('a', 'python3', '-c', 'import socket; print(socket.gethostbyname("web"))'),
                             pod_ip + '\n')
            again = becomes('type: ClusterIP')
            self.assertRegex(ask(again['clusterIPs'][0], 8888), '^a ')
            # Another selector, another target: at once.
            becomes('', selector='app: nobody')
            self.refused(again['clusterIPs'][0], 8888)
            becomes('', '[{port: 8888, targetPort: 9999}]')
            self.assertEqual(self.ready_endpoints('web'), ['a'])

    def test_pods_come_and_go_while_others_are_asked(self):
        """A Service's end and a namespace's take nothing else along."""
        self.play(together(service('web'), deployment('web', 2)))
        self.wait_endpoints('web', 2)
        other = together('apiVersion: v1\nkind: Namespace\nmetadata: {name: far}\n',
                         service('web', namespace='far'), server('a', namespace='far'))
        self.play(other, name='far.yaml')
        far = self.address('web', 'far')
        self.wait(lambda: ask(far, 80), 'the other one answers')
        self.assertNotEqual(far, self.address('web'))
        self.down('far.yaml', '--force')
        self.assertEqual(self.records('far'), {})
        self.assertEqual(ask(far, 80), '')
        self.assertRegex(ask(self.address('web'), 80), '^web-')
        self.assertNotIn('far_', ' '.join(os.listdir(self.root / 'network/services')))
        self.assertIn('kpod', sh('nft', 'list', 'tables'))
