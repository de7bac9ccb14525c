#include "pods/pull_secrets.h"

#include <fnmatch.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "base/files.h"
#include "base/text.h"

namespace kpod::pods {

namespace {

struct Place {
  std::vector<std::string> host;  // parts between dots
  std::string port, path;         // path: "" or with its slash
};

Place PlaceOf(std::string_view text) {
  Place p;
  size_t slash = std::min(text.find('/'), text.size());
  p.path = std::string(text.substr(slash));
  std::string_view host = text.substr(0, slash);
  size_t colon = host.rfind(':');
  if (colon != std::string_view::npos) {
    p.port = std::string(host.substr(colon + 1));
    host = host.substr(0, colon);
  }
  p.host = Split(host, '.');
  return p;
}

// "https://index.docker.io/v1/" -> "index.docker.io": what docker login writes.
std::string KeyOf(std::string_view written) {
  for (std::string_view scheme : {"https://", "http://"}) {
    if (written.starts_with(scheme)) written.remove_prefix(scheme.size());
  }
  size_t slash = std::min(written.find('/'), written.size());
  std::string_view path = written.substr(slash);
  if (path.starts_with("/v1/") || path.starts_with("/v2/")) path.remove_prefix(3);
  if (path == "/") path = {};
  return StrCat(written.substr(0, slash), path);
}

bool Matches(const std::string& key, const std::string& repository) {
  Place pattern = PlaceOf(key);
  Place image = PlaceOf(repository);
  if (pattern.port != image.port || pattern.host.size() != image.host.size() ||
      !image.path.starts_with(pattern.path)) {
    return false;
  }
  for (size_t i = 0; i < image.host.size(); ++i) {
    if (::fnmatch(pattern.host[i].c_str(), image.host[i].c_str(), 0) != 0) return false;
  }
  return true;
}

// As an auth.json has it: "auth" instead of name and password.
std::optional<Json> EntryOf(const Json& login) {
  Json out = Json::object();
  std::string auth = StringAt(login, "auth");
  std::string user = StringAt(login, "username");
  if (auth.empty() && !user.empty()) {
    auth = Base64Encode(StrCat(user, ":", StringAt(login, "password")));
  }
  std::string identity = StringAt(login, "identitytoken");
  if (auth.empty() && identity.empty()) return std::nullopt;
  if (!auth.empty()) out["auth"] = auth;
  if (!identity.empty()) out["identitytoken"] = identity;
  return out;
}

struct Login {
  std::string key;
  Json entry;
};

std::vector<Login> LoginsIn(const std::vector<kube::Secret>& secrets) {
  std::vector<Login> out;
  for (const kube::Secret& s : secrets) {
    bool wrapped = s.type == "kubernetes.io/dockerconfigjson";
    if (!wrapped && s.type != "kubernetes.io/dockercfg") continue;
    auto it = s.data.find(wrapped ? ".dockerconfigjson" : ".dockercfg");
    if (it == s.data.end()) continue;
    Result<Json> config = ParseJson(it->second, "login");
    if (!config) continue;
    const Json& logins = wrapped ? At(*config, "auths") : *config;
    if (!logins.is_object()) continue;
    for (const auto& [key, login] : logins.items()) {
      if (std::optional<Json> entry = EntryOf(login)) out.push_back({KeyOf(key), *entry});
    }
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const Login& a, const Login& b) { return a.key > b.key; });
  return out;
}

// A file without a name, which ends with this process.
Result<Fd> AuthFile(const std::string& registry, const Json& login) {
  Fd fd(::memfd_create("auth", MFD_CLOEXEC));
  if (!fd) return Error::Errno("memfd_create");
  TRY(WriteAll(fd.get(), Dump(Json{{"auths", {{registry, login}}}})));
  return fd;
}

}  // namespace

std::vector<Json> LoginsFor(const images::Reference& image,
                            const std::vector<kube::Secret>& secrets) {
  std::string repository = StrCat(image.domain, "/", image.path);
  std::vector<Login> logins = LoginsIn(secrets);
  std::vector<Json> out;
  for (const Login& l : logins) {
    if (Matches(l.key, repository)) out.push_back(l.entry);
  }
  if (!out.empty() || image.domain != "docker.io") return out;
  for (const Login& l : logins) {
    if (l.key == "index.docker.io") out.push_back(l.entry);
  }
  return out;
}

Result<images::Image> PullWith(const images::ImageStore& store, const std::string& reference,
                               const std::vector<kube::Secret>& secrets,
                               const images::Progress& progress) {
  Result<images::Reference> parsed = images::ParseReference(reference);
  std::vector<Json> logins = parsed ? LoginsFor(*parsed, secrets) : std::vector<Json>{};
  if (logins.empty()) return store.Pull(reference, {}, progress);
  std::optional<Error> first;
  for (const Json& login : logins) {
    Fd file = TRY(AuthFile(parsed->domain, login));
    images::ImageStore::PullOptions options;
    options.authfile = StrCat("/proc/", ::getpid(), "/fd/", file.get());
    Result<images::Image> pulled = store.Pull(reference, options, progress);
    if (pulled) return pulled;
    if (!first) first = pulled.error();
  }
  return *first;
}

}  // namespace kpod::pods
