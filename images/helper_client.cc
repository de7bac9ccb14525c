#include "images/helper_client.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/files.h"
#include "base/spawn.h"
#include "base/text.h"

extern char** environ;  // NOLINT(readability-redundant-declaration)

namespace kpod::images {

namespace {

constexpr size_t kMaxLine = 4 << 20;

std::string FromEnvironment(const char* name) {
  const char* value = ::getenv(name);
  return value == nullptr ? "" : value;
}

struct Answer {
  Json result;
  bool whole = false;
};

void TakeLine(std::string_view line, const Progress& progress, Answer& answer) {
  Result<Json> json = ParseJson(line, "kpod-helper");
  if (!json) return;
  if (const Json& result = At(*json, "result"); !result.is_null()) {
    answer = {result, true};
  } else if (progress) {
    progress(StringAt(*json, "progress"), static_cast<uint64_t>(IntAt(*json, "done")),
             static_cast<uint64_t>(IntAt(*json, "total")));
  }
}

// Reads both pipes to their end.
Status Listen(Fd out, Fd err, const Progress& progress, Answer& answer, std::string& errors) {
  std::string pending;
  while (out || err) {
    pollfd fds[2] = {{out ? out.get() : -1, POLLIN, 0}, {err ? err.get() : -1, POLLIN, 0}};
    if (::poll(fds, 2, -1) < 0) {
      if (errno == EINTR) continue;
      return Error::Errno("poll");
    }
    char buffer[16384];
    if (fds[0].revents != 0) {
      ssize_t n = ::read(out.get(), buffer, sizeof(buffer));
      if (n == 0 || (n < 0 && errno != EINTR)) out.Reset();
      if (n > 0) pending.append(buffer, static_cast<size_t>(n));
      size_t end;
      while ((end = pending.find('\n')) != std::string::npos) {
        TakeLine(std::string_view(pending).substr(0, end), progress, answer);
        pending.erase(0, end + 1);
      }
      if (pending.size() > kMaxLine) return Error("kpod-helper: its answer is too long");
    }
    if (fds[1].revents != 0) {
      ssize_t n = ::read(err.get(), buffer, sizeof(buffer));
      if (n == 0 || (n < 0 && errno != EINTR)) err.Reset();
      if (n > 0 && errors.size() < 16384) errors.append(buffer, static_cast<size_t>(n));
    }
  }
  return OkStatus();
}

}  // namespace

std::string HelperPath() {
  if (std::string path = FromEnvironment("KPOD_HELPER"); !path.empty()) return path;
  std::vector<std::string> folders;
  // kpod may run from a sealed copy of itself; KPOD_SELF then remembers where it came from.
  if (std::string self = FromEnvironment("KPOD_SELF"); !self.empty()) {
    folders.push_back(Dirname(self));
  }
  char self[4096];
  ssize_t n = ::readlink("/proc/self/exe", self, sizeof(self));
  if (n > 0 && self[0] == '/') {
    folders.push_back(Dirname(std::string_view(self, static_cast<size_t>(n))));
  }
  for (const std::string& folder : folders) {
    std::string path = JoinPath(folder, "kpod-helper");
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return KPOD_LIBEXECDIR "/kpod-helper";
}

Result<Json> CallHelper(const std::vector<std::string>& arguments, bool inherit_stdin,
                        const Progress& progress) {
  std::string path = HelperPath();
  Pipe out = TRY(MakePipe());
  Pipe err = TRY(MakePipe());
  std::vector<std::string> words = {path};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  Undo destroy([&] { posix_spawn_file_actions_destroy(&actions); });
  if (!inherit_stdin) posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out.write.get(), 1);
  posix_spawn_file_actions_adddup2(&actions, err.write.get(), 2);
  Child child;
  int rc = ::posix_spawn(&child.pid, path.c_str(), &actions, nullptr, argv.data(), environ);
  if (rc != 0) return Error::Errno("run " + path, rc);
  out.write.Reset();
  err.write.Reset();
  Answer answer;
  std::string errors;
  Status heard = Listen(std::move(out.read), std::move(err.read), progress, answer, errors);
  ExitState exit = TRY(WaitFor(child));
  TRY(std::move(heard));
  if (exit.code != 0 || !answer.whole) {
    std::string_view sentence = Trim(errors);
    if (!sentence.empty()) return Error(std::string(sentence));
    if (exit.signal != 0) return Error(StrCat("kpod-helper ended by signal ", exit.signal));
    return Error(StrCat("kpod-helper ended with exit code ", exit.code));
  }
  return std::move(answer.result);
}

}  // namespace kpod::images
