#include "store/objects.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

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

// Back from a path segment.
std::string Unsegment(std::string_view segment) {
  std::string out;
  for (size_t i = 0; i < segment.size(); ++i) {
    unsigned value = 0;
    bool escaped = segment[i] == '%' && i + 2 < segment.size() &&
                   std::sscanf(std::string(segment.substr(i + 1, 2)).c_str(), "%2x", &value) == 1;
    out.push_back(escaped ? static_cast<char>(value) : segment[i]);
    if (escaped) i += 2;
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

// Nothing when the file is gone.
Result<std::optional<StoredObject>> ReadObject(const std::string& path) {
  std::optional<StoredObject> none;
  Result<std::string> text = ReadFile(path);
  if (!text) {
    int code = text.error().code();
    if (code == ENOENT || code == ENOTDIR || code == ENAMETOOLONG) return none;
    return std::move(text.error());
  }
  Result<StoredObject> object = [&]() -> Result<StoredObject> {
    if (text->empty()) return Error(path + ": the file is empty");
    Json j = TRY(ParseJson(*text, path));
    return FromJson(j, path);
  }();
  if (!object) return std::move(object.error()).Wrap("damaged").WithCode(EBADMSG);
  return std::optional(std::move(*object));
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

Result<std::vector<StoredObject>> ObjectStore::List(const std::string& ns, const std::string& kind,
                                                    std::vector<DamagedObject>* damaged) const {
  std::vector<StoredObject> out;
  std::vector<std::string> scopes = {Scope(ns)};
  if (ns.empty()) scopes = TRY(ListDir(paths_.Objects()));
  for (const std::string& scope : scopes) {
    if (scope.starts_with('.')) continue;  // a mark
    std::string scope_dir = JoinPath(paths_.Objects(), scope);
    std::vector<std::string> kinds = {Segment(kind)};
    if (kind.empty()) kinds = TRY(ListDir(scope_dir));
    for (const std::string& k : kinds) {
      std::string dir = JoinPath(scope_dir, k);
      for (const std::string& file : TRY(ListDir(dir))) {
        if (!IsObjectFile(file)) continue;
        Result<std::optional<StoredObject>> object = ReadObject(JoinPath(dir, file));
        if (object && *object) out.push_back(std::move(**object));
        if (object) continue;
        if (object.error().code() != EBADMSG) return std::move(object.error());
        if (damaged == nullptr) continue;
        std::string name = file.substr(0, file.size() - kSuffix.size());
        damaged->push_back({scope == kClusterScope ? "" : Unsegment(scope), Unsegment(k),
                            Unsegment(name), object.error().message()});
      }
    }
  }
  return out;
}

Status ObjectStore::Put(const StoredObject& object) const {
  std::string path = PathOf(object.ns, object.kind, object.name);
  std::string text = Dump(ToJson(object)) + "\n";
  TRY(MakeDirs(Dirname(path)));
  return WriteFileAtomic(path, text, 0600).Context(StrCat("keep ", object.kind, " ", object.name));
}

Status ObjectStore::Delete(const std::string& ns, const std::string& kind,
                           const std::string& name) const {
  std::string path = PathOf(ns, kind, name);
  if (::unlink(path.c_str()) < 0 && errno != ENOENT && errno != ENOTDIR && errno != ENAMETOOLONG) {
    return Error::Errno("remove " + path);
  }
  // The directories stay for the next object: making one costs more than all else here.
  return OkStatus();
}

std::string ObjectStore::MarkOf(const std::string& ns, bool settled) const {
  return StrCat(paths_.Objects(), settled ? "/.settled-" : "/.unsettled-", Scope(ns));
}

Status ObjectStore::Unsettle(const std::string& ns) const {
  std::string mark = MarkOf(ns, false);
  if (::rename(MarkOf(ns, true).c_str(), mark.c_str()) == 0) return OkStatus();
  if (errno != ENOENT) return Error::Errno("make " + mark);
  TRY(MakeDirs(paths_.Objects()));
  TRY(Open(mark, O_WRONLY | O_CREAT, 0600));
  return OkStatus();
}

bool ObjectStore::IsUnsettled(const std::string& ns) const { return Exists(MarkOf(ns, false)); }

Status ObjectStore::Settle(const std::string& ns) const {
  if (::rename(MarkOf(ns, false).c_str(), MarkOf(ns, true).c_str()) < 0 && errno != ENOENT) {
    return Error::Errno("rename " + MarkOf(ns, false));
  }
  return OkStatus();
}

void ObjectStore::Sweep(const std::string& ns) const {
  std::string scope = JoinPath(paths_.Objects(), Scope(ns));
  for (const std::string& kind : ListDir(scope).value_or({})) SweepTemps(JoinPath(scope, kind));
  // No pods follow from objects that are in no namespace.
  if (ns.empty()) (void)Settle(ns);
}

Result<FileLock> ObjectStore::TryLockNamespace(const std::string& ns) const {
  TRY(MakeDirs(paths_.Locks()));
  FileLock lock = TRY(FileLock::TryAcquire(StrCat(paths_.Locks(), "/namespace-", Scope(ns))));
  if (IsUnsettled(ns)) Sweep(ns);
  return lock;
}

Result<FileLock> ObjectStore::LockNamespace(const std::string& ns) const {
  TRY(MakeDirs(paths_.Locks()));
  FileLock lock = TRY(FileLock::Acquire(StrCat(paths_.Locks(), "/namespace-", Scope(ns))));
  if (IsUnsettled(ns)) Sweep(ns);
  return lock;
}

}  // namespace kpod::store
