// Bytes that come one after another: a file, a member of an archive, what a decompressor makes.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "images/helper/digest.h"

struct archive;

namespace kpod::images {

class Stream {
 public:
  virtual ~Stream() = default;
  virtual Result<std::string_view> Next() = 0;  // empty: the end
};

class FileStream : public Stream {
 public:
  explicit FileStream(Fd fd) : fd_(std::move(fd)), buffer_(256 << 10) {}
  Result<std::string_view> Next() override;

 private:
  Fd fd_;
  std::vector<char> buffer_;
};

// Hashes and counts what passes through.
class HashingStream : public Stream {
 public:
  explicit HashingStream(Stream& from) : from_(from) {}
  Result<std::string_view> Next() override;
  Status Drain();  // to the end, for what nobody wants to read
  std::string HexDigest() { return hash_.HexDigest(); }
  uint64_t bytes() const { return bytes_; }

 private:
  Stream& from_;
  Sha256 hash_;
  uint64_t bytes_ = 0;
};

// What libarchive says of its last failure; of some it says nothing.
std::string ArchiveReason(archive* a);

// libarchive reading from a Stream.
class Archive {
 public:
  enum class Kind {
    kDecompress,  // any filter; one entry, which is the content
    kTar,         // no filter
  };
  static Result<std::unique_ptr<Archive>> Open(Kind kind, Stream& from);
  ~Archive();
  archive* get() { return archive_; }
  Error Failure(std::string_view what);

  // For libarchive's callback.
  Stream& from() { return from_; }
  void Fail(Error error) { failure_ = std::make_unique<Error>(std::move(error)); }

 private:
  Archive(archive* a, Stream& from) : archive_(a), from_(from) {}
  archive* archive_;
  Stream& from_;
  std::unique_ptr<Error> failure_;  // of the stream below
};

// What `from` is when decompressed: gzip, zstd, xz, bzip2, lz4 or nothing, told by its first bytes.
class DecompressedStream : public Stream {
 public:
  static Result<std::unique_ptr<DecompressedStream>> Open(Stream& from);
  Result<std::string_view> Next() override;

 private:
  explicit DecompressedStream(std::unique_ptr<Archive> a) : archive_(std::move(a)) {}
  std::unique_ptr<Archive> archive_;
  bool empty_ = false;
};

Result<std::string> ReadWhole(Stream& stream, size_t max_bytes);

}  // namespace kpod::images
