#include "kube/object.h"

#include "base/text.h"

namespace kpod::kube {

std::string Diagnostic::ToString() const {
  std::string out = at.file;
  if (at.line > 0) out += StrCat(':', at.line, ':', at.column);
  if (!out.empty()) out += ": ";
  switch (severity) {
    case Severity::kNote:
      out += "note: ";
      break;
    case Severity::kWarning:
      out += "warning: ";
      break;
    case Severity::kError:
      out += "error: ";
      break;
  }
  if (!object.empty()) out += object + ": ";
  if (!path.empty()) out += path + ": ";
  return out + text;
}

}  // namespace kpod::kube
