// Metadata and label selectors. Source: apimachinery/pkg/api/validation and
// apimachinery/pkg/apis/meta/v1/validation.
#include "base/text.h"
#include "kube/decode.h"
#include "kube/rules_check.h"
#include "kube/rules_names.h"

namespace kpod::kube::rules {
namespace {

constexpr int64_t kMaxAnnotationBytes = 256 * 1024;

StringMap ToMap(const Field& field) {
  StringMap out;
  for (const auto& [key, value] : field.Members()) out[key] = std::string(value.Text());
  return out;
}

LabelSelector ToSelector(const Field& field) {
  LabelSelector out;
  out.match_labels = ToMap(field["matchLabels"]);
  for (const Field& e : field["matchExpressions"].Items()) {
    out.match_expressions.push_back({std::string(e["key"].Text()),
                                     std::string(e["operator"].Text()),
                                     StringsAt(e.json(), "values")});
  }
  return out;
}

// A generated name gets five characters more, and an end that is cut off may be a dash.
std::string WithoutFinalDash(std::string_view prefix) {
  std::string name(prefix);
  while (name.size() > 1 && name.back() == '-') name.pop_back();
  return name;
}

}  // namespace

void CheckLabels(const Field& labels) {
  for (const auto& [key, value] : labels.Members()) {
    if (std::string why = IsQualifiedName(key); !why.empty()) {
      labels.NameOf(key).InvalidText(key, why);
    }
    CheckText(value, IsLabelValue);
  }
}

void CheckAnnotations(const Field& annotations) {
  int64_t total = 0;
  for (const auto& [key, value] : annotations.Members()) {
    if (std::string why = IsQualifiedName(ToLower(key)); !why.empty()) {
      annotations.NameOf(key).InvalidText(key, why);
    }
    total += static_cast<int64_t>(key.size() + value.Text().size());
  }
  if (total > kMaxAnnotationBytes) annotations.TooLong(kMaxAnnotationBytes);
}

void CheckMeta(const Field& meta, TextCheck name_check) {
  Field name = meta["name"];
  Field generate_name = meta["generateName"];
  if (!generate_name.Text().empty()) {
    if (std::string why = name_check(WithoutFinalDash(generate_name.Text())); !why.empty()) {
      generate_name.Invalid(why);
    }
  }
  if (name.Text().empty()) {
    if (generate_name.Text().empty()) name.Required("name or generateName is required");
  } else if (std::string why = name_check(name.Text()); !why.empty()) {
    // Names become names of files: a mild rule goes as far as that.
    bool plain = !Contains(name.Text(), "/") && IsQualifiedName(name.Text()).empty();
    plain ? name.Misspelt(why) : name.Invalid(why);
  }
  Field ns = meta["namespace"];
  if (std::string why = IsDns1123Label(ns.Text()); !ns.empty() && !why.empty()) ns.Invalid(why);
  CheckLabels(meta["labels"]);
  CheckAnnotations(meta["annotations"]);
  for (const Field& finalizer : meta["finalizers"].Items()) CheckText(finalizer, IsQualifiedName);
}

void CheckSelector(const Field& selector) {
  CheckLabels(selector["matchLabels"]);
  for (const Field& e : selector["matchExpressions"].Items()) {
    std::string_view op = e["operator"].Text();
    Field values = e["values"];
    if (op == "In" || op == "NotIn") {
      if (values.empty()) values.Required("must be specified when `operator` is 'In' or 'NotIn'");
    } else if (op == "Exists" || op == "DoesNotExist") {
      if (!values.empty()) {
        values.Forbidden("may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
      }
    } else {
      e["operator"].Invalid("not a valid selector operator");
    }
    if (std::string why = IsQualifiedName(e["key"].Text()); !why.empty()) e["key"].Invalid(why);
    for (const Field& value : values.Items()) CheckText(value, IsLabelValue);
  }
}

void CheckWorkloadSelector(const Field& selector, const Field& pod_template,
                           std::string_view kind) {
  if (!selector.present()) {
    // Versions before apps/v1 took the labels of the template.
    if (!selector.report().lifted) selector.Required();
    return;
  }
  size_t before = selector.report().out->size();
  CheckSelector(selector);
  if (selector.report().out->size() != before) return;
  if (selector["matchLabels"].empty() && selector["matchExpressions"].empty()) {
    selector.Invalid(StrCat("empty selector is invalid for ", kind));
    return;
  }
  Field labels = pod_template["metadata.labels"];
  if (!ToSelector(selector).Matches(ToMap(labels))) {
    labels.Invalid("`selector` does not match template `labels`");
  }
}

}  // namespace kpod::kube::rules
