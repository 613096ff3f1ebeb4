// How a call says that it failed: Result<T>, an Error with a kind for code and a text for operators.
#pragma once
#include <cstdint>
#include <stdexcept>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace deferd {

enum class Errc : std::uint8_t {
  invalid = 1,     ///< The caller's input is wrong; `what` says where and how.
  not_found,       ///< There is no such thing.
  conflict,        ///< Somebody else changed it in between; read again.
  busy,            ///< Not now: a time limit or a queue was exceeded.
  unavailable,     ///< The store, resolver or helper cannot be reached at present.
  io,              ///< The operating system refused (disk full, permission).
  corrupt,         ///< Stored bytes are damaged.
  cursor_too_old,  ///< The change feed no longer holds what follows this cursor: take a snapshot.
};

struct Error {
  Errc code = Errc::invalid;
  std::string what;  ///< For operators, never for strangers.
};

/// Becomes std::expected when the compiler has it; this alias is the one place to change.
template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(Errc code, std::string what) { return tl::unexpected<Error>(Error{code, std::move(what)}); }

/// Carries an Error through code that has no better idea than to let its caller's edge catch it.
class ErrorException : public std::runtime_error {
 public:
  explicit ErrorException(Error error) : std::runtime_error(error.what), code(error.code) {}
  Errc code;
};

template <class T>
T or_throw(Result<T> result) {
  if (!result) throw ErrorException(std::move(result.error()));
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace deferd
