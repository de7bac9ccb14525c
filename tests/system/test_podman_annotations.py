"""Annotations of Podman's `kube play`, in manifests that were written for it."""
import pathlib

from harness import KpodTest

KEY = 'io.podman.annotations.'


def annotated(name, annotations, containers, volumes=''):
    lines = ''.join(f"    {KEY}{k}: '{v}'\n" for k, v in annotations.items())
    return (f'apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n  annotations:\n{lines}'
            f'spec:\n  terminationGracePeriodSeconds: 0\n{volumes}  containers:\n{containers}')


def container(name, mounts=''):
    return f'  - name: {name}\n    image: busybox\n    command: [sleep, "1000"]\n{mounts}'


class PodmanAnnotations(KpodTest):
    def of_group(self, pod, name, controller, file):
        """What a file of the container's group says, in whichever hierarchy the controller is."""
        groups = pathlib.Path(f'/proc/{self.pid(pod, name)}/cgroup').read_text().splitlines()
        for line in groups:
            _, controllers, path = line.split(':', 2)
            if controller in controllers.split(','):
                return pathlib.Path(f'/sys/fs/cgroup/{controller}{path}', file).read_text().strip()
        path = next(l.split(':', 2)[2] for l in groups if l.startswith('0::'))
        return pathlib.Path(f'/sys/fs/cgroup{path}', file).read_text().strip()

    def test_limits(self):
        self.play(annotated('web', {'ulimit': 'nofile=512:1024', 'pids-limit/a': 20, 'cpuset/a': 0, 'memory-nodes/a': 0},
                            container('a') + container('b')))
        self.wait_running('web')
        show = ('sh', '-c', 'ulimit -Sn; ulimit -Hn')
        self.assertEqual(self.exec('web', '-c', 'a', '--', *show), '512\n1024\n')
        self.assertEqual(self.exec('web', '-c', 'b', '--', *show), '512\n1024\n')
        self.assertEqual(self.of_group('web', 'a', 'pids', 'pids.max'), '20')
        allowed = [l for l in self.exec('web', '-c', 'a', 'cat', '/proc/1/status').splitlines() if l.startswith('Cpus_allowed_list')]
        self.assertEqual(allowed, ['Cpus_allowed_list:\t0'])

    def test_volumes_of_another_container(self):
        mounts = '    volumeMounts: [{name: data, mountPath: /data}]\n'
        self.play(annotated('web', {'volumes-from/b': 'a:ro'}, container('a', mounts) + container('b'),
                            '  volumes: [{name: data, emptyDir: {}}]\n'))
        self.wait_running('web')
        self.exec('web', '-c', 'a', '--', 'sh', '-c', 'echo word > /data/file')
        self.assertEqual(self.exec('web', '-c', 'b', 'cat', '/data/file'), 'word\n')
        self.assertIn('Read-only file system', self.kpod('exec', 'web', '-c', 'b', 'touch', '/data/other', rc=1).stderr)

    def test_a_user_namespace(self):
        self.play(annotated('web', {'userns': 'auto'}, container('a')))
        self.wait_running('web')
        inside, outside, size = self.exec('web', 'cat', '/proc/self/uid_map').split()
        self.assertEqual((inside, size), ('0', '65536'))
        self.assertNotEqual(outside, '0')

    def test_what_is_not_carried_out_is_said(self):
        done = self.play(annotated('web', {'userns': 'keep-id', 'init/a': 'TRUE', 'invented': 'x'}, container('a')))
        for words in ('user namespace "keep-id" is not carried out', 'no init is put before', 'no such annotation of Podman'):
            self.assertIn(words, done.stderr)
        self.wait_running('web')

    def test_what_makes_no_sense_is_refused(self):
        path = self.write('bad.yaml', annotated('web', {'ulimit': 'files=1'}, container('a')))
        done = self.kpod('play', 'kube', path, rc=125)
        self.assertIn(f'6:35: error: Pod/web: metadata.annotations[{KEY}ulimit]: Invalid value', done.stderr)
        self.assertEqual(self.pods(), [])
