#include "pods/attempt.h"

#include "base/text.h"
#include "pods/attempt_parts.h"

namespace kpod::pods {

namespace {

class Sleep : public AttemptBase {
 public:
  Sleep(const AttemptContext& context, int64_t seconds, int64_t timeout_nanos, AttemptDone done)
      : AttemptBase(context, timeout_nanos, std::move(done)), seconds_(seconds) {}
  ~Sleep() override { loop()->Cancel(timer_); }

 private:
  void Begin() override {
    timer_ = loop()->After(seconds_ * 1'000'000'000, [this] { Finish({true, ""}); });
  }
  AttemptResult TimedOut() override { return {false, "context deadline exceeded"}; }

  int64_t seconds_;
  Loop::TimerId timer_ = 0;
};

// A handler that nothing is set in: a kind of a later Kubernetes.
class Nothing : public AttemptBase {
 public:
  using AttemptBase::AttemptBase;

 private:
  void Begin() override { Finish(Errored("missing probe handler for the container")); }
  AttemptResult TimedOut() override { return {}; }
};

}  // namespace

AttemptBase::AttemptBase(const AttemptContext& context, int64_t timeout_nanos, AttemptDone done)
    : context_(context), timeout_nanos_(timeout_nanos), done_(std::move(done)) {
  begin_ = loop()->After(0, [this] {
    begin_ = 0;
    Begin();
  });
  if (timeout_nanos <= 0) return;
  deadline_ = loop()->After(timeout_nanos, [this] {
    deadline_ = 0;
    Finish(TimedOut());
  });
}

AttemptBase::~AttemptBase() {
  loop()->Cancel(begin_);
  loop()->Cancel(deadline_);
}

void AttemptBase::Finish(AttemptResult result) {
  loop()->Cancel(begin_);
  loop()->Cancel(deadline_);
  AttemptDone done = std::move(done_);
  done_ = nullptr;
  if (done) done(std::move(result));
}

AttemptResult Errored(std::string message) {
  AttemptResult result;
  result.message = std::move(message);
  result.errored = true;
  return result;
}

Result<int> PortNumber(const kube::PortRef& port) {
  if (!port.name.empty()) return Error(StrCat("port ", Quote(port.name), " not found"));
  if (port.number < 1 || port.number > 65535)
    return Error(StrCat("invalid port number: ", port.number));
  return port.number;
}

std::string TargetHost(const AttemptContext& context, const std::string& host) {
  if (!host.empty()) return host;
  return context.pod_ip.empty() ? "127.0.0.1" : context.pod_ip;
}

int TargetNamespace(const AttemptContext& context, const std::string& host) {
  return host.empty() ? -1 : context.host_netns_fd;
}

std::string UserAgent(std::string_view purpose) { return StrCat("kube-", purpose, "/1.36"); }

std::unique_ptr<Attempt> StartAttempt(const AttemptContext& context, const kube::Handler& handler,
                                      int64_t timeout_nanos, AttemptDone done) {
  if (handler.exec) return StartExec(context, *handler.exec, timeout_nanos, std::move(done));
  if (handler.http_get)
    return StartHttp(context, *handler.http_get, timeout_nanos, std::move(done));
  if (handler.tcp_socket)
    return StartTcp(context, *handler.tcp_socket, timeout_nanos, std::move(done));
  if (handler.grpc) return StartGrpc(context, *handler.grpc, timeout_nanos, std::move(done));
  if (handler.sleep_seconds)
    return std::make_unique<Sleep>(context, *handler.sleep_seconds, timeout_nanos, std::move(done));
  return std::make_unique<Nothing>(context, timeout_nanos, std::move(done));
}

}  // namespace kpod::pods
