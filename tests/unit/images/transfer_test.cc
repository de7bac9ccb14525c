// Pulling from a real registry on loopback, and fetching from a real web server.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "images/fetch.h"
#include "images/progress.h"
#include "tests/unit/images/fixture.h"

namespace kpod::images {
namespace {

uint16_t FreePort() {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  socklen_t size = sizeof(address);
  EXPECT_EQ(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  return ntohs(address.sin_port);
}

bool Answers(uint16_t port) {
  for (int i = 0; i < 500; ++i) {
    Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) {
      return true;
    }
    ::usleep(20'000);
  }
  return false;
}

class TransferTest : public StoreTest {
 protected:
  void TearDown() override {
    for (const Child& child : children_) {
      ::kill(child.pid, SIGKILL);
      (void)WaitFor(child);
    }
    StoreTest::TearDown();
  }
  void Start(std::vector<std::string> argv) {
    Result<Child> child = Fork([&]() -> int {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      std::vector<char*> words;
      for (std::string& word : argv) words.push_back(word.data());
      words.push_back(nullptr);
      Result<Fd> log = Open(dir_ + "/server.log", O_WRONLY | O_CREAT | O_APPEND, 0600);
      if (log) ::dup2(log->get(), 1), ::dup2(log->get(), 2);
      ::execvp(words[0], words.data());
      return 127;
    });
    ASSERT_TRUE(child);
    children_.push_back(std::move(*child));
  }
  bool Installed(const char* program) {
    SpawnOptions which;
    which.argv = {"sh", "-c", StrCat("command -v ", program)};
    return bool(RunChecked(which));
  }
  std::vector<Child> children_;
};

TEST_F(TransferTest, PullsFromARegistry) {
  if (!Installed("skopeo")) GTEST_SKIP() << "skopeo is not installed";
  if (!Installed("docker-registry")) GTEST_SKIP() << "docker-registry is not installed";
  uint16_t port = FreePort();
  ASSERT_TRUE(WriteFileAtomic(dir_ + "/registry.yml",
                              StrCat("version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: ",
                                     dir_, "/registry\nhttp:\n  addr: 127.0.0.1:", port, "\n")));
  Start({"docker-registry", "serve", dir_ + "/registry.yml"});
  ASSERT_TRUE(Answers(port));
  Python(R"(l = tar('l.tar', [member('f', data=os.urandom(100000))])
docker('i.tar', [(['demo:1'], config(l, Cmd=['x']), [l])]))");
  std::string name = StrCat("127.0.0.1:", port, "/demo:1");
  SpawnOptions push;
  push.argv = {"skopeo",
               "--insecure-policy",
               "copy",
               "--dest-tls-verify=false",
               "docker-archive:" + dir_ + "/i.tar",
               "docker://" + name};
  Result<std::string> pushed = RunChecked(push);
  ASSERT_TRUE(pushed) << pushed.error().message();

  ImageStore::PullOptions options;
  options.tls_verify = false;
  Result<Image> image = Store().Pull(name, options, nullptr);
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(image->names, (std::vector<std::string>{name}));
  EXPECT_TRUE(image->digest.starts_with("sha256:"));
  // The same by digest, and again when it is here already.
  std::string pinned = StrCat("127.0.0.1:", port, "/demo@", image->digest);
  Result<Image> again = Store().Pull(pinned, options, nullptr);
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->id, image->id);
  EXPECT_TRUE(Store().Find(pinned));

  Result<Image> absent = Store().Pull(StrCat("127.0.0.1:", port, "/no:1"), options, nullptr);
  ASSERT_FALSE(absent);
  EXPECT_TRUE(Contains(absent.error().message(), "pull 127.0.0.1")) << absent.error().message();
  EXPECT_FALSE(Contains(absent.error().message(), "level=")) << absent.error().message();

  Result<Image> archive = Store().Pull("docker-archive:" + dir_ + "/i.tar", options, nullptr);
  ASSERT_TRUE(archive) << archive.error().message();
}

TEST_F(TransferTest, SaysWhatToInstallWithoutSkopeo) {
  std::string path = ::getenv("PATH");
  ::setenv("PATH", "/nonexistent", 1);
  Undo restore([&] { ::setenv("PATH", path.c_str(), 1); });
  for (const char* source : {"nginx", "oci:/x:y"}) {
    Result<Image> image = Store().Pull(source, {}, nullptr);
    ASSERT_FALSE(image);
    EXPECT_TRUE(Contains(image.error().message(), "install the package skopeo"))
        << image.error().message();
  }
}

TEST_F(TransferTest, FetchesAndChecksTheStatus) {
  uint16_t port = FreePort();
  ASSERT_TRUE(MakeDir(dir_ + "/www", 0755));
  ASSERT_TRUE(WriteFileAtomic(dir_ + "/www/a.yaml", "kind: Pod\n", 0644));
  Start({"python3", "-m", "http.server", "--bind", "127.0.0.1", "--directory", dir_ + "/www",
         StrCat(port)});
  ASSERT_TRUE(Answers(port));
  std::string base = StrCat("http://127.0.0.1:", port);
  Result<std::string> body = FetchUrl(base + "/a.yaml");
  ASSERT_TRUE(body) << body.error().message();
  EXPECT_EQ(*body, "kind: Pod\n");
  Result<std::string> absent = FetchUrl(base + "/b.yaml");
  ASSERT_FALSE(absent);
  EXPECT_TRUE(Contains(absent.error().message(), "404")) << absent.error().message();
  Result<std::string> file = FetchUrl("file:///etc/passwd");
  ASSERT_FALSE(file);
  EXPECT_TRUE(Contains(file.error().message(), "no http or https")) << file.error().message();
  EXPECT_FALSE(FetchUrl("http://127.0.0.1:1/"));
}

TEST(RenderProgress, FitsTheWidth) {
  EXPECT_EQ(RenderProgress("layer 1/2", 50'000'000, 100'000'000, 80),
            "layer 1/2      [====================>                   ] 50MB / 100MB");
  for (size_t width : {0, 1, 10, 20, 40, 200}) {
    EXPECT_LE(RenderProgress("layer 1/2", 5, 10, width).size(), width);
  }
  EXPECT_EQ(RenderProgress("x\x1b[31m", 1, 1, 60).find('\x1b'), std::string::npos);
  EXPECT_TRUE(Contains(RenderProgress("download", 5'000'000, 0, 80), "5MB"));
}

}  // namespace
}  // namespace kpod::images
