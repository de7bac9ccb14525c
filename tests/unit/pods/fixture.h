// A machine as MakePlan sees it: objects and images in maps.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "kube/decode.h"
#include "pods/make_plan.h"

namespace kpod::pods {

struct FakeMachine {
  std::map<std::string, kube::StringMap> config_maps, secrets;
  std::map<std::string, kube::ClaimSpec> claims;
  std::map<std::string, Json> images;  // reference -> "config" of the image's configuration
  std::map<std::string, std::string> files = {
      {"/etc/passwd",
       "root:x:0:0::/root:/bin/sh\nweb:x:101:102::/srv/web:/bin/sh\nplain:x:200:200:::\n"},
      {"/etc/group", "root:x:0:\nweb:x:102:\nlogs:x:300:web\nmedia:x:301:web,plain\n"}};
  std::vector<Note> notes;

  Lookups lookups() {
    Lookups l;
    l.node_name = "node-1";
    l.allocatable = [](const std::string& resource) -> int64_t {
      if (resource == "cpu") return 2500;
      return resource == "memory" ? int64_t{4} << 30 : int64_t{100} << 30;
    };
    l.config_map = [this](const std::string& name) -> std::optional<kube::ConfigMap> {
      auto it = config_maps.find(name);
      if (it == config_maps.end()) return std::nullopt;
      kube::ConfigMap out;
      out.data = it->second;
      return out;
    };
    l.secret = [this](const std::string& name) -> std::optional<kube::Secret> {
      auto it = secrets.find(name);
      if (it == secrets.end()) return std::nullopt;
      kube::Secret out;
      out.data = it->second;
      return out;
    };
    l.claim = [this](const std::string& name) -> std::optional<kube::ClaimSpec> {
      auto it = claims.find(name);
      return it == claims.end() ? std::nullopt : std::optional(it->second);
    };
    l.image = [this](const std::string& reference, const std::string&,
                     const std::vector<std::string>&) {
      Lookups::ImageAnswer answer;
      auto it = images.find(reference);
      if (it == images.end()) {
        answer.blocked = {"ErrImagePull", "image is not on this machine", reference};
        return answer;
      }
      images::Image image;
      image.id = "abc";
      image.layers = {"/layers/top", "/layers/base"};
      image.config = {{"config", it->second}};
      answer.image = std::move(image);
      return answer;
    };
    l.image_file = [this](const std::vector<std::string>&, const std::string& path) {
      return files[path];
    };
    l.note = [this](const Note& note) { notes.push_back(note); };
    return l;
  }

  // `spec` and `container` are JSON fragments laid over a pod of one container of image "app".
  Plan Make(const std::string& container = "{}", const std::string& spec = "{}") {
    if (images.empty()) images["app"] = {{"Cmd", {"run"}}};
    Json pod = Json::parse(
        R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"shop","uid":"u-1"},"spec":{}})");
    pod["spec"].update(Json::parse(spec));
    Json main = {{"name", "main"}, {"image", "app"}};
    main.update(Json::parse(container));
    if (!pod["spec"].contains("containers")) pod["spec"]["containers"] = Json::array({main});
    return MakePlan(kube::DecodePod(pod), lookups());
  }
  ContainerPlan Container(const std::string& container = "{}", const std::string& spec = "{}") {
    return Make(container, spec).containers.at(0);
  }
};

}  // namespace kpod::pods
