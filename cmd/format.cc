#include "cmd/format.h"

#include <unistd.h>

#include <cctype>
#include <cstdio>

#include "base/clock.h"
#include "base/terminal.h"
#include "base/text.h"
#include "cmd/template.h"

namespace kpod::cmd {

namespace {

// "PodIP" -> "POD IP"
std::string Header(const std::string& field) {
  std::string out;
  for (size_t i = 0; i < field.size(); ++i) {
    auto upper = [&](size_t at) {
      return std::isupper(static_cast<unsigned char>(field[at])) != 0;
    };
    if (i > 0 && upper(i) && !upper(i - 1)) out += ' ';
    out += field[i];
  }
  return ToUpper(out);
}

std::string Unescape(const std::string& format) {
  return ReplaceAll(ReplaceAll(format, "\\t", "\t"), "\\n", "\n");
}

Result<std::string> Columns(const std::string& format, const Json& rows) {
  Template t = TRY(Template::Parse(format));
  std::vector<std::string> header;
  for (const std::string& field : t.Fields()) header.push_back(Header(field));
  Table table(header);
  for (const Json& row : rows) table.Add(Split(TRY(t.Run(row)), '\t'));
  return table.Text();
}

}  // namespace

void FormatOption(po::options_description_easy_init& add) {
  add("format", po::value<std::string>()->default_value("")->value_name("json|TEMPLATE"),
      "print JSON, or each row by a Go template: '{{.Name}}', 'table {{.Name}}\\t{{.Status}}'");
}

void SinceOption(po::options_description_easy_init& add) {
  add("since", po::value<std::string>()->default_value("")->value_name("DURATION|TIME"),
      "only what is newer than 10m, or than a time (RFC 3339)");
}

Result<int64_t> SinceOf(const Invocation& in) {
  std::string text = in.Text("since");
  if (text.empty()) return int64_t{0};
  if (auto d = ParseDuration(text)) return NowNanos() - *d;
  if (auto t = ParseTime(text)) return *t;
  return Error(StrCat("--since ", Quote(text),
                      ": wanted a duration such as 10m, or a time such as 2026-01-02T03:04:05Z"));
}

Result<std::string> FormatRows(const std::string& format, const Table& table, const Json& rows) {
  if (format.empty() || format == "table") return table.Text();
  if (format == "json") return Dump(rows, 2) + "\n";
  std::string text = Unescape(format);
  if (text.starts_with("table ")) return Columns(text.substr(6), rows).Context("--format");
  if (!Contains(text, "{{")) {
    return Error(StrCat("--format ", Quote(format),
                        ": wanted json, table, or a template as "
                        "'{{.",
                        rows.empty() ? "Name" : rows[0].begin().key(), "}}'"));
  }
  Template t = TRY(Template::Parse(text).Context("--format"));
  std::string out;
  for (const Json& row : rows) out += TRY(t.Run(row).Context("--format")) + "\n";
  return out;
}

void Print(std::string_view text) {
  std::string fit;
  if (::isatty(1) == 1) text = fit = Printable(text, true);
  std::fwrite(text.data(), 1, text.size(), stdout);
}

Result<std::string> FormatObject(const std::string& format, const std::string& text,
                                 const Json& object) {
  if (format.empty()) return text;
  if (format == "json") return Dump(object, 2) + "\n";
  return FormatRows(format, Table({}), Json::array({object}));
}

}  // namespace kpod::cmd
