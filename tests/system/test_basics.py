"""The main job: pods run, answer, restart, stop, and leave nothing."""
import json
import subprocess
import time
import urllib.request

from harness import SOURCE, KpodTest, pod


class Basics(KpodTest):
    def test_two_containers_share_the_network_and_the_host_reaches_them(self):
        self.play('''\
            apiVersion: v1
            kind: Pod
            metadata: {name: web}
            spec:
              terminationGracePeriodSeconds: 0
              containers:
              - name: server
                image: busybox
                command: [sh, -c, "mkdir /www; echo hello > /www/index.html; exec httpd -f -p 80 -h /www"]
                ports: [{containerPort: 80, hostPort: 18080}]
              - name: client
                image: busybox
                command: [sleep, "1000"]
            ''')
        self.wait_running('web')
        self.wait(lambda: ':80 ' in self.exec('web', '-c', 'client', '--', 'netstat', '-ltn'), 'it listens')
        for url in ('http://127.0.0.1:18080/', f'http://{self.status("web")["podIP"]}/'):
            with urllib.request.urlopen(url, timeout=60) as answer:
                self.assertEqual(answer.read(), b'hello\n')
        self.assertEqual(self.kpod('exec', 'web', '-c', 'client', '--', 'wget', '-qO-', 'http://127.0.0.1/').stdout, 'hello\n')

    def test_pods_reach_each_other_by_name(self):
        self.play(pod('server', 'mkdir /www; echo found > /www/index.html; exec httpd -f -p 80 -h /www') + '---\n' + pod('client', 'sleep 1000'))
        self.wait(lambda: self.kpod('exec', 'client', 'wget', '-qO-', 'http://server/', rc=None).stdout == 'found\n', 'server answers')
        missing = self.kpod('exec', 'client', 'nslookup', 'nobody.default.svc.cluster.local', rc=None)
        self.assertIn('NXDOMAIN', missing.stdout)

    def test_unchanged_is_left_alone_and_changed_is_updated(self):
        self.play(pod('one', 'echo first; sleep 1000'))
        pid = self.pid('one', 'main')
        self.assertIn('pod/one unchanged', self.play(pod('one', 'echo first; sleep 1000')).stdout)
        self.assertEqual(self.pid('one', 'main'), pid)
        self.assertIn('pod/one configured', self.play(pod('one', 'echo second; sleep 1000')).stdout)
        self.wait_log('one', 'second')

    def test_deployment_scales(self):
        def deployment(replicas):
            return f'''\
                apiVersion: apps/v1
                kind: Deployment
                metadata: {{name: d}}
                spec:
                  replicas: {replicas}
                  selector: {{matchLabels: {{app: d}}}}
                  template:
                    metadata: {{labels: {{app: d}}}}
                    spec:
                      terminationGracePeriodSeconds: 0
                      containers: [{{name: c, image: busybox, command: [sleep, "1000"]}}]
                '''
        for replicas in (3, 1, 2):
            self.play(deployment(replicas))
            self.assertEqual(len(self.pods()), replicas)

    def test_a_failing_container_backs_off(self):
        self.play(pod('crash', 'echo run; exit 3'))
        self.wait(lambda: 'CrashLoopBackOff' in self.word('crash'), 'crash backs off')
        self.assertEqual(self.container('crash', 'main')['lastState']['terminated']['exitCode'], 3)
        self.assertIn('run', self.logs('crash', '--previous'))

    def test_never_and_on_failure_end(self):
        self.play(pod('done', 'exit 0', 'restartPolicy: OnFailure\n') + '---\n' + pod('fails', 'exit 4', 'restartPolicy: Never\n'))
        self.wait_phase('done', 'Succeeded')
        self.wait_phase('fails', 'Failed')

    def test_a_missing_secret_makes_the_pod_wait_until_it_comes(self):
        env = 'env:\n- name: PASSWORD\n  valueFrom: {secretKeyRef: {name: login, key: password}}\n'
        self.play(pod('waits', 'echo got $PASSWORD; sleep 1000', container_extra=env))
        self.assertIn('CreateContainerConfigError: secret "login" not found', self.kpod('ps').stdout)
        self.play('''\
            apiVersion: v1
            kind: Secret
            metadata: {name: login}
            stringData: {password: s3cret}
            ''', name='secret.yaml')
        self.wait_log('waits', 'got s3cret')

    def test_a_program_that_does_not_exist_leaves_nothing(self):
        failed = self.play(pod('nope', 'x').replace('"/bin/sh"', '"/no/such"'), rc=127)
        self.assertIn('/no/such', failed.stderr)
        self.assertEqual(self.pods(), [])

    def test_stop_start_rm(self):
        self.play(pod('p', 'echo up; sleep 1000'))
        self.kpod('stop', '--time', '0', 'p')
        self.assertIn('Stopped', self.word('p'))
        self.kpod('start', 'p')
        self.wait_running('p')
        self.kpod('rm', '--force', '--time', '0', 'p')
        self.assertEqual(self.pods(), [])

    def test_exec_exit_codes_and_user(self):
        self.play(pod('p', 'sleep 1000'))
        self.kpod('exec', 'p', 'sh', '-c', 'exit 42', rc=42)
        self.kpod('exec', 'p', '/no/such', rc=127)
        self.kpod('exec', 'p', '/etc', rc=126)
        self.assertEqual(self.kpod('exec', '-u', '12:34', 'p', 'id', '-u').stdout, '12\n')
        self.assertEqual(self.kpod('exec', '-i', 'p', 'cat', input='through').stdout, 'through')

    def test_a_killed_supervisor_is_seen_and_mended(self):
        self.play(pod('lost', 'sleep 1000'))
        supervisor = self.status('lost')['kpodSupervisorPid']
        subprocess.run(['kill', '-9', str(supervisor)], check=True)
        self.wait(lambda: 'Lost' in self.word('lost') or 'Failed' in self.word('lost'), 'the pod is lost')
        self.play(pod('lost', 'sleep 1000'))
        self.wait_running('lost')

    def test_generate_plays_again_to_the_same(self):
        self.play(pod('g', 'sleep 1000'))
        text = self.kpod('generate', 'kube', 'g').stdout
        self.assertIn('pod/g unchanged', self.kpod('play', 'kube', '-', input=text).stdout)

    def test_bad_input_is_one_sentence_with_its_place(self):
        path = self.write('bad.yaml', pod('bad', 'x').replace('image:', 'imgae:'))
        failed = self.kpod('play', 'kube', path, rc=125)
        self.assertRegex(failed.stderr, r'bad\.yaml:\d+:\d+: .*imgae.*image')
        self.assertEqual(self.pods(), [])

    def test_config_map_volume_follows_its_object(self):
        def config(value):
            return f'apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\ndata: {{key: {value}}}\n'
        mounts = 'volumeMounts: [{name: v, mountPath: /etc/c}]\n'
        text = pod('m', 'sleep 1000', 'volumes: [{name: v, configMap: {name: c}}]\n', mounts)
        self.play(config('one') + '---\n' + text)
        self.assertEqual(self.exec('m', 'cat', '/etc/c/key'), 'one')
        pid = self.pid('m', 'main')
        self.play(config('two') + '---\n' + text)
        self.assertEqual(self.exec('m', 'cat', '/etc/c/key'), 'two')
        self.assertEqual(self.pid('m', 'main'), pid)

    def test_dry_run_changes_nothing(self):
        path = self.write('dry.yaml', pod('dry', 'x'))
        plans = json.loads(self.kpod('play', 'kube', '--dry-run=json', path).stdout)
        self.assertEqual([p['name'] for p in plans], ['dry'])
        self.assertEqual(self.pods(), [])


class Demo(KpodTest):
    images = ['busybox', 'nginx', 'redis']

    def test_nginx_in_front_of_a_second_pod(self):
        path = str(SOURCE / 'manifests/demo.yaml')
        self.played.append(path)
        self.kpod('play', 'kube', path)

        def get(path):
            try:
                with urllib.request.urlopen('http://127.0.0.1:8088' + path, timeout=5) as answer:
                    return answer.read().decode()
            except OSError:
                time.sleep(0.1)
                return ''
        self.wait(lambda: 'hello from nginx' in get('/'), 'nginx answers')
        self.wait(lambda: 'PONG' in get('/app/'), 'redis answers through the second container')
