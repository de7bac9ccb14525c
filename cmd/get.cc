// get: objects in kubectl's tables, or whole.
#include <algorithm>
#include <cstdio>

#include "base/clock.h"
#include "base/text.h"
#include "cmd/asked.h"
#include "cmd/command.h"
#include "cmd/format.h"
#include "cmd/get_objects.h"
#include "cmd/get_table.h"
#include "cmd/table.h"
#include "kube/kind_names.h"
#include "kube/load.h"

namespace kpod::cmd {

namespace {

void GetOptions(po::options_description_easy_init& add) {
  add("output,o", po::value<std::string>()->default_value("")->value_name("FORMAT"),
      "wide, json, yaml or name");
  add("all-namespaces,A", po::bool_switch(), "of every namespace");
  add("selector,l", po::value<std::string>()->default_value("")->value_name("LABELS"),
      "those whose labels match");
  add("no-headers", po::bool_switch(), "without the line of headers");
}

std::string TableOf(const Invocation& in, const Asked& asked, const std::vector<Listed>& items,
                    bool with_kind) {
  bool wide = in.Text("output") == "wide";
  bool with_namespace = in.Flag("all-namespaces") && IsNamespaced(asked.kind);
  auto row = [&](const std::string& ns, const std::string& name, const Columns& columns,
                 const std::string& age) {
    std::vector<std::string> cells = {name};
    if (with_namespace) cells.insert(cells.begin(), ns);
    cells.insert(cells.end(), columns.narrow.begin(), columns.narrow.end());
    cells.push_back(age);
    if (wide) cells.insert(cells.end(), columns.wide.begin(), columns.wide.end());
    return cells;
  };
  std::vector<std::string> header = row("NAMESPACE", "NAME", HeadersOf(asked.kind), "AGE");
  Table table(in.Flag("no-headers") ? std::vector<std::string>() : header);
  int64_t now = NowNanos();
  for (const Listed& i : items) {
    std::string age = i.created_nanos == 0 ? "<unknown>" : HumanDuration(now - i.created_nanos);
    std::string name = with_kind ? StrCat(kube::ResourceName(asked.kind), "/", i.name) : i.name;
    table.Add(row(i.ns, name, CellsOf(asked.kind, i), age));
  }
  return table.Text();
}

std::string Whole(std::vector<Json> objects, bool one, bool yaml) {
  Json out;
  if (one && objects.size() == 1) {
    out = std::move(objects[0]);
  } else {
    out = {{"apiVersion", "v1"}, {"kind", "List"}, {"items", std::move(objects)}};
  }
  return yaml ? kube::ToYaml(out) : Dump(out, 2) + "\n";
}

Result<int> Get(Invocation& in) {
  std::string output = in.Text("output");
  if (!output.empty() && output != "wide" && output != "json" && output != "yaml" &&
      output != "name")
    return Error(StrCat("--output ", output, ": wanted wide, json, yaml or name"));
  std::vector<Asked> asked = TRY(WhatIsAsked(in.args));
  std::vector<Json> objects;
  std::string text;
  bool one_object = asked.size() == 1 && asked[0].names.size() == 1;
  for (const Asked& a : asked) {
    std::vector<Listed> items = TRY(FindAsked(in, a));
    if (items.empty()) continue;
    if (output == "json" || output == "yaml") {
      for (Listed& item : items) objects.push_back(std::move(item.object));
    } else if (output == "name") {
      for (const Listed& item : items)
        text += StrCat(kube::ResourceName(a.kind), "/", item.name, "\n");
    } else {
      text += StrCat(text.empty() ? "" : "\n", TableOf(in, a, items, asked.size() > 1));
    }
  }
  if (output == "json" || output == "yaml") {
    Print(Whole(std::move(objects), one_object, output == "yaml"));
  } else if (text.empty() && output != "name") {
    bool everywhere =
        in.Flag("all-namespaces") || (asked.size() == 1 && !IsNamespaced(asked[0].kind));
    std::fprintf(stderr, "No resources found%s.\n",
                 everywhere ? "" : StrCat(" in ", in.ns, " namespace").c_str());
  } else {
    Print(text);
  }
  return 0;
}

}  // namespace

void AddGetCommand(std::vector<Command>* out) {
  out->push_back(
      {{"get"},
       {},
       "KIND[,KIND...] [NAME...] | KIND/NAME...",
       "List objects, as kubectl does",
       "A KIND in any of kubectl's forms: services, svc, Service; \"all\" for workloads and "
       "Services. "
       "With\n-o json and -o yaml the objects whole, with what became of them: a Service's "
       "address and ports, a\npod's status.\n\n"
       "Examples:\n  kpod get svc,endpoints\n  kpod get svc web -o yaml\n"
       "  kpod get all -A -o wide\n  kpod get endpointslices -l "
       "kubernetes.io/service-name=web",
       GetOptions,
       Get});
}

}  // namespace kpod::cmd
