// Kubernetes' own checks of values and of fields beside each other, in its words and at its place.
// Source of the words: pkg/apis/*/validation of Kubernetes v1.36.
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

TEST(Rules, OfOtherObjects) {
  const char* const kTable[][2] = {
      {"apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  annotations:\n"
       "    container.apparmor.security.beta.kubernetes.io/c: localhost/web\n"
       "    container.apparmor.security.beta.kubernetes.io/d: unconfined\n"
       "    container.apparmor.security.beta.kubernetes.io/i: web\n"
       "spec:\n  initContainers: [{name: i, image: i}]\n  containers:\n  - name: c\n    image: i\n"
       "    securityContext: {appArmorProfile: {type: Localhost, localhostProfile: w}}\n",
       "7:55 metadata.annotations[container.apparmor.security.beta.kubernetes.io/d]: Invalid "
       "value: \"d\": container not found\n"
       "8:55 metadata.annotations[container.apparmor.security.beta.kubernetes.io/i]: Invalid "
       "value: \"web\": invalid AppArmor profile name: \"web\"\n"
       "14:76 spec.containers[0].securityContext.appArmorProfile.localhostProfile: Forbidden: "
       "apparmor profile in annotation and field must match"},
      {"apiVersion: v1\nkind: Pod\nmetadata:\n  name: Pp\nspec:\n  containers:\n  - name: c\n    "
       "image: i\n",
       "4:9 metadata.name: Invalid value: \"Pp\": a lowercase RFC 1123 subdomain must consist of "
       "lower case alphanumeric characters, '-' or '.', and must start and end with an "
       "alphanumeric character (e.g. 'example.com', regex used for validation is "
       "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"},
      {"apiVersion: v1\nkind: Pod\nmetadata:\n  name: p.\nspec:\n  containers:\n  - name: c\n    "
       "image: i\n",
       "4:9 metadata.name: Invalid value: \"p.\": a lowercase RFC 1123 subdomain must consist of "
       "lower case alphanumeric characters, '-' or '.', and must start and end with an "
       "alphanumeric character (e.g. 'example.com', regex used for validation is "
       "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"},
      {"apiVersion: v1\nkind: Pod\nmetadata:\n  name: a_b\nspec:\n  containers:\n  - name: c\n    "
       "image: i\n",
       "4:9 metadata.name: Invalid value: \"a_b\": a lowercase RFC 1123 subdomain must consist of "
       "lower case alphanumeric characters, '-' or '.', and must start and end with an "
       "alphanumeric character (e.g. 'example.com', regex used for validation is "
       "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"},
      {"apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  namespace: A_b\nspec:\n  containers:\n  "
       "- name: c\n    image: i\n",
       "5:14 metadata.namespace: Invalid value: \"A_b\": a lowercase RFC 1123 label must consist "
       "of lower case alphanumeric characters or '-', and must start and end with an alphanumeric "
       "character (e.g. 'my-name',  or '123-abc', regex used for validation is "
       "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"},
      {"apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  namespace: "
       "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn\nspec:\n  containers:\n  "
       "- name: c\n    image: i\n",
       "5:14 metadata.namespace: Invalid value: "
       "\"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn\": must be no more than "
       "63 bytes"},
      {"apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  labels: {\"a b\": x}\nspec:\n  "
       "containers:\n  - name: c\n    image: i\n",
       "5:12 metadata.labels: Invalid value: \"a b\": name part must consist of alphanumeric "
       "characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. "
       "'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
       "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"},
      {"apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  labels: {a: \"x y\"}\nspec:\n  "
       "containers:\n  - name: c\n    image: i\n",
       "5:15 metadata.labels[a]: Invalid value: \"x y\": a valid label must be an empty string or "
       "consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
       "alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for "
       "validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"},
      {"apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  annotations: {\"-a\": x}\nspec:\n  "
       "containers:\n  - name: c\n    image: i\n",
       "5:17 metadata.annotations: Invalid value: \"-a\": name part must consist of alphanumeric "
       "characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. "
       "'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
       "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"},
      {"apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\nspec:\n  containers:\n  - name: C_1\n    "
       "image: i\n",
       "7:11 spec.containers[0].name: Invalid value: \"C_1\": a lowercase RFC 1123 label must "
       "consist of lower case alphanumeric characters or '-', and must start and end with an "
       "alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
       "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"},
      {"apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\nspec:\n  containers:\n  - name: c\n",
       "7:5 spec.containers[0].image: Required value"},
      {"apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\nspec:\n  containers:\n  - name: c\n    "
       "image: \" i\"\n",
       "8:12 spec.containers[0].image: Invalid value: \" i\": must not have leading or trailing "
       "whitespace"},
      {"apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: []}\n",
       "4:20 spec.containers: Required value"},
      {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  \n  template:\n    "
       "metadata: {labels: {app: a}}\n    spec:\n      containers: [{name: c, image: i}]\n",
       "6:3 spec.selector: Required value"},
      {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  selector: "
       "{matchLabels: {app: a}}\n  template:\n    metadata: {labels: {app: b}}\n    spec:\n      "
       "containers: [{name: c, image: i}]\n",
       "7:24 spec.template.metadata.labels: Invalid value: {\"app\":\"b\"}: `selector` does not "
       "match template `labels`"},
      {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  selector: "
       "{matchLabels: {app: a}}\n  replicas: -1\n  template:\n    metadata: {labels: {app: a}}\n   "
       " spec:\n      containers: [{name: c, image: i}]\n",
       "6:13 spec.replicas: Invalid value: -1: must be greater than or equal to 0"},
      {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  selector: "
       "{matchLabels: {app: a}}\n  template:\n    metadata: {labels: {app: a}}\n    spec:\n      "
       "restartPolicy: Never\n      containers: [{name: c, image: i}]\n",
       "9:22 spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported values: "
       "\"Always\""},
      {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  selector: "
       "{matchLabels: {app: a}}\n  strategy: {type: Rolling}\n  template:\n    metadata: {labels: "
       "{app: a}}\n    spec:\n      containers: [{name: c, image: i}]\n",
       "6:20 spec.strategy.type: Unsupported value: \"Rolling\": supported values: \"Recreate\", "
       "\"RollingUpdate\""},
      {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  selector: "
       "{matchLabels: {app: a}}\n  strategy: {type: Recreate, rollingUpdate: {maxSurge: 1}}\n  "
       "template:\n    metadata: {labels: {app: a}}\n    spec:\n      containers: [{name: c, "
       "image: i}]\n",
       "6:45 spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is "
       "'Recreate'"},
      {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  selector: "
       "{matchLabels: {app: a}}\n  strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0}}\n  "
       "template:\n    metadata: {labels: {app: a}}\n    spec:\n      containers: [{name: c, "
       "image: i}]\n",
       "6:59 spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when "
       "`maxSurge` is 0"},
      {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  selector: "
       "{matchLabels: {app: a}}\n  strategy: {rollingUpdate: {maxSurge: \"10\"}}\n  template:\n    "
       "metadata: {labels: {app: a}}\n    spec:\n      containers: [{name: c, image: i}]\n",
       "6:40 spec.strategy.rollingUpdate.maxSurge: Invalid value: \"10\": a valid percent string "
       "must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for "
       "validation is '[0-9]+%')"},
      {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  selector: "
       "{matchExpressions: [{key: app, operator: In}]}\n  template:\n    metadata: {labels: {app: "
       "a}}\n    spec:\n      containers: [{name: c, image: i}]\n",
       "5:33 spec.selector.matchExpressions[0].values: Required value: must be specified when "
       "`operator` is 'In' or 'NotIn'"},
      {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  selector: "
       "{matchExpressions: [{key: app, operator: Is, values: [a]}]}\n  template:\n    metadata: "
       "{labels: {app: a}}\n    spec:\n      containers: [{name: c, image: i}]\n",
       "5:54 spec.selector.matchExpressions[0].operator: Invalid value: \"Is\": not a valid "
       "selector operator"},
      {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  selector: "
       "{matchLabels: {app: a}}\n  minReadySeconds: 700\n  template:\n    metadata: {labels: {app: "
       "a}}\n    spec:\n      containers: [{name: c, image: i}]\n",
       "6:20 spec.minReadySeconds: Invalid value: 700: must be less than progressDeadlineSeconds, "
       "which is 600 where nothing is said"},
      {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  selector: "
       "{matchLabels: {app: a}}\n  template:\n    metadata: {labels: {app: a}}\n    spec:\n      "
       "activeDeadlineSeconds: 5\n      containers: [{name: c, image: i}]\n",
       "9:30 spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in "
       "Deployment is not Supported"},
      {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: p}\ndata: {\"a/b\": x}\n",
       "4:15 data[a/b]: Invalid value: \"a/b\": a valid config key must consist of alphanumeric "
       "characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used "
       "for validation is '[-._a-zA-Z0-9]+')"},
      {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: p}\ndata: {a: x}\nbinaryData: {a: "
       "eA==}\n",
       "4:11 data[a]: Invalid value: \"a\": duplicate of key present in binaryData"},
      {"apiVersion: v1\nkind: Secret\nmetadata: {name: p}\ndata: {a: \"x y\"}\n",
       "4:11 data.a: illegal base64 data; plain text belongs under stringData"},
      {"apiVersion: v1\nkind: Secret\nmetadata: {name: p}\ntype: kubernetes.io/tls\ndata: "
       "{tls.crt: eA==}\n",
       "5:7 data[tls.key]: Required value"},
      {"apiVersion: v1\nkind: Secret\nmetadata: {name: p}\ntype: "
       "kubernetes.io/dockerconfigjson\nstringData: {.dockerconfigjson: \"x\"}\n",
       "5:33 stringData[.dockerconfigjson]: Invalid value: \"<secret contents redacted>\": not "
       "JSON"},
      {"apiVersion: v1\nkind: Secret\nmetadata: {name: p}\ntype: kubernetes.io/basic-auth\n",
       "1:1 data[username]: Required value\n1:1 data[password]: Required value"},
      {"apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: p}\nspec: {accessModes: "
       "[RWO], resources: {requests: {storage: 1Gi}}}\n",
       "4:22 spec.accessModes[0]: Unsupported value: \"RWO\": supported values: \"ReadOnlyMany\", "
       "\"ReadWriteMany\", \"ReadWriteOnce\", \"ReadWriteOncePod\""},
      {"apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: p}\nspec: {accessModes: "
       "[ReadWriteOnce]}\n",
       "4:7 spec.resources.requests[storage]: Required value"},
      {"apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: p}\nspec: {accessModes: "
       "[ReadWriteOnce], resources: {requests: {storage: 0}}}\n",
       "4:70 spec.resources.requests[storage]: Invalid value: \"0\": must be greater than zero"},
      {"apiVersion: v1\nkind: Namespace\nmetadata: {name: Shop}\n",
       "3:18 metadata.name: Invalid value: \"Shop\": a lowercase RFC 1123 label must consist of "
       "lower case alphanumeric characters or '-', and must start and end with an alphanumeric "
       "character (e.g. 'my-name',  or '123-abc', regex used for validation is "
       "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"},
      {"apiVersion: v1\nkind: Namespace\nmetadata: {name: a.b}\n",
       "3:18 metadata.name: Invalid value: \"a.b\": a lowercase RFC 1123 label must consist of "
       "lower case alphanumeric characters or '-', and must start and end with an alphanumeric "
       "character (e.g. 'my-name',  or '123-abc', regex used for validation is "
       "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"},
      {"apiVersion: batch/v1\nkind: Job\nmetadata: {name: p}\nspec: {template: {spec: {containers: "
       "[{name: c, image: i}]}}}\n",
       "4:25 spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", "
       "\"Never\""},
      {"apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: p}\nspec: {schedule: \"61 * * * *\", "
       "jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: "
       "i}]}}}}}\n",
       "4:18 spec.schedule: Invalid value: \"61 * * * *\": end of range (61) above maximum (59): "
       "61"},
      {"apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: p}\nspec: {rules: "
       "[{http: {paths: [{path: x, pathType: Prefix, backend: {service: {name: s, port: {number: "
       "1}}}}]}}]}\n",
       "4:39 spec.rules[0].http.paths[0].path: Invalid value: \"x\": must be an absolute path"},
      {"apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: p}\nspec: {rules: "
       "[{host: \"1.2.3.4\"}]}\n",
       "4:23 spec.rules[0].host: Invalid value: \"1.2.3.4\": must be a DNS name, not an IP "
       "address"},
      {"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p}\nspec: "
       "{podSelector: {}, ingress: [{ports: [{port: 99999}]}]}\n",
       "4:51 spec.ingress[0].ports[0].port: Invalid value: 99999: must be between 1 and 65535, "
       "inclusive"},
      {"apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: p}\nspec: "
       "{minReplicas: 5, maxReplicas: 3, scaleTargetRef: {kind: a, name: b}}\n",
       "4:37 spec.maxReplicas: Invalid value: 3: must be greater than or equal to `minReplicas`"},
      {"apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: p}\nspec: "
       "{minAvailable: 1, maxUnavailable: 1}\n",
       "4:7 spec: Invalid value: {\"minAvailable\":1,\"maxUnavailable\":1}: minAvailable and "
       "maxUnavailable cannot be both set"},
      {"apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: p}\nspec: {selector: "
       "{matchLabels: {a: b}}, template: {metadata: {labels: {a: c}}, spec: {containers: [{name: "
       "c, image: i}]}}}\n",
       "4:71 spec.template.metadata.labels: Invalid value: {\"a\":\"c\"}: `selector` does not "
       "match template `labels`"},
      {"apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: p}\nspec: {podManagementPolicy: "
       "X, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: "
       "{containers: [{name: c, image: i}]}}}\n",
       "4:29 spec.podManagementPolicy: Unsupported value: \"X\": supported values: "
       "\"OrderedReady\", \"Parallel\""},
  };
  for (const auto& [text, says] : kTable) EXPECT_EQ(Refusals(text), says) << text;
}

TEST(Rules, SizesAreBounded) {
  auto object = [](std::string_view kind, std::string_view field, size_t size) {
    return StrCat("apiVersion: v1\nkind: ", kind, "\nmetadata:\n  name: p\n", field,
                  ": {a: ", std::string(size, 'x'), "}\n");
  };
  constexpr size_t kMebibyte = 1 << 20, kAnnotations = 256 << 10;
  EXPECT_EQ(Refusals(object("ConfigMap", "data", kMebibyte)), "");
  EXPECT_EQ(Refusals(object("ConfigMap", "data", kMebibyte + 1)),
            "5:7 data: Too long: may not be more than 1048576 bytes");
  EXPECT_EQ(Refusals(object("Secret", "stringData", kMebibyte + 1)),
            "1:1 data: Too long: may not be more than 1048576 bytes");
  EXPECT_EQ(Refusals(object("ConfigMap", "  annotations", kAnnotations)),
            "5:16 metadata.annotations: Too long: may not be more than 262144 bytes");
}

}  // namespace
}  // namespace kpod::kube
