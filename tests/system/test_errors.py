"""What goes wrong: in Kubernetes' words, in one sentence, with nothing left behind."""
import shutil

from harness import KpodTest, image_archive, pod
from machine import cgroups
from registry_case import HOST, RegistryTest, skopeo


class Errors(KpodTest):
    images = ['busybox']

    def waiting(self, name, container='main'):
        return self.container(name, container).get('state', {}).get('waiting', {})

    def test_a_missing_image_is_awaited_and_starts_when_loaded(self):
        self.play(pod('image', 'echo up; sleep 1000', image='localhost/layered'))
        self.assertIn(self.waiting('image')['reason'], ('ErrImagePull', 'ImagePullBackOff'))
        self.assertIn('localhost/layered', self.waiting('image')['message'])
        self.assertEqual(self.status('image')['phase'], 'Pending')
        self.assertRegex(self.word('image'), 'ErrImagePull|ImagePullBackOff')
        self.assertIn('localhost/layered', self.kpod('describe', 'pod', 'image').stdout)
        self.kpod('load', '-i', image_archive('layered'))
        self.addCleanup(self.kpod, 'rmi', '--force', 'localhost/layered')
        self.wait_log('image', 'up')

    def test_pull_policy_never(self):
        self.play(pod('never', 'sleep 1000', image='localhost/absent:1', container_extra='imagePullPolicy: Never\n'))
        self.assertEqual(self.waiting('never'), {
            'reason': 'ErrImageNeverPull', 'message': 'Container image "localhost/absent:1" is not present with pull policy of Never'})

    def test_an_invalid_image_name(self):
        self.play(pod('name', 'sleep 1000', image='"Not/An Image"'))
        self.assertEqual(self.waiting('name')['reason'], 'InvalidImageName')

    def test_always_takes_what_is_here_when_nothing_can_be_pulled(self):
        done = self.play(pod('always', 'echo up; sleep 1000', container_extra='imagePullPolicy: Always\n'))
        self.wait_log('always', 'up')
        self.assertIn('imagePullPolicy: Always', done.stderr)

    def test_a_program_that_cannot_be_run(self):
        for command, code, words in (('/no/such', 127, 'No such file or directory'), ('/etc/passwd', 126, 'Permission denied'),
                                     ('/etc', 126, 'Permission denied')):
            with self.subTest(command=command):
                text = pod('bad', 'x').replace('["/bin/sh", "-c", "x"]', f'["{command}"]')
                done = self.play(text, rc=code)
                self.assertIn(words, done.stderr)
                self.assertIn('container main', done.stderr)
                self.assertEqual(done.stderr.count('\n'), 1)
                self.assertEqual(self.pods(), [])

    def test_one_bad_pod_of_two_leaves_neither(self):
        self.play(pod('good', 'sleep 1000') + '---\n' + pod('bad', 'x').replace('/bin/sh', '/no/such'), rc=127)
        self.assertEqual(self.pods(), [])

    def test_one_bad_container_of_two_ends_both(self):
        text = pod('two', 'sleep 1000') + '  - {name: bad, image: busybox, command: [/no/such]}\n'
        self.assertIn('container bad', self.play(text, rc=127).stderr)
        self.assertEqual(self.pods(), [])

    def test_a_pod_that_does_not_start_again_stays_stopped(self):
        program = self.dir / 'program'
        program.write_text('#!/bin/sh\nsleep 1000\n')
        program.chmod(0o755)
        self.play(pod('again', 'x', f'volumes: [{{name: v, hostPath: {{path: {program}}}}}]\n', 'volumeMounts: [{name: v, mountPath: /program}]\n')
                  .replace('["/bin/sh", "-c", "x"]', '[/program]'))
        self.kpod('stop', 'again')
        before = self.status('again')
        program.chmod(0o644)
        self.addCleanup(program.unlink)
        self.assertIn('Permission denied', self.kpod('start', 'again', rc=126).stderr)
        self.assertEqual(self.status('again'), before)
        self.assertEqual(cgroups(f'{self.group}/default_again'), [])
        program.chmod(0o755)
        self.kpod('start', 'again')
        self.wait_running('again')

    def test_an_unknown_capability(self):
        done = self.play(pod('cap', 'sleep 1', container_extra='securityContext: {capabilities: {add: [NOT_A_CAPABILITY]}}\n'), rc=125)
        self.assertIn('NOT_A_CAPABILITY', done.stderr)

    def test_a_volume_that_cannot_be_mounted(self):
        (self.dir / 'folder').mkdir(exist_ok=True)
        self.addCleanup(shutil.rmtree, self.dir / 'folder')
        done = self.play(pod('onto', 'sleep 1000', f'volumes: [{{name: v, hostPath: {{path: {self.dir}/folder}}}}]\n',
                             'volumeMounts: [{name: v, mountPath: /etc/passwd}]\n'), rc=125)
        self.assertIn('/etc/passwd', done.stderr)

    def test_what_waits_goes_away_as_well(self):
        self.play(pod('a', 'sleep 1000', image='localhost/absent:1') + '---\n' +
                  pod('b', 'sleep 1000', 'volumes: [{name: v, secret: {secretName: absent}}]\n'))
        self.assertEqual(self.waiting('b')['message'], 'secret "absent" not found')
        self.down()
        self.assertEqual(self.pods(), [])


class Later(RegistryTest):
    images = ['busybox']

    def test_the_pod_tries_again_by_itself(self):
        folder = self.dir / 'appears'
        self.play(pod('path', 'echo found; sleep 1000', f'volumes: [{{name: v, hostPath: {{path: {folder}, type: Directory}}}}]\n',
                      'volumeMounts: [{name: v, mountPath: /v}]\n') + '---\n' +
                  pod('image', 'echo pulled; sleep 1000', image=f'{HOST}/late:1') + '---\n' +
                  pod('never', 'sleep 1000', image=f'{HOST}/nowhere:1'))
        state = lambda name: self.container(name, 'main').get('state', {}).get('waiting', {})
        self.assertEqual(state('image')['reason'], 'ErrImagePull')
        self.assertIn('hostPath type check failed', state('path')['message'])
        folder.mkdir()
        skopeo('copy', '--dest-tls-verify=false', f'docker-archive:{image_archive("busybox")}', f'docker://{HOST}/late:1')
        self.wait_log('image', 'pulled', seconds=120)
        self.wait_log('path', 'found', seconds=120)
        self.wait(lambda: state('never').get('reason') == 'ImagePullBackOff', 'the third backs off', 120)
        self.assertIn(f'Back-off pulling image "{HOST}/nowhere:1": ErrImagePull: failed to pull', state('never')['message'])


class News(RegistryTest):
    images = ['busybox']

    def test_news_of_another_pod_keeps_why_a_pull_failed(self):
        self.play(pod('never', 'sleep 1000', image=f'{HOST}/nowhere:1') + '---\n' +
                  pod('waits', 'sleep 1000', 'volumes: [{name: v, secret: {secretName: late}}]\n'))
        why = f'failed to pull image "{HOST}/nowhere:1"'
        message = lambda: self.container('never', 'main')['state']['waiting']['message']
        self.assertIn(why, message())
        # Making the other pod goes through the whole namespace, without pulling anything.
        folder = self.dir / 'folder'
        self.play(pod('path', 'echo found; sleep 1000', f'volumes: [{{name: v, hostPath: {{path: {folder}, type: Directory}}}}]\n',
                      'volumeMounts: [{name: v, mountPath: /v}]\n'), name='path.yaml')
        folder.mkdir()
        self.wait_log('path', 'found', seconds=120)
        self.assertIn(why, message())
