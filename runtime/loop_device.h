// A file as a block device of the machine.
#pragma once

#include <cstdint>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace kpod::runtime {

// Holds the device: it is let go of when nobody has it open any more, however its holders end.
class LoopDevice {
 public:
  // Who attaches a file that is attached already gets the same device, so that all see one content.
  // The device has the file's size, a whole number of 512 bytes.
  static Result<LoopDevice> Attach(const std::string& file);
  LoopDevice(LoopDevice&&) = default;
  LoopDevice& operator=(LoopDevice&&) = delete;
  ~LoopDevice();

  const std::string& path() const { return path_; }  // /dev/loop7
  int64_t major() const { return major_; }
  int64_t minor() const { return minor_; }

 private:
  explicit LoopDevice(std::string path) : path_(std::move(path)) {}
  Fd fd_;
  std::string path_;
  int64_t major_ = 0, minor_ = 0;
};

}  // namespace kpod::runtime
