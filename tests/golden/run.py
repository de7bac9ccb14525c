#!/usr/bin/python3
"""Manifest -> plan: what `kpod play kube --dry-run=json` makes of each manifest of tests/golden and of
manifests is what stands in tests/golden/*.plan (with uids, times, hashes and random names made
alike): the plans, or for a bad manifest the exit code, then what it says.
    run.py [--update] [NAME...]"""
import difflib
import hashlib
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
# One small image under every name that the manifests use, so that plans show what comes of it.
IMAGES = ['busybox:1.36', 'busybox:1.37', 'nginx:1.25', 'redis:alpine', 'python:3.11-slim', 'postgres:16-alpine']
CONFIG = {'architecture': 'amd64', 'os': 'linux', 'config': {
    'Env': ['PATH=/usr/bin:/bin', 'FROM_IMAGE=yes'], 'Entrypoint': ['/entry'], 'Cmd': ['serve'], 'User': 'web', 'WorkingDir': '/srv'}}
FILES = {'etc/passwd': 'root:x:0:0::/root:/bin/sh\nweb:x:101:102::/srv:/bin/sh\n', 'etc/group': 'root:x:0:\nweb:x:102:\nlogs:x:300:web\n'}
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


def tar_of(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w') as tar:
        for name, data in files.items():
            data = data if isinstance(data, bytes) else data.encode()
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def load_image(env, folder):
    layer = tar_of(FILES)
    config = json.dumps(dict(CONFIG, rootfs={'type': 'layers', 'diff_ids': ['sha256:' + hashlib.sha256(layer).hexdigest()]}))
    manifest = [{'Config': 'config.json', 'RepoTags': IMAGES, 'Layers': ['layer.tar']}]
    archive = pathlib.Path(folder, 'image.tar')
    archive.write_bytes(tar_of({'manifest.json': json.dumps(manifest), 'config.json': config, 'layer.tar': layer}))
    subprocess.run([BIN / 'kpod', 'load', '--quiet', '-i', archive], env=env, check=True, stdout=subprocess.DEVNULL, timeout=60)


def plan_of(manifest, env):
    done = subprocess.run([BIN / 'kpod', 'play', 'kube', '--dry-run=json', manifest.name], env=env,
                          cwd=manifest.parent, capture_output=True, text=True, timeout=60)
    said = ''.join(f'// {line}\n' for line in done.stderr.splitlines())
    if done.returncode:
        return f'// exit code {done.returncode}\n{said}{done.stdout}'
    plans = json.loads(done.stdout)
    for plan in plans:
        if plan.get('ownerName'):  # the names that replicas get are partly random
            plan['name'] = plan['hostname'] = plan['ownerName'] + '-HASH-RANDOM'
    return json.dumps(alike(plans), indent=1, ensure_ascii=False) + '\n' + said


def main():
    update = '--update' in sys.argv
    names = [a for a in sys.argv[1:] if a != '--update']
    manifests = sorted([*HERE.glob('*.yaml'), *(HERE.parents[1] / 'manifests').glob('*.yaml')])
    bad = 0
    folder = tempfile.TemporaryDirectory()
    env = dict(os.environ, KPOD_ROOT=f'{folder.name}/root', KPOD_RUN=f'{folder.name}/run')
    load_image(env, folder.name)
    for manifest in manifests:
        if names and manifest.stem not in names:
            continue
        wanted = HERE / (manifest.stem + '.plan')
        got = plan_of(manifest, env).replace(folder.name, 'DIR')
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
    for stray in {p.stem for p in HERE.glob('*.plan')} - {m.stem for m in manifests}:
        bad += 1
        print(f'FAIL golden.{stray}: a plan without its manifest')
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
