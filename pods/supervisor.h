// Keeps one pod so: starts its containers, waits, restarts, stops. One thread, one epoll loop;
// nothing else of kpod runs while a pod does. It holds the pod's namespaces and its flock, and is
// the only writer of status.json.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/loop.h"
#include "pods/container_life.h"
#include "pods/endpoints_notifier.h"
#include "pods/payload_keeper.h"
#include "pods/plan.h"
#include "pods/sandbox.h"
#include "pods/status.h"

namespace kpod::pods {

class Supervisor {
 public:
  Supervisor(store::Paths paths, std::string ns, std::string name, SpareNamespaces spare);
  // Until the pod has ended. `handshake` is told of readiness or of the failure; returns the exit
  // code.
  int Run(Fd handshake);

 private:
  // supervisor.cc: its start, its end, what it hears.
  Status Begin(std::vector<std::string>* warnings);
  Status MarkStarting();
  void GiveUp();
  Status WatchSignals();
  void Reload();
  void Resize(const Plan& before);  // supervisor_resources.cc
  void ArmRetry();
  void StartRetrying();
  void EndRetry();
  void End();
  void Save();
  void TellEndpoints();
  void Tell(const std::string& type, const std::string& reason, const std::string& container,
            const std::string& message);

  // supervisor_order.cc: which container when.
  void MakeContainers();
  Status Advance(bool news, std::vector<std::string>* warnings);
  Status StartIfReady(ContainerLife& life, bool news, std::vector<std::string>* warnings);
  Status AdvanceInit(bool news, std::vector<std::string>* warnings, bool* through);
  void OnChanged();
  void OnEnded(ContainerLife& life);
  void RestartAll(ContainerLife& because);
  void StartAnew();
  void Stop(std::optional<int64_t> grace_seconds);
  void Finish(int64_t grace_nanos);
  void GiveTurns();
  void CheckEnd();
  void OnDeadline();
  void Fail(const char* reason, const std::string& message, int64_t grace_nanos);

  // supervisor_resources.cc: what the pod may take.
  void ArmStorageCheck();
  void CheckStorage();

  // supervisor_serve.cc: control socket and DNS.
  Status ServeControl();
  Status ServeDns();
  void ArmDns();
  void OnControl(int client);
  void Answer(int client, const Json& answer);
  void OnAttach(int client, const Json& request, std::vector<Fd> pipes);
  Fd TakeConnection(int client);

  // supervisor_debug.cc: containers beside those of the plan.
  struct Debug {
    Debug(ContainerPlan p, const store::Paths& paths, Loop* loop, const Sandbox* sandbox)
        : plan(std::move(p)), run(paths, loop, sandbox) {}
    ContainerPlan plan;
    ContainerRun run;
  };
  void OnDebug(int client, const Json& request, std::vector<Fd> pipes);
  Result<Debug*> StartDebug(const Json& request);
  bool EndDebugs();  // false while some still run

  store::Paths paths_;
  std::string ns_, name_;
  SpareNamespaces spare_;
  Plan plan_;
  PodStatus status_;
  std::optional<std::string>
      status_before_;  // the text of status.json, of a pod that has been there before
  std::optional<Loop> loop_;
  std::optional<FileLock> alive_;
  std::optional<Sandbox> sandbox_;
  std::optional<EndpointsNotifier> endpoints_;
  std::string told_endpoints_;  // what they were last told of
  std::optional<PayloadKeeper> payloads_;
  std::set<std::string> image_volumes_;  // those that are mounted
  std::optional<ContainerLife::Owner> owner_;
  std::vector<std::unique_ptr<ContainerLife>> init_, main_;
  std::vector<ContainerLife*> all_;  // init first, in the order of the plan
  std::vector<std::unique_ptr<Debug>> debugs_;
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
  Child storage_check_;
  Fd storage_answer_;
  bool beginning_ = true;  // errors go to the command, not into the status
  bool ending_ = false;    // nothing starts any more
  bool failed_ = false;    // by kpod's decision: see Fail
  bool over_ = false;      // and nothing runs
  bool restarting_all_ = false;
  int64_t restart_all_at_ = 0;  // monotonic nanoseconds
  Loop::TimerId restart_all_timer_ = 0;
};

}  // namespace kpod::pods
