#include "pods/container_env.h"

#include <algorithm>
#include <cctype>

#include "base/text.h"
#include "pods/downward.h"
#include "pods/late_values.h"
#include "pods/service_links.h"

namespace kpod::pods {

std::string Expand(std::string_view text, const kube::StringMap& vars) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$' || i + 1 == text.size()) {
      out.push_back(text[i]);
      continue;
    }
    char next = text[i + 1];
    if (next == '$') {
      out.push_back('$');
      ++i;
      continue;
    }
    size_t close = next == '(' ? text.find(')', i + 2) : std::string_view::npos;
    if (close == std::string_view::npos) {
      out.push_back('$');
      continue;
    }
    std::string name(text.substr(i + 2, close - i - 2));
    auto it = vars.find(name);
    if (it == vars.end()) {
      out.append(text.substr(i, close - i + 1));
    } else {
      out.append(it->second);
    }
    i = close;
  }
  return out;
}

namespace {

// Variables in the order of their first setting, as NAME=value.
class Variables {
 public:
  void Set(const std::string& name, const std::string& value) {
    std::string line = StrCat(name, "=", value);
    auto same = [&](const std::string& l) {
      return l.compare(0, name.size() + 1, name + "=") == 0;
    };
    auto it = std::find_if(lines_.begin(), lines_.end(), same);
    if (it == lines_.end()) {
      lines_.push_back(std::move(line));
    } else {
      *it = std::move(line);
    }
  }
  void Erase(const std::string& name) {
    std::erase_if(lines_, [&](const std::string& l) {
      return l.size() > name.size() && l[name.size()] == '=' && l.starts_with(name);
    });
  }
  bool Has(const std::string& name) const {
    return std::any_of(lines_.begin(), lines_.end(), [&](const std::string& l) {
      return l.compare(0, name.size() + 1, name + "=") == 0;
    });
  }
  std::vector<std::string> Take() && { return std::move(lines_); }

 private:
  std::vector<std::string> lines_;
};

void Block(ContainerEnv* env, std::string message) {
  if (env->blocked.reason.empty())
    env->blocked = {"CreateContainerConfigError", std::move(message)};
}

}  // namespace

bool IsEnvName(std::string_view name) {
  if (name.empty() || name == "." || name.starts_with("..") || (name[0] >= '0' && name[0] <= '9')) {
    return false;
  }
  return std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.';
  });
}

ContainerEnv MakeContainerEnv(const kube::Pod& pod, const kube::Container& container,
                              const images::Image& image, const Plan& plan,
                              const Lookups& lookups) {
  ContainerEnv out;
  Variables vars;
  for (const std::string& line : image.Env()) {
    size_t eq = line.find('=');
    if (eq != std::string::npos && eq > 0) vars.Set(line.substr(0, eq), line.substr(eq + 1));
  }
  if (!vars.Has("PATH")) {
    vars.Set("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  }
  vars.Set("HOSTNAME", plan.hostname);
  if (container.tty && !vars.Has("TERM")) vars.Set("TERM", "xterm");

  // They stand before the image's own; added when the container starts, so that they are kept once.
  for (const auto& [name, value] : VariablesOf(plan.service_links)) {
    vars.Erase(name);
    out.expandable[name] = value;
  }
  auto set = [&](const std::string& name, const std::string& value) {
    vars.Set(name, value);
    out.expandable[name] = value;
  };
  for (const kube::EnvFrom& from : container.env_from) {
    kube::StringMap data;
    if (from.config_map) {
      auto map = lookups.config_map(from.config_map->name);
      if (!map && !from.config_map->optional) {
        Block(&out, StrCat("configmap \"", from.config_map->name, "\" not found"));
      }
      if (map) data = map->data;
    } else if (from.secret) {
      auto secret = lookups.secret(from.secret->name);
      if (!secret && !from.secret->optional) {
        Block(&out, StrCat("secret \"", from.secret->name, "\" not found"));
      }
      if (secret) data = secret->data;
    }
    std::vector<std::string> invalid;
    for (const auto& [key, value] : data) {
      std::string name = from.prefix + key;
      if (IsEnvName(name)) {
        set(name, value);
      } else {
        invalid.push_back(name);
      }
    }
    if (invalid.empty() || !lookups.note) continue;
    lookups.note({pod.metadata.name, container.name, "InvalidEnvironmentVariableNames",
                  StrCat("Keys [", Join(invalid, ", "), "] from the EnvFrom ",
                         from.config_map ? "configMap " : "secret ", pod.metadata.ns, "/",
                         from.config_map ? from.config_map->name : from.secret->name,
                         " were skipped since they are considered invalid environment variable "
                         "names.")});
  }
  for (const kube::EnvVar& e : container.env) {
    if (e.config_map) {
      auto map = lookups.config_map(e.config_map->name);
      if (map && map->data.contains(e.config_map->key)) {
        set(e.name, map->data.at(e.config_map->key));
      } else if (!e.config_map->optional) {
        Block(&out, map ? StrCat("couldn't find key ", e.config_map->key, " in ConfigMap ",
                                 pod.metadata.ns, "/", e.config_map->name)
                        : StrCat("configmap \"", e.config_map->name, "\" not found"));
      }
    } else if (e.secret) {
      auto secret = lookups.secret(e.secret->name);
      if (secret && secret->data.contains(e.secret->key)) {
        set(e.name, secret->data.at(e.secret->key));
      } else if (!e.secret->optional) {
        Block(&out, secret ? StrCat("couldn't find key ", e.secret->key, " in Secret ",
                                    pod.metadata.ns, "/", e.secret->name)
                           : StrCat("secret \"", e.secret->name, "\" not found"));
      }
    } else if (e.field) {
      std::optional<std::string> value = FieldValue(pod, lookups, e.field->field_path);
      if (value) set(e.name, *value);
    } else if (e.resource) {
      Result<std::string> value = ResourceValue(pod, &container, lookups, *e.resource);
      if (value) {
        set(e.name, *value);
      } else {
        Block(&out, value.error().message());
      }
    } else if (e.file) {
      set(e.name, LateFile(plan.uid, out.env_files.size()));
      out.env_files.push_back(
          {e.name, e.file->volume_name, e.file->path, e.file->key, e.file->optional});
    } else {
      set(e.name, Expand(e.value, out.expandable));
    }
  }
  out.env = std::move(vars).Take();
  return out;
}

}  // namespace kpod::pods
