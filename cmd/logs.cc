// logs: of one container, or of many pods with coloured names.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"
#include "cmd/command.h"
#include "cmd/log_reader.h"
#include "cmd/select.h"
#include "pods/status.h"

namespace kpod::cmd {

namespace {

void LogsOptions(po::options_description_easy_init& add) {
  add("container,c", po::value<std::string>()->value_name("NAME"),
      "container (default: the only one)");
  add("all-containers", po::bool_switch(), "all containers of the pod");
  add("follow,f", po::bool_switch(), "go on as long as the pod runs");
  add("tail", po::value<int64_t>()->default_value(-1)->value_name("N"), "only the last N lines");
  add("since", po::value<std::string>()->default_value("")->value_name("DURATION|TIME"),
      "only what is newer than 10m, or than a time (RFC 3339)");
  add("timestamps,t", po::bool_switch(), "with the time of each line");
  add("previous,p", po::bool_switch(), "of the run before the last restart");
  add("selector,l", po::value<std::string>()->value_name("LABELS"),
      "of all pods whose labels match");
  add("all,a", po::bool_switch(), "of all pods");
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
    open_ = line.full ? std::pair<const Stream*, bool>(nullptr, false) : from;
    std::fwrite(text.data(), 1, text.size(), line.is_stderr ? stderr : stdout);
  }

 private:
  bool timestamps_;
  std::pair<const Stream*, bool> open_ = {nullptr, false};
};

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
  bool many = pods.size() > 1 || in.Flag("all-containers") || !in.Text("selector").empty();
  bool colours = ::isatty(1) == 1 && std::getenv("NO_COLOR") == nullptr;
  std::vector<Stream> out;
  for (const pods::PodRecord& p : pods) {
    std::vector<std::string> names;
    for (const pods::ContainerStatus* status : p.Containers()) {
      const pods::ContainerStatus& c = *status;
      // Init containers are asked for by name, or with --all-containers.
      bool asked = c.name == container || in.Flag("all-containers");
      if (c.init && !asked) continue;
      names.push_back(c.name);
      if (!container.empty() && c.name != container) continue;
      Stream s{p, c, "", pods::LogPath(p, c, in.Flag("previous"))};
      if (many) {
        std::string label = StrCat("[", p.plan.name, "/", c.name, "] ");
        s.prefix = colours ? StrCat("\033[3", 1 + out.size() % 6, "m", label, "\033[0m") : label;
      }
      out.push_back(std::move(s));
    }
    if (!container.empty() && std::find(names.begin(), names.end(), container) == names.end()) {
      return Error(StrCat("container ", container, " is not valid for pod ", p.plan.name));
    }
    if (container.empty() && names.size() > 1 && !many) {
      return Error(StrCat("pod ", p.plan.name, " has several containers: name one of ",
                          Join(names, ", "), ", or use --all-containers"));
    }
  }
  return out;
}

Result<int64_t> Since(const std::string& text) {
  if (text.empty()) return int64_t{0};
  if (auto d = ParseDuration(text)) return NowNanos() - *d;
  if (auto t = ParseTime(text)) return *t;
  return Error(StrCat("--since ", Quote(text),
                      ": wanted a duration such as 10m, or a time such as 2026-01-02T03:04:05Z"));
}

Status Follow(const Invocation& in, const std::vector<Stream>& streams,
              const std::vector<uint64_t>& offsets, Printer* printer) {
  std::vector<LogFollower> followers;
  std::vector<std::string> paths;
  for (size_t i = 0; i < streams.size(); ++i) {
    followers.emplace_back(streams[i].path, offsets[i]);
    paths.push_back(streams[i].path);
  }
  for (;;) {
    bool living = false;
    for (const Stream& s : streams)
      living = living || !FileLock::IsFree(in.paths.Alive(s.pod.plan.ns, s.pod.plan.name));
    for (size_t i = 0; i < streams.size(); ++i) {
      for (const LogLine& line : followers[i].Poll()) printer->Print(streams[i], line);
      // A restarted container writes another file.
      Result<pods::PodRecord> now =
          pods::FindPod(in.paths, streams[i].pod.plan.ns, streams[i].pod.plan.name);
      if (!now) continue;
      for (const pods::ContainerStatus* status : now->Containers()) {
        const pods::ContainerStatus& c = *status;
        if (c.name != streams[i].container.name) continue;
        std::string path = pods::LogPath(*now, c, false);
        if (path == paths[i] || !Exists(path)) continue;
        for (const LogLine& line : followers[i].Poll()) printer->Print(streams[i], line);
        followers[i] = LogFollower(path, 0);
        paths[i] = path;
      }
    }
    std::fflush(stdout);
    if (!living) return OkStatus();
    ::usleep(50'000);
  }
}

Result<int> Logs(Invocation& in) {
  std::vector<Stream> streams = TRY(StreamsFor(in));
  int64_t since = TRY(Since(in.Text("since")));
  bool follow = in.Flag("follow") && !in.Flag("previous");
  Printer printer(in.Flag("timestamps"));
  std::vector<uint64_t> offsets;
  std::vector<std::pair<size_t, LogLine>> lines;
  for (size_t i = 0; i < streams.size(); ++i) {
    struct stat st;
    offsets.push_back(::stat(streams[i].path.c_str(), &st) == 0 ? static_cast<uint64_t>(st.st_size)
                                                                : 0);
    if (in.Flag("previous") && !Exists(streams[i].path)) {
      return Error(StrCat("previous terminated container ", Quote(streams[i].container.name),
                          " in pod ", Quote(streams[i].pod.plan.name), " not found"));
    }
    for (LogLine& l : TRY(ReadLog(streams[i].path, in.options["tail"].as<int64_t>(), since)))
      lines.emplace_back(i, std::move(l));
  }
  std::stable_sort(lines.begin(), lines.end(), [](const auto& a, const auto& b) {
    return a.second.time_nanos < b.second.time_nanos;
  });
  for (const auto& [i, line] : lines) printer.Print(streams[i], line);
  if (follow) TRY(Follow(in, streams, offsets, &printer));
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
