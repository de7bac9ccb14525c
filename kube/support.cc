#include "kube/support.h"

#include <algorithm>
#include <string>

#include "kube/schema.h"

namespace kpod::kube {
namespace {

struct Row {
  std::string_view key;  // kinds: "GROUP/Kind"; fields: "Type.field" or "Type.*" for all others
  Status status;
  std::string_view meaning;
  std::string_view harmless = {};
};

constexpr Status kYes = Status::kCarriedOut, kLater = Status::kNotYet, kNone = Status::kNoMeaning;

constexpr std::string_view kNoCluster = "there is no cluster behind this machine";
constexpr std::string_view kNoScheduler = "there is one node, so nothing is scheduled";
constexpr std::string_view kNoApiServer = "there is no API server to ask or to guard";
constexpr std::string_view kOneNode = "there is one node, and every endpoint is as near";
constexpr std::string_view kOneBalancer = "this machine is the load balancer, at all its addresses";
constexpr std::string_view kSetByServer = "set by an API server, not by a manifest";

constexpr Row kKinds[] = {
    {"/ConfigMap", kYes, ""},
    {"/Endpoints", kYes, ""},
    {"/LimitRange", kYes, ""},
    {"/Namespace", kYes, ""},
    {"/PersistentVolume", kLater, "every claim gets a volume of its own on this machine"},
    {"/PersistentVolumeClaim", kYes, ""},
    {"/Pod", kYes, ""},
    {"/PodTemplate", kNone, "only an API server's clients read it"},
    {"/ReplicationController", kLater, "its pods are not started"},
    {"/ResourceQuota", kYes, ""},
    {"/Secret", kYes, ""},
    {"/Service", kYes, ""},
    {"/ServiceAccount", kNone, kNoApiServer},
    {"apps/ControllerRevision", kNone, "written by controllers, not by people"},
    {"apps/DaemonSet", kLater, "its pods are not started"},
    {"apps/Deployment", kYes, ""},
    {"apps/ReplicaSet", kLater, "its pods are not started"},
    {"apps/StatefulSet", kLater, "its pods are not started"},
    {"autoscaling/HorizontalPodAutoscaler", kLater, "the number of pods stays as written"},
    {"batch/CronJob", kLater, "its jobs are not started"},
    {"batch/Job", kLater, "its pods are not started"},
    {"discovery.k8s.io/EndpointSlice", kYes, ""},
    {"networking.k8s.io/Ingress", kLater, "no host name or path leads to the services"},
    {"networking.k8s.io/IngressClass", kNone,
     "there is one way in, and no controllers to choose from"},
    {"networking.k8s.io/NetworkPolicy", kLater, "no traffic is refused"},
    {"policy/PodDisruptionBudget", kNone, "nobody drains the one node"},
};

// Fields of a kind without meaning or without support are not looked at: the kind's row says all.
constexpr Row kFields[] = {
    {"AppArmorProfile.*", kYes, ""},
    {"Capabilities.*", kYes, ""},
    {"ClientIPConfig.*", kYes, ""},
    {"ConfigMap.*", kYes, ""},
    {"ConfigMapEnvSource.*", kYes, ""},
    {"ConfigMapKeySelector.*", kYes, ""},
    {"ConfigMapProjection.*", kYes, ""},
    {"ConfigMapVolumeSource.*", kYes, ""},
    {"Container.args", kYes, ""},
    {"Container.command", kYes, ""},
    {"Container.env", kYes, ""},
    {"Container.envFrom", kYes, ""},
    {"Container.image", kYes, ""},
    {"Container.imagePullPolicy", kYes, ""},
    {"Container.lifecycle", kYes, ""},
    {"Container.livenessProbe", kYes, ""},
    {"Container.name", kYes, ""},
    {"Container.ports", kYes, ""},
    {"Container.readinessProbe", kYes, ""},
    {"Container.resizePolicy", kYes, ""},
    {"Container.resources", kYes, ""},
    {"Container.restartPolicy", kYes, ""},
    {"Container.restartPolicyRules", kYes, ""},
    {"Container.securityContext", kYes, ""},
    {"Container.startupProbe", kYes, ""},
    {"Container.stdin", kYes, ""},
    {"Container.stdinOnce", kYes, ""},
    {"Container.terminationMessagePath", kYes, ""},
    {"Container.terminationMessagePolicy", kYes, ""},
    {"Container.tty", kYes, ""},
    {"Container.volumeDevices", kYes, ""},
    {"Container.volumeMounts", kYes, ""},
    {"Container.workingDir", kYes, ""},
    {"ContainerPort.*", kYes, ""},
    {"ContainerResizePolicy.*", kYes, ""},
    {"ContainerRestartRule.*", kYes, ""},
    {"ContainerRestartRuleOnExitCodes.*", kYes, ""},
    {"Deployment.*", kYes, ""},
    {"Deployment.status", kNone, kSetByServer},
    {"DeploymentSpec.minReadySeconds", kLater, "a pod counts as available as soon as it is ready"},
    {"DeploymentSpec.paused", kLater, "changes are rolled out all the same"},
    {"DeploymentSpec.progressDeadlineSeconds", kLater, "a rollout that hangs is not reported"},
    {"DeploymentSpec.replicas", kYes, ""},
    {"DeploymentSpec.revisionHistoryLimit", kLater, "no older revisions are kept"},
    {"DeploymentSpec.selector", kYes, ""},
    {"DeploymentSpec.strategy", kYes, ""},
    {"DeploymentSpec.template", kYes, ""},
    {"DeploymentStrategy.rollingUpdate", kLater,
     "all new pods start at once, then the old ones go"},
    {"DeploymentStrategy.type", kYes, ""},
    {"DownwardAPIProjection.*", kYes, ""},
    {"DownwardAPIVolumeFile.*", kYes, ""},
    {"DownwardAPIVolumeSource.*", kYes, ""},
    {"EmptyDirVolumeSource.medium", kYes, ""},
    {"EmptyDirVolumeSource.sizeLimit", kYes, ""},
    {"Endpoint.addresses", kYes, ""},
    {"Endpoint.conditions", kYes, ""},
    {"Endpoint.hostname", kYes, ""},
    {"Endpoint.nodeName", kYes, ""},
    {"Endpoint.targetRef", kYes, ""},
    {"Endpoint.*", kNone, kOneNode},
    {"EndpointAddress.*", kYes, ""},
    {"EndpointConditions.*", kYes, ""},
    {"EndpointSlice.*", kYes, ""},
    {"EndpointSubset.*", kYes, ""},
    {"Endpoints.*", kYes, ""},
    {"EnvFromSource.*", kYes, ""},
    {"EnvVar.*", kYes, ""},
    {"EnvVarSource.configMapKeyRef", kYes, ""},
    {"EnvVarSource.fieldRef", kYes, ""},
    {"EnvVarSource.fileKeyRef", kYes, ""},
    {"EnvVarSource.resourceFieldRef", kYes, ""},
    {"EnvVarSource.secretKeyRef", kYes, ""},
    {"EphemeralVolumeSource.*", kYes, ""},
    {"ExecAction.*", kYes, ""},
    {"FileKeySelector.*", kYes, ""},
    {"GRPCAction.*", kYes, ""},
    {"HTTPGetAction.*", kYes, ""},
    {"HTTPHeader.*", kYes, ""},
    {"HostAlias.*", kYes, ""},
    {"HostPathVolumeSource.*", kYes, ""},
    {"ImageVolumeSource.*", kYes, ""},
    {"KeyToPath.*", kYes, ""},
    {"LabelSelector.*", kYes, ""},
    {"LabelSelectorRequirement.*", kYes, ""},
    {"Lifecycle.*", kYes, ""},
    {"LifecycleHandler.*", kYes, ""},
    {"LimitRange.*", kYes, ""},
    {"LimitRangeItem.*", kYes, ""},
    {"LimitRangeSpec.*", kYes, ""},
    {"LocalObjectReference.*", kYes, ""},
    {"Namespace.*", kYes, ""},
    {"Namespace.spec", kNone, "finalizers belong to an API server"},
    {"Namespace.status", kNone, kSetByServer},
    {"ObjectMeta.annotations", kYes, ""},
    {"ObjectMeta.creationTimestamp", kNone, kSetByServer},
    {"ObjectMeta.deletionGracePeriodSeconds", kNone, kSetByServer},
    {"ObjectMeta.deletionTimestamp", kNone, kSetByServer},
    {"ObjectMeta.finalizers", kNone, "no controller waits for an object to go"},
    {"ObjectMeta.generateName", kYes, ""},
    {"ObjectMeta.generation", kNone, kSetByServer},
    {"ObjectMeta.labels", kYes, ""},
    {"ObjectMeta.managedFields", kNone, kSetByServer},
    {"ObjectMeta.name", kYes, ""},
    {"ObjectMeta.namespace", kYes, ""},
    {"ObjectMeta.ownerReferences", kNone, "kpod knows which object made which pod"},
    {"ObjectMeta.resourceVersion", kNone, kSetByServer},
    {"ObjectMeta.selfLink", kNone, kSetByServer},
    {"ObjectMeta.uid", kNone, kSetByServer},
    {"ObjectFieldSelector.*", kYes, ""},
    {"ObjectReference.*", kYes, ""},
    {"PersistentVolumeClaim.*", kYes, ""},
    {"PersistentVolumeClaim.status", kNone, kSetByServer},
    {"PersistentVolumeClaimTemplate.*", kYes, ""},
    {"PersistentVolumeClaimSpec.accessModes", kYes, ""},
    {"PersistentVolumeClaimSpec.dataSource", kLater, "the volume starts empty"},
    {"PersistentVolumeClaimSpec.dataSourceRef", kLater, "the volume starts empty"},
    {"PersistentVolumeClaimSpec.resources", kYes, ""},
    {"PersistentVolumeClaimSpec.selector", kNone, "every volume is a directory of this machine"},
    {"PersistentVolumeClaimSpec.storageClassName", kNone,
     "every volume is a directory of this machine"},
    {"PersistentVolumeClaimSpec.volumeAttributesClassName", kNone,
     "every volume is a directory of this machine"},
    {"PersistentVolumeClaimSpec.volumeMode", kYes, ""},
    {"PersistentVolumeClaimSpec.volumeName", kLater, "the claim gets a volume of its own"},
    {"PersistentVolumeClaimVolumeSource.*", kYes, ""},
    {"Pod.*", kYes, ""},
    {"Pod.status", kNone, kSetByServer},
    {"PodDNSConfig.*", kYes, ""},
    {"PodDNSConfigOption.*", kYes, ""},
    {"PodSecurityContext.appArmorProfile", kYes, ""},
    {"PodSecurityContext.fsGroup", kYes, ""},
    {"PodSecurityContext.fsGroupChangePolicy", kYes, ""},
    {"PodSecurityContext.runAsGroup", kYes, ""},
    {"PodSecurityContext.runAsNonRoot", kYes, ""},
    {"PodSecurityContext.runAsUser", kYes, ""},
    {"PodSecurityContext.seLinuxChangePolicy", kNone,
     "each file of a volume gets the label, as every file system can do it"},
    {"PodSecurityContext.seLinuxOptions", kYes, ""},
    {"PodSecurityContext.seccompProfile", kYes, ""},
    {"PodSecurityContext.supplementalGroups", kYes, ""},
    {"PodSecurityContext.supplementalGroupsPolicy", kYes, ""},
    {"PodSecurityContext.sysctls", kYes, ""},
    {"PodSecurityContext.windowsOptions", kNone, "this machine runs Linux: refused"},
    {"PodSpec.activeDeadlineSeconds", kYes, ""},
    {"PodSpec.affinity", kNone, kNoScheduler},
    {"PodSpec.automountServiceAccountToken", kNone, kNoApiServer},
    {"PodSpec.containers", kYes, ""},
    {"PodSpec.dnsConfig", kYes, ""},
    {"PodSpec.dnsPolicy", kYes, ""},
    {"PodSpec.enableServiceLinks", kYes, ""},
    {"PodSpec.ephemeralContainers", kNone,
     "never in a manifest: kpod debug adds one to a running pod"},
    {"PodSpec.hostAliases", kYes, ""},
    {"PodSpec.hostIPC", kYes, ""},
    {"PodSpec.hostNetwork", kYes, ""},
    {"PodSpec.hostPID", kYes, ""},
    {"PodSpec.hostUsers", kYes, ""},
    {"PodSpec.hostname", kYes, ""},
    {"PodSpec.hostnameOverride", kYes, ""},
    {"PodSpec.imagePullSecrets", kYes, ""},
    {"PodSpec.initContainers", kYes, ""},
    {"PodSpec.nodeName", kNone, kNoScheduler},
    {"PodSpec.nodeSelector", kNone, kNoScheduler},
    {"PodSpec.os", kNone, "this machine runs Linux"},
    {"PodSpec.overhead", kNone, kNoScheduler},
    {"PodSpec.preemptionPolicy", kNone, kNoScheduler},
    {"PodSpec.priority", kNone, kNoScheduler},
    {"PodSpec.priorityClassName", kNone, kNoScheduler},
    {"PodSpec.readinessGates", kLater, "the pod is ready without these conditions"},
    {"PodSpec.resourceClaims", kLater, "the pod gets no devices by claim"},
    {"PodSpec.resources", kYes, ""},
    {"PodSpec.restartPolicy", kYes, ""},
    {"PodSpec.runtimeClassName", kNone, "there is one runtime, kpod's own"},
    {"PodSpec.schedulerName", kNone, kNoScheduler},
    {"PodSpec.schedulingGates", kNone, kNoScheduler},
    {"PodSpec.schedulingGroup", kNone, kNoScheduler},
    {"PodSpec.securityContext", kYes, ""},
    {"PodSpec.serviceAccount", kNone, kNoApiServer},
    {"PodSpec.serviceAccountName", kNone, kNoApiServer},
    {"PodSpec.setHostnameAsFQDN", kYes, ""},
    {"PodSpec.shareProcessNamespace", kYes, ""},
    {"PodSpec.subdomain", kYes, ""},
    {"PodSpec.terminationGracePeriodSeconds", kYes, ""},
    {"PodSpec.tolerations", kNone, kNoScheduler},
    {"PodSpec.topologySpreadConstraints", kNone, kNoScheduler},
    {"PodSpec.volumes", kYes, ""},
    {"PodTemplateSpec.*", kYes, ""},
    {"Probe.*", kYes, ""},
    {"ProjectedVolumeSource.*", kYes, ""},
    {"ResourceFieldSelector.*", kYes, ""},
    {"ResourceQuota.*", kYes, ""},
    {"ResourceQuota.status", kNone, kSetByServer},
    {"ResourceQuotaSpec.*", kYes, ""},
    {"ResourceRequirements.claims", kLater, "the container gets no devices by claim"},
    {"ResourceRequirements.limits", kYes, ""},
    {"ResourceRequirements.requests", kYes, ""},
    {"ScopeSelector.*", kYes, ""},
    {"ScopedResourceSelectorRequirement.*", kYes, ""},
    {"SELinuxOptions.*", kYes, ""},
    {"SeccompProfile.*", kYes, ""},
    {"Secret.*", kYes, ""},
    {"SecretEnvSource.*", kYes, ""},
    {"SecretKeySelector.*", kYes, ""},
    {"SecretProjection.*", kYes, ""},
    {"SecretVolumeSource.*", kYes, ""},
    {"SecurityContext.allowPrivilegeEscalation", kYes, ""},
    {"SecurityContext.appArmorProfile", kYes, ""},
    {"SecurityContext.capabilities", kYes, ""},
    {"SecurityContext.privileged", kYes, ""},
    {"SecurityContext.procMount", kYes, ""},
    {"SecurityContext.readOnlyRootFilesystem", kYes, ""},
    {"SecurityContext.runAsGroup", kYes, ""},
    {"SecurityContext.runAsNonRoot", kYes, ""},
    {"SecurityContext.runAsUser", kYes, ""},
    {"SecurityContext.seLinuxOptions", kYes, ""},
    {"SecurityContext.seccompProfile", kYes, ""},
    {"SecurityContext.windowsOptions", kNone, "this machine runs Linux: refused"},
    {"Service.*", kYes, ""},
    {"Service.status", kNone, kSetByServer},
    {"ServicePort.*", kYes, ""},
    {"ServiceSpec.healthCheckNodePort", kNone, "no load balancer asks nodes for their health"},
    {"ServiceSpec.ipFamilies", kLater, "Services have IPv4 addresses"},
    {"ServiceSpec.ipFamilyPolicy", kLater, "Services have IPv4 addresses", "SingleStack"},
    {"ServiceSpec.loadBalancerClass", kNone, kOneBalancer},
    {"ServiceSpec.loadBalancerIP", kNone, kOneBalancer},
    {"ServiceSpec.trafficDistribution", kNone, kOneNode},
    {"ServiceSpec.*", kYes, ""},
    {"SessionAffinityConfig.*", kYes, ""},
    {"SleepAction.*", kYes, ""},
    {"ServiceAccountTokenProjection.*", kYes, ""},
    {"Sysctl.*", kYes, ""},
    {"TCPSocketAction.*", kYes, ""},
    {"Volume.configMap", kYes, ""},
    {"Volume.downwardAPI", kYes, ""},
    {"Volume.emptyDir", kYes, ""},
    {"Volume.ephemeral", kYes, ""},
    {"Volume.hostPath", kYes, ""},
    {"Volume.image", kYes, ""},
    {"Volume.name", kYes, ""},
    {"Volume.persistentVolumeClaim", kYes, ""},
    {"Volume.projected", kYes, ""},
    {"Volume.secret", kYes, ""},
    {"Volume.*", kLater, "an empty directory stands in its place"},
    {"VolumeDevice.*", kYes, ""},
    {"VolumeMount.*", kYes, ""},
    {"VolumeProjection.clusterTrustBundle", kLater,
     "the file is not there: no cluster signs certificates"},
    {"VolumeProjection.podCertificate", kLater,
     "the file is not there: no cluster signs certificates"},
    {"VolumeProjection.*", kYes, ""},
    {"VolumeResourceRequirements.limits", kNone, "the size of the volume is that of its disk"},
    {"VolumeResourceRequirements.requests", kYes, ""},
    {"core.v1.EndpointPort.*", kYes, ""},
    {"discovery.v1.EndpointPort.*", kYes, ""},
};

template <size_t N>
const Row* FindRow(const Row (&rows)[N], std::string_view key) {
  const Row* found = std::find_if(rows, rows + N, [&](const Row& row) { return row.key == key; });
  return found == rows + N ? nullptr : found;
}

}  // namespace

Support SupportOfKind(std::string_view group, std::string_view kind) {
  const Row* row = FindRow(kKinds, std::string(group) + "/" + std::string(kind));
  if (row != nullptr) return {row->status, row->meaning, {}};
  // All that is asked for in every manifest has a row; the rest talks to the cluster's own parts.
  return {Status::kNoMeaning, kNoCluster, {}};
}

Support SupportOfKey(std::string_view type, std::string_view field, std::string_view key) {
  bool known = key == "cpu" || key == "memory" || key == "ephemeral-storage" ||
               key.starts_with("hugepages-");
  if (type == "ResourceRequirements" && !known) {
    return {Status::kNotYet,
            field == "limits" ? "the container may use as much of it as there is"
                              : "nothing is put by for the container",
            {}};
  }
  return {Status::kCarriedOut, {}, {}};
}

Support SupportOfField(std::string_view type, std::string_view field) {
  std::string key = std::string(type) + ".";
  const Row* row = FindRow(kFields, key + std::string(field));
  if (row == nullptr) row = FindRow(kFields, key + "*");
  if (row != nullptr) return {row->status, row->meaning, row->harmless};
  return {Status::kNotYet, "it has no effect", {}};
}

std::vector<std::string_view> StraySupportRows() {
  std::vector<std::string_view> stray;
  for (const Row& row : kKinds) {
    size_t slash = row.key.find('/');
    bool known = false;
    for (const KindInfo& info : AllKinds()) {
      known |= GroupOf(info.api_version) == row.key.substr(0, slash) &&
               info.kind == row.key.substr(slash + 1);
    }
    if (!known) stray.push_back(row.key);
  }
  for (const Row& row : kFields) {
    size_t dot = row.key.rfind('.');
    const Type* type = FindType(row.key.substr(0, dot));
    std::string_view field = row.key.substr(dot + 1);
    if (type == nullptr || (field != "*" && type->Find(field) == nullptr)) stray.push_back(row.key);
  }
  return stray;
}

}  // namespace kpod::kube
