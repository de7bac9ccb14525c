#include "pods/events.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "base/text.h"

namespace kpod::pods {

namespace {

constexpr off_t kMaxBytes = 4 << 20;
constexpr size_t kMaxMessage = 4096;  // a line stays one write(2)

std::string OldLog(const store::Paths& paths) { return EventLog(paths) + ".1"; }

std::string ToLine(const Event& e) {
  Json j = Json::object();
  j["time"] = FormatTimeNano(e.time_nanos);
  j["type"] = e.type;
  j["reason"] = e.reason;
  j["namespace"] = e.ns;
  j["kind"] = e.kind;
  j["name"] = e.name;
  if (!e.container.empty()) j["container"] = e.container;
  j["message"] = e.message.substr(0, kMaxMessage);
  return Dump(j) + "\n";
}

// Two writers may both see a full log; only the one that gets the lock and still sees it full
// renames it.
void Rotate(const store::Paths& paths) {
  Result<FileLock> lock = FileLock::TryAcquire(paths.Events() + "/lock");
  if (!lock) return;
  struct stat st;
  std::string path = EventLog(paths);
  if (::stat(path.c_str(), &st) == 0 && st.st_size >= kMaxBytes) {
    ::rename(path.c_str(), OldLog(paths).c_str());
  }
}

// Appends the events of one file. A line that is no event (a crash in mid-write) is passed over.
Status ReadLog(const std::string& path, std::vector<Event>* out) {
  Result<std::string> text = ReadFile(path);
  if (!text) return text.error().code() == ENOENT ? OkStatus() : Status(std::move(text.error()));
  for (const std::string& line : Split(*text, '\n')) {
    if (line.empty()) continue;
    if (std::optional<Event> e = ParseEvent(line)) out->push_back(std::move(*e));
  }
  return OkStatus();
}

}  // namespace

std::string EventLog(const store::Paths& paths) { return paths.Events() + "/events.jsonl"; }

std::optional<Event> ParseEvent(std::string_view line) {
  Result<Json> j = ParseJson(line, "event");
  if (!j || !j->is_object()) return std::nullopt;
  Event e;
  e.time_nanos = ParseTime(StringAt(*j, "time")).value_or(0);
  e.type = StringAt(*j, "type", "Normal");
  e.reason = StringAt(*j, "reason");
  e.ns = StringAt(*j, "namespace");
  e.kind = StringAt(*j, "kind");
  e.name = StringAt(*j, "name");
  e.container = StringAt(*j, "container");
  e.message = StringAt(*j, "message");
  return e;
}

void Emit(const store::Paths& paths, Event event) {
  if (event.time_nanos == 0) event.time_nanos = NowNanos();
  Result<Fd> fd = Open(EventLog(paths), O_WRONLY | O_APPEND | O_CREAT, 0600);
  if (!fd) {
    if (fd.error().code() != ENOENT || !MakeDirs(paths.Events())) return;
    fd = Open(EventLog(paths), O_WRONLY | O_APPEND | O_CREAT, 0600);
    if (!fd) return;
  }
  std::string line = ToLine(event);
  if (!WriteAll(fd->get(), line)) return;
  struct stat st;
  if (::fstat(fd->get(), &st) == 0 && st.st_size >= kMaxBytes) Rotate(paths);
}

Result<std::vector<Event>> ReadEvents(const store::Paths& paths) {
  std::vector<Event> out;
  TRY(ReadLog(OldLog(paths), &out));
  TRY(ReadLog(EventLog(paths), &out));
  return out;
}

}  // namespace kpod::pods
