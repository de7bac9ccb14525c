// Containers: names, images, ports. Environment, mounts, probes and resources have files of their
// own.
#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "kube/rules_check.h"
#include "kube/rules_names.h"

namespace kpod::kube::rules {
namespace {

constexpr int64_t kMaxPort = 65535;

constexpr EnumRule kEnums[] = {
    {"imagePullPolicy", "Always|IfNotPresent|Never"},
    {"terminationMessagePolicy", "FallbackToLogsOnError|File"},
    {"restartPolicy", "Always|Never|OnFailure"},
};
constexpr Table kContainerTable = {{}, {}, kEnums, {}};

void CheckPorts(const Field& ports, bool host_network) {
  std::vector<std::string> names;
  for (const Field& port : ports.Items()) {
    CheckText(port["name"], IsPortName);
    if (IsPortName(port["name"].Text()).empty()) CheckUnique(port["name"], &names);
    Field container_port = port["containerPort"];
    Field host_port = port["hostPort"];
    if (container_port.Int(0) == 0) {
      container_port.Required();
    } else {
      CheckInt(container_port, 1, kMaxPort);
    }
    if (host_port.Int(0) != 0) CheckInt(host_port, 1, kMaxPort);
    CheckEnum(port["protocol"], "SCTP|TCP|UDP");
    if (host_network && host_port.Int(0) != 0 && host_port.Int() != container_port.Int()) {
      container_port.Invalid("must match `hostPort` when `hostNetwork` is true");
    }
  }
}

// "TCP//8080": one machine has each port once. On the host's network a container port is one.
void CheckHostPorts(const Field& container, bool host_network, std::set<std::string>* taken) {
  for (const Field& port : container["ports"].Items()) {
    Field host_port = port["hostPort"];
    int64_t number = host_port.Int(0);
    if (number == 0 && host_network) number = port["containerPort"].Int(0);
    if (number == 0) continue;
    std::string_view protocol = port["protocol"].Text();
    std::string key =
        StrCat(protocol.empty() ? "TCP" : protocol, "/", port["hostIP"].Text(), "/", number);
    if (!taken->insert(key).second) host_port.DuplicateText(key);
  }
}

void CheckResizePolicy(const Field& policies) {
  std::vector<std::string> seen;
  for (const Field& policy : policies.Items()) {
    CheckEnum(policy["resourceName"], "cpu|memory");
    CheckEnum(policy["restartPolicy"], "NotRequired|RestartContainer");
    CheckUnique(policy["resourceName"], &seen);
  }
}

void CheckContainer(const Field& container, bool init, const PodFacts& facts,
                    std::vector<std::string>* names) {
  Field name = container["name"];
  if (name.Text().empty()) {
    name.Required();
  } else {
    CheckText(name, IsDns1123Label);
    CheckUnique(name, names);
  }
  Field image = container["image"];
  if (image.Text().empty()) {
    image.Required();
  } else if (Trim(image.Text()) != image.Text()) {
    image.Invalid("must not have leading or trailing whitespace");
  }
  CheckTable(container, kContainerTable);
  CheckPorts(container["ports"], facts.host_network);
  CheckEnv(container);
  CheckMounts(container, facts);
  CheckProbesAndLifecycle(container, init, facts);
  CheckResources(container["resources"]);
  CheckResizePolicy(container["resizePolicy"]);
  CheckContainerSecurityContext(container, facts.host_users);
}

}  // namespace

void CheckContainers(const Field& spec, const PodFacts& facts) {
  std::vector<std::string> names;
  Field containers = spec["containers"];
  if (containers.empty()) containers.Required();
  std::set<std::string> taken;
  for (const Field& container : containers.Items()) {
    CheckContainer(container, false, facts, &names);
    CheckHostPorts(container, facts.host_network, &taken);
  }
  for (const Field& container : spec["initContainers"].Items()) {
    CheckContainer(container, true, facts, &names);
    std::set<std::string> own;  // init containers run one after another
    CheckHostPorts(container, facts.host_network, &own);
  }
}

}  // namespace kpod::kube::rules
