// Finding, listing, naming and removing images. Readers take no lock: every file is replaced by
// rename.
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "images/catalog.h"

namespace kpod::images {

namespace {

constexpr size_t kShortestIdPrefix = 3;

Error Absent(std::string_view what) {
  return Error(StrCat("image ", Quote(what), " is not on this machine")).WithCode(ENOENT);
}

bool IsHexPrefix(std::string_view s) {
  return s.size() >= kShortestIdPrefix && s.size() <= 64 &&
         s.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// One that is damaged does not hide the others; who asks for it by name is told.
Result<std::vector<Record>> AllRecords(const Layout& layout) {
  std::vector<Record> records;
  for (const std::string& id : TRY(RecordIds(layout))) {
    Result<Record> record = ReadRecord(layout, id);
    if (record) records.push_back(std::move(*record));
  }
  return records;
}

struct Found {
  Record record;
  std::string name;    // the full name by which it was found, "" when by ID
  std::string digest;  // of the manifest that came under this name
};

Result<Found> ByName(const Layout& layout, const std::string& full_name) {
  NameEntry entry = TRY(ReadName(layout, full_name));
  Record record = TRY(ReadRecord(layout, entry.id));
  return Found{std::move(record), full_name, entry.digest};
}

Result<Found> ById(const Layout& layout, std::string_view prefix, std::string_view asked) {
  if (IsImageId(prefix)) {
    if (!Exists(layout.RecordFile(std::string(prefix)))) return Absent(asked);
    return Found{TRY(ReadRecord(layout, std::string(prefix))), "", ""};
  }
  std::string match;
  for (std::string& id : TRY(RecordIds(layout))) {
    if (!id.starts_with(prefix)) continue;
    if (!match.empty()) {
      return Error(StrCat("image ID ", prefix, " is ambiguous: it begins more than one"));
    }
    match = std::move(id);
  }
  if (match.empty()) return Absent(asked);
  return Found{TRY(ReadRecord(layout, match)), "", ""};
}

// name@digest: the name it was pulled by, or any image whose manifest has that digest and which
// bears a name of the same repository.
Result<Found> ByDigest(const Layout& layout, const Reference& wanted, std::string_view asked) {
  Reference bare = wanted;
  bare.tag.clear();
  Result<Found> exact = ByName(layout, bare.ToString());
  if (exact || exact.error().code() != ENOENT) return exact;
  for (Record& record : TRY(AllRecords(layout))) {
    for (const std::string& name : CurrentNames(layout, record)) {
      Result<Reference> r = ParseReference(name);
      Result<NameEntry> entry = ReadName(layout, name);
      if (r && entry && r->domain == wanted.domain && r->path == wanted.path &&
          entry->digest == wanted.digest) {
        return Found{std::move(record), name, wanted.digest};
      }
    }
  }
  return Absent(asked);
}

Result<Found> Lookup(const Layout& layout, std::string_view text) {
  constexpr std::string_view kPrefix = "sha256:";
  if (text.starts_with(kPrefix)) return ById(layout, text.substr(kPrefix.size()), text);
  if (IsImageId(text)) return ById(layout, text, text);
  Reference reference = TRY(ParseReference(text));
  if (!reference.digest.empty()) return ByDigest(layout, reference, text);
  Result<Found> found = ByName(layout, reference.ToString());
  if (found || found.error().code() != ENOENT) return found;
  // What was built on this machine is saved by others as localhost/NAME and asked for as NAME.
  if (!text.starts_with("docker.io/") && reference.path.starts_with("library/")) {
    Reference local = reference;
    local.domain = "localhost";
    local.path = local.path.substr(8);
    found = ByName(layout, local.ToString());
    if (found || found.error().code() != ENOENT) return found;
  }
  if (IsHexPrefix(text)) return ById(layout, text, text);
  return Absent(text);
}

Result<Image> FindImage(const Layout& layout, std::string_view text, bool with_names) {
  Found found = TRY(Lookup(layout, text));
  Image image = ToImage(layout, std::move(found.record), with_names);
  if (!found.digest.empty()) image.digest = found.digest;
  return image;
}

// Drops the record and then the layers that only it had.
Status DropRecord(const Layout& layout, const std::string& id) {
  if (::unlink(layout.RecordFile(id).c_str()) < 0 && errno != ENOENT) {
    return Error::Errno("remove " + layout.RecordFile(id));
  }
  ::unlink(layout.ConfigFile(id).c_str());
  return OkStatus();
}

Status DropName(const Layout& layout, const std::string& name) {
  std::string path = layout.NameFile(name);
  if (::unlink(path.c_str()) < 0 && errno != ENOENT) return Error::Errno("remove " + path);
  return OkStatus();
}

bool In(const std::vector<std::string>& list, const std::string& what) {
  return std::find(list.begin(), list.end(), what) != list.end();
}

}  // namespace

Result<Image> ImageStore::Find(std::string_view reference_or_id) const {
  return FindImage(Layout(paths_), reference_or_id, true);
}

Result<Image> ImageStore::FindToRun(std::string_view reference_or_id) const {
  return FindImage(Layout(paths_), reference_or_id, false);
}

Result<std::vector<Image>> ImageStore::List() const {
  Layout layout(paths_);
  std::vector<Image> images;
  for (Record& record : TRY(AllRecords(layout))) {
    images.push_back(ToImage(layout, std::move(record)));
  }
  std::stable_sort(images.begin(), images.end(), [](const Image& a, const Image& b) {
    return a.created_nanos > b.created_nanos;  // newest first, as podman images
  });
  return images;
}

Result<Image> ImageStore::Tag(std::string_view source, std::string_view name) const {
  Layout layout(paths_);
  Reference reference = TRY(ParseReference(name));
  if (!reference.digest.empty()) {
    return Error(StrCat("tag ", name, ": a name with a digest cannot be given"));
  }
  TRY(layout.MakeAll());
  FileLock lock = TRY(LockWriters(layout));
  Found found = TRY(Lookup(layout, source));
  const std::string& digest = found.digest.empty() ? found.record.digest : found.digest;
  TRY(AddName(layout, found.record, reference.ToString(), digest));
  return ToImage(layout, std::move(found.record));
}

Result<std::vector<std::string>> ImageStore::Remove(std::string_view reference_or_id,
                                                    const std::vector<std::string>& in_use,
                                                    bool force) const {
  Layout layout(paths_);
  TRY(layout.MakeAll());
  std::vector<std::string> lines;
  {
    FileLock lock = TRY(LockWriters(layout));
    Result<Found> found = Lookup(layout, reference_or_id);
    if (!found) return std::move(found.error()).WithExit(1);
    const Record& record = found->record;
    std::vector<std::string> names = CurrentNames(layout, record);
    bool by_id = found->name.empty();
    if (by_id && names.size() > 1 && !force) {
      return Error(StrCat("unable to delete image ", record.id, " by ID with more than one tag ([",
                          Join(names, " "), "]): please force removal"));
    }
    std::vector<std::string> going = by_id ? names : std::vector<std::string>{found->name};
    bool last = going.size() >= names.size();
    if (last && In(in_use, record.id) && !force) {
      return Error(StrCat("image ", reference_or_id, " (", record.id.substr(0, 12),
                          ") is in use by a container: remove the container first, or force the "
                          "removal of the image"),
                   2);
    }
    for (const std::string& name : going) {
      TRY(DropName(layout, name));
      lines.push_back("Untagged: " + name);
    }
    if (!last) return lines;
    TRY(DropRecord(layout, record.id));
    lines.push_back("Deleted: " + record.id);
    SweepTemp(layout);
    TRY(SweepLayers(layout));
  }
  return lines;
}

Result<uint64_t> ImageStore::CollectGarbage() const {
  Layout layout(paths_);
  TRY(layout.MakeAll());
  FileLock lock = TRY(LockWriters(layout));
  uint64_t freed = SweepTemp(layout);
  for (const std::string& id : TRY(RecordIds(layout))) {
    Result<Record> record = ReadRecord(layout, id);
    bool damaged = !record && record.error().code() == 0;
    if (damaged) TRY(DropRecord(layout, id));
  }
  // A name whose image went away in a crash.
  for (const std::string& file : TRY(ListDir(layout.Names()))) {
    std::string path = StrCat(layout.Names(), "/", file);
    Result<Json> json = ReadJsonFile(path);
    if (!json || !Exists(layout.RecordFile(StringAt(*json, "id")))) ::unlink(path.c_str());
  }
  return freed + TRY(SweepLayers(layout));
}

Result<std::vector<std::string>> ImageStore::PruneDangling(const std::vector<std::string>& in_use,
                                                           bool all) const {
  Layout layout(paths_);
  TRY(layout.MakeAll());
  FileLock lock = TRY(LockWriters(layout));
  std::vector<std::string> removed;
  for (const Record& record : TRY(AllRecords(layout))) {
    if (In(in_use, record.id)) continue;
    std::vector<std::string> names = CurrentNames(layout, record);
    if (!all && !names.empty()) continue;
    for (const std::string& name : names) TRY(DropName(layout, name));
    TRY(DropRecord(layout, record.id));
    removed.push_back(record.id);
  }
  SweepTemp(layout);
  TRY(SweepLayers(layout));
  return removed;
}

}  // namespace kpod::images
