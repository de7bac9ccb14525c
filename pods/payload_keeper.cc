#include "pods/payload_keeper.h"

#include <unistd.h>

#include <algorithm>
#include <optional>

#include "base/clock.h"
#include "base/text.h"
#include "pods/account_token.h"
#include "pods/lookups.h"
#include "pods/volumes.h"
#include "store/objects.h"

namespace kpod::pods {

namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kRetrySeconds = 10;

}  // namespace

Result<std::string> PayloadKeeper::TokenFor(const std::string& volume, const TokenPlan& t) {
  int64_t now = NowNanos() / kSecond;
  std::string key =
      StrCat(volume, "\n", t.path, "\n", t.audience, "\n", t.expiration_seconds, "\n", t.account);
  if (auto it = tokens_.find(key); it != tokens_.end() && now < it->second.refresh) {
    return it->second.text;
  }
  TokenRequest r;
  r.ns = plan_->ns;
  r.pod = plan_->name;
  r.pod_uid = plan_->uid;
  r.account = t.account;
  auto account = store::ObjectStore(paths_).Get(r.ns, "ServiceAccount", r.account);
  if (account && *account) r.account_uid = (*account)->uid;
  r.node = node_;
  r.audience = t.audience;
  r.issued = now;
  r.expires = now + t.expiration_seconds;
  std::string text = TRY(MakeToken(paths_, r).Context("service account token"));
  tokens_[key] = {text, TokenRefreshTime(r.issued, r.expires)};
  return text;
}

Status PayloadKeeper::Write() {
  std::optional<Lookups> lookups;
  for (const VolumePlan& v : plan_->volumes) {
    if (!IsSecretPayload(v)) continue;
    if (!lookups) {
      LookupOptions options;
      options.pull = false;
      lookups = MakeLookups(paths_, plan_->ns, options);
    }
    Status made;
    auto token = [&](const TokenPlan& t) {
      Result<std::string> text = TokenFor(v.name, t);
      if (!text) made = text.error();
      return text;
    };
    Result<std::optional<std::vector<PayloadFile>>> files = PayloadOf(*lookups, v, token);
    TRY(std::move(made).Context("volume " + v.name));
    if (!files || !*files) continue;  // the plan is blocked, or an object was deleted just now
    TRY(WritePayload(VolumePath(paths_, *plan_, v), **files, plan_->fs_group)
            .Context("volume " + v.name));
  }
  ArmRefresh();
  return OkStatus();
}

void PayloadKeeper::ArmRefresh() {
  loop_->Cancel(timer_);
  timer_ = 0;
  if (tokens_.empty()) return;
  int64_t first = std::min_element(tokens_.begin(), tokens_.end(), [](auto& a, auto& b) {
                    return a.second.refresh < b.second.refresh;
                  })->second.refresh;
  int64_t delay = std::max(first - NowNanos() / kSecond, kRetrySeconds) * kSecond;
  timer_ = loop_->After(delay, [this] {
    timer_ = 0;
    // A disk that is full now is tried again: the old token still holds for a fifth of its life.
    if (!Write()) ArmRefresh();
  });
}

}  // namespace kpod::pods
