// The one place that knows yaml-cpp.
#include "kube/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <exception>
#include <sstream>

#include "base/text.h"
#include "kube/yaml_build.h"
#include "kube/yaml_json.h"
#include "kube/yaml_text.h"

namespace kpod::kube {
namespace {

struct Stopped : std::exception {};  // the builder has said why

class Events : public YAML::EventHandler {
 public:
  Events(Builder* builder, const std::string* text, int first_line)
      : builder_(builder), text_(text), first_line_(first_line) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    // yaml-cpp reads [a, , b] as three values; YAML does not have it.
    size_t at = static_cast<size_t>(mark.pos);
    if (!flow_sequence_.empty() && flow_sequence_.back() && anchor == 0 && at < text_->size() &&
        ((*text_)[at] == ',' || (*text_)[at] == ']')) {
      builder_->Fail(Line(mark), Column(mark), "YAML: a comma with no value before it");
      Check(false);
    }
    Check(builder_->Null(Line(mark), Column(mark), anchor));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Check(builder_->Alias(Line(mark), Column(mark), anchor));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Check(builder_->Scalar(Line(mark), Column(mark), tag, value, anchor));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    flow_sequence_.push_back(style == YAML::EmitterStyle::Flow);
    Check(builder_->Start(Node::Kind::kSequence, Line(mark), Column(mark), anchor));
  }
  void OnSequenceEnd() override { OnMapEnd(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    flow_sequence_.push_back(false);
    Check(builder_->Start(Node::Kind::kMap, Line(mark), Column(mark), anchor));
  }
  void OnMapEnd() override {
    flow_sequence_.pop_back();
    Check(builder_->End());
  }

  int Line(const YAML::Mark& mark) const { return mark.line + first_line_; }
  static int Column(const YAML::Mark& mark) { return mark.column + 1; }

 private:
  static void Check(bool ok) {
    if (!ok) throw Stopped();
  }
  Builder* builder_;
  const std::string* text_;
  int first_line_;
  std::vector<bool> flow_sequence_;  // of the open collections: is it a [flow] sequence?
};

// What the scanner says, for people who do not know scanners.
std::string Plainly(const std::string& message) {
  static constexpr std::string_view kPlain[][2] = {
      {"illegal map value", "a \": \" where no key can be; a value that holds one needs quotes"},
      {"end of map not found",
       "this line fits no map above: is its indentation right, and has its key a colon?"},
      {"end of sequence not found", "this line fits no list above: is its indentation right?"},
      {"end of map flow not found", "a { without its }, or two entries with no comma between"},
      {"end of sequence flow not found", "a [ without its ], or two items with no comma between"},
      {"illegal EOF in scalar", "a quote that is never closed"},
      {"illegal document indicator in scalar", "a quote that is never closed"},
      {"bad file", "nested too deep"},  // what its guard against recursion says
      {"illegal flow end", "a ] or } that nothing opened"},
      {"illegal block entry", "a \"- \" where no list can begin"},
      {"unknown token", "a character that cannot begin a value; put the value in quotes"},
  };
  for (const auto& [scanner, plain] : kPlain) {
    if (message == scanner) return std::string(plain);
  }
  return message;
}

// What the scanner cannot know: why people write such a line.
std::string WhyOf(std::string_view text, int line) {
  for (int i = 0; i < line; ++i) {
    size_t end = text.find('\n');
    if (end == std::string_view::npos) return "";
    text.remove_prefix(end + 1);
  }
  text = text.substr(0, text.find('\n'));
  std::string_view indent = text.substr(0, text.find_first_not_of(" \t"));
  if (Contains(text, "{{")) return "; a template must be rendered first (helm template)";
  if (Contains(indent, "\t")) return "; this line is indented by a tab, and YAML wants spaces";
  return "";
}

Document ParseChunk(const Chunk& chunk, Budget* budget) {
  Document document;
  document.line = chunk.first_line;
  Builder builder(budget);
  // The mark at the end makes yaml-cpp see a quote that is never closed.
  std::string chunk_text = StrCat(chunk.text, chunk.text.ends_with('\n') ? "...\n" : "\n...\n");
  Events events(&builder, &chunk_text, chunk.first_line);
  try {
    std::istringstream stream{chunk_text};
    YAML::Parser parser(stream);
    if (parser.HandleNextDocument(events) && parser) {
      // A second document inside one chunk means that the first ended where it should not.
      Builder rest(budget);
      Events more(&rest, &chunk_text, chunk.first_line);
      if (parser.HandleNextDocument(more) && !rest.TakeRoot().IsNull()) {
        builder.Fail(chunk.first_line, 1, "text after the end of the document");
      }
    }
  } catch (const Stopped&) {
  } catch (const YAML::Exception& e) {
    // What is missing at the end is missed on the last line, not on the mark that we put there.
    std::string_view written = chunk.text;
    while (written.ends_with('\n')) written.remove_suffix(1);
    int last =
        chunk.first_line + static_cast<int>(std::count(written.begin(), written.end(), '\n'));
    int line = e.mark.line < 0 ? chunk.first_line : std::min(events.Line(e.mark), last);
    builder.Fail(line, e.mark.column < 0 ? 1 : Events::Column(e.mark),
                 StrCat("YAML: ", Plainly(e.msg)));
  } catch (const std::exception& e) {
    builder.Fail(chunk.first_line, 1, StrCat("YAML: ", e.what()));
  }
  document.problems = builder.TakeProblems();
  for (Problem& problem : document.problems) {
    if (problem.error) problem.text += WhyOf(chunk.text, problem.line - chunk.first_line);
  }
  if (!builder.failed()) document.root = builder.TakeRoot();
  return document;
}

std::vector<Document> ParseClean(const std::string& text) {
  size_t first = text.find_first_not_of(" \t\n");
  if (first != std::string::npos && (text[first] == '{' || text[first] == '[')) {
    std::vector<Document> documents = ParseJsonStream(text);
    if (!documents.empty()) return documents;
  }
  Budget budget;
  std::vector<Document> documents;
  for (const Chunk& chunk : SplitDocuments(text)) {
    documents.push_back(ParseChunk(chunk, &budget));
  }
  return documents;
}

}  // namespace

std::vector<Document> ParseDocuments(std::string_view text) {
  std::string clean;
  std::vector<Problem> problems;
  std::vector<Document> documents;
  if (CleanText(text, &clean, &problems)) documents = ParseClean(clean);
  if (problems.empty()) return documents;
  if (documents.empty()) documents.emplace_back();
  std::vector<Problem>& first = documents.front().problems;
  first.insert(first.begin(), problems.begin(), problems.end());
  return documents;
}

}  // namespace kpod::kube
