// Layers as they come, also from those who mean harm: what the helper makes of them on a real disk.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "tests/unit/images/fixture.h"

namespace kpod::images {
namespace {

class UnpackTest : public StoreTest {
 protected:
  struct stat Stat(const std::string& path) {
    struct stat st {};
    EXPECT_EQ(::lstat((dir_ + "/out/" + path).c_str(), &st), 0) << path;
    return st;
  }
  std::string Xattr(const std::string& path, const char* name) {
    char value[256];
    ssize_t n = ::lgetxattr((dir_ + "/out/" + path).c_str(), name, value, sizeof(value));
    return n < 0 ? "" : std::string(value, static_cast<size_t>(n));
  }
  bool IsWhiteout(const std::string& path) {
    struct stat st = Stat(path);
    return S_ISCHR(st.st_mode) && st.st_rdev == 0;
  }
};

TEST_F(UnpackTest, KindsOwnersModesAndTimes) {
  Python(R"(tar('l.tar', [member('d', tarfile.DIRTYPE, mode=0o1750, uid=7, gid=8),
    member('d/setuid', data=b'x', mode=0o4755, uid=1000, gid=1001), member('d/hard', tarfile.LNKTYPE, link='d/setuid'),
    member('d/soft', tarfile.SYMTYPE, link='/etc/passwd'), member('d/fifo', tarfile.FIFOTYPE),
    member('n/o/parents', data=b'y'), member('d/' + 'x' * 200, data=b'long'),
    member('a', data=b'v', pax_headers={'SCHILY.xattr.user.colour': 'blue',
           'SCHILY.xattr.trusted.overlay.redirect': '/x', 'SCHILY.xattr.user.overlay.opaque': 'y'}),
    member(b'caf\xe9'.decode('utf8', 'surrogateescape'), data=b'z')], format=tarfile.PAX_FORMAT))");
  Result<std::string> r = Unpack("l.tar");
  ASSERT_TRUE(r) << r.error().message();
  EXPECT_EQ(Stat("d").st_mode & 07777, 01750u);
  EXPECT_EQ(Stat("d").st_uid, 7u);
  EXPECT_EQ(Stat("d").st_mtime, 1000000000);
  EXPECT_EQ(Stat("d/setuid").st_mode & 07777, 04755u);
  EXPECT_EQ(Stat("d/setuid").st_gid, 1001u);
  EXPECT_EQ(Stat("d/setuid").st_ino, Stat("d/hard").st_ino);
  EXPECT_TRUE(S_ISLNK(Stat("d/soft").st_mode));
  EXPECT_TRUE(S_ISFIFO(Stat("d/fifo").st_mode));
  EXPECT_EQ(Stat("n/o/parents").st_size, 1);
  EXPECT_EQ(Stat("d/" + std::string(200, 'x')).st_size, 4);
  EXPECT_EQ(Xattr("a", "user.colour"), "blue");
  EXPECT_EQ(Xattr("a", "trusted.overlay.redirect"), "");
  EXPECT_EQ(Xattr("a", "user.overlay.opaque"), "");
  EXPECT_EQ(Stat("caf\xe9").st_size, 1);
}

TEST_F(UnpackTest, WhiteoutsAndOpaqueDirectories) {
  Python(R"(tar('l.tar', [member('d', tarfile.DIRTYPE, mode=0o755), member('d/.wh.gone'),
    member('o', tarfile.DIRTYPE, mode=0o755), member('o/.wh..wh..opq'), member('o/new', data=b'x'),
    member('.wh.again'), member('again', tarfile.DIRTYPE, mode=0o755), member('kept', data=b'k'), member('.wh.kept'),
    member('.wh..wh.plnk', tarfile.DIRTYPE)]))");
  Result<std::string> r = Unpack("l.tar");
  ASSERT_TRUE(r) << r.error().message();
  EXPECT_TRUE(IsWhiteout("d/gone"));
  EXPECT_EQ(Xattr("o", "trusted.overlay.opaque"), "y");
  EXPECT_EQ(Xattr("again", "trusted.overlay.opaque"), "y");
  EXPECT_EQ(Stat("kept").st_size, 1);
  EXPECT_FALSE(Exists(dir_ + "/out/.wh..wh.plnk"));
}

TEST_F(UnpackTest, NothingLeavesTheDirectory) {
  Python("os.mkdir('victim'); open('victim/f', 'w').write('safe')");
  struct Case {
    const char *members, *why;  // why "": accepted, and contained
  };
  const Case cases[] = {
      {"[member('../victim/f', data=b'evil')]", "leads out"},
      {"[member('a/../../victim/f', data=b'evil')]", "leads out"},
      {"[member(os.getcwd() + '/victim/f', data=b'evil')]", ""},
      {"[member('s', tarfile.SYMTYPE, link=os.getcwd() + '/victim'), member('s/f', data=b'evil')]",
       "make directory"},
      {"[member('s', tarfile.SYMTYPE, link='../victim'), member('s/f', data=b'evil')]",
       "make directory"},
      {"[member('s', tarfile.SYMTYPE, link='../victim/f'), member('s', data=b'evil')]", ""},
      {"[member('h', tarfile.LNKTYPE, link='../victim/f')]", "leads out"},
      {"[member('h', tarfile.LNKTYPE, link=os.getcwd() + '/victim/f')]", "does not hold"},
      {"[member('s', tarfile.SYMTYPE, link='../victim'), member('h', tarfile.LNKTYPE, link='s/f')]",
       "does not hold"},
      {"[member('.wh...')]", "whiteout of no file"},
      {"[member('.wh..')]", "whiteout of no file"},
      {"[member('.wh.')]", "whiteout of no file"},
      {"[member('/'.join(['d'] * 300), data=b'')]", "deep"},
      {"[member('s', tarfile.SYMTYPE, link='../victim'), member('s/.wh.f')]", "make directory"},
      {"[member('s', tarfile.SYMTYPE, link='s'), member('s/f', data=b'x')]", "s"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.members);
    Python(StrCat("tar('l.tar', ", c.members, ")"));
    Result<std::string> r = Unpack("l.tar");
    EXPECT_EQ(bool(r), c.why[0] == '\0') << (r ? *r : r.error().message());
    if (!r) {
      EXPECT_TRUE(Contains(r.error().message(), c.why)) << r.error().message();
    }
    EXPECT_EQ(ReadFile(dir_ + "/victim/f").value_or(""), "safe");
    EXPECT_EQ(ListDir(dir_ + "/victim").value_or({}).size(), 1u);
    ASSERT_TRUE(RemoveAll(dir_ + "/out"));
  }
}

TEST_F(UnpackTest, CompressionsHaveOneDiffId) {
  Python(R"(raw = tar('l.tar', [member('f', data=b'hello' * 1000)])
import gzip, bz2, lzma, subprocess
open('l.gz', 'wb').write(gzip.compress(raw)); open('l.bz2', 'wb').write(bz2.compress(raw))
open('l.xz', 'wb').write(lzma.compress(raw)); open('diff', 'w').write(sha(raw)))");
  std::string diff = ReadFile(dir_ + "/diff").value_or("?");
  for (const char* file : {"l.tar", "l.gz", "l.bz2", "l.xz"}) {
    Result<std::string> r = Unpack(file);
    ASSERT_TRUE(r) << file << ": " << r.error().message();
    EXPECT_TRUE(Contains(*r, "\"diff_id\":\"" + diff + "\"")) << file << *r;
    EXPECT_EQ(Stat("f").st_size, 5000);
    ASSERT_TRUE(RemoveAll(dir_ + "/out"));
  }
}

TEST_F(UnpackTest, ATruncatedLayerIsAnError) {
  Python(
      "raw = tar('l.tar', [member('f', data=b'x' * 5000)]); open('l.tar', 'wb').write(raw[:3000])");
  EXPECT_FALSE(Unpack("l.tar"));
}

TEST_F(UnpackTest, HolesStayHoles) {
  SpawnOptions make;
  make.argv = {
      "sh", "-c",
      StrCat("cd ", dir_, " && truncate -s 64M big && echo end >> big && tar -S -cf l.tar big")};
  ASSERT_TRUE(RunChecked(make));
  Result<std::string> r = Unpack("l.tar");
  ASSERT_TRUE(r) << r.error().message();
  EXPECT_EQ(Stat("big").st_size, (64 << 20) + 4);
  EXPECT_LT(Stat("big").st_blocks * 512, 1 << 20);
}

}  // namespace
}  // namespace kpod::images
