#include "kube/rules_check.h"

#include <algorithm>

#include "base/text.h"

namespace kpod::kube::rules {
namespace {

const Json kNull;
constexpr size_t kShownBytes = 200;  // of a value that is quoted in a sentence

std::string Shown(const Json& value) {
  std::string text = value.is_string() ? Quote(value.get_ref<const std::string&>()) : Dump(value);
  if (text.size() > kShownBytes) {
    size_t cut = kShownBytes;
    while (cut > 0 && (text[cut] & 0xC0) == 0x80) --cut;  // not inside a UTF-8 sequence
    text = text.substr(0, cut) + "...";
  }
  return text;
}

std::string QuotedList(std::string_view values) {
  std::vector<std::string> out;
  for (const std::string& v : Split(values, '|')) out.push_back(Quote(v));
  return Join(out, ", ");
}

}  // namespace

Field::Field(Report* report, const Json* json, const Node* node, std::string path)
    : report_(report), json_(json), node_(node), path_(std::move(path)) {
  line_ = node ? node->line : 0;
  column_ = node ? node->column : 0;
}

Field Field::Child(std::string_view key, std::string path) const {
  const Node* node = node_ ? node_->Find(key) : nullptr;
  Field child(report_, &kpod::At(*json_, key), node, std::move(path));
  if (!node) {
    child.line_ = line_;
    child.column_ = column_;
  }
  return child;
}

Field Field::operator[](std::string_view key) const {
  size_t dot = key.find('.');
  std::string_view first = key.substr(0, dot);
  Field child = Child(first, path_.empty() ? std::string(first) : StrCat(path_, ".", first));
  return dot == std::string_view::npos ? child : child[key.substr(dot + 1)];
}

Field Field::Key(std::string_view key) const { return Child(key, StrCat(path_, "[", key, "]")); }

Field Field::NameOf(std::string_view key) const {
  Field name = *this;
  if (!node_) return name;
  for (const Entry& entry : node_->entries) {
    if (entry.key != key) continue;
    name.line_ = entry.line;
    name.column_ = entry.column;
  }
  return name;
}

std::vector<Field> Field::Items() const {
  std::vector<Field> out;
  if (!json_->is_array()) return out;
  out.reserve(json_->size());
  for (size_t i = 0; i < json_->size(); ++i) {
    const Node* node = node_ && i < node_->items.size() ? &node_->items[i] : nullptr;
    Field item(report_, &(*json_)[i], node, StrCat(path_, "[", i, "]"));
    if (!node) {
      item.line_ = line_;
      item.column_ = column_;
    }
    out.push_back(std::move(item));
  }
  return out;
}

std::vector<std::pair<std::string, Field>> Field::Members() const {
  std::vector<std::pair<std::string, Field>> out;
  if (!json_->is_object()) return out;
  for (const auto& [key, value] : json_->items()) out.emplace_back(key, Key(key));
  return out;
}

std::string_view Field::Text() const {
  return json_->is_string() ? std::string_view(json_->get_ref<const std::string&>())
                            : std::string_view();
}

std::optional<int64_t> Field::Int() const {
  return json_->is_number_integer() ? std::optional(json_->get<int64_t>()) : std::nullopt;
}

void Field::Add(Severity severity, std::string text) const {
  Position at = report_->object.at;
  if (line_ > 0) {
    at.line = line_;
    at.column = column_;
  }
  report_->out->push_back({severity, std::move(at), report_->label, path_, std::move(text)});
}

void Field::Invalid(std::string_view why) const {
  Add(Severity::kError, StrCat("Invalid value: ", Shown(*json_), ": ", why));
}
void Field::Misspelt(std::string_view why) const {
  Add(report_->mild ? Severity::kWarning : Severity::kError,
      StrCat("Invalid value: ", Shown(*json_), ": ", why));
}
void Field::Unknown(std::string_view supported) const {
  Add(report_->mild ? Severity::kWarning : Severity::kError,
      StrCat("Unsupported value: ", Shown(*json_), ": supported values: ", QuotedList(supported)));
}
void Field::InvalidText(std::string_view value, std::string_view why) const {
  Add(Severity::kError, StrCat("Invalid value: ", Shown(Json(value)), ": ", why));
}
void Field::Required(std::string_view why) const {
  Add(Severity::kError, StrCat("Required value", why.empty() ? "" : ": ", why));
}
void Field::NotSupported(std::string_view supported) const {
  Add(Severity::kError,
      StrCat("Unsupported value: ", Shown(*json_), ": supported values: ", QuotedList(supported)));
}
void Field::NotFound() const { Add(Severity::kError, StrCat("Not found: ", Shown(*json_))); }
void Field::Duplicate() const { Add(Severity::kError, StrCat("Duplicate value: ", Shown(*json_))); }
void Field::DuplicateText(std::string_view value) const {
  Add(Severity::kError, StrCat("Duplicate value: ", Shown(Json(value))));
}
void Field::Forbidden(std::string_view why) const {
  Add(Severity::kError, StrCat("Forbidden: ", why));
}
void Field::TooLong(int64_t max_bytes) const {
  Add(Severity::kError, StrCat("Too long: may not be more than ", max_bytes, " bytes"));
}
void Field::TooMany(size_t max_items) const {
  Add(Severity::kError, StrCat("Too many: ", size(), ": must have at most ", max_items, " items"));
}
void Field::Warn(std::string_view text) const { Add(Severity::kWarning, std::string(text)); }

bool OneOf(std::string_view value, std::string_view values) {
  while (true) {
    size_t bar = values.find('|');
    if (values.substr(0, bar) == value) return true;
    if (bar == std::string_view::npos) return false;
    values.remove_prefix(bar + 1);
  }
}

void CheckText(const Field& field, TextCheck check) {
  if (field.Text().empty()) return;
  if (std::string why = check(field.Text()); !why.empty()) field.Misspelt(why);
}

void CheckInt(const Field& field, int64_t min, int64_t max) {
  std::optional<int64_t> value = field.Int();
  if (!value || (*value >= min && *value <= max)) return;
  if (max != kUnbounded) {
    field.Invalid(StrCat("must be between ", min, " and ", max, ", inclusive"));
  } else if (min == 1) {
    field.Invalid("must be greater than 0");
  } else {
    field.Invalid(StrCat("must be greater than or equal to ", min));
  }
}

void CheckEnum(const Field& field, std::string_view values) {
  if (!field.Text().empty() && !OneOf(field.Text(), values)) field.Unknown(values);
}

void CheckTable(const Field& field, const Table& table) {
  for (const char* path : table.required) {
    if (field[path].empty()) field[path].Required();
  }
  for (const IntRule& rule : table.ints) CheckInt(field[rule.path], rule.min, rule.max);
  for (const EnumRule& rule : table.enums) CheckEnum(field[rule.path], rule.values);
  for (const TextRule& rule : table.texts) CheckText(field[rule.path], rule.check);
}

void CheckUnique(const Field& field, std::vector<std::string>* seen) {
  std::string text(field.Text());
  if (text.empty()) return;
  if (std::find(seen->begin(), seen->end(), text) != seen->end()) {
    field.Duplicate();
  } else {
    seen->push_back(std::move(text));
  }
}

std::optional<Quantity> CheckQuantity(const Field& field) {
  if (!field.present()) return std::nullopt;
  auto quantity = QuantityFrom(field.json());
  if (!quantity) {
    field.Invalid(quantity.error().message());
    return std::nullopt;
  }
  return std::move(quantity).value();
}

std::optional<Quantity> CheckNonNegativeQuantity(const Field& field) {
  std::optional<Quantity> quantity = CheckQuantity(field);
  if (quantity && quantity->Sign() < 0) {
    field.InvalidText(quantity->text, "must be greater than or equal to 0");
  }
  return quantity;
}

}  // namespace kpod::kube::rules
