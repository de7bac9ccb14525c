#include "runtime/device_filter.h"

#include <gtest/gtest.h>
#include <string.h>

#include "runtime/cgroup_files.h"

namespace kpod::runtime {
namespace {

DeviceRule Rule(bool allow) {
  DeviceRule r;
  r.allow = allow;
  return r;
}

// An interpreter for the handful of instructions that the generator uses: the kernel's answer
// without a cgroup v2 with devices.
bool Allows(const std::vector<bpf_insn>& program, int type, int access, int major, int minor) {
  uint32_t context[3] = {static_cast<uint32_t>(access) << 16 | static_cast<uint32_t>(type),
                         static_cast<uint32_t>(major), static_cast<uint32_t>(minor)};
  uint64_t reg[11] = {};
  for (size_t pc = 0; pc < program.size(); ++pc) {
    const bpf_insn& i = program[pc];
    uint64_t imm = static_cast<uint32_t>(i.imm);
    switch (i.code) {
      case BPF_LDX | BPF_MEM | BPF_W:
        reg[i.dst_reg] = context[i.off / 4];
        break;
      case BPF_ALU | BPF_AND | BPF_K:
        reg[i.dst_reg] &= imm;
        break;
      case BPF_ALU | BPF_RSH | BPF_K:
        reg[i.dst_reg] >>= imm;
        break;
      case BPF_ALU | BPF_MOV | BPF_X:
        reg[i.dst_reg] = reg[i.src_reg];
        break;
      case BPF_ALU64 | BPF_MOV | BPF_K:
        reg[i.dst_reg] = imm;
        break;
      case BPF_JMP | BPF_JNE | BPF_K:
        if (reg[i.dst_reg] != imm) pc += static_cast<size_t>(i.off);
        break;
      case BPF_JMP | BPF_JEQ | BPF_K:
        if (reg[i.dst_reg] == imm) pc += static_cast<size_t>(i.off);
        break;
      case BPF_JMP | BPF_JNE | BPF_X:
        if (reg[i.dst_reg] != reg[i.src_reg]) pc += static_cast<size_t>(i.off);
        break;
      case BPF_JMP | BPF_EXIT:
        return reg[0] != 0;
      default:
        ADD_FAILURE() << "instruction " << int{i.code};
        return false;
    }
  }
  ADD_FAILURE() << "no exit";
  return false;
}

constexpr int kChar = BPF_DEVCG_DEV_CHAR, kBlock = BPF_DEVCG_DEV_BLOCK;
constexpr int kMknod = BPF_DEVCG_ACC_MKNOD, kRead = BPF_DEVCG_ACC_READ,
              kWrite = BPF_DEVCG_ACC_WRITE;

TEST(DeviceFilterTest, LastMatchingRuleWins) {
  std::vector<bpf_insn> p = DeviceProgram({Rule(false),
                                           {true, "c", 1, 3, "rwm"},
                                           {true, "b", 8, std::nullopt, "r"},
                                           {false, "b", 8, 1, "r"}});
  EXPECT_TRUE(Allows(p, kChar, kRead | kWrite, 1, 3));
  EXPECT_TRUE(Allows(p, kChar, kMknod, 1, 3));
  EXPECT_FALSE(Allows(p, kChar, kRead, 1, 4));
  EXPECT_FALSE(Allows(p, kBlock, kRead, 1, 3));
  EXPECT_TRUE(Allows(p, kBlock, kRead, 8, 0));
  EXPECT_FALSE(Allows(p, kBlock, kRead | kWrite, 8, 0)) << "more than the rule allows";
  EXPECT_FALSE(Allows(p, kBlock, kRead, 8, 1)) << "denied again";
}

TEST(DeviceFilterTest, NoRulesAllowAll) {
  EXPECT_TRUE(Allows(DeviceProgram({}), kBlock, kRead, 8, 0));
  EXPECT_TRUE(Allows(DeviceProgram({Rule(true)}), kBlock, kRead, 8, 0));
  EXPECT_FALSE(Allows(DeviceProgram({Rule(false)}), kBlock, kRead, 8, 0));
}

TEST(DeviceFilterTest, MakingANodeIsNoAccess) {
  std::vector<bpf_insn> p = DeviceProgram(EffectiveDeviceRules({Rule(false)}));
  EXPECT_TRUE(Allows(p, kBlock, kMknod, 8, 0));
  EXPECT_FALSE(Allows(p, kBlock, kRead, 8, 0));
  EXPECT_TRUE(Allows(p, kChar, kRead | kWrite, 136, 5));
}

}  // namespace
}  // namespace kpod::runtime
