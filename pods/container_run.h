// One container of a running pod, over all its restarts: its process, its output, its status. Owned
// by the supervisor, which decides; this class does.
#pragma once

#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/loop.h"
#include "base/result.h"
#include "pods/attach.h"
#include "pods/launch.h"
#include "pods/log_writer.h"
#include "pods/plan.h"
#include "pods/sandbox.h"
#include "pods/status.h"
#include "runtime/cgroup.h"
#include "runtime/container.h"
#include "runtime/loop_device.h"

namespace kpod::pods {

// code() of the error when what the container shall be given is not there yet
// (CreateContainerConfigError).
constexpr int kNotConfigured = ENODATA;

class ContainerRun {
 public:
  ContainerRun(const store::Paths& paths, Loop* loop, const Sandbox* sandbox)
      : paths_(paths), loop_(loop), sandbox_(sandbox) {}
  ContainerRun(const ContainerRun&) = delete;
  ContainerRun& operator=(const ContainerRun&) = delete;

  // Starts a run; returns when the program is exec'ed. `on_exit` is called from the loop once, when
  // it has ended and its output is written.
  Status Start(const Plan& plan, const ContainerPlan& container, std::function<void()> on_exit,
               std::vector<std::string>* warnings);

  // A further process in the running container, its standard output and error at `output_fd`.
  Result<runtime::Started> Exec(const Plan& plan, const ContainerPlan& container,
                                const std::vector<std::string>& argv, int output_fd);

  // A command that wants to see what the container writes (attach.h); before Start it waits for it.
  void Attach(Fd connection, std::vector<Fd> pipes, bool wants_input);

  // Its next run sees the processes of this one, by the host's pid.
  Status JoinProcessesOf(pid_t pid);

  void Signal(int signal);
  void Kill();  // SIGKILL to all of the container's processes
  bool running() const { return started_.has_value(); }
  // Removes what the last run wrote, and the cgroup.
  void Clean();

  ContainerStatus status;

 private:
  Status OpenStreams(const Plan& plan, const ContainerPlan& container);
  void Watch(Fd* fd, LogWriter::Stream stream);
  bool Drain(int fd, LogWriter::Stream stream);
  void BeginAttached();
  void OnExit();
  void CloseStreams();
  Status AttachDevices(const Plan& plan, const ContainerPlan& container, runtime::Spec* spec);
  void RemoveRoot();

  const store::Paths& paths_;
  Loop* loop_;
  const Sandbox* sandbox_;
  std::string pod_id_, termination_log_, log_path_, upper_, work_;
  std::vector<std::string> env_;
  Fd pid_namespace_;  // somebody else's
  std::vector<runtime::LoopDevice> devices_;
  bool message_from_log_ = false;
  std::optional<runtime::Started> started_;
  std::optional<runtime::Cgroup> cgroup_;
  std::optional<LogWriter> log_;
  Fd out_, err_;                         // our ends
  Fd child_out_, child_err_, child_in_;  // the container's, until it has started
  Fd stdin_;  // kept open for `stdin: true`, so that a shell does not end at once
  bool tty_ = false, stdin_open_ = false, stdin_once_ = false;
  std::unique_ptr<Attachments> attached_;
  std::function<void()> on_exit_;
  int runs_ = 0;
};

}  // namespace kpod::pods
