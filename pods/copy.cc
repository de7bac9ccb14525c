#include "pods/copy.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <functional>

#include "base/files.h"
#include "base/spawn.h"
#include "base/text.h"
#include "pods/find_container.h"
#include "pods/tree_unpack.h"
#include "runtime/among_files.h"

namespace kpod::pods {

std::string CopyName(const std::string& path) {
  std::string plain = path;
  while (plain.size() > 1 && plain.ends_with('/')) plain.pop_back();
  std::string name = Basename(plain);
  return name.empty() || name == "/" || name == ".." ? "." : name;
}

namespace {

// How a child ends, beside the text that it gives.
constexpr int kDone = 0, kFailed = 1, kReaderGone = 2;
constexpr size_t kMaxText = 1 << 20;

// --- interrupts: an end that waits for the other one wakes up, and cleans up behind itself.

volatile sig_atomic_t stream_fd = -1, dead_fd = -1;

void CutStream(int) {
  int code = errno;
  ::dup2(dead_fd, stream_fd);
  errno = code;
}

std::array<volatile pid_t, 2> ends = {-1, -1};
volatile sig_atomic_t interrupted = 0;

void EndBoth(int signal) {
  interrupted = signal;
  for (pid_t pid : ends) {
    if (pid > 0) ::kill(pid, SIGTERM);  // not reaped while this handler stands
  }
}

void ForgetEnds() {
  for (volatile pid_t& pid : ends) pid = -1;
}

void Handle(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;  // without SA_RESTART
  for (int s : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(s, &action, nullptr);
}

class Interrupts {
 public:
  Interrupts() { Handle(EndBoth); }
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;
  ~Interrupts() {
    Handle(SIG_DFL);
    ForgetEnds();
  }
};

// --- the two ends

using Work = std::function<Result<CopyNotes>()>;

struct End {
  Child child;
  Fd result;
  std::string name;  // "pod web", or "" for this machine
};

// In the child.
int Serve(Status ready, int stream, int dead, int result, const Work& work) {
  stream_fd = stream;
  dead_fd = dead;
  Handle(CutStream);
  ::signal(SIGPIPE, SIG_IGN);
  Result<CopyNotes> done = ready ? work() : Result<CopyNotes>(std::move(ready.error()));
  std::string text = done ? Join(*done, "\n") : done.error().message();
  (void)WriteAll(result, text);
  if (done) return kDone;
  return done.error().code() == EPIPE ? kReaderGone : kFailed;
}

// `source`: the child writes to `stream`, else it reads.
Result<End> StartEnd(const store::Paths& paths, const CopyEnd& end, int stream, bool source,
                     const Work& work) {
  Pipe result = TRY(MakePipe());
  Pipe dead = TRY(MakePipe());
  int dead_end = source ? dead.write.get() : dead.read.get();
  (source ? dead.read : dead.write).Reset();
  End out;
  auto body = [&](Status entered) {
    return Serve(std::move(entered), stream, dead_end, result.write.get(), work);
  };
  std::vector<int> keep = {stream, dead_end, result.write.get()};
  if (end.pod) {
    RunningContainer c = TRY(FindRunning(paths, *end.pod, end.container));
    out.name = "pod " + end.pod->plan.name;
    runtime::AmongFilesOptions options{c.pid, &c.cgroup, keep};
    out.child = TRY(runtime::StartAmongFiles(options, [&](Status entered) {
                      ::umask(022);
                      bool relative = !end.path.starts_with('/');
                      if (entered && relative && ::chdir(c.plan->cwd.c_str()) < 0)
                        entered = Error::Errno(c.plan->cwd);
                      return body(std::move(entered));
                    }).Context(out.name));
  } else {
    out.child = TRY(Fork([&] {
      // The streams stay: a path may mean them (/dev/stdout).
      keep.insert(keep.end(), {0, 1, 2});
      CloseAllBut(keep);
      ::prctl(PR_SET_PDEATHSIG, SIGTERM);
      return body(OkStatus());
    }));
  }
  out.result = std::move(result.read);
  return out;
}

struct Outcome {
  int code = kDone;
  std::string text;
};

Result<Outcome> OutcomeOf(const End& end, std::string text) {
  ExitState exit = TRY(WaitFor(end.child));
  Outcome out{exit.code, std::move(text)};
  if (exit.signal != 0) {
    out.code = kFailed;
    // In the container's group its memory limit holds.
    out.text = StrCat("the copy was ended by signal ", exit.signal);
  }
  if (out.code != kDone && !end.name.empty()) out.text = StrCat(end.name, ": ", out.text);
  return out;
}

Work Pack(const CopyRequest& r, int stream) {
  PackOptions o;
  o.path = r.from.path;
  o.own_links = !r.from.pod;
  // For another program the names say what it is; between the two ends the path does.
  o.name = r.to.path == "-" && !r.to.pod ? CopyName(o.path) : ".";
  return [o, stream] { return PackTree(stream, o); };
}

Work Unpack(const store::Paths& paths, const CopyRequest& r, int stream) {
  UnpackOptions o;
  o.path = r.to.path;
  o.overwrite = r.overwrite;
  o.own_machine = !r.to.pod;
  o.name = CopyName(r.from.path);
  bool archive = r.from.path == "-" && !r.from.pod;
  o.what = archive         ? UnpackOptions::What::kArchive
           : o.name == "." ? UnpackOptions::What::kContents
                           : UnpackOptions::What::kTree;
  if (r.to.pod) {
    o.owner = r.archive ? UnpackOptions::Owner::kGiven : UnpackOptions::Owner::kStream;
    if (Result<RunningContainer> c = FindRunning(paths, *r.to.pod, r.to.container)) {
      o.uid = c->plan->uid;
      o.gid = c->plan->gid;
    }
  }
  return [o, stream] { return UnpackTree(stream, o); };
}

// The reader's own trouble is why the writer found nobody; a writer's is why the reader found no
// end.
Status Verdict(const Outcome& from, const Outcome& to) {
  if (from.code == kFailed) return Error(from.text);
  if (to.code != kDone) return Error(to.text);
  return from.code == kDone ? OkStatus() : Status(Error(from.text));
}

}  // namespace

Result<CopyNotes> Copy(const store::Paths& paths, const CopyRequest& r) {
  bool from_stdin = r.from.path == "-" && !r.from.pod;
  bool to_stdout = r.to.path == "-" && !r.to.pod;
  Pipe pipe = TRY(MakePipe());
  constexpr int kPipeBytes = 1 << 20;
  (void)::fcntl(pipe.write.get(), F_SETPIPE_SZ, kPipeBytes);  // more at a time, where allowed
  int in = from_stdin ? 0 : pipe.read.get();
  int out = to_stdout ? 1 : pipe.write.get();
  Interrupts interrupts;
  Outcome from, to;
  std::optional<End> from_end, to_end;
  if (!from_stdin) {
    from_end = TRY(StartEnd(paths, r.from, out, true, Pack(r, out)));
    ends[0] = from_end->child.pid;
  }
  Undo kill([&] {
    ::kill(ends[0], SIGKILL);
    (void)WaitFor(from_end->child);
  });
  if (!from_end) kill.Dismiss();
  if (!to_stdout) {
    to_end = TRY(StartEnd(paths, r.to, in, false, Unpack(paths, r, in)));
    ends[1] = to_end->child.pid;
  }
  kill.Dismiss();
  pipe = Pipe{};
  std::string to_text = to_end ? TRY(ReadAll(to_end->result.get(), kMaxText)) : "";
  std::string from_text = from_end ? TRY(ReadAll(from_end->result.get(), kMaxText)) : "";
  ForgetEnds();  // as soon as they are reaped, their numbers are free
  if (to_end) to = TRY(OutcomeOf(*to_end, std::move(to_text)));
  if (from_end) from = TRY(OutcomeOf(*from_end, std::move(from_text)));
  if (interrupted != 0) return Error("interrupted", 128 + interrupted);
  TRY(Verdict(from, to));
  CopyNotes notes = Split(from.text, '\n');
  for (std::string& note : Split(to.text, '\n')) notes.push_back(std::move(note));
  return notes;
}

}  // namespace kpod::pods
