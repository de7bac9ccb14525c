// top, stats: the processes of pods, and what they use.
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/clock.h"
#include "base/files.h"
#include "base/terminal.h"
#include "base/text.h"
#include "cmd/command.h"
#include "cmd/format.h"
#include "cmd/select.h"
#include "cmd/table.h"
#include "runtime/cgroup.h"

namespace kpod::cmd {

namespace {

void TopOptions(po::options_description_easy_init& add) {
  FormatOption(add);
  add("all,a", po::bool_switch(), "every pod");
  add("selector,l", po::value<std::string>()->value_name("LABELS"), "pods whose labels match");
  add("all-namespaces,A", po::bool_switch(), "with --selector: of every namespace");
}

// Of proc(5): /proc/PID/stat and the owner of /proc/PID.
struct Process {
  std::string uid, parent, elapsed, cpu_time, command;
};

std::optional<Process> Look(pid_t pid) {
  std::string dir = StrCat("/proc/", pid);
  std::string stat = ReadFile(dir + "/stat", 1 << 16).value_or("");
  size_t name_end = stat.rfind(')');
  size_t name_begin = stat.find('(');
  if (name_end == std::string::npos || name_begin > name_end) return std::nullopt;  // it has ended
  // From the state on, which is the third field.
  std::vector<std::string> fields = Split(Trim(stat.substr(name_end + 1)), ' ');
  if (fields.size() < 20) return std::nullopt;
  auto field = [&](size_t number) { return ParseInt(fields[number - 3]).value_or(0); };
  int64_t ticks = ::sysconf(_SC_CLK_TCK);
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  constexpr int64_t kSecond = 1'000'000'000;
  Process p;
  p.parent = StrCat(field(4));
  p.cpu_time = HumanDuration((field(14) + field(15)) * kSecond / ticks);
  p.elapsed = HumanDuration((now.tv_sec - field(22) / ticks) * kSecond);
  for (const std::string& line : Split(ReadFile(dir + "/status", 1 << 16).value_or(""), '\n')) {
    if (line.starts_with("Uid:\t")) p.uid = Split(line, '\t')[2];  // the effective one
  }
  p.command = ReadFile(dir + "/cmdline", 1 << 20).value_or("");
  std::replace(p.command.begin(), p.command.end(), '\0', ' ');
  p.command = Trim(p.command);
  if (p.command.empty()) p.command = stat.substr(name_begin, name_end - name_begin + 1);
  return p;
}

Result<int> Top(Invocation& in) {
  Table table({"POD", "CONTAINER", "USER", "PID", "PPID", "ELAPSED", "TIME", "COMMAND"});
  table.Shrink(7);
  Json rows = Json::array();
  for (const pods::PodRecord& p : TRY(SelectPods(in))) {
    for (const pods::ContainerStatus* container : p.Containers()) {
      const pods::ContainerStatus& s = *container;
      if (s.pid == 0 || !p.alive) continue;
      auto group = runtime::Cgroup::At(pods::CgroupPath(in.paths, p.plan.Id(), s.name));
      for (pid_t pid : TRY(group.Processes())) {
        std::optional<Process> process = Look(pid);
        if (!process) continue;
        table.Add({NameOf(p), s.name, process->uid, StrCat(pid), process->parent, process->elapsed,
                   process->cpu_time, process->command});
        rows.push_back({{"Namespace", p.plan.ns},
                        {"Pod", p.plan.name},
                        {"Name", s.name},
                        {"User", process->uid},
                        {"Pid", pid},
                        {"PPid", process->parent},
                        {"Elapsed", process->elapsed},
                        {"Time", process->cpu_time},
                        {"Command", process->command}});
      }
    }
  }
  Print(TRY(FormatRows(in.Text("format"), table, rows)));
  return 0;
}

void StatsOptions(po::options_description_easy_init& add) {
  FormatOption(add);
  add("no-stream", po::bool_switch(), "once, instead of again and again on a terminal");
  add("all,a", po::bool_switch(), "accepted: every pod is shown");
  add("all-namespaces,A", po::bool_switch(), "pods of every namespace (the default)");
  add("selector,l", po::value<std::string>()->value_name("LABELS"), "pods whose labels match");
}

struct Row {
  std::string ns, pod, shown, name;
  runtime::Cgroup group;
  runtime::CgroupStats before;
};

Result<std::vector<Row>> RowsFor(const Invocation& in) {
  std::vector<Row> rows;
  for (const pods::PodRecord& p : TRY(PodsToList(in))) {
    for (const pods::ContainerStatus* container : p.Containers()) {
      const pods::ContainerStatus& s = *container;
      if (s.pid == 0 || !p.alive) continue;
      auto group = runtime::Cgroup::At(pods::CgroupPath(in.paths, p.plan.Id(), s.name));
      Row row{p.plan.ns, p.plan.name, NameOf(p), s.name, std::move(group), {}};
      row.before = row.group.Stats().value_or({});
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

uint64_t MachineMemory() {
  struct sysinfo machine {};
  ::sysinfo(&machine);
  return static_cast<uint64_t>(machine.totalram) * machine.mem_unit;
}

std::string Percent(uint64_t part, uint64_t whole) {
  uint64_t hundredths = whole == 0 ? 0 : part * 10'000 / whole;
  std::string rest = StrCat(hundredths % 100);
  return StrCat(hundredths / 100, ".", rest.size() < 2 ? "0" : "", rest, "%");
}

// What they used in a while from now on.
Result<std::string> Measure(const Invocation& in) {
  std::vector<Row> rows = TRY(RowsFor(in));
  int64_t began = MonotonicNanos();
  ::usleep(500'000);
  auto elapsed = static_cast<uint64_t>(MonotonicNanos() - began);
  Table table({"POD", "CONTAINER", "CPU %", "MEM USAGE / LIMIT", "MEM %", "BLOCK IO", "PIDS"});
  Json out = Json::array();
  for (const Row& r : rows) {
    Result<runtime::CgroupStats> now = r.group.Stats();
    if (!now) continue;  // it has ended
    uint64_t limit = now->memory_limit == 0 ? MachineMemory() : now->memory_limit;
    std::string cpu =
        Percent(now->cpu_nanos - std::min(now->cpu_nanos, r.before.cpu_nanos), elapsed);
    std::string memory = Percent(now->memory_bytes, limit);
    table.Add({r.shown, r.name, cpu,
               StrCat(HumanBytes(now->memory_bytes), " / ", HumanBytes(limit)), memory,
               StrCat(HumanBytes(now->io_read_bytes), " / ", HumanBytes(now->io_write_bytes)),
               StrCat(now->pids)});
    out.push_back({{"Namespace", r.ns},
                   {"Pod", r.pod},
                   {"Name", r.name},
                   {"CPU", cpu},
                   {"CPUNanos", now->cpu_nanos},
                   {"MemUsage", now->memory_bytes},
                   {"MemLimit", now->memory_limit},
                   {"MemPerc", memory},
                   {"BlockInput", now->io_read_bytes},
                   {"BlockOutput", now->io_write_bytes},
                   {"PIDs", now->pids}});
  }
  return FormatRows(in.Text("format"), table, out);
}

// So many lines as the screen has: one more would make it scroll.
std::string ScreenOf(const std::string& text) {
  size_t lines = TerminalRows(1);
  std::string out = "\033[H";
  for (const std::string& line : Split(text, '\n')) {
    if (lines > 0 && --lines == 0) break;
    if (!line.empty()) out += line + "\033[K\n";
  }
  return out + "\033[J";
}

Result<int> Stats(Invocation& in) {
  bool stream = !in.Flag("no-stream") && ::isatty(1) == 1 && in.Text("format").empty();
  for (bool first = true;; first = false) {
    std::string text = TRY(Measure(in));
    bool redraw = stream && HasCursor(1);
    if (redraw) std::fputs(((first ? "\033[2J" : "") + ScreenOf(text)).c_str(), stdout);
    if (!redraw) Print(text);
    if (!stream) return 0;
    if (std::fflush(stdout) != 0) return Error::Errno("standard output");
    ::usleep(500'000);
  }
}

}  // namespace

void AddStatsCommands(std::vector<Command>* out) {
  out->push_back({{"top"},
                  {"pod top"},
                  "POD...",
                  "List the processes of pods",
                  "USER is the number of the user that the process acts as; PID is the machine's.",
                  TopOptions,
                  Top});
  out->push_back({{"stats"},
                  {"pod stats"},
                  "[POD...]",
                  "Show what containers use",
                  "On a terminal again and again, until Ctrl-C.",
                  StatsOptions,
                  Stats});
}

}  // namespace kpod::cmd
