#include "cmd/template.h"

#include <algorithm>

#include "base/text.h"
#include "cmd/template_node.h"

namespace kpod::cmd {

namespace {

class Runner {
 public:
  explicit Runner(const Json& root) : root_(root) {}

  Status Run(const std::vector<TemplateNode>& nodes, const Json& dot) {
    size_t scope = variables_.size();
    for (const TemplateNode& n : nodes) TRY(One(n, dot));
    variables_.resize(scope);
    return OkStatus();
  }

  std::string out;

 private:
  struct Variable {
    std::string name;
    Json value;
  };

  Status One(const TemplateNode& n, const Json& dot) {
    if (n.kind == TemplateNode::Kind::kText) {
      out += n.text;
      return OkStatus();
    }
    size_t scope = variables_.size();
    Json value = TRY(Pipeline(n.pipeline, dot, n.kind == TemplateNode::Kind::kRange));
    if (n.kind == TemplateNode::Kind::kAction) {
      // A variable declared by an action lives until its block ends.
      if (n.pipeline.variables.empty()) out += GoText(value);
      return OkStatus();
    }
    if (n.kind == TemplateNode::Kind::kRange) {
      TRY(Range(n, value, dot));
    } else if (TemplateTruth(value)) {
      TRY(Run(n.body, n.kind == TemplateNode::Kind::kWith ? value : dot));
    } else {
      TRY(Run(n.otherwise, dot));
    }
    variables_.resize(scope);
    return OkStatus();
  }

  Status Range(const TemplateNode& n, const Json& value, const Json& dot) {
    if (!value.is_null() && !value.is_array() && !value.is_object()) {
      return Error(StrCat("template: range over ", GoText(value), ": it is no list"));
    }
    if (value.empty()) return Run(n.otherwise, dot);
    std::vector<std::pair<Json, Json>> items;
    for (const auto& [key, element] : value.items()) {
      items.emplace_back(value.is_array() ? Json(items.size()) : Json(key), element);
    }
    if (value.is_object()) {  // Go goes through a map in the order of its keys
      std::sort(items.begin(), items.end(),
                [](const auto& a, const auto& b) { return a.first < b.first; });
    }
    const std::vector<std::string>& names = n.pipeline.variables;
    for (const auto& [key, element] : items) {
      size_t scope = variables_.size();
      if (names.size() == 2) variables_.push_back({names[0], key});
      if (!names.empty()) variables_.push_back({names.back(), element});
      TRY(Run(n.body, element));
      variables_.resize(scope);
    }
    return OkStatus();
  }

  Result<Json> Pipeline(const TemplatePipeline& p, const Json& dot, bool range = false) {
    Json value;
    for (size_t i = 0; i < p.commands.size(); ++i) {
      value = TRY(Command(p.commands[i], dot, i == 0 ? nullptr : &value));
    }
    if (range || p.variables.empty()) return value;
    const std::string& name = p.variables.back();
    if (p.declares) {
      variables_.push_back({name, value});
      return value;
    }
    TRY(Find(name))->value = value;
    return value;
  }

  Result<Variable*> Find(const std::string& name) {
    for (auto v = variables_.rbegin(); v != variables_.rend(); ++v) {
      if (v->name == name) return &*v;
    }
    return Error(StrCat("template: undefined variable \"$", name, "\""));
  }

  Result<Json> Command(const TemplateCommand& c, const Json& dot, const Json* piped) {
    if (c[0].kind != TemplateOperand::Kind::kFunction) {
      if (piped != nullptr) return Error("template: only a function takes what stands before |");
      return Operand(c[0], dot);
    }
    std::vector<Json> args;
    for (size_t i = 1; i < c.size(); ++i) args.push_back(TRY(Operand(c[i], dot)));
    if (piped != nullptr) args.push_back(*piped);
    Result<Json> value = CallTemplateFunction(c[0].name, args);
    if (!value) return std::move(value.error()).Wrap("template");
    return value;
  }

  Result<Json> Operand(const TemplateOperand& o, const Json& dot) {
    switch (o.kind) {
      case TemplateOperand::Kind::kLiteral:
        return o.literal;
      case TemplateOperand::Kind::kFunction:
        return CallTemplateFunction(o.name, {});
      case TemplateOperand::Kind::kDot:
        return Follow(dot, o.fields);
      case TemplateOperand::Kind::kVariable:
        if (o.name.empty()) return Follow(root_, o.fields);  // $
        return Follow(TRY(Find(o.name))->value, o.fields);
      case TemplateOperand::Kind::kPipeline:
        return Follow(TRY(Pipeline(*o.pipeline, dot)), o.fields);
    }
    return Json();
  }

  Result<Json> Follow(const Json& from, const std::vector<std::string>& fields) const {
    const Json* at = &from;
    for (const std::string& field : fields) {
      bool known = at->is_object() && at->contains(field);
      if (!known && &from == &root_ && at == &root_) return Unknown(field);
      if (!known && !at->is_object() && !at->is_null()) {
        return Error(StrCat("template: can't evaluate field ", field, " in ", GoText(*at)));
      }
      at = &At(*at, field);
    }
    return *at;
  }

  Error Unknown(const std::string& field) const {
    std::vector<std::string> known;
    for (const auto& [key, value] : root_.items()) known.push_back(key);
    std::string guess = DidYouMean(field, known);
    return Error(
        guess.empty()
            ? StrCat("template: there is no field ", field, ", there are ", Join(known, ", "))
            : StrCat("template: there is no field ", field, ": did you mean ", guess, "?"));
  }

  const Json& root_;
  std::vector<Variable> variables_;
};

void CollectFields(const std::vector<TemplateNode>& nodes, std::vector<std::string>* out) {
  for (const TemplateNode& n : nodes) {
    if (n.kind == TemplateNode::Kind::kIf) CollectFields(n.body, out);
    if (n.kind != TemplateNode::Kind::kAction) continue;
    std::string name;
    for (const TemplateCommand& c : n.pipeline.commands) {
      for (const TemplateOperand& o : c) {
        if (!o.fields.empty()) name = o.fields.back();
      }
    }
    out->push_back(name);
  }
}

}  // namespace

Result<Template> Template::Parse(std::string_view text) {
  Template t;
  t.nodes_ = std::make_shared<const std::vector<TemplateNode>>(TRY(ParseTemplate(text)));
  return t;
}

Result<std::string> Template::Run(const Json& dot) const {
  Runner runner(dot);
  TRY(runner.Run(*nodes_, dot));
  return std::move(runner.out);
}

std::vector<std::string> Template::Fields() const {
  std::vector<std::string> out;
  CollectFields(*nodes_, &out);
  return out;
}

}  // namespace kpod::cmd
