#include "kube/decode.h"

#include <gtest/gtest.h>

#include "tests/unit/kube/json.h"

namespace kpod::kube {
namespace {

TEST(Decode, AnEmptyPodHasTheDefaults) {
  for (const char* text : {R"({})", R"({"spec":{}})", R"({"spec":null})", R"([])", R"("x")",
                           R"({"spec":{"containers":{},"volumes":"x","hostAliases":3}})"}) {
    Pod pod = DecodePod(J(text));
    EXPECT_EQ(pod.metadata.ns, "default");
    EXPECT_EQ(pod.spec.restart_policy, "Always");
    EXPECT_EQ(pod.spec.dns_policy, "ClusterFirst");
    EXPECT_EQ(pod.spec.termination_grace_period_seconds, 30);
    EXPECT_FALSE(pod.spec.active_deadline_seconds);
    EXPECT_TRUE(pod.spec.host_users);
    EXPECT_TRUE(pod.spec.enable_service_links);
    EXPECT_TRUE(pod.spec.containers.empty());
    EXPECT_TRUE(pod.spec.volumes.empty());
  }
}

TEST(Decode, PodSpec) {
  PodSpec spec = DecodePodSpec(J(R"({
    "restartPolicy": "Never", "dnsPolicy": "None", "terminationGracePeriodSeconds": 0,
    "activeDeadlineSeconds": 5, "hostname": "h", "subdomain": "s", "setHostnameAsFQDN": true,
    "dnsConfig": {"nameservers": ["1.1.1.1"], "searches": ["a.b"],
                  "options": [{"name": "ndots", "value": "2"}, {"name": "rotate"}]},
    "hostPID": true, "hostIPC": true, "shareProcessNamespace": true, "hostUsers": false,
    "enableServiceLinks": false,
    "securityContext": {"runAsUser": 1, "runAsGroup": 2, "fsGroup": 3, "runAsNonRoot": true,
      "supplementalGroups": [4, 5], "seccompProfile": {"type": "RuntimeDefault"},
      "fsGroupChangePolicy": "OnRootMismatch", "sysctls": [{"name": "a.b", "value": "1"}]},
    "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["a", "b"]}],
    "imagePullSecrets": [{"name": "regcred"}],
    "initContainers": [{"name": "i", "image": "busybox", "restartPolicy": "Always"}],
    "containers": [{"name": "c", "image": "busybox:1"}]})"));
  EXPECT_EQ(spec.restart_policy, "Never");
  EXPECT_EQ(spec.dns_policy, "None");
  EXPECT_EQ(spec.termination_grace_period_seconds, 0);
  EXPECT_EQ(spec.active_deadline_seconds, 5);
  EXPECT_EQ(spec.hostname + spec.subdomain, "hs");
  EXPECT_EQ(spec.set_hostname_as_fqdn, true);
  EXPECT_EQ(spec.dns_config.nameservers, std::vector<std::string>{"1.1.1.1"});
  EXPECT_EQ(spec.dns_config.searches, std::vector<std::string>{"a.b"});
  ASSERT_EQ(spec.dns_config.options.size(), 2u);
  EXPECT_EQ(spec.dns_config.options[0].second, "2");
  EXPECT_EQ(spec.dns_config.options[1].second, "");
  EXPECT_TRUE(spec.host_pid && spec.host_ipc && spec.share_process_namespace);
  EXPECT_FALSE(spec.host_network || spec.host_users || spec.enable_service_links);
  EXPECT_EQ(spec.security_context.run_as_user, 1);
  EXPECT_EQ(spec.security_context.run_as_group, 2);
  EXPECT_EQ(spec.security_context.fs_group, 3);
  EXPECT_EQ(spec.security_context.run_as_non_root, true);
  EXPECT_EQ(spec.security_context.supplemental_groups, (std::vector<int64_t>{4, 5}));
  EXPECT_EQ(spec.security_context.seccomp_profile->type, "RuntimeDefault");
  EXPECT_EQ(spec.security_context.fs_group_change_policy, "OnRootMismatch");
  EXPECT_EQ(spec.security_context.sysctls[0].first, "a.b");
  EXPECT_EQ(spec.host_aliases[0].hostnames.size(), 2u);
  EXPECT_EQ(spec.image_pull_secrets, std::vector<std::string>{"regcred"});
  EXPECT_EQ(spec.init_containers[0].restart_policy, "Always");
  EXPECT_EQ(spec.containers[0].termination_message_path, "/dev/termination-log");
  EXPECT_EQ(spec.containers[0].termination_message_policy, "File");
}

TEST(Decode, PullPolicyFollowsTheTag) {
  struct {
    const char *image, *policy;
  } cases[] = {
      {"nginx", "Always"},
      {"nginx:latest", "Always"},
      {"nginx:1.25", "IfNotPresent"},
      {"registry:5000/nginx", "Always"},
      {"registry:5000/a/nginx:2", "IfNotPresent"},
      {"nginx@sha256:0123", "IfNotPresent"},
      {"nginx:1@sha256:0123", "IfNotPresent"},
      {"nginx:latest@sha256:0123", "Always"},
      {"", "Always"},
  };
  for (const auto& c : cases) {
    Json spec = J(R"({"containers":[{"name":"c"}]})");
    spec["containers"][0]["image"] = c.image;
    EXPECT_EQ(DecodePodSpec(spec).containers[0].image_pull_policy, c.policy) << c.image;
    spec["containers"][0]["imagePullPolicy"] = "Never";
    EXPECT_EQ(DecodePodSpec(spec).containers[0].image_pull_policy, "Never");
  }
}

TEST(Decode, Container) {
  PodSpec spec = DecodePodSpec(J(R"({"containers": [{
    "name": "c", "image": "x", "command": ["a", "b"], "args": [], "workingDir": "/w",
    "ports": [{"containerPort": 80}, {"name": "dns", "containerPort": 53, "hostPort": 5353,
               "protocol": "UDP", "hostIP": "127.0.0.1"}],
    "env": [{"name": "A", "value": "1"},
            {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "m", "key": "k", "optional": true}}},
            {"name": "C", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
            {"name": "D", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "E", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}}},
            {"name": "F", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}}],
    "envFrom": [{"prefix": "P_", "configMapRef": {"name": "m"}}, {"secretRef": {"name": "s", "optional": true}}],
    "volumeMounts": [{"name": "v", "mountPath": "/m", "subPath": "s", "readOnly": true}],
    "resources": {"limits": {"cpu": 2, "memory": "1024Mi"}, "requests": {"cpu": "500m"}},
    "securityContext": {"runAsUser": 0, "privileged": false, "allowPrivilegeEscalation": false,
      "readOnlyRootFilesystem": true, "procMount": "Unmasked",
      "capabilities": {"add": ["NET_ADMIN", "CAP_SYS_TIME", "sys_nice"], "drop": ["ALL"]},
      "seccompProfile": {"type": "Localhost", "localhostProfile": "p.json"}},
    "terminationMessagePath": "/t", "terminationMessagePolicy": "FallbackToLogsOnError",
    "stdin": true, "stdinOnce": true, "tty": true}]})"));
  ASSERT_EQ(spec.containers.size(), 1u);
  const Container& c = spec.containers[0];
  EXPECT_EQ(c.command, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(c.has_command);
  EXPECT_FALSE(c.has_args);
  EXPECT_EQ(c.working_dir, "/w");
  EXPECT_EQ(c.ports[0].protocol, "TCP");
  EXPECT_EQ(c.ports[0].host_port, 0);
  EXPECT_EQ(c.ports[1].protocol, "UDP");
  EXPECT_EQ(c.ports[1].host_port, 5353);
  EXPECT_EQ(c.ports[1].host_ip, "127.0.0.1");
  EXPECT_EQ(c.env[0].value, "1");
  EXPECT_TRUE(c.env[1].config_map->optional);
  EXPECT_EQ(c.env[1].config_map->key, "k");
  EXPECT_EQ(c.env[2].secret->name, "s");
  EXPECT_EQ(c.env[3].field->field_path, "status.podIP");
  EXPECT_EQ(c.env[4].resource->divisor, "1m");
  EXPECT_EQ(c.env[5].resource->divisor, "0");
  EXPECT_EQ(c.env_from[0].prefix, "P_");
  EXPECT_EQ(c.env_from[0].config_map->name, "m");
  EXPECT_TRUE(c.env_from[1].secret->optional);
  EXPECT_EQ(c.volume_mounts[0].sub_path, "s");
  EXPECT_TRUE(c.volume_mounts[0].read_only);
  EXPECT_EQ(c.resources.limits.at("memory").text, "1Gi");
  EXPECT_EQ(c.resources.limits.at("cpu").Value(), 2);
  EXPECT_EQ(c.resources.requests.at("cpu").MilliValue(), 500);
  EXPECT_EQ(c.resources.requests.at("memory").text, "1Gi");  // a limit is a request
  EXPECT_EQ(c.security_context.run_as_user, 0);
  EXPECT_EQ(c.security_context.privileged, false);
  EXPECT_EQ(c.security_context.allow_privilege_escalation, false);
  EXPECT_FALSE(c.security_context.run_as_non_root);
  EXPECT_EQ(c.security_context.proc_mount, "Unmasked");
  EXPECT_EQ(c.security_context.capabilities->add,
            (std::vector<std::string>{"NET_ADMIN", "SYS_TIME", "SYS_NICE"}));
  EXPECT_EQ(c.security_context.capabilities->drop, std::vector<std::string>{"ALL"});
  EXPECT_EQ(c.security_context.seccomp_profile->localhost_profile, "p.json");
  EXPECT_EQ(c.termination_message_path, "/t");
  EXPECT_EQ(c.termination_message_policy, "FallbackToLogsOnError");
  EXPECT_TRUE(c.stdin_open && c.stdin_once && c.tty);
}

TEST(Decode, OnTheHostsNetworkAPortIsAHostPort) {
  PodSpec spec = DecodePodSpec(J(R"({"hostNetwork": true,
    "initContainers": [{"ports": [{"containerPort": 81}]}],
    "containers": [{"ports": [{"containerPort": 80}, {"containerPort": 82, "hostPort": 82}]}]})"));
  EXPECT_EQ(spec.init_containers[0].ports[0].host_port, 81);
  EXPECT_EQ(spec.containers[0].ports[0].host_port, 80);
  EXPECT_EQ(spec.containers[0].ports[1].host_port, 82);
}

TEST(Decode, WhatAVariableComesFrom) {
  PodSpec spec = DecodePodSpec(J(R"({"serviceAccount": "old", "serviceAccountName": "robot",
    "containers": [{"env": [
    {"name": "A", "valueFrom": {"fileKeyRef": {"volumeName": "v", "path": "a.env", "key": "K", "optional": true}}},
    {"name": "B", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}}],
    "volumeMounts": [{"name": "v", "mountPath": "/v", "readOnly": true, "recursiveReadOnly": "Enabled"}]}]})"));
  EXPECT_EQ(spec.service_account_name, "robot");
  EXPECT_EQ(DecodePodSpec(J("{}")).service_account_name, "default");
  const Container& c = spec.containers[0];
  ASSERT_TRUE(c.env[0].file);
  EXPECT_EQ(c.env[0].file->volume_name + c.env[0].file->path + c.env[0].file->key, "va.envK");
  EXPECT_TRUE(c.env[0].file->optional);
  EXPECT_EQ(c.env[1].resource->divisor, "0");
  EXPECT_EQ(c.volume_mounts[0].recursive_read_only, "Enabled");
}

TEST(Decode, PodmansWordForSelinuxIsNoPartOfThePath) {
  struct Row {
    const char *written, *path, *relabel;
  };
  for (const Row& row : {Row{"/v", "/v", ""}, Row{"/v:z", "/v", "z"}, Row{"/v:Z", "/v", "Z"},
                         Row{"/v:y", "/v:y", ""}, Row{"/a:z/v", "/a:z/v", ""}}) {
    Json mount = {{"name", "v"}, {"mountPath", row.written}};
    Json spec = {{"containers", Json::array({{{"volumeMounts", Json::array({mount})}}})}};
    VolumeMount m = DecodePodSpec(spec).containers[0].volume_mounts[0];
    EXPECT_EQ(m.mount_path, row.path);
    EXPECT_EQ(m.relabel, row.relabel);
  }
}

TEST(Decode, Deployment) {
  Deployment d = DecodeDeployment(J(R"({"metadata": {"name": "web", "namespace": "prod",
      "labels": {"a": "b"}, "annotations": {"c": "d"}, "uid": "u", "generateName": "g-"},
    "spec": {"selector": {"matchLabels": {"app": "web"},
                          "matchExpressions": [{"key": "k", "operator": "In", "values": ["v"]}]},
             "template": {"metadata": {"labels": {"app": "web"}},
                          "spec": {"containers": [{"name": "c"}]}}}})"));
  EXPECT_EQ(d.metadata.name, "web");
  EXPECT_EQ(d.metadata.ns, "prod");
  EXPECT_EQ(d.metadata.uid, "u");
  EXPECT_EQ(d.metadata.generate_name, "g-");
  EXPECT_EQ(d.metadata.annotations.at("c"), "d");
  EXPECT_EQ(d.replicas, 1);
  EXPECT_EQ(d.selector.match_labels.at("app"), "web");
  EXPECT_EQ(d.selector.match_expressions[0].values, std::vector<std::string>{"v"});
  EXPECT_EQ(d.pod_template.metadata.labels.at("app"), "web");
  EXPECT_EQ(d.pod_template.spec.containers.size(), 1u);
  EXPECT_EQ(d.strategy, "RollingUpdate");
  EXPECT_EQ(d.max_surge, "25%");
  EXPECT_EQ(d.max_unavailable, "25%");
  EXPECT_EQ(d.revision_history_limit, 10);
  EXPECT_EQ(d.progress_deadline_seconds, 600);

  d = DecodeDeployment(J(R"({"spec": {"replicas": 0, "paused": true, "minReadySeconds": 3,
    "revisionHistoryLimit": 2, "progressDeadlineSeconds": 9,
    "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": "0%"}}}})"));
  EXPECT_EQ(d.replicas, 0);
  EXPECT_TRUE(d.paused);
  EXPECT_EQ(d.min_ready_seconds, 3);
  EXPECT_EQ(d.revision_history_limit, 2);
  EXPECT_EQ(d.progress_deadline_seconds, 9);
  EXPECT_EQ(d.max_surge, "1");
  EXPECT_EQ(d.max_unavailable, "0%");
  EXPECT_EQ(DecodeDeployment(J(R"({"spec": {"strategy": {"type": "Recreate"}}})")).strategy,
            "Recreate");
  EXPECT_EQ(DecodeDeployment(J(R"({"spec": {"replicas": 99999999999}})")).replicas, 2147483647);
}

TEST(Decode, ConfigMapAndSecret) {
  ConfigMap m = DecodeConfigMap(J(R"({"metadata": {"name": "m"}, "data": {"a": "x", "n": 3},
    "binaryData": {"b": "AAH/", "bad": "?"}, "immutable": true})"));
  EXPECT_EQ(m.metadata.name, "m");
  EXPECT_EQ(m.data, (StringMap{{"a", "x"}}));
  EXPECT_EQ(m.binary_data, (StringMap{{"b", std::string("\x00\x01\xff", 3)}}));
  EXPECT_TRUE(m.immutable);

  Secret s =
      DecodeSecret(J(R"({"data": {"a": "eA==", "b": "eQ=="}, "stringData": {"b": "z", "c": ""}})"));
  EXPECT_EQ(s.type, "Opaque");
  EXPECT_EQ(s.data, (StringMap{{"a", "x"}, {"b", "z"}, {"c", ""}}));
  EXPECT_EQ(DecodeSecret(J(R"({"type": "kubernetes.io/tls"})")).type, "kubernetes.io/tls");
}

}  // namespace
}  // namespace kpod::kube
