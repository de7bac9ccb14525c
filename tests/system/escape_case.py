"""Pods with the probe that tries the ways out (probes/escape.c)."""
import pathlib
import subprocess

from harness import KpodTest, need, pod

PROBE = pathlib.Path(__file__).resolve().parent / 'probes/escape.c'


class EscapeTest(KpodTest):
    @classmethod
    def setUpClass(cls):
        need('gcc')
        super().setUpClass()
        cls.probes = cls.dir / 'probes'
        cls.probes.mkdir(mode=0o755)
        cls.dir.chmod(0o755)
        subprocess.run(['gcc', '-static', '-O1', '-o', cls.probes / 'escape', PROBE], check=True)

    def volume(self, name, path, extra=''):
        return f'- name: {name}\n  hostPath: {{path: {path}, type: Directory}}\n{extra}'

    def start(self, name='p', command='touch /escape-test; sleep 1000', spec='', container='', mounts='', volumes=''):
        """A pod with the probe at /probes/escape."""
        spec += f'volumes:\n{self.volume("probes", self.probes)}{volumes}'
        container += f'volumeMounts:\n- {{name: probes, mountPath: /probes}}\n{mounts}'
        self.play(pod(name, command, spec, container), name=f'{name}.yaml')
        if '/escape-test' in command:
            self.wait(lambda: self.probe('open', '/escape-test', pod=name) == 'ok', 'it has begun')

    def probe(self, *words, pod='p', options=()):
        return self.kpod('exec', *options, pod, '--', '/probes/escape', *words).stdout.strip()
