// logs: of one container, or of many pods with coloured names.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <functional>

#include "base/clock.h"
#include "base/files.h"
#include "base/terminal.h"
#include "base/text.h"
#include "cmd/command.h"
#include "cmd/format.h"
#include "cmd/log_reader.h"
#include "cmd/select.h"
#include "pods/status.h"

namespace kpod::cmd {

namespace {

void LogsOptions(po::options_description_easy_init& add) {
  add("container,c", po::value<std::string>()->value_name("NAME"),
      "container (default: the pod's first)");
  add("all-containers", po::bool_switch(), "all containers of the pod");
  add("follow,f", po::bool_switch(), "go on as long as the pod runs");
  add("tail", po::value<int64_t>()->default_value(-1)->value_name("N"), "only the last N lines");
  SinceOption(add);
  add("timestamps,t", po::bool_switch(), "with the time of each line");
  add("previous,p", po::bool_switch(), "of the run before the last restart");
  add("selector,l", po::value<std::string>()->value_name("LABELS"),
      "of all pods whose labels match");
  add("all,a", po::bool_switch(), "of all pods");
  add("all-namespaces,A", po::bool_switch(), "with --selector: of every namespace");
  add("prefix", po::bool_switch(), "each line with its pod and container (of several: always)");
}

struct Stream {
  pods::PodRecord pod;
  pods::ContainerStatus container;
  std::string prefix;
  std::string path;
};

// Lines as the container wrote them; one that is not finished yet stays open on the terminal until
// another stream has something to say.
class Printer {
 public:
  explicit Printer(bool timestamps) : timestamps_(timestamps) {}
  void Print(const Stream& s, const LogLine& line) {
    std::pair<const Stream*, bool> from(&s, line.is_stderr);
    bool goes_on = open_ == from;
    std::string text;
    if (open_.first != nullptr && !goes_on && !s.prefix.empty()) text += "\n";
    if (!goes_on && !s.prefix.empty()) text += s.prefix;
    if (timestamps_ && !goes_on) text += line.time + " ";
    text += line.text;
    if (line.full) text += "\n";
    // In the order of their times, also where both go to one file.
    if (line.is_stderr) std::fflush(stdout);
    open_ = line.full ? std::pair<const Stream*, bool>(nullptr, false) : from;
    std::fwrite(text.data(), 1, text.size(), line.is_stderr ? stderr : stdout);
  }

 private:
  bool timestamps_;
  std::pair<const Stream*, bool> open_ = {nullptr, false};
};

std::string Prefix(const Stream& s, size_t number) {
  std::string label = StrCat("[", NameOf(s.pod), "/", s.container.name, "] ");
  return HasColours(1) ? StrCat("\033[3", 1 + number % 6, "m", label, "\033[0m") : label;
}

Result<std::vector<Stream>> StreamsFor(Invocation& in) {
  std::string container = in.Text("container");
  // kpod logs POD CONTAINER, as kubectl.
  if (container.empty() && in.args.size() == 2) {
    Result<pods::PodRecord> second = pods::FindPod(in.paths, in.ns, in.args[1]);
    if (!second) {
      container = in.args[1];
      in.args.pop_back();
    }
  }
  std::vector<pods::PodRecord> pods = TRY(SelectPods(in));
  if (pods.empty()) {
    std::fprintf(stderr,
                 in.Flag("all") ? "No resources found\n" : "No resources found in %s namespace.\n",
                 in.ns.c_str());
  }
  bool every = in.Flag("all-containers");
  if (every && !container.empty()) return Error("either --all-containers or one container");
  // Of many pods all is wanted; of one, the container that one gets to see without a word.
  bool many = pods.size() > 1 || !in.Text("selector").empty() || in.Flag("all");
  std::vector<Stream> out;
  for (const pods::PodRecord& p : pods) {
    std::string wanted;
    if (!every && (!many || !container.empty())) wanted = TRY(ContainerOf(p, container));
    for (const pods::ContainerStatus* c : p.Containers()) {
      bool asked = wanted.empty() ? every || !c->init : c->name == wanted;
      if (asked) out.push_back({p, *c, "", pods::LogPath(p, *c, in.Flag("previous"))});
    }
  }
  for (size_t i = 0; i < out.size(); ++i) {
    if (many || every || in.Flag("prefix")) out[i].prefix = Prefix(out[i], i);
  }
  return out;
}

// Lines of restarts go on in another file: the pod's status says which.
void FollowRestart(const Invocation& in, const Stream& s, FileFollower* follower,
                   const std::function<void()>& print) {
  Result<pods::PodRecord> now = pods::FindPod(in.paths, s.pod.plan.ns, s.pod.plan.name);
  if (!now) return;
  for (const pods::ContainerStatus* c : now->Containers()) {
    if (c->name != s.container.name) continue;
    std::string path = pods::LogPath(*now, *c, false);
    if (path == follower->path() || !Exists(path)) continue;
    print();  // the last words of the run before
    *follower = FileFollower(path);
  }
}

Status Follow(const Invocation& in, const std::vector<Stream>& streams,
              std::vector<FilePosition> from, Printer* printer) {
  std::vector<FileFollower> followers;
  for (size_t i = 0; i < streams.size(); ++i)
    followers.emplace_back(streams[i].path, std::move(from[i]));
  for (;;) {
    bool living = false;
    for (const Stream& s : streams)
      living = living || !FileLock::IsFree(in.paths.Alive(s.pod.plan.ns, s.pod.plan.name));
    for (size_t i = 0; i < streams.size(); ++i) {
      auto print = [&] {
        LogLine line;
        for (const std::string& text : followers[i].Poll()) {
          if (ParseLogLine(text, &line)) printer->Print(streams[i], line);
        }
      };
      print();
      FollowRestart(in, streams[i], &followers[i], print);
    }
    if (std::fflush(stdout) != 0) return Error::Errno("standard output");
    if (!living) return OkStatus();
    ::usleep(50'000);
  }
}

// Why a container has no log, in the kubelet's words.
Status NeverRan(const Stream& s, bool previous) {
  std::string where =
      StrCat("container ", Quote(s.container.name), " in pod ", Quote(s.pod.plan.name));
  if (previous) return Error(StrCat("previous terminated ", where, " not found"));
  if (!s.container.state.waiting) return OkStatus();
  std::string reason = s.container.state.waiting->reason;
  if (reason == "ErrImagePull" || reason == "ImagePullBackOff")
    reason = "trying and failing to pull image";
  return Error(StrCat(where, " is waiting to start: ", reason));
}

Result<int> Logs(Invocation& in) {
  std::vector<Stream> streams = TRY(StreamsFor(in));
  int64_t since = TRY(SinceOf(in));
  bool previous = in.Flag("previous");
  bool follow = in.Flag("follow") && !previous;
  Printer printer(in.Flag("timestamps"));
  std::vector<FilePosition> ends(streams.size());
  std::vector<std::pair<size_t, LogLine>> lines;
  for (size_t i = 0; i < streams.size(); ++i) {
    if (!Exists(streams[i].path) && streams.size() == 1 && !follow)
      TRY(NeverRan(streams[i], previous));
    int64_t tail = in.options["tail"].as<int64_t>();
    for (LogLine& l : TRY(ReadLog(streams[i].path, tail, since, &ends[i])))
      lines.emplace_back(i, std::move(l));
  }
  std::stable_sort(lines.begin(), lines.end(), [](const auto& a, const auto& b) {
    return a.second.time_nanos < b.second.time_nanos;
  });
  for (const auto& [i, line] : lines) printer.Print(streams[i], line);
  if (follow) TRY(Follow(in, streams, std::move(ends), &printer));
  return 0;
}

}  // namespace

void AddLogCommands(std::vector<Command>* out) {
  out->push_back({{"logs"},
                  {"pod logs"},
                  "POD [CONTAINER]",
                  "Print what containers wrote",
                  "Examples:\n  kpod logs -f web\n  kpod logs web -c app --tail 20 --timestamps\n  "
                  "kpod logs -l app=web --all-containers",
                  LogsOptions,
                  Logs});
}

}  // namespace kpod::cmd
