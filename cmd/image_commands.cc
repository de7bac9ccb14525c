// images, load, import, pull, tag, rmi, image inspect, image prune.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <set>

#include "base/text.h"
#include "cmd/command.h"
#include "cmd/format.h"
#include "cmd/image_list.h"
#include "cmd/table.h"
#include "images/images.h"
#include "images/progress.h"
#include "pods/manager.h"

namespace kpod::cmd {

namespace {

// Pods that wait for an image go on when it is there.
Status WakePods(const store::Paths& paths) {
  pods::Manager manager(paths);
  std::set<std::string> namespaces;
  for (const pods::PodRecord& p : TRY(pods::ListPods(paths))) {
    std::vector<const pods::ContainerPlan*> all = p.plan.All();
    bool waits = std::any_of(all.begin(), all.end(), [](const pods::ContainerPlan* c) {
      return !c->blocked.reason.empty();
    });
    if (waits) namespaces.insert(p.plan.ns);
  }
  for (const std::string& ns : namespaces) TRY(manager.Reconcile(ns));
  return OkStatus();
}

void LoadOptions(po::options_description_easy_init& add) {
  add("input,i", po::value<std::string>()->default_value("")->value_name("FILE"),
      "archive or directory (default: standard input)");
  add("quiet,q", po::bool_switch(), "no progress");
}

Result<int> Load(Invocation& in) {
  std::vector<std::string> files = in.args;
  if (!in.Text("input").empty()) files.push_back(in.Text("input"));
  if (files.empty()) {
    if (::isatty(0) == 1) return Error("which archive? Name it with --input");
    files.push_back("-");
  }
  images::ImageStore store(in.paths);
  images::ProgressBar bar(in.Flag("quiet"));
  for (const std::string& f : files) {
    std::vector<images::Image> loaded = TRY(store.Load(f, bar.Callback()));
    bar.Finish();
    for (const images::Image& i : loaded) {
      std::vector<std::string> names = i.names;
      if (names.empty()) names.push_back("sha256:" + i.id);
      for (const std::string& name : names) Print(StrCat("Loaded image: ", name, "\n"));
    }
  }
  TRY(WakePods(in.paths));
  return 0;
}

void ImportOptions(po::options_description_easy_init& add) {
  add("change,c", po::value<std::vector<std::string>>()->value_name("INSTRUCTION"),
      "as in a Dockerfile: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME, WORKDIR");
  add("message,m", po::value<std::string>()->default_value("")->value_name("TEXT"),
      "kept in the history");
  add("quiet,q", po::bool_switch(), "no progress");
}

Result<int> Import(Invocation& in) {
  if (in.args.empty() || in.args.size() > 2) return Error("wanted: kpod import FILE [NAME]");
  images::ImageStore::ImportOptions options;
  if (in.args.size() == 2) options.name = in.args[1];
  options.changes = in.Texts("change");
  options.message = in.Text("message");
  images::ImageStore store(in.paths);
  images::ProgressBar bar(in.Flag("quiet"));
  images::Image i = TRY(store.Import(in.args[0], options, bar.Callback()));
  bar.Finish();
  std::printf("sha256:%s\n", i.id.c_str());
  TRY(WakePods(in.paths));
  return 0;
}

void PullOptions(po::options_description_easy_init& add) {
  add("authfile", po::value<std::string>()->default_value("")->value_name("FILE"),
      "credentials, as skopeo and podman keep them");
  add("tls-verify",
      po::value<bool>()->default_value(true)->implicit_value(true)->value_name("BOOL"),
      "check the registry's certificate");
  add("quiet,q", po::bool_switch(), "no progress");
}

Result<int> Pull(Invocation& in) {
  if (in.args.empty()) return Error("which image?");
  images::ImageStore store(in.paths);
  images::ImageStore::PullOptions options;
  options.authfile = in.Text("authfile");
  options.tls_verify = in.Flag("tls-verify");
  options.quiet = in.Flag("quiet");
  for (const std::string& name : in.args) {
    images::ProgressBar bar(options.quiet);
    images::Image i = TRY(store.Pull(name, options, bar.Callback()));
    bar.Finish();
    std::printf("%s\n", i.id.c_str());
  }
  TRY(WakePods(in.paths));
  return 0;
}

// An image, or the error with the name that is nearest.
Result<images::Image> FindImage(const images::ImageStore& store, const std::string& name) {
  Result<images::Image> found = store.Find(name);
  if (found || found.error().code() != ENOENT) return found;
  std::vector<std::string> known;
  for (const images::Image& i : TRY(store.List())) {
    for (const std::string& full : i.names) {
      known.push_back(full);
      if (Result<images::Reference> r = images::ParseReference(full))
        known.push_back(r->Familiar());
    }
  }
  std::string guess = DidYouMean(name, known);
  if (guess.empty()) return found;
  return Error(StrCat(found.error().message(), ": did you mean ", Quote(guess), "?"))
      .WithCode(ENOENT);
}

Result<int> Tag(Invocation& in) {
  if (in.args.size() < 2) return Error("wanted: kpod tag IMAGE NAME...");
  images::ImageStore store(in.paths);
  TRY(FindImage(store, in.args[0]));
  for (size_t i = 1; i < in.args.size(); ++i) TRY(store.Tag(in.args[0], in.args[i]));
  TRY(WakePods(in.paths));
  return 0;
}

Result<std::vector<std::string>> ImagesInUse(const store::Paths& paths) {
  std::set<std::string> ids;
  for (const pods::PodRecord& p : TRY(pods::ListPods(paths))) {
    for (const pods::ContainerPlan* c : p.plan.All()) {
      if (!c->image_id.empty()) ids.insert(c->image_id);
    }
    for (const pods::VolumePlan& v : p.plan.volumes) {
      if (!v.image_id.empty()) ids.insert(v.image_id);
    }
    for (const pods::ContainerStatus& c : p.status.ephemeral_containers) {
      if (c.state.running) ids.insert(c.image_id.substr(c.image_id.find(':') + 1));
    }
  }
  return std::vector<std::string>(ids.begin(), ids.end());
}

void RemoveOptions(po::options_description_easy_init& add) {
  add("force,f", po::bool_switch(), "although a pod uses it, or it has several names");
  add("all,a", po::bool_switch(), "every image");
}

Result<int> Remove(Invocation& in) {
  images::ImageStore store(in.paths);
  std::vector<std::string> names = in.args;
  if (in.Flag("all")) {
    for (const images::Image& i : TRY(store.List())) {
      if (i.names.empty()) names.push_back(i.id);
      names.insert(names.end(), i.names.begin(), i.names.end());
    }
  }
  if (names.empty() && !in.Flag("all")) return Error("which image?");
  std::vector<std::string> in_use = TRY(ImagesInUse(in.paths));
  // One that cannot go does not keep the others.
  std::vector<std::string> failed;
  int code = 0;
  for (const std::string& name : names) {
    Result<std::vector<std::string>> lines = store.Remove(name, in_use, in.Flag("force"));
    if (!lines) {
      failed.push_back(lines.error().message());
      code = std::max(code, lines.error().exit_code());
      continue;
    }
    for (const std::string& line : *lines) std::printf("%s\n", line.c_str());
  }
  if (!failed.empty()) return Error(Join(failed, "; "), code);
  return 0;
}

Result<int> InspectImage(Invocation& in) {
  if (in.args.empty()) return Error("which image?");
  images::ImageStore store(in.paths);
  Json out = Json::array();
  for (const std::string& name : in.args) out.push_back(ImageJson(TRY(FindImage(store, name))));
  std::string whole = Dump(out, 2) + "\n";
  std::string format = in.Text("format");
  Print(format.empty() ? whole : TRY(FormatRows(format, Table({}), out)));
  return 0;
}

void PruneOptions(po::options_description_easy_init& add) {
  add("all,a", po::bool_switch(), "every image that no pod uses, not only those without a name");
  add("force,f", po::bool_switch(), "accepted: kpod does not ask");
}

Result<int> Prune(Invocation& in) {
  images::ImageStore store(in.paths);
  std::vector<std::string> in_use = TRY(ImagesInUse(in.paths));
  for (const std::string& line : TRY(store.PruneDangling(in_use, in.Flag("all"))))
    std::printf("%s\n", line.c_str());
  uint64_t freed = TRY(store.CollectGarbage());
  std::printf("freed %s\n", HumanBytes(freed).c_str());
  return 0;
}

Result<int> SystemPrune(Invocation& in) {
  pods::Manager manager(in.paths);
  TRY(manager.Repair());
  return Prune(in);
}

}  // namespace

void AddImageCommands(std::vector<Command>* out) {
  out->push_back({{"images"},
                  {"image ls", "image list"},
                  "[NAME...]",
                  "List images",
                  "As JSON an image a row; by a template a name a row, with Repository and Tag.\n\n"
                  "Examples:\n  kpod images nginx\n  kpod images --format "
                  "'{{.Repository}}:{{.Tag}} {{.Size}}'",
                  ImageListOptions,
                  ListImages});
  out->push_back(
      {{"load"},
       {"image load"},
       "[FILE]",
       "Load images from an archive or a directory",
       "Reads docker-archive and oci-archive files, compressed or not, and OCI "
       "directories.\n\nExamples:\n  kpod load -i nginx.tar\n  docker save nginx | kpod load",
       LoadOptions,
       Load});
  out->push_back({{"import"},
                  {"image import"},
                  "FILE [NAME]",
                  "Make an image of a root filesystem's tar file",
                  "",
                  ImportOptions,
                  Import});
  out->push_back({{"pull"},
                  {"image pull"},
                  "IMAGE...",
                  "Fetch images from a registry",
                  "Any transport of skopeo: nginx, docker://..., oci:..., containers-storage:..., "
                  "docker-daemon:...",
                  PullOptions,
                  Pull});
  out->push_back(
      {{"tag"}, {"image tag"}, "IMAGE NAME...", "Give an image another name", "", nullptr, Tag});
  out->push_back({{"rmi"}, {"image rm"}, "IMAGE...", "Remove images", "", RemoveOptions, Remove});
  out->push_back({{"image", "inspect"},
                  {},
                  "IMAGE...",
                  "Print images as JSON",
                  "",
                  FormatOption,
                  InspectImage});
  out->push_back(
      {{"image", "prune"}, {}, "", "Remove images that nothing needs", "", PruneOptions, Prune});
  out->push_back({{"system", "prune"},
                  {},
                  "",
                  "Clear away what crashes and removed images left",
                  "",
                  PruneOptions,
                  SystemPrune});
}

}  // namespace kpod::cmd
