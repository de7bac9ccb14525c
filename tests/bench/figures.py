"""The figures: how each is measured, and the table."""
import dataclasses
import os
import statistics
import time

from engines import IMAGE, private_kib, processes

BLOCK = 1 << 20
BLOCKS = 200  # of the log figure


@dataclasses.dataclass
class Row:
    """`samples`: a list an engine. `ratio`: what the target speaks of. `of`: 'podman' when kpod shall be
    that many times better, 'floor' when it may take at most that many times as long."""
    figure: str
    unit: str
    samples: dict
    target: str
    ratio: object  # (medians) -> number
    reached: object  # (ratio) -> bool

    def medians(self):
        return {name: statistics.median(values) for name, values in self.samples.items() if values}

    def value(self):
        try:
            return self.ratio(self.medians())
        except KeyError:  # without podman
            return None

    def met(self):
        value = self.value()
        return value is None or self.reached(value)

    def as_json(self):
        return {'figure': self.figure, 'unit': self.unit, 'medians': self.medians(), 'ratio': self.value(),
                'target': self.target, 'met': self.met(), 'samples': self.samples}


def times_faster(at_least):
    return {'target': f'podman / kpod >= {at_least}', 'ratio': lambda m: m['podman'] / m['kpod'],
            'reached': lambda r: r >= at_least}


def times_floor(at_most):
    return {'target': f'kpod / floor <= {at_most}', 'ratio': lambda m: m['kpod'] / m['floor'],
            'reached': lambda r: r <= at_most}


def at_most(limit, unit):
    return {'target': f'kpod <= {limit} {unit}', 'ratio': lambda m: m['kpod'], 'reached': lambda r: r <= limit}


def shows(what, ratio):
    """A figure without a target."""
    return {'target': f'{what}: no target', 'ratio': ratio, 'reached': lambda r: True}


def pod(name, containers, host_port=0, command='["sleep", "100000"]', more='', each=''):
    """A Pod of busybox containers; the first has the port."""
    text = f'''\
apiVersion: v1
kind: Pod
metadata:
  name: {name}
spec:
  terminationGracePeriodSeconds: 0
  restartPolicy: Never
{more}  containers:
'''
    for i in range(containers):
        text += f'''\
  - name: c{i}
    image: {IMAGE}
    imagePullPolicy: Never
    command: {command}
{each}'''
        if i == 0 and host_port:
            text += f'    ports: [{{containerPort: 80, hostPort: {host_port}}}]\n'
    return text


def samples_of(bench):
    return {name: [] for name in [e.name for e in bench.engines] + ['floor']}


def up_and_down(bench, rounds, manifest, names, floor, options=(), podman_rounds=1000):
    """Plays and takes down alternately; ({engine: seconds up}, {engine: seconds down})."""
    up, down = samples_of(bench), samples_of(bench)
    for i in range(rounds):
        for engine in bench.engines:
            if engine.name == 'podman' and i >= podman_rounds:
                continue
            up[engine.name].append(engine.play(manifest, *options))
            down[engine.name].append(engine.down(manifest, names))
        up['floor'].append(floor())
    return up, down


def millis(samples):
    return {name: [s * 1000 for s in values] for name, values in samples.items()}


def play(bench, rounds, smoke):
    manifest = bench.manifest('two.yaml', pod('two', 2, host_port=18080))
    up, down = up_and_down(bench, rounds, manifest, ['two'], lambda: bench.floor.pods(1, 2))
    yield Row('play a Pod of 2 containers, a hostPort', 'ms', millis(up), **times_faster(15))
    yield Row('down of it, no grace', 'ms', millis(down), **times_faster(10))


def many(bench, rounds, smoke):
    count = 3 if smoke else 20
    names = [f'many{i}' for i in range(count)]
    manifest = bench.manifest('many.yaml', '---\n'.join(pod(n, 1) for n in names))
    up, down = up_and_down(bench, rounds, manifest, names, lambda: bench.floor.pods(count, 1),
                           podman_rounds=3)  # it takes most of a minute to take them down
    yield Row(f'play {count} Pods of 1 container', 'ms', millis(up), **times_faster(20))
    yield Row('down of them, no grace', 'ms', millis(down), **times_faster(10))


def single(bench, rounds, smoke):
    manifest = bench.manifest('single.yaml', pod('single', 1))
    up, _ = up_and_down(bench, rounds, manifest, ['single'], bench.floor.container, ['--network', 'none'])
    yield Row('a container without network', 'ms', millis(up), **times_floor(2.5))


PROBE = '''\
    readinessProbe: {exec: {command: ["true"]}, periodSeconds: 1}
'''


def ready(bench, rounds, smoke):
    """Until a pod is Ready by its probe, against the same pod without one. Podman has no such probe."""
    probed = bench.manifest('probed.yaml', pod('probed', 1, each=PROBE))
    plain = bench.manifest('plain.yaml', pod('plain', 1))
    with_probe, without = samples_of(bench), []
    for _ in range(rounds):
        with_probe['kpod'].append(bench.kpod.play(probed, '--wait'))
        bench.kpod.down(probed, ['probed'])
        without.append(bench.kpod.play(plain, '--wait'))
        bench.kpod.down(plain, ['plain'])
    median = statistics.median(without)
    yield Row('play to Ready, a readiness probe', 'ms', millis(with_probe),
              **shows('with / without', lambda m: m['kpod'] / 1000 / median))


def ten(bench, rounds, smoke):
    manifest = bench.manifest('ten.yaml', pod('ten', 10))
    up, down = up_and_down(bench, rounds, manifest, ['ten'], lambda: bench.floor.pods(1, 10), podman_rounds=7)
    yield Row('play a Pod of 10 containers', 'ms', millis(up), **shows('podman / kpod', lambda m: m['podman'] / m['kpod']))
    yield Row('down of it, no grace', 'ms', millis(down), **shows('podman / kpod', lambda m: m['podman'] / m['kpod']))


def probes(bench, rounds, smoke):
    """As `memory`, of a pod whose ten containers are probed, after some rounds of probes."""
    manifest = bench.manifest('probes.yaml', pod('probes', 10, each=PROBE))
    other = bench.manifest('other.yaml', pod('other', 1))
    kib = samples_of(bench)
    bench.kpod.play(other)
    before = set(processes())
    bench.kpod.play(manifest, '--wait')
    time.sleep(3)
    now = {pid: name for pid, name in processes().items() if pid not in before}
    kib['kpod'].append(sum(private_kib(pid) for pid in bench.kpod.monitors(now)))
    bench.kpod.down(manifest, ['probes'])
    bench.kpod.down(other, ['other'])
    yield Row('private memory with 10 probes', 'KiB', kib, **at_most(1024, 'KiB'))


def listing(bench, rounds, smoke):
    count = 2 if smoke else 20
    names = [f'list{i}' for i in range(count)]
    manifest = bench.manifest('list.yaml', '---\n'.join(pod(n, 2) for n in names))
    seconds = samples_of(bench)
    for engine in bench.engines:
        engine.play(manifest)
    for _ in range(rounds):
        for engine in bench.engines:
            seconds[engine.name].append(engine.ps())
    for engine in bench.engines:
        engine.down(manifest, names)
    yield Row(f'ps of {2 * count} containers', 'ms', millis(seconds), **times_faster(5))


def memory(bench, rounds, smoke):
    """What stays beside the containers' own processes: its private memory, and how many processes.
    Another pod runs, so that what all pods' monitors share (their program) is no pod's own."""
    manifest = bench.manifest('three.yaml', pod('three', 3))
    other = bench.manifest('other.yaml', pod('other', 1))
    kib, stay = samples_of(bench), samples_of(bench)
    for engine in bench.engines:
        engine.play(other)
        before = set(processes())
        engine.play(manifest)
        time.sleep(0.5)  # what it does after its answer
        now = {pid: name for pid, name in processes().items() if pid not in before}
        kib[engine.name].append(sum(private_kib(pid) for pid in engine.monitors(now)))
        stay[engine.name].append(sum(name != 'sleep' for name in now.values()))
        engine.down(manifest, ['three'])
        engine.down(other, ['other'])
    yield Row('private memory beside 3 containers', 'KiB', kib, **at_most(1024, 'KiB'))
    yield Row('processes that stay beside 3 containers', '', stay, **at_most(1, ''))


# Both ends of the time are seen through FIFOs of a volume: the output begins when `go` is opened, and the
# last of it is in the pipe, at most 64 KiB ahead of the log, when `done` is closed.
WRITE_LINES = '''["sh", "-c", "read x < /bench/go; i=0; while [ $i -lt {blocks} ]; do cat /bench/lines; i=$((i+1)); done; \
echo > /bench/done; sleep 100000"]'''
VOLUME = '  volumes:\n  - name: bench\n    hostPath: {{path: {path}}}\n'


def log_manifest(bench, directory):
    text = pod('log', 1, command=WRITE_LINES.format(blocks=BLOCKS), more=VOLUME.format(path=directory))
    return bench.manifest('log.yaml', text + '    volumeMounts: [{name: bench, mountPath: /bench}]\n')


def one_log(engine, manifest, directory):
    engine.play(manifest)
    begin = time.perf_counter()
    (directory / 'go').write_text('go\n')
    (directory / 'done').read_text()
    seconds = time.perf_counter() - begin
    engine.down(manifest, ['log'])
    return BLOCKS * BLOCK / 1e6 / seconds


def logs(bench, rounds, smoke):
    directory = bench.work / 'log'
    directory.mkdir()
    line = b'x' * 99 + b'\n'
    (directory / 'lines').write_bytes((line * (BLOCK // len(line) + 1))[:BLOCK - 1] + b'\n')
    for name in ('go', 'done'):
        os.mkfifo(directory / name)
    manifest = log_manifest(bench, directory)
    rate = samples_of(bench)
    for _ in range(min(rounds, 5)):
        for engine in bench.engines:
            rate[engine.name].append(one_log(engine, manifest, directory))
    yield Row('log of 100-byte lines', 'MB/s', rate, target='kpod / podman >= 1',
              ratio=lambda m: m['kpod'] / m['podman'], reached=lambda r: r >= 1)


FIGURES = {'play': play, 'many': many, 'single': single, 'ten': ten, 'ready': ready, 'ps': listing, 'memory': memory,
           'probes': probes, 'logs': logs}


def measure_all(bench, wanted, rounds, smoke):
    rows = []
    for name in wanted:
        rows += FIGURES[name](bench, rounds, smoke)
    return rows


def shown(value):
    if value is None:
        return '-'
    return f'{value:.1f}' if value < 100 else f'{value:.0f}'


def render(rows, judge):
    head = ['figure', 'kpod', 'podman', 'floor', '', 'ratio', 'target', 'met']
    lines = [head]
    for row in rows:
        medians = row.medians()
        met = '-' if not judge or row.value() is None else 'yes' if row.met() else 'NO'
        lines.append([row.figure] + [shown(medians.get(e)) for e in ('kpod', 'podman', 'floor')]
                     + [row.unit, shown(row.value()), row.target, met])
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    right = {1, 2, 3, 5}
    return '\n'.join('  '.join(cell.rjust(widths[i]) if i in right else cell.ljust(widths[i])
                               for i, cell in enumerate(line)).rstrip() for line in lines)
