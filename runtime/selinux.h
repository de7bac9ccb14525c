// SELinux: contexts of processes and of files, "user:role:type:level".
#pragma once

#include <string>

#include "base/result.h"

namespace kpod::runtime {

// Whether selinuxfs is mounted, which it is where the kernel enforces a policy or logs breaches of
// it.
bool IsSelinuxOn(const std::string& sys = "/sys");

struct SelinuxOptions {
  std::string user, role, type, level;  // "": that of containers in general
};
struct SelinuxLabels {
  std::string process, files;
};
// With the defaults of container-selinux: container_t for processes, container_file_t for files. Of
// the options only the level says something about files. Pure.
SelinuxLabels SelinuxLabelsFor(const SelinuxOptions& options);

// An error where the policy does not know the label; none where SELinux is off.
Status CheckLabel(const std::string& label, const std::string& sys = "/sys");
// Gives the file of a descriptor (O_PATH too) the label; file systems that keep none are passed
// over.
Status SetFileLabel(int fd, const std::string& label);
// Gives `path` and all below it the label, following no link and crossing into no other file
// system.
Status Relabel(const std::string& path, const std::string& label);

}  // namespace kpod::runtime
