"""kpod get: kubectl's tables, and objects with what became of them."""
import contextlib
import json

from service_case import ServiceTest, deployment, server, service, together
from network_case import Outside


class Get(ServiceTest):
    def get(self, *argv, **more):
        return self.kpod('get', *argv, **more).stdout

    def rows(self, *argv):
        """By its first cell, the others, without the age."""
        lines = self.get(*argv).splitlines()
        return {line.split()[0]: line.split()[1:] for line in lines if line}

    def test_services_and_their_endpoints(self):
        with contextlib.closing(Outside()):
            self.play(together(
                service('web', 'type: NodePort', '[{name: http, port: 80, targetPort: 8080, nodePort: 30080}, '
                        '{name: dns, port: 53, targetPort: 8080, protocol: UDP}]'),
                service('lb', 'type: LoadBalancer\nallocateLoadBalancerNodePorts: false', '[{port: 8888, targetPort: 8080}]'),
                service('none', 'clusterIP: None'), service('db', 'type: ExternalName\nexternalName: db.example.com', '', ''),
                service('ext', 'externalIPs: [203.0.113.9]', selector=''),
                'apiVersion: v1\nkind: Endpoints\nmetadata: {name: ext}\nsubsets:\n'
                '- addresses: [{ip: 192.0.2.1}, {ip: 192.0.2.2}, {ip: 192.0.2.3}, {ip: 192.0.2.4}]\n'
                '  ports: [{port: 7000}]\n',
                server('a', probe=True), server('b', probe=True)))
            self.wait_endpoints('web', 2)
            self.exec('b', 'rm', '/tmp/ready')
            self.wait_endpoints('web', 1)
            a, b = (self.status(n)['podIP'] for n in 'ab')
            ip = {n: self.address(n) for n in ('web', 'lb', 'ext')}
            port = self.node_port('web', 1)
            rows = self.rows('svc', '-o', 'wide')
            self.assertEqual(rows['NAME'], ['TYPE', 'CLUSTER-IP', 'EXTERNAL-IP', 'PORT(S)', 'AGE', 'SELECTOR'])
            for name, want in {'web': ['NodePort', ip['web'], '<none>', f'80:30080/TCP,53:{port}/UDP'],
                               'lb': ['LoadBalancer', ip['lb'], '198.51.100.1', '8888/TCP'],
                               'none': ['ClusterIP', 'None', '<none>', '80/TCP'],
                               'db': ['ExternalName', '<none>', 'db.example.com', '<none>'],
                               'ext': ['ClusterIP', ip['ext'], '203.0.113.9', '80/TCP']}.items():
                self.assertEqual(rows[name][:4], want)
            self.assertEqual(rows['web'][5], 'app=web')
            # Not those that are not ready; no more than three.
            rows = self.rows('ep')
            self.assertEqual(rows['web'][0], f'{a}:8080,{a}:8080')
            self.assertEqual(rows['none'][0], f'{a}:8080')
            self.assertEqual(' '.join(rows['ext'][:4]), '192.0.2.1:7000,192.0.2.2:7000,192.0.2.3:7000 + 1 more...')
            self.assertNotIn('db', rows)
            name, rest = next(iter(self.rows('endpointslices', '-l', 'kubernetes.io/service-name=none',
                                             '--no-headers').items()))
            self.assertRegex(name, '^none-[a-z0-9]{5}$')
            self.assertEqual(rest[:3], ['IPv4', '8080', f'{a},{b}'])
            # Whole, with what it was given.
            web = json.loads(self.get('svc', 'web', '-o', 'json'))
            self.assertEqual(web['spec']['clusterIPs'], [ip['web']])
            self.assertEqual([p['nodePort'] for p in web['spec']['ports']], [30080, port])
            lb = json.loads(self.get('service/lb', '-o', 'json'))
            self.assertEqual(lb['status']['loadBalancer']['ingress'], [{'ip': '198.51.100.1', 'ipMode': 'VIP'}])
            both = json.loads(self.get('endpoints', 'web', '-o', 'json'))['subsets'][0]
            self.assertEqual([x['ip'] for x in both['addresses']], [a])
            self.assertEqual([x['targetRef']['name'] for x in both['notReadyAddresses']], ['b'])
            slice_of = json.loads(self.get('endpointslices', '-o', 'json', '-l', 'kubernetes.io/service-name=web'))
            self.assertEqual({e['targetRef']['name']: e['conditions']['ready'] for e in slice_of['items'][0]['endpoints']},
                             {'a': True, 'b': False})
            self.assertIn('clusterIP: None', self.get('svc', 'none', '-o', 'yaml'))

    def test_other_kinds_names_and_errors(self):
        self.play(together(service('web'), deployment('web', 2),
                           'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: b, c: d}\n',
                           service('far', namespace='far'),
                           'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p}\nspec:\n'
                           '  podSelector: {matchLabels: {app: web}, matchExpressions: [{key: x, operator: In, '
                           'values: [a, b]}, {key: z, operator: DoesNotExist}]}\n',
                           'apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i}\nspec:\n'
                           '  ingressClassName: main\n  tls: [{hosts: [a.example], secretName: t}]\n  rules:\n'
                           + ''.join(f'  - {{host: {h}.example, http: {{paths: [{{path: /, pathType: Prefix, backend: '
                                     '{service: {name: web, port: {number: 80}}}}]}}\n' for h in 'abcd')))
        self.wait_endpoints('web', 2)
        first = self.pods()[0]
        self.assertEqual(self.rows('deploy')['web'][:3], ['2/2', '2', '2'])
        self.assertEqual(self.rows('pods')[first][:3], ['1/1', 'Running', '0'])
        self.assertEqual(self.rows('po', first, '-o', 'wide')[first][4], self.status(first)['podIP'])
        self.assertEqual(' '.join(self.rows('netpol')['p'][:-1]), 'app=web,x in (a,b),!z')
        ingress = self.get('ing').splitlines()
        self.assertEqual(ingress[0].split(), ['NAME', 'CLASS', 'HOSTS', 'ADDRESS', 'PORTS', 'AGE'])
        self.assertRegex(ingress[1], r'^i +main +a\.example,b\.example,c\.example \+ 1 more\.\.\. +80, 443 ')
        self.assertEqual(self.rows('cm')['c'][0], '2')
        self.assertEqual(self.get('svc', '-A', '--no-headers').split()[0:2], ['default', 'web'])
        self.assertEqual(self.get('svc', '-n', 'far', '-o', 'name'), 'service/far\n')
        both = self.get('all')
        for text in ('pod/' + first, 'service/web', 'deployment.apps/web', '\n\n'):
            self.assertIn(text, both)
        self.assertEqual(json.loads(self.get('pod', first, '-o', 'json'))['status']['phase'], 'Running')
        self.assertEqual(len(json.loads(self.get('svc,pods', '-o', 'json'))['items']), 3)
        self.assertEqual(self.kpod('get', 'secrets').stderr, 'No resources found in default namespace.\n')
        for argv, says in ((['svc', 'x'], 'services "x" not found'), (['deploy', 'x'], 'deployments.apps "x" not found'),
                           (['nonsense'], 'there is no kind "nonsense"'), ([], 'which kind?'),
                           (['svc', '-o', 'xml'], 'wanted wide, json, yaml or name')):
            self.assertIn(says, self.kpod('get', *argv, rc=125).stderr)
