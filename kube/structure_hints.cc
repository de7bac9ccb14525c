#include <algorithm>
#include <set>

#include "base/text.h"
#include "kube/structure.h"

namespace kpod::kube {
namespace {

std::vector<std::string> NamesOf(const Type& type) {
  std::vector<std::string> names;
  for (const Field& field : type.fields) names.emplace_back(field.name);
  return names;
}

// One letter more, less, other, or two swapped: surely a slip of the pen.
bool OneSlip(std::string_view a, std::string_view b) {
  size_t shorter = std::min(a.size(), b.size()), longer = std::max(a.size(), b.size());
  if (longer - shorter > 1 || shorter < 3) return false;
  size_t front = 0, back = 0;
  while (front < shorter && a[front] == b[front]) ++front;
  while (back < shorter - front && a[a.size() - 1 - back] == b[b.size() - 1 - back]) ++back;
  return front + back + 2 >= longer;
}

// Breadth first, so that the nearest place is found; "" when there is none within `depth` steps.
std::string PlaceBelow(const Type& top, std::string_view field, int depth) {
  struct Place {
    const Type* type;
    std::string path;
  };
  std::vector<Place> round = {{&top, ""}};
  std::set<const Type*> seen = {&top};
  for (int step = 0; step < depth; ++step) {
    std::vector<Place> next;
    for (const Place& place : round) {
      for (const Field& child : place.type->fields) {
        if (child.name == "status" || child.name == "managedFields") continue;
        TypeRef ref = child.type;
        std::string path = StrCat(place.path, place.path.empty() ? "" : ".", child.name);
        if (ref.shape() == Shape::kList) {
          ref = ref.Element();
          path += "[]";
        }
        const Type* type = ref.shape() == Shape::kStruct ? FindType(ref.text) : nullptr;
        if (type == nullptr || !seen.insert(type).second) continue;
        if (type->Find(field) != nullptr) return path;
        next.push_back({type, std::move(path)});
      }
    }
    round = std::move(next);
  }
  return "";
}

std::string Below(const std::string& path, const std::string& more) {
  return path.empty() ? more : StrCat(path, ".", more);
}

}  // namespace

std::string HintFor(const std::vector<Level>& levels, std::string_view field) {
  if (levels.empty() || field.size() > 64) return "";
  const Level& here = levels.back();
  for (const Field& known : here.type->fields) {
    if (ToLower(known.name) == ToLower(field))
      return StrCat("did you mean ", Quote(known.name), "?");
  }
  std::string near = DidYouMean(field, NamesOf(*here.type));
  std::string did_you_mean = near.empty() ? "" : StrCat("did you mean ", Quote(near), "?");
  if (!near.empty() && OneSlip(near, field)) return did_you_mean;
  for (const Field& known : here.type->fields) {
    if (field.size() >= 4 && known.name.starts_with(field)) {
      return StrCat("did you mean ", Quote(known.name), "?");
    }
  }
  for (size_t i = levels.size(); i-- > 0;) {
    const Level& level = levels[i];
    if (level.type != here.type && level.type->Find(field) != nullptr) {
      return level.path.empty() ? "this field belongs to the top level of the object"
                                : StrCat("this field belongs under ", level.path);
    }
    if (std::string place = PlaceBelow(*level.type, field, 5); !place.empty()) {
      return StrCat("this field belongs under ", Below(level.path, place));
    }
  }
  return did_you_mean;
}

}  // namespace kpod::kube
