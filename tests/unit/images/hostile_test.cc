// Layers and documents from those who mean harm, or whose disk does.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "images/oci.h"
#include "tests/unit/base/mutate.h"
#include "tests/unit/images/fixture.h"

namespace kpod::images {
namespace {

class HostileTest : public StoreTest {
 protected:
  std::string Out(const std::string& path) const { return dir_ + "/out/" + path; }
  std::string Text(const std::string& path) const { return ReadFile(Out(path)).value_or("?"); }
  Result<std::string> UnpackMembers(const std::string& members) {
    EXPECT_TRUE(RemoveAll(dir_ + "/out"));
    Python("tar('l.tar', " + members + ")");
    return Unpack("l.tar");
  }
};

TEST_F(HostileTest, TheLastOfSeveralEntriesCounts) {
  Result<std::string> r = UnpackMembers(
      R"([member('f', data=b'first'), member('f', data=b'second'),
          member('d', tarfile.DIRTYPE), member('d/in', data=b'x'), member('d', data=b'a file now'),
          member('s', tarfile.SYMTYPE, link='f'), member('s', data=b'not through the link'),
          member('h', tarfile.LNKTYPE, link='f'), member('h', data=b'not through the hard link'),
          member('t', data=b'x'), member('t', tarfile.DIRTYPE, mode=0o755), member('t/in', data=b'y')])");
  ASSERT_TRUE(r) << r.error().message();
  EXPECT_EQ(Text("f"), "second");
  EXPECT_EQ(Text("d"), "a file now");
  EXPECT_EQ(Text("s"), "not through the link");
  EXPECT_EQ(Text("h"), "not through the hard link");
  EXPECT_EQ(Text("t/in"), "y");
}

TEST_F(HostileTest, WhiteoutsBelowALinkStayInside) {
  Python("os.mkdir('victim'); open('victim/f', 'w').write('safe')");
  Result<std::string> r = UnpackMembers(
      R"([member('d', tarfile.DIRTYPE, mode=0o755), member('s', tarfile.SYMTYPE, link='d'), member('s/.wh.gone'),
          member('s/.wh..wh..opq'), member('root', tarfile.SYMTYPE, link='/'), member('root/.wh.top')])");
  ASSERT_TRUE(r) << r.error().message();
  struct stat st;
  EXPECT_EQ(::lstat(Out("d/gone").c_str(), &st), 0);
  EXPECT_EQ(::lstat(Out("top").c_str(), &st), 0);
  EXPECT_EQ(st.st_rdev, 0u);
  EXPECT_FALSE(Exists("/top"));
  EXPECT_EQ(ReadFile(dir_ + "/victim/f").value_or(""), "safe");
}

TEST_F(HostileTest, AttributesAndDevices) {
  // cap_net_raw+ep, as setcap writes it.
  Result<std::string> r = UnpackMembers(
      R"([member('c', data=b'x', pax_headers={
            'SCHILY.xattr.security.capability': bytes([1,0,0,2,0,32]+[0]*14).decode('latin1'),
            'SCHILY.xattr.security.selinux': 'system_u:object_r:root_t:s0',
            'SCHILY.xattr.trusted.overlay.metacopy': '', 'SCHILY.xattr.trusted.overlay.opaque': 'y'}),
          member('null', tarfile.CHRTYPE, devmajor=1, devminor=3),
          member('whiteout', tarfile.CHRTYPE, devmajor=0, devminor=0),
          member('disk', tarfile.BLKTYPE, devmajor=8, devminor=0)])");
  ASSERT_TRUE(r) << r.error().message();
  char value[64];
  EXPECT_EQ(::lgetxattr(Out("c").c_str(), "security.capability", value, sizeof(value)), 20);
  for (const char* name :
       {"security.selinux", "trusted.overlay.metacopy", "trusted.overlay.opaque"}) {
    EXPECT_LT(::lgetxattr(Out("c").c_str(), name, value, sizeof(value)), 0) << name;
  }
  // A node of 0/0 is what overlay takes for a whiteout; only .wh. entries make those.
  EXPECT_FALSE(Exists(Out("whiteout")));
}

// Sizes that are lies: in octal, in base 256, by PAX, and of holes.
TEST_F(HostileTest, SizesThatAreLies) {
  const char* const scripts[] = {"raw[124:136] = b'77777777777\\0'",
                                 "raw[124:136] = b'\\x80' + b'\\x7f' * 11",
                                 "raw[124:136] = b'\\xff' * 12", "raw[124:136] = b'-0000000001\\0'",
                                 "raw[124:136] = b'99999999999\\0'"};
  for (const char* script : scripts) {
    EXPECT_TRUE(RemoveAll(dir_ + "/out"));
    Python(StrCat(
        "raw = bytearray(tar('l.tar', [member('f', data=b'x' * 3000), member('g', data=b'y')], "
        "format=tarfile.USTAR_FORMAT))\n",
        script, R"(
raw[148:156] = b' ' * 8; raw[148:156] = b'%06o\0 ' % sum(raw[:512])
open('l.tar', 'wb').write(raw))"));
    Result<std::string> r = Unpack("l.tar");
    if (r) {
      EXPECT_LE(Text("f").size(), 6000u) << script;
    }
  }
  for (const char* headers :
       {"{'size': '99999999999999999999'}", "{'size': '-5'}",
        R"({'GNU.sparse.realsize': '9223372036854775807', 'GNU.sparse.major': '1',
             'GNU.sparse.minor': '0', 'GNU.sparse.name': '../../x'})",
        "{'path': 'a\\0b'}", "{'linkpath': '/etc/passwd'}", "{'mtime': '1e400'}", "{'uid': '-1'}",
        "{'path': '../../../evil'}"}) {
    EXPECT_TRUE(RemoveAll(dir_ + "/out"));
    Python(StrCat("tar('l.tar', [member('f', data=b'x', pax_headers=", headers, ")])"));
    (void)Unpack("l.tar");  // refused or contained
    EXPECT_FALSE(Exists(dir_ + "/x") || Exists(dir_ + "/evil")) << headers;
  }
}

// A small archive may unpack to more than the disk: it stops before it is full.
TEST_F(HostileTest, ABombDoesNotFillTheDisk) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  Python(R"(import gzip
with gzip.open('bomb.gz', 'wb', 1) as f:
    with tarfile.open(fileobj=f, mode='w|') as t:
        i = tarfile.TarInfo('zeros'); i.size = 400 << 20
        class Zeros:
            def read(self, n): return bytes(n)
        t.addfile(i, Zeros()))");
  Result<std::string> left = RunInChild([&]() -> Result<std::string> {
    if (::unshare(CLONE_NEWNS) < 0 ||
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0)
      return Error::Errno("unshare");
    TRY(MakeDir(dir_ + "/out", 0755));
    if (::mount("none", (dir_ + "/out").c_str(), "tmpfs", 0, "size=224m") < 0)
      return Error::Errno("mount");
    SpawnOptions options;
    options.argv = {HelperPath(), "unpack", dir_ + "/bomb.gz", dir_ + "/out"};
    Captured c = TRY(RunProgram(options));
    struct statvfs fs;
    if (::statvfs((dir_ + "/out").c_str(), &fs) < 0) return Error::Errno("statvfs");
    return StrCat(c.exit.code, " ", c.err, fs.f_bavail * fs.f_frsize > 16 << 20 ? "room" : "full");
  });
  ASSERT_TRUE(left) << left.error().message();
  EXPECT_TRUE(left->starts_with("125 ")) << *left;
  EXPECT_TRUE(Contains(*left, "No space left on device\nroom")) << *left;
}

TEST_F(HostileTest, DamagedLayersNeverCrashTheHelperNorLeaveIt) {
  Python(R"(os.mkdir('victim'); open('victim/f', 'w').write('safe')
tar('l.tar', [member('d', tarfile.DIRTYPE, mode=0o755), member('d/f', data=b'x' * 700), member('d/.wh.g'),
  member('h', tarfile.LNKTYPE, link='d/f'), member('s', tarfile.SYMTYPE, link='../victim'), member('s2', tarfile.SYMTYPE, link='d'),
  member('s2/through', data=b'y'), member('long' * 40, data=b'z'), member('x', data=b'v', pax_headers={
  'SCHILY.xattr.user.a': 'b', 'mtime': '1.5'}), member('fifo', tarfile.FIFOTYPE)])
import gzip, subprocess
open('l.gz', 'wb').write(gzip.compress(open('l.tar', 'rb').read()))
subprocess.run('truncate -s 1M hole && echo e >> hole && tar -S -cf sparse.tar hole', shell=True, check=True))");
  testing_tools::Mutator mutator(20190211);
  for (const char* base : {"l.tar", "l.gz", "sparse.tar"}) {
    std::string whole = ReadFile(dir_ + "/" + base).value_or("");
    ASSERT_FALSE(whole.empty());
    for (int i = 0; i < 80; ++i) {
      ASSERT_TRUE(WriteFileAtomic(dir_ + "/m.tar", mutator.Mutate(whole)));
      ASSERT_TRUE(RemoveAll(dir_ + "/out"));
      ASSERT_TRUE(MakeDir(dir_ + "/out", 0755));
      SpawnOptions options;
      options.argv = {HelperPath(), "unpack", dir_ + "/m.tar", dir_ + "/out"};
      Result<Captured> c = RunProgram(options);
      ASSERT_TRUE(c);
      ASSERT_EQ(c->exit.signal, 0) << base << " " << i;
      ASSERT_TRUE(c->exit.code == 0 || c->exit.code == 125) << c->err;
      ASSERT_EQ(ReadFile(dir_ + "/victim/f").value_or(""), "safe") << base << " " << i;
    }
  }
}

TEST(HostileDocuments, AreRefusedOrRead) {
  std::string hex(64, 'a');
  Json blob = {{"mediaType", "x"}, {"digest", "sha256:" + hex}, {"size", 5}};
  Json manifest = {{"schemaVersion", 2}, {"config", blob}, {"layers", Json::array({blob, blob})}};
  Json entry = blob;
  entry["platform"] = {{"os", "linux"}, {"architecture", "amd64"}};
  entry["annotations"] = {{"org.opencontainers.image.ref.name", "x:1"}};
  Json index = {{"schemaVersion", 2}, {"manifests", Json::array({entry, entry})}};
  Json docker = Json::array({{{"Config", hex + ".json"},
                              {"RepoTags", Json::array({"a:1"})},
                              {"Layers", Json::array({"l/layer.tar"})}}});
  Json config = {{"architecture", "amd64"},
                 {"config",
                  {{"Cmd", Json::array({"a"})},
                   {"Env", Json::array({"A=b"})},
                   {"User", "1:2"},
                   {"Volumes", {{"/v", Json::object()}}}}},
                 {"rootfs", {{"type", "layers"}, {"diff_ids", Json::array({"sha256:" + hex})}}}};
  ASSERT_TRUE(ParseManifest(manifest, BlobPlace::kFlat));
  ASSERT_TRUE(ParseIndex(index, BlobPlace::kOciLayout));
  ASSERT_TRUE(ParseDockerManifest(docker));
  ASSERT_TRUE(DiffIds(config));
  testing_tools::Mutator mutator(20240131);
  for (int i = 0; i < 4000; ++i) {
    (void)ParseManifest(mutator.Mutate(manifest), BlobPlace::kFlat);
    Result<std::vector<ImageSource>> sources = ParseDockerManifest(mutator.Mutate(docker));
    if (sources) {
      for (const ImageSource& s : *sources) EXPECT_FALSE(s.config.path.starts_with("..")) << i;
    }
    Result<std::vector<Descriptor>> entries =
        ParseIndex(mutator.Mutate(index), BlobPlace::kOciLayout);
    if (entries) {
      for (const Descriptor& d : *entries) EXPECT_TRUE(d.blob.path.starts_with("blobs/sha256/a"));
      (void)ChoosePlatform(*entries, "amd64");
    }
    Image image;
    image.config = mutator.Mutate(config);
    (void)DiffIds(image.config);
    (void)(image.Entrypoint().size() + image.Cmd().size() + image.Env().size());
    (void)(image.User() + image.WorkingDir() + image.StopSignal());
    (void)image.Volumes();
    (void)ParseJson(mutator.Mutate(Dump(manifest)), "manifest");
    (void)ParseReference(mutator.Mutate(std::string("localhost:5000/a/b:tag@sha256:" + hex)));
  }
}

}  // namespace
}  // namespace kpod::images
