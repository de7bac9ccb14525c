#!/usr/bin/python3
"""clang-tidy (.clang-tidy at the top) over every source file of the compilation database, on all
processors. Files of one folder are looked at several at a time, so that the headers they share are
read once; what cannot be compiled together (two files with one name for different things) is looked
at one by one. What was clean is not checked again until a file, a header of the project, the
configuration or the compile command changes.
    tidy.py BUILD_DIR"""
import concurrent.futures
import hashlib
import itertools
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
TOGETHER = 25
# The part that includes the others is not a file of the project.
OF_A_GROUP = ['--checks=-bugprone-suspicious-include', r'--header-filter=/[a-z]+/[^/]*\.(h|cc)$']


def includes_of(file, known):
    """The project's own headers that a file sees, through headers as well."""
    if file not in known:
        known[file] = set()
        for header in re.findall(r'#include "([^"]+)"', file.read_text(errors='replace')):
            header = SOURCE / header
            if header.exists():
                known[file] |= {header} | includes_of(header, known)
    return known[file]


def digest_of(group, flags, known):
    h = hashlib.sha256(' '.join(flags).encode())
    seen = set(group).union(*(includes_of(file, known) for file in group))
    for part in [SOURCE / '.clang-tidy', *sorted(seen)]:
        h.update(str(part.relative_to(SOURCE)).encode() + part.read_bytes())
    return h.hexdigest()


def flags_of(entry):
    """A compile command without the compiler, the source and the output."""
    words = shlex.split(entry['command'])[1:]
    flags = [w for w in words if w not in ('-c', entry['file'])]
    if '-o' in flags:
        del flags[flags.index('-o'):flags.index('-o') + 2]
    return flags


def groups_of(database):
    files = {}
    for entry in database:
        file = pathlib.Path(entry['file'])
        if 'tests' not in file.relative_to(SOURCE).parts:
            files[file] = flags_of(entry)
    key = lambda f: (str(f.parent), files[f])
    for (_, flags), same in itertools.groupby(sorted(files, key=key), key):
        same = sorted(same)
        count = -(-len(same) // TOGETHER)
        for i in range(count):
            yield same[i::count], flags


def tidy(file, flags, *options):
    return subprocess.run(['clang-tidy', '--quiet', *options, str(file), '--', *flags],
                          capture_output=True, text=True, cwd=SOURCE)


def findings(group, flags, scratch):
    """What clang-tidy says, or nothing."""
    if len(group) > 1:
        together = scratch / (hashlib.sha256(str(group).encode()).hexdigest()[:16] + '.cc')
        together.write_text(''.join(f'#include "{file.relative_to(SOURCE)}"\n' for file in group))
        done = tidy(together, flags, *OF_A_GROUP)
        together.unlink()
        if done.returncode == 0 and 'warning:' not in done.stdout:
            return ''
        if 'clang-diagnostic-error' not in done.stdout:
            return done.stdout + done.stderr
    text = ''
    for file in group:
        done = tidy(file, flags)
        if done.returncode or 'warning:' in done.stdout:
            text += done.stdout + done.stderr
    return text


def main():
    build = pathlib.Path(sys.argv[1])
    stamps = build / 'tidy'
    stamps.mkdir(exist_ok=True)
    known = {}
    work = []
    count = 0
    for group, flags in groups_of(json.loads((build / 'compile_commands.json').read_text())):
        count += len(group)
        stamp = stamps / digest_of(group, flags, known)
        if not stamp.exists():
            work.append((group, flags, stamp))
    # The longest first, so that the last one does not run alone.
    work.sort(key=lambda w: -sum(file.stat().st_size for file in w[0]))

    def run(item):
        group, flags, stamp = item
        text = findings(group, flags, stamps)
        if not text:
            stamp.touch()
        return text

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = [text for text in pool.map(run, work) if text]
    print(''.join(found))
    print(f'{sum(len(g) for g, _, _ in work)} of {count} files checked, the others known to be clean; '
          f'{len(found)} groups with findings')
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
