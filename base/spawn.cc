#include "base/spawn.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/files.h"
#include "base/text.h"

extern char** environ;  // NOLINT(readability-redundant-declaration)

namespace kpod {

ExitState DecodeWaitStatus(int status) {
  if (WIFSIGNALED(status)) return {128 + WTERMSIG(status), WTERMSIG(status)};
  return {WEXITSTATUS(status), 0};
}

Result<Child> Fork(const std::function<int()>& body) {
  // fork(3), not clone3: glibc's handlers must run, since `body` allocates.
  pid_t pid = ::fork();
  if (pid < 0) return Error::Errno("fork");
  if (pid == 0) ::_exit(body());
  Child child;
  child.pid = pid;
  int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) {
    Error e = Error::Errno("pidfd_open");
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return e;
  }
  child.pidfd = Fd(fd);
  return child;
}

Result<ExitState> WaitFor(const Child& child) {
  int status = 0;
  while (::waitpid(child.pid, &status, 0) < 0) {
    if (errno != EINTR) return Error::Errno("waitpid");
  }
  return DecodeWaitStatus(status);
}

Result<std::string> RunInChild(const std::function<Result<std::string>()>& body) {
  Pipe pipe = TRY(MakePipe());
  Child child = TRY(Fork([&]() -> int {
    Result<std::string> r = body();
    if (r) return WriteAll(pipe.write.get(), *r) ? 0 : 1;
    (void)WriteAll(pipe.write.get(), r.error().message());
    return r.error().exit_code() == 0 ? kExitFailure : r.error().exit_code();
  }));
  pipe.write.Reset();
  Result<std::string> text = ReadAll(pipe.read.get(), 1 << 20);
  ExitState exit = TRY(WaitFor(child));
  if (!text) return text;
  if (exit.signal != 0) return Error(StrCat("child ended by signal ", exit.signal));
  if (exit.code != 0) return Error(*text, exit.code);
  return text;
}

namespace {

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (const std::string& s : strings) out.push_back(const_cast<char*>(s.c_str()));
  out.push_back(nullptr);
  return out;
}

// Feeds `input` and collects both outputs until all three are closed.
Status Converse(Fd in, std::string_view input, Fd out, std::string* out_text, Fd err,
                std::string* err_text, size_t max) {
  ::fcntl(in.get(), F_SETFL, O_NONBLOCK);
  while (in || out || err) {
    pollfd fds[3] = {{in ? in.get() : -1, POLLOUT, 0},
                     {out ? out.get() : -1, POLLIN, 0},
                     {err ? err.get() : -1, POLLIN, 0}};
    if (::poll(fds, 3, -1) < 0) {
      if (errno == EINTR) continue;
      return Error::Errno("poll");
    }
    if (in && fds[0].revents != 0) {
      ssize_t n = input.empty() ? 0 : ::write(in.get(), input.data(), input.size());
      if (n > 0) input.remove_prefix(static_cast<size_t>(n));
      if (input.empty() || (n < 0 && errno != EAGAIN)) in.Reset();
    }
    auto drain = [&](Fd& fd, short revents, std::string* text) {
      if (!fd || revents == 0) return;
      char buf[16384];
      ssize_t n = ::read(fd.get(), buf, sizeof(buf));
      if (n > 0 && text->size() < max) text->append(buf, static_cast<size_t>(n));
      if (n == 0 || (n < 0 && errno != EINTR)) fd.Reset();
    };
    drain(out, fds[1].revents, out_text);
    drain(err, fds[2].revents, err_text);
  }
  return OkStatus();
}

}  // namespace

Result<Captured> RunProgram(const SpawnOptions& o) {
  Pipe in = TRY(MakePipe());
  Pipe out = TRY(MakePipe());
  Pipe err = TRY(MakePipe());
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  Undo destroy([&] { posix_spawn_file_actions_destroy(&actions); });
  if (!o.inherit_stdin) posix_spawn_file_actions_adddup2(&actions, in.read.get(), 0);
  if (!o.inherit_stdout) posix_spawn_file_actions_adddup2(&actions, out.write.get(), 1);
  if (!o.inherit_stderr) posix_spawn_file_actions_adddup2(&actions, err.write.get(), 2);
  std::vector<char*> argv = Pointers(o.argv);
  std::vector<char*> env = Pointers(o.env);
  pid_t pid;
  ::signal(SIGPIPE, SIG_IGN);
  int rc = ::posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(),
                          o.env.empty() ? environ : env.data());
  if (rc != 0) {
    return Error::Errno("run " + o.argv[0], rc)
        .WithExit(rc == ENOENT ? kExitNotFound : kExitCannotInvoke);
  }
  in.read.Reset();
  out.write.Reset();
  err.write.Reset();
  Captured captured;
  Status talk = Converse(std::move(in.write), o.input, std::move(out.read), &captured.out,
                         std::move(err.read), &captured.err, o.max_output);
  Child child;
  child.pid = pid;
  captured.exit = TRY(WaitFor(child));
  TRY(std::move(talk));
  return captured;
}

Result<std::string> RunChecked(const SpawnOptions& options) {
  Captured c = TRY(RunProgram(options));
  if (c.exit.code == 0) return std::move(c.out);
  std::string_view err = Trim(c.err);
  if (err.size() > 2000) err.remove_prefix(err.size() - 2000);
  return Error(StrCat(options.argv[0], err.empty() ? StrCat(" ended with exit code ", c.exit.code)
                                                   : StrCat(": ", err)));
}

}  // namespace kpod
