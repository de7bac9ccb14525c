"""Images made in memory, for tests that load, import and pull them."""
import hashlib
import io
import json
import os
import tarfile


def sha(data):
    return hashlib.sha256(data).hexdigest()


def layer(**files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w') as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o755
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


class Builder:
    """One image in memory; `write` puts it down as a docker-archive, an OCI layout or a dir: folder."""

    def __init__(self, *layers, architecture=None, name='made:1', compress=None, **config):
        self.name = name
        self.architecture = architecture or {'x86_64': 'amd64', 'aarch64': 'arm64'}[os.uname().machine]
        self.diffs = list(layers)
        self.blobs = [compress(l) if compress else l for l in layers]
        self.config = json.dumps({
            'os': 'linux', 'architecture': self.architecture, 'created': '2020-01-02T03:04:05Z', 'config': config,
            'rootfs': {'type': 'layers', 'diff_ids': ['sha256:' + sha(l) for l in layers]}}).encode()
        self.id = sha(self.config)

    def manifest(self, media='application/vnd.oci.image.layer.v1.tar'):
        def entry(kind, data):
            return {'mediaType': kind, 'digest': 'sha256:' + sha(data), 'size': len(data)}
        return json.dumps({
            'schemaVersion': 2, 'mediaType': 'application/vnd.oci.image.manifest.v1+json',
            'config': entry('application/vnd.oci.image.config.v1+json', self.config),
            'layers': [entry(media, b) for b in self.blobs]}).encode()

    def oci(self, folder, annotations=None, more=()):
        """An OCI layout of this image and, in one index, those of `more` (other platforms)."""
        blobs = folder / 'blobs/sha256'
        blobs.mkdir(parents=True, exist_ok=True)
        entries = []
        for image in (self, *more):
            manifest = image.manifest()
            for data in (manifest, image.config, *image.blobs):
                (blobs / sha(data)).write_bytes(data)
            entries.append({'mediaType': 'application/vnd.oci.image.manifest.v1+json', 'size': len(manifest),
                            'digest': 'sha256:' + sha(manifest),
                            'platform': {'os': 'linux', 'architecture': image.architecture}})
        if more:
            inner = json.dumps({'schemaVersion': 2, 'manifests': entries}).encode()
            (blobs / sha(inner)).write_bytes(inner)
            entries = [{'mediaType': 'application/vnd.oci.image.index.v1+json', 'size': len(inner),
                        'digest': 'sha256:' + sha(inner)}]
        entries[0]['annotations'] = annotations or {'org.opencontainers.image.ref.name': self.name}
        (folder / 'index.json').write_text(json.dumps({'schemaVersion': 2, 'manifests': entries}))
        (folder / 'oci-layout').write_text('{"imageLayoutVersion": "1.0.0"}')
        return folder

    def docker(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f'{self.id}.json').write_bytes(self.config)
        names = []
        for blob in self.blobs:
            names.append(f'{sha(blob)}/layer.tar')
            (folder / sha(blob)).mkdir(exist_ok=True)
            (folder / names[-1]).write_bytes(blob)
        (folder / 'manifest.json').write_text(json.dumps(
            [{'Config': f'{self.id}.json', 'RepoTags': [self.name], 'Layers': names}]))
        return folder


def archive(folder, path, mode='w'):
    with tarfile.open(path, mode) as tar:
        for name in sorted(os.listdir(folder)):
            tar.add(folder / name, arcname=name)
    return path
