#include "store/objects.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "base/files.h"
#include "base/text.h"

namespace kpod::store {
namespace {

class Objects : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/kpod-objects-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    paths_.root = std::string(name) + "/root";
    paths_.run = std::string(name) + "/run";
  }
  void TearDown() override { EXPECT_TRUE(RemoveAll(Dirname(paths_.root)).ok()); }

  static StoredObject ConfigMap(const std::string& name) {
    StoredObject o;
    o.ns = "shop";
    o.kind = "ConfigMap";
    o.name = name;
    o.object = {{"kind", "ConfigMap"}};
    return o;
  }
  std::string FileOf(const std::string& name) const {
    return StrCat(paths_.Objects(), "/shop/ConfigMap/", name, ".json");
  }
  ObjectStore Store() const { return ObjectStore(paths_); }
  void Overwrite(const std::string& path, std::string_view text) const {
    Result<Fd> fd = Open(path, O_WRONLY | O_TRUNC);
    ASSERT_TRUE(fd.ok());
    ASSERT_TRUE(WriteAll(fd->get(), text).ok());
  }

  Paths paths_;
};

TEST_F(Objects, OneThatIsDamagedIsToldApartFromTheOthers) {
  for (const char* name : {"whole", "system:odd name", "torn"}) {
    ASSERT_TRUE(Store().Put(ConfigMap(name)).ok());
  }
  std::string odd = StrCat(paths_.Objects(), "/shop/ConfigMap/system:odd%20name.json");
  for (std::string_view garbage : {"", "{\"kind\": \"Conf", "\x7f\x45\x4c\x46", "[]", "null"}) {
    Overwrite(FileOf("torn"), garbage);
    Overwrite(odd, garbage);
    std::vector<DamagedObject> damaged;
    Result<std::vector<StoredObject>> all = Store().List("", "", &damaged);
    ASSERT_TRUE(all.ok()) << all.error().message();
    ASSERT_EQ(all->size(), 1U);
    EXPECT_EQ(all->front().name, "whole");
    ASSERT_EQ(damaged.size(), 2U) << garbage;
    EXPECT_EQ(damaged[0].name, "system:odd name");
    EXPECT_EQ(damaged[1].ns, "shop");
    EXPECT_EQ(damaged[1].kind, "ConfigMap");
    EXPECT_EQ(damaged[1].name, "torn");
    EXPECT_TRUE(Contains(damaged[1].why, FileOf("torn"))) << damaged[1].why;
    Result<std::optional<StoredObject>> one = Store().Get("shop", "ConfigMap", "torn");
    ASSERT_FALSE(one.ok());
    EXPECT_EQ(one.error().code(), EBADMSG);
  }
  ASSERT_TRUE(Store().Put(ConfigMap("torn")).ok());
  EXPECT_TRUE(Store().Get("shop", "ConfigMap", "torn").ok());
}

TEST_F(Objects, TheNextHolderOfTheLockClearsAwayWhatAKilledOneLeft) {
  ASSERT_TRUE(Store().Put(ConfigMap("whole")).ok());
  ASSERT_TRUE(Store().Unsettle("shop").ok());
  std::string temp = paths_.Objects() + "/shop/ConfigMap/.tmp-1-0-new.json";
  ASSERT_TRUE(Open(temp, O_WRONLY | O_CREAT, 0600).ok());
  EXPECT_EQ(Store().List().value_or({}).size(), 1U);
  EXPECT_TRUE(Exists(temp));  // who only reads has no lock
  ASSERT_TRUE(Store().LockNamespace("shop").ok());
  EXPECT_FALSE(Exists(temp));
  EXPECT_TRUE(Exists(FileOf("whole")));
  // It stays unsettled until the pods have followed.
  EXPECT_TRUE(Store().IsUnsettled("shop"));
  ASSERT_TRUE(Store().Settle("shop").ok());
  EXPECT_FALSE(Store().IsUnsettled("shop"));
  ASSERT_TRUE(Store().Unsettle("shop").ok());
  EXPECT_TRUE(Store().IsUnsettled("shop"));
}

}  // namespace
}  // namespace kpod::store
