// Where everything lies. docs/state-on-disk.md describes each file.
#pragma once

#include <string>

#include "base/result.h"

namespace kpod::store {

// root: what survives a reboot; run: what does not (locks, sockets, the node's network namespace).
// Root's defaults: /var/lib/kpod and /run/kpod. Others: $XDG_DATA_HOME/kpod and
// $XDG_RUNTIME_DIR/kpod. KPOD_ROOT and KPOD_RUN (or --root, --run) choose others.
struct Paths {
  std::string root, run;

  static Paths FromEnvironment();
  Status MakeAll() const;
  // "" for the default root, else a short hash of it: names of interfaces, cgroups and nft tables
  // carry it, so that two roots never meet.
  std::string Instance() const;

  std::string Objects() const { return root + "/objects"; }
  std::string Pods() const { return root + "/pods"; }
  std::string Pod(const std::string& ns, const std::string& name) const {
    return Pods() + "/" + ns + "_" + name;
  }
  std::string PodRun(const std::string& ns, const std::string& name) const {
    return run + "/pods/" + ns + "_" + name;
  }
  std::string Alive(const std::string& ns, const std::string& name) const {
    return PodRun(ns, name) + "/alive";
  }
  std::string Control(const std::string& ns, const std::string& name) const {
    return PodRun(ns, name) + "/control";
  }
  std::string Volumes() const { return root + "/volumes"; }
  std::string Images() const { return root + "/images"; }
  std::string Network() const { return root + "/network"; }
  std::string Events() const { return root + "/events"; }
  std::string Locks() const { return run + "/locks"; }
};

}  // namespace kpod::store
