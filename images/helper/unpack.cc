#include "images/helper/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>

#include "base/text.h"
#include "images/helper/interrupt.h"
#include "images/helper/tree_writer.h"

namespace kpod::images {

namespace {

std::string Text(const char* s) { return s == nullptr ? "" : s; }

Result<TreeEntry> Translate(archive_entry* e) {
  TreeEntry entry;
  entry.path = Text(archive_entry_pathname(e));
  if (entry.path.empty()) return Error("an entry without a name");
  entry.mode = archive_entry_perm(e) & 07777;
  entry.uid = static_cast<uid_t>(archive_entry_uid(e));
  entry.gid = static_cast<gid_t>(archive_entry_gid(e));
  entry.mtime = {archive_entry_mtime(e), archive_entry_mtime_nsec(e)};
  entry.size = archive_entry_size(e);
  entry.device = archive_entry_rdev(e);
  if (const char* other = archive_entry_hardlink(e)) {
    entry.kind = TreeEntry::Kind::kHardlink;
    entry.link = other;
    return entry;
  }
  switch (archive_entry_filetype(e)) {
    case AE_IFREG:
      entry.kind = TreeEntry::Kind::kFile;
      break;
    case AE_IFDIR:
      entry.kind = TreeEntry::Kind::kDir;
      break;
    case AE_IFLNK:
      entry.kind = TreeEntry::Kind::kSymlink;
      entry.link = Text(archive_entry_symlink(e));
      break;
    case AE_IFCHR:
      entry.kind = TreeEntry::Kind::kChar;
      break;
    case AE_IFBLK:
      entry.kind = TreeEntry::Kind::kBlock;
      break;
    case AE_IFIFO:
      entry.kind = TreeEntry::Kind::kFifo;
      break;
    default:
      return Error(StrCat(Quote(entry.path), ": a kind of file that no image holds"));
  }
  const char* name;
  const void* value;
  size_t size;
  archive_entry_xattr_reset(e);
  while (archive_entry_xattr_next(e, &name, &value, &size) == ARCHIVE_OK) {
    entry.xattrs.emplace_back(name, std::string(static_cast<const char*>(value), size));
  }
  return entry;
}

Status CopyData(Archive& tar, TreeWriter& writer) {
  for (;;) {
    TRY(CheckInterrupted());
    const void* data;
    size_t size;
    la_int64_t offset;
    int rc = archive_read_data_block(tar.get(), &data, &size, &offset);
    if (rc == ARCHIVE_EOF) return writer.EndFile();
    if (rc != ARCHIVE_OK) return tar.Failure("read");
    TRY(writer.WriteData(offset, std::string_view(static_cast<const char*>(data), size)));
  }
}

}  // namespace

Result<Unpacked> UnpackLayer(Stream& blob, const std::string& directory,
                             const std::function<void(uint64_t)>& progress) {
  HashingStream stored(blob);
  std::unique_ptr<DecompressedStream> plain = TRY(DecompressedStream::Open(stored));
  HashingStream diff(*plain);
  std::unique_ptr<Archive> tar = TRY(Archive::Open(Archive::Kind::kTar, diff));
  TreeWriter writer(TRY(Open(directory, O_RDONLY | O_DIRECTORY)));
  for (;;) {
    archive_entry* e;
    int rc = archive_read_next_header(tar->get(), &e);
    if (rc == ARCHIVE_EOF) break;
    // ARCHIVE_WARN: a name that is not UTF-8; its bytes are taken as they are.
    if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN) return tar->Failure("read tar");
    TreeEntry entry = TRY(Translate(e));
    TRY(writer.Make(entry).Context(Quote(entry.path)));
    if (entry.kind == TreeEntry::Kind::kFile && writer.in_file()) {
      TRY(CopyData(*tar, writer).Context(Quote(entry.path)));
    }
    if (progress) progress(stored.bytes());
  }
  TRY(writer.Finish());
  // The digests are of all bytes, also of those after the tar's end mark.
  TRY(diff.Drain());
  TRY(stored.Drain());
  Unpacked out;
  out.diff_id = diff.HexDigest();
  out.blob = stored.HexDigest();
  out.blob_size = stored.bytes();
  out.size = writer.bytes();
  out.entries = writer.entries();
  return out;
}

}  // namespace kpod::images
