"""Commands side by side, over the same namespaces and over others: none waits for ever, none fails
for another's sake, and what they leave is consistent."""
import random
import re
import threading

from crash import SCALE, SEED, CrashTest
from harness import deployment, pod

# What a command may say of a pod that another command took away or stopped at the same moment.
EXPECTED = re.compile('not found|is not running|nothing with the name|is running: stop it first|ended before|ended without an answer')


class Parallel(CrashTest):
    def test_commands_side_by_side(self):
        files = {}
        for ns in ('one', 'two'):
            text = '---\n'.join([f'apiVersion: v1\nkind: Namespace\nmetadata: {{name: {ns}}}\n',
                                 pod('a', 'exec sleep 1000', namespace=ns), pod('b', 'exec sleep 1000', namespace=ns)])
            files[ns] = self.write(f'{ns}.yaml', text)
        both = self.write('both.yaml', '---\n'.join(pod('c', 'exec sleep 1000', namespace=ns) for ns in files))
        self.played += [*files.values(), both]
        many = self.write('many.yaml', deployment('many', '- {name: c, image: busybox, command: [sleep, "1000"]}\n', replicas=2, namespace='two'))
        self.played.append(many)
        plays = [*files.values(), both, many]
        commands = [('play', 'kube', p) for p in plays] * 3 + [('kube', 'down', p) for p in plays] + [
            ('play', 'kube', '--replace', files['one']), ('pod', 'ps'), ('ps', '-a'), ('-n', 'one', 'stop', 'a'), ('-n', 'one', 'start', 'a'),
            ('-n', 'one', 'restart', 'b'), ('-n', 'two', 'rm', '--force', 'a'), ('-n', 'two', 'stop', '--all'), ('-n', 'two', 'exec', 'b', 'true'),
            ('-n', 'one', 'describe', 'pod', 'a'), ('events',), ('info',), ('images',)]
        problems = []

        def work(number):
            choice = random.Random(f'{SEED} {number}')
            for _ in range(max(1, round(8 * SCALE))):
                argv = choice.choice(commands)
                try:
                    done = self.kpod(*argv, rc=None, timeout=100)
                except Exception as e:  # it does not end
                    problems.append(f'{e}\n{self.scene()}')
                    return
                if done.returncode and not EXPECTED.search(done.stderr):
                    problems.append(f'kpod {" ".join(argv)}: {done.returncode}: {done.stderr.strip()}')

        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(problems, [])
        self.agree('after all of them')
        for path in plays:
            self.next('play', 'kube', path)
        for ns in files:
            self.next('-n', ns, 'start', '--all')  # what was stopped stays so
        words = sorted(' '.join(r.split()[:3]) for r in self.next('pod', 'ps').stdout.splitlines()[1:])
        self.assertEqual([w for w in words if not w.startswith('two/many')],
                         [f'{ns}/{p} 1/1 Running' for ns in files for p in 'abc'])
        self.assertEqual(len(words), 8)
        self.agree('all played')
