#include "images/changes.h"

#include "base/text.h"

namespace kpod::images {

namespace {

struct Change {
  std::string instruction, value;
};

Result<Change> Divide(std::string_view text) {
  text = Trim(text);
  size_t end = text.find_first_of(" \t=");
  Change change{ToLower(text.substr(0, end)),
                end == std::string_view::npos ? "" : std::string(Trim(text.substr(end + 1)))};
  if (change.value.empty()) {
    return Error(StrCat("change ", Quote(text), ": want an instruction and its value"));
  }
  return change;
}

// Words divided by blanks; quotes keep blanks, a backslash keeps the next character.
std::vector<std::string> Words(std::string_view s) {
  std::vector<std::string> out;
  std::string word;
  bool any = false;
  char quote = 0;
  for (size_t i = 0; i < s.size(); ++i) {
    char c = s[i];
    if (c == '\\' && quote != '\'' && i + 1 < s.size()) {
      word += s[++i];
      any = true;
    } else if (quote != 0) {
      if (c == quote)
        quote = 0;
      else
        word += c;
    } else if (c == '"' || c == '\'') {
      quote = c;
      any = true;
    } else if (c == ' ' || c == '\t') {
      if (any) out.push_back(std::exchange(word, ""));
      any = false;
    } else {
      word += c;
      any = true;
    }
  }
  if (any) out.push_back(word);
  return out;
}

// The exec form is a JSON list; everything else goes to a shell.
Json Command(const std::string& value) {
  if (value.front() == '[') {
    Result<Json> list = ParseJson(value, "command");
    if (list && list->is_array()) return *list;
  }
  return Json::array({"/bin/sh", "-c", value});
}

Result<std::vector<std::pair<std::string, std::string>>> Pairs(const Change& change) {
  std::vector<std::pair<std::string, std::string>> out;
  std::vector<std::string> words = Words(change.value);
  if (!words.empty() && !Contains(words[0], "=")) {  // the old form: NAME the rest
    size_t end = change.value.find_first_of(" \t");
    if (end == std::string::npos) {
      return Error(StrCat(change.instruction, " ", change.value, ": want NAME=VALUE"));
    }
    out.emplace_back(words[0], Trim(std::string_view(change.value).substr(end)));
    return out;
  }
  for (const std::string& word : words) {
    size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Error(StrCat(change.instruction, " ", word, ": want NAME=VALUE"));
    }
    out.emplace_back(word.substr(0, equals), word.substr(equals + 1));
  }
  return out;
}

void SetEnv(Json& config, const std::string& name, const std::string& value) {
  Json& env = config["Env"];
  if (!env.is_array()) env = Json::array();
  for (Json& one : env) {
    if (one.is_string() && one.get_ref<const std::string&>().starts_with(name + "=")) {
      one = name + "=" + value;
      return;
    }
  }
  env.push_back(name + "=" + value);
}

void AddKeys(Json& object, const std::string& value) {
  if (!object.is_object()) object = Json::object();
  std::vector<std::string> words;
  if (value.front() == '[') {
    Result<Json> list = ParseJson(value, "list");
    Json holder;
    if (list) holder["list"] = *list;
    words = StringsAt(holder, "list");
  } else {
    words = Words(value);
  }
  for (const std::string& word : words) object[word] = Json::object();
}

Status Apply(const Change& change, Json& config) {
  const std::string& value = change.value;
  if (change.instruction == "cmd") {
    config["Cmd"] = Command(value);
  } else if (change.instruction == "entrypoint") {
    config["Entrypoint"] = Command(value);
  } else if (change.instruction == "env") {
    for (const auto& [name, v] : TRY(Pairs(change))) SetEnv(config, name, v);
  } else if (change.instruction == "label") {
    for (const auto& [name, v] : TRY(Pairs(change))) config["Labels"][name] = v;
  } else if (change.instruction == "expose") {
    for (const std::string& port : Words(value)) {
      config["ExposedPorts"][Contains(port, "/") ? port : port + "/tcp"] = Json::object();
    }
  } else if (change.instruction == "user") {
    config["User"] = value;
  } else if (change.instruction == "workdir") {
    if (value.front() != '/') return Error(StrCat("workdir ", value, ": want an absolute path"));
    config["WorkingDir"] = value;
  } else if (change.instruction == "stopsignal") {
    config["StopSignal"] = value;
  } else if (change.instruction == "volume") {
    AddKeys(config["Volumes"], value);
  } else {
    std::string near = DidYouMean(
        change.instruction,
        {"cmd", "entrypoint", "env", "expose", "label", "stopsignal", "user", "volume", "workdir"});
    return Error(StrCat("change ", Quote(change.instruction), " is not known",
                        near.empty() ? "" : StrCat(", did you mean ", near, "?")));
  }
  return OkStatus();
}

}  // namespace

Status ApplyChanges(const std::vector<std::string>& changes, Json& config) {
  for (const std::string& text : changes) {
    Change change = TRY(Divide(text));
    TRY(Apply(change, config));
  }
  return OkStatus();
}

}  // namespace kpod::images
