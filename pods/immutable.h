// What a played ConfigMap or Secret may not change of the one that is there.
// Source: ValidateConfigMapUpdate and ValidateSecretUpdate of Kubernetes' pkg/apis/core/validation.
#pragma once

#include "base/result.h"
#include "store/objects.h"

namespace kpod::pods {

// An error in the API server's words: of `immutable` objects the content and the word itself stay,
// of every Secret its type. Metadata may change; how a content is written (data or stringData) is
// not the content. Other kinds pass.
Status CheckImmutable(const store::StoredObject& before, const store::StoredObject& now);

}  // namespace kpod::pods
