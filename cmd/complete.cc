// Completion: the shells' scripts ask kpod itself ("kpod __complete WORDS..."), so that they know
// every command, option, pod and image there is, and nothing else.
#include <algorithm>
#include <cstdio>
#include <set>

#include "base/text.h"
#include "cmd/command.h"
#include "cmd/help.h"
#include "images/images.h"
#include "pods/status.h"
#include "store/objects.h"

namespace kpod::cmd {

namespace {

// A candidate that tells the scripts to offer files as well.
constexpr const char* kFiles = ":files";

using Words = std::vector<std::string>;

Words Spellings(const Command& c) {
  Words out = c.aliases;
  out.insert(out.begin(), Join(c.words, " "));
  return out;
}

// The words that may follow `typed` in the commands' spellings.
std::set<std::string> NextWords(const Words& typed) {
  std::set<std::string> out;
  for (const Command& c : Commands()) {
    if (*c.summary == '\0') continue;
    for (const std::string& s : Spellings(c)) {
      Words words = Split(s, ' ');
      bool fits =
          words.size() > typed.size() && std::equal(typed.begin(), typed.end(), words.begin());
      if (fits) out.insert(words[typed.size()]);
    }
  }
  return out;
}

void AddPods(const store::Paths& paths, const std::string& ns, std::set<std::string>* out) {
  Result<std::vector<pods::PodRecord>> all = pods::ListPods(paths);
  if (!all) return;
  for (const pods::PodRecord& p : *all) {
    if (p.plan.ns == ns) out->insert(p.plan.name);
  }
}

void AddContainers(const store::Paths& paths, const std::string& ns, const Words& pods_named,
                   std::set<std::string>* out) {
  for (const std::string& name : pods_named) {
    Result<pods::PodRecord> p = pods::FindPod(paths, ns, name);
    if (!p) continue;
    for (const pods::ContainerPlan* c : p->plan.All()) out->insert(c->name);
  }
}

void AddImages(const store::Paths& paths, std::set<std::string>* out) {
  Result<std::vector<images::Image>> all = images::ImageStore(paths).List();
  if (!all) return;
  for (const images::Image& i : *all) out->insert(i.names.begin(), i.names.end());
}

void AddObjects(const store::Paths& paths, const std::string& ns, std::set<std::string>* out) {
  Result<std::vector<store::StoredObject>> all = store::ObjectStore(paths).List(ns);
  if (!all) return;
  for (const store::StoredObject& o : *all) {
    out->insert(StrCat(ToLower(o.kind), "/", o.name));
    if (o.kind == "Pod" || o.kind == "Deployment") out->insert(o.name);
  }
}

void AddNamespaces(const store::Paths& paths, std::set<std::string>* out) {
  out->insert("default");
  Result<std::vector<pods::PodRecord>> all = pods::ListPods(paths);
  if (!all) return;
  for (const pods::PodRecord& p : *all) out->insert(p.plan.ns);
}

class Completer {
 public:
  Completer(const store::Paths& paths, const Command& command, size_t words)
      : paths_(paths), command_(command), options_(OptionsOf(command)), words_(words) {}

  std::set<std::string> Run(const Words& typed) {
    const po::option_description* open = nullptr;  // the option whose value is being typed
    for (size_t i = words_; i + 1 < typed.size(); ++i) {
      const std::string& word = typed[i];
      if (open != nullptr) {
        if (open->long_name() == "namespace") ns_ = word;
        open = nullptr;
      } else if (word == "--") {
        return {kFiles};
      } else if (word.size() > 1 && word[0] == '-') {
        open = TakesNext(word);
      } else {
        arguments_.push_back(word);
      }
    }
    const std::string& last = typed.back();
    if (open != nullptr) return Values(*open);
    if (last.starts_with("-")) return Options(last);
    return Arguments();
  }

 private:
  const po::option_description* Find(const std::string& word) const {
    return word[1] == '-' ? options_.find_nothrow(word.substr(2), false)
                          : options_.find_nothrow(StrCat("-", word.back()), false);
  }
  const po::option_description* TakesNext(const std::string& word) const {
    if (Contains(word, "=")) return nullptr;
    const po::option_description* d = Find(word);
    return d != nullptr && d->semantic()->min_tokens() > 0 ? d : nullptr;
  }

  std::set<std::string> Options(const std::string& last) const {
    std::set<std::string> out;
    size_t eq = last.find('=');
    if (eq != std::string::npos) {
      const po::option_description* d = Find(last.substr(0, eq));
      if (d == nullptr) return out;
      for (const std::string& v : Values(*d)) {
        out.insert(v == kFiles ? v : last.substr(0, eq + 1) + v);
      }
      return out;
    }
    for (const auto& d : options_.options()) out.insert("--" + d->long_name());
    return out;
  }

  std::set<std::string> Values(const po::option_description& d) const {
    std::set<std::string> out;
    if (d.long_name() == "namespace") AddNamespaces(paths_, &out);
    if (d.long_name() == "container") AddContainers(paths_, ns_, arguments_, &out);
    if (d.long_name() == "network") out = {"native", "host", "none"};
    if (d.long_name() == "userns") out = {"auto", "host"};
    if (!out.empty()) return out;
    std::string name = d.semantic()->name();  // as "[=json|yaml(=yaml)] (=...)"
    if (name.starts_with("[=")) name = name.substr(2);
    name.resize(std::min(name.find_first_of(" (]"), name.size()));
    if (name == "FILE" || name == "DIR") return {kFiles};
    if (name == "BOOL") return {"false", "true"};
    if (!Contains(name, "|")) return {};
    for (const std::string& v : Split(name, '|')) {
      if (v == ToLower(v)) out.insert(v);
    }
    return out;
  }

  std::set<std::string> Arguments() const {
    std::set<std::string> out;
    std::string wanted = command_.arguments;
    bool one = arguments_.empty();
    if (command_.words[0] == "completion" && one) return {"bash", "fish", "zsh"};
    if (command_.words[0] == "describe" && one) out.insert("pod");
    if (command_.passes_rest && !one) return {kFiles};
    if (command_.words[0] == "logs" && !one) {
      AddContainers(paths_, ns_, arguments_, &out);
      return out;
    }
    if (Contains(wanted, "POD") || wanted == "pod NAME") AddPods(paths_, ns_, &out);
    if (Contains(wanted, "IMAGE") || wanted == "[NAME...]") AddImages(paths_, &out);
    if (wanted == "NAME..." || wanted == "FILE|NAME...") AddObjects(paths_, ns_, &out);
    if (Contains(wanted, "FILE")) out.insert(kFiles);
    return out;
  }

  const store::Paths& paths_;
  const Command& command_;
  po::options_description options_;
  size_t words_;
  std::string ns_ = "default";
  Words arguments_;
};

Result<int> Complete(Invocation& in) {
  Words typed = in.rest;
  if (typed.empty()) typed.emplace_back();
  Words before(typed.begin(), typed.end() - 1);
  const Command* command = nullptr;
  size_t words = 0;
  for (const Command& c : Commands()) {
    for (const std::string& s : Spellings(c)) {
      Words w = Split(s, ' ');
      bool fits = w.size() <= before.size() && std::equal(w.begin(), w.end(), before.begin());
      if (fits && w.size() > words) {
        command = &c;
        words = w.size();
      }
    }
  }
  std::set<std::string> out;
  if (before.size() < 2) out = NextWords(before);
  if (command != nullptr) {
    std::set<std::string> more = Completer(in.paths, *command, words).Run(typed);
    out.insert(more.begin(), more.end());
  }
  for (const std::string& word : out) {
    if (word == kFiles || word.starts_with(typed.back())) std::printf("%s\n", word.c_str());
  }
  return 0;
}

constexpr const char* kBash = R"(_kpod() {
  local cur=${COMP_WORDS[COMP_CWORD]} word
  COMPREPLY=()
  # "=" and ":" cut words for bash; what kpod prints is cut in the same way.
  local line=${COMP_LINE:0:COMP_POINT} words
  read -ra words <<< "$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  local last=${words[-1]}
  local cut=$(( ${#last} - ${#cur} ))
  [[ $cur == "=" || $cur == ":" ]] && cut=${#last} && cur=
  while IFS= read -r word; do
    if [[ $word == :files ]]; then
      compopt -o filenames 2>/dev/null
      while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$cur")
    else
      COMPREPLY+=("${word:cut}")
    fi
  done < <(kpod __complete -- "${words[@]:1}" 2>/dev/null)
}
complete -F _kpod kpod
)";

constexpr const char* kZsh = R"(#compdef kpod
_kpod() {
  local -a found plain
  found=("${(@f)$(kpod __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  plain=("${(@)found:#:files}")
  plain=("${(@)plain:#}")
  (( ${#plain} )) && compadd -- "${plain[@]}"
  (( ${found[(I):files]} )) && _files
}
compdef _kpod kpod
)";

constexpr const char* kFish = R"(function __kpod_complete
  set -l words (commandline -opc) (commandline -ct)
  for word in (kpod __complete -- $words[2..-1] 2>/dev/null)
    if test "$word" = :files
      __fish_complete_path (commandline -ct)
    else
      echo $word
    end
  end
end
complete -c kpod -f -a '(__kpod_complete)'
)";

Result<int> Completion(Invocation& in) {
  std::string shell = in.args.empty() ? "" : in.args[0];
  const char* text = shell == "bash"   ? kBash
                     : shell == "zsh"  ? kZsh
                     : shell == "fish" ? kFish
                                       : nullptr;
  if (text == nullptr) return Error("for which shell? kpod completion bash|zsh|fish");
  std::fputs(text, stdout);
  return 0;
}

}  // namespace

void AddCompletionCommands(std::vector<Command>* out) {
  out->push_back(
      {{"completion"},
       {},
       "bash|zsh|fish",
       "Print a shell's completion script",
       "Examples:\n  kpod completion bash > /etc/bash_completion.d/kpod\n  kpod completion zsh > "
       "\"${fpath[1]}/_kpod\"\n  kpod completion fish > ~/.config/fish/completions/kpod.fish",
       nullptr,
       Completion});
  out->push_back({{"__complete"}, {}, "-- WORD...", "", "", nullptr, Complete, true});
}

}  // namespace kpod::cmd
