// tcpSocket: a connection comes about. Source: k8s.io/kubernetes/pkg/probe/tcp.
#include "base/text.h"
#include "pods/attempt_parts.h"
#include "pods/dialer.h"

namespace kpod::pods {

namespace {

class Tcp : public AttemptBase {
 public:
  Tcp(const AttemptContext& context, const kube::TcpSocketAction& action, int64_t timeout_nanos,
      AttemptDone done)
      : AttemptBase(context, timeout_nanos, std::move(done)), action_(action) {}

 private:
  void Begin() override {
    Result<int> port = PortNumber(action_.port);
    if (!port) return Finish(Errored(port.error().message()));
    dialer_.emplace(loop(), TargetHost(context(), action_.host), *port,
                    TargetNamespace(context(), action_.host));
    dialer_->Start([this](Result<Fd> socket) {
      Finish({socket.ok(), socket ? "" : socket.error().message()});
    });
  }

  AttemptResult TimedOut() override { return {false, dialer_->Describe() + ": i/o timeout"}; }

  kube::TcpSocketAction action_;
  std::optional<Dialer> dialer_;
};

}  // namespace

std::unique_ptr<Attempt> StartTcp(const AttemptContext& context,
                                  const kube::TcpSocketAction& action, int64_t timeout_nanos,
                                  AttemptDone done) {
  return std::make_unique<Tcp>(context, action, timeout_nanos, std::move(done));
}

}  // namespace kpod::pods
