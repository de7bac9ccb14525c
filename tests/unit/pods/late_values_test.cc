#include "pods/late_values.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "base/files.h"
#include "base/text.h"
#include "pods/volumes.h"

namespace kpod::pods {
namespace {

using Lines = std::vector<std::string>;

TEST(FillAddresses, WhereverAValueWasExpanded) {
  std::string ip = LateField("u-1", "status.podIP");
  std::string host = LateField("u-1", "status.hostIPs");
  Plan plan;
  plan.uid = "u-1";
  ContainerPlan c;
  c.env = {"IP=" + ip, "URL=http://" + ip + ":80/" + host, "PLAIN=x"};
  c.argv = {"run", ip + ip};
  c.mounts = {{"v", "/v", "logs/" + ip, "", false}};
  c.liveness_probe.emplace().handler.exec = Lines{"check", ip};
  // Neither another pod's mark nor one without an end is ours to fill.
  c.env.push_back("OTHER=" + LateField("u-2", "status.podIP"));
  c.env.push_back("OPEN=\x01u-1:status.podIP");
  c.env.push_back("UNKNOWN=" + LateField("u-1", "status.phase") + ip);
  plan.containers = {c};
  plan.init_containers = {c};
  FillAddresses({"10.0.0.7", "192.0.2.1"}, &plan);
  for (const ContainerPlan& got : {plan.containers[0], plan.init_containers[0]}) {
    EXPECT_EQ(got.env,
              (Lines{"IP=10.0.0.7", "URL=http://10.0.0.7:80/192.0.2.1", "PLAIN=x",
                     "OTHER=" + LateField("u-2", "status.podIP"), "OPEN=\x01u-1:status.podIP",
                     "UNKNOWN=" + LateField("u-1", "status.phase") + "10.0.0.7"}));
    EXPECT_EQ(got.argv, (Lines{"run", "10.0.0.710.0.0.7"}));
    EXPECT_EQ(got.mounts[0].sub_path, "logs/10.0.0.7");
    EXPECT_EQ(*got.liveness_probe->handler.exec, (Lines{"check", "10.0.0.7"}));
  }
}

TEST(EnvFileValue, TheSubsetOfAShell) {
  const std::string file =
      "# a comment\n\n  A='one'\n\tB='two words'   # why\nEMPTY=''\nQ='say \"hi\" $HOME \\n # no'\n"
      "MANY='line 1\n  line 2\n\nline 4'\nA='again'\nLAST='end'";
  struct Case {
    const char* key;
    std::optional<std::string> want;
  };
  for (const Case& c :
       {Case{"A", "one"}, Case{"B", "two words"}, Case{"EMPTY", ""},
        Case{"Q", "say \"hi\" $HOME \\n # no"}, Case{"MANY", "line 1\n  line 2\n\nline 4"},
        Case{"LAST", "end"}, Case{"NO", std::nullopt}, Case{"line", std::nullopt}}) {
    Result<std::optional<std::string>> got = EnvFileValue(file, c.key);
    ASSERT_TRUE(got.ok()) << got.error().message();
    EXPECT_EQ(*got, c.want) << c.key;
  }
  EXPECT_EQ(*EnvFileValue("", "A"), std::nullopt);
  EXPECT_EQ(*EnvFileValue("\r\n", "A"), std::nullopt);
}

TEST(EnvFileValue, WhatIsNoneIsSaidWithItsLine) {
  struct Case {
    std::string text;
    const char* why;
  };
  for (const Case& c :
       {Case{"A=x", "line 1: value must be enclosed in single quotes"},
        Case{"A=\"x\"", "line 1: value must be enclosed in single quotes"},
        Case{"A= 'x'", "line 1: value must be enclosed in single quotes"},
        Case{"A=", "line 1: value must be enclosed in single quotes"},
        Case{"A ='x'", "line 1: whitespace before '=' is not allowed"},
        Case{"='x'", "line 1: no name before '='"}, Case{"B='1\n2'\nrubbish\n", "line 3: no '='"},
        Case{"A='x''y'", "line 1: unexpected content after closing quote"},
        Case{"A='x'y", "line 1: unexpected content after closing quote"},
        Case{"A='x'#y", "line 1: unexpected content after closing quote"},
        Case{"\nA='x", "line 2: unclosed single quote"},
        Case{std::string("A='\0'", 5), "line 1: a NUL byte"}}) {
    Result<std::optional<std::string>> got = EnvFileValue(c.text, "A");
    ASSERT_FALSE(got.ok()) << c.text;
    EXPECT_EQ(got.error().message(),
              std::string("invalid environment variable format at ") + c.why);
  }
}

class EnvFiles : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/kpod-env-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    dir_ = name;
    paths_.root = dir_ + "/root";
    plan_.ns = "shop";
    plan_.name = "web";
    plan_.uid = "u-1";
    plan_.volumes.push_back({});
    plan_.volumes[0].name = "v";
    volume_ = VolumePath(paths_, plan_, plan_.volumes[0]);
    ASSERT_TRUE(MakeDirs(volume_).ok());
  }
  void TearDown() override { EXPECT_TRUE(RemoveAll(dir_).ok()); }

  Result<ContainerPlan> Read(const std::string& path, const std::string& key, bool optional) {
    ContainerPlan c;
    c.env_files = {{"VAR", "v", path, key, optional}};
    c.env = {"VAR=" + LateFile("u-1", 0), "MORE=<" + LateFile("u-1", 0) + ">"};
    c.argv = {LateFile("u-1", 0)};
    return WithEnvFiles(paths_, plan_, c);
  }

  std::string dir_, volume_;
  store::Paths paths_;
  Plan plan_;
};

TEST_F(EnvFiles, TheValueComesFromTheVolume) {
  ASSERT_TRUE(MakeDir(volume_ + "/d").ok());
  ASSERT_TRUE(WriteFileAtomic(volume_ + "/d/a.env", "KEY='v 1'\n").ok());
  Result<ContainerPlan> got = Read("d/a.env", "KEY", false);
  ASSERT_TRUE(got.ok()) << got.error().message();
  EXPECT_EQ(got->env, (Lines{"VAR=v 1", "MORE=<v 1>"}));
  EXPECT_EQ(got->argv, (Lines{"v 1"}));

  EXPECT_EQ(Read("d/a.env", "NO", false).error().message(),
            "environment variable key \"NO\" not found in file \"d/a.env\"");
  EXPECT_FALSE(Read("absent", "KEY", false).ok());
  for (const char* path : {"d/a.env", "absent"}) {
    got = Read(path, "NO", true);
    ASSERT_TRUE(got.ok()) << got.error().message();
    EXPECT_EQ(got->env, (Lines{"MORE=<$(VAR)>"}));
    EXPECT_EQ(got->argv, (Lines{"$(VAR)"}));
  }
}

// The file was written by a container, which may mean harm.
TEST_F(EnvFiles, NothingOutsideOfTheVolumeAndNothingEndlessIsRead) {
  ASSERT_TRUE(WriteFileAtomic(dir_ + "/secret", "KEY='of the host'\n").ok());
  ASSERT_EQ(::symlink((dir_ + "/secret").c_str(), (volume_ + "/link").c_str()), 0);
  ASSERT_EQ(::symlink("/proc/self/environ", (volume_ + "/proc").c_str()), 0);
  ASSERT_EQ(::mkfifo((volume_ + "/fifo").c_str(), 0666), 0);
  ASSERT_TRUE(WriteFileAtomic(volume_ + "/big", std::string(65537, '\n')).ok());
  for (const char* path : {"link", "proc", "fifo", "big", "../../plan.json", "."}) {
    EXPECT_FALSE(Read(path, "KEY", true).ok()) << path;
  }
}

}  // namespace
}  // namespace kpod::pods
