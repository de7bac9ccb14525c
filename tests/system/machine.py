"""What the machine looks like: taken before and after, so that a test can say that nothing is left."""
import json
import os
import pathlib
import re
import subprocess


def _output(*argv):
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout


def processes():
    found = {}
    for entry in os.listdir('/proc'):
        if not entry.isdigit():
            continue
        try:
            line = pathlib.Path('/proc', entry, 'cmdline').read_bytes().replace(b'\0', b' ').decode(errors='replace')
            stat = pathlib.Path('/proc', entry, 'stat').read_text()
        except OSError:
            continue
        if stat.rsplit(')', 1)[1].split()[0] in 'ZX':  # dead, only not reaped yet
            continue
        found[int(entry)] = line.strip() or stat.split('(', 1)[1].split(')')[0]
    return found


def mounts():
    found = []
    for line in pathlib.Path('/proc/self/mountinfo').read_text().splitlines():
        before, after = line.split(' - ', 1)
        found.append(f'{before.split()[4]} {after}')
    return sorted(found)


def cgroups(name):
    """Groups called NAME, and all below them, in every hierarchy."""
    found = []
    for hierarchy in sorted({l.split()[1] for l in open('/proc/mounts') if l.split()[2] in ('cgroup', 'cgroup2')}):
        for folder, _, _ in os.walk(os.path.join(hierarchy, name)):
            found.append(folder)
    return found


def _links():
    return sorted(l['ifname'] for l in json.loads(_output('ip', '-j', 'link') or '[]'))


def _routes():
    text = _output('ip', '-4', 'route', 'show', 'table', 'all') + _output('ip', '-4', 'rule')
    return sorted(re.sub(r'\s+', ' ', l).strip() for l in text.splitlines())


def _files(*folders):
    found = []
    for folder in folders:
        for where, folders_there, names in os.walk(folder):
            found += [os.path.join(where, n) for n in names + folders_there]
    return sorted(found)


def _holds_files(folder):
    return any(names for _, _, names in os.walk(folder))


class Snapshot:
    """`root` and `run` are kpod's; `group` is the name of its cgroups."""

    def __init__(self, root, run, group):
        self.parts = {
            'process': {f'{pid} {line}' for pid, line in processes().items()},
            'mount': set(mounts()),
            'cgroup': set(cgroups(group)),
            'interface': set(_links()),
            'route': set(_routes()),
            'nft': set(_output('nft', 'list', 'ruleset').splitlines()),
            'file': set(_files(f'{root}/pods', f'{root}/network', f'{root}/objects', f'{root}/volumes', run)),
        }

    def left(self, before):
        """What is here and was not before, one line a thing. Lock files, marks and folders without a
        file that kpod keeps are no leak."""
        lines = []
        for kind, things in self.parts.items():
            for thing in sorted(things - before.parts[kind]):
                if kind == 'file' and (thing.endswith('.lock') or thing.endswith('/network/config.json') or '/run/seccomp' in thing or '/locks' in thing or
                                       '/objects/.settled-' in thing or os.path.isdir(thing) and not _holds_files(thing)):
                    continue
                if kind == 'cgroup' and not re.search(r'/kpod[^/]*/', thing):
                    continue  # the group of all pods may stay
                if kind == 'process' and re.search(r'^\d+ (ip|nft|ps) ', thing):
                    continue
                lines.append(f'{kind}: {thing}')
        return lines
