#include "pods/user_range.h"

#include <algorithm>

#include "base/files.h"
#include "base/text.h"

namespace kpod::pods {

namespace {

constexpr const char* kFile = "/user-range.json";
constexpr uint64_t kLastId = 4294967294;  // the highest is nobody's (-1)
// systemd's UIDS-GIDS: free between the containers' ranges and the foreign one.
constexpr IdBlock kFree = {0x70000000, 0x7FFE0000 - 0x70000000};

// Where the whole ranges of a block lie.
uint64_t RangesIn(const IdBlock& block) { return block.count / kUserRangeSize; }

std::optional<uint32_t> RangeOf(const std::string& pod_directory) {
  Result<Json> json = ReadJsonFile(pod_directory + kFile);
  if (!json) return std::nullopt;
  int64_t first = IntAt(*json, "first", -1);
  if (first <= 0 || first > static_cast<int64_t>(kLastId)) return std::nullopt;
  return static_cast<uint32_t>(first);
}

uint64_t StartFor(const store::Paths& paths) {
  return ParseHex(paths.Instance()).value_or(0);  // the machine's own root begins with the first
}

}  // namespace

std::vector<IdBlock> SubordinateIds(std::string_view text, std::string_view name) {
  std::vector<IdBlock> out;
  for (const std::string& line : Split(text, '\n')) {
    std::vector<std::string> parts = Split(Trim(line), ':');
    if (parts.size() != 3 || parts[0] != name) continue;
    std::optional<int64_t> first = ParseInt(parts[1]), count = ParseInt(parts[2]);
    if (!first || !count || *first <= 0 || *count <= 0) continue;
    if (*first > static_cast<int64_t>(kLastId)) continue;
    int64_t most = static_cast<int64_t>(kLastId) - *first + 1;
    out.push_back({static_cast<uint64_t>(*first), static_cast<uint64_t>(std::min(*count, most))});
  }
  return out;
}

std::vector<IdBlock> IdBlocksFor(std::string_view subuid, std::string_view subgid) {
  for (const char* name : {"kubelet", "containers"}) {
    std::vector<IdBlock> users = SubordinateIds(subuid, name);
    std::vector<IdBlock> groups = SubordinateIds(subgid, name);
    std::erase_if(users, [&](const IdBlock& b) {
      return RangesIn(b) == 0 || std::find(groups.begin(), groups.end(), b) == groups.end();
    });
    if (!users.empty()) return users;
  }
  return {kFree};
}

std::optional<uint32_t> FreeUserRange(const std::vector<IdBlock>& blocks,
                                      const std::set<uint32_t>& taken, uint64_t start) {
  uint64_t total = 0;
  for (const IdBlock& b : blocks) total += RangesIn(b);
  auto is_taken = [&](uint64_t first) {
    // One that was taken under other blocks may begin elsewhere.
    auto above = taken.upper_bound(static_cast<uint32_t>(first));
    if (above != taken.end() && *above - first < kUserRangeSize) return true;
    return above != taken.begin() && first - *std::prev(above) < kUserRangeSize;
  };
  for (uint64_t i = 0; i < total; ++i) {
    uint64_t nth = (start + i) % total;
    for (const IdBlock& b : blocks) {
      if (nth >= RangesIn(b)) {
        nth -= RangesIn(b);
        continue;
      }
      uint64_t first = b.first + nth * kUserRangeSize;
      if (!is_taken(first)) return static_cast<uint32_t>(first);
      break;
    }
  }
  return std::nullopt;
}

Result<std::vector<runtime::IdMap>> TakeUserRange(const store::Paths& paths, const Plan& plan) {
  std::string own = paths.Pod(plan.ns, plan.name);
  std::optional<uint32_t> first = RangeOf(own);
  if (!first) {
    SweepTemps(own, "user-range.json");
    FileLock lock = TRY(FileLock::Acquire(paths.Locks() + "/user-ranges"));
    std::set<uint32_t> taken;
    for (const std::string& name : TRY(ListDir(paths.Pods()))) {
      if (auto other = RangeOf(JoinPath(paths.Pods(), name))) taken.insert(*other);
    }
    constexpr size_t kMost = 1 << 20;
    std::vector<IdBlock> blocks = IdBlocksFor(ReadFile("/etc/subuid", kMost).value_or(""),
                                              ReadFile("/etc/subgid", kMost).value_or(""));
    first = FreeUserRange(blocks, taken, StartFor(paths));
    if (!first) return Error("hostUsers: false: every range of subordinate ids is in use");
    TRY(WriteFileAtomic(own + kFile, Dump(Json{{"first", *first}})));
  }
  return std::vector<runtime::IdMap>{{0, *first, kUserRangeSize}};
}

}  // namespace kpod::pods
