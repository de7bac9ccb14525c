#include "runtime/capabilities.h"

#include <sys/capability.h>
#include <sys/prctl.h>

#include <memory>

#include "base/text.h"
#include "runtime/container.h"

namespace kpod::runtime {
namespace {

struct CapFree {
  void operator()(void* c) const { ::cap_free(c); }
};
using Cap = std::unique_ptr<std::remove_pointer_t<cap_t>, CapFree>;

uint64_t Bits(cap_t caps, cap_flag_t flag) {
  uint64_t out = 0;
  for (cap_value_t v = 0; v < cap_max_bits(); ++v) {
    cap_flag_value_t value = CAP_CLEAR;
    if (::cap_get_flag(caps, v, flag, &value) == 0 && value == CAP_SET) out |= uint64_t{1} << v;
  }
  return out;
}

Status SetFlag(cap_t caps, cap_flag_t flag, uint64_t bits) {
  if (::cap_clear_flag(caps, flag) < 0) return Error::Errno("cap_clear_flag");
  for (cap_value_t v = 0; v < cap_max_bits(); ++v) {
    if ((bits & (uint64_t{1} << v)) == 0) continue;
    if (::cap_set_flag(caps, flag, 1, &v, CAP_SET) < 0) return Error::Errno("cap_set_flag");
  }
  return OkStatus();
}

}  // namespace

uint64_t AllCapabilityBits() { return (uint64_t{1} << cap_max_bits()) - 1; }

uint64_t HeldCapabilities() {
  Cap caps(::cap_get_proc());
  if (!caps) return 0;
  uint64_t out = Bits(caps.get(), CAP_PERMITTED);
  for (cap_value_t v = 0; v < cap_max_bits(); ++v) {
    if (::cap_get_bound(v) != 1) out &= ~(uint64_t{1} << v);
  }
  return out;
}

Result<CapabilityMasks> ResolveCapabilities(const CapabilitySets& sets, uint64_t held,
                                            std::vector<std::string>* warnings) {
  CapabilityMasks out;
  uint64_t warned = 0;
  auto resolve = [&](const std::vector<std::string>& names, uint64_t* mask) -> Status {
    for (const std::string& name : names) {
      cap_value_t v;
      if (::cap_from_name(name.c_str(), &v) < 0) {
        return Error(StrCat("capability ", Quote(name), " is unknown"));
      }
      uint64_t bit = uint64_t{1} << v;
      if (v < cap_max_bits() && (held & bit) != 0) {
        *mask |= bit;
      } else if ((warned & bit) == 0) {
        warned |= bit;
        warnings->push_back(StrCat("capability ", name, " is not available here"));
      }
    }
    return OkStatus();
  };
  TRY(resolve(sets.bounding, &out.bounding));
  TRY(resolve(sets.effective, &out.effective));
  TRY(resolve(sets.inheritable, &out.inheritable));
  TRY(resolve(sets.permitted, &out.permitted));
  TRY(resolve(sets.ambient, &out.ambient));
  // The kernel refuses what does not fit together; the specification lets a runtime drop it.
  out.effective &= out.permitted;
  out.ambient &= out.permitted & out.inheritable;
  return out;
}

Status DropBounding(uint64_t keep) {
  for (cap_value_t v = 0; v < cap_max_bits(); ++v) {
    if ((keep & (uint64_t{1} << v)) != 0 || ::cap_get_bound(v) != 1) continue;
    if (::cap_drop_bound(v) < 0) return Error::Errno("drop a capability from the bounding set");
  }
  return OkStatus();
}

Status RaiseEffective() {
  Cap caps(::cap_get_proc());
  if (!caps) return Error::Errno("cap_get_proc");
  TRY(SetFlag(caps.get(), CAP_EFFECTIVE, Bits(caps.get(), CAP_PERMITTED)));
  if (::cap_set_proc(caps.get()) < 0) return Error::Errno("raise capabilities");
  return OkStatus();
}

Status SetCapabilities(const CapabilityMasks& masks) {
  Cap caps(::cap_init());
  if (!caps) return Error::Errno("cap_init");
  TRY(SetFlag(caps.get(), CAP_PERMITTED, masks.permitted));
  TRY(SetFlag(caps.get(), CAP_EFFECTIVE, masks.effective));
  TRY(SetFlag(caps.get(), CAP_INHERITABLE, masks.inheritable));
  if (::cap_reset_ambient() < 0 && errno != EINVAL)
    return Error::Errno("clear ambient capabilities");
  if (::cap_set_proc(caps.get()) < 0) return Error::Errno("set capabilities");
  for (cap_value_t v = 0; v < cap_max_bits(); ++v) {
    if ((masks.ambient & (uint64_t{1} << v)) == 0) continue;
    if (::cap_set_ambient(v, CAP_SET) < 0) return Error::Errno("set an ambient capability");
  }
  return OkStatus();
}

const std::vector<std::string>& AllCapabilities() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> out;
    uint64_t held = HeldCapabilities();
    for (cap_value_t v = 0; v < cap_max_bits(); ++v) {
      std::unique_ptr<char, CapFree> name(::cap_to_name(v));
      if ((held & (uint64_t{1} << v)) == 0 || !name) continue;
      std::string upper;
      for (const char* c = name.get(); *c != 0; ++c) {
        upper.push_back(*c >= 'a' && *c <= 'z' ? static_cast<char>(*c - 'a' + 'A') : *c);
      }
      out.push_back(std::move(upper));
    }
    return out;
  }();
  return all;
}

const std::vector<std::string>& DefaultCapabilities() {
  static const std::vector<std::string> names = {
      "CAP_CHOWN",   "CAP_DAC_OVERRIDE", "CAP_FSETID",           "CAP_FOWNER",
      "CAP_MKNOD",   "CAP_NET_RAW",      "CAP_SETGID",           "CAP_SETUID",
      "CAP_SETFCAP", "CAP_SETPCAP",      "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT",
      "CAP_KILL",    "CAP_AUDIT_WRITE"};
  return names;
}

}  // namespace kpod::runtime
