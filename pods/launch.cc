#include "pods/launch.h"

#include <sys/resource.h>

#include <algorithm>

#include "base/files.h"
#include "base/text.h"
#include "pods/service_links.h"
#include "pods/status.h"
#include "pods/volumes.h"

namespace kpod::pods {

std::string PodMemory(const store::Paths& paths, const Plan& plan) {
  return paths.PodRun(plan.ns, plan.name) + "/memory";
}

ContainerPaths PathsFor(const store::Paths& paths, const Plan& plan, const std::string& container,
                        int run) {
  ContainerPaths p;
  std::string base = StrCat(paths.Pod(plan.ns, plan.name), "/", container, ".", run);
  p.upper = base + ".upper";
  p.work = base + ".work";
  p.termination_log = StrCat(PodMemory(paths, plan), "/", container, ".termination-log");
  return p;
}

// The text that the kubelet writes (pkg/kubelet/kubelet_pods.go, nodeHostsFileContent and
// managedHostsFileContent).
std::string HostsFile(const Plan& plan, const std::string& pod_ip, const std::string& host_hosts) {
  std::string out;
  if (plan.network == "host") {
    out = "# Kubernetes-managed hosts file (host network).\n" + host_hosts;
    if (!out.ends_with('\n')) out.push_back('\n');
  } else {
    out =
        "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost "
        "ip6-loopback\n"
        "fe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-"
        "allrouters\n";
    std::string names = plan.hostname;
    if (!plan.fqdn.empty() && plan.fqdn != plan.hostname) names = plan.fqdn + "\t" + plan.hostname;
    // Without a network the pod must still find its own name.
    out += StrCat(pod_ip.empty() ? "127.0.1.1" : pod_ip, "\t", names, "\n");
  }
  if (!plan.host_aliases.empty()) out += "\n# Entries added by HostAliases.\n";
  for (const kube::HostAlias& alias : plan.host_aliases) {
    out += StrCat(alias.ip, "\t", Join(alias.hostnames, "\t"), "\n");
  }
  return out;
}

namespace {

struct Resolver {
  std::vector<std::string> nameservers, searches, options;
};

Resolver ParseResolv(const std::string& text) {
  Resolver r;
  for (const std::string& line : Split(text, '\n')) {
    std::vector<std::string> words;
    for (const std::string& w : Split(ReplaceAll(line, "\t", " "), ' ')) {
      if (!w.empty()) words.push_back(w);
    }
    if (words.size() < 2) continue;
    std::vector<std::string> rest(words.begin() + 1, words.end());
    if (words[0] == "nameserver") r.nameservers.push_back(words[1]);
    if (words[0] == "search" || words[0] == "domain") r.searches = rest;
    if (words[0] == "options") r.options.insert(r.options.end(), rest.begin(), rest.end());
  }
  return r;
}

bool IsLoopback(const std::string& address) {
  return address.starts_with("127.") || address == "::1";
}

void AddUnique(std::vector<std::string>* list, const std::vector<std::string>& more) {
  for (const std::string& item : more) {
    if (std::find(list->begin(), list->end(), item) == list->end()) list->push_back(item);
  }
}

}  // namespace

std::string ResolvConf(const Plan& plan, const std::string& nameserver,
                       const std::string& host_resolv) {
  Resolver r;
  Resolver of_host = ParseResolv(host_resolv);
  bool cluster = plan.dns_policy == "ClusterFirstWithHostNet" ||
                 (plan.dns_policy == "ClusterFirst" && plan.network != "host");
  if (cluster && !nameserver.empty()) {
    r.nameservers = {nameserver};
    r.searches = {plan.ns + ".svc.cluster.local", "svc.cluster.local", "cluster.local"};
    AddUnique(&r.searches, of_host.searches);
    r.options = {"ndots:5"};
  } else if (plan.dns_policy != "None" && plan.network != "none") {
    r = std::move(of_host);
    // The machine's own cache listens where the pod does not reach it; the pod's DNS asks it.
    if (plan.network != "host" && !nameserver.empty())
      std::replace_if(r.nameservers.begin(), r.nameservers.end(), IsLoopback, nameserver);
  }
  AddUnique(&r.nameservers, plan.dns_config.nameservers);
  AddUnique(&r.searches, plan.dns_config.searches);
  for (const auto& [name, value] : plan.dns_config.options) {
    std::erase_if(r.options,
                  [&key = name](const std::string& o) { return o.substr(0, o.find(':')) == key; });
    r.options.push_back(value.empty() ? name : StrCat(name, ":", value));
  }
  std::string out;
  if (!r.searches.empty()) out += StrCat("search ", Join(r.searches, " "), "\n");
  for (const std::string& n : r.nameservers) out += StrCat("nameserver ", n, "\n");
  if (!r.options.empty()) out += StrCat("options ", Join(r.options, " "), "\n");
  return out;
}

namespace {

std::string Propagation(const std::string& kubernetes) {
  if (kubernetes == "Bidirectional") return "rshared";
  if (kubernetes == "HostToContainer") return "rslave";
  return "rprivate";
}

// What is the machine's root's on disk is the pod's root's.
std::vector<std::string> WithOwners(const Plan& plan, std::vector<std::string> options) {
  if (!plan.host_users) options.push_back("idmap");
  return options;
}

void AddSystemMounts(const Plan& plan, const ContainerPlan& c, const std::string& memory,
                     std::vector<runtime::Mount>* out) {
  out->push_back({"/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}});
  out->push_back({"/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}});
  if (c.privileged && plan.host_users) {
    // Every device of the host; /dev/pts and the rest are laid over it below.
    out->back() = {"/dev", "bind", "/dev", {"bind", "nosuid"}};
  }
  out->push_back({"/dev/pts",
                  "devpts",
                  "devpts",
                  {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}});
  out->push_back({"/dev/shm", "bind", plan.host_ipc ? "/dev/shm" : memory + "/shm",
                  WithOwners(plan, {"rbind", "nosuid", "nodev"})});
  out->push_back({"/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}});
  std::string access = c.privileged ? "rw" : "ro";
  out->push_back({"/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", access}});
  out->push_back(
      {"/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev", "relatime", access}});
}

bool Mounted(const ContainerPlan& c, const std::string& path) {
  return std::any_of(c.mounts.begin(), c.mounts.end(),
                     [&](const MountPlan& m) { return m.path == path; });
}

}  // namespace

std::vector<runtime::Mount> MountsFor(const store::Paths& paths, const Plan& plan,
                                      const ContainerPlan& c, const ContainerPaths& dirs) {
  std::vector<runtime::Mount> out;
  std::string memory = PodMemory(paths, plan);
  AddSystemMounts(plan, c, memory, &out);
  for (const char* name : {"hosts", "hostname", "resolv.conf"}) {
    std::string target = StrCat("/etc/", name);
    if (!Mounted(c, target))
      out.push_back({target, "bind", StrCat(memory, "/etc/", name), WithOwners(plan, {"bind"})});
  }
  if (!c.termination_message_path.empty() && !Mounted(c, c.termination_message_path)) {
    out.push_back(
        {c.termination_message_path, "bind", dirs.termination_log, WithOwners(plan, {"bind"})});
  }
  for (const MountPlan& m : c.mounts) {
    auto v = std::find_if(plan.volumes.begin(), plan.volumes.end(),
                          [&](const VolumePlan& p) { return p.name == m.volume; });
    if (v == plan.volumes.end()) continue;
    std::string source;
    if (m.propagation == "Bidirectional") source = SharedVolumePath(paths, plan, *v);
    if (source.empty()) source = VolumePath(paths, plan, *v);
    runtime::Mount mount{m.path, "bind", source, {"rbind", Propagation(m.propagation)}};
    // An overlay cannot be mapped: an image's layers are, where they are mounted.
    if (v->kind != VolumePlan::Kind::kImage)
      mount.options = WithOwners(plan, std::move(mount.options));
    if (m.read_only) mount.options.push_back(m.recursive_read_only ? "rro" : "ro");
    if (!m.sub_path.empty()) mount.options.push_back("kpod.subpath=" + m.sub_path);
    out.push_back(std::move(mount));
  }
  return out;
}

namespace {

// The kubelet's MilliCPUToShares and MilliCPUToQuota: without a request the least there is, so that
// who asked for CPU gets it first; 100 ms periods, at least 1 ms of them.
uint64_t SharesFor(int64_t milli_cpu) {
  constexpr int64_t kLeast = 2;
  constexpr int64_t kMost = 262'144;
  int64_t bounded = std::clamp<int64_t>(milli_cpu, 0, kMost);  // more would overflow below
  return static_cast<uint64_t>(std::clamp(bounded * 1024 / 1000, kLeast, kMost));
}

void LimitCpu(int64_t milli_cpu, runtime::Resources* r) {
  constexpr int64_t kPeriod = 100'000;
  constexpr int64_t kLeastQuota = 1000;
  constexpr int64_t kMostMilli = 1'000'000'000;
  r->cpu_period = kPeriod;
  r->cpu_quota = std::max(kLeastQuota, std::min(milli_cpu, kMostMilli) * kPeriod / 1000);
}

}  // namespace

runtime::Resources ResourcesFor(const ContainerPlan& c) {
  runtime::Resources r;
  if (c.memory_limit) {
    r.memory_limit = r.memory_swap = *c.memory_limit;  // no swap beyond the limit, as the kubelet
  }
  if (c.cpu_milli_limit) LimitCpu(*c.cpu_milli_limit, &r);
  r.cpu_shares = SharesFor(c.cpu_milli_request.value_or(0));
  r.pids_limit = c.pids_limit;
  r.cpuset_cpus = c.cpuset_cpus;
  r.cpuset_mems = c.cpuset_mems;
  for (const auto& [size, bytes] : c.hugepages) r.hugepages[size] = static_cast<uint64_t>(bytes);
  r.devices.push_back({c.privileged, "a", std::nullopt, std::nullopt, "rwm"});
  return r;
}

namespace {

// What containers that run at once take together; a limit that one of them lacks there is none.
struct Sum {
  int64_t cpu_request = 0, cpu_limit = 0, memory_limit = 0;
  bool all_cpu = true, all_memory = true;

  void Add(const ContainerPlan& c) {
    auto add = [](int64_t* sum, int64_t more) {
      if (__builtin_add_overflow(*sum, more, sum)) *sum = INT64_MAX;
    };
    add(&cpu_request, c.cpu_milli_request.value_or(0));
    add(&cpu_limit, c.cpu_milli_limit.value_or(0));
    add(&memory_limit, c.memory_limit.value_or(0));
    all_cpu = all_cpu && c.cpu_milli_limit;
    all_memory = all_memory && c.memory_limit;
  }
  void AtLeast(const Sum& other) {
    cpu_request = std::max(cpu_request, other.cpu_request);
    cpu_limit = std::max(cpu_limit, other.cpu_limit);
    memory_limit = std::max(memory_limit, other.memory_limit);
    all_cpu = all_cpu && other.all_cpu;
    all_memory = all_memory && other.all_memory;
  }
};

// The containers beside the sidecars, or one init container beside the sidecars that are up by
// then, whichever is more.
Sum TotalOf(const Plan& plan) {
  Sum sidecars;
  std::vector<Sum> stages;
  for (const ContainerPlan& c : plan.init_containers) {
    Sum stage = sidecars;
    stage.Add(c);
    if (c.sidecar) sidecars = stage;
    stages.push_back(stage);
  }
  Sum total = sidecars;
  for (const ContainerPlan& c : plan.containers) total.Add(c);
  for (const Sum& stage : stages) total.AtLeast(stage);
  return total;
}

}  // namespace

runtime::Resources PodResourcesFor(const Plan& plan) {
  runtime::Resources r;
  Sum total = TotalOf(plan);
  const PodResources& whole = plan.resources;
  r.cpu_shares = SharesFor(whole.cpu_milli_request.value_or(total.cpu_request));
  if (whole.cpu_milli_limit || total.all_cpu)
    LimitCpu(whole.cpu_milli_limit.value_or(total.cpu_limit), &r);
  // The kernel charges a container's own group to this one: a limit below that (somebody wrote
  // "10") would forbid the container to exist, where it should come and be killed.
  constexpr int64_t kGroupsThemselves = 16 << 20;
  if (whole.memory_limit || total.all_memory) {
    r.memory_limit = std::max(whole.memory_limit.value_or(total.memory_limit), kGroupsThemselves);
  }
  return r;
}

runtime::Spec SpecFor(const store::Paths& paths, const Plan& plan, const ContainerPlan& c,
                      const ContainerPaths& dirs) {
  runtime::Spec spec;
  spec.root_readonly = c.read_only_root;
  spec.mounts = MountsFor(paths, plan, c, dirs);
  spec.process.terminal = c.tty;
  spec.process.user = {c.uid, c.gid, std::nullopt, c.groups};
  spec.process.args = c.argv;
  spec.process.env = c.env;
  AddServiceVariables(plan.service_links, &spec.process.env);
  spec.process.cwd = c.cwd;
  for (const kube::Ulimit& u : c.ulimits) {
    auto value = [](int64_t n) { return n < 0 ? RLIM64_INFINITY : static_cast<uint64_t>(n); };
    spec.process.rlimits.push_back(
        {StrCat("RLIMIT_", ToUpper(u.name)), value(u.soft), value(u.hard)});
  }
  spec.process.apparmor_profile = c.apparmor;
  spec.process.selinux_label = c.selinux_label;
  spec.mount_label = c.file_label;
  spec.process.no_new_privileges = c.no_new_privileges;
  spec.process.capabilities = {c.capabilities, c.capabilities, {}, c.capabilities, {}};
  spec.namespaces.push_back({"mount", ""});
  if (!plan.host_pid && !plan.share_pid) spec.namespaces.push_back({"pid", ""});
  spec.namespaces.push_back({"cgroup", ""});
  spec.devices =
      c.privileged && plan.host_users ? std::vector<runtime::Device>{} : runtime::DefaultDevices();
  spec.resources = ResourcesFor(c);
  spec.cgroups_path = CgroupPath(paths, plan.Id(), c.name);
  if (!c.unmasked_proc) {
    spec.masked_paths = runtime::DefaultMaskedPaths();
    spec.readonly_paths = runtime::DefaultReadonlyPaths();
  }
  spec.default_seccomp = c.seccomp == "default";
  spec.rootfs_propagation = "rslave";
  spec.annotations["io.kubernetes.pod.name"] = plan.name;
  spec.annotations["io.kubernetes.pod.namespace"] = plan.ns;
  spec.annotations["io.kubernetes.container.name"] = c.name;
  return spec;
}

Status ApplySeccomp(const store::Paths& paths, const ContainerPlan& c, Json* seccomp,
                    bool* use_default) {
  *use_default = c.seccomp == "default";
  if (c.seccomp == "default" || c.seccomp == "unconfined") return OkStatus();
  // Localhost profiles lie below one directory, as below the kubelet's <root>/seccomp.
  std::string path = JoinPath(paths.root + "/seccomp", CleanPath("/" + c.seccomp));
  *seccomp = TRY(ReadJsonFile(path).Context("seccomp profile"));
  return OkStatus();
}

}  // namespace kpod::pods
