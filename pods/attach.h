// The commands that are attached to one run of a container (the supervisor's side of kpod attach).
// What the container writes goes to its log first and then to each of them; one that does not keep
// up is dropped, so that neither the container nor its log ever waits. Their input goes straight
// into the container's pipe or terminal, of which each gets a descriptor.
//
//   kpod ── {"op":"attach","container":...,"stdin":true} + write ends of pipes (stdout, stderr) ──>
//   kpod <── {"ok":true,"tty":true,"stdin":true} + the container's input ──  when it runs
//   kpod ── {"op":"stdin-end"} ──>  its input has ended
//   kpod <── {"ended":true,"exit":3} | {"dropped":true} ──
//   end of file: it is gone
#pragma once

#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/loop.h"
#include "base/result.h"

namespace kpod::pods {

class Attachments {
 public:
  // The input of a run.
  struct Input {
    std::function<int()> fd;  // its end of a pipe, a terminal's master, -1; null: it has none
    bool tty = false;
    std::function<void()> finish;  // stdinOnce: the first who gave input is gone; else null
  };

  explicit Attachments(Loop* loop) : loop_(loop) {}
  Attachments(const Attachments&) = delete;
  Attachments& operator=(const Attachments&) = delete;
  ~Attachments();

  // `pipes`: where its standard output goes, and its standard error (not with a terminal). Before
  // Begin it waits for the run.
  void Add(Fd connection, std::vector<Fd> pipes, bool wants_input);
  void Begin(Input input);
  void Output(bool is_stderr, std::string_view bytes);
  // After the last output.
  void End(int exit_code);
  // The run does not come: they hear of the error.
  void Fail(const std::string& message);

 private:
  struct Sink {
    Fd fd;
    std::string pending;  // what its pipe could not take yet
  };
  struct Client {
    Fd connection;
    Sink sinks[2];
    bool wants_input = false, has_input = false;
  };
  using Handle = std::list<Client>::iterator;

  void Welcome(Client* client);
  void OnMessage(Handle client);
  void InputEnded(Client* client);
  bool Write(Sink* sink, std::string_view bytes);
  bool Flush(Sink* sink);
  void Watch(Sink* sink, std::function<void()> gone);
  void Forget(Handle client);

  Loop* loop_;
  bool running_ = false;
  Input input_;
  std::list<Client> clients_;
  std::list<Sink> flushing_;  // of runs that have ended
};

}  // namespace kpod::pods
