// The keys that leave a container without ending it ("ctrl-p,ctrl-q"), found in what is typed.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace kpod::pods {

class DetachKeys {
 public:
  // podman's form: keys by comma, each a character or ctrl-X with X a letter or one of @ [ \ ] ^ _;
  // "" has none.
  static Result<DetachKeys> Parse(std::string_view text);

  struct Typed {
    std::string text;  // for the container
    bool detached = false;
  };
  // Keys that may be the beginning of the sequence are held back until the next one tells.
  Typed Feed(std::string_view bytes);

 private:
  std::string keys_;
  size_t held_ = 0;  // how many of keys_ were typed
};

}  // namespace kpod::pods
