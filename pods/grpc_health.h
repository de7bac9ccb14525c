// The two messages of grpc.health.v1.Health/Check and gRPC's words around them. Pure.
// Source: github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, health-checking.md and
// protobuf.dev/programming-guides/encoding.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace kpod::pods {

// A HealthCheckRequest {string service = 1} in its length-prefixed frame.
std::string HealthRequest(std::string_view service);
// The status of a HealthCheckResponse {ServingStatus status = 1} in its frame. Errors: what came is
// no such message, or more than one.
Result<uint64_t> HealthStatus(std::string_view frame);
std::string ServingStatusName(uint64_t status);  // SERVING, NOT_SERVING ...

std::string GrpcCodeName(uint64_t code);          // "Unimplemented"; "Code(99)"
uint64_t GrpcCodeOfHttp(int status);              // http-grpc-status-mapping.md
std::string DecodeGrpcMessage(std::string_view);  // percent-encoded

}  // namespace kpod::pods
