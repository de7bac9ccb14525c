"""Services for real: addresses that answer from pods, from the host and from the network."""
import contextlib
import os
import socket

from harness import pod
from service_case import ServiceTest, server, service, together
from network_case import Outside, ask, sh


class ClusterIP(ServiceTest):
    def test_it_answers_from_pods_from_itself_and_from_the_host(self):
        self.play(together(service('web'), server('a'), server('client', 'app: client')))
        for name in ('a', 'client'):
            self.wait_log(name, 'ready')
        ip = self.address('web')
        client = self.status('client')['podIP']
        self.assertEqual(self.ask_from('client', ip, 80), f'a {client} 8080')
        self.assertRegex(self.ask_from('a', ip, 80), '^a ')
        self.assertRegex(ask(ip, 80), '^a ')
        self.assertEqual(self.ask_from('client', ip, 80, udp=True), 'no: ConnectionRefusedError')  # TCP only
        # What is no port of the Service is refused, and so is what is no Service.
        self.refused(ip, 81)
        self.refused(ip.rsplit('.', 1)[0] + '.254', 80)
        self.assertEqual(self.ask_from('client', ip, 81), 'no: ConnectionRefusedError')
        # By its name, and by the pods' own resolver.
        for name in ('web', 'web.default', 'web.default.svc.cluster.local'):
            self.assertRegex(self.ask_from('client', name, 80), '^a ')

    def test_no_endpoint_is_refused_at_once(self):
        self.play(together(service('web', ports='[{port: 80, targetPort: 8080}, {name: u, port: 53, protocol: UDP}]'
                                   .replace('{port: 80', '{name: t, port: 80')), server('client', 'app: client')))
        self.wait_log('client', 'ready')
        ip = self.address('web')
        for _ in range(20):  # a plain reject would be rate-limited
            self.refused(ip, 80)
        self.assertEqual(self.ask_from('client', ip, 80), 'no: ConnectionRefusedError')
        self.assertEqual(self.ask_from('client', ip, 53, udp=True), 'no: ConnectionRefusedError')

    def test_several_ports_names_and_protocols(self):
        ports = """
        [{name: a, port: 80, targetPort: http}, {name: b, port: 81, targetPort: http-alt},
         {name: dns, port: 53, targetPort: dns, protocol: UDP}]"""
        one = '[{name: http, containerPort: 8080}, {name: http-alt, containerPort: 8081}, ' \
              '{name: dns, containerPort: 8082, protocol: UDP}]\n'
        two = '[{name: http, containerPort: 9090}]\n'
        self.play(together(service('web', ports=ports.strip()),
                           server('one', ports='8080,8081,8082', names=one),
                           server('two', ports='9090,', names=two)))
        for name in ('one', 'two'):
            self.wait_log(name, 'ready')
        ip = self.address('web')
        # The same name is another number in each pod.
        answers = {tuple(ask(ip, 80).split()[::2]) for _ in range(60)}
        self.assertEqual(answers, {('one', '8080'), ('two', '9090')})
        self.assertEqual({ask(ip, 81).split()[0] for _ in range(20)}, {'one'})
        self.assertRegex(self.ask_from('two', ip, 53, udp=True), '^one ')

    def test_addresses_are_kept_given_and_refused(self):
        self.play(service('kept'), name='kept.yaml')
        first = self.address('kept')
        self.play(service('kept', ports='[{port: 81}]'), name='kept.yaml')
        self.assertEqual(self.address('kept'), first)
        base = first.rsplit('.', 2)[0]
        self.play(service('given', f'clusterIP: {base}.0.77'), name='given.yaml')
        self.assertEqual(self.address('given'), f'{base}.0.77')
        refused = self.play(service('again', f'clusterIP: {base}.0.77'), name='again.yaml', rc=125)
        self.assertIn(f'Service "again" is invalid: spec.clusterIPs: Invalid value: ["{base}.0.77"]: failed to '
                      f'allocate IP {base}.0.77: provided IP is already allocated', refused.stderr)
        refused = self.play(service('given', f'clusterIP: {base}.0.78'), name='given.yaml', rc=125)
        self.assertIn('may not change once set', refused.stderr)
        self.assertEqual(self.address('given'), f'{base}.0.77')
        refused = self.play(service('far', 'clusterIP: 192.0.2.1'), name='far.yaml', rc=125)
        self.assertIn('is not in the valid range. The range of valid IPs is ' + base, refused.stderr)
        self.assertEqual(sorted(self.records()), ['given', 'kept'])
        self.assertEqual(sorted(os.listdir(self.root / 'network/services')),
                         ['default_given.json', 'default_kept.json'])
        # What was written comes back, without what was allocated.
        self.assertNotIn('clusterIP', self.kpod('generate', 'kube', 'kept').stdout)
        self.down('given.yaml')
        self.play(service('again', f'clusterIP: {base}.0.77'), name='again.yaml')
        self.assertEqual(self.address('again'), f'{base}.0.77')

    def test_publish_not_ready_and_headless(self):
        self.play(together(service('all', 'clusterIP: None\npublishNotReadyAddresses: true'),
                           service('some', 'clusterIP: None'),
                           server('a', probe=True), server('b', probe=True)))
        self.wait_endpoints('some', 2)
        self.exec('b', 'rm', '/tmp/ready')
        self.wait_endpoints('some', 1)
        self.assertEqual(self.ready_endpoints('all'), ['a', 'b'])

        def names(service_name):
            return self.exec('a', 'python3', '-c', f'''
import socket
print(*sorted({{a[4][0] for a in socket.getaddrinfo("{service_name}", 80, socket.AF_INET)}}))''').split()
        a, b = (self.status(n)['podIP'] for n in 'ab')
        self.assertEqual(names('all'), sorted([a, b]))
        self.assertEqual(names('some'), [a])
        self.assertEqual([s for s in self.records().values() if s.get('clusterIPs')], [])


class Outwards(ServiceTest):
    def test_node_ports_answer_from_everywhere(self):
        with contextlib.closing(Outside()) as out:
            ports = '[{name: t, port: 80, targetPort: 8080, nodePort: 30080}, ' \
                    '{name: u, port: 80, targetPort: 8080, protocol: UDP}]'
            self.play(together(service('web', 'type: NodePort', ports), server('a')))
            self.wait_log('a', 'ready')
            self.assertEqual(self.node_port('web'), 30080)
            self.assertEqual(self.node_port('web', 1), 30080, 'the same number for both protocols')
            self.assertRegex(ask('127.0.0.1', 30080), '^a ')
            self.assertRegex(ask('198.51.100.1', 30080), '^a ')
            self.assertRegex(self.ask_from('a', '198.51.100.1', 30080), '^a ')
            self.assertEqual(out.ask('198.51.100.1', 30080), 'a 198.51.100.2 8080', 'the client is seen')
            self.assertRegex(self.ask_from('a', '198.51.100.1', 30080, udp=True), '^a ')
            self.down()
            self.refused('127.0.0.1', 30080)

    def test_node_ports_are_kept_and_conflicts_told(self):
        self.play(service('one', 'type: NodePort'), name='one.yaml')
        number = self.node_port('one')
        self.assertTrue(30086 <= number <= 32767, number)
        self.play(service('one', 'type: NodePort\nsessionAffinity: ClientIP'), name='one.yaml')
        self.assertEqual(self.node_port('one'), number)
        refused = self.play(service('two', 'type: NodePort', f'[{{port: 80, nodePort: {number}}}]'),
                            name='two.yaml', rc=125)
        self.assertIn(f'Service "two" is invalid: spec.ports[0].nodePort: Invalid value: {number}: '
                      'provided port is already allocated', refused.stderr)
        with socket.create_server(('', 30111)):
            refused = self.play(service('two', 'type: NodePort', '[{port: 80, nodePort: 30111}]'),
                                name='two.yaml', rc=125)
        self.assertIn('host port 30111/tcp is already in use on this machine', refused.stderr)
        taken = pod('taker', 'sleep 1000', '', f'ports: [{{containerPort: 80, hostPort: {number}}}]\n')
        refused = self.play(taken, name='taker.yaml', rc=125)
        self.assertIn(f'host port {number}/tcp is already used by service default/one', refused.stderr)
        self.assertEqual(sorted(self.records()), ['one'])
        self.play(service('one'), name='one.yaml')
        self.assertNotIn('nodePort', self.records()['one']['ports'][0])
        self.assertNotIn(str(number), sh('nft', 'list', 'ruleset'))

    def test_a_load_balancer_is_the_machine_itself(self):
        with contextlib.closing(Outside()) as out:
            self.play(together(service('web', 'type: LoadBalancer', '[{port: 8888, targetPort: 8080}]'), server('a')))
            self.wait_log('a', 'ready')
            record = self.records()['web']
            self.assertEqual(record['loadBalancerIPs'], ['198.51.100.1'])
            for address, port in [('127.0.0.1', 8888), ('198.51.100.1', 8888), ('127.0.0.1', self.node_port('web'))]:
                self.assertRegex(ask(address, port), '^a ')
            self.assertEqual(out.ask('198.51.100.1', 8888), 'a 198.51.100.2 8080')
            refused = self.play(service('other', 'type: LoadBalancer', '[{port: 8888}]'), name='other.yaml', rc=125)
            self.assertIn('host port 8888/tcp is already used by service default/web', refused.stderr)
            with socket.create_server(('', 8889)):
                refused = self.play(service('other', 'type: LoadBalancer', '[{port: 8889}]'), name='other.yaml',
                                    rc=125)
            self.assertIn('host port 8889/tcp is already in use on this machine', refused.stderr)
            # Only some clients.
            self.play(together(service('web', 'type: LoadBalancer\nloadBalancerSourceRanges: [203.0.113.0/24]\n'
                                       'allocateLoadBalancerNodePorts: false', '[{port: 8888, targetPort: 8080}]'),
                               server('a')))
            self.assertIn('no:', out.ask('198.51.100.1', 8888))
            self.assertRegex(ask('127.0.0.1', 8888), '^a ')
            self.assertNotIn('nodePort', self.records()['web']['ports'][0])
            self.play(together(service('web', 'type: LoadBalancer\nloadBalancerSourceRanges: [198.51.100.0/24, '
                                       '198.51.0.0/16]', '[{port: 8888, targetPort: 8080}]'), server('a')))
            self.assertRegex(out.ask('198.51.100.1', 8888), '^a ')

    def test_external_ips(self):
        with contextlib.closing(Outside()) as out:
            out.run('ip', 'route', 'add', '203.0.113.9', 'via', '198.51.100.1')
            self.play(together(service('web', 'externalIPs: [203.0.113.9]'), server('a')))
            self.wait_log('a', 'ready')
            self.assertEqual(out.ask('203.0.113.9', 80), 'a 198.51.100.2 8080')
            self.assertRegex(ask('203.0.113.9', 80), '^a ')
            self.assertRegex(self.ask_from('a', '203.0.113.9', 80), '^a ')

    def test_external_names(self):
        self.play(together(service('db', 'type: ExternalName\nexternalName: other.default.svc.cluster.local', '', ''),
                           service('other'), server('a')))
        self.wait_log('a', 'ready')
        self.assertRegex(self.ask_from('a', 'db', 80), '^a ')


class Variables(ServiceTest):
    def test_containers_are_told_of_the_services_that_are_there(self):
        def asks(name, extra=''):
            container = 'env:\n- {name: URL, value: http://$(WEB_SERVICE_HOST):$(WEB_SERVICE_PORT)}\n' \
                        '- {name: WEB_PORT_80_TCP_PROTO, value: mine}\n'
            return pod(name, 'env; sleep 1000', extra, container)
        self.play(together(asks('early'), service('web'), service('none', 'clusterIP: None'),
                           service('far', namespace='far'), asks('plain', 'enableServiceLinks: false\n')))
        ip = self.address('web')
        # Services of the same command are there first, wherever they stand in it.
        for line in (f'WEB_SERVICE_HOST={ip}', 'WEB_SERVICE_PORT=80', f'WEB_PORT=tcp://{ip}:80',
                     f'WEB_PORT_80_TCP_ADDR={ip}', 'WEB_PORT_80_TCP_PROTO=mine', f'URL=http://{ip}:80'):
            self.wait_log('early', line)
        self.wait_log('plain', 'URL=http://$(WEB_SERVICE_HOST):$(WEB_SERVICE_PORT)')
        for name in ('early', 'plain'):
            log = self.logs(name)
            for absent in ('FAR_SERVICE', 'NONE_SERVICE', 'KUBERNETES_'):
                self.assertNotIn(absent, log)
        self.assertNotIn('WEB_SERVICE_HOST=', self.logs('plain'))
