#include "images/helper/stream.h"

#include <archive.h>
#include <archive_entry.h>

#include "base/text.h"
#include "images/helper/interrupt.h"

namespace kpod::images {

Result<std::string_view> FileStream::Next() {
  for (;;) {
    TRY(WaitReadable(fd_.get()));
    ssize_t n = ::read(fd_.get(), buffer_.data(), buffer_.size());
    if (n >= 0) return std::string_view(buffer_.data(), static_cast<size_t>(n));
    if (errno != EINTR) return Error::Errno("read");
  }
}

Result<std::string_view> HashingStream::Next() {
  std::string_view bytes = TRY(from_.Next());
  hash_.Add(bytes);
  bytes_ += bytes.size();
  return bytes;
}

Status HashingStream::Drain() {
  while (!TRY(Next()).empty()) {
  }
  return OkStatus();
}

namespace {

la_ssize_t ReadCallback(archive* a, void* data, const void** buffer) {
  auto* self = static_cast<Archive*>(data);
  Result<std::string_view> bytes = self->from().Next();
  if (!bytes) {
    archive_set_error(a, EIO, "%s", bytes.error().message().c_str());
    self->Fail(std::move(bytes.error()));
    return ARCHIVE_FATAL;
  }
  *buffer = bytes->data();
  return static_cast<la_ssize_t>(bytes->size());
}

}  // namespace

Result<std::unique_ptr<Archive>> Archive::Open(Kind kind, Stream& from) {
  archive* a = archive_read_new();
  if (a == nullptr) return Error("no memory for reading an archive");
  std::unique_ptr<Archive> self(new Archive(a, from));
  if (kind == Kind::kTar) {
    archive_read_support_format_tar(a);
  } else {
    archive_read_support_filter_gzip(a);
    archive_read_support_filter_zstd(a);
    archive_read_support_filter_xz(a);
    archive_read_support_filter_bzip2(a);
    archive_read_support_filter_lz4(a);
    archive_read_support_format_raw(a);
  }
  archive_read_support_format_empty(a);
  if (archive_read_open(a, self.get(), nullptr, ReadCallback, nullptr) != ARCHIVE_OK) {
    return self->Failure("open archive");
  }
  return self;
}

Archive::~Archive() { archive_read_free(archive_); }

std::string ArchiveReason(archive* a) {
  const char* text = archive_error_string(a);
  return text == nullptr ? "damaged archive" : text;
}

Error Archive::Failure(std::string_view what) {
  if (failure_) return *failure_;
  return Error(StrCat(what, ": ", ArchiveReason(archive_)));
}

Result<std::unique_ptr<DecompressedStream>> DecompressedStream::Open(Stream& from) {
  // Before `new`, whose memory would be lost if this returned from inside of it.
  std::unique_ptr<Archive> archive = TRY(Archive::Open(Archive::Kind::kDecompress, from));
  std::unique_ptr<DecompressedStream> self(new DecompressedStream(std::move(archive)));
  archive_entry* entry;
  int rc = archive_read_next_header(self->archive_->get(), &entry);
  if (rc == ARCHIVE_EOF) {
    self->empty_ = true;
  } else if (rc != ARCHIVE_OK) {
    return self->archive_->Failure("decompress");
  }
  return self;
}

Result<std::string_view> DecompressedStream::Next() {
  if (empty_) return std::string_view();
  for (;;) {
    const void* data;
    size_t size;
    la_int64_t offset;
    int rc = archive_read_data_block(archive_->get(), &data, &size, &offset);
    if (rc == ARCHIVE_EOF) {
      empty_ = true;
      return std::string_view();
    }
    if (rc != ARCHIVE_OK) return archive_->Failure("decompress");
    if (size > 0) return std::string_view(static_cast<const char*>(data), size);
  }
}

Result<std::string> ReadWhole(Stream& stream, size_t max_bytes) {
  std::string out;
  for (;;) {
    std::string_view bytes = TRY(stream.Next());
    if (bytes.empty()) return out;
    out.append(bytes);
    if (out.size() > max_bytes) return Error(StrCat("larger than ", HumanBytes(max_bytes)));
  }
}

}  // namespace kpod::images
