#include "network/state.h"

#include <unistd.h>

#include <map>

#include "base/files.h"
#include "base/text.h"
#include "network/service.h"

namespace kpod::network {

namespace {
std::string LeaseDirectory(const store::Paths& paths) { return paths.Network() + "/leases"; }
std::string RecordPath(const store::Paths& paths, const std::string& id) {
  return StrCat(RecordDirectory(paths), "/", id, ".json");
}
}  // namespace

std::string NamespaceOf(const std::string& pod_id) { return pod_id.substr(0, pod_id.find('_')); }

std::string RecordDirectory(const store::Paths& paths) { return paths.Network() + "/pods"; }

Result<std::optional<Config>> ReadConfig(const store::Paths& paths) {
  std::string path = paths.Network() + "/config.json";
  Result<std::string> text = ReadFile(path);
  if (!text) {
    if (text.error().code() == ENOENT) return std::optional<Config>();
    return std::move(text.error());
  }
  // One that a power cut left empty, or that somebody wrote into, is as good as none: ranges are
  // chosen again.
  Json j = ParseJson(*text, path).value_or(Json());
  auto pods = ParseRange(StringAt(j, "pods"));
  auto services = ParseRange(StringAt(j, "services"));
  if (!pods || !services) return std::optional<Config>();
  return std::optional<Config>(Config{*pods, *services});
}

Status WriteConfig(const store::Paths& paths, const Config& c) {
  TRY(MakeDirs(paths.Network()));
  return WriteFileAtomic(
      paths.Network() + "/config.json",
      Dump({{"pods", FormatRange(c.pods)}, {"services", FormatRange(c.services)}}, 1));
}

namespace {

Json ToJson(const PodRecord& r) {
  Json ports = Json::array();
  for (const PortMapping& p : r.ports) {
    ports.push_back({{"hostIP", p.host_ip},
                     {"hostPort", p.host_port},
                     {"containerPort", p.container_port},
                     {"protocol", p.protocol}});
  }
  return {{"id", r.id},
          {"driver", r.driver},
          {"ip", FormatIpv4(r.ip)},
          {"responder", FormatIpv4(r.responder)},
          {"names", r.names},
          {"ports", ports}};
}

PodRecord RecordFrom(const Json& j) {
  PodRecord r;
  r.id = StringAt(j, "id");
  r.driver = StringAt(j, "driver", "native");
  r.ip = ParseIpv4(StringAt(j, "ip")).value_or(0);
  r.responder = ParseIpv4(StringAt(j, "responder")).value_or(0);
  r.names = StringsAt(j, "names");
  const Json& ports = At(j, "ports");
  for (const Json& p : ports.is_array() ? ports : Json::array()) {
    r.ports.push_back({StringAt(p, "hostIP"), static_cast<uint16_t>(IntAt(p, "hostPort")),
                       static_cast<uint16_t>(IntAt(p, "containerPort")), StringAt(p, "protocol")});
  }
  return r;
}

}  // namespace

Result<std::optional<PodRecord>> ReadRecord(const store::Paths& paths, const std::string& id) {
  std::string path = RecordPath(paths, id);
  Result<std::string> text = ReadFile(path);
  if (!text) {
    if (text.error().code() == ENOENT) return std::optional<PodRecord>();
    return std::move(text.error());
  }
  Result<Json> j = ParseJson(*text, path);
  if (!j) return std::move(j.error()).WithCode(EBADMSG);
  PodRecord r = RecordFrom(*j);
  if (r.id != id) return Error(path + ": the record of another pod").WithCode(EBADMSG);
  return std::optional<PodRecord>(std::move(r));
}

Result<std::vector<std::string>> ListRecordIds(const store::Paths& paths) {
  constexpr std::string_view kSuffix = ".json";
  std::vector<std::string> out;
  for (const std::string& name : TRY(ListDir(RecordDirectory(paths)))) {
    if (!name.ends_with(kSuffix) || IsTempName(name)) continue;
    out.push_back(name.substr(0, name.size() - kSuffix.size()));
  }
  return out;
}

Result<std::vector<PodRecord>> ListRecords(const store::Paths& paths) {
  std::vector<PodRecord> out;
  for (const std::string& id : TRY(ListRecordIds(paths))) {
    // One that went away meanwhile is no record; one that is damaged says nothing.
    Result<std::optional<PodRecord>> r = ReadRecord(paths, id);
    if (r && *r) out.push_back(std::move(**r));
  }
  return out;
}

Status WriteRecord(const store::Paths& paths, const PodRecord& r) {
  TRY(MakeDirs(RecordDirectory(paths)));
  return WriteFileAtomic(RecordPath(paths, r.id), Dump(ToJson(r), 1));
}

Status RemoveRecord(const store::Paths& paths, const std::string& id) {
  if (::unlink(RecordPath(paths, id).c_str()) < 0 && errno != ENOENT)
    return Error::Errno("remove network record of " + id);
  return OkStatus();
}

Result<Ipv4> Lease(const store::Paths& paths, const Config& config, const std::string& pod_id,
                   const std::string& wanted) {
  std::string dir = LeaseDirectory(paths);
  TRY(MakeDirs(dir));
  // The lease exists with its holder's name or not at all.
  auto take = [&](Ipv4 ip) -> bool {
    std::string path = JoinPath(dir, FormatIpv4(ip));
    if (WriteFileOnce(path, pod_id)) return true;
    Result<std::string> holder = ReadFile(path, 4096);
    return holder && *holder == pod_id;
  };
  if (!wanted.empty()) {
    auto ip = ParseIpv4(wanted);
    if (!ip || !config.pods.Contains(*ip))
      return Error(StrCat("address ", wanted, " is not in ", FormatRange(config.pods)));
    if (!take(*ip)) return Error(StrCat("address ", wanted, " is taken"));
    return *ip;
  }
  for (uint32_t attempt = 0;; ++attempt) {
    std::optional<Ipv4> ip = CandidateAddress(config.pods, pod_id, attempt);
    if (!ip) return Error("no address is free in " + FormatRange(config.pods));
    if (take(*ip)) return *ip;
  }
}

Status ReleaseLeases(const store::Paths& paths, const std::string& pod_id) {
  for (const LeaseRecord& lease : TRY(ListLeases(paths))) {
    if (lease.pod_id != pod_id) continue;
    std::string path = JoinPath(LeaseDirectory(paths), FormatIpv4(lease.ip));
    if (::unlink(path.c_str()) < 0 && errno != ENOENT) return Error::Errno("remove " + path);
  }
  return OkStatus();
}

namespace {

// What a damaged lease says must not become a path.
bool IsPodId(std::string_view id) {
  return Contains(id, "_") &&
         id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-._") == std::string_view::npos;
}

}  // namespace

Result<std::vector<LeaseRecord>> ListLeases(const store::Paths& paths) {
  std::vector<LeaseRecord> out;
  for (const std::string& name : TRY(ListDir(LeaseDirectory(paths)))) {
    std::optional<Ipv4> ip = ParseIpv4(name);
    if (!ip) continue;
    Result<std::string> holder = ReadFile(JoinPath(LeaseDirectory(paths), name), 4096);
    if (!holder && holder.error().code() == ENOENT) continue;  // it went away meanwhile
    out.push_back({*ip, holder && IsPodId(*holder) ? *holder : ""});
  }
  return out;
}

Status MendLeases(const store::Paths& paths, const std::function<bool(const std::string&)>& alive) {
  std::map<Ipv4, std::string> holders;
  for (LeaseRecord& lease : TRY(ListLeases(paths))) holders[lease.ip] = std::move(lease.pod_id);
  for (const PodRecord& r : TRY(ListRecords(paths))) {
    if (r.driver != "native" || r.ip == 0 || holders[r.ip] == r.id || !alive(r.id)) continue;
    TRY(WriteFileAtomic(JoinPath(LeaseDirectory(paths), FormatIpv4(r.ip)), r.id));
  }
  return OkStatus();
}

void SweepState(const store::Paths& paths) {
  for (const std::string& dir : {paths.Network(), RecordDirectory(paths), LeaseDirectory(paths),
                                 paths.run, AllocationDirectory(paths), ServiceDirectory(paths)}) {
    SweepTemps(dir);
  }
}

}  // namespace kpod::network
