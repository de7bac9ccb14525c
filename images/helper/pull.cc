// Pulling is skopeo's work: its transports, credentials and registries.conf hold here too. It
// copies into a directory of its dir: form, which keeps manifest and configuration as they are
// (oci: would rewrite docker's configuration, and with it the image's ID).
#include <sys/stat.h>

#include "base/text.h"
#include "images/helper/commands.h"
#include "images/helper/download.h"
#include "images/helper/skopeo.h"

namespace kpod::images {

namespace {

struct Source {
  std::string transport;  // what skopeo is given
  std::string name;       // the full reference the image is to bear, or ""
};

bool IsTransport(std::string_view s) {
  for (std::string_view t : {"docker:", "oci:", "oci-archive:", "docker-archive:", "dir:",
                             "containers-storage:", "docker-daemon:", "ostree:", "sif:"}) {
    if (s.starts_with(t)) return true;
  }
  return false;
}

Result<Source> ParseSource(const std::string& text) {
  constexpr std::string_view kDocker = "docker://";
  if (text.starts_with(kDocker) || !IsTransport(text)) {
    std::string_view bare = text;
    if (text.starts_with(kDocker)) bare.remove_prefix(kDocker.size());
    Reference reference = TRY(ParseReference(bare));
    std::string name = reference.ToString();
    // skopeo refuses a reference with both; the digest is what counts.
    Reference wanted = reference;
    if (!wanted.digest.empty()) wanted.tag.clear();
    return Source{StrCat(kDocker, wanted.ToString()), wanted.ToString()};
  }
  std::string_view rest = std::string_view(text).substr(text.find(':') + 1);
  if (text.starts_with("docker-daemon:") || text.starts_with("containers-storage:")) {
    if (size_t end = rest.find(']'); rest.starts_with('[') && end != std::string_view::npos) {
      rest.remove_prefix(end + 1);
    }
    Result<Reference> reference = ParseReference(rest);
    return Source{text, reference ? reference->ToString() : ""};
  }
  // oci:PATH:NAME and the archives: NAME is after the path.
  size_t colon = rest.find(':');
  std::string name = colon == std::string_view::npos
                         ? ""
                         : NameFromAnnotation(std::string(rest.substr(colon + 1)));
  return Source{text, name};
}

std::vector<std::string> Skopeo(const char* command, const PullRequest& request, bool copying) {
  std::vector<std::string> argv = {"skopeo"};
  // Without any policy skopeo refuses everything; the default that all distributions ship accepts.
  struct stat st;
  const char* home = ::getenv("HOME");
  if (::stat("/etc/containers/policy.json", &st) < 0 &&
      ::stat(StrCat(home == nullptr ? "" : home, "/.config/containers/policy.json").c_str(), &st) <
          0) {
    argv.push_back("--insecure-policy");
  }
  argv.push_back("--override-os=linux");
  argv.push_back("--override-arch=" + ThisArchitecture());
  argv.push_back(command);
  if (!request.tls_verify)
    argv.push_back(copying ? "--src-tls-verify=false" : "--tls-verify=false");
  if (!request.authfile.empty()) argv.push_back("--authfile=" + request.authfile);
  return argv;
}

// The manifest for this machine, when the registry tells it: to see what of it is here already.
struct Remote {
  std::string digest, id;
  std::vector<Blob> layers;
};
Result<Remote> Inspect(const Source& source, const PullRequest& request) {
  std::string from = source.transport;
  Remote remote;
  for (int nesting = 0; nesting < 3; ++nesting) {
    std::vector<std::string> argv = Skopeo("inspect", request, false);
    argv.push_back("--raw");
    argv.push_back(from);
    std::string text = TRY(RunSkopeo(std::move(argv), nullptr));
    Json document = TRY(ParseJson(text, "manifest"));
    if (IsIndex(document)) {
      std::vector<Descriptor> entries = TRY(ParseIndex(document, BlobPlace::kFlat));
      Descriptor chosen = TRY(ChoosePlatform(entries, ThisArchitecture()));
      std::string_view bare = std::string_view(from).substr(9);
      Reference reference = TRY(ParseReference(bare));
      reference.tag.clear();
      reference.digest = chosen.blob.digest;
      from = "docker://" + reference.ToString();
      continue;
    }
    ImageSource image = TRY(ParseManifest(document, BlobPlace::kFlat));
    remote.digest = "sha256:" + Sha256Hex(text);
    remote.id = image.config.path;
    remote.layers = std::move(image.layers);
    return remote;
  }
  return Error("indexes are nested too deep");
}

Status Copy(const Source& source, const PullRequest& request, const std::string& dir,
            Download& download) {
  std::vector<std::string> argv = Skopeo("copy", request, true);
  for (const std::string& word : {std::string("--quiet"), source.transport, "dir:" + dir}) {
    argv.push_back(word);
  }
  TRY(RunSkopeo(std::move(argv), [&] { return download.Look(); }));
  return OkStatus();
}

// The image is here under another name, or the same: the registry's tag is all that is new.
Result<bool> NameWhatIsHere(const Layout& layout, const Remote& remote, const std::string& name) {
  FileLock lock = TRY(LockWriters(layout));
  Result<Record> record = ReadRecord(layout, remote.id);
  if (!record) return false;
  for (const std::string& hex : record->diff_ids) {
    if (!Exists(layout.LayerInfo(hex))) return false;
  }
  TRY(AddName(layout, *record, name, remote.digest));
  return true;
}

Result<std::vector<Taken>> PullSource(const store::Paths& paths, const PullRequest& request,
                                      const Source& source, const Report& report) {
  Intake intake = TRY(Intake::Begin(paths, report));
  Remote remote;
  if (source.transport.starts_with("docker://")) {
    remote = TRY(Inspect(source, request));
    if (TRY(NameWhatIsHere(intake.layout(), remote, source.name))) {
      return std::vector<Taken>{{remote.id, source.name}};
    }
  }
  std::string dir = intake.temp() + "/copy";
  TRY(MakeDir(dir));
  Download download(intake, dir, remote.layers, report);
  TRY(Copy(source, request, dir, download));
  std::unique_ptr<Bundle> bundle = TRY(OpenBundle(dir, intake.temp()));
  std::vector<std::string> names;
  if (!source.name.empty()) names.push_back(source.name);
  return intake.Take(*bundle, names);
}

}  // namespace

Result<std::vector<Taken>> Pull(const store::Paths& paths, const PullRequest& request,
                                const Report& report) {
  Source source = TRY(ParseSource(request.source));
  return PullSource(paths, request, source, report).Context("pull " + request.source);
}

}  // namespace kpod::images
