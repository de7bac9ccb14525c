#include <sys/stat.h>

#include <algorithm>

#include "images/catalog.h"
#include "tests/unit/images/fixture.h"

namespace kpod::images {
namespace {

// Two images which share a layer; the first has two names.
constexpr const char* kTwo = R"(
base = tar('b.tar', [member('etc', tarfile.DIRTYPE, mode=0o755), member('etc/passwd', data=b'root:x:0:0\n'),
    member('etc/link', tarfile.SYMTYPE, link='/etc/passwd'), member('etc/loop', tarfile.SYMTYPE, link='loop'),
    member('etc/out', tarfile.SYMTYPE, link='../../../../etc/passwd'), member('old', tarfile.DIRTYPE, mode=0o755),
    member('old/f', data=b'old'), member('gone', data=b'gone')])
top = tar('t.tar', [member('etc', tarfile.DIRTYPE, mode=0o755), member('.wh.gone'), member('etc/new', data=b'new'),
    member('old', tarfile.DIRTYPE, mode=0o755), member('old/.wh..wh..opq')])
one, two = config(base, top, Cmd=['a', 'b'], Env=['A=1'], User='app', Volumes={'/v': {}}), config(base, Entrypoint=['/e'])
docker('i.tar', [(['one:1', 'one:2'], one, [base, top]), (['x.io/two:1'], two, [base])])
)";

class ImagesTest : public StoreTest {
 protected:
  void LoadTwo() {
    Python(kTwo);
    Result<std::vector<Image>> r = Store().Load(dir_ + "/i.tar", nullptr);
    ASSERT_TRUE(r) << r.error().message();
    ASSERT_EQ(r->size(), 2u);
  }
  size_t Layers() { return ListDir(paths_.Images() + "/layers").value_or({}).size(); }
};

TEST_F(ImagesTest, FindsByNameAndId) {
  LoadTwo();
  Result<Image> image = Store().Find("one:1");
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(image->Cmd(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(image->Env(), (std::vector<std::string>{"A=1"}));
  EXPECT_EQ(image->User(), "app");
  EXPECT_EQ(image->Volumes(), (std::vector<std::string>{"/v"}));
  EXPECT_EQ(image->names.size(), 2u);
  EXPECT_EQ(image->layers.size(), 2u);
  EXPECT_TRUE(IsDirectory(image->layers[0]));
  for (const std::string& id :
       {image->id, "sha256:" + image->id, image->id.substr(0, 12), image->id.substr(0, 4)}) {
    Result<Image> again = Store().Find(id);
    ASSERT_TRUE(again) << id;
    EXPECT_EQ(again->id, image->id);
  }
  Result<Image> absent = Store().Find("nothing");
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code(), ENOENT);
  EXPECT_EQ(Store().List().value_or({}).size(), 2u);
}

TEST_F(ImagesTest, ReadsFilesAsTheLayersStack) {
  LoadTwo();
  Result<Image> image = Store().Find("one:1");
  ASSERT_TRUE(image);
  auto read = [&](const char* path) { return ReadImageFile(image->layers, path); };
  EXPECT_EQ(read("/etc/passwd"), "root:x:0:0\n");
  EXPECT_EQ(read("etc/link"), "root:x:0:0\n");
  EXPECT_EQ(read("/etc/out"), "root:x:0:0\n");  // "/.." is "/"
  EXPECT_EQ(read("/etc/new"), "new");
  EXPECT_EQ(read("/gone"), "");
  EXPECT_EQ(read("/old/f"), "");
  EXPECT_EQ(read("/etc/loop"), "");
  EXPECT_EQ(read("/etc"), "");
  EXPECT_EQ(read("/etc/passwd/x"), "");
}

TEST_F(ImagesTest, RemovesNamesThenTheImageThenItsLayers) {
  LoadTwo();
  Result<Image> image = Store().Find("one:1");
  ASSERT_TRUE(image);
  EXPECT_EQ(Layers(), 2u);
  Result<std::vector<std::string>> lines = Store().Remove(image->id, {}, false);
  ASSERT_FALSE(lines);
  EXPECT_TRUE(Contains(lines.error().message(), "more than one tag"));
  lines = Store().Remove("one:1", {image->id}, false);
  ASSERT_TRUE(lines) << lines.error().message();
  EXPECT_EQ(*lines, (std::vector<std::string>{"Untagged: docker.io/library/one:1"}));
  EXPECT_EQ(Store().Find("one:2")->names.size(), 1u);
  lines = Store().Remove("one:2", {image->id}, false);
  ASSERT_FALSE(lines);
  EXPECT_TRUE(Contains(lines.error().message(), "in use"));
  EXPECT_EQ(lines.error().exit_code(), 2);
  lines = Store().Remove("one:2", {}, false);
  ASSERT_TRUE(lines);
  EXPECT_EQ(lines->back(), "Deleted: " + image->id);
  EXPECT_EQ(Layers(), 1u);
  EXPECT_TRUE(Store().Find("x.io/two:1"));
}

TEST_F(ImagesTest, TagsAndPrunes) {
  LoadTwo();
  Result<Image> image = Store().Tag("one:1", "localhost/mine:3");
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(Store().Find("mine:3")->id, image->id);  // localhost/ is tried for short names
  // A name that moves to another image leaves the first one.
  ASSERT_TRUE(Store().Tag("x.io/two:1", "localhost/mine:3"));
  EXPECT_EQ(Store().Find(image->id)->names.size(), 2u);
  EXPECT_TRUE(Store().PruneDangling({}, false)->empty());
  EXPECT_EQ(Store().PruneDangling({image->id}, true)->size(), 1u);
  EXPECT_EQ(Store().List()->size(), 1u);
}

TEST_F(ImagesTest, GarbageOfACrashIsCollected) {
  LoadTwo();
  std::string images = paths_.Images();
  ASSERT_TRUE(MakeDirs(images + "/tmp/1-1/layer/diff"));
  ASSERT_TRUE(MakeDirs(images + "/layers/" + std::string(64, 'f') + "/diff"));
  ASSERT_TRUE(WriteFileAtomic(images + "/layers/" + std::string(64, 'f') + "/layer.json",
                              "{\"size\":100}"));
  ASSERT_TRUE(
      WriteFileAtomic(images + "/names/x.io=lost:1",
                      StrCat("{\"name\":\"x.io/lost:1\",\"id\":\"", std::string(64, 'e'), "\"}")));
  Result<uint64_t> freed = Store().CollectGarbage();
  ASSERT_TRUE(freed) << freed.error().message();
  EXPECT_EQ(*freed, 100u);
  EXPECT_EQ(Layers(), 2u);
  EXPECT_TRUE(ListDir(images + "/tmp")->empty());
  EXPECT_FALSE(Exists(images + "/names/x.io=lost:1"));
  EXPECT_TRUE(Store().Find("one:1"));
}

TEST_F(ImagesTest, WrongDigestsAreRefusedAndLeaveNothing) {
  Python(StrCat(kTwo, R"(
bad = tar('x.tar', [member('evil', data=b'x')])
docker('bad.tar', [(['bad:1'], config(base), [bad])])
docker('few.tar', [(['bad:1'], config(base, top), [base])])
tar('conf.tar', [member('manifest.json', data=json.dumps([{'Config': sha(b'') + '.json', 'RepoTags': ['a'],
    'Layers': []}]).encode()), member(sha(b'') + '.json', data=two)])
tar('escape.tar', [member('manifest.json', data=json.dumps([{'Config': '../x', 'Layers': []}]).encode())])
tar('none.tar', [member('f', data=b'x')])
tar('deep.tar', [member('manifest.json', data=b'[' * 100000)])
open('text', 'w').write('hello'))"));
  for (const auto& [file, why] : {std::pair{"bad.tar", "digest"},
                                  {"few.tar", "names 2 layers"},
                                  {"conf.tar", "digest"},
                                  {"escape.tar", "outside"},
                                  {"none.tar", "manifest.json"},
                                  {"deep.tar", "deep"},
                                  {"text", ""},
                                  {"absent", "No such file"}}) {
    Result<std::vector<Image>> r = Store().Load(dir_ + "/" + file, nullptr);
    ASSERT_FALSE(r) << file;
    EXPECT_TRUE(Contains(r.error().message(), why)) << file << ": " << r.error().message();
    EXPECT_FALSE(Store().Find("bad:1"));
    EXPECT_EQ(Layers(), 0u) << file;
    EXPECT_TRUE(ListDir(paths_.Images() + "/tmp").value_or({}).empty());
  }
}

TEST_F(ImagesTest, LoadsOciLayoutsAsDirectoryAndArchive) {
  Python(StrCat(kTwo, R"(
import gzip
os.makedirs('oci/blobs/sha256')
def blob(b): open('oci/blobs/sha256/' + sha(b), 'wb').write(b); return {'digest': 'sha256:' + sha(b), 'size': len(b)}
m = blob(json.dumps({'schemaVersion': 2, 'config': blob(one), 'layers': [blob(gzip.compress(base)), blob(top)]}).encode())
arch = {'x86_64': 'amd64', 'aarch64': 'arm64'}.get(os.uname().machine, os.uname().machine)
nested = blob(json.dumps({'manifests': [dict(m, platform={'os': 'linux', 'architecture': arch}),
    {'digest': 'sha256:' + '0' * 64, 'size': 1, 'platform': {'os': 'linux', 'architecture': 'other'}}]}).encode())
json.dump({'manifests': [dict(nested, mediaType='application/vnd.oci.image.index.v1+json',
    annotations={'org.opencontainers.image.ref.name': 'y.io/three:1'})]}, open('oci/index.json', 'w'))
with tarfile.open('oci.tar.gz', 'w:gz') as t: t.add('oci', arcname='.')
)"));
  for (const char* path : {"/oci", "/oci.tar.gz"}) {
    Result<std::vector<Image>> r = Store().Load(dir_ + path, nullptr);
    ASSERT_TRUE(r) << r.error().message();
    EXPECT_EQ(r->front().names, (std::vector<std::string>{"y.io/three:1"}));
    EXPECT_TRUE(r->front().digest.starts_with("sha256:"));
    Result<Image> pinned = Store().Find("y.io/three@" + r->front().digest);
    EXPECT_TRUE(pinned);
    ASSERT_TRUE(Store().Remove("y.io/three:1", {}, false));
    EXPECT_EQ(Layers(), 0u);
  }
}

TEST_F(ImagesTest, ImportsARootFilesystem) {
  Python(
      "tar('r.tar', [member('bin', tarfile.DIRTYPE, mode=0o755), member('bin/sh', data=b'x', "
      "mode=0o755)])");
  ImageStore::ImportOptions options;
  options.name = "mine:1";
  options.changes = {"CMD [\"/bin/sh\"]", "ENV A=1 B=\"2 3\"", "USER app",  "EXPOSE 80",
                     "VOLUME /a /b",      "ENTRYPOINT run it", "LABEL k=v", "STOPSIGNAL SIGINT"};
  Result<Image> image = Store().Import(dir_ + "/r.tar", options, nullptr);
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(image->Cmd(), (std::vector<std::string>{"/bin/sh"}));
  EXPECT_EQ(image->Entrypoint(), (std::vector<std::string>{"/bin/sh", "-c", "run it"}));
  EXPECT_EQ(image->Env(), (std::vector<std::string>{"A=1", "B=2 3"}));
  EXPECT_EQ(image->Volumes(), (std::vector<std::string>{"/a", "/b"}));
  EXPECT_EQ(image->StopSignal(), "SIGINT");
  EXPECT_EQ(ReadImageFile(image->layers, "/bin/sh"), "x");
  options.changes = {"CDM x"};
  Result<Image> wrong = Store().Import(dir_ + "/r.tar", options, nullptr);
  ASSERT_FALSE(wrong);
  EXPECT_TRUE(Contains(wrong.error().message(), "did you mean cmd")) << wrong.error().message();
}

TEST(Catalog, LongNamesKeepApart) {
  store::Paths paths;
  Layout layout(paths);
  std::string a = "x.io/" + std::string(200, 'a') + ":" + std::string(100, 'b');
  EXPECT_NE(layout.NameFile(a + "1"), layout.NameFile(a + "2"));
  EXPECT_LT(Basename(layout.NameFile(a)).size(), 255u);
}

TEST(Catalog, ALayerTwiceIsMountedOnceAtItsTop) {
  EXPECT_EQ(OverlayOrder({"a", "b", "a", "c"}), (std::vector<std::string>{"c", "a", "b"}));
}

TEST_F(ImagesTest, WhatAKilledWriterLeftIsNoImageAndIsClearedAway) {
  LoadTwo();
  Result<Image> one = Store().Find("one:1");
  ASSERT_TRUE(one);
  std::string root = paths_.Images();
  std::string torn = StrCat(root, "/records/.tmp-1-0-", one->id, ".json");
  ASSERT_TRUE(WriteFileAtomic(torn, "{\"id\": \"12"));
  ASSERT_TRUE(WriteFileAtomic(root + "/names/.tmp-1-1-one:1", "{"));
  ASSERT_TRUE(MakeDirs(root + "/tmp/1-0/layer"));
  EXPECT_EQ(Store().List().value_or({}).size(), 2u);
  ASSERT_TRUE(Store().Remove("x.io/two:1", {}, false));
  EXPECT_FALSE(Exists(torn));
  for (const char* dir : {"/names", "/records", "/configs"}) {
    for (const std::string& name : ListDir(root + dir).value_or({})) {
      EXPECT_FALSE(IsTempName(name)) << name;
    }
  }
  EXPECT_TRUE(ListDir(root + "/tmp").value_or({"?"}).empty());
}

TEST_F(ImagesTest, ADamagedRecordHidesNoOtherAndIsLoadedAgain) {
  LoadTwo();
  Result<Image> one = Store().Find("one:1");
  ASSERT_TRUE(one);
  std::string record = StrCat(paths_.Images(), "/records/", one->id, ".json");
  for (std::string_view garbage : {"", "{\"id\": ", "[]"}) {
    ASSERT_TRUE(WriteFileAtomic(record, garbage));
    Result<std::vector<Image>> rest = Store().List();
    ASSERT_TRUE(rest) << rest.error().message();
    EXPECT_EQ(rest->size(), 1u);
    EXPECT_FALSE(Store().Find("one:1"));
    // Its layers may be anybody's.
    ASSERT_TRUE(Store().Remove("x.io/two:1", {}, false));
    EXPECT_EQ(Layers(), 2u);
    ASSERT_TRUE(Store().Load(dir_ + "/i.tar", nullptr));
    EXPECT_TRUE(Store().Find("one:1"));
  }
  ASSERT_TRUE(WriteFileAtomic(record, ""));
  ASSERT_TRUE(Store().CollectGarbage());
  EXPECT_FALSE(Exists(record));
  EXPECT_EQ(Layers(), 1u);
}

}  // namespace
}  // namespace kpod::images
