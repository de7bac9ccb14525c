#include "runtime/loop_device.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <optional>

#include "base/files.h"
#include "base/text.h"

namespace kpod::runtime {

namespace {

// Whether the device shows this very file; true also fixes that, since who has it open keeps it.
bool Shows(int device, const struct stat& file) {
  loop_info64 info{};
  return ::ioctl(device, LOOP_GET_STATUS64, &info) == 0 && info.lo_inode == file.st_ino &&
         info.lo_device == file.st_dev && info.lo_offset == 0;
}

// The names of the devices that show some file.
std::vector<std::string> AttachedNames() {
  std::vector<std::string> names = ListDir("/sys/block").value_or({});
  std::erase_if(names, [](const std::string& name) {
    return !name.starts_with("loop") || !Exists(StrCat("/sys/block/", name, "/loop"));
  });
  return names;
}

std::optional<std::pair<std::string, Fd>> FindAttached(const struct stat& file) {
  for (const std::string& name : AttachedNames()) {
    std::string path = "/dev/" + name;
    Result<Fd> device = Open(path, O_RDWR);
    if (!device || !Shows(device->get(), file)) continue;
    (void)::ioctl(device->get(), LOOP_SET_CAPACITY, 0);  // it may have grown
    return std::pair(path, std::move(*device));
  }
  return std::nullopt;
}

Result<std::pair<std::string, Fd>> AttachNew(int file, const std::string& name) {
  Fd control = TRY(Open("/dev/loop-control", O_RDWR));
  constexpr int kTries = 64;  // others may take what was free a moment ago
  for (int i = 0; i < kTries; ++i) {
    int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
    if (number < 0) return Error::Errno("no free loop device");
    std::string path = StrCat("/dev/loop", number);
    Fd device = TRY(Open(path, O_RDWR));
    loop_config config{};
    config.fd = static_cast<uint32_t>(file);
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
    name.copy(reinterpret_cast<char*>(config.info.lo_file_name), LO_NAME_SIZE - 1);
    if (::ioctl(device.get(), LOOP_CONFIGURE, &config) == 0) {
      return std::pair(std::move(path), std::move(device));
    }
    if (errno != EBUSY) return Error::Errno(path);
  }
  return Error("no free loop device");
}

}  // namespace

Result<LoopDevice> LoopDevice::Attach(const std::string& path) {
  FileLock lock = TRY(FileLock::Acquire(path));  // two that attach it at once get one device
  struct stat st;
  if (::fstat(lock.fd(), &st) < 0) return Error::Errno("stat " + path);
  if (!S_ISREG(st.st_mode)) return Error(path + " is not a file");
  auto found = FindAttached(st);
  // A description of its own: the kernel keeps it, and the lock is to end with this call.
  if (!found) {
    Fd file = TRY(Open(path, O_RDWR | O_NOFOLLOW));
    found = TRY(AttachNew(file.get(), path));
  }
  LoopDevice out(std::move(found->first));
  out.fd_ = std::move(found->second);
  if (::fstat(out.fd_.get(), &st) < 0) return Error::Errno("stat " + out.path_);
  out.major_ = ::major(st.st_rdev);
  out.minor_ = ::minor(st.st_rdev);
  return out;
}

// A container that may write the device may also have told it to stay.
LoopDevice::~LoopDevice() {
  if (fd_) (void)::ioctl(fd_.get(), LOOP_CLR_FD, 0);
}

}  // namespace kpod::runtime
