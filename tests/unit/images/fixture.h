// A store in a temporary directory, the built kpod-helper, and tars made by hand.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>

#include "base/files.h"
#include "base/spawn.h"
#include "base/text.h"
#include "images/images.h"

namespace kpod::images {

class StoreTest : public testing::Test {
 protected:
  void SetUp() override {
    char dir[] = "/tmp/kpod-images-test-XXXXXX";
    ASSERT_NE(::mkdtemp(dir), nullptr);
    dir_ = dir;
    paths_.root = dir_ + "/root";
    paths_.run = dir_ + "/run";
    char self[4096];
    ssize_t n = ::readlink("/proc/self/exe", self, sizeof(self));
    ASSERT_GT(n, 0);
    std::string build = Dirname(Dirname(std::string_view(self, static_cast<size_t>(n))));
    std::string helper = build + "/bin/kpod-helper";
    if (!Exists(helper)) GTEST_SKIP() << helper << " is not built";
    ::setenv("KPOD_HELPER", helper.c_str(), 1);
  }
  void TearDown() override { EXPECT_TRUE(RemoveAll(dir_)); }

  // Runs a Python script (its tarfile makes any tar, also a hostile one) in the directory.
  void Python(const std::string& script) {
    SpawnOptions options;
    options.argv = {
        "python3", "-c",
        StrCat("import tarfile,io,json,hashlib,os\nos.chdir('", dir_, "')\n", kPrelude, script)};
    Result<std::string> r = RunChecked(options);
    ASSERT_TRUE(r) << r.error().message();
  }
  Result<std::string> Unpack(const std::string& tar) {
    SpawnOptions options;
    options.argv = {HelperPath(), "unpack", dir_ + "/" + tar, dir_ + "/out"};
    EXPECT_TRUE(MakeDir(dir_ + "/out", 0755));
    return RunChecked(options);
  }

  ImageStore Store() const { return ImageStore(paths_); }

  std::string dir_;
  store::Paths paths_;

 private:
  static constexpr const char* kPrelude = R"(
def member(name, type=tarfile.REGTYPE, data=b'', link='', mode=0o644, **more):
    i = tarfile.TarInfo(name); i.type = type; i.size = len(data); i.linkname = link; i.mode = mode
    i.mtime = 1000000000
    for k, v in more.items(): setattr(i, k, v)
    return (i, data)
def tar(path, members, format=tarfile.PAX_FORMAT, mode='w'):
    with tarfile.open(path, mode, format=format) as t:
        for i, data in members: t.addfile(i, io.BytesIO(data) if i.isreg() else None)
    return open(path, 'rb').read()
def sha(b): return hashlib.sha256(b).hexdigest()
def config(*layers, **c):
    return json.dumps({'os': 'linux', 'architecture': 'amd64', 'config': c, 'created': '2020-01-02T03:04:05Z',
        'rootfs': {'type': 'layers', 'diff_ids': ['sha256:' + sha(l) for l in layers]}}).encode()
def docker(path, images):
    out, manifest = [], []
    for names, conf, layers in images:
        out.append(member(sha(conf) + '.json', data=conf))
        files = []
        for l in layers:
            files.append(sha(l) + '/layer.tar'); out.append(member(files[-1], data=l))
        manifest.append({'Config': sha(conf) + '.json', 'RepoTags': names, 'Layers': files})
    out.append(member('manifest.json', data=json.dumps(manifest).encode()))
    tar(path, out)
)";
};

}  // namespace kpod::images
