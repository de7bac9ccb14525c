#include <limits>

#include "base/files.h"
#include "base/text.h"
#include "runtime/cgroup.h"
#include "runtime/hierarchies.h"

namespace kpod::runtime {
namespace {

std::optional<uint64_t> Number(const std::string& file) {
  Result<std::string> text = ReadFile(file, 4096);
  if (!text) return std::nullopt;
  auto n = ParseInt(Trim(*text));
  if (!n || *n < 0) return std::nullopt;  // "max"
  return static_cast<uint64_t>(*n);
}

// The value behind `key` in lines of "key value".
uint64_t Keyed(const std::string& file, std::string_view key) {
  Result<std::string> text = ReadFile(file, 1 << 20);
  if (!text) return 0;
  for (const std::string& line : Split(*text, '\n')) {
    if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == ' ') {
      auto n = ParseInt(Trim(std::string_view(line).substr(key.size() + 1)));
      return n && *n > 0 ? static_cast<uint64_t>(*n) : 0;
    }
  }
  return 0;
}

uint64_t Less(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }

// v2 io.stat: "8:0 rbytes=1 wbytes=2 ..." a device a line.
void IoV2(const std::string& file, CgroupStats* out) {
  Result<std::string> text = ReadFile(file, 1 << 20);
  if (!text) return;
  for (const std::string& line : Split(*text, '\n')) {
    for (const std::string& field : Split(line, ' ')) {
      bool read = field.starts_with("rbytes=");
      if (!read && !field.starts_with("wbytes=")) continue;
      auto n = ParseInt(std::string_view(field).substr(7));
      (read ? out->io_read_bytes : out->io_write_bytes) += static_cast<uint64_t>(n.value_or(0));
    }
  }
}

}  // namespace

Result<CgroupStats> Cgroup::Stats() const {
  const Hierarchies& h = HostHierarchies();
  CgroupStats out;
  std::string v2 = h.v2.empty() ? "" : JoinPath(h.v2, path_);
  std::string memory = h.V1("memory") ? JoinPath(*h.V1("memory"), path_) : "";
  if (!IsDirectory(v2.empty() ? memory : v2)) {
    return Error::Errno("cgroup " + path_, ENOENT);
  }
  // cpu.stat of v2 counts time without any controller, even on a hybrid host.
  if (!v2.empty()) {
    out.cpu_nanos = Keyed(v2 + "/cpu.stat", "usage_usec") * 1000;
  } else if (const std::string* cpuacct = h.V1("cpuacct")) {
    out.cpu_nanos = Number(JoinPath(*cpuacct, path_) + "/cpuacct.usage").value_or(0);
  }
  if (h.v2_has_controllers) {
    out.memory_bytes = Less(Number(v2 + "/memory.current").value_or(0),
                            Keyed(v2 + "/memory.stat", "inactive_file"));
    out.memory_limit = Number(v2 + "/memory.max").value_or(0);
    out.oom_kills = Keyed(v2 + "/memory.events", "oom_kill");
    IoV2(v2 + "/io.stat", &out);
    if (auto n = Number(v2 + "/pids.current")) {
      out.pids = *n;
      return out;
    }
  } else if (!memory.empty()) {
    out.memory_bytes = Less(Number(memory + "/memory.usage_in_bytes").value_or(0),
                            Keyed(memory + "/memory.stat", "total_inactive_file"));
    uint64_t limit = Number(memory + "/memory.limit_in_bytes").value_or(0);
    // "No limit" reads as the largest multiple of a page.
    out.memory_limit = limit > (uint64_t{1} << 62) ? 0 : limit;
    out.oom_kills = Keyed(memory + "/memory.oom_control", "oom_kill");
  }
  out.pids = TRY(Processes()).size();
  return out;
}

}  // namespace kpod::runtime
