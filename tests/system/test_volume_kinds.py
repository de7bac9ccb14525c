"""Volumes that are an image, and volumes that come and go with their pod."""
import os
import pathlib
import textwrap

from harness import KpodTest, image_archive, pod


class ImageVolumes(KpodTest):
    POD = '''\
        apiVersion: v1
        kind: Pod
        metadata: {name: reads}
        spec:
          terminationGracePeriodSeconds: 0
          securityContext: {fsGroup: 2000}
          volumes:
          - {name: many, image: {reference: localhost/layered, pullPolicy: IfNotPresent}}
          - {name: one, image: {reference: busybox, pullPolicy: Never}}
          containers:
          - name: main
            image: busybox
            command: [sleep, "1000"]
            volumeMounts:
            - {name: many, mountPath: /many}
            - {name: many, mountPath: /greet, subPath: bin/greet}
            - {name: one, mountPath: /one}
          - name: beside
            image: busybox
            command: [sleep, "1000"]
        '''

    def test_the_files_of_an_image_and_nothing_that_runs(self):
        # The image is not here yet: who mounts it waits in the words of a pull, the others run.
        self.play(self.POD)
        waiting = lambda: self.container('reads', 'main').get('state', {}).get('waiting', {})
        self.assertIn('localhost/layered', waiting()['message'])
        self.assertRegex(waiting()['reason'], 'ErrImagePull|ImagePullBackOff')
        self.assertIn('running', self.container('reads', 'beside')['state'])
        self.kpod('load', '-i', image_archive('layered'))
        self.addCleanup(self.kpod, 'rmi', '--force', 'localhost/layered')
        self.wait_running('reads')

        run = lambda *argv: self.kpod('exec', 'reads', '-c', 'main', '--', *argv, rc=None)
        # The layers as they stack, and the owners that the image gives.
        self.assertEqual(run('cat', '/many/data/changed', '/many/opaque/above', '/greet').stdout.splitlines(),
                         ['above', 'above', '#!/bin/sh', 'echo "greet: $*"'])
        self.assertEqual(run('ls', '/many/opaque').stdout.split(), ['above'])
        self.assertEqual(run('ls', '/many/data/removed').returncode, 1)
        self.assertEqual(run('stat', '-c', '%u %g', '/many/data/owned').stdout, '1500 1600\n')
        self.assertEqual(run('ls', '/one/bin/sh').stdout.strip(), '/one/bin/sh')
        for path in ('/many', '/one'):
            self.assertIn('Read-only', run('touch', f'{path}/x').stderr)
        for argv in (['/one/bin/busybox', 'true'], ['/greet'], ['sh', '-c', 'echo x > /many/data/null']):
            self.assertIn('ermission denied', run(*argv).stderr, argv)
        self.assertEqual(os.listdir(self.root / 'pods/default_reads/volumes/many'), [])
        shown = self.kpod('describe', 'pod', 'reads').stdout
        self.assertRegex(shown, r'Type: +Image \(a container image or OCI artifact\)\n +Reference: +localhost/layered\n +PullPolicy: +IfNotPresent')
        # A pod uses it, although no container was made from it.
        self.assertNotEqual(0, self.kpod('rmi', 'localhost/layered', rc=None).returncode)

    def test_a_volume_that_may_not_be_pulled_keeps_its_container_waiting(self):
        self.play(pod('never', 'sleep 1000', 'volumes: [{name: v, image: {reference: "nowhere.example/x:1", pullPolicy: Never}}]\n',
                      'volumeMounts: [{name: v, mountPath: /v}]\n'))
        waiting = self.container('never', 'main')['state']['waiting']
        self.assertEqual(waiting['reason'], 'ErrImageNeverPull')
        self.assertIn('nowhere.example/x:1', waiting['message'])


class EphemeralVolumes(KpodTest):
    VOLUME = '''\
        volumes:
        - name: scratch
          ephemeral:
            volumeClaimTemplate:
              metadata: {labels: {type: scratch}}
              spec:
                accessModes: [ReadWriteOnce]
                storageClassName: fast
                resources: {requests: {storage: 1Gi}}
        '''

    def test_it_has_the_pods_life_and_not_the_containers(self):
        self.play(pod('brief', 'echo run >> /v/runs; [ $(wc -l < /v/runs) -gt 1 ] && sleep 1000; exit 1',
                      'securityContext: {fsGroup: 2000}\n' + self.VOLUME.replace('        ', '', 1).replace('\n        ', '\n'),
                      'volumeMounts: [{name: scratch, mountPath: /v}]\n'))
        self.wait(lambda: self.container('brief', 'main').get('restartCount') == 1 and
                  'running' in self.container('brief', 'main')['state'], 'the second run')
        self.wait(lambda: self.exec('brief', 'cat', '/v/runs') == 'run\nrun\n', 'both have written')
        self.assertEqual(self.exec('brief', 'stat', '-c', '%g', '/v/runs').strip(), '2000')
        self.assertIn('EphemeralVolume (an inline specification for a volume that gets created and deleted with the pod)',
                      self.kpod('describe', 'pod', 'brief').stdout)
        self.down()
        self.assertFalse((self.root / 'pods/default_brief').exists())
        self.assertEqual(os.listdir(self.root / 'volumes') if (self.root / 'volumes').exists() else [], [])

    def test_a_claim_of_its_name_is_somebody_elses(self):
        self.play(['''\
            apiVersion: v1
            kind: PersistentVolumeClaim
            metadata: {name: brief-scratch}
            spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
            ''', pod('brief', 'sleep 1000', self.VOLUME, 'volumeMounts: [{name: scratch, mountPath: /v}]\n')])
        self.assertIn('PVC default/brief-scratch was not created for pod default/brief (pod is not owner)',
                      self.container('brief', 'main')['state']['waiting']['message'])


class BlockVolumes(KpodTest):
    CLAIM = '''\
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata: {name: disk}
        spec: {accessModes: [ReadWriteOnce], volumeMode: Block, resources: {requests: {storage: %s}}}
        '''
    VOLUME = 'volumes: [{name: d, persistentVolumeClaim: {claimName: disk}}]\n'

    def setUp(self):
        super().setUp()
        if not os.path.exists('/dev/loop-control'):
            self.skipTest('this kernel has no loop devices')

    def attached(self):
        """The devices of the machine that show a file of this root."""
        files = pathlib.Path('/sys/block').glob('loop*/loop/backing_file')
        return [p for p in files if str(self.root) in p.read_text()]

    def test_a_device_whose_content_stays(self):
        device = lambda path: f'volumeDevices: [{{name: d, devicePath: {path}}}]\n'
        user = 'securityContext: {runAsUser: 1000, runAsGroup: 1000}\n'
        self.play(self.CLAIM % '8Mi', name='claim.yaml')
        write = 'echo kept | dd of=/dev/xvda conv=notrunc 2>&1; sync; sleep 1000'
        self.play([pod('one', write, user + self.VOLUME, device('/dev/xvda')),
                   pod('two', 'sleep 1000', self.VOLUME, device('/data'))], name='pods.yaml')
        size = lambda name, path: self.exec(name, 'sh', '-c', f'wc -c < {path}').strip()
        self.assertEqual([size('one', '/dev/xvda'), size('two', '/data')], [str(8 << 20)] * 2)
        self.assertEqual(self.exec('one', 'stat', '-c', '%F %a %u', '/dev/xvda').strip(), 'block special file 660 1000')
        # Two pods have one device, and see the same at once.
        self.wait(lambda: self.exec('two', 'head', '-c', '4', '/data') == 'kept', 'what the other pod wrote')
        self.assertEqual(len(self.attached()), 1)
        self.assertRegex(self.kpod('describe', 'pod', 'one').stdout, r'Devices:\n +/dev/xvda from d')
        self.down('pods.yaml')
        self.assertEqual(self.attached(), [])

        # It outlives its pods, grows with its claim, and may be read-only.
        self.play(self.CLAIM % '16Mi', name='claim.yaml')
        self.play(pod('three', 'sleep 1000', self.VOLUME.replace('disk', 'disk, readOnly: true'), device('/dev/xvda')), name='pods.yaml')
        self.assertEqual(size('three', '/dev/xvda'), str(16 << 20))
        self.assertEqual(self.exec('three', 'head', '-c', '4', '/dev/xvda'), 'kept')
        self.assertIn('not permitted', self.kpod('exec', 'three', 'sh', '-c', 'echo x > /dev/xvda', rc=None).stderr)
        # Only its own: another of the machine is still out of reach.
        self.assertIn('not permitted', self.kpod('exec', 'three', 'sh', '-c', 'mknod /other b 7 63 && head -c 1 /other', rc=None).stderr)

    def test_a_privileged_container_has_it_outside_of_dev(self):
        text = '''\
            volumes:
            - {name: d, ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], volumeMode: Block, resources: {requests: {storage: 4Mi}}}}}}
            '''
        run = lambda path: self.play(pod('p', 'sleep 1000', textwrap.dedent(text),
                                         f'securityContext: {{privileged: true}}\nvolumeDevices: [{{name: d, devicePath: {path}}}]\n'))
        run('/disk')
        self.exec('p', 'sh', '-c', 'echo made > /disk && sync')
        (device,) = self.attached()
        self.assertEqual(pathlib.Path('/dev', device.parts[3]).read_bytes()[:5], b'made\n')
        before = os.listdir('/dev')
        run('/dev/disk')
        self.assertIn('the /dev of a privileged container', self.container('p', 'main')['state']['waiting']['message'])
        self.assertEqual(sorted(os.listdir('/dev')), sorted(before))

    def test_a_device_is_no_directory_and_a_directory_no_device(self):
        self.play([self.CLAIM % '4Mi', pod('a', 'sleep 1000', self.VOLUME, 'volumeMounts: [{name: d, mountPath: /d}]\n'),
                   pod('b', 'sleep 1000', 'volumes: [{name: d, emptyDir: {}}]\n', 'volumeDevices: [{name: d, devicePath: /dev/d}]\n')])
        message = lambda name: self.container(name, 'main')['state']['waiting']['message']
        self.assertEqual(message('a'), 'volume d has volumeMode Block, but is specified in volumeMounts')
        self.assertEqual(message('b'), 'volume d has volumeMode Filesystem, but is specified in volumeDevices')


class HugePages(KpodTest):
    def test_a_volume_of_huge_pages(self):
        sizes = sorted(p.name.removeprefix('hugepages-') for p in pathlib.Path('/sys/kernel/mm/hugepages').glob('hugepages-*'))
        if '2048kB' not in sizes:
            self.skipTest(f'this kernel has no huge pages of 2 MiB: {sizes}')
        self.play(pod('huge', 'sleep 1000', 'volumes: [{name: pages, emptyDir: {medium: HugePages-2Mi, sizeLimit: 4Mi}}]\n',
                      'volumeMounts: [{name: pages, mountPath: /pages}]\n'))
        self.wait_running('huge')
        mount = next(l for l in self.exec('huge', 'cat', '/proc/mounts').splitlines() if ' /pages ' in l)
        self.assertRegex(mount, r' hugetlbfs .*pagesize=2M')
