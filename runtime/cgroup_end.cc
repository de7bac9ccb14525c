// How a group ends: who is in it, all of them killed, its directories removed.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"
#include "runtime/cgroup.h"
#include "runtime/hierarchies.h"

namespace kpod::runtime {
namespace {

constexpr int64_t kSecond = 1000000000;

// Every directory the group has or could have.
std::vector<std::string> Directories(const std::string& path) {
  const Hierarchies& h = HostHierarchies();
  std::vector<std::string> out;
  for (auto& [controller, dir] : h.v1) out.push_back(GroupBelow(dir, path));
  if (!h.v2.empty()) out.push_back(GroupBelow(h.v2, path));  // last: it is the mark of existence
  return out;
}

void CollectProcesses(const std::string& dir, int depth, std::set<pid_t>* out) {
  Result<std::string> text = ReadFile(dir + "/cgroup.procs");
  if (!text) return;
  for (const std::string& line : Split(Trim(*text), '\n')) {
    if (auto pid = ParseInt(line); pid && *pid > 0) out->insert(static_cast<pid_t>(*pid));
  }
  if (depth > 16) return;
  Result<std::vector<std::string>> names = ListDir(dir);
  if (!names) return;
  for (const std::string& name : *names) {
    if (name.find('.') != std::string::npos && !IsDirectory(JoinPath(dir, name))) continue;
    if (IsDirectory(JoinPath(dir, name))) CollectProcesses(JoinPath(dir, name), depth + 1, out);
  }
}

// True when no live process is left. `cgroup.events` is polled, since it tells of the change.
bool WaitUnpopulated(const std::string& dir, int64_t deadline) {
  Result<Fd> events = Open(dir + "/cgroup.events", O_RDONLY);
  if (!events) return true;  // gone
  for (;;) {
    char buf[256];
    ssize_t n = ::pread(events->get(), buf, sizeof(buf), 0);
    if (n <= 0) return true;
    if (!Contains(std::string_view(buf, static_cast<size_t>(n)), "populated 1")) return true;
    int64_t left = deadline - MonotonicNanos();
    if (left <= 0) return false;
    pollfd p{events->get(), POLLPRI, 0};
    ::poll(&p, 1, static_cast<int>(std::min<int64_t>(left / 1000000 + 1, 100)));
  }
}

Status RemoveTree(const std::string& dir, int64_t deadline, int depth) {
  int64_t pause = 200;  // microseconds
  for (;;) {
    if (::rmdir(dir.c_str()) == 0 || errno == ENOENT) return OkStatus();
    int code = errno;
    if (code != EBUSY && code != ENOTEMPTY) return Error::Errno("remove cgroup " + dir, code);
    // Only groups are directories here; going into them at once would cost a listing each time.
    Result<std::vector<std::string>> names = ListDir(dir);
    if (names && depth < 16) {
      for (const std::string& name : *names) {
        std::string below = JoinPath(dir, name);
        if (IsDirectory(below)) TRY(RemoveTree(below, deadline, depth + 1));
      }
    }
    if (::rmdir(dir.c_str()) == 0 || errno == ENOENT) return OkStatus();
    // EBUSY for a moment after the last process died, until the kernel has let go of it.
    if (MonotonicNanos() > deadline) return Error::Errno("remove cgroup " + dir);
    ::usleep(static_cast<useconds_t>(pause));
    pause = std::min<int64_t>(pause * 2, 20000);
  }
}

}  // namespace

Result<std::vector<pid_t>> Cgroup::Processes() const {
  const Hierarchies& h = HostHierarchies();
  std::set<pid_t> pids;
  if (!h.v2.empty()) {
    CollectProcesses(GroupBelow(h.v2, path_), 0, &pids);
  } else {
    for (auto& [controller, root] : h.v1) CollectProcesses(GroupBelow(root, path_), 0, &pids);
  }
  return std::vector<pid_t>(pids.begin(), pids.end());
}

Status Cgroup::Kill() const {
  const Hierarchies& h = HostHierarchies();
  int64_t deadline = MonotonicNanos() + 10 * kSecond;
  if (!h.v2.empty()) {
    std::string dir = GroupBelow(h.v2, path_);
    if (!Exists(dir)) return OkStatus();
    if (WriteFile(dir + "/cgroup.kill", "1")) {
      if (WaitUnpopulated(dir, deadline)) return OkStatus();
      return Error(StrCat("cgroup ", path_, ": processes do not die"));
    }
  }
  // Without cgroup.kill: frozen, so that a process that forks all the time cannot stay ahead.
  const std::string* freezer = h.V1("freezer");
  std::string state = freezer ? GroupBelow(*freezer, path_) + "/freezer.state" : "";
  for (;;) {
    std::vector<pid_t> pids = TRY(Processes());
    if (pids.empty()) return OkStatus();
    if (!state.empty()) (void)WriteFile(state, "FROZEN");
    for (pid_t pid : TRY(Processes())) ::kill(pid, SIGKILL);
    if (!state.empty()) (void)WriteFile(state, "THAWED");
    if (MonotonicNanos() > deadline) {
      return Error(StrCat("cgroup ", path_, ": processes do not die"));
    }
    ::usleep(1000);
  }
}

Status Cgroup::Remove() const {
  int64_t deadline = MonotonicNanos() + 2 * kSecond;
  Status first;
  for (const std::string& dir : Directories(path_)) {
    Status s = RemoveTree(dir, deadline, 0);
    if (!s && first) first = std::move(s);
  }
  return first;
}

}  // namespace kpod::runtime
