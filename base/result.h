// Errors are values. A message grows outwards into one sentence ("pod web: container app: exec
// /no/such: No such file or directory") and is printed once, in cmd/main.cc. Libraries return; they
// never log and never exit.
#pragma once

#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace kpod {

// Exit codes of kpod, as podman's: 125 kpod's own failure, 126 a command cannot be invoked, 127 it
// is not found, otherwise the code of the container.
enum ExitCode { kExitOk = 0, kExitFailure = 125, kExitCannotInvoke = 126, kExitNotFound = 127 };

class [[nodiscard]] Error {
 public:
  explicit Error(std::string message, int exit_code = kExitFailure)
      : message_(std::move(message)), exit_code_(exit_code) {}

  // "what: strerror(errno)". `code` is kept so that callers can tell ENOENT from the rest.
  static Error Errno(std::string what, int code = errno) {
    Error e(std::move(what) + ": " + std::strerror(code));
    e.errno_ = code;
    return e;
  }

  const std::string& message() const { return message_; }
  int exit_code() const { return exit_code_; }
  int code() const { return errno_; }  // errno value, or 0

  Error WithExit(int exit_code) && {
    exit_code_ = exit_code;
    return std::move(*this);
  }
  Error WithCode(int code) && {
    errno_ = code;
    return std::move(*this);
  }
  Error Wrap(std::string_view context) && {
    message_ = std::string(context) + ": " + message_;
    return std::move(*this);
  }

 private:
  std::string message_;
  int exit_code_ = kExitFailure;
  int errno_ = 0;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : v_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Result(Error error)
      : v_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return v_.index() == 0; }
  explicit operator bool() const { return ok(); }
  T& value() & { return std::get<0>(v_); }
  const T& value() const& { return std::get<0>(v_); }
  T&& value() && { return std::get<0>(std::move(v_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  Error& error() { return std::get<1>(v_); }
  const Error& error() const { return std::get<1>(v_); }
  T value_or(T other) && { return ok() ? std::get<0>(std::move(v_)) : std::move(other); }

  // Puts "context: " before the message of an error; a value passes unchanged.
  Result Context(std::string_view context) && {
    if (!ok()) v_.template emplace<1>(std::move(error()).Wrap(context));
    return std::move(*this);
  }

 private:
  std::variant<T, Error> v_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : e_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return !e_.has_value(); }
  explicit operator bool() const { return ok(); }
  void value() const {}
  Error& error() { return *e_; }
  const Error& error() const { return *e_; }
  Result Context(std::string_view context) && {
    if (e_) e_ = std::move(*e_).Wrap(context);
    return std::move(*this);
  }

 private:
  std::optional<Error> e_;
};

using Status = Result<void>;
inline Status OkStatus() { return {}; }

// `auto x = TRY(Open(path));` returns the error from the enclosing function, or yields the value.
#define TRY(expr)                                                         \
  ({                                                                      \
    auto kpod_try_result = (expr);                                        \
    if (!kpod_try_result.ok()) return std::move(kpod_try_result.error()); \
    std::move(kpod_try_result).value();                                   \
  })

// Runs `undo` at the end of the scope unless dismissed: every half-done step has one.
template <class F>
class [[nodiscard]] Undo {
 public:
  explicit Undo(F undo) : undo_(std::move(undo)) {}
  Undo(const Undo&) = delete;
  Undo& operator=(const Undo&) = delete;
  ~Undo() {
    if (armed_) undo_();
  }
  void Dismiss() { armed_ = false; }

 private:
  F undo_;
  bool armed_ = true;
};

}  // namespace kpod
