#include "pods/limit_range.h"

#include <algorithm>
#include <cstdio>

#include "base/text.h"

namespace kpod::pods {

using kube::Quantity;
using kube::ResourceList;

namespace {

void AddTo(ResourceList* sum, const ResourceList& more) {
  for (const auto& [name, q] : more) {
    auto [it, fresh] = sum->emplace(name, q);
    if (!fresh) it->second = kube::Add(it->second, q);
  }
}

void AtLeast(ResourceList* sum, const ResourceList& other) {
  for (const auto& [name, q] : other) {
    auto [it, fresh] = sum->emplace(name, q);
    if (!fresh) it->second = std::max(it->second, q);
  }
}

ResourceList TotalOf(const kube::PodSpec& pod, ResourceList kube::ResourceRequirements::*which) {
  ResourceList sidecars;
  std::vector<ResourceList> stages;
  for (const kube::Container& c : pod.init_containers) {
    ResourceList stage = sidecars;
    AddTo(&stage, c.resources.*which);
    if (c.restart_policy == "Always") sidecars = stage;
    stages.push_back(std::move(stage));
  }
  ResourceList total = sidecars;
  for (const kube::Container& c : pod.containers) AddTo(&total, c.resources.*which);
  for (const ResourceList& stage : stages) AtLeast(&total, stage);
  for (const auto& [name, q] : pod.resources.*which) total[name] = q;
  return total;
}

// One item's bounds against what is asked for, as limitranger's min, max and ratio constraints.
void Check(const kube::LimitRangeItem& item, const ResourceList& requests,
           const ResourceList& limits, std::vector<std::string>* out) {
  auto find = [](const ResourceList& list, const std::string& name) {
    auto it = list.find(name);
    return it == list.end() ? nullptr : &it->second;
  };
  for (const auto& [name, min] : item.min) {
    std::string start = StrCat("minimum ", name, " usage per ", item.type, " is ", min.text);
    const Quantity* request = find(requests, name);
    const Quantity* limit = find(limits, name);
    if (request == nullptr) {
      out->push_back(StrCat(start, ".  No request is specified"));
    } else if (*request < min) {
      out->push_back(StrCat(start, ", but request is ", request->text));
    } else if (limit != nullptr && *limit < min) {
      out->push_back(StrCat(start, ", but limit is ", limit->text));
    }
  }
  for (const auto& [name, max] : item.max) {
    std::string start = StrCat("maximum ", name, " usage per ", item.type, " is ", max.text);
    const Quantity* request = find(requests, name);
    const Quantity* limit = find(limits, name);
    if (limit == nullptr) {
      out->push_back(StrCat(start, ".  No limit is specified"));
    } else if (*limit > max) {
      out->push_back(StrCat(start, ", but limit is ", limit->text));
    } else if (request != nullptr && *request > max) {
      out->push_back(StrCat(start, ", but request is ", request->text));
    }
  }
  for (const auto& [name, ratio] : item.max_ratio) {
    std::string start =
        StrCat(name, " max limit to request ratio per ", item.type, " is ", ratio.text);
    const Quantity* request = find(requests, name);
    const Quantity* limit = find(limits, name);
    if (request == nullptr || request->Sign() == 0) {
      out->push_back(StrCat(start, ", but no request is specified or request is 0"));
    } else if (limit == nullptr || limit->Sign() == 0) {
      out->push_back(StrCat(start, ", but no limit is specified or limit is 0"));
    } else {
      double real = static_cast<double>(limit->MilliValue()) / request->MilliValue();
      if (real <= static_cast<double>(ratio.MilliValue()) / 1000) continue;
      char text[64];
      std::snprintf(text, sizeof(text), "%f", real);
      out->push_back(StrCat(start, ", but provided ratio is ", text));
    }
  }
}

}  // namespace

kube::ResourceRequirements PodTotals(const kube::PodSpec& pod) {
  return {TotalOf(pod, &kube::ResourceRequirements::limits),
          TotalOf(pod, &kube::ResourceRequirements::requests)};
}

void ApplyDefaults(const std::vector<kube::LimitRange>& ranges, kube::PodSpec* pod) {
  for (const kube::LimitRange& range : ranges) {
    for (const kube::LimitRangeItem& item : range.items) {
      if (item.type != "Container") continue;
      for (auto* list : {&pod->init_containers, &pod->containers}) {
        for (kube::Container& c : *list) {
          c.resources.limits.insert(item.default_limit.begin(), item.default_limit.end());
          c.resources.requests.insert(item.default_request.begin(), item.default_request.end());
        }
      }
    }
  }
}

std::vector<std::string> Violations(const std::vector<kube::LimitRange>& ranges,
                                    const kube::PodSpec& pod) {
  std::vector<std::string> out;
  for (const kube::LimitRange& range : ranges) {
    for (const kube::LimitRangeItem& item : range.items) {
      if (item.type == "Container") {
        for (const auto* list : {&pod.containers, &pod.init_containers}) {
          for (const kube::Container& c : *list)
            Check(item, c.resources.requests, c.resources.limits, &out);
        }
      } else if (item.type == "Pod") {
        kube::ResourceRequirements total = PodTotals(pod);
        Check(item, total.requests, total.limits, &out);
      }
    }
  }
  return out;
}

std::vector<std::string> Violations(const std::vector<kube::LimitRange>& ranges,
                                    const kube::PersistentVolumeClaim& claim) {
  std::vector<std::string> out;
  ResourceList asked;
  if (claim.spec.storage) asked["storage"] = *claim.spec.storage;
  for (const kube::LimitRange& range : ranges) {
    for (const kube::LimitRangeItem& item : range.items) {
      // A claim's request is its limit.
      if (item.type == "PersistentVolumeClaim") Check(item, asked, asked, &out);
    }
  }
  return out;
}

std::string QosClassOf(const kube::PodSpec& pod) {
  std::vector<const kube::ResourceRequirements*> all;
  if (!pod.resources.limits.empty() || !pod.resources.requests.empty()) {
    all.push_back(&pod.resources);
  } else {
    for (const auto* list : {&pod.init_containers, &pod.containers}) {
      for (const kube::Container& c : *list) all.push_back(&c.resources);
    }
  }
  bool any = false;
  bool guaranteed = !all.empty();
  for (const kube::ResourceRequirements* r : all) {
    for (const char* name : {"cpu", "memory"}) {
      auto limit = r->limits.find(name);
      auto request = r->requests.find(name);
      bool limited = limit != r->limits.end() && limit->second.Sign() > 0;
      bool asked = request != r->requests.end() && request->second.Sign() > 0;
      any = any || limited || asked;
      guaranteed = guaranteed && limited && (!asked || request->second == limit->second);
    }
  }
  return !any ? "BestEffort" : guaranteed ? "Guaranteed" : "Burstable";
}

}  // namespace kpod::pods
