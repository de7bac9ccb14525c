// Kubernetes' own checks of values and of fields beside each other, in its words and at its place.
// Source of the words: pkg/apis/*/validation of Kubernetes v1.36.
#include <gtest/gtest.h>

#include "base/text.h"
#include "tests/unit/kube/refusals.h"

namespace kpod::kube {
namespace {

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
