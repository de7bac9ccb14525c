// Running another program and waiting for it; children are pidfds, so a recycled pid is never
// signalled.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace kpod {

struct Child {
  pid_t pid = -1;
  Fd pidfd;
};

struct ExitState {
  int code = 0;    // exit code, or 128 + signal
  int signal = 0;  // 0 when it exited by itself
};

struct SpawnOptions {
  std::vector<std::string> argv;  // argv[0] is looked up in PATH when it has no slash
  std::vector<std::string> env;   // empty: the caller's environment
  std::string input;              // given on standard input; else /dev/null (unless inherit_stdin)
  bool inherit_stdin = false;
  bool inherit_stdout = false;
  bool inherit_stderr = false;
  size_t max_output = 64 << 20;
};

struct Captured {
  ExitState exit;
  std::string out, err;
};

// Runs to the end, collecting what is not inherited. An error only when the program could not be
// run (exit code 127: not found).
Result<Captured> RunProgram(const SpawnOptions& options);
// The same, and a non-zero exit becomes an error with the last lines of its stderr.
Result<std::string> RunChecked(const SpawnOptions& options);

// Forks; `body` runs in the child and its value is the exit code (_exit, no destructors of the
// parent's world).
Result<Child> Fork(const std::function<int()>& body);
// Runs `body` in a forked child and waits: what it allocates, unshares or crashes on stays there.
// The error of `body` comes back whole; a string result is carried (at most 1 MiB).
Result<std::string> RunInChild(const std::function<Result<std::string>()>& body);
Result<ExitState> WaitFor(const Child& child);
ExitState DecodeWaitStatus(int wait_status);

}  // namespace kpod
