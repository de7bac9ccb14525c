// AppArmor: what the machine has, and the profile that a container gets when it asks for the
// runtime's own. A profile is put on at exec, by process.apparmorProfile of the specification.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace kpod::runtime {

struct AppArmorHost {
  bool enabled = false;
  bool profiles_known = false;        // securityfs is mounted and may be read
  std::vector<std::string> profiles;  // names of those that the kernel has
  bool Has(std::string_view name) const;
};
// `sys`: where sysfs is.
AppArmorHost ReadAppArmorHost(const std::string& sys = "/sys");
// The names in the kernel's list, one "NAME (MODE)" a line. Pure.
std::vector<std::string> ParseAppArmorProfiles(std::string_view text);

// RuntimeDefault. What it denies are the ways to the machine that masks and capabilities shut too.
constexpr std::string_view kDefaultAppArmorProfile = "kpod-default";
std::string DefaultAppArmorPolicy();
// Gives it to the kernel where that lacks it. Policies are compiled by apparmor_parser(8): an error
// where it is not installed.
Status LoadDefaultAppArmorProfile(const AppArmorHost& host);

}  // namespace kpod::runtime
