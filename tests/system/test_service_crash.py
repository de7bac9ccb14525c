"""Services, whoever is killed while they are made, changed or taken away: the files and the kernel say
the same after the next command."""
import json
import re
import subprocess

from crash import CrashTest
from network_case import ask

APP = '''\
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: c
    image: busybox
    command: [sh, -c, "while true; do echo web | nc -l -p 8080; done"]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: %(type)s, selector: {app: web}, ports: [{port: %(port)s, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: pods}
spec: {clusterIP: None, selector: {app: web}}
---
apiVersion: v1
kind: Service
metadata: {name: sticky}
spec: {sessionAffinity: ClientIP, ports: [{port: 80}, {name: b, port: 81}]}
---
apiVersion: v1
kind: Endpoints
metadata: {name: sticky}
subsets: [{addresses: [{ip: 192.0.2.%(last)s}, {ip: 192.0.2.9}], ports: [{port: 80}]}]
'''.replace('{port: 80}, {name: b', '{name: a, port: 80}, {name: b').replace('ports: [{port: 80}]}]', 'ports: [{name: a, port: 80}]}]')
FIRST = APP % {'type': 'LoadBalancer', 'port': 18090, 'last': 1}
SECOND = APP % {'type': 'NodePort', 'port': 18091, 'last': 2}


class ServiceCrash(CrashTest):
    def setUp(self):
        super().setUp()
        self.first = self.write('first.yaml', FIRST)
        self.second = self.write('second.yaml', SECOND)
        self.played += [self.first]

    def in_node(self, name):
        """The elements of a map of the node's table."""
        text = subprocess.run(['nsenter', f'--net={self.run_dir}/netns/node', 'nft', '-j', 'list', 'map', 'ip', 'kpod', name],
                              capture_output=True, text=True, check=False).stdout
        found = re.search(r'"elem": (\[.*\])', text)
        return json.loads(text)['nftables'][1]['map'].get('elem', []) if found else []

    def services_disagree(self):
        """What files and kernel say of Services, where they do not agree."""
        wrong = []
        objects = {n.removesuffix('.json') for n in self.names('objects', 'default', 'Service')}
        given = {n.removeprefix('default_').removesuffix('.json') for n in self.names('network', 'services')}
        if objects != given:
            wrong.append(f'Services {objects}, given to {given}')
        path = self.run_dir / 'services/default.json'
        records = {s['name']: s for s in json.loads(path.read_text())['services']} if path.exists() else {}
        if set(records) != objects:
            wrong.append(f'Services {objects}, a table of {set(records)}')
        if (self.run_dir / 'services/changing').exists():
            wrong.append('the rules are being changed')
        served = endpoints = 0
        for s in records.values():
            for i, _ in enumerate(s['ports'] if s.get('clusterIPs') else []):
                count = sum(1 for e in s['endpoints'] if e.get('ready') and e['ports'][i])
                served += count > 0
                endpoints += count
        for name, wanted in (('services', served), ('endpoints', endpoints)):
            if len(self.in_node(name)) != wanted:
                wrong.append(f'{len(self.in_node(name))} {name} in the node, {wanted} in the table')
        return wrong

    def disagreements(self):
        return super().disagreements() + self.services_disagree()

    def network_disagreements(self, alive):
        # Services keep the node while no pod is there.
        keeps = bool(self.names('network', 'services'))
        return [w for w in super().network_disagreements(alive) if not (keeps and w == 'a node without pods')]

    def whole(self, manifest):
        self.next('play', 'kube', manifest)
        port, other = (18090, 18091) if manifest == self.first else (18091, 18090)
        record = {s['name']: s for s in json.loads((self.run_dir / 'services/default.json').read_text())['services']}['web']
        self.wait(lambda: ask(record['clusterIPs'][0], port) == 'web\n', f'its address answers, after {self.killed}')
        node = record['ports'][0]['nodePort']
        self.wait(lambda: ask('127.0.0.1', node) == 'web\n', f'its node port answers, after {self.killed}')
        self.assertEqual(ask(record['clusterIPs'][0], other), '', self.killed)
        if manifest == self.first:
            self.wait(lambda: ask('127.0.0.1', 18090) == 'web\n', f'its port of the machine answers, after {self.killed}')
        else:
            self.assertEqual(ask('127.0.0.1', 18090), '', self.killed)
        self.agree('played again')

    def gone(self, manifest):
        self.next('kube', 'down', '--force', manifest)
        self.assertEqual(self.names('network', 'services'), [], self.killed)
        self.assertNotIn('ip kpod', subprocess.run(['nft', 'list', 'tables'], capture_output=True, text=True, check=True).stdout)
        self.agree('down')

    def kill_each(self, wanted, whos, argv, before, after):
        for who in whos:
            before()
            _, calls = self.killing(who, 0, *argv)
            self.assertGreater(calls, 0, who)
            after()
            for when in self.moments(calls, wanted):
                before()
                self.killing(who, when, *argv)
                after()

    def after(self):
        if self.random.random() < 0.7:
            self.whole(self.random.choice([self.first, self.second]))
        self.gone(self.second)

    def test_play(self):
        self.kill_each(12, ['kpod'], ('play', 'kube', self.first), lambda: None, self.after)
        self.kill_each(4, ['kpod-supervisor', 'kpod-supervisor+1'], ('play', 'kube', self.first), lambda: None, self.after)

    def test_a_change(self):
        self.kill_each(12, ['kpod'], ('play', 'kube', self.second), lambda: self.next('play', 'kube', self.first), self.after)

    def test_down(self):
        self.kill_each(8, ['kpod'], ('kube', 'down', self.first), lambda: self.next('play', 'kube', self.first), self.after)
