#include "runtime/device_filter.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>

#include "base/fd.h"
#include "base/text.h"

namespace kpod::runtime {
namespace {

bpf_insn Insn(uint8_t code, uint8_t dst, uint8_t src, int16_t off, int32_t imm) {
  bpf_insn i{};
  i.code = code;
  i.dst_reg = dst;
  i.src_reg = src;
  i.off = off;
  i.imm = imm;
  return i;
}

constexpr uint8_t kType = BPF_REG_2, kAccess = BPF_REG_3, kMajor = BPF_REG_4, kMinor = BPF_REG_5;

int32_t AccessBits(const std::string& access) {
  int32_t bits = 0;
  for (char c : access) {
    if (c == 'r') bits |= BPF_DEVCG_ACC_READ;
    if (c == 'w') bits |= BPF_DEVCG_ACC_WRITE;
    if (c == 'm') bits |= BPF_DEVCG_ACC_MKNOD;
  }
  return bits == 0 ? 7 : bits;
}

Status Bpf(int command, bpf_attr* attr, const char* what, int* fd) {
  int r = static_cast<int>(::syscall(SYS_bpf, command, attr, sizeof(*attr)));
  if (r < 0) return Error::Errno(what);
  if (fd != nullptr) *fd = r;
  return OkStatus();
}

// Ids of the device programs attached to the group itself.
std::vector<uint32_t> Attached(int cgroup_dir) {
  uint32_t ids[64];
  bpf_attr attr;
  std::memset(&attr, 0, sizeof(attr));
  attr.query.target_fd = static_cast<uint32_t>(cgroup_dir);
  attr.query.attach_type = BPF_CGROUP_DEVICE;
  attr.query.prog_ids = reinterpret_cast<uint64_t>(ids);
  attr.query.prog_cnt = 64;
  if (!Bpf(BPF_PROG_QUERY, &attr, "", nullptr)) return {};
  return {ids, ids + std::min<uint32_t>(attr.query.prog_cnt, 64)};
}

}  // namespace

std::vector<bpf_insn> DeviceProgram(const std::vector<DeviceRule>& rules) {
  std::vector<bpf_insn> p;
  // The context: access_type is (access << 16) | type, then major and minor (struct
  // bpf_cgroup_dev_ctx).
  p.push_back(Insn(BPF_LDX | BPF_MEM | BPF_W, kType, BPF_REG_1, 0, 0));
  p.push_back(Insn(BPF_ALU | BPF_AND | BPF_K, kType, 0, 0, 0xffff));
  p.push_back(Insn(BPF_LDX | BPF_MEM | BPF_W, kAccess, BPF_REG_1, 0, 0));
  p.push_back(Insn(BPF_ALU | BPF_RSH | BPF_K, kAccess, 0, 0, 16));
  p.push_back(Insn(BPF_LDX | BPF_MEM | BPF_W, kMajor, BPF_REG_1, 4, 0));
  p.push_back(Insn(BPF_LDX | BPF_MEM | BPF_W, kMinor, BPF_REG_1, 8, 0));
  // From the last rule to the first: the first that matches decides.
  for (auto rule = rules.rbegin(); rule != rules.rend(); ++rule) {
    std::vector<bpf_insn> body;
    if (rule->type == "b" || rule->type == "c") {
      int32_t type = rule->type == "b" ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR;
      body.push_back(Insn(BPF_JMP | BPF_JNE | BPF_K, kType, 0, 0, type));
    }
    int32_t bits = AccessBits(rule->access);
    if (bits != 7 && rule->allow) {  // an access may not ask for more than the rule allows
      body.push_back(Insn(BPF_ALU | BPF_MOV | BPF_X, BPF_REG_1, kAccess, 0, 0));
      body.push_back(Insn(BPF_ALU | BPF_AND | BPF_K, BPF_REG_1, 0, 0, bits));
      body.push_back(Insn(BPF_JMP | BPF_JNE | BPF_X, BPF_REG_1, kAccess, 0, 0));
    } else if (bits != 7) {  // an access is denied when any part of it is
      body.push_back(Insn(BPF_ALU | BPF_MOV | BPF_X, BPF_REG_1, kAccess, 0, 0));
      body.push_back(Insn(BPF_ALU | BPF_AND | BPF_K, BPF_REG_1, 0, 0, bits));
      body.push_back(Insn(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_1, 0, 0, 0));
    }
    if (rule->major && *rule->major >= 0) {
      body.push_back(
          Insn(BPF_JMP | BPF_JNE | BPF_K, kMajor, 0, 0, static_cast<int32_t>(*rule->major)));
    }
    if (rule->minor && *rule->minor >= 0) {
      body.push_back(
          Insn(BPF_JMP | BPF_JNE | BPF_K, kMinor, 0, 0, static_cast<int32_t>(*rule->minor)));
    }
    body.push_back(Insn(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, rule->allow ? 1 : 0));
    body.push_back(Insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
    bool conditional = body.size() > 2;
    for (size_t i = 0; i < body.size(); ++i) {
      uint8_t op = body[i].code & 0xf0;
      bool jump = (body[i].code & 0x07) == BPF_JMP && op != BPF_EXIT;
      if (jump) body[i].off = static_cast<int16_t>(body.size() - i - 1);
    }
    p.insert(p.end(), body.begin(), body.end());
    if (!conditional) return p;  // what follows could not be reached, which the verifier refuses
  }
  p.push_back(Insn(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 1));
  p.push_back(Insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
  return p;
}

Status AttachDeviceFilter(int cgroup_dir, const std::vector<DeviceRule>& rules) {
  std::vector<bpf_insn> program = DeviceProgram(rules);
  std::vector<uint32_t> before = Attached(cgroup_dir);
  static const char license[] = "GPL";
  bpf_attr attr;
  std::memset(&attr, 0, sizeof(attr));
  attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attr.insns = reinterpret_cast<uint64_t>(program.data());
  attr.insn_cnt = static_cast<uint32_t>(program.size());
  attr.license = reinterpret_cast<uint64_t>(license);
  int fd = -1;
  TRY(Bpf(BPF_PROG_LOAD, &attr, "load the device filter", &fd));
  Fd loaded(fd);
  std::memset(&attr, 0, sizeof(attr));
  attr.target_fd = static_cast<uint32_t>(cgroup_dir);
  attr.attach_bpf_fd = static_cast<uint32_t>(loaded.get());
  attr.attach_type = BPF_CGROUP_DEVICE;
  attr.attach_flags = BPF_F_ALLOW_MULTI;
  TRY(Bpf(BPF_PROG_ATTACH, &attr, "attach the device filter", nullptr));
  for (uint32_t id : before) {
    std::memset(&attr, 0, sizeof(attr));
    attr.prog_id = id;
    int old = -1;
    if (!Bpf(BPF_PROG_GET_FD_BY_ID, &attr, "", &old)) continue;
    Fd old_program(old);
    std::memset(&attr, 0, sizeof(attr));
    attr.target_fd = static_cast<uint32_t>(cgroup_dir);
    attr.attach_bpf_fd = static_cast<uint32_t>(old);
    attr.attach_type = BPF_CGROUP_DEVICE;
    TRY(Bpf(BPF_PROG_DETACH, &attr, "replace the device filter", nullptr));
  }
  return OkStatus();
}

}  // namespace kpod::runtime
