#include "images/helper/commands.h"

namespace kpod::images {

Result<std::vector<Taken>> Load(const store::Paths& paths, const std::string& path,
                                const Report& report) {
  Intake intake = TRY(Intake::Begin(paths, report));
  std::string shown = path == "-" ? "standard input" : path;
  std::unique_ptr<Bundle> bundle = TRY(OpenBundle(path, intake.temp()).Context(shown));
  return intake.Take(*bundle, {}).Context(shown);
}

}  // namespace kpod::images
