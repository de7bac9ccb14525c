#include "base/tar.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <vector>

#include "base/fd.h"
#include "base/files.h"
#include "base/text.h"
#include "tests/unit/base/mutate.h"

namespace kpod {
namespace {

using Type = TarEntry::Type;

Fd FileOf(std::string_view bytes) {
  Fd fd(::memfd_create("tar", MFD_CLOEXEC));
  EXPECT_TRUE(WriteAll(fd.get(), bytes));
  ::lseek(fd.get(), 0, SEEK_SET);
  return fd;
}

struct Member {
  TarEntry entry;
  std::string data;
};

std::string Written(const std::vector<Member>& members) {
  Fd fd(::memfd_create("tar", MFD_CLOEXEC));
  TarWriter writer(fd.get());
  for (const Member& m : members) {
    EXPECT_TRUE(writer.Begin(m.entry));
    EXPECT_TRUE(writer.Data(m.data));
  }
  EXPECT_TRUE(writer.End());
  ::lseek(fd.get(), 0, SEEK_SET);
  return *ReadAll(fd.get());
}

struct Archive {
  std::vector<Member> members;
  bool whole = false;
};

Result<Archive> ReadArchive(std::string_view bytes) {
  Fd fd = FileOf(bytes);
  TarReader reader(fd.get());
  Archive out;
  for (;;) {
    std::optional<TarEntry> entry = TRY(reader.Next());
    if (!entry) break;
    Member m{*entry, ""};
    for (;;) {
      std::string_view piece = TRY(reader.Data());
      if (piece.empty()) break;
      m.data += piece;
    }
    out.members.push_back(std::move(m));
  }
  out.whole = reader.whole();
  return out;
}

// What `Read` says is wrong with these bytes.
std::string Refusal(std::string_view bytes) {
  Result<Archive> read = ReadArchive(bytes);
  return read ? "" : read.error().message();
}

std::vector<Member> Samples() {
  TarEntry file{"etc/passwd", Type::kFile, 0640, 1000, 2000, 1'700'000'000'123'456'789, "", 5};
  TarEntry dir{"etc", Type::kDirectory, 01777, 0, 0, 0};
  TarEntry link{"a link", Type::kSymlink, 0777, 1, 2, 5'000'000'000, std::string(300, 'l')};
  TarEntry hard{std::string(200, 'n') + "/x", Type::kHardlink, 0644, 0, 0, 0, "etc/passwd"};
  TarEntry big{"\xff\xfe", Type::kFile, 04755, 4'000'000'000, 3'000'000'000, -1'000'000'000, "", 0};
  TarEntry device{"dev/x", Type::kCharDevice, 0600, 0, 0, 0, "", 0, 1, 3};
  TarEntry fifo{"fifo", Type::kFifo, 0600, 0, 0, 0};
  return {{dir, ""}, {file, "hello"}, {link, ""}, {hard, ""}, {big, ""}, {device, ""}, {fifo, ""}};
}

TEST(Tar, ComesBackAsItWasWritten) {
  std::vector<Member> samples = Samples();
  Result<Archive> read = ReadArchive(Written(samples));
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_TRUE(read->whole);
  ASSERT_EQ(read->members.size(), samples.size());
  for (size_t i = 0; i < samples.size(); ++i) {
    const TarEntry& a = samples[i].entry;
    const TarEntry& b = read->members[i].entry;
    EXPECT_EQ(a.path + (a.type == Type::kDirectory ? "/" : ""), b.path);
    EXPECT_EQ(a.type, b.type);
    EXPECT_EQ(a.mode, b.mode);
    EXPECT_EQ(a.uid, b.uid);
    EXPECT_EQ(a.gid, b.gid);
    EXPECT_EQ(a.mtime_nanos, b.mtime_nanos);
    EXPECT_EQ(a.link, b.link);
    EXPECT_EQ(a.major, b.major);
    EXPECT_EQ(a.minor, b.minor);
    EXPECT_EQ(samples[i].data, read->members[i].data);
  }
}

TEST(Tar, DataOfEverySizeAndWhatIsPassedOver) {
  std::vector<Member> members;
  for (size_t size : {0, 1, 511, 512, 513, 262'143, 262'144, 700'001}) {
    members.push_back(
        {{StrCat(size), Type::kFile, 0644, 0, 0, 0, "", size}, std::string(size, 'd')});
  }
  std::string bytes = Written(members);
  Result<Archive> read = ReadArchive(bytes);
  ASSERT_TRUE(read) << read.error().message();
  for (size_t i = 0; i < members.size(); ++i) EXPECT_EQ(read->members[i].data, members[i].data);

  Fd fd = FileOf(bytes);
  TarReader reader(fd.get());
  size_t entries = 0;
  for (;;) {
    Result<std::optional<TarEntry>> entry = reader.Next();
    ASSERT_TRUE(entry) << entry.error().message();
    if (!*entry) break;
    EXPECT_EQ((*entry)->path, members[entries++].entry.path);
  }
  EXPECT_EQ(entries, members.size());
}

TEST(Tar, TheWriterKeepsItsWord) {
  Fd fd(::memfd_create("tar", MFD_CLOEXEC));
  TarWriter writer(fd.get());
  ASSERT_TRUE(writer.Begin({"a", Type::kFile, 0644, 0, 0, 0, "", 3}));
  EXPECT_FALSE(writer.Data("four"));
  EXPECT_TRUE(writer.Data("12"));
  EXPECT_FALSE(writer.End());
}

// One header, its fields as text at their places (tar(5)), its checksum right.
std::string Header(const std::vector<std::pair<size_t, std::string>>& fields) {
  std::string block(512, '\0');
  block.replace(0, 1, "f");
  block.replace(100, 7, "0000644");
  block.replace(124, 11, "00000000000");
  block[156] = '0';
  for (const auto& [at, text] : fields) block.replace(at, text.size(), text);
  block.replace(148, 8, "        ");
  unsigned sum = 0;
  for (char c : block) sum += static_cast<unsigned char>(c);
  char digits[9];
  std::snprintf(digits, sizeof(digits), "%06o", sum);
  block.replace(148, 7, std::string(digits, 7));
  return block;
}

std::string Padded(std::string data) {
  data.resize((data.size() + 511) / 512 * 512, '\0');
  return data;
}

TEST(Tar, OtherWritersHabits) {
  std::string end(1024, '\0');
  std::string base256("\x80\0\0\0\0\0\0\0\0\0\0\x03", 12);
  Result<Archive> read = ReadArchive(Header({{124, base256}}) + Padded("abc") + end);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->members[0].data, "abc");

  std::string name(300, 'x');
  std::string gnu = Header({{124, "00000000454"}, {156, "L"}, {257, "ustar  "}}) + Padded(name) +
                    Header({{257, "ustar  "}});
  read = ReadArchive(gnu);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->members[0].entry.path, name);
  EXPECT_FALSE(read->whole);  // no end

  using namespace std::string_literals;
  read = ReadArchive(Header({{257, "ustar\000"s}, {345, "pre/fix"}}) + end);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->members[0].entry.path, "pre/fix/f");

  read = ReadArchive(Header({{0, "old/"}, {156, "\0"s}}) + end);  // before POSIX
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->members[0].entry.type, Type::kDirectory);

  std::string global = Header({{124, "00000000013"}, {156, "g"}}) + Padded("11 path=bad");
  read = ReadArchive(global + Header({}) + end);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->members[0].entry.path, "f");
}

TEST(Tar, WhatIsRefused) {
  std::string end(1024, '\0');
  EXPECT_EQ(Refusal("not a tar archive" + std::string(600, ' ')), "tar: not a tar archive");
  EXPECT_EQ(Refusal(std::string(100, 'x')), "tar: ends in the middle of a header");
  EXPECT_EQ(Refusal(Header({{124, "00000000003"}}) + "ab"), "tar: ends in the middle of an entry");
  EXPECT_EQ(Refusal(Header({{124, "00010000000"}, {156, "x"}})), "tar: a header is too long");
  EXPECT_EQ(Refusal(Header({{124, "00000000006"}, {156, "x"}}) + Padded("99 a=b")),
            "tar: a pax header is damaged");
  EXPECT_EQ(Refusal(Header({{156, "M"}})), "tar: entries of type \"M\" are not known");
  EXPECT_EQ(Refusal(Header({{124, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe"}})),
            "tar: the header of f is damaged");
  EXPECT_EQ(Refusal(Header({{124, "00000000026"}, {156, "x"}}) + Padded("22 GNU.sparse.map=0,1\n") +
                    Header({})),
            "f: sparse entries are not supported");
  using namespace std::string_literals;
  EXPECT_EQ(
      Refusal(Header({{124, "00000000013"}, {156, "x"}}) + Padded("11 path=a\0\n"s) + Header({})),
      "tar: a name is damaged");
}

TEST(Tar, DamageNeverCrashes) {
  std::string good = Written(Samples());
  testing_tools::Mutator mutator(7);
  size_t refused = 0;
  for (int i = 0; i < 3000; ++i) {
    if (!ReadArchive(mutator.Mutate(good))) ++refused;
  }
  EXPECT_GT(refused, 100U);
}

}  // namespace
}  // namespace kpod
