#include "pods/log_writer.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"

namespace kpod::pods {

namespace {

constexpr size_t kMaxLine = 16 << 10;  // as containerd and CRI-O split
constexpr size_t kReadBytes = 256 << 10;
constexpr size_t kWriteBytes = 256 << 10;

// One pair for all logs of the process: a supervisor has one thread, and memory that no output has
// touched costs nothing.
char read_buffer[kReadBytes];
char write_buffer[kWriteBytes];

}  // namespace

// Collects CRI lines and writes them with as few calls as they fit. The timestamp is formatted once
// a chunk: all its lines came with one read.
class LogWriter::Batch {
 public:
  Batch(LogWriter* log, Stream stream)
      : log_(log),
        open_(&log->open_[stream == Stream::kStderr]),
        stamp_(FormatTimeNano(NowNanos())) {
    stamp_ += stream == Stream::kStdout ? " stdout F " : " stderr F ";
  }

  void Line(std::string_view text) { Add(text, 'F'); }
  void Part(std::string_view text) { Add(text, 'P'); }
  // A line may be longer than CRI lets it be: all but the rest go as parts.
  std::string_view Parts(std::string_view text) {
    while (text.size() > kMaxLine) {
      Part(text.substr(0, kMaxLine));
      text.remove_prefix(kMaxLine);
    }
    return text;
  }
  Status Finish() {
    Write();
    if (failure_ != 0) return Error::Errno("write " + log_->options_.path, failure_);
    return OkStatus();
  }

 private:
  void Add(std::string_view text, char tag) {
    size_t need = stamp_.size() + text.size() + 1;
    if (used_ + need > kWriteBytes) Write();
    char* at = write_buffer + used_;
    at = std::copy(stamp_.begin(), stamp_.end(), at);
    at[-2] = tag;
    at = std::copy(text.begin(), text.end(), at);
    *at = '\n';
    used_ += need;
    last_is_part_ = tag == 'P';
  }

  void Write() {
    std::string_view bytes(write_buffer, std::exchange(used_, 0));
    if (bytes.empty() || failure_ != 0) return;
    Status rotated = log_->RotateIfFull();
    Status written = rotated ? WriteAll(log_->fd_.get(), bytes) : std::move(rotated);
    if (written) {
      log_->size_ += bytes.size();
      *open_ = last_is_part_;
      return;
    }
    failure_ = written.error().code() == 0 ? EIO : written.error().code();
    // A half line would spoil the next one too.
    if (::ftruncate(log_->fd_.get(), static_cast<off_t>(log_->size_)) < 0) return;
  }

  LogWriter* log_;
  bool* open_;
  std::string stamp_;
  size_t used_ = 0;
  bool last_is_part_ = false;
  int failure_ = 0;
};

Result<LogWriter> LogWriter::Create(const Options& options) {
  LogWriter log(options);
  TRY(log.OpenLog());
  return log;
}

Status LogWriter::OpenLog() {
  fd_ = TRY(Open(options_.path, O_WRONLY | O_APPEND | O_CREAT, 0640));
  struct stat st;
  if (::fstat(fd_.get(), &st) < 0) return Error::Errno("stat " + options_.path);
  size_ = static_cast<uint64_t>(st.st_size);
  return OkStatus();
}

Status LogWriter::RotateIfFull() {
  if (size_ < options_.max_bytes) return OkStatus();
  // The beginning of a line and its end stay in one file, so that the oldest one never begins with
  // half a line; but one that never ends may not fill the disk.
  bool in_a_line = open_[0] || open_[1];
  if (in_a_line && size_ < 2 * options_.max_bytes) return OkStatus();
  // "path.1" is the newest of the old ones; the oldest is overwritten. A reader that holds the old
  // file open reads it to its end and then finds another file at `path`.
  for (int i = options_.max_files - 1; i >= 1; --i) {
    std::string from = i == 1 ? options_.path : StrCat(options_.path, ".", i - 1);
    std::string to = StrCat(options_.path, ".", i);
    if (::rename(from.c_str(), to.c_str()) < 0 && errno != ENOENT) {
      return Error::Errno("rename " + from);
    }
  }
  if (options_.max_files <= 1 && ::unlink(options_.path.c_str()) < 0 && errno != ENOENT) {
    return Error::Errno("remove " + options_.path);
  }
  return OpenLog();
}

Result<bool> LogWriter::Drain(int fd, Stream stream, std::string_view* bytes) {
  ssize_t n;
  if (bytes != nullptr) *bytes = {};
  do {
    n = ::read(fd, read_buffer, sizeof(read_buffer));
  } while (n < 0 && errno == EINTR);
  if (n < 0 && errno == EAGAIN) return true;
  if (n < 0 && errno == EIO) return false;  // a terminal's master after the last slave closed
  if (n < 0) return Error::Errno("read output");
  if (n == 0) return false;

  if (bytes != nullptr) *bytes = {read_buffer, static_cast<size_t>(n)};
  std::string& held = partial_[stream == Stream::kStderr];
  Batch batch(this, stream);
  std::string_view rest(read_buffer, static_cast<size_t>(n));
  if (!held.empty()) {
    size_t end = rest.find('\n');
    held.append(rest.substr(0, end));
    std::string_view line = batch.Parts(held);
    if (end == std::string_view::npos) {
      batch.Part(line);
      rest = {};
    } else {
      batch.Line(line);
      rest.remove_prefix(end + 1);
    }
    held.clear();
  }
  for (;;) {
    size_t end = rest.find('\n');
    if (end == std::string_view::npos) break;
    batch.Line(batch.Parts(rest.substr(0, end)));
    rest.remove_prefix(end + 1);
  }
  held.assign(batch.Parts(rest));
  int waiting = 0;
  if (!held.empty() && (::ioctl(fd, FIONREAD, &waiting) < 0 || waiting == 0)) {
    batch.Part(held);
    held.clear();
  }
  TRY(batch.Finish());
  return true;
}

Status LogWriter::Flush() {
  for (Stream stream : {Stream::kStdout, Stream::kStderr}) {
    std::string& held = partial_[stream == Stream::kStderr];
    if (held.empty()) continue;
    Batch batch(this, stream);
    batch.Part(batch.Parts(held));
    held.clear();
    TRY(batch.Finish());
  }
  return OkStatus();
}

}  // namespace kpod::pods
