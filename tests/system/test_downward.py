"""The downward API: what a container is told of its own pod, as variables and as files."""
import os

from harness import KpodTest


class Downward(KpodTest):
    def test_every_field_and_resource_as_a_variable(self):
        field = lambda name, path: f'- {{name: {name}, valueFrom: {{fieldRef: {{fieldPath: "{path}"}}}}}}\n'
        resource = lambda name, what, more='': f'- {{name: {name}, valueFrom: {{resourceFieldRef: {{resource: {what}{more}}}}}}}\n'
        env = ''.join([
            field('NAME', 'metadata.name'), field('NAMESPACE', 'metadata.namespace'), field('UID_', 'metadata.uid'),
            field('LABEL', "metadata.labels['app']"), field('NOTE', "metadata.annotations['example.com/note']"),
            field('NODE', 'spec.nodeName'), field('ACCOUNT', 'spec.serviceAccountName'),
            field('POD_IP', 'status.podIP'), field('POD_IPS', 'status.podIPs'), field('HOST_IP', 'status.hostIP'),
            resource('CPU', 'limits.cpu'), resource('MILLI', 'limits.cpu', ', divisor: 1m'), resource('MEMORY', 'limits.memory', ', divisor: 1Mi'),
            resource('WANTS', 'requests.memory'), resource('OTHER', 'requests.cpu', ', containerName: other, divisor: 1m'),
            resource('DISK', 'limits.ephemeral-storage'),
            '- {name: URL, value: "http://$(POD_IP):80/$(NAME)"}\n'])
        self.play('apiVersion: v1\nkind: Pod\n'
                  'metadata: {name: told, labels: {app: front}, annotations: {example.com/note: "a b"}}\n'
                  'spec:\n  terminationGracePeriodSeconds: 0\n  serviceAccountName: robot\n  volumes: [{name: v, emptyDir: {}}]\n'
                  '  containers:\n  - name: main\n    image: busybox\n'
                  '    command: [sh, -c, "echo args: $0; exec sleep 1000", "$(URL)"]\n'
                  '    resources: {limits: {cpu: 1500m, memory: 64Mi}}\n'
                  '    volumeMounts: [{name: v, mountPath: /v, subPathExpr: logs/$(POD_IP)}]\n'
                  '    env:\n' + ''.join('    ' + line + '\n' for line in env.splitlines()) +
                  '  - name: other\n    image: busybox\n    command: [sleep, "1000"]\n    resources: {requests: {cpu: 250m}}\n')
        status = self.status('told')
        ip, host = status['podIP'], status['hostIP']
        self.wait_log('told', f'args: http://{ip}:80/told', '-c', 'main')
        told = self.read('told', 'plan.json')
        disk = os.statvfs(self.root)
        want = dict(NAME='told', NAMESPACE='default', UID_=told['uid'], LABEL='front', NOTE='a b', NODE=os.uname().nodename,
                    ACCOUNT='robot', POD_IP=ip, POD_IPS=ip, HOST_IP=host, CPU='2', MILLI='1500', MEMORY='64',
                    WANTS=str(64 << 20), OTHER='250', DISK=str(disk.f_blocks * disk.f_frsize), URL=f'http://{ip}:80/told')
        pid = self.pid('told', 'main')
        with open(f'/proc/{pid}/environ') as f:
            of_process = dict(line.split('=', 1) for line in f.read().split('\0') if line)
        # exec sees what the container's own process sees.
        of_exec = dict(line.split('=', 1) for line in self.exec('told', '-c', 'main', '--', 'env').splitlines())
        for env_of in (of_process, of_exec):
            self.assertEqual({k: env_of.get(k) for k in want}, want)
        self.assertEqual(self.exec('told', '-c', 'main', '--', 'hostname', '-i').split(), [ip])
        self.assertEqual(os.listdir(self.root / 'pods/default_told/volumes/v/logs'), [ip])
        # At that address the pod reaches the machine.
        self.exec('told', '-c', 'other', '--', 'ping', '-c', '1', '-w', '5', host)

    def test_limits_that_are_not_set_are_the_machines(self):
        self.play('''\
            apiVersion: v1
            kind: Pod
            metadata: {name: whole}
            spec:
              terminationGracePeriodSeconds: 0
              restartPolicy: Never
              containers:
              - name: main
                image: busybox
                command: [sh, -c, "echo $CPU $MEMORY $NONE"]
                env:
                - {name: CPU, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}
                - {name: MEMORY, valueFrom: {resourceFieldRef: {resource: limits.memory}}}
                - {name: NONE, valueFrom: {resourceFieldRef: {resource: requests.cpu}}}
            ''')
        memory = os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE')
        self.wait_log('whole', f'{os.cpu_count()} {memory} 0')

    def test_the_hosts_own_address_in_its_network(self):
        self.play('''\
            apiVersion: v1
            kind: Pod
            metadata: {name: alike}
            spec:
              terminationGracePeriodSeconds: 0
              hostNetwork: true
              containers:
              - name: main
                image: busybox
                command: [sh, -c, 'echo "<$POD><$HOST>"; sleep 1000']
                env:
                - {name: POD, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
                - {name: HOST, valueFrom: {fieldRef: {fieldPath: status.hostIP}}}
            ''')
        ip = self.status('alike').get('podIP', '')
        self.wait_log('alike', f'<{ip}><{ip}>')

    ENV_FILE = """\
        apiVersion: v1
        kind: Pod
        metadata: {name: written}
        spec:
          terminationGracePeriodSeconds: 0
          volumes: [{name: shared, emptyDir: {medium: %s}}]
          initContainers:
          - name: writer
            image: busybox
            command: [sh, -c, "printf '%%s' \\"$FILE\\" > /v/app.env"]
            env: [{name: FILE, value: "%s"}]
            volumeMounts: [{name: shared, mountPath: /v}]
          containers:
          - name: main
            image: busybox
            command: [sh, -c, 'echo "$ADDRESS|$TEXT|${NONE-unset}|$0"; exec sleep 1000', "to $(ADDRESS)"]
            livenessProbe: {exec: {command: [sh, -c, 'test "$ADDRESS" = here']}, periodSeconds: 1, failureThreshold: 1}
            env:
            - {name: ADDRESS, valueFrom: {fileKeyRef: {volumeName: shared, path: app.env, key: ADDRESS}}}
            - {name: TEXT, valueFrom: {fileKeyRef: {volumeName: shared, path: app.env, key: TEXT}}}
            - {name: NONE, valueFrom: {fileKeyRef: {volumeName: shared, path: app.env, key: NONE, optional: true}}}
        """

    def test_variables_that_an_init_container_wrote(self):
        for medium in ('""', 'Memory'):
            with self.subTest(medium=medium):
                self.play(self.ENV_FILE % (medium, "# made\\nADDRESS='here'\\nTEXT='a  $b'\\n"))
                self.wait_log('written', 'here|a  $b|unset|to here', '-c', 'main')
                self.assertEqual(self.exec('written', 'sh', '-c', 'echo $ADDRESS ${NONE-unset}').strip(), 'here unset')
                self.wait(lambda: self.container('written', 'main').get('ready'), 'the probe has the variable, too')
                self.down()

    def test_a_key_that_is_not_in_the_file_waits_in_the_kubelets_words(self):
        self.play(self.ENV_FILE % ('""', "ADDRESS='here'\\n"))
        waiting = lambda: self.container('written', 'main').get('state', {}).get('waiting', {})
        self.wait(lambda: waiting().get('reason') == 'CreateContainerConfigError', 'the container waits')
        self.assertIn('environment variable key "TEXT" not found in file "app.env"', waiting()['message'])
