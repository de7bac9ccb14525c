// What the kinds of attempts share; see attempt.h.
#pragma once

#include "pods/attempt.h"

namespace kpod::pods {

using AttemptDone = std::function<void(AttemptResult)>;

class AttemptBase : public Attempt {
 public:
  AttemptBase(const AttemptContext& context, int64_t timeout_nanos, AttemptDone done);
  ~AttemptBase() override;
  AttemptBase(const AttemptBase&) = delete;
  AttemptBase& operator=(const AttemptBase&) = delete;

 protected:
  virtual void Begin() = 0;  // the first thing that is called from the loop
  virtual AttemptResult TimedOut() = 0;
  // The last thing that a member function does: it may destroy the attempt.
  void Finish(AttemptResult result);

  Loop* loop() const { return context_.loop; }
  const AttemptContext& context() const { return context_; }
  int64_t timeout_nanos() const { return timeout_nanos_; }

 private:
  AttemptContext context_;
  int64_t timeout_nanos_;
  AttemptDone done_;
  Loop::TimerId begin_ = 0, deadline_ = 0;
};

std::unique_ptr<Attempt> StartExec(const AttemptContext& context,
                                   const std::vector<std::string>& argv, int64_t timeout_nanos,
                                   AttemptDone done);
std::unique_ptr<Attempt> StartHttp(const AttemptContext& context, const kube::HttpGetAction& action,
                                   int64_t timeout_nanos, AttemptDone done);
std::unique_ptr<Attempt> StartTcp(const AttemptContext& context,
                                  const kube::TcpSocketAction& action, int64_t timeout_nanos,
                                  AttemptDone done);
std::unique_ptr<Attempt> StartGrpc(const AttemptContext& context, const kube::GrpcAction& action,
                                   int64_t timeout_nanos, AttemptDone done);

AttemptResult Errored(std::string message);

// The port's number; names of ports that there are have become numbers in the plan.
Result<int> PortNumber(const kube::PortRef& port);
// Where a handler's request goes that names `host`, which may be empty.
std::string TargetHost(const AttemptContext& context, const std::string& host);
// From which network namespace; -1: the caller's.
int TargetNamespace(const AttemptContext& context, const std::string& host);

// Who asks, as servers see it in their logs: "kube-probe/1.36".
std::string UserAgent(std::string_view purpose);

}  // namespace kpod::pods
