// What Kubernetes checks of a pod and its containers, in its words and at its place. Source of the
// words: pkg/apis/core/validation of Kubernetes v1.36.
#include <gtest/gtest.h>

#include "base/text.h"
#include "tests/unit/kube/refusals.h"

namespace kpod::kube {
namespace {

TEST(Rules, OfAPod) {
  struct Row {
    const char *spec, *container, *says;  // below "spec:" (line 5), and below the container
  };
  const Row kTable[] = {
      {"  hostnameOverride: web_1\n", "",
       "6:21 spec.hostnameOverride: Invalid value: \"web_1\": a lowercase RFC 1123 subdomain must "
       "consist of lower case alphanumeric characters, '-' or '.', and must start and end with an "
       "alphanumeric character (e.g. 'example.com', regex used for validation is "
       "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"},
      {"  hostnameOverride: web.1\n  hostNetwork: true\n", "",
       "6:21 spec.hostnameOverride: Forbidden: may not be set when `hostNetwork` is true"},
      {"  hostnameOverride: web.1\n  setHostnameAsFQDN: true\n", "",
       "6:21 spec.hostnameOverride: Forbidden: may not be set when `setHostnameAsFQDN` is true"},
      {"", "  - name: c\n    image: j\n", "9:11 spec.containers[1].name: Duplicate value: \"c\""},
      {"", "    ports: [{containerPort: 0}]\n",
       "9:29 spec.containers[0].ports[0].containerPort: Required value"},
      {"", "    ports: [{containerPort: 70000}]\n",
       "9:29 spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 "
       "and 65535, inclusive"},
      {"", "    ports: [{containerPort: 80, hostPort: -1}]\n",
       "9:43 spec.containers[0].ports[0].hostPort: Invalid value: -1: must be between 1 and 65535, "
       "inclusive"},
      {"", "    ports: [{containerPort: 80, hostPort: 80},{containerPort: 81, hostPort: 80}]\n",
       "9:77 spec.containers[0].ports[1].hostPort: Duplicate value: \"TCP//80\""},
      {"", "    ports: [{containerPort: 80, protocol: tcp}]\n",
       "9:43 spec.containers[0].ports[0].protocol: Unsupported value: \"tcp\": supported values: "
       "\"SCTP\", \"TCP\", \"UDP\""},
      {"", "    ports: [{containerPort: 80, name: abcdefghijklmnop}]\n",
       "9:39 spec.containers[0].ports[0].name: Invalid value: \"abcdefghijklmnop\": must be no "
       "more than 15 bytes"},
      {"", "    ports: [{containerPort: 80, name: a},{containerPort: 81, name: a}]\n",
       "9:68 spec.containers[0].ports[1].name: Duplicate value: \"a\""},
      {"", "    env: [{name: \"a=b\", value: x}]\n",
       "9:18 spec.containers[0].env[0].name: Invalid value: \"a=b\": a valid environment variable "
       "name must consist only of printable ASCII characters other than '='"},
      {"", "    env: [{name: a, value: x, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]\n",
       "9:42 spec.containers[0].env[0].valueFrom: Invalid value: \"\": may not be specified when "
       "`value` is not empty"},
      {"",
       "    env: [{name: a, valueFrom: {fieldRef: {fieldPath: metadata.name}, secretKeyRef: {name: "
       "s, key: k}}}]\n",
       "9:32 spec.containers[0].env[0].valueFrom: Invalid value: \"\": may not have more than one "
       "field specified at a time"},
      {"", "    env: [{name: a, valueFrom: {fieldRef: {fieldPath: metadata.nam}}}]\n",
       "9:55 spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "
       "\"metadata.nam\": supported values: \"metadata.name\", \"metadata.namespace\", "
       "\"metadata.uid\", \"spec.nodeName\", \"spec.serviceAccountName\", \"status.hostIP\", "
       "\"status.hostIPs\", \"status.podIP\", \"status.podIPs\""},
      {"", "    env: [{name: a, valueFrom: {resourceFieldRef: {resource: limits.disk}}}]\n",
       "9:62 spec.containers[0].env[0].valueFrom.resourceFieldRef.resource: Unsupported value: "
       "\"limits.disk\": supported values: \"limits.cpu\", \"limits.ephemeral-storage\", "
       "\"limits.memory\", \"requests.cpu\", \"requests.ephemeral-storage\", \"requests.memory\""},
      {"", "    envFrom: [{prefix: a}]\n",
       "9:15 spec.containers[0].envFrom[0]: Invalid value: \"\": must specify one of: "
       "`configMapRef` or `secretRef`"},
      {"", "    env: [{name: a, valueFrom: {secretKeyRef: {name: s, key: \"a/b\"}}}]\n",
       "9:62 spec.containers[0].env[0].valueFrom.secretKeyRef.key: Invalid value: \"a/b\": a valid "
       "config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or "
       "'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"},
      {"", "    env: [{name: a, valueFrom: {secretKeyRef: {name: s}}}]\n",
       "9:47 spec.containers[0].env[0].valueFrom.secretKeyRef.key: Required value"},
      {"", "    volumeMounts: [{name: v, mountPath: /v}]\n",
       "9:27 spec.containers[0].volumeMounts[0].name: Not found: \"v\""},
      {"  volumes: [{name: v, emptyDir: {}}]\n",
       "    volumeMounts: [{name: v, mountPath: /v},{name: v, mountPath: /v}]\n",
       "10:66 spec.containers[0].volumeMounts[1].mountPath: Invalid value: \"/v\": must be unique"},
      {"  volumes: [{name: v, emptyDir: {}}]\n",
       "    volumeMounts: [{name: v, mountPath: /v, subPath: \"../x\"}]\n",
       "10:54 spec.containers[0].volumeMounts[0].subPath: Invalid value: \"../x\": must not "
       "contain '..'"},
      {"  volumes: [{name: v, emptyDir: {}}]\n",
       "    volumeMounts: [{name: v, mountPath: /v, subPath: \"/x\"}]\n",
       "10:54 spec.containers[0].volumeMounts[0].subPath: Invalid value: \"/x\": must be a "
       "relative path"},
      {"  volumes: [{name: v, emptyDir: {}},{name: v, emptyDir: {}}]\n", "",
       "6:44 spec.volumes[1].name: Duplicate value: \"v\""},
      {"  volumes: [{name: v, emptyDir: {}, hostPath: {path: /x}}]\n", "",
       "6:47 spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type"},
      {"  volumes: [{name: V, emptyDir: {}}]\n", "",
       "6:20 spec.volumes[0].name: Invalid value: \"V\": a lowercase RFC 1123 label must consist "
       "of lower case alphanumeric characters or '-', and must start and end with an alphanumeric "
       "character (e.g. 'my-name',  or '123-abc', regex used for validation is "
       "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"},
      {"  volumes: [{name: v, hostPath: {path: /x, type: Dir}}]\n", "",
       "6:50 spec.volumes[0].hostPath.type: Unsupported value: \"Dir\": supported values: "
       "\"BlockDevice\", \"CharDevice\", \"Directory\", \"DirectoryOrCreate\", \"File\", "
       "\"FileOrCreate\", \"Socket\""},
      {"  volumes: [{name: v, hostPath: {path: /x/../y}}]\n", "",
       "6:40 spec.volumes[0].hostPath.path: Invalid value: \"/x/../y\": must not contain '..'"},
      {"  volumes: [{name: v, secret: {secretName: s, defaultMode: 0x1fff}}]\n", "",
       "6:60 spec.volumes[0].secret.defaultMode: Invalid value: 8191: must be a number between 0 "
       "and 0777 (octal), both inclusive"},
      {"  volumes: [{name: v, secret: {secretName: s, defaultMode: 755}}]\n", "",
       "6:60 spec.volumes[0].secret.defaultMode: Invalid value: 755: must be a number between 0 "
       "and 0777 (octal), both inclusive"},
      {"  volumes: [{name: v, configMap: {name: s, items: [{key: a, path: /x}]}}]\n", "",
       "6:67 spec.volumes[0].configMap.items[0].path: Invalid value: \"/x\": must be a relative "
       "path"},
      {"  volumes: [{name: v, configMap: {name: s, items: [{key: a, path: a/../x}]}}]\n", "",
       "6:67 spec.volumes[0].configMap.items[0].path: Invalid value: \"a/../x\": must not contain "
       "'..'"},
      {"  volumes: [{name: v, configMap: {name: s, items: [{key: a}]}}]\n", "",
       "6:52 spec.volumes[0].configMap.items[0].path: Required value"},
      {"  volumes: [{name: v, emptyDir: {sizeLimit: -1}}]\n", "",
       "6:45 spec.volumes[0].emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid "
       "resource quantity"},
      {"  volumes: [{name: v, emptyDir: {medium: memory}}]\n", "",
       "6:42 spec.volumes[0].emptyDir.medium: Unsupported value: \"memory\": supported values: "
       "\"HugePages\", \"Memory\""},
      {"  restartPolicy: always\n", "",
       "6:18 spec.restartPolicy: Unsupported value: \"always\": supported values: \"Always\", "
       "\"Never\", \"OnFailure\""},
      {"  terminationGracePeriodSeconds: -1\n", "",
       "6:34 spec.terminationGracePeriodSeconds: Invalid value: -1: must be greater than or equal "
       "to 0"},
      {"  dnsPolicy: clusterfirst\n", "",
       "6:14 spec.dnsPolicy: Unsupported value: \"clusterfirst\": supported values: "
       "\"ClusterFirst\", \"ClusterFirstWithHostNet\", \"Default\", \"None\""},
      {"  dnsPolicy: None\n", "",
       "6:3 spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"},
      {"  dnsConfig: {nameservers: [x]}\n", "",
       "6:29 spec.dnsConfig.nameservers[0]: Invalid value: \"x\": must be a valid IP address, "
       "(e.g. 10.9.8.7 or 2001:db8::ffff)"},
      {"  hostname: A.b\n", "",
       "6:13 spec.hostname: Invalid value: \"A.b\": a lowercase RFC 1123 label must consist of "
       "lower case alphanumeric characters or '-', and must start and end with an alphanumeric "
       "character (e.g. 'my-name',  or '123-abc', regex used for validation is "
       "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"},
      {"  subdomain: a.b\n", "",
       "6:14 spec.subdomain: Invalid value: \"a.b\": a lowercase RFC 1123 label must consist of "
       "lower case alphanumeric characters or '-', and must start and end with an alphanumeric "
       "character (e.g. 'my-name',  or '123-abc', regex used for validation is "
       "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"},
      {"  hostAliases: [{ip: x, hostnames: [a]}]\n", "",
       "6:22 spec.hostAliases[0].ip: Invalid value: \"x\": must be a valid IP address, (e.g. "
       "10.9.8.7 or 2001:db8::ffff)"},
      {"  hostAliases: [{ip: 1.2.3.4, hostnames: [\"A B\"]}]\n", "",
       "6:43 spec.hostAliases[0].hostnames[0]: Invalid value: \"A B\": a lowercase RFC 1123 "
       "subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
       "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
       "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"},
      {"", "    imagePullPolicy: always\n",
       "9:22 spec.containers[0].imagePullPolicy: Unsupported value: \"always\": supported values: "
       "\"Always\", \"IfNotPresent\", \"Never\""},
      {"", "    resources: {limits: {cpu: -1}}\n",
       "9:31 spec.containers[0].resources.limits[cpu]: Invalid value: \"-1\": must be greater than "
       "or equal to 0"},
      {"", "    resources: {limits: {cpu: 1}, requests: {cpu: 2}}\n",
       "9:51 spec.containers[0].resources.requests[cpu]: Invalid value: \"2\": must be less than "
       "or equal to cpu limit of 1"},
      {"", "    resources: {limits: {memory: 1GB}}\n",
       "9:34 spec.containers[0].resources.limits.memory: quantities must match the regular "
       "expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$', not \"1GB\""},
      {"", "    resources: {limits: {ram: 1Gi}}\n",
       "9:26 spec.containers[0].resources.limits: Invalid value: \"ram\": must be a standard "
       "resource for containers"},
      {"  securityContext: {runAsUser: -1}\n", "",
       "6:32 spec.securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, "
       "inclusive"},
      {"", "    securityContext: {privileged: true, allowPrivilegeEscalation: false}\n",
       "9:22 spec.containers[0].securityContext: Invalid value: "
       "{\"privileged\":true,\"allowPrivilegeEscalation\":false}: cannot set "
       "`allowPrivilegeEscalation` to false and `privileged` to true"},
      {"  securityContext: {seccompProfile: {type: Default}}\n", "",
       "6:44 spec.securityContext.seccompProfile.type: Unsupported value: \"Default\": supported "
       "values: \"Localhost\", \"RuntimeDefault\", \"Unconfined\""},
      {"  securityContext: {seccompProfile: {type: Localhost}}\n", "",
       "6:37 spec.securityContext.seccompProfile.localhostProfile: Required value: must be set "
       "when seccomp type is Localhost"},
      {"  securityContext: {sysctls: [{name: \"A B\", value: \"1\"}]}\n", "",
       "6:38 spec.securityContext.sysctls[0].name: Invalid value: \"A B\": must have at most 253 "
       "characters and match regex "
       "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$"},
      {"  securityContext: {fsGroupChangePolicy: Sometimes}\n", "",
       "6:42 spec.securityContext.fsGroupChangePolicy: Unsupported value: \"Sometimes\": supported "
       "values: \"Always\", \"OnRootMismatch\""},
      {"  hostNetwork: true\n", "    ports: [{containerPort: 80, hostPort: 81}]\n",
       "10:29 spec.containers[0].ports[0].containerPort: Invalid value: 80: must match `hostPort` "
       "when `hostNetwork` is true"},
      {"  hostPID: true\n  shareProcessNamespace: true\n", "",
       "7:26 spec.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID "
       "cannot both be enabled"},
      {"", "    livenessProbe: {periodSeconds: 1}\n",
       "9:20 spec.containers[0].livenessProbe: Required value: must specify a handler type"},
      {"", "    livenessProbe: {exec: {command: [a]}, tcpSocket: {port: 1}}\n",
       "9:54 spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 "
       "handler type"},
      {"", "    livenessProbe: {exec: {command: [a]}, successThreshold: 2}\n",
       "9:61 spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1"},
      {"", "    livenessProbe: {httpGet: {port: 0}}\n",
       "9:37 spec.containers[0].livenessProbe.httpGet.port: Invalid value: 0: must be between 1 "
       "and 65535, inclusive"},
      {"", "    livenessProbe: {httpGet: {port: 80, scheme: http}}\n",
       "9:49 spec.containers[0].livenessProbe.httpGet.scheme: Unsupported value: \"http\": "
       "supported values: \"HTTP\", \"HTTPS\""},
      {"  initContainers: [{name: x, image: i, readinessProbe: {exec: {command: [a]}}}]\n", "",
       "6:56 spec.initContainers[0].readinessProbe: Forbidden: may not be set for init containers "
       "without restartPolicy=Always"},
      {"  initContainers: [{name: c, image: i}]\n", "",
       "6:27 spec.initContainers[0].name: Duplicate value: \"c\""},
      {"  ephemeralContainers: [{name: x, image: i}]\n", "",
       "6:24 spec.ephemeralContainers: Forbidden: cannot be set on create"},
      {"  os: {name: windows}\n", "",
       "6:14 spec.os.name: Invalid value: \"windows\": this machine runs linux, and the pod would "
       "never be admitted"},
      {"  securityContext: {windowsOptions: {hostProcess: true}}\n", "",
       "6:37 spec.securityContext.windowsOptions: Forbidden: windows options cannot be set for a "
       "linux pod"},
      {"", "    securityContext: {windowsOptions: {runAsUserName: x}}\n",
       "9:39 spec.containers[0].securityContext.windowsOptions: Forbidden: windows options cannot "
       "be set for a linux pod"},
      {"  hostUsers: false\n", "    volumeDevices: [{name: v, devicePath: /dev/v}]\n",
       "10:20 spec.containers[0].volumeDevices: Forbidden: when `hostUsers` is false\n"
       "10:28 spec.containers[0].volumeDevices[0].name: Not found: \"v\""},
      {"  hostUsers: false\n", "    securityContext: {procMount: Unmasked}\n", ""},
      {"  hostUsers: false\n  hostNetwork: true\n", "",
       "7:16 spec.hostNetwork: Forbidden: when `hostUsers` is false"},
      {"", "    terminationMessagePolicy: Log\n",
       "9:31 spec.containers[0].terminationMessagePolicy: Unsupported value: \"Log\": supported "
       "values: \"FallbackToLogsOnError\", \"File\""},
      {"", "    securityContext: {procMount: Unmasked}\n",
       "9:34 spec.containers[0].securityContext.procMount: Invalid value: \"Unmasked\": "
       "`hostUsers` must be false to use `Unmasked`"},
      {"  volumes: [{name: v, emptyDir: {}}]\n",
       "    volumeMounts: [{name: v, mountPath: /v, mountPropagation: Bidirectional}]\n",
       "10:63 spec.containers[0].volumeMounts[0].mountPropagation: Forbidden: Bidirectional mount "
       "propagation is available only to privileged containers"},
      {"  tolerations: [{operator: Is}]\n", "",
       "6:28 spec.tolerations[0].operator: Unsupported value: \"Is\": supported values: \"Equal\", "
       "\"Exists\", \"Gt\", \"Lt\"\n6:28 spec.tolerations[0].operator: Invalid value: \"Is\": "
       "operator must be Exists when `key` is empty, which means \"match all values and all "
       "keys\""},
      {"  os: {name: plan9}\n", "",
       "6:14 spec.os.name: Unsupported value: \"plan9\": supported values: \"linux\", \"windows\""},
  };
  for (const Row& row : kTable) {
    std::string text = StrCat("apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\nspec:\n", row.spec,
                              "  containers:\n  - name: c\n    image: i\n", row.container);
    EXPECT_EQ(Refusals(text), row.says) << text;
  }
}

}  // namespace
}  // namespace kpod::kube
