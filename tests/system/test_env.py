"""Environment, command and arguments, as a container sees them."""
import json

from harness import KpodTest, pod


class Environment(KpodTest):
    images = ['busybox', 'redis']

    def test_values_references_and_order(self):
        self.play(['''\
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: settings}
            data: {colour: blue, size: "3", 1bad: skipped, with.dot: kept}
            ---
            apiVersion: v1
            kind: Secret
            metadata: {name: keys}
            stringData: {token: s3cret, colour: red}
            ''', pod('env', 'env; sleep 1000', container_extra='''\
            envFrom:
            - configMapRef: {name: settings}
            - {prefix: KEY_, secretRef: {name: keys}}
            - configMapRef: {name: absent, optional: true}
            env:
            - {name: FIRST, value: one}
            - {name: SECOND, value: "$(FIRST) $(colour) $(KEY_token) $$(FIRST) $(UNKNOWN)"}
            - {name: colour, value: green}
            - {name: SIZE, valueFrom: {configMapKeyRef: {name: settings, key: size}}}
            - {name: TOKEN, valueFrom: {secretKeyRef: {name: keys, key: token}}}
            - {name: NONE, valueFrom: {secretKeyRef: {name: absent, key: x, optional: true}}}
            - {name: EMPTY}
            - {name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
            ''')])
        self.wait_log('env', 'HOSTNAME')
        seen = dict(line.split('=', 1) for line in self.exec('env', 'env').splitlines())
        want = {'colour': 'green', 'size': '3', 'with.dot': 'kept', 'KEY_token': 's3cret', 'KEY_colour': 'red',
                'FIRST': 'one', 'SECOND': 'one blue s3cret $(FIRST) $(UNKNOWN)', 'SIZE': '3', 'TOKEN': 's3cret',
                'EMPTY': '', 'POD': 'env', 'HOSTNAME': 'env', 'HOME': '/root'}
        self.assertEqual({k: seen.get(k) for k in want}, want)
        self.assertNotIn('NONE', seen)
        self.assertNotIn('1bad', seen)
        self.assertIn('InvalidEnvironmentVariableNames', self.kpod('events').stdout)
        self.assertIn('Keys [1bad] from the EnvFrom configMap default/settings were skipped', self.kpod('events').stdout)
        # The first process has the same as what is exec'ed.
        first = self.exec('env', 'sh', '-c', 'tr "\\0" "\\n" < /proc/1/environ')
        self.assertIn('SECOND=one blue s3cret', first)

    def test_command_args_and_working_directory(self):
        self.play('''\
            apiVersion: v1
            kind: Pod
            metadata: {name: words}
            spec:
              restartPolicy: Never
              containers:
              - name: expand
                image: busybox
                env: [{name: NAME, value: a value}]
                command: [echo, "$(NAME)", "$$(NAME)", "$(OTHER)"]
              - name: args
                image: busybox
                args: [echo, of the image's command nothing]
              - name: where
                image: busybox
                workingDir: /made/on/demand
                command: [pwd]
              - name: entry
                image: redis
                args: [echo, through the entrypoint]
            ''')
        self.wait_phase('words', 'Succeeded')
        for container, want in (('expand', 'a value $(NAME) $(OTHER)'), ('args', "of the image's command nothing"),
                                ('where', '/made/on/demand'), ('entry', 'through the entrypoint')):
            self.assertEqual(self.logs('words', '-c', container).strip(), want)

    def test_a_missing_key_makes_the_container_wait_until_it_comes(self):
        text = '''\
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: settings}
            data: {%s: blue}
            '''
        self.play(text % 'other', name='map.yaml')
        self.play(pod('waits', 'echo colour $COLOUR; sleep 1000', container_extra='''\
            env:
            - {name: COLOUR, valueFrom: {configMapKeyRef: {name: settings, key: colour}}}
            '''))
        words = "couldn't find key colour in ConfigMap default/settings"
        self.assertIn('CreateContainerConfigError', self.word('waits'))
        self.assertIn(words, self.kpod('ps').stdout)
        self.assertIn(words, self.kpod('describe', 'pod', 'waits').stdout)
        self.assertEqual(self.status('waits')['phase'], 'Pending')
        self.play(text % 'colour', name='map.yaml')
        self.wait_log('waits', 'colour blue')

    def test_one_of_two_containers_waits_and_the_other_runs(self):
        self.play('''\
            apiVersion: v1
            kind: Pod
            metadata: {name: half}
            spec:
              terminationGracePeriodSeconds: 0
              containers:
              - {name: runs, image: busybox, command: [sleep, "1000"]}
              - name: waits
                image: busybox
                command: [sh, -c, "echo $TOKEN; sleep 1000"]
                envFrom: [{secretRef: {name: keys}}]
            ''')
        self.wait(lambda: 'running' in self.container('half', 'runs').get('state', {}), 'one runs')
        pid = self.pid('half', 'runs')
        self.assertEqual(self.container('half', 'waits')['state']['waiting'],
                         {'reason': 'CreateContainerConfigError', 'message': 'secret "keys" not found'})
        self.play('''\
            apiVersion: v1
            kind: Secret
            metadata: {name: keys}
            data: {TOKEN: czNjcmV0}
            ''', name='secret.yaml')
        self.wait_log('half', 's3cret', '-c', 'waits')
        self.assertEqual(self.pid('half', 'runs'), pid)

    def test_names_of_the_pod(self):
        def fields(name, spec):
            return json.dumps({'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': name}, 'spec': dict(spec, **{
                'terminationGracePeriodSeconds': 0,
                'containers': [{'name': 'main', 'image': 'busybox', 'command': ['sleep', '1000']}]})}) + '\n---\n'

        self.play(fields('plain', {'hostAliases': [{'ip': '10.9.9.9', 'hostnames': ['db.local', 'db']}]}) +
                  fields('named', {'hostname': 'h1', 'subdomain': 'sub'}) +
                  fields('other', {'hostname': 'h3', 'subdomain': 'sub', 'hostnameOverride': 'its.own'}) +
                  fields('full', {'hostname': 'h2', 'subdomain': 'sub', 'setHostnameAsFQDN': True}) +
                  fields('resolver', {'dnsPolicy': 'None', 'dnsConfig': {
                      'nameservers': ['192.0.2.7'], 'searches': ['corp.example'], 'options': [{'name': 'ndots', 'value': '2'}]}}) +
                  fields('node', {'hostNetwork': True}), name='names.json')
        self.assertEqual(self.exec('plain', 'hostname').strip(), 'plain')
        self.assertEqual(self.exec('plain', 'cat', '/etc/hostname').strip(), 'plain')
        hosts = self.exec('plain', 'cat', '/etc/hosts')
        self.assertIn('10.9.9.9\tdb.local\tdb', hosts)
        self.assertIn(f'{self.status("plain")["podIP"]}\tplain', hosts)
        self.assertIn('10.9.9.9', self.exec('plain', 'ping', '-c', '1', '-W', '1', 'db', rc=None))
        self.assertEqual(self.exec('named', 'hostname').strip(), 'h1')
        self.assertIn('h1.sub.default.svc.cluster.local\th1', self.exec('named', 'cat', '/etc/hosts'))
        self.assertEqual(self.exec('other', 'hostname').strip(), 'its.own')
        self.assertIn('its.own', self.exec('other', 'cat', '/etc/hosts'))
        self.assertEqual(self.exec('full', 'hostname').strip(), 'h2.sub.default.svc.cluster.local')
        self.assertEqual(self.exec('resolver', 'cat', '/etc/resolv.conf'),
                         'search corp.example\nnameserver 192.0.2.7\noptions ndots:2\n')
        host = open('/proc/sys/kernel/hostname').read().strip()
        self.assertEqual(self.exec('node', 'hostname').strip(), host)
        self.assertIn(f'HOSTNAME={host}', self.exec('node', 'env'))
