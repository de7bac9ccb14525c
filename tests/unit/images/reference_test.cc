#include <gtest/gtest.h>

#include "base/text.h"
#include "images/images.h"

namespace kpod::images {
namespace {

struct Good {
  std::string text, full, familiar;
};

class GoodReference : public testing::TestWithParam<Good> {};

TEST_P(GoodReference, IsMadeFullAndShort) {
  Result<Reference> r = ParseReference(GetParam().text);
  ASSERT_TRUE(r) << r.error().message();
  EXPECT_EQ(r->ToString(), GetParam().full);
  EXPECT_EQ(r->Familiar(), GetParam().familiar);
  Result<Reference> again = ParseReference(r->Familiar());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->ToString(), r->ToString());
}

const std::string kDigest = "sha256:" + std::string(64, 'a');

INSTANTIATE_TEST_SUITE_P(
    Table, GoodReference,
    testing::Values(
        Good{"nginx", "docker.io/library/nginx:latest", "nginx:latest"},
        Good{"nginx:1.25", "docker.io/library/nginx:1.25", "nginx:1.25"},
        Good{"index.docker.io/nginx", "docker.io/library/nginx:latest", "nginx:latest"},
        Good{"docker.io/library/nginx", "docker.io/library/nginx:latest", "nginx:latest"},
        Good{"foo/bar", "docker.io/foo/bar:latest", "foo/bar:latest"},
        Good{"docker.io/library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest"},
        Good{"localhost/foo", "localhost/foo:latest", "localhost/foo:latest"},
        Good{"localhost:5000/foo:1", "localhost:5000/foo:1", "localhost:5000/foo:1"},
        Good{"[::1]:5000/foo", "[::1]:5000/foo:latest", "[::1]:5000/foo:latest"},
        Good{"registry.k8s.io/a/b_c/d--e:v1.0_x", "registry.k8s.io/a/b_c/d--e:v1.0_x",
             "registry.k8s.io/a/b_c/d--e:v1.0_x"},
        Good{"nginx@" + kDigest, "docker.io/library/nginx@" + kDigest, "nginx@" + kDigest},
        Good{"nginx:1@" + kDigest, "docker.io/library/nginx:1@" + kDigest, "nginx:1@" + kDigest},
        Good{"gcr.io/x", "gcr.io/x:latest", "gcr.io/x:latest"}));

struct Bad {
  std::string text, why;
};
class BadReference : public testing::TestWithParam<Bad> {};

TEST_P(BadReference, IsRefusedWithTheReason) {
  Result<Reference> r = ParseReference(GetParam().text);
  ASSERT_FALSE(r) << r->ToString();
  EXPECT_TRUE(Contains(r.error().message(), GetParam().why)) << r.error().message();
}

INSTANTIATE_TEST_SUITE_P(
    Table, BadReference,
    testing::Values(
        Bad{"", "empty"}, Bad{"Nginx", "lower case"}, Bad{"a/Nginx", "lower case"},
        Bad{"nginx:", "tag"}, Bad{"nginx:-x", "tag"}, Bad{"nginx:" + std::string(129, 'x'), "tag"},
        Bad{"nginx@sha256:12", "64"}, Bad{"nginx@md5:" + std::string(32, 'a'), "not supported"},
        Bad{"nginx@abc", "algorithm"}, Bad{"a//b", "empty part"}, Bad{"/a", "empty part"},
        Bad{"a/", "empty part"}, Bad{"a b", "no repository name"},
        Bad{"a/../b", "no repository name"}, Bad{"a___b", "no repository name"},
        Bad{"a.-b", "no repository name"}, Bad{"x.y:port/a", "no host name"},
        Bad{"-x.io/a", "no host name"}, Bad{std::string(64, 'a'), "image ID"},
        Bad{"x.io/" + std::string(300, 'a'), "longer than 255"},
        Bad{std::string(2000, 'a'), "1024"}, Bad{std::string("a\0b", 3), "no repository"}));

}  // namespace
}  // namespace kpod::images
