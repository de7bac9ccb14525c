#include "pods/detach_keys.h"

#include "base/text.h"

namespace kpod::pods {

Result<DetachKeys> DetachKeys::Parse(std::string_view text) {
  DetachKeys out;
  for (const std::string& key : Split(text, ',')) {
    if (key.size() == 1) {
      out.keys_ += key;
      continue;
    }
    std::string control = key.starts_with("ctrl-") ? ToUpper(key.substr(5)) : "";
    bool known = control.size() == 1 && control[0] >= '@' && control[0] <= '_';
    if (!known)
      return Error(StrCat("--detach-keys ", Quote(text), ": ", Quote(key),
                          " is neither a character nor ctrl- and one"));
    out.keys_.push_back(static_cast<char>(control[0] & 0x1f));
  }
  return out;
}

DetachKeys::Typed DetachKeys::Feed(std::string_view bytes) {
  Typed out;
  if (keys_.empty()) return {std::string(bytes), false};
  for (char c : bytes) {
    // What was held back may still end with a shorter beginning.
    std::string typed = keys_.substr(0, held_) + c;
    for (held_ = typed.size(); held_ > 0; --held_) {
      if (typed.ends_with(std::string_view(keys_).substr(0, held_))) break;
    }
    out.text += typed.substr(0, typed.size() - held_);
    if (held_ < keys_.size()) continue;
    held_ = 0;
    out.detached = true;
    return out;
  }
  return out;
}

}  // namespace kpod::pods
