#!/usr/bin/python3
"""Manifest -> plan: what `kpod play kube --dry-run=json` prints for each tests/golden/*.yaml is what
stands in the .plan beside it (with uids, times and hashes made alike).
    run.py [--update] [NAME...]"""
import difflib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
BIN = pathlib.Path(os.environ.get('KPOD_BIN', HERE.parents[1] / 'build/bin'))
UNSTABLE = {'uid': 'UID', 'hash': 'HASH', 'created_nanos': 0, 'createdNanos': 0, 'created': 0}


def alike(value, key=''):
    if key in UNSTABLE and not isinstance(value, (dict, list)):
        # uid is an id of the pod, but the user of a container: only the former is unstable.
        return value if key == 'uid' and isinstance(value, int) else UNSTABLE[key]
    if isinstance(value, dict):
        return {k: alike(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [alike(v) for v in value]
    if isinstance(value, str):
        return re.sub(r'[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}', 'UID', value)
    return value


def plan_of(manifest, root):
    env = dict(os.environ, KPOD_ROOT=f'{root}/root', KPOD_RUN=f'{root}/run')
    done = subprocess.run([BIN / 'kpod', 'play', 'kube', '--dry-run=json', manifest.name], env=env,
                          cwd=manifest.parent, capture_output=True, text=True, timeout=60)
    if done.returncode:
        return f'exit code {done.returncode}\n{done.stderr}'
    text = json.dumps(alike(json.loads(done.stdout)), indent=2, ensure_ascii=False)
    return text + '\n' + ''.join(f'// {line}\n' for line in done.stderr.splitlines())


def main():
    update = '--update' in sys.argv
    names = [a for a in sys.argv[1:] if a != '--update']
    bad = seen = 0
    for manifest in sorted(HERE.glob('*.yaml')):
        if names and manifest.stem not in names:
            continue
        seen += 1
        wanted = manifest.with_suffix('.plan')
        with tempfile.TemporaryDirectory() as root:
            got = plan_of(manifest, root).replace(root, 'DIR')
        if update:
            wanted.write_text(got)
            continue
        want = wanted.read_text() if wanted.exists() else ''
        if got == want:
            print(f'PASS golden.{manifest.stem}')
            continue
        bad += 1
        print(''.join(difflib.unified_diff(want.splitlines(True), got.splitlines(True), wanted.name, 'now')))
        print(f'FAIL golden.{manifest.stem}: the plan is another one (run.py --update, and read the diff)')
    if not seen:
        print('FAIL golden: no manifest to compare')
    return 1 if bad or not seen else 0


if __name__ == '__main__':
    sys.exit(main())
