// The standard streams of a container: pipes or a terminal, to its log and to the commands that are
// attached.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "base/text.h"
#include "pods/container_run.h"
#include "runtime/user_namespace.h"

namespace kpod::pods {

Status ContainerRun::OpenStreams(const Plan& plan, const ContainerPlan& c) {
  std::string directory = paths_.Pod(plan.ns, plan.name);
  log_path_ = LogFile(directory, c.name, status.restart_count);
  message_from_log_ = c.termination_message_policy == "FallbackToLogsOnError";
  log_ = TRY(LogWriter::Create({log_path_}));
  // Kept, as the kubelet does: this run and the one before.
  if (status.restart_count >= 2) {
    std::string old = LogFile(directory, c.name, status.restart_count - 2);
    ::unlink(old.c_str());
    for (int i = 1; i < 5; ++i) ::unlink(StrCat(old, ".", i).c_str());
  }
  tty_ = c.tty;
  stdin_open_ = c.stdin_open;
  stdin_once_ = c.stdin_once;
  if (c.tty) return OkStatus();
  Pipe out = TRY(MakePipe());
  Pipe err = TRY(MakePipe());
  out_ = std::move(out.read);
  err_ = std::move(err.read);
  child_out_ = std::move(out.write);
  child_err_ = std::move(err.write);
  if (c.stdin_open) {
    Pipe in = TRY(MakePipe());
    child_in_ = std::move(in.read);
    stdin_ = std::move(in.write);
    // Shared with the commands that are attached, of which none may wait in a write.
    ::fcntl(stdin_.get(), F_SETFL, O_NONBLOCK);
  }
  // So that a program which is not root may open /dev/stdout and /dev/stderr anew, as servers that
  // log by file name do.
  uid_t owner = runtime::HostId(sandbox_->id_map(), c.uid);
  for (const Fd* fd : {&child_in_, &child_out_, &child_err_}) {
    if (*fd && ::fchown(fd->get(), owner, static_cast<gid_t>(-1)) < 0) {
      return Error::Errno("chown standard streams");
    }
  }
  return OkStatus();
}

void ContainerRun::Watch(Fd* fd, LogWriter::Stream stream) {
  ::fcntl(fd->get(), F_SETFL, ::fcntl(fd->get(), F_GETFL) | O_NONBLOCK);
  (void)loop_->OnReadable(fd->get(), [this, fd, stream] {
    if (Drain(fd->get(), stream)) return;
    loop_->Forget(fd->get());
    fd->Reset();
  });
}

// The log first. False when there is no more.
bool ContainerRun::Drain(int fd, LogWriter::Stream stream) {
  std::string_view bytes;
  Result<bool> more = log_->Drain(fd, stream, &bytes);
  if (attached_ && !bytes.empty()) attached_->Output(stream == LogWriter::Stream::kStderr, bytes);
  return more && *more;
}

void ContainerRun::Attach(Fd connection, std::vector<Fd> pipes, bool wants_input) {
  if (!attached_) {
    attached_ = std::make_unique<Attachments>(loop_);
    if (started_) BeginAttached();
  }
  attached_->Add(std::move(connection), std::move(pipes), wants_input);
}

void ContainerRun::BeginAttached() {
  Attachments::Input input;
  input.tty = tty_;
  // Asked when it is handed out: a program may have closed its terminal, and goes on.
  if (stdin_open_) input.fd = [this] { return tty_ ? out_.get() : stdin_.get(); };
  if (stdin_once_ && tty_) {
    input.finish = [this] {
      constexpr char kEndOfText = 4;  // a terminal has no other end
      if (out_ && ::write(out_.get(), &kEndOfText, 1) < 0) return;
    };
  } else if (stdin_once_) {
    input.finish = [this] { stdin_.Reset(); };
  }
  attached_->Begin(std::move(input));
}

void ContainerRun::CloseStreams() {
  struct Entry {
    Fd* fd;
    LogWriter::Stream stream;
  };
  for (Entry e :
       {Entry{&out_, LogWriter::Stream::kStdout}, Entry{&err_, LogWriter::Stream::kStderr}}) {
    if (!*e.fd) continue;
    // What is still in the pipe; bounded, since a process outside (hostPID) may hold the other end
    // and go on writing.
    if (log_ && started_) {
      for (int i = 0; i < 64; ++i) {
        if (!Drain(e.fd->get(), e.stream)) break;
      }
    }
    loop_->Forget(e.fd->get());
    e.fd->Reset();
  }
  if (log_) (void)log_->Flush();
  log_.reset();
  child_out_.Reset();
  child_err_.Reset();
  child_in_.Reset();
  stdin_.Reset();
}

}  // namespace kpod::pods
