#include "pods/plan.h"

#include "base/text.h"
#include "pods/plan_fields.h"

namespace kpod::pods {

namespace {

struct KindName {
  VolumePlan::Kind kind;
  const char* name;
};
constexpr KindName kKindNames[] = {
    {VolumePlan::Kind::kEmptyDir, "emptyDir"},    {VolumePlan::Kind::kMemory, "memory"},
    {VolumePlan::Kind::kHostPath, "hostPath"},    {VolumePlan::Kind::kConfigMap, "configMap"},
    {VolumePlan::Kind::kSecret, "secret"},        {VolumePlan::Kind::kClaim, "claim"},
    {VolumePlan::Kind::kDownward, "downwardAPI"}, {VolumePlan::Kind::kProjected, "projected"},
    {VolumePlan::Kind::kEphemeral, "ephemeral"},  {VolumePlan::Kind::kImage, "image"},
};

template <class T>
concept Struct = requires(const T* p) {
  FieldsOf(p);
};
template <class T>
concept Number = std::is_integral_v<T> && !std::is_same_v<T, bool>;

Json Write(const std::string& v) { return v; }
Json Write(bool v) { return v; }
template <Number T>
Json Write(T v) {
  return v;
}
Json Write(VolumePlan::Kind v) {
  for (const KindName& k : kKindNames) {
    if (k.kind == v) return k.name;
  }
  return nullptr;
}
Json Write(const std::pair<std::string, std::string>& v) {
  return Json::array({v.first, v.second});
}
Json Write(const std::pair<std::string, int64_t>& v) { return Json::array({v.first, v.second}); }
Json Write(const kube::StringMap& v) {
  Json out = Json::object();
  for (const auto& [key, value] : v) out[key] = value;
  return out;
}
template <Struct T>
Json Write(const T& v);
template <class T>
Json Write(const std::vector<T>& v) {
  Json out = Json::array();
  for (const T& e : v) out.push_back(Write(e));
  return out;
}
template <class T>
Json Write(const std::optional<T>& v) {
  return v ? Write(*v) : Json();
}

// True when reading would give the value anyway.
template <class T>
bool IsDefault(const T& value, const T& otherwise) {
  if constexpr (Struct<T>) {
    return Write(value).empty();
  } else if constexpr (std::equality_comparable<T>) {
    return value == otherwise;
  } else {
    return value.empty();
  }
}
template <class T>
bool IsDefault(const std::vector<T>& value, const std::vector<T>&) {
  return value.empty();
}
template <class T>
bool IsDefault(const std::optional<T>& value, const std::optional<T>&) {
  return !value.has_value();
}

template <Struct T>
Json Write(const T& v) {
  static const T kDefault;
  Json out = Json::object();
  std::apply(
      [&](const auto&... field) {
        ((IsDefault(v.*field.member, kDefault.*field.member)
              ? void()
              : void(out[field.key] = Write(v.*field.member))),
         ...);
      },
      FieldsOf(&v));
  return out;
}

// Readers return "" or what is wrong, innermost path first.
std::string Read(const Json& j, std::string& v) {
  if (!j.is_string()) return ": not a string";
  v = j.get_ref<const std::string&>();
  return {};
}
std::string Read(const Json& j, bool& v) {
  if (!j.is_boolean()) return ": not a boolean";
  v = j.get<bool>();
  return {};
}
template <Number T>
std::string Read(const Json& j, T& v) {
  if (!j.is_number_integer()) return ": not a whole number";
  if (j.is_number_unsigned() && j.get<uint64_t>() > INT64_MAX) return ": out of range";
  auto n = j.get<int64_t>();
  if (!std::in_range<T>(n)) return ": out of range";
  v = static_cast<T>(n);
  return {};
}
std::string Read(const Json& j, VolumePlan::Kind& v) {
  for (const KindName& k : kKindNames) {
    if (j == k.name) {
      v = k.kind;
      return {};
    }
  }
  return ": no kind of volume";
}
std::string Read(const Json& j, std::pair<std::string, std::string>& v) {
  if (!j.is_array() || j.size() != 2) return ": not a pair";
  std::string wrong = Read(j[0], v.first);
  return wrong.empty() ? Read(j[1], v.second) : wrong;
}
std::string Read(const Json& j, std::pair<std::string, int64_t>& v) {
  if (!j.is_array() || j.size() != 2) return ": not a pair";
  std::string wrong = Read(j[0], v.first);
  return wrong.empty() ? Read(j[1], v.second) : wrong;
}
std::string Read(const Json& j, kube::StringMap& v) {
  if (!j.is_object()) return ": not an object";
  for (const auto& [key, value] : j.items()) {
    std::string wrong = Read(value, v[key]);
    if (!wrong.empty()) return StrCat(".", key, wrong);
  }
  return {};
}
template <Struct T>
std::string Read(const Json& j, T& v);
template <class T>
std::string Read(const Json& j, std::vector<T>& v) {
  if (!j.is_array()) return ": not an array";
  for (size_t i = 0; i < j.size(); ++i) {
    std::string wrong = Read(j[i], v.emplace_back());
    if (!wrong.empty()) return StrCat("[", i, "]", wrong);
  }
  return {};
}
template <class T>
std::string Read(const Json& j, std::optional<T>& v) {
  return Read(j, v.emplace());
}

template <class S, class T>
std::string ReadField(const Json& j, S& v, const Field<S, T>& field) {
  auto it = j.find(field.key);
  if (it == j.end()) return {};
  std::string wrong = Read(*it, v.*field.member);
  return wrong.empty() ? wrong : StrCat(".", field.key, wrong);
}

template <Struct T>
std::string Read(const Json& j, T& v) {
  if (!j.is_object()) return ": not an object";
  std::string wrong;
  std::apply(
      [&](const auto&... field) { (void)((wrong = ReadField(j, v, field), wrong.empty()) && ...); },
      FieldsOf(&v));
  return wrong;
}

}  // namespace

std::vector<const ContainerPlan*> Plan::All() const {
  std::vector<const ContainerPlan*> out;
  for (const ContainerPlan& c : init_containers) out.push_back(&c);
  for (const ContainerPlan& c : containers) out.push_back(&c);
  return out;
}

Json ToJson(const Plan& plan) { return Write(plan); }

Json ToJson(const ContainerPlan& plan) { return Write(plan); }

Result<ContainerPlan> ContainerPlanFromJson(const Json& j) {
  ContainerPlan plan;
  std::string wrong = Read(j, plan);
  if (!wrong.empty()) return Error("container" + wrong);
  if (plan.name.empty()) return Error("container: it has no name");
  return plan;
}

Result<Plan> PlanFromJson(const Json& j) {
  Plan plan;
  std::string wrong = Read(j, plan);
  if (!wrong.empty()) return Error("plan" + wrong);
  if (plan.ns.empty() || plan.name.empty()) return Error("plan: names no pod");
  return plan;
}

}  // namespace kpod::pods
