#include "cmd/cp.h"

#include <unistd.h>

#include <cstdio>

#include "base/text.h"
#include "cmd/command.h"
#include "cmd/select.h"
#include "pods/copy.h"

namespace kpod::cmd {

Result<CopySpec> ParseCopySpec(const std::string& word) {
  if (word.empty()) return Error("filepath can not be empty");
  size_t colon = word.find(':');
  if (colon == std::string::npos || word[0] == '.' || word[0] == '/') return CopySpec{"", word};
  CopySpec spec{word.substr(0, colon), word.substr(colon + 1)};
  if (spec.pod.empty() || spec.pod.ends_with('/'))
    return Error(StrCat(Quote(word), ": wanted [[namespace/]pod:]file/path"));
  if (spec.path.empty()) return Error(StrCat(Quote(word), ": filepath can not be empty"));
  return spec;
}

namespace {

void CopyOptions(po::options_description_easy_init& add) {
  add("container,c", po::value<std::string>()->value_name("NAME"),
      "container (default: the first)");
  add("archive,a", po::value<bool>()->default_value(true)->implicit_value(true)->value_name("BOOL"),
      "what comes into a container becomes its user's; false: keeps the numbers of its owner");
  add("overwrite", po::bool_switch(), "a directory by a file, and the reverse");
}

Result<pods::CopyEnd> EndOf(const Invocation& in, const CopySpec& spec) {
  pods::CopyEnd end;
  end.path = spec.path;
  if (spec.pod.empty()) return end;
  end.pod = TRY(PodByName(in, spec.pod));
  end.container = in.Text("container");
  return end;
}

Result<int> Cp(Invocation& in) {
  if (in.args.size() != 2) return Error("wanted: kpod cp SOURCE DESTINATION");
  CopySpec from = TRY(ParseCopySpec(in.args[0]));
  CopySpec to = TRY(ParseCopySpec(in.args[1]));
  if (from.pod.empty() && to.pod.empty())
    return Error("one of src or dest must be a file of a pod: POD:PATH");
  if (to.pod.empty() && to.path == "-" && ::isatty(1) == 1)
    return Error("an archive is not for a terminal: write it to a file or a program");
  pods::CopyRequest request;
  request.from = TRY(EndOf(in, from));
  request.to = TRY(EndOf(in, to));
  request.archive = in.options["archive"].as<bool>();
  request.overwrite = in.Flag("overwrite");
  for (const std::string& note : TRY(pods::Copy(in.paths, request)))
    std::fprintf(stderr, "warning: %s\n", note.c_str());
  return 0;
}

}  // namespace

void AddCopyCommand(std::vector<Command>* out) {
  out->push_back(
      {{"cp"},
       {"pod cp"},
       "POD:PATH PATH | PATH POD:PATH | - POD:PATH | POD:PATH -",
       "Copy files and directories into and out of containers",
       "Nothing is needed in the image. Into a directory that is there, the source comes under "
       "its\n"
       "own name; SOURCE/. means what a directory holds. Modes, times and symbolic links stay; on\n"
       "this machine files become yours, without setuid bits. \"-\" reads a tar from standard\n"
       "input, below a directory that is there, or writes one to standard output.\n\nExamples:\n"
       "  kpod cp web:/var/log/nginx ./logs\n  kpod cp nginx.conf web:/etc/nginx/ -c app\n"
       "  kpod cp web:/data - | tar t",
       CopyOptions,
       Cp});
}

}  // namespace kpod::cmd
