"""What a person and a script see: help, completion, errors, --format."""
import json
import os
import re
import shutil
import subprocess

from harness import KPOD, KpodTest, need, pod

DEPLOYMENT = '''\
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: till, image: busybox, command: [sh, -c, "echo open; exec sleep 1000"]}]
'''


class Words(KpodTest):
    """Nothing runs."""

    def error(self, *argv, rc=125):
        done = self.kpod(*argv, rc=rc)
        self.assertEqual(done.stdout, '')
        self.assertEqual(done.stderr.count('\n'), 1, done.stderr)
        return done.stderr.removeprefix('kpod: ').rstrip('\n')

    def test_every_command_explains_itself(self):
        listed = re.findall(r'^  ([a-z]+(?: [a-z]+)?)  +[A-Z]', self.kpod('--help').stdout, re.M)
        self.assertGreater(len(listed), 25)
        for command in listed:
            words = command.split()
            text = self.kpod(*words, '--help').stdout
            self.assertIn(f'Usage: kpod {command} [options]', text)
            self.assertEqual(self.kpod('help', *words).stdout, text)
            self.assertIn('-h, --help', text)
            for line in text.splitlines():
                self.assertLessEqual(len(line), 110, line)
            self.assertEqual(text.count('[ --'), 0)

    def test_families(self):
        for family, member in (('image', 'kpod image prune'), ('system', 'kpod system info'), ('pod', 'kpod pod logs')):
            self.assertIn(member, self.kpod(family, '--help').stdout)
            self.assertEqual(self.kpod('help', family).stdout, self.kpod(family, '--help').stdout)
            self.assertIn(member, self.kpod(family, rc=125).stderr)

    def test_did_you_mean(self):
        self.assertEqual(self.error('lgos'), 'unknown command "lgos": did you mean "logs"?')
        self.assertEqual(self.error('image', 'lst'), 'unknown command "image lst": did you mean "image ls"?')
        self.assertEqual(self.error('help', 'sttas'), 'unknown command "sttas": did you mean "stats"?')
        self.assertEqual(self.error('frobnicate'), 'unknown command "frobnicate": see kpod --help')
        self.assertEqual(self.error('ps', '--al'), 'unknown option --al: did you mean --all?')
        self.assertEqual(self.error('ps', '-x'), 'unknown option -x')
        self.assertIn("('x') for option '--tail' is invalid: --tail N: only the last N lines", self.error('logs', 'a', '--tail', 'x'))
        self.assertIn('wanted a duration such as 10m', self.error('events', '--since', 'x'))

    def test_what_is_missing_is_said(self):
        for argv, words in ((['play', 'kube'], 'which manifest?'), (['kube', 'down'], 'what shall come down?'),
                            (['exec'], 'which pod?'), (['exec', 'a'], 'which command?'), (['logs'], 'which pod?'),
                            (['pull'], 'which image?'), (['tag', 'a'], 'wanted: kpod tag IMAGE NAME'),
                            (['completion'], 'for which shell?'), (['inspect'], 'which pod?'),
                            (['generate', 'kube'], 'name a pod')):
            self.assertIn(words, self.error(*argv), argv)

    def test_what_stands_before_the_command(self):
        path = self.write('a.yaml', pod('a', 'true'))
        for argv in (['-n', 'shop'], ['--namespace', 'shop'], ['--namespace=shop']):
            self.assertIn('"shop"', self.kpod(*argv, 'play', 'kube', '--dry-run=json', path).stdout)
        self.assertEqual(self.kpod('--namespace=shop', '--root', self.dir / 'elsewhere', 'info', '--format', '{{.root}}').stdout,
                         f'{self.dir}/elsewhere\n')
        self.assertIn('option -n needs a namespace', self.error('-n'))
        self.assertIn('option --root needs a directory', self.error('--root'))

    def test_versions(self):
        self.assertRegex(self.kpod('version').stdout, r'^kpod \d+\.\d+\.\d+ \(Kubernetes v1\.\d+\)\n$')
        self.assertEqual(self.kpod('--version').stdout, self.kpod('version').stdout)
        version = json.loads(self.kpod('version', '--format', 'json').stdout)
        self.assertEqual(self.kpod('version', '--format', '{{.Version}}').stdout, version['Version'] + '\n')
        info = json.loads(self.kpod('info').stdout)
        self.assertEqual(self.kpod('info', '--format', '{{.root}} {{.pods}}').stdout, f'{info["root"]} 0\n')


class Rows(KpodTest):
    images = ['busybox']

    def setUp(self):
        super().setUp()
        self.play(pod('web', 'echo hi; exec sleep 1000') + '---\n' + DEPLOYMENT)
        self.wait_running('web')

    def test_format(self):
        rows = json.loads(self.kpod('ps', '--format', 'json').stdout)
        self.assertEqual(sorted(r['Name'] for r in rows), ['main', 'till', 'till'])
        for command in (['ps'], ['pod', 'ps'], ['events'], ['stats', '--no-stream'], ['images']):
            rows = json.loads(self.kpod(*command, '--format', 'json').stdout)
            self.assertTrue(rows, command)
            lines = self.kpod(*command, '--format', '{{json .}}').stdout.splitlines()
            if command == ['images']:  # a line a name
                self.assertEqual(len(lines), sum(len(r['Names']) for r in rows))
                continue
            self.assertEqual(len(lines), len(rows), command)
            self.assertEqual(set(json.loads(lines[0])), set(rows[0]), command)
        text = self.kpod('ps', '--format', '{{.Pod | upper}}{{if eq .Name "main"}} {{.State}}{{end}}').stdout
        self.assertIn('WEB running\n', text)
        ip = self.status('web')['podIP']
        table = self.kpod('pod', 'ps', '--format', 'table {{.Name}}\\t{{.PodIP}}').stdout.splitlines()
        self.assertEqual(table[0].split('  ')[0], 'NAME')
        self.assertTrue(table[0].endswith('POD IP'))
        self.assertIn(['web', ip], [line.split() for line in table])
        self.assertEqual(self.kpod('inspect', '--format', '{{.Status.podIP}}', 'pod/web').stdout, ip + '\n')
        image = json.loads(self.kpod('image', 'inspect', 'busybox').stdout)[0]
        self.assertEqual(self.kpod('image', 'inspect', '--format', '{{.Id}}', 'busybox').stdout, image['Id'] + '\n')
        wrong = self.kpod('ps', '--format', '{{.Stat}}', rc=125)
        self.assertEqual((wrong.stdout, wrong.stderr),
                         ('', 'kpod: ps: --format: template: there is no field Stat: did you mean State?\n'))
        self.assertIn('wanted json, table, or a template', self.kpod('ps', '--format', 'nme', rc=125).stderr)

    def test_names(self):
        for command in (['exec', 'wbe', 'true'], ['logs', 'wbe'], ['inspect', 'wbe'], ['describe', 'pod', 'wbe'],
                        ['stats', '--no-stream', 'wbe'], ['top', 'wbe'], ['stop', 'wbe'], ['rm', 'wbe']):
            self.assertIn('pod "wbe" not found: did you mean "web"?', self.kpod(*command, rc=125).stderr, command)
        for command in (['kube', 'down', 'shpo'], ['generate', 'kube', 'shpo']):
            self.assertIn('"shpo" was played: did you mean "shop"?', self.kpod(*command, rc=125).stderr, command)
        self.assertIn('deployment "shpo" not found: did you mean "shop"?', self.kpod('logs', 'deploy/shpo', rc=125).stderr)
        self.assertEqual(self.kpod('exec', 'deployment/shop', 'echo', 'in').stdout, 'in\n')
        self.wait(lambda: self.logs('deployment/shop').count('open') == 2, 'both have said it')
        self.assertEqual(self.exec('pod/web', 'hostname').strip(), 'web')

    def test_a_thing_taken_down_is_said_once(self):
        gone = self.down().stdout.splitlines()
        self.assertEqual(gone.count('pod/web removed'), 1)
        self.assertEqual(len(gone), len(set(gone)))

    def test_dry_run_takes_no_manifest_for_its_value(self):
        before = sorted(p for p in self.root.rglob('*') if 'pods' in p.parts)
        path = self.write('other.yaml', pod('other', 'true'))
        self.assertIn('name: other', self.kpod('play', 'kube', '--dry-run', path).stdout)
        self.assertEqual(json.loads(self.kpod('play', 'kube', '--dry-run=json', path).stdout)[0]['name'], 'other')
        self.assertIn('prints json or yaml', self.kpod('play', 'kube', '--dry-run=x', path, rc=125).stderr)
        self.assertEqual(sorted(p for p in self.root.rglob('*') if 'pods' in p.parts), before)

    def test_switches_take_true_and_false(self):
        self.assertEqual(self.kpod('ps', '--quiet=true').stdout, self.kpod('ps', '-q').stdout)
        self.assertEqual(self.kpod('ps', '--all', '--quiet=false').stdout.splitlines()[0].split()[0], 'POD')


class Completion(KpodTest):
    images = ['busybox']

    def words(self, *typed):
        return self.kpod('__complete', '--', *typed).stdout.split()

    def test_words(self):
        self.play(pod('web', 'exec sleep 1000') + '---\n' + DEPLOYMENT)
        self.assertEqual(self.words('sta'), ['start', 'stats'])
        self.assertIn('prune', self.words('image', ''))
        self.assertEqual(self.words('exec', 'w'), ['web'])
        self.assertEqual(self.words('exec', 'web', '-c', ''), ['main'])
        self.assertEqual(self.words('logs', 'web', ''), ['main'])
        self.assertEqual(self.words('logs', '--ti'), ['--timestamps'])
        self.assertEqual(self.words('play', 'kube', '--validate', ''), ['ignore', 'strict', 'warn'])
        self.assertEqual(self.words('play', 'kube', '--dry-run='), ['--dry-run=json', '--dry-run=yaml'])
        self.assertEqual(self.words('play', 'kube', ''), [':files'])
        self.assertEqual(self.words('load', '-i', ''), [':files'])
        self.assertEqual(self.words('generate', 'kube', 'deployment/'), ['deployment/shop'])
        self.assertEqual(self.words('rmi', 'docker.io/library/busybox:lat'), ['docker.io/library/busybox:latest'])
        self.assertEqual(self.words('ps', '-n', ''), ['default'])
        self.assertEqual(self.words('nothing', ''), [])

    def run_in(self, shell, script):
        need(shell)
        env = dict(self.env, PATH=f'{os.path.dirname(KPOD)}:{os.environ["PATH"]}')
        done = subprocess.run([shutil.which(shell), '-c', script], env=env, capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        return done.stdout.split()

    def test_bash(self):
        self.play(pod('web', 'exec sleep 1000'))
        def bash(line, *words):
            text = ' '.join(f"'{w}'" for w in words)
            return self.run_in('bash', f'source <(kpod completion bash); COMP_LINE="{line}"; COMP_POINT={len(line)}\n'
                               f'COMP_WORDS=({text}); COMP_CWORD={len(words) - 1}; _kpod; echo "${{COMPREPLY[@]}}"')
        self.assertEqual(bash('kpod exec w', 'kpod', 'exec', 'w'), ['web'])
        self.assertEqual(bash('kpod play kube --validate=s', 'kpod', 'play', 'kube', '--validate', '=', 's'), ['strict'])
        self.assertIn('generate', bash('kpod ', 'kpod', ''))
        self.assertIn('/etc/passwd', bash('kpod play kube /etc/passw', 'kpod', 'play', 'kube', '/etc/passw'))

    def test_fish(self):
        self.play(pod('web', 'exec sleep 1000'))
        self.assertEqual(self.run_in('fish', 'kpod completion fish | source; complete -C "kpod exec w"'), ['web'])

    def test_zsh(self):
        # Its completion needs a terminal; that the script is one, and what it asks, can be seen without.
        self.play(pod('web', 'exec sleep 1000'))
        script = ('compdef() { }; compadd() { print -l -- "$@[2,-1]" }; _files() { print FILES }; source <(kpod completion zsh);'
                  'words=(kpod exec w); CURRENT=3; _kpod; words=(kpod play kube ""); CURRENT=4; _kpod')
        self.assertEqual(self.run_in('zsh', script), ['web', 'FILES'])
