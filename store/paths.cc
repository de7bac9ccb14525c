#include "store/paths.h"

#include <unistd.h>

#include <cstdlib>

#include "base/files.h"
#include "base/text.h"

namespace kpod::store {

namespace {

constexpr char kSystemRoot[] = "/var/lib/kpod";
constexpr char kSystemRun[] = "/run/kpod";

std::string Env(const char* name) {
  const char* value = ::getenv(name);
  return value == nullptr ? "" : value;
}

// Names are hashed and mounts are compared by path, so one directory must have one spelling.
std::string Absolute(const std::string& path) {
  if (path.empty() || path.front() == '/') return CleanPath(path.empty() ? "/" : path);
  char* cwd = ::get_current_dir_name();
  std::string base = cwd == nullptr ? "/" : cwd;
  ::free(cwd);
  return CleanPath(JoinPath(base, path));
}

// The XDG Base Directory Specification: a value that is not absolute is as good as none.
std::string Xdg(const char* name, const std::string& otherwise) {
  std::string value = Env(name);
  return !value.empty() && value.front() == '/' ? value : otherwise;
}

}  // namespace

Paths Paths::FromEnvironment() {
  Paths paths;
  if (::geteuid() == 0) {
    paths = {kSystemRoot, kSystemRun};
  } else {
    std::string home = Env("HOME");
    paths.root = Xdg("XDG_DATA_HOME", (home.empty() ? "/tmp" : home) + "/.local/share") + "/kpod";
    paths.run = Xdg("XDG_RUNTIME_DIR", StrCat("/tmp/kpod-run-", ::geteuid())) + "/kpod";
  }
  std::string default_root = Absolute(paths.root);
  paths.root = default_root;
  if (std::string root = Env("KPOD_ROOT"); !root.empty()) paths.root = Absolute(root);
  if (std::string run = Env("KPOD_RUN"); !run.empty()) {
    paths.run = run;
  } else if (paths.root != default_root) {
    paths.run += "-" + paths.Instance();  // two roots share no lock and no node namespace
  }
  paths.run = Absolute(paths.run);
  return paths;
}

Status Paths::MakeAll() const {
  // 0700: an image's setuid programs must not be within reach of the machine's users.
  for (const std::string& dir : {root, Objects(), Pods(), Volumes(), Images(), Network(), Events(),
                                 run, run + "/pods", Locks()}) {
    TRY(MakeDirs(dir, 0700));
  }
  return OkStatus();
}

std::string Paths::Instance() const {
  std::string path = Absolute(root);
  if (path == kSystemRoot) return "";
  uint32_t hash = 2166136261U;  // FNV-1a, folded to 24 bits: interface names have 15 characters
  for (unsigned char c : path) hash = (hash ^ c) * 16777619U;
  uint32_t folded = (hash >> 24 ^ hash) & 0xffffffU;
  const char bytes[] = {static_cast<char>(folded >> 16), static_cast<char>(folded >> 8),
                        static_cast<char>(folded)};
  return Hex(std::string_view(bytes, sizeof(bytes)));
}

}  // namespace kpod::store
