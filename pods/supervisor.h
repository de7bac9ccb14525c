// Keeps one pod so: starts its containers, waits, restarts, stops. One thread, one epoll loop;
// nothing else of kpod runs while a pod does. It holds the pod's namespaces and its flock, and is
// the only writer of status.json.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/loop.h"
#include "pods/container_run.h"
#include "pods/plan.h"
#include "pods/sandbox.h"
#include "pods/status.h"

namespace kpod::pods {

class Supervisor {
 public:
  Supervisor(store::Paths paths, std::string ns, std::string name);
  // Until the pod has ended. `handshake` is told of readiness or of the failure; returns the exit
  // code.
  int Run(Fd handshake);

 private:
  Status Begin(std::vector<std::string>* warnings);
  Status MarkStarting();
  void GiveUp();
  Status WriteSecrets();
  Status StartContainers(std::vector<std::string>* warnings);
  Status StartContainer(size_t index, std::vector<std::string>* warnings);
  Status WatchSignals();
  Status ServeControl();
  Status ServeDns();
  void ArmDns();
  void OnControl(int client);
  void Answer(int client, const Json& answer);

  void OnContainerExit(size_t index);
  void Restart(size_t index);
  void Reload();
  void ArmRetry();
  void StartRetrying();
  void EndRetry();
  void Stop(std::optional<int64_t> grace_seconds);
  void CheckEnd();
  void End();

  std::string Phase() const;
  void Save();
  void Tell(const std::string& type, const std::string& reason, const std::string& container,
            const std::string& message);

  store::Paths paths_;
  std::string ns_, name_;
  Plan plan_;
  PodStatus status_;
  std::optional<std::string>
      status_before_;  // the text of status.json, of a pod that has been there before
  std::optional<Loop> loop_;
  std::optional<FileLock> alive_;
  std::optional<Sandbox> sandbox_;
  std::vector<std::unique_ptr<ContainerRun>> containers_;
  std::unique_ptr<network::DnsServer> dns_;
  Loop::TimerId dns_timer_ = 0;
  Fd control_, signals_;
  struct Client {
    Fd fd;
    bool waits_for_end = false;
  };
  std::vector<Client> clients_;
  Child retry_;  // an attempt under way
  Loop::TimerId retry_timer_ = 0;
  int retries_ = 0;
  bool stopping_ = false;
  bool gave_up_ = false;  // it did not start: nothing is restarted, nothing is written down
};

}  // namespace kpod::pods
