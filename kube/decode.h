// Normalized JSON -> typed objects. The JSON has passed Load, so the types are right; what is
// absent gets the API server's default. Never throws.
#pragma once

#include "kube/object.h"
#include "kube/types.h"
#include "kube/types_network.h"

namespace kpod::kube {

Pod DecodePod(const Json& object);
PodSpec DecodePodSpec(const Json& spec);
PodTemplate DecodePodTemplate(const Json& pod_template);
Deployment DecodeDeployment(const Json& object);
ConfigMap DecodeConfigMap(const Json& object);
Secret DecodeSecret(const Json& object);
LimitRange DecodeLimitRange(const Json& object);
ResourceQuota DecodeResourceQuota(const Json& object);
PersistentVolumeClaim DecodePersistentVolumeClaim(const Json& object);
PersistentVolume DecodePersistentVolume(const Json& object);
Service DecodeService(const Json& object);
Endpoints DecodeEndpoints(const Json& object);
EndpointSlice DecodeEndpointSlice(const Json& object);
// Of any object; the namespace as written ("" when the file says nothing). The typed kinds above
// get "default".
ObjectMeta DecodeMeta(const Json& object);

// mountPath without ":z" or ":Z", by which manifests that were written for Podman have a volume
// relabelled for SELinux.
std::string_view WithoutRelabel(std::string_view mount_path);

}  // namespace kpod::kube
