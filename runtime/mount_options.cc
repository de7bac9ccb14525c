#include "runtime/mount_options.h"

#include <sys/mount.h>

#include <algorithm>
#include <map>

#include "base/text.h"

namespace kpod::runtime {
namespace {

struct Attribute {
  uint64_t set, clear;
};

// Access time is one field of values, not a set of bits: changing it clears the whole field
// (mount_setattr(2)).
const std::map<std::string_view, Attribute>& Attributes() {
  static const std::map<std::string_view, Attribute> table = {
      {"ro", {MOUNT_ATTR_RDONLY, 0}},
      {"rw", {0, MOUNT_ATTR_RDONLY}},
      {"nosuid", {MOUNT_ATTR_NOSUID, 0}},
      {"suid", {0, MOUNT_ATTR_NOSUID}},
      {"nodev", {MOUNT_ATTR_NODEV, 0}},
      {"dev", {0, MOUNT_ATTR_NODEV}},
      {"noexec", {MOUNT_ATTR_NOEXEC, 0}},
      {"exec", {0, MOUNT_ATTR_NOEXEC}},
      {"nodiratime", {MOUNT_ATTR_NODIRATIME, 0}},
      {"diratime", {0, MOUNT_ATTR_NODIRATIME}},
      {"relatime", {MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME}},
      {"norelatime", {MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME}},
      {"noatime", {MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME}},
      {"atime", {MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME}},
      {"strictatime", {MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME}},
      {"nostrictatime", {MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME}},
      {"nosymfollow", {MOUNT_ATTR_NOSYMFOLLOW, 0}},
      {"symfollow", {0, MOUNT_ATTR_NOSYMFOLLOW}},
  };
  return table;
}

bool ApplyPropagation(std::string_view word, MountOptions* out) {
  static const std::map<std::string_view, std::pair<uint64_t, bool>> table = {
      {"private", {MS_PRIVATE, false}},       {"rprivate", {MS_PRIVATE, true}},
      {"slave", {MS_SLAVE, false}},           {"rslave", {MS_SLAVE, true}},
      {"shared", {MS_SHARED, false}},         {"rshared", {MS_SHARED, true}},
      {"unbindable", {MS_UNBINDABLE, false}}, {"runbindable", {MS_UNBINDABLE, true}},
  };
  auto it = table.find(word);
  if (it == table.end()) return false;
  out->propagation = it->second.first;
  out->propagation_recursive = it->second.second;
  return true;
}

void Merge(const Attribute& a, uint64_t* set, uint64_t* clear) {
  *set = (*set & ~a.clear) | a.set;
  // A later word wins: what it sets is no longer to be cleared, but for the access time field,
  // which has to be cleared to be set.
  *clear = (*clear & ~(a.set & ~MOUNT_ATTR__ATIME)) | a.clear;
}

}  // namespace

Result<MountOptions> ParseMountOptions(const Mount& mount) {
  static const std::vector<std::string_view> flags = {"sync", "dirsync", "lazytime", "mand"};
  static const std::vector<std::string_view> nothing = {
      "defaults", "async", "nomand", "nolazytime", "loud", "silent", "nofail", "iversion"};
  MountOptions out;
  out.bind = mount.type == "bind" || mount.type == "rbind";
  out.recursive = mount.type == "rbind";
  for (const std::string& word : mount.options) {
    if (word.empty()) continue;
    if (word == "bind" || word == "rbind") {
      out.bind = true;
      out.recursive = word == "rbind";
      continue;
    }
    if (auto it = Attributes().find(word); it != Attributes().end()) {
      Merge(it->second, &out.set, &out.clear);
      continue;
    }
    if (word.size() > 1 && word.front() == 'r') {
      if (auto it = Attributes().find(std::string_view(word).substr(1)); it != Attributes().end()) {
        Merge(it->second, &out.recursive_set, &out.recursive_clear);
        continue;
      }
    }
    if (ApplyPropagation(word, &out)) continue;
    if (word == "tmpcopyup" || word == "copyup") {
      out.copy_up = true;
    } else if (word.starts_with("kpod.subpath=")) {
      out.has_subpath = true;
      out.subpath = word.substr(std::string_view("kpod.subpath=").size());
    } else if (word == "idmap" || word == "ridmap") {
      out.map_owners = true;
      out.map_recursive = word == "ridmap";
    } else if (std::find(flags.begin(), flags.end(), word) != flags.end()) {
      out.flags.push_back(word);
    } else if (std::find(nothing.begin(), nothing.end(), word) == nothing.end()) {
      size_t equals = word.find('=');
      out.data.emplace_back(word.substr(0, equals),
                            equals == std::string::npos ? "" : word.substr(equals + 1));
    }
  }
  if (out.map_owners && !out.bind) {
    return Error(StrCat("mount ", mount.destination, ": idmap is for a bind mount"));
  }
  if (out.bind && !out.data.empty()) {
    return Error(StrCat("mount ", mount.destination, ": option ", Quote(out.data[0].first),
                        " is not for a bind mount"));
  }
  return out;
}

}  // namespace kpod::runtime
