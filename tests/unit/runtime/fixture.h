// A busybox root file system and short ways to run a command in a container, for real.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "base/files.h"
#include "base/spawn.h"
#include "base/text.h"
#include "runtime/container.h"

namespace kpod::runtime {

struct Outcome {
  bool started = false;
  std::string error;
  int error_code = 0;
  ExitState exit;
  std::string out;  // standard output and error
  std::vector<std::string> warnings;
};

class ContainerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    if (!Exists("/bin/busybox")) GTEST_SKIP() << "/bin/busybox is not installed";
    char name[] = "/tmp/kpod-runtime-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    ::chmod(name, 0755);
    dir_ = name;
    rootfs_ = dir_ + "/rootfs";
    MakeBusyboxRoot(rootfs_);
  }
  void TearDown() override {
    if (!dir_.empty()) {
      Status s = RemoveAll(dir_);
      EXPECT_TRUE(s.ok()) << s.error().message();
    }
  }

  static void MakeBusyboxRoot(const std::string& root) {
    for (const char* d : {"/bin", "/proc", "/sys", "/dev", "/etc", "/tmp"}) {
      ASSERT_TRUE(MakeDirs(root + d, 0755).ok());
    }
    ::chmod(root.c_str(), 0755);
    Result<std::string> busybox = ReadFile("/bin/busybox");
    ASSERT_TRUE(busybox.ok());
    ASSERT_TRUE(WriteFileAtomic(root + "/bin/busybox", *busybox, 0755).ok());
    for (const char* applet :
         {"sh",   "cat",  "ls",    "id",       "echo",  "sleep",    "true", "false", "mount",
          "stat", "head", "touch", "mkdir",    "chmod", "hostname", "env",  "dd",    "tty",
          "ip",   "grep", "test",  "readlink", "rm",    "wc",       "kill", "ps"}) {
      ASSERT_EQ(::symlink("busybox", (root + "/bin/" + applet).c_str()), 0);
    }
    ASSERT_TRUE(
        WriteFileAtomic(root + "/etc/passwd",
                        "root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1000::/home/web:/bin/sh\n", 0644)
            .ok());
  }

  Spec BaseSpec(std::vector<std::string> args) const {
    Spec s;
    s.root_path = rootfs_;
    s.process.args = std::move(args);
    s.process.env = {"PATH=/bin:/sbin"};
    s.process.capabilities.bounding = DefaultCapabilities();
    s.process.capabilities.effective = DefaultCapabilities();
    s.process.capabilities.permitted = DefaultCapabilities();
    for (const char* n : {"pid", "network", "ipc", "uts", "mount", "cgroup"}) {
      s.namespaces.push_back({n, ""});
    }
    s.mounts = {
        {"/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}},
        {"/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}},
        {"/dev/pts",
         "devpts",
         "devpts",
         {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
        {"/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
        {"/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}},
        {"/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"}},
    };
    s.masked_paths = DefaultMaskedPaths();
    s.readonly_paths = DefaultReadonlyPaths();
    s.default_seccomp = true;
    s.hostname = "box";
    return s;
  }

  // Runs to the end; what the container writes is collected.
  static Outcome Run(const Spec& spec, StartOptions options = {}) {
    Outcome o;
    Result<Pipe> pipe = MakePipe();
    if (!pipe) return o;
    options.stdout_fd = options.stderr_fd = pipe->write.get();
    Result<Started> started = Start(spec, options);
    pipe->write.Reset();
    Finish(std::move(started), pipe->read.get(), &o);
    return o;
  }

  static Outcome RunExec(ExecOptions options) {
    Outcome o;
    Result<Pipe> pipe = MakePipe();
    if (!pipe) return o;
    options.stdout_fd = options.stderr_fd = pipe->write.get();
    Result<Started> started = Exec(options);
    pipe->write.Reset();
    Finish(std::move(started), pipe->read.get(), &o);
    return o;
  }

  static void Finish(Result<Started> started, int output, Outcome* o) {
    if (!started) {
      o->error = started.error().message();
      o->error_code = started.error().exit_code();
      return;
    }
    o->started = true;
    o->warnings = started->warnings;
    o->out = ReadAll(output, 1 << 20).value_or("");
    Result<ExitState> exit = WaitFor(started->child);
    if (exit) o->exit = *exit;
  }

  Outcome Sh(const std::string& script) { return Run(BaseSpec({"sh", "-c", script})); }

  static void End(const Child& child) {
    ::kill(child.pid, SIGKILL);
    (void)WaitFor(child);
  }

  std::string dir_, rootfs_;
};

#define ASSERT_STARTED(o) ASSERT_TRUE((o).started) << (o).error
}  // namespace kpod::runtime
