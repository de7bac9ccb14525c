#!/usr/bin/python3
"""Reads ctest's JUnit files and counts the single test cases inside: GoogleTest's and those of the
Python suites. Prints every skipped case with its reason, every failed one, and one summary line."""
import re
import sys
import xml.etree.ElementTree as xml


def cases_of(output):
    """(state, name, reason) of every case a suite printed."""
    found = []
    text = []
    for line in output.splitlines():
        gtest = re.match(r'\[\s*(RUN|OK|FAILED|SKIPPED)\s*\] ([\w./]+)(?: \(\d+ ms\))?$', line)
        python = re.match(r'(PASS|FAIL|SKIP) (\S+)(?: \([\d.]+ s\))?(?:: (.*))?$', line)
        if gtest:
            word, name = gtest.groups()
            if word == 'RUN':
                text = []
                continue
            # GoogleTest repeats the names of failed and skipped cases at its end, without a time.
            if not line.endswith('ms)'):
                continue
            state = {'OK': 'passed', 'FAILED': 'failed', 'SKIPPED': 'skipped'}[word]
            reason = ' '.join(t.strip() for t in text if t.strip() and not t.endswith(': Skipped'))
            found.append((state, name, reason))
        elif python:
            word, name, reason = python.groups()
            found.append(({'PASS': 'passed', 'FAIL': 'failed', 'SKIP': 'skipped'}[word], name, reason or ''))
        else:
            text.append(line)
    return found


def main():
    count = {'passed': 0, 'failed': 0, 'skipped': 0}
    skipped, failed = [], []
    for path in sys.argv[1:]:
        preset = path.rsplit('/', 1)[-1].removesuffix('.xml')
        for suite in xml.parse(path).getroot().iter('testcase'):
            name, status = suite.get('name'), suite.get('status')
            cases = cases_of(suite.findtext('system-out') or '')
            if status == 'notrun':
                cases = [('skipped', name, (suite.findtext('system-out') or '').strip().split('\n')[-1])]
            if not cases:
                cases = [('passed' if status == 'run' else 'failed', name, '')]
            elif status == 'fail' and not any(c[0] == 'failed' for c in cases):
                cases.append(('failed', name, 'the suite ended badly'))
            for state, case, reason in cases:
                count[state] += 1
                line = f'{preset}/{name}: {case}' + (f': {reason}' if reason else '')
                if state == 'skipped':
                    skipped.append(line)
                if state == 'failed':
                    failed.append(line)
    for line in skipped:
        print('skipped', line)
    for line in failed:
        print('FAILED ', line)
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    return 1 if count['failed'] or not count['passed'] else 0


if __name__ == '__main__':
    sys.exit(main())
