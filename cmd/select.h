// The pods that a command line means: names, --all, --selector or --filter.
#pragma once

#include <string>
#include <vector>

#include "cmd/command.h"
#include "pods/status.h"

namespace kpod::cmd {

// "web", or "shop/web" outside of the default namespace: what `kpod ps` shows and commands take.
std::string NameOf(const pods::PodRecord& pod);

// "web", "pod/web", "shop/web" (a namespace's), or "deployment/web" (all of its pods, first name
// first). A name that nothing has is an error with the nearest one.
Result<std::vector<pods::PodRecord>> PodsByName(const Invocation& in, const std::string& word);
// The same where one pod is wanted: the first, which is not damaged.
Result<pods::PodRecord> PodByName(const Invocation& in, const std::string& word);

// Those named, each once; else those of --all or --selector.
Result<std::vector<pods::PodRecord>> SelectPods(const Invocation& in);

// The container that --container means: with no word the pod's default (the annotation
// kubectl.kubernetes.io/default-container, else the first), as kubectl, which a person is told
// where there is a choice.
Result<std::string> ContainerOf(const pods::PodRecord& pod, const std::string& word);

// --all-namespaces, --selector and --filter of the commands that list.
void ListOptions(po::options_description_easy_init& add);

// What --filter asks for, as podman's: KEY=VALUE for each key that is given, of one key any of its
// values, but all of the labels.
class Filter {
 public:
  // `keys`: those the command knows.
  static Result<Filter> Parse(const std::vector<std::string>& words,
                              const std::vector<std::string>& keys);
  // For each key that was given one of the values of `row` fits it: "name" and "image" by a part
  // of it, "label" as KEY or KEY=VALUE, others whole, without regard to case.
  bool Matches(const std::vector<std::pair<std::string, std::string>>& row) const;

 private:
  std::vector<std::pair<std::string, std::string>> wanted_;
};

// The pods of --namespace, or all; those named, where names are; of those the ones whose labels
// match --selector.
Result<std::vector<pods::PodRecord>> PodsToList(const Invocation& in);

}  // namespace kpod::cmd
