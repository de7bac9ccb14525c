#!/bin/sh
# Every source file is as clang-format writes it (.clang-format at the top).
set -eu
cd "$(dirname "$0")/../.."
find base store kube runtime network images pods cmd tests \( -name '*.h' -o -name '*.cc' \) -print0 |
  xargs -0 -n 20 clang-format --dry-run -Werror
