#include "images/helper/bundle.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/files.h"
#include "base/text.h"
#include "images/helper/room.h"
#include "images/helper/stream.h"

namespace kpod::images {

namespace {

constexpr size_t kMaxMembers = 100'000;
constexpr size_t kMaxManifest = 8 << 20;
constexpr int kMaxNesting = 4;

class DirBundle : public Bundle {
 public:
  explicit DirBundle(Fd dir) : dir_(std::move(dir)) {}
  bool Has(const std::string& member) const override {
    struct stat st;
    return ::fstatat(dir_.get(), member.c_str(), &st, 0) == 0;
  }
  Result<std::unique_ptr<Stream>> Open(const std::string& member) const override {
    open_how how{};
    how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    long fd = ::syscall(SYS_openat2, dir_.get(), member.c_str(), &how, sizeof(how));
    if (fd < 0) return Error::Errno(member);
    return std::unique_ptr<Stream>(std::make_unique<FileStream>(Fd(static_cast<int>(fd))));
  }

 private:
  Fd dir_;
};

struct FreeArchive {
  void operator()(archive* a) const { archive_read_free(a); }
};
using ArchiveHandle = std::unique_ptr<archive, FreeArchive>;

// An uncompressed tar in a file: libarchive seeks over what is skipped, so that opening it anew for
// each member costs little.
Result<ArchiveHandle> OpenTar(const std::string& path) {
  ArchiveHandle a(archive_read_new());
  archive_read_support_format_tar(a.get());
  archive_read_support_format_empty(a.get());
  if (archive_read_open_filename(a.get(), path.c_str(), 256 << 10) != ARCHIVE_OK) {
    return Error(StrCat("open archive: ", ArchiveReason(a.get())));
  }
  return a;
}

std::string MemberName(archive_entry* e) {
  const char* name = archive_entry_pathname(e);
  return name == nullptr ? "" : CleanPath(name);
}

class MemberStream : public Stream {
 public:
  explicit MemberStream(ArchiveHandle a) : archive_(std::move(a)) {}
  Result<std::string_view> Next() override {
    for (;;) {
      const void* data;
      size_t size;
      la_int64_t offset;
      int rc = archive_read_data_block(archive_.get(), &data, &size, &offset);
      if (rc == ARCHIVE_EOF) return std::string_view();
      if (rc != ARCHIVE_OK) {
        return Error(StrCat("read archive: ", ArchiveReason(archive_.get())));
      }
      if (size > 0) return std::string_view(static_cast<const char*>(data), size);
    }
  }

 private:
  ArchiveHandle archive_;
};

class TarBundle : public Bundle {
 public:
  static Result<std::unique_ptr<Bundle>> Index(Fd file) {
    auto self = std::make_unique<TarBundle>();
    self->path_ = StrCat("/proc/self/fd/", file.get());
    self->file_ = std::move(file);
    ArchiveHandle a = TRY(OpenTar(self->path_));
    for (;;) {
      archive_entry* e;
      int rc = archive_read_next_header(a.get(), &e);
      if (rc == ARCHIVE_EOF) break;
      if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN) {
        return Error(StrCat("no tar archive: ", ArchiveReason(a.get())));
      }
      std::string name = MemberName(e);
      std::string target;
      if (const char* link = archive_entry_symlink(e)) {
        target = CleanPath(JoinPath(Dirname(name), link));
      } else if (const char* other = archive_entry_hardlink(e)) {
        target = CleanPath(other);
      } else if (archive_entry_filetype(e) != AE_IFREG) {
        continue;
      }
      self->members_[name] = target;
      if (self->members_.size() > kMaxMembers) {
        return Error(StrCat("the archive holds more than ", kMaxMembers, " files"));
      }
    }
    return std::unique_ptr<Bundle>(std::move(self));
  }

  bool Has(const std::string& member) const override { return !Resolve(member).empty(); }

  Result<std::unique_ptr<Stream>> Open(const std::string& member) const override {
    std::string name = Resolve(member);
    if (name.empty()) return Error::Errno(member, ENOENT);
    ArchiveHandle a = TRY(OpenTar(path_));
    archive_entry* e;
    int rc;
    while ((rc = archive_read_next_header(a.get(), &e)) == ARCHIVE_OK || rc == ARCHIVE_WARN) {
      if (archive_entry_filetype(e) == AE_IFREG && archive_entry_hardlink(e) == nullptr &&
          MemberName(e) == name) {
        return std::unique_ptr<Stream>(std::make_unique<MemberStream>(std::move(a)));
      }
    }
    return Error::Errno(member, ENOENT);
  }

 private:
  // Old docker save writes a layer that two images share once, and a link to it.
  std::string Resolve(std::string name) const {
    for (int hops = 0; hops < 8; ++hops) {
      auto it = members_.find(name);
      if (it == members_.end()) return "";
      if (it->second.empty()) return name;
      name = it->second;
    }
    return "";
  }

  Fd file_;
  std::string path_;
  std::map<std::string, std::string> members_;  // name -> what it links to, or ""
};

// A tar tells itself by "ustar" at byte 257; seekable and plain, it is used where it lies.
bool IsPlainTar(int fd) {
  char magic[5];
  struct stat st;
  return ::fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && ::pread(fd, magic, 5, 257) == 5 &&
         std::string_view(magic, 5) == "ustar";
}

Result<Fd> Spool(Fd from, const std::string& temp) {
  Fd file = TRY(Open(temp, O_TMPFILE | O_RDWR, 0600));
  FileStream stored(std::move(from));
  std::unique_ptr<DecompressedStream> plain = TRY(DecompressedStream::Open(stored));
  for (Room room;;) {
    std::string_view bytes = TRY(plain->Next());
    if (bytes.empty()) return file;
    TRY(room.Take(file.get(), bytes.size()));
    TRY(WriteAll(file.get(), bytes));
  }
}

Status ReadDescriptor(const Bundle& bundle, const Descriptor& d, BlobPlace place,
                      const std::string& name, int nesting, std::vector<ImageSource>& out) {
  std::string text = TRY(bundle.Read(d.blob.path, kMaxManifest));
  if ("sha256:" + Sha256Hex(text) != d.blob.digest) {
    return Error(StrCat("manifest ", d.blob.digest, ": its bytes have another digest"));
  }
  Json document = TRY(ParseJson(text, "manifest " + d.blob.digest));
  if (d.IsIndex() || IsIndex(document)) {
    // Of a multi-platform index only this machine's image is taken.
    std::vector<Descriptor> entries = TRY(ParseIndex(document, place));
    Descriptor chosen = TRY(ChoosePlatform(entries, ThisArchitecture()));
    if (nesting >= kMaxNesting) return Error("indexes are nested too deep");
    return ReadDescriptor(bundle, chosen, place, name, nesting + 1, out);
  }
  ImageSource image = TRY(ParseManifest(document, place));
  image.digest = d.blob.digest;
  if (!name.empty()) image.names.push_back(name);
  out.push_back(std::move(image));
  return OkStatus();
}

Status ReadIndex(const Bundle& bundle, const Json& index, BlobPlace place,
                 std::vector<ImageSource>& out) {
  std::vector<Descriptor> entries = TRY(ParseIndex(index, place));
  std::vector<Descriptor> unnamed;
  for (const Descriptor& d : entries) {
    // Several manifests without a name are one image for several platforms.
    if (d.name.empty() && !d.architecture.empty() && !d.IsIndex()) {
      unnamed.push_back(d);
      continue;
    }
    TRY(ReadDescriptor(bundle, d, place, d.name, 0, out)
            .Context(d.name.empty() ? "image" : d.name));
  }
  if (!unnamed.empty()) {
    Descriptor chosen = TRY(ChoosePlatform(unnamed, ThisArchitecture()));
    TRY(ReadDescriptor(bundle, chosen, place, "", 0, out));
  }
  return OkStatus();
}

}  // namespace

Result<std::string> Bundle::Read(const std::string& member, size_t max_bytes) const {
  std::unique_ptr<Stream> stream = TRY(Open(member));
  return ReadWhole(*stream, max_bytes).Context(member);
}

Result<std::unique_ptr<Bundle>> OpenBundle(const std::string& path, const std::string& temp) {
  Fd file;
  if (path == "-") {
    file = TRY(Dup(0));
  } else {
    file = TRY(Open(path, O_RDONLY));
    struct stat st;
    if (::fstat(file.get(), &st) == 0 && S_ISDIR(st.st_mode)) {
      return std::unique_ptr<Bundle>(std::make_unique<DirBundle>(std::move(file)));
    }
  }
  if (!IsPlainTar(file.get())) file = TRY(Spool(std::move(file), temp));
  return TarBundle::Index(std::move(file));
}

Result<std::vector<ImageSource>> ReadSources(const Bundle& bundle) {
  // docker's form first: newer docker save writes both, and only there are all names.
  if (bundle.Has("manifest.json")) {
    std::string text = TRY(bundle.Read("manifest.json", kMaxManifest));
    Json manifest = TRY(ParseJson(text, "manifest.json"));
    if (manifest.is_array()) return ParseDockerManifest(manifest);
    // skopeo's dir: form: one manifest, blobs beside it.
    ImageSource image = TRY(ParseManifest(manifest, BlobPlace::kFlat));
    image.digest = "sha256:" + Sha256Hex(text);
    return std::vector<ImageSource>{std::move(image)};
  }
  if (bundle.Has("index.json")) {
    std::string text = TRY(bundle.Read("index.json", kMaxManifest));
    Json index = TRY(ParseJson(text, "index.json"));
    std::vector<ImageSource> out;
    TRY(ReadIndex(bundle, index, BlobPlace::kOciLayout, out));
    if (out.empty()) return Error("index.json lists no image");
    return out;
  }
  return Error(
      "it holds neither manifest.json nor index.json, so it is no docker-archive and no "
      "OCI archive (a root filesystem is taken by import)");
}

}  // namespace kpod::images
