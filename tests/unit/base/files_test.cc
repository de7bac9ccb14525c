// What must hold when a writer or the holder of a lock is killed.
#include "base/files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/spawn.h"
#include "base/text.h"

namespace kpod {
namespace {

class KilledWriters : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/kpod-files-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    dir_ = name;
  }
  void TearDown() override { EXPECT_TRUE(RemoveAll(dir_).ok()); }
  std::vector<std::string> Names() const { return ListDir(dir_).value_or({}); }

  std::string dir_;
};

TEST_F(KilledWriters, WritesOverWhatAKilledProcessOfTheSameNumberLeft) {
  for (int i = 0; i < 300; ++i) {
    std::string stale = StrCat(dir_, "/.tmp-", ::getpid(), "-", i, "-file");
    ASSERT_TRUE(Open(stale, O_WRONLY | O_CREAT, 0600).ok());
  }
  ASSERT_TRUE(WriteFileAtomic(dir_ + "/file", "new").ok());
  EXPECT_EQ(ReadFile(dir_ + "/file").value_or(""), "new");
}

TEST_F(KilledWriters, SweepsTheTempFilesOfOneNameOrOfAll) {
  for (const char* name : {".tmp-1-0-a.json", ".tmp-1-1-b.json", ".tmp-22-7-a.json", "a.json"}) {
    ASSERT_TRUE(Open(dir_ + "/" + name, O_WRONLY | O_CREAT, 0600).ok());
  }
  SweepTemps(dir_, "a.json");
  EXPECT_EQ(Names(), (std::vector<std::string>{".tmp-1-1-b.json", "a.json"}));
  SweepTemps(dir_);
  EXPECT_EQ(Names(), std::vector<std::string>{"a.json"});
  EXPECT_TRUE(IsTempName(".tmp-1-0-a.json"));
  EXPECT_FALSE(IsTempName("a.json"));
}

TEST_F(KilledWriters, OnceIsWholeAndOnlyOnce) {
  ASSERT_TRUE(WriteFileOnce(dir_ + "/file", "one", 0640).ok());
  Status again = WriteFileOnce(dir_ + "/file", "two");
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code(), EEXIST);
  EXPECT_EQ(ReadFile(dir_ + "/file").value_or(""), "one");
  struct stat st;
  ASSERT_EQ(::stat((dir_ + "/file").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0640U);
  EXPECT_EQ(Names(), std::vector<std::string>{"file"});
}

TEST_F(KilledWriters, AskingWhetherALockIsFreeDoesNotGetInTheWay) {
  std::string path = dir_ + "/lock";
  ASSERT_TRUE(FileLock::TryAcquire(path).ok());
  Result<Child> asker = Fork([&] {
    for (;;) (void)FileLock::IsFree(path);
    return 0;
  });
  ASSERT_TRUE(asker.ok());
  int refused = 0;
  for (int i = 0; i < 20000; ++i) refused += FileLock::TryAcquire(path).ok() ? 0 : 1;
  ::kill(asker->pid, SIGKILL);
  ASSERT_TRUE(WaitFor(*asker).ok());
  EXPECT_EQ(refused, 0);
}

TEST_F(KilledWriters, ALockIsHeldUntilTheLastThatInheritedItDies) {
  std::string path = dir_ + "/lock";
  EXPECT_TRUE(FileLock::IsFree(path));
  Result<Child> child = [&] {
    Result<FileLock> lock = FileLock::TryAcquire(path);
    EXPECT_TRUE(lock.ok());
    EXPECT_FALSE(FileLock::IsFree(path));
    return Fork([] {
      ::pause();
      return 0;
    });
  }();
  ASSERT_TRUE(child.ok());
  EXPECT_FALSE(FileLock::IsFree(path));
  Result<FileLock> second = FileLock::TryAcquire(path);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code(), EWOULDBLOCK);
  ::kill(child->pid, SIGKILL);
  ASSERT_TRUE(WaitFor(*child).ok());
  EXPECT_TRUE(FileLock::IsFree(path));
}

TEST_F(KilledWriters, ALockOfARemovedFileIsNotTaken) {
  std::string path = dir_ + "/lock";
  Result<FileLock> first = FileLock::TryAcquire(path);
  ASSERT_TRUE(first.ok());
  Result<Child> waiter = Fork([&] {
    std::move(*first).Take().Reset();  // or it would wait for itself
    Result<FileLock> lock = FileLock::Acquire(path);
    struct stat mine, there;
    bool same = lock && ::fstat(lock->fd(), &mine) == 0 && ::stat(path.c_str(), &there) == 0 &&
                mine.st_ino == there.st_ino;
    return same ? 0 : 1;
  });
  ASSERT_TRUE(waiter.ok());
  // Until it stands at the old file: a blocked lock is shown with an arrow.
  while (!Contains(ReadFile("/proc/locks").value_or(""), "->")) ::usleep(1000);
  ::unlink(path.c_str());
  std::move(*first).Take().Reset();
  Result<ExitState> exit = WaitFor(*waiter);
  ASSERT_TRUE(exit.ok());
  EXPECT_EQ(exit->code, 0);
}

}  // namespace
}  // namespace kpod
