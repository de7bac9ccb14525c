// A container's output -> CRI log lines on disk, rotated. Throughput matters: one read, one write a
// wake-up. Source: Kubernetes CRI logging design; kubelet's containerLogMaxSize (10Mi) and
// containerLogMaxFiles (5).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace kpod::pods {

class LogWriter {
 public:
  struct Options {
    std::string path;
    uint64_t max_bytes = 10 << 20;
    int max_files = 5;  // the current one counts
  };
  static Result<LogWriter> Create(const Options& options);

  enum class Stream { kStdout, kStderr };
  // Reads what `fd` has now (at most a few hundred KiB, so that one container cannot starve the
  // loop) and writes it. False at end of file. Lines over 16 KiB are split with the P tag, as CRI
  // does. So is the beginning of a line whose end is not there yet (a prompt, dots of progress): it
  // is written at once, unless more waits to be read. `bytes`: what was read, valid until the next
  // call of any LogWriter.
  Result<bool> Drain(int fd, Stream stream, std::string_view* bytes = nullptr);
  Status Flush();  // writes what is held, with the P tag: its newline never came

 private:
  class Batch;
  Status OpenLog();
  Status RotateIfFull();
  explicit LogWriter(Options options) : options_(std::move(options)) {}
  Options options_;
  Fd fd_;
  uint64_t size_ = 0;
  std::string partial_[2];
  bool open_[2] = {false, false};  // the last line that was written is not whole yet
};

}  // namespace kpod::pods
