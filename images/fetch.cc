#include "images/fetch.h"

#include "base/spawn.h"
#include "base/text.h"
#include "images/images.h"

namespace kpod::images {

Result<std::string> FetchUrl(const std::string& url) {
  SpawnOptions options;
  options.argv = {HelperPath(), "fetch", "--", url};
  options.max_output = 17 << 20;
  Captured captured = TRY(RunProgram(options));
  if (captured.exit.code == 0) return std::move(captured.out);
  std::string_view sentence = Trim(captured.err);
  if (!sentence.empty()) return Error(std::string(sentence));
  return Error(StrCat("kpod-helper ended with exit code ", captured.exit.code));
}

}  // namespace kpod::images
