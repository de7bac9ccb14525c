#include "pods/make_plan.h"

#include <signal.h>

#include <algorithm>
#include <cstring>

#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"
#include "pods/container_env.h"
#include "pods/plan_life.h"
#include "pods/plan_resources.h"
#include "pods/plan_security.h"
#include "pods/plan_volumes.h"
#include "pods/user_range.h"
#include "runtime/container.h"

namespace kpod::pods {

std::string Fingerprint(std::string_view text) {
  uint64_t h = 14695981039346656037ULL;  // FNV-1a
  for (unsigned char c : text) h = (h ^ c) * 1099511628211ULL;
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(h >> shift));
  return Hex(bytes);
}

std::string ShortHash(std::string_view text) {
  // Kubernetes' alphabet for generated names: no vowels, no look-alikes.
  constexpr std::string_view kAlphabet = "bcdfghjklmnpqrstvwxz2456789";
  uint64_t h = *ParseHex(Fingerprint(text));
  std::string out;
  for (int i = 0; i < 10; ++i) {
    out.push_back(kAlphabet[h % kAlphabet.size()]);
    h /= kAlphabet.size();
  }
  return out;
}

int SignalNumber(const std::string& name) {
  constexpr int kLast = 64;
  if (auto n = ParseInt(name)) return *n > 0 && *n <= kLast ? static_cast<int>(*n) : SIGTERM;
  std::string bare = ToUpper(name);
  if (bare.starts_with("SIG")) bare.erase(0, 3);
  for (int n = 1; n < 32; ++n) {
    const char* known = ::sigabbrev_np(n);
    if (known != nullptr && bare == known) return n;
  }
  for (const auto& [base, first] : {std::pair{"RTMIN", SIGRTMIN}, std::pair{"RTMAX", SIGRTMAX}}) {
    if (!bare.starts_with(base)) continue;
    std::string offset = bare.substr(5);
    if (offset.starts_with('+')) offset.erase(0, 1);
    int64_t number = first + (offset.empty() ? 0 : ParseInt(offset).value_or(kLast));
    if (number >= SIGRTMIN && number <= kLast) return static_cast<int>(number);
  }
  return SIGTERM;
}

namespace {

// The kubelet's verifyRunAsNonRoot, with its words.
std::string NonRootTrouble(const Plan& plan, const std::string& container, bool by_manifest,
                           uint32_t uid, const std::string& image_user) {
  std::string where = StrCat(" (pod: ", Quote(StrCat(plan.name, "_", plan.ns, "(", plan.uid, ")")),
                             ", container: ", container, ")");
  if (by_manifest) {
    return uid == 0 ? "container's runAsUser breaks non-root policy" + where : std::string();
  }
  std::string name = image_user.substr(0, image_user.find(':'));
  if (!name.empty() && !ParseInt(name)) {
    return StrCat("container has runAsNonRoot and image has non-numeric user (", name,
                  "), cannot verify user is non-root", where);
  }
  return uid == 0 ? "container has runAsNonRoot and image will run as root" + where : std::string();
}

void PlanUser(const kube::Pod& pod, const kube::Container& c, const images::Image& image,
              const Plan& plan, const Lookups& lookups, ContainerPlan* out) {
  const kube::PodSecurityContext& ps = pod.spec.security_context;
  const kube::SecurityContext& cs = c.security_context;
  std::optional<int64_t> uid = cs.run_as_user ? cs.run_as_user : ps.run_as_user;
  std::optional<int64_t> gid = cs.run_as_group ? cs.run_as_group : ps.run_as_group;
  std::string user = uid ? StrCat(*uid) : image.User();
  auto read = [&](const std::string& path) { return lookups.image_file(image.layers, path); };
  Result<runtime::ResolvedUser> resolved = runtime::ResolveUser(user.empty() ? "0" : user, read);
  if (!resolved) {
    out->blocked = {"CreateContainerConfigError", resolved.error().message()};
    return;
  }
  out->uid = resolved->uid;
  out->gid = gid ? static_cast<uint32_t>(*gid) : resolved->gid;
  if (ps.supplemental_groups_policy != "Strict") out->groups = resolved->additional_gids;
  for (int64_t g : ps.supplemental_groups) out->groups.push_back(static_cast<uint32_t>(g));
  if (ps.fs_group) out->groups.push_back(static_cast<uint32_t>(*ps.fs_group));
  uint32_t highest = std::max({out->uid, out->gid});
  for (uint32_t g : out->groups) highest = std::max(highest, g);
  if (!plan.host_users && highest >= kUserRangeSize) {
    out->blocked = {"CreateContainerConfigError",
                    StrCat("id ", highest, " is outside of the pod's user namespace, which has ",
                           kUserRangeSize, " of them (hostUsers: false)")};
    return;
  }
  // The primary group as well, so that no setgid program can shed it (CVE-2022-36109).
  out->groups.push_back(out->gid);
  std::sort(out->groups.begin(), out->groups.end());
  out->groups.erase(std::unique(out->groups.begin(), out->groups.end()), out->groups.end());

  // As every container runtime does: the home that the image's passwd names.
  bool has_home = std::any_of(out->env.begin(), out->env.end(),
                              [](const std::string& line) { return line.starts_with("HOME="); });
  if (!has_home) out->env.push_back("HOME=" + resolved->home);

  bool non_root = cs.run_as_non_root ? *cs.run_as_non_root : ps.run_as_non_root.value_or(false);
  if (!non_root) return;
  std::string trouble = NonRootTrouble(plan, c.name, uid.has_value(), out->uid, image.User());
  if (!trouble.empty()) out->blocked = {"CreateContainerConfigError", trouble};
}

void PlanCommand(const kube::Container& c, const images::Image& image, const ContainerEnv& env,
                 ContainerPlan* out) {
  std::vector<std::string> command = c.has_command ? c.command : std::vector<std::string>{};
  std::vector<std::string> args = c.has_args ? c.args : std::vector<std::string>{};
  // command replaces ENTRYPOINT and CMD both; args alone replaces CMD.
  if (command.empty()) {
    command = image.Entrypoint();
    if (args.empty()) args = image.Cmd();
  }
  for (const std::string& word : command) out->argv.push_back(Expand(word, env.expandable));
  for (const std::string& word : args) out->argv.push_back(Expand(word, env.expandable));
  out->cwd = !c.working_dir.empty()       ? c.working_dir
             : image.WorkingDir().empty() ? "/"
                                          : image.WorkingDir();
  if (out->cwd.front() != '/') out->cwd = "/" + out->cwd;
}

runtime::AppArmorHost AppArmorHostOf(const Lookups& lookups) {
  return lookups.apparmor ? lookups.apparmor() : runtime::AppArmorHost{};
}

ContainerPlan PlanContainer(const kube::Pod& pod, const kube::Container& c, bool init,
                            const Plan& plan, const Lookups& lookups) {
  ContainerPlan out;
  out.name = c.name;
  out.image = c.image;
  out.image_pull_policy = c.image_pull_policy;
  out.tty = c.tty;
  out.stdin_open = c.stdin_open;
  out.stdin_once = c.stdin_once;
  out.termination_message_path = c.termination_message_path;
  out.termination_message_policy = c.termination_message_policy;
  PlanSecurity(pod, c, &out);
  PlanResources(c, &out);
  for (const kube::ContainerPort& p : c.ports) {
    out.ports.push_back({p.name, p.protocol, p.host_ip, p.container_port, p.host_port});
  }
  Lookups::ImageAnswer answer =
      lookups.image(c.image, c.image_pull_policy, plan.image_pull_secrets);
  if (!answer.image) {
    PlanMounts(plan.volumes, c, {}, &out);
    PlanLife(pod.spec, c, init, {}, &out);
    out.blocked = answer.blocked;
    return out;
  }
  const images::Image& image = *answer.image;
  out.image_id = image.id;
  out.layers = image.layers;
  out.stop_signal = image.StopSignal().empty() ? 15 : SignalNumber(image.StopSignal());
  ContainerEnv env = MakeContainerEnv(pod, c, image, plan, lookups);
  out.env = env.env;
  out.env_files = env.env_files;
  out.blocked = env.blocked;
  PlanMounts(plan.volumes, c, env.expandable, &out);
  PlanDevices(plan.volumes, c, &out);
  PlanLife(pod.spec, c, init, env.expandable, &out);
  PlanCommand(c, image, env, &out);
  if (out.blocked.reason.empty()) PlanUser(pod, c, image, plan, lookups, &out);
  if (out.argv.empty() && out.blocked.reason.empty()) {
    out.blocked = {"CreateContainerError",
                   "no command specified: neither the image nor the manifest names one"};
  }
  PlanAppArmor(pod, c, AppArmorHostOf(lookups), &out);
  PlanSelinux(pod, c, lookups.selinux && lookups.selinux(), &out);
  return out;
}

constexpr size_t kMaxHostName = 64;  // HOST_NAME_MAX of Linux

void PlanNames(const kube::Pod& pod, const std::string& node_name, Plan* plan) {
  plan->spec_hostname = pod.spec.hostname;
  plan->subdomain = pod.spec.subdomain;
  if (pod.spec.host_network && !node_name.empty()) {
    plan->hostname = node_name;
    return;
  }
  if (!pod.spec.hostname_override.empty()) {
    plan->hostname = pod.spec.hostname_override;
    return;
  }
  // Kubernetes cuts a host name at 63 characters and drops what must not end it.
  plan->hostname = pod.spec.hostname.empty() ? plan->name : pod.spec.hostname;
  if (plan->hostname.size() > 63) plan->hostname.resize(63);
  while (!plan->hostname.empty() &&
         (plan->hostname.back() == '-' || plan->hostname.back() == '.')) {
    plan->hostname.pop_back();
  }
  if (!pod.spec.subdomain.empty()) {
    plan->fqdn =
        StrCat(plan->hostname, ".", pod.spec.subdomain, ".", plan->ns, ".svc.cluster.local");
    if (!pod.spec.set_hostname_as_fqdn.value_or(false)) return;
    if (plan->fqdn.size() <= kMaxHostName) {
      plan->hostname = plan->fqdn;
    } else {
      plan->blocked = {
          "CreatePodSandboxError",
          StrCat("failed to construct FQDN from Pod hostname and cluster domain, FQDN ", plan->fqdn,
                 " is too long (", kMaxHostName, " characters is the max, ", plan->fqdn.size(),
                 " characters requested)")};
    }
  }
}

// One that is missing is told of, and the image pulled without it.
void PlanPullSecrets(const kube::Pod& pod, const Lookups& lookups, Plan* plan) {
  plan->image_pull_secrets = pod.spec.image_pull_secrets;
  std::vector<std::string> missing;
  for (const std::string& name : plan->image_pull_secrets) {
    if (!lookups.secret(name)) missing.push_back(name);
  }
  if (missing.empty() || !lookups.note) return;
  lookups.note({plan->name, "", "FailedToRetrieveImagePullSecret",
                StrCat("Unable to retrieve some image pull secrets (", Join(missing, ", "),
                       "); attempting to pull the image may not succeed.")});
}

}  // namespace

ContainerPlan MakeContainerPlan(const kube::Pod& pod, const kube::Container& container,
                                const Plan& plan, const Lookups& lookups) {
  return PlanContainer(pod, container, false, plan, lookups);
}

Plan MakePlan(const kube::Pod& pod, const Lookups& lookups) {
  Plan plan;
  plan.ns = pod.metadata.ns;
  plan.name = pod.metadata.name;
  plan.uid = pod.metadata.uid;
  plan.labels = pod.metadata.labels;
  plan.annotations = pod.metadata.annotations;
  plan.created_nanos = NowNanos();
  plan.restart_policy = pod.spec.restart_policy;
  plan.grace_seconds = pod.spec.termination_grace_period_seconds;
  PlanPodResources(pod.spec, &plan);
  plan.active_deadline_seconds = pod.spec.active_deadline_seconds;
  PlanNames(pod, lookups.node_name, &plan);
  if (pod.spec.enable_service_links && lookups.service_links)
    plan.service_links = lookups.service_links();
  plan.host_aliases = pod.spec.host_aliases;
  plan.dns_policy = pod.spec.dns_policy;
  plan.dns_config = pod.spec.dns_config;
  auto network = pod.metadata.annotations.find(kNetworkAnnotation);
  plan.network = network == pod.metadata.annotations.end() ? "native" : network->second;
  if (pod.spec.host_network) plan.network = "host";
  plan.host_pid = pod.spec.host_pid;
  plan.host_ipc = pod.spec.host_ipc;
  plan.host_users = pod.spec.host_users;
  plan.share_pid = pod.spec.share_process_namespace;
  plan.sysctls = pod.spec.security_context.sysctls;
  plan.fs_group = pod.spec.security_context.fs_group;
  plan.fs_group_change_policy = pod.spec.security_context.fs_group_change_policy;
  PlanPullSecrets(pod, lookups, &plan);
  CheckAppArmor(pod, AppArmorHostOf(lookups), &plan.blocked);
  for (const kube::Volume& v : pod.spec.volumes) {
    plan.volumes.push_back(PlanVolume(pod, v, lookups, &plan.blocked));
  }
  for (const kube::Container& c : pod.spec.init_containers) {
    plan.init_containers.push_back(PlanContainer(pod, c, true, plan, lookups));
  }
  for (const kube::Container& c : pod.spec.containers) {
    plan.containers.push_back(PlanContainer(pod, c, false, plan, lookups));
  }
  return plan;
}

}  // namespace kpod::pods
