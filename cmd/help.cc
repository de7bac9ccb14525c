#include "cmd/help.h"

#include "base/text.h"
#include "cmd/table.h"

namespace kpod::cmd {

namespace {

constexpr size_t kWidth = 100;

// "[=NAME(=IMPLICIT)] (=DEFAULT)", as Boost has it.
struct Value {
  std::string name, otherwise;
  bool optional = false;
};

Value ValueOf(const po::option_description& d) {
  Value v;
  if (d.semantic()->max_tokens() == 0) return v;
  std::string text = d.semantic()->name();
  size_t otherwise = text.rfind(" (=");
  if (otherwise != std::string::npos) {
    v.otherwise = text.substr(otherwise + 3, text.size() - otherwise - 4);
    text.resize(otherwise);
  }
  if (text.starts_with("[=")) {
    v.optional = true;
    text = text.substr(2, text.find("(=") - 2);
  }
  v.name = text;
  if (v.name == "BOOL") v.otherwise = v.otherwise == "1" ? "true" : "false";
  return v;
}

std::vector<std::string> Wrap(const std::string& text, size_t width) {
  std::vector<std::string> lines(1);
  for (const std::string& word : Split(text, ' ')) {
    if (!lines.back().empty() && lines.back().size() + 1 + word.size() > width)
      lines.emplace_back();
    if (!lines.back().empty()) lines.back() += ' ';
    lines.back() += word;
  }
  return lines;
}

std::string OptionsText(const po::options_description& options) {
  size_t column = 0;
  for (const auto& d : options.options()) column = std::max(column, SpellingOf(*d).size() + 3);
  std::string out = "Options:\n";
  for (const auto& d : options.options()) {
    std::string line = SpellingOf(*d);
    std::string text = d->description();
    std::string otherwise = ValueOf(*d).otherwise;
    if (!otherwise.empty() && otherwise != "-1") text += StrCat(" (default ", otherwise, ")");
    for (const std::string& part : Wrap(text, kWidth - column)) {
      out += line + std::string(column - line.size(), ' ') + part + "\n";
      line.clear();
    }
  }
  return out;
}

}  // namespace

std::string SpellingOf(const po::option_description& d) {
  Value v = ValueOf(d);
  std::string short_name = d.canonical_display_name(po::command_line_style::allow_dash_for_short);
  bool has_short = short_name.size() == 2 && short_name[0] == '-';
  std::string out = StrCat("  ", has_short ? short_name + ", " : "    ", "--", d.long_name());
  if (v.optional) return out + "[=" + v.name + "]";
  return v.name.empty() ? out : out + " " + v.name;
}

po::options_description OptionsOf(const Command& c) {
  po::options_description d;
  auto add = d.add_options();
  if (c.options != nullptr) c.options(add);
  add("namespace,n", po::value<std::string>()->default_value("default")->value_name("NAME"),
      "namespace");
  add("help,h", po::bool_switch(), "show this help");
  return d;
}

std::string HelpFor(const Command& c) {
  auto usage = [&](const std::string& words) {
    return StrCat("kpod ", words, " [options]", *c.arguments == '\0' ? "" : " ", c.arguments, "\n");
  };
  std::string out = StrCat(c.summary, "\n\nUsage: ", usage(Join(c.words, " ")));
  for (const std::string& alias : c.aliases) out += "       " + usage(alias);
  if (*c.help != '\0') out += StrCat("\n", c.help, "\n");
  return out + "\n" + OptionsText(OptionsOf(c));
}

std::string HelpForFamily(const std::string& first_word) {
  Table table({});
  bool any = false;
  for (const Command& c : Commands()) {
    std::vector<std::string> spellings = c.aliases;
    spellings.insert(spellings.begin(), Join(c.words, " "));
    for (const std::string& s : spellings) {
      if (!s.starts_with(first_word + " ")) continue;
      any = true;
      table.Add({"  kpod " + s, c.summary});
      break;
    }
  }
  return any ? StrCat("Commands of kpod ", first_word, ":\n", table.Text()) : "";
}

std::string HelpOverview() {
  std::string out =
      "kpod runs Kubernetes manifests on this machine, with no cluster and no daemon.\n\n"
      "  kpod play kube app.yaml     run what the manifest says\n"
      "  kpod ps                     see it run\n"
      "  kpod kube down app.yaml     take it down\n\nCommands:\n";
  Table table({});
  for (const Command& c : Commands()) {
    if (*c.summary != '\0') table.Add({"  " + Join(c.words, " "), c.summary});
  }
  out += table.Text();
  out +=
      "\nOptions before the command: --namespace NAME, --root DIR (state), --run DIR (locks and "
      "sockets).\nkpod COMMAND --help says more.\n";
  return out;
}

}  // namespace kpod::cmd
