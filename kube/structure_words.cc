// Strings, numbers, booleans: of the type that the schema says, in the words of Go's decoder.
#include <cmath>
#include <limits>

#include "base/clock.h"
#include "base/text.h"
#include "kube/quantity.h"
#include "kube/structure_checker.h"
#include "kube/yaml_scalar.h"

namespace kpod::kube {

// Strings, numbers, booleans. A null in a list or a map is the zero value, as Go's decoder has it.
void StructureChecker::Word(const Node& node, TypeRef type, const StructurePlace& place,
                            Json* out) {
  if (node.IsMap() || node.IsSequence()) return Mistyped(node, type, place);
  Scalar scalar = Resolve(node);
  if (scalar.kind == Scalar::Kind::kFloat && !std::isfinite(scalar.number)) {
    return Add(Severity::kError, node.line, node.column, place.path,
               StrCat("unsupported value: ", node.scalar));
  }
  switch (type.shape()) {
    case Shape::kBool:
      *out = scalar.boolean;
      if (!node.IsNull() && scalar.kind != Scalar::Kind::kBool) {
        bool word = scalar.kind == Scalar::Kind::kString &&
                    ResolvePlain(node.scalar).kind == Scalar::Kind::kBool;
        Mistyped(node, type, place, word ? "write it without quotes" : "");
      }
      return;
    case Shape::kInt32:
    case Shape::kInt64:
      return Integer(node, type, place, out);
    case Shape::kDouble:
      return Number(node, type, place, out);
    case Shape::kIntOrString:
      if (scalar.kind == Scalar::Kind::kString) {
        *out = std::string(scalar.text);
        return;
      }
      return Integer(node, {"int32"}, place, out);
    default:
      return String(node, type, place, out);
  }
}

void StructureChecker::Integer(const Node& node, TypeRef type, const StructurePlace& place,
                               Json* out) {
  Scalar scalar = Resolve(node);
  int64_t value = 0;
  bool fits = true;
  switch (scalar.kind) {
    case Scalar::Kind::kNull:
      break;
    case Scalar::Kind::kInt:
      value = scalar.integer;
      break;
    case Scalar::Kind::kFloat:
      // 1.0 and 1e3 reach Go's decoder as 1 and 1000.
      fits = std::fabs(scalar.number) < 9.2e18 && scalar.number == std::floor(scalar.number);
      if (fits) value = static_cast<int64_t>(scalar.number);
      break;
    default:
      fits = false;
  }
  if (fits && type.shape() == Shape::kInt32) {
    fits = value >= std::numeric_limits<int32_t>::min() &&
           value <= std::numeric_limits<int32_t>::max();
  }
  *out = value;
  if (fits) return;
  bool number_in_quotes =
      scalar.kind == Scalar::Kind::kString && ResolvePlain(node.scalar).kind == Scalar::Kind::kInt;
  Mistyped(node, type, place, number_in_quotes ? "write it without quotes" : "");
}

void StructureChecker::Number(const Node& node, TypeRef type, const StructurePlace& place,
                              Json* out) {
  Scalar scalar = Resolve(node);
  *out = 0;
  if (scalar.kind == Scalar::Kind::kInt || scalar.kind == Scalar::Kind::kFloat ||
      scalar.kind == Scalar::Kind::kUnsigned) {
    const Node* bad = nullptr;
    ToJson(node, out, &bad);
  } else if (!node.IsNull()) {
    Mistyped(node, type, place);
  }
}

void StructureChecker::String(const Node& node, TypeRef type, const StructurePlace& place,
                              Json* out) {
  Scalar scalar = Resolve(node);
  Shape shape = type.shape();
  *out = std::string(scalar.text);
  if (node.IsNull()) {
    *out = shape == Shape::kQuantity ? "0" : "";
    return;
  }
  if (shape == Shape::kQuantity && scalar.kind != Scalar::Kind::kString) {
    if (scalar.kind == Scalar::Kind::kInt) {
      *out = StrCat(scalar.integer);
    } else if (scalar.kind == Scalar::Kind::kUnsigned) {
      *out = StrCat(scalar.unsigned_integer);
    } else if (scalar.kind == Scalar::Kind::kFloat) {
      *out = GoNumber(scalar.number);
    } else {
      Mistyped(node, type, place);
    }
    return;
  }
  if (scalar.kind != Scalar::Kind::kString) {
    return Mistyped(node, type, place, StrCat("quote it: ", Quote(node.scalar)));
  }
  auto refuse = [&](std::string text) {
    Add(Severity::kError, node.line, node.column, place.path, std::move(text));
  };
  if (shape == Shape::kBytes && !Base64Decode(scalar.text)) {
    refuse(StrCat("illegal base64 data",
                  place.type == "Secret" ? "; plain text belongs under stringData" : ""));
  } else if ((shape == Shape::kTime || shape == Shape::kMicroTime) && !ParseTime(scalar.text)) {
    refuse(StrCat("parsing time ", Quote(scalar.text), ": not of the form 2006-01-02T15:04:05Z"));
  } else if (shape == Shape::kQuantity && !ParseQuantity(scalar.text)) {
    refuse(
        StrCat("quantities must match the regular expression "
               "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$', not ",
               Quote(scalar.text)));
  }
}

}  // namespace kpod::kube
