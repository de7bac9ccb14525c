#include <algorithm>
#include <cstring>
#include <utility>

#include "base/files.h"
#include "base/tar.h"
#include "base/tar_header.h"
#include "base/text.h"

namespace kpod {

using namespace tar;

namespace {

// Octal digits and a NUL; false when it does not fit.
template <size_t N>
bool PutOctal(char (&field)[N], uint64_t value) {
  if ((value >> (3 * (N - 1))) != 0) return false;
  for (size_t i = N - 1; i-- > 0; value >>= 3) field[i] = static_cast<char>('0' + (value & 7));
  field[N - 1] = '\0';
  return true;
}

template <size_t N>
bool PutText(char (&field)[N], std::string_view text) {
  if (text.size() > N) return false;
  text.copy(field, N);
  return true;
}

// "25 mtime=1350244992.023960108\n": the length counts itself.
std::string PaxRecord(const std::string& key, const std::string& value) {
  size_t rest = key.size() + value.size() + 3;
  size_t length = rest + 1;
  while (StrCat(length).size() + rest != length) ++length;
  return StrCat(length, " ", key, "=", value, "\n");
}

std::string PaxTime(int64_t nanos) {
  int64_t seconds = nanos / kNanos;
  int64_t fraction = nanos % kNanos;
  // pax has no negative fraction: -0.5 s would have to be said as "-0.5"; whole seconds will do.
  if (fraction < 0) return StrCat(seconds - 1);
  std::string digits = StrCat(fraction);
  return fraction == 0 ? StrCat(seconds)
                       : StrCat(seconds, ".", std::string(9 - digits.size(), '0'), digits);
}

}  // namespace

Status TarWriter::Flush() {
  Status s = WriteAll(fd_, buffer_);
  buffer_.clear();
  return s;
}

Status TarWriter::Put(std::string_view bytes) {
  if (bytes.size() >= kBuffer) {
    TRY(Flush());
    return WriteAll(fd_, bytes);
  }
  buffer_ += bytes;
  return buffer_.size() >= kBuffer ? Flush() : OkStatus();
}

Status TarWriter::Pad() {
  if (left_ != 0) return Error("tar: an entry has less data than was said");
  return Put(std::string(std::exchange(padding_, 0), '\0'));
}

Status TarWriter::Begin(const TarEntry& e) {
  TRY(Pad());
  char block[kBlock] = {};
  auto* h = reinterpret_cast<Header*>(block);
  Pax pax;
  uint64_t size = e.type == TarEntry::Type::kFile ? e.size : 0;
  std::string path = e.path;
  if (e.type == TarEntry::Type::kDirectory && !path.ends_with('/')) path += '/';
  if (!PutText(h->name, path)) {
    pax["path"] = path;
    PutText(h->name, std::string_view(path).substr(0, sizeof(h->name)));
  }
  if (!PutText(h->link, e.link)) pax["linkpath"] = e.link;
  (void)PutOctal(h->mode, e.mode & 07777);
  if (!PutOctal(h->uid, e.uid)) pax["uid"] = StrCat(e.uid);
  if (!PutOctal(h->gid, e.gid)) pax["gid"] = StrCat(e.gid);
  if (!PutOctal(h->size, size)) pax["size"] = StrCat(size);
  bool whole_seconds = e.mtime_nanos >= 0 && e.mtime_nanos % kNanos == 0;
  auto seconds = static_cast<uint64_t>(std::max<int64_t>(0, e.mtime_nanos / kNanos));
  if (!PutOctal(h->mtime, seconds) || !whole_seconds) pax["mtime"] = PaxTime(e.mtime_nanos);
  h->type = kTypes[static_cast<size_t>(e.type)];
  std::memcpy(h->magic, "ustar\00000", 8);
  (void)PutOctal(h->major, e.major);
  (void)PutOctal(h->minor, e.minor);
  if (!pax.empty()) {
    std::string records;
    for (const auto& [key, value] : pax) records += PaxRecord(key, value);
    char before[kBlock] = {};
    auto* x = reinterpret_cast<Header*>(before);
    PutText(x->name, "PaxHeaders/entry");
    (void)PutOctal(x->mode, 0644);
    (void)PutOctal(x->size, records.size());
    (void)PutOctal(x->mtime, 0);
    x->type = 'x';
    std::memcpy(x->magic, "ustar\00000", 8);
    (void)PutOctal(x->checksum, Checksum(before));
    TRY(Put({before, kBlock}));
    TRY(Put(records));
    TRY(Put(std::string(PaddingOf(records.size()), '\0')));
  }
  (void)PutOctal(h->checksum, Checksum(block));
  left_ = size;
  padding_ = PaddingOf(size);
  return Put({block, kBlock});
}

Status TarWriter::Data(std::string_view bytes) {
  if (bytes.size() > left_) return Error("tar: an entry has more data than was said");
  left_ -= bytes.size();
  return Put(bytes);
}

Status TarWriter::End() {
  TRY(Pad());
  TRY(Put(std::string(2 * kBlock, '\0')));
  return Flush();
}

}  // namespace kpod
