#!/usr/bin/python3
"""What no compiler checks: the length of files, marks of unfinished work, paths of one machine, and
that every header guards itself.
    check.py SOURCE_DIR"""
import pathlib
import re
import sys

FOLDERS = ['base', 'store', 'kube', 'runtime', 'network', 'images', 'pods', 'cmd', 'tests', 'scripts',
           'cmake', 'docs', 'manifests', '.ci']
CODE = {'.h', '.cc', '.py', '.sh', '.cmake'}
MAX_LINES = 500
# Tables (data in the form of code) may be longer.
TABLES = re.compile(r'(^|/)[a-z0-9_]*(table|tables|syscalls)[a-z0-9_]*\.(cc|inc|h)$')


def problems_of(path, text):
    lines = text.splitlines()
    if path.suffix in CODE and len(lines) > MAX_LINES and not TABLES.search(str(path)):
        yield f'{path}: {len(lines)} lines, more than {MAX_LINES}'
    if path.suffix == '.h' and '#pragma once' not in text:
        yield f'{path}: no #pragma once'
    for number, line in enumerate(lines, 1):
        if re.search(r'\b(TO' r'DO|FIX' r'ME|XX' r'X)\b', line):
            yield f'{path}:{number}: unfinished work: {line.strip()}'
        if re.search(r'(?<![\w.$}])/(work|home|root)/[a-z]\w*/\w+', line):
            yield f'{path}:{number}: a path of one machine: {line.strip()}'
        if path.suffix in CODE and '\t' in line and path.suffix != '.py' and 'KEEP TAB' not in line \
                and 'tests/' not in str(path):
            yield f'{path}:{number}: a tab'
        if path.suffix in CODE and line != line.rstrip():
            yield f'{path}:{number}: blanks at the end of the line'
    if text and not text.endswith('\n'):
        yield f'{path}: no newline at its end'


def main():
    source = pathlib.Path(sys.argv[1])
    problems = []
    files = [source / 'CMakeLists.txt', source / 'README.md', source / 'CHANGELOG.md']
    for folder in FOLDERS:
        files += [p for p in (source / folder).rglob('*') if p.is_file()]
    for file in sorted(files):
        if {'__pycache__', 'corpus'} & set(file.parts) or file.stat().st_size > 2_000_000:
            continue
        try:
            text = file.read_text()
        except UnicodeDecodeError:
            continue
        problems += problems_of(file.relative_to(source), text)
    print('\n'.join(problems))
    print(f'{len(problems)} breaches of style')
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main())
