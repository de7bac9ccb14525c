// The supervisor's two services: the control socket of the commands, and the pod's DNS.
#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/clock.h"
#include "base/text.h"
#include "pods/supervisor.h"

namespace kpod::pods {

Status Supervisor::ServeControl() {
  return loop_->OnReadable(control_.get(), [this] {
    Fd fd(::accept4(control_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) return;
    int client = fd.get();
    clients_.push_back({std::move(fd)});
    (void)loop_->OnReadable(client, [this, client] { OnControl(client); });
  });
}

void Supervisor::Answer(int client, const Json& answer) {
  (void)SendWithFds(client, Dump(answer), {});
}

void Supervisor::OnControl(int client) {
  Result<Message> m = ReceiveWithFds(client);
  auto forget = [&] {
    loop_->Forget(client);
    std::erase_if(clients_, [&](const Client& c) { return c.fd.get() == client; });
  };
  if (!m || m->bytes.empty()) return forget();
  Result<Json> request = ParseJson(m->bytes, "request");
  if (!request) {
    Answer(client, {{"error", request.error().message()}});
    return forget();
  }
  std::string op = StringAt(*request, "op");
  if (op == "stop") {
    auto it = std::find_if(clients_.begin(), clients_.end(),
                           [&](const Client& c) { return c.fd.get() == client; });
    if (it != clients_.end()) it->waits_for_end = true;
    std::optional<int64_t> grace;
    if (At(*request, "grace").is_number_integer()) grace = IntAt(*request, "grace");
    Stop(grace);
  } else if (op == "reload") {
    Reload();
    Answer(client, {{"ok", true}});
  } else if (op == "attach") {
    OnAttach(client, *request, std::move(m->fds));
  } else if (op == "debug") {
    OnDebug(client, *request, std::move(m->fds));
  } else {
    Answer(client, {{"error", "unknown request"}});
  }
}

// The connection goes over to the container.
void Supervisor::OnAttach(int client, const Json& request, std::vector<Fd> pipes) {
  std::string name = StringAt(request, "container");
  auto life = std::find_if(all_.begin(), all_.end(),
                           [&](const ContainerLife* l) { return l->plan().name == name; });
  if (life == all_.end() || !(*life)->run().running())
    return Answer(client, {{"error", StrCat("container ", name, " is not running")}});
  (*life)->run().Attach(TakeConnection(client), std::move(pipes), BoolAt(request, "stdin"));
}

Fd Supervisor::TakeConnection(int client) {
  auto it = std::find_if(clients_.begin(), clients_.end(),
                         [&](const Client& c) { return c.fd.get() == client; });
  loop_->Forget(client);
  Fd connection = std::move(it->fd);
  clients_.erase(it);
  return connection;
}

Status Supervisor::ServeDns() {
  const network::Attachment& a = sandbox_->attachment();
  if (a.nameserver.empty()) return OkStatus();
  network::DnsServer::Options options;
  options.paths = paths_;
  options.pod_id = plan_.Id();
  options.listen = a.nameserver;
  options.pod_ip = a.ip;
  options.on_host = plan_.network == "host";
  options.host_netns_fd = sandbox_->host_netns();
  options.upstream_resolv_conf = "/etc/resolv.conf";
  dns_ = TRY(network::DnsServer::Create(options));
  return loop_->OnReadable(dns_->Descriptor(), [this] {
    dns_->OnReady();
    ArmDns();
  });
}

void Supervisor::ArmDns() {
  loop_->Cancel(dns_timer_);
  dns_timer_ = 0;
  int64_t due = dns_->NextDeadlineNanos();
  if (due < 0) return;
  dns_timer_ = loop_->At(due, [this] {
    dns_timer_ = 0;
    dns_->OnDeadline();
    ArmDns();
  });
}

}  // namespace kpod::pods
