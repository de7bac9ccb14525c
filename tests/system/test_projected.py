"""Volumes made of the pod itself and of objects: downwardAPI, projected, service account tokens."""
import base64
import json
import os
import subprocess
import time

from harness import KpodTest, deployment, need, pod


def unpadded(text):
    return base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))


class Projected(KpodTest):
    def test_downward_files_follow_the_pods_labels(self):
        text = '''\
            apiVersion: v1
            kind: Pod
            metadata: {name: told, labels: {app: front, tier: %s}, annotations: {note: "say \\"hi\\""}}
            spec:
              terminationGracePeriodSeconds: 0
              volumes:
              - name: info
                downwardAPI:
                  defaultMode: 0440
                  items:
                  - {path: labels, fieldRef: {fieldPath: metadata.labels}}
                  - {path: deep/annotations, fieldRef: {fieldPath: metadata.annotations}, mode: 0400}
                  - {path: app, fieldRef: {fieldPath: "metadata.labels['app']"}}
                  - {path: memory, resourceFieldRef: {containerName: main, resource: limits.memory, divisor: 1Mi}}
              containers:
              - name: main
                image: busybox
                command: [sleep, "1000"]
                resources: {limits: {memory: 64Mi}}
                volumeMounts: [{name: info, mountPath: /info}, {name: info, mountPath: /one, subPath: labels}]
            '''
        self.play(text % 'a')
        read = lambda *paths: self.exec('told', 'cat', *paths)
        self.assertEqual(read('/info/labels'), 'app="front"\ntier="a"')
        self.assertEqual(read('/info/deep/annotations'), 'note="say \\"hi\\""')
        self.assertEqual(read('/info/app', '/info/memory'), 'front64')
        self.assertEqual(self.exec('told', 'stat', '-Lc', '%a', '/info/labels', '/info/deep/annotations').split(), ['440', '400'])
        self.assertIn('Read-only', self.kpod('exec', 'told', 'touch', '/info/new', rc=None).stderr)
        pid = self.pid('told', 'main')
        self.play(text % 'b')
        self.wait(lambda: read('/info/labels') == 'app="front"\ntier="b"', 'the new label')
        self.assertEqual(read('/one'), 'app="front"\ntier="a"')  # what subPath mounted stays
        self.assertEqual(self.pid('told', 'main'), pid)

    OBJECTS = '''\
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: settings}
        data: {a: "%s", b: two}
        ---
        apiVersion: v1
        kind: Secret
        metadata: {name: keys}
        stringData: {b: "%s", key: k}
        '''

    def test_sources_are_one_directory_that_changes_at_once(self):
        self.play(self.OBJECTS % ('one', 'from the secret'), name='objects.yaml')
        self.play(pod('all', 'sleep 1000', '''\
            volumes:
            - name: v
              projected:
                defaultMode: 0444
                sources:
                - configMap: {name: settings}
                - secret: {name: keys, items: [{key: b, path: b}, {key: key, path: deep/key, mode: 0400}]}
                - downwardAPI: {items: [{path: name, fieldRef: {fieldPath: metadata.name}}]}
                - secret: {name: absent, optional: true}
            ''', 'volumeMounts: [{name: v, mountPath: /v}]\n'))
        read = lambda *paths: self.exec('all', 'cat', *paths)
        self.assertEqual(self.exec('all', 'ls', '/v').split(), ['a', 'b', 'deep', 'name'])
        self.assertEqual(read('/v/a', '/v/b', '/v/deep/key', '/v/name'), 'onefrom the secretkall')
        self.assertEqual(self.exec('all', 'stat', '-Lc', '%a', '/v/a', '/v/deep/key').split(), ['444', '400'])
        self.assertEqual(self.exec('all', 'stat', '-f', '-c', '%T', '/v').strip(), 'tmpfs')
        for path in (self.root / 'pods').rglob('*'):
            if path.is_file() and not path.is_symlink():
                self.assertNotIn(b'from the secret', path.read_bytes(), path)
        before = self.exec('all', 'readlink', '/v/..data')
        self.play(self.OBJECTS % ('uno', 'changed'), name='objects.yaml')
        self.wait(lambda: read('/v/a', '/v/b') == 'unochanged', 'the new content')
        self.assertNotEqual(self.exec('all', 'readlink', '/v/..data'), before)

    def test_every_pod_that_mounts_an_object_follows_it_whatever_the_file_says_first(self):
        # Two namespaces, pods before and after their objects, by Deployment and alone.
        config = lambda ns, text: f'apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c, namespace: {ns}}}\ndata: {{x: "{text}"}}\n'
        volume = 'volumes: [{name: v, configMap: {name: c}}]\n'
        mount = 'volumeMounts: [{name: v, mountPath: /v}]\nenv: [{name: X, valueFrom: {configMapKeyRef: {name: c, key: x}}}]\n'
        namespaces = [f'apiVersion: v1\nkind: Namespace\nmetadata: {{name: {ns}}}\n' for ns in ('one', 'two')]
        alone = lambda ns: pod('alone', 'sleep 1000', volume, mount, namespace=ns)
        many = deployment('many', '- {name: main, image: busybox, command: [sleep, "1000"], volumeMounts: [{name: v, mountPath: /v}]}\n',
                          replicas=2, extra=volume, namespace='two')
        self.play([*namespaces, alone('two'), config('two', 'old'), many, config('one', 'old'), alone('one')])
        pods = [(ns, name) for ns in ('one', 'two') for name in self.pods(ns)]
        self.assertEqual(len(pods), 4)
        read = lambda: [self.kpod('exec', '-n', ns, name, 'cat', '/v/x').stdout for ns, name in pods]
        self.assertEqual(read(), ['old'] * 4)
        self.play([config('two', 'new'), config('one', 'new')], name='config.yaml')
        self.wait(lambda: read() == ['new'] * 4, 'the new content in all')
        # Variables are of the start, as in a cluster.
        self.assertEqual(self.kpod('exec', '-n', 'one', 'alone', 'sh', '-c', 'tr "\\0" "\\n" < /proc/1/environ | grep ^X=').stdout, 'X=old\n')

    def test_an_immutable_object_stays_as_it_is_until_it_is_deleted(self):
        config = lambda text: f'apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\nimmutable: true\ndata: {{x: "{text}"}}\n'
        self.play([config('old'), pod('fixed', 'sleep 1000', 'volumes: [{name: v, configMap: {name: c}}]\n',
                                      'volumeMounts: [{name: v, mountPath: /v}]\n')])
        self.assertIn('ConfigMap "c" is invalid: data: Forbidden: field is immutable when `immutable` is set',
                      self.play(config('new'), name='config.yaml', rc=125).stderr)
        self.assertEqual(self.exec('fixed', 'cat', '/v/x'), 'old')
        self.down('config.yaml')
        self.play(config('new'), name='config.yaml')
        self.wait(lambda: self.exec('fixed', 'cat', '/v/x') == 'new', 'what was made anew')

    def test_a_token_that_can_be_verified(self):
        need('openssl')
        self.play('''\
            apiVersion: v1
            kind: Pod
            metadata: {name: token}
            spec:
              terminationGracePeriodSeconds: 0
              serviceAccountName: robot
              securityContext: {runAsUser: 1000, fsGroup: 2000}
              volumes:
              - name: kube-api-access
                projected:
                  sources:
                  - serviceAccountToken: {path: token}
                  - serviceAccountToken: {path: vault, audience: vault, expirationSeconds: 600}
                  - configMap: {name: kube-root-ca.crt, items: [{key: ca.crt, path: ca.crt}]}
                  - downwardAPI: {items: [{path: namespace, fieldRef: {fieldPath: metadata.namespace}}]}
              containers:
              - name: main
                image: busybox
                command: [sleep, "1000"]
                volumeMounts: [{name: kube-api-access, mountPath: /var/run/secrets/kubernetes.io/serviceaccount}]
            ''')
        folder = '/var/run/secrets/kubernetes.io/serviceaccount/'
        self.assertEqual(self.exec('token', 'ls', folder).split(), ['namespace', 'token', 'vault'])
        # The user that runs there owns it, and nobody but the group reads it.
        self.assertEqual(self.exec('token', 'stat', '-Lc', '%u %g %a', folder + 'token').strip(), '1000 2000 640')
        token = self.exec('token', 'cat', folder + 'token')
        head, claims, signature = token.split('.')
        told = json.loads(unpadded(claims))
        self.assertEqual(told['sub'], 'system:serviceaccount:default:robot')
        self.assertEqual(told['aud'], ['https://kubernetes.default.svc.cluster.local'])
        self.assertEqual(told['exp'] - told['iat'], 3600)
        self.assertLess(abs(told['iat'] - time.time()), 600)
        host = open('/proc/sys/kernel/hostname').read().strip()
        self.assertEqual(told['kubernetes.io']['node']['name'], host)
        self.assertEqual(told['kubernetes.io']['pod'], {'name': 'token', 'uid': self.read('token', 'plan.json')['uid']})
        vault = json.loads(unpadded(self.exec('token', 'cat', folder + 'vault').split('.')[1]))
        self.assertEqual((vault['aud'], vault['exp'] - vault['iat']), (['vault'], 600))

        # Whoever has the key set can check it: here by openssl, from the published point.
        (key,) = json.loads((self.root / 'service-account/jwks.json').read_text())['keys']
        self.assertEqual(json.loads(unpadded(head)), {'alg': 'ES256', 'kid': key['kid'], 'typ': 'JWT'})
        point = b'\x04' + unpadded(key['x']) + unpadded(key['y'])
        der = bytes.fromhex('3059301306072a8648ce3d020106082a8648ce3d030107034200') + point
        number = lambda b: (lambda n: b'\x02' + bytes([len(n)]) + n)((b'\0' if b[0] & 0x80 else b'') + b)
        raw = unpadded(signature)
        strip = lambda b: b.lstrip(b'\0') or b'\0'
        body = number(strip(raw[:32])) + number(strip(raw[32:]))
        for name, data in (('key', der), ('sig', b'\x30' + bytes([len(body)]) + body), ('text', f'{head}.{claims}'.encode())):
            (self.dir / name).write_bytes(data)

        def verify():
            return subprocess.run(['openssl', 'dgst', '-sha256', '-verify', self.dir / 'key', '-keyform', 'DER', '-signature', self.dir / 'sig',
                                   self.dir / 'text'], capture_output=True, text=True).stdout
        self.assertIn('Verified OK', verify())
        (self.dir / 'text').write_bytes(f'{head}.{claims}x'.encode())
        self.assertNotIn('Verified OK', verify())
        # Another play leaves a token that is young alone.
        self.play(self.OBJECTS % ('x', 'y'), name='objects.yaml')
        self.assertEqual(self.exec('token', 'cat', folder + 'token'), token)
        self.assertEqual(oct(os.stat(self.root / 'service-account/signer.pem').st_mode & 0o777), '0o600')

    def test_without_being_asked_no_token_is_mounted(self):
        self.play(pod('plain', 'sleep 1000'))
        self.assertNotEqual(0, self.kpod('exec', 'plain', 'ls', '/var/run/secrets/kubernetes.io', rc=None).returncode)

    def test_a_source_that_is_missing_waits(self):
        self.play(pod('waits', 'cat /v/a; sleep 1000', 'volumes: [{name: v, projected: {sources: [{configMap: {name: settings}}]}}]\n',
                      'volumeMounts: [{name: v, mountPath: /v}]\n'))
        self.assertIn('configmap "settings" not found', self.kpod('ps').stdout)
        self.play(self.OBJECTS % ('here\\n', 'x'), name='objects.yaml')
        self.wait_log('waits', 'here')
