// Writing to /proc only where it is /proc: CVE-2025-52881 redirects such writes (labels, sysctls)
// to harmless or dangerous files by mounting something over them.
#pragma once

#include <map>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace kpod::runtime {

// The root of the caller's procfs, verified. Opened before the container's root is entered, so the
// image has no say in it.
Result<Fd> OpenProc();
// `path` is relative to the procfs root; nothing mounted on the way is crossed.
Status WriteProc(int proc, const std::string& path, const std::string& value);

// "net.ipv4.ip_forward" and "net/ipv4/ip_forward" -> "sys/net/ipv4/ip_forward". Only those that
// belong to a namespace: another one would change the host. Pure.
Result<std::string> SysctlPath(const std::string& name);
Status ApplySysctls(int proc, const std::map<std::string, std::string>& sysctl);

}  // namespace kpod::runtime
