"""Volumes, looked at from inside the container and from outside."""
import os
import pathlib
import socket
import stat
import subprocess

from harness import KpodTest, pod


class Volumes(KpodTest):
    def test_a_container_starts_with_nothing_written_to_its_root(self):
        # What is mounted over /etc/hosts, /proc ... has its place in a layer that all share, and the
        # pod's own files lie in memory that the host does not see.
        self.play(pod('plain', 'sleep 1000'))
        self.wait_running('plain')
        folder = self.root / 'pods/default_plain'
        self.assertEqual(list((folder / 'main.0.upper').iterdir()), [])
        self.assertEqual(sorted(p.name for p in folder.iterdir()), ['main.0.log', 'main.0.upper', 'main.0.work', 'plan.json', 'status.json'])
        self.assertEqual(list((self.run_dir / 'pods/default_plain/memory').iterdir()), [])
        shown = self.exec('plain', '--', 'sh', '-c', 'stat -c "%a %n" / /etc /etc/hosts; df /dev/shm | tail -1')
        self.assertEqual(shown.splitlines()[:3], ['755 /', '755 /etc', '644 /etc/hosts'])
        self.assertIn('65536', shown)

    def test_empty_dir_is_shared_by_containers_and_survives_a_restart(self):
        self.play('''\
            apiVersion: v1
            kind: Pod
            metadata: {name: shared}
            spec:
              terminationGracePeriodSeconds: 0
              volumes:
              - {name: disk, emptyDir: {}}
              - {name: memory, emptyDir: {medium: Memory, sizeLimit: 2Mi}}
              - name: nothing
                emptyDir:
              containers:
              - name: writer
                image: busybox
                command: [sh, -c, "echo run >> /d/runs; echo m > /m/file; [ $(wc -l < /d/runs) -lt 2 ] && exit 1; sleep 1000"]
                volumeMounts: [{name: disk, mountPath: /d}, {name: memory, mountPath: /m}, {name: nothing, mountPath: /n}]
              - name: reader
                image: busybox
                command: [sleep, "1000"]
                volumeMounts:
                - {name: disk, mountPath: /elsewhere, readOnly: true}
                - {name: memory, mountPath: /m}
                - {name: disk, mountPath: /again}
            ''')
        self.wait(lambda: self.container('shared', 'writer').get('restartCount') == 1 and
                  'running' in self.container('shared', 'writer')['state'], 'the writer runs again')
        read = lambda *a, **m: self.exec('shared', '-c', 'reader', '--', *a, **m)
        self.wait(lambda: read('cat', '/elsewhere/runs') == 'run\nrun\n', 'both runs wrote')
        self.wait(lambda: read('cat', '/again/runs', '/m/file') == 'run\nrun\nm\n', 'the memory too')
        self.assertIn('Read-only', self.kpod('exec', 'shared', '-c', 'reader', '--', 'touch', '/elsewhere/x', rc=None).stderr)
        read('touch', '/again/x')
        kind = read('stat', '-f', '-c', '%T', '/m').strip()
        self.assertEqual(kind, 'tmpfs')
        self.assertNotEqual(0, self.kpod('exec', 'shared', '-c', 'reader', '--', 'dd', 'if=/dev/zero', 'of=/m/big', 'bs=1M', 'count=3',
                                         rc=None).returncode)
        self.assertEqual(read('stat', '-c', '%a', '/again', '/m').split(), ['777', '777'])
        # On disk it lies below the pod, and memory is seen by nobody outside.
        volumes = self.root / 'pods/default_shared/volumes'
        self.assertEqual((volumes / 'disk/runs').read_text(), 'run\nrun\n')
        self.assertEqual(os.listdir(volumes / 'memory'), [])

    def test_host_path_of_every_type(self):
        base = self.dir / 'host'
        base.mkdir()
        (base / 'folder').mkdir()
        (base / 'file').write_text('from the host\n')
        server = socket.socket(socket.AF_UNIX)
        self.addCleanup(server.close)
        server.bind(str(base / 'socket'))
        os.mknod(base / 'char', 0o600 | stat.S_IFCHR, os.makedev(1, 3))
        kinds = [('', 'made/plain'), ('DirectoryOrCreate', 'made/dir'), ('Directory', 'folder'), ('FileOrCreate', 'folder/new'),
                 ('File', 'file'), ('Socket', 'socket'), ('CharDevice', 'char')]
        volumes = ''.join(f'- name: v{i}\n  hostPath: {{path: {base}/{path}, type: "{kind}"}}\n' for i, (kind, path) in enumerate(kinds))
        mounts = ''.join(f'- {{name: v{i}, mountPath: /v{i}}}\n' for i in range(len(kinds)))
        self.play(pod('host', 'sleep 1000', 'volumes:\n' + volumes, 'volumeMounts:\n' + mounts))
        self.assertEqual(self.exec('host', 'cat', '/v4'), 'from the host\n')
        self.exec('host', 'sh', '-c', 'echo in > /v2/x; echo in > /v3; echo in > /v0/x')
        self.assertEqual([(base / p).read_text() for p in ('folder/x', 'folder/new', 'made/plain/x')], ['in\n'] * 3)
        self.assertEqual(self.exec('host', 'stat', '-c', '%F', '/v5', '/v6').splitlines(), ['socket', 'character special file'])

    def test_host_path_of_the_wrong_type_waits_in_the_kubelets_words(self):
        path = self.dir / 'a-file'
        path.write_text('x')
        self.play(pod('wrong', 'sleep 1000', f'volumes:\n- {{name: v, hostPath: {{path: {path}, type: Directory}}}}\n',
                      'volumeMounts: [{name: v, mountPath: /v}]\n'))
        self.assertIn(f'hostPath type check failed: {path} is not a directory', self.kpod('describe', 'pod', 'wrong').stdout)
        self.assertEqual(self.status('wrong')['phase'], 'Pending')
        path.unlink()
        path.mkdir()
        self.kpod('play', 'kube', self.dir / 'app.yaml')  # whoever looks again finds it
        self.wait_running('wrong')

    CONFIG = '''\
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: files}
        data: {a.txt: "%s", b.txt: "b\\n"}
        binaryData: {bytes: AAEC/w==}
        ---
        apiVersion: v1
        kind: Secret
        metadata: {name: keys}
        stringData: {token: "%s", other: o}
        '''

    def test_config_maps_and_secrets(self):
        self.play(self.CONFIG % ('first\\n', 's1'), name='config.yaml')
        self.play(pod('keyed', 'sleep 1000', '''\
            volumes:
            - {name: all, configMap: {name: files}}
            - {name: some, configMap: {name: files, defaultMode: 0440, items: [{key: a.txt, path: deep/er/x, mode: 0755}, {key: b.txt, path: z}]}}
            - {name: secret, secret: {secretName: keys, defaultMode: 0400}}
            - {name: none, secret: {secretName: absent, optional: true}}
            ''', '''\
            volumeMounts:
            - {name: all, mountPath: /all}
            - {name: some, mountPath: /some}
            - {name: secret, mountPath: /secret, readOnly: true}
            - {name: none, mountPath: /none}
            - {name: all, mountPath: /etc/one.txt, subPath: a.txt}
            '''))
        out = lambda *a: self.exec('keyed', *a)
        self.assertEqual(out('ls', '/all').split(), ['a.txt', 'b.txt', 'bytes'])
        self.assertEqual(out('cat', '/all/a.txt', '/some/deep/er/x', '/etc/one.txt'), 'first\n' * 3)
        self.assertEqual(out('od', '-An', '-tx1', '/all/bytes').split(), ['00', '01', '02', 'ff'])
        self.assertEqual(out('stat', '-Lc', '%a', '/all/a.txt', '/some/deep/er/x', '/some/z', '/secret/token').split(),
                         ['644', '755', '440', '400'])
        self.assertEqual(out('readlink', '/all/a.txt').strip(), '..data/a.txt')
        self.assertEqual(out('ls', '/none'), '')
        self.assertEqual(out('stat', '-f', '-c', '%T', '/secret').strip(), 'tmpfs')
        self.assertIn('Read-only', self.kpod('exec', 'keyed', 'touch', '/all/new', rc=None).stderr)
        self.assertIn('Read-only', self.kpod('exec', 'keyed', 'touch', '/secret/new', rc=None).stderr)
        # A secret's bytes are in memory alone, as far as the pod's directory goes.
        for path in (self.root / 'pods').rglob('*'):
            if path.is_file() and not path.is_symlink():
                self.assertNotIn(b's1', path.read_bytes(), path)

        # All files change at once, under a running process; what subPath mounted stays.
        pid = self.pid('keyed', 'main')
        before = [out('readlink', f'/{v}/..data') for v in ('all', 'secret')]
        self.play(self.CONFIG % ('second\\n', 's2'), name='config.yaml')
        self.wait(lambda: out('cat', '/all/a.txt') == 'second\n', 'the new content')
        self.assertEqual(out('cat', '/secret/token'), 's2')
        self.assertEqual(out('cat', '/some/deep/er/x'), 'second\n')
        self.assertEqual(out('cat', '/etc/one.txt'), 'first\n')
        self.assertNotEqual([out('readlink', f'/{v}/..data') for v in ('all', 'secret')], before)
        self.assertEqual(self.pid('keyed', 'main'), pid)

    def test_a_volume_whose_key_is_missing_waits(self):
        self.play(self.CONFIG % ('x', 'y'), name='config.yaml')
        self.play(pod('key', 'cat /v/x; sleep 1000', 'volumes:\n- {name: v, configMap: {name: files, items: [{key: c.txt, path: x}]}}\n',
                      'volumeMounts: [{name: v, mountPath: /v}]\n'))
        self.assertIn('configmap references non-existent config key: c.txt', self.kpod('ps').stdout)
        self.play('''\
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: files}
            data: {c.txt: "here\\n"}
            ''', name='later.yaml')
        self.wait_log('key', 'here')

    def test_a_missing_claim_waits_and_its_data_outlives_the_pod(self):
        claim = '''\
            apiVersion: v1
            kind: PersistentVolumeClaim
            metadata: {name: data}
            spec: {accessModes: [ReadWriteOnce], storageClassName: invented, resources: {requests: {storage: 1Gi}}}
            '''
        runs = pod('claims', 'echo run >> /data/db/runs; wc -l < /data/db/runs; ls /data/ro; sleep 1000',
                   'volumes:\n- {name: d, persistentVolumeClaim: {claimName: data}}\n',
                   'volumeMounts: [{name: d, mountPath: /data/db, subPath: db/main}, {name: d, mountPath: /data/ro, readOnly: true}]\n')
        self.play(runs)
        self.assertIn('persistentvolumeclaim "data" not found', self.kpod('ps').stdout)
        self.assertFalse((self.root / 'volumes/default_data').exists())
        self.play(claim, name='claim.yaml')
        self.wait_log('claims', '1')
        self.assertEqual((self.root / 'volumes/default_data/data/db/main/runs').read_text(), 'run\n')
        self.assertIn('Read-only', self.kpod('exec', 'claims', 'touch', '/data/ro/x', rc=None).stderr)
        self.down('app.yaml')
        self.down('claim.yaml')
        self.assertEqual((self.root / 'volumes/default_data/data/db/main/runs').read_text(), 'run\n')
        self.play(claim, name='claim.yaml')
        self.play(runs)
        self.wait_log('claims', '2')
        self.down('app.yaml')
        self.down('claim.yaml', '--force')
        self.assertFalse((self.root / 'volumes/default_data').exists())

    def test_sub_paths_stay_in_their_volume(self):
        outside = self.dir / 'outside'
        outside.mkdir()
        (outside / 'secret').write_text('of the host\n')
        volume = self.dir / 'volume'
        (volume / 'real/inner').mkdir(parents=True)
        (volume / 'real/inner/file').write_text('inside\n')
        (volume / 'good').symlink_to('real/inner')
        for name, to in (('absolute', outside), ('relative', '../outside'), ('proc', '/proc/self/root')):
            (volume / name).symlink_to(to)

        def play(sub, rc=0):
            return self.play(pod('sub', 'cat /v/file; sleep 1000', f'volumes:\n- {{name: v, hostPath: {{path: {volume}}}}}\n',
                                 f'volumeMounts: [{{name: v, mountPath: /v, subPath: "{sub}"}}]\n'), rc=rc)
        play('good')
        self.wait_log('sub', 'inside')
        self.down()
        for sub in ('absolute', 'relative', 'proc', 'absolute/secret', 'relative/made', 'proc/etc'):
            with self.subTest(sub=sub):
                self.assertIn('leaves the volume', play(sub, rc=125).stderr)
                self.assertEqual(self.pods(), [])
        self.assertEqual(os.listdir(outside), ['secret'])

    def test_file_onto_file_and_nested_mounts_in_any_order(self):
        self.play(['''\
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: m}
            data: {motd: "mine\\n", inner: "inner\\n"}
            ''', pod('nested', 'sleep 1000', '''\
            volumes:
            - {name: m, configMap: {name: m}}
            - {name: e, emptyDir: {}}
            - {name: f, emptyDir: {}}
            ''', '''\
            volumeMounts:
            - {name: m, mountPath: /srv/a/b/file, subPath: inner}
            - {name: f, mountPath: /srv/a/b}
            - {name: e, mountPath: /srv/a}
            - {name: m, mountPath: /etc/passwd, subPath: motd}
            - {name: m, mountPath: /not/there/yet, subPath: motd}
            ''')])
        self.assertEqual(self.exec('nested', 'cat', '/srv/a/b/file', '/etc/passwd', '/not/there/yet'), 'inner\nmine\nmine\n')
        lines = [l.split()[4] for l in self.exec('nested', 'cat', '/proc/self/mountinfo').splitlines()]
        order = [lines.index(p) for p in ('/srv/a', '/srv/a/b', '/srv/a/b/file')]
        self.assertEqual(order, sorted(order))

    def test_fs_group_owns_what_it_may_write(self):
        self.play(['''\
            apiVersion: v1
            kind: PersistentVolumeClaim
            metadata: {name: data}
            spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
            ---
            apiVersion: v1
            kind: Secret
            metadata: {name: keys}
            stringData: {token: t}
            ''', pod('group', 'sleep 1000', '''\
            securityContext: {runAsUser: 1000, runAsGroup: 1000, fsGroup: 2000}
            volumes:
            - {name: e, emptyDir: {}}
            - {name: m, emptyDir: {medium: Memory}}
            - {name: c, persistentVolumeClaim: {claimName: data}}
            - {name: s, secret: {secretName: keys, defaultMode: 0400}}
            ''', '''\
            volumeMounts:
            - {name: e, mountPath: /e}
            - {name: m, mountPath: /m}
            - {name: c, mountPath: /c}
            - {name: c, mountPath: /sub, subPath: made}
            - {name: s, mountPath: /s}
            ''')])
        self.assertEqual(self.exec('group', 'id', '-G').split(), ['1000', '2000'])
        for folder in ('/e', '/m', '/c', '/sub'):
            with self.subTest(folder=folder):
                self.assertEqual(self.exec('group', 'sh', '-c', f'touch {folder}/x && stat -c %g {folder}/x').strip(), '2000')
        self.assertEqual(self.exec('group', 'cat', '/s/token'), 't')
        self.assertEqual(self.exec('group', 'stat', '-Lc', '%g %a', '/s/token').strip(), '2000 440')

    def test_mounts_travel_as_the_mount_says(self):
        base = self.dir / 'travel'
        for name in ('in', 'out'):
            (base / name).mkdir(parents=True)
        containers = ''.join(f'  - {{name: {name}, image: busybox, command: [sleep, "1000"], securityContext: {{privileged: true}}, '
                             f'volumeMounts: [{{name: v, mountPath: /v, mountPropagation: {kind}}}]}}\n'
                             for name, kind in (('none', 'None'), ('slave', 'HostToContainer'), ('both', 'Bidirectional')))
        self.play('apiVersion: v1\nkind: Pod\nmetadata: {name: travel}\nspec:\n  terminationGracePeriodSeconds: 0\n'
                  f'  volumes: [{{name: v, hostPath: {{path: {base}}}}}]\n  containers:\n' + containers)
        self.addCleanup(subprocess.run, ['umount', '-R', base / 'out'])
        self.addCleanup(subprocess.run, ['umount', base / 'in'])
        subprocess.run(['mount', '-t', 'tmpfs', 'in', base / 'in'], check=True)
        (base / 'in/file').touch()
        self.exec('travel', '-c', 'both', '--', 'sh', '-c', 'mount -t tmpfs out /v/out && touch /v/out/file')
        seen = {c: self.exec('travel', '-c', c, '--', 'sh', '-c', 'cd /v; ls in out').split() for c in ('none', 'slave', 'both')}
        both = ['in:', 'file', 'out:', 'file']
        self.assertEqual(seen, {'none': ['in:', 'out:'], 'slave': both, 'both': both})
        self.assertEqual(os.listdir(base / 'out'), ['file'])

    def test_unused_mounts_do_not_reach_the_host(self):
        self.play(pod('quiet', 'sleep 1000', 'volumes:\n- {name: m, emptyDir: {medium: Memory}}\n', 'volumeMounts: [{name: m, mountPath: /m}]\n'))
        self.wait_running('quiet')
        mounts = pathlib.Path('/proc/self/mountinfo').read_text()
        self.assertNotIn(str(self.root / 'pods'), mounts)
