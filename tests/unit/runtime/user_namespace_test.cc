// Containers in a user namespace that was made before them.
#include "runtime/user_namespace.h"

#include <sys/stat.h>

#include "runtime/syscalls.h"
#include "tests/unit/runtime/fixture.h"

namespace kpod::runtime {
namespace {

const std::vector<IdMap> kMap = {{0, 300000, 65536}};

TEST(HostId, OfAMapOfParts) {
  const std::vector<IdMap> map = {{0, 1000, 1}, {1, 100000, 65535}};
  EXPECT_EQ(HostId(map, 0), 1000u);
  EXPECT_EQ(HostId(map, 1), 100000u);
  EXPECT_EQ(HostId(map, 65535), 165534u);
  EXPECT_EQ(HostId({}, 7), 7u);
}

class UserNamespace : public ContainerTest {
 protected:
  void SetUp() override {
    ContainerTest::SetUp();
    if (IsSkipped()) return;
    Result<Fd> made = MakeUserNamespace(kMap, kMap);
    ASSERT_TRUE(made.ok()) << made.error().message();
    namespace_ = std::move(*made);
    Result<Fd> tree = CloneTree(AT_FDCWD, dir_, false);
    ASSERT_TRUE(tree.ok());
    if (!MapOwners(tree->get(), namespace_.get(), false, dir_))
      GTEST_SKIP() << "no id-mapped mounts";
  }

  Spec MappedSpec(const std::string& script) {
    Spec spec = BaseSpec({"sh", "-c", script});
    spec.uid_mappings = spec.gid_mappings = kMap;
    return spec;
  }
  StartOptions Joining() {
    StartOptions options;
    options.join.push_back({namespace_.get(), CLONE_NEWUSER});
    options.rootfs = {{rootfs_, dir_ + "/below"}, dir_ + "/up/upper", dir_ + "/up/work", true};
    EXPECT_TRUE(MakeDirs(dir_ + "/below", 0755).ok());
    return options;
  }
  uid_t OwnerOf(const std::string& path) {
    struct stat st;
    return ::lstat((dir_ + path).c_str(), &st) == 0 ? st.st_uid : 4242424242u;
  }

  Fd namespace_;
};

TEST_F(UserNamespace, RootInsideIsNobodyOutside) {
  ASSERT_TRUE(MakeDirs(dir_ + "/volume", 0755).ok());
  Spec spec = MappedSpec(
      "id -u; cat /proc/self/uid_map; stat -c %u:%g / /bin/busybox /volume /proc/1; "
      "touch /here /volume/x; cat /proc/1/comm; ip link set lo up && echo up; "
      "hostname other && echo named");
  spec.mounts.push_back({"/volume", "bind", dir_ + "/volume", {"rbind", "idmap"}});
  for (auto* set : {&spec.process.capabilities.bounding, &spec.process.capabilities.effective,
                    &spec.process.capabilities.permitted}) {
    set->push_back("CAP_NET_ADMIN");
    set->push_back("CAP_SYS_ADMIN");
  }
  Outcome o = Run(spec, Joining());
  ASSERT_STARTED(o);
  EXPECT_EQ(ReplaceAll(o.out, " ", ""), "0\n030000065536\n0:0\n0:0\n0:0\n0:0\nsh\nup\nnamed\n");
  EXPECT_EQ(OwnerOf("/volume/x"), 0u);
  EXPECT_EQ(OwnerOf("/up/upper/here"), 300000u);
  EXPECT_EQ(OwnerOf("/rootfs/bin/busybox"), 0u);
}

TEST_F(UserNamespace, WhoIsNotRootIsMappedToo) {
  Spec spec = MappedSpec("id -u; id -g; touch /tmp/mine && stat -c %u /tmp/mine; cat /etc/shadow");
  ASSERT_TRUE(WriteFileOnce(rootfs_ + "/etc/shadow", "secret").ok());
  ASSERT_EQ(::chmod((rootfs_ + "/tmp").c_str(), 01777), 0);
  spec.process.user = {1000, 1000, std::nullopt, {}};
  Outcome o = Run(spec, Joining());
  ASSERT_STARTED(o);
  EXPECT_TRUE(o.out.starts_with("1000\n1000\n1000\n")) << o.out;
  EXPECT_TRUE(Contains(o.out, "Permission denied")) << o.out;
  EXPECT_EQ(OwnerOf("/up/upper/tmp/mine"), 301000u);
}

TEST_F(UserNamespace, ItsMapIsThatOfAContainerThatMakesItsOwn) {
  ASSERT_TRUE(MakeDirs(dir_ + "/volume", 0755).ok());
  Spec spec = MappedSpec("stat -c %u / /volume; touch /volume/x");
  spec.namespaces.push_back({"user", ""});
  spec.mounts.push_back({"/volume", "bind", dir_ + "/volume", {"bind", "idmap"}});
  StartOptions options = Joining();
  options.join.clear();
  Outcome o = Run(spec, options);
  ASSERT_STARTED(o);
  EXPECT_EQ(o.out, "0\n0\n");
  EXPECT_EQ(OwnerOf("/volume/x"), 0u);
}

TEST_F(UserNamespace, NamespacesOfItAreEnteredAndItsContainersExecs) {
  Result<std::string> said = RunInChild([&]() -> Result<std::string> {
    TRY(EnterNamespacesOf(namespace_.get(), CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS));
    if (::sethostname("pod", 3) < 0) return Error::Errno("sethostname");
    Spec spec = MappedSpec("sleep 1000");
    std::erase_if(spec.namespaces, [](const Namespace& n) {
      return n.type == "network" || n.type == "ipc" || n.type == "uts";
    });
    Started started = TRY(Start(spec, Joining()));
    ExecOptions exec;
    exec.target = started.child.pid;
    exec.process = spec.process;
    exec.process.args = {"sh", "-c", "hostname; id -u; cat /proc/1/comm; echo 1 > /tmp/by-exec"};
    Outcome o = RunExec(std::move(exec));
    End(started.child);
    return o.started ? o.out : o.error;
  });
  ASSERT_TRUE(said.ok()) << said.error().message();
  EXPECT_EQ(*said, "pod\n0\nsleep\n");
  EXPECT_EQ(OwnerOf("/up/upper/tmp/by-exec"), 300000u);
}

TEST_F(UserNamespace, WhatCannotBeMappedIsToldOf) {
  Spec spec = MappedSpec("true");
  spec.mounts.push_back({"/volume", "bind", "/proc/sys", {"bind", "idmap"}});
  Outcome o = Run(spec, Joining());
  EXPECT_FALSE(o.started);
  EXPECT_TRUE(Contains(o.error,
                       "map the owners of /proc/sys: Invalid argument (its file system has "
                       "no id-mapped mounts on this kernel)"))
      << o.error;
  spec = BaseSpec({"true"});
  spec.mounts.push_back({"/volume", "bind", dir_, {"bind", "idmap"}});
  o = Run(spec);
  EXPECT_TRUE(Contains(o.error, "idmap wants a user namespace")) << o.error;
  EXPECT_FALSE(MakeUserNamespace({}, kMap).ok());
}

}  // namespace
}  // namespace kpod::runtime
