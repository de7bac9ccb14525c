// The host driver: the pod is in the host's network namespace. What is left to do is to keep its
// ports apart from other pods' and to tell which address the machine has, and where its DNS may
// answer: on a loopback address of its own, since other pods and the machine have port 53 as well.
#include <sys/socket.h>

#include <algorithm>

#include "network/drivers.h"
#include "network/links.h"
#include "network/ports.h"

namespace kpod::network {

namespace {

constexpr Range kResponders{0x7f4c0000, 16};  // 127.76.0.0
constexpr uint32_t kMostTries = 256;
constexpr uint16_t kDnsPort = 53;

Result<Ipv4> FreeResponder(const std::vector<PodRecord>& pods, const std::string& id) {
  Status last = OkStatus();
  for (uint32_t i = 0; i < kMostTries; ++i) {
    Ipv4 ip = CandidateAddress(kResponders, id, i).value_or(0);
    bool taken = std::any_of(pods.begin(), pods.end(),
                             [&](const PodRecord& p) { return p.responder == ip && p.id != id; });
    if (taken) continue;
    last = OkStatus();
    for (const char* protocol : {"udp", "tcp"}) {
      if (last) last = CheckFree(-1, {FormatIpv4(ip), kDnsPort, 0, protocol});
    }
    if (last) return ip;
  }
  return last ? Error("no loopback address is left for the pod's DNS")
              : std::move(last.error()).Wrap("dnsPolicy ClusterFirstWithHostNet");
}

class HostDriver : public Driver {
 public:
  explicit HostDriver(store::Paths paths) : paths_(std::move(paths)) {}

  Status Prepare(const AttachRequest& r) override {
    FileLock lock = TRY(LockNetwork(paths_));
    PodRecord record;
    record.id = r.pod_id;
    record.driver = "host";
    record.ports = r.ports;
    NetlinkSocket socket = TRY(NetlinkSocket::Open(NETLINK_ROUTE));
    std::optional<Ipv4> ip = TRY(OutwardAddress(socket));
    if (ip) {
      attachment_.ip = attachment_.host_ip = FormatIpv4(*ip);
      record.ip = *ip;
      record.names = r.names;
    }
    // Whether a process has the port is for the pod's own program to find out, as in a cluster.
    std::vector<PodRecord> pods = TRY(ListRecords(paths_));
    TRY(CheckAgainst(pods, record));
    if (r.wants_dns) {
      record.responder = TRY(FreeResponder(pods, r.pod_id));
      attachment_.nameserver = FormatIpv4(record.responder);
    }
    if (!r.ports.empty()) {
      std::vector<Allocation> services = TRY(ListAllocations(paths_));
      TRY(CheckAgainstServices(services, record));
    }
    return WriteRecord(paths_, record);
  }

  Result<Attachment> Attach(int) override { return attachment_; }

  Status Detach(const std::string& pod_id) override {
    FileLock lock = TRY(LockNetwork(paths_));
    return RemoveRecord(paths_, pod_id);
  }

  Status Check(const std::string& pod_id, int) override {
    std::optional<PodRecord> record = TRY(ReadRecord(paths_, pod_id));
    if (!record) return Error("the pod is not written down");
    return OkStatus();
  }

 private:
  store::Paths paths_;
  Attachment attachment_;
};

}  // namespace

Result<std::unique_ptr<Driver>> MakeHostDriver(const store::Paths& paths) {
  return std::unique_ptr<Driver>(std::make_unique<HostDriver>(paths));
}

}  // namespace kpod::network
