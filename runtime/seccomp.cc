#include "runtime/seccomp.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <map>
#include <optional>

#include "base/files.h"
#include "base/text.h"
#include "runtime/container.h"

namespace kpod::runtime {
namespace {

struct ContextRelease {
  void operator()(void* c) const { ::seccomp_release(c); }
};
using Context = std::unique_ptr<void, ContextRelease>;

std::optional<uint32_t> ActionOf(const std::string& name, uint32_t errno_value) {
  if (name == "SCMP_ACT_ALLOW") return SCMP_ACT_ALLOW;
  if (name == "SCMP_ACT_ERRNO") return SCMP_ACT_ERRNO(errno_value);
  if (name == "SCMP_ACT_KILL" || name == "SCMP_ACT_KILL_THREAD") return SCMP_ACT_KILL_THREAD;
  if (name == "SCMP_ACT_KILL_PROCESS") return SCMP_ACT_KILL_PROCESS;
  if (name == "SCMP_ACT_TRAP") return SCMP_ACT_TRAP;
  if (name == "SCMP_ACT_LOG") return SCMP_ACT_LOG;
  if (name == "SCMP_ACT_TRACE") return SCMP_ACT_TRACE(errno_value);
  return std::nullopt;
}

std::optional<scmp_compare> CompareOf(const std::string& op) {
  static const std::map<std::string_view, scmp_compare> table = {
      {"SCMP_CMP_NE", SCMP_CMP_NE},
      {"SCMP_CMP_LT", SCMP_CMP_LT},
      {"SCMP_CMP_LE", SCMP_CMP_LE},
      {"SCMP_CMP_EQ", SCMP_CMP_EQ},
      {"SCMP_CMP_GE", SCMP_CMP_GE},
      {"SCMP_CMP_GT", SCMP_CMP_GT},
      {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ}};
  auto it = table.find(op);
  if (it == table.end()) return std::nullopt;
  return it->second;
}

uint64_t Unsigned(const Json& j, std::string_view key) {
  const Json& v = At(j, key);
  if (v.is_number_unsigned()) return v.get<uint64_t>();
  return v.is_number_integer() ? static_cast<uint64_t>(v.get<int64_t>()) : 0;
}

Result<std::vector<scmp_arg_cmp>> ArgsOf(const Json& rule) {
  std::vector<scmp_arg_cmp> out;
  const Json& args = At(rule, "args");
  if (!args.is_array()) return out;
  for (const Json& a : args) {
    auto op = CompareOf(StringAt(a, "op"));
    uint64_t index = Unsigned(a, "index");
    if (!op || index > 5) return Error("seccomp: an argument's index or op is not known");
    scmp_arg_cmp cmp{};
    cmp.arg = static_cast<unsigned>(index);
    cmp.op = *op;
    cmp.datum_a = Unsigned(a, "value");
    cmp.datum_b = Unsigned(a, "valueTwo");
    // config-linux.md: with MASKED_EQ, value is the mask and valueTwo what is compared.
    out.push_back(cmp);
  }
  return out;
}

Status AddCall(scmp_filter_ctx ctx, uint32_t action, const std::string& name,
               const std::vector<scmp_arg_cmp>& args, SeccompFilter* out) {
  int nr = ::seccomp_syscall_resolve_name(name.c_str());
  if (nr == __NR_SCMP_ERROR) {
    out->unknown.push_back(name);
    return OkStatus();
  }
  // Several conditions on one argument are alternatives (runc's reading, which profiles rely on);
  // on different arguments all must hold.
  bool same = false;
  for (size_t i = 0; i < args.size(); ++i) {
    for (size_t k = 0; k < i; ++k) same |= args[i].arg == args[k].arg;
  }
  auto add = [&](const scmp_arg_cmp* list, size_t n) -> Status {
    int rc = ::seccomp_rule_add_array(ctx, action, nr, static_cast<unsigned>(n), list);
    // EEXIST: an equal rule is there. EDOM: this call does not exist on one of the architectures.
    if (rc < 0 && rc != -EEXIST && rc != -EDOM) {
      return Error::Errno("seccomp: rule for " + name, -rc);
    }
    return OkStatus();
  };
  if (!same) return add(args.data(), args.size());
  for (const scmp_arg_cmp& a : args) TRY(add(&a, 1));
  return OkStatus();
}

Status AddArchitectures(scmp_filter_ctx ctx, const Json& profile) {
  for (const std::string& name : StringsAt(profile, "architectures")) {
    if (!name.starts_with("SCMP_ARCH_")) return Error("seccomp: architecture " + Quote(name));
    uint32_t arch = ::seccomp_arch_resolve_name(ToLower(name.substr(10)).c_str());
    if (arch == 0) continue;  // newer than this libseccomp
    int rc = ::seccomp_arch_add(ctx, arch);
    if (rc < 0 && rc != -EEXIST) return Error::Errno("seccomp: architecture " + name, -rc);
  }
  return OkStatus();
}

unsigned FlagsOf(const Json& profile) {
  unsigned out = 0;
  for (const std::string& flag : StringsAt(profile, "flags")) {
    if (flag == "SECCOMP_FILTER_FLAG_LOG") out |= SECCOMP_FILTER_FLAG_LOG;
    if (flag == "SECCOMP_FILTER_FLAG_SPEC_ALLOW") out |= SECCOMP_FILTER_FLAG_SPEC_ALLOW;
  }
  return out;
}

Result<std::vector<sock_filter>> Export(scmp_filter_ctx ctx) {
  Fd memory(::memfd_create("seccomp", MFD_CLOEXEC));  // libseccomp 2.5 writes to descriptors only
  if (!memory) return Error::Errno("memfd_create");
  int rc = ::seccomp_export_bpf(ctx, memory.get());
  if (rc < 0) return Error::Errno("seccomp_export_bpf", -rc);
  if (::lseek(memory.get(), 0, SEEK_SET) < 0) return Error::Errno("lseek");
  std::string bytes = TRY(ReadAll(memory.get(), 1 << 20));
  if (bytes.empty() || bytes.size() % sizeof(sock_filter) != 0) {
    return Error("seccomp: the compiled filter has an odd length");
  }
  std::vector<sock_filter> program(bytes.size() / sizeof(sock_filter));
  std::memcpy(program.data(), bytes.data(), bytes.size());
  return program;
}

}  // namespace

Result<SeccompFilter> CompileFilter(const Json& profile) {
  if (!profile.is_object()) return Error("seccomp: the profile is not an object");
  SeccompFilter out;
  auto errno_of = [](const Json& j, const char* key) {
    return static_cast<uint32_t>(IntAt(j, key, EPERM)) & 0xffff;
  };
  auto otherwise =
      ActionOf(StringAt(profile, "defaultAction"), errno_of(profile, "defaultErrnoRet"));
  if (!otherwise) {
    return Error("seccomp: defaultAction " + Quote(StringAt(profile, "defaultAction")) +
                 " is not supported");
  }
  Context ctx(::seccomp_init(*otherwise));
  if (!ctx) return Error("seccomp_init failed");
  TRY(AddArchitectures(ctx.get(), profile));
  // As a tree: a call costs 9 comparisons instead of up to 400.
  (void)::seccomp_attr_set(ctx.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  const Json& rules = At(profile, "syscalls");
  if (rules.is_array()) {
    for (const Json& rule : rules) {
      auto action = ActionOf(StringAt(rule, "action"), errno_of(rule, "errnoRet"));
      if (!action) {
        return Error("seccomp: action " + Quote(StringAt(rule, "action")) + " is not supported");
      }
      if (*action == *otherwise) continue;  // libseccomp refuses what changes nothing
      std::vector<scmp_arg_cmp> args = TRY(ArgsOf(rule));
      for (const std::string& name : StringsAt(rule, "names")) {
        TRY(AddCall(ctx.get(), *action, name, args, &out));
      }
    }
  }
  out.flags = FlagsOf(profile);
  out.program = TRY(Export(ctx.get()));
  return out;
}

namespace {

constexpr std::string_view kMagic = "kpod seccomp 1\n";

std::string CacheKey(const Json& profile, bool use_default,
                     const std::vector<std::string>& capabilities) {
  const scmp_version* v = ::seccomp_version();
  std::string key = StrCat("kpod ", KPOD_VERSION, ", libseccomp ", v->major, ".", v->minor, ".",
                           v->micro, ", arch ", ::seccomp_arch_native(), "\n");
  if (use_default) return StrCat(key, "default ", Join(capabilities, ","));
  return key + Dump(profile);
}

std::string HashName(const std::string& key) {
  // FNV-1a, for the name only: the key itself is in the file and is compared.
  uint64_t h = 14695981039346656037u;
  for (unsigned char c : key) h = (h ^ c) * 1099511628211u;
  char name[32];
  std::snprintf(name, sizeof(name), "%016llx.bpf", static_cast<unsigned long long>(h));
  return name;
}

// A directory or file that only the caller can have written.
bool IsOurs(int fd, mode_t forbidden) {
  struct stat st;
  return ::fstat(fd, &st) == 0 && st.st_uid == ::geteuid() && (st.st_mode & forbidden) == 0;
}

Result<Fd> OpenCacheDir(const std::string& path) {
  TRY(MakeDirs(path, 0700));
  Fd dir = TRY(Open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  if (!IsOurs(dir.get(), 0077)) return Error(path + " is not a directory of ours with mode 0700");
  return dir;
}

// File: magic, flags, length of the key, key, names of unknown calls (a line), program.
std::string Serialize(const std::string& key, const SeccompFilter& f) {
  std::string_view bytes(reinterpret_cast<const char*>(f.program.data()),
                         f.program.size() * sizeof(sock_filter));
  return StrCat(kMagic, f.flags, " ", key.size(), "\n", key, Join(f.unknown, ","), "\n", bytes);
}

std::optional<SeccompFilter> Deserialize(std::string_view text, const std::string& key) {
  if (!text.starts_with(kMagic)) return std::nullopt;
  text.remove_prefix(kMagic.size());
  size_t eol = text.find('\n');
  if (eol == std::string_view::npos) return std::nullopt;
  std::vector<std::string> head = Split(text.substr(0, eol), ' ');
  text.remove_prefix(eol + 1);
  if (head.size() != 2 || ParseInt(head[1]) != static_cast<int64_t>(key.size())) {
    return std::nullopt;
  }
  auto flags = ParseInt(head[0]);
  if (!flags || !text.starts_with(key)) return std::nullopt;
  text.remove_prefix(key.size());
  eol = text.find('\n');
  if (eol == std::string_view::npos) return std::nullopt;
  SeccompFilter out;
  out.flags = static_cast<unsigned>(*flags);
  out.unknown = Split(text.substr(0, eol), ',');
  text.remove_prefix(eol + 1);
  if (text.empty() || text.size() % sizeof(sock_filter) != 0 ||
      text.size() / sizeof(sock_filter) > BPF_MAXINSNS) {
    return std::nullopt;
  }
  out.program.resize(text.size() / sizeof(sock_filter));
  std::memcpy(out.program.data(), text.data(), text.size());
  return out;
}

std::optional<SeccompFilter> ReadCached(int dir, const std::string& name, const std::string& key) {
  Result<Fd> file = OpenAt(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!file || !IsOurs(file->get(), 0022)) return std::nullopt;
  Result<std::string> text = ReadAll(file->get(), 1 << 20);
  if (!text) return std::nullopt;
  return Deserialize(*text, key);
}

}  // namespace

Result<std::shared_ptr<const SeccompFilter>> FindFilter(
    const Json& profile, bool use_default, const std::vector<std::string>& capabilities,
    const std::string& cache_dir) {
  static std::map<std::string, std::shared_ptr<const SeccompFilter>> memory;
  if (!use_default && profile.is_null()) return std::make_shared<const SeccompFilter>();
  std::string key = CacheKey(profile, use_default, capabilities);
  if (auto it = memory.find(key); it != memory.end()) return it->second;
  auto keep = [&](SeccompFilter f) {
    if (memory.size() > 64) memory.clear();
    return memory[key] = std::make_shared<const SeccompFilter>(std::move(f));
  };
  std::string name = HashName(key);
  if (!cache_dir.empty()) {
    Fd dir = TRY(OpenCacheDir(cache_dir).Context("seccomp cache"));
    if (auto cached = ReadCached(dir.get(), name, key)) return keep(std::move(*cached));
  }
  SeccompFilter compiled =
      TRY(CompileFilter(use_default ? DefaultSeccompProfile(capabilities) : profile));
  // The default profile names calls newer than any libseccomp; that is no news to the user.
  if (use_default) compiled.unknown.clear();
  if (!cache_dir.empty()) {
    // Once: of two that write it at the same moment, either's is right. One that cannot be used is
    // in the way.
    std::string path = JoinPath(cache_dir, name);
    ::unlink(path.c_str());
    (void)WriteFileOnce(path, Serialize(key, compiled), 0600);
  }
  return keep(std::move(compiled));
}

Status LoadFilter(const SeccompFilter& filter) {
  if (filter.program.empty()) return OkStatus();
  sock_fprog program{static_cast<unsigned short>(filter.program.size()),
                     const_cast<sock_filter*>(filter.program.data())};
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, filter.flags, &program) < 0) {
    return Error::Errno("load the seccomp filter");
  }
  return OkStatus();
}

}  // namespace kpod::runtime
