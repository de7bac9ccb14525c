"""Names of Services for real: what the pods' resolvers are told of them."""
from dns_case import A, AAAA, CNAME, PTR, SRV, TXT, DnsTest
from harness import pod
from service_case import ServiceTest, server, service, together

DOMAIN = 'default.svc.cluster.local'


def reverse(ip):
    return '.'.join(reversed(ip.split('.'))) + '.in-addr.arpa'


class ServiceNames(DnsTest, ServiceTest):
    def found(self, pod_name, name, namespace='default'):
        """The address that a program of the pod gets for the name."""
        return self.kpod('exec', '-n', namespace, pod_name, 'python3', '-c', f'''
import socket
try:
    print(socket.gethostbyname("{name}"))
except OSError as e:
    print("no")''').stdout.strip()

    def test_a_service_with_an_address(self):
        ports = '[{name: http, port: 80, targetPort: 8080}, {name: dns, port: 53, protocol: UDP}]'
        self.play(together(service('web', ports=ports), service('web', namespace='far'),
                           pod('a', 'sleep 1000', image='python'),
                           pod('b', 'sleep 1000', image='python', namespace='far')))
        ip, far = self.address('web'), self.address('web', 'far')
        self.assertEqual(self.ask('a', f'web.{DOMAIN}').data(A), [ip])
        self.assertEqual(self.ask('a', f'WEB.{DOMAIN}').data(A), [ip])
        self.assertEqual(self.ask('a', 'web.far.svc.cluster.local').data(A), [far])
        self.assertEqual(self.ask('a', reverse(ip), PTR).data(PTR), [f'web.{DOMAIN}'])
        http = self.ask('a', f'_http._tcp.web.{DOMAIN}', SRV)
        self.assertEqual(http.data(SRV), [(80, f'web.{DOMAIN}')])
        self.assertEqual(http.data(A, 'more'), [ip])
        self.assertEqual(self.ask('a', f'_dns._udp.web.{DOMAIN}', SRV).data(SRV), [(53, f'web.{DOMAIN}')])
        self.assertEqual(self.ask('a', f'_dns._tcp.web.{DOMAIN}', SRV).rcode, 3)
        self.assertEqual(self.ask('a', 'dns-version.cluster.local', TXT).data(TXT), ['1.1.0'])
        nodata = self.ask('a', f'web.{DOMAIN}', AAAA)
        self.assertEqual((nodata.rcode, nodata.answers, nodata.authority), (0, 0, 1))
        # By the search list of each one's namespace, and across.
        for name, want in (('web', ip), ('web.far', far), ('web.far.svc', far), ('web.nosuch', 'no')):
            self.assertEqual(self.found('a', name), want, name)
        self.assertEqual(self.found('b', 'web', 'far'), far)
        # It is gone with its object.
        self.play(service('web', ports=ports), name='again.yaml')
        self.down('again.yaml')
        self.assertEqual(self.ask('a', f'web.{DOMAIN}').rcode, 3)

    def test_a_headless_service_is_its_ready_endpoints(self):
        named = '[{name: http, containerPort: 8080}]\n'
        self.play(together(
            service('peers', 'clusterIP: None', '[{name: web, port: 80, targetPort: http}]'),
            server('one', probe=True, names=named, extra='hostname: p-0\nsubdomain: peers\n'),
            server('two', probe=True, names=named), pod('a', 'sleep 1000')))
        self.wait_endpoints('peers', 2)
        one, two = (self.status(n)['podIP'] for n in ('one', 'two'))
        dashed = two.replace('.', '-')
        self.assertEqual(self.ask('a', f'peers.{DOMAIN}').data(A), sorted([one, two]))
        self.assertEqual(self.ask('a', f'p-0.peers.{DOMAIN}').data(A), [one])
        self.assertEqual(self.ask('a', f'{dashed}.peers.{DOMAIN}').data(A), [two])
        where = self.ask('a', f'_web._tcp.peers.{DOMAIN}', SRV)
        self.assertEqual(where.data(SRV), sorted([(8080, f'p-0.peers.{DOMAIN}'), (8080, f'{dashed}.peers.{DOMAIN}')]))
        self.assertEqual(where.data(A, 'more'), sorted([one, two]))
        self.assertEqual(self.ask('a', reverse(one), PTR).data(PTR), [f'p-0.peers.{DOMAIN}'])
        self.assertEqual(self.exec('one', 'hostname', '-f').strip(), f'p-0.peers.{DOMAIN}')
        self.exec('one', 'rm', '/tmp/ready')
        self.wait_endpoints('peers', 1)
        self.assertEqual(self.ask('a', f'peers.{DOMAIN}').data(A), [two])
        self.assertEqual(self.ask('a', f'p-0.peers.{DOMAIN}').rcode, 3)
        self.exec('two', 'rm', '/tmp/ready')
        self.wait_endpoints('peers', 0)
        self.assertEqual(self.ask('a', f'peers.{DOMAIN}').rcode, 3)

    def test_an_external_name_is_followed(self):
        up = self.upstream()
        self.play(together(service('db', 'type: ExternalName\nexternalName: db.example.com', '', ''),
                           service('near', 'type: ExternalName\nexternalName: db.default.svc.cluster.local', '', ''),
                           server('a')))
        self.wait_log('a', 'ready')
        for how in ('udp', 'tcp'):
            reply = self.ask('a', f'near.{DOMAIN}', how=how)
            self.assertEqual(reply.data(CNAME), [f'db.{DOMAIN}', 'db.example.com'])
            self.assertEqual(reply.data(A), ['192.0.2.7'])
        self.assertEqual(self.ask('a', f'db.{DOMAIN}', CNAME).data(CNAME), ['db.example.com'])
        # A program gets the address, whose resolver follows nothing itself.
        self.assertEqual(self.exec('a', 'python3', '-c', 'import socket; print(socket.gethostbyname("near"))'),
                         '192.0.2.7\n')
        self.assertFalse([q for q in up.asked if b'cluster' in q], up.asked)

    def test_every_dns_policy(self):
        up = self.upstream()
        self.resolv('search corp.example\nnameserver 127.0.0.53\n')
        host = 'hostNetwork: true\n'
        self.play(together(
            service('web'), server('a'), server('plain', 'app: x', extra='dnsPolicy: Default\n'),
            server('node', 'app: x', ports='8081,', extra=host),
            server('both', 'app: x', ports='8082,', extra=host + 'dnsPolicy: ClusterFirstWithHostNet\n'),
            server('too', 'app: x', ports='8083,', extra=host + 'dnsPolicy: ClusterFirstWithHostNet\n'),
            server('own', 'app: x', extra='dnsPolicy: None\ndnsConfig: {nameservers: [169.254.1.1], '
                   'searches: [svc.cluster.local], options: [{name: ndots, value: "3"}, {name: edns0}]}\n'),
            server('more', 'app: x', extra='dnsConfig: {nameservers: [192.0.2.1], searches: [x.y]}\n')))

        def lines(name):
            return self.exec(name, 'cat', '/etc/resolv.conf').splitlines()
        ip = self.address('web')
        search = 'search default.svc.cluster.local svc.cluster.local cluster.local corp.example'
        for name in ('a', 'plain', 'node', 'both', 'too', 'own', 'more'):
            self.wait_log(name, 'ready')
        self.assertEqual(lines('a'), [search, 'nameserver 169.254.1.1', 'options ndots:5'])
        self.assertEqual(lines('more')[:3], [search + ' x.y', 'nameserver 169.254.1.1', 'nameserver 192.0.2.1'])
        self.assertEqual(lines('plain'), ['search corp.example', 'nameserver 169.254.1.1'])
        self.assertEqual(lines('node'), ['search corp.example', 'nameserver 127.0.0.53'])
        self.assertEqual(lines('own'), ['search svc.cluster.local', 'nameserver 169.254.1.1', 'options ndots:3 edns0'])
        both, too = lines('both'), lines('too')
        self.assertEqual([both[0], both[2]], [search, 'options ndots:5'])
        self.assertRegex(both[1], r'^nameserver 127\.76\.')
        self.assertNotEqual(both[1], too[1])
        for name in ('both', 'too', 'a', 'more'):
            self.assertEqual(self.found(name, 'web'), ip, name)
            self.assertEqual(self.found(name, 'example.com'), '192.0.2.7', name)
        self.assertEqual(self.found('own', 'web.default'), ip)
        for name in ('plain', 'node'):
            self.assertEqual(self.found(name, 'example.com'), '192.0.2.7', name)
        self.assertRegex(self.ask_from('both', 'web', 80), '^a ')
        # Again after the supervisor's death, at the address it had.
        self.kpod('pod', 'restart', 'both')
        self.wait_log('both', 'ready')
        self.assertEqual(lines('both'), both)
        self.assertFalse([q for q in up.asked if b'cluster' in q], up.asked)

    def test_more_endpoints_than_a_datagram_holds(self):
        addresses = [f'198.51.100.{i}' for i in range(1, 101)]
        endpoints = ('apiVersion: v1\nkind: Endpoints\nmetadata: {name: many}\nsubsets:\n- addresses: ['
                     + ', '.join(f'{{ip: {ip}}}' for ip in addresses) + ']\n  ports: [{port: 80}]\n')
        self.play(together(service('many', 'clusterIP: None', selector=''), endpoints, pod('a', 'sleep 1000')))
        few = self.ask('a', f'many.{DOMAIN}')
        more = self.ask('a', f'many.{DOMAIN}', edns=1232)
        whole = self.ask('a', f'many.{DOMAIN}', how='tcp')
        self.assertTrue(few.truncated and more.truncated and not whole.truncated)
        self.assertLess(20, len(few.data(A)))
        self.assertLess(len(few.data(A)), len(more.data(A)))
        self.assertLessEqual(len(few.raw), 512)
        self.assertLessEqual(len(more.raw), 1232)
        self.assertEqual(whole.data(A), sorted(addresses))
        # Each time in another order, so that not everybody goes to the first one.
        self.assertGreater(len({self.ask('a', f'many.{DOMAIN}', how='tcp').raw for _ in range(3)}), 1)
