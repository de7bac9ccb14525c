#include <algorithm>
#include <optional>

#include "base/text.h"
#include "runtime/container.h"

namespace kpod::runtime {
namespace {

constexpr int64_t kMaxId = 4294967294;  // (uint32_t)-1 means "unchanged" to the kernel

std::optional<uint32_t> ParseId(std::string_view s) {
  auto n = ParseInt(s);
  if (!n || *n < 0 || *n > kMaxId) return std::nullopt;
  return static_cast<uint32_t>(*n);
}

struct Entry {
  uint32_t uid = 0, gid = 0;
  std::string name, home;
};

// passwd(5); lines that do not parse are passed over, as libc does.
std::optional<Entry> FindUser(const std::string& passwd, std::string_view wanted) {
  auto number = ParseId(wanted);
  for (const std::string& line : Split(passwd, '\n')) {
    std::vector<std::string> f = Split(line, ':');
    if (f.size() < 4) continue;
    auto uid = ParseId(f[2]);
    auto gid = ParseId(f[3]);
    if (!uid || !gid) continue;
    if (f[0] != wanted && number != uid) continue;
    return Entry{*uid, *gid, f[0], f.size() > 5 && !f[5].empty() ? f[5] : "/"};
  }
  return std::nullopt;
}

std::optional<uint32_t> FindGroup(const std::string& group, std::string_view wanted) {
  for (const std::string& line : Split(group, '\n')) {
    std::vector<std::string> f = Split(line, ':');
    if (f.size() >= 3 && f[0] == wanted) return ParseId(f[2]);
  }
  return std::nullopt;
}

std::vector<uint32_t> GroupsOf(const std::string& group, const std::string& name, uint32_t gid) {
  std::vector<uint32_t> out;
  for (const std::string& line : Split(group, '\n')) {
    std::vector<std::string> f = Split(line, ':');
    if (f.size() < 4) continue;
    auto id = ParseId(f[2]);
    std::vector<std::string> members = Split(Trim(f[3]), ',');
    if (!id || *id == gid || std::find(members.begin(), members.end(), name) == members.end()) {
      continue;
    }
    if (std::find(out.begin(), out.end(), *id) == out.end()) out.push_back(*id);
  }
  return out;
}

}  // namespace

Result<ResolvedUser> ResolveUser(const std::string& user,
                                 const std::function<std::string(const std::string&)>& read) {
  ResolvedUser out;
  size_t colon = user.find(':');
  std::string name = user.substr(0, colon);
  std::string group = colon == std::string::npos ? "" : user.substr(colon + 1);
  if (name.empty()) name.push_back('0');
  std::optional<Entry> entry = FindUser(read("/etc/passwd"), name);
  if (entry) {
    out.uid = entry->uid;
    out.gid = entry->gid;
    out.home = entry->home;
  } else if (auto uid = ParseId(name)) {
    out.uid = *uid;
  } else {
    return Error(StrCat("user ", Quote(name), " is not in the image's /etc/passwd"));
  }
  std::string groups = read("/etc/group");
  if (!group.empty()) {
    auto gid = FindGroup(groups, group);
    if (!gid) gid = ParseId(group);
    if (!gid) return Error(StrCat("group ", Quote(group), " is not in the image's /etc/group"));
    out.gid = *gid;
  } else if (entry) {
    // With a group named, the image's others do not come along (as docker and runc do).
    out.additional_gids = GroupsOf(groups, entry->name, out.gid);
  }
  return out;
}

}  // namespace kpod::runtime
