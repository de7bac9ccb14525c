#!/usr/bin/python3
"""clang-tidy (.clang-tidy at the top) over every source file of the compilation database, on all
processors. A file that was clean is not checked again until it, a header of the project, the
configuration or its compile command changes.
    tidy.py BUILD_DIR"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]


def includes_of(file, known):
    """The project's own headers that a file sees, through headers as well."""
    if file not in known:
        known[file] = set()
        for header in re.findall(r'#include "([^"]+)"', file.read_text(errors='replace')):
            header = SOURCE / header
            if header.exists():
                known[file] |= {header} | includes_of(header, known)
    return known[file]


def digest_of(file, command, known):
    h = hashlib.sha256(command.encode())
    for part in [SOURCE / '.clang-tidy', file] + sorted(includes_of(file, known)):
        h.update(part.read_bytes())
    return h.hexdigest()


def main():
    build = pathlib.Path(sys.argv[1])
    stamps = build / 'tidy'
    stamps.mkdir(exist_ok=True)
    database = json.loads((build / 'compile_commands.json').read_text())
    known = {}
    work = []
    for entry in database:
        file = pathlib.Path(entry['file'])
        if 'tests' in file.relative_to(SOURCE).parts:
            continue
        stamp = stamps / digest_of(file, entry['command'], known)
        if not stamp.exists():
            work.append((file, stamp))
    # The longest first, so that the last one does not run alone.
    work.sort(key=lambda w: -w[0].stat().st_size)

    def run(item):
        file, stamp = item
        done = subprocess.run(['clang-tidy', '--quiet', '-p', build, file], capture_output=True, text=True)
        if done.returncode == 0 and 'warning:' not in done.stdout:
            stamp.touch()
            return ''
        return done.stdout + done.stderr

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = [text for text in pool.map(run, work) if text]
    print(''.join(found))
    print(f'{len(work)} files checked, {len(database) - len(work)} known to be clean or tests; {len(found)} with findings')
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
