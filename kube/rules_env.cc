// Environment: env and envFrom.
#include "base/text.h"
#include "kube/rules_check.h"
#include "kube/rules_names.h"

namespace kpod::kube::rules {
namespace {

constexpr const char* kSources[] = {"fieldRef", "resourceFieldRef", "configMapKeyRef",
                                    "secretKeyRef", "fileKeyRef"};
constexpr const char* kFromSources[] = {"configMapRef", "secretRef"};
constexpr std::string_view kEnvFields =
    "metadata.name|metadata.namespace|metadata.uid|spec.nodeName|spec.serviceAccountName|"
    "status.hostIP|status.hostIPs|status.podIP|status.podIPs";

void CheckKeyRef(const Field& ref) {
  if (!ref.present()) return;
  if (ref["name"].Text().empty()) ref["name"].Required();
  if (ref["key"].Text().empty()) {
    ref["key"].Required();
  } else {
    CheckText(ref["key"], IsConfigMapKey);
  }
}

void CheckFileKeyRef(const Field& ref) {
  if (!ref.present()) return;
  for (const char* key : {"key", "volumeName", "path"}) {
    if (ref[key].Text().empty()) ref[key].Required();
  }
  CheckText(ref["path"], IsRelativeUnreservedPath);
}

void CheckValueFrom(const Field& env) {
  Field from = env["valueFrom"];
  if (!from.present()) return;
  int sources = 0;
  for (const char* source : kSources) sources += from[source].present();
  if (sources == 0) {
    from.InvalidText("",
                     "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or "
                     "`secretKeyRef`");
  } else if (!env["value"].Text().empty()) {
    from.InvalidText("", "may not be specified when `value` is not empty");
  } else if (sources > 1) {
    from.InvalidText("", "may not have more than one field specified at a time");
  }
  CheckDownwardFieldRef(from["fieldRef"], kEnvFields);
  CheckResourceFieldRef(from["resourceFieldRef"]);
  CheckKeyRef(from["configMapKeyRef"]);
  CheckKeyRef(from["secretKeyRef"]);
  CheckFileKeyRef(from["fileKeyRef"]);
}

}  // namespace

void CheckEnv(const Field& container) {
  for (const Field& env : container["env"].Items()) {
    if (env["name"].Text().empty()) {
      env["name"].Required();
    } else {
      CheckText(env["name"], IsEnvVarName);
    }
    CheckValueFrom(env);
  }
  for (const Field& from : container["envFrom"].Items()) {
    CheckText(from["prefix"], IsEnvVarName);
    int sources = 0;
    for (const char* source : kFromSources) {
      if (!from[source].present()) continue;
      ++sources;
      if (from[source]["name"].Text().empty()) from[source]["name"].Required();
    }
    if (sources == 0) {
      from.InvalidText("", "must specify one of: `configMapRef` or `secretRef`");
    } else if (sources > 1) {
      from.InvalidText("", "may not have more than one field specified at a time");
    }
  }
}

}  // namespace kpod::kube::rules
