#include "cmd/command.h"

#include <algorithm>
#include <cstdio>

#include "base/terminal.h"
#include "base/text.h"
#include "cmd/help.h"
#include "runtime/container.h"

namespace kpod::cmd {

const std::vector<Command>& Commands() {
  static const std::vector<Command> commands = [] {
    std::vector<Command> out;
    AddPlayCommands(&out);
    AddGenerateCommands(&out);
    AddLifecycleCommands(&out);
    AddAttachCommand(&out);
    AddDebugCommand(&out);
    AddCopyCommand(&out);
    AddPortForwardCommand(&out);
    AddPsCommands(&out);
    AddGetCommand(&out);
    AddWaitCommand(&out);
    AddLookCommands(&out);
    AddStatsCommands(&out);
    AddLogCommands(&out);
    AddImageCommands(&out);
    AddSystemCommands(&out);
    AddCompletionCommands(&out);
    return out;
  }();
  return commands;
}

namespace {

// Words of `spelling` match the front of `args`; how many, or 0.
size_t Matches(const std::vector<std::string>& words, const std::vector<std::string>& args) {
  if (args.size() < words.size()) return 0;
  return std::equal(words.begin(), words.end(), args.begin()) ? words.size() : 0;
}

struct Match {
  const Command* command = nullptr;
  size_t words = 0;
};

Match Find(const std::vector<std::string>& args) {
  Match best;
  for (const Command& c : Commands()) {
    size_t n = Matches(c.words, args);
    for (const std::string& alias : c.aliases) n = std::max(n, Matches(Split(alias, ' '), args));
    if (n > best.words) best = {&c, n};
  }
  return best;
}

// exec [options] POD [options] [--] COMMAND...: what follows the command belongs to the container.
void CutRest(const po::options_description& options, std::vector<std::string>* args,
             std::vector<std::string>* rest) {
  bool pod_seen = false;
  for (size_t i = 0; i < args->size(); ++i) {
    const std::string& word = (*args)[i];
    bool end = word == "--";
    bool option = !end && word.size() > 1 && word[0] == '-';
    if (!option && !end && !pod_seen) {
      pod_seen = true;
      continue;
    }
    if (!option) {
      rest->assign(args->begin() + static_cast<std::ptrdiff_t>(i) + (end ? 1 : 0), args->end());
      args->resize(i);
      return;
    }
    bool is_long = word[1] == '-';
    std::string name = is_long ? word.substr(2) : StrCat("-", word.back());
    if (is_long && Contains(name, "=")) continue;
    const po::option_description* d = options.find_nothrow(name, false);
    if (d != nullptr && d->semantic()->min_tokens() > 0) ++i;
  }
}

Error UnknownOption(const po::options_description& options, const std::string& name) {
  std::vector<std::string> known;
  for (const auto& d : options.options()) known.push_back("--" + d->long_name());
  std::string guess = DidYouMean(name, known);
  return Error(
      StrCat("unknown option ", name, guess.empty() ? "" : StrCat(": did you mean ", guess, "?")));
}

// As pflag (kubectl, podman) reads them, and Boost does not: an option whose value may be left out
// takes one only after "=", and a switch takes =true and =false.
std::vector<std::string> Normalize(const po::options_description& options,
                                   std::vector<std::string> args) {
  std::vector<std::string> out;
  for (size_t i = 0; i < args.size(); ++i) {
    if (args[i] == "--") {
      out.insert(out.end(), args.begin() + static_cast<std::ptrdiff_t>(i), args.end());
      break;
    }
    std::string word = std::move(args[i]);
    size_t eq = word.find('=');
    const po::option_description* d =
        word.starts_with("--") ? options.find_nothrow(word.substr(2, eq - 2), false) : nullptr;
    if (d == nullptr) {
      bool takes = false;
      if (word.size() > 1 && word[0] == '-' && word[1] != '-') {
        const po::option_description* last = options.find_nothrow(StrCat("-", word.back()), false);
        takes = last != nullptr && last->semantic()->min_tokens() > 0;
      }
      out.push_back(std::move(word));
      if (takes && i + 1 < args.size()) out.push_back(std::move(args[++i]));
      continue;
    }
    const po::value_semantic& v = *d->semantic();
    std::string value = eq == std::string::npos ? "" : word.substr(eq + 1);
    if (v.max_tokens() == 0 && (value == "true" || value == "false")) {
      if (value == "true") out.push_back(word.substr(0, eq));
      continue;
    }
    if (v.max_tokens() == 1 && v.min_tokens() == 0 && eq == std::string::npos) {
      // Boost prints such a value's name as "[=NAME(=IMPLICIT)]".
      std::string name = v.name();
      size_t begin = name.find("(=") + 2;
      word += "=" + name.substr(begin, name.find(')', begin) - begin);
    }
    bool takes_next = v.min_tokens() > 0 && eq == std::string::npos;
    out.push_back(std::move(word));
    if (takes_next && i + 1 < args.size()) out.push_back(std::move(args[++i]));
  }
  return out;
}

// "the argument ('x') for option '--tail' is invalid: --tail N: only the last N lines"
std::string WhatItTakes(const po::options_description& options, std::string name) {
  name.erase(0, std::min(name.find_first_not_of('-'), name.size()));
  const po::option_description* d = options.find_nothrow(name, false);
  return d == nullptr ? ""
                      : StrCat(": ", std::string(Trim(SpellingOf(*d))), ": ", d->description());
}

Result<Invocation> Parse(const Command& c, std::vector<std::string> args) {
  Invocation in;
  po::options_description visible = OptionsOf(c);
  if (c.passes_rest) CutRest(visible, &args, &in.rest);
  args = Normalize(visible, std::move(args));
  po::options_description all;
  all.add(visible).add_options()("arguments", po::value<std::vector<std::string>>(), "");
  po::positional_options_description positional;
  positional.add("arguments", -1);
  try {
    namespace style = po::command_line_style;
    po::store(po::command_line_parser(args)
                  .options(all)
                  .positional(positional)
                  .style(style::unix_style & ~style::allow_guessing)
                  .run(),
              in.options);
    po::notify(in.options);
  } catch (const po::unknown_option& e) {
    return UnknownOption(visible, e.get_option_name());
  } catch (const po::invalid_option_value& e) {
    return Error(e.what() + WhatItTakes(visible, e.get_option_name()));
  } catch (const po::error& e) {
    return Error(e.what());
  }
  in.args = in.Texts("arguments");
  in.ns = in.Text("namespace");
  return in;
}

Error UnknownCommand(const std::vector<std::string>& args) {
  std::string family = HelpForFamily(args[0]);
  if (!family.empty() && args.size() == 1) {
    return Error(StrCat("kpod ", args[0], " wants one more word. ", family));
  }
  std::vector<std::string> known;
  for (const Command& c : Commands()) {
    if (*c.summary == '\0') continue;
    known.push_back(Join(c.words, " "));
    known.insert(known.end(), c.aliases.begin(), c.aliases.end());
  }
  std::string guess = family.empty() ? DidYouMean(args[0], known) : "";
  if (guess.empty() && args.size() > 1) guess = DidYouMean(StrCat(args[0], " ", args[1]), known);
  return Error(
      StrCat("unknown command ", Quote(family.empty() ? args[0] : StrCat(args[0], " ", args[1])),
             guess.empty() ? ": see kpod --help" : StrCat(": did you mean ", Quote(guess), "?")));
}

// What may stand before the command: where kpod keeps its things, and the namespace, as with
// kubectl.
struct Globals {
  store::Paths paths;
  std::vector<std::string> for_command;  // go on to it
};

Result<Globals> TakeGlobals(std::vector<std::string>* args) {
  Globals out{store::Paths::FromEnvironment(), {}};
  while (!args->empty()) {
    std::string word = args->front();
    bool ns = word == "-n" || word == "--namespace" || word.starts_with("--namespace=");
    if (!ns && !word.starts_with("--r")) break;
    args->erase(args->begin());
    size_t eq = word.find('=');
    std::string name = word.substr(0, eq);
    std::string value;
    if (eq != std::string::npos) {
      value = word.substr(eq + 1);
    } else {
      if (args->empty())
        return Error(StrCat("option ", name, " needs a ", ns ? "namespace" : "directory"));
      value = args->front();
      args->erase(args->begin());
    }
    if (ns)
      out.for_command = {"--namespace", value};
    else if (name == "--root")
      out.paths.root = value;
    else if (name == "--run" || name == "--runroot")
      out.paths.run = value;
    else
      return Error("unknown option " + name);
  }
  return out;
}

Result<int> Run(int argc, char** argv) {
  std::vector<std::string> args(argv + 1, argv + argc);
  Globals globals = TRY(TakeGlobals(&args));
  if (args.empty() || args[0] == "--help" || args[0] == "-h" || args[0] == "help") {
    if (args.size() > 1 && args[0] == "help") {
      Match m = Find({args.begin() + 1, args.end()});
      std::string text = m.command != nullptr ? HelpFor(*m.command) : HelpForFamily(args[1]);
      if (text.empty()) return UnknownCommand({args.begin() + 1, args.end()});
      std::fputs(text.c_str(), stdout);
      return 0;
    }
    std::fputs(HelpOverview().c_str(), stdout);
    return 0;
  }
  if (args[0] == "--version" || args[0] == "-v") args[0] = "version";
  Match m = Find(args);
  std::string family = m.command == nullptr && args.size() == 2 ? HelpForFamily(args[0]) : "";
  if (!family.empty() && (args[1] == "--help" || args[1] == "-h")) {
    std::fputs(family.c_str(), stdout);
    return 0;
  }
  if (m.command == nullptr) return UnknownCommand(args);
  if (m.command->passes_rest) TRY(runtime::SealSelf(argv));
  args.erase(args.begin(), args.begin() + static_cast<std::ptrdiff_t>(m.words));
  args.insert(args.begin(), globals.for_command.begin(), globals.for_command.end());
  Invocation in = TRY(Parse(*m.command, std::move(args)));
  if (in.Flag("help")) {
    std::fputs(HelpFor(*m.command).c_str(), stdout);
    return 0;
  }
  if (*m.command->arguments == '\0' && !in.args.empty()) {
    return Error(StrCat(Join(m.command->words, " "), ": unknown argument ", Quote(in.args[0]),
                        ": it takes options only"));
  }
  in.paths = globals.paths;
  TRY(in.paths.MakeAll());
  return m.command->run(in).Context(Join(m.command->words, " "));
}

// What was printed has arrived, or nobody may believe that it did (a full disk).
Status FlushOutput() {
  errno = 0;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return OkStatus();
  return Error::Errno("standard output", errno == 0 ? EIO : errno);
}

}  // namespace

int Main(int argc, char** argv) {
  Result<int> code = [&]() -> Result<int> {
    try {
      TRY(OpenStandardStreams());
      int exit_code = TRY(Run(argc, argv));
      TRY(FlushOutput());
      return exit_code;
    } catch (const std::exception& e) {
      return Error(StrCat("internal: ", e.what()));
    }
  }();
  if (code) return *code;
  std::fflush(stdout);
  std::fprintf(stderr, "kpod: %s\n", Printable(code.error().message(), true).c_str());
  return code.error().exit_code();
}

}  // namespace kpod::cmd
