#!/usr/bin/python3
"""The layering check finds each kind of breach (and lets the allowed through)."""
import pathlib
import subprocess
import sys
import tempfile

CHECK = pathlib.Path(__file__).with_name('check.py')
LAYERS = 'base: \nkube: base\nruntime: base\npods: kube runtime base\n'
CASES = [
    ('kube/a.cc', '#include "base/fd.h"\n#include <yaml-cpp/yaml.h>\n', True),
    ('kube/a.cc', '#include "runtime/spec.h"\n', False),
    ('base/a.h', '#include "kube/object.h"\n', False),
    ('pods/a.cc', '#include "runtime/spec.h"\n#include "kube/types.h"\n', True),
    ('pods/a.cc', '#include <yaml-cpp/yaml.h>\n', False),
    ('runtime/mounts.cc', '#include <seccomp.h>\n', False),
    ('runtime/seccomp.cc', '#include <seccomp.h>\n', True),
    ('runtime/a.cc', '#include "spec.h"\n', False),
    ('base/a.cc', '#include <gtest/gtest.h>\n', False),
    ('tests/unit/kube/a_test.cc', '#include <gtest/gtest.h>\n#include "kube/object.h"\n', True),
    ('tests/unit/kube/a_test.cc', '#include "pods/plan.h"\n', False),
]

bad = 0
for name, text, allowed in CASES:
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder)
        (source / name).parent.mkdir(parents=True)
        (source / name).write_text(text)
        (source / 'layering.txt').write_text(LAYERS)
        done = subprocess.run([sys.executable, '-B', CHECK, source, source / 'layering.txt'], capture_output=True, text=True)
        good = (done.returncode == 0) == allowed
        bad += not good
        print('PASS' if good else 'FAIL', f'layering.{name.replace("/", ".")}.{"allowed" if allowed else "refused"}:',
              done.stdout.strip().replace('\n', ' | '))
# A ring in the table itself.
with tempfile.TemporaryDirectory() as folder:
    source = pathlib.Path(folder)
    (source / 'layering.txt').write_text('base: kube\nkube: base\n')
    done = subprocess.run([sys.executable, '-B', CHECK, source, source / 'layering.txt'], capture_output=True, text=True)
    bad += done.returncode == 0
    print('PASS' if done.returncode else 'FAIL', 'layering.ring')
sys.exit(1 if bad else 0)
