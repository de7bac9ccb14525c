// info, version, completion.
#include <sys/utsname.h>

#include <cstdio>

#include "base/text.h"
#include "cmd/command.h"
#include "cmd/format.h"
#include "images/images.h"
#include "network/network.h"
#include "pods/status.h"
#include "runtime/cgroup.h"

namespace kpod::cmd {

namespace {

Result<int> Version(Invocation& in) {
  Json version = {{"Version", KPOD_VERSION}, {"Kubernetes", "v1.36"}};
  std::string text = "kpod " KPOD_VERSION " (Kubernetes v1.36)\n";
  std::fputs(TRY(FormatObject(in.Text("format"), text, version)).c_str(), stdout);
  return 0;
}

Result<int> Info(Invocation& in) {
  utsname u{};
  ::uname(&u);
  int running = 0;
  std::vector<pods::PodRecord> all = TRY(pods::ListPods(in.paths));
  for (const pods::PodRecord& p : all) running += p.alive ? 1 : 0;
  images::ImageStore images(in.paths);
  Json info = {{"version", KPOD_VERSION},
               {"kernel", u.release},
               {"cgroups", runtime::CgroupVersion()},
               {"root", in.paths.root},
               {"run", in.paths.run},
               {"pods", all.size()},
               {"podsRunning", running},
               {"images", TRY(images.List()).size()}};
  Result<Json> network = network::Inspect(in.paths);
  info["network"] = network ? *network : Json(network.error().message());
  std::string text = Dump(info, 2) + "\n";
  std::fputs(TRY(FormatObject(in.Text("format"), text, info)).c_str(), stdout);
  return 0;
}

std::vector<std::string> FirstWords() {
  std::vector<std::string> words;
  auto add = [&](const std::string& w) {
    for (const std::string& k : words) {
      if (k == w) return;
    }
    words.push_back(w);
  };
  for (const Command& c : Commands()) {
    add(c.words[0]);
    for (const std::string& a : c.aliases) add(Split(a, ' ')[0]);
  }
  return words;
}

std::string SecondWords(const std::string& first) {
  std::vector<std::string> words;
  for (const Command& c : Commands()) {
    if (c.words.size() == 2 && c.words[0] == first) words.push_back(c.words[1]);
    for (const std::string& a : c.aliases) {
      std::vector<std::string> parts = Split(a, ' ');
      if (parts.size() == 2 && parts[0] == first) words.push_back(parts[1]);
    }
  }
  return Join(words, " ");
}

std::string BashCompletion() {
  std::string out =
      "_kpod() {\n  local cur=${COMP_WORDS[COMP_CWORD]}\n  if [ \"$COMP_CWORD\" -eq 1 ]; then\n    "
      "COMPREPLY=($(compgen -W \"" +
      Join(FirstWords(), " ") + "\" -- \"$cur\"))\n    return\n  fi\n  case ${COMP_WORDS[1]} in\n";
  for (const std::string& first : FirstWords()) {
    std::string second = SecondWords(first);
    if (!second.empty())
      out += "    " + first + ") [ \"$COMP_CWORD\" -eq 2 ] && { COMPREPLY=($(compgen -W \"" +
             second + "\" -- \"$cur\")); return; } ;;\n";
  }
  return out +
         "  esac\n  COMPREPLY=($(compgen -W \"$(kpod pod ps -q 2>/dev/null)\" -- \"$cur\") "
         "$(compgen -f -- \"$cur\"))\n}\ncomplete -F _kpod kpod\n";
}

std::string ZshCompletion() {
  std::string out = "#compdef kpod\n_kpod() {\n  if (( CURRENT == 2 )); then\n    compadd -- " +
                    Join(FirstWords(), " ") + "\n    return\n  fi\n  case ${words[2]} in\n";
  for (const std::string& first : FirstWords()) {
    std::string second = SecondWords(first);
    if (!second.empty())
      out += "    " + first + ") (( CURRENT == 3 )) && { compadd -- " + second + "; return } ;;\n";
  }
  return out +
         "  esac\n  compadd -- ${(f)\"$(kpod pod ps -q 2>/dev/null)\"}\n  _files\n}\ncompdef _kpod "
         "kpod\n";
}

std::string FishCompletion() {
  std::string out;
  for (const std::string& first : FirstWords()) {
    out += "complete -c kpod -n __fish_use_subcommand -a " + first + "\n";
    for (const std::string& second : Split(SecondWords(first), ' ')) {
      out += "complete -c kpod -n '__fish_seen_subcommand_from " + first + "' -a " + second + "\n";
    }
  }
  return out +
         "complete -c kpod -n 'not __fish_use_subcommand' -a '(kpod pod ps -q 2>/dev/null)'\n";
}

Result<int> Completion(Invocation& in) {
  std::string shell = in.args.empty() ? "" : in.args[0];
  std::string text = shell == "bash"   ? BashCompletion()
                     : shell == "zsh"  ? ZshCompletion()
                     : shell == "fish" ? FishCompletion()
                                       : "";
  if (text.empty()) return Error("wanted: kpod completion bash|zsh|fish");
  std::fputs(text.c_str(), stdout);
  return 0;
}

}  // namespace

void AddSystemCommands(std::vector<Command>* out) {
  out->push_back({{"info"}, {"system info"}, "", "Show what kpod runs on", "", FormatOption, Info});
  out->push_back({{"version"}, {}, "", "Print the version", "", FormatOption, Version});
  out->push_back(
      {{"completion"},
       {},
       "bash|zsh|fish",
       "Print a shell's completion script",
       "Examples:\n  kpod completion bash > /etc/bash_completion.d/kpod\n  kpod completion zsh > "
       "\"${fpath[1]}/_kpod\"\n  kpod completion fish > ~/.config/fish/completions/kpod.fish",
       nullptr,
       Completion});
}

}  // namespace kpod::cmd
