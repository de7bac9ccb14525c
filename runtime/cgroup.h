// Control groups, v2 and the v1 hybrid, behind one class. A path such as "/kpod/default_web/app"
// names the group below the root of every hierarchy. On a hybrid host the v2 hierarchy, even
// without controllers, is used for tracking and for cgroup.kill. Source: kernel
// Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/.
//
// What it costs (docs/decisions/0003-cgroups.md): a process that is moved by another one, or that
// writes cgroup.procs, waits for an RCU grace period, 5 to 13 ms. Two ways are free of it: being
// born in a v2 group (CLONE_INTO_CGROUP), and a single thread that writes "0" into the v1 file
// `tasks`. Start, Exec and ForkInto use both. Enter cannot for v2: a supervisor should be born in
// its group.
//
// On pure v2 a group that has groups with controllers below it cannot hold processes ("no internal
// processes"): the supervisor of a pod belongs into a leaf of its own, such as POD/supervisor,
// beside its containers' groups.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "base/spawn.h"
#include "runtime/spec.h"

namespace kpod::runtime {

struct CgroupStats {
  uint64_t cpu_nanos = 0;
  uint64_t memory_bytes = 0;  // working set: usage less inactive file cache
  uint64_t memory_limit = 0;  // 0: none
  uint64_t pids = 0;
  uint64_t io_read_bytes = 0, io_write_bytes = 0;
  uint64_t oom_kills = 0;
};

class Cgroup {
 public:
  // Makes the group (and its parents) and applies the limits. Limits that the machine cannot apply
  // are warnings.
  static Result<Cgroup> Create(const std::string& path, const Resources& resources,
                               std::vector<std::string>* warnings);
  static Cgroup At(const std::string& path);  // an existing one, by name

  const std::string& path() const { return path_; }
  Status Update(const Resources& resources, std::vector<std::string>* warnings) const;
  Status Kill() const;    // SIGKILL to every process below it, until none is left
  Status Remove() const;  // with all groups below it; absent is success
  Result<CgroupStats> Stats() const;
  Result<std::vector<pid_t>> Processes() const;  // with those of groups below
  // The calling process moves into it.
  Status Enter() const;
  // As base Fork, but the child is born in the group; the caller must have one thread.
  Result<Child> ForkInto(const std::function<int()>& body) const;
  // For runtime/: the v2 directory for CLONE_INTO_CGROUP (not valid where no v2 hierarchy is
  // mounted), and the rest of the way, taken by the child itself while it has one thread.
  Result<Fd> OpenV2() const;
  Status EnterV1() const;

 private:
  explicit Cgroup(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// "v1", "v2", "hybrid": for kpod info.
std::string CgroupVersion();

}  // namespace kpod::runtime
