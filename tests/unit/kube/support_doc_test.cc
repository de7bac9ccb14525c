// docs/kubernetes-support.md is written from the tables that Load itself goes by. To write it anew:
// KPOD_WRITE_DOCS=1 unit_kube --gtest_filter='SupportDocument.*'
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "base/files.h"
#include "base/text.h"
#include "kube/podman.h"
#include "kube/schema.h"
#include "kube/support.h"

namespace kpod::kube {
namespace {

constexpr std::string_view kIntroduction =
    R"(# What kpod makes of Kubernetes v1.36

kpod knows every kind and every field of Kubernetes v1.36. For each it does one of three things:

- **carried out**: as Kubernetes documents it;
- **not yet**: valid Kubernetes that kpod does not carry out yet; a warning names the place, the path
  and what follows from it (an error under `--validate=strict`);
- **no meaning**: it speaks of a cluster, and there is one machine; noted once, never an error.

A field that Kubernetes does not know, or a value of the wrong type, is an error with its place.
Custom resources are skipped with a warning. API versions that Kubernetes has removed are read in
their present form, with a warning.

This page is made from the tables in `kube/` by a test, which fails when the two differ.
)";

std::string_view Word(Status status) {
  switch (status) {
    case Status::kCarriedOut:
      return "**carried out**";
    case Status::kNotYet:
      return "not yet";
    case Status::kNoMeaning:
      return "no meaning";
  }
  return "";
}

// The struct that a field leads to, through lists and maps; empty when it holds plain values.
std::string_view StructOf(TypeRef ref) {
  while (ref.shape() == Shape::kList || ref.shape() == Shape::kMap) ref = ref.Element();
  return ref.shape() == Shape::kStruct ? ref.text : std::string_view();
}

std::string Link(TypeRef ref) {
  std::string_view leads_to = StructOf(ref);
  std::string name = ref.GoName();
  return leads_to.empty()
             ? StrCat("`", name, "`")
             : StrCat("[`", name, "`](#", ToLower(ReplaceAll(std::string(leads_to), ".", "")), ")");
}

bool InScope(std::string_view group) {
  constexpr std::string_view kGroups[] = {"",      "apps",   "autoscaling",
                                          "batch", "policy", "networking.k8s.io"};
  return std::find(std::begin(kGroups), std::end(kGroups), group) != std::end(kGroups);
}

void KindTable(std::string* out) {
  *out += "\n## Kinds\n\n| Kind | API version | kpod | |\n|---|---|---|---|\n";
  for (Status status : {Status::kCarriedOut, Status::kNotYet, Status::kNoMeaning}) {
    for (const KindInfo& info : AllKinds()) {
      Support support = SupportOfKind(GroupOf(info.api_version), info.kind);
      if (support.status != status) continue;
      *out += StrCat("| ", info.kind, " | ", info.api_version, " | ", Word(status), " | ",
                     support.meaning, " |\n");
    }
  }
}

// The types that are looked into, each with the status of its fields; what they lead to without
// being looked into goes to `rest`.
void FieldTables(std::string* out, std::set<std::string_view>* seen,
                 std::set<std::string_view>* rest) {
  *out += "\n## Fields of what is carried out\n";
  std::vector<std::string_view> todo;
  for (const KindInfo& info : AllKinds()) {
    Status status = SupportOfKind(GroupOf(info.api_version), info.kind).status;
    if (status == Status::kCarriedOut) {
      todo.push_back(info.type);
    } else if (InScope(GroupOf(info.api_version))) {
      rest->insert(info.type);
    }
  }
  for (size_t i = 0; i < todo.size(); ++i) {
    if (!seen->insert(todo[i]).second) continue;
    *out += StrCat("\n### ", todo[i], "\n\n| Field | Type | kpod | |\n|---|---|---|---|\n");
    for (const Field& field : FindType(todo[i])->fields) {
      Support support = SupportOfField(todo[i], field.name);
      *out += StrCat("| ", field.name, field.required ? " (required)" : "", " | ", Link(field.type),
                     " | ", Word(support.status), " | ", support.meaning, " |\n");
      std::string_view leads_to = StructOf(field.type);
      if (leads_to.empty()) continue;
      if (support.status == Status::kCarriedOut) {
        todo.push_back(leads_to);
      } else {
        rest->insert(leads_to);
      }
    }
  }
}

// What stands below a kind or a field that is not carried out or has no meaning: its row above says
// all, and its fields are checked for their names and types.
void OtherTypes(std::string* out, const std::set<std::string_view>& seen,
                std::set<std::string_view> rest) {
  std::vector<std::string_view> todo(rest.begin(), rest.end());
  while (!todo.empty()) {
    std::string_view name = todo.back();
    todo.pop_back();
    for (const Field& field : FindType(name)->fields) {
      std::string_view leads_to = StructOf(field.type);
      if (!leads_to.empty() && rest.insert(leads_to).second) todo.push_back(leads_to);
    }
  }
  *out +=
      "\n## Fields below what is not carried out\n\nTheir names and types are checked; the kind or "
      "the field that leads here says what follows.\n\n<details><summary>All types</summary>\n";
  for (std::string_view name : rest) {
    if (seen.count(name) != 0) continue;
    *out += StrCat("\n### ", name, "\n\n");
    std::vector<std::string> fields;
    for (const Field& field : FindType(name)->fields) {
      fields.push_back(StrCat(field.name, " ", Link(field.type)));
    }
    *out += fields.empty() ? "no fields\n" : Join(fields, ", ") + "\n";
  }
  *out += "\n</details>\n";
}

void PodmanTable(std::string* out) {
  *out +=
      "\n## Annotations of Podman\n\nPod annotations that change what `podman kube play` does. One "
      "of a container is followed by `/` and the container's name; without that, where it may be "
      "so, it is of all.\n\n| Annotation | of | kpod | |\n|---|---|---|---|\n";
  for (const PodmanAnnotation& a : PodmanAnnotations()) {
    std::string_view whom = !a.for_one ? "the pod" : a.for_all ? "one or all" : "one";
    *out += StrCat("| `", a.name, "` | ", whom, " | ", Word(a.status), " | ", a.meaning, " |\n");
  }
}

std::string SupportPage() {
  std::string out(kIntroduction);
  std::set<std::string_view> seen, rest;
  KindTable(&out);
  PodmanTable(&out);
  FieldTables(&out, &seen, &rest);
  OtherTypes(&out, seen, rest);
  return out;
}

TEST(SupportDocument, IsWhatTheTablesSay) {
  const char* const kPath = KPOD_SOURCE_DIR "/docs/kubernetes-support.md";
  std::string page = SupportPage();
  if (std::getenv("KPOD_WRITE_DOCS") != nullptr) {
    ASSERT_TRUE(WriteFileAtomic(kPath, page, 0644).ok());
  }
  auto committed = ReadFile(kPath);
  ASSERT_TRUE(committed.ok()) << committed.error().message();
  EXPECT_TRUE(*committed == page) << "docs/kubernetes-support.md is not what the tables say; run "
                                     "with KPOD_WRITE_DOCS=1";
}

}  // namespace
}  // namespace kpod::kube
