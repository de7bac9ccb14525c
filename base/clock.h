// Time for people and for files: RFC 3339 in UTC, as Kubernetes writes it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kpod {

int64_t NowNanos();                         // CLOCK_REALTIME, since the epoch
int64_t MonotonicNanos();                   // CLOCK_MONOTONIC
std::string FormatTime(int64_t nanos);      // 2026-01-02T03:04:05Z
std::string FormatTimeNano(int64_t nanos);  // 2026-01-02T03:04:05.000000006Z
std::optional<int64_t> ParseTime(
    std::string_view rfc3339);  // with or without fraction; Z or an offset
// Go's durations: "300ms", "1h30m", "10s".
std::optional<int64_t> ParseDuration(std::string_view s);  // nanoseconds
// As Go prints one: "1m30s", "1.5s", "250ms", "0s".
std::string FormatDuration(int64_t nanos);
// As kubectl prints an age: "5s", "3m12s", "2h", "4d", "2y".
std::string HumanDuration(int64_t nanos);

}  // namespace kpod
