#include "store/objects.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

namespace kpod::store {

namespace {

constexpr char kClusterScope[] = "_cluster";  // no namespace can have this name

// A name that the validator let through is a path segment already; one from a command line may hold
// slashes or be "..", and must not lead elsewhere.
std::string Segment(std::string_view name) {
  std::string out;
  for (char c : name) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 c == '-' || c == '_' || c == ':' || (c == '.' && !out.empty());
    if (plain) {
      out.push_back(c);
    } else {
      out += "%" + Hex(std::string_view(&c, 1));
    }
  }
  return out;
}

std::string Scope(const std::string& ns) { return ns.empty() ? kClusterScope : Segment(ns); }

Json ToJson(const StoredObject& o) {
  return Json{{"namespace", o.ns},
              {"kind", o.kind},
              {"name", o.name},
              {"source", o.source},
              {"uid", o.uid},
              {"created", FormatTimeNano(o.created_nanos)},
              {"generation", o.generation},
              {"object", o.object}};
}

Result<StoredObject> FromJson(const Json& j, const std::string& path) {
  StoredObject o;
  o.ns = StringAt(j, "namespace");
  o.kind = StringAt(j, "kind");
  o.name = StringAt(j, "name");
  o.source = StringAt(j, "source");
  o.uid = StringAt(j, "uid");
  o.created_nanos = ParseTime(StringAt(j, "created")).value_or(0);
  o.generation = IntAt(j, "generation", 1);
  o.object = At(j, "object");
  if (o.kind.empty() || o.name.empty() || !o.object.is_object()) {
    return Error(path + ": not a stored object");
  }
  return o;
}

// Nothing when the file is gone, or empty: a rename without fsync(2) can leave an empty file after
// a power cut, and one lost object must not make all others unreadable.
Result<std::optional<StoredObject>> ReadObject(const std::string& path) {
  std::optional<StoredObject> none;
  Result<std::string> text = ReadFile(path);
  if (!text) {
    int code = text.error().code();
    if (code == ENOENT || code == ENOTDIR || code == ENAMETOOLONG) return none;
    return std::move(text.error());
  }
  if (text->empty()) return none;
  Json j = TRY(ParseJson(*text, path));
  StoredObject object = TRY(FromJson(j, path));
  return std::optional(std::move(object));
}

constexpr std::string_view kSuffix = ".json";

bool IsObjectFile(const std::string& name) {
  return !name.starts_with('.') && name.ends_with(kSuffix);
}

}  // namespace

std::string ObjectStore::PathOf(const std::string& ns, const std::string& kind,
                                const std::string& name) const {
  return StrCat(paths_.Objects(), "/", Scope(ns), "/", Segment(kind), "/", Segment(name), kSuffix);
}

Result<std::optional<StoredObject>> ObjectStore::Get(const std::string& ns, const std::string& kind,
                                                     const std::string& name) const {
  return ReadObject(PathOf(ns, kind, name));
}

Result<std::vector<StoredObject>> ObjectStore::List(const std::string& ns,
                                                    const std::string& kind) const {
  std::vector<StoredObject> out;
  std::vector<std::string> scopes = {Scope(ns)};
  if (ns.empty()) scopes = TRY(ListDir(paths_.Objects()));
  for (const std::string& scope : scopes) {
    std::string scope_dir = JoinPath(paths_.Objects(), scope);
    std::vector<std::string> kinds = {Segment(kind)};
    if (kind.empty()) kinds = TRY(ListDir(scope_dir));
    for (const std::string& k : kinds) {
      std::string dir = JoinPath(scope_dir, k);
      for (const std::string& file : TRY(ListDir(dir))) {
        if (!IsObjectFile(file)) continue;
        auto object = TRY(ReadObject(JoinPath(dir, file)));
        if (object) out.push_back(std::move(*object));
      }
    }
  }
  return out;
}

Status ObjectStore::Put(const StoredObject& object) const {
  std::string path = PathOf(object.ns, object.kind, object.name);
  std::string text = Dump(ToJson(object)) + "\n";
  Status done;
  // Deleting the last object of a kind removes the directory, which may fall between these two
  // steps.
  for (int attempt = 0; attempt < 8; ++attempt) {
    TRY(MakeDirs(Dirname(path)));
    done = WriteFileAtomic(path, text, 0600);
    if (done || done.error().code() != ENOENT) break;
  }
  return std::move(done).Context(StrCat("keep ", object.kind, " ", object.name));
}

Status ObjectStore::Delete(const std::string& ns, const std::string& kind,
                           const std::string& name) const {
  std::string path = PathOf(ns, kind, name);
  if (::unlink(path.c_str()) < 0 && errno != ENOENT && errno != ENOTDIR && errno != ENAMETOOLONG) {
    return Error::Errno("remove " + path);
  }
  // Directories that are empty now go too; the others refuse.
  std::string dir = Dirname(path);
  if (::rmdir(dir.c_str()) == 0) ::rmdir(Dirname(dir).c_str());
  return OkStatus();
}

Result<FileLock> ObjectStore::TryLockNamespace(const std::string& ns) const {
  TRY(MakeDirs(paths_.Locks()));
  return FileLock::TryAcquire(StrCat(paths_.Locks(), "/namespace-", Scope(ns)));
}

Result<FileLock> ObjectStore::LockNamespace(const std::string& ns) const {
  TRY(MakeDirs(paths_.Locks()));
  return FileLock::Acquire(StrCat(paths_.Locks(), "/namespace-", Scope(ns)));
}

}  // namespace kpod::store
