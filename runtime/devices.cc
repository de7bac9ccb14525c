#include "runtime/devices.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <thread>

#include "base/files.h"
#include "base/text.h"
#include "runtime/container.h"
#include "runtime/inside.h"
#include "runtime/mount_options.h"
#include "runtime/syscalls.h"

namespace kpod::runtime {
namespace {

mode_t TypeOf(const Device& d) {
  if (d.type == "b") return S_IFBLK;
  return d.type == "p" ? S_IFIFO : S_IFCHR;  // "u" is an unbuffered character device
}

Status BindDevice(int root, const PreparedDevice& d) {
  Fd target = TRY(FileInside(root, d.device.path));
  return AttachMount(d.tree.get(), target.get()).Context("device " + d.device.path);
}

Status MakeDevice(int root, int dev, const PreparedDevice& prepared) {
  const Device& d = prepared.device;
  std::string name = Basename(d.path);
  Fd other;
  int parent = dev;
  if (Dirname(CleanPath(d.path)) != "/dev") {
    other = TRY(DirectoryInside(root, Dirname(d.path)));
    parent = other.get();
  }
  mode_t mode = d.file_mode.value_or(0666) & 07777;
  dev_t number = ::makedev(static_cast<unsigned>(d.major), static_cast<unsigned>(d.minor));
  if (::mknodat(parent, name.c_str(), TypeOf(d) | mode, number) < 0) {
    if (errno == EPERM && prepared.tree) return BindDevice(root, prepared);
    if (errno != EEXIST) return Error::Errno("make device " + d.path);
    struct stat st;
    if (::fstatat(parent, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) {
      return Error::Errno("device " + d.path);
    }
    if ((st.st_mode & S_IFMT) != TypeOf(d) || st.st_rdev != number) {
      return Error("device " + d.path + ": the image has something else there");
    }
  }
  uint32_t uid = d.uid.value_or(0), gid = d.gid.value_or(0);
  if ((uid != 0 || gid != 0) &&
      ::fchownat(parent, name.c_str(), uid, gid, AT_SYMLINK_NOFOLLOW) < 0) {
    return Error::Errno("chown " + d.path);
  }
  return OkStatus();
}

Status MakeLinks(int dev) {
  static const std::pair<const char*, const char*> links[] = {
      {"/proc/self/fd", "fd"},       {"/proc/self/fd/0", "stdin"}, {"/proc/self/fd/1", "stdout"},
      {"/proc/self/fd/2", "stderr"}, {"/proc/kcore", "core"},      {"pts/ptmx", "ptmx"}};
  for (auto [target, name] : links) {
    if (::symlinkat(target, dev, name) < 0 && errno != EEXIST) {
      return Error::Errno(StrCat("link /dev/", name));
    }
  }
  return OkStatus();
}

}  // namespace

std::vector<Device> DefaultDevices() {
  return {{"/dev/null", "c", 1, 3, 0666, {}, {}},    {"/dev/zero", "c", 1, 5, 0666, {}, {}},
          {"/dev/full", "c", 1, 7, 0666, {}, {}},    {"/dev/random", "c", 1, 8, 0666, {}, {}},
          {"/dev/urandom", "c", 1, 9, 0666, {}, {}}, {"/dev/tty", "c", 5, 0, 0666, {}, {}}};
}

std::vector<Device> DevicesFor(const Spec& spec) {
  for (const Mount& m : spec.mounts) {
    if (CleanPath(m.destination) != "/dev") continue;
    Result<MountOptions> options = ParseMountOptions(m);
    if (options && options->bind) return {};
  }
  std::vector<Device> out = spec.devices;
  for (const Device& d : DefaultDevices()) {
    bool given = std::any_of(out.begin(), out.end(),
                             [&](const Device& o) { return CleanPath(o.path) == d.path; });
    if (!given) out.push_back(d);
  }
  return out;
}

Result<std::vector<PreparedDevice>> PrepareDevices(const Spec& spec, bool user_namespace) {
  std::vector<PreparedDevice> out;
  for (Device& d : DevicesFor(spec)) {
    PreparedDevice prepared;
    if (user_namespace) {
      // The host's node of the same path, checked to be that device.
      Result<Fd> node = Open(d.path, O_PATH | O_NOFOLLOW);
      struct stat st;
      if (node && ::fstat(node->get(), &st) == 0 &&
          st.st_rdev == ::makedev(static_cast<unsigned>(d.major), static_cast<unsigned>(d.minor))) {
        prepared.tree = TRY(CloneTree(node->get(), "", false).Context("device " + d.path));
      }
    }
    prepared.device = std::move(d);
    out.push_back(std::move(prepared));
  }
  return out;
}

Status ApplyDevices(int root, const std::vector<PreparedDevice>& devices) {
  if (devices.empty()) return OkStatus();
  Fd dev = TRY(RealDirectoryInside(root, "/dev"));
  for (const PreparedDevice& d : devices) TRY(MakeDevice(root, dev.get(), d));
  return MakeLinks(dev.get());
}

const std::vector<std::string>& DefaultMaskedPaths() {
  static const std::vector<std::string> paths = [] {
    std::vector<std::string> out = {
        "/proc/acpi",       "/proc/asound",      "/proc/interrupts",
        "/proc/kcore",      "/proc/keys",        "/proc/latency_stats",
        "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
        "/proc/scsi",       "/sys/firmware",     "/sys/devices/virtual/powercap"};
    // A counter a processor that tells neighbours apart by their heat.
    for (unsigned cpu = 0; cpu < std::thread::hardware_concurrency(); ++cpu) {
      std::string path = StrCat("/sys/devices/system/cpu/cpu", cpu, "/thermal_throttle");
      if (Exists(path)) out.push_back(std::move(path));
    }
    return out;
  }();
  return paths;
}

const std::vector<std::string>& DefaultReadonlyPaths() {
  static const std::vector<std::string> paths = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                                 "/proc/sysrq-trigger"};
  return paths;
}

}  // namespace kpod::runtime
