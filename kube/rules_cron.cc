// The five fields of a cron schedule, as Kubernetes' parser (robfig/cron v3, standard form) reads
// them and complains of them.
#include <cctype>
#include <optional>

#include "base/text.h"
#include "kube/rules_names.h"

namespace kpod::kube::rules {
namespace {

struct Bounds {
  int64_t min, max;
  const char* names;  // "jan feb ...", the first of which is `min`; "" for none
};
constexpr Bounds kFields[] = {
    {0, 59, ""},
    {0, 23, ""},
    {1, 31, ""},
    {1, 12, "jan feb mar apr may jun jul aug sep oct nov dec"},
    {0, 6, "sun mon tue wed thu fri sat"},
};
constexpr std::string_view kDescriptors[] = {"@yearly", "@annually", "@monthly", "@weekly",
                                             "@daily",  "@midnight", "@hourly"};

// A number or a name; "" on success.
std::string ReadNumber(const std::string& text, const Bounds& bounds, int64_t* number) {
  int64_t at = bounds.min;
  for (const std::string& name : Split(bounds.names, ' ')) {
    if (name == ToLower(text)) {
      *number = at;
      return "";
    }
    ++at;
  }
  std::optional<int64_t> value = ParseInt(text);
  if (!value) {
    return StrCat("failed to parse int from ", text, ": strconv.Atoi: parsing ", Quote(text),
                  ": invalid syntax");
  }
  if (*value < 0) return StrCat("negative number (", *value, ") not allowed: ", text);
  *number = *value;
  return "";
}

// "*", "N", "N-M", each with "/STEP".
std::string CheckRange(const std::string& text, const Bounds& bounds) {
  std::vector<std::string> parts = Split(text, '/');
  if (parts.empty()) parts.emplace_back();
  std::vector<std::string> ends = Split(parts[0], '-');
  if (ends.empty()) ends.emplace_back();
  int64_t start = bounds.min, end = bounds.max, step = 1;
  bool star = ends[0] == "*" || ends[0] == "?";
  if (!star) {
    if (std::string why = ReadNumber(ends[0], bounds, &start); !why.empty()) return why;
    if (ends.size() > 2) return StrCat("too many hyphens: ", text);
    if (ends.size() == 2) {
      if (std::string why = ReadNumber(ends[1], bounds, &end); !why.empty()) return why;
    } else if (parts.size() == 1) {
      end = start;  // "N/STEP" means from N to the end
    }
  }
  if (parts.size() > 2) return StrCat("too many slashes: ", text);
  if (parts.size() == 2) {
    if (std::string why = ReadNumber(parts[1], {0, 0, ""}, &step); !why.empty()) return why;
  }
  if (start < bounds.min) {
    return StrCat("beginning of range (", start, ") below minimum (", bounds.min, "): ", text);
  }
  if (end > bounds.max) {
    return StrCat("end of range (", end, ") above maximum (", bounds.max, "): ", text);
  }
  if (start > end) {
    return StrCat("beginning of range (", start, ") beyond end of range (", end, "): ", text);
  }
  if (step == 0) return StrCat("step of range should be a positive number: ", text);
  return "";
}

// Go's duration: "1h30m", "90s", "1.5h".
bool IsDuration(std::string_view s) {
  if (s.empty()) return false;
  while (!s.empty()) {
    size_t digits = s.find_first_not_of("0123456789.");
    if (digits == 0 || digits == std::string_view::npos) return false;
    s.remove_prefix(digits);
    size_t unit = std::min(s.find_first_of("0123456789."), s.size());
    std::string_view name = s.substr(0, unit);
    if (name != "h" && name != "m" && name != "s" && name != "ms" && name != "us" && name != "ns") {
      return false;
    }
    s.remove_prefix(unit);
  }
  return true;
}

}  // namespace

std::string IsCronSchedule(std::string_view s) {
  if (s.starts_with('@')) {
    for (std::string_view known : kDescriptors) {
      if (s == known) return "";
    }
    if (s.starts_with("@every ")) {
      if (IsDuration(s.substr(7))) return "";
      return StrCat("failed to parse duration ", s);
    }
    return StrCat("unrecognized descriptor: ", s);
  }
  std::vector<std::string> fields;
  std::string field;
  for (char c : std::string(s) + ' ') {
    if (std::isspace(static_cast<unsigned char>(c)) == 0) {
      field += c;
    } else if (!field.empty()) {
      fields.push_back(std::move(field));
      field.clear();
    }
  }
  if (fields.size() != std::size(kFields)) {
    return StrCat("expected exactly 5 fields, found ", fields.size(), ": [", Join(fields, " "),
                  "]");
  }
  for (size_t i = 0; i < fields.size(); ++i) {
    for (const std::string& range : Split(fields[i], ',')) {
      if (range.empty()) continue;  // the parser drops what is empty between commas
      if (std::string why = CheckRange(range, kFields[i]); !why.empty()) return why;
    }
  }
  return "";
}

}  // namespace kpod::kube::rules
