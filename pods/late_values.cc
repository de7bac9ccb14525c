#include "pods/late_values.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <functional>

#include "base/files.h"
#include "base/text.h"
#include "pods/volumes.h"
#include "runtime/syscalls.h"

namespace kpod::pods {

namespace {

constexpr char kMark = '\x01';

std::string Mark(const std::string& uid, const std::string& what) {
  return StrCat(kMark, uid, ":", what, kMark);
}

// `value` gives what stands for a mark, or nullopt to leave it.
using Values = std::function<std::optional<std::string>(const std::string& what)>;

void Fill(const std::string& uid, const Values& value, std::string* text) {
  std::string open = StrCat(kMark, uid, ":");
  size_t at = text->find(open);
  while (at != std::string::npos) {
    size_t end = text->find(kMark, at + open.size());
    if (end == std::string::npos) return;
    auto found = value(text->substr(at + open.size(), end - at - open.size()));
    size_t next = end + 1;
    if (found) {
      text->replace(at, end + 1 - at, *found);
      next = at + found->size();
    }
    at = text->find(open, next);
  }
}

// Wherever MakePlan puts an expanded value.
void FillContainer(const std::string& uid, const Values& value, ContainerPlan* c) {
  auto fill = [&](std::string& text) { Fill(uid, value, &text); };
  std::for_each(c->env.begin(), c->env.end(), fill);
  std::for_each(c->argv.begin(), c->argv.end(), fill);
  for (MountPlan& m : c->mounts) fill(m.sub_path);
  for (auto* probe : {&c->startup_probe, &c->readiness_probe, &c->liveness_probe}) {
    if (*probe && (*probe)->handler.exec) {
      std::for_each((*probe)->handler.exec->begin(), (*probe)->handler.exec->end(), fill);
    }
  }
}

// At most what the kubelet reads; a longer file is an error.
constexpr size_t kMostBytes = 64 << 10;

Result<std::string> ReadEnvFile(const std::string& volume, const std::string& path) {
  Fd base = TRY(Open(volume, O_PATH | O_DIRECTORY));
  // A FIFO must not stop us, and only a file has an end.
  Fd fd(runtime::OpenAt2(base.get(), path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY, 0,
                         RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS));
  if (!fd) return Error::Errno("open");
  struct stat st;
  if (::fstat(fd.get(), &st) < 0) return Error::Errno(path);
  if (!S_ISREG(st.st_mode)) return Error(Quote(path) + " is not a file");
  return ReadAll(fd.get(), kMostBytes);
}

}  // namespace

std::string LateField(const std::string& uid, const std::string& field) { return Mark(uid, field); }
std::string LateFile(const std::string& uid, size_t index) {
  return Mark(uid, StrCat("file:", index));
}

void FillAddresses(const Addresses& addresses, Plan* plan) {
  auto value = [&](const std::string& what) -> std::optional<std::string> {
    if (what == "status.podIP" || what == "status.podIPs") return addresses.pod_ip;
    if (what == "status.hostIP" || what == "status.hostIPs") return addresses.host_ip;
    return std::nullopt;
  };
  for (auto* list : {&plan->init_containers, &plan->containers}) {
    for (ContainerPlan& c : *list) FillContainer(plan->uid, value, &c);
  }
}

namespace {

// Fills in one env file's variable. Without a value there is no variable, and a reference to it
// stays as it is written.
void FillFile(const Plan& plan, size_t index, const std::optional<std::string>& value,
              ContainerPlan* c) {
  const std::string& name = c->env_files[index].name;
  if (!value) std::erase(c->env, StrCat(name, "=", LateFile(plan.uid, index)));
  std::string mark = StrCat("file:", index);
  FillContainer(
      plan.uid,
      [&](const std::string& what) -> std::optional<std::string> {
        if (what != mark) return std::nullopt;
        return value ? *value : StrCat("$(", name, ")");
      },
      c);
}

}  // namespace

Result<ContainerPlan> WithEnvFiles(const store::Paths& paths, const Plan& plan,
                                   const ContainerPlan& container, const std::string& root) {
  ContainerPlan out = container;
  for (size_t i = 0; i < container.env_files.size(); ++i) {
    const EnvFilePlan& e = container.env_files[i];
    auto v = std::find_if(plan.volumes.begin(), plan.volumes.end(),
                          [&](const VolumePlan& p) { return p.name == e.volume; });
    if (v == plan.volumes.end()) return Error(StrCat("volume ", Quote(e.volume), " not found"));
    Result<std::string> text = ReadEnvFile(root + VolumePath(paths, plan, *v), e.path);
    std::optional<std::string> found;
    if (text) {
      found = TRY(EnvFileValue(*text, e.key).Context("couldn't parse env file " + Quote(e.path)));
    } else if (!e.optional || text.error().code() != ENOENT) {
      return std::move(text.error()).Wrap("couldn't parse env file " + Quote(e.path));
    }
    if (!found && !e.optional) {
      return Error(
          StrCat("environment variable key ", Quote(e.key), " not found in file ", Quote(e.path)));
    }
    FillFile(plan, i, found, &out);
  }
  return out;
}

ContainerPlan WithoutEnvFiles(const Plan& plan, const ContainerPlan& container) {
  ContainerPlan out = container;
  for (size_t i = 0; i < out.env_files.size(); ++i) FillFile(plan, i, std::nullopt, &out);
  return out;
}

Result<std::optional<std::string>> EnvFileValue(std::string_view text, const std::string& key) {
  int line = 0;
  auto wrong = [&](std::string_view why) {
    return Error(StrCat("invalid environment variable format at line ", line, ": ", why));
  };
  while (!text.empty()) {
    ++line;
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view row = text.substr(0, end);
    size_t start = row.find_first_not_of(" \t\r");
    if (start == std::string_view::npos || row[start] == '#') {
      text.remove_prefix(std::min(end + 1, text.size()));
      continue;
    }
    size_t equals = row.find('=', start);
    if (equals == std::string_view::npos) return wrong("no '='");
    std::string_view name = row.substr(start, equals - start);
    if (name.empty()) return wrong("no name before '='");
    if (name.find_first_of(" \t") != std::string_view::npos) {
      return wrong("whitespace before '=' is not allowed");
    }
    if (equals + 1 == row.size() || row[equals + 1] != '\'') {
      return wrong("value must be enclosed in single quotes");
    }
    text.remove_prefix(equals + 2);
    size_t close = text.find('\'');
    if (close == std::string_view::npos) return wrong("unclosed single quote");
    std::string_view value = text.substr(0, close);
    text.remove_prefix(close + 1);
    std::string_view rest = Trim(text.substr(0, text.find('\n')));
    // A comment needs a blank before it, as in a shell.
    if (!rest.empty() && (rest[0] != '#' || text[0] == '#')) {
      return wrong("unexpected content after closing quote");
    }
    if (Contains(value, std::string_view("\0", 1))) return wrong("a NUL byte");
    if (name == key) return std::optional(std::string(value));
    line += static_cast<int>(std::count(value.begin(), value.end(), '\n'));
    text.remove_prefix(std::min(text.find('\n'), text.size()));
    if (!text.empty()) text.remove_prefix(1);
  }
  return std::optional<std::string>();
}

}  // namespace kpod::pods
