// kpod-helper: what is heavy and rare. It answers on standard output with a JSON value a line
// (images/helper_client.h) and says an error in one sentence on standard error.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <clocale>
#include <csignal>
#include <cstdio>
#include <optional>

#include "base/files.h"
#include "base/text.h"
#include "images/helper/commands.h"
#include "images/helper/interrupt.h"

namespace kpod::images {

namespace {

struct Arguments {
  std::string command;
  store::Paths paths;
  ImportRequest import;
  PullRequest pull;
  std::vector<std::string> rest;
};

Result<Arguments> Parse(int argc, char** argv) {
  Arguments a;
  if (argc < 2)
    return Error("kpod-helper is run by kpod; its commands: load import pull fetch unpack");
  a.command = argv[1];
  int i = 2;
  for (; i < argc; ++i) {
    std::string_view word = argv[i];
    if (word == "--") {
      ++i;
      break;
    }
    size_t equals = word.find('=');
    if (!word.starts_with("--") || equals == std::string_view::npos) break;
    std::string_view name = word.substr(2, equals - 2);
    std::string value(word.substr(equals + 1));
    if (name == "root")
      a.paths.root = value;
    else if (name == "run")
      a.paths.run = value;
    else if (name == "name")
      a.import.name = value;
    else if (name == "message")
      a.import.message = value;
    else if (name == "change")
      a.import.changes.push_back(value);
    else if (name == "authfile")
      a.pull.authfile = value;
    else if (name == "tls-verify")
      a.pull.tls_verify = value != "false";
    else
      return Error(StrCat("kpod-helper: unknown option ", word));
  }
  for (; i < argc; ++i) a.rest.emplace_back(argv[i]);
  return a;
}

void Say(const Json& line) { (void)WriteAll(1, Dump(line) + "\n"); }

void SayProgress(const std::string& what, uint64_t done, uint64_t total) {
  Json line;
  line["progress"] = what;
  line["done"] = done;
  line["total"] = total;
  Say(line);
}

void SayTaken(const std::vector<Taken>& taken) {
  Json list = Json::array();
  for (const Taken& t : taken) {
    Json one;
    one["id"] = t.id;
    one["name"] = t.name;
    list.push_back(std::move(one));
  }
  Json line;
  line["result"] = std::move(list);
  Say(line);
}

// For looking at one layer: unpack TAR DIRECTORY.
Status Unpack(const std::string& tar, const std::string& directory) {
  Fd file = tar == "-" ? TRY(Dup(0)) : TRY(Open(tar, O_RDONLY));
  FileStream stream(std::move(file));
  Unpacked u = TRY(UnpackLayer(stream, directory, nullptr));
  Json result, line;
  result["diff_id"] = u.diff_id;
  result["blob"] = u.blob;
  result["size"] = u.size;
  result["entries"] = u.entries;
  line["result"] = std::move(result);
  Say(line);
  return OkStatus();
}

Status Run(int argc, char** argv) {
  Arguments a = TRY(Parse(argc, argv));
  auto want = [&](size_t n) -> Status {
    if (a.rest.size() == n) return OkStatus();
    return Error(
        StrCat("kpod-helper ", a.command, ": wants ", Plural(static_cast<int64_t>(n), "argument")));
  };
  if (a.command == "fetch") {
    TRY(want(1));
    return Fetch(a.rest[0]);
  }
  if (a.command == "unpack") {
    TRY(want(2));
    return Unpack(a.rest[0], a.rest[1]);
  }
  TRY(want(1));
  if (a.paths.root.empty() || a.paths.run.empty()) {
    return Error(StrCat("kpod-helper ", a.command, ": wants --root and --run"));
  }
  CatchInterrupts();  // these have something to clean up
  if (a.command == "load") {
    SayTaken(TRY(Load(a.paths, a.rest[0], SayProgress)));
  } else if (a.command == "import") {
    a.import.tar = a.rest[0];
    SayTaken(TRY(Import(a.paths, a.import, SayProgress)));
  } else if (a.command == "pull") {
    a.pull.source = a.rest[0];
    SayTaken(TRY(Pull(a.paths, a.pull, SayProgress)));
  } else {
    return Error("kpod-helper: unknown command " + a.command);
  }
  return OkStatus();
}

}  // namespace

}  // namespace kpod::images

int main(int argc, char** argv) {
  // Whoever asked is gone: nobody wants the answer.
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  ::signal(SIGPIPE, SIG_IGN);
  ::umask(0);
  // libarchive turns the UTF-8 of PAX headers into the locale's encoding; in "C" that would fail.
  ::setlocale(LC_CTYPE, "C.UTF-8");
  kpod::Status status = kpod::images::Run(argc, argv);
  if (status) return 0;
  (void)kpod::WriteAll(2, status.error().message() + "\n");
  return status.error().exit_code();
}
