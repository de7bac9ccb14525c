#include "pods/grpc_health.h"

#include <algorithm>
#include <iterator>

#include "base/text.h"

namespace kpod::pods {

namespace {

constexpr size_t kFrameHeader = 5;  // a flag "compressed", four bytes of length

std::string Varint(uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
  return out;
}

std::optional<uint64_t> TakeVarint(std::string_view* bytes) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64 && !bytes->empty(); shift += 7) {
    auto byte = static_cast<unsigned char>(bytes->front());
    bytes->remove_prefix(1);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  return std::nullopt;
}

bool Skip(std::string_view* bytes, size_t size) {
  if (bytes->size() < size) return false;
  bytes->remove_prefix(size);
  return true;
}

// The rest of a field of another number.
bool SkipField(uint64_t wire_type, std::string_view* bytes) {
  switch (wire_type) {
    case 0:
      return TakeVarint(bytes).has_value();
    case 1:
      return Skip(bytes, 8);
    case 2: {
      std::optional<uint64_t> size = TakeVarint(bytes);
      return size && *size <= bytes->size() && Skip(bytes, *size);
    }
    case 5:
      return Skip(bytes, 4);
    default:
      return false;
  }
}

}  // namespace

std::string HealthRequest(std::string_view service) {
  std::string message;
  // Field 1, length-delimited; an empty string is the default and is not sent.
  if (!service.empty()) message = StrCat("\x0a", Varint(service.size()), service);
  std::string frame(kFrameHeader, '\0');
  for (size_t i = 0; i < 4; ++i)
    frame[1 + i] = static_cast<char>(message.size() >> (24 - 8 * i) & 0xff);
  return frame + message;
}

Result<uint64_t> HealthStatus(std::string_view frame) {
  if (frame.size() < kFrameHeader) return Error("unexpected EOF");
  if (frame[0] != 0) return Error("grpc: compressed flag set with identity or empty encoding");
  size_t size = 0;
  for (size_t i = 1; i < kFrameHeader; ++i) size = size << 8 | static_cast<unsigned char>(frame[i]);
  frame.remove_prefix(kFrameHeader);
  if (frame.size() < size) return Error("unexpected EOF");
  if (frame.size() > size)
    return Error("cardinality violation: received multiple response messages");
  uint64_t status = 0;
  while (!frame.empty()) {
    std::optional<uint64_t> key = TakeVarint(&frame);
    bool is_status = key && *key == (1 << 3 | 0);
    std::optional<uint64_t> value = is_status ? TakeVarint(&frame) : std::nullopt;
    if (value) status = *value;
    if (!key || (is_status && !value) || (!is_status && !SkipField(*key & 7, &frame)))
      return Error(
          "grpc: failed to unmarshal the received message: proto: cannot parse invalid "
          "wire-format data");
  }
  return status;
}

std::string ServingStatusName(uint64_t status) {
  constexpr const char* kNames[] = {"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};
  return status < std::size(kNames) ? kNames[status] : StrCat(status);
}

std::string GrpcCodeName(uint64_t code) {
  constexpr const char* kNames[] = {
      "OK",       "Canceled",       "Unknown",          "InvalidArgument",   "DeadlineExceeded",
      "NotFound", "AlreadyExists",  "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
      "Aborted",  "OutOfRange",     "Unimplemented",    "Internal",          "Unavailable",
      "DataLoss", "Unauthenticated"};
  return code < std::size(kNames) ? kNames[code] : StrCat("Code(", code, ")");
}

uint64_t GrpcCodeOfHttp(int status) {
  switch (status) {
    case 400:
      return 13;  // Internal
    case 401:
      return 16;  // Unauthenticated
    case 403:
      return 7;  // PermissionDenied
    case 404:
      return 12;  // Unimplemented
    case 429:
    case 502:
    case 503:
    case 504:
      return 14;  // Unavailable
    default:
      return 2;  // Unknown
  }
}

std::string DecodeGrpcMessage(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    std::optional<uint64_t> byte;
    if (text[i] == '%' && i + 2 < text.size()) byte = ParseHex(text.substr(i + 1, 2));
    out.push_back(byte ? static_cast<char>(*byte) : text[i]);
    if (byte) i += 2;
  }
  return out;
}

}  // namespace kpod::pods
