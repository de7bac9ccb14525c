// What kpod does with a kind or a field: the hand-kept table behind the warnings and behind
// docs/kubernetes-support.md. What has no row is "not yet", so nothing is ignored in silence.
#pragma once

#include <string_view>
#include <vector>

namespace kpod::kube {

enum class Status { kCarriedOut, kNotYet, kNoMeaning };

struct Support {
  Status status = Status::kNotYet;
  std::string_view meaning;   // of kNotYet and kNoMeaning: what follows from it
  std::string_view harmless;  // of kNotYet: the value that asks for what happens anyway
};

// The group is needed for kinds only: fields belong to types ("Container", "readinessProbe").
Support SupportOfKind(std::string_view group, std::string_view kind);
Support SupportOfField(std::string_view type, std::string_view field);

// Of a key of a map that is carried out: resources other than cpu and memory.
Support SupportOfKey(std::string_view type, std::string_view field, std::string_view key);

// Rows that name no kind, type or field of the schema: empty, which a test checks.
std::vector<std::string_view> StraySupportRows();

}  // namespace kpod::kube
