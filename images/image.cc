// What a container inherits of an image: the "config" member of the OCI image configuration.
#include "images/images.h"

namespace kpod::images {

std::vector<std::string> Image::Entrypoint() const {
  return StringsAt(At(config, "config"), "Entrypoint");
}
std::vector<std::string> Image::Cmd() const { return StringsAt(At(config, "config"), "Cmd"); }
std::vector<std::string> Image::Env() const { return StringsAt(At(config, "config"), "Env"); }
std::string Image::User() const { return StringAt(At(config, "config"), "User"); }
std::string Image::WorkingDir() const { return StringAt(At(config, "config"), "WorkingDir"); }
std::string Image::StopSignal() const { return StringAt(At(config, "config"), "StopSignal"); }

std::vector<std::string> Image::Volumes() const {
  std::vector<std::string> out;
  const Json& volumes = At(At(config, "config"), "Volumes");
  if (!volumes.is_object()) return out;
  for (const auto& [path, unused] : volumes.items()) out.push_back(path);
  return out;
}

}  // namespace kpod::images
