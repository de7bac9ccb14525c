#include <fcntl.h>

#include "base/clock.h"
#include "base/text.h"
#include "images/changes.h"
#include "images/helper/commands.h"

namespace kpod::images {

Result<std::vector<Taken>> Import(const store::Paths& paths, const ImportRequest& request,
                                  const Report& report) {
  std::vector<std::string> names;
  if (!request.name.empty()) names.push_back(TRY(ParseReference(request.name)).ToString());
  Json config;
  TRY(ApplyChanges(request.changes, config));
  std::string shown = request.tar == "-" ? "standard input" : request.tar;
  Fd file = request.tar == "-" ? TRY(Dup(0)) : TRY(Open(request.tar, O_RDONLY));
  Intake intake = TRY(Intake::Begin(paths, report));
  FileStream stream(std::move(file));
  Unpacked layer = TRY(intake.TakeLayer(stream, "", "", "layer 1/1", 0).Context(shown));

  std::string created = FormatTimeNano(NowNanos());
  Json history;
  history["created"] = created;
  history["created_by"] = "kpod import " + shown;
  if (!request.message.empty()) history["comment"] = request.message;
  Json image;
  image["created"] = created;
  image["architecture"] = ThisArchitecture();
  image["os"] = "linux";
  image["config"] = config.is_null() ? Json::object() : config;
  image["rootfs"]["type"] = "layers";
  image["rootfs"]["diff_ids"] = Json::array({"sha256:" + layer.diff_id});
  image["history"] = Json::array({history});
  std::string id = TRY(intake.Commit(Dump(image), "", names));
  return std::vector<Taken>{{id, names.empty() ? "" : names.front()}};
}

}  // namespace kpod::images
