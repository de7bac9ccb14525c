#include "pods/admission.h"

#include "base/text.h"
#include "kube/decode.h"
#include "pods/limit_range.h"

namespace kpod::pods {

namespace {

QuotaSubject SubjectOf(const std::string& kind, const std::string& group, const std::string& name,
                       const kube::PodSpec* pod, const kube::PersistentVolumeClaim* claim,
                       const std::string& service_type) {
  return {kind, group, name, pod, claim, service_type};
}

std::string GroupOf(const Json& object) {
  std::string version = StringAt(object, "apiVersion");
  size_t slash = version.find('/');
  return slash == std::string::npos ? "" : version.substr(0, slash);
}

// As apimachinery's aggregate of errors prints itself.
std::string Aggregate(const std::vector<std::string>& sentences) {
  return sentences.size() == 1 ? sentences[0] : StrCat("[", Join(sentences, ", "), "]");
}

}  // namespace

Admission::Counted Admission::CountedOf(const store::StoredObject& o) {
  Counted c{o.kind, GroupOf(o.object), o.name, "", {}, std::nullopt};
  if (o.kind == "PersistentVolumeClaim") c.claim = kube::DecodePersistentVolumeClaim(o.object);
  if (o.kind == "Service") c.service_type = StringAt(At(o.object, "spec"), "type");
  return c;
}

Admission::Admission(const std::vector<store::StoredObject>& objects) {
  for (const store::StoredObject& o : objects) {
    if (o.kind == "LimitRange") ranges_.push_back(kube::DecodeLimitRange(o.object));
    if (o.kind == "ResourceQuota") quotas_.push_back(kube::DecodeResourceQuota(o.object));
    if (o.kind != "Pod") counted_.push_back(CountedOf(o));
  }
  kube::LimitRangeItem all;
  all.type = "Container";
  for (const kube::LimitRange& range : ranges_) {
    for (const kube::LimitRangeItem& item : range.items) {
      if (item.type != "Container") continue;
      all.default_limit.insert(item.default_limit.begin(), item.default_limit.end());
      all.default_request.insert(item.default_request.begin(), item.default_request.end());
    }
  }
  defaults_.items.push_back(std::move(all));
}

std::vector<QuotaSubject> Admission::Subjects() const {
  std::vector<QuotaSubject> out;
  for (const Counted& c : counted_) {
    out.push_back(SubjectOf(c.kind, c.group, c.name, c.kind == "Pod" ? &c.pod : nullptr,
                            c.claim ? &*c.claim : nullptr, c.service_type));
  }
  return out;
}

Status Admission::AdmitPod(const std::string& name, kube::PodSpec* pod) const {
  ApplyDefaults({defaults_}, pod);
  std::string start = StrCat("pods ", Quote(name), " is forbidden: ");
  std::vector<std::string> violations = Violations(ranges_, *pod);
  if (!violations.empty()) return Error(start + Aggregate(violations));
  if (quotas_.empty()) return OkStatus();
  std::string refusal =
      QuotaRefusal(quotas_, Subjects(), SubjectOf("Pod", "", name, pod, nullptr, ""));
  return refusal.empty() ? OkStatus() : Status(Error(start + refusal));
}

void Admission::Count(const std::string& name, const kube::PodSpec& pod) {
  if (!quotas_.empty()) counted_.push_back({"Pod", "", name, "", pod, std::nullopt});
}

Status Admission::AdmitObject(const store::StoredObject& object) const {
  Counted c = CountedOf(object);
  std::string start = StrCat(PluralOf(c.kind), c.group.empty() ? "" : ".", c.group, " ",
                             Quote(c.name), " is forbidden: ");
  if (c.claim) {
    std::vector<std::string> violations = Violations(ranges_, *c.claim);
    if (!violations.empty()) return Error(start + Aggregate(violations));
  }
  if (quotas_.empty()) return OkStatus();
  std::string refusal = QuotaRefusal(
      quotas_, Subjects(),
      SubjectOf(c.kind, c.group, c.name, nullptr, c.claim ? &*c.claim : nullptr, c.service_type));
  return refusal.empty() ? OkStatus() : Status(Error(start + refusal));
}

std::vector<DefaultResource> DefaultsOf(const kube::LimitRange& defaults) {
  std::vector<DefaultResource> out;
  for (const kube::LimitRangeItem& item : defaults.items) {
    for (const auto& [name, q] : item.default_limit) out.push_back({name, q.text, true});
    for (const auto& [name, q] : item.default_request) out.push_back({name, q.text, false});
  }
  return out;
}

kube::LimitRange FromDefaults(const std::vector<DefaultResource>& defaults) {
  kube::LimitRangeItem item;
  item.type = "Container";
  for (const DefaultResource& d : defaults) {
    Result<kube::Quantity> q = kube::ParseQuantity(d.quantity);
    if (q) (d.limit ? item.default_limit : item.default_request)[d.name] = std::move(*q);
  }
  return {{}, {std::move(item)}};
}

}  // namespace kpod::pods
