// Small text utilities; g++ 12 has no std::format.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace kpod {

namespace text_internal {
inline void Append(std::string& out, std::string_view s) { out.append(s); }
inline void Append(std::string& out, char c) { out.push_back(c); }
template <std::same_as<bool> B>  // exactly bool: an array of char would convert to it
void Append(std::string& out, B b) {
  out.append(b ? "true" : "false");
}
template <class N>
requires(std::is_arithmetic_v<N> && !std::is_same_v<N, char> &&
         !std::is_same_v<N, bool>) void Append(std::string& out, N n) {
  char buf[64];
  out.append(buf, std::to_chars(buf, buf + sizeof(buf), n).ptr);
}
}  // namespace text_internal

// StrCat("pod ", name, ": exit ", 3)
template <class... A>
std::string StrCat(const A&... a) {
  std::string out;
  (text_internal::Append(out, a), ...);
  return out;
}

std::vector<std::string> Split(std::string_view s, char sep);  // "a,,b" -> {"a","","b"}; "" -> {}
std::string Join(const std::vector<std::string>& parts, std::string_view sep);
std::string_view Trim(std::string_view s);  // blanks, tabs, CR, LF at both ends
std::string ToLower(std::string_view s);
std::string ToUpper(std::string_view s);
std::string ReplaceAll(std::string s, std::string_view from, std::string_view to);
bool Contains(std::string_view s, std::string_view part);
std::optional<int64_t> ParseInt(std::string_view s);   // decimal, whole string, no blanks
std::optional<uint64_t> ParseHex(std::string_view s);  // no 0x
std::string Hex(std::string_view bytes);
std::string Quote(std::string_view s);  // "…" with \n, \", \\ and control bytes escaped
std::string Plural(int64_t n, std::string_view noun);  // "1 pod", "2 pods"

std::optional<std::string> Base64Decode(
    std::string_view s);  // RFC 4648 standard alphabet, padding wanted; CR LF skipped
std::string Base64Encode(std::string_view bytes);

// The word of `known` nearest to `word` (Damerau-Levenshtein within a third of its length), or "".
std::string DidYouMean(std::string_view word, const std::vector<std::string>& known);

// Bytes for people: "512B", "1.5MB" (decimal units, as docker and podman print).
std::string HumanBytes(uint64_t bytes);

}  // namespace kpod
