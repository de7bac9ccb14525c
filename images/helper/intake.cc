#include "images/helper/intake.h"

#include <sys/stat.h>

#include "base/clock.h"
#include "base/text.h"

namespace kpod::images {

namespace {
constexpr size_t kMaxConfig = 16 << 20;
}

Result<Intake> Intake::Begin(const store::Paths& paths, Report report) {
  Layout layout(paths);
  TRY(layout.MakeAll());
  SweepTemp(layout);
  FileLock users = TRY(FileLock::Acquire(layout.users, FileLock::Mode::kShared));
  TempDir temp = TRY(TempDir::Make(layout));
  return Intake(std::move(layout), std::move(temp), std::move(users), std::move(report));
}

Result<Unpacked> Intake::TakeLayer(Stream& stream, const std::string& want_diff_id,
                                   const std::string& want_digest, const std::string& what,
                                   uint64_t total) {
  std::string dir = temp_.path() + "/layer";
  TRY(RemoveAll(dir));
  TRY(MakeDir(dir));
  TRY(MakeDir(dir + "/diff", 0755));
  Undo remove([&] { (void)RemoveAll(dir); });
  uint64_t reported = 0;
  Unpacked unpacked = TRY(UnpackLayer(stream, dir + "/diff", [&](uint64_t bytes) {
    if (bytes - reported < (1 << 20)) return;
    reported = bytes;
    report_(what, bytes, total);
  }));
  if (!want_digest.empty() && want_digest != "sha256:" + unpacked.blob) {
    return Error(StrCat("its bytes have the digest sha256:", unpacked.blob, ", not ", want_digest));
  }
  if (!want_diff_id.empty() && want_diff_id != unpacked.diff_id) {
    return Error(StrCat("its content has the digest sha256:", unpacked.diff_id,
                        ", not sha256:", want_diff_id));
  }
  Json info;
  info["diff_id"] = unpacked.diff_id;
  info["blob"] = unpacked.blob;
  info["size"] = unpacked.size;
  info["entries"] = unpacked.entries;
  TRY(WriteFileAtomic(dir + "/layer.json", Dump(info)));
  if (::rename(dir.c_str(), layout_.LayerDir(unpacked.diff_id).c_str()) < 0) {
    // Somebody else unpacked the same meanwhile, or it was there before.
    if (errno != ENOTEMPTY && errno != EEXIST) return Error::Errno("keep layer");
  } else {
    remove.Dismiss();
  }
  report_(what, unpacked.blob_size, unpacked.blob_size);
  return unpacked;
}

Result<std::string> Intake::Commit(const std::string& config_text,
                                   const std::string& manifest_digest,
                                   const std::vector<std::string>& names) {
  Record record;
  record.id = Sha256Hex(config_text);
  record.digest = manifest_digest;
  record.config = TRY(ParseJson(config_text, "configuration"));
  record.diff_ids = TRY(DiffIds(record.config));
  record.created_nanos = ParseTime(StringAt(record.config, "created")).value_or(0);
  for (const std::string& hex : OverlayOrder(record.diff_ids)) {
    Json info = TRY(ReadJsonFile(layout_.LayerInfo(hex)));
    record.size += static_cast<uint64_t>(IntAt(info, "size"));
  }
  FileLock lock = TRY(LockWriters(layout_));
  // What was known of the image before stays: its other names, and its manifest's digest.
  if (Result<Record> before = ReadRecord(layout_, record.id)) {
    record.names = before->names;
    if (record.digest.empty()) record.digest = before->digest;
  }
  TRY(WriteFileAtomic(layout_.ConfigFile(record.id), config_text));
  TRY(WriteRecord(layout_, record));
  for (const std::string& name : names) {
    TRY(AddName(layout_, record, name, record.digest));
  }
  return record.id;
}

Result<std::string> Intake::TakeImage(const Bundle& bundle, const ImageSource& source) {
  std::string text = TRY(bundle.Read(source.config.path, kMaxConfig));
  if (!source.config.digest.empty() && source.config.digest != "sha256:" + Sha256Hex(text)) {
    return Error(StrCat("its configuration has another digest than ", source.config.digest));
  }
  Json config = TRY(ParseJson(text, "configuration"));
  std::vector<std::string> diff_ids = TRY(DiffIds(config));
  if (diff_ids.size() != source.layers.size()) {
    return Error(StrCat("its configuration names ",
                        Plural(static_cast<int64_t>(diff_ids.size()), "layer"),
                        " and its manifest ", source.layers.size()));
  }
  for (size_t i = 0; i < diff_ids.size(); ++i) {
    std::string what = StrCat("layer ", i + 1, "/", diff_ids.size());
    if (Exists(layout_.LayerInfo(diff_ids[i]))) {
      report_(what, 1, 1);
      continue;
    }
    const Blob& blob = source.layers[i];
    std::string context = StrCat("layer ", diff_ids[i].substr(0, 12));
    std::unique_ptr<Stream> stream = TRY(bundle.Open(blob.path).Context(context));
    uint64_t total = blob.size > 0 ? static_cast<uint64_t>(blob.size) : 0;
    TRY(TakeLayer(*stream, diff_ids[i], blob.digest, what, total).Context(context));
  }
  return Commit(text, source.digest, source.names);
}

Result<std::vector<Taken>> Intake::Take(const Bundle& bundle,
                                        const std::vector<std::string>& names) {
  std::vector<ImageSource> sources = TRY(ReadSources(bundle));
  std::vector<Taken> taken;
  for (ImageSource& source : sources) {
    source.names.insert(source.names.end(), names.begin(), names.end());
    std::string name = source.names.empty() ? "" : source.names.front();
    Result<std::string> id = TakeImage(bundle, source);
    if (!id) return name.empty() ? std::move(id.error()) : std::move(id.error()).Wrap(name);
    taken.push_back({*id, name});
  }
  return taken;
}

}  // namespace kpod::images
