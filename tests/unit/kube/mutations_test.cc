// The corpus' valid files, each made wrong in one place.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "base/text.h"
#include "kube/load.h"
#include "kube/schema.h"
#include "kube/yaml.h"
#include "tests/unit/kube/refusals.h"
#include "tests/unit/kube/shared.h"

namespace kpod::kube {
namespace {

// One field of a document, as the schema sees it, and where it is written.
struct Spot {
  const Entry* entry;
  TypeRef type;
  bool required;
};

void Collect(const Node& node, TypeRef type, std::vector<Spot>* spots) {
  if (type.shape() == Shape::kList && node.IsSequence()) {
    for (const Node& item : node.items) Collect(item, type.Element(), spots);
  } else if (type.shape() == Shape::kStruct && node.IsMap()) {
    const Type* known = FindType(type.text);
    for (const Entry& entry : node.entries) {
      const Field* field = known->Find(entry.key);
      if (field == nullptr || entry.key == "status") continue;
      if (!entry.value.IsNull()) spots->push_back({&entry, field->type, field->required});
      Collect(entry.value, field->type, spots);
    }
  }
}

std::vector<std::string> Lines(const std::string& text) { return Split(text, '\n'); }

bool RefusedAt(const std::string& text, int line, std::string* said) {
  LoadResult result = Load(text, "f");
  *said = DiagnosticsOf(result, Severity::kError);
  return std::any_of(
      result.diagnostics.begin(), result.diagnostics.end(),
      [&](const Diagnostic& d) { return d.severity == Severity::kError && d.at.line == line; });
}

// A value of a type that the field cannot have.
std::string WrongValue(TypeRef type) {
  switch (type.shape()) {
    case Shape::kStruct:
    case Shape::kMap:
    case Shape::kFreeObject:
    case Shape::kList:
      return "wrong";
    case Shape::kInt32:
    case Shape::kInt64:
    case Shape::kDouble:
      return "\"1\"";
    case Shape::kBool:
      return "\"true\"";
    case Shape::kIntOrString:
    case Shape::kQuantity:
      return "true";
    default:
      return "1";
  }
}

// The corpus' valid files, each with one field misspelled, misplaced or mistyped, a file at a time.
class Mutations : public testing::Test {
 protected:
  // `change` makes the line wrong; it returns false when the line does not suit.
  template <class F>
  int Run(unsigned seed, F change) {
    std::mt19937 random(seed);
    int tried = 0;
    for (const Manifest& manifest : Corpus()) {
      if (manifest.verdict != "valid" || manifest.text.size() > 20000) continue;
      std::vector<Document> documents = ParseDocuments(manifest.text);
      if (Contains(manifest.text, "\r") || Contains(manifest.text, "&")) continue;
      std::vector<Spot> spots;
      for (const Document& document : documents) {
        auto info = FindKind(document.root.TextAt("apiVersion"), document.root.TextAt("kind"));
        if (info && document.problems.empty()) Collect(document.root, {info->type}, &spots);
      }
      std::vector<std::string> lines = Lines(manifest.text);
      for (int picks = 0; picks < 6 && !spots.empty(); ++picks) {
        const Spot& spot = spots[random() % spots.size()];
        std::vector<std::string> changed = lines;
        std::string& line = changed[static_cast<size_t>(spot.entry->line) - 1];
        size_t column = static_cast<size_t>(spot.entry->column) - 1;
        if (line.substr(column, spot.entry->key.size()) != spot.entry->key) continue;
        if (!change(spot, column, &line)) continue;
        std::string text = Join(changed, "\n"), said;
        ++tried;
        EXPECT_TRUE(RefusedAt(text, spot.entry->line, &said))
            << manifest.path << ":" << spot.entry->line << ": " << line << "\n"
            << said;
      }
    }
    return tried;
  }
};

TEST_F(Mutations, AMisspelledFieldIsRefusedAtItsLine) {
  SKIP_WITHOUT_SHARED();
  EXPECT_GT(Run(1,
                [](const Spot& spot, size_t column, std::string* line) {
                  size_t at = column + spot.entry->key.size() / 2;
                  line->insert(at, 1, 'q');
                  return true;
                }),
            500);
}

TEST_F(Mutations, AFieldInTheWrongPlaceIsRefusedAtItsLine) {
  SKIP_WITHOUT_SHARED();
  EXPECT_GT(Run(2,
                [](const Spot& spot, size_t column, std::string* line) {
                  std::string before = line->substr(0, column);
                  if (before.find_first_not_of(' ') != std::string::npos) return false;
                  // At home beside these fields only.
                  if (FindType("CronJobSpec")->Find(spot.entry->key) != nullptr) return false;
                  std::string_view rest = Trim(*line);  // in flow style, commas separate
                  bool flow = rest.ends_with(',') || rest.ends_with('{') || rest.ends_with('[');
                  *line = StrCat(before, "startingDeadlineSeconds: 80", flow ? ",\n" : "\n", *line);
                  return true;
                }),
            500);
}

TEST_F(Mutations, AMistypedValueIsRefusedAtItsLine) {
  SKIP_WITHOUT_SHARED();
  EXPECT_GT(Run(3,
                [](const Spot& spot, size_t column, std::string* line) {
                  const Node& value = spot.entry->value;
                  if (value.line != spot.entry->line || !value.IsScalar()) return false;
                  if (spot.type.shape() == Shape::kAny) return false;
                  size_t end = line->find(value.scalar, column + spot.entry->key.size());
                  if (end == std::string::npos || value.scalar.empty() || !value.plain)
                    return false;
                  line->replace(end, value.scalar.size(), WrongValue(spot.type));
                  return true;
                }),
            300);
}

}  // namespace
}  // namespace kpod::kube
