#!/usr/bin/python3
"""Every #include against the architecture: modules may use what CMakeLists.txt says (layering.txt,
written at configure time), and each third-party header stays at one edge.
    check.py SOURCE_DIR LAYERING_TXT"""
import pathlib
import re
import sys

# header pattern -> files (as path patterns from the source directory) that may include it
EDGES = [
    (r'yaml-cpp/', r'kube/'),
    (r'seccomp\.h', r'runtime/seccomp[a-z_]*\.(h|cc)'),
    (r'sys/capability\.h', r'runtime/'),
    (r'netlink/', r'network/'),
    (r'ldns/', r'network/'),
    (r'nftables/', r'network/'),
    (r'openssl/', r'network/|images/helper/digest|pods/(tls_client|account_token)\.cc|tests/unit/pods/'),
    (r'http_parser\.h', r'pods/http_response\.cc'),
    (r'nghttp2/', r'pods/attempt_grpc\.cc'),
    (r'boost/', r'cmd/'),
    (r'archive(_entry)?\.h', r'images/helper/'),
    (r'curl/', r'images/helper/'),
    (r'gtest/|gmock/', r'tests/'),
    (r'nlohmann/', r'base/json\.(h|cc)'),
]


def module_of(path, modules):
    """The module whose rules hold for a file: its top folder; for unit tests the folder they mirror."""
    parts = path.parts
    if parts[0] == 'tests' and parts[1] == 'unit':
        return parts[2]
    return parts[0] if parts[0] in modules else None


def check(source, modules):
    problems = []
    files = [p for m in list(modules) + ['tests'] for p in (source / m).rglob('*') if p.suffix in ('.h', '.cc')]
    for file in sorted(files):
        path = file.relative_to(source)
        module = module_of(path, modules)
        for number, line in enumerate(file.read_text(errors='replace').splitlines(), 1):
            include = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if not include:
                continue
            header = include[2]
            for pattern, where in EDGES:
                if re.match(pattern, header) and not re.match(where, str(path)) \
                        and not str(path).startswith('tests/unit/' + where.split('/')[0] + '/'):
                    problems.append(f'{path}:{number}: <{header}> belongs at its edge: {where}')
            folder = header.split('/')[0] if '/' in header else None
            if include[1] == '"' and folder is None:
                problems.append(f'{path}:{number}: "{header}" is not named from the root of the source')
            if folder in modules and module is not None:
                if folder != module and folder not in modules[module]:
                    problems.append(f'{path}:{number}: {module} may not use {folder} ("{header}")')
    return problems


def main():
    source = pathlib.Path(sys.argv[1])
    modules = {}
    for line in pathlib.Path(sys.argv[2]).read_text().splitlines():
        name, uses = line.split(':')
        modules[name] = uses.split()
    # A module may use only what stands before it: that keeps the graph free of rings.
    seen = set()
    problems = []
    for name, uses in modules.items():
        problems += [f'CMakeLists.txt: {name} uses {u}, which comes after it' for u in uses if u not in seen]
        seen.add(name)
    problems += check(source, modules)
    print('\n'.join(problems))
    print(f'{len(problems)} breaches of the layering')
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main())
