#include "cmd/image_list.h"

#include <algorithm>
#include <cstdio>
#include <set>

#include "base/clock.h"
#include "base/text.h"
#include "cmd/format.h"
#include "cmd/table.h"

namespace kpod::cmd {

namespace {

// "2 hours", as docker and podman say how old an image is.
std::string RoughAge(int64_t nanos) {
  constexpr int64_t kMinute = 60, kHour = 3600, kDay = 24 * kHour;
  int64_t s = std::max<int64_t>(0, nanos / 1'000'000'000);
  if (s < 1) return "Less than a second";
  if (s < kMinute) return Plural(s, "second");
  if (s < 2 * kMinute) return "About a minute";
  if (s < kHour) return Plural(s / kMinute, "minute");
  if (s < 2 * kHour) return "About an hour";
  if (s < 2 * kDay) return Plural(s / kHour, "hour");
  if (s < 14 * kDay) return Plural(s / kDay, "day");
  if (s < 60 * kDay) return Plural(s / kDay / 7, "week");
  if (s < 730 * kDay) return Plural(s / kDay / 30, "month");
  return Plural(s / kDay / 365, "year");
}

// As podman prints them: a name by digest has no tag.
std::pair<std::string, std::string> RepositoryAndTag(const std::string& name) {
  Result<images::Reference> r = images::ParseReference(name);
  if (!r) return {"<none>", "<none>"};
  return {r->domain + "/" + r->path, r->tag.empty() ? "<none>" : r->tag};
}

// `kpod images nginx`: every tag of it; `kpod images nginx:1`: that one.
Result<bool> IsWanted(const images::Image& image, const std::vector<std::string>& asked) {
  for (const std::string& text : asked) {
    images::Reference wanted = TRY(images::ParseReference(text));
    bool any_tag = !Contains(text.substr(text.rfind('/') + 1), ":") && wanted.digest.empty();
    for (const std::string& name : image.names) {
      images::Reference r = TRY(images::ParseReference(name));
      bool same =
          any_tag ? r.domain == wanted.domain && r.path == wanted.path : name == wanted.ToString();
      if (same) return true;
    }
  }
  return asked.empty();
}

}  // namespace

void ImageListOptions(po::options_description_easy_init& add) {
  FormatOption(add);
  add("quiet,q", po::bool_switch(), "ids only");
  add("all,a", po::bool_switch(), "accepted: all images are shown");
  add("no-trunc", po::bool_switch(), "whole ids");
}

Json ImageJson(const images::Image& i) {
  Json tags = Json::array(), digests = Json::array();
  for (const std::string& name : i.names) (Contains(name, "@") ? digests : tags).push_back(name);
  const Json& config = At(i.config, "config");
  return {{"Id", i.id},
          {"Digest", i.digest},
          {"Names", i.names},
          {"RepoTags", tags},
          {"RepoDigests", digests},
          {"Created", FormatTime(i.created_nanos)},
          {"Size", i.size},
          {"Architecture", i.architecture},
          {"Os", i.os},
          {"Author", StringAt(i.config, "author")},
          {"User", i.User()},
          {"Labels", config.contains("Labels") ? At(config, "Labels") : Json::object()},
          {"Config", config},
          {"RootFS", At(i.config, "rootfs")},
          {"History", At(i.config, "history")}};
}

Result<int> ListImages(Invocation& in) {
  images::ImageStore store(in.paths);
  Table table({"REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE"});
  Json rows = Json::array(), named = Json::array();
  std::set<std::string> ids;
  for (const images::Image& i : TRY(store.List())) {
    if (!TRY(IsWanted(i, in.args))) continue;
    rows.push_back(ImageJson(i));
    std::string id = in.Flag("no-trunc") ? i.id : i.id.substr(0, 12);
    if (in.Flag("quiet") && ids.insert(i.id).second) std::printf("%s\n", id.c_str());
    std::string created =
        i.created_nanos == 0 ? "" : RoughAge(NowNanos() - i.created_nanos) + " ago";
    std::vector<std::string> names =
        i.names.empty() ? std::vector<std::string>{"<none>:<none>"} : i.names;
    for (const std::string& name : names) {
      auto [repository, tag] = RepositoryAndTag(name);
      table.Add({repository, tag, id, created, HumanBytes(i.size)});
      Json& row = named.emplace_back(rows.back());
      row["Repository"] = repository;
      row["Tag"] = tag;
      row["ID"] = id;
      row["CreatedSince"] = created;
    }
  }
  if (in.Flag("quiet")) return 0;
  std::string format = in.Text("format");
  Print(TRY(FormatRows(format, table, format == "json" ? rows : named)));
  return 0;
}

}  // namespace kpod::cmd
