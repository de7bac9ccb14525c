// argv -> one call. Each command is a row: its words, what --help says, its options, its function.
// Completion and help are made from the rows, so they cannot say something else than the parser
// does.
#pragma once

#include <boost/program_options.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/paths.h"

namespace kpod::cmd {

namespace po = boost::program_options;

struct Invocation {
  store::Paths paths;
  std::string ns = "default";
  bool all_namespaces = false;
  po::variables_map options;
  std::vector<std::string> args;  // what is not an option
  std::vector<std::string> rest;  // exec: the command and its words

  bool Has(const char* name) const { return options.count(name) > 0 && !options[name].defaulted(); }
  bool Flag(const char* name) const { return options.count(name) > 0 && options[name].as<bool>(); }
  std::string Text(const char* name) const {
    return options.count(name) > 0 ? options[name].as<std::string>() : std::string();
  }
  std::vector<std::string> Texts(const char* name) const {
    return options.count(name) > 0 ? options[name].as<std::vector<std::string>>()
                                   : std::vector<std::string>();
  }
};

struct Command {
  std::vector<std::string> words;                           // {"play", "kube"}
  std::vector<std::string> aliases;                         // other spellings, "kube play"
  const char* arguments;                                    // "FILE... | - | URL | DIRECTORY"
  const char* summary;                                      // one line; "": not shown
  const char* help;                                         // a paragraph and examples
  void (*options)(po::options_description_easy_init& add);  // null: none
  Result<int> (*run)(Invocation& in);
  bool passes_rest = false;  // what follows the first argument is not read as options
};

const std::vector<Command>& Commands();

// The families; each file adds its rows.
void AddPlayCommands(std::vector<Command>* out);
void AddGenerateCommands(std::vector<Command>* out);
void AddLifecycleCommands(std::vector<Command>* out);
void AddAttachCommand(std::vector<Command>* out);
void AddDebugCommand(std::vector<Command>* out);
void AddCopyCommand(std::vector<Command>* out);
void AddPortForwardCommand(std::vector<Command>* out);
void AddPsCommands(std::vector<Command>* out);
void AddGetCommand(std::vector<Command>* out);
void AddWaitCommand(std::vector<Command>* out);
void AddLookCommands(std::vector<Command>* out);
void AddStatsCommands(std::vector<Command>* out);
void AddLogCommands(std::vector<Command>* out);
void AddImageCommands(std::vector<Command>* out);
void AddSystemCommands(std::vector<Command>* out);
void AddCompletionCommands(std::vector<Command>* out);

// Runs argv; prints errors as one sentence on standard error; returns the exit code.
int Main(int argc, char** argv);

}  // namespace kpod::cmd
