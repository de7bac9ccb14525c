// Secrets, downward API files and tokens of a running pod: they lie in memory that only the
// supervisor's mount namespace sees, so it writes them itself, and keeps them current.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/loop.h"
#include "base/result.h"
#include "pods/payload.h"
#include "pods/plan.h"
#include "store/paths.h"

namespace kpod::pods {

class PayloadKeeper {
 public:
  // `plan` may change between two calls of Write.
  PayloadKeeper(const store::Paths& paths, Loop* loop, const Plan* plan, std::string node)
      : paths_(paths), loop_(loop), plan_(plan), node_(std::move(node)) {}
  ~PayloadKeeper() { loop_->Cancel(timer_); }
  PayloadKeeper(const PayloadKeeper&) = delete;
  PayloadKeeper& operator=(const PayloadKeeper&) = delete;

  // From the objects as they are now. What is in force already is left alone; tokens that near
  // their end are made anew, now and later by itself.
  Status Write();

 private:
  struct Token {
    std::string text;
    int64_t refresh = 0;  // seconds since 1970
  };
  Result<std::string> TokenFor(const std::string& volume, const TokenPlan& token);
  void ArmRefresh();

  const store::Paths& paths_;
  Loop* loop_;
  const Plan* plan_;
  std::string node_;                     // the machine's name: tokens are bound to it
  std::map<std::string, Token> tokens_;  // by volume, path, audience, life and account
  Loop::TimerId timer_ = 0;
};

}  // namespace kpod::pods
