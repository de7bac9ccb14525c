// ConfigMap, Secret and PersistentVolumeClaim. Source: pkg/apis/core/validation.
#include <algorithm>

#include "base/text.h"
#include "kube/rules_check.h"
#include "kube/rules_names.h"

namespace kpod::kube::rules {
namespace {

constexpr int64_t kMaxBytes = 1024 * 1024;  // of all values together

// Keys that a Secret of a type cannot be without.
struct SecretRule {
  std::string_view type;
  const char* key;
};
constexpr SecretRule kSecretKeys[] = {
    {"kubernetes.io/dockercfg", ".dockercfg"},
    {"kubernetes.io/dockerconfigjson", ".dockerconfigjson"},
    {"kubernetes.io/ssh-auth", "ssh-privatekey"},
    {"kubernetes.io/tls", "tls.crt"},
    {"kubernetes.io/tls", "tls.key"},
};

void CheckKeys(const Field& data) {
  for (const auto& [key, value] : data.Members()) {
    Field at = data.NameOf(key);
    if (std::string why = IsConfigMapKey(key); !why.empty()) at.Key(key).InvalidText(key, why);
  }
}

int64_t TextBytes(const Field& data) {
  int64_t bytes = 0;
  for (const auto& [key, value] : data.Members())
    bytes += static_cast<int64_t>(value.Text().size());
  return bytes;
}

// What base64 comes to; structure has refused what is none.
int64_t DecodedBytes(const Field& data) {
  int64_t bytes = 0;
  for (const auto& [key, value] : data.Members()) {
    std::string_view text = value.Text();
    while (text.ends_with('=')) text.remove_suffix(1);
    bytes += static_cast<int64_t>(text.size() * 3 / 4);
  }
  return bytes;
}

bool HasKey(const Field& root, const char* key) {
  return root["data"].Key(key).present() || root["stringData"].Key(key).present();
}

// The values themselves are secret, so no sentence shows them.
void CheckLogin(const Field& root, const char* key) {
  Field encoded = root["data"].Key(key);
  Field plain = root["stringData"].Key(key);
  std::string text(plain.Text());
  if (!plain.present()) text = Base64Decode(encoded.Text()).value_or("");
  if (!ParseJson(text, "login")) {
    (plain.present() ? plain : encoded).InvalidText("<secret contents redacted>", "not JSON");
  }
}

}  // namespace

void CheckConfigMap(const Field& root) {
  Field data = root["data"];
  Field binary = root["binaryData"];
  CheckKeys(data);
  CheckKeys(binary);
  for (const auto& [key, value] : binary.Members()) {
    if (data.Key(key).present()) {
      data.Key(key).InvalidText(key, "duplicate of key present in binaryData");
    }
  }
  if (TextBytes(data) + DecodedBytes(binary) > kMaxBytes) root["data"].TooLong(kMaxBytes);
}

void CheckSecret(const Field& root) {
  std::string_view type = root["type"].Text();
  CheckKeys(root["data"]);
  CheckKeys(root["stringData"]);
  if (TextBytes(root["stringData"]) + DecodedBytes(root["data"]) > kMaxBytes) {
    root["data"].TooLong(kMaxBytes);
  }
  for (const SecretRule& rule : kSecretKeys) {
    if (rule.type == type && !HasKey(root, rule.key)) root["data"].Key(rule.key).Required();
  }
  for (const char* key : {".dockercfg", ".dockerconfigjson"}) {
    if (type == StrCat("kubernetes.io/", key + 1) && HasKey(root, key)) CheckLogin(root, key);
  }
  if (type == "kubernetes.io/basic-auth" && !HasKey(root, "username") &&
      !HasKey(root, "password")) {
    root["data"].Key("username").Required();
    root["data"].Key("password").Required();
  }
  constexpr const char* kAccount = "kubernetes.io/service-account.name";
  Field annotations = root["metadata.annotations"];
  if (type == "kubernetes.io/service-account-token" && annotations.Key(kAccount).empty()) {
    annotations.Key(kAccount).Required();
  }
}

void CheckClaimSpec(const Field& spec) {
  constexpr std::string_view kModes = "ReadOnlyMany|ReadWriteMany|ReadWriteOnce|ReadWriteOncePod";
  Field modes = spec["accessModes"];
  if (modes.empty()) modes.Required("at least 1 access mode is required");
  bool alone = false;
  for (const Field& mode : modes.Items()) {
    CheckEnum(mode, kModes);
    alone |= mode.Text() == "ReadWriteOncePod";
  }
  if (alone && modes.size() > 1) {
    modes.Forbidden("may not use ReadWriteOncePod with other access modes");
  }
  Field storage = spec["resources.requests"].Key("storage");
  if (!storage.present()) {
    storage.Required();
  } else if (auto amount = CheckQuantity(storage); amount && amount->Sign() <= 0) {
    storage.InvalidText(amount->text, "must be greater than zero");
  }
  CheckSelector(spec["selector"]);
  CheckEnum(spec["volumeMode"], "Block|Filesystem");
  CheckText(spec["storageClassName"], IsDns1123Subdomain);
}

void CheckClaim(const Field& root) { CheckClaimSpec(root["spec"]); }

}  // namespace kpod::kube::rules
