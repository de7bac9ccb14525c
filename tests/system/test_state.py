"""docs/state-on-disk.md and what lies there: no file that it does not name, none named that is not there."""
import pathlib
import re

from harness import SOURCE, KpodTest, can_map_owners, claim, pod

APP = '''\
apiVersion: v1
kind: ConfigMap
metadata: {name: config}
data: {a: "1"}
---
apiVersion: v1
kind: Secret
metadata: {name: secret}
stringData: {a: hidden-word}
---
''' + claim('claim') + '---\n' + claim('device', ', volumeMode: Block') + '''---
apiVersion: v1
kind: Service
metadata: {name: service}
spec: {selector: {app: a}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: a, labels: {app: a}}
spec:
  terminationGracePeriodSeconds: 0
  volumes:
  - {name: disk, emptyDir: {}}
  - {name: memory, emptyDir: {medium: Memory}}
  - {name: config, configMap: {name: config}}
  - {name: secret, secret: {secretName: secret}}
  - {name: claim, persistentVolumeClaim: {claimName: claim}}
  - {name: device, persistentVolumeClaim: {claimName: device}}
  - {name: token, projected: {sources: [{serviceAccountToken: {path: token}}]}}
  initContainers: [{name: first, image: busybox, command: [sh, -c, "echo begun"]}]
  containers:
  - name: main
    image: busybox
    command: [sh, -c, "echo x > /disk/x; echo y > /memory/in-memory; echo z > /claim/z; echo w > /w; exec sleep 1000"]
    ports: [{containerPort: 80, hostPort: 18083}]
    volumeMounts:
    - {name: disk, mountPath: /disk}
    - {name: memory, mountPath: /memory}
    - {name: config, mountPath: /config}
    - {name: secret, mountPath: /secret}
    - {name: claim, mountPath: /claim}
    - {name: token, mountPath: /token}
'''

if can_map_owners():
    APP += '---\n' + pod('mapped', 'exec sleep 1000', 'hostUsers: false\n')


def rows(document, prefix=''):
    """The first column of each table, by the heading above it."""
    out, heading = {}, ''
    for line in (SOURCE / 'docs' / document).read_text().splitlines():
        heading = line if line.startswith('#') else heading
        if found := re.match(r'\| `([^`]+)`', line):
            out.setdefault(heading.strip('# '), []).append(prefix + found[1])
    return out


def pattern(row):
    """`<word>` is a part of one path segment; below a directory ("x/") is anything."""
    text = re.sub(r'<[^>]+>', r'[^/]+', re.sub(r'^<(root|run)>', r'\1', row).replace('.', r'\.'))
    return re.compile(text + '.*' if row.endswith('/') else text)


class State(KpodTest):
    def there(self):
        """Files, sockets, and directories in which nothing is, as root/... and run/..."""
        out = []
        for name, base in (('root', self.root), ('run', self.run_dir)):
            for path in pathlib.Path(base).rglob('*'):
                if path.is_symlink() or not path.is_dir() or not any(path.iterdir()):
                    out.append(f'{name}/{path.relative_to(base)}' + ('/' if path.is_dir() else ''))
        return out

    def test_the_document(self):
        self.played.append(self.write('app.yaml', APP))
        self.play(APP)
        self.wait(lambda: self.exec('a', 'cat', '/w', rc=None) == 'w\n', 'it runs')
        document = rows('state-on-disk.md')
        images = [r for table in rows('state-on-disk-images.md', '<root>/images/').values() for r in table]
        always = [*document['What is wanted'], *document['What there is'], *images]
        if not can_map_owners():
            always = [row for row in always if 'user-range' not in row]
        named = [pattern(row) for row in always + document['In passing']]
        there = self.there()
        self.assertGreater(len(there), 25)
        self.assertEqual([p for p in there if not p.startswith('root/images/tmp/') and not any(n.fullmatch(p) for n in named)], [])
        self.assertEqual([row for row in always if not row.startswith('<root>/images/tmp/') and not any(pattern(row).fullmatch(p) for p in there)], [])
        # What is in memory is not here.
        self.assertEqual([p for p in there if p.endswith('in-memory')], [])
        volumes = self.root / 'pods/default_a/volumes'
        self.assertEqual([list((volumes / v).iterdir()) for v in ('secret', 'memory', 'token')], [[], [], []])

    def test_what_down_leaves(self):
        path = self.write('app.yaml', APP)
        self.played.append(path)
        self.play(APP)
        self.wait(lambda: self.exec('a', 'cat', '/w', rc=None) == 'w\n', 'it has written')
        self.kpod('kube', 'down', path)
        left = [p for p in self.there() if not p.startswith(('root/images/', 'run/locks/'))]
        files = [p for p in left if not p.endswith('/')]
        self.assertEqual(sorted(re.sub('[0-9a-f]{16}', 'HASH', p) for p in files),
                         ['root/events/events.jsonl', 'root/network/config.json', 'root/objects/.settled-default',
                          'root/objects/default/PersistentVolumeClaim/claim.json',
                          'root/objects/default/PersistentVolumeClaim/device.json', 'root/service-account/jwks.json',
                          'root/service-account/signer.pem', 'root/volumes/default_claim/data/z', 'root/volumes/default_device/block',
                          'run/seccomp/HASH.bpf'])
