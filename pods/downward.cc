#include "pods/downward.h"

#include <algorithm>

#include "base/text.h"
#include "pods/late_values.h"

namespace kpod::pods {

namespace {

// One character of UTF-8 at the front of `s`; length 0 when what is there is none.
struct Rune {
  uint32_t value = 0;
  size_t length = 0;
};

Rune FirstRune(std::string_view s) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(s[i]); };
  unsigned char first = byte(0);
  if (first < 0x80) return {first, 1};
  size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || s.size() < length) return {};
  uint32_t value = first & (0xffU >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    value = value << 6 | (byte(i) & 0x3f);
  }
  constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  bool surrogate = value >= 0xd800 && value < 0xe000;
  return value < kLeast[length] || surrogate || value > 0x10ffff ? Rune{} : Rune{value, length};
}

// The ranges of Unicode that strconv.IsPrint refuses, as far as text has them: controls, spaces
// that are not " ", marks of direction, private use.
bool IsPrintable(uint32_t rune) {
  constexpr std::pair<uint32_t, uint32_t> kNot[] = {
      {0x0, 0x1f},      {0x7f, 0xa0},     {0xad, 0xad},       {0x61c, 0x61c},
      {0x1680, 0x1680}, {0x180e, 0x180e}, {0x2000, 0x200f},   {0x2028, 0x202f},
      {0x205f, 0x206f}, {0x3000, 0x3000}, {0xe000, 0xf8ff},   {0xfeff, 0xfeff},
      {0xfff0, 0xfffb}, {0xfffe, 0xffff}, {0xe0000, 0xe0fff}, {0xf0000, 0x10ffff}};
  return std::none_of(std::begin(kNot), std::end(kNot),
                      [&](const auto& r) { return rune >= r.first && rune <= r.second; });
}

void AppendHex(std::string* out, uint32_t value, int digits) {
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
    out->push_back("0123456789abcdef"[value >> shift & 15]);
  }
}

// Go's %q.
std::string GoQuote(std::string_view s) {
  constexpr std::string_view kEscaped = "\a\b\f\n\r\t\v\\\"";
  constexpr std::string_view kLetters = "abfnrtv\\\"";
  std::string out = "\"";
  while (!s.empty()) {
    Rune rune = FirstRune(s);
    size_t escape = kEscaped.find(s[0]);
    if (escape != std::string_view::npos) {
      out.push_back('\\');
      out.push_back(kLetters[escape]);
    } else if (rune.length == 0 || (rune.value < 0x80 && !IsPrintable(rune.value))) {
      out += "\\x";
      AppendHex(&out, static_cast<unsigned char>(s[0]), 2);
    } else if (IsPrintable(rune.value)) {
      out.append(s.substr(0, rune.length));
    } else {
      bool wide = rune.value > 0xffff;
      out += wide ? "\\U" : "\\u";
      AppendHex(&out, rune.value, wide ? 8 : 4);
    }
    s.remove_prefix(std::max<size_t>(rune.length, 1));
  }
  out.push_back('"');
  return out;
}

// "metadata.labels['app']": the key, when `path` is a subscript of `map`.
std::optional<std::string> Subscript(const std::string& path, const std::string& map) {
  std::string open = map + "['";
  if (!path.starts_with(open) || !path.ends_with("']") || path.size() < open.size() + 2) {
    return std::nullopt;
  }
  return path.substr(open.size(), path.size() - open.size() - 2);
}

const kube::Container* FindContainer(const kube::PodSpec& spec, const std::string& name) {
  for (const auto* list : {&spec.containers, &spec.init_containers}) {
    for (const kube::Container& c : *list) {
      if (c.name == name) return &c;
    }
  }
  return nullptr;
}

int64_t DivideUp(int64_t value, int64_t by) {
  if (by <= 0) by = 1;
  return value / by + (value % by > 0 ? 1 : 0);
}

}  // namespace

std::string FormatMap(const kube::StringMap& map) {
  std::vector<std::string> lines;
  for (const auto& [key, value] : map) lines.push_back(StrCat(key, "=", GoQuote(value)));
  return Join(lines, "\n");
}

std::optional<std::string> FieldValue(const kube::Pod& pod, const Lookups& lookups,
                                      const std::string& path) {
  const kube::ObjectMeta& meta = pod.metadata;
  if (path == "metadata.name") return meta.name;
  if (path == "metadata.namespace") return meta.ns;
  if (path == "metadata.uid") return meta.uid;
  if (path == "metadata.labels") return FormatMap(meta.labels);
  if (path == "metadata.annotations") return FormatMap(meta.annotations);
  if (path == "spec.nodeName") return lookups.node_name;
  if (path == "spec.serviceAccountName") return pod.spec.service_account_name;
  for (const char* field : {"status.podIP", "status.podIPs", "status.hostIP", "status.hostIPs"}) {
    if (path == field) return LateField(meta.uid, path);
  }
  for (const auto& [name, map] : {std::pair{"metadata.labels", &meta.labels},
                                  std::pair{"metadata.annotations", &meta.annotations}}) {
    std::optional<std::string> key = Subscript(path, name);
    if (!key) continue;
    auto it = map->find(*key);
    return it == map->end() ? std::string() : it->second;
  }
  return std::nullopt;
}

Result<std::string> ResourceValue(const kube::Pod& pod, const kube::Container* self,
                                  const Lookups& lookups, const kube::ResourceFieldRef& ref) {
  const kube::Container* c =
      ref.container_name.empty() ? self : FindContainer(pod.spec, ref.container_name);
  if (c == nullptr) return Error(StrCat("container ", ref.container_name, " not found"));
  size_t dot = ref.resource.find('.');
  std::string list = ref.resource.substr(0, dot);
  std::string name = dot == std::string::npos ? "" : ref.resource.substr(dot + 1);
  bool known = name == "cpu" || name == "memory" || name == "ephemeral-storage";
  if ((list != "limits" && list != "requests") || !(known || name.starts_with("hugepages-"))) {
    return Error("unsupported container resource : " + ref.resource);
  }
  kube::Quantity divisor = TRY(kube::ParseQuantity(ref.divisor));
  bool cpu = name == "cpu";
  auto number = [&](const kube::Quantity& q) { return cpu ? q.MilliValue() : q.Value(); };
  const auto& quantities = list == "limits" ? c->resources.limits : c->resources.requests;
  auto it = quantities.find(name);
  int64_t value = it == quantities.end() ? 0 : number(it->second);
  if (value == 0 && list == "limits" && known && lookups.allocatable) {
    value = lookups.allocatable(name);
  }
  return StrCat(DivideUp(value, divisor.Sign() == 0 ? (cpu ? 1000 : 1) : number(divisor)));
}

}  // namespace kpod::pods
