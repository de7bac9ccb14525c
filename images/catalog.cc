#include "images/catalog.h"

#include <algorithm>

#include "base/text.h"

namespace kpod::images {

namespace {

// Names the rest of a name too long for a file name. Not for security: the file holds the whole
// name, which a reader compares.
std::string Fnv(std::string_view s) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (unsigned char c : s) hash = (hash ^ c) * 0x100000001b3u;
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(hash >> shift));
  return Hex(bytes);
}

}  // namespace

// '=' is in no reference, so that two names never meet in one file.
std::string Layout::NameFile(const std::string& full_name) const {
  std::string file = full_name;
  std::replace(file.begin(), file.end(), '/', '=');
  if (file.size() > 200) file = StrCat(file.substr(0, 180), "==", Fnv(full_name));
  return StrCat(Names(), "/", file);
}

Status Layout::MakeAll() const {
  // 0700: users of this machine must not reach the setuid programs and device nodes of images
  // (CVE-2021-41091). Overlay needs no more: it reads layers with the rights of who mounted it.
  TRY(MakeDirs(root));
  for (const std::string& dir : {Names(), Records(), Configs(), Temp()}) TRY(MakeDir(dir));
  TRY(MakeDir(Layers()));
  return MakeDirs(Dirname(writers));
}

Result<FileLock> LockWriters(const Layout& layout) {
  FileLock lock = TRY(FileLock::Acquire(layout.writers));
  for (const std::string& dir : {layout.Names(), layout.Records(), layout.Configs()}) {
    SweepTemps(dir);
  }
  return lock;
}

Result<std::vector<std::string>> RecordIds(const Layout& layout) {
  constexpr std::string_view kSuffix = ".json";
  std::vector<std::string> ids;
  for (const std::string& file : TRY(ListDir(layout.Records()))) {
    if (!file.ends_with(kSuffix)) continue;
    std::string id = file.substr(0, file.size() - kSuffix.size());
    if (IsImageId(id)) ids.push_back(std::move(id));
  }
  return ids;
}

bool IsImageId(std::string_view s) {
  return s.size() == 64 && s.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Result<NameEntry> ReadName(const Layout& layout, const std::string& full_name) {
  std::string path = layout.NameFile(full_name);
  Json json = TRY(ReadJsonFile(path));
  NameEntry entry{StringAt(json, "name"), StringAt(json, "id"), StringAt(json, "digest")};
  if (entry.name != full_name) return Error::Errno(path + " is of another name", ENOENT);
  if (!IsImageId(entry.id)) return Error(StrCat(path, ": no image ID in it"));
  return entry;
}

Json ToJson(const Record& record) {
  Json json;
  json["id"] = record.id;
  json["digest"] = record.digest;
  json["created"] = record.created_nanos;
  json["size"] = record.size;
  json["layers"] = record.diff_ids;
  json["names"] = record.names;
  json["config"] = record.config;
  return json;
}

Result<Record> RecordFrom(const Json& json, const std::string& id) {
  Record record;
  record.id = StringAt(json, "id");
  record.digest = StringAt(json, "digest");
  record.created_nanos = IntAt(json, "created");
  record.size = static_cast<uint64_t>(IntAt(json, "size"));
  record.diff_ids = StringsAt(json, "layers");
  record.names = StringsAt(json, "names");
  record.config = At(json, "config");
  if (record.id != id) return Error(StrCat("the record of image ", id, " is of another"));
  for (const std::string& hex : record.diff_ids) {
    if (!IsImageId(hex)) {
      return Error(StrCat("the record of image ", id, ": ", Quote(hex), " is no layer"));
    }
  }
  return record;
}

Result<Record> ReadRecord(const Layout& layout, const std::string& id) {
  Json json = TRY(ReadJsonFile(layout.RecordFile(id)));
  return RecordFrom(json, id);
}

Status WriteRecord(const Layout& layout, const Record& record) {
  return WriteFileAtomic(layout.RecordFile(record.id), Dump(ToJson(record)));
}

std::vector<std::string> OverlayOrder(const std::vector<std::string>& diff_ids) {
  std::vector<std::string> out;
  for (auto it = diff_ids.rbegin(); it != diff_ids.rend(); ++it) {
    if (std::find(out.begin(), out.end(), *it) == out.end()) out.push_back(*it);
  }
  return out;
}

std::vector<std::string> CurrentNames(const Layout& layout, const Record& record) {
  std::vector<std::string> names;
  for (const std::string& name : record.names) {
    Result<NameEntry> entry = ReadName(layout, name);
    if (entry && entry->id == record.id) names.push_back(name);
  }
  return names;
}

Image ToImage(const Layout& layout, Record record, bool with_names) {
  Image image;
  if (with_names) image.names = CurrentNames(layout, record);
  image.id = std::move(record.id);
  image.digest = std::move(record.digest);
  image.created_nanos = record.created_nanos;
  image.size = record.size;
  for (const std::string& hex : OverlayOrder(record.diff_ids)) {
    image.layers.push_back(layout.LayerTree(hex));
  }
  image.config = std::move(record.config);
  image.architecture = StringAt(image.config, "architecture");
  image.os = StringAt(image.config, "os");
  return image;
}

Status AddName(const Layout& layout, Record& record, const std::string& full_name,
               const std::string& digest) {
  // The record first: a name file must always find its record, while a record may hint at a name
  // that is not there yet.
  if (std::find(record.names.begin(), record.names.end(), full_name) == record.names.end()) {
    record.names.push_back(full_name);
    TRY(WriteRecord(layout, record));
  }
  Json json;
  json["name"] = full_name;
  json["id"] = record.id;
  json["digest"] = digest;
  return WriteFileAtomic(layout.NameFile(full_name), Dump(json));
}

}  // namespace kpod::images
