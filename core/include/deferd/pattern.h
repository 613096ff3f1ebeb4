// Regular expressions as operators write them in list files and rules: /^mail\d+\.example\.org$/, case ignored.
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "deferd/result.h"

namespace deferd {

/// Understood: the extended expressions of POSIX and what Perl users write every day: \d \w \s and their negations, escaped
/// punctuation, (?:...), lazy quantifiers. Refused with a message: back-references, look-around, \b and other Perl escapes, and
/// whatever could take long or much memory. Immutable; any thread may match.
class Pattern {
 public:
  static constexpr std::size_t kMaxSize = 400;    ///< Bytes of an expression.
  static constexpr std::size_t kMaxAtoms = 1000;  ///< Of an expression when its {n,m} are written out.

  /// `text` without the slashes around it. Errors: invalid.
  static Result<Pattern> compile(std::string_view text);

  /// Looks for the expression anywhere in `subject`, which is in lower case and without NUL bytes; the caller bounds its size.
  bool matches(const std::string& subject) const;

  const std::string& text() const { return text_; }

 private:
  Pattern() = default;
  std::string text_;
  std::string literal_;  // must occur in every subject that matches: cheaper to look for than to run the expression
  std::shared_ptr<const void> compiled_;
};

}  // namespace deferd
