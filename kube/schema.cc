#include "kube/schema.h"

#include <algorithm>
#include <map>
#include <memory>

namespace kpod::kube {
namespace {

constexpr std::string_view kTable =
#include "kube/schema_data.inc"
    ;

std::string_view LineAt(size_t begin) {
  size_t end = kTable.find('\n', begin);
  return kTable.substr(begin, end == std::string_view::npos ? end : end - begin);
}

// Where the types begin: after the lines of the kinds, all of which start with '@'.
size_t TypesBegin() {
  static const size_t begin = [] {
    size_t last_kind = kTable.rfind("\n@");
    return kTable.find('\n', last_kind + 1) + 1;
  }();
  return begin;
}

// The beginning of the type's block that holds or precedes `at`.
size_t BlockStart(size_t at, size_t low) {
  while (at > low && (kTable[at - 1] != '\n' || kTable[at] == ' ')) --at;
  return at;
}

size_t BlockEnd(size_t begin) {
  size_t at = begin;
  do {
    at = kTable.find('\n', at);
    if (at == std::string_view::npos) return kTable.size();
    ++at;
  } while (at < kTable.size() && kTable[at] == ' ');
  return at;
}

Field ParseField(std::string_view line) {
  Field field;
  line.remove_prefix(1);
  size_t space = line.find(' ');
  field.name = line.substr(0, space);
  field.type.text = line.substr(space + 1);
  if (field.name.ends_with('!')) {
    field.required = true;
    field.name.remove_suffix(1);
  }
  return field;
}

std::unique_ptr<Type> ReadType(std::string_view name) {
  size_t low = TypesBegin(), high = kTable.size();
  while (low < high) {
    size_t begin = BlockStart(low + (high - low) / 2, low);
    std::string_view found = LineAt(begin);
    size_t end = BlockEnd(begin);
    if (found == name) {
      auto type = std::make_unique<Type>();
      type->name = found;
      for (size_t at = begin + found.size() + 1; at < end;) {
        std::string_view line = LineAt(at);
        type->fields.push_back(ParseField(line));
        at += line.size() + 1;
      }
      return type;
    }
    if (found < name) {
      low = end;
    } else {
      high = begin;
    }
  }
  return nullptr;
}

std::string_view NextWord(std::string_view* line) {
  size_t space = line->find(' ');
  std::string_view word = line->substr(0, space);
  *line = space == std::string_view::npos ? std::string_view() : line->substr(space + 1);
  return word;
}

}  // namespace

Shape TypeRef::shape() const {
  if (text.starts_with('[')) return Shape::kList;
  if (text.starts_with('{')) return Shape::kMap;
  static constexpr std::pair<std::string_view, Shape> kWords[] = {
      {"string", Shape::kString},
      {"int32", Shape::kInt32},
      {"int64", Shape::kInt64},
      {"bool", Shape::kBool},
      {"double", Shape::kDouble},
      {"quantity", Shape::kQuantity},
      {"intorstring", Shape::kIntOrString},
      {"time", Shape::kTime},
      {"microtime", Shape::kMicroTime},
      {"bytes", Shape::kBytes},
      {"any", Shape::kAny},
      {"object", Shape::kFreeObject},
  };
  for (const auto& [word, shape] : kWords) {
    if (text == word) return shape;
  }
  return Shape::kStruct;
}

bool TypeRef::IsWord() const {
  Shape s = shape();
  return s != Shape::kList && s != Shape::kMap && s != Shape::kStruct && s != Shape::kFreeObject;
}

TypeRef TypeRef::Element() const {
  if (text.size() < 2) return {"any"};
  return {text.substr(1, text.size() - 2)};
}

std::string TypeRef::GoName() const {
  switch (shape()) {
    case Shape::kList:
      return "[]" + Element().GoName();
    case Shape::kMap:
      return "map[string]" + Element().GoName();
    case Shape::kDouble:
      return "float64";
    case Shape::kBytes:
      return "[]uint8";
    case Shape::kQuantity:
      return "Quantity";
    case Shape::kIntOrString:
      return "IntOrString";
    case Shape::kTime:
      return "Time";
    case Shape::kMicroTime:
      return "MicroTime";
    case Shape::kFreeObject:
      return "object";
    default:
      return std::string(text.substr(text.rfind('.') + 1));
  }
}

const Field* Type::Find(std::string_view field) const {
  auto found = std::lower_bound(fields.begin(), fields.end(), field,
                                [](const Field& f, std::string_view n) { return f.name < n; });
  return found != fields.end() && found->name == field ? &*found : nullptr;
}

const Type* FindType(std::string_view name) {
  static auto* const cache = new std::map<std::string, std::unique_ptr<Type>, std::less<>>;
  auto found = cache->find(name);
  if (found == cache->end()) {
    std::unique_ptr<Type> type = ReadType(name);
    if (type == nullptr) return nullptr;
    found = cache->emplace(std::string(name), std::move(type)).first;
  }
  return found->second.get();
}

const std::vector<KindInfo>& AllKinds() {
  static const auto* const kinds = [] {
    auto* all = new std::vector<KindInfo>;
    for (size_t at = kTable.find('@'); at < TypesBegin();) {
      std::string_view line = LineAt(at);
      at += line.size() + 1;
      line.remove_prefix(1);
      KindInfo info;
      info.api_version = NextWord(&line);
      info.kind = NextWord(&line);
      info.type = NextWord(&line);
      info.namespaced = line == "n";
      all->push_back(info);
    }
    return all;
  }();
  return *kinds;
}

std::optional<KindInfo> FindKind(std::string_view api_version, std::string_view kind) {
  for (const KindInfo& info : AllKinds()) {
    if (info.api_version == api_version && info.kind == kind) return info;
  }
  return std::nullopt;
}

std::vector<std::string_view> AllTypeNames() {
  std::vector<std::string_view> names;
  for (size_t at = TypesBegin(); at < kTable.size(); at = BlockEnd(at)) names.push_back(LineAt(at));
  return names;
}

std::string_view GroupOf(std::string_view api_version) {
  size_t slash = api_version.find('/');
  return slash == std::string_view::npos ? std::string_view() : api_version.substr(0, slash);
}

std::string_view VersionOf(std::string_view api_version) {
  return api_version.substr(api_version.find('/') + 1);
}

bool IsKnownGroup(std::string_view group) {
  for (const KindInfo& info : AllKinds()) {
    if (GroupOf(info.api_version) == group) return true;
  }
  return false;
}

std::string_view SchemaText() { return kTable; }

}  // namespace kpod::kube
